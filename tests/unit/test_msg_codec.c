/* common/wire/msg_codec: every message there and back, what must be refused, and mutations of all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/rng.h"
#include "common/wire/msg_codec.h"
#include "sync.pb-c.h"

static struct msg_codec *codec;
static struct wire_key keys_in[KEYS_PER_MESSAGE_MAX], keys_out[KEYS_PER_MESSAGE_MAX];
static uint8_t block_bytes[BLOCK_BYTES_MAX];

static const struct log_id live = {LOG_LIVE, "SH01", 2, {0x11, 0x22}};

static int codec_make(void **state)
{
	(void)state;
	struct rng r = {9};

	rng_fill(&r, block_bytes, sizeof block_bytes);
	return (codec = malloc(sizeof *codec)) == NULL;
}

static int codec_free(void **state)
{
	(void)state;
	free(codec);
	return 0;
}

/* ---- samples: one of each type, small or as large as it may be
 * ---------------------------------------------- */

static void fill_head(struct wire_head *h, unsigned i)
{
	h->log = live;
	h->log.number = i + 1;
	h->head.size = i * 1000003ull;
	memset(h->head.root, (int)i + 1, 32);
	h->keys = i % 3;
}

enum { SAMPLES = 20 };

static struct msg sample(unsigned which)
{
	struct msg m;
	bool large = which >= SAMPLES / 2;

	memset(&m, 0, sizeof m);
	m.session = 0x123456789abcdef0;
	switch (which % (SAMPLES / 2)) {
	case 0:
		m.type = MSG_HELLO;
		m.session = 0;
		m.hello.wire_min = m.hello.wire_max = WIRE_VERSION;
		memcpy(m.hello.branch, large ? "ABCDEFG8" : "B1\0\0\0\0\0", 8);
		m.hello.from_hq = large;
		memset(m.hello.run_id, 7, 16);
		m.hello.nonce = UINT64_MAX;
		m.hello.echo = large ? 12 : 0;
		m.hello.instance = 3;
		m.hello.roster_version = 44;
		m.hello.transport = 5;
		m.hello.credit = 1u << 20;
		m.hello.heads_n = large ? HELLO_HEADS_MAX : 0;
		for (unsigned i = 0; i < m.hello.heads_n; i++)
			fill_head(&m.hello.heads[i], i);
		m.hello.rest_n = large ? 99 : 0;
		memset(m.hello.rest_digest, 0xdd, 32);
		break;
	case 1:
		m.type = MSG_HEADS;
		m.heads.ask = true;
		m.heads.from_start = !large;
		if (large)
			m.heads.after = live;
		break;
	case 2:
		m.type = MSG_HEADS;
		m.heads.last = !large;
		m.heads.heads_n = large ? HELLO_HEADS_MAX : 0;
		for (unsigned i = 0; i < m.heads.heads_n; i++)
			fill_head(&m.heads.heads[i], i);
		break;
	case 3:
		m.type = MSG_BLOCK;
		m.block.log = live;
		m.block.first = large ? INT64_MAX - BLOCK_EVENTS_MAX : 0;
		m.block.count = large ? BLOCK_EVENTS_MAX : 1;
		m.block.block = bytes_of(block_bytes, large ? sizeof block_bytes : 1);
		break;
	case 4:
		m.type = MSG_HAVE;
		m.have.log = live;
		m.have.head.size = large ? INT64_MAX : 0;
		memset(m.have.head.root, 0x5a, 32);
		m.have.keys = large ? 77 : 0;
		m.have.credit = large ? UINT64_MAX : 0;
		m.have.reseal = large;
		m.have.transport = large ? 9 : 0;
		m.have.receipted = large;
		if (large)
			memset(m.have.receipt, 0x99, 76);
		break;
	case 5:
		m.type = MSG_KEYS;
		m.keys.log = live;
		m.keys.keys = keys_in;
		m.keys.keys_n = large ? KEYS_PER_MESSAGE_MAX : 1;
		memset(keys_in, 0, sizeof keys_in);
		for (unsigned i = 0; i < m.keys.keys_n; i++) {
			keys_in[i].number = 10 + i;
			keys_in[i].op = (uint8_t)(large ? KEY_PUT + i % 3 : KEY_PUT);
			memset(keys_in[i].subject, (int)i, 16);
			if (keys_in[i].op == KEY_PUT) {
				keys_in[i].transport = i;
				memset(keys_in[i].sealed, 0xe0, 80);
			}
		}
		break;
	case 6:
		m.type = MSG_REFUSE;
		m.refuse.reason = large ? REFUSE_FORKED : REFUSE_HELLO;
		if (large) {
			m.refuse.log = live;
			m.refuse.first = 55;
			m.refuse.points_n = REFUSE_POINTS_MAX;
			for (unsigned i = 0; i < REFUSE_POINTS_MAX; i++) {
				m.refuse.points[i].size = 1000 - i;
				memset(m.refuse.points[i].root, (int)i, 32);
			}
		}
		break;
	case 7:
		m.type = MSG_JOIN;
		m.session = 0;
		memcpy(m.join.branch, live.branch, 8);
		memset(m.join.identity, 1, 32);
		memset(m.join.link, 2, 32);
		memset(m.join.recipient, 3, 32);
		m.join.live = live;
		memset(m.join.signature, 4, 64);
		break;
	default:
		m.type = which % 2 ? MSG_PENDING : MSG_JOINED;
		m.session = 0;
		memcpy(m.joined.branch, live.branch, 8);
		memset(m.joined.identity, 8, 32);
	}
	return m;
}

