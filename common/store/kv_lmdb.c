#include "common/store/kv_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/base/check.h"
#include "common/store/kv_lmdb_impl.h"

#define AHEAD_MIN 65536 /* on a disk that is nearly full, smaller steps down to this */
#define MDB_META_PAGES 2

struct lmdb_txn {
	struct kv_txn base;
	MDB_txn *mdb;
	MDB_cursor *cursor; /* of a read transaction, kept */
	MDB_val at;	    /* the key in the map where that stands; mv_data NULL: nowhere */
	enum kv_mode mode;
	as_err err;	    /* the first that a write met: it cannot be committed any more */
	uint64_t pages_max; /* a put may leave so many in use */
	uint64_t pages_limit;
};

struct lmdb_key {
	uint8_t b[1 + KV_KEY_MAX];
	size_t n;
};

static struct lmdb_txn *lmdb_txn_of(struct kv_txn *txn)
{
	return (struct lmdb_txn *)(void *)txn;
}

/* ---- the map may move only while no transaction is open -----------------------------------------------*/

#define MAP_MOVES (-1)

static void gate_enter(struct kv_lmdb *l)
{
	int n = atomic_load(&l->open);

	while (n == MAP_MOVES || !atomic_compare_exchange_weak(&l->open, &n, n + 1))
		if (n == MAP_MOVES)
			n = atomic_load(&l->open);
}

static void gate_leave(struct kv_lmdb *l)
{
	atomic_fetch_sub(&l->open, 1);
}

static void env_info(struct kv_lmdb *l, MDB_envinfo *info)
{
	gate_enter(l);
	mdb_env_info(l->env, info);
	gate_leave(l);
}

/* ---- space --------------------------------------------------------------------------------------------*/

/* Blocks of data.mdb and what the file system has left for it. */
static bool disk_space(const struct kv_lmdb *l, uint64_t *ret_taken, uint64_t *ret_free)
{
	struct statvfs fs;
	struct stat st;

	if (fstat(l->fd, &st) || fstatvfs(l->fd, &fs))
		return false;
	*ret_taken = (uint64_t)st.st_blocks * 512;
	*ret_free = (uint64_t)fs.f_bavail * fs.f_frsize;
	return true;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t space_limit(struct kv_lmdb *l)
{
	uint64_t taken, room, own = atomic_load(&l->disk_limit), limit = own ? own : UINT64_MAX;
	MDB_envinfo info;

	env_info(l, &info);
	limit = min64(limit, info.me_mapsize);
	return disk_space(l, &taken, &room) ? min64(limit, taken + room) : limit;
}

static uint64_t pages_of(const MDB_stat *s)
{
	return MDB_META_PAGES + s->ms_branch_pages + s->ms_leaf_pages + s->ms_overflow_pages;
}

static uint64_t lmdb_bytes(struct kv *kv)
{
	struct kv_lmdb *l = lmdb_of(kv);
	MDB_stat s;

	gate_enter(l);
	mdb_env_stat(l->env, &s); /* of the only tree, at the last commit */
	gate_leave(l);
	return pages_of(&s) * l->page;
}

as_err kv_lmdb_space(struct kv *kv, uint64_t *ret_used, uint64_t *ret_limit)
{
	struct kv_lmdb *l = lmdb_of(kv);

	if (atomic_load(&l->failed))
		return AS_EIO;
	*ret_used = lmdb_bytes(kv);
	*ret_limit = space_limit(l);
	return AS_OK;
}

void kv_lmdb_limit(struct kv *kv, uint64_t disk_limit_bytes)
{
	atomic_store(&lmdb_of(kv)->disk_limit, disk_limit_bytes);
}

/* Takes blocks of the disk before they are needed; what cannot be had is not an error, puts will be refused.
 */
void lmdb_take_ahead(struct kv_lmdb *l, uint64_t file)
{
	if (l->ahead == UINT64_MAX || l->ahead >= file + l->step / 2)
		return;
	for (uint64_t step = l->step; step >= AHEAD_MIN; step /= 2) {
		uint64_t want = (file + step) / AHEAD_MIN * AHEAD_MIN;
		if (want <= l->ahead)
			return;
		if (fallocate(l->fd, FALLOC_FL_KEEP_SIZE, (off_t)l->ahead, (off_t)(want - l->ahead)) == 0) {
			l->ahead = want;
			return;
		}
		if (errno != ENOSPC && errno != EDQUOT && errno != EINTR) {
			l->ahead = UINT64_MAX;
			return;
		}
	}
}

/* bytes: 0: as large as another process made it. False when a transaction is open. */
static bool map_move(struct kv_lmdb *l, uint64_t bytes)
{
	int none = 0;
	int rc;

	if (!atomic_compare_exchange_strong(&l->open, &none, MAP_MOVES))
		return false;
	rc = mdb_env_set_mapsize(l->env, (size_t)bytes);
	atomic_store(&l->open, 0);
	return rc == 0;
}

/* Before a write transaction: more map and more disk, when it is time. */
static void room_make(struct kv_lmdb *l)
{
	bool map_short = atomic_exchange(&l->map_short, false);
	MDB_envinfo info;
	uint64_t file;

	env_info(l, &info);
	file = (info.me_last_pgno + 1) * l->page;
	if ((map_short || file > info.me_mapsize / 2) && !map_move(l, 2 * (uint64_t)info.me_mapsize) &&
	    map_short)
		atomic_store(&l->map_short, true); /* at the next one */
	lmdb_take_ahead(l, file);
}

/* ---- errors -------------------------------------------------------------------------------------------*/

static as_err fail(struct kv_lmdb *l)
{
	atomic_store(&l->failed, true);
	return AS_EIO;
}

/* LMDB makes EIO of a short write, which is how a disk that becomes full answers first. */
static bool disk_is_full(const struct kv_lmdb *l)
{
	uint64_t taken, room;

	return disk_space(l, &taken, &room) && room < AHEAD_MIN;
}

/* Of anything but a commit, where nothing is durable yet. */
static as_err err_of(struct kv_lmdb *l, int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return AS_OK;
	case MDB_NOTFOUND:
		return AS_ENOTFOUND;
	case MDB_MAP_FULL:
		atomic_store(&l->map_short, true);
		return AS_EFULL;
	case MDB_TXN_FULL:
		return AS_ETOOBIG;
	case MDB_READERS_FULL:
	case ENOMEM:
		return AS_ENOMEM;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return AS_EFULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_CURSOR_FULL:
		return AS_ECORRUPT;
	case EIO:
		return disk_is_full(l) ? AS_EFULL : fail(l);
	default: /* MDB_PANIC among them */
		return fail(l);
	}
}

