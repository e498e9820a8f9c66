#include "common/report/catalog.h"

#include "common/base/check.h"

#define COUNT(name, en, zh)                                                                                  \
	{                                                                                                    \
		name, en, zh, RT_COUNT, NULL                                                                 \
	}
#define MINUTES(name, en, zh)                                                                                \
	{                                                                                                    \
		name, en, zh, RT_MINUTES, NULL                                                               \
	}
#define PERCENT(name, en, zh)                                                                                \
	{                                                                                                    \
		name, en, zh, RT_PERCENT, NULL                                                               \
	}

const struct report_dim_def report_dims[REPORT_DIMS] = {
    [RD_BRANCH] = {{"branch", "branch", "网点", RT_TEXT, NULL}, DIM_NONE},
    [RD_REGION] = {{"region", "region", "大区", RT_TEXT, NULL}, DIM_NONE},
    [RD_CHANNEL] = {{"channel", "channel", "送修方式", RT_CODE, &codes_channel}, DIM_CHANNEL},
    [RD_WARRANTY] = {{"warranty", "warranty", "保修判定", RT_CODE, &codes_warranty}, DIM_WARRANTY},
    [RD_MODEL] = {{"model", "model", "机型", RT_TEXT, NULL}, DIM_MODEL},
    [RD_TYPE] = {{"type", "type", "类型", RT_CODE, &codes_complaint_type}, DIM_TYPE},
    [RD_CATEGORY] = {{"category", "category", "类别", RT_CODE, &codes_category}, DIM_CATEGORY},
    [RD_SEVERITY] = {{"severity", "severity", "等级", RT_CODE, &codes_severity}, DIM_SEVERITY},
    [RD_COMPLAINT_CHANNEL] = {{"channel", "channel", "渠道", RT_CODE, &codes_complaint_channel},
			      DIM_COMPLAINT_CHANNEL},
};

/* P-01 */
static const struct report_col volume_cols[] = {
    COUNT("opening_wip", "WIP\nopen", "期初\n待修"),
    COUNT("received", "recd", "受理"),
    COUNT("transfer_in", "trf\nin", "转入"),
    COUNT("reopened", "reop", "重开"),
    COUNT("finished", "done", "完修"),
    COUNT("cancelled", "canc", "取消"),
    COUNT("transfer_out", "trf\nout", "转出"),
    COUNT("closing_wip", "WIP\nend", "期末\n待修"),
    COUNT("delivered", "deliv", "交付"),
    COUNT("opening_custody", "held\nopen", "期初\n在店"),
    COUNT("closing_custody", "held\nend", "期末\n在店"),
};

/* P-04 */
static const struct report_col tat_cols[] = {
    COUNT("finished", "done", "完修"),
    MINUTES("p50_min", "P50", "P50"),
    MINUTES("p90_min", "P90", "P90"),
    MINUTES("p95_min", "P95", "P95"),
    MINUTES("mean_min", "mean", "平均"),
    COUNT("on_time", "on\ntime", "及时"),
    PERCENT("on_time_rate", "on\ntime %", "及时\n率%"),
    COUNT("le_1h", "<=1h", "≤1时"),
    COUNT("le_4h", "<=4h", "≤4时"),
    COUNT("same_day", "same\nday", "当日"),
    COUNT("le_24h", "<=24h", "≤24时"),
    COUNT("le_3d", "<=3d", "≤3天"),
    COUNT("le_7d", "<=7d", "≤7天"),
    COUNT("le_15d", "<=15d", "≤15天"),
    COUNT("le_30d", "<=30d", "≤30天"),
    COUNT("le_60d", "<=60d", "≤60天"),
    COUNT("gt_60d", ">60d", ">60天"),
};

/* P-08 */
static const struct report_col pareto_cols[] = {
    {"model", "model", "机型", RT_TEXT, NULL},
    {"cause", "cause", "故障原因", RT_CODE, &codes_cause},
    COUNT("count", "count", "次数"),
    PERCENT("share", "share\n%", "占比\n%"),
    PERCENT("cumulative_share", "cumu-\nlative %", "累计\n%"),
    {"class", "class", "类", RT_TEXT, NULL},
};

