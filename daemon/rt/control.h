/*
 * The control socket: a Unix stream socket on which others on this machine ask, a JSON object a line, and are
 * answered in the same way. This module moves lines; what is in them is the owner's.
 *
 * Who may connect: root, the user of the daemon, and members of the socket's group. What a connection can
 * cost is bounded: one line of line_max, one read, and unsent_max of answers; while half of that is unsent
 * nothing more is read from it. All calls and callbacks: loop's thread.
 *
 * A connection lives until `closed`, which comes exactly once for each, never from within another call of
 * this module but control_close. After control_finish or an error it takes no more answers, but may be used.
 */
#ifndef AFTERSYNC_DAEMON_RT_CONTROL_H
#define AFTERSYNC_DAEMON_RT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "daemon/rt/loop.h"

struct control;
struct control_conn;

struct control_conf {
	const char *path; /* of any length; copied */
	uint32_t line_max; /* bytes without the newline; of a longer one line_max + 1 are handed over, the
			      rest is skipped */
	uint32_t unsent_max;	  /* bytes of answers that wait for the peer; at least 64 KiB */
	uint32_t connections_max; /* one more is told so, and closed */

	/* line: without its newline, borrowed until it returns. A last line without newline counts as one. */
	void (*line)(void *ctx, struct control_conn *conn, struct bytes line);

	/* The peer will send nothing more, but may still read: finish when the last answer is written. */
	void (*eof)(void *ctx, struct control_conn *conn);

	/* What was unsent is sent, after it was half of unsent_max or more. NULL is fine. */
	void (*drained)(void *ctx, struct control_conn *conn);

	/* The last call for conn: by us, by the peer, or finished. */
	void (*closed)(void *ctx, struct control_conn *conn);
	void *ctx;
};

/*
 * AS_EEXIST: somebody listens there, or what is there is no socket; AS_EINVAL, AS_ENOTFOUND: path; AS_EIO. em
 * says it. A socket that was left behind is replaced. Mode 0660, group as the folder gives it.
 */
as_err control_open(struct control **ret_control, struct loop *loop, const struct control_conf *conf,
		    struct as_errmsg *em) AS_MUST_CHECK;

/* Removes the socket, closes all connections after one try to send what is unsent; calls their `closed`. */
void control_close(struct control *control); /* NULL is fine */

/*
 * Adds to what is sent at the end of this turn of the loop. AS_ETOOBIG: more than unsent_max would be unsent,
 * nothing is added; AS_EREFUSED: finished or broken. Add the newline.
 */
as_err control_write(struct control_conn *conn, struct bytes text) AS_MUST_CHECK;
size_t control_unsent(const struct control_conn *conn);

/* No lines until resume: too much is unanswered. Takes effect before the next line, also from within `line`.
 */
void control_pause(struct control_conn *conn);
void control_resume(struct control_conn *conn);

/* Closes when what is unsent is sent; no more lines. */
void control_finish(struct control_conn *conn);

/*
 * Hands the connection to the caller: a descriptor of its own, blocking, for a thread that answers there; -1: none. What
 * was read and not handed over is lost. Nothing may be unsent. `closed` comes as ever.
 */
int control_detach(struct control_conn *conn);

/* A pointer of the owner's for this connection, NULL at first. */
void **control_user(struct control_conn *conn);

/* Connections there are. */
uint32_t control_connections(const struct control *control);

#endif
