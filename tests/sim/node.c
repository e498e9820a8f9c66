/* The shell of the simulator: what a daemon does around a core, one step at a time. */
#include "common/base/check.h"
#include "common/base/date.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/log/note_sign.h"
#include "common/wire/event.h"
#include "common/wire/log_opened.h"
#include "tests/sim/world.h"

#include <stdlib.h>

static struct sync_core *core(struct node *n)
{
	return n->is_hq ? &n->h.c : &n->b.c;
}

/* ---- slots
 * --------------------------------------------------------------------------------------------------------*/

static uint32_t slot_take(struct node *n)
{
	for (uint32_t i = 0; i < SIM_SLOTS; i++)
		if (!n->slots[i].used) {
			n->slots[i].used = true;
			n->slots[i].gen++;
			n->slots[i].verified = false;
			return i;
		}
	return SYNC_NO_SLOT;
}

static void slot_clear(struct slot *s)
{
	free(s->bytes);
	free(s->keys);
	s->bytes = NULL;
	s->keys = NULL;
	s->used = false;
	s->is_keys = false;
	s->verified = false;
}

static void slot_free(struct node *n, uint32_t i)
{
	if (i >= SIM_SLOTS || !n->slots[i].used) {
		broken(n->w, "slot", "%s: slot %u given back twice", n->name, i);
		return;
	}
	slot_clear(&n->slots[i]);
}

/* ---- outputs
 * ------------------------------------------------------------------------------------------------------*/

static void crash_after(struct node *n)
{
	n->dying = true;
}

void node_job(struct node *n, const struct job *j)
{
	as_assert(n->jobs_n < SIM_JOBS);
	n->jobs[n->jobs_n++] = *j;
	if (n->jobs_n == 1 && !n->executing)
		world_at(n->w, n->w->now + 1 + rng_below(&n->w->rng, n->w->disk_ms), EV_EXEC, n->index);
}

static bool sign_receipt(struct node *n, const struct log_id *log, const struct log_head *head,
			 uint8_t out[76])
{
	struct note_key k;
	char name[64];
	char origin[CHECKPOINT_ORIGIN_MAX];
	uint8_t text[512];
	struct writer w = writer_of(text, sizeof text);
	int len = snprintf(name, sizeof name, "headoffice/%u", n->h.c.instance);

	checkpoint_put(&w, bytes_of(origin, checkpoint_origin(n->w->org, log, origin)), head);
	return note_key_init(&k, NOTE_COSIGNATURE, bytes_of(name, (size_t)len),
			     n->w->instance_public[n->h.c.instance]) == AS_OK &&
	       cosign_sign(&k, n->w->instance_secret[n->h.c.instance],
			   (uint64_t)EPOCH_MS / 1000 + n->w->now / 1000, bytes_of(text, w.n), out) == AS_OK;
}

static bool receipt_ok(void *ctx, const struct log_id *log, const struct log_head *head,
		       const uint8_t receipt[76])
{
	struct node *n = ctx;
	char origin[CHECKPOINT_ORIGIN_MAX];
	uint8_t text[512];
	uint64_t time_s;
	struct writer w = writer_of(text, sizeof text);

	checkpoint_put(&w, bytes_of(origin, checkpoint_origin(n->w->org, log, origin)), head);
	for (uint32_t i = n->w->instance; i > 0; i--) {
		struct note_key k;
		char name[64];
		int len = snprintf(name, sizeof name, "headoffice/%u", i);
		if (note_key_init(&k, NOTE_COSIGNATURE, bytes_of(name, (size_t)len),
				  n->w->instance_public[i]) == AS_OK &&
		    cosign_verify(&k, bytes_of(text, w.n), receipt, &time_s))
			return true;
	}
	return false;
}

static bool block_at(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *ret_meta)
{
	return store_block_at(((struct node *)ctx)->st, log, index, ret_meta);
}

static const char *const msg_names[] = {"?",	"hello",  "heads", "block",  "have",
					"keys", "refuse", "join",  "joined", "pending"};