/* Equal in all that goes over the wire. */
static bool msg_equal(const struct msg *a, const struct msg *b)
{
	if (a->type != b->type || a->session != b->session)
		return false;
	switch (a->type) {
	case MSG_BLOCK:
		return log_id_equal(&a->block.log, &b->block.log) && a->block.first == b->block.first &&
		       a->block.count == b->block.count && bytes_equal(a->block.block, b->block.block);
	case MSG_KEYS:
		return log_id_equal(&a->keys.log, &b->keys.log) && a->keys.keys_n == b->keys.keys_n &&
		       memcmp(a->keys.keys, b->keys.keys, a->keys.keys_n * sizeof *a->keys.keys) == 0;
	case MSG_HELLO:
		return memcmp(&a->hello, &b->hello, sizeof a->hello) == 0;
	case MSG_HEADS:
		return memcmp(&a->heads, &b->heads, sizeof a->heads) == 0;
	case MSG_HAVE:
		return memcmp(&a->have, &b->have, sizeof a->have) == 0;
	case MSG_REFUSE:
		return memcmp(&a->refuse, &b->refuse, sizeof a->refuse) == 0;
	case MSG_JOIN:
		return memcmp(&a->join, &b->join, sizeof a->join) == 0;
	default:
		return memcmp(&a->joined, &b->joined, sizeof a->joined) == 0;
	}
}

static as_err decode(struct bytes frame, struct msg *ret_m)
{
	return msg_decode(codec, frame, keys_out, ret_m, NULL);
}

static void encode(const struct msg *m, struct buf *ret)
{
	buf_reset(ret);
	assert_int_equal(msg_encode(m, ret), AS_OK);
}

static void every_message_round_trips(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0}, b = {0};
	struct msg m, back;

	buf_init(&a, MESSAGE_BYTES_MAX);
	buf_init(&b, MESSAGE_BYTES_MAX);
	for (unsigned i = 0; i < SAMPLES; i++) {
		m = sample(i);
		encode(&m, &a);
		memset(&back, 0xee, sizeof back);
		if (decode(buf_bytes(&a), &back) != AS_OK || !msg_equal(&m, &back))
			fail_msg("sample %u", i);
		encode(&back, &b);
		assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
		if (m.type == MSG_BLOCK) /* borrowed, not copied */
			assert_true(back.block.block.p >= a.p &&
				    back.block.block.p + back.block.block.n == a.p + a.n);
		else
			assert_true(codec->arena.n < MSG_CODEC_MEMORY / 2 && codec->parts < MSG_CODEC_PARTS);
	}
	/* appended, and unchanged when there is no room */
	m = sample(SAMPLES / 2 + 3);
	encode(&m, &a);
	size_t n = a.n;
	assert_int_equal(msg_encode(&m, &a), AS_ETOOBIG);
	assert_int_equal(a.n, n);
}

static void truncations_and_garbage_are_refused(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0};
	struct msg back;

	buf_init(&a, MESSAGE_BYTES_MAX);
	for (unsigned i = 0; i < SAMPLES; i++) {
		struct msg m = sample(i);
		encode(&m, &a);
		for (size_t n = 0; n<a.n; n += a.n> 10000 ? 997 : 1)
			if (decode(bytes_of(a.p, n), &back) == AS_OK)
				fail_msg("sample %u: %zu of %zu bytes", i, n, a.n);
		if (a.n + 3 <= MESSAGE_BYTES_MAX) {
			assert_int_equal(buf_add(&a, "\x00\x00", 2), AS_OK);
			assert_int_not_equal(decode(buf_bytes(&a), &back), AS_OK);
			assert_int_not_equal(decode(bytes_of(a.p, a.n - 1), &back), AS_OK);
		}
	}
}

