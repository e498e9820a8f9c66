/*
 * Cells: the counters that reports are made of. A cell is (table, business day, branch, dimensions) →
 * integers, flows only, never balances. What a case adds to cells is its contribution (ledger.h). Pure.
 *
 * The key is kept in its canonical encoding: table (1 byte), day YYYYMMDD (4, big-endian), branch (8, zero
 * padded), then the table's dimensions in the order of its row: codes 1 byte, bucket 4 bytes big-endian,
 * model last, without a length. Keys sort bytewise by table, day, branch, dimensions; that is also the order
 * of a canonical dump.
 */
#ifndef AFTERSYNC_LEDGER_CELLS_H
#define AFTERSYNC_LEDGER_CELLS_H

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/limits.h"

enum cell_table {
	CELL_VOLUME = 1,	  /* P-01 */
	CELL_TAT = 2,		  /* P-04 */
	CELL_TAT_HIST = 3,	  /* P-04: minutes, for percentiles */
	CELL_FAULTS = 4,	  /* P-08 */
	CELL_COMPLAINTS = 5,	  /* P-11 */
	CELL_COMPLAINT_TIMES = 6, /* P-12 */
	CELL_TABLES = 7,
};

/* Value columns, by table. */
enum {
	VOL_RECEIVED,
	VOL_TRANSFER_IN,
	VOL_REOPENED,
	VOL_FINISHED,
	VOL_CANCELLED,
	VOL_TRANSFER_OUT,
	VOL_DELIVERED
};
enum { TAT_FINISHED, TAT_MINUTES, TAT_ON_TIME, TAT_SAME_DAY };
enum { HIST_COUNT };
enum { FAULT_COUNT, FAULT_NTF };
enum { CMP_RECEIVED, CMP_SUGGESTIONS, CMP_CLOSED, CMP_REOPENED, CMP_WITHDRAWN, CMP_REJECTED };
enum {
	CT_ACK_DUE,
	CT_ACK_ON_TIME,
	CT_REPLY_DUE,
	CT_REPLY_ON_TIME,
	CT_CLOSE_DUE,
	CT_CLOSE_ON_TIME,
	CT_OVERDUE_IN,
	CT_OVERDUE_OUT
};

#define CELL_VALUES_MAX 8
#define CELL_DIMS_MAX 4

enum cell_dim {
	DIM_NONE = 0,
	DIM_CHANNEL,  /* code, repair */
	DIM_WARRANTY, /* code; 0 = not decided */
	DIM_CAUSE,    /* code; 0 = not given */
	DIM_TYPE,     /* complaint: code */
	DIM_CATEGORY,
	DIM_SEVERITY,
	DIM_COMPLAINT_CHANNEL,
	DIM_BUCKET, /* TAT_HIST: cell_tat_bucket */
	DIM_MODEL,  /* text, always last */
};

struct cell_table_def {
	uint8_t table; /* enum cell_table */
	const char *name;
	const char *report; /* P-nn */
	uint8_t dims_n, values_n;
	uint8_t dims[CELL_DIMS_MAX]; /* enum cell_dim */
	const char *values[CELL_VALUES_MAX];
};

extern const struct cell_table_def cell_tables[CELL_TABLES]; /* by number; row 0 is empty */

#define CELL_KEY_MAX 55

struct cell_key {
	uint8_t n;
	uint8_t b[CELL_KEY_MAX]; /* zero after n */
};

/* A key in parts, for reports and tests. */
struct cell_parts {
	uint8_t table;
	uint32_t day;
	char branch[BRANCH_CODE_MAX]; /* zero padded */
	uint8_t code[CELL_DIMS_MAX];  /* by place in the row; unused where bucket or model */
	uint32_t bucket;
	struct bytes model; /* borrows the key */
};

void cell_key_make(const struct cell_parts *parts, struct cell_key *ret_key);
as_err cell_key_parse(struct bytes key, struct cell_parts *ret_parts) AS_MUST_CHECK;
int cell_key_cmp(const struct cell_key *a, const struct cell_key *b);

/*
 * TAT in whole minutes (floor, never below 0) → bucket: the minute itself up to 7 days, above one bucket an
 * hour (upper end), at most 10 years; and back to the minutes that the bucket stands for.
 */
uint32_t cell_tat_bucket(int64_t minutes);
int64_t cell_tat_minutes(uint32_t bucket);

/*
 * Receiver of differences: called once or more for the same key, in no particular order; sums are what counts
 * and zero sums vanish. It cannot fail: one that can run out keeps its own error.
 */
struct cell_sink {
	void *ctx;
	void (*add)(void *ctx, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX]);
};

/* ---- summing in memory: a drain's cells, a small store ----------------------------------- */

struct cell {
	struct cell_key key; /* n = 0: free */
	int64_t v[CELL_VALUES_MAX];
};

/* Open addressing over memory of the caller. */
struct cell_sum {
	struct cell *slots;
	size_t cap; /* power of two */
	size_t n;   /* used, those with sum zero included */
	bool full;  /* sticky: an add was lost. Give more memory and start again */
};

/* slots: cap zeroed cells, cap a power of two ≥ 2. At most 7/8 of them are used. */
void cell_sum_init(struct cell_sum *s, struct cell *slots, size_t cap);
void cell_sum_add(struct cell_sum *s, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX]);
struct cell_sink cell_sum_sink(struct cell_sum *s);

/* NULL when there is none. */
const struct cell *cell_sum_find(const struct cell_sum *s, const struct cell_key *key);

/* True when about to be full: time to move to twice the memory (cell_sum_move). */
bool cell_sum_wants_more(const struct cell_sum *s);
void cell_sum_move(struct cell_sum *to, const struct cell_sum *from);

/*
 * The non-zero cells in canonical order: order gets their places in s->slots; returns their number. order has
 * room for s->n. A canonical dump is key bytes and values of these, in this order.
 */
size_t cell_sum_sort(const struct cell_sum *s, uint32_t *order);

#endif
