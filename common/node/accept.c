#include "common/node/accept.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/intake/forms.h"
#include "common/intake/value.h"
#include "common/node/hash.h"
#include "common/node/items.h"

#define ARENA_BYTES (2u * 1024 * 1024)
#define EVENTS_MAX BLOCK_EVENTS_MAX
#define KEYS_MAX 2048

struct accept_case {
	struct case_key key;
	struct case_rec rec;
	bool known; /* rec holds something */
	UT_hash_handle hh;
};

struct accept_id {
	uint8_t id[16];
	UT_hash_handle hh;
};

struct accept_label {
	char label[LABEL_BYTES_MAX];
	struct case_key key;
	UT_hash_handle hh;
};

/* ---- life ------------------------------------------------------------------------------------------------ */

as_err accept_init(struct accept *a, struct node *node, struct batch *batch)
{
	AS_AUTO(buf) struct buf b = {0};

	*a = (struct accept){.node = node, .batch = batch};
	a->memory = malloc(ARENA_BYTES);
	a->events = malloc(EVENTS_MAX * sizeof a->events[0]);
	a->keys = malloc(KEYS_MAX * sizeof a->keys[0]);
	if (!a->memory || !a->events || !a->keys)
		return AS_ENOMEM;
	buf_init(&b, 64);
	if (store_meta(node->st, META_SERIAL, &b) == AS_OK && b.n == 8) {
		a->serial_date = get_be32(b.p);
		a->serial = get_be32(b.p + 4);
	}
	if (store_meta(node->st, META_SUFFIX, &b) == AS_OK && b.n < sizeof a->suffix)
		memcpy(a->suffix, b.p, b.n);
	return AS_OK;
}

as_err accept_suffix(struct accept *a, const struct log_id *live, bool has_parent, struct batch *b)
{
	char suffix[sizeof a->suffix] = "";

	if (has_parent || live->number > 1)
		snprintf(suffix, sizeof suffix, "-%02x", live->inc[0]);
	memcpy(a->suffix, suffix, sizeof suffix);
	return batch_meta(b, META_SUFFIX, bytes_of_str(a->suffix));
}

/* What a batch remembers is void: the next one begins. Its hashes live in the arena, as their elements do not. */
static void forget(struct accept *a)
{
	HASH_CLEAR(hh, a->cases);
	HASH_CLEAR(hh, a->ids);
	HASH_CLEAR(hh, a->labels);
	a->events_n = 0;
	a->keys_n = 0;
	a->serial_used = false;
	arena_init(&a->arena, a->memory, ARENA_BYTES);
}

