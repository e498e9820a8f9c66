/* Copies of a machine: of its disk, and of its disk and memory while it runs. */
#include "common/base/check.h"
#include "tests/sim/world.h"

#define MINUTE_MS 60000u

/* A second machine with the disk and the keys of n; old: perhaps as they were hours ago. */
static struct node *second_machine(struct world *w, struct node *n, bool old)
{
	char name[12];

	snprintf(name, sizeof name, "%.4s'%zu", n->name, w->nodes_n);
	struct node *c = world_node_new(w, false, n->branch, name);
	kv_close(c->kv);
	as_assert(kv_mem_snapshot(old && n->copy && chance(w, 500) ? n->copy : n->kv, &c->kv) == AS_OK);
	memcpy(c->identity, n->identity, 32);
	memcpy(c->secret, n->secret, 64);
	memcpy(c->box_public, n->box_public, 32);
	memcpy(c->box_secret, n->box_secret, 32);
	c->token = n->token;
	c->first_number = n->first_number;
	return c;
}

/* Nothing is under way in it. */
static bool idle(const struct node *n)
{
	const struct branch_core *b = &n->b;

	return n->alive && !n->dying && n->jobs_n == 0 && b->c.queue_n == 0 && b->c.flight_n == 0 &&
	       !b->c.appending && !b->opening && !b->forking;
}

/* The process of c goes on as a snapshot of the memory of n. */
static void start_copy(struct node *c, const struct node *n)
{
	struct store_opts opts = {
	    .role = STORE_BRANCH, .kv = c->kv, .opener = {.ctx = c, .open = node_opener}};

	as_assert(idle(n));
	memcpy(opts.branch, c->branch, BRANCH_CODE_MAX);
	as_assert(store_open(&c->st, &opts, NULL) == AS_OK && store_take_fence(c->st, &c->fence) == AS_OK);
	c->alive = true;
	c->life++;
	c->b = n->b;
	c->b.c.env.ctx = c;
	c->b.c.logs = c->logs;
	c->b.c.queue = c->queue;
	memcpy(c->logs, n->logs, n->b.c.logs_n * sizeof n->logs[0]);
	world_at(c->w, c->w->now + 1000, EV_TICK, c->index);
	branch_core_link_down(&c->b, c->w->now); /* no connection outlives that */
	node_settle(c);
}

/* A virtual machine is suspended and copied, and both go on: each believes to be the only one. Who waited for
 * it asks again, at both. */
void faults_clone_running(struct world *w, struct node *n)
{
	if (w->nodes_n >= SIM_NODES_MAX - 2 || !n->alive || faults_rotten(w) || w->now >= w->end_ms)
		return;
	if (!idle(n)) {
		world_at(w, w->now + 1 + rng_below(&w->rng, 1000), EV_CLONE, n->index);
		return;
	}
	w->counts[F_CLONE_RUNNING]++;
	struct node *c = second_machine(w, n, false);
	world_trace(w, "%s is copied as it runs: %s", n->name, c->name);
	start_copy(c, n);
	if (chance(w, 300))
		faults_cut_line(w, c, rng_below(&w->rng, 60 * MINUTE_MS), true);
	else if (chance(w, 300))
		net_cut_node(w, n, true);
	for (uint64_t waiting = rng_below(&w->rng, 4); waiting > 0; waiting--) {
		world_at(w, w->now + rng_below(&w->rng, 3000), EV_SUBMIT, n->index)->slot = 2;
		world_at(w, w->now + rng_below(&w->rng, 3000), EV_SUBMIT, c->index)->slot = 2;
	}
	world_at(w, w->now + 5000, EV_SUBMIT, c->index);
}

void faults_clone(struct world *w, struct node *n)
{
	if (w->nodes_n >= SIM_NODES_MAX - 2 || !n->alive || faults_rotten(w))
		return;
	w->counts[F_CLONE]++;
	struct node *c = second_machine(w, n, true);
	story(w, "somebody copies the machine of %s and starts both; %s is the copy", n->name, c->name);
	if (chance(w, 400))
		faults_cut_line(w, c, rng_below(&w->rng, 60 * MINUTE_MS), true);
	world_at(w, w->now + 1000, EV_START, c->index);
	world_at(w, w->now + 5000, EV_SUBMIT, c->index);
}
