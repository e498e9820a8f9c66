/*
 * Fuzz: a request of the control socket, as the line that came, on the store of a branch or ('H' in front) of
 * head office. Every answer is JSON of one line; who gets an exit code other than 0 and no list is told why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/node/query.h"
#include "tests/lib/node_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node_rig hq, br;

static void make(void)
{
	struct log_id all, live;

	node_rig_hq(&hq);
	node_rig_branch(&br, &hq, "BJ01", 1);
	node_rig_enrol(&hq, "BJ01");
	node_rig_admit(&hq, &br, 1);
	live = node_rig_open(&br, 1, 1, NULL);
	node_rig_submit(&br, &live, node_rig_received("00000000-0000-7000-8000-000000000001", "BJ-1", "a"));
	node_rig_submit(&br, &live,
			node_rig_event("REPAIR_INSPECTED", NULL, "BJ-1",
				       "\"cause\":\"SCREEN\",\"warranty\":\"IN_WARRANTY\""));
	node_rig_submit(&br, &live, node_rig_received(NULL, NULL, "b"));
	all = hq_all_log(&hq.home);
	as_assert(node_rig_copy(&hq, &br, &all) == REFUSE_NONE);
	as_assert(node_rig_copy(&br, &hq, &live) == REFUSE_NONE);
	node_rig_copy_keys(&br, &hq, &live);
	node_rig_receipt(&hq, &br, &live);
}

struct said {
	size_t lines;
	bool why;
};

static bool take(void *arg, json_t *line)
{
	struct said *s = arg;
	char *text = json_dumps(line, JSON_COMPACT);

	as_assert(text != NULL && strchr(text, '\n') == NULL);
	free(text);
	s->lines++;
	s->why |= json_object_get(line, "error") || json_object_get(line, "wrong");
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool at_hq = size && data[0] == 'H';
	json_t *o = json_loadb((const char *)data + at_hq, size - at_hq, JSON_REJECT_DUPLICATES, NULL);
	struct said s = {0};

	if (o == NULL)
		return 0;
	if (br.n == NULL)
		make();
	int code = query_run(at_hq ? hq.n : br.n, o, take, &s);
	as_assert(code == 0 || s.why);
	json_decref(o);
	return 0;
}
