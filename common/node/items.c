#include "common/node/items.h"

#include "common/base/check.h"

#define VOID_MAX 1000000 /* key changes of one incarnation that are lost with it */

struct bytes items_key_ad(const struct wire_key *w, uint8_t out[ITEMS_KEY_AD])
{
	memcpy(out, w->subject, 16);
	put_be64(out + 16, w->number);
	return bytes_of(out, ITEMS_KEY_AD);
}

/* ---- key changes ----------------------------------------------------------------------------------------- */

/* Our half of the keys that a put was sealed to; NULL: not for us. */
static const struct node_box *put_box(const struct node_home *h, const struct wire_key *w, struct node_box *own)
{
	if (!h->is_hq) {
		memcpy(own->public_key, h->recipient_public, sizeof own->public_key);
		memcpy(own->secret, h->recipient_secret, sizeof own->secret);
		return own;
	}
	for (size_t i = 0; i < h->transports_n; i++)
		if (h->transports[i].number == w->transport)
			return &h->transports[i];
	return NULL;
}

/*
 * Opens a put as it travelled; false: not for us, or damaged. The puts of one message have one ephemeral key, so that
 * the expensive part is done once: boxes is what the last one needed, zero at first.
 */
static bool put_open(const struct node_home *h, const struct wire_key *w, struct as_boxes *boxes, uint8_t ret_key[32])
{
	struct node_box own;
	const struct node_box *box = put_box(h, w, &own);
	uint8_t ad[ITEMS_KEY_AD];
	bool ok = box != NULL;

	if (ok && (memcmp(boxes->ephemeral, w->sealed, AS_BOX_KEY) != 0 ||
		   memcmp(boxes->recipient, box->public_key, AS_BOX_KEY) != 0))
		ok = as_boxes_from(boxes, w->sealed, box->public_key, box->secret);
	ok = ok && as_boxes_open(boxes, items_key_ad(w, ad), bytes_of(w->sealed, sizeof w->sealed), ret_key);
	as_wipe(&own, sizeof own);
	return ok;
}

static bool put_is_current(const struct node_home *h, const struct wire_key *w)
{
	return !h->is_hq || (h->transports_n && w->transport == h->transports[h->transports_n - 1].number);
}

static as_err keys_op(struct batch *b, const struct sync_item *it, const struct received *r, size_t at,
		      struct items_result *ret)
{
	const struct node_home *h = b->node->home;
	struct store_key *keys = batch_memory(b, r->keys_n * sizeof keys[0]);
	AS_AUTO(as_boxes) struct as_boxes boxes = {0};
	size_t k = 0;

	if (keys == NULL)
		return AS_ENOMEM;
	ret->any_keys = true;
	ret->reseal[at] = false;
	for (; k < r->keys_n; k++) {
		const struct wire_key *w = &r->keys[k];
		keys[k] = (struct store_key){.number = w->number, .op = w->op};
		memcpy(keys[k].subject, w->subject, 16);
		if (w->op != KEY_PUT)
			continue;
		AS_AUTO(as_secret) struct as_secret subject = {0};
		uint8_t random[32], *wrapped = batch_memory(b, RING_WRAPPED_BYTES);
		if (wrapped == NULL)
			return AS_ENOMEM;
		if (!put_is_current(h, w) || !put_open(h, w, &boxes, subject.b)) {
			ret->reseal[at] = true; /* asked for again, sealed to the present key */
			break;
		}
		as_random(random, sizeof random);
		ring_wrap(h->ring_key, w->subject, subject.b, random, wrapped);
		keys[k].wrapped = bytes_of(wrapped, RING_WRAPPED_BYTES);
	}
	ret->keys[at] = it->first - 1 + k;
	if (k == 0)
		return AS_OK;
	struct store_op *o = batch_op(b, STORE_KEYS, &it->log);
	if (o == NULL)
		return AS_ENOMEM;
	o->keys.keys = keys;
	o->keys.n = k;
	return AS_OK;
}

/* Did those of the log end before, in this commit? Then these do not follow what is held, and are asked for again. */
static bool keys_end_before(const struct sync_item *items, size_t at, struct items_result *ret)
{
	for (size_t i = 0; i < at; i++)
		if (items[i].type == ITEM_KEYS && ret->reseal[i] && log_id_equal(&items[i].log, &items[at].log)) {
			ret->reseal[at] = true;
			ret->keys[at] = ret->keys[i];
			return true;
		}
	return false;
}

