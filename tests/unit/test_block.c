/*
 * common/log/block, block_io; common/wire/log_opened. For each check of a received block one that fails there
 * and nowhere before: forged with the right keys, so that nothing but that check can find it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zstd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/rng.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/log/block_io.h"
#include "common/log/note_sign.h"
#include "common/wire/log_opened.h"

static const uint8_t org[16] = {0xa5, 1, 2, 3};
static const struct log_id live = {LOG_LIVE, "SH01", 2, {0x11, 0x22}};
static const struct log_id other_branch = {LOG_LIVE, "SH02", 2, {0x11, 0x22}};
static const struct log_id bulk = {LOG_BULK, "SH01", 2, {0x11, 0x22}};
static const struct log_id hq_all = {LOG_HQ_ALL, "", 1, {0}};

/* Everything both sides have; made once. */
static struct {
	uint8_t public_key[32], secret[64];	/* the author's */
	uint8_t old_public[32], old_secret[64]; /* its key before a rotation */
	uint8_t content_key[32];
	uint8_t hq_public[32], hq_secret[32], branch_public[32], branch_secret[32];
	struct block_recipients recipients;
	uint8_t random[32];
	struct block_io io;
	struct block_opened opened;
} w;

static int world_make(void **state)
{
	(void)state;
	uint8_t seed[32] = {1};

	as_ed25519_keypair(seed, w.public_key, w.secret);
	seed[0]++;
	as_ed25519_keypair(seed, w.old_public, w.old_secret);
	seed[0]++;
	as_box_keypair(seed, w.hq_public, w.hq_secret);
	seed[0]++;
	as_box_keypair(seed, w.branch_public, w.branch_secret);
	memcpy(w.recipients.hq, w.hq_public, 32);
	memcpy(w.recipients.branch, w.branch_public, 32);
	memset(w.content_key, 0xc7, 32);
	memset(w.random, 0x3e, 32);
	block_opened_init(&w.opened);
	return block_io_init(&w.io);
}

static int world_free(void **state)
{
	(void)state;
	block_io_done(&w.io);
	block_opened_done(&w.opened);
	return 0;
}

/* ---- events
 * ------------------------------------------------------------------------------------------------- */

#define EVENTS_MAX 4096
static uint8_t event_memory[EVENTS_MAX * 320 + 2 * BLOCK_PLAIN_CAP];
static struct bytes events[EVENTS_MAX + 1];

/* n events of `size` bytes; text compresses, noise does not. */
static void events_make(size_t n, size_t size, bool noise)
{
	struct rng r = {n * 1000003 + size};
	uint8_t *p = event_memory;

	for (size_t i = 0; i < n; i++) {
		if (noise)
			rng_fill(&r, p, size);
		else
			for (size_t k = 0; k < size; k++)
				p[k] = (uint8_t)(k < 8 ? rng_next(&r) : 'a' + k % 7);
		events[i] = bytes_of(p, size);
		p += size;
	}
}

static struct block_author author_of(const struct log_id *log)
{
	struct block_author a;

	block_author_init(&a, org, log, w.secret, log->cls == LOG_HQ_ALL ? NULL : w.content_key);
	return a;
}

static struct block_reader reader_of(const struct log_id *log)
{
	struct block_reader r;

	block_reader_init(&r, org, log, w.public_key);
	if (log->cls != LOG_HQ_ALL)
		block_reader_set_key(&r, w.content_key);
	return r;
}

static struct block_content content_of(size_t n)
{
	return (struct block_content){.events = events, .events_n = n, .random = w.random};
}

/* ---- what must work
 * ----------------------------------------------------------------------------------------- */

static void check_round_trip(const struct log_id *log, size_t n, size_t size, bool noise, unsigned blocks)
{
	struct block_author a = author_of(log);
	struct block_reader r = reader_of(log);
	struct tree_frontier mine = {.size = 0}, theirs = {.size = 0};
	AS_AUTO(buf) struct buf b = {0};
	uint8_t(*leaves)[32] = test_malloc(n * sizeof *leaves);

	buf_init(&b, BLOCK_BYTES_MAX);
	for (unsigned i = 0; i < blocks; i++) {
		struct block_content c = content_of(n);
		struct block_view v;
		enum refuse_reason why;
		struct log_head head;
		events_make(n, size, noise);
		c.ret_leaves = leaves;
		if (log->cls != LOG_HQ_ALL) {
			c.keys_upto = 7 + i;
			c.recipients = i == 0 ? &w.recipients : NULL;
		}
		buf_reset(&b);
		assert_int_equal(block_build(&w.io, &a, &mine, &c, &b, &head), AS_OK);
		assert_int_equal(head.size, (i + 1) * n);
		assert_int_equal(block_peek(buf_bytes(&b), org, &v), REFUSE_NONE);
		assert_true(log_id_equal(&v.h.log, log) && v.h.first == i * n && v.h.count == n);
		assert_int_equal(v.h.keys_upto, c.keys_upto);
		assert_memory_equal(v.head.root, head.root, 32);
		assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_OK);
		assert_int_equal(why, REFUSE_NONE);
		assert_int_equal(w.opened.events_n, n);
		for (size_t k = 0; k < n; k++) {
			assert_true(bytes_equal(w.opened.events[k], events[k]));
			assert_memory_equal(w.opened.leaves[k], leaves[k], 32);
		}
		assert_memory_equal(&w.opened.head, &head, sizeof head);
		uint8_t root[32];
		tree_root(&theirs, root);
		assert_true(theirs.size == head.size && memcmp(root, head.root, 32) == 0);
		if (n < BLOCK_PAD_EVENTS && log->cls != LOG_HQ_ALL)
			assert_int_equal(v.h.body_n % BLOCK_PAD, BLOCK_TAG);
		bool smaller = v.h.codec == BLOCK_ZSTD || v.h.codec == BLOCK_SEALED_ZSTD;
		assert_int_equal(smaller, !noise);
	}
	test_free(leaves);
	block_author_done(&a);
	block_reader_done(&r);
}

