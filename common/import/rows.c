#include "common/import/rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/base/text.h"
#include "common/crypto/hash.h"
#include "common/import/dates.h"
#include "common/intake/forms.h"
#include "common/intake/value.h"

#define ARENA_BYTES (4 * 1024 * 1024)
#define COLUMN_NAME_MAX 60

struct rows {
	struct rows_conf conf;
	struct tz zone;
	uint8_t *memory;
	struct arena arena; /* of one row */
	struct intake *in;
	struct seen keys, labels;
	bool own_labels; /* the label is another text than the key */
	/* of the file */
	uint16_t at[MAP_COLUMNS_MAX]; /* column of the map → of the file */
	char name[CSV_FIELDS_MAX][COLUMN_NAME_MAX + 1];
	size_t names_n;
	/* of the row */
	const struct csv_record *record;
	struct rows_made *made;
	uint8_t first_id[16];
};

/* ---- life -------------------------------------------------------------------------------------------------- */

as_err rows_new(struct rows **ret_r, const struct rows_conf *conf, struct as_errmsg *em)
{
	struct rows *r = calloc(1, sizeof *r);
	const struct map *m = conf->map;
	as_err err = AS_OK;

	if (r == NULL)
		return AS_ENOMEM;
	r->conf = *conf;
	r->memory = malloc(ARENA_BYTES);
	r->in = malloc(sizeof *r->in);
	if (r->memory == NULL || r->in == NULL)
		err = AS_ENOMEM;
	else if (m->zone[0])
		err = tz_load(m->zone, &r->zone, em);
	else
		r->zone = *conf->branch_zone;
	const struct map_expr *l = &m->label;
	r->own_labels = l->terms_n != 1 || l->ops_n || l->terms[0].constant || l->terms[0].column != m->key;
	if (err) {
		rows_free(r);
		return err;
	}
	*ret_r = r;
	return AS_OK;
}

void rows_free(struct rows *r)
{
	if (r == NULL)
		return;
	if (r->memory)
		explicit_bzero(r->memory, ARENA_BYTES);
	if (r->in)
		explicit_bzero(r->in, sizeof *r->in);
	free(r->memory);
	free(r->in);
	seen_done(&r->keys);
	seen_done(&r->labels);
	free(r);
}

void rows_clear(struct rows_made *made)
{
	for (size_t i = 0; i < made->n; i++)
		json_decref(made->event[i]);
	*made = (struct rows_made){0};
}

void rows_event_id(const uint8_t org[16], const char *branch, const char *map, struct bytes key, const char *step,
		   uint8_t ret_id[16])
{
	const struct bytes texts[4] = {bytes_of_str(branch), bytes_of_str(map), key, bytes_of_str(step)};
	uint8_t length[4][4];
	struct bytes parts[8];

	for (size_t i = 0; i < 4; i++) {
		put_be32(length[i], (uint32_t)texts[i].n);
		parts[2 * i] = bytes_of(length[i], 4);
		parts[2 * i + 1] = texts[i];
	}
	as_blake2b(ret_id, 16, bytes_of(org, 16), parts, AS_COUNT(parts));
	ret_id[6] = (uint8_t)(0x80 | (ret_id[6] & 0x0f)); /* version 8, RFC 9562 section 5.8 */
	ret_id[8] = (uint8_t)(0x80 | (ret_id[8] & 0x3f));
}

/* ---- what is wrong ----------------------------------------------------------------------------------------- */

