/*
 * Configuration of aftersync-branchd: DIR/aftersync.conf (aftersync-branchd.conf(5)).
 * conf_load(&branchd_conf_table, …) fills a struct branchd_conf.
 */
#ifndef AFTERSYNC_DAEMON_BRANCHD_BRANCHD_CONF_H
#define AFTERSYNC_DAEMON_BRANCHD_BRANCHD_CONF_H

#include "common/base/endpoint.h"
#include "common/conf/conf.h"

struct branchd_conf {
	char endpoint[ENDPOINT_BYTES_MAX + 1]; /* empty: that of the join code */
	uint64_t map_bytes;
	uint64_t limit_bytes; /* 0: what the disk holds */
	uint64_t preallocate_bytes;
	unsigned log_level; /* LOG_LEVEL_ERR + this is the enum log_level */
};

extern const struct conf_table branchd_conf_table;

#endif
