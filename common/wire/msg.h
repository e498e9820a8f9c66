/*
 * Messages between two nodes, as plain values. One message is one ZeroMQ frame of at most MESSAGE_BYTES_MAX;
 * msg_codec.h turns it to and from proto/sync.proto. Pure.
 *
 * Sessions: each Hello carries a fresh random nonce of its sender. Every later message carries the nonce of
 * the *recipient's* latest Hello (field `session`); a message with another nonce belongs to an older
 * connection or run and claims nothing.
 */
#ifndef AFTERSYNC_WIRE_MSG_H
#define AFTERSYNC_WIRE_MSG_H

#include "common/log/log_id.h"

#define WIRE_VERSION 1u	    /* what this program speaks … */
#define WIRE_VERSION_MIN 1u /* … and the oldest that it still speaks */

enum msg_type {
	MSG_HELLO = 1,
	MSG_HEADS, /* a page of heads, or the question for one */
	MSG_BLOCK,
	MSG_HAVE,
	MSG_KEYS,
	MSG_REFUSE,
	MSG_JOIN,
	MSG_JOINED,
	MSG_PENDING,
};

/* What a node durably holds of one log. */
struct wire_head {
	struct log_id log;
	struct log_head head;
	uint64_t keys; /* highest contiguous key change held of this log's author and incarnation; 0 for BULK,
			  HQ_ALL */
};

struct msg_hello {
	uint32_t wire_min, wire_max;
	char branch[BRANCH_CODE_MAX]; /* the branch, on both sides */
	bool from_hq;
	uint8_t run_id[16];	 /* random; a branch: 8 bytes for the start, 8 for the connection */
	uint64_t nonce;		 /* of this Hello, never 0 */
	uint64_t echo;		 /* head office: the nonce of the Hello that this one answers */
	uint32_t instance;	 /* head office: its own; branch: the highest it has seen */
	uint64_t roster_version; /* size of hq/all of the highest instance held */
	uint32_t transport; /* number of head office's current key-transport key, as known to the sender */
	uint64_t credit;    /* bytes of blocks the sender of this Hello will take in this session */
	uint32_t heads_n;
	struct wire_head heads[HELLO_HEADS_MAX]; /* open logs and those not fully receipted, oldest first */
	uint32_t rest_n;			 /* how many shared logs are not in heads … */
	uint8_t rest_digest[32]; /* … and SHA-256 over their (log id, size, root), in order */
};

struct msg_heads {
	bool ask;	     /* a question: send the page that follows `after` */
	bool from_start;     /* question: no `after` */
	bool last;	     /* answer: no more pages */
	bool announce; /* not an answer: heads that the recipient lacks, said unasked */
	uint64_t returned; /* announcement: bytes of credit given back in this session, in total */
	struct log_id after; /* question */
	uint32_t heads_n;
	struct wire_head heads[HELLO_HEADS_MAX]; /* answer, in log_id_order */
};

struct msg_block {
	struct log_id log;
	uint64_t first; /* index of the first event */
	uint32_t count;
	struct bytes block; /* as stored: header, sealed events, checkpoint note; borrowed */
	uint32_t slot;	    /* not on the wire: where the shell keeps the bytes of a received block */
	uint8_t fault; /* not on the wire: what a first look (block_peek) found wrong, REFUSE_NONE when nothing */
};

struct msg_have {
	struct log_id log;
	struct log_head head;
	uint64_t keys;	 /* as in wire_head */
	uint64_t credit; /* total bytes of blocks that the peer may have sent since the sender's Hello */
	bool reseal; /* keys after `keys` are sealed to an old transport key: seal them to `transport`, send
			again */
	uint32_t transport;
	bool receipted; /* receipt is present: head office's cosignature on the checkpoint of `head` */
	uint8_t
	    receipt[76]; /* key id (4), time (8), signature (64): the payload of a C2SP cosignature/v1 line */
};

enum key_op { KEY_PUT = 1, KEY_VOID, KEY_TOMBSTONE };

struct wire_key {
	uint64_t number;
	uint8_t op; /* enum key_op */
	uint8_t subject[16];
	uint32_t transport; /* number of the transport key that `sealed` is sealed to */
	uint8_t sealed[80]; /* PUT: the subject key, as_boxes (common/crypto/seal.h) */
};

struct msg_keys {
	struct log_id log; /* the LIVE or HQ_BRANCH log whose author and incarnation number the changes */
	uint32_t keys_n;
	struct wire_key *keys; /* borrowed; numbers are consecutive */
	uint32_t slot;	       /* not on the wire: where the shell keeps the received entries */
};

enum refuse_reason {
	REFUSE_NONE = 0,
	REFUSE_HELLO,	     /* no session: say Hello again */
	REFUSE_INCOMPATIBLE, /* no common wire version */
	REFUSE_REVOKED,	     /* this node's key is no longer admitted */
	REFUSE_TOO_LARGE,    /* block: over a size limit */
	REFUSE_LINK,	     /* block: this link may not carry this log */
	REFUSE_ORIGIN,	     /* block: the note's origin is not the log */
	REFUSE_GAP,	     /* block: first is beyond what the receiver holds; `head` is what it holds */
	REFUSE_FORKED,	     /* the receiver committed something else; points follow */
	REFUSE_PARENT,	     /* block: the parent prefix is not held, or has another root */
	REFUSE_AFTER_END,    /* block: the key of this log ended before */
	REFUSE_SIGNATURE,    /* block: the author's checkpoint signature is wrong */
	REFUSE_CONTENT_KEY,  /* block: the content key does not open it */
	REFUSE_DAMAGED,	     /* block: decryption, decompression, count or root is wrong */
	REFUSE_INSTANCE,     /* head office's instance is lower than the branch has seen */
	REFUSE_TOKEN,	     /* join: unknown, expired or used token */
	REFUSE_REASONS
};

struct msg_refuse {
	struct log_id log; /* all zero when the refusal is about the link */
	uint8_t reason;	   /* enum refuse_reason */
	uint64_t first;	   /* index of the refused block */
	uint32_t points_n; /* REFUSE_GAP: 1, the receiver's head. REFUSE_FORKED: its heads at block ends,
			      newest first */
	struct log_head points[REFUSE_POINTS_MAX];
};

struct msg_join {
	char branch[BRANCH_CODE_MAX];
	uint8_t identity[32];  /* Ed25519 */
	uint8_t link[32];      /* CURVE */
	uint8_t recipient[32]; /* X25519 */
	struct log_id live;    /* the first incarnation of this node */
	uint8_t signature[64]; /* by identity, context "aftersync v1 join" */
};

/* Joined: blocks may be sent. Pending: ask again later. */
struct msg_joined {
	char branch[BRANCH_CODE_MAX];
	uint8_t identity[32]; /* the node key that was admitted */
};

struct msg {
	uint8_t type; /* enum msg_type */
	uint64_t
	    session; /* the recipient's latest nonce; 0 in Hello, Join, Joined, Pending and before a Hello */
	union {
		struct msg_hello hello;
		struct msg_heads heads;
		struct msg_block block;
		struct msg_have have;
		struct msg_keys keys;
		struct msg_refuse refuse;
		struct msg_join join;
		struct msg_joined joined;
	};
};

#endif
