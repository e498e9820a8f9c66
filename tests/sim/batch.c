/* Building and committing what one job writes. */
#include "tests/sim/batch.h"
#include "common/base/check.h"
#include "common/crypto/seal.h"
#include "common/ledger/ledger.h"
#include "common/wire/event.h"

#include <stdlib.h>

/* A batch under construction: operations and the memory they borrow. */
struct batch {
	struct store_op ops[SYNC_FLIGHT_MAX + 64];
	size_t n;
	struct buf blocks[128];
	size_t blocks_n;
};

static struct batch batch;

void batch_done(void)
{
	for (size_t i = 0; i < batch.blocks_n; i++)
		buf_done(&batch.blocks[i]);
	batch.n = 0;
	batch.blocks_n = 0;
}

struct store_op *batch_op(enum store_op_type type, const struct log_id *log)
{
	as_assert(batch.n < AS_COUNT(batch.ops));
	struct store_op *o = &batch.ops[batch.n++];
	*o = (struct store_op){.type = type};
	if (log)
		o->log = *log;
	return o;
}

void batch_meta(const char *name, struct bytes value)
{
	struct store_op *o = batch_op(STORE_META, NULL);

	o->meta.name = name;
	o->meta.value = value;
}

/* Commits the batch with whatever the disk does today. AS_EIO: the process has to die. */
as_err batch_commit(struct node *n)
{
	struct as_errmsg em = {0};
	enum fault full = n->is_hq ? F_FULL_HQ : F_FULL_BRANCH;

	if (n->full_until > n->w->now)
		kv_mem_fault(n->kv, KV_MEM_COMMIT_FULL);
	else if (fault(n->w, full)) {
		n->full_until = n->w->now + 1000 + rng_below(&n->w->rng, 120000);
		kv_mem_fault(n->kv, KV_MEM_COMMIT_FULL);
	} else if (fault(n->w, F_COMMIT_LOST))
		kv_mem_fault(n->kv, KV_MEM_COMMIT_LOST);
	else if (fault(n->w, F_COMMIT_DOUBTED))
		kv_mem_fault(n->kv, KV_MEM_COMMIT_DOUBTED);
	as_err err = store_commit(n->st, n->fence, batch.ops, batch.n, &em);
	if (err == AS_ECONFLICT || err == AS_EINVAL)
		broken(n->w, "5 store", "%s refuses a commit: %s: %s (%zu operations, first %d on %s)",
		       n->name, as_err_text(err), em.text, batch.n, batch.ops[0].type,
		       log_name(&batch.ops[0].log));
	if (err)
		world_trace(n->w, "%s commit: %s %s", n->name, as_err_text(err), em.text);
	return err;
}

void batch_row(struct node *n, const struct log_id *log)
{
	as_assert(n->appended_n < AS_COUNT(n->appended));
	if (store_log(n->st, log, &n->appended[n->appended_n]) != AS_OK)
		broken(n->w, "row", "%s has no row of %s", n->name, log_name(log));
	n->appended_n++;
}

/* ---- building
 * -----------------------------------------------------------------------------------------------------*/

void batch_author(struct node *n, const struct log_id *log, const uint8_t *content, struct block_author *a)
{
	block_author_init(a, n->w->org, log, n->is_hq ? n->w->instance_secret[log->number] : n->secret,
			  log->cls == LOG_HQ_ALL ? NULL : content);
}

static struct block_recipients recipients_of(struct node *n, const struct log_id *log)
{
	struct block_recipients r = {0};

	memcpy(r.hq, hq_of(n->w)->box_public, 32);
	memcpy(r.branch, n->box_public, 32);
	for (size_t i = 0; n->is_hq && i < n->w->roster_n; i++)
		if (memcmp(n->w->roster[i].branch, log->branch, BRANCH_CODE_MAX) == 0)
			memcpy(r.branch, n->w->roster[i].box, 32);
	return r;
}

