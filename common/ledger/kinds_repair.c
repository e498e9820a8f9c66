/* Repair orders. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
static const struct field_def repair_received[] = {
    F_TEXT(1, "model", "机型", REQ, FOLD_MODEL, MODEL_BYTES_MAX),
    F_CODE(2, "channel", "送修方式", REQ, FOLD_C0, codes_channel),
    R_TIME(3, "promised_at", "承诺取机时间", LIVE, FOLD_T0, R_10),
    R_LIST(4, "symptom", "送修故障", LIVE, 16, codes_symptom, R_10),
    R_SET(5, "appearance", "外观", LIVE, codes_appearance, R_10),
    R_SET(6, "accessories", "随机配件", LIVE, codes_accessories, R_10),
    F_CODE(7, "occurs", "故障频度", 0, FOLD_NONE, codes_occurs),
    F_SET(8, "proof", "凭证", 0, codes_proof),
    F_U32(9, "tac", "TAC", 0, FOLD_NONE, 0, 99999999),
    F_BOOL(10, "data_backup_agreed", "数据备份告知", 0, FOLD_NONE),
    F_DATE_IN(11, "sale_date", "销售日期", 0, FOLD_T1),
    F_DATE_IN(12, "made_date", "出厂日期", 0, FOLD_T2),
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
    R_CODE(1, "cause", "故障原因", REQ, FOLD_C1, codes_cause, R_16),
    F_CODE(2, "warranty", "保修判定", LIVE, FOLD_C0, codes_warranty),
    F_BOOL(3, "ntf", "未发现故障", 0, FOLD_C2),
    F_BOOL(4, "fault_confirmed", "故障确认", 0, FOLD_NONE),
    F_BOOL(5, "performance_fault", "性能故障", 0, FOLD_NONE),
    F_BOOL(6, "human_damage", "人为损坏", 0, FOLD_NONE),
    F_CODE(7, "level", "维修级别", 0, FOLD_NONE, codes_level),
    F_BOOL(8, "imei_agrees", "机身/菜单/三包凭证IMEI一致", 0, FOLD_NONE),
    F_DATE(9, "warranty_until", "保修至(含顺延)", 0),
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
    F_BYTES(6, "new_device_ref", "新机", 0, 16),
};

static const struct field_def qc_checked[] = {
    F_BOOL(1, "pass", "合格", REQ, FOLD_C0),
    R_STAFF(2, "checker", "质检员", LIVE, FOLD_STAFF, R_08),
    F_TEXT(3, "fail_reason", "不合格原因", PD, FOLD_NONE, REASON_BYTES_MAX),
};

static const struct field_def customer_notified[] = {
    F_CODE(1, "via", "方式", LIVE, FOLD_NONE, codes_via),
    F_BOOL(2, "reached", "已通知到", LIVE, FOLD_NONE),
};

static const struct field_def repair_delivered[] = {
    R_BOOL(1, "tested_with_customer", "当面交验", LIVE, FOLD_NONE, R_08),
    F_CODE(2, "taken_by", "取机人", LIVE, FOLD_NONE, codes_taken_by),
    F_MONEY(3, "paid_fen", "收费", 0, FOLD_NONE),
    F_BOOL(4, "old_parts_returned", "旧件归还", 0, FOLD_NONE),
    F_BOOL(5, "loaner_returned", "备用机归还", 0, FOLD_C0),
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

static const struct field_def doa_dap_certified[] = {
    F_CODE(1, "class", "类别", REQ, FOLD_NONE, codes_certificate),
    F_TEXT(2, "certificate_no", "证明编号", REQ, FOLD_NONE, 40),
};

static const struct field_def exchange_done[] = {
    R_BYTES(1, "old_device_ref", "旧机", REQ, 16, R_14),
    R_BYTES(2, "new_device_ref", "新机", REQ, 16, R_14),
    F_TEXT(3, "certificate_no", "证明编号", 0, FOLD_NONE, 40),
    F_TEXT(4, "new_model", "新机型", 0, FOLD_NONE, MODEL_BYTES_MAX),
};

static const struct field_def refund_done[] = {
    F_MONEY(1, "amount_fen", "退款", REQ, FOLD_NONE),
    F_MONEY(2, "depreciation_fen", "折旧费", REQ, FOLD_NONE),
    R_MONEY(3, "price_fen", "发票价", LIVE, R_29),
    R_U32(4, "days_used", "使用天数", LIVE, FOLD_NONE, 0, 3660, R_29),
    R_BOOL(5, "same_model_available", "有同型号", LIVE, FOLD_NONE, R_29),
    F_TEXT(6, "certificate_no", "证明编号", 0, FOLD_NONE, 40),
};

static const struct field_def loaner_out[] = {
    F_TEXT(1, "loaner_id", "备用机编号", REQ, FOLD_NONE, 40),
    F_CODE(2, "condition", "状况", REQ, FOLD_NONE, codes_loaner_condition),
    F_DATE(3, "due", "应还日期", 0),
};

static const struct field_def loaner_back[] = {
    F_TEXT(1, "loaner_id", "备用机编号", REQ, FOLD_NONE, 40),
    F_CODE(2, "condition", "状况", REQ, FOLD_NONE, codes_loaner_condition),
    F_MONEY(3, "charge_fen", "赔偿", 0, FOLD_NONE),
};

static const struct kind_def repair[] = {
	KIND(REPAIR_RECEIVED, "接机", CASE_REPAIR, KF_OPENS, DESK, FIELDS(repair_received), R_10, R_11, R_12, R_15),
	KIND(REPAIR_INSPECTED, "检测", CASE_REPAIR, 0, BENCH, FIELDS(repair_inspected), R_16, R_21, R_22, R_23, R_24, R_25),
	KIND(REPAIR_QUOTED, "报价", CASE_REPAIR, 0, DESK_BENCH, FIELDS(repair_quoted), R_NONE),
	KIND(QUOTE_ANSWERED, "客户答复", CASE_REPAIR, 0, DESK_BENCH | P_CARE, FIELDS(quote_answered), R_NONE),
	KIND(REPAIR_ASSIGNED, "派工", CASE_REPAIR, 0, DESK_BENCH, FIELDS(repair_assigned), R_NONE),
	KIND(REPAIR_STARTED, "开工", CASE_REPAIR, 0, BENCH, FIELDS(repair_started), R_NONE),
	KIND(REPAIR_HELD, "挂起", CASE_REPAIR, 0, DESK_BENCH, FIELDS(repair_held), R_NONE),
	KIND(REPAIR_RESUMED, "恢复", CASE_REPAIR, 0, DESK_BENCH, NO_FIELDS, R_NONE),
	KIND(RETURN_TO_FACTORY, "返厂", CASE_REPAIR, 0, STORES, FIELDS(return_to_factory), R_NONE),
	KIND(BACK_FROM_FACTORY, "返厂收回", CASE_REPAIR, 0, STORES, FIELDS(back_from_factory), R_NONE),
	KIND(REPAIR_DONE, "完修", CASE_REPAIR, 0, BENCH, FIELDS(repair_done), R_16),
	KIND(QC_CHECKED, "质检", CASE_REPAIR, 0, BENCH, FIELDS(qc_checked), R_08),
	KIND(CUSTOMER_NOTIFIED, "通知取机", CASE_REPAIR, 0, DESK_BENCH | P_CARE, FIELDS(customer_notified), R_NONE),
	KIND(REPAIR_DELIVERED, "取机", CASE_REPAIR, 0, DESK, FIELDS(repair_delivered), R_08, R_16, R_73),
	KIND(REPAIR_REOPENED, "返工", CASE_REPAIR, KF_REASON, DESK_BENCH, NO_FIELDS, R_NONE),
	KIND(REPAIR_CANCELLED, "取消", CASE_REPAIR, KF_REASON, DESK, NO_FIELDS, R_NONE),
	KIND(REPAIR_TRANSFER_OUT, "转出", CASE_REPAIR, 0, STORES, FIELDS(transfer_out), R_NONE),
	KIND(REPAIR_TRANSFER_IN, "转入", CASE_REPAIR, KF_OPENS, STORES, FIELDS(transfer_in), R_11),
	KIND(DOA_DAP_CERTIFIED, "开箱/十五天检测证明", CASE_REPAIR, 0, BENCH, FIELDS(doa_dap_certified), R_23, R_24, R_25, R_27),
	KIND(EXCHANGE_DONE, "换货", CASE_REPAIR, 0, DESK_BENCH, FIELDS(exchange_done), R_22),
	KIND(REFUND_DONE, "退货", CASE_REPAIR, 0, DESK | P_FINANCE, FIELDS(refund_done), R_23),
	KIND(LOANER_OUT, "备用机借出", CASE_REPAIR, 0, DESK | P_LOGISTICS, FIELDS(loaner_out), R_26),
	KIND(LOANER_BACK, "备用机收回", CASE_REPAIR, 0, DESK | P_LOGISTICS, FIELDS(loaner_back), R_26),
};
KIND_GROUP(kinds_repair, REPAIR_RECEIVED, repair);
/* clang-format on */
