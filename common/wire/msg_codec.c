#include "common/wire/msg_codec.h"

#include "sync.pb-c.h"

#include "common/base/check.h"

typedef Aftersync__Sync__Frame pb_frame;
typedef Aftersync__Sync__Head pb_head;
typedef Aftersync__Sync__Hello pb_hello;
typedef Aftersync__Sync__Heads pb_heads;
typedef Aftersync__Sync__Block pb_block;
typedef Aftersync__Sync__Have pb_have;
typedef Aftersync__Sync__Key pb_key;
typedef Aftersync__Sync__Keys pb_keys;
typedef Aftersync__Sync__Point pb_point;
typedef Aftersync__Sync__Refuse pb_refuse;
typedef Aftersync__Sync__Join pb_join;
typedef Aftersync__Sync__Joined pb_joined;

#define FIELD_BLOCK_BYTES 15
#define FIELDS_MAX 64 /* of a frame, unknown ones included */

#define TRY(expr)                                                                                            \
	do {                                                                                                 \
		as_err err_ = (expr);                                                                        \
		if (err_)                                                                                    \
			return err_;                                                                         \
	} while (0)

static as_err bad(struct as_errmsg *em, const char *what)
{
	as_errmsg_set(em, "%s", what);
	return AS_EPROTO;
}

static as_err too_big(struct as_errmsg *em, const char *what)
{
	as_errmsg_set(em, "%s", what);
	return AS_ETOOBIG;
}

/* ---- what every message must satisfy, on its way out as on its way in
 * -------------------------------------- */

static bool branch_valid(const char branch[BRANCH_CODE_MAX])
{
	size_t n = 0;

	while (n < BRANCH_CODE_MAX &&
	       ((branch[n] >= 'A' && branch[n] <= 'Z') || (branch[n] >= '0' && branch[n] <= '9')))
		n++;
	for (size_t i = n; i < BRANCH_CODE_MAX; i++)
		if (branch[i] != 0)
			return false;
	return n >= 2;
}

static bool log_valid(const struct log_id *id)
{
	uint8_t form[LOG_ID_BYTES];
	struct log_id again;

	log_id_put(id, form);
	return log_id_get(form, &again);
}

static bool log_is_none(const struct log_id *id)
{
	static const struct log_id none;

	return log_id_equal(id, &none);
}

static bool size_valid(uint64_t size)
{
	return size <= (uint64_t)INT64_MAX;
}

static as_err check_heads(const struct wire_head *heads, uint32_t n, struct as_errmsg *em)
{
	if (n > HELLO_HEADS_MAX)
		return too_big(em, "too many heads");
	for (uint32_t i = 0; i < n; i++)
		if (!log_valid(&heads[i].log) || !size_valid(heads[i].head.size))
			return bad(em, "head: log or size");
	return AS_OK;
}

static bool hello_is_foreign(const struct msg_hello *h)
{
	return h->wire_min > WIRE_VERSION || h->wire_max < WIRE_VERSION_MIN;
}

static as_err check_hello(const struct msg_hello *h, struct as_errmsg *em)
{
	if (h->wire_min == 0 || h->wire_min > h->wire_max)
		return bad(em, "hello: wire range");
	if (!branch_valid(h->branch))
		return bad(em, "hello: branch");
	if (h->nonce == 0)
		return bad(em, "hello: nonce");
	return hello_is_foreign(h) ? AS_OK : check_heads(h->heads, h->heads_n, em);
}

static as_err check_heads_page(const struct msg_heads *h, struct as_errmsg *em)
{
	if (h->ask) {
		if (h->heads_n != 0 || h->last || h->announce || h->returned != 0)
			return bad(em, "heads: a question carries no answer");
		if (h->from_start ? !log_is_none(&h->after) : !log_valid(&h->after))
			return bad(em, "heads: after");
		return AS_OK;
	}
	if (h->from_start || !log_is_none(&h->after))
		return bad(em, "heads: an answer asks nothing");
	if (!h->announce && h->returned != 0)
		return bad(em, "heads: returned");
	TRY(check_heads(h->heads, h->heads_n, em));
	for (uint32_t i = 1; i < h->heads_n; i++)
		if (log_id_order(&h->heads[i - 1].log, &h->heads[i].log) >= 0)
			return bad(em, "heads: order");
	return AS_OK;
}

