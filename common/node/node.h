/*
 * A node at work: its directory, keys and database, and what one thread needs to read and write them.
 *
 * struct node_home is what a process has once: keys, time zone, the open database. It is read by all threads and
 * changed by none after node_home_open, but for what stands under "changes" below. struct node is one thread's
 * view of it: its own handle of the store, scratch memory for opening blocks, readers of logs, the roster. One
 * of them is the writer.
 */
#ifndef AFTERSYNC_NODE_NODE_H
#define AFTERSYNC_NODE_NODE_H

#include "common/log/block_io.h"
#include "common/node/joincode.h"
#include "common/node/personal.h"
#include "common/node/roster.h"
#include "common/store/store.h"

#define NODE_INSTANCES_MAX ROSTER_INSTANCES_MAX

enum node_mode {
	NODE_READ,  /* a second process may have it open as the writer */
	NODE_WRITE, /* under the directory lock */
};

/* X25519 with its number; head office's key-transport keys. */
struct node_box {
	uint32_t number;
	uint8_t public_key[32], secret[32];
};

struct node_home {
	struct node_dir dir;
	bool is_hq;
	uint8_t org[16];
	char branch[BRANCH_CODE_MAX]; /* zero padded; all zero at head office */
	struct node_ident ident;
	struct join_code join; /* branch: what it was told of head office; zero at head office */
	struct tz tz;
	struct kv *kv;
	/* secrets */
	uint8_t link_public[32], link_secret[32];		   /* CURVE */
	uint8_t recipient_public[32], recipient_secret[32];	   /* X25519 */
	uint8_t store_key[32], ring_key[32];
	uint8_t identity_public[32], identity_secret[64];	   /* branch: Ed25519 */
	uint32_t instance;					   /* head office: own */
	uint8_t instance_public[32], instance_secret[64];	   /* head office */
	struct node_box transports[8];				   /* head office, newest last */
	size_t transports_n;
};

struct node_reader; /* what opens the blocks of one log here */

/* How far a log to everybody stands in the roster. */
struct node_roster_at {
	struct log_id log;
	struct log_head head;
};

/* One thread's view. Not to be moved: the store's opener points to it. */
struct node {
	struct node_home *home;
	struct store *st;
	uint64_t fence; /* the writer's */
	struct block_io io;
	struct block_opened opened; /* of the opener, until its next call */
	struct roster roster;
	bool roster_damaged; /* it ends before the stored block or row that could not be read */
	struct node_roster_at roster_at[ROSTER_INSTANCES_MAX]; /* as node_roster_load and _renew left it; in order of logs */
	size_t roster_at_n;
	struct node_reader *readers; /* by log; uthash */
	size_t readers_n;
	struct buf block; /* scratch */
	/* which block stands in `opened`, for node_event_again */
	bool opened_kept;
	struct log_id opened_log;
	uint64_t opened_first;
};

/* What a program sets; zeros are the defaults. */
struct node_opts {
	const char *credentials;   /* $CREDENTIALS_DIRECTORY, or NULL */
	uint64_t map_bytes;	   /* address space of the database */
	uint64_t limit_bytes;	   /* bound on its bytes; 0: the disk's */
	uint64_t preallocate_bytes;
};

/*
 * Opens DIR: checks owner and modes, loads keys, opens the database. AS_EIO, AS_EINVAL, AS_ECORRUPT,
 * AS_EUNSUPPORTED, AS_ENOTFOUND (no node there), AS_ECONFLICT (NODE_WRITE: another process has it): em says
 * which file, why, and what to do.
 */
as_err node_home_open(struct node_home **ret_home, const char *dir, enum node_mode mode,
		      const struct node_opts *opts, struct as_errmsg *em) AS_MUST_CHECK;
void node_home_close(struct node_home *take_home); /* wipes the secrets; NULL is fine */

/*
 * A view for the calling thread; writer: takes the fence. Reads hq/all into the roster. Where that is damaged, the view
 * has roster_damaged; head office's writer is refused with AS_ECORRUPT, because it would admit whom it has ended.
 */
as_err node_view(struct node **ret_node, struct node_home *home, bool writer, struct as_errmsg *em) AS_MUST_CHECK;
/*
 * A further view with the roster of one that is there, which is copied instead of read again: thousands of blocks.
 * Nothing is committed, and that view not used, meanwhile.
 */
