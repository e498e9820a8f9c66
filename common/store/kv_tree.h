/*
 * The ordered map of kv_mem: an AVL tree whose nodes are never changed while anybody else can see them. A
 * node with one reference, reached over nodes with one reference, is the holder's own and is edited in place;
 * any other is copied first. Pairs are separate, so that copying a path copies no values. A copy of a whole
 * tree is one reference.
 */
#ifndef AFTERSYNC_STORE_KV_TREE_H
#define AFTERSYNC_STORE_KV_TREE_H

#include "common/store/kv.h"

struct kv_pair {
	uint32_t refs;
	uint32_t key_n; /* with the table number as first byte */
	size_t value_n;
	uint8_t b[]; /* key, value */
};

struct kv_node {
	uint32_t refs;
	int height;
	struct kv_pair *pair;
	struct kv_node *left, *right;
};

/* Zeroed: empty. */
struct kv_tree {
	struct kv_node *root;
	uint64_t bytes; /* keys, values and a constant for each pair */
};

/* Spare nodes: an edit takes all that it may need before it begins, so that it cannot fail half-way. */
struct kv_nodes {
	struct kv_node *first; /* linked by left */
	size_t n;
};

struct kv_tree_key {
	uint8_t b[1 + KV_KEY_MAX]; /* table, key */
	size_t n;
};

void kv_nodes_done(struct kv_nodes *m);

/* Another reference to the same content. */
struct kv_tree kv_tree_ref(const struct kv_tree *t);
void kv_tree_replace(struct kv_nodes *m, struct kv_tree *to, struct kv_tree take_tree);
void kv_tree_drop(struct kv_nodes *m, struct kv_tree *t);

/* Pairs found stay until the tree is edited. NULL when there is none. */
const struct kv_pair *kv_tree_find(const struct kv_tree *t, const struct kv_tree_key *k);
/* The first with a key >= k (after: > k). */
const struct kv_pair *kv_tree_after(const struct kv_tree *t, const struct kv_tree_key *k, bool after);
/* The last with a key < k. */
const struct kv_pair *kv_tree_before(const struct kv_tree *t, const struct kv_tree_key *k);

/* AS_ENOMEM: unchanged. */
as_err kv_tree_put(struct kv_nodes *m, struct kv_tree *t, const struct kv_tree_key *k,
		   struct bytes value) AS_MUST_CHECK;
/* AS_ENOTFOUND, AS_ENOMEM: unchanged. */
as_err kv_tree_del(struct kv_nodes *m, struct kv_tree *t, const struct kv_tree_key *k) AS_MUST_CHECK;

#endif
