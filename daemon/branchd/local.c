/* Local work in the store thread: appending what was submitted, opening a log, carrying out a fork. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/kv_lmdb.h"
#include "daemon/branchd/branchd.h"

/* ---- what the core is told at the start, and after a fork --------------------------------------------------------- */

struct rows {
	struct log_row *row;
	size_t n, cap;
};

static as_err take_row(void *arg, const struct log_row *row)
{
	struct rows *r = arg;

	if (r->n == r->cap)
		return AS_ETOOBIG;
	r->row[r->n++] = *row;
	return AS_OK;
}

static bool meta(struct branchd *d, const char *name, struct buf *b)
{
	return store_meta(d->shell.view->st, name, b) == AS_OK && b->n > 0;
}

static void join_message(struct branchd *d, const struct branch_start *s, struct msg_join *j)
{
	const struct node_home *h = d->home;

	memcpy(j->branch, h->branch, BRANCH_CODE_MAX);
	memcpy(j->identity, h->identity_public, 32);
	memcpy(j->link, h->link_public, 32);
	memcpy(j->recipient, h->recipient_public, 32);
	if (s->has_open) {
		j->live = s->open;
	} else { /* it has a name when it is opened; until then one that nobody else has */
		j->live = (struct log_id){.cls = LOG_LIVE, .number = h->join.incarnation};
		memcpy(j->live.branch, h->branch, BRANCH_CODE_MAX);
		memcpy(j->live.inc, h->identity_public, 16);
	}
	node_join_sign(h, d->token_public, j);
}

static as_err count_row(void *arg, const struct log_row *row)
{
	(void)row;
	(*(size_t *)arg)++;
	return AS_OK;
}

as_err local_tables(struct branchd *d)
{
	size_t n = 0;
	as_err err = store_each_log(d->shell.view->st, count_row, &n);

	if (err)
		return err;
	if (n >= BRANCHD_LOGS_MANY)
		logline(LOG_LEVEL_WARN, "many-logs",
			"count=%zu reason=\"a log is opened at a start that head office does not confirm in "
			"time\"",
			n);
	d->logs_cap = n + BRANCHD_LOGS_MORE;
	d->logs = calloc(d->logs_cap, sizeof d->logs[0]);
	d->rows = calloc(d->logs_cap, sizeof d->rows[0]);
	return d->logs && d->rows ? AS_OK : AS_ENOMEM;
}

as_err local_start(struct branchd *d, bool ours, struct branch_start *ret)
{
	const struct node_home *h = d->home;
	struct rows rows = {.row = d->rows, .cap = d->logs_cap};
	struct branch_start s = {.ours = ours, .first_number = h->join.incarnation, .rows = d->rows};
	const struct roster_transport *t = roster_transport_of(&d->shell.view->roster, 0);
	AS_AUTO(buf) struct buf b = {0};

	buf_init(&b, STORE_META_MAX);
	as_err err = store_each_log(d->shell.view->st, take_row, &rows);
	if (err)
		return err;
	s.rows_n = rows.n;
	if (meta(d, META_OPEN, &b) && b.n == LOG_ID_BYTES)
		s.has_open = log_id_get(b.p, &s.open);
	s.joined = meta(d, META_JOINED, &b);
	s.instance = meta(d, META_INSTANCE, &b) && b.n == 4 ? get_be32(b.p) : h->join.instance;
	s.transport = t ? t->number : h->join.transport;
	join_message(d, &s, &s.join);
	*ret = s;
	return AS_OK;
}

/* ---- append --------------------------------------------------------------------------------------------------------- */

/* Is this still the open incarnation? A fork may have come between. */
static bool still_open(struct node *n, const struct log_id *log)
{
	AS_AUTO(buf) struct buf b = {0};
	struct log_id open;

	buf_init(&b, STORE_META_MAX);
	return store_meta(n->st, META_OPEN, &b) == AS_OK && b.n == LOG_ID_BYTES && log_id_get(b.p, &open) &&
	       open.number == log->number && memcmp(open.inc, log->inc, sizeof open.inc) == 0;
}

