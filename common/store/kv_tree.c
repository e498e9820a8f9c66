#include "common/store/kv_tree.h"

#include <stdlib.h>

#include "common/base/check.h"

#define SPARE_NODES_MAX 4096
#define DEPTH_MAX 64	 /* an AVL tree of 2^40 pairs is 58 deep */
#define PAIR_OVERHEAD 64 /* counted per pair, about what a page store needs */

static int key_cmp(const struct kv_tree_key *k, const struct kv_pair *p)
{
	int c = memcmp(k->b, p->b, k->n < p->key_n ? k->n : p->key_n);

	if (c)
		return c;
	return k->n < p->key_n ? -1 : k->n > p->key_n;
}

static void pair_unref(struct kv_pair *p)
{
	if (--p->refs == 0)
		free(p);
}

static uint64_t pair_bytes(const struct kv_pair *p)
{
	return p->key_n + p->value_n + PAIR_OVERHEAD;
}

static struct kv_node *node_ref(struct kv_node *n)
{
	if (n)
		n->refs++;
	return n;
}

static void node_unref(struct kv_nodes *m, struct kv_node *n)
{
	while (n && --n->refs == 0) {
		struct kv_node *right = n->right;
		node_unref(m, n->left);
		pair_unref(n->pair);
		if (m->n < SPARE_NODES_MAX) {
			n->left = m->first;
			m->first = n;
			m->n++;
		} else {
			free(n);
		}
		n = right;
	}
}

/* So that no edit of the tree can fail half-way: a path and two rotations at each level. */
static as_err nodes_reserve(struct kv_nodes *m, const struct kv_node *root)
{
	size_t want = root ? 3 * (size_t)root->height + 4 : 4;

	while (m->n < want) {
		struct kv_node *n = malloc(sizeof *n);
		if (n == NULL)
			return AS_ENOMEM;
		n->left = m->first;
		m->first = n;
		m->n++;
	}
	return AS_OK;
}

static struct kv_node *node_take(struct kv_nodes *m)
{
	struct kv_node *n = m->first;

	as_assert(n != NULL);
	m->first = n->left;
	m->n--;
	return n;
}

/* The node itself when nobody else holds it, else a copy; takes the caller's reference. */
static struct kv_node *node_own(struct kv_nodes *m, struct kv_node *n)
{
	struct kv_node *copy;

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

static int height(const struct kv_node *n)
{
	return n ? n->height : 0;
}

static void measure(struct kv_node *n)
{
	int l = height(n->left), r = height(n->right);

	n->height = 1 + (l > r ? l : r);
}

static struct kv_node *rotate_right(struct kv_nodes *m, struct kv_node *n)
{
	struct kv_node *l = node_own(m, n->left);

	n->left = l->right;
	l->right = n;
	measure(n);
	measure(l);
	return l;
}

static struct kv_node *rotate_left(struct kv_nodes *m, struct kv_node *n)
{
	struct kv_node *r = node_own(m, n->right);

	n->right = r->left;
	r->left = n;
	measure(n);
	measure(r);
	return r;
}

/* n is owned, its subtrees differ by at most 2. */
static struct kv_node *balance(struct kv_nodes *m, struct kv_node *n)
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

static struct kv_node *node_put(struct kv_nodes *m, struct kv_node *n, const struct kv_tree_key *k,
				struct kv_pair *take_pair)
{
	int c;

	if (n == NULL) {
		n = node_take(m);
		*n = (struct kv_node){.refs = 1, .height = 1, .pair = take_pair};
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
static struct kv_node *node_take_first(struct kv_nodes *m, struct kv_node *n, struct kv_pair **ret_pair)
{
	n = node_own(m, n);
	if (n->left == NULL) {
		struct kv_node *right = node_ref(n->right);
		*ret_pair = n->pair;
		n->pair->refs++;
		node_unref(m, n);
		return right;
	}
	n->left = node_take_first(m, n->left, ret_pair);
	return balance(m, n);
}

/* The key is in the tree. */
static struct kv_node *node_del(struct kv_nodes *m, struct kv_node *n, const struct kv_tree_key *k)
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
		struct kv_node *child = node_ref(n->left ? n->left : n->right);
		node_unref(m, n);
		return child;
	}
	return balance(m, n);
}

const struct kv_pair *kv_tree_find(const struct kv_tree *t, const struct kv_tree_key *k)
{
	const struct kv_node *n = t->root;

	while (n) {
		int c = key_cmp(k, n->pair);
		if (c == 0)
			return n->pair;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

as_err kv_tree_put(struct kv_nodes *m, struct kv_tree *t, const struct kv_tree_key *k, struct bytes value)
{
	const struct kv_pair *old = kv_tree_find(t, k);
	uint64_t bytes = t->bytes - (old ? pair_bytes(old) : 0);
	struct kv_pair *p;

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

struct kv_tree kv_tree_ref(const struct kv_tree *t)
{
	node_ref(t->root);
	return *t;
}

void kv_tree_replace(struct kv_nodes *m, struct kv_tree *to, struct kv_tree take_tree)
{
	node_unref(m, to->root);
	*to = take_tree;
}

as_err kv_tree_del(struct kv_nodes *m, struct kv_tree *t, const struct kv_tree_key *k)
{
	const struct kv_pair *p = kv_tree_find(t, k);

	if (p == NULL)
		return AS_ENOTFOUND;
	if (nodes_reserve(m, t->root))
		return AS_ENOMEM;
	t->bytes -= pair_bytes(p);
	t->root = node_del(m, t->root, k);
	return AS_OK;
}

const struct kv_pair *kv_tree_after(const struct kv_tree *t, const struct kv_tree_key *k, bool after)
{
	const struct kv_pair *best = NULL;

	for (const struct kv_node *n = t->root; n;) {
		int c = key_cmp(k, n->pair);
		if (c < 0 || (c == 0 && !after)) {
			best = n->pair;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

const struct kv_pair *kv_tree_before(const struct kv_tree *t, const struct kv_tree_key *k)
{
	const struct kv_pair *best = NULL;

	for (const struct kv_node *n = t->root; n;) {
		if (key_cmp(k, n->pair) > 0) {
			best = n->pair;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return best;
}

void kv_tree_drop(struct kv_nodes *m, struct kv_tree *t)
{
	node_unref(m, t->root);
	*t = (struct kv_tree){0};
}

void kv_nodes_done(struct kv_nodes *m)
{
	while (m->first) {
		struct kv_node *n = m->first;
		m->first = n->left;
		free(n);
	}
	m->n = 0;
}
