/* report: the five reports from counters, and their list. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/out/report_json.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

static int list(const struct args *a)
{
	AS_AUTO(json) json_t *rows = report_list_json();
	AS_AUTO(out) struct out o;

	if (a->arg)
		return cli_fail(EXIT_USAGE, a, "--list names all reports; it takes no NAME");
	out_to_fd(&o, 1);
	return show_end(a, &o, show_rows(a, &o, report_list_cols, report_list_cols_n, rows, ""));
}

static int unknown_report(const struct args *a)
{
	const char *names[REPORTS], *near;

	for (size_t i = 0; i < REPORTS; i++)
		names[i] = report_defs[i].name;
	near = cli_nearest(a->arg, names, REPORTS);
	if (near)
		return cli_fail(EXIT_USAGE, a, "%.60s: no such report; did you mean %s?", a->arg, near);
	return cli_fail(EXIT_USAGE, a, "%.60s: no such report; `aftersync report --list` names them", a->arg);
}

/* --by as an array; NULL: said. */
static json_t *by_of(const struct args *a, const struct report_def *def)
{
	struct report_query q = {.def = def};
	json_t *by = json_array();

	for (const char *at = cli_value(a, "by"); at && *at;) {
		size_t n = strcspn(at, ",");
		if (report_by(&q, bytes_of(at, n))) {
			char can[200] = "";
			for (unsigned i = 0; i < REPORT_DIMS; i++)
				if (def->dims & 1u << i)
					snprintf(can + strlen(can), sizeof can - strlen(can), "%s%s",
						 *can ? ", " : "", report_dims[i].col.name);
			cli_fail(EXIT_USAGE, a, "--by %.*s: %s cannot be split by that; it can by %s",
				 (int)(n < 40 ? n : 40), at, def->name, can);
			json_decref(by);
			return NULL;
		}
		at += n + (at[n] == ',');
	}
	for (uint32_t i = 0; i < q.by_n; i++)
		json_array_append_new(by, json_string(report_dims[q.by[i]].col.name));
	return by;
}

static void put(json_t *request, const char *field, const char *value)
{
	if (value)
		json_object_set_new(request, field, json_string(value));
}

static int show(const struct args *a, const json_t *report)
{
	AS_AUTO(out) struct out o = {.fd = -1};
	struct rows_opts opts = show_opts(a);
	const char *path = cli_value(a, "output");
	struct as_errmsg em = {"out of memory"};
	as_err err = AS_OK;

	if (path && (err = out_to_file(&o, path, &em)))
		return cli_fail(EXIT_IO, a, "%s", em.text);
	if (path == NULL)
		out_to_fd(&o, 1);
	else
		opts.width = 80;
	switch (show_format(a)) {
	case FORMAT_CSV:
		err = report_csv(&o, report);
		break;
	case FORMAT_JSON:
		json_out(&o, report);
		break;
	default:
		err = report_table(&o, report, &opts);
	}
	if (err == AS_EPROTO)
		return cli_fail(EXIT_WRONG, a, "the daemon's answer is no report: is it of another version?");
	if (err)
		return cli_fail(EXIT_IO, a, "%s", as_err_text(err));
	return show_end(a, &o, EXIT_DONE);
}

int cmd_report(const struct args *a)
{
	const struct report_def *def;
	AS_AUTO(json) json_t *answers = NULL;
	json_t *by;

	if (cli_flag(a, "list"))
		return list(a);
	if (a->arg == NULL)
		return cli_fail(EXIT_USAGE, a, "which? `aftersync report --list` names them");
	if ((def = report_of_name(bytes_of_str(a->arg))) == NULL)
		return unknown_report(a);
	if (cli_value(a, "dir") == NULL)
		return cli_fail(EXIT_USAGE, a, "--dir DIR is missing");
	if (cli_number(a, "from") && cli_number(a, "to") && cli_number(a, "from") > cli_number(a, "to"))
		return cli_fail(EXIT_USAGE, a, "--from %s lies after --to %s", cli_value(a, "from"),
				cli_value(a, "to"));
	if ((by = by_of(a, def)) == NULL)
		return EXIT_USAGE;
	json_t *request = json_pack("{s:s, s:s, s:s, s:o}", "cmd", "report", "name", def->name, "period",
				    cli_value(a, "period"), "by", by);
	put(request, "from", cli_value(a, "from"));
	put(request, "to", cli_value(a, "to"));
	put(request, "as_of", cli_value(a, "as-of"));
	int code = ask_all(a, ASK_OR_STORE, request, &answers);
	return code ? code : show(a, json_array_get(answers, 0));
}