static as_err check_block(const struct msg_block *b, struct as_errmsg *em)
{
	if (b->count > BLOCK_EVENTS_MAX || b->block.n > BLOCK_BYTES_MAX)
		return too_big(em, "block: over a limit");
	if (!log_valid(&b->log) || b->count == 0 || b->first > (uint64_t)INT64_MAX - b->count ||
	    b->block.n == 0)
		return bad(em, "block: log, first, count or bytes");
	return AS_OK;
}

static as_err check_have(const struct msg_have *h, struct as_errmsg *em)
{
	if (log_is_none(&h->log)) /* about credit alone */
		return h->head.size == 0 && h->keys == 0 && !h->receipted ? AS_OK : bad(em, "have: no log");
	return log_valid(&h->log) && size_valid(h->head.size) ? AS_OK : bad(em, "have: log or size");
}

static as_err check_keys(const struct msg_keys *k, struct as_errmsg *em)
{
	if (k->keys_n > KEYS_PER_MESSAGE_MAX)
		return too_big(em, "keys: too many");
	if (!log_valid(&k->log) || (k->log.cls != LOG_LIVE && k->log.cls != LOG_HQ_BRANCH) || k->keys_n == 0)
		return bad(em, "keys: log or no entry");
	for (uint32_t i = 0; i < k->keys_n; i++) {
		const struct wire_key *e = &k->keys[i];
		if (e->number == 0 || e->number - k->keys[0].number != i)
			return bad(em, "keys: numbers are not consecutive");
		if (e->op < KEY_PUT || e->op > KEY_TOMBSTONE || (e->op != KEY_PUT && e->transport != 0))
			return bad(em, "keys: op");
	}
	return AS_OK;
}

static as_err check_refuse(const struct msg_refuse *r, struct as_errmsg *em)
{
	if (r->points_n > REFUSE_POINTS_MAX)
		return too_big(em, "refuse: too many points");
	if (!log_is_none(&r->log) && !log_valid(&r->log))
		return bad(em, "refuse: log");
	if (r->reason == REFUSE_NONE || r->reason >= REFUSE_REASONS)
		return bad(em, "refuse: reason");
	for (uint32_t i = 0; i < r->points_n; i++)
		if (!size_valid(r->points[i].size))
			return bad(em, "refuse: point");
	return size_valid(r->first) ? AS_OK : bad(em, "refuse: first");
}

static as_err check_join(const struct msg_join *j, struct as_errmsg *em)
{
	if (!branch_valid(j->branch))
		return bad(em, "join: branch");
	if (!log_valid(&j->live) || j->live.cls != LOG_LIVE ||
	    memcmp(j->live.branch, j->branch, BRANCH_CODE_MAX) != 0)
		return bad(em, "join: live log");
	return AS_OK;
}

static as_err check_msg(const struct msg *m, struct as_errmsg *em)
{
	bool outside =
	    m->type == MSG_HELLO || m->type == MSG_JOIN || m->type == MSG_JOINED || m->type == MSG_PENDING;

	if (outside && m->session != 0)
		return bad(em, "session in a message that has none");
	switch (m->type) {
	case MSG_HELLO:
		return check_hello(&m->hello, em);
	case MSG_HEADS:
		return check_heads_page(&m->heads, em);
	case MSG_BLOCK:
		return check_block(&m->block, em);
	case MSG_HAVE:
		return check_have(&m->have, em);
	case MSG_KEYS:
		return check_keys(&m->keys, em);
	case MSG_REFUSE:
		return check_refuse(&m->refuse, em);
	case MSG_JOIN:
		return check_join(&m->join, em);
	case MSG_JOINED:
	case MSG_PENDING:
		return branch_valid(m->joined.branch) ? AS_OK : bad(em, "joined: branch");
	default:
		as_errmsg_set(em, "message type %u", m->type);
		return AS_EUNSUPPORTED;
	}
}

