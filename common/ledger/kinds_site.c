/* Safety and site, promotion, policies, external cases, the outlet network. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
static const struct field_def safety_check[] = {
    F_TEXT(1, "checklist_id", "检查表", REQ, FOLD_NONE, 24),
    F_U32(2, "items_ok", "合格项", REQ, FOLD_NONE, 0, 1000),
    F_U32(3, "items_total", "总项", REQ, FOLD_NONE, 1, 1000),
};

static const struct field_def safety_incident[] = {
    F_CODE(1, "class", "类别", REQ, FOLD_NONE, codes_incident),
    F_CODE(2, "severity", "程度", REQ, FOLD_NONE, codes_incident_severity),
    F_MONEY(3, "loss_fen", "损失", 0, FOLD_NONE),
    F_TEXT(4, "order_no", "工单号", 0, FOLD_NONE, LABEL_BYTES_MAX),
    R_TIME(5, "report_due", "上报期限", LIVE | SYS, FOLD_T2, R_90),
    F_TEXT(6, "text", "经过", PD, FOLD_NONE, 2000),
};

static const struct field_def hazard_found[] = {
    F_CODE(1, "place", "地点", REQ, FOLD_NONE, codes_place),
    F_U32(2, "risk", "风险", REQ, FOLD_NONE, 1, 3),
    R_TIME(3, "due", "整改期限", REQ, FOLD_T2, R_91),
    R_STAFF(4, "owner", "责任人", REQ, FOLD_STAFF, R_91),
    F_TEXT(5, "text", "描述", PD, FOLD_NONE, 1000),
};

static const struct field_def hazard_fixed[] = {
    F_STAFF(1, "fixed_by", "整改人", REQ, FOLD_NONE),
    F_TEXT(2, "text", "措施", PD, FOLD_NONE, 1000),
};

static const struct field_def hazard_verified[] = {
    F_STAFF(1, "verified_by", "验收人", REQ, FOLD_NONE),
};

static const struct field_def promotion_done[] = {
    F_CODE(1, "topic", "主题", REQ, FOLD_NONE, codes_promotion),
    F_U32(2, "audience", "人数", REQ, FOLD_NONE, 0, 1000000),
    F_U32(3, "minutes", "时长(分)", 0, FOLD_NONE, 0, 10000),
    F_TEXT(4, "text", "说明", PD, FOLD_NONE, 500),
};

static const struct field_def policy_value_cols[] = {
    F_TEXT(1, "name", "参数", REQ, FOLD_NONE, 40),
    F_I64(2, "value", "值", REQ, INT32_MIN, INT32_MAX),
};
static const struct row_def policy_value = ROW_OF("PolicyValue", policy_value_cols);

static const struct field_def policy_published[] = {
    F_TEXT(1, "policy_no", "制度编号", REQ, FOLD_NONE, 24),
    F_U32(2, "version", "版本", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_CODE(3, "area", "范围", REQ, FOLD_NONE, codes_policy_area),
    F_DATE(4, "effective_from", "生效日", REQ),
    F_U32(5, "supersedes", "取代版本", 0, FOLD_NONE, 1, UINT32_MAX),
    F_TEXT(6, "title", "名称", 0, FOLD_NONE, 100),
    F_BYTES(7, "digest", "文本摘要", 0, 32),
    F_ROWS(8, "values", "参数", 0, 60, policy_value),
};

static const struct field_def policy_acked[] = {
    F_TEXT(1, "policy_no", "制度编号", REQ, FOLD_NONE, 24),
    F_U32(2, "version", "版本", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_STAFF(3, "staff", "员工", REQ, FOLD_NONE),
};

static const struct field_def target_cols[] = {
    F_CODE(1, "kpi", "指标", REQ, FOLD_NONE, codes_kpi),
    F_I64(2, "target", "目标", REQ, 0, INT32_MAX),
    F_I64(3, "floor", "底线", REQ, 0, INT32_MAX),
    F_U32(4, "weight", "权重", REQ, FOLD_NONE, 0, 100),
};
static const struct row_def target = ROW_OF("Target", target_cols);

static const struct field_def target_set[] = {
    F_U32(1, "version", "版本", REQ, FOLD_NONE, 1, UINT32_MAX),
    F_DATE(2, "effective_from", "生效日", REQ),
    F_OF(3, "branch", "网点", FT_BRANCH, 0),
    F_ROWS(4, "targets", "指标", REQ, 30, target),
};

static const struct field_def external_case[] = {
    F_CODE(1, "step", "步骤", REQ, FOLD_C0, codes_external_step),
    F_CODE(2, "party", "对方", 0, FOLD_NONE, codes_external_party),
    F_TEXT(3, "party_name", "对方名称", 0, FOLD_NONE, 60),
    F_CODE(4, "subject", "事由", 0, FOLD_NONE, codes_external_subject),
    F_TIME(5, "due", "期限", 0, FOLD_T2),
    F_CODE(6, "result", "结果", 0, FOLD_NONE, codes_external_result),
    F_TEXT(7, "order_no", "工单号", 0, FOLD_NONE, LABEL_BYTES_MAX),
    F_TEXT(8, "text", "内容", PD, FOLD_NONE, 2000),
};

static const struct field_def warranty_claim[] = {
    F_CODE(1, "step", "步骤", REQ, FOLD_C0, codes_claim_step),
    F_TEXT(2, "order_no", "工单号", 0, FOLD_NONE, LABEL_BYTES_MAX),
    F_MONEY(3, "amount_fen", "金额", 0, FOLD_T0),
    F_MONEY(4, "accepted_fen", "认可金额", 0, FOLD_NONE),
};

static const struct field_def branch_registered[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_DATE(2, "from", "自", REQ),
    F_TEXT(3, "name", "名称", 0, FOLD_NONE, 60),
    F_TEXT(4, "region", "大区", 0, FOLD_NONE, 40),
    F_TEXT(5, "city", "城市", 0, FOLD_NONE, 40),
    F_U32(6, "opens_minute", "开门(分)", 0, FOLD_NONE, 0, 1440),
    F_U32(7, "closes_minute", "关门(分)", 0, FOLD_NONE, 0, 1440),
};

static const struct field_def branch_suspended[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_DATE(2, "from", "自", REQ),
    F_DATE(3, "until", "至", 0),
};

static const struct field_def branch_closed[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_DATE(2, "from", "自", REQ),
};

static const struct field_def branch_graded[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_CODE(2, "grade", "等级", REQ, FOLD_NONE, codes_grade),
    F_TEXT(3, "period", "期间", REQ, FOLD_NONE, 10),
    F_U32(4, "score", "得分", 0, FOLD_NONE, 0, 10000),
};

static const struct field_def rectification_notice[] = {
    F_OF(1, "branch", "网点", FT_BRANCH, REQ),
    F_TEXT(2, "notice_no", "通知号", REQ, FOLD_NONE, 24),
    F_CODE(3, "area", "范围", REQ, FOLD_NONE, codes_policy_area),
    F_DATE(4, "due", "整改期限", REQ),
};

static const struct field_def rectified[] = {
    F_TEXT(1, "notice_no", "通知号", REQ, FOLD_NONE, 24),
    F_TEXT(2, "text", "措施", PD, FOLD_NONE, 1000),
};


static const struct kind_def site[] = {
	KIND(SAFETY_CHECK, "安全检查", CASE_FACT, KF_OPENS, EVERYBODY, FIELDS(safety_check), R_NONE),
	KIND(SAFETY_INCIDENT, "安全事故", CASE_FACT, KF_OPENS, EVERYBODY, FIELDS(safety_incident), R_NONE),
	KIND(HAZARD_FOUND, "发现隐患", CASE_HAZARD, KF_OPENS, EVERYBODY, FIELDS(hazard_found), R_NONE),
	KIND(HAZARD_FIXED, "整改隐患", CASE_HAZARD, 0, EVERYBODY, FIELDS(hazard_fixed), R_91),
};
KIND_GROUP(kinds_site, SAFETY_CHECK, site);

static const struct kind_def network[] = {
	KIND(PROMOTION_DONE, "宣传活动", CASE_FACT, KF_OPENS, EVERYBODY, FIELDS(promotion_done), R_NONE),
	KIND(POLICY_PUBLISHED, "发布制度", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(policy_published), R_NONE),
	KIND(POLICY_ACKED, "签收制度", CASE_FACT, KF_OPENS, EVERYBODY, FIELDS(policy_acked), R_NONE),
	KIND(TARGET_SET, "下达指标", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(target_set), R_NONE),
	KIND(EXTERNAL_CASE, "外部事项", CASE_EXTERNAL, KF_OPENS | KF_JOINS, CARE | P_LOGISTICS | P_NETWORK, FIELDS(external_case), R_NONE),
	KIND(WARRANTY_CLAIM, "厂家索赔", CASE_CLAIM, KF_OPENS | KF_JOINS, OFFICE | P_LOGISTICS | P_FINANCE, FIELDS(warranty_claim), R_NONE),
	KIND(BRANCH_REGISTERED, "网点登记", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(branch_registered), R_NONE),
	KIND(BRANCH_GRADED, "网点评级", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(branch_graded), R_NONE),
	KIND(RECTIFICATION_NOTICE, "整改通知", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(rectification_notice), R_NONE),
	KIND(RECTIFIED, "已整改", CASE_FACT, KF_OPENS, OFFICE, FIELDS(rectified), R_NONE),
};
KIND_GROUP(kinds_network, PROMOTION_DONE, network);

static const struct kind_def site_more[] = {
	KIND(BRANCH_SUSPENDED, "网点暂停", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(branch_suspended), R_NONE),
	KIND(BRANCH_CLOSED, "网点撤销", CASE_NONE, KF_HQ, HEAD_OFFICE, FIELDS(branch_closed), R_NONE),
	KIND(HAZARD_VERIFIED, "隐患验收", CASE_HAZARD, 0, LEAD, FIELDS(hazard_verified), R_NONE),
};
KIND_GROUP(kinds_site_more, BRANCH_SUSPENDED, site_more);
/* clang-format on */
