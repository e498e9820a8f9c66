#include "common/ledger/transitions.h"

#include "common/base/check.h"
#include "common/base/date.h"

/* Codes that guards speak of; their numbers are checked by test_kinds against the lists. */
enum { OUTCOME_NTF = 5, OUTCOME_UNREPAIRABLE, OUTCOME_NO_PARTS, OUTCOME_DECLINED, OUTCOME_OBSOLETE };
enum { OUTCOME_UNKNOWN_IMPORTED = 11 };
enum { WARRANTY_REPAIR = 4, WARRANTY_GOODWILL = 11 };

#define REOPEN_DAYS_MAX 30
#define EXTENSIONS_MAX 2

const struct guard_def guard_defs[GUARDS] = {
    [G_NONE] = {NULL, "", false},
    [G_CHARGEABLE] = {"R-04", "the repair is out of warranty or the charge is above zero", false},
    [G_FREE] = {"R-04", "the repair is free of charge by the warranty decision", false},
    [G_APPROVED] = {"R-04", "the customer has accepted the quote", false},
    [G_REFUSED] = {"R-04", "the customer has refused the quote", false},
    [G_NOT_REFUSED] = {"R-04", "the customer has not refused the quote", false},
    [G_ACCEPTS] = {"R-04", "the answer is yes", false},
    [G_DECLINES] = {"R-04", "the answer is no", false},
    [G_ASSIGNED_TECHNICIAN] = {"R-04", "the technician is the one assigned", false},
    [G_NO_REPAIR_OUTCOME] = {"R-04", "the outcome is NTF, UNREPAIRABLE, OBSOLETE or NO_PARTS", false},
    [G_DECLINED_OUTCOME] = {"R-04", "the outcome is DECLINED", false},
    [G_KNOWN_OUTCOME] = {"R-04", "the outcome is UNKNOWN_IMPORTED only in imported data", false},
    [G_IMPORTED] = {"R-04", "the event is imported", false},
    [G_PASS] = {"R-04", "the check was passed", false},
    [G_FAIL] = {"R-04", "the check was failed", false},
    [G_OTHER_CHECKER] = {"R-08", "the checker is not the technician", false},
    [G_FINAL] = {"R-04", "the reply is final", false},
    [G_INTERIM] = {"R-04", "the reply is not final", false},
    [G_LEVEL] = {"R-04", "the level is not lower than before", false},
    [G_APPROVER] = {"R-05", "an approver other than the actor is given", false},
    [G_TWICE] = {"R-35", "the deadline was extended less than twice before", false},
    [G_THIRTY_DAYS] = {"R-04", "the complaint was closed at most 30 days ago", false},
    [G_DAY_OPEN] = {"R-07", "the business day is open", true},
    [G_DEVICE_FREE] = {"R-11", "the device is in no other open order", true},
    [G_NOTHING_CONSUMED] = {"R-04", "no part was consumed", true},
    [G_LOANER_BACK] = {"R-26", "the loaner is back or the approver says otherwise", true},
};

