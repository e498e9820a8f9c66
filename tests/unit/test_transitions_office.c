/*
 * common/ledger/transitions: every (state, kind) pair of the cases beside repair orders and complaints, and
 * what repair orders got later (certificates, exchange, refund, loaners). The lists below are domain
 * study 3.3 written a second time; what is not in them must be refused before appending and flagged when it
 * comes anyway.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/ledger/body.h"
#include "common/ledger/transitions.h"
#include "tests/lib/ev.h"

/*
 * A path: "kind:values" by number, values joined by |; "@" the next day; "!" before a kind: with an approver.
 * may: "kind:values>state"; without values: all variants of the kind.
 */
struct path {
	uint8_t type, state;
	const char *moves, *may;
};

#define AGREE "81:label_ok=1|menu_ok=1|card_ok=1"
#define DISAGREE "81:label_ok=1|menu_ok=1|card_ok=0"
#define FREE "2:cause=1|warranty=1"
#define PAID "2:cause=1|warranty=5 3:labour_fen=1|parts_fen=0"
#define WORK "5:technician=1001 6:technician=1001"
#define READY WORK " 11:outcome=1 12:pass=1|checker=1002"

static const struct path paths[] = {
    {0, 0, "",
     "50:answered_now=1>1 50:answered_now=0>2 60>1 70>1 74>1 80>1 90>1 96>1 100>1 101>1 102>1 103>1 104>1 "
     "105>1 106>2 "
     "107:complete=1>3 107:complete=0>4 108>1 109>1 110>1 111>1 120>1 121>1 122>1 130>1 132>1 134:step=1>1 "
     "135:step=1>1 139>1 140>1 145>1 146>1 147>1 148>1"},

    {CASE_REPAIR, RS_RECEIVED, "1", "22>1"},
    {CASE_REPAIR, RS_INSPECTED, "1 " FREE, "19>2 20>2 21>2 22>2"},
    {CASE_REPAIR, RS_QUOTED, "1 " PAID, "19>3 20>3 21>3 22>3"},
    {CASE_REPAIR, RS_ASSIGNED, "1 " FREE " 5:technician=1001", "19>4 20>4 21>4 22>4"},
    {CASE_REPAIR, RS_IN_REPAIR, "1 " FREE " " WORK, "19>5 20>5 21>5 22>5"},
    {CASE_REPAIR, RS_ON_HOLD, "1 7", "19>6 20>6 21>6 22>6"},
    {CASE_REPAIR, RS_AT_FACTORY, "1 " FREE " 9", "19>7 20>7 21>7 22>7"},
    {CASE_REPAIR, RS_DONE, "1 " FREE " " WORK " 11:outcome=1", "19>8 20>8 21>8 22>8"},
    {CASE_REPAIR, RS_READY, "1 " FREE " " READY, "14>10 19>9 20>9 21>9 22>9"},
    {CASE_REPAIR, RS_DELIVERED, "1 " FREE " " READY " 14", ""},
    {CASE_REPAIR, RS_CANCELLED, "1 16", ""},
    {CASE_REPAIR, RS_TRANSFERRED, "1 17", ""},
    {CASE_REPAIR, RS_RECEIVED, "1 22 23", "22>1"},
    /* with a loaner */
    {CASE_REPAIR, RS_RECEIVED, "1 22", "23>1"},
    {CASE_REPAIR, RS_INSPECTED, "1 22 " FREE, "19>2 20>2 21>2 23>2"},
    {CASE_REPAIR, RS_QUOTED, "1 22 " PAID, "19>3 20>3 21>3 23>3"},
    {CASE_REPAIR, RS_ASSIGNED, "1 22 " FREE " 5:technician=1001", "19>4 20>4 21>4 23>4"},
    {CASE_REPAIR, RS_IN_REPAIR, "1 22 " FREE " " WORK, "19>5 20>5 21>5 23>5"},
    {CASE_REPAIR, RS_ON_HOLD, "1 22 7", "19>6 20>6 21>6 23>6"},
    {CASE_REPAIR, RS_AT_FACTORY, "1 22 " FREE " 9", "19>7 20>7 21>7 23>7"},
    {CASE_REPAIR, RS_DONE, "1 22 " FREE " " WORK " 11:outcome=1", "19>8 20>8 21>8 23>8"},
    {CASE_REPAIR, RS_READY, "1 22 " FREE " " READY, "14:loaner_returned=1>10 19>9 20>9 21>9 23>9"},
    {CASE_REPAIR, RS_DELIVERED, "1 22 " FREE " " READY " !14", "23>10"},
    {CASE_REPAIR, RS_DELIVERED, "1 22 " FREE " " READY " 14:loaner_returned=1", ""},
    {CASE_REPAIR, RS_CANCELLED, "1 22 16", "23>11"},
    {CASE_REPAIR, RS_TRANSFERRED, "1 22 17", "23>12"},

    {CASE_CONSULT, CONSULT_ANSWERED, "50:answered_now=1", "52>4"},
    {CASE_CONSULT, CONSULT_PENDING, "50:answered_now=0", "51>3 52>4"},
    {CASE_CONSULT, CONSULT_REPLY_GIVEN, "50:answered_now=0 51", "52>4"},
    {CASE_CONSULT, CONSULT_MOVED, "50:answered_now=1 52", ""},

    {CASE_FOLLOWUP, FS_PLANNED, "60", "61>2 62>3 63>4"},
    {CASE_FOLLOWUP, FS_ATTEMPTED, "60 61", "61>2 62>3 63>4"},
    {CASE_FOLLOWUP, FS_ATTEMPTED, "60 61 61 61", "61>2 62>3 63>4"},
    {CASE_FOLLOWUP, FS_ATTEMPTED, "60 61 @ 61", "61>2 62>3 63>4"},
    {CASE_FOLLOWUP, FS_ATTEMPTED, "60 61 61 @ 61", "61>2 62>3 63>4 64>5"},
    {CASE_FOLLOWUP, FS_DONE, "60 62", ""},
    {CASE_FOLLOWUP, FS_DECLINED, "60 61 63", ""},
    {CASE_FOLLOWUP, FS_GIVEN_UP, "60 61 61 @ 61 64", ""},

    {CASE_CUSTOMER, CUS_ACTIVE, "70", "71>1 72>2 73>1"},
    {CASE_CUSTOMER, CUS_ERASED, "70 72", ""},

    {CASE_DEVICE, DEV_REGISTERED, "80", AGREE ">2 " DISAGREE ">3 82>4 83>1"},
    {CASE_DEVICE, DEV_REGISTERED, "80 83", AGREE ">2 " DISAGREE ">3 82>4 84>1"},
    {CASE_DEVICE, DEV_REGISTERED, "80 83 84", AGREE ">2 " DISAGREE ">3 82>4 83>1"},
    {CASE_DEVICE, DEV_VERIFIED, "80 " AGREE, AGREE ">2 " DISAGREE ">3 82>4 83>2"},
    {CASE_DEVICE, DEV_VERIFIED, "80 83 " AGREE, AGREE ">2 " DISAGREE ">3 82>4 84>2"},
    {CASE_DEVICE, DEV_MISMATCHED, "80 " DISAGREE, AGREE ">2 " DISAGREE ">3 82>4 83>3"},
    {CASE_DEVICE, DEV_MISMATCHED, "80 83 " DISAGREE, AGREE ">2 " DISAGREE ">3 82>4 84>3"},
    {CASE_DEVICE, DEV_REPLACED, "80 82", ""},
    {CASE_DEVICE, DEV_REPLACED, "80 83 82", "84>4"},

    {CASE_DAY, DS_OPEN, "90", "91>1 93>2 97>1"},
    {CASE_DAY, DS_OPEN, "90 91", "92>1 93>2 97>1"},
    {CASE_DAY, DS_COUNTED, "90 93", "93>2 94>3 97>2"},
    {CASE_DAY, DS_COUNTED, "90 91 93", "92>2 93>2 94>3 97>2"},
    {CASE_DAY, DS_CLOSED, "90 93 94", "95:hq>4"},
    {CASE_DAY, DS_REOPENED, "90 93 94 95:hq", "93>4 94>3 97>4"},
    {CASE_DAY, DS_CLOSED, "90 93 94 95:hq 94", "95:hq>4"},

    {CASE_SHIPMENT, SHIP_REQUESTED, "100", "106>2 107:complete=1>3 107:complete=0>4"},
    {CASE_SHIPMENT, SHIP_SHIPPED, "106", "107:complete=1>3 107:complete=0>4"},
    {CASE_SHIPMENT, SHIP_SHIPPED, "100 106", "107:complete=1>3 107:complete=0>4"},
    {CASE_SHIPMENT, SHIP_ARRIVED, "107:complete=1", ""},
    {CASE_SHIPMENT, SHIP_SHORT, "106 107:complete=0", "154>5"},
    {CASE_SHIPMENT, SHIP_RESOLVED, "106 107:complete=0 154", ""},

    {CASE_HAZARD, HAZ_FOUND, "122", "123>2"},
    {CASE_HAZARD, HAZ_FIXED, "122 123", "153>3"},
    {CASE_HAZARD, HAZ_VERIFIED, "122 123 153", ""},

    {CASE_EXTERNAL, EXT_OPEN, "134:step=1", "134:step=2>2 134:step=3>3"},
    {CASE_EXTERNAL, EXT_ANSWERED, "134:step=1 134:step=2", "134:step=2>2 134:step=3>3"},
    {CASE_EXTERNAL, EXT_CLOSED, "134:step=1 134:step=3", ""},
    {CASE_CLAIM, CLAIM_MADE, "135:step=1", "135:step=2>2 135:step=3>3"},
    {CASE_CLAIM, CLAIM_ACCEPTED, "135:step=1 135:step=2", ""},
    {CASE_CLAIM, CLAIM_REJECTED, "135:step=1 135:step=3", ""},

    {CASE_STAFF, STAFF_ACTIVE, "140", "141>1 142>2 143>1"},
    {CASE_STAFF, STAFF_GONE, "140 142", ""},

    {CASE_ASSESSMENT, ASM_SCHEME, "148", "149:appraiser_no=1>2"},
    {CASE_ASSESSMENT, ASM_FIRST, "148 149:appraiser_no=1", "149:appraiser_no=2>3"},
    {CASE_ASSESSMENT, ASM_SECOND, "148 149:appraiser_no=1 149:appraiser_no=2", "150>4"},
    {CASE_ASSESSMENT, ASM_CONFIRMED, "148 149:appraiser_no=1 149:appraiser_no=2 150", ""},

    {CASE_FACT, FACT_RECORDED, "130", ""},
    {CASE_FACT, FACT_RECORDED, "101", ""},
};