/* What was to be appended was not: every line says so. */
static void refuse_appended(struct append_job *j, struct node *n)
{
	char text[200];

	if (j->err == AS_EFULL) {
		uint64_t used = 0, limit = 0;
		if (kv_lmdb_space(n->home->kv, &used, &limit))
			used = limit = 0;
		snprintf(text, sizeof text, "NOT recorded: store full (%llu of %llu MiB).",
			 (unsigned long long)(used >> 20), (unsigned long long)(limit >> 20));
	} else if (j->err == AS_ETOOBIG) {
		snprintf(text, sizeof text,
			 "NOT recorded: there is no room for another log; restart aftersync-branchd.");
	} else {
		snprintf(text, sizeof text, "NOT recorded: %s.", as_err_text(j->err));
	}
	for (size_t i = 0; i < j->n; i++)
		if (j->lines[i].verdict == ACCEPT_APPENDED || j->lines[i].verdict == ACCEPT_NEW) {
			j->lines[i].verdict = ACCEPT_REFUSED;
			j->lines[i].stored = false;
			snprintf(j->lines[i].error.text, sizeof j->lines[i].error.text, "%s", text);
		}
}

static void append_run(struct worker_job *job, void *ctx)
{
	struct append_job *j = (struct append_job *)job;
	struct shell_store *st = ctx;
	struct accept *a = &j->d->accept;

	j->rows_n = 0;
	j->err = AS_OK;
	j->stale = !still_open(st->node, &j->ctx.log);
	if (j->stale)
		return;
	batch_begin(&st->batch, j->now);
	j->err = accept_lines(a, &j->ctx, j->lines, j->n);
	if (j->err == AS_OK && a->events_n > 0)
		j->err = batch_commit(&st->batch, &j->em);
	if (j->err)
		refuse_appended(j, st->node);
	else if (a->events_n > 0)
		j->rows_n = shell_rows(st, j->rows, AS_COUNT(j->rows));
}

static void append_done(struct worker_job *job)
{
	struct append_job *j = (struct append_job *)job;
	struct branchd *d = j->d;

	d->local_under_way = false;
	if (j->err == AS_EIO || j->err == AS_ECONFLICT || j->err == AS_EINVAL || j->err == AS_EFULL)
		shell_commit_failed(j->err, "append", &j->em); /* ends here unless the store is full */
	else if (j->err)
		logline(LOG_LEVEL_ERR, "append-failed", "reason=%s detail=%s", LOG_STR(as_err_text(j->err)),
			LOG_STR(j->em.text));
	for (size_t i = 0; i < j->rows_n; i++)
		branch_core_appended(&d->core, clock_mono_ms(), &j->rows[i]);
	if (j->rows_n == 0) /* nothing was to be recorded, or it could not be */
		branch_core_not_appended(&d->core, clock_mono_ms());
	shell_step_done(&d->shell);
	submit_done(d, j);
	branchd_work(d);
}

/* Lines that wait, as many as one commit takes. */
static void take_lines(struct append_job *j, struct pending_list *w)
{
	j->n = 0;
	while (w->first && j->n < BRANCHD_APPEND_MAX) {
		struct pending *p = w->first;
		w->first = p->next;
		w->n--;
		memset(&j->lines[j->n], 0, sizeof j->lines[0]);
		j->lines[j->n].in = p->in;
		j->taken[j->n++] = p;
	}
	if (w->first == NULL)
		w->last = NULL;
}

static void known_run(struct worker_job *job, void *ctx)
{
	struct append_job *j = (struct append_job *)job;

	(void)ctx;
	accept_known(&j->d->accept, j->lines, j->n);
}

static void known_done(struct worker_job *job)
{
	struct append_job *j = (struct append_job *)job;
	struct branchd *d = j->d;

	d->local_under_way = false;
	refuse_appended(j, d->shell.view);
	submit_done(d, j);
	branchd_work(d); /* who waits still, or came meanwhile, has the next try */
}

