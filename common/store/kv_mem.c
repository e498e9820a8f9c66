#include "common/store/kv_mem.h"

#include <stdlib.h>

#include "common/base/check.h"

/*
 * An AVL tree whose nodes are never changed while anybody else can see them: a node with one reference,
 * reached over nodes with one reference, is the transaction's own and is edited in place; any other is copied
 * first. Pairs are separate, so that copying a path copies no values.
 */

#define FREE_NODES_MAX 4096
#define DEPTH_MAX 64	 /* an AVL tree of 2^40 pairs is 58 deep */
#define PAIR_OVERHEAD 64 /* counted per pair, about what a page store needs */

struct pair {
	uint32_t refs;
	uint32_t key_n; /* with the table number as first byte */
	size_t value_n;
	uint8_t b[]; /* key, value */
};

struct node {
	uint32_t refs;
	int height;
	struct pair *pair;
	struct node *left, *right;
};

struct tree {
	struct node *root;
	uint64_t bytes;
};

struct mem_txn {
	struct kv_txn base;
	enum kv_mode mode;
	bool dead; /* the store crashed under it */
	struct tree tree;
	struct mem_txn *next;
};

struct kv_mem {
	struct kv base;
	struct tree committed;
	struct tree synced;
	bool hold;
	bool broken; /* after AS_EIO of a commit, until kv_mem_crash */
	enum kv_mem_fault fault;
	uint64_t bytes_max;
	uint64_t fail_in; /* calls until one fails; 0 = none */
	struct mem_txn *open;
	struct node *spare;
	size_t spare_n;
};

struct key {
	uint8_t b[1 + KV_KEY_MAX];
	size_t n;
};

static struct kv_mem *mem_of(struct kv *kv)
{
	return (struct kv_mem *)(void *)kv;
}

static struct mem_txn *mem_txn_of(struct kv_txn *txn)
{
	return (struct mem_txn *)(void *)txn;
}

static as_err key_make(unsigned table, struct bytes key, struct key *ret)
{
	if (table >= KV_TABLES || key.n > KV_KEY_MAX)
		return AS_EINVAL;
	ret->b[0] = (uint8_t)table;
	if (key.n)
		memcpy(ret->b + 1, key.p, key.n);
	ret->n = 1 + key.n;
	return AS_OK;
}

static int key_cmp(const struct key *k, const struct pair *p)
{
	int c = memcmp(k->b, p->b, k->n < p->key_n ? k->n : p->key_n);

	if (c)
		return c;
	return k->n < p->key_n ? -1 : k->n > p->key_n;
}

static void pair_unref(struct pair *p)
{
	if (--p->refs == 0)
		free(p);
}

static uint64_t pair_bytes(const struct pair *p)
{
	return p->key_n + p->value_n + PAIR_OVERHEAD;
}

/* ---- nodes
 * -----------------------------------------------------------------------------------------------------*/

static struct node *node_ref(struct node *n)
{
	if (n)
		n->refs++;
	return n;
}

static void node_unref(struct kv_mem *m, struct node *n)
{
	while (n && --n->refs == 0) {
		struct node *right = n->right;
		node_unref(m, n->left);
		pair_unref(n->pair);
		if (m->spare_n < FREE_NODES_MAX) {
			n->left = m->spare;
			m->spare = n;
			m->spare_n++;
		} else {
			free(n);
		}
		n = right;
	}
}

/* So that no edit of the tree can fail half-way: a path and two rotations at each level. */
static as_err nodes_reserve(struct kv_mem *m, const struct node *root)
{
	size_t want = root ? 3 * (size_t)root->height + 4 : 4;

	while (m->spare_n < want) {
		struct node *n = malloc(sizeof *n);
		if (n == NULL)
			return AS_ENOMEM;
		n->left = m->spare;
		m->spare = n;
		m->spare_n++;
	}
	return AS_OK;
}

static struct node *node_take(struct kv_mem *m)
{
	struct node *n = m->spare;

	as_assert(n != NULL);
	m->spare = n->left;
	m->spare_n--;
	return n;
}

/* The node itself when nobody else holds it, else a copy; takes the caller's reference. */
static struct node *node_own(struct kv_mem *m, struct node *n)
{
	struct node *copy;

	if (n->refs == 1)
		return n;
	copy = node_take(m);
	*copy = *n;
	copy->refs = 1;
	copy->pair->refs++;
	node_ref(copy->left);
	node_ref(copy->right);
	n->refs--;
	return copy;
}

