/* show: a case with its events, state and deadlines. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/intake/forms.h"
#include "common/node/query_impl.h"
#include "common/node/text_time.h"

/* ---- which case? ---------------------------------------------------------------------------------------------------- */

struct search {
	struct bytes label;
	struct case_key key;
	size_t hits;
};

static as_err look_for_label(void *arg, const struct log_id *log, uint64_t index, struct bytes raw)
{
	struct search *s = arg;
	struct event ev;

	(void)index;
	if (event_decode(raw, &ev) || ev.case_id.n || !bytes_equal(ev.label, s->label))
		return AS_OK;
	memcpy(s->key.branch, log->branch, BRANCH_CODE_MAX);
	memcpy(s->key.id, ev.event_id.p, 16);
	s->hits++;
	return AS_OK;
}

/* Head office has no index of labels: the logs of the branch that the label begins with are read, else all. */
static as_err by_label_at_hq(const struct query *q, const char *label, struct search *s)
{
	struct log_row *rows = NULL;
	size_t n = 0;
	as_err err = query_logs(q->node, &rows, &n);

	for (int all = 0; err == AS_OK && all < 2 && s->hits == 0; all++)
		for (size_t i = 0; err == AS_OK && i < n; i++) {
			const struct log_id *id = &rows[i].id;
			bool named = strncmp(label, id->branch, strnlen(id->branch, BRANCH_CODE_MAX)) == 0;
			if (log_is_hq(id) || rows[i].head.size == 0 || named == (all == 1))
				continue;
			err = node_each_event(q->node, id, 0, look_for_label, s);
		}
	free(rows);
	return err;
}

static bool is_case(const struct query *q, const struct case_key *key, uint8_t *memory)
{
	struct arena a;
	struct case_rec rec;

	arena_init(&a, memory, QUERY_ARENA_CASE);
	return store_case(q->node->st, key, 0, &a, &rec) == AS_OK;
}

/* Exit code, or -1: found. */
static int find(const struct query *q, const char *name, uint8_t *memory, struct case_key *ret)
{
	const struct node *n = q->node;
	struct search s = {.label = bytes_of_str(name)};
	char keys[2][37];
	as_err err = AS_OK;

	if (form_uuid_parse(bytes_of_str(name), s.key.id)) {
		memcpy(s.key.branch, n->home->branch, BRANCH_CODE_MAX);
		s.hits = !n->home->is_hq && is_case(q, &s.key, memory);
		for (size_t i = 0; n->home->is_hq && s.hits == 0 && i < n->roster.branches_n; i++) {
			memcpy(s.key.branch, n->roster.branches[i].code, BRANCH_CODE_MAX);
			s.hits = is_case(q, &s.key, memory);
		}
	} else if (strlen(name) > LABEL_BYTES_MAX) {
		return query_wrong(q, 64, "a label has at most %d bytes", LABEL_BYTES_MAX);
	} else if (n->home->is_hq) {
		err = by_label_at_hq(q, name, &s);
	} else {
		struct case_key found[2];
		err = store_label(n->st, s.label, found, AS_COUNT(found), &s.hits);
		if (err == AS_ENOTFOUND)
			err = AS_OK;
		if (err == AS_OK && s.hits > 1) {
			form_uuid_text(found[0].id, keys[0]);
			form_uuid_text(found[1].id, keys[1]);
			return query_wrong(q, 1, "%s names two cases: give the key, %s or %s", name, keys[0], keys[1]);
		}
		if (s.hits)
			s.key = found[0];
	}
	if (err)
		return query_failed(q, err, NULL);
	if (s.hits == 0)
		return query_wrong(q, 1, "there is no case %.60s here", name);
	if (s.hits > 1)
		return query_wrong(q, 1, "%.60s names several cases in the network: give the key", name);
	*ret = s.key;
	return -1;
}

/* ---- the case ---------------------------------------------------------------------------------------------------------- */

static void set_time(json_t *o, const char *name, int64_t ms, int32_t tz)
{
	char text[FORM_TIME_MAX];

	if (ms == 0 || ms == INT64_MAX)
		return;
	form_time_text(ms, tz, text);
	json_object_set_new(o, name, json_string(text));
}

