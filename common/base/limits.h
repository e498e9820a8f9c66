/*
 * Every fixed limit of the project, with the relations that must hold between them.
 */
#ifndef AFTERSYNC_BASE_LIMITS_H
#define AFTERSYNC_BASE_LIMITS_H

#define BRANCH_CODE_MAX 8	     /* characters of a branch code, [A-Z0-9]{2,8} */
#define EVENT_BYTES_MAX 32768	     /* an encoded event */
#define BLOCK_PLAIN_MAX (128 * 1024) /* plain text at which a block is closed */
#define BLOCK_EVENTS_MAX 4096	     /* events of a block */
#define BLOCK_BYTES_MAX (176 * 1024) /* a sealed block as stored and sent */
#define MESSAGE_BYTES_MAX (256 * 1024)
#define NOTE_BYTES_MAX 8192
#define NOTE_SIGNATURES_MAX 16
#define HELLO_HEADS_MAX 64 /* heads in Hello and in one page of Heads */
#define REFUSE_POINTS_MAX 32
#define KEYS_PER_MESSAGE_MAX 256

#define EVENT_UNKNOWN_MAX 32			   /* unknown fields of an event, and of a body */
#define LABEL_BYTES_MAX 40			   /* order_no, complaint_no … */
#define PERSONAL_BYTES_MAX 8192			   /* a personal part before sealing */
#define CASE_EVENTS_MAX 1000			   /* events of a case that are folded: the first in order */
#define CASE_REC_BYTES_MAX (CASE_EVENTS_MAX * 192) /* an encoded case record */
#define MODEL_BYTES_MAX 32
#define REASON_BYTES_MAX 200
#define PARTS_LIST_MAX 50 /* parts used in a repair */

#define ASIDE_BLOCKS_MAX 4096			   /* refused blocks kept as evidence … */
#define ASIDE_BYTES_MAX (64u * 1024 * 1024)	   /* … their bytes … */
#define ASIDE_BLOCKS_EACH_MAX 64		   /* … and blocks of one branch and class */

_Static_assert(EVENT_BYTES_MAX <= BLOCK_PLAIN_MAX, "an event fits a block");
_Static_assert(BLOCK_PLAIN_MAX < BLOCK_BYTES_MAX, "a block that does not compress fits");
_Static_assert(BLOCK_BYTES_MAX + 4096 < MESSAGE_BYTES_MAX, "a block fits a message");

#endif