static void blocks_round_trip(void **state)
{
	(void)state;
	const struct log_id *const logs[] = {&live, &bulk, &hq_all};

	for (size_t l = 0; l < AS_COUNT(logs); l++) {
		check_round_trip(logs[l], 1, 1, true, 2);
		check_round_trip(logs[l], 1, 200, false, 3);
		check_round_trip(logs[l], 7, 300, false, 2);
		check_round_trip(logs[l], 7, 300, true, 2);
		check_round_trip(logs[l], 8, 300, false, 2);
		check_round_trip(logs[l], 8, 300, true, 2);
		check_round_trip(logs[l], 430, 300, false, 3);
		check_round_trip(logs[l], BLOCK_EVENTS_MAX, 28, false, 2);
		check_round_trip(logs[l], 1, EVENT_BYTES_MAX, true, 1);
	}
	/* raw packed text whose length with its padding is just a multiple */
	for (size_t size = 245; size < 256; size++)
		check_round_trip(&live, 1, size, true, 1);
}

static void the_largest_block_fits(void **state)
{
	(void)state;
	struct block_author a = author_of(&live);
	struct block_reader r = reader_of(&live);
	struct tree_frontier mine = {.size = 0}, theirs = {.size = 0};
	struct block_content c = content_of(5);
	AS_AUTO(buf) struct buf b = {0};
	struct block_view v;
	enum refuse_reason why;

	/* five of the largest, the last one closing the block: exactly BLOCK_PLAIN_CAP */
	events_make(5, EVENT_BYTES_MAX, true);
	events[0].n = BLOCK_PLAIN_CAP - 4 * (size_t)BLOCK_PLAIN_OF(EVENT_BYTES_MAX) - BLOCK_EVENT_HEAD;
	c.recipients = &w.recipients;
	buf_init(&b, BLOCK_BYTES_MAX);
	assert_int_equal(block_build(&w.io, &a, &mine, &c, &b, NULL), AS_OK);
	assert_true(b.n <= BLOCK_BYTES_MAX);
	assert_int_equal(block_peek(buf_bytes(&b), org, &v), REFUSE_NONE);
	assert_int_equal(v.h.plain_n, BLOCK_PLAIN_CAP);
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_OK);
	/* one byte more is refused, and nothing has changed */
	struct tree_frontier before = mine = (struct tree_frontier){.size = 0};
	events[0].n++;
	buf_reset(&b);
	assert_int_equal(block_build(&w.io, &a, &mine, &c, &b, NULL), AS_ETOOBIG);
	assert_true(mine.size == before.size && b.n == 0);
}

static void building_refuses_what_opening_would(void **state)
{
	(void)state;
	struct block_author a = author_of(&live), h = author_of(&hq_all);
	struct tree_frontier f = {.size = 0};
	static const uint8_t nowhere[32];
	struct block_recipients bad = w.recipients;
	struct note_key old;
	struct block_content c;
	AS_AUTO(buf) struct buf b = {0};

	buf_init(&b, BLOCK_BYTES_MAX);
	events_make(2, 100, false);
#define REFUSED(author) assert_int_equal(block_build(&w.io, (author), &f, &c, &b, NULL), AS_EINVAL)
	c = content_of(2); /* index 0 without content key */
	REFUSED(&a);
	c = content_of(0);
	c.recipients = &w.recipients;
	REFUSED(&a);
	c = content_of(BLOCK_EVENTS_MAX + 1);
	c.recipients = &w.recipients;
	REFUSED(&a);
	c = content_of(2);
	c.recipients = &w.recipients;
	c.random = NULL;
	REFUSED(&a);
	memcpy(bad.branch, nowhere, 32);
	c = content_of(2);
	c.recipients = &bad;
	REFUSED(&a);
	c = content_of(2);
	c.keys_upto = 1;
	REFUSED(&h);
	c = content_of(2);
	c.recipients = &w.recipients;
	REFUSED(&h);
	events[1].n = 0;
	c = content_of(2);
	REFUSED(&h);
	events[1].n = EVENT_BYTES_MAX + 1;
	REFUSED(&h);
	events[1].n = 100;
	assert_int_equal(note_key_init(&old, NOTE_ED25519, bytes_of(a.key.name, a.key.name_n), w.old_public),
			 AS_OK);
	f.size = 1;
	c = content_of(2);
	c.before_key = &old;
	c.before_secret = w.old_secret;
	REFUSED(&a);
	f.size = TREE_SIZE_MAX - 1;
	c = content_of(2);
	REFUSED(&a);
	assert_int_equal(f.size, TREE_SIZE_MAX - 1);
	assert_int_equal(b.n, 0);
	/* a buffer that is too small */
	struct buf small = {0};
	buf_init(&small, 100);
	f.size = 0;
	c = content_of(2);
	c.recipients = &w.recipients;
	assert_int_equal(block_build(&w.io, &a, &f, &c, &small, NULL), AS_ETOOBIG);
	assert_true(f.size == 0 && small.n == 0);
	buf_done(&small);
}

static void the_content_key_travels_in_the_header(void **state)
{
	(void)state;
	struct block_author a = author_of(&live);
	struct tree_frontier mine = {.size = 0};
	struct block_content c = content_of(3);
	AS_AUTO(buf) struct buf b = {0};
	struct block_view v;
	enum refuse_reason why;

	events_make(3, 100, false);
	c.recipients = &w.recipients;
	buf_init(&b, BLOCK_BYTES_MAX);
	assert_int_equal(block_build(&w.io, &a, &mine, &c, &b, NULL), AS_OK);
	assert_int_equal(block_peek(buf_bytes(&b), org, &v), REFUSE_NONE);
	for (int hq = 0; hq < 2; hq++)
		for (int right = 0; right < 2; right++) {
			struct block_reader r;
			struct tree_frontier theirs = {.size = 0};
			block_reader_init(&r, org, &live, w.public_key);
			assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_EREFUSED);
			assert_int_equal(why, REFUSE_CONTENT_KEY);
			block_reader_set_recipient(&r, hq, hq == right ? w.hq_public : w.branch_public,
						   hq == right ? w.hq_secret : w.branch_secret);
			as_err err = block_open(&w.io, &v, &r, &theirs, &w.opened, &why);
			assert_int_equal(err, right ? AS_OK : AS_EREFUSED);
			assert_int_equal(why, right ? REFUSE_NONE : REFUSE_CONTENT_KEY);
			assert_int_equal(r.has_content_key, right);
			assert_int_equal(theirs.size, right ? 3 : 0);
			if (right)
				assert_memory_equal(r.content_key, w.content_key, 32);
		}
	/* renewed later: the reader takes the new key from the header */
	struct block_reader r = reader_of(&live);
	struct tree_frontier theirs = {.size = 0};
	block_reader_set_recipient(&r, true, w.hq_public, w.hq_secret);
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_OK);
	uint8_t renewed[32];
	memset(renewed, 0x55, 32);
	block_author_done(&a);
	block_author_init(&a, org, &live, w.secret, renewed);
	buf_reset(&b);
	assert_int_equal(block_build(&w.io, &a, &mine, &c, &b, NULL), AS_OK);
	assert_int_equal(block_peek(buf_bytes(&b), org, &v), REFUSE_NONE);
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_OK);
	assert_memory_equal(r.content_key, renewed, 32);
}

