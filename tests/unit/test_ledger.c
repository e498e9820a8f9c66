/* common/ledger: what cases add to the cells, written out; and what happens to events that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/body.h"
#include "tests/lib/ev.h"

#define SLOTS 4096

static struct cell slots[SLOTS];
static struct cell_sum sum;
static struct cell_sink sink;
static char dump[8192];

static int setup(void **state)
{
	(void)state;
	memset(slots, 0, sizeof slots);
	cell_sum_init(&sum, slots, SLOTS);
	sink = cell_sum_sink(&sum);
	return 0;
}

/* "table day branch dims: name=value …" a line, canonical order. */
static const char *cells(void)
{
	static uint32_t order[SLOTS];
	size_t n = cell_sum_sort(&sum, order), at = 0;

	dump[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const struct cell *c = &slots[order[i]];
		struct cell_parts p;
		assert_int_equal(cell_key_parse(bytes_of(c->key.b, c->key.n), &p), AS_OK);
		const struct cell_table_def *t = &cell_tables[p.table];
		at += (size_t)snprintf(dump + at, sizeof dump - at, "%s %u %.8s", t->name, p.day, p.branch);
		for (unsigned d = 0; d < t->dims_n; d++) {
			if (t->dims[d] == DIM_MODEL)
				at += (size_t)snprintf(dump + at, sizeof dump - at, " %.*s", (int)p.model.n,
						       (const char *)p.model.p);
			else
				at += (size_t)snprintf(dump + at, sizeof dump - at, " %u",
						       t->dims[d] == DIM_BUCKET ? p.bucket : p.code[d]);
		}
		at += (size_t)snprintf(dump + at, sizeof dump - at, ":");
		for (unsigned v = 0; v < t->values_n; v++)
			if (c->v[v])
				at += (size_t)snprintf(dump + at, sizeof dump - at, " %s=%lld", t->values[v],
						       (long long)c->v[v]);
		at += (size_t)snprintf(dump + at, sizeof dump - at, "\n");
	}
	return dump;
}

static void begin(struct ev *e, struct case_rec *rec, uint8_t no)
{
	ev_init(e, no);
	ev_rec_init(rec, e);
}

static void hours(struct ev *e, int n)
{
	e->at += (int64_t)n * DATE_MS_PER_HOUR;
}

#define APPLY(e, rec, kind, values)                                                                          \
	assert_int_equal(ev_apply(&(e), &(rec), 1, &sink, kind, values), ENTRY_APPLIED)

static void an_order_from_intake_to_hand_over(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e;

	begin(&e, &rec, 1);
	APPLY(e, rec, REPAIR_RECEIVED, "channel=1 model=A100");
	assert_string_equal(cells(), "volume 20261123 BJ01 1 0 A100: received=1\n");
	hours(&e, 1);
	APPLY(e, rec, REPAIR_INSPECTED,
	      "cause=2 warranty=1"); /* the warranty is known: the flow moves to its slice */
	assert_string_equal(cells(), "volume 20261123 BJ01 1 1 A100: received=1\n"
				     "faults 20261123 BJ01 2 A100: count=1\n");
	APPLY(e, rec, REPAIR_ASSIGNED, "technician=1001");
	APPLY(e, rec, REPAIR_STARTED, "technician=1001");
	hours(&e, 24);
	APPLY(e, rec, REPAIR_DONE, "outcome=1");
	APPLY(e, rec, QC_CHECKED, "pass=0 checker=1002");
	hours(&e, 1);
	APPLY(e, rec, REPAIR_DONE, "outcome=1");
	APPLY(e, rec, QC_CHECKED, "pass=1 checker=1002");
	hours(&e, 24);
	APPLY(e, rec, REPAIR_REOPENED, "");
	APPLY(e, rec, REPAIR_DONE, "outcome=1");
	hours(&e, 72); /* now after the first promise, which was in three days */
	APPLY(e, rec, QC_CHECKED, "pass=1 checker=1002");
	APPLY(e, rec, REPAIR_DELIVERED, "");
	assert_string_equal(cells(), "volume 20261123 BJ01 1 1 A100: received=1\n"
				     "volume 20261124 BJ01 1 1 A100: finished=1\n"
				     "volume 20261125 BJ01 1 1 A100: reopened=1\n"
				     "volume 20261128 BJ01 1 1 A100: finished=1 delivered=1\n"
				     "tat 20261124 BJ01 1 1 A100: finished=1 minutes=1560 on_time=1\n"
				     "tat 20261128 BJ01 1 1 A100: finished=1 minutes=7320\n"
				     "tat_hist 20261124 BJ01 1 1 1560 A100: count=1\n"
				     "tat_hist 20261128 BJ01 1 1 7320 A100: count=1\n"
				     "faults 20261123 BJ01 2 A100: count=1\n");
	assert_int_equal(rec.state.qc_fails, 1);
	assert_int_equal(rec.state.reopened, 1);
	assert_int_equal(rec.counts[ENTRY_APPLIED], 12);
	ev_rec_done(&rec);
}

