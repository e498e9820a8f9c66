/*
 * A node's directory DIR, the same for both roles:
 *
 *	DIR/node              role, organisation, branch, time zone (ident.h)
 *	DIR/aftersync.conf    what the administrator sets
 *	DIR/keys/             one file a key, 0600 (keyfile.h); the join code (joincode.h)
 *	DIR/store/            what the node durably holds
 *	DIR/run/control.sock  where the daemon listens
 *	DIR/lock              held by the one process that has the store open
 *
 * Everything belongs to the user that the daemon runs as. Made whole or not at all: under a name beside,
 *which is renamed at the end. Not for several threads.
 */
#ifndef AFTERSYNC_NODE_DIR_H
#define AFTERSYNC_NODE_DIR_H

#include <stdbool.h>

#include "common/base/err.h"

#define NODE_PATH_MAX 1024 /* bytes of any path here, with its 0 */
#define NODE_DIR_MAX 900   /* of DIR */

/* Paths begin with DIR as it was given. A zeroed one is closed. */
struct node_dir {
	char path[NODE_PATH_MAX];
	char node[NODE_PATH_MAX];
	char conf[NODE_PATH_MAX];
	char keys[NODE_PATH_MAX];
	char store[NODE_PATH_MAX];
	char run[NODE_PATH_MAX];
	char socket[NODE_PATH_MAX];
	char lock[NODE_PATH_MAX];
	bool is_open, is_locked, is_new;
	int fd;	     /* of DIR. /proc/self/fd/N/run/control.sock is short enough for any socket */
	int keys_fd; /* of DIR/keys */
	int lock_fd; /* while locked */
	char wanted[NODE_PATH_MAX]; /* while new: what path becomes */
};

/*
 * Begins a new directory: NAME.new-XXXXXXXX beside, with keys/, store/ and run/. The caller puts node, keys,
 * config and store into it and closes them; then node_dir_keep, or node_dir_done removes it again.
 *
 * path     need not exist; an empty directory of our own is taken over.
 * returns  AS_EEXIST: something is there already. AS_EREFUSED, AS_EFULL, AS_EIO: em says what to do.
 */
as_err node_dir_new(const char *path, struct node_dir *ret, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Syncs every file and folder of a new directory and gives it its name; the descriptors stay good, the paths
 * are the final ones. On failure it is still new. Blocks for as many fsyncs as there are files.
 */
as_err node_dir_keep(struct node_dir *dir, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Opens the directory of a node and checks owners and modes as sshd does with its keys: DIR, run/: no other
 * may write; keys/, store/: no other may anything; none of them a symbolic link.
 *
 * returns  AS_ENOTFOUND: not a node's directory. AS_EREFUSED: em has the command to type. AS_ETOOBIG: path
 * too long.
 */
as_err node_dir_open(const char *path, struct node_dir *ret, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Takes the lock of the directory, held until node_dir_done or the end of the process; never waits.
 * AS_ECONFLICT: another process has it, em names it.
 */
as_err node_dir_lock(struct node_dir *dir, struct as_errmsg *em) AS_MUST_CHECK;

/* Gives back lock and descriptors; removes a new directory that was not kept. */
void node_dir_done(struct node_dir *dir);

#endif
