/* The fake store: logs as arrays of blocks, key changes, what was put aside. */
#include <stdlib.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "tests/lib/trace.h"

struct chunk {
	struct chunk *next;
	_Alignas(16) uint8_t bytes[];
};

void *tr_alloc(struct tr *w, size_t n)
{
	struct chunk *c = calloc(1, sizeof *c + n);

	as_assert(c != NULL);
	c->next = w->memory;
	w->memory = c;
	return c->bytes;
}

/* The array with room for one more; the old one stays until the end. */
static void *grown(struct tr *w, const void *old, size_t n, size_t *cap, size_t each)
{
	if (n < *cap)
		return NULL;
	*cap = *cap ? *cap * 2 : 8;
	void *fresh = tr_alloc(w, *cap * each);
	if (n > 0)
		memcpy(fresh, old, n * each);
	return fresh;
}

struct tr_log *tr_store_log(struct tr_store *st, const struct log_id *id)
{
	for (size_t i = 0; i < st->n; i++)
		if (log_id_equal(&st->logs[i].row.id, id))
			return &st->logs[i];
	return NULL;
}

struct tr_log *tr_store_add(struct tr *w, struct tr_store *st, const struct log_id *id)
{
	struct tr_log *log = tr_store_log(st, id);
	void *fresh = log ? NULL : grown(w, st->logs, st->n, &st->cap, sizeof st->logs[0]);
	size_t i = st->n;

	if (log)
		return log;
	if (fresh)
		st->logs = fresh;
	while (i > 0 && log_id_order(&st->logs[i - 1].row.id, id) > 0)
		i--;
	memmove(&st->logs[i + 1], &st->logs[i], (st->n - i) * sizeof st->logs[0]);
	st->n++;
	st->logs[i] = (struct tr_log){.row = {.id = *id, .end = LOG_NO_END}};
	return &st->logs[i];
}

const struct tr_stored *tr_store_at(const struct tr_log *log, uint64_t index)
{
	size_t lo = 0, hi = log->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (log->blocks[mid].b->first + log->blocks[mid].b->count <= index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < log->n ? &log->blocks[lo] : NULL;
}

void tr_store_append(struct tr *w, struct tr_log *log, const struct tr_block *b)
{
	void *fresh = grown(w, log->blocks, log->n, &log->cap, sizeof log->blocks[0]);

	if (fresh)
		log->blocks = fresh;
	if (b->first != log->row.head.size)
		tr_fail(w, "a block at %llu was committed to a log of size %llu",
			(unsigned long long)b->first, (unsigned long long)log->row.head.size);
	log->blocks[log->n++] = (struct tr_stored){.b = b};
	log->row.head.size = b->first + b->count;
	memcpy(log->row.head.root, b->root, 32);
	log->row.keys_need = b->keys_upto;
	log->row.folded = log->row.head.size;
	if (b->first == 0) {
		log->row.has_parent = b->has_parent;
		log->row.parent = b->parent;
		log->row.parent_head = b->parent_head;
	}
}

void tr_store_cut(struct tr_log *log, const struct log_head *to)
{
	while (log->n > 0 && log->blocks[log->n - 1].b->first >= to->size)
		log->n--;
	log->row.head = *to;
	log->row.keys_need = log->n > 0 ? log->blocks[log->n - 1].b->keys_upto : 0;
	if (log->row.acked.size > to->size)
		log->row.acked = *to;
	if (log->row.folded > to->size)
		log->row.folded = to->size;
}

void tr_store_key(struct tr *w, struct tr_log *log, uint8_t op, uint32_t subject)
{
	void *fresh = grown(w, log->keys, log->row.keys, &log->keys_cap, sizeof log->keys[0]);

	if (fresh)
		log->keys = fresh;
	log->keys[log->row.keys++] = (struct tr_key){.op = op, .subject = subject};
}

bool tr_store_dead(const struct tr_store *st, uint32_t subject)
{
	for (size_t i = 0; i < st->dead_n; i++)
		if (st->dead[i] == subject)
			return true;
	return false;
}

struct tr_store tr_store_copy(struct tr *w, const struct tr_store *st)
{
	struct tr_store copy = *st;

	copy.logs = tr_alloc(w, (st->cap + 1) * sizeof copy.logs[0]);
	for (size_t i = 0; i < st->n; i++) {
		struct tr_log *log = &copy.logs[i];
		*log = st->logs[i];
		log->blocks = tr_alloc(w, (log->cap + 1) * sizeof log->blocks[0]);
		memcpy(log->blocks, st->logs[i].blocks, log->n * sizeof log->blocks[0]);
		log->keys = tr_alloc(w, (log->keys_cap + 1) * sizeof log->keys[0]);
		if (log->row.keys > 0)
			memcpy(log->keys, st->logs[i].keys, log->row.keys * sizeof log->keys[0]);
	}
	return copy;
}

static void root_add(uint8_t root[32], uint32_t event)
{
	uint8_t in[36];

	memcpy(in, root, 32);
	put_be32(in + 32, event);
	as_sha256(in, sizeof in, root);
}

struct tr_block *tr_block_make(struct tr *w, const struct tr_log *log, const uint32_t *events, uint32_t count,
			       uint32_t bytes, uint64_t keys_upto)
{
	struct tr_block *b = tr_alloc(w, sizeof *b);
	uint8_t name[LOG_ID_BYTES];

	*b = (struct tr_block){.log = log->row.id,
			       .first = log->row.head.size,
			       .count = count,
			       .bytes = bytes,
			       .keys_upto = keys_upto,
			       .events = tr_alloc(w, count * sizeof events[0])};
	memcpy(b->events, events, count * sizeof events[0]);
	if (b->first == 0) {
		log_id_put(&b->log, name);
		as_sha256(name, sizeof name, b->before);
	} else {
		memcpy(b->before, log->row.head.root, 32);
	}
	memcpy(b->root, b->before, 32);
	for (uint32_t i = 0; i < count; i++)
		root_add(b->root, events[i]);
	return b;
}

void tr_receipt(const struct log_id *log, const struct log_head *head, uint8_t ret_receipt[76])
{
	uint8_t in[LOG_ID_BYTES + 40];

	memset(ret_receipt, 0, 76);
	log_id_put(log, in);
	put_be64(in + LOG_ID_BYTES, head->size);
	memcpy(in + LOG_ID_BYTES + 8, head->root, 32);
	as_sha256(in, sizeof in, ret_receipt);
}
