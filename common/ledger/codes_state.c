/* The states of cases as code lists. */
#include "common/base/check.h"
#include "common/ledger/codes.h"

static const struct code_def state_repair_rows[] = {
    {1, "RECEIVED", "已受理"},	 {2, "INSPECTED", "已检测"}, {3, "QUOTED", "待确认"},
    {4, "ASSIGNED", "已派工"},	 {5, "IN_REPAIR", "维修中"}, {6, "ON_HOLD", "挂起"},
    {7, "AT_FACTORY", "返厂中"}, {8, "DONE", "完修待检"},    {9, "READY", "待取机"},
    {10, "DELIVERED", "已取机"}, {11, "CANCELLED", "取消"},  {12, "TRANSFERRED", "已转出"},
};
const struct code_list codes_state_repair = {"state_repair", AS_COUNT(state_repair_rows), state_repair_rows};

static const struct code_def state_complaint_rows[] = {
    {1, "RECEIVED", "已受理"}, {2, "IN_PROGRESS", "处理中"}, {3, "FORWARDED", "已转部门"},
    {4, "REPLIED", "已答复"},  {5, "CLOSED", "结案"},	     {6, "WITHDRAWN", "撤诉"},
    {7, "REJECTED", "不受理"},
};
const struct code_list codes_state_complaint = {"state_complaint", AS_COUNT(state_complaint_rows),
						state_complaint_rows};

static const struct code_def state_consult_rows[] = {
    {1, "ANSWERED", "已答复"},
    {2, "PENDING", "待答复"},
    {3, "REPLIED", "已回复"},
    {4, "CONVERTED", "已转单"},
};
const struct code_list codes_state_consult = {"state_consult", AS_COUNT(state_consult_rows),
					      state_consult_rows};

static const struct code_def state_followup_rows[] = {
    {1, "PLANNED", "已计划"}, {2, "ATTEMPTED", "未联系上"}, {3, "DONE", "已回访"},
    {4, "DECLINED", "拒访"},  {5, "GIVEN_UP", "放弃"},
};
const struct code_list codes_state_followup = {"state_followup", AS_COUNT(state_followup_rows),
					       state_followup_rows};

static const struct code_def state_customer_rows[] = {
    {1, "ACTIVE", "有效"},
    {2, "ERASED", "已删除"},
};
const struct code_list codes_state_customer = {"state_customer", AS_COUNT(state_customer_rows),
					       state_customer_rows};

static const struct code_def state_device_rows[] = {
    {1, "REGISTERED", "已登记"},
    {2, "VERIFIED", "已核对"},
    {3, "MISMATCHED", "不符"},
    {4, "REPLACED", "已更换"},
};
const struct code_list codes_state_device = {"state_device", AS_COUNT(state_device_rows), state_device_rows};

static const struct code_def state_day_rows[] = {
    {1, "OPEN", "营业"},
    {2, "COUNTED", "已盘点"},
    {3, "CLOSED", "已日结"},
    {4, "REOPENED", "重开"},
};
const struct code_list codes_state_day = {"state_day", AS_COUNT(state_day_rows), state_day_rows};

static const struct code_def state_shipment_rows[] = {
    {1, "REQUESTED", "已申请"},	      {2, "SHIPPED", "已发货"},	 {3, "ARRIVED", "已到货"},
    {4, "ARRIVED_SHORT", "短少到货"}, {5, "RESOLVED", "已处理"},
};
const struct code_list codes_state_shipment = {"state_shipment", AS_COUNT(state_shipment_rows),
					       state_shipment_rows};

static const struct code_def state_hazard_rows[] = {
    {1, "FOUND", "待整改"},
    {2, "FIXED", "已整改"},
    {3, "VERIFIED", "已验收"},
};
const struct code_list codes_state_hazard = {"state_hazard", AS_COUNT(state_hazard_rows), state_hazard_rows};

static const struct code_def state_external_rows[] = {
    {1, "OPEN", "待答复"},
    {2, "ANSWERED", "已答复"},
    {3, "CLOSED", "已关闭"},
};
const struct code_list codes_state_external = {"state_external", AS_COUNT(state_external_rows),
					       state_external_rows};

static const struct code_def state_claim_rows[] = {
    {1, "CLAIMED", "已申报"},
    {2, "ACCEPTED", "已认可"},
    {3, "REJECTED", "被拒绝"},
};
const struct code_list codes_state_claim = {"state_claim", AS_COUNT(state_claim_rows), state_claim_rows};

static const struct code_def state_staff_rows[] = {
    {1, "ACTIVE", "在职"},
    {2, "LEFT", "离职"},
};
const struct code_list codes_state_staff = {"state_staff", AS_COUNT(state_staff_rows), state_staff_rows};

static const struct code_def state_assessment_rows[] = {
    {1, "SCHEME", "已定方案"},
    {2, "SCORED_FIRST", "第一考核"},
    {3, "SCORED_SECOND", "第二考核"},
    {4, "CONFIRMED", "已确认"},
};
const struct code_list codes_state_assessment = {"state_assessment", AS_COUNT(state_assessment_rows),
						 state_assessment_rows};

static const struct code_def state_fact_rows[] = {
    {1, "RECORDED", "已记录"},
};
const struct code_list codes_state_fact = {"state_fact", AS_COUNT(state_fact_rows), state_fact_rows};
