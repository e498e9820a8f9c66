#include "daemon/rt/link_table.h"

#include <stdlib.h>

#include "common/base/check.h"

/* Both numbers count upwards: the low bits are a good hash. */
static struct link **route_head(const struct link_table *t, uint32_t route)
{
	return &t->by_route[route & t->mask];
}

static struct link **number_head(const struct link_table *t, uint32_t number)
{
	return &t->by_number[number & t->mask];
}

as_err link_table_init(struct link_table *t, uint32_t cap)
{
	uint32_t heads = 16;

	as_assert(cap > 0 && cap <= 1u << 20);
	while (heads < cap * 2)
		heads *= 2;
	*t = (struct link_table){.cap = cap, .mask = heads - 1};
	t->links = calloc(cap, sizeof *t->links);
	t->by_route = calloc(heads, sizeof *t->by_route);
	t->by_number = calloc(heads, sizeof *t->by_number);
	if (t->links == NULL || t->by_route == NULL || t->by_number == NULL) {
		link_table_done(t);
		return AS_ENOMEM;
	}
	for (uint32_t i = cap; i-- > 0;) {
		t->links[i].newer = t->free;
		t->free = &t->links[i];
	}
	return AS_OK;
}

void link_table_done(struct link_table *t)
{
	free(t->links);
	free(t->by_route);
	free(t->by_number);
	*t = (struct link_table){0};
}

struct link *link_table_route(const struct link_table *t, uint32_t route)
{
	struct link *l = *route_head(t, route);

	while (l && l->route != route)
		l = l->same_route;
	return l;
}

struct link *link_table_number(const struct link_table *t, uint32_t number)
{
	struct link *l = *number_head(t, number);

	while (l && l->number != number)
		l = l->same_number;
	return l;
}

static void order_add(struct link_table *t, struct link *l)
{
	l->older = t->newest;
	l->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = l;
	t->newest = l;
}

static void order_remove(struct link_table *t, struct link *l)
{
	*(l->older ? &l->older->newer : &t->oldest) = l->newer;
	*(l->newer ? &l->newer->older : &t->newest) = l->older;
}

struct link *link_table_add(struct link_table *t, uint32_t route)
{
	struct link *l = t->free;

	as_assert(l != NULL);
	t->free = l->newer;
	as_assert(++t->last_number != 0);
	*l = (struct link){.route = route, .number = t->last_number, .fd = -1};
	l->same_route = *route_head(t, route);
	*route_head(t, route) = l;
	l->same_number = *number_head(t, l->number);
	*number_head(t, l->number) = l;
	order_add(t, l);
	t->n++;
	return l;
}

void link_table_remove(struct link_table *t, struct link *l)
{
	struct link **at = route_head(t, l->route);

	while (*at != l)
		at = &(*at)->same_route;
	*at = l->same_route;
	at = number_head(t, l->number);
	while (*at != l)
		at = &(*at)->same_number;
	*at = l->same_number;
	order_remove(t, l);
	*l = (struct link){.newer = t->free};
	t->free = l;
	t->n--;
}

void link_table_heard(struct link_table *t, struct link *l)
{
	order_remove(t, l);
	order_add(t, l);
}
