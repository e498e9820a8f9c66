#include "daemon/rt/shell.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/store/kv_lmdb.h"

/* ---- open and close --------------------------------------------------------------------------------------------- */

as_err shell_open(struct shell *s, struct loop *loop, struct node_home *home, size_t verifiers,
		  const struct shell_role *role, void *ctx, struct as_errmsg *em)
{
	as_err err;

	*s = (struct shell){.role = role, .ctx = ctx, .loop = loop, .home = home};
	buf_init(&s->frame, MESSAGE_BYTES_MAX);
	buf_init(&s->commit.raw_memory, 4u * 1024 * 1024);
	if ((s->codec = malloc(sizeof *s->codec)) == NULL)
		return AS_ENOMEM;
	if ((err = node_view(&s->at_store.node, home, true, em)) || (err = node_view_beside(&s->view, s->at_store.node, em)) ||
	    (err = received_init(&s->slots, home->is_hq ? 16384 : 1024)))
		return err;
	batch_init(&s->at_store.batch, s->at_store.node);
	verifier_init(&s->at_store.verifier, s->at_store.node);
	if ((err = worker_start(&s->store, loop, "store", &s->at_store)))
		return err;
	for (; s->verify_n < verifiers; s->verify_n++) {
		size_t i = s->verify_n;
		if ((err = node_view_beside(&s->verify_nodes[i], s->view, em)))
			return err;
		verifier_init(&s->verifiers[i], s->verify_nodes[i]);
		if ((err = worker_start(&s->verify[i], loop, "verify", &s->verifiers[i])))
			return err;
	}
	return AS_OK;
}

static void verify_none(struct shell *s); /* forgets those that wait */

void shell_close(struct shell *s)
{
	size_t n = s->verify_n;

	s->verify_n = 0; /* what is done while they end goes to no verifier, which may be gone */
	for (size_t i = 0; i < n; i++)
		worker_stop(s->verify[i]);
	worker_stop(s->store);
	for (size_t i = 0; i < SHELL_VERIFIERS_MAX; i++) {
		verifier_done(&s->verifiers[i]);
		node_view_free(s->verify_nodes[i]);
	}
	verifier_done(&s->at_store.verifier);
	batch_done(&s->at_store.batch);
	verify_none(s);
	node_view_free(s->at_store.node);
	node_view_free(s->view);
	received_done(&s->slots);
	buf_done(&s->frame);
	buf_done(&s->commit.raw_memory);
	free(s->codec);
	*s = (struct shell){0};
}

/* ---- messages in ------------------------------------------------------------------------------------------------- */

bool shell_received(struct shell *s, struct bytes frame, struct msg *ret_m)
{
	static struct wire_key keys[KEYS_PER_MESSAGE_MAX]; /* loop's thread */
	struct as_errmsg em = {0};
	as_err err = msg_decode(s->codec, frame, keys, ret_m, &em);

	if (err == AS_OK && (ret_m->type == MSG_BLOCK || ret_m->type == MSG_KEYS) &&
	    !received_take(&s->slots, s->home->org, ret_m))
		err = AS_ENOMEM;
	if (err == AS_OK)
		return true;
	logline(LOG_LEVEL_WARN, "frame-dropped", "reason=%s detail=%s", LOG_STR(as_err_text(err)), LOG_STR(em.text));
	return false;
}

/* ---- verifying --------------------------------------------------------------------------------------------------- */

/*
 * An opened block takes several times the bytes that came, which credit counts. So no more than these are opened ahead of
 * their commits; further ones wait as they came, in their order.
 */
#define OPENED_BYTES_MAX (16u * 1024 * 1024)
#define VERIFYING_MAX 32

struct verify_job {
	struct worker_job job;
	struct verify_job *next; /* in the row of those that wait */
	struct shell *s;
	struct received *r;
};

static void verify_run(struct worker_job *job, void *ctx)
{
	struct verify_job *j = (struct verify_job *)job;
	struct shell *s = j->s;

	verify_received(ctx == &s->at_store ? &s->at_store.verifier : ctx, j->r);
}