/* Variants that guards tell apart; every other kind of the department once. */
static const struct variant {
	uint16_t kind;
	const char *values;
} variants[] = {
    {14, "loaner_returned=0"},
    {14, "loaner_returned=1"},
    {50, "answered_now=0"},
    {50, "answered_now=1"},
    {81, "label_ok=1|menu_ok=1|card_ok=1"},
    {81, "label_ok=1|menu_ok=1|card_ok=0"},
    {95, "hq"},
    {95, ""},
    {107, "complete=0"},
    {107, "complete=1"},
    {134, "step=1"},
    {134, "step=2"},
    {134, "step=3"},
    {135, "step=1"},
    {135, "step=2"},
    {135, "step=3"},
    {149, "appraiser_no=1"},
    {149, "appraiser_no=2"},
};

/* The event in e as head office's, inside HQ_APPLIED. */
static void from_head_office(struct ev *e)
{
	static uint8_t inner[2048], body[2200];
	struct body b = {0};
	size_t n;
	int bad;

	e->head.case_branch = bytes_of_str("BJ01");
	assert_int_equal(event_encode(&e->head, inner, sizeof inner, &n), AS_OK);
	body_set_int(&b, 0, 1);
	body_set_int(&b, 1, 4); /* HQ_BRANCH */
	body_set_bytes(&b, 3, bytes_of(inner, n));
	assert_int_equal(body_encode(kind_of(HQ_APPLIED), BODY_FACTS, &b, body, sizeof body, &n, &bad),
			 AS_OK);
	e->head.kind = HQ_APPLIED;
	e->head.case_branch.n = 0;
	e->head.body = bytes_of(body, n);
	assert_int_equal(event_encode(&e->head, e->raw, sizeof e->raw, &e->n), AS_OK);
}

