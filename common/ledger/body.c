#include "common/ledger/body.h"

#include "common/base/date.h"
#include "common/base/pbwire.h"
#include "common/base/text.h"
#include "common/wire/event.h"

#define ROW_BYTES_MAX 384

/* ---- forms ------------------------------------------------------------------------------- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool digits(struct bytes s, size_t from, size_t min, size_t max)
{
	if (s.n < from + min || s.n > from + max)
		return false;
	for (size_t i = from; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

bool imei_form_ok(struct bytes s)
{
	bool all_equal = true;

	if (!digits(s, 0, 15, 15))
		return false;
	for (size_t i = 0; i < 15; i++)
		all_equal = all_equal && s.p[i] == s.p[0];
	return !all_equal;
}

bool imei_ok(struct bytes s)
{
	unsigned sum = 0;

	if (!imei_form_ok(s))
		return false;
	for (size_t i = 0; i < 15; i++) {
		unsigned d = s.p[i] - '0';
		if (i % 2 == 1)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0;
}

/* ^0[0-9]{2,3}-?[0-9]{7,8}(-[0-9]{1,6})?$ : the code and the number may run together, so both lengths are
 * tried */
static bool landline(struct bytes s)
{
	for (size_t code = 3; code <= 4; code++) {
		for (size_t number = 7; number <= 8; number++) {
			size_t at = code;
			if (s.n < at || s.p[0] != '0' || !digits(bytes_of(s.p, code), 0, code, code))
				continue;
			if (at < s.n && s.p[at] == '-')
				at++;
			if (s.n < at + number || !digits(bytes_of(s.p + at, number), 0, number, number))
				continue;
			at += number;
			if (at == s.n)
				return true;
			if (s.p[at] == '-' && digits(s, at + 1, 1, 6))
				return true;
		}
	}
	return false;
}

bool phone_ok(struct bytes s)
{
	if (s.n == 11 && s.p[0] == '1' && s.p[1] >= '3' && digits(s, 0, 11, 11))
		return true;
	if (s.n >= 10 && s.n <= 12 && (s.p[0] == '4' || s.p[0] == '8') && s.p[1] == '0' && s.p[2] == '0') {
		uint8_t d[10];
		size_t n = 0;
		for (size_t i = 0; i < s.n; i++) {
			if (s.p[i] == '-' && (n == 3 || n == 6) && s.p[i - 1] != '-')
				continue;
			if (!is_digit(s.p[i]) || n == 10)
				return false;
			d[n++] = s.p[i];
		}
		(void)d;
		return n == 10;
	}
	return landline(s);
}

static bool text_ok(struct bytes s, size_t max)
{
	if (s.n < 1 || s.n > max || !text_utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == 0)
			return false;
	return true;
}

static bool code_set_ok(const struct code_list *list, int64_t v)
{
	if (v < 0)
		return false;
	for (unsigned bit = 0; bit < 63; bit++)
		if ((v >> bit & 1) && code_of(list, bit) == NULL)
			return false;
	return true;
}

/* Packed codes: canonical, each once, as many as the value says. */
static bool code_list_ok(const struct field_def *f, const struct body_value *v)
{
	uint64_t seen = 0, code;
	int64_t n = 0;
	struct pb_reader r = pb_reader_of(v->s);

	while (r.p < r.end) {
		if (!pb_get_varint(&r, &code) || code > 63 || (seen >> code & 1) ||
		    code_of(f->codes, code) == NULL)
			return false;
		seen |= UINT64_C(1) << code;
		n++;
	}
	return n == v->i && n >= f->min && n <= f->max;
}

