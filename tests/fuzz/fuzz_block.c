/*
 * Blocks from outside. Peeking must be sound for any bytes. To get behind signature and seal, the same input
 * is also taken as the packed body of a block that is sealed and signed with the right keys.
 *
 * The first byte chooses: 0 to 0x7f the input is a whole block; else bits 0 to 2 are count - 1, bit 3 raw or
 * zstd, and two bytes of plain length follow.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/base/check.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/log/block_io.h"
#include "common/log/note_sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t org[16] = {1};
static const struct log_id live = {LOG_LIVE, "SH01", 1, {1}};
static uint8_t content_key[32] = {2}, public_key[32], secret[64];
static struct block_io io;
static struct block_opened opened;
static struct block_reader reader;
static struct tree_frontier one;

static void start(void)
{
	uint8_t seed[32] = {3};

	as_assert(as_crypto_init() == AS_OK && block_io_init(&io) == AS_OK);
	as_ed25519_keypair(seed, public_key, secret);
	block_opened_init(&opened);
	block_reader_init(&reader, org, &live, public_key);
	block_reader_set_key(&reader, content_key);
	tree_push(&one, seed);
}

/* What peek accepts is one block: taken apart exactly, and its header is written back byte for byte. */
static bool peek(struct bytes block, struct block_view *v)
{
	uint8_t header[BLOCK_HEADER_MAX];

	if (block_peek(block, org, v))
		return false;
	as_assert(block_header_put(&v->h, header) == v->header.n &&
		  memcmp(header, v->header.p, v->header.n) == 0);
	as_assert(v->header.n + v->body.n + v->note.raw.n == block.n &&
		  v->head.size == v->h.first + v->h.count);
	as_assert(v->h.count >= 1 && v->h.count <= BLOCK_EVENTS_MAX && v->h.plain_n <= BLOCK_PLAIN_CAP);
	return true;
}

static void open_it(const struct block_view *v, const struct tree_frontier *before)
{
	struct tree_frontier f = *before;
	struct block_reader r = reader;
	enum refuse_reason why;
	size_t sum = 0;

	if (block_open(&io, v, &r, &f, &opened, &why)) {
		as_assert(why != REFUSE_NONE && memcmp(&f, before, sizeof f) == 0);
		return;
	}
	as_assert(why == REFUSE_NONE && f.size == before->size + opened.events_n &&
		  opened.events_n == v->h.count);
	for (uint32_t i = 0; i < opened.events_n; i++)
		sum += BLOCK_PLAIN_OF(opened.events[i].n);
	as_assert(sum == v->h.plain_n);
}

/* A block around any packed body. The root cannot be right unless the body is: that is check 7's last word.
 */
static void wrap(uint8_t what, const uint8_t *data, size_t size)
{
	static uint8_t block[BLOCK_BYTES_MAX + 4096];
	struct block_header h = {.log = live, .first = 1, .count = 1u + (what & 7)};
	struct log_head head = {.size = 1 + h.count};
	uint8_t text[256];
	struct writer tw = writer_of(text, sizeof text);
	struct block_view v;

	if (size < 2 || size - 2 > BLOCK_BYTES_MAX - 2048)
		return;
	h.codec = what & 8 ? BLOCK_SEALED_RAW : BLOCK_SEALED_ZSTD;
	h.plain_n = get_be16(data);
	h.body_n = (uint32_t)(size - 2 + BLOCK_TAG);
	memcpy(h.key_id, reader.key_id, 16);
	memcpy(h.nonce, data, 2);
	checkpoint_put(&tw, bytes_of(reader.author.name, reader.author.name_n), &head);
	uint8_t note[BLOCK_NOTE_MAX];
	struct writer nw = writer_of(note, sizeof note);
	note_sign(&nw, writer_done(&tw), &reader.author, secret);
	h.note_n = (uint16_t)nw.n;
	size_t n = block_header_put(&h, block);
	as_aead_seal(content_key, h.nonce, bytes_of(block, n), bytes_of(data + 2, size - 2), block + n);
	memcpy(block + n + h.body_n, note, nw.n);
	if (peek(bytes_of(block, n + h.body_n + nw.n), &v))
		open_it(&v, &one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tree_frontier empty;
	struct block_view v;

	if (opened.plain.max == 0)
		start();
	if (size == 0)
		return 0;
	if (data[0] >= 0x80)
		wrap(data[0], data + 1, size - 1);
	else if (peek(bytes_of(data, size), &v))
		open_it(&v, v.h.first ? &one : &empty);
	return 0;
}
