/*
 * Logs as their authors would write them, for the tests of the store: blocks are a plain list of events,
 * without seal and signature, which the store never looks at.
 */
#ifndef AFTERSYNC_TESTS_LIB_STORE_RIG_H
#define AFTERSYNC_TESTS_LIB_STORE_RIG_H

#include "common/store/keys.h"
#include "common/store/store.h"
#include "tests/lib/gen_orders.h"

#define RIG_BLOCKS_MAX 1100

struct rig_block {
	struct block_meta meta;
	uint8_t *bytes; /* per event: length (BE32), bytes */
	struct bytes *events;
	uint8_t (*leaves)[32];
};

struct rig_log {
	struct log_id id;
	bool has_parent;
	struct log_id parent;
	struct log_head parent_head;
	uint64_t keys_upto; /* of the blocks to come */
	struct tree_frontier frontier;
	size_t n;
	struct rig_block blocks[RIG_BLOCKS_MAX];
};

/* Begins with LOG_OPENED as its first block. parent: NULL, or the log whose prefix of parent_blocks it
 * continues. */
struct rig_log *rig_log_new(uint8_t cls, const char *branch, uint32_t number, const struct rig_log *parent,
			    size_t parent_blocks);
void rig_log_free(struct rig_log *take_log);

/* Appends a block of these events. */
void rig_append(struct rig_log *log, const struct bytes *events, size_t n);

/* Appends blocks of 1 to 6 generated events each until the log has events_n more. */
void rig_generate(struct rig_log *log, struct gen *g, struct rng *r, size_t events_n);

/* The head after the first `blocks` blocks. */
struct log_head rig_head(const struct rig_log *log, size_t blocks);

struct store_op rig_block_op(const struct rig_log *log, size_t block, bool fold);

/* A hand-made event; returns its length. case_id and label may be NULL. */
size_t rig_event(uint8_t *out, size_t cap, uint32_t kind, const uint8_t id[16], const uint8_t *case_id,
		 const char *label);

/* Opens rig blocks; memory is static. */
struct store_opener rig_opener(void);

/* ---- a store under test: these abort on failure -------------------------------------------------------*/

#define RIG_BRANCH "BJ01"

struct store *rig_open(struct kv *kv, enum store_role role);
struct store *rig_open_key(struct kv *kv, enum store_role role, const uint8_t *store_key);

/* One operation as one batch. */
as_err rig_commit(struct store *st, const struct store_op *op);

/* Blocks [from, to) of the log, each a batch. */
void rig_store(struct store *st, const struct rig_log *log, size_t from, size_t to, bool fold);

/* SHA-256 over all rows of the tables whose bit is set, checks included. */
#define RIG_ALL_TABLES (~0u)
#define RIG_FOLDED                                                                                           \
	(1u << TABLE_CASE | 1u << TABLE_CELL | 1u << TABLE_FLAGGED | 1u << TABLE_EVENT_ID | 1u << TABLE_LABEL |      \
	 1u << TABLE_FLAG_COUNT | 1u << TABLE_BALANCE)
#define RIG_LOGS (1u << TABLE_LOG | 1u << TABLE_BLOCK | 1u << TABLE_FRONTIER)

struct rig_digest {
	uint8_t b[32];
};
struct rig_digest rig_digest(struct kv *kv, unsigned tables);
bool rig_same(struct kv *a, struct kv *b, unsigned tables);

/* Rows of one table. */
size_t rig_rows(struct kv *kv, unsigned table);

#endif
