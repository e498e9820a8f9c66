/*
 * A table for people, within a number of terminal columns: two-line heads, numbers to the right, Chinese text
 * as wide as it is. What does not fit side by side goes on below, with the key columns again, so nothing is
 * left out; long texts are cut with "…" first. Repeated leading keys are blank. Own code instead of
 * libsmartcols: that has neither heads of two lines nor parts one below the other, and its widths depend on
 * the locale.
 */
#ifndef AFTERSYNC_OUT_TABLE_H
#define AFTERSYNC_OUT_TABLE_H

#include "common/out/out.h"

enum {
	TC_RIGHT = 1,  /* aligned to the right */
	TC_KEY = 2,    /* leads every part of the table; must be the first columns */
	TC_REPEAT = 4, /* printed again although it is what the line above has */
	TC_BREAK = 8,  /* when the table does not fit, a new part rather begins here */
};

struct table_col {
	const char *head; /* a line feed parts its two lines; borrowed */
	unsigned flags;
	size_t least; /* may be cut to this many columns, 0: never */
};

#define TABLE_COLS_MAX 32

struct table {
	struct table_col cols[TABLE_COLS_MAX];
	size_t cols_n, cells_n;
	struct buf cells; /* texts, each ended by a 0 */
	struct buf notes; /* u32 line, text, 0 */
	as_err err;	  /* sticky */
};

void table_init(struct table *t);
void table_done(struct table *t);
void table_col(struct table *t, const char *head, unsigned flags, size_t least);

/* The next cell, line by line; control characters become "?". */
void table_cell(struct table *t, struct bytes text);

/* A text below the line that was just filled, indented; "" for none. Stands in the first part only. */
void table_note(struct table *t, struct bytes text);

/* AS_ENOMEM, AS_ETOOBIG (64 MiB of cells). Errors of writing stay in `o`. */
as_err table_print(struct table *t, struct out *o, size_t width) AS_MUST_CHECK;

/*
 * Text in lines of at most `width` columns, parted at blanks. The lines after the first begin with `indent` blanks, which
 * do not count.
 */
void table_wrap(struct out *o, struct bytes text, size_t width, size_t indent);

#endif
