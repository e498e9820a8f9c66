/*
 * A report from cells: hand in every cell of the tables it needs, in any order, then take the rows. In place of
 * the cells before a month there may come their balances (common/ledger/balance.h). Pure; all memory comes from
 * one arena, so a report too large for it ends with AS_ENOMEM and nothing else.
 *
 *	report_init(&r, &query, &arena)
 *	report_add(&r, &parts, v)         for each cell of the tables in query.def->tables; fast by day and branch
 *	report_add_balance(&r, &parts, net)
 *	report_finish(&r)
 *	while (report_next(&r, &row)) …   by period, then keys bytewise; P-08: then count, largest first
 *
 * What the figures mean: docs/reports.md.
 */
#ifndef AFTERSYNC_REPORT_REPORT_H
#define AFTERSYNC_REPORT_REPORT_H

#include "common/base/arena.h"
#include "common/ledger/balance.h"
#include "common/report/catalog.h"
#include "common/report/figures.h"
#include "common/report/period.h"

#define REPORT_BY_MAX 6

/* What a report wants to know of a branch. */
struct report_branch {
	struct bytes region; /* borrowed until the next call */
	uint32_t as_of; /* YYYYMMDD at the branch, the last day for clock-dependent columns; 0: no bound */
};

struct report_query {
	const struct report_def *def;
	enum report_period period;
	uint32_t from, to;	   /* YYYYMMDD, both inclusive; 0: open */
	uint8_t by[REPORT_BY_MAX]; /* enum report_dim, in the order of the columns */
	uint32_t by_n;

	void *ctx;
	/* NULL: no region, no bound. code: as in the cell key, zero padded. */
	struct report_branch (*branch)(void *ctx, const char code[BRANCH_CODE_MAX]);
	uint32_t as_of; /* the earliest as_of that `branch` answers; 0: none does */
};

/*
 * Adds a column to split by. A column that the report has anyway, or that was named before, adds nothing.
 * AS_EINVAL: this report cannot be split by that.
 */
as_err report_by(struct report_query *q, struct bytes name) AS_MUST_CHECK;

/* What a report needs of one table of cells. */
struct report_need {
	uint32_t from; /* cells of this business date and later; 0: all */
	bool balances; /* and the balance of all days before it, which is the first of a month then */
	bool whole;    /* that of branches: dimensions do not matter */
};
struct report_need report_needs(const struct report_query *q, uint8_t table);

struct report_value {
	int64_t n; /* RT_COUNT, RT_MINUTES; hundredths of RT_PERCENT, RT_PER_1000, RATE_NA = undefined */
	struct bytes text; /* RT_TEXT, RT_CODE; lives as long as the arena */
};

struct report_row {
	char period[PERIOD_LABEL_MAX];
	struct bytes key[REPORT_BY_MAX];	/* query.by_n of them; a code as its symbol, none as "" */
	struct report_value v[REPORT_COLS_MAX]; /* def->cols_n of them */
};

struct report_group;
struct report_slot;
struct report_bucket;

struct report {
	struct report_query q;
	struct arena *arena;
	as_err err; /* the first one; sticky */
	uint32_t width;
	/* gathering: tries with all nodes chained */
	struct report_group *groups, *groups_list;
	struct report_slot *slots, *slots_list;
	struct report_bucket *buckets, *buckets_list;
	size_t groups_n, slots_n, buckets_n;
	bool any, before;		/* data in the range; data before it */
	int32_t first, last, as_of_max; /* days since 1970-01-01 */
	int32_t from, to;
	/* of the cell before: the next one is likely of the same */
	struct {
		uint32_t date; /* 0: none yet */
		int32_t days, period;
	} day;
	struct {
		bool known;
		char code[BRANCH_CODE_MAX];
		struct report_branch is;
		int32_t as_of; /* days; INT32_MAX: no bound */
	} branch;
	struct report_group *group_last;
	struct report_slot *slot_last;
	/* rows */
	struct report_group **group;
	struct report_slot **slot;
	struct weighted *times;
	int32_t period, period_last;
	size_t at;
	int64_t run_total, run_before; /* P-08: of the model at hand */
	uint64_t rows;
};

/* q is copied; the arena is used from where it stands. AS_EINVAL: from or to is no date, or from > to. */
as_err report_init(struct report *r, const struct report_query *q, struct arena *arena) AS_MUST_CHECK;

/* AS_ENOMEM: the arena is used up; AS_ECORRUPT: no date. Both stay. Cells of other tables are passed over. */
as_err report_add(struct report *r, const struct cell_parts *parts,
		  const int64_t v[CELL_VALUES_MAX]) AS_MUST_CHECK;

/* The change of a balance over some days before query.from, as a balance row has it; parts->day does not count. */
as_err report_add_balance(struct report *r, const struct cell_parts *parts,
			  const int64_t net[BALANCE_VALUES_MAX]) AS_MUST_CHECK;

/* When a table's cells come by days: does none from this day on matter any more? */
bool report_has_enough(const struct report *r, uint32_t day);

/* AS_ENOMEM, or what report_add said. Afterwards only report_next. */
as_err report_finish(struct report *r) AS_MUST_CHECK;

/* False at the end. The row borrows the arena. */
bool report_next(struct report *r, struct report_row *ret_row);

#endif
