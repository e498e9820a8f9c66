#include "daemon/branchd/branchd_conf.h"

#include "common/base/check.h"
#include "common/base/log.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};

#define AT(member) CONF_AT(struct branchd_conf, member)

static const struct conf_key keys[] = {
    {"link", "endpoint", CONF_ENDPOINT, AT(endpoint), "", 0, 0, NULL, 0,
     "Where head office is reached: tcp://HOST:PORT. Empty: as the join code says."},
    {"store", "map", CONF_BYTES, AT(base.store_map), "16 GiB", 256 * MIB, 1024 * GIB, NULL, 0,
     "Address space of the store to begin with. It costs nothing and doubles by itself when half full."},
    {"store", "limit", CONF_BYTES, AT(base.store_limit), "0", 0, 1024 * GIB, NULL, CONF_RELOAD,
     "What the store may take on the disk; 0 is what the disk holds. At 85 % of it nothing more is "
     "recorded."},
    {"store", "preallocate", CONF_BYTES, AT(base.store_preallocate), "4 MiB", MIB, GIB, NULL, 0,
     "Space is taken on the disk ahead of its use, in steps of this: what is kept for receipts and erasures "
     "is then there."},
    {"log", "level", CONF_ENUM, AT(base.log_level), "info", LOG_LEVEL_ERR, 0, levels, CONF_RELOAD,
     "What is logged: error, warning, notice, info or debug, each with those before it."},
};

static as_err check(const void *values, struct as_errmsg *em)
{
	const struct branchd_conf *c = values;

	if (c->base.store_limit && c->base.store_preallocate > c->base.store_limit) {
		as_errmsg_set(em, "store.preallocate: larger than store.limit");
		return AS_EPROTO;
	}
	return AS_OK;
}

const struct conf_table branchd_conf_table = {keys, AS_COUNT(keys), sizeof(struct branchd_conf), check, false};

_Static_assert(offsetof(struct branchd_conf, base) == 0, "daemon_begin reads it there");
