#include "common/node/proof.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/intake/forms.h"
#include "common/intake/value.h"
#include "common/log/note_sign.h"
#include "common/log/tlog_proof.h"
#include "common/node/outbox.h"
#include "common/node/query_impl.h"

#define FORMAT "aftersync-proof-1"

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

/* The block whose checkpoint is the newest that a receipt covers (branch) or that is held (head office). */
static as_err covering_note(const struct query *q, const struct log_row *row, uint64_t size, struct buf *ret_note)
{
	struct node *n = q->node;
	struct block_meta m;
	struct block_view v;
	uint8_t receipt[STORE_RECEIPT_BYTES], text[OUTBOX_TEXT_MAX];
	uint8_t lines[NOTE_LINE_MAX];
	struct writer w = writer_of(lines, sizeof lines);
	struct log_head head = {.size = size};
	struct note_key cosigner;
	as_err err;

	if ((err = store_block_read(n->st, &row->id, size - 1, &m, &n->block)))
		return err;
	if (block_peek(buf_bytes(&n->block), n->home->org, &v) != REFUSE_NONE || v.head.size != size)
		return AS_ECORRUPT;
	head = v.head;
	if (n->home->is_hq) {
		outbox_receipt_key(n->home->org, n->home->instance, n->home->instance_public, &cosigner);
		if ((err = cosign_sign(&cosigner, n->home->instance_secret, (uint64_t)clock_utc_ms() / 1000,
				       outbox_checkpoint(n->home->org, &row->id, &head, text), receipt)))
			return err;
	} else {
		struct log_head acked;
		if ((err = store_receipt(n->st, &row->id, &acked, receipt)))
			return err;
	}
	for (size_t i = n->roster.instances_n; i > 0; i--) {
		const struct roster_instance *in = &n->roster.instances[i - 1];
		uint64_t time_s;
		outbox_receipt_key(n->home->org, in->number, in->key, &cosigner);
		if (cosign_verify(&cosigner, outbox_checkpoint(n->home->org, &row->id, &head, text), receipt, &time_s)) {
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

static as_err certificate_of(void *arg, const struct log_id *log, uint64_t index, struct bytes raw)
{
	json_t *o = arg;
	struct event ev;

	(void)log;
	(void)index;
	if (event_decode(raw, &ev) == AS_OK && ev.kind == INSTANCE_CERTIFIED) {
		json_object_set_new(o, "certificate", intake_base64(ev.body));
		return AS_EEXIST;
	}
	return AS_OK;
}

static as_err make(const struct query *q, const uint8_t id[16], json_t **ret, struct as_errmsg *em)
{
	struct node *n = q->node;
	struct log_id log;
	struct log_row row;
	struct leaves l = {.leaf = NULL};
	struct proof *p = calloc(1, sizeof *p);
	AS_AUTO(buf) struct buf note = {0};
	AS_AUTO(buf) struct buf raw_copy = {0};
	static const size_t text_max = TLOG_PROOF_MAX;
	uint8_t *text = malloc(text_max);
	char vkey[NOTE_VKEY_MAX + 1], root[65];
	struct bytes raw;
	uint64_t index, size;
	as_err err;

	buf_init(&note, NOTE_BYTES_MAX);
	buf_init(&raw_copy, EVENT_BYTES_MAX);
	if (p == NULL || text == NULL) {
		err = AS_ENOMEM;
		goto done;
	}
	if ((err = find_event(q, id, &log, &index))) {
		if (err == AS_ENOTFOUND)
			as_errmsg_set(em, "there is no such event here");
		goto done;
	}
	if ((err = store_log(n->st, &log, &row)))
		goto done;
	size = n->home->is_hq ? row.head.size : row.acked.size;
	if (index >= size) {
		as_errmsg_set(em, "head office has not receipted this event yet: there is nothing to prove it with");
		err = AS_EREFUSED;
		goto done;
	}
	if ((err = node_event_at(n, &log, index, &raw)) || (err = buf_add(&raw_copy, raw.p, raw.n)))
		goto done;
	l.cap = size;
	if ((l.leaf = malloc(size * 32)) == NULL) {
		err = AS_ENOMEM;
		goto done;
	}
	err = node_each_event(n, &log, 0, take_leaf, &l);
	if (err && err != AS_EEXIST)
		goto done;
	const struct proof_source source = {.node = subtree, .arg = &l};
	if ((err = proof_inclusion(&source, index, size, p)) || (err = covering_note(q, &row, size, &note)))
		goto done;
	struct writer w = writer_of(text, text_max);
	tlog_proof_put(&w, index, p, buf_bytes(&note));
	struct node_reader *r = node_reader_get(n, &log);
	if (w.full || r == NULL) {
		err = AS_ETOOBIG;
		goto done;
	}
	json_t *o = json_object();
	struct note_key key;
	json_object_set_new(o, "format", json_string(FORMAT));
	json_object_set_new(o, "event", intake_base64(buf_bytes(&raw_copy)));
	checkpoint_log_key(&key, n->home->org, &log, node_reader_author(r));
	note_key_format(&key, vkey);
	json_object_set_new(o, "log_key", json_string(vkey));
	uint32_t instance = n->home->is_hq ? n->home->instance : n->roster.instances[n->roster.instances_n - 1].number;
	for (size_t i = n->roster.instances_n; i > 0; i--) { /* the one whose line is in the note */
		struct note parsed;
		outbox_receipt_key(n->home->org, n->roster.instances[i - 1].number, n->roster.instances[i - 1].key, &key);
		if (note_parse(buf_bytes(&note), &parsed) == AS_OK && parsed.lines_n > 1 &&
		    note_line_is(&parsed.lines[parsed.lines_n - 1], &key)) {
			instance = n->roster.instances[i - 1].number;
			break;
		}
	}
	note_key_format(&key, vkey);
	json_object_set_new(o, "cosigner_key", json_string(vkey));
	text_hex(n->roster.root, 32, root);
	json_object_set_new(o, "root_key", json_string(root));
	const struct log_id all = {.cls = LOG_HQ_ALL, .number = instance};
	err = node_each_event(n, &all, 0, certificate_of, o);
	if (err == AS_EEXIST)
		err = AS_OK;
	json_object_set_new(o, "tlog_proof", json_stringn((const char *)text, w.n));
	*ret = o;
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
	uint8_t id[16];
	json_t *file = NULL;

	if (event == NULL || !form_uuid_parse(bytes_of_str(event), id))
		return query_wrong(q, 64, "which event? its id is wanted, a UUID");
	as_err err = make(q, id, &file, &em);
	if (err)
		return em.text[0] ? query_wrong(q, 1, "%s", em.text) : query_failed(q, err, NULL);
	char *text = json_dumps(file, JSON_INDENT(1));
	json_decref(file);
	if (text == NULL)
		return query_failed(q, AS_ENOMEM, NULL);
	query_emit_take(q, json_pack("{s:s}", "proof", text));
	free(text);
	return 0;
}

/* ---- checking ---------------------------------------------------------------------------------------------------------- */

static as_err bad(struct as_errmsg *em, as_err err, const char *what)
{
	as_errmsg_set(em, "%s", what);
	return err;
}

/* The instance that the certificate names must be the cosigner, certified by the root key. */
static as_err check_cosigner(const json_t *o, const struct note_key *log, const struct note_key *cosigner,
			     struct as_errmsg *em)
{
	const char *hex = json_string_value(json_object_get(o, "root_key"));
	const char *cert = json_string_value(json_object_get(o, "certificate"));
	uint8_t root[32], org[16], body[ROSTER_BODY_MAX];
	struct event ev = {.kind = INSTANCE_CERTIFIED};
	struct roster_instance i;
	struct note_key want;
	size_t n;

	if (!hex || !text_unhex(bytes_of_str(hex), root, 32) || !cert ||
	    !text_unbase64(bytes_of_str(cert), body, sizeof body, &n))
		return bad(em, AS_EPROTO, "root_key or certificate is missing or no hex or base64 text");
	/* aftersync/<org>/… */
	if (log->name_n < 10 + 32 || memcmp(log->name, "aftersync/", 10) != 0 ||
	    !text_unhex(bytes_of(log->name + 10, 32), org, 16))
		return bad(em, AS_EPROTO, "log_key does not name a log of aftersync");
	ev.body = bytes_of(body, n);
	if (!roster_certified(&ev, org, root, &i))
		return bad(em, AS_EFORGED, "the root key has not certified this head office");
	outbox_receipt_key(org, i.number, i.key, &want);
	if (memcmp(want.public_key, cosigner->public_key, 32) != 0 || memcmp(want.id, cosigner->id, 4) != 0)
		return bad(em, AS_EFORGED, "the cosigner is not the head office that the root key certified");
	return AS_OK;
}

as_err proof_check(const char *text, size_t n, json_t **ret, struct as_errmsg *em)
{
	json_error_t je;
	AS_AUTO(json) json_t *o = n <= PROOF_FILE_MAX ? json_loadb(text, n, JSON_REJECT_DUPLICATES, &je) : NULL;
	const char *format = json_string_value(json_object_get(o, "format"));
	const char *event = json_string_value(json_object_get(o, "event"));
	const char *log_key = json_string_value(json_object_get(o, "log_key"));
	const char *cosigner_key = json_string_value(json_object_get(o, "cosigner_key"));
	const json_t *inner = json_object_get(o, "tlog_proof");
	static _Thread_local uint8_t raw[EVENT_BYTES_MAX];
	static _Thread_local struct tlog_proof tp;
	struct note_key log, cosigner;
	uint8_t leaf[32], payload[COSIGN_PAYLOAD];
	char when[FORM_TIME_MAX], origin[NOTE_NAME_MAX + 1];
	uint64_t time_s = 0;
	uint32_t by = 0;
	struct event ev;
	size_t raw_n;
	as_err err;

	if (format == NULL || strcmp(format, FORMAT) != 0)
		return bad(em, AS_EPROTO, "this is no proof file: a JSON object with \"format\":\"" FORMAT "\" is wanted");
	if (!event || !text_unbase64(bytes_of_str(event), raw, sizeof raw, &raw_n))
		return bad(em, AS_EPROTO, "event: base64 text is wanted");
	if (!log_key || note_key_parse(bytes_of_str(log_key), &log) || log.type != NOTE_ED25519)
		return bad(em, AS_EPROTO, "log_key: the key of a log is wanted");
	if (!cosigner_key || note_key_parse(bytes_of_str(cosigner_key), &cosigner) || cosigner.type != NOTE_COSIGNATURE)
		return bad(em, AS_EPROTO, "cosigner_key: the key of a cosigner is wanted");
	if (!json_is_string(inner) ||
	    tlog_proof_parse(bytes_of(json_string_value(inner), json_string_length(inner)), &tp))
		return bad(em, AS_EPROTO, "tlog_proof: a C2SP tlog-proof is wanted");
	if ((err = check_cosigner(o, &log, &cosigner, em)))
		return err;
	tree_leaf(bytes_of(raw, raw_n), leaf);
	err = tlog_proof_verify(&tp, leaf, &log, &cosigner, 1, &by);
	if (err == AS_EREFUSED)
		return bad(em, AS_EFORGED, "the event is not in this log: event and path do not give the root");
	if (err)
		return bad(em, AS_EFORGED, "a signature of the checkpoint is wrong or missing");
	for (uint32_t i = 0; i < tp.note.lines_n; i++)
		if (note_line_is(&tp.note.lines[i], &cosigner) &&
		    note_line_payload(&tp.note.lines[i], payload, sizeof payload))
			time_s = cosign_time(payload);
	if (time_s == 0)
		return bad(em, AS_EFORGED, "head office's receipt is missing");
	form_time_text((int64_t)time_s * 1000, 0, when);
	memcpy(origin, log.name, log.name_n);
	origin[log.name_n] = 0;
	json_t *shown = event_decode(bytes_of(raw, raw_n), &ev) == AS_OK ? intake_event_json(&ev, NULL) : NULL;
	*ret = json_pack("{s:b, s:o, s:s, s:I, s:I, s:s, s:s}", "ok", 1, "event", shown ? shown : json_null(), "log", origin,
			 "index", (json_int_t)tp.index, "size", (json_int_t)tp.checkpoint.head.size, "receipted_at", when,
			 "root_key", json_string_value(json_object_get(o, "root_key")));
	return *ret ? AS_OK : AS_ENOMEM;
}
