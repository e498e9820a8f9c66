/*
 * What works without a daemon: the command line opens the node itself. The only file here that knows the
 * store.
 */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_OFFLINE_H
#define AFTERSYNC_TOOLS_AFTERSYNC_OFFLINE_H

#include "common/base/bytes.h"
#include "common/node/query.h"

/*
 * Answers a request on the node in `dir` (hq-enrol and rebuild: as its writer), each answer to emit. AS_OK:
 * answered, *ret_exit; else em says why the node cannot be opened.
 */
as_err offline_ask(const char *dir, const json_t *request, query_emit emit, void *arg, int *ret_exit,
		   struct as_errmsg *em) AS_MUST_CHECK;

/* Made of a head office; the passphrase that was made, "" when one was given: to be shown once and wiped. */
#define OFFLINE_PASSPHRASE_MAX 64
struct offline_hq {
	const char *dir, *listen, *org, *timezone; /* org may be NULL */
	struct bytes passphrase;		   /* empty: one is made */
};
as_err offline_hq_init(const struct offline_hq *hq, char ret_passphrase[OFFLINE_PASSPHRASE_MAX],
		       struct as_errmsg *em) AS_MUST_CHECK;

as_err offline_hq_instance_new(const char *dir, const char *root_file, struct bytes passphrase,
			       uint32_t *ret_number, struct as_errmsg *em) AS_MUST_CHECK;

as_err offline_branch_join(const char *code, const char *dir, struct as_errmsg *em) AS_MUST_CHECK;

#endif
