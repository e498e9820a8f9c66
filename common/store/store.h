/*
 * What a node durably holds: logs, blocks, cases, cells, receipts, key ring. One module for both roles over
 * kv.h.
 *
 * Its only write is store_commit: a batch of operations in ONE transaction, which fails unless the fence and
 * every expected head match. Reads see the last commit. One writer thread; reads from any thread on their own
 * snapshot (over kv_mem: one thread for all); calls that open blocks (store_frontier, store_check,
 * store_rebuild) belong to the writer, as the opener does.
 *
 * Every row carries a check of its content: a damaged one is AS_ECORRUPT when it is read, named in em where
 * there is one. After AS_EIO of a commit the store is to be closed, the kv opened again, and what was unknown
 * asked of it.
 *
 * hq_store.h names the part of this that a PostgreSQL head office must offer instead.
 */
#ifndef AFTERSYNC_STORE_STORE_H
#define AFTERSYNC_STORE_STORE_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/ledger/ledger.h"
#include "common/log/log_row.h"
#include "common/log/tree.h"
#include "common/store/kv.h"
#include "common/wire/msg.h"

struct store;

/*
 * The events of a stored block, opened by the shell that has the keys; slices stay valid until the next call,
 * and the block is borrowed for the call only. Needed for deferred folding, cut, old frontiers, rebuild,
 * check. The leaves are those of the events; the store compares them with the tree.
 */
struct store_opener {
	void *ctx;
	as_err (*open)(void *ctx, const struct log_id *log, struct bytes block,
		       const struct bytes **ret_events, const uint8_t (**ret_leaves)[32], size_t *ret_n);
};

enum store_role { STORE_BRANCH = 1, STORE_HQ };

struct store_opts {
	enum store_role role;
	char branch[BRANCH_CODE_MAX]; /* STORE_BRANCH: its own code, zero padded */
	struct kv *kv;		      /* borrowed, outlives the store */
	struct store_opener opener;   /* its ctx outlives the store */
	const char *writer; /* program and version, kept with the store when it is made; NULL: none */
	/*
	 * STORE_KEY_BYTES, borrowed for store_open: cases and small values are sealed with it
	 * (docs/store.md). NULL: nothing is. The same at every opening; it cannot be changed.
	 */
	const uint8_t *store_key;
};

#define STORE_KEY_BYTES 32

/*
 * Makes the store when the kv is empty. em, one line for a person: what is wrong and what to do.
 * AS_EUNSUPPORTED: written by a newer format or ledger. AS_ECORRUPT: not ours or damaged, nothing was written.
 * AS_EFULL, AS_EREFUSED: there is none, and no space or right to make it. AS_EINVAL: the store of another role or branch. AS_EFORGED: sealed with another store
 * key than the one given, or none is given, or the store was made without one.
 */
as_err store_open(struct store **ret_st, const struct store_opts *opts, struct as_errmsg *em) AS_MUST_CHECK;
void store_close(struct store *take_st);

/* Cases and cells were folded by another ledger version: commits answer AS_EUNSUPPORTED until store_rebuild.
 */
bool store_is_stale(const struct store *st);

/* ---- the only write -----------------------------------------------------------------------------------*/

enum store_op_type {
	STORE_BLOCK = 1, /* append a block to a log */
	STORE_FOLD,	 /* fold what a log holds unfolded, in order, whole blocks */
	STORE_RECEIPT,	 /* keep a receipt; acked never goes back, a lower or equal one changes nothing */
	STORE_KEYS, /* key changes, consecutive after `keys` of the log (LIVE, HQ_BRANCH); ring rules below */
	STORE_CUT,  /* fork: move everything of a log after `size` aside, refold what it touched */
	STORE_ASIDE,  /* keep a refused block or fork evidence, bounded (limits.h); the same is kept once */
	STORE_REPAIR, /* the block in `aside` replaces a stored one that rotted: the very same bytes */
	STORE_END,    /* the key of a log ends at `size`: no block goes beyond. May be set again */
	STORE_META,   /* a small named value; an empty one deletes */
	STORE_EXPECT, /* nothing but the condition: the log's head is this one */
};

/*
 * A key change with the ring's own (opaque, wrapped) form of the key.
 *
 * The ring is a set by subject: the first put of a subject stays, a tombstone wins over every put, whatever
 * the order, for ever. A put under a tombstone counts as held: the number advances. A void only advances the
 * number.
 */
struct store_key {
	uint64_t number;
	uint8_t op; /* enum key_op */
	uint8_t subject[16];
	struct bytes wrapped; /* KEY_PUT: 1 to STORE_WRAPPED_MAX bytes */
};

