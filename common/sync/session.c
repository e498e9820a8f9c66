/* One session with one peer: who holds what, who sends what next. */
#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/sync/core.h"

/* ---- saying what we hold
 * ------------------------------------------------------------------------------------------*/

static struct wire_head wire_head_of(const struct sync_log *log)
{
	return (struct wire_head){.log = log->row.id, .head = log->row.head, .keys = log->row.keys};
}

static bool listed(const struct wire_head *heads, uint32_t n, const struct log_id *id)
{
	for (uint32_t i = 0; i < n; i++)
		if (log_id_equal(&heads[i].log, id))
			return true;
	return false;
}

/* SHA-256 over (log id, size, root, keys) of every shared log that is not listed, in table order. */
static uint32_t rest_of(struct sync_core *c, struct sync_session *s, const struct wire_head *heads,
			uint32_t heads_n, uint8_t digest[32])
{
	struct as_sha256 h;
	uint32_t n = 0;
	size_t at = 0;

	as_sha256_init(&h);
	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
		uint8_t entry[LOG_ID_BYTES + 8 + 32 + 8];
		if (listed(heads, heads_n, &log->row.id) || (log->row.head.size == 0 && log->row.keys == 0))
			continue;
		log_id_put(&log->row.id, entry);
		put_be64(entry + LOG_ID_BYTES, log->row.head.size);
		memcpy(entry + LOG_ID_BYTES + 8, log->row.head.root, 32);
		put_be64(entry + LOG_ID_BYTES + 40, log->row.keys);
		as_sha256_update(&h, entry, sizeof entry);
		n++;
	}
	as_sha256_final(&h, digest);
	return n;
}

static void list(struct msg_hello *h, const struct sync_log *log)
{
	if (h->heads_n < HELLO_HEADS_MAX && !listed(h->heads, h->heads_n, &log->row.id))
		h->heads[h->heads_n++] = wire_head_of(log);
}

void sync_hello_send(struct sync_core *c, struct sync_session *s, const struct msg_hello *answered)
{
	struct msg m = {.type = MSG_HELLO};
	struct msg_hello *h = &m.hello;
	size_t at = 0;

	h->wire_min = WIRE_VERSION_MIN;
	h->wire_max = WIRE_VERSION;
	memcpy(h->branch, s->branch, sizeof h->branch);
	h->from_hq = c->is_hq;
	memcpy(h->run_id, c->run_id, sizeof h->run_id);
	s->my_nonce = ++c->nonces << 32 | (rng_next(&c->rng) >> 32);
	h->nonce = s->my_nonce;
	h->instance = c->instance;
	h->transport = c->transport;
	h->credit = s->granted;
	/* What the peer asked about is answered; then what is open or not fully receipted. */
	for (uint32_t i = 0; answered && i < answered->heads_n; i++) {
		struct sync_log *log = sync_log_find(c, &answered->heads[i].log);
		if (log && sync_log_shared(&log->row.id, s->branch))
			list(h, log);
		else if (h->heads_n < HELLO_HEADS_MAX)
			h->heads[h->heads_n++] = (struct wire_head){.log = answered->heads[i].log};
	}
	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
		bool hq_log = log_is_hq(&log->row.id);
		if (hq_log ? log->row.id.number == c->instance : log->row.acked.size < log->row.head.size)
			list(h, log);
		if (log->row.id.cls == LOG_HQ_ALL && log->row.id.number == c->instance)
			h->roster_version = log->row.head.size;
	}
	if (answered)
		h->echo = answered->nonce;
	h->rest_n = rest_of(c, s, h->heads, h->heads_n, h->rest_digest);
	sync_send(c, s->link, &m);
}

void sync_announce(struct sync_core *c, struct sync_session *s)
{
	struct msg m = {.type = MSG_HEADS,
			.session = s->their_nonce,
			.heads = {.announce = true, .last = true, .returned = s->returned}};
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
		struct sync_ship *ship = sync_ship_of(c, s, log);
		bool unseen =
		    !c->is_hq && !log_is_hq(&log->row.id) && log->row.acked.size < log->row.head.size;
		if (ship->known && (unseen || ship->showing || ship->peer.size < log->row.head.size) &&
		    m.heads.heads_n < HELLO_HEADS_MAX)
			m.heads.heads[m.heads.heads_n++] = wire_head_of(log);
	}
	s->announced_ms = c->now;
	sync_send(c, s->link, &m);
}

void sync_have_send(struct sync_core *c, struct sync_session *s, const struct sync_log *log, bool reseal)
{
	struct msg m = {.type = MSG_HAVE, .session = s->their_nonce};
	struct msg_have *h = &m.have;

	h->credit = s->granted;
	h->transport = c->transport;
	h->reseal = reseal;
	if (log) {
		h->log = log->row.id;
		h->head = log->row.head;
		h->keys = log->row.keys;
		h->receipted = c->is_hq && !log_is_hq(&log->row.id) && log->row.head.size > 0 &&
			       log->row.acked.size == log->row.head.size;
	}
	sync_send(c, s->link, &m);
}

