#include "tests/lib/gen_orders.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/body.h"
#include "common/ledger/deadline.h"
#include "common/ledger/transitions.h"

static const char *const models[] = {"A100", "A200", "V8", "T720 星空", "Unknown"};

/* What plausibly comes next, with weights. */
static const struct next {
	uint8_t type, state;
	uint16_t kind;
	uint8_t weight;
} nexts[] = {
    {CASE_REPAIR, RS_RECEIVED, REPAIR_INSPECTED, 20},
    {CASE_REPAIR, RS_RECEIVED, REPAIR_HELD, 1},
    {CASE_REPAIR, RS_RECEIVED, REPAIR_CANCELLED, 1},
    {CASE_REPAIR, RS_RECEIVED, REPAIR_TRANSFER_OUT, 1},
    {CASE_REPAIR, RS_INSPECTED, REPAIR_QUOTED, 8},
    {CASE_REPAIR, RS_INSPECTED, REPAIR_ASSIGNED, 8},
    {CASE_REPAIR, RS_INSPECTED, REPAIR_DONE, 2},
    {CASE_REPAIR, RS_INSPECTED, RETURN_TO_FACTORY, 1},
    {CASE_REPAIR, RS_QUOTED, QUOTE_ANSWERED, 12},
    {CASE_REPAIR, RS_QUOTED, REPAIR_ASSIGNED, 12},
    {CASE_REPAIR, RS_QUOTED, REPAIR_QUOTED, 2},
    {CASE_REPAIR, RS_QUOTED, REPAIR_DONE, 4},
    {CASE_REPAIR, RS_QUOTED, REPAIR_CANCELLED, 1},
    {CASE_REPAIR, RS_ASSIGNED, REPAIR_STARTED, 20},
    {CASE_REPAIR, RS_ASSIGNED, REPAIR_ASSIGNED, 2},
    {CASE_REPAIR, RS_IN_REPAIR, REPAIR_DONE, 20},
    {CASE_REPAIR, RS_IN_REPAIR, REPAIR_HELD, 4},
    {CASE_REPAIR, RS_IN_REPAIR, RETURN_TO_FACTORY, 1},
    {CASE_REPAIR, RS_ON_HOLD, REPAIR_RESUMED, 12},
    {CASE_REPAIR, RS_ON_HOLD, REPAIR_TRANSFER_OUT, 1},
    {CASE_REPAIR, RS_AT_FACTORY, BACK_FROM_FACTORY, 1},
    {CASE_REPAIR, RS_DONE, QC_CHECKED, 1},
    {CASE_REPAIR, RS_READY, REPAIR_DELIVERED, 16},
    {CASE_REPAIR, RS_READY, CUSTOMER_NOTIFIED, 8},
    {CASE_REPAIR, RS_READY, REPAIR_REOPENED, 1},
    {CASE_COMPLAINT, CS_RECEIVED, COMPLAINT_ACKED, 16},
    {CASE_COMPLAINT, CS_RECEIVED, COMPLAINT_ASSIGNED, 4},
    {CASE_COMPLAINT, CS_RECEIVED, COMPLAINT_REPLIED, 4}, /* imported */
    {CASE_COMPLAINT, CS_RECEIVED, COMPLAINT_WITHDRAWN, 1},
    {CASE_COMPLAINT, CS_RECEIVED, COMPLAINT_REJECTED, 1},
    {CASE_COMPLAINT, CS_IN_PROGRESS, COMPLAINT_REPLIED, 12},
    {CASE_COMPLAINT, CS_IN_PROGRESS, COMPLAINT_FORWARDED, 4},
    {CASE_COMPLAINT, CS_IN_PROGRESS, COMPLAINT_ESCALATED, 2},
    {CASE_COMPLAINT, CS_IN_PROGRESS, COMPLAINT_EXTENDED, 2},
    {CASE_COMPLAINT, CS_IN_PROGRESS, COMPLAINT_ACKED, 2},
    {CASE_COMPLAINT, CS_IN_PROGRESS, COMPLAINT_WITHDRAWN, 1},
    {CASE_COMPLAINT, CS_FORWARDED, COMPLAINT_ASSIGNED, 4},
    {CASE_COMPLAINT, CS_FORWARDED, COMPLAINT_REPLIED, 1},
    {CASE_COMPLAINT, CS_REPLIED, COMPLAINT_CLOSED, 12},
    {CASE_COMPLAINT, CS_REPLIED, COMPLAINT_REOPENED, 1},
    {CASE_COMPLAINT, CS_CLOSED, COMPLAINT_REOPENED, 1},
    {CASE_CONSULT, CONSULT_ANSWERED, CONSULT_CONVERTED, 1},
    {CASE_CONSULT, CONSULT_PENDING, CONSULT_REPLIED, 4},
    {CASE_CONSULT, CONSULT_PENDING, CONSULT_CONVERTED, 1},
    {CASE_CONSULT, CONSULT_REPLY_GIVEN, CONSULT_CONVERTED, 1},
    {CASE_FOLLOWUP, FS_PLANNED, FOLLOWUP_ATTEMPTED, 4},
    {CASE_FOLLOWUP, FS_PLANNED, FOLLOWUP_DONE, 2},
    {CASE_FOLLOWUP, FS_ATTEMPTED, FOLLOWUP_ATTEMPTED, 4},
    {CASE_FOLLOWUP, FS_ATTEMPTED, FOLLOWUP_DONE, 2},
    {CASE_FOLLOWUP, FS_ATTEMPTED, FOLLOWUP_DECLINED, 1},
    {CASE_FOLLOWUP, FS_ATTEMPTED, FOLLOWUP_GIVEN_UP, 2},
    {CASE_CUSTOMER, CUS_ACTIVE, CUSTOMER_CHANGED, 4},
    {CASE_CUSTOMER, CUS_ACTIVE, CUSTOMER_VERIFIED, 2},
    {CASE_CUSTOMER, CUS_ACTIVE, CUSTOMER_ERASED, 1},
    {CASE_DEVICE, DEV_REGISTERED, DEVICE_VERIFIED, 4},
    {CASE_DEVICE, DEV_REGISTERED, OWNER_LINKED, 2},
    {CASE_DEVICE, DEV_VERIFIED, OWNER_LINKED, 2},
    {CASE_DEVICE, DEV_VERIFIED, OWNER_UNLINKED, 2},
    {CASE_DEVICE, DEV_VERIFIED, DEVICE_CHANGED, 1},
    {CASE_DEVICE, DEV_MISMATCHED, DEVICE_VERIFIED, 4},
    {CASE_DAY, DS_OPEN, DAY_PLAN_SET, 4},
    {CASE_DAY, DS_OPEN, DAY_PLAN_AMENDED, 2},
    {CASE_DAY, DS_OPEN, HANDOVER, 1},
    {CASE_DAY, DS_OPEN, MACHINE_COUNTED, 3},
    {CASE_DAY, DS_COUNTED, MACHINE_COUNTED, 3},
    {CASE_DAY, DS_COUNTED, DAY_CLOSED, 3},
    {CASE_SHIPMENT, SHIP_REQUESTED, PARTS_SHIPPED, 2},
    {CASE_SHIPMENT, SHIP_REQUESTED, PARTS_ARRIVED, 1},
    {CASE_SHIPMENT, SHIP_SHIPPED, PARTS_ARRIVED, 1},
    {CASE_SHIPMENT, SHIP_SHORT, SHIPMENT_RESOLVED, 1},
    {CASE_HAZARD, HAZ_FOUND, HAZARD_FIXED, 1},
    {CASE_HAZARD, HAZ_FIXED, HAZARD_VERIFIED, 1},
    {CASE_EXTERNAL, EXT_OPEN, EXTERNAL_CASE, 1},
    {CASE_EXTERNAL, EXT_ANSWERED, EXTERNAL_CASE, 1},
    {CASE_CLAIM, CLAIM_MADE, WARRANTY_CLAIM, 1},
    {CASE_STAFF, STAFF_ACTIVE, STAFF_CHANGED, 4},
    {CASE_STAFF, STAFF_ACTIVE, STAFF_PROPOSAL, 2},
    {CASE_STAFF, STAFF_ACTIVE, STAFF_LEFT, 1},
    {CASE_ASSESSMENT, ASM_SCHEME, ASSESSMENT_SCORED, 1},
    {CASE_ASSESSMENT, ASM_FIRST, ASSESSMENT_SCORED, 1},
    {CASE_ASSESSMENT, ASM_SECOND, ASSESSMENT_CONFIRMED, 1},
};