static void a_rotation_is_signed_by_both_keys(void **state)
{
	(void)state;
	struct block_author a = author_of(&live);
	struct tree_frontier mine = {.size = 0}, theirs;
	struct block_content c = content_of(3);
	struct note_key old;
	AS_AUTO(buf) struct buf both = {0}, alone = {0}, reversed = {0};
	struct block_view v;
	enum refuse_reason why;

	events_make(3, 100, false);
	buf_init(&both, BLOCK_BYTES_MAX);
	buf_init(&alone, BLOCK_BYTES_MAX);
	buf_init(&reversed, BLOCK_BYTES_MAX);
	assert_int_equal(note_key_init(&old, NOTE_ED25519, bytes_of(a.key.name, a.key.name_n), w.old_public),
			 AS_OK);
	c.recipients = &w.recipients;
	assert_int_equal(block_build(&w.io, &a, &mine, &c, &alone, NULL), AS_OK);
	mine.size = 0;
	c.before_key = &old;
	c.before_secret = w.old_secret;
	assert_int_equal(block_build(&w.io, &a, &mine, &c, &both, NULL), AS_OK);

	struct block_reader r = reader_of(&live);
	theirs.size = 0; /* a reader that does not know the old key skips its line */
	assert_int_equal(block_peek(buf_bytes(&both), org, &v), REFUSE_NONE);
	assert_int_equal(v.note.lines_n, 2);
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_OK);
	block_reader_set_before(&r, w.old_public);
	theirs.size = 0;
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_OK);
	/* with only the new key's line a rotation is refused */
	theirs.size = 0;
	assert_int_equal(block_peek(buf_bytes(&alone), org, &v), REFUSE_NONE);
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_EREFUSED);
	assert_int_equal(why, REFUSE_SIGNATURE);
	assert_int_equal(theirs.size, 0);
	/* and so are the lines the other way round, or the wrong old key */
	memcpy(a.secret, w.old_secret, 64);
	a.key = old;
	struct block_author swap = author_of(&live);
	mine.size = 0;
	c.before_key = &swap.key;
	c.before_secret = w.secret;
	assert_int_equal(block_build(&w.io, &a, &mine, &c, &reversed, NULL), AS_OK);
	assert_int_equal(block_peek(buf_bytes(&reversed), org, &v), REFUSE_NONE);
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_EREFUSED);
	assert_int_equal(why, REFUSE_SIGNATURE);
	struct block_reader unaware = reader_of(&live);
	assert_int_equal(block_open(&w.io, &v, &unaware, &theirs, &w.opened, &why), AS_EREFUSED);
	assert_int_equal(why, REFUSE_SIGNATURE);
	assert_int_equal(block_peek(buf_bytes(&both), org, &v), REFUSE_NONE);
	block_reader_set_before(&r, w.hq_public);
	assert_int_equal(block_open(&w.io, &v, &r, &theirs, &w.opened, &why), AS_EREFUSED);
	assert_int_equal(why, REFUSE_SIGNATURE);
}

static void a_nonce_does_not_repeat_for_other_text(void **state)
{
	(void)state;
	struct block_author a = author_of(&live);
	struct block_content c = content_of(3);
	struct buf b[4];
	uint8_t nonces[4][24];

	for (int i = 0; i < 4; i++) {
		/* a clone: same state, same randomness. 0 and 1: same events; 2: another event; 3: another
		 * keys_upto */
		struct tree_frontier f = {.size = 0};
		struct block_view v;
		events_make(3, 100, false);
		if (i == 2)
			event_memory[250] ^= 1;
		c.recipients = &w.recipients;
		c.keys_upto = i == 3;
		buf_init(&b[i], BLOCK_BYTES_MAX);
		assert_int_equal(block_build(&w.io, &a, &f, &c, &b[i], NULL), AS_OK);
		assert_int_equal(block_peek(buf_bytes(&b[i]), org, &v), REFUSE_NONE);
		memcpy(nonces[i], v.h.nonce, 24);
	}
	assert_true(bytes_equal(buf_bytes(&b[0]), buf_bytes(&b[1])));
	assert_memory_not_equal(nonces[0], nonces[2], 24);
	assert_memory_not_equal(nonces[0], nonces[3], 24);
	for (int i = 0; i < 4; i++)
		buf_done(&b[i]);
}

/* ---- forging
 * ------------------------------------------------------------------------------------------------ */

/* A block made step by step with the right keys; what a test sets departs from what is right. */
struct forge {
	size_t n; /* events taken from `events` */
	struct tree_frontier before;
	const struct log_id *log;      /* in the header; NULL: live */
	const struct log_id *note_log; /* in the note; NULL: log */
	const uint8_t *note_org;       /* NULL: org */
	const char *extension;
	const char *name;    /* of the signature line; NULL: the origin */
	int extra_lines;     /* signature lines of unknown keys */
	int64_t size_delta;  /* of the checkpoint's size */
	int32_t count_delta; /* of the header's count and, unless size_delta says otherwise, the size */
	int64_t first_delta; /* of the header's first index */
	bool wrong_root;
	bool wrong_signature;
	const uint8_t *secret; /* NULL: the author's */
	struct bytes plain;    /* NULL: of the events */
	uint32_t plain_n;      /* 0: its length */
	struct bytes packed;   /* NULL: zstd of plain */
	bool raw;
	struct bytes padding;	 /* NULL: right */
	const uint8_t *seal_key; /* NULL: the content key; its id stands in the header all the same … */
	bool other_id;		 /* … unless this is set */
	bool no_keys;
	void (*header)(struct block_header *h); /* last change before sealing */
	struct bytes tail;			/* after the note */
};

static uint8_t forge_plain[BLOCK_PLAIN_CAP * 2], forge_packed[BLOCK_BYTES_MAX * 2];

