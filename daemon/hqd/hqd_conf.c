#include "daemon/hqd/hqd_conf.h"

#include "common/base/check.h"
#include "common/base/log.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};

#define AT(member) CONF_AT(struct hqd_conf, member)

static const struct conf_key keys[] = {
    {"link", "listen", CONF_ENDPOINT, AT(listen), NULL, 0, 0, NULL, CONF_REQUIRED,
     "Where branches connect: tcp://ADDRESS:PORT. 0.0.0.0 or [::] is every address of the machine."},
    {"link", "public", CONF_TEXT, AT(public_endpoint), "", 0, 0, NULL, CONF_RELOAD,
     "The address that join codes name, tcp://HOST:PORT, when it is not the one listened at."},
    {"link", "max_links", CONF_U64, AT(max_links), "2000", 1, 10000, NULL, 0,
     "Links at once, those of joining branches included. More are turned away until some have ended."},
    {"store", "map", CONF_BYTES, AT(base.store_map), "64 GiB", GIB, 16384 * GIB, NULL, 0,
     "Address space of the store to begin with. It costs nothing and doubles by itself when half full."},
    {"store", "limit", CONF_BYTES, AT(base.store_limit), "0", 0, 16384 * GIB, NULL, CONF_RELOAD,
     "What the store may take on the disk; 0 is what the disk holds. At 85 % of it branches get no credit "
     "and queue."},
    {"store", "preallocate", CONF_BYTES, AT(base.store_preallocate), "64 MiB", MIB, 16 * GIB, NULL, 0,
     "Space is taken on the disk ahead of its use, in steps of this: what is kept for receipts and erasures "
     "is then there."},
    {"sync", "credit_pool", CONF_BYTES, AT(credit_pool), "64 MiB", MIB, 4 * GIB, NULL, 0,
     "Memory for what branches may send before it is stored, all together."},
    {"sync", "verify_threads", CONF_U64, AT(verify_threads), "0", 0, 64, NULL, 0,
     "Threads that check signatures and decrypt; 0 is one less than there are cores."},
    {"log", "level", CONF_ENUM, AT(base.log_level), "info", LOG_LEVEL_ERR, 0, levels, CONF_RELOAD,
     "What is logged: error, warning, notice, info or debug, each with those before it."},
};

static as_err check(const void *values, struct as_errmsg *em)
{
	const struct hqd_conf *c = values;

	if (c->base.store_limit && c->base.store_preallocate > c->base.store_limit) {
		as_errmsg_set(em, "store.preallocate: larger than store.limit");
		return AS_EPROTO;
	}
	if (c->public_endpoint[0] && !endpoint_valid(bytes_of_str(c->public_endpoint))) {
		as_errmsg_set(em, "link.public: tcp://HOST:PORT is wanted");
		return AS_EPROTO;
	}
	return AS_OK;
}

const struct conf_table hqd_conf_table = {keys, AS_COUNT(keys), sizeof(struct hqd_conf), check, false};

_Static_assert(offsetof(struct hqd_conf, base) == 0, "daemon_begin reads it there");
