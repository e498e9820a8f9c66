/* hq enrol: the last line printed is the join code, alone. */
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/wire/event.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

static void put(json_t *request, const char *name, const char *value)
{
	if (value)
		json_object_set_new(request, name, json_string(value));
}

int cmd_hq_enrol(const struct args *a)
{
	AS_AUTO(json) json_t *answers = NULL;

	if (!branch_code_ok(bytes_of_str(a->arg)))
		return cli_fail(EXIT_USAGE, a, "%.40s: not a branch code: 2 to 8 of A-Z and 0-9", a->arg);
	json_t *request = json_pack("{s:s, s:s, s:I, s:I, s:b}", "cmd", "hq-enrol", "branch", a->arg, "uses",
				    (json_int_t)cli_number(a, "uses"), "expires_s",
				    (json_int_t)cli_number(a, "expires"), "replace", cli_flag(a, "replace"));
	put(request, "name", cli_value(a, "name"));
	put(request, "region", cli_value(a, "region"));
	put(request, "timezone", cli_value(a, "timezone"));
	put(request, "endpoint", cli_value(a, "endpoint"));
	int code = ask_all(a, ASK_OR_STORE, request, &answers);
	const json_t *last = json_array_get(answers, json_array_size(answers) - 1);
	const char *join = json_string_value(json_object_get(last, "join_code"));
	const char *expires = json_string_value(json_object_get(last, "expires"));

	if (code)
		return code;
	if (join == NULL)
		return cli_fail(EXIT_WRONG, a, "%s: no join code was made", a->arg);
	printf("%s may join %lld time%s until %s. The code holds a secret: hand it over as one.\n"
	       "Next, at the branch: aftersync branch join JOINCODE --dir DIR\n%s\n",
	       a->arg, (long long)cli_number(a, "uses"), cli_number(a, "uses") == 1 ? "" : "s",
	       expires ? expires : "it expires", join);
	return fflush(stdout) == 0 ? EXIT_DONE : cli_fail(EXIT_IO, a, "output: cannot be written");
}
