/* common/node/hq_all: head office's log to everybody: enrolling, who may join, admitting, machines that are
 * replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/crypto/sign.h"
#include "common/intake/json.h"
#include "common/ledger/kinds.h"
#include "tests/lib/node_rig.h"

static struct node_rig hq, br;
static struct as_errmsg em;

static int set_up(void **state)
{
	(void)state;
	memset(&em, 0, sizeof em);
	node_rig_hq(&hq);
	node_rig_branch(&br, &hq, "BJ01", 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	node_rig_done(&br);
	node_rig_done(&hq);
	return 0;
}

/* ---- requests ----------------------------------------------------------------------------------------- */

static as_err parse(const char *text, struct enrolment *e)
{
	AS_AUTO(json) json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	em.text[0] = 0;
	return enrolment_parse(hq.n, (const struct json_t *)o, "tcp://10.0.0.1:7443", NODE_RIG_NOW, e, &em);
}

static void an_enrolment_as_asked(void **state)
{
	(void)state;
	struct enrolment e;
	static const char *const bad[][2] = {
	    {"{}", "branch"},
	    {"{\"branch\":\"bj01\"}", "branch"},
	    {"{\"branch\":\"B\"}", "branch"},
	    {"{\"branch\":\"ABCDEFGHI\"}", "branch"},
	    {"{\"branch\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZ\"}", "branch"},
	    {"{\"branch\":7}", "branch"},
	    {"{\"branch\":\"BJ01\",\"name\":\"a\\nb\"}", "name"},
	    {"{\"branch\":\"BJ01\",\"name\":\" a\"}", "name"},
	    {"{\"branch\":\"BJ01\",\"region\":\"\\u0085\"}", "name"},
	    {"{\"branch\":\"BJ01\",\"region\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "region"},
	    {"{\"branch\":\"BJ01\",\"timezone\":\"Mars/Base\"}", "Mars/Base"},
	    {"{\"branch\":\"BJ01\",\"timezone\":\"../etc/passwd\"}", "../etc/passwd"},
	    {"{\"branch\":\"BJ01\",\"uses\":0}", "uses"},
	    {"{\"branch\":\"BJ01\",\"uses\":101}", "uses"},
	    {"{\"branch\":\"BJ01\",\"uses\":1.5}", "uses"},
	    {"{\"branch\":\"BJ01\",\"expires_s\":0}", "expires_s"},
	    {"{\"branch\":\"BJ01\",\"expires_s\":9223372036854775807}", "expires_s"},
	    {"{\"branch\":\"BJ01\",\"endpoint\":\"http://x\"}", "endpoint"},
	    {"{\"branch\":\"BJ01\",\"endpoint\":\"tcp://0.0.0.0:7443\"}", "endpoint"},
	    {"{\"branch\":\"BJ01\",\"endpoint\":\"tcp://[::]:7443\"}", "endpoint"},
	};

	assert_int_equal(parse("{\"branch\":\"BJ01\"}", &e), AS_OK);
	assert_string_equal(e.zone, "Asia/Shanghai");
	assert_string_equal(e.endpoint, "tcp://10.0.0.1:7443");
	assert_int_equal(e.uses, 1);
	assert_true(e.expires == NODE_RIG_NOW + 86400000);
	assert_false(e.replace);
	assert_int_equal(
	    parse("{\"branch\":\"BJ01\",\"name\":\"北京\",\"region\":\"华北\",\"timezone\":\"Asia/Tokyo\","
		  "\"uses\":3,\"expires_s\":60,\"endpoint\":\"tcp://hq.example:1\",\"replace\":true}",
		  &e),
	    AS_OK);
	assert_string_equal(e.name, "北京");
	assert_string_equal(e.zone, "Asia/Tokyo");
	assert_true(e.uses == 3 && e.replace && e.expires == NODE_RIG_NOW + 60000);
	for (size_t i = 0; i < AS_COUNT(bad); i++) {
		if (parse(bad[i][0], &e) != AS_EINVAL || !strstr(em.text, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], em.text);
	}
}

/* ---- enrolling ---------------------------------------------------------------------------------------- */

static as_err enrol(const char *code, bool replace, struct join_code *jc)
{
	struct enrolment e = {.uses = 1, .expires = NODE_RIG_NOW + 3600000, .replace = replace};
	struct bytes raw[ENROL_EVENTS_MAX];
	struct event ev;
	size_t n = 0;

	memcpy(e.branch, code, strlen(code));
	snprintf(e.zone, sizeof e.zone, "Asia/Shanghai");
	snprintf(e.name, sizeof e.name, "北京");
	snprintf(e.endpoint, sizeof e.endpoint, "tcp://10.0.0.1:7443");
	em.text[0] = 0;
	node_rig_begin(&hq);
	as_err err = enrolment_to_batch(&hq.b, &e, jc, raw, &n, &em);
	if (err)
		return err;
	node_rig_commit(&hq);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(event_decode(raw[i], &ev), AS_OK);
		assert_int_equal(roster_fold(&hq.n->roster, &ev), AS_OK);
	}
	return AS_OK;
}