const char *log_name(const struct log_id *id)
{
	static char text[4][48];
	static unsigned at;
	static const char *const classes[] = {"?", "live", "bulk", "hq/all", "hq"};
	char *t = text[at++ % 4];

	if (id->cls == 0)
		snprintf(t, 48, "-");
	else if (log_is_hq(id))
		snprintf(t, 48, "%s.%u%.8s", classes[id->cls], id->number,
			 id->cls == LOG_HQ_ALL ? "" : id->branch);
	else
		snprintf(t, 48, "%.8s/%s/%u.%02x%02x", id->branch, classes[id->cls & 7], id->number,
			 id->inc[0], id->inc[1]);
	return t;
}

static void trace_msg(struct node *n, const char *dir, const struct msg *m)
{
	struct world *w = n->w;

	if (!w->o.trace)
		return;
	switch (m->type) {
	case MSG_HELLO:
		world_trace(w, "%s %s hello heads=%u rest=%u credit=%llu instance=%u", n->name, dir,
			    m->hello.heads_n, m->hello.rest_n, (unsigned long long)m->hello.credit,
			    m->hello.instance);
		for (uint32_t i = 0; i < m->hello.heads_n; i++)
			world_trace(w, "%s %s   %s %llu keys=%llu", n->name, dir,
				    log_name(&m->hello.heads[i].log),
				    (unsigned long long)m->hello.heads[i].head.size,
				    (unsigned long long)m->hello.heads[i].keys);
		break;
	case MSG_BLOCK:
		world_trace(w, "%s %s block %s %llu+%u", n->name, dir, log_name(&m->block.log),
			    (unsigned long long)m->block.first, m->block.count);
		break;
	case MSG_HAVE:
		world_trace(w, "%s %s have %s %llu keys=%llu credit=%llu%s%s", n->name, dir,
			    log_name(&m->have.log), (unsigned long long)m->have.head.size,
			    (unsigned long long)m->have.keys, (unsigned long long)m->have.credit,
			    m->have.receipted ? " receipt" : "", m->have.reseal ? " reseal" : "");
		break;
	case MSG_KEYS:
		world_trace(
		    w, "%s %s keys %s n=%u from %llu", n->name, dir, log_name(&m->keys.log), m->keys.keys_n,
		    (unsigned long long)(m->keys.keys && m->keys.keys_n ? m->keys.keys[0].number : 0));
		break;
	case MSG_REFUSE:
		world_trace(w, "%s %s refuse %s %s first=%llu points=%u", n->name, dir,
			    sync_refuse_name(m->refuse.reason), log_name(&m->refuse.log),
			    (unsigned long long)m->refuse.first, m->refuse.points_n);
		break;
	case MSG_HEADS:
		world_trace(w, "%s %s heads%s n=%u", n->name, dir, m->heads.ask ? " ask" : "",
			    m->heads.heads_n);
		break;
	default:
		world_trace(w, "%s %s %s", n->name, dir, msg_names[m->type]);
	}
}