static void the_same_day_and_the_promise_to_the_millisecond(void **state)
{
	(void)state;

	for (int late = 0; late < 2; late++) {
		struct case_rec rec;
		struct ev e;
		char promise[40];
		setup(NULL);
		begin(&e, &rec, 1);
		snprintf(promise, sizeof promise, "promised_at=%lld", (long long)(EV_T0 + DATE_MS_PER_HOUR));
		APPLY(e, rec, REPAIR_RECEIVED, promise);
		APPLY(e, rec, REPAIR_INSPECTED, "cause=28 warranty=1"); /* no fault found */
		APPLY(e, rec, REPAIR_DONE, "outcome=5");
		e.at = EV_T0 + DATE_MS_PER_HOUR + late;
		APPLY(e, rec, QC_CHECKED, "pass=1 checker=1002");
		assert_non_null(
		    strstr(cells(), late ? "tat 20261123 BJ01 1 1 A100: finished=1 minutes=60 same_day=1\n"
					 : "finished=1 minutes=60 on_time=1 same_day=1\n"));
		assert_non_null(strstr(cells(), "faults 20261123 BJ01 28 A100: count=1 ntf=1\n"));
		ev_rec_done(&rec);
	}
}

static void imported_orders_have_no_tat(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e;

	begin(&e, &rec, 1);
	e.imported = true;
	APPLY(e, rec, REPAIR_RECEIVED, "model=Nokia channel=1");
	APPLY(e, rec, REPAIR_INSPECTED, "cause=29");
	APPLY(e, rec, REPAIR_DONE, "outcome=11");
	APPLY(e, rec, QC_CHECKED, "pass=1");
	APPLY(e, rec, REPAIR_DELIVERED, "");
	assert_string_equal(cells(), "volume 20261123 BJ01 1 0 Nokia: received=1 finished=1 delivered=1\n"
				     "faults 20261123 BJ01 29 Nokia: count=1\n");
	ev_rec_done(&rec);
}

static void a_transfer_leaves_one_branch(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e;

	begin(&e, &rec, 1);
	APPLY(e, rec, REPAIR_TRANSFER_IN, "model=A100");
	APPLY(e, rec, REPAIR_HELD, "");
	e.date = 20261201; /* the open day says when, not the clock */
	APPLY(e, rec, REPAIR_TRANSFER_OUT, "other_branch=SH01");
	assert_string_equal(cells(), "volume 20261123 BJ01 0 0 A100: transfer_in=1\n"
				     "volume 20261201 BJ01 0 0 A100: transfer_out=1\n");
	ev_rec_done(&rec);
}

static const char complaint[] = "type=1 channel=2 category=3 severity=1";

/* ORDINARY: ack in a day, reply in three, close in fifteen. */
static void complain(struct ev *e, struct case_rec *rec, uint8_t no, const char *what)
{
	char values[200];

	begin(e, rec, no);
	snprintf(values, sizeof values, "%s ack_due=%lld reply_due=%lld close_due=%lld", what,
		 (long long)(EV_T0 + DATE_MS_PER_DAY), (long long)(EV_T0 + 3 * DATE_MS_PER_DAY),
		 (long long)(EV_T0 + 15 * DATE_MS_PER_DAY));
	APPLY(*e, *rec, COMPLAINT_RECEIVED, values);
}

