#include "common/store/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/store/store_impl.h"

/* ---- what the store is --------------------------------------------------------------------------------*/

/*
 *  0  8  "aftersyn"         14  1  role
 *  8  2  format             15  8  branch
 * 10  4  ledger version     23  8  fence
 *                           31 32  writer
 */
#define SELF_BYTES 63
static const char magic[8] = {'a', 'f', 't', 'e', 'r', 's', 'y', 'n'};

as_err self_get(const struct stx *x, struct store_self *ret_self)
{
	struct store_key_buf key = key_self(SELF_IDENTITY);
	struct bytes body;
	as_err err = row_get(x, TABLE_SELF, &key, &body);

	if (err)
		return err;
	if (body.n < 10 || memcmp(body.p, magic, sizeof magic) != 0)
		return row_damaged(x, TABLE_SELF, key_bytes(&key));
	if (get_be16(body.p + 8) > STORE_FORMAT) {
		as_errmsg_set(x->em, "the store has format %u, this program knows %u: use a newer program",
			      get_be16(body.p + 8), STORE_FORMAT);
		return AS_EUNSUPPORTED;
	}
	if (body.n != SELF_BYTES)
		return row_damaged(x, TABLE_SELF, key_bytes(&key));
	*ret_self = (struct store_self){.format = get_be16(body.p + 8),
					.ledger_version = get_be32(body.p + 10),
					.role = body.p[14],
					.fence = get_be64(body.p + 23)};
	memcpy(ret_self->branch, body.p + 15, sizeof ret_self->branch);
	memcpy(ret_self->writer, body.p + 31, sizeof ret_self->writer);
	return AS_OK;
}

as_err self_put(const struct stx *x, const struct store_self *self)
{
	struct store_key_buf key = key_self(SELF_IDENTITY);
	uint8_t b[SELF_BYTES];

	memcpy(b, magic, sizeof magic);
	put_be16(b + 8, self->format);
	put_be32(b + 10, self->ledger_version);
	b[14] = self->role;
	memcpy(b + 15, self->branch, sizeof self->branch);
	put_be64(b + 23, self->fence);
	memcpy(b + 31, self->writer, sizeof self->writer);
	return row_put(x, TABLE_SELF, &key, bytes_of(b, sizeof b));
}

void stx_done(struct stx *x)
{
	kv_txn_done(&x->txn);
	row_crypt_free(x->crypt);
	x->crypt = NULL;
}

as_err store_begin(struct store *st, enum kv_mode mode, struct as_errmsg *em, struct stx *ret_x)
{
	struct row_crypt *crypt = NULL;
	struct kv_txn *txn;
	as_err err = st->sealed ? row_crypt_new(&st->keys, &crypt) : AS_OK;

	if (err == AS_OK)
		err = kv_begin(st->kv, mode, &txn);
	if (err) {
		row_crypt_free(crypt);
		return err;
	}
	*ret_x = (struct stx){.txn = txn, .row = &st->row, .em = em, .crypt = crypt};
	return AS_OK;
}

/* ---- the store key ------------------------------------------------------------------------------------*/

static void key_use(struct store *st, const uint8_t *store_key)
{
	static const char seal[] = "aftersync store 1 seal", nonce[] = "aftersync store 1 nonce",
			  check[] = "aftersync store 1 check";
	struct bytes key = bytes_of(store_key, STORE_KEY_BYTES);
	struct bytes what[] = {bytes_of_str(seal), bytes_of_str(nonce), bytes_of_str(check)};

	st->sealed = store_key != NULL;
	if (!st->sealed)
		return;
	as_blake2b(st->keys.seal, sizeof st->keys.seal, key, &what[0], 1);
	as_blake2b(st->keys.nonce, sizeof st->keys.nonce, key, &what[1], 1);
	as_blake2b(st->key_check, sizeof st->key_check, key, &what[2], 1);
}

static as_err key_compare(const struct store *st, const struct stx *x)
{
	struct store_key_buf key = key_self(SELF_KEY);
	struct bytes body;
	as_err err = row_get(x, TABLE_SELF, &key, &body);
	const char *what = NULL;

	if (err && err != AS_ENOTFOUND)
		return err;
	if (err && st->sealed)
		what = "the store was made without a store key, and one is given: leave it out";
	else if (!err && !st->sealed)
		what = "the store is sealed and no store key is given: give the one it was made with";
	else if (!err && (body.n != sizeof st->key_check ||
			  !as_secret_equal(body.p, st->key_check, sizeof st->key_check)))
		what = "the store is sealed with another store key than the one given: give that one";
	if (what == NULL)
		return AS_OK;
	as_errmsg_set(x->em, "%s", what);
	return AS_EFORGED;
}