/* Completes a message with what only the shell has, and gives it to the line. */
static void send(struct node *n, const struct sync_out *out)
{
	struct msg m = *out->send.msg;
	AS_AUTO(buf) struct buf block = {0};
	AS_AUTO(buf) struct buf memory = {0};
	AS_AUTO(buf) struct buf frame = {0};
	struct store_key stored[KEYS_PER_MESSAGE_MAX];
	struct wire_key keys[KEYS_PER_MESSAGE_MAX];
	struct block_meta meta;

	buf_init(&block, BLOCK_BYTES_MAX);
	buf_init(&memory, 1 << 20);
	buf_init(&frame, MESSAGE_BYTES_MAX);
	if (m.type == MSG_HELLO && n->newer_wire)
		m.hello.wire_min = m.hello.wire_max = WIRE_VERSION + 1;
	if (m.type == MSG_BLOCK) {
		as_err err = store_block_read(n->st, &m.block.log, m.block.first, &meta, &block);
		if (err) { /* it rotted: found while reading */
			struct event_in *e = world_at(n->w, n->w->now + 1, EV_SCRUB, n->index);
			e->log = m.block.log;
			e->first = m.block.first;
			return;
		}
		m.block.block = buf_bytes(&block);
	}
	if (m.type == MSG_KEYS) {
		size_t got = 0;
		if (store_keys(n->st, &m.keys.log, out->send.keys_after, stored, m.keys.keys_n, &memory,
			       &got) != AS_OK ||
		    got == 0) {
			broken(n->w, "keys", "%s: %s has no key after %llu", n->name, log_name(&m.keys.log),
			       (unsigned long long)out->send.keys_after);
			return;
		}
		for (size_t i = 0; i < got; i++) {
			keys[i] = (struct wire_key){.number = stored[i].number, .op = stored[i].op};
			memcpy(keys[i].subject, stored[i].subject, 16);
			keys[i].transport = n->is_hq ? 0 : n->b.c.transport;
			if (stored[i].op == KEY_PUT)
				memcpy(keys[i].sealed, stored[i].wrapped.p, 32);
			else
				keys[i].transport = 0;
		}
		m.keys.keys = keys;
		m.keys.keys_n = (uint32_t)got;
	}
	if (m.type == MSG_HAVE && m.have.receipted) {
		check_receipt(n, &m.have.log, &m.have.head);
		if (!sign_receipt(n, &m.have.log, &m.have.head, m.have.receipt))
			broken(n->w, "receipt", "%s cannot sign", n->name);
	}
	trace_msg(n, "->", &m);
	as_err err = msg_encode(&m, &frame);
	if (err) {
		broken(n->w, "encode", "%s: %s message: %s", n->name, msg_names[m.type], as_err_text(err));
		return;
	}
	net_send(n, out->link, buf_bytes(&frame), m.type);
}

static void alarm_out(struct node *n, const struct sync_out *out)
{
	static const char *const names[] = {"none",	      "clone",	  "fork",	  "refused",
					    "damaged",	      "repaired", "token-reused", "rolled-back",
					    "lower-instance", "too-many", "after-end"};

	n->w->alarms[out->alarm.what & 15]++;
	if (out->alarm.what == ALARM_REPAIRED || (out->alarm.what == ALARM_DAMAGED && !n->is_hq))
		n->rot = 0;
	world_trace(n->w, "%s alarm %s %s %llu", n->name, names[out->alarm.what], log_name(&out->alarm.log),
		    (unsigned long long)out->alarm.size);
	static const char *const words[] = {
	    [ALARM_CLONE] = "there are two live copies of one identity",
	    [ALARM_FORK] = "two signed continuations of one log; both are kept as evidence",
	    [ALARM_REFUSED] = "a sound block was refused twice",
	    [ALARM_DAMAGED] = "a stored block is damaged",
	    [ALARM_REPAIRED] = "the damaged block was fetched back and put in its place",
	    [ALARM_TOKEN_REUSED] = "somebody else tried a used token",
	    [ALARM_ROLLED_BACK] =
		"head office holds less of its own logs than a branch: it stops writing them",
	    [ALARM_INSTANCE] = "this head office is older than the one seen before",
	    [ALARM_TOO_MANY] = "a table is full",
	    [ALARM_AFTER_END] = "a block of an ended key was kept as refused",
	};
	if (out->alarm.branch[0])
		story(n->w, "ALARM at %s, %.8s: %s", n->name, out->alarm.branch, words[out->alarm.what]);
	else
		story(n->w, "ALARM at %s: %s", n->name, words[out->alarm.what]);
	if (out->alarm.what == ALARM_TOO_MANY)
		broken(n->w, "bounds", "%s: a table is full", n->name);
	if (out->alarm.what == ALARM_DAMAGED && !n->is_hq)
		check_lost_block(n, &out->alarm.log, out->alarm.size, UINT64_MAX);
}

void node_out(void *ctx, const struct sync_out *out)
{
	struct node *n = ctx;
	struct world *w = n->w;
	struct event_in *e;

	if (n->dying)
		return;
	if (out->type != SYNC_FREE && fault(w, F_CRASH_OUTPUT)) {
		world_trace(w, "%s crashes at an output", n->name);
		crash_after(n);
		return;
	}
	switch (out->type) {
	case SYNC_SEND:
		send(n, out);
		break;
	case SYNC_VERIFY:
		/* of one log in order */
		n->verify_at = (n->verify_at > w->now ? n->verify_at : w->now) + 1 + rng_below(&w->rng, 5);
		e = world_at(w, n->verify_at, EV_VERIFIED, n->index);
		e->slot = out->verify.slot;
		e->first = n->slots[out->verify.slot].gen;
		n->slots[out->verify.slot].evidence = out->verify.evidence;
		break;
	case SYNC_COMMIT:
		n->items = out->commit.items;
		n->items_n = out->commit.n;
		node_job(n, &(struct job){.type = JOB_CORE});
		break;
	case SYNC_FREE:
		slot_free(n, out->free.slot);
		break;
	case SYNC_CHECK:
		e = world_at(w, w->now + 1, EV_SCRUB, n->index);
		e->log = out->verify.log;
		e->first = out->verify.first;
		break;
	case SYNC_CONNECT:
		net_cut(w, n->link, false);
		n->link = 0;
		e = world_at(w, out->connect.at_ms, EV_CONNECT, n->index);
		e->kind = out->connect.kind;
		break;
	case SYNC_APPEND:
		if (out->append.verdict == APPEND_GO)
			node_job(n, &(struct job){.type = JOB_APPEND, .log = out->append.log});
		else
			n->want_pending = true;
		break;
	case SYNC_OPEN:
		node_job(n, &(struct job){.type = JOB_OPEN,
					  .log = out->open.log,
					  .has_parent = out->open.has_parent,
					  .parent = out->open.parent,
					  .parent_head = out->open.parent_head});
		break;
	case SYNC_FORK: {
		struct job j = {.type = JOB_FORK, .number = out->fork.number};
		rng_fill(&w->rng, j.inc, sizeof j.inc);
		node_job(n, &j);
		break;
	}
	case SYNC_ALARM:
		alarm_out(n, out);
		break;
	}
}

/* After each step of the core: did it die in it? */
void node_settle(struct node *n)
{
	if (n->dying) {
		node_kill(n);
		world_at(n->w, n->w->now + 1000 + rng_below(&n->w->rng, 60000), EV_START, n->index);
	}
}

/* ---- start and end
 * ------------------------------------------------------------------------------------------------*/

struct rows {
	struct log_row row[SIM_LOGS];
	size_t n;
};

static as_err take_row(void *arg, const struct log_row *row)
{
	struct rows *r = arg;

	as_assert(r->n < SIM_LOGS);
	r->row[r->n++] = *row;
	return AS_OK;
}

static bool meta_get(struct node *n, const char *name, struct buf *b)
{
	return store_meta(n->st, name, b) == AS_OK && b->n > 0;
}

static struct branch_start branch_start_of(struct node *n, struct rows *rows, bool ours)
{
	AS_AUTO(buf) struct buf b = {0};
	struct branch_start s = {.ours = ours, .first_number = n->first_number};

	buf_init(&b, 4096);
	rows->n = 0;
	as_assert(store_each_log(n->st, take_row, rows) == AS_OK);
	s.rows = rows->row;
	s.rows_n = rows->n;
	if (meta_get(n, "open", &b))
		s.has_open = log_id_get(b.p, &s.open);
	s.joined = meta_get(n, "joined", &b);
	s.instance = meta_get(n, "instance", &b) ? get_be32(b.p) : 1;
	s.transport = 0;
	memcpy(s.join.branch, n->branch, BRANCH_CODE_MAX);
	memcpy(s.join.identity, n->identity, 32);
	memcpy(s.join.link, n->identity, 32);
	memcpy(s.join.recipient, n->box_public, 32);
	s.join.live = (struct log_id){.cls = LOG_LIVE, .number = n->first_number};
	memcpy(s.join.live.branch, n->branch, BRANCH_CODE_MAX);
	memset(s.join.live.inc, 1, 16);
	return s;
}

static struct rows shared_rows;

