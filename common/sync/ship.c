/* Who sends what next, as far as credit goes; and what a refusal of it means. */
#include "common/base/check.h"
#include "common/sync/core.h"

/* Sends one stored block if credit allows. */
static bool send_block(struct sync_core *c, struct sync_session *s, const struct sync_log *log,
		       const struct block_meta *meta)
{
	struct msg m = {.type = MSG_BLOCK,
			.session = s->their_nonce,
			.block = {.log = log->row.id, .first = meta->first, .count = meta->count}};

	if (s->sent > s->credit || meta->bytes > s->credit - s->sent)
		return false;
	s->sent += meta->bytes;
	sync_send(c, s->link, &m);
	return true;
}

/* Sends a block that the peer already has a place for; later, when credit does not allow it now. */
void sync_show(struct sync_core *c, struct sync_session *s, struct sync_log *log, uint64_t first)
{
	struct sync_ship *ship = sync_ship_of(c, s, log);
	struct block_meta meta;

	ship->showing = c->env.block_at(c->env.ctx, &log->row.id, first, &meta) && meta.first == first &&
			!send_block(c, s, log, &meta);
	ship->show = first;
}

/* Sends key changes that the peer lacks. No credit bounds them, so only so many are under way. */
static void pump_keys(struct sync_core *c, struct sync_session *s, struct sync_log *log)
{
	struct sync_ship *ship = sync_ship_of(c, s, log);

	if (log->row.id.cls != LOG_LIVE && log->row.id.cls != LOG_HQ_BRANCH)
		return;
	while (ship->keys_sent < log->row.keys && ship->keys_sent < ship->keys_peer + SYNC_KEYS_WINDOW) {
		struct msg m = {
		    .type = MSG_KEYS, .session = s->their_nonce, .keys = {.log = log->row.id}};
		uint64_t left = log->row.keys - ship->keys_sent;
		m.keys.keys_n = (uint32_t)(left < KEYS_PER_MESSAGE_MAX ? left : KEYS_PER_MESSAGE_MAX);
		sync_emit(c, &(struct sync_out){.type = SYNC_SEND,
						.link = s->link,
						.send = {.msg = &m,
							 .keys_after = ship->keys_sent,
							 .transport = c->transport}});
		if (ship->keys_sent == ship->keys_peer)
			s->sent_ms = c->now;
		ship->keys_sent += m.keys.keys_n;
	}
}

/*
 * Credit counts bytes, but a branch has places for so many blocks only, and a link for so many messages: one
 * small block an enrolment would fill both. Two halves in turn: never more than a window is unanswered, and
 * the second half goes out while the first is on its way.
 */
static bool window_full(const struct sync_core *c, struct sync_ship *ship)
{
	if (!c->is_hq || ship->since_half < SYNC_BLOCKS_WINDOW / 2)
		return false;
	if (ship->half > ship->sent) /* it was sent back to an earlier place */
		ship->half = ship->sent;
	if (ship->peer.size < ship->half)
		return true;
	ship->half = ship->sent;
	ship->since_half = 0;
	return false;
}

/* Sends blocks of one log while credit lasts; false when credit ended, or a window of blocks is unanswered. */
static bool pump_log(struct sync_core *c, struct sync_session *s, struct sync_log *log)
{
	struct sync_ship *ship = sync_ship_of(c, s, log);
	struct block_meta meta;

	while (ship->sent < log->row.head.size && log->row.head.size > ship->peer.size) {
		if (!c->env.block_at(c->env.ctx, &log->row.id, ship->sent, &meta) || meta.first != ship->sent)
			return true; /* the head that we were told is no block end of ours: settled by
					Refuse(forked) */
		if (window_full(c, ship))
			return false;
		if (!send_block(c, s, log, &meta)) {
			if (!s->credit_blocked)
				sync_announce(c, s);
			s->credit_blocked = true;
			return false;
		}
		if (ship->sent == ship->peer.size)
			s->sent_ms = c->now;
		ship->sent = meta.first + meta.count;
		ship->since_half++;
	}
	return true;
}

void sync_give_back(struct sync_core *c, struct sync_session *s)
{
	size_t at = 0;

	if (s->sent + SYNC_CREDIT_KEEP >= s->credit || sync_unanswered(c, s))
		return; /* little, or still in use */
	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;)
		if (sync_ship_of(c, s, log)->showing)
			return;
	uint64_t more = s->credit - s->sent - SYNC_CREDIT_KEEP;
	s->sent += more;
	s->returned += more;
	sync_announce(c, s);
}

