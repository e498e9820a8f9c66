#include "common/node/personal.h"

#include "common/base/check.h"
#include "common/crypto/hash.h"

void personal_salt(const uint8_t random[32], const uint8_t event_id[16], struct bytes facts, struct bytes plain,
		   uint8_t ret_salt[16])
{
	uint8_t n[4];
	const struct bytes parts[] = {bytes_of(event_id, 16), bytes_of(n, sizeof n), facts, plain};

	put_be32(n, (uint32_t)facts.n);
	as_blake2b(ret_salt, 16, bytes_of(random, 32), parts, AS_COUNT(parts));
}

void personal_event_key(const uint8_t subject_key[32], const char branch[BRANCH_CODE_MAX],
			const uint8_t event_id[16], const uint8_t salt[16], uint8_t ret_key[32])
{
	static const char context[] = "aftersync v1 event"; /* its 0 included */
	const struct bytes parts[] = {bytes_of(context, sizeof context), bytes_of(branch, BRANCH_CODE_MAX),
				      bytes_of(event_id, 16), bytes_of(salt, 16)};

	as_blake2b(ret_key, 32, bytes_of(subject_key, 32), parts, AS_COUNT(parts));
}

static void sub_key(const uint8_t event_key[32], const char *name, uint8_t *ret, size_t n)
{
	const struct bytes part = bytes_of_str(name);

	as_blake2b(ret, n, bytes_of(event_key, 32), &part, 1);
}

#define AD_BYTES (BRANCH_CODE_MAX + 16 + 16 + 32)

static void ad_of(const char branch[BRANCH_CODE_MAX], const uint8_t event_id[16], const uint8_t salt[16],
		  const uint8_t commitment[32], uint8_t out[AD_BYTES])
{
	memcpy(out, branch, BRANCH_CODE_MAX);
	memcpy(out + BRANCH_CODE_MAX, event_id, 16);
	memcpy(out + BRANCH_CODE_MAX + 16, salt, 16);
	memcpy(out + BRANCH_CODE_MAX + 32, commitment, 32);
}

size_t personal_seal(const uint8_t subject_key[32], const char branch[BRANCH_CODE_MAX], const uint8_t event_id[16],
		     const uint8_t salt[16], struct bytes plain, uint8_t ret_sealed[PERSONAL_SEALED_MAX],
		     uint8_t ret_commitment[32])
{
	AS_AUTO(as_secret) struct as_secret key = {0};
	AS_AUTO(as_secret) struct as_secret enc = {0};
	uint8_t nonce[AS_AEAD_NONCE], ad[AD_BYTES];
	size_t padded = plain.n / PERSONAL_PAD * PERSONAL_PAD + PERSONAL_PAD;

	as_assert(plain.n <= PERSONAL_BYTES_MAX);
	personal_event_key(subject_key, branch, event_id, salt, key.b);
	sub_key(key.b, "enc", enc.b, 32);
	sub_key(key.b, "nonce", nonce, sizeof nonce);
	sub_key(key.b, "commit", ret_commitment, 32);
	ad_of(branch, event_id, salt, ret_commitment, ad);
	if (plain.n)
		memcpy(ret_sealed, plain.p, plain.n);
	ret_sealed[plain.n] = 0x80;
	memset(ret_sealed + plain.n + 1, 0, padded - plain.n - 1);
#ifdef BUG_seal /* planted: personal parts are not sealed */
	memset(ret_sealed + padded, 0, AS_AEAD_TAG);
#else
	as_aead_seal(enc.b, nonce, bytes_of(ad, sizeof ad), bytes_of(ret_sealed, padded), ret_sealed);
#endif
	return padded + AS_AEAD_TAG;
}

as_err personal_open(const uint8_t event_key[32], const char branch[BRANCH_CODE_MAX], const struct event *ev,
		     uint8_t *ret_plain, size_t *ret_n)
{
	AS_AUTO(as_secret) struct as_secret enc = {0};
	uint8_t nonce[AS_AEAD_NONCE], commitment[32], ad[AD_BYTES];
	size_t n = ev->personal.n;

	if (n < AS_AEAD_TAG + PERSONAL_PAD || n > PERSONAL_SEALED_MAX || ev->commitment.n != 32 ||
	    (n - AS_AEAD_TAG) % PERSONAL_PAD != 0)
		return AS_EFORGED;
	sub_key(event_key, "commit", commitment, sizeof commitment);
	if (!as_secret_equal(commitment, ev->commitment.p, 32))
		return AS_EFORGED;
	sub_key(event_key, "enc", enc.b, 32);
	sub_key(event_key, "nonce", nonce, sizeof nonce);
	ad_of(branch, ev->event_id.p, ev->salt.p, commitment, ad);
	if (!as_aead_open(enc.b, nonce, bytes_of(ad, sizeof ad), ev->personal, ret_plain))
		return AS_EFORGED;
	n -= AS_AEAD_TAG;
	while (n > 0 && ret_plain[n - 1] == 0)
		n--;
	if (n == 0 || ret_plain[n - 1] != 0x80)
		return AS_EFORGED;
	*ret_n = n - 1;
	return AS_OK;
}

const uint8_t *personal_subject(const struct event *ev)
{
	return ev->customer.n ? ev->customer.p : ev->case_id.n ? ev->case_id.p : ev->event_id.p;
}

void ring_wrap(const uint8_t ring_key[32], const uint8_t subject[16], const uint8_t subject_key[32],
	       const uint8_t random[32], uint8_t ret_wrapped[RING_WRAPPED_BYTES])
{
	const struct bytes parts[] = {bytes_of(subject, 16), bytes_of(subject_key, 32)};

	as_blake2b(ret_wrapped, AS_AEAD_NONCE, bytes_of(random, 32), parts, AS_COUNT(parts));
	as_aead_seal(ring_key, ret_wrapped, bytes_of(subject, 16), bytes_of(subject_key, 32),
		     ret_wrapped + AS_AEAD_NONCE);
}

bool ring_unwrap(const uint8_t ring_key[32], const uint8_t subject[16], struct bytes wrapped,
		 uint8_t ret_subject_key[32])
{
	return wrapped.n == RING_WRAPPED_BYTES &&
	       as_aead_open(ring_key, wrapped.p, bytes_of(subject, 16),
			    bytes_of(wrapped.p + AS_AEAD_NONCE, wrapped.n - AS_AEAD_NONCE), ret_subject_key);
}
