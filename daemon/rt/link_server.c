#include "daemon/rt/link_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/crypto/random.h"
#include "daemon/rt/files.h"
#include "daemon/rt/link_table.h"
#include "daemon/rt/zap.h"
#include "daemon/rt/zsock.h"

/* zmq.h hides it with the drafts, the stock library has it: no handler, no admission. */
#define ZAP_ENFORCE_DOMAIN 93

#define HANDSHAKE_MS 3000
#define BACKLOG 128
#define IDLE_MS 1000 /* dead pipes are only cleared away when the socket is used */
#define MESSAGES_EACH_TURN 256
#define BYTES_EACH_TURN (8u * 1024 * 1024)
#define SELF_TEST_MS 2000
#define ROUTE_BYTES 5 /* of a routing id that the ROUTER made: 0 and a number */
#define ENDPOINT_MAX 128

struct link_server {
	struct loop *loop;
	struct link_server_conf conf;
	void *zap, *router, *monitor;
	char endpoint[ENDPOINT_MAX];
	struct loop_timer idle, owed; /* owed: links are gone and nobody was told */
	struct link_table links;
	struct files_away away;
	struct link_server_counts counts;
	bool testing;
	uint8_t probe[NET_KEY]; /* public key of the self-test */
};

/* ---- admission
 * ----------------------------------------------------------------------------------------------- */

static void refuse(struct link_server *s, uint64_t *count, const char *why, const char *address)
{
	++*count;
	logline(LOG_LEVEL_WARN, "link-refused", "reason=%s peer=%s", LOG_STR(why), LOG_STR(address));
	if (s->conf.refused)
		s->conf.refused(s->conf.ctx, why, address);
}

/*
 * The handler sees the key, a message only the user id: so the user id of a connection is "key:user", the key
 * in hex.
 */
static bool admit(void *arg, const uint8_t key[32], const char *address, char ret_user[ZAP_USER_MAX])
{
	struct link_server *s = arg;
	char user[LINK_USER_MAX] = "", hex[2 * NET_KEY + 1];
	bool probe = s->testing && memcmp(key, s->probe, NET_KEY) == 0;

	_Static_assert(2 * NET_KEY + 1 + LINK_USER_MAX <= ZAP_USER_MAX, "key and user fit a user id");
	if (!s->conf.admit(s->conf.ctx, key, user) || !user[0]) {
		if (!probe)
			refuse(s, &s->counts.refused, "its key is not admitted", address);
		return false;
	}
	as_assert(memchr(user, 0, sizeof user) != NULL);
	text_hex(key, NET_KEY, hex);
	snprintf(ret_user, ZAP_USER_MAX, "%s:%s", hex, user);
	s->counts.admitted += !probe;
	return true;
}

static void on_zap(void *arg, short revents)
{
	struct link_server *s = arg;

	(void)revents;
	zap_serve(s->zap, admit, s);
}

/* ---- links that end
 * ------------------------------------------------------------------------------------------ */

static void owe_down(struct link_server *s, struct link *l)
{
	if (l->gone)
		return;
	l->gone = true;
	loop_timer_set(s->loop, &s->owed, 0);
}

static void forget(struct link_server *s, struct link *l)
{
	uint32_t number = l->number;

	link_table_remove(&s->links, l);
	s->conf.down(s->conf.ctx, number);
}

/* The connection with this descriptor ended: of several entries (one was overlooked) the first. */
static void end_of_fd(struct link_server *s, int fd)
{
	struct link *first = NULL;

	for (struct link *l = s->links.oldest; l; l = l->newer)
		if (l->fd == fd && !l->gone && (first == NULL || l->number < first->number))
			first = l;
	if (first)
		owe_down(s, first);
}

static void read_monitor(struct link_server *s)
{
	bool full = false;
	uint16_t event;
	uint32_t value;

	while (zsock_event(s->monitor, &event, &value)) {
		switch (event) {
		case ZMQ_EVENT_DISCONNECTED:
			end_of_fd(s, (int)value);
			break;
		case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
			if (!s->testing)
				refuse(s, &s->counts.refused, "no handshake", "");
			break;
		case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
			if (!s->testing)
				refuse(s, &s->counts.refused, "speaks another protocol, or to another key",
				       "");
			break;
		case ZMQ_EVENT_LISTENING:
			if (!s->testing)
				files_away_listener(&s->away, (int)value);
			break;
		case ZMQ_EVENT_ACCEPT_FAILED:
			full |= value == EMFILE || value == ENFILE;
			logline(LOG_LEVEL_ERR, "accept-failed", "reason=%s", LOG_STR(strerror((int)value)));
			break;
		default:
			break;
		}
	}
	if (full)
		s->counts.refused += files_away_begin(&s->away);
}