void node_start(struct node *n)
{
	struct world *w = n->w;
	struct sync_env env = {.ctx = n, .out = node_out, .block_at = block_at, .receipt_ok = receipt_ok};
	struct store_opts opts = {.role = n->is_hq ? STORE_HQ : STORE_BRANCH,
				  .kv = n->kv,
				  .opener = {.ctx = n, .open = node_opener}};
	struct as_errmsg em = {0};
	AS_AUTO(buf) struct buf b = {0};
	uint8_t run_id[16];

	if (n->alive || n->gone)
		return;
	buf_init(&b, 4096);
	memcpy(opts.branch, n->is_hq ? "\0\0\0\0\0\0\0" : n->branch, BRANCH_CODE_MAX);
	as_err err = store_open(&n->st, &opts, &em);
	if (err == AS_OK)
		err = store_take_fence(n->st, &n->fence);
	if (err) {
		broken(w, "open", "%s: %s: %s", n->name, as_err_text(err), em.text);
		return;
	}
	n->alive = true;
	n->dying = false;
	n->life++;
	rng_fill(&w->rng, run_id, sizeof run_id);
	world_trace(w, "%s starts", n->name);
	if (n->is_hq) {
		struct hq_conf conf = {.seed = rng_next(&w->rng),
				       .env = env,
				       .logs = n->logs,
				       .logs_cap = SIM_LOGS,
				       .queue = n->queue,
				       .queue_cap = SIM_SLOTS,
				       .sessions = n->sessions,
				       .sessions_cap = SIM_NODES_MAX,
				       .nodes = n->hq_nodes,
				       .nodes_cap = SIM_NODES_MAX,
				       .tokens = n->tokens,
				       .tokens_cap = SIM_NODES_MAX,
				       .transport = w->transport,
				       .pool = SIM_POOL};
		conf.instance = meta_get(n, "instance", &b) ? get_be32(b.p) : 1;
		memcpy(conf.run_id, run_id, 16);
		hq_core_init(&n->h, &conf);
		n->h.c.now = w->now;
		shared_rows.n = 0;
		as_assert(store_each_log(n->st, take_row, &shared_rows) == AS_OK);
		for (size_t i = 0; i < shared_rows.n; i++)
			hq_core_load_log(&n->h, &shared_rows.row[i]);
		/* The roster is a log that every branch gives back; here it survives as a whole. */
		for (size_t i = 0; i < w->roster_n; i++)
			hq_core_add_node(&n->h, w->roster[i].branch);
		for (size_t i = 0; i < w->tokens_n; i++)
			hq_core_add_token(&n->h, &w->tokens[i]);
	} else {
		struct branch_conf conf = {.seed = rng_next(&w->rng),
					   .env = env,
					   .logs = n->logs,
					   .logs_cap = SIM_LOGS,
					   .queue = n->queue,
					   .queue_cap = SIM_SLOTS};
		memcpy(conf.branch, n->branch, BRANCH_CODE_MAX);
		memcpy(conf.run_id, run_id, sizeof conf.run_id);
		branch_core_init(&n->b, &conf);
		struct branch_start s = branch_start_of(n, &shared_rows, false);
		branch_core_load(&n->b, &s, w->now);
		world_at(w, w->now + rng_below(&w->rng, 3000), EV_CONNECT, n->index)->kind = SYNC_LINK_NODE;
	}
	world_at(w, w->now + 1000, EV_TICK, n->index);
	if (n->subs_n > 0)
		world_at(w, w->now + 10, EV_SUBMIT, n->index)->slot = 1;
}

void node_kill(struct node *n)
{
	if (!n->alive)
		return;
	world_trace(n->w, "%s dies", n->name);
	n->alive = false;
	n->dying = false;
	n->life++;
	net_cut_node(n->w, n, !chance(n->w, 300));
	store_close(n->st);
	n->st = NULL;
	kv_mem_fault(n->kv, KV_MEM_NO_FAULT);
	kv_mem_crash(n->kv);
	for (size_t i = 0; i < SIM_SLOTS; i++)
		if (n->slots[i].used)
			slot_clear(&n->slots[i]);
	for (size_t i = 0; i < n->taken_n; i++) /* never answered: the clerk asks again */
		node_submit(n, &n->taken[i]);
	n->taken_n = 0;
	n->readers_n = 0;
	n->jobs_n = 0;
	n->executing = false;
	n->want_pending = false;
	n->appended_n = 0;
	n->link = 0;
}

void node_free(struct node *n)
{
	if (n->alive)
		store_close(n->st);
	for (size_t i = 0; i < SIM_SLOTS; i++) {
		slot_clear(&n->slots[i]);
		block_opened_done(&n->slots[i].opened);
	}
	for (size_t i = 0; i < n->subs_n; i++)
		free((void *)(uintptr_t)n->subs[i].raw.p);
	for (size_t i = 0; i < n->taken_n; i++)
		free((void *)(uintptr_t)n->taken[i].raw.p);
	if (n->copy)
		kv_close(n->copy);
	kv_close(n->kv);
	block_io_done(&n->io);
	free(n->gen);
	free(n->gen_bulk);
	free(n->codec);
	free(n->logs);
	free(n->queue);
	free(n->sessions);
	free(n->hq_nodes);
	free(n->tokens);
	free(n);
}

/* ---- inputs
 * -------------------------------------------------------------------------------------------------------*/

/* A bit of a received block flips: once, or in all of them for some minutes, so that it is refused twice. */
static void flip_frame(struct node *n, struct slot *s)
{
	struct world *w = n->w;

	if (n->flip_until > w->now)
		w->counts[F_FLIP_BLOCK]++;
	else if (!fault(w, F_FLIP_BLOCK))
		return;
	else if (chance(w, 250))
		n->flip_until = w->now + rng_below(&w->rng, 600000);
	s->bytes[rng_below(&w->rng, s->n)] ^= (uint8_t)(1u << rng_below(&w->rng, 8));
}

/* A careless program: right after Hello it sends a child whose parent head office does not hold yet. */
static void child_first(struct node *n)
{
	AS_AUTO(buf) struct buf block = {0};
	AS_AUTO(buf) struct buf frame = {0};
	struct sync_session *s = &n->b.s;
	struct msg m = {.type = MSG_BLOCK, .session = s->their_nonce};
	struct block_meta meta;
	struct sync_log *child = NULL;

	for (size_t i = 0; s->open && s->complete && i < n->b.c.logs_n && child == NULL; i++) {
		struct sync_log *l = &n->b.c.logs[i];
		struct sync_log *p = l->row.has_parent ? sync_log_find(&n->b.c, &l->row.parent) : NULL;
		if (p && !log_is_hq(&l->row.id) && l->ship.known && l->ship.peer.size == 0 &&
		    p->ship.peer.size < l->row.parent_head.size)
			child = l;
	}
	buf_init(&block, BLOCK_BYTES_MAX);
	buf_init(&frame, MESSAGE_BYTES_MAX);
	if (child == NULL || store_block_read(n->st, &child->row.id, 0, &meta, &block) != AS_OK ||
	    s->sent + block.n > s->credit || !fault(n->w, F_CHILD_FIRST))
		return;
	s->sent += block.n;
	m.block = (struct msg_block){
	    .log = child->row.id, .first = 0, .count = meta.count, .block = buf_bytes(&block)};
	trace_msg(n, "->", &m);
	if (msg_encode(&m, &frame) == AS_OK)
		net_send(n, n->link, buf_bytes(&frame), m.type);
}

