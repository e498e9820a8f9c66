/* common/crypto against published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/cleanup.h"
#include "common/crypto/check64.h"
#include "common/crypto/hash.h"
#include "common/crypto/password.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "tests/lib/hex.h"

/* FIPS 180-4 examples: "abc", two blocks, a million times "a" */
static void sha256_is_fips_180(void **state)
{
	(void)state;
	uint8_t got[32], want[32];
	struct as_sha256 h, copy;

	as_sha256("abc", 3, got);
	unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", want, 32);
	assert_memory_equal(got, want, 32);
	as_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, got);
	unhex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", want, 32);
	assert_memory_equal(got, want, 32);
	as_sha256_init(&h);
	for (int i = 0; i < 1000000; i++)
		as_sha256_update(&h, "a", 1);
	copy = h;
	as_sha256_final(&h, got);
	unhex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", want, 32);
	assert_memory_equal(got, want, 32);
	as_sha256_final(&copy, got);
	assert_memory_equal(got, want, 32);
}

/* RFC 7693 appendix A (BLAKE2b-512 of "abc"), and parts are joined without anything between */
static void blake2b_is_rfc_7693(void **state)
{
	(void)state;
	uint8_t got[64], want[64], keyed[32], other[32];
	const struct bytes parts[] = {bytes_of("a", 1), bytes_of(NULL, 0), bytes_of("bc", 2)};

	as_blake2b(got, 64, bytes_of(NULL, 0), parts, 3);
	unhex("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
	      want, 64);
	assert_memory_equal(got, want, 64);
	as_blake2b(keyed, 32, bytes_of("k", 1), parts, 3);
	as_blake2b(other, 32, bytes_of(NULL, 0), parts, 3);
	assert_memory_not_equal(keyed, other, 32);
}

/* values of the reference implementation: short, middle and long inputs take different ways */
static void check64_is_xxh3(void **state)
{
	(void)state;
	uint8_t b[1000];
	uint64_t ab;

	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(i * 7);
	assert_int_equal(as_check64(0, bytes_of(NULL, 0)), 0x2d06800538d394c2);
	assert_int_equal(as_check64(0, bytes_of_str("abc")), 0x78af5f94892f3950);
	assert_int_equal(as_check64(5, bytes_of(b, 100)), 0xd137572f0bfeba15);
	assert_int_equal(as_check64(5, bytes_of(b, 200)), 0xe944d0bb4084b7e6);
	assert_int_equal(as_check64(5, bytes_of(b, 1000)), 0xb1575ffaed9e308c);
	ab = as_check64(as_check64(0, bytes_of_str("ab")), bytes_of_str("c"));
	assert_true(ab != as_check64(as_check64(0, bytes_of_str("a")), bytes_of_str("bc")));
}

/* RFC 8032 section 7.1, test 2 */
static void ed25519_is_rfc_8032(void **state)
{
	(void)state;
	uint8_t seed[32], pub[32], want_pub[32], secret[64], sig[64], want[64];
	const uint8_t text = 0x72;

	unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed, 32);
	unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", want_pub, 32);
	unhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
	      want, 64);
	as_ed25519_keypair(seed, pub, secret);
	assert_memory_equal(pub, want_pub, 32);
	as_ed25519_public(secret, pub);
	assert_memory_equal(pub, want_pub, 32);
	as_ed25519_sign(secret, bytes_of(&text, 1), sig);
	assert_memory_equal(sig, want, 64);
	assert_true(as_ed25519_verify(pub, bytes_of(&text, 1), sig));
	assert_false(as_ed25519_verify(pub, bytes_of(&text, 0), sig));
	for (size_t i = 0; i < 64; i++) {
		sig[i] ^= 1;
		assert_false(as_ed25519_verify(pub, bytes_of(&text, 1), sig));
		sig[i] ^= 1;
	}
}

static void a_context_is_part_of_the_text(void **state)
{
	(void)state;
	uint8_t seed[32] = {1}, pub[32], secret[64], sig[64], plain[64];
	static const uint8_t body[AS_CONTEXT_BODY_MAX + 1];
	/* u8 length, context, u64 little-endian length, body: the exact bytes */
	static const uint8_t text[] = "\x11"
				      "aftersync v1 join"
				      "\x03\0\0\0\0\0\0\0"
				      "abc";

	as_ed25519_keypair(seed, pub, secret);
	as_context_sign(secret, "aftersync v1 join", bytes_of("abc", 3), sig);
	as_ed25519_sign(secret, bytes_of(text, sizeof text - 1), plain);
	assert_memory_equal(sig, plain, 64);
	assert_true(as_context_verify(pub, "aftersync v1 join", bytes_of("abc", 3), sig));
	assert_false(as_context_verify(pub, "aftersync v1 joim", bytes_of("abc", 3), sig));
	assert_false(as_context_verify(pub, "aftersync v1 joi", bytes_of("nabc", 4), sig));
	assert_false(as_context_verify(pub, "aftersync v1 join", bytes_of("abd", 3), sig));
	assert_false(as_context_verify(pub, "", bytes_of("abc", 3), sig));
	assert_false(as_context_verify(pub, "aftersync v1 join", bytes_of(body, sizeof body), sig));
	as_context_sign(secret, "x", bytes_of(body, AS_CONTEXT_BODY_MAX), sig);
	assert_true(as_context_verify(pub, "x", bytes_of(body, AS_CONTEXT_BODY_MAX), sig));
}

