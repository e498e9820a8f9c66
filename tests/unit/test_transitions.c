/*
 * common/ledger/transitions: every (state, kind) pair. The matrices below are those of repair orders and complaints,
 * written a second time, as people draw them; what is not in them must be refused before appending and
 * flagged when it comes anyway.
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
#include "common/ledger/transitions.h"
#include "tests/lib/ev.h"

struct move {
	uint32_t kind;
	const char *values;
};

/* How a case gets into a state. */
struct path {
	uint8_t type, state;
	const char *name;
	bool imported;
	struct move moves[12];
	/* what may follow, "KIND:values>STATE …"; everything else must be refused */
	const char *may;
};

#define IN                                                                                                   \
	{                                                                                                    \
		REPAIR_RECEIVED, ""                                                                          \
	}
#define FREE                                                                                                 \
	{                                                                                                    \
		REPAIR_INSPECTED, "cause=1 warranty=1"                                                       \
	}
#define PAID                                                                                                 \
	{                                                                                                    \
		REPAIR_INSPECTED, "cause=1 warranty=5"                                                       \
	}
#define QUOTE                                                                                                \
	{                                                                                                    \
		REPAIR_QUOTED, "labour_fen=100 parts_fen=0"                                                  \
	}
#define YES                                                                                                  \
	{                                                                                                    \
		QUOTE_ANSWERED, "accepted=1"                                                                 \
	}
#define NO                                                                                                   \
	{                                                                                                    \
		QUOTE_ANSWERED, "accepted=0"                                                                 \
	}
#define ASSIGN                                                                                               \
	{                                                                                                    \
		REPAIR_ASSIGNED, "technician=1001"                                                           \
	}
#define START                                                                                                \
	{                                                                                                    \
		REPAIR_STARTED, "technician=1001"                                                            \
	}
#define DONE                                                                                                 \
	{                                                                                                    \
		REPAIR_DONE, "outcome=1"                                                                     \
	}
#define PASS                                                                                                 \
	{                                                                                                    \
		QC_CHECKED, "pass=1 checker=1002"                                                            \
	}
#define CIN                                                                                                  \
	{                                                                                                    \
		COMPLAINT_RECEIVED, ""                                                                       \
	}
#define ACK                                                                                                  \
	{                                                                                                    \
		COMPLAINT_ACKED, ""                                                                          \
	}
#define FINAL                                                                                                \
	{                                                                                                    \
		COMPLAINT_REPLIED, "final=1"                                                                 \
	}

