/*
 * A line that fails, for tests of running programs: a TCP relay on the loopback interface.
 *
 *	relay LISTENPORT TARGETHOST:PORT [--record FILE] [--control SOCKET]
 *	relay --send SOCKET COMMAND…                     one command, its answer on standard output
 *
 *	cut       drops all connections, refuses new ones
 *	hole      accepts and stays silent; what is connected freezes
 *	heal      both are over; what was frozen goes on
 *	delay MS  every byte arrives that much later, in both directions
 *	rate N    bytes a second, of each connection in each direction; 0: no bound
 *	stat      state=… connections=… accepted=… up=BYTES down=BYTES
 *	quit
 *
 * Every command is answered with one line when it is done. --record writes what came from clients to FILE.up,
 *what came from the target to FILE.down, as it was received.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#define PAIRS_MAX 4096
#define CONTROLS_MAX 8
#define READ_BYTES 16384
#define QUEUE_BYTES_MAX (4u * 1024 * 1024) /* on the way in one direction; more is not read */

struct chunk {
	struct chunk *next;
	uint64_t due_ms;
	size_t n, at;
	uint8_t bytes[];
};

/* One direction of a connection. */
struct way {
	struct chunk *first, **last;
	size_t queued;
	uint64_t next_ms; /* not before, because of the rate */
	bool ended;	  /* the sender will send no more */
	bool shut;	  /* … and the receiver was told */
};

struct pair {
	int fd[2];	/* client, target (-1: not connected yet) */
	bool connected; /* the target answered */
	bool dead;
	struct way way[2]; /* way[i]: what comes from fd[i] */
};

struct control {
	int fd;
	char line[256];
	size_t n;
};

static struct sockaddr_in target, here;
static int listen_fd = -1, control_fd = -1, record_fd[2] = {-1, -1};
static struct pair *pairs[PAIRS_MAX];
static size_t pairs_n;
static struct control controls[CONTROLS_MAX];
static size_t controls_n;
static enum { OPEN, CUT, HOLE } state;
static uint64_t delay_ms, rate, accepted, bytes_of_way[2], now;
static bool quit;

_Noreturn static void fail(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(74);
}

/* ---- connections
 * --------------------------------------------------------------------------------------------- */

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static void listen_again(void)
{
	if (listen_fd >= 0)
		return;
	listen_fd = tcp_socket();
	if (bind(listen_fd, (struct sockaddr *)&here, sizeof here) < 0 || listen(listen_fd, 1024) < 0)
		fail("listen");
}

