#include "tests/lib/kv_backends.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/store/kv_lmdb.h"
#include "tests/lib/temp.h"

static as_err mem_crash(struct kv **kv)
{
	kv_mem_crash(*kv);
	return AS_OK;
}

/* ---- LMDB in temporary folders ------------------------------------------------------------------------*/

/* A store under test: kv_close removes its folder, and faults stand before the real calls. */
struct tested {
	struct kv *kv;
	const struct kv_ops *real;
	char path[TEMP_PATH_BYTES];
	uint64_t fail_in;
	enum kv_mem_fault fault;
	bool broken;
};

static struct tested all[16];
static unsigned made;

static struct tested *tested_of(const struct kv *kv)
{
	for (size_t i = 0; i < AS_COUNT(all); i++)
		if (all[i].kv == kv)
			return &all[i];
	as_abort(__FILE__, __LINE__, "not a store of kv_backends");
}

static as_err wrap_gate(struct kv *kv)
{
	struct tested *t = tested_of(kv);

	if (t->broken)
		return AS_EIO;
	return t->fail_in && --t->fail_in == 0 ? AS_EIO : AS_OK;
}

static void wrap_close(struct kv *take_kv)
{
	struct tested *t = tested_of(take_kv);

	t->real->close(take_kv);
	temp_remove(t->path);
	*t = (struct tested){0};
}

static as_err wrap_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	as_err err = wrap_gate(kv);

	return err ? err : tested_of(kv)->real->begin(kv, mode, ret_txn);
}

static as_err wrap_commit(struct kv_txn *take_txn)
{
	struct tested *t = tested_of(take_txn->kv);
	as_err err = wrap_gate(take_txn->kv);
	enum kv_mem_fault fault = err ? KV_MEM_COMMIT_LOST : t->fault;

	t->fault = KV_MEM_NO_FAULT;
	if (fault == KV_MEM_NO_FAULT)
		return t->real->commit(take_txn);
	if (fault == KV_MEM_COMMIT_DOUBTED)
		err = t->real->commit(take_txn);
	else
		t->real->abort(take_txn);
	t->broken = fault != KV_MEM_COMMIT_FULL;
	return err ? err : t->broken ? AS_EIO : AS_EFULL;
}

static as_err wrap_get(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_value)
{
	as_err err = wrap_gate(txn->kv);

	return err ? err : tested_of(txn->kv)->real->get(txn, table, key, ret_value);
}

static as_err wrap_put(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes value)
{
	as_err err = wrap_gate(txn->kv);

	return err ? err : tested_of(txn->kv)->real->put(txn, table, key, value);
}

static as_err wrap_del(struct kv_txn *txn, unsigned table, struct bytes key)
{
	as_err err = wrap_gate(txn->kv);

	return err ? err : tested_of(txn->kv)->real->del(txn, table, key);
}

static as_err wrap_seek(struct kv_txn *txn, unsigned table, struct bytes key, bool after,
			struct bytes *ret_key, struct bytes *ret_value)
{
	as_err err = wrap_gate(txn->kv);

	return err ? err : tested_of(txn->kv)->real->seek(txn, table, key, after, ret_key, ret_value);
}

static as_err wrap_seek_before(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_key,
			       struct bytes *ret_value)
{
	as_err err = wrap_gate(txn->kv);

	return err ? err : tested_of(txn->kv)->real->seek_before(txn, table, key, ret_key, ret_value);
}

static as_err open_at(const char *path, struct kv **ret_kv)
{
	static struct kv_ops wrap;
	struct kv_lmdb_conf conf = {.path = path, .map_bytes = 16 << 20, .prealloc_bytes = 256 << 10};
	struct tested *t = tested_of(NULL);
	struct as_errmsg em = {""};
	as_err err = kv_lmdb_open(ret_kv, &conf, &em);

	if (err) {
		fprintf(stderr, "# %s\n", em.text);
		return err;
	}
	*t = (struct tested){.kv = *ret_kv, .real = (*ret_kv)->ops};
	snprintf(t->path, sizeof t->path, "%s", path);
	wrap = *t->real;
	wrap.close = wrap_close;
	wrap.begin = wrap_begin;
	wrap.commit = wrap_commit;
	wrap.get = wrap_get;
	wrap.put = wrap_put;
	wrap.del = wrap_del;
	wrap.seek = wrap_seek;
	wrap.seek_before = wrap_seek_before;
	(*ret_kv)->ops = &wrap;
	return AS_OK;
}

