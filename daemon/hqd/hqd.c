#include "daemon/hqd/hqd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/kv_lmdb.h"
#include "common/node/hash.h"
#include "daemon/rt/net.h"
#include "daemon/rt/notify.h"

#define TICK_MS 1000
#define STATE_MS 2000
#define STORE_HUNG_MS 20000 /* a job of the store thread that runs so long: no watchdog ping */

/* Who speaks on a link: found once, by the key that CURVE proved. */
struct hqd_link {
	uint32_t link;
	enum sync_link kind;
	uint32_t token;	 /* JOIN */
	size_t node;	 /* NODE: place in the roster, which only grows until it is read anew */
	UT_hash_handle hh;
};

/* ---- keys and links ------------------------------------------------------------------------------------------------- */

static bool on_admit(void *ctx, const uint8_t key[NET_KEY], char ret_user[LINK_USER_MAX])
{
	const struct roster *r = &((struct hqd *)ctx)->shell.view->roster;
	const struct roster_node *n = roster_node_by_link(r, key);
	const struct roster_token *t = n ? NULL : roster_token_by_key(r, key);

	if (n)
		snprintf(ret_user, LINK_USER_MAX, "node:%.8s", n->branch);
	else if (t)
		snprintf(ret_user, LINK_USER_MAX, "join:%u", t->number);
	return n || t;
}

static struct hqd_link *link_of(struct hqd *d, uint32_t link, const uint8_t key[NET_KEY])
{
	const struct roster *r = &d->shell.view->roster;
	const struct roster_node *n;
	const struct roster_token *t;
	struct hqd_link *l;

	HASH_FIND(hh, d->by_link, &link, sizeof link, l);
	if (l)
		return l;
	n = roster_node_by_link(r, key);
	t = n ? NULL : roster_token_by_key(r, key);
	if ((!n && !t) || (l = calloc(1, sizeof *l)) == NULL)
		return NULL;
	l->link = link;
	l->kind = n ? SYNC_LINK_NODE : SYNC_LINK_JOIN;
	l->node = n ? (size_t)(n - r->nodes) : 0;
	l->token = t ? t->number : 0;
	HASH_ADD(hh, d->by_link, link, sizeof l->link, l);
	return l;
}

/* The places in the roster are other ones now: who speaks is looked up again. */
static void links_forget(struct hqd *d)
{
	struct hqd_link *l, *next;

	HASH_ITER(hh, d->by_link, l, next)
	{
		HASH_DEL(d->by_link, l);
		free(l);
	}
}

static void link_forget(struct hqd *d, uint32_t link)
{
	struct hqd_link *l;

	HASH_FIND(hh, d->by_link, &link, sizeof link, l);
	if (l) {
		HASH_DEL(d->by_link, l);
		free(l);
	}
}

static enum hq_token_state token_state(const struct hqd *d, uint32_t token)
{
	const struct hq_token *t = hq_core_token(&d->core, token);

	return t ? t->state : TOKEN_SPENT;
}

/* What the core will refuse is said here, where the roster tells why. */
static void join_look(struct hqd *d, const struct roster_token *t, const struct msg_join *j)
{
	const struct roster_node *known = roster_node_by_identity(&d->shell.view->roster, j->identity);
	const char *why = NULL;

	if (memcmp(t->branch, j->branch, BRANCH_CODE_MAX) != 0) {
		why = "the token is another branch's";
	} else if (t->used >= t->uses && (known == NULL || known->token != t->number)) {
		why = "another key used the token";
		if (token_state(d, t->number) == TOKEN_SPENT) /* while it is not spent, the core raises it */
			logline(LOG_LEVEL_ERR, "alarm", "branch=%.8s alarm=\"another key used a used token\" token=%u",
				j->branch, t->number);
	} else if (t->used < t->uses && t->expires <= clock_utc_ms() && token_state(d, t->number) == TOKEN_OPEN) {
		why = "the token has expired";
	}
	if (why)
		logline(LOG_LEVEL_WARN, "join-refused", "branch=%.8s token=%u reason=%s", j->branch, t->number, LOG_STR(why));
}

/* A join that is wrong in itself never reaches the core. */
static bool join_ok(struct hqd *d, const struct hqd_link *l, const struct msg_join *j)
{
	const char *wrong = hq_core_may_append(&d->core) ? hq_all_join_wrong(d->shell.view, l->token, j)
							 : "this head office writes nothing now";

	if (wrong == NULL)
		wrong = tables_hindered(d, j->branch, 0);
	if (wrong)
		logline(LOG_LEVEL_WARN, "join-refused", "branch=%.8s reason=%s", j->branch, LOG_STR(wrong));
	else
		join_look(d, roster_token_of(&d->shell.view->roster, l->token), j);
	return wrong == NULL;
}

