/*
 * Inside of kv_lmdb, shared by its two files:
 *
 *	kv_lmdb.c	transactions, reads and writes, space, what an error means
 *	kv_lmdb_open.c	the folder, making and opening the files, one open a process
 */
#ifndef AFTERSYNC_STORE_KV_LMDB_IMPL_H
#define AFTERSYNC_STORE_KV_LMDB_IMPL_H

#include <lmdb.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "common/store/kv_lmdb.h"

struct kv_lmdb {
	struct kv base;
	MDB_env *env;
	MDB_dbi dbi;
	int fd; /* of data.mdb, LMDB's own: a second one would drop its locks when closed */
	uint64_t page;
	bool read_only;
	unsigned reserve_percent;
	uint64_t step; /* bytes taken ahead */
	uint64_t
	    ahead; /* the disk has blocks up to here; UINT64_MAX: the file system cannot take any ahead */
	_Atomic uint64_t disk_limit; /* 0: none */
	atomic_bool failed;	     /* a commit's outcome is unknown */
	atomic_bool writing;
	atomic_bool map_short; /* a transaction found the map full */
	atomic_int open;       /* transactions; MAP_MOVES while the map is moved */
	dev_t dev;	       /* of the directory */
	ino_t ino;
	struct kv_lmdb *next;
};

static inline struct kv_lmdb *lmdb_of(struct kv *kv)
{
	return (struct kv_lmdb *)(void *)kv;
}

extern const struct kv_ops lmdb_ops;

/*
 * Takes blocks of the disk before they are needed, up to l->step after the file's end; what cannot be had is
 * not an error: puts will be refused.
 */
void lmdb_take_ahead(struct kv_lmdb *l, uint64_t file);

/* Ends what kv_lmdb_open began. */
void lmdb_forget(struct kv_lmdb *take_l);

#endif
