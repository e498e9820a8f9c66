/* The world: virtual time, lines, and the shells around the cores. */
#include "tests/lib/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"

typedef unsigned long long ull;

enum event_type {
	EV_MESSAGE = 1,
	EV_VERIFIED,
	EV_COMMITTED,
	EV_CHECKED,
	EV_FORK,
	EV_CONNECT,
	EV_TICK,
	EV_APPEND
};

struct tr_event {
	uint64_t at, seq;
	enum event_type type;
	struct tr_node *node; /* whose core hears it */
	uint32_t life;
	struct tr_node *branch; /* MESSAGE: whose line */
	uint32_t link;
	struct msg *msg;
	const struct tr_block *block;
	uint8_t reason;
	uint32_t slot, generation;
	bool fresh, evidence;
	struct log_id log;
	uint64_t first;
	uint32_t n;
};

/* ---- text and failures
 * -------------------------------------------------------------------------------------------*/

static void put_text(struct tr *w, const char *s, size_t n)
{
	if (w->text_n + n + 1 > w->text_cap) {
		w->text_cap = (w->text_n + n + 1) * 2;
		w->text = realloc(w->text, w->text_cap);
		as_assert(w->text != NULL);
	}
	memcpy(w->text + w->text_n, s, n);
	w->text_n += n;
	w->text[w->text_n] = 0;
}

void tr_line(struct tr *w, const char *fmt, ...)
{
	char line[1400];
	va_list ap;
	int n =
	    snprintf(line, sizeof line, "[%7llu.%llu] ", (ull)(w->now / 1000), (ull)(w->now % 1000 / 100));

	if (w->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t end = strlen(line);
	while (end > 0 && line[end - 1] == ' ')
		end--;
	line[end++] = '\n';
	put_text(w, line, end);
}

void tr_note(struct tr *w, const char *fmt, ...)
{
	char line[1200] = "\n# ";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + 3, sizeof line - 4, fmt, ap);
	va_end(ap);
	strcat(line, "\n");
	put_text(w, line, strlen(line));
}

void tr_fail(struct tr *w, const char *fmt, ...)
{
	size_t n = strlen(w->failed);
	va_list ap;

	if (n + 2 >= sizeof w->failed)
		return;
	va_start(ap, fmt);
	vsnprintf(w->failed + n, sizeof w->failed - n - 1, fmt, ap);
	va_end(ap);
	strcat(w->failed, "\n");
}

void tr_checked(struct tr *w, bool cond, const char *what, int line)
{
	if (!cond)
		tr_fail(w, "line %d, at %llu ms: not so: %s", line, (ull)w->now, what);
}

/* ---- events
 * ------------------------------------------------------------------------------------------------------*/

static void later(struct tr *w, uint64_t ms, struct tr_event ev)
{
	size_t i = w->events_n;

	ev.at = w->now + ms;
	ev.seq = w->seq++;
	ev.life = ev.node->life;
	if (w->events_n == w->events_cap) {
		w->events_cap = w->events_cap ? w->events_cap * 2 : 64;
		w->events = realloc(w->events, w->events_cap * sizeof w->events[0]);
		as_assert(w->events != NULL);
	}
	while (i > 0 && w->events[i - 1].at > ev.at)
		i--;
	memmove(&w->events[i + 1], &w->events[i], (w->events_n - i) * sizeof w->events[0]);
	w->events[i] = ev;
	w->events_n++;
}

static struct tr_node *node_of_link(struct tr *w, uint32_t link)
{
	for (size_t i = 0; i < w->nodes_n; i++)
		if (w->nodes[i]->link == link && link != 0)
			return w->nodes[i];
	return NULL;
}

/* ---- slots
 * -------------------------------------------------------------------------------------------------------*/

static uint32_t slot_take(struct tr_node *n)
{
	for (uint32_t i = 0; i < TR_SLOTS; i++)
		if (!n->slots[i].used) {
			uint32_t generation = n->slots[i].generation + 1;
			n->slots[i] = (struct tr_slot){.used = true, .generation = generation};
			return i;
		}
	as_abort(__FILE__, __LINE__, "out of slots");
}

static void slot_free(struct tr_node *n, uint32_t slot)
{
	if (slot >= TR_SLOTS || !n->slots[slot].used)
		tr_fail(n->w, "%s: slot %u was given back twice", n->name, slot);
	else
		n->slots[slot].used = false;
}

/* ---- what the core sees of the store
 * -----------------------------------------------------------------------------*/

static bool block_at(void *ctx, const struct log_id *id, uint64_t index, struct block_meta *ret_meta)
{
	struct tr_node *n = ctx;
	struct tr_log *log = tr_store_log(&n->store, id);
	const struct tr_stored *s = log ? tr_store_at(log, index) : NULL;

	if (s == NULL)
		return false;
	*ret_meta = (struct block_meta){
	    .first = s->b->first, .count = s->b->count, .bytes = s->b->bytes, .keys_upto = s->b->keys_upto};
	memcpy(ret_meta->root, s->b->root, 32);
	if (s->unread)
		*ret_meta = (struct block_meta){.first = s->b->first, .count = s->b->count, .damaged = true};
	return true;
}

static bool receipt_ok(void *ctx, const struct log_id *log, const struct log_head *head,
		       const uint8_t receipt[76])
{
	uint8_t want[76];

	(void)ctx;
	tr_receipt(log, head, want);
	return memcmp(want, receipt, sizeof want) == 0;
}

static void on_out(void *ctx, const struct sync_out *out)
{
	struct tr_node *n = ctx;

	as_assert(n->outs_n < TR_OUTS);
	n->outs[n->outs_n] = *out;
	if (out->type == SYNC_SEND) {
		n->msgs[n->outs_n] = *out->send.msg;
		n->outs[n->outs_n].send.msg = &n->msgs[n->outs_n];
	}
	n->outs_n++;
}

/* ---- the line
 * ----------------------------------------------------------------------------------------------------*/

static void flush(struct tr_node *n);

static const struct tr_fault *fault_for(struct tr_node *branch, bool to_hq, uint8_t type)
{
	static struct tr_fault found;

	for (size_t i = 0; i < branch->faults_n; i++) {
		struct tr_fault *f = &branch->faults[i];
		if (f->to_hq != to_hq || (f->type != 0 && f->type != type))
			continue;
		if (f->skip-- > 0)
			return NULL;
		found = *f;
		memmove(f, f + 1, (branch->faults_n - i - 1) * sizeof *f);
		branch->faults_n--;
		return &found;
	}
	return NULL;
}

static void carry(struct tr_node *from, struct tr_node *to, struct tr_node *branch, const struct msg *m,
		  const struct tr_block *block)
{
	struct tr *w = from->w;
	bool to_hq = to->is_hq;
	const struct tr_fault *f = fault_for(branch, to_hq, m->type);
	uint64_t start = branch->busy[to_hq] > w->now ? branch->busy[to_hq] : w->now;
	uint64_t took = branch->rate ? tr_msg_bytes(m) * 1000 / branch->rate : 0;
	struct tr_event ev = {
	    .type = EV_MESSAGE, .node = to, .branch = branch, .link = branch->link, .block = block};
	char fate[80] = "";

	branch->busy[to_hq] = start + took;
	uint64_t ms = start + took + TR_LATENCY_MS - w->now;
	if (f && f->kind == TR_LATE)
		ms += f->value;
	if (f && f->kind == TR_REASON)
		ev.reason = (uint8_t)f->value;
	if (branch->silent || (f && f->kind == TR_DROP))
		snprintf(fate, sizeof fate, "   (lost)");
	else if (f && f->kind == TR_TWICE)
		snprintf(fate, sizeof fate, "   (arrives twice)");
	else if (f && f->kind == TR_REASON)
		snprintf(fate, sizeof fate, "   (%s on the way)", sync_refuse_name(ev.reason));
	else if (ms >= 1000 || (f && f->kind == TR_LATE))
		snprintf(fate, sizeof fate, "   (arrives at %llu.%llu)", (ull)((w->now + ms) / 1000),
			 (ull)((w->now + ms) % 1000 / 100));
	tr_line(w, "%-6s-> %-6s%s%s", from->name, to->name, tr_msg_text(w, m, branch->code), fate);
	if (branch->silent || (f && f->kind == TR_DROP))
		return;
	for (int i = f && f->kind == TR_TWICE ? 2 : 1; i > 0; i--) {
		ev.msg = tr_alloc(w, sizeof *m);
		*ev.msg = *m;
		if (m->type == MSG_KEYS) {
			ev.msg->keys.keys = tr_alloc(w, m->keys.keys_n * sizeof m->keys.keys[0]);
			memcpy(ev.msg->keys.keys, m->keys.keys, m->keys.keys_n * sizeof m->keys.keys[0]);
		}
		later(w, ms, ev);
	}
}

