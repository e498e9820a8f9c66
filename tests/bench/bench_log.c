/*
 * Speed of common/log on one core: hashing, building and opening blocks. One JSON object a line.
 *
 * The mix: events of 300 bytes as a branch makes them, half of it (ids, salt, sealed personal part) random,
 * half protobuf text of few different values; blocks closed at BLOCK_PLAIN_MAX. BENCH_SECONDS sets how long
 * each line measures (default 1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/rng.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/crypto/sign.h"
#include "common/log/block_io.h"
#include "common/wire/msg_codec.h"

#define EVENT_BYTES 300
#define RANDOM_BYTES 150
#define EVENTS_MAX (BLOCK_PLAIN_MAX / BLOCK_PLAIN_OF(EVENT_BYTES))

static uint8_t memory[EVENTS_MAX][EVENT_BYTES];
static struct bytes events[EVENTS_MAX];

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(void)
{
	const char *s = getenv("BENCH_SECONDS");

	return s ? atof(s) : 1.0;
}

static void events_make(void)
{
	static const char *const words[] = {
	    "REPAIR_OPENED ", "model X200 ", "fault 0107 ",    "part BAT-3300 ",  "warranty in ",
	    "tech 17 ",	      "bin A-12 ",   "quoted 129.00 ", "status waiting ", "channel walk-in "};
	struct rng r = {1};

	for (size_t i = 0; i < EVENTS_MAX; i++) {
		uint8_t *p = memory[i];
		rng_fill(&r, p, RANDOM_BYTES);
		for (size_t n = RANDOM_BYTES; n < EVENT_BYTES;) {
			const char *word = words[rng_below(&r, AS_COUNT(words))];
			size_t len = strlen(word) < EVENT_BYTES - n ? strlen(word) : EVENT_BYTES - n;
			memcpy(p + n, word, len);
			n += len;
		}
		events[i] = bytes_of(p, EVENT_BYTES);
	}
}

static void print(const char *name, uint64_t n, double s, const char *more)
{
	printf("{\"bench\":\"%s\",\"events\":%llu,\"events_per_s\":%.0f,\"us_per_event\":%.3f%s}\n", name,
	       (unsigned long long)n, (double)n / s, s / (double)n * 1e6, more);
}

static void bench_leaf(void)
{
	double start = now_s(), s;
	uint8_t h[32];
	uint64_t n = 0;

	do {
		for (size_t i = 0; i < EVENTS_MAX; i++)
			tree_leaf(events[i], h);
		n += EVENTS_MAX;
	} while ((s = now_s() - start) < seconds());
	print("sha256_leaf_300", n, s, "");
}

static void bench_push(void)
{
	struct tree_frontier f = {.size = 0};
	double start = now_s(), s;
	uint8_t leaf[32] = {1};
	uint64_t n = 0;

	do {
		for (size_t i = 0; i < EVENTS_MAX; i++)
			tree_push(&f, leaf);
		n += EVENTS_MAX;
	} while ((s = now_s() - start) < seconds());
	print("tree_push", n, s, "");
}

static const uint8_t org[16] = {1};
static const struct log_id live = {LOG_LIVE, "SH01", 1, {1}};
static const uint8_t content_key[32] = {2}, fresh[32] = {3};

static void author_make(struct block_author *a, uint8_t public_key[32])
{
	uint8_t seed[32] = {4}, secret[64];

	as_ed25519_keypair(seed, public_key, secret);
	block_author_init(a, org, &live, secret, content_key);
}

/* Later blocks, as they are nearly all: the frontier is not empty. */
static struct tree_frontier frontier_of(unsigned n)
{
	struct tree_frontier f = {.size = 0};
	uint8_t leaf[32] = {5};

	while (n--)
		tree_push(&f, leaf);
	return f;
}