/*
 * Order of a commit: pages, sync, meta page. A failed meta page, and nothing else, makes LMDB refuse every
 * later transaction; so when the next one begins, the old meta page stands and nothing of this commit can be
 * there. What then remains to be feared is a failed sync, which is EIO as well. On a full disk it cannot be
 * told from a short write; but only pages of this commit can be lost by it, which nothing refers to.
 */
static as_err commit_err(struct kv_lmdb *l, int rc)
{
	MDB_txn *probe;

	if (mdb_txn_begin(l->env, NULL, MDB_RDONLY, &probe))
		return fail(l);
	mdb_txn_abort(probe);
	return err_of(l, rc);
}

/* ---- transactions -------------------------------------------------------------------------------------*/

static void write_bounds(struct lmdb_txn *t)
{
	struct kv_lmdb *l = lmdb_of(t->base.kv);

	t->pages_limit = space_limit(l) / l->page;
	t->pages_max = t->pages_limit * (100 - l->reserve_percent) / 100;
}

static void txn_end(struct lmdb_txn *t)
{
	struct kv_lmdb *l = lmdb_of(t->base.kv);

	if (t->cursor)
		mdb_cursor_close(t->cursor);
	if (t->mdb)
		mdb_txn_abort(t->mdb);
	if (t->mode == KV_WRITE)
		atomic_store(&l->writing, false);
	gate_leave(l);
	free(t);
}

static as_err lmdb_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	struct kv_lmdb *l = lmdb_of(kv);
	struct lmdb_txn *t;
	as_err err;
	int rc;

	if (atomic_load(&l->failed))
		return AS_EIO;
	if (mode == KV_WRITE && l->read_only)
		return AS_EREFUSED;
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return AS_ENOMEM;
	t->base.kv = kv;
	t->mode = mode;
	if (mode == KV_WRITE) {
		as_assert(!atomic_exchange(&l->writing, true));
		room_make(l);
	}
	gate_enter(l);
	rc = mdb_txn_begin(l->env, NULL, mode == KV_READ ? MDB_RDONLY : 0, &t->mdb);
	if (rc == MDB_MAP_RESIZED) { /* by another process */
		gate_leave(l);
		map_move(l, 0);
		gate_enter(l);
		rc = mdb_txn_begin(l->env, NULL, mode == KV_READ ? MDB_RDONLY : 0, &t->mdb);
	}
	if (rc) {
		t->mdb = NULL;
		err = rc == MDB_MAP_RESIZED ? AS_ENOMEM : err_of(l, rc); /* when the others have ended */
		txn_end(t);
		return err;
	}
	if (mode == KV_WRITE)
		write_bounds(t);
	*ret_txn = &t->base;
	return AS_OK;
}

