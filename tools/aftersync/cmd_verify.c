/* verify and rebuild: is what is stored what was recorded? */
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/card.h"
#include "tools/aftersync/commands.h"

static const struct rows_col checked_cols[] = {
    {"checked", "checked", "检查", RO_TEXT, TC_KEY | TC_REPEAT, 16, NULL},
    {"result", "result", "结果", RO_TEXT, 0, 0, NULL},
    {"events", "events", "事件", RO_COUNT, 0, 0, NULL},
    {"blocks", "blocks", "块", RO_COUNT, 0, 0, NULL},
    {"wrong", "wrong", "错误", RO_TEXT, 0, 20, NULL},
};

/* Sorts the answers: what was checked, what is wrong, and the last word. */
static json_t *sorted(const json_t *answers)
{
	json_t *checked = json_array(), *wrong = json_array(), *all = json_object(), *line, *value;
	const char *key;
	size_t i;

	json_array_foreach(answers, i, line)
	{
		if (json_object_get(line, "ok"))
			json_object_foreach(line, key, value) json_object_set(all, key, value);
		else
			json_array_append(json_object_get(line, "wrong") ? wrong : checked, line);
	}
	json_object_set_new(all, "checked", checked);
	json_object_set_new(all, "wrong", wrong);
	return all;
}

static int verify_table(const struct args *a, struct out *o, const json_t *all)
{
	struct rows_opts opts = show_opts(a);
	const json_t *checked = json_object_get(all, "checked"), *wrong = json_object_get(all, "wrong");
	int code = EXIT_DONE;
	size_t i;
	json_t *line;

	if (json_array_size(checked))
		code =
		    show_rows(a, o, checked_cols, sizeof checked_cols / sizeof checked_cols[0], checked, "");
	json_array_foreach(wrong, i, line)
	{
		const json_t *what = json_object_get(line, "wrong");
		char text[900];
		snprintf(text, sizeof text, "%s %s",
			 opts.zh ? "错误:" : "wrong:", json_is_string(what) ? json_string_value(what) : "?");
		table_wrap(o, bytes_of_str(text), opts.width - 2, 2);
	}
	if (json_array_size(wrong) == 0)
		out_str(o, opts.zh ? "全部正确。\n" : "Nothing is wrong.\n");
	return code;
}

int cmd_verify(const struct args *a)
{
	AS_AUTO(json) json_t *answers = NULL;
	AS_AUTO(out) struct out o;
	const char *branch = cli_value(a, "branch");
	json_t *request = json_pack("{s:s}", "cmd", "verify");

	out_to_fd(&o, 1);
	if (branch)
		json_object_set_new(request, "branch", json_string(branch));
	int code = ask_all(a, ASK_OR_STORE, request, &answers);
	AS_AUTO(json) json_t *all = sorted(answers);
	if (code && json_array_size(answers) == 0)
		return code;
	int shown = EXIT_DONE;
	if (show_format(a) == FORMAT_JSON)
		json_out(&o, all);
	else if (show_format(a) == FORMAT_CSV)
		shown =
		    show_rows(a, &o, checked_cols, sizeof checked_cols / sizeof checked_cols[0], answers, "");
	else
		shown = verify_table(a, &o, all);
	if (shown)
		return shown;
	return show_end(a, &o,
			code						 ? code
			: json_array_size(json_object_get(all, "wrong")) ? EXIT_WRONG
									 : EXIT_DONE);
}

int cmd_rebuild(const struct args *a)
{
	static const struct card_field heads[] = {{"ok", ""}};
	AS_AUTO(json) json_t *answers = NULL;
	AS_AUTO(out) struct out o;
	bool check = cli_flag(a, "check");
	int code =
	    ask_all(a, ASK_OR_STORE, json_pack("{s:s, s:b}", "cmd", "rebuild", "check", check), &answers);
	const json_t *last = json_array_get(answers, json_array_size(answers) - 1);

	out_to_fd(&o, 1);
	if (last == NULL)
		return code;
	if (show_format(a) == FORMAT_TABLE)
		card_print(&o, last, heads, sizeof heads / sizeof heads[0], show_opts(a).width);
	else if (show_format(a) == FORMAT_JSON)
		json_out(&o, last);
	else
		card_csv(&o, last);
	return show_end(a, &o, code);
}
