#include "common/sync/branch.h"

#include "common/base/check.h"
#include "common/sync/branch_impl.h"

/* The core is the first member: the role's functions get it back. */
static struct branch_core *self(struct sync_core *c)
{
	return (struct branch_core *)c;
}

static uint64_t backoff(struct branch_core *b)
{
	uint64_t ms = SYNC_RETRY_MIN_MS;

	for (uint32_t i = 0; i < b->tries && ms < SYNC_RETRY_MAX_MS; i++)
		ms *= 2;
	if (ms > SYNC_RETRY_MAX_MS)
		ms = SYNC_RETRY_MAX_MS;
	b->tries++;
	return ms / 2 +
	       rng_below(&b->c.rng, ms); /* jitter: a head office that comes back must not be flooded */
}

void branch_hello_later(struct branch_core *b)
{
	uint64_t at = b->c.now + backoff(b);

	if (at < b->hello_at)
		b->hello_at = at;
	b->s.open = false;
}

void branch_say_hello(struct branch_core *b)
{
	b->hello_at = NEVER;
	b->hello_sent_ms = b->c.now;
	b->s.open = false;
	b->s.complete = false;
	sync_credit_end(&b->c, &b->s);
	sync_credit_give(&b->c, &b->s, b->c.pool);
	b->s.rx_ms = b->c.now;
	sync_hello_send(&b->c, &b->s, NULL);
}

static void say_join(struct branch_core *b)
{
	struct msg m = {.type = MSG_JOIN, .join = b->join};

	b->hello_sent_ms = b->c.now;
	sync_send(&b->c, b->link, &m);
}

static void reconnect(struct branch_core *b, enum sync_link kind)
{
	struct sync_out out = {.type = SYNC_CONNECT, .connect = {.kind = kind}};

	out.connect.at_ms = b->c.now + backoff(b);
	b->linked = false;
	b->kind = kind;
	b->s.open = false;
	b->hello_at = NEVER;
	sync_emit(&b->c, &out);
}

/* ---- what differs by role
 * -----------------------------------------------------------------------------------------*/

/* A branch folds only logs that sort before its open one; what a living clone writes later waits for the next
 * child. */
static bool role_fold(struct sync_core *c, const struct log_id *id)
{
	struct branch_core *b = self(c);

	return !own(id) || !b->confirmed || incarnation_cmp(id, &b->cur) < 0;
}

/* One peer: all that is free is its. */
static void role_grant(struct sync_core *c)
{
	if (self(c)->s.open)
		sync_credit_give(c, &self(c)->s, c->pool);
}

static void role_peer_more(struct sync_core *c, struct sync_session *s, struct sync_log *log)
{
	struct branch_core *b = self(c);

	(void)s;
	if (!own(&log->row.id))
		return;
	if (b->has_cur && same_incarnation(&log->row.id, &b->cur))
		b->confirmed = false; /* somebody else continued it: a child, then */
	if (!b->confirmed)
		b->must_child = true;
}

static void role_lacking(struct sync_core *c, struct sync_session *s, const struct wire_head *h)
{
	struct branch_core *b = self(c);

	(void)s;
	if (own(&h->log)) {
		if (h->log.number > b->highest)
			b->highest = h->log.number;
		if (b->has_cur && same_incarnation(&h->log, &b->cur))
			b->confirmed = false; /* somebody else opened its other class */
		if (!b->confirmed)
			b->must_child = true;
	}
	sync_log_add(c, &(struct log_row){.id = h->log, .end = LOG_NO_END});
}

static void role_complete(struct sync_core *c, struct sync_session *s)
{
	struct branch_core *b = self(c);
	bool agreed = true;
	size_t at = 0;

	(void)s;
	for (struct sync_log *log; (log = sync_log_next(c, c->branch, &at)) != NULL;) {
		if (own(&log->row.id) &&
		    (log->ship.reason == REFUSE_FORKED || log->ship.reason == REFUSE_DAMAGED ||
		     log->ship.peer.size > log->row.head.size))
			agreed = false;
	}
	if (b->has_cur && agreed && !b->must_child)
		b->confirmed = true;
	branch_settle_damage(b);
	if (b->forking)
		return;
	branch_void_lost_keys(b);
	sync_kick(c);
}

