/*
 * Bodies: the kind's message inside an event, protobuf wire format read and written by the table of kinds
 * (docs/bodies.proto is generated from it for other programs). Our own codec over one table instead of
 * generated code, because the table also drives validation, JSON and documents, and because the ledger must
 * stay pure.
 *
 * A kind has two messages with one numbering: the facts (event field `body`) and the personal part (sealed).
 * Strict both ways: value in its limits and lists, right wire type, no field twice, no personal field among
 * the facts or the reverse. Unknown field numbers are skipped, at most EVENT_UNKNOWN_MAX. Pure.
 */
#ifndef AFTERSYNC_LEDGER_BODY_H
#define AFTERSYNC_LEDGER_BODY_H

#include "common/base/err.h"
#include "common/ledger/kinds.h"

/* Place of `reason` among the values; the others are at the index of their field in the kind. */
#define BODY_REASON KIND_FIELDS_MAX
#define BODY_VALUES (KIND_FIELDS_MAX + 1)

/*
 * Numbers, codes, booleans, dates, times, bitsets: i. Text, bytes: s.
 * FT_CODE_LIST: s = packed varints, i = their number. FT_ROWS: i = number of rows, s = the bytes that hold
 * them (body_next_row); when written, those made by body_add_row.
 */
struct body_value {
	int64_t i;
	struct bytes s;
};

struct body {
	uint32_t present; /* bit per value */
	struct body_value v[BODY_VALUES];
};

enum body_part { BODY_FACTS, BODY_PERSONAL };

static inline bool body_has(const struct body *b, unsigned i)
{
	return (b->present >> i & 1) != 0;
}

static inline void body_set_int(struct body *b, unsigned i, int64_t v)
{
	b->present |= 1u << i;
	b->v[i].i = v;
}

static inline void body_set_bytes(struct body *b, unsigned i, struct bytes s)
{
	b->present |= 1u << i;
	b->v[i].s = s;
}

/* AS_EPROTO: *ret_bad = index of the field at fault, or -1; values borrow from raw. Only v[] of present
 * values are set. Whether required ones are there: body_missing. */
as_err body_decode(const struct kind_def *kind, enum body_part part, struct bytes raw, struct body *ret_body,
		   int *ret_bad) AS_MUST_CHECK;

/* AS_EINVAL: a value breaks the table, *ret_bad = its index. AS_ETOOBIG. Only the fields of `part` are
 * written. */
as_err body_encode(const struct kind_def *kind, enum body_part part, const struct body *body, uint8_t *out,
		   size_t cap, size_t *ret_n, int *ret_bad) AS_MUST_CHECK;

/* Index of the first required field of `part` that is absent, or -1. */
int body_missing(const struct kind_def *kind, enum body_part part, const struct body *body, bool imported);

/* Does the value fit the field: limits, code lists, forms. */
bool body_value_ok(const struct field_def *f, const struct body_value *v);

/* A row of FT_ROWS: values by the place of the column in f->row. */
struct body_row {
	uint32_t present;
	struct body_value v[ROW_COLS_MAX];
};

/* Appends a row to a buffer that becomes the value's s. AS_EINVAL: it breaks the sub-table. AS_ETOOBIG. */
as_err body_add_row(const struct field_def *f, uint8_t *buf, size_t cap, size_t *n,
		    const struct body_row *row) AS_MUST_CHECK;

/* Goes through the rows; start with *rest = value.s. False at the end. */
bool body_next_row(const struct field_def *f, struct bytes *rest, struct body_row *ret);

/* The form of a number on a device or a paper. */
bool imei_ok(struct bytes s);
bool imei_form_ok(struct bytes s); /* 15 digits, not all equal; the check digit may be wrong */
bool phone_ok(struct bytes s); /* in the normal form: no spaces, no country code */

#endif
