/*
 * A shared object for LD_PRELOAD, tests only: the n-th call that writes or syncs a file of one folder fails.
 *
 *   FAULTIO_DIR    files and folders whose path begins so are counted; nothing else is
 *   FAULTIO_NTH    which call, from 1; 0 or absent: none
 *   FAULTIO_ERROR  EIO, ENOSPC, or SHORT: a write of half the bytes (calls that write no bytes go on)
 *   FAULTIO_ALWAYS set: that call and all that follow
 *   FAULTIO_ONLY   only calls with this name
 *
 * A failing sync has done nothing and a failing write has written nothing. faultio_fired() says how many
 * calls failed. Not part of libtest.a.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_uint calls, fired;

unsigned faultio_fired(void);
unsigned faultio_fired(void)
{
	return atomic_load(&fired);
}

enum act { REAL, FAIL, SHORT };

static bool is_ours(int fd)
{
	const char *dir = getenv("FAULTIO_DIR");
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (dir == NULL || n < 0)
		return false;
	path[n] = 0;
	return strncmp(path, dir, strlen(dir)) == 0;
}

/* errno is set for FAIL. fd -1: a call without one. */
static enum act judge(const char *name, int fd, bool writes)
{
	const char *nth = getenv("FAULTIO_NTH"), *error = getenv("FAULTIO_ERROR");
	const char *only = getenv("FAULTIO_ONLY");
	unsigned at, n = nth ? (unsigned)strtoul(nth, NULL, 10) : 0;
	bool cut = error && strcmp(error, "SHORT") == 0;

	if ((fd >= 0 && !is_ours(fd)) || (only && strcmp(only, name) != 0) || (cut && !writes))
		return REAL;
	at = atomic_fetch_add(&calls, 1) + 1;
	if (n == 0 || (getenv("FAULTIO_ALWAYS") ? at < n : at != n))
		return REAL;
	atomic_fetch_add(&fired, 1);
	errno = error && strcmp(error, "ENOSPC") == 0 ? ENOSPC : EIO;
	return cut ? SHORT : FAIL;
}

/* The next definition of the symbol, as a function pointer. */
static void next_of(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	memcpy(function, &symbol, sizeof symbol);
}

ssize_t write(int fd, const void *p, size_t n)
{
	static ssize_t (*real)(int, const void *, size_t);
	enum act act = judge("write", fd, true);

	if (real == NULL)
		next_of("write", &real);
	return act == FAIL ? -1 : real(fd, p, act == SHORT ? n / 2 : n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);
	enum act act = judge("pwrite", fd, true);

	if (real == NULL)
		next_of("pwrite", &real);
	return act == FAIL ? -1 : real(fd, p, act == SHORT ? n / 2 : n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	static ssize_t (*real)(int, const struct iovec *, int);
	enum act act = judge("writev", fd, true);

	if (real == NULL)
		next_of("writev", &real);
	return act == FAIL ? -1 : real(fd, v, act == SHORT ? (n + 1) / 2 : n);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	static ssize_t (*real)(int, const struct iovec *, int, off_t);
	enum act act = judge("pwritev", fd, true);

	if (real == NULL)
		next_of("pwritev", &real);
	return act == FAIL ? -1 : real(fd, v, act == SHORT ? (n + 1) / 2 : n, at);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		next_of("fdatasync", &real);
	return judge("fdatasync", fd, false) == FAIL ? -1 : real(fd);
}

int fsync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		next_of("fsync", &real);
	return judge("fsync", fd, false) == FAIL ? -1 : real(fd);
}

int msync(void *p, size_t n, int flags)
{
	static int (*real)(void *, size_t, int);

	if (real == NULL)
		next_of("msync", &real);
	return judge("msync", -1, false) == FAIL ? -1 : real(p, n, flags);
}

int ftruncate(int fd, off_t n)
{
	static int (*real)(int, off_t);

	if (real == NULL)
		next_of("ftruncate", &real);
	return judge("ftruncate", fd, false) == FAIL ? -1 : real(fd, n);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
	static int (*real)(int, int, off_t, off_t);

	if (real == NULL)
		next_of("fallocate", &real);
	return judge("fallocate", fd, false) == FAIL ? -1 : real(fd, mode, at, n);
}
