/* The table of logs that a core knows, sorted by branch, class, number, incarnation. */
#include "common/base/check.h"
#include "common/sync/core.h"

/* First position whose log is not before id. */
static size_t lower_bound(const struct sync_core *c, const struct log_id *id)
{
	size_t lo = 0, hi = c->logs_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (log_id_order(&c->logs[mid].row.id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct sync_log *sync_log_find(struct sync_core *c, const struct log_id *id)
{
	size_t i = lower_bound(c, id);

	return i < c->logs_n && log_id_equal(&c->logs[i].row.id, id) ? &c->logs[i] : NULL;
}

bool sync_log_room(struct sync_core *c, const struct log_id *id)
{
	size_t kept = 0;

	if (sync_log_find(c, id))
		return true;
	if (log_is_hq(id) && id->number > SYNC_INSTANCES_MAX)
		return false;
	if (c->appending && !log_id_equal(id, &c->append_log) && !sync_log_find(c, &c->append_log))
		kept = 1;
	return c->logs_n + kept < c->logs_cap;
}

struct sync_log *sync_log_add(struct sync_core *c, const struct log_row *row)
{
	size_t i = lower_bound(c, &row->id);

	as_assert(i == c->logs_n || !log_id_equal(&c->logs[i].row.id, &row->id));
	if (!sync_log_room(c, &row->id)) {
		sync_alarm(c, ALARM_TOO_MANY, row->id.branch, &row->id, 0);
		return NULL;
	}
	memmove(&c->logs[i + 1], &c->logs[i], (c->logs_n - i) * sizeof c->logs[0]);
	c->logs_n++;
	c->logs[i] =
	    (struct sync_log){.row = *row, .in = row->head.size, .cut_to = LOG_NO_END, .damaged = LOG_NO_END};
	return &c->logs[i];
}

void sync_log_remove(struct sync_core *c, struct sync_log *log)
{
	size_t i = (size_t)(log - c->logs);

	as_assert(i < c->logs_n);
	c->logs_n--;
	memmove(&c->logs[i], &c->logs[i + 1], (c->logs_n - i) * sizeof c->logs[0]);
}

bool sync_log_shared(const struct log_id *id, const char branch[BRANCH_CODE_MAX])
{
	return id->cls == LOG_HQ_ALL || memcmp(id->branch, branch, BRANCH_CODE_MAX) == 0;
}

struct sync_log *sync_log_next(struct sync_core *c, const char branch[BRANCH_CODE_MAX], size_t *at)
{
	size_t i = *at;

	if (i < c->logs_n && c->logs[i].row.id.cls != LOG_HQ_ALL &&
	    (i == 0 || c->logs[i - 1].row.id.cls == LOG_HQ_ALL)) {
		struct log_id first = {.cls = 0};
		memcpy(first.branch, branch, BRANCH_CODE_MAX);
		size_t lo = lower_bound(c, &first);
		i = lo > i ? lo : i;
	}
	if (i >= c->logs_n || !sync_log_shared(&c->logs[i].row.id, branch))
		return NULL;
	*at = i + 1;
	return &c->logs[i];
}

struct sync_ship *sync_ship_of(struct sync_core *c, struct sync_session *s, struct sync_log *log)
{
	if (!c->is_hq || log->row.id.cls != LOG_HQ_ALL)
		return &log->ship;
	return &s->all[log->row.id.number - 1];
}

static enum sync_look look(bool agrees)
{
	return agrees ? LOOK_AGREES : LOOK_DIFFERS;
}

enum sync_look sync_head_look(struct sync_core *c, const struct sync_log *log, const struct log_head *head)
{
	struct block_meta m;

	if (head->size == 0)
		return LOOK_AGREES;
	if (head->size > log->row.head.size)
		return LOOK_DIFFERS;
	if (head->size == log->row.head.size)
		return look(memcmp(head->root, log->row.head.root, sizeof head->root) == 0);
	if (!c->env.block_at(c->env.ctx, &log->row.id, head->size - 1, &m))
		return LOOK_DIFFERS;
	if (m.first + m.count != head->size || !m.damaged)
		return look(m.first + m.count == head->size &&
			    memcmp(head->root, m.root, sizeof m.root) == 0);
	sync_emit(c,
		  &(struct sync_out){.type = SYNC_CHECK, .verify = {.log = log->row.id, .first = m.first}});
	return LOOK_UNREADABLE;
}

bool sync_head_agrees(struct sync_core *c, const struct sync_log *log, const struct log_head *head)
{
	return sync_head_look(c, log, head) == LOOK_AGREES;
}

struct sync_log *sync_keys_log(struct sync_core *c, const struct sync_log *log)
{
	struct log_id id = log->row.id;

	if (id.cls == LOG_HQ_ALL)
		return NULL;
	if (id.cls == LOG_BULK)
		id.cls = LOG_LIVE;
	return sync_log_find(c, &id);
}

void sync_emit(struct sync_core *c, const struct sync_out *out)
{
	c->env.out(c->env.ctx, out);
}

void sync_send(struct sync_core *c, uint32_t link, const struct msg *m)
{
	if (link == SYNC_NO_LINK)
		return;
	sync_emit(c, &(struct sync_out){.type = SYNC_SEND, .link = link, .send = {.msg = m}});
}

void sync_alarm(struct sync_core *c, enum sync_alarm what, const char branch[BRANCH_CODE_MAX],
		const struct log_id *log, uint64_t size)
{
	struct sync_out out = {.type = SYNC_ALARM, .alarm = {.what = what, .size = size}};

	memcpy(out.alarm.branch, branch, BRANCH_CODE_MAX);
	if (log)
		out.alarm.log = *log;
	sync_emit(c, &out);
}
