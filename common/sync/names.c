#include "common/base/check.h"
#include "common/sync/sync.h"

#define STATE_NAME(name, text, reason) text,
#define STATE_REASON(name, text, reason) reason,

static const char *const state_names[SYNC_STATES] = {SYNC_STATE_LIST(STATE_NAME)};
static const char *const state_reasons[SYNC_STATES] = {SYNC_STATE_LIST(STATE_REASON)};

static const char *const refuse_names[REFUSE_REASONS] = {
    [REFUSE_NONE] = "none",
    [REFUSE_HELLO] = "hello",
    [REFUSE_INCOMPATIBLE] = "incompatible",
    [REFUSE_REVOKED] = "revoked",
    [REFUSE_TOO_LARGE] = "too-large",
    [REFUSE_LINK] = "link",
    [REFUSE_ORIGIN] = "origin",
    [REFUSE_GAP] = "gap",
    [REFUSE_FORKED] = "forked",
    [REFUSE_PARENT] = "parent",
    [REFUSE_AFTER_END] = "after-end",
    [REFUSE_SIGNATURE] = "signature",
    [REFUSE_CONTENT_KEY] = "content-key",
    [REFUSE_DAMAGED] = "damaged",
    [REFUSE_INSTANCE] = "instance",
    [REFUSE_TOKEN] = "token",
};

const char *sync_state_name(enum sync_state state)
{
	as_assert((unsigned)state < SYNC_STATES);
	return state_names[state];
}

const char *sync_state_reason(enum sync_state state)
{
	as_assert((unsigned)state < SYNC_STATES);
	return state_reasons[state];
}

const char *sync_refuse_name(uint8_t reason)
{
	return reason < REFUSE_REASONS ? refuse_names[reason] : "unknown";
}