/* P-11 */
static const struct report_col complaints_cols[] = {
    COUNT("opening", "open\nstart", "期初\n未结"),
    COUNT("received", "recd", "受理"),
    COUNT("reopened", "reop", "重开"),
    COUNT("closed", "clo-\nsed", "结案"),
    COUNT("withdrawn", "with-\ndrawn", "撤诉"),
    COUNT("rejected", "rej-\nected", "不受\n理"),
    COUNT("closing", "open\nend", "期末\n未结"),
    COUNT("suggestions", "sugg.", "其中\n意见"),
    {"per_1000_repairs", "per\n1000", "每千台\n投诉", RT_PER_1000, NULL},
};

/* P-12 */
static const struct report_col timeliness_cols[] = {
    COUNT("ack_due", "ack\ndue", "应响\n应"),
    COUNT("ack_on_time", "ack on\ntime", "及时\n响应"),
    PERCENT("ack_rate", "ack\n%", "响应\n率%"),
    COUNT("reply_due", "reply\ndue", "应答\n复"),
    COUNT("reply_on_time", "rep.on\ntime", "及时\n答复"),
    PERCENT("reply_rate", "reply\n%", "答复\n率%"),
    COUNT("close_due", "close\ndue", "应结\n案"),
    COUNT("close_on_time", "clo.on\ntime", "及时\n结案"),
    PERCENT("close_rate", "close\n%", "结案\n率%"),
    COUNT("overdue_open", "over-\ndue", "超期\n未结"),
};

#define BIT(n) (1u << (n))
#define PLACES (BIT(RD_BRANCH) | BIT(RD_REGION))
#define REPAIR_DIMS (PLACES | BIT(RD_CHANNEL) | BIT(RD_WARRANTY) | BIT(RD_MODEL))
#define COMPLAINT_DIMS                                                                                       \
	(PLACES | BIT(RD_TYPE) | BIT(RD_CATEGORY) | BIT(RD_SEVERITY) | BIT(RD_COMPLAINT_CHANNEL))

const struct report_def report_defs[REPORTS] = {
    [REPORT_VOLUME] = {REPORT_VOLUME, "volume", "P-01", "Repair volume", "维修量报表", volume_cols,
		       AS_COUNT(volume_cols), REPAIR_DIMS, BIT(CELL_VOLUME), true},
    [REPORT_TAT] = {REPORT_TAT, "tat", "P-04", "Repair time and promises kept", "维修周期及及时率", tat_cols,
		    AS_COUNT(tat_cols), REPAIR_DIMS, BIT(CELL_TAT) | BIT(CELL_TAT_HIST), false},
    [REPORT_PARETO] = {REPORT_PARETO, "pareto", "P-08", "Faults by model", "分机型故障排列", pareto_cols,
		       AS_COUNT(pareto_cols), PLACES, BIT(CELL_FAULTS), false},
    [REPORT_COMPLAINTS] = {REPORT_COMPLAINTS, "complaints", "P-11", "Complaints", "投诉量报表",
			   complaints_cols, AS_COUNT(complaints_cols), COMPLAINT_DIMS,
			   BIT(CELL_COMPLAINTS) | BIT(CELL_VOLUME), true},
    [REPORT_COMPLAINT_TIMELINESS] = {REPORT_COMPLAINT_TIMELINESS, "complaint-timeliness", "P-12",
				     "Complaints answered in time", "投诉及时率", timeliness_cols,
				     AS_COUNT(timeliness_cols), COMPLAINT_DIMS, BIT(CELL_COMPLAINT_TIMES),
				     true},
};

const struct report_def *report_of_name(struct bytes name)
{
	for (unsigned i = 0; i < REPORTS; i++)
		if (code_name_is(report_defs[i].name, name))
			return &report_defs[i];
	return NULL;
}

bool report_dim_of_name(const struct report_def *def, struct bytes name, enum report_dim *ret_dim)
{
	for (unsigned i = 0; i < REPORT_DIMS; i++)
		if ((def->dims & BIT(i)) && code_name_is(report_dims[i].col.name, name)) {
			*ret_dim = (enum report_dim)i;
			return true;
		}
	return false;
}
