/*
 * When a peer was heard last, as far as the store knows: what `status` says of the time before this run.
 *
 * Head office writes its table down at times, in small values "heard-0", "heard-1" …: 16 bytes a branch, code
 * and UTC ms. A branch needs none: its receipts carry head office's time.
 */
#ifndef AFTERSYNC_NODE_HEARD_H
#define AFTERSYNC_NODE_HEARD_H

#include "common/node/batch.h"

struct heard_row {
	char branch[BRANCH_CODE_MAX];
	int64_t utc; /* ms */
};

struct heard {
	struct heard_row *rows; /* by branch */
	size_t n, cap;
};

void heard_done(struct heard *s); /* accepts a zeroed struct */

/* 0: never, or not known. */
int64_t heard_of(const struct heard *s, const char branch[BRANCH_CODE_MAX]);

/* It never goes back. True when it is later than before. AS_ENOMEM is passed over: the next time counts. */
bool heard_put(struct heard *s, const char branch[BRANCH_CODE_MAX], int64_t utc);

/* What is written down; damaged values are passed over. */
void heard_load(struct node *n, struct heard *ret);
as_err heard_to_batch(struct batch *b, const struct heard *s) AS_MUST_CHECK;

/* Branch: the time of the latest receipt, by head office's clock; 0: there is none. */
int64_t heard_receipt(struct node *n);

#endif
