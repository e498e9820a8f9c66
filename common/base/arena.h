/*
 * Bump allocator over memory that the caller gives: the only allocation a pure core knows. Pure.
 */
#ifndef AFTERSYNC_BASE_ARENA_H
#define AFTERSYNC_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
	uint8_t *p;
	size_t n;
	size_t cap;
};

static inline void arena_init(struct arena *a, void *memory, size_t cap)
{
	*a = (struct arena){.p = memory, .cap = cap};
}

static inline void arena_reset(struct arena *a)
{
	a->n = 0;
}

/* 16-byte aligned, not cleared; NULL when the arena is used up. */
static inline void *arena_take(struct arena *a, size_t n)
{
	size_t at = (a->n + 15) & ~(size_t)15;

	if (at > a->cap || n > a->cap - at)
		return NULL;
	a->n = at + n;
	return a->p + at;
}

#endif