static void on_monitor(void *arg, short revents)
{
	(void)revents;
	read_monitor(arg);
}

/* ---- messages
 * ------------------------------------------------------------------------------------------------ */

struct sender {
	char user[LINK_USER_MAX];
	uint8_t key[NET_KEY];
	int fd;
};

/* What the last frame of a message says about its connection (the first says nothing after a poll: 4.3.4). */
static bool sender_of(zmq_msg_t *last, struct sender *ret)
{
	const char *id = zmq_msg_gets(last, "User-Id"), *fd = zmq_msg_gets(last, "__fd");
	uint64_t n;

	if (id == NULL || strlen(id) < 2 * NET_KEY + 2 || id[(size_t)2 * NET_KEY] != ':' ||
	    !text_unhex(bytes_of(id, (size_t)2 * NET_KEY), ret->key, NET_KEY))
		return false;
	snprintf(ret->user, sizeof ret->user, "%s", id + (size_t)2 * NET_KEY + 1);
	ret->fd = fd && text_decimal(bytes_of_str(fd), INT32_MAX, &n) ? (int)n : -1;
	return true;
}

static struct link *link_of(struct link_server *s, uint32_t route, const struct sender *from)
{
	struct link *l = link_table_route(&s->links, route);

	if (l && (memcmp(l->key, from->key, NET_KEY) != 0 || strcmp(l->user, from->user) != 0)) {
		forget(s, l);
		l = NULL;
	}
	if (l) {
		link_table_heard(&s->links, l);
		return l;
	}
	/* ends of connections that had the same descriptor before are told by now: they count for older links
	 */
	read_monitor(s);
	loop_socket_used(s->loop, s->monitor);
	if (s->links.n == s->links.cap) {
		logline(LOG_LEVEL_WARN, "links-full", "max=%u", s->links.cap);
		forget(s, s->links.oldest);
	}
	l = link_table_add(&s->links, route);
	memcpy(l->key, from->key, NET_KEY);
	memcpy(l->user, from->user, sizeof l->user);
	l->fd = from->fd;
	return l;
}

static const char *address_of(zmq_msg_t *last)
{
	const char *address = zmq_msg_gets(last, "Peer-Address");

	return address ? address : "";
}

static void take(struct link_server *s, zmq_msg_t *id, zmq_msg_t *last, unsigned frames)
{
	struct sender from;
	const uint8_t *route = zmq_msg_data(id);

	if (frames != 1) {
		refuse(s, &s->counts.dropped, "a message of several frames", address_of(last));
	} else if (!sender_of(last, &from)) {
		refuse(s, &s->counts.dropped, "a message of nobody", address_of(last));
	} else if (zmq_msg_size(id) != ROUTE_BYTES || route[0] != 0) {
		refuse(s, &s->counts.dropped, "chooses its own routing id", address_of(last));
	} else {
		struct link *l = link_of(s, get_be32(route + 1), &from);
		s->counts.messages++;
		s->conf.message(s->conf.ctx, l->number, from.user, from.key,
				bytes_of(zmq_msg_data(last), zmq_msg_size(last)));
	}
}

/* A bounded part of what is there. */
static void read_router(struct link_server *s)
{
	size_t bytes = 0;

	for (int i = 0; i < MESSAGES_EACH_TURN && bytes < BYTES_EACH_TURN; i++) {
		AS_AUTO(zsock_msg) zmq_msg_t id;
		AS_AUTO(zsock_msg) zmq_msg_t last;

		zmq_msg_init(&id);
		zmq_msg_init(&last);
		if (!zsock_recv(&id, s->router))
			return;
		unsigned frames = zsock_recv_rest(s->router, zmq_msg_more(&id), &last);
		bytes += zmq_msg_size(&last);
		take(s, &id, &last, frames);
	}
}

static void on_router(void *arg, short revents)
{
	(void)revents;
	read_router(arg);
}

static void on_idle(void *arg)
{
	struct link_server *s = arg;

	read_router(s);
	loop_socket_used(s->loop, s->router);
	loop_timer_set(s->loop, &s->idle, clock_mono_ms() + IDLE_MS);
}

