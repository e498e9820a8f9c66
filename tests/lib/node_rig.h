/*
 * Nodes without directories, sockets and threads, for the tests of common/node: a home in memory over kv_mem
 * with fixed keys, one view, and what a shell would have around it. Functions without a return code abort on
 * failure.
 */
#ifndef AFTERSYNC_TESTS_LIB_NODE_RIG_H
#define AFTERSYNC_TESTS_LIB_NODE_RIG_H

#include "common/node/accept.h"
#include "common/node/enrolment.h"
#include "common/node/items.h"

#define NODE_RIG_NOW INT64_C(1795397400000) /* 2026-11-23 09:30 +08:00, a Monday */

struct node_rig {
	struct node_home home;
	struct node *n; /* the writer's view */
	struct batch b;
	struct verifier vf;
	struct received_table slots;
};

/* Head office, instance 1: hq/all begins with its certificate and its transport key 1. */
void node_rig_hq(struct node_rig *r);

/* A machine of a branch as `branch join` makes it; no: makes the keys of several machines differ. */
void node_rig_branch(struct node_rig *r, const struct node_rig *hq, const char *code, uint8_t no);

void node_rig_done(struct node_rig *r); /* accepts a zeroed one */

/* The view is opened anew, as a program that starts would. */
void node_rig_again(struct node_rig *r);

/* A copy of the machine with what it has stored. */
void node_rig_clone(struct node_rig *of, struct node_rig *ret);

/* Empties the batch; commits it. */
void node_rig_begin(struct node_rig *r);
void node_rig_commit(struct node_rig *r);

/* The root key's secret, the same for every rig; and another one. */
void node_rig_root(uint8_t no, uint8_t ret_public[32], uint8_t ret_secret[64]);

/* INSTANCE_CERTIFIED of this instance, signed by that root key, in ret_raw; returns the bytes. */
struct bytes node_rig_certificate(struct node_rig *hq, uint32_t number, const uint8_t key[32],
				  const uint8_t root_secret[64]);

/* Opens an incarnation's LIVE log at a branch; parent: NULL, or the log that it continues as it is now. */
struct log_id node_rig_open(struct node_rig *r, uint32_t number, uint8_t inc, const struct log_id *parent);

/* A head office and a branch BJ01 that it enrolled and admitted, with a first LIVE log. */
void node_rig_pair(struct node_rig *ret_hq, struct node_rig *ret_branch, struct log_id *ret_live);

/* What head office writes to admit this branch's machine: written, folded. */
void node_rig_admit(struct node_rig *hq, const struct node_rig *branch, uint32_t token);
struct roster_node node_rig_node(const struct node_rig *branch, uint32_t token);

/* BRANCH_ENROLLED, written and folded. */
void node_rig_enrol(struct node_rig *hq, const char *code);

/* A stored block. */
void node_rig_block(struct node_rig *r, const struct log_id *log, uint64_t index, struct buf *ret_block);

/* A block as if it came over the line: slot, first look, verification. Returns the slot; its verdict stands
 * in v. */
struct received *node_rig_receive(struct node_rig *r, struct bytes block, bool fresh, bool evidence);

/* A sound block in a slot, and keys: committed as a core would order it. */
void node_rig_store(struct node_rig *r, struct received *slot);

/* Everything of a log that `to` lacks, block by block. Returns the first refusal, or REFUSE_NONE. */
uint8_t node_rig_copy(struct node_rig *from, struct node_rig *to, const struct log_id *log);

/* Key changes of a log that `to` lacks, sealed as they travel. */
void node_rig_copy_keys(struct node_rig *from, struct node_rig *to, const struct log_id *log);

/* Head office receipts what it holds of the log; the branch keeps the receipt. */
void node_rig_receipt(struct node_rig *hq, struct node_rig *branch, const struct log_id *log);

struct log_row node_rig_row(struct node_rig *r, const struct log_id *log); /* zeroed: not held */

/* One submitted line, recorded. Aborts when it is refused; the line must live until the call returns. */
struct accept_line node_rig_submit(struct node_rig *r, const struct log_id *log, const char *line);

/* A repair, whole: REPAIR_RECEIVED of this label (NULL: made), as text in one of 8 buffers. */
const char *node_rig_received(const char *event_id, const char *label, const char *name);
const char *node_rig_event(const char *kind, const char *event_id, const char *label, const char *facts);

#endif
