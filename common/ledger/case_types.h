/*
 * The types of cases: what they are called, their states, how their labels begin, what their deadlines are.
 * What belongs to no case of its own, a plain fact, is a case of one event: so that it is repeated,
 * corrected, flagged and counted by the same rules. Pure; everything is
 * const.
 */
#ifndef AFTERSYNC_LEDGER_CASE_TYPES_H
#define AFTERSYNC_LEDGER_CASE_TYPES_H

#include "common/ledger/codes.h"

enum case_type {
	CASE_NONE = 0,
	CASE_REPAIR,
	CASE_COMPLAINT,
	CASE_CONSULT,
	CASE_FOLLOWUP,
	CASE_CUSTOMER,
	CASE_DEVICE,
	CASE_DAY,
	CASE_SHIPMENT,
	CASE_HAZARD,
	CASE_EXTERNAL,
	CASE_CLAIM,
	CASE_STAFF,
	CASE_ASSESSMENT,
	CASE_FACT,
	CASE_TYPES,
};

struct case_type_def {
	const char *name; /* with its article cut off: "repair order" */
	const char *zh;
	const char *label; /* what names it; NULL: a label is not made */
	const char *mark;  /* stands in a made label between branch and date */
	const struct code_list *states;
	/* case_state.due, .done: names for people and JSON, or NULL */
	const char *due[3], *done[3];
};

extern const struct case_type_def case_types[CASE_TYPES];

#endif