static as_err refuse(struct rows *r, const char *column, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static as_err refuse(struct rows *r, const char *column, const char *fmt, ...)
{
	struct rows_made *made = r->made;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(made->text, sizeof made->text, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof made->text)
		made->text[text_utf8_cut(bytes_of(made->text, sizeof made->text - 1), sizeof made->text - 1)] = 0;
	snprintf(made->column, sizeof made->column, "%s", column);
	made->wrong = made->text;
	return AS_EREFUSED;
}

const char *rows_column(const struct rows *r, size_t i)
{
	return i < r->names_n ? r->name[i] : "";
}

size_t rows_columns(const struct rows *r)
{
	return r->names_n;
}

/* ---- the header -------------------------------------------------------------------------------------------- */

/* Where a name stands in the file: its first place; *ret_more: there are others. */
static uint16_t place_of(const struct rows *r, const char *name, bool *ret_more)
{
	uint16_t found = MAP_NONE;

	*ret_more = false;
	for (size_t i = 0; i < r->names_n; i++)
		if (strcmp(r->name[i], name) == 0) {
			*ret_more = found != MAP_NONE;
			found = found == MAP_NONE ? (uint16_t)i : found;
		}
	return found;
}

static as_err find_column(struct rows *r, const char *name, const char *who, uint16_t *ret)
{
	bool more;

	*ret = place_of(r, name, &more);
	if (*ret == MAP_NONE)
		return refuse(r, name, "there is no such column, and %s asks for it", who);
	if (more)
		return refuse(r, name, "two columns have this name");
	return AS_OK;
}

bool rows_header(struct rows *r, const struct csv_record *record, struct rows_made *made)
{
	const struct map *m = r->conf.map;
	as_err err = AS_OK;

	*made = (struct rows_made){0};
	r->made = made;
	r->names_n = record ? record->n : m->given_n;
	if (record && record->wrong)
		err = refuse(r, "", "%s", record->wrong);
	for (size_t i = 0; i < r->names_n && !err; i++) {
		if (record && record->field[i].n && memchr(record->field[i].p, 0, record->field[i].n))
			err = refuse(r, "", "the header holds a NUL byte: is the file UTF-16, or damaged?");
		struct bytes name = record ? record->field[i] : bytes_of_str(m->columns[m->given[i]].name);
		if (!text_utf8_valid(name))
			name.n = 0; /* not one that a map could name */
		size_t n = text_utf8_cut(name, COLUMN_NAME_MAX);
		if (n)
			memcpy(r->name[i], name.p, n);
		r->name[i][n] = 0;
	}
	for (uint16_t i = 0; i < m->columns_n && !err; i++) {
		r->at[i] = MAP_NONE;
		if (m->columns[i].used)
			err = find_column(r, m->columns[i].name, "the map", &r->at[i]);
	}
	for (size_t i = 0; i < r->conf.where_n && !err; i++)
		err = find_column(r, r->conf.where[i].column, r->conf.where[i].is_not ? "--where-not" : "--where",
				  &r->conf.where[i].at);
	return err == AS_OK;
}

/* ---- which rows -------------------------------------------------------------------------------------------- */

static bool selected(const struct rows *r, const struct csv_record *record)
{
	const struct rows_where *w = r->conf.where;

	for (size_t i = 0; i < r->conf.where_n; i++) {
		bool any = false;
		if (w[i].is_not) {
			if (bytes_equal(record->field[w[i].at], w[i].value))
				return false;
			continue;
		}
		for (size_t k = 0; k < r->conf.where_n; k++)
			any = any || (!w[k].is_not && w[k].at == w[i].at && bytes_equal(record->field[w[k].at], w[k].value));
		if (!any)
			return false;
	}
	return true;
}

/* ---- values ------------------------------------------------------------------------------------------------ */

static as_err no_room(struct rows *r)
{
	return refuse(r, "", "the texts of this row are too long together");
}

/* A field of the file as NFC. */
static as_err column_text(struct rows *r, uint16_t column, struct bytes *ret)
{
	struct bytes s = r->record->field[r->at[column]];
	const char *name = r->conf.map->columns[column].name;
	uint8_t *p;
	size_t n = 0;

	if (r->conf.map->encoding == MAP_LATIN1) {
		if ((p = arena_take(&r->arena, 2 * s.n)) == NULL)
			return no_room(r);
		for (size_t i = 0; i < s.n; i++) {
			if (s.p[i] >= 0x80)
				p[n++] = (uint8_t)(0xc0 | s.p[i] >> 6);
			p[n++] = s.p[i] < 0x80 ? s.p[i] : (uint8_t)(0x80 | (s.p[i] & 0x3f));
		}
		s = bytes_of(p, n);
	}
	if (!text_utf8_valid(s))
		return refuse(r, name, "not valid UTF-8: which encoding does the file have?");
	as_err err = intake_nfc(s, &r->arena, ret);
	return err == AS_ENOMEM ? no_room(r) : err ? refuse(r, name, "cannot be normalised") : AS_OK;
}

struct value {
	struct bytes s;
	bool secret; /* no part of it may be shown */
};

static as_err eval(struct rows *r, const struct map_expr *e, struct value *v);

static as_err eval_terms(struct rows *r, const struct map_expr *e, struct bytes *ret)
{
	*ret = (struct bytes){0};
	for (size_t i = 0; i < e->terms_n; i++) {
		struct bytes s = {0};
		as_err err = AS_OK;
		if (e->terms[i].constant)
			s = bytes_of_str(e->terms[i].constant);
		else
			err = column_text(r, e->terms[i].column, &s);
		if (err)
			return err;
		if (s.n == 0 || ret->n == 0) {
			*ret = s.n ? s : *ret;
			continue;
		}
		uint8_t *p = arena_take(&r->arena, ret->n + 1 + s.n);
		if (p == NULL)
			return no_room(r);
		memcpy(p, ret->p, ret->n);
		p[ret->n] = ' ';
		memcpy(p + ret->n + 1, s.p, s.n);
		*ret = bytes_of(p, ret->n + 1 + s.n);
	}
	return AS_OK;
}

/* The words of a table, as many as fit. */
static void words_of(const struct map *m, uint16_t table, char *out, size_t cap)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < m->values_n; i++) {
		if (m->values[i].table != table)
			continue;
		int k = snprintf(out + at, cap - at, "%s%s", at ? ", " : "", m->values[i].from);
		if (k < 0 || (size_t)k + sizeof ", …" > cap - at) {
			snprintf(out + at, cap - at, ", …");
			return;
		}
		at += (size_t)k;
	}
}

