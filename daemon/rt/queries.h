/*
 * Requests that only read (common/node/query.h), each in a thread of its own with a view of the store that is its own
 * meanwhile (common/node/views.h), so that a long report, export or verification delays nothing else. The connection is handed over to the thread, which writes
 * the answers to it.
 */
#ifndef AFTERSYNC_DAEMON_RT_QUERIES_H
#define AFTERSYNC_DAEMON_RT_QUERIES_H

#include "common/node/node.h"
#include "common/node/query.h"
#include "daemon/rt/control.h"

#define QUERIES_MAX 4 /* at once; further ones are told to come back */

struct queries;

as_err queries_open(struct queries **ret, struct node_home *home) AS_MUST_CHECK;

/*
 * The same, with the node's control socket before it: bounds of lines, answers and connections are those of both daemons.
 * calls: its functions and their ctx. Errors as control_open.
 */
as_err queries_serve(struct queries **ret_queries, struct control **ret_control, struct loop *loop, struct node_home *home,
		     const struct control_conf *calls, struct as_errmsg *em) AS_MUST_CHECK;

/* Tells those that run to stop and waits for them; NULL is fine. */
void queries_close(struct queries *q);

/*
 * Takes the connection over and answers the request on it. False: too many at once, or no memory: the connection
 * stays the caller's.
 */
bool queries_run(struct queries *q, struct control_conn *c, const json_t *request);

/*
 * The same for what only the daemon itself can answer, in such a thread: fn gets what the loop has put together for it in
 * arg, and returns the exit code. arg is from malloc and freed; not when the answer is false.
 */
typedef int (*queries_fn)(struct node *view, query_emit emit, void *emit_arg, const void *arg);
bool queries_call(struct queries *q, struct control_conn *c, queries_fn fn, void *arg);

/* Writes one answer as a line to a connection of the loop's thread: a query_emit; arg is the struct control_conn. */
bool control_emit(void *arg, json_t *line);
/* The closing {"exit":N}, with an error when there is one, and the end of the connection. */
void control_end(struct control_conn *c, int exit_code, const char *error);

#endif
