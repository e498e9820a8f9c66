/*
 * A report as JSON (docs/reports.md) and from there as a table, CSV or JSON text. Daemons make the JSON,
 *the command line shows it, so a report looks the same whoever counted it.
 *
 *	{"report":NAME,"meta":{…},"columns":["period",…],"rows":[{"period":…,…},…]}
 *
 * Rates are numbers of two decimals, null where undefined; codes are symbols; minutes and counts are
 *integers. `columns` gives the order of CSV. jansson writes reals with 17 digits unless told
 *JSON_REAL_PRECISION(15): use json_out (rows.h) wherever a report is written.
 */
#ifndef AFTERSYNC_OUT_REPORT_JSON_H
#define AFTERSYNC_OUT_REPORT_JSON_H

#include "common/out/rows.h"
#include "common/report/report.h"

/* More rows than this are refused: a report is one object in memory at both ends. */
#define REPORT_ROWS_MAX 250000

/*
 * Takes all rows of a finished report. take_meta may be NULL. AS_ENOMEM, AS_ETOOBIG (rows); em says what to
 * do, also for an AS_ENOMEM of report_add or report_finish handed in as `err` (then r is not touched).
 */
as_err report_json(struct report *r, as_err err, json_t *take_meta, json_t **ret_report,
		   struct as_errmsg *em) AS_MUST_CHECK;

/* AS_EPROTO: not the JSON of a report; AS_ENOMEM, AS_ETOOBIG. */
as_err report_table(struct out *o, const json_t *report, const struct rows_opts *opts) AS_MUST_CHECK;
as_err report_csv(struct out *o, const json_t *report) AS_MUST_CHECK;

/* The table of reports: [{"report","number","title","title_zh","by":[…],"columns":[…]},…]; NULL: no memory.
 */
json_t *report_list_json(void);
extern const struct rows_col report_list_cols[];
extern const size_t report_list_cols_n;

#endif