/* What opens the other cases; plain facts of every group. */
static const uint16_t others[] = {
    CONSULT_RECEIVED,  FOLLOWUP_PLANNED, CUSTOMER_ADDED, CUSTOMER_ACCESSED,
    DEVICE_REGISTERED, DAY_OPENED,	 PART_REQUESTED, PARTS_SHIPPED,
    PARTS_ARRIVED,     PART_CONSUMED,	 STOCK_ADJUSTED, SAFETY_CHECK,
    HAZARD_FOUND,      SAFETY_INCIDENT,	 PROMOTION_DONE, EXTERNAL_CASE,
    WARRANTY_CLAIM,    STAFF_JOINED,	 SHIFT,		 ASSESSMENT_SCHEME,
};

/* What happens to repair orders beside their states. */
static const uint16_t asides[] = {LOANER_OUT, LOANER_BACK, DOA_DAP_CERTIFIED, EXCHANGE_DONE, REFUND_DONE};

static bool chance(struct rng *r, unsigned per_mille)
{
	return per_mille && rng_below(r, 1000) < per_mille;
}

static bool is_over(const struct case_state *st)
{
	if (st->type == CASE_REPAIR)
		return st->state >= RS_DELIVERED;
	return st->state == CS_WITHDRAWN || st->state == CS_REJECTED;
}

