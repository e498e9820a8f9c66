/*
 * Reports from cells. Tables computed by hand, then random cells against a recount that works quite
 * differently: for every period of the calendar and every key seen, it walks all cells again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/base/rng.h"
#include "common/report/report.h"
#include "tests/lib/report_short.h"

#define OUT_MAX (4u << 20)

static uint8_t memory[32u << 20];

static struct report_item items[4096];
static size_t items_n;
static uint32_t today;

/* Room for one piece is always left: run() and naive() look. */
static int put(char *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int put(char *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(out, 192, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && n < 192);
	return n;
}

/* BJ and TS lie in the north, GZ in the south, the others nowhere. */
static const char *region_of(const char *code)
{
	return code[0] == 'B' || code[0] == 'T' ? "NORTH" : code[0] == 'G' ? "SOUTH" : "";
}

static struct report_branch branch_of(void *ctx, const char code[BRANCH_CODE_MAX])
{
	(void)ctx;
	return (struct report_branch){.region = bytes_of_str(region_of(code)), .as_of = today};
}

static struct report_item *cell(enum cell_table table, uint32_t day, const char *branch)
{
	struct report_item *it = &items[items_n++];

	*it = (struct report_item){.p = {.table = (uint8_t)table, .day = day}};
	memcpy(it->p.branch, branch, strlen(branch));
	it->p.model = bytes_of_str("C116");
	return it;
}

static void clear(void)
{
	items_n = 0;
	today = 0;
}

static size_t put_row(const struct report *r, const struct report_row *row, char *out)
{
	size_t n = (size_t)put(out, "%s", row->period);

	for (uint32_t i = 0; i < r->q.by_n; i++)
		n += (size_t)put(out + n, ",%.*s", (int)row->key[i].n, (const char *)row->key[i].p);
	for (uint32_t i = 0; i < r->q.def->cols_n; i++) {
		char rate[24];
		const struct report_value *v = &row->v[i];
		if (r->q.def->cols[i].type >= RT_TEXT) {
			n += (size_t)put(out + n, ",%.*s", (int)v->text.n, (const char *)v->text.p);
		} else if (r->q.def->cols[i].type >= RT_PERCENT) {
			rate_text(v->n, rate);
			n += (size_t)put(out + n, ",%s", rate);
		} else {
			n += (size_t)put(out + n, ",%lld", (long long)v->n);
		}
	}
	out[n++] = '\n';
	out[n] = 0;
	return n;
}

static struct report_query query(const char *name, enum report_period period, const char *by)
{
	struct report_query q = {
	    .def = report_of_name(bytes_of_str(name)), .period = period, .branch = branch_of};

	assert_non_null(q.def);
	while (*by) {
		size_t n = strcspn(by, ",");
		assert_int_equal(report_by(&q, bytes_of(by, n)), AS_OK);
		by += n + (by[n] != 0);
	}
	return q;
}

static void rows_of(struct report *r, char *out)
{
	struct report_row row;
	size_t n = 0;

	out[0] = 0;
	assert_int_equal(report_finish(r), AS_OK);
	while (report_next(r, &row)) {
		n += put_row(r, &row, out + n);
		assert_true(n < OUT_MAX - 1024);
	}
}

/*
 * The report as text; cells go in from the back, for their order must not matter. Then from balances and the cells
 * that are left: the same.
 */
static const char *run(const struct report_query *q)
{
	static char out[OUT_MAX], other[OUT_MAX];
	static struct report_item kept[AS_COUNT(items)];
	struct report_query dated = *q;
	struct arena a;
	struct report r;

	arena_init(&a, memory, sizeof memory);
	assert_int_equal(report_init(&r, q, &a), AS_OK);
	for (size_t i = items_n; i-- > 0;)
		assert_int_equal(report_add(&r, &items[i].p, items[i].v), AS_OK);
	rows_of(&r, out);

	memcpy(kept, items, sizeof kept);
	dated.as_of = today;
	arena_init(&a, memory, sizeof memory);
	assert_int_equal(report_init(&r, &dated, &a), AS_OK);
	report_short(&r, kept, items_n);
	rows_of(&r, other);
	assert_string_equal(other, out);
	return out;
}

static void is(struct report_query q, const char *want)
{
	assert_string_equal(run(&q), want);
}

/* ---- by hand ----------------------------------------------------------------------------- */

static void labels_of_periods(void **state)
{
	(void)state;
	static const struct {
		uint32_t date;
		const char *labels[REPORT_PERIODS];
	} rows[] = {
	    {20261123, {"2026-11-23", "2026-W48", "2026-11", "2026-Q4", "2026", "all"}},
	    {20210103, {"2021-01-03", "2020-W53", "2021-01", "2021-Q1", "2021", "all"}},
	    {20241230, {"2024-12-30", "2025-W01", "2024-12", "2024-Q4", "2024", "all"}},
	    {19690930, {"1969-09-30", "1969-W40", "1969-09", "1969-Q3", "1969", "all"}},
	};
	char label[PERIOD_LABEL_MAX];
	enum report_period kind;
	int32_t day, d1, d2;

	for (size_t i = 0; i < AS_COUNT(rows); i++) {
		assert_true(date_to_days(rows[i].date, &day));
		for (unsigned k = 0; k < REPORT_PERIODS; k++) {
			period_label(k, period_of(k, day), label);
			assert_string_equal(label, rows[i].labels[k]);
			assert_true(period_of_name(bytes_of_str(period_name(k)), &kind) && kind == k);
		}
	}
	assert_false(period_of_name(bytes_of_str("days"), &kind));
	assert_true(date_to_days(19000101, &d1) && date_to_days(21991231, &d2));
	for (unsigned k = 0; k < REPORT_PERIODS; k++) /* each period is the one after the last, or the same */
		for (day = d1; day < d2; day++) {
			int32_t step = period_of(k, day + 1) - period_of(k, day);
			assert_true(step == 0 || step == 1);
		}
}

/* the worked identity: opening 12 … closing 13 */
static void volume_with_the_worked_identity(void **state)
{
	(void)state;
	clear();
	cell(CELL_VOLUME, 20261031, "BJ01")->v[VOL_RECEIVED] = 12;
	struct report_item *it = cell(CELL_VOLUME, 20261102, "BJ01");
	memcpy(it->v, (int64_t[]){30, 2, 1, 28, 1, 3, 25, 0}, sizeof it->v);
	struct report_query q = query("volume", RP_MONTH, "");
	is(q, "2026-10,0,12,0,0,0,0,0,12,0,0,12\n"
	      "2026-11,12,30,2,1,28,1,3,13,25,12,15\n");
	q.from = 20261101;
	is(q, "2026-11,12,30,2,1,28,1,3,13,25,12,15\n");
	q.from = 0;
	q.to = 20261101;
	is(q, "2026-10,0,12,0,0,0,0,0,12,0,0,12\n"
	      "2026-11,12,0,0,0,0,0,0,12,0,12,12\n");
	q.to = 0;
	q.period = RP_ALL;
	is(q, "all,0,42,2,1,28,1,3,13,25,0,15\n");
	q.from = 20261101;
	is(q, "all,12,30,2,1,28,1,3,13,25,12,15\n");
}

/* A balance shows in every period, also where nothing moves. */
static void balances_go_on_between_flows(void **state)
{
	(void)state;
	clear();
	cell(CELL_VOLUME, 20260105, "BJ01")->v[VOL_RECEIVED] = 3;
	cell(CELL_VOLUME, 20260407, "GZ02")->v[VOL_RECEIVED] = 1;
	struct report_item *it = cell(CELL_VOLUME, 20260407, "GZ02");
	it->v[VOL_FINISHED] = it->v[VOL_DELIVERED] = 1;
	struct report_query q = query("volume", RP_MONTH, "branch");
	is(q, "2026-01,BJ01,0,3,0,0,0,0,0,3,0,0,3\n"
	      "2026-02,BJ01,3,0,0,0,0,0,0,3,0,3,3\n"
	      "2026-03,BJ01,3,0,0,0,0,0,0,3,0,3,3\n"
	      "2026-04,BJ01,3,0,0,0,0,0,0,3,0,3,3\n"
	      "2026-04,GZ02,0,1,0,0,1,0,0,0,1,0,0\n");
	q.from = 20260301;
	q.to = 20260331;
	is(q, "2026-03,BJ01,3,0,0,0,0,0,0,3,0,3,3\n");
	/* an end in the future stops at today, or at the data */
	q.to = 20261231;
	q.by_n = 0;
	is(q, "2026-03,3,0,0,0,0,0,0,3,0,3,3\n"
	      "2026-04,3,1,0,0,1,0,0,3,1,3,3\n");
	today = 20260515;
	is(q, "2026-03,3,0,0,0,0,0,0,3,0,3,3\n"
	      "2026-04,3,1,0,0,1,0,0,3,1,3,3\n"
	      "2026-05,3,0,0,0,0,0,0,3,0,3,3\n");
	/* a beginning after all data: the period of it */
	q.to = 0;
	q.from = 20260601;
	is(q, "2026-06,3,0,0,0,0,0,0,3,0,3,3\n");
}

static void keys_in_order(void **state)
{
	(void)state;
	clear();
	cell(CELL_VOLUME, 20260105, "BJ01")->v[VOL_CANCELLED] = 1;
	cell(CELL_VOLUME, 20260105, "BJ")->v[VOL_RECEIVED] = 1;
	cell(CELL_VOLUME, 20260105, "GZ02")->v[VOL_RECEIVED] = 2;
	cell(CELL_VOLUME, 20260105, "XA")->v[VOL_RECEIVED] = 4;
	items[0].p.code[0] = 2; /* MAIL_IN */
	items[1].p.code[0] = 1; /* WALK_IN */
	items[2].p.code[0] = 1;
	items[2].p.code[1] = 11; /* GOODWILL */
	items[3].p.code[0] = 63; /* of a newer program */
	is(query("volume", RP_YEAR, "branch"), "2026,BJ,0,1,0,0,0,0,0,1,0,0,1\n"
					       "2026,BJ01,0,0,0,0,0,1,0,-1,0,0,-1\n"
					       "2026,GZ02,0,2,0,0,0,0,0,2,0,0,2\n"
					       "2026,XA,0,4,0,0,0,0,0,4,0,0,4\n");
	is(query("volume", RP_YEAR, "region,channel"), "2026,,63,0,4,0,0,0,0,0,4,0,0,4\n"
						       "2026,NORTH,MAIL_IN,0,0,0,0,0,1,0,-1,0,0,-1\n"
						       "2026,NORTH,WALK_IN,0,1,0,0,0,0,0,1,0,0,1\n"
						       "2026,SOUTH,WALK_IN,0,2,0,0,0,0,0,2,0,0,2\n");
	is(query("volume", RP_YEAR, "warranty"), "2026,,0,5,0,0,0,1,0,4,0,0,4\n"
						 "2026,GOODWILL,0,2,0,0,0,0,0,2,0,0,2\n");
	/* a region whose orders add to nothing has no row */
	items[1].p.code[0] = 2;
	items[1].v[VOL_RECEIVED] = 0;
	items[1].v[VOL_CANCELLED] = -1;
	is(query("volume", RP_YEAR, "region"), "2026,,0,4,0,0,0,0,0,4,0,0,4\n"
					       "2026,SOUTH,0,2,0,0,0,0,0,2,0,0,2\n");
}

static void add_tat(uint32_t day, const char *branch, int64_t minutes, bool on_time, bool same_day)
{
	struct report_item *it = cell(CELL_TAT, day, branch);

	memcpy(it->v, (int64_t[]){1, minutes, on_time, same_day, 0, 0, 0, 0}, sizeof it->v);
	it = cell(CELL_TAT_HIST, day, branch);
	it->p.bucket = cell_tat_bucket(minutes);
	it->v[HIST_COUNT] = 1;
}

/* hours 2,5,20,26,30,70,71,100,170,400 → P50 30, P90 170, P95 400, mean 89.4 */
static void times_with_the_vector_of_the_study(void **state)
{
	(void)state;
	static const int hours[] = {2, 5, 20, 26, 30, 70, 71, 100, 170, 400};

	clear();
	for (size_t i = 0; i < AS_COUNT(hours); i++)
		add_tat(20261102 + (uint32_t)i, i % 2 ? "BJ01" : "GZ02", hours[i] * 60, i < 7, i < 2);
	is(query("tat", RP_ALL, ""), "all,10,1800,10200,24000,5364,7,70.00,0,1,2,3,7,8,9,10,10,0\n");
	/* 5, 26, 70, 100, 400 */
	is(query("tat", RP_ALL, "branch"), "all,BJ01,5,4200,24000,24000,7212,3,60.00,0,0,1,1,3,4,4,5,5,0\n"
					   "all,GZ02,5,1800,10200,10200,3516,4,80.00,0,1,1,2,4,4,5,5,5,0\n");
	clear();
	add_tat(20261102, "BJ01", 60, true, true);
	add_tat(20261102, "BJ01", 61, false, true);
	add_tat(20261102, "BJ01", 60 * 24 * 60, false, false);
	add_tat(20261102, "BJ01", 60 * 24 * 60 + 1, false, false);
	/* the longest one stands for 60 days and an hour; the mean is exact and rounded half up */
	is(query("tat", RP_DAY, ""), "2026-11-02,4,61,86460,86460,43231,1,25.00,1,2,2,2,2,2,2,2,3,1\n");
	struct report_query q = query("tat", RP_DAY, "");
	q.from = 20261103;
	is(q, "");
}

static void fault(const char *branch, const char *model, unsigned cause, int64_t count)
{
	struct report_item *it = cell(CELL_FAULTS, 20261102, branch);

	it->p.code[0] = (uint8_t)cause;
	it->p.model = bytes_of_str(model);
	it->v[FAULT_COUNT] = count;
}

static void faults_largest_first(void **state)
{
	(void)state;
	clear();
	fault("BJ01", "C116", 1, 30); /* SCREEN */
	fault("GZ02", "C116", 1, 20);
	fault("BJ01", "C116", 2, 30); /* POWER_BATTERY */
	fault("BJ01", "C116", 8, 10); /* CAMERA: 80 % are reached before it */
	fault("BJ01", "C116", 5, 5);  /* SPEAKER */
	fault("BJ01", "C116", 6, 5);  /* MIC: 95 % are reached before it */
	fault("BJ01", "A1", 29, 1);
	fault("GZ02", "", 28, 2);
	is(query("pareto", RP_YEAR, ""), "2026,,NTF,2,100.00,100.00,A\n"
					 "2026,A1,UNKNOWN,1,100.00,100.00,A\n"
					 "2026,C116,SCREEN,50,50.00,50.00,A\n"
					 "2026,C116,POWER_BATTERY,30,30.00,80.00,A\n"
					 "2026,C116,CAMERA,10,10.00,90.00,B\n"
					 "2026,C116,MIC,5,5.00,95.00,B\n"
					 "2026,C116,SPEAKER,5,5.00,100.00,C\n");
	/* model and cause are there anyway */
	is(query("pareto", RP_YEAR, "region,model,cause"), "2026,NORTH,A1,UNKNOWN,1,100.00,100.00,A\n"
							   "2026,NORTH,C116,POWER_BATTERY,30,37.50,37.50,A\n"
							   "2026,NORTH,C116,SCREEN,30,37.50,75.00,A\n"
							   "2026,NORTH,C116,CAMERA,10,12.50,87.50,A\n"
							   "2026,NORTH,C116,MIC,5,6.25,93.75,B\n"
							   "2026,NORTH,C116,SPEAKER,5,6.25,100.00,B\n"
							   "2026,SOUTH,,NTF,2,100.00,100.00,A\n"
							   "2026,SOUTH,C116,SCREEN,20,100.00,100.00,A\n");
}

static void complaints_with_repairs(void **state)
{
	(void)state;
	clear();
	struct report_item *it = cell(CELL_COMPLAINTS, 20261001, "BJ01");
	memcpy(it->p.code, (uint8_t[]){1, 3, 2, 2}, 4);
	memcpy(it->v, (int64_t[]){5, 0, 2, 1, 1, 1, 0, 0}, sizeof it->v);
	it = cell(CELL_COMPLAINTS, 20261103, "BJ01");
	memcpy(it->p.code, (uint8_t[]){2, 4, 1, 4}, 4);
	memcpy(it->v, (int64_t[]){3, 3, 1, 0, 0, 0, 0, 0}, sizeof it->v);
	cell(CELL_VOLUME, 20261002, "BJ01")->v[VOL_DELIVERED] = 700;
	cell(CELL_VOLUME, 20261002, "GZ02")->v[VOL_DELIVERED] = 1300;
	is(query("complaints", RP_MONTH, ""), "2026-10,0,5,1,2,1,1,2,0,2.50\n"
					      "2026-11,2,3,0,1,0,0,4,3,n/a\n");
	is(query("complaints", RP_MONTH, "branch"), "2026-10,BJ01,0,5,1,2,1,1,2,0,7.14\n"
						    "2026-11,BJ01,2,3,0,1,0,0,4,3,n/a\n");
	/* orders have no category: all of them */
	is(query("complaints", RP_MONTH, "category,channel"), "2026-10,DELAY,PHONE,0,5,1,2,1,1,2,0,2.50\n"
							      "2026-11,ATTITUDE,WEB,0,3,0,1,0,0,2,3,n/a\n"
							      "2026-11,DELAY,PHONE,2,0,0,0,0,0,2,0,n/a\n");
	is(query("complaints", RP_ALL, "severity"), "all,ORDINARY,0,3,0,1,0,0,2,3,0.00\n"
						    "all,SERIOUS,0,5,1,2,1,1,2,0,2.50\n");
}

static void times_of_complaints(void **state)
{
	(void)state;
	clear();
	struct report_item *it = cell(CELL_COMPLAINT_TIMES, 20261105, "BJ01");
	memcpy(it->v, (int64_t[]){76, 72, 3, 1, 3, 2, 2, 0}, sizeof it->v);
	it = cell(CELL_COMPLAINT_TIMES, 20261202, "BJ01");
	memcpy(it->v, (int64_t[]){1, 1, 3, 1, 2, 0, 2, 1}, sizeof it->v);
	struct report_query q = query("complaint-timeliness", RP_MONTH, "branch");
	is(q, "2026-11,BJ01,76,72,94.74,3,1,33.33,3,2,66.67,2\n"
	      "2026-12,BJ01,1,1,100.00,3,1,33.33,2,0,0.00,3\n");
	/* what is due after today and not done is not late yet, and not overdue */
	today = 20261120;
	is(q, "2026-11,BJ01,76,72,94.74,3,1,33.33,3,2,66.67,2\n"
	      "2026-12,BJ01,1,1,100.00,1,1,100.00,0,0,n/a,2\n");
	today = 20261104;
	is(q, "2026-11,BJ01,72,72,100.00,1,1,100.00,2,2,100.00,0\n"
	      "2026-12,BJ01,1,1,100.00,1,1,100.00,0,0,n/a,0\n");
	/* overdue ones go on showing */
	today = 20270101;
	q.from = 20261215;
	q.to = 20270131;
	is(q, "2026-12,BJ01,0,0,n/a,0,0,n/a,0,0,n/a,3\n"
	      "2027-01,BJ01,0,0,n/a,0,0,n/a,0,0,n/a,3\n");
}

/* ---- what is refused --------------------------------------------------------------------- */

static void queries_that_cannot_be(void **state)
{
	(void)state;
	struct report_query q = query("volume", RP_DAY, "model,branch,model");
	struct report r;
	struct arena a;

	assert_int_equal(q.by_n, 2);
	assert_int_equal(report_by(&q, bytes_of_str("severity")), AS_EINVAL);
	assert_int_equal(report_by(&q, bytes_of_str("received")), AS_EINVAL);
	assert_int_equal(report_by(&q, bytes_of_str("")), AS_EINVAL);
	assert_null(report_of_name(bytes_of_str("plan")));
	arena_init(&a, memory, sizeof memory);
	q.from = 20260230;
	assert_int_equal(report_init(&r, &q, &a), AS_EINVAL);
	q.from = 20260302;
	q.to = 20260301;
	assert_int_equal(report_init(&r, &q, &a), AS_EINVAL);
	q.to = 20260302;
	assert_int_equal(report_init(&r, &q, &a), AS_OK);
	struct cell_parts p = {.table = CELL_VOLUME, .day = 20260231};
	assert_int_equal(report_add(&r, &p, (int64_t[CELL_VALUES_MAX]){1}), AS_ECORRUPT);
	p.day = 20260201; /* the error stays */
	assert_int_equal(report_add(&r, &p, (int64_t[CELL_VALUES_MAX]){1}), AS_ECORRUPT);
	assert_int_equal(report_finish(&r), AS_ECORRUPT);
	struct report_query daily = query("tat", RP_DAY, "");
	daily.from = 20260101;
	struct report_need need = report_needs(&daily, CELL_TAT);
	assert_true(need.from == 20260101 && !need.balances);
	need = report_needs(&q, CELL_VOLUME);
	assert_true(need.from == 20260301 && need.balances && !need.whole);
	q.from = 0;
	need = report_needs(&q, CELL_VOLUME);
	assert_true(need.from == 0 && !need.balances);
	struct report_query late = query("complaint-timeliness", RP_DAY, "branch");
	late.from = 20260310;
	late.as_of = 20260215; /* what comes due after it is looked at one by one */
	need = report_needs(&late, CELL_COMPLAINT_TIMES);
	assert_true(need.from == 20260201 && need.balances && need.whole);
	struct report_query against = query("complaints", RP_DAY, "");
	against.from = 20260310; /* deliveries have no balance there */
	need = report_needs(&against, CELL_VOLUME);
	assert_true(need.from == 20260310 && !need.balances);
}

/* Whatever the arena lacks, the answer is AS_ENOMEM and nothing is written outside of it. */
static void too_small_an_arena(void **state)
{
	(void)state;
	struct report_query q = query("tat", RP_DAY, "branch");
	bool passed = false;

	clear();
	for (unsigned i = 0; i < 12; i++)
		add_tat(20261101 + i % 4, i % 3 ? "BJ01" : "GZ02", i * 100, true, false);
	for (size_t cap = 0; cap < 8192 && !passed; cap += 16) {
		uint8_t *small = malloc(cap + 1); /* ASan sees the end of it */
		struct arena a;
		struct report r;
		struct report_row row;
		as_err err = AS_OK;
		arena_init(&a, small, cap);
		assert_int_equal(report_init(&r, &q, &a), AS_OK);
		for (size_t i = 0; i < items_n && !err; i++)
			err = report_add(&r, &items[i].p, items[i].v);
		if (!err)
			err = report_finish(&r);
		assert_true(err == AS_OK || err == AS_ENOMEM);
		passed = err == AS_OK;
		if (!passed)
			assert_false(report_next(&r, &row));
		free(small);
	}
	assert_true(passed);
}

/* ---- recount ----------------------------------------------------------------------------- */

static void random_cells(struct rng *rng, size_t n)
{
	clear();
	items_n = report_items_random(items, rng, n);
}

/* Key text of an item for the query, columns ended by \1 so that it sorts as columns do. */
static void key_of(const struct report_query *q, const struct report_item *it, char *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < q->by_n; i++) {
		const struct cell_table_def *t = &cell_tables[it->p.table];
		const struct report_dim_def *d = &report_dims[q->by[i]];
		char code[BRANCH_CODE_MAX + 1] = {0};
		memcpy(code, it->p.branch, BRANCH_CODE_MAX);
		if (q->by[i] == RD_BRANCH)
			n += (size_t)put(out + n, "%s", code);
		else if (q->by[i] == RD_REGION)
			n += (size_t)put(out + n, "%s", region_of(code));
		else if (q->by[i] == RD_MODEL)
			n += (size_t)put(out + n, "%.*s", (int)it->p.model.n, (const char *)it->p.model.p);
		else
			for (unsigned k = 0; k < t->dims_n; k++)
				if (t->dims[k] == d->cell_dim && it->p.code[k]) {
					const struct code_def *c = code_of(d->col.codes, it->p.code[k]);
					n += (size_t)(c ? put(out + n, "%s", c->name)
							: put(out + n, "%u", it->p.code[k]));
				}
		out[n++] = ',';
		out[n] = 0;
	}
}

