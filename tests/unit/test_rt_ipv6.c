/* daemon/rt: links over IPv6: literal addresses, and names that have no other address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/crypto/random.h"
#include "daemon/rt/link_client.h"
#include "daemon/rt/link_server.h"
#include "tests/lib/loop_rig.h"
#include "tests/lib/port.h"

#define NAME "only-ipv6.test"

typedef int resolve_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* In place of the system's, also for libzmq: one name has an IPv6 address and no other. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
	union {
		void *p;
		resolve_fn *fn;
	} real = {.p = dlsym(RTLD_NEXT, "getaddrinfo")};

	if (host && strcmp(host, NAME) == 0) {
		if (hints && hints->ai_family == AF_INET)
			return EAI_NONAME;
		host = "::1";
	}
	return real.fn(host, port, hints, ret);
}

static struct loop *loop;
static struct link_server *server;
static struct link_client *client;
static uint8_t server_secret[NET_KEY], server_public[NET_KEY], secret[NET_KEY], public_key[NET_KEY];
static int port, ups, downs;
static char why[200];

static bool admit(void *ctx, const uint8_t key[NET_KEY], char ret_user[LINK_USER_MAX])
{
	(void)ctx;
	(void)key;
	return memcmp(key, public_key, NET_KEY) == 0 && snprintf(ret_user, LINK_USER_MAX, "somebody") > 0;
}

static void on_server(void *ctx, uint32_t link, const char *user, const uint8_t key[NET_KEY],
		      struct bytes frame)
{
	(void)ctx;
	(void)link;
	(void)user;
	(void)key;
	(void)frame;
}

static void on_server_down(void *ctx, uint32_t link)
{
	(void)ctx;
	(void)link;
}

static void on_up(void *ctx)
{
	(void)ctx;
	ups++;
}

static void on_down(void *ctx, const char *text)
{
	(void)ctx;
	downs++;
	snprintf(why, sizeof why, "%s", text);
}

static void on_message(void *ctx, struct bytes frame)
{
	(void)ctx;
	(void)frame;
}

static bool one_up(void)
{
	return ups == 1;
}

static bool one_down(void)
{
	return downs == 1;
}

/* Is there an IPv6 loopback on this machine? */
static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static int set_up(void **state)
{
	char listen[64];
	struct as_errmsg em = {""};
	struct link_server_conf conf = {.listen = listen,
					.secret = server_secret,
					.public_key = server_public,
					.max_message_bytes = 65536,
					.max_links = 10,
					.admit = admit,
					.message = on_server,
					.down = on_server_down};

	ups = downs = 0;
	assert_int_equal(loop_open(&loop), AS_OK);
	if (!has_ipv6())
		return 0;
	net_curve_keypair(server_secret, server_public);
	net_curve_keypair(secret, public_key);
	port = port_free();
	snprintf(listen, sizeof listen, "tcp://%s:%d", (const char *)*state, port);
	if (link_server_open(&server, loop, &conf, &em))
		fail_msg("%s", em.text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	link_client_close(client);
	link_server_close(server);
	client = NULL;
	server = NULL;
	loop_close(loop);
	return 0;
}

static void connect_to(const char *host)
{
	char endpoint[128];
	struct as_errmsg em = {""};
	struct link_client_conf conf = {.endpoint = endpoint,
					.server_public = server_public,
					.max_message_bytes = 65536,
					.timeout_ms = 2000,
					.up = on_up,
					.down = on_down,
					.message = on_message};

	snprintf(endpoint, sizeof endpoint, "tcp://%s:%d", host, port);
	if (link_client_open(&client, loop, &conf, &em))
		fail_msg("%s", em.text);
	assert_int_equal(link_client_connect(client, secret, public_key), AS_OK);
}

static void a_literal_address(void **state)
{
	(void)state;
	if (server == NULL)
		skip();
	connect_to("[::1]");
	loop_rig_until(loop, one_up);
	assert_int_equal(downs, 0);
}

static void a_name_with_ipv6_alone(void **state)
{
	(void)state;
	if (server == NULL)
		skip();
	connect_to(NAME);
	loop_rig_until(loop, one_down);
	assert_string_equal(why, NAME " has IPv6 addresses alone: these are taken now");
	assert_int_equal(link_client_connect(client, secret, public_key), AS_OK);
	loop_rig_until(loop, one_up);
	assert_int_equal(downs, 1);
}

/* All addresses, of both kinds. */
static void ipv4_at_all_addresses(void **state)
{
	(void)state;
	if (server == NULL)
		skip();
	connect_to("127.0.0.1");
	loop_rig_until(loop, one_up);
	assert_int_equal(downs, 0);
}

static char one[] = "[::1]", all[] = "[::]";

#define T(f, at) cmocka_unit_test_prestate_setup_teardown(f, set_up, tear_down, at)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_literal_address, one),
	    T(a_name_with_ipv6_alone, one),
	    T(ipv4_at_all_addresses, all),
	};
	struct as_errmsg em = {""};
	if (as_crypto_init() != AS_OK || net_init(&em) != AS_OK)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	net_done();
	return failed;
}
