#include "daemon/rt/control_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"

#define NAME_MAX_BYTES 80

_Static_assert(NAME_MAX_BYTES + sizeof "/proc/self/fd/2147483647/" <=
		   sizeof((struct sockaddr_un *)0)->sun_path,
	       "folder and name fit");

as_err control_address(const char *path, struct control_address *ret, struct as_errmsg *em)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t folder_n = slash ? (size_t)(slash - path) : 0, name_n = strlen(name);

	if (name_n == 0 || name_n > NAME_MAX_BYTES || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		as_errmsg_set(em, "%.150s: not the name of a socket", path);
		return AS_EINVAL;
	}
	char *folder = slash == NULL ? strdup(".") : folder_n ? strndup(path, folder_n) : strdup("/");
	if (folder == NULL)
		return AS_ENOMEM;
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0) {
		as_errmsg_set(em, "%.150s: %s", path, strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? AS_ENOTFOUND : AS_EIO;
	}
	*ret = (struct control_address){.to.sun_family = AF_UNIX, .folder = fd, .name = name};
	snprintf(ret->to.sun_path, sizeof ret->to.sun_path, "/proc/self/fd/%d/%s", fd, name);
	return AS_OK;
}

void control_address_done(struct control_address *a)
{
	if (a->folder >= 0)
		close(a->folder);
	a->folder = -1;
}

as_err control_connect(const char *path, int *ret_fd, struct as_errmsg *em)
{
	AS_AUTO(control_address) struct control_address a = {.folder = -1};
	as_err err = control_address(path, &a, em);

	if (err)
		return err;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		as_errmsg_set(em, "socket: %s", strerror(errno));
		return AS_EIO;
	}
	int n;
	do {
		n = connect(fd, (const struct sockaddr *)&a.to, sizeof a.to);
	} while (n < 0 && errno == EINTR);
	if (n == 0) {
		*ret_fd = fd;
		return AS_OK;
	}
	int e = errno;
	close(fd);
	as_errmsg_set(em, "%.150s: %s", path, strerror(e));
	if (e == ENOENT)
		return AS_ENOTFOUND;
	return e == ECONNREFUSED || e == EACCES || e == EPERM ? AS_EREFUSED : AS_EIO;
}
