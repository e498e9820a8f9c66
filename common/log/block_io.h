/*
 * Blocks built (packed, sealed, signed) and opened (verified, unsealed, unpacked). The shell around block.h:
 * uses zstd and secrets. Both directions are functions of their arguments alone: no clock, no randomness.
 *
 * Nothing is allocated per event, and nothing per block once the largest block so far has been seen.
 */
#ifndef AFTERSYNC_LOG_BLOCK_IO_H
#define AFTERSYNC_LOG_BLOCK_IO_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/log/block.h"
#include "common/log/tree.h"

/* Contexts and scratch memory, to be used again for every block; one per thread. */
struct block_io {
	struct ZSTD_CCtx_s *compress;
	struct ZSTD_DCtx_s *decompress;
	struct buf plain;
	struct buf packed;
};

as_err block_io_init(struct block_io *io) AS_MUST_CHECK;
void block_io_done(struct block_io *io); /* wipes the scratch memory; accepts a zeroed struct */

/* Who writes a log, and with what. Holds secrets: block_author_done wipes it. */
struct block_author {
	struct log_id log;
	struct note_key key; /* name = the log's origin */
	uint8_t secret[64];
	uint8_t content_key[32]; /* zero for HQ_ALL */
	uint8_t key_id[16];
};

/* content_key: NULL for HQ_ALL, and only for it. */
void block_author_init(struct block_author *a, const uint8_t org[16], const struct log_id *log,
		       const uint8_t secret[64], const uint8_t *content_key);
void block_author_done(struct block_author *a);

/* BLAKE2b-128 of a content key. */
void block_key_id(const uint8_t content_key[32], uint8_t ret_id[16]);

/* X25519 public keys that a content key is sealed to. */
struct block_recipients {
	uint8_t hq[32];
	uint8_t branch[32];
};

struct block_content {
	const struct bytes *events; /* 1 to BLOCK_EVENTS_MAX, each 1 to EVENT_BYTES_MAX bytes */
	size_t events_n;
	uint64_t keys_upto;			   /* 0 for HQ_ALL */
	const struct block_recipients *recipients; /* NULL: the header carries no content key. Must be given
						      on index 0 of a sealed log */
	const uint8_t *random;			   /* 32 fresh random bytes; not used for HQ_ALL */
	const struct note_key *before_key; /* NULL, or on index 0 after a rotation: the old key under this
					      log's name, … */
	const uint8_t *before_secret;	   /* … and its secret, 64 bytes */
	uint8_t (*ret_leaves)[TREE_HASH];  /* NULL, or room for events_n leaf hashes */
};

/* What the next event of n bytes adds to the plain text: close a block at BLOCK_PLAIN_MAX of the sum. */
#define BLOCK_PLAIN_OF(n) (BLOCK_EVENT_HEAD + (n))

/*
 * Builds the block that continues `frontier` and appends it to ret_block.
 *
 * frontier   in: before the block; out: after it.
 * ret_head   size and root after the block; may be NULL.
 * returns    AS_EINVAL: a content that breaks the limits above, or a recipient key of small order;
 *            AS_ETOOBIG: ret_block's maximum, or a plain text over BLOCK_PLAIN_CAP; AS_ENOMEM.
 *            On failure nothing has changed, but ret_leaves may be overwritten.
 */
as_err block_build(struct block_io *io, const struct block_author *a, struct tree_frontier *frontier,
		   const struct block_content *c, struct buf *ret_block,
		   struct log_head *ret_head) AS_MUST_CHECK;

/* What the receiver knows of a log. */
struct block_reader {
	struct note_key author; /* name = the log's origin */
	struct log_id log;
	bool has_before;
	struct note_key before; /* the key before a rotation: must have signed index 0 as well */
	bool has_content_key;
	uint8_t content_key[32]; /* in: the newest known; out: the one of the block, taken from its header */
	uint8_t key_id[16];
	bool has_recipient;
	bool is_hq; /* which of the two sealed content keys is ours */
	uint8_t recipient_public[32];
	uint8_t recipient_secret[32];
};

/* author: the Ed25519 key of the log by the roster. The rest is set by the functions below, as known. */
void block_reader_init(struct block_reader *r, const uint8_t org[16], const struct log_id *log,
		       const uint8_t author[32]);
void block_reader_done(struct block_reader *r);
void block_reader_set_key(struct block_reader *r, const uint8_t content_key[32]);
void block_reader_set_recipient(struct block_reader *r, bool is_hq, const uint8_t public_key[32],
				const uint8_t secret[32]);
void block_reader_set_before(struct block_reader *r, const uint8_t public_key[32]);

/* The events of an opened block. Memory of its own, to be used again; may be handed to another thread. */
struct block_opened {
	struct buf plain;
	size_t cap;
	uint32_t events_n;
	struct bytes *events;	      /* into plain: until the next block_open with this struct */
	uint8_t (*leaves)[TREE_HASH]; /* their leaf hashes */
	struct log_head head;	      /* after the block */
};

void block_opened_init(struct block_opened *o);
void block_opened_done(struct block_opened *o); /* wipes and frees; accepts a zeroed struct */

/*
 * Checks 5 to 7 of docs/protocol.md section 4, in this order, and opens a block that block_peek took apart.
 *
 * r         the block must be of r->log (REFUSE_LINK). When the header carries the content key and ours is
 *           not it, it is opened with the recipient key and stored in r on success.
 * frontier  in: at the block's first index (else REFUSE_GAP); out: after the block; unchanged on refusal.
 * ret_why   REFUSE_NONE on AS_OK; REFUSE_LINK, REFUSE_GAP, REFUSE_SIGNATURE, REFUSE_CONTENT_KEY,
 *           REFUSE_DAMAGED on AS_EREFUSED.
 * returns   AS_OK, AS_EREFUSED, AS_ENOMEM (the block was not judged).
 */
as_err block_open(struct block_io *io, const struct block_view *v, struct block_reader *r,
		  struct tree_frontier *frontier, struct block_opened *ret_o,
		  enum refuse_reason *ret_why) AS_MUST_CHECK;

/*
 * Opens a block of one's own store, which was checked when it came: without signature, frontier and root (the store
 * compares the leaves with its tree). As block_open otherwise.
 */
as_err block_reopen(struct block_io *io, const struct block_view *v, struct block_reader *r, struct block_opened *ret_o,
		    enum refuse_reason *ret_why) AS_MUST_CHECK;

#endif