/* Whatever a mutation makes of a frame: refused, or a message that goes there and back. */
static void mutations_are_refused_or_sound(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0}, b = {0};
	struct rng r = {2026};
	unsigned accepted = 0;

	buf_init(&a, MESSAGE_BYTES_MAX);
	buf_init(&b, MESSAGE_BYTES_MAX);
	for (unsigned round = 0; round < 40000; round++) {
		struct msg m = sample((unsigned)rng_below(&r, SAMPLES)), back, again;
		static struct wire_key keys_back[KEYS_PER_MESSAGE_MAX];
		if (m.type == MSG_BLOCK)
			m.block.block.n = 40;
		encode(&m, &a);
		for (uint64_t k = rng_below(&r, 3) + 1; k > 0; k--) {
			size_t at = (size_t)rng_below(&r, a.n);
			switch (rng_below(&r, 4)) {
			case 0:
				a.p[at] ^= (uint8_t)(1 << rng_below(&r, 8));
				break;
			case 1:
				a.p[at] = (uint8_t)rng_next(&r);
				break;
			case 2: /* a byte out */
				memmove(a.p + at, a.p + at + 1, a.n - at - 1);
				a.n = a.n > 1 ? a.n - 1 : 1;
				break;
			default: /* a part twice */
				if (a.n < 5000) {
					size_t len = (size_t)rng_below(&r, a.n - at) + 1;
					assert_int_equal(buf_reserve(&a, len), AS_OK);
					memmove(a.p + at + len, a.p + at, a.n - at);
					a.n += len;
				}
			}
		}
		if (msg_decode(codec, buf_bytes(&a), keys_back, &back, NULL) != AS_OK)
			continue;
		accepted++;
		encode(&back, &b);
		assert_int_equal(decode(buf_bytes(&b), &again), AS_OK);
		assert_true(msg_equal(&back, &again));
	}
	assert_true(accepted > 1000);
}

#define INVALID(which, change)                                                                               \
	do {                                                                                                 \
		struct msg m = sample(which);                                                                \
		change;                                                                                      \
		buf_reset(&a);                                                                               \
		if (msg_encode(&m, &a) != AS_EINVAL || a.n)                                                  \
			fail_msg("encoded: sample %d with %s", which, #change);                              \
	} while (0)

static void invalid_values_are_not_encoded(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0};
	enum { HELLO = SAMPLES / 2, ASK, PAGE, BLOCK, HAVE, KEYS, REFUSE, JOIN, JOINED };

	buf_init(&a, MESSAGE_BYTES_MAX);
	INVALID(HELLO, m.type = 0);
	INVALID(HELLO, m.type = MSG_PENDING + 1);
	INVALID(HELLO, m.session = 1);
	INVALID(HELLO, m.hello.nonce = 0);
	INVALID(HELLO, m.hello.wire_min = 2);
	INVALID(HELLO, m.hello.wire_min = 0);
	INVALID(HELLO, m.hello.branch[0] = 'a');
	INVALID(HELLO, m.hello.branch[3] = 0);
	INVALID(HELLO, memset(m.hello.branch + 1, 0, 7));
	INVALID(HELLO, m.hello.heads_n = HELLO_HEADS_MAX + 1);
	INVALID(HELLO, m.hello.heads[5].log.cls = 0);
	INVALID(HELLO, m.hello.heads[5].head.size = 1ull << 63);
	INVALID(ASK, m.heads.from_start = true);
	INVALID(ASK, m.heads.after.cls = 9);
	INVALID(ASK, m.heads.last = true);
	INVALID(ASK, m.heads.heads_n = 1);
	INVALID(PAGE, m.heads.after = live);
	INVALID(PAGE, m.heads.from_start = true);
	INVALID(PAGE, m.heads.heads[1] = m.heads.heads[0]);
	INVALID(PAGE, m.heads.heads[1].log.number = 9);
	INVALID(BLOCK, m.block.count = 0);
	INVALID(BLOCK, m.block.count = BLOCK_EVENTS_MAX + 1);
	INVALID(BLOCK, m.block.first++);
	INVALID(BLOCK, m.block.block.n = 0);
	INVALID(BLOCK, m.block.block.n = BLOCK_BYTES_MAX + 1);
	INVALID(BLOCK, m.block.log.number = 0);
	INVALID(HAVE, m.have.log.inc[0] = 0; m.have.log.inc[1] = 0);
	INVALID(HAVE, m.have.head.size++);
	INVALID(KEYS, m.keys.keys_n = 0);
	INVALID(KEYS, m.keys.keys_n = KEYS_PER_MESSAGE_MAX + 1);
	INVALID(KEYS, m.keys.log.cls = LOG_BULK);
	INVALID(KEYS, m.keys.keys[3].number++);
	INVALID(KEYS, m.keys.keys[0].number = 0);
	INVALID(KEYS, m.keys.keys[3].op = 0);
	INVALID(KEYS, m.keys.keys[3].op = 4);
	INVALID(KEYS, m.keys.keys[1].transport = 4);
	INVALID(REFUSE, m.refuse.reason = REFUSE_NONE);
	INVALID(REFUSE, m.refuse.reason = REFUSE_REASONS);
	INVALID(REFUSE, m.refuse.points_n = REFUSE_POINTS_MAX + 1);
	INVALID(REFUSE, m.refuse.points[31].size = UINT64_MAX);
	INVALID(REFUSE, m.refuse.first = UINT64_MAX);
	INVALID(REFUSE, m.refuse.log.cls = 0);
	INVALID(JOIN, m.join.live.cls = LOG_BULK);
	INVALID(JOIN, m.join.live.branch[3] = '2');
	INVALID(JOIN, m.session = 1);
	INVALID(JOINED, m.joined.branch[0] = 0);
	INVALID(JOINED, m.session = 1);
}

