#include "daemon/rt/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/node/text_time.h"

void history_add(struct history *h, int64_t utc_ms, const char branch[BRANCH_CODE_MAX], enum sync_state state,
		 const char *reason)
{
	const char *why = reason && reason[0] ? reason : sync_state_reason(state);
	struct history_entry *e;

	logline(state < SYNC_CATCHING_UP ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "state", "branch=%.8s state=%s reason=%s",
		branch, sync_state_name(state), LOG_STR(why));
	if (h->ring == NULL && (h->ring = calloc(HISTORY_MAX, sizeof h->ring[0])) == NULL)
		return;
	e = &h->ring[h->at];
	h->at = (h->at + 1) % HISTORY_MAX;
	if (h->n < HISTORY_MAX)
		h->n++;
	*e = (struct history_entry){.utc_ms = utc_ms, .state = (uint8_t)state};
	memcpy(e->branch, branch, BRANCH_CODE_MAX);
	snprintf(e->reason, sizeof e->reason, "%s", why);
}

void history_done(struct history *h)
{
	free(h->ring);
	*h = (struct history){0};
}

void history_emit(const struct history *h, const char *branch, const struct node_home *home, query_emit emit,
		  void *arg)
{
	char code[BRANCH_CODE_MAX + 1] = "";

	for (size_t i = 0; i < h->n; i++) {
		const struct history_entry *e = &h->ring[(h->at + HISTORY_MAX - h->n + i) % HISTORY_MAX];
		char when[TEXT_TIME_MAX];
		AS_AUTO(json) json_t *line = NULL;
		memcpy(code, e->branch, BRANCH_CODE_MAX);
		if (branch && strcmp(branch, code) != 0)
			continue;
		text_time(e->utc_ms, home, when);
		line = json_pack("{s:s, s:s, s:s, s:s}", "time", when, "branch", code, "state",
				 sync_state_name((enum sync_state)e->state), "reason", e->reason);
		if (line == NULL || !emit(arg, line))
			return;
	}
}
