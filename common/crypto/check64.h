/*
 * A fast check against decay and mistakes: XXH3-64. It stops nobody who wants another content with the same
 * check; for that there is common/crypto/hash.h.
 */
#ifndef AFTERSYNC_CRYPTO_CHECK64_H
#define AFTERSYNC_CRYPTO_CHECK64_H

#include "common/base/bytes.h"

/*
 * XXH3_64bits_withSeed. Of several parts: the check of one is the seed of the next, so that where one ends
 * and the next begins counts too. The same on every machine.
 */
uint64_t as_check64(uint64_t seed, struct bytes part);

#endif
