/*
 * What is received: check, verify, commit, answer. Verification of a log's blocks runs ahead of its commits;
 * one commit is under way at a time, and what arrived meanwhile goes into the next.
 */
#include "common/base/check.h"
#include "common/sync/core.h"

void sync_credit_end(struct sync_core *c, struct sync_session *s)
{
#ifdef BUG_9 /* planted: credit that was granted and not used is lost */
	(void)c;
#else
	c->pool += s->granted - s->received;
#endif
	s->granted = 0;
	s->received = 0;
}

void sync_credit_give(struct sync_core *c, struct sync_session *s, uint64_t bytes)
{
	as_assert(bytes <= c->pool);
	c->pool -= bytes;
	s->granted += bytes;
}

static void free_slot(struct sync_core *c, uint32_t slot)
{
	if (slot != SYNC_NO_SLOT)
		sync_emit(c, &(struct sync_out){.type = SYNC_FREE, .free = {.slot = slot}});
}

/* The item ends here, committed or not. */
static void finish(struct sync_core *c, const struct sync_item *item)
{
	c->pool += item->bytes;
	free_slot(c, item->slot);
}

void sync_refuse(struct sync_core *c, struct sync_session *s, uint32_t link, uint8_t reason,
		 const struct log_id *id, uint64_t first)
{
	struct msg m = {.type = MSG_REFUSE, .session = s ? s->their_nonce : 0};
	struct msg_refuse *r = &m.refuse;
	struct sync_log *log = NULL;

	r->reason = reason;
	r->first = first;
	if (id) {
		r->log = *id;
		log = sync_log_find(c, id);
	}
	if (reason == REFUSE_GAP && log) {
		r->points[r->points_n++] = log->row.head;
	} else if (reason == REFUSE_FORKED && log) {
		/* Its head, then the block ends at or before head - 1, 2, 4, 8 … events. */
		struct block_meta meta;
		uint64_t at = log->row.head.size;
		if (at > 0)
			r->points[r->points_n++] = log->row.head;
		for (uint64_t back = 1; back < log->row.head.size && r->points_n < REFUSE_POINTS_MAX;
		     back *= 2) {
			uint64_t index = log->row.head.size - back;
			if (index >= at)
				continue; /* the same block again */
			if (!c->env.block_at(c->env.ctx, id, index, &meta) || meta.first == 0 ||
			    !c->env.block_at(c->env.ctx, id, meta.first - 1, &meta))
				break;
			if (meta.damaged)
				continue;
			at = meta.first + meta.count;
			r->points[r->points_n] = (struct log_head){.size = at};
			memcpy(r->points[r->points_n++].root, meta.root, 32);
		}
	}
	sync_send(c, link, &m);
}

struct sync_item *sync_item_of(struct sync_core *c, uint32_t slot)
{
	for (size_t i = 0; i < c->queue_n; i++)
		if (c->queue[i].slot == slot && slot != SYNC_NO_SLOT)
			return &c->queue[i];
	return NULL;
}

bool sync_push(struct sync_core *c, const struct sync_item *item)
{
	if (c->queue_n == c->queue_cap)
		return false;
	c->queue[c->queue_n++] = *item;
	return true;
}

static void take_out(struct sync_core *c, size_t i)
{
	c->queue_n--;
	memmove(&c->queue[i], &c->queue[i + 1], (c->queue_n - i) * sizeof c->queue[0]);
}

void sync_drop(struct sync_core *c, const struct log_id *id)
{
	struct sync_log *log = sync_log_find(c, id);

	for (size_t i = 0; i < c->queue_n;) {
		struct sync_item *item = &c->queue[i];
		if (item->type == ITEM_BLOCK && !item->evidence && log_id_equal(&item->log, id)) {
			finish(c, item);
			take_out(c, i);
		} else {
			i++;
		}
	}
	if (log == NULL)
		return;
	log->in = log->row.head.size;
	for (size_t i = 0; i < c->flight_n; i++)
		if (c->flight[i].type == ITEM_BLOCK && log_id_equal(&c->flight[i].log, id) &&
		    c->flight[i].first + c->flight[i].count > log->in)
			log->in = c->flight[i].first + c->flight[i].count;
}

void sync_append_begin(struct sync_core *c, const struct log_id *id)
{
	c->appending = true;
	c->append_lost = false;
	c->append_log = *id;
}

bool sync_append_end(struct sync_core *c)
{
	bool lost = c->appending && c->append_lost;

	c->appending = false;
	c->append_lost = false;
	return lost;
}

