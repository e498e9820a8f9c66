#include "common/store/kv_mem.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/store/kv_tree.h"

struct mem_txn {
	struct kv_txn base;
	enum kv_mode mode;
	bool dead; /* the store crashed under it */
	struct kv_tree tree;
	struct mem_txn *next;
};

struct kv_mem {
	struct kv base;
	struct kv_tree committed;
	struct kv_tree synced;
	bool hold;
	bool broken; /* after AS_EIO of a commit, until kv_mem_crash */
	enum kv_mem_fault fault;
	uint64_t bytes_max;
	uint64_t fail_in; /* calls until one fails; 0 = none */
	struct mem_txn *open;
	struct kv_nodes spare;
};

static struct kv_mem *mem_of(struct kv *kv)
{
	return (struct kv_mem *)(void *)kv;
}

static struct mem_txn *mem_txn_of(struct kv_txn *txn)
{
	return (struct mem_txn *)(void *)txn;
}

static as_err key_make(unsigned table, struct bytes key, struct kv_tree_key *ret)
{
	if (table >= KV_TABLES || key.n > KV_KEY_MAX)
		return AS_EINVAL;
	ret->b[0] = (uint8_t)table;
	if (key.n)
		memcpy(ret->b + 1, key.p, key.n);
	ret->n = 1 + key.n;
	return AS_OK;
}

/* ---- transactions -------------------------------------------------------------------------------------*/

/* Every fallible call passes here once. */
static as_err gate(struct kv_mem *m)
{
	if (m->broken)
		return AS_EIO;
	if (m->fail_in && --m->fail_in == 0)
		return AS_EIO;
	return AS_OK;
}

static as_err txn_gate(struct mem_txn *t)
{
	return t->dead ? AS_EIO : gate(mem_of(t->base.kv));
}

static void txn_end(struct mem_txn *t)
{
	struct kv_mem *m = mem_of(t->base.kv);
	struct mem_txn **at = &m->open;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	kv_tree_drop(&m->spare, &t->tree);
	free(t);
}

static as_err mem_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	struct kv_mem *m = mem_of(kv);
	struct mem_txn *t;
	as_err err = gate(m);

	if (err)
		return err;
	if (mode == KV_WRITE)
		for (t = m->open; t; t = t->next)
			as_assert(t->mode != KV_WRITE || t->dead);
	t = malloc(sizeof *t);
	if (t == NULL)
		return AS_ENOMEM;
	*t = (struct mem_txn){
	    .base = {.kv = kv}, .mode = mode, .tree = kv_tree_ref(&m->committed), .next = m->open};
	m->open = t;
	*ret_txn = &t->base;
	return AS_OK;
}

static void commit_apply(struct kv_mem *m, struct mem_txn *t)
{
	kv_tree_replace(&m->spare, &m->committed, kv_tree_ref(&t->tree));
	if (!m->hold)
		kv_mem_sync(&m->base);
}

static as_err mem_commit(struct kv_txn *take_txn)
{
	struct mem_txn *t = mem_txn_of(take_txn);
	struct kv_mem *m = mem_of(take_txn->kv);
	bool dead = t->dead;
	as_err err = txn_gate(t);

	if (t->mode == KV_READ) {
		txn_end(t);
		return err;
	}
	if (err == AS_OK) {
		enum kv_mem_fault fault = m->fault;
		m->fault = KV_MEM_NO_FAULT;
		if (fault == KV_MEM_COMMIT_FULL)
			err = AS_EFULL;
		else if (fault == KV_MEM_COMMIT_LOST)
			err = AS_EIO;
		else
			commit_apply(m, t);
		if (fault == KV_MEM_COMMIT_DOUBTED) {
			kv_mem_sync(&m->base);
			err = AS_EIO;
		}
	}
	if (err == AS_EIO && !dead)
		m->broken = true;
	txn_end(t);
	return err;
}

static void mem_abort(struct kv_txn *take_txn)
{
	txn_end(mem_txn_of(take_txn));
}

static void mem_close(struct kv *take_kv)
{
	struct kv_mem *m = mem_of(take_kv);

	as_assert(m->open == NULL);
	kv_tree_drop(&m->spare, &m->committed);
	kv_tree_drop(&m->spare, &m->synced);
	kv_nodes_done(&m->spare);
	free(m);
}

/* ---- reads and writes ---------------------------------------------------------------------------------*/

static struct bytes value_of(const struct kv_pair *p)
{
	return bytes_of(p->b + p->key_n, p->value_n);
}

static as_err mem_get(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_value)
{
	struct mem_txn *t = mem_txn_of(txn);
	const struct kv_pair *p;
	struct kv_tree_key k;
	as_err err;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	p = kv_tree_find(&t->tree, &k);
	if (p == NULL)
		return AS_ENOTFOUND;
	*ret_value = value_of(p);
	return AS_OK;
}

static as_err mem_put(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes value)
{
	struct mem_txn *t = mem_txn_of(txn);
	struct kv_mem *m = mem_of(txn->kv);
	struct kv_tree_key k;
	as_err err;

	as_assert(t->mode == KV_WRITE);
	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	if (key.n == 0)
		return AS_EINVAL;
	if (value.n > KV_VALUE_MAX)
		return AS_ETOOBIG;
	if ((err = kv_tree_put(&m->spare, &t->tree, &k, value)))
		return err;
	return m->bytes_max && t->tree.bytes > m->bytes_max ? AS_EFULL : AS_OK;
}

