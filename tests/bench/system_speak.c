#include "tests/bench/system_speak.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/crypto/random.h"
#include "common/wire/msg_codec.h"
#include "daemon/rt/link_client.h"
#include "tests/bench/system_fill.h"

#define PROCESSES_MAX 64
#define AGAIN_MS 500
#define ANNOUNCE_MS 30000
#define BLOCKS_MAX 4096
#define STEP_MS (INT64_C(86400000) / 8)

/* What a process of links tells: one byte each. */
#define SAID_READY 'r'
#define SAID_SERVED 's'
#define SAID_RECEIPTED 'd'

void speak_code(size_t i, char ret_code[9])
{
	snprintf(ret_code, 9, "N%05zu", i % 100000);
}

/* ---- one branch, in the process that speaks for it ------------------------------------------------ */

struct said_block {
	uint64_t first;
	uint32_t count;
	uint8_t *bytes;
	size_t n;
};

struct one {
	struct link_client *link;
	struct fill_log *log;
	struct loop_timer connect;
	struct said_block *blocks;
	size_t n, at; /* blocks; the next to send */
	struct log_head head;
	uint8_t run_id[16];
	uint64_t nonce, session, credit, sent, returned, announced_ms;
	bool served, asked, receipted;
};

static struct loop *loop;
static struct msg_codec codec;
static struct wire_key keys[KEYS_PER_MESSAGE_MAX];
static const struct speak_conf *conf;
static struct one ones[SPEAK_EACH];
static size_t ones_n, served_n, receipted_n;
static int parent;

static void tell(char what)
{
	if (write(parent, &what, 1) != 1)
		_exit(1);
}

static void say(struct one *o, const struct msg *m)
{
	AS_AUTO(buf) struct buf frame = {0};

	buf_init(&frame, MESSAGE_BYTES_MAX);
	if (msg_encode(m, &frame) == AS_OK)
		link_client_send(o->link, bytes_of(frame.p, frame.n));
}

static struct wire_head head_of_log(const struct one *o)
{
	return (struct wire_head){.log = o->log->id, .head = o->head};
}

static void announce(struct one *o)
{
	struct msg m = {.type = MSG_HEADS,
			.session = o->session,
			.heads = {.announce = true, .last = true, .returned = o->returned}};

	if (!o->receipted)
		m.heads.heads[m.heads.heads_n++] = head_of_log(o);
	o->announced_ms = clock_mono_ms();
	say(o, &m);
}

/* Blocks as far as credit goes; then head office is asked for more, once. */
static void pump(struct one *o)
{
	for (; o->at < o->n; o->at++) {
		const struct said_block *b = &o->blocks[o->at];
		struct msg m = {.type = MSG_BLOCK,
				.session = o->session,
				.block = {.log = o->log->id,
					  .first = b->first,
					  .count = b->count,
					  .block = bytes_of(b->bytes, b->n)}};
		if (o->sent + b->n > o->credit) {
			if (!o->asked)
				announce(o);
			o->asked = true;
			return;
		}
		o->sent += b->n;
		say(o, &m);
	}
}

static void on_hello(struct one *o, const struct msg_hello *h)
{
	struct msg m = {.type = MSG_HAVE};

	if (h->echo != o->nonce || o->served)
		return;
	o->session = m.session = h->nonce;
	o->credit = h->credit;
	say(o, &m); /* no credit: nothing is wanted of head office's logs */
	m = (struct msg){.type = MSG_HEADS, .session = o->session, .heads = {.last = true}};
	say(o, &m);
	o->served = true;
	o->announced_ms = clock_mono_ms();
	if (++served_n == ones_n)
		tell(SAID_SERVED);
	pump(o);
}

/* What is granted and not needed is given back, or others would wait for it. */
static void give_back(struct one *o)
{
	if (o->sent + SYNC_CREDIT_KEEP >= o->credit)
		return;
	o->returned += o->credit - o->sent - SYNC_CREDIT_KEEP;
	o->sent = o->credit - SYNC_CREDIT_KEEP;
	announce(o);
}