/*
 * An admission writes to head office's own log, to which one append at a time is made: joins wait for their turn, in
 * the order in which they came. One that finds the row full is dropped; the branch asks again.
 */
static void join_wait(struct hqd *d, const struct hq_link *from, const struct msg *m)
{
	if (d->joins_n == HQD_JOINS_MAX)
		return;
	d->joins[(d->joins_at + d->joins_n++) % HQD_JOINS_MAX] = (struct hqd_join){.from = *from, .m = *m};
	hqd_append_free(d);
}

void hqd_append_free(struct hqd *d)
{
	const struct log_id all = hq_all_log(d->home);

	while (d->joins_n > 0 && hq_core_append(&d->core, clock_mono_ms(), &all)) {
		struct hqd_join j = d->joins[d->joins_at];
		d->joins_at = (d->joins_at + 1) % HQD_JOINS_MAX;
		d->joins_n--;
		hq_core_recv(&d->core, clock_mono_ms(), &j.from, &j.m);
		if (token_state(d, j.from.token) != TOKEN_ADMITTING) /* refused, or admitted already: nothing is written */
			hq_core_not_appended(&d->core, clock_mono_ms());
		shell_step_done(&d->shell);
	}
	admin_append_free(d);
}

static void keep_state(struct hqd *d); /* at once: a head office that ends now must not forget that it was rolled back */

static void on_message(void *ctx, uint32_t link, const char *user, const uint8_t key[NET_KEY], struct bytes frame)
{
	struct hqd *d = ctx;
	struct hqd_link *l = link_of(d, link, key);
	struct hq_link hl = {.link = link};
	struct msg m;

	(void)user;
	if (l == NULL || !shell_received(&d->shell, frame, &m))
		return;
	hl.kind = l->kind;
	hl.token = l->token;
	if (l->kind == SYNC_LINK_NODE) {
		const struct roster_node *n = &d->shell.view->roster.nodes[l->node];
		memcpy(hl.branch, n->branch, BRANCH_CODE_MAX);
		hl.ended = n->ended;
	}
	if (m.type == MSG_JOIN && l->kind == SYNC_LINK_JOIN) {
		if (join_ok(d, l, &m.join))
			join_wait(d, &hl, &m);
		return;
	}
	hq_core_recv(&d->core, clock_mono_ms(), &hl, &m);
	shell_step_done(&d->shell);
	keep_state(d);
}

static void on_down(void *ctx, uint32_t link)
{
	struct hqd *d = ctx;

	link_forget(d, link);
	hq_core_link_down(&d->core, clock_mono_ms(), link);
	shell_step_done(&d->shell);
}

/* ---- the role's part of the shell ---------------------------------------------------------------------------------- */

static void role_send(void *ctx, uint32_t link, struct bytes frame)
{
	struct hqd *d = ctx;

	link_server_send(d->links, link, frame); /* a link that is gone is told by on_down */
}

static const char *const alarm_words[] = {
    [ALARM_CLONE] = "two live copies of one branch: replace one with hq enrol --replace",
    [ALARM_FORK] = "two signed continuations of one log; both are kept",
    [ALARM_REFUSED] = "the branch refused a sound block twice",
    [ALARM_DAMAGED] = "a stored block is damaged: asked back from the branches",
    [ALARM_REPAIRED] = "a damaged block was fetched back",
    [ALARM_TOKEN_REUSED] = "another key used a used token",
    [ALARM_ROLLED_BACK] = "this head office holds less of its own logs than a branch: hq instance new",
    [ALARM_INSTANCE] = "a head office of a lower instance",
    [ALARM_TOO_MANY] = "a table is full",
    [ALARM_AFTER_END] = "a block of an ended key was kept as refused",
};

static void role_out(void *ctx, const struct sync_out *out)
{
	char name[NODE_LOG_TEXT_MAX] = "-";

	(void)ctx;
	if (out->type != SYNC_ALARM)
		return;
	if (out->alarm.log.cls)
		node_log_text(&out->alarm.log, name);
	logline(LOG_LEVEL_ERR, "alarm", "branch=%.8s alarm=%s log=%s at=%llu",
		out->alarm.branch[0] ? out->alarm.branch : "-", LOG_STR(alarm_words[out->alarm.what]), name,
		(unsigned long long)out->alarm.size);
}

static void role_verified(void *ctx, const struct sync_verified *v)
{
	hq_core_verified(&((struct hqd *)ctx)->core, clock_mono_ms(), v);
}

static void role_checked(void *ctx, const struct log_id *log, uint64_t first, bool sound)
{
	hq_core_checked(&((struct hqd *)ctx)->core, clock_mono_ms(), log, first, sound);
}