static size_t forge_note(const struct forge *g, const struct log_head *head, uint8_t *out)
{
	uint8_t text[512];
	struct writer tw = writer_of(text, sizeof text), nw = writer_of(out, 4096);
	char origin[CHECKPOINT_ORIGIN_MAX];
	struct note_key key;
	uint8_t public_key[32];
	const uint8_t *secret = g->secret ? g->secret : w.secret;
	size_t n =
	    checkpoint_origin(g->note_org ? g->note_org : org, g->note_log ? g->note_log : g->log, origin);

	as_ed25519_public(secret, public_key);
	assert_int_equal(note_key_init(&key, NOTE_ED25519,
				       g->name ? bytes_of_str(g->name) : bytes_of(origin, n), public_key),
			 AS_OK);
	checkpoint_put(&tw, bytes_of(origin, n), head);
	if (g->extension)
		writer_bytes(&tw, bytes_of_str(g->extension));
	note_sign(&nw, writer_done(&tw), &key, secret);
	if (g->wrong_signature) {
		nw.n = writer_done(&tw).n + 1;
		note_sign_more(&nw, bytes_of("x", 1), &key, secret);
	}
	for (int i = 0; i < g->extra_lines; i++) {
		key.id[0]++;
		note_sign_more(&nw, writer_done(&tw), &key, secret);
	}
	assert_false(tw.full || nw.full);
	return nw.n;
}

static void forge(struct forge g, struct buf *out)
{
	g.log = g.log ? g.log : &live;
	struct block_header h = {.log = *g.log, .first = g.before.size + (uint64_t)g.first_delta};
	struct tree_frontier f = g.before;
	struct log_head head;
	uint8_t note[4096], header[BLOCK_HEADER_MAX], *p = forge_plain;
	bool sealed = g.log->cls != LOG_HQ_ALL;

	for (size_t i = 0; i < g.n; i++) {
		uint8_t leaf[32];
		put_be32(p, (uint32_t)events[i].n);
		memcpy(p + 4, events[i].p, events[i].n);
		p += 4 + events[i].n;
		tree_leaf(events[i], leaf);
		tree_push(&f, leaf);
	}
	if (g.plain.p == NULL)
		g.plain = bytes_of(forge_plain, (size_t)(p - forge_plain));
	tree_head(&f, &head);
	h.count = (uint32_t)g.n + (uint32_t)g.count_delta;
	head.size = h.first + h.count + (uint64_t)g.size_delta;
	head.root[0] ^= g.wrong_root;

	h.plain_n = g.plain_n ? g.plain_n : (uint32_t)g.plain.n;
	h.codec = (uint8_t)((sealed ? BLOCK_SEALED_RAW : BLOCK_RAW) + !g.raw);
	if (g.packed.p) {
		memcpy(forge_packed, g.packed.p, g.packed.n);
		h.body_n = (uint32_t)g.packed.n;
	} else if (g.raw) {
		memcpy(forge_packed, g.plain.p, g.plain.n);
		h.body_n = (uint32_t)g.plain.n;
	} else {
		h.body_n =
		    (uint32_t)ZSTD_compress(forge_packed, sizeof forge_packed, g.plain.p, g.plain.n, 1);
	}
	if (g.padding.p) {
		memcpy(forge_packed + h.body_n, g.padding.p, g.padding.n);
		h.body_n += (uint32_t)g.padding.n;
	} else if (block_is_padded(&h)) {
		uint32_t n = block_padded(h.body_n);
		memset(forge_packed + h.body_n, 0, n - h.body_n);
		forge_packed[h.body_n] = 0x80;
		h.body_n = n;
	}
	h.note_n = (uint16_t)forge_note(&g, &head, note);
	if (sealed) {
		uint8_t other[32] = {9};
		h.body_n += BLOCK_TAG;
		block_key_id(g.other_id ? other : w.content_key, h.key_id);
		memset(h.nonce, 0x77, 24);
		if (h.first == 0 && !g.no_keys) {
			const struct bytes key = bytes_of(w.content_key, 32);
			h.flags = BLOCK_HAS_KEYS;
			assert_true(as_box_seal(w.hq_public, key, w.random, h.key_for_hq));
			assert_true(as_box_seal(w.branch_public, key, w.random, h.key_for_branch));
		}
	}
	uint32_t body_n = h.body_n;
	if (g.header)
		g.header(&h);
	size_t header_n = block_header_put(&h, header);
	if (sealed)
		as_aead_seal(g.seal_key ? g.seal_key : w.content_key, h.nonce, bytes_of(header, header_n),
			     bytes_of(forge_packed, body_n - BLOCK_TAG), forge_packed);
	buf_reset(out);
	assert_int_equal(buf_add(out, header, header_n), AS_OK);
	assert_int_equal(buf_add(out, forge_packed, body_n), AS_OK);
	assert_int_equal(buf_add(out, note, forge_note(&g, &head, note)), AS_OK);
	assert_int_equal(buf_add(out, g.tail.p, g.tail.n), AS_OK);
}

static struct forge forge_of(const struct log_id *log, size_t n)
{
	return (struct forge){.n = n, .log = log};
}

enum stage { AT_PEEK, AT_OPEN };

/* The block is refused at this stage for this reason, and the receiver's state is what it was. */
static void refused(int line, struct forge g, const struct block_reader *reader, enum stage stage,
		    enum refuse_reason want)
{
	struct block_reader r = *reader;
	struct tree_frontier f = g.before;
	AS_AUTO(buf) struct buf b = {0};
	enum refuse_reason why;
	struct block_view v;

	buf_init(&b, BLOCK_BYTES_MAX * 4);
	forge(g, &b);
	why = block_peek(buf_bytes(&b), org, &v);
	if (stage == AT_PEEK || why != REFUSE_NONE) {
		if (stage != AT_PEEK || why != want)
			fail_msg("line %d: peek says %d, wanted %d", line, why, want);
		return;
	}
	as_err err = block_open(&w.io, &v, &r, &f, &w.opened, &why);
	if (err != (want ? AS_EREFUSED : AS_OK) || why != want)
		fail_msg("line %d: open says %d (%d), wanted %d", line, why, err, want);
	if (want) {
		assert_memory_equal(&f, &g.before, sizeof f);
		assert_memory_equal(&r, reader, sizeof r);
		assert_int_equal(w.opened.events_n, 0);
	}
}

