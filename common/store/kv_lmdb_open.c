/* kv_lmdb_open: the folder, making and opening the files. */
#include "common/store/kv_lmdb_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"

#define LOCK_BYTES 16384 /* room for about 250 readers */

/* ---- one open per process -----------------------------------------------------------------------------*/

static struct kv_lmdb *opened;
static atomic_flag opened_busy = ATOMIC_FLAG_INIT;

static void opened_lock(void)
{
	while (atomic_flag_test_and_set_explicit(&opened_busy, memory_order_acquire))
		;
}

static void opened_unlock(void)
{
	atomic_flag_clear_explicit(&opened_busy, memory_order_release);
}

static bool opened_add(struct kv_lmdb *l)
{
	bool there = false;

	opened_lock();
	for (const struct kv_lmdb *o = opened; o; o = o->next)
		there |= o->dev == l->dev && o->ino == l->ino;
	if (!there) {
		l->next = opened;
		opened = l;
	}
	opened_unlock();
	return !there;
}

static void opened_remove(const struct kv_lmdb *l)
{
	struct kv_lmdb **at = &opened;

	opened_lock();
	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	opened_unlock();
}

void lmdb_forget(struct kv_lmdb *take_l)
{
	if (take_l->env)
		mdb_env_close(take_l->env);
	opened_remove(take_l);
	free(take_l);
}

/* ---- files --------------------------------------------------------------------------------------------*/

/* rc: errno or MDB_*. */
static as_err open_err(int rc, const char *path, const char *what, struct as_errmsg *em)
{
	as_errmsg_set(em, "%s: %s: %s", path, what, mdb_strerror(rc));
	switch (rc) {
	case ENOENT:
		return AS_ENOTFOUND;
	case ENOSPC:
	case EDQUOT:
		return AS_EFULL;
	case ENOMEM:
		return AS_ENOMEM;
	case MDB_INVALID:
	case MDB_CORRUPTED:
		return AS_ECORRUPT;
	case MDB_VERSION_MISMATCH:
		return AS_EUNSUPPORTED;
	default:
		return AS_EIO;
	}
}