static char keys[1024][192];
static size_t keys_n;

static int key_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void keys_of(const struct report_query *q, enum cell_table table)
{
	keys_n = 0;
	for (size_t i = 0; i < items_n; i++) {
		char key[192] = "";
		size_t k = 0;
		key_of(q, &items[i], key);
		while (k < keys_n && strcmp(keys[k], key) != 0)
			k++;
		if (items[i].p.table == table && k == keys_n)
			strcpy(keys[keys_n++], key);
	}
	/* a comma sorts after some characters that keys of this test do not have: fine */
	qsort(keys, keys_n, sizeof keys[0], key_cmp);
}

/* Sum of one value over the days d1 … d2 of one key; NULL key: any. */
static int64_t sum(const struct report_query *q, enum cell_table table, unsigned value, const char *key,
		   uint32_t d1, uint32_t d2)
{
	int64_t s = 0;
	char k[192] = "";

	for (size_t i = 0; i < items_n; i++) {
		if (items[i].p.table != table || items[i].p.day < d1 || items[i].p.day > d2)
			continue;
		key_of(q, &items[i], k);
		if (strcmp(k, key) == 0)
			s += items[i].v[value];
	}
	return s;
}

static char *naive_volume(const struct report_query *q, const char *label, const char *key, uint32_t d1,
			  uint32_t d2, char *out)
{
	static const uint8_t order[] = {VOL_RECEIVED,  VOL_TRANSFER_IN,	 VOL_REOPENED, VOL_FINISHED,
					VOL_CANCELLED, VOL_TRANSFER_OUT, VOL_DELIVERED};
	int64_t before[7], now[7], any = 0;

	for (unsigned i = 0; i < 7; i++) {
		before[i] = sum(q, CELL_VOLUME, order[i], key, 0, d1 - 1);
		now[i] = sum(q, CELL_VOLUME, order[i], key, d1, d2);
		any |= now[i];
	}
	int64_t wip = before[0] + before[1] + before[2] - before[3] - before[4] - before[5];
	int64_t held = before[0] + before[1] - before[6] - before[4] - before[5];
	int64_t wip_end = wip + now[0] + now[1] + now[2] - now[3] - now[4] - now[5];
	int64_t held_end = held + now[0] + now[1] - now[6] - now[4] - now[5];
	if (!(any | wip | held | wip_end | held_end))
		return out;
	return out + put(out, "%s,%s%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld\n", label, key,
			 (long long)wip, (long long)now[0], (long long)now[1], (long long)now[2],
			 (long long)now[3], (long long)now[4], (long long)now[5], (long long)wip_end,
			 (long long)now[6], (long long)held, (long long)held_end);
}

