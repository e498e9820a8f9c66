/*
 * The outside of a block: header | body | note. What can be judged without any key. Pure; building and
 * opening is block_io.h.
 *
 * Header, big-endian, BLOCK_HEADER_BYTES, then twice BLOCK_SEALED_KEY when the flag BLOCK_HAS_KEYS is set:
 *
 *     0   1  version = 1
 *     1   1  flags: 0x01 BLOCK_HAS_KEYS; all other bits 0
 *     2   1  codec: 1 raw, 2 zstd (HQ_ALL); 3 sealed raw, 4 sealed zstd (all other classes)
 *     3  29  log (log_id.h)
 *    32   8  index of the first event
 *    40   4  count of events, 1 to BLOCK_EVENTS_MAX
 *    44   4  plain length: 5 to BLOCK_PLAIN_CAP
 *    48   4  body length
 *    52   2  note length
 *    54   8  keys_upto: key changes of this author and incarnation that must be answered for (0: none)
 *    62  16  content key id = BLAKE2b-128 of the content key; zero when not sealed
 *    78  24  nonce; zero when not sealed
 *   102  80  content key sealed to head office's recipient key      only with BLOCK_HAS_KEYS
 *   182  80  content key sealed to the branch's recipient key       only with BLOCK_HAS_KEYS
 *
 * plain = per event: length (u32), bytes. packed = plain or one zstd frame of it, with its content size and
 * without checksum. body = packed (codecs 1 and 2), or XChaCha20-Poly1305 with the header as additional data
 * of packed (8 events and more) or of packed || 0x80 || 0x00 …, up to the next multiple of BLOCK_PAD bytes
 * (fewer than BLOCK_PAD_EVENTS events; at least the 0x80 is there).
 *
 * note = checkpoint note: origin of the log, size = first + count, no extension, signed by the author in its
 * first line. A second line is allowed only on index 0: that of the key before a rotation.
 */
#ifndef AFTERSYNC_LOG_BLOCK_H
#define AFTERSYNC_LOG_BLOCK_H

#include "common/log/checkpoint.h"
#include "common/log/note.h"
#include "common/wire/msg.h"

#define BLOCK_VERSION 1
#define BLOCK_HEADER_BYTES 102
#define BLOCK_SEALED_KEY 80
#define BLOCK_HEADER_MAX (BLOCK_HEADER_BYTES + 2 * BLOCK_SEALED_KEY)
#define BLOCK_EVENT_HEAD 4 /* bytes before each event in the plain text */
#define BLOCK_PLAIN_CAP                                                                                      \
	(BLOCK_PLAIN_MAX + BLOCK_EVENT_HEAD + EVENT_BYTES_MAX) /* the event that closes it included */
#define BLOCK_PAD 256
#define BLOCK_PAD_EVENTS 8
#define BLOCK_NOTE_MAX 640
#define BLOCK_NONCE_AT 78
#define BLOCK_TAG 16

_Static_assert(BLOCK_HEADER_MAX + BLOCK_PLAIN_CAP + BLOCK_PAD + 16 + BLOCK_NOTE_MAX <= BLOCK_BYTES_MAX,
	       "the largest plain text fits a block even when it does not compress");

enum block_codec {
	BLOCK_RAW = 1,
	BLOCK_ZSTD = 2,
	BLOCK_SEALED_RAW = 3,
	BLOCK_SEALED_ZSTD = 4,
};

enum block_flag {
	BLOCK_HAS_KEYS = 0x01,
};

struct block_header {
	uint8_t flags;
	uint8_t codec;
	struct log_id log;
	uint64_t first;
	uint32_t count;
	uint32_t plain_n;
	uint32_t body_n;
	uint16_t note_n;
	uint64_t keys_upto;
	uint8_t key_id[16];
	uint8_t nonce[24];
	uint8_t key_for_hq[BLOCK_SEALED_KEY];	  /* with BLOCK_HAS_KEYS */
	uint8_t key_for_branch[BLOCK_SEALED_KEY]; /* with BLOCK_HAS_KEYS */
};

/* A block taken apart; slices are borrowed from it. */
struct block_view {
	struct block_header h;
	struct bytes raw, header, body;
	struct note note;
	struct log_head head; /* what the author's checkpoint says; not verified by block_peek */
};

static inline bool block_is_sealed(const struct block_header *h)
{
	return h->codec == BLOCK_SEALED_RAW || h->codec == BLOCK_SEALED_ZSTD;
}

/* Small blocks are padded, so that their length tells little of what happened. */
static inline bool block_is_padded(const struct block_header *h)
{
	return block_is_sealed(h) && h->count < BLOCK_PAD_EVENTS;
}

/* Length of n packed bytes with their padding: at least one byte more. */
static inline uint32_t block_padded(uint32_t n)
{
	return n / BLOCK_PAD * BLOCK_PAD + BLOCK_PAD;
}

/* Returns the length. The header must be one that block_header_get would accept. */
size_t block_header_put(const struct block_header *h, uint8_t out[BLOCK_HEADER_MAX]);

/*
 * Reads the header at the start of a block. REFUSE_NONE, REFUSE_TOO_LARGE (a length or count over its limit),
 * REFUSE_DAMAGED (any other breach of the table above).
 */
enum refuse_reason block_header_get(struct bytes block, struct block_header *ret_h, size_t *ret_n);

/*
 * Checks 1 and 3 of a received block, without any key: sizes, header, exact split, the note's form, its
 * origin, its size. Cheap: no hash, no signature.
 *
 * returns  REFUSE_NONE; REFUSE_TOO_LARGE; REFUSE_DAMAGED: form, or checkpoint size is not first + count;
 *          REFUSE_ORIGIN: the note is of another log or organisation. ret_v is written on REFUSE_NONE only.
 */
enum refuse_reason block_peek(struct bytes block, const uint8_t org[16], struct block_view *ret_v);

/* Of a stored block: as block_peek, but whose it is and who signed it is not looked at. */
bool block_outline(struct bytes block, struct block_view *ret_v);

#endif
