/*
 * Small files of a node's directory: read and written whole, never through a symbolic link, refused when
 * others than their owner could have written or (where asked) read them.
 *
 * at is a descriptor of the directory, name the file in it, shown the path that messages give.
 */
#ifndef AFTERSYNC_NODE_FILES_H
#define AFTERSYNC_NODE_FILES_H

#include "common/base/bytes.h"
#include "common/base/err.h"

enum file_care {
	FILE_OWN = 022,	      /* ours, and nobody else may write it */
	FILE_SECRET = 077,    /* ours, and nobody else may do anything with it */
	FILE_CREDENTIAL = 07, /* from systemd: ours or root's; an access list shows as rights of the group */
};

/*
 * Is an open file or directory owned by whom we run as and closed to others as far as care says? AS_EREFUSED,
 * with the command that would mend it.
 */
as_err file_check(int fd, enum file_care care, const char *shown, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Reads a regular file of at most cap bytes. AS_ENOTFOUND (em is set too), AS_EREFUSED (owner, mode, a link,
 * not a file), AS_ETOOBIG, AS_EIO.
 */
as_err file_read(int at, const char *name, enum file_care care, const char *shown, void *buf, size_t cap,
		 size_t *ret_n, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Writes a file of mode 0600 whole or not at all: beside, synced, then linked (AS_EEXIST when there is one)
 * or, with replace, renamed over the old one. Durable on return; blocks for two fsyncs.
 */
as_err file_write(int at, const char *name, bool replace, const char *shown, struct bytes content,
		  struct as_errmsg *em) AS_MUST_CHECK;

/* em: "cannot WHAT SHOWN: strerror(errno)"; returns the as_err of errno. */
as_err file_failed(const char *what, const char *shown, struct as_errmsg *em);

/* "folder/name" for messages, cut when too long. */
void file_shown(char *ret, size_t cap, const char *folder, const char *name);

/* close(2) of a descriptor held as fd + 1, so that a zeroed one is none: AS_AUTO(file_fd) struct file_fd f =
 * {0}; */
struct file_fd {
	int plus1;
};

static inline int file_fd_get(struct file_fd f)
{
	return f.plus1 - 1;
}

void file_fd_done(struct file_fd *f);

#endif
