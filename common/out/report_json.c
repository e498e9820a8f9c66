#include "common/out/report_json.h"

#include <stdio.h>

#include "common/base/cleanup.h"

#define COLS_MAX (1 + REPORT_BY_MAX + REPORT_COLS_MAX)

static json_t *text_json(struct bytes s)
{
	return json_stringn((const char *)s.p, s.n);
}

static json_t *value_json_of(enum report_type type, const struct report_value *v)
{
	if (type >= RT_TEXT)
		return text_json(v->text.n ? v->text : bytes_of_str(""));
	if (v->n == RATE_NA)
		return json_null();
	if (type == RT_PERCENT || type == RT_PER_1000)
		return json_real((double)v->n / 100);
	return json_integer(v->n);
}

static const char *by_name(const struct report *r, uint32_t i)
{
	return report_dims[r->q.by[i]].col.name;
}

static json_t *columns_json(const struct report *r)
{
	json_t *cols = json_array();

	json_array_append_new(cols, json_string("period"));
	for (uint32_t i = 0; i < r->q.by_n; i++)
		json_array_append_new(cols, json_string(by_name(r, i)));
	for (uint32_t i = 0; i < r->q.def->cols_n; i++)
		json_array_append_new(cols, json_string(r->q.def->cols[i].name));
	return cols;
}

static json_t *row_json(const struct report *r, const struct report_row *row)
{
	json_t *o = json_object();
	int bad = json_object_set_new(o, "period", json_string(row->period));

	for (uint32_t i = 0; i < r->q.by_n; i++)
		bad |= json_object_set_new(o, by_name(r, i), text_json(row->key[i]));
	for (uint32_t i = 0; i < r->q.def->cols_n; i++)
		bad |= json_object_set_new(o, r->q.def->cols[i].name,
					   value_json_of(r->q.def->cols[i].type, &row->v[i]));
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

#define NARROW "narrow it with --from and --to, fewer --by, or a longer --period"

static as_err take_rows(struct report *r, json_t *rows, struct as_errmsg *em)
{
	struct report_row row;

	while (report_next(r, &row)) {
		if (r->rows > REPORT_ROWS_MAX) {
			as_errmsg_set(em, "report %s: more than %d rows: " NARROW, r->q.def->name,
				      REPORT_ROWS_MAX);
			return AS_ETOOBIG;
		}
		if (json_array_append_new(rows, row_json(r, &row)))
			return AS_ENOMEM;
	}
	return r->err;
}

as_err report_json(struct report *r, as_err err, json_t *take_meta, json_t **ret_report, struct as_errmsg *em)
{
	AS_AUTO(json) json_t *meta = take_meta ? take_meta : json_object();
	AS_AUTO(json) json_t *rows = json_array();

	as_errmsg_set(em, "report %s: %s", r->q.def->name, as_err_text(err));
	if (!err)
		err = take_rows(r, rows, em);
	if (!err) {
		*ret_report = json_pack("{s:s, s:O, s:o, s:O}", "report", r->q.def->name, "meta", meta,
					"columns", columns_json(r), "rows", rows);
		err = *ret_report ? AS_OK : AS_ENOMEM;
	}
	if (err == AS_ENOMEM)
		as_errmsg_set(em, "report %s: more than fits into its memory: " NARROW, r->q.def->name);
	return err;
}

/* ---- showing ----------------------------------------------------------------------------- */

static uint8_t rows_type_of(const struct report_col *c)
{
	switch (c->type) {
	case RT_COUNT:
		return RO_COUNT;
	case RT_MINUTES:
		return RO_MINUTES;
	case RT_TEXT:
		return RO_TEXT;
	case RT_CODE:
		return RO_CODE;
	default:
		return RO_RATE;
	}
}

/* A column of a report that this program knows. */
static const struct report_col *col_of(const struct report_def *def, const char *name, bool *ret_key)
{
	enum report_dim dim;

	*ret_key = false;
	for (uint32_t i = 0; def && i < def->cols_n; i++)
		if (strcmp(def->cols[i].name, name) == 0)
			return &def->cols[i];
	if (def && report_dim_of_name(def, bytes_of_str(name), &dim)) {
		*ret_key = true;
		return &report_dims[dim].col;
	}
	return NULL;
}

#define KEY_LEAST 8

/* What a column that only a newer program knows holds, judged by the first row. */
static uint8_t guess(const json_t *rows, const char *name)
{
	const json_t *v = json_object_get(json_array_get(rows, 0), name);

	return json_is_string(v) ? RO_TEXT : json_is_integer(v) ? RO_COUNT : RO_RATE;
}

static size_t cols_of(const json_t *report, struct rows_col cols[COLS_MAX])
{
	const char *report_name = json_string_value(json_object_get(report, "report"));
	const struct report_def *def = report_name ? report_of_name(bytes_of_str(report_name)) : NULL;
	const json_t *names = json_object_get(report, "columns");
	const json_t *rows = json_object_get(report, "rows");
	size_t n = json_array_size(names);
	bool keys = true;

	if (!json_is_array(rows) || n == 0 || n > COLS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(names, i));
		struct rows_col *to = &cols[i];
		bool key;
		if (name == NULL)
			return 0;
		const struct report_col *c = col_of(def, name, &key);
		if (i == 0 && strcmp(name, "period") == 0) {
			*to = (struct rows_col){name, "period", "期间", RO_TEXT, TC_KEY, 0, NULL};
			continue;
		}
		if (c)
			*to = (struct rows_col){name, c->en, c->zh, rows_type_of(c), 0, 0, c->codes};
		else
			*to = (struct rows_col){name, name, name, guess(rows, name), 0, 0, NULL};
		/* keys lead; P-08's model and cause read as keys too */
		keys = keys && (key || strcmp(name, "model") == 0 || strcmp(name, "cause") == 0);
		to->flags = (uint8_t)((keys ? TC_KEY : 0) | (strcmp(name, "le_1h") == 0 ? TC_BREAK : 0));
		to->least = to->type == RO_TEXT || to->type == RO_CODE ? KEY_LEAST : 0;
	}
	return n;
}

