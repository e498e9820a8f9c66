/* Everything read again and compared with what the logs give: store_check, store_rebuild. */
#include <stdio.h>

#include "common/base/check.h"
#include "common/store/kv_mem.h"
#include "common/store/store_impl.h"

/* ---- folding everything again -------------------------------------------------------------------------*/

/* The next log after *key (in: as last returned, empty at first). */
static as_err next_log(const struct stx *x, struct store_key_buf *key, struct log_state *ret_s)
{
	struct bytes k, value;
	struct log_id id;
	as_err err = kv_seek(x->txn, TABLE_LOG, key_bytes(key), true, &k, &value);

	if (err)
		return err;
	if (k.n != LOG_ID_BYTES || !log_id_get(k.p, &id))
		return row_damaged(x, TABLE_LOG, k);
	*key = key_copy(k);
	return log_state_get(x, &id, ret_s);
}

static as_err fold_log(struct store *st, const struct stx *x, struct fold *f, const struct stx *to,
		       const struct log_state *s)
{
	const struct log_id *log = &s->row.id;
	const uint8_t(*leaves)[32];
	const struct bytes *events;
	struct block_meta meta;
	struct bytes block;
	as_err err;

	for (uint64_t at = 0; at < s->row.head.size; at = meta.first + meta.count) {
		err = block_find(x, log, at, &meta, &block);
		if (err == AS_ENOTFOUND) {
			struct store_key_buf key = key_log_at(log, at);
			return row_damaged(x, TABLE_BLOCK, key_bytes(&key));
		}
		if (err || (err = store_open_block(st, x, log, &meta, block, &events, &leaves)))
			return err;
		for (uint32_t i = 0; i < meta.count; i++) {
			uint64_t index = meta.first + i;
			if (store_indexes(st, log) && (err = index_event(to, log, index, events[i], 1)))
				return err;
			if (index < s->row.folded &&
			    (err = fold_event(f, to, log, index, events[i], leaves[i])))
				return err;
		}
		if (fold_is_large(f) && (err = fold_flush(f, to)))
			return err;
	}
	return AS_OK;
}

as_err fold_all(struct store *st, const struct stx *x, struct fold *f, const struct stx *to)
{
	struct store_key_buf key = {.n = 0};
	struct log_state s;
	as_err err;

	while ((err = next_log(x, &key, &s)) == AS_OK)
		if (!log_is_hq(&s.row.id) && (err = fold_log(st, x, f, to, &s)))
			return err;
	return err == AS_ENOTFOUND ? fold_flush(f, to) : err;
}

static as_err rebuild(struct store *st, struct as_errmsg *em)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_self self;
	as_err err;

	if ((err = store_begin(st, KV_WRITE, em, &x)))
		return err;
	kv_write_reserve(x.txn); /* puts what it deletes */
	if ((err = self_get(&x, &self)))
		return err;
	for (size_t i = 0; i < fold_tables_n; i++)
		if ((err = row_clear(&x, fold_tables[i])))
			return err;
	if ((err = fold_counts_make(st->fold, &x)))
		return err;
	self.ledger_version = LEDGER_VERSION;
	self.format = STORE_FORMAT;
	if ((err = fold_all(st, &x, st->fold, &x)) || (err = self_put(&x, &self)))
		return err;
	return kv_commit(&x.txn);
}

as_err store_rebuild(struct store *st, struct as_errmsg *em)
{
	as_err err;

	fold_reset(st->fold);
	err = rebuild(st, em);
	fold_reset(st->fold);
	if (err == AS_OK)
		st->stale = false;
	return err;
}

/* ---- what the rows say of themselves ------------------------------------------------------------------*/

static as_err row_is_sound(void *arg, struct bytes key, struct bytes body)
{
	(void)arg;
	(void)key;
	(void)body;
	return AS_OK;
}

static as_err check_rows(const struct stx *x)
{
	for (unsigned table = 0; table < TABLES; table++) {
		as_err err = AS_OK;
		if (table != TABLE_BLOCK) /* check_blocks */
			err = row_each(x, table, bytes_of(NULL, 0), row_is_sound, NULL);
		if (err)
			return err;
	}
	return AS_OK;
}

/* ---- logs against their blocks ------------------------------------------------------------------------*/