static const struct path paths[] = {
    {0, 0, "nothing", false, {{0}}, "1>1 18>1 30>1"},
    {1, RS_RECEIVED, "received", false, {IN}, "2>2 7>6 16>11 17>12"},
    {1, RS_RECEIVED, "transferred in", false, {{REPAIR_TRANSFER_IN, ""}}, "2>2 7>6 16>11 17>12"},
    {1,
     RS_INSPECTED,
     "inspected, free",
     false,
     {IN, FREE},
     "3:labour_fen=1|parts_fen=0>3 5>4 7>6 9>7 11:outcome=5>8 11:outcome=6>8 11:outcome=7>8 11:outcome=9>8 "
     "16>11 17>12"},
    {1,
     RS_INSPECTED,
     "inspected, chargeable",
     false,
     {IN, PAID},
     "3:labour_fen=0|parts_fen=0>3 7>6 9>7 11:outcome=5>8 16>11 17>12"},
    {1,
     RS_INSPECTED,
     "inspected, imported",
     true,
     {IN, FREE},
     "3:labour_fen=1|parts_fen=0>3 5>4 7>6 9>7 11:outcome=1>8 11:outcome=5>8 11:outcome=11>8 16>11 17>12"},
    {1, RS_QUOTED, "quoted", false, {IN, PAID, QUOTE}, "3>3 4:accepted=1>3 4:accepted=0>3 7>6 16>11 17>12"},
    {1,
     RS_QUOTED,
     "quote accepted",
     false,
     {IN, PAID, QUOTE, YES},
     "3>3 4:accepted=1>3 4:accepted=0>3 5>4 7>6 16>11 17>12"},
    {1,
     RS_QUOTED,
     "quoted again: no longer accepted",
     false,
     {IN, PAID, QUOTE, YES, QUOTE},
     "3>3 4:accepted=1>3 4:accepted=0>3 7>6 16>11 17>12"},
    {1, RS_QUOTED, "quote refused", false, {IN, PAID, QUOTE, NO}, "11:outcome=8>8 16>11"},
    {1, RS_ASSIGNED, "assigned", false, {IN, FREE, ASSIGN}, "5>4 6:technician=1001>5 7>6 9>7 16>11 17>12"},
    {1,
     RS_IN_REPAIR,
     "in repair",
     false,
     {IN, FREE, ASSIGN, START},
     "7>6 9>7 11:outcome=1>8 11:outcome=8>8 11:outcome=10>8"},
    {1, RS_ON_HOLD, "on hold from received", false, {IN, {REPAIR_HELD, ""}}, "8>1 9>7 17>12"},
    {1,
     RS_ON_HOLD,
     "on hold from repair",
     false,
     {IN, FREE, ASSIGN, START, {REPAIR_HELD, ""}},
     "8>5 9>7 17>12"},
    {1, RS_AT_FACTORY, "at the factory", false, {IN, FREE, {RETURN_TO_FACTORY, ""}}, "10>5"},
    {1,
     RS_DONE,
     "done",
     false,
     {IN, FREE, ASSIGN, START, DONE},
     "12:pass=1|checker=1002>9 12:pass=0|checker=1002>5"},
    {1, RS_READY, "ready", false, {IN, FREE, ASSIGN, START, DONE, PASS}, "13>9 14>10 15>5"},
    {1, RS_DELIVERED, "delivered", false, {IN, FREE, ASSIGN, START, DONE, PASS, {REPAIR_DELIVERED, ""}}, ""},
    {1, RS_CANCELLED, "cancelled", false, {IN, {REPAIR_CANCELLED, ""}}, ""},
    {1, RS_TRANSFERRED, "transferred out", false, {IN, {REPAIR_TRANSFER_OUT, ""}}, ""},
    {2, CS_RECEIVED, "complaint received", false, {CIN}, "31>2 32>2 34>1 36>1 39>6 40>7"},
    {2, CS_RECEIVED, "complaint imported", true, {CIN}, "31>2 32>2 34>1 35:final=1>4 36>1 39>6 40>7"},
    {2,
     CS_IN_PROGRESS,
     "complaint in progress",
     false,
     {CIN, ACK},
     "31>2 32>2 33>3 34>2 35:final=1>4 35:final=0>2 36>2 39>6 40>7"},
    {2,
     CS_IN_PROGRESS,
     "complaint at level 2, extended twice",
     false,
     {CIN, ACK, {COMPLAINT_ESCALATED, "level=2"}, {COMPLAINT_EXTENDED, ""}, {COMPLAINT_EXTENDED, ""}},
     "31>2 32>2 33>3 34:level=2>2 34:level=3>2 35:final=1>4 35:final=0>2 39>6 40>7"},
    {2,
     CS_FORWARDED,
     "complaint forwarded",
     false,
     {CIN, ACK, {COMPLAINT_FORWARDED, ""}},
     "31>2 32>2 34>3 35:final=0>3 36>3"},
    {2, CS_REPLIED, "complaint replied", false, {CIN, ACK, FINAL}, "34>4 37>5 38>2"},
    {2, CS_CLOSED, "complaint closed", false, {CIN, ACK, FINAL, {COMPLAINT_CLOSED, ""}}, "38>2"},
    {2, CS_WITHDRAWN, "complaint withdrawn", false, {CIN, {COMPLAINT_WITHDRAWN, ""}}, ""},
    {2, CS_REJECTED, "complaint rejected", false, {CIN, {COMPLAINT_REJECTED, ""}}, ""},
};

