/* When each branch was heard last, written down so that a restart does not forget it. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "daemon/hqd/hqd.h"

#define HEARD_WRITE_MS 600000

struct heard_job {
	struct worker_job job;
	struct hqd *d;
	struct heard copy;
	int64_t now;
	as_err err;
	struct as_errmsg em;
};

static void heard_run(struct worker_job *job, void *ctx)
{
	struct heard_job *j = (struct heard_job *)job;
	struct shell_store *st = ctx;

	batch_begin(&st->batch, j->now);
	j->err = heard_to_batch(&st->batch, &j->copy);
	if (j->err == AS_OK)
		j->err = batch_commit(&st->batch, &j->em);
}

static void heard_job_done(struct worker_job *job)
{
	struct heard_job *j = (struct heard_job *)job;

	if (j->err)
		shell_commit_failed(j->err, "heard", &j->em);
	j->d->heard_job = NULL;
	heard_done(&j->copy);
	free(j);
}

/* What the core has heard in this run. */
static void take_heard(struct hqd *d)
{
	uint64_t now = clock_mono_ms();
	int64_t utc = clock_utc_ms();

	for (size_t i = 0; i < d->core.nodes_n; i++) {
		const struct hq_node *n = &d->core.nodes[i];
		if (n->seen_ms && heard_put(&d->heard, n->branch, utc - (int64_t)(now - n->seen_ms)))
			d->heard_changed = true;
	}
}

void hqd_heard_write(struct hqd *d)
{
	struct heard_job *j;

	take_heard(d);
	if (!d->heard_changed || d->heard_job || (j = calloc(1, sizeof *j)) == NULL)
		return;
	j->job = (struct worker_job){.run = heard_run, .done = heard_job_done};
	j->d = d;
	j->now = clock_utc_ms();
	for (size_t i = 0; i < d->heard.n; i++)
		heard_put(&j->copy, d->heard.rows[i].branch, d->heard.rows[i].utc);
	d->heard_changed = false;
	d->heard_job = j;
	worker_post(d->shell.store, &j->job);
}

void hqd_heard_tick(struct hqd *d, uint64_t now)
{
	if (now < d->heard_next_ms)
		return;
	d->heard_next_ms = now + HEARD_WRITE_MS;
	hqd_heard_write(d);
}
