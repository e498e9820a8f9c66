/*
 * A branch's side of the link: a DEALER with CURVE, one connection at a time, made when it is asked for and
 *never made again by itself. How it goes is read from the socket's monitor.
 *
 *	idle --connect--> connecting --> handshake --> up
 *	  ^                   |              |          |      each of the three ends with one `down`,
 *	  +-------------------+--------------+----------+      and at the latest after 2 timeout_ms and 7 s if
 *it is not up
 *
 * Loop's thread.
 */
#ifndef AFTERSYNC_DAEMON_RT_LINK_CLIENT_H
#define AFTERSYNC_DAEMON_RT_LINK_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "daemon/rt/loop.h"
#include "daemon/rt/net.h"

struct link_client;

struct link_client_conf {
	const char *endpoint; /* tcp://HOST:PORT, copied; a name is resolved at each connect, to IPv4 */
	const uint8_t *server_public; /* NET_KEY bytes, copied */
	uint32_t max_message_bytes;
	uint32_t timeout_ms;   /* for connecting, and again for the handshake; 0: 10 s */
	void (*up)(void *ctx); /* head office has admitted the key */

	/* The connection failed or ended; at most once per connect. why: one sentence without a full stop.
	 * May connect. */
	void (*down)(void *ctx, const char *why);
	void (*message)(void *ctx,
			struct bytes frame); /* borrowed until it returns; only between up and down */
	void *ctx;
};

/* AS_EINVAL: the endpoint, as em says. Nothing is connected yet. */
as_err link_client_open(struct link_client **ret_client, struct loop *loop,
			const struct link_client_conf *conf, struct as_errmsg *em) AS_MUST_CHECK;
void link_client_close(struct link_client *client); /* NULL is fine; no down is called */

/*
 * Drops what there is, without `down`, and connects with these keys (copied). up or down follows, never from
 * within. An error: nothing is under way.
 */
as_err link_client_connect(struct link_client *client, const uint8_t secret[NET_KEY],
			   const uint8_t public_key[NET_KEY]) AS_MUST_CHECK;
void link_client_disconnect(struct link_client *client); /* without `down` */
bool link_client_is_up(const struct link_client *client);

/*
 * false: not up, or it does not take what it is sent: `down` follows from the loop then. true says nothing
 * about arrival.
 */
bool link_client_send(struct link_client *client, struct bytes frame);

#endif
