#include "common/out/rows.h"

#include <stdio.h>

#include "common/base/cleanup.h"
#include "common/intake/forms.h"

void duration_text(int64_t minutes, char out[32])
{
	if (minutes < 60)
		snprintf(out, 32, "%lldm", (long long)minutes);
	else if (minutes < 24 * 60)
		snprintf(out, 32, "%lldh%02lldm", (long long)(minutes / 60), (long long)(minutes % 60));
	else
		snprintf(out, 32, "%lldd%02lldh", (long long)(minutes / (24 * 60)),
			 (long long)(minutes / 60 % 24));
}

void ago_text(int64_t ms, char out[32])
{
	if (ms < 0)
		ms = 0;
	if (ms < 60000)
		snprintf(out, 32, "%llds", (long long)(ms / 1000));
	else
		duration_text(ms / 60000, out);
}

/* Hundredths, exactly two decimals. */
static void rate_out(double v, char out[32])
{
	long long h = (long long)(v * 100 + (v < 0 ? -0.5 : 0.5));

	snprintf(out, 32, "%s%lld.%02lld", h < 0 ? "-" : "", (h < 0 ? -h : h) / 100, (h < 0 ? -h : h) % 100);
}

/* "2026-11-23T09:30:00+08:00" → "2026-11-23 09:30:00": the clock of whoever wrote it. */
static struct bytes time_text(struct bytes s, char out[32])
{
	if (s.n < 19 || s.n > 40)
		return s;
	memcpy(out, s.p, 19);
	out[10] = ' ';
	return bytes_of(out, 19);
}

static struct bytes text_of(const json_t *v)
{
	return json_is_string(v) ? bytes_of(json_string_value(v), json_string_length(v)) : (struct bytes){0};
}

/* Numbers and words as JSON writes them; `buf` of 32 bytes. */
static struct bytes plain(const json_t *v, enum rows_type type, char buf[32])
{
	if (type == RO_RATE && json_is_number(v))
		rate_out(json_number_value(v), buf);
	else if (type == RO_RATE)
		return bytes_of_str("n/a");
	else if (json_is_integer(v))
		snprintf(buf, 32, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(buf, 32, "%.15g", json_real_value(v));
	else if (json_is_boolean(v))
		return bytes_of_str(json_is_true(v) ? "true" : "false");
	else
		return text_of(v);
	return bytes_of_str(buf);
}

/* A cell for people. */
static struct bytes shown(const struct rows_col *c, const json_t *v, const struct rows_opts *opts,
			  char buf[32])
{
	const struct code_def *code;
	int64_t ms;

	switch (c->type) {
	case RO_MINUTES:
		if (!json_is_integer(v))
			return bytes_of_str("n/a");
		duration_text(json_integer_value(v), buf);
		return bytes_of_str(buf);
	case RO_CODE:
		code = opts->zh ? code_of_name(c->codes, text_of(v)) : NULL;
		if (code)
			return bytes_of_str(code->zh);
		return text_of(v).n ? text_of(v) : bytes_of_str("-");
	case RO_BOOL:
		return bytes_of_str(!json_is_true(v) ? "" : opts->zh ? "是" : "yes");
	case RO_TIME:
		return time_text(text_of(v), buf);
	case RO_AGO:
		if (!json_is_string(v) || !form_time_parse(text_of(v), &ms))
			return bytes_of_str(opts->zh ? "从未" : "never");
		ago_text(opts->now_ms - ms, buf);
		return bytes_of_str(buf);
	default:
		return plain(v, c->type, buf);
	}
}

as_err rows_table(struct out *o, const struct rows_col *cols, size_t n, const json_t *rows,
		  const struct rows_opts *opts)
{
	AS_AUTO(table) struct table t;
	size_t i;
	json_t *row;

	table_init(&t);
	for (size_t c = 0; c < n; c++) {
		bool right = cols[c].type == RO_COUNT || cols[c].type == RO_MINUTES ||
			     cols[c].type == RO_RATE || cols[c].type == RO_AGO;
		table_col(&t, opts->zh ? cols[c].zh : cols[c].en, cols[c].flags | (right ? TC_RIGHT : 0),
			  cols[c].least);
	}
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < n; c++) {
			char buf[32];
			table_cell(&t, shown(&cols[c], json_object_get(row, cols[c].field), opts, buf));
		}
	}
	return table_print(&t, o, opts->width);
}

static void csv_text(struct out *o, struct bytes s)
{
	bool quote = false, formula = s.n && memchr("=+-@\t\r", s.p[0], 6);

	for (size_t i = 0; i < s.n && !quote; i++)
		quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\r' || s.p[i] == '\n';
	if (quote)
		out_str(o, "\"");
	if (formula)
		out_str(o, "'");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			out_str(o, "\"");
		out_add(o, s.p + i, 1);
	}
	if (quote)
		out_str(o, "\"");
}

void rows_csv(struct out *o, const struct rows_col *cols, size_t n, const json_t *rows)
{
	size_t i;
	json_t *row;

	for (size_t c = 0; c < n; c++) {
		out_str(o, c ? "," : "");
		csv_text(o, bytes_of_str(cols[c].field));
	}
	out_str(o, "\r\n");
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < n; c++) {
			const json_t *v = json_object_get(row, cols[c].field);
			char buf[32];
			out_str(o, c ? "," : "");
			if (json_is_string(v))
				csv_text(o, text_of(v));
			else /* numbers and n/a are never formulas */
				out_add(o, plain(v, cols[c].type, buf).p, plain(v, cols[c].type, buf).n);
		}
		out_str(o, "\r\n");
	}
}

static int dump(const char *p, size_t n, void *data)
{
	out_add(data, p, n);
	return 0;
}

void json_out(struct out *o, const json_t *j)
{
	json_dump_callback(j, dump, o, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	out_str(o, "\n");
}
