/*
 * Proof that one event is in a log, for somebody who has neither the store nor any key: proof make, proof check
 * (design section 0; security study 3.6).
 *
 * The file is one JSON object:
 *
 *	{"format":"aftersync-proof-1",
 *	 "event":BASE64,            the event's bytes: leaf = SHA-256(00 ‖ bytes)
 *	 "log_key":VKEY,            of the log's author (C2SP note key; its name is the log's origin)
 *	 "cosigner_key":VKEY,       of the head-office instance that receipted it
 *	 "root_key":HEX,            head office's root key: compare it with what head office publishes
 *	 "certificate":BASE64,      the body of INSTANCE_CERTIFIED: the root key's signature on that instance
 *	 "tlog_proof":TEXT}         an ordinary C2SP tlog-proof, for any verifier
 *
 * What a check shows: this event stood in this log when head office cosigned it, and that instance of head office was
 * certified by the root key. That the author's key was the branch's at that time is head office's word: it receipts
 * only what a key of its roster signed. A sealed personal part stays sealed.
 */
#ifndef AFTERSYNC_NODE_PROOF_H
#define AFTERSYNC_NODE_PROOF_H

#include "common/base/err.h"
#include "common/intake/json.h"

#define PROOF_FILE_MAX (256 * 1024)

/*
 * Checks a file's text. *ret: {"ok":true,"event":{…},"log":ORIGIN,"index":N,"size":N,"receipted_at":RFC3339,
 * "root_key":HEX}; the caller gives the reference back. AS_EPROTO: not a proof; AS_EFORGED: a signature or the path is
 * wrong; em says which. Needs no store, daemon or network.
 */
as_err proof_check(const char *text, size_t n, json_t **ret, struct as_errmsg *em) AS_MUST_CHECK;

#endif
