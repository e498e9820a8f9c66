/* daemon/rt/link_server and link_client against each other and against peers that mean no good, over
 * loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/crypto/random.h"
#include "daemon/rt/link_client.h"
#include "daemon/rt/link_server.h"
#include "tests/lib/loop_rig.h"
#include "tests/lib/port.h"

#define MESSAGE_MAX 65536
#define CLIENTS_MAX 300

struct keys {
	uint8_t secret[NET_KEY], public_key[NET_KEY];
};

static struct loop *loop;
static struct link_server *server;
static struct keys server_keys;
static int port;
static uint32_t handshake_ms, timeout_ms;

/* What the server was told. */
static bool admit_all;
static struct keys known[CLIENTS_MAX]; /* user "user-N" */
static int known_n;
static struct told {
	int messages, downs, refused;
	uint32_t link, last_down;
	char user[LINK_USER_MAX], why[200], peer[64];
	uint8_t key[NET_KEY];
	char frame[64];
	size_t bytes;
	int echo; /* sends every message back */
} told;

static bool admit(void *ctx, const uint8_t key[NET_KEY], char ret_user[LINK_USER_MAX])
{
	(void)ctx;
	for (int i = 0; i < known_n; i++)
		if (memcmp(key, known[i].public_key, NET_KEY) == 0)
			return snprintf(ret_user, LINK_USER_MAX, "user-%d", i) > 0;
	return admit_all && snprintf(ret_user, LINK_USER_MAX, "anybody") > 0;
}

static void server_message(void *ctx, uint32_t link, const char *user, const uint8_t key[NET_KEY],
			   struct bytes frame)
{
	(void)ctx;
	told.messages++;
	told.link = link;
	told.bytes = frame.n;
	snprintf(told.user, sizeof told.user, "%s", user);
	memcpy(told.key, key, NET_KEY);
	snprintf(told.frame, sizeof told.frame, "%.*s", (int)(frame.n < 60 ? frame.n : 60),
		 (const char *)frame.p);
	if (told.echo)
		assert_true(link_server_send(server, link, frame));
}

static void server_down(void *ctx, uint32_t link)
{
	(void)ctx;
	told.downs++;
	told.last_down = link;
}

static void server_refused(void *ctx, const char *why, const char *peer_address)
{
	(void)ctx;
	told.refused++;
	snprintf(told.why, sizeof told.why, "%s", why);
	snprintf(told.peer, sizeof told.peer, "%s", peer_address);
}

static struct link_server_conf server_conf(char listen[64])
{
	snprintf(listen, 64, "tcp://127.0.0.1:%d", port);
	return (struct link_server_conf){.listen = listen,
					 .secret = server_keys.secret,
					 .public_key = server_keys.public_key,
					 .max_message_bytes = MESSAGE_MAX,
					 .max_links = CLIENTS_MAX,
					 .handshake_ms = handshake_ms,
					 .admit = admit,
					 .message = server_message,
					 .down = server_down,
					 .refused = server_refused};
}

static void open_server(void)
{
	char listen[64];
	struct as_errmsg em = {""};
	struct link_server_conf conf = server_conf(listen);

	/* libzmq may still be closing the port of the one before */
	uint64_t end = clock_mono_ms() + 5000;
	as_err err;
	do {
		err = link_server_open(&server, loop, &conf, &em);
	} while (err == AS_EIO && clock_mono_ms() < end);
	if (err)
		print_message("# %s\n", em.text);
	assert_int_equal(err, AS_OK);
}

/* A client and what it was told. */
struct client {
	struct link_client *link;
	int ups, downs, messages;
	char why[200], frame[64];
	bool hello; /* says "hello N" when it is up */
	int n;
};

static void client_up(void *ctx)
{
	struct client *c = ctx;
	char text[32];

	c->ups++;
	snprintf(text, sizeof text, "hello %d", c->n);
	if (c->hello)
		assert_true(link_client_send(c->link, bytes_of_str(text)));
}

static void client_down(void *ctx, const char *why)
{
	struct client *c = ctx;

	c->downs++;
	snprintf(c->why, sizeof c->why, "%s", why);
}

static void client_message(void *ctx, struct bytes frame)
{
	struct client *c = ctx;

	c->messages++;
	snprintf(c->frame, sizeof c->frame, "%.*s", (int)(frame.n < 60 ? frame.n : 60),
		 (const char *)frame.p);
}

