/*
 * What the events of a case add to the cells (docs/reports.md: P-01, P-04, P-08, P-11, P-12). Pure.
 *
 * Dimensions (channel, warranty, model, type, category, severity) are those of the case as known now; when
 * one changes, the case's earlier flows move to the new slice. The day of a flow is the business date of its
 * event; P-12 counts on the local date of the due time.
 */
#ifndef AFTERSYNC_LEDGER_CONTRIBUTION_H
#define AFTERSYNC_LEDGER_CONTRIBUTION_H

#include "common/ledger/case_rec.h"
#include "common/ledger/cells.h"

/* What one applied entry adds, times sign, in the slices of state st. */
void contribution_entry(const struct case_key *key, const struct case_state *st, const struct case_entry *e,
			int sign, const struct cell_sink *sink);

/* What the case as a whole adds: the due times of a complaint (P-12). */
void contribution_case(const struct case_key *key, const struct case_state *st, int sign,
		       const struct cell_sink *sink);

/* Would the same entries add to other cells? */
bool contribution_slice_differs(const struct case_state *a, const struct case_state *b);

/* Would contribution_case give another result? */
bool contribution_case_differs(const struct case_state *a, const struct case_state *b);

#endif
