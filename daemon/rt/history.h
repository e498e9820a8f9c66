/*
 * The last changes of state of the branches, with reasons: what `aftersync why` tells. In memory, a ring; the log lines
 * of the daemon are the lasting record.
 */
#ifndef AFTERSYNC_DAEMON_RT_HISTORY_H
#define AFTERSYNC_DAEMON_RT_HISTORY_H

#include <stdint.h>

#include "common/base/limits.h"
#include "common/intake/json.h"
#include "common/node/query.h"
#include "common/node/node.h"
#include "common/sync/sync.h"

#define HISTORY_MAX 4096
#define HISTORY_REASON_MAX 120

struct history_entry {
	int64_t utc_ms;
	char branch[BRANCH_CODE_MAX];
	uint8_t state; /* enum sync_state */
	char reason[HISTORY_REASON_MAX];
};

struct history {
	struct history_entry *ring; /* HISTORY_MAX, made at the first entry */
	size_t at, n;
};

/* reason: NULL, what is always said of this state. Also writes the log line what=state. */
void history_add(struct history *h, int64_t utc_ms, const char branch[BRANCH_CODE_MAX], enum sync_state state,
		 const char *reason);
void history_done(struct history *h);

/* Oldest first, of one branch (NULL: all), as {"time","branch","state","reason"}. */
void history_emit(const struct history *h, const char *branch, const struct node_home *home, query_emit emit,
		  void *arg);

#endif
