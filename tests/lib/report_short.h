/*
 * A report as a store gives it: balance rows made from cells, then the cells that are left, in their order,
 * ended where the report has enough. For comparison with one that is given every cell.
 */
#ifndef AFTERSYNC_TESTS_LIB_REPORT_SHORT_H
#define AFTERSYNC_TESTS_LIB_REPORT_SHORT_H

#include "common/base/rng.h"
#include "common/report/report.h"

struct report_item {
	struct cell_parts p;
	int64_t v[CELL_VALUES_MAX];
};

/* n random cells of 200 days from 2025-12-20 on; returns how many items that are, at most 2n. */
size_t report_items_random(struct report_item *items, struct rng *rng, size_t n);

/* Between report_init and report_finish. Sorts the items. */
void report_short(struct report *r, struct report_item *items, size_t n);

#endif