static void arrive(struct tr_event *ev)
{
	struct tr_node *n = ev->node;
	struct msg *m = ev->msg;

	if (!n->on || ev->branch->link != ev->link)
		return;
	if (m->type == MSG_BLOCK || m->type == MSG_KEYS) {
		uint32_t slot = slot_take(n);
		if (m->type == MSG_BLOCK) {
			n->slots[slot].b = ev->block;
			n->slots[slot].reason = ev->reason;
			m->block.slot = slot;
		} else {
			n->slots[slot].keys_n = m->keys.keys_n;
			memcpy(n->slots[slot].keys, m->keys.keys, m->keys.keys_n * sizeof m->keys.keys[0]);
			m->keys.slot = slot;
		}
	}
	if (!n->is_hq) {
		branch_core_recv(n->branch, n->w->now, m);
	} else {
		struct hq_link link = {
		    .link = ev->link, .kind = ev->branch->kind, .token = ev->branch->token};
		memcpy(link.branch, ev->branch->code, sizeof link.branch);
		if (link.kind == SYNC_LINK_NODE)
			for (size_t i = 0; i < n->store.nodes_n; i++)
				link.ended |=
				    memcmp(n->store.nodes[i].branch, link.branch, BRANCH_CODE_MAX) == 0 &&
				    (n->store.nodes[i].ended >> ev->branch->identity & 1) != 0;
		hq_core_recv(n->hq, n->w->now, &link, m);
	}
	flush(n);
}

/* The connection ends: what is on its way is lost, both sides hear of it. */
static void hang_up(struct tr_node *branch, bool tell_branch)
{
	struct tr *w = branch->w;
	uint32_t link = branch->link;

	branch->link = 0;
	branch->busy[0] = branch->busy[1] = 0;
	if (link == 0)
		return;
	if (w->hq->on) {
		hq_core_link_down(w->hq->hq, w->now, link);
		flush(w->hq);
	}
	if (tell_branch && branch->on) {
		branch_core_link_down(branch->branch, w->now);
		flush(branch);
	}
}

/* Does head office know a key of this branch's node (also an ended one), or its token? */
static bool admitted(struct tr_node *n, enum sync_link kind)
{
	struct tr_store *st = &n->w->hq->store;

	if (kind == SYNC_LINK_NODE) {
		for (size_t i = 0; i < st->nodes_n; i++)
			if (memcmp(st->nodes[i].branch, n->code, BRANCH_CODE_MAX) == 0)
				return n->identity == st->nodes[i].identity ||
				       (st->nodes[i].ended >> n->identity & 1) != 0;
		return false;
	}
	for (size_t i = 0; i < n->w->hq->hq->tokens_n; i++)
		if (n->w->hq->hq->tokens[i].number == n->token)
			return true;
	return false;
}

static void try_connect(struct tr_node *n, enum sync_link kind)
{
	struct tr *w = n->w;

	if (!n->line || !w->hq->on || (!n->silent && !admitted(n, kind))) {
		if (n->line && w->hq->on)
			tr_line(w, "%-6s   head office does not know this %s", n->name,
				kind == SYNC_LINK_NODE ? "node's key" : "token");
		branch_core_link_down(n->branch, w->now);
		flush(n);
		return;
	}
	n->link = ++w->links;
	n->kind = kind;
	n->busy[0] = n->busy[1] = 0;
	tr_line(w, "%-6slink up, by its %s", n->name, kind == SYNC_LINK_NODE ? "own key" : "token");
	uint8_t random[16 - SYNC_RUN_START];
	put_be64(random, n->link);
	branch_core_link_up(n->branch, w->now, n->link, kind, random);
	flush(n);
}

/* ---- the store's side
 * --------------------------------------------------------------------------------------------*/

static void verify(struct tr_node *n, struct tr_event *ev)
{
	struct tr_slot *slot = &n->slots[ev->slot];
	struct sync_verified v = {.slot = ev->slot, .reason = slot->reason};
	struct tr_log *log = tr_store_log(&n->store, &ev->log);
	struct tr_frontier *at = NULL;
	const struct tr_block *b = slot->b;
	uint8_t name[LOG_ID_BYTES], root[32];

	if (!slot->used || slot->generation != ev->generation)
		return;
	for (size_t i = 0; i < n->verified_n && at == NULL; i++)
		if (log_id_equal(&n->verified[i].log, &ev->log))
			at = &n->verified[i];
	if (at == NULL) {
		as_assert(n->verified_n < TR_HQ_LOGS);
		at = &n->verified[n->verified_n++];
		*at = (struct tr_frontier){.log = ev->log};
	}
	if (log && log->row.head.size > 0) {
		memcpy(root, log->row.head.root, 32);
	} else {
		log_id_put(&ev->log, name);
		as_sha256(name, sizeof name, root);
	}
	/* a block that was asked back stands over a place that is held: its own history is the frontier there
	 */
	bool held = ev->evidence || (log && b->first < log->row.head.size);
	if (v.reason == REFUSE_NONE && !held && memcmp(ev->fresh ? root : at->root, b->before, 32) != 0)
		v.reason = REFUSE_DAMAGED;
	if (v.reason == REFUSE_NONE) {
		v.head.size = b->first + b->count;
		memcpy(v.head.root, b->root, 32);
		v.keys_upto = b->keys_upto;
		v.has_parent = b->first == 0 && b->has_parent;
		v.parent = b->parent;
		v.parent_head = b->parent_head;
		if (!held)
			memcpy(at->root, b->root, 32);
	} else {
		tr_line(n->w, "%-6sverify  %s %llu..%llu: %s", n->name, tr_log_text(n->w, &b->log, n->code),
			(ull)b->first, (ull)(b->first + b->count - 1), sync_refuse_name(v.reason));
	}
	if (n->is_hq)
		hq_core_verified(n->hq, n->w->now, &v);
	else
		branch_core_verified(n->branch, n->w->now, &v);
	flush(n);
}

/* Head office: what is receipted follows from what is held. */
static void store_receipts(struct tr_store *st)
{
	for (size_t i = 0; i < st->n; i++) {
		struct log_row *row = &st->logs[i].row;
		struct log_id live = row->id;
		live.cls = LOG_LIVE;
		struct tr_log *keys = log_is_hq(&row->id) ? NULL : tr_store_log(st, &live);
		if (keys && row->keys_need <= keys->row.keys && row->head.size > row->acked.size)
			row->acked = row->head;
	}
}

/* Takes numbered key changes up to the first that must be sealed again. */
static bool store_keys(struct tr_node *n, struct tr_log *log, const struct tr_slot *slot)
{
	for (uint32_t i = 0; i < slot->keys_n; i++) {
		const struct wire_key *k = &slot->keys[i];
		if (k->number > log->row.keys + 1)
			return true; /* those before it, in the same commit, ended early */
		if (k->number != log->row.keys + 1)
			continue;
		if (n->is_hq && k->op == KEY_PUT && k->transport != n->store.transport) {
			tr_line(n->w, "%-6s         key %llu is sealed to an old transport key: not taken",
				n->name, (ull)k->number);
			return true;
		}
		uint32_t subject = get_be32(k->subject);
		bool dead = k->op == KEY_PUT && tr_store_dead(&n->store, subject);
		if (dead)
			tr_line(n->w, "%-6s         key %llu is under a tombstone: it counts as held",
				n->name, (ull)k->number);
		if (k->op == KEY_TOMBSTONE && !tr_store_dead(&n->store, subject))
			n->store.dead[n->store.dead_n++] = subject;
		tr_store_key(n->w, log, k->op, subject);
	}
	return false;
}

