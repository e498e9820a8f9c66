#include "daemon/rt/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#define EVENTS_EACH_TURN 256 /* epoll goes round, so nobody starves */
#define SOCKETS_MAX 4096     /* ZeroMQ sockets; a daemon has a handful */
#define LOG_FLUSH_MS 2000

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP,
	       "poll's words are epoll's");

struct fd_entry {
	loop_fn fn; /* NULL: not there */
	void *arg;
	uint32_t generation; /* of this number: tells an event for an entry that is gone */
};

struct socket_entry {
	void *socket;
	loop_fn fn;
	void *arg;
	int fd;	   /* its ZMQ_FD */
	bool look; /* something may be there: its descriptor said so, or it was used */
};

struct loop {
	int epoll;
	struct fd_entry *fds; /* by descriptor */
	size_t fds_n;
	struct socket_entry *sockets;
	void **looked; /* the sockets of this turn that are to be looked at */
	size_t sockets_n, sockets_cap;
	struct loop_timer *timers; /* by time */
	struct loop_timer tick, wake, log_flush;
	void (*tick_fn)(void *);
	void *tick_arg;
	uint32_t tick_ms;
	uint64_t turn; /* of timers */
	void (*signal_fn)(void *, int);
	void *signal_arg;
	int signal_fd;
	sigset_t old_mask;
	bool stop;
};

static void flush_log(void *arg)
{
	struct loop *loop = arg;

	logline_flush();
	loop_timer_set(loop, &loop->log_flush, clock_mono_ms() + LOG_FLUSH_MS);
}

as_err loop_open(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof *loop);

	if (loop == NULL)
		return AS_ENOMEM;
	loop->signal_fd = -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		loop_close(loop);
		return AS_EIO;
	}
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	loop->log_flush = (struct loop_timer){.fn = flush_log, .arg = loop};
	flush_log(loop);
	*ret_loop = loop;
	return AS_OK;
}

void loop_close(struct loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->signal_fd >= 0) {
		close(loop->signal_fd);
		pthread_sigmask(SIG_SETMASK, &loop->old_mask, NULL);
	}
	if (loop->epoll >= 0)
		close(loop->epoll);
	free(loop->fds);
	free(loop->sockets);
	free(loop->looked);
	free(loop);
}

/* ---- descriptors
 * --------------------------------------------------------------------------------------------- */

static struct epoll_event event_of(const struct loop *loop, int fd, short events)
{
	return (struct epoll_event){.events = (uint32_t)(events & (POLLIN | POLLOUT)),
				    .data.u64 = (uint64_t)loop->fds[fd].generation << 32 | (uint32_t)fd};
}

as_err loop_add_fd(struct loop *loop, int fd, short events, loop_fn fn, void *arg)
{
	as_assert(fd >= 0 && fn != NULL);
	if ((size_t)fd >= loop->fds_n) {
		size_t n = loop->fds_n ? loop->fds_n : 64;
		while (n <= (size_t)fd)
			n *= 2;
		struct fd_entry *fds = realloc(loop->fds, n * sizeof *fds);
		if (fds == NULL)
			return AS_ENOMEM;
		memset(fds + loop->fds_n, 0, (n - loop->fds_n) * sizeof *fds);
		loop->fds = fds;
		loop->fds_n = n;
	}
	struct fd_entry *e = &loop->fds[fd];
	as_assert(e->fn == NULL);
	e->generation++;
	struct epoll_event ev = event_of(loop, fd, events);
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return errno == ENOMEM || errno == ENOSPC ? AS_ENOMEM : AS_EINVAL;
	e->fn = fn;
	e->arg = arg;
	return AS_OK;
}

static struct fd_entry *entry_of(struct loop *loop, int fd)
{
	return fd >= 0 && (size_t)fd < loop->fds_n && loop->fds[fd].fn ? &loop->fds[fd] : NULL;
}

void loop_mod_fd(struct loop *loop, int fd, short events)
{
	as_assert(entry_of(loop, fd) != NULL);
	struct epoll_event ev = event_of(loop, fd, events);
	as_assert(epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &ev) == 0);
}

void loop_del_fd(struct loop *loop, int fd)
{
	struct fd_entry *e = entry_of(loop, fd);

	if (e == NULL)
		return;
	e->fn = NULL;
	as_assert(epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL) == 0);
}