static as_err look_up(struct rows *r, const struct map_expr *e, uint16_t table, struct value *v)
{
	const struct map *m = r->conf.map;
	const struct map_value *found = map_lookup(m, table, v->s);
	const struct map_column *col = map_column_of(m, e);
	char shown[INTAKE_SHOWN_MAX], list[200];

	if (found && found->to) {
		v->s = bytes_of_str(found->to);
		return AS_OK;
	}
	if (found)
		return eval(r, &found->expr, v);
	if (v->s.n == 0)
		return AS_OK;
	words_of(m, table, list, sizeof list);
	if (v->secret)
		return refuse(r, col ? col->name : "", "none of the values that the map knows (%s)", m->tables[table].name);
	return refuse(r, col ? col->name : "", "\"%s\" is none of %s", intake_shown(v->s, shown), list);
}

static as_err eval(struct rows *r, const struct map_expr *e, struct value *v)
{
	as_err err = eval_terms(r, e, &v->s);

	for (size_t i = 0; i < e->ops_n && !err; i++) {
		const struct map_op *op = &e->ops[i];
		if (op->op == MAP_OR && v->s.n == 0) {
			v->s = bytes_of_str(op->text);
		} else if (op->op == MAP_VALUES) {
			err = look_up(r, e, op->n, v);
		} else if (op->op == MAP_CUT && v->s.n > op->n) {
			const struct map_column *col = map_column_of(r->conf.map, e);
			v->s.n = text_utf8_cut(v->s, op->n);
			if (col)
				r->made->cut[col - r->conf.map->columns]++;
		}
	}
	return err;
}

/* ---- times ------------------------------------------------------------------------------------------------- */

/* The column's text by one of its forms. *ret_there: false when it is empty. */
static as_err read_date(struct rows *r, uint16_t column, bool secret, bool *ret_there, uint32_t *ret_date, int32_t *ret_ms)
{
	const struct map_column *c = &r->conf.map->columns[column];
	char shown[INTAKE_SHOWN_MAX];
	struct bytes s;
	as_err err = column_text(r, column, &s);

	*ret_there = s.n > 0;
	if (err || s.n == 0)
		return err;
	for (size_t i = 0; i < c->forms_n; i++)
		if (date_form_read(c->forms[i], s, ret_date, ret_ms))
			return AS_OK;
	if (secret)
		return refuse(r, c->name, "not a real date %s", c->forms[0]);
	return refuse(r, c->name, "\"%s\" is not a real date %s", intake_shown(s, shown), c->forms[0]);
}

