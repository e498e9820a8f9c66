/*
 * What a node durably holds: logs, blocks, cases, cells, receipts, key ring. One module for both roles over kv.h.
 *
 * Its only write is store_commit: a batch of operations in ONE transaction, which fails unless the fence and every
 * expected head match. Reads see the last commit. One writer thread; reads from any thread on their own snapshot.
 *
 * hq_store.h names the part of this that a PostgreSQL head office must offer instead.
 */
#ifndef AFTERSYNC_STORE_STORE_H
#define AFTERSYNC_STORE_STORE_H

#include "common/base/buf.h"
#include "common/ledger/ledger.h"
#include "common/log/log_row.h"
#include "common/store/kv.h"
#include "common/wire/msg.h"

struct store;

/* The events of a stored block, opened and verified by the shell that has the keys; slices stay valid until the
 * next call. Used for deferred folding, rebuild, cut. */
struct store_opener {
	void *ctx;
	as_err (*open)(void *ctx, const struct log_id *log, struct bytes block, const struct bytes **ret_events,
		       const uint8_t (**ret_leaves)[32], size_t *ret_n);
};

enum store_role { STORE_BRANCH, STORE_HQ };

struct store_opts {
	enum store_role role;
	char branch[BRANCH_CODE_MAX]; /* STORE_BRANCH: its own code */
	struct kv *kv;		      /* borrowed, outlives the store */
	struct store_opener opener;
};

/* AS_EUNSUPPORTED: written by a newer format; AS_ECORRUPT: not ours or damaged. */
as_err store_open(struct store **ret_st, const struct store_opts *opts, struct as_errmsg *em) AS_MUST_CHECK;
void store_close(struct store *st);

/* ---- the only write --------------------------------------------------------------------------------------------*/

enum store_op_type {
	STORE_BLOCK = 1,   /* append a block to a log */
	STORE_FOLD,	   /* fold what a log holds unfolded */
	STORE_RECEIPT,	   /* keep a receipt; acked never goes back */
	STORE_KEYS,	   /* key changes, consecutive after `keys` of the log */
	STORE_CUT,	   /* fork: move everything of a log after `size` aside, refold what it touched */
	STORE_ASIDE,	   /* keep a refused block or fork evidence, bounded */
	STORE_END,	   /* the key of a log ends at `size` */
	STORE_META,	   /* a small named value */
};

/* A key change with the ring's own (opaque, wrapped) form of the key. */
struct store_key {
	uint64_t number;
	uint8_t op; /* enum key_op */
	uint8_t subject[16];
	struct bytes wrapped; /* PUT: up to 128 bytes */
};

struct store_op {
	enum store_op_type type;
	struct log_id log;
	union {
		struct {
			struct block_meta meta;	      /* first = expected size of the log */
			struct bytes block;	      /* as on the wire */
			const struct bytes *events;   /* meta.count, opened */
			const uint8_t (*leaves)[32];
			bool fold;		      /* apply to cases and cells now */
			bool has_parent;	      /* first == 0: from LOG_OPENED */
			struct log_id parent;
			struct log_head parent_head;
		} block;
		struct {
			struct log_head head;
			uint8_t receipt[76];
		} receipt;
		struct {
			const struct store_key *keys;
			size_t n;
		} keys;
		struct {
			uint64_t size;
		} cut, end;
		struct {
			uint64_t first;
			uint8_t reason; /* enum refuse_reason */
			struct bytes block;
		} aside;
		struct {
			const char *name;
			struct bytes value;
		} meta;
	};
};

/* AS_ECONFLICT: fence or an expected head does not match; nothing written. AS_EFULL: nothing written. AS_EIO: fatal. */
as_err store_commit(struct store *st, uint64_t fence, const struct store_op *ops, size_t n,
		    struct as_errmsg *em) AS_MUST_CHECK;

/* Takes the store over: all commits with an older fence fail from now on. Written durably. */
as_err store_take_fence(struct store *st, uint64_t *ret_fence) AS_MUST_CHECK;

/* ---- reads -----------------------------------------------------------------------------------------------------*/

typedef as_err (*store_log_fn)(void *arg, const struct log_row *row);
as_err store_each_log(struct store *st, store_log_fn fn, void *arg) AS_MUST_CHECK; /* in log_id order */
as_err store_log(struct store *st, const struct log_id *log, struct log_row *ret_row) AS_MUST_CHECK;
bool store_block_at(struct store *st, const struct log_id *log, uint64_t index, struct block_meta *ret_meta);
as_err store_block_read(struct store *st, const struct log_id *log, uint64_t first, struct buf *ret_block) AS_MUST_CHECK;
/* The frontier after `size` events, recomputed from stored leaves or kept at block ends. */
as_err store_frontier(struct store *st, const struct log_id *log, uint64_t size, void *ret_frontier) AS_MUST_CHECK;

as_err store_case(struct store *st, const char branch[BRANCH_CODE_MAX], const uint8_t id[16],
		  struct case_rec *ret_rec) AS_MUST_CHECK;
/* The place of an event of this branch (STORE_BRANCH only); its bytes through store_block_read and the opener. */
as_err store_event_place(struct store *st, const uint8_t event_id[16], struct log_id *ret_log,
			 uint64_t *ret_index) AS_MUST_CHECK;

typedef as_err (*store_pair_fn)(void *arg, struct bytes key, struct bytes value);
as_err store_each_cell(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg) AS_MUST_CHECK;
as_err store_each_case(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg) AS_MUST_CHECK;
as_err store_each_aside(struct store *st, store_pair_fn fn, void *arg) AS_MUST_CHECK;
/* Flagged events: key = log, index; value = kind (BE16), status. */
as_err store_each_flagged(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg) AS_MUST_CHECK;

/* Key changes of a log after `after`, at most cap, as the ring now answers them: a put whose key is gone is VOID. */
as_err store_keys(struct store *st, const struct log_id *log, uint64_t after, struct store_key *keys, size_t cap,
		  struct buf *memory, size_t *ret_n) AS_MUST_CHECK;
as_err store_ring_get(struct store *st, const uint8_t subject[16], uint8_t *ret_op, struct buf *ret_wrapped) AS_MUST_CHECK;

as_err store_meta(struct store *st, const char *name, struct buf *ret_value) AS_MUST_CHECK;

/* ---- checks ----------------------------------------------------------------------------------------------------*/

/* Recomputes cases, cells and flagged from the logs and compares with the kept ones: AS_ECORRUPT names the first
 * difference in em. rebuild replaces them, in one transaction. */
as_err store_check(struct store *st, struct as_errmsg *em) AS_MUST_CHECK;
as_err store_rebuild(struct store *st, struct as_errmsg *em) AS_MUST_CHECK;

#endif
