/* Incarnations: when a log may go on and when a child begins; forks, damaged blocks, lost key numbers. */
#include "common/base/check.h"
#include "common/sync/branch_impl.h"

/* Numbers of a closed incarnation that nobody can supply any more are answered as void. */
void branch_void_lost_keys(struct branch_core *b)
{
	struct sync_core *c = &b->c;
	size_t at = 0;

	for (size_t i = 0; i < c->logs_n;
	     i++) { /* a BULK log whose LIVE log nobody has any more: its numbers are lost, too */
		struct log_id live = c->logs[i].row.id;
		if (live.cls != LOG_BULK || c->logs[i].row.keys_need == 0)
			continue;
		live.cls = LOG_LIVE;
		if (sync_log_find(c, &live) == NULL) {
			struct sync_log *added =
			    sync_log_add(c, &(struct log_row){.id = live, .end = LOG_NO_END});
			if (added == NULL)
				return;
			added->ship.known = true;
			i = 0; /* positions have moved */
		}
	}
	for (struct sync_log *log; (log = sync_log_next(c, c->branch, &at)) != NULL;) {
		struct log_id bulk = log->row.id;
		uint64_t need = log->row.keys_need;
		if (log->row.id.cls != LOG_LIVE ||
		    (b->has_cur && !b->must_child && same_incarnation(&log->row.id, &b->cur)))
			continue;
		bulk.cls = LOG_BULK;
		struct sync_log *sibling = sync_log_find(c, &bulk);
		if (sibling && sibling->row.keys_need > need)
			need = sibling->row.keys_need;
		if (need <= log->row.keys || !log->ship.known || log->ship.keys_peer > log->row.keys ||
		    log->ship.peer.size > log->row.head.size)
			continue;
		if (sync_keys_under_way(c, &log->row.id, NULL) || sync_append_keys(c, &log->row.id))
			continue;
		sync_push(c, &(struct sync_item){.type = ITEM_VOID,
						 .log = log->row.id,
						 .slot = SYNC_NO_SLOT,
						 .first = log->row.keys + 1,
						 .keys_upto = need,
						 .ready = true});
	}
}

/* ---- fork
 * ---------------------------------------------------------------------------------------------------------*/

/* What a cut that is not durable yet will leave of the log; LOG_NO_END: there is none. */
static uint64_t cut_under_way(const struct sync_core *c, const struct log_id *id)
{
	uint64_t size = LOG_NO_END;

	for (size_t i = 0; i < c->queue_n + c->flight_n; i++) {
		const struct sync_item *q = i < c->queue_n ? &c->queue[i] : &c->flight[i - c->queue_n];
		if (q->type == ITEM_CUT && log_id_equal(&q->log, id) && q->head.size < size)
			size = q->head.size;
	}
	return size;
}

static void cut_hq_copy(struct branch_core *b, struct sync_log *log, const struct log_head *to)
{
	sync_alarm(&b->c, ALARM_FORK, b->c.branch, &log->row.id, to->size);
	sync_drop(&b->c, &log->row.id);
	if (log->damaged >= to->size)
		log->damaged = LOG_NO_END;
	sync_push(
	    &b->c,
	    &(struct sync_item){
		.type = ITEM_CUT, .log = log->row.id, .slot = SYNC_NO_SLOT, .head = *to, .ready = true});
	sync_kick(&b->c);
}

/* The log ends here after the fork; what grew from what is cut goes whole. */
static void mark_cut(struct branch_core *b, struct sync_log *log, uint64_t size)
{
	struct sync_core *c = &b->c;
	size_t at = 0;

	log->cut_to = size;
	for (struct sync_log *l; (l = sync_log_next(c, c->branch, &at)) != NULL;) {
		struct sync_log *p = l->row.has_parent ? sync_log_find(c, &l->row.parent) : NULL;
		if (own(&l->row.id) && p && p->cut_to < l->row.parent_head.size && l != log)
			l->cut_to = 0;
	}
}

static void ask_for_fork(struct branch_core *b)
{
	b->fork_deeper = false;
	sync_emit(&b->c, &(struct sync_out){.type = SYNC_FORK,
					    .fork = {.logs = b->c.logs, .n = b->c.logs_n, .number = b->highest + 1}});
}

/* Is there a number for a child, and a place for both its classes? */
static bool child_room(const struct branch_core *b)
{
	return b->highest < UINT32_MAX && b->c.logs_n + 2 <= b->c.logs_cap;
}

/* Cuts the log, and asks the shell for the child. */
static void begin_fork(struct branch_core *b, struct sync_log *log, uint64_t size)
{
	struct sync_core *c = &b->c;

	if (!child_room(b)) { /* it stays as it is, state forked, until a start with more room */
		sync_alarm(c, ALARM_TOO_MANY, c->branch, &log->row.id, size);
		return;
	}
	mark_cut(b, log, size);
	b->forking = true;
	c->hold = true; /* what was received before has no place in the logs after it */
	b->confirmed = false;
	b->s.open = false;
	b->s.complete = false;
	b->hello_at = NEVER;
	sync_alarm(c, ALARM_FORK, c->branch, &log->row.id, size);
	ask_for_fork(b);
}

