#include "daemon/rt/link_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "daemon/rt/reach.h"
#include "daemon/rt/zsock.h"

#define TIMEOUT_MS 10000
#define SLACK_MS 1000	  /* libzmq's own timers first */
#define QUIET_MS 1000	  /* no event of a connection at all: is it the name? */
#define WRITABLE_MS 15000 /* how often an open link is looked at: a lost event must not keep it for ever */
#define MESSAGES_EACH_TURN 128
#define ENDPOINT_MAX 320

enum state {
	IDLE,
	STARTED,    /* libzmq was told; no socket of the kernel yet */
	CONNECTING, /* the kernel connects */
	HANDSHAKE,
	UP,
	ASKING, /* it failed; the reach says why */
};

struct link_client {
	struct loop *loop;
	struct link_client_conf conf;
	uint8_t server_public[NET_KEY];
	char endpoint[ENDPOINT_MAX], host[256], port[8];
	bool ipv6;    /* a literal IPv6 address, or the name has no other */
	bool literal; /* no name: it has the family that it has */
	enum state state;
	void *dealer, *monitor;
	struct loop_timer timer;  /* of the state */
	struct loop_timer broken; /* a send failed: down is owed */
	struct reach *reach;
};

static void set_state(struct link_client *c, enum state state, uint64_t for_ms)
{
	c->state = state;
	loop_timer_set(c->loop, &c->timer, clock_mono_ms() + for_ms);
}

static void go_idle(struct link_client *c)
{
	loop_timer_cancel(c->loop, &c->timer);
	loop_timer_cancel(c->loop, &c->broken);
	reach_cancel(c->reach);
	c->reach = NULL;
	loop_del_socket(c->loop, c->monitor);
	loop_del_socket(c->loop, c->dealer);
	zsock_close_both(c->dealer, c->monitor);
	c->dealer = c->monitor = NULL;
	c->state = IDLE;
}

static void down(struct link_client *c, const char *why)
{
	go_idle(c);
	c->conf.down(c->conf.ctx, why);
}

/* ---- why not
 * ------------------------------------------------------------------------------------------------- */

static void answered(void *arg, enum reach_kind kind, const char *why, bool ipv6)
{
	struct link_client *c = arg;
	char text[200];

	c->reach = NULL;
	bool other = kind != REACH_NO_NAME && !c->literal && c->ipv6 != ipv6;
	if (other) /* libzmq looks for one family only; the next connection is made with the right one */
		c->ipv6 = ipv6;
	if (other)
		snprintf(text, sizeof text, "%.64s has %s: these are taken now", c->host,
			 ipv6 ? "IPv6 addresses alone" : "IPv4 addresses again");
	else if (kind == REACH_NO_NAME)
		snprintf(text, sizeof text, "%.64s: %.100s", c->host, why);
	else if (c->state != ASKING)
		return; /* the name is fine: libzmq is slow, the timer decides */
	else if (kind == REACH_NO_CONNECTION)
		snprintf(text, sizeof text, "%.128s", why);
	else
		snprintf(text, sizeof text, "no connection, but it could be made now");
	down(c, text);
}

static void ask(struct link_client *c)
{
	if (c->reach == NULL && reach_start(&c->reach, c->loop, c->host, c->port, answered, c) != AS_OK)
		c->reach = NULL;
}

/* No connection came about. */
static void failed(struct link_client *c)
{
	loop_del_socket(c->loop, c->monitor);
	loop_del_socket(c->loop, c->dealer);
	zsock_close_both(c->dealer, c->monitor);
	c->dealer = c->monitor = NULL;
	set_state(c, ASKING, REACH_TIMEOUT_MS + SLACK_MS);
	ask(c);
	if (c->reach == NULL)
		down(c, "no connection");
}

