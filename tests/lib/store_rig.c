#include "tests/lib/store_rig.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/wire/log_opened.h"

static void *must(void *p)
{
	as_assert(p != NULL);
	return p;
}

struct rig_log *rig_log_new(uint8_t cls, const char *branch, uint32_t number, const struct rig_log *parent,
			    size_t parent_blocks)
{
	struct rig_log *log = must(calloc(1, sizeof *log));
	uint8_t raw[512], body[LOG_OPENED_MAX], id[16] = {0xee};
	struct log_opened opened = {0};
	struct bytes event;

	log->id = (struct log_id){.cls = cls, .number = number};
	memcpy(log->id.branch, branch, strlen(branch));
	if (!log_is_hq(&log->id)) {
		log->id.inc[0] = (uint8_t)number;
		log->id.inc[1] = 0xa5;
	}
	if (parent) {
		log->has_parent = true;
		log->parent = parent->id;
		log->parent_head = rig_head(parent, parent_blocks);
	}
	opened.log = log->id;
	opened.has_parent = log->has_parent;
	opened.parent = log->parent;
	opened.parent_head = log->parent_head;
	memcpy(id + 1, &log->id.number, 4);
	id[5] = cls;
	struct event ev = {.event_id = bytes_of(id, 16),
			   .salt = bytes_of(id, 16),
			   .kind = LOG_OPENED,
			   .business_date = 20261101,
			   .occurred_at = 1793500000000,
			   .recorded_at = 1793500000000};
	ev.body = bytes_of(body, log_opened_encode(&opened, body));
	size_t n;
	as_assert(event_encode(&ev, raw, sizeof raw, &n) == AS_OK);
	event = bytes_of(raw, n);
	rig_append(log, &event, 1);
	return log;
}

void rig_log_free(struct rig_log *take_log)
{
	if (take_log == NULL)
		return;
	for (size_t i = 0; i < take_log->n; i++) {
		free(take_log->blocks[i].bytes);
		free(take_log->blocks[i].events);
		free(take_log->blocks[i].leaves);
	}
	free(take_log);
}

void rig_append(struct rig_log *log, const struct bytes *events, size_t n)
{
	struct rig_block *b = &log->blocks[log->n];
	size_t bytes = 0;
	uint8_t *p;

	as_assert(log->n < RIG_BLOCKS_MAX);
	log->n++;
	for (size_t i = 0; i < n; i++)
		bytes += 4 + events[i].n;
	b->meta = (struct block_meta){.first = log->frontier.size,
				      .count = (uint32_t)n,
				      .bytes = (uint32_t)bytes,
				      .keys_upto = log->keys_upto};
	p = b->bytes = must(malloc(bytes));
	b->events = must(calloc(n, sizeof *b->events));
	b->leaves = must(calloc(n, sizeof *b->leaves));
	for (size_t i = 0; i < n; i++) {
		put_be32(p, (uint32_t)events[i].n);
		memcpy(p + 4, events[i].p, events[i].n);
		b->events[i] = bytes_of(p + 4, events[i].n);
		tree_leaf(b->events[i], b->leaves[i]);
		tree_push(&log->frontier, b->leaves[i]);
		p += 4 + events[i].n;
	}
	tree_root(&log->frontier, b->meta.root);
}

void rig_generate(struct rig_log *log, struct gen *g, struct rng *r, size_t events_n)
{
	static struct gen_event made[6];

	while (events_n > 0) {
		struct bytes events[AS_COUNT(made)];
		size_t n = 1 + rng_below(r, AS_COUNT(made));
		if (n > events_n)
			n = events_n;
		for (size_t i = 0; i < n; i++) {
			int64_t now =
			    1793500000000 + (int64_t)log->frontier.size * 1800000 + (int64_t)i * 60000;
			gen_next(g, r, now, &made[i]);
			events[i] = bytes_of(made[i].raw, made[i].n);
		}
		rig_append(log, events, n);
		events_n -= n;
	}
}

struct log_head rig_head(const struct rig_log *log, size_t blocks)
{
	struct log_head h = {0};

	if (blocks == 0) {
		tree_empty_root(h.root);
		return h;
	}
	const struct block_meta *m = &log->blocks[blocks - 1].meta;
	h.size = m->first + m->count;
	memcpy(h.root, m->root, sizeof h.root);
	return h;
}

/* Before C23, const does not go into an array by itself. */
static const uint8_t (*leaves_of(const struct rig_block *b))[32]
{
	return (const uint8_t(*)[32])(void *)b->leaves;
}

struct store_op rig_block_op(const struct rig_log *log, size_t block, bool fold)
{
	const struct rig_block *b = &log->blocks[block];
	struct store_op op = {.type = STORE_BLOCK, .log = log->id};