static void role_receipt(struct sync_core *c, struct sync_log *log, const struct msg_have *h)
{
	struct sync_item item = {
	    .type = ITEM_RECEIPT, .log = log->row.id, .slot = SYNC_NO_SLOT, .head = h->head, .ready = true};

	if (!own(&log->row.id) || !c->env.receipt_ok(c->env.ctx, &log->row.id, &h->head, h->receipt))
		return;
	memcpy(item.receipt, h->receipt, sizeof item.receipt);
	for (size_t i = 0; i < c->queue_n; i++)
		if (c->queue[i].type == ITEM_RECEIPT && log_id_equal(&c->queue[i].log, &item.log)) {
			if (item.head.size > c->queue[i].head.size)
				c->queue[i] = item;
			return;
		}
	if (sync_push(c, &item))
		sync_kick(c);
}

static void role_stored(struct sync_core *c, const struct sync_item *item, bool reseal)
{
	struct branch_core *b = self(c);
	struct sync_log *log = sync_log_find(c, &item->log);

	sync_sender_has(c, &b->s, item);
	switch (item->type) {
	case ITEM_BLOCK:
	case ITEM_KEYS:
		if (b->s.open && !item->quiet)
			sync_have_send(c, &b->s, log, reseal);
		if (b->s.complete)
			branch_void_lost_keys(b);
		break;
	case ITEM_RECEIPT:
		b->receipt_ms = c->now;
		b->tries = 0;
		break;
	case ITEM_JOINED:
		b->joined = true;
		b->tries = 0;
		if (b->kind == SYNC_LINK_JOIN)
			reconnect(b, SYNC_LINK_NODE);
		break;
	case ITEM_CUT:
		branch_hello_later(b);
		break;
	default:
		break;
	}
}

static const struct sync_role role = {
    .fold = role_fold,
    .grant = role_grant,
    .peer_more = role_peer_more,
    .lacking = role_lacking,
    .complete = role_complete,
    .receipt = role_receipt,
    .stored = role_stored,
};

/* ---- start
 * --------------------------------------------------------------------------------------------------------*/

void branch_core_init(struct branch_core *b, const struct branch_conf *conf)
{
	*b = (struct branch_core){0};
	b->c.role = &role;
	b->c.env = conf->env;
	b->c.rng.state = conf->seed;
	memcpy(b->c.branch, conf->branch, sizeof b->c.branch);
	memcpy(b->s.branch, conf->branch, sizeof b->s.branch);
	memcpy(b->c.run_id, conf->run_id, sizeof conf->run_id);
	b->c.logs = conf->logs;
	b->c.logs_cap = conf->logs_cap;
	b->c.queue = conf->queue;
	b->c.queue_cap = conf->queue_cap;
	b->c.pool = BRANCH_WINDOW;
	b->hello_at = NEVER;
	b->want_since = NEVER;
}

void branch_core_load(struct branch_core *b, const struct branch_start *start, uint64_t now)
{
	b->c.now = now;
	b->c.logs_n = 0;
	b->c.instance = start->instance;
	b->c.transport = start->transport;
	b->has_cur = start->has_open;
	b->cur = start->open;
	b->confirmed = start->has_open && start->ours;
	b->must_child = !start->has_open;
	b->joined = start->joined;
	b->join = start->join;
	b->highest = start->first_number > 0 ? start->first_number - 1 : 0;
	b->receipt_ms = now;
	for (size_t i = 0; i < start->rows_n; i++) {
		if (own(&start->rows[i].id) && start->rows[i].id.number > b->highest)
			b->highest = start->rows[i].id.number;
		sync_log_add(&b->c, &start->rows[i]);
	}
	branch_fold_waiting(b);
}

/* ---- link
 * ---------------------------------------------------------------------------------------------------------*/

