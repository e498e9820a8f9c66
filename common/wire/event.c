#include "common/wire/event.h"

#include "common/base/date.h"
#include "common/base/pbwire.h"
#include "common/base/text.h"

enum {
	F_EVENT_ID = 1,
	F_KIND,
	F_OCCURRED_AT,
	F_RECORDED_AT,
	F_TZ_OFFSET_MIN,
	F_BUSINESS_DATE,
	F_ACTOR,
	F_POST,
	F_CASE_ID,
	F_POLICY_VER,
	F_SALT,
	F_BODY,
	F_PERSONAL,
	F_COMMITMENT,
	F_LABEL,
	F_CASE_BRANCH,
	F_APPROVER,
	F_CORRECTS,
	F_CUSTOMER,
	F_DEVICE,
	F_IMPORTED,
	F_LATE,
	F_TIME_SUSPECT,
	F_LAST = F_TIME_SUSPECT,
};

#define TZ_OFFSET_MAX (18 * 60) /* minutes either way */
/* years 1900 to 2199 */
#define TIME_MS_MIN INT64_C(-2208988800000)
#define TIME_MS_MAX INT64_C(7258118400000)

bool branch_code_ok(struct bytes s)
{
	if (s.n < 2 || s.n > BRANCH_CODE_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	return true;
}

static bool is_label(struct bytes s)
{
	if (s.n > LABEL_BYTES_MAX || !text_utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool id_or_none(struct bytes s)
{
	return s.n == 0 || s.n == 16;
}

static bool time_ok(int64_t ms)
{
	return ms >= TIME_MS_MIN && ms <= TIME_MS_MAX;
}

static bool header_ok(const struct event *ev)
{
	int32_t days;

	return ev->event_id.n == 16 && ev->salt.n == 16 && id_or_none(ev->case_id) && ev->kind != 0 &&
	       date_to_days(ev->business_date, &days) && time_ok(ev->occurred_at) &&
	       time_ok(ev->recorded_at) && ev->tz_offset_min >= -TZ_OFFSET_MAX &&
	       ev->tz_offset_min <= TZ_OFFSET_MAX && (ev->personal.n == 0) == (ev->commitment.n == 0) &&
	       (ev->commitment.n == 0 || ev->commitment.n == 32) && is_label(ev->label) &&
	       (ev->case_branch.n == 0 || branch_code_ok(ev->case_branch)) && id_or_none(ev->corrects) &&
	       id_or_none(ev->customer) && id_or_none(ev->device);
}

static void put_bytes(struct pb_writer *w, uint32_t number, struct bytes s)
{
	if (s.n)
		pb_put_bytes(w, number, s);
}

static void put_uint(struct pb_writer *w, uint32_t number, uint64_t v)
{
	if (v)
		pb_put_uint(w, number, v);
}

as_err event_encode(const struct event *ev, uint8_t *out, size_t cap, size_t *ret_n)
{
	struct pb_writer w = pb_writer_of(out, cap < EVENT_BYTES_MAX ? cap : EVENT_BYTES_MAX);

	if (!header_ok(ev))
		return AS_EINVAL;
	put_bytes(&w, F_EVENT_ID, ev->event_id);
	put_uint(&w, F_KIND, ev->kind);
	pb_put_uint(&w, F_OCCURRED_AT, (uint64_t)ev->occurred_at);
	pb_put_uint(&w, F_RECORDED_AT, (uint64_t)ev->recorded_at);
	put_uint(&w, F_TZ_OFFSET_MIN, pb_zigzag(ev->tz_offset_min));
	put_uint(&w, F_BUSINESS_DATE, ev->business_date);
	put_uint(&w, F_ACTOR, ev->actor);
	put_uint(&w, F_POST, ev->post);
	put_bytes(&w, F_CASE_ID, ev->case_id);
	put_uint(&w, F_POLICY_VER, ev->policy_ver);
	put_bytes(&w, F_SALT, ev->salt);
	put_bytes(&w, F_BODY, ev->body);
	put_bytes(&w, F_PERSONAL, ev->personal);
	put_bytes(&w, F_COMMITMENT, ev->commitment);
	put_bytes(&w, F_LABEL, ev->label);
	put_bytes(&w, F_CASE_BRANCH, ev->case_branch);
	put_uint(&w, F_APPROVER, ev->approver);
	put_bytes(&w, F_CORRECTS, ev->corrects);
	put_bytes(&w, F_CUSTOMER, ev->customer);
	put_bytes(&w, F_DEVICE, ev->device);
	put_uint(&w, F_IMPORTED, ev->imported);
	put_uint(&w, F_LATE, ev->late);
	put_uint(&w, F_TIME_SUSPECT, ev->time_suspect);
	if (w.full)
		return AS_ETOOBIG;
	*ret_n = w.n;
	return AS_OK;
}

/* What a field of our table must look like on the wire; 0 = not in the table. */
static const uint8_t wire_types[F_LAST + 1] = {
    [F_EVENT_ID] = 1 + PB_LEN,
    [F_KIND] = 1 + PB_VARINT,
    [F_OCCURRED_AT] = 1 + PB_VARINT,
    [F_RECORDED_AT] = 1 + PB_VARINT,
    [F_TZ_OFFSET_MIN] = 1 + PB_VARINT,
    [F_BUSINESS_DATE] = 1 + PB_VARINT,
    [F_ACTOR] = 1 + PB_VARINT,
    [F_POST] = 1 + PB_VARINT,
    [F_CASE_ID] = 1 + PB_LEN,
    [F_POLICY_VER] = 1 + PB_VARINT,
    [F_SALT] = 1 + PB_LEN,
    [F_BODY] = 1 + PB_LEN,
    [F_PERSONAL] = 1 + PB_LEN,
    [F_COMMITMENT] = 1 + PB_LEN,
    [F_LABEL] = 1 + PB_LEN,
    [F_CASE_BRANCH] = 1 + PB_LEN,
    [F_APPROVER] = 1 + PB_VARINT,
    [F_CORRECTS] = 1 + PB_LEN,
    [F_CUSTOMER] = 1 + PB_LEN,
    [F_DEVICE] = 1 + PB_LEN,
    [F_IMPORTED] = 1 + PB_VARINT,
    [F_LATE] = 1 + PB_VARINT,
    [F_TIME_SUSPECT] = 1 + PB_VARINT,
};

/* False: a number outside its type. */
static bool take_field(struct event *ev, const struct pb_field *f)
{
	switch (f->number) {
	case F_EVENT_ID:
		ev->event_id = f->s;
		return true;
	case F_OCCURRED_AT:
		ev->occurred_at = (int64_t)f->v;
		return true;
	case F_RECORDED_AT:
		ev->recorded_at = (int64_t)f->v;
		return true;
	case F_CASE_ID:
		ev->case_id = f->s;
		return true;
	case F_SALT:
		ev->salt = f->s;
		return true;
	case F_BODY:
		ev->body = f->s;
		return true;
	case F_PERSONAL:
		ev->personal = f->s;
		return true;
	case F_COMMITMENT:
		ev->commitment = f->s;
		return true;
	case F_LABEL:
		ev->label = f->s;
		return true;
	case F_CASE_BRANCH:
		ev->case_branch = f->s;
		return true;
	case F_CORRECTS:
		ev->corrects = f->s;
		return true;
	case F_CUSTOMER:
		ev->customer = f->s;
		return true;
	case F_DEVICE:
		ev->device = f->s;
		return true;
	default:
		break;
	}
	if (f->v > UINT32_MAX)
		return false;
	switch (f->number) {
	case F_KIND:
		ev->kind = (uint32_t)f->v;
		return true;
	case F_TZ_OFFSET_MIN:
		ev->tz_offset_min = (int32_t)pb_unzigzag(f->v);
		return true;
	case F_BUSINESS_DATE:
		ev->business_date = (uint32_t)f->v;
		return true;
	case F_ACTOR:
		ev->actor = (uint32_t)f->v;
		return true;
	case F_POST:
		ev->post = (uint32_t)f->v;
		return true;
	case F_POLICY_VER:
		ev->policy_ver = (uint32_t)f->v;
		return true;
	case F_APPROVER:
		ev->approver = (uint32_t)f->v;
		return true;
	case F_IMPORTED:
		ev->imported = f->v != 0;
		return f->v <= 1;
	case F_LATE:
		ev->late = f->v != 0;
		return f->v <= 1;
	default: /* F_TIME_SUSPECT */
		ev->time_suspect = f->v != 0;
		return f->v <= 1;
	}
}

as_err event_decode(struct bytes raw, struct event *ret_ev)
{
	struct event ev = {0};
	struct pb_reader r = pb_reader_of(raw);
	struct pb_field f;
	unsigned unknown = 0, fields = 0;

	if (raw.n > EVENT_BYTES_MAX)
		return AS_ETOOBIG;
	while (r.p < r.end) {
		if (!pb_next(&r, &f) || ++fields > 2 * F_LAST + EVENT_UNKNOWN_MAX)
			return AS_EPROTO;
		if (f.number > F_LAST) {
			if (++unknown > EVENT_UNKNOWN_MAX)
				return AS_EPROTO;
			continue;
		}
		if (wire_types[f.number] != 1 + f.type || !take_field(&ev, &f))
			return AS_EPROTO;
	}
	if (!header_ok(&ev))
		return AS_EPROTO;
	*ret_ev = ev;
	return AS_OK;
}