static uint32_t pick_next(const struct case_state *st, struct rng *r)
{
	unsigned sum = 0;

	for (size_t i = 0; i < AS_COUNT(nexts); i++)
		if (nexts[i].type == st->type && nexts[i].state == st->state)
			sum += nexts[i].weight;
	if (sum == 0)
		return 0;
	unsigned at = (unsigned)rng_below(r, sum);
	for (size_t i = 0; i < AS_COUNT(nexts); i++) {
		if (nexts[i].type != st->type || nexts[i].state != st->state)
			continue;
		if (at < nexts[i].weight)
			return nexts[i].kind;
		at -= nexts[i].weight;
	}
	return 0;
}

#define SCRATCH_MAX 160

static void fill_field(const struct kind_def *kind, unsigned i, const struct case_state *st, struct rng *r,
		       int64_t now_ms, struct body *b, uint8_t *scratch);

/* A list of one row with what is required. */
static void fill_rows(const struct field_def *f, unsigned i, struct rng *r, int64_t now_ms, struct body *b,
		      uint8_t *scratch)
{
	const struct kind_def columns = {.fields = f->row->cols, .fields_n = f->row->cols_n};
	uint8_t bytes[SCRATCH_MAX];
	struct body values = {0};
	struct body_row row;
	size_t n = 0;

	for (unsigned c = 0; c < f->row->cols_n; c++)
		if (f->row->cols[c].flags & FF_REQUIRED)
			fill_field(&columns, c, NULL, r, now_ms, &values, bytes);
	row.present = values.present;
	memcpy(row.v, values.v, sizeof row.v);
	as_err err = body_add_row(f, scratch, SCRATCH_MAX, &n, &row);
	as_assert(err == AS_OK);
	body_set_bytes(b, i, bytes_of(scratch, n));
	b->v[i].i = 1;
}

