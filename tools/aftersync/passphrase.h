/* A passphrase read from a file or asked for on the terminal; wiped at the end of its scope. */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_PASSPHRASE_H
#define AFTERSYNC_TOOLS_AFTERSYNC_PASSPHRASE_H

#include <stddef.h>

#include "common/base/err.h"

struct passphrase {
	size_t n;
	char text[1024];
};

void passphrase_done(struct passphrase *p);

/* The first line. AS_EIO, AS_EINVAL: empty or too long. */
as_err passphrase_read_file(struct passphrase *p, const char *path, struct as_errmsg *em) AS_MUST_CHECK;

/* Without echo. AS_EINVAL: standard input is no terminal, or nothing was typed; nothing is asked then. */
as_err passphrase_ask(struct passphrase *p, const char *prompt, struct as_errmsg *em) AS_MUST_CHECK;

#endif
