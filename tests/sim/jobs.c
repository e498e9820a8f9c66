/* What the store thread of a daemon does: one job after the other, each one commit. */
#include "common/base/check.h"
#include "common/crypto/seal.h"
#include "common/ledger/ledger.h"
#include "common/wire/event.h"
#include "tests/sim/batch.h"

#include <stdlib.h>

#define BATCH_MAX 64
#define ARENA_BYTES (1 << 20)

static uint8_t arena_memory[ARENA_BYTES];

/* ---- local work
 * ---------------------------------------------------------------------------------------------------*/

/* True: to be appended. False: answered, refused or left for the next batch (then *keep). */
static bool admit(struct node *n, const struct submission *s, struct case_key *cases, size_t *cases_n,
		  bool *keep)
{
	struct event ev;
	struct case_key key;
	struct log_id log;
	uint64_t index;
	struct case_rec rec;
	struct arena arena;
	struct ledger_refusal why;
	uint8_t leaf[32];

	*keep = false;
	if (store_event_place(n->st, s->event_id, &log, &index) == AS_OK &&
	    !(s->forced && chance(n->w, 500))) {
		check_accepted(n, s->event_id); /* an answer that was lost: given again */
		return false;
	}
	if (event_decode(s->raw, &ev) != AS_OK)
		return s->forced;
	if (!ledger_case_of(&ev, n->branch, &key))
		return s->forced;
	for (size_t i = 0; i < *cases_n; i++)
		if (memcmp(&cases[i], &key, sizeof key) == 0) {
			*keep = true;
			return false;
		}
	arena_init(&arena, arena_memory, sizeof arena_memory);
	tree_leaf(s->raw, leaf);
	bool have = store_case(n->st, &key, 1, &arena, &rec) == AS_OK;
	if (ledger_check(have ? &rec : NULL, &ev, n->branch, leaf, &why) != AS_OK && !s->forced) {
		n->w->refused_local++;
		return false;
	}
	cases[(*cases_n)++] = key;
	return true;
}

