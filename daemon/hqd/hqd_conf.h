/*
 * Configuration of aftersync-hqd: DIR/aftersync.conf (aftersync-hqd.conf(5)). Sizes in bytes.
 */
#ifndef AFTERSYNC_DAEMON_HQD_HQD_CONF_H
#define AFTERSYNC_DAEMON_HQD_HQD_CONF_H

#include "common/base/endpoint.h"
#include "common/conf/conf.h"

struct hqd_conf {
	char listen[ENDPOINT_BYTES_MAX + 1];
	char public_endpoint[ENDPOINT_BYTES_MAX + 1]; /* empty: listen */
	uint64_t max_links;
	uint64_t store_map;
	uint64_t store_limit; /* 0: what the disk holds */
	uint64_t store_preallocate;
	uint64_t credit_pool;
	uint64_t verify_threads; /* 0: one less than there are cores, at least 1 */
	unsigned log_level;	 /* an enum log_level */
};

extern const struct conf_table hqd_conf_table;

/* conf_load with this table. */
as_err hqd_conf_load(const char *path, struct hqd_conf *ret, struct as_errmsg *em) AS_MUST_CHECK;

#endif