void accept_done(struct accept *a)
{
	if (a->node)
		forget(a);
	free(a->memory);
	free(a->events);
	free(a->keys);
	*a = (struct accept){0};
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static int32_t offset_at(void *arg, int64_t utc_ms)
{
	return tz_offset_min(arg, utc_ms);
}

bool accept_read(const struct node_home *home, struct bytes line, bool imported, struct accept_line *ret_l)
{
	static _Thread_local struct intake in;
	struct intake_ctx ctx = {.tz_offset_at = offset_at, .tz_arg = (void *)(uintptr_t)&home->tz, .imported = imported};

	memset(ret_l, 0, sizeof *ret_l);
	if (intake_parse(line, &ctx, &in, &ret_l->error) == AS_OK) {
		if ((ret_l->in = intake_keep(&in)) == NULL)
			intake_refuse(&ret_l->error, "NOT recorded: out of memory.");
		intake_wipe(&in);
	}
	if (ret_l->in == NULL)
		ret_l->verdict = ACCEPT_REFUSED;
	return ret_l->in != NULL;
}

/* ---- cases, ids, labels as the batch has them so far ------------------------------------------------------- */

static as_err case_get(struct accept *a, const struct case_key *key, struct accept_case **ret)
{
	struct accept_case *c;
	as_err err;

	HASH_FIND(hh, a->cases, key, sizeof *key, c);
	if (c == NULL) {
		c = arena_take(&a->arena, sizeof *c);
		if (c == NULL)
			return AS_ETOOBIG;
		memset(c, 0, sizeof *c);
		c->key = *key;
		err = store_case(a->node->st, key, 1, &a->arena, &c->rec);
		if (err == AS_ENOTFOUND)
			case_rec_init(&c->rec, key, NULL, 0);
		else if (err)
			return err == AS_ENOMEM ? AS_ETOOBIG : err;
		c->known = err == AS_OK;
		HASH_ADD(hh, a->cases, key, sizeof c->key, c);
	}
	*ret = c;
	return AS_OK;
}

static bool id_in_batch(struct accept *a, const uint8_t id[16])
{
	struct accept_id *i;

	HASH_FIND(hh, a->ids, id, 16, i);
	return i != NULL;
}

static as_err id_put(struct accept *a, const uint8_t id[16])
{
	struct accept_id *i = arena_take(&a->arena, sizeof *i);

	if (i == NULL)
		return AS_ETOOBIG;
	memset(i, 0, sizeof *i);
	memcpy(i->id, id, 16);
	HASH_ADD(hh, a->ids, id, 16, i);
	return AS_OK;
}

static struct accept_label *label_in_batch(struct accept *a, struct bytes label)
{
	struct accept_label *l;
	char key[LABEL_BYTES_MAX] = {0};

	memcpy(key, label.p, label.n);
	HASH_FIND(hh, a->labels, key, sizeof key, l);
	return l;
}

static as_err label_put(struct accept *a, struct bytes label, const struct case_key *key)
{
	struct accept_label *l;

	if (label.n == 0)
		return AS_OK;
	if ((l = arena_take(&a->arena, sizeof *l)) == NULL)
		return AS_ETOOBIG;
	memset(l, 0, sizeof *l);
	memcpy(l->label, label.p, label.n);
	l->key = *key;
	HASH_ADD(hh, a->labels, label, sizeof l->label, l);
	return AS_OK;
}

/* ---- one line ---------------------------------------------------------------------------------------------- */

struct line_job {
	struct accept *a;
	const struct accept_ctx *ctx;
	struct accept_line *l;
	const struct intake *in;
	struct event ev; /* what becomes of in->ev */
	struct case_key key;
	struct bytes label; /* of the case, for the answer */
	char label_made[LABEL_BYTES_MAX];
	uint8_t case_id[16];
	bool opens;	/* a case: there is none yet that it names */
	uint64_t index; /* that the event would get */
};

static as_err refuse(struct line_job *j, const char *field, const char *rule)
{
	struct intake_error *e = &j->l->error;

	snprintf(e->field, sizeof e->field, "%s", field);
	snprintf(e->rule, sizeof e->rule, "%s", rule);
	return AS_EREFUSED;
}

static void answer_case(struct line_job *j)
{
	char *out = j->l->case_text;

	if (j->label.n && j->label.n < sizeof j->l->case_text) {
		memcpy(out, j->label.p, j->label.n);
		out[j->label.n] = 0;
	} else {
		form_uuid_text(j->key.id, out);
	}
}

/* The first cases that a label names, stored or in this batch; *ret_n: 0, 1 or 2 for all more. */
static as_err cases_of_label(struct line_job *j, struct bytes label, struct case_key ret_keys[2], size_t *ret_n)
{
	struct accept_label *l = label_in_batch(j->a, label);
	size_t n = 0;
	as_err err = store_label(j->a->node->st, label, ret_keys, 2, &n);

	if (err && err != AS_ENOTFOUND)
		return err;
	if (n > 2)
		n = 2;
	if (l && n < 2)
		ret_keys[n++] = l->key;
	*ret_n = n;
	return AS_OK;
}

static as_err case_by_label(struct line_job *j, struct bytes label)
{
	struct case_key keys[2];
	char shown[INTAKE_SHOWN_MAX], one[37], two[37];
	size_t n;
	as_err err = cases_of_label(j, label, keys, &n);

	if (err)
		return err;
	if (n == 1) {
		j->key = keys[0];
		return AS_OK;
	}
	if (n == 0) {
		intake_refuse(&j->l->error,
			      j->ctx->restoring ? "The case %s is not here yet: this branch is being restored from head office."
						: "There is no case %s at this branch.",
			      intake_shown(label, shown));
		return refuse(j, "case", "");
	}
	form_uuid_text(keys[0].id, one);
	form_uuid_text(keys[1].id, two);
	intake_refuse(&j->l->error, "%s names two cases: give the key, %s or %s.", intake_shown(label, shown), one, two);
	return refuse(j, "case", "");
}

/* The next label of the day that names nothing yet. */
static as_err label_make(struct line_job *j)
{
	struct accept *a = j->a;
	uint32_t today = date_local(a->batch->now, tz_offset_min(&a->node->home->tz, a->batch->now));
	struct case_key known[2];
	size_t n = 1;
	as_err err = AS_OK;

	if (today != a->serial_date) { /* also back, after a clock that was ahead: what is taken is passed over */
		a->serial_date = today;
		a->serial = 0;
	}
	a->serial_used = true;
	while (err == AS_OK && n > 0) {
		int len = snprintf(j->label_made, sizeof j->label_made, "%.8s%s%08u%04u%s", j->key.branch,
				   case_types[j->in->kind->case_type].mark, a->serial_date, ++a->serial,
				   a->suffix);
		j->label = bytes_of(j->label_made, (size_t)len);
		err = cases_of_label(j, j->label, known, &n);
	}
	return err;
}

/* An event that opens a case gives it its label; one that was not given is made. */
static as_err open_case(struct line_job *j)
{
	const struct intake *in = j->in;
	struct bytes given = bytes_of(in->case_text, in->case_n);
	struct case_key known[2];
	char shown[INTAKE_SHOWN_MAX];
	size_t n;
	as_err err;

	memcpy(j->key.id, j->l->event_id, 16);
	j->opens = true;
	if (in->case_n == 0 && case_types[in->kind->case_type].label == NULL)
		return AS_OK; /* a plain fact: its id names it */
	if (in->case_n == 0) {
		err = label_make(j);
		j->ev.label = j->label;
		return err;
	}
	if ((err = cases_of_label(j, given, known, &n)))
		return err;
	if (n > 0) {
		intake_refuse(&j->l->error, "%s names a case already.", intake_shown(given, shown));
		return refuse(j, "case", "");
	}
	j->label = given;
	return AS_OK;
}

/* Does the event go on with a case? Of a kind that may do both, when what it names is there. */
static as_err continues(struct line_job *j, bool *ret)
{
	const struct intake *in = j->in;
	struct bytes given = bytes_of(in->case_text, in->case_n);
	struct case_key keys[2];
	uint8_t id[16];
	size_t n = 0;
	as_err err = AS_OK;

	*ret = !(in->kind->flags & KF_OPENS);
	if (!(in->kind->flags & KF_JOINS) || given.n == 0)
		return AS_OK;
	if (!form_uuid_parse(given, id))
		err = cases_of_label(j, given, keys, &n);
	*ret = form_uuid_parse(given, id) || n > 0;
	return err;
}

static as_err name_case(struct line_job *j)
{
	const struct intake *in = j->in;
	struct bytes given = bytes_of(in->case_text, in->case_n);
	bool goes_on;
	as_err err;

	memcpy(j->key.branch, j->a->node->home->branch, BRANCH_CODE_MAX);
	if ((err = continues(j, &goes_on)))
		return err;
	if (!goes_on)
		return open_case(j);
	j->ev.label = bytes_of(NULL, 0);
	if (!form_uuid_parse(given, j->key.id)) {
		if ((err = case_by_label(j, given)))
			return err;
		j->label = given;
	}
	memcpy(j->case_id, j->key.id, 16);
	j->ev.case_id = bytes_of(j->case_id, 16);
	return AS_OK;
}

/* ---- recorded before? --------------------------------------------------------------------------------------- */

static bool same_personal(struct line_job *j, const struct event *was)
{
	uint8_t plain[PERSONAL_SEALED_MAX];
	size_t n = 0;
	as_err err;

	if (was->personal.n == 0 || j->in->personal_n == 0)
		return (was->personal.n == 0) == (j->in->personal_n == 0);
	err = node_personal_open(j->a->node, j->key.branch, was, plain, &n);
	bool same = err != AS_OK /* its key is gone: compared while it existed */
		    || bytes_equal(bytes_of(plain, n), intake_personal(j->in));
	as_wipe(plain, sizeof plain);
	return same;
}

/* Does what was sent now name the case that it named then? A label may name a second one since. */
static bool same_case(struct line_job *j, const struct event *was)
{
	const struct intake *in = j->in;
	struct bytes given = bytes_of(in->case_text, in->case_n);
	struct case_key keys[2];
	uint8_t id[16];
	size_t n = 0;

	if (was->case_id.n == 0) /* it opened one */
		return given.n == 0 || bytes_equal(was->label, given);
	if (form_uuid_parse(given, id))
		return bytes_equal(was->case_id, bytes_of(id, 16));
	if (cases_of_label(j, given, keys, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (bytes_equal(was->case_id, bytes_of(keys[i].id, 16)))
			return true;
	return false;
}

/* Is what was sent now what was sent then? (the fields the caller sends) */
static bool same_event(struct line_job *j, const struct event *was)
{
	const struct intake *in = j->in;
	const struct event *now = &in->ev;

	return was->kind == now->kind && was->occurred_at == now->occurred_at && was->actor == now->actor &&
	       was->approver == now->approver && was->post == now->post && was->business_date == now->business_date &&
	       bytes_equal(was->body, now->body) && bytes_equal(was->corrects, now->corrects) &&
	       bytes_equal(was->customer, now->customer) && bytes_equal(was->device, now->device) &&
	       same_case(j, was) && same_personal(j, was);
}

static as_err answer_known(struct line_job *j, const struct log_id *log, uint64_t index)
{
	struct node *n = j->a->node;
	struct bytes raw, given = bytes_of(j->in->case_text, j->in->case_n);
	char label[LABEL_BYTES_MAX];
	struct event was;
	as_err err = node_event_again(n, log, index, &raw);

	if (err)
		return err;
	memcpy(j->key.branch, n->home->branch, BRANCH_CODE_MAX);
	if (event_decode(raw, &was) != AS_OK || !same_event(j, &was)) {
		intake_refuse(&j->l->error, "Another event with this event_id is recorded already.");
		return refuse(j, "event_id", "");
	}
	j->l->verdict = ACCEPT_KNOWN;
	j->l->stored = true;
	j->l->index = index;
	/* the case as it was answered first: the label given or made, else what the caller called it */
	memcpy(j->key.id, was.case_id.n ? was.case_id.p : was.event_id.p, 16);
	if (was.label.n) {
		memcpy(label, was.label.p, was.label.n);
		j->label = bytes_of(label, was.label.n);
	} else if (!form_uuid_parse(given, j->key.id)) {
		j->label = given;
	}
	answer_case(j);
	return AS_OK;
}

/* ---- sealing ------------------------------------------------------------------------------------------------- */

/* The subject's key, from the ring, the batch, or new. */
static as_err subject_key(struct line_job *j, const uint8_t subject[16], uint8_t ret_key[32])
{
	struct accept *a = j->a;
	as_err err = node_subject_key(a->node, subject, ret_key);
	uint8_t random[32], *wrapped;

	if (err == AS_EREFUSED) {
		intake_refuse(&j->l->error, "This customer was erased: record the person anew.");
		return refuse(j, "customer", "R-72");
	}
	if (err != AS_ENOTFOUND)
		return err;
	for (size_t i = 0; i < a->keys_n; i++)
		if (memcmp(a->keys[i].subject, subject, 16) == 0)
			return ring_unwrap(a->node->home->ring_key, subject, a->keys[i].wrapped, ret_key) ? AS_OK
													   : AS_ECORRUPT;
	if (a->keys_n == KEYS_MAX)
		return AS_ETOOBIG;
	if ((wrapped = batch_memory(a->batch, RING_WRAPPED_BYTES)) == NULL)
		return AS_ENOMEM;
	as_random(ret_key, 32);
	as_random(random, sizeof random);
	ring_wrap(a->node->home->ring_key, subject, ret_key, random, wrapped);
	a->keys[a->keys_n] = (struct store_key){.op = KEY_PUT, .wrapped = bytes_of(wrapped, RING_WRAPPED_BYTES)};
	memcpy(a->keys[a->keys_n++].subject, subject, 16);
	return AS_OK;
}

static as_err finish_event(struct line_job *j, struct bytes *ret_raw)
{
	struct accept *a = j->a;
	const struct intake *in = j->in;
	struct event *ev = &j->ev;
	AS_AUTO(as_secret) struct as_secret subject = {0};
	uint8_t salt[16], commitment[32];
	uint8_t *sealed = NULL;
	size_t cap, n;
	as_err err;

	ev->recorded_at = a->batch->now;
	personal_salt(a->random, j->l->event_id, ev->body, intake_personal(in), salt);
	ev->salt = bytes_of(salt, sizeof salt);
	if (in->personal_n) {
		if ((err = subject_key(j, personal_subject(ev), subject.b)))
			return err;
		if ((sealed = batch_memory(a->batch, in->personal_n + PERSONAL_PAD + AS_AEAD_TAG)) == NULL)
			return AS_ENOMEM;
		n = personal_seal(subject.b, j->key.branch, j->l->event_id, salt, intake_personal(in), sealed, commitment);
		ev->personal = bytes_of(sealed, n);
		ev->commitment = bytes_of(commitment, sizeof commitment);
	}
	cap = ev->body.n + ev->personal.n + 512;
	uint8_t *raw = batch_memory(a->batch, cap);
	if (raw == NULL)
		return AS_ENOMEM;
	if (event_encode(ev, raw, cap, &n)) {
		intake_refuse(&j->l->error, "The event is too large.");
		return refuse(j, "", "");
	}
	*ret_raw = bytes_of(raw, n);
	return AS_OK;
}

/* ---- the whole of it ------------------------------------------------------------------------------------------ */

/* The log of a case is that of its first event: what comes later to an imported case goes there too. */
static uint8_t class_of(const struct accept_case *c, const struct accept_line *l)
{
	return c->known && c->rec.n > 0 ? c->rec.entries[0].place.cls : l->in->ev.imported ? LOG_BULK : LOG_LIVE;
}

/* AS_OK, AS_EREFUSED: it was, answered; AS_ENOTFOUND. */
static as_err judge_known(struct line_job *j)
{
	struct log_id log;
	uint64_t index;
	as_err err;

	if (!j->in->has_event_id)
		return AS_ENOTFOUND;
	memcpy(j->l->event_id, j->in->event_id, 16);
	err = store_event_place(j->a->node->st, j->in->event_id, &log, &index);
	return err ? err : answer_known(j, &log, index);
}

/* AS_OK with the verdict set; AS_EREFUSED with the error; AS_ETOOBIG: no room in this batch. */
static as_err judge(struct line_job *j)
{
	struct accept *a = j->a;
	const struct intake *in = j->in;
	struct event *ev = &j->ev;
	struct accept_case *c;
	struct ledger_refusal why;
	uint8_t leaf[32];
	struct bytes raw;
	const struct place place = {.inc_number = j->ctx->log.number,
				    .inc_id = {0},
				    .index = j->index,
				    .cls = j->ctx->log.cls};
	struct place at = place;
	const struct cell_sink none = {.ctx = NULL, .add = NULL};
	as_err err;

	if (in->has_event_id)
		memcpy(j->l->event_id, in->event_id, 16);
	else
		batch_uuid7(a->batch->now, j->l->event_id);
	*ev = in->ev;
	ev->event_id = bytes_of(j->l->event_id, 16);
	if (in->has_event_id && id_in_batch(a, j->l->event_id))
		return AS_ETOOBIG; /* judged when the first one is durable */
	if ((err = judge_known(j)) != AS_ENOTFOUND)
		return err;
	if ((err = name_case(j)) || (err = case_get(a, &j->key, &c)))
		return err;
	if (class_of(c, j->l) != j->ctx->log.cls) {
		j->l->verdict = ACCEPT_OTHER;
		j->l->cls = class_of(c, j->l);
		return AS_OK;
	}
	/* first without the costs of sealing: what is refused is refused for the facts */
	memset(leaf, 0, sizeof leaf);
	if (ledger_check(c->known ? &c->rec : NULL, ev, j->key.branch, leaf, &why)) {
		intake_word_refusal(&why, in->kind, &j->l->error);
		return AS_EREFUSED;
	}
	if ((err = finish_event(j, &raw)))
		return err;
	if (case_rec_reserve(&c->rec, 1, &a->arena) || id_put(a, j->l->event_id) ||
	    (j->opens && label_put(a, j->label, &j->key)))
		return AS_ETOOBIG;
	memcpy(at.inc_id, j->ctx->log.inc, 16);
	tree_leaf(raw, leaf);
	if ((err = ledger_apply(&c->rec, ev, &at, leaf, &none, NULL)))
		return err;
	c->known = true;
	a->events[a->events_n++] = raw;
	j->l->verdict = ACCEPT_APPENDED;
	j->l->stored = true;
	j->l->index = j->index;
	answer_case(j);
	return AS_OK;
}

static as_err add_keys(struct accept *a, const struct log_id *live, uint64_t after)
{
	struct store_op *o;

	if (a->keys_n == 0)
		return AS_OK;
	for (size_t i = 0; i < a->keys_n; i++)
		a->keys[i].number = after + i + 1;
	if ((o = batch_op(a->batch, STORE_KEYS, live)) == NULL)
		return AS_ENOMEM;
	o->keys.keys = a->keys;
	o->keys.n = a->keys_n;
	return batch_touch(a->batch, live);
}

static as_err add_serial(struct accept *a)
{
	uint8_t v[8];

	if (!a->serial_used)
		return AS_OK;
	put_be32(v, a->serial_date);
	put_be32(v + 4, a->serial);
	return batch_meta(a->batch, META_SERIAL, bytes_of(v, sizeof v));
}

as_err accept_lines(struct accept *a, const struct accept_ctx *ctx, struct accept_line *lines, size_t n)
{
	struct node *node = a->node;
	struct batch_author w = {0};
	struct log_id live = ctx->log;
	struct log_row live_row;
	size_t plain = 0;
	as_err err;

	forget(a);
	node_event_forget(node); /* something may have been committed since */
	as_random(a->random, sizeof a->random);
	live.cls = LOG_LIVE;
	if ((err = batch_author_open(a->batch, &ctx->log, &w)) || (err = store_log(node->st, &live, &live_row)))
		goto done;
	for (size_t i = 0; i < n; i++) {
		struct line_job j = {.a = a, .ctx = ctx, .l = &lines[i], .in = lines[i].in, .index = w.f.size + a->events_n};
		if (lines[i].verdict == ACCEPT_REFUSED)
			continue;
		if (a->events_n == EVENTS_MAX || plain > 4 * BLOCK_PLAIN_MAX || a->arena.n > ARENA_BYTES - CASE_REC_BYTES_MAX) {
			lines[i].verdict = ACCEPT_LATER;
			continue;
		}
		err = judge(&j);
		if (err == AS_ECORRUPT) { /* of its case or person: the other lines have nothing to do with it */
			intake_refuse(&lines[i].error, "NOT recorded: what is stored of its case is damaged; aftersync "
						       "verify says what.");
			err = AS_EREFUSED;
		}
		if (err == AS_ETOOBIG && a->events_n == 0) { /* an empty batch has no room: it would wait for ever */
			err = AS_ENOMEM;
			goto done;
		}
		if (err == AS_ETOOBIG) {
			/* everything after it as well: lines are judged in their order */
			for (; i < n; i++)
				if (lines[i].verdict != ACCEPT_REFUSED)
					lines[i].verdict = ACCEPT_LATER;
			break;
		}
		if (err == AS_EREFUSED)
			lines[i].verdict = ACCEPT_REFUSED;
		else if (err)
			goto done;
		else if (lines[i].verdict == ACCEPT_APPENDED)
			plain += BLOCK_PLAIN_OF(a->events[a->events_n - 1].n);
	}
	if ((err = a->events_n ? add_keys(a, &live, live_row.keys) : AS_OK) || (err = add_serial(a)))
		goto done;
	if (a->events_n)
		err = batch_append(a->batch, &w, a->events, a->events_n, live_row.keys + a->keys_n);
done:
	batch_author_done(&w);
	as_wipe(a->random, sizeof a->random);
	return err == AS_EREFUSED ? AS_OK : err;
}

void accept_known(struct accept *a, struct accept_line *lines, size_t n)
{
	forget(a);
	node_event_forget(a->node);
	for (size_t i = 0; i < n; i++) {
		struct line_job j = {.a = a, .l = &lines[i], .in = lines[i].in};
		if (lines[i].verdict != ACCEPT_REFUSED && judge_known(&j) == AS_EREFUSED)
			lines[i].verdict = ACCEPT_REFUSED;
	}
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

/* A JSON string of valid UTF-8 text, cut on a character when it is too long for cap. */
static size_t put_string(char *out, size_t cap, struct bytes s)
{
	size_t n = 0;

	out[n++] = '"';
	while (s.n > 0) {
		size_t one = 1; /* bytes of the character */
		while (one < s.n && (s.p[one] & 0xc0) == 0x80)
			one++;
		if (n + 8 > cap)
			break;
		if (s.p[0] == '"' || s.p[0] == '\\')
			out[n++] = '\\';
		if (s.p[0] < 0x20) {
			n += (size_t)snprintf(out + n, cap - n, "\\u%04x", s.p[0]);
		} else {
			memcpy(out + n, s.p, one);
			n += one;
		}
		s = bytes_of(s.p + one, s.n - one);
	}
	out[n] = 0;
	text_utf8_mend(out); /* the sentence itself may have been cut */
	out[n++] = '"';
	out[n] = 0;
	return n;
}

size_t accept_answer(const struct accept_line *l, uint64_t line_no, char out[ACCEPT_ANSWER_MAX])
{
	char id[37], text[ACCEPT_ANSWER_MAX - 200];
	int n;

	if (l->stored) {
		form_uuid_text(l->event_id, id);
		put_string(text, sizeof text, bytes_of_str(l->case_text));
		n = snprintf(out, ACCEPT_ANSWER_MAX, "{\"line\":%llu,\"event_id\":\"%s\",\"case\":%s,\"index\":%llu%s}",
			     (unsigned long long)line_no, id, text, (unsigned long long)l->index,
			     l->verdict == ACCEPT_KNOWN && l->in && l->in->ev.imported ? ",\"known\":true" : "");
		return (size_t)n;
	}
	put_string(text, sizeof text, bytes_of_str(l->error.text));
	n = snprintf(out, ACCEPT_ANSWER_MAX, "{\"line\":%llu,\"error\":%s", (unsigned long long)line_no, text);
	if (l->error.field[0])
		n += snprintf(out + n, ACCEPT_ANSWER_MAX - (size_t)n, ",\"field\":\"%s\"", l->error.field);
	if (l->error.rule[0])
		n += snprintf(out + n, ACCEPT_ANSWER_MAX - (size_t)n, ",\"rule\":\"%s\"", l->error.rule);
	out[n++] = '}';
	out[n] = 0;
	return (size_t)n;
}
