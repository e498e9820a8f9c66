#include "common/ledger/rules.h"

#define B RULE_BRANCH
#define H RULE_HQ
#define A RULE_ALARM
#define C RULE_POLICY
#define STAFF_REGISTER "the staff register: number → branch, post, supervisor, active"
#define BY_DEVICE "orders by device, at the branch and in the network fold"

/* tables: one row a line */
/* clang-format off */
const struct rule_def rule_defs[RULES] = {
	[R_01] = {"R-01", "logs are free of gaps, their trees intact, their signatures valid", "S7", B | H, RULE_ENFORCED, "unit/test_block.c", NULL},
	[R_02] = {"R-02", "an event belongs to the branch whose key signs its log", "S11", H, RULE_ENFORCED, "unit/test_node_received.c", NULL},
	[R_03] = {"R-03", "the actor is an active member of staff of the branch or of head office, with a post that the kind permits", "S11", B | H, RULE_IN_PART, "unit/test_intake.c", STAFF_REGISTER},
	[R_04] = {"R-04", "the state machine is respected; what is not is refused at the branch and flagged at head office", "S13, S14", B | H, RULE_ENFORCED, "unit/test_transitions.c", NULL},
	[R_05] = {"R-05", "an override carries an approver of a higher post, who is not the actor, and a reason", "S", B, RULE_IN_PART, "golden/lines/repair.txt", STAFF_REGISTER},
	[R_06] = {"R-06", "nothing is edited or deleted: a correction is a new event, an erasure destroys keys", "S7, 23", B, RULE_ENFORCED, "unit/test_store.c", NULL},
	[R_07] = {"R-07", "events are of an open business day; late facts go to the open day", "D", B, RULE_LATER, NULL, "the day cases of the branch: which date is open"},
	[R_08] = {"R-08", "hand-over only after QC, the checker is not the technician, tested in front of the customer", "S14, L6", B, RULE_ENFORCED, "golden/lines/repair.txt", NULL},
	[R_10] = {"R-10", "an intake has the customer's contact, the device, symptom, appearance, accessories, promise", "1, 5", B, RULE_ENFORCED, "unit/test_intake.c", NULL},
	[R_11] = {"R-11", "one open order per device in the whole network", "D", B | H, RULE_LATER, NULL, BY_DEVICE},
	[R_12] = {"R-12", "the IMEI is valid, or an approver says so", "D, 24", B, RULE_ENFORCED, "golden/lines/device.txt", NULL},
	[R_13] = {"R-13", "label, menu and card show one IMEI; otherwise the warranty is OUT_MISMATCH or an approver says so", "S7, 17", B, RULE_IN_PART, "golden/lines/repair.txt", "the last DEVICE_VERIFIED of the order's device"},
	[R_14] = {"R-14", "a swap of board or unit records the old and the new device", "S7, 25", B, RULE_ENFORCED, "golden/lines/repair.txt", NULL},
	[R_15] = {"R-15", "a device that was delivered at most 90 days ago anywhere is a repeat", "26", B | H, RULE_LATER, NULL, BY_DEVICE},
	[R_16] = {"R-16", "the repair record holds dates, fault, cause, handling, exchange, hand-over, technician", "L5", B, RULE_ENFORCED, "unit/test_ledger.c", NULL},
	[R_19] = {"R-19", "standard repair time", "policy", C, RULE_LATER, NULL, "the policy in force, for the proposed promise and the overdue list"},
	[R_20] = {"R-20", "the warranty begins at the sale, without proof of it at the making plus a grace", "L27", B, RULE_ENFORCED, "golden/lines/repair.txt", NULL},
	[R_21] = {"R-21", "length of the warranty", "L28, 5, 6", C, RULE_IN_PART, "golden/lines/repair.txt", "accessories as units of their own"},
	[R_22] = {"R-22", "the warranty is longer by the time under repair and waiting for parts, and begins anew after an exchange", "L6, 28, 29", B, RULE_IN_PART, "golden/lines/device.txt", BY_DEVICE},
	[R_23] = {"R-23", "days 1 to 7 with a confirmed performance fault: refund, exchange or repair, as the customer likes", "L30, 7", A, RULE_LATER, NULL, "the report P-09"},
	[R_24] = {"R-24", "days 8 to 15: exchange or repair", "L30, 7", A, RULE_LATER, NULL, "the report P-09"},
	[R_25] = {"R-25", "in warranty, after two repairs still not working: exchange", "L30, 32", B | A, RULE_LATER, NULL, BY_DEVICE},
	[R_26] = {"R-26", "not repaired in 7 days: a loaner is offered; at hand-over it is back or an approver says otherwise", "L17, 31", A | B, RULE_IN_PART, "golden/lines/repair.txt", "the alarm: the list of P-04"},
	[R_27] = {"R-27", "over 30 days by the repairer's cause, or 60 for want of parts: exchange", "L32, 31", A, RULE_LATER, NULL, "the list of P-04"},
	[R_28] = {"R-28", "a repaired unit works at least 30 days; a return within them is free of charge", "L32", B, RULE_IN_PART, "golden/lines/repair.txt", BY_DEVICE},
	[R_29] = {"R-29", "a refund is the price less depreciation when the same model is there, else the full price", "L31, 34, 30", B, RULE_ENFORCED, "golden/lines/repair.txt", NULL},
	[R_30] = {"R-30", "deadlines of a complaint are fixed at receipt by its severity", "35", C | A, RULE_ENFORCED, "unit/test_intake.c", NULL},
	[R_31] = {"R-31", "15 days to reply is the outer bound", "L36", A, RULE_LATER, NULL, "the list of P-12"},
	[R_32] = {"R-32", "what the branch cannot solve is forwarded in time, and the department answers in time", "S9, 37", C | A, RULE_LATER, NULL, "P-13: times between the events of a complaint"},
	[R_33] = {"R-33", "no closing without cause, responsibility, action, result and a final reply; a follow-up is made", "S9", B, RULE_IN_PART, "golden/lines/repair.txt", "follow-ups by the complaint that they are about"},
	[R_34] = {"R-34", "a missed deadline escalates by itself", "D", A, RULE_LATER, NULL, "open complaints by their next due time, and a clock that asks"},
	[R_35] = {"R-35", "a deadline is extended by an approver above the handler, at most twice; the first one stays in reports", "D", B, RULE_IN_PART, "golden/lines/repair.txt", STAFF_REGISTER},
	[R_40] = {"R-40", "follow-ups by plan: all complaints and urgent repairs, of the others a share by their number", "38", C, RULE_IN_PART, "golden/lines/followup.txt", "finished orders and complaints of a month without a follow-up"},
	[R_41] = {"R-41", "the sample is drawn by a hash of the order number, so that head office can draw it again", "D", H, RULE_LATER, NULL, "labels of delivered orders in the network fold"},
	[R_42] = {"R-42", "not satisfied or not working: complaint or new repair the same day", "38", A, RULE_LATER, NULL, "the list of P-14"},
	[R_43] = {"R-43", "the caller is not the technician of the order", "D", B, RULE_IN_PART, "golden/lines/followup.txt", "the order that the follow-up is about, when its plan names no technician"},
	[R_50] = {"R-50", "the first appraiser is the direct supervisor", "S", B, RULE_IN_PART, "golden/lines/staff.txt", STAFF_REGISTER},
	[R_51] = {"R-51", "the second appraiser is the manager of the department", "S", B, RULE_IN_PART, "golden/lines/staff.txt", STAFF_REGISTER},
	[R_52] = {"R-52", "nobody appraises himself", "S", B, RULE_ENFORCED, "golden/lines/staff.txt", NULL},
	[R_53] = {"R-53", "both scores come before the confirmation", "S", B, RULE_ENFORCED, "golden/lines/staff.txt", NULL},
	[R_54] = {"R-54", "each unit has one first and one second responsible person", "S", A, RULE_LATER, NULL, STAFF_REGISTER},
	[R_55] = {"R-55", "posts are those of head office's list; its own establishment is 1, 1, 1, 1, 1, 2", "S", B | A, RULE_IN_PART, "golden/lines/staff.txt", "the establishment in force against the staff register"},
	[R_60] = {"R-60", "a day closes only when its figures satisfy the identities of P-01 and every open order was counted", "S10", B, RULE_IN_PART, "golden/lines/day.txt", "the open orders of the branch"},
	[R_61] = {"R-61", "declared figures that differ from the recomputed ones make the day disputed", "S5, 10", H, RULE_LATER, NULL, "cells of the day beside DAY_CLOSED"},
	[R_62] = {"R-62", "who closes a day and who checks it are two persons", "D", B, RULE_ENFORCED, "golden/lines/day.txt", NULL},
	[R_63] = {"R-63", "the day is closed, and reports are filed, in time", "S5", C | A, RULE_IN_PART, "golden/lines/day.txt", "P-20: days and periods that are due"},
	[R_64] = {"R-64", "the plan of the day is made in time and holds all orders carried over", "S12", A, RULE_IN_PART, "golden/lines/day.txt", "the alarm, and the carry-over of the day before"},
	[R_65] = {"R-65", "every order that was planned and not finished has a reason", "S12", B, RULE_IN_PART, "golden/lines/day.txt", "which orders the plan names, and which of them are READY"},
	[R_70] = {"R-70", "customer data is read by those who handle the case, and each reading is logged", "S7", B, RULE_IN_PART, "golden/lines/customer.txt", "who may open a personal part"},
	[R_71] = {"R-71", "reports and exports hold no personal field; small groups are left out outside", "D", B, RULE_IN_PART, "unit/test_kinds.c", "exports for outsiders"},
	[R_72] = {"R-72", "a customer is erased in time after the request, or at the end of retention", "S7, L", B, RULE_LATER, NULL, "open cases and warranties by customer, and the erasure run"},
	[R_73] = {"R-73", "the unlock code is purged at hand-over", "D", B, RULE_LATER, NULL, "a key of its own for the code, tombstoned by REPAIR_DELIVERED"},
	[R_74] = {"R-74", "after an erasure every replica proves that it opens nothing any more", "D", H, RULE_LATER, NULL, "the erasure run"},
	[R_80] = {"R-80", "stock is never negative; what is shipped is what arrives, is short, or is on its way", "9, 10", B | H, RULE_IN_PART, "golden/lines/stock.txt", "stock by (part, class) of the branch; documents by number in the network fold"},
	[R_81] = {"R-81", "a warranty part used gives one old part back, in time", "9", A, RULE_LATER, NULL, "parts consumed and collected by order"},
	[R_82] = {"R-82", "adjustments and scrap have an approver; what arrived does not arrive again", "42", B, RULE_ENFORCED, "golden/lines/stock.txt", NULL},
	[R_90] = {"R-90", "an incident is reported to head office in time", "S13", A, RULE_IN_PART, "golden/lines/site.txt", "the alarm"},
	[R_91] = {"R-91", "a hazard has an owner and a due date; an overdue one escalates", "S14", A, RULE_IN_PART, "golden/lines/site.txt", "the alarm"},
};

