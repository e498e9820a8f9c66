/* store_commit: a batch of operations as one transaction. */
#include <stdlib.h>

#include "common/base/check.h"
#include "common/store/store_impl.h"

/* ---- the logs that the batch touches ------------------------------------------------------------------*/

static as_err slot_take(struct store *st, struct log_state **ret_s)
{
	if (st->logs_n == st->logs_made) {
		if (st->logs_made == st->logs_cap) {
			size_t cap = st->logs_cap ? 2 * st->logs_cap : 8;
			struct log_state **p = realloc(st->logs, cap * sizeof *p);
			if (p == NULL)
				return AS_ENOMEM;
			st->logs = p;
			st->logs_cap = cap;
		}
		st->logs[st->logs_made] = malloc(sizeof **st->logs);
		if (st->logs[st->logs_made] == NULL)
			return AS_ENOMEM;
		st->logs_made++;
	}
	*ret_s = st->logs[st->logs_n];
	return AS_OK;
}

as_err batch_log(struct store *st, const struct stx *x, const struct log_id *log, bool make,
		 struct log_state **ret_s)
{
	struct log_state *s;
	as_err err;

	for (size_t i = st->logs_n; i > 0; i--)
		if (log_id_equal(&st->logs[i - 1]->row.id, log)) {
			*ret_s = st->logs[i - 1];
			return AS_OK;
		}
	if ((err = slot_take(st, &s)))
		return err;
	err = log_state_get(x, log, s);
	if (err == AS_ENOTFOUND && make) {
		uint8_t raw[LOG_ID_BYTES];
		struct log_id same;
		log_id_put(log, raw);
		if (!log_id_get(raw, &same))
			return AS_EINVAL;
		log_state_init(s, log);
		err = AS_OK;
	}
	if (err)
		return err;
	st->logs_n++;
	*ret_s = s;
	return AS_OK;
}

static bool heads_equal(const struct log_head *a, const struct log_head *b)
{
	return a->size == b->size && memcmp(a->root, b->root, sizeof a->root) == 0;
}

/* ---- blocks -------------------------------------------------------------------------------------------*/

/* Folds stored blocks from `folded` on, whole ones, until `upto` or events_max (0: no limit). */
static as_err fold_stored(struct store *st, const struct stx *x, struct log_state *s, uint64_t upto,
			  uint64_t events_max)
{
	uint64_t from = s->row.folded;
	as_err err;

	while (s->row.folded < upto && (events_max == 0 || s->row.folded - from < events_max)) {
		const uint8_t(*leaves)[32];
		const struct bytes *events;
		struct block_meta meta;
		struct bytes block;
		err = block_find(x, &s->row.id, s->row.folded, &meta, &block);
		if (err == AS_ENOTFOUND || (err == AS_OK && meta.first != s->row.folded)) {
			struct store_key_buf key = key_log_at(&s->row.id, s->row.folded);
			return row_damaged(x, TABLE_BLOCK, key_bytes(&key));
		}
		if (err || (err = store_open_block(st, x, &s->row.id, &meta, block, &events, &leaves)))
			return err;
		for (uint32_t i = 0; i < meta.count; i++)
			if ((err = fold_event(st->fold, x, &s->row.id, meta.first + i, events[i], leaves[i])))
				return err;
		s->row.folded += meta.count;
		if (fold_is_large(st->fold) && !fold_needs_rebuild(st->fold) &&
		    (err = fold_flush(st->fold, x)))
			return err;
	}
	return AS_OK;
}

/* The frontier and row after the block, or why it does not belong there. */
static as_err block_judge(const struct stx *x, const struct store_op *op, const struct log_state *s)
{
	const struct block_meta *meta = &op->block.meta;
	char log[64];

	key_log_text(&op->log, log);
	if (meta->count == 0 || meta->count > BLOCK_EVENTS_MAX || meta->bytes != op->block.block.n ||
	    meta->bytes == 0 || meta->bytes > BLOCK_BYTES_MAX)
		return AS_EINVAL;
	if (meta->first != s->row.head.size) {
		as_errmsg_set(x->em, "%s: block at %llu, the log holds %llu", log,
			      (unsigned long long)meta->first, (unsigned long long)s->row.head.size);
		return AS_ECONFLICT;
	}
	if (s->row.end != LOG_NO_END && meta->first + meta->count > s->row.end) {
		as_errmsg_set(x->em, "%s: block at %llu, the key of the log ended at %llu", log,
			      (unsigned long long)meta->first, (unsigned long long)s->row.end);
		return AS_EREFUSED;
	}
	if (op->block.has_parent && (meta->first != 0 || op->block.parent.cls != op->log.cls ||
				     log_id_equal(&op->block.parent, &op->log)))
		return AS_EINVAL;
	return AS_OK;
}

