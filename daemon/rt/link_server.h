/*
 * Head office's side of the links: a ROUTER with CURVE, and the ZAP handler that says whose key is admitted.
 *
 * CURVE without a handler lets everybody in (libzmq 4.3.4). So the handler is bound before the socket and
 * lives longer; the option that enforces it is read back; before anything is bound for others, a client with
 * an unknown key tries a port of the loopback interface and must be refused; and a message that names no user
 * is dropped.
 *
 * A link is one connection of one key; it has a number, which is never used again in a run, from its first
 * message on. The end of a connection is told by `down`, soon, but not at once, and after its last message; a
 * link that was told down may still speak, as another link. All calls and callbacks: loop's thread. One a
 * process.
 */
#ifndef AFTERSYNC_DAEMON_RT_LINK_SERVER_H
#define AFTERSYNC_DAEMON_RT_LINK_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "daemon/rt/loop.h"
#include "daemon/rt/net.h"

#define LINK_USER_MAX 96 /* bytes of a user id, with its 0 */

struct link_server;

struct link_server_conf {
	const char *listen;		    /* tcp://A.B.C.D:PORT or tcp://[V6]:PORT; no names, no port 0 */
	const uint8_t *secret, *public_key; /* NET_KEY bytes each */
	uint32_t max_message_bytes;
	uint32_t handshake_ms; /* who has not finished by then is cut; 0: 3 s */
	uint32_t max_links;    /* beyond that the link that was silent for longest is forgotten */

	/*
	 * For each handshake, also that of the self-test, whose key nobody knows: true and a user id without
	 * control characters, or false. Fast: others wait.
	 */
	bool (*admit)(void *ctx, const uint8_t key[NET_KEY], char ret_user[LINK_USER_MAX]);

	/* user, key, frame: borrowed until it returns. May send, and drop links. */
	void (*message)(void *ctx, uint32_t link, const char *user, const uint8_t key[NET_KEY],
			struct bytes frame);

	/* The link is gone. Never from within link_server_send. */
	void (*down)(void *ctx, uint32_t link);

	/*
	 * A handshake failed or a message was dropped: counted and logged (what=link-refused) already. NULL
	 * is fine. What is not even the beginning of a handshake libzmq cuts without telling us.
	 * peer_address: "" when not known.
	 */
	void (*refused)(void *ctx, const char *why, const char *peer_address);
	void *ctx;
};

struct link_server_counts {
	uint64_t admitted; /* handshakes */
	uint64_t refused;  /* handshakes: unknown key, no handshake at all, no descriptor free */
	uint64_t
	    dropped; /* messages that are none of ours: several frames, no user, a routing id of its own */
	uint64_t messages; /* handed over */
	uint32_t links;	   /* now */
};

/*
 * conf is copied but for the callbacks' ctx. em says what was wrong.
 * AS_EINVAL: listen or keys; AS_EIO: cannot bind; AS_EUNSUPPORTED: the library does not enforce the handler;
 * AS_EREFUSED: the self-test got in. Blocks for the self-test: milliseconds, two seconds at most.
 */
as_err link_server_open(struct link_server **ret_server, struct loop *loop,
			const struct link_server_conf *conf, struct as_errmsg *em) AS_MUST_CHECK;
void link_server_close(struct link_server *server); /* NULL is fine; no down is called */

/* What was bound, as one can connect to it. */
const char *link_server_endpoint(const struct link_server *server);

/*
 * false: the link is gone, or does not take what it is sent (queue full, a message would be lost): `down`
 * follows from the loop. true says nothing about arrival.
 */
bool link_server_send(struct link_server *server, uint32_t link, struct bytes frame);

/*
 * The same without a copy: take_data is given to free_data(take_data, hint) when it is sent, or not, also
 * when this returns false. free_data is called in any thread.
 */
bool link_server_send_take(struct link_server *server, uint32_t link, void *take_data, size_t n,
			   void (*free_data)(void *data, void *hint), void *hint);

/* Forgets the link, without `down`. Its connection stays: if it speaks again it is another link. */
void link_server_drop(struct link_server *server, uint32_t link);

struct link_server_counts link_server_counts(const struct link_server *server);

#endif
