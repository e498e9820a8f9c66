/*
 * proof make: the file of common/log/event_proof.h for one event, with the newest checkpoint that head office has
 * receipted. `proof check` needs no node.
 */

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/intake/forms.h"
#include "common/intake/value.h"
#include "common/log/event_proof.h"
#include "common/log/note_sign.h"
#include "common/node/outbox.h"
#include "common/node/query_impl.h"

/* ---- making ------------------------------------------------------------------------------------------------------------ */

struct place_search {
	uint8_t id[16];
	bool found;
	uint64_t index;
};

static as_err look_for_id(void *arg, const struct log_id *log, uint64_t index, struct bytes raw)
{
	struct place_search *s = arg;
	struct event ev;

	(void)log;
	if (event_decode(raw, &ev) || memcmp(ev.event_id.p, s->id, 16) != 0)
		return AS_OK;
	s->found = true;
	s->index = index;
	return AS_EEXIST;
}

/* Where the event stands. A branch has an index; head office reads its logs. */
static as_err find_event(const struct query *q, const uint8_t id[16], struct log_id *ret_log, uint64_t *ret_index)
{
	struct place_search s = {.found = false};
	struct log_row *rows = NULL;
	size_t n = 0;
	as_err err;

	if (!q->node->home->is_hq)
		return store_event_place(q->node->st, id, ret_log, ret_index);
	memcpy(s.id, id, 16);
	err = query_logs(q->node, &rows, &n);
	for (size_t i = 0; err == AS_OK && i < n; i++)
		if (!log_is_hq(&rows[i].id) && rows[i].head.size > 0) {
			err = node_each_event(q->node, &rows[i].id, 0, look_for_id, &s);
			*ret_log = rows[i].id;
		}
	free(rows);
	*ret_index = s.index;
	return s.found ? AS_OK : err ? err : AS_ENOTFOUND;
}

struct leaves {
	uint8_t (*leaf)[32];
	uint64_t n, cap;
};

static as_err take_leaf(void *arg, const struct log_id *log, uint64_t index, struct bytes raw)
{
	struct leaves *l = arg;

	(void)log;
	if (index >= l->cap)
		return AS_EEXIST;
	tree_leaf(raw, l->leaf[index]);
	l->n = index + 1;
	return AS_OK;
}

static as_err subtree(void *arg, unsigned level, uint64_t index, uint8_t ret[TREE_HASH])
{
	const struct leaves *l = arg;
	struct tree_frontier f = {.size = 0};
	uint64_t first = index << level, end = (index + 1) << level;

	if (end > l->n)
		return AS_EINVAL;
	tree_frontier_init(&f);
	for (uint64_t i = first; i < end; i++)
		tree_push(&f, l->leaf[i]);
	tree_root(&f, ret);
	return AS_OK;
}

/*
 * What head office vouches for: at a branch the newest receipt and its head, at head office what it holds when the key
 * changes that it relies on are held as well: a receipt covers both.
 */
static as_err covered(const struct query *q, const struct log_id *log, struct log_head *ret_head,
		      uint8_t ret_receipt[STORE_RECEIPT_BYTES])
{
	struct log_id live = *log;
	struct log_row row, keys;
	as_err err;

	if (!q->node->home->is_hq)
		return store_receipt(q->node->st, log, ret_head, ret_receipt);
	live.cls = LOG_LIVE;
	if ((err = store_log(q->node->st, log, &row)) == AS_OK && row.keys_need > 0 &&
	    (err = store_log(q->node->st, &live, &keys)) == AS_OK && keys.keys < row.keys_need)
		return AS_ENOTFOUND; /* not receipted yet */
	if (err == AS_OK)
		*ret_head = row.head;
	return err;
}

/* The checkpoint at this head with its cosignature, which head office makes now. */
static as_err covering_note(const struct query *q, const struct log_id *log, const struct log_head *head,
			    uint8_t receipt[STORE_RECEIPT_BYTES], struct buf *ret_note)
{
	struct node *n = q->node;
	struct block_meta m;
	struct block_view v;
	uint8_t text[OUTBOX_TEXT_MAX], lines[NOTE_LINE_MAX];
	struct writer w = writer_of(lines, sizeof lines);
	struct note_key cosigner;
	as_err err;

	if ((err = store_block_read(n->st, log, head->size - 1, &m, &n->block)))
		return err;
	if (block_peek(buf_bytes(&n->block), n->home->org, &v) != REFUSE_NONE || v.head.size != head->size ||
	    memcmp(v.head.root, head->root, sizeof head->root) != 0)
		return AS_ECORRUPT;
	if (n->home->is_hq) {
		outbox_receipt_key(n->home->org, n->home->instance, n->home->instance_public, &cosigner);
		if ((err = cosign_sign(&cosigner, n->home->instance_secret, (uint64_t)clock_utc_ms() / 1000,
				       outbox_checkpoint(n->home->org, log, head, text), receipt)))
			return err;
	}
	for (size_t i = n->roster.instances_n; i > 0; i--) {
		const struct roster_instance *in = &n->roster.instances[i - 1];
		uint64_t time_s;
		outbox_receipt_key(n->home->org, in->number, in->key, &cosigner);
		if (cosign_verify(&cosigner, outbox_checkpoint(n->home->org, log, head, text), receipt, &time_s)) {
			cosign_put_line(&w, &cosigner, receipt);
			break;
		}
	}
	if (w.n == 0 || w.full)
		return AS_EFORGED;
	if ((err = buf_add(ret_note, v.note.raw.p, v.note.raw.n)))
		return err;
	return buf_add(ret_note, lines, w.n);
}

