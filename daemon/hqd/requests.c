/* The control socket of head office: which request goes where. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/version.h"
#include "common/intake/intake.h"
#include "common/node/tally.h"
#include "common/node/text_time.h"
#include "daemon/hqd/hqd.h"

/* ---- status --------------------------------------------------------------------------------------------------------- */

static const struct hq_node *node_of(const struct hq_core *h, const char code[BRANCH_CODE_MAX])
{
	for (size_t lo = 0, hi = h->nodes_n; lo < hi;) {
		size_t mid = (lo + hi) / 2;
		int c = memcmp(h->nodes[mid].branch, code, BRANCH_CODE_MAX);
		if (c == 0)
			return &h->nodes[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* What only the core knows of a branch; the rest is counted in the store. */
struct live_row {
	char code[BRANCH_CODE_MAX];
	uint8_t state; /* enum sync_state */
	uint64_t head, acked, lag_s;
	int64_t heard;
};

struct live {
	enum sync_hq_state state;
	size_t n;
	struct live_row rows[]; /* as in the roster: by code */
};

static void live_row(struct hqd *d, const struct roster_branch *b, uint64_t now, int64_t utc, struct live_row *ret)
{
	const struct hq_node *n = node_of(&d->core, b->code);
	uint64_t held;

	*ret = (struct live_row){.state = (uint8_t)hq_core_state(&d->core, b->code, now)};
	memcpy(ret->code, b->code, BRANCH_CODE_MAX);
	hq_core_totals(&d->core, b->code, &ret->head, &held, &ret->acked);
	if (ret->head > ret->acked && n && n->receipt_ms && now > n->receipt_ms)
		ret->lag_s = (now - n->receipt_ms) / 1000;
	ret->heard = n && n->seen_ms ? utc - (int64_t)(now - n->seen_ms) : heard_of(&d->heard, b->code);
}

static struct live *live_of(struct hqd *d)
{
	const struct roster *r = &d->shell.view->roster;
	struct live *l = malloc(sizeof *l + r->branches_n * sizeof l->rows[0]);
	uint64_t now = clock_mono_ms();
	int64_t utc = clock_utc_ms();

	if (l == NULL)
		return NULL;
	l->state = d->core.state;
	l->n = r->branches_n;
	for (size_t i = 0; i < l->n; i++)
		live_row(d, &r->branches[i], now, utc, &l->rows[i]);
	return l;
}

static json_t *status_row(struct node *view, const struct live_row *l, const struct tally_row *t)
{
	const struct roster_branch *b = roster_branch_of(&view->roster, l->code);
	enum sync_state state = (enum sync_state)l->state;
	char code[BRANCH_CODE_MAX + 1] = "", seen[TEXT_TIME_MAX];
	const char *reason = state == SYNC_IN_SYNC ? "" : sync_state_reason(state);

	memcpy(code, l->code, BRANCH_CODE_MAX);
	if (l->heard)
		text_time(l->heard, view->home, seen);
	if (state == SYNC_JOINING)
		reason = "enrolled, and never joined: its join code is to be used";
	return json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:i, s:I, s:I, s:s}", "branch", code,
	    "name", b ? b->name : "", "region", b ? b->region : "", "state", sync_state_name(state), "reason", reason,
	    "head", (json_int_t)l->head, "acked", (json_int_t)l->acked, "applied", (json_int_t)(t ? t->applied : 0),
	    "lag_events", (json_int_t)(l->head > l->acked ? l->head - l->acked : 0), "lag_seconds",
	    (json_int_t)l->lag_s, "last_seen", l->heard ? json_string(seen) : json_null(), "incarnation",
	    t ? (int)t->incarnation : 0, "flagged", (json_int_t)(t ? t->flagged : 0), "refused",
	    (json_int_t)(t ? t->refused : 0), "version", "");
}

static int status(struct node *view, query_emit emit, void *emit_arg, const void *arg)
{
	const struct live *l = arg;
	uint64_t events = 0, flagged = 0;
	size_t in_sync = 0;
	struct tally t = {0};
	AS_AUTO(json) json_t *o = NULL;
	json_t *rows = json_array();
	as_err err = tally_make(view, &t);

	for (size_t i = 0; err == AS_OK && i < l->n; i++) {
		const struct tally_row *k = tally_of(&t, l->rows[i].code);
		json_array_append_new(rows, status_row(view, &l->rows[i], k));
		in_sync += l->rows[i].state == SYNC_IN_SYNC;
		events += k ? k->held : 0;
		flagged += k ? k->flagged : 0;
	}
	tally_done(&t);
	o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:{s:i, s:i, s:I, s:I}}", "node", view->home->ident.name, "role",
		      "hq", "version", AFTERSYNC_VERSION, "state", hqd_state_name(l->state), "instance",
		      (int)view->home->instance, "branches", rows, "totals", "branches", (int)l->n, "in_sync",
		      (int)in_sync, "events", (json_int_t)events, "flagged", (json_int_t)flagged);
	if (err || o == NULL) {
		json_decref(o);
		o = json_pack("{s:s}", "error", as_err_text(err ? err : AS_ENOMEM));
	}
	if (o)
		emit(emit_arg, o);
	return err || o == NULL || json_object_get(o, "error") ? 74 : 0;
}

