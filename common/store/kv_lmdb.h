/*
 * kv.h over LMDB 0.9.24, for the daemons: one directory with data.mdb and lock.mdb, every commit synced (two
 * syncs: pages, then the meta page). All 32 tables lie in one tree, a byte for the table before each key.
 *
 * Space. Puts are refused (AS_EFULL) when the pages in use reach 85 % of the smallest of disk, map and
 * disk_limit_bytes; the rest is for transactions that called kv_write_reserve, and for deletes. Blocks of the
 * disk are taken ahead, so that this rest is there when others fill the disk. The map is address space, not
 * memory; it doubles by itself when half full and no transaction is open (what another process made larger is
 * followed then; until then kv_begin answers AS_ENOMEM). A reader that stays open keeps the pages of its
 * snapshot from being used again: readers must be short.
 *
 * Errors of a commit. AS_EFULL, AS_ENOMEM, AS_ETOOBIG: nothing is written, the kv goes on. AS_EIO: a sync or
 * the write of the meta page failed, or a write for another reason than a full disk; whether the commit is
 * durable is unknown, and the kv answers AS_EIO until it is opened again. LMDB itself would go on after a
 * failed sync. A daemon ends with status 74 then, and its next start compares heads. Opening after a crash is
 * just opening: the last commit is there, or the one before.
 *
 * A failed assertion of LMDB ends the process (SIGABRT): its hook cannot return from it. A damaged data.mdb
 * can do anything: the directory must be closed to others (0700), and no file from elsewhere may be put
 * there.
 *
 * Threads: one writer at a time, which commits on the thread that began; read transactions may move between
 * threads. Not after fork(). Not on network file systems.
 */
#ifndef AFTERSYNC_STORE_KV_LMDB_H
#define AFTERSYNC_STORE_KV_LMDB_H

#include "common/store/kv.h"

#define KV_LMDB_MAP_BYTES (16ull << 30)
#define KV_LMDB_AHEAD_BRANCH (4ull << 20)
#define KV_LMDB_AHEAD_HQ (64ull << 20)
#define KV_LMDB_RESERVE_PERCENT 15

struct kv_lmdb_conf {
	const char *path;	   /* directory, 0700; made when it is missing. Borrowed for kv_lmdb_open */
	uint64_t map_bytes;	   /* address space to begin with; 0: KV_LMDB_MAP_BYTES. Head office: 1 TiB */
	uint64_t prealloc_bytes;   /* taken on the disk in such steps, ahead; 0: KV_LMDB_AHEAD_BRANCH */
	uint64_t disk_limit_bytes; /* bound of our own; 0: none */
	bool read_only;		   /* an existing one; KV_WRITE answers AS_EREFUSED */
	unsigned reserve_percent;  /* 0: KV_LMDB_RESERVE_PERCENT */
};

/*
 * Opens or makes; closed with kv_close. AS_EEXIST: this process has it open already (a second open would
 * break LMDB's locks). AS_EREFUSED: others may enter the directory. AS_ENOTFOUND: read_only and nothing
 * there. AS_EFULL: no space for lock.mdb or a new data.mdb; an existing store opens on a full disk.
 * AS_ECORRUPT, AS_EUNSUPPORTED: data.mdb is none of this LMDB. AS_EIO, AS_ENOMEM: em says what the system
 * said.
 */
as_err kv_lmdb_open(struct kv **ret_kv, const struct kv_lmdb_conf *conf, struct as_errmsg *em) AS_MUST_CHECK;

/* Bytes of the pages in use, and the bound of which the reserve is a part. Any thread. */
as_err kv_lmdb_space(struct kv *kv, uint64_t *ret_used, uint64_t *ret_limit) AS_MUST_CHECK;

/* Another disk_limit_bytes, from the next write transaction on. Any thread. */
void kv_lmdb_limit(struct kv *kv, uint64_t disk_limit_bytes);

/* Frees the snapshots of processes that died; to be called each minute (a dead reader pins pages). */
as_err kv_lmdb_reader_check(struct kv *kv) AS_MUST_CHECK;

#endif