void branch_core_link_up(struct branch_core *b, uint64_t now, uint32_t link, enum sync_link kind,
			 const uint8_t random[16 - SYNC_RUN_START])
{
	b->c.now = now;
	memcpy(b->c.run_id + SYNC_RUN_START, random, sizeof b->c.run_id - SYNC_RUN_START);
	b->linked = true;
	b->link = link;
	b->s.link = link;
	b->s.rx_ms = now;
	b->kind = kind;
	if (kind == SYNC_LINK_JOIN)
		say_join(b);
	else
		branch_say_hello(b);
}

void branch_core_link_down(struct branch_core *b, uint64_t now)
{
	b->c.now = now;
	/* Not joined: the node's own key first (a lost Joined), then the token's. */
	reconnect(b, !b->joined && b->kind != SYNC_LINK_JOIN ? SYNC_LINK_JOIN : SYNC_LINK_NODE);
}

void branch_instance_now(struct branch_core *b, uint32_t instance)
{
	b->c.instance = instance;
	sync_push(&b->c, &(struct sync_item){
			     .type = ITEM_INSTANCE, .slot = SYNC_NO_SLOT, .number = instance, .ready = true});
}

void branch_joined_now(struct branch_core *b)
{
	b->joined = true;
	sync_push(&b->c,
		  &(struct sync_item){.type = ITEM_JOINED, .slot = SYNC_NO_SLOT, .number = 1, .ready = true});
}

static void on_hello(struct branch_core *b, const struct msg_hello *h)
{
	if (!h->from_hq || h->echo != b->s.my_nonce || memcmp(h->branch, b->c.branch, sizeof h->branch) != 0)
		return;
	if (b->s.open && h->nonce == b->s.their_nonce)
		return; /* the same answer again */
	if (h->wire_min > WIRE_VERSION || h->wire_max < WIRE_VERSION_MIN) {
		b->refused = REFUSE_INCOMPATIBLE;
		b->hello_at = b->c.now + SYNC_RETRY_MAX_MS;
		return;
	}
	b->s.their_nonce = h->nonce;
	if (h->instance < b->c.instance) {
		if (!b->lower_instance)
			sync_alarm(&b->c, ALARM_INSTANCE, b->c.branch, NULL, h->instance);
		b->lower_instance = true;
		sync_refuse(&b->c, &b->s, b->link, REFUSE_INSTANCE, NULL, b->c.instance);
		b->hello_at = b->c.now + SYNC_RETRY_MAX_MS;
		return;
	}
	b->refused = REFUSE_NONE;
	b->heard = true;
	b->heard_ms = b->c.now;
	b->lower_instance = false;
	if (h->instance > b->c.instance)
		branch_instance_now(b, h->instance);
	b->c.transport = h->transport;
	if (!b->joined) /* our own link was admitted: Joined was lost */
		branch_joined_now(b);
	memcpy(b->s.run_id, h->run_id, sizeof b->s.run_id);
	b->s.open = true;
	b->s.sent_ms = b->c.now;
	sync_hello_heads(&b->c, &b->s, h);
	sync_have_send(&b->c, &b->s, NULL, false); /* proves to head office that we are alive */
	sync_kick(&b->c);
	sync_pump(&b->c, &b->s);
}

/* ---- messages
 * -----------------------------------------------------------------------------------------------------*/

static void on_refuse(struct branch_core *b, const struct msg_refuse *r)
{
	switch (r->reason) {
	case REFUSE_HELLO:
		branch_hello_later(b);
		break;
	case REFUSE_INCOMPATIBLE:
	case REFUSE_REVOKED:
		b->refused = r->reason;
		b->s.open = false;
		b->hello_at = b->c.now + SYNC_RETRY_MAX_MS;
		break;
	case REFUSE_TOKEN:
		b->refused = r->reason;
		reconnect(b, SYNC_LINK_NODE);
		break;
	case REFUSE_FORKED:
		branch_on_forked(b, r);
		break;
	default:
		if (sync_refused(&b->c, &b->s, r))
			branch_hello_later(b);
		break;
	}
}

