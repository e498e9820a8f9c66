#include "daemon/branchd/branchd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/kv_lmdb.h"
#include "daemon/rt/net.h"
#include "daemon/rt/notify.h"

#define TICK_MS 1000
#define WANT_AGAIN_MS 100

/* ---- local work ------------------------------------------------------------------------------------------------- */

void branchd_work(struct branchd *d)
{
	uint8_t random[16];

	if (d->local_under_way)
		return;
	if (d->fork_wanted) {
		if (!d->shell.commit_under_way) /* a commit under way is answered first */
			local_fork(d);
		return;
	}
	for (int k = 0; k < 2 && !d->local_under_way && !d->fork_wanted; k++)
		if (d->waiting[k].first) {
			as_random(random, sizeof random);
			branch_core_want(&d->core, clock_mono_ms(), k ? LOG_BULK : LOG_LIVE, random);
			shell_step_done(&d->shell);
		}
}

static void on_want(void *arg)
{
	branchd_work(arg);
}

/* ---- the role's part of the shell ---------------------------------------------------------------------------------- */

static void role_send(void *ctx, uint32_t link, struct bytes frame)
{
	struct branchd *d = ctx;

	if (link == d->link_no)
		link_client_send(d->link, frame); /* what does not go out is answered for by silence */
}

static const char *const alarm_words[] = {
    [ALARM_CLONE] = "two live copies of this branch",
    [ALARM_FORK] = "two signed continuations of one log; both are kept",
    [ALARM_REFUSED] = "head office refused a sound block twice",
    [ALARM_DAMAGED] = "a stored block is damaged and there is no other copy: events may be lost",
    [ALARM_REPAIRED] = "a damaged block was fetched back",
    [ALARM_TOKEN_REUSED] = "another key used this token",
    [ALARM_ROLLED_BACK] = "head office holds less than before",
    [ALARM_INSTANCE] = "this head office is older than the one seen before",
    [ALARM_TOO_MANY] = "a table is full",
    [ALARM_AFTER_END] = "a block of an ended key was kept as refused",
};

static void on_alarm(const struct sync_out *out)
{
	char name[NODE_LOG_TEXT_MAX] = "-";

	if (out->alarm.log.cls)
		node_log_text(&out->alarm.log, name);
	logline(LOG_LEVEL_ERR, "alarm", "alarm=%s log=%s at=%llu", LOG_STR(alarm_words[out->alarm.what]), name,
		(unsigned long long)out->alarm.size);
}

static void role_out(void *ctx, const struct sync_out *out)
{
	struct branchd *d = ctx;

	switch (out->type) {
	case SYNC_CONNECT:
		link_client_disconnect(d->link);
		d->kind = out->connect.kind;
		loop_timer_set(d->loop, &d->connect, out->connect.at_ms);
		break;
	case SYNC_APPEND:
		if (out->append.verdict == APPEND_GO)
			local_append(d, &out->append.log);
		else if (out->append.verdict == APPEND_NO_LOG)
			local_no_log(d);
		else
			loop_timer_set(d->loop, &d->want, clock_mono_ms() + WANT_AGAIN_MS);
		break;
	case SYNC_OPEN:
		local_open(d, out);
		break;
	case SYNC_FORK:
		d->fork_wanted = true;
		d->fork_number = out->fork.number;
		break;
	case SYNC_ALARM:
		on_alarm(out);
		break;
	default:
		break;
	}
}

static void role_verified(void *ctx, const struct sync_verified *v)
{
	struct branchd *d = ctx;

	branch_core_verified(&d->core, clock_mono_ms(), v);
}

static void role_committed(void *ctx, const struct shell_commit *c, const struct sync_committed *done)
{
	struct branchd *d = ctx;

	/* what head office says to everybody is known from now on */
	for (size_t i = 0; c->err == AS_OK && !c->result.roster_anew && i < c->n; i++)
		if (c->items[i].type == ITEM_BLOCK && c->items[i].log.cls == LOG_HQ_ALL)
			shell_roster_add(&d->shell, c->slots[i]->opened.events, c->slots[i]->opened.events_n);
	branch_core_committed(&d->core, clock_mono_ms(), done);
	branchd_work(d);
}

static void role_checked(void *ctx, const struct log_id *log, uint64_t first, bool sound)
{
	struct branchd *d = ctx;

	branch_core_checked(&d->core, clock_mono_ms(), log, first, sound);
}

static bool role_wanted(void *ctx, uint32_t slot)
{
	return sync_item_of(&((struct branchd *)ctx)->core.c, slot) != NULL;
}

static const struct shell_role role = {.send = role_send,
				       .out = role_out,
				       .verified = role_verified,
				       .committed = role_committed,
				       .checked = role_checked,
				       .is_wanted = role_wanted};

/* ---- line ------------------------------------------------------------------------------------------------------------ */

static void on_connect(void *arg)
{
	struct branchd *d = arg;
	const struct node_home *h = d->home;
	as_err err = d->kind == SYNC_LINK_JOIN ? link_client_connect(d->link, d->token_secret, d->token_public)
					       : link_client_connect(d->link, h->link_secret, h->link_public);

	d->link_no++;
	if (err)
		logline(LOG_LEVEL_ERR, "connect-failed", "reason=%s", LOG_STR(as_err_text(err)));
}

static void on_up(void *ctx)
{
	struct branchd *d = ctx;
	uint8_t random[16 - SYNC_RUN_START];

	as_random(random, sizeof random);
	logline(LOG_LEVEL_INFO, "link-up", "key=%s", d->kind == SYNC_LINK_JOIN ? "token" : "own");
	d->link_why[0] = 0;
	branch_core_link_up(&d->core, clock_mono_ms(), d->link_no, d->kind, random);
	shell_step_done(&d->shell);
	branchd_work(d);
}

