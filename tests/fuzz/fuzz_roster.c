/*
 * Fuzz: what makes the roster. 'J': a request for an enrolment as JSON; what is taken is written and folded.
 * Else events of hq/all, each a kind, a length and a body: whatever they say, the tables stay in order.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/intake/json.h"
#include "common/ledger/kinds.h"
#include "tests/lib/node_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct roster *r)
{
	as_assert(r->instances_n <= ROSTER_INSTANCES_MAX);
	for (size_t i = 1; i < r->instances_n; i++)
		as_assert(r->instances[i - 1].number < r->instances[i].number);
	for (size_t i = 0; i < r->branches_n; i++) {
		as_assert(i == 0 ||
			  memcmp(r->branches[i - 1].code, r->branches[i].code, BRANCH_CODE_MAX) < 0);
		as_assert(roster_branch_of(r, r->branches[i].code) == &r->branches[i]);
		as_assert(text_utf8_valid(bytes_of_str(r->branches[i].name)));
	}
	for (size_t i = 0; i < r->tokens_n; i++)
		as_assert(roster_token_of(r, r->tokens[i].number) == &r->tokens[i]);
	for (size_t i = 0; i < r->nodes_n; i++) {
		as_assert(roster_node_by_identity(r, r->nodes[i].identity) == &r->nodes[i]);
		as_assert(roster_node_by_link(r, r->nodes[i].link) != NULL);
	}
	for (size_t i = 0; i < r->log_keys_n; i++)
		as_assert(roster_log_key_of(r, &r->log_keys[i].log) == &r->log_keys[i]);
}

static void events(const uint8_t *p, size_t n)
{
	static const uint8_t org[16] = {1}, root[32] = {2};
	struct roster r;

	roster_init(&r, org, root);
	while (n >= 3) {
		size_t len = (size_t)p[1] << 8 | p[2];
		if (len > n - 3)
			len = n - 3;
		struct event ev = {.kind = INSTANCE_CERTIFIED - 1 + p[0] % 8, .body = bytes_of(p + 3, len)};
		as_assert(roster_fold(&r, &ev) == AS_OK);
		p += 3 + len;
		n -= 3 + len;
	}
	check(&r);
	roster_done(&r);
}

static void request(struct bytes text)
{
	static struct node_rig hq;
	AS_AUTO(json) json_t *o = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	AS_AUTO(join_code) struct join_code code = {0}, back = {0};
	struct enrolment e;
	struct as_errmsg em = {0};
	struct bytes raw[ENROL_EVENTS_MAX];
	struct event ev;
	char out[JOIN_TEXT_MAX];
	size_t n;

	if (o == NULL)
		return;
	if (hq.n == NULL)
		node_rig_hq(&hq);
	if (enrolment_parse(hq.n, (const struct json_t *)o, "tcp://10.0.0.1:7443", NODE_RIG_NOW, &e, &em)) {
		as_assert(em.text[0] != 0);
		return;
	}
	/* what is taken can be written, and read by whoever gets the code */
	node_rig_begin(&hq);
	as_assert(enrolment_to_batch(&hq.b, &e, &code, raw, &n, &em) == AS_OK);
	as_assert(join_code_encode(&code, out, &em) == AS_OK);
	as_assert(join_code_decode(bytes_of_str(out), &back, &em) == AS_OK);
	as_assert(strcmp(code.name, back.name) == 0 && strcmp(code.endpoint, back.endpoint) == 0);
	struct roster r;
	roster_init(&r, hq.home.org, hq.home.ident.root);
	for (size_t i = 0; i < n; i++)
		as_assert(event_decode(raw[i], &ev) == AS_OK && roster_fold(&r, &ev) == AS_OK);
	as_assert(r.branches_n == 1 && strcmp(r.branches[0].name, e.name) == 0);
	check(&r);
	roster_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 'J')
		request(bytes_of(data + 1, size - 1));
	else
		events(data, size);
	return 0;
}