/* What such a link said last comes before its end. */
static void on_owed(void *arg)
{
	struct link_server *s = arg;
	struct link *l, *newer;

	read_router(s);
	loop_socket_used(s->loop, s->router);
	for (l = s->links.oldest; l; l = newer) {
		newer = l->newer;
		if (l->gone) {
			forget(s, l);
			/* down may have dropped others: from the start */
			newer = s->links.oldest;
		}
	}
}

/* ---- sending
 * ------------------------------------------------------------------------------------------------- */

static bool send_msg(struct link_server *s, uint32_t number, zmq_msg_t *m)
{
	struct link *l = link_table_number(&s->links, number);
	uint8_t route[ROUTE_BYTES] = {0};
	int n;

	as_assert(zmq_msg_size(m) <= s->conf.max_message_bytes);
	if (l == NULL || l->gone)
		return false;
	put_be32(route + 1, l->route);
	loop_socket_used(s->loop, s->router);
	do {
		n = zmq_send(s->router, route, sizeof route, ZMQ_SNDMORE | ZMQ_DONTWAIT);
	} while (n < 0 && zmq_errno() == EINTR);
	if (n < 0) {
		/* EHOSTUNREACH: no such peer any more; EAGAIN: its queue is full */
		if (!l->gone && zmq_errno() == EAGAIN)
			logline(LOG_LEVEL_WARN, "link-given-up", "user=%s reason=\"it does not take what it is sent\"",
				LOG_STR(l->user));
		owe_down(s, l);
		return false;
	}
	do {
		n = zmq_msg_send(m, s->router, ZMQ_DONTWAIT);
	} while (n < 0 && zmq_errno() == EINTR);
	if (n < 0)
		owe_down(s, l);
	return n >= 0;
}

bool link_server_send(struct link_server *s, uint32_t link, struct bytes frame)
{
	AS_AUTO(zsock_msg) zmq_msg_t m;

	if (zmq_msg_init_size(&m, frame.n) != 0) {
		zmq_msg_init(&m);
		return false;
	}
	if (frame.n)
		memcpy(zmq_msg_data(&m), frame.p, frame.n);
	return send_msg(s, link, &m);
}

bool link_server_send_take(struct link_server *s, uint32_t link, void *take_data, size_t n,
			   void (*free_data)(void *data, void *hint), void *hint)
{
	AS_AUTO(zsock_msg) zmq_msg_t m;

	if (zmq_msg_init_data(&m, take_data, n, free_data, hint) != 0) {
		zmq_msg_init(&m);
		free_data(take_data, hint);
		return false;
	}
	return send_msg(s, link, &m);
}

void link_server_drop(struct link_server *s, uint32_t link)
{
	struct link *l = link_table_number(&s->links, link);

	if (l)
		link_table_remove(&s->links, l);
}

/* ---- opening
 * ------------------------------------------------------------------------------------------------- */

/* "tcp://A.B.C.D:PORT" or "tcp://[V6]:PORT", nothing else. */
static bool listen_valid(const char *listen, bool *ret_ipv6)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *from = listen + 6, *colon = strrchr(listen, ':');
	uint64_t port;

	if (strlen(listen) >= ENDPOINT_MAX || strncmp(listen, "tcp://", 6) != 0 || colon < from)
		return false;
	*ret_ipv6 = *from == '[';
	const char *to = colon;
	if (*ret_ipv6) {
		if (to == from || to[-1] != ']')
			return false;
		from++;
		to--;
	}
	if ((size_t)(to - from) >= sizeof host)
		return false;
	memcpy(host, from, (size_t)(to - from));
	host[to - from] = 0;
	return inet_pton(*ret_ipv6 ? AF_INET6 : AF_INET, host, &address) == 1 &&
	       text_decimal(bytes_of_str(colon + 1), 65535, &port) && port > 0;
}

