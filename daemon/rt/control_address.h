/*
 * A control socket by its path, however long: the name of a socket may have 107 bytes only, so the folder is
 * opened and named as /proc/self/fd/N. For the daemon that listens and for the programs that connect. Any
 * thread.
 */
#ifndef AFTERSYNC_DAEMON_RT_CONTROL_ADDRESS_H
#define AFTERSYNC_DAEMON_RT_CONTROL_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/err.h"

struct control_address {
	struct sockaddr_un to; /* good as long as the folder is open */
	int folder;	       /* -1: not open */
	const char *name;      /* the last part of the path, in the caller's memory */
};

/*
 * path  borrowed for as long as ret is used; its last part has at most 80 bytes.
 * AS_EINVAL: no such name is possible. AS_ENOTFOUND: no such folder. AS_EIO. em says which.
 */
as_err control_address(const char *path, struct control_address *ret, struct as_errmsg *em) AS_MUST_CHECK;
void control_address_done(struct control_address *a); /* zeroed by {.folder = -1} */

/*
 * A connected stream socket, the caller's. AS_ENOTFOUND: no socket there; AS_EREFUSED: nobody listens (the
 * daemon does not run, its socket was left behind), or no permission; AS_EIO.
 */
as_err control_connect(const char *path, int *ret_fd, struct as_errmsg *em) AS_MUST_CHECK;

#endif
