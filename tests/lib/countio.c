/*
 * A shared object for LD_PRELOAD, benches only: counts the calls that make a file durable.
 *
 *   COUNTIO_FILE   a file of at least 8 bytes: the number stands there, in the byte order of the machine
 *
 * Counted: fsync, fdatasync, msync, sync_file_range, and writes to a descriptor that was opened with O_DSYNC
 * or O_SYNC (LMDB writes its meta page so where the system lets it). Not part of libtest.a.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic uint64_t none;
static _Atomic uint64_t *count = &none;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("COUNTIO_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (p != MAP_FAILED)
		count = p;
	if (fd >= 0)
		close(fd);
}

/* The next definition of the symbol, as a function pointer. */
static void next_of(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	memcpy(function, &symbol, sizeof symbol);
}

/* O_SYNC has the bit of O_DSYNC. */
static void written(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && flags & O_DSYNC)
		atomic_fetch_add(count, 1);
}

int fsync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		next_of("fsync", &real);
	atomic_fetch_add(count, 1);
	return real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		next_of("fdatasync", &real);
	atomic_fetch_add(count, 1);
	return real(fd);
}

int msync(void *p, size_t n, int flags)
{
	static int (*real)(void *, size_t, int);

	if (real == NULL)
		next_of("msync", &real);
	atomic_fetch_add(count, 1);
	return real(p, n, flags);
}

int sync_file_range(int fd, off_t at, off_t n, unsigned flags)
{
	static int (*real)(int, off_t, off_t, unsigned);

	if (real == NULL)
		next_of("sync_file_range", &real);
	atomic_fetch_add(count, 1);
	return real(fd, at, n, flags);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);

	if (real == NULL)
		next_of("pwrite", &real);
	written(fd);
	return real(fd, p, n, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	static ssize_t (*real)(int, const struct iovec *, int, off_t);

	if (real == NULL)
		next_of("pwritev", &real);
	written(fd);
	return real(fd, v, n, at);
}
