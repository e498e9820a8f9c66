/*
 * Replication core of a head office (docs/protocol.md sections 7 to 21): sessions, credit, forks, clones,
 * joining, instances.
 *
 * Every function is one input: it changes the state and emits outputs through env.out, nothing else. `now` is
 * monotonic milliseconds and must not go back. See sync.h for outputs, ownership and threads.
 */
#ifndef AFTERSYNC_SYNC_HQ_H
#define AFTERSYNC_SYNC_HQ_H

#include "common/sync/core.h"

#define HQ_CREDIT_QUANTUM (256 * 1024) /* a turn of the round robin; at least one block */
#define HQ_NO_SESSION UINT32_MAX
#define HQ_SESSIONS_MAX 16384

_Static_assert(HQ_CREDIT_QUANTUM >= BLOCK_BYTES_MAX, "a turn serves at least one block");

/* By which key a message came; the shell's ZAP handler knows. */
struct hq_link {
	uint32_t link; /* never SYNC_NO_LINK */
	enum sync_link kind;
	char branch[BRANCH_CODE_MAX]; /* NODE */
	bool ended;		      /* NODE: a key that was replaced or revoked */
	uint32_t token;		      /* JOIN: the token's number */
};

struct hq_run {
	uint8_t run_id[16];
	uint64_t nonce; /* highest seen */
};

struct hq_node {
	char branch[BRANCH_CODE_MAX];
	uint32_t session;      /* index, or HQ_NO_SESSION */
	struct hq_run runs[8]; /* newest first */
	uint8_t lives[8][16];  /* runs that proved alive, newest first: one that returns is a clone */
	bool clone, refused, incompatible, revoked, gap;
	bool token_used; /* one of its tokens may be TOKEN_USED */
	struct log_id refused_log; /* a block of it was refused last */
	uint64_t gap_ms;
	uint64_t seen_ms;    /* last whole message; 0: never in this run */
	uint64_t receipt_ms; /* last receipt given, or when a backlog began */
};

enum hq_token_state { TOKEN_OPEN = 1, TOKEN_ADMITTING, TOKEN_USED, TOKEN_SPENT };

struct hq_token {
	uint32_t number;
	char branch[BRANCH_CODE_MAX];
	enum hq_token_state state;
	uint64_t expires_ms;
	bool more;     /* others may still use it: its place is kept when it is spent */
	uint32_t link; /* of the join being admitted */
	struct msg_join join;
};

struct hq_conf {
	uint8_t run_id[16];
	uint64_t seed;
	uint32_t instance;
	uint32_t transport; /* number of the current key-transport key */
	struct sync_env env;
	struct sync_log *logs;
	size_t logs_cap;
	struct sync_item *queue;
	size_t queue_cap;
	struct sync_session *sessions;
	size_t sessions_cap;
	struct hq_node *nodes;
	size_t nodes_cap;
	struct hq_token *tokens;
	size_t tokens_cap;
	/* Bytes of blocks that all links together may send ahead: at least HQ_CREDIT_QUANTUM; with less than
	 * that and SYNC_CREDIT_KEEP for each link, live events of some have to ask first. */
	uint64_t pool;
};

struct hq_core {
	struct sync_core c;
	struct sync_session *sessions;
	size_t sessions_n, sessions_cap; /* n: that were ever in use; free ones among them are taken first */
	size_t sessions_free;		 /* none before it is free */
	uint64_t wants[HQ_SESSIONS_MAX / 64]; /* a bit a session: it wants credit */
	struct hq_node *nodes; /* sorted by branch */
	size_t nodes_n, nodes_cap;
	struct hq_token *tokens; /* by number */
	size_t tokens_n, tokens_cap;
	size_t turn; /* session whose turn it is for credit */
	enum sync_hq_state state;
	uint64_t recovering_until;
	uint64_t damage_ms; /* damaged blocks were asked back last */
};

struct hq_tables {
	struct sync_log *logs;
	size_t logs_cap;
	struct hq_node *nodes;
	size_t nodes_cap;
	struct hq_token *tokens;
	size_t tokens_cap;
};

void hq_core_init(struct hq_core *h, const struct hq_conf *conf);
/* At start: every log of the store, every admitted node, every token that is not spent. */
bool hq_core_load_log(struct hq_core *h, const struct log_row *row);
bool hq_core_add_node(struct hq_core *h, const char branch[BRANCH_CODE_MAX]);
bool hq_core_add_token(struct hq_core *h,
		       const struct hq_token *token); /* in place of the same number, if it is there */
/* Takes larger arrays, with what stands in the present ones, which are the caller's again; NULL: that one stays. */
void hq_core_grow(struct hq_core *h, const struct hq_tables *larger);

/* m: borrowed. Slots of blocks and keys are given back by SYNC_FREE, at once or later. */
void hq_core_recv(struct hq_core *h, uint64_t now, const struct hq_link *link, const struct msg *m);
/* A block from quarantine, admitted by the operator. */
void hq_core_refeed(struct hq_core *h, uint64_t now, const struct msg_block *b);
void hq_core_link_down(struct hq_core *h, uint64_t now, uint32_t link);
void hq_core_tick(struct hq_core *h, uint64_t now);
void hq_core_verified(struct hq_core *h, uint64_t now, const struct sync_verified *v);
void hq_core_committed(struct hq_core *h, uint64_t now, const struct sync_committed *done);
void hq_core_checked(struct hq_core *h, uint64_t now, const struct log_id *log, uint64_t first, bool sound);

/*
 * Head office's own logs: may it append at all; may it append to this log now? After true: when durable, the
 * log's row by appended, or not_appended when nothing was written. One append at a time: until it is answered
 * no other begins, and what branches give back of that log is not taken.
 */
bool hq_core_may_append(const struct hq_core *h);
bool hq_core_append(struct hq_core *h, uint64_t now, const struct log_id *log);
void hq_core_not_appended(struct hq_core *h, uint64_t now);
/* Is there a place in the tables for another log, another token? To be asked before one is made. */
bool hq_core_room(struct hq_core *h, const struct log_id *log);
bool hq_core_token_room(const struct hq_core *h);
void hq_core_appended(struct hq_core *h, uint64_t now, const struct log_row *row);

/* Operator: the keys of all logs of a branch end at what is committed (`hq enrol --replace`). */
void hq_core_end_keys(struct hq_core *h, uint64_t now, const char branch[BRANCH_CODE_MAX]);
/* Operator: raise the end of a log (`quarantine accept`). */
void hq_core_accept(struct hq_core *h, uint64_t now, const struct log_id *log, uint64_t upto);
/* Operator: a new instance was certified and is durable; it listens before it appends. */
void hq_core_new_instance(struct hq_core *h, uint64_t now, uint32_t instance);
/* Operator: append now. */
void hq_core_go(struct hq_core *h, uint64_t now);
/* A new key-transport key: numbers sealed to older ones are to be sealed again. */
void hq_core_transport(struct hq_core *h, uint64_t now, uint32_t transport);

const struct hq_token *hq_core_token(const struct hq_core *h, uint32_t number); /* NULL: not known */
void hq_core_tokens_tidy(struct hq_core *h); /* forgets those that nobody can use any more */
const struct msg_join *hq_core_join(const struct hq_core *h, uint32_t token);
enum sync_state hq_core_state(struct hq_core *h, const char branch[BRANCH_CODE_MAX], uint64_t now);
/* Events of all logs of a branch: said by it, held, receipted. */
void hq_core_totals(struct hq_core *h, const char branch[BRANCH_CODE_MAX], uint64_t *ret_head,
		    uint64_t *ret_held, uint64_t *ret_acked);

#endif
