/* What head office does by itself or at an operator's word. */
#include "common/base/check.h"
#include "common/sync/hq_impl.h"

/* Every linked branch that shares the log is asked, with room to answer. */
void hq_ask_back(struct hq_core *h, struct sync_log *log)
{
	for (size_t i = 0; i < h->sessions_n; i++) {
		struct sync_session *s = &h->sessions[i];
		if (!s->open || !sync_log_shared(&log->row.id, s->branch))
			continue;
		hq_want(&h->c, s, true);
		hq_grant(&h->c);
		sync_ask_back(&h->c, s, log);
	}
}

void hq_core_checked(struct hq_core *h, uint64_t now, const struct log_id *id, uint64_t first, bool sound)
{
	struct sync_log *log = sync_log_find(&h->c, id);

	h->c.now = now;
	if (log == NULL || first >= log->row.head.size)
		return;
	if (sound) {
		for (size_t i = 0; i < h->sessions_n; i++)
			if (h->sessions[i].open && sync_log_shared(id, h->sessions[i].branch)) {
				sync_checked_sound(&h->c, &h->sessions[i], id, first);
				sync_pump(&h->c, &h->sessions[i]);
			}
		return;
	}
	if (log->damaged <= first)
		return;
	log->damaged = first;
	sync_alarm(&h->c, ALARM_DAMAGED, id->branch, id, first);
	hq_ask_back(h, log);
}

/* ---- own logs, operator
 * -------------------------------------------------------------------------------------------*/

bool hq_core_may_append(const struct hq_core *h)
{
	return h->state == SYNC_HQ_SERVING;
}

bool hq_core_append(struct hq_core *h, uint64_t now, const struct log_id *id)
{
	struct sync_log *log = sync_log_find(&h->c, id);

	h->c.now = now;
	if (!hq_core_may_append(h) || h->c.appending || (log && log->in > log->row.head.size))
		return false;
	sync_append_begin(&h->c, id);
	return true;
}

bool hq_core_room(struct hq_core *h, const struct log_id *id)
{
	return sync_log_room(&h->c, id);
}

/* Blocks of this log came while it was being written: whoever has them says Hello. */
static void say_again(struct hq_core *h, const struct log_id *id)
{
	for (size_t i = 0; i < h->sessions_n; i++)
		if (h->sessions[i].open && sync_log_shared(id, h->sessions[i].branch))
			sync_refuse(&h->c, &h->sessions[i], h->sessions[i].link, REFUSE_HELLO, NULL, 0);
}

void hq_core_not_appended(struct hq_core *h, uint64_t now)
{
	struct log_id id = h->c.append_log;

	h->c.now = now;
	if (sync_append_end(&h->c))
		say_again(h, &id);
}

void hq_core_appended(struct hq_core *h, uint64_t now, const struct log_row *row)
{
	struct sync_log *log = sync_log_find(&h->c, &row->id);

	h->c.now = now;
	if (log == NULL && (log = sync_log_add(&h->c, row)) != NULL)
		for (size_t i = 0; i < h->sessions_n; i++) /* nobody has it yet */
			if (h->sessions[i].open && sync_log_shared(&row->id, h->sessions[i].branch))
				sync_ship_of(&h->c, &h->sessions[i], log)->known = true;
	if (log) { /* else the table is full: it is shared after the next start */
		log->row = *row;
		log->in = row->head.size;
	}
	if (sync_append_end(&h->c))
		say_again(h, &row->id);
	for (size_t i = 0; i < h->sessions_n; i++)
		if (h->sessions[i].open && sync_log_shared(&row->id, h->sessions[i].branch))
			sync_pump(&h->c, &h->sessions[i]);
}

void hq_core_end_keys(struct hq_core *h, uint64_t now, const char branch[BRANCH_CODE_MAX])
{
	struct hq_node *n = hq_node_of(h, branch);
	size_t at = 0;

	h->c.now = now;
	for (struct sync_log *log; (log = sync_log_next(&h->c, branch, &at)) != NULL;) {
		if (log_is_hq(&log->row.id) || log->row.end != LOG_NO_END)
			continue;
		sync_drop(&h->c, &log->row.id);
		log->row.end = log->in; /* what is being committed still counts */
		sync_push(&h->c, &(struct sync_item){.type = ITEM_END,
						     .log = log->row.id,
						     .slot = SYNC_NO_SLOT,
						     .head = {.size = log->row.end},
						     .ready = true});
	}
	if (n) {
		n->clone = false;
		hq_session_end(h, n);
	}
	sync_kick(&h->c);
}

void hq_core_accept(struct hq_core *h, uint64_t now, const struct log_id *id, uint64_t upto)
{
	struct sync_log *log = sync_log_find(&h->c, id);

	h->c.now = now;
	if (log == NULL || log->row.end == LOG_NO_END || upto <= log->row.end)
		return;
	log->row.end = upto;
	sync_push(
	    &h->c,
	    &(struct sync_item){
		.type = ITEM_END, .log = *id, .slot = SYNC_NO_SLOT, .head = {.size = upto}, .ready = true});
	sync_kick(&h->c);
}

void hq_core_new_instance(struct hq_core *h, uint64_t now, uint32_t instance)
{
	h->c.now = now;
	as_assert(instance > h->c.instance);
	h->c.instance = instance;
	h->state = SYNC_HQ_RECOVERING;
	h->recovering_until = now + SYNC_RECOVERING_MS;
	for (size_t i = 0; i < h->sessions_n; i++)
		if (h->sessions[i].open)
			sync_refuse(&h->c, &h->sessions[i], h->sessions[i].link, REFUSE_HELLO, NULL, 0);
}

void hq_core_go(struct hq_core *h, uint64_t now)
{
	h->c.now = now;
	if (h->state == SYNC_HQ_RECOVERING)
		h->state = SYNC_HQ_SERVING;
}

void hq_core_transport(struct hq_core *h, uint64_t now, uint32_t transport)
{
	h->c.now = now;
	h->c.transport = transport;
}
