/*
 * Body of the kind LOG_OPENED, the event at index 0 of every log: whose it is and what it continues. Pure.
 *
 *     0   1  version = 1
 *     1  29  the log itself (log_id.h)
 *    30  32  the author's Ed25519 public key
 *    62   1  0: no parent, the body ends here; 1: a parent follows
 *    63  29  parent log: same class, same branch, lower number
 *    92   8  parent size, big-endian, 1 to 2^63 - 1
 *   100  32  parent root at that size
 */
#ifndef AFTERSYNC_WIRE_LOG_OPENED_H
#define AFTERSYNC_WIRE_LOG_OPENED_H

#include "common/base/err.h"
#include "common/log/log_id.h"

#define LOG_OPENED_MAX 132

struct log_opened {
	struct log_id log;
	uint8_t author[32];
	bool has_parent;
	struct log_id parent;	     /* zero without one */
	struct log_head parent_head; /* zero without one */
};

/* Returns the length; the value must be one that decoding would give. */
size_t log_opened_encode(const struct log_opened *lo, uint8_t out[LOG_OPENED_MAX]);

/* AS_EPROTO: not exactly one body as above. AS_EUNSUPPORTED: another version. */
as_err log_opened_decode(struct bytes body, struct log_opened *ret_lo) AS_MUST_CHECK;

#endif
