#include "common/node/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "common/crypto/random.h"
#include "common/node/files.h"

#define FOLDERS_DEPTH_MAX 4
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const struct folder {
	const char *name;
	enum file_care care;
} folders[] = {{"keys", FILE_SECRET}, {"store", FILE_SECRET}, {"run", FILE_OWN}};

static void join(char ret[NODE_PATH_MAX], const char *path, const char *rest)
{
	size_t n = strlen(path), rest_n = strlen(rest);

	as_assert(n + rest_n < NODE_PATH_MAX);
	memmove(ret, path, n);
	memcpy(ret + n, rest, rest_n + 1);
}

static void set_paths(struct node_dir *dir, const char *path)
{
	join(dir->path, path, "");
	join(dir->node, dir->path, "/node");
	join(dir->conf, dir->path, "/aftersync.conf");
	join(dir->keys, dir->path, "/keys");
	join(dir->store, dir->path, "/store");
	join(dir->run, dir->path, "/run");
	join(dir->socket, dir->path, "/run/control.sock");
	join(dir->lock, dir->path, "/lock");
}

/* Without slashes at its end, which would follow a link. */
static as_err take_path(const char *given, char ret[NODE_PATH_MAX], struct as_errmsg *em)
{
	size_t n = strlen(given);

	while (n > 1 && given[n - 1] == '/')
		n--;
	if (n == 0) {
		as_errmsg_set(em, "the path of the directory is empty");
		return AS_EINVAL;
	}
	if (n > NODE_DIR_MAX) {
		as_errmsg_set(em, "the path of the directory is longer than %d bytes", NODE_DIR_MAX);
		return AS_ETOOBIG;
	}
	memcpy(ret, given, n);
	ret[n] = 0;
	return AS_OK;
}

/* Calls once for each entry but . and ..; the order is the system's. */
typedef as_err (*entry_fn)(int at, const char *name, bool is_folder, int depth, const char *shown,
			   struct as_errmsg *em);