static void time_of(const struct rows *r, uint32_t date, int32_t ms, int64_t *ret_at, char out[FORM_TIME_MAX])
{
	int32_t days = 0;
	bool real = date_to_days(date, &days);

	as_assert(real);
	*ret_at = tz_of_local(&r->zone, (int64_t)days * DATE_MS_PER_DAY + ms);
	form_time_text(*ret_at, tz_offset_min(&r->zone, *ret_at), out);
}

/* ---- fields ------------------------------------------------------------------------------------------------ */

/* Control characters would be refused; in a text they say nothing. */
static as_err clean(struct rows *r, struct bytes *s, bool lines)
{
	uint8_t *p = arena_take(&r->arena, s->n);

	if (p == NULL)
		return no_room(r);
	for (size_t i = 0; i < s->n; i++) {
		bool keep = (s->p[i] >= 0x20 && s->p[i] != 0x7f) ||
			    (lines && (s->p[i] == '\n' || s->p[i] == '\t' || s->p[i] == '\r'));
		p[i] = keep ? s->p[i] : ' ';
	}
	*s = bytes_of(p, s->n);
	return AS_OK;
}

static json_t *text_json(struct bytes s)
{
	return json_stringn((const char *)s.p, s.n);
}

static json_t *list_json(struct bytes s)
{
	json_t *list = json_array();

	while (s.n) {
		const uint8_t *end = memchr(s.p, ' ', s.n);
		size_t n = end ? (size_t)(end - s.p) : s.n;
		if (n)
			json_array_append_new(list, text_json(bytes_of(s.p, n)));
		s = bytes_of(s.p + n + (end != NULL), s.n - n - (end != NULL));
	}
	return list;
}

static bool is_any(struct bytes s, const char *const *words)
{
	for (; *words; words++)
		if (bytes_equal(s, bytes_of_str(*words)))
			return true;
	return false;
}

/* The value as JSON, by the type of its field; *ret NULL: it is left out. */
static as_err field_json(struct rows *r, const struct field_def *def, const struct map_field *f, json_t **ret)
{
	static const char *const yes[] = {"yes", "true", "1", NULL}, *const no[] = {"no", "false", "0", NULL};
	const struct map_column *col = map_column_of(r->conf.map, &f->expr);
	const char *name = col ? col->name : def->name;
	char text[FORM_TIME_MAX];
	struct value v = {.secret = f->personal};
	uint32_t date;
	int32_t ms;
	int64_t at;
	bool there;
	uint64_t number;
	as_err err;

	*ret = NULL;
	if (def->type == FT_DATE || def->type == FT_TIME) {
		err = read_date(r, f->expr.terms[0].column, f->personal, &there, &date, &ms);
		if (err || !there)
			return err;
		if (def->type == FT_DATE)
			form_date_text(date, text);
		else
			time_of(r, date, ms, &at, text);
		*ret = json_string(text);
		return *ret ? AS_OK : AS_ENOMEM;
	}
	if ((err = eval(r, &f->expr, &v)) || v.s.n == 0)
		return err;
	switch (def->type) {
	case FT_BOOL:
		if (!is_any(v.s, yes) && !is_any(v.s, no))
			return refuse(r, name, "neither yes nor no");
		*ret = json_boolean(is_any(v.s, yes));
		break;
	case FT_U32:
	case FT_I64:
	case FT_STAFF:
	case FT_MONEY:
		if (!text_decimal(v.s, INT64_MAX, &number))
			return refuse(r, name, "not a whole number");
		*ret = json_integer((json_int_t)number);
		break;
	case FT_CODE_SET:
	case FT_CODE_LIST:
		*ret = list_json(v.s);
		break;
	case FT_TEXT:
		if ((err = clean(r, &v.s, (def->flags & FF_PERSONAL) != 0)))
			return err;
		*ret = text_json(v.s);
		break;
	default:
		*ret = text_json(v.s);
		break;
	}
	/* a NUL, which is no text for JSON either, was refused before */
	return *ret ? AS_OK : AS_ENOMEM;
}