static void open_client_at(struct client *c, const char *endpoint)
{
	const struct link_client_conf conf = {.endpoint = endpoint,
					      .server_public = server_keys.public_key,
					      .max_message_bytes = MESSAGE_MAX,
					      .timeout_ms = timeout_ms,
					      .up = client_up,
					      .down = client_down,
					      .message = client_message,
					      .ctx = c};

	assert_int_equal(link_client_open(&c->link, loop, &conf, NULL), AS_OK);
}

static void open_client(struct client *c)
{
	char endpoint[64];

	snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
	open_client_at(c, endpoint);
}

static void connect_client(struct client *c, const struct keys *k)
{
	assert_int_equal(link_client_connect(c->link, k->secret, k->public_key), AS_OK);
}

static int listen_on(int fd)
{
	return listen(fd, 4);
}

/* A plain socket of libzmq with an admitted key, to do what link_client never does. */
static void *raw_dealer(const struct keys *k, const char *routing_id, int rcvhwm)
{
	void *d = zmq_socket(net_context(), ZMQ_DEALER);
	int zero = 0;
	char endpoint[64];

	snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
	zmq_setsockopt(d, ZMQ_LINGER, &zero, sizeof zero);
	zmq_setsockopt(d, ZMQ_RCVHWM, &rcvhwm, sizeof rcvhwm);
	zmq_setsockopt(d, ZMQ_CURVE_SERVERKEY, server_keys.public_key, 32);
	zmq_setsockopt(d, ZMQ_CURVE_PUBLICKEY, k->public_key, 32);
	zmq_setsockopt(d, ZMQ_CURVE_SECRETKEY, k->secret, 32);
	if (routing_id)
		zmq_setsockopt(d, ZMQ_ROUTING_ID, routing_id, strlen(routing_id));
	assert_int_equal(zmq_connect(d, endpoint), 0);
	return d;
}

#define UNTIL(name, expr)                                                                                    \
	static bool name(void)                                                                               \
	{                                                                                                    \
		return expr;                                                                                 \
	}

static struct client a, b;

UNTIL(a_up, a.ups == 1)
UNTIL(a_up_twice, a.ups == 2)
UNTIL(a_down, a.downs == 1)
UNTIL(a_both_up, a.ups == 1 && b.ups == 1)
UNTIL(a_message, a.messages == 1)
UNTIL(one_message, told.messages == 1)
UNTIL(two_messages, told.messages == 2)
UNTIL(three_messages, told.messages == 3)
UNTIL(one_down, told.downs == 1)
UNTIL(two_downs, told.downs == 2)
UNTIL(one_refused, told.refused == 1)

static int setup(void **state)
{
	(void)state;
	memset(&told, 0, sizeof told);
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	handshake_ms = timeout_ms = 400;
	admit_all = false;
	known_n = 2;
	for (int i = 0; i < known_n; i++)
		net_curve_keypair(known[i].secret, known[i].public_key);
	net_curve_keypair(server_keys.secret, server_keys.public_key);
	port = port_free();
	server = NULL;
	return loop_open(&loop);
}

static int teardown(void **state)
{
	(void)state;
	link_client_close(a.link);
	link_client_close(b.link);
	link_server_close(server);
	loop_close(loop);
	return 0;
}

static void frames_go_both_ways_and_say_from_whom(void **state)
{
	(void)state;
	open_server();
	open_client(&a);
	assert_false(link_client_send(a.link, bytes_of_str("too early")));
	a.hello = true;
	told.echo = 1;
	connect_client(&a, &known[1]);
	loop_rig_until(loop, a_message);
	assert_string_equal(told.frame, "hello 0");
	assert_string_equal(told.user, "user-1");
	assert_memory_equal(told.key, known[1].public_key, NET_KEY);
	assert_string_equal(a.frame, "hello 0");
	assert_true(link_client_is_up(a.link));
	assert_int_equal(link_server_counts(server).links, 1);
	assert_int_equal(link_server_counts(server).admitted, 1);
	/* the largest frame */
	static uint8_t big[MESSAGE_MAX];
	assert_true(link_client_send(a.link, bytes_of(big, sizeof big)));
	loop_rig_until(loop, two_messages);
	assert_int_equal(told.bytes, MESSAGE_MAX);
	/* and the empty one */
	assert_true(link_client_send(a.link, bytes_of(NULL, 0)));
	loop_rig_until(loop, three_messages);
	assert_int_equal(told.bytes, 0);
	assert_int_equal(a.ups, 1);
	assert_int_equal(a.downs, 0);
	assert_int_equal(told.downs, 0);
	assert_int_equal(told.refused, 0);
}

