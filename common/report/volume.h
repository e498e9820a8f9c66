/*
 * P-01: balances from flows (common/ledger/balance.h). Cells hold flows only; the opening of a period is the
 * balance of all flows before it, the closing that of all flows up to its end, so closing(day n) =
 * opening(day n + 1) always. Pure.
 */
#ifndef AFTERSYNC_REPORT_VOLUME_H
#define AFTERSYNC_REPORT_VOLUME_H

#include "common/ledger/balance.h"

struct volume_row {
	int64_t opening_wip, opening_custody;
	int64_t flow[CELL_VALUES_MAX]; /* VOL_ */
	int64_t closing_wip, closing_custody;
};

/* before: the flows of all days before the period, summed; flow: those of the period. */
void volume_row_make(const int64_t before[CELL_VALUES_MAX], const int64_t flow[CELL_VALUES_MAX],
		     struct volume_row *ret);

#endif