static bool role_wanted(void *ctx, uint32_t slot)
{
	return sync_item_of(&((struct hqd *)ctx)->core.c, slot) != NULL;
}

/* Whom the commit admits: copied from the core, which the store thread does not see. */
static void role_prepare(void *ctx, struct shell_commit *c)
{
	struct hqd *d = ctx;

	for (size_t i = 0; i < c->n && !c->has_admit; i++) {
		const struct msg_join *j =
		    c->items[i].type == ITEM_ADMIT ? hq_core_join(&d->core, c->items[i].number) : NULL;
		if (j == NULL)
			continue;
		struct roster_node *n = &c->admit;
		c->has_admit = true;
		*n = (struct roster_node){.token = c->items[i].number, .live = j->live};
		memcpy(n->branch, j->branch, BRANCH_CODE_MAX);
		memcpy(n->identity, j->identity, 32);
		memcpy(n->link, j->link, 32);
		memcpy(n->recipient, j->recipient, 32);
	}
}

/* Store thread: the roster events of an admission, in the same commit. */
static as_err role_more(struct shell_commit *c, struct batch *b)
{
	struct bytes *raw;
	size_t n;
	as_err err = c->has_admit ? hq_all_admit(b, &c->admit, &raw, &n) : AS_OK;

	if (err || !c->has_admit)
		return err;
	if (n > AS_COUNT(c->raw)) /* what is left out is read from the log at the next start */
		n = AS_COUNT(c->raw);
	memcpy(c->raw, raw, n * sizeof raw[0]);
	c->raw_n = n;
	return AS_OK;
}

static void role_committed(void *ctx, const struct shell_commit *c, const struct sync_committed *done)
{
	struct hqd *d = ctx;
	uint64_t now = clock_mono_ms();

	if (c->err == AS_OK && c->raw_n)
		shell_roster_add(&d->shell, c->raw, c->raw_n);
	if (c->err == AS_OK && c->has_admit)
		logline(LOG_LEVEL_NOTICE, "admitted", "branch=%.8s token=%u", c->admit.branch, c->admit.token);
	if (c->err == AS_OK && c->result.roster_anew) {
		links_forget(d);
		if (tables_load_roster(d))
			logline(LOG_LEVEL_ERR, "table-full", "what=roster");
	}
	/* the core begins the next commit at once, and c is that one then */
	struct log_row rows[AS_COUNT(c->rows)];
	size_t rows_n = c->rows_n;
	memcpy(rows, c->rows, rows_n * sizeof rows[0]);
	hq_core_committed(&d->core, now, done);
	for (size_t i = 0; i < rows_n; i++)
		hq_core_appended(&d->core, now, &rows[i]);
	hqd_append_free(d);
}

static const struct shell_role role = {.send = role_send,
				       .out = role_out,
				       .verified = role_verified,
				       .committed = role_committed,
				       .checked = role_checked,
				       .more = role_more,
				       .prepare = role_prepare,
				       .is_wanted = role_wanted};

/* ---- time -------------------------------------------------------------------------------------------------------------- */

void hqd_watch(struct hqd *d)
{
	const struct roster *r = &d->shell.view->roster;
	uint64_t now = clock_mono_ms();
	size_t in_sync = 0;
	char text[120];

	if (r->branches_n > d->states_n) { /* a new branch shifts the places: all are looked at anew */
		uint8_t *s = realloc(d->states, r->branches_n);
		if (s == NULL)
			return;
		d->states = s;
		d->states_n = r->branches_n;
		for (size_t i = 0; i < d->states_n; i++)
			s[i] = (uint8_t)hq_core_state(&d->core, r->branches[i].code, now);
	}
	for (size_t i = 0; i < d->states_n; i++) {
		enum sync_state state = hq_core_state(&d->core, r->branches[i].code, now);
		in_sync += state == SYNC_IN_SYNC;
		if (state == (enum sync_state)d->states[i])
			continue;
		d->states[i] = (uint8_t)state;
		history_add(&d->history, clock_utc_ms(), r->branches[i].code, state, NULL);
	}
	snprintf(text, sizeof text, "%zu of %zu branches in sync", in_sync, r->branches_n);
	notify_status(text);
}

/* ---- the state of head office outlives a restart -------------------------------------------------------------------- */

struct state_job {
	struct worker_job job;
	struct hqd *d;
	uint8_t value[5];
	int64_t now;
	as_err err;
	struct as_errmsg em;
};

static void state_run(struct worker_job *job, void *ctx)
{
	struct state_job *j = (struct state_job *)job;
	struct shell_store *st = ctx;

	batch_begin(&st->batch, j->now);
	j->err = batch_meta(&st->batch, META_HQ_STATE, bytes_of(j->value, sizeof j->value));
	if (j->err == AS_OK)
		j->err = batch_commit(&st->batch, &j->em);
}

