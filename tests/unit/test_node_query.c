/* common/node/query: what can be asked of a node, on the store of a branch and of head office. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/ledger/kinds.h"
#include "common/log/event_proof.h"
#include "common/node/query.h"
#include "common/node/tally.h"
#include "common/store/keys.h"
#include "common/store/kv_mem.h"
#include "tests/lib/node_rig.h"

#define ID(n) "00000000-0000-7000-8000-0000000000" n
#define INSPECT "\"cause\":\"SCREEN\",\"warranty\":\"IN_WARRANTY\""

static struct node_rig hq, bj, sh;
static struct log_id bj_live, sh_live;
static json_t *answers;
static int stop_after;

static void exchange(struct node_rig *br, const struct log_id *live)
{
	struct log_id all = hq_all_log(&hq.home);

	assert_int_equal(node_rig_copy(&hq, br, &all), REFUSE_NONE);
	assert_int_equal(node_rig_copy(br, &hq, live), REFUSE_NONE);
	node_rig_copy_keys(br, &hq, live);
	node_rig_receipt(&hq, br, live);
}

/* Two branches: BJ01 with two repairs, SH03 with one that has a label of BJ01's. */
static int set_up(void **state)
{
	(void)state;
	stop_after = -1;
	node_rig_hq(&hq);
	node_rig_branch(&bj, &hq, "BJ01", 1);
	node_rig_branch(&sh, &hq, "SH03", 2);
	node_rig_enrol(&hq, "BJ01");
	node_rig_enrol(&hq, "SH03");
	node_rig_enrol(&hq, "GZ02"); /* never joins */
	node_rig_admit(&hq, &bj, 1);
	node_rig_admit(&hq, &sh, 2);
	bj_live = node_rig_open(&bj, 1, 1, NULL);
	sh_live = node_rig_open(&sh, 1, 2, NULL);
	node_rig_submit(&bj, &bj_live, node_rig_received(ID("01"), "BJ-1", "王芳"));
	node_rig_submit(&bj, &bj_live, node_rig_event("REPAIR_INSPECTED", ID("02"), "BJ-1", INSPECT));
	node_rig_submit(&bj, &bj_live, node_rig_received(ID("03"), "BOTH", "b"));
	node_rig_submit(&sh, &sh_live, node_rig_received(ID("04"), "BOTH", "c"));
	exchange(&bj, &bj_live);
	exchange(&sh, &sh_live);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	json_decref(answers);
	answers = NULL;
	node_rig_done(&sh);
	node_rig_done(&bj);
	node_rig_done(&hq);
	return 0;
}

static bool take(void *arg, json_t *line)
{
	(void)arg;
	json_array_append(answers, line);
	return stop_after < 0 || (int)json_array_size(answers) < stop_after;
}

static int ask(struct node_rig *r, const char *request)
{
	AS_AUTO(json) json_t *o = json_loads(request, 0, NULL);

	assert_non_null(o);
	json_decref(answers);
	answers = json_array();
	return query_run(r->n, o, take, NULL);
}

