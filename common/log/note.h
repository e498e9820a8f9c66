/*
 * Signed notes (c2sp.org/signed-note): text, an empty line, signature lines. Pure; signing is note_sign.h.
 *
 *   signature line = U+2014, space, key name, space, base64(key id (4) || signature), newline
 *   key id         = first 4 bytes of SHA-256(name || 0x0A || type || public key)
 *   vkey           = name + "+" + hex(key id) + "+" + base64(type || public key)
 *
 * Types known here: 0x01 (Ed25519 over the text) and 0x04 (cosignature/v1, cosign.h). Others are unknown
 * keys.
 */
#ifndef AFTERSYNC_LOG_NOTE_H
#define AFTERSYNC_LOG_NOTE_H

#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/base/writer.h"

#define NOTE_NAME_MAX 127 /* bytes of a key name [ours] */
#define NOTE_VKEY_MAX (NOTE_NAME_MAX + 1 + 8 + 1 + 44)
#define NOTE_LINE_MAX (3 + 1 + NOTE_NAME_MAX + 1 + 104 + 1) /* a line of either type that we write */

enum note_type {
	NOTE_ED25519 = 0x01,
	NOTE_COSIGNATURE = 0x04,
};

/* A key whose signatures we know how to verify. */
struct note_key {
	uint8_t type; /* enum note_type */
	uint8_t name_n;
	char name[NOTE_NAME_MAX];
	uint8_t id[4];
	uint8_t public_key[32];
};

/* AS_EINVAL: the name is empty, too long, not UTF-8, or holds white space or "+"; or the type is not known.
 */
as_err note_key_init(struct note_key *k, enum note_type type, struct bytes name,
		     const uint8_t public_key[32]) AS_MUST_CHECK;

/* AS_EPROTO: not a vkey, or the key id is not that of the key. AS_EUNSUPPORTED: another type. */
as_err note_key_parse(struct bytes vkey, struct note_key *ret_k) AS_MUST_CHECK;

/* out holds NOTE_VKEY_MAX + 1 bytes and gets a 0; returns the length. */
size_t note_key_format(const struct note_key *k, char *out);

/* One signature line; borrowed from the note. */
struct note_line {
	struct bytes name;
	uint8_t id[4];
	struct bytes base64; /* of id and signature */
	size_t payload_n;    /* bytes of id and signature */
};

struct note {
	struct bytes raw;
	struct bytes text; /* with its last newline, without the empty line */
	uint32_t lines_n;
	struct note_line lines[NOTE_SIGNATURES_MAX];
};

/*
 * Splits a note; everything in ret_n is borrowed from raw. AS_ETOOBIG: over NOTE_BYTES_MAX or more than
 * NOTE_SIGNATURES_MAX lines. AS_EPROTO: anything else that breaks the format. No signature is verified.
 */
as_err note_parse(struct bytes raw, struct note *ret_n) AS_MUST_CHECK;

#define NOTE_KEYS_MAX 32

/*
 * Verifies a note with the known keys (at most NOTE_KEYS_MAX, no two with the same name and id). Lines of
 * unknown keys are skipped.
 *
 * ret_by   NULL, or the keys whose signature is there: bit i for keys[i].
 * returns  AS_OK: at least one known key signed, and no line of a known key is wrong.
 *          AS_ENOTFOUND: no line of a known key. AS_EFORGED: a line of a known key does not verify.
 */
as_err note_verify(const struct note *n, const struct note_key *keys, size_t keys_n,
		   uint32_t *ret_by) AS_MUST_CHECK;

/* Does this line claim to be of this key? */
bool note_line_is(const struct note_line *l, const struct note_key *k);

/* The decoded payload (key id and signature) of a line: payload_n bytes into out; false when over cap. */
bool note_line_payload(const struct note_line *l, uint8_t *out, size_t cap);

/* Appends a signature line; signature is what follows the key id: 64 bytes (0x01) or 72 (0x04). */
void note_put_line(struct writer *w, const struct note_key *k, struct bytes signature);

#endif
