/* Dispatch, and the requests that need little: status without a daemon, lists of logs, blocks and events. */
#include "common/node/query.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/version.h"
#include "common/intake/value.h"
#include "common/node/heard.h"
#include "common/node/query_impl.h"
#include "common/node/tally.h"
#include "common/node/text_time.h"

/* ---- shared ------------------------------------------------------------------------------------------------------- */

bool query_emit_take(const struct query *q, json_t *take_line)
{
	bool more = take_line != NULL && q->emit(q->arg, take_line);

	json_decref(take_line);
	return more;
}

int query_wrong(const struct query *q, int code, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text_utf8_mend(text);
	query_emit_take(q, json_pack("{s:s}", "error", text));
	return code;
}

int query_failed(const struct query *q, as_err err, const struct as_errmsg *em)
{
	int code = err == AS_EIO || err == AS_EFULL || err == AS_ENOMEM ? 74 : 1;

	return query_wrong(q, code, "%s%s%s", as_err_text(err), em && em->text[0] ? ": " : "", em ? em->text : "");
}

const char *query_text(const struct query *q, const char *key)
{
	return json_string_value(json_object_get(q->request, key));
}

bool query_branch(const struct query *q, char ret_code[BRANCH_CODE_MAX], bool *ret_given, int *ret_exit)
{
	const char *text = query_text(q, "branch");

	memset(ret_code, 0, BRANCH_CODE_MAX);
	*ret_given = text != NULL;
	if (text == NULL)
		return true;
	if (!branch_code_ok(bytes_of_str(text))) {
		*ret_exit = query_wrong(q, 64, "%.40s is no branch code: two to eight letters A-Z and digits", text);
		return false;
	}
	memcpy(ret_code, text, strlen(text));
	return true;
}

/* ---- status without a daemon --------------------------------------------------------------------------------------- */

static json_t *offline_row(const struct query *q, const struct tally_row *t, int64_t seen)
{
	const struct node *n = q->node;
	const struct roster_branch *b = roster_branch_of(&n->roster, t->branch);
	char code[BRANCH_CODE_MAX + 1] = "", heard[TEXT_TIME_MAX];
	uint64_t acked = n->home->is_hq ? t->held : t->acked;

	memcpy(code, t->branch, BRANCH_CODE_MAX);
	if (seen)
		text_time(seen, n->home, heard);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:o, s:i, s:I, s:I, s:s}",
			 "branch", code, "name", n->home->is_hq ? (b ? b->name : "") : n->home->ident.name,
			 "region", b ? b->region : "", "state", "stale", "reason",
			 "the daemon of this node is not running", "head", (json_int_t)t->held, "acked",
			 (json_int_t)acked, "applied", (json_int_t)t->applied, "lag_events",
			 (json_int_t)(t->held > acked ? t->held - acked : 0), "lag_seconds", 0, "last_seen",
			 seen ? json_string(heard) : json_null(), "incarnation", (int)t->incarnation,
			 "flagged", (json_int_t)t->flagged, "refused", (json_int_t)t->refused, "version",
			 n->home->is_hq ? "" : AFTERSYNC_VERSION);
}

static int status(const struct query *q)
{
	const struct node_home *h = q->node->home;
	struct tally t = {0};
	struct heard seen = {0};
	uint64_t events = 0, flagged = 0;
	json_t *rows = json_array();
	as_err err = tally_make(q->node, &t);

	if (err == AS_OK && h->is_hq)
		heard_load(q->node, &seen);
	for (size_t i = 0; err == AS_OK && i < t.n; i++) {
		if (!h->is_hq && memcmp(t.rows[i].branch, h->branch, BRANCH_CODE_MAX) != 0)
			continue;
		json_array_append_new(
		    rows, offline_row(q, &t.rows[i],
				      h->is_hq ? heard_of(&seen, t.rows[i].branch) : heard_receipt(q->node)));
		events += t.rows[i].held;
		flagged += t.rows[i].flagged;
	}
	tally_done(&t);
	heard_done(&seen);
	if (err) {
		json_decref(rows);
		return query_failed(q, err, NULL);
	}
	query_emit_take(q, json_pack("{s:s, s:s, s:s, s:i, s:o, s:{s:i, s:i, s:I, s:I}}", "node",
				     h->is_hq ? h->ident.name : h->ident.branch, "role", h->is_hq ? "hq" : "branch",
				     "version", AFTERSYNC_VERSION, "instance",
				     (int)(h->is_hq ? h->instance : h->join.instance), "branches", rows, "totals",
				     "branches", (int)json_array_size(rows), "in_sync", 0, "events", (json_int_t)events,
				     "flagged", (json_int_t)flagged));
	return 0;
}

