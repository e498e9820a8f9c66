/* What goes wrong, drawn once for each seed, and what an administrator does about it. */
#include "common/base/check.h"
#include "tests/sim/world.h"

#include <stdlib.h>

#define MINUTE_MS 60000u

/* How often each fault is in a seed (per mille), and its rate per million draws when it is. */
static const struct {
	uint16_t in_seeds;
	uint32_t rate_max;
} plan[FAULTS] = {
    [F_DROP] = {300, 20000},
    [F_DUPLICATE] = {300, 30000},
    [F_REORDER] = {300, 50000},
    [F_DELAY] = {300, 20000},
    [F_CRASH_OUTPUT] = {300, 600},
    [F_CRASH_BEFORE_COMMIT] = {300, 3000},
    [F_CRASH_AFTER_COMMIT] = {300, 3000},
    [F_COMMIT_LOST] = {250, 2000},
    [F_COMMIT_DOUBTED] = {250, 2000},
    [F_FULL_BRANCH] = {200, 2000},
    [F_FULL_HQ] = {200, 2000},
    [F_LOST_JOINED] = {200, 500000},
    [F_FLIP_BLOCK] = {200, 5000},
    [F_TOMBSTONE] = {300, 60000},
    [F_BULK] = {300, 20000},
    [F_CHILD_FIRST] = {500, 1000000},
    /* struck at random times: any rate means yes */
    [F_PARTITION] = {500, 1},
    [F_HALF_OPEN] = {300, 1},
    [F_RESTORE_LINE] = {200, 1},
    [F_RESTORE_NO_LINE] = {200, 1},
    [F_CLONE] = {150, 1},
    [F_CLONE_RUNNING] = {150, 1},
    [F_HQ_ROLLBACK] = {200, 1},
    [F_HQ_INSTANCE] = {1000, 1},
    [F_TOKEN_THIEF] = {200, 1},
    [F_REPLACED] = {150, 1},
    [F_WIRE_VERSION] = {200, 1},
    [F_FLIP_STORE_BRANCH] = {200, 1},
    [F_FLIP_STORE_HQ] = {200, 1},
    [F_ZERO_CREDIT] = {200, 1},
    [F_TRANSPORT] = {300, 1},
};

/* What the story tells, in this order. */
static const uint8_t script[] = {F_PARTITION,	F_FLIP_STORE_HQ, F_RESTORE_LINE,
				 F_HQ_ROLLBACK, F_CLONE,	 F_REPLACED};

void faults_draw(struct world *w)
{
	bool calm = chance(w, 50); /* some seeds are almost healthy: speed and order in peace */

	if (w->o.story) {
		for (size_t i = 0; i < sizeof script; i++)
			w->rate[script[i]] = 1;
		w->rate[F_LOST_JOINED] = 500000;
		w->rate[F_CRASH_AFTER_COMMIT] = 500;
		return;
	}
	for (int f = 0; f < FAULTS; f++) {
		if (calm || !chance(w, plan[f].in_seeds) || plan[f].rate_max == 0)
			continue;
		w->rate[f] = 1 + (uint32_t)rng_below(&w->rng, plan[f].rate_max);
	}
}

static struct node *some_branch(struct world *w)
{
	for (int tries = 0; tries < 20; tries++) {
		struct node *n = w->nodes[1 + rng_below(&w->rng, w->nodes_n - 1)];
		if (!n->gone && !n->retired)
			return n;
	}
	return NULL;
}

void faults_cut_line(struct world *w, struct node *n, uint64_t ms, bool tell)
{
	n->no_line = true;
	n->no_line_until = w->now + ms;
	net_cut_node(w, n, tell);
	world_at(w, n->no_line_until, EV_HEAL_LINE, n->index);
}

/* Is the event in this node's store at a place that head office's log agrees with? */
static bool safe_at_hq(struct world *w, struct node *n, const uint8_t id[16])
{
	struct node *hq = hq_of(w);
	struct log_id log;
	uint64_t index;
	struct block_meta a, b;

	return n->st && hq->st && node_holds(n, id, &log, &index) && store_block_at(n->st, &log, index, &a) &&
	       store_block_at(hq->st, &log, index, &b) && a.first == b.first &&
	       memcmp(a.root, b.root, 32) == 0;
}

static bool held_elsewhere(struct world *w, struct node *but, const char *branch, const uint8_t id[16])
{
	struct log_id log;
	uint64_t index;

	for (size_t i = 1; i < w->nodes_n; i++)
		if (w->nodes[i] != but && !w->nodes[i]->gone && !w->nodes[i]->retired &&
		    memcmp(w->nodes[i]->branch, branch, BRANCH_CODE_MAX) == 0 &&
		    node_holds(w->nodes[i], id, &log, &index))
			return true;
	return false;
}

