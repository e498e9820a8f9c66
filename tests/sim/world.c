/* Virtual time, the event queue, and the life of the world. */
#include "tests/sim/world.h"

#include "common/base/check.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/wire/event.h"

#include <stdarg.h>
#include <stdlib.h>

#define HOUR_MS 3600000u
#define QUIET_MS 900000u	    /* everything must stay equal this long */
#define CONVERGE_MS (24u * HOUR_MS) /* … and become so within this */

#define FAULT_NAME(name, text) text,
const char *const fault_names[FAULTS] = {FAULT_LIST(FAULT_NAME)};

/* ---- event queue: a binary heap by (time, order of making)
 * --------------------------------------------------------*/

static bool earlier(const struct event_in *a, const struct event_in *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

struct event_in *world_at(struct world *w, uint64_t at, enum event_type type, uint32_t node)
{
	size_t i = w->heap_n;
	struct event_in e = {.at = at, .order = w->orders++, .type = type, .node = node};

	e.life = w->nodes[node]->life;
	if (w->heap_n == w->heap_cap) {
		w->heap_cap = w->heap_cap ? w->heap_cap * 2 : 1024;
		w->heap = realloc(w->heap, w->heap_cap * sizeof w->heap[0]);
	}
	w->heap_n++;
	while (i > 0 && earlier(&e, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = e;
	return &w->heap[i];
}

static struct event_in pop(struct world *w)
{
	struct event_in top = w->heap[0], last = w->heap[--w->heap_n];
	size_t i = 0;

	for (size_t k; (k = 2 * i + 1) < w->heap_n; i = k) {
		if (k + 1 < w->heap_n && earlier(&w->heap[k + 1], &w->heap[k]))
			k++;
		if (!earlier(&w->heap[k], &last))
			break;
		w->heap[i] = w->heap[k];
	}
	w->heap[i] = last;
	return top;
}

/* ---- chance
 * -------------------------------------------------------------------------------------------------------*/

bool chance(struct world *w, uint32_t per_mille)
{
	return per_mille > 0 && rng_below(&w->rng, 1000) < per_mille;
}

bool fault(struct world *w, enum fault f)
{
	/* rates of frequent faults are per million, so that a step of a healthy seed is healthy */
	if (!w->faults_on || w->rate[f] == 0 || rng_below(&w->rng, 1000000) >= w->rate[f])
		return false;
	w->counts[f]++;
	return true;
}

void broken(struct world *w, const char *what, const char *fmt, ...)
{
	va_list ap;

	if (w->failure)
		return;
	w->failure = what;
	va_start(ap, fmt);
	vsnprintf(w->failure_text, sizeof w->failure_text, fmt, ap);
	va_end(ap);
}

static void clock_text(struct world *w, char out[32])
{
	uint64_t s = w->now / 1000;

	snprintf(out, 32, "%02u:%02u:%02u.%03u", (unsigned)(s / 3600 % 100), (unsigned)(s / 60 % 60),
		 (unsigned)(s % 60), (unsigned)(w->now % 1000));
}

void world_trace(struct world *w, const char *fmt, ...)
{
	char clock[32];
	va_list ap;

	if (!w->o.trace)
		return;
	clock_text(w, clock);
	printf("[%s] ", clock);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void story(struct world *w, const char *fmt, ...)
{
	char clock[32];
	va_list ap;

	if (!w->o.story)
		return;
	clock_text(w, clock);
	printf("  %.8s  ", clock);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- nodes
 * --------------------------------------------------------------------------------------------------------*/

struct node *hq_of(struct world *w)
{
	return w->nodes[0];
}

bool key_ended(struct world *w, const uint8_t identity[32])
{
	for (size_t i = 0; i < w->roster_n; i++)
		if (memcmp(w->roster[i].identity, identity, 32) == 0)
			return w->roster[i].ended;
	return false;
}

void world_admit(struct world *w, uint32_t token, const struct msg_join *j)
{
	for (size_t i = 0; i < w->tokens_n; i++)
		if (w->tokens[i].number == token) {
			w->tokens[i].state = TOKEN_USED;
			w->tokens[i].join = *j;
		}
	for (size_t i = 0; i < w->roster_n; i++)
		if (memcmp(w->roster[i].identity, j->identity, 32) == 0)
			return;
	as_assert(w->roster_n < AS_COUNT(w->roster));
	struct roster_key *k = &w->roster[w->roster_n++];
	*k = (struct roster_key){0};
	memcpy(k->branch, j->branch, BRANCH_CODE_MAX);
	memcpy(k->identity, j->identity, 32);
	memcpy(k->box, j->recipient, 32);
	story(w, "head office admits %.8s", j->branch);
	if (w->rate[F_TOKEN_THIEF] > 0 && chance(w, 500)) /* before its owner is seen with its own key */
		world_at(w, w->now + rng_below(&w->rng, 1500), EV_THIEF, 0);
}

struct node *world_node_new(struct world *w, bool is_hq, const char *branch, const char *name)
{
	struct node *n = calloc(1, sizeof *n);
	uint8_t seed[32];

	as_assert(n != NULL && w->nodes_n < SIM_NODES_MAX);
	n->w = w;
	n->index = (uint32_t)w->nodes_n;
	n->is_hq = is_hq;
	snprintf(n->name, sizeof n->name, "%s", name);
	memcpy(n->branch, branch, strlen(branch));
	rng_fill(&w->rng, seed, sizeof seed);
	as_ed25519_keypair(seed, n->identity, n->secret);
	rng_fill(&w->rng, seed, sizeof seed);
	as_box_keypair(seed, n->box_public, n->box_secret);
	as_assert(kv_mem_new(&n->kv) == AS_OK);
	as_assert(block_io_init(&n->io) == AS_OK);
	for (size_t i = 0; i < SIM_SLOTS; i++)
		block_opened_init(&n->slots[i].opened);
	n->codec = malloc(sizeof *n->codec);
	n->logs = malloc(SIM_LOGS * sizeof n->logs[0]);
	n->queue = malloc(SIM_SLOTS * sizeof n->queue[0]);
	if (is_hq) {
		n->sessions = malloc(SIM_NODES_MAX * sizeof n->sessions[0]);
		n->hq_nodes = malloc(SIM_NODES_MAX * sizeof n->hq_nodes[0]);
		n->tokens = malloc(SIM_NODES_MAX * sizeof n->tokens[0]);
	} else {
		n->gen = malloc(sizeof *n->gen);
		n->gen_bulk = malloc(sizeof *n->gen_bulk);
		gen_init(n->gen, branch,
			 &(struct gen_opts){.illegal_pm = 20,
					    .unknown_pm = 8,
					    .damaged_pm = 8,
					    .repeat_pm = 10,
					    .complaint_pm = 250,
					    .personal_pm = 100,
					    .open_max = 12});
		gen_init(n->gen_bulk, branch, &(struct gen_opts){.imported_pm = 1000, .open_max = 8});
		n->gen->serial = (uint32_t)w->nodes_n * 100000;
		n->gen_bulk->serial = (uint32_t)w->nodes_n * 100000 + 50000;
	}
	w->nodes[w->nodes_n++] = n;
	return n;
}

void world_init(struct world *w, const struct options *o)
{
	uint8_t seed[32];

	*w = (struct world){.o = *o};
	w->rng.state = o->seed * 0x9e3779b97f4a7c15u + 1;
	rng_fill(&w->rng, w->org, 16);
	w->bytes_per_ms = chance(w, 200) ? 1 + rng_below(&w->rng, 8) : 1000;
	w->disk_ms = chance(w, 150) ? 100 + rng_below(&w->rng, 3000) : 30;
	w->instance = 1;
	w->transport = 1;
	for (uint32_t i = 1; i <= SYNC_INSTANCES_MAX; i++) {
		rng_fill(&w->rng, seed, sizeof seed);
		as_ed25519_keypair(seed, w->instance_public[i], w->instance_secret[i]);
	}
	w->branches_n = 2 + (uint32_t)rng_below(&w->rng, SIM_BRANCHES_MAX - 1);
	w->fat = chance(w, 150);
	w->end_ms = (2 + rng_below(&w->rng, 6)) * HOUR_MS;
	w->faults_on = true;
	if (o->story) {
		w->branches_n = 3;
		w->end_ms = 4 * HOUR_MS;
		w->fat = false;
		w->disk_ms = 30;
	}
	faults_draw(w);
	struct node *hq = world_node_new(w, true, "", "hq");
	for (uint32_t i = 1; i <= w->branches_n; i++) {
		char code[12];
		snprintf(code, sizeof code, "BJ%02u", i);
		struct node *n = world_node_new(w, false, code, code);
		n->token = i;
		n->first_number = 1;
		struct hq_token *t = &w->tokens[w->tokens_n++];
		*t = (struct hq_token){.number = i, .state = TOKEN_OPEN, .expires_ms = UINT64_MAX};
		memcpy(t->branch, n->branch, BRANCH_CODE_MAX);
		if (chance(w, 150) && !o->story) {
			w->counts[F_LATE_JOIN]++;
			n->no_line = true;
			n->no_line_until = rng_below(&w->rng, w->end_ms / 2);
			world_at(w, n->no_line_until, EV_HEAL_LINE, n->index);
		}
		world_at(w, rng_below(&w->rng, 5000), EV_START, n->index);
		world_at(w, 1000 + rng_below(&w->rng, 60000), EV_SUBMIT, n->index);
	}
	world_at(w, 0, EV_START, hq->index);
	w->event_ms = w->end_ms * w->branches_n / (650 + rng_below(&w->rng, 300));
	for (size_t i = 0; i < w->nodes_n; i++)
		world_at(w, rng_below(&w->rng, HOUR_MS), EV_SNAPSHOT, (uint32_t)i);
	world_at(w, rng_below(&w->rng, w->end_ms / 20), EV_FAULT, 0);
}

void world_done(struct world *w)
{
	for (size_t i = 0; i < w->heap_n; i++)
		free(w->heap[i].frame);
	for (size_t i = 0; i < w->nodes_n; i++)
		node_free(w->nodes[i]);
	free(w->heap);
	free(w->links);
	free(w->accepted);
	free(w->nonces);
}

/* ---- what clerks do
 * -----------------------------------------------------------------------------------------------*/

static void submit_one(struct world *w, struct node *n, bool bulk)
{
	static struct gen_event ge;
	struct event ev;

	gen_next(bulk ? n->gen_bulk : n->gen, &w->rng, EPOCH_MS + (int64_t)w->now, &ge);
	struct submission s = {.cls = LOG_LIVE};
	static uint8_t personal[8192], commitment[32];
	uint8_t *raw = malloc(ge.n + sizeof personal + 256);
	size_t raw_n = ge.n;
	memcpy(raw, ge.raw, ge.n);
	if (w->fat && event_decode(bytes_of(ge.raw, ge.n), &ev) == AS_OK) { /* a long letter, sealed */
		rng_fill(&w->rng, personal, sizeof personal);
		ev.personal = bytes_of(personal, 64 * (1 + rng_below(&w->rng, 96)));
		ev.commitment = bytes_of(commitment, sizeof commitment);
		if (event_encode(&ev, raw, ge.n + sizeof personal + 256, &raw_n) != AS_OK) {
			memcpy(raw, ge.raw, ge.n);
			raw_n = ge.n;
		}
	}
	memcpy(s.event_id, ge.event_id, 16);
	s.raw = bytes_of(raw, raw_n);
	if (bulk || (event_decode(s.raw, &ev) == AS_OK && ev.imported))
		s.cls = LOG_BULK;
	s.forced = !ge.legal && chance(w, 500);
	s.with_key = chance(w, 100);
	w->submitted++;
	node_submit(n, &s);
}

static void on_submit(struct world *w, struct node *n, const struct event_in *e)
{
	if (w->now >= w->end_ms || n->gone)
		return;
	if (e->slot == 2) /* one more, beside the usual */
		submit_one(w, n, false);
	if (e->slot == 0) {
		if (n->subs_n < 300) {
			uint64_t k = chance(w, 20) ? 20 + rng_below(&w->rng, 40) : 1;
			for (uint64_t i = 0; i < k; i++)
				submit_one(w, n, false);
			if (fault(w, F_BULK))
				for (uint64_t i = 20 + rng_below(&w->rng, 60); i > 0; i--)
					submit_one(w, n, true);
		}
		world_at(w, w->now + 1 + rng_below(&w->rng, 2 * w->event_ms), EV_SUBMIT, n->index);
	}
	if (n->alive)
		node_want(n);
}

/* ---- the loop
 * -----------------------------------------------------------------------------------------------------*/

/* People hear of trouble and of its end, not of every event that is on its way; and not that a line is dead,
 * which they were told when it died. */
static void tell_state(struct world *w, struct node *n, enum sync_state st)
{
	uint64_t head, acked;

	if (st < SYNC_CATCHING_UP && w->now > 60000) {
		if (!n->in_trouble && st != SYNC_STALE)
			story(w, "%s is %s: %s", n->name, sync_state_name(st), sync_state_reason(st));
		n->in_trouble = true;
	} else if (st == SYNC_IN_SYNC && n->in_trouble) {
		branch_core_totals(&n->b, &head, &acked);
		story(w, "%s is in sync again: head office has receipted all its %llu events", n->name,
		      (unsigned long long)acked);
		n->in_trouble = false;
	}
}

static void count_states(struct world *w)
{
	struct node *hq = hq_of(w);

	for (size_t i = 1; i < w->nodes_n; i++) {
		struct node *n = w->nodes[i];
		if (n->alive) {
			enum sync_state st = branch_core_state(&n->b, w->now);
			if (st != n->state) {
				w->states[st]++;
				n->state = st;
				tell_state(w, n, st);
			}
		}
		if (hq->alive && !n->gone) {
			enum sync_state st = hq_core_state(&hq->h, n->branch, w->now);
			if (st != n->state_at_hq) {
				w->states[st]++;
				n->state_at_hq = st;
			}
		}
	}
}

static void happen(struct world *w, struct event_in *e)
{
	struct node *n = w->nodes[e->node];
	bool same_life = e->life == n->life;
	uint8_t random[16 - SYNC_RUN_START];

	switch (e->type) {
	case EV_TICK:
		if (!n->alive || !same_life)
			break;
		node_tick(n);
		if (n->alive)
			world_at(w, w->now + (n->is_hq ? 5000 : 2000 + rng_below(&w->rng, 8000)), EV_TICK,
				 n->index);
		if (n->is_hq && n->alive && w->now < w->end_ms && chance(w, 20)) {
			struct node *b = w->nodes[1 + rng_below(&w->rng, w->nodes_n - 1)];
			bool all = chance(w, 400);
			node_hq_append(n, all ? LOG_HQ_ALL : LOG_HQ_BRANCH, b->branch);
		}
		break;
	case EV_SUBMIT:
		on_submit(w, n, e);
		break;
	case EV_FRAME:
		/* late frames of a closed connection may still be read, but not by another process */
		if (n->alive &&
		    n->life == (n->is_hq ? w->links[e->link].hq_life : w->links[e->link].branch_life))
			node_frame(n, e);
		break;
	case EV_VERIFIED:
		if (n->alive && same_life)
			node_verified(n, e->slot, e->first);
		break;
	case EV_EXEC:
		if (n->alive && same_life && n->jobs_n > 0 && !n->executing)
			node_exec(n);
		break;
	case EV_DONE:
		if (n->alive && same_life)
			node_done(n);
		break;
	case EV_START:
		node_start(n);
		break;
	case EV_CONNECT:
		if (n->alive && same_life)
			net_connect(n, e->kind);
		break;
	case EV_LINK_UP:
		if (!n->alive || !same_life || n->link != e->link || !w->links[e->link].up)
			break;
		w->links[e->link].branch_life = n->life;
		w->links[e->link].hq_life = hq_of(w)->life;
		world_trace(w, "%s link up", n->name);
		rng_fill(&w->rng, random, sizeof random);
		branch_core_link_up(&n->b, w->now, e->link, e->kind, random);
		node_settle(n);
		break;
	case EV_LINK_DOWN:
		if (!n->alive || !same_life)
			break;
		if (n->is_hq) {
			hq_core_link_down(&n->h, w->now, e->link);
		} else if (n->link == e->link) {
			n->link = 0;
			world_trace(w, "%s link down", n->name);
			branch_core_link_down(&n->b, w->now);
		}
		node_settle(n);
		break;
	case EV_FAULT:
		if (w->now < w->end_ms) {
			faults_strike(w);
			world_at(w, w->now + (w->o.story ? w->end_ms / 8 : rng_below(&w->rng, w->end_ms / 8)),
				 EV_FAULT, 0);
		}
		break;
	case EV_SCRUB:
		if (n->alive && same_life)
			node_scrub(n, &e->log, e->first);
		break;
	case EV_HEAL_LINE:
		if (w->now >= n->no_line_until) {
			n->no_line = false;
			story(w, "the line of %s works again", n->name);
		}
		break;
	case EV_UPGRADE:
		n->newer_wire = false;
		break;
	case EV_CLONE:
		if (n->alive && same_life)
			faults_clone_running(w, n);
		break;
	case EV_OFF:
		node_kill(n);
		n->gone = true;
		break;
	case EV_THIEF:
		faults_thief(w);
		break;
	case EV_SNAPSHOT:
		if (w->now < w->end_ms && !n->gone && n->rot == 0) {
			if (n->copy)
				kv_close(n->copy);
			n->copy = NULL;
			as_assert(kv_mem_snapshot(n->kv, &n->copy) == AS_OK);
			n->copy_ms = w->now;
			world_at(w, w->now + HOUR_MS / 2 + rng_below(&w->rng, 2 * HOUR_MS), EV_SNAPSHOT,
				 n->index);
		}
		break;
	}
}

/* Everything that hurts ends; everybody who died comes back; whatever rotted is looked for. */
static void heal(struct world *w)
{
	w->faults_on = false;
	story(w, "from now on nothing fails");
	for (size_t i = 0; i < w->nodes_n; i++) {
		struct node *n = w->nodes[i];
		if (n->retired && !n->gone) {
			node_kill(n);
			n->gone = true;
		}
		if (n->gone)
			continue;
		n->no_line = false;
		n->newer_wire = false;
		n->full_until = 0;
		n->flip_until = 0;
		if (!n->alive)
			world_at(w, w->now + 1, EV_START, n->index);
		for (size_t k = 1; k < w->links_n; k++)
			if (w->links[k].half_open && w->links[k].up) {
				w->links[k].half_open = false;
				net_cut(w, (uint32_t)k, true);
			}
	}
}

bool world_run(struct world *w)
{
	bool healed = false;
	uint64_t equal_since = UINT64_MAX, look_at = 0;

	while (w->heap_n > 0 && !w->failure) {
		struct event_in e = pop(w);
		as_assert(e.at >= w->now);
		w->now = e.at;
		happen(w, &e);
		free(e.frame);
		if (w->now < look_at)
			continue;
		look_at = w->now + 15000;
		count_states(w);
		if (w->now < w->end_ms)
			continue;
		if (!healed) {
			healed = true;
			heal(w);
			w->scrub_at = w->now + 600000;
		}
		faults_operator(w);
		if (w->scrub_at <= w->now) {
			check_scrub(w);
			w->scrub_at = w->now + 3600000;
			w->scrubbed = true;
		}
		if (!w->scrubbed || !check_equal(w)) {
			equal_since = UINT64_MAX;
			if (w->now > w->end_ms + CONVERGE_MS)
				broken(w, "10 liveness", "not equal %u h after the last fault: %s",
				       CONVERGE_MS / HOUR_MS, w->unequal);
		} else if (equal_since == UINT64_MAX) {
			equal_since = w->now;
		} else if (w->now - equal_since > QUIET_MS) {
			break;
		}
	}
	if (!w->failure)
		check_rest(w);
	return w->failure == NULL;
}
