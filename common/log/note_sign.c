#include "common/log/note_sign.h"

#include "common/base/check.h"
#include "common/crypto/sign.h"

void note_sign_more(struct writer *w, struct bytes text, const struct note_key *k, const uint8_t secret[64])
{
	uint8_t signature[AS_ED25519_SIGNATURE];

	as_assert(k->type == NOTE_ED25519);
	as_ed25519_sign(secret, text, signature);
	note_put_line(w, k, bytes_of(signature, sizeof signature));
}

void note_sign(struct writer *w, struct bytes text, const struct note_key *k, const uint8_t secret[64])
{
	writer_bytes(w, text);
	writer_lit(w, "\n");
	note_sign_more(w, text, k, secret);
}

as_err cosign_sign(const struct note_key *k, const uint8_t secret[64], uint64_t time_s, struct bytes text,
		   uint8_t ret_payload[COSIGN_PAYLOAD])
{
	uint8_t memory[COSIGN_HEAD_MAX + NOTE_BYTES_MAX];
	struct writer w = writer_of(memory, sizeof memory);

	as_assert(k->type == NOTE_COSIGNATURE);
	if (!cosign_put_text(&w, time_s, text))
		return AS_EINVAL;
	if (w.full)
		return AS_ETOOBIG;
	memcpy(ret_payload, k->id, 4);
	put_be64(ret_payload + 4, time_s);
	as_ed25519_sign(secret, writer_done(&w), ret_payload + 12);
	return AS_OK;
}
