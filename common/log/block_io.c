#include "common/log/block_io.h"

#include <stdlib.h>

#include <zstd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/log/note_sign.h"

_Static_assert(BLOCK_SEALED_KEY == AS_AEAD_KEY + AS_BOX_EXTRA && BLOCK_TAG == AS_AEAD_TAG,
	       "sizes of the header are those of the ciphers");

#define COMPRESSION_LEVEL 1 /* the fastest that still halves our events; measured in bench_log */

as_err block_io_init(struct block_io *io)
{
	*io = (struct block_io){.compress = ZSTD_createCCtx(), .decompress = ZSTD_createDCtx()};
	buf_init(&io->plain, BLOCK_PLAIN_CAP);
	buf_init(&io->packed, BLOCK_BYTES_MAX);
	if (io->compress == NULL || io->decompress == NULL ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(io->compress, ZSTD_c_compressionLevel, COMPRESSION_LEVEL))) {
		block_io_done(io);
		return AS_ENOMEM;
	}
	return AS_OK;
}

void block_io_done(struct block_io *io)
{
	ZSTD_freeCCtx(io->compress);
	ZSTD_freeDCtx(io->decompress);
	as_wipe(io->plain.p, io->plain.cap);
	as_wipe(io->packed.p, io->packed.cap);
	buf_done(&io->plain);
	buf_done(&io->packed);
	*io = (struct block_io){0};
}

void block_key_id(const uint8_t content_key[32], uint8_t ret_id[16])
{
	const struct bytes key = bytes_of(content_key, 32);

	as_blake2b(ret_id, 16, bytes_of(NULL, 0), &key, 1);
}

/* ---- building ---------------------------------------------------------------------------------------------
 */

void block_author_init(struct block_author *a, const uint8_t org[16], const struct log_id *log,
		       const uint8_t secret[64], const uint8_t *content_key)
{
	uint8_t public_key[AS_ED25519_PUBLIC];

	as_assert((content_key == NULL) == (log->cls == LOG_HQ_ALL));
	*a = (struct block_author){.log = *log};
	memcpy(a->secret, secret, sizeof a->secret);
	as_ed25519_public(secret, public_key);
	checkpoint_log_key(&a->key, org, log, public_key);
	if (content_key) {
		memcpy(a->content_key, content_key, sizeof a->content_key);
		block_key_id(content_key, a->key_id);
	}
}

void block_author_done(struct block_author *a)
{
	as_wipe(a, sizeof *a);
}

static as_err content_check(const struct block_author *a, const struct tree_frontier *f,
			    const struct block_content *c)
{
	bool sealed = a->log.cls != LOG_HQ_ALL;

	if (c->events_n == 0 || c->events_n > BLOCK_EVENTS_MAX || f->size > TREE_SIZE_MAX - c->events_n)
		return AS_EINVAL;
	if (sealed ? c->random == NULL : c->keys_upto != 0 || c->recipients != NULL)
		return AS_EINVAL;
	if (sealed && f->size == 0 && c->recipients == NULL)
		return AS_EINVAL;
	if ((c->before_key == NULL) != (c->before_secret == NULL) || (c->before_key && f->size != 0))
		return AS_EINVAL;
	return AS_OK;
}

/* Concatenates the events and appends their leaves. */
static as_err plain_put(struct block_io *io, const struct block_content *c, struct tree_frontier *f)
{
	size_t n = 0;
	as_err err;

	for (size_t i = 0; i < c->events_n; i++) {
		if (c->events[i].n == 0 || c->events[i].n > EVENT_BYTES_MAX)
			return AS_EINVAL;
		n += BLOCK_PLAIN_OF(c->events[i].n);
	}
	buf_reset(&io->plain);
	if ((err = buf_reserve(&io->plain, n)))
		return err;
	uint8_t *p = io->plain.p;
	for (size_t i = 0; i < c->events_n; i++) {
		uint8_t own[TREE_HASH], *leaf = c->ret_leaves ? c->ret_leaves[i] : own;
		put_be32(p, (uint32_t)c->events[i].n);
		memcpy(p + BLOCK_EVENT_HEAD, c->events[i].p, c->events[i].n);
		p += BLOCK_PLAIN_OF(c->events[i].n);
		tree_leaf(c->events[i], leaf);
		tree_push(f, leaf);
	}
	io->plain.n = n;
	return AS_OK;
}