static void free_message(struct branch_core *b, const struct msg *m)
{
	uint32_t slot = m->type == MSG_BLOCK  ? m->block.slot
			: m->type == MSG_KEYS ? m->keys.slot
					      : SYNC_NO_SLOT;

	if (slot != SYNC_NO_SLOT)
		sync_emit(&b->c, &(struct sync_out){.type = SYNC_FREE, .free = {.slot = slot}});
}

/* What comes for the open incarnation and is not here was written by another copy: a child, then. */
static void look_for_other(struct branch_core *b, const struct msg *m)
{
	const struct log_id *id = m->type == MSG_KEYS ? &m->keys.log : &m->block.log;
	const struct sync_log *log = sync_log_find(&b->c, id);
	bool more = m->type == MSG_KEYS ? m->keys.keys_n > 0 && m->keys.keys[m->keys.keys_n - 1].number >
								    (log ? log->row.keys : 0)
					: m->block.first + m->block.count > (log ? log->row.head.size : 0);

	if (own(id) && b->has_cur && same_incarnation(id, &b->cur) && more) {
		b->confirmed = false;
		b->must_child = true;
	}
}

void branch_core_recv(struct branch_core *b, uint64_t now, const struct msg *m)
{
	b->c.now = now;
	if (m->type == MSG_HELLO && b->linked && !b->forking) {
		on_hello(b, &m->hello);
		return;
	}
	if (m->type == MSG_JOINED && b->linked && !b->joined && b->kind == SYNC_LINK_JOIN) {
		if (memcmp(m->joined.identity, b->join.identity, sizeof b->join.identity) == 0) {
			sync_push(&b->c,
				  &(struct sync_item){
				      .type = ITEM_JOINED, .slot = SYNC_NO_SLOT, .number = 1, .ready = true});
			sync_kick(&b->c);
		}
		return;
	}
	if (m->type == MSG_REFUSE && b->linked && m->session == 0) { /* before any session */
		if (m->refuse.reason == REFUSE_HELLO || m->refuse.reason == REFUSE_INCOMPATIBLE ||
		    m->refuse.reason == REFUSE_REVOKED || m->refuse.reason == REFUSE_TOKEN)
			on_refuse(b, &m->refuse);
		return;
	}
	if (!b->linked || !b->s.open || b->forking || m->session != b->s.my_nonce) {
		free_message(b, m);
		return;
	}
	b->s.rx_ms = b->heard_ms = now;
	switch (m->type) {
	case MSG_HEADS:
		sync_heads(&b->c, &b->s, &m->heads);
		break;
	case MSG_BLOCK:
		look_for_other(b, m);
		sync_block(&b->c, &b->s, &m->block);
		if (b->c.gap_seen)
			branch_hello_later(b);
		b->c.gap_seen = false;
		break;
	case MSG_HAVE:
		sync_have(&b->c, &b->s, &m->have);
		break;
	case MSG_KEYS:
		look_for_other(b, m);
		sync_keys(&b->c, &b->s, &m->keys);
		break;
	case MSG_REFUSE:
		on_refuse(b, &m->refuse);
		break;
	default:
		break;
	}
	if (b->s.open)
		sync_pump(&b->c, &b->s);
}

/* ---- completions
 * --------------------------------------------------------------------------------------------------*/

void branch_core_verified(struct branch_core *b, uint64_t now, const struct sync_verified *v)
{
	b->c.now = now;
	sync_verified(&b->c, b->s.open ? &b->s : NULL, v);
}

void branch_core_committed(struct branch_core *b, uint64_t now, const struct sync_committed *done)
{
	b->c.now = now;
	sync_committed(&b->c, done);
	if (b->s.open)
		sync_pump(&b->c, &b->s);
}

/* ---- time and state
 * -----------------------------------------------------------------------------------------------*/

