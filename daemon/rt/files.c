#include "daemon/rt/files.h"

#include <fcntl.h>
#include <limits.h>
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

void files_away_init(struct files_away *a)
{
	*a = (struct files_away){.listener = -1};
}

void files_away_listener(struct files_away *a, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	a->listener = flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? fd : -1;
}

/* Locks of files belong to the table in which they were taken: closing the copies here gives none back. */
static void *turn_away(void *arg)
{
	struct files_away *a = arg;
	int fd;

	if (unshare(CLONE_FILES) == 0 && dup2(a->listener, 0) == 0 && close_range(1, UINT_MAX, 0) == 0)
		while (a->n < TURNED_AWAY_MAX && (fd = accept4(0, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
			close(fd);
			a->n++;
		}
	atomic_store(&a->at_work, false);
	return NULL;
}

void files_away_end(struct files_away *a)
{
	if (a->started)
		pthread_join(a->thread, NULL);
	a->started = false;
}

unsigned files_away_begin(struct files_away *a)
{
	if (a->listener < 0 || atomic_load(&a->at_work))
		return 0;
	files_away_end(a);
	unsigned n = a->n;
	a->n = 0;
	atomic_store(&a->at_work, true);
	a->started = pthread_create(&a->thread, NULL, turn_away, a) == 0;
	if (!a->started)
		atomic_store(&a->at_work, false);
	return n;
}
