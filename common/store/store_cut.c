#include "common/base/check.h"
#include "common/store/store_impl.h"

/*
 * Blocks beside the logs. What was refused is evidence and bounded: when the bounds are reached the oldest
 * stays and what comes is counted. What a fork cut off a node's own log is never dropped.
 */

#define PREFIX_EACH (1 + BRANCH_CODE_MAX) /* of a log id: class and branch */
#define STAT_BYTES 32

/* ---- counters -----------------------------------------------------------------------------------------*/

static as_err stat_get(const struct stx *x, struct store_aside_stat *ret)
{
	struct store_key_buf key = key_self(SELF_ASIDE);
	struct bytes body;
	as_err err = row_get(x, TABLE_SELF, &key, &body);

	*ret = (struct store_aside_stat){0};
	if (err)
		return err == AS_ENOTFOUND ? AS_OK : err;
	if (body.n != STAT_BYTES)
		return row_damaged(x, TABLE_SELF, key_bytes(&key));
	*ret = (struct store_aside_stat){.count = get_be64(body.p),
					 .bytes = get_be64(body.p + 8),
					 .cut = get_be64(body.p + 16),
					 .dropped = get_be64(body.p + 24)};
	return AS_OK;
}

static as_err stat_put(const struct stx *x, const struct store_aside_stat *s)
{
	struct store_key_buf key = key_self(SELF_ASIDE);
	uint8_t b[STAT_BYTES];

	put_be64(b, s->count);
	put_be64(b + 8, s->bytes);
	put_be64(b + 16, s->cut);
	put_be64(b + 24, s->dropped);
	return row_put(x, TABLE_SELF, &key, bytes_of(b, sizeof b));
}

as_err store_aside_stat(struct store *st, struct store_aside_stat *ret_stat)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_aside_stat s;
	as_err err;

	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = stat_get(&x, &s)))
		return err;
	*ret_stat = s;
	return AS_OK;
}

/* ---- refused blocks -----------------------------------------------------------------------------------*/

/* Refused blocks of one branch and class; counting keys, not reading blocks. */
static as_err each_is_full(const struct stx *x, const struct store_key_buf *of, bool *ret_full)
{
	struct bytes prefix = bytes_of(of->b, PREFIX_EACH), key = prefix, value;
	unsigned n = 0;
	bool after = false;
	as_err err;

	while (n < ASIDE_BLOCKS_EACH_MAX) {
		err = kv_seek(x->txn, TABLE_ASIDE, key, after, &key, &value);
		if (err && err != AS_ENOTFOUND)
			return err;
		if (err || !key_has_prefix(key, prefix))
			break;
		n += value.n > 0 && value.p[0] != STORE_ASIDE_CUT;
		after = true;
	}
	*ret_full = n >= ASIDE_BLOCKS_EACH_MAX;
	return AS_OK;
}

/* Keeps it unless the same block is there already. */
static as_err aside_put(struct store *st, const struct stx *x, const struct log_id *log, uint64_t first,
			uint8_t reason, struct bytes block, struct store_aside_stat *stat)
{
	uint8_t check[ROW_CHECK];
	struct store_key_buf key;
	struct bytes old;
	bool full;
	as_err err;

	block_check(block, check);
	key = key_aside(log, first, check);
	err = kv_get(x->txn, TABLE_ASIDE, key_bytes(&key), &old);
	if (err != AS_ENOTFOUND)
		return err;
	if (reason == STORE_ASIDE_CUT) {
		stat->cut++;
	} else {
		if ((err = each_is_full(x, &key, &full)))
			return err;
		if (full || stat->count >= ASIDE_BLOCKS_MAX || block.n > ASIDE_BYTES_MAX - stat->bytes) {
			stat->dropped++;
			return AS_OK;
		}
		stat->count++;
		stat->bytes += block.n;
	}
	buf_reset(&st->block);
	if ((err = buf_add(&st->block, &reason, 1)) || (err = buf_add(&st->block, block.p, block.n)))
		return err;
	return row_put(x, TABLE_ASIDE, &key, buf_bytes(&st->block));
}

/* Is it the block that stood there, as far as the row still tells? */
static bool is_stored_one(struct bytes value, const struct block_meta *meta, struct bytes block)
{
	uint8_t check[ROW_CHECK];

	if (meta->mended) /* its block is whole */
		return bytes_equal(block, bytes_of(value.p + BLOCK_ROW_HEAD, value.n - BLOCK_ROW_HEAD));
	block_check(block, check);
	return block.n == meta->bytes && memcmp(check, value.p + 48, sizeof check) == 0;
}

/*
 * The row keeps a check of the block: only the same bytes can take its place. When that is lost as well, one
 * of the same place, which the caller has verified against the logs around it.
 */
as_err op_repair(struct store *st, const struct stx *x, const struct store_op *op)
{
	struct store_key_buf key = key_log_at(&op->log, op->aside.first);
	struct block_meta meta, place;
	struct bytes value;
	as_err err;
	bool same;

	(void)st;
	if ((err = kv_get(x->txn, TABLE_BLOCK, key_bytes(&key), &value)))
		return err;
	err = block_row_open(x, key_bytes(&key), value, &meta, NULL);
	if (err == AS_OK)
		same = is_stored_one(value, &meta, op->aside.block);
	else if (err == AS_ECORRUPT && (err = block_place(x, &op->log, op->aside.first, &place)) == AS_OK)
		same = block_meta_of(key_bytes(&key), op->aside.block, &meta) && meta.first == place.first &&
		       meta.count == place.count;
	if (err)
		return err;
	if (!same) {
		as_errmsg_set(x->em, "the block at %llu is not the one that was stored",
			      (unsigned long long)op->aside.first);
		return AS_ECONFLICT;
	}
	return block_put(x, &op->log, &meta, op->aside.block);
}