static char *naive_timeliness(const struct report_query *q, const char *label, const char *key, uint32_t d1,
			      uint32_t d2, char *out)
{
	int64_t v[6], any = 0;
	char rate[3][24];

	for (unsigned i = 0; i < 6; i++)
		any |= v[i] = sum(q, CELL_COMPLAINT_TIMES, i, key, d1, d2);
	for (unsigned i = 0; i < 3; i++)
		if (v[2 * i])
			snprintf(rate[i], sizeof rate[i],
				 "%.2f", /* half up, as printf's ties are exact here or far away */
				 (double)((v[2 * i + 1] * 20000 + v[2 * i]) / (2 * v[2 * i])) / 100);
		else
			strcpy(rate[i], "n/a");
	int64_t open = sum(q, CELL_COMPLAINT_TIMES, CT_OVERDUE_IN, key, 0, d2) -
		       sum(q, CELL_COMPLAINT_TIMES, CT_OVERDUE_OUT, key, 0, d2);
	if (!(any | open))
		return out;
	return out + put(out, "%s,%s%lld,%lld,%s,%lld,%lld,%s,%lld,%lld,%s,%lld\n", label, key,
			 (long long)v[0], (long long)v[1], rate[0], (long long)v[2], (long long)v[3], rate[1],
			 (long long)v[4], (long long)v[5], rate[2], (long long)open);
}

