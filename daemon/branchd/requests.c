/* The control socket of a branch: which request goes where. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/version.h"
#include "common/node/tally.h"
#include "common/node/text_time.h"
#include "daemon/branchd/branchd.h"

/* ---- status --------------------------------------------------------------------------------------------------------- */

static json_t *status(struct branchd *d)
{
	const struct node_home *h = d->home;
	enum sync_state state = branch_core_state(&d->core, clock_mono_ms());
	uint64_t head, acked, lag;
	int64_t utc = clock_utc_ms();
	char seen[TEXT_TIME_MAX], reason[256] = "";
	struct tally t = {0};
	const struct tally_row *k;
	json_t *row;

	if (tally_make(d->shell.view, &t))
		return NULL;
	k = tally_of(&t, h->branch);
	branch_core_totals(&d->core, &head, &acked);
	lag = head > acked ? head - acked : 0;
	if (d->seen_utc)
		text_time(d->seen_utc, h, seen);
	if (state != SYNC_IN_SYNC)
		branchd_reason(d, state, reason, sizeof reason);
	row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:i, s:I, s:I, s:s}", "branch",
			h->ident.branch, "name", h->ident.name, "region", "", "state", sync_state_name(state), "reason",
			reason, "head", (json_int_t)head, "acked", (json_int_t)acked, "applied",
			(json_int_t)(k ? k->applied : 0), "lag_events", (json_int_t)lag, "lag_seconds",
			(json_int_t)(lag && d->backlog_utc ? (utc - d->backlog_utc) / 1000 : 0), "last_seen",
			d->seen_utc ? json_string(seen) : json_null(), "incarnation",
			d->core.has_cur ? (int)d->core.cur.number : 0, "flagged", (json_int_t)(k ? k->flagged : 0),
			"refused", (json_int_t)(k ? k->refused : 0), "version", AFTERSYNC_VERSION);
	json_int_t flagged = (json_int_t)(k ? k->flagged : 0);
	tally_done(&t);
	return json_pack("{s:s, s:s, s:s, s:i, s:[o], s:{s:i, s:i, s:I, s:I}}", "node", h->ident.branch, "role",
			 "branch", "version", AFTERSYNC_VERSION, "instance", (int)d->core.c.instance, "branches", row,
			 "totals", "branches", 1, "in_sync", state == SYNC_IN_SYNC, "events", (json_int_t)head,
			 "flagged", flagged);
}

/* ---- requests --------------------------------------------------------------------------------------------------------- */

static void answer_one(struct control_conn *c, json_t *take_answer)
{
	AS_AUTO(json) json_t *answer = take_answer;

	if (answer && control_emit(c, answer))
		control_end(c, 0, NULL);
	else
		control_end(c, 74, "out of memory");
}

static void request(struct branchd *d, struct control_conn *c, struct bytes line)
{
	json_error_t je;
	AS_AUTO(json) json_t *o = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &je);
	const char *cmd = json_string_value(json_object_get(o, "cmd"));

	if (line.n > INTAKE_LINE_MAX) {
		control_end(c, 64, "the request is longer than 65536 bytes");
	} else if (cmd == NULL) {
		control_end(c, 64, "the request is not a JSON object with a text cmd");
	} else if (strcmp(cmd, "submit") == 0) {
		struct submit_conn *s = d->stopping ? NULL : submit_begin(d, c, json_is_true(json_object_get(o, "imported")));
		if (s)
			*control_user(c) = s;
		else
			control_end(c, 69, d->stopping ? "the daemon is ending" : "out of memory");
	} else if (strcmp(cmd, "status") == 0) {
		branchd_watch(d);
		answer_one(c, status(d));
	} else if (strcmp(cmd, "why") == 0) {
		branchd_watch(d);
		history_emit(&d->history, NULL, d->home, control_emit, c);
		control_end(c, 0, NULL);
	} else if (strcmp(cmd, "rebuild") == 0 && !json_is_true(json_object_get(o, "check"))) {
		control_end(c, 1, "rebuild needs the store for itself: stop aftersync-branchd first");
	} else if (query_knows(cmd)) {
		uint64_t head, acked;
		branch_core_totals(&d->core, &head, &acked);
		json_object_set_new(o, "live",
				    json_pack("{s:i, s:I}", "in_sync",
					      branch_core_state(&d->core, clock_mono_ms()) == SYNC_IN_SYNC,
					      "lag_events", (json_int_t)(head - acked)));
		if (!queries_run(d->queries, c, o))
			control_end(c, 69, "too many requests at once: try again");
	} else {
		control_end(c, 64, strncmp(cmd, "hq-", 3) == 0 ? "this is a branch: head office does that"
							       : "this daemon does not know the request");
	}
}

static void on_line(void *ctx, struct control_conn *c, struct bytes line)
{
	struct submit_conn *s = *control_user(c);

	if (s)
		submit_line(s, line);
	else
		request(ctx, c, line);
	branchd_work(ctx);
}

static void on_eof(void *ctx, struct control_conn *c)
{
	struct submit_conn *s = *control_user(c);

	(void)ctx;
	if (s)
		submit_eof(s);
	else
		control_finish(c);
}

static void on_closed(void *ctx, struct control_conn *c)
{
	struct submit_conn *s = *control_user(c);

	(void)ctx;
	if (s)
		submit_gone(s);
}

as_err requests_open(struct branchd *d, struct as_errmsg *em)
{
	const struct control_conf calls = {.line = on_line, .eof = on_eof, .closed = on_closed, .ctx = d};

	return queries_serve(&d->queries, &d->control, d->loop, d->home, &calls, em);
}