static void exec_append(struct node *n, const struct job *j)
{
	static struct bytes events[BATCH_MAX];
	static uint8_t leaves[BATCH_MAX][32];
	struct case_key cases[BATCH_MAX];
	size_t cases_n = 0, events_n = 0, plain = 0, kept = 0;
	struct store_key keys[BATCH_MAX];
	uint8_t wrapped[BATCH_MAX][32];
	size_t keys_n = 0;
	struct block_author a;
	struct tree_frontier f;
	struct log_row row, live;
	struct log_id open, live_id = j->log;
	AS_AUTO(buf) struct buf meta = {0};

	buf_init(&meta, 4096);
	if (store_meta(n->st, "open", &meta) != AS_OK || !log_id_get(meta.p, &open) ||
	    open.number != j->log.number || memcmp(open.inc, j->log.inc, 16) != 0 ||
	    store_log(n->st, &j->log, &row) != AS_OK)
		return; /* a fork came between: asked again at the next tick */
	live_id.cls = LOG_LIVE;
	if (store_log(n->st, &live_id, &live) != AS_OK)
		return;
	for (size_t i = 0; i < n->subs_n; i++) {
		struct submission s = n->subs[i];
		bool keep = false;
		if (s.cls != j->log.cls || events_n == BATCH_MAX || plain + s.raw.n + 4 > BLOCK_PLAIN_MAX) {
			n->subs[kept++] = s;
			continue;
		}
		if (!admit(n, &s, cases, &cases_n, &keep)) {
			if (keep)
				n->subs[kept++] = s;
			else
				free((void *)(uintptr_t)s.raw.p);
			continue;
		}
		events[events_n++] = s.raw;
		plain += s.raw.n + 4;
		if (s.with_key && n->subjects_n < SIM_SUBJECTS) {
			struct store_key *k = &keys[keys_n];
			*k = (struct store_key){.number = live.keys + keys_n + 1, .op = KEY_PUT};
			rng_fill(&n->w->rng, k->subject, 16);
			rng_fill(&n->w->rng, wrapped[keys_n], 32);
			k->wrapped = bytes_of(wrapped[keys_n], 32);
			memcpy(n->subjects[n->subjects_n++], k->subject, 16);
			keys_n++;
		}
		n->taken[n->taken_n++] = s;
	}
	n->subs_n = kept;
	if (events_n == 0)
		return;
	if (n->subjects_n > 0 && keys_n < BATCH_MAX && fault(n->w, F_TOMBSTONE)) {
		struct store_key *k = &keys[keys_n];
		*k = (struct store_key){.number = live.keys + keys_n + 1, .op = KEY_TOMBSTONE};
		memcpy(k->subject, n->subjects[rng_below(&n->w->rng, n->subjects_n)], 16);
		keys_n++;
	}
	if (keys_n > 0) {
		struct store_op *o = batch_op(STORE_KEYS, &live_id);
		o->keys.keys = keys;
		o->keys.n = keys_n;
	}
	if (!batch_author_open(n, &j->log, &a) ||
	    store_frontier(n->st, &j->log, row.head.size, &f) != AS_OK) {
		/* its first block rotted: the scrubber will find it */
		struct event_in *e = world_at(n->w, n->w->now + 1, EV_SCRUB, n->index);
		e->log = j->log;
		e->first = 0;
		n->refuse_taken = true;
		return;
	}
	if (!batch_block(n, &a, &f, events, events_n, live.keys + keys_n, leaves, NULL))
		return;
	as_err err = batch_commit(n);
	if (err == AS_EIO) {
		n->dying = true;
	} else if (err) {
		n->refuse_taken = true;
	} else {
		batch_row(n, &j->log);
		if (j->log.cls != LOG_LIVE && keys_n > 0)
			batch_row(n, &live_id);
	}
}

static void exec_open(struct node *n, const struct job *j)
{
	struct log_opened lo = {.log = j->log, .has_parent = j->has_parent};
	struct block_author a;
	struct tree_frontier f;
	uint8_t leaf[1][32], raw[GEN_RAW_MAX], id[LOG_ID_BYTES];
	struct bytes event;

	memcpy(lo.author, n->identity, 32);
	if (j->has_parent) {
		lo.parent = j->parent;
		lo.parent_head = j->parent_head;
	}
	if (!batch_open(n, &lo, &a, &f, leaf, raw, &event))
		return;
	if (j->log.cls == LOG_LIVE) {
		log_id_put(&j->log, id);
		batch_meta("open", bytes_of(id, sizeof id));
	}
	as_err err = batch_commit(n);
	if (err == AS_EIO)
		n->dying = true;
	else if (err == AS_OK)
		batch_row(n, &j->log);
}

/* ---- the core's commits
 * -------------------------------------------------------------------------------------------*/

/* Head office takes puts sealed to its present transport key only; the first other one ends the run. */
static void add_keys(struct node *n, const struct sync_item *it, size_t at, struct store_key *keys)
{
	struct slot *s = &n->slots[it->slot];
	size_t k = 0;

	for (size_t i = 0; i < at; i++)
		if (n->items[i].type == ITEM_KEYS && n->reseal[i] && log_id_equal(&n->items[i].log, &it->log)) {
			n->keys_now[at] = n->keys_now[i]; /* those before it ended early */
			n->reseal[at] = true;
			return;
		}
	n->keys_now[at] = it->first - 1;
	n->reseal[at] = false;
	for (; k < s->keys_n; k++) {
		const struct wire_key *w = &s->keys[k];
		if (n->is_hq && w->op == KEY_PUT && w->transport != n->h.c.transport) {
			n->reseal[at] = true;
			break;
		}
		keys[k] = (struct store_key){.number = w->number, .op = w->op};
		memcpy(keys[k].subject, w->subject, 16);
		if (w->op == KEY_PUT)
			keys[k].wrapped = bytes_of(w->sealed, 32);
	}
	n->keys_now[at] += k;
	if (k > 0) {
		struct store_op *o = batch_op(STORE_KEYS, &it->log);
		o->keys.keys = keys;
		o->keys.n = k;
	}
}

