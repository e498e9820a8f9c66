/* The code lists of repair orders and complaints. */
#include "common/ledger/codes.h"

#include "common/base/check.h"

static const struct code_def post_rows[] = {
    {1, "MANAGER", "售后服务部经理"},
    {2, "ASSISTANT", "经理助理"},
    {3, "CLERK", "文员"},
    {4, "TECH_SUPPORT", "技术支持"},
    {5, "FINANCE", "财务"},
    {6, "SUPERVISOR", "售后主管"},
    {7, "CENTRE_HEAD", "客服中心主任"},
    {8, "FRONT_DESK", "前台接待"},
    {9, "TECHNICIAN", "维修技术员"},
    {10, "LOGISTICS", "物流管理员"},
    {11, "NETWORK_ADMIN", "网络管理员"},
    {12, "CARE", "投诉回访专员"},
    {90, "SYSTEM", "系统"},
};
const struct code_list codes_post = {"post", AS_COUNT(post_rows), post_rows};

static const struct code_def channel_rows[] = {
    {1, "WALK_IN", "到店"},	 {2, "MAIL_IN", "邮寄"},      {3, "ON_SITE", "上门"},
    {4, "DEALER", "经销商送修"}, {5, "OUTLET", "网点返公司"},
};
const struct code_list codes_channel = {"channel", AS_COUNT(channel_rows), channel_rows};

static const struct code_def via_rows[] = {
    {1, "IN_PERSON", "当面"}, {2, "PHONE", "电话"}, {3, "SMS", "短信"},
    {4, "LETTER", "信函"},    {5, "WEB", "网络"},
};
const struct code_list codes_via = {"via", AS_COUNT(via_rows), via_rows};

static const struct code_def hold_rows[] = {
    {1, "PARTS", "待料"},	   {2, "CUSTOMER", "待客户"}, {3, "TECH_SUPPORT", "待技术支持"},
    {4, "MANUFACTURER", "待厂家"}, {9, "OTHER", "其他"},
};
const struct code_list codes_hold = {"hold", AS_COUNT(hold_rows), hold_rows};

static const struct code_def taken_by_rows[] = {
    {1, "OWNER", "本人"},
    {2, "AGENT", "代取"},
    {3, "MAIL", "邮寄"},
    {4, "DEALER", "经销商"},
};
const struct code_list codes_taken_by = {"taken_by", AS_COUNT(taken_by_rows), taken_by_rows};

static const struct code_def occurs_rows[] = {
    {1, "CONSTANT", "常发"},
    {2, "INTERMITTENT", "偶发"},
};
const struct code_list codes_occurs = {"occurs", AS_COUNT(occurs_rows), occurs_rows};

static const struct code_def appearance_rows[] = {
    {1, "SCRATCH", "划痕"},	  {2, "DENT", "磕碰"},	       {3, "CRACKED", "裂屏"},
    {4, "LIQUID_MARK", "进水痕"}, {5, "MISSING_PART", "缺件"},
};
const struct code_list codes_appearance = {"appearance", AS_COUNT(appearance_rows), appearance_rows};

static const struct code_def accessories_rows[] = {
    {1, "BATTERY", "电池"}, {2, "CHARGER", "充电器"}, {3, "EARPHONE", "耳机"}, {4, "CARD", "存储卡"},
    {5, "SIM", "SIM卡"},    {6, "COVER", "后盖"},     {7, "BOX", "包装盒"},
};
const struct code_list codes_accessories = {"accessories", AS_COUNT(accessories_rows), accessories_rows};

static const struct code_def proof_rows[] = {
    {1, "INVOICE", "发票"},
    {2, "WARRANTY_CARD", "三包凭证"},
    {3, "COPY", "复印件"},
};
const struct code_list codes_proof = {"proof", AS_COUNT(proof_rows), proof_rows};

static const struct code_def level_rows[] = {
    {1, "L1", "外观/软件"},
    {2, "L2", "模块"},
    {3, "L3", "元件/主板"},
    {4, "L4", "返厂"},
};
const struct code_list codes_level = {"level", AS_COUNT(level_rows), level_rows};