static as_err parse_many(const char *text, struct enrolment **e, size_t *n)
{
	AS_AUTO(json) json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	em.text[0] = 0;
	return enrolments_parse(hq.n, (const struct json_t *)o, "tcp://10.0.0.1:7443", NODE_RIG_NOW, e, n, &em);
}

static void a_list_of_branches(void **state)
{
	(void)state;
	struct enrolment *e = NULL;
	size_t n = 0;
	static const char *const bad[][2] = {
	    {"{\"branches\":[]}", "branches: a list of 1 to 2000"},
	    {"{\"branches\":7}", "branches: a list of 1 to 2000"},
	    {"{\"branches\":[{\"branch\":\"XA01\"}],\"branch\":\"XA02\"}", "no branch beside it"},
	    {"{\"branches\":[{\"branch\":\"XA01\"},7]}", "a list of objects"},
	    {"{\"branches\":[{\"branch\":\"XA01\"},{}]}", "branches: branch: "},
	    {"{\"branches\":[{\"branch\":\"XA01\"},{\"branch\":\"xa02\"}]}", "xa02: branch: xa02 is no branch code"},
	    {"{\"branches\":[{\"branch\":\"XA01\"},{\"branch\":\"XA02\",\"timezone\":\"Mars/Base\"}]}", "XA02: "},
	    {"{\"branches\":[{\"branch\":\"XA01\"},{\"branch\":\"XA02\"},{\"branch\":\"XA01\"}]}", "XA01 is there twice"},
	    {"{\"branches\":[{\"branch\":\"XA01\"}],\"replace\":true}", "XA01: another server"},
	};

	for (size_t i = 0; i < AS_COUNT(bad); i++)
		if (parse_many(bad[i][0], &e, &n) != AS_EINVAL || !strstr(em.text, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], em.text);
	assert_int_equal(parse_many("{\"branches\":[{\"branch\":\"XA02\",\"name\":\"b\"},{\"branch\":\"XA01\"}],"
				    "\"uses\":2,\"region\":\"west\"}",
				    &e, &n),
			 AS_OK);
	assert_true(n == 2 && memcmp(e[0].branch, "XA02", 5) == 0 && memcmp(e[1].branch, "XA01", 5) == 0);
	assert_true(e[0].uses == 2 && e[1].uses == 2 && strcmp(e[1].region, "west") == 0);
	assert_true(strcmp(e[0].name, "b") == 0 && e[1].name[0] == 0);
	free(e);
	assert_int_equal(parse_many("{\"branch\":\"XA01\",\"replace\":true}", &e, &n), AS_OK);
	assert_true(n == 1 && e[0].replace);
	free(e);
}

static void many_are_enrolled_in_one_block(void **state)
{
	(void)state;
	struct enrolment e[3] = {{.uses = 1, .branch = "XA01"}, {.uses = 1, .branch = "BJ01"}, {.uses = 1, .branch = "GZ02"}};
	struct join_code jc[3] = {0};
	struct bytes raw[3];
	struct event ev;
	const struct log_id all = {.cls = LOG_HQ_ALL, .number = 1};
	uint64_t size = node_rig_row(&hq, &all).head.size;
	uint32_t last = hq.n->roster.tokens_n ? hq.n->roster.tokens[hq.n->roster.tokens_n - 1].number : 0;
	struct block_meta meta;

	for (size_t i = 0; i < 3; i++) {
		snprintf(e[i].zone, sizeof e[i].zone, "Asia/Shanghai");
		e[i].expires = NODE_RIG_NOW + 1000;
	}
	node_rig_begin(&hq);
	assert_int_equal(enrolments_to_batch(&hq.b, e, 3, jc, raw, &em), AS_OK);
	node_rig_commit(&hq);
	assert_int_equal(node_rig_row(&hq, &all).head.size, size + 3);
	assert_true(store_block_at(hq.n->st, &all, size, &meta) && meta.first == size && meta.count == 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(event_decode(raw[i], &ev), AS_OK);
		assert_int_equal(roster_fold(&hq.n->roster, &ev), AS_OK);
		assert_true(jc[i].token == last + 1 + i && jc[i].incarnation == 1);
		assert_memory_equal(jc[i].branch, e[i].branch, BRANCH_CODE_MAX);
		assert_memory_equal(roster_token_of(&hq.n->roster, jc[i].token)->branch, e[i].branch, BRANCH_CODE_MAX);
	}
	/* one that has a server: none is enrolled */
	node_rig_admit(&hq, &br, jc[1].token);
	size = node_rig_row(&hq, &all).head.size;
	node_rig_begin(&hq);
	assert_int_equal(enrolments_to_batch(&hq.b, e, 3, jc, raw, &em), AS_EREFUSED);
	assert_non_null(strstr(em.text, "BJ01 has a server already"));
	assert_int_equal(node_rig_row(&hq, &all).head.size, size);
}

