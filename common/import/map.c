#include "common/import/map.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/conf/conf.h"
#include "common/conf/conf_ini.h"
#include "common/import/dates.h"

struct reader {
	struct map *m;
	uint16_t table; /* of the section, MAP_NONE */
	struct map_step *step;
	bool in_dates;
	unsigned line;
	unsigned long given; /* keys of [map]: bits */
};

static as_err wrong(struct as_errmsg *em, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static as_err wrong(struct as_errmsg *em, const char *fmt, ...)
{
	char text[sizeof em->text];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	as_errmsg_set(em, "%s", text);
	return AS_EPROTO;
}

/* ---- texts ------------------------------------------------------------------------------------------------ */

static struct bytes trim(struct bytes s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = bytes_of(s.p + 1, s.n - 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* Takes what stands before the next c outside of quotation marks, trimmed; false: nothing is left. */
static bool take_part(struct bytes *s, char c, struct bytes *ret)
{
	bool quoted = false;

	if (s->p == NULL)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		quoted = quoted != (s->p[i] == '"');
		if (s->p[i] == (uint8_t)c && !quoted) {
			*ret = trim(bytes_of(s->p, i));
			*s = bytes_of(s->p + i + 1, s->n - i - 1);
			return true;
		}
	}
	*ret = trim(*s);
	*s = (struct bytes){0};
	return true;
}

static const char *keep(struct map *m, struct bytes s, struct as_errmsg *em)
{
	char *to = m->text + m->text_n;

	if (s.n + 1 > sizeof m->text - m->text_n) {
		wrong(em, "the map is too long");
		return NULL;
	}
	memcpy(to, s.p, s.n);
	to[s.n] = 0;
	m->text_n += s.n + 1;
	return to;
}

static bool is_word(struct bytes s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
			return false;
	return s.n >= 1 && s.n <= MAP_NAME_MAX;
}

static void copy_word(char *to, struct bytes s)
{
	memcpy(to, s.p, s.n);
	to[s.n] = 0;
}

/* ---- columns, tables, values -------------------------------------------------------------------------------- */

static as_err column(struct reader *r, struct bytes name, uint16_t *ret, struct as_errmsg *em)
{
	struct map *m = r->m;

	if (name.n == 0)
		return wrong(em, "the name of a column is missing");
	for (uint16_t i = 0; i < m->columns_n; i++)
		if (bytes_equal(name, bytes_of_str(m->columns[i].name))) {
			*ret = i;
			return AS_OK;
		}
	if (m->columns_n == MAP_COLUMNS_MAX)
		return wrong(em, "over %d columns", MAP_COLUMNS_MAX);
	struct map_column *c = &m->columns[m->columns_n];
	*c = (struct map_column){.name = keep(m, name, em), .line = r->line};
	if (c->name == NULL)
		return AS_EPROTO;
	*ret = m->columns_n++;
	return AS_OK;
}

static as_err used_column(struct reader *r, struct bytes name, uint16_t *ret, struct as_errmsg *em)
{
	as_err err = column(r, name, ret, em);

	if (!err)
		r->m->columns[*ret].used = true;
	return err;
}

static as_err table(struct reader *r, struct bytes name, uint16_t *ret, struct as_errmsg *em)
{
	struct map *m = r->m;

	if (!is_word(name))
		return wrong(em, "the name of a value table is made of a-z, 0-9 and -");
	for (uint16_t i = 0; i < m->tables_n; i++)
		if (bytes_equal(name, bytes_of_str(m->tables[i].name))) {
			*ret = i;
			return AS_OK;
		}
	if (m->tables_n == MAP_TABLES_MAX)
		return wrong(em, "over %d value tables", MAP_TABLES_MAX);
	struct map_table *t = &m->tables[m->tables_n];
	*t = (struct map_table){.line = r->line};
	copy_word(t->name, name);
	*ret = m->tables_n++;
	return AS_OK;
}

static bool begins(struct bytes *s, const char *word)
{
	size_t n = strlen(word);

	if (s->n < n || memcmp(s->p, word, n) != 0)
		return false;
	*s = trim(bytes_of(s->p + n, s->n - n));
	return true;
}

static as_err parse_op(struct reader *r, struct bytes s, struct map_expr *e, struct as_errmsg *em)
{
	struct map_op *op = &e->ops[e->ops_n];
	uint64_t n;

	if (e->ops_n == MAP_OPS_MAX)
		return wrong(em, "over %d parts behind |", MAP_OPS_MAX);
	e->ops_n++;
	if (begins(&s, "or ")) {
		op->op = MAP_OR;
		return (op->text = keep(r->m, s, em)) ? AS_OK : AS_EPROTO;
	}
	if (begins(&s, "cut ")) {
		op->op = MAP_CUT;
		if (!text_decimal(s, 8192, &n) || n == 0)
			return wrong(em, "cut N: a number of bytes from 1 to 8192");
		op->n = (uint16_t)n;
		return AS_OK;
	}
	if (begins(&s, "values ")) {
		op->op = MAP_VALUES;
		return table(r, s, &op->n, em);
	}
	return wrong(em, "behind | stands: or TEXT, cut BYTES, or values TABLE");
}

/* COLUMN or "constant", joined by +, then | or TEXT | values TABLE | cut N */
static as_err parse_expr(struct reader *r, struct bytes s, struct map_expr *e, struct as_errmsg *em)
{
	struct bytes terms, part;
	as_err err = AS_OK;

	*e = (struct map_expr){0};
	take_part(&s, '|', &terms);
	while (!err && take_part(&terms, '+', &part)) {
		if (e->terms_n == MAP_TERMS_MAX)
			return wrong(em, "over %d parts joined by +", MAP_TERMS_MAX);
		bool constant = part.n >= 2 && part.p[0] == '"' && part.p[part.n - 1] == '"';
		if (constant)
			err = (e->terms[e->terms_n].constant = keep(r->m, bytes_of(part.p + 1, part.n - 2), em)) ? AS_OK
													   : AS_EPROTO;
		else
			err = used_column(r, part, &e->terms[e->terms_n].column, em);
		e->terms_n++;
	}
	while (!err && take_part(&s, '|', &part))
		err = parse_op(r, part, e, em);
	return err;
}

/* ---- [map] -------------------------------------------------------------------------------------------------- */

static as_err take_name(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	if (!is_word(v))
		return wrong(em, "the name of a map is made of a-z, 0-9 and -, at most %d", MAP_NAME_MAX);
	copy_word(r->m->name, v);
	return AS_OK;
}

static as_err take_title(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	(void)r;
	(void)v;
	(void)em;
	return AS_OK; /* for people who read the file */
}

static as_err one_of(struct bytes v, const char *const *words, size_t n, size_t *ret, struct as_errmsg *em)
{
	char list[80] = "";
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (bytes_equal(v, bytes_of_str(words[i]))) {
			*ret = i;
			return AS_OK;
		}
		at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", words[i]);
	}
	return wrong(em, "one of %s", list);
}

static as_err take_encoding(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	static const char *const words[] = {"utf-8", "latin1"};
	size_t i;
	as_err err = one_of(v, words, AS_COUNT(words), &i, em);

	if (!err)
		r->m->encoding = (enum map_encoding)i;
	return err;
}

static as_err take_delimiter(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	static const char *const words[] = {"comma", "semicolon", "tab", "pipe"};
	static const char chars[] = {',', ';', '\t', '|'};
	size_t i;
	as_err err = one_of(v, words, AS_COUNT(words), &i, em);

	if (!err)
		r->m->delimiter = chars[i];
	return err;
}

static as_err take_header(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	static const char *const words[] = {"no", "yes"};
	size_t i;
	as_err err = one_of(v, words, AS_COUNT(words), &i, em);

	if (!err)
		r->m->header = i != 0;
	return err;
}

static as_err take_columns(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	struct map *m = r->m;
	struct bytes name;
	uint16_t c;
	as_err err;

	while (take_part(&v, ',', &name)) {
		if ((err = column(r, name, &c, em)))
			return err;
		for (size_t i = 0; i < m->given_n; i++)
			if (m->given[i] == c)
				return wrong(em, "the column %.60s is there twice", m->columns[c].name);
		m->given[m->given_n++] = c;
	}
	return AS_OK;
}

static as_err take_zone(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	static struct tz tz; /* only to see that it is one; large */
	struct as_errmsg why = {0};

	if (bytes_equal(v, bytes_of_str("branch")))
		return AS_OK;
	if (!tz_name_valid(v) || v.n > TZ_NAME_MAX)
		return wrong(em, "`branch`, or the name of a time zone as America/New_York");
	copy_word(r->m->zone, v);
	as_err err = tz_load(r->m->zone, &tz, &why);
	return err ? wrong(em, "%.200s", why.text[0] ? why.text : as_err_text(err)) : AS_OK;
}

static as_err take_key(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	as_err err = used_column(r, v, &r->m->key, em);

	if (!err)
		r->m->columns[r->m->key].required = true;
	return err;
}

static as_err take_case(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	return parse_expr(r, v, &r->m->label, em);
}

static as_err take_required(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	struct bytes name;
	uint16_t c;
	as_err err;

	while (take_part(&v, ',', &name)) {
		if ((err = used_column(r, name, &c, em)))
			return err;
		r->m->columns[c].required = true;
	}
	return AS_OK;
}

static const struct map_key {
	const char *name;
	as_err (*take)(struct reader *r, struct bytes v, struct as_errmsg *em);
} map_keys[] = {
    {"name", take_name},	   {"title", take_title},     {"encoding", take_encoding},
    {"delimiter", take_delimiter}, {"header", take_header},   {"columns", take_columns},
    {"time-zone", take_zone},	   {"key", take_key},	      {"case", take_case},
    {"required", take_required},
};

static as_err take_map_key(struct reader *r, const char *name, struct bytes v, struct as_errmsg *em)
{
	for (size_t i = 0; i < AS_COUNT(map_keys); i++) {
		if (strcmp(map_keys[i].name, name) != 0)
			continue;
		if (r->given >> i & 1)
			return wrong(em, "given for the second time");
		r->given |= 1ul << i;
		return map_keys[i].take(r, v, em);
	}
	return wrong(em, "no such key");
}

/* ---- [dates], [values …], [step …] ----------------------------------------------------------------------------- */

static as_err take_date(struct reader *r, struct bytes name, struct bytes v, struct as_errmsg *em)
{
	struct map_column *c;
	struct bytes form;
	uint16_t i;
	as_err err = column(r, name, &i, em);

	if (err)
		return err;
	c = &r->m->columns[i];
	if (c->forms_n)
		return wrong(em, "given for the second time");
	c->line = r->line;
	while (take_part(&v, '|', &form)) {
		const char *text = keep(r->m, form, em), *what;
		if (text == NULL)
			return AS_EPROTO;
		if ((what = date_form_wrong(text)) != NULL)
			return wrong(em, "%s", what);
		if (c->forms_n == MAP_FORMS_MAX)
			return wrong(em, "over %d forms", MAP_FORMS_MAX);
		if (c->forms_n && date_form_has_time(text) != date_form_has_time(c->forms[0]))
			return wrong(em, "all forms of a column have a time of day, or none has");
		c->forms[c->forms_n++] = text;
	}
	return AS_OK;
}

static as_err take_value(struct reader *r, struct bytes from, struct bytes to, struct as_errmsg *em)
{
	struct map *m = r->m;
	struct map_value *v = &m->values[m->values_n];

	for (size_t i = 0; i < m->values_n; i++)
		if (m->values[i].table == r->table && bytes_equal(from, bytes_of_str(m->values[i].from)))
			return wrong(em, "given for the second time");
	if (m->values_n == MAP_VALUES_MAX)
		return wrong(em, "over %d rows of value tables", MAP_VALUES_MAX);
	*v = (struct map_value){.table = r->table, .line = r->line};
	m->values_n++;
	if ((v->from = keep(m, from, em)) == NULL)
		return AS_EPROTO;
	if (to.n >= 2 && memcmp(to.p, "->", 2) == 0)
		return parse_expr(r, trim(bytes_of(to.p + 2, to.n - 2)), &v->expr, em);
	return (v->to = keep(m, to, em)) ? AS_OK : AS_EPROTO;
}

static bool clock_parse(struct bytes s, int32_t *ret_s)
{
	if (s.n != 5 || s.p[2] != ':')
		return false;
	for (size_t i = 0; i < 5; i++)
		if (i != 2 && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	int h = (s.p[0] - '0') * 10 + s.p[1] - '0', min = (s.p[3] - '0') * 10 + s.p[4] - '0';
	*ret_s = h * 3600 + min * 60;
	return h < 24 && min < 60;
}

/* COLUMN, or COLUMN at hh:mm */
static as_err take_time(struct reader *r, struct bytes v, struct as_errmsg *em)
{
	struct map_step *s = r->step;

	s->clock_s = -1;
	if (v.n > 9 && memcmp(v.p + v.n - 9, " at ", 4) == 0) {
		if (!clock_parse(bytes_of(v.p + v.n - 5, 5), &s->clock_s))
			return wrong(em, "a time of day is hh:mm");
		v = trim(bytes_of(v.p, v.n - 9));
	}
	return used_column(r, v, &s->column, em);
}

static as_err take_field(struct reader *r, const char *name, struct bytes v, struct as_errmsg *em)
{
	struct map_step *s = r->step;
	bool personal = strncmp(name, "personal.", 9) == 0;
	const char *field = personal ? name + 9 : name + 6;
	struct map_field *f = &s->fields[s->fields_n];

	if (!personal && strncmp(name, "facts.", 6) != 0)
		return wrong(em, "no such key: a step has kind, time, facts.FIELD and personal.FIELD");
	if (s->kind == NULL)
		return wrong(em, "the kind comes first");
	int i = kind_field_index(s->kind, bytes_of_str(field));
	if (i < 0 || ((s->kind->fields[i].flags & FF_PERSONAL) != 0) != personal)
		return wrong(em, "%s has no such field%s", s->kind->name,
			     i < 0 ? "" : personal ? " in personal: it is in facts" : " in facts: it is in personal");
	uint8_t type = s->kind->fields[i].type;
	if (type == FT_ROWS || type == FT_BLOB || type == FT_BYTES)
		return wrong(em, "such a field cannot be imported");
	for (size_t k = 0; k < s->fields_n; k++)
		if (s->fields[k].index == i)
			return wrong(em, "given for the second time");
	if (s->fields_n == MAP_FIELDS_MAX)
		return wrong(em, "over %d fields", MAP_FIELDS_MAX);
	*f = (struct map_field){.index = (uint8_t)i, .personal = personal, .line = r->line};
	s->fields_n++;
	return parse_expr(r, v, &f->expr, em);
}

static as_err take_step_key(struct reader *r, const char *name, struct bytes v, struct as_errmsg *em)
{
	struct map_step *s = r->step;

	if (strcmp(name, "kind") == 0) {
		if (s->kind)
			return wrong(em, "given for the second time");
		s->kind = kind_of_name(v);
		if (s->kind == NULL || (s->kind->flags & (KF_SYSTEM | KF_HQ)) || s->kind->case_type == CASE_NONE)
			return wrong(em, "no kind that can be imported; docs/domain.md lists them");
		if (s->kind->flags & KF_APPROVER)
			return wrong(em, "%s needs an approver: it cannot be imported", s->kind->name);
		return AS_OK;
	}
	if (strcmp(name, "time") == 0)
		return s->column != MAP_NONE ? wrong(em, "given for the second time") : take_time(r, v, em);
	return take_field(r, name, v, em);
}

static as_err on_key(void *arg, const struct conf_ini_key *k, struct as_errmsg *em)
{
	struct reader *r = arg;
	struct bytes v = trim(bytes_of_str(k->value));
	as_err err;

	r->line = k->line;
	if (r->in_dates)
		err = take_date(r, bytes_of_str(k->name), v, em);
	else if (r->table != MAP_NONE)
		err = take_value(r, bytes_of_str(k->name), v, em);
	else
		err = v.n == 0	? wrong(em, "has no value")
		      : r->step ? take_step_key(r, k->name, v, em)
				: take_map_key(r, k->name, v, em);
	if (err)
		as_errmsg_prefix(em, "%.50s.%.60s", k->section, k->name);
	return err;
}

static as_err begin_step(struct reader *r, struct bytes name, struct as_errmsg *em)
{
	struct map *m = r->m;

	if (!is_word(name))
		return wrong(em, "[step NAME]: the name is made of a-z, 0-9 and -, at most %d", MAP_NAME_MAX);
	for (size_t i = 0; i < m->steps_n; i++)
		if (bytes_equal(name, bytes_of_str(m->steps[i].name)))
			return wrong(em, "the step %s is there twice", m->steps[i].name);
	if (m->steps_n == MAP_STEPS_MAX)
		return wrong(em, "over %d steps", MAP_STEPS_MAX);
	r->step = &m->steps[m->steps_n++];
	*r->step = (struct map_step){.column = MAP_NONE, .clock_s = -1, .line = r->line};
	copy_word(r->step->name, name);
	return AS_OK;
}

static as_err on_section(void *arg, unsigned line, const char *section, struct as_errmsg *em)
{
	struct reader *r = arg;
	struct bytes s = bytes_of_str(section);
	as_err err;

	r->line = line;
	r->step = NULL;
	r->table = MAP_NONE;
	r->in_dates = strcmp(section, "dates") == 0;
	if (r->in_dates || strcmp(section, "map") == 0)
		return AS_OK;
	if (begins(&s, "step "))
		return begin_step(r, s, em);
	if (!begins(&s, "values "))
		return wrong(em, "no such section: [map], [dates], [values NAME] and [step NAME] are known");
	if ((err = table(r, s, &r->table, em)))
		return err;
	if (r->m->tables[r->table].there)
		return wrong(em, "the value table %s is there twice", r->m->tables[r->table].name);
	r->m->tables[r->table].there = true;
	return AS_OK;
}

/* ---- what only the whole map shows ----------------------------------------------------------------------------- */

const struct map_value *map_lookup(const struct map *m, uint16_t t, struct bytes from)
{
	const struct map_value *other = NULL;

	for (size_t i = 0; i < m->values_n; i++) {
		const struct map_value *v = &m->values[i];
		if (v->table != t)
			continue;
		if (strcmp(v->from, "*") == 0)
			other = v;
		else if (bytes_equal(from, bytes_of_str(v->from)))
			return v;
	}
	return other;
}

const struct map_column *map_column_of(const struct map *m, const struct map_expr *e)
{
	for (size_t i = 0; i < e->terms_n; i++)
		if (e->terms[i].constant == NULL)
			return &m->columns[e->terms[i].column];
	return NULL;
}

struct checker {
	const struct map *m;
	const char *file;
	struct as_errmsg *em;
};

static as_err at_line(struct checker *c, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static as_err at_line(struct checker *c, unsigned line, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	as_errmsg_set(c->em, "%s:%u: %s", c->file, line, text);
	return AS_EPROTO;
}

static as_err check_expr(struct checker *c, const struct field_def *f, const struct map_expr *e, unsigned line, int depth);

static as_err check_text(struct checker *c, const struct field_def *f, const char *text, unsigned line)
{
	if (f && f->type == FT_CODE && *text && code_of_name(f->codes, bytes_of_str(text)) == NULL)
		return at_line(c, line, "%s: %.60s is none of its codes; docs/domain.md lists them", f->name, text);
	return AS_OK;
}

static as_err check_table(struct checker *c, const struct field_def *f, uint16_t t, int depth)
{
	as_err err = AS_OK;

	if (!c->m->tables[t].there)
		return at_line(c, c->m->tables[t].line, "there is no [values %s]", c->m->tables[t].name);
	for (size_t i = 0; i < c->m->values_n && !err; i++) {
		const struct map_value *v = &c->m->values[i];
		if (v->table == t)
			err = v->to ? check_text(c, f, v->to, v->line) : check_expr(c, f, &v->expr, v->line, depth + 1);
	}
	return err;
}

static as_err check_expr(struct checker *c, const struct field_def *f, const struct map_expr *e, unsigned line, int depth)
{
	bool looked_up = false;
	as_err err = AS_OK;

	if (depth > 4)
		return at_line(c, line, "value tables lead to each other more than four times");
	for (size_t i = 0; i < e->ops_n && !err; i++) {
		if (e->ops[i].op == MAP_VALUES) {
			/* only the last table makes what goes into the field */
			bool last = true;
			for (size_t k = i + 1; k < e->ops_n; k++)
				last = last && e->ops[k].op != MAP_VALUES;
			err = check_table(c, last ? f : NULL, e->ops[i].n, depth);
			looked_up = true;
		}
	}
	for (size_t i = 0; i < e->ops_n && !err; i++) {
		bool before = false;
		for (size_t k = i + 1; k < e->ops_n; k++)
			before = before || e->ops[k].op == MAP_VALUES;
		if (e->ops[i].op == MAP_OR && !before)
			err = check_text(c, f, e->ops[i].text, line);
	}
	if (!err && !looked_up && e->terms_n == 1 && e->terms[0].constant)
		err = check_text(c, f, e->terms[0].constant, line);
	return err;
}

static as_err check_field(struct checker *c, const struct map_step *s, const struct map_field *f)
{
	const struct field_def *def = &s->kind->fields[f->index];
	const struct map_column *col = map_column_of(c->m, &f->expr);

	if (def->type == FT_DATE || def->type == FT_TIME) {
		if (col == NULL || f->expr.terms_n != 1 || f->expr.ops_n)
			return at_line(c, f->line, "%s: a date or time is one column and nothing else", def->name);
		if (col->forms_n == 0 || (def->type == FT_TIME) != date_form_has_time(col->forms[0]))
			return at_line(c, f->line, "%s: the column %.60s has no form %s under [dates]", def->name, col->name,
				       def->type == FT_TIME ? "with a time of day" : "of a date");
	}
	return check_expr(c, def, &f->expr, f->line, 0);
}

static as_err check_required(struct checker *c, const struct map_step *s)
{
	for (unsigned i = 0; i < s->kind->fields_n; i++) {
		const struct field_def *f = &s->kind->fields[i];
		bool there = !(f->flags & FF_REQUIRED) || (f->flags & FF_SYSTEM);
		for (size_t k = 0; k < s->fields_n && !there; k++)
			there = s->fields[k].index == i;
		if (!there)
			return at_line(c, s->line, "step %s: %s.%s is needed", s->name,
				       f->flags & FF_PERSONAL ? "personal" : "facts", f->name);
	}
	return AS_OK;
}

static as_err check_step(struct checker *c, size_t i)
{
	const struct map_step *s = &c->m->steps[i];
	as_err err = AS_OK;

	if (s->kind == NULL)
		return at_line(c, s->line, "step %s: it has no kind", s->name);
	if (s->column == MAP_NONE)
		return at_line(c, s->line, "step %s: it has no time", s->name);
	if (((s->kind->flags & KF_OPENS) != 0) != (i == 0))
		return at_line(c, s->line, "step %s: the first step opens a case, and no other does", s->name);
	if (s->kind->case_type != c->m->steps[0].kind->case_type)
		return at_line(c, s->line, "step %s: all steps belong to one type of case", s->name);
	const struct map_column *col = &c->m->columns[s->column];
	if (col->forms_n == 0)
		return at_line(c, s->line, "step %s: the column %.60s has no form under [dates]", s->name, col->name);
	if (date_form_has_time(col->forms[0]) != (s->clock_s < 0))
		return at_line(c, s->line,
			       s->clock_s < 0 ? "step %s: %.60s has no time of day: write `at 12:00` behind it"
					      : "step %s: %.60s has a time of day already",
			       s->name, col->name);
	if (i == 0 && !col->required)
		return at_line(c, s->line, "step %s: the column %.60s must be one of `required`", s->name, col->name);
	for (size_t k = 0; k < s->fields_n && !err; k++)
		err = check_field(c, s, &s->fields[k]);
	return err ? err : check_required(c, s);
}

static as_err check(struct checker *c)
{
	const struct map *m = c->m;
	as_err err = AS_OK;

	if (m->name[0] == 0 || m->key == MAP_NONE || m->steps_n == 0) {
		as_errmsg_set(c->em, "%s: %s is missing", c->file,
			      m->name[0] == 0	   ? "map.name"
			      : m->key == MAP_NONE ? "map.key"
						   : "a [step …]");
		return AS_EPROTO;
	}
	if (m->header == (m->given_n > 0)) {
		as_errmsg_set(c->em, "%s: map.columns names the columns of a file with `header = no`, and of no other", c->file);
		return AS_EPROTO;
	}
	for (uint16_t i = 0; i < m->columns_n && !err; i++) {
		bool there = m->header;
		for (size_t k = 0; k < m->given_n && !there; k++)
			there = m->given[k] == i;
		if (!there)
			err = at_line(c, m->columns[i].line, "%.60s is not one of map.columns", m->columns[i].name);
	}
	if (!err)
		err = check_expr(c, NULL, &m->label, 0, 0);
	for (size_t i = 0; i < m->steps_n && !err; i++)
		err = check_step(c, i);
	return err;
}

as_err map_parse(const char *file, struct bytes text, struct map *ret, struct as_errmsg *em)
{
	struct reader r = {.m = ret, .table = MAP_NONE};
	struct checker c = {.m = ret, .file = file};
	struct as_errmsg why = {0};

	memset(ret, 0, sizeof *ret);
	ret->delimiter = ',';
	ret->header = true;
	ret->key = MAP_NONE;
	c.em = &why;
	as_err err = conf_ini_each(file, text, on_section, on_key, &r, &why);
	if (!err && ret->label.terms_n == 0) /* the case is called as the row */
		ret->label = (struct map_expr){.terms = {{.column = ret->key}}, .terms_n = 1};
	if (!err)
		err = check(&c);
	if (err && em)
		*em = why;
	return err;
}

as_err map_load(const char *name, struct map *ret, struct as_errmsg *em)
{
	static uint8_t text[CONF_FILE_MAX];
	char list[120] = "";
	size_t n = strlen(name), at = 0;

	for (size_t i = 0; i < map_builtins_n; i++) {
		if (strcmp(name, map_builtins[i].name) == 0)
			return map_parse(name, bytes_of(map_builtins[i].text, map_builtins[i].n), ret, em);
		int k = snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", map_builtins[i].name);
		at += k > 0 && (size_t)k < sizeof list - at ? (size_t)k : 0;
	}
	if (strchr(name, '/') == NULL && !(n > 4 && strcmp(name + n - 4, ".ini") == 0)) {
		as_errmsg_set(em, "no such map %.60s: there are %s; a file of your own ends in .ini", name, list);
		return AS_ENOTFOUND;
	}
	as_err err = conf_read_file(name, text, sizeof text, &n, em);
	return err ? err : map_parse(name, bytes_of(text, n), ret, em);
}