/* ---- hearing what the peer holds
 * ----------------------------------------------------------------------------------*/

/*
 * The peer holds something else at an index that we hold too. Head office's word stands: it shows the block
 * ends of what it committed. A branch shows its signed block over that place, so that head office sees the
 * two.
 */
static void conflict(struct sync_core *c, struct sync_session *s, struct sync_log *log, uint64_t size)
{
	struct block_meta meta;

	if (c->is_hq) {
		if (log_is_hq(&log->row.id))
			c->role->peer_more(c, s, log);
		sync_refuse(c, s, s->link, REFUSE_FORKED, &log->row.id, 0);
	} else if (c->env.block_at(c->env.ctx, &log->row.id, size - 1, &meta)) {
		sync_show(c, s, log, meta.first);
	}
}

/* The branch holds all that we hold of a log of its own: a receipt that was lost, or that it never had, is
 * given again. */
static void receipt_again(struct sync_core *c, struct sync_session *s, const struct sync_log *log,
			  uint64_t peer_size)
{
	if (c->is_hq && !log_is_hq(&log->row.id) && peer_size > 0 && peer_size == log->row.head.size &&
	    log->row.acked.size == log->row.head.size)
		sync_have_send(c, s, log, false);
}

/* One head of the peer, at the beginning of a session. */
static void hear(struct sync_core *c, struct sync_session *s, const struct wire_head *h)
{
	struct sync_log *log;

	if (!sync_log_shared(&h->log, s->branch))
		return;
	log = sync_log_find(c, &h->log);
	if (log == NULL) {
		if (h->head.size > 0 || h->keys > 0)
			c->role->lacking(c, s, h);
		log = sync_log_find(c, &h->log);
		if (log == NULL)
			return;
	}
	struct sync_ship *ship = sync_ship_of(c, s, log);
	ship->known = true;
	ship->keys_peer = ship->keys_sent = h->keys;
	if (!c->is_hq && h->keys > log->row.keys)
		c->role->peer_more(c, s, log);
	if (h->head.size > ship->peer.size)
		ship->refused = false;
	if (h->head.size > log->row.head.size) {
		ship->peer = h->head;
		ship->sent = log->row.head.size;
		c->role->peer_more(c, s, log);
		return;
	}
	enum sync_look look = sync_head_look(c, log, &h->head);
	if (look != LOOK_DIFFERS) {
		ship->peer = h->head;
		ship->sent = h->head.size;
		ship->reason = look == LOOK_UNREADABLE ? REFUSE_DAMAGED : ship->reason;
#ifdef BUG_10 /* planted: off by one at resume */
		ship->sent += ship->sent > 0 && ship->sent < log->row.head.size;
#endif
		receipt_again(c, s, log, h->head.size);
	} else {
		ship->peer = (struct log_head){0};
		ship->sent = log->row.head.size; /* nothing more until this is settled */
		ship->reason = REFUSE_FORKED;
		conflict(c, s, log, h->head.size);
	}
}

/* A new session: all that is kept is that the peer refused a sound block, and where. It is tried once more.
 */
static void begin(struct sync_ship *ship)
{
	*ship = (struct sync_ship){.refused = ship->refused,
				   .retries = ship->refused,
				   .peer = ship->refused ? ship->peer : (struct log_head){0}};
}

static void all_known(struct sync_core *c, struct sync_session *s)
{
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
		struct sync_ship *ship = sync_ship_of(c, s, log);
		if (!ship->known)
			*ship = (struct sync_ship){.known = true};
	}
	s->complete = true;
	c->role->complete(c, s);
}

static void ask_page(struct sync_core *c, struct sync_session *s, const struct log_id *after)
{
	struct msg m = {
	    .type = MSG_HEADS, .session = s->their_nonce, .heads = {.ask = true, .from_start = !after}};

	if (after)
		m.heads.after = *after;
	s->page_n++;
	sync_send(c, s->link, &m);
}

void sync_hello_heads(struct sync_core *c, struct sync_session *s, const struct msg_hello *h)
{
	uint8_t digest[32];
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;)
		begin(sync_ship_of(c, s, log));
	s->complete = false;
	s->page_n = 0;
	s->credit = h->credit;
	s->sent = 0;
	s->returned = 0;
	s->credit_blocked = false;
	uint32_t n = rest_of(c, s, h->heads, h->heads_n, digest);
	bool same = n == h->rest_n && memcmp(digest, h->rest_digest, sizeof digest) == 0;
	for (uint32_t i = 0; i < h->heads_n; i++)
		hear(c, s, &h->heads[i]);
	if (!same) {
		ask_page(c, s, NULL);
		return;
	}
	for (at = 0; true;) {
		struct sync_log *log = sync_log_next(c, s->branch, &at);
		if (log == NULL)
			break;
		struct sync_ship *ship = sync_ship_of(c, s, log);
		if (!ship->known && (log->row.head.size || log->row.keys))
			*ship = (struct sync_ship){.known = true,
						   .peer = log->row.head,
						   .sent = log->row.head.size,
						   .keys_peer = log->row.keys,
						   .keys_sent = log->row.keys};
	}
	all_known(c, s);
}

