#include "common/node/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/version.h"
#include "common/base/writer.h"
#include "common/crypto/sign.h"
#include "common/node/hash.h"
#include "common/wire/log_opened.h"

#define READERS_MAX 4096

struct node_reader {
	uint8_t log[LOG_ID_BYTES]; /* key of the hash */
	struct block_reader r;
	uint8_t author[32];
	UT_hash_handle hh;
};

/* ---- readers -------------------------------------------------------------------------------------------- */

struct block_reader *node_block_reader(struct node_reader *r)
{
	return &r->r;
}

const uint8_t *node_reader_author(const struct node_reader *r)
{
	return r->author;
}

static struct node_reader *reader_known(struct node *n, const struct log_id *log)
{
	uint8_t key[LOG_ID_BYTES];
	struct node_reader *r;

	log_id_put(log, key);
	HASH_FIND(hh, n->readers, key, sizeof key, r);
	return r;
}

static void reader_free(struct node *n, struct node_reader *r)
{
	HASH_DELETE(hh, n->readers, r);
	n->readers_n--;
	block_reader_done(&r->r);
	free(r);
}

void node_reader_forget(struct node *n, const struct log_id *log)
{
	struct node_reader *r = reader_known(n, log);

	if (r)
		reader_free(n, r);
}

static void readers_clear(struct node *n)
{
	struct node_reader *r, *next;

	HASH_ITER(hh, n->readers, r, next)
	reader_free(n, r);
}

as_err node_reader_put(struct node *n, const struct log_id *log, const struct block_reader *from,
		       const uint8_t author[32])
{
	struct node_reader *r;

	node_reader_forget(n, log);
	if (n->readers_n >= READERS_MAX) /* made again when they are asked for */
		readers_clear(n);
	r = calloc(1, sizeof *r);
	if (r == NULL)
		return AS_ENOMEM;
	log_id_put(log, r->log);
	r->r = *from;
	memcpy(r->author, author, 32);
	HASH_ADD(hh, n->readers, log, sizeof r->log, r);
	n->readers_n++;
	return AS_OK;
}

void node_reader_make(struct node *n, const struct log_id *log, const uint8_t author[32],
		      struct block_reader *ret_r)
{
	const struct node_home *h = n->home;
	const struct roster_log_key *given;
	AS_AUTO(as_secret) struct as_secret key = {0};

	block_reader_init(ret_r, h->org, log, author);
	if (log->cls == LOG_HQ_ALL)
		return;
	block_reader_set_recipient(ret_r, h->is_hq, h->recipient_public, h->recipient_secret);
	if (!h->is_hq && (given = roster_log_key_of(&n->roster, log)) != NULL &&
	    as_box_open(h->recipient_public, h->recipient_secret, bytes_of(given->sealed, sizeof given->sealed),
			key.b))
		block_reader_set_key(ret_r, key.b);
}

/* From the stored first block, which was verified when it came. */
static struct node_reader *reader_from_store(struct node *n, const struct log_id *log, struct bytes block)
{
	static const uint8_t nobody[32];
	struct block_reader r;
	struct block_view v;
	enum refuse_reason why;
	struct event ev;
	struct log_opened lo;

	node_reader_make(n, log, nobody, &r);
	if (block_peek(block, n->home->org, &v) != REFUSE_NONE || v.h.first != 0 ||
	    block_reopen(&n->io, &v, &r, &n->opened, &why) != AS_OK ||
	    event_decode(n->opened.events[0], &ev) != AS_OK || ev.kind != LOG_OPENED ||
	    log_opened_decode(ev.body, &lo) != AS_OK || !log_id_equal(&lo.log, log))
		goto no;
	checkpoint_log_key(&r.author, n->home->org, log, lo.author);
	if (node_reader_put(n, log, &r, lo.author) == AS_OK) {
		block_reader_done(&r);
		return reader_known(n, log);
	}
no:
	block_reader_done(&r);
	return NULL;
}

