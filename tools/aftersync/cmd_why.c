/* why: the last changes of a branch's state. */
#include "common/base/cleanup.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

static const struct rows_col cols[] = {
    {"time", "time", "时间", RO_TIME, TC_KEY | TC_REPEAT, 0, NULL},
    {"branch", "branch", "网点", RO_TEXT, TC_KEY | TC_REPEAT, 0, NULL},
    {"state", "state", "状态", RO_TEXT, 0, 0, NULL},
    {"reason", "reason", "原因", RO_TEXT, 0, 20, NULL},
};

int cmd_why(const struct args *a)
{
	AS_AUTO(json) json_t *rows = NULL;
	AS_AUTO(out) struct out o;
	int code = ask_all(a, ASK_DAEMON, json_pack("{s:s, s:s}", "cmd", "why", "branch", a->arg), &rows);

	out_to_fd(&o, 1);
	if (code)
		return code;
	code = show_rows(a, &o, cols, sizeof cols / sizeof cols[0], rows, "No change of state is known.");
	return show_end(a, &o, code);
}