static void store_item(struct tr_node *n, const struct sync_item *i, uint64_t *ret_keys, bool *ret_reseal)
{
	struct tr *w = n->w;
	struct tr_store *st = &n->store;
	struct tr_log *log = i->log.cls ? tr_store_add(w, st, &i->log) : NULL;

	switch (i->type) {
	case ITEM_BLOCK:
		tr_store_append(w, log, n->slots[i->slot].b);
		if (memcmp(log->row.head.root, i->head.root, 32) != 0)
			tr_fail(w, "%s: committed another root than was verified", n->name);
		if (!i->fold)
			log->row.folded = i->first;
		break;
	case ITEM_REPAIR:
		for (size_t k = 0; k < log->n; k++)
			if (log->blocks[k].b->first == i->first)
				log->blocks[k].rotten = log->blocks[k].unread = false;
		break;
	case ITEM_FOLD:
		log->row.folded = log->row.head.size;
		break;
	case ITEM_RECEIPT:
		if (i->head.size > log->row.acked.size)
			log->row.acked = i->head;
		break;
	case ITEM_KEYS:
		*ret_reseal = store_keys(n, log, &n->slots[i->slot]);
		*ret_keys = log->row.keys;
		break;
	case ITEM_VOID:
		while (log->row.keys < i->keys_upto)
			tr_store_key(w, log, KEY_VOID, 0);
		break;
	case ITEM_CUT:
		if (i->head.size > log->row.head.size)
			tr_fail(w, "%s: a cut at %llu of a log that holds %llu", n->name, (ull)i->head.size,
				(ull)log->row.head.size);
		tr_store_cut(log, &i->head);
		break;
	case ITEM_ASIDE:
		as_assert(st->aside_n < AS_COUNT(st->aside));
		st->aside[st->aside_n++] = (struct tr_aside){.b = n->slots[i->slot].b, .reason = i->reason};
		break;
	case ITEM_END:
		log->row.end = i->head.size;
		break;
	case ITEM_ADMIT:
		for (size_t k = 0; k < st->tokens_n; k++)
			if (st->tokens[k].number == i->number) {
				const struct msg_join *j = hq_core_join(n->hq, i->number);
				size_t at = 0;
				st->tokens[k].state = TOKEN_USED;
				st->tokens[k].join = *j;
				while (at < st->nodes_n &&
				       memcmp(st->nodes[at].branch, j->branch, BRANCH_CODE_MAX) != 0)
					at++;
				if (at == st->nodes_n)
					st->nodes_n++;
				memcpy(st->nodes[at].branch, j->branch, BRANCH_CODE_MAX);
				st->nodes[at].identity = j->identity[0];
			}
		break;
	case ITEM_JOINED:
		st->joined = true;
		break;
	case ITEM_INSTANCE:
		st->instance = i->number;
		break;
	}
}

static bool needs_room(const struct sync_item *i)
{
	return i->type == ITEM_BLOCK || i->type == ITEM_KEYS || i->type == ITEM_ASIDE;
}

static void commit(struct tr_node *n)
{
	struct tr *w = n->w;
	const struct sync_item *items = n->core->flight;
	uint64_t keys[SYNC_FLIGHT_MAX] = {0};
	bool reseal[SYNC_FLIGHT_MAX] = {0};
	struct sync_committed done = {.result = COMMIT_OK, .keys = keys, .reseal = reseal};
	size_t count = n->core->flight_n;

	for (size_t i = 0; i < count; i++)
		if (n->full && needs_room(&items[i]))
			done.result = COMMIT_FULL;
	if (n->full_once)
		done.result = COMMIT_FULL;
	n->full_once = false;
	if (done.result == COMMIT_FULL)
		tr_line(w, "%-6sstore is full, nothing is committed", n->name);
	for (size_t i = 0; i < count && done.result == COMMIT_OK; i++) {
		const char *text = tr_item_text(w, &items[i], n->code, n->slots);
		tr_line(w, "%-6scommit  %s", n->name, text);
		store_item(n, &items[i], &keys[i], &reseal[i]);
	}
	if (n->is_hq) {
		store_receipts(&n->store);
		hq_core_committed(n->hq, w->now, &done);
	} else {
		branch_core_committed(n->branch, w->now, &done);
	}
	flush(n);
}

static void check_stored(struct tr_node *n, const struct tr_event *ev)
{
	struct tr_log *log = tr_store_log(&n->store, &ev->log);
	const struct tr_stored *s = log ? tr_store_at(log, ev->first) : NULL;
	bool sound = s && !s->rotten;

	tr_line(n->w, "%-6scheck   stored block %s %llu: %s", n->name, tr_log_text(n->w, &ev->log, n->code),
		(ull)ev->first, sound ? "sound" : "damaged");
	if (n->is_hq)
		hq_core_checked(n->hq, n->w->now, &ev->log, ev->first, sound);
	else
		branch_core_checked(n->branch, n->w->now, &ev->log, ev->first, sound);
	flush(n);
}

/* ---- recording at a branch
 * ---------------------------------------------------------------------------------------*/

static struct tr_log *live_of(struct tr_node *n, const struct log_id *id)
{
	struct log_id live = *id;

	live.cls = LOG_LIVE;
	return tr_store_add(n->w, &n->store, &live);
}

/* Appends one block with events (numbers, or 0 for LOG_OPENED). */
static struct tr_block *write_block(struct tr_node *n, const struct log_id *id, const uint32_t *events,
				    uint32_t count, uint32_t bytes)
{
	uint64_t keys = live_of(n, id)->row.keys;
	struct tr_log *log = tr_store_add(n->w, &n->store, id);
	struct tr_block *b = tr_block_make(n->w, log, events, count, bytes, keys);

	tr_line(n->w, "%-6sappend  %s %llu..%llu", n->name, tr_log_text(n->w, id, n->code), (ull)b->first,
		(ull)(b->first + count - 1));
	return b;
}

static void appended(struct tr_node *n, const struct log_id *id)
{
	struct log_row row = tr_store_log(&n->store, id)->row;

	branch_core_appended(n->branch, n->w->now, &row);
}

static uint32_t new_event(struct tr *w, const struct tr_node *by)
{
	uint32_t e = ++w->next_event;

	if (e >= w->accepted_cap) {
		w->accepted_cap = (e + 1) * 2;
		w->accepted = realloc(w->accepted, w->accepted_cap * sizeof w->accepted[0]);
		as_assert(w->accepted != NULL);
	}
	w->accepted[e] = by->is_hq ? 0 : (uint32_t)(by->identity + 1);
	return e;
}

static void record(struct tr_node *n, const struct log_id *id, const struct tr_want *want,
		   const struct sync_out *open)
{
	struct tr *w = n->w;
	uint32_t *events = tr_alloc(w, (want ? want->count + 1 : 1) * sizeof events[0]);
	uint32_t count = 0;

	if (open) {
		tr_line(w, "%-6sopen    %s%s%s", n->name, tr_log_text(w, id, n->code),
			open->open.has_parent ? ", child of " : "",
			open->open.has_parent ? tr_log_text(w, &open->open.parent, n->code) : "");
		events[count++] = 0;
	}
	for (uint32_t i = 0; want && i < want->keys; i++)
		tr_store_key(w, live_of(n, id), KEY_PUT, ++w->next_subject);
	for (uint32_t i = 0; want && i < want->count; i++)
		events[count++] = new_event(w, n);
	struct tr_block *b = write_block(n, id, events, count, want ? want->bytes : 300);
	if (open) {
		b->has_parent = open->open.has_parent;
		b->parent = open->open.parent;
		b->parent_head = open->open.parent_head;
		if (id->cls == LOG_LIVE) {
			n->store.has_open = true;
			n->store.open = *id;
		}
	}
	struct tr_log *log = tr_store_add(w, &n->store, id);
	tr_store_append(w, log, b);
	appended(n, id);
	if (want && want->keys > 0 && id->cls == LOG_BULK)
		branch_core_keys(n->branch, w->now, live_of(n, id)->row.keys);
}

static void want_done(struct tr_node *n)
{
	n->wants_n--;
	memmove(&n->wants[0], &n->wants[1], n->wants_n * sizeof n->wants[0]);
}

