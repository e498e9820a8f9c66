#include "common/ledger/checks.h"

#include "common/base/check.h"
#include "common/base/date.h"

enum { ID_IMEI = 1, ID_IMEISV, ID_MEID, ID_ESN };

/* ---- values by name ---------------------------------------------------------------------- */

static const struct body_value *given_n(const struct check_input *in, const char *name, size_t n,
					const struct field_def **ret_field)
{
	int i = kind_field_index(in->kind, bytes_of(name, n));

	as_assert(i >= 0);
	const struct field_def *f = &in->kind->fields[i];
	const struct body *body = f->flags & FF_PERSONAL ? in->personal : in->facts;
	if (ret_field)
		*ret_field = f;
	return body && body_has(body, (unsigned)i) ? &body->v[i] : NULL;
}

static size_t length(const char *name)
{
	size_t n = 0;

	while (name[n])
		n++;
	return n;
}

static const struct body_value *given(const struct check_input *in, const char *name)
{
	return name ? given_n(in, name, length(name), NULL) : NULL;
}

/* "x": its value, "#x": its number of rows; 0 when it is not given. */
static int64_t value_of(const struct check_input *in, const char *name, size_t n)
{
	bool count = n && name[0] == '#';
	const struct body_value *v = given_n(in, name + count, n - count, NULL);

	return v ? v->i : 0;
}

/* left = term ± term … */
static bool equation_holds(const struct check_input *in, const char *text)
{
	int64_t left = 0, sum = 0, sign = 1;
	bool first = true;

	for (const char *p = text; *p; p += *p != 0) {
		size_t n = 0;
		while (p[n] && p[n] != '=' && p[n] != '+' && p[n] != '-')
			n++;
		int64_t v = value_of(in, p, n);
		if (first)
			left = v;
		else
			sum += sign * v;
		first = false;
		p += n;
		sign = *p == '-' ? -1 : 1;
		if (*p == 0)
			break;
	}
	return left == sum;
}

static int64_t rows_sum(const struct check_input *in, const char *name, int64_t columns)
{
	const struct field_def *f;
	const struct body_value *v = given_n(in, name, length(name), &f);
	struct bytes rest = v ? v->s : bytes_of(NULL, 0);
	struct body_row row;
	int64_t sum = 0;

	while (body_next_row(f, &rest, &row))
		for (unsigned i = 0; i < f->row->cols_n; i++)
			if ((columns >> i & 1) && (row.present >> i & 1))
				sum += row.v[i].i;
	return sum;
}

/* ---- dates and forms --------------------------------------------------------------------- */

static bool days_of(int64_t date, int32_t *ret)
{
	return date > 0 && date_to_days((uint32_t)date, ret);
}

/* The same day of a later month, or its last one. */
static uint32_t add_months(uint32_t date, int32_t months)
{
	uint32_t m = date / 100 % 100 - 1 + (uint32_t)months;
	uint32_t first = (date / 10000 + m / 12) * 10000 + (m % 12 + 1) * 100, day = date % 100;
	int32_t days;

	while (day > 28 && !date_to_days(first + day, &days))
		day--;
	return first + day;
}

/* 0: the dates do not tell. */
static uint32_t warranty_end(int64_t sale, int64_t made)
{
	int32_t days;

	if (sale == 0 && days_of(made, &days))
		sale = date_of_days(days + policy_defs[PV_MADE_GRACE_DAYS].value);
	return sale ? add_months((uint32_t)sale, policy_defs[PV_WARRANTY_MONTHS].value) : 0;
}