/* Events whose only copy is on the disk of n that is being thrown away may be gone; nothing else may. */
void faults_lose(struct world *w, struct node *n)
{
	for (size_t i = 0; i < w->accepted_n; i++) {
		struct accepted *a = &w->accepted[i];
		if (a->may_be_lost)
			continue;
		if (n->is_hq) {
			/* head office's second copy is the branches' */
			if (!held_elsewhere(w, NULL, a->branch, a->event_id))
				a->may_be_lost = true;
			continue;
		}
		if (memcmp(a->branch, n->branch, BRANCH_CODE_MAX) != 0)
			continue;
		if (!safe_at_hq(w, n, a->event_id) && !held_elsewhere(w, n, a->branch, a->event_id))
			a->may_be_lost = true;
	}
}

/* The disk becomes an older copy. What both hold stays accepted for certain. */
static void put_back(struct world *w, struct node *n)
{
	struct kv *copy;

	as_assert(kv_mem_snapshot(n->copy, &copy) == AS_OK);
	struct accepted *before = malloc((w->accepted_n + 1) * sizeof *before);
	memcpy(before, w->accepted, w->accepted_n * sizeof *before);
	faults_lose(w, n);
	node_kill(n);
	kv_close(n->kv);
	n->kv = copy;
	for (size_t i = 0; i < w->accepted_n; i++) { /* those in the copy are not lost after all */
		struct log_id log;
		uint64_t index;
		if (!n->is_hq && !before[i].may_be_lost && w->accepted[i].may_be_lost &&
		    memcmp(w->accepted[i].branch, n->branch, BRANCH_CODE_MAX) == 0 &&
		    node_holds(n, w->accepted[i].event_id, &log, &index))
			w->accepted[i].may_be_lost = false;
	}
	free(before);
	n->subjects_n = 0;
	n->seen_n = 0;
	n->instance_seen = 0;
	world_at(w, w->now + 1000 + rng_below(&w->rng, 10 * MINUTE_MS), EV_START, n->index);
}

static void restore(struct world *w, struct node *n, bool line)
{
	if (faults_rotten(w) || n->copy == NULL || !n->alive)
		return;
	w->counts[line ? F_RESTORE_LINE : F_RESTORE_NO_LINE]++;
	story(w, "the disk of %s is replaced by a copy %u minutes old%s", n->name,
	      (unsigned)((w->now - n->copy_ms) / MINUTE_MS), line ? "" : ", and its line is dead");
	put_back(w, n);
	if (!line)
		faults_cut_line(w, n, MINUTE_MS + rng_below(&w->rng, 120 * MINUTE_MS), true);
}

/* The server broke; a new one joins with its own key, the old key ends at what is committed. */
static void replace(struct world *w, struct node *n)
{
	struct node *hq = hq_of(w);
	char name[12];

	if (faults_rotten(w) || w->nodes_n >= SIM_NODES_MAX - 2 || !hq->alive || !n->alive ||
	    w->tokens_n >= SIM_NODES_MAX || key_ended(w, n->identity) || !branch_joined(n))
		return;
	w->counts[F_REPLACED]++;
	for (size_t i = 1; i < w->nodes_n; i++) /* copies of it as well: they may talk on, nobody listens */
		if (memcmp(w->nodes[i]->identity, n->identity, 32) == 0)
			w->nodes[i]->retired = true;
	for (size_t i = 1; i < w->nodes_n; i++)
		if (w->nodes[i]->retired && memcmp(w->nodes[i]->identity, n->identity, 32) == 0)
			faults_lose(w, w->nodes[i]);
	/* Or it was not that bad: the old one runs on for a while and is told that its key has ended. */
	uint64_t off_ms = w->o.story || chance(w, 500) ? 0 : rng_below(&w->rng, 20 * MINUTE_MS);
	if (off_ms == 0) {
		node_kill(n);
		n->gone = true;
	} else {
		world_at(w, w->now + off_ms, EV_OFF, n->index);
	}
	for (size_t i = 0; i < w->roster_n; i++)
		if (memcmp(w->roster[i].identity, n->identity, 32) == 0)
			w->roster[i].ended = true;
	/* what was on its way is refused as after-end, or counted, as it comes */
	hq_core_end_keys(&hq->h, w->now, n->branch);
	node_settle(hq);
	struct hq_token t = {
	    .number = (uint32_t)w->tokens_n + 1, .state = TOKEN_OPEN, .expires_ms = UINT64_MAX};
	memcpy(t.branch, n->branch, BRANCH_CODE_MAX);
	w->tokens[w->tokens_n++] = t;
	if (hq->alive)
		hq_core_add_token(&hq->h, &t);
	snprintf(name, sizeof name, "%.4s+%zu", n->name, w->nodes_n);
	struct node *c = world_node_new(w, false, n->branch, name);
	story(w, "the server of %s burns down; `hq enrol --replace`, and a new one is sent: %s", n->name,
	      c->name);
	/* old content keys reach the new server in Keys, sealed to its recipient key; here it has the old one
	 */
	memcpy(c->box_public, n->box_public, 32);
	memcpy(c->box_secret, n->box_secret, 32);
	c->token = t.number;
	c->first_number = hq->alive ? highest_number(hq, n->branch) + 1 : 100;
	world_at(w, w->now + rng_below(&w->rng, 20 * MINUTE_MS), EV_START, c->index);
	world_at(w, w->now + rng_below(&w->rng, 20 * MINUTE_MS), EV_SUBMIT, c->index);
}

