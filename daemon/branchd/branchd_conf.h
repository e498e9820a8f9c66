/*
 * Configuration of aftersync-branchd: DIR/aftersync.conf (aftersync-branchd.conf(5)). Sizes in bytes.
 */
#ifndef AFTERSYNC_DAEMON_BRANCHD_BRANCHD_CONF_H
#define AFTERSYNC_DAEMON_BRANCHD_BRANCHD_CONF_H

#include "common/base/endpoint.h"
#include "common/conf/conf.h"
#include "daemon/rt/main.h"

struct branchd_conf {
	struct daemon_conf base; /* first: daemon_begin */
	char endpoint[ENDPOINT_BYTES_MAX + 1]; /* empty: that of the join code */
};

extern const struct conf_table branchd_conf_table;

#endif
