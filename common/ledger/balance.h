/*
 * Balances: what is open at the beginning of a day is the sum of all flows before it. So that a report needs
 *not add up all days that ever were, the store keeps rows of net change beside the cells: what the flows of a
 *month or a year add to a balance, by branch and by branch and dimensions. Before the first of a month lie
 *whole years and the whole months of its own year, and nothing else. Pure.
 *
 *	work in progress:  received + transfer_in + reopened − finished − cancelled − transfer_out
 *	custody:           received + transfer_in − delivered − cancelled − transfer_out
 *	complaints (P-11): received + reopened − closed − withdrawn − rejected
 *	overdue (P-12):    overdue_in − overdue_out
 *
 * A row's key is that of a cell with a span in place of the day: YYYY or YYYYMM, so years sort before months.
 *The row of the whole branch ends behind the branch, and so stands before those with dimensions.
 */
#ifndef AFTERSYNC_LEDGER_BALANCE_H
#define AFTERSYNC_LEDGER_BALANCE_H

#include "common/ledger/cells.h"

#define BALANCE_VALUES_MAX 2

/* Values of CELL_VOLUME; the other tables have one. */
enum { BALANCE_WIP, BALANCE_CUSTODY };

/* How many values a row of this table of cells has; 0: the table has no balance. */
unsigned balance_values(uint8_t table);

/* What the flows v of a cell add. */
void balance_net(uint8_t table, const int64_t v[CELL_VALUES_MAX], int64_t ret[BALANCE_VALUES_MAX]);

/* Flows that add just that. */
void balance_flows(uint8_t table, const int64_t net[BALANCE_VALUES_MAX], int64_t ret_v[CELL_VALUES_MAX]);

/* The rows that a cell of such a table counts in. */
#define BALANCE_ROWS 4
void balance_keys(const struct cell_key *cell, struct cell_key ret[BALANCE_ROWS]);

/* ret_parts->day is the span; whole: the branch's row, without dimensions. AS_EPROTO. */
as_err balance_key_parse(struct bytes key, struct cell_parts *ret_parts, bool *ret_whole) AS_MUST_CHECK;

/* The first of the month of a date, YYYYMMDD. */
static inline uint32_t balance_month(uint32_t date)
{
	return date / 100 * 100 + 1;
}

#endif
