/* status: a line a branch, worst first; exit 0, 1, 2 as a Nagios check. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/intake/forms.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

#define WATCH_MS 2000
#define LEGEND_INDENT 9 /* columns of the head before it */

enum { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL };

/* By state (common/sync): the letter, how bad, what a person reads. Unknown states of a newer daemon: a
 * warning. */
static const struct state_row {
	const char *name;
	char letter;
	uint8_t nagios;
	const char *zh;
} states[] = {
    {"revoked", 'X', NAGIOS_CRITICAL, "已停用"},  {"clone", 'X', NAGIOS_CRITICAL, "克隆"},
    {"refused", 'X', NAGIOS_CRITICAL, "被拒收"},  {"incompatible", 'X', NAGIOS_CRITICAL, "版本不兼容"},
    {"forked", '!', NAGIOS_WARNING, "分叉"},	  {"gap", '!', NAGIOS_WARNING, "缺号"},
    {"stale", '!', NAGIOS_WARNING, "失联"},	  {"stalled", '!', NAGIOS_WARNING, "停滞"},
    {"paused", '-', NAGIOS_WARNING, "暂停"},	  {"joining", '?', NAGIOS_WARNING, "待加入"},
    {"rewound", '+', NAGIOS_WARNING, "重新上送"}, {"restoring", '+', NAGIOS_WARNING, "取回中"},
    {"catching-up", '+', NAGIOS_OK, "追赶中"},	  {"in-sync", '*', NAGIOS_OK, "同步"},
};

static const struct state_row *state_of(const json_t *branch)
{
	static const struct state_row unknown = {"", '?', NAGIOS_WARNING, ""};
	const char *name = json_string_value(json_object_get(branch, "state"));

	for (size_t i = 0; name && i < AS_COUNT(states); i++)
		if (strcmp(states[i].name, name) == 0)
			return &states[i];
	return &unknown;
}

static size_t badness(const json_t *branch)
{
	const struct state_row *s = state_of(branch);

	return s >= states && s < states + AS_COUNT(states) ? (size_t)(s - states) : 9;
}

static int64_t number_of(const json_t *branch, const char *field)
{
	return json_integer_value(json_object_get(branch, field));
}

static const char *text_of(const json_t *branch, const char *field)
{
	const char *s = json_string_value(json_object_get(branch, field));

	return s ? s : "";
}

/* ---- order, filter ----------------------------------------------------------------------- */

static const struct sort_row {
	const char *name, *field;
	bool text;
} sorts[] = {
    {"branch", "branch", true},	      {"region", "region", true},
    {"version", "version", true},     {"incarnation", "incarnation", false},
    {"head", "head", false},	      {"acked", "acked", false},
    {"applied", "applied", false},    {"lag", "lag_events", false},
    {"last-seen", "last_seen", true}, {"flagged", "flagged", false},
    {"refused", "refused", false},    {"state", "state", true},
};

/* qsort has no argument of its own; one thread, one status. */
static const struct sort_row *sort_by;

static int worst_first(const json_t *a, const json_t *b)
{
	size_t x = badness(a), y = badness(b);
	int64_t la = number_of(a, "lag_events"), lb = number_of(b, "lag_events");

	if (x != y)
		return x < y ? -1 : 1;
	if (la != lb)
		return la > lb ? -1 : 1;
	return strcmp(text_of(a, "branch"), text_of(b, "branch"));
}

static int cmp(const void *pa, const void *pb)
{
	const json_t *a = *(json_t *const *)pa, *b = *(json_t *const *)pb;
	int c = 0;

	if (sort_by && sort_by->text)
		c = strcmp(text_of(a, sort_by->field), text_of(b, sort_by->field));
	else if (sort_by) {
		int64_t x = number_of(a, sort_by->field), y = number_of(b, sort_by->field);
		c = x > y ? -1 : x < y; /* numbers: the largest first */
	}
	return c ? c : worst_first(a, b);
}

