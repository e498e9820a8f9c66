/*
 * The tables of a node's store and the layout of their keys: big-endian, at most KV_KEY_MAX bytes, so that
 * the order of bytes is the order in which a table is read. "log" is the 29 bytes of log_id_put. Pure.
 *
 * Numbers are stored: never use one again for something else. docs/store.md describes the values.
 */
#ifndef AFTERSYNC_STORE_KEYS_H
#define AFTERSYNC_STORE_KEYS_H

#include "common/ledger/ledger.h"
#include "common/log/log_id.h"
#include "common/store/kv.h"

enum store_table {
	TABLE_SELF = 0,	 /* one byte: SELF_*; what this store is, its fence, its counters */
	TABLE_META = 1,	 /* name; small named values of the programs */
	TABLE_LOG = 2,	 /* log; one row a log: head, receipts, keys, parent, frontier at the head */
	TABLE_BLOCK = 3, /* log, first index (8); the block of index i is the last with first <= i */
	TABLE_FRONTIER =
	    4, /* log, size (8); the frontier at some block ends, STORE_FRONTIER_EVERY events apart */
	TABLE_CASE = 5,	       /* branch (8), case id (16) */
	TABLE_CELL = 6,	       /* cell key of common/ledger/cells.h: table, day, branch, dimensions */
	TABLE_FLAGGED = 7,     /* log, index (8); the events that are in no cell */
	TABLE_RECEIPT = 8,     /* log; the highest receipt */
	TABLE_KEYCHANGE = 9,   /* log, number (8); gap-free from 1 */
	TABLE_RING = 10,       /* subject id (16) */
	TABLE_ASIDE = 11,      /* log, first index (8), check of the block (8); the same block is kept once */
	TABLE_EVENT_ID = 12,   /* branch only: event id (16), log, index (8) */
	TABLE_LABEL = 13,      /* branch only: label, 0, case id (16) */
	TABLE_FLAG_COUNT = 14, /* branch (8); its rows in TABLE_FLAGGED, none when there are none */
	TABLE_BALANCE = 15,    /* table, span (4), branch, dimensions or none: common/ledger/balance.h */
	TABLES
};

_Static_assert(TABLES <= KV_TABLES, "every table has a number");

enum { SELF_IDENTITY = 1, SELF_ASIDE = 2, SELF_KEY = 3, SELF_COUNTED = 4 };

/* A frontier is kept at the block end that passes a multiple of this many events. */
#define STORE_FRONTIER_EVERY 1024

struct store_key_buf {
	uint8_t b[KV_KEY_MAX];
	size_t n;
};

static inline struct bytes key_bytes(const struct store_key_buf *k)
{
	return bytes_of(k->b, k->n);
}

struct store_key_buf key_self(uint8_t which);
struct store_key_buf key_log(const struct log_id *log);			/* LOG, RECEIPT; prefix of more */
struct store_key_buf key_log_at(const struct log_id *log, uint64_t at); /* BLOCK … KEYCHANGE */
struct store_key_buf key_aside(const struct log_id *log, uint64_t first, const uint8_t check[8]);
struct store_key_buf key_case(const struct case_key *c);
struct store_key_buf key_branch(const char branch[BRANCH_CODE_MAX]);
struct store_key_buf key_event_id(const uint8_t id[16], const struct log_id *log, uint64_t index);
struct store_key_buf key_label(struct bytes label,
			       const uint8_t case_id[16]); /* label: 1 to LABEL_BYTES_MAX */
struct store_key_buf key_label_prefix(struct bytes label);

/* Any key handed in, so that it outlives a write. */
struct store_key_buf key_copy(struct bytes key);

bool key_has_prefix(struct bytes key, struct bytes prefix);

/* The number at the end of a key of key_log_at. */
uint64_t key_at(struct bytes key);

/* "block BJ live 1 0a1b2c3d at 17": names a row for people; out is always terminated. */
#define KEY_TEXT_MAX 200
void key_text(unsigned table, struct bytes key, char out[KEY_TEXT_MAX]);

/* "BJ live 1 0a1b2c3d" */
void key_log_text(const struct log_id *log, char out[64]);

#endif