static void the_numbers_of_codes_end(void **state)
{
	(void)state;
	AS_AUTO(join_code) struct join_code jc = {0};
	uint64_t size = node_rig_row(&hq, &(struct log_id){.cls = LOG_HQ_ALL, .number = 1}).head.size;

	assert_int_equal(enrol("BJ01", false, &jc), AS_OK);
	hq.n->roster.tokens[hq.n->roster.tokens_n - 1].number = UINT32_MAX;
	assert_int_equal(enrol("BJ01", false, &jc), AS_EREFUSED);
	assert_string_equal(em.text, "this head office has used up the numbers of its join codes");
	assert_int_equal(node_rig_row(&hq, &(struct log_id){.cls = LOG_HQ_ALL, .number = 1}).head.size,
			 size + 1);
}

static void a_join_code(void **state)
{
	(void)state;
	AS_AUTO(join_code) struct join_code jc = {0}, back = {0}, second = {0};
	char text[JOIN_TEXT_MAX];
	uint8_t public_key[32], secret[32];

	assert_int_equal(enrol("BJ01", false, &jc), AS_OK);
	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	assert_int_equal(join_code_decode(bytes_of_str(text), &back, &em), AS_OK);
	assert_memory_equal(back.instance_key, hq.home.instance_public, 32);
	assert_memory_equal(back.curve_key, hq.home.link_public, 32);
	assert_memory_equal(back.recipient_key, hq.home.recipient_public, 32);
	assert_memory_equal(back.transport_key, hq.home.transports[0].public_key, 32);
	assert_true(back.incarnation == 1 && back.token == 1 && back.transport == 1 && back.instance == 1);
	/* head office keeps the public half of the token's key only */
	join_token_keys(jc.token_seed, public_key, secret);
	assert_non_null(roster_token_by_key(&hq.n->roster, public_key));
	/* a branch without a machine may be given another code */
	assert_int_equal(enrol("BJ01", false, &second), AS_OK);
	assert_int_equal(second.token, 2);
	assert_memory_not_equal(jc.token_seed, second.token_seed, 16);
}

static void a_machine_is_replaced_only_when_asked(void **state)
{
	(void)state;
	AS_AUTO(join_code) struct join_code jc = {0};

	assert_int_equal(enrol("BJ01", false, &jc), AS_OK);
	node_rig_admit(&hq, &br, 1);
	assert_int_equal(enrol("BJ01", false, &jc), AS_EREFUSED);
	assert_non_null(strstr(em.text, "--replace"));
	assert_int_equal(enrol("BJ01", true, &jc), AS_OK);
	assert_null(roster_node_of(&hq.n->roster, br.home.branch));
	assert_true(roster_node_by_identity(&hq.n->roster, br.home.identity_public)->ended);
	/* the same from the log */
	node_rig_again(&hq);
	assert_null(roster_node_of(&hq.n->roster, br.home.branch));
	assert_int_equal(hq.n->roster.tokens_n, 2);
}

static void incarnations_are_numbered_on(void **state)
{
	(void)state;
	AS_AUTO(join_code) struct join_code jc = {0};
	struct log_id log;

	node_rig_enrol(&hq, "BJ01");
	node_rig_admit(&hq, &br, 1);
	log = node_rig_open(&br, 6, 1, NULL);
	assert_int_equal(node_rig_copy(&br, &hq, &log), REFUSE_NONE);
	assert_int_equal(enrol("BJ01", true, &jc), AS_OK);
	assert_int_equal(jc.incarnation, 7);
	assert_int_equal(roster_branch_of(&hq.n->roster, br.home.branch)->first_number, 7);
}