static bool holds(const json_t *branch, const char *text)
{
	static const char *const fields[] = {"branch", "name", "region", "state", "reason"};

	for (size_t i = 0; i < AS_COUNT(fields); i++)
		if (strcasestr(text_of(branch, fields[i]), text))
			return true;
	return false;
}

/* A new array of those that pass the filter, in order; NULL: out of memory. */
static json_t *chosen(const struct args *a, const json_t *branches)
{
	const char *filter = cli_value(a, "filter"), *by = cli_value(a, "sort");
	size_t n = 0, i;
	json_t *branch, *to = json_array(), **list = malloc((json_array_size(branches) + 1) * sizeof *list);

	if (list == NULL)
		return NULL;
	sort_by = NULL;
	for (i = 0; i < AS_COUNT(sorts); i++)
		if (strcmp(sorts[i].name, by) == 0)
			sort_by = &sorts[i];
	json_array_foreach(branches, i, branch)
	{
		if (filter == NULL || holds(branch, filter))
			list[n++] = branch;
	}
	qsort(list, n, sizeof(json_t *), cmp);
	for (i = 0; i < n; i++)
		json_array_append(to, list[i]);
	free(list);
	return to;
}

/* ---- output ------------------------------------------------------------------------------ */

static const struct rows_col csv_cols[] = {
    {"branch", "", "", RO_TEXT, 0, 0, NULL},	  {"name", "", "", RO_TEXT, 0, 0, NULL},
    {"region", "", "", RO_TEXT, 0, 0, NULL},	  {"state", "", "", RO_TEXT, 0, 0, NULL},
    {"reason", "", "", RO_TEXT, 0, 0, NULL},	  {"head", "", "", RO_COUNT, 0, 0, NULL},
    {"acked", "", "", RO_COUNT, 0, 0, NULL},	  {"applied", "", "", RO_COUNT, 0, 0, NULL},
    {"lag_events", "", "", RO_COUNT, 0, 0, NULL}, {"lag_seconds", "", "", RO_COUNT, 0, 0, NULL},
    {"last_seen", "", "", RO_TEXT, 0, 0, NULL},	  {"incarnation", "", "", RO_COUNT, 0, 0, NULL},
    {"flagged", "", "", RO_COUNT, 0, 0, NULL},	  {"refused", "", "", RO_COUNT, 0, 0, NULL},
    {"version", "", "", RO_TEXT, 0, 0, NULL},
};

static const struct {
	const char *head;
	const char *field;
	unsigned flags;
	size_t least;
	const char *legend, *legend_zh;
} table_cols[] = {
    {"S", NULL, 0, 0,
     "* in sync  + on its way  - paused  ? not joined yet  ! cut off or stuck  X needs a person",
     "* 同步  + 传送中  - 暂停  ? 待加入  ! 断线或停滞  X 需要处理"},
    {"BRANCH", "branch", 0, 0, "code of the branch", "网点代码"},
    {"REGION", "region", 0, 4, "region that reports sum it under", "报表汇总的区域"},
    {"VER", "version", 0, 0, "version of its program", "程序版本"},
    {"INC", "incarnation", TC_RIGHT, 0, "incarnation: its lives, one more after each restore",
     "第几代: 每次恢复后加一"},
    {"HEAD", "head", TC_RIGHT, 0, "events that it has recorded, as far as is known here",
     "网点已记录的事件 (此处所知)"},
    {"ACKED", "acked", TC_RIGHT, 0, "of these, receipted by head office", "其中总部已回执的"},
    {"APPLIED", "applied", TC_RIGHT, 0, "of these, in the reports of head office", "其中已入总部报表的"},
    {"LAG", "lag_events", TC_RIGHT, 0, "events on their way", "在途的事件"},
    {"SEEN", "last_seen", TC_RIGHT, 0, "how long ago anything came from it", "多久前收到过它的消息"},
    {"FLAG", "flagged", TC_RIGHT, 0, "events in the log that count in no report", "有标记, 不入报表的事件"},
    {"REF", "refused", TC_RIGHT, 0, "blocks that lie refused", "被拒收的块"},
};

