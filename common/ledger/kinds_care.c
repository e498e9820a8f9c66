/* Complaints, consultations, follow-ups and letters. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
/* ---- complaints ------------------------------------------------------- */

static const struct field_def complaint_received[] = {
    F_CODE(1, "type", "类型", REQ, FOLD_C0, codes_complaint_type),
    F_CODE(2, "channel", "渠道", REQ, FOLD_C1, codes_complaint_channel),
    F_CODE(3, "category", "类别", REQ, FOLD_C2, codes_category),
    F_CODE(4, "severity", "级别", REQ, FOLD_C3, codes_severity),
    R_TIME(5, "ack_due", "响应期限", LIVE | SYS, FOLD_T0, R_30),
    R_TIME(6, "reply_due", "答复期限", REQ | SYS, FOLD_T1, R_30),
    R_TIME(7, "close_due", "结案期限", REQ | SYS, FOLD_T2, R_30),
    F_TEXT(8, "order_no", "工单号", 0, FOLD_NONE, LABEL_BYTES_MAX),
    F_TEXT(9, "repeat_of", "前次投诉", 0, FOLD_NONE, LABEL_BYTES_MAX),
    F_TEXT(10, "name", "姓名", PD, FOLD_NONE, 64),
    F_OF(11, "phone", "电话", FT_PHONE, PD),
    F_TEXT(12, "address", "地址", PD, FOLD_NONE, 200),
    F_TEXT(13, "text", "内容", PD, FOLD_NONE, 2000),
};

static const struct field_def complaint_acked[] = {
    F_CODE(1, "via", "方式", LIVE, FOLD_NONE, codes_via),
};

static const struct field_def complaint_assigned[] = {
    F_STAFF(1, "handler", "处理人", REQ, FOLD_STAFF),
};

static const struct field_def complaint_forwarded[] = {
    F_CODE(1, "to", "部门", REQ, FOLD_NONE, codes_department),
    F_TIME(2, "due", "期限", 0, FOLD_NONE),
};

static const struct field_def complaint_escalated[] = {
    F_U32(1, "level", "级", REQ, FOLD_C0, 1, 4),
    F_CODE(2, "cause", "升级原因", REQ, FOLD_NONE, codes_escalation_cause),
};

static const struct field_def complaint_replied[] = {
    F_BOOL(1, "final", "最终答复", REQ, FOLD_C0),
    F_CODE(2, "via", "方式", LIVE, FOLD_NONE, codes_via),
    F_TEXT(3, "text", "答复内容", PD, FOLD_NONE, 2000),
};

static const struct field_def complaint_extended[] = {
    F_TIME(1, "new_reply_due", "新答复期限", REQ, FOLD_T0),
};

static const struct field_def complaint_closed[] = {
    R_CODE(1, "cause", "原因", REQ, FOLD_NONE, codes_category, R_33),
    R_CODE(2, "responsible_unit", "责任部门", REQ, FOLD_NONE, codes_unit, R_33),
    R_CODE(3, "result", "结果", REQ, FOLD_NONE, codes_complaint_result, R_33),
    F_STAFF(4, "responsible_staff", "责任人", 0, FOLD_NONE),
    F_MONEY(5, "compensation_fen", "赔付", 0, FOLD_NONE),
    F_BOOL(6, "customer_confirmed", "客户确认", 0, FOLD_NONE),
    R_TEXT(7, "action", "处理措施", LIVE | PD, 500, R_33),
};

/* ---- consultations ---------------------------------------------------- */

static const struct field_def consult_received[] = {
    F_CODE(1, "topic", "主题", REQ, FOLD_NONE, codes_consult_topic),
    F_CODE(2, "channel", "渠道", REQ, FOLD_NONE, codes_consult_channel),
    F_BOOL(3, "answered_now", "当场答复", REQ, FOLD_C0),
    F_TIME(4, "reply_due", "答复期限", 0, FOLD_T1),
    F_TEXT(5, "model", "机型", 0, FOLD_MODEL, MODEL_BYTES_MAX),
    F_TEXT(6, "name", "姓名", PD, FOLD_NONE, 64),
    F_OF(7, "phone", "电话", FT_PHONE, PD),
    F_TEXT(8, "text", "内容", PD, FOLD_NONE, 2000),
};

static const struct field_def consult_replied[] = {
    F_STAFF(1, "staff", "答复人", LIVE, FOLD_NONE),
    F_CODE(2, "via", "方式", LIVE, FOLD_NONE, codes_via),
    F_TEXT(3, "text", "答复内容", PD, FOLD_NONE, 2000),
};

static const struct field_def consult_converted[] = {
    F_TEXT(1, "order_no", "工单号", 0, FOLD_NONE, LABEL_BYTES_MAX),
    F_TEXT(2, "complaint_no", "投诉号", 0, FOLD_NONE, LABEL_BYTES_MAX),
};

/* ---- follow-ups and letters -------------------------------------------- */