/* A branch numbers its incarnations itself: the highest there is must not end head office's program. */
static void the_highest_number(void **state)
{
	(void)state;
	AS_AUTO(join_code) struct join_code jc = {0};
	struct log_id log;

	node_rig_enrol(&hq, "BJ01");
	node_rig_admit(&hq, &br, 1);
	log = node_rig_open(&br, UINT32_MAX, 1, NULL);
	assert_int_equal(node_rig_copy(&br, &hq, &log), REFUSE_NONE);
	assert_int_equal(enrol("BJ01", true, &jc), AS_EREFUSED);
	assert_non_null(strstr(em.text, "BJ01"));
}

/* ---- who may join ------------------------------------------------------------------------------------- */

static struct msg_join join_of(const struct node_rig *r, const struct join_code *jc)
{
	struct roster_node n = node_rig_node(r, jc->token);
	struct msg_join j = {.live = n.live};
	uint8_t token_key[32], secret[32];

	memcpy(j.branch, n.branch, BRANCH_CODE_MAX);
	memcpy(j.identity, n.identity, 32);
	memcpy(j.link, n.link, 32);
	memcpy(j.recipient, n.recipient, 32);
	join_token_keys(jc->token_seed, token_key, secret);
	node_join_sign(&r->home, token_key, &j);
	return j;
}

static void may_not(const struct msg_join *j, uint32_t token, const char *why)
{
	const char *wrong = hq_all_join_wrong(hq.n, token, j);

	if (wrong == NULL || !strstr(wrong, why))
		fail_msg("%s, not %s", wrong ? wrong : "it may", why);
}

static void who_may_join(void **state)
{
	(void)state;
	AS_AUTO(join_code) struct join_code one = {0}, two = {0};
	struct node_rig sh;
	struct msg_join j, k;

	assert_int_equal(enrol("BJ01", false, &one), AS_OK);
	assert_int_equal(enrol("SH03", false, &two), AS_OK);
	j = join_of(&br, &one);
	assert_null(hq_all_join_wrong(hq.n, 1, &j));
	may_not(&j, 2, "signature"); /* signed for another token */
	may_not(&j, 3, "signature");
	for (int i = 0; i < 6; i++) { /* each part is signed */
		k = j;
		*(i == 0   ? (uint8_t *)&k.branch[3]
		  : i == 1 ? &k.identity[0]
		  : i == 2 ? &k.link[0]
		  : i == 3 ? &k.recipient[0]
		  : i == 4 ? &k.live.inc[0]
			   : &k.signature[0]) ^= 1;
		may_not(&k, 1, "signature");
	}
	node_rig_admit(&hq, &br, 1);
	assert_null(hq_all_join_wrong(hq.n, 1, &j)); /* Joined was lost */

	/* another branch's machine that says that it has this link key, or a token's */
	node_rig_branch(&sh, &hq, "SH03", 2);
	k = join_of(&sh, &two);
	assert_null(hq_all_join_wrong(hq.n, 2, &k));
	memcpy(sh.home.link_public, br.home.link_public, 32);
	k = join_of(&sh, &two);
	may_not(&k, 2, "link key");
	memcpy(sh.home.link_public, roster_token_of(&hq.n->roster, 1)->key, 32);
	k = join_of(&sh, &two);
	may_not(&k, 2, "link key");
	node_rig_done(&sh);

	/* one machine for two branches; a machine whose keys were ended */
	node_rig_branch(&sh, &hq, "SH03", 1);
	k = join_of(&sh, &two);
	may_not(&k, 2, "another branch");
	node_rig_done(&sh);
	assert_int_equal(enrol("BJ01", true, &one), AS_OK);
	j = join_of(&br, &one);
	may_not(&j, one.token, "new directory");
}

/* ---- replaced machines -------------------------------------------------------------------------------- */