static struct bytes cell(size_t col, const json_t *branch, const struct rows_opts *opts, char buf[32])
{
	const json_t *v = table_cols[col].field ? json_object_get(branch, table_cols[col].field) : NULL;
	int64_t ms;

	if (col == 0) {
		buf[0] = state_of(branch)->letter;
		return bytes_of(buf, 1);
	}
	if (strcmp(table_cols[col].field, "last_seen") == 0) {
		if (!json_is_string(v) || !form_time_parse(bytes_of_str(json_string_value(v)), &ms))
			return bytes_of_str(opts->zh ? "从未" : "never");
		ago_text(opts->now_ms - ms, buf);
		return bytes_of_str(buf);
	}
	if (json_is_integer(v)) {
		snprintf(buf, 32, "%lld", (long long)json_integer_value(v));
		return bytes_of_str(buf);
	}
	return json_is_string(v) ? bytes_of_str(json_string_value(v)) : bytes_of_str("-");
}

/* The line below a branch that is not well: its state, and why. */
static void note(struct table *t, const json_t *branch, const struct rows_opts *opts)
{
	const struct state_row *s = state_of(branch);
	const char *state = text_of(branch, "state"), *reason = text_of(branch, "reason");
	char text[600];

	if (s->letter == '*')
		return;
	snprintf(text, sizeof text, "%s%s%s%s%s", opts->zh && *s->zh ? s->zh : state,
		 opts->zh && *s->zh ? " " : "", opts->zh && *s->zh ? state : "", *reason ? ": " : "", reason);
	table_note(t, bytes_of_str(text));
}

/* Head office that was restored and does not write: `hq instance new`. */
static bool is_hurt(const json_t *status)
{
	const char *state = text_of(status, "state");

	return *state && strcmp(text_of(status, "role"), "hq") == 0 && strcmp(state, "serving") != 0;
}

static void foot(struct out *o, const json_t *status, size_t shown, const struct rows_opts *opts)
{
	const json_t *totals = json_object_get(status, "totals");
	char text[400];

	const char *node = text_of(status, "node"),
		   *hq = strcmp(text_of(status, "role"), "hq") == 0 ? " (hq)" : "";
	long long branches = number_of(totals, "branches"), in_sync = number_of(totals, "in_sync"),
		  events = number_of(totals, "events"), flagged = number_of(totals, "flagged");

	if (opts->zh)
		snprintf(text, sizeof text, "%s%s, %lld 个网点, %lld 个同步, %lld 个事件, %lld 个标记", node,
			 hq, branches, in_sync, events, flagged);
	else
		snprintf(text, sizeof text, "%s%s, %lld branch%s, %lld in sync, %lld event%s, %lld flagged",
			 node, hq, branches, branches == 1 ? "" : "es", in_sync, events,
			 events == 1 ? "" : "s", flagged);
	if (is_hurt(status))
		snprintf(text + strlen(text), sizeof text - strlen(text),
			 opts->zh ? ", 总部状态 %s" : "; head office: %s", text_of(status, "state"));
	if (shown < (size_t)number_of(totals, "branches"))
		snprintf(text + strlen(text), sizeof text - strlen(text),
			 opts->zh ? ", 显示 %zu 个" : "; %zu shown", shown);
	table_wrap(o, bytes_of_str(text), opts->width - 2, 2);
}

/* Texts that no branch has, such as regions, get no column. */
static bool is_used(size_t col, const json_t *rows)
{
	const char *field = table_cols[col].field;
	size_t i;
	json_t *branch;

	if (field == NULL || strcmp(field, "last_seen") == 0)
		return true;
	json_array_foreach(rows, i, branch)
	{
		const json_t *v = json_object_get(branch, field);
		if (json_is_integer(v) || (json_is_string(v) && json_string_length(v)))
			return true;
	}
	return json_array_size(rows) == 0;
}