/* The options that keep strangers out, and what the library says that it holds. */
static as_err secure(struct link_server *s, struct as_errmsg *em)
{
	char domain[32] = "";
	size_t n = sizeof domain;

	if (!zsock_set(s->router, ZMQ_CURVE_SERVER, 1) ||
	    !zsock_set_key(s->router, ZMQ_CURVE_SECRETKEY, s->conf.secret) ||
	    zmq_setsockopt(s->router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) != 0 ||
	    !zsock_set(s->router, ZAP_ENFORCE_DOMAIN, 1) || !zsock_set(s->router, ZMQ_ROUTER_MANDATORY, 1) ||
	    !zsock_set(s->router, ZMQ_BACKLOG, BACKLOG) ||
	    zmq_getsockopt(s->router, ZMQ_ZAP_DOMAIN, domain, &n) != 0 || strcmp(domain, ZAP_DOMAIN) != 0 ||
	    zsock_get(s->router, ZAP_ENFORCE_DOMAIN) != 1 || zsock_get(s->router, ZMQ_CURVE_SERVER) != 1 ||
	    zsock_get(s->router, ZMQ_MECHANISM) != ZMQ_CURVE) {
		as_errmsg_set(em, "this libzmq does not enforce who may connect");
		return AS_EUNSUPPORTED;
	}
	return AS_OK;
}

/* A client with the key s->probe at this endpoint; it has sent something when it gets in. */
static as_err probe_open(struct link_server *s, const char *endpoint, void **ret_probe, void **ret_monitor)
{
	AS_AUTO(as_secret) struct as_secret secret = {0};
	void *probe = NULL, *monitor = NULL;

	net_curve_keypair(secret.b, s->probe);
	as_err err = zsock_open(&probe, &(struct zsock_opts){.type = ZMQ_DEALER,
							     .max_message_bytes = 1024,
							     .handshake_ms = SELF_TEST_MS,
							     .ipv6 = zsock_get(s->router, ZMQ_IPV6) == 1});
	if (err)
		return err;
	if (!zsock_set_key(probe, ZMQ_CURVE_SERVERKEY, s->conf.public_key) ||
	    !zsock_set_key(probe, ZMQ_CURVE_PUBLICKEY, s->probe) ||
	    !zsock_set_key(probe, ZMQ_CURVE_SECRETKEY, secret.b) ||
	    !zsock_set(probe, ZMQ_RECONNECT_IVL, -1) ||
	    (err = zsock_monitor(probe, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
				 &monitor)) ||
	    zmq_connect(probe, endpoint) != 0 || zmq_send(probe, "probe", 5, ZMQ_DONTWAIT) != 5) {
		zsock_close_both(probe, monitor);
		return err ? err : AS_EIO;
	}
	*ret_probe = probe;
	*ret_monitor = monitor;
	return AS_OK;
}

/* Serves the handler until the probe is turned away: AS_OK. */
static as_err probe_watch(struct link_server *s, void *monitor)
{
	uint64_t end = clock_mono_ms() + SELF_TEST_MS, now;
	zmq_pollitem_t items[] = {{.socket = s->zap, .events = ZMQ_POLLIN},
				  {.socket = monitor, .events = ZMQ_POLLIN},
				  {.socket = s->router, .events = ZMQ_POLLIN}};
	uint16_t event;
	uint32_t value;
	bool refused = false;

	while (!refused && (now = clock_mono_ms()) < end) {
		if (zmq_poll(items, 3, (long)(end - now)) < 0 && zmq_errno() != EINTR)
			return AS_EIO;
		zap_serve(s->zap, admit, s);
		while (zsock_event(monitor, &event, &value)) {
			if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
				return AS_EREFUSED;
			refused |= event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
		}
		if (zsock_get(s->router, ZMQ_EVENTS) & ZMQ_POLLIN)
			return AS_EREFUSED;
	}
	return refused ? AS_OK : AS_EREFUSED;
}

/*
 * With the socket that will serve, on a port that nobody knows: what real clients send at the real one
 * meanwhile would be in the way.
 */
static as_err self_test(struct link_server *s, struct as_errmsg *em)
{
	char endpoint[ENDPOINT_MAX] = "";
	size_t n = sizeof endpoint;
	void *probe = NULL, *monitor = NULL;
	as_err err;

	s->testing = true;
	if (zmq_bind(s->router,
		     zsock_get(s->router, ZMQ_IPV6) == 1 ? "tcp://[::1]:*" : "tcp://127.0.0.1:*") != 0 ||
	    zmq_getsockopt(s->router, ZMQ_LAST_ENDPOINT, endpoint, &n) != 0) {
		as_errmsg_set(em, "self-test: %s", zmq_strerror(zmq_errno()));
		return AS_EIO;
	}
	err = probe_open(s, endpoint, &probe, &monitor);
	if (!err)
		err = probe_watch(s, monitor);
	zsock_close_both(probe, monitor);
	zmq_unbind(s->router, endpoint);
	if (err == AS_EREFUSED)
		as_errmsg_set(em, "the ZAP handler does not refuse unknown keys");
	else if (err)
		as_errmsg_set(em, "self-test: %s", as_err_text(err));
	read_monitor(s);
	s->testing = false;
	return err;
}