static as_err check_kept_frontier(const struct stx *x, const struct log_id *log,
				  const struct tree_frontier *f)
{
	struct store_key_buf key = key_log_at(log, f->size);
	uint8_t want[TREE_FRONTIER_BYTES];
	struct bytes body;
	as_err err = row_get(x, TABLE_FRONTIER, &key, &body);

	if (err)
		return err == AS_ENOTFOUND ? AS_OK : err;
	if (!bytes_equal(body, bytes_of(want, tree_frontier_put(f, want))))
		return row_damaged(x, TABLE_FRONTIER, key_bytes(&key));
	return AS_OK;
}

static as_err check_blocks(struct store *st, const struct stx *x, const struct log_state *s)
{
	const struct log_id *log = &s->row.id;
	struct store_key_buf log_key = key_log(log);
	struct tree_frontier f;
	uint64_t keys_need = 0;
	struct log_head head;
	as_err err;

	tree_frontier_init(&f);
	while (f.size < s->row.head.size) {
		struct store_key_buf key = key_log_at(log, f.size);
		const uint8_t(*leaves)[32];
		const struct bytes *events;
		uint8_t leaf[32];
		struct block_meta meta;
		struct bytes block;
		err = block_find(x, log, f.size, &meta, &block);
		if (err == AS_ENOTFOUND || (err == AS_OK && (meta.first != f.size || meta.mended)))
			return row_damaged(x, TABLE_BLOCK, key_bytes(&key));
		if (err || (err = store_open_block(st, x, log, &meta, block, &events, &leaves)))
			return err;
		for (uint32_t i = 0; i < meta.count; i++) {
			tree_leaf(events[i], leaf);
			tree_push(&f, leaf);
		}
		tree_head(&f, &head);
		if (memcmp(head.root, meta.root, sizeof head.root) != 0)
			return row_damaged(x, TABLE_BLOCK, key_bytes(&key));
		if ((err = check_kept_frontier(x, log, &f)))
			return err;
		keys_need = meta.keys_upto;
	}
	tree_head(&f, &head);
	if (f.size != s->row.head.size || memcmp(head.root, s->row.head.root, sizeof head.root) != 0 ||
	    keys_need != s->row.keys_need || s->row.folded > s->row.head.size)
		return row_damaged(x, TABLE_LOG, key_bytes(&log_key));
	return AS_OK;
}

/* Nothing of the table stands after `last` in this log. */
static as_err check_nothing_after(const struct stx *x, unsigned table, const struct log_id *log,
				  uint64_t last)
{
	struct store_key_buf prefix = key_log(log), at = key_log_at(log, last);
	struct bytes key, value;
	as_err err = kv_seek(x->txn, table, key_bytes(&at), true, &key, &value);

	if (err)
		return err == AS_ENOTFOUND ? AS_OK : err;
	return key_has_prefix(key, key_bytes(&prefix)) ? row_damaged(x, table, key) : AS_OK;
}

static as_err check_receipt(const struct stx *x, const struct log_state *s)
{
	struct store_key_buf key = key_log(&s->row.id);
	struct bytes body;
	as_err err = row_get(x, TABLE_RECEIPT, &key, &body);

	if (err == AS_ENOTFOUND && s->row.acked.size == 0)
		return AS_OK;
	if (err && err != AS_ENOTFOUND)
		return err;
	if (err || body.n != 40 + STORE_RECEIPT_BYTES || get_be64(body.p) != s->row.acked.size ||
	    memcmp(body.p + 8, s->row.acked.root, 32) != 0)
		return row_damaged(x, TABLE_RECEIPT, key_bytes(&key));
	return AS_OK;
}

static as_err check_keys(const struct stx *x, const struct log_state *s)
{
	struct bytes body;
	as_err err;

	for (uint64_t number = 1; number <= s->row.keys; number++) {
		struct store_key_buf key = key_log_at(&s->row.id, number);
		err = row_get(x, TABLE_KEYCHANGE, &key, &body);
		if (err == AS_ENOTFOUND)
			return row_damaged(x, TABLE_KEYCHANGE, key_bytes(&key));
		if (err)
			return err;
	}
	return check_nothing_after(x, TABLE_KEYCHANGE, &s->row.id, s->row.keys);
}

/* Every block belongs to a log that has a row. */
static as_err check_owners(const struct stx *x)
{
	struct store_key_buf at = {.n = 0};
	struct bytes key, value, body;
	struct log_id log;
	as_err err;

	while ((err = kv_seek(x->txn, TABLE_BLOCK, key_bytes(&at), true, &key, &value)) == AS_OK) {
		if (key.n != LOG_ID_BYTES + 8 || !log_id_get(key.p, &log))
			return row_damaged(x, TABLE_BLOCK, key);
		struct store_key_buf row = key_log(&log);
		at = key_log_at(&log, UINT64_MAX);
		if ((err = row_get(x, TABLE_LOG, &row, &body)))
			return err == AS_ENOTFOUND ? row_damaged(x, TABLE_BLOCK, key) : err;
	}
	return err == AS_ENOTFOUND ? AS_OK : err;
}

