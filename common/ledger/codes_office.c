/* The code lists of the whole department beside repair orders and complaints. */
#include "common/base/check.h"
#include "common/ledger/codes.h"

static const struct code_def certificate_rows[] = {
    {1, "DOA", "7日"},	     {2, "DAP", "15日"},      {3, "REPEAT2", "两次维修"},
    {4, "OVER30", "超30日"}, {5, "OVER60", "超60日"},
};
const struct code_list codes_certificate = {"certificate", AS_COUNT(certificate_rows), certificate_rows};

static const struct code_def loaner_condition_rows[] = {
    {1, "GOOD", "完好"},
    {2, "WORN", "磨损"},
    {3, "DAMAGED", "损坏"},
    {4, "LOST", "丢失"},
};
const struct code_list codes_loaner_condition = {"loaner_condition", AS_COUNT(loaner_condition_rows),
						 loaner_condition_rows};

static const struct code_def consult_topic_rows[] = {
    {1, "USE", "使用"},		{2, "CARE", "保养"},  {3, "MAINTENANCE", "维护"}, {4, "REPAIR", "维修"},
    {5, "POLICY", "三包/政策"}, {6, "PRICE", "价格"}, {9, "OTHER", "其他"},
};
const struct code_list codes_consult_topic = {"consult_topic", AS_COUNT(consult_topic_rows),
					      consult_topic_rows};

static const struct code_def consult_channel_rows[] = {
    {1, "COUNTER", "当面"},
    {2, "PHONE", "电话"},
    {3, "LETTER", "信函"},
    {4, "WEB", "网络"},
};
const struct code_list codes_consult_channel = {"consult_channel", AS_COUNT(consult_channel_rows),
						consult_channel_rows};

static const struct code_def followup_about_rows[] = {
    {1, "REPAIR", "维修工单"},
    {2, "COMPLAINT", "投诉"},
};
const struct code_list codes_followup_about = {"followup_about", AS_COUNT(followup_about_rows),
					       followup_about_rows};

static const struct code_def followup_rule_rows[] = {
    {1, "COMPLAINT", "投诉必访"}, {2, "URGENT_REPAIR", "急修必访"},
    {3, "SAMPLE", "抽样"},	  {4, "REQUEST", "要求"},
    {9, "OTHER", "其他"},
};
const struct code_list codes_followup_rule = {"followup_rule", AS_COUNT(followup_rule_rows),
					      followup_rule_rows};

static const struct code_def followup_channel_rows[] = {
    {1, "PHONE", "电话"}, {2, "LETTER", "信函"}, {3, "VISIT", "上门"}, {4, "SMS", "短信"}, {5, "WEB", "网络"},
};
const struct code_list codes_followup_channel = {"followup_channel", AS_COUNT(followup_channel_rows),
						 followup_channel_rows};

static const struct code_def attempt_result_rows[] = {
    {1, "UNREACHED", "未接通"},
    {2, "BUSY", "忙"},
    {3, "WRONG_NUMBER", "号码错误"},
};
const struct code_list codes_attempt_result = {"attempt_result", AS_COUNT(attempt_result_rows),
					       attempt_result_rows};

static const struct code_def follow_action_rows[] = {
    {1, "NONE", "无"},
    {2, "COMPLAINT", "转投诉"},
    {3, "RE_REPAIR", "再维修"},
};
const struct code_list codes_follow_action = {"follow_action", AS_COUNT(follow_action_rows),
					      follow_action_rows};

static const struct code_def customer_type_rows[] = {
    {1, "PERSON", "个人"},
    {2, "ORGANISATION", "单位"},
    {3, "DEALER", "经销商"},
};
const struct code_list codes_customer_type = {"customer_type", AS_COUNT(customer_type_rows),
					      customer_type_rows};

static const struct code_def contact_rows[] = {
    {1, "PHONE", "电话"},
    {2, "SMS", "短信"},
    {3, "LETTER", "信函"},
    {4, "EMAIL", "电子邮件"},
};
const struct code_list codes_contact = {"contact", AS_COUNT(contact_rows), contact_rows};

static const struct code_def erasure_cause_rows[] = {
    {1, "REQUEST", "用户申请"},
    {2, "RETENTION", "保存期满"},
};
const struct code_list codes_erasure_cause = {"erasure_cause", AS_COUNT(erasure_cause_rows),
					      erasure_cause_rows};