/* Frames by hand: field and content given as text. */
static void add(struct buf *b, const char *p, size_t n)
{
	assert_int_equal(buf_add(b, p, n), AS_OK);
}

#define ADD(b, text) add((b), (text), sizeof(text) - 1)

static void frames_that_are_no_message(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0};
	struct as_errmsg em;
	struct msg m, back;

	buf_init(&a, 2 * MESSAGE_BYTES_MAX);
	assert_int_equal(decode(bytes_of(NULL, 0), &back), AS_EPROTO);
	ADD(&a, "\x08\x01"); /* type Hello, nothing else */
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
	buf_reset(&a);
	ADD(&a, "\x08\x0a"); /* type 10 */
	assert_int_equal(msg_decode(codec, buf_bytes(&a), keys_out, &back, &em), AS_EUNSUPPORTED);
	assert_string_equal(em.text, "message type 10");
	buf_reset(&a);
	ADD(&a, "\x08\x00");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EUNSUPPORTED);

	/* the type of one message, the content of another; two contents; the type twice */
	m = sample(8);
	encode(&m, &a);
	a.p[1] = MSG_PENDING;
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
	a.p[1] = MSG_JOINED;
	assert_int_equal(decode(buf_bytes(&a), &back), AS_OK);
	size_t n = a.n;
	ADD(&a, "\x5a"); /* and the same as Pending */
	assert_int_equal(buf_reserve(&a, n), AS_OK);
	assert_int_equal(buf_add(&a, a.p + 3, n - 3), AS_OK);
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
	a.n = n;
	ADD(&a, "\x08\x08");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
	a.n = n;
	ADD(&a, "\x7a\x01x"); /* block bytes where none belong */
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);

	/* block bytes missing; not last; twice; empty */
	m = sample(3);
	encode(&m, &a);
	assert_int_equal(decode(bytes_of(a.p, a.n - 3), &back), AS_EPROTO);
	n = a.n;
	ADD(&a, "\x80\x01\x01"); /* an unknown field after it */
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
	a.n = n;
	ADD(&a, "\x7a\x01x");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
	a.n = n - 3;
	ADD(&a, "\x7a\x00");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
	a.n = n - 3;
	ADD(&a, "\x78\x01"); /* a number in its place */
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);

	/* Keys without room for them */
	m = sample(5);
	encode(&m, &a);
	assert_int_equal(msg_decode(codec, buf_bytes(&a), NULL, &back, NULL), AS_EINVAL);
}

