/*
 * Making nodes: what `hq init`, `branch join` do, and `hq enrol` when no daemon runs. Whole or not at all: a
 * directory is made under a name beside and renamed at the end.
 */
#ifndef AFTERSYNC_NODE_ADMIN_H
#define AFTERSYNC_NODE_ADMIN_H

#include "common/node/node.h"
#include "common/node/query.h"

struct hq_init_opts {
	const char *dir;
	const char *listen;   /* tcp://address:port */
	const char *org;      /* name, may be NULL */
	const char *timezone; /* NULL: Asia/Shanghai */
	struct bytes passphrase; /* of the root key; empty: one is made */
};

/*
 * Makes a head office: organisation id, root key (DIR/root.key, wrapped by the passphrase), instance 1, the other
 * keys, configuration, store, and the first block of hq/all.
 *
 * ret_passphrase  the passphrase that was made; "" when one was given. To be shown once and wiped.
 */
#define ADMIN_PASSPHRASE_MAX 64
as_err node_hq_init(const struct hq_init_opts *opts, int64_t now, char ret_passphrase[ADMIN_PASSPHRASE_MAX],
		    struct as_errmsg *em) AS_MUST_CHECK;

/*
 * The next life of head office (hq instance new): certified by the root key. Without its daemon: it appends when the
 * daemon has listened (docs/protocol.md section 18).
 */
as_err node_hq_instance_new(const char *dir, const char *root_file, struct bytes passphrase, int64_t now,
			    uint32_t *ret_number, struct as_errmsg *em) AS_MUST_CHECK;

/* Answers {"cmd":"hq-enrol",…} on a node opened NODE_WRITE, without the closing {"exit":N}. Returns the exit code. */
int node_hq_enrol(struct node *n, const json_t *request, int64_t now, query_emit emit, void *arg);

/*
 * Makes a branch from a join code. In an existing directory of the same organisation and branch only token, address
 * and head office's keys are replaced (AS_EREFUSED while its daemon runs).
 */
as_err node_branch_join(const char *code, const char *dir, int64_t now, struct as_errmsg *em) AS_MUST_CHECK;

#endif