static void on_down(void *ctx, const char *why)
{
	struct branchd *d = ctx;

	logline(LOG_LEVEL_INFO, "link-down", "reason=%s", LOG_STR(why));
	/* before it is admitted, its own key is turned away every other time: only the token's word counts */
	if (d->core.joined || d->kind == SYNC_LINK_JOIN)
		snprintf(d->link_why, sizeof d->link_why, "%s", why);
	branch_core_link_down(&d->core, clock_mono_ms());
	shell_step_done(&d->shell);
	branchd_work(d);
}

static void on_message(void *ctx, struct bytes frame)
{
	struct branchd *d = ctx;
	struct msg m;

	if (!shell_received(&d->shell, frame, &m))
		return;
	d->seen_utc = clock_utc_ms();
	if (m.type == MSG_REFUSE && m.refuse.reason == REFUSE_TOKEN) {
		d->token_refused = true;
		logline(LOG_LEVEL_WARN, "join-refused", "reason=\"the join code was used, has expired, or is of another branch\"");
	}
	branch_core_recv(&d->core, clock_mono_ms(), &m);
	shell_step_done(&d->shell);
	branchd_work(d);
}

/* ---- time -------------------------------------------------------------------------------------------------------------- */

void branchd_reason(const struct branchd *d, enum sync_state state, char *ret, size_t cap)
{
	const char *more = "";

	if (state == SYNC_JOINING && d->token_refused)
		more = "its code was used, has expired, or is of another branch";
	else if (state == SYNC_JOINING || state == SYNC_STALE)
		more = d->link_why;
	snprintf(ret, cap, "%s%s%s", sync_state_reason(state), more[0] ? ": " : "", more);
}

void branchd_watch(struct branchd *d)
{
	enum sync_state state = branch_core_state(&d->core, clock_mono_ms());
	char text[200];
	uint64_t head, acked;

	branch_core_totals(&d->core, &head, &acked);
	d->backlog_utc = head == acked ? 0 : d->backlog_utc ? d->backlog_utc : clock_utc_ms();
	if (state == d->state)
		return;
	d->state = state;
	branchd_reason(d, state, text, sizeof text);
	history_add(&d->history, clock_utc_ms(), d->home->branch, state, text);
	snprintf(text, sizeof text, "%s, %llu of %llu events receipted", sync_state_name(state),
		 (unsigned long long)acked, (unsigned long long)head);
	notify_status(text);
}

static void on_tick(void *arg)
{
	struct branchd *d = arg;
	uint64_t now = clock_mono_ms();

	branch_core_tick(&d->core, now);
	shell_step_done(&d->shell);
	branchd_work(d);
	branchd_watch(d);
	shell_tick(&d->shell, now);
}

/* ---- open and close ------------------------------------------------------------------------------------------------------ */

as_err branchd_open(struct branchd *d, struct as_errmsg *em)
{
	struct branch_conf conf = {.env = {.ctx = &d->shell,
					   .out = shell_out,
					   .block_at = shell_block_at,
					   .receipt_ok = shell_receipt_ok},
				   .queue = d->queue,
				   .queue_cap = BRANCHD_QUEUE_MAX};
	struct link_client_conf link = {.endpoint = d->conf.endpoint[0] ? d->conf.endpoint : d->home->join.endpoint,
					.server_public = d->home->join.curve_key,
					.max_message_bytes = MESSAGE_BYTES_MAX,
					.up = on_up,
					.down = on_down,
					.message = on_message,
					.ctx = d};
	as_err err;

	d->connect = (struct loop_timer){.fn = on_connect, .arg = d};
	d->want = (struct loop_timer){.fn = on_want, .arg = d};
	d->state = SYNC_STATES;
	join_token_keys(d->home->join.token_seed, d->token_public, d->token_secret);
	if ((err = shell_open(&d->shell, d->loop, d->home, 0, &role, d, em)) ||
	    (err = accept_init(&d->accept, d->shell.at_store.node, &d->shell.at_store.batch)) ||
	    (err = link_client_open(&d->link, d->loop, &link, em)))
		return err;
	if ((err = local_tables(d))) {
		as_errmsg_set(em, "the logs of this branch cannot be listed: %s", as_err_text(err));
		return err;
	}
	conf.logs = d->logs;
	conf.logs_cap = d->logs_cap;
	memcpy(conf.branch, d->home->branch, BRANCH_CODE_MAX);
	as_random(conf.run_id, sizeof conf.run_id);
	as_random(&conf.seed, sizeof conf.seed);
	branch_core_init(&d->core, &conf);
	struct branch_start start;
	if ((err = local_start(d, false, &start))) {
		as_errmsg_set(em, "the logs of this branch cannot be listed: %s", as_err_text(err));
		return err;
	}
	branch_core_load(&d->core, &start, clock_mono_ms());
	d->seen_utc = heard_receipt(d->shell.view);
	shell_step_done(&d->shell);
	d->kind = SYNC_LINK_NODE;
	loop_timer_set(d->loop, &d->connect, clock_mono_ms());
	if ((err = requests_open(d, em)))
		return err;
	loop_set_tick(d->loop, TICK_MS, on_tick, d);
	branchd_watch(d);
	return AS_OK;
}

void branchd_close(struct branchd *d)
{
	if (d->link)
		link_client_disconnect(d->link);
	queries_close(d->queries);
	shell_close(&d->shell); /* what is queued is recorded and answered first */
	control_close(d->control);
	link_client_close(d->link);
	accept_done(&d->accept);
	free(d->logs);
	free(d->rows);
	history_done(&d->history);
	as_wipe(d->token_secret, sizeof d->token_secret);
}
