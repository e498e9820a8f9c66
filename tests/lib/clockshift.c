/*
 * For LD_PRELOAD: a program whose monotonic clock is ahead by so many seconds as stand in the file $CLOCKSHIFT, eight
 * bytes in the machine's order, read at every look at the clock. Three minutes of silence pass when a test says so.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
	const char *file = getenv("CLOCKSHIFT");
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	void *map = fd >= 0 ? mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	if (map != MAP_FAILED)
		ahead = map;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(id, t);
	if (r == 0 && ahead && id == CLOCK_MONOTONIC)
		t->tv_sec += *ahead;
	return r;
}