static const json_t *line(size_t i)
{
	const json_t *o = json_array_get(answers, i);

	assert_non_null(o);
	return o;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static json_int_t number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

/* One line that says why, and this exit code. */
static void wrong(struct node_rig *r, const char *request, int code, const char *why)
{
	int got = ask(r, request);

	if (got != code || json_array_size(answers) != 1 || !strstr(text(line(0), "error"), why)) {
		char *all = json_dumps(answers, 0);
		fail_msg("%s: exit %d: %s", request, got, all);
	}
}

static void no_such_request(void **state)
{
	(void)state;
	wrong(&hq, "{}", 64, "without cmd");
	wrong(&hq, "{\"cmd\":7}", 64, "without cmd");
	wrong(&hq, "{\"cmd\":\"drop\"}", 64, "drop");
	/* cut in the middle of a character, and still said */
	wrong(&hq, "{\"cmd\":\"工工工工工工工工工工工工工工工工工工工工\"}", 64, "there is no request");
	assert_true(query_knows("status") && query_knows("verify") && !query_knows("submit") &&
		    !query_knows("hq-enrol"));
}

static void status_without_a_daemon(void **state)
{
	(void)state;
	assert_int_equal(ask(&hq, "{\"cmd\":\"status\"}"), 0);
	const json_t *rows = json_object_get(line(0), "branches"),
		     *totals = json_object_get(line(0), "totals");
	static const char *const codes[] = {"BJ01", "GZ02", "SH03"};
	static const json_int_t heads[] = {4, 0, 2};

	assert_string_equal(text(line(0), "role"), "hq");
	assert_int_equal(number(line(0), "instance"), 1);
	assert_int_equal(json_array_size(rows), 3);
	for (size_t i = 0; i < 3; i++) {
		const json_t *row = json_array_get(rows, i);
		assert_string_equal(text(row, "branch"), codes[i]);
		assert_string_equal(text(row, "state"), "stale");
		assert_int_equal(number(row, "head"), heads[i]);
		assert_int_equal(number(row, "applied"), heads[i]);
		assert_true(json_is_null(json_object_get(row, "last_seen")));
	}
	assert_int_equal(number(totals, "events"), 6);
	assert_int_equal(number(totals, "in_sync"), 0);

	node_rig_submit(&bj, &bj_live, node_rig_received(NULL, NULL, "d"));
	assert_int_equal(ask(&bj, "{\"cmd\":\"status\"}"), 0);
	rows = json_object_get(line(0), "branches");
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(text(line(0), "role"), "branch");
	assert_int_equal(number(json_array_get(rows, 0), "head"), 5);
	assert_int_equal(number(json_array_get(rows, 0), "acked"), 4);
	assert_int_equal(number(json_array_get(rows, 0), "lag_events"), 1);
}

static void a_case_at_both_roles(void **state)
{
	(void)state;
	struct node_rig *const both[] = {&bj, &hq};

	for (int i = 0; i < 2; i++)
		for (int by = 0; by < 2; by++) {
			assert_int_equal(ask(both[i], by ? "{\"cmd\":\"show\",\"case\":\"" ID("01") "\"}"
							 : "{\"cmd\":\"show\",\"case\":\"BJ-1\"}"),
					 0);
			assert_string_equal(text(line(0), "case"), ID("01"));
			assert_string_equal(text(line(0), "label"), "BJ-1");
			assert_string_equal(text(line(0), "branch"), "BJ01");
			assert_string_equal(text(line(0), "state"), "INSPECTED");
			assert_string_equal(text(line(0), "model"), "A100");
			const json_t *events = json_object_get(line(0), "events");
			assert_int_equal(json_array_size(events), 2);
			assert_string_equal(text(json_array_get(events, 0), "state"), "RECEIVED");
			assert_string_equal(text(json_array_get(events, 1), "kind"), "REPAIR_INSPECTED");
			assert_string_equal(text(json_array_get(events, 1), "status"), "applied");
			/* nothing personal leaves the store unasked */
			char *all = json_dumps(line(0), 0);
			assert_null(strstr(all, "13800138000"));
			assert_null(strstr(all, "王芳"));
			free(all);
		}
	assert_int_equal(ask(&bj, "{\"cmd\":\"show\",\"case\":\"BOTH\"}"), 0);
	wrong(&hq, "{\"cmd\":\"show\",\"case\":\"BOTH\"}", 1, "several cases in the network");
	for (int i = 0; i < 2; i++) {
		wrong(both[i], "{\"cmd\":\"show\",\"case\":\"none\"}", 1, "no case none");
		wrong(both[i], "{\"cmd\":\"show\",\"case\":\"" ID("99") "\"}", 1, "no case");
		wrong(both[i], "{\"cmd\":\"show\"}", 64, "which case");
		wrong(both[i], "{\"cmd\":\"show\",\"case\":\"\"}", 64, "which case");
		wrong(both[i], "{\"cmd\":\"show\",\"case\":\"12345678901234567890123456789012345678901\"}",
		      64, "40 bytes");
	}
	wrong(&bj, "{\"cmd\":\"show\",\"case\":\"" ID("04") "\"}", 1, "no case"); /* another branch's */
}

static void logs(void **state)
{
	(void)state;
	char request[200], name[NODE_LOG_TEXT_MAX];

	assert_int_equal(ask(&hq, "{\"cmd\":\"log-list\"}"), 0);
	assert_int_equal(json_array_size(answers), 3);
	assert_string_equal(text(line(0), "class"), "live");
	assert_int_equal(number(line(0), "size"), 4);
	assert_true(json_is_null(json_object_get(line(0), "ended_at")));
	snprintf(name, sizeof name, "%s", text(line(0), "log"));
	assert_string_equal(name, "BJ01/live/1.01010101");

	snprintf(request, sizeof request, "{\"cmd\":\"log-show\",\"log\":\"%s\"}", name);
	assert_int_equal(ask(&hq, request), 0);
	assert_int_equal(json_array_size(answers), 4); /* each line was a commit */
	assert_true(json_is_true(json_object_get(line(0), "content_key")));
	assert_false(json_is_true(json_object_get(line(1), "content_key")));
	assert_int_equal(number(line(3), "first"), 3);
	assert_int_equal(ask(&hq, "{\"cmd\":\"log-show\",\"log\":\"BJ01\",\"from\":1,\"count\":2}"), 0);
	assert_int_equal(json_array_size(answers), 2);
	assert_int_equal(number(line(0), "first"), 1);
	assert_int_equal(ask(&hq, "{\"cmd\":\"log-show\",\"log\":\"BJ01\",\"from\":-5,\"count\":-1}"), 0);
	assert_int_equal(json_array_size(answers), 4);
	assert_int_equal(ask(&hq, "{\"cmd\":\"log-show\",\"log\":\"BJ01\",\"from\":99}"), 0);
	assert_int_equal(json_array_size(answers), 0);
	wrong(&hq, "{\"cmd\":\"log-show\",\"log\":\"XX\"}", 1, "there is no log XX");
	wrong(&hq, "{\"cmd\":\"log-show\"}", 64, "which log");
	bj_live = node_rig_open(&bj, 2, 7, &bj_live);
	wrong(&bj, "{\"cmd\":\"log-show\",\"log\":\"BJ01/live/\"}", 1, "beginning of several");
	assert_int_equal(ask(&bj, "{\"cmd\":\"log-show\",\"log\":\"BJ01/live/2\"}"), 0);
}

static void export(void **state)
{
	(void)state;
	assert_int_equal(ask(&hq, "{\"cmd\":\"log-export\"}"), 0);
	assert_int_equal(json_array_size(answers), 6 + (size_t)hq.n->roster.events);
	assert_int_equal(ask(&hq, "{\"cmd\":\"log-export\",\"branch\":\"BJ01\"}"), 0);
	assert_int_equal(json_array_size(answers), 4);
	assert_string_equal(text(line(0), "kind"), "LOG_OPENED");
	assert_null(json_object_get(line(0), "status"));
	assert_string_equal(text(line(2), "kind"), "REPAIR_INSPECTED");
	assert_string_equal(text(line(2), "status"), "applied");
	assert_int_equal(number(line(2), "index"), 2);
	assert_true(json_is_true(json_object_get(line(1), "sealed")));
	assert_int_equal(ask(&hq, "{\"cmd\":\"log-export\",\"branch\":\"GZ02\"}"), 0);
	assert_int_equal(json_array_size(answers), 0);
	wrong(&hq, "{\"cmd\":\"log-export\",\"branch\":\"bj\"}", 64, "no branch code");
	/* who asks may leave */
	stop_after = 2;
	assert_int_equal(ask(&hq, "{\"cmd\":\"log-export\"}"), 0);
	assert_int_equal(json_array_size(answers), 2);
}

static void a_report(void **state)
{
	(void)state;
	const json_t *meta, *c;

	assert_int_equal(
	    ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"period\":\"all\",\"by\":[\"branch\"]}"), 0);
	const json_t *rows = json_object_get(line(0), "rows");
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(text(json_array_get(rows, 0), "branch"), "BJ01");
	assert_int_equal(number(json_array_get(rows, 0), "received"), 2);
	assert_int_equal(number(json_array_get(rows, 1), "received"), 1);
	meta = json_object_get(line(0), "meta");
	c = json_object_get(meta, "completeness");
	assert_int_equal(number(meta, "branches"), 3);
	assert_int_equal(number(c, "events"), 6);
	assert_int_equal(number(c, "not_applied"), 0);
	/* without a daemon nobody knows who is in sync */
	assert_true(json_is_true(json_object_get(meta, "provisional")));
	assert_true(json_is_null(json_object_get(c, "in_sync")));
	char cut[65];
	snprintf(cut, sizeof cut, "%s", text(meta, "cut"));
	assert_int_equal(strlen(cut), 64);

	assert_int_equal(
	    ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"live\":{\"in_sync\":3,\"lag_events\":0}}"),
	    0);
	meta = json_object_get(line(0), "meta");
	assert_false(json_is_true(json_object_get(meta, "provisional")));
	assert_string_equal(text(meta, "cut"), cut); /* the same data */
	assert_int_equal(
	    ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"live\":{\"in_sync\":2,\"lag_events\":1}}"),
	    0);
	assert_true(json_is_true(json_object_get(json_object_get(line(0), "meta"), "provisional")));

	/* a block that waits to be folded is no part of it, and is said */
	node_rig_submit(&bj, &bj_live, node_rig_received(NULL, NULL, "d"));
	assert_int_equal(node_rig_copy(&bj, &hq, &bj_live), REFUSE_NONE);
	assert_int_equal(ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\"}"), 0);
	assert_string_not_equal(text(json_object_get(line(0), "meta"), "cut"), cut);

	wrong(&hq, "{\"cmd\":\"report\"}", 64, "no report");
	wrong(&hq, "{\"cmd\":\"report\",\"name\":\"volum\"}", 64, "no report volum");
	wrong(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"period\":\"decade\"}", 64, "period");
	wrong(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"from\":\"2026-02-30\"}", 64, "from");
	wrong(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"from\":\"2026-02-02\",\"to\":\"2026-02-01\"}",
	      64, "after to");
	wrong(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"as_of\":\"yesterday\"}", 64, "as_of");
	wrong(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"by\":[\"colour\"]}", 64, "colour");
	wrong(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"by\":[7]}", 64, "no text");
	assert_int_equal(ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"by\":[\"branch\",\"branch\"]}"),
			 0);
	assert_int_equal(json_array_size(json_object_get(line(0), "rows")), 2);
}