/* All of them: the core counts on keys_upto. */
static as_err void_op(struct batch *b, const struct sync_item *it)
{
	uint64_t n = it->keys_upto - it->first + 1;
	struct store_key *keys;
	struct store_op *o;

	if (n > VOID_MAX)
		return AS_ETOOBIG;
	keys = batch_memory(b, (size_t)n * sizeof keys[0]);
	o = batch_op(b, STORE_KEYS, &it->log);
	if (keys == NULL || o == NULL)
		return AS_ENOMEM;
	for (uint64_t i = 0; i < n; i++)
		keys[i] = (struct store_key){.number = it->first + i, .op = KEY_VOID};
	o->keys.keys = keys;
	o->keys.n = (size_t)n;
	return AS_OK;
}

/* ---- blocks and the rest --------------------------------------------------------------------------------- */

static as_err block_op(struct batch *b, const struct sync_item *it, const struct received *r)
{
	struct store_op *o = batch_op(b, STORE_BLOCK, &it->log);

	if (o == NULL)
		return AS_ENOMEM;
	o->block.meta = (struct block_meta){.first = it->first,
					    .count = it->count,
					    .bytes = (uint32_t)r->block.n,
					    .keys_upto = it->keys_upto};
	memcpy(o->block.meta.root, it->head.root, 32);
	o->block.block = buf_bytes(&r->block);
	o->block.events = r->opened.events;
	o->block.leaves = (const uint8_t(*)[32])r->opened.leaves;
	o->block.fold = it->fold;
	o->block.has_parent = it->has_parent;
	o->block.parent = it->parent;
	o->block.parent_head = it->parent_head;
	return AS_OK;
}

static as_err item_op(struct batch *b, const struct sync_item *items, size_t at, const struct received *r,
		      struct items_result *ret)
{
	static const uint8_t one[1] = {1};
	const struct sync_item *it = &items[at];
	uint8_t number[4];
	struct store_op *o;

	switch (it->type) {
	case ITEM_BLOCK:
		/* head office gets back what it wrote before it was restored */
		ret->roster_anew |= b->node->home->is_hq && it->log.cls == LOG_HQ_ALL;
		return block_op(b, it, r);
	case ITEM_KEYS:
		return keys_end_before(items, at, ret) ? AS_OK : keys_op(b, it, r, at, ret);
	case ITEM_VOID:
		return void_op(b, it);
	case ITEM_ADMIT:
		return AS_OK;
	case ITEM_JOINED:
		return batch_meta(b, META_JOINED, bytes_of(one, 1));
	case ITEM_INSTANCE:
		put_be32(number, it->number);
		return batch_meta(b, META_INSTANCE, bytes_of(number, 4));
	case ITEM_REPAIR:
	case ITEM_ASIDE:
		ret->roster_anew |= it->type == ITEM_REPAIR && it->log.cls == LOG_HQ_ALL && b->node->roster_damaged;
		if ((o = batch_op(b, it->type == ITEM_REPAIR ? STORE_REPAIR : STORE_ASIDE, &it->log)) == NULL)
			return AS_ENOMEM;
		o->aside.first = it->first;
		o->aside.reason = it->reason;
		o->aside.block = buf_bytes(&r->block);
		return AS_OK;
	case ITEM_FOLD:
		return batch_op(b, STORE_FOLD, &it->log) ? AS_OK : AS_ENOMEM;
	case ITEM_RECEIPT:
		if ((o = batch_op(b, STORE_RECEIPT, &it->log)) == NULL)
			return AS_ENOMEM;
		o->receipt.head = it->head;
		memcpy(o->receipt.receipt, it->receipt, sizeof o->receipt.receipt);
		return AS_OK;
	case ITEM_CUT:
	case ITEM_END:
		if ((o = batch_op(b, it->type == ITEM_CUT ? STORE_CUT : STORE_END, &it->log)) == NULL)
			return AS_ENOMEM;
		o->cut.size = it->head.size;
		ret->roster_anew |= it->type == ITEM_CUT && it->log.cls == LOG_HQ_ALL;
		return AS_OK;
	}
	return AS_EINVAL;
}

as_err items_to_batch(struct batch *b, const struct sync_item *items, struct received *const *slots, size_t n,
		      struct items_result *ret)
{
	as_err err = AS_OK;

	as_assert(n <= SYNC_FLIGHT_MAX);
	*ret = (struct items_result){.result = COMMIT_OK};
	for (size_t i = 0; err == AS_OK && i < n; i++)
		err = item_op(b, items, i, slots[i], ret);
	return err;
}

void items_committed(struct verifier *vf, const struct sync_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].type == ITEM_CUT)
			verifier_forget(vf, &items[i].log);
}