bool sync_append_keys(const struct sync_core *c, const struct log_id *id)
{
	struct log_id keys = c->append_log;

	if (keys.cls == LOG_BULK)
		keys.cls = LOG_LIVE;
	return c->appending && log_id_equal(&keys, id);
}

void sync_drop_all(struct sync_core *c)
{
	for (size_t i = 0; i < c->queue_n; i++)
		finish(c, &c->queue[i]);
	c->queue_n = 0;
}

/* A log of which nothing is held and nothing is under way need not stand in the table. */
static void forget_empty(struct sync_core *c, const struct log_id *id)
{
	struct sync_log *log = sync_log_find(c, id);

	if (log && c->is_hq && !log_is_hq(id) && log->row.head.size == 0 && log->in == 0 &&
	    log->row.keys == 0) {
		for (size_t i = 0; i < c->queue_n; i++)
			if (log_id_equal(&c->queue[i].log, id))
				return;
		for (size_t i = 0; i < c->flight_n; i++)
			if (log_id_equal(&c->flight[i].log, id))
				return;
		sync_log_remove(c, log);
	}
}

static bool known_reason(uint8_t reason)
{
	return reason > REFUSE_NONE && reason < REFUSE_REASONS;
}

void sync_block(struct sync_core *c, struct sync_session *s, const struct msg_block *b)
{
	uint32_t link = s ? s->link : SYNC_NO_LINK;
	struct sync_item item = {.type = ITEM_BLOCK,
				 .log = b->log,
				 .slot = b->slot,
				 .link = link,
				 .session = s ? s->my_nonce : 0,
				 .first = b->first,
				 .count = b->count,
				 .bytes = (uint32_t)b->block.n};
	uint8_t refuse = REFUSE_NONE;

	if (s) {
		if (b->block.n > s->granted - s->received) { /* a repetition, or a peer that does not count */
			free_slot(c, b->slot);
			return;
		}
		s->received += b->block.n;
	} else {
		item.bytes = 0;
	}
	struct sync_log *log = sync_log_find(c, &b->log);
	/* What was ordered first is written first: only then does this fit, or not. */
	if (c->appending && log_id_equal(&b->log, &c->append_log) &&
	    b->first >= (log ? log->row.head.size : 0)) {
		c->append_lost = true;
		finish(c, &item);
		return;
	}
	if (b->block.n > BLOCK_BYTES_MAX || b->count == 0 || b->count > BLOCK_EVENTS_MAX)
		refuse = REFUSE_TOO_LARGE;
	else if (s && !sync_log_shared(&b->log, s->branch))
		refuse = REFUSE_LINK;
	else if (known_reason(b->fault))
		refuse = b->fault;
	else if (log == NULL && b->first > 0)
		refuse = REFUSE_GAP;
	else if (log == NULL && !(log = sync_log_add(c, &(struct log_row){.id = b->log, .end = LOG_NO_END})))
		refuse = REFUSE_TOO_LARGE;
	else if (log->row.end != LOG_NO_END && b->first + b->count > log->row.end &&
		 b->first >= log->row.head.size)
		refuse = REFUSE_AFTER_END; /* each of them is kept, also when those between are missing */
#ifndef BUG_2				   /* planted: a gap is accepted */
	else if (b->first > log->in)
		refuse = REFUSE_GAP;
#endif
	if ((refuse == REFUSE_NONE || refuse == REFUSE_AFTER_END) && c->now < c->full_until) {
		finish(c, &item);
		return;
	}
	if (refuse == REFUSE_AFTER_END) {
		item.type = ITEM_ASIDE;
		item.reason = REFUSE_AFTER_END;
		item.ready = true;
		c->refused_seen = true;
		sync_alarm(c, ALARM_AFTER_END, b->log.branch, &b->log, b->first);
		sync_refuse(c, s, link, REFUSE_AFTER_END, &b->log, b->first);
		if (!sync_push(c, &item))
			finish(c, &item);
		sync_kick(c);
		return;
	}
	if (refuse == REFUSE_GAP && s && log && log->no_parent == s->my_nonce) {
		finish(c, &item);
		return;
	}
	if (refuse != REFUSE_NONE) {
		c->gap_seen |= refuse == REFUSE_GAP;
		c->refused_seen |= refuse != REFUSE_GAP;
		sync_refuse(c, s, link, refuse, &b->log, b->first);
		finish(c, &item);
		return;
	}
	item.evidence = b->first < log->row.head.size;
	if (!item.evidence && b->first < log->in) { /* already under way */
		finish(c, &item);
		return;
	}
	bool fresh = b->first == log->row.head.size;
	if (!sync_push(c, &item)) {
		sync_refuse(c, s, link, REFUSE_GAP, &b->log, b->first);
		finish(c, &item);
		return;
	}
	if (!item.evidence)
		log->in = b->first + b->count;
	sync_emit(c, &(struct sync_out){.type = SYNC_VERIFY,
					.link = link,
					.verify = {.log = b->log,
						   .first = b->first,
						   .count = b->count,
						   .slot = b->slot,
						   .fresh = fresh,
						   .evidence = item.evidence && log->damaged != b->first}});
}