static void a_complaint_in_time(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e;

	complain(&e, &rec, 1, complaint);
	assert_string_equal(cells(), "complaints 20261123 BJ01 1 3 1 2: received=1\n"
				     "complaint_times 20261124 BJ01 1 3 1 2: ack_due=1\n"
				     "complaint_times 20261126 BJ01 1 3 1 2: reply_due=1\n"
				     "complaint_times 20261208 BJ01 1 3 1 2: close_due=1 overdue_in=1\n");
	hours(&e, 24);
	APPLY(e, rec, COMPLAINT_ACKED, "");
	hours(&e, 48);
	APPLY(e, rec, COMPLAINT_REPLIED, "final=1");
	hours(&e, 24);
	APPLY(e, rec, COMPLAINT_REOPENED, ""); /* from REPLIED: it was open all the time */
	APPLY(e, rec, COMPLAINT_REPLIED, "final=1");
	APPLY(e, rec, COMPLAINT_CLOSED, "");
	hours(&e, 24);
	APPLY(e, rec, COMPLAINT_REOPENED, ""); /* from CLOSED: a flow */
	assert_string_equal(cells(), "complaints 20261123 BJ01 1 3 1 2: received=1\n"
				     "complaints 20261127 BJ01 1 3 1 2: closed=1\n"
				     "complaints 20261128 BJ01 1 3 1 2: reopened=1\n"
				     "complaint_times 20261124 BJ01 1 3 1 2: ack_due=1 ack_on_time=1\n"
				     "complaint_times 20261126 BJ01 1 3 1 2: reply_due=1 reply_on_time=1\n"
				     "complaint_times 20261208 BJ01 1 3 1 2: close_due=1 close_on_time=1\n");
	ev_rec_done(&rec);
}

static void a_complaint_too_late(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e;

	complain(&e, &rec, 1, "type=2 channel=2 category=3 severity=1");
	hours(&e, 24);
	e.at += 1;
	APPLY(e, rec, COMPLAINT_ACKED, "");
	hours(&e, 72);
	e.approver = 1;
	APPLY(e, rec, COMPLAINT_EXTENDED, ""); /* the original reply_due stays */
	APPLY(e, rec, COMPLAINT_REPLIED, "final=1");
	hours(&e, 24 * 14);
	APPLY(e, rec, COMPLAINT_CLOSED, "");
	assert_string_equal(cells(), "complaints 20261123 BJ01 2 3 1 2: received=1 suggestions=1\n"
				     "complaints 20261211 BJ01 2 3 1 2: closed=1\n"
				     "complaint_times 20261124 BJ01 2 3 1 2: ack_due=1\n"
				     "complaint_times 20261126 BJ01 2 3 1 2: reply_due=1\n"
				     "complaint_times 20261208 BJ01 2 3 1 2: close_due=1 overdue_in=1\n"
				     "complaint_times 20261211 BJ01 2 3 1 2: overdue_out=1\n");
	ev_rec_done(&rec);
}

static void imported_complaints_have_no_ack(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e;
	char values[120];

	begin(&e, &rec, 1);
	e.imported = true;
	snprintf(values, sizeof values, "%s ack_due=%lld reply_due=%lld close_due=%lld", complaint,
		 (long long)EV_T0, (long long)EV_T0, (long long)EV_T0);
	APPLY(e, rec, COMPLAINT_RECEIVED, values);
	APPLY(e, rec, COMPLAINT_REPLIED, "final=1");
	APPLY(e, rec, COMPLAINT_CLOSED, "");
	assert_string_equal(cells(), "complaints 20261123 BJ01 1 3 1 2: received=1 closed=1\n"
				     "complaint_times 20261123 BJ01 1 3 1 2: reply_due=1 reply_on_time=1 "
				     "close_due=1 close_on_time=1\n");
	ev_rec_done(&rec);
}

static void withdrawn_and_rejected(void **state)
{
	(void)state;
	struct case_rec rec[2];
	struct ev e;

	complain(&e, &rec[0], 1, complaint);
	APPLY(e, rec[0], COMPLAINT_WITHDRAWN, "");
	complain(&e, &rec[1], 2, complaint);
	APPLY(e, rec[1], COMPLAINT_REJECTED, "");
	assert_non_null(
	    strstr(cells(), "complaints 20261123 BJ01 1 3 1 2: received=2 withdrawn=1 rejected=1\n"));
	assert_null(strstr(cells(), "overdue"));
	ev_rec_done(&rec[0]);
	ev_rec_done(&rec[1]);
}

/* ---- what does not fit ------------------------------------------------------------------- */

