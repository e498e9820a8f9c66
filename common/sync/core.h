/*
 * The part that both roles share: the table of logs, sessions, who sends what next, what is received, and the
 * pipeline verify -> commit -> answer. branch.h and hq.h stand on it; nothing else includes it.
 */
#ifndef AFTERSYNC_SYNC_CORE_H
#define AFTERSYNC_SYNC_CORE_H

#include "common/sync/sync.h"

/* How far one log has come towards one peer, in the present session. */
struct sync_ship {
	bool known;   /* the peer said what it holds */
	bool refused; /* the peer refused a sound block twice, or after the end of its key; until it takes it
		       */
	bool stopped; /* nothing more is sent in this session */
	uint8_t retries;      /* sound, refused once */
	uint8_t reason;	      /* of the last refusal */
	struct log_head peer; /* what it holds, root compared with ours where we hold as much */
	uint64_t sent;	      /* next index to send */
	uint64_t half;	      /* head office: what is to be answered before … */
	uint32_t since_half;  /* … more than half a window of blocks is sent after it */
	bool showing;	      /* the block at `show` is to be sent once more when credit allows: … */
	uint64_t show;	      /* … evidence of a fork, or one that rotted there */
	uint64_t keys_peer;   /* key changes it holds */
	uint64_t keys_sent;
};

struct sync_log {
	struct log_row row;
	uint64_t in;	  /* end of what is in the pipeline; row.head.size when nothing is */
	uint64_t cut_to;  /* SYNC_FORK: where it is cut */
	uint64_t damaged; /* first index of a stored block that must be fetched back, or LOG_NO_END */
	uint64_t no_parent; /* our nonce of the session in which it was refused for want of its parent: what
			       follows it there is dropped, it would all be a gap */
	struct sync_ship
	    ship; /* towards the one peer that shares it; for HQ_ALL at head office see the session */
};

struct sync_session {
	bool open;	  /* Hello came by this link */
	bool established; /* the peer answered our nonce: it is alive now */
	bool complete;	  /* all heads of the peer are known */
	bool credit_blocked;
	bool want; /* head office: the branch has more than its credit lets it send; set by role->want */
	uint32_t link;
	char branch[BRANCH_CODE_MAX]; /* the branch of this session, on both sides */
	uint8_t run_id[16];	      /* the peer's */
	uint64_t my_nonce, their_nonce;
	uint64_t credit,
	    sent;	   /* bytes of blocks: what we may send in this session, what we sent or gave back */
	uint64_t returned; /* what we gave back; head office: what the branch gave back */
	uint64_t grant_ms; /* head office: when the branch last took or used credit */
	uint64_t granted, received; /* what the peer may send in this session, what of it came */
	uint64_t page_n;	    /* pages asked */
	uint64_t begun_ms;	    /* Hello */
	uint64_t rx_ms;		    /* last whole message */
	uint64_t sent_ms;	    /* last block or key sent while none was unanswered */
	uint64_t announced_ms;
	struct sync_ship all[SYNC_INSTANCES_MAX]; /* head office: HQ_ALL, by instance */
};

struct sync_core;

/* What differs by role. */
struct sync_role {
	bool (*fold)(struct sync_core *c,
		     const struct log_id *id); /* apply a received block now, or later? */
	void (*grant)(struct sync_core *c);    /* credit may be free again */
	void (*peer_more)(struct sync_core *c, struct sync_session *s,
			  struct sync_log *log); /* peer holds more */
	void (*lacking)(struct sync_core *c, struct sync_session *s,
			const struct wire_head *h);		       /* a log we lack */
	void (*complete)(struct sync_core *c, struct sync_session *s); /* all heads of the peer are known */
	void (*want)(struct sync_core *c, struct sync_session *s, bool want); /* head office: credit, or none */
	void (*receipt)(struct sync_core *c, struct sync_log *log,
			const struct msg_have *h); /* it lies on our log */
	void (*stored)(struct sync_core *c, const struct sync_item *item,
		       bool reseal); /* committed, table updated */
};

struct sync_core {
	const struct sync_role *role;
	bool is_hq;
	char branch[BRANCH_CODE_MAX]; /* branch: own code */
	uint8_t run_id[16];
	uint32_t instance; /* head office: own; branch: the highest seen */
	uint32_t transport;
	uint64_t nonces; /* counter in the upper half of each nonce */
	uint64_t now;
	struct rng rng;
	struct sync_env env;
	struct sync_log *logs; /* sorted by branch, class, number, incarnation */
	size_t logs_n, logs_cap;
	struct sync_item *queue; /* received, in order of arrival */
	size_t queue_n, queue_cap;
	struct sync_item flight[SYNC_FLIGHT_MAX]; /* the commit under way */
	size_t flight_n;
	uint64_t pool;	/* bytes of blocks that may still be granted: grants and what lies in the queue are
			   taken from it */
	bool hold;	/* nothing new is committed */
	bool appending; /* an append to append_log was ordered: what comes for it meanwhile is dropped … */
	bool append_lost; /* … and was: to be said again */
	struct log_id append_log;
	bool gap_seen;	     /* sync_block refused a block for a gap */
	bool refused_seen;   /* … or for any other reason */
	uint64_t full_until; /* the store was full: nothing is taken before */
};

/* Table. Positions change with insert and remove. */
struct sync_log *sync_log_find(struct sync_core *c, const struct log_id *id);
struct sync_log *sync_log_add(struct sync_core *c,
			      const struct log_row *row); /* NULL: table full (alarm raised) */
