#include "common/crypto/seal.h"

#include <sodium.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"

_Static_assert(AS_AEAD_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES &&
		   AS_AEAD_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
		   AS_AEAD_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
		   AS_BOX_KEY == crypto_box_PUBLICKEYBYTES && AS_BOX_KEY == crypto_box_SECRETKEYBYTES &&
		   AS_BOX_EXTRA == crypto_box_SEALBYTES && AS_BOX_KEY == crypto_scalarmult_BYTES &&
		   crypto_box_SEEDBYTES == 32,
	       "our sizes are libsodium's");

void as_aead_seal(const uint8_t key[AS_AEAD_KEY], const uint8_t nonce[AS_AEAD_NONCE], struct bytes ad,
		  struct bytes plain, uint8_t *ret_sealed)
{
	as_assert(crypto_aead_xchacha20poly1305_ietf_encrypt(ret_sealed, NULL, plain.p, plain.n, ad.p, ad.n,
							     NULL, nonce, key) == 0);
}

bool as_aead_open(const uint8_t key[AS_AEAD_KEY], const uint8_t nonce[AS_AEAD_NONCE], struct bytes ad,
		  struct bytes sealed, uint8_t *ret_plain)
{
	return sealed.n >= AS_AEAD_TAG &&
	       crypto_aead_xchacha20poly1305_ietf_decrypt(ret_plain, NULL, NULL, sealed.p, sealed.n, ad.p,
							  ad.n, nonce, key) == 0;
}

void as_box_keypair(const uint8_t seed[32], uint8_t ret_public[AS_BOX_KEY], uint8_t ret_secret[AS_BOX_KEY])
{
	as_assert(crypto_box_seed_keypair(ret_public, ret_secret, seed) == 0);
}

void as_x25519_public(const uint8_t secret[AS_BOX_KEY], uint8_t ret_public[AS_BOX_KEY])
{
	as_assert(crypto_scalarmult_base(ret_public, secret) == 0);
}

/*
 * The format of crypto_box_seal (libsodium documentation, "Sealed boxes"): ephemeral public key ||
 * box(plain), nonce = BLAKE2b-192(ephemeral public key || recipient's). crypto_box_seal draws the ephemeral
 * key itself, which a repeatable simulation cannot have; ours is derived.
 */
bool as_box_seal(const uint8_t public_key[AS_BOX_KEY], struct bytes plain, const uint8_t random[32],
		 uint8_t *ret_sealed)
{
	static const char what[] = "aftersync v1 box seed";
	uint8_t seed[32], ephemeral[AS_BOX_KEY], secret[AS_BOX_KEY], nonce[crypto_box_NONCEBYTES];

	as_assert(plain.n <= 256);
	as_blake2b(
	    seed, sizeof seed, bytes_of(random, 32),
	    (const struct bytes[]){bytes_of(what, sizeof what), bytes_of(public_key, AS_BOX_KEY), plain}, 3);
	as_box_keypair(seed, ephemeral, secret);
	as_blake2b(nonce, sizeof nonce, bytes_of(NULL, 0),
		   (const struct bytes[]){bytes_of(ephemeral, AS_BOX_KEY), bytes_of(public_key, AS_BOX_KEY)},
		   2);
	memcpy(ret_sealed, ephemeral, AS_BOX_KEY);
	bool ok = crypto_box_easy(ret_sealed + AS_BOX_KEY, plain.p, plain.n, nonce, public_key, secret) == 0;
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(secret, sizeof secret);
	return ok;
}

bool as_box_open(const uint8_t public_key[AS_BOX_KEY], const uint8_t secret[AS_BOX_KEY], struct bytes sealed,
		 uint8_t *ret_plain)
{
	return sealed.n >= AS_BOX_EXTRA &&
	       crypto_box_seal_open(ret_plain, sealed.p, sealed.n, public_key, secret) == 0;
}

/* ---- many of them --------------------------------------------------------------------------------------- */

_Static_assert(crypto_box_BEFORENMBYTES == 32, "the size of a shared secret is libsodium's");

void as_boxes_done(struct as_boxes *b)
{
	sodium_memzero(b, sizeof *b);
}

bool as_boxes_to(struct as_boxes *b, const uint8_t public_key[AS_BOX_KEY], struct bytes all, const uint8_t random[32])
{
	static const char what[] = "aftersync v1 boxes seed";
	uint8_t seed[32], secret[AS_BOX_KEY];

	as_blake2b(seed, sizeof seed, bytes_of(random, 32),
		   (const struct bytes[]){bytes_of(what, sizeof what), bytes_of(public_key, AS_BOX_KEY), all}, 3);
	as_box_keypair(seed, b->ephemeral, secret);
	memcpy(b->recipient, public_key, sizeof b->recipient);
	bool ok = crypto_box_beforenm(b->shared, public_key, secret) == 0;
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(secret, sizeof secret);
	return ok;
}

bool as_boxes_from(struct as_boxes *b, const uint8_t ephemeral[AS_BOX_KEY], const uint8_t public_key[AS_BOX_KEY],
		   const uint8_t secret[AS_BOX_KEY])
{
	memcpy(b->ephemeral, ephemeral, sizeof b->ephemeral);
	memcpy(b->recipient, public_key, sizeof b->recipient);
	if (crypto_box_beforenm(b->shared, ephemeral, secret) == 0)
		return true;
	as_boxes_done(b);
	return false;
}

static void boxes_nonce(const struct as_boxes *b, struct bytes ad, uint8_t ret_nonce[crypto_box_NONCEBYTES])
{
	as_blake2b(ret_nonce, crypto_box_NONCEBYTES, bytes_of(NULL, 0),
		   (const struct bytes[]){bytes_of(b->ephemeral, AS_BOX_KEY), bytes_of(b->recipient, AS_BOX_KEY), ad}, 3);
}

void as_boxes_seal(const struct as_boxes *b, struct bytes ad, struct bytes plain, uint8_t *ret_sealed)
{
	uint8_t nonce[crypto_box_NONCEBYTES];

	boxes_nonce(b, ad, nonce);
	memcpy(ret_sealed, b->ephemeral, AS_BOX_KEY);
	as_assert(crypto_box_easy_afternm(ret_sealed + AS_BOX_KEY, plain.p, plain.n, nonce, b->shared) == 0);
}

bool as_boxes_open(const struct as_boxes *b, struct bytes ad, struct bytes sealed, uint8_t *ret_plain)
{
	uint8_t nonce[crypto_box_NONCEBYTES];

	if (sealed.n < AS_BOX_EXTRA || memcmp(sealed.p, b->ephemeral, AS_BOX_KEY) != 0)
		return false;
	boxes_nonce(b, ad, nonce);
	return crypto_box_open_easy_afternm(ret_plain, sealed.p + AS_BOX_KEY, sealed.n - AS_BOX_KEY, nonce,
					    b->shared) == 0;
}
