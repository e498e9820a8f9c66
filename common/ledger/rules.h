/*
 * The table of rules: what binds the department, where each rule is enforced, what shows it, and the values
 * that a policy may change. Refusals name a rule by this table, docs/domain.md is written from it. Pure;
 * everything is const.
 */
#ifndef AFTERSYNC_LEDGER_RULES_H
#define AFTERSYNC_LEDGER_RULES_H

#include <stddef.h>
#include <stdint.h>

enum rule {
	R_NONE = 0,
	R_01,
	R_02,
	R_03,
	R_04,
	R_05,
	R_06,
	R_07,
	R_08,
	R_10,
	R_11,
	R_12,
	R_13,
	R_14,
	R_15,
	R_16,
	R_19,
	R_20,
	R_21,
	R_22,
	R_23,
	R_24,
	R_25,
	R_26,
	R_27,
	R_28,
	R_29,
	R_30,
	R_31,
	R_32,
	R_33,
	R_34,
	R_35,
	R_40,
	R_41,
	R_42,
	R_43,
	R_50,
	R_51,
	R_52,
	R_53,
	R_54,
	R_55,
	R_60,
	R_61,
	R_62,
	R_63,
	R_64,
	R_65,
	R_70,
	R_71,
	R_72,
	R_73,
	R_74,
	R_80,
	R_81,
	R_82,
	R_90,
	R_91,
	RULES,
};

/* Where a rule is enforced. */
enum {
	RULE_BRANCH = 1, /* B: refused when the event is appended */
	RULE_HQ = 2,	 /* H: counts, and is marked at head office; R-04 is flagged */
	RULE_ALARM = 4,	 /* A: an alarm or an overdue figure of a report */
	RULE_POLICY = 8, /* C: a policy may change its values */
};

enum rule_status {
	RULE_LATER = 0, /* listed, not enforced */
	RULE_IN_PART,	/* as far as an event and its own case tell */
	RULE_ENFORCED,
};

struct rule_def {
	const char *name; /* "R-04" */
	const char *text;
	const char *source; /* S the handbook, with its numbers; L law; D decided here */
	uint8_t where;	    /* RULE_ of the column */
	uint8_t status;	    /* enum rule_status */
	const char *shown;  /* the test that shows it: a file under tests/, NULL while it is later */
	const char *needs;  /* what the part that is not enforced has to know, or NULL */
};

extern const struct rule_def rule_defs[RULES]; /* by number; row 0 is empty */

/* "R-04"; NULL for R_NONE. */
const char *rule_name(enum rule rule);

/* Values that a policy may change, with the default that holds without one. */
enum policy_value {
	PV_REPAIR_DAYS = 0,
	PV_FACTORY_DAYS,
	PV_WARRANTY_MONTHS,
	PV_WARRANTY_CHARGER_MONTHS,
	PV_WARRANTY_CARD_MONTHS,
	PV_WARRANTY_BATTERY_MONTHS,
	PV_WARRANTY_EARPHONE_MONTHS,
	PV_MADE_GRACE_DAYS,
	PV_REPAIR_WARRANTY_DAYS,
	PV_DEPRECIATION_PER_MILLE,
	PV_REOPEN_DAYS,
	PV_FORWARD_HOURS,
	PV_DEPARTMENT_HOURS,
	PV_STRICT_HOURS,
	PV_EXTENSIONS,
	PV_CONSULT_WORKING_DAYS,
	PV_FOLLOWUP_DAYS,
	PV_FOLLOWUP_ATTEMPTS,
	PV_FOLLOWUP_ATTEMPT_DAYS,
	PV_FOLLOWUP_SMALL_PERCENT,
	PV_FOLLOWUP_MIDDLE_PERCENT,
	PV_FOLLOWUP_LARGE_PERCENT,
	PV_DAY_CLOSE_MINUTE,
	PV_DAY_RECEIVED_MINUTE,
	PV_PLAN_MINUTE,
	PV_ERASURE_WORKING_DAYS,
	PV_RETENTION_MONTHS,
	PV_OLD_PART_DAYS,
	PV_INCIDENT_HOURS,
	POLICY_VALUES,
};

struct policy_def {
	const char *name;
	uint8_t rule; /* enum rule, or R_NONE */
	int32_t value;
	const char *unit;
};

extern const struct policy_def policy_defs[POLICY_VALUES];

#endif