/* A verified block over a place that we hold: ours again, one that we want back, or evidence of a fork. */
static void evidence(struct sync_core *c, struct sync_session *s, struct sync_item *item,
		     const struct sync_verified *v)
{
	struct sync_log *log = sync_log_find(c, &item->log);
	struct block_meta m;

	as_assert(log != NULL);
	bool same = c->env.block_at(c->env.ctx, &item->log, item->first, &m) && m.first == item->first &&
		    m.count == item->count &&
		    (m.damaged ||
		     memcmp(m.root, v->head.root, sizeof m.root) == 0); /* verified whole, if asked for */
	item->ready = true;
	item->head = v->head;
	if (same && log->damaged == item->first) {
		item->type = ITEM_REPAIR;
	} else if (same) {
		struct sync_item done = *item;
		take_out(c, (size_t)(item - c->queue));
		finish(c, &done);
		if (s)
			sync_have_send(c, s, log, false);
		return;
	} else {
		item->type = ITEM_ASIDE;
		item->reason = REFUSE_FORKED;
		sync_alarm(c, ALARM_FORK, item->log.branch, &item->log, item->first);
		if (c->is_hq)
			sync_refuse(c, s, item->link, REFUSE_FORKED, &item->log, item->first);
	}
	sync_kick(c);
}

/* Does the child's parent prefix lie on what is held? A child is only taken then: a copy of a branch whose parent log went
 * another way would keep it for ever, and head office that loses it would not take it back (trace 53). */
static bool parent_held(struct sync_core *c, const struct sync_verified *v)
{
#ifdef BUG_5 /* planted: a child is taken without a look at its parent */
	(void)c;
	(void)v;
	return true;
#else
	struct sync_log *p;

	if (!v->has_parent || v->parent_head.size == 0)
		return true;
	p = sync_log_find(c, &v->parent);
	return p && p->row.head.size >= v->parent_head.size && sync_head_agrees(c, p, &v->parent_head);
#endif
}

void sync_verified(struct sync_core *c, struct sync_session *s, const struct sync_verified *v)
{
	struct sync_item *item = sync_item_of(c, v->slot);
	uint8_t reason = v->reason;

#ifdef BUG_2 /* … and what verification says of it is not heard */
	if (reason == REFUSE_GAP)
		reason = REFUSE_NONE;
#endif
	as_assert(item != NULL && !item->ready);
	if (item->evidence && reason == REFUSE_NONE) {
		evidence(c, s, item, v);
		return;
	}
	if (reason == REFUSE_NONE && item->first == 0 && !log_is_hq(&item->log) && !parent_held(c, v))
		reason = REFUSE_PARENT;
	if (reason != REFUSE_NONE) {
		struct sync_item bad = *item;
		struct sync_log *log = sync_log_find(c, &bad.log);
		if (reason == REFUSE_PARENT && s && log)
			log->no_parent = s->my_nonce;
		sync_refuse(c, s, bad.link, reason, &bad.log, bad.first);
		if (bad.evidence) {
			take_out(c, (size_t)(item - c->queue));
			finish(c, &bad);
		} else {
			sync_drop(c, &bad.log);
			forget_empty(c, &bad.log);
		}
		return;
	}
	item->ready = true;
	item->head = v->head;
	item->keys_upto = v->keys_upto;
	item->has_parent = v->has_parent;
	item->parent = v->parent;
	item->parent_head = v->parent_head;
	sync_kick(c);
}

/* Logs of a branch of which only keys are held: a branch may not fill the table with names. */
static size_t empty_logs(struct sync_core *c, const char *branch)
{
	size_t at = 0, n = 0;

	for (struct sync_log *log; (log = sync_log_next(c, branch, &at)) != NULL;)
		n += log->row.head.size == 0;
	return n;
}

static bool holds_keys(const struct sync_item *item, const struct log_id *id)
{
	return (item->type == ITEM_KEYS || item->type == ITEM_VOID) && log_id_equal(&item->log, id);
}

