#include "common/node/roster.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/crypto/sign.h"
#include "common/ledger/body.h"

/* ---- reading bodies by the table of kinds ------------------------------------------------------------- */

/* Places of the fields in the rows of kinds.c: number - 1. */
enum { IN_NUMBER, IN_KEY, IN_RECIPIENT, IN_CERTIFICATE };
enum { TR_NUMBER, TR_KEY };
enum { EN_BRANCH, EN_TOKEN, EN_TOKEN_KEY, EN_EXPIRES, EN_USES, EN_FIRST, EN_ZONE, EN_NAME, EN_REGION, EN_REPLACE };
enum { AD_BRANCH, AD_TOKEN, AD_IDENTITY, AD_LINK, AD_RECIPIENT, AD_LIVE };
enum { ND_BRANCH, ND_IDENTITY };
enum { LK_LOG, LK_KEY };

static bool body_of(const struct event *ev, struct body *ret)
{
	const struct kind_def *kind = kind_of(ev->kind);
	int bad;

	return kind && body_decode(kind, BODY_FACTS, ev->body, ret, &bad) == AS_OK &&
	       body_missing(kind, BODY_FACTS, ret, false) < 0;
}

static void code_get(const struct body *b, unsigned at, char out[BRANCH_CODE_MAX])
{
	memset(out, 0, BRANCH_CODE_MAX);
	memcpy(out, b->v[at].s.p, b->v[at].s.n);
}

static void bytes_get(const struct body *b, unsigned at, uint8_t *out, size_t n)
{
	as_assert(b->v[at].s.n == n);
	memcpy(out, b->v[at].s.p, n);
}

static void text_get(const struct body *b, unsigned at, char *out, size_t max)
{
	if (!body_has(b, at))
		return; /* what was said before stays */
	as_assert(b->v[at].s.n <= max);
	memcpy(out, b->v[at].s.p, b->v[at].s.n);
	out[b->v[at].s.n] = 0;
}

/* Room for one more in a growing array of elements of `size`. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	size_t more = *cap ? *cap * 2 : 16;
	void *p = realloc(array, more * size);
	if (p)
		*cap = more;
	return p;
}

#define GROW(r, list)                                                                                        \
	__extension__({                                                                                      \
		void *p_ = grow((r)->list, (r)->list##_n, &(r)->list##_cap, sizeof (r)->list[0]);            \
		if (p_)                                                                                      \
			(r)->list = p_;                                                                      \
		p_ != NULL;                                                                                  \
	})

/* ---- the fold ------------------------------------------------------------------------------------------ */

void roster_init(struct roster *r, const uint8_t org[16], const uint8_t root[32])
{
	*r = (struct roster){0};
	memcpy(r->org, org, 16);
	memcpy(r->root, root, 32);
}

void roster_done(struct roster *r)
{
	free(r->transports);
	free(r->nodes);
	free(r->tokens);
	free(r->branches);
	free(r->log_keys);
	chains_done(&r->node_identities);
	chains_done(&r->node_links);
	chains_done(&r->node_branches);
	chains_done(&r->node_tokens);
	chains_done(&r->token_keys);
	chains_done(&r->log_key_logs);
	chains_done(&r->branch_codes);
	*r = (struct roster){0};
}

static void *memory_copy(const void *from, size_t bytes)
{
	void *p = malloc(bytes ? bytes : 1);

	if (p && bytes)
		memcpy(p, from, bytes);
	return p;
}

