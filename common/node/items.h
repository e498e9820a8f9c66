/*
 * A core's commit (SYNC_COMMIT) as operations of the store: what the items say, with the bytes of their slots.
 * Store thread.
 */
#ifndef AFTERSYNC_NODE_ITEMS_H
#define AFTERSYNC_NODE_ITEMS_H

#include "common/node/batch.h"
#include "common/node/received.h"

struct items_result {
	enum sync_commit_result result;
	bool any_keys; /* some item was ITEM_KEYS */
	uint64_t keys[SYNC_FLIGHT_MAX];
	bool reseal[SYNC_FLIGHT_MAX];
	bool roster_anew; /* hq/all was cut (branch), given back (head office) or repaired: the roster is to be read again */
};

/* Names of small values that the daemons keep in the store. */
#define META_OPEN "open"	  /* branch: the open incarnation's LIVE log, 29 bytes */
#define META_JOINED "joined"	  /* branch: head office admitted this node */
#define META_INSTANCE "instance"  /* branch: highest instance of head office seen, BE32 */
#define META_HQ_STATE "hq-state" /* head office: instance (BE32), enum sync_hq_state (1): what a restart must not forget */
#define META_SERIAL "serial"	  /* branch: business date (BE32) and last serial (BE32) of labels */
#define META_SUFFIX "suffix"	  /* branch: labels of this incarnation end in this */

/*
 * Adds the operations of a core's items to a begun batch. slots[i]: the slot of items[i], or NULL. ITEM_ADMIT is
 * the caller's. keys and reseal of *ret are set as the core wants them once the batch is committed.
 *
 * Subject keys: at head office a put is opened with the transport key that it was sealed to and wrapped for the
 * ring; one sealed to an older transport key ends the run and is asked for again. At a branch a put comes sealed
 * to its recipient key.
 */
as_err items_to_batch(struct batch *b, const struct sync_item *items, struct received *const *slots, size_t n,
		      struct items_result *ret) AS_MUST_CHECK;

/* What a put on the wire is sealed with beside the keys (as_boxes): subject (16) || number (8). */
#define ITEMS_KEY_AD 24
struct bytes items_key_ad(const struct wire_key *w, uint8_t out[ITEMS_KEY_AD]);

/* What items_to_batch's commit changed for the verifier and the readers: call when it is durable. */
void items_committed(struct verifier *vf, const struct sync_item *items, size_t n);

#endif
