/*
 * The ledger: is this event allowed, what is the state of its case, what does the case contribute to the
 *cells. Pure: no clock, no allocation, no other read than the case's own record.
 *
 *	ledger_case_of(ev, branch, &key)        which case
 *	...the shell reads the case's record, or starts an empty one...
 *	ledger_check(rec, ev, branch, &why)     before appending at the branch
 *	ledger_apply(rec, ev, place, leaf, sink, &status)     for every event of every log, in any order
 *
 * The result after a set of events does not depend on the order in which they were applied.
 */
#ifndef AFTERSYNC_LEDGER_LEDGER_H
#define AFTERSYNC_LEDGER_LEDGER_H

#include "common/ledger/case_rec.h"
#include "common/ledger/cells.h"

/*
 * The case that an event in a log of `branch` belongs to. False: it belongs to none (LOG_OPENED, HQ_APPLIED
 * of a policy). An event of unknown kind belongs to the case that it names or would open: it is flagged
 * there.
 */
bool ledger_case_of(const struct event *ev, const char branch[BRANCH_CODE_MAX], struct case_key *ret_key);

/*
 * Takes one event of rec's case into the record and gives the difference to the cells to `sink` (may have add
 * = NULL). The fast path is an event that sorts last; any other is inserted and the case folded again.
 *
 * rec       room for one more entry (case_rec_reserve) unless n = CASE_EVENTS_MAX.
 * place     not in the record yet: a block is applied once.
 * leaf      leaf hash of the event's bytes.
 * ret_status  what became of it now; may change when earlier events arrive. May be NULL.
 * AS_EINVAL: no room. AS_EEXIST: the place is in the record. Nothing changed.
 */
as_err ledger_apply(struct case_rec *rec, const struct event *ev, const struct place *place,
		    const uint8_t leaf[32], const struct cell_sink *sink,
		    enum entry_status *ret_status) AS_MUST_CHECK;

/* The whole contribution of a case, times `sign` (1 or -1): for recounts. */
void ledger_contribution(const struct case_rec *rec, int sign, const struct cell_sink *sink);

/* Folds the entries from nothing: statuses, counts, state. */
void ledger_fold(struct case_rec *rec);

enum ledger_reason {
	LEDGER_OK = 0,
	LEDGER_UNKNOWN_KIND,
	LEDGER_BAD_BODY,       /* field: which, when known */
	LEDGER_MISSING_FIELD,  /* field is required */
	LEDGER_BAD_VALUE,      /* field is outside its limits or list */
	LEDGER_NOT_OPEN,       /* the case does not exist: `kind` cannot open one */
	LEDGER_ALREADY_OPEN,   /* an opening kind for a case that exists */
	LEDGER_WRONG_CASE,     /* kind of another type of case */
	LEDGER_WRONG_STATE,    /* no row for (state, kind) */
	LEDGER_GUARD,	       /* a row, but its condition does not hold: `text` says which */
	LEDGER_REPEATED,       /* same id and bytes are in the case already */
	LEDGER_ID_REUSED,      /* same id, other bytes */
	LEDGER_FULL,	       /* CASE_EVENTS_MAX events */
	LEDGER_NEEDS_APPROVER, /* */
	LEDGER_CHECK,	       /* a row of checks.h does not hold: `text` is its sentence */
};

/* Why an event may not be appended; texts are static. The shell words it. */
struct ledger_refusal {
	enum ledger_reason reason;
	const char *rule;  /* "R-04", or NULL */
	const char *field; /* or NULL */
	const char *text;  /* of the guard or check, or NULL */
	uint8_t case_type, state;
};

/*
 * May this event be appended now? rec = NULL: the case is not known (the event must open one).
 * AS_EREFUSED with *ret_why set (and only then).
 */
as_err ledger_check(const struct case_rec *rec, const struct event *ev, const char branch[BRANCH_CODE_MAX],
		    const uint8_t leaf[32], struct ledger_refusal *ret_why) AS_MUST_CHECK;

/* Name of a state: code list of the case type, or "-" for none. */
const char *ledger_state_name(enum case_type type, uint8_t state);

#endif
