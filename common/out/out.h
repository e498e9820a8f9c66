/*
 * Where output goes: a file descriptor, a file that appears whole or not at all, or memory. Errors are kept
 * and told once, at the end; what comes after an error is dropped. One thread.
 */
#ifndef AFTERSYNC_OUT_OUT_H
#define AFTERSYNC_OUT_OUT_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct out {
	int fd;			/* -1: memory */
	struct buf *memory;	/* borrowed */
	int error;		/* errno of the first failed write, 0 */
	bool own;		/* fd is ours to close */
	char *path, *temporary; /* out_to_file: rename when done; else NULL */
	size_t n;
	uint8_t b[16384];
};

void out_to_fd(struct out *o, int fd);		  /* borrowed */
void out_to_memory(struct out *o, struct buf *b); /* b has its maximum; more is an error */

/*
 * Writes to a temporary file beside `path`, which out_end renames. What is there and is no plain file (a
 * device, a pipe) is written to as it is. AS_EIO, AS_ENOMEM; em says what and why.
 */
as_err out_to_file(struct out *o, const char *path, struct as_errmsg *em) AS_MUST_CHECK;

void out_add(struct out *o, const void *p, size_t n);
void out_str(struct out *o, const char *s);
void out_fmt(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_spaces(struct out *o, size_t n);

/* Writes what is buffered. */
void out_flush(struct out *o);

/* Flushes, syncs and renames a file. AS_EIO with em, and nothing left of the file, when anything failed. */
as_err out_end(struct out *o, struct as_errmsg *em) AS_MUST_CHECK;

/* Without out_end before, a file is dropped. */
void out_done(struct out *o);

#endif