#define ARRAY_COPY(to, from, list)                                                                           \
	(((to)->list = memory_copy((from)->list, (from)->list##_n * sizeof (from)->list[0])) != NULL &&      \
	 (((to)->list##_cap = (from)->list##_n), true))

as_err roster_copy(struct roster *ret, const struct roster *r)
{
	struct roster c = *r;

	as_assert(!r->loading);
	c.node_identities = c.node_links = c.node_branches = c.node_tokens = (struct chains){0};
	c.token_keys = c.log_key_logs = (struct chains){0};
	c.transports = NULL;
	c.nodes = NULL;
	c.tokens = NULL;
	c.branches = NULL;
	c.log_keys = NULL;
	if (!ARRAY_COPY(&c, r, transports) || !ARRAY_COPY(&c, r, nodes) || !ARRAY_COPY(&c, r, tokens) ||
	    !ARRAY_COPY(&c, r, branches) || !ARRAY_COPY(&c, r, log_keys) || chains_copy(&c.node_identities, &r->node_identities) ||
	    chains_copy(&c.node_links, &r->node_links) || chains_copy(&c.node_branches, &r->node_branches) ||
	    chains_copy(&c.node_tokens, &r->node_tokens) || chains_copy(&c.token_keys, &r->token_keys) ||
	    chains_copy(&c.log_key_logs, &r->log_key_logs)) {
		roster_done(&c);
		*ret = c;
		return AS_ENOMEM;
	}
	*ret = c;
	return AS_OK;
}

void roster_load_begin(struct roster *r)
{
	as_assert(r->branches_n == 0);
	r->loading = true;
}

static int branch_order(const void *a, const void *b)
{
	return memcmp(((const struct roster_branch *)a)->code, ((const struct roster_branch *)b)->code,
		      BRANCH_CODE_MAX);
}

void roster_load_end(struct roster *r)
{
	if (r->branches_n)
		qsort(r->branches, r->branches_n, sizeof r->branches[0], branch_order);
	r->loading = false;
	chains_done(&r->branch_codes);
}

void roster_instance_body(const uint8_t org[16], const struct roster_instance *i,
			  uint8_t out[ROSTER_INSTANCE_BODY])
{
	memcpy(out, org, 16);
	put_be32(out + 16, i->number);
	memcpy(out + 20, i->key, 32);
	memcpy(out + 52, i->recipient, 32);
}

bool roster_certified(const struct event *ev, const uint8_t org[16], const uint8_t root[32],
		      struct roster_instance *ret)
{
	struct body b;
	uint8_t signed_body[ROSTER_INSTANCE_BODY];
	struct roster_instance i = {0};

	if (ev->kind != INSTANCE_CERTIFIED || !body_of(ev, &b))
		return false;
	i.number = (uint32_t)b.v[IN_NUMBER].i;
	bytes_get(&b, IN_KEY, i.key, 32);
	bytes_get(&b, IN_RECIPIENT, i.recipient, 32);
	roster_instance_body(org, &i, signed_body);
	if (!as_context_verify(root, ROSTER_INSTANCE_CONTEXT, bytes_of(signed_body, sizeof signed_body),
			       b.v[IN_CERTIFICATE].s.p))
		return false;
	*ret = i;
	return true;
}

static as_err fold_instance(struct roster *r, const struct event *ev)
{
	struct roster_instance i;
	size_t at = r->instances_n;

	if (!roster_certified(ev, r->org, r->root, &i) || roster_instance_of(r, i.number) ||
	    r->instances_n == ROSTER_INSTANCES_MAX)
		return AS_OK;
	for (; at > 0 && r->instances[at - 1].number > i.number; at--)
		r->instances[at] = r->instances[at - 1];
	r->instances[at] = i;
	r->instances_n++;
	return AS_OK;
}

static as_err fold_transport(struct roster *r, const struct body *b)
{
	struct roster_transport t = {.number = (uint32_t)b->v[TR_NUMBER].i};

	if (roster_transport_of(r, t.number))
		return AS_OK;
	if (!GROW(r, transports))
		return AS_ENOMEM;
	bytes_get(b, TR_KEY, t.key, 32);
	r->transports[r->transports_n++] = t;
	return AS_OK;
}

/* A new branch: in its place by code, or last while many come. */
static as_err add_branch(struct roster *r, const char code[BRANCH_CODE_MAX], struct roster_branch **ret)
{
	size_t at = r->branches_n;

	if (!GROW(r, branches) ||
	    (r->loading && chains_add(&r->branch_codes, bytes_of(code, BRANCH_CODE_MAX))))
		return AS_ENOMEM;
	for (; !r->loading && at > 0 && memcmp(r->branches[at - 1].code, code, BRANCH_CODE_MAX) > 0; at--)
		r->branches[at] = r->branches[at - 1];
	r->branches[at] = (struct roster_branch){0};
	memcpy(r->branches[at].code, code, BRANCH_CODE_MAX);
	r->branches_n++;
	*ret = &r->branches[at];
	return AS_OK;
}

/* By number; they come in that order but for instances that did not know of each other. */
static as_err add_token(struct roster *r, const struct roster_token *t)
{
	size_t at = r->tokens_n;

	if (!GROW(r, tokens))
		return AS_ENOMEM;
	for (; at > 0 && r->tokens[at - 1].number > t->number; at--)
		r->tokens[at] = r->tokens[at - 1];
	r->tokens[at] = *t;
	r->tokens_n++;
	if (at + 1 == r->tokens_n)
		return chains_add(&r->token_keys, bytes_of(t->key, sizeof t->key));
	chains_done(&r->token_keys); /* their places are other ones now */
	for (size_t i = 0; i < r->tokens_n; i++)
		if (chains_add(&r->token_keys, bytes_of(r->tokens[i].key, sizeof r->tokens[i].key)))
			return AS_ENOMEM;
	return AS_OK;
}

static as_err fold_enrolled(struct roster *r, const struct body *b)
{
	struct roster_token t = {.number = (uint32_t)b->v[EN_TOKEN].i,
				 .expires = b->v[EN_EXPIRES].i,
				 .uses = (uint32_t)b->v[EN_USES].i};
	struct roster_branch *branch;

	code_get(b, EN_BRANCH, t.branch);
	branch = (struct roster_branch *)(uintptr_t)roster_branch_of(r, t.branch);
	if (branch == NULL && add_branch(r, t.branch, &branch))
		return AS_ENOMEM;
	text_get(b, EN_ZONE, branch->zone, ROSTER_ZONE_MAX);
	text_get(b, EN_NAME, branch->name, ROSTER_NAME_MAX);
	text_get(b, EN_REGION, branch->region, ROSTER_REGION_MAX);
	branch->first_number = (uint32_t)b->v[EN_FIRST].i;
	if (roster_token_of(r, t.number))
		return AS_OK;
	bytes_get(b, EN_TOKEN_KEY, t.key, 32);
	return add_token(r, &t);
}

static as_err fold_admitted(struct roster *r, const struct body *b)
{
	struct roster_node n = {.token = (uint32_t)b->v[AD_TOKEN].i};
	struct roster_token *t = roster_token_of(r, n.token);

	code_get(b, AD_BRANCH, n.branch);
	bytes_get(b, AD_IDENTITY, n.identity, 32);
	bytes_get(b, AD_LINK, n.link, 32);
	bytes_get(b, AD_RECIPIENT, n.recipient, 32);
	if (!log_id_get(b->v[AD_LIVE].s.p, &n.live) || roster_node_by_identity(r, n.identity))
		return AS_OK;
	if (!GROW(r, nodes))
		return AS_ENOMEM;
	if (chains_add(&r->node_identities, bytes_of(n.identity, 32)) ||
	    chains_add(&r->node_links, bytes_of(n.link, 32)) ||
	    chains_add(&r->node_branches, bytes_of(n.branch, BRANCH_CODE_MAX)) ||
	    chains_add(&r->node_tokens, bytes_of(&n.token, sizeof n.token)))
		return AS_ENOMEM;
	r->nodes[r->nodes_n++] = n;
	if (t)
		t->used++;
	return AS_OK;
}

static void fold_ended(struct roster *r, const struct body *b)
{
	struct roster_node *n = (struct roster_node *)(uintptr_t)roster_node_by_identity(r, b->v[ND_IDENTITY].s.p);

	if (n)
		n->ended = true;
}

static as_err fold_log_key(struct roster *r, const struct body *b)
{
	struct roster_log_key k, *known;

	if (!log_id_get(b->v[LK_LOG].s.p, &k.log))
		return AS_OK;
	bytes_get(b, LK_KEY, k.sealed, sizeof k.sealed);
	if ((known = (struct roster_log_key *)(uintptr_t)roster_log_key_of(r, &k.log)) != NULL) {
		*known = k;
		return AS_OK;
	}
	uint8_t key[LOG_ID_BYTES];
	log_id_put(&k.log, key);
	if (!GROW(r, log_keys) || chains_add(&r->log_key_logs, bytes_of(key, sizeof key)))
		return AS_ENOMEM;
	r->log_keys[r->log_keys_n++] = k;
	return AS_OK;
}

as_err roster_fold(struct roster *r, const struct event *ev)
{
	struct body b;

	r->events++;
	if (ev->kind < INSTANCE_CERTIFIED || ev->kind > LOG_KEYS || !body_of(ev, &b))
		return AS_OK;
	switch (ev->kind) {
	case INSTANCE_CERTIFIED:
		return fold_instance(r, ev);
	case TRANSPORT_KEY:
		return fold_transport(r, &b);
	case BRANCH_ENROLLED:
		return fold_enrolled(r, &b);
	case NODE_ADMITTED:
		return fold_admitted(r, &b);
	case NODE_ENDED:
		fold_ended(r, &b);
		return AS_OK;
	default:
		return fold_log_key(r, &b);
	}
}

/* ---- making --------------------------------------------------------------------------------------------- */

static size_t put(uint8_t out[ROSTER_BODY_MAX], uint32_t kind, const struct body *b)
{
	size_t n = 0;
	int bad = -1;
	as_err err = body_encode(kind_of(kind), BODY_FACTS, b, out, ROSTER_BODY_MAX, &n, &bad);

	as_assert(err == AS_OK);
	return n;
}

static struct bytes code_bytes(const char code[BRANCH_CODE_MAX])
{
	return bytes_of(code, strnlen(code, BRANCH_CODE_MAX));
}

size_t roster_put_instance(uint8_t out[ROSTER_BODY_MAX], const struct roster_instance *i,
			   const uint8_t certificate[64])
{
	struct body b = {0};

	body_set_int(&b, IN_NUMBER, i->number);
	body_set_bytes(&b, IN_KEY, bytes_of(i->key, 32));
	body_set_bytes(&b, IN_RECIPIENT, bytes_of(i->recipient, 32));
	body_set_bytes(&b, IN_CERTIFICATE, bytes_of(certificate, 64));
	return put(out, INSTANCE_CERTIFIED, &b);
}

size_t roster_put_transport(uint8_t out[ROSTER_BODY_MAX], const struct roster_transport *t)
{
	struct body b = {0};

	body_set_int(&b, TR_NUMBER, t->number);
	body_set_bytes(&b, TR_KEY, bytes_of(t->key, 32));
	return put(out, TRANSPORT_KEY, &b);
}

size_t roster_put_enrolled(uint8_t out[ROSTER_BODY_MAX], const struct roster_token *t,
			   const struct roster_branch *branch, bool replace)
{
	struct body b = {0};

	body_set_bytes(&b, EN_BRANCH, code_bytes(t->branch));
	body_set_int(&b, EN_TOKEN, t->number);
	body_set_bytes(&b, EN_TOKEN_KEY, bytes_of(t->key, 32));
	body_set_int(&b, EN_EXPIRES, t->expires);
	body_set_int(&b, EN_USES, t->uses);
	body_set_int(&b, EN_FIRST, branch->first_number);
	body_set_bytes(&b, EN_ZONE, bytes_of_str(branch->zone));
	if (branch->name[0])
		body_set_bytes(&b, EN_NAME, bytes_of_str(branch->name));
	if (branch->region[0])
		body_set_bytes(&b, EN_REGION, bytes_of_str(branch->region));
	if (replace)
		body_set_int(&b, EN_REPLACE, 1);
	return put(out, BRANCH_ENROLLED, &b);
}

size_t roster_put_admitted(uint8_t out[ROSTER_BODY_MAX], const struct roster_node *n)
{
	struct body b = {0};
	uint8_t live[LOG_ID_BYTES];

	log_id_put(&n->live, live);
	body_set_bytes(&b, AD_BRANCH, code_bytes(n->branch));
	body_set_int(&b, AD_TOKEN, n->token);
	body_set_bytes(&b, AD_IDENTITY, bytes_of(n->identity, 32));
	body_set_bytes(&b, AD_LINK, bytes_of(n->link, 32));
	body_set_bytes(&b, AD_RECIPIENT, bytes_of(n->recipient, 32));
	body_set_bytes(&b, AD_LIVE, bytes_of(live, sizeof live));
	return put(out, NODE_ADMITTED, &b);
}

size_t roster_put_ended(uint8_t out[ROSTER_BODY_MAX], const struct roster_node *n)
{
	struct body b = {0};

	body_set_bytes(&b, ND_BRANCH, code_bytes(n->branch));
	body_set_bytes(&b, ND_IDENTITY, bytes_of(n->identity, 32));
	return put(out, NODE_ENDED, &b);
}

size_t roster_put_log_key(uint8_t out[ROSTER_BODY_MAX], const struct roster_log_key *k)
{
	struct body b = {0};
	uint8_t log[LOG_ID_BYTES];

	log_id_put(&k->log, log);
	body_set_bytes(&b, LK_LOG, bytes_of(log, sizeof log));
	body_set_bytes(&b, LK_KEY, bytes_of(k->sealed, sizeof k->sealed));
	return put(out, LOG_KEYS, &b);
}