/* Asks the core for the first thing to be recorded. */
static void try_want(struct tr_node *n)
{
	uint8_t random[16];

	if (!n->on || n->wants_n == 0)
		return;
	if (n->full) {
		tr_line(n->w, "%-6sNOT recorded: store full, %u events", n->name, n->wants[0].count);
		n->refused_local += n->wants[0].count;
		want_done(n);
		return;
	}
	rng_fill(&n->w->rng, random, sizeof random);
	branch_core_want(n->branch, n->w->now, n->wants[0].cls, random);
	flush(n);
}

static void append(struct tr_node *n, const struct log_id *log)
{
	struct tr_want want = n->wants[0];

	want_done(n);
	record(n, log, &want, NULL);
	try_want(n);
}

static void on_append(struct tr_node *n, const struct sync_out *out)
{
	if (out->append.verdict == APPEND_WAIT) {
		if (!n->wants[0].said)
			tr_line(n->w, "%-6sappend  waits for head office's word", n->name);
		n->wants[0].said = true;
		return;
	}
	if (n->append_ms > 0) {
		later(n->w, n->append_ms,
		      (struct tr_event){.type = EV_APPEND, .node = n, .log = out->append.log});
		return;
	}
	append(n, &out->append.log);
}

static void on_open(struct tr_node *n, const struct sync_out *out)
{
	struct tr_want want = n->wants_n > 0 ? n->wants[0] : (struct tr_want){0};
	bool fits = n->wants_n > 0 && want.cls == out->open.log.cls;

	if (fits)
		want_done(n);
	record(n, &out->open.log, fits ? &want : NULL, out);
	try_want(n);
}

/* ---- fork
 * --------------------------------------------------------------------------------------------------------*/

static struct branch_start start_of(struct tr_node *n, struct log_row *rows)
{
	struct branch_start start = {.rows = rows,
				     .rows_n = n->store.n,
				     .has_open = n->store.has_open,
				     .open = n->store.open,
				     .joined = n->store.joined,
				     .first_number = n->first_number,
				     .instance = n->store.instance,
				     .transport = n->store.transport};

	for (size_t i = 0; i < n->store.n; i++)
		rows[i] = n->store.logs[i].row;
	memcpy(start.join.branch, n->code, sizeof start.join.branch);
	start.join.identity[0] = n->identity;
	start.join.live = n->store.open;
	return start;
}

/* What a class loses by the cuts, in the old order; the logs become shorter. */
static uint32_t cut_class(struct tr_node *n, uint8_t cls, const struct sync_log *logs, size_t logs_n,
			  uint32_t *events, uint32_t cap)
{
	uint32_t count = 0;

	for (size_t i = 0; i < logs_n; i++) {
		const struct sync_log *l = &logs[i];
		struct tr_log *log = tr_store_log(&n->store, &l->row.id);
		struct log_head to = {.size = l->cut_to};
		if (l->row.id.cls != cls || l->cut_to == LOG_NO_END || log == NULL ||
		    log->row.head.size <= l->cut_to)
			continue;
		for (size_t k = 0; k < log->n; k++) {
			const struct tr_block *b = log->blocks[k].b;
			if (b->first + b->count == to.size)
				memcpy(to.root, b->root, 32);
			for (uint32_t e = 0; b->first >= to.size && !log->blocks[k].rotten && e < b->count;
			     e++)
				if (b->events[e] != 0) {
					as_assert(count < cap);
					events[count++] = b->events[e];
				}
		}
		tr_line(n->w, "%-6scut     %s to %llu", n->name, tr_log_text(n->w, &l->row.id, n->code),
			(ull)to.size);
		tr_store_cut(log, &to);
	}
	return count;
}

/* Cases reach into a block that the cuts leave and that cannot be read: the store takes nothing. */
static bool fork_refused(struct tr_node *n, const struct sync_out *out)
{
	bool refused = false;

	for (size_t i = 0; i < out->fork.n; i++) {
		struct log_id id = out->fork.logs[i].row.id;
		const struct tr_log *log = tr_store_log(&n->store, &id);
		for (size_t k = 0; log && !log_is_hq(&id) && k < log->n; k++) {
			uint64_t first = log->blocks[k].b->first;
			if (!log->blocks[k].rotten || first >= out->fork.logs[i].cut_to)
				continue;
			tr_line(n->w, "%-6sstore refuses the fork: block %s %llu is damaged", n->name,
				tr_log_text(n->w, &id, n->code), (ull)first);
			branch_core_checked(n->branch, n->w->now, &id, first, false);
			refused = true;
		}
	}
	if (refused)
		as_assert(branch_core_not_forked(n->branch, n->w->now));
	return refused;
}

static void fork_off(struct tr_node *n, const struct sync_out *out)
{
	if (fork_refused(n, out))
		return;

	struct tr *w = n->w;
	struct log_id child = {.cls = LOG_LIVE, .number = out->fork.number};
	bool has[2] = {false, false};
	struct log_id parent[2];
	struct log_head parent_head[2];
	uint32_t *events = tr_alloc(w, 8192 * sizeof events[0]);
	uint64_t keys = 0, kept = 0;

	memcpy(child.branch, n->code, sizeof child.branch);
	rng_fill(&w->rng, child.inc, sizeof child.inc);
	for (int k = 0; k < 2; k++)
		has[k] = branch_core_parent(
		    n->branch, &(struct log_id){.cls = k == 0 ? LOG_LIVE : LOG_BULK, .number = child.number},
		    &parent[k], &parent_head[k]);
	struct tr_log *old = tr_store_log(&n->store, &n->store.open);
	keys = old ? old->row.keys : 0;
	for (int k = 0; k < 2; k++) {
		uint8_t cls = k == 0 ? LOG_LIVE : LOG_BULK;
		events[0] = 0;
		uint32_t count = 1 + cut_class(n, cls, out->fork.logs, out->fork.n, events + 1, 8191);
		old = tr_store_log(&n->store, &n->store.open);
		kept = old ? old->row.keys_need : 0;
		if (cls == LOG_BULK && count == 1)
			continue;
		child.cls = cls;
		tr_line(w, "%-6sopen    %s%s%s", n->name, tr_log_text(w, &child, n->code),
			has[k] ? ", child of " : "", has[k] ? tr_log_text(w, &parent[k], n->code) : "");
		/* Keys of customers that stand in what was cut go on under the child's numbers. */
		for (uint64_t i = kept; cls == LOG_LIVE && i < keys; i++) {
			struct tr_key key = tr_store_log(&n->store, &n->store.open)->keys[i];
			tr_store_key(w, live_of(n, &child), key.op, key.subject);
		}
		if (cls == LOG_LIVE && kept < keys)
			tr_store_log(&n->store, &n->store.open)->row.keys = kept;
		struct tr_block *b = write_block(n, &child, events, count, 300 + count * 60);
		b->has_parent = has[k];
		b->parent = parent[k];
		b->parent_head = parent_head[k];
		tr_store_append(w, tr_store_add(w, &n->store, &child), b);
	}
	child.cls = LOG_LIVE;
	n->store.has_open = true;
	n->store.open = child;
	struct branch_start start = start_of(n, tr_alloc(w, (n->store.n + 1) * sizeof(struct log_row)));
	start.ours = true;
	branch_core_forked(n->branch, w->now, &start);
}

/* ---- outputs
 * -----------------------------------------------------------------------------------------------------*/

static void fill_keys(struct tr_node *n, struct msg_keys *k, uint64_t after, uint32_t transport)
{
	struct tr_log *log = tr_store_log(&n->store, &k->log);

	as_assert(log && after + k->keys_n <= log->row.keys);
	k->keys = tr_alloc(n->w, k->keys_n * sizeof k->keys[0]);
	for (uint32_t i = 0; i < k->keys_n; i++) {
		const struct tr_key *key = &log->keys[after + i];
		k->keys[i] =
		    (struct wire_key){.number = after + i + 1, .op = key->op, .transport = transport};
		put_be32(k->keys[i].subject, key->subject);
		if (key->op == KEY_PUT && tr_store_dead(&n->store, key->subject))
			k->keys[i].op = KEY_VOID;
	}
}

