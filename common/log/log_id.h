/*
 * The name of a log: an append-only sequence of events of one author, one incarnation (or instance), one
 * class. Pure.
 */
#ifndef AFTERSYNC_LOG_LOG_ID_H
#define AFTERSYNC_LOG_LOG_ID_H

#include "common/base/bytes.h"
#include "common/base/limits.h"

enum log_class {
	LOG_LIVE = 1,	   /* a branch's daily work; always sent first */
	LOG_BULK = 2,	   /* a branch's imports */
	LOG_HQ_ALL = 3,	   /* head office to everybody: signed, not sealed */
	LOG_HQ_BRANCH = 4, /* head office to one branch: sealed */
};

/*
 * LIVE and BULK: branch = author, number and inc = the incarnation.
 * HQ_ALL and HQ_BRANCH: branch = addressee (all zero for HQ_ALL), number = the instance, inc all zero.
 */
struct log_id {
	uint8_t cls;		      /* enum log_class */
	char branch[BRANCH_CODE_MAX]; /* zero padded */
	uint32_t number;
	uint8_t inc[16];
};

/* head of a log: size and root as a node durably holds it */
struct log_head {
	uint64_t size;
	uint8_t root[32];
};

static inline bool log_is_hq(const struct log_id *id)
{
	return id->cls == LOG_HQ_ALL || id->cls == LOG_HQ_BRANCH;
}

/* Class, branch, number, incarnation: for one class and branch this is the order of folding. */
static inline int log_id_cmp(const struct log_id *a, const struct log_id *b)
{
	int c;

	if (a->cls != b->cls)
		return a->cls < b->cls ? -1 : 1;
	if ((c = memcmp(a->branch, b->branch, sizeof a->branch)) != 0)
		return c;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return memcmp(a->inc, b->inc, sizeof a->inc);
}

static inline bool log_id_equal(const struct log_id *a, const struct log_id *b)
{
	return log_id_cmp(a, b) == 0;
}

/* The order in which a node lists the logs that it shares with a branch: by branch (HQ_ALL has none), then as above. */
static inline int log_id_order(const struct log_id *a, const struct log_id *b)
{
	int c = memcmp(a->branch, b->branch, sizeof a->branch);

	return c ? c : log_id_cmp(a, b);
}

/* Fixed 29-byte form used in headers and store keys: class, branch, number (BE), inc. Sorts as log_id_cmp. */
#define LOG_ID_BYTES 29

static inline void log_id_put(const struct log_id *id, uint8_t out[LOG_ID_BYTES])
{
	out[0] = id->cls;
	memcpy(out + 1, id->branch, 8);
	put_be32(out + 9, id->number);
	memcpy(out + 13, id->inc, 16);
}

/* False when the class is unknown or a part that must be zero is not. */
static inline bool log_id_get(const uint8_t in[LOG_ID_BYTES], struct log_id *ret_id)
{
	static const uint8_t zero[16];
	struct log_id id = {.cls = in[0], .number = get_be32(in + 9)};

	memcpy(id.branch, in + 1, 8);
	memcpy(id.inc, in + 13, 16);
	if (id.cls < LOG_LIVE || id.cls > LOG_HQ_BRANCH || id.number == 0)
		return false;
	if ((id.cls == LOG_HQ_ALL) != (id.branch[0] == 0))
		return false;
	for (size_t i = 0, end = 0; i < sizeof id.branch; i++) {
		char c = id.branch[i];
		if (c == 0)
			end = 1;
		else if (end || !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
			return false;
	}
	if (log_is_hq(&id) != (memcmp(id.inc, zero, 16) == 0))
		return false;
	*ret_id = id;
	return true;
}

#endif
