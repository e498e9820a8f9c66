/* log list, log show, log export: what the logs hold. */
#include "common/base/cleanup.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

static const struct rows_col list_cols[] = {
    {"log", "log", "日志", RO_TEXT, TC_KEY | TC_REPEAT, 0, NULL},
    {"class", "class", "类别", RO_TEXT, 0, 0, NULL},
    {"branch", "branch", "网点", RO_TEXT, 0, 0, NULL},
    {"number", "no.", "编号", RO_COUNT, 0, 0, NULL},
    {"size", "events", "事件", RO_COUNT, 0, 0, NULL},
    {"acked", "acked", "已回执", RO_COUNT, 0, 0, NULL},
    {"applied", "applied", "已入账", RO_COUNT, 0, 0, NULL},
    {"keys", "keys", "密钥", RO_COUNT, 0, 0, NULL},
    {"ended_at", "ends at", "止于", RO_COUNT, 0, 0, NULL},
    {"root", "root", "根", RO_TEXT, 0, 9, NULL},
};

static const struct rows_col show_cols[] = {
    {"first", "first", "首号", RO_COUNT, TC_KEY | TC_REPEAT, 0, NULL},
    {"count", "events", "事件", RO_COUNT, 0, 0, NULL},
    {"bytes", "bytes", "字节", RO_COUNT, 0, 0, NULL},
    {"keys_upto", "keys up to", "密钥至", RO_COUNT, 0, 0, NULL},
    {"content_key", "new key", "新密钥", RO_BOOL, 0, 0, NULL},
    {"root", "root", "根", RO_TEXT, 0, 9, NULL},
};

static int show_list(const struct args *a, json_t *request, const struct rows_col *cols, size_t n,
		     const char *none)
{
	AS_AUTO(json) json_t *rows = NULL;
	AS_AUTO(out) struct out o;
	int code = ask_all(a, ASK_OR_STORE, request, &rows);

	out_to_fd(&o, 1);
	if (code)
		return code;
	return show_end(a, &o, show_rows(a, &o, cols, n, rows, none));
}

int cmd_log_list(const struct args *a)
{
	return show_list(a, json_pack("{s:s}", "cmd", "log-list"), list_cols,
			 sizeof list_cols / sizeof list_cols[0], "No logs are held.");
}

int cmd_log_show(const struct args *a)
{
	return show_list(a,
			 json_pack("{s:s, s:s, s:I, s:I}", "cmd", "log-show", "log", a->arg, "from",
				   (json_int_t)cli_number(a, "from"), "count",
				   (json_int_t)cli_number(a, "count")),
			 show_cols, sizeof show_cols / sizeof show_cols[0], "No blocks there.");
}

/* Events go out as they come: there may be more than fit into memory. */
static bool put_event(void *arg, json_t *line)
{
	struct out *o = arg;

	json_out(o, line);
	return o->error == 0;
}

int cmd_log_export(const struct args *a)
{
	AS_AUTO(out) struct out o = {.fd = -1};
	const char *path = cli_value(a, "output"), *branch = cli_value(a, "branch");
	json_t *request = json_pack("{s:s}", "cmd", "log-export");
	struct as_errmsg em;

	if (branch)
		json_object_set_new(request, "branch", json_string(branch));
	if (path == NULL) {
		out_to_fd(&o, 1);
	} else if (out_to_file(&o, path, &em)) {
		json_decref(request);
		return cli_fail(EXIT_IO, a, "%s", em.text);
	}
	int code = ask(a, ASK_OR_STORE, request, put_event, &o);
	if (code && !o.error)
		out_flush(&o); /* what came is shown; a file is dropped */
	return code && !o.error ? code : show_end(a, &o, code);
}