static const struct code_def access_purpose_rows[] = {
    {1, "REPAIR", "维修"},   {2, "COMPLAINT", "投诉"},
    {3, "FOLLOWUP", "回访"}, {4, "CUSTOMER_REQUEST", "用户要求"},
    {5, "AUDIT", "审计"},    {9, "OTHER", "其他"},
};
const struct code_list codes_access_purpose = {"access_purpose", AS_COUNT(access_purpose_rows),
					       access_purpose_rows};

static const struct code_def device_id_rows[] = {
    {1, "IMEI", "IMEI"}, {2, "IMEISV", "IMEISV"}, {3, "MEID", "MEID"},
    {4, "ESN", "ESN"},	 {5, "PSID", "PSID"},	  {6, "SN", "序列号"},
};
const struct code_list codes_device_id = {"device_id", AS_COUNT(device_id_rows), device_id_rows};

static const struct code_def device_change_rows[] = {
    {1, "BOARD", "换主板"},
    {2, "UNIT", "换整机"},
};
const struct code_list codes_device_change = {"device_change", AS_COUNT(device_change_rows),
					      device_change_rows};

static const struct code_def plan_target_rows[] = {
    {1, "FINISH", "完修"},
    {2, "INSPECT", "检测"},
};
const struct code_list codes_plan_target = {"plan_target", AS_COUNT(plan_target_rows), plan_target_rows};

static const struct code_def location_rows[] = {
    {1, "FRONT_DESK", "前台"},
    {2, "REPAIR_AREA", "维修区"},
    {3, "WAITING_PARTS", "待料区"},
    {4, "WAITING_PICKUP", "待取区"},
};
const struct code_list codes_location = {"location", AS_COUNT(location_rows), location_rows};

static const struct code_def carry_over_rows[] = {
    {1, "PARTS", "待料"},	  {2, "CUSTOMER", "待客户确认"}, {3, "TECH_SUPPORT", "待技术支持"},
    {4, "FACTORY", "返厂中"},	  {5, "CAPACITY", "产能不足"},	 {6, "RESCHEDULED", "客户改约"},
    {7, "EQUIPMENT", "设备故障"}, {8, "QC_REWORK", "质检返工"},	 {9, "OTHER", "其他"},
};
const struct code_list codes_carry_over = {"carry_over", AS_COUNT(carry_over_rows), carry_over_rows};

static const struct code_def period_rows[] = {
    {1, "DAY", "日"}, {2, "WEEK", "周"}, {3, "MONTH", "月"}, {4, "QUARTER", "季"}, {5, "YEAR", "年"},
};
const struct code_list codes_period = {"period", AS_COUNT(period_rows), period_rows};

static const struct code_def stock_class_rows[] = {
    {1, "GOOD", "良品"},    {2, "DEFECTIVE", "坏品"}, {3, "PENDING", "待判"},
    {4, "SCRAP", "待报废"}, {5, "LOANER", "备用机"},
};
const struct code_list codes_stock_class = {"stock_class", AS_COUNT(stock_class_rows), stock_class_rows};

static const struct code_def stock_owner_rows[] = {
    {1, "COMPANY", "公司"},
    {2, "CONSIGNMENT", "厂家"},
};
const struct code_list codes_stock_owner = {"stock_owner", AS_COUNT(stock_owner_rows), stock_owner_rows};

static const struct code_def stock_party_rows[] = {
    {1, "BRANCH", "网点"},     {2, "HEAD_OFFICE", "总部"}, {3, "FACTORY", "厂家"},
    {4, "SUPPLIER", "供应商"}, {5, "DEALER", "经销商"},
};
const struct code_list codes_stock_party = {"stock_party", AS_COUNT(stock_party_rows), stock_party_rows};

static const struct code_def part_source_rows[] = {
    {1, "HEAD_OFFICE", "总部"},
    {2, "FACTORY", "厂家"},
    {3, "PURCHASE", "采购"},
    {4, "RETURN", "退回"},
};
const struct code_list codes_part_source = {"part_source", AS_COUNT(part_source_rows), part_source_rows};

