/* Staff, posts, assessment. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
#define PERIOD_BYTES_MAX 10 /* 2026-W48 */

#define STAFF_FIELDS(must) \
    R_CODE(2, "post", "岗位", must, FOLD_NONE, codes_post, R_55), \
    F_CODE(3, "org_unit", "部门", 0, FOLD_NONE, codes_org_unit), \
    F_STAFF(4, "reports_to", "上级", 0, FOLD_STAFF), \
    F_CODE(5, "employment_type", "用工性质", must, FOLD_NONE, codes_employment), \
    F_CODE(6, "technician_level", "技师级别", 0, FOLD_NONE, codes_level)

static const struct field_def staff_joined[] = {
    F_STAFF(1, "staff_no", "工号", REQ, FOLD_T0),
    STAFF_FIELDS(REQ),
    F_DATE(7, "joined", "入职日", REQ),
    F_TEXT(8, "name", "姓名", LIVE | PD, FOLD_NONE, 64),
    F_OF(9, "phone", "电话", FT_PHONE, PD),
    F_TEXT(10, "grade", "职级", PD, FOLD_NONE, 16),
};

static const struct field_def staff_changed[] = {
    F_DATE(1, "from", "自", REQ),
    STAFF_FIELDS(0),
    F_TEXT(7, "name", "姓名", PD, FOLD_NONE, 64),
    F_OF(8, "phone", "电话", FT_PHONE, PD),
    F_TEXT(9, "grade", "职级", PD, FOLD_NONE, 16),
};

static const struct field_def staff_left[] = {
    F_DATE(1, "left", "离职日", REQ),
    F_CODE(2, "cause", "原因", REQ, FOLD_NONE, codes_leave_cause),
};

static const struct field_def staff_proposal[] = {
    F_CODE(1, "proposal", "提议", REQ, FOLD_NONE, codes_proposal),
    F_CODE(2, "post", "岗位", 0, FOLD_NONE, codes_post),
    F_CODE(3, "decision", "决定", 0, FOLD_NONE, codes_decision),
};

static const struct field_def heads_cols[] = {
    F_CODE(1, "post", "岗位", REQ, FOLD_NONE, codes_post),
    F_U32(2, "heads", "人数", REQ, FOLD_NONE, 0, 1000),
};
static const struct row_def heads = ROW_OF("Heads", heads_cols);

static const struct field_def establishment_set[] = {
    F_DATE(1, "effective_from", "生效日", REQ),
    F_OF(2, "branch", "网点", FT_BRANCH, 0),
    F_ROWS(3, "posts", "编制", REQ, 20, heads),
};

static const struct field_def shift[] = {
    F_STAFF(1, "staff_no", "工号", REQ, FOLD_NONE),
    F_TIME(2, "from", "上班", REQ, FOLD_NONE),
    F_TIME(3, "to", "下班", REQ, FOLD_NONE),
    F_U32(4, "minutes", "在岗(分)", REQ, FOLD_NONE, 0, 1440),
};

static const struct field_def training_done[] = {
    F_STAFF(1, "staff_no", "工号", REQ, FOLD_NONE),
    F_CODE(2, "topic", "主题", REQ, FOLD_NONE, codes_training),
    F_U32(3, "minutes", "时长(分)", REQ, FOLD_NONE, 1, 100000),
    F_CODE(4, "result", "结果", 0, FOLD_NONE, codes_training_result),
};

static const struct field_def violation[] = {
    F_STAFF(1, "staff_no", "工号", REQ, FOLD_NONE),
    F_CODE(2, "class", "类别", REQ, FOLD_NONE, codes_violation),
    F_CODE(3, "measure", "处理", REQ, FOLD_NONE, codes_measure),
    F_U32(4, "deduction", "扣分", 0, FOLD_NONE, 0, 100),
    F_TEXT(5, "text", "经过", PD, FOLD_NONE, 1000),
};