/* ---- verify ------------------------------------------------------------------------------------------- */

static void names(struct node_rig *r, const char *what)
{
	assert_int_equal(ask(r, "{\"cmd\":\"verify\"}"), 1);
	const json_t *last = line(json_array_size(answers) - 1);
	if (!strstr(text(last, "wrong"), what))
		fail_msg("%s, not %s", text(last, "wrong"), what);
}

static void verify(void **state)
{
	(void)state;
	struct log_row row = node_rig_row(&bj, &bj_live);
	struct store_key_buf k;
	struct node_rig *const both[] = {&bj, &hq};

	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(both[i], "{\"cmd\":\"verify\"}"), 0);
		assert_true(json_is_true(json_object_get(line(json_array_size(answers) - 1), "ok")));
	}
	assert_int_equal(ask(&hq, "{\"cmd\":\"verify\",\"branch\":\"SH03\"}"), 0);
	assert_int_equal(number(line(json_array_size(answers) - 1), "events"), 2);
	/* a block that rots */
	k = key_log_at(&bj_live, 2);
	assert_int_equal(kv_mem_flip(hq.home.kv, TABLE_BLOCK, key_bytes(&k), 3000), AS_OK);
	names(&hq, "block BJ01 live 1");
	assert_int_equal(ask(&hq, "{\"cmd\":\"verify\",\"branch\":\"SH03\"}"), 0);
	/* a cell that is not what the logs give */
	assert_int_equal(ask(&hq, "{\"cmd\":\"rebuild\",\"check\":true}"), 1);
	/* a receipt that head office never gave */
	struct sync_item forged = {.type = ITEM_RECEIPT, .log = bj_live, .slot = SYNC_NO_SLOT};
	static struct items_result result;
	struct received *none = NULL;
	node_rig_submit(&bj, &bj_live, node_rig_received(NULL, NULL, "d"));
	forged.head = node_rig_row(&bj, &bj_live).head;
	memset(forged.receipt, 7, sizeof forged.receipt);
	node_rig_begin(&bj);
	assert_int_equal(items_to_batch(&bj.b, &forged, &none, 1, &result), AS_OK);
	node_rig_commit(&bj);
	names(&bj, "receipt of log BJ01/live/1.01010101 at 5: it does not verify");
	assert_true(node_rig_row(&bj, &bj_live).head.size > row.head.size);
	/* an author whom nobody admitted */
	roster_done(&hq.n->roster);
	roster_init(&hq.n->roster, hq.home.org, hq.home.ident.root);
	assert_int_equal(ask(&hq, "{\"cmd\":\"verify\",\"branch\":\"SH03\"}"), 1);
	assert_non_null(strstr(text(line(0), "wrong"), "does not know its author"));
}

