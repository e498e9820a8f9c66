#include "common/ledger/case_rec.h"

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/base/pbwire.h"
#include "common/ledger/ledger.h"

#define TZ_OFFSET_MAX (18 * 60)

int place_cmp(const struct place *a, const struct place *b)
{
	int c;

	if (a->inc_number != b->inc_number)
		return a->inc_number < b->inc_number ? -1 : 1;
	if ((c = memcmp(a->inc_id, b->inc_id, sizeof a->inc_id)) != 0)
		return c;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return 0;
}

const char *entry_status_name(enum entry_status status)
{
	static const char *const names[ENTRY_STATUSES] = {"applied",	  "repeated", "undecodable",
							  "unknown-kind", "illegal",  "id-reused"};

	return status < ENTRY_STATUSES ? names[status] : "?";
}

void case_rec_init(struct case_rec *rec, const struct case_key *key, struct case_entry *entries, uint32_t cap)
{
	*rec = (struct case_rec){.key = *key, .entries = entries, .cap = cap};
}

as_err case_rec_reserve(struct case_rec *rec, uint32_t more, struct arena *a)
{
	uint32_t want = rec->n + more, cap = rec->cap ? rec->cap : 4;

	if (more > CASE_EVENTS_MAX || want > CASE_EVENTS_MAX)
		want = CASE_EVENTS_MAX;
	if (want <= rec->cap)
		return AS_OK;
	while (cap < want)
		cap *= 2;
	if (cap > CASE_EVENTS_MAX)
		cap = CASE_EVENTS_MAX;
	struct case_entry *entries = arena_take(a, cap * sizeof *entries);
	if (entries == NULL)
		return AS_ENOMEM;
	if (rec->n)
		memcpy(entries, rec->entries, rec->n * sizeof *entries);
	rec->entries = entries;
	rec->cap = cap;
	return AS_OK;
}