/* What head office says to have receipted is durable, keys included (invariant 2). */
static void check_receipt(struct tr_node *n, const struct msg_have *h)
{
	struct tr_log *log = tr_store_log(&n->store, &h->log);
	const struct tr_stored *s = log ? tr_store_at(log, h->head.size - 1) : NULL;
	struct log_id live = h->log;

	live.cls = LOG_LIVE;
	struct tr_log *keys = tr_store_log(&n->store, &live);
	if (s == NULL || s->b->first + s->b->count != h->head.size ||
	    memcmp(s->b->root, h->head.root, 32) != 0)
		tr_fail(n->w, "a receipt for what is not durable, at %llu ms", (ull)n->w->now);
	else if (keys == NULL || keys->row.keys < s->b->keys_upto)
		tr_fail(n->w, "a receipt without the keys, at %llu ms", (ull)n->w->now);
}

static void on_send(struct tr_node *n, const struct sync_out *out, struct msg *m)
{
	struct tr_node *branch = n->is_hq ? node_of_link(n->w, out->link) : n;
	const struct tr_block *block = NULL;

	if (m->type == MSG_BLOCK) {
		struct tr_log *log = tr_store_log(&n->store, &m->block.log);
		const struct tr_stored *s = log ? tr_store_at(log, m->block.first) : NULL;
		if (s == NULL || s->b->first != m->block.first)
			return;
		block = s->b;
		m->block.block = bytes_of(block, block->bytes);
		n->sent_blocks++;
		if (s->rotten && branch && branch->faults_n < TR_FAULTS)
			tr_fault(branch, !n->is_hq, TR_REASON, MSG_BLOCK, 0, REFUSE_DAMAGED);
	} else if (m->type == MSG_KEYS) {
		fill_keys(n, &m->keys, out->send.keys_after, out->send.transport);
	} else if (m->type == MSG_HAVE && m->have.receipted) {
		tr_receipt(&m->have.log, &m->have.head, m->have.receipt);
		check_receipt(n, &m->have);
	} else if (m->type == MSG_HELLO && n->wire_max != 0) {
		m->hello.wire_min = n->wire_min;
		m->hello.wire_max = n->wire_max;
	}
	if (branch == NULL || branch->link == 0 || branch->link != out->link)
		return; /* the link went down meanwhile */
	carry(n, n->is_hq ? branch : n->w->hq, branch, m, block);
}

static void on_alarm(struct tr_node *n, const struct sync_out *out)
{
	n->w->alarms[out->alarm.what]++;
	tr_line(n->w, "%-6sALARM   %s", n->name, tr_alarm_text(n->w, out, n->is_hq ? NULL : n->code));
}

static void on_verify(struct tr_node *n, const struct sync_out *out)
{
	struct tr_slot *slot = &n->slots[out->verify.slot];

	as_assert(slot->used && slot->b != NULL);
	later(n->w, 0,
	      (struct tr_event){.type = EV_VERIFIED,
				.node = n,
				.slot = out->verify.slot,
				.generation = slot->generation,
				.log = out->verify.log,
				.fresh = out->verify.fresh,
				.evidence = out->verify.evidence});
}

static void on_connect(struct tr_node *n, const struct sync_out *out)
{
	uint64_t ms = out->connect.at_ms > n->w->now ? out->connect.at_ms - n->w->now : 0;

	if (n->line)
		tr_line(n->w, "%-6sconnect again at %llu.%llu, by its %s", n->name,
			(ull)(out->connect.at_ms / 1000), (ull)(out->connect.at_ms % 1000 / 100),
			out->connect.kind == SYNC_LINK_NODE ? "own key" : "token");
	hang_up(n, false);
	later(
	    n->w, ms,
	    (struct tr_event){.type = EV_CONNECT, .node = n, .link = out->connect.kind, .n = ++n->connect_n});
}

static void on_output(struct tr_node *n, const struct sync_out *out, struct msg *m)
{
	switch (out->type) {
	case SYNC_SEND:
		on_send(n, out, m);
		break;
	case SYNC_VERIFY:
		on_verify(n, out);
		break;
	case SYNC_COMMIT:
		later(n->w, TR_COMMIT_MS, (struct tr_event){.type = EV_COMMITTED, .node = n});
		break;
	case SYNC_FREE:
		slot_free(n, out->free.slot);
		break;
	case SYNC_CHECK:
		later(n->w, TR_CHECK_MS,
		      (struct tr_event){
			  .type = EV_CHECKED, .node = n, .log = out->verify.log, .first = out->verify.first});
		break;
	case SYNC_CONNECT:
		on_connect(n, out);
		break;
	case SYNC_APPEND:
		on_append(n, out);
		break;
	case SYNC_OPEN:
		on_open(n, out);
		break;
	case SYNC_FORK: /* the store does one thing after the other */
		n->fork = *out;
		later(n->w, TR_COMMIT_MS, (struct tr_event){.type = EV_FORK, .node = n});
		break;
	case SYNC_ALARM:
		on_alarm(n, out);
		break;
	}
}

static void print_state(struct tr *w, const char *who, enum sync_state *old, enum sync_state now, bool known)
{
	if (known && *old == now)
		return;
	if (known)
		tr_line(w, "%-6sstate   %s -> %s", who, sync_state_name(*old), sync_state_name(now));
	else
		tr_line(w, "%-6sstate   %s", who, sync_state_name(now));
	*old = now;
}

static void hq_states(struct tr *w)
{
	static const char *const names[] = {"serving", "recovering", "rolled-back"};
	struct hq_core *h = w->hq->hq;

	if (h->state != w->hq_state)
		tr_line(w, "%-6sstate   %s -> %s", w->hq->name, names[w->hq_state], names[h->state]);
	w->hq_state = h->state;
	for (size_t i = 0; i < h->nodes_n; i++) {
		size_t k = 0;
		char who[24];
		while (k < w->hq_states_n &&
		       memcmp(w->hq_state_of[k], h->nodes[i].branch, BRANCH_CODE_MAX) != 0)
			k++;
		snprintf(who, sizeof who, "hq: %.8s ", h->nodes[i].branch);
		bool known = k < w->hq_states_n;
		if (!known) {
			memcpy(w->hq_state_of[k], h->nodes[i].branch, BRANCH_CODE_MAX);
			w->hq_states_n++;
		}
		print_state(w, who, &w->hq_states[k], hq_core_state(h, h->nodes[i].branch, w->now), known);
	}
}

static void states(struct tr_node *n)
{
	if (!n->on)
		return;
	if (n->is_hq) {
		hq_states(n->w);
		return;
	}
	print_state(n->w, n->name, &n->state, branch_core_state(n->branch, n->w->now), n->has_state);
	n->has_state = true;
}

/* Carries out what a step gave, in order; what that leads to comes after it. */
static void flush(struct tr_node *n)
{
	if (n->flushing)
		return; /* further up in the call chain */
	n->flushing = true;
	for (size_t i = 0; i < n->outs_n; i++) {
		struct sync_out out = n->outs[i];
		struct msg *m = &n->msgs[i];
		on_output(n, &out, m);
	}
	n->outs_n = 0;
	n->flushing = false;
	states(n);
}

/* Head office's block is durable, and now the core hears of it. */
static void hq_appended(struct tr_node *n, const struct log_id *id)
{
	struct log_row row = tr_store_log(&n->store, id)->row;

	hq_core_appended(n->hq, n->w->now, &row);
	flush(n);
}

/* ---- time
 * --------------------------------------------------------------------------------------------------------*/

static void tick(struct tr_node *n)
{
	if (n->is_hq)
		hq_core_tick(n->hq, n->w->now);
	else
		branch_core_tick(n->branch, n->w->now);
	flush(n);
	if (!n->is_hq)
		try_want(n);
	later(n->w, TR_TICK_MS, (struct tr_event){.type = EV_TICK, .node = n});
}

