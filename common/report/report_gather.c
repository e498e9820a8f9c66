/* Gathering: from cells to groups, slots and buckets. */
#include "common/base/date.h"
#include "common/base/text.h"
#include "common/report/report_impl.h"

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

/* A key being put together: mark, branch, region, codes, model; 255 bytes of a region are the longest part.
 */
#define KEY_PART_MAX 255
#define KEY_MAX (1 + (REPORT_BY_MAX + 1) * (KEY_PART_MAX + 1))

struct key {
	uint8_t b[KEY_MAX];
	uint32_t n;
};

static const uint32_t widths[REPORTS] = {
    [REPORT_VOLUME] = VOL_DELIVERED + 1,
    [REPORT_TAT] = TAT_SAME_DAY + 1,
    [REPORT_PARETO] = 1,
    [REPORT_COMPLAINTS] = CMP_REJECTED + 1,
    [REPORT_COMPLAINT_TIMELINESS] = CT_OVERDUE_OUT + 1,
};

as_err report_by(struct report_query *q, struct bytes name)
{
	enum report_dim dim;

	for (uint32_t i = 0; i < q->def->cols_n; i++)
		if (code_name_is(q->def->cols[i].name, name))
			return q->def->cols[i].type >= RT_TEXT ? AS_OK : AS_EINVAL;
	if (!report_dim_of_name(q->def, name, &dim))
		return AS_EINVAL;
	for (uint32_t i = 0; i < q->by_n; i++)
		if (q->by[i] == dim)
			return AS_OK;
	if (q->by_n == REPORT_BY_MAX)
		return AS_EINVAL;
	q->by[q->by_n++] = (uint8_t)dim;
	return AS_OK;
}

struct report_need report_needs(const struct report_query *q, uint8_t table)
{
	struct report_need need = {.from = q->from, .whole = true};

	/* of volume, P-11 wants deliveries only */
	if (!q->def->balance || !balance_values(table) || q->from == 0 ||
	    (q->def->id == REPORT_COMPLAINTS && table == CELL_VOLUME))
		return need;
	if (table == CELL_COMPLAINT_TIMES && q->as_of && q->as_of < need.from)
		need.from = q->as_of; /* what is after it does not count: cell by cell */
	need.from = balance_month(need.from);
	need.balances = true;
	for (uint32_t i = 0; i < q->by_n; i++)
		need.whole = need.whole && report_dims[q->by[i]].cell_dim == DIM_NONE;
	return need;
}

as_err report_init(struct report *r, const struct report_query *q, struct arena *arena)
{
	int32_t from = INT32_MIN, to = INT32_MAX;

	if ((q->from && !date_to_days(q->from, &from)) || (q->to && !date_to_days(q->to, &to)) || from > to)
		return AS_EINVAL;
	*r = (struct report){.q = *q,
			     .arena = arena,
			     .width = widths[q->def->id],
			     .first = INT32_MAX,
			     .last = INT32_MIN,
			     .as_of_max = INT32_MIN,
			     .from = from,
			     .to = to};
	return AS_OK;
}

static void *take(struct report *r, size_t n)
{
	void *p = arena_take(r->arena, n);

	if (p == NULL)
		r->err = AS_ENOMEM;
	else
		memset(p, 0, n);
	return p;
}

static uint64_t hash_of(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * FNV_PRIME;
	return h;
}

/* Which child: two bits at a time from the top, of a well mixed hash. */
static uint64_t mixed(uint64_t h)
{
	h = (h ^ (h >> 32)) * 0xff51afd7ed558ccdu;
	return h ^ (h >> 29);
}

/* NULL when the arena is used up. */
static struct report_group *group_of(struct report *r, const struct key *key)
{
	struct report_group **at = &r->groups, *last = r->group_last;

	if (last && last->n == key->n && memcmp(last->text, key->b, key->n) == 0)
		return last;
	for (uint64_t h = mixed(hash_of(FNV_OFFSET, key->b, key->n)); *at; h <<= 2) {
		if ((*at)->n == key->n && memcmp((*at)->text, key->b, key->n) == 0)
			return r->group_last = *at;
		at = &(*at)->child[h >> 62];
	}
	struct report_group *g = take(r, sizeof *g + key->n);
	if (g == NULL)
		return NULL;
	g->n = key->n;
	memcpy(g->text, key->b, key->n);
	g->next = r->groups_list;
	r->groups_list = g;
	g->rank = (uint32_t)r->groups_n++;
	return r->group_last = *at = g;
}