bool branch_core_not_forked(struct branch_core *b, uint64_t now)
{
	b->c.now = now;
	if (!b->fork_deeper)
		return false;
	ask_for_fork(b);
	return true;
}

/*
 * A block of what a fork leaves is damaged: cases that reach into it cannot be folded again, so the fork cannot be
 * durable. The log is cut there instead. What head office holds of it comes back after the fork, like to a restored copy.
 */
static void fork_deeper(struct branch_core *b, struct sync_log *log, uint64_t first)
{
	if (!own(&log->row.id) || first >= log->cut_to)
		return;
	mark_cut(b, log, first);
	b->fork_deeper = true;
}

/*
 * A stored block is damaged. Head office gives back what it holds; what only this branch held is lost: its
 * copy ends there, and what can still be read goes on in a child. While head office has not said what it
 * holds, it waits.
 */
static void settle_one(struct branch_core *b, struct sync_log *log)
{
	struct sync_core *c = &b->c;
	struct log_head to = {.size = log->damaged};
	struct block_meta m;

	if (!log->ship.known || b->forking || b->opening)
		return;
	if (c->env.block_at(c->env.ctx, &log->row.id, log->damaged, &m) &&
	    log->ship.peer.size >= m.first + m.count) {
		sync_ask_back(c, &b->s, log);
		return;
	}
	log->damaged = LOG_NO_END;
	sync_alarm(c, ALARM_DAMAGED, c->branch, &log->row.id, to.size);
	if (own(&log->row.id)) {
		begin_fork(b, log, to.size);
		return;
	}
	while (to.size > 0 && c->env.block_at(c->env.ctx, &log->row.id, to.size - 1, &m) && m.damaged)
		to.size = m.first; /* a sound end is wanted */
	if (to.size > 0)
		memcpy(to.root, m.root, sizeof to.root);
	cut_hq_copy(b, log, &to);
}

void branch_settle_damage(struct branch_core *b)
{
	for (size_t i = 0; i < b->c.logs_n && !b->forking; i++)
		if (b->c.logs[i].damaged != LOG_NO_END)
			settle_one(b, &b->c.logs[i]);
}

void branch_on_forked(struct branch_core *b, const struct msg_refuse *r)
{
	struct sync_log *log = sync_log_find(&b->c, &r->log);
	struct log_head best = {0};

	if (log == NULL || b->forking || !sync_log_shared(&r->log, b->c.branch))
		return;
	if (b->opening) { /* a child of what may be cut is being made: first that, then this again */
		branch_hello_later(b);
		return;
	}
	for (uint32_t i = 0; i < r->points_n; i++)
		if (r->points[i].size > best.size && sync_head_agrees(&b->c, log, &r->points[i]))
			best = r->points[i];
	if (best.size == log->row.head.size) { /* nothing of ours is disputed */
		branch_hello_later(b);
		return;
	}
	if (log_is_hq(&r->log))
		cut_hq_copy(b, log, &best);
	else
		begin_fork(b, log, best.size);
}

bool branch_core_parent(struct branch_core *b, const struct log_id *child, struct log_id *ret_id,
			struct log_head *ret_head)
{
	struct sync_core *c = &b->c;
	bool found = false;
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, c->branch, &at)) != NULL;) {
		struct log_head head = log->row.head;
		struct block_meta m;
		if (log->row.id.cls != child->cls || log->row.id.number >= child->number)
			continue;
		if (log->cut_to < head.size) {
			head = (struct log_head){.size = log->cut_to};
			if (head.size > 0 && c->env.block_at(c->env.ctx, &log->row.id, head.size - 1, &m))
				memcpy(head.root, m.root, sizeof head.root);
		}
		if (head.size == 0)
			continue;
		*ret_id = log->row.id;
		*ret_head = head;
		found = true;
	}
	return found;
}

void branch_core_forked(struct branch_core *b, uint64_t now, const struct branch_start *start)
{
	b->forking = false;
	b->c.hold = false;
	sync_append_end(&b->c);
	as_assert(b->c.flight_n == 0);
	sync_drop_all(&b->c);
	bool joined = b->joined;
	uint32_t instance = b->c.instance;
	branch_core_load(b, start, now);
	/* decided, and not durable before the fork: that was dropped with the rest */
	if (joined && !b->joined)
		branch_joined_now(b);
	if (instance > b->c.instance)
		branch_instance_now(b, instance);
	sync_kick(&b->c);
	if (b->linked)
		branch_say_hello(b);
}

/* ---- appending
 * ----------------------------------------------------------------------------------------------------*/

static void open_log(struct branch_core *b, uint8_t cls, uint32_t number, const uint8_t inc[16])
{
	struct sync_out out = {.type = SYNC_OPEN};

	out.open.log.cls = cls;
	out.open.log.number = number;
	memcpy(out.open.log.branch, b->c.branch, sizeof out.open.log.branch);
	memcpy(out.open.log.inc, inc, 16);
	out.open.has_parent = branch_core_parent(b, &out.open.log, &out.open.parent, &out.open.parent_head);
	b->opening = true;
	sync_append_begin(&b->c, &out.open.log);
	sync_emit(&b->c, &out);
}