/* Packs the plain text to p, which has room for it, and pads; sets codec and lengths of the header. */
static void body_pack(struct block_io *io, bool sealed, uint8_t *p, struct block_header *h)
{
	size_t plain_n = io->plain.n;
	size_t n = ZSTD_compress2(io->compress, p, plain_n - 1, io->plain.p, plain_n);

	if (ZSTD_isError(n)) { /* does not get smaller */
		memcpy(p, io->plain.p, plain_n);
		n = plain_n;
		h->codec = sealed ? BLOCK_SEALED_RAW : BLOCK_RAW;
	} else {
		h->codec = sealed ? BLOCK_SEALED_ZSTD : BLOCK_ZSTD;
	}
	h->plain_n = (uint32_t)plain_n;
	h->body_n = (uint32_t)n;
	if (block_is_padded(h)) {
		h->body_n = block_padded((uint32_t)n);
		p[n] = 0x80;
		memset(p + n + 1, 0, h->body_n - n - 1);
	}
	if (sealed)
		h->body_n += BLOCK_TAG;
}

static bool keys_seal(const struct block_author *a, const struct block_content *c, struct block_header *h)
{
	const struct bytes key = bytes_of(a->content_key, sizeof a->content_key);

	h->flags |= BLOCK_HAS_KEYS;
	return as_box_seal(c->recipients->hq, key, c->random, h->key_for_hq) &&
	       as_box_seal(c->recipients->branch, key, c->random, h->key_for_branch);
}

/* BLAKE2b-192 over random || header with a zero nonce || new root, keyed: docs/protocol.md section 4. */
static void nonce_make(const struct block_author *a, const struct block_content *c,
		       const struct log_head *head, uint8_t *header, size_t header_n)
{
	uint8_t nonce[AS_AEAD_NONCE];
	const struct bytes parts[] = {bytes_of(c->random, 32), bytes_of(header, header_n),
				      bytes_of(head->root, sizeof head->root)};

	as_blake2b(nonce, sizeof nonce, bytes_of(a->content_key, sizeof a->content_key), parts,
		   AS_COUNT(parts));
	memcpy(header + BLOCK_NONCE_AT, nonce, sizeof nonce);
}

static void note_make(const struct block_author *a, const struct block_content *c,
		      const struct log_head *head, struct writer *w)
{
	uint8_t memory[CHECKPOINT_TEXT_MAX];
	struct writer text = writer_of(memory, sizeof memory);

	checkpoint_put(&text, bytes_of(a->key.name, a->key.name_n), head);
	note_sign(w, writer_done(&text), &a->key, a->secret);
	if (c->before_key)
		note_sign_more(w, writer_done(&text), c->before_key, c->before_secret);
	as_assert(!text.full && !w->full);
}

as_err block_build(struct block_io *io, const struct block_author *a, struct tree_frontier *frontier,
		   const struct block_content *c, struct buf *ret_block, struct log_head *ret_head)
{
	bool sealed = a->log.cls != LOG_HQ_ALL;
	struct block_header h = {.log = a->log, .first = frontier->size, .keys_upto = c->keys_upto};
	uint8_t note[BLOCK_NOTE_MAX];
	struct writer w = writer_of(note, sizeof note);
	struct tree_frontier f;
	struct log_head head;
	as_err err;

	if ((err = content_check(a, frontier, c)))
		return err;
	tree_frontier_copy(&f, frontier);
	if ((err = plain_put(io, c, &f)))
		return err;
	tree_head(&f, &head);
	if ((err = buf_reserve(ret_block,
			       BLOCK_HEADER_MAX + io->plain.n + BLOCK_PAD + BLOCK_TAG + BLOCK_NOTE_MAX)))
		return err;

	h.count = (uint32_t)c->events_n;
	memcpy(h.key_id, a->key_id, sizeof h.key_id);
	if (c->recipients && !keys_seal(a, c, &h))
		return AS_EINVAL;
	note_make(a, c, &head, &w);
	h.note_n = (uint16_t)w.n;

	uint8_t *header = ret_block->p + ret_block->n;
	size_t header_n = h.flags & BLOCK_HAS_KEYS ? BLOCK_HEADER_MAX : BLOCK_HEADER_BYTES;
	uint8_t *body = header + header_n;
	body_pack(io, sealed, body, &h);
	as_assert(block_header_put(&h, header) == header_n);
	if (sealed) {
		nonce_make(a, c, &head, header, header_n);
		as_aead_seal(a->content_key, header + BLOCK_NONCE_AT, bytes_of(header, header_n),
			     bytes_of(body, h.body_n - BLOCK_TAG), body);
	}
	memcpy(body + h.body_n, note, w.n);

	ret_block->n += header_n + h.body_n + w.n;
	tree_frontier_copy(frontier, &f);
	if (ret_head)
		*ret_head = head;
	return AS_OK;
}

