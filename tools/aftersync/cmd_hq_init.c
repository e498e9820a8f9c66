/* hq init: makes a head office. */
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "tools/aftersync/commands.h"
#include "tools/aftersync/offline.h"
#include "tools/aftersync/passphrase.h"

int cmd_hq_init(const struct args *a)
{
	AS_AUTO(passphrase) struct passphrase given = {0}, made = {0};
	struct offline_hq hq = {.dir = cli_value(a, "dir"),
				.listen = cli_value(a, "listen"),
				.org = cli_value(a, "org"),
				.timezone = cli_value(a, "timezone")};
	const char *file = cli_value(a, "passphrase-file");
	struct as_errmsg em = {"out of memory"};
	as_err err;

	_Static_assert(sizeof made.text >= OFFLINE_PASSPHRASE_MAX, "one size");
	if (file && (err = passphrase_read_file(&given, file, &em)))
		return cli_fail(cli_exit_of(err), a, "%s", em.text);
	hq.passphrase = bytes_of(given.text, given.n);
	if ((err = offline_hq_init(&hq, made.text, &em)))
		return cli_fail(err == AS_EEXIST ? EXIT_CONFIG : cli_exit_of(err), a, "%s", em.text);
	printf("Head office made in %s.\n", hq.dir);
	if (made.text[0])
		printf("Passphrase of the root key, shown this once; write it down and lock it away:\n%s\n",
		       made.text);
	printf("Next: aftersync-hqd --dir %s\n", hq.dir);
	return EXIT_DONE;
}
