#include "tests/bench/system_fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/crypto/hash.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/node/enrolment.h"

#define MUST(call) as_assert((call) == AS_OK)
#define BLOCK_MAX 1024	  /* events that are made for one block */
#define TAKEN_BLOCKS 16	  /* blocks a commit */
#define CHUNK_EVENTS 8192 /* a commit of fill_both at the branch */

/* ---- keys ----------------------------------------------------------------------------------------- */

static void seed_of(const char *name, const char *code, uint8_t ret[32])
{
	const struct bytes parts[] = {bytes_of_str(name), bytes_of_str(code)};

	as_blake2b(ret, 32, bytes_of(NULL, 0), parts, AS_COUNT(parts));
}

void fill_keys_of(const char *code, struct fill_keys *k)
{
	uint8_t seed[32];

	seed_of("identity", code, seed);
	as_ed25519_keypair(seed, k->identity_public, k->identity_secret);
	seed_of("link", code, k->link_secret);
	as_x25519_public(k->link_secret, k->link_public);
	seed_of("recipient", code, k->recipient_secret);
	as_x25519_public(k->recipient_secret, k->recipient_public);
	seed_of("content", code, k->content);
}

static struct log_id live_of(const char *code)
{
	struct log_id id = {.cls = LOG_LIVE, .number = 1};
	uint8_t inc[32];

	memcpy(id.branch, code, strlen(code));
	seed_of("incarnation", code, inc);
	memcpy(id.inc, inc, sizeof id.inc);
	return id;
}

/* ---- head office ---------------------------------------------------------------------------------- */

void fill_open(struct fill *f, const struct bench_node *hq)
{
	struct as_errmsg em = {0};

	*f = (struct fill){.n = NULL};
	if (node_open(&f->n, hq->dir, NODE_WRITE, &em))
		fail("%s: %s", hq->dir, em.text);
	batch_init(&f->b, f->n);
	verifier_init(&f->verifier, f->n);
	MUST(received_init(&f->slots, SYNC_FLIGHT_MAX));
}

void fill_close(struct fill *f)
{
	fill_commit(f);
	received_done(&f->slots);
	verifier_done(&f->verifier);
	batch_done(&f->b);
	node_close(f->n);
}

static void commit(struct batch *b)
{
	struct as_errmsg em = {0};

	if (batch_commit(b, &em))
		fail("commit: %s", em.text);
}

static void roster_add(struct node *n, const struct bytes *raw, size_t raw_n)
{
	struct event ev;

	for (size_t i = 0; i < raw_n; i++) {
		MUST(event_decode(raw[i], &ev));
		MUST(roster_fold(&n->roster, &ev));
	}
}

void fill_enrol(struct fill *f, const char *code)
{
	struct enrolment e = {.uses = 1, .expires = clock_utc_ms() + 3600000};
	AS_AUTO(join_code) struct join_code jc = {0};
	struct roster_node node = {.live = live_of(code)};
	struct bytes raw[ENROL_EVENTS_MAX], *admitted;
	struct as_errmsg em = {0};
	struct fill_keys k;
	size_t n;

	memcpy(e.branch, code, strlen(code));
	snprintf(e.zone, sizeof e.zone, "Asia/Shanghai");
	snprintf(e.endpoint, sizeof e.endpoint, "tcp://127.0.0.1:7443");
	batch_begin(&f->b, clock_utc_ms());
	if (enrolment_to_batch(&f->b, &e, &jc, raw, &n, &em))
		fail("enrol %s: %s", code, em.text);
	commit(&f->b);
	roster_add(f->n, raw, n);

	fill_keys_of(code, &k);
	node.token = jc.token;
	memcpy(node.branch, e.branch, sizeof node.branch);
	memcpy(node.identity, k.identity_public, 32);
	memcpy(node.link, k.link_public, 32);
	memcpy(node.recipient, k.recipient_public, 32);
	batch_begin(&f->b, clock_utc_ms());
	MUST(hq_all_admit(&f->b, &node, &admitted, &n));
	commit(&f->b);
	roster_add(f->n, admitted, n);
}

void fill_take(struct fill *f, struct bytes block)
{
	struct block_header h;
	struct msg m = {.type = MSG_BLOCK};
	struct log_row row;
	size_t n;

	as_assert(block_header_get(block, &h, &n) == REFUSE_NONE);
	m.block = (struct msg_block){.log = h.log, .first = h.first, .count = h.count, .block = block};
	as_assert(received_take(&f->slots, f->n->home->org, &m));
	struct received *r = received_at(&f->slots, m.block.slot);
	bool held = store_log(f->n->st, &h.log, &row) == AS_OK;
	r->fresh = (held ? row.head.size : 0) == h.first;
	verify_received(&f->verifier, r);
	if (m.block.fault || r->v.reason)
		fail("a block of %.8s at %llu is refused: %u", h.log.branch, (unsigned long long)h.first,
		     m.block.fault ? m.block.fault : r->v.reason);
	f->taken[f->taken_n++] = r;
	if (f->taken_n == TAKEN_BLOCKS)
		fill_commit(f);
}

void fill_commit(struct fill *f)
{
	static struct sync_item items[SYNC_FLIGHT_MAX];
	static struct items_result result;

	if (f->taken_n == 0)
		return;
	for (size_t i = 0; i < f->taken_n; i++) {
		const struct received *r = f->taken[i];
		items[i] = (struct sync_item){.type = ITEM_BLOCK,
					      .log = r->log,
					      .slot = r->slot,
					      .first = r->first,
					      .count = r->count,
					      .head = r->v.head,
					      .keys_upto = r->v.keys_upto,
					      .fold = true};
	}
	batch_begin(&f->b, clock_utc_ms());
	MUST(items_to_batch(&f->b, items, f->taken, f->taken_n, &result));
	commit(&f->b);
	items_committed(&f->verifier, items, f->taken_n);
	for (size_t i = 0; i < f->taken_n; i++)
		received_free(&f->slots, f->taken[i]->slot);
	f->taken_n = 0;
}

