/* daemon/rt/worker: order, where things run, and the end. Meant for SAN=thread as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "daemon/rt/worker.h"

struct job {
	struct worker_job base;
	int n, seen; /* seen: the value of ctx when it ran */
	pthread_t ran_in;
	uint64_t sleep_us;
};

static struct loop *loop;
static struct worker *worker;
static int counter; /* ctx of the worker: only its thread touches it while it runs */
static int done_n, stop_at;
static struct job jobs[20000];

static void run_job(struct worker_job *base, void *ctx)
{
	struct job *j = (struct job *)base;

	j->seen = (*(int *)ctx)++;
	j->ran_in = pthread_self();
	if (j->sleep_us)
		usleep((useconds_t)j->sleep_us);
}

static void job_done(struct worker_job *base)
{
	struct job *j = (struct job *)base;

	assert_int_equal(j->n, done_n);
	assert_int_equal(j->seen, done_n);
	assert_false(pthread_equal(j->ran_in, pthread_self()));
	if (++done_n == stop_at)
		loop_stop(loop);
}

static void post(int n, uint64_t sleep_us)
{
	jobs[n] = (struct job){.base = {.run = run_job, .done = job_done}, .n = n, .sleep_us = sleep_us};
	worker_post(worker, &jobs[n].base);
}

static int setup(void **state)
{
	(void)state;
	counter = done_n = stop_at = 0;
	return loop_open(&loop) || worker_start(&worker, loop, "a-rather-long-name", &counter);
}

static int teardown(void **state)
{
	(void)state;
	worker_stop(worker);
	worker = NULL;
	loop_close(loop);
	return 0;
}

static void jobs_run_and_finish_in_order(void **state)
{
	(void)state;
	stop_at = 20000;
	for (int i = 0; i < 20000; i++)
		post(i, i % 1000 ? 0 : 200);
	assert_in_range(worker_queued(worker), 20000, 20000);
	assert_int_equal(loop_run(loop), AS_OK);
	assert_int_equal(done_n, 20000);
	assert_int_equal(worker_queued(worker), 0);
}

static void ping(struct worker_job *base)
{
	struct job *j = (struct job *)base;

	done_n++;
	if (done_n == stop_at)
		loop_stop(loop);
	else
		worker_post(worker, &j->base);
}

/* One at a time: each done posts the next; nothing is lost between the look and the sleep of either side. */
static void a_done_may_post_its_job_again(void **state)
{
	(void)state;
	stop_at = 20000;
	jobs[0] = (struct job){.base = {.run = run_job, .done = ping}};
	worker_post(worker, &jobs[0].base);
	assert_int_equal(loop_run(loop), AS_OK);
	assert_int_equal(done_n, 20000);
	assert_int_equal(counter, 20000);
}

static void a_stop_finishes_what_is_queued(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		post(i, 200);
	worker_stop(worker);
	worker = NULL;
	assert_int_equal(done_n, 50);
	assert_int_equal(counter, 50);
}

static void posts_one_more(struct worker_job *base)
{
	job_done(base);
	post(done_n, 0);
}

static void a_stop_finishes_also_what_a_done_posts(void **state)
{
	(void)state;
	jobs[0] = (struct job){.base = {.run = run_job, .done = posts_one_more}};
	worker_post(worker, &jobs[0].base);
	worker_stop(worker);
	worker = NULL;
	assert_int_equal(done_n, 2);
}

static void a_stop_with_nothing_to_do(void **state)
{
	(void)state;
	worker_stop(worker);
	worker_stop(NULL);
	worker = NULL;
}

static atomic_bool let_go;

static void waits(struct worker_job *base, void *ctx)
{
	run_job(base, ctx);
	while (!atomic_load(&let_go))
		usleep(500);
}

static void the_watchdog_sees_a_long_job(void **state)
{
	(void)state;
	uint64_t until = clock_mono_ms() + 5000;

	assert_int_equal(worker_alive_ms(worker), 0);
	stop_at = 1;
	jobs[0] = (struct job){.base = {.run = waits, .done = job_done}};
	worker_post(worker, &jobs[0].base);
	while (worker_alive_ms(worker) < 10)
		assert_true(clock_mono_ms() < until);
	atomic_store(&let_go, true);
	assert_int_equal(loop_run(loop), AS_OK);
	assert_int_equal(worker_alive_ms(worker), 0);
}

static sigset_t mask_there;

static void look_at_mask(struct worker_job *base, void *ctx)
{
	(void)base;
	(void)ctx;
	pthread_sigmask(SIG_SETMASK, NULL, &mask_there);
}

static void signals_stay_with_the_loop(void **state)
{
	(void)state;
	sigset_t here;

	stop_at = 1;
	jobs[0] = (struct job){.base = {.run = look_at_mask, .done = ping}};
	worker_post(worker, &jobs[0].base);
	assert_int_equal(loop_run(loop), AS_OK);
	assert_true(sigismember(&mask_there, SIGTERM));
	assert_true(sigismember(&mask_there, SIGUSR1));
	pthread_sigmask(SIG_SETMASK, NULL, &here);
	assert_false(sigismember(&here, SIGTERM));
}

/* Two workers on one loop, as the verify workers of head office are: each in its own order. */
static int other_done;

static void other(struct worker_job *base)
{
	assert_int_equal(((struct job *)base)->n, other_done++);
	if (other_done == 1000 && done_n == 1000)
		loop_stop(loop);
}

static void mine(struct worker_job *base)
{
	job_done(base);
	if (other_done == 1000 && done_n == 1000)
		loop_stop(loop);
}

static void workers_do_not_wait_for_each_other(void **state)
{
	(void)state;
	static struct job theirs[1000];
	int their_counter = 0;
	struct worker *second;

	other_done = 0;
	assert_int_equal(worker_start(&second, loop, "second", &their_counter), AS_OK);
	for (int i = 0; i < 1000; i++) {
		theirs[i] = (struct job){.base = {.run = run_job, .done = other}, .n = i};
		jobs[i] = (struct job){.base = {.run = run_job, .done = mine}, .n = i};
		worker_post(second, &theirs[i].base);
		worker_post(worker, &jobs[i].base);
	}
	assert_int_equal(loop_run(loop), AS_OK);
	worker_stop(second);
	assert_int_equal(other_done + done_n, 2000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(jobs_run_and_finish_in_order),   T(a_done_may_post_its_job_again),
	    T(a_stop_finishes_what_is_queued), T(a_stop_finishes_also_what_a_done_posts),
	    T(a_stop_with_nothing_to_do),      T(the_watchdog_sees_a_long_job),
	    T(signals_stay_with_the_loop),     T(workers_do_not_wait_for_each_other),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