static as_err lmdb_commit(struct kv_txn *take_txn)
{
	struct lmdb_txn *t = lmdb_txn_of(take_txn);
	struct kv_lmdb *l = lmdb_of(take_txn->kv);
	as_err err = atomic_load(&l->failed) ? AS_EIO : t->err;
	int rc;

	if (err == AS_OK && t->mode == KV_WRITE) {
		rc = mdb_txn_commit(t->mdb);
		t->mdb = NULL;
		if (rc)
			err = commit_err(l, rc);
	}
	txn_end(t);
	return err;
}

static void lmdb_abort(struct kv_txn *take_txn)
{
	txn_end(lmdb_txn_of(take_txn));
}

static void lmdb_reserve(struct kv_txn *txn)
{
	struct lmdb_txn *t = lmdb_txn_of(txn);

	t->pages_max = t->pages_limit;
}

/* ---- reads and writes ---------------------------------------------------------------------------------*/

/* May the transaction go on? */
static as_err txn_gate(const struct lmdb_txn *t)
{
	return atomic_load(&lmdb_of(t->base.kv)->failed) ? AS_EIO : t->err;
}

static as_err key_make(unsigned table, struct bytes key, struct lmdb_key *ret)
{
	if (table >= KV_TABLES || key.n > KV_KEY_MAX)
		return AS_EINVAL;
	ret->b[0] = (uint8_t)table;
	if (key.n)
		memcpy(ret->b + 1, key.p, key.n);
	ret->n = 1 + key.n;
	return AS_OK;
}

static MDB_val val_of(const struct lmdb_key *k)
{
	union {
		const void *in;
		void *out; /* LMDB does not write through it */
	} p = {.in = k->b};

	return (MDB_val){.mv_size = k->n, .mv_data = p.out};
}

static as_err lmdb_get(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_value)
{
	struct lmdb_txn *t = lmdb_txn_of(txn);
	struct kv_lmdb *l = lmdb_of(txn->kv);
	struct lmdb_key k;
	MDB_val v;
	as_err err;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	MDB_val kv = val_of(&k);
	if ((err = err_of(l, mdb_get(t->mdb, l->dbi, &kv, &v))))
		return err;
	*ret_value = bytes_of(v.mv_data, v.mv_size);
	return AS_OK;
}

static as_err write_err(struct lmdb_txn *t, as_err err)
{
	if (err && err != AS_ENOTFOUND)
		t->err = err;
	return err;
}

static as_err lmdb_put(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes value)
{
	struct lmdb_txn *t = lmdb_txn_of(txn);
	struct kv_lmdb *l = lmdb_of(txn->kv);
	struct lmdb_key k;
	MDB_stat s;
	as_err err;

	as_assert(t->mode == KV_WRITE);
	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	if (key.n == 0)
		return AS_EINVAL;
	if (value.n > KV_VALUE_MAX)
		return AS_ETOOBIG;
	MDB_val kv = val_of(&k), v = {.mv_size = value.n};
	/* only reserved, then copied: LMDB's value is not const */
	if ((err = err_of(l, mdb_put(t->mdb, l->dbi, &kv, &v, MDB_RESERVE))))
		return write_err(t, err);
	if (value.n)
		memcpy(v.mv_data, value.p, value.n);
	mdb_stat(t->mdb, l->dbi, &s);
	return write_err(t, pages_of(&s) > t->pages_max ? AS_EFULL : AS_OK);
}

static as_err lmdb_del(struct kv_txn *txn, unsigned table, struct bytes key)
{
	struct lmdb_txn *t = lmdb_txn_of(txn);
	struct kv_lmdb *l = lmdb_of(txn->kv);
	struct lmdb_key k;
	as_err err;

	as_assert(t->mode == KV_WRITE);
	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	MDB_val kv = val_of(&k);
	return write_err(t, err_of(l, mdb_del(t->mdb, l->dbi, &kv, NULL)));
}

/* ---- order --------------------------------------------------------------------------------------------*/

/*
 * A read transaction keeps its cursor. A write transaction opens one for each search: cursors that live on
 * while pages are split and merged are where the repaired bugs of 0.9.25 to 0.9.31 lie.
 */
