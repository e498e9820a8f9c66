#include "common/crypto/check64.h"

#define XXH_INLINE_ALL /* no library is linked */
#include <xxhash.h>

uint64_t as_check64(uint64_t seed, struct bytes part)
{
	return XXH3_64bits_withSeed(part.p, part.n, seed);
}