/* Every kind, in the variants that guards tell apart. */
static const struct move tries[] = {
    {1, ""},
    {2, "cause=1 warranty=1"},
    {3, "labour_fen=0 parts_fen=0"},
    {3, "labour_fen=1 parts_fen=0"},
    {4, "accepted=1"},
    {4, "accepted=0"},
    {5, "technician=1005"},
    {6, "technician=1001"},
    {6, "technician=1005"},
    {7, ""},
    {8, ""},
    {9, ""},
    {10, ""},
    {11, "outcome=1"},
    {11, "outcome=5"},
    {11, "outcome=6"},
    {11, "outcome=7"},
    {11, "outcome=8"},
    {11, "outcome=9"},
    {11, "outcome=10"},
    {11, "outcome=11"},
    {12, "pass=1 checker=1002"},
    {12, "pass=0 checker=1002"},
    {12, "pass=1 checker=1001"},
    {13, ""},
    {14, ""},
    {15, ""},
    {16, ""},
    {17, ""},
    {18, ""},
    {30, ""},
    {31, ""},
    {32, ""},
    {33, ""},
    {34, "level=1"},
    {34, "level=2"},
    {34, "level=3"},
    {35, "final=1"},
    {35, "final=0"},
    {36, ""},
    {37, ""},
    {38, ""},
    {39, ""},
    {40, ""},
};

/* The matrix cell: the state that follows, or -1. An entry without values stands for all variants of the
 * kind. */
static int expected(const char *may, const struct move *m)
{
	char copy[400], *save = NULL, want[64];
	size_t n = 0;

	for (const char *p = m->values; *p; p++)
		want[n++] = *p == ' ' ? '|' : *p;
	want[n] = 0;
	snprintf(copy, sizeof copy, "%s", may);
	for (char *item = strtok_r(copy, " ", &save); item; item = strtok_r(NULL, " ", &save)) {
		char *to = strchr(item, '>');
		char *values = strchr(item, ':');
		*to++ = 0;
		if (values)
			*values++ = 0;
		if ((uint32_t)atoi(item) == m->kind && (values == NULL || strcmp(values, want) == 0))
			return atoi(to);
	}
	return -1;
}

/* In the tables above some variants are left out where another one tells the same. */
static bool is_left_out(const struct path *p, const struct move *m)
{
	bool paid = p->state == RS_INSPECTED && p->type == 1 && strstr(p->name, "chargeable");

	if (paid && (m->kind == REPAIR_QUOTED || m->kind == REPAIR_DONE))
		return strcmp(m->values, "labour_fen=0 parts_fen=0") != 0 &&
		       strcmp(m->values, "outcome=5") != 0 && strcmp(m->values, "outcome=1") != 0;
	if (p->imported && m->kind == REPAIR_DONE)
		return strcmp(m->values, "outcome=1") && strcmp(m->values, "outcome=5") &&
		       strcmp(m->values, "outcome=11");
	return p->state == RS_IN_REPAIR && p->type == 1 && m->kind == REPAIR_DONE &&
	       strcmp(m->values, "outcome=1") && strcmp(m->values, "outcome=8") &&
	       strcmp(m->values, "outcome=10") && strcmp(m->values, "outcome=11");
}

static void walk(const struct path *p, struct ev *e, struct case_rec *rec)
{
	ev_init(e, 7);
	e->imported = p->imported;
	e->approver = 1;
	ev_rec_init(rec, e);
	for (size_t i = 0; p->moves[i].kind; i++)
		assert_int_equal(ev_apply(e, rec, 1, NULL, p->moves[i].kind, p->moves[i].values),
				 ENTRY_APPLIED);
	assert_int_equal(rec->state.type, p->type);
	assert_int_equal(rec->state.state, p->state);
}

static void every_pair(void **state)
{
	(void)state;
	unsigned legal = 0, illegal = 0;

	for (size_t i = 0; i < AS_COUNT(paths); i++) {
		for (size_t k = 0; k < AS_COUNT(tries); k++) {
			const struct path *p = &paths[i];
			struct ledger_refusal why = {0};
			struct case_rec rec;
			struct ev e;
			int to = expected(p->may, &tries[k]);
			if (is_left_out(p, &tries[k]))
				continue;
			walk(p, &e, &rec);
			ev_make(&e, tries[k].kind, tries[k].values);
			as_err err = ledger_check(p->type ? &rec : NULL, &e.head, e.branch, e.leaf, &why);
			struct case_state before = rec.state;
			enum entry_status s = ev_apply_at(&e, &rec, 1, rec.n, NULL);
			if ((err == AS_OK) != (to >= 0) || (s == ENTRY_APPLIED) != (to >= 0) ||
			    (to >= 0 && rec.state.state != to))
				fail_msg("%s, kind %u %s: check %d, status %s, state %d, wanted %d", p->name,
					 tries[k].kind, tries[k].values, err, entry_status_name(s),
					 rec.state.state, to);
			if (to < 0) {
				assert_int_equal(s, ENTRY_ILLEGAL);
				assert_int_equal(rec.counts[ENTRY_ILLEGAL], 1);
				assert_memory_equal(&rec.state, &before, sizeof before);
				assert_true(why.reason >= LEDGER_NOT_OPEN && why.rule != NULL);
			}
			legal += to >= 0;
			illegal += to < 0;
			ev_rec_done(&rec);
		}
	}
	assert_true(legal > 100 && illegal > 900);
}