static void an_unknown_key_is_refused_and_counted(void **state)
{
	(void)state;
	struct keys stranger;

	net_curve_keypair(stranger.secret, stranger.public_key);
	open_server();
	/* the self-test's own stranger counts for nothing */
	assert_int_equal(link_server_counts(server).refused, 0);
	open_client(&a);
	a.hello = true;
	connect_client(&a, &stranger);
	loop_rig_until(loop, a_down);
	assert_string_equal(a.why, "head office does not admit this key");
	assert_int_equal(told.refused, 1);
	assert_string_equal(told.why, "its key is not admitted");
	assert_string_equal(told.peer, "127.0.0.1");
	loop_rig_turns(loop, 50);
	assert_int_equal(a.ups, 0);
	assert_int_equal(told.messages, 0);
	assert_int_equal(link_server_counts(server).refused, 1);
	assert_int_equal(link_server_counts(server).admitted, 0);
	/* a key becomes known: the same client gets in */
	memcpy(&known[0], &stranger, sizeof stranger);
	connect_client(&a, &stranger);
	loop_rig_until(loop, one_message);
}

static void the_self_test_catches_a_handler_that_admits_everybody(void **state)
{
	(void)state;
	char listen[64];
	struct as_errmsg em = {""};
	struct link_server_conf conf = server_conf(listen);

	admit_all = true;
	assert_int_equal(link_server_open(&server, loop, &conf, &em), AS_EREFUSED);
	assert_string_equal(em.text, "the ZAP handler does not refuse unknown keys");
	assert_null(server);
	assert_int_equal(port_connect(port), -1);
	/* nothing is left behind */
	admit_all = false;
	open_server();
}

static void only_literal_addresses_and_matching_keys(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "tcp://",
	    "tcp://*:12001",
	    "tcp://127.0.0.1:*",
	    "tcp://127.0.0.1:0",
	    "tcp://127.0.0.1:65536",
	    "tcp://127.0.0.1",
	    "tcp://localhost:12001",
	    "tcp://eth0:12001",
	    "ipc:///tmp/x",
	    "tcp://[::1:12001",
	    "tcp://::1:12001",
	    "tcp://127.1:12001",
	    "udp://127.0.0.1:12001",
	    "tcp://127.0.0.1:+80",
	    "tcp://[]:12001",
	    "tcp://127.0.0.1;127.0.0.2:12001",
	};
	char listen[64];
	struct as_errmsg em;
	struct link_server_conf conf = server_conf(listen);

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		conf.listen = bad[i];
		em.text[0] = 0;
		assert_int_equal(link_server_open(&server, loop, &conf, &em), AS_EINVAL);
		assert_non_null(strstr(em.text, "literal address"));
	}
	conf = server_conf(listen);
	conf.public_key = known[0].public_key;
	assert_int_equal(link_server_open(&server, loop, &conf, &em), AS_EINVAL);
	/* a port that is taken */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen_on(fd), 0);
	conf = server_conf(listen);
	assert_int_equal(link_server_open(&server, loop, &conf, &em), AS_EIO);
	assert_non_null(strstr(em.text, "Address already in use"));
	close(fd);
	assert_null(server);
	/* all addresses */
	snprintf(listen, sizeof listen, "tcp://0.0.0.0:%d", port);
	conf.listen = listen;
	assert_int_equal(link_server_open(&server, loop, &conf, &em), AS_OK);
	open_client(&a);
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_up);
	static const char *const bad_endpoint[] = {
	    "",		 "tcp://host", "tcp://:1",	"tcp://host:0", "tcp://a;b:1",
	    "tcp://*:1", "ipc://x:1",  "tcp://host:1x", "tcp://a:b:1"};
	for (size_t i = 0; i < sizeof bad_endpoint / sizeof *bad_endpoint; i++) {
		const struct link_client_conf cc = {.endpoint = bad_endpoint[i],
						    .server_public = server_keys.public_key,
						    .max_message_bytes = 1,
						    .up = client_up,
						    .down = client_down,
						    .message = client_message};
		assert_int_equal(link_client_open(&b.link, loop, &cc, &em), AS_EINVAL);
	}
}

