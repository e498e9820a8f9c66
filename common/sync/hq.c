#include "common/sync/hq.h"

#include "common/base/check.h"
#include "common/sync/hq_impl.h"

static struct hq_core *self(struct sync_core *c)
{
	return (struct hq_core *)c;
}

/* ---- nodes, sessions
 * ----------------------------------------------------------------------------------------------*/

static size_t node_bound(const struct hq_core *h, const char *branch)
{
	size_t lo = 0, hi = h->nodes_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (memcmp(h->nodes[mid].branch, branch, BRANCH_CODE_MAX) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct hq_node *hq_node_of(struct hq_core *h, const char *branch)
{
	size_t i = node_bound(h, branch);

	return i < h->nodes_n && memcmp(h->nodes[i].branch, branch, BRANCH_CODE_MAX) == 0 ? &h->nodes[i]
											  : NULL;
}

struct sync_session *hq_session_of(struct hq_core *h, const char *branch)
{
	struct hq_node *n = hq_node_of(h, branch);

	return n && n->session != HQ_NO_SESSION ? &h->sessions[n->session] : NULL;
}

void hq_want(struct sync_core *c, struct sync_session *s, bool want)
{
	struct hq_core *h = self(c);
	size_t i = (size_t)(s - h->sessions);

	s->want = want;
	if (want)
		h->wants[i / 64] |= UINT64_C(1) << i % 64;
	else
		h->wants[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* The first session from `from` on that wants credit; sessions_n when none does. */
static size_t next_want(const struct hq_core *h, size_t from)
{
	for (size_t word = from / 64; word * 64 < h->sessions_n; word++) {
		uint64_t bits = h->wants[word];
		if (word == from / 64)
			bits &= ~UINT64_C(0) << from % 64;
		if (bits)
			return word * 64 + (size_t)__builtin_ctzll(bits);
	}
	return h->sessions_n;
}

bool hq_any_wants(const struct hq_core *h)
{
	return next_want(h, 0) < h->sessions_n;
}

void hq_session_end(struct hq_core *h, struct hq_node *n)
{
	if (n->session == HQ_NO_SESSION)
		return;
	hq_want(&h->c, &h->sessions[n->session], false);
	if (n->session < h->sessions_free)
		h->sessions_free = n->session;
	sync_credit_end(&h->c, &h->sessions[n->session]);
	h->sessions[n->session] = (struct sync_session){0};
	n->session = HQ_NO_SESSION;
}

struct sync_session *hq_session_begin(struct hq_core *h, struct hq_node *n)
{
	hq_session_end(h, n);
	size_t i = h->sessions_free;
	while (i < h->sessions_n && h->sessions[i].open)
		i++;
	h->sessions_free = i;
	if (i == h->sessions_cap)
		return NULL;
	if (i == h->sessions_n)
		h->sessions[h->sessions_n++] = (struct sync_session){0};
	n->session = (uint32_t)i;
	memcpy(h->sessions[i].branch, n->branch, BRANCH_CODE_MAX);
	return &h->sessions[i];
}

/* The session that the item came in, if that still lasts. */
static struct sync_session *session_of_item(struct hq_core *h, const struct sync_item *item)
{
	struct sync_session *s = hq_session_of(h, item->log.branch);

	if (s && s->open && s->my_nonce == item->session)
		return s;
	for (size_t i = 0; i < h->sessions_n && log_is_hq(&item->log); i++) /* whoever gave back a log of ours */
		if (h->sessions[i].open && h->sessions[i].my_nonce == item->session)
			return &h->sessions[i];
	return NULL;
}

/* Does the branch hold more of a log of its own than head office, or than what head office has received of it? */
static bool holds_more(struct sync_core *c, struct sync_session *s, bool than_received)
{
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;) {
		struct sync_ship *ship = sync_ship_of(c, s, log);
		if (ship->known && ship->peer.size > (than_received ? log->in : log->row.head.size))
			return true;
	}
	return false;
}

bool hq_behind(struct sync_core *c, struct sync_session *s)
{
	return holds_more(c, s, false);
}

/* ---- credit
 * -------------------------------------------------------------------------------------------------------*/

void hq_top_up(struct sync_core *c, struct sync_session *s)
{
	uint64_t left = s->granted - s->received;
	uint64_t more = left < SYNC_CREDIT_KEEP ? SYNC_CREDIT_KEEP - left : 0;

	if (more > 0 && more + BLOCK_BYTES_MAX <= c->pool &&
	    c->now >= c->full_until) /* a block's room for turns */
		sync_credit_give(c, s, more);
}

static bool grant_one(struct sync_core *c, struct sync_session *s)
{
	uint64_t left = s->granted - s->received;

	if (!s->open || left >= BLOCK_BYTES_MAX || left + c->pool < BLOCK_BYTES_MAX)
		return false;
	sync_credit_give(c, s, c->pool < HQ_CREDIT_QUANTUM ? c->pool : HQ_CREDIT_QUANTUM);
	hq_want(c, s, false);
	s->grant_ms = c->now;
	sync_have_send(c, s, NULL, false);
	return true;
}

/* Deficit round robin: whose turn it is gets room for at least one block. Costs what wants credit. */
void hq_grant(struct sync_core *c)
{
	struct hq_core *h = self(c);

	if (c->now < c->full_until)
		return;
	/* once round, from whose turn it is: those behind it, then those before it */
	size_t turn = h->turn;
	for (size_t half = 0; half < 2; half++) {
		size_t end = half ? turn : h->sessions_n;
		for (size_t i = next_want(h, half ? 0 : turn); i < end && c->pool > 0; i = next_want(h, i + 1))
			if (grant_one(c, &h->sessions[i]) && c->pool == 0)
				h->turn = (i + 1) % h->sessions_n;
	}
}

/* ---- what differs by role
 * -----------------------------------------------------------------------------------------*/

static bool role_fold(struct sync_core *c, const struct log_id *id)
{
	(void)c;
	(void)id;
	return true;
}

void hq_rolled_back(struct hq_core *h, const char *branch, const struct log_id *log, uint64_t size)
{
	if (h->state == SYNC_HQ_ROLLED_BACK)
		return;
	h->state = SYNC_HQ_ROLLED_BACK;
	sync_alarm(&h->c, ALARM_ROLLED_BACK, branch, log, size);
}

static void role_peer_more(struct sync_core *c, struct sync_session *s, struct sync_log *log)
{
	if (log_is_hq(&log->row.id) && log->row.id.number >= c->instance)
		hq_rolled_back(self(c), s->branch, &log->row.id, sync_ship_of(c, s, log)->peer.size);
}

static void role_lacking(struct sync_core *c, struct sync_session *s, const struct wire_head *head)
{
	if (log_is_hq(&head->log) && head->log.number >= c->instance)
		hq_rolled_back(self(c), s->branch, &head->log, head->head.size);
	hq_want(c, s, true);
}

static void role_complete(struct sync_core *c, struct sync_session *s)
{
	size_t at = 0;

	bool want = s->want || hq_behind(c, s);
	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;)
		want |= log->damaged != LOG_NO_END;
	hq_want(c, s, want);
	hq_grant(c);
	at = 0;
	for (struct sync_log *log; (log = sync_log_next(c, s->branch, &at)) != NULL;)
		if (log->damaged != LOG_NO_END)
			sync_ask_back(c, s, log);
}

static void role_receipt(struct sync_core *c, struct sync_log *log, const struct msg_have *have)
{
	(void)c;
	(void)log;
	(void)have; /* branches give no receipts */
}

/* A log grew past the place where a child of it begins: two live copies, one went on and one began anew. */
static void look_for_clone(struct sync_core *c, const struct sync_item *item)
{
	struct sync_log *log = sync_log_find(c, &item->log);
	struct hq_node *n = hq_node_of(self(c), item->log.branch);
	size_t at = 0;

	if (n == NULL || n->clone || log->row.end != LOG_NO_END)
		return;
	for (struct sync_log *l; (l = sync_log_next(c, item->log.branch, &at)) != NULL;)
		if (l->row.has_parent && l->row.head.size > 0 && log_id_equal(&l->row.parent, &item->log) &&
		    l->row.parent_head.size < item->head.size) {
			n->clone = true;
			sync_alarm(c, ALARM_CLONE, n->branch, &item->log, item->head.size);
			return;
		}
}

/* Is everything up to the head answered for, keys included? Then the head is receipted. */
void hq_receipt(struct sync_core *c, struct sync_log *log)
{
	struct sync_log *keys = sync_keys_log(c, log);

#ifdef BUG_8 /* planted: the key numbers are ignored */
	keys = log;
	log->row.keys_need = 0;
#endif
	if (log->row.keys_need <= (keys ? keys->row.keys : 0) && log->row.head.size > log->row.acked.size) {
		struct hq_node *n = hq_node_of(self(c), log->row.id.branch);
		log->row.acked = log->row.head;
		if (n)
			n->receipt_ms = c->now;
	}
}

static void role_stored(struct sync_core *c, const struct sync_item *item, bool reseal)
{
	struct hq_core *h = self(c);
	struct sync_log *log = sync_log_find(c, &item->log);
	struct sync_session *s = log ? hq_session_of(h, log->row.id.branch) : NULL;
	struct sync_session *sender = session_of_item(h, item);

	if (sender)
		sync_sender_has(c, sender, item);
	switch (item->type) {
	case ITEM_BLOCK:
		if (log_is_hq(&item->log))
			break;
		hq_receipt(c, log);
		look_for_clone(c, item);
		struct hq_node *n = hq_node_of(h, item->log.branch);
		if (n && n->refused && log_id_equal(&n->refused_log, &item->log))
			n->refused = false;
		if (s) {
			hq_want(c, s, s->want || hq_behind(c, s));
			hq_top_up(c, s);
		}
		break;
	case ITEM_KEYS: {
		if (log->row.id.cls != LOG_LIVE)
			break;
		hq_receipt(c, log);
		struct log_id bulk = log->row.id;
		bulk.cls = LOG_BULK;
		struct sync_log *sibling = sync_log_find(c, &bulk);
		if (sibling) {
			hq_receipt(c, sibling);
			if (s && sibling->row.head.size > 0)
				sync_have_send(c, s, sibling, false);
		}
		break;
	}
	case ITEM_ADMIT:
		hq_admitted(h, item->number);
		return;
	default:
		return;
	}
	if (log_is_hq(&item->log)) { /* a log of ours given back: answered to whoever gave it */
		bool news = item->type == ITEM_BLOCK && item->first == 0 && log->row.id.cls == LOG_HQ_ALL;
		for (size_t i = 0; i < h->sessions_n; i++) {
			struct sync_session *o = &h->sessions[i];
			if (o->open && o->link == item->link) {
				if (!item->quiet)
					sync_have_send(c, o, log, reseal);
			} else if (o->open && news) /* nobody asked what the others hold of it */
				sync_refuse(c, o, o->link, REFUSE_HELLO, NULL, 0);
		}
	} else if (s && !item->quiet) {
		sync_have_send(c, s, log, reseal);
	}
}

static const struct sync_role role = {
    .fold = role_fold,
    .grant = hq_grant,
    .peer_more = role_peer_more,
    .lacking = role_lacking,
    .complete = role_complete,
    .want = hq_want,
    .receipt = role_receipt,
    .stored = role_stored,
};

/* ---- start
 * --------------------------------------------------------------------------------------------------------*/

void hq_core_init(struct hq_core *h, const struct hq_conf *conf)
{
	*h = (struct hq_core){0};
	h->c.role = &role;
	h->c.is_hq = true;
	h->c.env = conf->env;
	h->c.rng.state = conf->seed;
	h->c.instance = conf->instance;
	h->c.transport = conf->transport;
	memcpy(h->c.run_id, conf->run_id, sizeof h->c.run_id);
	h->c.logs = conf->logs;
	h->c.logs_cap = conf->logs_cap;
	h->c.queue = conf->queue;
	h->c.queue_cap = conf->queue_cap;
	h->c.pool = conf->pool;
	as_assert(conf->pool >= HQ_CREDIT_QUANTUM);
	h->sessions = conf->sessions;
	h->sessions_cap = conf->sessions_cap;
	as_assert(h->sessions_cap <= HQ_SESSIONS_MAX);
	h->nodes = conf->nodes;
	h->nodes_cap = conf->nodes_cap;
	h->tokens = conf->tokens;
	h->tokens_cap = conf->tokens_cap;
}

bool hq_core_load_log(struct hq_core *h, const struct log_row *row)
{
	struct sync_log *log = sync_log_add(&h->c, row);

	if (log == NULL)
		return false;
	return true;
}

bool hq_core_add_node(struct hq_core *h, const char branch[BRANCH_CODE_MAX])
{
	size_t i = node_bound(h, branch);

	if (hq_node_of(h, branch))
		return true;
	if (h->nodes_n == h->nodes_cap) {
		sync_alarm(&h->c, ALARM_TOO_MANY, branch, NULL, h->nodes_n);
		return false;
	}
	memmove(&h->nodes[i + 1], &h->nodes[i], (h->nodes_n - i) * sizeof h->nodes[0]);
	h->nodes_n++;
	h->nodes[i] = (struct hq_node){.session = HQ_NO_SESSION, .receipt_ms = h->c.now};
	memcpy(h->nodes[i].branch, branch, BRANCH_CODE_MAX);
	return true;
}

/* ---- messages
 * -----------------------------------------------------------------------------------------------------*/

static void free_message(struct hq_core *h, const struct msg *m)
{
	uint32_t slot = m->type == MSG_BLOCK  ? m->block.slot
			: m->type == MSG_KEYS ? m->keys.slot
					      : SYNC_NO_SLOT;

	if (slot != SYNC_NO_SLOT)
		sync_emit(&h->c, &(struct sync_out){.type = SYNC_FREE, .free = {.slot = slot}});
}

static void on_refuse(struct hq_core *h, struct sync_session *s, const struct msg_refuse *r)
{
	if (r->reason == REFUSE_INSTANCE) {
		hq_rolled_back(h, s->branch, NULL, r->first);
		return;
	}
	if (r->reason != REFUSE_FORKED)
		sync_refused(&h->c, s, r); /* a lost block: the branch says Hello again by itself */
}

void hq_core_recv(struct hq_core *h, uint64_t now, const struct hq_link *link, const struct msg *m)
{
	h->c.now = now;
	if (link->kind == SYNC_LINK_JOIN) {
		if (m->type == MSG_JOIN)
			hq_on_join(h, link, &m->join);
		else
			sync_refuse(&h->c, NULL, link->link, REFUSE_LINK, NULL, 0);
		free_message(h, m);
		return;
	}
	if (m->type == MSG_HELLO) {
		hq_on_hello(h, link, &m->hello);
		return;
	}
	struct hq_node *n = hq_node_of(h, link->branch);
	struct sync_session *s = n ? hq_session_of(h, link->branch) : NULL;
	if (s == NULL || link->ended || s->link != link->link || m->session != s->my_nonce) {
		sync_refuse(&h->c, NULL, link->link, link->ended ? REFUSE_REVOKED : REFUSE_HELLO, NULL, 0);
		free_message(h, m);
		return;
	}
	uint64_t before;
	n->seen_ms = s->rx_ms = now;
	if (!s->established)
		hq_prove_alive(h, n, s);
	switch (m->type) {
	case MSG_HEADS:
		before = s->returned;
		sync_heads(&h->c, s, &m->heads);
		if (m->heads.announce) {
			if (s->returned != before)
				hq_want(&h->c, s, false); /* it cannot use credit now */
			else if (m->heads.heads_n > 0)
				hq_want(&h->c, s, s->want || hq_behind(&h->c, s));
			sync_have_send(&h->c, s, NULL, false); /* alive, too */
		}
		if (!m->heads.ask)
			hq_grant(&h->c);
		break;
	case MSG_BLOCK:
		s->grant_ms = now;
		sync_block(&h->c, s, &m->block);
		if (s->granted - s->received < BLOCK_BYTES_MAX) { /* before the rest has come it may send more */
			hq_want(&h->c, s, s->want || holds_more(&h->c, s, true));
			hq_grant(&h->c);
		}
		if (h->c.gap_seen && !n->gap) {
			n->gap = true;
			n->gap_ms = now;
		}
		h->c.gap_seen = false;
		if (h->c.refused_seen) {
			n->refused = true;
			n->refused_log = m->block.log;
		}
		h->c.refused_seen = false;
		break;
	case MSG_HAVE:
		sync_have(&h->c, s, &m->have);
		break;
	case MSG_KEYS:
		sync_keys(&h->c, s, &m->keys);
		break;
	case MSG_REFUSE:
		on_refuse(h, s, &m->refuse);
		break;
	default:
		break;
	}
	sync_pump(&h->c, s);
}

void hq_core_refeed(struct hq_core *h, uint64_t now, const struct msg_block *b)
{
	h->c.now = now;
	sync_block(&h->c, NULL, b);
	h->c.gap_seen = h->c.refused_seen = false;
}

void hq_core_link_down(struct hq_core *h, uint64_t now, uint32_t link)
{
	h->c.now = now;
	for (size_t i = 0; i < h->sessions_n; i++)
		if (h->sessions[i].open && h->sessions[i].link == link)
			hq_session_end(h, hq_node_of(h, h->sessions[i].branch));
	hq_grant(&h->c);
}

void hq_core_verified(struct hq_core *h, uint64_t now, const struct sync_verified *v)
{
	struct sync_item *item = sync_item_of(&h->c, v->slot);

	h->c.now = now;
	as_assert(item != NULL);
	struct sync_session *s = session_of_item(h, item);
	struct hq_node *n = hq_node_of(h, item->log.branch);
	if (v->reason != REFUSE_NONE && n) {
		n->refused = true;
		n->refused_log = item->log;
	}
	sync_verified(&h->c, s, v);
#ifdef BUG_1 /* planted: the receipt goes out before the commit */
	struct sync_log *log = item ? sync_log_find(&h->c, &item->log) : NULL;
	if (s && log && v->reason == REFUSE_NONE && !item->evidence) {
		struct log_row kept = log->row;
		log->row.head = v->head;
		log->row.acked = v->head;
		sync_have_send(&h->c, s, log, false);
		log->row = kept;
	}
#endif
}

void hq_core_committed(struct hq_core *h, uint64_t now, const struct sync_committed *done)
{
	h->c.now = now;
	sync_committed(&h->c, done);
}