bool sync_keys_under_way(const struct sync_core *c, const struct log_id *id, uint64_t *ret_upto)
{
	bool any = false;

	for (size_t i = 0; i < c->flight_n + c->queue_n; i++) {
		const struct sync_item *q = i < c->flight_n ? &c->flight[i] : &c->queue[i - c->flight_n];
		if (!holds_keys(q, id))
			continue;
		any = true;
		if (ret_upto)
			*ret_upto = q->keys_upto;
	}
	return any;
}

void sync_keys(struct sync_core *c, struct sync_session *s, const struct msg_keys *k)
{
	struct sync_log *log = sync_log_find(c, &k->log);
	struct sync_item item = {.type = ITEM_KEYS,
				 .log = k->log,
				 .slot = k->slot,
				 .link = s->link,
				 .session = s->my_nonce,
				 .count = k->keys_n,
				 .ready = true};
	bool numbered = k->log.cls == LOG_LIVE || k->log.cls == LOG_HQ_BRANCH;

	if (!numbered || !sync_log_shared(&k->log, s->branch) || k->keys_n == 0 ||
	    k->keys_n > KEYS_PER_MESSAGE_MAX) {
		sync_refuse(c, s, s->link, REFUSE_LINK, &k->log, 0);
		free_slot(c, item.slot);
		return;
	}
	if (sync_append_keys(
		c, &k->log)) { /* the append may take these numbers: only then does this follow, or not */
		c->append_lost = true;
		free_slot(c, item.slot);
		return;
	}
	if (log == NULL && empty_logs(c, s->branch) < SYNC_EMPTY_MAX)
		log = sync_log_add(c, &(struct log_row){.id = k->log, .end = LOG_NO_END});
	uint64_t in = log ? log->row.keys : 0;
	bool under_way = sync_keys_under_way(c, &k->log, &in);
	if (log == NULL || k->keys[0].number != in + 1 ||
	    in - log->row.keys > SYNC_KEYS_WINDOW + KEYS_PER_MESSAGE_MAX || c->now < c->full_until) {
		if (log && !under_way)
			sync_have_send(c, s, log, false); /* a repetition or a gap: this is what is held */
		free_slot(c, item.slot);
		return;
	}
	item.first = k->keys[0].number;
	item.keys_upto = k->keys[0].number + k->keys_n - 1;
	if (!sync_push(c, &item)) {
		free_slot(c, item.slot);
		return;
	}
	sync_kick(c);
}

/* Do these key changes still follow? Not when those before them were not taken whole. */
static bool keys_follow(struct sync_core *c, const struct sync_item *item)
{
	const struct sync_log *log = sync_log_find(c, &item->log);
	uint64_t upto = log ? log->row.keys : 0;

	for (size_t i = 0; i < c->flight_n; i++)
		if (holds_keys(&c->flight[i], &item->log))
			upto = c->flight[i].keys_upto;
	return item->first == upto + 1;
}

void sync_kick(struct sync_core *c)
{
	size_t bytes = 0;

	if (c->flight_n > 0 || c->hold || c->now < c->full_until)
		return;
	for (size_t i = 0; i < c->queue_n && c->flight_n < SYNC_FLIGHT_MAX && bytes < SYNC_FLIGHT_BYTES;) {
		struct sync_item *item = &c->queue[i];
		const struct sync_log *log = item->type == ITEM_FOLD ? sync_log_find(c, &item->log) : NULL;
		if (!item->ready ||
		    (log && log->damaged != LOG_NO_END)) { /* not before it can be read again */
			i++;
			continue;
		}
		if (item->type == ITEM_KEYS && !keys_follow(c, item)) {
			const struct log_id id = item->log;
			finish(c, item);
			take_out(c, i);
			forget_empty(c, &id);
			continue;
		}
		if (item->type == ITEM_BLOCK)
			item->fold = c->role->fold(c, &item->log);
		bytes += item->bytes;
		c->flight[c->flight_n++] = *item;
		take_out(c, i);
	}
	if (c->flight_n > 0)
		sync_emit(c, &(struct sync_out){.type = SYNC_COMMIT,
						.commit = {.items = c->flight, .n = c->flight_n}});
}

void sync_ask_back(struct sync_core *c, struct sync_session *s, const struct sync_log *log)
{
	struct msg m = {.type = MSG_REFUSE, .session = s->their_nonce};

	if (!s->open)
		return;
	m.refuse = (struct msg_refuse){
	    .log = log->row.id, .reason = REFUSE_GAP, .first = log->damaged, .points_n = 1};
	m.refuse.points[0].size = log->damaged;
	sync_send(c, s->link, &m);
}

