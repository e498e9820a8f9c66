/*
 * The roster: who head office is, which branches there are, which machines may speak for them. A fold of the
 * kinds 210 to 215 in head office's logs to everybody (hq/all), instance after instance; the same fold at head
 * office and at each branch. Nothing in it is secret or personal.
 *
 * Memory is its own. Threads: one; each thread that needs it folds its own.
 */
#ifndef AFTERSYNC_NODE_ROSTER_H
#define AFTERSYNC_NODE_ROSTER_H

#include "common/log/log_id.h"
#include "common/node/chains.h"
#include "common/wire/event.h"

#define ROSTER_NAME_MAX 60
#define ROSTER_REGION_MAX 40
#define ROSTER_ZONE_MAX 40
#define ROSTER_INSTANCES_MAX 32

struct roster_instance {
	uint32_t number;
	uint8_t key[32];       /* Ed25519: its logs, its receipts */
	uint8_t recipient[32]; /* X25519: content keys are sealed to it */
};

struct roster_transport {
	uint32_t number;
	uint8_t key[32]; /* X25519: subject keys are sealed to it */
};

/* A machine of a branch; the newest that is not ended speaks for it. */
struct roster_node {
	char branch[BRANCH_CODE_MAX];
	uint32_t token;
	uint8_t identity[32], link[32], recipient[32];
	struct log_id live;
	bool ended;
};

struct roster_token {
	uint32_t number;
	char branch[BRANCH_CODE_MAX];
	uint8_t key[32]; /* CURVE public key of the token */
	int64_t expires; /* UTC ms */
	uint32_t uses, used;
};

struct roster_branch {
	char code[BRANCH_CODE_MAX];
	char name[ROSTER_NAME_MAX + 1], region[ROSTER_REGION_MAX + 1], zone[ROSTER_ZONE_MAX + 1];
	uint32_t first_number; /* of incarnations, as said with the last token */
};

/* A content key for a branch's new server. */
struct roster_log_key {
	struct log_id log;
	uint8_t sealed[80];
};

struct roster {
	uint8_t org[16];
	uint8_t root[32];
	struct roster_instance instances[ROSTER_INSTANCES_MAX]; /* ascending */
	size_t instances_n;
	struct roster_transport *transports;
	size_t transports_n, transports_cap;
	struct roster_node *nodes; /* in order of admission */
	size_t nodes_n, nodes_cap;
	struct roster_token *tokens; /* by number */
	size_t tokens_n, tokens_cap;
	struct roster_branch *branches; /* by code */
	size_t branches_n, branches_cap;
	struct roster_log_key *log_keys; /* one a log: the newest */
	size_t log_keys_n, log_keys_cap;
	uint64_t events; /* folded: of all hq/all logs together */
	struct chains node_identities, node_links, node_branches, node_tokens, token_keys, log_key_logs;
	bool loading;		   /* branches stand in the order of their enrolment … */
	struct chains branch_codes; /* … and are found by these */
};

/* root: head office's root public key; instances count only when it certified them. */
void roster_init(struct roster *r, const uint8_t org[16], const uint8_t root[32]);
void roster_done(struct roster *r); /* accepts a zeroed struct */

/* The same again in memory of its own. AS_ENOMEM: *ret is empty. */
as_err roster_copy(struct roster *ret, const struct roster *r) AS_MUST_CHECK;

/*
 * Takes one event of an hq/all log. Other kinds, and what does not follow the table, change nothing: an older
 * program must live with a newer head office. AS_ENOMEM.
 */
as_err roster_fold(struct roster *r, const struct event *ev) AS_MUST_CHECK;

/* Many events at once: between the two only roster_fold is called. */
void roster_load_begin(struct roster *r); /* of an empty one */
void roster_load_end(struct roster *r);

const struct roster_instance *roster_instance_of(const struct roster *r, uint32_t number);
const struct roster_transport *roster_transport_of(const struct roster *r, uint32_t number); /* 0: the newest */
const struct roster_branch *roster_branch_of(const struct roster *r, const char code[BRANCH_CODE_MAX]);
struct roster_token *roster_token_of(const struct roster *r, uint32_t number);
const struct roster_token *roster_token_by_key(const struct roster *r, const uint8_t key[32]);
const struct roster_node *roster_node_by_link(const struct roster *r, const uint8_t link[32]);
const struct roster_node *roster_node_by_identity(const struct roster *r, const uint8_t identity[32]);
/* The machine that speaks for the branch now; NULL: none. */
const struct roster_node *roster_node_of(const struct roster *r, const char branch[BRANCH_CODE_MAX]);
/* The newest machine of the branch, ended ones too, then the one before it …; NULL: no more. before: NULL to begin. */
const struct roster_node *roster_node_before(const struct roster *r, const char branch[BRANCH_CODE_MAX],
					     const struct roster_node *before);
/* The newest that came with this join code; NULL: none. */
const struct roster_node *roster_node_of_token(const struct roster *r, uint32_t token);
/* The newest sealed content key of a log; NULL. */
const struct roster_log_key *roster_log_key_of(const struct roster *r, const struct log_id *log);

/* ---- making the events -------------------------------------------------------------------------------- */

/* Longest body of the kinds 210 to 215. */
#define ROSTER_BODY_MAX 512

/* Bodies of the events; each returns the length. Texts must fit the table (asserted). */
size_t roster_put_instance(uint8_t out[ROSTER_BODY_MAX], const struct roster_instance *i,
			   const uint8_t certificate[64]);
size_t roster_put_transport(uint8_t out[ROSTER_BODY_MAX], const struct roster_transport *t);
size_t roster_put_enrolled(uint8_t out[ROSTER_BODY_MAX], const struct roster_token *t,
			   const struct roster_branch *b, bool replace);
size_t roster_put_admitted(uint8_t out[ROSTER_BODY_MAX], const struct roster_node *n);
size_t roster_put_ended(uint8_t out[ROSTER_BODY_MAX], const struct roster_node *n);
size_t roster_put_log_key(uint8_t out[ROSTER_BODY_MAX], const struct roster_log_key *k);

/*
 * What the root key signs (context "aftersync v1 instance") to certify an instance:
 * org (16) || number (4) || key (32) || recipient (32).
 */
#define ROSTER_INSTANCE_CONTEXT "aftersync v1 instance"
#define ROSTER_INSTANCE_BODY 84
void roster_instance_body(const uint8_t org[16], const struct roster_instance *i,
			  uint8_t out[ROSTER_INSTANCE_BODY]);

/* Does this event certify an instance with the root key? *ret is written then. */
bool roster_certified(const struct event *ev, const uint8_t org[16], const uint8_t root[32],
		      struct roster_instance *ret);

#endif
