/*
 * Hashes. SHA-256 (FIPS 180-4) comes from libcrypto, which uses the processor's SHA instructions; BLAKE2b
 * (RFC 7693) from libsodium. No function here can fail or allocates.
 *
 * SHA-256 goes through libcrypto's low-level interface: a one-shot digest through EVP fetches the algorithm again for
 * each hash, which costs more than the hash of a short event.
 */
#ifndef AFTERSYNC_CRYPTO_HASH_H
#define AFTERSYNC_CRYPTO_HASH_H

#include "common/base/bytes.h"

#define AS_SHA256_BYTES 32

/* A running SHA-256; may be copied while running. */
struct as_sha256 {
	uint64_t opaque[14];
};

void as_sha256_init(struct as_sha256 *h);
void as_sha256_update(struct as_sha256 *h, const void *p, size_t n);
void as_sha256_final(struct as_sha256 *h, uint8_t ret_hash[AS_SHA256_BYTES]);

void as_sha256(const void *p, size_t n, uint8_t ret_hash[AS_SHA256_BYTES]);

/*
 * BLAKE2b over the parts one after the other, without anything between them: the caller's parts must be of
 * fixed or stated length.
 *
 * out_n  1 to 64 bytes.
 * key    0 to 64 bytes; empty for the unkeyed hash.
 */
void as_blake2b(uint8_t *ret_hash, size_t out_n, struct bytes key, const struct bytes *parts, size_t parts_n);

#endif