/* ---- opening ----------------------------------------------------------------------------------------------
 */

void block_reader_init(struct block_reader *r, const uint8_t org[16], const struct log_id *log,
		       const uint8_t author[32])
{
	*r = (struct block_reader){.log = *log};
	checkpoint_log_key(&r->author, org, log, author);
}

void block_reader_done(struct block_reader *r)
{
	as_wipe(r, sizeof *r);
}

void block_reader_set_key(struct block_reader *r, const uint8_t content_key[32])
{
	r->has_content_key = true;
	memcpy(r->content_key, content_key, sizeof r->content_key);
	block_key_id(content_key, r->key_id);
}

void block_reader_set_recipient(struct block_reader *r, bool is_hq, const uint8_t public_key[32],
				const uint8_t secret[32])
{
	r->has_recipient = true;
	r->is_hq = is_hq;
	memcpy(r->recipient_public, public_key, 32);
	memcpy(r->recipient_secret, secret, 32);
}

void block_reader_set_before(struct block_reader *r, const uint8_t public_key[32])
{
	r->has_before = true;
	as_assert(note_key_init(&r->before, NOTE_ED25519, bytes_of(r->author.name, r->author.name_n),
				public_key) == AS_OK);
}

void block_opened_init(struct block_opened *o)
{
	*o = (struct block_opened){0};
	buf_init(&o->plain, BLOCK_BYTES_MAX);
}

void block_opened_done(struct block_opened *o)
{
	as_wipe(o->plain.p, o->plain.cap);
	buf_done(&o->plain);
	free(o->events);
	free(o->leaves);
	*o = (struct block_opened){0};
}

static as_err opened_reserve(struct block_opened *o, uint32_t events_n)
{
	size_t cap = o->cap ? o->cap : 64;

	if (events_n <= o->cap)
		return AS_OK;
	while (cap < events_n)
		cap *= 2;
	void *leaves = malloc(cap * sizeof *o->leaves), *events = malloc(cap * sizeof *o->events);
	if (leaves == NULL || events == NULL) {
		free(leaves);
		free(events);
		return AS_ENOMEM;
	}
	free(o->leaves);
	free(o->events);
	o->leaves = leaves;
	o->events = events;
	o->cap = cap;
	return AS_OK;
}

/* Check 5: the author's line is first and right; after a rotation the old key's is there and right too. */
static bool signature_check(const struct block_view *v, const struct block_reader *r)
{
	bool need_before = r->has_before && v->h.first == 0;

	if (!note_line_is(&v->note.lines[0], &r->author) || note_verify(&v->note, &r->author, 1, NULL))
		return false;
	return !need_before || note_verify(&v->note, &r->before, 1, NULL) == AS_OK;
}

/* Check 6: the content key of the block, known or sealed in its header. */
static bool key_find(const struct block_view *v, const struct block_reader *r, struct as_secret *ret_key)
{
	const uint8_t *sealed = r->is_hq ? v->h.key_for_hq : v->h.key_for_branch;
	uint8_t id[16];

	if (r->has_content_key && memcmp(r->key_id, v->h.key_id, sizeof id) == 0) {
		memcpy(ret_key->b, r->content_key, sizeof r->content_key);
		return true;
	}
	if ((v->h.flags & BLOCK_HAS_KEYS) == 0 || !r->has_recipient)
		return false;
	if (!as_box_open(r->recipient_public, r->recipient_secret, bytes_of(sealed, BLOCK_SEALED_KEY),
			 ret_key->b))
		return false;
	block_key_id(ret_key->b, id);
	return memcmp(id, v->h.key_id, sizeof id) == 0;
}

/* Takes the padding off; false when it is not exactly what body_pack would have added. */
static bool unpad(struct bytes *packed)
{
	size_t n = packed->n;

	while (n > 0 && packed->p[n - 1] == 0)
		n--;
	if (n == 0 || packed->p[n - 1] != 0x80 || packed->n - n >= BLOCK_PAD)
		return false;
	packed->n = n - 1;
	return true;
}

/* Decompresses exactly one frame into exactly plain_n bytes: never writes more, whatever the frame says. */
static bool unpack(struct block_io *io, struct bytes packed, uint8_t *plain, size_t plain_n)
{
	return ZSTD_getFrameContentSize(packed.p, packed.n) == plain_n &&
	       ZSTD_findFrameCompressedSize(packed.p, packed.n) == packed.n &&
	       ZSTD_decompressDCtx(io->decompress, plain, plain_n, packed.p, packed.n) == plain_n;
}