/*
 * There is not even space to open a log: whoever waits is told, and does not wait for somebody to make room.
 * What was recorded before is answered from the store.
 */
static void refuse_waiting(struct branchd *d, as_err err)
{
	struct append_job *j = &d->append;
	int k = d->waiting[0].first ? 0 : 1;

	if (d->waiting[k].first == NULL || d->fork_wanted) {
		branchd_work(d);
		return;
	}
	j->job = (struct worker_job){.run = known_run, .done = known_done};
	j->d = d;
	j->ctx = (struct accept_ctx){.log = {.cls = k ? LOG_BULK : LOG_LIVE}};
	j->err = err;
	j->stale = false;
	take_lines(j, &d->waiting[k]);
	d->local_under_way = true;
	worker_post(d->shell.store, &j->job);
}

void local_no_log(struct branchd *d)
{
	if (!d->no_log_said)
		logline(LOG_LEVEL_ERR, "no-log",
			"logs=%zu reason=\"no room for another log: restart to make room\"",
			d->core.c.logs_n);
	d->no_log_said = true;
	refuse_waiting(d, AS_ETOOBIG);
}

void local_append(struct branchd *d, const struct log_id *log)
{
	struct append_job *j = &d->append;
	struct pending_list *w = &d->waiting[log->cls == LOG_BULK];

	j->job = (struct worker_job){.run = append_run, .done = append_done};
	j->d = d;
	j->ctx = (struct accept_ctx){.log = *log, .restoring = d->state == SYNC_RESTORING};
	j->now = clock_utc_ms();
	j->em.text[0] = 0;
	take_lines(j, w);
	d->local_under_way = true;
	worker_post(d->shell.store, &j->job);
}

/* ---- opening a log ---------------------------------------------------------------------------------------------------- */

static void open_run(struct worker_job *job, void *ctx)
{
	struct open_job *j = (struct open_job *)job;
	struct shell_store *st = ctx;
	struct batch_author w = {0};
	uint8_t id[LOG_ID_BYTES];

	batch_begin(&st->batch, j->now);
	j->err = batch_log_begin(&st->batch, &j->lo, NULL, 0, &w);
	batch_author_done(&w);
	log_id_put(&j->lo.log, id);
	if (j->err == AS_OK && j->lo.log.cls == LOG_LIVE) {
		j->err = batch_meta(&st->batch, META_OPEN, bytes_of(id, sizeof id));
		if (j->err == AS_OK)
			j->err = accept_suffix(&j->d->accept, &j->lo.log, j->lo.has_parent, &st->batch);
	}
	if (j->err == AS_OK)
		j->err = batch_commit(&st->batch, &j->em);
	j->rows_n = j->err ? 0 : shell_rows(st, j->rows, AS_COUNT(j->rows));
}

static void open_done(struct worker_job *job)
{
	struct open_job *j = (struct open_job *)job;
	struct branchd *d = j->d;

	d->local_under_way = false;
	if (j->err) {
		shell_commit_failed(j->err, "open-log", &j->em);
		branch_core_not_appended(&d->core, clock_mono_ms());
		shell_step_done(&d->shell);
		refuse_waiting(d, j->err);
		return;
	}
	for (size_t i = 0; i < j->rows_n; i++) {
		char name[NODE_LOG_TEXT_MAX];
		logline(LOG_LEVEL_NOTICE, "log-opened", "log=%s", node_log_text(&j->rows[i].id, name));
		branch_core_appended(&d->core, clock_mono_ms(), &j->rows[i]);
	}
	shell_step_done(&d->shell);
	branchd_work(d);
}

