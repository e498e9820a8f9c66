#include "common/wire/log_opened.h"

#include "common/base/check.h"

#define VERSION 1
#define WITHOUT_PARENT 63

size_t log_opened_encode(const struct log_opened *lo, uint8_t out[LOG_OPENED_MAX])
{
	out[0] = VERSION;
	log_id_put(&lo->log, out + 1);
	memcpy(out + 30, lo->author, 32);
	out[62] = lo->has_parent;
	if (!lo->has_parent)
		return WITHOUT_PARENT;
	log_id_put(&lo->parent, out + 63);
	put_be64(out + 92, lo->parent_head.size);
	memcpy(out + 100, lo->parent_head.root, 32);
	return LOG_OPENED_MAX;
}

static bool parent_valid(const struct log_opened *lo)
{
	return lo->parent.cls == lo->log.cls &&
	       memcmp(lo->parent.branch, lo->log.branch, sizeof lo->log.branch) == 0 &&
	       lo->parent.number < lo->log.number && lo->parent_head.size >= 1 &&
	       lo->parent_head.size <= (uint64_t)INT64_MAX;
}

as_err log_opened_decode(struct bytes body, struct log_opened *ret_lo)
{
	struct log_opened lo = {.has_parent = false};

	if (body.n == 0)
		return AS_EPROTO;
	if (body.p[0] != VERSION)
		return AS_EUNSUPPORTED;
	if (body.n < WITHOUT_PARENT || !log_id_get(body.p + 1, &lo.log) || body.p[62] > 1)
		return AS_EPROTO;
	memcpy(lo.author, body.p + 30, 32);
	lo.has_parent = body.p[62] == 1;
	if (body.n != (lo.has_parent ? LOG_OPENED_MAX : WITHOUT_PARENT))
		return AS_EPROTO;
	if (lo.has_parent) {
		if (!log_id_get(body.p + 63, &lo.parent))
			return AS_EPROTO;
		lo.parent_head.size = get_be64(body.p + 92);
		memcpy(lo.parent_head.root, body.p + 100, 32);
		if (!parent_valid(&lo))
			return AS_EPROTO;
	}
	*ret_lo = lo;
	return AS_OK;
}
