/* Time, and what is said about a branch. */
#include "common/sync/hq_impl.h"

/* ---- time and state
 * -----------------------------------------------------------------------------------------------*/

/* Has every linked branch given back what it holds of our logs? */
static bool given_back(struct hq_core *h)
{
	for (size_t i = 0; i < h->sessions_n; i++) {
		struct sync_session *s = &h->sessions[i];
		size_t at = 0;
		if (!s->open)
			continue;
		if (!s->complete)
			return false;
		for (struct sync_log *log; (log = sync_log_next(&h->c, s->branch, &at)) != NULL;)
			if (log_is_hq(&log->row.id) &&
			    sync_ship_of(&h->c, s, log)->peer.size > log->row.head.size)
				return false;
	}
	return true;
}

void hq_core_tick(struct hq_core *h, uint64_t now)
{
	h->c.now = now;
	if (h->c.full_until != 0 && now >= h->c.full_until) {
		h->c.full_until = 0;
		sync_kick(&h->c);
	}
	bool short_of_credit = h->c.pool < BLOCK_BYTES_MAX && hq_any_wants(h);
	for (size_t i = 0; i < h->nodes_n; i++) {
		struct hq_node *n = &h->nodes[i];
		if (n->session == HQ_NO_SESSION)
			continue;
		struct sync_session *s = &h->sessions[n->session];
		if (now - s->rx_ms > SYNC_STALE_MS) {
			hq_session_end(h, n);
			continue;
		}
		bool hoards = short_of_credit && s->granted - s->received > 2 * SYNC_CREDIT_KEEP &&
			      now - s->grant_ms > SYNC_RESEND_MS;
		/* once more, rarely: the branch may have found its damage meanwhile */
		bool held_up = sync_any_stopped(&h->c, s) && now - s->begun_ms > SYNC_REFUSED_MS;
		if (hoards || held_up ||
		    ((sync_unanswered(&h->c, s) || !s->complete) && now - s->sent_ms > SYNC_RESEND_MS)) {
			s->sent_ms = s->grant_ms = now;
			sync_refuse(&h->c, s, s->link, REFUSE_HELLO, NULL, 0);
		}
		sync_pump(&h->c, s);
	}
	if (now - h->damage_ms > SYNC_RESEND_MS) {
		h->damage_ms = now;
		for (size_t i = 0; i < h->c.logs_n; i++)
			if (h->c.logs[i].damaged != LOG_NO_END)
				hq_ask_back(h, &h->c.logs[i]);
	}
	if (h->state == SYNC_HQ_RECOVERING && now >= h->recovering_until && given_back(h))
		h->state = SYNC_HQ_SERVING;
	hq_grant(&h->c);
}

void hq_core_totals(struct hq_core *h, const char branch[BRANCH_CODE_MAX], uint64_t *ret_head,
		    uint64_t *ret_held, uint64_t *ret_acked)
{
	size_t at = 0;

	*ret_head = *ret_held = *ret_acked = 0;
	for (struct sync_log *log; (log = sync_log_next(&h->c, branch, &at)) != NULL;) {
		if (log_is_hq(&log->row.id))
			continue;
		*ret_held += log->row.head.size;
		*ret_acked += log->row.acked.size;
		*ret_head +=
		    log->ship.peer.size > log->row.head.size ? log->ship.peer.size : log->row.head.size;
	}
}

enum sync_state hq_core_state(struct hq_core *h, const char branch[BRANCH_CODE_MAX], uint64_t now)
{
	struct hq_node *n = hq_node_of(h, branch);
	bool forked = false, restoring = false, backlog = false;
	size_t at = 0;

	if (n == NULL)
		return SYNC_JOINING;
	struct sync_session *s = n->session != HQ_NO_SESSION ? &h->sessions[n->session] : NULL;
	for (struct sync_log *log; (log = sync_log_next(&h->c, branch, &at)) != NULL;) {
		if (log_is_hq(&log->row.id))
			continue;
		forked |= s && log->ship.reason == REFUSE_FORKED;
		restoring |= (s && log->ship.known && log->ship.peer.size < log->row.head.size) ||
			     log->damaged != LOG_NO_END;
		backlog |=
		    log->ship.peer.size > log->row.head.size || log->row.acked.size < log->row.head.size;
	}
	const bool holds[SYNC_STATES] = {
	    [SYNC_INCOMPATIBLE] = n->incompatible,
	    [SYNC_REVOKED] = n->revoked && s == NULL,
	    [SYNC_FORKED] = forked,
	    [SYNC_CLONE] = n->clone,
	    [SYNC_REFUSED] = n->refused,
	    [SYNC_RESTORING] = restoring,
	    [SYNC_GAP] = n->gap && now - n->gap_ms > SYNC_GAP_MS,
	    [SYNC_PAUSED] = s && s->want && s->granted - s->received == 0,
	    [SYNC_STALE] = s == NULL || now - n->seen_ms > SYNC_STALE_MS,
	    [SYNC_STALLED] = backlog && now - n->receipt_ms > SYNC_STALLED_MS,
	    [SYNC_CATCHING_UP] = backlog,
	    [SYNC_IN_SYNC] = true,
	};
	enum sync_state st = SYNC_INCOMPATIBLE;
	while (!holds[st])
		st++;
	return st;
}
