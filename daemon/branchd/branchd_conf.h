/*
 * Configuration of aftersync-branchd: DIR/aftersync.conf (aftersync-branchd.conf(5)). Sizes in bytes.
 */
#ifndef AFTERSYNC_DAEMON_BRANCHD_BRANCHD_CONF_H
#define AFTERSYNC_DAEMON_BRANCHD_BRANCHD_CONF_H

#include "common/base/endpoint.h"
#include "common/conf/conf.h"

struct branchd_conf {
	char endpoint[ENDPOINT_BYTES_MAX + 1]; /* empty: that of the join code */
	uint64_t store_map;
	uint64_t store_limit; /* 0: what the disk holds */
	uint64_t store_preallocate;
	unsigned log_level; /* an enum log_level */
};

extern const struct conf_table branchd_conf_table;

/* conf_load with this table. */
as_err branchd_conf_load(const char *path, struct branchd_conf *ret, struct as_errmsg *em) AS_MUST_CHECK;

#endif