static const struct code_def short_outcome_rows[] = {
    {1, "RESENT", "补发"},
    {2, "FOUND", "找到"},
    {3, "WRITTEN_OFF", "核销"},
};
const struct code_list codes_short_outcome = {"short_outcome", AS_COUNT(short_outcome_rows),
					      short_outcome_rows};

static const struct code_def incident_rows[] = {
    {1, "INJURY", "人身"}, {2, "FIRE", "火灾"},	    {3, "BATTERY", "电池"},
    {4, "THEFT", "失窃"},  {5, "DATA", "数据泄露"}, {6, "CUSTOMER_UNIT", "客户机损坏/丢失"},
};
const struct code_list codes_incident = {"incident", AS_COUNT(incident_rows), incident_rows};

static const struct code_def incident_severity_rows[] = {
    {1, "MINOR", "轻微"},
    {2, "MODERATE", "一般"},
    {3, "SEVERE", "重大"},
};
const struct code_list codes_incident_severity = {"incident_severity", AS_COUNT(incident_severity_rows),
						  incident_severity_rows};

static const struct code_def place_rows[] = {
    {1, "FRONT_DESK", "前台"}, {2, "REPAIR_AREA", "维修区"}, {3, "STORE", "库房"},
    {4, "OFFICE", "办公室"},   {5, "OUTSIDE", "室外"},	     {9, "OTHER", "其他"},
};
const struct code_list codes_place = {"place", AS_COUNT(place_rows), place_rows};

static const struct code_def promotion_rows[] = {
    {1, "FUNCTION", "新功能"}, {2, "TECHNOLOGY", "新技术"}, {3, "CULTURE", "企业文化"},
    {4, "SERVICE", "服务"},    {9, "OTHER", "其他"},
};
const struct code_list codes_promotion = {"promotion", AS_COUNT(promotion_rows), promotion_rows};

static const struct code_def policy_area_rows[] = {
    {1, "SERVICE", "服务"}, {2, "WARRANTY", "三包"}, {3, "COMPLAINTS", "投诉"},	 {4, "REPORTING", "报表"},
    {5, "STOCK", "物流"},   {6, "SAFETY", "安全"},   {7, "PRIVACY", "用户资料"}, {8, "STAFF", "人员"},
    {9, "FINANCE", "财务"}, {19, "OTHER", "其他"},
};
const struct code_list codes_policy_area = {"policy_area", AS_COUNT(policy_area_rows), policy_area_rows};

static const struct code_def kpi_rows[] = {
    {1, "ON_TIME", "及时率"},
    {2, "FIRST_FIX", "一次修复率"},
    {3, "REPEAT_30", "30天返修率"},
    {4, "COMPLAINT_RATE", "投诉率"},
    {5, "REPLY_ON_TIME", "答复及时率"},
    {6, "CSAT", "满意度"},
    {7, "FOLLOWUP_COVERAGE", "回访覆盖率"},
    {8, "PLAN_COMPLETION", "计划完成率"},
    {9, "REPORTING_ON_TIME", "上报及时率"},
    {10, "STOCK_ACCURACY", "库存准确率"},
    {11, "OUTPUT", "产量"},
    {12, "QC_FAIL", "质检不合格率"},
    {13, "TRAINING", "培训"},
    {14, "CONDUCT", "行为规范"},
};
const struct code_list codes_kpi = {"kpi", AS_COUNT(kpi_rows), kpi_rows};

static const struct code_def external_step_rows[] = {
    {1, "OPENED", "提出"},
    {2, "ANSWERED", "答复"},
    {3, "CLOSED", "关闭"},
};
const struct code_list codes_external_step = {"external_step", AS_COUNT(external_step_rows),
					      external_step_rows};

static const struct code_def external_party_rows[] = {
    {1, "MANUFACTURER", "厂家"},
    {2, "DEALER", "经销商"},
    {3, "CARRIER", "运营商"},
    {9, "OTHER", "其他"},
};
const struct code_list codes_external_party = {"external_party", AS_COUNT(external_party_rows),
					       external_party_rows};