#define REFUSED_AT_PEEK(g, reason) refused(__LINE__, (g), &r, AT_PEEK, (reason))
#define REFUSED_AT_OPEN(g, reason) refused(__LINE__, (g), &r, AT_OPEN, (reason))
#define ACCEPTED(g) refused(__LINE__, (g), &r, AT_OPEN, REFUSE_NONE)
#define FORGE(n_, ...)                                                                                       \
	(struct forge)                                                                                       \
	{                                                                                                    \
		.n = (n_), __VA_ARGS__                                                                       \
	}

static struct tree_frontier frontier_of(unsigned n)
{
	struct tree_frontier f;
	uint8_t leaf[32] = {1};

	memset(&f, 0, sizeof f);
	for (unsigned i = 0; i < n; i++)
		tree_push(&f, leaf);
	return f;
}

static void a_right_forgery_is_accepted(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live), all = reader_of(&hq_all);

	events_make(20, 200, false);
	ACCEPTED(FORGE(20, .before = frontier_of(0)));
	ACCEPTED(FORGE(3, .before = frontier_of(5)));
	ACCEPTED(FORGE(20, .before = frontier_of(5), .raw = true));
	ACCEPTED(FORGE(3, .before = frontier_of(5), .raw = true));
	r = all;
	ACCEPTED(forge_of(&hq_all, 20));
	ACCEPTED(forge_of(&hq_all, 3));
}

static void hdr_version(struct block_header *h)
{
	h->flags |= 2;
}

static void hdr_count_0(struct block_header *h)
{
	h->count = 0;
}

static void hdr_count_max(struct block_header *h)
{
	h->count = BLOCK_EVENTS_MAX + 1;
}

static void hdr_plain_cap(struct block_header *h)
{
	h->plain_n = BLOCK_PLAIN_CAP + 1;
}

static void hdr_plain_0(struct block_header *h)
{
	h->plain_n = 4 * h->count;
}

static void hdr_body_max(struct block_header *h)
{
	h->body_n = BLOCK_BYTES_MAX + 1;
}

static void hdr_body_less(struct block_header *h)
{
	h->body_n--;
}

static void hdr_body_0(struct block_header *h)
{
	h->body_n = 16;
}

static void hdr_note_less(struct block_header *h)
{
	h->note_n--;
}

static void hdr_note_max(struct block_header *h)
{
	h->note_n = BLOCK_NOTE_MAX + 1;
}

static void hdr_codec_0(struct block_header *h)
{
	h->codec = 0;
}

static void hdr_codec_5(struct block_header *h)
{
	h->codec = 5;
}

static void hdr_codec_open(struct block_header *h)
{
	h->codec = BLOCK_ZSTD;
}

static void hdr_codec_sealed(struct block_header *h)
{
	h->codec = BLOCK_SEALED_ZSTD;
}

static void hdr_first_max(struct block_header *h)
{
	h->first = INT64_MAX - 1;
}

static void hdr_class_9(struct block_header *h)
{
	h->log.cls = 9;
}

static void hdr_branch_bad(struct block_header *h)
{
	h->log.branch[1] = 'a';
}

static void hdr_keys_upto(struct block_header *h)
{
	h->keys_upto = 1;
}

static void hdr_key_id(struct block_header *h)
{
	h->key_id[15] = 1;
}

static void hdr_nonce(struct block_header *h)
{
	h->nonce[0] = 1;
}

static void hdr_has_keys(struct block_header *h)
{
	h->flags = BLOCK_HAS_KEYS;
}

static void check_1_sizes_and_form(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);
	static uint8_t much[BLOCK_BYTES_MAX];
	static void (*const damaged[])(struct block_header *) = {
	    hdr_version, hdr_count_0, hdr_plain_0,    hdr_body_less, hdr_body_0,  hdr_note_less,
	    hdr_codec_0, hdr_codec_5, hdr_codec_open, hdr_first_max, hdr_class_9, hdr_branch_bad};
	static void (*const large[])(struct block_header *) = {hdr_count_max, hdr_plain_cap, hdr_body_max,
							       hdr_note_max};
	static void (*const open_log[])(struct block_header *) = {hdr_codec_sealed, hdr_keys_upto, hdr_key_id,
								  hdr_nonce, hdr_has_keys};

	events_make(20, 200, false);
	REFUSED_AT_PEEK(FORGE(20, .tail = bytes_of(much, sizeof much)), REFUSE_TOO_LARGE);
	REFUSED_AT_PEEK(FORGE(20, .tail = bytes_of("\n", 1)), REFUSE_DAMAGED);
	for (size_t i = 0; i < AS_COUNT(large); i++)
		REFUSED_AT_PEEK(FORGE(20, .header = large[i]), REFUSE_TOO_LARGE);
	for (size_t i = 0; i < AS_COUNT(damaged); i++) {
		REFUSED_AT_PEEK(FORGE(20, .header = damaged[i]), REFUSE_DAMAGED);
		REFUSED_AT_PEEK(FORGE(3, .header = damaged[i]), REFUSE_DAMAGED);
	}
	for (size_t i = 0; i < AS_COUNT(open_log); i++) {
		struct forge g = forge_of(&hq_all, 20);
		g.header = open_log[i];
		REFUSED_AT_PEEK(g, REFUSE_DAMAGED);
	}
	/* an index so high that first + count begins again at 0 */
	REFUSED_AT_PEEK(FORGE(20, .first_delta = -3), REFUSE_DAMAGED);
	/* index 0 must carry the content key */
	REFUSED_AT_PEEK(FORGE(20, .no_keys = true), REFUSE_DAMAGED);
	/* "compressed" to more than the plain text */
	REFUSED_AT_PEEK(FORGE(20, .packed = bytes_of(much, 20 * 204)), REFUSE_DAMAGED);
	/* raw of another length than the plain text */
	REFUSED_AT_PEEK(FORGE(20, .raw = true, .plain_n = 20 * 204 + 1), REFUSE_DAMAGED);
	/* a small block that is not padded, or padded to more than its text can need */
	REFUSED_AT_PEEK(FORGE(3, .padding = bytes_of("\x80", 1)), REFUSE_DAMAGED);
	REFUSED_AT_PEEK(FORGE(3, .raw = true, .padding = bytes_of(much, 256 + 768 - 612)), REFUSE_DAMAGED);
	/* notes: a second line where none may be, three lines, a line of another name, an extension */
	REFUSED_AT_PEEK(FORGE(20, .before = frontier_of(5), .extra_lines = 1), REFUSE_DAMAGED);
	REFUSED_AT_PEEK(FORGE(20, .log = &hq_all, .extra_lines = 2), REFUSE_DAMAGED);
	ACCEPTED(FORGE(20, .extra_lines = 1));
	REFUSED_AT_PEEK(FORGE(20, .name = "somebody"), REFUSE_DAMAGED);
	REFUSED_AT_PEEK(FORGE(20, .extension = "more\n"), REFUSE_DAMAGED);
}