/* A plausible value of a field; codes are drawn from the list. scratch: SCRATCH_MAX bytes. */
static void fill_field(const struct kind_def *kind, unsigned i, const struct case_state *st, struct rng *r,
		       int64_t now_ms, struct body *b, uint8_t *scratch)
{
	const struct field_def *f = &kind->fields[i];
	const char *model;

	switch (f->type) {
	case FT_CODE:
		body_set_int(b, i, f->codes->codes[rng_below(r, f->codes->count)].number);
		break;
	case FT_CODE_SET:
		body_set_int(b, i, 1 << f->codes->codes[rng_below(r, f->codes->count)].number);
		break;
	case FT_CODE_LIST:
		scratch[0] = (uint8_t)f->codes->codes[rng_below(r, f->codes->count)].number;
		body_set_bytes(b, i, bytes_of(scratch, 1));
		b->v[i].i = 1;
		break;
	case FT_BOOL:
		body_set_int(b, i, rng_below(r, 8) != 0);
		break;
	case FT_U32:
		body_set_int(b, i, f->min + (int64_t)rng_below(r, (uint64_t)(f->max - f->min + 1)));
		break;
	case FT_MONEY:
		body_set_int(b, i, (int64_t)rng_below(r, 3) * 5000);
		break;
	case FT_DATE:
		body_set_int(b, i, date_local(now_ms, 480));
		break;
	case FT_TIME:
		body_set_int(b, i, now_ms + (int64_t)rng_below(r, 5) * DATE_MS_PER_DAY);
		break;
	case FT_STAFF:
		body_set_int(b, i, 1000 + (int64_t)rng_below(r, 4));
		break;
	case FT_BRANCH:
		body_set_bytes(b, i, bytes_of_str("SH01"));
		break;
	case FT_TEXT:
		model = models[rng_below(r, AS_COUNT(models))];
		body_set_bytes(b, i, bytes_of_str((int64_t)strlen(model) > f->max ? "A1" : model));
		break;
	case FT_I64:
		body_set_int(b, i, f->min + (int64_t)rng_below(r, 100));
		break;
	case FT_BYTES:
		if (!(f->flags & FF_REQUIRED))
			break;
		rng_fill(r, scratch, (size_t)f->max);
		body_set_bytes(b, i, bytes_of(scratch, (size_t)f->max));
		break;
	case FT_ROWS:
		if (f->flags & FF_REQUIRED)
			fill_rows(f, i, r, now_ms, b, scratch);
		break;
	default:
		break;
	}
	(void)st;
}

/* The few values that must fit the state for the event to be legal. */
static void fit(uint32_t kind, const struct case_state *st, struct rng *r, struct body *b, int64_t now_ms,
		int32_t tz)
{
	struct deadlines due;

	switch (kind) {
	case REPAIR_STARTED:
		body_set_int(b, 0, st->technician ? st->technician : 1000);
		break;
	case REPAIR_INSPECTED:
		body_set_int(b, 2, rng_below(r, 10) == 0);
		break;
	case REPAIR_DONE:
		if (st->state == RS_QUOTED)
			body_set_int(b, 0, 8);
		else if (st->state == RS_INSPECTED && !st->imported)
			body_set_int(b, 0, 5 + (int64_t)rng_below(r, 3));
		else
			body_set_int(b, 0, 1 + (int64_t)rng_below(r, 10));
		break;
	case QC_CHECKED:
		body_set_int(b, 1, 2000);
		break;
	case COMPLAINT_RECEIVED:
		body_set_int(b, 0, 1 + (rng_below(r, 5) == 0));
		if (deadline_complaint(&deadline_default, (uint32_t)b->v[3].i, now_ms, tz, NULL, &due)) {
			body_set_int(b, 4, due.ack_due);
			body_set_int(b, 5, due.reply_due);
			body_set_int(b, 6, due.close_due);
		}
		break;
	case COMPLAINT_ESCALATED:
		body_set_int(b, 0, st->level < 4 ? st->level + 1 : 4);
		break;
	case COMPLAINT_REPLIED:
		body_set_int(b, 0, st->state != CS_FORWARDED && rng_below(r, 4) != 0);
		break;
	case EXTERNAL_CASE:
	case WARRANTY_CLAIM:
		body_set_int(b, 0, st->type ? 2 + (int64_t)rng_below(r, 2) : 1);
		break;
	case ASSESSMENT_SCORED:
		body_set_int(b, 0, st->state == ASM_FIRST ? 2 : 1);
		break;
	default:
		break;
	}
}

