/*
 * The protobuf wire format, as much as we use: varints and length-delimited fields to read, fixed ones to
 * skip. Header only, pure. https://protobuf.dev/programming-guides/encoding/
 */
#ifndef AFTERSYNC_BASE_PBWIRE_H
#define AFTERSYNC_BASE_PBWIRE_H

#include "common/base/bytes.h"

enum { PB_VARINT = 0, PB_FIXED64 = 1, PB_LEN = 2, PB_FIXED32 = 5 };

/* One field as read: v for numbers, s for length-delimited ones (borrowed). */
struct pb_field {
	uint32_t number;
	uint8_t type;
	uint64_t v;
	struct bytes s;
};

/* A cursor over borrowed bytes. */
struct pb_reader {
	const uint8_t *p, *end;
};

static inline struct pb_reader pb_reader_of(struct bytes b)
{
	return (struct pb_reader){.p = b.p, .end = b.n ? b.p + b.n : b.p};
}

/* At most 10 bytes and 64 bits; false when cut short or too large. */
static inline bool pb_get_varint(struct pb_reader *r, uint64_t *ret_v)
{
	uint64_t v = 0;

	if (r->p < r->end && *r->p < 0x80) {
		*ret_v = *r->p++;
		return true;
	}
	for (unsigned shift = 0; shift < 70 && r->p < r->end; shift += 7) {
		uint8_t b = *r->p++;
		if (shift == 63 && b > 1)
			return false;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*ret_v = v;
			return true;
		}
	}
	return false;
}

/* Reads one field; false at damage. Call while r->p < r->end. Groups (types 3, 4) are damage. */
static inline bool pb_next(struct pb_reader *r, struct pb_field *ret)
{
	uint64_t tag, len;

	if (!pb_get_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return false;
	*ret = (struct pb_field){.number = (uint32_t)(tag >> 3), .type = (uint8_t)(tag & 7)};
	switch (ret->type) {
	case PB_VARINT:
		return pb_get_varint(r, &ret->v);
	case PB_LEN:
		if (!pb_get_varint(r, &len) || len > (uint64_t)(r->end - r->p))
			return false;
		ret->s = bytes_of(r->p, (size_t)len);
		r->p += len;
		return true;
	case PB_FIXED64:
	case PB_FIXED32:
		len = ret->type == PB_FIXED64 ? 8 : 4;
		if (len > (uint64_t)(r->end - r->p))
			return false;
		r->p += len;
		return true;
	default:
		return false;
	}
}

/* A bounded writer: after `full` nothing more is written and n is meaningless. */
struct pb_writer {
	uint8_t *p;
	size_t n, cap;
	bool full;
};

static inline struct pb_writer pb_writer_of(uint8_t *p, size_t cap)
{
	return (struct pb_writer){.p = p, .cap = cap};
}

static inline void pb_put_varint(struct pb_writer *w, uint64_t v)
{
	uint8_t tmp[10];
	size_t n = 0;

	do {
		tmp[n] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		n++;
	} while ((v >>= 7) != 0);
	if (w->full || n > w->cap - w->n) {
		w->full = true;
		return;
	}
	memcpy(w->p + w->n, tmp, n);
	w->n += n;
}

static inline void pb_put_raw(struct pb_writer *w, const void *p, size_t n)
{
	if (w->full || n > w->cap - w->n) {
		w->full = true;
		return;
	}
	if (n)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}

static inline void pb_put_uint(struct pb_writer *w, uint32_t number, uint64_t v)
{
	pb_put_varint(w, (uint64_t)number << 3 | PB_VARINT);
	pb_put_varint(w, v);
}

static inline void pb_put_bytes(struct pb_writer *w, uint32_t number, struct bytes s)
{
	pb_put_varint(w, (uint64_t)number << 3 | PB_LEN);
	pb_put_varint(w, s.n);
	pb_put_raw(w, s.p, s.n);
}

/* sint32 and sint64 */
static inline uint64_t pb_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t pb_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif
