#include "common/node/chains.h"

#include <stdlib.h>

#include "common/base/check.h"

#define PLACES_MIN 16 /* as many heads as places: a power of two */

/* FNV-1a; who could choose keys that meet is admitted by head office, a few times. */
static uint32_t hash_of(struct bytes key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ key.p[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(h ^ h >> 32);
}

void chains_done(struct chains *c)
{
	free(c->first);
	free(c->next);
	free(c->hash);
	*c = (struct chains){0};
}

static void link_place(struct chains *c, size_t place)
{
	uint32_t *first = &c->first[c->hash[place] & c->mask];

	c->next[place] = *first;
	*first = (uint32_t)place + 1;
}

/* The same with room for so many places. */
static as_err copy(struct chains *ret, const struct chains *c, size_t cap)
{
	uint32_t *first = calloc(cap, sizeof *first), *next = malloc(cap * sizeof *next),
		 *hash = malloc(cap * sizeof *hash);

	if (first == NULL || next == NULL || hash == NULL) {
		free(first);
		free(next);
		free(hash);
		return AS_ENOMEM;
	}
	*ret = (struct chains){.first = first, .next = next, .hash = hash, .n = c->n, .cap = cap, .mask = cap - 1};
	if (c->n)
		memcpy(hash, c->hash, c->n * sizeof *hash);
	for (size_t i = 0; i < c->n; i++)
		link_place(ret, i);
	return AS_OK;
}

static as_err grow(struct chains *c)
{
	struct chains larger;
	as_err err = copy(&larger, c, c->cap ? 2 * c->cap : PLACES_MIN);

	if (err)
		return err;
	chains_done(c);
	*c = larger;
	return AS_OK;
}

as_err chains_copy(struct chains *ret, const struct chains *c)
{
	*ret = (struct chains){0};
	return c->cap ? copy(ret, c, c->cap) : AS_OK;
}

as_err chains_add(struct chains *c, struct bytes key)
{
	as_err err = c->n == c->cap ? grow(c) : AS_OK;

	if (err)
		return err;
	as_assert(c->n < UINT32_MAX);
	c->hash[c->n] = hash_of(key);
	link_place(c, c->n++);
	return AS_OK;
}

/* From this place + 1 on along its chain. */
static size_t same_hash(const struct chains *c, uint32_t place, uint32_t hash)
{
	while (place && c->hash[place - 1] != hash)
		place = c->next[place - 1];
	return place ? place - 1 : CHAINS_END;
}

size_t chains_first(const struct chains *c, struct bytes key)
{
	uint32_t hash = hash_of(key);

	return c->n ? same_hash(c, c->first[hash & c->mask], hash) : CHAINS_END;
}

size_t chains_next(const struct chains *c, size_t place)
{
	return same_hash(c, c->next[place], c->hash[place]);
}
