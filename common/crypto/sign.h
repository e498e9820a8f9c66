/*
 * Ed25519 (RFC 8032) through libsodium: deterministic signatures, strict verification (S < L, no small-order
 * keys).
 *
 * A secret here is libsodium's 64-byte form, seed || public key. What is not a note is signed in a context
 * (as_context_*): u8 length of context || context || u64 little-endian length of body || body. The length
 * byte is below 0x20, so that a signed context never looks like a note or a cosignature.
 */
#ifndef AFTERSYNC_CRYPTO_SIGN_H
#define AFTERSYNC_CRYPTO_SIGN_H

#include "common/base/bytes.h"

#define AS_ED25519_SEED 32
#define AS_ED25519_PUBLIC 32
#define AS_ED25519_SECRET 64
#define AS_ED25519_SIGNATURE 64
#define AS_CONTEXT_MAX 31	 /* characters of a context string */
#define AS_CONTEXT_BODY_MAX 4096 /* bytes; sign the hash of what is longer */

void as_ed25519_keypair(const uint8_t seed[AS_ED25519_SEED], uint8_t ret_public[AS_ED25519_PUBLIC],
			uint8_t ret_secret[AS_ED25519_SECRET]);

/* The public key that a secret holds. */
void as_ed25519_public(const uint8_t secret[AS_ED25519_SECRET], uint8_t ret_public[AS_ED25519_PUBLIC]);

void as_ed25519_sign(const uint8_t secret[AS_ED25519_SECRET], struct bytes text,
		     uint8_t ret_signature[AS_ED25519_SIGNATURE]);
bool as_ed25519_verify(const uint8_t public_key[AS_ED25519_PUBLIC], struct bytes text,
		       const uint8_t signature[AS_ED25519_SIGNATURE]);

/* ctx: 1 to AS_CONTEXT_MAX characters, ours; body: at most AS_CONTEXT_BODY_MAX bytes (asserted when signing,
 * false when verifying). */
void as_context_sign(const uint8_t secret[AS_ED25519_SECRET], const char *ctx, struct bytes body,
		     uint8_t ret_signature[AS_ED25519_SIGNATURE]);
bool as_context_verify(const uint8_t public_key[AS_ED25519_PUBLIC], const char *ctx, struct bytes body,
		       const uint8_t signature[AS_ED25519_SIGNATURE]);

#endif
