#include "common/intake/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "common/base/pbwire.h"
#include "common/base/text.h"
#include "common/intake/forms.h"

as_err intake_refuse(struct intake_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof e->text) {
		size_t cut = text_utf8_cut(bytes_of(e->text, sizeof e->text - 1), sizeof e->text - 4);
		memcpy(e->text + cut, "...", 4);
	}
	return AS_EREFUSED;
}

static struct bytes text_of(const json_t *j)
{
	return bytes_of(json_string_value(j), json_string_length(j));
}

const char *intake_shown(struct bytes s, char out[INTAKE_SHOWN_MAX])
{
	size_t n = text_utf8_cut(s, 40);

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : (char)s.p[i];
	memcpy(out + n, n < s.n ? "..." : "", n < s.n ? 4 : 1);
	return out;
}

static as_err as_text(const char *path, const json_t *j, struct intake_error *e)
{
	if (!json_is_string(j))
		return intake_refuse(e, "%s must be a text.", path);
	return AS_OK;
}

static bool is_ascii(struct bytes s)
{
	uint8_t any = 0;

	for (size_t i = 0; i < s.n; i++)
		any |= s.p[i];
	return any < 0x80;
}

as_err value_text(const char *path, const json_t *j, size_t max, bool lines, struct arena *a,
		  struct bytes *ret, struct intake_error *e)
{
	utf8proc_uint8_t *mapped = NULL;
	as_err err = as_text(path, j, e);