/*
 * Optional fields that a kind got later are left alone: each one drawn would move every seed's story, those
 * of the regressions too.
 */
static unsigned fields_drawn(const struct kind_def *k)
{
	return k->number == REPAIR_INSPECTED ? 7 : k->number == REPAIR_DONE ? 5 : k->fields_n;
}

static size_t make_body(uint32_t kind, const struct case_state *st, struct rng *r, int64_t now_ms, int32_t tz,
			bool imported, uint8_t *out, size_t cap)
{
	const struct kind_def *k = kind_of(kind);
	struct body b = {0};
	uint8_t scratch[KIND_FIELDS_MAX][SCRATCH_MAX];
	size_t n = 0;
	int bad;

	if (k == NULL)
		return 0;
	for (unsigned i = 0; i < fields_drawn(k); i++) {
		const struct field_def *f = &k->fields[i];
		if (f->flags & FF_PERSONAL)
			continue;
		if ((f->flags & FF_REQUIRED) || (!imported && (f->flags & FF_LIVE_REQUIRED)) ||
		    rng_below(r, 4) == 0)
			fill_field(k, i, st, r, now_ms, &b, scratch[i]);
	}
	fit(kind, st, r, &b, now_ms, tz);
	as_err err = body_encode(k, BODY_FACTS, &b, out, cap, &n, &bad);
	as_assert(err == AS_OK);
	return n;
}

void gen_init(struct gen *g, const char *branch, const struct gen_opts *opts)
{
	memset(g, 0, sizeof *g);
	memcpy(g->branch, branch, strlen(branch) < BRANCH_CODE_MAX ? strlen(branch) : BRANCH_CODE_MAX);
	g->opts = *opts;
	if (g->opts.open_max == 0 || g->opts.open_max > GEN_OPEN_MAX)
		g->opts.open_max = g->opts.open_max ? GEN_OPEN_MAX : 16;
	if (g->opts.tz_offset_min == 0)
		g->opts.tz_offset_min = 480;
}

void gen_forget(struct gen *g)
{
	g->open_n = 0;
}

/* UUIDv7: time, then random. */
static void make_id(struct rng *r, int64_t now_ms, uint8_t id[16])
{
	uint8_t t[8];

	rng_fill(r, id, 16);
	put_be64(t, (uint64_t)now_ms);
	memcpy(id, t + 2, 6);
	id[6] = (uint8_t)(0x70 | (id[6] & 15));
	id[8] = (uint8_t)(0x80 | (id[8] & 63));
}

static void drop(struct gen *g, uint32_t i)
{
	g->open[i] = g->open[--g->open_n];
}

/* Would it be applied? Moves the case's state on when so. */
static bool follow(struct gen_case *c, const struct gen *g, const struct event *ev)
{
	struct case_entry entry;
	struct case_rec rec;
	struct case_key key;
	static const uint8_t leaf[32];
	enum entry_status status;

	if (!ledger_case_of(ev, g->branch, &key))
		return false;
	case_rec_init(&rec, &key, &entry, 1);
	rec.state = c->st;
	if (ledger_apply(&rec, ev, &(struct place){.inc_number = 1}, leaf, NULL, &status))
		return false;
	c->st = rec.state;
	return status == ENTRY_APPLIED;
}

static uint32_t pick_kind(struct gen *g, struct rng *r, const struct gen_case *c)
{
	if (chance(r, g->opts.unknown_pm))
		return 180 + (uint32_t)rng_below(r, 5);
	if (g->opts.other_pm && c->st.type == CASE_REPAIR && chance(r, 60))
		return asides[rng_below(r, AS_COUNT(asides))];
	if (chance(r, g->opts.illegal_pm)) {
		if (g->opts.other_pm) {
			const struct kind_def *k = kind_at(rng_below(r, kinds_count()));
			if (!(k->flags & KF_SYSTEM))
				return k->number;
		}
		uint32_t any = (uint32_t)rng_below(r, 29);
		return any < 18 ? REPAIR_RECEIVED + any : COMPLAINT_RECEIVED + any - 18;
	}
	return pick_next(&c->st, r);
}

