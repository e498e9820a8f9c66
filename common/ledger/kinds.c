#include "common/ledger/kinds.h"

#include "common/base/check.h"

/* tables: one row a line */
/* clang-format off */
#define REQ FF_REQUIRED
#define LIVE FF_LIVE_REQUIRED
#define PD FF_PERSONAL
#define SYS FF_SYSTEM
#define TIME_MIN INT64_C(-2208988800000) /* 1900-01-01 */
#define TIME_MAX INT64_C(7258118400000)	 /* 2200-01-01 */
#define FEN_MAX 10000000		 /* domain study 2.13 */
#define HQ_EVENT_MAX 32000		 /* leaves room for the event around it */

/* number, name, Chinese name, flags, slot of the fold, … */
#define FIELD(n, nm, cn, ty, fl, lo, hi) .name = nm, .zh = cn, .number = n, .type = ty, .flags = fl, .min = lo, .max = hi
#define F_U32(n, name, zh, fl, sl, lo, hi) { FIELD(n, name, zh, FT_U32, fl, lo, hi), .slot = sl }
#define F_I64(n, name, zh, fl, lo, hi) { FIELD(n, name, zh, FT_I64, fl, lo, hi) }
#define F_BOOL(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_BOOL, fl, 0, 1), .slot = sl }
#define F_CODE(n, name, zh, fl, sl, list) { FIELD(n, name, zh, FT_CODE, fl, 0, 0), .slot = sl, .codes = &(list) }
#define F_SET(n, name, zh, fl, list) { FIELD(n, name, zh, FT_CODE_SET, fl, 0, 0), .codes = &(list) }
#define F_LIST(n, name, zh, fl, hi, list) { FIELD(n, name, zh, FT_CODE_LIST, fl, 1, hi), .codes = &(list) }
#define F_MONEY(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_MONEY, fl, 0, FEN_MAX), .slot = sl }
#define F_DATE(n, name, zh, fl) { FIELD(n, name, zh, FT_DATE, fl, 0, 0) }
#define F_TIME(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_TIME, fl, TIME_MIN, TIME_MAX), .slot = sl }
#define F_TEXT(n, name, zh, fl, sl, hi) { FIELD(n, name, zh, FT_TEXT, fl, 1, hi), .slot = sl }
#define F_BYTES(n, name, zh, fl, len) { FIELD(n, name, zh, FT_BYTES, fl, len, len) }
#define F_BLOB(n, name, zh, fl, sl, hi) { FIELD(n, name, zh, FT_BLOB, fl, 1, hi), .slot = sl }
#define F_STAFF(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_STAFF, fl, 1, UINT32_MAX), .slot = sl }
#define F_OF(n, name, zh, type, fl) { FIELD(n, name, zh, type, fl, 0, 0) }
#define F_ROWS(n, name, zh, fl, hi, def) { FIELD(n, name, zh, FT_ROWS, fl, 1, hi), .row = &(def) }
#define ROW_OF(nm, columns) { .name = nm, .cols_n = AS_COUNT(columns), .cols = columns }

/* the same, required by a rule */
#define R_LIST(n, name, zh, fl, hi, list, ru) { FIELD(n, name, zh, FT_CODE_LIST, fl, 1, hi), .codes = &(list), .rule = ru }
#define R_SET(n, name, zh, fl, list, ru) { FIELD(n, name, zh, FT_CODE_SET, fl, 0, 0), .codes = &(list), .rule = ru }
#define R_TIME(n, name, zh, fl, sl, ru) { FIELD(n, name, zh, FT_TIME, fl, TIME_MIN, TIME_MAX), .slot = sl, .rule = ru }
#define R_BOOL(n, name, zh, fl, sl, ru) { FIELD(n, name, zh, FT_BOOL, fl, 0, 1), .slot = sl, .rule = ru }
#define R_CODE(n, name, zh, fl, sl, list, ru) { FIELD(n, name, zh, FT_CODE, fl, 0, 0), .slot = sl, .codes = &(list), .rule = ru }
#define R_STAFF(n, name, zh, fl, sl, ru) { FIELD(n, name, zh, FT_STAFF, fl, 1, UINT32_MAX), .slot = sl, .rule = ru }
#define R_TEXT(n, name, zh, fl, hi, ru) { FIELD(n, name, zh, FT_TEXT, fl, 1, hi), .rule = ru }

