#include "tests/lib/node_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/crypto/sign.h"
#include "common/node/outbox.h"
#include "common/store/kv_mem.h"
#include "common/wire/msg_codec.h"

#define MUST(call) as_assert((call) == AS_OK)

/* 32 bytes that are the same in every run, for each name and number. */
static void key_of(const char *name, uint8_t no, uint8_t ret[32])
{
	const struct bytes parts[] = {bytes_of_str(name), bytes_of(&no, 1)};

	as_blake2b(ret, 32, bytes_of(NULL, 0), parts, AS_COUNT(parts));
}

static void signer(const char *name, uint8_t no, uint8_t ret_public[32], uint8_t ret_secret[64])
{
	uint8_t seed[32];

	key_of(name, no, seed);
	as_ed25519_keypair(seed, ret_public, ret_secret);
}

static void box(const char *name, uint8_t no, uint8_t ret_public[32], uint8_t ret_secret[32])
{
	key_of(name, no, ret_secret);
	as_x25519_public(ret_secret, ret_public);
}

void node_rig_root(uint8_t no, uint8_t ret_public[32], uint8_t ret_secret[64])
{
	signer("root", no, ret_public, ret_secret);
}

/* ---- nodes -------------------------------------------------------------------------------------------- */

static void view(struct node_rig *r)
{
	struct as_errmsg em = {0};

	if (node_view(&r->n, &r->home, true, &em)) {
		fprintf(stderr, "# node_view: %s\n", em.text);
		abort();
	}
	batch_init(&r->b, r->n);
	verifier_init(&r->vf, r->n);
	MUST(received_init(&r->slots, 64));
}

static void unview(struct node_rig *r)
{
	received_done(&r->slots);
	verifier_done(&r->vf);
	batch_done(&r->b);
	node_view_free(r->n);
	r->n = NULL;
}

static void home_make(struct node_home *h, uint8_t no)
{
	uint8_t root_secret[64];

	MUST(as_crypto_init());
	memset(h->org, 0xab, sizeof h->org);
	memcpy(h->ident.org, h->org, sizeof h->org);
	node_rig_root(1, h->ident.root, root_secret);
	snprintf(h->ident.timezone, sizeof h->ident.timezone, "Asia/Shanghai");
	MUST(tz_load(h->ident.timezone, &h->tz, NULL));
	MUST(kv_mem_new(&h->kv));
	box("link", no, h->link_public, h->link_secret);
	box("recipient", no, h->recipient_public, h->recipient_secret);
	key_of("store", no, h->store_key);
	key_of("ring", no, h->ring_key);
}

struct bytes node_rig_certificate(struct node_rig *r, uint32_t number, const uint8_t key[32],
				  const uint8_t root_secret[64])
{
	struct roster_instance i = {.number = number};
	uint8_t body[ROSTER_INSTANCE_BODY], certificate[64], *out = batch_memory(&r->b, ROSTER_BODY_MAX);
	struct bytes raw;

	memcpy(i.key, key, 32);
	memcpy(i.recipient, r->home.recipient_public, 32);
	roster_instance_body(r->home.org, &i, body);
	as_context_sign(root_secret, ROSTER_INSTANCE_CONTEXT, bytes_of(body, sizeof body), certificate);
	raw = bytes_of(out, roster_put_instance(out, &i, certificate));
	return raw;
}

static void write_instance(struct node_rig *r, const uint8_t root_secret[64])
{
	struct roster_transport t = {.number = r->home.transports[0].number};
	uint8_t body[ROSTER_BODY_MAX];
	struct hq_event events[2];

	memcpy(t.key, r->home.transports[0].public_key, 32);
	node_rig_begin(r);
	events[0] =
	    (struct hq_event){INSTANCE_CERTIFIED, node_rig_certificate(r, r->home.instance,
								       r->home.instance_public, root_secret)};
	events[1] = (struct hq_event){TRANSPORT_KEY, bytes_of(body, roster_put_transport(body, &t))};
	MUST(hq_all_append(&r->b, events, 2, NULL));
	node_rig_commit(r);
	MUST(node_roster_load(r->n));
}

void node_rig_hq(struct node_rig *r)
{
	struct node_home *h = &r->home;
	uint8_t root[32], root_secret[64];

	*r = (struct node_rig){0};
	home_make(h, 0);
	h->is_hq = true;
	h->ident.role = NODE_HQ;
	h->instance = 1;
	signer("instance", 1, h->instance_public, h->instance_secret);
	h->transports[0].number = 1;
	box("transport", 1, h->transports[0].public_key, h->transports[0].secret);
	h->transports_n = 1;
	view(r);
	node_rig_root(1, root, root_secret);
	write_instance(r, root_secret);
}

