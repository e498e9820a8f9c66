#include "common/crypto/hash.h"

/* The low-level interface is marked deprecated in favour of EVP, which costs several times as much here. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sodium.h>

#include "common/base/check.h"

_Static_assert(sizeof(struct as_sha256) >= sizeof(SHA256_CTX), "room for libcrypto's state");
_Static_assert(_Alignof(struct as_sha256) >= _Alignof(SHA256_CTX), "aligned for libcrypto's state");

static SHA256_CTX *state_of(struct as_sha256 *h)
{
	return (SHA256_CTX *)(void *)h->opaque;
}

void as_sha256_init(struct as_sha256 *h)
{
	as_assert(SHA256_Init(state_of(h)) == 1);
}

void as_sha256_update(struct as_sha256 *h, const void *p, size_t n)
{
	as_assert(SHA256_Update(state_of(h), p, n) == 1);
}

void as_sha256_final(struct as_sha256 *h, uint8_t ret_hash[AS_SHA256_BYTES])
{
	as_assert(SHA256_Final(ret_hash, state_of(h)) == 1);
}

void as_sha256(const void *p, size_t n, uint8_t ret_hash[AS_SHA256_BYTES])
{
	SHA256_CTX ctx;

	as_assert(SHA256_Init(&ctx) == 1 && SHA256_Update(&ctx, p, n) == 1 &&
		  SHA256_Final(ret_hash, &ctx) == 1);
}

void as_blake2b(uint8_t *ret_hash, size_t out_n, struct bytes key, const struct bytes *parts, size_t parts_n)
{
	crypto_generichash_blake2b_state st;

	as_assert(out_n >= 1 && out_n <= 64 && key.n <= 64);
	as_assert(crypto_generichash_blake2b_init(&st, key.p, key.n, out_n) == 0);
	for (size_t i = 0; i < parts_n; i++)
		if (parts[i].n)
			as_assert(crypto_generichash_blake2b_update(&st, parts[i].p, parts[i].n) == 0);
	as_assert(crypto_generichash_blake2b_final(&st, ret_hash, out_n) == 0);
	sodium_memzero(&st, sizeof st);
}