static const char *why_not(const struct path *p, uint32_t kind, const char *values, uint32_t approver,
			   struct ledger_refusal *why)
{
	struct case_rec rec;
	struct ev e;

	walk(p, &e, &rec);
	e.approver = approver;
	ev_make(&e, kind, values);
	assert_int_equal(ledger_check(&rec, &e.head, e.branch, e.leaf, why), AS_EREFUSED);
	ev_rec_done(&rec);
	return why->rule;
}

static const struct path *named(const char *name)
{
	for (size_t i = 0; i < AS_COUNT(paths); i++)
		if (strcmp(paths[i].name, name) == 0)
			return &paths[i];
	fail();
	return NULL;
}

static void refusals_name_the_rule(void **state)
{
	(void)state;
	struct ledger_refusal why;

	assert_string_equal(why_not(named("done"), QC_CHECKED, "pass=1 checker=1001", 0, &why), "R-08");
	assert_int_equal(why.reason, LEDGER_GUARD);
	assert_string_equal(why_not(named("complaint received"), COMPLAINT_EXTENDED, "", 0, &why), "R-05");
	assert_int_equal(why.reason, LEDGER_NEEDS_APPROVER);
	assert_string_equal(why_not(named("complaint received"), COMPLAINT_EXTENDED, "", 1001, &why), "R-05");
	assert_string_equal(
	    why_not(named("complaint at level 2, extended twice"), COMPLAINT_EXTENDED, "", 1, &why), "R-35");
	assert_string_equal(why_not(named("ready"), REPAIR_STARTED, "", 0, &why), "R-04");
	assert_int_equal(why.reason, LEDGER_WRONG_STATE);
	assert_string_equal(ledger_state_name(why.case_type, why.state), "READY");
	why_not(named("ready"), COMPLAINT_ACKED, "", 0, &why);
	assert_int_equal(why.reason, LEDGER_WRONG_CASE);
	why_not(named("nothing"), REPAIR_STARTED, "", 0, &why);
	assert_int_equal(why.reason, LEDGER_NOT_OPEN);
}

static void reopening_within_thirty_days(void **state)
{
	(void)state;

	for (int days = 29; days <= 32; days++) {
		struct case_rec rec;
		struct ev e;
		walk(named("complaint closed"), &e, &rec);
		e.at += (int64_t)days * DATE_MS_PER_DAY;
		assert_int_equal(ev_apply(&e, &rec, 1, NULL, COMPLAINT_REOPENED, ""),
				 days <= 30 ? ENTRY_APPLIED : ENTRY_ILLEGAL);
		ev_rec_done(&rec);
	}
}

static void rows_are_in_order(void **state)
{
	(void)state;

	for (size_t i = 0; i < transitions_count; i++) {
		const struct transition *t = &transitions[i], *prev = i ? t - 1 : NULL;
		const struct kind_def *k = kind_of(t->kind);
		assert_non_null(k);
		assert_true(prev == NULL || prev->kind < t->kind ||
			    (prev->kind == t->kind && prev->from <= t->from));
		if (!(k->flags & KF_JOINS))
			assert_int_equal(t->from == 0, (k->flags & KF_OPENS) != 0);
		for (size_t g = 0; g < TRANSITION_GUARDS_MAX; g++)
			assert_true(t->guards[g] < GUARDS);
	}
	for (unsigned g = 1; g < GUARDS; g++)
		assert_true(guard_defs[g].rule != R_NONE && guard_defs[g].text[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_pair),
	    cmocka_unit_test(refusals_name_the_rule),
	    cmocka_unit_test(reopening_within_thirty_days),
	    cmocka_unit_test(rows_are_in_order),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
