#include "common/ledger/contribution.h"

#include "common/base/date.h"

#define CAUSE_NTF 28
#define TYPE_SUGGESTION 2

/* A cell's values being put together. */
struct adds {
	int64_t v[CELL_VALUES_MAX];
};

static void send(const struct cell_sink *sink, const struct cell_parts *parts, const struct adds *a, int sign)
{
	struct cell_key key;
	int64_t v[CELL_VALUES_MAX];

	if (sink == NULL || sink->add == NULL)
		return;
	cell_key_make(parts, &key);
	for (size_t i = 0; i < CELL_VALUES_MAX; i++)
		v[i] = sign * a->v[i];
	sink->add(sink->ctx, &key, v);
}

static struct cell_parts parts_of(enum cell_table table, const struct case_key *key,
				  const struct case_state *st, uint32_t day)
{
	struct cell_parts p = {.table = (uint8_t)table, .day = day};

	memcpy(p.branch, key->branch, sizeof p.branch);
	if (st->type == CASE_REPAIR) {
		p.code[0] = st->channel;
		p.code[1] = st->warranty;
		p.model = bytes_of(st->model, st->model_n);
	} else {
		p.code[0] = st->ctype;
		p.code[1] = st->category;
		p.code[2] = st->severity;
		p.code[3] = st->cchannel;
	}
	return p;
}

static void add_one(enum cell_table table, unsigned value, const struct case_key *key,
		    const struct case_state *st, uint32_t day, int sign, const struct cell_sink *sink)
{
	struct cell_parts p = parts_of(table, key, st, day);
	struct adds a = {{0}};

	a.v[value] = 1;
	send(sink, &p, &a, sign);
}

/* P-04: one entry into READY. Whole minutes since the opening at this branch; imported orders have no TAT. */
static void add_tat(const struct case_key *key, const struct case_state *st, const struct case_entry *e,
		    int sign, const struct cell_sink *sink)
{
	int64_t minutes = (e->occurred_at - st->opened_at) / DATE_MS_PER_MIN;
	struct cell_parts p = parts_of(CELL_TAT, key, st, e->business_date);
	struct adds a = {{0}};

	if (st->imported)
		return;
	if (minutes < 0)
		minutes = 0;
	a.v[TAT_FINISHED] = 1;
	a.v[TAT_MINUTES] = minutes;
	a.v[TAT_ON_TIME] = st->promised_at != 0 && e->occurred_at <= st->promised_at;
	a.v[TAT_SAME_DAY] = e->business_date == st->opened_on;
	send(sink, &p, &a, sign);

	p.table = CELL_TAT_HIST;
	p.bucket = cell_tat_bucket(minutes);
	a = (struct adds){.v = {[HIST_COUNT] = 1}};
	send(sink, &p, &a, sign);
}

/* P-08: one inspection. */
static void add_fault(const struct case_key *key, const struct case_state *st, const struct case_entry *e,
		      int sign, const struct cell_sink *sink)
{
	struct cell_parts p = parts_of(CELL_FAULTS, key, st, e->business_date);
	struct adds a = {{0}};

	p.code[0] = e->in.c[1];
	a.v[FAULT_COUNT] = 1;
	a.v[FAULT_NTF] = e->in.c[2] != 0 || e->in.c[1] == CAUSE_NTF;
	send(sink, &p, &a, sign);
}

static void add_complaint_received(const struct case_key *key, const struct case_state *st,
				   const struct case_entry *e, int sign, const struct cell_sink *sink)
{
	struct cell_parts p = parts_of(CELL_COMPLAINTS, key, st, e->business_date);
	struct adds a = {{0}};

	a.v[CMP_RECEIVED] = 1;
	a.v[CMP_SUGGESTIONS] = st->ctype == TYPE_SUGGESTION;
	send(sink, &p, &a, sign);
}