const struct field_def kind_reason_field =
    F_TEXT(KIND_REASON_NUMBER, "reason", "原因", PD, FOLD_NONE, REASON_BYTES_MAX);

/* ---- repair orders (domain study 2.1) ---------------------------------------------------- */

static const struct field_def repair_received[] = {
    F_TEXT(1, "model", "机型", REQ, FOLD_MODEL, MODEL_BYTES_MAX),
    F_CODE(2, "channel", "送修方式", REQ, FOLD_C0, codes_channel),
    R_TIME(3, "promised_at", "承诺取机时间", LIVE, FOLD_T0, "R-10"),
    R_LIST(4, "symptom", "送修故障", LIVE, 16, codes_symptom, "R-10"),
    R_SET(5, "appearance", "外观", LIVE, codes_appearance, "R-10"),
    R_SET(6, "accessories", "随机配件", LIVE, codes_accessories, "R-10"),
    F_CODE(7, "occurs", "故障频度", 0, FOLD_NONE, codes_occurs),
    F_SET(8, "proof", "凭证", 0, codes_proof),
    F_U32(9, "tac", "TAC", 0, FOLD_NONE, 0, 99999999),
    F_BOOL(10, "data_backup_agreed", "数据备份告知", 0, FOLD_NONE),
    F_DATE(11, "sale_date", "销售日期", 0),
    F_DATE(12, "made_date", "出厂日期", 0),
    F_TEXT(13, "repeat_of", "前次工单", 0, FOLD_NONE, LABEL_BYTES_MAX),
    F_TIME(14, "queued_at", "取号时间", 0, FOLD_NONE),
    F_TIME(15, "served_at", "接待时间", 0, FOLD_NONE),
    F_BOOL(16, "loaner_offered", "备用机告知", 0, FOLD_NONE),
    F_TEXT(17, "name", "姓名", PD, FOLD_NONE, 64),
    F_OF(18, "phone", "电话", FT_PHONE, PD),
    F_OF(19, "phone2", "备用电话", FT_PHONE, PD),
    F_TEXT(20, "address", "地址", PD, FOLD_NONE, 200),
    F_OF(21, "imei", "IMEI", FT_IMEI, PD),
    F_TEXT(22, "symptom_text", "故障描述", PD, FOLD_NONE, 500),
    F_TEXT(23, "invoice_no", "发票号", PD, FOLD_NONE, 40),
    F_TEXT(24, "unlock_code", "解锁码", PD, FOLD_NONE, 40),
};

static const struct field_def repair_inspected[] = {
    R_CODE(1, "cause", "故障原因", REQ, FOLD_C1, codes_cause, "R-16"),
    F_CODE(2, "warranty", "保修判定", LIVE, FOLD_C0, codes_warranty),
    F_BOOL(3, "ntf", "未发现故障", 0, FOLD_C2),
    F_BOOL(4, "fault_confirmed", "故障确认", 0, FOLD_NONE),
    F_BOOL(5, "performance_fault", "性能故障", 0, FOLD_NONE),
    F_BOOL(6, "human_damage", "人为损坏", 0, FOLD_NONE),
    F_CODE(7, "level", "维修级别", 0, FOLD_NONE, codes_level),
};

static const struct field_def repair_quoted[] = {
    F_MONEY(1, "labour_fen", "工时费", REQ, FOLD_T0),
    F_MONEY(2, "parts_fen", "材料费", REQ, FOLD_T1),
    F_TIME(3, "new_promised_at", "新承诺取机时间", 0, FOLD_NONE),
};

static const struct field_def quote_answered[] = {
    F_BOOL(1, "accepted", "同意", REQ, FOLD_C0),
    F_CODE(2, "via", "方式", LIVE, FOLD_NONE, codes_via),
};

static const struct field_def repair_assigned[] = {
    F_STAFF(1, "technician", "技师", REQ, FOLD_STAFF),
    F_DATE(2, "planned_date", "计划日期", 0),
};

static const struct field_def repair_started[] = {
    F_STAFF(1, "technician", "技师", REQ, FOLD_STAFF),
};