as_err node_view_beside(struct node **ret_node, const struct node *beside, struct as_errmsg *em) AS_MUST_CHECK;
void node_view_free(struct node *take_node); /* NULL is fine */
/* A view that is kept for later: forgets readers and their keys, gives back what opening blocks took. */
void node_view_rest(struct node *n);

/* Both at once, for the command line. */
as_err node_open(struct node **ret_node, const char *dir, enum node_mode mode, struct as_errmsg *em) AS_MUST_CHECK;
void node_close(struct node *take_node);

/* ---- reading stored logs ------------------------------------------------------------------------------- */

struct node_reader *node_reader_get(struct node *n, const struct log_id *log); /* NULL: not held, or not readable */
struct block_reader *node_block_reader(struct node_reader *r);
/* The author's public key, from LOG_OPENED. */
const uint8_t *node_reader_author(const struct node_reader *r);
/* Takes a reader made while a block 0 was verified; replaces what was known. */
as_err node_reader_put(struct node *n, const struct log_id *log, const struct block_reader *r,
		       const uint8_t author[32]) AS_MUST_CHECK;
void node_reader_forget(struct node *n, const struct log_id *log);
/* A reader with the recipient's keys set, for this author. */
void node_reader_make(struct node *n, const struct log_id *log, const uint8_t author[32],
		      struct block_reader *ret_r);

/* Opens a stored block into *o (any block_opened). AS_ECORRUPT. */
as_err node_block_open(struct node *n, const struct log_id *log, struct bytes block,
		       struct block_opened *o) AS_MUST_CHECK;

/* Reads the event at a place; *ret_raw borrows from n->opened until the next block is opened. */
as_err node_event_at(struct node *n, const struct log_id *log, uint64_t index, struct bytes *ret_raw) AS_MUST_CHECK;

/*
 * The same for many events in a row: the block that is open already is not read again. Only between a node_event_at or
 * node_event_forget and the next commit of whoever writes the store.
 */
as_err node_event_again(struct node *n, const struct log_id *log, uint64_t index,
			struct bytes *ret_raw) AS_MUST_CHECK;
void node_event_forget(struct node *n);

/* Reads every event of a log from `from` on, whole blocks; fn ends it with anything but AS_OK. */
typedef as_err (*node_event_fn)(void *arg, const struct log_id *log, uint64_t index, struct bytes raw);
as_err node_each_event(struct node *n, const struct log_id *log, uint64_t from, node_event_fn fn,
		       void *arg) AS_MUST_CHECK;

/* Folds every hq/all log that is held into n->roster, from nothing. AS_ECORRUPT: up to what is damaged. */
as_err node_roster_load(struct node *n) AS_MUST_CHECK;

/*
 * For a view whose roster nobody else folds: takes what the hq/all logs have more since the last call, and reads them from
 * nothing where one is no continuation of what was read. As node_roster_load.
 */
as_err node_roster_renew(struct node *n) AS_MUST_CHECK;

/* ---- personal parts ------------------------------------------------------------------------------------ */

/* The subject's key from the ring. AS_ENOTFOUND: none; AS_EREFUSED: erased. Wipe it. */
as_err node_subject_key(struct node *n, const uint8_t subject[16], uint8_t ret_key[32]) AS_MUST_CHECK;

/* Opens an event's personal part; branch: the log's. */
as_err node_personal_open(struct node *n, const char branch[BRANCH_CODE_MAX], const struct event *ev,
			  uint8_t ret_plain[PERSONAL_SEALED_MAX], size_t *ret_n) AS_MUST_CHECK;

/* ---- joining ------------------------------------------------------------------------------------------- */

/*
 * What a node signs in `Join`, context "aftersync v1 join": org (16) || branch (8) || identity (32) || link (32) ||
 * recipient (32) || live log (29) || the token's public key (32). It proves that who joins has the identity key, and
 * binds the other keys to it and to this token.
 */
#define NODE_JOIN_CONTEXT "aftersync v1 join"
void node_join_sign(const struct node_home *h, const uint8_t token_key[32], struct msg_join *j);
bool node_join_ok(const uint8_t org[16], const uint8_t token_key[32], const struct msg_join *j);

/* "BJ01/live/3.a1b2c3d4", "hq/all/1", "hq/BJ01/1": how people see a log's name; returns out. */
#define NODE_LOG_TEXT_MAX 48
const char *node_log_text(const struct log_id *log, char out[NODE_LOG_TEXT_MAX]);

#endif