/* ---- ZeroMQ sockets
 * ------------------------------------------------------------------------------------------ */

#define SOCKET_MARK (UINT64_C(1) << 31) /* in the data of an event: a descriptor is below that */

as_err loop_add_socket(struct loop *loop, void *zmq_socket, loop_fn fn, void *arg)
{
	int fd;
	size_t n = sizeof fd;

	as_assert(zmq_socket != NULL && fn != NULL);
	if (loop->sockets_n == loop->sockets_cap) {
		size_t cap = loop->sockets_cap ? loop->sockets_cap * 2 : 8;
		if (cap > SOCKETS_MAX)
			return AS_ETOOBIG;
		struct socket_entry *sockets = realloc(loop->sockets, cap * sizeof *sockets);
		if (sockets == NULL)
			return AS_ENOMEM;
		loop->sockets = sockets;
		void **looked = realloc(loop->looked, cap * sizeof *looked);
		if (looked == NULL)
			return AS_ENOMEM;
		loop->looked = looked;
		loop->sockets_cap = cap;
	}
	if (zmq_getsockopt(zmq_socket, ZMQ_FD, &fd, &n) != 0)
		return AS_EINVAL;
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = SOCKET_MARK | (uint32_t)fd};
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return errno == ENOMEM || errno == ENOSPC ? AS_ENOMEM : AS_EINVAL;
	loop->sockets[loop->sockets_n++] =
	    (struct socket_entry){.socket = zmq_socket, .fn = fn, .arg = arg, .fd = fd, .look = true};
	return AS_OK;
}

static struct socket_entry *socket_entry_of(struct loop *loop, const void *zmq_socket)
{
	for (size_t i = 0; i < loop->sockets_n; i++)
		if (loop->sockets[i].socket == zmq_socket)
			return &loop->sockets[i];
	return NULL;
}

void loop_del_socket(struct loop *loop, void *zmq_socket)
{
	struct socket_entry *e = socket_entry_of(loop, zmq_socket);

	if (e == NULL)
		return;
	as_assert(epoll_ctl(loop->epoll, EPOLL_CTL_DEL, e->fd, NULL) == 0);
	*e = loop->sockets[--loop->sockets_n];
}

void loop_socket_used(struct loop *loop, const void *zmq_socket)
{
	struct socket_entry *e = socket_entry_of(loop, zmq_socket);

	if (e)
		e->look = true;
}

static void socket_said(struct loop *loop, int fd)
{
	for (size_t i = 0; i < loop->sockets_n; i++)
		if (loop->sockets[i].fd == fd)
			loop->sockets[i].look = true;
}

static bool readable(void *zmq_socket)
{
	int events = 0;
	size_t n = sizeof events;

	return zmq_getsockopt(zmq_socket, ZMQ_EVENTS, &events, &n) == 0 && (events & ZMQ_POLLIN);
}

/* A handler reads a bounded part, so its socket is looked at again next turn. */
static void run_sockets(struct loop *loop)
{
	size_t n = 0;

	for (size_t i = 0; i < loop->sockets_n; i++)
		if (loop->sockets[i].look)
			loop->looked[n++] = loop->sockets[i].socket;
	for (size_t i = 0; i < n; i++) {
		struct socket_entry *e = socket_entry_of(loop, loop->looked[i]);
		if (e == NULL) /* removed by a handler of this turn */
			continue;
		e->look = readable(e->socket);
		if (e->look)
			e->fn(e->arg, POLLIN);
	}
}

static bool socket_waits(const struct loop *loop)
{
	for (size_t i = 0; i < loop->sockets_n; i++)
		if (loop->sockets[i].look)
			return true;
	return false;
}

/* ---- what the kernel tells
 * ----------------------------------------------------------------------------------- */

static as_err run_fds(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[EVENTS_EACH_TURN];
	int n = epoll_wait(loop->epoll, events, EVENTS_EACH_TURN, timeout_ms);

	if (n < 0)
		return errno == EINTR ? AS_OK : AS_EIO;
	for (int i = 0; i < n; i++) {
		uint32_t what = (uint32_t)events[i].data.u64;
		if (what & SOCKET_MARK) {
			socket_said(loop, (int)(what & ~SOCKET_MARK));
			continue;
		}
		struct fd_entry *e = entry_of(loop, (int)what);
		if (e && e->generation == events[i].data.u64 >> 32)
			e->fn(e->arg, (short)events[i].events);
	}
	return AS_OK;
}