static void to_target(struct pair *p)
{
	p->fd[1] = tcp_socket();
	if (connect(p->fd[1], (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS)
		p->dead = true;
}

static void pair_open(int fd)
{
	struct pair *p = calloc(1, sizeof *p);
	int one = 1;

	as_assert(p != NULL);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	*p = (struct pair){.fd = {fd, -1}};
	for (int i = 0; i < 2; i++)
		p->way[i].last = &p->way[i].first;
	pairs[pairs_n++] = p;
	accepted++;
}

static void pair_free(struct pair *p, bool reset)
{
	for (int i = 0; i < 2; i++) {
		if (p->fd[i] >= 0 && reset)
			setsockopt(p->fd[i], SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
				   sizeof(struct linger));
		if (p->fd[i] >= 0)
			close(p->fd[i]);
		for (struct chunk *c = p->way[i].first, *next; c; c = next) {
			next = c->next;
			free(c);
		}
	}
	free(p);
}

static void take(struct pair *p, int from)
{
	struct way *w = &p->way[from];
	struct chunk *c = malloc(sizeof *c + READ_BYTES);

	as_assert(c != NULL);
	ssize_t n = recv(p->fd[from], c->bytes, READ_BYTES, 0);
	if (n <= 0) {
		w->ended |= n == 0;
		p->dead |= n < 0 && errno != EAGAIN && errno != EINTR;
		free(c);
		return;
	}
	c->n = (size_t)n;
	c->at = 0;
	c->next = NULL;
	c->due_ms = now + delay_ms;
	*w->last = c;
	w->last = &c->next;
	w->queued += c->n;
	bytes_of_way[from] += c->n;
	if (record_fd[from] >= 0 && write(record_fd[from], c->bytes, c->n) != n)
		fail("record");
}

/* When something of this way may be sent; UINT64_MAX: there is nothing. */
static uint64_t way_due(const struct way *w)
{
	if (w->first == NULL)
		return UINT64_MAX;
	return w->first->due_ms > w->next_ms ? w->first->due_ms : w->next_ms;
}

static void give(struct pair *p, int from)
{
	struct way *w = &p->way[from];

	while (way_due(w) <= now) {
		struct chunk *c = w->first;
		size_t n = c->n - c->at;
		if (rate && n > rate / 50 + 1)
			n = rate / 50 + 1;
		ssize_t sent = send(p->fd[!from], c->bytes + c->at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0) {
			p->dead |= errno != EAGAIN && errno != EINTR;
			return;
		}
		c->at += (size_t)sent;
		w->queued -= (size_t)sent;
		if (rate)
			w->next_ms = now + ((uint64_t)sent * 1000 + rate - 1) / rate;
		if (c->at < c->n)
			continue;
		w->first = c->next;
		if (w->first == NULL)
			w->last = &w->first;
		free(c);
	}
	if (w->ended && w->first == NULL && !w->shut) {
		shutdown(p->fd[!from], SHUT_WR);
		w->shut = true;
	}
}

/* ---- commands
 * ------------------------------------------------------------------------------------------------ */

static void cut(void)
{
	state = CUT;
	if (listen_fd >= 0)
		close(listen_fd);
	listen_fd = -1;
	for (size_t i = 0; i < pairs_n; i++)
		pair_free(pairs[i], true);
	pairs_n = 0;
}

static bool number_after(const char *line, const char *word, uint64_t *ret)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && text_decimal(bytes_of_str(line + n), UINT32_MAX, ret);
}

static void command(const char *line, char *answer, size_t cap)
{
	static const char *const names[] = {"open", "cut", "hole"};

	snprintf(answer, cap, "ok\n");
	if (strcmp(line, "cut") == 0) {
		cut();
	} else if (strcmp(line, "hole") == 0) {
		listen_again();
		state = HOLE;
	} else if (strcmp(line, "heal") == 0) {
		listen_again();
		state = OPEN;
	} else if (strcmp(line, "quit") == 0) {
		quit = true;
	} else if (strcmp(line, "stat") == 0) {
		snprintf(answer, cap, "state=%s connections=%zu accepted=%llu up=%llu down=%llu\n",
			 names[state], pairs_n, (unsigned long long)accepted,
			 (unsigned long long)bytes_of_way[0], (unsigned long long)bytes_of_way[1]);
	} else if (!number_after(line, "delay ", &delay_ms) && !number_after(line, "rate ", &rate)) {
		snprintf(answer, cap, "unknown: %.100s\n", line);
	}
}

/* False: it is closed. */
static bool control_read(struct control *c)
{
	char answer[256], *newline;
	ssize_t n = read(c->fd, c->line + c->n, sizeof c->line - 1 - c->n);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->n += (size_t)n;
	c->line[c->n] = 0;
	while ((newline = memchr(c->line, '\n', c->n)) != NULL) {
		*newline = 0;
		command(c->line, answer, sizeof answer);
		if (send(c->fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			return false;
		size_t used = (size_t)(newline + 1 - c->line);
		memmove(c->line, newline + 1, c->n - used);
		c->n -= used;
	}
	return c->n < sizeof c->line - 1;
}

static struct sockaddr_un control_name(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof at.sun_path) {
		errno = ENAMETOOLONG;
		fail(path);
	}
	memcpy(at.sun_path, path, strlen(path));
	return at;
}

static void control_listen(const char *path)
{
	struct sockaddr_un at = control_name(path);

	unlink(path);
	control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control_fd < 0 || bind(control_fd, (struct sockaddr *)&at, sizeof at) < 0 ||
	    listen(control_fd, 8) < 0)
		fail(path);
}

static int send_command(int argc, char **argv)
{
	struct sockaddr_un at = control_name(argv[2]);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[256] = "";
	ssize_t n;

	for (int i = 3; i < argc; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 3 ? " " : "", argv[i]);
	snprintf(text + strlen(text), sizeof text - strlen(text), "\n");
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
	    send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		fail(argv[2]);
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, text, sizeof text)) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	close(fd);
	return 0;
}

/* ---- the loop
 * ------------------------------------------------------------------------------------------------ */

static struct pollfd polled[2 + CONTROLS_MAX + 2 * PAIRS_MAX];

static short wanted(const struct pair *p, int i)
{
	short events = 0;

	if (i == 1 && !p->connected)
		return POLLOUT;
	if (!p->way[i].ended && p->way[i].queued < QUEUE_BYTES_MAX)
		events |= POLLIN;
	if (way_due(&p->way[!i]) <= now)
		events |= POLLOUT;
	return events;
}

