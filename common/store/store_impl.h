/*
 * Inside of the store, shared by its files:
 *
 *	store.c		open, fence, reads of logs and blocks
 *	store_read.c	reads of cases, cells, ring, values
 *	store_commit.c	the batch: blocks, receipts, ends, values
 *	store_fold.c	events into cases, cells, flagged events
 *	store_balance.c	sums of cells, and what a report reads of them
 *	store_index.c	event ids and labels of a branch
 *	store_ring.c	key changes
 *	store_cut.c	blocks aside: refused ones, and the own tail after a fork
 *	store_check.c	check and rebuild
 */
#ifndef AFTERSYNC_STORE_STORE_IMPL_H
#define AFTERSYNC_STORE_STORE_IMPL_H

#include "common/store/rows.h"
#include "common/store/store.h"

#define STORE_FORMAT 2
#define STORE_FORMAT_BALANCES 2 /* the first with TABLE_BALANCE */

/* The row SELF_IDENTITY. */
struct store_self {
	uint16_t format;
	uint32_t ledger_version;
	uint8_t role;
	char branch[BRANCH_CODE_MAX];
	uint64_t fence;
	char writer[32]; /* zero padded */
};

as_err self_get(const struct stx *x, struct store_self *ret_self) AS_MUST_CHECK;
as_err self_put(const struct stx *x, const struct store_self *self) AS_MUST_CHECK;

struct fold;

struct store {
	enum store_role role;
	char branch[BRANCH_CODE_MAX];
	struct kv *kv;
	struct store_opener opener;
	bool stale;
	bool sealed; /* by keys, which are made of the store key */
	struct row_keys keys;
	uint8_t key_check[32]; /* the row SELF_KEY */
	struct buf row;	       /* scratch of struct stx */
	struct buf block;      /* scratch for a block that moves */
	struct fold *fold;
	struct log_state **logs; /* those that the batch touches; memory is kept for the next */
	size_t logs_n, logs_made, logs_cap;
};

/* AS_AUTO(stx) is the caller's. */
as_err store_begin(struct store *st, enum kv_mode mode, struct as_errmsg *em,
		   struct stx *ret_x) AS_MUST_CHECK;
void stx_done(struct stx *x); /* rolls back what was not committed */

/* Opens a block and checks its count. AS_ECORRUPT names it. */
as_err store_open_block(struct store *st, const struct stx *x, const struct log_id *log,
			const struct block_meta *meta, struct bytes block, const struct bytes **ret_events,
			const uint8_t (**ret_leaves)[32]) AS_MUST_CHECK;

/* The frontier after `size` events of the log whose state this is. */
as_err store_frontier_at(struct store *st, const struct stx *x, const struct log_state *log, uint64_t size,
			 struct tree_frontier *ret_f) AS_MUST_CHECK;

/* ---- store_fold.c -------------------------------------------------------------------------------------*/

/* What a fold changes gathers in memory and is written by fold_flush; fold_reset forgets it. */
as_err fold_new(struct fold **ret_f) AS_MUST_CHECK;
void fold_free(struct fold *take_f);
void fold_reset(struct fold *f);

/* x: where cases, cells and flagged events are read and written. */
as_err fold_event(struct fold *f, const struct stx *x, const struct log_id *log, uint64_t index,
		  struct bytes event, const uint8_t leaf[32]) AS_MUST_CHECK;

/* Takes the events of `log` from `size` on out of the case that this event of it belongs to. */
as_err fold_cut_event(struct fold *f, const struct stx *x, const struct log_id *log, uint64_t index,
		      struct bytes event, uint64_t size) AS_MUST_CHECK;

/* True when a cut met a case with more events than are kept: it can only be folded again from the logs. */
bool fold_needs_rebuild(const struct fold *f);
void fold_want_rebuild(struct fold *f);

/* True when it is time to flush in a long walk. */
bool fold_is_large(const struct fold *f);
as_err fold_flush(struct fold *f, const struct stx *x) AS_MUST_CHECK;

/* Counts of flagged events, where the store has none yet. */
as_err fold_counts_make(struct fold *f, const struct stx *x) AS_MUST_CHECK;

/* ---- store_balance.c ----------------------------------------------------------------------------------*/

/* A sum of cells over memory of its own. */
struct grown_sum {
	struct cell_sum sum;
	uint32_t *order; /* when it is written */
	size_t order_cap;
	bool used;
};

as_err grown_sum_init(struct grown_sum *g) AS_MUST_CHECK;
void grown_sum_done(struct grown_sum *g); /* accepts a zeroed one */
void grown_sum_reset(struct grown_sum *g);
as_err grown_sum_add(struct grown_sum *g, const struct cell_key *key,
		     const int64_t v[CELL_VALUES_MAX]) AS_MUST_CHECK;
/* Adds it to the rows of TABLE_CELL or TABLE_BALANCE, in their order. */
as_err grown_sum_write(struct grown_sum *g, const struct stx *x, unsigned table) AS_MUST_CHECK;

/* What the difference to a cell makes of its balances. */
as_err balance_add(struct grown_sum *g, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX]) AS_MUST_CHECK;

/* All balance rows anew, from the cells. */
as_err balance_make(const struct stx *x) AS_MUST_CHECK;

/* store_index.c: event ids and labels of a branch: add (sign 1) or take out (-1) one event. */
as_err index_event(const struct stx *x, const struct log_id *log, uint64_t index, struct bytes event,
		   int sign) AS_MUST_CHECK;

/* Does the store index the events of this log? */
static inline bool store_indexes(const struct store *st, const struct log_id *log)
{
	return st->role == STORE_BRANCH && !log_is_hq(log);
}

/* Reads all logs through x and folds [0, folded) of each into the emptied tables of `to`. */
as_err fold_all(struct store *st, const struct stx *x, struct fold *f, const struct stx *to) AS_MUST_CHECK;

/* The tables that fold_all fills. */
extern const uint8_t fold_tables[];
extern const size_t fold_tables_n;

/* ---- the other operations of a batch ------------------------------------------------------------------*/

/* The log's state as the batch has it so far, read or made at first use; written at the end of the batch. */
as_err batch_log(struct store *st, const struct stx *x, const struct log_id *log, bool make,
		 struct log_state **ret_s) AS_MUST_CHECK;

as_err op_keys(struct store *st, const struct stx *x, const struct store_op *op) AS_MUST_CHECK;
as_err op_cut(struct store *st, const struct stx *x, const struct store_op *op) AS_MUST_CHECK;
as_err op_aside(struct store *st, const struct stx *x, const struct store_op *op) AS_MUST_CHECK;
as_err op_repair(struct store *st, const struct stx *x, const struct store_op *op) AS_MUST_CHECK;

#endif
