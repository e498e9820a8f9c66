/* A whole tree in memory, by the recursive definition of RFC 6962: the slow truth that others are held to. */
#ifndef AFTERSYNC_TESTS_LIB_MEMORY_TREE_H
#define AFTERSYNC_TESTS_LIB_MEMORY_TREE_H

#include "common/log/proof.h"

#define MEMORY_TREE_MAX 8192

struct memory_tree {
	uint64_t size;
	uint8_t leaves[MEMORY_TREE_MAX][TREE_HASH];
};

void memory_tree_add(struct memory_tree *t, struct bytes event);
void memory_tree_root(const struct memory_tree *t, uint64_t begin, uint64_t end, uint8_t ret_root[TREE_HASH]);

/* A proof_node_fn; arg is the tree. Aborts when asked for a subtree that is not complete. */
as_err memory_tree_node(void *arg, unsigned level, uint64_t index, uint8_t ret_hash[TREE_HASH]);

#endif
