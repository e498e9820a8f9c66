/* The line: ordered links that lose, repeat, reorder and delay frames, and break with or without a word. */
#include "common/base/check.h"
#include "tests/sim/world.h"

#include <stdlib.h>

static bool line_ok(struct node *branch)
{
	struct node *hq = hq_of(branch->w);

	return branch->alive && hq->alive && !branch->no_line;
}

static void deliver(struct node *to, struct node *from, uint32_t link, struct bytes frame, uint64_t at)
{
	struct event_in *e = world_at(to->w, at, EV_FRAME, to->index);

	e->link = link;
	e->from = from->index;
	e->frame = malloc(frame.n);
	e->n = frame.n;
	memcpy(e->frame, frame.p, frame.n);
}

void net_send(struct node *from, uint32_t at, struct bytes frame, uint8_t type)
{
	struct world *w = from->w;
	struct link *l;

	if (at == 0 || at >= w->links_n)
		return;
	l = &w->links[at];
	struct node *branch = w->nodes[l->branch_node];
	struct node *to = from->is_hq ? branch : hq_of(w);
	if (!l->up || l->half_open || !line_ok(branch) || branch->link != at)
		return;
	w->frames++;
	if (fault(w, F_DROP))
		return;
	if (type == MSG_JOINED && fault(w, F_LOST_JOINED)) {
		net_cut(w, at, true);
		return;
	}
	uint64_t when = w->now + 5 + rng_below(&w->rng, 60) + frame.n / w->bytes_per_ms;
	int way = from->is_hq;
	if (fault(w, F_DELAY))
		when += rng_below(&w->rng, chance(w, 100) ? 3600000 : 20000);
	if (!fault(w, F_REORDER)) {
		if (when < l->last_at[way])
			when = l->last_at[way];
		l->last_at[way] = when;
	}
	deliver(to, from, at, frame, when);
	if (fault(w, F_DUPLICATE))
		deliver(to, from, at, frame, when + rng_below(&w->rng, chance(w, 100) ? 3600000 : 5000));
}

void net_connect(struct node *n, enum sync_link kind)
{
	struct world *w = n->w;
	struct link l = {.branch_node = n->index, .kind = kind, .up = true, .token = n->token};
	bool admitted = false;

	net_cut(w, n->link, false);
	n->link = 0;
	n->kind = kind;
	for (size_t i = 0; i < w->roster_n; i++)
		admitted |= memcmp(w->roster[i].identity, n->identity, 32) == 0;
	if (kind == SYNC_LINK_JOIN)
		admitted = n->token != 0;
	if (!line_ok(n) || !admitted) { /* no answer, or the key is refused */
		world_at(w, w->now + 500 + rng_below(&w->rng, 3000), EV_LINK_DOWN, n->index)->link = 0;
		return;
	}
	if (w->links_n == w->links_cap) {
		w->links_cap = w->links_cap ? w->links_cap * 2 : 64;
		w->links = realloc(w->links, w->links_cap * sizeof w->links[0]);
		if (w->links_n == 0)
			w->links[w->links_n++] = (struct link){0}; /* 0 is no link */
	}
	w->links[w->links_n] = l;
	struct event_in *e = world_at(w, w->now + 20, EV_LINK_UP, n->index);
	e->link = (uint32_t)w->links_n++;
	e->kind = kind;
	n->link = e->link;
}

/* tell: both ends notice at once; else only the branch's end, after a while (nothing at all for a half-open
 * one). */
void net_cut(struct world *w, uint32_t at, bool tell)
{
	if (at == 0 || at >= w->links_n || !w->links[at].up)
		return;
	struct link *l = &w->links[at];
	struct node *branch = w->nodes[l->branch_node];
	struct node *hq = hq_of(w);
	l->up = false;
	if (tell && branch->alive && branch->link == at)
		world_at(w, w->now + 10 + rng_below(&w->rng, 3000), EV_LINK_DOWN, branch->index)->link = at;
	if (tell && hq->alive)
		world_at(w, w->now + 10 + rng_below(&w->rng, 3000), EV_LINK_DOWN, hq->index)->link = at;
}

void net_cut_node(struct world *w, struct node *n, bool tell)
{
	for (size_t i = 1; i < w->links_n; i++) {
		struct link *l = &w->links[i];
		if (!l->up || !(n->is_hq || l->branch_node == n->index))
			continue;
		if (!tell && n->is_hq && w->nodes[l->branch_node]->link == i) {
			l->half_open = true; /* the branch notices by silence */
			w->counts[F_HALF_OPEN]++;
			continue;
		}
		net_cut(w, (uint32_t)i, true);
	}
}
