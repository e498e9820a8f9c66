/*
 * Signatures of the simulator: keyed BLAKE2b in place of Ed25519, linked before common/crypto/sign.c. They
 * show every change of text or key, cost a fiftieth, and can be forged by nobody in the simulator because
 * nobody tries. Real signatures are tested in tests/unit and measured in tests/bench.
 */
#include "common/crypto/sign.h"
#include "common/crypto/hash.h"

void as_ed25519_keypair(const uint8_t seed[AS_ED25519_SEED], uint8_t ret_public[AS_ED25519_PUBLIC],
			uint8_t ret_secret[AS_ED25519_SECRET])
{
	struct bytes part = bytes_of(seed, AS_ED25519_SEED);

	as_blake2b(ret_public, AS_ED25519_PUBLIC, bytes_of("public", 6), &part, 1);
	memcpy(ret_secret, seed, AS_ED25519_SEED);
	memcpy(ret_secret + AS_ED25519_SEED, ret_public, AS_ED25519_PUBLIC);
}

void as_ed25519_public(const uint8_t secret[AS_ED25519_SECRET], uint8_t ret_public[AS_ED25519_PUBLIC])
{
	memcpy(ret_public, secret + AS_ED25519_SEED, AS_ED25519_PUBLIC);
}

static void make(const uint8_t public_key[AS_ED25519_PUBLIC], struct bytes text,
		 uint8_t ret[AS_ED25519_SIGNATURE])
{
	as_blake2b(ret, AS_ED25519_SIGNATURE, bytes_of(public_key, AS_ED25519_PUBLIC), &text, 1);
}

void as_ed25519_sign(const uint8_t secret[AS_ED25519_SECRET], struct bytes text,
		     uint8_t ret_signature[AS_ED25519_SIGNATURE])
{
	make(secret + AS_ED25519_SEED, text, ret_signature);
}

bool as_ed25519_verify(const uint8_t public_key[AS_ED25519_PUBLIC], struct bytes text,
		       const uint8_t signature[AS_ED25519_SIGNATURE])
{
	uint8_t want[AS_ED25519_SIGNATURE];

	make(public_key, text, want);
	return memcmp(want, signature, sizeof want) == 0;
}

void as_context_sign(const uint8_t secret[AS_ED25519_SECRET], const char *ctx, struct bytes body,
		     uint8_t ret_signature[AS_ED25519_SIGNATURE])
{
	(void)ctx;
	as_ed25519_sign(secret, body, ret_signature);
}

bool as_context_verify(const uint8_t public_key[AS_ED25519_PUBLIC], const char *ctx, struct bytes body,
		       const uint8_t signature[AS_ED25519_SIGNATURE])
{
	(void)ctx;
	return as_ed25519_verify(public_key, body, signature);
}