static int value_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* P-04: every single time in a list, sorted. Only the columns that the histogram decides. */
static char *naive_times(const struct report_query *q, const char *label, const char *key, uint32_t d1,
			 uint32_t d2, char *out)
{
	static const int64_t bounds[] = {60, 240, 1440, 4320, 10080, 21600, 43200, 86400};
	static int64_t list[4096];
	size_t n = 0;
	char k[192] = "";

	for (size_t i = 0; i < items_n; i++) {
		key_of(q, &items[i], k);
		if (items[i].p.table == CELL_TAT_HIST && items[i].p.day >= d1 && items[i].p.day <= d2 &&
		    strcmp(k, key) == 0)
			list[n++] = cell_tat_minutes(items[i].p.bucket);
	}
	qsort(list, n, sizeof list[0], value_cmp);
	if (n == 0)
		return out;
	out += put(out, "%s,%s", label, key);
	for (unsigned i = 0; i < 3; i++)
		out += put(out, "%lld,",
			   (long long)list[(n * (i == 0	  ? 50
						 : i == 1 ? 90
							  : 95) +
					    99) /
					       100 -
					   1]);
	for (unsigned b = 0; b < AS_COUNT(bounds); b++) {
		size_t c = 0;
		while (c < n && list[c] <= bounds[b])
			c++;
		out += put(out, "%zu,", c);
	}
	return out + put(out, "\n");
}