static int cursor_open(struct lmdb_txn *t, MDB_cursor **ret_c)
{
	int rc = 0;

	if (t->cursor == NULL)
		rc = mdb_cursor_open(t->mdb, lmdb_of(t->base.kv)->dbi, &t->cursor);
	*ret_c = t->cursor;
	return rc;
}

static void cursor_let(struct lmdb_txn *t)
{
	if (t->mode == KV_WRITE && t->cursor) {
		mdb_cursor_close(t->cursor);
		t->cursor = NULL;
	}
}

static as_err answer(struct lmdb_txn *t, int rc, unsigned table, const MDB_val *k, const MDB_val *v,
		     struct bytes *ret_key, struct bytes *ret_value)
{
	as_err err = err_of(lmdb_of(t->base.kv), rc);
	const uint8_t *p = err ? NULL : k->mv_data;

	cursor_let(t);
	t->at = err || t->mode == KV_WRITE ? (MDB_val){.mv_data = NULL} : *k;
	if (err)
		return err;
	if (k->mv_size < 2 || p[0] != table)
		return AS_ENOTFOUND;
	*ret_key = bytes_of(p + 1, k->mv_size - 1);
	*ret_value = bytes_of(v->mv_data, v->mv_size);
	return AS_OK;
}

/* Is this the key that the last search of a read transaction gave? Then its cursor is one step away. */
static bool is_at(const struct lmdb_txn *t, unsigned table, struct bytes key)
{
	const uint8_t *at = t->at.mv_data;

	return at && key.p == at + 1 && key.n + 1 == t->at.mv_size && at[0] == table;
}

static as_err lmdb_seek(struct kv_txn *txn, unsigned table, struct bytes key, bool after,
			struct bytes *ret_key, struct bytes *ret_value)
{
	struct lmdb_txn *t = lmdb_txn_of(txn);
	struct lmdb_key k;
	MDB_cursor *c;
	MDB_val v;
	as_err err;
	int rc;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	MDB_val kv = val_of(&k);
	if (after && is_at(t, table, key)) {
		rc = mdb_cursor_get(t->cursor, &kv, &v, MDB_NEXT);
		return answer(t, rc, table, &kv, &v, ret_key, ret_value);
	}
	rc = cursor_open(t, &c);
	if (rc == 0)
		rc = mdb_cursor_get(c, &kv, &v, MDB_SET_RANGE);
	if (rc == 0 && after && kv.mv_size == k.n && memcmp(kv.mv_data, k.b, k.n) == 0)
		rc = mdb_cursor_get(c, &kv, &v, MDB_NEXT);
	return answer(t, rc, table, &kv, &v, ret_key, ret_value);
}

static as_err lmdb_seek_before(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_key,
			       struct bytes *ret_value)
{
	struct lmdb_txn *t = lmdb_txn_of(txn);
	struct lmdb_key k;
	MDB_cursor *c;
	MDB_val v;
	as_err err;
	int rc;

	if ((err = txn_gate(t)) || (err = key_make(table, key, &k)))
		return err;
	if (key.n == 0)
		k.b[0]++; /* before the first key of the next table */
	MDB_val kv = val_of(&k);
	rc = cursor_open(t, &c);
	if (rc == 0) {
		rc = mdb_cursor_get(c, &kv, &v, MDB_SET_RANGE);
		if (rc == 0)
			rc = mdb_cursor_get(c, &kv, &v, MDB_PREV);
		else if (rc == MDB_NOTFOUND)
			rc = mdb_cursor_get(c, &kv, &v, MDB_LAST);
	}
	return answer(t, rc, table, &kv, &v, ret_key, ret_value);
}

/* ---- the rest -----------------------------------------------------------------------------------------*/

as_err kv_lmdb_reader_check(struct kv *kv)
{
	struct kv_lmdb *l = lmdb_of(kv);
	int dead;

	if (atomic_load(&l->failed))
		return AS_EIO;
	return err_of(l, mdb_reader_check(l->env, &dead));
}

static void lmdb_close(struct kv *take_kv)
{
	struct kv_lmdb *l = lmdb_of(take_kv);

	as_assert(atomic_load(&l->open) == 0);
	lmdb_forget(l);
}

const struct kv_ops lmdb_ops = {
    .close = lmdb_close,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .reserve = lmdb_reserve,
    .get = lmdb_get,
    .put = lmdb_put,
    .del = lmdb_del,
    .seek = lmdb_seek,
    .seek_before = lmdb_seek_before,
    .bytes = lmdb_bytes,
};
