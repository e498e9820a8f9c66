/* common/node/personal: sealed parts of events and the keys that open them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/node/personal.h"

static const char branch[BRANCH_CODE_MAX] = "BJ01";
static const uint8_t random32[32] = {7}, id[16] = {1}, other_id[16] = {2};
static uint8_t subject[32] = {3};

struct part {
	uint8_t salt[16], commitment[32], sealed[PERSONAL_SEALED_MAX];
	struct event ev;
};

static void seal(struct part *p, struct bytes plain)
{
	personal_salt(random32, id, bytes_of_str("facts"), plain, p->salt);
	size_t n = personal_seal(subject, branch, id, p->salt, plain, p->sealed, p->commitment);

	p->ev = (struct event){.event_id = bytes_of(id, 16),
			       .salt = bytes_of(p->salt, 16),
			       .personal = bytes_of(p->sealed, n),
			       .commitment = bytes_of(p->commitment, 32)};
}

static as_err open_with(const struct part *p, const uint8_t key[32], const char *code,
			const uint8_t event_id[16], const uint8_t salt[16], struct bytes want)
{
	uint8_t k[32], plain[PERSONAL_SEALED_MAX];
	struct event ev = p->ev;
	size_t n = 99999;

	ev.event_id = bytes_of(event_id, 16);
	ev.salt = bytes_of(salt, 16);
	personal_event_key(key, code, event_id, salt, k);
	as_err err = personal_open(k, code, &ev, plain, &n);
	if (err == AS_OK && !bytes_equal(bytes_of(plain, n), want))
		fail_msg("other text");
	return err;
}

static void round_trip_of_every_length(void **state)
{
	(void)state;
	static uint8_t text[PERSONAL_BYTES_MAX];
	static struct part p;

	for (size_t i = 0; i < sizeof text; i++) /* ends in what padding looks like, too */
		text[i] = i % 3 == 0 ? 0x80 : i % 5 == 0 ? (uint8_t)i : 0;
	for (size_t n = 0; n <= sizeof text; n += n < 200 || n > sizeof text - 130 ? 1 : 61) {
		seal(&p, bytes_of(text, n));
		assert_int_equal((p.ev.personal.n - AS_AEAD_TAG) % PERSONAL_PAD, 0);
		assert_true(p.ev.personal.n > n + AS_AEAD_TAG &&
			    p.ev.personal.n <= n + AS_AEAD_TAG + PERSONAL_PAD);
		assert_int_equal(open_with(&p, subject, branch, id, p.salt, bytes_of(text, n)), AS_OK);
	}
}

static void only_this_key_branch_event_and_salt(void **state)
{
	(void)state;
	static struct part p;
	static const char other[BRANCH_CODE_MAX] = "BJ02";
	uint8_t key[32] = {4}, salt[16], k[32], plain[PERSONAL_SEALED_MAX];
	const struct bytes text = bytes_of_str("王芳 13800138000");
	size_t n;

	seal(&p, text);
	memcpy(salt, p.salt, 16);
	salt[15] ^= 1;
	assert_int_equal(open_with(&p, subject, branch, id, p.salt, text), AS_OK);
	assert_int_equal(open_with(&p, key, branch, id, p.salt, text), AS_EFORGED);
	assert_int_equal(open_with(&p, subject, other, id, p.salt, text), AS_EFORGED);
	assert_int_equal(open_with(&p, subject, branch, other_id, p.salt, text), AS_EFORGED);
	assert_int_equal(open_with(&p, subject, branch, id, salt, text), AS_EFORGED);
	/* every byte of what is sealed, and of the commitment */
	for (size_t i = 0; i < p.ev.personal.n; i++) {
		p.sealed[i] ^= 1;
		assert_int_equal(open_with(&p, subject, branch, id, p.salt, text), AS_EFORGED);
		p.sealed[i] ^= 1;
	}
	for (size_t i = 0; i < 32; i++) {
		p.commitment[i] ^= 1;
		assert_int_equal(open_with(&p, subject, branch, id, p.salt, text), AS_EFORGED);
		p.commitment[i] ^= 1;
	}
	/* lengths that nobody writes */
	personal_event_key(subject, branch, id, p.salt, k);
	for (size_t len = 0; len < p.ev.personal.n; len++) {
		struct event ev = p.ev;
		ev.personal.n = len;
		assert_int_equal(personal_open(k, branch, &ev, plain, &n), AS_EFORGED);
	}
	struct event ev = p.ev;
	ev.commitment = bytes_of(NULL, 0);
	assert_int_equal(personal_open(k, branch, &ev, plain, &n), AS_EFORGED);
}

