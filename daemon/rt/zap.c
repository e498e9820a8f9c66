#include "daemon/rt/zap.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/cleanup.h"
#include "daemon/rt/net.h"
#include "daemon/rt/zsock.h"

#define ADDRESS_OF_ZAP "inproc://zeromq.zap.01"
#define QUESTIONS_EACH_TURN 64
#define QUESTION_BYTES_MAX 4096 /* libzmq's own are far smaller */

as_err zap_open(void **ret_socket)
{
	void *s;
	as_err err = zsock_open(&s, &(struct zsock_opts){.type = ZMQ_ROUTER,
							 .max_message_bytes = QUESTION_BYTES_MAX,
							 .handshake_ms = 3000});

	if (err)
		return err;
	/* no bound: a question that is dropped would be a handshake that hangs */
	if (!zsock_set(s, ZMQ_RCVHWM, 0) || !zsock_set(s, ZMQ_SNDHWM, 0) ||
	    zmq_bind(s, ADDRESS_OF_ZAP) != 0) {
		zsock_close(s);
		return AS_EEXIST;
	}
	*ret_socket = s;
	return AS_OK;
}

void zap_close(void *socket)
{
	/* closing alone would free the name some time later */
	if (socket)
		zmq_unbind(socket, ADDRESS_OF_ZAP);
	zsock_close(socket);
}

/* Frames of a question: routing id, "", "1.0", request id, domain, address, routing id, "CURVE", key. */
enum { ID, EMPTY, VERSION, REQUEST, DOMAIN, ADDRESS, ROUTING, MECHANISM, KEY, FRAMES };

struct question {
	zmq_msg_t frames[FRAMES];
	int n; /* initialised */
	bool whole;
};

static void question_done(struct question *q)
{
	for (int i = 0; i < q->n; i++)
		zmq_msg_close(&q->frames[i]);
}

static struct bytes frame(struct question *q, int i)
{
	return bytes_of(zmq_msg_data(&q->frames[i]), zmq_msg_size(&q->frames[i]));
}

static bool is(struct question *q, int i, const char *text)
{
	return bytes_equal(frame(q, i), bytes_of_str(text));
}

/* False when there is none. */
static bool question_recv(struct question *q, void *socket)
{
	bool more = true;

	while (more && q->n < FRAMES) {
		zmq_msg_init(&q->frames[q->n++]);
		if (!zsock_recv(&q->frames[q->n - 1], socket))
			return false;
		more = zmq_msg_more(&q->frames[q->n - 1]);
	}
	q->whole = q->n == FRAMES && !more;
	if (more) {
		AS_AUTO(zsock_msg) zmq_msg_t rest;
		zmq_msg_init(&rest);
		zsock_recv_rest(socket, true, &rest);
	}
	return true;
}

static void send_part(void *socket, struct bytes part, bool more)
{
	/* who asked may be gone: then the router drops it */
	zmq_send(socket, part.p, part.n, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
}

static void answer(void *socket, struct question *q, bool ok, const char *user)
{
	send_part(socket, frame(q, ID), true);
	send_part(socket, bytes_of_str(""), true);
	send_part(socket, bytes_of_str("1.0"), true);
	send_part(socket, frame(q, REQUEST), true);
	send_part(socket, bytes_of_str(ok ? "200" : "400"), true);
	send_part(socket, bytes_of_str(ok ? "OK" : "not admitted"), true);
	send_part(socket, bytes_of_str(ok ? user : ""), true);
	send_part(socket, bytes_of_str(""), false);
}

static void decide(void *socket, struct question *q, zap_fn fn, void *arg)
{
	char user[ZAP_USER_MAX] = "", address[ZAP_ADDRESS_MAX] = "";
	struct bytes key = frame(q, KEY), from = frame(q, ADDRESS);

	if (from.n < sizeof address)
		memcpy(address, from.p, from.n);
	bool ok = is(q, VERSION, "1.0") && is(q, DOMAIN, ZAP_DOMAIN) && is(q, MECHANISM, "CURVE") &&
		  key.n == NET_KEY && fn(arg, key.p, address, user) && user[0];
	answer(socket, q, ok, user);
}

bool zap_serve(void *socket, zap_fn fn, void *arg)
{
	for (int i = 0; i < QUESTIONS_EACH_TURN; i++) {
		AS_AUTO(question) struct question q = {.n = 0};
		if (!question_recv(&q, socket))
			return false;
		if (q.whole)
			decide(socket, &q, fn, arg);
	}
	return true;
}