/* ---- making and opening -------------------------------------------------------------------------------*/

/* A kv without any row of ours; anything in it without the first row is damage. */
static as_err make(struct store *st, const struct stx *x, const char *writer)
{
	struct store_self self = {
	    .format = STORE_FORMAT, .ledger_version = LEDGER_VERSION, .role = (uint8_t)st->role};
	struct bytes key, value;

	for (unsigned table = 0; table < TABLES; table++) {
		as_err err = kv_seek(x->txn, table, bytes_of(NULL, 0), false, &key, &value);
		if (err == AS_OK) {
			as_errmsg_set(x->em, "there are rows but not the one that says whose store this is");
			return AS_ECORRUPT;
		}
		if (err != AS_ENOTFOUND)
			return err;
	}
	memcpy(self.branch, st->branch, sizeof self.branch);
	if (writer)
		snprintf(self.writer, sizeof self.writer, "%s", writer);
	if (st->sealed) {
		struct store_key_buf row = key_self(SELF_KEY);
		as_err err = row_put(x, TABLE_SELF, &row, bytes_of(st->key_check, sizeof st->key_check));
		if (err)
			return err;
	}
	as_err err = fold_counts_make(st->fold, x);
	return err ? err : self_put(x, &self);
}

static as_err make_new(struct store *st, const char *writer, struct as_errmsg *em)
{
	AS_AUTO(stx) struct stx x = {0};
	as_err err = store_begin(st, KV_WRITE, em, &x);

	if (err == AS_OK && (err = make(st, &x, writer)) == AS_OK)
		err = kv_commit(&x.txn);
	if (err == AS_EREFUSED)
		as_errmsg_set(em, "there is no store yet, and it is only to be read");
	if (err == AS_EFULL)
		as_errmsg_set(em, "there is no space to make the store");
	return err;
}

#define OWNER_TEXT 32

static void owner_text(uint8_t role, const char branch[BRANCH_CODE_MAX], char out[OWNER_TEXT])
{
	if (role == STORE_HQ)
		snprintf(out, OWNER_TEXT, "head office");
	else
		snprintf(out, OWNER_TEXT, "branch %.*s", BRANCH_CODE_MAX, branch);
}

static as_err identify(struct store *st, struct as_errmsg *em)
{
	AS_AUTO(stx) struct stx x = {0};
	char is[OWNER_TEXT], wanted[OWNER_TEXT];
	struct store_self self;
	as_err err;

	if ((err = store_begin(st, KV_READ, em, &x)) || (err = self_get(&x, &self)))
		return err;
	if (self.role != st->role || memcmp(self.branch, st->branch, sizeof self.branch) != 0) {
		owner_text(self.role, self.branch, is);
		owner_text((uint8_t)st->role, st->branch, wanted);
		as_errmsg_set(em, "this is the store of %s, not of %s", is, wanted);
		return AS_EINVAL;
	}
	if (self.ledger_version > LEDGER_VERSION) {
		as_errmsg_set(
		    em,
		    "the reports were made by ledger version %u, this program knows %u: use a newer "
		    "program",
		    self.ledger_version, LEDGER_VERSION);
		return AS_EUNSUPPORTED;
	}
	st->stale = self.ledger_version != LEDGER_VERSION;
	return key_compare(st, &x);
}

/* Behind what is damaged: what to do. */
static void damaged_text(struct as_errmsg *em)
{
	struct as_errmsg what;

	if (em == NULL)
		return;
	what = *em;
	as_errmsg_set(em,
		      "%.150s: put a copy in its place, or begin with an empty one and fetch the logs back",
		      what.text[0] ? what.text : "the store is damaged");
}