/* ---- encoding
 * ---------------------------------------------------------------------------------------------- */

/* protobuf-c has no const in its structs; packing only reads. */
static ProtobufCBinaryData pb_bytes(const void *p, size_t n)
{
	union {
		const void *in;
		uint8_t *out;
	} u = {.in = p};

	return (ProtobufCBinaryData){.len = n, .data = u.out};
}

static ProtobufCBinaryData pb_log(const struct log_id *id, uint8_t form[LOG_ID_BYTES])
{
	log_id_put(id, form);
	return pb_bytes(form, LOG_ID_BYTES);
}

static ProtobufCBinaryData pb_branch(const char branch[BRANCH_CODE_MAX])
{
	size_t n = 0;

	while (n < BRANCH_CODE_MAX && branch[n])
		n++;
	return pb_bytes(branch, n);
}

static as_err pack(const pb_frame *f, struct buf *ret)
{
	size_t n = aftersync__sync__frame__get_packed_size(f);

	TRY(buf_reserve(ret, n));
	as_assert(aftersync__sync__frame__pack(f, ret->p + ret->n) == n);
	ret->n += n;
	return AS_OK;
}

struct pb_head_list {
	pb_head *p[HELLO_HEADS_MAX];
	pb_head v[HELLO_HEADS_MAX];
	uint8_t log[HELLO_HEADS_MAX][LOG_ID_BYTES];
};

static void fill_heads(struct pb_head_list *l, const struct wire_head *heads, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		pb_head *h = l->p[i] = &l->v[i];
		aftersync__sync__head__init(h);
		h->log = pb_log(&heads[i].log, l->log[i]);
		h->size = heads[i].head.size;
		h->root = pb_bytes(heads[i].head.root, 32);
		h->has_keys = heads[i].keys != 0;
		h->keys = heads[i].keys;
	}
}

static as_err encode_hello(const struct msg_hello *m, pb_frame *f, struct buf *ret)
{
	pb_hello h = AFTERSYNC__SYNC__HELLO__INIT;
	struct pb_head_list list;

	h.wire_min = m->wire_min;
	h.wire_max = m->wire_max;
	h.branch = pb_branch(m->branch);
	h.nonce = m->nonce;
	h.has_echo = h.has_from_hq = h.has_run_id = h.has_instance = h.has_roster_version = true;
	h.echo = m->echo;
	h.from_hq = m->from_hq;
	h.run_id = pb_bytes(m->run_id, sizeof m->run_id);
	h.instance = m->instance;
	h.roster_version = m->roster_version;
	h.has_transport = h.has_credit = h.has_rest_n = h.has_rest_digest = true;
	h.transport = m->transport;
	h.credit = m->credit;
	h.rest_n = m->rest_n;
	h.rest_digest = pb_bytes(m->rest_digest, sizeof m->rest_digest);
	fill_heads(&list, m->heads, m->heads_n);
	h.n_heads = m->heads_n;
	h.heads = list.p;
	f->hello = &h;
	return pack(f, ret);
}

static as_err encode_heads(const struct msg_heads *m, pb_frame *f, struct buf *ret)
{
	pb_heads h = AFTERSYNC__SYNC__HEADS__INIT;
	struct pb_head_list list;
	uint8_t after[LOG_ID_BYTES];

	h.has_ask = h.ask = m->ask;
	h.has_last = h.last = m->last;
	h.has_announce = h.announce = m->announce;
	h.has_returned = m->returned != 0;
	h.returned = m->returned;
	if (m->ask && !m->from_start) {
		h.has_after = true;
		h.after = pb_log(&m->after, after);
	}
	fill_heads(&list, m->heads, m->heads_n);
	h.n_heads = m->heads_n;
	h.heads = list.p;
	f->heads = &h;
	return pack(f, ret);
}