as_err op_aside(struct store *st, const struct stx *x, const struct store_op *op)
{
	struct store_aside_stat stat;
	as_err err;

	if (op->aside.reason == STORE_ASIDE_CUT || op->aside.block.n > MESSAGE_BYTES_MAX)
		return AS_EINVAL;
	if ((err = stat_get(x, &stat)) ||
	    (err = aside_put(st, x, &op->log, op->aside.first, op->aside.reason, op->aside.block, &stat)))
		return err;
	return stat_put(x, &stat);
}

/* ---- cut ----------------------------------------------------------------------------------------------*/

/* Takes one block out of cases, ids, labels and the log, and lays it aside. */
static as_err block_cut(struct store *st, const struct stx *x, const struct log_state *s, uint64_t size,
			const struct block_meta *meta, struct bytes block, struct store_aside_stat *stat)
{
	const struct log_id *log = &s->row.id;
	struct store_key_buf key = key_log_at(log, meta->first);
	const uint8_t(*leaves)[32];
	const struct bytes *events;
	as_err err;

	if ((err = store_open_block(st, x, log, meta, block, &events, &leaves)) ||
	    (err = aside_put(st, x, log, meta->first, STORE_ASIDE_CUT, block, stat)))
		return err;
	for (uint32_t i = 0; i < meta->count; i++) {
		uint64_t index = meta->first + i;
		if (index < s->row.folded && !log_is_hq(log) &&
		    (err = fold_cut_event(st->fold, x, log, index, events[i], size)))
			return err;
		if (store_indexes(st, log) && (err = index_event(x, log, index, events[i], -1)))
			return err;
	}
	return kv_del(x->txn, TABLE_BLOCK, key_bytes(&key));
}

static as_err rotten_cut(struct store *st, const struct stx *x, const struct log_id *log, const struct block_meta *meta,
			 struct store_aside_stat *stat)
{
	struct store_key_buf key = key_log_at(log, meta->first);
	struct bytes value;
	as_err err;

	if ((err = kv_get(x->txn, TABLE_BLOCK, key_bytes(&key), &value)))
		return err;
	if (value.n > BLOCK_ROW_HEAD &&
	    (err = aside_put(st, x, log, meta->first, STORE_ASIDE_CUT,
			     bytes_of(value.p + BLOCK_ROW_HEAD, value.n - BLOCK_ROW_HEAD), stat)))
		return err;
	return kv_del(x->txn, TABLE_BLOCK, key_bytes(&key));
}

static as_err frontiers_cut(const struct stx *x, const struct log_id *log, uint64_t size)
{
	struct store_key_buf prefix = key_log(log), at = key_log_at(log, size);
	struct bytes key, value;
	as_err err;

	for (;;) {
		err = kv_seek(x->txn, TABLE_FRONTIER, key_bytes(&at), true, &key, &value);
		if (err || !key_has_prefix(key, key_bytes(&prefix)))
			return err == AS_ENOTFOUND ? AS_OK : err;
		at = key_copy(key);
		if ((err = kv_del(x->txn, TABLE_FRONTIER, key_bytes(&at))))
			return err;
	}
}

as_err op_cut(struct store *st, const struct stx *x, const struct store_op *op)
{
	uint64_t size = op->cut.size, keys_need = 0;
	struct store_aside_stat stat;
	struct tree_frontier frontier;
	struct block_meta meta;
	struct log_state *s;
	struct bytes block;
	as_err err = batch_log(st, x, &op->log, false, &s);

	if (err)
		return err == AS_ENOTFOUND ? AS_ECONFLICT : err;
	if (size > s->row.head.size)
		return AS_ECONFLICT;
	if (size == s->row.head.size)
		return AS_OK;
	if (size > 0) {
		if ((err = block_find(x, &op->log, size - 1, &meta, NULL)))
			return err;
		if (meta.first + meta.count != size) {
			as_errmsg_set(x->em, "cut at %llu, which is no block end", (unsigned long long)size);
			return AS_EINVAL;
		}
		keys_need = meta.keys_upto;
	}
	if ((err = store_frontier_at(st, x, s, size, &frontier)) || (err = stat_get(x, &stat)))
		return err;
	for (uint64_t at = size; at < s->row.head.size; at = meta.first + meta.count) {
		if ((err = block_place(x, &op->log, at, &meta)))
			return err;
		err = meta.damaged ? AS_ECORRUPT : block_find(x, &op->log, at, &meta, &block);
		if (err == AS_OK)
			err = block_cut(st, x, s, size, &meta, block, &stat);
		if (err == AS_ECORRUPT) { /* it cannot be read: it goes aside as it is, and the rest is folded again */
			fold_want_rebuild(st->fold);
			err = rotten_cut(st, x, &op->log, &meta, &stat);
		}
		if (err)
			return err;
	}
	if ((err = frontiers_cut(x, &op->log, size)) || (err = stat_put(x, &stat)))
		return err;
	tree_frontier_copy(&s->frontier, &frontier);
	tree_head(&frontier, &s->row.head);
	s->row.keys_need = keys_need;
	if (s->row.folded > size)
		s->row.folded = size;
	if (size == 0) {
		s->row.has_parent = false;
		s->row.parent = (struct log_id){0};
		s->row.parent_head = (struct log_head){0};
	}
	return AS_OK;
}