void node_frame(struct node *n, const struct event_in *e)
{
	struct wire_key keys[KEYS_PER_MESSAGE_MAX];
	struct msg m;
	struct as_errmsg em = {0};
	struct link *l = &n->w->links[e->link];

	as_err err = msg_decode(n->codec, bytes_of(e->frame, e->n), keys, &m, &em);
	if (err) {
		broken(n->w, "decode", "%s: %s %s", n->name, as_err_text(err), em.text);
		return;
	}
	trace_msg(n, "<-", &m);
	if (m.type == MSG_BLOCK || m.type == MSG_KEYS) {
		uint32_t slot = slot_take(n);
		if (slot == SYNC_NO_SLOT)
			return; /* as if lost */
		struct slot *s = &n->slots[slot];
		if (m.type == MSG_BLOCK) {
			s->n = m.block.block.n;
			s->bytes = malloc(s->n ? s->n : 1);
			memcpy(s->bytes, m.block.block.p, s->n);
			flip_frame(n, s);
			struct block_view v;
			m.block.block = bytes_of(s->bytes, s->n);
			m.block.fault = (uint8_t)block_peek(m.block.block, n->w->org, &v);
			if (m.block.fault == REFUSE_NONE &&
			    (!log_id_equal(&v.h.log, &m.block.log) || v.h.first != m.block.first ||
			     v.h.count != m.block.count))
				m.block.fault = REFUSE_DAMAGED;
			s->log = m.block.log;
			s->first = m.block.first;
			s->count = m.block.count;
			m.block.slot = slot;
		} else {
			s->is_keys = true;
			s->log = m.keys.log;
			s->keys_n = m.keys.keys_n;
			s->keys = malloc(s->keys_n * sizeof s->keys[0]);
			memcpy(s->keys, m.keys.keys, s->keys_n * sizeof s->keys[0]);
			m.keys.keys = s->keys;
			m.keys.slot = slot;
		}
	}
	if (n->is_hq) {
		struct node *from = n->w->nodes[l->branch_node];
		struct hq_link hl = {.link = e->link, .kind = l->kind, .token = l->token};
		memcpy(hl.branch, from->branch, BRANCH_CODE_MAX);
		hl.ended = key_ended(n->w, from->identity);
		hq_core_recv(&n->h, n->w->now, &hl, &m);
	} else {
		branch_core_recv(&n->b, n->w->now, &m);
		if (m.type == MSG_HELLO && !n->dying)
			child_first(n);
	}
	node_settle(n);
}

/* Checks 5 to 7 on the block in a slot; the frontier is the durable one or that of the block verified before.
 */
static void verify(struct node *n, uint32_t at)
{
	struct slot *s = &n->slots[at];
	struct sync_verified *v = &s->v;
	struct block_view view;
	enum refuse_reason why = REFUSE_DAMAGED;

	*v = (struct sync_verified){.slot = at, .reason = REFUSE_DAMAGED};
	if (block_peek(bytes_of(s->bytes, s->n), n->w->org, &view) != REFUSE_NONE)
		return;
	v->keys_upto = view.h.keys_upto;
	struct reader *r = node_reader_known(n, &s->log);
	struct reader fresh;
	if (s->evidence) { /* the author's signature alone: root and size as its checkpoint says */
		const uint8_t *keys[16];
		size_t keys_n = node_authors(n->w, &s->log, keys);
		v->reason = REFUSE_SIGNATURE;
		for (size_t i = 0; i < keys_n; i++) {
			struct note_key k;
			checkpoint_log_key(&k, n->w->org, &s->log, keys[i]);
			if (note_verify(&view.note, &k, 1, NULL) == AS_OK)
				v->reason = REFUSE_NONE;
		}
		v->head = view.head;
		return;
	}
	s->after = (struct tree_frontier){0};
	if (s->first > 0) {
		bool found = store_frontier(n->st, &s->log, s->first, &s->after) == AS_OK;
		for (uint32_t i = 0; !found && i < SIM_SLOTS; i++) {
			struct slot *p = &n->slots[i];
			if (p->used && p->verified && !p->is_keys && log_id_equal(&p->log, &s->log) &&
			    p->first + p->count == s->first) {
				tree_frontier_copy(&s->after, &p->after);
				s->after.size = p->after.size;
				found = true;
			}
		}
		if (!found) {
			v->reason = REFUSE_GAP;
			return;
		}
		if (r == NULL)
			r = node_reader(n, &s->log);
		if (r == NULL)
			for (uint32_t i = 0; i < SIM_SLOTS;
			     i++) { /* its first block is on its way into the store */
				struct slot *p = &n->slots[i];
				struct block_view pv;
				if (p->used && p->verified && !p->is_keys && p->first == 0 &&
				    log_id_equal(&p->log, &s->log) &&
				    block_peek(bytes_of(p->bytes, p->n), n->w->org, &pv) == REFUSE_NONE)
					r = node_reader_from(n, &pv);
			}
		if (r == NULL) {
			v->reason = REFUSE_CONTENT_KEY;
			return;
		}
		as_err err = block_open(&n->io, &view, &r->r, &s->after, &s->opened, &why);
		v->reason = err ? (uint8_t)why : REFUSE_NONE;
	} else {
		const uint8_t *keys[16];
		size_t keys_n = node_authors(n->w, &s->log, keys);
		struct event ev;
		struct log_opened lo;
		v->reason = REFUSE_SIGNATURE;
		for (size_t i = 0; i < keys_n && v->reason != REFUSE_NONE; i++) {
			node_reader_make(n, &s->log, keys[i], &fresh);
			s->after = (struct tree_frontier){0};
			if (block_open(&n->io, &view, &fresh.r, &s->after, &s->opened, &why) == AS_OK)
				v->reason = REFUSE_NONE;
			else if (why != REFUSE_SIGNATURE)
				v->reason = (uint8_t)why;
		}
		if (v->reason == REFUSE_NONE &&
		    (event_decode(s->opened.events[0], &ev) != AS_OK || ev.kind != LOG_OPENED ||
		     log_opened_decode(ev.body, &lo) != AS_OK || !log_id_equal(&lo.log, &s->log)))
			v->reason = REFUSE_DAMAGED;
		if (v->reason == REFUSE_NONE) {
			node_forget(n, &s->log); /* head office, put back, may have begun it anew */
			v->has_parent = lo.has_parent;
			v->parent = lo.parent;
			v->parent_head = lo.parent_head;
		}
	}
	v->head = s->opened.head;
	s->verified = v->reason == REFUSE_NONE;
}