/* The bytes of the block are appended by hand: copied once, and last in the frame. */
static as_err encode_block(const struct msg_block *m, pb_frame *f, struct buf *ret)
{
	pb_block b = AFTERSYNC__SYNC__BLOCK__INIT;
	uint8_t log[LOG_ID_BYTES], tag[6] = {FIELD_BLOCK_BYTES << 3 | 2};
	size_t tag_n = 1, before = ret->n;
	as_err err;

	b.log = pb_log(&m->log, log);
	b.first = m->first;
	b.count = m->count;
	f->block = &b;
	for (size_t n = m->block.n; n || tag_n == 1; n >>= 7)
		tag[tag_n++] = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
	if ((err = pack(f, ret)) || (err = buf_add(ret, tag, tag_n)) ||
	    (err = buf_add(ret, m->block.p, m->block.n)))
		ret->n = before;
	return err;
}

static as_err encode_have(const struct msg_have *m, pb_frame *f, struct buf *ret)
{
	pb_have h = AFTERSYNC__SYNC__HAVE__INIT;
	uint8_t log[LOG_ID_BYTES];

	if (!log_is_none(&m->log)) {
		h.has_log = h.has_size = h.has_root = true;
		h.log = pb_log(&m->log, log);
		h.size = m->head.size;
		h.root = pb_bytes(m->head.root, 32);
	}
	h.has_keys = m->keys != 0;
	h.keys = m->keys;
	h.has_credit = m->credit != 0;
	h.credit = m->credit;
	h.has_reseal = h.reseal = m->reseal;
	h.has_transport = m->transport != 0;
	h.transport = m->transport;
	if (m->receipted) {
		h.has_receipt = true;
		h.receipt = pb_bytes(m->receipt, sizeof m->receipt);
	}
	f->have = &h;
	return pack(f, ret);
}

static as_err encode_keys(const struct msg_keys *m, pb_frame *f, struct buf *ret)
{
	pb_keys k = AFTERSYNC__SYNC__KEYS__INIT;
	pb_key v[KEYS_PER_MESSAGE_MAX], *p[KEYS_PER_MESSAGE_MAX];
	uint8_t log[LOG_ID_BYTES];

	k.log = pb_log(&m->log, log);
	for (uint32_t i = 0; i < m->keys_n; i++) {
		const struct wire_key *e = &m->keys[i];
		p[i] = &v[i];
		aftersync__sync__key__init(p[i]);
		v[i].number = e->number;
		v[i].op = e->op;
		v[i].subject = pb_bytes(e->subject, sizeof e->subject);
		if (e->op == KEY_PUT) {
			v[i].has_transport = v[i].has_sealed = true;
			v[i].transport = e->transport;
			v[i].sealed = pb_bytes(e->sealed, sizeof e->sealed);
		}
	}
	k.n_keys = m->keys_n;
	k.keys = p;
	f->keys = &k;
	return pack(f, ret);
}

static as_err encode_refuse(const struct msg_refuse *m, pb_frame *f, struct buf *ret)
{
	pb_refuse r = AFTERSYNC__SYNC__REFUSE__INIT;
	pb_point v[REFUSE_POINTS_MAX], *p[REFUSE_POINTS_MAX];
	uint8_t log[LOG_ID_BYTES];

	if (!log_is_none(&m->log)) {
		r.has_log = true;
		r.log = pb_log(&m->log, log);
	}
	r.reason = m->reason;
	r.has_first = m->first != 0;
	r.first = m->first;
	for (uint32_t i = 0; i < m->points_n; i++) {
		p[i] = &v[i];
		aftersync__sync__point__init(p[i]);
		v[i].size = m->points[i].size;
		v[i].root = pb_bytes(m->points[i].root, 32);
	}
	r.n_points = m->points_n;
	r.points = p;
	f->refuse = &r;
	return pack(f, ret);
}