static void make(struct ev *e, uint32_t kind, const char *values)
{
	char spaced[128];
	bool hq = strcmp(values, "hq") == 0;

	snprintf(spaced, sizeof spaced, "%s", hq ? "" : values);
	for (char *p = spaced; *p; p++)
		if (*p == '|')
			*p = ' ';
	ev_make(e, kind, spaced);
	if (hq)
		from_head_office(e);
}

static void walk(const struct path *p, struct ev *e, struct case_rec *rec)
{
	char copy[300], *save = NULL;

	ev_init(e, 7);
	ev_rec_init(rec, e);
	snprintf(copy, sizeof copy, "%s", p->moves);
	for (char *item = strtok_r(copy, " ", &save); item; item = strtok_r(NULL, " ", &save)) {
		char *values = strchr(item, ':');
		if (item[0] == '@') {
			e->date = 20261124;
			continue;
		}
		if (values)
			*values++ = 0;
		e->approver = item[0] == '!' ? 1 : 0;
		make(e, (uint32_t)atoi(item + (item[0] == '!')), values ? values : "");
		if (ev_apply_at(e, rec, 1, rec->n, NULL) != ENTRY_APPLIED)
			fail_msg("%s: %s is illegal", p->moves, item);
		e->approver = 0;
	}
	assert_int_equal(rec->state.type, p->type);
	assert_int_equal(rec->state.state, p->state);
}

