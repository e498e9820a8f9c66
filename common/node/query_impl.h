/*
 * Inside of the queries, shared by their files:
 *
 *	query.c		dispatch, status without a daemon, log list, log show, log export
 *	query_case.c	show
 *	query_report.c	report
 *	query_verify.c	verify, rebuild
 *	query_proof.c	proof make
 */
#ifndef AFTERSYNC_NODE_QUERY_IMPL_H
#define AFTERSYNC_NODE_QUERY_IMPL_H

#include <stdarg.h>
#include <stdlib.h>

#include "common/node/node.h"
#include "common/node/query.h"

#define QUERY_ARENA_CASE (1u << 20) /* memory for one case's record */

struct query {
	struct node *node;
	const json_t *request;
	query_emit emit;
	void *arg;
};

/* Emits and gives the reference back. False: stop. */
bool query_emit_take(const struct query *q, json_t *take_line);

/* {"error":one sentence}; returns code. */
int query_wrong(const struct query *q, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int query_failed(const struct query *q, as_err err, const struct as_errmsg *em);

const char *query_text(const struct query *q, const char *key); /* NULL: not given, or no text */

/* The branch of the request; false: a wrong one, answered, *ret_exit is set. */
bool query_branch(const struct query *q, char ret_code[BRANCH_CODE_MAX], bool *ret_given, int *ret_exit);

/* All logs, in their order; the caller frees. */
as_err query_logs(struct node *n, struct log_row **ret_rows, size_t *ret_n) AS_MUST_CHECK;

/* An event with the place where it stands; personal parts stay sealed. NULL: out of memory. */
json_t *query_event_json(const struct log_id *log, uint64_t index, struct bytes raw);

int query_report(const struct query *q);
int query_show(const struct query *q);
int query_verify(const struct query *q);
int query_rebuild(const struct query *q);
int query_proof(const struct query *q);

#endif