void gen_next(struct gen *g, struct rng *r, int64_t now_ms, struct gen_event *out)
{
	uint8_t body[512], personal[320], commitment[32], id[16], salt[16];
	char label[LABEL_BYTES_MAX];
	struct event ev = {.occurred_at = now_ms, .recorded_at = now_ms + (int64_t)rng_below(r, 2000)};
	struct gen_case *c;
	size_t n;
	bool opens = g->open_n < g->opts.open_max && (g->open_n == 0 || rng_below(r, 5) == 0);

	if (opens) {
		c = &g->open[g->open_n];
		memset(c, 0, sizeof *c);
		ev.imported = chance(r, g->opts.imported_pm);
		ev.kind = chance(r, g->opts.other_pm)	    ? others[rng_below(r, AS_COUNT(others))]
			  : chance(r, g->opts.complaint_pm) ? COMPLAINT_RECEIVED
			  : rng_below(r, 20) == 0	    ? REPAIR_TRANSFER_IN
							    : REPAIR_RECEIVED;
	} else {
		uint32_t i = (uint32_t)rng_below(r, g->open_n);
		c = &g->open[i];
		if (c->last_n && chance(r, g->opts.repeat_pm)) {
			out->n = c->last_n;
			memcpy(out->raw, c->last, c->last_n);
			out->legal = false;
			as_err err = event_decode(bytes_of(out->raw, out->n), &ev);
			as_assert(err == AS_OK);
			out->kind = ev.kind;
			memcpy(out->event_id, ev.event_id.p, 16);
			ledger_case_of(&ev, g->branch, &out->key);
			return;
		}
		ev.imported = c->st.imported;
		ev.kind = pick_kind(g, r, c);
		if (ev.kind == 0) { /* nothing plausible is left */
			drop(g, i);
			gen_next(g, r, now_ms, out);
			return;
		}
		ev.case_id = bytes_of(c->id, 16);
	}
	make_id(r, now_ms, id);
	rng_fill(r, salt, sizeof salt);
	ev.event_id = bytes_of(id, 16);
	ev.salt = bytes_of(salt, 16);
	ev.tz_offset_min = g->opts.tz_offset_min;
	ev.business_date = date_local(now_ms, g->opts.tz_offset_min);
	ev.actor = 1000 + (uint32_t)rng_below(r, 5);
	ev.post = 8;
	ev.policy_ver = 1;
	if (ev.kind == COMPLAINT_EXTENDED)
		ev.approver = 1;
	n = make_body(ev.kind, &c->st, r, now_ms, ev.tz_offset_min, ev.imported, body, sizeof body);
	if (chance(r, g->opts.damaged_pm)) {
		body[0] = 0x0f; /* a group: never valid */
		n = n ? n : 1;
	}
	ev.body = bytes_of(body, n);
	if (opens) {
		n = (size_t)snprintf(label, sizeof label, "%.8s%u%04u", g->branch, ev.business_date,
				     ++g->serial % 10000);
		ev.label = bytes_of(label, n);
		memcpy(c->id, id, 16);
	}
	if (chance(r, g->opts.personal_pm)) {
		rng_fill(r, personal, sizeof personal);
		rng_fill(r, commitment, sizeof commitment);
		ev.personal = bytes_of(personal, 64 * (1 + rng_below(r, 5)));
		ev.commitment = bytes_of(commitment, 32);
	}
	as_err err = event_encode(&ev, out->raw, sizeof out->raw, &n);
	as_assert(err == AS_OK);
	out->n = (uint32_t)n;
	out->kind = ev.kind;
	memcpy(out->event_id, id, 16);
	ledger_case_of(&ev, g->branch, &out->key);
	out->legal = follow(c, g, &ev);
	memcpy(c->last, out->raw, n);
	c->last_n = (uint32_t)n;
	if (opens && c->st.type)
		g->open_n++;
	else if (!opens && (is_over(&c->st) || rng_below(r, 200) == 0))
		drop(g, (uint32_t)(c - g->open));
}