static void happen(struct tr_event *ev)
{
	struct tr_node *n = ev->node;

	if (ev->type == EV_MESSAGE) {
		arrive(ev);
		return;
	}
	if (!n->on || ev->life != n->life)
		return;
	switch (ev->type) {
	case EV_VERIFIED:
		verify(n, ev);
		break;
	case EV_COMMITTED:
		commit(n);
		break;
	case EV_CHECKED:
		check_stored(n, ev);
		break;
	case EV_FORK:
		fork_off(n, &n->fork);
		flush(n);
		break;
	case EV_CONNECT:
		if (ev->n == n->connect_n)
			try_connect(n, (enum sync_link)ev->link);
		break;
	case EV_APPEND:
		n->append_ms = 0;
		if (n->is_hq)
			hq_appended(n, &ev->log);
		else
			append(n, &ev->log);
		flush(n);
		break;
	case EV_TICK:
		tick(n);
		break;
	default:
		break;
	}
}

void tr_run(struct tr *w, uint64_t ms)
{
	uint64_t until = w->now + ms;

	while (w->events_n > 0 && w->events[0].at <= until) {
		struct tr_event ev = w->events[0];
		w->events_n--;
		memmove(&w->events[0], &w->events[1], w->events_n * sizeof w->events[0]);
		w->now = ev.at;
		happen(&ev);
	}
	w->now = until;
}

/* ---- nodes
 * -------------------------------------------------------------------------------------------------------*/

static struct tr_node *node_new(struct tr *w, const char *name, const char *code, bool is_hq)
{
	struct tr_node *n = tr_alloc(w, sizeof *n);
	size_t logs = is_hq ? TR_HQ_LOGS : TR_BRANCH_LOGS;

	n->w = w;
	n->is_hq = is_hq;
	snprintf(n->name, sizeof n->name, "%s", name);
	memcpy(n->code, code, strlen(code));
	n->logs = tr_alloc(w, logs * sizeof n->logs[0]);
	n->queue = tr_alloc(w, TR_QUEUE * sizeof n->queue[0]);
	n->slots = tr_alloc(w, TR_SLOTS * sizeof n->slots[0]);
	n->outs = tr_alloc(w, TR_OUTS * sizeof n->outs[0]);
	n->msgs = tr_alloc(w, TR_OUTS * sizeof n->msgs[0]);
	n->verified = tr_alloc(w, TR_HQ_LOGS * sizeof n->verified[0]);
	n->store.transport = 1;
	n->line = true;
	if (is_hq) {
		n->hq = tr_alloc(w, sizeof *n->hq);
		n->core = &n->hq->c;
		n->sessions = tr_alloc(w, TR_NODES * sizeof n->sessions[0]);
		n->hq_nodes = tr_alloc(w, TR_NODES * sizeof n->hq_nodes[0]);
		n->tokens = tr_alloc(w, 8 * sizeof n->tokens[0]);
		n->store.instance = 1;
	} else {
		n->branch = tr_alloc(w, sizeof *n->branch);
		n->core = &n->branch->c;
		n->first_number = 1;
		as_assert(w->nodes_n < TR_NODES);
		w->nodes[w->nodes_n++] = n;
	}
	return n;
}

static void start_hq(struct tr_node *n)
{
	struct hq_conf conf = {
	    .seed = rng_next(&n->w->rng),
	    .instance = n->store.instance,
	    .transport = n->store.transport,
	    .env = {.ctx = n, .out = on_out, .block_at = block_at, .receipt_ok = receipt_ok},
	    .logs = n->logs,
	    .logs_cap = TR_HQ_LOGS,
	    .queue = n->queue,
	    .queue_cap = TR_QUEUE,
	    .sessions = n->sessions,
	    .sessions_cap = TR_NODES,
	    .nodes = n->hq_nodes,
	    .nodes_cap = TR_NODES,
	    .tokens = n->tokens,
	    .tokens_cap = 8,
	    .pool = n->w->pool};

	conf.run_id[0] = ++n->w->runs;
	hq_core_init(n->hq, &conf);
	n->hq->c.now = n->w->now;
	for (size_t i = 0; i < n->store.n; i++)
		hq_core_load_log(n->hq, &n->store.logs[i].row);
	for (size_t i = 0; i < n->store.nodes_n; i++)
		hq_core_add_node(n->hq, n->store.nodes[i].branch);
	for (size_t i = 0; i < n->store.tokens_n; i++)
		hq_core_add_token(n->hq, &n->store.tokens[i]);
	n->w->hq_state = n->hq->state;
	n->w->hq_states_n = 0;
}

static void start_branch(struct tr_node *n)
{
	struct branch_conf conf = {
	    .seed = rng_next(&n->w->rng),
	    .env = {.ctx = n, .out = on_out, .block_at = block_at, .receipt_ok = receipt_ok},
	    .logs = n->logs,
	    .logs_cap = TR_BRANCH_LOGS,
	    .queue = n->queue,
	    .queue_cap = TR_QUEUE};
	struct branch_start start = start_of(n, tr_alloc(n->w, (n->store.n + 1) * sizeof(struct log_row)));

	conf.run_id[0] = ++n->w->runs;
	memcpy(conf.branch, n->code, sizeof conf.branch);
	branch_core_init(n->branch, &conf);
	branch_core_load(n->branch, &start, n->w->now);
	n->has_state = false;
	n->connect_n++;
	flush(n);
	later(n->w, 0,
	      (struct tr_event){.type = EV_CONNECT, .node = n, .link = SYNC_LINK_NODE, .n = n->connect_n});
}

void tr_start(struct tr_node *n)
{
	as_assert(!n->on);
	n->on = true;
	n->life++;
	n->outs_n = 0;
	n->verified_n = 0;
	memset(n->slots, 0, TR_SLOTS * sizeof n->slots[0]);
	tr_line(n->w, "%-6sstarts, run %u", n->name, n->w->runs + 1u);
	if (n->is_hq)
		start_hq(n);
	else
		start_branch(n);
	states(n);
	later(n->w, TR_TICK_MS, (struct tr_event){.type = EV_TICK, .node = n});
}

void tr_stop(struct tr_node *n)
{
	as_assert(n->on);
	tr_line(n->w, "%-6sstops", n->name);
	n->on = false;
	n->wants_n = 0;
	if (!n->is_hq) {
		hang_up(n, false);
		return;
	}
	for (size_t i = 0; i < n->w->nodes_n; i++)
		hang_up(n->w->nodes[i], true);
}

void tr_cut(struct tr_node *n)
{
	tr_line(n->w, "%-6sline is cut", n->name);
	n->line = false;
	hang_up(n, true);
}

void tr_join_line(struct tr_node *n)
{
	tr_line(n->w, "%-6sline is back", n->name);
	n->line = true;
}

void tr_fault(struct tr_node *n, bool to_hq, enum tr_fault_kind kind, uint8_t type, uint32_t skip,
	      uint32_t value)
{
	as_assert(n->faults_n < TR_FAULTS);
	n->faults[n->faults_n++] =
	    (struct tr_fault){.kind = kind, .type = type, .to_hq = to_hq, .skip = skip, .value = value};
}

static struct tr_node *admitted_branch(struct tr *w, const char *code)
{
	struct tr_node *n = node_new(w, code, code, false);

	n->identity = w->next_identity++;
	n->store.joined = true;
	n->store.instance = w->hq->store.instance;
	struct tr_enrolled *e = &w->hq->store.nodes[w->hq->store.nodes_n++];
	memcpy(e->branch, n->code, sizeof e->branch);
	e->identity = n->identity;
	hq_core_add_node(w->hq->hq, n->code);
	return n;
}

struct tr_node *tr_branch(struct tr *w, const char *code)
{
	struct tr_node *n = admitted_branch(w, code);

	tr_start(n);
	return n;
}

struct tr_node *tr_newcomer(struct tr *w, const char *code, uint32_t first_number)
{
	struct tr_node *n = node_new(w, code, code, false);

	n->identity = w->next_identity++;
	n->first_number = first_number;
	n->token = w->next_token;
	return n;
}

uint32_t tr_token(struct tr *w, const char *code, uint64_t expires_ms)
{
	struct hq_token t = {.number = ++w->next_token, .state = TOKEN_OPEN, .expires_ms = expires_ms};

	memcpy(t.branch, code, strlen(code));
	hq_core_add_token(w->hq->hq, &t);
	w->hq->store.tokens[w->hq->store.tokens_n++] = t;
	return t.number;
}