static void on_timer(void *arg)
{
	struct link_client *c = arg;

	switch (c->state) {
	case STARTED:
		/* a name that is not resolved makes no event */
		set_state(c, CONNECTING, c->conf.timeout_ms);
		ask(c);
		break;
	case CONNECTING:
		failed(c);
		break;
	case HANDSHAKE:
		down(c, "no answer to the handshake");
		break;
	case UP:
		loop_socket_used(c->loop, c->dealer);
		if (!(zsock_get(c->dealer, ZMQ_EVENTS) & ZMQ_POLLOUT))
			down(c, "the connection was lost");
		else
			set_state(c, UP, WRITABLE_MS);
		break;
	case ASKING:
		down(c, "no answer while connecting");
		break;
	case IDLE:
		break;
	}
}

static void on_broken(void *arg)
{
	down(arg, "the connection takes nothing more");
}

/* ---- events
 * -------------------------------------------------------------------------------------------------- */

/* False: the connection is no more, c may be connected anew. */
static bool event(struct link_client *c, uint16_t what)
{
	switch (what) {
	case ZMQ_EVENT_CONNECT_DELAYED:
		if (c->state == STARTED)
			set_state(c, CONNECTING, c->conf.timeout_ms + SLACK_MS);
		return true;
	case ZMQ_EVENT_CONNECTED:
		reach_cancel(c->reach);
		c->reach = NULL;
		set_state(c, HANDSHAKE, c->conf.timeout_ms + SLACK_MS);
		return true;
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
		if (c->state == UP)
			return true;
		set_state(c, UP, WRITABLE_MS);
		c->conf.up(c->conf.ctx);
		/* up may have disconnected, or connected anew */
		return false;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		down(c, "head office does not admit this key");
		return false;
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
		down(c, "what answers speaks another protocol");
		return false;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
		/* the library does not say that its timer ended it */
		if (clock_mono_ms() + 50 >= c->timer.at_ms - SLACK_MS)
			down(c, "no answer to the handshake");
		else
			down(c, "cut during the handshake (has head office another key?)");
		return false;
	case ZMQ_EVENT_CLOSED:
		if (c->state != STARTED && c->state != CONNECTING)
			return true;
		failed(c);
		return false;
	case ZMQ_EVENT_DISCONNECTED:
		down(c, c->state == UP ? "closed by the peer, or lost" : "closed during the handshake");
		return false;
	default:
		return true;
	}
}

static void on_monitor(void *arg, short revents)
{
	struct link_client *c = arg;
	uint16_t what;
	uint32_t value;

	(void)revents;
	while (c->monitor && zsock_event(c->monitor, &what, &value))
		if (!event(c, what))
			return;
}

static void on_dealer(void *arg, short revents)
{
	struct link_client *c = arg;
	void *dealer = c->dealer;

	/* the event that it is up comes on another socket: that one first */
	if (c->state != UP) {
		loop_socket_used(c->loop, c->monitor);
		on_monitor(c, revents);
	}
	for (int i = 0; i < MESSAGES_EACH_TURN && c->state == UP && c->dealer == dealer; i++) {
		AS_AUTO(zsock_msg) zmq_msg_t m;

		zmq_msg_init(&m);
		if (!zsock_recv(&m, dealer))
			return;
		if (zmq_msg_more(&m)) {
			zsock_recv_rest(dealer, true, &m);
			logline(LOG_LEVEL_WARN, "message-dropped", "reason=\"several frames\"");
			continue;
		}
		c->conf.message(c->conf.ctx, bytes_of(zmq_msg_data(&m), zmq_msg_size(&m)));
	}
}

/* ---- calls
 * --------------------------------------------------------------------------------------------------- */

static bool endpoint_parse(struct link_client *c, const char *endpoint)
{
	const char *from = endpoint + 6, *colon = strrchr(endpoint, ':');
	uint64_t port;

	if (strlen(endpoint) >= sizeof c->endpoint || strncmp(endpoint, "tcp://", 6) != 0 || colon < from ||
	    !text_decimal(bytes_of_str(colon + 1), 65535, &port) || port == 0)
		return false;
	size_t n = (size_t)(colon - from);
	c->literal = c->ipv6 = n > 2 && from[0] == '[' && from[n - 1] == ']';
	if (c->ipv6) {
		from++;
		n -= 2;
	}
	/* no source address ("tcp://SOURCE;HOST"), no interface names */
	if (n == 0 || n >= sizeof c->host || strcspn(from, c->ipv6 ? "]/;*" : ":/;*[]") != n)
		return false;
	memcpy(c->host, from, n);
	snprintf(c->port, sizeof c->port, "%s", colon + 1);
	snprintf(c->endpoint, sizeof c->endpoint, "%s", endpoint);
	return true;
}