static void an_earlier_event_arrives_late(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e, late;

	begin(&e, &rec, 1);
	ev_make(&e, REPAIR_RECEIVED, "channel=1");
	late = e; /* incarnation 1 has not arrived, its child has */
	ev_make(&e, REPAIR_INSPECTED, "cause=2 warranty=6");
	assert_int_equal(ev_apply_at(&e, &rec, 2, 0, &sink), ENTRY_ILLEGAL);
	assert_string_equal(cells(), "");
	late.head.event_id.p = late.id;
	assert_int_equal(ev_apply_at(&late, &rec, 1, 5, &sink), ENTRY_APPLIED);
	assert_string_equal(cells(), "volume 20261123 BJ01 1 6 A100: received=1\n"
				     "faults 20261123 BJ01 2 A100: count=1\n");
	assert_int_equal(rec.counts[ENTRY_ILLEGAL], 0);
	assert_int_equal(rec.counts[ENTRY_APPLIED], 2);
	ev_rec_done(&rec);
}

static void repeated_and_reused_ids(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e, first;
	struct ledger_refusal why;

	begin(&e, &rec, 1);
	ev_make(&e, REPAIR_RECEIVED, "channel=1");
	first = e;
	assert_int_equal(ev_apply_at(&first, &rec, 1, 0, &sink), ENTRY_APPLIED);
	assert_int_equal(ev_apply_at(&first, &rec, 2, 0, &sink), ENTRY_REPEATED);
	first.leaf[0] ^= 1; /* other bytes, the same id */
	assert_int_equal(ev_apply_at(&first, &rec, 3, 0, &sink), ENTRY_ID_REUSED);
	assert_string_equal(cells(), "volume 20261123 BJ01 1 0 A100: received=1\n");
	first.head.event_id = bytes_of(first.id, 16);
	first.head.salt = bytes_of(first.salt, 16);
	first.head.body.p = first.body;
	assert_int_equal(ledger_check(&rec, &first.head, e.branch, first.leaf, &why), AS_EREFUSED);
	assert_int_equal(why.reason, LEDGER_ID_REUSED);
	first.leaf[0] ^= 1;
	assert_int_equal(ledger_check(&rec, &first.head, e.branch, first.leaf, &why), AS_EREFUSED);
	assert_int_equal(why.reason, LEDGER_REPEATED);
	/* the first in order counts: an older copy arrives, and the one that counted becomes the repeated one
	 */
	assert_int_equal(ev_apply_at(&first, &rec, 0 + 1, 7, &sink), ENTRY_REPEATED);
	assert_int_equal(rec.counts[ENTRY_REPEATED], 2);
	struct case_rec other;
	ev_rec_init(&other, &e);
	setup(NULL);
	assert_int_equal(ev_apply_at(&first, &other, 2, 0, &sink), ENTRY_APPLIED);
	first.leaf[0] ^= 1;
	assert_int_equal(ev_apply_at(&first, &other, 1, 0, &sink), ENTRY_APPLIED);
	enum entry_status s;
	struct place second = {.inc_number = 2};
	memset(second.inc_id, 2, 16);
	assert_int_equal(case_rec_status(&other, &second, &s), AS_OK);
	assert_int_equal(s, ENTRY_ID_REUSED);
	assert_string_equal(cells(), "volume 20261123 BJ01 1 0 A100: received=1\n");
	ev_rec_done(&rec);
	ev_rec_done(&other);
}

static void unknown_and_undecodable(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e;
	struct ledger_refusal why;

	begin(&e, &rec, 1);
	APPLY(e, rec, REPAIR_RECEIVED, "");
	ev_make(&e, 999, "");
	assert_int_equal(ledger_check(&rec, &e.head, e.branch, e.leaf, &why), AS_EREFUSED);
	assert_int_equal(why.reason, LEDGER_UNKNOWN_KIND);
	assert_int_equal(ev_apply_at(&e, &rec, 1, 1, &sink), ENTRY_UNKNOWN_KIND);
	ev_make(&e, REPAIR_INSPECTED, "cause=1 warranty=1");
	e.head.body = bytes_of("\x08\x63", 2); /* cause 99 */
	assert_int_equal(event_encode(&e.head, e.raw, sizeof e.raw, &e.n), AS_OK);
	assert_int_equal(ledger_check(&rec, &e.head, e.branch, e.leaf, &why), AS_EREFUSED);
	assert_int_equal(why.reason, LEDGER_BAD_VALUE);
	assert_string_equal(why.field, "cause");
	assert_int_equal(ev_apply_at(&e, &rec, 1, 2, &sink), ENTRY_UNDECODABLE);
	e.head.body = bytes_of("\x10\x01", 2); /* no cause */
	e.id[11]++;
	assert_int_equal(event_encode(&e.head, e.raw, sizeof e.raw, &e.n), AS_OK);
	assert_int_equal(ledger_check(&rec, &e.head, e.branch, e.leaf, &why), AS_EREFUSED);
	assert_int_equal(why.reason, LEDGER_MISSING_FIELD);
	assert_string_equal(why.rule, "R-16");
	assert_int_equal(ev_apply_at(&e, &rec, 1, 3, &sink), ENTRY_UNDECODABLE);
	/* the state is untouched: the order goes on */
	APPLY(e, rec, REPAIR_INSPECTED, "cause=1 warranty=1");
	assert_int_equal(rec.state.state, RS_INSPECTED);
	ev_rec_done(&rec);
}

