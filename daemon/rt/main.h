/*
 * What the main functions of both daemons share: arguments, the first checks, exit codes.
 */
#ifndef AFTERSYNC_DAEMON_RT_MAIN_H
#define AFTERSYNC_DAEMON_RT_MAIN_H

#include <stdbool.h>

#include "common/conf/conf.h"
#include "common/node/node.h"

struct daemon_args {
	const char *dir;
	bool check;
	char conf[NODE_PATH_MAX]; /* DIR/aftersync.conf */
};

/* --dir DIR [--check], --help, --version. An exit code when the program is to end, -1 to go on. */
int daemon_args_parse(const char *program, int argc, char **argv, struct daemon_args *ret);

/* First of all: what is in memory must never get to a disk, by a core file or by another program that reads it. */
void daemon_guard_memory(void);

/* Is DIR a node of this role? AS_EINVAL, and what node_dir_open says. */
as_err daemon_home_check(const char *dir, enum node_role role, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * SIGHUP: reads the configuration again into values, all or nothing; says what changed and what needs a restart.
 * next: memory for another one.
 */
void daemon_reload(const struct conf_table *table, const char *path, void *values, void *next);

/* Says on one line what is wrong; returns the exit code: 78 configuration, 74 input and output, 1 else. */
int daemon_failed(const char *program, as_err err, const struct as_errmsg *em);

/* --check found nothing: says so, returns 0. */
int daemon_checked(const struct daemon_args *args);

#endif