void sync_pump(struct sync_core *c, struct sync_session *s)
{
	static const uint8_t order[] = {LOG_HQ_ALL, LOG_HQ_BRANCH, LOG_LIVE, LOG_BULK};

	if (!s->open)
		return;
	size_t all = 0;
	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &all)) != NULL;)
		if (sync_ship_of(c, s, log)->showing)
			sync_show(c, s, log, sync_ship_of(c, s, log)->show);
	if (!s->complete)
		return;
	for (size_t k = 0; k < sizeof order; k++) {
		size_t at = 0;
		for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
			struct sync_ship *ship = sync_ship_of(c, s, log);
			if (log->row.id.cls != order[k] || log->damaged != LOG_NO_END || !ship->known)
				continue;
			if (ship->stopped || ship->reason == REFUSE_FORKED)
				break;
			pump_keys(c, s, log);
			if (!pump_log(c, s, log))
				return; /* live before bulk: nothing later overtakes */
			if (ship->peer.size < log->row.head.size)
				break; /* a child follows when its parent is held */
		}
	}
}

void sync_sender_has(struct sync_core *c, struct sync_session *s, const struct sync_item *item)
{
	struct sync_log *log;

	if (!s->open || item->session != s->my_nonce || (log = sync_log_find(c, &item->log)) == NULL)
		return;
	struct sync_ship *ship = sync_ship_of(c, s, log);
	ship->known = true;
	if (item->type == ITEM_BLOCK && item->head.size > ship->peer.size) {
		ship->peer = item->head;
		ship->sent = item->head.size;
	}
	if (item->type == ITEM_KEYS && log->row.keys > ship->keys_peer)
		ship->keys_peer = ship->keys_sent = log->row.keys;
}

bool sync_unanswered(struct sync_core *c, struct sync_session *s)
{
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
		struct sync_ship *ship = sync_ship_of(c, s, log);
		if (ship->known && !ship->stopped &&
		    (ship->sent > ship->peer.size || ship->keys_sent > ship->keys_peer))
			return true;
	}
	return false;
}

bool sync_any_stopped(struct sync_core *c, struct sync_session *s)
{
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;)
		if (sync_ship_of(c, s, log)->stopped)
			return true;
	return false;
}

bool sync_refused(struct sync_core *c, struct sync_session *s, const struct msg_refuse *r)
{
	struct sync_log *log = sync_log_find(c, &r->log);
	struct block_meta meta;

	if (log == NULL || !sync_log_shared(&r->log, s->branch))
		return r->reason == REFUSE_GAP;
	struct sync_ship *ship = sync_ship_of(c, s, log);
	switch (r->reason) {
	case REFUSE_GAP:
		/* With a point there: it wants this block back, which rotted there. Else the session lost
		 * something. */
		if (r->points_n != 1 || r->points[0].size != r->first)
			return true;
		if (c->env.block_at(c->env.ctx, &r->log, r->first, &meta) && meta.first == r->first)
			sync_show(c, s, log, meta.first);
		return false;
	case REFUSE_PARENT:
		return true;
	case REFUSE_AFTER_END: /* kept there: a person admits it or not */
		ship->reason = r->reason;
		ship->refused = ship->stopped = true;
		return false;
	default:
		ship->reason = r->reason;
		sync_emit(
		    c, &(struct sync_out){.type = SYNC_CHECK, .verify = {.log = r->log, .first = r->first}});
		return false;
	}
}

void sync_checked_sound(struct sync_core *c, struct sync_session *s, const struct log_id *id, uint64_t first)
{
	struct sync_log *log = sync_log_find(c, id);

	if (log == NULL)
		return;
	struct sync_ship *ship = sync_ship_of(c, s, log);
	if (ship->reason == REFUSE_NONE || ship->stopped || ship->peer.size > first)
		return; /* nobody refused it, or it was taken after all */
	if (ship->retries++ == 0) {
		ship->sent = ship->peer.size;
		ship->reason = REFUSE_NONE;
		return;
	}
	if (!ship->refused)
		sync_alarm(c, ALARM_REFUSED, s->branch, id, first);
	ship->refused = ship->stopped = true;
}
