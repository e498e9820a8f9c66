#include "common/log/tree.h"

#include "common/base/check.h"
#include "common/crypto/hash.h"

void tree_leaf(struct bytes event, uint8_t ret_hash[TREE_HASH])
{
	static const uint8_t prefix = 0x00;
	struct as_sha256 h;

	as_sha256_init(&h);
	as_sha256_update(&h, &prefix, 1);
	as_sha256_update(&h, event.p, event.n);
	as_sha256_final(&h, ret_hash);
}

void tree_node(const uint8_t left[TREE_HASH], const uint8_t right[TREE_HASH], uint8_t ret_hash[TREE_HASH])
{
	uint8_t text[1 + 2 * TREE_HASH];

	text[0] = 0x01;
	memcpy(text + 1, left, TREE_HASH);
	memcpy(text + 1 + TREE_HASH, right, TREE_HASH);
	as_sha256(text, sizeof text, ret_hash);
}

void tree_empty_root(uint8_t ret_root[TREE_HASH])
{
	as_sha256(NULL, 0, ret_root);
}

void tree_frontier_init(struct tree_frontier *f)
{
	f->size = 0;
}

void tree_frontier_copy(struct tree_frontier *to, const struct tree_frontier *from)
{
	to->size = from->size;
	for (unsigned l = 0; from->size >> l; l++)
		if (from->size >> l & 1)
			memcpy(to->peaks[l], from->peaks[l], TREE_HASH);
}

void tree_push(struct tree_frontier *f, const uint8_t leaf[TREE_HASH])
{
	uint8_t h[TREE_HASH];
	unsigned l = 0;

	as_assert(f->size < TREE_SIZE_MAX);
	memcpy(h, leaf, TREE_HASH);
	for (; f->size >> l & 1; l++)
		tree_node(f->peaks[l], h, h);
	memcpy(f->peaks[l], h, TREE_HASH);
	f->size++;
}

void tree_root(const struct tree_frontier *f, uint8_t ret_root[TREE_HASH])
{
	uint8_t h[TREE_HASH];
	bool first = true;

	if (f->size == 0) {
		tree_empty_root(ret_root);
		return;
	}
	for (unsigned l = 0; f->size >> l; l++) {
		if ((f->size >> l & 1) == 0)
			continue;
		if (first)
			memcpy(h, f->peaks[l], TREE_HASH);
		else
			tree_node(f->peaks[l], h, h);
		first = false;
	}
	memcpy(ret_root, h, TREE_HASH);
}

void tree_head(const struct tree_frontier *f, struct log_head *ret_head)
{
	ret_head->size = f->size;
	tree_root(f, ret_head->root);
}

size_t tree_frontier_put(const struct tree_frontier *f, uint8_t out[TREE_FRONTIER_BYTES])
{
	size_t n = 8;

	put_be64(out, f->size);
	for (unsigned l = TREE_LEVELS; l-- > 0;)
		if (f->size >> l & 1) {
			memcpy(out + n, f->peaks[l], TREE_HASH);
			n += TREE_HASH;
		}
	return n;
}

bool tree_frontier_get(struct bytes s, struct tree_frontier *ret_f)
{
	uint64_t size;
	size_t n = 8;

	if (s.n < 8 || (size = get_be64(s.p)) > TREE_SIZE_MAX)
		return false;
	for (unsigned l = 0; l < TREE_LEVELS; l++)
		n += size >> l & 1 ? TREE_HASH : 0;
	if (s.n != n)
		return false;
	ret_f->size = size;
	n = 8;
	for (unsigned l = TREE_LEVELS; l-- > 0;)
		if (size >> l & 1) {
			memcpy(ret_f->peaks[l], s.p + n, TREE_HASH);
			n += TREE_HASH;
		}
	return true;
}