bool body_value_ok(const struct field_def *f, const struct body_value *v)
{
	int32_t days;

	switch (f->type) {
	case FT_U32:
	case FT_I64:
	case FT_MONEY:
	case FT_TIME:
		return v->i >= f->min && v->i <= f->max;
	case FT_STAFF:
		return v->i >= 1 && v->i <= UINT32_MAX;
	case FT_BOOL:
		return v->i == 0 || v->i == 1;
	case FT_CODE:
		return v->i > 0 && code_of(f->codes, (uint64_t)v->i) != NULL;
	case FT_CODE_SET:
		return code_set_ok(f->codes, v->i);
	case FT_CODE_LIST:
		return code_list_ok(f, v);
	case FT_DATE:
		return v->i > 0 && v->i <= 99991231 && date_to_days((uint32_t)v->i, &days);
	case FT_TEXT:
		return text_ok(v->s, (size_t)f->max);
	case FT_BYTES:
		return v->s.n == (size_t)f->max;
	case FT_BLOB:
		return v->s.n >= 1 && v->s.n <= (size_t)f->max;
	case FT_BRANCH:
		return branch_code_ok(v->s);
	case FT_IMEI:
		return imei_form_ok(v->s);
	case FT_PHONE:
		return phone_ok(v->s);
	case FT_ROWS: /* what is in them: row_read */
		return v->i >= f->min && v->i <= f->max;
	default:
		return false;
	}
}

/* ---- the codec --------------------------------------------------------------------------- */

static bool on_wire_as_len(uint8_t type)
{
	switch (type) {
	case FT_CODE_LIST:
	case FT_TEXT:
	case FT_BYTES:
	case FT_BLOB:
	case FT_BRANCH:
	case FT_IMEI:
	case FT_PHONE:
	case FT_ROWS:
		return true;
	default:
		return false;
	}
}

static bool is_zigzag(uint8_t type)
{
	return type == FT_I64 || type == FT_TIME;
}

/* Number of a packed list's codes; what is wrong inside is found by code_list_ok. */
static int64_t count_varints(struct bytes s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] < 0x80;
	return n;
}

/* A value that is not a list of rows. */
static bool take_scalar(const struct field_def *f, const struct pb_field *in, struct body_value *v)
{
	if (in->type != (on_wire_as_len(f->type) ? PB_LEN : PB_VARINT))
		return false;
	if (in->type == PB_LEN) {
		v->s = in->s;
		v->i = f->type == FT_CODE_LIST ? count_varints(in->s) : 0;
	} else if (is_zigzag(f->type)) {
		v->i = pb_unzigzag(in->v);
	} else {
		if (in->v > INT64_MAX)
			return false;
		v->i = (int64_t)in->v;
	}
	return body_value_ok(f, v);
}

/* One row: each column once at most, the required ones there, no other. */
static bool row_read(const struct row_def *def, struct bytes raw, struct body_row *row)
{
	struct pb_reader r = pb_reader_of(raw);
	struct pb_field in;

	row->present = 0;
	while (r.p < r.end) {
		if (!pb_next(&r, &in) || in.number > def->cols_n || (row->present >> (in.number - 1) & 1) ||
		    !take_scalar(&def->cols[in.number - 1], &in, &row->v[in.number - 1]))
			return false;
		row->present |= 1u << (in.number - 1);
	}
	for (unsigned i = 0; i < def->cols_n; i++)
		if ((def->cols[i].flags & FF_REQUIRED) && !(row->present >> i & 1))
			return false;
	return true;
}

/* Apart from take_value: its row on the stack would cost every other field a canary. */
static __attribute__((noinline)) bool take_row(const struct field_def *f, const struct pb_field *in,
					       const uint8_t *at, const uint8_t *end, bool again,
					       struct body_value *v)
{
	struct body_row row;

	if (in->type != PB_LEN)
		return false;
	if (!again)
		*v = (struct body_value){.s = bytes_of(at, (size_t)(end - at))};
	v->i++;
	return v->i <= f->max && row_read(f->row, in->s, &row);
}

static bool take_value(const struct field_def *f, const struct pb_field *in, const uint8_t *at,
		       const uint8_t *end, bool again, struct body_value *v)
{
	if (f->type == FT_ROWS)
		return take_row(f, in, at, end, again, v);
	return !again && take_scalar(f, in, v);
}

static void put_scalar(struct pb_writer *w, const struct field_def *f, const struct body_value *v)
{
	if (on_wire_as_len(f->type))
		pb_put_bytes(w, f->number, v->s);
	else
		pb_put_uint(w, f->number, is_zigzag(f->type) ? pb_zigzag(v->i) : (uint64_t)v->i);
}