static as_err frontier_keep(const struct stx *x, const struct log_state *s)
{
	struct store_key_buf key = key_log_at(&s->row.id, s->frontier.size);
	uint8_t body[TREE_FRONTIER_BYTES];

	return row_put(x, TABLE_FRONTIER, &key, bytes_of(body, tree_frontier_put(&s->frontier, body)));
}

static as_err op_block(struct store *st, const struct stx *x, const struct store_op *op)
{
	const struct block_meta *meta = &op->block.meta;
	struct log_state *s;
	as_err err;

	if ((err = batch_log(st, x, &op->log, true, &s)) || (err = block_judge(x, op, s)))
		return err;
	for (uint32_t i = 0; i < meta->count; i++)
		tree_push(&s->frontier, op->block.leaves[i]);
	tree_head(&s->frontier, &s->row.head);
	if (memcmp(s->row.head.root, meta->root, sizeof meta->root) != 0)
		return AS_EINVAL;
	if ((err = block_put(x, &op->log, meta, op->block.block)))
		return err;
	if (meta->first / STORE_FRONTIER_EVERY != s->row.head.size / STORE_FRONTIER_EVERY &&
	    (err = frontier_keep(x, s)))
		return err;
	if (meta->keys_upto > s->row.keys_need)
		s->row.keys_need = meta->keys_upto;
	if (op->block.has_parent) {
		s->row.has_parent = true;
		s->row.parent = op->block.parent;
		s->row.parent_head = op->block.parent_head;
	}
	if (store_indexes(st, &op->log))
		for (uint32_t i = 0; i < meta->count; i++)
			if ((err = index_event(x, &op->log, meta->first + i, op->block.events[i], 1)))
				return err;
	if (log_is_hq(&op->log)) {
		s->row.folded = s->row.head.size; /* head office's events count where HQ_APPLIED holds them */
		return AS_OK;
	}
	if (!op->block.fold)
		return AS_OK;
	if ((err = fold_stored(st, x, s, meta->first, 0)))
		return err;
	for (uint32_t i = 0; i < meta->count; i++)
		if ((err = fold_event(st->fold, x, &op->log, meta->first + i, op->block.events[i],
				      op->block.leaves[i])))
			return err;
	s->row.folded = s->row.head.size;
	return AS_OK;
}

static as_err op_fold(struct store *st, const struct stx *x, const struct store_op *op)
{
	struct log_state *s;
	as_err err = batch_log(st, x, &op->log, false, &s);

	if (err)
		return err == AS_ENOTFOUND ? AS_ECONFLICT : err;
	return fold_stored(st, x, s, s->row.head.size, op->fold.events_max);
}

/* ---- the smaller ones ---------------------------------------------------------------------------------*/

static as_err op_receipt(struct store *st, const struct stx *x, const struct store_op *op)
{
	const struct log_head *head = &op->receipt.head;
	struct store_key_buf key = key_log(&op->log);
	uint8_t body[40 + STORE_RECEIPT_BYTES];
	struct block_meta meta;
	struct log_state *s;
	as_err err = batch_log(st, x, &op->log, false, &s);

	if (err)
		return err == AS_ENOTFOUND ? AS_ECONFLICT : err;
	if (head->size == 0 || head->size > s->row.head.size)
		return AS_ECONFLICT;
	if (!heads_equal(head, &s->row.head)) /* at the head also when its block cannot be read */
		err = block_find(x, &op->log, head->size - 1, &meta, NULL);
	if (err == AS_OK && !heads_equal(head, &s->row.head) &&
	    (meta.first + meta.count != head->size ||
	     memcmp(meta.root, head->root, sizeof head->root) != 0)) {
		as_errmsg_set(x->em, "a receipt for size %llu is not of this log",
			      (unsigned long long)head->size);
		return AS_ECONFLICT;
	}
	if (err || head->size <= s->row.acked.size)
		return err;
	s->row.acked = *head;
	put_be64(body, head->size);
	memcpy(body + 8, head->root, sizeof head->root);
	memcpy(body + 40, op->receipt.receipt, STORE_RECEIPT_BYTES);
	return row_put(x, TABLE_RECEIPT, &key, bytes_of(body, sizeof body));
}