static void verify_done(struct worker_job *job);

static void verify_post(struct shell *s, struct verify_job *j)
{
	uint8_t log[LOG_ID_BYTES];
	size_t at = 0;

	j->job = (struct worker_job){.run = verify_run, .done = verify_done};
	s->verifying++;
	if (s->verify_n == 0) {
		worker_post(s->store, &j->job);
		return;
	}
	log_id_put(&j->r->log, log); /* blocks of one log in order: always the same thread */
	for (size_t i = 0; i < sizeof log; i++)
		at = at * 31 + log[i];
	worker_post(s->verify[at % s->verify_n], &j->job);
}

static void verify_more(struct shell *s)
{
	while (s->to_verify && s->verifying < VERIFYING_MAX && s->slots.opened_bytes < OPENED_BYTES_MAX) {
		struct verify_job *j = s->to_verify;
		s->to_verify = j->next;
		if (s->to_verify == NULL)
			s->to_verify_end = NULL;
		if (j->r->orphan) { /* given back while it waited */
			j->r->busy = j->r->orphan = false;
			received_free(&s->slots, j->r->slot);
			free(j);
		} else {
			verify_post(s, j);
		}
	}
}

static void verify_none(struct shell *s)
{
	while (s->to_verify) {
		struct verify_job *j = s->to_verify;
		s->to_verify = j->next;
		free(j);
	}
}

static void verify_done(struct worker_job *job)
{
	struct verify_job *j = (struct verify_job *)job;
	struct shell *s = j->s;
	struct received *r = j->r;

	free(j);
	s->verifying--;
	r->busy = false;
	received_opened(&s->slots, r);
	if (r->orphan) {
		r->orphan = false;
		received_free(&s->slots, r->slot);
	} else if (s->role->is_wanted(s->ctx, r->slot)) {
		struct sync_verified v = r->v;
		s->role->verified(s->ctx, &v);
		shell_step_done(s);
	}
	verify_more(s);
}

static void on_verify(struct shell *s, const struct sync_out *out)
{
	struct received *r = received_at(&s->slots, out->verify.slot);
	struct verify_job *j = malloc(sizeof *j);

	as_assert(r != NULL && j != NULL);
	*j = (struct verify_job){.s = s, .r = r};
	r->fresh = out->verify.fresh;
	r->evidence = out->verify.evidence;
	r->busy = true;
	if (s->to_verify_end)
		s->to_verify_end->next = j;
	else
		s->to_verify = j;
	s->to_verify_end = j;
	verify_more(s);
}

static void on_free(struct shell *s, uint32_t slot)
{
	struct received *r = received_at(&s->slots, slot);

	if (r && r->busy)
		r->orphan = true;
	else
		received_free(&s->slots, slot);
}

/* ---- commits ------------------------------------------------------------------------------------------------------ */

void shell_commit_failed(as_err err, const char *what, const struct as_errmsg *em)
{
	if (err == AS_EFULL) {
		logline(LOG_LEVEL_ERR, "store-full", "what=%s", what);
		return;
	}
	logline(LOG_LEVEL_ERR, "store-failed", "what=%s reason=%s detail=%s", what, LOG_STR(as_err_text(err)),
		LOG_STR(em->text));
	logline_end();
	_exit(SHELL_EXIT_STORE);
}

void shell_space(struct shell *s)
{
	uint64_t used, limit;

	if (kv_lmdb_space(s->home->kv, &used, &limit) == AS_OK && limit > 0 && used > limit / 10 * 7)
		logline(LOG_LEVEL_WARN, "store-filling", "used-mib=%llu of-mib=%llu percent=%llu",
			(unsigned long long)(used >> 20), (unsigned long long)(limit >> 20),
			(unsigned long long)(used * 100 / limit));
}

size_t shell_rows(struct shell_store *st, struct log_row *rows, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < st->batch.touched_n && n < cap; i++)
		if (store_log(st->node->st, &st->batch.touched[i], &rows[n]) == AS_OK)
			n++;
	return n;
}