static as_err set_fields(struct rows *r, const struct map_step *s, json_t *event)
{
	for (size_t i = 0; i < s->fields_n; i++) {
		const struct field_def *def = &s->kind->fields[s->fields[i].index];
		const char *part = s->fields[i].personal ? "personal" : "facts";
		json_t *value, *object = json_object_get(event, part);
		as_err err = field_json(r, def, &s->fields[i], &value);
		if (err)
			return err;
		if (value == NULL)
			continue;
		if (object == NULL && (object = json_object()) != NULL)
			json_object_set_new(event, part, object);
		if (object == NULL || json_object_set_new(object, def->name, value))
			return AS_ENOMEM;
	}
	return AS_OK;
}

/* ---- steps ------------------------------------------------------------------------------------------------- */

struct step_job {
	const struct map_step *step;
	struct bytes key, label;
	int64_t last; /* when the step before happened, by which column */
	uint16_t last_column;
};

/* AS_OK with no new event: its time is not there, so it did not happen. */
static as_err make_step(struct rows *r, struct step_job *j)
{
	const struct map_step *s = j->step;
	struct rows_made *made = r->made;
	char text[FORM_TIME_MAX], uuid[37];
	uint8_t id[16];
	uint32_t date;
	int32_t ms;
	int64_t at;
	bool there;
	as_err err = read_date(r, s->column, false, &there, &date, &ms);

	if (err || !there)
		return err;
	time_of(r, date, s->clock_s < 0 ? ms : s->clock_s * 1000, &at, text);
	if (made->n && at < j->last)
		return refuse(r, r->conf.map->columns[s->column].name, "is before %s",
			      r->conf.map->columns[j->last_column].name);
	j->last = at;
	j->last_column = s->column;
	json_t *event = json_object();
	if (event == NULL)
		return AS_ENOMEM;
	made->event[made->n++] = event;
	rows_event_id(r->conf.org, r->conf.branch, r->conf.map->name, j->key, s->name, id);
	form_uuid_text(id, uuid);
	json_object_set_new(event, "event_id", json_string(uuid));
	json_object_set_new(event, "kind", json_string(s->kind->name));
	json_object_set_new(event, "occurred_at", json_string(text));
	if (made->n == 1) {
		memcpy(r->first_id, id, 16);
		json_object_set_new(event, "case", text_json(j->label));
	} else { /* by its key: a label may name two */
		form_uuid_text(r->first_id, uuid);
		json_object_set_new(event, "case", json_string(uuid));
	}
	return set_fields(r, s, event);
}

/* Whose column is it that intake does not like? */
static const char *column_of_field(const struct rows *r, const struct map_step *s, const char *path)
{
	const char *name = strchr(path, '.');

	for (size_t i = 0; name && i < s->fields_n; i++)
		if (strcmp(s->kind->fields[s->fields[i].index].name, name + 1) == 0) {
			const struct map_column *c = map_column_of(r->conf.map, &s->fields[i].expr);
			return c ? c->name : path;
		}
	if (strcmp(path, "case") == 0) {
		const struct map_column *c = map_column_of(r->conf.map, &r->conf.map->label);
		return c ? c->name : path;
	}
	return strcmp(path, "occurred_at") == 0 ? r->conf.map->columns[s->column].name : path;
}

/* Would the branch take these events, were they the first of their case? */
static as_err check_events(struct rows *r, const struct map_step *const *steps)
{
	struct intake_ctx ctx = {.imported = true};
	struct case_entry entries[MAP_STEPS_MAX];
	const struct cell_sink none = {.ctx = NULL, .add = NULL};
	struct intake_error e = {0};
	struct case_key key = {0};
	struct ledger_refusal why;
	struct case_rec rec;
	uint8_t leaf[32] = {0};
	as_err err = AS_OK;

	memcpy(key.branch, r->conf.branch, strlen(r->conf.branch));
	memcpy(key.id, r->first_id, 16);
	case_rec_init(&rec, &key, entries, MAP_STEPS_MAX);
	for (size_t i = 0; i < r->made->n && !err; i++) {
		const struct place place = {.inc_number = 1, .index = i, .cls = 2};
		err = intake_object(r->made->event[i], &ctx, r->in, &e);
		if (!err && i > 0)
			r->in->ev.case_id = bytes_of(r->first_id, 16);
		if (!err && (err = ledger_check(i ? &rec : NULL, &r->in->ev, key.branch, leaf, &why)))
			intake_word_refusal(&why, r->in->kind, &e);
		memcpy(leaf, r->in->event_id, 16);
		if (!err)
			err = ledger_apply(&rec, &r->in->ev, &place, leaf, &none, NULL);
		intake_wipe(r->in);
		if (err == AS_EREFUSED)
			return refuse(r, column_of_field(r, steps[i], e.field), "%s", e.text);
	}
	return err;
}