/* The rows are made in a thread of their own; when all are busy here, for a status is always answered. */
static void status_ask(struct hqd *d, struct control_conn *c)
{
	struct live *l = live_of(d);

	if (l == NULL) {
		control_end(c, 74, as_err_text(AS_ENOMEM));
	} else if (!queries_call(d->queries, c, status, l)) {
		control_end(c, status(d->shell.view, control_emit, c, l), NULL);
		free(l);
	}
}

/* A report says how complete it is; only the core knows who is in sync. */
static json_t *with_live(struct hqd *d, json_t *request)
{
	const struct roster *r = &d->shell.view->roster;
	uint64_t now = clock_mono_ms(), lag = 0;
	int in_sync = 0;

	for (size_t i = 0; i < r->branches_n; i++) {
		uint64_t head, held, acked;
		hq_core_totals(&d->core, r->branches[i].code, &head, &held, &acked);
		in_sync += hq_core_state(&d->core, r->branches[i].code, now) == SYNC_IN_SYNC;
		lag += head > acked ? head - acked : 0;
	}
	json_object_set_new(request, "live",
			    json_pack("{s:i, s:I}", "in_sync", in_sync, "lag_events", (json_int_t)lag));
	return request;
}

/* ---- requests --------------------------------------------------------------------------------------------------------- */

static void why(struct hqd *d, struct control_conn *c, const char *branch)
{
	char code[BRANCH_CODE_MAX] = {0};

	if (branch) {
		if (branch_code_ok(bytes_of_str(branch)))
			memcpy(code, branch, strlen(branch));
		if (roster_branch_of(&d->shell.view->roster, code) == NULL) {
			control_end(c, 1, "there is no branch of this code");
			return;
		}
	}
	history_emit(&d->history, branch, d->home, control_emit, c);
	control_end(c, 0, NULL);
}

static void on_line(void *ctx, struct control_conn *c, struct bytes line)
{
	struct hqd *d = ctx;
	json_error_t je;
	AS_AUTO(json) json_t *o = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &je);
	const char *cmd = json_string_value(json_object_get(o, "cmd"));

	if (*control_user(c))
		return; /* one request a connection; this one is being answered */
	if (line.n > INTAKE_LINE_MAX)
		control_end(c, 64, "the request is longer than 65536 bytes");
	else if (cmd == NULL)
		control_end(c, 64, "the request is not a JSON object with a text cmd");
	else if (strcmp(cmd, "status") == 0) {
		hqd_watch(d);
		status_ask(d, c);
	} else if (strcmp(cmd, "why") == 0) {
		hqd_watch(d);
		why(d, c, json_string_value(json_object_get(o, "branch")));
	} else if (strcmp(cmd, "hq-enrol") == 0)
		admin_enrol(d, c, o);
	else if (strcmp(cmd, "hq-go") == 0) {
		if (d->core.state == SYNC_HQ_RECOVERING) {
			hq_core_go(&d->core, clock_mono_ms());
			control_end(c, 0, NULL);
		} else {
			control_end(c, 1, d->core.state == SYNC_HQ_SERVING
					      ? "this head office writes its logs already"
					      : "this head office was rolled back: hq instance new");
		}
	} else if (strcmp(cmd, "submit") == 0)
		control_end(c, 1, "this is head office: events are submitted at a branch");
	else if (strcmp(cmd, "rebuild") == 0 && !json_is_true(json_object_get(o, "check")))
		control_end(c, 1, "rebuild needs the store for itself: stop aftersync-hqd first");
	else if (!query_knows(cmd))
		control_end(c, 64, "this daemon does not know the request");
	else if (!queries_run(d->queries, c, with_live(d, o)))
		control_end(c, 69, "too many requests at once: try again");
}

/* Who asks says so in one line; after an answer that is under way nothing else is waited for. */
static void on_eof(void *ctx, struct control_conn *c)
{
	(void)ctx;
	if (*control_user(c) == NULL)
		control_finish(c);
}

static void on_closed(void *ctx, struct control_conn *c)
{
	if (*control_user(c))
		admin_conn_gone(ctx, *control_user(c));
}

as_err requests_open(struct hqd *d, struct as_errmsg *em)
{
	const struct control_conf calls = {.line = on_line, .eof = on_eof, .closed = on_closed, .ctx = d};

	return queries_serve(&d->queries, &d->control, d->loop, d->home, &calls, em);
}
