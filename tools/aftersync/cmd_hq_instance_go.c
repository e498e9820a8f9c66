/* hq instance go: a new life of head office need not wait for branches any longer. */
#include <stdio.h>

#include "common/base/cleanup.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

int cmd_hq_instance_go(const struct args *a)
{
	AS_AUTO(json) json_t *answers = NULL;
	int code = ask_all(a, ASK_DAEMON, json_pack("{s:s}", "cmd", "hq-go"), &answers);

	if (code == EXIT_DONE)
		printf("Head office writes its own logs again.\n");
	return code;
}
