/* What the shell does by the clock: reading again what is stored, a look at the store's room and readers, the watchdog. */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/kv_lmdb.h"
#include "daemon/rt/notify.h"
#include "daemon/rt/shell.h"

#define SCRUB_BLOCKS 4 /* a tick: what a slow disk reads in a few hundredths of a second */
#define SCRUB_PAUSE_MS 3600000u
#define SCRUB_AGAIN_MS 5000u /* after damage: a log has one block fetched back at a time, others may wait */

/* The first log after the one read last. */
static as_err scrub_find(void *arg, const struct log_row *row)
{
	struct shell_scrub *k = arg;

	if (row->head.size == 0 || log_id_cmp(&row->id, &k->log) <= 0)
		return AS_OK;
	k->log = row->id;
	k->at = 0;
	k->in_log = true;
	return AS_EEXIST; /* ends the walk */
}

/* The block itself says what stood in its damaged row: it is written again, as it is. */
struct mend_job {
	struct worker_job job;
	struct log_id log;
	uint64_t first;
	as_err err;
	struct as_errmsg em;
};

static void mend_run(struct worker_job *job, void *ctx)
{
	struct mend_job *j = (struct mend_job *)job;
	struct shell_store *st = ctx;
	struct node *n = st->node;
	struct block_meta m;

	if (store_block_read(n->st, &j->log, j->first, &m, &n->block) || !m.mended || m.first != j->first)
		return; /* cut, or mended already */
	batch_begin(&st->batch, clock_utc_ms());
	struct store_op *o = batch_op(&st->batch, STORE_REPAIR, &j->log);
	j->err = o ? AS_OK : AS_ENOMEM;
	if (o) {
		o->aside.first = j->first;
		o->aside.block = buf_bytes(&n->block);
		j->err = batch_commit(&st->batch, &j->em);
	}
}

static void mend_done(struct worker_job *job)
{
	struct mend_job *j = (struct mend_job *)job;
	char name[NODE_LOG_TEXT_MAX];

	if (j->err)
		shell_commit_failed(j->err, "mend", &j->em);
	else
		logline(LOG_LEVEL_WARN, "block-mended", "log=%s at=%llu", node_log_text(&j->log, name),
			(unsigned long long)j->first);
	free(j);
}

static void scrub_mended(struct shell *s, uint64_t first)
{
	struct mend_job *j = calloc(1, sizeof *j);
	char name[NODE_LOG_TEXT_MAX];

	s->scrub.damaged++;
	logline(LOG_LEVEL_ERR, "block-damaged", "log=%s at=%llu", node_log_text(&s->scrub.log, name),
		(unsigned long long)first);
	if (j == NULL)
		return; /* the next pass meets it again */
	j->job = (struct worker_job){.run = mend_run, .done = mend_done};
	j->log = s->scrub.log;
	j->first = first;
	worker_post(s->store, &j->job);
}

static void scrub_damaged(struct shell *s, const struct block_meta *meta)
{
	struct shell_scrub *k = &s->scrub;
	char name[NODE_LOG_TEXT_MAX];

	k->damaged++;
	logline(LOG_LEVEL_ERR, "block-damaged", "log=%s at=%llu", node_log_text(&k->log, name),
		(unsigned long long)k->at);
	if (meta == NULL) { /* the row is gone: a person has to look */
		k->in_log = false;
		return;
	}
	k->at = meta->first + meta->count;
	s->role->checked(s->ctx, &k->log, meta->first, false);
	shell_step_done(s);
}

/* False: the pass is over. */
static bool scrub_block(struct shell *s)
{
	struct shell_scrub *k = &s->scrub;
	struct block_meta meta;

	if (!k->in_log && store_each_log(s->view->st, scrub_find, k) != AS_EEXIST)
		return false;
	switch (store_block_read(s->view->st, &k->log, k->at, &meta, &s->view->block)) {
	case AS_OK:
		if (meta.mended)
			scrub_mended(s, meta.first);
		k->at = meta.first + meta.count;
		k->blocks++;
		break;
	case AS_ECORRUPT:
		scrub_damaged(s, store_block_at(s->view->st, &k->log, k->at, &meta) ? &meta : NULL);
		break;
	default: /* its end, or it was cut meanwhile */
		k->in_log = false;
	}
	return true;
}

static void scrub(struct shell *s, uint64_t now_ms)
{
	struct shell_scrub *k = &s->scrub;

	for (int i = 0; i < SCRUB_BLOCKS && now_ms >= k->next_ms; i++) {
		if (scrub_block(s))
			continue;
		logline(LOG_LEVEL_INFO, "scrubbed", "blocks=%llu damaged=%llu", (unsigned long long)k->blocks,
			(unsigned long long)k->damaged);
		uint64_t again = k->damaged == 0 ? SCRUB_PAUSE_MS : k->again_ms ? 2 * k->again_ms : SCRUB_AGAIN_MS;
		if (again > SCRUB_PAUSE_MS)
			again = SCRUB_PAUSE_MS;
		*k = (struct shell_scrub){.next_ms = now_ms + again, .again_ms = k->damaged ? again : 0};
	}
}

/* ---- room, readers, watchdog ---------------------------------------------------------------------------------------- */

#define LOOK_MS 60000
#define STORE_HUNG_MS 20000 /* a job of the store thread that runs so long: no watchdog ping */

static void look_at_space(struct shell *s)
{
	uint64_t used, limit;

	if (kv_lmdb_space(s->home->kv, &used, &limit) == AS_OK && limit > 0 && used > limit / 10 * 7)
		logline(LOG_LEVEL_WARN, "store-filling", "used-mib=%llu of-mib=%llu percent=%llu",
			(unsigned long long)(used >> 20), (unsigned long long)(limit >> 20),
			(unsigned long long)(used * 100 / limit));
}

void shell_tick(struct shell *s, uint64_t now_ms)
{
	scrub(s, now_ms);
	logline_flush();
	if (now_ms - s->looked_ms > LOOK_MS) {
		s->looked_ms = now_ms;
		look_at_space(s);
		as_err err = kv_lmdb_reader_check(s->home->kv);
		if (err)
			logline(LOG_LEVEL_WARN, "reader-check", "reason=%s", LOG_STR(as_err_text(err)));
	}
	if (worker_alive_ms(s->store) < STORE_HUNG_MS)
		notify_watchdog();
}
