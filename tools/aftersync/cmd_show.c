/* show: a case as a card. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/ledger/case_types.h"
#include "common/ledger/kinds.h"
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

/* ---- Chinese names ----------------------------------------------------------------------- */

static const char *zh_of_code(const struct code_list *codes, const char *name)
{
	const struct code_def *code = codes ? code_of_name(codes, bytes_of_str(name)) : NULL;

	return code ? code->zh : NULL;
}

static const char *zh_of_status(const char *name)
{
	static const char *const names[][2] = {{"applied", "计入"},	    {"repeated", "重复"},
					       {"undecodable", "无法解读"}, {"unknown-kind", "未知类型"},
					       {"illegal", "不合规"},	    {"id-reused", "编号重用"}};

	for (size_t i = 0; i < AS_COUNT(names); i++)
		if (strcmp(names[i][0], name) == 0)
			return names[i][1];
	return NULL;
}

/* The field says its Chinese name, before the symbol when both are wanted; as it is when there is none. */
static void set_zh(json_t *o, const char *field, const char *zh, bool both)
{
	char text[160];

	if (zh == NULL)
		return;
	snprintf(text, sizeof text, "%s%s%s", zh, both ? " " : "",
		 both ? json_string_value(json_object_get(o, field)) : "");
	json_object_set_new(o, field, json_string(text));
}

static const char *text_of(const json_t *o, const char *field)
{
	const char *s = json_string_value(json_object_get(o, field));

	return s ? s : "";
}

/* What a newer daemon says and this program does not know stays as it is. */
static void say_zh(json_t *shown)
{
	const struct code_list *states = NULL;
	size_t i;
	json_t *event;

	for (i = 0; i < CASE_TYPES; i++)
		if (case_types[i].name && strcmp(case_types[i].name, text_of(shown, "type")) == 0) {
			states = case_types[i].states;
			set_zh(shown, "type", case_types[i].zh, true);
			break;
		}
	set_zh(shown, "state", zh_of_code(states, text_of(shown, "state")), true);
	json_object_set_new(shown, "imported",
			    json_string(json_is_true(json_object_get(shown, "imported")) ? "是" : "否"));
	json_array_foreach(json_object_get(shown, "events"), i, event)
	{
		const struct kind_def *kind = kind_of_name(bytes_of_str(text_of(event, "kind")));
		set_zh(event, "kind", kind ? kind->zh : NULL, false);
		set_zh(event, "state", zh_of_code(states, text_of(event, "state")), false);
		set_zh(event, "post", zh_of_code(&codes_post, text_of(event, "post")), false);
		set_zh(event, "status", zh_of_status(text_of(event, "status")), false);
	}
}

static int card(const struct args *a, struct out *o, const json_t *shown)
{
	struct rows_opts opts = show_opts(a);
	AS_AUTO(json) json_t *named = json_deep_copy(shown);
	const json_t *events = json_object_get(named, "events");
	/* the label is what people know it by: first */
	AS_AUTO(json) json_t *rest = NULL;
	AS_AUTO(json) json_t *first = json_object();

	if (opts.zh)
		say_zh(named);
	rest = json_copy(named);
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
