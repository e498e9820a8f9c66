/*
 * Which keys were there before, and where: a hash set of 16-byte hashes. One thread.
 */
#ifndef AFTERSYNC_IMPORT_SEEN_H
#define AFTERSYNC_IMPORT_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct seen_at {
	const char *file; /* borrowed */
	unsigned long line;
};

struct seen_slot {
	uint8_t hash[16];
	struct seen_at at; /* file NULL: free */
};

struct seen {
	struct seen_slot *slots;
	size_t n, cap; /* cap: a power of two */
};

void seen_done(struct seen *s); /* accepts a zeroed one */

/* AS_OK: new, and kept. AS_EEXIST: *ret_first says where it was first. AS_ENOMEM. */
as_err seen_add(struct seen *s, const uint8_t hash[16], struct seen_at at, struct seen_at *ret_first) AS_MUST_CHECK;

#endif
