/* daemon/rt/loop: sources, timers, signals, and what handlers may do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/clock.h"
#include "daemon/rt/loop.h"

static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	return loop_open(&loop) != AS_OK;
}

static int teardown(void **state)
{
	(void)state;
	loop_close(loop);
	return 0;
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Ends a test that hangs. */
static void run(void)
{
	struct loop_timer end = {.fn = stop};
	uint64_t at = clock_mono_ms() + 10000;

	loop_timer_set(loop, &end, at);
	assert_int_equal(loop_run(loop), AS_OK);
	loop_timer_cancel(loop, &end);
	assert_true(clock_mono_ms() < at);
}

struct source {
	int fd;
	int calls;
	struct source *del, *add; /* what its handler removes and adds */
	int stop_at;
};

static void called(void *arg, short revents)
{
	struct source *s = arg;

	(void)revents;
	s->calls++;
	if (s->del) {
		loop_del_fd(loop, s->del->fd);
		s->del = NULL;
	}
	if (s->add) {
		assert_int_equal(loop_add_fd(loop, s->add->fd, POLLIN, called, s->add), AS_OK);
		s->add = NULL;
	}
	if (s->calls == s->stop_at)
		loop_stop(loop);
}

static struct source readable(void)
{
	struct source s = {.fd = eventfd(1, EFD_CLOEXEC)};

	assert_true(s.fd >= 0);
	return s;
}

static void descriptors_are_level_triggered(void **state)
{
	(void)state;
	struct source s = readable();
	int pipe_fd[2];

	s.stop_at = 3;
	assert_int_equal(loop_add_fd(loop, s.fd, POLLIN, called, &s), AS_OK);
	run();
	assert_int_equal(s.calls, 3);
	/* nothing asked: not called, until the other side hangs up */
	loop_del_fd(loop, s.fd);
	loop_del_fd(loop, s.fd);
	close(s.fd);
	assert_int_equal(pipe(pipe_fd), 0);
	struct source p = {.fd = pipe_fd[0], .stop_at = 1};
	assert_int_equal(write(pipe_fd[1], "x", 1), 1);
	assert_int_equal(loop_add_fd(loop, p.fd, 0, called, &p), AS_OK);
	struct loop_timer soon = {.fn = stop};
	loop_timer_set(loop, &soon, clock_mono_ms() + 5);
	run();
	assert_int_equal(p.calls, 0);
	loop_mod_fd(loop, p.fd, POLLIN);
	run();
	assert_int_equal(p.calls, 1);
	loop_mod_fd(loop, p.fd, 0);
	close(pipe_fd[1]);
	p.stop_at = 2;
	run();
	assert_int_equal(p.calls, 2);
	loop_del_fd(loop, p.fd);
	close(p.fd);
}

/* All are ready in one turn; the first that is called removes all others and puts new ones at their numbers.
 */
static struct source crowd[8];
static struct source fresh[8];

static void shoots(void *arg, short revents)
{
	(void)arg;
	(void)revents;
	for (size_t i = 0; i < 8; i++) {
		if (&crowd[i] == arg)
			continue;
		int fd = crowd[i].fd;
		loop_del_fd(loop, fd);
		close(fd);
		/* the same number again, not readable */
		fresh[i] = (struct source){.fd = eventfd(0, EFD_CLOEXEC)};
		assert_true(fresh[i].fd >= 0);
		if (fresh[i].fd != fd) {
			assert_int_equal(dup2(fresh[i].fd, fd), fd);
			close(fresh[i].fd);
			fresh[i].fd = fd;
		}
		assert_int_equal(loop_add_fd(loop, fd, POLLIN, called, &fresh[i]), AS_OK);
	}
	loop_stop(loop);
}

static void a_removed_source_is_not_called(void **state)
{
	(void)state;
	int calls = 0;

	for (size_t i = 0; i < 8; i++) {
		crowd[i] = readable();
		fresh[i] = (struct source){.fd = -1};
		assert_int_equal(loop_add_fd(loop, crowd[i].fd, POLLIN, shoots, &crowd[i]), AS_OK);
	}
	run();
	for (size_t i = 0; i < 8; i++) {
		calls += fresh[i].calls;
		loop_del_fd(loop, crowd[i].fd);
		close(crowd[i].fd);
	}
	assert_int_equal(calls, 0);
}

