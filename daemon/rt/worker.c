#include "daemon/rt/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/clock.h"

struct queue {
	struct worker_job *first, **last;
};

struct worker {
	struct loop *loop;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t posted, finished;
	struct queue todo, done;	/* under the mutex */
	bool end;			/* under the mutex */
	int event;			/* readable when done is not empty */
	size_t queued;			/* loop's thread */
	atomic_uint_least64_t since_ms; /* the running job began; 0: none */
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_add(struct queue *q, struct worker_job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

/* ---- its thread
 * ---------------------------------------------------------------------------------------------- */

static struct worker_job *next_job(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	while (w->todo.first == NULL && !w->end)
		pthread_cond_wait(&w->posted, &w->mutex);
	struct worker_job *job = w->todo.first;
	if (job) {
		w->todo.first = job->next;
		if (w->todo.first == NULL)
			w->todo.last = &w->todo.first;
	}
	pthread_mutex_unlock(&w->mutex);
	return job;
}

static void finish_job(struct worker *w, struct worker_job *job)
{
	pthread_mutex_lock(&w->mutex);
	bool first = w->done.first == NULL;
	queue_add(&w->done, job);
	pthread_mutex_unlock(&w->mutex);
	pthread_cond_signal(&w->finished);
	if (first)
		while (eventfd_write(w->event, 1) < 0 && errno == EINTR)
			;
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;
	struct worker_job *job;

	while ((job = next_job(w)) != NULL) {
		atomic_store(&w->since_ms, clock_mono_ms());
		job->run(job, w->ctx);
		atomic_store(&w->since_ms, 0);
		finish_job(w, job);
	}
	return NULL;
}

/* ---- the loop's thread
 * --------------------------------------------------------------------------------------- */

/* What is finished so far. wait: until there is something. */
static struct worker_job *take_done(struct worker *w, bool wait)
{
	pthread_mutex_lock(&w->mutex);
	while (wait && w->done.first == NULL)
		pthread_cond_wait(&w->finished, &w->mutex);
	struct worker_job *job = w->done.first;
	queue_init(&w->done);
	pthread_mutex_unlock(&w->mutex);
	return job;
}

static void run_done(struct worker *w, struct worker_job *job)
{
	while (job) {
		struct worker_job *next = job->next;
		w->queued--;
		job->done(job);
		job = next;
	}
}

static void on_event(void *arg, short revents)
{
	struct worker *w = arg;
	eventfd_t n;

	(void)revents;
	/* first emptied, then looked: what is finished after the look makes it readable again */
	if (eventfd_read(w->event, &n) == 0)
		run_done(w, take_done(w, false));
}

static as_err start_thread(struct worker *w, const char *name)
{
	sigset_t all, old;
	char short_name[16];

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int e = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e)
		return AS_ENOMEM;
	snprintf(short_name, sizeof short_name, "%.15s", name);
	pthread_setname_np(w->thread, short_name);
	return AS_OK;
}

as_err worker_start(struct worker **ret_worker, struct loop *loop, const char *name, void *ctx)
{
	struct worker *w = calloc(1, sizeof *w);

	if (w == NULL)
		return AS_ENOMEM;
	*w = (struct worker){.loop = loop,
			     .ctx = ctx,
			     .mutex = PTHREAD_MUTEX_INITIALIZER,
			     .posted = PTHREAD_COND_INITIALIZER,
			     .finished = PTHREAD_COND_INITIALIZER};
	queue_init(&w->todo);
	queue_init(&w->done);
	w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	as_err err = w->event < 0 ? AS_EIO : loop_add_fd(loop, w->event, POLLIN, on_event, w);
	if (!err && (err = start_thread(w, name)) != AS_OK)
		loop_del_fd(loop, w->event);
	if (err) {
		if (w->event >= 0)
			close(w->event);
		free(w);
		return err;
	}
	*ret_worker = w;
	return AS_OK;
}

void worker_post(struct worker *w, struct worker_job *job)
{
	as_assert(job->run != NULL && job->done != NULL);
	w->queued++;
	pthread_mutex_lock(&w->mutex);
	as_assert(!w->end);
	queue_add(&w->todo, job);
	pthread_mutex_unlock(&w->mutex);
	pthread_cond_signal(&w->posted); /* after the unlock: who wakes does not wait again */
}

size_t worker_queued(const struct worker *w)
{
	return w->queued;
}

uint64_t worker_alive_ms(const struct worker *w)
{
	uint64_t since = atomic_load(&w->since_ms);

	if (since == 0)
		return 0;
	uint64_t now = clock_mono_ms();
	return now > since ? now - since : 1;
}

void worker_stop(struct worker *w)
{
	if (w == NULL)
		return;
	while (w->queued)
		run_done(w, take_done(w, true));
	pthread_mutex_lock(&w->mutex);
	w->end = true;
	pthread_cond_signal(&w->posted);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	loop_del_fd(w->loop, w->event);
	close(w->event);
	pthread_cond_destroy(&w->posted);
	pthread_cond_destroy(&w->finished);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}
