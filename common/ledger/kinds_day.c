/* Day plan, count and close. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
#define COUNT_MAX 100000
#define ORDERS_MAX 300

static const struct field_def plan_item_cols[] = {
    F_TEXT(1, "order_no", "工单号", REQ, FOLD_NONE, LABEL_BYTES_MAX),
    F_STAFF(2, "technician", "技师", REQ, FOLD_NONE),
    F_CODE(3, "target", "目标", REQ, FOLD_NONE, codes_plan_target),
};
static const struct row_def plan_item = ROW_OF("PlanItem", plan_item_cols);

static const struct field_def order_line_cols[] = {
    F_TEXT(1, "order_no", "工单号", REQ, FOLD_NONE, LABEL_BYTES_MAX),
};
static const struct row_def order_line = ROW_OF("OrderLine", order_line_cols);

static const struct field_def carry_over_cols[] = {
    F_TEXT(1, "order_no", "工单号", REQ, FOLD_NONE, LABEL_BYTES_MAX),
    F_CODE(2, "reason", "未完成原因", REQ, FOLD_NONE, codes_carry_over),
};
static const struct row_def carry_over = ROW_OF("CarryOver", carry_over_cols);

static const struct field_def day_opened[] = {
    F_U32(1, "opening_wip", "期初待修", REQ, FOLD_T0, 0, COUNT_MAX),
    F_U32(2, "opening_custody", "期初在店", REQ, FOLD_T1, 0, COUNT_MAX),
    R_TIME(3, "close_due", "日结期限", LIVE | SYS, FOLD_T2, R_63),
};

static const struct field_def day_plan_set[] = {
    F_ROWS(1, "items", "计划", 0, ORDERS_MAX, plan_item),
    R_TIME(2, "plan_due", "计划期限", LIVE | SYS, FOLD_T0, R_64),
};

static const struct field_def day_plan_amended[] = {
    F_ROWS(1, "items", "计划", 0, ORDERS_MAX, plan_item),
};

static const struct field_def machine_counted[] = {
    F_CODE(1, "location", "位置", REQ, FOLD_NONE, codes_location),
    F_U32(2, "count", "台数", REQ, FOLD_NONE, 0, COUNT_MAX),
    F_STAFF(3, "counter_staff", "盘点人", REQ, FOLD_NONE),
    F_ROWS(4, "orders", "清单", 0, ORDERS_MAX, order_line),
};

#define COUNTED(n, name, zh) F_U32(n, name, zh, REQ, FOLD_NONE, 0, COUNT_MAX)

static const struct field_def day_closed[] = {
    COUNTED(1, "received", "受理"),
    COUNTED(2, "finished", "完修"),
    COUNTED(3, "delivered", "交付"),
    COUNTED(4, "cancelled", "取消"),
    COUNTED(5, "transfer_in", "转入"),
    COUNTED(6, "transfer_out", "转出"),
    COUNTED(7, "reopened", "返工"),
    COUNTED(8, "opening_wip", "期初待修"),
    COUNTED(9, "closing_wip", "期末待修"),
    COUNTED(10, "opening_custody", "期初在店"),
    COUNTED(11, "closing_custody", "期末在店"),
    COUNTED(12, "counted_custody", "盘点在店"),
    COUNTED(13, "plan_items", "计划数"),
    COUNTED(14, "plan_done", "完成数"),
    COUNTED(15, "complaints_in", "受理投诉"),
    COUNTED(16, "complaints_closed", "结案投诉"),
    COUNTED(17, "complaints_open", "未结投诉"),
    COUNTED(18, "consults", "咨询"),
    F_MONEY(19, "cash_expected_fen", "应收现金", REQ, FOLD_NONE),
    F_MONEY(20, "cash_counted_fen", "实点现金", REQ, FOLD_NONE),
    R_STAFF(21, "closer", "日结人", REQ, FOLD_NONE, R_62),
    R_STAFF(22, "checker", "复核人", REQ, FOLD_NONE, R_62),
    F_ROWS(23, "carry_over", "未完成", 0, ORDERS_MAX, carry_over),
    F_TEXT(24, "note", "备注", PD, FOLD_NONE, 1000),
};

static const struct field_def period_report_filed[] = {
    F_CODE(1, "period_kind", "期间类别", REQ, FOLD_NONE, codes_period),
    F_TEXT(2, "period", "期间", REQ, FOLD_NONE, 10),
    F_BYTES(3, "digest", "摘要", REQ, 32),
};

static const struct field_def handover[] = {
    F_STAFF(1, "from_staff", "交班人", REQ, FOLD_NONE),
    F_STAFF(2, "to_staff", "接班人", REQ, FOLD_NONE),
    F_U32(3, "machines", "台数", 0, FOLD_NONE, 0, COUNT_MAX),
    F_MONEY(4, "cash_fen", "现金", 0, FOLD_NONE),
    F_TEXT(5, "note", "备注", PD, FOLD_NONE, 1000),
};

static const struct kind_def day[] = {
	KIND(DAY_OPENED, "开日", CASE_DAY, KF_OPENS, DESK | P_SYS, FIELDS(day_opened), R_NONE),
	KIND(DAY_PLAN_SET, "每日计划", CASE_DAY, 0, DESK_BENCH, FIELDS(day_plan_set), R_64),
	KIND(DAY_PLAN_AMENDED, "计划变更", CASE_DAY, KF_REASON, DESK_BENCH, FIELDS(day_plan_amended), R_NONE),
	KIND(MACHINE_COUNTED, "机器盘点", CASE_DAY, 0, DESK_BENCH | P_LOGISTICS, FIELDS(machine_counted), R_60),
	KIND(DAY_CLOSED, "日结", CASE_DAY, 0, DESK, FIELDS(day_closed), R_61, R_63),
	KIND(DAY_REOPENED, "重开营业日", CASE_DAY, KF_HQ | KF_REASON, HEAD_OFFICE, NO_FIELDS, R_07),
	KIND(PERIOD_REPORT_FILED, "上报报表", CASE_FACT, KF_OPENS, OFFICE | P_SYS, FIELDS(period_report_filed), R_63),
	KIND(HANDOVER, "交接班", CASE_DAY, 0, EVERYBODY, FIELDS(handover), R_NONE),
};
KIND_GROUP(kinds_day, DAY_OPENED, day);
/* clang-format on */