static void exec_core(struct node *n)
{
	static struct store_key keys[SYNC_FLIGHT_MAX][KEYS_PER_MESSAGE_MAX];
	static uint8_t four[4], one[1] = {1};
	size_t keys_at = 0;

	for (size_t i = 0; i < n->items_n; i++) {
		const struct sync_item *it = &n->items[i];
		struct store_op *o;
		switch (it->type) {
		case ITEM_BLOCK: {
			struct slot *s = &n->slots[it->slot];
			o = batch_op(STORE_BLOCK, &it->log);
			o->block.meta = (struct block_meta){.first = it->first,
							    .count = it->count,
							    .bytes = (uint32_t)s->n,
							    .keys_upto = it->keys_upto};
			memcpy(o->block.meta.root, it->head.root, 32);
			o->block.block = bytes_of(s->bytes, s->n);
			o->block.events = s->opened.events;
			o->block.leaves = (const uint8_t(*)[32])s->opened.leaves;
			o->block.fold = it->fold;
			o->block.has_parent = it->has_parent;
			o->block.parent = it->parent;
			o->block.parent_head = it->parent_head;
			break;
		}
		case ITEM_REPAIR:
			o = batch_op(STORE_REPAIR, &it->log);
			o->aside.first = it->first;
			o->aside.block = bytes_of(n->slots[it->slot].bytes, n->slots[it->slot].n);
			break;
		case ITEM_FOLD:
			batch_op(STORE_FOLD, &it->log);
			break;
		case ITEM_RECEIPT:
			o = batch_op(STORE_RECEIPT, &it->log);
			o->receipt.head = it->head;
			memcpy(o->receipt.receipt, it->receipt, 76);
			break;
		case ITEM_KEYS:
			as_assert(keys_at < AS_COUNT(keys));
			add_keys(n, it, i, keys[keys_at++]);
			break;
		case ITEM_VOID: {
			as_assert(keys_at < AS_COUNT(keys));
			struct store_key *k = keys[keys_at++];
			size_t v = 0;
			for (uint64_t num = it->first; num <= it->keys_upto && v < KEYS_PER_MESSAGE_MAX;
			     num++)
				k[v++] = (struct store_key){.number = num, .op = KEY_VOID};
			o = batch_op(STORE_KEYS, &it->log);
			o->keys.keys = k;
			o->keys.n = v;
			break;
		}
		case ITEM_CUT:
			batch_op(STORE_CUT, &it->log)->cut.size = it->head.size;
			if (it->head.size == 0)
				node_forget(n, &it->log);
			break;
		case ITEM_ASIDE:
			o = batch_op(STORE_ASIDE, &it->log);
			o->aside.first = it->first;
			o->aside.reason = it->reason;
			o->aside.block = bytes_of(n->slots[it->slot].bytes, n->slots[it->slot].n);
			break;
		case ITEM_END:
			batch_op(STORE_END, &it->log)->end.size = it->head.size;
			break;
		case ITEM_ADMIT:
			batch_meta("admitted", bytes_of(one, 1));
			break;
		case ITEM_JOINED:
			batch_meta("joined", bytes_of(one, 1));
			break;
		case ITEM_INSTANCE:
			put_be32(four, it->number);
			batch_meta("instance", bytes_of(four, 4));
			break;
		}
	}
	as_err err = batch_commit(n);
	if (err == AS_EIO)
		n->dying = true;
	if (err == AS_ECORRUPT)
		check_scrub_node(n);
	n->result = err == AS_OK ? COMMIT_OK : COMMIT_FULL;
	for (size_t i = 0; err == AS_OK && i < n->items_n; i++)
		if (n->items[i].type == ITEM_ADMIT)
			world_admit(n->w, n->items[i].number, hq_core_join(&n->h, n->items[i].number));
		else if (n->items[i].type == ITEM_INSTANCE)
			n->instance_seen = n->items[i].number;
}

