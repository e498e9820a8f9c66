/*
 * Checkpoints (c2sp.org/tlog-checkpoint): the text of a note that says "my log has this size and this root".
 * Pure.
 *
 *   origin "\n" size in decimal "\n" base64(root) "\n" [extension "\n" …]
 *
 * Origins of our logs, which are their key names as well:
 *   LIVE, BULK   aftersync/<org id hex>/<branch code>/<live|bulk>/<incarnation id hex>
 *   HQ_ALL       aftersync/<org id hex>/hq/<instance>/all
 *   HQ_BRANCH    aftersync/<org id hex>/hq/<instance>/<branch code>
 * A branch code is upper case, so "hq" and "all" are none.
 */
#ifndef AFTERSYNC_LOG_CHECKPOINT_H
#define AFTERSYNC_LOG_CHECKPOINT_H

#include "common/base/err.h"
#include "common/base/writer.h"
#include "common/log/note.h"
#include "common/log/tree.h"

#define CHECKPOINT_ORIGIN_MAX 96				  /* of our logs */
#define CHECKPOINT_TEXT_MAX (NOTE_NAME_MAX + 1 + 19 + 1 + 44 + 1) /* without extensions */

struct checkpoint {
	struct bytes origin; /* borrowed from the text */
	struct log_head head;
	struct bytes extensions; /* whole lines, each not empty; borrowed */
};

/* AS_EPROTO: fewer than three lines, size not decimal or above 2^63 - 1, root not 32 bytes, empty line. */
as_err checkpoint_parse(struct bytes text, struct checkpoint *ret_cp) AS_MUST_CHECK;

/* Appends the text, without extensions. */
void checkpoint_put(struct writer *w, struct bytes origin, const struct log_head *head);

/* The origin of one of our logs; id must be one that log_id_get would give. Returns the length, no 0 added.
 */
size_t checkpoint_origin(const uint8_t org[16], const struct log_id *id, char out[CHECKPOINT_ORIGIN_MAX]);

/* The key (0x01) of a log: its origin as the name. */
void checkpoint_log_key(struct note_key *k, const uint8_t org[16], const struct log_id *id,
			const uint8_t public_key[32]);

#endif