/* Where the slot is, or where it goes. */
static struct report_slot **slot_at(struct report *r, const struct report_group *g, int32_t period,
				    uint32_t code)
{
	struct report_slot **at = &r->slots;
	uint64_t h = hash_of(FNV_OFFSET, &g->rank, sizeof g->rank);

	h = hash_of(h, &period, sizeof period);
	for (h = mixed(hash_of(h, &code, sizeof code)); *at; h <<= 2) {
		if ((*at)->group == g && (*at)->period == period && (*at)->code == code)
			break;
		at = &(*at)->child[h >> 62];
	}
	return at;
}

struct report_slot *report_slot_find(struct report *r, const struct report_group *g, int32_t period,
				     uint32_t code)
{
	return *slot_at(r, g, period, code);
}

static struct report_slot *slot_of(struct report *r, struct report_group *g, int32_t period, uint32_t code)
{
	struct report_slot **at, *last = r->slot_last;

	if (last && last->group == g && last->period == period && last->code == code)
		return last;
	at = slot_at(r, g, period, code);
	if (*at)
		return r->slot_last = *at;
	struct report_slot *s = take(r, sizeof *s + r->width * sizeof s->v[0]);
	if (s == NULL)
		return NULL;
	s->group = g;
	s->period = period;
	s->code = code;
	s->next = r->slots_list;
	r->slots_list = s;
	s->rank = r->slots_n++;
	return r->slot_last = *at = s;
}

static void bucket_add(struct report *r, struct report_slot *s, uint32_t bucket, int64_t count)
{
	struct report_bucket **at = &r->buckets;
	uint64_t h = hash_of(hash_of(FNV_OFFSET, &s->rank, sizeof s->rank), &bucket, sizeof bucket);

	for (h = mixed(h); *at; h <<= 2) {
		if ((*at)->slot == s && (*at)->bucket == bucket) {
			(*at)->count += count;
			return;
		}
		at = &(*at)->child[h >> 62];
	}
	struct report_bucket *b = take(r, sizeof *b);
	if (b == NULL)
		return;
	*b = (struct report_bucket){.slot = s, .bucket = bucket, .count = count, .next = r->buckets_list};
	r->buckets_list = b;
	r->buckets_n++;
	*at = b;
}

static void key_add(struct key *key, struct bytes part)
{
	size_t n = part.n < KEY_PART_MAX ? part.n : KEY_PART_MAX;

	for (size_t i = 0; i < n && part.p[i]; i++)
		key->b[key->n++] = part.p[i];
	key->b[key->n++] = 0;
}

struct bytes report_code_text(const struct code_list *list, uint32_t code, char buf[21])
{
	const struct code_def *c = code_of(list, code);

	if (c)
		return bytes_of_str(c->name);
	return bytes_of(buf, code ? text_put_decimal(code, buf) : 0);
}

/* The value of one key column in a cell. */
static struct bytes dim_text(enum report_dim dim, const struct cell_parts *p, struct bytes region,
			     char buf[21])
{
	const struct cell_table_def *t = &cell_tables[p->table];

	if (dim == RD_BRANCH)
		return bytes_of(p->branch, sizeof p->branch);
	if (dim == RD_REGION)
		return region;
	for (unsigned i = 0; i < t->dims_n; i++)
		if (t->dims[i] == report_dims[dim].cell_dim)
			return dim == RD_MODEL
				   ? p->model
				   : report_code_text(report_dims[dim].col.codes, p->code[i], buf);
	return (struct bytes){0};
}

static bool is_place(enum report_dim dim)
{
	return dim == RD_BRANCH || dim == RD_REGION;
}

/*
 * The group of a cell. Orders (MARK_ORDERS) have no category, severity …: complaints split by these are set
 * against all deliveries of the same places.
 */
static struct report_group *group_of_cell(struct report *r, const struct cell_parts *p, struct bytes region,
					  char mark)
{
	struct key key;
	char buf[21];

	key.b[0] = (uint8_t)mark;
	key.n = 1;
	for (uint32_t i = 0; i < r->q.by_n; i++)
		if (mark == MARK_ROWS || is_place(r->q.by[i]))
			key_add(&key, dim_text(r->q.by[i], p, region, buf));
	if (r->q.def->id == REPORT_PARETO)
		key_add(&key, p->model);
	return group_of(r, &key);
}

static bool is_zero(const int64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i])
			return false;
	return true;
}

/* The period of the day at hand; false when the day does not matter. Keeps the span of the data. */
static bool place(struct report *r, int32_t *ret_period)
{
	int32_t day = r->day.days;

	if (day > r->last)
		r->last = day;
	if (day > r->to || (day < r->from && !r->q.def->balance))
		return false;
	if (day < r->from) {
		r->before = true;
		*ret_period = PERIOD_BEFORE;
		return true;
	}
	r->any = true;
	if (day < r->first)
		r->first = day;
	*ret_period = r->day.period;
	return true;
}