static as_err folder_make(char path[TEMP_PATH_BYTES])
{
	snprintf(path, TEMP_PATH_BYTES, "%s/kv-%u", temp_dir(), made++);
	return mkdir(path, 0700) ? AS_EIO : AS_OK;
}

static as_err lmdb_open(struct kv **ret_kv)
{
	char path[TEMP_PATH_BYTES];
	as_err err = folder_make(path);

	return err ? err : open_at(path, ret_kv);
}

/* The file as it stands while the store is open: what a killed process leaves. */
static as_err lmdb_snapshot(struct kv *kv, struct kv **ret_copy)
{
	static uint8_t b[1 << 20];
	char path[TEMP_PATH_BYTES], name[TEMP_PATH_BYTES + 16];
	as_err err = folder_make(path);
	ssize_t n;
	int from, to;

	if (err)
		return err;
	snprintf(name, sizeof name, "%s/data.mdb", tested_of(kv)->path);
	from = open(name, O_RDONLY | O_CLOEXEC);
	snprintf(name, sizeof name, "%s/data.mdb", path);
	to = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while ((n = read(from, b, sizeof b)) > 0)
		if (write(to, b, (size_t)n) != n)
			err = AS_EIO;
	close(from);
	close(to);
	return n < 0 || err ? AS_EIO : open_at(path, ret_copy);
}

static as_err lmdb_crash(struct kv **kv)
{
	struct kv *after;
	as_err err = lmdb_snapshot(*kv, &after);

	if (err)
		return err;
	kv_close(*kv);
	*kv = after;
	return AS_OK;
}

static void lmdb_fault(struct kv *kv, enum kv_mem_fault fault)
{
	tested_of(kv)->fault = fault;
}

static void lmdb_fail_nth(struct kv *kv, uint64_t n)
{
	tested_of(kv)->fail_in = n;
}

static bool lmdb_fail_pending(const struct kv *kv)
{
	return tested_of(kv)->fail_in != 0;
}

/* In the value, not in a page: what the checks of rows are for. */
static as_err lmdb_flip(struct kv *kv, unsigned table, struct bytes key, uint64_t bit)
{
	AS_AUTO(kv_txn) struct kv_txn *txn = NULL;
	struct bytes value;
	uint8_t *copy;
	as_err err;

	if ((err = kv_begin(kv, KV_WRITE, &txn)) || (err = kv_get(txn, table, key, &value)))
		return err;
	if (value.n == 0)
		return AS_ENOTFOUND;
	copy = malloc(value.n);
	as_assert(copy != NULL);
	memcpy(copy, value.p, value.n);
	bit %= value.n * 8;
	copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	err = kv_put(txn, table, key, bytes_of(copy, value.n));
	free(copy);
	return err ? err : kv_commit(&txn);
}

const struct kv_backend kv_backends[] = {
    {
	.name = "mem",
	.open = kv_mem_new,
	.crash = mem_crash,
	.snapshot = kv_mem_snapshot,
	.fault = kv_mem_fault,
	.hold_sync = kv_mem_hold_sync,
	.sync = kv_mem_sync,
	.limit = kv_mem_limit,
	.fail_nth = kv_mem_fail_nth,
	.fail_pending = kv_mem_fail_pending,
	.flip = kv_mem_flip,
    },
    {
	.name = "lmdb",
	.open = lmdb_open,
	.crash = lmdb_crash,
	.snapshot = lmdb_snapshot,
	.fault = lmdb_fault,
	.limit = kv_lmdb_limit,
	.fail_nth = lmdb_fail_nth,
	.fail_pending = lmdb_fail_pending,
	.flip = lmdb_flip,
    },
};

const size_t kv_backends_n = AS_COUNT(kv_backends);
