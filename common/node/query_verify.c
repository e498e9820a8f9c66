/*
 * verify: everything is read again from disk; what is wrong is named. First the store by itself (rows, blocks against
 * their tree, cases and cells against the logs), then every block's signature by the key of its author, whether the
 * roster knows that author, and the receipts.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/node/outbox.h"
#include "common/node/query_impl.h"

struct verify {
	const struct query *q;
	const struct log_row *row;
	struct note_key author;
	uint64_t blocks, events;
	char wrong[300];
};

static int report_wrong(const struct query *q, const char *what)
{
	query_emit_take(q, json_pack("{s:s}", "wrong", what));
	return 1;
}

/* ---- signatures ---------------------------------------------------------------------------------------------------------- */

static as_err check_block(void *arg, const struct log_id *log, const struct block_meta *m, struct bytes block)
{
	struct verify *v = arg;
	struct block_view view;
	char name[NODE_LOG_TEXT_MAX];
	const char *what = NULL;

	node_log_text(log, name);
	if (block_peek(block, v->q->node->home->org, &view) != REFUSE_NONE)
		what = "its form is damaged";
	else if (view.head.size != m->first + m->count || memcmp(view.head.root, m->root, 32) != 0)
		what = "its checkpoint names another root than the store";
	else if (!note_line_is(&view.note.lines[0], &v->author) || note_verify(&view.note, &v->author, 1, NULL))
		what = "its signature does not verify";
	if (what) {
		snprintf(v->wrong, sizeof v->wrong, "block %s at %llu: %s", name, (unsigned long long)m->first, what);
		return AS_ECORRUPT;
	}
	v->blocks++;
	v->events += m->count;
	return AS_OK;
}

/* Is this author one that may have written the log? */
static bool author_known(const struct node *n, const struct log_id *log, const uint8_t author[32])
{
	const struct roster_instance *i;

	if (log_is_hq(log)) {
		i = roster_instance_of(&n->roster, log->number);
		return i && memcmp(i->key, author, 32) == 0;
	}
	if (!n->home->is_hq && memcmp(author, n->home->identity_public, 32) == 0)
		return true;
	const struct roster_node *node = roster_node_by_identity(&n->roster, author);
	return node && memcmp(node->branch, log->branch, BRANCH_CODE_MAX) == 0;
}

static as_err check_log(struct verify *v)
{
	struct node *n = v->q->node;
	const struct log_row *row = v->row;
	struct node_reader *r = node_reader_get(n, &row->id);
	char name[NODE_LOG_TEXT_MAX];
	uint8_t receipt[STORE_RECEIPT_BYTES];
	struct log_head head;
	as_err err;

	node_log_text(&row->id, name);
	if (r == NULL) {
		snprintf(v->wrong, sizeof v->wrong, "log %s: its first block cannot be read", name);
		return AS_ECORRUPT;
	}
	if (!author_known(n, &row->id, node_reader_author(r))) {
		snprintf(v->wrong, sizeof v->wrong, "log %s: the roster does not know its author", name);
		return AS_ECORRUPT;
	}
	checkpoint_log_key(&v->author, n->home->org, &row->id, node_reader_author(r));
	if ((err = store_each_block(n->st, &row->id, 0, check_block, v)))
		return err;
	if (store_receipt(n->st, &row->id, &head, receipt) == AS_OK &&
	    !outbox_receipt_ok(n, &row->id, &head, receipt)) {
		snprintf(v->wrong, sizeof v->wrong, "receipt of log %s at %llu: it does not verify", name,
			 (unsigned long long)head.size);
		return AS_ECORRUPT;
	}
	return AS_OK;
}

int query_verify(const struct query *q)
{
	struct verify v = {.q = q};
	struct log_row *rows = NULL;
	struct as_errmsg em = {0};
	char code[BRANCH_CODE_MAX];
	bool given;
	size_t n = 0;
	int exit_code = 0;
	as_err err;

	if (!query_branch(q, code, &given, &exit_code))
		return exit_code;
	if (!given) {
		if ((err = store_check(q->node->st, &em)))
			return err == AS_ECORRUPT ? report_wrong(q, em.text) : query_failed(q, err, &em);
		query_emit_take(q, json_pack("{s:s}", "checked", "store: rows, trees, cases, cells"));
	}
	if (q->node->roster_damaged)
		return report_wrong(q, "head office's log to everybody cannot be read, so its receipts and authors cannot "
				       "be checked");
	err = query_logs(q->node, &rows, &n);
	for (size_t i = 0; err == AS_OK && i < n; i++) {
		char name[NODE_LOG_TEXT_MAX];
		if (rows[i].head.size == 0 || (given && memcmp(rows[i].id.branch, code, sizeof code) != 0))
			continue;
		v.row = &rows[i];
		if ((err = check_log(&v)) == AS_OK &&
		    !query_emit_take(q, json_pack("{s:s, s:I}", "checked", node_log_text(&rows[i].id, name), "events",
						  (json_int_t)rows[i].head.size)))
			break;
	}
	free(rows);
	if (err)
		return v.wrong[0] ? report_wrong(q, v.wrong) : query_failed(q, err, NULL);
	query_emit_take(q, json_pack("{s:b, s:i, s:I, s:I}", "ok", 1, "logs", (int)n, "blocks", (json_int_t)v.blocks,
				     "events", (json_int_t)v.events));
	return 0;
}

int query_rebuild(const struct query *q)
{
	struct as_errmsg em = {0};
	bool check = json_is_true(json_object_get(q->request, "check"));
	as_err err = check ? store_check(q->node->st, &em) : store_rebuild(q->node->st, &em);

	if (err == AS_ECORRUPT)
		return report_wrong(q, em.text);
	if (err)
		return query_failed(q, err, &em);
	query_emit_take(q, json_pack("{s:b, s:s}", "ok", 1, "rebuild",
				     check ? "cases and cells are what the logs give"
					   : "cases and cells were computed anew from the logs"));
	return 0;
}
