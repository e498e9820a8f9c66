#include "tests/lib/memory_tree.h"

#include "common/base/check.h"

void memory_tree_add(struct memory_tree *t, struct bytes event)
{
	as_assert(t->size < MEMORY_TREE_MAX);
	tree_leaf(event, t->leaves[t->size++]);
}

void memory_tree_root(const struct memory_tree *t, uint64_t begin, uint64_t end, uint8_t ret_root[TREE_HASH])
{
	uint8_t left[TREE_HASH], right[TREE_HASH];
	uint64_t k = 1;

	if (begin == end) {
		tree_empty_root(ret_root);
	} else if (end - begin == 1) {
		memcpy(ret_root, t->leaves[begin], TREE_HASH);
	} else {
		while (2 * k < end - begin)
			k *= 2;
		memory_tree_root(t, begin, begin + k, left);
		memory_tree_root(t, begin + k, end, right);
		tree_node(left, right, ret_root);
	}
}

as_err memory_tree_node(void *arg, unsigned level, uint64_t index, uint8_t ret_hash[TREE_HASH])
{
	const struct memory_tree *t = arg;
	uint64_t begin = index << level, end = (index + 1) << level;

	as_assert(end <= t->size);
	memory_tree_root(t, begin, end, ret_hash);
	return AS_OK;
}
