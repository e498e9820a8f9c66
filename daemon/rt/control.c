#include "daemon/rt/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/crypto/random.h"
#include "daemon/rt/control_address.h"

#define READ_BYTES 65536
#define LINES_EACH_TURN 1024 /* of one connection, then others */
#define ACCEPTS_EACH_TURN 32
#define ACCEPT_AGAIN_MS 500 /* after the process ran out of descriptors */
#define BACKLOG 128
#define GROUPS_MAX 256

struct control_conn {
	struct control *control;
	struct control_conn *next, *prev;
	int fd;
	void *user;
	struct buf in;	/* what was read and not handed over */
	struct buf out; /* what is to be sent */
	size_t out_at;	/* of that: sent already */
	bool paused;	/* by the owner */
	bool in_ended;	/* the peer sends nothing more */
	bool eof_told;	/* … and the owner knows */
	bool finishing; /* close when out is sent */
	bool broken;	/* close now */
	bool skipping;	/* the rest of a line that was too long, up to its newline */
	bool full;	/* out was half of its maximum: nothing is read until it is sent */
	bool waiting;	/* in control->turn: something is to be done at the end of this turn */
	short events;	/* what the loop was asked for */
};

struct control {
	struct loop *loop;
	struct control_conf conf;
	char *path;
	int fd;
	gid_t group;
	dev_t dev; /* of our socket: another one at its place is not removed */
	ino_t ino;
	struct control_conn *conns;
	uint32_t conns_n;
	struct loop_timer turn_end, accept_again;
	uint8_t scratch[READ_BYTES];
};

static void wait_turn_end(struct control_conn *c)
{
	c->waiting = true;
	loop_timer_set(c->control->loop, &c->control->turn_end, 0);
}

size_t control_unsent(const struct control_conn *c)
{
	return c->out.n - c->out_at;
}

/* ---- lines
 * --------------------------------------------------------------------------------------------------- */

static bool may_hand_over(const struct control_conn *c)
{
	return !c->paused && !c->finishing && !c->broken && !c->full;
}

/* Hands over one line of what is in *rest, which it shortens; false when there is none. */
static bool hand_over(struct control_conn *c, struct bytes *rest)
{
	const uint32_t max = c->control->conf.line_max;
	struct bytes line;

	if (!text_take_line(rest, &line)) {
		if (!c->skipping && rest->n <= max && (!c->in_ended || rest->n == 0))
			return false;
		line = *rest;
		*rest = bytes_of(NULL, 0);
		if (c->skipping)
			return false;
		c->skipping = line.n > max; /* its beginning is handed over, what comes of it is not */
	} else if (c->skipping) {
		c->skipping = false;
		return true;
	}
	if (line.n > max)
		line.n = (size_t)max + 1;
	c->control->conf.line(c->control->conf.ctx, c, line);
	return true;
}

/* Lines of text, a bounded number; returns how many bytes were used up. */
static size_t lines(struct control_conn *c, struct bytes text)
{
	struct bytes rest = text;
	int n = 0;

	while (n < LINES_EACH_TURN && may_hand_over(c) && hand_over(c, &rest))
		n++;
	if (n == LINES_EACH_TURN)
		wait_turn_end(c);
	return text.n - rest.n;
}

static void keep(struct control_conn *c, struct bytes rest)
{
	if (buf_add(&c->in, rest.p, rest.n) != AS_OK)
		c->broken = true;
}

/* Empty again, and wiped: join codes went through it. The memory of a large one is given back, that of a
 * small one kept. */
static void empty(struct buf *b)
{
	size_t max = b->max;

	as_wipe(b->p, b->n);
	if (b->cap > READ_BYTES)
		buf_done(b);
	b->n = 0;
	b->max = max;
}

/* What was read before. */
static void kept_lines(struct control_conn *c)
{
	size_t used = lines(c, buf_bytes(&c->in));

	if (used == c->in.n) {
		empty(&c->in);
	} else if (used) {
		memmove(c->in.p, c->in.p + used, c->in.n - used);
		c->in.n -= used;
	}
}

static void tell_eof(struct control_conn *c)
{
	if (c->in_ended && c->in.n == 0 && !c->eof_told && may_hand_over(c)) {
		c->eof_told = true;
		c->control->conf.eof(c->control->conf.ctx, c);
	}
}

/* One read; what is not handed over is kept. */
static void read_more(struct control_conn *c)
{
	struct control *control = c->control;
	ssize_t n = recv(c->fd, control->scratch, READ_BYTES, MSG_DONTWAIT);

	if (n < 0) {
		c->broken = errno != EAGAIN && errno != EINTR;
		return;
	}
	c->in_ended = n == 0;
	struct bytes text = bytes_of(control->scratch, (size_t)n);
	if (c->in.n) {
		/* the front of a line lies there: its end first, so that only one line is copied */
		const uint8_t *newline = memchr(text.p, '\n', text.n);
		size_t end = newline ? (size_t)(newline - text.p) + 1 : text.n;
		keep(c, bytes_of(text.p, end));
		text.p += end;
		text.n -= end;
		kept_lines(c);
	}
	if (c->in.n == 0 && text.n) {
		size_t used = lines(c, text);
		text.p += used;
		text.n -= used;
	}
	if (text.n)
		keep(c, text);
	if (c->in_ended)
		kept_lines(c);
}

