/*
 * Views for requests that come one after the other: what a view costs is the reading of the roster, and that
 * grows with the branches. So one that was used is kept, and takes from hq/all only what is new when it is
 * used again.
 *
 * Threads: any; a view belongs to the thread that took it until it gives it back. No lock is held while a
 * roster is read or a request answered.
 */
#ifndef AFTERSYNC_NODE_VIEWS_H
#define AFTERSYNC_NODE_VIEWS_H

#include "common/node/node.h"

#define VIEWS_KEPT 4 /* at most; the memory of as many rosters */

struct views;

as_err views_open(struct views **ret, struct node_home *home) AS_MUST_CHECK; /* home is borrowed */
/* All must have been given back; NULL is fine. */
void views_close(struct views *take_v);

/* As node_view of a reader. */
as_err views_take(struct views *v, struct node **ret_node, struct as_errmsg *em) AS_MUST_CHECK;
void views_give(struct views *v, struct node *take_node); /* NULL is fine */

#endif