static void check_2_the_log_is_the_readers(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);

	events_make(20, 200, false);
	REFUSED_AT_OPEN(FORGE(20, .log = &other_branch), REFUSE_LINK);
	REFUSED_AT_OPEN(FORGE(20, .log = &bulk), REFUSE_LINK);
	/* the incarnation's number is not in the origin, but it is in the header */
	struct log_id number = live;
	number.number = 3;
	REFUSED_AT_OPEN(FORGE(20, .log = &number), REFUSE_LINK);
}

static void check_3_origin(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);
	static const uint8_t other_org[16] = {0xa5, 1, 2, 4};

	events_make(20, 200, false);
	REFUSED_AT_PEEK(FORGE(20, .note_log = &bulk), REFUSE_ORIGIN);
	REFUSED_AT_PEEK(FORGE(20, .note_log = &other_branch), REFUSE_ORIGIN);
	REFUSED_AT_PEEK(FORGE(20, .note_org = other_org), REFUSE_ORIGIN);
	/* the checkpoint's size is first + count */
	REFUSED_AT_PEEK(FORGE(20, .size_delta = 1), REFUSE_DAMAGED);
	REFUSED_AT_PEEK(FORGE(20, .size_delta = -1), REFUSE_DAMAGED);
	REFUSED_AT_PEEK(FORGE(20, .before = frontier_of(5), .first_delta = -1, .size_delta = 1),
			REFUSE_DAMAGED);
}

static void check_4_first_index(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);

	events_make(20, 200, false);
	REFUSED_AT_OPEN(FORGE(20, .before = frontier_of(5), .first_delta = 1), REFUSE_GAP);
	REFUSED_AT_OPEN(FORGE(20, .before = frontier_of(5), .first_delta = -1), REFUSE_GAP);
	REFUSED_AT_OPEN(FORGE(20, .before = frontier_of(5), .first_delta = -5), REFUSE_GAP);
}

static void check_5_signature(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);

	events_make(20, 200, false);
	REFUSED_AT_OPEN(FORGE(20, .wrong_signature = true), REFUSE_SIGNATURE);
	REFUSED_AT_OPEN(FORGE(20, .secret = w.old_secret), REFUSE_SIGNATURE);
	/* before the content key is tried */
	REFUSED_AT_OPEN(FORGE(20, .wrong_signature = true, .other_id = true, .wrong_root = true),
			REFUSE_SIGNATURE);
}

static void check_6_content_key(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);
	static const uint8_t other_key[32] = {9};

	events_make(20, 200, false);
	/* sealed with the content key of another log */
	REFUSED_AT_OPEN(FORGE(20, .seal_key = other_key, .other_id = true, .before = frontier_of(5)),
			REFUSE_CONTENT_KEY);
	/* … whose id in the header is not what the header's sealed key has */
	block_reader_set_recipient(&r, true, w.hq_public, w.hq_secret);
	REFUSED_AT_OPEN(FORGE(20, .seal_key = other_key, .other_id = true), REFUSE_CONTENT_KEY);
	/* with the right id in the header it does not decrypt */
	REFUSED_AT_OPEN(FORGE(20, .seal_key = other_key), REFUSE_DAMAGED);
	/* a reader without any key */
	block_reader_init(&r, org, &live, w.public_key);
	REFUSED_AT_OPEN(FORGE(20, .before = frontier_of(5)), REFUSE_CONTENT_KEY);
}

static size_t zstd_of(const void *p, size_t n, int content_size, uint8_t *out, size_t cap)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, content_size);
	size_t got = ZSTD_compress2(c, out, cap, p, n);
	ZSTD_freeCCtx(c);
	assert_false(ZSTD_isError(got));
	return got;
}

/* A hand-made frame: says `claimed` bytes of content, holds `blocks` RLE blocks of 128 KiB. */
static size_t zstd_bomb(uint32_t claimed, unsigned blocks, uint8_t *out)
{
	size_t n = 0;

	put_be32(out, 0x28b52ffd);
	n = 4;
	out[n++] = 0xa0; /* single segment, 4-byte content size */
	for (unsigned i = 0; i < 4; i++)
		out[n++] = (uint8_t)(claimed >> (8 * i));
	for (unsigned i = 0; i < blocks; i++) {
		uint32_t head = (128u * 1024) << 3 | 1 << 1 | (i + 1 == blocks); /* size, RLE, last */
		for (unsigned k = 0; k < 3; k++)
			out[n++] = (uint8_t)(head >> (8 * k));
		out[n++] = 'x';
	}
	return n;
}

