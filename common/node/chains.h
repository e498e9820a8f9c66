/*
 * An index over an array that only grows: hash chains of places, the newest first. What stands at a place is the
 * caller's: it compares. Places are told in the order in which they are added, from 0 on.
 */
#ifndef AFTERSYNC_NODE_CHAINS_H
#define AFTERSYNC_NODE_CHAINS_H

#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/err.h"

#define CHAINS_END SIZE_MAX

struct chains {
	uint32_t *first; /* a place + 1 for each of mask + 1 heads; 0: none */
	uint32_t *next;	 /* for each place: the older one + 1 */
	uint32_t *hash;
	size_t n, cap, mask;
};

void chains_done(struct chains *c); /* accepts a zeroed struct, leaves one */
as_err chains_add(struct chains *c, struct bytes key) AS_MUST_CHECK;
as_err chains_copy(struct chains *ret, const struct chains *c) AS_MUST_CHECK; /* AS_ENOMEM: *ret is empty */
/* Places whose key may be this one; CHAINS_END at the end. */
size_t chains_first(const struct chains *c, struct bytes key);
size_t chains_next(const struct chains *c, size_t place);

#endif
