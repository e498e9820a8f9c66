/*
 * Signing notes and checkpoints: what note.h, checkpoint.h and cosign.h verify. Holds secrets only while it
 * runs.
 */
#ifndef AFTERSYNC_LOG_NOTE_SIGN_H
#define AFTERSYNC_LOG_NOTE_SIGN_H

#include "common/log/checkpoint.h"
#include "common/log/cosign.h"

/* Appends text, the empty line and the signature line of k, which must be of type NOTE_ED25519. */
void note_sign(struct writer *w, struct bytes text, const struct note_key *k, const uint8_t secret[64]);

/* Appends one more signature line to a note whose text is `text`. */
void note_sign_more(struct writer *w, struct bytes text, const struct note_key *k, const uint8_t secret[64]);

/* Head office's receipt: the payload of a cosignature/v1 line over the text of a checkpoint. AS_EINVAL when
 * time_s is above 2^63 - 1, AS_ETOOBIG when the text is over NOTE_BYTES_MAX. */
as_err cosign_sign(const struct note_key *k, const uint8_t secret[64], uint64_t time_s, struct bytes text,
		   uint8_t ret_payload[COSIGN_PAYLOAD]) AS_MUST_CHECK;

#endif
