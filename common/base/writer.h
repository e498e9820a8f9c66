/*
 * Bounded writer over memory that the caller gives. What does not fit is not written and sets `full`, which
 * is checked once at the end. Pure.
 */
#ifndef AFTERSYNC_BASE_WRITER_H
#define AFTERSYNC_BASE_WRITER_H

#include "common/base/text.h"

struct writer {
	uint8_t *p;
	size_t n;
	size_t cap;
	bool full;
};

static inline struct writer writer_of(void *memory, size_t cap)
{
	return (struct writer){.p = memory, .cap = cap};
}

static inline void writer_add(struct writer *w, const void *p, size_t n)
{
	if (w->full || n > w->cap - w->n) {
		w->full = true;
		return;
	}
	if (n)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}

static inline void writer_bytes(struct writer *w, struct bytes b)
{
	writer_add(w, b.p, b.n);
}

/* A string literal, without its 0. */
#define writer_lit(w, s) writer_add((w), "" s, sizeof(s) - 1)

static inline void writer_decimal(struct writer *w, uint64_t v)
{
	char text[21];

	writer_add(w, text, text_put_decimal(v, text));
}

/* At most 96 bytes. */
static inline void writer_base64(struct writer *w, const uint8_t *p, size_t n)
{
	char text[132];

	if (n > 96)
		w->full = true;
	else
		writer_add(w, text, text_base64(p, n, text));
}

/* At most 64 bytes. */
static inline void writer_hex(struct writer *w, const uint8_t *p, size_t n)
{
	char text[132];

	if (n > 64) {
		w->full = true;
	} else {
		text_hex(p, n, text);
		writer_add(w, text, 2 * n);
	}
}

static inline struct bytes writer_done(const struct writer *w)
{
	return bytes_of(w->p, w->n);
}

#endif