struct tr_node *tr_clone(struct tr_node *n, const char *name)
{
	struct tr_node *c = node_new(n->w, name, n->code, false);

	c->identity = n->identity;
	c->store = tr_store_copy(n->w, &n->store);
	return c;
}

struct tr_node *tr_clone_running(struct tr_node *n, const char *name)
{
	struct tr_node *c = tr_clone(n, name);

	as_assert(n->core->flight_n == 0 && n->core->queue_n == 0);
	*c->branch = *n->branch;
	memcpy(c->logs, n->logs, n->core->logs_n * sizeof n->logs[0]);
	c->core->logs = c->logs;
	c->core->queue = c->queue;
	c->core->env.ctx = c;
	c->on = true;
	c->life = 1;
	c->line = false;
	tr_line(n->w, "%-6sis a copy of the running %s, memory and disk", c->name, n->name);
	branch_core_link_down(c->branch, n->w->now);
	flush(c);
	later(n->w, TR_TICK_MS, (struct tr_event){.type = EV_TICK, .node = c});
	return c;
}

struct tr_store tr_image(const struct tr_node *n)
{
	return tr_store_copy(n->w, &n->store);
}

static unsigned store_holds(const struct tr_store *st, uint32_t event)
{
	unsigned count = 0;

	for (size_t i = 0; i < st->n; i++)
		for (size_t k = 0; k < st->logs[i].n; k++)
			for (uint32_t e = 0; e < st->logs[i].blocks[k].b->count; e++)
				count += st->logs[i].blocks[k].b->events[e] == event;
	return count;
}

unsigned tr_held(struct tr *w, uint32_t event)
{
	return store_holds(&w->hq->store, event);
}

void tr_put_back(struct tr_node *n, const struct tr_store *image)
{
	as_assert(!n->on);
	tr_line(n->w, "%-6san older image is put back", n->name);
	n->store = tr_store_copy(n->w, image);
	if (n->is_hq)
		return;
	for (uint32_t e = 1; e <= n->w->next_event; e++) /* what only the lost disk held */
		if (n->w->accepted[e] == n->identity + 1u && !tr_held(n->w, e) && !store_holds(&n->store, e))
			n->w->accepted[e] = 0;
}

/* ---- what people do
 * ----------------------------------------------------------------------------------------------*/

void tr_append(struct tr_node *n, enum log_class cls, uint32_t count, uint32_t bytes, uint32_t keys)
{
	as_assert(n->wants_n < AS_COUNT(n->wants));
	n->wants[n->wants_n++] =
	    (struct tr_want){.cls = (uint8_t)cls, .count = count, .bytes = bytes, .keys = keys};
	if (n->wants_n == 1)
		try_want(n);
}

void tr_hq_append(struct tr *w, const char *branch, uint32_t count, uint32_t bytes)
{
	struct tr_node *n = w->hq;
	struct log_id id = {.cls = branch[0] ? LOG_HQ_BRANCH : LOG_HQ_ALL, .number = n->store.instance};
	uint32_t *events = tr_alloc(w, (count + 1) * sizeof events[0]);
	uint32_t k = 0;

	memcpy(id.branch, branch, strlen(branch));
	if (!hq_core_append(n->hq, w->now, &id)) {
		tr_line(w, "%-6sappend  not now", n->name);
		return;
	}
	struct tr_log *log = tr_store_add(w, &n->store, &id);
	if (log->row.head.size == 0)
		events[k++] = 0;
	for (uint32_t i = 0; i < count; i++)
		events[k++] = new_event(w, n);
	struct tr_block *b = tr_block_make(w, log, events, k, bytes, 0);
	if (b->first == 0)
		for (size_t i = 0; i < n->store.n; i++) {
			const struct log_row *old = &n->store.logs[i].row;
			if (old->id.cls == id.cls &&
			    memcmp(old->id.branch, id.branch, sizeof id.branch) == 0 &&
			    old->id.number < id.number) {
				b->has_parent = true;
				b->parent = old->id;
				b->parent_head = old->head;
			}
		}
	tr_line(w, "%-6sappend  %s %llu..%llu", n->name, tr_log_text(w, &id, NULL), (ull)b->first,
		(ull)(b->first + k - 1));
	tr_store_append(w, log, b);
	if (n->append_ms > 0)
		later(w, n->append_ms, (struct tr_event){.type = EV_APPEND, .node = n, .log = id});
	else
		hq_appended(n, &id);
}

void tr_erase(struct tr_node *n, uint32_t subject)
{
	tr_line(n->w, "%-6serases customer %u: a tombstone in its key ring", n->name, subject);
	n->store.dead[n->store.dead_n++] = subject;
}

static struct tr_stored *rot(struct tr_node *n, const char *code, enum log_class cls, uint32_t number,
			     uint64_t first)
{
	struct tr_log *log = tr_log(n, code, cls, number);
	struct tr_stored *s = NULL;

	for (size_t i = 0; log && i < log->n; i++)
		if (log->blocks[i].b->first == first)
			s = &log->blocks[i];
	as_assert(s != NULL);
	s->rotten = true;
	tr_line(n->w, "%-6sits disk spoils the stored block %s %llu", n->name,
		tr_log_text(n->w, &log->row.id, n->code), (ull)first);
	return s;
}

void tr_rot(struct tr_node *n, enum log_class cls, uint32_t number, uint64_t first)
{
	rot(n, n->code, cls, number, first);
}

void tr_spoil(struct tr_node *n, const char *code, enum log_class cls, uint32_t number, uint64_t first)
{
	rot(n, code, cls, number, first)->unread = true;
}

void tr_scrub(struct tr_node *n)
{
	for (size_t i = 0; i < n->store.n; i++)
		for (size_t k = 0; k < n->store.logs[i].n; k++)
			if (n->store.logs[i].blocks[k].rotten)
				check_stored(
				    n, &(struct tr_event){.log = n->store.logs[i].row.id,
							  .first = n->store.logs[i].blocks[k].b->first});
}

void tr_transport(struct tr *w, uint32_t number)
{
	tr_line(w, "%-6snew key-transport key %u", w->hq->name, number);
	w->hq->store.transport = number;
	hq_core_transport(w->hq->hq, w->now, number);
	flush(w->hq);
}

void tr_new_instance(struct tr *w)
{
	w->hq->store.instance++;
	tr_line(w, "%-6soperator: instance new, %u", w->hq->name, w->hq->store.instance);
	hq_core_new_instance(w->hq->hq, w->now, w->hq->store.instance);
	flush(w->hq);
}

void tr_replace(struct tr *w, const char *code)
{
	char branch[BRANCH_CODE_MAX] = {0};

	memcpy(branch, code, strlen(code));
	tr_line(w, "%-6soperator: hq enrol --replace %s", w->hq->name, code);
	for (size_t i = 0; i < w->hq->store.nodes_n; i++)
		if (memcmp(w->hq->store.nodes[i].branch, branch, sizeof branch) == 0) {
			w->hq->store.nodes[i].ended |= 1u << w->hq->store.nodes[i].identity;
			w->hq->store.nodes[i].identity = TR_NOBODY;
		}
	hq_core_end_keys(w->hq->hq, w->now, branch);
	flush(w->hq);
}

void tr_accept(struct tr *w, const char *code, enum log_class cls, uint32_t number, uint64_t upto)
{
	struct tr_node *n = w->hq;
	struct tr_log *log = tr_log(n, code, cls, number);

	as_assert(log != NULL);
	struct log_id id = log->row.id;
	tr_line(w, "%-6soperator: quarantine accept %s --upto %llu", n->name, tr_log_text(w, &id, NULL),
		(ull)upto);
	hq_core_accept(n->hq, w->now, &id, upto);
	flush(n);
	for (size_t i = 0; i < n->store.aside_n; i++) {
		const struct tr_block *b = n->store.aside[i].b;
		struct msg_block m = {.log = b->log, .first = b->first, .count = b->count};
		if (n->store.aside[i].reason != REFUSE_AFTER_END || !log_id_equal(&b->log, &id))
			continue;
		m.block = bytes_of(b, b->bytes);
		m.slot = slot_take(n);
		n->slots[m.slot].b = b;
		hq_core_refeed(n->hq, w->now, &m);
		flush(n);
	}
}

