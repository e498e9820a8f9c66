#include "common/ledger/case_types.h"

/* tables: one row a line */
/* clang-format off */
const struct case_type_def case_types[CASE_TYPES] = {
	[CASE_NONE] = {.name = "no case"},
	[CASE_REPAIR] = {"repair order", "维修工单", "order_no", "", &codes_state_repair, {0}, {0}},
	[CASE_COMPLAINT] = {"complaint", "投诉", "complaint_no", "T", &codes_state_complaint,
			    {"ack_due", "reply_due", "close_due"}, {"acked_at", "replied_at", "closed_at"}},
	[CASE_CONSULT] = {"consultation", "咨询", "consult_no", "Q", &codes_state_consult,
			  {NULL, "reply_due", NULL}, {NULL, "replied_at", NULL}},
	[CASE_FOLLOWUP] = {"follow-up", "回访", "followup_no", "F", &codes_state_followup,
			   {NULL, NULL, "due"}, {NULL, NULL, "done_at"}},
	[CASE_CUSTOMER] = {"customer", "用户资料", "customer_no", "K", &codes_state_customer, {0}, {0}},
	[CASE_DEVICE] = {"device", "手机", "device_no", "M", &codes_state_device, {0}, {0}},
	[CASE_DAY] = {"day", "营业日", "day", "D", &codes_state_day,
		      {"plan_due", NULL, "close_due"}, {"planned_at", NULL, "closed_at"}},
	[CASE_SHIPMENT] = {"shipment", "货运单", "doc_no", "P", &codes_state_shipment, {0}, {0}},
	[CASE_HAZARD] = {"hazard", "隐患", "hazard_no", "H", &codes_state_hazard,
			 {NULL, NULL, "due"}, {NULL, NULL, "fixed_at"}},
	[CASE_EXTERNAL] = {"external case", "外部事项", "external_no", "E", &codes_state_external,
			   {NULL, NULL, "due"}, {NULL, NULL, "answered_at"}},
	[CASE_CLAIM] = {"warranty claim", "索赔", "claim_no", "C", &codes_state_claim, {0}, {NULL, NULL, "answered_at"}},
	[CASE_STAFF] = {"member of staff", "员工", "staff_no", "S", &codes_state_staff, {0}, {0}},
	[CASE_ASSESSMENT] = {"assessment", "考核", "assessment_no", "A", &codes_state_assessment, {0}, {0}},
	[CASE_FACT] = {"fact", "记录", NULL, "", &codes_state_fact, {0}, {0}},
};
/* clang-format on */
