#include "common/report/report.h"

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/report/report_impl.h"
#include "common/report/volume.h"

#define MINUTES_PER_HOUR 60
#define MINUTES_PER_DAY (24 * 60)

/* P-08: class A until 80 % is reached, B until 95 % */
#define CLASS_A_PERCENT 80
#define CLASS_B_PERCENT 95

/* ---- order ------------------------------------------------------------------------------- */

static void sift(void **list, size_t at, size_t n, int (*cmp)(const void *a, const void *b))
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && cmp(list[child], list[child + 1]) < 0)
			child++;
		if (cmp(list[at], list[child]) >= 0)
			return;
		void *t = list[at];
		list[at] = list[child];
		list[child] = t;
	}
}

void report_sort(void **list, size_t n, int (*cmp)(const void *a, const void *b))
{
	for (size_t i = n / 2; i-- > 0;)
		sift(list, i, n, cmp);
	for (size_t i = n; i-- > 1;) {
		void *t = list[0];
		list[0] = list[i];
		list[i] = t;
		sift(list, 0, i, cmp);
	}
}

static int text_cmp(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int group_cmp(const void *pa, const void *pb)
{
	const struct report_group *a = pa, *b = pb;

	return text_cmp(bytes_of(a->text, a->n), bytes_of(b->text, b->n));
}

static int slot_by_group(const void *pa, const void *pb)
{
	const struct report_slot *a = pa, *b = pb;

	if (a->group->rank != b->group->rank)
		return a->group->rank < b->group->rank ? -1 : 1;
	return (a->period > b->period) - (a->period < b->period);
}

static int slot_by_period(const void *pa, const void *pb)
{
	const struct report_slot *a = pa, *b = pb;
	char an[21], bn[21];

	if (a->period != b->period)
		return a->period < b->period ? -1 : 1;
	if (a->group->rank != b->group->rank)
		return a->group->rank < b->group->rank ? -1 : 1;
	if (a->v[0] != b->v[0]) /* P-08, the only report with several slots here: the largest first */
		return a->v[0] > b->v[0] ? -1 : 1;
	return text_cmp(report_code_text(&codes_cause, a->code, an),
			report_code_text(&codes_cause, b->code, bn));
}

static int bucket_cmp(const void *pa, const void *pb)
{
	const struct report_bucket *a = pa, *b = pb;

	if (a->slot->rank != b->slot->rank)
		return a->slot->rank < b->slot->rank ? -1 : 1;
	return (a->bucket > b->bucket) - (a->bucket < b->bucket);
}

static void *take(struct report *r, size_t n)
{
	void *p = arena_take(r->arena, n);

	if (p == NULL)
		r->err = AS_ENOMEM;
	return p;
}

/* Groups by their keys; those of orders have no rows and stay out. */
static as_err order_groups(struct report *r)
{
	size_t n = 0;

	if ((r->group = take(r, r->groups_n * sizeof(void *))) == NULL)
		return r->err;
	for (struct report_group *g = r->groups_list; g; g = g->next)
		if (g->text[0] == MARK_ROWS)
			r->group[n++] = g;
	r->groups_n = n;
	report_sort((void **)r->group, n, group_cmp);
	for (size_t i = 0; i < n; i++)
		r->group[i]->rank = (uint32_t)i;
	return AS_OK;
}

static as_err order_slots(struct report *r)
{
	size_t n = 0;

	if ((r->slot = take(r, r->slots_n * sizeof(void *))) == NULL)
		return r->err;
	for (struct report_slot *s = r->slots_list; s; s = s->next)
		if (s->group->text[0] == MARK_ROWS)
			r->slot[n++] = s;
	r->slots_n = n;
	report_sort((void **)r->slot, n, r->q.def->balance ? slot_by_group : slot_by_period);
	for (size_t i = 0; i < n; i++)
		r->slot[i]->rank = i;
	return AS_OK;
}

/* P-04: each slot's times, ascending. */
static as_err order_times(struct report *r)
{
	struct report_bucket **list = take(r, r->buckets_n * sizeof(void *));
	size_t n = 0;

	r->times = take(r, r->buckets_n * sizeof *r->times);
	if (r->err)
		return r->err;
	for (struct report_bucket *b = r->buckets_list; b; b = b->next)
		list[n++] = b;
	report_sort((void **)list, n, bucket_cmp);
	for (size_t i = 0; i < n; i++) {
		struct report_slot *s = list[i]->slot;
		int64_t count = list[i]->count;

		r->times[i] = (struct weighted){cell_tat_minutes(list[i]->bucket), count > 0 ? count : 0};
		if (s->times_n++ == 0)
			s->times_at = i;
	}
	return AS_OK;
}

/* Each group's slots, and room for what was before the period at hand. */
static as_err order_balances(struct report *r)
{
	for (size_t i = 0; i < r->slots_n; i++) {
		struct report_group *g = r->slot[i]->group;
		if (g->slots_n++ == 0)
			g->slot = r->slot + i;
	}
	for (size_t i = 0; i < r->groups_n; i++) {
		struct report_group *g = r->group[i];
		if ((g->before = take(r, CELL_VALUES_MAX * sizeof g->before[0])) == NULL)
			return r->err;
		memset(g->before, 0, CELL_VALUES_MAX * sizeof g->before[0]);
		if (g->slots_n && g->slot[0]->period == PERIOD_BEFORE) {
			memcpy(g->before, g->slot[0]->v, r->width * sizeof g->before[0]);
			g->at = 1;
		}
	}
	return AS_OK;
}

/*
 * Rows of balances go from the first to the last date of the data, or from `from` to `to`; not beyond both
 * the data and today, for nothing is known of the days to come.
 */
static void set_periods(struct report *r)
{
	int32_t first = r->before ? r->from : r->first, last = r->last;

	if (!r->any && !r->before) {
		r->period = 1;
		r->period_last = 0;
		return;
	}
	if (r->q.to && r->as_of_max > last)
		last = r->as_of_max;
	if (last > r->to)
		last = r->to;
	if (last < first)
		last = first;
	r->period = period_of(r->q.period, first);
	r->period_last = period_of(r->q.period, last);
}

as_err report_finish(struct report *r)
{
	if (r->err || order_groups(r) || order_slots(r) || order_times(r))
		return r->err;
	if (r->q.def->balance && order_balances(r))
		return r->err;
	set_periods(r);
	return AS_OK;
}

/* ---- rows -------------------------------------------------------------------------------- */

/* P-01; columns in the order of the catalogue */
static void volume_values(const int64_t *before, const int64_t *flow, struct report_value *v)
{
	struct volume_row row;

	volume_row_make(before, flow, &row);
	v[0].n = row.opening_wip;
	v[1].n = flow[VOL_RECEIVED];
	v[2].n = flow[VOL_TRANSFER_IN];
	v[3].n = flow[VOL_REOPENED];
	v[4].n = flow[VOL_FINISHED];
	v[5].n = flow[VOL_CANCELLED];
	v[6].n = flow[VOL_TRANSFER_OUT];
	v[7].n = row.closing_wip;
	v[8].n = flow[VOL_DELIVERED];
	v[9].n = row.opening_custody;
	v[10].n = row.closing_custody;
}

/* P-04 */
static void tat_values(const struct report *r, const struct report_slot *s, struct report_value *v)
{
	static const int64_t bounds[] = {MINUTES_PER_HOUR,     4 * MINUTES_PER_HOUR, 0 /* same day */,
					 MINUTES_PER_DAY,      3 * MINUTES_PER_DAY,  7 * MINUTES_PER_DAY,
					 15 * MINUTES_PER_DAY, 30 * MINUTES_PER_DAY, 60 * MINUTES_PER_DAY};
	static const unsigned p[] = {50, 90, 95};
	const struct weighted *times = r->times + s->times_at;

	v[0].n = s->v[TAT_FINISHED];
	for (size_t i = 0; i < AS_COUNT(p); i++)
		if (!percentile(times, s->times_n, p[i], &v[1 + i].n))
			v[1 + i].n = RATE_NA;
	v[4].n = mean(s->v[TAT_MINUTES], s->v[TAT_FINISHED]);
	v[5].n = s->v[TAT_ON_TIME];
	v[6].n = rate_bp(s->v[TAT_ON_TIME], s->v[TAT_FINISHED]);
	for (size_t i = 0; i < AS_COUNT(bounds); i++)
		v[7 + i].n = bounds[i] ? count_upto(times, s->times_n, bounds[i]) : s->v[TAT_SAME_DAY];
	v[16].n = v[0].n - v[15].n;
}

/* The model of a row of P-08: the last column of its key. */
static struct bytes model_of(const struct report_group *g)
{
	size_t at = g->n - 1;

	while (at > 1 && g->text[at - 1])
		at--;
	return bytes_of(g->text + at, g->n - 1 - at);
}

/* P-08: shares are of the model in the period; rows come largest first. */
static void pareto_values(struct report *r, const struct report_slot *s, struct report_value *v)
{
	char buf[21], *number;
	int64_t count = s->v[0];

	v[0].text = model_of(s->group);
	v[1].text = report_code_text(&codes_cause, s->code, buf);
	if (v[1].text.p == (const uint8_t *)buf) {
		/* a code of a newer program: its number must outlive this call */
		number = take(r, sizeof buf);
		if (number)
			memcpy(number, buf, sizeof buf);
		v[1].text = bytes_of(number, number ? v[1].text.n : 0);
	}
	v[2].n = count;
	v[3].n = rate_bp(count, r->run_total);
	v[4].n = rate_bp(r->run_before + count, r->run_total);
	bool a = r->run_before * 100 < r->run_total * CLASS_A_PERCENT;
	bool b = r->run_before * 100 < r->run_total * CLASS_B_PERCENT;
	v[5].text = bytes_of(a ? "A" : b ? "B" : "C", 1);
	r->run_before += count;
}

/* P-11 */
static void complaints_values(struct report *r, const struct report_group *g, const int64_t *flow,
			      struct report_value *v)
{
	const struct report_slot *orders = g->orders ? report_slot_find(r, g->orders, r->period, 0) : NULL;
	int64_t opening[BALANCE_VALUES_MAX], change[BALANCE_VALUES_MAX];

	balance_net(CELL_COMPLAINTS, g->before, opening);
	balance_net(CELL_COMPLAINTS, flow, change);
	v[0].n = opening[0];
	v[1].n = flow[CMP_RECEIVED];
	v[2].n = flow[CMP_REOPENED];
	v[3].n = flow[CMP_CLOSED];
	v[4].n = flow[CMP_WITHDRAWN];
	v[5].n = flow[CMP_REJECTED];
	v[6].n = opening[0] + change[0];
	v[7].n = flow[CMP_SUGGESTIONS];
	v[8].n = rate_per_1000(flow[CMP_RECEIVED] - flow[CMP_SUGGESTIONS], orders ? orders->v[0] : 0);
}

/* P-12 */
static void timeliness_values(const int64_t *before, const int64_t *flow, struct report_value *v)
{
	static const uint8_t due[] = {CT_ACK_DUE, CT_REPLY_DUE, CT_CLOSE_DUE};
	int64_t open[BALANCE_VALUES_MAX], change[BALANCE_VALUES_MAX];

	for (size_t i = 0; i < AS_COUNT(due); i++) {
		v[3 * i].n = flow[due[i]];
		v[3 * i + 1].n = flow[due[i] + 1]; /* on time */
		v[3 * i + 2].n = rate_bp(flow[due[i] + 1], flow[due[i]]);
	}
	balance_net(CELL_COMPLAINT_TIMES, before, open);
	balance_net(CELL_COMPLAINT_TIMES, flow, change);
	v[9].n = open[0] + change[0];
}

static void row_key(const struct report *r, const struct report_group *g, struct report_row *row)
{
	size_t at = 1;

	for (uint32_t i = 0; i < r->q.by_n; i++) {
		size_t n = 0;
		while (g->text[at + n])
			n++;
		row->key[i] = bytes_of(g->text + at, n);
		at += n + 1;
	}
}

/* Rates do not count: 0.00 and n/a say nothing when nothing was counted. */
static bool row_is_zero(const struct report *r, const struct report_row *row)
{
	for (uint32_t i = 0; i < r->q.def->cols_n; i++)
		if (r->q.def->cols[i].type == RT_COUNT && row->v[i].n)
			return false;
	return true;
}

static void row_values(struct report *r, const struct report_group *g, const struct report_slot *s,
		       const int64_t *flow, struct report_row *row)
{
	period_label(r->q.period, r->period, row->period);
	row_key(r, g, row);
	switch (r->q.def->id) {
	case REPORT_VOLUME:
		volume_values(g->before, flow, row->v);
		break;
	case REPORT_TAT:
		tat_values(r, s, row->v);
		break;
	case REPORT_PARETO:
		pareto_values(r, s, row->v);
		break;
	case REPORT_COMPLAINTS:
		complaints_values(r, g, flow, row->v);
		break;
	default:
		timeliness_values(g->before, flow, row->v);
		break;
	}
}

/* The next group in this period, whether or not it has flows; balances go on. */
static bool next_balance(struct report *r, struct report_row *row)
{
	static const int64_t none[CELL_VALUES_MAX];

	for (; r->period <= r->period_last; r->period++, r->at = 0) {
		while (r->at < r->groups_n) {
			struct report_group *g = r->group[r->at++];
			struct report_slot *s = g->at < g->slots_n ? g->slot[g->at] : NULL;
			int64_t flow[CELL_VALUES_MAX];

			memcpy(flow, none, sizeof flow);
			if (s && s->period == r->period) {
				memcpy(flow, s->v, r->width * sizeof flow[0]);
				g->at++;
			}
			row_values(r, g, NULL, flow, row);
			for (size_t i = 0; i < CELL_VALUES_MAX; i++)
				g->before[i] += flow[i];
			if (!row_is_zero(r, row))
				return true;
		}
	}
	return false;
}

/* P-08: a new model or period begins; its total. */
static void start_run(struct report *r)
{
	const struct report_slot *s = r->slot[r->at];

	r->run_total = r->run_before = 0;
	for (size_t i = r->at;
	     i < r->slots_n && r->slot[i]->group == s->group && r->slot[i]->period == s->period; i++)
		r->run_total += r->slot[i]->v[0];
}

static bool next_slot(struct report *r, struct report_row *row)
{
	while (r->at < r->slots_n) {
		const struct report_slot *s = r->slot[r->at], *last = r->at ? r->slot[r->at - 1] : NULL;

		if (last == NULL || last->group != s->group || last->period != s->period)
			start_run(r);
		r->at++;
		r->period = s->period;
		row_values(r, s->group, s, NULL, row);
		if (!row_is_zero(r, row))
			return true;
	}
	return false;
}

bool report_next(struct report *r, struct report_row *ret_row)
{
	if (r->err)
		return false;
	memset(ret_row, 0, sizeof *ret_row);
	bool more = r->q.def->balance ? next_balance(r, ret_row) : next_slot(r, ret_row);
	r->rows += more;
	return more;
}