/* ---- answers
 * ------------------------------------------------------------------------------------------------- */

static void flush(struct control_conn *c)
{
	while (control_unsent(c)) {
		ssize_t n = send(c->fd, c->out.p + c->out_at, control_unsent(c), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->broken = errno != EAGAIN;
			break;
		}
		c->out_at += (size_t)n;
	}
	if (control_unsent(c))
		return;
	empty(&c->out);
	c->out_at = 0;
	if (c->full && !c->broken) {
		c->full = false;
		if (c->control->conf.drained)
			c->control->conf.drained(c->control->conf.ctx, c);
	}
}

as_err control_write(struct control_conn *c, struct bytes text)
{
	const uint32_t max = c->control->conf.unsent_max;

	if (c->broken || c->finishing)
		return AS_EREFUSED;
	if (c->out_at && c->out.n + text.n > max) {
		memmove(c->out.p, c->out.p + c->out_at, control_unsent(c));
		c->out.n -= c->out_at;
		c->out_at = 0;
	}
	as_err err = buf_add(&c->out, text.p, text.n);
	if (err)
		return err;
	if (control_unsent(c) >= max / 2)
		c->full = true;
	if (!c->waiting)
		wait_turn_end(c);
	return AS_OK;
}

/* ---- connections
 * --------------------------------------------------------------------------------------------- */

static void conn_free(struct control_conn *c)
{
	struct control *control = c->control;

	loop_del_fd(control->loop, c->fd);
	close(c->fd);
	if (c->prev)
		c->prev->next = c->next;
	else
		control->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	control->conns_n--;
	control->conf.closed(control->conf.ctx, c);
	buf_done(&c->in);
	buf_done(&c->out);
	free(c);
}

/*
 * What follows from the state of a connection, at the end of every way in. Only here connections are freed,
 * so that callbacks never pull one away under their caller. True: it is gone.
 */
static bool settle(struct control_conn *c)
{
	c->waiting = false;
	if (!c->broken)
		flush(c);
	if (may_hand_over(c) && (c->in.n || c->in_ended)) {
		kept_lines(c);
		tell_eof(c);
		/* the answers to these go out at the end of the next turn */
	}
	if (c->broken || (c->finishing && control_unsent(c) == 0)) {
		conn_free(c);
		return true;
	}
	short events = control_unsent(c) ? POLLOUT : 0;
	if (may_hand_over(c) && !c->in_ended && c->in.n <= c->control->conf.line_max)
		events |= POLLIN;
	if (events != c->events)
		loop_mod_fd(c->control->loop, c->fd, events);
	c->events = events;
	return false;
}

static void on_conn(void *arg, short revents)
{
	struct control_conn *c = arg;

	if ((revents & POLLIN) && may_hand_over(c) && !c->in_ended)
		read_more(c);
	else if (revents & (POLLHUP | POLLERR))
		/* nobody is there to be answered */
		c->broken = true;
	settle(c);
}

static void on_turn_end(void *arg)
{
	struct control *control = arg;
	struct control_conn *next;

	for (struct control_conn *c = control->conns; c; c = next) {
		next = c->next;
		if (c->waiting)
			settle(c);
	}
}

void control_pause(struct control_conn *c)
{
	c->paused = true;
	wait_turn_end(c);
}

void control_resume(struct control_conn *c)
{
	c->paused = false;
	wait_turn_end(c);
}

void control_finish(struct control_conn *c)
{
	c->finishing = true;
	wait_turn_end(c);
}

int control_detach(struct control_conn *c)
{
	int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);

	as_assert(control_unsent(c) == 0);
	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	c->broken = true; /* ours is closed at the end of this turn, theirs goes on */
	if (!c->waiting)
		wait_turn_end(c);
	return fd;
}

void **control_user(struct control_conn *c)
{
	return &c->user;
}

uint32_t control_connections(const struct control *control)
{
	return control->conns_n;
}

/* ---- accepting
 * ----------------------------------------------------------------------------------------------- */