static const struct field_def scheme_item_cols[] = {
    F_CODE(1, "kpi", "指标", REQ, FOLD_NONE, codes_kpi),
    F_U32(2, "weight", "权重", REQ, FOLD_NONE, 1, 100),
    F_I64(3, "target", "目标", 0, 0, INT32_MAX),
};
static const struct row_def scheme_item = ROW_OF("SchemeItem", scheme_item_cols);

static const struct field_def score_item_cols[] = {
    F_CODE(1, "kpi", "指标", REQ, FOLD_NONE, codes_kpi),
    F_U32(2, "score", "得分", REQ, FOLD_NONE, 0, 100),
    F_I64(3, "actual", "实际", 0, 0, INT32_MAX),
    F_U32(4, "deduction", "扣分", 0, FOLD_NONE, 0, 100),
};
static const struct row_def score_item = ROW_OF("ScoreItem", score_item_cols);

static const struct field_def assessment_scheme[] = {
    F_STAFF(1, "staff_no", "被考核人", REQ, FOLD_STAFF),
    F_CODE(2, "post", "岗位", REQ, FOLD_NONE, codes_post),
    F_TEXT(3, "period", "期间", REQ, FOLD_NONE, PERIOD_BYTES_MAX),
    { FIELD(4, "first_appraiser", "第一考核人", FT_STAFF, REQ, 1, UINT32_MAX), .slot = FOLD_T0, .rule = R_50 },
    { FIELD(5, "second_appraiser", "第二考核人", FT_STAFF, REQ, 1, UINT32_MAX), .slot = FOLD_T1, .rule = R_51 },
    F_ROWS(6, "items", "项目", REQ, 30, scheme_item),
};

static const struct field_def assessment_scored[] = {
    F_U32(1, "appraiser_no", "第几考核人", REQ, FOLD_C0, 1, 2),
    F_STAFF(2, "appraiser", "考核人", REQ, FOLD_NONE),
    F_ROWS(3, "items", "项目", REQ, 30, score_item),
    F_U32(4, "total", "总分", REQ, FOLD_NONE, 0, 10000),
};

static const struct field_def assessment_confirmed[] = {
    F_U32(1, "total", "总分", REQ, FOLD_NONE, 0, 10000),
};

#define PERSONNEL (LEAD | P_ASSISTANT)

static const struct kind_def staff[] = {
	KIND(STAFF_JOINED, "入职", CASE_STAFF, KF_OPENS, PERSONNEL, FIELDS(staff_joined), R_03),
	KIND(STAFF_CHANGED, "人员变动", CASE_STAFF, 0, PERSONNEL, FIELDS(staff_changed), R_54),
	KIND(STAFF_LEFT, "离职", CASE_STAFF, 0, PERSONNEL, FIELDS(staff_left), R_NONE),
	KIND(STAFF_PROPOSAL, "任免建议", CASE_STAFF, KF_REASON, PERSONNEL, FIELDS(staff_proposal), R_NONE),
	KIND(ESTABLISHMENT_SET, "核定编制", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(establishment_set), R_55),
	KIND(SHIFT, "出勤", CASE_FACT, KF_OPENS, EVERYBODY | P_SYS, FIELDS(shift), R_NONE),
	KIND(TRAINING_DONE, "培训", CASE_FACT, KF_OPENS, EVERYBODY, FIELDS(training_done), R_NONE),
	KIND(VIOLATION, "违纪", CASE_FACT, KF_OPENS, PERSONNEL, FIELDS(violation), R_NONE),
	KIND(ASSESSMENT_SCHEME, "考核方案", CASE_ASSESSMENT, KF_OPENS, PERSONNEL, FIELDS(assessment_scheme), R_50, R_51),
	KIND(ASSESSMENT_SCORED, "考核评分", CASE_ASSESSMENT, 0, PERSONNEL, FIELDS(assessment_scored), R_NONE),
	KIND(ASSESSMENT_CONFIRMED, "考核确认", CASE_ASSESSMENT, 0, PERSONNEL, FIELDS(assessment_confirmed), R_53),
};
KIND_GROUP(kinds_staff, STAFF_JOINED, staff);
/* clang-format on */