const struct policy_def policy_defs[POLICY_VALUES] = {
	[PV_REPAIR_DAYS] = {"repair_days", R_19, 3, "working days"},
	[PV_FACTORY_DAYS] = {"factory_repair_days", R_19, 15, "days"},
	[PV_WARRANTY_MONTHS] = {"warranty_months", R_21, 12, "months"},
	[PV_WARRANTY_CHARGER_MONTHS] = {"warranty_charger_months", R_21, 12, "months"},
	[PV_WARRANTY_CARD_MONTHS] = {"warranty_card_months", R_21, 12, "months"},
	[PV_WARRANTY_BATTERY_MONTHS] = {"warranty_battery_months", R_21, 6, "months"},
	[PV_WARRANTY_EARPHONE_MONTHS] = {"warranty_earphone_months", R_21, 3, "months"},
	[PV_MADE_GRACE_DAYS] = {"made_grace_days", R_20, 90, "days"},
	[PV_REPAIR_WARRANTY_DAYS] = {"repair_warranty_days", R_28, 30, "days"},
	[PV_DEPRECIATION_PER_MILLE] = {"depreciation_per_mille", R_29, 5, "‰ a day"},
	[PV_REOPEN_DAYS] = {"complaint_reopen_days", R_NONE, 30, "days"},
	[PV_FORWARD_HOURS] = {"forward_hours", R_32, 1, "hours"},
	[PV_DEPARTMENT_HOURS] = {"department_hours", R_32, 3, "hours"},
	[PV_STRICT_HOURS] = {"strict_case_hours", R_32, 72, "hours"},
	[PV_EXTENSIONS] = {"extensions", R_35, 2, "times"},
	[PV_CONSULT_WORKING_DAYS] = {"consult_reply_working_days", R_NONE, 1, "working days"},
	[PV_FOLLOWUP_DAYS] = {"followup_days", R_40, 3, "days"},
	[PV_FOLLOWUP_ATTEMPTS] = {"followup_attempts", R_40, 3, "attempts"},
	[PV_FOLLOWUP_ATTEMPT_DAYS] = {"followup_attempt_days", R_40, 2, "days"},
	[PV_FOLLOWUP_SMALL_PERCENT] = {"followup_upto_100_orders", R_40, 100, "%"},
	[PV_FOLLOWUP_MIDDLE_PERCENT] = {"followup_upto_300_orders", R_40, 30, "%"},
	[PV_FOLLOWUP_LARGE_PERCENT] = {"followup_over_300_orders", R_40, 10, "%"},
	[PV_DAY_CLOSE_MINUTE] = {"day_close_minute", R_63, 21 * 60, "minutes after midnight"},
	[PV_DAY_RECEIVED_MINUTE] = {"day_received_minute", R_63, 8 * 60, "minutes after midnight, next day"},
	[PV_PLAN_MINUTE] = {"plan_minute", R_64, 9 * 60 + 30, "minutes after midnight"},
	[PV_ERASURE_WORKING_DAYS] = {"erasure_working_days", R_72, 15, "working days"},
	[PV_RETENTION_MONTHS] = {"retention_months", R_72, 36, "months"},
	[PV_OLD_PART_DAYS] = {"old_part_return_days", R_81, 30, "days"},
	[PV_INCIDENT_HOURS] = {"incident_hours", R_90, 1, "hours"},
};
/* clang-format on */

const char *rule_name(enum rule rule)
{
	return rule < RULES ? rule_defs[rule].name : NULL;
}