/* clang-format off */
const struct transition transitions[] = {
	/* ---- domain study 3.1 ---- */
	{REPAIR_RECEIVED, RS_NONE, RS_RECEIVED, {G_DAY_OPEN, G_DEVICE_FREE}},

	{REPAIR_INSPECTED, RS_RECEIVED, RS_INSPECTED, {G_NONE}},

	{REPAIR_QUOTED, RS_INSPECTED, RS_QUOTED, {G_CHARGEABLE}},
	{REPAIR_QUOTED, RS_QUOTED, RS_QUOTED, {G_NOT_REFUSED}},

	{QUOTE_ANSWERED, RS_QUOTED, RS_QUOTED, {G_NOT_REFUSED, G_ACCEPTS}},
	{QUOTE_ANSWERED, RS_QUOTED, RS_QUOTED, {G_NOT_REFUSED, G_DECLINES}},

	{REPAIR_ASSIGNED, RS_INSPECTED, RS_ASSIGNED, {G_FREE}},
	{REPAIR_ASSIGNED, RS_QUOTED, RS_ASSIGNED, {G_APPROVED}},
	{REPAIR_ASSIGNED, RS_ASSIGNED, RS_ASSIGNED, {G_NONE}},

	{REPAIR_STARTED, RS_ASSIGNED, RS_IN_REPAIR, {G_ASSIGNED_TECHNICIAN}},

	{REPAIR_HELD, RS_RECEIVED, RS_ON_HOLD, {G_NONE}},
	{REPAIR_HELD, RS_INSPECTED, RS_ON_HOLD, {G_NONE}},
	{REPAIR_HELD, RS_QUOTED, RS_ON_HOLD, {G_NOT_REFUSED}},
	{REPAIR_HELD, RS_ASSIGNED, RS_ON_HOLD, {G_NONE}},
	{REPAIR_HELD, RS_IN_REPAIR, RS_ON_HOLD, {G_NONE}},

	{REPAIR_RESUMED, RS_ON_HOLD, TO_PREVIOUS, {G_NONE}},

	{RETURN_TO_FACTORY, RS_INSPECTED, RS_AT_FACTORY, {G_NONE}},
	{RETURN_TO_FACTORY, RS_ASSIGNED, RS_AT_FACTORY, {G_NONE}},
	{RETURN_TO_FACTORY, RS_IN_REPAIR, RS_AT_FACTORY, {G_NONE}},
	{RETURN_TO_FACTORY, RS_ON_HOLD, RS_AT_FACTORY, {G_NONE}},

	{BACK_FROM_FACTORY, RS_AT_FACTORY, RS_IN_REPAIR, {G_NONE}},

	{REPAIR_DONE, RS_INSPECTED, RS_DONE, {G_NO_REPAIR_OUTCOME}},
	{REPAIR_DONE, RS_INSPECTED, RS_DONE, {G_IMPORTED}}, /* the extra row for imported events */
	{REPAIR_DONE, RS_QUOTED, RS_DONE, {G_REFUSED, G_DECLINED_OUTCOME}},
	{REPAIR_DONE, RS_IN_REPAIR, RS_DONE, {G_KNOWN_OUTCOME}},

	{QC_CHECKED, RS_DONE, RS_READY, {G_PASS, G_OTHER_CHECKER}},
	{QC_CHECKED, RS_DONE, RS_IN_REPAIR, {G_FAIL, G_OTHER_CHECKER}},

	{CUSTOMER_NOTIFIED, RS_READY, RS_READY, {G_NONE}},

	{REPAIR_DELIVERED, RS_READY, RS_DELIVERED, {G_LOANER_BACK}},

	{REPAIR_REOPENED, RS_READY, RS_IN_REPAIR, {G_NONE}},

	{REPAIR_CANCELLED, RS_RECEIVED, RS_CANCELLED, {G_NOTHING_CONSUMED}},
	{REPAIR_CANCELLED, RS_INSPECTED, RS_CANCELLED, {G_NOTHING_CONSUMED}},
	{REPAIR_CANCELLED, RS_QUOTED, RS_CANCELLED, {G_NOTHING_CONSUMED}},
	{REPAIR_CANCELLED, RS_ASSIGNED, RS_CANCELLED, {G_NOTHING_CONSUMED}},

	{REPAIR_TRANSFER_OUT, RS_RECEIVED, RS_TRANSFERRED, {G_NONE}},
	{REPAIR_TRANSFER_OUT, RS_INSPECTED, RS_TRANSFERRED, {G_NONE}},
	{REPAIR_TRANSFER_OUT, RS_QUOTED, RS_TRANSFERRED, {G_NOT_REFUSED}},
	{REPAIR_TRANSFER_OUT, RS_ASSIGNED, RS_TRANSFERRED, {G_NONE}},
	{REPAIR_TRANSFER_OUT, RS_ON_HOLD, RS_TRANSFERRED, {G_NONE}},

	{REPAIR_TRANSFER_IN, RS_NONE, RS_RECEIVED, {G_DAY_OPEN, G_DEVICE_FREE}},

	/* ---- domain study 3.2 ---- */
	{COMPLAINT_RECEIVED, CS_NONE, CS_RECEIVED, {G_DAY_OPEN}},

	{COMPLAINT_ACKED, CS_RECEIVED, CS_IN_PROGRESS, {G_NONE}},
	{COMPLAINT_ACKED, CS_IN_PROGRESS, CS_IN_PROGRESS, {G_NONE}},
	{COMPLAINT_ACKED, CS_FORWARDED, CS_IN_PROGRESS, {G_NONE}},

	{COMPLAINT_ASSIGNED, CS_RECEIVED, CS_IN_PROGRESS, {G_NONE}},
	{COMPLAINT_ASSIGNED, CS_IN_PROGRESS, CS_IN_PROGRESS, {G_NONE}},
	{COMPLAINT_ASSIGNED, CS_FORWARDED, CS_IN_PROGRESS, {G_NONE}},

	{COMPLAINT_FORWARDED, CS_IN_PROGRESS, CS_FORWARDED, {G_NONE}},

	{COMPLAINT_ESCALATED, CS_RECEIVED, CS_RECEIVED, {G_LEVEL}},
	{COMPLAINT_ESCALATED, CS_IN_PROGRESS, CS_IN_PROGRESS, {G_LEVEL}},
	{COMPLAINT_ESCALATED, CS_FORWARDED, CS_FORWARDED, {G_LEVEL}},
	{COMPLAINT_ESCALATED, CS_REPLIED, CS_REPLIED, {G_LEVEL}},

	{COMPLAINT_REPLIED, CS_RECEIVED, CS_REPLIED, {G_IMPORTED, G_FINAL}}, /* imported: no ACKED */
	{COMPLAINT_REPLIED, CS_IN_PROGRESS, CS_REPLIED, {G_FINAL}},
	{COMPLAINT_REPLIED, CS_IN_PROGRESS, CS_IN_PROGRESS, {G_INTERIM}},
	{COMPLAINT_REPLIED, CS_FORWARDED, CS_FORWARDED, {G_INTERIM}},

	{COMPLAINT_EXTENDED, CS_RECEIVED, CS_RECEIVED, {G_APPROVER, G_TWICE}},
	{COMPLAINT_EXTENDED, CS_IN_PROGRESS, CS_IN_PROGRESS, {G_APPROVER, G_TWICE}},
	{COMPLAINT_EXTENDED, CS_FORWARDED, CS_FORWARDED, {G_APPROVER, G_TWICE}},

	{COMPLAINT_CLOSED, CS_REPLIED, CS_CLOSED, {G_NONE}},

	{COMPLAINT_REOPENED, CS_REPLIED, CS_IN_PROGRESS, {G_NONE}},
	{COMPLAINT_REOPENED, CS_CLOSED, CS_IN_PROGRESS, {G_THIRTY_DAYS}},

	{COMPLAINT_WITHDRAWN, CS_RECEIVED, CS_WITHDRAWN, {G_NONE}},
	{COMPLAINT_WITHDRAWN, CS_IN_PROGRESS, CS_WITHDRAWN, {G_NONE}},

	{COMPLAINT_REJECTED, CS_RECEIVED, CS_REJECTED, {G_NONE}},
	{COMPLAINT_REJECTED, CS_IN_PROGRESS, CS_REJECTED, {G_NONE}},
};
/* clang-format on */
const size_t transitions_count = AS_COUNT(transitions);

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

	return date_to_days(closed_on, &a) && date_to_days(date, &b) && b - a <= REOPEN_DAYS_MAX;
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
		return st->extended < EXTENSIONS_MAX;
	case G_THIRTY_DAYS:
		return within_thirty_days(st->closed_on, e->business_date);
	default: /* none, and later */
		return true;
	}
}

/* First row of (kind, from), or the row where it would stand. */
static size_t row_of(uint32_t kind, uint8_t from)
{
	size_t lo = 0, hi = AS_COUNT(transitions);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct transition *t = &transitions[mid];
		if (t->kind < kind || (t->kind == kind && t->from < from))
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

	for (size_t i = row_of(e->kind, st->state); i < AS_COUNT(transitions); i++) {
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
	if (e->kind == COMPLAINT_RECEIVED) {
		st->type = CASE_COMPLAINT;
		st->ctype = e->in.c[0];
		st->cchannel = e->in.c[1];
		st->category = e->in.c[2];
		st->severity = e->in.c[3];
		for (size_t i = 0; i < 3; i++)
			st->due[i] = e->in.t[i];
	} else {
		st->type = CASE_REPAIR;
		st->channel = e->in.c[0];
		st->promised_at = e->in.t[0];
	}
}

static void first(int64_t *at, int64_t occurred_at)
{
	if (*at == INT64_MAX)
		*at = occurred_at;
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