/* The same columns of the report. */
static const char *times_only(const struct report_query *q)
{
	static char out[OUT_MAX];
	static const uint8_t cols[] = {1, 2, 3, 7, 8, 10, 11, 12, 13, 14, 15};
	struct arena a;
	struct report r;
	struct report_row row;
	char *at = out;

	out[0] = 0;
	arena_init(&a, memory, sizeof memory);
	assert_int_equal(report_init(&r, q, &a), AS_OK);
	for (size_t i = 0; i < items_n; i++)
		assert_int_equal(report_add(&r, &items[i].p, items[i].v), AS_OK);
	assert_int_equal(report_finish(&r), AS_OK);
	while (report_next(&r, &row)) {
		at += put(at, "%s,", row.period);
		for (uint32_t i = 0; i < q->by_n; i++)
			at += put(at, "%.*s,", (int)row.key[i].n, (const char *)row.key[i].p);
		for (size_t i = 0; i < AS_COUNT(cols); i++)
			at += put(at, "%lld,", (long long)row.v[cols[i]].n);
		at += put(at, "\n");
	}
	return out;
}

typedef char *naive_fn(const struct report_query *q, const char *label, const char *key, uint32_t d1,
		       uint32_t d2, char *out);

static const char *naive(const struct report_query *q, enum cell_table table, naive_fn *row)
{
	static char out[OUT_MAX];
	char *at = out;
	uint32_t first = 99999999, last = 0;
	int32_t d, e, lo, hi;

	out[0] = 0;
	for (size_t i = 0; i < items_n; i++)
		if (q->def->tables & 1u << items[i].p.table) {
			bool any = false;
			for (unsigned k = 0; k < cell_tables[items[i].p.table].values_n; k++)
				any = any || items[i].v[k];
			if (any && items[i].p.day < first)
				first = items[i].p.day;
			if (any && items[i].p.day > last)
				last = items[i].p.day;
		}
	keys_of(q, table);
	if (q->from > first)
		first = q->from;
	if (q->to && q->to < last)
		last = q->to;
	assert_true(date_to_days(first, &lo) && date_to_days(last, &hi));
	for (d = lo; d <= hi; d = e + 1) {
		char label[PERIOD_LABEL_MAX], other[PERIOD_LABEL_MAX];
		period_label(q->period, period_of(q->period, d), label);
		for (e = d; e < hi; e++) { /* the last day with this label */
			period_label(q->period, period_of(q->period, e + 1), other);
			if (strcmp(label, other) != 0)
				break;
		}
		for (size_t k = 0; k < keys_n; k++)
			at = row(q, label, keys[k], date_of_days(d), date_of_days(e), at);
	}
	return out;
}

