/* What nodes write themselves: the first event of a log, events of head office, the roster. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
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

static const struct kind_def node[] = {
	KIND(LOG_OPENED, "日志开启", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(log_opened), R_NONE),
	KIND(HQ_APPLIED, "总部事件执行", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(hq_applied), R_NONE),
};
KIND_GROUP(kinds_node, LOG_OPENED, node);

static const struct kind_def roster[] = {
	KIND(INSTANCE_CERTIFIED, "总部实例", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(instance_certified), R_NONE),
	KIND(TRANSPORT_KEY, "传输密钥", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(transport_key), R_NONE),
	KIND(BRANCH_ENROLLED, "网点登记", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(branch_enrolled), R_NONE),
	KIND(NODE_ADMITTED, "服务器接入", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(node_admitted), R_NONE),
	KIND(NODE_ENDED, "服务器停用", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(node_ended), R_NONE),
	KIND(LOG_KEYS, "日志密钥", CASE_NONE, KF_SYSTEM, P_SYS, FIELDS(log_keys), R_NONE),
};
KIND_GROUP(kinds_roster, INSTANCE_CERTIFIED, roster);
/* clang-format on */
