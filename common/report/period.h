/*
 * Periods of the reports: day, ISO week (Monday to Sunday), month, quarter, year, or all of it. A period is a
 * number that grows by one from each to the next; dates are days since 1970-01-01 (common/base/date.h). Pure.
 */
#ifndef AFTERSYNC_REPORT_PERIOD_H
#define AFTERSYNC_REPORT_PERIOD_H

#include "common/base/bytes.h"

enum report_period { RP_DAY, RP_WEEK, RP_MONTH, RP_QUARTER, RP_YEAR, RP_ALL, REPORT_PERIODS };

/* "day" … "all" */
const char *period_name(enum report_period kind);
bool period_of_name(struct bytes name, enum report_period *ret_kind);

int32_t period_of(enum report_period kind, int32_t days);

/* 2026-11-23, 2026-W48, 2026-11, 2026-Q4, 2026, all (docs/reports.md); 0-terminated, returns the length.
 */
#define PERIOD_LABEL_MAX 11
size_t period_label(enum report_period kind, int32_t period, char out[PERIOD_LABEL_MAX]);

#endif
