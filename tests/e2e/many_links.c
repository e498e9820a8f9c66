/*
 * Many branches in one process, as far as their line goes: each joins with its code, says Hello with its own
 *key and keeps the link. Nothing is recorded.
 *
 *	many_links <CODES        one join code a line
 *
 * Prints "served N" when all N are, which is when head office has answered their Hello, and stays until
 *SIGTERM.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/node/node.h"
#include "common/wire/msg_codec.h"
#include "daemon/rt/link_client.h"

#define AGAIN_MS 500
#define PATIENCE_MS 8000
#define ANNOUNCE_MS 30000

struct one {
	struct link_client *link;
	struct node_home home; /* keys and names only */
	uint8_t token_public[32], token_secret[32], run_id[16];
	struct loop_timer connect;
	bool joined, served;
	uint64_t nonce, session, since_ms;
};

static struct one *all;
static size_t all_n, served_n;
static struct loop *loop;
static struct msg_codec codec;
static struct wire_key keys[KEYS_PER_MESSAGE_MAX];

static void say(struct one *o, const struct msg *m)
{
	AS_AUTO(buf) struct buf frame = {0};

	buf_init(&frame, MESSAGE_BYTES_MAX);
	if (msg_encode(m, &frame) == AS_OK)
		link_client_send(o->link, bytes_of(frame.p, frame.n));
}

static void again(struct one *o, uint64_t ms)
{
	loop_timer_set(loop, &o->connect, clock_mono_ms() + ms);
}

static void on_connect(void *arg)
{
	struct one *o = arg;

	o->since_ms = clock_mono_ms();
	if (link_client_connect(o->link, o->joined ? o->home.link_secret : o->token_secret,
				o->joined ? o->home.link_public : o->token_public))
		again(o, AGAIN_MS);
}

static void on_up(void *ctx)
{
	struct one *o = ctx;
	struct msg m = {.type = o->joined ? MSG_HELLO : MSG_JOIN};

	if (o->joined) {
		struct msg_hello *h = &m.hello;
		h->wire_min = WIRE_VERSION_MIN;
		h->wire_max = WIRE_VERSION;
		memcpy(h->branch, o->home.branch, BRANCH_CODE_MAX);
		memcpy(h->run_id, o->run_id, sizeof h->run_id);
		h->nonce = ++o->nonce << 32;
		h->instance = o->home.join.instance;
		h->transport = o->home.join.transport;
	} else {
		memcpy(m.join.branch, o->home.branch, BRANCH_CODE_MAX);
		memcpy(m.join.identity, o->home.identity_public, 32);
		memcpy(m.join.link, o->home.link_public, 32);
		memcpy(m.join.recipient, o->home.recipient_public, 32);
		m.join.live = (struct log_id){.cls = LOG_LIVE, .number = o->home.join.incarnation};
		memcpy(m.join.live.branch, o->home.branch, BRANCH_CODE_MAX);
		memcpy(m.join.live.inc, o->run_id, 16);
		node_join_sign(&o->home, o->token_public, &m.join);
	}
	say(o, &m);
}

static void on_down(void *ctx, const char *why)
{
	struct one *o = ctx;

	(void)why;
	if (o->served)
		served_n--;
	o->served = false;
	again(o, AGAIN_MS);
}

static void on_message(void *ctx, struct bytes frame)
{
	struct one *o = ctx;
	struct msg m, answer = {.type = MSG_HAVE};

	if (msg_decode(&codec, frame, keys, &m, NULL))
		return;
	if (m.type == MSG_JOINED) {
		o->joined = true;
		again(o, 0);
	} else if (m.type == MSG_HELLO && m.hello.echo == o->nonce << 32 && !o->served) {
		answer.session =
		    m.hello.nonce; /* alive; no credit: nothing is wanted of head office's logs */
		say(o, &answer);
		answer = (struct msg){.type = MSG_HEADS, .session = m.hello.nonce, .heads = {.last = true}};
		say(o, &answer);
		o->served = true;
		o->session = m.hello.nonce;
		o->since_ms = clock_mono_ms();
		if (++served_n == all_n) {
			printf("served %zu\n", served_n);
			fflush(stdout);
		}
	} else if (m.type == MSG_REFUSE && m.refuse.reason == REFUSE_TOKEN) {
		fprintf(stderr, "many_links: %.8s: the token is refused\n", o->home.branch);
		exit(1);
	}
}

/* As a branch with nothing to send does: its link is known to be alive. */
static void announce(struct one *o)
{
	struct msg m = {.type = MSG_HEADS, .session = o->session, .heads = {.announce = true, .last = true}};

	o->since_ms = clock_mono_ms();
	say(o, &m);
}

/* An answer may be lost: who waits too long begins again. */
static void on_tick(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < all_n; i++) {
		uint64_t since_ms = clock_mono_ms() - all[i].since_ms;
		if (all[i].served && since_ms > ANNOUNCE_MS) {
			announce(&all[i]);
		} else if (!all[i].served && since_ms > PATIENCE_MS) {
			link_client_disconnect(all[i].link);
			all[i].since_ms = clock_mono_ms();
			again(&all[i], 0);
		}
	}
}

static void on_signal(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	loop_stop(loop);
}

static bool begin(struct one *o, const char *text)
{
	struct as_errmsg em = {"out of memory"};
	uint8_t seed[32];

	if (join_code_decode(bytes_of_str(text), &o->home.join, &em)) {
		fprintf(stderr, "many_links: %s\n", em.text);
		return false;
	}
	const struct join_code *j = &o->home.join;
	const struct link_client_conf conf = {.endpoint = j->endpoint,
					      .server_public = j->curve_key,
					      .max_message_bytes = MESSAGE_BYTES_MAX,
					      .timeout_ms = PATIENCE_MS,
					      .up = on_up,
					      .down = on_down,
					      .message = on_message,
					      .ctx = o};
	memcpy(o->home.org, j->org, sizeof o->home.org);
	memcpy(o->home.branch, j->branch, BRANCH_CODE_MAX);
	join_token_keys(j->token_seed, o->token_public, o->token_secret);
	as_random(seed, sizeof seed);
	as_ed25519_keypair(seed, o->home.identity_public, o->home.identity_secret);
	net_curve_keypair(o->home.link_secret, o->home.link_public);
	as_random(seed, sizeof seed);
	as_x25519_public(seed, o->home.recipient_public);
	as_random(o->run_id, sizeof o->run_id);
	o->connect = (struct loop_timer){.fn = on_connect, .arg = o};
	if (link_client_open(&o->link, loop, &conf, &em)) {
		fprintf(stderr, "many_links: %s\n", em.text);
		return false;
	}
	again(o, 0);
	return true;
}

int main(void)
{
	struct rlimit files;
	struct as_errmsg em = {"out of memory"};
	char text[JOIN_TEXT_MAX + 2];
	size_t cap = 4096;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	all = calloc(cap, sizeof all[0]);
	if (all == NULL || as_crypto_init() || loop_open(&loop) || loop_on_signal(loop, on_signal, NULL) ||
	    net_init(&em)) {
		fprintf(stderr, "many_links: %s\n", em.text);
		return 74;
	}
	while (all_n < cap && fgets(text, sizeof text, stdin))
		if (!begin(&all[all_n++], text))
			return 64;
	loop_set_tick(loop, 1000, on_tick, NULL);
	as_err err = loop_run(loop);
	for (size_t i = 0; i < all_n; i++)
		link_client_close(all[i].link);
	loop_close(loop);
	net_done();
	free(all);
	return err != AS_OK;
}