static void unknown_fields_are_skipped_within_limits(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0};
	struct msg m = sample(8), back;

	buf_init(&a, 2 * MESSAGE_BYTES_MAX);
	encode(&m, &a);
	size_t n = a.n;
	for (int i = 0; i < 20; i++)
		ADD(&a, "\x80\x01\x01\xd2\x0f\x04more"); /* fields 16 and 250 */
	assert_int_equal(decode(buf_bytes(&a), &back), AS_OK);
	assert_true(msg_equal(&m, &back));
	for (int i = 0; i < 30; i++)
		ADD(&a, "\x80\x01\x01");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_ETOOBIG);
	/* too many in the frame: found before anything is allocated */
	codec->parts = 12345;
	for (int i = 0; i < 100000 && a.n + 3 <= MESSAGE_BYTES_MAX; i++)
		ADD(&a, "\x80\x01\x01");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_ETOOBIG);
	assert_int_equal(codec->parts, 12345);
	/* too many inside a message: 1,100 in Joined, type 8 */
	a.n = 0;
	ADD(&a, "\x08\x08\x52\x8c\x1a"
		"\x0a\x04SH01"
		"\x12\x20"
		"0123456789abcdef0123456789abcdef");
	for (int i = 0; i < 1100; i++)
		ADD(&a, "\x80\x01\x01");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_ETOOBIG);
	assert_true(codec->arena.n < MSG_CODEC_MEMORY * 3 / 4);
	/* 20,000 in Joined, type 8 */
	a.n = 0;
	ADD(&a, "\x08\x08\x52\xe0\xd4\x03"); /* 60,000 bytes */
	for (int i = 0; i < 20000; i++)
		ADD(&a, "\x80\x01\x01");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_ETOOBIG);
	/* too many empty parts: 30,000 heads in Heads, type 2 */
	a.n = 0;
	ADD(&a, "\x08\x02\x22\xe0\xd4\x03");
	for (int i = 0; i < 30000; i++)
		ADD(&a, "\x22\x00");
	assert_int_not_equal(decode(buf_bytes(&a), &back), AS_OK);
	/* too long without a block; too long at all */
	encode(&m, &a);
	assert_int_equal(a.n, n);
	ADD(&a, "\x82\x01\x80\x80\x04"); /* field 16, 65,536 bytes */
	add(&a, (const char *)block_bytes, 65536);
	assert_int_equal(decode(buf_bytes(&a), &back), AS_ETOOBIG);
	static uint8_t huge[MESSAGE_BYTES_MAX + 1];
	assert_int_equal(decode(bytes_of(huge, sizeof huge), &back), AS_ETOOBIG);
}

struct stingy {
	unsigned left;
};

static void *stingy_take(void *arg, size_t n)
{
	struct stingy *st = arg;

	if (st->left == 0)
		return NULL;
	st->left--;
	return malloc(n);
}

static void stingy_free(void *arg, void *p)
{
	(void)arg;
	free(p);
}

/* What the decoder relies on: protobuf-c gives up cleanly when any one of its allocations fails. */
static void protobuf_c_survives_every_failing_allocation(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0};

	buf_init(&a, MESSAGE_BYTES_MAX);
	for (unsigned i = 0; i < SAMPLES; i++) {
		struct msg m = sample(i);
		if (m.type == MSG_BLOCK)
			m.block.block.n = 40;
		encode(&m, &a);
		Aftersync__Sync__Frame *f = NULL;
		for (unsigned allowed = 0; f == NULL; allowed++) {
			struct stingy st = {allowed};
			ProtobufCAllocator al = {stingy_take, stingy_free, &st};
			assert_true(allowed < 2000);
			f = aftersync__sync__frame__unpack(&al, a.n, a.p);
			if (f)
				aftersync__sync__frame__free_unpacked(f, &al);
		}
	}
}

static void a_hello_of_another_version_can_be_answered(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf a = {0};
	struct msg back;

	buf_init(&a, MESSAGE_BYTES_MAX);
	/* wire 2 to 3, branch SH01, nonce 7, and nothing else that we know; an unknown field */
	ADD(&a, "\x08\x01\x1a\x0f\x08\x02\x10\x03\x1a\x04SH01\x20\x07\xa0\x06\x01");
	assert_int_equal(decode(buf_bytes(&a), &back), AS_OK);
	assert_true(back.type == MSG_HELLO && back.hello.wire_min == 2 && back.hello.wire_max == 3);
	assert_true(back.hello.nonce == 7 && back.hello.heads_n == 0);
	assert_memory_equal(back.hello.branch, "SH01\0\0\0", 8);
	a.p[5] = 1; /* wire 1 to 3: then the rest is required */
	assert_int_equal(decode(buf_bytes(&a), &back), AS_EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_message_round_trips),
	    cmocka_unit_test(truncations_and_garbage_are_refused),
	    cmocka_unit_test(mutations_are_refused_or_sound),
	    cmocka_unit_test(invalid_values_are_not_encoded),
	    cmocka_unit_test(frames_that_are_no_message),
	    cmocka_unit_test(unknown_fields_are_skipped_within_limits),
	    cmocka_unit_test(protobuf_c_survives_every_failing_allocation),
	    cmocka_unit_test(a_hello_of_another_version_can_be_answered),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, codec_make, codec_free);
}