/* The construction of docs/protocol.md, made by hand. */
static void the_construction(void **state)
{
	(void)state;
	static struct part p;
	uint8_t salt[16], k_ev[32], k_enc[32], nonce[24], commitment[32], ad[72], padded[64] = "abc\x80",
										  sealed[80];
	const struct bytes salt_of[] = {bytes_of(id, 16), bytes_of("\0\0\0\5", 4), bytes_of_str("facts"),
					bytes_of_str("abc")};

	seal(&p, bytes_of_str("abc"));
	as_blake2b(salt, 16, bytes_of(random32, 32), salt_of, 4);
	assert_memory_equal(p.salt, salt, 16);
	const struct bytes ev_of[] = {bytes_of("aftersync v1 event", 19), bytes_of(branch, 8),
				      bytes_of(id, 16), bytes_of(salt, 16)};
	as_blake2b(k_ev, 32, bytes_of(subject, 32), ev_of, 4);
	as_blake2b(k_enc, 32, bytes_of(k_ev, 32), &(struct bytes){(const uint8_t *)"enc", 3}, 1);
	as_blake2b(nonce, 24, bytes_of(k_ev, 32), &(struct bytes){(const uint8_t *)"nonce", 5}, 1);
	as_blake2b(commitment, 32, bytes_of(k_ev, 32), &(struct bytes){(const uint8_t *)"commit", 6}, 1);
	assert_memory_equal(p.commitment, commitment, 32);
	memcpy(ad, branch, 8);
	memcpy(ad + 8, id, 16);
	memcpy(ad + 24, salt, 16);
	memcpy(ad + 40, commitment, 32);
	as_aead_seal(k_enc, nonce, bytes_of(ad, 72), bytes_of(padded, 64), sealed);
	assert_int_equal(p.ev.personal.n, 80);
	assert_memory_equal(p.sealed, sealed, 80);
}

/* A clone draws the same random bytes: another text, other facts or another event give another salt. */
static void the_salt_depends_on_what_is_sealed(void **state)
{
	(void)state;
	uint8_t a[16], b[16];

	personal_salt(random32, id, bytes_of_str("f"), bytes_of_str("text"), a);
	personal_salt(random32, id, bytes_of_str("f"), bytes_of_str("text"), b);
	assert_memory_equal(a, b, 16);
	personal_salt(random32, id, bytes_of_str("f"), bytes_of_str("texT"), b);
	assert_memory_not_equal(a, b, 16);
	personal_salt(random32, id, bytes_of_str("ft"), bytes_of_str("ext"), b);
	assert_memory_not_equal(a, b, 16);
	personal_salt(random32, other_id, bytes_of_str("f"), bytes_of_str("text"), b);
	assert_memory_not_equal(a, b, 16);
}

static void whose_part_it_is(void **state)
{
	(void)state;
	uint8_t e[16] = {1}, c[16] = {2}, p[16] = {3};
	struct event ev = {.event_id = bytes_of(e, 16)};

	assert_ptr_equal(personal_subject(&ev), e); /* opens the case: the case's key is its own id */
	ev.case_id = bytes_of(c, 16);
	assert_ptr_equal(personal_subject(&ev), c);
	ev.customer = bytes_of(p, 16);
	assert_ptr_equal(personal_subject(&ev), p);
}

static void the_ring(void **state)
{
	(void)state;
	uint8_t ring[32] = {1}, who[16] = {2}, key[32] = {3}, wrapped[RING_WRAPPED_BYTES],
		again[RING_WRAPPED_BYTES], back[32];
	const struct bytes w = bytes_of(wrapped, sizeof wrapped);

	ring_wrap(ring, who, key, random32, wrapped);
	assert_null(memmem(wrapped, sizeof wrapped, key, 8));
	assert_true(ring_unwrap(ring, who, w, back));
	assert_memory_equal(back, key, 32);
	for (size_t i = 0; i < sizeof wrapped; i++) {
		wrapped[i] ^= 1;
		assert_false(ring_unwrap(ring, who, w, back));
		wrapped[i] ^= 1;
	}
	ring[0]++;
	assert_false(ring_unwrap(ring, who, w, back));
	ring[0]--;
	who[0]++;
	assert_false(ring_unwrap(ring, who, w, back));
	who[0]--;
	for (size_t n = 0; n < sizeof wrapped; n++)
		assert_false(ring_unwrap(ring, who, bytes_of(wrapped, n), back));
	/* the same random bytes, another key: another nonce */
	key[0]++;
	ring_wrap(ring, who, key, random32, again);
	assert_memory_not_equal(wrapped, again, AS_AEAD_NONCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip_of_every_length),
	    cmocka_unit_test(only_this_key_branch_event_and_salt),
	    cmocka_unit_test(the_construction),
	    cmocka_unit_test(the_salt_depends_on_what_is_sealed),
	    cmocka_unit_test(whose_part_it_is),
	    cmocka_unit_test(the_ring),
	};
	assert_int_equal(as_crypto_init(), AS_OK);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
