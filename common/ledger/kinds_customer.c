/* Customers and devices. */
#include "common/ledger/kinds_rows.h"

/* clang-format off */
#define CUSTOMER_FIELDS(must) \
    F_CODE(1, "customer_type", "用户类型", must, FOLD_NONE, codes_customer_type), \
    F_U32(2, "region_code", "地区码", 0, FOLD_NONE, 110000, 829999), \
    F_BOOL(3, "consent_promo", "同意宣传", 0, FOLD_NONE), \
    F_BOOL(4, "id_checked", "已核身份", 0, FOLD_NONE), \
    F_CODE(5, "preferred_contact", "联系偏好", 0, FOLD_NONE, codes_contact), \
    F_TEXT(6, "name", "姓名", ((must) ? LIVE : 0) | PD, FOLD_NONE, 64), \
    F_OF(7, "phone", "电话", FT_PHONE, PD), \
    F_OF(8, "phone2", "备用电话", FT_PHONE, PD), \
    F_TEXT(9, "address", "地址", PD, FOLD_NONE, 200), \
    F_TEXT(10, "postcode", "邮编", PD, FOLD_NONE, 10), \
    F_TEXT(11, "email", "电子邮件", PD, FOLD_NONE, 100), \
    F_TEXT(12, "org", "单位", PD, FOLD_NONE, 100)

static const struct field_def customer_added[] = {
    CUSTOMER_FIELDS(REQ),
};

static const struct field_def customer_changed[] = {
    CUSTOMER_FIELDS(0),
};

static const struct field_def customer_erased[] = {
    F_CODE(1, "cause", "原因", REQ, FOLD_NONE, codes_erasure_cause),
    F_TIME(2, "requested_at", "申请时间", 0, FOLD_NONE),
};

static const struct field_def customer_verified[] = {
    F_BOOL(1, "id_checked", "已核身份", REQ, FOLD_NONE),
    F_BOOL(2, "phone_ok", "电话有效", 0, FOLD_NONE),
    F_BOOL(3, "address_ok", "地址有效", 0, FOLD_NONE),
};

static const struct field_def customer_accessed[] = {
    R_CODE(1, "purpose", "查阅目的", REQ, FOLD_NONE, codes_access_purpose, R_70),
    F_TEXT(2, "case_no", "相关单号", 0, FOLD_NONE, LABEL_BYTES_MAX),
};

static const struct field_def device_registered[] = {
    F_CODE(1, "id_type", "串号类型", REQ, FOLD_NONE, codes_device_id),
    F_U32(2, "tac", "TAC", 0, FOLD_NONE, 0, 99999999),
    F_TEXT(3, "brand", "品牌", 0, FOLD_NONE, 32),
    F_TEXT(4, "model", "机型", REQ, FOLD_MODEL, MODEL_BYTES_MAX),
    F_TEXT(5, "colour", "颜色", 0, FOLD_NONE, 24),
    F_TEXT(6, "network_licence_no", "进网许可", 0, FOLD_NONE, 40),
    F_DATE(7, "made_date", "出厂日期", 0),
    F_DATE(8, "sale_date", "销售日期", 0),
    F_TEXT(9, "seller", "经销商编号", 0, FOLD_NONE, 24),
    F_TEXT(10, "warranty_card_no", "三包凭证号", 0, FOLD_NONE, 40),
    F_DATE(11, "warranty_until_base", "保修至", 0),
    F_DATE(12, "warranty_until", "保修至(含顺延)", 0),
    F_TEXT(13, "id_value", "串号", LIVE | PD, FOLD_NONE, 24),
    F_TEXT(14, "invoice_no", "发票号", PD, FOLD_NONE, 40),
};

static const struct field_def device_verified[] = {
    R_BOOL(1, "label_ok", "机身标签一致", REQ, FOLD_C0, R_13),
    R_BOOL(2, "menu_ok", "菜单一致", REQ, FOLD_C1, R_13),
    R_BOOL(3, "card_ok", "三包凭证一致", REQ, FOLD_C2, R_13),
};

static const struct field_def device_changed[] = {
    F_CODE(1, "change", "更换", REQ, FOLD_NONE, codes_device_change),
    R_BYTES(2, "old_ref", "旧机", REQ, 16, R_14),
    R_BYTES(3, "new_ref", "新机", REQ, 16, R_14),
    F_TEXT(4, "order_no", "工单号", 0, FOLD_NONE, LABEL_BYTES_MAX),
};

static const struct kind_def customer[] = {
	KIND(CUSTOMER_ADDED, "用户建档", CASE_CUSTOMER, KF_OPENS, CARE | BENCH, FIELDS(customer_added), R_NONE),
	KIND(CUSTOMER_CHANGED, "用户变更", CASE_CUSTOMER, 0, CARE | BENCH, FIELDS(customer_changed), R_NONE),
	KIND(CUSTOMER_ERASED, "用户删除", CASE_CUSTOMER, 0, OFFICE, FIELDS(customer_erased), R_72, R_74),
	KIND(CUSTOMER_VERIFIED, "用户核对", CASE_CUSTOMER, 0, CARE | BENCH, FIELDS(customer_verified), R_NONE),
	KIND(CUSTOMER_ACCESSED, "查阅用户资料", CASE_FACT, KF_OPENS, EVERYBODY | P_SYS, FIELDS(customer_accessed), R_70),
};
KIND_GROUP(kinds_customer, CUSTOMER_ADDED, customer);

static const struct kind_def device[] = {
	KIND(DEVICE_REGISTERED, "手机登记", CASE_DEVICE, KF_OPENS, CARE | BENCH, FIELDS(device_registered), R_21),
	KIND(DEVICE_VERIFIED, "手机核对", CASE_DEVICE, 0, CARE | BENCH, FIELDS(device_verified), R_NONE),
	KIND(DEVICE_CHANGED, "换板/换机", CASE_DEVICE, 0, BENCH | P_LOGISTICS, FIELDS(device_changed), R_NONE),
	KIND(OWNER_LINKED, "关联用户", CASE_DEVICE, 0, CARE | BENCH, NO_FIELDS, R_NONE),
	KIND(OWNER_UNLINKED, "解除用户", CASE_DEVICE, 0, CARE | BENCH, NO_FIELDS, R_NONE),
};
KIND_GROUP(kinds_device, DEVICE_REGISTERED, device);
/* clang-format on */
