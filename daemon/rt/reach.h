/*
 * Why a host cannot be reached, in words: libzmq does not say. A thread of its own resolves the name,
 * connects once and closes; the answer comes back on the loop. Nobody waits for it: when it is not wanted any
 * more the thread ends by itself.
 */
#ifndef AFTERSYNC_DAEMON_RT_REACH_H
#define AFTERSYNC_DAEMON_RT_REACH_H

#include "daemon/rt/loop.h"

struct reach;

#define REACH_TIMEOUT_MS 5000 /* for connecting; resolving takes what the resolver takes */

enum reach_kind {
	REACH_NO_NAME, /* the name is not resolved */
	REACH_NO_CONNECTION,
	REACH_CONNECTED, /* now it works */
};

/*
 * host  a name or a literal address; port in digits. Both are copied.
 * fn    called once, then the reach is freed; why: "connection refused", "no route to host" …; ipv6: the host
 * has no IPv4 address (false when it is not resolved)
 */
typedef void (*reach_fn)(void *arg, enum reach_kind kind, const char *why, bool ipv6);
as_err reach_start(struct reach **ret_reach, struct loop *loop, const char *host, const char *port,
		   reach_fn fn, void *arg) AS_MUST_CHECK;

/* fn is not called any more. NULL is fine. */
void reach_cancel(struct reach *reach);

#endif
