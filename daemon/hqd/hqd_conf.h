/*
 * Configuration of aftersync-hqd: DIR/aftersync.conf (aftersync-hqd.conf(5)). Sizes in bytes.
 */
#ifndef AFTERSYNC_DAEMON_HQD_HQD_CONF_H
#define AFTERSYNC_DAEMON_HQD_HQD_CONF_H

#include "common/base/endpoint.h"
#include "common/conf/conf.h"
#include "daemon/rt/main.h"

struct hqd_conf {
	struct daemon_conf base; /* first: daemon_begin */
	char listen[ENDPOINT_BYTES_MAX + 1];
	char public_endpoint[ENDPOINT_BYTES_MAX + 1]; /* empty: listen */
	uint64_t max_links;
	uint64_t credit_pool;
	uint64_t verify_threads; /* 0: one less than there are cores, at least 1 */
};

extern const struct conf_table hqd_conf_table;

#endif