as_err store_open(struct store **ret_st, const struct store_opts *opts, struct as_errmsg *em)
{
	struct store *st = calloc(1, sizeof *st);
	as_err err;

	if (em)
		em->text[0] = 0;
	if (st == NULL)
		return AS_ENOMEM;
	as_assert(opts->role == STORE_BRANCH || opts->role == STORE_HQ);
	st->role = opts->role;
	memcpy(st->branch, opts->branch, sizeof st->branch);
	st->kv = opts->kv;
	st->opener = opts->opener;
	key_use(st, opts->store_key);
	buf_init(&st->row, ROW_MAX);
	buf_init(&st->block, ROW_MAX);
	err = fold_new(&st->fold);
	if (err == AS_OK)
		err = identify(st, em);
	if (err == AS_ENOTFOUND)
		err = make_new(st, opts->writer, em);
	if (err == AS_ECORRUPT)
		damaged_text(em);
	if (err) {
		store_close(st);
		return err;
	}
	*ret_st = st;
	return AS_OK;
}

void store_close(struct store *take_st)
{
	if (take_st == NULL)
		return;
	fold_free(take_st->fold);
	for (size_t i = 0; i < take_st->logs_made; i++)
		free(take_st->logs[i]);
	free(take_st->logs);
	buf_done(&take_st->row);
	buf_done(&take_st->block);
	as_wipe(&take_st->keys, sizeof take_st->keys);
	free(take_st);
}

bool store_is_stale(const struct store *st)
{
	return st->stale;
}

as_err store_take_fence(struct store *st, uint64_t *ret_fence)
{
	AS_AUTO(stx) struct stx x = {0};
	struct store_self self;
	as_err err;

	if ((err = store_begin(st, KV_WRITE, NULL, &x)))
		return err;
	kv_write_reserve(x.txn); /* a full store is opened as well */
	if ((err = self_get(&x, &self)))
		return err;
	self.fence++;
	if (self.format < STORE_FORMAT_BALANCES && (err = balance_make(&x)))
		return err;
	self.format = STORE_FORMAT;
	if ((err = fold_counts_make(st->fold, &x)) || (err = self_put(&x, &self)) ||
	    (err = kv_commit(&x.txn)))
		return err;
	*ret_fence = self.fence;
	return AS_OK;
}

/* ---- logs and blocks ----------------------------------------------------------------------------------*/

struct each_log {
	store_log_fn fn;
	void *arg;
	const struct stx *x;
};

static as_err each_log_row(void *arg, struct bytes key, struct bytes body)
{
	const struct each_log *e = arg;
	struct bytes frontier;
	struct log_row row;

	if (log_row_decode(key, body, &row, &frontier))
		return row_damaged(e->x, TABLE_LOG, key);
	return e->fn(e->arg, &row);
}

static as_err each_log(struct store *st, struct bytes prefix, store_log_fn fn, void *arg)
{
	AS_AUTO(stx) struct stx x = {0};
	struct each_log e = {.fn = fn, .arg = arg, .x = &x};
	as_err err = store_begin(st, KV_READ, NULL, &x);

	return err ? err : row_each(&x, TABLE_LOG, prefix, each_log_row, &e);
}

as_err store_each_log(struct store *st, store_log_fn fn, void *arg)
{
	return each_log(st, bytes_of(NULL, 0), fn, arg);
}

as_err store_each_log_of(struct store *st, uint8_t cls, store_log_fn fn, void *arg)
{
	return each_log(st, bytes_of(&cls, 1), fn, arg);
}

as_err store_log(struct store *st, const struct log_id *log, struct log_row *ret_row)
{
	AS_AUTO(stx) struct stx x = {0};
	struct log_state s;
	as_err err;

	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = log_state_get(&x, log, &s)))
		return err;
	*ret_row = s.row;
	return AS_OK;
}

bool store_block_at(struct store *st, const struct log_id *log, uint64_t index, struct block_meta *ret_meta)
{
	AS_AUTO(stx) struct stx x = {0};

	return store_begin(st, KV_READ, NULL, &x) == AS_OK && block_place(&x, log, index, ret_meta) == AS_OK;
}

static bool view_block_at(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *ret_meta)
{
	return store_block_at(ctx, log, index, ret_meta);
}

struct log_view store_log_view(struct store *st)
{
	return (struct log_view){.ctx = st, .block_at = view_block_at};
}

as_err store_block_read(struct store *st, const struct log_id *log, uint64_t index,
			struct block_meta *ret_meta, struct buf *ret_block)
{
	AS_AUTO(stx) struct stx x = {0};
	struct block_meta meta;
	struct bytes block;
	as_err err;

	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = block_find(&x, log, index, &meta, &block)))
		return err;
	buf_reset(ret_block);
	if ((err = buf_add(ret_block, block.p, block.n)))
		return err;
	if (ret_meta)
		*ret_meta = meta;
	return AS_OK;
}