static void commit_run(struct worker_job *job, void *ctx)
{
	struct shell_commit *c = (struct shell_commit *)job;
	struct shell_store *st = ctx;

	batch_begin(&st->batch, c->now);
	c->err = items_to_batch(&st->batch, c->items, c->slots, c->n, &c->result);
	if (c->err == AS_OK && c->shell->role->more)
		c->err = c->shell->role->more(c, &st->batch);
	if (c->err == AS_OK)
		c->err = batch_commit(&st->batch, &c->em);
	if (c->err)
		return;
	items_committed(&st->verifier, c->items, c->n);
	shell_roster_fold(&st->node->roster, c->raw, c->raw_n);
	if (c->result.roster_anew && (c->err = node_roster_load(st->node)) == AS_ECORRUPT && !st->node->home->is_hq)
		c->err = AS_OK; /* another block is damaged, and is fetched back as well */
	c->rows_n = shell_rows(st, c->rows, AS_COUNT(c->rows));
	if (c->err == AS_OK && c->raw_n) /* they outlive the batch */
		c->err = shell_copy_raw(&c->raw_memory, c->raw, c->raw_n, c->raw);
}

static void commit_done(struct worker_job *job)
{
	struct shell_commit *c = (struct shell_commit *)job;
	struct shell *s = c->shell;
	struct sync_committed done = {.result = COMMIT_OK};

	s->commit_under_way = false;
	if (c->err) {
		shell_commit_failed(c->err, "commit", &c->em);
		done.result = COMMIT_FULL;
	}
	if (c->result.any_keys) {
		done.keys = c->result.keys;
		done.reseal = c->result.reseal;
	}
	if (c->err == AS_OK && c->result.roster_anew)
		shell_roster_reload(s);
	s->role->committed(s->ctx, c, &done);
	shell_step_done(s);
	verify_more(s);
}

static void on_commit(struct shell *s, const struct sync_out *out)
{
	struct shell_commit *c = &s->commit;

	as_assert(!s->commit_under_way);
	s->commit_under_way = true;
	c->job = (struct worker_job){.run = commit_run, .done = commit_done};
	c->shell = s;
	c->items = out->commit.items;
	c->n = out->commit.n;
	c->err = AS_OK;
	c->em.text[0] = 0;
	c->now = clock_utc_ms();
	c->has_admit = false;
	c->raw_n = 0;
	c->rows_n = 0;
	for (size_t i = 0; i < c->n; i++)
		c->slots[i] = received_at(&s->slots, c->items[i].slot);
	if (s->role->prepare)
		s->role->prepare(s->ctx, c);
	worker_post(s->store, &c->job);
}

/* ---- outputs ------------------------------------------------------------------------------------------------------ */

static void check_later(struct shell *s, const struct log_id *log, uint64_t first)
{
	if (s->checks_n < AS_COUNT(s->checks)) /* what is not looked at now is met again */
		s->checks[s->checks_n++] = (struct shell_check){.log = *log, .first = first};
}

static void on_send(struct shell *s, const struct sync_out *out)
{
	struct as_errmsg em = {0};

	switch (outbox_frame(s->view, out, (uint64_t)clock_utc_ms() / 1000, &s->frame, &em)) {
	case OUTBOX_SEND:
		s->role->send(s->ctx, out->link, buf_bytes(&s->frame));
		break;
	case OUTBOX_ROTTEN:
		check_later(s, &out->send.msg->block.log, out->send.msg->block.first);
		break;
	case OUTBOX_FAILED:
		logline(LOG_LEVEL_ERR, "send-failed", "detail=%s", LOG_STR(em.text));
		break;
	case OUTBOX_NOTHING:
		break;
	}
}

void shell_out(void *ctx, const struct sync_out *out)
{
	struct shell *s = ctx;

	switch (out->type) {
	case SYNC_SEND:
		on_send(s, out);
		break;
	case SYNC_VERIFY:
		on_verify(s, out);
		break;
	case SYNC_COMMIT:
		on_commit(s, out);
		break;
	case SYNC_FREE:
		on_free(s, out->free.slot);
		break;
	case SYNC_CHECK:
		check_later(s, &out->verify.log, out->verify.first);
		break;
	default:
		s->role->out(s->ctx, out);
	}
}

