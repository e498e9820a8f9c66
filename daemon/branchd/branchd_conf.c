#include "daemon/branchd/branchd_conf.h"

#include "common/base/check.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};

#define AT(member) CONF_AT(struct branchd_conf, member)

static const struct conf_key keys[] = {
    {"link", "endpoint", CONF_ENDPOINT, AT(endpoint), "", 0, 0, NULL, 0,
     "Where head office is reached: tcp://HOST:PORT. Empty: as the join code says."},
    {"store", "map", CONF_BYTES, AT(map_bytes), "16 GiB", 256 * MIB, 1024 * GIB, NULL, 0,
     "Address space of the store: an upper bound that costs nothing. May only grow."},
    {"store", "limit", CONF_BYTES, AT(limit_bytes), "0", 0, 1024 * GIB, NULL, 0,
     "What the store may take on the disk; 0 is what the disk holds. At 85 % of it nothing more is "
     "recorded."},
    {"store", "preallocate", CONF_BYTES, AT(preallocate_bytes), "4 MiB", MIB, GIB, NULL, 0,
     "Space taken on the disk ahead of its use, so that a full disk is noticed before a write."},
    {"log", "level", CONF_ENUM, AT(log_level), "info", 0, 0, levels, CONF_RELOAD,
     "What is logged: error, warning, notice, info or debug, each with those before it."},
};

static as_err check(const void *values, struct as_errmsg *em)
{
	const struct branchd_conf *c = values;

	if (c->limit_bytes > c->map_bytes) {
		as_errmsg_set(em, "store.limit: larger than store.map");
		return AS_EPROTO;
	}
	if (c->preallocate_bytes > (c->limit_bytes ? c->limit_bytes : c->map_bytes)) {
		as_errmsg_set(em, "store.preallocate: larger than store.limit or store.map");
		return AS_EPROTO;
	}
	return AS_OK;
}

const struct conf_table branchd_conf_table = {keys, AS_COUNT(keys), sizeof(struct branchd_conf), check};