static as_err put_table(const struct args *a, struct out *o, const json_t *status, const json_t *rows)
{
	AS_AUTO(table) struct table t;
	struct rows_opts opts = show_opts(a);
	size_t i;
	json_t *branch;

	for (size_t c = 0; cli_flag(a, "verbose") && c < AS_COUNT(table_cols); c++) {
		out_fmt(o, "%-8s ", table_cols[c].head);
		table_wrap(o, bytes_of_str(opts.zh ? table_cols[c].legend_zh : table_cols[c].legend),
			   opts.width - LEGEND_INDENT, LEGEND_INDENT);
	}
	table_init(&t);
	for (size_t c = 0; c < AS_COUNT(table_cols); c++)
		if (is_used(c, rows))
			table_col(&t, table_cols[c].head,
				  table_cols[c].flags | (c < 2 ? TC_KEY | TC_REPEAT : 0),
				  table_cols[c].least);
	json_array_foreach(rows, i, branch)
	{
		char buf[32];
		for (size_t c = 0; c < AS_COUNT(table_cols); c++)
			if (is_used(c, rows))
				table_cell(&t, cell(c, branch, &opts, buf));
		note(&t, branch, &opts);
	}
	if (json_array_size(rows))
		t.err = table_print(&t, o, opts.width);
	if (!t.err)
		foot(o, status, json_array_size(rows), &opts);
	return t.err;
}

/* The worst of all branches, shown or not: a filter must not hide an alarm. */
static int nagios_of(const json_t *status, const json_t *branches)
{
	int worst = is_hurt(status) ? NAGIOS_CRITICAL : NAGIOS_OK;
	size_t i;
	json_t *branch;

	json_array_foreach(branches, i, branch)
	{
		if (state_of(branch)->nagios > worst)
			worst = state_of(branch)->nagios;
	}
	return worst;
}

static int once(const struct args *a, bool clear)
{
	AS_AUTO(json) json_t *answers = NULL;
	AS_AUTO(json) json_t *rows = NULL;
	AS_AUTO(out) struct out o;
	int code = ask_all(a, ASK_OR_STORE, json_pack("{s:s}", "cmd", "status"), &answers);
	json_t *status = json_array_get(answers, 0), *branches = json_object_get(status, "branches");
	as_err err = AS_OK;

	out_to_fd(&o, 1);
	if (code >= EXIT_USAGE || !json_is_array(branches))
		return code ? code
			    : cli_fail(EXIT_WRONG, a,
				       "the daemon's answer is no status: is it of another version?");
	if ((rows = chosen(a, branches)) == NULL)
		return cli_fail(EXIT_IO, a, "out of memory");
	if (clear)
		out_str(&o, "\033[H\033[2J");
	if (show_format(a) == FORMAT_JSON) {
		AS_AUTO(json) json_t *copy = json_copy(status);
		json_object_set(copy, "branches", rows);
		json_out(&o, copy);
	} else if (show_format(a) == FORMAT_CSV) {
		rows_csv(&o, csv_cols, AS_COUNT(csv_cols), rows);
	} else {
		err = put_table(a, &o, status, rows);
	}
	if (err)
		return cli_fail(EXIT_IO, a, "%s", as_err_text(err));
	return show_end(a, &o, nagios_of(status, branches));
}

int cmd_status(const struct args *a)
{
	bool watch = cli_flag(a, "watch"),
	     clear = watch && isatty(STDOUT_FILENO) && show_format(a) == FORMAT_TABLE;
	int code = once(a, clear);

	while (watch && code < EXIT_USAGE) {
		poll(NULL, 0, WATCH_MS);
		if (!clear && show_format(a) == FORMAT_TABLE)
			putchar('\n'), fflush(stdout);
		code = once(a, clear);
	}
	return code;
}