/* ---- head office's own logs
 * ---------------------------------------------------------------------------------------*/

static void exec_hq_append(struct node *n, const struct job *j)
{
	uint8_t raw[2][GEN_RAW_MAX], leaves[2][1][32], id[16], salt[16];
	struct bytes events[2];
	struct block_author a;
	struct tree_frontier f;
	struct log_row row;
	struct event ev = {
	    .kind = 131, .business_date = 20260101, .tz_offset_min = 480, .actor = 1, .post = 1};
	size_t len = 0;

	if (!hq_core_may_append(&n->h) || j->log.number != n->h.c.instance)
		return; /* it was rolled back meanwhile */
	if (store_log(n->st, &j->log, &row) != AS_OK || row.head.size == 0) {
		struct log_opened lo = {.log = j->log};
		memcpy(lo.author, n->w->instance_public[j->log.number], 32);
		for (uint32_t i = j->log.number - 1; i > 0 && !lo.has_parent; i--) {
			struct log_id old = j->log;
			old.number = i;
			if (store_log(n->st, &old, &row) == AS_OK && row.head.size > 0) {
				lo.has_parent = true;
				lo.parent = old;
				lo.parent_head = row.head;
			}
		}
		if (!batch_open(n, &lo, &a, &f, leaves[0], raw[0], &events[0]))
			return;
	} else if (!batch_author_open(n, &j->log, &a) ||
		   store_frontier(n->st, &j->log, row.head.size, &f) != AS_OK) {
		return;
	}
	rng_fill(&n->w->rng, id, 16);
	rng_fill(&n->w->rng, salt, 16);
	ev.event_id = bytes_of(id, 16);
	ev.salt = bytes_of(salt, 16);
	ev.occurred_at = ev.recorded_at = EPOCH_MS + (int64_t)n->w->now;
	if (event_encode(&ev, raw[1], GEN_RAW_MAX, &len) != AS_OK)
		broken(n->w, "encode", "head office's event");
	events[1] = bytes_of(raw[1], len);
	if (!batch_block(n, &a, &f, &events[1], 1, 0, leaves[1], NULL))
		return;
	as_err err = batch_commit(n);
	if (err == AS_EIO)
		n->dying = true;
	else if (err == AS_OK)
		batch_row(n, &j->log);
}

/* ---- the queue of jobs
 * --------------------------------------------------------------------------------------------*/

void node_exec(struct node *n)
{
	struct job j = n->jobs[0];

	as_assert(n->jobs_n > 0 && !n->executing);
	if (fault(n->w, F_CRASH_BEFORE_COMMIT)) {
		n->dying = true;
	} else {
		n->executing = true;
		n->refuse_taken = false;
		switch (j.type) {
		case JOB_CORE:
			exec_core(n);
			break;
		case JOB_APPEND:
			exec_append(n, &j);
			break;
		case JOB_OPEN:
			exec_open(n, &j);
			break;
		case JOB_FORK:
			n->w->states[branch_core_state(&n->b, n->w->now)]++; /* too short for a sample */
			exec_fork(n, &j);
			break;
		case JOB_HQ_APPEND:
			exec_hq_append(n, &j);
			break;
		}
		batch_done();
		if (!n->dying && fault(n->w, F_CRASH_AFTER_COMMIT))
			n->dying = true;
	}
	if (n->dying) {
		node_settle(n);
		return;
	}
	check_step(n->w, n);
	world_at(n->w, n->w->now + rng_below(&n->w->rng, n->w->disk_ms), EV_DONE, n->index);
}

