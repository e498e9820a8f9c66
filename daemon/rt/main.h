/*
 * What the main functions of both daemons share: arguments, configuration, the node, exit codes.
 */
#ifndef AFTERSYNC_DAEMON_RT_MAIN_H
#define AFTERSYNC_DAEMON_RT_MAIN_H

#include <stdbool.h>

#include "common/conf/conf.h"
#include "common/node/node.h"

/* What both configurations begin with. Sizes in bytes. */
struct daemon_conf {
	uint64_t store_map;
	uint64_t store_limit; /* 0: what the disk holds */
	uint64_t store_preallocate;
	unsigned log_level; /* an enum log_level */
};

struct daemon {
	const char *program;
	enum node_role role;
	const struct conf_table *conf; /* its values begin with struct daemon_conf */
};

/*
 * First of all, on the main thread: --dir DIR [--check], --help, --version; keeps what is in memory off the disk (no core
 * files, no other program reads it); reads the configuration into ret_conf and opens the node. An exit code when the
 * program is to end, having said why, -1 to go on; then daemon_end.
 */
int daemon_begin(const struct daemon *d, int argc, char **argv, void *ret_conf, struct node_home **ret_home);

/*
 * Closes the node. err: how the daemon's work ended; em: why, said on one line. Returns the exit code: 0, 78 configuration,
 * 74 input and output, 1 else.
 */
int daemon_end(const struct daemon *d, struct node_home *take_home, as_err err, const struct as_errmsg *em);

/*
 * SIGHUP: reads the configuration again into conf, all or nothing; says what changed and what needs a restart.
 * next: memory for another one.
 */
void daemon_reload(const struct daemon *d, struct node_home *home, void *conf, void *next);

#endif