/* The body of HQ_APPLIED around an event of head office. */
static size_t wrap(const uint8_t *inner, size_t n, uint8_t *out, size_t cap)
{
	struct body b = {0};
	size_t m;
	int bad;

	body_set_int(&b, 0, 1);
	body_set_int(&b, 1, 4); /* HQ_BRANCH */
	body_set_bytes(&b, 3, bytes_of(inner, n));
	assert_int_equal(body_encode(kind_of(HQ_APPLIED), BODY_FACTS, &b, out, cap, &m, &bad), AS_OK);
	return m;
}

/* Head office extends a complaint: the branch appends the event inside HQ_APPLIED, twice by accident. */
static void head_office_speaks(void **state)
{
	(void)state;
	struct case_rec rec;
	struct ev e, hq;
	uint8_t inner[512], body[600], salt[16] = {9};
	size_t n, m;
	struct ledger_refusal why;

	complain(&e, &rec, 1, complaint);
	hq = e;
	hq.approver = 1;
	hq.actor = 2;
	ev_make(&hq, COMPLAINT_EXTENDED, "");
	hq.head.case_branch = bytes_of_str("BJ01");
	hq.head.salt = bytes_of(salt, 16);
	assert_int_equal(event_encode(&hq.head, inner, sizeof inner, &n), AS_OK);
	m = wrap(inner, n, body, sizeof body);
	for (unsigned i = 0; i < 2; i++) {
		ev_make(&e, COMPLAINT_ACKED, "");
		e.head.kind = HQ_APPLIED;
		e.head.body = bytes_of(body, m);
		assert_int_equal(event_encode(&e.head, e.raw, sizeof e.raw, &e.n), AS_OK);
		if (i == 0)
			assert_int_equal(ledger_check(&rec, &e.head, e.branch, e.leaf, &why), AS_OK);
		assert_int_equal(ev_apply_at(&e, &rec, 1, 10 + i, &sink), i ? ENTRY_REPEATED : ENTRY_APPLIED);
	}
	assert_int_equal(rec.state.extended, 1);
	/* another branch's case inside: not ours to apply */
	hq.head.case_branch = bytes_of_str("SH01");
	assert_int_equal(event_encode(&hq.head, inner, sizeof inner, &n), AS_OK);
	e.head.body.n = wrap(inner, n, body, sizeof body);
	e.id[11]++;
	assert_int_equal(event_encode(&e.head, e.raw, sizeof e.raw, &e.n), AS_OK);
	assert_int_equal(ev_apply_at(&e, &rec, 1, 12, &sink), ENTRY_UNDECODABLE);
	/* a branch's own event must not name a branch */
	ev_make(&e, COMPLAINT_ACKED, "");
	e.head.case_branch = bytes_of_str("BJ01");
	assert_int_equal(event_encode(&e.head, e.raw, sizeof e.raw, &e.n), AS_OK);
	assert_int_equal(ev_apply_at(&e, &rec, 1, 13, &sink), ENTRY_UNDECODABLE);
	ev_rec_done(&rec);
}

static void system_kinds_belong_to_no_case(void **state)
{
	(void)state;
	struct case_key key;
	struct ev e;

	ev_init(&e, 1);
	ev_make(&e, REPAIR_RECEIVED, "");
	assert_true(ledger_case_of(&e.head, e.branch, &key));
	assert_memory_equal(key.id, e.id, 16);
	ev_make(&e, REPAIR_RESUMED, "");
	assert_true(ledger_case_of(&e.head, e.branch, &key));
	assert_memory_equal(key.id, e.case_id, 16);
	e.head.kind = LOG_OPENED;
	assert_false(ledger_case_of(&e.head, e.branch, &key));
	e.head.kind = HQ_APPLIED;
	assert_true(ledger_case_of(&e.head, e.branch, &key));
	e.head.case_id.n = 0;
	assert_false(ledger_case_of(&e.head, e.branch, &key));
}

