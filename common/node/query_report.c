/* report: cells of the store through common/report, with what must be said of their completeness. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/crypto/hash.h"
#include "common/intake/forms.h"
#include "common/node/query_impl.h"
#include "common/node/tally.h"
#include "common/node/text_time.h"
#include "common/out/report_json.h"

#define ARENA_BYTES (size_t)(512u * 1024 * 1024) /* address space: pages are taken as they are used */

struct job {
	const struct query *q;
	struct report r;
	int64_t as_of;	/* UTC ms */
	uint32_t day;	/* the same as a date */
	size_t at;	/* in the roster: the branch that was asked for last */
};

/* ---- branches: region, and the last day that counts there ------------------------------------------------------------ */

/* Cells come by day and branch, as the roster's branches do: the one asked for is mostly the next. */
static const struct roster_branch *roster_next(struct job *j, const char code[BRANCH_CODE_MAX])
{
	const struct roster *r = &j->q->node->roster;
	const struct roster_branch *b;

	for (size_t i = j->at; i < r->branches_n && i < j->at + 4; i++)
		if (memcmp(r->branches[i].code, code, BRANCH_CODE_MAX) == 0) {
			j->at = i;
			return &r->branches[i];
		}
	if ((b = roster_branch_of(r, code)) != NULL)
		j->at = (size_t)(b - r->branches);
	return b;
}

/* The last day is by head office's or this branch's own zone; that of others differs by hours at most. */
static struct report_branch branch_of(void *ctx, const char code[BRANCH_CODE_MAX])
{
	struct job *j = ctx;
	const struct roster_branch *b = roster_next(j, code);

	return (struct report_branch){.region = b ? bytes_of_str(b->region) : bytes_of(NULL, 0), .as_of = j->day};
}

/* ---- the request ---------------------------------------------------------------------------------------------------------- */

static bool take_date(const struct query *q, const char *key, uint32_t *ret, int *ret_exit)
{
	const char *text = query_text(q, key);

	if (text == NULL || form_date_parse(bytes_of_str(text), ret))
		return true;
	*ret_exit = query_wrong(q, 64, "%s: %.40s is no date: YYYY-MM-DD is wanted", key, text);
	return false;
}

/* Exit code, or -1: go on. */
static int take_request(struct job *j, struct report_query *rq)
{
	const struct query *q = j->q;
	const char *name = query_text(q, "name"), *period = query_text(q, "period"), *as_of = query_text(q, "as_of");
	const json_t *by = json_object_get(q->request, "by");
	int code = -1;

	*rq = (struct report_query){.ctx = j, .branch = branch_of};
	if (name == NULL || (rq->def = report_of_name(bytes_of_str(name))) == NULL)
		return query_wrong(q, 64, "there is no report %.40s: `aftersync report --list` names them",
				   name ? name : "without name");
	rq->period = RP_ALL;
	if (period && !period_of_name(bytes_of_str(period), &rq->period))
		return query_wrong(q, 64, "period: %.40s: one of day week month quarter year all is wanted", period);
	if (!take_date(q, "from", &rq->from, &code) || !take_date(q, "to", &rq->to, &code))
		return code;
	if (rq->from && rq->to && rq->from > rq->to)
		return query_wrong(q, 64, "from %s is after to %s", query_text(q, "from"), query_text(q, "to"));
	j->as_of = clock_utc_ms();
	if (as_of && !form_time_parse(bytes_of_str(as_of), &j->as_of))
		return query_wrong(q, 64, "as_of: %.40s is no time: RFC 3339 with an offset is wanted", as_of);
	rq->as_of = j->day = date_local(j->as_of, tz_offset_min(&q->node->home->tz, j->as_of));
	for (size_t i = 0; i < json_array_size(by); i++) {
		const char *dim = json_string_value(json_array_get(by, i));
		if (dim == NULL || report_by(rq, bytes_of_str(dim)))
			return query_wrong(q, 64, "by: %s cannot be split by %.40s", rq->def->name,
					   dim ? dim : "something that is no text");
	}
	return -1;
}

/* ---- cells ------------------------------------------------------------------------------------------------------------------ */

static as_err take_cell(void *arg, struct bytes key, struct bytes value)
{
	struct job *j = arg;
	struct cell_parts parts;
	int64_t v[CELL_VALUES_MAX] = {0};
	as_err err = cell_key_parse(key, &parts);

	if (err)
		return err;
	if (report_has_enough(&j->r, parts.day))
		return AS_EEXIST; /* ends the walk */
	for (size_t i = 0; i < value.n / 8 && i < CELL_VALUES_MAX; i++)
		v[i] = (int64_t)get_be64(value.p + 8 * i);
	return report_add(&j->r, &parts, v);
}

static as_err take_balance(void *arg, struct bytes key, struct bytes value)
{
	struct job *j = arg;
	struct cell_parts parts;
	int64_t net[BALANCE_VALUES_MAX] = {0};
	bool whole;
	as_err err = balance_key_parse(key, &parts, &whole);

	if (err)
		return err;
	for (size_t i = 0; i < value.n / 8 && i < BALANCE_VALUES_MAX; i++)
		net[i] = (int64_t)get_be64(value.p + 8 * i);
	return report_add_balance(&j->r, &parts, net);
}