static int height(const struct node *n)
{
	return n ? n->height : 0;
}

static void measure(struct node *n)
{
	int l = height(n->left), r = height(n->right);

	n->height = 1 + (l > r ? l : r);
}

static struct node *rotate_right(struct kv_mem *m, struct node *n)
{
	struct node *l = node_own(m, n->left);

	n->left = l->right;
	l->right = n;
	measure(n);
	measure(l);
	return l;
}

static struct node *rotate_left(struct kv_mem *m, struct node *n)
{
	struct node *r = node_own(m, n->right);

	n->right = r->left;
	r->left = n;
	measure(n);
	measure(r);
	return r;
}

/* n is owned, its subtrees differ by at most 2. */
static struct node *balance(struct kv_mem *m, struct node *n)
{
	int d = height(n->left) - height(n->right);

	if (d > 1) {
		if (height(n->left->left) < height(n->left->right))
			n->left = rotate_left(m, node_own(m, n->left));
		return rotate_right(m, n);
	}
	if (d < -1) {
		if (height(n->right->right) < height(n->right->left))
			n->right = rotate_right(m, node_own(m, n->right));
		return rotate_left(m, n);
	}
	measure(n);
	return n;
}

static struct node *node_put(struct kv_mem *m, struct node *n, const struct key *k, struct pair *take_pair)
{
	int c;

	if (n == NULL) {
		n = node_take(m);
		*n = (struct node){.refs = 1, .height = 1, .pair = take_pair};
		return n;
	}
	n = node_own(m, n);
	c = key_cmp(k, n->pair);
	if (c == 0) {
		pair_unref(n->pair);
		n->pair = take_pair;
		return n;
	}
	if (c < 0)
		n->left = node_put(m, n->left, k, take_pair);
	else
		n->right = node_put(m, n->right, k, take_pair);
	return balance(m, n);
}

/* Takes the first pair out; *ret_pair gets its reference. */
static struct node *node_take_first(struct kv_mem *m, struct node *n, struct pair **ret_pair)
{
	n = node_own(m, n);
	if (n->left == NULL) {
		struct node *right = node_ref(n->right);
		*ret_pair = n->pair;
		n->pair->refs++;
		node_unref(m, n);
		return right;
	}
	n->left = node_take_first(m, n->left, ret_pair);
	return balance(m, n);
}

/* The key is in the tree. */
static struct node *node_del(struct kv_mem *m, struct node *n, const struct key *k)
{
	int c;

	n = node_own(m, n);
	c = key_cmp(k, n->pair);
	if (c < 0) {
		n->left = node_del(m, n->left, k);
	} else if (c > 0) {
		n->right = node_del(m, n->right, k);
	} else if (n->left && n->right) {
		pair_unref(n->pair);
		n->right = node_take_first(m, n->right, &n->pair);
	} else {
		struct node *child = node_ref(n->left ? n->left : n->right);
		node_unref(m, n);
		return child;
	}
	return balance(m, n);
}

static const struct pair *tree_find(const struct tree *t, const struct key *k)
{
	const struct node *n = t->root;

	while (n) {
		int c = key_cmp(k, n->pair);
		if (c == 0)
			return n->pair;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static as_err tree_put(struct kv_mem *m, struct tree *t, const struct key *k, struct bytes value)
{
	const struct pair *old = tree_find(t, k);
	uint64_t bytes = t->bytes - (old ? pair_bytes(old) : 0);
	struct pair *p;

	if (old && old->value_n == value.n &&
	    (value.n == 0 || memcmp(old->b + old->key_n, value.p, value.n) == 0))
		return AS_OK;
	if (nodes_reserve(m, t->root))
		return AS_ENOMEM;
	p = malloc(sizeof *p + k->n + value.n);
	if (p == NULL)
		return AS_ENOMEM;
	p->refs = 1;
	p->key_n = (uint32_t)k->n;
	p->value_n = value.n;
	memcpy(p->b, k->b, k->n);
	if (value.n)
		memcpy(p->b + k->n, value.p, value.n);
	bytes += pair_bytes(p);
	t->root = node_put(m, t->root, k, p);
	t->bytes = bytes;
	as_assert(t->root->height < DEPTH_MAX);
	return AS_OK;
}

static struct tree tree_ref(const struct tree *t)
{
	node_ref(t->root);
	return *t;
}

static void tree_replace(struct kv_mem *m, struct tree *to, struct tree take_tree)
{
	node_unref(m, to->root);
	*to = take_tree;
}

/* ---- transactions
 * ----------------------------------------------------------------------------------------------*/

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
	node_unref(m, t->tree.root);
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
	    .base = {.kv = kv}, .mode = mode, .tree = tree_ref(&m->committed), .next = m->open};
	m->open = t;
	*ret_txn = &t->base;
	return AS_OK;
}