as_err body_add_row(const struct field_def *f, uint8_t *buf, size_t cap, size_t *n,
		    const struct body_row *row)
{
	uint8_t tmp[ROW_BYTES_MAX];
	struct pb_writer w = pb_writer_of(tmp, sizeof tmp), out = pb_writer_of(buf + *n, cap - *n);
	struct body_row back;

	for (unsigned i = 0; i < f->row->cols_n; i++)
		if (row->present >> i & 1)
			put_scalar(&w, &f->row->cols[i], &row->v[i]);
	if (w.full || !row_read(f->row, bytes_of(tmp, w.n), &back))
		return AS_EINVAL;
	pb_put_bytes(&out, f->number, bytes_of(tmp, w.n));
	if (out.full)
		return AS_ETOOBIG;
	*n += out.n;
	return AS_OK;
}

bool body_next_row(const struct field_def *f, struct bytes *rest, struct body_row *ret)
{
	struct pb_reader r = pb_reader_of(*rest);
	struct pb_field in;

	while (r.p < r.end && pb_next(&r, &in)) {
		if (in.number != f->number || in.type != PB_LEN)
			continue;
		*rest = bytes_of(r.p, (size_t)(r.end - r.p));
		return row_read(f->row, in.s, ret);
	}
	*rest = bytes_of(NULL, 0);
	return false;
}

as_err body_decode(const struct kind_def *kind, enum body_part part, struct bytes raw, struct body *ret_body,
		   int *ret_bad)
{
	struct pb_reader r = pb_reader_of(raw);
	struct pb_field in;
	uint8_t want = part == BODY_PERSONAL ? FF_PERSONAL : 0;
	unsigned unknown = 0;

	ret_body->present = 0;
	*ret_bad = -1;
	while (r.p < r.end) {
		const uint8_t *at = r.p;
		const struct field_def *f = NULL;
		unsigned i = BODY_REASON;
		if (!pb_next(&r, &in))
			return AS_EPROTO;
		if (in.number <= kind->fields_n) {
			i = in.number - 1;
			f = &kind->fields[i];
		} else if (in.number == KIND_REASON_NUMBER) {
			f = &kind_reason_field;
		} else if (++unknown <= EVENT_UNKNOWN_MAX) {
			continue;
		} else {
			return AS_EPROTO;
		}
		if ((f->flags & FF_PERSONAL) != want ||
		    !take_value(f, &in, at, r.end, body_has(ret_body, i), &ret_body->v[i])) {
			*ret_bad = (int)i;
			return AS_EPROTO;
		}
		ret_body->present |= 1u << i;
	}
	return AS_OK;
}

as_err body_encode(const struct kind_def *kind, enum body_part part, const struct body *body, uint8_t *out,
		   size_t cap, size_t *ret_n, int *ret_bad)
{
	struct pb_writer w = pb_writer_of(out, cap);
	uint8_t want = part == BODY_PERSONAL ? FF_PERSONAL : 0;

	*ret_bad = -1;
	for (unsigned i = 0; i < BODY_VALUES; i++) {
		const struct body_value *v = &body->v[i];
		if (!body_has(body, i))
			continue;
		if (i != BODY_REASON && i >= kind->fields_n) {
			*ret_bad = (int)i;
			return AS_EINVAL;
		}
		const struct field_def *f = i == BODY_REASON ? &kind_reason_field : &kind->fields[i];
		if ((f->flags & FF_PERSONAL) != want)
			continue;
		if (!body_value_ok(f, v)) {
			*ret_bad = (int)i;
			return AS_EINVAL;
		}
		if (f->type == FT_ROWS)
			pb_put_raw(&w, v->s.p, v->s.n);
		else
			put_scalar(&w, f, v);
	}
	if (w.full)
		return AS_ETOOBIG;
	*ret_n = w.n;
	return AS_OK;
}

int body_missing(const struct kind_def *kind, enum body_part part, const struct body *body, bool imported)
{
	uint8_t want = part == BODY_PERSONAL ? FF_PERSONAL : 0;
	uint8_t must = imported ? FF_REQUIRED : FF_REQUIRED | FF_LIVE_REQUIRED;

	for (unsigned i = 0; i < kind->fields_n; i++)
		if ((kind->fields[i].flags & must) && (kind->fields[i].flags & FF_PERSONAL) == want &&
		    !body_has(body, i))
			return (int)i;
	return -1;
}