struct node_reader *node_reader_get(struct node *n, const struct log_id *log)
{
	struct node_reader *r = reader_known(n, log);
	AS_AUTO(buf) struct buf block = {0};
	struct block_meta meta;

	if (r)
		return r;
	buf_init(&block, BLOCK_BYTES_MAX);
	if (store_block_read(n->st, log, 0, &meta, &block) != AS_OK)
		return NULL;
	return reader_from_store(n, log, buf_bytes(&block));
}

/* ---- stored blocks --------------------------------------------------------------------------------------- */

/* Finds the block of the log that brought the content key with this id, and opens the key. */
struct key_search {
	struct node *n;
	struct block_reader *r;
	const uint8_t *id;
	bool found;
};

static as_err search_key(void *arg, const struct log_id *log, const struct block_meta *meta, struct bytes block)
{
	struct key_search *s = arg;
	const struct node_home *home = s->n->home;
	struct block_header h;
	AS_AUTO(as_secret) struct as_secret key = {0};
	size_t n;

	(void)log;
	(void)meta;
	if (block_header_get(block, &h, &n) != REFUSE_NONE || !(h.flags & BLOCK_HAS_KEYS) ||
	    memcmp(h.key_id, s->id, sizeof h.key_id) != 0)
		return AS_OK;
	s->found = as_box_open(home->recipient_public, home->recipient_secret,
			       bytes_of(home->is_hq ? h.key_for_hq : h.key_for_branch, BLOCK_SEALED_KEY), key.b);
	if (s->found)
		block_reader_set_key(s->r, key.b);
	return AS_EEXIST; /* ends the walk */
}

static as_err open_view(struct node *n, const struct block_view *v, struct node_reader *r, struct block_opened *o)
{
	enum refuse_reason why = REFUSE_NONE;
	struct key_search s = {.n = n, .r = &r->r, .id = v->h.key_id};
	as_err err = block_reopen(&n->io, v, &r->r, o, &why);

	if (err == AS_OK || err == AS_ENOMEM)
		return err;
	/* under another content key of the same log: an older one, or the reader met this block first */
	if (why == REFUSE_CONTENT_KEY && store_each_block(n->st, &v->h.log, 0, search_key, &s) == AS_EEXIST &&
	    s.found && block_reopen(&n->io, v, &r->r, o, &why) == AS_OK)
		return AS_OK;
	return AS_ECORRUPT;
}

as_err node_block_open(struct node *n, const struct log_id *log, struct bytes block, struct block_opened *o)
{
	struct block_view v;
	struct node_reader *r;

	if (o == &n->opened)
		n->opened_kept = false;
	if (block_peek(block, n->home->org, &v) != REFUSE_NONE || !log_id_equal(&v.h.log, log))
		return AS_ECORRUPT;
	r = reader_known(n, log);
	if (r == NULL)
		r = v.h.first == 0 ? reader_from_store(n, log, block) : node_reader_get(n, log);
	if (r == NULL)
		return AS_ECORRUPT;
	return open_view(n, &v, r, o);
}

static as_err opener(void *ctx, const struct log_id *log, struct bytes block, const struct bytes **ret_events,
		     const uint8_t (**ret_leaves)[32], size_t *ret_n)
{
	struct node *n = ctx;
	as_err err = node_block_open(n, log, block, &n->opened);

	if (err)
		return err;
	*ret_events = n->opened.events;
	*ret_leaves = (const uint8_t(*)[32])n->opened.leaves;
	*ret_n = n->opened.events_n;
	return AS_OK;
}

as_err node_event_at(struct node *n, const struct log_id *log, uint64_t index, struct bytes *ret_raw)
{
	struct block_meta meta;
	as_err err = store_block_read(n->st, log, index, &meta, &n->block);

	if (err || (err = node_block_open(n, log, buf_bytes(&n->block), &n->opened)))
		return err;
	if (index - meta.first >= n->opened.events_n)
		return AS_ECORRUPT;
	*ret_raw = n->opened.events[index - meta.first];
	n->opened_log = *log;
	n->opened_first = meta.first;
	n->opened_kept = true;
	return AS_OK;
}