static void commit_apply(struct kv_mem *m, struct mem_txn *t)
{
	tree_replace(m, &m->committed, tree_ref(&t->tree));
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
	node_unref(m, m->committed.root);
	node_unref(m, m->synced.root);
	while (m->spare) {
		struct node *n = m->spare;
		m->spare = n->left;
		free(n);
	}
	free(m);
}

/* ---- reads and writes
 * ------------------------------------------------------------------------------------------*/

static struct bytes value_of(const struct pair *p)
{
	return bytes_of(p->b + p->key_n, p->value_n);
}

static as_err mem_get(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_value)
{
	struct mem_txn *t = mem_txn_of(txn);
	const struct pair *p;
	struct key k;
	as_err err;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	p = tree_find(&t->tree, &k);
	if (p == NULL)
		return AS_ENOTFOUND;
	*ret_value = value_of(p);
	return AS_OK;
}

static as_err mem_put(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes value)
{
	struct mem_txn *t = mem_txn_of(txn);
	struct kv_mem *m = mem_of(txn->kv);
	struct key k;
	as_err err;

	as_assert(t->mode == KV_WRITE);
	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	if (key.n == 0)
		return AS_EINVAL;
	if (value.n > KV_VALUE_MAX)
		return AS_ETOOBIG;
	if ((err = tree_put(m, &t->tree, &k, value)))
		return err;
	return m->bytes_max && t->tree.bytes > m->bytes_max ? AS_EFULL : AS_OK;
}

static as_err mem_del(struct kv_txn *txn, unsigned table, struct bytes key)
{
	struct mem_txn *t = mem_txn_of(txn);
	struct kv_mem *m = mem_of(txn->kv);
	const struct pair *p;
	struct key k;
	as_err err;

	as_assert(t->mode == KV_WRITE);
	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	p = tree_find(&t->tree, &k);
	if (p == NULL)
		return AS_ENOTFOUND;
	if (nodes_reserve(m, t->tree.root))
		return AS_ENOMEM;
	t->tree.bytes -= pair_bytes(p);
	t->tree.root = node_del(m, t->tree.root, &k);
	return AS_OK;
}

static as_err answer(const struct pair *p, unsigned table, struct bytes *ret_key, struct bytes *ret_value)
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
	const struct pair *best = NULL;
	struct key k;
	as_err err;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	for (const struct node *n = t->tree.root; n;) {
		int c = key_cmp(&k, n->pair);
		if (c < 0 || (c == 0 && !after)) {
			best = n->pair;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return answer(best, table, ret_key, ret_value);
}

static as_err mem_seek_before(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_key,
			      struct bytes *ret_value)
{
	struct mem_txn *t = mem_txn_of(txn);
	const struct pair *best = NULL;
	struct key k;
	as_err err;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	if (key.n == 0)
		k.b[0]++; /* before the first key of the next table */
	for (const struct node *n = t->tree.root; n;) {
		if (key_cmp(&k, n->pair) > 0) {
			best = n->pair;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return answer(best, table, ret_key, ret_value);
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

/* ---- on command
 * ------------------------------------------------------------------------------------------------*/

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
	copy->committed = tree_ref(&m->committed);
	copy->synced = tree_ref(&m->committed);
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

	tree_replace(m, &m->synced, tree_ref(&m->committed));
}

void kv_mem_crash(struct kv *kv)
{
	struct kv_mem *m = mem_of(kv);

	for (struct mem_txn *t = m->open; t; t = t->next)
		t->dead = true;
	tree_replace(m, &m->committed, tree_ref(&m->synced));
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

static as_err flip(struct kv_mem *m, struct tree *t, const struct key *k, uint64_t bit)
{
	const struct pair *p = tree_find(t, k);
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
	err = tree_put(m, t, k, bytes_of(copy, p->value_n));
	free(copy);
	return err;
}

as_err kv_mem_flip(struct kv *kv, unsigned table, struct bytes key, uint64_t bit)
{
	struct kv_mem *m = mem_of(kv);
	bool same = m->synced.root == m->committed.root;
	struct key k;
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
