/*
 * Growable byte buffer that must be given its maximum: a buffer without a limit cannot be made.
 * Not for the pure cores (it allocates).
 */
#ifndef AFTERSYNC_BASE_BUF_H
#define AFTERSYNC_BASE_BUF_H

#include "common/base/bytes.h"
#include "common/base/err.h"

struct buf {
	uint8_t *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* never more than this */
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* frees; accepts a zeroed struct */
void buf_reset(struct buf *b); /* n = 0, keeps the memory */

/* AS_ETOOBIG when the maximum would be passed, AS_ENOMEM; the buffer is unchanged then. */
as_err buf_reserve(struct buf *b, size_t more) AS_MUST_CHECK;
as_err buf_add(struct buf *b, const void *p, size_t n) AS_MUST_CHECK;

static inline struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->p, b->n);
}

#endif