static as_err make(const struct query *q, const uint8_t id[16], uint8_t **ret, size_t *ret_n, struct as_errmsg *em)
{
	struct node *n = q->node;
	struct log_id log;
	struct log_head head = {.size = 0};
	uint8_t receipt[STORE_RECEIPT_BYTES];
	struct leaves l = {.leaf = NULL};
	struct proof *p = calloc(1, sizeof *p);
	AS_AUTO(buf) struct buf note = {0};
	AS_AUTO(buf) struct buf raw_copy = {0};
	static const size_t text_max = TLOG_PROOF_MAX;
	uint8_t *text = malloc(text_max);
	struct bytes raw;
	uint64_t index;
	as_err err;

	buf_init(&note, NOTE_BYTES_MAX);
	buf_init(&raw_copy, EVENT_BYTES_MAX);
	*ret = malloc(EVENT_PROOF_MAX);
	if (p == NULL || text == NULL || *ret == NULL) {
		err = AS_ENOMEM;
		goto done;
	}
	if ((err = find_event(q, id, &log, &index))) {
		if (err == AS_ENOTFOUND)
			as_errmsg_set(em, "there is no such event here");
		goto done;
	}
	if ((err = covered(q, &log, &head, receipt)) && err != AS_ENOTFOUND)
		goto done;
	if (index >= head.size) {
		as_errmsg_set(em, "head office has not receipted this event yet: there is nothing to prove it with");
		err = AS_EREFUSED;
		goto done;
	}
	if ((err = node_event_at(n, &log, index, &raw)) || (err = buf_add(&raw_copy, raw.p, raw.n)))
		goto done;
	l.cap = head.size;
	if ((l.leaf = malloc(head.size * 32)) == NULL) {
		err = AS_ENOMEM;
		goto done;
	}
	err = node_each_event(n, &log, 0, take_leaf, &l);
	if (err && err != AS_EEXIST)
		goto done;
	const struct proof_source source = {.node = subtree, .arg = &l};
	if ((err = proof_inclusion(&source, index, head.size, p)) ||
	    (err = covering_note(q, &log, &head, receipt, &note)))
		goto done;
	struct writer w = writer_of(text, text_max);
	tlog_proof_put(&w, index, p, buf_bytes(&note));
	struct node_reader *r = node_reader_get(n, &log);
	if (w.full || r == NULL) {
		err = AS_ETOOBIG;
		goto done;
	}
	struct note_key log_key, by[EVENT_PROOF_BY_MAX];
	size_t by_n = 0;
	checkpoint_log_key(&log_key, n->home->org, &log, node_reader_author(r));
	for (size_t i = n->roster.instances_n; i > 0 && by_n < AS_COUNT(by); i--)
		outbox_receipt_key(n->home->org, n->roster.instances[i - 1].number, n->roster.instances[i - 1].key,
				   &by[by_n++]);
	struct writer file = writer_of(*ret, EVENT_PROOF_MAX);
	event_proof_put(&file, buf_bytes(&raw_copy), &log_key, by, by_n, writer_done(&w));
	*ret_n = file.n;
	err = file.full ? AS_ETOOBIG : AS_OK;
done:
	free(l.leaf);
	free(p);
	free(text);
	return err;
}

int query_proof(const struct query *q)
{
	const char *event = query_text(q, "event");
	struct as_errmsg em = {0};
	uint8_t id[16], *file = NULL;
	size_t n = 0;
	int code = 0;

	if (event == NULL || !form_uuid_parse(bytes_of_str(event), id))
		return query_wrong(q, 64, "which event? its id is wanted, a UUID");
	as_err err = make(q, id, &file, &n, &em);
	if (err)
		code = em.text[0] ? query_wrong(q, 1, "%s", em.text) : query_failed(q, err, NULL);
	else
		query_emit_take(q, json_pack("{s:o}", "proof", json_stringn((const char *)file, n)));
	free(file);
	return code;
}
