/*
 * Inside of the branch core, shared by its files:
 *
 *	branch.c	link, Hello, messages, time, state
 *	branch_child.c	incarnations: appending, children, forks, damage, lost key numbers
 */
#ifndef AFTERSYNC_SYNC_BRANCH_IMPL_H
#define AFTERSYNC_SYNC_BRANCH_IMPL_H

#include "common/sync/branch.h"

#define NEVER UINT64_MAX

static inline bool own(const struct log_id *id)
{
	return !log_is_hq(id);
}

/* Of the same branch: by incarnation alone. */
static inline int incarnation_cmp(const struct log_id *a, const struct log_id *b)
{
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return memcmp(a->inc, b->inc, sizeof a->inc);
}

static inline bool same_incarnation(const struct log_id *a, const struct log_id *b)
{
	return incarnation_cmp(a, b) == 0;
}

/* Plans the next Hello, later each time; ends the session. */
void branch_hello_later(struct branch_core *b);
void branch_say_hello(struct branch_core *b);

/* Heard from head office: true from now on, and to be made durable. */
void branch_instance_now(struct branch_core *b, uint32_t instance);
void branch_joined_now(struct branch_core *b);

/* Own logs that sort before the open one and are not folded to their end. */
void branch_fold_waiting(struct branch_core *b);

/* Head office committed something else at an index of ours. */
void branch_on_forked(struct branch_core *b, const struct msg_refuse *r);
/* Asks back what is damaged here, or gives it up. */
void branch_settle_damage(struct branch_core *b);
/* Answers key numbers that nobody can supply any more. */
void branch_void_lost_keys(struct branch_core *b);

#endif
