/* show: a case as a card. */
#include "common/base/cleanup.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/card.h"
#include "tools/aftersync/commands.h"

/* The columns of events; what none of them has is left out. */
static const struct rows_col event_cols[] = {
    {"occurred_at", "when", "时间", RO_TIME, TC_KEY | TC_REPEAT, 0, NULL},
    {"kind", "event", "事件", RO_TEXT, 0, 0, NULL},
    {"state", "then", "之后状态", RO_TEXT, 0, 0, NULL},
    {"actor", "staff", "员工", RO_COUNT, 0, 0, NULL},
    {"post", "post", "岗位", RO_TEXT, 0, 0, NULL},
    {"approver", "approver", "批准人", RO_COUNT, 0, 0, NULL},
    {"status", "status", "结果", RO_TEXT, 0, 0, NULL},
    {"business_date", "business\ndate", "营业日", RO_TEXT, 0, 0, NULL},
    {"late", "late", "补录", RO_BOOL, 0, 0, NULL},
    {"imported", "imported", "导入", RO_BOOL, 0, 0, NULL},
};

static const struct card_field heads_en[] = {{"events", ""}, {"personal", ""}, {"case", "key"}};
static const struct card_field heads_zh[] = {
    {"events", ""},	    {"personal", ""},	     {"label", "单号"},	      {"case", "键"},
    {"branch", "网点"},	    {"type", "类型"},	     {"state", "状态"},	      {"opened_on", "受理日"},
    {"imported", "导入"},   {"model", "机型"},	     {"deadlines", "期限"},   {"promised_at", "约定"},
    {"ack_due", "应响应"},  {"reply_due", "应答复"}, {"close_due", "应结案"}, {"acked_at", "响应"},
    {"replied_at", "答复"}, {"closed_at", "结案"},   {"due", "应完成"},	      {"done_at", "完成"},
    {"plan_due", "应计划"}, {"planned_at", "计划"},  {"fixed_at", "整改"},    {"answered_at", "对方答复"},
};

static int card(const struct args *a, struct out *o, const json_t *shown)
{
	struct rows_opts opts = show_opts(a);
	const json_t *events = json_object_get(shown, "events");
	/* the label is what people know it by: first */
	AS_AUTO(json) json_t *rest = json_copy((json_t *)(uintptr_t)shown);
	AS_AUTO(json) json_t *first = json_object();

	if (json_object_get(rest, "label")) {
		json_object_set(first, "label", json_object_get(rest, "label"));
		json_object_del(rest, "label");
	}
	json_object_update(first, rest);
	if (opts.zh)
		card_print(o, first, heads_zh, sizeof heads_zh / sizeof heads_zh[0], opts.width);
	else
		card_print(o, first, heads_en, sizeof heads_en / sizeof heads_en[0], opts.width);
	out_str(o, "\n");
	return show_rows(a, o, event_cols, sizeof event_cols / sizeof event_cols[0], events, "No events.");
}

int cmd_show(const struct args *a)
{
	AS_AUTO(json) json_t *answers = NULL;
	AS_AUTO(out) struct out o;
	int code = ask_all(a, ASK_OR_STORE, json_pack("{s:s, s:s}", "cmd", "show", "case", a->arg), &answers);
	const json_t *shown = json_array_get(answers, 0);

	out_to_fd(&o, 1);
	if (code)
		return code;
	if (shown == NULL)
		return cli_fail(EXIT_WRONG, a, "%.60s: no such case", a->arg);
	if (show_format(a) == FORMAT_JSON)
		json_out(&o, shown);
	else if (show_format(a) == FORMAT_CSV)
		code = show_rows(a, &o, event_cols, sizeof event_cols / sizeof event_cols[0],
				 json_object_get(shown, "events"), "");
	else
		code = card(a, &o, shown);
	return code ? code : show_end(a, &o, EXIT_DONE);
}