static as_err first_time(struct rows *r, struct seen *seen, struct bytes s, const char *file, const char *column)
{
	struct seen_at at = {.file = file, .line = r->record->line}, first;
	uint8_t hash[16];
	as_err err;

	as_blake2b(hash, sizeof hash, bytes_of(r->conf.org, 16), &s, 1);
	err = seen_add(seen, hash, at, &first);
	if (err == AS_EEXIST)
		return first.file == file ? refuse(r, column, "the same as in line %lu", first.line)
					  : refuse(r, column, "the same as in %.100s:%lu", first.file, first.line);
	return err;
}

static as_err check_form(struct rows *r)
{
	const struct csv_record *rec = r->record;
	const struct map *m = r->conf.map;

	if (rec->wrong)
		return refuse(r, rows_column(r, rec->wrong_field), "%s", rec->wrong);
	if (rec->n != r->names_n)
		return refuse(r, "", "the record has %zu field%s, the file has %zu columns", rec->n, rec->n == 1 ? "" : "s",
			      r->names_n);
	for (size_t i = 0; i < rec->n; i++)
		if (rec->field[i].n && memchr(rec->field[i].p, 0, rec->field[i].n))
			return refuse(r, rows_column(r, i), "holds a NUL byte: is the file UTF-16, or damaged?");
	if (!(r->made->selected = selected(r, rec)))
		return AS_OK;
	for (size_t i = 0; i < rec->n && m->encoding == MAP_UTF8; i++)
		if (!text_utf8_valid(rec->field[i]))
			return refuse(r, rows_column(r, i), "not valid UTF-8: which encoding does the file have?");
	for (uint16_t i = 0; i < m->columns_n; i++)
		if (m->columns[i].required && rec->field[r->at[i]].n == 0)
			return refuse(r, m->columns[i].name, "is empty");
	return AS_OK;
}

static as_err make(struct rows *r, const char *file, bool check)
{
	const struct map *m = r->conf.map;
	const struct map_step *steps[MAP_STEPS_MAX];
	const struct map_column *label = map_column_of(m, &m->label);
	struct step_job j = {0};
	struct value v = {0};
	as_err err = check_form(r);

	if (err || !r->made->selected)
		return err;
	if ((err = column_text(r, m->key, &j.key)) || (err = eval(r, &m->label, &v)))
		return err;
	j.label = v.s;
	if (j.label.n == 0)
		return refuse(r, label ? label->name : "case", "is empty");
	for (size_t i = 0; i < m->steps_n; i++) {
		size_t n = r->made->n;
		j.step = &m->steps[i];
		if ((err = make_step(r, &j)))
			return err;
		if (r->made->n > n)
			steps[n] = j.step;
	}
	if (!check)
		return AS_OK;
	if ((err = check_events(r, steps)) ||
	    (err = first_time(r, &r->keys, j.key, file, m->columns[m->key].name)) ||
	    (r->own_labels && (err = first_time(r, &r->labels, j.label, file, label ? label->name : "case"))))
		return err;
	return AS_OK;
}

as_err rows_make(struct rows *r, const struct csv_record *record, const char *file, bool check, struct rows_made *made)
{
	*made = (struct rows_made){.selected = true};
	r->record = record;
	r->made = made;
	arena_init(&r->arena, r->memory, ARENA_BYTES);
	as_err err = make(r, file, check);
	explicit_bzero(r->memory, r->arena.n);
	return err == AS_EREFUSED ? AS_OK : err;
}
