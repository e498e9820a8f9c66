/* Small questions about nodes that faults and checks ask. */
#include "tests/sim/world.h"

/* The place of an event in this node's store, also while its process is dead. */
bool node_holds(struct node *n, const uint8_t event_id[16], struct log_id *ret_log, uint64_t *ret_index)
{
	struct kv_txn *txn;
	struct bytes key, value;
	bool found = false;

	if (n->st)
		return store_event_place(n->st, event_id, ret_log, ret_index) == AS_OK;
	if (n->kv->ops->begin(n->kv, KV_READ, &txn) != AS_OK)
		return false;
	if (n->kv->ops->seek(txn, TABLE_EVENT_ID, bytes_of(event_id, 16), false, &key, &value) == AS_OK &&
	    key.n == 16 + LOG_ID_BYTES + 8 && memcmp(key.p, event_id, 16) == 0)
		found = log_id_get(key.p + 16, ret_log) &&
			(*ret_index = get_be64(key.p + 16 + LOG_ID_BYTES), true);
	n->kv->ops->abort(txn);
	return found;
}

bool branch_joined(struct node *n)
{
	return n->b.joined;
}

uint32_t highest_number(struct node *n, const char *branch)
{
	uint32_t highest = 0;
	size_t at = 0;

	for (struct sync_log *l; (l = sync_log_next(&n->h.c, branch, &at)) != NULL;)
		if (!log_is_hq(&l->row.id) && l->row.id.number > highest)
			highest = l->row.id.number;
	return highest;
}

/* Was the log written with this node's own key? (After a replacement the older ones were not.) */
bool key_of_log_is(struct node *n, const struct log_id *log)
{
	struct reader *r = node_reader(n, log);

	return r && memcmp(r->author, n->identity, 32) == 0;
}

bool token_open_at(struct node *hq, uint32_t number)
{
	for (size_t i = 0; i < hq->h.tokens_n; i++)
		if (hq->h.tokens[i].number == number)
			return hq->h.tokens[i].state == TOKEN_USED;
	return false;
}

/* Some stored block; at head office of a log that a branch could give back. */
bool pick_block(struct node *n, struct log_id *ret_log, struct block_meta *ret_meta)
{
	struct sync_core *c = n->is_hq ? &n->h.c : &n->b.c;
	struct world *w = n->w;

	for (int tries = 0; tries < 8 && c->logs_n > 0; tries++) {
		struct sync_log *l = &c->logs[rng_below(&w->rng, c->logs_n)];
		if ((n->is_hq && log_is_hq(&l->row.id)) || l->row.head.size == 0)
			continue;
		*ret_log = l->row.id;
		return store_block_at(n->st, &l->row.id, rng_below(&w->rng, l->row.head.size), ret_meta);
	}
	return false;
}