static const struct code_def resolution_rows[] = {
    {1, "PART", "换件"},   {2, "COMPONENT", "元件级"}, {3, "SOFTWARE", "软件"}, {4, "CLEAN", "清洗"},
    {5, "ADJUST", "调试"}, {6, "UNIT", "整机更换"},    {7, "FACTORY", "返厂"},	{8, "NONE", "无"},
};
const struct code_list codes_resolution = {"resolution", AS_COUNT(resolution_rows), resolution_rows};

static const struct code_def outcome_rows[] = {
    {1, "FIXED", "修复"},
    {2, "SOFTWARE", "软件升级/重写"},
    {3, "CLEAN_ADJUST", "清洗/调试"},
    {4, "UNIT_EXCHANGED", "换机"},
    {5, "NTF", "未发现故障"},
    {6, "UNREPAIRABLE", "无法修复"},
    {7, "NO_PARTS", "无配件"},
    {8, "DECLINED", "客户拒修"},
    {9, "OBSOLETE", "无维修价值"},
    {10, "NOT_COMPLETED", "未修完退回"},
    {11, "UNKNOWN_IMPORTED", "导入未知"},
};
const struct code_list codes_outcome = {"outcome", AS_COUNT(outcome_rows), outcome_rows};

static const struct code_def warranty_rows[] = {
    {1, "IN_WARRANTY", "保内"},
    {2, "DOA", "7日内"},
    {3, "DAP", "8–15日"},
    {4, "REPAIR_WARRANTY", "维修后30日内"},
    {5, "OUT_EXPIRED", "超期"},
    {6, "OUT_DAMAGE", "人为损坏"},
    {7, "OUT_UNAUTH", "非授权拆动"},
    {8, "OUT_NO_PROOF", "无凭证"},
    {9, "OUT_MISMATCH", "凭证不符/涂改"},
    {10, "OUT_FORCE_MAJEURE", "不可抗力"},
    {11, "GOODWILL", "特批免费"},
};
const struct code_list codes_warranty = {"warranty", AS_COUNT(warranty_rows), warranty_rows};

static const struct code_def symptom_rows[] = {
    {1, "H01", "说明书所列功能失效"},
    {2, "H02", "屏幕无显示/错字/漏划"},
    {3, "H03", "无法开机、不能正常登录或通信"},
    {4, "H04", "无振铃"},
    {5, "H05", "拨号错误"},
    {6, "H06", "非正常关机"},
    {7, "H07", "SIM卡接触不良"},
    {8, "H08", "按键控制失效"},
    {9, "H09", "无声响、单向无声或音量不正常"},
    {10, "H10", "结构或材料因素造成的外壳裂损"},
    {11, "A01", "充电器不工作/不正常"},
    {12, "A02", "电池"},
    {13, "A03", "移动终端卡"},
    {14, "A04", "外接有线耳机"},
    {15, "A05", "数据接口卡"},
    {16, "X99", "其他"},
};
const struct code_list codes_symptom = {"symptom", AS_COUNT(symptom_rows), symptom_rows};

static const struct code_def cause_rows[] = {
    {1, "SCREEN", "屏幕"},	     {2, "POWER_BATTERY", "电源/电池"},
    {3, "CHARGE_PORT", "充电口"},    {4, "CHARGER", "充电器"},
    {5, "SPEAKER", "扬声器"},	     {6, "MIC", "麦克风"},
    {7, "HEADPHONE_JACK", "耳机孔"}, {8, "CAMERA", "摄像头"},
    {9, "POWER_KEY", "开关键"},	     {10, "VOLUME_KEY", "音量键"},
    {11, "OTHER_KEY", "其他按键"},   {12, "SIM_SLOT", "SIM卡槽"},
    {13, "CARD_SLOT", "存储卡槽"},   {14, "BOOT_LOOP", "无法启动"},
    {15, "SOFTWARE", "软件"},	     {16, "SW_UPDATE", "升级"},
    {17, "STORAGE", "存储"},	     {18, "PERFORMANCE", "卡顿"},
    {19, "ACCESS", "锁定/密码"},     {20, "CONFIG", "设置/使用"},
    {21, "RF", "射频/信号"},	     {22, "BOARD", "主板"},
    {23, "HOUSING", "外壳"},	     {24, "INTERNAL", "内部损坏"},
    {25, "LIQUID", "进水"},	     {26, "IMPACT", "摔压"},
    {27, "UNAUTH_OPEN", "私拆"},     {28, "NTF", "未发现故障"},
    {29, "UNKNOWN", "未知"},	     {30, "OTHER", "其他"},
};
const struct code_list codes_cause = {"cause", AS_COUNT(cause_rows), cause_rows};