static const struct field_def repair_held[] = {
    F_CODE(1, "hold", "挂起原因", REQ, FOLD_C0, codes_hold),
    F_TIME(2, "expected_until", "预计到", 0, FOLD_NONE),
};

static const struct field_def return_to_factory[] = {
    F_CODE(1, "to_party", "返往", 0, FOLD_NONE, codes_department),
    F_TEXT(2, "waybill", "运单号", 0, FOLD_NONE, 40),
    F_TEXT(3, "ship_doc", "发货单号", 0, FOLD_NONE, 40),
};

static const struct field_def back_from_factory[] = {
    F_CODE(1, "result", "返厂结果", REQ, FOLD_C0, codes_factory_result),
    F_BYTES(2, "new_device_ref", "新机", 0, 16),
};

static const struct field_def part_used_cols[] = {
    F_TEXT(1, "part_no", "料号", REQ, FOLD_NONE, 24),
    F_U32(2, "qty", "数量", REQ, FOLD_NONE, 1, 1000),
    F_TEXT(3, "serial", "序列号", 0, FOLD_NONE, 40),
};
static const struct row_def part_used = ROW_OF("PartUsed", part_used_cols);

static const struct field_def repair_done[] = {
    F_CODE(1, "outcome", "维修结果", REQ, FOLD_C0, codes_outcome),
    F_LIST(2, "resolution", "处理方式", 0, 8, codes_resolution),
    F_ROWS(3, "parts_used", "用料", 0, PARTS_LIST_MAX, part_used),
    F_U32(4, "labour_min", "工时(分)", 0, FOLD_NONE, 0, 100000),
    F_STAFF(5, "technician", "技师", 0, FOLD_STAFF),
};

static const struct field_def qc_checked[] = {
    F_BOOL(1, "pass", "合格", REQ, FOLD_C0),
    R_STAFF(2, "checker", "质检员", LIVE, FOLD_STAFF, "R-08"),
    F_TEXT(3, "fail_reason", "不合格原因", PD, FOLD_NONE, REASON_BYTES_MAX),
};

static const struct field_def customer_notified[] = {
    F_CODE(1, "via", "方式", LIVE, FOLD_NONE, codes_via),
    F_BOOL(2, "reached", "已通知到", LIVE, FOLD_NONE),
};

static const struct field_def repair_delivered[] = {
    R_BOOL(1, "tested_with_customer", "当面交验", LIVE, FOLD_NONE, "R-08"),
    F_CODE(2, "taken_by", "取机人", LIVE, FOLD_NONE, codes_taken_by),
    F_MONEY(3, "paid_fen", "收费", 0, FOLD_NONE),
    F_BOOL(4, "old_parts_returned", "旧件归还", 0, FOLD_NONE),
    F_BOOL(5, "loaner_returned", "备用机归还", 0, FOLD_NONE),
    F_DATE(6, "repair_warranty_until", "维修保修至", 0),
};

static const struct field_def transfer_out[] = {
    F_OF(1, "other_branch", "对方网点", FT_BRANCH, REQ),
    F_TEXT(2, "waybill", "运单号", 0, FOLD_NONE, 40),
};

static const struct field_def transfer_in[] = {
    F_OF(1, "other_branch", "对方网点", FT_BRANCH, REQ),
    F_TEXT(2, "waybill", "运单号", 0, FOLD_NONE, 40),
    F_TEXT(3, "model", "机型", REQ, FOLD_MODEL, MODEL_BYTES_MAX),
    F_CODE(4, "channel", "送修方式", 0, FOLD_C0, codes_channel),
    F_TIME(5, "promised_at", "承诺取机时间", LIVE, FOLD_T0),
};

/* ---- complaints (domain study 2.2) ------------------------------------------------------- */