/* Builds one block that continues f and adds its operation. leaves: memory for the leaf hashes, kept by the
 * caller. */
bool batch_block(struct node *n, struct block_author *a, struct tree_frontier *f, const struct bytes *events,
		 size_t events_n, uint64_t keys_upto, uint8_t (*leaves)[32], const struct log_opened *lo)
{
	struct block_recipients rcpt = recipients_of(n, &a->log);
	uint8_t random[32];
	struct log_head head;
	uint64_t first = f->size;
	struct block_content c = {.events = events,
				  .events_n = events_n,
				  .keys_upto = a->log.cls == LOG_HQ_ALL ? 0 : keys_upto,
				  .recipients = first == 0 && a->log.cls != LOG_HQ_ALL ? &rcpt : NULL,
				  .random = random,
				  .ret_leaves = leaves};

	as_assert(batch.blocks_n < AS_COUNT(batch.blocks));
	rng_fill(&n->w->rng, random, sizeof random);
	struct buf *b = &batch.blocks[batch.blocks_n++];
	buf_init(b, BLOCK_BYTES_MAX);
	as_err err = block_build(&n->io, a, f, &c, b, &head);
	if (err) {
		broken(n->w, "build", "%s: %s: %s", n->name, log_name(&a->log), as_err_text(err));
		return false;
	}
	struct store_op *o = batch_op(STORE_BLOCK, &a->log);
	o->block.meta = (struct block_meta){
	    .first = first, .count = (uint32_t)events_n, .bytes = (uint32_t)b->n, .keys_upto = c.keys_upto};
	memcpy(o->block.meta.root, head.root, 32);
	o->block.block = buf_bytes(b);
	o->block.events = events;
	o->block.leaves = (const uint8_t(*)[32])leaves;
	o->block.fold = true;
	if (lo && lo->has_parent) {
		o->block.has_parent = true;
		o->block.parent = lo->parent;
		o->block.parent_head = lo->parent_head;
	}
	check_nonce(n, buf_bytes(b));
	return true;
}

/* The first event of a log; raw holds GEN_RAW_MAX bytes. */
static size_t opened_event(struct node *n, const struct log_opened *lo, uint8_t *raw)
{
	uint8_t body[LOG_OPENED_MAX], id[16], salt[16];
	struct event ev = {.kind = LOG_OPENED, .business_date = 20260101, .tz_offset_min = 480, .actor = 1};
	size_t len = 0;

	rng_fill(&n->w->rng, id, 16);
	rng_fill(&n->w->rng, salt, 16);
	ev.event_id = bytes_of(id, 16);
	ev.salt = bytes_of(salt, 16);
	ev.body = bytes_of(body, log_opened_encode(lo, body));
	ev.post = 90;
	ev.occurred_at = ev.recorded_at = EPOCH_MS + (int64_t)n->w->now;
	as_err err = event_encode(&ev, raw, GEN_RAW_MAX, &len);
	if (err)
		broken(n->w, "encode", "LOG_OPENED: %s", as_err_text(err));
	return len;
}

/* Opens a log: content key, author, LOG_OPENED as its first block. */
bool batch_open(struct node *n, const struct log_opened *lo, struct block_author *a, struct tree_frontier *f,
		uint8_t (*leaf)[32], uint8_t *raw, struct bytes *event)
{
	uint8_t content[32];

	rng_fill(&n->w->rng, content, sizeof content);
	batch_author(n, &lo->log, content, a);
	*f = (struct tree_frontier){0};
	*event = bytes_of(raw, opened_event(n, lo, raw));
	return batch_block(n, a, f, event, 1, 0, leaf, lo);
}

/* The author of a log that is open here. */
bool batch_author_open(struct node *n, const struct log_id *log, struct block_author *a)
{
	struct reader *r = node_reader(n, log);

	if (r == NULL)
		return false;
	batch_author(n, log, r->r.content_key, a);
	return true;
}
