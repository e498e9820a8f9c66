/* A fork: cut what head office does not have, open a child, append again what was cut; all in one commit. */
#include "common/base/check.h"
#include "common/crypto/seal.h"
#include "common/ledger/ledger.h"
#include "common/wire/event.h"
#include "tests/sim/batch.h"

#include <stdlib.h>
#include <string.h>

/* ---- fork
 * ---------------------------------------------------------------------------------------------------------*/

#define TAIL_MAX 20000

struct tail {
	struct bytes *events;
	size_t n;
	struct node *node;
	uint64_t from;
};

static as_err take_events(void *arg, const struct log_id *log, const struct block_meta *meta,
			  struct bytes block)
{
	struct tail *t = arg;
	const struct bytes *events;
	const uint8_t(*leaves)[32];
	size_t n;

	if (meta->first < t->from || node_opener(t->node, log, block, &events, &leaves, &n) != AS_OK)
		return AS_OK; /* rotted: what cannot be read is lost */
	for (size_t i = meta->first == 0 ? 1 : 0; i < n && t->n < TAIL_MAX; i++) {
		uint8_t *copy = malloc(events[i].n);
		memcpy(copy, events[i].p, events[i].n);
		t->events[t->n++] = bytes_of(copy, events[i].n);
	}
	return AS_OK;
}

/* Of what head office holds nothing is lost: a log that was cut deeper than disputed gets it back. */
static bool held_by_hq(struct node *n, const struct log_id *log, const struct block_meta *m)
{
	struct node *hq = hq_of(n->w);
	struct block_meta held;

	return hq->st && store_block_at(hq->st, log, m->first, &held) && held.first == m->first &&
	       memcmp(held.root, m->root, sizeof held.root) == 0;
}

/* Every event after the cut, log by log; a block that cannot be read is passed over. */
static void take_tail(struct node *n, uint8_t cls, struct tail *t)
{
	struct sync_core *c = &n->b.c;

	for (size_t i = 0; i < c->logs_n; i++) {
		struct sync_log *l = &c->logs[i];
		struct block_meta m;
		if (l->row.id.cls != cls || l->cut_to >= l->row.head.size)
			continue;
		for (uint64_t at = l->cut_to; at < l->row.head.size; at = m.first + m.count) {
			AS_AUTO(buf) struct buf block = {0};
			buf_init(&block, BLOCK_BYTES_MAX);
			if (!store_block_at(n->st, &l->row.id, at, &m))
				break;
			t->from = l->cut_to;
			if (store_block_read(n->st, &l->row.id, at, &m, &block) == AS_OK)
				take_events(t, &l->row.id, &m, buf_bytes(&block));
			else if (!held_by_hq(n, &l->row.id, &m))
				check_lost_block(n, &l->row.id, at, m.first + m.count);
		}
	}
}

