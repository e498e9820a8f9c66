#include "common/ledger/transitions.h"

#include "common/base/check.h"
#include "common/base/date.h"

/* Codes that guards speak of; their numbers are checked by test_kinds against the lists. */
enum { OUTCOME_NTF = 5, OUTCOME_UNREPAIRABLE, OUTCOME_NO_PARTS, OUTCOME_DECLINED, OUTCOME_OBSOLETE };
enum { OUTCOME_UNKNOWN_IMPORTED = 11 };
enum { WARRANTY_REPAIR = 4, WARRANTY_GOODWILL = 11 };

const struct guard_def guard_defs[GUARDS] = {
    [G_NONE] = {R_NONE, "", false},
    [G_CHARGEABLE] = {R_04, "the repair is out of warranty or the charge is above zero", false},
    [G_FREE] = {R_04, "the repair is free of charge by the warranty decision", false},
    [G_APPROVED] = {R_04, "the customer has accepted the quote", false},
    [G_REFUSED] = {R_04, "the customer has refused the quote", false},
    [G_NOT_REFUSED] = {R_04, "the customer has not refused the quote", false},
    [G_ACCEPTS] = {R_04, "the answer is yes", false},
    [G_DECLINES] = {R_04, "the answer is no", false},
    [G_ASSIGNED_TECHNICIAN] = {R_04, "the technician is the one assigned", false},
    [G_NO_REPAIR_OUTCOME] = {R_04, "the outcome is NTF, UNREPAIRABLE, OBSOLETE or NO_PARTS", false},
    [G_DECLINED_OUTCOME] = {R_04, "the outcome is DECLINED", false},
    [G_KNOWN_OUTCOME] = {R_04, "the outcome is UNKNOWN_IMPORTED only in imported data", false},
    [G_IMPORTED] = {R_04, "the event is imported", false},
    [G_PASS] = {R_04, "the check was passed", false},
    [G_FAIL] = {R_04, "the check was failed", false},
    [G_OTHER_CHECKER] = {R_08, "the checker is not the technician", false},
    [G_FINAL] = {R_04, "the reply is final", false},
    [G_INTERIM] = {R_04, "the reply is not final", false},
    [G_LEVEL] = {R_04, "the level is not lower than before", false},
    [G_APPROVER] = {R_05, "an approver other than the actor is given", false},
    [G_TWICE] = {R_35, "the deadline was extended less than twice before", false},
    [G_THIRTY_DAYS] = {R_04, "the complaint was closed at most 30 days ago", false},
    [G_LOANER_BACK] = {R_26, "the loaner is back or an approver says otherwise", false},
    [G_NO_LOANER] = {R_26, "the customer has no loaner", false},
    [G_LOANER_OUT] = {R_26, "the customer has a loaner", false},
    [G_ANSWERED_NOW] = {R_04, "it was answered at once", false},
    [G_NOT_ANSWERED] = {R_04, "it was not answered at once", false},
    [G_TRIED] = {R_40, "there were at least 3 attempts on at least 2 days", false},
    [G_AGREE] = {R_13, "label, menu and card agree", false},
    [G_DISAGREE] = {R_13, "label, menu and card do not all agree", false},
    [G_OWNED] = {R_04, "a customer is linked", false},
    [G_NOT_OWNED] = {R_04, "no customer is linked", false},
    [G_PLANNED] = {R_64, "the plan of the day is set", false},
    [G_NOT_PLANNED] = {R_64, "the plan of the day is not set yet", false},
    [G_FROM_HQ] = {R_07, "head office says so", false},
    [G_COMPLETE] = {R_80, "everything arrived", false},
    [G_SHORT] = {R_80, "something is short or damaged", false},
    [G_STEP_1] = {R_04, "the step is OPENED or CLAIMED", false},
    [G_STEP_2] = {R_04, "the step is ANSWERED or ACCEPTED", false},
    [G_STEP_3] = {R_04, "the step is CLOSED or REJECTED", false},
    [G_FIRST] = {R_53, "the first appraiser scores", false},
    [G_SECOND] = {R_53, "the second appraiser scores", false},
    [G_DAY_OPEN] = {R_07, "the business day is open", true},
    [G_DEVICE_FREE] = {R_11, "the device is in no other open order", true},
    [G_NOTHING_CONSUMED] = {R_04, "no part was consumed", true},
};

static bool is_free(uint8_t warranty)
{
	return (warranty >= 1 && warranty <= WARRANTY_REPAIR) || warranty == WARRANTY_GOODWILL;
}

static bool no_repair_outcome(uint8_t outcome)
{
	return outcome == OUTCOME_NTF || outcome == OUTCOME_UNREPAIRABLE || outcome == OUTCOME_OBSOLETE ||
	       outcome == OUTCOME_NO_PARTS;
}