static as_err take_cells(struct job *j)
{
	as_err err = AS_OK;

	for (uint8_t t = 1; err == AS_OK && t < CELL_TABLES; t++) {
		struct report_need need = report_needs(&j->r.q, t);
		struct store_span span = {.table = t,
					  .from = need.from,
					  .cell = take_cell,
					  .balance = need.balances ? take_balance : NULL,
					  .whole = need.whole};
		if (j->r.q.def->tables >> t & 1)
			err = store_each_span(j->q->node->st, &span, j);
		if (err == AS_EEXIST)
			err = AS_OK;
	}
	return err;
}

/* ---- what is said with it ---------------------------------------------------------------------------------------------------- */

/* SHA-256 over the name, size and root of every log: which data this report saw. */
static as_err cut_of(const struct query *q, char out[65])
{
	struct log_row *rows = NULL;
	size_t n = 0;
	struct as_sha256 h;
	uint8_t hash[32];
	as_err err = query_logs(q->node, &rows, &n);

	as_sha256_init(&h);
	for (size_t i = 0; err == AS_OK && i < n; i++) {
		uint8_t id[LOG_ID_BYTES], size[8];
		log_id_put(&rows[i].id, id);
		put_be64(size, rows[i].folded);
		as_sha256_update(&h, id, sizeof id);
		as_sha256_update(&h, size, sizeof size);
		as_sha256_update(&h, rows[i].head.root, 32);
	}
	as_sha256_final(&h, hash);
	text_hex(hash, 32, out);
	free(rows);
	return err;
}

/* `live` comes with the request when a daemon hands it on: it alone knows who is in sync. */
static json_t *completeness(const struct query *q, const struct tally *t, bool *ret_provisional)
{
	const json_t *live = json_object_get(q->request, "live");
	uint64_t events = 0, flagged = 0, refused = 0, waiting = 0;
	json_t *o;

	for (size_t i = 0; i < t->n; i++) {
		events += t->rows[i].held;
		flagged += t->rows[i].flagged;
		refused += t->rows[i].refused;
		waiting += t->rows[i].held - t->rows[i].applied;
	}
	json_int_t in_sync = json_integer_value(json_object_get(live, "in_sync"));
	json_int_t lag = json_integer_value(json_object_get(live, "lag_events"));
	o = json_pack("{s:i, s:o, s:o, s:I, s:I, s:I, s:I}", "branches", (int)t->n, "in_sync",
		      live ? json_integer(in_sync) : json_null(), "lag_events", live ? json_integer(lag) : json_null(),
		      "events", (json_int_t)events, "flagged", (json_int_t)flagged, "refused", (json_int_t)refused,
		      "not_applied", (json_int_t)waiting);
	*ret_provisional = live == NULL || in_sync < (json_int_t)t->n || refused > 0 || waiting > 0 || flagged > 0;
	return o;
}

static as_err meta_of(struct job *j, const struct report_query *rq, json_t **ret)
{
	const struct query *q = j->q;
	const struct node_home *h = q->node->home;
	char cut[65], as_of[TEXT_TIME_MAX], now[TEXT_TIME_MAX], from[11] = "", to[11] = "";
	struct tally t = {0};
	bool provisional;
	as_err err;

	if ((err = cut_of(q, cut)) || (err = tally_make(q->node, &t)))
		return err;
	text_time(j->as_of, h, as_of);
	text_time(clock_utc_ms(), h, now);
	if (rq->from)
		form_date_text(rq->from, from);
	if (rq->to)
		form_date_text(rq->to, to);
	json_t *complete = completeness(q, &t, &provisional);
	*ret = json_pack("{s:s, s:o, s:o, s:i, s:o, s:b, s:s, s:s, s:s, s:s}", "period", period_name(rq->period), "from",
			 rq->from ? json_string(from) : json_null(), "to", rq->to ? json_string(to) : json_null(),
			 "branches", (int)t.n, "completeness", complete, "provisional", provisional, "cut", cut, "as_of",
			 as_of, "generated_at", now, "policy", "default");
	tally_done(&t);
	return *ret ? AS_OK : AS_ENOMEM;
}

int query_report(const struct query *q)
{
	struct job *j = calloc(1, sizeof *j);
	uint8_t *memory = malloc(ARENA_BYTES);
	struct report_query rq;
	struct arena arena;
	struct as_errmsg em = {0};
	json_t *meta = NULL, *report = NULL;
	int code = 74;
	as_err err = AS_ENOMEM;

	if (j == NULL || memory == NULL)
		goto done;
	j->q = q;
	if ((code = take_request(j, &rq)) >= 0)
		goto out;
	arena_init(&arena, memory, ARENA_BYTES);
	if ((err = report_init(&j->r, &rq, &arena)) || (err = meta_of(j, &rq, &meta)))
		goto done;
	err = take_cells(j);
	if (err == AS_OK)
		err = report_finish(&j->r);
	if (err == AS_OK || err == AS_ENOMEM)
		err = report_json(&j->r, err, meta, &report, &em);
	else
		json_decref(meta);
done:
	if (err) {
		code = query_failed(q, err, &em);
	} else {
		query_emit_take(q, report);
		code = 0;
	}
out:
	free(memory);
	free(j);
	return code;
}