static const struct code_def factory_result_rows[] = {
    {1, "FIXED", "修复"},
    {2, "EXCHANGED", "换机"},
    {3, "NOT_FIXED", "未修复"},
};
const struct code_list codes_factory_result = {"factory_result", AS_COUNT(factory_result_rows),
					       factory_result_rows};

static const struct code_def complaint_type_rows[] = {
    {1, "COMPLAINT", "投诉"},
    {2, "SUGGESTION", "意见/建议"},
};
const struct code_list codes_complaint_type = {"complaint_type", AS_COUNT(complaint_type_rows),
					       complaint_type_rows};

static const struct code_def complaint_channel_rows[] = {
    {1, "COUNTER", "当面"},	  {2, "PHONE", "电话"},		 {3, "LETTER", "信函"},
    {4, "WEB", "网络"},		  {5, "MANUFACTURER", "厂家转"}, {6, "CONSUMER_BODY", "消协/12315/媒体"},
    {7, "HEAD_OFFICE", "总部转"},
};
const struct code_list codes_complaint_channel = {"complaint_channel", AS_COUNT(complaint_channel_rows),
						  complaint_channel_rows};

static const struct code_def category_rows[] = {
    {1, "PRODUCT", "产品质量"},	 {2, "REPAIR_QUALITY", "维修质量"},
    {3, "DELAY", "维修时限"},	 {4, "ATTITUDE", "服务态度"},
    {5, "CHARGE", "收费"},	 {6, "PARTS", "配件"},
    {7, "WARRANTY", "三包争议"}, {8, "PRIVACY", "信息泄露"},
    {9, "OTHER", "其他"},
};
const struct code_list codes_category = {"category", AS_COUNT(category_rows), category_rows};

static const struct code_def severity_rows[] = {
    {1, "ORDINARY", "一般"},
    {2, "SERIOUS", "重大"},
    {3, "URGENT", "紧急"},
};
const struct code_list codes_severity = {"severity", AS_COUNT(severity_rows), severity_rows};

static const struct code_def department_rows[] = {
    {1, "TECHNICAL", "技术"},	{2, "LOGISTICS", "物流"},    {3, "FINANCE", "财务"},
    {4, "HEAD_OFFICE", "总部"}, {5, "MANUFACTURER", "厂家"}, {6, "DEALER", "经销商"},
};
const struct code_list codes_department = {"department", AS_COUNT(department_rows), department_rows};

static const struct code_def unit_rows[] = {
    {1, "TECHNICAL", "技术"},	 {2, "LOGISTICS", "物流"}, {3, "FINANCE", "财务"}, {4, "HEAD_OFFICE", "总部"},
    {5, "MANUFACTURER", "厂家"}, {6, "DEALER", "经销商"},  {7, "BRANCH", "网点"},  {8, "CUSTOMER", "客户"},
};
const struct code_list codes_unit = {"unit", AS_COUNT(unit_rows), unit_rows};

static const struct code_def escalation_cause_rows[] = {
    {1, "OVERDUE", "超期"},
    {2, "CUSTOMER", "客户要求"},
    {3, "SEVERITY", "严重程度"},
    {4, "REPEAT", "重复"},
};
const struct code_list codes_escalation_cause = {"escalation_cause", AS_COUNT(escalation_cause_rows),
						 escalation_cause_rows};