void node_verified(struct node *n, uint32_t slot, uint64_t gen)
{
	if (!n->slots[slot].used || n->slots[slot].gen != gen || sync_item_of(core(n), slot) == NULL)
		return; /* dropped meanwhile */
	verify(n, slot);
	world_trace(n->w, "%s verified %s %llu: %s", n->name, log_name(&n->slots[slot].log),
		    (unsigned long long)n->slots[slot].first, sync_refuse_name(n->slots[slot].v.reason));
	struct sync_verified v = n->slots[slot].v;
	if (n->is_hq)
		hq_core_verified(&n->h, n->w->now, &v);
	else
		branch_core_verified(&n->b, n->w->now, &v);
	node_settle(n);
}

void node_tick(struct node *n)
{
	if (n->is_hq)
		hq_core_tick(&n->h, n->w->now);
	else
		branch_core_tick(&n->b, n->w->now);
	node_settle(n);
	if (n->alive && !n->is_hq && n->subs_n > 0)
		node_want(n);
}

void node_scrub(struct node *n, const struct log_id *log, uint64_t first)
{
	AS_AUTO(buf) struct buf block = {0};
	struct block_meta meta;

	buf_init(&block, BLOCK_BYTES_MAX);
	bool sound = store_block_read(n->st, log, first, &meta, &block) == AS_OK;
	if (sound && meta.mended) { /* as daemon/rt/shell_tick.c */
		struct store_op op = {.type = STORE_REPAIR, .log = *log};
		op.aside.first = first;
		op.aside.block = buf_bytes(&block);
		if (store_commit(n->st, n->fence, &op, 1, NULL) == AS_OK)
			world_trace(n->w, "%s mends %s %llu", n->name, log_name(log),
				    (unsigned long long)first);
	}
	world_trace(n->w, "%s scrubs %s %llu: %s", n->name, log_name(log), (unsigned long long)first,
		    sound ? "sound" : "damaged");
	if (n->is_hq)
		hq_core_checked(&n->h, n->w->now, log, first, sound);
	else
		branch_core_checked(&n->b, n->w->now, log, first, sound);
	node_settle(n);
}

void node_forked(struct node *n)
{
	struct branch_start s = branch_start_of(n, &shared_rows, true);
	branch_core_forked(&n->b, n->w->now, &s);
}
