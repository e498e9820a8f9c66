#include "tools/aftersync/offline.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/node/admin.h"

_Static_assert(OFFLINE_PASSPHRASE_MAX == ADMIN_PASSPHRASE_MAX, "one size");

as_err offline_ask(const char *dir, const json_t *request, query_emit emit, void *arg, int *ret_exit,
		   struct as_errmsg *em)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	bool enrol = strcmp(cmd, "hq-enrol") == 0, rebuild = strcmp(cmd, "rebuild") == 0;
	struct node *node = NULL;
	as_err err = node_open(&node, dir, enrol || rebuild ? NODE_WRITE : NODE_READ, em);

	if (err)
		return err;
	*ret_exit = enrol ? node_hq_enrol(node, request, clock_utc_ms(), emit, arg)
			  : query_run(node, request, emit, arg);
	node_close(node);
	return AS_OK;
}

as_err offline_hq_init(const struct offline_hq *hq, char ret_passphrase[OFFLINE_PASSPHRASE_MAX],
		       struct as_errmsg *em)
{
	struct hq_init_opts opts = {.dir = hq->dir,
				    .listen = hq->listen,
				    .org = hq->org,
				    .timezone = hq->timezone,
				    .passphrase = hq->passphrase};

	return node_hq_init(&opts, clock_utc_ms(), ret_passphrase, em);
}

as_err offline_hq_instance_new(const char *dir, const char *root_file, struct bytes passphrase,
			       uint32_t *ret_number, struct as_errmsg *em)
{
	return node_hq_instance_new(dir, root_file, passphrase, clock_utc_ms(), ret_number, em);
}

as_err offline_branch_join(const char *code, const char *dir, struct as_errmsg *em)
{
	return node_branch_join(code, dir, clock_utc_ms(), em);
}