as_err store_each_block(struct store *st, const struct log_id *log, uint64_t from, store_block_fn fn,
			void *arg)
{
	AS_AUTO(stx) struct stx x = {0};
	struct block_meta meta;
	struct bytes block;
	as_err err = store_begin(st, KV_READ, NULL, &x);

	while (err == AS_OK && (err = block_find(&x, log, from, &meta, &block)) == AS_OK) {
		err = fn(arg, log, &meta, block);
		from = meta.first + meta.count;
	}
	return err == AS_ENOTFOUND ? AS_OK : err;
}

as_err store_open_block(struct store *st, const struct stx *x, const struct log_id *log,
			const struct block_meta *meta, struct bytes block, const struct bytes **ret_events,
			const uint8_t (**ret_leaves)[32])
{
	struct store_key_buf key = key_log_at(log, meta->first);
	const uint8_t(*leaves)[32];
	const struct bytes *events;
	size_t n;
	as_err err = st->opener.open(st->opener.ctx, log, block, &events, &leaves, &n);

	if (err == AS_ENOMEM || err == AS_EIO)
		return err;
	if (err || n != meta->count)
		return row_damaged(x, TABLE_BLOCK, key_bytes(&key));
	*ret_events = events;
	*ret_leaves = leaves;
	return AS_OK;
}

/* The last kept frontier of the log at a size up to `size`. */
static as_err frontier_before(const struct stx *x, const struct log_id *log, uint64_t size,
			      struct tree_frontier *ret_f)
{
	struct store_key_buf prefix = key_log(log), at = key_log_at(log, size + 1);
	struct bytes key, value, body;
	as_err err = kv_seek_before(x->txn, TABLE_FRONTIER, key_bytes(&at), &key, &value);

	if (err == AS_ENOTFOUND || (err == AS_OK && !key_has_prefix(key, key_bytes(&prefix)))) {
		tree_frontier_init(ret_f);
		return AS_OK;
	}
	if (err || (err = row_open(x, TABLE_FRONTIER, key, value, &body)))
		return err;
	if (!tree_frontier_get(body, ret_f) || ret_f->size != key_at(key))
		return row_damaged(x, TABLE_FRONTIER, key);
	return AS_OK;
}

as_err store_frontier_at(struct store *st, const struct stx *x, const struct log_state *log, uint64_t size,
			 struct tree_frontier *ret_f)
{
	const struct log_id *id = &log->row.id;
	uint8_t root[32];
	as_err err;

	if (size > log->row.head.size)
		return AS_ENOTFOUND;
	if (size == log->row.head.size) {
		tree_frontier_copy(ret_f, &log->frontier);
		return AS_OK;
	}
	if ((err = frontier_before(x, id, size, ret_f)))
		return err;
	while (ret_f->size < size) {
		struct store_key_buf key = key_log_at(id, ret_f->size);
		const uint8_t(*leaves)[32];
		const struct bytes *events;
		struct block_meta meta;
		struct bytes block;
		err = block_find(x, id, ret_f->size, &meta, &block);
		if (err == AS_ENOTFOUND || (err == AS_OK && meta.first != ret_f->size))
			return row_damaged(x, TABLE_BLOCK, key_bytes(&key));
		if (err || (err = store_open_block(st, x, id, &meta, block, &events, &leaves)))
			return err;
		for (uint32_t i = 0; i < meta.count && ret_f->size < size; i++)
			tree_push(ret_f, leaves[i]);
		if (ret_f->size == meta.first + meta.count) {
			tree_root(ret_f, root);
			if (memcmp(root, meta.root, sizeof root) != 0)
				return row_damaged(x, TABLE_BLOCK, key_bytes(&key));
		}
	}
	return AS_OK;
}

as_err store_frontier(struct store *st, const struct log_id *log, uint64_t size,
		      struct tree_frontier *ret_frontier)
{
	AS_AUTO(stx) struct stx x = {0};
	struct tree_frontier f;
	struct log_state s;
	as_err err;

	if ((err = store_begin(st, KV_READ, NULL, &x)) || (err = log_state_get(&x, log, &s)) ||
	    (err = store_frontier_at(st, &x, &s, size, &f)))
		return err;
	tree_frontier_copy(ret_frontier, &f);
	return AS_OK;
}