static bool all_of(struct bytes s, bool hex)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i] | 0x20;
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(hex && c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

/* The form of an id of that type. */
static bool id_form_ok(struct bytes s, int64_t type)
{
	switch (type) {
	case ID_IMEI:
		return imei_form_ok(s);
	case ID_IMEISV:
		return s.n == 16 && all_of(s, false);
	case ID_MEID: /* the first byte is at least A0 */
		return s.n == 14 && all_of(s, true) && s.p[0] > '9';
	case ID_ESN:
		return (s.n == 8 && all_of(s, true)) || (s.n == 11 && all_of(s, false));
	default:
		return s.n >= 4;
	}
}

static bool depreciation_is(const struct check_input *in, const struct check *c)
{
	const struct body_value *price = given(in, "price_fen"), *days = given(in, "days_used");
	const struct body_value *same = given(in, c->b), *a = given(in, c->a);
	int64_t want = 0;

	if (price && days && same && same->i)
		want = price->i * days->i * policy_defs[PV_DEPRECIATION_PER_MILLE].value / 1000;
	if (price && want > price->i)
		want = price->i;
	return a && a->i == want;
}

/* ---- one row ----------------------------------------------------------------------------- */

static bool approved(const struct event *ev)
{
	return ev->approver != 0 && ev->approver != ev->actor;
}

static bool differ(const struct body_value *a, const struct body_value *b)
{
	return a == NULL || b == NULL || a->i != b->i || !bytes_equal(a->s, b->s);
}

static bool date_is(const struct check_input *in, const struct check *c, const struct body_value *a)
{
	int64_t today = date_local(in->ev->occurred_at, in->ev->tz_offset_min);
	int32_t day, now;

	if (c->op == OP_NOT_LATER)
		return a == NULL || a->i <= today;
	return a == NULL || !days_of(a->i, &day) || !days_of(today, &now) || day - now >= c->n;
}

static bool case_holds(const struct check_input *in, const struct check *c, const struct body_value *a)
{
	static const struct case_state unopened;
	const struct case_state *st = in->st ? in->st : &unopened;
	uint32_t end;

	switch (c->op) {
	case OP_STATE_NOT:
		return st->state == 0 || !(c->n >> st->state & 1);
	case OP_ACTOR_IS_STAFF:
		return st->staff == 0 || in->ev->actor == st->staff;
	case OP_ACTOR_NOT_STAFF:
		return in->ev->actor != st->staff;
	case OP_APPROVER_NOT_STAFF:
		return in->ev->approver == 0 || in->ev->approver != st->staff;
	case OP_NOT_STAFF:
		return a == NULL || a->i != st->staff;
	case OP_KEPT_0:
	case OP_KEPT_1:
		return a == NULL || a->i == st->kept[c->op - OP_KEPT_0];
	case OP_KEPT_0_IN:
		return st->state != c->n || a == NULL || a->i == st->kept[0];
	case OP_SWAPPED:
		return a != NULL || (st->marks & MARK_SWAPPED) != 0;
	default: /* OP_IN_WARRANTY */
		end = warranty_end(st->sale_date, st->made_date);
		return end == 0 || st->opened_on <= end || (a != NULL && a->i >= st->opened_on);
	}
}

static bool holds(const struct check_input *in, const struct check *c)
{
	const struct body_value *a = c->op == OP_EQUATION ? NULL : given(in, c->a), *b = given(in, c->b);
	const struct event *ev = in->ev;

	switch (c->op) {
	case OP_GIVEN:
		return a != NULL || b != NULL;
	case OP_CUSTOMER:
		return a != NULL || ev->customer.n != 0;
	case OP_DEVICE:
		return a != NULL || ev->device.n != 0;
	case OP_APPROVER:
		return approved(ev);
	case OP_IS:
		return a != NULL && a->i == c->n;
	case OP_NOT_MORE:
		return a == NULL || b == NULL || a->i <= b->i;
	case OP_DIFFER:
		return differ(a, b);
	case OP_NOT_LATER:
	case OP_DAYS_AHEAD:
		return date_is(in, c, a);
	case OP_NOT_BEFORE:
		return a == NULL || a->i >= ev->occurred_at;
	case OP_EQUATION:
		return equation_holds(in, c->a);
	case OP_ROWS_SUM:
		return b == NULL || rows_sum(in, c->a, c->n) == b->i;
	case OP_ROWS_TOTAL:
		return rows_sum(in, c->a, c->n) == 100;
	case OP_ROWS_ZERO:
		return (rows_sum(in, c->a, c->n) == 0) == (b != NULL && b->i != 0);
	case OP_DEPRECIATION:
		return depreciation_is(in, c);
	case OP_ID_FORM:
		return a == NULL || b == NULL || id_form_ok(a->s, b->i);
	case OP_ID_DIGIT:
		return a == NULL || b == NULL || b->i != ID_IMEI || imei_ok(a->s);
	case OP_WARRANTY_END:
		return a == NULL ||
		       a->i == warranty_end(value_of(in, "sale_date", 9), value_of(in, "made_date", 9));
	default:
		return case_holds(in, c, a);
	}
}

static bool asked(const struct check_input *in, const struct check *c)
{
	const struct body_value *v;

	if (c->or_approver && approved(in->ev))
		return false;
	if (c->when == NULL)
		return true;
	if (c->when[0] == '#') /* when it has rows */
		return value_of(in, c->when, length(c->when)) > 0;
	v = given(in, c->when);
	return v != NULL && v->i == c->is;
}

static const struct check *rows_of(uint32_t kind)
{
	size_t lo = 0, hi = checks_count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (checks[mid].kind < kind)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &checks[lo];
}

const struct check *checks_failed(const struct check_input *in, bool of_case)
{
	const struct check *end = checks + checks_count;

	if (in->ev->imported)
		return NULL;
	for (const struct check *c = rows_of(in->kind->number); c < end && c->kind == in->kind->number; c++)
		if ((c->op >= OP_CASE) == of_case && asked(in, c) && !holds(in, c))
			return c;
	return NULL;
}

enum rule checks_approver_rule(uint32_t kind)
{
	const struct check *end = checks + checks_count;

	for (const struct check *c = rows_of(kind); c < end && c->kind == kind; c++)
		if (c->op == OP_APPROVER && c->when == NULL)
			return c->rule;
	return R_05;
}

bool checks_of_case(uint32_t kind)
{
	const struct check *end = checks + checks_count;

	for (const struct check *c = rows_of(kind); c < end && c->kind == kind; c++)
		if (c->op >= OP_CASE)
			return true;
	return false;
}
