/* Hello: who may speak, who is alive, who is a clone. */
#include "common/base/check.h"
#include "common/sync/hq_impl.h"

/* ---- Hello
 * --------------------------------------------------------------------------------------------------*/

/* False: a Hello that was heard before, late or repeated. */
static bool newer_hello(struct hq_node *n, const struct msg_hello *m)
{
	size_t i = 0;

	while (i < AS_COUNT(n->runs) && memcmp(n->runs[i].run_id, m->run_id, sizeof m->run_id) != 0)
		i++;
	if (i < AS_COUNT(n->runs) && m->nonce <= n->runs[i].nonce)
		return false;
	if (i == AS_COUNT(n->runs))
		i--; /* the oldest is forgotten */
	memmove(&n->runs[1], &n->runs[0], i * sizeof n->runs[0]);
	memcpy(n->runs[0].run_id, m->run_id, sizeof m->run_id);
	n->runs[0].nonce = m->nonce;
	return true;
}

/* What was receipted is not kept: it follows from what is held. */
static void receipt_all(struct sync_core *c, const char *branch)
{
	size_t at = 0;

	for (struct sync_log *log; (log = sync_log_next(c, branch, &at)) != NULL;)
		if (!log_is_hq(&log->row.id))
			hq_receipt(c, log);
}

void hq_on_hello(struct hq_core *h, const struct hq_link *link, const struct msg_hello *m)
{
	struct hq_node *n = hq_node_of(h, link->branch);

	if (n && link->ended && n->session == HQ_NO_SESSION)
		n->revoked = true;
	if (n == NULL || link->ended) {
		sync_refuse(&h->c, NULL, link->link, REFUSE_REVOKED, NULL, 0);
		return;
	}
	if (m->from_hq || memcmp(m->branch, link->branch, BRANCH_CODE_MAX) != 0) {
		sync_refuse(&h->c, NULL, link->link, REFUSE_LINK, NULL, 0);
		return;
	}
	n->seen_ms = h->c.now;
	if (m->wire_min > WIRE_VERSION || m->wire_max < WIRE_VERSION_MIN) {
		n->incompatible = true;
		hq_session_end(h, n);
		sync_refuse(&h->c, NULL, link->link, REFUSE_INCOMPATIBLE, NULL, 0);
		return;
	}
	n->incompatible = n->revoked = false;
	if (!newer_hello(n, m))
		return;
	struct sync_session *old = hq_session_of(h, n->branch);
	if (n->clone && old && memcmp(old->run_id, m->run_id, sizeof m->run_id) != 0 &&
	    hq_behind(&h->c, old) &&
	    h->c.now - old->begun_ms <
		SYNC_TURN_MS) { /* two copies take turns, or neither gets anything across */
		sync_refuse(&h->c, NULL, link->link, REFUSE_HELLO, NULL, 0);
		return;
	}
	hq_tokens_spend(h, n);
	struct sync_session *s = hq_session_begin(h, n);
	if (s == NULL) {
		sync_alarm(&h->c, ALARM_TOO_MANY, n->branch, NULL, h->sessions_cap);
		sync_refuse(&h->c, NULL, link->link, REFUSE_HELLO, NULL, 0);
		return;
	}
	if (m->instance > h->c.instance)
		hq_rolled_back(h, n->branch, NULL, m->instance);
	s->open = true;
	s->link = link->link;
	s->their_nonce = m->nonce;
	memcpy(s->run_id, m->run_id, sizeof s->run_id);
	s->rx_ms = s->sent_ms = s->begun_ms = h->c.now;
	n->refused = n->gap = false;
	hq_top_up(&h->c, s);
	receipt_all(&h->c, n->branch);
	sync_hello_send(&h->c, s, m);
	sync_hello_heads(&h->c, s, m);
	sync_pump(&h->c, s);
}

/* Where the run stands among those that proved alive, by the first bytes of its id. */
static size_t lived(const struct hq_node *n, const uint8_t run_id[16], size_t bytes)
{
	size_t i = 0;

	while (i < AS_COUNT(n->lives) && memcmp(n->lives[i], run_id, bytes) != 0)
		i++;
	return i;
}

/*
 * The first message that carries our nonce: this run is alive now. A start of the program that comes back
 * after another one, or a connection that does (a machine that was copied with its memory): a clone.
 */
void hq_prove_alive(struct hq_core *h, struct hq_node *n, struct sync_session *s)
{
	size_t i = lived(n, s->run_id, sizeof s->run_id), start = lived(n, s->run_id, SYNC_RUN_START);

	s->established = true;
	if (((i > 0 && i < AS_COUNT(n->lives)) || (start > 0 && start < AS_COUNT(n->lives))) && !n->clone) {
		n->clone = true;
		sync_alarm(&h->c, ALARM_CLONE, n->branch, NULL, 0);
	}
	if (i == AS_COUNT(n->lives))
		i--;
	memmove(n->lives[1], n->lives[0], i * sizeof n->lives[0]);
	memcpy(n->lives[0], s->run_id, sizeof n->lives[0]);
}
