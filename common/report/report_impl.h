/*
 * Inside of a report: what is gathered. Groups are the combinations of keys, slots the flows of a group in a
 * period, buckets the histogram of a slot. Each kind is a trie over hashes (four children a node), which
 * needs no growing table and so suits an arena. Only for report_*.c.
 */
#ifndef AFTERSYNC_REPORT_REPORT_IMPL_H
#define AFTERSYNC_REPORT_REPORT_IMPL_H

#include "common/report/report.h"

#define PERIOD_BEFORE INT32_MIN /* the flows before the range: opening balances */

/* `text`: a mark, then the columns of the key, each ended by a 0, so that bytes sort as columns do. */
enum { MARK_ROWS = 'r', MARK_ORDERS = 'o' };

struct report_group {
	struct report_group *child[4], *next;
	struct report_group *orders; /* P-11: whose deliveries the complaints are set against */
	struct report_slot **slot;   /* after report_finish, of reports with balances: by period … */
	size_t slots_n, at;
	int64_t *before; /* … and the flows of all periods passed */
	uint32_t rank;	 /* its number; after report_finish its place by keys */
	uint32_t n;
	uint8_t text[];
};

struct report_slot {
	struct report_slot *child[4], *next;
	struct report_group *group;
	int32_t period;
	uint32_t code; /* P-08: the cause */
	size_t rank;   /* as of groups */
	size_t times_at, times_n;
	int64_t v[]; /* report.width of them */
};

struct report_bucket {
	struct report_bucket *child[4], *next;
	struct report_slot *slot;
	uint32_t bucket;
	int64_t count;
};

/* NULL when there is none. */
struct report_slot *report_slot_find(struct report *r, const struct report_group *g, int32_t period,
				     uint32_t code);

/* The symbol of a code; "" for none, the number for one that this program does not know (into `buf`). */
struct bytes report_code_text(const struct code_list *list, uint32_t code, char buf[21]);

/* Sorts pointers; worst case n log n, in place. */
void report_sort(void **list, size_t n, int (*cmp)(const void *a, const void *b));

#endif
