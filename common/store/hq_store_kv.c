#include "common/base/check.h"
#include "common/store/hq_store.h"
#include "common/store/store_impl.h"

static as_err heads(void *ctx, store_log_fn fn, void *arg)
{
	return store_each_log(ctx, fn, arg);
}

static as_err commit(void *ctx, uint64_t fence, const struct store_op *ops, size_t n, struct as_errmsg *em)
{
	return store_commit(ctx, fence, ops, n, em);
}

static as_err take_fence(void *ctx, uint64_t *ret_fence)
{
	return store_take_fence(ctx, ret_fence);
}

static as_err blocks(void *ctx, const struct log_id *log, uint64_t from, store_block_fn fn, void *arg)
{
	return store_each_block(ctx, log, from, fn, arg);
}

static as_err cells(void *ctx, struct bytes prefix, store_pair_fn fn, void *arg)
{
	return store_each_cell(ctx, prefix, fn, arg);
}

static as_err span(void *ctx, const struct store_span *s, void *arg)
{
	return store_each_span(ctx, s, arg);
}

static as_err count_log(void *arg, const struct log_row *row)
{
	struct hq_health *h = arg;

	h->logs++;
	h->events += row->head.size;
	h->unfolded += row->head.size - row->folded;
	return AS_OK;
}

static as_err health(void *ctx, struct hq_health *ret_health)
{
	struct store *st = ctx;
	struct hq_health h = {.bytes = st->kv->ops->bytes(st->kv), .stale = st->stale};
	as_err err;

	if ((err = store_each_log(st, count_log, &h)) || (err = store_aside_stat(st, &h.aside)))
		return err;
	*ret_health = h;
	return AS_OK;
}

static const struct hq_store_ops ops = {
    .heads = heads,
    .commit = commit,
    .take_fence = take_fence,
    .blocks = blocks,
    .cells = cells,
    .span = span,
    .health = health,
};

struct hq_store hq_store_kv(struct store *st)
{
	as_assert(st->role == STORE_HQ);
	return (struct hq_store){.ops = &ops, .ctx = st};
}