void shell_step_done(struct shell *s)
{
	/* a check may order further ones: those come after it, in the same turn, boundedly */
	for (int turns = 0; s->checks_n > 0 && turns < 256; turns++) {
		struct shell_check c = s->checks[0];
		struct block_meta meta;
		memmove(&s->checks[0], &s->checks[1], --s->checks_n * sizeof s->checks[0]);
		bool sound = store_block_read(s->view->st, &c.log, c.first, &meta, &s->view->block) == AS_OK &&
			     node_block_open(s->view, &c.log, buf_bytes(&s->view->block), &s->view->opened) == AS_OK;
		s->role->checked(s->ctx, &c.log, c.first, sound);
	}
}

/* ---- what the core asks ------------------------------------------------------------------------------------------- */

bool shell_block_at(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *ret_meta)
{
	return store_block_at(((struct shell *)ctx)->view->st, log, index, ret_meta);
}

bool shell_receipt_ok(void *ctx, const struct log_id *log, const struct log_head *head, const uint8_t receipt[76])
{
	return outbox_receipt_ok(((struct shell *)ctx)->view, log, head, receipt);
}

/* ---- the roster in every thread ------------------------------------------------------------------------------------ */

as_err shell_copy_raw(struct buf *memory, const struct bytes *raw, size_t n, struct bytes *ret)
{
	size_t total = 0;
	as_err err;

	for (size_t i = 0; i < n; i++)
		total += raw[i].n;
	buf_reset(memory);
	if ((err = buf_reserve(memory, total)))
		return err;
	for (size_t i = 0; i < n; i++) {
		struct bytes from = raw[i]; /* ret may be raw */
		ret[i] = bytes_of(memory->p + memory->n, from.n);
		if ((err = buf_add(memory, from.p, from.n)))
			return err;
	}
	return AS_OK;
}

void shell_roster_fold(struct roster *r, const struct bytes *raw, size_t n)
{
	struct event ev;

	for (size_t i = 0; i < n; i++)
		if (event_decode(raw[i], &ev) == AS_OK && roster_fold(r, &ev) != AS_OK)
			as_abort(__FILE__, __LINE__, "out of memory for the roster");
}

struct roster_job {
	struct worker_job job;
	bool reload;
	struct buf memory;
	size_t n;
	struct bytes raw[];
};

static void roster_run(struct worker_job *job, void *ctx)
{
	struct roster_job *j = (struct roster_job *)job;
	struct verifier *vf = ctx;

	if (!j->reload)
		shell_roster_fold(&vf->node->roster, j->raw, j->n);
	else if (node_roster_load(vf->node))
		logline(LOG_LEVEL_ERR, "roster-unreadable", "detail=\"run aftersync verify\"");
}

static void roster_done_job(struct worker_job *job)
{
	struct roster_job *j = (struct roster_job *)job;

	buf_done(&j->memory);
	free(j);
}

static void roster_post(struct shell *s, const struct bytes *raw, size_t n, bool reload)
{
	for (size_t i = 0; i < s->verify_n; i++) {
		struct roster_job *j = calloc(1, sizeof *j + n * sizeof j->raw[0]);
		as_assert(j != NULL);
		j->job = (struct worker_job){.run = roster_run, .done = roster_done_job};
		j->reload = reload;
		j->n = n;
		buf_init(&j->memory, 16u * 1024 * 1024);
		as_err err = shell_copy_raw(&j->memory, raw, n, j->raw);
		as_assert(err == AS_OK);
		worker_post(s->verify[i], &j->job);
	}
}

void shell_roster_add(struct shell *s, const struct bytes *raw, size_t n)
{
	shell_roster_fold(&s->view->roster, raw, n);
	roster_post(s, raw, n, false);
}

void shell_roster_reload(struct shell *s)
{
	if (node_roster_load(s->view))
		logline(LOG_LEVEL_ERR, "roster-unreadable", "detail=\"run aftersync verify\"");
	roster_post(s, NULL, 0, true);
}
