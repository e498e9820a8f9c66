#include "common/base/check.h"
#include "common/store/store_impl.h"

static as_err each_pair(struct store *st, enum store_table table, struct bytes prefix, store_pair_fn fn,
			void *arg)
{
	AS_AUTO(stx) struct stx x = {0};
	as_err err = store_begin(st, KV_READ, NULL, &x);

	return err ? err : row_each(&x, table, prefix, fn, arg);
}

as_err store_each_cell(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg)
{
	return each_pair(st, TABLE_CELL, prefix, fn, arg);
}

as_err store_each_case(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg)
{
	return each_pair(st, TABLE_CASE, prefix, fn, arg);
}

as_err store_each_flagged(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg)
{
	return each_pair(st, TABLE_FLAGGED, prefix, fn, arg);
}

struct count_walk {
	store_count_fn fn;
	void *arg;
};

static as_err take_count(void *arg, struct bytes key, struct bytes body)
{
	const struct count_walk *w = arg;

	if (key.n != BRANCH_CODE_MAX || body.n != 8)
		return AS_ECORRUPT;
	return w->fn(w->arg, (const char *)key.p, get_be64(body.p));
}

static as_err take_flagged(void *arg, struct bytes key, struct bytes body)
{
	const struct count_walk *w = arg;

	(void)body;
	return key.n == LOG_ID_BYTES + 8 ? w->fn(w->arg, (const char *)key.p + 1, 1) : AS_ECORRUPT;
}

as_err store_flag_counts(struct store *st, store_count_fn fn, void *arg)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_key_buf key = key_self(SELF_COUNTED);
	struct count_walk w = {.fn = fn, .arg = arg};
	struct bytes body;
	as_err err = store_begin(st, KV_READ, NULL, &x);

	if (err)
		return err;
	err = row_get(&x, TABLE_SELF, &key, &body);
	if (err == AS_ENOTFOUND) /* no daemon of this version had it open yet */
		return row_each(&x, TABLE_FLAGGED, bytes_of(NULL, 0), take_flagged, &w);
	return err ? err : row_each(&x, TABLE_FLAG_COUNT, bytes_of(NULL, 0), take_count, &w);
}

as_err store_each_aside(struct store *st, struct bytes prefix, store_pair_fn fn, void *arg)
{
	return each_pair(st, TABLE_ASIDE, prefix, fn, arg);
}

as_err store_receipt(struct store *st, const struct log_id *log, struct log_head *ret_head,
		     uint8_t ret_receipt[STORE_RECEIPT_BYTES])
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_key_buf key = key_log(log);
	struct bytes body;
	as_err err;

	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = row_get(&x, TABLE_RECEIPT, &key, &body)))
		return err;
	if (body.n != 40 + STORE_RECEIPT_BYTES)
		return AS_ECORRUPT;
	ret_head->size = get_be64(body.p);
	memcpy(ret_head->root, body.p + 8, sizeof ret_head->root);
	memcpy(ret_receipt, body.p + 40, STORE_RECEIPT_BYTES);
	return AS_OK;
}

as_err store_case(struct store *st, const struct case_key *key, uint32_t more, struct arena *a,
		  struct case_rec *ret_rec)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_key_buf k = key_case(key);
	struct bytes body;
	as_err err;

	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = row_get(&x, TABLE_CASE, &k, &body)))
		return err;
	return case_rec_decode(body, key, more, a, ret_rec);
}

as_err store_event_place(struct store *st, const uint8_t event_id[16], struct log_id *ret_log,
			 uint64_t *ret_index)
{
	AS_AUTO(stx) struct stx x = {0};
	struct bytes id = bytes_of(event_id, 16), key, value, body;
	struct log_id log;
	as_err err;

	as_assert(st->role == STORE_BRANCH);
	if ((err = store_begin(st, KV_READ, NULL, &x)) ||
	    (err = kv_seek(x.txn, TABLE_EVENT_ID, id, false, &key, &value)))
		return err;
	if (!key_has_prefix(key, id))
		return AS_ENOTFOUND;
	if ((err = row_open(&x, TABLE_EVENT_ID, key, value, &body)))
		return err;
	if (key.n != 16 + LOG_ID_BYTES + 8 || !log_id_get(key.p + 16, &log))
		return AS_ECORRUPT;
	*ret_log = log;
	*ret_index = get_be64(key.p + 16 + LOG_ID_BYTES);
	return AS_OK;
}

struct labels {
	char branch[BRANCH_CODE_MAX];
	size_t prefix_n, cap, n;
	struct case_key *keys;
};

static as_err label_row(void *arg, struct bytes key, struct bytes body)
{
	struct labels *l = arg;

	(void)body;
	if (key.n != l->prefix_n + 16)
		return AS_OK; /* another label, with a 0 in it */
	if (l->n < l->cap) {
		memcpy(l->keys[l->n].branch, l->branch, sizeof l->branch);
		memcpy(l->keys[l->n].id, key.p + l->prefix_n, 16);
	}
	l->n++;
	return AS_OK;
}

as_err store_label(struct store *st, struct bytes label, struct case_key *ret_keys, size_t cap, size_t *ret_n)
{
	AS_AUTO(stx) struct stx x = {0};
	struct labels l = {.cap = cap, .keys = ret_keys};
	struct store_key_buf prefix;
	as_err err;

	as_assert(st->role == STORE_BRANCH);
	memcpy(l.branch, st->branch, sizeof l.branch);
	*ret_n = 0;
	if (label.n == 0 || label.n > LABEL_BYTES_MAX)
		return AS_OK;
	prefix = key_label_prefix(label);
	l.prefix_n = prefix.n;
	if ((err = store_begin(st, KV_READ, NULL, &x)) ||
	    (err = row_each(&x, TABLE_LABEL, key_bytes(&prefix), label_row, &l)))
		return err;
	*ret_n = l.n;
	return AS_OK;
}

as_err store_ring_get(struct store *st, const uint8_t subject[16], uint8_t *ret_op, struct buf *ret_wrapped)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_key_buf key = key_copy(bytes_of(subject, 16));
	struct bytes body;
	as_err err;

	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = row_get(&x, TABLE_RING, &key, &body)))
		return err;
	if (body.n < 1)
		return AS_ECORRUPT;
	buf_reset(ret_wrapped);
	if ((err = buf_add(ret_wrapped, body.p + 1, body.n - 1)))
		return err;
	*ret_op = body.p[0];
	return AS_OK;
}

as_err store_meta(struct store *st, const char *name, struct buf *ret_value)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_key_buf key;
	struct bytes body;
	as_err err;

	as_assert(strlen(name) >= 1 && strlen(name) <= STORE_META_NAME_MAX);
	key = key_copy(bytes_of_str(name));
	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = row_get(&x, TABLE_META, &key, &body)))
		return err;
	buf_reset(ret_value);
	return buf_add(ret_value, body.p, body.n);
}
