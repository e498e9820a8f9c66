/*
 * What an event must satisfy beside its fields and the state machine, as a table: rules that the event alone
 * decides, and rules that its own case decides. Asked when an event is submitted or appended, never in the
 * fold: a rule that becomes stricter changes no cell of what is in the logs (docs/ledger.md). Not asked of
 * imported events. Pure.
 */
#ifndef AFTERSYNC_LEDGER_CHECKS_H
#define AFTERSYNC_LEDGER_CHECKS_H

#include "common/ledger/body.h"
#include "common/ledger/case_rec.h"

enum check_op {
	OP_GIVEN,		/* a, or b */
	OP_CUSTOMER,		/* a, or the customer of the event */
	OP_DEVICE,		/* a, or the device of the event */
	OP_APPROVER,		/* an approver who is not the actor */
	OP_IS,			/* a = n */
	OP_NOT_MORE,		/* a ≤ b, when both are given */
	OP_DIFFER,		/* a ≠ b */
	OP_NOT_LATER,		/* date a ≤ the day of the event */
	OP_NOT_BEFORE,		/* time a ≥ when it happened */
	OP_DAYS_AHEAD,		/* date a ≥ the day of the event and n days */
	OP_EQUATION,		/* a holds: "x=y+z-w"; #x: the number of rows of x */
	OP_ROWS_SUM,		/* the columns n (a bit each) of the rows a sum up to b */
	OP_ROWS_TOTAL,		/* … to 100 */
	OP_ROWS_ZERO,		/* … to nothing exactly when b is true */
	OP_DEPRECIATION,	/* a = the depreciation of R-29 by price_fen and days_used, 0 unless b */
	OP_ID_FORM,		/* a has the form of its id_type b */
	OP_ID_DIGIT,		/* … and when it is an IMEI, its check digit */
	OP_WARRANTY_END,	/* a is the end that sale_date or made_date give */
	OP_CASE,		/* those that follow need the state of the case */
	OP_STATE_NOT = OP_CASE, /* the state is none of n (a bit each) */
	OP_ACTOR_IS_STAFF,	/* the actor is the case's staff */
	OP_ACTOR_NOT_STAFF,
	OP_APPROVER_NOT_STAFF,
	OP_NOT_STAFF, /* a ≠ the case's staff */
	OP_KEPT_0,    /* a = what the case kept */
	OP_KEPT_1,
	OP_KEPT_0_IN,	/* … in state n */
	OP_SWAPPED,	/* a, or the case has recorded a new device */
	OP_IN_WARRANTY, /* the order was received before the end by, or date a says that it was */
};

struct check {
	uint16_t kind;
	uint8_t rule; /* enum rule, or R_NONE */
	uint8_t op;
	bool or_approver; /* an approver may say otherwise */
	const char *when; /* only when this field … */
	int64_t is;	  /* … has this value */
	const char *a, *b;
	int64_t n;
	const char *text; /* the sentence of the refusal */
};

/* Ascending kinds. */
extern const struct check checks[];
extern const size_t checks_count;

/* personal: NULL when it is sealed or there is none. st: NULL without a case. */
struct check_input {
	const struct kind_def *kind;
	const struct event *ev;
	const struct body *facts, *personal;
	const struct case_state *st;
};

/* The first row that does not hold: of those that need the case's state, or of the others. NULL: all hold. */
const struct check *checks_failed(const struct check_input *in, bool of_case);

/* The rule that makes an approver mandatory for a kind with KF_APPROVER. */
enum rule checks_approver_rule(uint32_t kind);

/* Are there rows of the case for this kind? */
bool checks_of_case(uint32_t kind);

#endif