static as_err encode_join(const struct msg_join *m, pb_frame *f, struct buf *ret)
{
	pb_join j = AFTERSYNC__SYNC__JOIN__INIT;
	uint8_t live[LOG_ID_BYTES];

	j.branch = pb_branch(m->branch);
	j.identity = pb_bytes(m->identity, sizeof m->identity);
	j.link = pb_bytes(m->link, sizeof m->link);
	j.recipient = pb_bytes(m->recipient, sizeof m->recipient);
	j.live = pb_log(&m->live, live);
	j.signature = pb_bytes(m->signature, sizeof m->signature);
	f->join = &j;
	return pack(f, ret);
}

static as_err encode_joined(const struct msg_joined *m, bool pending, pb_frame *f, struct buf *ret)
{
	pb_joined j = AFTERSYNC__SYNC__JOINED__INIT;

	j.branch = pb_branch(m->branch);
	j.identity = pb_bytes(m->identity, sizeof m->identity);
	if (pending)
		f->pending = &j;
	else
		f->joined = &j;
	return pack(f, ret);
}

as_err msg_encode(const struct msg *m, struct buf *ret_frame)
{
	pb_frame f = AFTERSYNC__SYNC__FRAME__INIT;

	if (check_msg(m, NULL))
		return AS_EINVAL;
	f.type = m->type;
	f.has_session = m->session != 0;
	f.session = m->session;
	switch (m->type) {
	case MSG_HELLO:
		return encode_hello(&m->hello, &f, ret_frame);
	case MSG_HEADS:
		return encode_heads(&m->heads, &f, ret_frame);
	case MSG_BLOCK:
		return encode_block(&m->block, &f, ret_frame);
	case MSG_HAVE:
		return encode_have(&m->have, &f, ret_frame);
	case MSG_KEYS:
		return encode_keys(&m->keys, &f, ret_frame);
	case MSG_REFUSE:
		return encode_refuse(&m->refuse, &f, ret_frame);
	case MSG_JOIN:
		return encode_join(&m->join, &f, ret_frame);
	default:
		return encode_joined(&m->joined, m->type == MSG_PENDING, &f, ret_frame);
	}
}

/* ---- decoding
 * ---------------------------------------------------------------------------------------------- */

/* protobuf-c asks for memory here; NULL makes it give up cleanly. Nothing is freed before the next frame. */
static void *part_take(void *arg, size_t n)
{
	struct msg_codec *mc = arg;

	if (mc->parts == MSG_CODEC_PARTS)
		return NULL;
	void *p = arena_take(&mc->arena, n);
	mc->parts = p ? mc->parts + 1 : MSG_CODEC_PARTS;
	return p;
}

static void part_free(void *arg, void *p)
{
	(void)arg;
	(void)p;
}

static bool take_varint(struct bytes *s, uint64_t *ret_v)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 10 && i < s->n; i++) {
		v |= (uint64_t)(s->p[i] & 0x7f) << (7 * i);
		if ((s->p[i] & 0x80) == 0) {
			*s = bytes_of(s->p + i + 1, s->n - i - 1);
			*ret_v = v;
			return true;
		}
	}
	return false;
}

/* Takes the value of a field off the front of s; for a length-delimited one ret_v is its content. */
static bool take_value(struct bytes *s, unsigned wire_type, struct bytes *ret_v)
{
	uint64_t n;

	switch (wire_type) {
	case 0:
		*ret_v = bytes_of(s->p, 0);
		return take_varint(s, &n);
	case 1:
		n = 8;
		break;
	case 2:
		if (!take_varint(s, &n))
			return false;
		break;
	case 5:
		n = 4;
		break;
	default:
		return false;
	}
	if (n > s->n)
		return false;
	*ret_v = bytes_of(s->p, (size_t)n);
	*s = bytes_of(s->p + n, s->n - (size_t)n);
	return true;
}