static const struct field_def complaint_received[] = {
    F_CODE(1, "type", "类型", REQ, FOLD_C0, codes_complaint_type),
    F_CODE(2, "channel", "渠道", REQ, FOLD_C1, codes_complaint_channel),
    F_CODE(3, "category", "类别", REQ, FOLD_C2, codes_category),
    F_CODE(4, "severity", "级别", REQ, FOLD_C3, codes_severity),
    R_TIME(5, "ack_due", "响应期限", LIVE | SYS, FOLD_T0, "R-30"),
    R_TIME(6, "reply_due", "答复期限", REQ | SYS, FOLD_T1, "R-30"),
    R_TIME(7, "close_due", "结案期限", REQ | SYS, FOLD_T2, "R-30"),
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
    R_CODE(1, "cause", "原因", REQ, FOLD_NONE, codes_category, "R-33"),
    R_CODE(2, "responsible_unit", "责任部门", REQ, FOLD_NONE, codes_unit, "R-33"),
    R_CODE(3, "result", "结果", REQ, FOLD_NONE, codes_complaint_result, "R-33"),
    F_STAFF(4, "responsible_staff", "责任人", 0, FOLD_NONE),
    F_MONEY(5, "compensation_fen", "赔付", 0, FOLD_NONE),
    F_BOOL(6, "customer_confirmed", "客户确认", 0, FOLD_NONE),
    R_TEXT(7, "action", "处理措施", LIVE | PD, 500, "R-33"),
};

/* ---- the node itself --------------------------------------------------------------------- */

