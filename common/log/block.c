#include "common/log/block.h"

#include "common/base/check.h"

static bool is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

size_t block_header_put(const struct block_header *h, uint8_t out[BLOCK_HEADER_MAX])
{
	out[0] = BLOCK_VERSION;
	out[1] = h->flags;
	out[2] = h->codec;
	log_id_put(&h->log, out + 3);
	put_be64(out + 32, h->first);
	put_be32(out + 40, h->count);
	put_be32(out + 44, h->plain_n);
	put_be32(out + 48, h->body_n);
	put_be16(out + 52, h->note_n);
	put_be64(out + 54, h->keys_upto);
	memcpy(out + 62, h->key_id, 16);
	memcpy(out + BLOCK_NONCE_AT, h->nonce, 24);
	if ((h->flags & BLOCK_HAS_KEYS) == 0)
		return BLOCK_HEADER_BYTES;
	memcpy(out + BLOCK_HEADER_BYTES, h->key_for_hq, BLOCK_SEALED_KEY);
	memcpy(out + BLOCK_HEADER_BYTES + BLOCK_SEALED_KEY, h->key_for_branch, BLOCK_SEALED_KEY);
	return BLOCK_HEADER_MAX;
}

/* Does the body have a length that this codec can give? */
static bool body_n_valid(const struct block_header *h)
{
	uint32_t packed_n = h->body_n; /* with its padding */

	if (block_is_sealed(h)) {
		if (h->body_n <= BLOCK_TAG)
			return false;
		packed_n -= BLOCK_TAG;
	}
	if (block_is_padded(h)) {
		uint32_t largest = h->codec == BLOCK_SEALED_RAW ? h->plain_n : h->plain_n - 1;
		if (packed_n % BLOCK_PAD != 0 || packed_n > block_padded(largest))
			return false;
		return h->codec != BLOCK_SEALED_RAW || packed_n == block_padded(h->plain_n);
	}
	if (h->codec == BLOCK_RAW || h->codec == BLOCK_SEALED_RAW)
		return packed_n == h->plain_n;
	return packed_n > 0 && packed_n < h->plain_n;
}

enum refuse_reason block_header_get(struct bytes block, struct block_header *ret_h, size_t *ret_n)
{
	struct block_header h = {.flags = 0};
	size_t n = BLOCK_HEADER_BYTES;
	const uint8_t *p = block.p;

	if (block.n < n || p[0] != BLOCK_VERSION || (p[1] & ~BLOCK_HAS_KEYS) != 0 ||
	    !log_id_get(p + 3, &h.log))
		return REFUSE_DAMAGED;
	h.flags = p[1];
	h.codec = p[2];
	h.first = get_be64(p + 32);
	h.count = get_be32(p + 40);
	h.plain_n = get_be32(p + 44);
	h.body_n = get_be32(p + 48);
	h.note_n = get_be16(p + 52);
	h.keys_upto = get_be64(p + 54);
	memcpy(h.key_id, p + 62, 16);
	memcpy(h.nonce, p + BLOCK_NONCE_AT, 24);

	if (h.count > BLOCK_EVENTS_MAX || h.plain_n > BLOCK_PLAIN_CAP || h.body_n > BLOCK_BYTES_MAX ||
	    h.note_n > BLOCK_NOTE_MAX)
		return REFUSE_TOO_LARGE;
	if (h.codec < BLOCK_RAW || h.codec > BLOCK_SEALED_ZSTD ||
	    block_is_sealed(&h) != (h.log.cls != LOG_HQ_ALL))
		return REFUSE_DAMAGED;
	if (h.count == 0 || h.first > TREE_SIZE_MAX - h.count || h.plain_n < h.count * (BLOCK_EVENT_HEAD + 1))
		return REFUSE_DAMAGED;
	if (!body_n_valid(&h))
		return REFUSE_DAMAGED;
	if (!block_is_sealed(&h) &&
	    (h.flags != 0 || h.keys_upto != 0 || !is_zero(h.key_id, 16) || !is_zero(h.nonce, 24)))
		return REFUSE_DAMAGED;
	if (block_is_sealed(&h) && h.first == 0 && (h.flags & BLOCK_HAS_KEYS) == 0)
		return REFUSE_DAMAGED;
	if (h.flags & BLOCK_HAS_KEYS) {
		n = BLOCK_HEADER_MAX;
		if (block.n < n)
			return REFUSE_DAMAGED;
		memcpy(h.key_for_hq, p + BLOCK_HEADER_BYTES, BLOCK_SEALED_KEY);
		memcpy(h.key_for_branch, p + BLOCK_HEADER_BYTES + BLOCK_SEALED_KEY, BLOCK_SEALED_KEY);
	}
	*ret_h = h;
	*ret_n = n;
	return REFUSE_NONE;
}

/* Header, body, note, and what the note says. */
static enum refuse_reason split(struct bytes block, struct block_view *v, struct checkpoint *cp)
{
	enum refuse_reason why;
	size_t header_n;

	*v = (struct block_view){.raw = block};
	if (block.n > BLOCK_BYTES_MAX)
		return REFUSE_TOO_LARGE;
	if ((why = block_header_get(block, &v->h, &header_n)))
		return why;
	if (block.n != header_n + v->h.body_n + v->h.note_n)
		return REFUSE_DAMAGED;
	v->header = bytes_of(block.p, header_n);
	v->body = bytes_of(block.p + header_n, v->h.body_n);
	if (note_parse(bytes_of(v->body.p + v->body.n, v->h.note_n), &v->note) ||
	    checkpoint_parse(v->note.text, cp))
		return REFUSE_DAMAGED;
	v->head = cp->head;
	return REFUSE_NONE;
}

bool block_outline(struct bytes block, struct block_view *ret_v)
{
	struct block_view v;
	struct checkpoint cp;

	if (split(block, &v, &cp) || v.head.size != v.h.first + v.h.count)
		return false;
	*ret_v = v;
	return true;
}

enum refuse_reason block_peek(struct bytes block, const uint8_t org[16], struct block_view *ret_v)
{
	char origin_text[CHECKPOINT_ORIGIN_MAX];
	struct block_view v;
	struct checkpoint cp;
	struct bytes origin;
	enum refuse_reason why;

	if ((why = split(block, &v, &cp)))
		return why;
	origin = bytes_of(origin_text, checkpoint_origin(org, &v.h.log, origin_text));
	if (!bytes_equal(cp.origin, origin))
		return REFUSE_ORIGIN;
	if (cp.extensions.n || cp.head.size != v.h.first + v.h.count)
		return REFUSE_DAMAGED;
	if (v.note.lines_n > (v.h.first == 0 ? 2u : 1u))
		return REFUSE_DAMAGED;
	for (uint32_t i = 0; i < v.note.lines_n; i++)
		if (!bytes_equal(v.note.lines[i].name, origin))
			return REFUSE_DAMAGED;
	*ret_v = v;
	return REFUSE_NONE;
}