	op.block.meta = b->meta;
	op.block.block = bytes_of(b->bytes, b->meta.bytes);
	op.block.events = b->events;
	op.block.leaves = leaves_of(b);
	op.block.fold = fold;
	if (block == 0) {
		op.block.has_parent = log->has_parent;
		op.block.parent = log->parent;
		op.block.parent_head = log->parent_head;
	}
	return op;
}

size_t rig_event(uint8_t *out, size_t cap, uint32_t kind, const uint8_t id[16], const uint8_t *case_id,
		 const char *label)
{
	struct event ev = {.event_id = bytes_of(id, 16),
			   .salt = bytes_of(id, 16),
			   .kind = kind,
			   .business_date = 20261101,
			   .occurred_at = 1793500000000,
			   .recorded_at = 1793500000000,
			   .actor = 7};
	size_t n;

	if (case_id)
		ev.case_id = bytes_of(case_id, 16);
	if (label)
		ev.label = bytes_of_str(label);
	as_assert(event_encode(&ev, out, cap, &n) == AS_OK);
	return n;
}

static as_err open_plain(void *ctx, const struct log_id *log, struct bytes block,
			 const struct bytes **ret_events, const uint8_t (**ret_leaves)[32], size_t *ret_n)
{
	static uint8_t copy[BLOCK_BYTES_MAX];
	static struct bytes events[BLOCK_EVENTS_MAX];
	static uint8_t leaves[BLOCK_EVENTS_MAX][32];
	size_t n = 0;

	(void)ctx;
	(void)log;
	as_assert(block.n <= sizeof copy);
	memcpy(copy, block.p, block.n);
	for (size_t at = 0; at < block.n;) {
		size_t len;
		if (n == BLOCK_EVENTS_MAX || block.n - at < 4)
			return AS_ECORRUPT;
		len = get_be32(copy + at);
		at += 4;
		if (len > block.n - at)
			return AS_ECORRUPT;
		events[n] = bytes_of(copy + at, len);
		tree_leaf(events[n], leaves[n]);
		n++;
		at += len;
	}
	*ret_events = events;
	*ret_leaves = (const uint8_t(*)[32])(void *)leaves;
	*ret_n = n;
	return AS_OK;
}

struct store_opener rig_opener(void)
{
	return (struct store_opener){.open = open_plain};
}

/* ---- a store under test -------------------------------------------------------------------------------*/

struct store *rig_open(struct kv *kv, enum store_role role)
{
	return rig_open_key(kv, role, NULL);
}

struct store *rig_open_key(struct kv *kv, enum store_role role, const uint8_t *store_key)
{
	struct store_opts opts = {
	    .role = role, .kv = kv, .opener = rig_opener(), .writer = "test 1", .store_key = store_key};
	struct store *st;

	if (role == STORE_BRANCH)
		memcpy(opts.branch, RIG_BRANCH, strlen(RIG_BRANCH));
	as_assert(store_open(&st, &opts, NULL) == AS_OK);
	return st;
}

as_err rig_commit(struct store *st, const struct store_op *op)
{
	return store_commit(st, 0, op, 1, NULL);
}

void rig_store(struct store *st, const struct rig_log *log, size_t from, size_t to, bool fold)
{
	for (size_t i = from; i < to; i++) {
		struct store_op op = rig_block_op(log, i, fold);
		as_assert(rig_commit(st, &op) == AS_OK);
	}
}

/* Calls for every row; NULL counts only. */
static size_t each_row(struct kv *kv, unsigned table, struct as_sha256 *h)
{
	struct bytes key = {0}, value;
	struct kv_txn *txn;
	size_t n = 0;

	as_assert(kv_begin(kv, KV_READ, &txn) == AS_OK);
	while (kv_seek(txn, table, key, true, &key, &value) == AS_OK) {
		uint8_t head[16];
		n++;
		if (h == NULL)
			continue;
		put_be32(head, table);
		put_be32(head + 4, (uint32_t)key.n);
		put_be64(head + 8, value.n);
		as_sha256_update(h, head, sizeof head);
		as_sha256_update(h, key.p, key.n);
		as_sha256_update(h, value.p, value.n);
	}
	kv_txn_done(&txn);
	return n;
}

size_t rig_rows(struct kv *kv, unsigned table)
{
	return each_row(kv, table, NULL);
}

struct rig_digest rig_digest(struct kv *kv, unsigned tables)
{
	struct rig_digest d;
	struct as_sha256 h;

	as_sha256_init(&h);
	for (unsigned table = 0; table < TABLES; table++)
		if (tables >> table & 1)
			each_row(kv, table, &h);
	as_sha256_final(&h, d.b);
	return d;
}

bool rig_same(struct kv *a, struct kv *b, unsigned tables)
{
	struct rig_digest da = rig_digest(a, tables), db = rig_digest(b, tables);

	return memcmp(da.b, db.b, sizeof da.b) == 0;
}