static as_err check_logs(struct store *st, const struct stx *x)
{
	struct store_key_buf key = {.n = 0};
	struct log_state s;
	as_err err;

	while ((err = next_log(x, &key, &s)) == AS_OK) {
		uint64_t size = s.row.head.size;
		if ((err = check_blocks(st, x, &s)) ||
		    (err = check_nothing_after(x, TABLE_BLOCK, &s.row.id, size ? size - 1 : 0)) ||
		    (err = check_nothing_after(x, TABLE_FRONTIER, &s.row.id, size)) ||
		    (err = check_receipt(x, &s)) || (err = check_keys(x, &s)))
			return err;
	}
	return err == AS_ENOTFOUND ? check_owners(x) : err;
}

/* ---- cases and cells against the logs -----------------------------------------------------------------*/

static as_err differs(const struct stx *x, unsigned table, struct bytes key, const char *how)
{
	char text[KEY_TEXT_MAX];

	key_text(table, key, text);
	as_errmsg_set(x->em, "%s: %s", text, how);
	return AS_ECORRUPT;
}

static int bytes_cmp(struct bytes a, struct bytes b)
{
	int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static as_err compare_table(const struct stx *kept, const struct stx *made, unsigned table)
{
	struct bytes kk = {0}, kv = {0}, mk = {0}, mv = {0};

	for (bool after = false;; after = true) {
		as_err ke = kv_seek(kept->txn, table, kk, after, &kk, &kv);
		as_err me = kv_seek(made->txn, table, mk, after, &mk, &mv);
		if (ke && ke != AS_ENOTFOUND)
			return ke;
		if (me && me != AS_ENOTFOUND)
			return me;
		if (ke && me)
			return AS_OK;
		if (ke || (!me && bytes_cmp(mk, kk) < 0))
			return differs(kept, table, mk, "is in the logs and not kept");
		if (me || bytes_cmp(kk, mk) < 0)
			return differs(kept, table, kk, "is kept and not in the logs");
		if ((ke = row_open(kept, table, kk, kv, &kv)) || (ke = row_open(made, table, mk, mv, &mv)))
			return ke;
		if (!bytes_equal(kv, mv)) /* not as stored: only one side may be sealed */
			return differs(kept, table, kk, "is not what the logs give");
	}
}

static void fold_done(struct fold **f)
{
	fold_free(*f);
}

static void kv_done(struct kv **kv)
{
	kv_close(*kv);
}

static as_err check_folds(struct store *st, const struct stx *x, const struct store_self *self)
{
	AS_AUTO(kv) struct kv *memory = NULL;
	AS_AUTO(buf) struct buf row = {0};
	AS_AUTO(fold) struct fold *f = NULL;
	AS_AUTO(stx) struct stx made = {0};
	struct store_key_buf counted = key_self(SELF_COUNTED);
	struct bytes body;
	as_err err;

	buf_init(&row, ROW_MAX);
	made = (struct stx){.row = &row, .em = x->em};
	if ((err = kv_mem_new(&memory)) || (err = fold_new(&f)) ||
	    (err = kv_begin(memory, KV_WRITE, &made.txn)) || (err = fold_all(st, x, f, &made)))
		return err;
	err = row_get(x, TABLE_SELF, &counted, &body);
	if (err && err != AS_ENOTFOUND)
		return err;
	/* else they are made when the store is opened for writing */
	bool counts = err == AS_OK, balances = self->format >= STORE_FORMAT_BALANCES;
	err = AS_OK;
	for (size_t i = 0; i < fold_tables_n && err == AS_OK; i++)
		if ((counts || fold_tables[i] != TABLE_FLAG_COUNT) && (balances || fold_tables[i] != TABLE_BALANCE))
			err = compare_table(x, &made, fold_tables[i]);
	return err;
}

as_err store_check(struct store *st, struct as_errmsg *em)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_self self;
	as_err err;

	if ((err = store_begin(st, KV_READ, em, &x)) || (err = self_get(&x, &self)) ||
	    (err = check_rows(&x)) || (err = check_logs(st, &x)))
		return err;
	return check_folds(st, &x, &self);
}