static void a_handler_adds_and_removes(void **state)
{
	(void)state;
	struct source a = readable(), b = readable();

	a.del = &a;
	a.add = &b;
	b.stop_at = 2;
	assert_int_equal(loop_add_fd(loop, a.fd, POLLIN, called, &a), AS_OK);
	run();
	assert_int_equal(a.calls, 1);
	loop_del_fd(loop, b.fd);
	close(a.fd);
	close(b.fd);
}

/* 4,000 quiet descriptors, one that speaks: a turn costs microseconds. */
static void thousands_are_cheap(void **state)
{
	(void)state;
	enum { N = 4000 };
	static int fds[N];
	struct source quiet = {0}, s = readable();
	struct rlimit lim;
	uint64_t began, took;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &lim), 0);
	lim.rlim_cur = lim.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lim), 0);
	for (int i = 0; i < N; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC);
		assert_true(fds[i] >= 0);
		assert_int_equal(loop_add_fd(loop, fds[i], POLLIN, called, &quiet), AS_OK);
	}
	s.stop_at = 10000;
	assert_int_equal(loop_add_fd(loop, s.fd, POLLIN, called, &s), AS_OK);
	began = clock_mono_ns();
	run();
	took = clock_mono_ns() - began;
	print_message("# %.1f us a turn with %d descriptors\n", (double)took / 1e3 / s.stop_at, N);
	assert_true(took / (uint64_t)s.stop_at < 100000);
	/* all of them speak: everybody is heard */
	for (int i = 0; i < N; i++)
		assert_int_equal(eventfd_write(fds[i], 1), 0);
	loop_del_fd(loop, s.fd);
	quiet.stop_at = 3 * N;
	run();
	for (int i = 0; i < N; i++) {
		loop_del_fd(loop, fds[i]);
		close(fds[i]);
	}
	close(s.fd);
	assert_in_range(quiet.calls, 3 * N, 3 * N + 256);
}

static char order[16];

static void noted(void *arg)
{
	strncat(order, arg, sizeof order - strlen(order) - 1);
	if (strlen(order) == 3)
		loop_stop(loop);
}

static void timers_run_in_order_of_time(void **state)
{
	(void)state;
	static char names[4][2] = {"a", "b", "c", "d"};
	struct loop_timer a = {.fn = noted, .arg = names[0]}, b = {.fn = noted, .arg = names[1]},
			  c = {.fn = noted, .arg = names[2]}, d = {.fn = noted, .arg = names[3]};
	uint64_t now = clock_mono_ms();

	order[0] = 0;
	loop_timer_set(loop, &a, now + 30);
	loop_timer_set(loop, &b, now + 20);
	loop_timer_set(loop, &c, now + 20);
	loop_timer_set(loop, &d, now + 5);
	loop_timer_set(loop, &a, now + 10);
	loop_timer_cancel(loop, &d);
	loop_timer_cancel(loop, &d);
	run();
	assert_string_equal(order, "abc");
	assert_true(clock_mono_ms() >= now + 20);
}

static struct loop_timer again;
static int agains;

static void sets_itself(void *arg)
{
	(void)arg;
	agains++;
	loop_timer_set(loop, &again, 0);
}

/* A timer that is always due, and a descriptor that is always readable: both go on. */
static void a_timer_for_the_past_holds_nothing_up(void **state)
{
	(void)state;
	struct source s = readable();

	agains = 0;
	s.stop_at = 5;
	again = (struct loop_timer){.fn = sets_itself};
	loop_timer_set(loop, &again, 0);
	assert_int_equal(loop_add_fd(loop, s.fd, POLLIN, called, &s), AS_OK);
	run();
	loop_timer_cancel(loop, &again);
	loop_del_fd(loop, s.fd);
	close(s.fd);
	assert_in_range(agains, 4, 6);
}

static int ticks, wakes;

static void tick(void *arg)
{
	(void)arg;
	if (++ticks == 3)
		loop_stop(loop);
}

static void wake(void *arg)
{
	(void)arg;
	wakes++;
	loop_stop(loop);
}