/* ---- timers
 * -------------------------------------------------------------------------------------------------- */

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->set)
		return;
	struct loop_timer **at = &loop->timers;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->set = false;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at_mono_ms)
{
	as_assert(timer->fn != NULL);
	loop_timer_cancel(loop, timer);
	timer->at_ms = at_mono_ms;
	timer->set = true;
	timer->turn = loop->turn;
	struct loop_timer **at = &loop->timers;
	while (*at && (*at)->at_ms <= at_mono_ms)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
}

/* The first that is due and was not set by a timer of this turn: one that sets itself for now holds nothing
 * up. */
static struct loop_timer *due(const struct loop *loop, uint64_t now)
{
	for (struct loop_timer *t = loop->timers; t && t->at_ms <= now; t = t->next)
		if (t->turn != loop->turn)
			return t;
	return NULL;
}

static void run_timers(struct loop *loop)
{
	struct loop_timer *t;

	if (loop->timers == NULL)
		return;
	uint64_t now = clock_mono_ms();
	loop->turn++;
	while ((t = due(loop, now)) != NULL) {
		loop_timer_cancel(loop, t);
		t->fn(t->arg);
	}
}

static void run_tick(void *arg)
{
	struct loop *loop = arg;
	uint64_t now = clock_mono_ms(), next = loop->tick.at_ms + loop->tick_ms;

	loop_timer_set(loop, &loop->tick, next > now ? next : now + loop->tick_ms);
	loop->tick_fn(loop->tick_arg);
}

void loop_set_tick(struct loop *loop, uint32_t every_ms, void (*fn)(void *arg), void *arg)
{
	loop_timer_cancel(loop, &loop->tick);
	loop->tick = (struct loop_timer){.fn = run_tick, .arg = loop};
	loop->tick_fn = fn;
	loop->tick_arg = arg;
	loop->tick_ms = every_ms;
	if (every_ms)
		loop_timer_set(loop, &loop->tick, clock_mono_ms() + every_ms);
}

void loop_on_wake(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	loop_timer_cancel(loop, &loop->wake);
	loop->wake = (struct loop_timer){.fn = fn, .arg = arg};
}

void loop_set_wake(struct loop *loop, uint64_t at_mono_ms)
{
	if (!loop->wake.set || at_mono_ms < loop->wake.at_ms)
		loop_timer_set(loop, &loop->wake, at_mono_ms);
}

/* ---- signals
 * ------------------------------------------------------------------------------------------------- */

static void run_signals(void *arg, short revents)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(loop->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		loop->signal_fn(loop->signal_arg, (int)info.ssi_signo);
}

as_err loop_on_signal(struct loop *loop, void (*fn)(void *arg, int signo), void *arg)
{
	sigset_t set;

	as_assert(loop->signal_fd < 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return AS_EIO;
	loop->signal_fn = fn;
	loop->signal_arg = arg;
	as_err err = loop_add_fd(loop, fd, POLLIN, run_signals, loop);
	if (err) {
		close(fd);
		return err;
	}
	loop->signal_fd = fd;
	pthread_sigmask(SIG_BLOCK, &set, &loop->old_mask);
	return AS_OK;
}

/* ---- the loop
 * ------------------------------------------------------------------------------------------------ */

static int timeout_of(const struct loop *loop)
{
	if (socket_waits(loop))
		return 0;
	if (loop->timers == NULL)
		return -1;
	uint64_t now = clock_mono_ms(), at = loop->timers->at_ms;
	if (at <= now)
		return 0;
	return at - now > INT_MAX ? INT_MAX : (int)(at - now);
}

static as_err turn(struct loop *loop)
{
	as_err err = run_fds(loop, timeout_of(loop));

	if (err == AS_OK) {
		run_sockets(loop);
		run_timers(loop);
	}
	return err;
}

as_err loop_run(struct loop *loop)
{
	as_err err = AS_OK;

	while (!err && !loop->stop)
		err = turn(loop);
	loop->stop = false;
	return err;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