static as_err open_sockets(struct link_server *s, bool ipv6, struct as_errmsg *em)
{
	const struct zsock_opts opts = {.type = ZMQ_ROUTER,
					.max_message_bytes = s->conf.max_message_bytes,
					.handshake_ms =
					    s->conf.handshake_ms ? (int)s->conf.handshake_ms : HANDSHAKE_MS,
					.ipv6 = ipv6};
	const int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
			   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_ACCEPT_FAILED |
			   ZMQ_EVENT_LISTENING;
	as_err err;

	/* the handler first: never a socket without it */
	if ((err = zap_open(&s->zap)) || (err = zsock_open(&s->router, &opts)) ||
	    (err = zsock_monitor(s->router, events, &s->monitor))) {
		as_errmsg_set(em, "links: %s", as_err_text(err));
		return err;
	}
	if ((err = secure(s, em)) || (err = self_test(s, em)))
		return err;
	size_t n = sizeof s->endpoint;
	if (zmq_bind(s->router, s->conf.listen) != 0 ||
	    zmq_getsockopt(s->router, ZMQ_LAST_ENDPOINT, s->endpoint, &n) != 0) {
		as_errmsg_set(em, "listen on %s: %s", s->conf.listen, zmq_strerror(zmq_errno()));
		return AS_EIO;
	}
	return AS_OK;
}

static as_err open_all(struct link_server *s, bool ipv6, struct as_errmsg *em)
{
	as_err err;

	if ((err = link_table_init(&s->links, s->conf.max_links)) || (err = open_sockets(s, ipv6, em)) ||
	    (err = loop_add_socket(s->loop, s->zap, on_zap, s)) ||
	    (err = loop_add_socket(s->loop, s->monitor, on_monitor, s)) ||
	    (err = loop_add_socket(s->loop, s->router, on_router, s)))
		return err;
	s->conf.listen = NULL;
	s->conf.secret = NULL;
	s->conf.public_key = NULL;
	loop_timer_set(s->loop, &s->idle, clock_mono_ms() + IDLE_MS);
	return AS_OK;
}

as_err link_server_open(struct link_server **ret_server, struct loop *loop,
			const struct link_server_conf *conf, struct as_errmsg *em)
{
	uint8_t public_key[NET_KEY];
	bool ipv6 = false;

	as_assert(conf->admit && conf->message && conf->down && conf->max_links && conf->max_message_bytes);
	if (!listen_valid(conf->listen, &ipv6)) {
		as_errmsg_set(em, "listen: '%.60s' is not tcp://ADDRESS:PORT with a literal address",
			      conf->listen);
		return AS_EINVAL;
	}
	net_curve_public(conf->secret, public_key);
	if (memcmp(public_key, conf->public_key, NET_KEY) != 0) {
		as_errmsg_set(em, "the public link key is not that of the secret one");
		return AS_EINVAL;
	}
	struct link_server *s = calloc(1, sizeof *s);
	if (s == NULL)
		return AS_ENOMEM;
	s->loop = loop;
	s->conf = *conf;
	s->idle = (struct loop_timer){.fn = on_idle, .arg = s};
	s->owed = (struct loop_timer){.fn = on_owed, .arg = s};
	files_away_init(&s->away);
	as_err err = open_all(s, ipv6, em);
	if (err) {
		link_server_close(s);
		return err;
	}
	*ret_server = s;
	return AS_OK;
}

void link_server_close(struct link_server *s)
{
	if (s == NULL)
		return;
	files_away_end(&s->away); /* while the listener is open */
	loop_timer_cancel(s->loop, &s->idle);
	loop_timer_cancel(s->loop, &s->owed);
	loop_del_socket(s->loop, s->router);
	loop_del_socket(s->loop, s->monitor);
	loop_del_socket(s->loop, s->zap);
	zsock_close_both(s->router, s->monitor);
	zap_close(s->zap);
	link_table_done(&s->links);
	free(s);
}

const char *link_server_endpoint(const struct link_server *s)
{
	return s->endpoint;
}

struct link_server_counts link_server_counts(const struct link_server *s)
{
	struct link_server_counts counts = s->counts;

	counts.links = s->links.n;
	return counts;
}