static const struct code_def complaint_result_rows[] = {
    {1, "SATISFIED", "满意解决"},
    {2, "EXPLAINED", "已解释"},
    {3, "PARTLY", "部分解决"},
    {4, "UNSOLVED", "未解决/转外部"},
};
const struct code_list codes_complaint_result = {"complaint_result", AS_COUNT(complaint_result_rows),
						 complaint_result_rows};

static const struct code_def log_class_rows[] = {
    {1, "LIVE", "日常"},
    {2, "BULK", "导入"},
    {3, "HQ_ALL", "总部公告"},
    {4, "HQ_BRANCH", "总部致网点"},
};
const struct code_list codes_log_class = {"log_class", AS_COUNT(log_class_rows), log_class_rows};

const struct code_list *const kinds_code_lists[] = {
    &codes_post,
    &codes_channel,
    &codes_via,
    &codes_hold,
    &codes_taken_by,
    &codes_occurs,
    &codes_appearance,
    &codes_accessories,
    &codes_proof,
    &codes_level,
    &codes_resolution,
    &codes_outcome,
    &codes_warranty,
    &codes_symptom,
    &codes_cause,
    &codes_factory_result,
    &codes_complaint_type,
    &codes_complaint_channel,
    &codes_category,
    &codes_severity,
    &codes_department,
    &codes_unit,
    &codes_escalation_cause,
    &codes_complaint_result,
    &codes_certificate,
    &codes_loaner_condition,
    &codes_consult_topic,
    &codes_consult_channel,
    &codes_followup_about,
    &codes_followup_rule,
    &codes_followup_channel,
    &codes_attempt_result,
    &codes_follow_action,
    &codes_customer_type,
    &codes_contact,
    &codes_erasure_cause,
    &codes_access_purpose,
    &codes_device_id,
    &codes_device_change,
    &codes_plan_target,
    &codes_location,
    &codes_carry_over,
    &codes_period,
    &codes_stock_class,
    &codes_stock_owner,
    &codes_stock_party,
    &codes_part_source,
    &codes_short_outcome,
    &codes_incident,
    &codes_incident_severity,
    &codes_place,
    &codes_promotion,
    &codes_policy_area,
    &codes_kpi,
    &codes_external_step,
    &codes_external_party,
    &codes_external_subject,
    &codes_external_result,
    &codes_claim_step,
    &codes_grade,
    &codes_org_unit,
    &codes_employment,
    &codes_leave_cause,
    &codes_proposal,
    &codes_decision,
    &codes_training,
    &codes_training_result,
    &codes_violation,
    &codes_measure,
    &codes_log_class,
    &codes_state_repair,
    &codes_state_complaint,
    &codes_state_consult,
    &codes_state_followup,
    &codes_state_customer,
    &codes_state_device,
    &codes_state_day,
    &codes_state_shipment,
    &codes_state_hazard,
    &codes_state_external,
    &codes_state_claim,
    &codes_state_staff,
    &codes_state_assessment,
    &codes_state_fact,
};
const size_t kinds_code_lists_count = AS_COUNT(kinds_code_lists);

bool code_name_is(const char *name, struct bytes text)
{
	size_t i = 0;

	while (i < text.n && name[i] != 0 && (uint8_t)name[i] == text.p[i])
		i++;
	return i == text.n && name[i] == 0;
}

const struct code_def *code_of(const struct code_list *list, uint64_t number)
{
	/* most lists are 1 … n without a gap */
	if (number - 1 < list->count && list->codes[number - 1].number == number)
		return &list->codes[number - 1];
	for (uint32_t i = 0; i < list->count; i++)
		if (list->codes[i].number == number)
			return &list->codes[i];
	return NULL;
}

const struct code_def *code_of_name(const struct code_list *list, struct bytes name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (code_name_is(list->codes[i].name, name))
			return &list->codes[i];
	return NULL;
}
