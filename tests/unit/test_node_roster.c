/* common/node/roster: what the events of hq/all make of it, and what they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/crypto/sign.h"
#include "common/ledger/kinds.h"
#include "tests/lib/node_rig.h"

static struct roster ro;
static uint8_t org[16] = {0xab}, root[32], root_secret[64];

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(as_crypto_init(), AS_OK);
	node_rig_root(1, root, root_secret);
	roster_init(&ro, org, root);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	roster_done(&ro);
	return 0;
}

static void fold(uint32_t kind, const uint8_t *body, size_t n)
{
	struct event ev = {.kind = kind, .body = bytes_of(body, n)};

	assert_int_equal(roster_fold(&ro, &ev), AS_OK);
}

static size_t instance(uint8_t out[ROSTER_BODY_MAX], uint32_t number, uint8_t key, const uint8_t secret[64])
{
	struct roster_instance i = {.number = number};
	uint8_t body[ROSTER_INSTANCE_BODY], certificate[64];

	memset(i.key, key, 32);
	memset(i.recipient, key + 1, 32);
	roster_instance_body(org, &i, body);
	as_context_sign(secret, ROSTER_INSTANCE_CONTEXT, bytes_of(body, sizeof body), certificate);
	return roster_put_instance(out, &i, certificate);
}

static void add_instance(uint32_t number, uint8_t key)
{
	uint8_t body[ROSTER_BODY_MAX];

	fold(INSTANCE_CERTIFIED, body, instance(body, number, key, root_secret));
}

static void instances_are_certified_and_in_order(void **state)
{
	(void)state;
	uint8_t other[64], other_public[32], body[ROSTER_BODY_MAX];
	struct event ev = {.kind = INSTANCE_CERTIFIED};
	struct roster_instance i;

	add_instance(2, 20);
	add_instance(1, 10);
	add_instance(3, 30);
	add_instance(2, 99); /* the first stays */
	assert_int_equal(ro.instances_n, 3);
	for (uint32_t k = 1; k <= 3; k++) {
		assert_int_equal(ro.instances[k - 1].number, k);
		assert_int_equal(roster_instance_of(&ro, k)->key[0], 10 * k);
		assert_int_equal(roster_instance_of(&ro, k)->recipient[31], 10 * k + 1);
	}
	assert_null(roster_instance_of(&ro, 4));
	/* by another root; of another organisation; a byte of the key, of the number changed */
	node_rig_root(2, other_public, other);
	fold(INSTANCE_CERTIFIED, body, instance(body, 4, 40, other));
	org[0] ^= 1;
	size_t n = instance(body, 4, 40, root_secret);
	org[0] ^= 1;
	fold(INSTANCE_CERTIFIED, body, n);
	for (size_t at = 0; at < n; at++) {
		n = instance(body, 4, 40, root_secret);
		body[at] ^= 1;
		fold(INSTANCE_CERTIFIED, body, n);
		ev.body = bytes_of(body, n);
		assert_false(roster_certified(&ev, org, root, &i));
	}
	assert_int_equal(ro.instances_n, 3);
	n = instance(body, 4, 40, root_secret);
	ev.body = bytes_of(body, n);
	assert_true(roster_certified(&ev, org, root, &i) && i.number == 4);
	assert_false(roster_certified(&ev, org, other_public, &i));
	/* more than there can be */
	for (uint32_t k = 4; k < 60; k++)
		add_instance(k, (uint8_t)k);
	assert_int_equal(ro.instances_n, ROSTER_INSTANCES_MAX);
}

static void transport_keys(void **state)
{
	(void)state;
	struct roster_transport t = {.number = 2, .key = {2}};
	uint8_t body[ROSTER_BODY_MAX];

	assert_null(roster_transport_of(&ro, 0));
	fold(TRANSPORT_KEY, body, roster_put_transport(body, &t));
	t = (struct roster_transport){.number = 1, .key = {1}};
	fold(TRANSPORT_KEY, body, roster_put_transport(body, &t));
	t.key[0] = 9; /* a number is given once */
	fold(TRANSPORT_KEY, body, roster_put_transport(body, &t));
	assert_int_equal(roster_transport_of(&ro, 1)->key[0], 1);
	assert_int_equal(roster_transport_of(&ro, 0)->number, 2);
	assert_null(roster_transport_of(&ro, 3));
}

static void enrol(const char *code, uint32_t token, const char *name, uint32_t first)
{
	struct roster_token t = {
	    .number = token, .expires = 1000 + token, .uses = 2, .key = {(uint8_t)token}};
	struct roster_branch b = {.zone = "Asia/Shanghai", .region = "North", .first_number = first};
	uint8_t body[ROSTER_BODY_MAX];

	memcpy(t.branch, code, strlen(code));
	memcpy(b.name, name, strlen(name));
	fold(BRANCH_ENROLLED, body, roster_put_enrolled(body, &t, &b, false));
}

static struct roster_node node(const char *code, uint8_t no, uint32_t token)
{
	struct roster_node n = {.token = token,
				.identity = {no},
				.link = {no, 1},
				.recipient = {no, 2},
				.live = {.cls = LOG_LIVE, .number = 1}};