void exec_fork(struct node *n, const struct job *j)
{
	static struct bytes events[2][TAIL_MAX];
	static uint8_t leaves[2][TAIL_MAX + 1][32];
	static const uint8_t classes[2] = {LOG_LIVE, LOG_BULK};
	struct tail tail[2] = {{.events = events[0], .node = n}, {.events = events[1], .node = n}};
	struct sync_core *c = &n->b.c;
	struct store_key keys[1024];
	struct buf memory[SIM_BRANCHES_MAX * 4] = {{0}};
	size_t keys_n = 0, memory_n = 0;
	uint8_t raw[2][GEN_RAW_MAX], id[LOG_ID_BYTES];
	struct bytes first[2];

	take_tail(n, LOG_LIVE, &tail[0]);
	take_tail(n, LOG_BULK, &tail[1]);
	world_trace(n->w, "%s forks off %u: %zu live, %zu bulk events again", n->name, j->number, tail[0].n,
		    tail[1].n);
	story(n->w, "%s opens incarnation %u and appends %zu events of its own again", n->name, j->number,
	      tail[0].n + tail[1].n);
	/* Key changes that the cut blocks name are put again under new numbers. */
	for (size_t i = 0; i < c->logs_n; i++) {
		struct sync_log *l = &c->logs[i];
		struct block_meta m;
		uint64_t after = 0;
		size_t got = 0;
		if (log_is_hq(&l->row.id) || l->cut_to >= l->row.head.size)
			continue;
		struct log_id live = l->row.id;
		live.cls = LOG_LIVE;
		struct log_row row;
		if (l->cut_to > 0 && store_block_at(n->st, &l->row.id, l->cut_to - 1, &m))
			after = m.keys_upto;
		if (store_log(n->st, &live, &row) != AS_OK || row.keys <= after ||
		    memory_n == AS_COUNT(memory))
			continue;
		buf_init(&memory[memory_n], 1 << 20);
		if (store_keys(n->st, &live, after, keys + keys_n, AS_COUNT(keys) - keys_n, &memory[memory_n],
			       &got) == AS_OK) {
			for (size_t k = 0; k < got; k++)
				keys[keys_n + k].number = keys_n + k + 1;
			keys_n += got;
			memory_n++;
		}
	}
	struct log_opened lo[2];
	bool parent[2];
	for (int k = 0; k < 2; k++) {
		lo[k] = (struct log_opened){.log = {.cls = classes[k], .number = j->number}};
		memcpy(lo[k].log.branch, n->branch, BRANCH_CODE_MAX);
		memcpy(lo[k].log.inc, j->inc, 16);
		memcpy(lo[k].author, n->identity, 32);
		parent[k] = branch_core_parent(&n->b, &lo[k].log, &lo[k].parent, &lo[k].parent_head);
		lo[k].has_parent = parent[k];
	}
	for (size_t i = c->logs_n; i > 0; i--) {
		struct sync_log *l = &c->logs[i - 1];
		if (log_is_hq(&l->row.id) || l->cut_to >= l->row.head.size)
			continue;
		batch_op(STORE_CUT, &l->row.id)->cut.size = l->cut_to;
		if (l->cut_to == 0)
			node_forget(n, &l->row.id);
	}
	for (int k = 0; k < 2; k++) {
		struct block_author a;
		struct tree_frontier f;
		if (k == 1 && tail[1].n == 0)
			continue;
		if (!batch_open(n, &lo[k], &a, &f, leaves[k], raw[k], &first[k]))
			return;
		if (k == 0 && keys_n > 0) {
			struct store_op *o = batch_op(STORE_KEYS, &lo[0].log);
			o->keys.keys = keys;
			o->keys.n = keys_n;
		}
		for (size_t at = 0; at < tail[k].n;) {
			size_t m = 0, plain = 0;
			while (at + m < tail[k].n && m < 512 && plain < BLOCK_PLAIN_MAX - 4096)
				plain += tail[k].events[at + m++].n + 4;
			if (!batch_block(n, &a, &f, tail[k].events + at, m, keys_n, leaves[k] + 1 + at, NULL))
				return;
			at += m;
		}
	}
	log_id_put(&lo[0].log, id);
	batch_meta("open", bytes_of(id, sizeof id));
	as_err err = batch_commit(n);
	n->fork_refused = err == AS_ECORRUPT;
	if (err && err != AS_ECORRUPT)
		n->dying = true; /* full or failed: as good as a crash; the fork is found again */
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < tail[k].n; i++)
			free((void *)(uintptr_t)tail[k].events[i].p);
	for (size_t i = 0; i < memory_n; i++)
		buf_done(&memory[i]);
}

static as_err tell_damage(void *arg, const struct log_row *row)
{
	struct node *n = arg;
	struct block_meta m;

	for (uint64_t at = 0; at < row->head.size; at = m.first + m.count) {
		AS_AUTO(buf) struct buf block = {0};
		buf_init(&block, BLOCK_BYTES_MAX);
		if (!store_block_at(n->st, &row->id, at, &m))
			break;
		if (store_block_read(n->st, &row->id, at, &m, &block) != AS_OK) {
			world_trace(n->w, "%s cannot fork: %s %llu is damaged", n->name, log_name(&row->id),
				    (unsigned long long)at);
			branch_core_checked(&n->b, n->w->now, &row->id, at, false);
		}
	}
	return AS_OK;
}

bool fork_again(struct node *n)
{
	return store_each_log(n->st, tell_damage, n) == AS_OK && branch_core_not_forked(&n->b, n->w->now);
}
