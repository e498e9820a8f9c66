/*
 * Head office's log to everybody (hq/all): appending to it, and what an admitted machine needs. Store thread of a
 * head office, or the command line under the directory lock.
 */
#ifndef AFTERSYNC_NODE_HQ_ALL_H
#define AFTERSYNC_NODE_HQ_ALL_H

#include "common/node/batch.h"
#include "common/sync/hq.h"

/* A new event: kind and body. Bodies are the caller's memory until the batch is committed. */
struct hq_event {
	uint32_t kind;
	struct bytes body;
};

/*
 * Adds the events to a begun batch, as one block of hq/all of the present instance; the first block of the log is
 * begun by INSTANCE_CERTIFIED and TRANSPORT_KEY (node_hq_init makes it), so that a branch can tell whose it is.
 * AS_EREFUSED: another one first: this instance is not certified.
 *
 * ret_raw: NULL, or room for n: the events as they will be stored.
 */
as_err hq_all_append(struct batch *b, const struct hq_event *events, size_t n, struct bytes *ret_raw) AS_MUST_CHECK;

/* The name of the present instance's hq/all. */
struct log_id hq_all_log(const struct node_home *home);

/* The state that the daemon wrote down last, when it is one of this instance: anything but serving writes nothing here. */
enum sync_hq_state hq_all_state(const struct node *n);

/*
 * Why who asks so may not join by this token, as words for the log; NULL: it may. What the token allows (branch, time,
 * uses) is the core's to judge. Any view.
 */
const char *hq_all_join_wrong(const struct node *n, uint32_t token, const struct msg_join *j);

/*
 * What is written when a machine is admitted: NODE_ADMITTED; and when the branch has logs of earlier machines, their
 * content keys sealed to the new recipient key (LOG_KEYS), and their subject keys again, numbered in head office's log
 * to the branch, whose key changes travel sealed to the new machine. The rows that changed are in b->touched.
 *
 * ret_raw, ret_n: the roster events, in the batch's memory, for roster_fold.
 */
as_err hq_all_admit(struct batch *b, const struct roster_node *node, struct bytes **ret_raw,
		    size_t *ret_n) AS_MUST_CHECK;

#endif
