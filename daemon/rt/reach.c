#include "daemon/rt/reach.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Shared by the loop and the thread; who leaves last frees it. */
struct reach {
	atomic_int owners;
	int event; /* readable when the answer is there */
	char host[256], port[8];
	enum reach_kind kind;
	bool ipv6;
	char why[128];

	struct loop *loop; /* from here on: loop's thread */
	reach_fn fn;
	void *arg;
};

static void leave(struct reach *r)
{
	if (atomic_fetch_sub(&r->owners, 1) != 1)
		return;
	close(r->event);
	free(r);
}

/* ---- its thread
 * ---------------------------------------------------------------------------------------------- */

static void say(struct reach *r, enum reach_kind kind, const char *why)
{
	r->kind = kind;
	snprintf(r->why, sizeof r->why, "%s", why);
	/* within a sentence, unless it is an abbreviation */
	if (!isupper((unsigned char)r->why[1]))
		r->why[0] = (char)tolower((unsigned char)r->why[0]);
}

static int connect_once(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), e = 0;
	socklen_t n = sizeof e;

	if (fd < 0)
		return errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0)
		e = errno;
	if (e == EINPROGRESS) {
		int ready = poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, REACH_TIMEOUT_MS);
		if (ready != 1)
			e = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0)
			e = errno;
	}
	close(fd);
	return e;
}

static void *thread_main(void *arg)
{
	struct reach *r = arg;
	struct addrinfo *to = NULL;
	char text[128];

	int e = getaddrinfo(r->host, r->port, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &to);
	if (e) {
		say(r, REACH_NO_NAME,
		    e == EAI_SYSTEM ? strerror_r(errno, text, sizeof text) : gai_strerror(e));
	} else {
		r->ipv6 = true;
		for (const struct addrinfo *a = to; a; a = a->ai_next)
			r->ipv6 = r->ipv6 && a->ai_family == AF_INET6;
		e = connect_once(to);
		freeaddrinfo(to);
		say(r, e ? REACH_NO_CONNECTION : REACH_CONNECTED, e ? strerror_r(e, text, sizeof text) : "");
	}
	eventfd_write(r->event, 1);
	leave(r);
	return NULL;
}

/* ---- the loop's thread
 * --------------------------------------------------------------------------------------- */

static void on_answer(void *arg, short revents)
{
	struct reach *r = arg;
	eventfd_t n;

	(void)revents;
	if (eventfd_read(r->event, &n) != 0)
		return;
	loop_del_fd(r->loop, r->event);
	r->fn(r->arg, r->kind, r->why, r->ipv6);
	leave(r);
}

void reach_cancel(struct reach *r)
{
	if (r == NULL)
		return;
	loop_del_fd(r->loop, r->event);
	leave(r);
}

static as_err start_thread(struct reach *r)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0)
		return AS_ENOMEM;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int e = pthread_create(&thread, &attr, thread_main, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return e ? AS_ENOMEM : AS_OK;
}

as_err reach_start(struct reach **ret_reach, struct loop *loop, const char *host, const char *port,
		   reach_fn fn, void *arg)
{
	struct reach *r = calloc(1, sizeof *r);

	if (r == NULL)
		return AS_ENOMEM;
	atomic_init(&r->owners, 2);
	r->loop = loop;
	r->fn = fn;
	r->arg = arg;
	snprintf(r->host, sizeof r->host, "%s", host);
	snprintf(r->port, sizeof r->port, "%s", port);
	r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	as_err err = r->event < 0 ? AS_EIO : loop_add_fd(loop, r->event, POLLIN, on_answer, r);
	if (!err && (err = start_thread(r)) != AS_OK)
		loop_del_fd(loop, r->event);
	if (err) {
		if (r->event >= 0)
			close(r->event);
		free(r);
		return err;
	}
	*ret_reach = r;
	return AS_OK;
}