/* draft-irtf-cfrg-xchacha-03 appendix A.3.1 */
static void aead_is_xchacha20_poly1305(void **state)
{
	(void)state;
	static const char text[] =
	    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip "
	    "for the future, sunscreen would be it.";
	uint8_t key[32], nonce[24], ad[12], want[114], got[130], back[114], tag[16];

	unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", key, 32);
	unhex("404142434445464748494a4b4c4d4e4f5051525354555657", nonce, 24);
	unhex("50515253c0c1c2c3c4c5c6c7", ad, 12);
	unhex("bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	      "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	      "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	      "21f9664c97637da9768812f615c68b13b52e",
	      want, 114);
	unhex("c0875924c1c7987947deafd8780acf49", tag, 16);
	as_aead_seal(key, nonce, bytes_of(ad, 12), bytes_of(text, 114), got);
	assert_memory_equal(got, want, 114);
	assert_memory_equal(got + 114, tag, 16);
	assert_true(as_aead_open(key, nonce, bytes_of(ad, 12), bytes_of(got, 130), back));
	assert_memory_equal(back, text, 114);
	assert_false(as_aead_open(key, nonce, bytes_of(ad, 11), bytes_of(got, 130), back));
	assert_false(as_aead_open(key, nonce, bytes_of(ad, 12), bytes_of(got, 129), back));
	assert_false(as_aead_open(key, nonce, bytes_of(ad, 12), bytes_of(got, 15), back));
	memcpy(got, text, 114); /* in place */
	as_aead_seal(key, nonce, bytes_of(ad, 12), bytes_of(got, 114), got);
	assert_memory_equal(got, want, 114);
}

static void boxes_open_for_their_recipient(void **state)
{
	(void)state;
	uint8_t seed[32] = {7}, random[32] = {9}, pub[32], secret[32], pub2[32], secret2[32];
	uint8_t sealed[80], again[80], back[32];
	static const uint8_t key[32] = "a content key of thirty-two byte", small_order[32];

	as_box_keypair(seed, pub, secret);
	seed[0] = 8;
	as_box_keypair(seed, pub2, secret2);
	assert_true(as_box_seal(pub, bytes_of(key, 32), random, sealed));
	assert_true(as_box_open(pub, secret, bytes_of(sealed, 80), back));
	assert_memory_equal(back, key, 32);
	assert_false(as_box_open(pub2, secret2, bytes_of(sealed, 80), back));
	assert_false(as_box_open(pub, secret, bytes_of(sealed, 79), back));
	assert_false(as_box_open(pub, secret, bytes_of(sealed, 47), back));
	assert_false(as_box_seal(small_order, bytes_of(key, 32), random, again));
	/* a function of its arguments; another content or recipient has another ephemeral key */
	assert_true(as_box_seal(pub, bytes_of(key, 32), random, again));
	assert_memory_equal(again, sealed, 80);
	assert_true(as_box_seal(pub, bytes_of(key, 31), random, again));
	assert_memory_not_equal(again, sealed, 32);
	assert_true(as_box_seal(pub2, bytes_of(key, 32), random, again));
	assert_memory_not_equal(again, sealed, 32);
}