/* ---- logs ----------------------------------------------------------------------------------------- */

/*
 * Of the events that the guards refuse, which a branch would not have taken, only every tenth stays: they are
 * about one in eight of the generator's.
 */
static void event_make(struct gen *g, struct rng *r, int64_t at, struct gen_event *ret)
{
	do
		gen_next(g, r, at, ret);
	while (!ret->legal && rng_below(r, 10) != 0);
}

static const struct gen_opts mix = {.complaint_pm = 100, .personal_pm = 300, .open_max = 16};

struct fill_log *fill_log_new(const uint8_t org[16], const char *code, int64_t from, int64_t step_ms)
{
	struct fill_log *l = calloc(1, sizeof *l);

	as_assert(l != NULL);
	snprintf(l->code, sizeof l->code, "%s", code);
	l->id = live_of(code);
	l->at = from;
	l->step_ms = step_ms;
	for (const char *p = code; *p; p++)
		l->rng.state = l->rng.state * 1000003 + (uint8_t)*p;
	fill_keys_of(code, &l->keys);
	block_author_init(&l->author, org, &l->id, l->keys.identity_secret, l->keys.content);
	gen_init(&l->gen, code, &mix);
	return l;
}

void fill_log_free(struct fill_log *l)
{
	block_author_done(&l->author);
	free(l);
}

static size_t opened_event(const struct fill_log *l, uint8_t *raw, size_t cap)
{
	struct log_opened lo = {.log = l->id};
	uint8_t body[LOG_OPENED_MAX];
	struct event ev = {.event_id = bytes_of(l->id.inc, 16),
			   .salt = bytes_of(l->id.inc, 16),
			   .kind = LOG_OPENED,
			   .business_date = 20240101,
			   .tz_offset_min = 480,
			   .occurred_at = l->at,
			   .recorded_at = l->at,
			   .post = 0};
	size_t n;

	memcpy(lo.author, l->keys.identity_public, 32);
	ev.body = bytes_of(body, log_opened_encode(&lo, body));
	MUST(event_encode(&ev, raw, cap, &n));
	return n;
}

size_t fill_block(struct fill_log *l, struct block_io *io, const uint8_t hq_recipient[32], size_t n,
		  struct buf *ret_block, struct log_head *ret_head)
{
	static struct gen_event made[BLOCK_MAX];
	static struct bytes events[BLOCK_MAX + 1];
	uint8_t opened[512], random[32];
	struct block_recipients recipients;
	struct block_content c = {.events = events, .random = random};
	size_t plain = 0, done = 0;

	if (l->frontier.size == 0) {
		events[c.events_n++] = bytes_of(opened, opened_event(l, opened, sizeof opened));
		memcpy(recipients.hq, hq_recipient, 32);
		memcpy(recipients.branch, l->keys.recipient_public, 32);
		c.recipients = &recipients;
	}
	for (; done < n && done < BLOCK_MAX && plain + BLOCK_PLAIN_OF(GEN_RAW_MAX) <= BLOCK_PLAIN_MAX;
	     done++) {
		event_make(&l->gen, &l->rng, l->at, &made[done]);
		l->at += l->step_ms;
		events[c.events_n++] = bytes_of(made[done].raw, made[done].n);
		plain += BLOCK_PLAIN_OF(made[done].n);
	}
	rng_fill(&l->rng, random, sizeof random);
	buf_reset(ret_block);
	MUST(block_build(io, &l->author, &l->frontier, &c, ret_block, ret_head));
	return done;
}

/* ---- a real branch -------------------------------------------------------------------------------- */

/* n events in one commit. */
static void append(struct batch *b, const struct log_id *log, struct gen *g, struct rng *r, size_t n,
		   int64_t *at, int64_t step_ms)
{
	static struct gen_event made;
	static struct bytes events[CHUNK_EVENTS];
	struct batch_author w;

	batch_begin(b, clock_utc_ms());
	for (size_t i = 0; i < n; i++) {
		event_make(g, r, *at, &made);
		*at += step_ms;
		events[i] = batch_copy(b, bytes_of(made.raw, made.n));
	}
	MUST(batch_author_open(b, log, &w));
	MUST(batch_append(b, &w, events, n, 0));
	batch_author_done(&w);
	commit(b);
}

static as_err carry(void *arg, const struct log_id *log, const struct block_meta *meta, struct bytes block)
{
	(void)log;
	(void)meta;
	fill_take(arg, block);
	return AS_OK;
}

void fill_both(struct bench_node *hq, struct bench_node *branch, struct gen *g, struct rng *r, uint64_t n,
	       int64_t from, int64_t step_ms)
{
	struct as_errmsg em = {0};
	struct node *at_branch;
	struct log_row row;
	struct batch b;
	struct fill f;

	if (node_open(&at_branch, branch->dir, NODE_WRITE, &em))
		fail("%s: %s", branch->dir, em.text);
	batch_init(&b, at_branch);
	fill_open(&f, hq);
	for (uint64_t more; n > 0; n -= more) {
		more = n < CHUNK_EVENTS ? n : CHUNK_EVENTS;
		MUST(store_log(at_branch->st, &branch->log, &row));
		append(&b, &branch->log, g, r, more, &from, step_ms);
		MUST(store_each_block(at_branch->st, &branch->log, row.head.size, carry, &f));
	}
	fill_close(&f);
	batch_done(&b);
	node_close(at_branch);
}
