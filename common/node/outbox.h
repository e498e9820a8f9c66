/*
 * A core's message (SYNC_SEND) as a frame: what only the shell has is added, block bytes from the store, subject
 * keys sealed to who may open them, head office's cosignature. Main thread, its own view.
 */
#ifndef AFTERSYNC_NODE_OUTBOX_H
#define AFTERSYNC_NODE_OUTBOX_H

#include "common/node/node.h"
#include "common/sync/sync.h"

enum outbox_verdict {
	OUTBOX_SEND = 1, /* the frame is ready */
	OUTBOX_NOTHING,	 /* a key is not known yet: nothing is sent, the core says Hello again later */
	OUTBOX_ROTTEN,	 /* the stored block is damaged: to be told to the core as checked, not sound */
	OUTBOX_FAILED,	 /* out of memory, or our own mistake: em */
};

/* now_s: Unix seconds of a cosignature. frame: emptied first; its maximum is MESSAGE_BYTES_MAX. */
enum outbox_verdict outbox_frame(struct node *n, const struct sync_out *out, uint64_t now_s, struct buf *frame,
				 struct as_errmsg *em);

/* Head office's key for receipts: name "aftersync/<org>/hq/<instance>", type cosignature. */
void outbox_receipt_key(const uint8_t org[16], uint32_t instance, const uint8_t public_key[32],
			struct note_key *ret_k);

/* The text of a log's checkpoint. */
#define OUTBOX_TEXT_MAX CHECKPOINT_TEXT_MAX
struct bytes outbox_checkpoint(const uint8_t org[16], const struct log_id *log, const struct log_head *head,
			       uint8_t out[OUTBOX_TEXT_MAX]);

/* For sync_env.receipt_ok: does an instance of the roster, or the join code's, cosign this head? */
bool outbox_receipt_ok(const struct node *n, const struct log_id *log, const struct log_head *head,
		       const uint8_t receipt[76]);

#endif
