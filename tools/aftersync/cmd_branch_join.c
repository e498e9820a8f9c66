/* branch join: makes keys, configuration, store from a join code. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/crypto/random.h"
#include "tools/aftersync/commands.h"
#include "tools/aftersync/offline.h"

/* More than any join code with the line breaks of a mail. */
#define CODE_MAX 4096

int cmd_branch_join(const struct args *a)
{
	const char *dir = cli_value(a, "dir");
	struct as_errmsg em = {"out of memory"};
	char code[CODE_MAX] = "";
	as_err err;

	if (strcmp(a->arg, "-") == 0) { /* arguments are seen by others on this machine */
		size_t n = fread(code, 1, sizeof code - 1, stdin);
		if (ferror(stdin))
			return cli_fail(EXIT_IO, a, "standard input: %s", strerror(errno));
		code[n] = 0;
	}
	err = offline_branch_join(code[0] ? code : a->arg, dir, &em);
	as_wipe(code, sizeof code);
	if (err) /* a code that is none was typed wrong */
		return cli_fail(err == AS_EPROTO   ? EXIT_USAGE
				: err == AS_EEXIST ? EXIT_CONFIG
						   : cli_exit_of(err),
				a, "%s", em.text);
	printf("Branch made in %s; events can be recorded from now on, with or without the line.\n"
	       "Next: aftersync-branchd --dir %s\n",
	       dir, dir);
	return EXIT_DONE;
}