/* A negative descriptor is skipped by poll. */
static size_t fill(int *ret_timeout)
{
	uint64_t next = UINT64_MAX;
	size_t n = 0;

	polled[n++] = (struct pollfd){.fd = pairs_n < PAIRS_MAX ? listen_fd : -1, .events = POLLIN};
	polled[n++] = (struct pollfd){.fd = controls_n < CONTROLS_MAX ? control_fd : -1, .events = POLLIN};
	for (size_t i = 0; i < controls_n; i++)
		polled[n++] = (struct pollfd){.fd = controls[i].fd, .events = POLLIN};
	for (size_t i = 0; i < pairs_n; i++) {
		struct pair *p = pairs[i];
		for (int j = 0; j < 2; j++) {
			short events = state == HOLE ? 0 : wanted(p, j);
			uint64_t due = way_due(&p->way[j]);
			/* nothing wanted: not even a hang-up, which would be told again and again */
			polled[n++] = (struct pollfd){.fd = events ? p->fd[j] : -1, .events = events};
			if (state != HOLE && due > now && due < next)
				next = due;
		}
	}
	*ret_timeout = next == UINT64_MAX ? -1 : (int)(next - now);
	return n;
}

static void serve_pair(struct pair *p, const struct pollfd *polls)
{
	int e = 0;
	socklen_t n = sizeof e;

	if (!p->connected && (polls[1].revents & (POLLOUT | POLLERR | POLLHUP))) {
		getsockopt(p->fd[1], SOL_SOCKET, SO_ERROR, &e, &n);
		p->connected = e == 0;
		p->dead |= e != 0;
	}
	for (int i = 0; i < 2 && !p->dead; i++)
		if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) && p->fd[i] >= 0 &&
		    (i == 0 || p->connected))
			take(p, i);
	for (int i = 0; i < 2 && !p->dead && p->connected; i++)
		give(p, i);
	p->dead |= p->way[0].shut && p->way[1].shut;
}

static void accept_all(int fd)
{
	int got;

	while (pairs_n < PAIRS_MAX && (got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		pair_open(got);
}

static void turn(void)
{
	int timeout;
	size_t pairs_polled = pairs_n, controls_polled = controls_n;

	now = clock_mono_ms();
	for (size_t i = 0; i < pairs_n && state == OPEN; i++)
		if (pairs[i]->fd[1] < 0)
			to_target(pairs[i]);
	size_t n = fill(&timeout);
	if (poll(polled, n, timeout) < 0 && errno != EINTR)
		fail("poll");
	now = clock_mono_ms();
	/* pairs first: a command changes which there are */
	const struct pollfd *at = polled + 2 + controls_polled;
	if (state != HOLE)
		for (size_t i = 0; i < pairs_polled; i++)
			serve_pair(pairs[i], at + 2 * i);
	for (size_t i = pairs_polled; i-- > 0;) {
		if (pairs[i]->dead) {
			pair_free(pairs[i], !(pairs[i]->way[0].shut && pairs[i]->way[1].shut));
			pairs[i] = pairs[--pairs_n];
		}
	}
	if (polled[0].revents)
		accept_all(listen_fd);
	for (size_t i = controls_polled; i-- > 0;) {
		if (polled[2 + i].revents && !control_read(&controls[i])) {
			close(controls[i].fd);
			controls[i] = controls[--controls_n];
		}
	}
	if (polled[1].revents) {
		int fd = accept4(control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			controls[controls_n++] = (struct control){.fd = fd};
	}
}

static bool port_of(const char *text, struct sockaddr_in *ret)
{
	uint64_t port;

	if (!text_decimal(bytes_of_str(text), 65535, &port) || port == 0)
		return false;
	*ret = (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return true;
}

static void record(const char *file)
{
	static const char *const ends[2] = {"up", "down"};
	char name[1000];

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s.%s", file, ends[i]);
		record_fd[i] = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (record_fd[i] < 0)
			fail(name);
	}
}

int main(int argc, char **argv)
{
	const char *colon = argc > 2 ? strrchr(argv[2], ':') : NULL;

	if (argc > 3 && strcmp(argv[1], "--send") == 0)
		return send_command(argc, argv);
	/* loopback only */
	if (argc < 3 || argc % 2 == 0 || colon == NULL || !port_of(argv[1], &here) ||
	    !port_of(colon + 1, &target) ||
	    (strncmp(argv[2], "127.0.0.1:", 10) != 0 && strncmp(argv[2], "localhost:", 10) != 0)) {
		fprintf(stderr, "usage: relay PORT 127.0.0.1:PORT [--record FILE] [--control SOCKET]\n"
				"       relay --send SOCKET COMMAND…\n");
		return 64;
	}
	for (int i = 3; i < argc; i += 2) {
		if (strcmp(argv[i], "--record") == 0) {
			record(argv[i + 1]);
		} else if (strcmp(argv[i], "--control") == 0) {
			control_listen(argv[i + 1]);
		} else {
			fprintf(stderr, "relay: %s?\n", argv[i]);
			return 64;
		}
	}
	listen_again();
	puts("relay: ready");
	fflush(stdout);
	while (!quit)
		turn();
	return 0;
}