static as_err mem_del(struct kv_txn *txn, unsigned table, struct bytes key)
{
	struct mem_txn *t = mem_txn_of(txn);
	struct kv_mem *m = mem_of(txn->kv);
	struct kv_tree_key k;
	as_err err;

	as_assert(t->mode == KV_WRITE);
	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	return kv_tree_del(&m->spare, &t->tree, &k);
}

static as_err answer(const struct kv_pair *p, unsigned table, struct bytes *ret_key, struct bytes *ret_value)
{
	if (p == NULL || p->b[0] != table)
		return AS_ENOTFOUND;
	*ret_key = bytes_of(p->b + 1, p->key_n - 1);
	*ret_value = value_of(p);
	return AS_OK;
}

static as_err mem_seek(struct kv_txn *txn, unsigned table, struct bytes key, bool after,
		       struct bytes *ret_key, struct bytes *ret_value)
{
	struct mem_txn *t = mem_txn_of(txn);
	struct kv_tree_key k;
	as_err err;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	return answer(kv_tree_after(&t->tree, &k, after), table, ret_key, ret_value);
}

static as_err mem_seek_before(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_key,
			      struct bytes *ret_value)
{
	struct mem_txn *t = mem_txn_of(txn);
	struct kv_tree_key k;
	as_err err;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	if (key.n == 0)
		k.b[0]++; /* before the first key of the next table */
	return answer(kv_tree_before(&t->tree, &k), table, ret_key, ret_value);
}

static uint64_t mem_bytes(struct kv *kv)
{
	return mem_of(kv)->committed.bytes;
}

static const struct kv_ops mem_ops = {
    .close = mem_close,
    .begin = mem_begin,
    .commit = mem_commit,
    .abort = mem_abort,
    .get = mem_get,
    .put = mem_put,
    .del = mem_del,
    .seek = mem_seek,
    .seek_before = mem_seek_before,
    .bytes = mem_bytes,
};

/* ---- on command ---------------------------------------------------------------------------------------*/

as_err kv_mem_new(struct kv **ret_kv)
{
	struct kv_mem *m = calloc(1, sizeof *m);

	if (m == NULL)
		return AS_ENOMEM;
	m->base.ops = &mem_ops;
	*ret_kv = &m->base;
	return AS_OK;
}

as_err kv_mem_snapshot(struct kv *kv, struct kv **ret_copy)
{
	struct kv_mem *m = mem_of(kv), *copy;
	as_err err = kv_mem_new(ret_copy);

	if (err)
		return err;
	copy = mem_of(*ret_copy);
	copy->committed = kv_tree_ref(&m->committed);
	copy->synced = kv_tree_ref(&m->committed);
	return AS_OK;
}

void kv_mem_fault(struct kv *kv, enum kv_mem_fault fault)
{
	mem_of(kv)->fault = fault;
}

void kv_mem_hold_sync(struct kv *kv, bool on)
{
	mem_of(kv)->hold = on;
	if (!on)
		kv_mem_sync(kv);
}

void kv_mem_sync(struct kv *kv)
{
	struct kv_mem *m = mem_of(kv);

	kv_tree_replace(&m->spare, &m->synced, kv_tree_ref(&m->committed));
}

void kv_mem_crash(struct kv *kv)
{
	struct kv_mem *m = mem_of(kv);

	for (struct mem_txn *t = m->open; t; t = t->next)
		t->dead = true;
	kv_tree_replace(&m->spare, &m->committed, kv_tree_ref(&m->synced));
	m->broken = false;
}

void kv_mem_limit(struct kv *kv, uint64_t bytes_max)
{
	mem_of(kv)->bytes_max = bytes_max;
}

void kv_mem_fail_nth(struct kv *kv, uint64_t n)
{
	mem_of(kv)->fail_in = n;
}

bool kv_mem_fail_pending(const struct kv *kv)
{
	return ((const struct kv_mem *)(const void *)kv)->fail_in != 0;
}

static as_err flip(struct kv_mem *m, struct kv_tree *t, const struct kv_tree_key *k, uint64_t bit)
{
	const struct kv_pair *p = kv_tree_find(t, k);
	uint8_t *copy;
	as_err err;

	if (p == NULL || p->value_n == 0)
		return AS_ENOTFOUND;
	copy = malloc(p->value_n);
	if (copy == NULL)
		return AS_ENOMEM;
	memcpy(copy, p->b + p->key_n, p->value_n);
	bit %= p->value_n * 8;
	copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	err = kv_tree_put(&m->spare, t, k, bytes_of(copy, p->value_n));
	free(copy);
	return err;
}

as_err kv_mem_flip(struct kv *kv, unsigned table, struct bytes key, uint64_t bit)
{
	struct kv_mem *m = mem_of(kv);
	bool same = m->synced.root == m->committed.root;
	struct kv_tree_key k;
	as_err err;

	if ((err = key_make(table, key, &k)) || (err = flip(m, &m->committed, &k, bit)))
		return err;
	if (same) {
		kv_mem_sync(kv);
		return AS_OK;
	}
	err = flip(m, &m->synced, &k, bit);
	return err == AS_ENOTFOUND ? AS_OK : err;
}
