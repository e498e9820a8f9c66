/* Who may have signed a log, and with which key it opens: what the daemons will ask the roster and the key
 * ring. */
#include "common/base/check.h"
#include "tests/sim/world.h"

static struct block_opened shared_opened; /* of the opener: until its next call */

void node_module_init(void)
{
	block_opened_init(&shared_opened);
}

/* ---- keys and readers
 * ---------------------------------------------------------------------------------------------*/

/* The author's keys that may have signed this log, newest first. */
size_t node_authors(struct world *w, const struct log_id *log, const uint8_t *ret[16])
{
	size_t n = 0;

	if (log_is_hq(log)) {
		if (log->number <= SYNC_INSTANCES_MAX)
			ret[n++] = w->instance_public[log->number];
		return n;
	}
	for (size_t i = 0; i < w->nodes_n && n < 8; i++) /* a branch knows itself before head office does */
		if (memcmp(w->nodes[i]->branch, log->branch, BRANCH_CODE_MAX) == 0)
			ret[n++] = w->nodes[i]->identity;
	for (size_t i = w->roster_n; i > 0 && n < 16; i--)
		if (memcmp(w->roster[i - 1].branch, log->branch, BRANCH_CODE_MAX) == 0)
			ret[n++] = w->roster[i - 1].identity;
	return n;
}

void node_reader_make(struct node *n, const struct log_id *log, const uint8_t author[32], struct reader *r)
{
	r->log = *log;
	memcpy(r->author, author, 32);
	block_reader_init(&r->r, n->w->org, log, author);
	if (log->cls != LOG_HQ_ALL)
		block_reader_set_recipient(&r->r, n->is_hq, n->box_public, n->box_secret);
}

struct reader *node_reader_known(struct node *n, const struct log_id *log)
{
	for (size_t i = 0; i < n->readers_n; i++)
		if (log_id_equal(&n->readers[i].log, log))
			return &n->readers[i];
	return NULL;
}

/* Makes the reader of a log from its first block, by whichever key of the roster signed it. */
struct reader *node_reader_from(struct node *n, const struct block_view *v)
{
	const uint8_t *keys[16];
	size_t keys_n = node_authors(n->w, &v->h.log, keys);

	if (v->h.first != 0 || n->readers_n == SIM_LOGS)
		return NULL;
	for (size_t i = 0; i < keys_n; i++) {
		struct tree_frontier f = {0};
		enum refuse_reason why;
		struct reader *r = &n->readers[n->readers_n];
		node_reader_make(n, &v->h.log, keys[i], r);
		if (block_open(&n->io, v, &r->r, &f, &shared_opened, &why) == AS_OK) {
			n->readers_n++;
			return r;
		}
	}
	return NULL;
}

/* The reader of a log whose block 0 is stored here. NULL: not held, or not readable. */
struct reader *node_reader(struct node *n, const struct log_id *log)
{
	AS_AUTO(buf) struct buf block = {0};
	struct block_meta meta;
	struct block_view v;
	struct reader *r = node_reader_known(n, log);

	if (r)
		return r;
	buf_init(&block, BLOCK_BYTES_MAX);
	if (store_block_read(n->st, log, 0, &meta, &block) != AS_OK ||
	    block_peek(buf_bytes(&block), n->w->org, &v) != REFUSE_NONE)
		return NULL;
	return node_reader_from(n, &v);
}

void node_forget(struct node *n, const struct log_id *log)
{
	struct reader *r = node_reader_known(n, log);

	if (r)
		*r = n->readers[--n->readers_n];
}

/* For the store: events of a stored block, which was verified when it came. */
as_err node_opener(void *ctx, const struct log_id *log, struct bytes block, const struct bytes **ret_events,
		   const uint8_t (**ret_leaves)[32], size_t *ret_n)
{
	struct node *n = ctx;
	struct block_view v;
	enum refuse_reason why;

	if (block_peek(block, n->w->org, &v) != REFUSE_NONE)
		return AS_ECORRUPT;
	struct reader *r =
	    v.h.first == 0 && !node_reader_known(n, log) ? node_reader_from(n, &v) : node_reader(n, log);
	if (r == NULL || block_reopen(&n->io, &v, &r->r, &shared_opened, &why) != AS_OK)
		return AS_ECORRUPT;
	*ret_events = shared_opened.events;
	*ret_leaves = (const uint8_t(*)[32])shared_opened.leaves;
	*ret_n = shared_opened.events_n;
	return AS_OK;
}