static void rebuild(void **state)
{
	(void)state;
	assert_int_equal(ask(&bj, "{\"cmd\":\"rebuild\",\"check\":true}"), 0);
	assert_int_equal(ask(&bj, "{\"cmd\":\"rebuild\"}"), 0);
	assert_int_equal(ask(&bj, "{\"cmd\":\"rebuild\",\"check\":true}"), 0);
	assert_true(json_is_true(json_object_get(line(0), "ok")));
}

/* ---- proofs ------------------------------------------------------------------------------------------- */

static void a_proof_holds(const char *file, size_t n, const uint8_t id[16])
{
	static uint8_t event[EVENT_BYTES_MAX];
	static struct event_proof p;
	struct as_errmsg em = {0};
	struct note_key hq_key;
	struct event ev;
	uint32_t by = 0;

	if (event_proof_parse(bytes_of(file, n), event, &p, &em))
		fail_msg("%s", em.text);
	assert_int_equal(event_proof_verify(&p, &by), AS_OK);
	assert_int_equal(by, 1); /* head office's receipt is there */
	assert_int_equal(note_key_init(&hq_key, NOTE_COSIGNATURE,
				       bytes_of_str("aftersync/abababababababababababababababab/hq/1"),
				       hq.home.instance_public),
			 AS_OK);
	assert_memory_equal(p.by[0].id, hq_key.id, 4);
	assert_int_equal(event_decode(p.event, &ev), AS_OK);
	assert_memory_equal(ev.event_id.p, id, 16);
	/* of this event and no other */
	event[40] ^= 1;
	assert_int_not_equal(event_proof_verify(&p, &by), AS_OK);
}