as_err node_event_again(struct node *n, const struct log_id *log, uint64_t index, struct bytes *ret_raw)
{
	if (!n->opened_kept || !log_id_equal(&n->opened_log, log) || index < n->opened_first ||
	    index - n->opened_first >= n->opened.events_n)
		return node_event_at(n, log, index, ret_raw);
	*ret_raw = n->opened.events[index - n->opened_first];
	return AS_OK;
}

void node_event_forget(struct node *n)
{
	n->opened_kept = false;
}

struct each_event {
	struct node *n;
	node_event_fn fn;
	void *arg;
};

static as_err each_block_event(void *arg, const struct log_id *log, const struct block_meta *meta,
			       struct bytes block)
{
	struct each_event *e = arg;
	as_err err = node_block_open(e->n, log, block, &e->n->opened);

	for (uint32_t i = 0; err == AS_OK && i < e->n->opened.events_n; i++)
		err = e->fn(e->arg, log, meta->first + i, e->n->opened.events[i]);
	return err;
}

as_err node_each_event(struct node *n, const struct log_id *log, uint64_t from, node_event_fn fn, void *arg)
{
	struct each_event e = {.n = n, .fn = fn, .arg = arg};

	return store_each_block(n->st, log, from, each_block_event, &e);
}

/* ---- the roster ------------------------------------------------------------------------------------------ */

struct fold_log {
	struct node *n;
	uint64_t upto;
};

static as_err fold_one(void *arg, const struct log_id *log, uint64_t index, struct bytes raw)
{
	struct fold_log *f = arg;
	struct event ev;

	(void)log;
	if (index >= f->upto)
		return AS_EEXIST; /* written meanwhile: ends the walk */
	return event_decode(raw, &ev) == AS_OK ? roster_fold(&f->n->roster, &ev) : AS_OK;
}

/* The events of the log after `from`, up to the head that was seen. */
static as_err fold_more(struct node *n, const struct node_roster_at *to, uint64_t from)
{
	struct fold_log f = {.n = n, .upto = to->head.size};
	as_err err = from < f.upto ? node_each_event(n, &to->log, from, fold_one, &f) : AS_OK;

	return err == AS_EEXIST ? AS_OK : err;
}

struct hq_logs {
	struct node_roster_at at[ROSTER_INSTANCES_MAX];
	size_t n;
};

static as_err take_hq_log(void *arg, const struct log_row *row)
{
	struct hq_logs *logs = arg;

	if (row->head.size > 0 && logs->n < ROSTER_INSTANCES_MAX)
		logs->at[logs->n++] = (struct node_roster_at){.log = row->id, .head = row->head};
	return AS_OK;
}

static bool heads_equal(const struct log_head *a, const struct log_head *b)
{
	return a->size == b->size && memcmp(a->root, b->root, sizeof a->root) == 0;
}

/* Is what was read still there, with nothing more but at the end? */
static bool roster_continues(struct node *n, const struct hq_logs *logs)
{
	const struct node_roster_at *last = n->roster_at_n ? &n->roster_at[n->roster_at_n - 1] : NULL;
	struct block_meta m;

	if (n->roster_damaged || logs->n < n->roster_at_n)
		return false;
	for (size_t i = 0; i < n->roster_at_n; i++)
		if (!log_id_equal(&n->roster_at[i].log, &logs->at[i].log) ||
		    (&n->roster_at[i] != last && !heads_equal(&n->roster_at[i].head, &logs->at[i].head)))
			return false;
	if (last == NULL || heads_equal(&last->head, &logs->at[n->roster_at_n - 1].head))
		return true;
	return store_block_at(n->st, &last->log, last->head.size - 1, &m) && !m.damaged &&
	       m.first + m.count == last->head.size && memcmp(m.root, last->head.root, sizeof m.root) == 0;
}

