#include "common/ledger/body.h"

#include "common/base/date.h"
#include "common/base/pbwire.h"
#include "common/base/text.h"
#include "common/wire/event.h"

#define PART_NO_MAX 24
#define PART_QTY_MAX 1000
#define PART_SERIAL_MAX 40

enum { P_PART_NO = 1, P_QTY, P_SERIAL };

/* ---- forms (domain study 2.13) ----------------------------------------------------------- */

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

bool imei_ok(struct bytes s)
{
	unsigned sum = 0;
	bool all_equal = true;

	if (!digits(s, 0, 15, 15))
		return false;
	for (size_t i = 0; i < 15; i++) {
		unsigned d = s.p[i] - '0';
		all_equal = all_equal && s.p[i] == s.p[0];
		if (i % 2 == 1)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0 && !all_equal;
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
		return imei_ok(v->s);
	case FT_PHONE:
		return phone_ok(v->s);
	case FT_PARTS:
		return v->i >= 1 && v->i <= PARTS_LIST_MAX;
	default:
		return false;
	}
}

/* ---- items of FT_PARTS ------------------------------------------------------------------- */

static bool part_read(struct bytes raw, struct part_used *ret)
{
	struct part_used p = {0};
	struct pb_reader r = pb_reader_of(raw);
	struct pb_field f;
	unsigned seen = 0;

	while (r.p < r.end) {
		if (!pb_next(&r, &f) || f.number > P_SERIAL || (seen >> f.number & 1))
			return false;
		seen |= 1u << f.number;
		if (f.type != (f.number == P_QTY ? PB_VARINT : PB_LEN))
			return false;
		if (f.number == P_PART_NO)
			p.part_no = f.s;
		else if (f.number == P_SERIAL)
			p.serial = f.s;
		else
			p.qty = f.v <= PART_QTY_MAX ? (uint32_t)f.v : 0;
	}
	if (!text_ok(p.part_no, PART_NO_MAX) || p.qty == 0 ||
	    (p.serial.n && !text_ok(p.serial, PART_SERIAL_MAX)))
		return false;
	*ret = p;
	return true;
}

as_err body_add_part(uint8_t *buf, size_t cap, size_t *n, const struct part_used *part)
{
	uint8_t tmp[128];
	struct pb_writer w = pb_writer_of(tmp, sizeof tmp);
	struct part_used back;

	pb_put_bytes(&w, P_PART_NO, part->part_no);
	pb_put_uint(&w, P_QTY, part->qty);
	if (part->serial.n)
		pb_put_bytes(&w, P_SERIAL, part->serial);
	if (w.full || !part_read(bytes_of(tmp, w.n), &back))
		return AS_EINVAL;
	struct pb_writer out = pb_writer_of(buf + *n, cap - *n);
	pb_put_varint(&out, w.n);
	pb_put_raw(&out, tmp, w.n);
	if (out.full)
		return AS_ETOOBIG;
	*n += out.n;
	return AS_OK;
}

bool body_next_part(struct bytes *rest, uint32_t number, struct part_used *ret)
{
	struct pb_reader r = pb_reader_of(*rest);
	struct pb_field f;

	while (r.p < r.end && pb_next(&r, &f)) {
		if (f.number != number || f.type != PB_LEN)
			continue;
		*rest = bytes_of(r.p, (size_t)(r.end - r.p));
		return part_read(f.s, ret);
	}
	*rest = bytes_of(NULL, 0);
	return false;
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
	case FT_PARTS:
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

static bool take_value(const struct field_def *f, const struct pb_field *in, const uint8_t *at,
		       const uint8_t *end, bool again, struct body_value *v)
{
	struct part_used item;

	if (in->type != (on_wire_as_len(f->type) ? PB_LEN : PB_VARINT))
		return false;
	if (f->type == FT_PARTS) {
		if (!again)
			*v = (struct body_value){.s = bytes_of(at, (size_t)(end - at))};
		v->i++;
		return v->i <= PARTS_LIST_MAX && part_read(in->s, &item);
	}
	if (again)
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

/* The items carry their own lengths: give each the field's tag. */
static void put_parts(struct pb_writer *w, uint32_t number, struct bytes items)
{
	struct pb_reader r = pb_reader_of(items);
	uint64_t len;

	while (r.p < r.end && pb_get_varint(&r, &len) && len <= (uint64_t)(r.end - r.p)) {
		pb_put_bytes(w, number, bytes_of(r.p, (size_t)len));
		r.p += len;
	}
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
		if (f->type == FT_PARTS)
			put_parts(&w, f->number, v->s);
		else if (on_wire_as_len(f->type))
			pb_put_bytes(&w, f->number, v->s);
		else
			pb_put_uint(&w, f->number, is_zigzag(f->type) ? pb_zigzag(v->i) : (uint64_t)v->i);
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