static void proofs(void **state)
{
	(void)state;
	struct node_rig *const both[] = {&bj, &hq};
	uint8_t id[16] = {0, 0, 0, 0, 0, 0, 0x70, 0, 0x80};

	for (int i = 0; i < 2; i++)
		for (uint8_t e = 1; e <= 3; e++) {
			char request[100];
			id[15] = e;
			snprintf(request, sizeof request,
				 "{\"cmd\":\"proof-make\",\"event\":\"" ID("%02x") "\"}", e);
			assert_int_equal(ask(both[i], request), 0);
			const json_t *file = json_object_get(line(0), "proof");
			a_proof_holds(json_string_value(file), json_string_length(file), id);
		}
	node_rig_submit(&bj, &bj_live, node_rig_received(ID("05"), NULL, "d"));
	wrong(&bj, "{\"cmd\":\"proof-make\",\"event\":\"" ID("05") "\"}", 1, "not receipted this event yet");
	wrong(&bj, "{\"cmd\":\"proof-make\",\"event\":\"" ID("04") "\"}", 1, "no such event");
	wrong(&hq, "{\"cmd\":\"proof-make\",\"event\":\"" ID("05") "\"}", 1, "no such event");
	/* held at head office, but not the key change that it relies on: no receipt, so no proof either */
	assert_int_equal(node_rig_copy(&bj, &hq, &bj_live), REFUSE_NONE);
	wrong(&hq, "{\"cmd\":\"proof-make\",\"event\":\"" ID("05") "\"}", 1, "not receipted this event yet");
	node_rig_copy_keys(&bj, &hq, &bj_live);
	assert_int_equal(ask(&hq, "{\"cmd\":\"proof-make\",\"event\":\"" ID("05") "\"}"), 0);
	wrong(&hq, "{\"cmd\":\"proof-make\",\"event\":\"BJ-1\"}", 64, "which event");
	wrong(&hq, "{\"cmd\":\"proof-make\"}", 64, "which event");
}