/* ---- looking
 * -----------------------------------------------------------------------------------------------------*/

struct tr_log *tr_log(struct tr_node *n, const char *code, enum log_class cls, uint32_t number)
{
	char branch[BRANCH_CODE_MAX] = {0};

	memcpy(branch, code, strnlen(code, sizeof branch));
	for (size_t i = 0; i < n->store.n; i++) {
		const struct log_id *id = &n->store.logs[i].row.id;
		if (id->cls == cls && id->number == number &&
		    (cls == LOG_HQ_ALL || memcmp(id->branch, branch, sizeof branch) == 0))
			return &n->store.logs[i];
	}
	return NULL;
}

uint64_t tr_size(struct tr_node *n, const char *code, enum log_class cls, uint32_t number)
{
	struct tr_log *log = tr_log(n, code, cls, number);

	return log ? log->row.head.size : 0;
}

static void node_at_rest(struct tr_node *n)
{
	struct tr *w = n->w;
	uint64_t pool = n->core->pool, given = 0;

	if (n->core->queue_n > 0 || n->core->flight_n > 0)
		tr_fail(w, "%s: %zu queued, %zu in flight", n->name, n->core->queue_n, n->core->flight_n);
	for (uint32_t i = 0; i < TR_SLOTS; i++)
		if (n->slots[i].used)
			tr_fail(w, "%s: slot %u was never given back", n->name, i);
	for (size_t i = 0; n->is_hq && i < TR_NODES; i++)
		given += n->sessions[i].granted - n->sessions[i].received;
	if (!n->is_hq)
		given = n->branch->s.granted - n->branch->s.received;
	uint64_t whole = n->is_hq ? w->pool : BRANCH_WINDOW;
	if (pool + given != whole)
		tr_fail(w, "%s: credit leaks: %llu free, %llu given, of %llu", n->name, (ull)pool, (ull)given,
			(ull)whole);
}

void tr_at_rest(struct tr *w)
{
	node_at_rest(w->hq);
	for (size_t i = 0; i < w->nodes_n; i++)
		if (w->nodes[i]->on)
			node_at_rest(w->nodes[i]);
}

static bool same_head(const struct log_head *a, const struct log_head *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->root, b->root, 32) == 0);
}

/* The core's table and the store say the same. */
static void tables_agree(struct tr_node *n)
{
	for (size_t i = 0; i < n->core->logs_n; i++) {
		const struct log_row *row = &n->core->logs[i].row;
		struct tr_log *log = tr_store_log(&n->store, &row->id);
		static const struct log_row none;
		const struct log_row *kept = log ? &log->row : &none;
		const char *name = tr_log_text(n->w, &row->id, NULL);
		if (!same_head(&row->head, &kept->head) || !same_head(&row->acked, &kept->acked))
			tr_fail(n->w, "%s: table and store differ: %s %llu/%llu, %llu/%llu", n->name, name,
				(ull)row->head.size, (ull)row->acked.size, (ull)kept->head.size,
				(ull)kept->acked.size);
		if (row->keys != kept->keys || row->folded != kept->folded ||
		    row->keys_need != kept->keys_need)
			tr_fail(n->w,
				"%s: table and store differ in %s: keys %llu/%llu folded %llu/%llu need "
				"%llu/%llu",
				n->name, name, (ull)row->keys, (ull)kept->keys, (ull)row->folded,
				(ull)kept->folded, (ull)row->keys_need, (ull)kept->keys_need);
	}
}

/* Everything of `a` that concerns the branch is at `b`. */
static void holds_all(struct tr_node *a, struct tr_node *b, const char *code)
{
	for (size_t i = 0; i < a->store.n; i++) {
		const struct log_row *x = &a->store.logs[i].row;
		struct tr_log *other = tr_store_log(&b->store, &x->id);
		static const struct log_row none;
		const struct log_row *y = other ? &other->row : &none;
		const char *name = tr_log_text(a->w, &x->id, NULL);
		if (!sync_log_shared(&x->id, code))
			continue;
		if (!same_head(&x->head, &y->head))
			tr_fail(a->w, "%s: %s holds %llu, %s %llu", name, a->name, (ull)x->head.size, b->name,
				(ull)y->head.size);
		if (!log_is_hq(&x->id) && !same_head(&x->acked, &x->head))
			tr_fail(a->w, "%s: %s holds %llu, receipted %llu", name, a->name, (ull)x->head.size,
				(ull)x->acked.size);
		if (x->keys != y->keys)
			tr_fail(a->w, "%s: %s holds keys %llu, %s %llu", name, a->name, (ull)x->keys, b->name,
				(ull)y->keys);
	}
}

void tr_settled(struct tr *w)
{
	tr_at_rest(w);
	tables_agree(w->hq);
	for (size_t i = 0; i < w->nodes_n; i++) {
		struct tr_node *n = w->nodes[i];
		if (!n->on)
			continue;
		tables_agree(n);
		holds_all(n, w->hq, n->code);
		holds_all(w->hq, n, n->code);
		enum sync_state st = branch_core_state(n->branch, w->now);
		if (st != SYNC_IN_SYNC)
			tr_fail(w, "%s is %s", n->name, sync_state_name(st));
	}
	for (uint32_t e = 1; e <= w->next_event; e++)
		if (w->accepted[e] != 0 && tr_held(w, e) != 1)
			tr_fail(w, "event %u is %u times at head office", e, tr_held(w, e));
}

/* ---- begin and end
 * -----------------------------------------------------------------------------------------------*/

struct tr *tr_new(const char *name, const char *prose)
{
	struct tr *w = calloc(1, sizeof *w);
	size_t at = 0, n = strlen(prose);

	as_assert(w != NULL);
	snprintf(w->file, sizeof w->file, "tests/golden/sync/%s.txt", name);
	while (at < n) { /* folded at 100 columns */
		size_t end = n - at > 98 ? at + 98 : n;
		while (end < n && end > at && prose[end] != ' ')
			end--;
		put_text(w, "# ", 2);
		put_text(w, prose + at, end - at);
		put_text(w, "\n", 1);
		at = end + (end < n);
	}
	put_text(w, "\n", 1);
	w->rng.state = 1;
	w->pool = TR_POOL;
	w->hq = node_new(w, "hq", "", true);
	w->hq->on = true;
	w->hq->life = 1;
	start_hq(w->hq);
	later(w, TR_TICK_MS, (struct tr_event){.type = EV_TICK, .node = w->hq});
	return w;
}

static char *read_file(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long n;

	*ret_n = 0;
	if (f == NULL)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0 &&
	    (text = malloc((size_t)n + 1)) != NULL)
		*ret_n = fread(text, 1, (size_t)n, f);
	fclose(f);
	return text;
}

static void compare(struct tr *w)
{
	size_t n, at = 0, line = 1;
	char *golden = read_file(w->file, &n);

	if (golden == NULL) {
		tr_fail(w, "%s cannot be read", w->file);
		return;
	}
	while (at < n && at < w->text_n && golden[at] == w->text[at])
		line += golden[at++] == '\n';
	if (n != w->text_n || at < n) {
		while (at > 0 && w->text[at - 1] != '\n')
			at--;
		tr_fail(w, "%s differs in line %zu; now: %.*s", w->file, line,
			(int)strcspn(w->text + at, "\n"), w->text + at);
	}
	free(golden);
}

static void rewrite(struct tr *w)
{
	FILE *f = fopen(w->file, "wb");

	if (f == NULL || fwrite(w->text, 1, w->text_n, f) != w->text_n)
		tr_fail(w, "%s cannot be written", w->file);
	if (f)
		fclose(f);
}

const char *tr_end(struct tr *w)
{
	static char why[sizeof w->failed];

	if (getenv("GOLDEN_UPDATE") && getenv("GOLDEN_UPDATE")[0])
		rewrite(w);
	else
		compare(w);
	memcpy(why, w->failed, sizeof why);
	for (void *next, *p = w->memory; p; p = next) {
		uint8_t *chunk = p;
		memcpy(&next, chunk, sizeof next);
		free(chunk);
	}
	free(w->events);
	free(w->accepted);
	free(w->text);
	free(w);
	return why[0] ? why : NULL;
}