static void a_client_hears_why_there_is_no_link(void **state)
{
	(void)state;
	open_client(&a);
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_down);
	assert_string_equal(a.why, "connection refused");
	/* somebody who says nothing */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen_on(fd), 0);
	a.downs = 0;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_down);
	assert_string_equal(a.why, "no answer to the handshake");
	/* somebody who says something else */
	a.downs = 0;
	int old = accept(fd, NULL, NULL);
	connect_client(&a, &known[0]);
	loop_rig_turns(loop, 20);
	int con = accept(fd, NULL, NULL);
	assert_true(con >= 0);
	assert_int_equal(
	    write(con,
		  "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n padding padding padding padding",
		  80),
	    80);
	loop_rig_until(loop, a_down);
	print_message("# other protocol: %s\n", a.why);
	close(con);
	close(old);
	close(fd);
	/* head office with another key */
	struct keys right = server_keys;
	net_curve_keypair(server_keys.secret, server_keys.public_key);
	open_server();
	server_keys = right;
	a.downs = 0;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_down);
	assert_string_equal(a.why, "cut during the handshake (has head office another key?)");
	/* a name that does not exist */
	memset(&b, 0, sizeof b);
	link_client_close(a.link);
	memset(&a, 0, sizeof a);
	open_client_at(&a, "tcp://no-such-name.invalid:12345");
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_down);
	print_message("# name: %s\n", a.why);
	assert_non_null(strstr(a.why, "no-such-name.invalid: "));
	assert_int_equal(a.ups, 0);
}

static void a_restarted_server_is_noticed(void **state)
{
	(void)state;
	open_server();
	open_client(&a);
	a.hello = true;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, one_message);
	link_server_close(server);
	server = NULL;
	loop_rig_until(loop, a_down);
	assert_string_equal(a.why, "closed by the peer, or lost");
	assert_false(link_client_is_up(a.link));
	assert_false(link_client_send(a.link, bytes_of_str("x")));
	open_server();
	/* it does not come back by itself */
	loop_rig_turns(loop, 50);
	assert_int_equal(a.ups, 1);
	connect_client(&a, &known[0]);
	loop_rig_until(loop, two_messages);
	assert_int_equal(a.downs, 1);
	assert_int_equal(a.ups, 2);
}

static void a_link_that_ends_is_told_once(void **state)
{
	(void)state;
	uint32_t first;

	open_server();
	open_client(&a);
	a.hello = true;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, one_message);
	first = told.link;
	assert_true(link_server_send(server, first, bytes_of_str("there")));
	loop_rig_until(loop, a_message);
	assert_false(link_server_send(server, first + 1, bytes_of_str("nobody")));
	link_client_disconnect(a.link);
	loop_rig_until(loop, one_down);
	assert_int_equal(told.last_down, first);
	assert_false(link_server_send(server, first, bytes_of_str("gone")));
	loop_rig_turns(loop, 30);
	assert_int_equal(told.downs, 1);
	assert_int_equal(link_server_counts(server).links, 0);
	assert_int_equal(a.downs, 0);
	/* another connection, another number */
	connect_client(&a, &known[0]);
	loop_rig_until(loop, two_messages);
	assert_true(told.link > first);
	/* nobody turns the loop: found out by sending, told from the loop */
	link_client_disconnect(a.link);
	uint64_t end = clock_mono_ms() + 5000;
	while (link_server_send(server, told.link, bytes_of_str("lost")))
		assert_true(clock_mono_ms() < end);
	assert_int_equal(told.downs, 1);
	assert_false(link_server_send(server, told.link, bytes_of_str("lost")));
	loop_rig_until(loop, two_downs);
	loop_rig_turns(loop, 30);
	assert_int_equal(told.downs, 2);
	/* dropped: not told */
	connect_client(&a, &known[0]);
	loop_rig_until(loop, three_messages);
	link_server_drop(server, told.link);
	link_server_drop(server, told.link);
	assert_false(link_server_send(server, told.link, bytes_of_str("dropped")));
	link_client_disconnect(a.link);
	loop_rig_turns(loop, 50);
	assert_int_equal(told.downs, 2);
}

