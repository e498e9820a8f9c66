#include "tests/lib/kv_count.h"

#include <stdlib.h>

struct count_txn {
	struct kv_txn base;
	struct kv_txn *inner;
};

static struct kv_count *count_of(struct kv *kv)
{
	return (struct kv_count *)(void *)kv;
}

static struct kv_txn *inner_of(struct kv_txn *txn)
{
	return ((struct count_txn *)(void *)txn)->inner;
}

static as_err took(struct kv_txn *txn, unsigned table, as_err err)
{
	if (err == AS_OK)
		count_of(txn->kv)->rows[table]++;
	return err;
}

static void count_close(struct kv *take_kv)
{
	(void)take_kv;
}

static as_err count_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	struct count_txn *t = calloc(1, sizeof *t);
	as_err err;

	if (t == NULL)
		return AS_ENOMEM;
	t->base.kv = kv;
	if ((err = kv_begin(count_of(kv)->inner, mode, &t->inner))) {
		free(t);
		return err;
	}
	*ret_txn = &t->base;
	return AS_OK;
}

static as_err count_commit(struct kv_txn *take_txn)
{
	struct kv_txn *inner = inner_of(take_txn);

	free(take_txn);
	return kv_commit(&inner);
}

static void count_abort(struct kv_txn *take_txn)
{
	struct kv_txn *inner = inner_of(take_txn);

	free(take_txn);
	kv_txn_done(&inner);
}

static void count_reserve(struct kv_txn *txn)
{
	kv_write_reserve(inner_of(txn));
}

static as_err count_get(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_value)
{
	return took(txn, table, kv_get(inner_of(txn), table, key, ret_value));
}

static as_err count_put(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes value)
{
	return kv_put(inner_of(txn), table, key, value);
}

static as_err count_del(struct kv_txn *txn, unsigned table, struct bytes key)
{
	return kv_del(inner_of(txn), table, key);
}

static as_err count_seek(struct kv_txn *txn, unsigned table, struct bytes key, bool after,
			 struct bytes *ret_key, struct bytes *ret_value)
{
	return took(txn, table, kv_seek(inner_of(txn), table, key, after, ret_key, ret_value));
}

static as_err count_seek_before(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_key,
				struct bytes *ret_value)
{
	return took(txn, table, kv_seek_before(inner_of(txn), table, key, ret_key, ret_value));
}

static uint64_t count_bytes(struct kv *kv)
{
	struct kv *inner = count_of(kv)->inner;

	return inner->ops->bytes(inner);
}

static const struct kv_ops ops = {
    .close = count_close,
    .begin = count_begin,
    .commit = count_commit,
    .abort = count_abort,
    .reserve = count_reserve,
    .get = count_get,
    .put = count_put,
    .del = count_del,
    .seek = count_seek,
    .seek_before = count_seek_before,
    .bytes = count_bytes,
};

void kv_count_init(struct kv_count *c, struct kv *inner)
{
	*c = (struct kv_count){.base.ops = &ops, .inner = inner};
}

void kv_count_reset(struct kv_count *c)
{
	for (size_t i = 0; i < KV_TABLES; i++)
		c->rows[i] = 0;
}
