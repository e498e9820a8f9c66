#include "common/crypto/password.h"

#include <sodium.h>

/* crypto_pwhash_OPSLIMIT_MODERATE and _MEMLIMIT_MODERATE, written out: they must not move with the library */
#define PASSES 3
#define MEMORY_BYTES (256u * 1024 * 1024)

_Static_assert(AS_PASSWORD_SALT == crypto_pwhash_SALTBYTES, "our sizes are libsodium's");

as_err as_password_key(struct bytes passphrase, const uint8_t salt[AS_PASSWORD_SALT], uint8_t ret_key[32])
{
	if (passphrase.n < 1 || passphrase.n > AS_PASSWORD_MAX)
		return AS_EINVAL;
	return crypto_pwhash(ret_key, 32, (const char *)passphrase.p, passphrase.n, salt, PASSES,
			     MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) == 0
		   ? AS_OK
		   : AS_ENOMEM;
}