/* ---- logs ---------------------------------------------------------------------------------------------------------------- */

static const char *const classes[] = {"", "live", "bulk", "hq-all", "hq-branch"};

struct log_list {
	const struct query *q;
	struct log_row *rows;
	size_t n, cap;
};

static as_err take_row(void *arg, const struct log_row *row)
{
	struct log_list *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct log_row *rows = realloc(l->rows, cap * sizeof rows[0]);
		if (rows == NULL)
			return AS_ENOMEM;
		l->rows = rows;
		l->cap = cap;
	}
	l->rows[l->n++] = *row;
	return AS_OK;
}

as_err query_logs(struct node *n, struct log_row **ret_rows, size_t *ret_n)
{
	struct log_list l = {.rows = NULL};
	as_err err = store_each_log(n->st, take_row, &l);

	if (err) {
		free(l.rows);
		return err;
	}
	*ret_rows = l.rows;
	*ret_n = l.n;
	return AS_OK;
}

static json_t *log_json(const struct log_row *row)
{
	char name[NODE_LOG_TEXT_MAX], root[65], code[BRANCH_CODE_MAX + 1] = "";

	node_log_text(&row->id, name);
	text_hex(row->head.root, 32, root);
	memcpy(code, row->id.branch, BRANCH_CODE_MAX);
	return json_pack("{s:s, s:s, s:s, s:i, s:I, s:s, s:I, s:I, s:I, s:o}", "log", name, "class", classes[row->id.cls],
			 "branch", code, "number", (int)row->id.number, "size", (json_int_t)row->head.size, "root",
			 row->head.size ? root : "", "acked", (json_int_t)row->acked.size, "applied",
			 (json_int_t)row->folded, "keys", (json_int_t)row->keys, "ended_at",
			 row->end == LOG_NO_END ? json_null() : json_integer((json_int_t)row->end));
}

static int log_list(const struct query *q)
{
	struct log_row *rows = NULL;
	size_t n = 0;
	as_err err = query_logs(q->node, &rows, &n);

	for (size_t i = 0; err == AS_OK && i < n; i++)
		if (!query_emit_take(q, log_json(&rows[i])))
			break;
	free(rows);
	return err ? query_failed(q, err, NULL) : 0;
}

/* The log that is called so; a name cut short counts when it names one log. */
static as_err log_named(const struct query *q, const char *name, struct log_row *ret)
{
	struct log_row *rows = NULL;
	size_t n = 0, hits = 0;
	as_err err = query_logs(q->node, &rows, &n);

	for (size_t i = 0; err == AS_OK && i < n; i++) {
		char text[NODE_LOG_TEXT_MAX];
		node_log_text(&rows[i].id, text);
		if (strncmp(text, name, strlen(name)) == 0) {
			if (strlen(text) == strlen(name))
				hits = 0;
			*ret = rows[i];
			hits++;
			if (strlen(text) == strlen(name))
				break;
		}
	}
	free(rows);
	return err ? err : hits == 1 ? AS_OK : hits == 0 ? AS_ENOTFOUND : AS_EEXIST;
}

struct block_walk {
	const struct query *q;
	uint64_t count;
};

static as_err emit_block(void *arg, const struct log_id *log, const struct block_meta *m, struct bytes block)
{
	struct block_walk *w = arg;
	struct block_header h;
	char root[65];
	size_t n;

	(void)log;
	if (w->count-- == 0)
		return AS_EEXIST;
	text_hex(m->root, 32, root);
	bool keys = block_header_get(block, &h, &n) == REFUSE_NONE && (h.flags & BLOCK_HAS_KEYS);
	return query_emit_take(w->q, json_pack("{s:I, s:i, s:i, s:I, s:b, s:s}", "first", (json_int_t)m->first, "count",
					       (int)m->count, "bytes", (int)m->bytes, "keys_upto",
					       (json_int_t)m->keys_upto, "content_key", keys, "root", root))
		   ? AS_OK
		   : AS_EEXIST;
}

static int log_show(const struct query *q)
{
	const char *name = query_text(q, "log");
	json_int_t from = json_integer_value(json_object_get(q->request, "from"));
	json_int_t count = json_integer_value(json_object_get(q->request, "count"));
	struct block_walk w = {.q = q, .count = count > 0 ? (uint64_t)count : UINT64_MAX};
	struct log_row row;
	as_err err;

	if (name == NULL || name[0] == 0)
		return query_wrong(q, 64, "which log? `aftersync log list` names them");
	if ((err = log_named(q, name, &row)) == AS_ENOTFOUND)
		return query_wrong(q, 1, "there is no log %.60s: `aftersync log list` names them", name);
	if (err == AS_EEXIST)
		return query_wrong(q, 1, "%.60s is the beginning of several names: give more of it", name);
	if (err == AS_OK && row.head.size > 0)
		err = store_each_block(q->node->st, &row.id, from > 0 ? (uint64_t)from : 0, emit_block, &w);
	return err && err != AS_EEXIST ? query_failed(q, err, NULL) : 0;
}

