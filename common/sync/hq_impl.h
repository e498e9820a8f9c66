/*
 * Inside of the head-office core, shared by its files:
 *
 *	hq.c		nodes, sessions, credit, messages, receipts
 *	hq_hello.c	Hello: who may speak, who is alive, who is a clone
 *	hq_join.c	tokens, Join; larger tables
 *	hq_admin.c	own logs, ended keys, instances, damaged blocks
 *	hq_state.c	time and state
 */
#ifndef AFTERSYNC_SYNC_HQ_IMPL_H
#define AFTERSYNC_SYNC_HQ_IMPL_H

#include "common/sync/hq.h"

struct hq_node *hq_node_of(struct hq_core *h, const char *branch);	     /* NULL: not admitted */
struct sync_session *hq_session_of(struct hq_core *h, const char *branch);   /* NULL: none */
struct sync_session *hq_session_begin(struct hq_core *h, struct hq_node *n); /* NULL: too many */
void hq_session_end(struct hq_core *h, struct hq_node *n);

/* Does it want credit? */
void hq_want(struct sync_core *c, struct sync_session *s, bool want);
bool hq_any_wants(const struct hq_core *h);

/* Does the branch hold more of a shared log than head office? */
bool hq_behind(struct sync_core *c, struct sync_session *s);
/* Room for a live event without a question. */
void hq_top_up(struct sync_core *c, struct sync_session *s);
/* Deficit round robin: whose turn it is gets room for at least one block. */
void hq_grant(struct sync_core *c);
/* Raises `acked` to the head when everything up to it is answered for, keys included. */
void hq_receipt(struct sync_core *c, struct sync_log *log);
/* A branch holds more of our own logs than we do: stop appending. */
void hq_rolled_back(struct hq_core *h, const char *branch, const struct log_id *log, uint64_t size);

void hq_on_hello(struct hq_core *h, const struct hq_link *link, const struct msg_hello *m);
void hq_on_join(struct hq_core *h, const struct hq_link *link, const struct msg_join *j);
void hq_admitted(struct hq_core *h, uint32_t token); /* durable */
/* The branch said Hello by its own key: a token that let it in is of no more use. */
void hq_tokens_spend(struct hq_core *h, struct hq_node *n);
/* The first message that carries our nonce: this run is alive now. A run that comes back after another: a
 * clone. */
void hq_prove_alive(struct hq_core *h, struct hq_node *n, struct sync_session *s);
/* Every linked branch that shares the log is asked for its damaged block, with room to answer. */
void hq_ask_back(struct hq_core *h, struct sync_log *log);

#endif