static int expected(const char *may, uint32_t kind, const char *values)
{
	char copy[600], *save = NULL;

	snprintf(copy, sizeof copy, "%s", may);
	for (char *item = strtok_r(copy, " ", &save); item; item = strtok_r(NULL, " ", &save)) {
		char *to = strchr(item, '>');
		*to++ = 0;
		char *want = strchr(item, ':');
		if (want)
			*want++ = 0;
		if ((uint32_t)atoi(item) == kind && (want == NULL || strcmp(want, values) == 0))
			return atoi(to);
	}
	return -1;
}

static unsigned legal, illegal;
static bool reached[1024];

static void try_one(const struct path *p, uint32_t kind, const char *values)
{
	int to = expected(p->may, kind, values);
	struct ledger_refusal why = {0};
	struct case_rec rec;
	struct ev e;

	walk(p, &e, &rec);
	make(&e, kind, values);
	as_err err = ledger_check(p->type ? &rec : NULL, &e.head, e.branch, e.leaf, &why);
	struct case_state before = rec.state;
	enum entry_status s = ev_apply_at(&e, &rec, 1, rec.n, NULL);
	/* a check may refuse beside, but allows nothing that the table does not */
	bool fits = to < 0 ? err == AS_EREFUSED && s == ENTRY_ILLEGAL
			   : (err == AS_OK || why.reason == LEDGER_CHECK) && s == ENTRY_APPLIED &&
				 rec.state.state == to;
	if (!fits)
		fail_msg("after %s, kind %u %s: check %d, status %s, state %d, wanted %d", p->moves, kind,
			 values, err, entry_status_name(s), rec.state.state, to);
	if (to < 0)
		assert_memory_equal(&rec.state, &before, sizeof before);
	else
		reached[transition_find(&before, &rec.entries[rec.n - 1], NULL) - transitions] = true;
	legal += to >= 0;
	illegal += to < 0;
	ev_rec_done(&rec);
}

static bool has_variants(uint32_t kind)
{
	for (size_t i = 0; i < AS_COUNT(variants); i++)
		if (variants[i].kind == kind)
			return true;
	return false;
}

static void every_pair(void **state)
{
	(void)state;

	for (size_t i = 0; i < AS_COUNT(paths); i++) {
		for (size_t k = 0; k < kinds_count(); k++) {
			const struct kind_def *kind = kind_at(k);
			if (kind->number > REPAIR_TRANSFER_IN && !(kind->flags & KF_SYSTEM) &&
			    kind->case_type != CASE_COMPLAINT && !has_variants(kind->number))
				try_one(&paths[i], kind->number, "");
		}
		for (size_t k = 0; k < AS_COUNT(variants); k++)
			if (paths[i].type || strcmp(variants[k].values, "hq") != 0) /* such a one belongs to no case */
				try_one(&paths[i], variants[k].kind, variants[k].values);
	}
	assert_true(legal > 150 && illegal > 5000);
}

/* Those of repair orders and complaints before: test_transitions. */
static void every_row_is_reached(void **state)
{
	(void)state;

	for (size_t i = 0; i < transitions_count; i++) {
		const struct transition *t = &transitions[i];
		const struct kind_def *k = kind_of(t->kind);
		if (t->kind > REPAIR_TRANSFER_IN && k->case_type != CASE_COMPLAINT && !reached[i])
			fail_msg("%s from %s to %s is never reached", k->name,
				 ledger_state_name(k->case_type, t->from),
				 ledger_state_name(k->case_type, t->to));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_pair),
	    cmocka_unit_test(every_row_is_reached),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