static void state_done(struct worker_job *job)
{
	struct state_job *j = (struct state_job *)job;

	if (j->err)
		shell_commit_failed(j->err, "state", &j->em);
	else
		j->d->state_kept = j->value[4];
	j->d->state_job = NULL;
	free(j);
}

static void keep_state(struct hqd *d)
{
	struct state_job *j;

	if (d->state_kept == d->core.state || d->state_job || (j = calloc(1, sizeof *j)) == NULL)
		return;
	*j = (struct state_job){.job = {.run = state_run, .done = state_done}, .d = d, .now = clock_utc_ms()};
	put_be32(j->value, d->home->instance);
	j->value[4] = (uint8_t)d->core.state;
	d->state_job = j;
	logline(LOG_LEVEL_NOTICE, "head-office", "state=%s", hqd_state_name(d->core.state));
	worker_post(d->shell.store, &j->job);
}

const char *hqd_state_name(enum sync_hq_state state)
{
	static const char *const names[] = {[SYNC_HQ_SERVING] = "serving",
					    [SYNC_HQ_RECOVERING] = "recovering",
					    [SYNC_HQ_ROLLED_BACK] = "rolled-back"};

	return names[state];
}

/* A token that may be used again is open again when its last node has shown itself; else it is forgotten. */
static void reopen_tokens(struct hqd *d)
{
	const struct roster *r = &d->shell.view->roster;

	for (size_t i = 0; i < d->core.tokens_n; i++) {
		struct hq_token *t = &d->core.tokens[i];
		const struct roster_token *k = roster_token_of(r, t->number);
		t->more = k && k->used < k->uses;
		if (t->state == TOKEN_SPENT && t->more)
			t->state = TOKEN_OPEN;
	}
	hq_core_tokens_tidy(&d->core);
}

static void on_tick(void *arg)
{
	struct hqd *d = arg;
	static uint64_t states_ms, reader_check_ms;
	uint64_t now = clock_mono_ms();

	hq_core_tick(&d->core, now);
	shell_step_done(&d->shell);
	shell_scrub(&d->shell, now);
	hqd_append_free(d);
	if (now - states_ms >= STATE_MS) {
		states_ms = now;
		hqd_watch(d);
		reopen_tokens(d);
	}
	keep_state(d);
	hqd_heard_tick(d, now);
	logline_flush();
	if (now - reader_check_ms > 60000) {
		reader_check_ms = now;
		shell_space(&d->shell);
		as_err err = kv_lmdb_reader_check(d->home->kv);
		if (err)
			logline(LOG_LEVEL_WARN, "reader-check", "reason=%s", LOG_STR(as_err_text(err)));
	}
	if (worker_alive_ms(d->shell.store) < STORE_HUNG_MS)
		notify_watchdog();
}

/* ---- open and close ------------------------------------------------------------------------------------------------------ */

/* What an instance without a certificate writes is believed by no branch. */
static as_err certified(const struct hqd *d, struct as_errmsg *em)
{
	if (roster_instance_of(&d->shell.view->roster, d->home->instance))
		return AS_OK;
	as_errmsg_set(em, "instance %u is not certified: run `aftersync hq instance new`", d->home->instance);
	return AS_EREFUSED;
}

as_err hqd_open(struct hqd *d, struct as_errmsg *em)
{
	struct link_server_conf links = {.listen = d->conf.listen,
					 .secret = d->home->link_secret,
					 .public_key = d->home->link_public,
					 .max_message_bytes = MESSAGE_BYTES_MAX,
					 .max_links = (uint32_t)d->links_max,
					 .admit = on_admit,
					 .message = on_message,
					 .down = on_down,
					 .ctx = d};
	size_t verifiers = (size_t)d->conf.verify_threads;
	as_err err;

	if (verifiers > SHELL_VERIFIERS_MAX)
		verifiers = SHELL_VERIFIERS_MAX;
	if ((err = shell_open(&d->shell, d->loop, d->home, verifiers, &role, d, em)) || (err = certified(d, em)) ||
	    (err = tables_open(d, em)) || (err = requests_open(d, em)) || (err = link_server_open(&d->links, d->loop, &links, em)))
		return err;
	heard_load(d->shell.view, &d->heard);
	loop_set_tick(d->loop, TICK_MS, on_tick, d);
	hqd_watch(d);
	return AS_OK;
}

void hqd_close(struct hqd *d)
{
	queries_close(d->queries);
	if (d->links) /* it was open */
		hqd_heard_write(d);
	shell_close(&d->shell);
	control_close(d->control);
	admin_close(d);
	link_server_close(d->links);
	links_forget(d);
	tables_close(d);
	free(d->states);
	heard_done(&d->heard);
	history_done(&d->history);
}
