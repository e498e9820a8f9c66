/*
 * The whole path of an event through the cores, on one core and without sockets: the branch builds a block, commits it
 * with cases and cells, and frames it; head office takes the frame apart, verifies and opens the block, commits it with
 * cases and cells, and signs a receipt; the branch verifies and keeps that. Both stores over kv_mem, one block a commit.
 * One JSON object a line, times in µs per event.
 *
 * "catchup_us" is what catching up takes, when the branch's blocks stand already: everything but building and the
 * branch's own commit. 150,000 events/s on two cores leave 13.3 µs per event for both sides.
 *
 * bench_path N measures blocks of N events only (0: as many as fit).
 *
 * The mix: generated orders and complaints of one branch, 30 % of the events with a sealed part of 64 to 320 bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/log/block_io.h"
#include "common/log/note_sign.h"
#include "common/store/kv_mem.h"
#include "common/wire/log_opened.h"
#include "common/wire/msg_codec.h"
#include "tests/lib/store_rig.h"

#define EVENTS 120000
#define BUDGET_US 13.3

enum step { BUILD, BRANCH_COMMIT, FRAME, OPEN, HQ_COMMIT, RECEIPT_SIGN, RECEIPT_TAKE, STEPS };

static const char *const step_names[STEPS] = {"build",	   "branch_commit", "frame",	   "verify_open",
					      "hq_commit", "receipt_sign",  "receipt_take"};

static const uint8_t org[16] = {1};
static const struct log_id live = {LOG_LIVE, RIG_BRANCH, 1, {1}};
static const uint8_t content_key[32] = {2};

/* The two sides and what they keep from block to block. */
struct path {
	struct block_io branch_io, hq_io;
	struct block_author author;
	struct block_reader reader;
	struct block_opened opened;
	struct tree_frontier branch_frontier, hq_frontier;
	struct kv *branch_kv, *hq_kv;
	struct store *branch, *hq;
	struct buf block, frame;
	struct msg_codec *codec;
	struct note_key receipt_key;
	uint8_t receipt_secret[64];
	struct block_recipients recipients;
	struct rng rng;
	uint64_t wire_bytes;
	double spent[STEPS];
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Adds the time since *mark to a step. */
static void lap(struct path *p, enum step step, double *mark)
{
	double now = now_s();

	p->spent[step] += now - *mark;
	*mark = now;
}

static void path_init(struct path *p)
{
	static const uint8_t seeds[3][32] = {{3}, {4}, {5}};
	uint8_t public_key[32], secret[64], box_secret[32], box_public[32];

	*p = (struct path){.rng = {7}};
	as_assert(block_io_init(&p->branch_io) == AS_OK && block_io_init(&p->hq_io) == AS_OK);
	as_ed25519_keypair(seeds[0], public_key, secret);
	block_author_init(&p->author, org, &live, secret, content_key);
	block_reader_init(&p->reader, org, &live, public_key);
	as_box_keypair(seeds[2], box_public, box_secret);
	memcpy(p->recipients.hq, box_public, 32);
	memcpy(p->recipients.branch, box_public, 32);
	block_reader_set_recipient(&p->reader, true, box_public, box_secret);
	block_opened_init(&p->opened);
	as_ed25519_keypair(seeds[1], public_key, p->receipt_secret);
	as_assert(note_key_init(&p->receipt_key, NOTE_COSIGNATURE, bytes_of_str("aftersync/01/hq/1"), public_key) ==
		  AS_OK);
	as_assert(kv_mem_new(&p->branch_kv) == AS_OK && kv_mem_new(&p->hq_kv) == AS_OK);
	p->branch = rig_open(p->branch_kv, STORE_BRANCH);
	p->hq = rig_open(p->hq_kv, STORE_HQ);
	buf_init(&p->block, BLOCK_BYTES_MAX);
	buf_init(&p->frame, MESSAGE_BYTES_MAX);
	p->codec = malloc(sizeof *p->codec);
	as_assert(p->codec != NULL);
}

static void path_done(struct path *p)
{
	free(p->codec);
	buf_done(&p->frame);
	buf_done(&p->block);
	store_close(p->hq);
	store_close(p->branch);
	kv_close(p->hq_kv);
	kv_close(p->branch_kv);
	block_opened_done(&p->opened);
	block_reader_done(&p->reader);
	block_author_done(&p->author);
	block_io_done(&p->hq_io);
	block_io_done(&p->branch_io);
}

static void commit_block(struct store *st, uint64_t first, const struct bytes *events, const uint8_t (*leaves)[32],
			 size_t n, struct bytes block, const struct log_head *head)
{
	struct store_op op = {.type = STORE_BLOCK, .log = live};

	op.block.meta = (struct block_meta){.first = first, .count = (uint32_t)n, .bytes = (uint32_t)block.n};
	memcpy(op.block.meta.root, head->root, 32);
	op.block.block = block;
	op.block.events = events;
	op.block.leaves = leaves;
	op.block.fold = true;
	as_assert(rig_commit(st, &op) == AS_OK);
}

static void path_block(struct path *p, const struct bytes *events, size_t n)
{
	static uint8_t leaves[BLOCK_EVENTS_MAX][32];
	uint8_t random[32], receipt[COSIGN_PAYLOAD];
	struct block_content c = {.events = events, .events_n = n, .random = random, .ret_leaves = leaves};
	uint64_t first = p->branch_frontier.size, time_s;
	struct msg m = {.type = MSG_BLOCK, .session = 7}, got;
	struct log_head head;
	struct block_view v;
	enum refuse_reason why;

	c.recipients = first == 0 ? &p->recipients : NULL;
	rng_fill(&p->rng, random, sizeof random);
	buf_reset(&p->block);
	buf_reset(&p->frame);

	double t = now_s();
	as_assert(block_build(&p->branch_io, &p->author, &p->branch_frontier, &c, &p->block, &head) == AS_OK);
	lap(p, BUILD, &t);
	commit_block(p->branch, first, events, (const uint8_t(*)[32])(void *)leaves, n, buf_bytes(&p->block), &head);
	lap(p, BRANCH_COMMIT, &t);

	m.block.log = live;
	m.block.first = first;
	m.block.count = (uint32_t)n;
	m.block.block = buf_bytes(&p->block);
	as_assert(msg_encode(&m, &p->frame) == AS_OK);
	as_assert(msg_decode(p->codec, buf_bytes(&p->frame), NULL, &got, NULL) == AS_OK);
	p->wire_bytes += p->frame.n;
	lap(p, FRAME, &t);

	as_assert(block_peek(got.block.block, org, &v) == REFUSE_NONE);
	as_assert(block_open(&p->hq_io, &v, &p->reader, &p->hq_frontier, &p->opened, &why) == AS_OK);
	lap(p, OPEN, &t);
	commit_block(p->hq, first, p->opened.events, (const uint8_t(*)[32])(void *)p->opened.leaves,
		     p->opened.events_n, got.block.block, &p->opened.head);
	lap(p, HQ_COMMIT, &t);

	as_assert(cosign_sign(&p->receipt_key, p->receipt_secret, 1793500000, v.note.text, receipt) == AS_OK);
	lap(p, RECEIPT_SIGN, &t);
	as_assert(cosign_verify(&p->receipt_key, v.note.text, receipt, &time_s));
	struct store_op op = {.type = STORE_RECEIPT, .log = live};
	op.receipt.head = head;
	memcpy(op.receipt.receipt, receipt, sizeof receipt);
	as_assert(rig_commit(p->branch, &op) == AS_OK);
	lap(p, RECEIPT_TAKE, &t);
}

static size_t opened_event(uint8_t *raw, size_t cap)
{
	struct log_opened lo = {.log = live};
	uint8_t body[LOG_OPENED_MAX], id[16] = {0xee};
	size_t n;

	struct event ev = {.event_id = bytes_of(id, 16),
			   .salt = bytes_of(id, 16),
			   .kind = LOG_OPENED,
			   .business_date = 20261101,
			   .occurred_at = 1793500000000,
			   .recorded_at = 1793500000000};
	ev.body = bytes_of(body, log_opened_encode(&lo, body));
	as_assert(event_encode(&ev, raw, cap, &n) == AS_OK);
	return n;
}

/* per_block 0: as many as fit. */
static void run(size_t per_block)
{
	static struct gen_event made[1024];
	static struct bytes events[1024];
	static struct gen g;
	struct rng r = {.state = 1};
	struct path p;
	uint8_t raw[512];
	size_t done = 0, blocks = 0, most = per_block ? per_block : AS_COUNT(made), n = 0, plain = 0, bytes = 0;

	path_init(&p);
	struct bytes first = bytes_of(raw, opened_event(raw, sizeof raw));
	path_block(&p, &first, 1);
	memset(p.spent, 0, sizeof p.spent);
	p.wire_bytes = 0;
	gen_init(&g, RIG_BRANCH, &(struct gen_opts){.complaint_pm = 100, .personal_pm = 300, .open_max = 64});
	while (done < EVENTS) {
		gen_next(&g, &r, 1793500000000 + (int64_t)(done + n) * 60000, &made[n]);
		events[n] = bytes_of(made[n].raw, made[n].n);
		plain += BLOCK_PLAIN_OF(made[n].n);
		bytes += made[n].n;
		n++;
		if (n < most && plain + BLOCK_PLAIN_OF(GEN_RAW_MAX) <= BLOCK_PLAIN_MAX)
			continue;
		path_block(&p, events, n);
		done += n;
		blocks++;
		n = plain = 0;
	}

	double all = 0, catchup;
	for (int s = 0; s < STEPS; s++)
		all += p.spent[s];
	catchup = all - p.spent[BUILD] - p.spent[BRANCH_COMMIT];
	double us = 1e6 / (double)done;
	printf("{\"bench\":\"path\",\"events\":%zu,\"events_a_block\":%zu,\"events_per_s\":%.0f,\"us_per_event\":%.2f,"
	       "\"catchup_us\":%.2f,\"budget_us\":%.1f,\"bytes_per_event\":%.0f,\"wire_bytes_per_event\":%.0f",
	       done, done / blocks, (double)done / all, all * us, catchup * us, BUDGET_US, (double)bytes / (double)done,
	       (double)p.wire_bytes / (double)done);
	for (int s = 0; s < STEPS; s++)
		printf(",\"%s_us\":%.2f", step_names[s], p.spent[s] * us);
	printf("}\n");
	fflush(stdout);
	path_done(&p);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {1, 16, 64, 256, 0};

	as_assert(as_crypto_init() == AS_OK);
	if (argc > 1)
		run(strtoul(argv[1], NULL, 10) % 1025);
	else
		for (size_t i = 0; i < AS_COUNT(sizes); i++)
			run(sizes[i]);
	return 0;
}