/* The store was full: blocks and keys come again from the peer, what we decided ourselves is tried again. */
static void undo(struct sync_core *c, const struct sync_item *item)
{
	switch (item->type) {
	case ITEM_BLOCK:
		sync_drop(c, &item->log);
		forget_empty(c, &item->log);
		break;
	case ITEM_FOLD:
	case ITEM_RECEIPT:
	case ITEM_VOID:
	case ITEM_END:
	case ITEM_ADMIT:
	case ITEM_JOINED:
	case ITEM_INSTANCE:
		sync_push(c, item);
		return;
	case ITEM_CUT:
		for (size_t i = 0; i < c->queue_n; i++)
			if (c->queue[i].type == ITEM_CUT && log_id_equal(&c->queue[i].log, &item->log) &&
			    c->queue[i].head.size <= item->head.size)
				return; /* a deeper cut was ordered meanwhile: behind it this one has no place
					 */
		sync_push(c, item);
		return;
	case ITEM_KEYS:
		forget_empty(c, &item->log);
		break;
	case ITEM_REPAIR:
	case ITEM_ASIDE:
		break;
	}
	finish(c, item);
}

/* The table follows what became durable. */
static void apply(struct sync_core *c, const struct sync_item *item, uint64_t keys_now)
{
	struct sync_log *log = sync_log_find(c, &item->log);

	switch (item->type) {
	case ITEM_BLOCK:
		as_assert(log != NULL);
		log->row.head = item->head;
		if (item->keys_upto > log->row.keys_need)
			log->row.keys_need = item->keys_upto;
		if (item->fold)
			log->row.folded = item->head.size;
		if (item->first == 0) {
			log->row.has_parent = item->has_parent;
			log->row.parent = item->parent;
			log->row.parent_head = item->parent_head;
		}
		break;
	case ITEM_REPAIR:
		as_assert(log != NULL);
		log->damaged = LOG_NO_END;
		sync_alarm(c, ALARM_REPAIRED, item->log.branch, &item->log, item->first);
		break;
	case ITEM_FOLD:
		as_assert(log != NULL);
		log->row.folded = log->row.head.size;
		break;
	case ITEM_RECEIPT:
		if (log && item->head.size > log->row.acked.size)
			log->row.acked = item->head;
		break;
	case ITEM_KEYS:
	case ITEM_VOID:
		as_assert(log != NULL);
		if (keys_now > log->row.keys)
			log->row.keys = keys_now;
		break;
	case ITEM_CUT:
		as_assert(log != NULL);
		log->row.head = item->head;
		log->in = item->head.size;
		break;
	case ITEM_END:
		if (log)
			log->row.end = item->head.size;
		break;
	case ITEM_ASIDE:
	case ITEM_ADMIT:
	case ITEM_JOINED:
	case ITEM_INSTANCE:
		break;
	}
}

void sync_committed(struct sync_core *c, const struct sync_committed *done)
{
	struct sync_item items[SYNC_FLIGHT_MAX];
	size_t n = c->flight_n;

	as_assert(n > 0);
	memcpy(items, c->flight, n * sizeof items[0]);
	c->flight_n = 0;
	if (done->result != COMMIT_OK) {
		c->full_until = c->now + SYNC_FULL_RETRY_MS;
#ifdef BUG_4 /* planted: a receipt for what was not committed */
		for (size_t i = 0; i < n; i++)
			if (items[i].type == ITEM_BLOCK) {
				apply(c, &items[i], 0);
				c->role->stored(c, &items[i], false);
			}
#endif
		for (size_t i = 0; i < n; i++)
			undo(c, &items[i]);
		return;
	}
	for (size_t i = 0; i < n; i++)
		c->pool += items[i].bytes;
	c->role->grant(c);
	for (size_t i = 0; i < n; i++) {
		apply(c, &items[i], items[i].type == ITEM_KEYS ? done->keys[i] : items[i].keys_upto);
		free_slot(c, items[i].slot);
		for (size_t k = i + 1; k < n && !items[i].quiet; k++)
			items[i].quiet =
			    items[k].type == items[i].type && log_id_equal(&items[k].log, &items[i].log);
	}
	for (size_t i = 0; i < n; i++)
		c->role->stored(c, &items[i], items[i].type == ITEM_KEYS && done->reseal && done->reseal[i]);
	sync_kick(c);
}
