/* A directory of a test's own under $TMPDIR or /tmp, removed with all that is in it. */
#ifndef AFTERSYNC_TESTS_LIB_TMPDIR_H
#define AFTERSYNC_TESTS_LIB_TMPDIR_H

#include <stddef.h>

struct tmpdir {
	char path[256];
};

void tmpdir_init(struct tmpdir *t); /* aborts when it cannot */
void tmpdir_done(struct tmpdir *t);

/* path/name in one of four buffers that take turns. */
const char *tmpdir_at(const struct tmpdir *t, const char *name);

#endif