static as_err roster_read(struct node *n, bool anew)
{
	struct hq_logs logs = {.n = 0};
	uint8_t root[32];
	as_err err = store_each_log_of(n->st, LOG_HQ_ALL, take_hq_log, &logs);

	anew |= err == AS_OK && !roster_continues(n, &logs);
	if (anew) {
		memcpy(root, n->roster.root, 32);
		roster_done(&n->roster);
		roster_init(&n->roster, n->home->org, root);
		roster_load_begin(&n->roster);
		n->roster_at_n = 0;
	}
	for (size_t i = 0; err == AS_OK && i < logs.n; i++)
		err = fold_more(n, &logs.at[i], i < n->roster_at_n ? n->roster_at[i].head.size : 0);
	if (anew)
		roster_load_end(&n->roster);
	n->roster_damaged = err == AS_ECORRUPT;
	memcpy(n->roster_at, logs.at, sizeof n->roster_at);
	n->roster_at_n = err ? 0 : logs.n;
	return err;
}

as_err node_roster_load(struct node *n)
{
	return roster_read(n, true);
}

as_err node_roster_renew(struct node *n)
{
	return roster_read(n, false);
}

/* ---- personal parts -------------------------------------------------------------------------------------- */

as_err node_subject_key(struct node *n, const uint8_t subject[16], uint8_t ret_key[32])
{
	AS_AUTO(buf) struct buf wrapped = {0};
	uint8_t op;
	as_err err;

	buf_init(&wrapped, STORE_WRAPPED_MAX);
	if ((err = store_ring_get(n->st, subject, &op, &wrapped)))
		return err;
	if (op != KEY_PUT)
		return AS_EREFUSED;
	return ring_unwrap(n->home->ring_key, subject, buf_bytes(&wrapped), ret_key) ? AS_OK : AS_ECORRUPT;
}

as_err node_personal_open(struct node *n, const char branch[BRANCH_CODE_MAX], const struct event *ev,
			  uint8_t ret_plain[PERSONAL_SEALED_MAX], size_t *ret_n)
{
	AS_AUTO(as_secret) struct as_secret subject = {0};
	AS_AUTO(as_secret) struct as_secret key = {0};
	as_err err = node_subject_key(n, personal_subject(ev), subject.b);

	if (err)
		return err;
	personal_event_key(subject.b, branch, ev->event_id.p, ev->salt.p, key.b);
	return personal_open(key.b, branch, ev, ret_plain, ret_n);
}

/* ---- views ----------------------------------------------------------------------------------------------- */

/* Without its roster. *ret_node is to be freed also when this fails. */
static as_err view_open(struct node **ret_node, struct node_home *home, struct as_errmsg *em)
{
	struct node *n = *ret_node = calloc(1, sizeof *n);
	struct store_opts opts = {.role = home->is_hq ? STORE_HQ : STORE_BRANCH,
				  .kv = home->kv,
				  .store_key = home->store_key,
				  .writer = "aftersync " AFTERSYNC_VERSION};
	as_err err;

	if (n == NULL)
		return AS_ENOMEM;
	n->home = home;
	block_opened_init(&n->opened);
	buf_init(&n->block, BLOCK_BYTES_MAX);
	roster_init(&n->roster, home->org, home->ident.root);
	opts.opener = (struct store_opener){.ctx = n, .open = opener};
	memcpy(opts.branch, home->branch, BRANCH_CODE_MAX);
	err = block_io_init(&n->io);
	return err ? err : store_open(&n->st, &opts, em);
}

as_err node_view(struct node **ret_node, struct node_home *home, bool writer, struct as_errmsg *em)
{
	struct node *n;
	as_err err = view_open(&n, home, em);

	if (err == AS_OK && writer)
		err = store_take_fence(n->st, &n->fence);
	if (err == AS_OK)
		err = node_roster_load(n);
	/* verify must be able to name the damage; a branch gets back from head office what is damaged */
	if (err == AS_ECORRUPT && n->roster_damaged && (!writer || !home->is_hq))
		err = AS_OK;
	else if (err == AS_ECORRUPT && n->roster_damaged)
		as_errmsg_set(em, "head office's log to everybody cannot be read: `aftersync verify` names what is "
				  "damaged; put a copy of the store in its place");
	if (err) {
		node_view_free(n);
		return err;
	}
	*ret_node = n;
	return AS_OK;
}