static void check_7_decompression_is_bounded(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);
	struct tree_frontier five = frontier_of(5);
	static uint8_t z[BLOCK_BYTES_MAX], plain[20 * 204];
	uint8_t *p = plain;
	size_t n;

	events_make(20, 200, false);
	for (size_t i = 0; i < 20; i++, p += 204) {
		put_be32(p, 200);
		memcpy(p + 4, events[i].p, 200);
	}
	/* says the plain length, holds 1 GiB */
	n = zstd_bomb(sizeof plain, 8192, z);
	REFUSED_AT_PEEK(FORGE(20, .before = five, .packed = bytes_of(z, n)),
			REFUSE_DAMAGED); /* 32 KiB for 4 KiB */
	n = zstd_bomb(sizeof plain, 900, z);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	n = zstd_bomb(sizeof plain, 1, z);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	/* says 1 GiB */
	n = zstd_bomb(1u << 30, 900, z);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	/* says nothing; less than the plain length; more */
	n = zstd_of(plain, sizeof plain, 0, z, sizeof z);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	n = zstd_of(plain, sizeof plain - 204, 1, z, sizeof z);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	n = zstd_of(plain, sizeof plain, 1, z, sizeof z);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n), .plain_n = sizeof plain - 1),
			REFUSE_DAMAGED);
	ACCEPTED(FORGE(20, .before = five, .packed = bytes_of(z, n)));
	/* bytes after the frame; two frames; a skippable frame before */
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n + 1)), REFUSE_DAMAGED);
	n = zstd_of(plain, 10 * 204, 1, z, sizeof z);
	n += zstd_of(plain + 10 * 204, 10 * 204, 1, z + n, sizeof z - n);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	memcpy(z, "\x50\x2a\x4d\x18\x01\x00\x00\x00x", 9);
	n = 9 + zstd_of(plain, sizeof plain, 1, z + 9, sizeof z - 9);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	/* a skippable frame after; an empty frame after */
	n = zstd_of(plain, sizeof plain, 1, z, sizeof z);
	memcpy(z + n, "\x50\x2a\x4d\x18\x01\x00\x00\x00x", 9);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n + 9)), REFUSE_DAMAGED);
	n += zstd_of(plain, 0, 1, z + n, sizeof z - n);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n)), REFUSE_DAMAGED);
	/* a frame that is not shorter than its text: it had to be raw */
	events_make(3, 200, true);
	REFUSED_AT_OPEN(FORGE(3, .before = five), REFUSE_DAMAGED);
	events_make(20, 200, false);
	/* not zstd at all; cut off */
	memset(z, 'x', 500);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, 500)), REFUSE_DAMAGED);
	n = zstd_of(plain, sizeof plain, 1, z, sizeof z);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .packed = bytes_of(z, n - 1)), REFUSE_DAMAGED);
}

static void check_7_padding_is_exact(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);
	struct tree_frontier five = frontier_of(5);
	static uint8_t pad[1024];
	struct bytes zeros = bytes_of(pad, 0);

	/* raw: 3 events of 200 bytes are 612; padded to 768 */
	events_make(3, 200, true);
	zeros.n = 768 - 612;
	REFUSED_AT_OPEN(FORGE(3, .before = five, .raw = true, .padding = zeros), REFUSE_DAMAGED);
	pad[0] = 0x80;
	ACCEPTED(FORGE(3, .before = five, .raw = true, .padding = zeros));
	pad[0] = 0x81;
	REFUSED_AT_OPEN(FORGE(3, .before = five, .raw = true, .padding = zeros), REFUSE_DAMAGED);
	pad[0] = 0x80;
	pad[767 - 612] = 1;
	REFUSED_AT_OPEN(FORGE(3, .before = five, .raw = true, .padding = zeros), REFUSE_DAMAGED);
	pad[767 - 612] = 0x80; /* a second mark: the text would be 767 long */
	REFUSED_AT_OPEN(FORGE(3, .before = five, .raw = true, .padding = zeros), REFUSE_DAMAGED);
	pad[767 - 612] = 0;
	/* compressed: a whole step too much */
	events_make(7, 300, false);
	static uint8_t z[4096], plain[7 * 304];
	for (size_t i = 0; i < 7; i++) {
		put_be32(plain + 304 * i, 300);
		memcpy(plain + 304 * i + 4, events[i].p, 300);
	}
	size_t n = zstd_of(plain, sizeof plain, 1, z, sizeof z);
	zeros.n = block_padded((uint32_t)n) - n;
	ACCEPTED(FORGE(7, .before = five, .packed = bytes_of(z, n), .padding = zeros));
	zeros.n += BLOCK_PAD;
	REFUSED_AT_OPEN(FORGE(7, .before = five, .packed = bytes_of(z, n), .padding = zeros), REFUSE_DAMAGED);
}

static void check_7_count_and_root(void **state)
{
	(void)state;
	struct block_reader r = reader_of(&live);
	struct tree_frontier five = frontier_of(5);
	static uint8_t plain[BLOCK_PLAIN_CAP];

	events_make(20, 200, false);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .wrong_root = true), REFUSE_DAMAGED);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .count_delta = 1), REFUSE_DAMAGED);
	REFUSED_AT_OPEN(FORGE(20, .before = five, .count_delta = -1), REFUSE_DAMAGED);
	REFUSED_AT_OPEN(FORGE(9, .before = five, .count_delta = -3), REFUSE_DAMAGED);

	/* with the right root: an empty event, one that is too long, bytes after the last one */
	events[1].n = 0;
	REFUSED_AT_OPEN(FORGE(9, .before = five), REFUSE_DAMAGED);
	REFUSED_AT_OPEN(FORGE(9, .before = five, .raw = true), REFUSE_DAMAGED);
	events[1].n = EVENT_BYTES_MAX + 1;
	REFUSED_AT_OPEN(FORGE(9, .before = five, .raw = true), REFUSE_DAMAGED);
	events[1].n = EVENT_BYTES_MAX;
	ACCEPTED(FORGE(9, .before = five, .raw = true));
	events_make(9, 200, false);
	uint8_t *p = plain;
	for (size_t i = 0; i < 9; i++, p += 204) {
		put_be32(p, 200);
		memcpy(p + 4, events[i].p, 200);
	}
	for (size_t more = 0; more < 12; more++) {
		struct forge g = FORGE(9, .before = five, .raw = true);
		g.plain = bytes_of(plain, 9 * 204 + more);
		refused(__LINE__, g, &r, AT_OPEN, more ? REFUSE_DAMAGED : REFUSE_NONE);
	}
	/* lengths that reach beyond the text, or are themselves cut off */
	struct forge g = FORGE(9, .before = five, .raw = true, .plain = bytes_of(plain, 9 * 204));
	for (uint32_t n = 201; n != 0; n = n < 300 ? n + 1 : n < UINT32_MAX ? UINT32_MAX : 0) {
		put_be32(plain + 8 * 204, n);
		REFUSED_AT_OPEN(g, REFUSE_DAMAGED);
	}
	put_be32(plain + 8 * 204, 200);
	put_be32(plain + 7 * 204, 200 + 202);
	REFUSED_AT_OPEN(g, REFUSE_DAMAGED);
}

static void hdr_keys_upto_9(struct block_header *h)
{
	h->keys_upto = 9;
}

