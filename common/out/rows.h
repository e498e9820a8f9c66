/*
 * Lists of equal JSON objects, as a table for people or as CSV. What a column is called and how it is shown
 * stands in one row of a table; JSON itself is shown as it is.
 */
#ifndef AFTERSYNC_OUT_ROWS_H
#define AFTERSYNC_OUT_ROWS_H

#include "common/intake/json.h"
#include "common/ledger/codes.h"
#include "common/out/table.h"

enum rows_type {
	RO_TEXT,
	RO_COUNT,
	RO_MINUTES, /* table: 3d04h */
	RO_RATE,    /* two decimals, "n/a" for null */
	RO_CODE,    /* symbol; table in Chinese: its name */
	RO_BOOL,    /* table: yes or nothing */
	RO_TIME,    /* RFC 3339; table: 2026-11-23 09:30:00 */
	RO_AGO,	    /* RFC 3339; table: how long ago, "never" for null */
};

struct rows_col {
	const char *field;
	const char *en, *zh; /* heads for people; a line feed parts two lines */
	uint8_t type;	     /* enum rows_type */
	uint8_t flags;	     /* TC_ */
	uint8_t least;	     /* may be cut to that many columns */
	const struct code_list *codes;
};

struct rows_opts {
	bool zh;
	size_t width;	/* terminal columns */
	int64_t now_ms; /* for RO_AGO */
};

/* rows: array of objects; a field that is missing counts as null. AS_ENOMEM, AS_ETOOBIG. */
as_err rows_table(struct out *o, const struct rows_col *cols, size_t n, const json_t *rows,
		  const struct rows_opts *opts) AS_MUST_CHECK;

/*
 * RFC 4180: lines end with CR LF, texts with comma, quote or line break are quoted. A text that a spreadsheet
 * would take for a formula (first character = + - @ tab CR) gets an apostrophe before it; numbers do not.
 */
void rows_csv(struct out *o, const struct rows_col *cols, size_t n, const json_t *rows);

/* One line. Numbers with a fraction have 15 digits, so that 94.74 is written so. */
void json_out(struct out *o, const json_t *j);

/* "45m", "5h07m", "3d04h"; out holds 32 bytes. */
void duration_text(int64_t minutes, char out[32]);

/* "3s", "12m", "5h58m", "3d04h"; out holds 32 bytes. */
void ago_text(int64_t ms, char out[32]);

#endif