static const struct code_def external_subject_rows[] = {
    {1, "PARTS", "配件"}, {2, "QUALITY", "质量"},   {3, "WARRANTY", "三包"},
    {4, "PRICE", "价格"}, {5, "LOGISTICS", "物流"}, {9, "OTHER", "其他"},
};
const struct code_list codes_external_subject = {"external_subject", AS_COUNT(external_subject_rows),
						 external_subject_rows};

static const struct code_def external_result_rows[] = {
    {1, "AGREED", "同意"},
    {2, "PARTLY", "部分同意"},
    {3, "REFUSED", "拒绝"},
};
const struct code_list codes_external_result = {"external_result", AS_COUNT(external_result_rows),
						external_result_rows};

static const struct code_def claim_step_rows[] = {
    {1, "CLAIMED", "申报"},
    {2, "ACCEPTED", "认可"},
    {3, "REJECTED", "拒绝"},
};
const struct code_list codes_claim_step = {"claim_step", AS_COUNT(claim_step_rows), claim_step_rows};

static const struct code_def grade_rows[] = {
    {1, "A", "甲"},
    {2, "B", "乙"},
    {3, "C", "丙"},
    {4, "D", "丁"},
};
const struct code_list codes_grade = {"grade", AS_COUNT(grade_rows), grade_rows};

static const struct code_def org_unit_rows[] = {
    {1, "MANAGEMENT", "管理"},	{2, "FRONT_DESK", "前台"}, {3, "TECHNICAL", "技术"}, {4, "LOGISTICS", "物流"},
    {5, "NETWORK", "网络管理"}, {6, "FINANCE", "财务"},	   {7, "CARE", "客户关怀"},
};
const struct code_list codes_org_unit = {"org_unit", AS_COUNT(org_unit_rows), org_unit_rows};

static const struct code_def employment_rows[] = {
    {1, "REGULAR", "在编"},
    {2, "NON_REGULAR", "非在编"},
    {3, "PROBATION", "试用期"},
    {4, "PROMOTER", "促销"},
};
const struct code_list codes_employment = {"employment", AS_COUNT(employment_rows), employment_rows};

static const struct code_def leave_cause_rows[] = {
    {1, "RESIGNED", "辞职"},
    {2, "DISMISSED", "辞退"},
    {3, "TRANSFERRED", "调动"},
    {4, "RETIRED", "退休"},
};
const struct code_list codes_leave_cause = {"leave_cause", AS_COUNT(leave_cause_rows), leave_cause_rows};

static const struct code_def proposal_rows[] = {
    {1, "APPOINT", "任命"},
    {2, "REMOVE", "免职"},
    {3, "PROMOTE", "晋升"},
};
const struct code_list codes_proposal = {"proposal", AS_COUNT(proposal_rows), proposal_rows};

static const struct code_def decision_rows[] = {
    {1, "APPROVED", "同意"},
    {2, "REJECTED", "不同意"},
};
const struct code_list codes_decision = {"decision", AS_COUNT(decision_rows), decision_rows};

static const struct code_def training_rows[] = {
    {1, "PRODUCT", "产品"}, {2, "REPAIR", "维修"}, {3, "SERVICE", "服务"},
    {4, "SAFETY", "安全"},  {5, "POLICY", "制度"}, {9, "OTHER", "其他"},
};
const struct code_list codes_training = {"training", AS_COUNT(training_rows), training_rows};

static const struct code_def training_result_rows[] = {
    {1, "PASSED", "合格"},
    {2, "FAILED", "不合格"},
    {3, "ATTENDED", "参加"},
};
const struct code_list codes_training_result = {"training_result", AS_COUNT(training_result_rows),
						training_result_rows};

static const struct code_def violation_rows[] = {
    {1, "ATTENDANCE", "考勤"}, {2, "CONDUCT", "行为"}, {3, "PRIVACY", "用户资料"},
    {4, "CASH", "现金"},       {5, "SAFETY", "安全"},  {9, "OTHER", "其他"},
};
const struct code_list codes_violation = {"violation", AS_COUNT(violation_rows), violation_rows};

static const struct code_def measure_rows[] = {
    {1, "REMINDER", "提醒"},
    {2, "WARNING", "警告"},
    {3, "DEDUCTION", "扣分"},
    {4, "DISMISSAL", "辞退"},
};
const struct code_list codes_measure = {"measure", AS_COUNT(measure_rows), measure_rows};
