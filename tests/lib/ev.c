#include "tests/lib/ev.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/body.h"

void ev_init(struct ev *e, uint8_t no)
{
	memset(e, 0, sizeof *e);
	memcpy(e->branch, "BJ01", 4);
	memset(e->case_id, no, 16);
	e->at = EV_T0;
	e->actor = 1001;
}

#define SCRATCH_MAX 160

static void set_row(struct body *b, const struct field_def *f, unsigned i, uint8_t *scratch);

/* scratch: SCRATCH_MAX bytes that live until the body is written. */
static void set_value(struct body *b, const struct field_def *f, unsigned i, const char *text,
		      uint8_t *scratch)
{
	switch (f->type) {
	case FT_BYTES:
		memset(scratch, f->number, (size_t)f->max);
		body_set_bytes(b, i, bytes_of(scratch, (size_t)f->max));
		break;
	case FT_ROWS:
		set_row(b, f, i, scratch);
		break;
	case FT_TEXT:
	case FT_BRANCH:
		body_set_bytes(b, i, bytes_of_str(text));
		break;
	case FT_CODE_LIST:
		*scratch = (uint8_t)atoi(text);
		body_set_bytes(b, i, bytes_of(scratch, 1));
		b->v[i].i = 1;
		break;
	default:
		body_set_int(b, i, strtoll(text, NULL, 10));
	}
}

static const char *default_text(const struct field_def *f, char *out, size_t cap)
{
	switch (f->type) {
	case FT_TEXT:
		return "A100";
	case FT_BRANCH:
		return "SH01";
	case FT_TIME:
		snprintf(out, cap, "%lld", (long long)(EV_T0 + 3 * DATE_MS_PER_DAY));
		return out;
	case FT_DATE:
		return "20261124";
	case FT_STAFF:
		return "1001";
	case FT_CODE_SET:
		return "2"; /* code 1 */
	case FT_U32:
		snprintf(out, cap, "%lld", (long long)(f->min > 1 ? f->min : 1));
		return out;
	default:
		return "1";
	}
}

/* A list of one row with what is required. */
static void set_row(struct body *b, const struct field_def *f, unsigned i, uint8_t *scratch)
{
	struct body values = {0};
	struct body_row row = {0};
	uint8_t bytes[ROW_COLS_MAX][SCRATCH_MAX];
	char text[ROW_COLS_MAX][24];
	size_t n = 0;

	for (unsigned c = 0; c < f->row->cols_n; c++)
		if (f->row->cols[c].flags & FF_REQUIRED)
			set_value(&values, &f->row->cols[c], c,
				  default_text(&f->row->cols[c], text[c], sizeof text[c]), bytes[c]);
	row.present = values.present;
	memcpy(row.v, values.v, sizeof row.v);
	as_err err = body_add_row(f, scratch, SCRATCH_MAX, &n, &row);
	as_assert(err == AS_OK);
	body_set_bytes(b, i, bytes_of(scratch, n));
	b->v[i].i = 1;
}

void ev_make(struct ev *e, uint32_t kind, const char *values)
{
	const struct kind_def *k = kind_of(kind);
	struct body b = {0};
	uint8_t bytes[KIND_FIELDS_MAX][SCRATCH_MAX];
	char copy[512], fallback[KIND_FIELDS_MAX][24], *save = NULL;
	size_t n = 0;
	int bad;

	snprintf(copy, sizeof copy, "%s", values);
	for (char *item = strtok_r(copy, " ", &save); item && k; item = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(item, '=');
		as_assert(eq != NULL);
		*eq = 0;
		int i = kind_field_index(k, bytes_of_str(item));
		as_assert(i >= 0);
		set_value(&b, &k->fields[i], (unsigned)i, eq + 1, bytes[i]);
	}
	for (unsigned i = 0; k && i < k->fields_n; i++) {
		const struct field_def *f = &k->fields[i];
		if (!body_has(&b, i) && !(f->flags & FF_PERSONAL) &&
		    (f->flags & (FF_REQUIRED | (e->imported ? 0 : FF_LIVE_REQUIRED))))
			set_value(&b, f, i, default_text(f, fallback[i], sizeof fallback[i]), bytes[i]);
	}
	if (k) {
		as_err err = body_encode(k, BODY_FACTS, &b, e->body, sizeof e->body, &n, &bad);
		as_assert(err == AS_OK);
	}
	e->serial++;
	memcpy(e->id, e->case_id, 16);
	if (e->opened)
		put_be32(e->id + 12, e->serial);
	put_be64(e->salt, e->serial);
	e->head = (struct event){
	    .event_id = bytes_of(e->id, 16),
	    .salt = bytes_of(e->salt, 16),
	    .case_id = e->opened ? bytes_of(e->case_id, 16) : bytes_of(NULL, 0),
	    .kind = kind,
	    .business_date = e->date ? e->date : date_local(e->at, 480),
	    .occurred_at = e->at,
	    .recorded_at = e->at,
	    .tz_offset_min = 480,
	    .actor = e->actor,
	    .approver = e->approver,
	    .imported = e->imported,
	    .body = bytes_of(e->body, n),
	};
	as_err err = event_encode(&e->head, e->raw, sizeof e->raw, &e->n);
	as_assert(err == AS_OK);
	memset(e->leaf, 0, sizeof e->leaf);
	put_be32(e->leaf, e->serial);
	e->opened = true;
}

void ev_rec_init(struct case_rec *rec, const struct ev *e)
{
	struct case_key key;

	memcpy(key.branch, e->branch, sizeof key.branch);
	memcpy(key.id, e->case_id, 16);
	case_rec_init(rec, &key, NULL, 0);
}

void ev_rec_done(struct case_rec *rec)
{
	free(rec->entries);
	memset(rec, 0, sizeof *rec);
}

enum entry_status ev_apply_at(struct ev *e, struct case_rec *rec, uint8_t inc, uint64_t index,
			      const struct cell_sink *sink)
{
	struct place at = {.inc_number = inc, .index = index, .cls = 1};
	enum entry_status status;
	struct event ev;

	memset(at.inc_id, inc, sizeof at.inc_id);
	if (rec->n == rec->cap && rec->cap < CASE_EVENTS_MAX) {
		uint32_t cap = rec->cap ? 2 * rec->cap : 16;
		rec->cap = cap < CASE_EVENTS_MAX ? cap : CASE_EVENTS_MAX;
		rec->entries = realloc(rec->entries, rec->cap * sizeof *rec->entries);
		as_assert(rec->entries != NULL);
	}
	as_err err = event_decode(bytes_of(e->raw, e->n), &ev);
	as_assert(err == AS_OK);
	err = ledger_apply(rec, &ev, &at, e->leaf, sink, &status);
	as_assert(err == AS_OK);
	return status;
}

enum entry_status ev_apply(struct ev *e, struct case_rec *rec, uint8_t inc, const struct cell_sink *sink,
			   uint32_t kind, const char *values)
{
	ev_make(e, kind, values);
	return ev_apply_at(e, rec, inc, rec->n + rec->over, sink);
}