void node_done(struct node *n)
{
	struct job j = n->jobs[0];
	struct log_row rows[AS_COUNT(n->appended)];
	size_t rows_n = n->appended_n;
	struct sync_committed done = {.result = n->result, .keys = n->keys_now, .reseal = n->reseal};

	as_assert(n->executing);
	n->executing = false;
	memmove(&n->jobs[0], &n->jobs[1], --n->jobs_n * sizeof n->jobs[0]);
	if (n->jobs_n > 0)
		world_at(n->w, n->w->now + 1, EV_EXEC, n->index);
	memcpy(rows, n->appended, sizeof rows);
	n->appended_n = 0;
	switch (j.type) {
	case JOB_CORE:
		if (n->is_hq)
			hq_core_committed(&n->h, n->w->now, &done);
		else
			branch_core_committed(&n->b, n->w->now, &done);
		break;
	case JOB_APPEND:
		for (size_t i = 0; i < n->taken_n; i++)
			if (n->refuse_taken) {
				node_submit(n, &n->taken[i]); /* NOT recorded: the clerk tries again later */
			} else {
				check_accepted(n, n->taken[i].event_id);
				free((void *)(uintptr_t)n->taken[i].raw.p);
			}
		n->taken_n = 0;
		if (rows_n == 0)
			branch_core_not_appended(&n->b, n->w->now);
		break;
	case JOB_OPEN:
		if (rows_n == 0)
			branch_core_not_appended(&n->b, n->w->now);
		break;
	case JOB_FORK:
		if (!n->fork_refused)
			node_forked(n);
		else if (!fork_again(n))
			n->dying = true;
		break;
	case JOB_HQ_APPEND:
		if (rows_n == 0)
			hq_core_not_appended(&n->h, n->w->now);
		break;
	}
	for (size_t i = 0; i < rows_n && n->alive && !n->dying; i++) {
		if (n->is_hq)
			hq_core_appended(&n->h, n->w->now, &rows[i]);
		else
			branch_core_appended(&n->b, n->w->now, &rows[i]);
	}
	node_settle(n);
	if (n->alive && !n->is_hq && n->subs_n > 0)
		node_want(n);
}

void node_want(struct node *n)
{
	uint8_t random[16];
	bool queued = false;

	for (size_t i = 0; i < n->jobs_n; i++)
		queued |= n->jobs[i].type == JOB_APPEND || n->jobs[i].type == JOB_OPEN;
	if (queued || n->subs_n == 0)
		return;
	n->want_pending = false;
	rng_fill(&n->w->rng, random, sizeof random);
	branch_core_want(&n->b, n->w->now, n->subs[0].cls == LOG_BULK ? LOG_BULK : LOG_LIVE, random);
	node_settle(n);
}

void node_submit(struct node *n, const struct submission *take_s)
{
	if (n->subs_n == SUBMISSIONS_MAX) {
		free((void *)(uintptr_t)take_s->raw.p);
		return;
	}
	n->subs[n->subs_n++] = *take_s;
}

bool node_hq_append(struct node *n, uint8_t cls, const char *branch)
{
	struct job j = {.type = JOB_HQ_APPEND, .log = {.cls = cls, .number = n->h.c.instance}};

	bool known = cls == LOG_HQ_ALL; /* a log to one branch is sealed to its recipient key */
	for (size_t i = 0; i < n->w->roster_n; i++)
		known |= memcmp(n->w->roster[i].branch, branch, BRANCH_CODE_MAX) == 0;
	if (cls == LOG_HQ_BRANCH)
		memcpy(j.log.branch, branch, BRANCH_CODE_MAX);
	if (!known || n->jobs_n > SIM_JOBS - 8 || !hq_core_append(&n->h, n->w->now, &j.log))
		return false;
	node_job(n, &j);
	return true;
}