static as_err each_entry(int at, int depth, const char *shown, entry_fn fn, struct as_errmsg *em)
{
	int copy = openat(at, ".", FOLDER_FLAGS);
	as_err err = AS_OK;
	struct dirent *d;
	struct stat st;

	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	if (list == NULL) {
		err = file_failed("list", shown, em);
		if (copy >= 0)
			close(copy);
		return err;
	}
	while (!err && (errno = 0, d = readdir(list)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (fstatat(at, d->d_name, &st, AT_SYMLINK_NOFOLLOW))
			err = file_failed("look into", shown, em);
		else
			err = fn(at, d->d_name, S_ISDIR(st.st_mode), depth, shown, em);
	}
	if (!err && errno)
		err = file_failed("list", shown, em);
	closedir(list);
	return err;
}

static as_err is_there(int at, const char *name, bool is_folder, int depth, const char *shown,
		       struct as_errmsg *em)
{
	(void)at, (void)is_folder, (void)depth;
	as_errmsg_set(em, "%s is there already and holds %.40s: name a directory that is new or empty", shown,
		      name);
	return AS_EEXIST;
}

static as_err remove_entry(int at, const char *name, bool is_folder, int depth, const char *shown,
			   struct as_errmsg *em)
{
	if (is_folder && depth < FOLDERS_DEPTH_MAX) {
		AS_AUTO(file_fd) struct file_fd f = {.plus1 = 1 + openat(at, name, FOLDER_FLAGS)};
		if (f.plus1)
			(void)each_entry(file_fd_get(f), depth + 1, shown, remove_entry, em);
	}
	(void)unlinkat(at, name, is_folder ? AT_REMOVEDIR : 0);
	return AS_OK; /* the rest is removed all the same */
}

static as_err sync_entry(int at, const char *name, bool is_folder, int depth, const char *shown,
			 struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd f = {0};
	as_err err = AS_OK;
	struct stat st;

	f.plus1 = 1 + openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (!f.plus1)
		return file_failed("sync a file of", shown, em);
	if (is_folder && depth < FOLDERS_DEPTH_MAX)
		err = each_entry(file_fd_get(f), depth + 1, shown, sync_entry, em);
	if (!err && !fstat(file_fd_get(f), &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
	    fsync(file_fd_get(f)))
		err = file_failed("sync a file of", shown, em);
	return err;
}

/* The directory that holds path. */
static as_err open_parent(const char *path, int *ret_fd, struct as_errmsg *em)
{
	char parent[NODE_PATH_MAX];

	join(parent, path, "");
	char *slash = strrchr(parent, '/');
	if (slash == NULL)
		memcpy(parent, ".", 2);
	else
		slash[slash == parent] = 0;
	*ret_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? file_failed("open", parent, em) : AS_OK;
}

/* Nothing there, or an empty directory that is ours? */
static as_err check_free(const char *path, struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd f = {.plus1 = 1 + open(path, FOLDER_FLAGS)};
	as_err err;

	if (!f.plus1 && errno == ENOENT)
		return AS_OK;
	if (!f.plus1 && (errno == ENOTDIR || errno == ELOOP)) {
		as_errmsg_set(em, "%s is there already and is not a directory", path);
		return AS_EEXIST;
	}
	if (!f.plus1)
		return file_failed("open", path, em);
	if ((err = file_check(file_fd_get(f), FILE_OWN, path, em)))
		return err;
	return each_entry(file_fd_get(f), 0, path, is_there, em);
}

static as_err make_folder(int at, const char *name, const char *shown, struct as_errmsg *em)
{
	/* the umask may take away what is needed, never give what is not */
	if (mkdirat(at, name, 0700) || fchmodat(at, name, 0700, 0))
		return file_failed("make", shown, em);
	return AS_OK;
}

as_err node_dir_new(const char *path, struct node_dir *ret, struct as_errmsg *em)
{
	AS_AUTO(node_dir) struct node_dir dir = {0};
	uint8_t random[4];
	char end[16] = ".new-";
	as_err err;

	if ((err = take_path(path, dir.wanted, em)) || (err = check_free(dir.wanted, em)))
		return err;
	as_random(random, sizeof random);
	text_hex(random, sizeof random, end + strlen(end));
	join(dir.path, dir.wanted, end);
	set_paths(&dir, dir.path);
	if ((err = make_folder(AT_FDCWD, dir.path, dir.path, em)))
		return err;
	dir.is_new = true;
	if ((dir.fd = open(dir.path, FOLDER_FLAGS)) < 0)
		return file_failed("open", dir.path, em);
	dir.is_open = true;
	dir.keys_fd = -1;
	for (size_t i = 0; i < AS_COUNT(folders); i++)
		if ((err = make_folder(dir.fd, folders[i].name, dir.path, em)))
			return err;
	if ((dir.keys_fd = openat(dir.fd, "keys", FOLDER_FLAGS)) < 0)
		return file_failed("open", dir.keys, em);
	*ret = dir;
	dir = (struct node_dir){0};
	return AS_OK;
}

as_err node_dir_keep(struct node_dir *dir, struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd parent = {0};
	int fd;
	as_err err;

	as_assert(dir->is_open && dir->is_new);
	if ((err = open_parent(dir->wanted, &fd, em)))
		return err;
	parent.plus1 = 1 + fd;
	if ((err = each_entry(dir->fd, 0, dir->path, sync_entry, em)))
		return err;
	if (fsync(dir->fd))
		return file_failed("sync", dir->path, em);
	/* takes the place of nothing or of an empty directory, fails on anything else */
	if (rename(dir->path, dir->wanted))
		return file_failed("make", dir->wanted, em);
	dir->is_new = false;
	set_paths(dir, dir->wanted);
	if (fsync(fd))
		return file_failed("sync the folder of", dir->path, em);
	return AS_OK;
}

static as_err not_a_node(const char *path, struct as_errmsg *em)
{
	as_errmsg_set(
	    em, "%s is not the directory of a node: `aftersync hq init` or `aftersync branch join` makes one",
	    path);
	return AS_ENOTFOUND;
}

/* Opens one of the folders and checks it. */
static as_err open_folder(struct node_dir *dir, const struct folder *f, int *ret_fd, struct as_errmsg *em)
{
	char shown[NODE_PATH_MAX + 16];
	as_err err;

	file_shown(shown, sizeof shown, dir->path, f->name);
	int fd = openat(dir->fd, f->name, FOLDER_FLAGS);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		as_errmsg_set(em, "%s is not a directory, or a symbolic link, which is not followed", shown);
		return AS_EREFUSED;
	}
	if (fd < 0)
		return file_failed("open", shown, em);
	err = file_check(fd, f->care, shown, em);
	if (err)
		close(fd);
	else
		*ret_fd = fd;
	return err;
}

as_err node_dir_open(const char *path, struct node_dir *ret, struct as_errmsg *em)
{
	AS_AUTO(node_dir) struct node_dir dir = {0};
	struct stat st;
	int fd = -1;
	as_err err;

	if ((err = take_path(path, dir.path, em)))
		return err;
	set_paths(&dir, dir.path);
	dir.fd = open(dir.path, FOLDER_FLAGS);
	if (dir.fd < 0 && errno == ENOENT) {
		as_errmsg_set(em, "there is no directory %s", dir.path);
		return AS_ENOTFOUND;
	}
	if (dir.fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		as_errmsg_set(em, "%s is not a directory, or a symbolic link: give the directory itself",
			      dir.path);
		return AS_EREFUSED;
	}
	if (dir.fd < 0)
		return file_failed("open", dir.path, em);
	dir.is_open = true;
	dir.keys_fd = -1;
	if (fstatat(dir.fd, "node", &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? not_a_node(dir.path, em) : file_failed("look at", dir.node, em);
	if ((err = file_check(dir.fd, FILE_OWN, dir.path, em)))
		return err;
	for (size_t i = 0; i < AS_COUNT(folders); i++) {
		if ((err = open_folder(&dir, &folders[i], &fd, em)))
			return err;
		if (dir.keys_fd < 0)
			dir.keys_fd = fd; /* the first one */
		else
			close(fd);
	}
	*ret = dir;
	dir = (struct node_dir){0};
	return AS_OK;
}

/* The number in the file: who wrote it last has the lock, or had it. */
static unsigned long lock_owner(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof text, 0), blanks = 0;
	uint64_t pid;

	while (blanks < n && text[blanks] == ' ')
		blanks++;
	if (n < 2 || text[n - 1] != '\n' ||
	    !text_decimal(bytes_of(text + blanks, (size_t)(n - 1 - blanks)), UINT32_MAX, &pid))
		return 0;
	return (unsigned long)pid;
}

as_err node_dir_lock(struct node_dir *dir, struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd f = {0};
	char text[24];
	as_err err;

	as_assert(dir->is_open && !dir->is_locked);
	f.plus1 = 1 + openat(dir->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (!f.plus1)
		return file_failed("open", dir->lock, em);
	if ((err = file_check(file_fd_get(f), FILE_OWN, dir->lock, em)))
		return err;
	if (flock(file_fd_get(f), LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return file_failed("lock", dir->lock, em);
		unsigned long pid = lock_owner(file_fd_get(f));
		if (pid)
			as_errmsg_set(em, "another process (pid %lu) uses %s", pid, dir->path);
		else
			as_errmsg_set(em, "another process uses %s", dir->path);
		return AS_ECONFLICT;
	}
	/* Only a help for people: a full disk must not keep anybody out. Blanks cover a longer number of
	 * before. */
	int n = snprintf(text, sizeof text, "%10ld\n", (long)getpid());
	ssize_t put = pwrite(file_fd_get(f), text, (size_t)n, 0);
	(void)put;
	dir->lock_fd = file_fd_get(f);
	dir->is_locked = true;
	f.plus1 = 0;
	return AS_OK;
}

void node_dir_done(struct node_dir *dir)
{
	if (dir->is_new) {
		if (dir->is_open)
			(void)each_entry(dir->fd, 0, dir->path, remove_entry, NULL);
		(void)rmdir(dir->path);
	}
	if (dir->is_locked)
		close(dir->lock_fd);
	if (dir->is_open) {
		if (dir->keys_fd >= 0)
			close(dir->keys_fd);
		close(dir->fd);
	}
	*dir = (struct node_dir){0};
}
