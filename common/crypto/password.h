/*
 * A key from a passphrase: Argon2id 1.3 (RFC 9106) through libsodium, with the cost that it calls moderate,
 * which is part of our formats: 3 passes over 256 MiB, 0.5 to 2 s.
 */
#ifndef AFTERSYNC_CRYPTO_PASSWORD_H
#define AFTERSYNC_CRYPTO_PASSWORD_H

#include "common/base/bytes.h"
#include "common/base/err.h"

#define AS_PASSWORD_SALT 16
#define AS_PASSWORD_MAX 1024 /* bytes of a passphrase; it has at least one */

/* salt: random, kept beside what the key seals. AS_ENOMEM: no 256 MiB; AS_EINVAL: the length of the
 * passphrase. */
as_err as_password_key(struct bytes passphrase, const uint8_t salt[AS_PASSWORD_SALT],
		       uint8_t ret_key[32]) AS_MUST_CHECK;

#endif
