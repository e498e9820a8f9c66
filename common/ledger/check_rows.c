/* The rows of the checks. */
#include "common/base/check.h"
#include "common/ledger/checks.h"

#define COLUMN(n) (1 << ((n) - 1))
#define STATE(s) (1 << (s))

/* clang-format off */
#define WIP "closing_wip=opening_wip+received+transfer_in+reopened-finished-cancelled-transfer_out"
#define CUSTODY "closing_custody=opening_custody+received+transfer_in-delivered-cancelled-transfer_out"
#define DOUBTFUL true

const struct check checks[] = {
	/* kind, rule, op, an approver may say otherwise, when, is, a, b, n, sentence */
	{REPAIR_RECEIVED, R_10, OP_CUSTOMER, false, NULL, 0, "phone", NULL, 0, "The customer's contact is missing: personal.phone or customer."},
	{REPAIR_RECEIVED, R_10, OP_DEVICE, false, NULL, 0, "imei", NULL, 0, "The device is missing: personal.imei or device."},
	{REPAIR_RECEIVED, R_NONE, OP_NOT_BEFORE, false, NULL, 0, "promised_at", NULL, 0, "facts.promised_at is before occurred_at."},
	{REPAIR_RECEIVED, R_NONE, OP_NOT_LATER, false, NULL, 0, "sale_date", NULL, 0, "facts.sale_date is after the day of receipt."},
	{REPAIR_RECEIVED, R_NONE, OP_NOT_MORE, false, NULL, 0, "made_date", "sale_date", 0, "facts.made_date is after the sale_date."},
	{REPAIR_RECEIVED, R_NONE, OP_NOT_LATER, false, NULL, 0, "made_date", NULL, 0, "facts.made_date is after the day of receipt."},

	{REPAIR_INSPECTED, R_05, OP_APPROVER, false, "warranty", 11, NULL, NULL, 0, "GOODWILL needs an approver."},
	{REPAIR_INSPECTED, R_13, OP_IS, DOUBTFUL, "imei_agrees", 0, "warranty", NULL, 9, "The IMEIs do not agree: facts.warranty must be OUT_MISMATCH, or an approver says otherwise."},
	{REPAIR_INSPECTED, R_20, OP_IN_WARRANTY, DOUBTFUL, "warranty", 1, "warranty_until", NULL, 0, "By its dates the device is out of warranty: give warranty_until, or an approver says otherwise."},

	{BACK_FROM_FACTORY, R_14, OP_GIVEN, false, "result", 2, "new_device_ref", NULL, 0, "EXCHANGED: facts.new_device_ref is missing."},
	{REPAIR_DONE, R_14, OP_SWAPPED, false, "outcome", 4, "new_device_ref", NULL, 0, "UNIT_EXCHANGED: the new device is not recorded, give new_device_ref."},
	{REPAIR_DELIVERED, R_28, OP_DAYS_AHEAD, false, NULL, 0, "repair_warranty_until", NULL, 30, "facts.repair_warranty_until is less than 30 days ahead."},

	{EXCHANGE_DONE, R_14, OP_DIFFER, false, NULL, 0, "new_device_ref", "old_device_ref", 0, "Old and new device are the same."},
	{REFUND_DONE, R_29, OP_DEPRECIATION, DOUBTFUL, NULL, 0, "depreciation_fen", "same_model_available", 0, "facts.depreciation_fen is not 0.5 % of the price for each day of use when the same model is there, or 0."},
	{REFUND_DONE, R_29, OP_EQUATION, DOUBTFUL, NULL, 0, "amount_fen=price_fen-depreciation_fen", NULL, 0, "facts.amount_fen is not the price less depreciation."},

	{COMPLAINT_EXTENDED, R_35, OP_APPROVER_NOT_STAFF, false, NULL, 0, NULL, NULL, 0, "The approver must not be the handler of the complaint."},

	{CONSULT_RECEIVED, R_NONE, OP_GIVEN, false, "answered_now", 0, "reply_due", NULL, 0, "facts.reply_due is missing: it was not answered at once."},
	{CONSULT_CONVERTED, R_NONE, OP_GIVEN, false, NULL, 0, "order_no", "complaint_no", 0, "facts.order_no or facts.complaint_no is needed."},

	{FOLLOWUP_ATTEMPTED, R_43, OP_ACTOR_NOT_STAFF, false, NULL, 0, NULL, NULL, 0, "The caller must not be the technician of the order."},
	{FOLLOWUP_DONE, R_43, OP_ACTOR_NOT_STAFF, false, NULL, 0, NULL, NULL, 0, "The caller must not be the technician of the order."},

	{CUSTOMER_ERASED, R_72, OP_GIVEN, false, "cause", 1, "requested_at", NULL, 0, "REQUEST: facts.requested_at is missing."},
	{CUSTOMER_ACCESSED, R_70, OP_CUSTOMER, false, NULL, 0, NULL, NULL, 0, "customer is missing: whose data was read?"},

	{DEVICE_REGISTERED, R_12, OP_ID_FORM, false, NULL, 0, "id_value", "id_type", 0, "personal.id_value has not the form of its id_type."},
	{DEVICE_REGISTERED, R_12, OP_ID_DIGIT, DOUBTFUL, NULL, 0, "id_value", "id_type", 0, "personal.id_value is no IMEI: the check digit is wrong."},
	{DEVICE_REGISTERED, R_NONE, OP_NOT_LATER, false, NULL, 0, "sale_date", NULL, 0, "facts.sale_date is after the day of the registration."},
	{DEVICE_REGISTERED, R_NONE, OP_NOT_MORE, false, NULL, 0, "made_date", "sale_date", 0, "facts.made_date is after the sale_date."},
	{DEVICE_REGISTERED, R_20, OP_WARRANTY_END, DOUBTFUL, NULL, 0, "warranty_until_base", NULL, 0, "facts.warranty_until_base is not what sale_date or made_date give."},
	{DEVICE_REGISTERED, R_22, OP_NOT_MORE, false, NULL, 0, "warranty_until_base", "warranty_until", 0, "facts.warranty_until is before warranty_until_base."},
	{DEVICE_CHANGED, R_14, OP_DIFFER, false, NULL, 0, "new_ref", "old_ref", 0, "Old and new device are the same."},
	{OWNER_LINKED, R_NONE, OP_CUSTOMER, false, NULL, 0, NULL, NULL, 0, "customer is missing: who owns the device?"},

	{MACHINE_COUNTED, R_60, OP_EQUATION, false, "#orders", 0, "#orders=count", NULL, 0, "facts.orders does not name as many orders as facts.count says."},
	{DAY_CLOSED, R_60, OP_EQUATION, false, NULL, 0, WIP, NULL, 0, "facts.closing_wip is not opening + received + transfer_in + reopened - finished - cancelled - transfer_out."},
	{DAY_CLOSED, R_60, OP_EQUATION, false, NULL, 0, CUSTODY, NULL, 0, "facts.closing_custody is not opening + received + transfer_in - delivered - cancelled - transfer_out."},
	{DAY_CLOSED, R_60, OP_KEPT_0, false, NULL, 0, "opening_wip", NULL, 0, "facts.opening_wip is not that of DAY_OPENED."},
	{DAY_CLOSED, R_60, OP_KEPT_1, false, NULL, 0, "opening_custody", NULL, 0, "facts.opening_custody is not that of DAY_OPENED."},
	{DAY_CLOSED, R_62, OP_DIFFER, false, NULL, 0, "checker", "closer", 0, "Closer and checker must be two persons."},
	{DAY_CLOSED, R_65, OP_NOT_MORE, false, NULL, 0, "plan_done", "plan_items", 0, "facts.plan_done is more than facts.plan_items."},
	{DAY_CLOSED, R_65, OP_EQUATION, false, NULL, 0, "#carry_over=plan_items-plan_done", NULL, 0, "facts.carry_over must give a reason for every planned order that is not done."},
	{HANDOVER, R_NONE, OP_DIFFER, false, NULL, 0, "to_staff", "from_staff", 0, "A hand-over needs two persons."},

	{PART_REQUESTED, R_NONE, OP_GIVEN, false, "from", 1, "from_branch", NULL, 0, "BRANCH: facts.from_branch is missing."},
	{PART_REQUESTED, R_80, OP_ROWS_SUM, false, NULL, 0, "lines", "pieces", COLUMN(2), "facts.pieces is not the sum of the lines."},
	{PARTS_SHIPPED, R_NONE, OP_GIVEN, false, "to", 1, "to_branch", NULL, 0, "BRANCH: facts.to_branch is missing."},
	{PARTS_SHIPPED, R_80, OP_ROWS_SUM, false, NULL, 0, "lines", "pieces", COLUMN(2), "facts.pieces is not the sum of the lines."},
	{PARTS_ARRIVED, R_80, OP_ROWS_SUM, false, NULL, 0, "lines", "pieces", COLUMN(2) | COLUMN(3) | COLUMN(4), "facts.pieces is not what arrived, is short or damaged."},
	{PARTS_ARRIVED, R_80, OP_ROWS_ZERO, false, NULL, 0, "lines", "complete", COLUMN(3) | COLUMN(4), "facts.complete does not say what the lines say."},
	{PARTS_ARRIVED, R_82, OP_STATE_NOT, false, NULL, 0, NULL, NULL, STATE(SHIP_ARRIVED) | STATE(SHIP_SHORT) | STATE(SHIP_RESOLVED), "This shipment has arrived already."},
	{PARTS_ARRIVED, R_80, OP_KEPT_0_IN, false, NULL, 0, "pieces", NULL, SHIP_SHIPPED, "facts.pieces is not what was shipped."},
	{PART_RECLASSIFIED, R_NONE, OP_DIFFER, false, NULL, 0, "to_class", "from_class", 0, "Old and new class are the same."},
	{PART_SCRAPPED, R_82, OP_APPROVER, false, NULL, 0, NULL, NULL, 0, "PART_SCRAPPED needs an approver."},
	{STOCK_ADJUSTED, R_82, OP_APPROVER, false, NULL, 0, NULL, NULL, 0, "STOCK_ADJUSTED needs an approver."},

	{SAFETY_CHECK, R_NONE, OP_NOT_MORE, false, NULL, 0, "items_ok", "items_total", 0, "facts.items_ok is more than facts.items_total."},
	{HAZARD_FOUND, R_91, OP_NOT_BEFORE, false, NULL, 0, "due", NULL, 0, "facts.due is before occurred_at."},
	{EXTERNAL_CASE, R_NONE, OP_GIVEN, false, "step", 1, "party", NULL, 0, "OPENED: facts.party is missing."},
	{EXTERNAL_CASE, R_NONE, OP_GIVEN, false, "step", 1, "subject", NULL, 0, "OPENED: facts.subject is missing."},
	{WARRANTY_CLAIM, R_NONE, OP_GIVEN, false, "step", 1, "order_no", NULL, 0, "CLAIMED: facts.order_no is missing."},
	{WARRANTY_CLAIM, R_NONE, OP_GIVEN, false, "step", 1, "amount_fen", NULL, 0, "CLAIMED: facts.amount_fen is missing."},

	{STAFF_PROPOSAL, R_05, OP_APPROVER, false, "decision", 1, NULL, NULL, 0, "A decision needs an approver."},
	{STAFF_PROPOSAL, R_05, OP_APPROVER, false, "decision", 2, NULL, NULL, 0, "A decision needs an approver."},
	{STAFF_PROPOSAL, R_NONE, OP_ACTOR_IS_STAFF, false, NULL, 0, NULL, NULL, 0, "Only the supervisor may propose this."},
	{SHIFT, R_NONE, OP_NOT_MORE, false, NULL, 0, "from", "to", 0, "facts.to is before facts.from."},
	{ASSESSMENT_SCHEME, R_52, OP_DIFFER, false, NULL, 0, "first_appraiser", "staff_no", 0, "Nobody appraises himself."},
	{ASSESSMENT_SCHEME, R_52, OP_DIFFER, false, NULL, 0, "second_appraiser", "staff_no", 0, "Nobody appraises himself."},
	{ASSESSMENT_SCHEME, R_51, OP_DIFFER, false, NULL, 0, "second_appraiser", "first_appraiser", 0, "First and second appraiser must be two persons."},
	{ASSESSMENT_SCHEME, R_NONE, OP_ROWS_TOTAL, false, NULL, 0, "items", NULL, COLUMN(2), "The weights of facts.items do not sum up to 100."},
	{ASSESSMENT_SCORED, R_52, OP_NOT_STAFF, false, NULL, 0, "appraiser", NULL, 0, "Nobody appraises himself."},
	{ASSESSMENT_SCORED, R_50, OP_KEPT_0, false, "appraiser_no", 1, "appraiser", NULL, 0, "facts.appraiser is not the first appraiser of the scheme."},
	{ASSESSMENT_SCORED, R_51, OP_KEPT_1, false, "appraiser_no", 2, "appraiser", NULL, 0, "facts.appraiser is not the second appraiser of the scheme."},
};
/* clang-format on */
const size_t checks_count = AS_COUNT(checks);
