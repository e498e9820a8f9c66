#include "common/log/proof.h"

#include "common/base/check.h"

/* Root of the leaves [begin, end), which are the right edge of a tree: folded from its complete subtrees. */
static as_err edge_hash(const struct proof_source *src, uint64_t begin, uint64_t end,
			uint8_t ret_hash[TREE_HASH])
{
	uint64_t n = end - begin;
	uint8_t h[TREE_HASH], left[TREE_HASH];
	bool first = true;
	as_err err;

	for (unsigned l = 0; n >> l; l++) {
		if ((n >> l & 1) == 0)
			continue;
		uint64_t at = begin + (n >> l >> 1 << l << 1);
		if ((err = src->node(src->arg, l, at >> l, first ? h : left)))
			return err;
		if (!first)
			tree_node(left, h, h);
		first = false;
	}
	memcpy(ret_hash, h, TREE_HASH);
	return AS_OK;
}

/* Appends the siblings on the way from the node (level, at) up to the root of the tree of `size` leaves. */
static as_err path(const struct proof_source *src, unsigned level, uint64_t at, uint64_t size,
		   struct proof *p)
{
	as_err err;

	for (uint64_t last = (size - 1) >> level; last > 0; at >>= 1, last >>= 1, level++) {
		if ((at & 1) == 0 && at == last)
			continue; /* no sibling on this level */
		uint64_t sibling = at ^ 1;
		as_assert(p->n < PROOF_HASHES_MAX);
		if ((sibling + 1) << level <= size)
			err = src->node(src->arg, level, sibling, p->hash[p->n]);
		else
			err = edge_hash(src, sibling << level, size, p->hash[p->n]);
		if (err)
			return err;
		p->n++;
	}
	return AS_OK;
}

as_err proof_inclusion(const struct proof_source *src, uint64_t index, uint64_t size, struct proof *ret_proof)
{
	struct proof p = {.n = 0};
	as_err err;

	if (index >= size || size > TREE_SIZE_MAX)
		return AS_EINVAL;
	if ((err = path(src, 0, index, size, &p)))
		return err;
	*ret_proof = p;
	return AS_OK;
}

as_err proof_consistency(const struct proof_source *src, uint64_t old_size, uint64_t size,
			 struct proof *ret_proof)
{
	struct proof p = {.n = 0};
	unsigned level = 0;
	as_err err;

	if (old_size > size || size > TREE_SIZE_MAX)
		return AS_EINVAL;
	if (old_size > 0 && old_size < size) {
		uint64_t at = old_size - 1; /* … of the largest complete subtree that ends the old tree */
		for (; at & 1; at >>= 1)
			level++;
		if (at != 0) { /* else it is the whole old tree, whose root the verifier has */
			if ((err = src->node(src->arg, level, at, p.hash[0])))
				return err;
			p.n = 1;
		}
		if ((err = path(src, level, at, size, &p)))
			return err;
	}
	*ret_proof = p;
	return AS_OK;
}

bool proof_inclusion_verify(const struct proof *p, uint64_t index, const uint8_t leaf[TREE_HASH],
			    const struct log_head *head)
{
	uint64_t fn = index, sn = head->size - 1; /* names of RFC 9162 */
	uint8_t r[TREE_HASH];

	if (index >= head->size || head->size > TREE_SIZE_MAX || p->n > PROOF_HASHES_MAX)
		return false;
	memcpy(r, leaf, TREE_HASH);
	for (uint32_t i = 0; i < p->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			tree_node(p->hash[i], r, r);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			tree_node(r, p->hash[i], r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(r, head->root, TREE_HASH) == 0;
}

bool proof_consistency_verify(const struct proof *p, const struct log_head *old_head,
			      const struct log_head *head)
{
	uint64_t fn = old_head->size - 1, sn = head->size - 1;
	uint8_t fr[TREE_HASH], sr[TREE_HASH];
	uint32_t i = 0;

	if (old_head->size > head->size || head->size > TREE_SIZE_MAX || p->n > PROOF_HASHES_MAX)
		return false;
	if (old_head->size == 0) {
		tree_empty_root(fr);
		return p->n == 0 && memcmp(fr, old_head->root, TREE_HASH) == 0 &&
		       (head->size != 0 || memcmp(fr, head->root, TREE_HASH) == 0);
	}
	if (old_head->size == head->size)
		return p->n == 0 && memcmp(old_head->root, head->root, TREE_HASH) == 0;
	if (p->n == 0)
		return false;
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	memcpy(fr, fn == 0 ? old_head->root : p->hash[i++], TREE_HASH);
	memcpy(sr, fr, TREE_HASH);
	for (; i < p->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			tree_node(p->hash[i], fr, fr);
			tree_node(p->hash[i], sr, sr);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			tree_node(sr, p->hash[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(fr, old_head->root, TREE_HASH) == 0 &&
	       memcmp(sr, head->root, TREE_HASH) == 0;
}
