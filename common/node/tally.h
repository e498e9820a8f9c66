/*
 * What the store holds of each branch, counted: for `status`, and for what a report says of its completeness.
 */
#ifndef AFTERSYNC_NODE_TALLY_H
#define AFTERSYNC_NODE_TALLY_H

#include "common/node/node.h"

struct tally_row {
	char branch[BRANCH_CODE_MAX];
	uint64_t held;	  /* events of its logs */
	uint64_t applied; /* of them, in cases and cells */
	uint64_t acked;	  /* receipts: kept (branch) */
	uint64_t flagged; /* events in no cell */
	uint64_t refused; /* blocks kept aside, without those of a fork's cut */
	uint32_t incarnation; /* highest number */
};

struct tally {
	struct tally_row *rows; /* by branch */
	size_t n, cap;
};

/* Counts everything in one walk; rows also for the roster's branches of which nothing is held. */
as_err tally_make(struct node *n, struct tally *ret) AS_MUST_CHECK;
void tally_done(struct tally *t); /* accepts a zeroed struct */
const struct tally_row *tally_of(const struct tally *t, const char branch[BRANCH_CODE_MAX]); /* NULL: none */

#endif