#define STORE_WRAPPED_MAX 128
#define STORE_META_NAME_MAX 32
#define STORE_META_MAX 65536
#define STORE_RECEIPT_BYTES 76

/* Reason of a block that STORE_CUT moved aside: the node's own tail, never dropped, outside the bounds. */
#define STORE_ASIDE_CUT 255

struct store_op {
	enum store_op_type type;
	struct log_id log; /* not for STORE_META */
	union {
		struct {
			struct block_meta meta;	    /* first = the log's size; root = after its last event */
			struct bytes block;	    /* as on the wire */
			const struct bytes *events; /* meta.count, opened */
			const uint8_t (*leaves)[32];
			bool fold; /* apply to cases and cells now, after what is still unfolded before it */
			bool has_parent; /* first == 0: from LOG_OPENED */
			struct log_id parent;
			struct log_head parent_head;
		} block;
		struct {
			uint64_t events_max; /* stop after the block that reaches it; 0: everything */
		} fold;
		struct {
			struct log_head head; /* at one of the log's block ends */
			uint8_t receipt[STORE_RECEIPT_BYTES];
		} receipt;
		struct {
			const struct store_key *keys;
			size_t n;
		} keys;
		struct {
			uint64_t size; /* cut: a block end of the log, or 0 */
		} cut, end;
		struct {
			uint64_t first;
			uint8_t reason; /* enum refuse_reason */
			struct bytes block;
		} aside;
		struct {
			const char *name; /* 1 to STORE_META_NAME_MAX bytes */
			struct bytes value;
		} meta;
		struct {
			struct log_head head;
		} expect;
	};
};

/*
 * Performs n operations in order, in one transaction.
 *
 * AS_OK: durable on return. On any error nothing is written (AS_EIO: it may be):
 * AS_ECONFLICT   fence, expected head, a block's first index, a key number, a receipt that is not of this
 * log: the caller looked at an older state (a block again, a gap). AS_EREFUSED    a block beyond the end of
 * its log's key. AS_EINVAL      the batch is not a possible one (limits; a root that its leaves do not give).
 * AS_EFULL       no space. A batch without blocks, blocks aside and folding may use the reserve of the kv.
 * AS_ECORRUPT    a row that had to be read is damaged; em names it.
 * AS_EIO         fatal.
 * Cost: one commit, and about 2 us an event (256 a commit, over kv_mem). Store thread only.
 */
