#include "tests/lib/temp.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/check.h"

static char dir[TEMP_PATH_BYTES - 64];
static pid_t owner;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void temp_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void at_exit(void)
{
	if (getpid() == owner) /* and not in a child */
		temp_remove(dir);
}

const char *temp_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	struct statvfs fs;

	if (dir[0])
		return dir;
	if (tmp == NULL)
		tmp = statvfs("/dev/shm", &fs) == 0 && fs.f_bavail * fs.f_frsize > 64u << 20 ? "/dev/shm"
											     : "/tmp";
	as_assert((size_t)snprintf(dir, sizeof dir, "%s/aftersync-XXXXXX", tmp) < sizeof dir);
	as_assert(mkdtemp(dir) != NULL);
	owner = getpid();
	atexit(at_exit);
	return dir;
}

const char *temp_path(const char *name)
{
	static char paths[16][TEMP_PATH_BYTES];
	static unsigned next;
	char *path = paths[next++ % AS_COUNT(paths)];

	as_assert((size_t)snprintf(path, TEMP_PATH_BYTES, "%s/%s", temp_dir(), name) < TEMP_PATH_BYTES);
	return path;
}
