/*
 * Personal parts of events: sealed to their subject, so that a person can be erased from a log without breaking
 * it.
 *
 *	salt     = BLAKE2b-128(32 random bytes; event id ‖ facts ‖ plain personal part)
 *	K_ev     = BLAKE2b-256(subject key; "aftersync v1 event" ‖ 0 ‖ branch (8) ‖ event id (16) ‖ salt (16))
 *	K_enc    = BLAKE2b-256(K_ev; "enc")    nonce = BLAKE2b-192(K_ev; "nonce")
 *	commitment = BLAKE2b-256(K_ev; "commit")          stands in the event, checked before opening
 *	personal = XChaCha20-Poly1305(K_enc, nonce, ad = branch ‖ event id ‖ salt ‖ commitment; plain ‖ 80 ‖ 00 …)
 *
 * Padded to 64 bytes, at least the 0x80. The salt depends on the text as well as on randomness, so that a
 * cloned machine that draws the same random bytes never seals two texts with one key and nonce. A proof may
 * disclose K_ev, which opens this one part; never the subject key.
 *
 * A subject is a customer (event field customer), or the case where there is none: 16 bytes.
 */
#ifndef AFTERSYNC_NODE_PERSONAL_H
#define AFTERSYNC_NODE_PERSONAL_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/wire/event.h"

#define PERSONAL_PAD 64
/* Room for a sealed part. */
#define PERSONAL_SEALED_MAX (PERSONAL_BYTES_MAX + PERSONAL_PAD + AS_AEAD_TAG)

/* A fresh salt for an event with these parts. random: 32 secret bytes, fresh for each commit: the id makes the salt. */
void personal_salt(const uint8_t random[32], const uint8_t event_id[16], struct bytes facts, struct bytes plain,
		   uint8_t ret_salt[16]);

/* The key of one event's part: what a proof may disclose. */
void personal_event_key(const uint8_t subject_key[32], const char branch[BRANCH_CODE_MAX],
			const uint8_t event_id[16], const uint8_t salt[16], uint8_t ret_key[32]);

/* plain: at most PERSONAL_BYTES_MAX. Returns the length of what was written to ret_sealed. */
size_t personal_seal(const uint8_t subject_key[32], const char branch[BRANCH_CODE_MAX], const uint8_t event_id[16],
		     const uint8_t salt[16], struct bytes plain, uint8_t ret_sealed[PERSONAL_SEALED_MAX],
		     uint8_t ret_commitment[32]);

/*
 * Opens the personal part of an event with its K_ev. ret_plain: PERSONAL_SEALED_MAX bytes, to be wiped by the
 * caller. AS_EFORGED: not this key, or damaged.
 */
as_err personal_open(const uint8_t event_key[32], const char branch[BRANCH_CODE_MAX], const struct event *ev,
		     uint8_t *ret_plain, size_t *ret_n) AS_MUST_CHECK;

/* The subject of an event's personal part: its customer, else its case. 16 bytes, borrowed from ev. */
const uint8_t *personal_subject(const struct event *ev);

/* ---- the key ring: subject keys at rest ---------------------------------------------------------------- */

/*
 * wrapped = nonce (24) ‖ XChaCha20-Poly1305(key-ring key, nonce, ad = subject; subject key), nonce =
 * BLAKE2b-192(random; subject ‖ subject key).
 */
#define RING_WRAPPED_BYTES (AS_AEAD_NONCE + 32 + AS_AEAD_TAG)
void ring_wrap(const uint8_t ring_key[32], const uint8_t subject[16], const uint8_t subject_key[32],
	       const uint8_t random[32], uint8_t ret_wrapped[RING_WRAPPED_BYTES]);
/* False: not wrapped with this key for this subject. */
bool ring_unwrap(const uint8_t ring_key[32], const uint8_t subject[16], struct bytes wrapped,
		 uint8_t ret_subject_key[32]);

#endif
