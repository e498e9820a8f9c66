/*
 * The state machines as a table (the rows: transition_rows.c): (state, kind) → next
 * state, under guards. What is not in the table is illegal. Guards look only at the case's state and
 * the event; those that need records which are not kept yet are rows marked `later` and hold. Pure.
 */
#ifndef AFTERSYNC_LEDGER_TRANSITIONS_H
#define AFTERSYNC_LEDGER_TRANSITIONS_H

#include "common/ledger/case_rec.h"

enum guard {
	G_NONE = 0,
	G_CHARGEABLE,
	G_FREE,
	G_APPROVED,
	G_REFUSED,
	G_NOT_REFUSED,
	G_ACCEPTS,
	G_DECLINES,
	G_ASSIGNED_TECHNICIAN,
	G_NO_REPAIR_OUTCOME,
	G_DECLINED_OUTCOME,
	G_KNOWN_OUTCOME,
	G_IMPORTED,
	G_PASS,
	G_FAIL,
	G_OTHER_CHECKER,
	G_FINAL,
	G_INTERIM,
	G_LEVEL,
	G_APPROVER,
	G_TWICE,
	G_THIRTY_DAYS,
	G_LOANER_BACK,
	G_NO_LOANER,
	G_LOANER_OUT,
	G_ANSWERED_NOW,
	G_NOT_ANSWERED,
	G_TRIED,
	G_AGREE,
	G_DISAGREE,
	G_OWNED,
	G_NOT_OWNED,
	G_PLANNED,
	G_NOT_PLANNED,
	G_FROM_HQ,
	G_COMPLETE,
	G_SHORT,
	G_STEP_1,
	G_STEP_2,
	G_STEP_3,
	G_FIRST,
	G_SECOND,
	G_DAY_OPEN,	    /* later */
	G_DEVICE_FREE,	    /* later */
	G_NOTHING_CONSUMED, /* later */
	GUARDS,
};

struct guard_def {
	uint8_t rule;	  /* enum rule */
	const char *text; /* what must hold */
	bool later;
};

extern const struct guard_def guard_defs[GUARDS];

#define TO_PREVIOUS 255 /* back to the state before ON_HOLD */
#define TRANSITION_GUARDS_MAX 3

struct transition {
	uint16_t kind;
	uint8_t from, to; /* 0 = no case yet */
	uint8_t guards[TRANSITION_GUARDS_MAX];
};

/* Ascending (kind, from); of several rows for one pair the first whose guards hold counts. */
extern const struct transition transitions[];
extern const size_t transitions_count;

bool guard_holds(enum guard g, const struct case_state *st, const struct case_entry *e);

/*
 * The row that applies, or NULL. Then *ret_guard (may be NULL) = the guard that failed in the first row of
 * the pair, G_NONE when there is no row.
 */
const struct transition *transition_find(const struct case_state *st, const struct case_entry *e,
					 enum guard *ret_guard);

/* Applies an event by a row that transition_find gave: the next state of the case. */
void transition_apply(const struct transition *t, const struct case_entry *e, struct case_state *st);

#endif