static void several_frames_and_own_routing_ids_are_dropped(void **state)
{
	(void)state;
	open_server();
	void *d = raw_dealer(&known[0], NULL, 1000);
	zmq_send(d, "one", 3, ZMQ_SNDMORE);
	zmq_send(d, "two", 3, ZMQ_SNDMORE);
	zmq_send(d, "three", 5, 0);
	loop_rig_until(loop, one_refused);
	assert_string_equal(told.why, "a message of several frames");
	assert_int_equal(told.messages, 0);
	zmq_send(d, "whole", 5, 0);
	loop_rig_until(loop, one_message);
	assert_string_equal(told.frame, "whole");
	zmq_close(d);
	loop_rig_until(loop, one_down);
	told.refused = 0;
	d = raw_dealer(&known[0], "me", 1000);
	zmq_send(d, "own id", 6, 0);
	loop_rig_until(loop, one_refused);
	assert_string_equal(told.why, "chooses its own routing id");
	assert_int_equal(told.messages, 1);
	assert_int_equal(link_server_counts(server).dropped, 2);
	zmq_close(d);
}

static void a_frame_that_is_too_large_cuts_its_sender_only(void **state)
{
	(void)state;
	static uint8_t big[MESSAGE_MAX + 1];

	open_server();
	open_client(&a);
	a.hello = true;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, one_message);
	void *d = raw_dealer(&known[1], NULL, 1000);
	zmq_send(d, "before", 6, 0);
	loop_rig_until(loop, two_messages);
	uint32_t theirs = told.link;
	zmq_send(d, big, sizeof big, 0);
	loop_rig_until(loop, one_down);
	assert_int_equal(told.last_down, theirs);
	assert_int_equal(told.messages, 2);
	zmq_close(d);
	assert_true(link_client_send(a.link, bytes_of_str("still here")));
	loop_rig_until(loop, three_messages);
	assert_int_equal(a.downs, 0);
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*s %ld", &pages), 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The greeting of ZMTP 3.0 with CURVE, as a client sends it. */
static void greeting(uint8_t out[64])
{
	memset(out, 0, 64);
	out[0] = 0xff;
	out[8] = 1;
	out[9] = 0x7f;
	out[10] = 3;
	memcpy(out + 12, "CURVE", 5);
}

static int raw[4];

static bool closed_fd(int fd)
{
	char c[256];
	ssize_t n;

	while ((n = recv(fd, c, sizeof c, MSG_DONTWAIT)) > 0)
		;
	return n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE));
}

UNTIL(raw_closed, closed_fd(raw[0]) && closed_fd(raw[1]) && closed_fd(raw[2]) && closed_fd(raw[3]))