/* The flows that are one value of one table: the rows of P-01 and P-11. `from`: only out of this state. */
static const struct flow {
	uint16_t kind;
	uint8_t table, value, from;
} flows[] = {
    {REPAIR_RECEIVED, CELL_VOLUME, VOL_RECEIVED, 0},
    {REPAIR_TRANSFER_IN, CELL_VOLUME, VOL_TRANSFER_IN, 0},
    {REPAIR_REOPENED, CELL_VOLUME, VOL_REOPENED, 0},
    {REPAIR_CANCELLED, CELL_VOLUME, VOL_CANCELLED, 0},
    {REPAIR_TRANSFER_OUT, CELL_VOLUME, VOL_TRANSFER_OUT, 0},
    {REPAIR_DELIVERED, CELL_VOLUME, VOL_DELIVERED, 0},
    {COMPLAINT_CLOSED, CELL_COMPLAINTS, CMP_CLOSED, 0},
    {COMPLAINT_REOPENED, CELL_COMPLAINTS, CMP_REOPENED, CS_CLOSED},
    {COMPLAINT_WITHDRAWN, CELL_COMPLAINTS, CMP_WITHDRAWN, 0},
    {COMPLAINT_REJECTED, CELL_COMPLAINTS, CMP_REJECTED, 0},
};

void contribution_entry(const struct case_key *key, const struct case_state *st, const struct case_entry *e,
			int sign, const struct cell_sink *sink)
{
	if (e->status != ENTRY_APPLIED)
		return;
	switch (e->kind) {
	case QC_CHECKED:
		if (e->to == RS_READY) {
			add_one(CELL_VOLUME, VOL_FINISHED, key, st, e->business_date, sign, sink);
			add_tat(key, st, e, sign, sink);
		}
		return;
	case REPAIR_INSPECTED:
		add_fault(key, st, e, sign, sink);
		return;
	case COMPLAINT_RECEIVED:
		add_complaint_received(key, st, e, sign, sink);
		return;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++) {
		const struct flow *f = &flows[i];
		if (f->kind == e->kind && (f->from == 0 || f->from == e->from)) {
			add_one(f->table, f->value, key, st, e->business_date, sign, sink);
			return;
		}
	}
}

/* One due time: counted on its local date, in time when done not later. */
static void add_due(const struct case_key *key, const struct case_state *st, int64_t due, int64_t done,
		    unsigned due_value, unsigned on_time_value, int sign, const struct cell_sink *sink)
{
	struct cell_parts p = parts_of(CELL_COMPLAINT_TIMES, key, st, date_local(due, st->tz_offset_min));
	struct adds a = {{0}};

	a.v[due_value] = 1;
	a.v[on_time_value] = done <= due;
	send(sink, &p, &a, sign);
}

void contribution_case(const struct case_key *key, const struct case_state *st, int sign,
		       const struct cell_sink *sink)
{
	if (st->type != CASE_COMPLAINT)
		return;
	if (st->due[0] && !st->imported)
		add_due(key, st, st->due[0], st->done[0], CT_ACK_DUE, CT_ACK_ON_TIME, sign, sink);
	if (st->due[1])
		add_due(key, st, st->due[1], st->done[1], CT_REPLY_DUE, CT_REPLY_ON_TIME, sign, sink);
	if (st->due[2] == 0)
		return;
	add_due(key, st, st->due[2], st->done[2], CT_CLOSE_DUE, CT_CLOSE_ON_TIME, sign, sink);
	/* overdue and open: in when the close is due and the case has not ended, out when it ends */
	if (st->ended_at <= st->due[2])
		return;
	add_one(CELL_COMPLAINT_TIMES, CT_OVERDUE_IN, key, st, date_local(st->due[2], st->tz_offset_min), sign,
		sink);
	if (st->ended_at != INT64_MAX)
		add_one(CELL_COMPLAINT_TIMES, CT_OVERDUE_OUT, key, st,
			date_local(st->ended_at, st->tz_offset_min), sign, sink);
}

bool contribution_slice_differs(const struct case_state *a, const struct case_state *b)
{
	return a->channel != b->channel || a->warranty != b->warranty || a->model_n != b->model_n ||
	       memcmp(a->model, b->model, a->model_n) != 0;
}

bool contribution_case_differs(const struct case_state *a, const struct case_state *b)
{
	return a->type != b->type ||
	       (a->type == CASE_COMPLAINT && (a->done[0] != b->done[0] || a->done[1] != b->done[1] ||
					      a->done[2] != b->done[2] || a->ended_at != b->ended_at));
}