/* ---- export --------------------------------------------------------------------------------------------------------------- */

json_t *query_event_json(const struct log_id *log, uint64_t index, struct bytes raw)
{
	char name[NODE_LOG_TEXT_MAX], code[BRANCH_CODE_MAX + 1] = "";
	struct event ev;
	json_t *o;

	if (event_decode(raw, &ev) == AS_OK)
		o = intake_event_json(&ev, NULL);
	else
		o = json_pack("{s:o}", "undecodable", intake_base64(raw));
	if (o == NULL)
		return NULL;
	memcpy(code, log->branch, BRANCH_CODE_MAX);
	json_object_set_new(o, "log", json_string(node_log_text(log, name)));
	json_object_set_new(o, "branch", json_string(code));
	json_object_set_new(o, "index", json_integer((json_int_t)index));
	return o;
}

/* What became of an event of a branch's log: its status in its case. */
static const char *status_of(struct node *n, const struct log_id *log, uint64_t index, struct bytes raw,
			     struct arena *a)
{
	struct event ev;
	struct case_key key;
	struct case_rec rec;
	struct place at = {.inc_number = log->number, .index = index, .cls = log->cls};
	enum entry_status status;

	memcpy(at.inc_id, log->inc, 16);
	if (event_decode(raw, &ev))
		return entry_status_name(ENTRY_UNDECODABLE);
	if (!ledger_case_of(&ev, log->branch, &key))
		return NULL;
	arena_reset(a);
	if (store_case(n->st, &key, 0, a, &rec) || case_rec_status(&rec, &at, &status))
		return NULL;
	return entry_status_name(status);
}

struct export {
	const struct query *q;
	struct arena arena;
};

static as_err emit_event(void *arg, const struct log_id *log, uint64_t index, struct bytes raw)
{
	struct export *x = arg;
	json_t *o = query_event_json(log, index, raw);
	const char *status = log_is_hq(log) ? NULL : status_of(x->q->node, log, index, raw, &x->arena);

	if (o == NULL)
		return AS_ENOMEM; /* an export that ends early says so */
	if (status)
		json_object_set_new(o, "status", json_string(status));
	return query_emit_take(x->q, o) ? AS_OK : AS_EEXIST;
}

static int log_export(const struct query *q)
{
	struct export x = {.q = q};
	struct log_row *rows = NULL;
	char code[BRANCH_CODE_MAX];
	uint8_t *memory;
	bool given;
	size_t n = 0;
	int code_exit = 0;
	as_err err;

	if (!query_branch(q, code, &given, &code_exit))
		return code_exit;
	if ((memory = malloc(QUERY_ARENA_CASE)) == NULL)
		return query_failed(q, AS_ENOMEM, NULL);
	arena_init(&x.arena, memory, QUERY_ARENA_CASE);
	err = query_logs(q->node, &rows, &n);
	for (size_t i = 0; err == AS_OK && i < n; i++)
		if (rows[i].head.size > 0 && (!given || memcmp(rows[i].id.branch, code, sizeof code) == 0))
			err = node_each_event(q->node, &rows[i].id, 0, emit_event, &x);
	free(rows);
	free(memory);
	return err && err != AS_EEXIST ? query_failed(q, err, NULL) : 0;
}

/* ---- dispatch ------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *cmd;
	int (*run)(const struct query *q);
} commands[] = {
    {"status", status},		  {"report", query_report}, {"show", query_show},	{"log-list", log_list},
    {"log-show", log_show},	  {"log-export", log_export}, {"verify", query_verify}, {"rebuild", query_rebuild},
    {"proof-make", query_proof},
};

bool query_knows(const char *cmd)
{
	for (size_t i = 0; i < AS_COUNT(commands); i++)
		if (strcmp(commands[i].cmd, cmd) == 0)
			return true;
	return false;
}

int query_run(struct node *node, const json_t *request, query_emit emit, void *arg)
{
	const struct query q = {.node = node, .request = request, .emit = emit, .arg = arg};
	const char *cmd = query_text(&q, "cmd");

	for (size_t i = 0; cmd && i < AS_COUNT(commands); i++)
		if (strcmp(commands[i].cmd, cmd) == 0)
			return commands[i].run(&q);
	return query_wrong(&q, 64, "there is no request %.40s", cmd ? cmd : "without cmd");
}