as_err node_view_beside(struct node **ret_node, const struct node *beside, struct as_errmsg *em)
{
	struct node *n;
	as_err err = view_open(&n, beside->home, em);

	if (err == AS_OK)
		err = roster_copy(&n->roster, &beside->roster);
	if (err) {
		node_view_free(n);
		return err;
	}
	n->roster_damaged = beside->roster_damaged;
	memcpy(n->roster_at, beside->roster_at, sizeof n->roster_at);
	n->roster_at_n = beside->roster_at_n;
	*ret_node = n;
	return AS_OK;
}

void node_view_rest(struct node *n)
{
	readers_clear(n);
	node_event_forget(n);
	block_opened_done(&n->opened);
	block_opened_init(&n->opened);
	buf_done(&n->block);
	buf_init(&n->block, BLOCK_BYTES_MAX);
}

void node_view_free(struct node *n)
{
	if (n == NULL)
		return;
	readers_clear(n);
	roster_done(&n->roster);
	if (n->st)
		store_close(n->st);
	block_opened_done(&n->opened);
	block_io_done(&n->io);
	buf_done(&n->block);
	free(n);
}

/* ---- joining --------------------------------------------------------------------------------------------- */

#define JOIN_BODY (16 + BRANCH_CODE_MAX + 3 * 32 + LOG_ID_BYTES + 32)

static void join_body(const uint8_t org[16], const uint8_t token_key[32], const struct msg_join *j,
		      uint8_t out[JOIN_BODY])
{
	uint8_t live[LOG_ID_BYTES];
	struct writer w = writer_of(out, JOIN_BODY);

	log_id_put(&j->live, live);
	writer_add(&w, org, 16);
	writer_add(&w, j->branch, BRANCH_CODE_MAX);
	writer_add(&w, j->identity, 32);
	writer_add(&w, j->link, 32);
	writer_add(&w, j->recipient, 32);
	writer_add(&w, live, sizeof live);
	writer_add(&w, token_key, 32);
	as_assert(!w.full && w.n == JOIN_BODY);
}

void node_join_sign(const struct node_home *h, const uint8_t token_key[32], struct msg_join *j)
{
	uint8_t body[JOIN_BODY];

	join_body(h->org, token_key, j, body);
	as_context_sign(h->identity_secret, NODE_JOIN_CONTEXT, bytes_of(body, sizeof body), j->signature);
}

bool node_join_ok(const uint8_t org[16], const uint8_t token_key[32], const struct msg_join *j)
{
	uint8_t body[JOIN_BODY];

	join_body(org, token_key, j, body);
	return as_context_verify(j->identity, NODE_JOIN_CONTEXT, bytes_of(body, sizeof body), j->signature);
}

/* ---- names ----------------------------------------------------------------------------------------------- */

const char *node_log_text(const struct log_id *log, char out[NODE_LOG_TEXT_MAX])
{
	if (log->cls == LOG_HQ_ALL)
		snprintf(out, NODE_LOG_TEXT_MAX, "hq/all/%u", log->number);
	else if (log->cls == LOG_HQ_BRANCH)
		snprintf(out, NODE_LOG_TEXT_MAX, "hq/%.8s/%u", log->branch, log->number);
	else
		snprintf(out, NODE_LOG_TEXT_MAX, "%.8s/%s/%u.%02x%02x%02x%02x", log->branch,
			 log->cls == LOG_LIVE ? "live" : "bulk", log->number, log->inc[0], log->inc[1], log->inc[2],
			 log->inc[3]);
	return out;
}
