/*
 * The Merkle tree of a log: RFC 6962 section 2.1, SHA-256, over event bytes. Pure.
 *
 *   leaf = SHA-256(0x00 || event)     node = SHA-256(0x01 || left || right)     empty = SHA-256("")
 */
#ifndef AFTERSYNC_LOG_TREE_H
#define AFTERSYNC_LOG_TREE_H

#include "common/log/log_id.h"

#define TREE_HASH 32
#define TREE_LEVELS 63 /* sizes go to 2^63 - 1 */
#define TREE_SIZE_MAX ((uint64_t)INT64_MAX)
#define TREE_FRONTIER_BYTES (8 + TREE_LEVELS * TREE_HASH)

/*
 * All that is needed to append: the size, and the roots of the complete subtrees on the right edge. peaks[l]
 * is that of 2^l leaves and means something only where bit l of size is set; the others are not read.
 */
struct tree_frontier {
	uint64_t size;
	uint8_t peaks[TREE_LEVELS][TREE_HASH];
};

void tree_leaf(struct bytes event, uint8_t ret_hash[TREE_HASH]);
void tree_node(const uint8_t left[TREE_HASH], const uint8_t right[TREE_HASH], uint8_t ret_hash[TREE_HASH]);
void tree_empty_root(uint8_t ret_root[TREE_HASH]);

/* {.size = 0} is the empty frontier as well. */
void tree_frontier_init(struct tree_frontier *f);

/* Copies only the peaks that mean something. */
void tree_frontier_copy(struct tree_frontier *to, const struct tree_frontier *from);

/* Appends one leaf hash; one node hash on average. The size must be below TREE_SIZE_MAX. */
void tree_push(struct tree_frontier *f, const uint8_t leaf[TREE_HASH]);

void tree_root(const struct tree_frontier *f, uint8_t ret_root[TREE_HASH]);
void tree_head(const struct tree_frontier *f, struct log_head *ret_head);

/*
 * Stored form: size (u64 big-endian), then the peaks that exist, largest subtree first. put returns the
 * length; get is strict: false unless s is exactly such a form with a size up to TREE_SIZE_MAX.
 */
size_t tree_frontier_put(const struct tree_frontier *f, uint8_t out[TREE_FRONTIER_BYTES]);
bool tree_frontier_get(struct bytes s, struct tree_frontier *ret_f);

#endif
