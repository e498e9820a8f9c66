/*
 * Encryption: XChaCha20-Poly1305 (IETF form) for text, sealed boxes (X25519, XSalsa20-Poly1305; the format of
 * libsodium's crypto_box_seal) for keys. Nothing here draws randomness: nonces and seeds are handed in.
 */
#ifndef AFTERSYNC_CRYPTO_SEAL_H
#define AFTERSYNC_CRYPTO_SEAL_H

#include "common/base/bytes.h"

#define AS_AEAD_KEY 32
#define AS_AEAD_NONCE 24
#define AS_AEAD_TAG 16
#define AS_BOX_KEY 32	/* public and secret */
#define AS_BOX_EXTRA 48 /* what a sealed box is longer than its content */

/* ret_sealed: plain.n + AS_AEAD_TAG bytes; may be the memory of plain itself. */
void as_aead_seal(const uint8_t key[AS_AEAD_KEY], const uint8_t nonce[AS_AEAD_NONCE], struct bytes ad,
		  struct bytes plain, uint8_t *ret_sealed);

/* ret_plain: sealed.n - AS_AEAD_TAG bytes; false (and ret_plain cleared or untouched) when forged. */
bool as_aead_open(const uint8_t key[AS_AEAD_KEY], const uint8_t nonce[AS_AEAD_NONCE], struct bytes ad,
		  struct bytes sealed, uint8_t *ret_plain);

void as_box_keypair(const uint8_t seed[32], uint8_t ret_public[AS_BOX_KEY], uint8_t ret_secret[AS_BOX_KEY]);

/* The public key of any 32 secret bytes (X25519, RFC 7748): a CURVE key pair is made so. */
void as_x25519_public(const uint8_t secret[AS_BOX_KEY], uint8_t ret_public[AS_BOX_KEY]);

/*
 * Seals to a public key. ret_sealed: plain.n + AS_BOX_EXTRA bytes; plain.n at most 256.
 *
 * random  32 fresh random bytes; the ephemeral key is derived from them, the recipient and the content, so
 *         that the same random never gives the same key for another content. Any X25519 point is taken for
 *         a public key: false when it is of small order.
 */
bool as_box_seal(const uint8_t public_key[AS_BOX_KEY], struct bytes plain, const uint8_t random[32],
		 uint8_t *ret_sealed);

/* ret_plain: sealed.n - AS_BOX_EXTRA bytes. */
bool as_box_open(const uint8_t public_key[AS_BOX_KEY], const uint8_t secret[AS_BOX_KEY], struct bytes sealed,
		 uint8_t *ret_plain);

/*
 * Many boxes to one recipient under one ephemeral key: each costs a cipher, not two exponentiations. A box is
 * ephemeral public key || crypto_box of the plain text with nonce = BLAKE2b-192(ephemeral || recipient || ad), so each
 * box of one struct as_boxes needs an ad of its own.
 */
struct as_boxes {
	uint8_t ephemeral[AS_BOX_KEY], recipient[AS_BOX_KEY];
	uint8_t shared[32]; /* secret */
};

/* To be sealed. all: what all boxes will hold, for the ephemeral key (see random, above). False: small order. */
bool as_boxes_to(struct as_boxes *b, const uint8_t public_key[AS_BOX_KEY], struct bytes all, const uint8_t random[32]);
/* To be opened by its recipient. */
bool as_boxes_from(struct as_boxes *b, const uint8_t ephemeral[AS_BOX_KEY], const uint8_t public_key[AS_BOX_KEY],
		   const uint8_t secret[AS_BOX_KEY]);
void as_boxes_done(struct as_boxes *b); /* wipes */

/* As as_box_seal and as_box_open; ret_sealed and ret_plain have their lengths. */
void as_boxes_seal(const struct as_boxes *b, struct bytes ad, struct bytes plain, uint8_t *ret_sealed);
bool as_boxes_open(const struct as_boxes *b, struct bytes ad, struct bytes sealed, uint8_t *ret_plain);

#endif
