#include "common/crypto/sign.h"

#include <sodium.h>

#include "common/base/check.h"

_Static_assert(AS_ED25519_SEED == crypto_sign_SEEDBYTES && AS_ED25519_PUBLIC == crypto_sign_PUBLICKEYBYTES &&
		   AS_ED25519_SECRET == crypto_sign_SECRETKEYBYTES &&
		   AS_ED25519_SIGNATURE == crypto_sign_BYTES,
	       "our sizes are libsodium's");
_Static_assert(AS_CONTEXT_MAX < 0x20, "a signed context never starts like a note");

#define CONTEXT_TEXT_MAX (1 + AS_CONTEXT_MAX + 8 + AS_CONTEXT_BODY_MAX)

void as_ed25519_keypair(const uint8_t seed[AS_ED25519_SEED], uint8_t ret_public[AS_ED25519_PUBLIC],
			uint8_t ret_secret[AS_ED25519_SECRET])
{
	as_assert(crypto_sign_seed_keypair(ret_public, ret_secret, seed) == 0);
}

void as_ed25519_public(const uint8_t secret[AS_ED25519_SECRET], uint8_t ret_public[AS_ED25519_PUBLIC])
{
	memcpy(ret_public, secret + AS_ED25519_SEED, AS_ED25519_PUBLIC);
}

void as_ed25519_sign(const uint8_t secret[AS_ED25519_SECRET], struct bytes text,
		     uint8_t ret_signature[AS_ED25519_SIGNATURE])
{
	as_assert(crypto_sign_detached(ret_signature, NULL, text.p, text.n, secret) == 0);
}

bool as_ed25519_verify(const uint8_t public_key[AS_ED25519_PUBLIC], struct bytes text,
		       const uint8_t signature[AS_ED25519_SIGNATURE])
{
	return crypto_sign_verify_detached(signature, text.p, text.n, public_key) == 0;
}

/* The bytes that are signed; out holds CONTEXT_TEXT_MAX. 0 when ctx or body has a length that none may have.
 */
static size_t context_text(const char *ctx, struct bytes body, uint8_t *out)
{
	size_t ctx_n = strlen(ctx), n = 0;

	if (ctx_n == 0 || ctx_n > AS_CONTEXT_MAX || body.n > AS_CONTEXT_BODY_MAX)
		return 0;
	out[n++] = (uint8_t)ctx_n;
	memcpy(out + n, ctx, ctx_n);
	n += ctx_n;
	for (unsigned i = 0; i < 8; i++)
		out[n++] = (uint8_t)((uint64_t)body.n >> (8 * i));
	if (body.n)
		memcpy(out + n, body.p, body.n);
	return n + body.n;
}

void as_context_sign(const uint8_t secret[AS_ED25519_SECRET], const char *ctx, struct bytes body,
		     uint8_t ret_signature[AS_ED25519_SIGNATURE])
{
	uint8_t text[CONTEXT_TEXT_MAX];
	size_t n = context_text(ctx, body, text);

	as_assert(n != 0);
	as_ed25519_sign(secret, bytes_of(text, n), ret_signature);
}

bool as_context_verify(const uint8_t public_key[AS_ED25519_PUBLIC], const char *ctx, struct bytes body,
		       const uint8_t signature[AS_ED25519_SIGNATURE])
{
	uint8_t text[CONTEXT_TEXT_MAX];
	size_t n = context_text(ctx, body, text);

	return n != 0 && as_ed25519_verify(public_key, bytes_of(text, n), signature);
}
