/*
 * The second pass of an import: lines go to the daemon's log of imports, thousands of them on their way at once, and
 * answers are counted as they come. One thread.
 */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_IMPORT_SEND_H
#define AFTERSYNC_TOOLS_AFTERSYNC_IMPORT_SEND_H

#include "tools/aftersync/client.h"
#include "tools/aftersync/cli.h"

/* Whose line it is: handed back with its answer. */
struct import_tag {
	uint64_t row; /* number of the record, over all files */
	size_t file;
	unsigned long line;
};

struct import_source {
	/* Adds the next lines, with their ends, of one row; *ret_n: how many. AS_ENOTFOUND: no more. */
	as_err (*next)(void *arg, struct import_tag *ret_tag, struct buf *lines, size_t *ret_n);
	/* A line was refused; once a row. field may be "". */
	void (*refused)(void *arg, const struct import_tag *tag, const char *field, const char *error);
	/* now and then */
	void (*progress)(void *arg, uint64_t answered);
	void *arg;
};

struct import_counts {
	uint64_t fresh, known; /* events */
};

/* Sends all of it and waits for the last answer. What went wrong was said. Returns the exit code. */
int import_send(const struct args *a, struct client *c, const struct import_source *source, struct import_counts *ret);

#endif