static void ticks_and_wakes(void **state)
{
	(void)state;
	uint64_t began = clock_mono_ms();

	ticks = wakes = 0;
	loop_set_tick(loop, 10, tick, NULL);
	run();
	assert_int_equal(ticks, 3);
	assert_in_range(clock_mono_ms() - began, 30, 5000);
	loop_set_tick(loop, 0, NULL, NULL);
	/* the earliest wins, then it is empty */
	began = clock_mono_ms();
	loop_on_wake(loop, wake, NULL);
	loop_set_wake(loop, began + 100000);
	loop_set_wake(loop, began + 10);
	loop_set_wake(loop, began + 50000);
	run();
	assert_in_range(clock_mono_ms() - began, 10, 5000);
	loop_set_wake(loop, began + 20);
	run();
	assert_int_equal(wakes, 2);
}

static void *zctx, *left, *right;
static int heard;

static void hear(void *arg, short revents)
{
	char c[8];

	(void)revents;
	assert_ptr_equal(arg, right);
	assert_int_equal(zmq_recv(right, c, sizeof c, ZMQ_DONTWAIT), 1);
	if (++heard == 5)
		loop_stop(loop);
}

static void sockets_are_level_triggered_too(void **state)
{
	(void)state;
	struct source s = readable();

	heard = 0;
	zctx = zmq_ctx_new();
	left = zmq_socket(zctx, ZMQ_PAIR);
	right = zmq_socket(zctx, ZMQ_PAIR);
	assert_int_equal(zmq_bind(left, "inproc://pair"), 0);
	assert_int_equal(zmq_connect(right, "inproc://pair"), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(zmq_send(left, "x", 1, 0), 1);
	/* one message a call: called again for the others; the descriptor beside it is served as well */
	assert_int_equal(loop_add_socket(loop, right, hear, right), AS_OK);
	assert_int_equal(loop_add_fd(loop, s.fd, POLLIN, called, &s), AS_OK);
	run();
	assert_int_equal(heard, 5);
	assert_in_range(s.calls, 5, 6);
	loop_del_fd(loop, s.fd);
	close(s.fd);
	loop_del_socket(loop, right);
	loop_del_socket(loop, right);
	zmq_close(left);
	zmq_close(right);
	zmq_ctx_term(zctx);
}

static int signals[3];

static void on_signal(void *arg, int signo)
{
	(void)arg;
	signals[0] += signo == SIGHUP;
	signals[1] += signo == SIGTERM;
	signals[2] += signo == SIGINT;
	if (signals[0] + signals[1] + signals[2] == 3)
		loop_stop(loop);
}

static void signals_become_calls(void **state)
{
	(void)state;
	int fd[2];

	memset(signals, 0, sizeof signals);
	assert_int_equal(loop_on_signal(loop, on_signal, NULL), AS_OK);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	run();
	assert_int_equal(signals[0] * 100 + signals[1] * 10 + signals[2], 111);
	/* SIGPIPE kills nobody */
	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	assert_int_equal(write(fd[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(fd[1]);
}

static void nothing(int signo)
{
	(void)signo;
}

static void *poke(void *arg)
{
	for (int i = 0; i < 20; i++) {
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
		usleep(2000);
	}
	return NULL;
}

/* A signal that has a handler interrupts the poll: the loop goes on and no timer is early. */
static void interrupted_polls_go_on(void **state)
{
	(void)state;
	pthread_t me = pthread_self(), poker;
	struct loop_timer end = {.fn = stop};
	uint64_t at = clock_mono_ms() + 30;

	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing}, NULL);
	assert_int_equal(pthread_create(&poker, NULL, poke, &me), 0);
	loop_timer_set(loop, &end, at);
	run();
	assert_true(clock_mono_ms() >= at);
	pthread_join(poker, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(descriptors_are_level_triggered),
	    T(a_removed_source_is_not_called),
	    T(a_handler_adds_and_removes),
	    T(thousands_are_cheap),
	    T(timers_run_in_order_of_time),
	    T(a_timer_for_the_past_holds_nothing_up),
	    T(ticks_and_wakes),
	    T(sockets_are_level_triggered_too),
	    T(signals_become_calls),
	    T(interrupted_polls_go_on),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
