/*
 * `hq enrol`: what is asked for, the events that it makes, the join codes. One branch, or many in one commit, which is
 * one block for all of them; each branch fetches those blocks.
 */
#ifndef AFTERSYNC_NODE_ENROLMENT_H
#define AFTERSYNC_NODE_ENROLMENT_H

#include "common/node/hq_all.h"

/*
 * The events of one: NODE_ENDED of every live machine of the branch when it is to be replaced, then
 * BRANCH_ENROLLED; and the join code.
 */
struct enrolment {
	char branch[BRANCH_CODE_MAX];
	char name[ROSTER_NAME_MAX + 1], region[ROSTER_REGION_MAX + 1], zone[ROSTER_ZONE_MAX + 1];
	char endpoint[ENDPOINT_BYTES_MAX + 1]; /* that the branch connects to */
	uint32_t uses;
	int64_t expires; /* UTC ms */
	bool replace;
};

#define ENROL_EVENTS_MAX 20

/* Reads a request {"cmd":"hq-enrol",…}. AS_EINVAL: em has one sentence. Missing: name, region and
 * zone as they were enrolled before, else empty and head office's zone; endpoint from listen, uses 1, expires 24 h. */
struct json_t;
as_err enrolment_parse(const struct node *n, const struct json_t *request, const char *listen, int64_t now,
		       struct enrolment *ret, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Adds the enrolment to a begun batch. AS_EREFUSED: the branch has a machine that is not to be replaced, or no
 * public address; em. ret_code: to be wiped by join_code_done.
 */
as_err enrolment_to_batch(struct batch *b, const struct enrolment *e, struct join_code *ret_code,
			  struct bytes ret_raw[ENROL_EVENTS_MAX], size_t *ret_n, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Many branches at once, by {"cmd":"hq-enrol","branches":[{"branch":…,"name":…,"region":…,"timezone":…}, …],…}: what
 * stands beside the list counts for all of them. Without a list, the one branch of the request. *ret: *ret_n of them, to
 * be freed. AS_EINVAL: nothing is made; em names the branch. AS_ENOMEM.
 */
#define ENROLMENTS_MAX 2000
as_err enrolments_parse(const struct node *n, const struct json_t *request, const char *listen, int64_t now,
			struct enrolment **ret, size_t *ret_n, struct as_errmsg *em) AS_MUST_CHECK;

/* As enrolment_to_batch for each of n that replace nothing: all or, with em, none. ret_raw: n of them. */
as_err enrolments_to_batch(struct batch *b, const struct enrolment *e, size_t n, struct join_code *ret_codes,
			   struct bytes *ret_raw, struct as_errmsg *em) AS_MUST_CHECK;

/* What `hq enrol` answers: branch, expires, join_code. *ret is the caller's, and holds a secret. */
as_err enrolment_answer(const struct join_code *code, const struct node_home *home, int64_t expires, struct json_t **ret,
			struct as_errmsg *em) AS_MUST_CHECK;

#endif