static void a_recount_gives_the_same(void **state)
{
	(void)state;
	static const char *const by_repair[] = {"", "branch", "region,channel", "model,warranty,branch"};
	static const char *const by_complaint[] = {"", "branch", "region,channel", "type,category,severity"};
	struct rng rng = {20261123};

	for (unsigned round = 0; round < 24; round++) {
		enum report_period period = (enum report_period)(round % REPORT_PERIODS);
		random_cells(&rng, 1 + rng_below(&rng, 400));
		struct report_query q[3] = {
		    query("volume", period, by_repair[round % 4]),
		    query("complaint-timeliness", period, by_complaint[round % 4]),
		    query("tat", period, by_repair[round % 4]),
		};
		uint32_t from = round % 3 ? 20260110 : 0, to = round % 2 ? 20260520 : 0;
		for (unsigned i = 0; i < 3; i++) {
			bool has = false;
			for (size_t k = 0; k < items_n; k++)
				has = has || ((q[i].def->tables & 1u << items[k].p.table) &&
					      items[k].p.day > 20260110 && items[k].p.day < 20260520);
			if (!has)
				continue;
			q[i].from = from;
			q[i].to = to;
			if (i == 0)
				assert_string_equal(run(&q[i]), naive(&q[i], CELL_VOLUME, naive_volume));
			else if (i == 1)
				assert_string_equal(run(&q[i]),
						    naive(&q[i], CELL_COMPLAINT_TIMES, naive_timeliness));
			else
				assert_string_equal(times_only(&q[i]),
						    naive(&q[i], CELL_TAT_HIST, naive_times));
		}
	}
}

