/*
 * Borrowed slices and fixed-width big-endian integers. Header only, pure.
 */
#ifndef AFTERSYNC_BASE_BYTES_H
#define AFTERSYNC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed memory: valid as long as its owner says, by default until the call returns. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

static inline struct bytes bytes_of(const void *p, size_t n)
{
	return (struct bytes){.p = p, .n = n};
}

static inline struct bytes bytes_of_str(const char *s)
{
	return (struct bytes){.p = (const uint8_t *)s, .n = strlen(s)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32(p + 4, (uint32_t)v);
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

#endif