static bool within_thirty_days(uint32_t closed_on, uint32_t date)
{
	int32_t a, b;

	return date_to_days(closed_on, &a) && date_to_days(date, &b) &&
	       b - a <= policy_defs[PV_REOPEN_DAYS].value;
}

bool guard_holds(enum guard g, const struct case_state *st, const struct case_entry *e)
{
	bool imported = (e->flags & EF_IMPORTED) != 0;

	switch (g) {
	case G_CHARGEABLE:
		return !is_free(st->warranty) || e->in.t[0] + e->in.t[1] > 0;
	case G_FREE:
		return is_free(st->warranty);
	case G_APPROVED:
		return st->approved;
	case G_REFUSED:
		return st->refused;
	case G_NOT_REFUSED:
		return !st->refused;
	case G_ACCEPTS:
	case G_PASS:
	case G_FINAL:
		return e->in.c[0] != 0;
	case G_DECLINES:
	case G_FAIL:
	case G_INTERIM:
		return e->in.c[0] == 0;
	case G_ASSIGNED_TECHNICIAN:
		return e->in.staff == st->technician;
	case G_NO_REPAIR_OUTCOME:
		return no_repair_outcome(e->in.c[0]);
	case G_DECLINED_OUTCOME:
		return e->in.c[0] == OUTCOME_DECLINED;
	case G_KNOWN_OUTCOME:
		return imported || e->in.c[0] != OUTCOME_UNKNOWN_IMPORTED;
	case G_IMPORTED:
		return imported;
	case G_OTHER_CHECKER:
		return imported || st->technician == 0 || e->in.staff != st->technician;
	case G_LEVEL:
		return e->in.c[0] >= st->level;
	case G_APPROVER:
		return (e->flags & EF_APPROVED) != 0;
	case G_TWICE:
		return st->extended < policy_defs[PV_EXTENSIONS].value;
	case G_THIRTY_DAYS:
		return within_thirty_days(st->closed_on, e->business_date);
	case G_LOANER_BACK:
		return !(st->marks & MARK_LOANER_OUT) || e->in.c[0] != 0 || (e->flags & EF_APPROVED) != 0;
	case G_NO_LOANER:
		return !(st->marks & MARK_LOANER_OUT);
	case G_LOANER_OUT:
		return (st->marks & MARK_LOANER_OUT) != 0;
	case G_ANSWERED_NOW:
	case G_COMPLETE:
		return e->in.c[0] != 0;
	case G_NOT_ANSWERED:
	case G_SHORT:
		return e->in.c[0] == 0;
	case G_TRIED:
		return st->tries >= policy_defs[PV_FOLLOWUP_ATTEMPTS].value &&
		       st->try_days >= policy_defs[PV_FOLLOWUP_ATTEMPT_DAYS].value;
	case G_AGREE:
		return e->in.c[0] && e->in.c[1] && e->in.c[2];
	case G_DISAGREE:
		return !(e->in.c[0] && e->in.c[1] && e->in.c[2]);
	case G_OWNED:
		return (st->marks & MARK_OWNED) != 0;
	case G_NOT_OWNED:
		return !(st->marks & MARK_OWNED);
	case G_PLANNED:
		return (st->marks & MARK_PLANNED) != 0;
	case G_NOT_PLANNED:
		return !(st->marks & MARK_PLANNED);
	case G_FROM_HQ:
		return (e->flags & EF_HQ) != 0;
	case G_STEP_1:
	case G_FIRST:
		return e->in.c[0] == 1;
	case G_STEP_2:
	case G_SECOND:
		return e->in.c[0] == 2;
	case G_STEP_3:
		return e->in.c[0] == 3;
	default: /* none, and later */
		return true;
	}
}

static bool stands_before(const struct transition *t, uint32_t kind, uint8_t from)
{
	return t->kind < kind || (t->kind == kind && t->from < from);
}