void node_rig_branch(struct node_rig *r, const struct node_rig *hq, const char *code, uint8_t no)
{
	struct node_home *h = &r->home;
	const struct node_home *at = &hq->home;

	*r = (struct node_rig){0};
	home_make(h, no);
	h->ident.role = NODE_BRANCH;
	snprintf(h->ident.branch, sizeof h->ident.branch, "%s", code);
	memcpy(h->branch, code, strlen(code));
	signer("identity", no, h->identity_public, h->identity_secret);
	h->join.instance = at->instance;
	memcpy(h->join.instance_key, at->instance_public, 32);
	memcpy(h->join.recipient_key, at->recipient_public, 32);
	h->join.transport = at->transports[at->transports_n - 1].number;
	memcpy(h->join.transport_key, at->transports[at->transports_n - 1].public_key, 32);
	h->join.incarnation = 1;
	view(r);
}

void node_rig_done(struct node_rig *r)
{
	if (r->n)
		unview(r);
	if (r->home.kv)
		kv_close(r->home.kv);
	*r = (struct node_rig){0};
}

void node_rig_again(struct node_rig *r)
{
	unview(r);
	view(r);
}

void node_rig_clone(struct node_rig *of, struct node_rig *ret)
{
	*ret = (struct node_rig){.home = of->home};
	MUST(kv_mem_snapshot(of->home.kv, &ret->home.kv));
	view(ret);
}

void node_rig_begin(struct node_rig *r)
{
	batch_begin(&r->b, NODE_RIG_NOW);
}

void node_rig_commit(struct node_rig *r)
{
	struct as_errmsg em = {0};
	as_err err = batch_commit(&r->b, &em);

	if (err) {
		fprintf(stderr, "# commit: %s: %s\n", as_err_text(err), em.text);
		abort();
	}
}

/* ---- logs --------------------------------------------------------------------------------------------- */

struct log_id node_rig_open(struct node_rig *r, uint32_t number, uint8_t inc, const struct log_id *parent)
{
	struct log_opened lo = {.log = {.cls = LOG_LIVE, .number = number}};
	struct batch_author w = {0};
	uint8_t id[LOG_ID_BYTES];

	memcpy(lo.log.branch, r->home.branch, BRANCH_CODE_MAX);
	memset(lo.log.inc, inc, sizeof lo.log.inc);
	memcpy(lo.author, r->home.identity_public, 32);
	if (parent) {
		lo.has_parent = true;
		lo.parent = *parent;
		lo.parent_head = node_rig_row(r, parent).head;
	}
	node_rig_begin(r);
	MUST(batch_log_begin(&r->b, &lo, NULL, 0, &w));
	batch_author_done(&w);
	log_id_put(&lo.log, id);
	MUST(batch_meta(&r->b, META_OPEN, bytes_of(id, sizeof id)));
	node_rig_commit(r);
	return lo.log;
}

struct log_row node_rig_row(struct node_rig *r, const struct log_id *log)
{
	struct log_row row = {0};

	if (store_log(r->n->st, log, &row))
		row = (struct log_row){0};
	return row;
}

void node_rig_block(struct node_rig *r, const struct log_id *log, uint64_t index, struct buf *ret_block)
{
	struct block_meta m;

	buf_init(ret_block, BLOCK_BYTES_MAX);
	MUST(store_block_read(r->n->st, log, index, &m, ret_block));
}

/* ---- head office -------------------------------------------------------------------------------------- */

struct roster_node node_rig_node(const struct node_rig *branch, uint32_t token)
{
	const struct node_home *h = &branch->home;
	struct roster_node n = {.token = token, .live = {.cls = LOG_LIVE, .number = 1}};

	memcpy(n.branch, h->branch, BRANCH_CODE_MAX);
	memcpy(n.live.branch, h->branch, BRANCH_CODE_MAX);
	memset(n.live.inc, 1, sizeof n.live.inc);
	memcpy(n.identity, h->identity_public, 32);
	memcpy(n.link, h->link_public, 32);
	memcpy(n.recipient, h->recipient_public, 32);
	return n;
}

static void fold(struct node_rig *r, const struct bytes *raw, size_t n)
{
	struct event ev;

	for (size_t i = 0; i < n; i++) {
		MUST(event_decode(raw[i], &ev));
		MUST(roster_fold(&r->n->roster, &ev));
	}
}

void node_rig_admit(struct node_rig *hq, const struct node_rig *branch, uint32_t token)
{
	struct roster_node n = node_rig_node(branch, token);
	struct bytes *raw;
	size_t raw_n;

	node_rig_begin(hq);
	MUST(hq_all_admit(&hq->b, &n, &raw, &raw_n));
	node_rig_commit(hq);
	fold(hq, raw, raw_n);
}

