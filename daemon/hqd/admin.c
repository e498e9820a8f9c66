/* What the operator orders while the daemon runs: enrolment, and the end of a machine's keys with it. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/node/text_time.h"
#include "daemon/hqd/hqd.h"

static const char writes_nothing[] =
    "this head office writes nothing now: see `aftersync status` (rolled-back or recovering)";

struct enrol_job {
	struct worker_job job;
	struct enrol_job *next; /* that waits */
	struct hqd *d;
	struct control_conn *c; /* NULL: gone */
	struct enrolment *e;
	struct join_code *codes; /* of each */
	size_t n;
	int64_t now;
	as_err err;
	struct as_errmsg em;
	struct bytes *raw; /* room for n + ENROL_EVENTS_MAX */
	size_t raw_n;
	struct buf memory;
	struct log_row rows[2];
	size_t rows_n;
};

static void enrol_run(struct worker_job *job, void *ctx)
{
	struct enrol_job *j = (struct enrol_job *)job;
	struct shell_store *st = ctx;

	batch_begin(&st->batch, j->now);
	j->raw_n = j->n;
	j->err = j->n > 1 ? enrolments_to_batch(&st->batch, j->e, j->n, j->codes, j->raw, &j->em)
			  : enrolment_to_batch(&st->batch, j->e, j->codes, j->raw, &j->raw_n, &j->em);
	if (j->err == AS_OK)
		j->err = batch_commit(&st->batch, &j->em);
	if (j->err)
		return;
	shell_roster_fold(&st->node->roster, j->raw, j->raw_n);
	j->rows_n = shell_rows(st, j->rows, AS_COUNT(j->rows));
	j->err = shell_copy_raw(&j->memory, j->raw, j->raw_n, j->raw);
}

static void add_token(struct hqd *d, const struct enrol_job *j, size_t i)
{
	const struct enrolment *e = &j->e[i];
	struct hq_token t = {.number = j->codes[i].token, .state = TOKEN_OPEN};

	memcpy(t.branch, e->branch, BRANCH_CODE_MAX);
	t.expires_ms = clock_mono_ms() + (uint64_t)(e->expires - j->now);
	t.more = e->uses > 1;
	if (!hq_core_add_token(&d->core, &t))
		logline(LOG_LEVEL_ERR, "table-full", "what=tokens");
	logline(LOG_LEVEL_NOTICE, "enrolled", "branch=%.8s token=%u replace=%d", e->branch, t.number, e->replace);
}

static void answer(struct enrol_job *j)
{
	if (j->c == NULL)
		return;
	*control_user(j->c) = NULL;
	for (size_t i = 0; j->err == AS_OK && i < j->n; i++) {
		AS_AUTO(json) json_t *line = NULL;
		j->err = enrolment_answer(&j->codes[i], j->d->home, j->e[i].expires, &line, &j->em);
		if (j->err == AS_OK && !control_emit(j->c, line))
			j->err = AS_ENOMEM;
	}
	if (j->err)
		control_end(j->c, j->err == AS_EIO || j->err == AS_EFULL || j->err == AS_ENOMEM ? 74 : 1,
			    j->em.text[0] ? j->em.text : as_err_text(j->err));
	else
		control_end(j->c, 0, NULL);
}

static void enrol_free(struct enrol_job *j)
{
	if (j->codes)
		as_wipe(j->codes, j->n * sizeof *j->codes);
	free(j->codes);
	free(j->e);
	free(j->raw);
	buf_done(&j->memory);
	free(j);
}

static void enrol_done(struct worker_job *job)
{
	struct enrol_job *j = (struct enrol_job *)job;
	struct hqd *d = j->d;
	uint64_t now = clock_mono_ms();

	if (j->err == AS_EIO || j->err == AS_EFULL || j->err == AS_ECONFLICT)
		shell_commit_failed(j->err, "enrol", &j->em);
	if (j->err == AS_OK) {
		shell_roster_add(&d->shell, j->raw, j->raw_n);
		for (size_t i = 0; i < j->rows_n; i++)
			hq_core_appended(&d->core, now, &j->rows[i]);
		if (j->rows_n == 0)
			hq_core_not_appended(&d->core, now);
		if (j->raw_n > j->n) /* machines were ended */
			hq_core_end_keys(&d->core, now, j->e[0].branch);
		for (size_t i = 0; i < j->n; i++)
			add_token(d, j, i);
		shell_step_done(&d->shell);
	} else {
		hq_core_not_appended(&d->core, now);
	}
	answer(j);
	enrol_free(j);
	hqd_append_free(d);
}

/* Why it cannot be done now; NULL: it can. Nothing is written before there is room for all that follows from
 * it. */
static const char *hindered(struct hqd *d, const struct enrol_job *j)
{
	const char *why = hq_core_may_append(&d->core) ? NULL : writes_nothing;

	for (size_t i = 0; why == NULL && i < j->n; i++)
		why = tables_hindered(d, j->e[i].branch, j->n);
	return why;
}

void admin_append_free(struct hqd *d)
{
	const struct log_id all = hq_all_log(d->home);
	const char *why = NULL;
	struct enrol_job *j;

	while ((j = d->enrol_first) != NULL && (why = hindered(d, j)) != NULL) { /* since it began to wait */
		d->enrol_first = j->next;
		j->err = AS_EREFUSED;
		as_errmsg_set(&j->em, "not enrolled: %s", why);
		answer(j);
		enrol_free(j);
	}
	if (j && hq_core_append(&d->core, clock_mono_ms(), &all)) {
		d->enrol_first = j->next;
		worker_post(d->shell.store, &j->job);
	}
}

void admin_close(struct hqd *d)
{
	while (d->enrol_first) {
		struct enrol_job *j = d->enrol_first;
		d->enrol_first = j->next;
		enrol_free(j);
	}
}

void admin_conn_gone(struct hqd *d, void *job)
{
	(void)d;
	((struct enrol_job *)job)->c = NULL;
}

void admin_enrol(struct hqd *d, struct control_conn *c, const json_t *request)
{
	struct enrol_job *j;

	if (!hq_core_may_append(&d->core)) {
		control_end(c, 1, writes_nothing);
		return;
	}
	if ((j = calloc(1, sizeof *j)) == NULL) {
		control_end(c, 74, "out of memory");
		return;
	}
	j->job = (struct worker_job){.run = enrol_run, .done = enrol_done};
	j->d = d;
	j->c = c;
	j->now = clock_utc_ms();
	buf_init(&j->memory, 4u * 1024 * 1024);
	j->err = enrolments_parse(d->shell.view, request,
				  d->conf.public_endpoint[0] ? d->conf.public_endpoint : d->conf.listen, j->now, &j->e, &j->n,
				  &j->em);
	if (j->err == AS_OK && ((j->codes = calloc(j->n, sizeof *j->codes)) == NULL ||
				(j->raw = calloc(j->n + ENROL_EVENTS_MAX, sizeof *j->raw)) == NULL))
		j->err = AS_ENOMEM;
	if (j->err) {
		control_end(c, j->err == AS_ENOMEM ? 74 : 64, j->em.text[0] ? j->em.text : as_err_text(j->err));
		enrol_free(j);
		return;
	}
	*control_user(c) = j;
	struct enrol_job **end = &d->enrol_first;
	while (*end)
		end = &(*end)->next;
	*end = j;
	admin_append_free(d);
}
