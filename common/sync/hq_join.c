/* Tokens and those who join by them; larger tables for more of both. */
#include "common/base/check.h"
#include "common/sync/hq_impl.h"

/* ---- tokens ----------------------------------------------------------------------------------------------*/

static size_t token_bound(const struct hq_core *h, uint32_t number)
{
	size_t lo = 0, hi = h->tokens_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (h->tokens[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct hq_token *token_of(const struct hq_core *h, uint32_t number)
{
	size_t i = token_bound(h, number);

	return i < h->tokens_n && h->tokens[i].number == number ? &h->tokens[i] : NULL;
}

static bool useless(const struct hq_token *t)
{
	return t->state == TOKEN_SPENT && !t->more;
}

const struct hq_token *hq_core_token(const struct hq_core *h, uint32_t number)
{
	return token_of(h, number);
}

bool hq_core_token_room(const struct hq_core *h)
{
	if (h->tokens_n < h->tokens_cap)
		return true;
	for (size_t i = 0; i < h->tokens_n; i++)
		if (useless(&h->tokens[i]))
			return true;
	return false;
}

void hq_core_tokens_tidy(struct hq_core *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->tokens_n; i++)
		if (!useless(&h->tokens[i]))
			h->tokens[n++] = h->tokens[i];
	h->tokens_n = n;
}

bool hq_core_add_token(struct hq_core *h, const struct hq_token *token)
{
	struct hq_token *t = token_of(h, token->number);
	struct hq_node *n = hq_node_of(h, token->branch);

	if (n && token->state == TOKEN_USED)
		n->token_used = true;
	if (t) {
		*t = *token;
		return true;
	}
	if (h->tokens_n == h->tokens_cap)
		hq_core_tokens_tidy(h);
	if (h->tokens_n == h->tokens_cap)
		return false;
	size_t i = token_bound(h, token->number);
	memmove(&h->tokens[i + 1], &h->tokens[i], (h->tokens_n - i) * sizeof h->tokens[0]);
	h->tokens_n++;
	h->tokens[i] = *token;
	return true;
}

const struct msg_join *hq_core_join(const struct hq_core *h, uint32_t token)
{
	const struct hq_token *t = token_of(h, token);

	return t ? &t->join : NULL;
}

void hq_tokens_spend(struct hq_core *h, struct hq_node *n)
{
	if (!n->token_used)
		return;
	n->token_used = false;
	for (size_t i = 0; i < h->tokens_n; i++)
		if (h->tokens[i].state == TOKEN_USED &&
		    memcmp(h->tokens[i].branch, n->branch, BRANCH_CODE_MAX) == 0)
			h->tokens[i].state = TOKEN_SPENT;
}

/* ---- Join ------------------------------------------------------------------------------------------------*/

static void say_joined(struct hq_core *h, const struct hq_token *t)
{
	struct msg m = {.type = MSG_JOINED};

	memcpy(m.joined.branch, t->branch, sizeof m.joined.branch);
	memcpy(m.joined.identity, t->join.identity, sizeof m.joined.identity);
	sync_send(&h->c, t->link, &m);
}

void hq_admitted(struct hq_core *h, uint32_t token)
{
	struct hq_token *t = token_of(h, token);
	struct hq_node *n;

	if (t == NULL)
		return;
	t->state = TOKEN_USED;
	hq_core_add_node(h, t->branch);
	if ((n = hq_node_of(h, t->branch)) != NULL)
		n->token_used = true;
	say_joined(h, t);
}

void hq_on_join(struct hq_core *h, const struct hq_link *link, const struct msg_join *j)
{
	struct hq_token *t = link->kind == SYNC_LINK_JOIN ? token_of(h, link->token) : NULL;

	if (t == NULL || t->state == TOKEN_SPENT || memcmp(t->branch, j->branch, BRANCH_CODE_MAX) != 0 ||
	    (t->state == TOKEN_OPEN && h->c.now >= t->expires_ms)) {
		sync_refuse(&h->c, NULL, link->link, REFUSE_TOKEN, NULL, 0);
		return;
	}
	if (t->state == TOKEN_OPEN) {
		t->join = *j;
		t->link = link->link;
		t->state = TOKEN_ADMITTING;
		if (!sync_push(&h->c, &(struct sync_item){.type = ITEM_ADMIT,
							  .slot = SYNC_NO_SLOT,
							  .link = link->link,
							  .number = t->number,
							  .ready = true}))
			t->state = TOKEN_OPEN;
		sync_kick(&h->c);
		return;
	}
	if (memcmp(t->join.identity, j->identity, sizeof j->identity) != 0) {
		sync_alarm(&h->c, ALARM_TOKEN_REUSED, t->branch, NULL, t->number);
		sync_refuse(&h->c, NULL, link->link, REFUSE_TOKEN, NULL, 0);
		return;
	}
	t->link = link->link;
	if (t->state == TOKEN_USED) /* the Joined was lost */
		say_joined(h, t);
}

/* ---- larger tables ---------------------------------------------------------------------------------------*/

#define TAKE_LARGER(at, n, cap, larger, larger_cap)                                                          \
	do {                                                                                                 \
		if ((larger) != NULL) {                                                                      \
			as_assert((larger_cap) >= (n));                                                      \
			if ((n) > 0)                                                                         \
				memcpy((larger), (at), (n) * sizeof(larger)[0]);                             \
			(at) = (larger);                                                                     \
			(cap) = (larger_cap);                                                                \
		}                                                                                            \
	} while (0)

void hq_core_grow(struct hq_core *h, const struct hq_tables *t)
{
	TAKE_LARGER(h->c.logs, h->c.logs_n, h->c.logs_cap, t->logs, t->logs_cap);
	TAKE_LARGER(h->nodes, h->nodes_n, h->nodes_cap, t->nodes, t->nodes_cap);
	TAKE_LARGER(h->tokens, h->tokens_n, h->tokens_cap, t->tokens, t->tokens_cap);
}