/* Garbage, half a handshake, nothing at all, and a frame of a terabyte before the handshake. */
static void strangers_without_a_handshake_are_cut(void **state)
{
	(void)state;
	static uint8_t noise[65536];
	uint8_t hello[64 + 9];
	long before;

	open_server();
	open_client(&a);
	a.hello = true;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, one_message);
	for (int i = 0; i < 4; i++) {
		raw[i] = port_connect(port);
		assert_true(raw[i] >= 0);
	}
	as_random(noise, sizeof noise);
	noise[0] = 'G';
	assert_true(send(raw[0], noise, sizeof noise, MSG_DONTWAIT | MSG_NOSIGNAL) > 0);
	greeting(hello);
	assert_int_equal(send(raw[1], hello, 64, MSG_NOSIGNAL), 64);
	memcpy(hello + 64, "\x06\x00\x00\x01\x00\x00\x00\x00\x00", 9);
	assert_int_equal(send(raw[3], hello, sizeof hello, MSG_NOSIGNAL), (ssize_t)sizeof hello);
	before = resident_kib();
	for (int i = 0; i < 1000 && !closed_fd(raw[3]); i++)
		if (send(raw[3], noise, sizeof noise, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			loop_rig_turns(loop, 1);
	/* meanwhile */
	assert_true(link_client_send(a.link, bytes_of_str("still here")));
	loop_rig_until(loop, two_messages);
	loop_rig_until(loop, raw_closed);
	print_message("# grown by %ld KiB\n", resident_kib() - before);
	assert_true(resident_kib() - before < 16 * 1024);
	loop_rig_turns(loop, 20);
	print_message("# refused: %d, last: %s\n", told.refused, told.why);
	/* what is no protocol at all is cut by the library without a word */
	assert_true(told.refused >= 2);
	assert_int_equal(told.messages, 2);
	assert_int_equal(a.downs, 0);
	assert_true(link_client_send(a.link, bytes_of_str("still here")));
	loop_rig_until(loop, three_messages);
	for (int i = 0; i < 4; i++)
		close(raw[i]);
}

static void a_peer_that_does_not_read_is_given_up(void **state)
{
	(void)state;
	static uint8_t kib[4096];
	long sent = 0;

	open_server();
	void *d = raw_dealer(&known[0], NULL, 1);
	zmq_send(d, "hi", 2, 0);
	loop_rig_until(loop, one_message);
	while (link_server_send(server, told.link, bytes_of(kib, sizeof kib))) {
		sent++;
		assert_true(sent < 100000);
		if (sent % 500 == 0)
			loop_rig_turns(loop, 2);
	}
	print_message("# %ld frames of 4 KiB were taken\n", sent);
	assert_int_equal(told.downs, 0);
	loop_rig_until(loop, one_down);
	assert_false(link_server_send(server, told.link, bytes_of(kib, sizeof kib)));
	/* it speaks: a new link, whose queue is full as soon */
	uint32_t first = told.link;
	zmq_send(d, "hello?", 6, 0);
	loop_rig_until(loop, two_messages);
	assert_true(told.link > first);
	for (sent = 0; link_server_send(server, told.link, bytes_of(kib, sizeof kib)); sent++)
		assert_true(sent < 100000);
	zmq_close(d);
	loop_rig_until(loop, two_downs);
	loop_rig_turns(loop, 20);
	assert_int_equal(told.downs, 2);
}

static atomic_int freed;

static void free_counted(void *data, void *hint)
{
	assert_ptr_equal(hint, &freed);
	free(data);
	atomic_fetch_add(&freed, 1);
}

UNTIL(freed_two, atomic_load(&freed) == 2)

static void taken_memory_is_given_back_once(void **state)
{
	(void)state;
	open_server();
	open_client(&a);
	a.hello = true;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, one_message);
	char *data = malloc(1000);
	memset(data, 'x', 1000);
	assert_true(link_server_send_take(server, told.link, data, 1000, free_counted, &freed));
	loop_rig_until(loop, a_message);
	assert_string_equal(a.frame, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	assert_false(link_server_send_take(server, told.link + 7, malloc(1000), 1000, free_counted, &freed));
	loop_rig_until(loop, freed_two);
}

static void many_links_and_one_too_many(void **state)
{
	(void)state;
	static struct client many[CLIENTS_MAX];
	uint64_t began = clock_mono_ms();

	memset(many, 0, sizeof many);
	known_n = CLIENTS_MAX;
	handshake_ms = timeout_ms = 20000;
	for (int i = 0; i < CLIENTS_MAX; i++)
		net_curve_keypair(known[i].secret, known[i].public_key);
	open_server();
	told.echo = 1;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		open_client(&many[i]);
		many[i].hello = true;
		many[i].n = i;
		connect_client(&many[i], &known[i]);
	}
	int heard;
	do {
		loop_rig_turns(loop, 5);
		heard = 0;
		for (int i = 0; i < CLIENTS_MAX; i++)
			heard += many[i].messages;
	} while (heard < CLIENTS_MAX && clock_mono_ms() - began < 60000);
	assert_int_equal(heard, CLIENTS_MAX);
	for (int i = 0; i < CLIENTS_MAX; i++) {
		char want[32];
		snprintf(want, sizeof want, "hello %d", i);
		assert_string_equal(many[i].frame, want);
		assert_int_equal(many[i].downs, 0);
	}
	print_message("# %d links in %lu ms\n", CLIENTS_MAX, (unsigned long)(clock_mono_ms() - began));
	assert_int_equal(link_server_counts(server).links, CLIENTS_MAX);
	/* one more: who was silent for longest goes, number 1; everybody else was heard after it */
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (i != 77)
			assert_true(link_client_send(many[i].link, bytes_of_str("again")));
	do {
		loop_rig_turns(loop, 5);
	} while (told.messages < 2 * CLIENTS_MAX - 1 && clock_mono_ms() - began < 60000);
	assert_int_equal(told.downs, 0);
	open_client(&a);
	a.hello = true;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, one_down);
	loop_rig_until(loop, a_message);
	assert_int_equal(link_server_counts(server).links, CLIENTS_MAX);
	assert_true(link_client_send(many[77].link, bytes_of_str("me?")));
	loop_rig_until(loop, two_downs);
	for (int i = 0; i < CLIENTS_MAX; i++)
		link_client_close(many[i].link);
}