void local_open(struct branchd *d, const struct sync_out *out)
{
	struct open_job *j = &d->open;

	*j = (struct open_job){.job = {.run = open_run, .done = open_done}, .d = d, .now = clock_utc_ms()};
	j->lo.log = out->open.log;
	j->lo.has_parent = out->open.has_parent;
	if (out->open.has_parent) {
		j->lo.parent = out->open.parent;
		j->lo.parent_head = out->open.parent_head;
	}
	memcpy(j->lo.author, d->home->identity_public, 32);
	d->local_under_way = true;
	worker_post(d->shell.store, &j->job);
}

/* ---- fork --------------------------------------------------------------------------------------------------------------- */

static void fork_run(struct worker_job *job, void *ctx)
{
	struct fork_job *j = (struct fork_job *)job;
	struct shell_store *st = ctx;

	batch_begin(&st->batch, j->now);
	j->err = fork_to_batch(&st->batch, &j->order);
	if (j->err == AS_OK)
		j->err = accept_suffix(&j->d->accept, &j->order.child[0], true, &st->batch);
	if (j->err == AS_OK)
		j->err = batch_commit(&st->batch, &j->em);
	if (j->err == AS_ECORRUPT)
		j->damage_n = fork_damage(st->node, j->damage, AS_COUNT(j->damage));
	for (size_t i = 0; j->err == AS_OK && i < j->order.cuts_n; i++)
		verifier_forget(&st->verifier, &j->order.cuts[i].log);
}

/* Damaged blocks hindered the fork: said to the core, which cuts deeper. False: they did not. */
static bool fork_again(struct fork_job *j)
{
	struct branchd *d = j->d;
	char name[NODE_LOG_TEXT_MAX];

	for (size_t i = 0; i < j->damage_n; i++) {
		logline(LOG_LEVEL_ERR, "block-damaged", "log=%s at=%llu", node_log_text(&j->damage[i].log, name),
			(unsigned long long)j->damage[i].first);
		branch_core_checked(&d->core, clock_mono_ms(), &j->damage[i].log, j->damage[i].first, false);
	}
	return j->damage_n > 0 && branch_core_not_forked(&d->core, clock_mono_ms());
}

static void fork_done(struct worker_job *job)
{
	struct fork_job *j = (struct fork_job *)job;
	struct branchd *d = j->d;

	d->local_under_way = false;
	if (j->err == AS_ECORRUPT && fork_again(j)) {
		fork_order_done(&j->order);
		shell_step_done(&d->shell);
		branchd_work(d);
		return;
	}
	if (j->order.lost)
		logline(LOG_LEVEL_ERR, "events-lost",
			"count=%llu reason=\"damaged blocks of a log that was cut after a fork, and no other copy\"",
			(unsigned long long)j->order.lost);
	fork_order_done(&j->order);
	if (j->err) /* as good as a crash: the fork is found again from the store */
		shell_commit_failed(j->err == AS_EFULL ? AS_EIO : j->err, "fork", &j->em);
	for (size_t i = 0; i < d->core.c.logs_n; i++)
		node_reader_forget(d->shell.view, &d->core.c.logs[i].row.id);
	struct branch_start s;
	as_err err = local_start(d, true, &s);
	if (err)
		shell_commit_failed(err, "fork", &j->em);
	branch_core_forked(&d->core, clock_mono_ms(), &s);
	shell_step_done(&d->shell);
	branchd_work(d);
}

void local_fork(struct branchd *d)
{
	struct fork_job *j = &d->fork;
	uint8_t inc[16]; /* not from the core: a copy of this machine's memory would draw the same */

	as_random(inc, sizeof inc);
	d->fork_wanted = false;
	*j = (struct fork_job){.job = {.run = fork_run, .done = fork_done}, .d = d, .now = clock_utc_ms()};
	as_err err = fork_order_make(&d->core, d->fork_number, inc, &j->order);
	if (err)
		shell_commit_failed(err, "fork", &j->em);
	logline(LOG_LEVEL_WARN, "fork", "child=%u logs-cut=%zu", d->fork_number, j->order.cuts_n);
	d->local_under_way = true;
	worker_post(d->shell.store, &j->job);
}
