/*
 * The poll loop of a daemon's main thread: ZeroMQ sockets, file descriptors, timers, signals.
 *
 * All are in one epoll set, so that thousands of them cost nothing while they are quiet; ZeroMQ sockets by their
 * ZMQ_FD. That one tells of a change, once, and any use of the socket may take the word away: see loop_socket_used. To
 * handlers everything is level-triggered: they do a bounded amount of work and are called again while there is more. Handlers may add and remove any source, also their
 * own; a source that was removed is not called any more, not even in the same turn.
 *
 * Everything here is called from the loop's thread, but for what a handler's header says.
 */
#ifndef AFTERSYNC_DAEMON_RT_LOOP_H
#define AFTERSYNC_DAEMON_RT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

struct loop;

/* revents: POLLIN, POLLOUT, POLLERR, POLLHUP of poll.h; for a ZeroMQ socket always POLLIN. */
typedef void (*loop_fn)(void *arg, short revents);

/* Ignores SIGPIPE for the whole process. AS_ENOMEM, AS_EIO. */
as_err loop_open(struct loop **ret_loop) AS_MUST_CHECK;

/* Forgets all sources, closes none of them; NULL is fine. */
void loop_close(struct loop *loop);

/*
 * fd      stays the caller's; taken out with loop_del_fd before it is closed. One entry a descriptor.
 * events  POLLIN, POLLOUT; 0: only errors and hang-ups, which are always told.
 */
as_err loop_add_fd(struct loop *loop, int fd, short events, loop_fn fn, void *arg) AS_MUST_CHECK;
void loop_mod_fd(struct loop *loop, int fd, short events);
void loop_del_fd(struct loop *loop, int fd); /* one that is not there does no harm */

/* fn is called while something can be received from it. Taken out before it is closed. */
as_err loop_add_socket(struct loop *loop, void *zmq_socket, loop_fn fn, void *arg) AS_MUST_CHECK;
void loop_del_socket(struct loop *loop, void *zmq_socket);
/*
 * To be called by who sends, receives or asks for ZMQ_EVENTS anywhere but in the socket's own fn: what came in has
 * perhaps been noticed inside, and its descriptor says nothing any more. One that is not there does no harm.
 */
void loop_socket_used(struct loop *loop, const void *zmq_socket);

/*
 * A one-shot timer in memory of the caller, which it leaves with loop_timer_cancel; {.fn, .arg} is set up,
 * the rest zero. Timers run after the sources of a turn; one set for the past runs in this turn, or in the
 * next when a timer sets it. For few timers: the list is walked.
 */
struct loop_timer {
	void (*fn)(void *arg);
	void *arg;
	uint64_t at_ms; /* clock_mono_ms */
	struct loop_timer *next;
	uint64_t turn; /* of the loop, when it was set */
	bool set;
};

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at_mono_ms); /* also moves it */
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* fn every every_ms from now on, late ones once; 0 ends it. */
void loop_set_tick(struct loop *loop, uint32_t every_ms, void (*fn)(void *arg), void *arg);

/*
 * One more deadline: fn of loop_on_wake is called once when it has come. Of several that are asked for before
 * it is called the earliest counts; then it is empty again.
 */
void loop_on_wake(struct loop *loop, void (*fn)(void *arg), void *arg);
void loop_set_wake(struct loop *loop, uint64_t at_mono_ms);

/*
 * SIGTERM, SIGINT and SIGHUP become calls of fn in the loop. Before any thread is started (net_init,
 * worker_start): the signals are blocked, and threads inherit that. loop_close puts the mask back.
 */
as_err loop_on_signal(struct loop *loop, void (*fn)(void *arg, int signo), void *arg) AS_MUST_CHECK;

/* Turns until loop_stop, also one that was called before. AS_EIO: polling itself failed. */
as_err loop_run(struct loop *loop) AS_MUST_CHECK;
void loop_stop(struct loop *loop);

#endif