/*
 * Walks the outer fields before anything is allocated: well formed, few, none of ours twice; cuts the bytes
 * of the block off, so that they are not copied.
 */
static as_err split_frame(struct bytes frame, struct bytes *ret_head, struct bytes *ret_block,
			  struct as_errmsg *em)
{
	struct bytes rest = frame, value, head = frame, block = {0};
	uint32_t seen = 0;

	for (unsigned fields = 0; rest.n; fields++) {
		const uint8_t *start = rest.p;
		uint64_t tag;
		if (fields == FIELDS_MAX)
			return too_big(em, "frame: too many fields");
		if (!take_varint(&rest, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff ||
		    !take_value(&rest, tag & 7, &value))
			return bad(em, "frame: not a protobuf message");
		if (tag >> 3 > FIELD_BLOCK_BYTES)
			continue;
		if (seen >> (tag >> 3) & 1)
			return bad(em, "frame: a field occurs twice");
		seen |= 1u << (tag >> 3);
		if (tag >> 3 == FIELD_BLOCK_BYTES) {
			if ((tag & 7) != 2 || rest.n != 0)
				return bad(em, "frame: the block is not its last field");
			head.n = (size_t)(start - frame.p);
			block = value;
		}
	}
	if (head.n > MSG_CODEC_HEAD_MAX)
		return too_big(em, "frame: too long");
	*ret_head = head;
	*ret_block = block;
	return AS_OK;
}

static bool get_bytes(ProtobufCBinaryData b, void *out, size_t n)
{
	if (b.len != n)
		return false;
	memcpy(out, b.data, n);
	return true;
}

static bool get_log(ProtobufCBinaryData b, struct log_id *out)
{
	return b.len == LOG_ID_BYTES && log_id_get(b.data, out);
}

static bool get_branch(ProtobufCBinaryData b, char out[BRANCH_CODE_MAX])
{
	if (b.len == 0 || b.len > BRANCH_CODE_MAX || b.data[b.len - 1] == 0)
		return false;
	memset(out, 0, BRANCH_CODE_MAX);
	memcpy(out, b.data, b.len);
	return true;
}

static as_err get_heads(pb_head *const *heads, size_t n, struct wire_head *out, uint32_t *ret_n,
			struct as_errmsg *em)
{
	if (n > HELLO_HEADS_MAX)
		return too_big(em, "too many heads");
	for (size_t i = 0; i < n; i++) {
		if (!get_log(heads[i]->log, &out[i].log) || !get_bytes(heads[i]->root, out[i].head.root, 32))
			return bad(em, "head: log or root");
		out[i].head.size = heads[i]->size;
		out[i].keys = heads[i]->has_keys ? heads[i]->keys : 0;
	}
	*ret_n = (uint32_t)n;
	return AS_OK;
}

static as_err decode_hello(const pb_hello *h, struct msg_hello *m, struct as_errmsg *em)
{
	m->wire_min = h->wire_min;
	m->wire_max = h->wire_max;
	m->nonce = h->nonce;
	if (!get_branch(h->branch, m->branch))
		return bad(em, "hello: branch");
	if (hello_is_foreign(m))
		return AS_OK;
	if (!h->has_echo || !h->has_from_hq || !h->has_run_id || !h->has_instance || !h->has_roster_version ||
	    !h->has_transport || !h->has_credit || !h->has_rest_n || !h->has_rest_digest)
		return bad(em, "hello: a field is missing");
	m->echo = h->echo;
	m->from_hq = h->from_hq != 0;
	m->instance = h->instance;
	m->roster_version = h->roster_version;
	m->transport = h->transport;
	m->credit = h->credit;
	m->rest_n = h->rest_n;
	if (!get_bytes(h->run_id, m->run_id, sizeof m->run_id) ||
	    !get_bytes(h->rest_digest, m->rest_digest, sizeof m->rest_digest))
		return bad(em, "hello: run_id or rest_digest");
	return get_heads(h->heads, h->n_heads, m->heads, &m->heads_n, em);
}

static as_err decode_heads(const pb_heads *h, struct msg_heads *m, struct as_errmsg *em)
{
	m->ask = h->has_ask && h->ask;
	m->last = h->has_last && h->last;
	m->announce = h->has_announce && h->announce;
	m->returned = h->has_returned ? h->returned : 0;
	m->from_start = m->ask && !h->has_after;
	if (h->has_after && !get_log(h->after, &m->after))
		return bad(em, "heads: after");
	return get_heads(h->heads, h->n_heads, m->heads, &m->heads_n, em);
}

static as_err decode_block(const pb_block *b, struct bytes block, struct msg_block *m, struct as_errmsg *em)
{
	if (!get_log(b->log, &m->log))
		return bad(em, "block: log");
	m->first = b->first;
	m->count = b->count;
	m->block = block;
	return AS_OK;
}

static as_err decode_have(const pb_have *h, struct msg_have *m, struct as_errmsg *em)
{
	if (h->has_log != h->has_size || h->has_log != h->has_root)
		return bad(em, "have: log, size and root go together");
	if (h->has_log && (!get_log(h->log, &m->log) || !get_bytes(h->root, m->head.root, 32)))
		return bad(em, "have: log or root");
	m->head.size = h->has_log ? h->size : 0;
	m->keys = h->has_keys ? h->keys : 0;
	m->credit = h->has_credit ? h->credit : 0;
	m->reseal = h->has_reseal && h->reseal;
	m->transport = h->has_transport ? h->transport : 0;
	m->receipted = h->has_receipt;
	if (h->has_receipt && !get_bytes(h->receipt, m->receipt, sizeof m->receipt))
		return bad(em, "have: receipt");
	return AS_OK;
}

static as_err decode_keys(const pb_keys *k, struct wire_key *keys, struct msg_keys *m, struct as_errmsg *em)
{
	if (!get_log(k->log, &m->log))
		return bad(em, "keys: log");
	if (k->n_keys > KEYS_PER_MESSAGE_MAX)
		return too_big(em, "keys: too many");
	for (size_t i = 0; i < k->n_keys; i++) {
		const pb_key *in = k->keys[i];
		struct wire_key *out = &keys[i];
		bool put = in->op == KEY_PUT;
		*out = (struct wire_key){.number = in->number, .op = (uint8_t)in->op};
		if (in->op > KEY_TOMBSTONE || !get_bytes(in->subject, out->subject, sizeof out->subject))
			return bad(em, "keys: op or subject");
		if ((in->has_transport != 0) != put || (in->has_sealed != 0) != put)
			return bad(em, "keys: sealed key and op disagree");
		out->transport = put ? in->transport : 0;
		if (put && !get_bytes(in->sealed, out->sealed, sizeof out->sealed))
			return bad(em, "keys: sealed");
	}
	m->keys_n = (uint32_t)k->n_keys;
	m->keys = keys;
	return AS_OK;
}

static as_err decode_refuse(const pb_refuse *r, struct msg_refuse *m, struct as_errmsg *em)
{
	if (r->has_log && !get_log(r->log, &m->log))
		return bad(em, "refuse: log");
	if (r->reason >= REFUSE_REASONS)
		return bad(em, "refuse: reason");
	if (r->n_points > REFUSE_POINTS_MAX)
		return too_big(em, "refuse: too many points");
	m->reason = (uint8_t)r->reason;
	m->first = r->has_first ? r->first : 0;
	for (size_t i = 0; i < r->n_points; i++) {
		m->points[i].size = r->points[i]->size;
		if (!get_bytes(r->points[i]->root, m->points[i].root, 32))
			return bad(em, "refuse: point");
	}
	m->points_n = (uint32_t)r->n_points;
	return AS_OK;
}

static as_err decode_join(const pb_join *j, struct msg_join *m, struct as_errmsg *em)
{
	if (!get_branch(j->branch, m->branch) || !get_log(j->live, &m->live))
		return bad(em, "join: branch or live log");
	if (!get_bytes(j->identity, m->identity, sizeof m->identity) ||
	    !get_bytes(j->link, m->link, sizeof m->link) ||
	    !get_bytes(j->recipient, m->recipient, sizeof m->recipient) ||
	    !get_bytes(j->signature, m->signature, sizeof m->signature))
		return bad(em, "join: a key or the signature");
	return AS_OK;
}

static as_err decode_joined(const pb_joined *j, struct msg_joined *m, struct as_errmsg *em)
{
	if (!get_branch(j->branch, m->branch) || !get_bytes(j->identity, m->identity, sizeof m->identity))
		return bad(em, "joined: branch or identity");
	return AS_OK;
}

/* The frame must hold the part of its type and no other. */
static as_err check_parts(const pb_frame *f, bool has_block, struct as_errmsg *em)
{
	const void *const part[] = {f->hello,  f->heads, f->block,  f->have,   f->keys,
				    f->refuse, f->join,	 f->joined, f->pending};

	if (f->type < MSG_HELLO || f->type > MSG_PENDING) {
		as_errmsg_set(em, "message type %u", f->type);
		return AS_EUNSUPPORTED;
	}
	for (size_t i = 0; i < AS_COUNT(part); i++)
		if ((part[i] != NULL) != (i + 1 == f->type))
			return bad(em, "frame: type and content disagree");
	if (has_block != (f->type == MSG_BLOCK))
		return bad(em, "frame: block bytes and type disagree");
	return AS_OK;
}

static as_err decode_part(const pb_frame *f, struct bytes block, struct wire_key *keys, struct msg *m,
			  struct as_errmsg *em)
{
	switch (f->type) {
	case MSG_HELLO:
		return decode_hello(f->hello, &m->hello, em);
	case MSG_HEADS:
		return decode_heads(f->heads, &m->heads, em);
	case MSG_BLOCK:
		return decode_block(f->block, block, &m->block, em);
	case MSG_HAVE:
		return decode_have(f->have, &m->have, em);
	case MSG_KEYS:
		return keys ? decode_keys(f->keys, keys, &m->keys, em) : AS_EINVAL;
	case MSG_REFUSE:
		return decode_refuse(f->refuse, &m->refuse, em);
	case MSG_JOIN:
		return decode_join(f->join, &m->join, em);
	case MSG_JOINED:
		return decode_joined(f->joined, &m->joined, em);
	default:
		return decode_joined(f->pending, &m->joined, em);
	}
}

as_err msg_decode(struct msg_codec *mc, struct bytes frame, struct wire_key *keys, struct msg *ret_m,
		  struct as_errmsg *em)
{
	ProtobufCAllocator allocator = {.alloc = part_take, .free = part_free, .allocator_data = mc};
	struct bytes head, block;
	struct msg m;

	if (frame.n > MESSAGE_BYTES_MAX)
		return too_big(em, "frame: too long");
	TRY(split_frame(frame, &head, &block, em));
	arena_init(&mc->arena, mc->memory, sizeof mc->memory);
	mc->parts = 0;
	const pb_frame *f = aftersync__sync__frame__unpack(&allocator, head.n, head.p);
	if (f == NULL)
		return mc->parts == MSG_CODEC_PARTS ? too_big(em, "frame: too many parts")
						    : bad(em, "frame: does not unpack");
	TRY(check_parts(f, block.p != NULL, em));
	memset(&m, 0, sizeof m);
	m.type = (uint8_t)f->type;
	m.session = f->has_session ? f->session : 0;
	TRY(decode_part(f, block, keys, &m, em));
	TRY(check_msg(&m, em));
	*ret_m = m;
	return AS_OK;
}