void branch_core_tick(struct branch_core *b, uint64_t now)
{
	struct sync_core *c = &b->c;

	c->now = now;
	if (c->full_until != 0 && now >= c->full_until)
		c->full_until = 0;
	sync_kick(c);
	if (!b->linked || b->forking)
		return;
	if (b->kind == SYNC_LINK_JOIN) {
		if (now - b->hello_sent_ms > SYNC_CONFIRM_WAIT_MS * 5)
			reconnect(b, SYNC_LINK_NODE);
		return;
	}
	if (b->hello_at <= now) {
		branch_say_hello(b);
		return;
	}
	if (!b->s.open) {
		if (b->hello_at == NEVER && now - b->hello_sent_ms > SYNC_HELLO_MS)
			reconnect(b, SYNC_LINK_NODE);
		return;
	}
	if (b->s.complete && now - b->hello_sent_ms > SYNC_SETTLED_MS)
		b->tries = 0; /* two clones that drive each other out do not come this far */
	if (now - b->s.rx_ms > SYNC_STALE_MS) {
		reconnect(b, SYNC_LINK_NODE);
		return;
	}
	if ((sync_unanswered(c, &b->s) || !b->s.complete) && now - b->s.sent_ms > SYNC_RESEND_MS) {
		branch_say_hello(b);
		return;
	}
	if (sync_any_stopped(c, &b->s) && now - b->hello_sent_ms > SYNC_REFUSED_MS) { /* once more, rarely */
		branch_say_hello(b);
		return;
	}
	if (now - b->s.announced_ms > SYNC_ANNOUNCE_MS)
		sync_announce(c, &b->s);
	if (now - b->damage_ms > SYNC_RESEND_MS) {
		b->damage_ms = now;
		branch_settle_damage(b);
		if (b->forking)
			return;
	}
	branch_void_lost_keys(b);
	sync_kick(c);
	sync_pump(c, &b->s);
	sync_give_back(c, &b->s);
}

void branch_core_totals(struct branch_core *b, uint64_t *ret_head, uint64_t *ret_acked)
{
	*ret_head = 0;
	*ret_acked = 0;
	for (size_t i = 0; i < b->c.logs_n; i++)
		if (own(&b->c.logs[i].row.id)) {
			*ret_head += b->c.logs[i].row.head.size;
			*ret_acked += b->c.logs[i].row.acked.size;
		}
}

enum sync_state branch_core_state(struct branch_core *b, uint64_t now)
{
	bool refused = false, rewound = false, restoring = false, backlog = false;

	for (size_t i = 0; i < b->c.logs_n; i++) {
		const struct sync_log *log = &b->c.logs[i];
		refused |= log->ship.refused;
		restoring |= log->damaged != LOG_NO_END;
		if (!own(&log->row.id))
			continue;
		backlog |= log->row.acked.size < log->row.head.size;
		if (log->ship.known && b->s.open) {
			rewound |=
			    log->ship.peer.size < log->row.acked.size && log->ship.reason != REFUSE_FORKED;
			restoring |= log->ship.peer.size > log->row.head.size;
		}
	}
	const bool holds[SYNC_STATES] = {
	    [SYNC_INCOMPATIBLE] = b->refused == REFUSE_INCOMPATIBLE,
	    [SYNC_REVOKED] = b->refused == REFUSE_REVOKED,
	    [SYNC_JOINING] = !b->joined,
	    [SYNC_FORKED] = b->forking,
	    [SYNC_REFUSED] = refused,
	    [SYNC_REWOUND] = rewound,
	    [SYNC_RESTORING] = restoring,
	    [SYNC_PAUSED] = b->s.open && b->s.credit_blocked && !sync_unanswered(&b->c, &b->s),
	    [SYNC_STALE] = !b->linked || !b->heard || b->lower_instance || now - b->heard_ms > SYNC_STALE_MS,
	    [SYNC_STALLED] = backlog && b->linked && now - b->receipt_ms > SYNC_STALLED_MS,
	    [SYNC_CATCHING_UP] = backlog,
	    [SYNC_IN_SYNC] = true,
	};
	enum sync_state st = SYNC_INCOMPATIBLE;
	while (!holds[st])
		st++;
	return st;
}