static void answer_page(struct sync_core *c, struct sync_session *s, const struct msg_heads *q)
{
	struct msg m = {.type = MSG_HEADS, .session = s->their_nonce};
	size_t at = 0;

	m.heads.last = true;
	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
		if (!q->from_start && log_id_order(&log->row.id, &q->after) <= 0)
			continue;
		if (m.heads.heads_n == HELLO_HEADS_MAX) {
			m.heads.last = false;
			break;
		}
		m.heads.heads[m.heads.heads_n++] = wire_head_of(log);
	}
	sync_send(c, s->link, &m);
}

void sync_heads(struct sync_core *c, struct sync_session *s, const struct msg_heads *h)
{
	if (h->ask) {
		answer_page(c, s, h);
		return;
	}
	if (h->announce) {
		if (h->returned > s->returned && h->returned - s->returned <= s->granted - s->received) {
			s->received += h->returned - s->returned;
			c->pool += h->returned - s->returned;
			s->returned = h->returned;
			if (c->role->want)
				c->role->want(c, s, false); /* it has nothing that it could send */
		}
		for (uint32_t i = 0; i < h->heads_n; i++) {
			struct sync_log *log = sync_log_find(c, &h->heads[i].log);
			if (!sync_log_shared(&h->heads[i].log, s->branch))
				continue;
			if (log == NULL) {
				c->role->lacking(c, s, &h->heads[i]);
				continue;
			}
			struct sync_ship *ship = sync_ship_of(c, s, log);
			if (h->heads[i].head.size > log->row.head.size &&
			    h->heads[i].head.size > ship->peer.size)
				ship->peer = h->heads[i].head;
			receipt_again(c, s, log, h->heads[i].head.size);
		}
		return;
	}
	if (s->complete || s->page_n == 0)
		return;
	for (uint32_t i = 0; i < h->heads_n; i++) {
		struct sync_log *log = sync_log_find(c, &h->heads[i].log);
		if (log == NULL || !sync_ship_of(c, s, log)->known)
			hear(c, s, &h->heads[i]);
	}
	if (h->last)
		all_known(c, s);
	else if (h->heads_n > 0 && s->page_n < c->logs_cap)
		ask_page(c, s, &h->heads[h->heads_n - 1].log);
}

void sync_have(struct sync_core *c, struct sync_session *s, const struct msg_have *h)
{
	struct sync_log *log;

	if (h->credit > s->credit) {
		s->credit = h->credit;
		s->credit_blocked = false;
	}
	if (h->log.cls == 0 || !sync_log_shared(&h->log, s->branch))
		return;
	log = sync_log_find(c, &h->log);
	if (log == NULL)
		return;
	struct sync_ship *ship = sync_ship_of(c, s, log);
	if (!ship->known)
		return;
	if (h->head.size > log->row.head.size) {
		if (h->head.size > ship->peer.size)
			ship->peer = h->head;
	} else {
		enum sync_look look = sync_head_look(c, log, &h->head);
#ifdef BUG_6 /* planted: a receipt is believed without a look at its root */
		look = h->receipted ? LOOK_AGREES : look;
#endif
		if (look == LOOK_DIFFERS)
			conflict(c, s, log, h->head.size);
		if (look != LOOK_AGREES)
			return;
		if (h->head.size > ship->peer.size) {
			ship->peer = h->head;
			ship->retries = 0;
			ship->refused = ship->stopped = false; /* a person admitted it */
			ship->reason = REFUSE_NONE;
			if (ship->sent < h->head.size)
				ship->sent = h->head.size;
			s->sent_ms = c->now;
		}
		if (h->receipted && h->head.size > log->row.acked.size)
			c->role->receipt(c, log, h);
		receipt_again(c, s, log, h->head.size); /* fetched back */
	}
	if (h->keys > ship->keys_peer) {
		ship->keys_peer = h->keys;
		s->sent_ms = c->now;
	}
	if (!c->is_hq && h->keys > log->row.keys)
		c->role->peer_more(c, s, log);
	if (ship->keys_sent < ship->keys_peer)
		ship->keys_sent = ship->keys_peer;
	if (h->reseal) {
		ship->keys_sent = h->keys;
		if (!c->is_hq)
			c->transport = h->transport;
	}
}
