/*
 * What came over a link and is not committed yet: the memory behind a core's slots, and the checks 5 to 7 of a
 * block (docs/protocol.md section 4), made by whichever thread verifies.
 *
 * A received block goes from the main thread to a verifying thread and back, then with a commit to the store
 * thread; ownership goes with it, so that nothing here is locked.
 */
#ifndef AFTERSYNC_NODE_RECEIVED_H
#define AFTERSYNC_NODE_RECEIVED_H

#include "common/node/node.h"
#include "common/sync/sync.h"

struct received {
	bool used;
	uint32_t slot;
	struct log_id log;
	uint64_t first;
	uint32_t count;
	struct buf block; /* or empty: keys */
	struct wire_key *keys;
	uint32_t keys_n;
	bool evidence, fresh;
	bool busy;   /* a job has it now; main thread */
	bool orphan; /* to be given back when that is done */
	/* the verdict */
	bool done;
	struct block_opened opened;
	size_t opened_bytes; /* counted in the table's */
	struct sync_verified v;
};

#define RECEIVED_KEYS_BYTES (64u * 1024 * 1024)

/* Slots for a core: main thread only. */
struct received_table {
	struct received **slots; /* made when first used, kept */
	uint32_t n, cap;
	uint32_t first_free; /* none below it */
	uint64_t bytes; /* of blocks held */
	uint64_t opened_bytes; /* of what verified ones were opened to */
	uint64_t keys_bytes; /* of key changes held, at most RECEIVED_KEYS_BYTES: credit does not count them */
};

as_err received_init(struct received_table *t, uint32_t cap) AS_MUST_CHECK;
void received_done(struct received_table *t);
/* Copies what the message borrows into a slot and sets m's slot and fault. False: no slot or memory, as if lost. */
bool received_take(struct received_table *t, const uint8_t org[16], struct msg *m);
void received_free(struct received_table *t, uint32_t slot);
/* Counts what a verified block was opened to, until it is freed. */
void received_opened(struct received_table *t, struct received *r);
struct received *received_at(struct received_table *t, uint32_t slot);

/* ---- verifying ------------------------------------------------------------------------------------------ */

struct verify_tail;

/* One verifying thread's memory of logs: the frontier after the block verified last. */
struct verifier {
	struct node *node; /* borrowed: its view, its readers, its roster */
	struct verify_tail *tails;
	size_t tails_n;
};

void verifier_init(struct verifier *vf, struct node *node);
void verifier_done(struct verifier *vf);
/* A log was cut or put back: what is remembered of it is void. */
void verifier_forget(struct verifier *vf, const struct log_id *log);

/*
 * Checks the block in r and opens it into r->opened; r->v is the answer for the core. Blocks of one log are to be
 * verified in the order in which they were asked for, by one verifier. At a branch the events of a sound block of
 * hq/all are folded into the verifier's roster at once, so that what they vouch for is known for the next block.
 */
void verify_received(struct verifier *vf, struct received *r);

#endif
