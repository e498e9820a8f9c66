/* Parts and unit logistics. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
#define LINES_MAX 100
#define QTY_MAX 100000
#define PIECES_MAX (LINES_MAX * QTY_MAX)

static const struct field_def stock_line_cols[] = {
    F_TEXT(1, "part_no", "料号", REQ, FOLD_NONE, 24),
    F_U32(2, "qty", "数量", REQ, FOLD_NONE, 1, QTY_MAX),
    F_CODE(3, "class", "类别", 0, FOLD_NONE, codes_stock_class),
    F_TEXT(4, "serial", "序列号", 0, FOLD_NONE, 40),
    F_MONEY(5, "unit_cost_fen", "单价", 0, FOLD_NONE),
    F_CODE(6, "owner", "货权", 0, FOLD_NONE, codes_stock_owner),
    F_TEXT(7, "part_name", "名称", 0, FOLD_NONE, 40),
    F_TEXT(8, "model_fit", "适用机型", 0, FOLD_NONE, MODEL_BYTES_MAX),
};
static const struct row_def stock_line = ROW_OF("StockLine", stock_line_cols);

static const struct field_def arrival_line_cols[] = {
    F_TEXT(1, "part_no", "料号", REQ, FOLD_NONE, 24),
    F_U32(2, "qty_ok", "完好", REQ, FOLD_NONE, 0, QTY_MAX),
    F_U32(3, "qty_short", "短少", REQ, FOLD_NONE, 0, QTY_MAX),
    F_U32(4, "qty_damaged", "损坏", REQ, FOLD_NONE, 0, QTY_MAX),
    F_CODE(5, "class", "类别", 0, FOLD_NONE, codes_stock_class),
    F_TEXT(6, "serial", "序列号", 0, FOLD_NONE, 40),
};
static const struct row_def arrival_line = ROW_OF("ArrivalLine", arrival_line_cols);

static const struct field_def count_line_cols[] = {
    F_TEXT(1, "part_no", "料号", REQ, FOLD_NONE, 24),
    F_U32(2, "qty_book", "账面", REQ, FOLD_NONE, 0, QTY_MAX),
    F_U32(3, "qty_counted", "实盘", REQ, FOLD_NONE, 0, QTY_MAX),
};
static const struct row_def count_line = ROW_OF("CountLine", count_line_cols);

static const struct field_def adjust_line_cols[] = {
    F_TEXT(1, "part_no", "料号", REQ, FOLD_NONE, 24),
    F_CODE(2, "class", "类别", REQ, FOLD_NONE, codes_stock_class),
    F_I64(3, "delta", "盈亏", REQ, -QTY_MAX, QTY_MAX),
};
static const struct row_def adjust_line = ROW_OF("AdjustLine", adjust_line_cols);

#define LINES(n, def) F_ROWS(n, "lines", "明细", REQ, LINES_MAX, def)
#define PIECES(n) R_U32(n, "pieces", "件数", REQ, FOLD_T0, 1, PIECES_MAX, R_80)
#define DOC(n) F_TEXT(n, "doc_no", "单据号", 0, FOLD_NONE, LABEL_BYTES_MAX)
#define ORDER(n, fl) F_TEXT(n, "order_no", "工单号", fl, FOLD_NONE, LABEL_BYTES_MAX)

static const struct field_def part_requested[] = {
    F_CODE(1, "from", "发货方", REQ, FOLD_NONE, codes_stock_party),
    F_OF(2, "from_branch", "发货网点", FT_BRANCH, 0),
    LINES(3, stock_line),
    PIECES(4),
    ORDER(5, 0),
};

static const struct field_def part_received[] = {
    F_CODE(1, "source", "来源", REQ, FOLD_NONE, codes_part_source),
    LINES(2, stock_line),
    DOC(3),
};

static const struct field_def part_issued[] = {
    F_STAFF(1, "to_staff", "领料人", REQ, FOLD_NONE),
    LINES(2, stock_line),
    ORDER(3, 0),
};

static const struct field_def part_consumed[] = {
    ORDER(1, REQ),
    LINES(2, stock_line),
};

static const struct field_def part_returned[] = {
    F_STAFF(1, "from_staff", "退料人", REQ, FOLD_NONE),
    LINES(2, stock_line),
    ORDER(3, 0),
};

static const struct field_def old_part_collected[] = {
    ORDER(1, REQ),
    LINES(2, stock_line),
};

static const struct field_def parts_shipped[] = {
    F_CODE(1, "to", "收货方", REQ, FOLD_NONE, codes_stock_party),
    F_OF(2, "to_branch", "收货网点", FT_BRANCH, 0),
    F_CODE(3, "class", "类别", REQ, FOLD_NONE, codes_stock_class),
    LINES(4, stock_line),
    PIECES(5),
    F_TEXT(6, "waybill", "运单号", 0, FOLD_NONE, 40),
};

static const struct field_def parts_arrived[] = {
    F_BOOL(1, "complete", "齐全", REQ, FOLD_C0),
    LINES(2, arrival_line),
    PIECES(3),
    F_CODE(4, "from", "发货方", 0, FOLD_NONE, codes_stock_party),
    F_OF(5, "from_branch", "发货网点", FT_BRANCH, 0),
    F_TEXT(6, "waybill", "运单号", 0, FOLD_NONE, 40),
};

static const struct field_def part_reclassified[] = {
    F_CODE(1, "from_class", "原类别", REQ, FOLD_NONE, codes_stock_class),
    F_CODE(2, "to_class", "新类别", REQ, FOLD_NONE, codes_stock_class),
    LINES(3, stock_line),
};

static const struct field_def part_scrapped[] = {
    LINES(1, stock_line),
    DOC(2),
};

static const struct field_def stock_counted[] = {
    F_CODE(1, "class", "类别", REQ, FOLD_NONE, codes_stock_class),
    F_STAFF(2, "counter_staff", "盘点人", REQ, FOLD_NONE),
    LINES(3, count_line),
};

static const struct field_def stock_adjusted[] = {
    LINES(1, adjust_line),
    DOC(2),
};

static const struct field_def shipment_resolved[] = {
    F_CODE(1, "outcome", "处理结果", REQ, FOLD_NONE, codes_short_outcome),
    F_TEXT(2, "text", "说明", PD, FOLD_NONE, 500),
};

#define STOCK (LEAD | P_LOGISTICS)

static const struct kind_def stock[] = {
	KIND(PART_REQUESTED, "配件申请", CASE_SHIPMENT, KF_OPENS, STOCK | P_TECH, FIELDS(part_requested), R_NONE),
	KIND(PART_RECEIVED, "入库", CASE_FACT, KF_OPENS, STOCK, FIELDS(part_received), R_80),
	KIND(PART_ISSUED, "领料", CASE_FACT, KF_OPENS, STOCK, FIELDS(part_issued), R_80),
	KIND(PART_CONSUMED, "核销", CASE_FACT, KF_OPENS, STOCK | P_TECH, FIELDS(part_consumed), R_80, R_81),
	KIND(PART_RETURNED, "退料", CASE_FACT, KF_OPENS, STOCK, FIELDS(part_returned), R_80),
	KIND(OLD_PART_COLLECTED, "旧件回收", CASE_FACT, KF_OPENS, STOCK | P_TECH, FIELDS(old_part_collected), R_81),
	KIND(PARTS_SHIPPED, "发货", CASE_SHIPMENT, KF_OPENS | KF_JOINS, STOCK, FIELDS(parts_shipped), R_80),
	KIND(PARTS_ARRIVED, "到货", CASE_SHIPMENT, KF_OPENS | KF_JOINS, STOCK, FIELDS(parts_arrived), R_80),
	KIND(PART_RECLASSIFIED, "判定", CASE_FACT, KF_OPENS, STOCK | P_TECH_SUPPORT, FIELDS(part_reclassified), R_80),
	KIND(PART_SCRAPPED, "报废", CASE_FACT, KF_OPENS | KF_APPROVER | KF_REASON, STOCK, FIELDS(part_scrapped), R_80, R_82),
	KIND(STOCK_COUNTED, "盘点", CASE_FACT, KF_OPENS, STOCK, FIELDS(stock_counted), R_NONE),
	KIND(STOCK_ADJUSTED, "盘盈盘亏", CASE_FACT, KF_OPENS | KF_APPROVER | KF_REASON, STOCK, FIELDS(stock_adjusted), R_80, R_82),
};
KIND_GROUP(kinds_stock, PART_REQUESTED, stock);

static const struct kind_def stock_more[] = {
	KIND(SHIPMENT_RESOLVED, "短少处理", CASE_SHIPMENT, 0, STOCK, FIELDS(shipment_resolved), R_80),
};
KIND_GROUP(kinds_stock_more, SHIPMENT_RESOLVED, stock_more);
/* clang-format on */
