/*
 * Files NAME.tlog-proof (c2sp.org/tlog-proof@v1): one entry of a log, provable without the log. Pure.
 *
 *   c2sp.org/tlog-proof@v1
 *   [extra <base64>]
 *   index <decimal>
 *   <base64 hash> …          leaf's sibling first
 *                            (empty line)
 *   <checkpoint, a signed note>
 */
#ifndef AFTERSYNC_LOG_TLOG_PROOF_H
#define AFTERSYNC_LOG_TLOG_PROOF_H

#include "common/log/checkpoint.h"
#include "common/log/proof.h"

#define TLOG_PROOF_EXTRA_MAX 1024 /* bytes of extra data [ours] */
#define TLOG_PROOF_MAX                                                                                       \
	(23 + 6 + (TLOG_PROOF_EXTRA_MAX + 2) / 3 * 4 + 1 + 26 + PROOF_HASHES_MAX * 45 + 1 + NOTE_BYTES_MAX)

struct tlog_proof {
	uint64_t index;
	struct proof proof;
	bool has_extra;
	struct bytes extra; /* base64 text, checked; borrowed */
	struct note note;   /* borrowed */
	struct checkpoint checkpoint;
};

void tlog_proof_put(struct writer *w, uint64_t index, const struct proof *p, struct bytes note);

/* Syntax only. AS_ETOOBIG, AS_EPROTO; AS_EPROTO as well when the index is not below the checkpoint's size. */
as_err tlog_proof_parse(struct bytes raw, struct tlog_proof *ret_tp) AS_MUST_CHECK;

/*
 * Is the entry with this leaf hash in the log of this key, as the file says?
 *
 * log       the log's key (0x01): its name must be the origin, its signature must be there.
 * others    cosigners (0x04) or further keys; ret_by (may be NULL) says which of them signed.
 * returns   AS_OK; AS_ENOTFOUND: the log's signature is not there, or the origin is not the log's name;
 *           AS_EFORGED: a signature of a known key is wrong; AS_EREFUSED: leaf and path do not give the root.
 */
as_err tlog_proof_verify(const struct tlog_proof *tp, const uint8_t leaf[TREE_HASH],
			 const struct note_key *log, const struct note_key *others, size_t others_n,
			 uint32_t *ret_by) AS_MUST_CHECK;

#endif