static const struct field_def followup_planned[] = {
    F_CODE(1, "about", "对象", REQ, FOLD_NONE, codes_followup_about),
    F_TEXT(2, "about_no", "对象单号", REQ, FOLD_NONE, LABEL_BYTES_MAX),
    F_CODE(3, "plan_rule", "计划依据", REQ, FOLD_NONE, codes_followup_rule),
    F_TIME(4, "due", "期限", REQ, FOLD_T2),
    F_STAFF(5, "technician", "工单技师", 0, FOLD_STAFF),
    F_CODE(6, "channel", "渠道", 0, FOLD_NONE, codes_followup_channel),
};

static const struct field_def followup_attempted[] = {
    F_CODE(1, "result", "结果", REQ, FOLD_NONE, codes_attempt_result),
    F_CODE(2, "channel", "渠道", 0, FOLD_NONE, codes_followup_channel),
};

static const struct field_def followup_done[] = {
    F_CODE(1, "channel", "渠道", REQ, FOLD_NONE, codes_followup_channel),
    F_U32(2, "satisfaction", "满意度", REQ, FOLD_C0, 1, 5),
    F_U32(3, "attitude", "态度", 0, FOLD_NONE, 1, 5),
    F_U32(4, "speed", "时限", 0, FOLD_NONE, 1, 5),
    F_U32(5, "quality", "质量", 0, FOLD_NONE, 1, 5),
    F_U32(6, "charge", "收费", 0, FOLD_NONE, 1, 5),
    F_U32(7, "environment", "环境", 0, FOLD_NONE, 1, 5),
    F_BOOL(8, "works_ok", "使用正常", LIVE, FOLD_C1),
    F_U32(9, "nps", "推荐度", 0, FOLD_NONE, 0, 10),
    F_CODE(10, "follow_action", "后续处理", REQ, FOLD_C2, codes_follow_action),
    F_TEXT(11, "opinion", "意见", PD, FOLD_NONE, 1000),
};

static const struct kind_def complaint[] = {
	KIND(COMPLAINT_RECEIVED, "受理投诉", CASE_COMPLAINT, KF_OPENS, CARE, FIELDS(complaint_received), R_30, R_31),
	KIND(COMPLAINT_ACKED, "首次响应", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_acked), R_NONE),
	KIND(COMPLAINT_ASSIGNED, "分派", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_assigned), R_NONE),
	KIND(COMPLAINT_FORWARDED, "反馈相关部门", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_forwarded), R_32),
	KIND(COMPLAINT_ESCALATED, "升级", CASE_COMPLAINT, 0, CARE | P_SYS, FIELDS(complaint_escalated), R_34),
	KIND(COMPLAINT_REPLIED, "答复用户", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_replied), R_NONE),
	KIND(COMPLAINT_EXTENDED, "延期", CASE_COMPLAINT, KF_APPROVER, CARE, FIELDS(complaint_extended), R_05, R_35),
	KIND(COMPLAINT_CLOSED, "结案", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_closed), R_33),
	KIND(COMPLAINT_REOPENED, "重开", CASE_COMPLAINT, KF_REASON, CARE, NO_FIELDS, R_NONE),
	KIND(COMPLAINT_WITHDRAWN, "撤诉", CASE_COMPLAINT, KF_REASON, CARE, NO_FIELDS, R_NONE),
	KIND(COMPLAINT_REJECTED, "不受理", CASE_COMPLAINT, KF_REASON, CARE, NO_FIELDS, R_NONE),
};
KIND_GROUP(kinds_complaint, COMPLAINT_RECEIVED, complaint);

static const struct kind_def consult[] = {
	KIND(CONSULT_RECEIVED, "受理咨询", CASE_CONSULT, KF_OPENS, CARE | BENCH, FIELDS(consult_received), R_NONE),
	KIND(CONSULT_REPLIED, "答复咨询", CASE_CONSULT, 0, CARE | BENCH, FIELDS(consult_replied), R_NONE),
	KIND(CONSULT_CONVERTED, "咨询转单", CASE_CONSULT, 0, CARE | BENCH, FIELDS(consult_converted), R_NONE),
};
KIND_GROUP(kinds_consult, CONSULT_RECEIVED, consult);

static const struct kind_def followup[] = {
	KIND(FOLLOWUP_PLANNED, "计划回访", CASE_FOLLOWUP, KF_OPENS, CARE | P_SYS, FIELDS(followup_planned), R_33, R_40, R_41),
	KIND(FOLLOWUP_ATTEMPTED, "尝试回访", CASE_FOLLOWUP, 0, CARE | P_TECH, FIELDS(followup_attempted), R_NONE),
	KIND(FOLLOWUP_DONE, "完成回访", CASE_FOLLOWUP, 0, CARE | P_TECH, FIELDS(followup_done), R_42),
	KIND(FOLLOWUP_DECLINED, "客户拒访", CASE_FOLLOWUP, 0, CARE, NO_FIELDS, R_NONE),
	KIND(FOLLOWUP_GIVEN_UP, "放弃回访", CASE_FOLLOWUP, 0, CARE, NO_FIELDS, R_40),
};
KIND_GROUP(kinds_followup, FOLLOWUP_PLANNED, followup);
/* clang-format on */
