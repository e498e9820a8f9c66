/* What the roster knows, by each key that it is asked by. */
#include <stdlib.h>

#include "common/node/roster.h"

const struct roster_instance *roster_instance_of(const struct roster *r, uint32_t number)
{
	for (size_t i = 0; i < r->instances_n; i++)
		if (r->instances[i].number == number)
			return &r->instances[i];
	return NULL;
}

const struct roster_transport *roster_transport_of(const struct roster *r, uint32_t number)
{
	const struct roster_transport *best = NULL;

	for (size_t i = 0; i < r->transports_n; i++) {
		const struct roster_transport *t = &r->transports[i];
		if (t->number == number || (number == 0 && (!best || t->number > best->number)))
			best = t;
	}
	return best;
}

static int branch_cmp(const void *code, const void *branch)
{
	return memcmp(code, ((const struct roster_branch *)branch)->code, BRANCH_CODE_MAX);
}

const struct roster_branch *roster_branch_of(const struct roster *r, const char code[BRANCH_CODE_MAX])
{
	if (r->loading) {
		size_t i = chains_first(&r->branch_codes, bytes_of(code, BRANCH_CODE_MAX));
		while (i != CHAINS_END && memcmp(r->branches[i].code, code, BRANCH_CODE_MAX) != 0)
			i = chains_next(&r->branch_codes, i);
		return i == CHAINS_END ? NULL : &r->branches[i];
	}
	return r->branches_n ? bsearch(code, r->branches, r->branches_n, sizeof r->branches[0], branch_cmp) : NULL;
}

static int token_cmp(const void *number, const void *token)
{
	uint32_t a = *(const uint32_t *)number, b = ((const struct roster_token *)token)->number;

	return a < b ? -1 : a > b;
}

struct roster_token *roster_token_of(const struct roster *r, uint32_t number)
{
	return r->tokens_n ? bsearch(&number, r->tokens, r->tokens_n, sizeof r->tokens[0], token_cmp) : NULL;
}

const struct roster_token *roster_token_by_key(const struct roster *r, const uint8_t key[32])
{
	size_t i = chains_first(&r->token_keys, bytes_of(key, 32));

	while (i != CHAINS_END && memcmp(r->tokens[i].key, key, 32) != 0)
		i = chains_next(&r->token_keys, i);
	return i == CHAINS_END ? NULL : &r->tokens[i];
}

const struct roster_node *roster_node_by_link(const struct roster *r, const uint8_t link[32])
{
	size_t i = chains_first(&r->node_links, bytes_of(link, 32));

	while (i != CHAINS_END && memcmp(r->nodes[i].link, link, 32) != 0)
		i = chains_next(&r->node_links, i);
	return i == CHAINS_END ? NULL : &r->nodes[i];
}

const struct roster_node *roster_node_by_identity(const struct roster *r, const uint8_t identity[32])
{
	size_t i = chains_first(&r->node_identities, bytes_of(identity, 32));

	while (i != CHAINS_END && memcmp(r->nodes[i].identity, identity, 32) != 0)
		i = chains_next(&r->node_identities, i);
	return i == CHAINS_END ? NULL : &r->nodes[i];
}

const struct roster_node *roster_node_before(const struct roster *r, const char branch[BRANCH_CODE_MAX],
					     const struct roster_node *before)
{
	size_t i = before ? chains_next(&r->node_branches, (size_t)(before - r->nodes))
			  : chains_first(&r->node_branches, bytes_of(branch, BRANCH_CODE_MAX));

	while (i != CHAINS_END && memcmp(r->nodes[i].branch, branch, BRANCH_CODE_MAX) != 0)
		i = chains_next(&r->node_branches, i);
	return i == CHAINS_END ? NULL : &r->nodes[i];
}

const struct roster_node *roster_node_of(const struct roster *r, const char branch[BRANCH_CODE_MAX])
{
	const struct roster_node *n = roster_node_before(r, branch, NULL);

	while (n && n->ended)
		n = roster_node_before(r, branch, n);
	return n;
}

const struct roster_node *roster_node_of_token(const struct roster *r, uint32_t token)
{
	size_t i = chains_first(&r->node_tokens, bytes_of(&token, sizeof token));

	while (i != CHAINS_END && r->nodes[i].token != token)
		i = chains_next(&r->node_tokens, i);
	return i == CHAINS_END ? NULL : &r->nodes[i];
}

const struct roster_log_key *roster_log_key_of(const struct roster *r, const struct log_id *log)
{
	uint8_t key[LOG_ID_BYTES];
	log_id_put(log, key);
	size_t i = chains_first(&r->log_key_logs, bytes_of(key, sizeof key));

	while (i != CHAINS_END && !log_id_equal(&r->log_keys[i].log, log))
		i = chains_next(&r->log_key_logs, i);
	return i == CHAINS_END ? NULL : &r->log_keys[i];
}