/* Every report, any range, any day as of which it is asked: the same from balances as from all cells. */
static void balances_give_the_same(void **state)
{
	(void)state;
	static const char *const by[REPORTS][4] = {
	    [REPORT_VOLUME] = {"", "branch", "region", "channel,model"},
	    [REPORT_TAT] = {"", "branch", "region", "warranty"},
	    [REPORT_PARETO] = {"", "branch", "region", ""},
	    [REPORT_COMPLAINTS] = {"", "region", "branch,type", "severity"},
	    [REPORT_COMPLAINT_TIMELINESS] = {"", "branch", "category", "channel,region"}};
	struct rng rng = {.state = 3};
	size_t rows = 0;
	int32_t base;

	assert_true(date_to_days(20251101, &base));
	for (unsigned round = 0; round < 600; round++) {
		random_cells(&rng, 1 + rng_below(&rng, round % 2 ? 400 : 12));
		if (rng_below(&rng, 3))
			today = date_of_days(base + (int32_t)rng_below(&rng, 260));
		unsigned id = round % REPORTS;
		struct report_query q =
		    query(report_defs[id].name, (enum report_period)rng_below(&rng, REPORT_PERIODS),
			  by[id][rng_below(&rng, 4)]);
		int32_t from = base + (int32_t)rng_below(&rng, 260), to = from + (int32_t)rng_below(&rng, 90);
		q.from = rng_below(&rng, 5) ? date_of_days(from) : 0;
		q.to = rng_below(&rng, 3) ? date_of_days(to) : 0;
		rows += strlen(run(&q)) > 0;
	}
	assert_true(rows > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(labels_of_periods),
	    cmocka_unit_test(volume_with_the_worked_identity),
	    cmocka_unit_test(balances_go_on_between_flows),
	    cmocka_unit_test(keys_in_order),
	    cmocka_unit_test(times_with_the_vector_of_the_study),
	    cmocka_unit_test(faults_largest_first),
	    cmocka_unit_test(complaints_with_repairs),
	    cmocka_unit_test(times_of_complaints),
	    cmocka_unit_test(queries_that_cannot_be),
	    cmocka_unit_test(too_small_an_arena),
	    cmocka_unit_test(a_recount_gives_the_same),
	    cmocka_unit_test(balances_give_the_same),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