void node_rig_enrol(struct node_rig *hq, const char *code)
{
	struct enrolment e = {.uses = 1, .expires = NODE_RIG_NOW + 3600000, .replace = true};
	AS_AUTO(join_code) struct join_code jc = {0};
	struct bytes raw[ENROL_EVENTS_MAX];
	struct as_errmsg em = {0};
	size_t n;

	memcpy(e.branch, code, strlen(code));
	snprintf(e.zone, sizeof e.zone, "Asia/Shanghai");
	snprintf(e.endpoint, sizeof e.endpoint, "tcp://127.0.0.1:7443");
	node_rig_begin(hq);
	MUST(enrolment_to_batch(&hq->b, &e, &jc, raw, &n, &em));
	node_rig_commit(hq);
	fold(hq, raw, n);
}

/* ---- what comes over the line ------------------------------------------------------------------------- */

struct received *node_rig_receive(struct node_rig *r, struct bytes block, bool fresh, bool evidence)
{
	struct block_header h;
	struct msg m = {.type = MSG_BLOCK};
	size_t n;

	as_assert(block_header_get(block, &h, &n) == REFUSE_NONE);
	m.block = (struct msg_block){.log = h.log, .first = h.first, .count = h.count, .block = block};
	as_assert(received_take(&r->slots, r->home.org, &m));
	struct received *slot = received_at(&r->slots, m.block.slot);
	if (m.block.fault) {
		slot->v.reason = m.block.fault;
		return slot;
	}
	slot->fresh = fresh;
	slot->evidence = evidence;
	verify_received(&r->vf, slot);
	return slot;
}

static void commit_items(struct node_rig *r, const struct sync_item *it, struct received *slot)
{
	static struct items_result result;

	node_rig_begin(r);
	MUST(items_to_batch(&r->b, it, &slot, 1, &result));
	node_rig_commit(r);
	items_committed(&r->vf, it, 1);
}

void node_rig_store(struct node_rig *r, struct received *slot)
{
	struct sync_item it = {.type = ITEM_BLOCK,
			       .log = slot->log,
			       .slot = slot->slot,
			       .first = slot->first,
			       .count = slot->count,
			       .head = slot->v.head,
			       .keys_upto = slot->v.keys_upto,
			       .fold = true,
			       .has_parent = slot->v.has_parent,
			       .parent = slot->v.parent,
			       .parent_head = slot->v.parent_head};

	as_assert(slot->v.reason == REFUSE_NONE);
	commit_items(r, &it, slot);
	received_free(&r->slots, slot->slot);
}

uint8_t node_rig_copy(struct node_rig *from, struct node_rig *to, const struct log_id *log)
{
	uint64_t size = node_rig_row(from, log).head.size;

	for (uint64_t at = node_rig_row(to, log).head.size; at < size; at = node_rig_row(to, log).head.size) {
		AS_AUTO(buf) struct buf block = {0};
		node_rig_block(from, log, at, &block);
		struct received *slot = node_rig_receive(to, buf_bytes(&block), true, false);
		uint8_t reason = slot->v.reason;
		if (reason) {
			received_free(&to->slots, slot->slot);
			return reason;
		}
		node_rig_store(to, slot);
	}
	return REFUSE_NONE;
}

void node_rig_copy_keys(struct node_rig *from, struct node_rig *to, const struct log_id *log)
{
	uint64_t held = node_rig_row(to, log).keys, all = node_rig_row(from, log).keys;

	while (held < all) {
		struct msg ask = {
		    .type = MSG_KEYS,
		    .keys = {.log = *log, .keys_n = all - held > 256 ? 256 : (uint32_t)(all - held)}};
		struct sync_out out = {.type = SYNC_SEND,
				       .send = {.msg = &ask, .keys_after = held, .transport = 1}};
		AS_AUTO(buf) struct buf frame = {0};
		struct as_errmsg em = {0};
		struct wire_key keys[KEYS_PER_MESSAGE_MAX];
		struct msg m;
		struct msg_codec *codec = malloc(sizeof *codec);
		buf_init(&frame, MESSAGE_BYTES_MAX);
		as_assert(outbox_frame(from->n, &out, 1, &frame, &em) == OUTBOX_SEND);
		MUST(msg_decode(codec, buf_bytes(&frame), keys, &m, &em));
		as_assert(received_take(&to->slots, to->home.org, &m));
		struct sync_item it = {.type = ITEM_KEYS,
				       .log = *log,
				       .slot = m.keys.slot,
				       .first = m.keys.keys[0].number,
				       .keys_upto = m.keys.keys[0].number + m.keys.keys_n - 1};
		commit_items(to, &it, received_at(&to->slots, m.keys.slot));
		received_free(&to->slots, m.keys.slot);
		free(codec);
		as_assert(node_rig_row(to, log).keys > held);
		held = node_rig_row(to, log).keys;
	}
}

