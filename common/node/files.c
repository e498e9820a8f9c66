#include "common/node/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"

#define NAME_BYTES_MAX 64

void file_fd_done(struct file_fd *f)
{
	if (f->plus1)
		close(f->plus1 - 1);
	f->plus1 = 0;
}

as_err file_failed(const char *what, const char *shown, struct as_errmsg *em)
{
	int e = errno;

	as_errmsg_set(em, "cannot %s %s: %s", what, shown, strerror(e));
	switch (e) {
	case ENOENT:
		return AS_ENOTFOUND;
	case EEXIST:
	case ENOTEMPTY:
		return AS_EEXIST;
	case ENOSPC:
	case EDQUOT:
		return AS_EFULL;
	case EACCES:
	case EPERM:
	case ELOOP:
	case ENOTDIR:
		return AS_EREFUSED;
	case ENOMEM:
		return AS_ENOMEM;
	case ENAMETOOLONG:
		return AS_ETOOBIG;
	default:
		return AS_EIO;
	}
}

void file_shown(char *ret, size_t cap, const char *folder, const char *name)
{
	int n = snprintf(ret, cap, "%s/%s", folder, name);

	if (n < 0 || (size_t)n >= cap)
		memcpy(ret + cap - 4, "...", 4);
}

as_err file_check(int fd, enum file_care care, const char *shown, struct as_errmsg *em)
{
	uid_t me = geteuid();
	struct stat st;

	if (fstat(fd, &st))
		return file_failed("look at", shown, em);
	if (st.st_uid != me && !(care == FILE_CREDENTIAL && st.st_uid == 0)) {
		as_errmsg_set(em,
			      "%s belongs to uid %lu, and this runs as uid %lu: run it as that user, or "
			      "type: chown %lu %s",
			      shown, (unsigned long)st.st_uid, (unsigned long)me, (unsigned long)me, shown);
		return AS_EREFUSED;
	}
	if (st.st_mode & (unsigned)care) {
		unsigned wanted = S_ISDIR(st.st_mode) ? 0700 : 0600;
		as_errmsg_set(em, "%s is open to others (mode %04o): type: chmod %04o %s", shown,
			      (unsigned)st.st_mode & 07777, wanted, shown);
		return AS_EREFUSED;
	}
	return AS_OK;
}

as_err file_read(int at, const char *name, enum file_care care, const char *shown, void *buf, size_t cap,
		 size_t *ret_n, struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd f = {0};
	struct stat st;
	size_t n = 0;
	as_err err;

	/* O_NONBLOCK: a pipe in the place of the file would be waited for */
	f.plus1 = 1 + openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (!f.plus1 && errno == ELOOP) {
		as_errmsg_set(em, "%s is a symbolic link, which is not followed: put the file itself there",
			      shown);
		return AS_EREFUSED;
	}
	if (!f.plus1)
		return file_failed("open", shown, em);
	if (fstat(file_fd_get(f), &st))
		return file_failed("look at", shown, em);
	if (!S_ISREG(st.st_mode)) {
		as_errmsg_set(em, "%s is not a file", shown);
		return AS_EREFUSED;
	}
	if ((err = file_check(file_fd_get(f), care, shown, em)))
		return err;
	/* one byte more than fits would show that it is too long */
	if (st.st_size < 0 || (uint64_t)st.st_size > cap) {
		as_errmsg_set(em, "%s is too long: %lld bytes, at most %zu are expected", shown,
			      (long long)st.st_size, cap);
		return AS_ETOOBIG;
	}
	while (n < cap) {
		ssize_t got = read(file_fd_get(f), (uint8_t *)buf + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_failed("read", shown, em);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_n = n;
	return AS_OK;
}

static as_err write_all(int fd, struct bytes content, const char *shown, struct as_errmsg *em)
{
	while (content.n) {
		ssize_t put = write(fd, content.p, content.n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return file_failed("write", shown, em);
		content = bytes_of(content.p + put, content.n - (size_t)put);
	}
	return fsync(fd) ? file_failed("sync", shown, em) : AS_OK;
}

as_err file_write(int at, const char *name, bool replace, const char *shown, struct bytes content,
		  struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd f = {0};
	char beside[NAME_BYTES_MAX + 8];
	as_err err;

	as_assert(strlen(name) <= NAME_BYTES_MAX);
	snprintf(beside, sizeof beside, ".%s.new", name);
	/* what a crash left; whoever writes holds the directory's lock, or made the directory */
	if (unlinkat(at, beside, 0) && errno != ENOENT)
		return file_failed("remove what was left beside", shown, em);
	f.plus1 = 1 + openat(at, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (!f.plus1)
		return file_failed("make", shown, em);
	err = write_all(file_fd_get(f), content, shown, em);
	if (!err && replace && renameat(at, beside, at, name))
		err = file_failed("make", shown, em);
	else if (!err && !replace && linkat(at, beside, at, name, 0))
		err = file_failed("make", shown, em);
	if (err || !replace)
		(void)unlinkat(at, beside, 0);
	if (!err && fsync(at))
		err = file_failed("sync the folder of", shown, em);
	return err;
}
