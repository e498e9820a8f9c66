/*
 * struct msg <-> one frame (proto/sync.proto, message Frame). A frame comes from a peer that may be hostile:
 * memory and the number of parts are bounded before anything is unpacked, every field is checked after.
 */
#ifndef AFTERSYNC_WIRE_MSG_CODEC_H
#define AFTERSYNC_WIRE_MSG_CODEC_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/wire/msg.h"

#define MSG_CODEC_MEMORY (192 * 1024)  /* bytes that unpacking one frame may use */
#define MSG_CODEC_PARTS 1024	       /* allocations that unpacking one frame may make */
#define MSG_CODEC_HEAD_MAX (64 * 1024) /* bytes of a frame without the bytes of a block */

/* Scratch memory of the decoder; use it again for every frame. One per thread, on the heap. */
struct msg_codec {
	struct arena arena;
	uint32_t parts;
	_Alignas(16) uint8_t memory[MSG_CODEC_MEMORY];
};

/*
 * Appends the frame of m to ret_frame, whose maximum should be MESSAGE_BYTES_MAX. AS_EINVAL: m would not be
 * accepted by msg_decode; AS_ETOOBIG, AS_ENOMEM. On failure ret_frame is unchanged.
 */
as_err msg_encode(const struct msg *m, struct buf *ret_frame) AS_MUST_CHECK;

/*
 * Decodes a whole frame.
 *
 * keys     room for KEYS_PER_MESSAGE_MAX entries; ret_m->keys.keys points into it. May be NULL: a Keys
 *          message is AS_EINVAL then.
 * ret_m    ret_m->block.block is borrowed from frame. Fields that are not on the wire are zero.
 * em       may be NULL; says which field.
 * returns  AS_ETOOBIG: a size or count over its limit; AS_EPROTO: anything else that breaks the format;
 *          AS_EUNSUPPORTED: a type of a newer version.
 *
 * Unknown fields are skipped, within the limits. Of a Hello without a common wire version only wire_min,
 * wire_max, branch and nonce are read: enough to answer REFUSE_INCOMPATIBLE.
 */
as_err msg_decode(struct msg_codec *mc, struct bytes frame, struct wire_key *keys, struct msg *ret_m,
		  struct as_errmsg *em) AS_MUST_CHECK;

#endif
