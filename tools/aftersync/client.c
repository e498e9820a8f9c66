#include "tools/aftersync/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"

#define READ_CHUNK (64 * 1024)

static as_err broken(struct as_errmsg *em, const char *why)
{
	as_errmsg_set(em, "the daemon's answer ended early: %s; what was recorded stays so, ask again", why);
	return AS_EIO;
}

/* A socket's path holds 107 bytes: the directory is opened and named by its number instead. */
static as_err connect_in(int fd, const char *dir, struct as_errmsg *em)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int run = at < 0 ? -1 : openat(at, "run", O_PATH | O_DIRECTORY | O_CLOEXEC);
	as_err err = AS_OK;

	if (at < 0) {
		as_errmsg_set(em, "%.120s: %s", dir, strerror(errno));
		err = AS_EINVAL;
	} else if (run < 0 && errno != ENOENT) {
		as_errmsg_set(em, "%.120s/run: %s", dir, strerror(errno));
		err = AS_EIO;
	} else {
		snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/control.sock", run);
		if (run < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
			bool none = run < 0 || errno == ENOENT || errno == ECONNREFUSED;
			as_errmsg_set(em, "%.120s/run/control.sock: %s", dir,
				      none ? "no daemon listens" : strerror(errno));
			err = none ? AS_ENOTFOUND : AS_EIO;
		}
	}
	if (run >= 0)
		close(run);
	if (at >= 0)
		close(at);
	return err;
}

as_err client_open(struct client *c, const char *dir, struct as_errmsg *em)
{
	*c = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	buf_init(&c->in, CLIENT_LINE_MAX + READ_CHUNK);
	if (c->fd < 0) {
		as_errmsg_set(em, "no socket: %s", strerror(errno));
		return AS_EIO;
	}
	return connect_in(c->fd, dir, em);
}

as_err client_open_wait(struct client *c, const char *dir, struct as_errmsg *em)
{
	uint64_t end = clock_mono_ms() + CLIENT_START_MS;
	as_err err;

	while ((err = client_open(c, dir, em)) == AS_ENOTFOUND && clock_mono_ms() < end) {
		client_done(c);
		poll(NULL, 0, CLIENT_AGAIN_MS);
	}
	return err;
}

void client_done(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_done(&c->in);
}

as_err client_send(struct client *c, struct bytes data, struct as_errmsg *em)
{
	for (size_t at = 0; at < data.n;) {
		ssize_t k = send(c->fd, data.p + at, data.n - at, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return broken(em, strerror(errno));
		at += (size_t)k;
	}
	return AS_OK;
}

as_err client_ask(struct client *c, const json_t *request, struct as_errmsg *em)
{
	char *text = json_dumps(request, JSON_COMPACT);
	as_err err = text ? client_send(c, bytes_of_str(text), em) : AS_ENOMEM;

	json_text_free(text);
	return err ? err : client_send(c, bytes_of("\n", 1), em);
}

/* Takes the line that begins at c->at, if it is whole; looks only at what is new. */
static bool take_line(struct client *c, struct bytes *ret_line)
{
	size_t from = c->seen > c->at ? c->seen : c->at;
	const uint8_t *end = c->in.n > from ? memchr(c->in.p + from, '\n', c->in.n - from) : NULL;

	c->seen = c->in.n;
	if (end == NULL)
		return false;
	*ret_line = bytes_of(c->in.p + c->at, (size_t)(end - (c->in.p + c->at)));
	c->at = c->seen = (size_t)(end - c->in.p) + 1;
	return true;
}

/* Reads more behind what is there. AS_ENOTFOUND: nothing there now. */
static as_err read_more(struct client *c, struct as_errmsg *em)
{
	if (c->at) { /* forget what was taken */
		memmove(c->in.p, c->in.p + c->at, c->in.n - c->at);
		c->in.n -= c->at;
		c->seen -= c->at;
		c->at = 0;
	}
	if (c->in.n > CLIENT_LINE_MAX)
		return broken(em, "a line of over 256 MiB");
	if (buf_reserve(&c->in, READ_CHUNK))
		return AS_ENOMEM;
	ssize_t k = recv(c->fd, c->in.p + c->in.n, READ_CHUNK, MSG_DONTWAIT);
	if (k < 0 && (errno == EAGAIN || errno == EINTR))
		return AS_ENOTFOUND;
	if (k <= 0)
		return broken(em, k == 0 ? "it closed the connection" : strerror(errno));
	c->in.n += (size_t)k;
	return AS_OK;
}

as_err client_line_now(struct client *c, struct bytes *ret_line, struct as_errmsg *em)
{
	while (!take_line(c, ret_line)) {
		as_err err = read_more(c, em);
		if (err)
			return err;
	}
	return AS_OK;
}

as_err client_line(struct client *c, struct bytes *ret_line, struct as_errmsg *em)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	as_err err;

	while ((err = client_line_now(c, ret_line, em)) == AS_ENOTFOUND) {
		int n = poll(&p, 1, CLIENT_SILENT_MS);
		if (n == 0)
			return broken(em, "it was silent for an hour");
		if (n < 0 && errno != EINTR)
			return broken(em, strerror(errno));
	}
	return err;
}

bool client_is_end(const json_t *answer, int *ret_exit, const char **ret_error)
{
	const json_t *exit_code = json_object_get(answer, "exit");

	if (!json_is_integer(exit_code))
		return false;
	json_int_t v = json_integer_value(exit_code);
	*ret_exit = v < 0 || v > 255 ? 1 : (int)v;
	*ret_error = json_string_value(json_object_get(answer, "error"));
	return true;
}
