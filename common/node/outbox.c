#include "common/node/outbox.h"

#include <stdio.h>

#include "common/log/note_sign.h"
#include "common/node/items.h"
#include "common/wire/msg_codec.h"

/* ---- receipts -------------------------------------------------------------------------------------------- */

void outbox_receipt_key(const uint8_t org[16], uint32_t instance, const uint8_t public_key[32],
			struct note_key *ret_k)
{
	char name[80], hex[33];
	int n;

	text_hex(org, 16, hex);
	n = snprintf(name, sizeof name, "aftersync/%s/hq/%u", hex, instance);
	if (note_key_init(ret_k, NOTE_COSIGNATURE, bytes_of(name, (size_t)n), public_key))
		*ret_k = (struct note_key){0};
}

struct bytes outbox_checkpoint(const uint8_t org[16], const struct log_id *log, const struct log_head *head,
			       uint8_t out[OUTBOX_TEXT_MAX])
{
	char origin[CHECKPOINT_ORIGIN_MAX];
	struct writer w = writer_of(out, OUTBOX_TEXT_MAX);

	checkpoint_put(&w, bytes_of(origin, checkpoint_origin(org, log, origin)), head);
	return writer_done(&w);
}

static bool sign_receipt(const struct node *n, const struct log_id *log, const struct log_head *head,
			 uint64_t now_s, uint8_t out[76])
{
	const struct node_home *h = n->home;
	uint8_t text[OUTBOX_TEXT_MAX];
	struct note_key k;

	outbox_receipt_key(h->org, h->instance, h->instance_public, &k);
	return cosign_sign(&k, h->instance_secret, now_s, outbox_checkpoint(h->org, log, head, text), out) == AS_OK;
}

static bool verify_receipt(const struct node *n, uint32_t instance, const uint8_t key[32], struct bytes text,
			   const uint8_t receipt[76])
{
	struct note_key k;
	uint64_t time_s;

	outbox_receipt_key(n->home->org, instance, key, &k);
	return cosign_verify(&k, text, receipt, &time_s);
}

bool outbox_receipt_ok(const struct node *n, const struct log_id *log, const struct log_head *head,
		       const uint8_t receipt[76])
{
	uint8_t memory[OUTBOX_TEXT_MAX];
	struct bytes text = outbox_checkpoint(n->home->org, log, head, memory);

	for (size_t i = n->roster.instances_n; i > 0; i--)
		if (verify_receipt(n, n->roster.instances[i - 1].number, n->roster.instances[i - 1].key, text,
				   receipt))
			return true;
	return verify_receipt(n, n->home->join.instance, n->home->join.instance_key, text, receipt);
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

/* To whom subject keys are sealed on this log. */
static const uint8_t *seal_to(const struct node *n, const struct sync_out *out)
{
	const struct roster_node *node;
	const struct roster_transport *t;

	if (n->home->is_hq) {
		node = roster_node_of(&n->roster, out->send.msg->keys.log.branch);
		return node ? node->recipient : NULL;
	}
	if (out->send.transport != 0 && (t = roster_transport_of(&n->roster, out->send.transport)) != NULL)
		return t->key;
	/* before head office's log to everybody is here: as the join code says */
	return out->send.transport == n->home->join.transport ? n->home->join.transport_key : NULL;
}

/* The puts of a message: what is to be sealed, then sealed, under one ephemeral key. */
static bool seal_puts(const uint8_t to[32], struct wire_key *keys, size_t n, const uint8_t (*subject_keys)[32])
{
	AS_AUTO(as_boxes) struct as_boxes boxes = {0};
	uint8_t random[32], ad[ITEMS_KEY_AD];

	as_random(random, sizeof random);
	if (!as_boxes_to(&boxes, to, bytes_of(subject_keys, n * sizeof *subject_keys), random))
		return false;
	for (size_t i = 0; i < n; i++)
		if (keys[i].op == KEY_PUT)
			as_boxes_seal(&boxes, items_key_ad(&keys[i], ad), bytes_of(subject_keys[i], 32), keys[i].sealed);
	return true;
}

static enum outbox_verdict fill_keys(struct node *n, const struct sync_out *out, struct msg *m,
				     struct wire_key keys[KEYS_PER_MESSAGE_MAX], struct as_errmsg *em)
{
	struct store_key stored[KEYS_PER_MESSAGE_MAX];
	uint8_t subject_keys[KEYS_PER_MESSAGE_MAX][32];
	const uint8_t *to = seal_to(n, out);
	AS_AUTO(buf) struct buf memory = {0};
	bool ok = true, any = false;
	size_t got = 0;

	buf_init(&memory, KEYS_PER_MESSAGE_MAX * STORE_WRAPPED_MAX);
	if (store_keys(n->st, &m->keys.log, out->send.keys_after, stored, m->keys.keys_n, &memory, &got) || got == 0) {
		as_errmsg_set(em, "key changes after %llu cannot be read",
			      (unsigned long long)out->send.keys_after);
		return OUTBOX_FAILED;
	}
	memset(subject_keys, 0, sizeof subject_keys);
	for (size_t i = 0; i < got; i++) {
		keys[i] = (struct wire_key){.number = stored[i].number, .op = stored[i].op};
		memcpy(keys[i].subject, stored[i].subject, 16);
		if (stored[i].op != KEY_PUT)
			continue;
		keys[i].transport = n->home->is_hq ? 1 : out->send.transport;
		any = true;
		if (!ring_unwrap(n->home->ring_key, stored[i].subject, stored[i].wrapped, subject_keys[i])) {
			keys[i].op = KEY_VOID; /* wrapped with a key-ring key that is gone: nobody can open it */
			keys[i].transport = 0;
		}
	}
	if (any)
		ok = to != NULL && seal_puts(to, keys, got, (const uint8_t(*)[32])subject_keys);
	as_wipe(subject_keys, sizeof subject_keys);
	if (!ok)
		return OUTBOX_NOTHING;
	m->keys.keys = keys;
	m->keys.keys_n = (uint32_t)got;
	return OUTBOX_SEND;
}

/* ---- frames ---------------------------------------------------------------------------------------------- */

enum outbox_verdict outbox_frame(struct node *n, const struct sync_out *out, uint64_t now_s, struct buf *frame,
				 struct as_errmsg *em)
{
	struct msg m = *out->send.msg;
	struct wire_key keys[KEYS_PER_MESSAGE_MAX];
	struct block_meta meta;
	enum outbox_verdict v;
	as_err err;

	buf_reset(frame);
	switch (m.type) {
	case MSG_BLOCK:
		err = store_block_read(n->st, &m.block.log, m.block.first, &meta, &n->block);
		if (err)
			return err == AS_ENOMEM ? OUTBOX_FAILED : OUTBOX_ROTTEN;
		m.block.block = buf_bytes(&n->block);
		break;
	case MSG_KEYS:
		if ((v = fill_keys(n, out, &m, keys, em)) != OUTBOX_SEND)
			return v;
		break;
	case MSG_HAVE:
		if (m.have.receipted && !sign_receipt(n, &m.have.log, &m.have.head, now_s, m.have.receipt)) {
			as_errmsg_set(em, "a receipt cannot be signed");
			return OUTBOX_FAILED;
		}
		break;
	default:
		break;
	}
	if ((err = msg_encode(&m, frame)) != AS_OK) {
		as_errmsg_set(em, "message %d cannot be encoded: %s", m.type, as_err_text(err));
		return OUTBOX_FAILED;
	}
	return OUTBOX_SEND;
}
