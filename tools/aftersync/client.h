/*
 * The control socket of a running daemon: one request, answers one JSON object a line, until {"exit":N}. One
 * thread, one request a connection.
 */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_CLIENT_H
#define AFTERSYNC_TOOLS_AFTERSYNC_CLIENT_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/intake/json.h"

/* An answer is at most this long: a report is one line. */
#define CLIENT_LINE_MAX (256u << 20)

/* How long a daemon may be silent. Verifying or rebuilding a large store says nothing for long. */
#define CLIENT_SILENT_MS (60 * 60 * 1000)

/* `aftersync-branchd --dir DIR & aftersync submit …`: so long does a daemon have to listen. */
#define CLIENT_START_MS 2000
#define CLIENT_AGAIN_MS 50

struct client {
	int fd;
	struct buf in;
	size_t at;   /* in.p[at …] is not taken yet */
	size_t seen; /* there is no line end in at … seen */
};

/*
 * Connects to DIR/run/control.sock, however long the path is. Afterwards client_done in any case.
 *
 * returns  AS_ENOTFOUND: no daemon listens there; AS_EINVAL: no such directory; AS_EIO. em in all cases.
 */
as_err client_open(struct client *c, const char *dir, struct as_errmsg *em) AS_MUST_CHECK;

/* The same, and a daemon that was started just now is waited for, CLIENT_START_MS. */
as_err client_open_wait(struct client *c, const char *dir, struct as_errmsg *em) AS_MUST_CHECK;
void client_done(struct client *c);

/* Sends everything. AS_EIO. */
as_err client_send(struct client *c, struct bytes data, struct as_errmsg *em) AS_MUST_CHECK;

/* A request as one line. AS_EIO, AS_ENOMEM. */
as_err client_ask(struct client *c, const json_t *request, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * The next whole line, without its end, valid until the next call. Waits. AS_EIO: the daemon closed the
 * connection, was silent for too long, or sent a line over the limit.
 */
as_err client_line(struct client *c, struct bytes *ret_line, struct as_errmsg *em) AS_MUST_CHECK;

/* The same without waiting, for those who poll c->fd. AS_ENOTFOUND: no whole line yet; AS_EIO: closed or
 * broken. */
as_err client_line_now(struct client *c, struct bytes *ret_line, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Is it the last one? Then *ret_exit, and *ret_error: what its "error" says, NULL when nothing; lives as long
 * as `answer`. An exit code out of 0 … 255 counts as 1.
 */
bool client_is_end(const json_t *answer, int *ret_exit, const char **ret_error);

#endif
