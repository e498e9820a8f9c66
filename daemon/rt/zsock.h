/*
 * What link_server and link_client share: sockets with the options that every link has, and their monitors.
 * Only for daemon/rt. Loop's thread.
 */
#ifndef AFTERSYNC_DAEMON_RT_ZSOCK_H
#define AFTERSYNC_DAEMON_RT_ZSOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "common/base/err.h"

#define ZSOCK_HWM 1000 /* messages a peer; never counted on, the cores bound bytes by credit */
#define ZSOCK_HEARTBEAT_MS 30000
#define ZSOCK_SILENCE_MS 180000 /* a peer that is silent for so long is cut; only a whole message counts */

struct zsock_opts {
	int type;
	uint32_t max_message_bytes; /* a larger frame cuts the connection; also before the handshake */
	int handshake_ms;
	bool ipv6; /* else IPv4 only: libzmq takes the first address of a name and no other */
};

/* A socket with these, heartbeats and no lingering. Nothing is bound or connected. AS_ENOMEM, AS_EIO. */
as_err zsock_open(void **ret_socket, const struct zsock_opts *opts) AS_MUST_CHECK;
void zsock_close(void *socket); /* NULL is fine */

bool zsock_set(void *socket, int option, int value);
bool zsock_set_key(void *socket, int option, const uint8_t key[32]);

/* The value as the library holds it; -1 when it cannot say. */
int zsock_get(void *socket, int option);

/* Closes a message at the end of its scope: AS_AUTO(zsock_msg) zmq_msg_t m; after zmq_msg_init. */
void zsock_msg_done(zmq_msg_t *m);

/* One frame, without waiting; false when there is none. m is initialised. */
bool zsock_recv(zmq_msg_t *m, void *socket);

/*
 * The rest of a message after its first frame: ret_last is its last frame. Returns how many frames there
 * were; 0: none, ret_last is untouched.
 */
unsigned zsock_recv_rest(void *socket, bool more, zmq_msg_t *ret_last);

/*
 * Events (ZMQ_EVENT_…) of a socket, as a socket. Its queue has no bound, since libzmq's own thread would wait
 * for us: read it to the end whenever the loop says so.
 */
as_err zsock_monitor(void *socket, int events, void **ret_monitor) AS_MUST_CHECK;
bool zsock_event(void *monitor, uint16_t *ret_event, uint32_t *ret_value);

/* Both, in the order in which libzmq never writes events that nobody can read: it would wait. NULLs are fine.
 */
void zsock_close_both(void *socket, void *monitor);

#endif
