/*
 * Inclusion and consistency proofs: RFC 6962 sections 2.1.1 and 2.1.2, verified as in RFC 9162 sections
 * 2.1.3.2 and 2.1.4.2. Pure.
 */
#ifndef AFTERSYNC_LOG_PROOF_H
#define AFTERSYNC_LOG_PROOF_H

#include "common/base/err.h"
#include "common/log/tree.h"

#define PROOF_HASHES_MAX (TREE_LEVELS + 1)

struct proof {
	uint32_t n;
	uint8_t hash[PROOF_HASHES_MAX][TREE_HASH];
};

/*
 * Gives the root of the complete subtree (level, index): the leaves index * 2^level up to, not including,
 * (index + 1) * 2^level. Level 0 is a leaf hash. Only subtrees that lie wholly inside the asked size are
 * asked for, at most TREE_LEVELS * 2 per proof. An error ends the proof and is passed on.
 */
typedef as_err (*proof_node_fn)(void *arg, unsigned level, uint64_t index, uint8_t ret_hash[TREE_HASH]);

struct proof_source {
	proof_node_fn node;
	void *arg;
};

/* AS_EINVAL unless index < size <= TREE_SIZE_MAX. */
as_err proof_inclusion(const struct proof_source *src, uint64_t index, uint64_t size,
		       struct proof *ret_proof) AS_MUST_CHECK;

/* AS_EINVAL unless old_size <= size <= TREE_SIZE_MAX. Empty for old_size 0 and for equal sizes. */
as_err proof_consistency(const struct proof_source *src, uint64_t old_size, uint64_t size,
			 struct proof *ret_proof) AS_MUST_CHECK;

bool proof_inclusion_verify(const struct proof *p, uint64_t index, const uint8_t leaf[TREE_HASH],
			    const struct log_head *head);

/* An older head of size 0 must have the empty root, and every head continues it. */
bool proof_consistency_verify(const struct proof *p, const struct log_head *old_head,
			      const struct log_head *head);

#endif