static void boxes_of_one_ephemeral_key(void **state)
{
	(void)state;
	uint8_t seed[32] = {7}, random[32] = {9}, pub[32], secret[32], pub2[32], secret2[32], back[32], sealed[2][80];
	static const uint8_t keys[2][32] = {"one key of thirty-two bytes ....", "another of thirty-two bytes....."};
	static const uint8_t small_order[32];
	const struct bytes one = bytes_of_str("1"), two = bytes_of_str("2"), all = bytes_of(keys, 64);
	struct as_boxes to, from, again;

	as_box_keypair(seed, pub, secret);
	seed[0] = 8;
	as_box_keypair(seed, pub2, secret2);
	assert_true(as_boxes_to(&to, pub, all, random));
	as_boxes_seal(&to, one, bytes_of(keys[0], 32), sealed[0]);
	as_boxes_seal(&to, two, bytes_of(keys[0], 32), sealed[1]);
	assert_memory_equal(sealed[0], sealed[1], 32);
	assert_memory_not_equal(sealed[0] + 32, sealed[1] + 32, 48); /* another nonce */
	as_boxes_seal(&to, two, bytes_of(keys[1], 32), sealed[1]);
	assert_true(as_boxes_from(&from, sealed[0], pub, secret));
	assert_true(as_boxes_open(&from, one, bytes_of(sealed[0], 80), back));
	assert_memory_equal(back, keys[0], 32);
	assert_true(as_boxes_open(&from, two, bytes_of(sealed[1], 80), back));
	assert_memory_equal(back, keys[1], 32);
	/* neither under the other's place, nor short, nor by another */
	assert_false(as_boxes_open(&from, one, bytes_of(sealed[1], 80), back));
	assert_false(as_boxes_open(&from, one, bytes_of(sealed[0], 79), back));
	assert_false(as_boxes_open(&from, one, bytes_of(sealed[0], 47), back));
	assert_true(as_boxes_from(&again, sealed[0], pub2, secret2));
	assert_false(as_boxes_open(&again, one, bytes_of(sealed[0], 80), back));
	sealed[0][0] ^= 1;
	assert_false(as_boxes_open(&from, one, bytes_of(sealed[0], 80), back));
	assert_false(as_boxes_to(&again, small_order, all, random));
	assert_false(as_boxes_from(&again, small_order, pub, secret));
	/* the same random for another content or recipient: another ephemeral key */
	assert_true(as_boxes_to(&again, pub, bytes_of(keys, 63), random));
	assert_memory_not_equal(again.ephemeral, to.ephemeral, 32);
	assert_true(as_boxes_to(&again, pub2, all, random));
	assert_memory_not_equal(again.ephemeral, to.ephemeral, 32);
	as_boxes_done(&to);
	assert_memory_equal(to.shared, small_order, 32);
}

/* RFC 7748 section 6.1 */
static void x25519_is_rfc_7748(void **state)
{
	(void)state;
	uint8_t secret[32], want[32], got[32];

	unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", secret, 32);
	unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", want, 32);
	as_x25519_public(secret, got);
	assert_memory_equal(got, want, 32);
	unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", secret, 32);
	unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", want, 32);
	as_x25519_public(secret, got);
	assert_memory_equal(got, want, 32);
}

static void secrets_are_wiped(void **state)
{
	(void)state;
	struct as_secret s = {{1, 2, 3}};
	uint8_t a[32], b[32];

	as_secret_done(&s);
	for (size_t i = 0; i < sizeof s.b; i++)
		assert_int_equal(s.b[i], 0);
	as_random(a, sizeof a);
	as_random(b, sizeof b);
	assert_false(as_secret_equal(a, b, 32));
	assert_true(as_secret_equal(a, a, 32));
}

/* RFC 7748 section 6.1: Alice's keys */
/*
 * As the reference program argon2 says:
 * echo -n passphrase | argon2 saltsaltsaltsalt -id -t 3 -k 262144 -p 1 -l 32 -r
 */
static void passphrases_are_argon2id(void **state)
{
	(void)state;
	uint8_t got[32], want[32];
	static const uint8_t many[AS_PASSWORD_MAX + 1];

	unhex("9759c629e17faac6b32f5f16ff60a12d78ebdcd9dba9cc9d2126217b1c0fd7bd", want, 32);
	assert_int_equal(
	    as_password_key(bytes_of_str("passphrase"), (const uint8_t *)"saltsaltsaltsalt", got), AS_OK);
	assert_memory_equal(got, want, 32);
	assert_int_equal(as_password_key(bytes_of(many, 0), many, got), AS_EINVAL);
	assert_int_equal(as_password_key(bytes_of(many, sizeof many), many, got), AS_EINVAL);
}

static void locked_memory_is_wiped(void **state)
{
	(void)state;
	uint8_t keys[64], zero[64] = {0};

	memset(keys, 7, sizeof keys);
	(void)as_lock(keys, sizeof keys); /* may be forbidden here */
	assert_int_equal(keys[63], 7);
	as_unlock(keys, sizeof keys);
	assert_memory_equal(keys, zero, sizeof zero);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_is_fips_180),
	    cmocka_unit_test(blake2b_is_rfc_7693),
	    cmocka_unit_test(check64_is_xxh3),
	    cmocka_unit_test(ed25519_is_rfc_8032),
	    cmocka_unit_test(a_context_is_part_of_the_text),
	    cmocka_unit_test(aead_is_xchacha20_poly1305),
	    cmocka_unit_test(boxes_open_for_their_recipient),
	    cmocka_unit_test(boxes_of_one_ephemeral_key),
	    cmocka_unit_test(secrets_are_wiped),
	    cmocka_unit_test(x25519_is_rfc_7748),
	    cmocka_unit_test(passphrases_are_argon2id),
	    cmocka_unit_test(locked_memory_is_wiped),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (as_crypto_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
