/*
 * Who a node is: DIR/node, written when the directory is made and not meant for editing. Text, one `key =
 *value` a line, every key of its role exactly once, in this order:
 *
 *	format = 1
 *	role = branch                              or hq
 *	org = 0f1e2d3c4b5a69788796a5b4c3d2e1f0      organisation id, hex
 *	root = (64 digits)                         public root key of head office
 *	org_name = Aurora Mobile                   hq
 *	branch = BJ01                              branch
 *	name = Beijing Chaoyang                    branch; may be empty, as org_name
 *	timezone = Asia/Shanghai
 */
#ifndef AFTERSYNC_NODE_IDENT_H
#define AFTERSYNC_NODE_IDENT_H

#include "common/base/limits.h"
#include "common/node/dir.h"
#include "common/node/timezone.h"

#define NODE_NAME_MAX                                                                                        \
	60 /* bytes of the name of a branch or an organisation, UTF-8 without control characters */

enum node_role { NODE_HQ = 1, NODE_BRANCH };

struct node_ident {
	enum node_role role;
	uint8_t org[16];
	uint8_t root[32];		  /* Ed25519, public */
	char branch[BRANCH_CODE_MAX + 1]; /* "" at head office */
	char name[NODE_NAME_MAX + 1];	  /* of the branch; at head office, of the organisation */
	char timezone[TZ_NAME_MAX + 1];
};

/* The rules for what stands in it, used wherever such a value comes from outside. */
bool branch_code_valid(struct bytes s); /* [A-Z0-9]{2,8} */
bool node_name_valid(struct bytes s);

/* Writes DIR/node anew, whole or not at all. AS_EINVAL: a value breaks a rule, em names it. */
as_err node_ident_save(const struct node_dir *dir, const struct node_ident *id,
		       struct as_errmsg *em) AS_MUST_CHECK;

/* AS_EPROTO: `path:line: what is wrong`. AS_EUNSUPPORTED: a newer format. And what file_read says. */
as_err node_ident_load(const struct node_dir *dir, struct node_ident *ret,
		       struct as_errmsg *em) AS_MUST_CHECK;

#endif