/* The first CASE_EVENTS_MAX in order count, whatever arrives first. */
static void a_case_is_bounded(void **state)
{
	(void)state;
	struct case_rec forward, backward;
	struct ev e, *all = malloc((CASE_EVENTS_MAX + 50) * sizeof *all);
	static uint8_t raw[2][CASE_REC_BYTES_MAX];
	size_t n[2];

	begin(&e, &forward, 1);
	ev_rec_init(&backward, &e);
	ev_make(&e, REPAIR_RECEIVED, "");
	all[0] = e;
	for (size_t i = 1; i < CASE_EVENTS_MAX + 50; i++) {
		ev_make(&e, i % 2 ? REPAIR_HELD : REPAIR_RESUMED, "");
		all[i] = e;
	}
	for (size_t i = 0; i < CASE_EVENTS_MAX + 50; i++)
		assert_int_equal(ev_apply_at(&all[i], &forward, 1, i, &sink),
				 i < CASE_EVENTS_MAX ? ENTRY_APPLIED : ENTRY_ILLEGAL);
	for (size_t i = CASE_EVENTS_MAX + 50; i-- > 0;)
		ev_apply_at(&all[i], &backward, 1, i, NULL);
	assert_int_equal(forward.n, CASE_EVENTS_MAX);
	assert_int_equal(forward.over, 50);
	assert_int_equal(forward.counts[ENTRY_ILLEGAL], 50);
	assert_int_equal(case_rec_encode(&forward, raw[0], sizeof raw[0], &n[0]), AS_OK);
	assert_int_equal(case_rec_encode(&backward, raw[1], sizeof raw[1], &n[1]), AS_OK);
	assert_int_equal(n[0], n[1]);
	assert_memory_equal(raw[0], raw[1], n[0]);
	assert_int_equal(backward.counts[ENTRY_ILLEGAL], 50);
	ev_rec_done(&forward);
	ev_rec_done(&backward);
	free(all);
}

static void tat_buckets(void **state)
{
	(void)state;

	for (int64_t m = 0; m < 90 * 1440; m++) {
		int64_t back = cell_tat_minutes(cell_tat_bucket(m));
		assert_true(back >= m && back < m + 60 && (m > 7 * 1440 || back == m));
		assert_true(m == 0 || cell_tat_bucket(m) >= cell_tat_bucket(m - 1));
		/* the bounds of the report are exact: 15, 30, 60 days */
		assert_int_equal(back <= 15 * 1440, m <= 15 * 1440);
		assert_int_equal(back <= 60 * 1440, m <= 60 * 1440);
	}
	assert_int_equal(cell_tat_bucket(-5), 0);
	assert_int_equal(cell_tat_bucket(INT64_MAX / 2), cell_tat_bucket(INT64_C(10) * 366 * 1440));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(an_order_from_intake_to_hand_over, setup),
	    cmocka_unit_test_setup(the_same_day_and_the_promise_to_the_millisecond, setup),
	    cmocka_unit_test_setup(imported_orders_have_no_tat, setup),
	    cmocka_unit_test_setup(a_transfer_leaves_one_branch, setup),
	    cmocka_unit_test_setup(a_complaint_in_time, setup),
	    cmocka_unit_test_setup(a_complaint_too_late, setup),
	    cmocka_unit_test_setup(imported_complaints_have_no_ack, setup),
	    cmocka_unit_test_setup(withdrawn_and_rejected, setup),
	    cmocka_unit_test_setup(an_earlier_event_arrives_late, setup),
	    cmocka_unit_test_setup(repeated_and_reused_ids, setup),
	    cmocka_unit_test_setup(unknown_and_undecodable, setup),
	    cmocka_unit_test_setup(head_office_speaks, setup),
	    cmocka_unit_test_setup(system_kinds_belong_to_no_case, setup),
	    cmocka_unit_test_setup(a_case_is_bounded, setup),
	    cmocka_unit_test_setup(tat_buckets, setup),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