static void on_have(struct one *o, const struct msg_have *h)
{
	if (h->credit > o->credit) {
		o->credit = h->credit;
		o->asked = false;
	}
	if (h->receipted && !o->receipted && h->head.size == o->head.size &&
	    memcmp(h->head.root, o->head.root, sizeof h->head.root) == 0) {
		o->receipted = true;
		if (++receipted_n == ones_n)
			tell(SAID_RECEIPTED);
	}
	pump(o);
	if (o->receipted)
		give_back(o);
}

static void on_message(void *ctx, struct bytes frame)
{
	struct one *o = ctx;
	struct msg m;

	if (msg_decode(&codec, frame, keys, &m, NULL))
		return;
	if (m.type == MSG_HELLO)
		on_hello(o, &m.hello);
	else if (m.type == MSG_HAVE && o->served)
		on_have(o, &m.have);
	else if (m.type == MSG_REFUSE && m.refuse.reason != REFUSE_HELLO)
		fprintf(stderr, "bench_system: %s is refused: %u\n", o->log->code, m.refuse.reason);
}

static void on_up(void *ctx)
{
	struct one *o = ctx;
	struct msg m = {.type = MSG_HELLO};
	struct msg_hello *h = &m.hello;

	h->wire_min = WIRE_VERSION_MIN;
	h->wire_max = WIRE_VERSION;
	memcpy(h->branch, o->log->id.branch, BRANCH_CODE_MAX);
	memcpy(h->run_id, o->run_id, sizeof h->run_id);
	o->nonce = (o->nonce >> 32) + 1;
	h->nonce = o->nonce <<= 32;
	h->instance = conf->instance;
	h->transport = conf->transport;
	h->heads_n = 1;
	h->heads[0] = head_of_log(o);
	o->sent = o->returned = 0;
	o->at = 0;
	o->asked = false;
	say(o, &m);
}

static void on_connect(void *arg)
{
	struct one *o = arg;

	if (link_client_connect(o->link, o->log->keys.link_secret, o->log->keys.link_public))
		loop_timer_set(loop, &o->connect, clock_mono_ms() + AGAIN_MS);
}

static void on_down(void *ctx, const char *why)
{
	struct one *o = ctx;

	(void)why;
	served_n -= o->served;
	o->served = false;
	loop_timer_set(loop, &o->connect, clock_mono_ms() + AGAIN_MS);
}

/* As a branch does: its link is known to be alive. */
static void on_tick(void *arg)
{
	uint64_t now = clock_mono_ms();

	(void)arg;
	for (size_t i = 0; i < ones_n; i++)
		if (ones[i].served && now - ones[i].announced_ms > ANNOUNCE_MS)
			announce(&ones[i]);
}

static void log_make(struct one *o, struct block_io *io, size_t number)
{
	AS_AUTO(buf) struct buf block = {0};
	char code[9];

	speak_code(number, code);
	o->log = fill_log_new(conf->org, code, conf->from, conf->step_ms);
	o->blocks = calloc(BLOCKS_MAX, sizeof o->blocks[0]);
	as_assert(o->blocks != NULL);
	buf_init(&block, BLOCK_BYTES_MAX);
	for (uint64_t left = conf->events, got; left > 0; left -= got) {
		struct said_block *b = &o->blocks[o->n++];
		as_assert(o->n <= BLOCKS_MAX);
		b->first = o->head.size;
		got = fill_block(o->log, io, conf->hq_recipient, left, &block, &o->head);
		b->count = (uint32_t)(o->head.size - b->first);
		b->n = block.n;
		b->bytes = malloc(block.n);
		as_assert(b->bytes != NULL);
		memcpy(b->bytes, block.p, block.n);
	}
	as_random(o->run_id, sizeof o->run_id);
	o->connect = (struct loop_timer){.fn = on_connect, .arg = o};
}