	if (err)
		return err;
	struct bytes s = text_of(j);
	if (!text_utf8_valid(s))
		return intake_refuse(e, "%s is not valid UTF-8.", path);
	const utf8proc_uint8_t *nfc = s.p;
	utf8proc_ssize_t n = (utf8proc_ssize_t)s.n;
	if (!is_ascii(s)) { /* which is normal as it is */
		n = utf8proc_map(s.p, n, &mapped, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
		nfc = mapped;
	}
	if (n < 0)
		return intake_refuse(e, "%s cannot be normalised: %s.", path, utf8proc_errmsg(n));
	err = AS_OK;
	if (n == 0)
		err = intake_refuse(e, "%s is empty.", path);
	else if ((size_t)n > max)
		err =
		    intake_refuse(e, "%s is %zu bytes long, at most %zu are allowed.", path, (size_t)n, max);
	for (utf8proc_ssize_t i = 0; i < n && !err; i++)
		if ((nfc[i] < 0x20 && !(lines && (nfc[i] == '\n' || nfc[i] == '\t' || nfc[i] == '\r'))) ||
		    nfc[i] == 0x7f)
			err = intake_refuse(e, "%s holds a control character.", path);
	uint8_t *p = err ? NULL : arena_take(a, (size_t)n);
	if (!err && p == NULL)
		err = intake_refuse(e, "%s: the texts of this event are too long together.", path);
	if (!err) {
		memcpy(p, nfc, (size_t)n);
		*ret = bytes_of(p, (size_t)n);
	}
	if (mapped) /* may be personal */
		explicit_bzero(mapped, (size_t)n);
	free(mapped);
	return err;
}

as_err intake_nfc(struct bytes s, struct arena *a, struct bytes *ret)
{
	utf8proc_uint8_t *nfc = NULL;
	bool ascii = true;

	for (size_t i = 0; i < s.n && ascii; i++)
		ascii = s.p[i] < 0x80;
	*ret = s;
	if (ascii)
		return AS_OK;
	utf8proc_ssize_t n =
	    utf8proc_map(s.p, (utf8proc_ssize_t)s.n, &nfc, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return AS_EINVAL;
	uint8_t *p = arena_take(a, (size_t)n);
	if (p) {
		memcpy(p, nfc, (size_t)n);
		*ret = bytes_of(p, (size_t)n);
	}
	explicit_bzero(nfc, (size_t)n); /* may be personal */
	free(nfc);
	return p ? AS_OK : AS_ENOMEM;
}

/* "A, B, C" as long as it fits */
static const char *names_of(const struct code_list *list, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = 0;
	for (uint32_t i = 0; i < list->count; i++) {
		int k = snprintf(out + n, cap - n, "%s%s", i ? ", " : "", list->codes[i].name);
		if (k < 0 || (size_t)k >= cap - n) {
			snprintf(out + n, cap - n, "%s", "");
			break;
		}
		n += (size_t)k;
	}
	return out;
}

static as_err code_parse(const struct field_def *f, const char *path, const json_t *j, uint32_t *ret,
			 struct intake_error *e)
{
	char names[280], show[INTAKE_SHOWN_MAX];

	if (!json_is_string(j))
		return intake_refuse(e, "%s must be one of %s.", path,
				     names_of(f->codes, names, sizeof names));
	const struct code_def *c = code_of_name(f->codes, text_of(j));
	if (c == NULL)
		return intake_refuse(e, "%s: \"%s\" is not one of %s.", path, intake_shown(text_of(j), show),
				     names_of(f->codes, names, sizeof names));
	*ret = c->number;
	return AS_OK;
}

static as_err code_array(const struct field_def *f, const char *path, const json_t *j, struct arena *a,
			 struct body_value *v, struct intake_error *e)
{
	uint64_t seen = 0;
	size_t n = json_array_size(j);
	uint32_t code;
	as_err err;

	if (!json_is_array(j))
		return intake_refuse(e, "%s must be a list.", path);
	if (n > 63)
		return intake_refuse(e, "%s names a code twice.", path);
	uint8_t *packed = arena_take(a, n + 1);
	if (packed == NULL)
		return intake_refuse(e, "%s: the event is too long.", path);
	for (size_t i = 0; i < n; i++) {
		if ((err = code_parse(f, path, json_array_get(j, i), &code, e)))
			return err;
		if (seen >> code & 1)
			return intake_refuse(e, "%s names %s twice.", path, code_of(f->codes, code)->name);
		seen |= UINT64_C(1) << code;
		packed[i] = (uint8_t)code;
	}
	if (f->type == FT_CODE_SET) {
		v->i = (int64_t)seen;
		return AS_OK;
	}
	if (n < (size_t)f->min || n > (size_t)f->max)
		return intake_refuse(e, "%s must name %" PRId64 " to %" PRId64 " codes.", path, f->min,
				     f->max);
	v->i = (int64_t)n;
	v->s = bytes_of(packed, n);
	return AS_OK;
}

static as_err whole_number(const struct field_def *f, const char *path, const json_t *j, const char *unit,
			   struct body_value *v, struct intake_error *e)
{
	if (!json_is_integer(j) || json_integer_value(j) < f->min || json_integer_value(j) > f->max)
		return intake_refuse(e, "%s must be a whole number%s from %" PRId64 " to %" PRId64 ".", path,
				     unit, f->min, f->max);
	v->i = json_integer_value(j);
	return AS_OK;
}

static as_err date_or_time(const struct field_def *f, const char *path, const json_t *j, struct body_value *v,
			   struct intake_error *e)
{
	uint32_t date;
	char show[INTAKE_SHOWN_MAX];

	if (f->type == FT_DATE) {
		if (!json_is_string(j))
			return intake_refuse(e, "%s must be a date YYYY-MM-DD.", path);
		if (!form_date_parse(text_of(j), &date))
			return intake_refuse(e, "%s: \"%s\" is not a real date YYYY-MM-DD.", path,
					     intake_shown(text_of(j), show));
		v->i = date;
		return AS_OK;
	}
	if (!json_is_string(j))
		return intake_refuse(e, "%s must be an RFC 3339 time.", path);
	if (!form_time_parse(text_of(j), &v->i))
		return intake_refuse(e, "%s: \"%s\" is not a real RFC 3339 time with offset.", path,
				     intake_shown(text_of(j), show));
	return AS_OK;
}

static as_err imei_parse(const char *path, struct bytes s, struct intake_error *e)
{
	bool digits = s.n == 15, equal = true;

	for (size_t i = 0; i < s.n; i++) {
		digits = digits && s.p[i] >= '0' && s.p[i] <= '9';
		equal = equal && s.p[i] == s.p[0];
	}
	if (!digits)
		return intake_refuse(e, "%s must be 15 digits.", path);
	if (equal)
		return intake_refuse(e, "%s is no IMEI: all digits are equal.", path);
	return AS_OK;
}

#define ROW_PATH_BYTES 96
#define ROW_JSON_BYTES_MAX 400 /* of one row, with its tag and length */

static as_err row_parse(const struct field_def *f, const char *path, size_t at, const json_t *j,
			struct arena *a, struct body_row *row, struct intake_error *e)
{
	const struct row_def *def = f->row;
	char where[ROW_PATH_BYTES], show[INTAKE_SHOWN_MAX];
	const char *key;
	json_t *value;
	as_err err;

	row->present = 0;
	if (!json_is_object(j))
		return intake_refuse(e, "%s[%zu] must be an object.", path, at);
	json_object_foreach((json_t *)(uintptr_t)j, key, value)
	{
		unsigned i = 0;
		while (i < def->cols_n && strcmp(def->cols[i].name, key) != 0)
			i++;
		if (i == def->cols_n)
			return intake_refuse(e, "%s[%zu] has no field \"%s\".", path, at,
					     intake_shown(bytes_of_str(key), show));
		snprintf(where, sizeof where, "%s[%zu].%s", path, at, def->cols[i].name);
		if ((err = value_parse(&def->cols[i], where, value, a, &row->v[i], e)))
			return err;
		row->present |= 1u << i;
	}
	for (unsigned i = 0; i < def->cols_n; i++)
		if ((def->cols[i].flags & FF_REQUIRED) && !(row->present >> i & 1))
			return intake_refuse(e, "%s[%zu].%s is missing.", path, at, def->cols[i].name);
	return AS_OK;
}

static as_err rows_parse(const struct field_def *f, const char *path, const json_t *j, struct arena *a,
			 struct body_value *v, struct intake_error *e)
{
	size_t n = json_array_size(j), at = 0;
	uint8_t *rows = NULL;
	struct body_row row;
	as_err err;

	if (!json_is_array(j) || n < (size_t)f->min || n > (size_t)f->max)
		return intake_refuse(e, "%s must be a list of %" PRId64 " to %" PRId64 " items.", path,
				     f->min, f->max);
	size_t cap = n * ROW_JSON_BYTES_MAX < INTAKE_BODY_MAX ? n * ROW_JSON_BYTES_MAX : INTAKE_BODY_MAX;
	if ((rows = arena_take(a, cap)) == NULL)
		return intake_refuse(e, "%s: the event is too long.", path);
	for (size_t i = 0; i < n; i++) {
		if ((err = row_parse(f, path, i, json_array_get(j, i), a, &row, e)))
			return err;
		if (body_add_row(f, rows, cap, &at, &row))
			return intake_refuse(e, "%s: the event is too long.", path);
	}
	v->i = (int64_t)n;
	v->s = bytes_of(rows, at);
	return AS_OK;
}

/* Texts with a form of their own. */
static as_err form_parse(const struct field_def *f, const char *path, const json_t *j, struct arena *a,
			 struct body_value *v, struct intake_error *e)
{
	struct bytes s = text_of(j);
	char *normal;
	uint8_t *p;
	as_err err = as_text(path, j, e);

	if (err)
		return err;
	switch (f->type) {
	case FT_IMEI:
		if ((err = imei_parse(path, s, e)))
			return err;
		break;
	case FT_PHONE:
		normal = arena_take(a, 40);
		if (normal == NULL || !form_phone_normal(s, normal, 40, &v->s.n))
			return intake_refuse(e, "%s is not a mobile, landline or service number.", path);
		v->s.p = (const uint8_t *)normal;
		return AS_OK;
	case FT_BRANCH:
		if (!branch_code_ok(s))
			return intake_refuse(e, "%s must be a branch code: 2 to 8 of A-Z and 0-9.", path);
		break;
	default: /* FT_BYTES */
		p = arena_take(a, (size_t)f->max);
		if (p == NULL ||
		    (!(f->max == 16 && form_uuid_parse(s, p)) && !text_unhex(s, p, (size_t)f->max)))
			return intake_refuse(e, "%s must be %" PRId64 " hexadecimal digits.", path,
					     2 * f->max);
		v->s = bytes_of(p, (size_t)f->max);
		return AS_OK;
	}
	if ((p = arena_take(a, s.n)) == NULL)
		return intake_refuse(e, "%s: the event is too long.", path);
	memcpy(p, s.p, s.n);
	v->s = bytes_of(p, s.n);
	return AS_OK;
}

as_err value_parse(const struct field_def *f, const char *path, const json_t *j, struct arena *a,
		   struct body_value *ret, struct intake_error *e)
{
	uint32_t code;
	as_err err;

	*ret = (struct body_value){0};
	switch (f->type) {
	case FT_U32:
	case FT_I64:
		return whole_number(f, path, j, "", ret, e);
	case FT_STAFF:
		return whole_number(f, path, j, " (staff)", ret, e);
	case FT_MONEY:
		return whole_number(f, path, j, " of fen", ret, e);
	case FT_BOOL:
		if (!json_is_boolean(j))
			return intake_refuse(e, "%s must be true or false.", path);
		ret->i = json_is_true(j);
		return AS_OK;
	case FT_CODE:
		if ((err = code_parse(f, path, j, &code, e)))
			return err;
		ret->i = code;
		return AS_OK;
	case FT_CODE_SET:
	case FT_CODE_LIST:
		return code_array(f, path, j, a, ret, e);
	case FT_DATE:
	case FT_TIME:
		return date_or_time(f, path, j, ret, e);
	case FT_TEXT:
		return value_text(path, j, (size_t)f->max, (f->flags & FF_PERSONAL) != 0, a, &ret->s, e);
	case FT_ROWS:
		return rows_parse(f, path, j, a, ret, e);
	case FT_BLOB:
		return intake_refuse(e, "%s is set by the node itself.", path);
	default:
		return form_parse(f, path, j, a, ret, e);
	}
}

/* ---- and back ---------------------------------------------------------------------------- */

static json_t *codes_json(const struct field_def *f, const struct body_value *v)
{
	json_t *list = json_array();
	struct pb_reader r;
	uint64_t code;

	if (f->type == FT_CODE_SET) { /* there is no v->s */
		for (unsigned bit = 1; bit < 63; bit++)
			if (v->i >> bit & 1)
				json_array_append_new(list, json_string(code_of(f->codes, bit)->name));
		return list;
	}
	r = pb_reader_of(v->s);
	while (r.p < r.end && pb_get_varint(&r, &code))
		json_array_append_new(list, json_string(code_of(f->codes, code)->name));
	return list;
}

/* Bytes as hexadecimal; 16 of them as a UUID. */
static json_t *bytes_json(struct bytes s)
{
	char uuid[37];

	if (s.n == 16) {
		form_uuid_text(s.p, uuid);
		return json_string(uuid);
	}
	char *hex = malloc(2 * s.n + 1);
	if (hex == NULL)
		return NULL;
	text_hex(s.p, s.n, hex);
	json_t *j = json_string(hex);
	free(hex);
	return j;
}

json_t *intake_base64(struct bytes raw)
{
	char *text = malloc((raw.n + 2) / 3 * 4 + 1);
	json_t *j = NULL;

	if (text) {
		size_t n = text_base64(raw.p, raw.n, text);
		j = json_stringn(text, n);
	}
	free(text);
	return j;
}

static json_t *rows_json(const struct field_def *f, const struct body_value *v, int32_t tz_offset_min)
{
	json_t *list = json_array();
	struct bytes rest = v->s;
	struct body_row row;

	while (body_next_row(f, &rest, &row)) {
		json_t *item = json_object();
		for (unsigned i = 0; i < f->row->cols_n; i++)
			if (row.present >> i & 1)
				json_object_set_new(item, f->row->cols[i].name,
						    value_json(&f->row->cols[i], &row.v[i], tz_offset_min));
		json_array_append_new(list, item);
	}
	return list;
}

json_t *value_json(const struct field_def *f, const struct body_value *v, int32_t tz_offset_min)
{
	char text[FORM_TIME_MAX];

	switch (f->type) {
	case FT_U32:
	case FT_I64:
	case FT_STAFF:
	case FT_MONEY:
		return json_integer(v->i);
	case FT_BOOL:
		return json_boolean(v->i != 0);
	case FT_CODE:
		return json_string(code_of(f->codes, (uint64_t)v->i)->name);
	case FT_CODE_SET:
	case FT_CODE_LIST:
		return codes_json(f, v);
	case FT_DATE:
		form_date_text((uint32_t)v->i, text);
		return json_string(text);
	case FT_TIME:
		form_time_text(v->i, tz_offset_min, text);
		return json_string(text);
	case FT_ROWS:
		return rows_json(f, v, tz_offset_min);
	case FT_BYTES:
		return bytes_json(v->s);
	case FT_BLOB:
		return intake_base64(v->s);
	default:
		return json_stringn((const char *)v->s.p, v->s.n);
	}
}
