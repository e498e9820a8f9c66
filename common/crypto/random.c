#include "common/crypto/random.h"

#include <sodium.h>

as_err as_crypto_init(void)
{
	return sodium_init() < 0 ? AS_EIO : AS_OK;
}

void as_random(void *out, size_t n)
{
	randombytes_buf(out, n);
}

void as_wipe(void *p, size_t n)
{
	if (n)
		sodium_memzero(p, n);
}

bool as_lock(void *p, size_t n)
{
	return sodium_mlock(p, n) == 0;
}

void as_unlock(void *p, size_t n)
{
	(void)sodium_munlock(p, n); /* wipes first, whatever becomes of the unlocking */
}

bool as_secret_equal(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

void as_secret_done(struct as_secret *s)
{
	as_wipe(s, sizeof *s);
}