static void fd_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The directory, made when it is missing: its name is durable then. */
static as_err dir_open(const struct kv_lmdb_conf *conf, struct as_errmsg *em, struct stat *ret_st,
		       int *ret_fd)
{
	AS_AUTO(fd) int up = -1;
	bool made = false;

	if (!conf->read_only) {
		made = mkdir(conf->path, 0700) == 0;
		if (!made && errno != EEXIST)
			return open_err(errno, conf->path, "cannot make the folder", em);
	}
	*ret_fd = open(conf->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0 || fstat(*ret_fd, ret_st))
		return open_err(errno, conf->path, "cannot open the folder", em);
	if (ret_st->st_mode & 077) {
		as_errmsg_set(em, "%s: others may enter it (mode %03o); chmod 700 it", conf->path,
			      (unsigned)ret_st->st_mode & 0777);
		return AS_EREFUSED;
	}
	if (made && ((up = openat(*ret_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || fsync(up)))
		return open_err(errno, conf->path, "cannot sync the folder above", em);
	return AS_OK;
}

/*
 * lock.mdb is mapped, and LMDB makes it with a hole: on a full disk the first touch would be a SIGBUS. So it
 * gets its blocks here. Its size stays when it has one: others may have mapped it.
 */
static int lock_prepare(int dir)
{
	static const uint8_t zero[LOCK_BYTES];
	AS_AUTO(fd) int fd = openat(dir, "lock.mdb", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return errno;
	if (fallocate(fd, 0, 0, st.st_size ? st.st_size : LOCK_BYTES) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return errno;
	if (st.st_size)
		return 0;
	ssize_t n = pwrite(fd, zero, sizeof zero, 0);
	return n == (ssize_t)sizeof zero ? 0 : n < 0 ? errno : ENOSPC;
}

/*
 * LMDB writes a new data.mdb in place, and does not open one whose first two pages are not both there. So it
 * is made under another name, synced, and then has its name at once.
 */
static int data_prepare(int dir, const char *path)
{
	AS_AUTO(fd) int fd = -1;
	char name[PATH_MAX];
	MDB_env *env;
	struct stat st;
	int n, rc;

	if (fstatat(dir, "data.mdb", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return errno;
	n = snprintf(name, sizeof name, "%s/new.mdb", path);
	if (n < 0 || (size_t)n >= sizeof name)
		return ENAMETOOLONG;
	if (unlinkat(dir, "new.mdb", 0) && errno != ENOENT)
		return errno;
	if ((rc = mdb_env_create(&env)))
		return rc;
	rc = mdb_env_open(env, name, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
	mdb_env_close(env);
	if (rc)
		return rc;
	fd = openat(dir, "new.mdb", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || fsync(fd) || renameat(dir, "new.mdb", dir, "data.mdb") ? errno : 0;
}

static int env_open(struct kv_lmdb *l, const struct kv_lmdb_conf *conf)
{
	uint64_t map = conf->map_bytes ? conf->map_bytes : KV_LMDB_MAP_BYTES;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	MDB_txn *txn;
	MDB_stat s;
	int dead, rc;

	if ((rc = mdb_env_create(&l->env)))
		return rc;
	if ((rc = mdb_env_set_mapsize(l->env, (size_t)((map + page - 1) / page * page))) ||
	    (rc = mdb_env_open(l->env, conf->path, MDB_NOTLS | (conf->read_only ? MDB_RDONLY : 0u), 0600)) ||
	    (rc = mdb_reader_check(l->env, &dead)) || (rc = mdb_env_get_fd(l->env, &l->fd)) ||
	    (rc = mdb_env_stat(l->env, &s)) || (rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn)))
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
	mdb_txn_abort(txn);
	l->page = s.ms_psize;
	return rc;
}

static as_err open_in(struct kv_lmdb *l, int dir, const struct kv_lmdb_conf *conf, struct as_errmsg *em)
{
	MDB_envinfo info;
	struct stat st;
	int rc;

	/* one process at a time, until dir is closed */
	if (!conf->read_only && flock(dir, LOCK_EX))
		return open_err(errno, conf->path, "cannot lock the folder", em);
	if ((rc = lock_prepare(dir)))
		return open_err(rc, conf->path, "lock.mdb", em);
	if (!conf->read_only && (rc = data_prepare(dir, conf->path)))
		return open_err(rc, conf->path, "cannot make data.mdb", em);
	if ((rc = env_open(l, conf)))
		return open_err(rc, conf->path, "data.mdb", em);
	if (conf->read_only)
		return AS_OK;
	if (fsync(dir))
		return open_err(errno, conf->path, "cannot sync the folder", em);
	if (fstat(l->fd, &st))
		return open_err(errno, conf->path, "data.mdb", em);
	mdb_env_info(l->env, &info);
	l->ahead = (uint64_t)st.st_blocks * 512;
	lmdb_take_ahead(l, (info.me_last_pgno + 1) * l->page);
	return AS_OK;
}

as_err kv_lmdb_open(struct kv **ret_kv, const struct kv_lmdb_conf *conf, struct as_errmsg *em)
{
	AS_AUTO(fd) int dir = -1;
	struct kv_lmdb *l;
	struct stat st;
	as_err err = dir_open(conf, em, &st, &dir);

	if (err)
		return err;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		return AS_ENOMEM;
	l->base.ops = &lmdb_ops;
	l->read_only = conf->read_only;
	l->reserve_percent = conf->reserve_percent ? conf->reserve_percent : KV_LMDB_RESERVE_PERCENT;
	as_assert(l->reserve_percent < 100);
	l->step = conf->prealloc_bytes ? conf->prealloc_bytes : KV_LMDB_AHEAD_BRANCH;
	atomic_init(&l->disk_limit, conf->disk_limit_bytes);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	if (!opened_add(l)) {
		as_errmsg_set(em, "%s: this process has the store open already", conf->path);
		free(l);
		return AS_EEXIST;
	}
	if ((err = open_in(l, dir, conf, em))) {
		lmdb_forget(l);
		return err;
	}
	*ret_kv = &l->base;
	return AS_OK;
}
