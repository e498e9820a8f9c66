/*
 * Cosignatures (c2sp.org/tlog-cosignature, cosignature/v1, key type 0x04): head office's receipt, or a
 * witness. Pure; signing is note_sign.h.
 *
 *   signed text = "cosignature/v1\n" "time " seconds "\n" and the text of the checkpoint
 *   payload     = key id (4) || seconds (u64 big-endian) || Ed25519 signature (64)
 */
#ifndef AFTERSYNC_LOG_COSIGN_H
#define AFTERSYNC_LOG_COSIGN_H

#include "common/log/note.h"

#define COSIGN_PAYLOAD 76
#define COSIGN_HEAD_MAX (15 + 5 + 19 + 1) /* the lines before the text */

/* Writes what is signed. False when time_s is above 2^63 - 1. */
bool cosign_put_text(struct writer *w, uint64_t time_s, struct bytes text);

/* The key id must be that of k, the time at most 2^63 - 1, the text at most NOTE_BYTES_MAX. */
bool cosign_verify(const struct note_key *k, struct bytes text, const uint8_t payload[COSIGN_PAYLOAD],
		   uint64_t *ret_time_s);

/* Seconds since 1970 in a payload, not verified. */
uint64_t cosign_time(const uint8_t payload[COSIGN_PAYLOAD]);

/* Appends the signature line of a payload. */
void cosign_put_line(struct writer *w, const struct note_key *k, const uint8_t payload[COSIGN_PAYLOAD]);

#endif
