/*
 * Arithmetic of the reports, in integers (docs/reports.md, rules for all). Pure.
 */
#ifndef AFTERSYNC_REPORT_FIGURES_H
#define AFTERSYNC_REPORT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_NA INT64_MIN /* undefined: printed n/a, never 0 or 100 */

/* Basis points, rounded half up: (num·10000 + den/2) / den; RATE_NA when den = 0. num and den ≥ 0. */
int64_t rate_bp(int64_t num, int64_t den);

/* per thousand with two decimals, in hundredths: (num·100000 + den/2) / den (P-11: complaints per 1000
 * repairs) */
int64_t rate_per_1000(int64_t num, int64_t den);

/* "99.98" for 9998, "n/a" for RATE_NA; 0-terminated; out holds at least 24 bytes; returns the length. */
size_t rate_text(int64_t hundredths, char *out);

/* A value and how often it occurs; lists are ascending by value. */
struct weighted {
	int64_t value;
	int64_t count; /* ≥ 0 */
};

/*
 * Percentile by nearest rank: the value at index ceil(p/100 · n) of the sorted values, 1-based. False when
 * nothing was counted. p in 1 … 100.
 */
bool percentile(const struct weighted *list, size_t n, unsigned p, int64_t *ret_value);

/* How many are ≤ limit. */
int64_t count_upto(const struct weighted *list, size_t n, int64_t limit);

/* sum / count rounded half up, RATE_NA when count = 0; mean_tenths gives ten times the mean. sum ≥ 0. */
int64_t mean(int64_t sum, int64_t count);
int64_t mean_tenths(int64_t sum, int64_t count);

#endif