_Noreturn static void process(size_t from, size_t n)
{
	struct block_io io;
	struct as_errmsg em = {0};
	char go;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	as_assert(block_io_init(&io) == AS_OK);
	for (ones_n = 0; ones_n < n; ones_n++)
		log_make(&ones[ones_n], &io, from + ones_n);
	tell(SAID_READY);
	if (read(parent, &go, 1) != 1 || loop_open(&loop) || net_init(&em))
		_exit(1);
	for (size_t i = 0; i < n; i++) {
		const struct link_client_conf c = {.endpoint = conf->endpoint,
						   .server_public = conf->server,
						   .max_message_bytes = MESSAGE_BYTES_MAX,
						   .up = on_up,
						   .down = on_down,
						   .message = on_message,
						   .ctx = &ones[i]};
		if (link_client_open(&ones[i].link, loop, &c, &em))
			_exit(1);
		loop_timer_set(loop, &ones[i].connect, 0);
	}
	loop_set_tick(loop, 1000, on_tick, NULL);
	_exit(loop_run(loop) != AS_OK);
}

/* ---- the other side ------------------------------------------------------------------------------- */

struct speak {
	struct speak_conf conf;
	size_t n;
	struct {
		pid_t pid;
		int fd;
		bool served, receipted;
	} process[PROCESSES_MAX];
};

/* Reads what the process says until it was this. */
static void listen_for(struct speak *s, size_t i, char what)
{
	char got = 0;

	while (what == SAID_SERVED ? !s->process[i].served : !s->process[i].receipted) {
		struct pollfd p = {.fd = s->process[i].fd, .events = POLLIN};
		if (poll(&p, 1, 300000) <= 0 || read(s->process[i].fd, &got, 1) != 1)
			fail("links: nothing more for 5 minutes");
		s->process[i].served |= got == SAID_SERVED;
		s->process[i].receipted |= got == SAID_RECEIPTED;
	}
}

int speak_hq(struct bench_node *hq, size_t branches, uint64_t events, struct speak_conf *c)
{
	int port = hq_make(hq);
	struct fill f;
	char code[9];

	*c = (struct speak_conf){.branches = branches, .events = events, .step_ms = STEP_MS};
	c->from = clock_utc_ms() - (int64_t)events * STEP_MS;
	snprintf(c->endpoint, sizeof c->endpoint, "tcp://127.0.0.1:%d", port);
	fill_open(&f, hq);
	for (size_t i = 0; i < branches; i++) {
		speak_code(i, code);
		fill_enrol(&f, code);
	}
	const struct node_home *h = f.n->home;
	memcpy(c->org, h->org, sizeof c->org);
	memcpy(c->server, h->link_public, sizeof c->server);
	memcpy(c->hq_recipient, h->recipient_public, sizeof c->hq_recipient);
	c->instance = h->instance;
	c->transport = h->transports[h->transports_n - 1].number;
	fill_close(&f);
	return port;
}

struct speak *speak_new(const struct speak_conf *c)
{
	struct speak *s = calloc(1, sizeof *s);
	char ready;

	as_assert(s != NULL && c->branches <= PROCESSES_MAX * SPEAK_EACH);
	s->conf = *c;
	conf = &s->conf;
	for (size_t from = 0; from < c->branches; from += SPEAK_EACH, s->n++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			fail("links: %s", strerror(errno));
		if ((s->process[s->n].pid = fork()) == 0) {
			parent = pair[1];
			process(from, c->branches - from < SPEAK_EACH ? c->branches - from : SPEAK_EACH);
		}
		close(pair[1]);
		s->process[s->n].fd = pair[0];
	}
	for (size_t i = 0; i < s->n; i++)
		if (read(s->process[i].fd, &ready, 1) != 1)
			fail("links: a process of them ended");
	return s;
}

void speak_go(struct speak *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (write(s->process[i].fd, "g", 1) != 1)
			fail("links: %s", strerror(errno));
}

void speak_wait_served(struct speak *s)
{
	for (size_t i = 0; i < s->n; i++)
		listen_for(s, i, SAID_SERVED);
}

void speak_wait_receipt(struct speak *s)
{
	for (size_t i = 0; i < s->n; i++)
		listen_for(s, i, SAID_RECEIPTED);
}

void speak_end(struct speak *s)
{
	for (size_t i = 0; i < s->n; i++) {
		kill(s->process[i].pid, SIGKILL);
		waitpid(s->process[i].pid, NULL, 0);
		close(s->process[i].fd);
	}
	free(s);
}
