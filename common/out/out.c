#include "common/out/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void out_to_fd(struct out *o, int fd)
{
	memset(o, 0, offsetof(struct out, b));
	o->fd = fd;
}

void out_to_memory(struct out *o, struct buf *b)
{
	out_to_fd(o, -1);
	o->memory = b;
}

/* A link is followed, so that what it points to is replaced and not the link. NULL: no memory. */
static char *target_of(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : strdup(path);
}

as_err out_to_file(struct out *o, const char *path, struct as_errmsg *em)
{
	struct stat st;
	size_t n;

	out_to_fd(o, -1);
	o->own = true;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		o->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	} else {
		o->path = target_of(path);
		n = (o->path ? strlen(o->path) : 0) + 32;
		o->temporary = malloc(n);
		if (o->path == NULL || o->temporary == NULL)
			return AS_ENOMEM;
		snprintf(o->temporary, n, "%s.%ld.tmp", o->path, (long)getpid());
		o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	if (o->fd < 0) {
		as_errmsg_set(em, "%s: cannot be written: %s", path, strerror(errno));
		free(o->temporary);
		o->temporary = NULL;
		return AS_EIO;
	}
	return AS_OK;
}

static void write_all(struct out *o, const uint8_t *p, size_t n)
{
	while (n && !o->error) {
		ssize_t k = write(o->fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			o->error = k < 0 ? errno : EIO;
			return;
		}
		p += k;
		n -= (size_t)k;
	}
}

void out_flush(struct out *o)
{
	if (o->memory) {
		if (!o->error && buf_add(o->memory, o->b, o->n))
			o->error = ENOMEM;
	} else {
		write_all(o, o->b, o->n);
	}
	o->n = 0;
}

void out_add(struct out *o, const void *p, size_t n)
{
	const uint8_t *from = p;

	while (n) {
		size_t room = sizeof o->b - o->n, k = n < room ? n : room;
		memcpy(o->b + o->n, from, k);
		o->n += k;
		from += k;
		n -= k;
		if (o->n == sizeof o->b)
			out_flush(o);
	}
}

void out_str(struct out *o, const char *s)
{
	out_add(o, s, strlen(s));
}

void out_fmt(struct out *o, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n > 0)
		out_add(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void out_spaces(struct out *o, size_t n)
{
	static const char blanks[] = "                                ";

	for (; n >= sizeof blanks; n -= sizeof blanks - 1)
		out_add(o, blanks, sizeof blanks - 1);
	out_add(o, blanks, n);
}

as_err out_end(struct out *o, struct as_errmsg *em)
{
	out_flush(o);
	if (o->temporary && !o->error && fsync(o->fd))
		o->error = errno;
	if (o->own && o->fd >= 0 && close(o->fd) && !o->error)
		o->error = errno;
	if (o->own)
		o->fd = -1;
	if (o->temporary && !o->error && rename(o->temporary, o->path))
		o->error = errno;
	if (o->error) {
		as_errmsg_set(em, "%s: cannot be written: %s", o->path ? o->path : "output",
			      strerror(o->error));
		return AS_EIO;
	}
	free(o->temporary);
	o->temporary = NULL;
	return AS_OK;
}

void out_done(struct out *o)
{
	if (o->own && o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	if (o->temporary)
		unlink(o->temporary);
	free(o->temporary);
	free(o->path);
	o->temporary = o->path = NULL;
}