static json_t *deadlines(const struct case_state *st)
{
	json_t *o = json_object();
	const struct case_type_def *type = &case_types[st->type];

	set_time(o, "promised_at", st->promised_at, st->tz_offset_min);
	for (size_t i = 0; i < 3; i++) {
		if (type->due[i])
			set_time(o, type->due[i], st->due[i], st->tz_offset_min);
		if (type->done[i])
			set_time(o, type->done[i], st->done[i], st->tz_offset_min);
	}
	return o;
}

/* The log of an entry, by the incarnation that its place names. */
static bool log_of(const struct log_row *rows, size_t n, const char branch[BRANCH_CODE_MAX], const struct place *p,
		   struct log_id *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct log_id *id = &rows[i].id;
		if (id->cls == p->cls && id->number == p->inc_number && memcmp(id->inc, p->inc_id, 16) == 0 &&
		    memcmp(id->branch, branch, BRANCH_CODE_MAX) == 0) {
			*ret = *id;
			return true;
		}
	}
	return false;
}

static json_t *events_of(const struct query *q, const struct case_rec *rec, json_t *card)
{
	struct log_row *rows = NULL;
	size_t n = 0;
	json_t *list = json_array();

	if (query_logs(q->node, &rows, &n))
		return list;
	for (uint32_t i = 0; i < rec->n; i++) {
		const struct case_entry *e = &rec->entries[i];
		struct log_id log;
		struct bytes raw;
		json_t *o = NULL;
		if (log_of(rows, n, rec->key.branch, &e->place, &log) &&
		    node_event_at(q->node, &log, e->place.index, &raw) == AS_OK) {
			o = query_event_json(&log, e->place.index, raw);
			json_t *label = json_object_get(o, "label");
			if (label && json_object_get(card, "label") == NULL)
				json_object_set(card, "label", label);
		}
		if (o == NULL)
			o = json_pack("{s:s}", "error", "this event cannot be read: run `aftersync verify`");
		json_object_set_new(o, "status", json_string(entry_status_name((enum entry_status)e->status)));
		if (e->status == ENTRY_APPLIED)
			json_object_set_new(o, "state",
					    json_string(ledger_state_name((enum case_type)rec->state.type, e->to)));
		json_array_append_new(list, o);
	}
	free(rows);
	return list;
}

int query_show(const struct query *q)
{
	const char *name = query_text(q, "case");
	uint8_t *memory = malloc(QUERY_ARENA_CASE);
	struct case_key key;
	struct case_rec rec;
	struct arena a;
	char id[37], code[BRANCH_CODE_MAX + 1] = "", date[11] = "";
	int exit_code;

	if (memory == NULL)
		return query_failed(q, AS_ENOMEM, NULL);
	if (name == NULL || name[0] == 0)
		exit_code = query_wrong(q, 64, "which case? give its label or key");
	else
		exit_code = find(q, name, memory, &key);
	if (exit_code >= 0) {
		free(memory);
		return exit_code;
	}
	arena_init(&a, memory, QUERY_ARENA_CASE);
	as_err err = store_case(q->node->st, &key, 0, &a, &rec);
	if (err) {
		free(memory);
		return query_failed(q, err, NULL);
	}
	const struct case_state *st = &rec.state;
	form_uuid_text(key.id, id);
	memcpy(code, key.branch, BRANCH_CODE_MAX);
	if (st->opened_on)
		form_date_text(st->opened_on, date);
	json_t *card = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "case", id, "branch", code, "type",
				 st->type ? case_types[st->type].name : "not opened",
				 "state", ledger_state_name((enum case_type)st->type, st->state), "opened_on", date,
				 "imported", st->imported);
	if (card && st->model_n)
		json_object_set_new(card, "model", json_stringn(st->model, st->model_n));
	if (card) {
		json_object_set_new(card, "deadlines", deadlines(st));
		json_object_set_new(card, "events", events_of(q, &rec, card));
	}
	free(memory);
	query_emit_take(q, card);
	return card ? 0 : 74;
}