as_err store_commit(struct store *st, uint64_t fence, const struct store_op *ops, size_t n,
		    struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Takes the store over: all commits with an older fence fail from now on. Written durably. Fences begin at 1. A store of
 * an older format gets its balance rows in the same transaction.
 */
as_err store_take_fence(struct store *st, uint64_t *ret_fence) AS_MUST_CHECK;

/* ---- reads: logs --------------------------------------------------------------------------------------*/

/* A log without any event is listed when keys or an end are known of it. */
typedef as_err (*store_log_fn)(void *arg, const struct log_row *row);
as_err store_each_log(struct store *st, store_log_fn fn, void *arg) AS_MUST_CHECK; /* in log_id order */
/* Those of one class. */
as_err store_each_log_of(struct store *st, uint8_t cls, store_log_fn fn, void *arg) AS_MUST_CHECK;
as_err store_log(struct store *st, const struct log_id *log, struct log_row *ret_row) AS_MUST_CHECK;

/* False when there is none. True with `damaged` when it cannot be read: then only its place is known. */
bool store_block_at(struct store *st, const struct log_id *log, uint64_t index, struct block_meta *ret_meta);

/* store_block_at for the sync cores. */
struct log_view store_log_view(struct store *st);

/* The block that holds the event `index`, appended to nothing: ret_block is replaced. */
as_err store_block_read(struct store *st, const struct log_id *log, uint64_t index,
			struct block_meta *ret_meta, struct buf *ret_block) AS_MUST_CHECK;

/* Blocks in order, from the one that holds `from`; block is borrowed. fn ends the walk with anything but
 * AS_OK. */
typedef as_err (*store_block_fn)(void *arg, const struct log_id *log, const struct block_meta *meta,
				 struct bytes block);
as_err store_each_block(struct store *st, const struct log_id *log, uint64_t from, store_block_fn fn,
			void *arg) AS_MUST_CHECK;

/* The frontier after `size` events: kept at the head, else recomputed from at most STORE_FRONTIER_EVERY
 * events and what their blocks hold beside. AS_ENOTFOUND: the log is shorter. */
as_err store_frontier(struct store *st, const struct log_id *log, uint64_t size,
		      struct tree_frontier *ret_frontier) AS_MUST_CHECK;

/* The highest receipt; AS_ENOTFOUND. */
as_err store_receipt(struct store *st, const struct log_id *log, struct log_head *ret_head,
		     uint8_t ret_receipt[STORE_RECEIPT_BYTES]) AS_MUST_CHECK;

/* ---- reads: cases and reports -------------------------------------------------------------------------*/

/* As case_rec_decode: entries come from the arena, with room for `more`. AS_ENOTFOUND. */
as_err store_case(struct store *st, const struct case_key *key, uint32_t more, struct arena *a,
		  struct case_rec *ret_rec) AS_MUST_CHECK;

/*
 * The first place, in order of logs, of an event of this branch, folded or not (STORE_BRANCH only); its bytes
 * through store_block_read and the opener. AS_ENOTFOUND.
 */
as_err store_event_place(struct store *st, const uint8_t event_id[16], struct log_id *ret_log,
			 uint64_t *ret_index) AS_MUST_CHECK;

/* The cases with this label, folded or not (STORE_BRANCH only): their number, the first cap of them in
 * ret_keys. */
as_err store_label(struct store *st, struct bytes label, struct case_key *ret_keys, size_t cap,
		   size_t *ret_n) AS_MUST_CHECK;

/* Pairs in the order of keys; fn ends the walk with anything but AS_OK. Values without their checks. */
typedef as_err (*store_pair_fn)(void *arg, struct bytes key, struct bytes value);

/* value: the table's value columns, signed 64 bit big-endian each. */
as_err store_each_cell(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg) AS_MUST_CHECK;
/*
 * What a report reads of one table of cells, in one snapshot: cells of `from` and later in their order (fn ends the walk
 * with anything but AS_OK), and before them, where `balance` is given, rows that add up to the balance of all days before
 * `from`, which is the first of a month then: at most one a year and eleven for the months of the last one, of each
 * branch (whole) or of each branch and its dimensions. A store that has no such rows yet gives all cells.
 */
struct store_span {
	uint8_t table;		/* enum cell_table */
	uint32_t from;		/* YYYYMMDD; 0: all */
	store_pair_fn cell;	/* as of store_each_cell */
	store_pair_fn balance;	/* key: balance_key_parse; value: balance_values of the table. NULL: none */
	bool whole;
};
as_err store_each_span(struct store *st, const struct store_span *s, void *arg) AS_MUST_CHECK;
/* key: branch, case id; value: case_rec_encode. */
as_err store_each_case(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg) AS_MUST_CHECK;
/* key: log, index; value: kind (BE16), enum entry_status (1 byte). */
as_err store_each_flagged(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg) AS_MUST_CHECK;
/* How many those are, by branch; a branch may come more than once. The cost does not grow with them. */
typedef as_err (*store_count_fn)(void *arg, const char branch[BRANCH_CODE_MAX], uint64_t n);
as_err store_flag_counts(struct store *st, store_count_fn fn, void *arg) AS_MUST_CHECK;
/* key: log, first index, check; value: reason (1 byte), block. */
as_err store_each_aside(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg) AS_MUST_CHECK;

struct store_aside_stat {
	uint64_t count, bytes; /* kept, within the bounds */
	uint64_t cut;	       /* blocks moved by STORE_CUT */
	uint64_t dropped;      /* came when the bounds were reached */
};
as_err store_aside_stat(struct store *st, struct store_aside_stat *ret_stat) AS_MUST_CHECK;

/* ---- reads: key ring and values -----------------------------------------------------------------------*/

/*
 * Key changes of a log after `after`, at most cap, as the ring now answers them: a put whose key is gone is
 * KEY_VOID. memory: replaced; keys[].wrapped point into it.
 */
as_err store_keys(struct store *st, const struct log_id *log, uint64_t after, struct store_key *keys,
		  size_t cap, struct buf *memory, size_t *ret_n) AS_MUST_CHECK;

/* KEY_PUT with the wrapped key, or KEY_TOMBSTONE; AS_ENOTFOUND. */
as_err store_ring_get(struct store *st, const uint8_t subject[16], uint8_t *ret_op,
		      struct buf *ret_wrapped) AS_MUST_CHECK;

as_err store_meta(struct store *st, const char *name, struct buf *ret_value) AS_MUST_CHECK;

/* ---- checks -------------------------------------------------------------------------------------------*/

/*
 * Reads every row, opens every block against its tree, recomputes cases, cells, balances, flagged events, ids
 * and labels from the logs and compares: AS_ECORRUPT names the first difference in em. Needs memory for the
 * recomputed tables.
 */
as_err store_check(struct store *st, struct as_errmsg *em) AS_MUST_CHECK;

/* Replaces cases, cells, balances, flagged events, ids and labels by what the logs give, in one transaction. */
as_err store_rebuild(struct store *st, struct as_errmsg *em) AS_MUST_CHECK;

#endif
