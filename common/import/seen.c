#include "common/import/seen.h"

#include <stdlib.h>

#include "common/base/bytes.h"

#define SLOTS_MIN 1024

void seen_done(struct seen *s)
{
	free(s->slots);
	*s = (struct seen){0};
}

/* The slot of a hash, or the free one where it would be. */
static struct seen_slot *find(const struct seen *s, const uint8_t hash[16])
{
	size_t i = (size_t)get_be64(hash) & (s->cap - 1);

	while (s->slots[i].at.file && memcmp(s->slots[i].hash, hash, 16) != 0)
		i = (i + 1) & (s->cap - 1);
	return &s->slots[i];
}

static as_err grow(struct seen *s)
{
	struct seen more = {.n = s->n, .cap = s->cap ? 2 * s->cap : SLOTS_MIN};

	more.slots = calloc(more.cap, sizeof more.slots[0]);
	if (more.slots == NULL)
		return AS_ENOMEM;
	for (size_t i = 0; i < s->cap; i++)
		if (s->slots[i].at.file)
			*find(&more, s->slots[i].hash) = s->slots[i];
	free(s->slots);
	*s = more;
	return AS_OK;
}

as_err seen_add(struct seen *s, const uint8_t hash[16], struct seen_at at, struct seen_at *ret_first)
{
	struct seen_slot *slot;
	as_err err;

	if (2 * s->n >= s->cap && (err = grow(s)))
		return err;
	slot = find(s, hash);
	if (slot->at.file) {
		*ret_first = slot->at;
		return AS_EEXIST;
	}
	memcpy(slot->hash, hash, 16);
	slot->at = at;
	s->n++;
	return AS_OK;
}
