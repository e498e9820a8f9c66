#include "tests/lib/hex.h"

#include "common/base/check.h"
#include "common/base/text.h"

void unhex(const char *hex, uint8_t *out, size_t n)
{
	as_assert(text_unhex(bytes_of_str(hex), out, n));
}