/* Is there a place for this log, or does it stand there? One is kept for the log that an append was ordered
 * to. */
bool sync_log_room(struct sync_core *c, const struct log_id *id);
void sync_log_remove(struct sync_core *c, struct sync_log *log);
struct sync_ship *sync_ship_of(struct sync_core *c, struct sync_session *s, struct sync_log *log);
/* Is this log shared with that branch? */
bool sync_log_shared(const struct log_id *id, const char branch[BRANCH_CODE_MAX]);
/* Iterates the logs shared with a branch: HQ_ALL first, then its own range. at = 0 to begin; NULL at the end.
 */
struct sync_log *sync_log_next(struct sync_core *c, const char branch[BRANCH_CODE_MAX], size_t *at);
/*
 * Does `head` lie on what we hold of the log? It differs also when we hold less. Unreadable: our block there
 * is damaged (a check of it is ordered), so nobody can say; that is no other continuation.
 */
enum sync_look { LOOK_AGREES, LOOK_DIFFERS, LOOK_UNREADABLE };
enum sync_look sync_head_look(struct sync_core *c, const struct sync_log *log, const struct log_head *head);
bool sync_head_agrees(struct sync_core *c, const struct sync_log *log, const struct log_head *head);
/* The log whose key numbers the blocks of `log` name: LIVE of the same incarnation; itself; NULL for HQ_ALL.
 */
struct sync_log *sync_keys_log(struct sync_core *c, const struct sync_log *log);

void sync_emit(struct sync_core *c, const struct sync_out *out);
void sync_send(struct sync_core *c, uint32_t link, const struct msg *m);
void sync_alarm(struct sync_core *c, enum sync_alarm what, const char branch[BRANCH_CODE_MAX],
		const struct log_id *log, uint64_t size);
void sync_refuse(struct sync_core *c, struct sync_session *s, uint32_t link, uint8_t reason,
		 const struct log_id *log, uint64_t first);

/* Session. */
void sync_hello_send(struct sync_core *c, struct sync_session *s, const struct msg_hello *answered);
void sync_hello_heads(struct sync_core *c, struct sync_session *s, const struct msg_hello *h);
void sync_heads(struct sync_core *c, struct sync_session *s, const struct msg_heads *h);
void sync_announce(struct sync_core *c, struct sync_session *s);
void sync_have_send(struct sync_core *c, struct sync_session *s, const struct sync_log *log_or_null,
		    bool reseal);
void sync_have(struct sync_core *c, struct sync_session *s, const struct msg_have *h);
/* Sends a block that the peer already has a place for (evidence of a fork, or one that rotted there); later,
 * when credit does not allow it now. */
void sync_show(struct sync_core *c, struct sync_session *s, struct sync_log *log, uint64_t first);
void sync_pump(struct sync_core *c, struct sync_session *s);
/* Branch: nothing left to send. What is more than a live event needs goes back, others may be waiting for it.
 */
void sync_give_back(struct sync_core *c, struct sync_session *s);
/* Whoever sent what was stored holds it. */
void sync_sender_has(struct sync_core *c, struct sync_session *s, const struct sync_item *item);
/* Anything sent and not answered? */
bool sync_unanswered(struct sync_core *c, struct sync_session *s);
/* Is a log held up by a refusal? */
bool sync_any_stopped(struct sync_core *c, struct sync_session *s);
/* A refusal about a block that we sent; true when the session must begin again. */
bool sync_refused(struct sync_core *c, struct sync_session *s, const struct msg_refuse *r);
/* The answer to SYNC_CHECK. Damaged: the caller decides. */
void sync_checked_sound(struct sync_core *c, struct sync_session *s, const struct log_id *id, uint64_t first);

/* Ends the credit of a session: what was granted and did not come is free again. */
void sync_credit_end(struct sync_core *c, struct sync_session *s);
void sync_credit_give(struct sync_core *c, struct sync_session *s, uint64_t bytes);

/* Pipeline. */
void sync_block(struct sync_core *c, struct sync_session *s, const struct msg_block *b);
void sync_keys(struct sync_core *c, struct sync_session *s, const struct msg_keys *k);
/* Are key changes of this log received and not committed? ret_upto (may be NULL): then the last of them. */
bool sync_keys_under_way(const struct sync_core *c, const struct log_id *id, uint64_t *ret_upto);
bool sync_push(struct sync_core *c, const struct sync_item *item); /* false: queue full */
void sync_verified(struct sync_core *c, struct sync_session *s, const struct sync_verified *v);
struct sync_item *sync_item_of(struct sync_core *c, uint32_t slot);
void sync_kick(struct sync_core *c);
void sync_committed(struct sync_core *c, const struct sync_committed *done);
/* Ask the peer for the stored block at log->damaged. */
void sync_ask_back(struct sync_core *c, struct sync_session *s, const struct sync_log *log);
/* An append to this log is ordered; then its end: did anything come meanwhile that must be said again? */
void sync_append_begin(struct sync_core *c, const struct log_id *id);
bool sync_append_end(struct sync_core *c);
/* May that append write key changes of this log? */
bool sync_append_keys(const struct sync_core *c, const struct log_id *id);
/* Forgets everything of this log that is in the queue (not what is being committed). */
void sync_drop(struct sync_core *c, const struct log_id *id);
/* Gives back everything that waits. */
void sync_drop_all(struct sync_core *c);

#endif
