/*
 * Configuration of aftersync-hqd: DIR/aftersync.conf (aftersync-hqd.conf(5)). conf_load(&hqd_conf_table, …)
 * fills a struct hqd_conf.
 */
#ifndef AFTERSYNC_DAEMON_HQD_HQD_CONF_H
#define AFTERSYNC_DAEMON_HQD_HQD_CONF_H

#include "common/base/endpoint.h"
#include "common/conf/conf.h"

struct hqd_conf {
	char listen[ENDPOINT_BYTES_MAX + 1];
	uint64_t max_links;
	uint64_t map_bytes;
	uint64_t limit_bytes; /* 0: what the disk holds */
	uint64_t preallocate_bytes;
	uint64_t credit_pool_bytes;
	uint64_t verify_threads; /* 0: one less than there are cores, at least 1 */
	unsigned log_level;	 /* LOG_LEVEL_ERR + this is the enum log_level */
};

extern const struct conf_table hqd_conf_table;

#endif