	memcpy(n.branch, code, strlen(code));
	memcpy(n.live.branch, code, strlen(code));
	memset(n.live.inc, no, 16);
	return n;
}

static void admit(const struct roster_node *n)
{
	uint8_t body[ROSTER_BODY_MAX];

	fold(NODE_ADMITTED, body, roster_put_admitted(body, n));
}

static void branches_and_tokens(void **state)
{
	(void)state;
	enrol("SH03", 2, "Shanghai", 1);
	enrol("BJ01", 1, "北京朝阳", 1);
	enrol("GZ02", 3, "", 1);
	assert_int_equal(ro.branches_n, 3);
	assert_memory_equal(ro.branches[0].code, "BJ01\0\0\0\0", 8);
	assert_string_equal(roster_branch_of(&ro, "BJ01\0\0\0")->name, "北京朝阳");
	assert_string_equal(roster_branch_of(&ro, "SH03\0\0\0")->region, "North");
	assert_string_equal(roster_branch_of(&ro, "GZ02\0\0\0")->zone, "Asia/Shanghai");
	assert_null(roster_branch_of(&ro, "XX99\0\0\0"));
	assert_int_equal(roster_token_of(&ro, 3)->expires, 1003);
	assert_int_equal(roster_token_by_key(&ro, (uint8_t[32]){2})->number, 2);
	assert_null(roster_token_of(&ro, 4));
	/* another token for the same branch: a name that is not given again stays */
	enrol("BJ01", 4, "", 7);
	assert_int_equal(ro.branches_n, 3);
	assert_string_equal(roster_branch_of(&ro, "BJ01\0\0\0")->name, "北京朝阳");
	assert_int_equal(roster_branch_of(&ro, "BJ01\0\0\0")->first_number, 7);
	assert_int_equal(ro.tokens_n, 4);
}

static void machines(void **state)
{
	(void)state;
	struct roster_node a = node("BJ01", 1, 1), b = node("BJ01", 2, 1), c = node("GZ02", 3, 2);
	uint8_t body[ROSTER_BODY_MAX];

	enrol("BJ01", 1, "", 1);
	assert_null(roster_node_of(&ro, "BJ01\0\0\0"));
	admit(&a);
	admit(&c);
	admit(&a); /* a lost Joined asked for again */
	assert_int_equal(ro.nodes_n, 2);
	assert_int_equal(roster_token_of(&ro, 1)->used, 1);
	assert_memory_equal(roster_node_of(&ro, "BJ01\0\0\0")->identity, a.identity, 32);
	assert_true(log_id_equal(&roster_node_of(&ro, "GZ02\0\0\0")->live, &c.live));
	admit(&b); /* the newest speaks for the branch */
	assert_memory_equal(roster_node_of(&ro, "BJ01\0\0\0")->identity, b.identity, 32);
	assert_memory_equal(roster_node_by_link(&ro, a.link)->identity, a.identity, 32);
	fold(NODE_ENDED, body, roster_put_ended(body, &b));
	assert_memory_equal(roster_node_of(&ro, "BJ01\0\0\0")->identity, a.identity, 32);
	assert_true(roster_node_by_identity(&ro, b.identity)->ended); /* known, so that it can be told */
	fold(NODE_ENDED, body, roster_put_ended(body, &a));
	assert_null(roster_node_of(&ro, "BJ01\0\0\0"));
	assert_non_null(roster_node_of(&ro, "GZ02\0\0\0"));
}

static void content_keys(void **state)
{
	(void)state;
	struct roster_log_key k = {.log = node("BJ01", 1, 1).live, .sealed = {1}};
	struct roster_log_key other = {.log = node("BJ01", 2, 1).live, .sealed = {2}};
	uint8_t body[ROSTER_BODY_MAX];

	fold(LOG_KEYS, body, roster_put_log_key(body, &k));
	fold(LOG_KEYS, body, roster_put_log_key(body, &other));
	k.sealed[0] = 3; /* sealed to a later machine */
	for (int i = 0; i < 100; i++)
		fold(LOG_KEYS, body, roster_put_log_key(body, &k));
	assert_int_equal(roster_log_key_of(&ro, &k.log)->sealed[0], 3);
	assert_int_equal(roster_log_key_of(&ro, &other.log)->sealed[0], 2);
	assert_int_equal(ro.log_keys_n, 2);
	other.log.number = 9;
	assert_null(roster_log_key_of(&ro, &other.log));
}