static bool in_group(int fd, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t n = sizeof groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (size_t i = 0; i < n / sizeof *groups; i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool may_connect(const struct control *control, int fd)
{
	struct ucred cred;
	socklen_t n = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0 || n != sizeof cred)
		return false;
	if (cred.uid == 0 || cred.uid == geteuid() || cred.gid == control->group ||
	    in_group(fd, control->group))
		return true;
	logline(LOG_LEVEL_WARN, "control-refused", "uid=%u gid=%u", (unsigned)cred.uid, (unsigned)cred.gid);
	return false;
}

static void turn_away(int fd, const char *why)
{
	char text[96];

	snprintf(text, sizeof text, "{\"error\":\"%s\",\"exit\":1}\n", why);
	send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void conn_open(struct control *control, int fd)
{
	struct control_conn *c = calloc(1, sizeof *c);

	if (c == NULL || loop_add_fd(control->loop, fd, POLLIN, on_conn, c) != AS_OK) {
		free(c);
		turn_away(fd, "out of memory");
		return;
	}
	c->control = control;
	c->fd = fd;
	c->events = POLLIN;
	buf_init(&c->in, control->conf.line_max + (size_t)READ_BYTES + 1);
	buf_init(&c->out, control->conf.unsent_max);
	c->next = control->conns;
	if (c->next)
		c->next->prev = c;
	control->conns = c;
	control->conns_n++;
}

static void on_accept_again(void *arg)
{
	struct control *control = arg;

	loop_mod_fd(control->loop, control->fd, POLLIN);
}

static void on_listen(void *arg, short revents)
{
	struct control *control = arg;

	(void)revents;
	for (int i = 0; i < ACCEPTS_EACH_TURN; i++) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				/* it stays readable: not again at once */
				logline(LOG_LEVEL_ERR, "control-accept", "reason=%s",
					LOG_STR(strerror(errno)));
				loop_mod_fd(control->loop, control->fd, 0);
				loop_timer_set(control->loop, &control->accept_again,
					       clock_mono_ms() + ACCEPT_AGAIN_MS);
			}
			return;
		}
		if (!may_connect(control, fd))
			turn_away(fd, "not permitted");
		else if (control->conns_n >= control->conf.connections_max)
			turn_away(fd, "too many connections");
		else
			conn_open(control, fd);
	}
}

/* ---- opening
 * ------------------------------------------------------------------------------------------------- */

/* Removes a socket on which nobody listens. */
static as_err clear_place(const struct control_address *a, const char *path, struct as_errmsg *em)
{
	struct stat st;
	int fd = -1;

	if (fstatat(a->folder, a->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return AS_OK;
	if (!S_ISSOCK(st.st_mode)) {
		as_errmsg_set(em, "%.150s: exists and is no socket", path);
		return AS_EEXIST;
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return AS_EIO;
	int n = connect(fd, (const struct sockaddr *)&a->to, sizeof a->to), e = errno;
	close(fd);
	if (n == 0 || e != ECONNREFUSED) {
		as_errmsg_set(em, "%.150s: another process listens there", path);
		return AS_EEXIST;
	}
	unlinkat(a->folder, a->name, 0);
	return AS_OK;
}

static as_err listen_at(struct control *control, struct as_errmsg *em)
{
	AS_AUTO(control_address) struct control_address a = {.folder = -1};
	struct stat st;
	as_err err;

	if ((err = control_address(control->path, &a, em)) || (err = clear_place(&a, control->path, em)))
		return err;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* connections are possible from listen on, so the mode is right before anybody can use it */
	if (control->fd < 0 || fchmod(control->fd, 0660) < 0 ||
	    bind(control->fd, (const struct sockaddr *)&a.to, sizeof a.to) < 0 ||
	    fchmodat(a.folder, a.name, 0660, 0) < 0 ||
	    fstatat(a.folder, a.name, &st, AT_SYMLINK_NOFOLLOW) < 0 || listen(control->fd, BACKLOG) < 0) {
		as_errmsg_set(em, "%.150s: %s", control->path, strerror(errno));
		return AS_EIO;
	}
	control->group = st.st_gid;
	control->dev = st.st_dev;
	control->ino = st.st_ino;
	return loop_add_fd(control->loop, control->fd, POLLIN, on_listen, control);
}

as_err control_open(struct control **ret_control, struct loop *loop, const struct control_conf *conf,
		    struct as_errmsg *em)
{
	as_assert(conf->line_max && conf->unsent_max >= 65536 && conf->line && conf->eof && conf->closed);
	struct control *control = calloc(1, sizeof *control);
	if (control == NULL)
		return AS_ENOMEM;
	control->loop = loop;
	control->conf = *conf;
	control->fd = -1;
	control->turn_end = (struct loop_timer){.fn = on_turn_end, .arg = control};
	control->accept_again = (struct loop_timer){.fn = on_accept_again, .arg = control};
	control->path = strdup(conf->path);
	control->conf.path = control->path;
	as_err err = control->path ? listen_at(control, em) : AS_ENOMEM;
	if (err) {
		control_close(control);
		return err;
	}
	*ret_control = control;
	return AS_OK;
}

static void remove_socket(struct control *control)
{
	AS_AUTO(control_address) struct control_address a = {.folder = -1};
	struct stat st;

	if (control->ino && control_address(control->path, &a, NULL) == AS_OK &&
	    fstatat(a.folder, a.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == control->ino &&
	    st.st_dev == control->dev)
		unlinkat(a.folder, a.name, 0);
}

void control_close(struct control *control)
{
	if (control == NULL)
		return;
	remove_socket(control);
	while (control->conns) {
		if (!control->conns->broken)
			flush(control->conns);
		conn_free(control->conns);
	}
	loop_timer_cancel(control->loop, &control->turn_end);
	loop_timer_cancel(control->loop, &control->accept_again);
	if (control->fd >= 0) {
		loop_del_fd(control->loop, control->fd);
		close(control->fd);
	}
	free(control->path);
	free(control);
}