/* ---- tally -------------------------------------------------------------------------------------------- */

static void a_tally(void **state)
{
	(void)state;
	struct tally t;
	const struct tally_row *r;
	static struct items_result result;
	AS_AUTO(buf) struct buf b = {0};

	/* a block of BJ01 that is kept as refused */
	node_rig_block(&bj, &bj_live, 1, &b);
	struct received *slot = node_rig_receive(&hq, buf_bytes(&b), false, true);
	struct sync_item it = {
	    .type = ITEM_ASIDE, .log = bj_live, .slot = slot->slot, .first = 1, .reason = REFUSE_FORKED};
	node_rig_begin(&hq);
	assert_int_equal(items_to_batch(&hq.b, &it, &slot, 1, &result), AS_OK);
	node_rig_commit(&hq);
	assert_int_equal(tally_make(hq.n, &t), AS_OK);
	assert_int_equal(t.n, 3);
	r = tally_of(&t, bj.home.branch);
	assert_non_null(r);
	assert_true(r->held == 4 && r->applied == 4 && r->refused == 1 && r->flagged == 0 &&
		    r->incarnation == 1);
	r = tally_of(&t, "GZ02\0\0\0");
	assert_true(r && r->held == 0 && r->incarnation == 0);
	assert_null(tally_of(&t, "XX99\0\0\0"));
	tally_done(&t);
	tally_done(&t);

	assert_int_equal(tally_make(bj.n, &t), AS_OK);
	assert_int_equal(t.n, 1); /* a branch counts itself */
	assert_true(t.rows[0].held == 4 && t.rows[0].acked == 4);
	tally_done(&t);

	/* what a fork cut off is kept beside, and refused by nobody */
	struct store_op *o;
	AS_AUTO(buf) struct buf other = {0};
	node_rig_block(&sh, &sh_live, 1, &other);
	slot = node_rig_receive(&sh, buf_bytes(&other), false, true);
	it.log = sh_live;
	it.slot = slot->slot;
	node_rig_begin(&sh);
	assert_int_equal(items_to_batch(&sh.b, &it, &slot, 1, &result), AS_OK);
	o = batch_op(&sh.b, STORE_CUT, &sh_live);
	o->cut.size = 1;
	node_rig_commit(&sh);
	assert_int_equal(tally_make(sh.n, &t), AS_OK);
	assert_true(t.rows[0].held == 1 && t.rows[0].refused == 1);
	tally_done(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(no_such_request),
	    T(status_without_a_daemon),
	    T(a_case_at_both_roles),
	    T(logs),
	    T(export),
	    T(a_report),
	    T(verify),
	    T(rebuild),
	    T(proofs),
	    T(a_tally),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