/* An older program lives with a newer head office, and with damage. */
static void what_it_does_not_know_changes_nothing(void **state)
{
	(void)state;
	struct roster_node n = node("BJ01", 1, 1);
	uint8_t body[ROSTER_BODY_MAX], bad[ROSTER_BODY_MAX];
	size_t len = roster_put_admitted(body, &n);

	fold(LOG_OPENED, body, len);
	fold(209, body, len);
	fold(216, body, len);
	fold(REPAIR_RECEIVED, body, len);
	fold(UINT32_MAX, body, len);
	for (uint32_t kind = INSTANCE_CERTIFIED; kind <= LOG_KEYS; kind++) {
		fold(kind, NULL, 0);
		for (size_t cut = 0; cut < len; cut++)
			fold(kind, body, cut);
	}
	/* a log name that is none */
	n.live.cls = 9;
	fold(NODE_ADMITTED, bad, roster_put_admitted(bad, &n));
	assert_int_equal(
	    ro.instances_n + ro.transports_n + ro.nodes_n + ro.tokens_n + ro.branches_n + ro.log_keys_n, 0);
	/* a field of a newer version is passed over */
	memcpy(bad, body, len);
	memcpy(bad + len, "\xa2\x06\x01x", 4); /* field 100 */
	fold(NODE_ADMITTED, bad, len + 4);
	assert_int_equal(ro.nodes_n, 1);
}

/* ---- many ---------------------------------------------------------------------------------------------- */

#define MANY 3000

/* The n-th of MANY in an order that is not that of the codes. */
static uint32_t shuffled(uint32_t n)
{
	return n * 1777 % MANY;
}

static void many_key(uint32_t n, uint8_t what, uint8_t out[32])
{
	memset(out, what, 32);
	put_be32(out + 28, n);
}

static void many_code(uint32_t n, char out[9])
{
	snprintf(out, 9, "N%05u", n);
}

static void fold_many(uint32_t from, uint32_t to)
{
	uint8_t body[ROSTER_BODY_MAX];

	for (uint32_t i = from; i < to; i++) {
		uint32_t n = shuffled(i);
		struct roster_token t = {.number = i + 1, .expires = 1, .uses = 1};
		struct roster_branch b = {.zone = "Asia/Shanghai", .first_number = 1};
		char code[9];
		many_code(n, code);
		memcpy(t.branch, code, 6);
		many_key(n, 1, t.key);
		fold(BRANCH_ENROLLED, body, roster_put_enrolled(body, &t, &b, false));
		struct roster_node m = node(code, 1, i + 1);
		many_key(n, 2, m.identity);
		many_key(n, 3, m.link);
		admit(&m);
		if (n % 10)
			continue;
		fold(NODE_ENDED, body, roster_put_ended(body, &m)); /* replaced: two of a branch */
		many_key(n, 4, m.identity);
		many_key(n, 5, m.link);
		admit(&m);
	}
}

static void each_is_found(void)
{
	assert_true(ro.branches_n == MANY && ro.tokens_n == MANY && ro.nodes_n == MANY + MANY / 10);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t n = shuffled(i);
		uint8_t key[32];
		char code[9] = "";
		many_code(n, code);
		assert_memory_equal(ro.branches[n].code, code, 8);
		assert_ptr_equal(roster_branch_of(&ro, code), &ro.branches[n]);
		many_key(n, 1, key);
		assert_int_equal(roster_token_by_key(&ro, key)->number, i + 1);
		many_key(n, 2, key);
		const struct roster_node *first = roster_node_by_identity(&ro, key), *now = roster_node_of(&ro, code);
		many_key(n, 3, key);
		assert_ptr_equal(roster_node_by_link(&ro, key), first);
		assert_true(first != NULL && now != NULL && (first == now) == (n % 10 != 0));
		assert_true(first->ended == (n % 10 == 0) && !now->ended);
		assert_ptr_equal(roster_node_of_token(&ro, i + 1), now);
		assert_ptr_equal(roster_node_before(&ro, code, NULL), now);
		assert_ptr_equal(roster_node_before(&ro, code, now), n % 10 ? NULL : first);
		many_key(n, 6, key);
		assert_null(roster_node_by_link(&ro, key));
		assert_null(roster_token_by_key(&ro, key));
	}
	assert_null(roster_branch_of(&ro, "N99999\0"));
	assert_null(roster_node_of_token(&ro, MANY + 1));
}

static void many_are_found_by_every_key(void **state)
{
	(void)state;
	fold_many(0, MANY);
	each_is_found();
}

static void a_copy_is_the_same_and_its_own(void **state)
{
	(void)state;
	struct roster first;

	fold_many(0, MANY - 1);
	first = ro;
	assert_int_equal(roster_copy(&ro, &first), AS_OK);
	roster_done(&first);
	fold_many(MANY - 1, MANY);
	each_is_found();
	roster_init(&first, org, root); /* an empty one, too */
	struct roster empty;
	assert_int_equal(roster_copy(&empty, &first), AS_OK);
	assert_null(roster_branch_of(&empty, "BJ01\0\0\0"));
	roster_done(&empty);
}

static void many_that_are_loaded_are_the_same(void **state)
{
	(void)state;
	roster_load_begin(&ro);
	fold_many(0, MANY - 7);
	roster_load_end(&ro);
	fold_many(MANY - 7, MANY);
	each_is_found();
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(instances_are_certified_and_in_order),
	    T(transport_keys),
	    T(branches_and_tokens),
	    T(machines),
	    T(content_keys),
	    T(what_it_does_not_know_changes_nothing),
	    T(many_are_found_by_every_key),
	    T(many_that_are_loaded_are_the_same),
	    T(a_copy_is_the_same_and_its_own),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
