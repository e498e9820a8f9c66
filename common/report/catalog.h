/*
 * The table of reports: names, columns, by what they can be split, and which cells they are made of. One
 * table drives counting (report.h), output (common/out) and `aftersync report --list`. Columns and
 * formulas: docs/reports.md, P-nn. Pure; everything is const.
 */
#ifndef AFTERSYNC_REPORT_CATALOG_H
#define AFTERSYNC_REPORT_CATALOG_H

#include "common/ledger/cells.h"
#include "common/ledger/codes.h"

enum report_id {
	REPORT_VOLUME,
	REPORT_TAT,
	REPORT_PARETO,
	REPORT_COMPLAINTS,
	REPORT_COMPLAINT_TIMELINESS,
	REPORTS
};

enum report_type {
	RT_COUNT,
	RT_MINUTES,
	RT_PERCENT,  /* hundredths, or RATE_NA */
	RT_PER_1000, /* hundredths, or RATE_NA */
	RT_TEXT,
	RT_CODE, /* symbol of a code list */
};

struct report_col {
	const char *name; /* as in CSV and JSON */
	const char *en;	  /* head of the column in a table for people; a line feed parts its two lines */
	const char *zh;
	uint8_t type; /* enum report_type */
	const struct code_list *codes;
};

/* What a report can be split by; each is a column of its own before those of the report. */
enum report_dim {
	RD_BRANCH,
	RD_REGION,
	RD_CHANNEL,
	RD_WARRANTY,
	RD_MODEL,
	RD_TYPE,
	RD_CATEGORY,
	RD_SEVERITY,
	RD_COMPLAINT_CHANNEL,
	REPORT_DIMS
};

struct report_dim_def {
	struct report_col col;
	uint8_t cell_dim; /* enum cell_dim; DIM_NONE: made from the branch */
};

extern const struct report_dim_def report_dims[REPORT_DIMS];

#define REPORT_COLS_MAX 17

struct report_def {
	uint8_t id; /* enum report_id */
	const char *name;
	const char *number; /* P-nn */
	const char *en, *zh;
	const struct report_col *cols;
	uint32_t cols_n;
	uint32_t dims;	 /* bits 1 << enum report_dim */
	uint32_t tables; /* bits 1 << enum cell_table: the cells it is made of */
	bool balance;	 /* has balances: needs the cells of all days before, and rows without flows */
};

extern const struct report_def report_defs[REPORTS];

/* NULL when there is none of that name. */
const struct report_def *report_of_name(struct bytes name);

/* Can this report be split by that? False for its own columns too. */
bool report_dim_of_name(const struct report_def *def, struct bytes name, enum report_dim *ret_dim);

#endif