/*
 * P-12 as of a day: what comes due later counts only when it is done already, for the rest is not late yet;
 * and nothing is overdue later than that day.
 */
static void as_of(int64_t v[CELL_VALUES_MAX])
{
	v[CT_ACK_DUE] = v[CT_ACK_ON_TIME];
	v[CT_REPLY_DUE] = v[CT_REPLY_ON_TIME];
	v[CT_CLOSE_DUE] = v[CT_CLOSE_ON_TIME];
	v[CT_OVERDUE_IN] = v[CT_OVERDUE_OUT] = 0;
}

/* P-11: deliveries of the orders that complaints are set against; of periods, not of before. */
static void add_orders(struct report *r, const struct cell_parts *p, struct bytes region, int32_t period,
		       int64_t delivered)
{
	struct report_group *g = group_of_cell(r, p, region, MARK_ORDERS);
	struct report_slot *s = g && period != PERIOD_BEFORE ? slot_of(r, g, period, 0) : NULL;

	if (s)
		s->v[0] += delivered;
}

static void add_rows(struct report *r, const struct cell_parts *p, struct bytes region, int32_t period,
		     const int64_t v[CELL_VALUES_MAX])
{
	struct report_group *g = group_of_cell(r, p, region, MARK_ROWS);
	struct report_slot *s =
	    g ? slot_of(r, g, period, r->q.def->id == REPORT_PARETO ? p->code[0] : 0) : NULL;

	if (s == NULL)
		return;
	if (r->q.def->id == REPORT_COMPLAINTS && g->orders == NULL)
		g->orders = group_of_cell(r, p, region, MARK_ORDERS);
	if (p->table == CELL_TAT_HIST)
		bucket_add(r, s, p->bucket, v[HIST_COUNT]);
	else
		for (uint32_t i = 0; i < r->width; i++)
			s->v[i] += v[i];
}

static as_err day_is(struct report *r, uint32_t date)
{
	if (r->day.date == date && date)
		return AS_OK;
	r->day.date = 0;
	if (!date_to_days(date, &r->day.days))
		return AS_ECORRUPT;
	r->day.period = period_of(r->q.period, r->day.days);
	r->day.date = date;
	return AS_OK;
}

static void branch_is(struct report *r, const char code[BRANCH_CODE_MAX])
{
	if (r->branch.known && memcmp(r->branch.code, code, BRANCH_CODE_MAX) == 0)
		return;
	r->branch.known = true;
	memcpy(r->branch.code, code, BRANCH_CODE_MAX);
	r->branch.as_of = INT32_MAX;
	if (r->q.branch == NULL)
		return;
	r->branch.is = r->q.branch(r->q.ctx, code);
	if (!r->branch.is.as_of || !date_to_days(r->branch.is.as_of, &r->branch.as_of))
		r->branch.as_of = INT32_MAX;
	else if (r->branch.as_of > r->as_of_max)
		r->as_of_max = r->branch.as_of;
}

as_err report_add(struct report *r, const struct cell_parts *parts, const int64_t v[CELL_VALUES_MAX])
{
	int64_t own[CELL_VALUES_MAX];
	int32_t period;

	if (r->err || parts->table >= CELL_TABLES || !(r->q.def->tables & 1u << parts->table))
		return r->err;
	if ((r->err = day_is(r, parts->day)))
		return r->err;
	branch_is(r, parts->branch);
	if (parts->table == CELL_COMPLAINT_TIMES && r->day.days > r->branch.as_of) {
		memcpy(own, v, sizeof own);
		as_of(own);
		v = own;
	}
	if (is_zero(v, cell_tables[parts->table].values_n) || !place(r, &period))
		return AS_OK;
	if (r->q.def->id == REPORT_COMPLAINTS && parts->table == CELL_VOLUME)
		add_orders(r, parts, r->branch.is.region, period, v[VOL_DELIVERED]);
	else
		add_rows(r, parts, r->branch.is.region, period, v);
	return r->err;
}

as_err report_add_balance(struct report *r, const struct cell_parts *parts, const int64_t net[BALANCE_VALUES_MAX])
{
	int64_t v[CELL_VALUES_MAX];

	if (r->err || !report_needs(&r->q, parts->table).balances || !(r->q.def->tables & 1u << parts->table))
		return r->err;
	branch_is(r, parts->branch);
	balance_flows(parts->table, net, v);
	r->before = true;
	add_rows(r, parts, r->branch.is.region, PERIOD_BEFORE, v);
	return r->err;
}

bool report_has_enough(const struct report *r, uint32_t day)
{
	if (r->q.to == 0 || day <= r->q.to)
		return false;
	return !r->q.def->balance || r->last > r->to; /* balances go on to the last day that has data */
}