static const struct field_def log_opened[] = {
    F_U32(1, "incarnation", "化身号", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_BYTES(2, "incarnation_id", "化身标识", REQ, 16),
    F_CODE(3, "class", "日志类别", REQ, FOLD_NONE, codes_log_class),
    F_BYTES(4, "author_key", "签名公钥", REQ, 32),
    F_U32(5, "parent", "父化身号", 0, FOLD_NONE, 1, UINT32_MAX),
    F_BYTES(6, "parent_id", "父化身标识", 0, 16),
    F_I64(7, "parent_size", "父日志长度", 0, 0, INT64_MAX),
    F_BYTES(8, "parent_root", "父日志根", 0, 32),
};

static const struct field_def hq_applied[] = {
    F_U32(1, "instance", "总部实例", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_CODE(2, "class", "日志类别", REQ, FOLD_NONE, codes_log_class),
    F_I64(3, "index", "序号", 0, 0, INT64_MAX),
    F_BLOB(4, "event", "总部事件", 0, FOLD_INNER, HQ_EVENT_MAX),
    F_I64(5, "upto", "已执行至", 0, 0, INT64_MAX),
};

/* ---- the roster (head office's log to everybody) -------------------------------------------- */

static const struct field_def instance_certified[] = {
    F_U32(1, "number", "实例号", REQ, FOLD_NONE, 1, 1000),
    F_BYTES(2, "key", "签名公钥", REQ, 32),
    F_BYTES(3, "recipient", "接收公钥", REQ, 32),
    F_BYTES(4, "certificate", "根密钥签名", REQ, 64),
};

static const struct field_def transport_key[] = {
    F_U32(1, "number", "编号", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_BYTES(2, "key", "传输公钥", REQ, 32),
};

static const struct field_def branch_enrolled[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_U32(2, "token", "令牌号", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_BYTES(3, "token_key", "令牌公钥", REQ, 32),
    F_TIME(4, "expires", "有效期", REQ, FOLD_NONE),
    F_U32(5, "uses", "可用次数", REQ, FOLD_NONE, 1, 100),
    F_U32(6, "first_number", "首个实例号", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_TEXT(7, "timezone", "时区", REQ, FOLD_NONE, 40),
    F_TEXT(8, "name", "名称", 0, FOLD_NONE, 60),
    F_TEXT(9, "region", "大区", 0, FOLD_NONE, 40),
    F_BOOL(10, "replace", "替换服务器", 0, FOLD_NONE),
};

static const struct field_def node_admitted[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_U32(2, "token", "令牌号", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_BYTES(3, "identity", "身份公钥", REQ, 32),
    F_BYTES(4, "link", "链路公钥", REQ, 32),
    F_BYTES(5, "recipient", "接收公钥", REQ, 32),
    F_BYTES(6, "live", "首个日志", REQ, 29),
};

static const struct field_def node_ended[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_BYTES(2, "identity", "身份公钥", REQ, 32),
};

static const struct field_def log_keys[] = {
    F_BYTES(1, "log", "日志", REQ, 29),
    F_BYTES(2, "content_key", "内容密钥（密封）", REQ, 80),
};

/* ---- who, and which rules ---------------------------------------------------------------- */

#define POST(n) (UINT32_C(1) << (n))
#define P_MANAGER POST(1)
#define P_ASSISTANT POST(2)
#define P_CLERK POST(3)
#define P_TECH_SUPPORT POST(4)
#define P_SUPERVISOR POST(6)
#define P_HEAD POST(7)
#define P_FRONT POST(8)
#define P_TECH POST(9)
#define P_LOGISTICS POST(10)
#define P_CARE POST(12)
#define P_SYS POST(31)

#define LEAD (P_MANAGER | P_SUPERVISOR | P_HEAD)
#define DESK (LEAD | P_FRONT)
#define BENCH (LEAD | P_TECH | P_TECH_SUPPORT)
#define DESK_BENCH (DESK | BENCH)
#define STORES (DESK | P_LOGISTICS | P_TECH)
#define CARE (DESK | P_CARE | P_ASSISTANT | P_CLERK)

#define RULE_STATE { "R-04", false, "state machine respected" }
#define RULE_STAFF { "R-03", true, "actor is an active member of staff with a permitted post" }
#define RULE_DAY { "R-07", true, "the business day is open" }

#define FIELDS(a) (a), AS_COUNT(a)
#define NO_FIELDS NULL, 0
const struct kind_def kinds_table[] = {
	{REPAIR_RECEIVED, "REPAIR_RECEIVED", "接机", CASE_REPAIR, KF_OPENS, DESK, FIELDS(repair_received),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-10", false, "customer contact, device, symptom, appearance, accessories, promised time"},
	  {"R-11", true, "one open order per device in the whole network"},
	  {"R-12", false, "IMEI valid"}}},
	{REPAIR_INSPECTED, "REPAIR_INSPECTED", "检测", CASE_REPAIR, 0, BENCH, FIELDS(repair_inspected),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-16", false, "the cause of the fault is recorded"}}},
	{REPAIR_QUOTED, "REPAIR_QUOTED", "报价", CASE_REPAIR, 0, DESK_BENCH, FIELDS(repair_quoted),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{QUOTE_ANSWERED, "QUOTE_ANSWERED", "客户答复", CASE_REPAIR, 0, DESK_BENCH | P_CARE, FIELDS(quote_answered),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_ASSIGNED, "REPAIR_ASSIGNED", "派工", CASE_REPAIR, 0, DESK_BENCH, FIELDS(repair_assigned),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_STARTED, "REPAIR_STARTED", "开工", CASE_REPAIR, 0, BENCH, FIELDS(repair_started),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_HELD, "REPAIR_HELD", "挂起", CASE_REPAIR, 0, DESK_BENCH, FIELDS(repair_held),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_RESUMED, "REPAIR_RESUMED", "恢复", CASE_REPAIR, 0, DESK_BENCH, NO_FIELDS,
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{RETURN_TO_FACTORY, "RETURN_TO_FACTORY", "返厂", CASE_REPAIR, 0, STORES, FIELDS(return_to_factory),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{BACK_FROM_FACTORY, "BACK_FROM_FACTORY", "返厂收回", CASE_REPAIR, 0, STORES, FIELDS(back_from_factory),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_DONE, "REPAIR_DONE", "完修", CASE_REPAIR, 0, BENCH, FIELDS(repair_done),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{QC_CHECKED, "QC_CHECKED", "质检", CASE_REPAIR, 0, BENCH, FIELDS(qc_checked),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-08", false, "checker is not the technician"}}},
	{CUSTOMER_NOTIFIED, "CUSTOMER_NOTIFIED", "通知取机", CASE_REPAIR, 0, DESK_BENCH | P_CARE, FIELDS(customer_notified),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_DELIVERED, "REPAIR_DELIVERED", "取机", CASE_REPAIR, 0, DESK, FIELDS(repair_delivered),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-08", false, "hand-over only after QC, tested with the customer"},
	  {"R-26", true, "the loaner is back or the approver says otherwise"}}},
	{REPAIR_REOPENED, "REPAIR_REOPENED", "返工", CASE_REPAIR, KF_REASON, DESK_BENCH, NO_FIELDS,
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_CANCELLED, "REPAIR_CANCELLED", "取消", CASE_REPAIR, KF_REASON, DESK, NO_FIELDS,
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_TRANSFER_OUT, "REPAIR_TRANSFER_OUT", "转出", CASE_REPAIR, 0, STORES, FIELDS(transfer_out),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{REPAIR_TRANSFER_IN, "REPAIR_TRANSFER_IN", "转入", CASE_REPAIR, KF_OPENS, STORES, FIELDS(transfer_in),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-11", true, "one open order per device in the whole network"}}},
	{COMPLAINT_RECEIVED, "COMPLAINT_RECEIVED", "受理投诉", CASE_COMPLAINT, KF_OPENS, CARE, FIELDS(complaint_received),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-30", false, "deadlines fixed at receipt by severity"}}},
	{COMPLAINT_ACKED, "COMPLAINT_ACKED", "首次响应", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_acked),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{COMPLAINT_ASSIGNED, "COMPLAINT_ASSIGNED", "分派", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_assigned),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{COMPLAINT_FORWARDED, "COMPLAINT_FORWARDED", "反馈相关部门", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_forwarded),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{COMPLAINT_ESCALATED, "COMPLAINT_ESCALATED", "升级", CASE_COMPLAINT, 0, CARE | P_SYS, FIELDS(complaint_escalated),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{COMPLAINT_REPLIED, "COMPLAINT_REPLIED", "答复用户", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_replied),
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{COMPLAINT_EXTENDED, "COMPLAINT_EXTENDED", "延期", CASE_COMPLAINT, KF_APPROVER, CARE, FIELDS(complaint_extended),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-05", false, "approver given, not the actor"},
	  {"R-35", false, "at most twice; the original due time stays in reports"}}},
	{COMPLAINT_CLOSED, "COMPLAINT_CLOSED", "结案", CASE_COMPLAINT, 0, CARE, FIELDS(complaint_closed),
	 {RULE_STATE, RULE_STAFF, RULE_DAY,
	  {"R-33", false, "cause, responsibility, action, result and a final reply"}}},
	{COMPLAINT_REOPENED, "COMPLAINT_REOPENED", "重开", CASE_COMPLAINT, KF_REASON, CARE, NO_FIELDS,
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{COMPLAINT_WITHDRAWN, "COMPLAINT_WITHDRAWN", "撤诉", CASE_COMPLAINT, KF_REASON, CARE, NO_FIELDS,
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{COMPLAINT_REJECTED, "COMPLAINT_REJECTED", "不受理", CASE_COMPLAINT, KF_REASON, CARE, NO_FIELDS,
	 {RULE_STATE, RULE_STAFF, RULE_DAY}},
	{LOG_OPENED, "LOG_OPENED", "日志开启", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(log_opened),
	 {{0}}},
	{HQ_APPLIED, "HQ_APPLIED", "总部事件执行", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(hq_applied),
	 {{0}}},
	{INSTANCE_CERTIFIED, "INSTANCE_CERTIFIED", "总部实例", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(instance_certified),
	 {{0}}},
	{TRANSPORT_KEY, "TRANSPORT_KEY", "传输密钥", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(transport_key),
	 {{0}}},
	{BRANCH_ENROLLED, "BRANCH_ENROLLED", "网点登记", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(branch_enrolled),
	 {{0}}},
	{NODE_ADMITTED, "NODE_ADMITTED", "服务器接入", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(node_admitted),
	 {{0}}},
	{NODE_ENDED, "NODE_ENDED", "服务器停用", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(node_ended),
	 {{0}}},
	{LOG_KEYS, "LOG_KEYS", "日志密钥", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(log_keys),
	 {{0}}},
};
/* clang-format on */
const size_t kinds_count = AS_COUNT(kinds_table);

const struct kind_def *kind_of(uint32_t number)
{
	size_t lo = 0, hi = AS_COUNT(kinds_table);

	/* the repair kinds, most of all events, stand at their number */
	if (number - 1 < 18)
		return &kinds_table[number - 1];
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (kinds_table[mid].number == number)
			return &kinds_table[mid];
		if (kinds_table[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct kind_def *kind_of_name(struct bytes name)
{
	for (size_t i = 0; i < AS_COUNT(kinds_table); i++)
		if (code_name_is(kinds_table[i].name, name))
			return &kinds_table[i];
	return NULL;
}

int kind_field_index(const struct kind_def *kind, struct bytes name)
{
	for (unsigned i = 0; i < kind->fields_n; i++)
		if (code_name_is(kind->fields[i].name, name))
			return (int)i;
	return -1;
}