as_err case_rec_status(const struct case_rec *rec, const struct place *at, enum entry_status *ret)
{
	uint32_t lo = 0, hi = rec->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		int c = place_cmp(&rec->entries[mid].place, at);
		if (c == 0) {
			*ret = rec->entries[mid].status;
			return AS_OK;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return AS_ENOTFOUND;
}

/* ---- encoding: LEDGER_VERSION, n, over, then per entry ----------------------------------------------------
 *
 *	meta      varint: bit 0 same incarnation and class as the entry before, bits 1-3 status, bits 4-12 one
 *	          per slot of fold_input that is not zero
 *	[place]   class 1 byte, incarnation number varint, incarnation id 16      unless bit 0
 *	index     varint: less the one before and 1 when bit 0
 *	id, leaf  16 + 16
 *	kind varint, flags 1 byte
 *	date, time, tz offset: zigzag varints, differences from the entry before
 *	slots in order: c0-c3 1 byte, staff varint, t0-t2 zigzag, model length 1 byte and text
 */
enum { META_SAME = 1, META_STATUS_SHIFT = 1, META_SLOT_SHIFT = 4, META_LIMIT = 1 << 13 };

static uint32_t slots_of(const struct fold_input *in)
{
	uint32_t m = 0;

	for (unsigned i = 0; i < 4; i++)
		m |= (uint32_t)(in->c[i] != 0) << i;
	m |= (uint32_t)(in->staff != 0) << 4;
	for (unsigned i = 0; i < 3; i++)
		m |= (uint32_t)(in->t[i] != 0) << (5 + i);
	m |= (uint32_t)(in->model_n != 0) << 8;
	return m;
}

static bool same_log(const struct place *a, const struct place *b)
{
	return a->inc_number == b->inc_number && a->cls == b->cls && memcmp(a->inc_id, b->inc_id, 16) == 0;
}

static void put_u8(struct pb_writer *w, uint8_t v)
{
	pb_put_raw(w, &v, 1);
}

static void put_diff(struct pb_writer *w, int64_t now, int64_t before)
{
	pb_put_varint(w, pb_zigzag((int64_t)((uint64_t)now - (uint64_t)before)));
}

static void put_entry(struct pb_writer *w, const struct case_entry *e, const struct case_entry *prev)
{
	bool same = prev->place.inc_number != 0 && same_log(&e->place, &prev->place);
	uint32_t slots = slots_of(&e->in);

	pb_put_varint(w, (same ? META_SAME : 0u) | (uint32_t)e->status << META_STATUS_SHIFT |
			     slots << META_SLOT_SHIFT);
	if (!same) {
		put_u8(w, e->place.cls);
		pb_put_varint(w, e->place.inc_number);
		pb_put_raw(w, e->place.inc_id, 16);
	}
	pb_put_varint(w, same ? e->place.index - prev->place.index - 1 : e->place.index);
	pb_put_raw(w, e->id, 16);
	pb_put_raw(w, e->leaf, 16);
	pb_put_varint(w, e->kind);
	put_u8(w, e->flags);
	put_diff(w, e->business_date, prev->business_date);
	put_diff(w, e->occurred_at, prev->occurred_at);
	put_diff(w, e->tz_offset_min, prev->tz_offset_min);
	for (unsigned i = 0; i < 4; i++)
		if (slots >> i & 1)
			put_u8(w, e->in.c[i]);
	if (slots >> 4 & 1)
		pb_put_varint(w, e->in.staff);
	for (unsigned i = 0; i < 3; i++)
		if (slots >> (5 + i) & 1)
			pb_put_varint(w, pb_zigzag(e->in.t[i]));
	if (slots >> 8 & 1) {
		put_u8(w, e->in.model_n);
		pb_put_raw(w, e->in.model, e->in.model_n);
	}
}

as_err case_rec_encode(const struct case_rec *rec, uint8_t *out, size_t cap, size_t *ret_n)
{
	static const struct case_entry none;
	struct pb_writer w = pb_writer_of(out, cap);

	pb_put_varint(&w, LEDGER_VERSION);
	pb_put_varint(&w, rec->n);
	pb_put_varint(&w, rec->over);
	for (uint32_t i = 0; i < rec->n; i++)
		put_entry(&w, &rec->entries[i], i ? &rec->entries[i - 1] : &none);
	if (w.full)
		return AS_ETOOBIG;
	*ret_n = w.n;
	return AS_OK;
}

static bool get_raw(struct pb_reader *r, void *out, size_t n)
{
	if ((size_t)(r->end - r->p) < n)
		return false;
	memcpy(out, r->p, n);
	r->p += n;
	return true;
}

static bool get_upto(struct pb_reader *r, uint64_t max, uint64_t *ret)
{
	return pb_get_varint(r, ret) && *ret <= max;
}

static bool get_diff(struct pb_reader *r, int64_t before, int64_t *ret)
{
	uint64_t v;

	if (!pb_get_varint(r, &v))
		return false;
	*ret = (int64_t)((uint64_t)before + (uint64_t)pb_unzigzag(v));
	return true;
}

static bool get_place(struct pb_reader *r, bool same, const struct place *prev, struct place *p)
{
	uint64_t v;

	if (same) {
		if (prev->inc_number == 0)
			return false;
		*p = *prev;
	} else {
		if (!get_raw(r, &p->cls, 1) || !get_upto(r, UINT32_MAX, &v) || v == 0 ||
		    !get_raw(r, p->inc_id, 16))
			return false;
		p->inc_number = (uint32_t)v;
	}
	if (!pb_get_varint(r, &v))
		return false;
	if (same && v > UINT64_MAX - prev->index - 1)
		return false;
	p->index = same ? prev->index + 1 + v : v;
	return true;
}

static bool get_slots(struct pb_reader *r, uint32_t slots, struct fold_input *in)
{
	uint64_t v;

	for (unsigned i = 0; i < 4; i++)
		if ((slots >> i & 1) && (!get_raw(r, &in->c[i], 1) || in->c[i] == 0))
			return false;
	if (slots >> 4 & 1) {
		if (!get_upto(r, UINT32_MAX, &v) || v == 0)
			return false;
		in->staff = (uint32_t)v;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (!(slots >> (5 + i) & 1))
			continue;
		if (!pb_get_varint(r, &v) || v == 0)
			return false;
		in->t[i] = pb_unzigzag(v);
	}
	if (slots >> 8 & 1) {
		if (!get_raw(r, &in->model_n, 1) || in->model_n == 0 || in->model_n > MODEL_BYTES_MAX ||
		    !get_raw(r, in->model, in->model_n))
			return false;
	}
	return true;
}

static bool get_entry(struct pb_reader *r, const struct case_entry *prev, struct case_entry *e)
{
	uint64_t meta, kind;
	int64_t date, tz;
	int32_t days;

	*e = (struct case_entry){0};
	if (!get_upto(r, META_LIMIT - 1, &meta) ||
	    !get_place(r, (meta & META_SAME) != 0, &prev->place, &e->place) || !get_raw(r, e->id, 16) ||
	    !get_raw(r, e->leaf, 16) || !get_upto(r, UINT16_MAX, &kind) || !get_raw(r, &e->flags, 1) ||
	    !get_diff(r, prev->business_date, &date) || !get_diff(r, prev->occurred_at, &e->occurred_at) ||
	    !get_diff(r, prev->tz_offset_min, &tz) ||
	    !get_slots(r, (uint32_t)(meta >> META_SLOT_SHIFT), &e->in))
		return false;
	e->status = meta >> META_STATUS_SHIFT & 7;
	e->kind = (uint16_t)kind;
	if (e->status >= ENTRY_STATUSES || date < 0 || date > UINT32_MAX || tz < -TZ_OFFSET_MAX ||
	    tz > TZ_OFFSET_MAX || !date_to_days((uint32_t)date, &days))
		return false;
	e->business_date = (uint32_t)date;
	e->tz_offset_min = (int32_t)tz;
	return prev->place.inc_number == 0 || place_cmp(&prev->place, &e->place) < 0;
}

/* Folds and compares with what was stored. */
static bool statuses_hold(struct case_rec *rec)
{
	uint8_t stored[CASE_EVENTS_MAX];

	for (uint32_t i = 0; i < rec->n; i++)
		stored[i] = rec->entries[i].status;
	ledger_fold(rec);
	for (uint32_t i = 0; i < rec->n; i++)
		if (stored[i] != rec->entries[i].status)
			return false;
	return true;
}

as_err case_rec_decode(struct bytes raw, const struct case_key *key, uint32_t more, struct arena *a,
		       struct case_rec *ret_rec)
{
	static const struct case_entry none;
	struct pb_reader r = pb_reader_of(raw);
	struct case_rec rec;
	uint64_t version, n, over;
	as_err err;

	if (raw.n > CASE_REC_BYTES_MAX || !pb_get_varint(&r, &version))
		return AS_ECORRUPT;
	if (version != LEDGER_VERSION)
		return AS_EUNSUPPORTED;
	if (!get_upto(&r, CASE_EVENTS_MAX, &n) || !get_upto(&r, UINT32_MAX, &over))
		return AS_ECORRUPT;
	if (over && n < CASE_EVENTS_MAX)
		return AS_ECORRUPT;
	if (n * 39 > raw.n) /* an entry takes at least 39 bytes: no memory for what cannot be there */
		return AS_ECORRUPT;
	case_rec_init(&rec, key, NULL, 0);
	if ((err =
		 case_rec_reserve(&rec, (uint32_t)n + (more < CASE_EVENTS_MAX ? more : CASE_EVENTS_MAX), a)))
		return err;
	rec.over = (uint32_t)over;
	for (; rec.n < n; rec.n++)
		if (!get_entry(&r, rec.n ? &rec.entries[rec.n - 1] : &none, &rec.entries[rec.n]))
			return AS_ECORRUPT;
	if (r.p != r.end || !statuses_hold(&rec))
		return AS_ECORRUPT;
	*ret_rec = rec;
	return AS_OK;
}