/* First half of check 7: the body to the plain text in o->plain. */
static bool body_open(struct block_io *io, const struct block_view *v, const uint8_t *key,
		      struct block_opened *o)
{
	bool compressed = v->h.codec == BLOCK_ZSTD || v->h.codec == BLOCK_SEALED_ZSTD;
	struct bytes packed = v->body;

	if (block_is_sealed(&v->h)) {
		uint8_t *to = compressed ? io->packed.p : o->plain.p;
		if (!as_aead_open(key, v->h.nonce, v->header, v->body, to))
			return false;
		packed = bytes_of(to, v->body.n - BLOCK_TAG);
		if (block_is_padded(&v->h) && !unpad(&packed))
			return false;
	} else if (!compressed) {
		memcpy(o->plain.p, packed.p, packed.n);
	}
	o->plain.n = v->h.plain_n;
	if (!compressed)
		return packed.n == v->h.plain_n;
	return packed.n < v->h.plain_n && unpack(io, packed, o->plain.p, v->h.plain_n);
}

/* Second half of check 7: count, leaves and root. */
static bool events_read(const struct block_view *v, struct tree_frontier *f, struct block_opened *o, bool stored)
{
	const uint8_t *p = o->plain.p, *end = p + o->plain.n;
	struct log_head head;

	for (uint32_t i = 0; i < v->h.count; i++) {
		if ((size_t)(end - p) < BLOCK_EVENT_HEAD)
			return false;
		uint32_t n = get_be32(p);
		p += BLOCK_EVENT_HEAD;
		if (n == 0 || n > EVENT_BYTES_MAX || n > (size_t)(end - p))
			return false;
		o->events[i] = bytes_of(p, n);
		p += n;
		tree_leaf(o->events[i], o->leaves[i]);
		tree_push(f, o->leaves[i]);
	}
	if (p != end)
		return false;
	tree_head(f, &head);
	if (stored)
		head = v->head;
	if (head.size != v->head.size || memcmp(head.root, v->head.root, sizeof head.root) != 0)
		return false;
	o->events_n = v->h.count;
	o->head = head;
	return true;
}

static enum refuse_reason judge(struct block_io *io, const struct block_view *v, const struct block_reader *r,
				struct tree_frontier *f, struct block_opened *o, struct as_secret *ret_key,
				bool stored)
{
	if (!log_id_equal(&v->h.log, &r->log))
		return REFUSE_LINK;
	if (v->h.first != f->size)
		return REFUSE_GAP;
	if (!stored && !signature_check(v, r))
		return REFUSE_SIGNATURE;
	if (block_is_sealed(&v->h) && !key_find(v, r, ret_key))
		return REFUSE_CONTENT_KEY;
	if (!body_open(io, v, ret_key->b, o) || !events_read(v, f, o, stored))
		return REFUSE_DAMAGED;
	return REFUSE_NONE;
}

static as_err open_block(struct block_io *io, const struct block_view *v, struct block_reader *r,
			 struct tree_frontier *frontier, struct block_opened *ret_o, enum refuse_reason *ret_why)
{
	AS_AUTO(as_secret) struct as_secret key = {0};
	struct tree_frontier f;
	as_err err;

	ret_o->events_n = 0;
	buf_reset(&ret_o->plain);
	buf_reset(&io->packed);
	if ((err = buf_reserve(&io->packed, v->body.n)) || (err = opened_reserve(ret_o, v->h.count)) ||
	    (err = buf_reserve(&ret_o->plain, v->body.n > v->h.plain_n ? v->body.n : v->h.plain_n)))
		return err;
	if (frontier)
		tree_frontier_copy(&f, frontier);
	else
		f = (struct tree_frontier){.size = v->h.first};
	*ret_why = judge(io, v, r, &f, ret_o, &key, frontier == NULL);
	if (*ret_why)
		return AS_EREFUSED;
	if (block_is_sealed(&v->h) && memcmp(r->key_id, v->h.key_id, sizeof r->key_id) != 0)
		block_reader_set_key(r, key.b);
	if (frontier)
		tree_frontier_copy(frontier, &f);
	return AS_OK;
}

as_err block_open(struct block_io *io, const struct block_view *v, struct block_reader *r,
		  struct tree_frontier *frontier, struct block_opened *ret_o, enum refuse_reason *ret_why)
{
	as_assert(frontier != NULL);
	return open_block(io, v, r, frontier, ret_o, ret_why);
}

as_err block_reopen(struct block_io *io, const struct block_view *v, struct block_reader *r, struct block_opened *ret_o,
		    enum refuse_reason *ret_why)
{
	return open_block(io, v, r, NULL, ret_o, ret_why);
}