static void rollback(struct world *w)
{
	struct node *hq = hq_of(w);

	if (faults_rotten(w) || hq->copy == NULL || !hq->alive)
		return;
	w->counts[F_HQ_ROLLBACK]++;
	story(w, "head office is put back from a copy %u minutes old",
	      (unsigned)((w->now - hq->copy_ms) / MINUTE_MS));
	put_back(w, hq);
	w->operator_at = w->now + 20 * MINUTE_MS + rng_below(&w->rng, 40 * MINUTE_MS);
}

/* Is a block rotten somewhere that was neither given back nor cut yet? Then its other copies stay. */
bool faults_rotten(struct world *w)
{
	for (size_t i = 0; i < w->nodes_n; i++) {
		AS_AUTO(buf) struct buf block = {0};
		struct node *n = w->nodes[i];
		struct block_meta m;
		buf_init(&block, BLOCK_BYTES_MAX);
		if (n->rot == 0 || n->gone)
			continue;
		if (!n->alive ||
		    (store_block_at(n->st, &n->rot_log, n->rot_first, &m) &&
		     (store_block_read(n->st, &n->rot_log, n->rot_first, &m, &block) != AS_OK || m.mended)))
			return true;
		n->rot = 0;
	}
	return false;
}

/* A stored block rots. */
static void flip(struct world *w, struct node *n, enum fault f)
{
	struct block_meta m;
	struct log_id log;

	if (!n->alive || faults_rotten(w) || !pick_block(n, &log, &m))
		return;
	if (n->is_hq) { /* only what somebody can give back */
		bool other = false;
		for (size_t i = 1; i < w->nodes_n; i++) {
			struct block_meta b;
			struct node *o = w->nodes[i];
			other |= !o->gone && o->st && store_block_at(o->st, &log, m.first, &b) &&
				 b.first == m.first && memcmp(b.root, m.root, 32) == 0 &&
				 !key_ended(w, o->identity) &&
				 memcmp(o->branch, log.branch, BRANCH_CODE_MAX) == 0;
		}
		if (!other)
			return;
	}
	uint8_t key[LOG_ID_BYTES + 8];
	log_id_put(&log, key);
	put_be64(key + LOG_ID_BYTES, m.first);
	if (kv_mem_flip(n->kv, TABLE_BLOCK, bytes_of(key, sizeof key),
			rng_below(&w->rng, (64 + m.bytes) * 8u)) != AS_OK) /* in its row's meta, too */
		return;
	w->counts[f]++;
	n->rot++;
	n->rot_log = log;
	n->rot_first = m.first;
	world_trace(w, "%s rots: %s %llu", n->name, log_name(&log), (unsigned long long)m.first);
	story(w, "a bit flips in a stored block of %s", n->name);
	struct event_in *e = world_at(w, w->now + rng_below(&w->rng, 10 * MINUTE_MS), EV_SCRUB, n->index);
	e->log = log;
	e->first = m.first;
}

/* Somebody else tries a token that was used; its owner was not seen with its own key yet. */
void faults_thief(struct world *w)
{
	struct node *hq = hq_of(w);
	struct msg m = {.type = MSG_JOIN};
	uint64_t before = w->alarms[ALARM_TOKEN_REUSED];

	for (size_t i = 0; hq->alive && i < w->tokens_n; i++) {
		if (w->tokens[i].state != TOKEN_USED || !token_open_at(hq, w->tokens[i].number))
			continue;
		struct hq_link link = {
		    .link = 0xfffffff0u, .kind = SYNC_LINK_JOIN, .token = w->tokens[i].number};
		w->counts[F_TOKEN_THIEF]++;
		memcpy(m.join.branch, w->tokens[i].branch, BRANCH_CODE_MAX);
		memset(m.join.identity, 7, 32);
		hq_core_recv(&hq->h, w->now, &link, &m);
		if (!hq->dying && w->alarms[ALARM_TOKEN_REUSED] == before)
			broken(w, "token", "a used token was taken from another key without an alarm");
		node_settle(hq);
		return;
	}
}

