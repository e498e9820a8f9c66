/* hq instance new: head office goes on after a restore, as its next life. */
#include <stdio.h>

#include "common/base/cleanup.h"
#include "tools/aftersync/client.h"
#include "tools/aftersync/commands.h"
#include "tools/aftersync/offline.h"
#include "tools/aftersync/passphrase.h"

int cmd_hq_instance_new(const struct args *a)
{
	AS_AUTO(passphrase) struct passphrase p = {0};
	const char *dir = cli_value(a, "dir"), *root = cli_value(a, "root"),
		   *file = cli_value(a, "passphrase-file");
	struct as_errmsg em = {"out of memory"};
	char beside[4096];
	uint32_t number = 0;
	as_err err;

	if (root == NULL) {
		if ((size_t)snprintf(beside, sizeof beside, "%s/root.key", dir) >= sizeof beside)
			return cli_fail(EXIT_CONFIG, a, "%.100s…: the path is too long; use --root", dir);
		root = beside;
	}
	err = file ? passphrase_read_file(&p, file, &em)
		   : passphrase_ask(&p, "Passphrase of the root key", &em);
	if (!err)
		err = offline_hq_instance_new(dir, root, bytes_of(p.text, p.n), &number, &em);
	if (err)
		return cli_fail(cli_exit_of(err), a, "%s", em.text);
	printf("Head office is now instance %u. Next: aftersync-hqd --dir %s\n", number, dir);
	return EXIT_DONE;
}
