/*
 * The file of `aftersync proof make`: an event, the keys, and the standard proof (tlog_proof.h). It can be
 * checked with nothing else at hand; what then remains to be asked is whether the keys are those of head
 * office and the branch. Pure.
 *
 *   aftersync-proof-1
 *   event <base64 of the event's bytes>
 *   log <vkey of the log>
 *   by <vkey of head office> …        none to EVENT_PROOF_BY_MAX: those whose receipt may be below
 *                                     (empty line)
 *   c2sp.org/tlog-proof@v1 …          the rest as it is: other tools read it
 *
 * Leaf = SHA-256(0x00 || event bytes), RFC 6962.
 */
#ifndef AFTERSYNC_LOG_EVENT_PROOF_H
#define AFTERSYNC_LOG_EVENT_PROOF_H

#include "common/log/tlog_proof.h"

#define EVENT_PROOF_BY_MAX 8
#define EVENT_PROOF_MAX                                                                                      \
	(64 + (EVENT_BYTES_MAX + 2) / 3 * 4 + (1 + EVENT_PROOF_BY_MAX) * (5 + NOTE_VKEY_MAX) + TLOG_PROOF_MAX)

struct event_proof {
	struct bytes event; /* in the caller's memory */
	struct note_key log, by[EVENT_PROOF_BY_MAX];
	size_t by_n;
	struct tlog_proof proof; /* borrows the file */
};

/* tlog: what tlog_proof_put wrote. w->full when it does not fit. */
void event_proof_put(struct writer *w, struct bytes event, const struct note_key *log,
		     const struct note_key *by, size_t by_n, struct bytes tlog);

/* Syntax only. AS_ETOOBIG, AS_EPROTO; em says which line. */
as_err event_proof_parse(struct bytes raw, uint8_t event[EVENT_BYTES_MAX], struct event_proof *ret,
			 struct as_errmsg *em) AS_MUST_CHECK;

/* What tlog_proof_verify says of this event and these keys; *ret_by: bit i for by[i]. */
as_err event_proof_verify(const struct event_proof *p, uint32_t *ret_by) AS_MUST_CHECK;

#endif
