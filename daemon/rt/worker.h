/*
 * A thread that runs jobs one after the other; what is done comes back on the loop, in the same order.
 *
 * The memory of a job is its owner's, who does not touch it between worker_post and done. Nothing else is
 * shared: run sees the job and ctx, and ctx belongs to the worker's thread while it runs.
 */
#ifndef AFTERSYNC_DAEMON_RT_WORKER_H
#define AFTERSYNC_DAEMON_RT_WORKER_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/rt/loop.h"

struct worker;

struct worker_job {
	struct worker_job *next;			/* the worker's while the job is posted */
	void (*run)(struct worker_job *job, void *ctx); /* worker's thread */
	void (*done)(struct worker_job *job);		/* loop's thread; may post, also this job again */
};

/*
 * name  for the kernel's list of threads, cut after 15 characters.
 * ctx   handed to every run; NULL is fine. All signals are blocked in the thread.
 */
as_err worker_start(struct worker **ret_worker, struct loop *loop, const char *name, void *ctx) AS_MUST_CHECK;

/* Never waits and never fails: the queue is made of the jobs themselves. Loop's thread. */
void worker_post(struct worker *worker, struct worker_job *job);

/* Jobs that were posted and whose done was not called yet. Loop's thread. */
size_t worker_queued(const struct worker *worker);

/* For how long the job that runs has been running, in ms; 0: none runs. Any thread: the watchdog asks. */
uint64_t worker_alive_ms(const struct worker *worker);

/*
 * Runs what is queued to the end, and every done, also of jobs that a done posts meanwhile; then the thread
 * ends. Blocks for as long as that takes. NULL is fine.
 */
void worker_stop(struct worker *worker);

#endif