void faults_strike(struct world *w)
{
	static const uint8_t strikes[] = {
	    F_PARTITION,     F_HALF_OPEN,   F_RESTORE_LINE, F_RESTORE_NO_LINE, F_CLONE,
	    F_HQ_ROLLBACK,   F_TOKEN_THIEF, F_REPLACED,	    F_WIRE_VERSION,    F_FLIP_STORE_BRANCH,
	    F_FLIP_STORE_HQ, F_ZERO_CREDIT, F_TRANSPORT,    F_CLONE_RUNNING};
	struct node *n = some_branch(w);
	struct node *hq = hq_of(w);
	uint8_t f = strikes[rng_below(&w->rng, sizeof strikes)];

	faults_operator(w);
	if (w->o.story) {
		if (w->struck == sizeof script)
			return;
		f = script[w->struck++];
	}
	for (int tries = 0; tries < 8 && w->rate[f] == 0; tries++)
		f = strikes[rng_below(&w->rng, sizeof strikes)];
	if (n == NULL || w->rate[f] == 0)
		return;
	switch (f) {
	case F_PARTITION:
		w->counts[f]++;
		story(w, "the line of %s is cut", n->name);
		faults_cut_line(w, n,
				chance(w, 500) ? rng_below(&w->rng, 5 * MINUTE_MS)
					       : rng_below(&w->rng, 180 * MINUTE_MS),
				true);
		break;
	case F_HALF_OPEN:
		if (n->link && w->links[n->link].up) {
			w->counts[f]++;
			w->links[n->link].half_open = true;
		}
		break;
	case F_RESTORE_LINE:
	case F_RESTORE_NO_LINE:
		restore(w, n, f == F_RESTORE_LINE);
		break;
	case F_CLONE:
		faults_clone(w, n);
		break;
	case F_CLONE_RUNNING:
		faults_clone_running(w, n);
		break;
	case F_HQ_ROLLBACK:
		rollback(w);
		break;
	case F_TOKEN_THIEF:
		faults_thief(w);
		break;
	case F_REPLACED:
		replace(w, n);
		break;
	case F_WIRE_VERSION:
		w->counts[f]++;
		n->newer_wire = true;
		story(w, "%s is upgraded before head office", n->name);
		net_cut_node(w, n, true);
		world_at(w, w->now + rng_below(&w->rng, 60 * MINUTE_MS), EV_UPGRADE, n->index);
		break;
	case F_FLIP_STORE_BRANCH:
		flip(w, n, F_FLIP_STORE_BRANCH);
		break;
	case F_FLIP_STORE_HQ:
		flip(w, hq, F_FLIP_STORE_HQ);
		break;
	case F_ZERO_CREDIT: /* head office's disk is full for a while: no credit for anybody */
		w->counts[f]++;
		hq->full_until = w->now + rng_below(&w->rng, 30 * MINUTE_MS);
		story(w, "head office's disk is full");
		break;
	case F_TRANSPORT:
		if (hq->alive) {
			w->counts[f]++;
			w->transport++;
			hq_core_transport(&hq->h, w->now, w->transport);
		}
		break;
	default:
		break;
	}
}

/* An administrator answers a rolled-back head office with a new instance. */
void faults_operator(struct world *w)
{
	struct node *hq = hq_of(w);
	uint8_t four[4];

	if (!hq->alive || hq->jobs_n > 0 || hq->h.state != SYNC_HQ_ROLLED_BACK || w->now < w->operator_at ||
	    w->instance + 1 >= SYNC_INSTANCES_MAX)
		return;
	uint32_t next = w->instance + 1;
	put_be32(four, next);
	struct store_op op = {.type = STORE_META, .meta = {.name = "instance", .value = bytes_of(four, 4)}};
	if (store_commit(hq->st, hq->fence, &op, 1, NULL) != AS_OK)
		return;
	w->instance = next;
	w->counts[F_HQ_INSTANCE]++;
	w->operator_at = w->now + 20 * MINUTE_MS;
	story(w, "the administrator certifies instance %u of head office", next);
	hq_core_new_instance(&hq->h, w->now, next);
	node_settle(hq);
}