/* The client's callbacks may do anything to it. */
static void reconnect(void *ctx, const char *why)
{
	client_down(ctx, why);
	if (a.downs < 3)
		connect_client(&a, &known[0]);
}

UNTIL(a_down_three_times, a.downs == 3)

static void down_may_connect_again(void **state)
{
	(void)state;
	char endpoint[64];

	snprintf(endpoint, sizeof endpoint, "tcp://localhost:%d", port);
	const struct link_client_conf conf = {.endpoint = endpoint,
					      .server_public = server_keys.public_key,
					      .max_message_bytes = MESSAGE_MAX,
					      .up = client_up,
					      .down = reconnect,
					      .message = client_message,
					      .ctx = &a};
	assert_int_equal(link_client_open(&a.link, loop, &conf, NULL), AS_OK);
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_down_three_times);
	assert_string_equal(a.why, "connection refused");
	/* by name, and closing while something is under way */
	open_server();
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_up);
	connect_client(&a, &known[0]);
	loop_rig_until(loop, a_up_twice);
	assert_int_equal(a.downs, 3);
	open_client(&b);
	connect_client(&b, &known[1]);
	link_client_disconnect(b.link);
	connect_client(&b, &known[1]);
	loop_rig_turns(loop, 2);
}

static void two_connections_of_one_key_are_two_links(void **state)
{
	(void)state;
	open_server();
	open_client(&a);
	open_client(&b);
	a.hello = b.hello = true;
	connect_client(&a, &known[0]);
	loop_rig_until(loop, one_message);
	uint32_t first = told.link;
	connect_client(&b, &known[0]);
	loop_rig_until(loop, two_messages);
	assert_int_not_equal(told.link, first);
	assert_string_equal(told.user, "user-0");
	assert_true(link_server_send(server, first, bytes_of_str("to a")));
	assert_true(link_server_send(server, told.link, bytes_of_str("to b")));
	loop_rig_until(loop, a_message);
	assert_string_equal(a.frame, "to a");
	loop_rig_until(loop, a_both_up);
}

static void keys_of_a_seed(void **state)
{
	(void)state;
	uint8_t secret[NET_KEY], one[NET_KEY], two[NET_KEY];
	char z85[41], pub[41];

	net_curve_keypair(secret, one);
	net_curve_public(secret, two);
	assert_memory_equal(one, two, NET_KEY);
	/* the library derives the same */
	assert_non_null(zmq_z85_encode(z85, secret, NET_KEY));
	assert_int_equal(zmq_curve_public(pub, z85), 0);
	assert_non_null(zmq_z85_decode(two, pub));
	assert_memory_equal(one, two, NET_KEY);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(keys_of_a_seed),
	    T(frames_go_both_ways_and_say_from_whom),
	    T(an_unknown_key_is_refused_and_counted),
	    T(the_self_test_catches_a_handler_that_admits_everybody),
	    T(only_literal_addresses_and_matching_keys),
	    T(a_client_hears_why_there_is_no_link),
	    T(a_restarted_server_is_noticed),
	    T(a_link_that_ends_is_told_once),
	    T(several_frames_and_own_routing_ids_are_dropped),
	    T(a_frame_that_is_too_large_cuts_its_sender_only),
	    T(strangers_without_a_handshake_are_cut),
	    T(a_peer_that_does_not_read_is_given_up),
	    T(taken_memory_is_given_back_once),
	    T(many_links_and_one_too_many),
	    T(down_may_connect_again),
	    T(two_connections_of_one_key_are_two_links),
	};
	logline_level(LOG_LEVEL_ERR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (as_crypto_init() || net_init(NULL))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	/* after a failure sockets are open: the context would wait for them */
	if (!failed)
		net_done();
	return failed;
}
