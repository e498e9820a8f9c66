#include "tests/lib/tmpdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"

void tmpdir_init(struct tmpdir *t)
{
	const char *base = getenv("TMPDIR");

	int n = snprintf(t->path, sizeof t->path, "%s/aftersync-test-XXXXXX", base ? base : "/tmp");
	as_assert(n > 0 && (size_t)n < sizeof t->path && mkdtemp(t->path) != NULL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

void tmpdir_done(struct tmpdir *t)
{
	if (t->path[0])
		(void)nftw(t->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	t->path[0] = 0;
}

const char *tmpdir_at(const struct tmpdir *t, const char *name)
{
	static char buffers[4][1200];
	static unsigned turn;
	char *ret = buffers[turn++ % 4];

	int n = snprintf(ret, sizeof buffers[0], "%s/%s", t->path, name);
	as_assert(n > 0 && (size_t)n < sizeof buffers[0]);
	return ret;
}