void branch_core_want(struct branch_core *b, uint64_t now, enum log_class cls, const uint8_t random[16])
{
	struct sync_out out = {.type = SYNC_APPEND, .append = {.verdict = APPEND_WAIT, .cls = (uint8_t)cls}};

	b->c.now = now;
	if (b->forking || b->opening || b->c.appending) {
		sync_emit(&b->c, &out);
		return;
	}
	if (b->confirmed) {
		out.append.log = b->cur;
		out.append.log.cls = (uint8_t)cls;
		b->want_since = NEVER;
		if (!sync_log_room(&b->c, &out.append.log)) {
			out.append.verdict = APPEND_NO_LOG;
			sync_emit(&b->c, &out);
			return;
		}
		if (sync_log_find(&b->c, &out.append.log) == NULL) {
			open_log(b, (uint8_t)cls, b->cur.number, b->cur.inc);
			return;
		}
		out.append.verdict = APPEND_GO;
		sync_append_begin(&b->c, &out.append.log);
		sync_emit(&b->c, &out);
		return;
	}
	if (b->want_since == NEVER)
		b->want_since = now;
	if (!b->must_child && b->linked && now - b->want_since < SYNC_CONFIRM_WAIT_MS) {
		sync_emit(&b->c, &out);
		return;
	}
	if (!child_room(b)) {
		out.append.verdict = APPEND_NO_LOG;
		sync_emit(&b->c, &out);
		return;
	}
	open_log(b, LOG_LIVE, b->highest + 1, random);
}

void branch_core_not_appended(struct branch_core *b, uint64_t now)
{
	b->c.now = now;
	b->opening = false;
	if (sync_append_end(&b->c) && b->s.open)
		branch_hello_later(b);
}

void branch_fold_waiting(struct branch_core *b)
{
	for (size_t i = 0; i < b->c.logs_n && b->has_cur; i++) {
		const struct log_row *row = &b->c.logs[i].row;
		if (own(&row->id) && row->folded < row->head.size && incarnation_cmp(&row->id, &b->cur) < 0)
			sync_push(&b->c, &(struct sync_item){.type = ITEM_FOLD,
							     .log = row->id,
							     .slot = SYNC_NO_SLOT,
							     .ready = true});
	}
}

/* The open incarnation is this one now: what waited for it is folded. */
static void child_opened(struct branch_core *b, const struct log_id *live)
{
	b->highest = live->number;
	b->cur = *live;
	b->has_cur = true;
	b->confirmed = true;
	b->must_child = false;
	b->want_since = NEVER;
	branch_fold_waiting(b);
	sync_kick(&b->c);
}

void branch_core_appended(struct branch_core *b, uint64_t now, const struct log_row *row)
{
	struct sync_log *log = sync_log_find(&b->c, &row->id);
	bool again = false;

	b->c.now = now;
	if (log == NULL) {
		log = sync_log_add(&b->c, row);
		as_assert(log != NULL);
		log->ship.known = true; /* nobody else has it */
	}
	if (b->c.appending && log_id_equal(&row->id, &b->c.append_log)) {
		b->opening = false;
		again = sync_append_end(&b->c);
	}
	bool was_behind = log->row.acked.size < log->row.head.size;
	struct log_head acked = log->row.acked;
	if (row->head.size > log->row.head.size) {
		again |= log->ship.peer.size > log->row.head.size; /* another copy wrote on there */
		log->in = row->head.size;
	}
	log->row = *row;
	log->row.acked = acked;
	if (!was_behind)
		b->receipt_ms = now;
	if (row->id.cls == LOG_LIVE && row->id.number > b->highest)
		child_opened(b, &row->id);
	if (again && b->s.open) /* both say what they hold; if it is a fork, that shows it */
		branch_hello_later(b);
	sync_pump(&b->c, &b->s);
}

void branch_core_keys(struct branch_core *b, uint64_t now, uint64_t keys)
{
	struct sync_log *log = b->has_cur ? sync_log_find(&b->c, &b->cur) : NULL;

	b->c.now = now;
	if (log && keys > log->row.keys)
		log->row.keys = keys;
	sync_pump(&b->c, &b->s);
}

void branch_core_checked(struct branch_core *b, uint64_t now, const struct log_id *id, uint64_t first,
			 bool sound)
{
	struct sync_log *log = sync_log_find(&b->c, id);

	b->c.now = now;
	if (log == NULL || first >= log->row.head.size || first >= cut_under_way(&b->c, id))
		return; /* it is no more, or soon: the store may have cut it before we hear of it */
	if (sound) {
		sync_checked_sound(&b->c, &b->s, id, first);
		if (b->s.open)
			sync_pump(&b->c, &b->s);
		return;
	}
	if (b->forking) {
		fork_deeper(b, log, first);
		return;
	}
	if (log->damaged <= first)
		return;
	log->damaged = first;
	settle_one(b, log);
}