/* First row of (kind, from), or the row where it would stand. Repair orders, most of all, are found first. */
static size_t row_of(uint32_t kind, uint8_t from)
{
	size_t lo = 0, hi = 64;

	while (hi < transitions_count && stands_before(&transitions[hi - 1], kind, from)) {
		lo = hi;
		hi *= 2;
	}
	if (hi > transitions_count)
		hi = transitions_count;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (stands_before(&transitions[mid], kind, from))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct transition *transition_find(const struct case_state *st, const struct case_entry *e,
					 enum guard *ret_guard)
{
	enum guard failed = G_NONE;

	for (size_t i = row_of(e->kind, st->state); i < transitions_count; i++) {
		const struct transition *t = &transitions[i];
		enum guard bad = G_NONE;
		if (t->kind != e->kind || t->from != st->state)
			break;
		for (size_t k = 0; k < TRANSITION_GUARDS_MAX && bad == G_NONE; k++)
			if (!guard_holds(t->guards[k], st, e))
				bad = t->guards[k];
		if (bad == G_NONE)
			return t;
		if (failed == G_NONE)
			failed = bad;
	}
	if (ret_guard)
		*ret_guard = failed;
	return NULL;
}

static void first(int64_t *at, int64_t occurred_at)
{
	if (*at == INT64_MAX)
		*at = occurred_at;
}

/* What the state of a case keeps of its events beside effect(): which slot of which kind goes where.
 * Ascending. */
enum keep_what {
	KEEP_STAFF,	 /* staff = the slot of staff */
	KEEP_KEPT_0,	 /* kept[0] = t[arg] */
	KEEP_KEPT_1,	 /* kept[1] = t[arg] */
	KEEP_DUE,	 /* due[arg] = t[arg] */
	KEEP_DONE,	 /* done[arg] = when it happened, the first time */
	KEEP_MARK,	 /* marks |= arg */
	KEEP_NO_MARK,	 /* marks &= ~arg */
	KEEP_IF_2_MARK,	 /* marks |= arg when c0 = 2 */
	KEEP_IF_1_CLEAR, /* marks &= ~arg when c0 = 1 */
	KEEP_IF_2_DONE,	 /* done[arg] = when it happened the first time with c0 = 2 */
	KEEP_TRY,	 /* one more attempt */
};

static const struct keep {
	uint16_t kind;
	uint8_t what, arg;
} keeps[] = {
    {BACK_FROM_FACTORY, KEEP_IF_2_MARK, MARK_SWAPPED}, /* EXCHANGED */
    {REPAIR_DELIVERED, KEEP_IF_1_CLEAR, MARK_LOANER_OUT},
    {EXCHANGE_DONE, KEEP_MARK, MARK_SWAPPED},
    {LOANER_OUT, KEEP_MARK, MARK_LOANER_OUT},
    {LOANER_BACK, KEEP_NO_MARK, MARK_LOANER_OUT},
    {COMPLAINT_ASSIGNED, KEEP_STAFF, 0},
    {CONSULT_RECEIVED, KEEP_DUE, 1},
    {CONSULT_REPLIED, KEEP_DONE, 1},
    {FOLLOWUP_PLANNED, KEEP_STAFF, 0},
    {FOLLOWUP_PLANNED, KEEP_DUE, 2},
    {FOLLOWUP_ATTEMPTED, KEEP_TRY, 0},
    {FOLLOWUP_DONE, KEEP_DONE, 2},
    {OWNER_LINKED, KEEP_MARK, MARK_OWNED},
    {OWNER_UNLINKED, KEEP_NO_MARK, MARK_OWNED},
    {DAY_OPENED, KEEP_KEPT_0, 0},
    {DAY_OPENED, KEEP_KEPT_1, 1},
    {DAY_OPENED, KEEP_DUE, 2},
    {DAY_PLAN_SET, KEEP_MARK, MARK_PLANNED},
    {DAY_PLAN_SET, KEEP_DUE, 0},
    {DAY_PLAN_SET, KEEP_DONE, 0},
    {DAY_CLOSED, KEEP_DONE, 2},
    {PARTS_SHIPPED, KEEP_KEPT_0, 0},
    {SAFETY_INCIDENT, KEEP_DUE, 2},
    {HAZARD_FOUND, KEEP_STAFF, 0},
    {HAZARD_FOUND, KEEP_DUE, 2},
    {HAZARD_FIXED, KEEP_DONE, 2},
    {EXTERNAL_CASE, KEEP_DUE, 2},
    {EXTERNAL_CASE, KEEP_IF_2_DONE, 2},
    {WARRANTY_CLAIM, KEEP_KEPT_0, 0},
    {STAFF_JOINED, KEEP_STAFF, 0},
    {STAFF_JOINED, KEEP_KEPT_0, 0},
    {STAFF_CHANGED, KEEP_STAFF, 0},
    {ASSESSMENT_SCHEME, KEEP_STAFF, 0},
    {ASSESSMENT_SCHEME, KEEP_KEPT_0, 0},
    {ASSESSMENT_SCHEME, KEEP_KEPT_1, 1},
};

static void keep_one(const struct keep *k, const struct case_entry *e, struct case_state *st)
{
	switch (k->what) {
	case KEEP_STAFF:
		if (e->in.staff)
			st->staff = e->in.staff;
		break;
	case KEEP_KEPT_0:
	case KEEP_KEPT_1:
		if (e->in.t[k->arg])
			st->kept[k->what - KEEP_KEPT_0] = e->in.t[k->arg];
		break;
	case KEEP_DUE:
		if (e->in.t[k->arg])
			st->due[k->arg] = e->in.t[k->arg];
		break;
	case KEEP_DONE:
		first(&st->done[k->arg], e->occurred_at);
		break;
	case KEEP_MARK:
		st->marks |= k->arg;
		break;
	case KEEP_NO_MARK:
		st->marks &= (uint8_t)~k->arg;
		break;
	case KEEP_IF_2_MARK:
		if (e->in.c[0] == 2)
			st->marks |= k->arg;
		break;
	case KEEP_IF_1_CLEAR:
		if (e->in.c[0] == 1)
			st->marks &= (uint8_t)~k->arg;
		break;
	case KEEP_IF_2_DONE:
		if (e->in.c[0] == 2)
			first(&st->done[k->arg], e->occurred_at);
		break;
	default:
		st->tries++;
		st->try_days = (uint16_t)(st->try_days + (e->business_date != st->tried_on));
		st->tried_on = e->business_date;
		break;
	}
}

static void keep(const struct case_entry *e, struct case_state *st)
{
	for (size_t i = 0; i < AS_COUNT(keeps) && keeps[i].kind <= e->kind; i++)
		if (keeps[i].kind == e->kind)
			keep_one(&keeps[i], e, st);
}

static void open_case(const struct case_entry *e, struct case_state *st)
{
	*st = (struct case_state){
	    .imported = (e->flags & EF_IMPORTED) != 0,
	    .opened_at = e->occurred_at,
	    .opened_on = e->business_date,
	    .tz_offset_min = e->tz_offset_min,
	    .done = {INT64_MAX, INT64_MAX, INT64_MAX},
	    .ended_at = INT64_MAX,
	    .model_n = e->in.model_n,
	};
	if (e->in.model_n)
		memcpy(st->model, e->in.model, e->in.model_n);
	st->type = kind_of(e->kind)->case_type;
	switch (st->type) {
	case CASE_REPAIR:
		st->channel = e->in.c[0];
		st->promised_at = e->in.t[0];
		st->sale_date = (uint32_t)e->in.t[1];
		st->made_date = (uint32_t)e->in.t[2];
		break;
	case CASE_COMPLAINT:
		st->ctype = e->in.c[0];
		st->cchannel = e->in.c[1];
		st->category = e->in.c[2];
		st->severity = e->in.c[3];
		for (size_t i = 0; i < 3; i++)
			st->due[i] = e->in.t[i];
		break;
	default:
		keep(e, st);
		break;
	}
}

static void effect(const struct case_entry *e, uint8_t from, struct case_state *st)
{
	switch (e->kind) {
	case REPAIR_INSPECTED:
		st->warranty = e->in.c[0];
		break;
	case REPAIR_QUOTED:
		st->approved = false;
		break;
	case QUOTE_ANSWERED:
		st->approved = e->in.c[0] != 0;
		st->refused = e->in.c[0] == 0;
		break;
	case REPAIR_ASSIGNED:
	case REPAIR_STARTED:
		st->technician = e->in.staff;
		break;
	case REPAIR_DONE:
		st->outcome = e->in.c[0];
		if (e->in.staff)
			st->technician = e->in.staff;
		break;
	case QC_CHECKED:
		st->qc_fails = (uint16_t)(st->qc_fails + (e->in.c[0] == 0));
		break;
	case REPAIR_REOPENED:
		st->reopened++;
		break;
	case COMPLAINT_ACKED:
		first(&st->done[0], e->occurred_at);
		break;
	case COMPLAINT_ESCALATED:
		st->level = e->in.c[0];
		break;
	case COMPLAINT_REPLIED:
		if (e->in.c[0])
			first(&st->done[1], e->occurred_at);
		break;
	case COMPLAINT_EXTENDED:
		st->extended++;
		break;
	case COMPLAINT_CLOSED:
		first(&st->done[2], e->occurred_at);
		first(&st->ended_at, e->occurred_at);
		st->closed_on = e->business_date;
		break;
	case COMPLAINT_REOPENED:
		if (from == CS_CLOSED)
			st->level = 0;
		break;
	case COMPLAINT_WITHDRAWN:
	case COMPLAINT_REJECTED:
		first(&st->ended_at, e->occurred_at);
		break;
	default:
		keep(e, st);
		break;
	}
}

void transition_apply(const struct transition *t, const struct case_entry *e, struct case_state *st)
{
	uint8_t from = t->from;

	if (from == 0)
		open_case(e, st);
	else
		effect(e, from, st);
	if (t->to == TO_PREVIOUS) {
		st->state = st->prev;
	} else {
		if (e->kind == REPAIR_HELD)
			st->prev = from;
		st->state = t->to;
	}
}
