/*
 * Many events in little time: written by the node library into stores whose daemons do not run. What the
 * daemons find is what they would have written themselves: signed blocks of admitted branches, verified and
 * folded.
 *
 * The events are those of tests/lib/gen_orders: repair orders and complaints, some with a sealed part of
 * random bytes, whose keys nobody has; their business days advance.
 */
#ifndef AFTERSYNC_TESTS_BENCH_SYSTEM_FILL_H
#define AFTERSYNC_TESTS_BENCH_SYSTEM_FILL_H

#include "common/node/items.h"
#include "tests/bench/system.h"
#include "tests/lib/gen_orders.h"

/* As a part of a JSON object. */
#define FILL_MIX "\"events_per_case\":12,\"personal_share\":0.3"

/* Keys of a branch that is no process: made of its code, so that whoever knows the code can speak for it. */
struct fill_keys {
	uint8_t identity_public[32], identity_secret[64]; /* Ed25519 */
	uint8_t link_public[32], link_secret[32];	  /* CURVE */
	uint8_t recipient_public[32], recipient_secret[32];
	uint8_t content[32];
};
void fill_keys_of(const char *code, struct fill_keys *ret);

/* A branch's live log, as its author goes on with it. */
struct fill_log {
	char code[9];
	struct log_id id;
	struct fill_keys keys;
	struct block_author author;
	struct tree_frontier frontier;
	struct gen gen;
	struct rng rng;
	int64_t at, step_ms; /* of the next event, and from one to the next */
};

/* A head office whose store is written. */
struct fill {
	struct node *n;
	struct batch b;
	struct verifier verifier;
	struct received_table slots;
	struct received *taken[SYNC_FLIGHT_MAX];
	size_t taken_n;
};

void fill_open(struct fill *f, const struct bench_node *hq);
void fill_close(struct fill *f);		   /* commits what was taken */
void fill_enrol(struct fill *f, const char *code); /* and admits its machine, with the keys above */
/* A block as it comes over the line: verified; committed with some others, or by fill_commit. */
void fill_take(struct fill *f, struct bytes block);
void fill_commit(struct fill *f);

/* from: time of the first event; step_ms: between two. */
struct fill_log *fill_log_new(const uint8_t org[16], const char *code, int64_t from, int64_t step_ms);
void fill_log_free(struct fill_log *take_log);
/*
 * The next block: n events, or as many of them as fit; before the first of a log comes LOG_OPENED. ret_head:
 * after it, may be NULL. Returns how many of the n it holds.
 */
size_t fill_block(struct fill_log *l, struct block_io *io, const uint8_t hq_recipient[32], size_t n,
		  struct buf *ret_block, struct log_head *ret_head);

/* n more events in the live log of a real branch, and at head office; neither daemon runs. days: of the last
 * ones. */
void fill_both(struct bench_node *hq, struct bench_node *branch, struct gen *g, struct rng *r, uint64_t n,
	       int64_t from, int64_t step_ms);

#endif
