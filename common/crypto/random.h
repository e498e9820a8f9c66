/*
 * Start-up of the crypto library, randomness, and the end of secrets.
 */
#ifndef AFTERSYNC_CRYPTO_RANDOM_H
#define AFTERSYNC_CRYPTO_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

/* Every program calls this first (it selects the fast implementations); calling it again does no harm. */
as_err as_crypto_init(void) AS_MUST_CHECK;

/* From the kernel; aborts when there is none. */
void as_random(void *out, size_t n);

/* Clears memory so that no compiler removes it. */
void as_wipe(void *p, size_t n);

/*
 * Keeps the pages of this memory out of swap and core files, for secrets that live long: all of a program's
 * in one struct, locked before they are loaded, since unlocking takes whole pages. False when the system does
 * not allow it (RLIMIT_MEMLOCK): a warning, not a failure. as_unlock also wipes; also what could not be
 * locked.
 */
bool as_lock(void *p, size_t n);
void as_unlock(void *p, size_t n);

/* Compares in constant time. */
bool as_secret_equal(const void *a, const void *b, size_t n);

/* A secret that is wiped at the end of its scope: AS_AUTO(as_secret) struct as_secret s = {0}; */
struct as_secret {
	uint8_t b[64];
};

void as_secret_done(struct as_secret *s);

#endif
