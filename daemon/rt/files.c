#include "daemon/rt/files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNED_AWAY_MAX 256 /* at once */

uint64_t files_raise(uint64_t wanted)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return wanted;
	if (files.rlim_cur >= wanted)
		return files.rlim_cur;
	files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : (rlim_t)wanted;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur;
}

static int spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void files_spare_open(struct files_spare *s)
{
	*s = (struct files_spare){.listener = -1, .fd = spare()};
}

void files_spare_close(struct files_spare *s)
{
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct files_spare){.listener = -1, .fd = -1};
}

void files_spare_listener(struct files_spare *s, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	s->listener = flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? fd : -1;
}

unsigned files_spare_turn_away(struct files_spare *s)
{
	unsigned n = 0;
	int fd;

	if (s->listener < 0)
		return 0;
	if (s->fd >= 0)
		close(s->fd);
	while (n < TURNED_AWAY_MAX && (fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		close(fd);
		n++;
	}
	s->fd = spare();
	return n;
}