static as_err op_end(struct store *st, const struct stx *x, const struct store_op *op)
{
	struct log_state *s;
	as_err err = batch_log(st, x, &op->log, true, &s);

	if (err)
		return err;
	s->row.end = op->end.size;
	return AS_OK;
}

static as_err op_meta(const struct stx *x, const struct store_op *op)
{
	size_t n = strlen(op->meta.name);
	struct store_key_buf key;

	if (n == 0 || n > STORE_META_NAME_MAX || op->meta.value.n > STORE_META_MAX)
		return AS_EINVAL;
	key = key_copy(bytes_of(op->meta.name, n));
	return op->meta.value.n ? row_put(x, TABLE_META, &key, op->meta.value) : row_del(x, TABLE_META, &key);
}

static as_err op_expect(struct store *st, const struct stx *x, const struct store_op *op)
{
	struct log_state unknown, *s = &unknown;
	as_err err = batch_log(st, x, &op->log, false, &s);

	if (err == AS_ENOTFOUND)
		log_state_init(&unknown, &op->log);
	else if (err)
		return err;
	if (heads_equal(&s->row.head, &op->expect.head))
		return AS_OK;
	as_errmsg_set(x->em, "the log holds %llu, expected %llu", (unsigned long long)s->row.head.size,
		      (unsigned long long)op->expect.head.size);
	return AS_ECONFLICT;
}

static as_err perform(struct store *st, const struct stx *x, const struct store_op *op)
{
	switch (op->type) {
	case STORE_BLOCK:
		return op_block(st, x, op);
	case STORE_FOLD:
		return op_fold(st, x, op);
	case STORE_RECEIPT:
		return op_receipt(st, x, op);
	case STORE_KEYS:
		return op_keys(st, x, op);
	case STORE_CUT:
		return op_cut(st, x, op);
	case STORE_ASIDE:
		return op_aside(st, x, op);
	case STORE_REPAIR:
		return op_repair(st, x, op);
	case STORE_END:
		return op_end(st, x, op);
	case STORE_META:
		return op_meta(x, op);
	case STORE_EXPECT:
		return op_expect(st, x, op);
	}
	return AS_EINVAL;
}

/* Nothing but what a full store must still take: no block, and no fold, which writes whole cases. */
static bool is_small(const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].type == STORE_BLOCK || ops[i].type == STORE_ASIDE || ops[i].type == STORE_FOLD)
			return false;
	return true;
}

/* ---- the batch ----------------------------------------------------------------------------------------*/

static as_err logs_write(struct store *st, const struct stx *x)
{
	as_err err = AS_OK;

	for (size_t i = 0; i < st->logs_n && err == AS_OK; i++)
		err = log_state_put(x, st->logs[i]);
	return err;
}

static as_err refold(struct store *st, const struct stx *x)
{
	as_err err = AS_OK;

	fold_reset(st->fold);
	for (size_t i = 0; i < fold_tables_n && err == AS_OK; i++)
		err = row_clear(x, fold_tables[i]);
	return err ? err : fold_all(st, x, st->fold, x);
}

static as_err batch(struct store *st, uint64_t fence, const struct store_op *ops, size_t n,
		    struct as_errmsg *em)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_self self;
	as_err err;

	if ((err = store_begin(st, KV_WRITE, em, &x)))
		return err;
	if (is_small(ops, n))
		kv_write_reserve(x.txn);
	if ((err = self_get(&x, &self)))
		return err;
	if (self.fence != fence) {
		as_errmsg_set(em, "another writer took the store over (fence %llu, ours %llu)",
			      (unsigned long long)self.fence, (unsigned long long)fence);
		return AS_ECONFLICT;
	}
	for (size_t i = 0; i < n; i++)
		if ((err = perform(st, &x, &ops[i])))
			return err;
	if ((err = logs_write(st, &x)))
		return err;
	err = fold_needs_rebuild(st->fold) ? refold(st, &x) : fold_flush(st->fold, &x);
	if (err)
		return err;
	return kv_commit(&x.txn);
}

as_err store_commit(struct store *st, uint64_t fence, const struct store_op *ops, size_t n,
		    struct as_errmsg *em)
{
	as_err err;

	if (st->stale) {
		as_errmsg_set(em, "cases and cells were folded by another ledger version: rebuild first");
		return AS_EUNSUPPORTED;
	}
	fold_reset(st->fold);
	st->logs_n = 0;
	err = batch(st, fence, ops, n, em);
	fold_reset(st->fold);
	st->logs_n = 0;
	return err;
}