as_err link_client_open(struct link_client **ret_client, struct loop *loop,
			const struct link_client_conf *conf, struct as_errmsg *em)
{
	struct link_client *c = calloc(1, sizeof *c);

	as_assert(conf->up && conf->down && conf->message && conf->max_message_bytes);
	if (c == NULL)
		return AS_ENOMEM;
	if (!endpoint_parse(c, conf->endpoint)) {
		free(c);
		as_errmsg_set(em, "'%.60s' is not tcp://HOST:PORT", conf->endpoint);
		return AS_EINVAL;
	}
	c->loop = loop;
	c->conf = *conf;
	c->conf.endpoint = NULL;
	c->conf.server_public = NULL;
	if (c->conf.timeout_ms == 0)
		c->conf.timeout_ms = TIMEOUT_MS;
	memcpy(c->server_public, conf->server_public, NET_KEY);
	c->timer = (struct loop_timer){.fn = on_timer, .arg = c};
	c->broken = (struct loop_timer){.fn = on_broken, .arg = c};
	*ret_client = c;
	return AS_OK;
}

void link_client_close(struct link_client *c)
{
	if (c == NULL)
		return;
	go_idle(c);
	free(c);
}

static as_err open_sockets(struct link_client *c, const uint8_t *secret, const uint8_t *public_key)
{
	const int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CLOSED |
			   ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
			   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
			   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
	const struct zsock_opts opts = {.type = ZMQ_DEALER,
					.max_message_bytes = c->conf.max_message_bytes,
					.handshake_ms = (int)c->conf.timeout_ms,
					.ipv6 = c->ipv6};
	as_err err;

	if ((err = zsock_open(&c->dealer, &opts)))
		return err;
	if (!zsock_set_key(c->dealer, ZMQ_CURVE_SERVERKEY, c->server_public) ||
	    !zsock_set_key(c->dealer, ZMQ_CURVE_PUBLICKEY, public_key) ||
	    !zsock_set_key(c->dealer, ZMQ_CURVE_SECRETKEY, secret) ||
	    !zsock_set(c->dealer, ZMQ_RECONNECT_IVL, -1) || !zsock_set(c->dealer, ZMQ_IMMEDIATE, 1) ||
	    !zsock_set(c->dealer, ZMQ_CONNECT_TIMEOUT, (int)c->conf.timeout_ms))
		return AS_EIO;
	if ((err = zsock_monitor(c->dealer, events, &c->monitor)) ||
	    (err = loop_add_socket(c->loop, c->monitor, on_monitor, c)) ||
	    (err = loop_add_socket(c->loop, c->dealer, on_dealer, c)))
		return err;
	return zmq_connect(c->dealer, c->endpoint) == 0 ? AS_OK : AS_EIO;
}

as_err link_client_connect(struct link_client *c, const uint8_t secret[NET_KEY],
			   const uint8_t public_key[NET_KEY])
{
	go_idle(c);
	as_err err = open_sockets(c, secret, public_key);
	if (err)
		go_idle(c);
	else
		set_state(c, STARTED, QUIET_MS);
	return err;
}

void link_client_disconnect(struct link_client *c)
{
	go_idle(c);
}

bool link_client_is_up(const struct link_client *c)
{
	return c->state == UP;
}

bool link_client_send(struct link_client *c, struct bytes frame)
{
	int n;

	as_assert(frame.n <= c->conf.max_message_bytes);
	if (c->state != UP || c->broken.set)
		return false;
	loop_socket_used(c->loop, c->dealer);
	do {
		n = zmq_send(c->dealer, frame.p, frame.n, ZMQ_DONTWAIT);
	} while (n < 0 && zmq_errno() == EINTR);
	if (n < 0)
		loop_timer_set(c->loop, &c->broken, 0);
	return n >= 0;
}