/* What the second machine of a branch needs to read what the first one wrote. */
static void a_new_machine_reads_the_old_logs(void **state)
{
	(void)state;
	struct log_id all = hq_all_log(&hq.home), live, second, to = {.cls = LOG_HQ_BRANCH, .number = 1};
	struct node_rig fresh;
	struct bytes raw;
	struct event ev;
	uint8_t plain[PERSONAL_SEALED_MAX];
	size_t n;

	node_rig_enrol(&hq, "BJ01");
	node_rig_admit(&hq, &br, 1);
	assert_int_equal(node_rig_row(&hq, &to).keys, 0); /* a first machine needs nothing */
	live = node_rig_open(&br, 1, 1, NULL);
	for (int i = 0; i < 3; i++)
		node_rig_submit(&br, &live, node_rig_received(NULL, NULL, "王芳"));
	second = node_rig_open(&br, 2, 2, &live);
	node_rig_submit(&br, &second, node_rig_received(NULL, NULL, "李娜"));
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	node_rig_copy_keys(&br, &hq, &live);
	assert_int_equal(node_rig_copy(&br, &hq, &second), REFUSE_NONE);
	node_rig_copy_keys(&br, &hq, &second);
	/* one of the customers was erased meanwhile */
	struct store_key gone = {.number = 4, .op = KEY_TOMBSTONE};
	assert_int_equal(node_event_at(hq.n, &live, 2, &raw), AS_OK);
	assert_int_equal(event_decode(raw, &ev), AS_OK);
	memcpy(gone.subject, ev.event_id.p, 16);
	node_rig_begin(&hq);
	struct store_op *o = batch_op(&hq.b, STORE_KEYS, &live);
	o->keys.keys = &gone;
	o->keys.n = 1;
	node_rig_commit(&hq);

	node_rig_enrol(&hq, "BJ01");
	node_rig_branch(&fresh, &hq, "BJ01", 2);
	/* before head office's log is here nothing of the old ones can be read */
	assert_int_equal(node_rig_copy(&hq, &fresh, &live), REFUSE_SIGNATURE);
	node_rig_admit(&hq, &fresh, 2);
	assert_int_equal(hq.n->roster.log_keys_n, 2);
	assert_int_equal(node_rig_copy(&hq, &fresh, &all), REFUSE_NONE);
	assert_int_equal(node_rig_copy(&hq, &fresh, &live), REFUSE_NONE);
	assert_int_equal(node_rig_copy(&hq, &fresh, &second), REFUSE_NONE);
	/* the personal parts as well */
	memcpy(to.branch, "BJ01", 4);
	assert_true(node_rig_row(&hq, &to).keys >= 3);
	node_rig_copy_keys(&hq, &fresh, &to);
	assert_int_equal(node_rig_row(&fresh, &to).keys, node_rig_row(&hq, &to).keys);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(node_event_at(fresh.n, &live, i, &raw), AS_OK);
		assert_int_equal(event_decode(raw, &ev), AS_OK);
		assert_int_equal(node_personal_open(fresh.n, fresh.home.branch, &ev, plain, &n),
				 i == 2 ? AS_EREFUSED : AS_OK);
		if (i != 2)
			assert_non_null(memmem(plain, n, "王芳", strlen("王芳")));
	}
	/* after a restart, from the store alone */
	node_rig_again(&fresh);
	assert_int_equal(node_event_at(fresh.n, &second, 1, &raw), AS_OK);
	/* the first machine, which has the same log of head office, cannot use the keys meant for the second
	 */
	assert_int_equal(node_rig_copy(&hq, &br, &all), REFUSE_NONE);
	node_rig_again(&br);
	assert_int_equal(node_event_at(br.n, &live, 1, &raw), AS_OK); /* its own it can */
	node_rig_done(&fresh);
}

static void the_log_goes_on_after_a_restart(void **state)
{
	(void)state;
	struct log_id all = hq_all_log(&hq.home);

	node_rig_enrol(&hq, "BJ01");
	node_rig_again(&hq);
	node_rig_enrol(&hq, "SH03");
	node_rig_again(&hq);
	assert_int_equal(hq.n->roster.branches_n, 2);
	assert_int_equal(node_rig_copy(&hq, &br, &all), REFUSE_NONE);
	assert_int_equal(br.n->roster.branches_n, 2);
	assert_int_equal(store_check(hq.n->st, &em), AS_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_enrolment_as_asked),
	    T(a_list_of_branches),
	    T(many_are_enrolled_in_one_block),
	    T(the_numbers_of_codes_end),
	    T(a_join_code),
	    T(a_machine_is_replaced_only_when_asked),
	    T(incarnations_are_numbered_on),
	    T(the_highest_number),
	    T(who_may_join),
	    T(a_new_machine_reads_the_old_logs),
	    T(the_log_goes_on_after_a_restart),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
