#include "common/log/cosign.h"

#include "common/base/check.h"
#include "common/crypto/sign.h"

bool cosign_put_text(struct writer *w, uint64_t time_s, struct bytes text)
{
	if (time_s > (uint64_t)INT64_MAX)
		return false;
	writer_lit(w, "cosignature/v1\ntime ");
	writer_decimal(w, time_s);
	writer_lit(w, "\n");
	writer_bytes(w, text);
	return true;
}

uint64_t cosign_time(const uint8_t payload[COSIGN_PAYLOAD])
{
	return get_be64(payload + 4);
}

bool cosign_verify(const struct note_key *k, struct bytes text, const uint8_t payload[COSIGN_PAYLOAD],
		   uint64_t *ret_time_s)
{
	uint8_t memory[COSIGN_HEAD_MAX + NOTE_BYTES_MAX];
	struct writer w = writer_of(memory, sizeof memory);
	uint64_t time_s = cosign_time(payload);

	if (k->type != NOTE_COSIGNATURE || memcmp(payload, k->id, sizeof k->id) != 0)
		return false;
	if (!cosign_put_text(&w, time_s, text) || w.full)
		return false;
	if (!as_ed25519_verify(k->public_key, writer_done(&w), payload + 12))
		return false;
	*ret_time_s = time_s;
	return true;
}

void cosign_put_line(struct writer *w, const struct note_key *k, const uint8_t payload[COSIGN_PAYLOAD])
{
	as_assert(k->type == NOTE_COSIGNATURE && memcmp(payload, k->id, sizeof k->id) == 0);
	note_put_line(w, k, bytes_of(payload + 4, COSIGN_PAYLOAD - 4));
}
