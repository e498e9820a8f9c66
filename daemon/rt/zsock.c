#include "daemon/rt/zsock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "daemon/rt/net.h"

/* What CURVE adds to a frame (RFC 26: command name, nonce, tag, flags) is counted by the library. */
#define CURVE_EXTRA 33

bool zsock_set(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

bool zsock_set_key(void *socket, int option, const uint8_t key[32])
{
	return zmq_setsockopt(socket, option, key, 32) == 0;
}

int zsock_get(void *socket, int option)
{
	int value = -1;
	size_t n = sizeof value;

	return zmq_getsockopt(socket, option, &value, &n) == 0 ? value : -1;
}

void zsock_close(void *socket)
{
	if (socket)
		zmq_close(socket);
}

as_err zsock_open(void **ret_socket, const struct zsock_opts *opts)
{
	void *s = zmq_socket(net_context(), opts->type);
	int64_t max = (int64_t)opts->max_message_bytes + CURVE_EXTRA;

	as_assert(opts->max_message_bytes > 0);
	if (s == NULL)
		return AS_ENOMEM;
	if (!zsock_set(s, ZMQ_LINGER, 0) || !zsock_set(s, ZMQ_SNDHWM, ZSOCK_HWM) ||
	    !zsock_set(s, ZMQ_RCVHWM, ZSOCK_HWM) ||
	    zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &max, sizeof max) != 0 ||
	    !zsock_set(s, ZMQ_HANDSHAKE_IVL, opts->handshake_ms) ||
	    !zsock_set(s, ZMQ_HEARTBEAT_IVL, ZSOCK_HEARTBEAT_MS) ||
	    !zsock_set(s, ZMQ_HEARTBEAT_TIMEOUT, ZSOCK_SILENCE_MS) ||
	    !zsock_set(s, ZMQ_HEARTBEAT_TTL, ZSOCK_SILENCE_MS) || !zsock_set(s, ZMQ_IPV6, opts->ipv6)) {
		zsock_close(s);
		return AS_EIO;
	}
	*ret_socket = s;
	return AS_OK;
}

void zsock_msg_done(zmq_msg_t *m)
{
	zmq_msg_close(m);
}

bool zsock_recv(zmq_msg_t *m, void *socket)
{
	int n;

	do {
		n = zmq_msg_recv(m, socket, ZMQ_DONTWAIT);
	} while (n < 0 && zmq_errno() == EINTR);
	return n >= 0;
}

unsigned zsock_recv_rest(void *socket, bool more, zmq_msg_t *ret_last)
{
	unsigned n = 0;

	/* the frames of a message arrive together: no frame is waited for */
	while (more && zsock_recv(ret_last, socket)) {
		more = zmq_msg_more(ret_last);
		n++;
	}
	return n;
}

as_err zsock_monitor(void *socket, int events, void **ret_monitor)
{
	static unsigned number;
	char name[64];
	void *m = zmq_socket(net_context(), ZMQ_PAIR);

	if (m == NULL)
		return AS_ENOMEM;
	snprintf(name, sizeof name, "inproc://monitor-%u", number++);
	if (!zsock_set(m, ZMQ_LINGER, 0) || !zsock_set(m, ZMQ_RCVHWM, 0) ||
	    zmq_socket_monitor(socket, name, events) != 0 || zmq_connect(m, name) != 0) {
		zsock_close(m);
		return AS_EIO;
	}
	*ret_monitor = m;
	return AS_OK;
}

bool zsock_event(void *monitor, uint16_t *ret_event, uint32_t *ret_value)
{
	AS_AUTO(zsock_msg) zmq_msg_t m;
	uint8_t b[6];

	zmq_msg_init(&m);
	if (!zsock_recv(&m, monitor))
		return false;
	memset(b, 0, sizeof b);
	if (zmq_msg_size(&m) == sizeof b)
		memcpy(b, zmq_msg_data(&m), sizeof b);
	/* the second frame is our own endpoint */
	zsock_recv_rest(monitor, zmq_msg_more(&m), &m);
	memcpy(ret_event, b, 2);
	memcpy(ret_value, b + 2, 4);
	return true;
}

void zsock_close_both(void *socket, void *monitor)
{
	if (socket && monitor)
		zmq_socket_monitor(socket, NULL, 0);
	zsock_close(socket);
	zsock_close(monitor);
}
