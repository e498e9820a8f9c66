#include "common/base/buf.h"

#include <stdlib.h>

#include "common/base/check.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
}

as_err buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	as_assert(b->max != 0);
	if (more > b->max || b->n > b->max - more)
		return AS_ETOOBIG;
	if (b->n + more <= b->cap)
		return AS_OK;
	while (cap < b->n + more)
		cap *= 2;
	uint8_t *p = realloc(b->p, cap);
	if (p == NULL)
		return AS_ENOMEM;
	b->p = p;
	b->cap = cap;
	return AS_OK;
}

as_err buf_add(struct buf *b, const void *p, size_t n)
{
	as_err err = buf_reserve(b, n);

	if (err)
		return err;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return AS_OK;
}