static void bench_build(struct block_io *io, const struct block_author *a, size_t per_block, const char *name)
{
	const struct block_content c = {.events = events, .events_n = per_block, .random = fresh};
	struct tree_frontier f = frontier_of(999);
	AS_AUTO(buf) struct buf b = {0};
	double start = now_s(), s;
	uint64_t n = 0;
	char more[96];

	buf_init(&b, BLOCK_BYTES_MAX);
	do {
		buf_reset(&b);
		as_assert(block_build(io, a, &f, &c, &b, NULL) == AS_OK);
		n += per_block;
	} while ((s = now_s() - start) < seconds());
	snprintf(more, sizeof more, ",\"events_per_block\":%zu,\"bytes_per_event\":%.1f", per_block,
		 (double)b.n / (double)per_block);
	print(name, n, s, more);
}

static void bench_open(struct block_io *io, const struct block_author *a, const uint8_t public_key[32],
		       size_t per_block, const char *name)
{
	const struct block_content c = {.events = events, .events_n = per_block, .random = fresh};
	const struct tree_frontier before = frontier_of(999);
	struct tree_frontier f = before;
	AS_AUTO(buf) struct buf b = {0};
	AS_AUTO(block_opened) struct block_opened o = {0};
	AS_AUTO(block_reader) struct block_reader r;
	double start, s;
	uint64_t n = 0;
	char more[96];

	buf_init(&b, BLOCK_BYTES_MAX);
	block_opened_init(&o);
	block_reader_init(&r, org, &live, public_key);
	block_reader_set_key(&r, content_key);
	as_assert(block_build(io, a, &f, &c, &b, NULL) == AS_OK);
	start = now_s();
	do {
		struct block_view v;
		enum refuse_reason why;
		tree_frontier_copy(&f, &before);
		as_assert(block_peek(buf_bytes(&b), org, &v) == REFUSE_NONE);
		as_assert(block_open(io, &v, &r, &f, &o, &why) == AS_OK);
		n += per_block;
	} while ((s = now_s() - start) < seconds());
	snprintf(more, sizeof more, ",\"events_per_block\":%zu", per_block);
	print(name, n, s, more);
}

/* A Block message there and back: what the codec adds to each block. */
static void bench_codec(struct block_io *io, const struct block_author *a)
{
	const struct block_content c = {.events = events, .events_n = EVENTS_MAX, .random = fresh};
	struct tree_frontier f = frontier_of(999);
	struct msg_codec *codec = malloc(sizeof *codec);
	AS_AUTO(buf) struct buf b = {0}, frame = {0};
	struct msg m = {.type = MSG_BLOCK, .session = 77}, back;
	double start, s;
	uint64_t n = 0;

	as_assert(codec != NULL);
	buf_init(&b, BLOCK_BYTES_MAX);
	buf_init(&frame, MESSAGE_BYTES_MAX);
	as_assert(block_build(io, a, &f, &c, &b, NULL) == AS_OK);
	m.block.log = live;
	m.block.first = 999;
	m.block.count = EVENTS_MAX;
	m.block.block = buf_bytes(&b);
	start = now_s();
	do {
		buf_reset(&frame);
		as_assert(msg_encode(&m, &frame) == AS_OK);
		as_assert(msg_decode(codec, buf_bytes(&frame), NULL, &back, NULL) == AS_OK);
		n += EVENTS_MAX;
	} while ((s = now_s() - start) < seconds());
	print("block_message", n, s, "");
	free(codec);
}

int main(void)
{
	AS_AUTO(block_io) struct block_io io = {0};
	AS_AUTO(block_author) struct block_author a;
	uint8_t public_key[32];

	as_assert(as_crypto_init() == AS_OK && block_io_init(&io) == AS_OK);
	events_make();
	author_make(&a, public_key);
	bench_leaf();
	bench_push();
	bench_build(&io, &a, EVENTS_MAX, "block_build");
	bench_open(&io, &a, public_key, EVENTS_MAX, "block_open");
	bench_build(&io, &a, 64, "block_build_64");
	bench_open(&io, &a, public_key, 64, "block_open_64");
	bench_build(&io, &a, 1, "block_build_1");
	bench_open(&io, &a, public_key, 1, "block_open_1");
	bench_codec(&io, &a);
	return 0;
}