static void every_byte_is_checked(void **state)
{
	(void)state;
	const struct log_id *const logs[] = {&live, &hq_all};

	for (size_t l = 0; l < AS_COUNT(logs); l++) {
		struct block_reader r = reader_of(logs[l]);
		AS_AUTO(buf) struct buf b = {0};
		struct block_view v;
		enum refuse_reason why;
		struct forge g = forge_of(logs[l], 2);
		events_make(2, 30, true);
		g.raw = true;
		if (logs[l] == &live)
			g.header = hdr_keys_upto_9;
		buf_init(&b, BLOCK_BYTES_MAX);
		forge(g, &b);
		for (size_t i = 0; i < b.n * 8; i++) {
			struct tree_frontier f = frontier_of(0), before = f;
			b.p[i / 8] ^= (uint8_t)(1 << i % 8);
			if (block_peek(buf_bytes(&b), org, &v) == REFUSE_NONE &&
			    block_open(&w.io, &v, &r, &f, &w.opened, &why) == AS_OK)
				fail_msg("log %zu: bit %zu of byte %zu does not matter", l, i % 8, i / 8);
			assert_memory_equal(&f, &before, sizeof f);
			b.p[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		for (size_t n = 0; n < b.n; n++)
			assert_int_not_equal(block_peek(bytes_of(b.p, n), org, &v), REFUSE_NONE);
		assert_int_equal(block_peek(buf_bytes(&b), org, &v), REFUSE_NONE);
		/* an opened header is written back byte for byte */
		uint8_t header[BLOCK_HEADER_MAX];
		assert_int_equal(block_header_put(&v.h, header), v.header.n);
		assert_memory_equal(header, v.header.p, v.header.n);
	}
}

/* The header of docs/protocol.md, written out. */
static void the_header_is_as_documented(void **state)
{
	(void)state;
	struct block_header h = {.flags = BLOCK_HAS_KEYS,
				 .codec = BLOCK_SEALED_ZSTD,
				 .log = live,
				 .first = 0x0102030405060708,
				 .count = 9,
				 .plain_n = 0x1234,
				 .body_n = 0x0567,
				 .note_n = 0x0189,
				 .keys_upto = 0x1122334455667788};
	uint8_t out[BLOCK_HEADER_MAX];
	static const uint8_t want[62] = {
	    1,	  1,	4,    1,    'S',  'H',	'0',  '1',  0,	  0,	0,    0,    0,	  0,   0,    2,
	    0x11, 0x22, 0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  0,   0,    0,
	    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0,	  0,	0,    9,    0,	  0,   0x12, 0x34,
	    0,	  0,	0x05, 0x67, 0x01, 0x89, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};

	memset(h.key_id, 0xaa, 16);
	memset(h.nonce, 0xbb, 24);
	memset(h.key_for_hq, 0xcc, 80);
	memset(h.key_for_branch, 0xdd, 80);
	assert_int_equal(block_header_put(&h, out), 262);
	assert_memory_equal(out, want, 62);
	assert_true(out[62] == 0xaa && out[77] == 0xaa && out[78] == 0xbb && out[101] == 0xbb);
	assert_true(out[102] == 0xcc && out[181] == 0xcc && out[182] == 0xdd && out[261] == 0xdd);
	assert_int_equal(BLOCK_NONCE_AT, 78);
}

/* ---- LOG_OPENED
 * --------------------------------------------------------------------------------------------- */

static void log_opened_is_strict(void **state)
{
	(void)state;
	struct log_opened lo, back;
	uint8_t out[LOG_OPENED_MAX + 1];
	size_t n;

	memset(&lo, 0, sizeof lo);
	lo.log = live;
	memset(lo.author, 0xab, 32);
	n = log_opened_encode(&lo, out);
	assert_int_equal(n, 63);
	assert_int_equal(log_opened_decode(bytes_of(out, n), &back), AS_OK);
	assert_memory_equal(&back, &lo, sizeof lo);
	lo.has_parent = true;
	lo.parent = live;
	lo.parent.number = 1;
	lo.parent_head.size = 77;
	memset(lo.parent_head.root, 0xcd, 32);
	n = log_opened_encode(&lo, out);
	assert_int_equal(n, 132);
	assert_int_equal(log_opened_decode(bytes_of(out, n), &back), AS_OK);
	assert_memory_equal(&back, &lo, sizeof lo);
	for (size_t cut = 0; cut <= LOG_OPENED_MAX + 1; cut++)
		if (cut != n)
			assert_int_not_equal(log_opened_decode(bytes_of(out, cut), &back), AS_OK);

	static const struct {
		size_t at;
		uint8_t value;
		as_err err;
	} bad[] = {
	    {0, 2, AS_EUNSUPPORTED},   /* version */
	    {1, 9, AS_EPROTO},	       /* class */
	    {62, 2, AS_EPROTO},	       /* neither with nor without */
	    {62, 0, AS_EPROTO},	       /* without, but it is there */
	    {63, LOG_BULK, AS_EPROTO}, /* parent of another class */
	    {64, 'T', AS_EPROTO},      /* of another branch */
	    {75, 2, AS_EPROTO},	       /* its number is not lower */
	    {75, 0, AS_EPROTO},	       /* no number */
	    {92, 0x80, AS_EPROTO},     /* size above 2^63 - 1 */
	    {99, 0, AS_EPROTO},	       /* size 0 */
	};
	for (size_t i = 0; i < AS_COUNT(bad); i++) {
		log_opened_encode(&lo, out);
		out[bad[i].at] = bad[i].value;
		assert_int_equal(log_opened_decode(bytes_of(out, n), &back), bad[i].err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_round_trip),
	    cmocka_unit_test(the_largest_block_fits),
	    cmocka_unit_test(building_refuses_what_opening_would),
	    cmocka_unit_test(the_content_key_travels_in_the_header),
	    cmocka_unit_test(a_rotation_is_signed_by_both_keys),
	    cmocka_unit_test(a_nonce_does_not_repeat_for_other_text),
	    cmocka_unit_test(a_right_forgery_is_accepted),
	    cmocka_unit_test(check_1_sizes_and_form),
	    cmocka_unit_test(check_2_the_log_is_the_readers),
	    cmocka_unit_test(check_3_origin),
	    cmocka_unit_test(check_4_first_index),
	    cmocka_unit_test(check_5_signature),
	    cmocka_unit_test(check_6_content_key),
	    cmocka_unit_test(check_7_decompression_is_bounded),
	    cmocka_unit_test(check_7_padding_is_exact),
	    cmocka_unit_test(check_7_count_and_root),
	    cmocka_unit_test(every_byte_is_checked),
	    cmocka_unit_test(the_header_is_as_documented),
	    cmocka_unit_test(log_opened_is_strict),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (as_crypto_init())
		return 1;
	return cmocka_run_group_tests(tests, world_make, world_free);
}