as_err report_csv(struct out *o, const json_t *report)
{
	struct rows_col cols[COLS_MAX];
	size_t n = cols_of(report, cols);

	if (n == 0)
		return AS_EPROTO;
	rows_csv(o, cols, n, json_object_get(report, "rows"));
	return AS_OK;
}

static void add(struct buf *b, const char *text, bool *bad)
{
	*bad |= buf_add(b, text, strlen(text)) != AS_OK;
}

#define META_TEXT_MAX 48

/* What a value of the meta says; of an object "name value" pairs in brackets; of a hash its beginning. */
static void meta_value(struct buf *b, const json_t *v, bool *bad)
{
	char text[META_TEXT_MAX + 16];
	const char *k;
	json_t *sub;
	bool first = true;

	if (json_is_object(v)) {
		add(b, "(", bad);
		json_object_foreach((json_t *)(uintptr_t)v, k, sub)
		{
			if (json_is_null(sub))
				continue;
			snprintf(text, sizeof text, "%s%.*s ", first ? "" : ", ", META_TEXT_MAX, k);
			for (char *p = text; *p; p++)
				if (*p == '_')
					*p = ' ';
			add(b, text, bad);
			meta_value(b, sub, bad);
			first = false;
		}
		add(b, ")", bad);
		return;
	}
	if (json_is_string(v))
		snprintf(text, sizeof text, json_string_length(v) > META_TEXT_MAX ? "%.16s…" : "%s",
			 json_string_value(v));
	else if (json_is_number(v))
		snprintf(text, sizeof text, "%.15g", json_number_value(v));
	else
		snprintf(text, sizeof text, "%s", json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "-");
	add(b, text, bad);
}

/* The foot line: what the figures cover. */
static as_err foot(struct out *o, const json_t *report, const struct rows_opts *opts)
{
	static const struct {
		const char *field, *en, *zh;
	} parts[] = {{"from", "from", "自"},
		     {"to", "to", "至"},
		     {"branches", "branches", "网点数"},
		     {"completeness", "completeness", "完整性"},
		     {"as_of", "as of", "截至"},
		     {"generated_at", "made", "生成于"},
		     {"policy", "policy", "政策版本"},
		     {"cut", "cut", "切面"}};
	const json_t *meta = json_object_get(report, "meta");
	AS_AUTO(buf) struct buf b = {0};
	bool bad = false;
	size_t listed = 0;

	if (json_object_size(meta) == 0)
		return AS_OK;
	buf_init(&b, 4096);
	if (json_is_true(json_object_get(meta, "provisional"))) {
		const char *word = opts->zh ? "暂定 PROVISIONAL" : "PROVISIONAL";
		bad |= buf_add(&b, word, strlen(word)) != AS_OK;
		listed++;
	}
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const json_t *v = json_object_get(meta, parts[i].field);
		const char *word = opts->zh ? parts[i].zh : parts[i].en;
		if (v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
			continue;
		bad |= listed++ && buf_add(&b, ", ", 2) != AS_OK;
		bad |= buf_add(&b, word, strlen(word)) != AS_OK;
		bad |= buf_add(&b, " ", 1) != AS_OK;
		meta_value(&b, v, &bad);
	}
	if (b.n)
		table_wrap(o, buf_bytes(&b), opts->width - 2, 2);
	return bad ? AS_ENOMEM : AS_OK;
}

as_err report_table(struct out *o, const json_t *report, const struct rows_opts *opts)
{
	struct rows_col cols[COLS_MAX];
	size_t n = cols_of(report, cols);
	const char *name = json_string_value(json_object_get(report, "report"));
	const struct report_def *def = name ? report_of_name(bytes_of_str(name)) : NULL;

	if (n == 0)
		return AS_EPROTO;
	if (def)
		out_fmt(o, "%s  %s\n\n", def->number, opts->zh ? def->zh : def->en);
	if (json_array_size(json_object_get(report, "rows")) == 0) {
		out_str(o, opts->zh ? "此期间无数据。\n" : "Nothing was counted in this range.\n");
	} else {
		as_err err = rows_table(o, cols, n, json_object_get(report, "rows"), opts);
		if (err)
			return err;
	}
	out_str(o, "\n");
	return foot(o, report, opts);
}

/* ---- the list ---------------------------------------------------------------------------- */

const struct rows_col report_list_cols[] = {
    {"report", "report", "报表", RO_TEXT, TC_REPEAT, 0, NULL},
    {"number", "no.", "编号", RO_TEXT, 0, 0, NULL},
    {"title", "title", "title", RO_TEXT, 0, 12, NULL},
    {"title_zh", "标题", "标题", RO_TEXT, 0, 0, NULL},
};
const size_t report_list_cols_n = sizeof report_list_cols / sizeof report_list_cols[0];

json_t *report_list_json(void)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < REPORTS; i++) {
		const struct report_def *d = &report_defs[i];
		json_t *by = json_array(), *cols = json_array();
		for (unsigned k = 0; k < REPORT_DIMS; k++)
			if (d->dims & 1u << k)
				json_array_append_new(by, json_string(report_dims[k].col.name));
		for (uint32_t k = 0; k < d->cols_n; k++)
			json_array_append_new(cols, json_string(d->cols[k].name));
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "report", d->name,
						      "number", d->number, "title", d->en, "title_zh", d->zh,
						      "by", by, "columns", cols));
	}
	return list;
}