/* ---- a pair ------------------------------------------------------------------------------------------- */

void node_rig_pair(struct node_rig *ret_hq, struct node_rig *ret_branch, struct log_id *ret_live)
{
	node_rig_hq(ret_hq);
	node_rig_branch(ret_branch, ret_hq, "BJ01", 1);
	node_rig_enrol(ret_hq, "BJ01");
	node_rig_admit(ret_hq, ret_branch, 1);
	*ret_live = node_rig_open(ret_branch, 1, 1, NULL);
}

/* ---- submissions -------------------------------------------------------------------------------------- */

struct accept_line node_rig_submit(struct node_rig *r, const struct log_id *log, const char *line)
{
	struct accept_ctx ctx = {.log = *log};
	struct accept_line l;
	struct accept a;

	accept_read(&r->home, bytes_of_str(line), false, &l);
	MUST(accept_init(&a, r->n, &r->b));
	node_rig_begin(r);
	MUST(accept_lines(&a, &ctx, &l, 1));
	if (l.verdict != ACCEPT_APPENDED) {
		fprintf(stderr, "# %s\n# verdict %d: %s\n", line, l.verdict, l.error.text);
		abort();
	}
	node_rig_commit(r);
	accept_done(&a);
	intake_free(l.in);
	l.in = NULL;
	return l;
}

static char *turn(void)
{
	static char text[8][1200];
	static int at;

	return text[at++ % 8];
}

const char *node_rig_received(const char *event_id, const char *label, const char *name)
{
	char *out = turn();

	snprintf(out, 1200,
		 "{\"kind\":\"REPAIR_RECEIVED\",\"occurred_at\":\"2026-11-23T09:00:00+08:00\",\"actor\":1001%"
		 "s%s%s%s%s%s,"
		 "\"facts\":{\"model\":\"A100\",\"channel\":\"WALK_IN\",\"promised_at\":\"2026-11-25T18:00:"
		 "00+08:00\","
		 "\"symptom\":[\"H03\"],\"appearance\":[\"SCRATCH\"],\"accessories\":[]},"
		 "\"personal\":{\"phone\":\"13800138000\",\"imei\":\"490154203237518\",\"name\":\"%s\"}}",
		 event_id ? ",\"event_id\":\"" : "", event_id ? event_id : "", event_id ? "\"" : "",
		 label ? ",\"case\":\"" : "", label ? label : "", label ? "\"" : "", name);
	return out;
}

const char *node_rig_event(const char *kind, const char *event_id, const char *label, const char *facts)
{
	char *out = turn();

	snprintf(out, 1200,
		 "{\"kind\":\"%s\",\"occurred_at\":\"2026-11-23T09:10:00+08:00\",\"actor\":1001,\"case\":\"%"
		 "s\"%s%s%s,"
		 "\"facts\":{%s}}",
		 kind, label, event_id ? ",\"event_id\":\"" : "", event_id ? event_id : "",
		 event_id ? "\"" : "", facts);
	return out;
}

void node_rig_receipt(struct node_rig *hq, struct node_rig *br, const struct log_id *log)
{
	struct msg have = {.type = MSG_HAVE, .session = 1};
	struct sync_out out = {.type = SYNC_SEND, .send = {.msg = &have}};
	AS_AUTO(buf) struct buf frame = {0};
	struct as_errmsg em = {0};
	struct wire_key keys[KEYS_PER_MESSAGE_MAX];
	struct msg_codec *codec = malloc(sizeof *codec);
	struct msg m;

	have.have = (struct msg_have){.log = *log, .head = node_rig_row(hq, log).head, .receipted = true};
	buf_init(&frame, MESSAGE_BYTES_MAX);
	as_assert(outbox_frame(hq->n, &out, NODE_RIG_NOW / 1000, &frame, &em) == OUTBOX_SEND);
	MUST(msg_decode(codec, buf_bytes(&frame), keys, &m, &em));
	as_assert(outbox_receipt_ok(br->n, log, &m.have.head, m.have.receipt));
	struct sync_item it = {.type = ITEM_RECEIPT, .log = *log, .slot = SYNC_NO_SLOT, .head = m.have.head};
	memcpy(it.receipt, m.have.receipt, sizeof it.receipt);
	commit_items(br, &it, NULL);
	free(codec);
}
