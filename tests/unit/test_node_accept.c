/* common/node/accept: what people submit at a branch. Every line is what a shell would have handed in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/intake/forms.h"
#include "common/store/keys.h"
#include "common/store/kv_mem.h"
#include "tests/lib/node_rig.h"

#define ID(n) "00000000-0000-7000-8000-0000000000" n

static struct node_rig hq, br;
static struct accept acc;
static struct log_id live;
static struct accept_line line[64];
static size_t line_n;
static bool restoring;

static int set_up(void **state)
{
	(void)state;
	node_rig_hq(&hq);
	node_rig_branch(&br, &hq, "BJ01", 1);
	live = node_rig_open(&br, 1, 1, NULL);
	assert_int_equal(accept_init(&acc, br.n, &br.b), AS_OK);
	restoring = false;
	return 0;
}

static void forget_lines(void);

static int tear_down(void **state)
{
	(void)state;
	forget_lines();
	accept_done(&acc);
	node_rig_done(&br);
	node_rig_done(&hq);
	return 0;
}

static void forget_lines(void)
{
	for (size_t i = 0; i < line_n; i++)
		intake_free(line[i].in);
	memset(line, 0, sizeof line);
	line_n = 0;
}

static void add_line(const char *s, bool imported)
{
	accept_read(&br.home, bytes_of_str(s), imported, &line[line_n++]);
}

static void lines(const char *first, ...)
{
	va_list ap;

	forget_lines();
	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		add_line(s, false);
	va_end(ap);
}

static as_err judge_for(const struct log_id *log)
{
	struct accept_ctx ctx = {.log = *log, .restoring = restoring};

	node_rig_begin(&br);
	return accept_lines(&acc, &ctx, line, line_n);
}

static void judge(void)
{
	assert_int_equal(judge_for(&live), AS_OK);
}

/* One batch, durable. */
#define SUBMIT(...)                                                                                          \
	do {                                                                                                 \
		lines(__VA_ARGS__, NULL);                                                                    \
		judge();                                                                                     \
		node_rig_commit(&br);                                                                        \
	} while (0)

static void refused(size_t i, const char *text, const char *field)
{
	if (line[i].verdict != ACCEPT_REFUSED || line[i].stored ||
	    strncmp(line[i].error.text, text, strlen(text)))
		fail_msg("line %zu: verdict %d, %s (%s)", i, line[i].verdict, line[i].error.text,
			 line[i].error.field);
	assert_string_equal(line[i].error.field, field);
}

static void taken(size_t i, uint64_t index, const char *label)
{
	if (line[i].verdict != ACCEPT_APPENDED)
		fail_msg("line %zu: verdict %d, %s", i, line[i].verdict, line[i].error.text);
	assert_true(line[i].stored && line[i].index == index);
	assert_string_equal(line[i].case_text, label);
}

static const char *answer(size_t i)
{
	static char out[ACCEPT_ANSWER_MAX];

	size_t n = accept_answer(&line[i], i + 1, out);
	assert_int_equal(n, strlen(out));
	return out;
}

static uint64_t size_of(const struct log_id *log)
{
	return node_rig_row(&br, log).head.size;
}

#define INSPECT "\"cause\":\"SCREEN\",\"warranty\":\"IN_WARRANTY\""

static void a_whole_life_in_one_batch(void **state)
{
	(void)state;
	SUBMIT(node_rig_received(ID("01"), "BJ-1", "王芳"),
	       node_rig_event("REPAIR_INSPECTED", NULL, "BJ-1", INSPECT),
	       node_rig_event("REPAIR_DONE", NULL, "BJ-1", "\"outcome\":\"NTF\""),
	       node_rig_event("REPAIR_DONE", NULL, "BJ-1", "\"outcome\":\"NTF\""),
	       node_rig_event("QC_CHECKED", NULL, "BJ-1", "\"pass\":true,\"checker\":1002"));
	taken(0, 1, "BJ-1");
	taken(1, 2, "BJ-1");
	taken(2, 3, "BJ-1");
	refused(3, "REPAIR_DONE is not possible in state DONE.",
		""); /* judged by what the lines before it leave */
	assert_string_equal(line[3].error.rule, "R-04");
	taken(4, 4, "BJ-1");
	assert_int_equal(size_of(&live), 5);
	assert_string_equal(answer(0),
			    "{\"line\":1,\"event_id\":\"" ID("01") "\",\"case\":\"BJ-1\",\"index\":1}");
	/* the person's key: one subject, one number */
	assert_int_equal(node_rig_row(&br, &live).keys, 1);
	assert_int_equal(node_rig_row(&br, &live).keys_need, 1);
}

static void nothing_is_recorded_without_the_commit(void **state)
{
	(void)state;
	lines(node_rig_received(ID("01"), "BJ-1", "a"), NULL);
	judge();
	taken(0, 1, "BJ-1");
	/* the store was full: as if it had never been asked */
	assert_int_equal(size_of(&live), 1);
	SUBMIT(node_rig_event("REPAIR_INSPECTED", NULL, "BJ-1", INSPECT));
	refused(0, "There is no case BJ-1", "case");
	SUBMIT(node_rig_received(ID("01"), "BJ-1", "a"));
	taken(0, 1, "BJ-1");
	assert_int_equal(node_rig_row(&br, &live).keys, 1);
}

static void an_id_again(void **state)
{
	(void)state;
	const char *first = node_rig_received(ID("01"), NULL, "a");
	char label[LABEL_BYTES_MAX + 1];

	/* in one batch the second waits for the first to be durable, and all after it wait, too */
	lines(first, first, node_rig_received(ID("02"), "BJ-2", "b"), NULL);
	judge();
	node_rig_commit(&br);
	taken(0, 1, "BJ01202611230001");
	assert_int_equal(line[1].verdict, ACCEPT_LATER);
	assert_int_equal(line[2].verdict, ACCEPT_LATER);
	memcpy(label, line[0].case_text, sizeof label);

	SUBMIT(first);
	assert_int_equal(line[0].verdict, ACCEPT_KNOWN);
	assert_true(line[0].stored && line[0].index == 1);
	assert_string_equal(line[0].case_text, label); /* the first answer, the label made then included */
	assert_int_equal(size_of(&live), 2);

	SUBMIT(node_rig_received(ID("01"), NULL, "somebody else"), node_rig_received(ID("01"), "BJ-9", "a"),
	       node_rig_received(ID("01"), label, "a"),
	       node_rig_event("REPAIR_INSPECTED", ID("01"), label, INSPECT));
	refused(0, "Another event with this event_id is recorded already.", "event_id");
	refused(1, "Another event with this event_id is recorded already.", "event_id");
	assert_int_equal(line[2].verdict, ACCEPT_KNOWN); /* the label that it has */
	refused(3, "Another event with this event_id is recorded already.", "event_id");
	assert_int_equal(size_of(&live), 2);
}

/* Nothing can be recorded now: what was, and what is wrong in itself, is said all the same. */
static void an_id_again_when_nothing_is_recorded(void **state)
{
	(void)state;
	const char *first = node_rig_received(ID("01"), "BJ-1", "a"),
		   *other = node_rig_received(ID("01"), "BJ-2", "a");
	const char *unknown = node_rig_received(ID("02"), "BJ-3", "a"),
		   *nameless = node_rig_received(NULL, "BJ-1", "a");

	lines(first, NULL);
	judge();
	node_rig_commit(&br);
	uint64_t size = node_rig_row(&br, &live).head.size, index = line[0].index;
	lines(first, other, unknown, "{", nameless, first, NULL);
	accept_known(&acc, line, line_n);
	static const enum accept_verdict want[] = {ACCEPT_KNOWN,   ACCEPT_REFUSED, ACCEPT_NEW,
						   ACCEPT_REFUSED, ACCEPT_NEW,	   ACCEPT_KNOWN};
	for (size_t i = 0; i < line_n; i++)
		assert_int_equal(line[i].verdict, want[i]);
	assert_true(line[0].stored && line[0].index == index);
	assert_string_equal(line[0].case_text, "BJ-1");
	assert_string_equal(line[1].error.field, "event_id");
	assert_int_equal(node_rig_row(&br, &live).head.size, size);
}

static void an_id_of_a_later_event_again(void **state)
{
	(void)state;
	const char *by_label = node_rig_event("REPAIR_INSPECTED", ID("02"), "BJ-1", INSPECT);
	const char *by_key = node_rig_event("REPAIR_INSPECTED", ID("02"), ID("01"), INSPECT);

	SUBMIT(node_rig_received(ID("01"), "BJ-1", "a"), node_rig_received(ID("11"), "BJ-2", "b"), by_label);
	taken(2, 3, "BJ-1");
	SUBMIT(by_label, by_key, node_rig_event("REPAIR_INSPECTED", ID("02"), "BJ-2", INSPECT),
	       node_rig_event("REPAIR_INSPECTED", ID("02"), "no such", INSPECT),
	       node_rig_event("REPAIR_INSPECTED", ID("02"), ID("11"), INSPECT));
	assert_int_equal(line[0].verdict, ACCEPT_KNOWN);
	assert_string_equal(line[0].case_text, "BJ-1");
	assert_int_equal(line[1].verdict, ACCEPT_KNOWN);
	assert_string_equal(line[1].case_text, ID("01")); /* as it would have been answered then */
	for (size_t i = 2; i < 5; i++)
		refused(i, "Another event with this event_id is recorded already.", "event_id");
}

static void labels_that_are_made(void **state)
{
	(void)state;
	static const char complaint[] =
	    "{\"kind\":\"COMPLAINT_RECEIVED\",\"occurred_at\":\"2026-11-23T09:00:00+08:00\",\"actor\":1001,"
	    "\"facts\":{\"type\":\"COMPLAINT\",\"channel\":\"PHONE\",\"category\":\"DELAY\",\"severity\":"
	    "\"ORDINARY\"},"
	    "\"personal\":{\"text\":\"slow\"}}";

	SUBMIT(node_rig_received(NULL, NULL, "a"), complaint, node_rig_received(NULL, NULL, "b"));
	taken(0, 1, "BJ01202611230001");
	taken(1, 2, "BJ01T202611230002");
	taken(2, 3, "BJ01202611230003");
	/* the serial outlives a restart */
	accept_done(&acc);
	node_rig_again(&br);
	assert_int_equal(accept_init(&acc, br.n, &br.b), AS_OK);
	/* one that somebody gave already is passed over */
	SUBMIT(node_rig_received(NULL, "BJ01202611230004", "c"), node_rig_received(NULL, NULL, "d"));
	taken(1, 5, "BJ01202611230005");
	SUBMIT(node_rig_received(NULL, "BJ01202611230006", "e"));
	SUBMIT(node_rig_received(NULL, NULL, "f"));
	taken(0, 7, "BJ01202611230007");
}

/* A clock that was a year ahead for a moment: the labels of the days after it have their own date again. */
static void a_clock_that_was_ahead(void **state)
{
	(void)state;
	struct accept_ctx ctx = {.log = live};

	SUBMIT(node_rig_received(NULL, NULL, "a"));
	taken(0, 1, "BJ01202611230001");
	lines(node_rig_received(NULL, NULL, "b"), NULL);
	batch_begin(&br.b, NODE_RIG_NOW + INT64_C(365) * 86400000);
	assert_int_equal(accept_lines(&acc, &ctx, line, line_n), AS_OK);
	node_rig_commit(&br);
	taken(0, 2, "BJ01202711230001");
	SUBMIT(node_rig_received(NULL, NULL, "c"));
	taken(0, 3, "BJ01202611230002");
}

static void a_child_marks_its_labels(void **state)
{
	(void)state;
	struct log_id child;

	SUBMIT(node_rig_received(NULL, NULL, "a"));
	child = node_rig_open(&br, 2, 0xc7, &live);
	node_rig_begin(&br);
	assert_int_equal(accept_suffix(&acc, &child, true, &br.b), AS_OK);
	node_rig_commit(&br);
	accept_done(&acc);
	node_rig_again(&br);
	assert_int_equal(accept_init(&acc, br.n, &br.b), AS_OK);
	live = child;
	SUBMIT(node_rig_received(NULL, NULL, "b"));
	taken(0, 1, "BJ01202611230002-c7");
}

static void a_label_in_use(void **state)
{
	(void)state;
	SUBMIT(node_rig_received(NULL, "BJ-1", "a"));
	SUBMIT(node_rig_received(NULL, "BJ-1", "b"), node_rig_received(NULL, "BJ-2", "c"),
	       node_rig_received(NULL, "BJ-2", "d"));
	refused(0, "BJ-1 names a case already.", "case");
	taken(1, 2, "BJ-2");
	refused(2, "BJ-2 names a case already.", "case");
}

/* After a fork two cases may have one label. */
static void a_label_that_names_two_cases(void **state)
{
	(void)state;
	struct accept_line one = node_rig_submit(&br, &live, node_rig_received(ID("01"), "BJ-1", "a"));
	const char *before = node_rig_event("REPAIR_INSPECTED", ID("02"), "BJ-1", INSPECT);
	struct log_id other = node_rig_open(&br, 2, 2, NULL);
	struct bytes raw;
	struct event ev;
	uint8_t copy[4096], id[16];
	struct batch_author w;
	size_t n;

	(void)one;
	node_rig_submit(&br, &live, before);
	/* as it comes back from the other copy: the same label, another case */
	assert_int_equal(node_event_at(br.n, &live, 1, &raw), AS_OK);
	assert_int_equal(event_decode(raw, &ev), AS_OK);
	assert_true(form_uuid_parse(bytes_of_str(ID("77")), id));
	ev.event_id = bytes_of(id, 16);
	assert_int_equal(event_encode(&ev, copy, sizeof copy, &n), AS_OK);
	raw = bytes_of(copy, n);
	node_rig_begin(&br);
	assert_int_equal(batch_author_open(&br.b, &other, &w), AS_OK);
	assert_int_equal(batch_append(&br.b, &w, &raw, 1, 0), AS_OK);
	batch_author_done(&w);
	node_rig_commit(&br);

	SUBMIT(node_rig_event("REPAIR_HELD", NULL, "BJ-1", "\"hold\":\"PARTS\""),
	       node_rig_event("REPAIR_HELD", NULL, ID("01"), "\"hold\":\"PARTS\""), before);
	refused(0, "BJ-1 names two cases: give the key, ", "case");
	assert_non_null(strstr(line[0].error.text, ID("01")));
	assert_non_null(strstr(line[0].error.text, ID("77")));
	taken(1, 3, ID("01"));
	assert_int_equal(line[2].verdict, ACCEPT_KNOWN); /* it named one when it was recorded */
	assert_string_equal(line[2].case_text, "BJ-1");
}

static void an_unknown_case(void **state)
{
	(void)state;
	SUBMIT(node_rig_event("REPAIR_INSPECTED", NULL, "BJ-1", INSPECT),
	       node_rig_event("REPAIR_INSPECTED", NULL, ID("55"), INSPECT));
	refused(0, "There is no case BJ-1 at this branch.", "case");
	assert_int_equal(line[1].verdict, ACCEPT_REFUSED);
	restoring = true;
	SUBMIT(node_rig_event("REPAIR_INSPECTED", NULL, "BJ-1", INSPECT));
	refused(0, "The case BJ-1 is not here yet: this branch is being restored", "case");
}

/* A case lives in the log of its first event. */
static void a_case_of_the_other_class(void **state)
{
	(void)state;
	struct log_id bulk = live;
	struct log_opened lo = {0};
	struct batch_author w;
	struct accept_ctx import = {0};

	bulk.cls = LOG_BULK;
	lo.log = bulk;
	memcpy(lo.author, br.home.identity_public, 32);
	node_rig_begin(&br);
	assert_int_equal(batch_log_begin(&br.b, &lo, NULL, 0, &w), AS_OK);
	batch_author_done(&w);
	node_rig_commit(&br);
	import.log = bulk;
	forget_lines();
	add_line(node_rig_received(ID("01"), "OLD-1", "a"), true);
	node_rig_begin(&br);
	assert_int_equal(accept_lines(&acc, &import, line, line_n), AS_OK);
	node_rig_commit(&br);
	taken(0, 1, "OLD-1");
	char answer[ACCEPT_ANSWER_MAX];
	node_rig_begin(&br);
	line[0] = (struct accept_line){.in = line[0].in};
	assert_int_equal(accept_lines(&acc, &import, line, line_n), AS_OK);
	assert_int_equal(line[0].verdict, ACCEPT_KNOWN);
	accept_answer(&line[0], 1, answer);
	assert_non_null(strstr(answer, "\"index\":1,\"known\":true}"));
	/* whose case begins with it: only the line says, not the log that is being appended to */
	forget_lines();
	add_line(node_rig_received(ID("77"), "OLD-2", "a"), true);
	add_line(node_rig_received(NULL, "NEW-0", "b"), false);
	judge();
	assert_int_equal(line[0].verdict, ACCEPT_OTHER);
	assert_int_equal(line[0].cls, LOG_BULK);
	assert_int_equal(line[1].verdict, ACCEPT_APPENDED);

	SUBMIT(node_rig_event("REPAIR_INSPECTED", NULL, "OLD-1", INSPECT),
	       node_rig_received(NULL, "NEW-1", "b"));
	assert_int_equal(line[0].verdict, ACCEPT_OTHER);
	assert_int_equal(line[0].cls, LOG_BULK);
	taken(1, 1, "NEW-1");
	lines(node_rig_event("REPAIR_INSPECTED", NULL, "OLD-1", INSPECT),
	      node_rig_event("REPAIR_INSPECTED", NULL, "NEW-1", INSPECT), NULL);
	assert_int_equal(judge_for(&bulk), AS_OK);
	node_rig_commit(&br);
	taken(0, 2, "OLD-1");
	assert_int_equal(line[1].verdict, ACCEPT_OTHER);
	assert_int_equal(line[1].cls, LOG_LIVE);
}

static void an_erased_customer(void **state)
{
	(void)state;
	char text[1200];
	const char *plain = node_rig_received(ID("01"), "BJ-1", "a");
	const char *end = strrchr(plain, '}');
	struct store_key gone = {.number = 1, .op = KEY_TOMBSTONE};
	struct store_op *o;

	memset(gone.subject, 0x22, 16);
	node_rig_begin(&br);
	o = batch_op(&br.b, STORE_KEYS, &live);
	o->keys.keys = &gone;
	o->keys.n = 1;
	node_rig_commit(&br);
	snprintf(text, sizeof text, "%.*s,\"customer\":\"22222222-2222-2222-2222-222222222222\"}",
		 (int)(end - plain), plain);
	SUBMIT(text);
	refused(0, "This customer was erased", "customer");
	assert_string_equal(line[0].error.rule, "R-72");
	assert_int_equal(size_of(&live), 1);
}

static void personal_parts_are_sealed(void **state)
{
	(void)state;
	struct bytes raw;
	struct event ev;
	uint8_t plain[PERSONAL_SEALED_MAX];
	size_t n;

	SUBMIT(node_rig_received(ID("01"), "BJ-1", "王芳"));
	assert_int_equal(node_event_at(br.n, &live, 1, &raw), AS_OK);
	assert_null(memmem(raw.p, raw.n, "王芳", strlen("王芳")));
	assert_null(memmem(raw.p, raw.n, "13800138000", 11));
	assert_int_equal(event_decode(raw, &ev), AS_OK);
	assert_int_equal(node_personal_open(br.n, br.home.branch, &ev, plain, &n), AS_OK);
	assert_non_null(memmem(plain, n, "王芳", strlen("王芳")));
	/* while the key exists, another text is another event; when it is gone nobody can tell */
	SUBMIT(node_rig_received(ID("01"), "BJ-1", "李娜"));
	refused(0, "Another event", "event_id");
	struct store_key gone = {.number = 2, .op = KEY_TOMBSTONE};
	memcpy(gone.subject, ev.event_id.p, 16);
	node_rig_begin(&br);
	struct store_op *o = batch_op(&br.b, STORE_KEYS, &live);
	o->keys.keys = &gone;
	o->keys.n = 1;
	node_rig_commit(&br);
	SUBMIT(node_rig_received(ID("01"), "BJ-1", "李娜"));
	assert_int_equal(line[0].verdict, ACCEPT_KNOWN);
}

/* More than a batch takes: the rest waits, in order, and nothing is judged out of turn. */
static void more_lines_than_a_batch_takes(void **state)
{
	(void)state;
	enum { N = 5000 };
	struct accept_line *many = calloc(N, sizeof *many);
	struct accept_ctx ctx = {.log = live};
	uint64_t index = 1;
	size_t done = 0, rounds = 0;
	struct accept_line one;

	assert_non_null(many);
	assert_true(accept_read(&br.home, bytes_of_str(node_rig_received(NULL, NULL, "somebody with a name of some length")),
				false, &one));
	while (done < N) {
		for (size_t i = done; i < N; i++)
			many[i] = one;
		node_rig_begin(&br);
		assert_int_equal(accept_lines(&acc, &ctx, many + done, N - done), AS_OK);
		node_rig_commit(&br);
		assert_int_equal(many[done].verdict, ACCEPT_APPENDED);
		for (; done < N && many[done].verdict == ACCEPT_APPENDED; done++)
			assert_int_equal(many[done].index, index++);
		for (size_t i = done; i < N; i++)
			assert_int_equal(many[i].verdict, ACCEPT_LATER);
		rounds++;
	}
	assert_true(rounds > 1 && rounds < 20);
	assert_int_equal(size_of(&live), N + 1);
	assert_int_equal(node_rig_row(&br, &live).keys, N);
	intake_free(one.in);
	free(many);
}

static void an_answer_is_json(void **state)
{
	(void)state;
	char text[ACCEPT_ANSWER_MAX];
	struct accept_line l = {.stored = true, .index = 7};

	memcpy(l.case_text, "\"\\\x01\x7f 工单", sizeof "\"\\\x01\x7f 工单");
	accept_answer(&l, 3, text);
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "case")), l.case_text);
	json_decref(o);
	/* the longest sentence, of characters that are three bytes or have to be escaped */
	static const char *const fill[] = {"工", "\"", "\x01", "é"};
	for (size_t f = 0; f < AS_COUNT(fill); f++)
		for (size_t from = 0; from < 4; from++) {
			l = (struct accept_line){.verdict = ACCEPT_REFUSED};
			memset(l.error.text, 'x', from);
			for (size_t n = from; n + strlen(fill[f]) < sizeof l.error.text; n += strlen(fill[f]))
				memcpy(l.error.text + n, fill[f], strlen(fill[f]));
			if (from == 3) /* cut by whoever wrote it */
				memcpy(l.error.text + 3, "\xe5\xb7", 3);
			memset(l.error.field, 'f', sizeof l.error.field - 1);
			memset(l.error.rule, 'R', sizeof l.error.rule - 1);
			size_t n = accept_answer(&l, INT64_MAX, text);
			assert_true(n < sizeof text && n == strlen(text));
			o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
			if (o == NULL)
				fail_msg("%s", text);
			assert_true(json_string_length(json_object_get(o, "error")) > (from == 3 ? 4 : 100));
			json_decref(o);
		}
}

/* One damaged row is the matter of who needs it, not of everybody in the same batch. */
static void a_damaged_case(void **state)
{
	(void)state;
	struct case_key c = {.branch = "BJ01"};
	struct store_key_buf k;

	SUBMIT(node_rig_received(ID("01"), "BJ-1", "a"), node_rig_received(ID("02"), "BJ-2", "b"));
	assert_true(form_uuid_parse(bytes_of_str(ID("01")), c.id));
	k = key_case(&c);
	assert_int_equal(kv_mem_flip(br.home.kv, TABLE_CASE, key_bytes(&k), 77), AS_OK);
	lines(node_rig_event("REPAIR_INSPECTED", NULL, "BJ-1", INSPECT), node_rig_received(NULL, "BJ-3", "c"),
	      node_rig_event("REPAIR_INSPECTED", NULL, "BJ-2", INSPECT), NULL);
	judge();
	node_rig_commit(&br);
	refused(0, "NOT recorded: what is stored of its case is damaged", "");
	taken(1, 3, "BJ-3");
	taken(2, 4, "BJ-2");
	/* the same for a person's key: a case that was not opened yet */
	uint8_t subject[16];
	memset(subject, 0x22, 16);
	SUBMIT(
	    "{\"kind\":\"COMPLAINT_RECEIVED\",\"occurred_at\":\"2026-11-23T09:00:00+08:00\",\"actor\":1001,"
	    "\"customer\":\"22222222222222222222222222222222\",\"facts\":{\"type\":\"COMPLAINT\",\"channel\":"
	    "\"PHONE\","
	    "\"category\":\"DELAY\",\"severity\":\"ORDINARY\"},\"personal\":{\"text\":\"slow\"}}");
	taken(0, 5, "BJ01T202611230001");
	assert_int_equal(kv_mem_flip(br.home.kv, TABLE_RING, bytes_of(subject, 16), 99), AS_OK);
	SUBMIT(
	    "{\"kind\":\"COMPLAINT_RECEIVED\",\"occurred_at\":\"2026-11-23T09:00:00+08:00\",\"actor\":1001,"
	    "\"customer\":\"22222222222222222222222222222222\",\"facts\":{\"type\":\"COMPLAINT\",\"channel\":"
	    "\"PHONE\","
	    "\"category\":\"DELAY\",\"severity\":\"ORDINARY\"},\"personal\":{\"text\":\"slow\"}}",
	    node_rig_received(NULL, "BJ-4", "d"));
	refused(0, "NOT recorded: ", "");
	taken(1, 6, "BJ-4");
}

/* A batch that cannot be judged at all is an error, not a line that waits for ever. */
static void a_store_that_cannot_be_read(void **state)
{
	(void)state;
	const char *one = node_rig_received(ID("01"), "BJ-1", "a");
	as_err err = AS_OK;
	bool any = false;

	for (uint64_t nth = 1; nth < 200; nth++) {
		lines(one, NULL);
		kv_mem_fail_nth(br.home.kv, nth);
		err = judge_for(&live);
		if (kv_mem_fail_pending(br.home.kv)) {
			kv_mem_fail_nth(br.home.kv, 0);
			break;
		}
		kv_mem_fail_nth(br.home.kv, 0);
		any |= err != AS_OK;
		assert_true(err == AS_EIO || err == AS_ECORRUPT ||
			    (err == AS_OK && line[0].verdict == ACCEPT_APPENDED));
	}
	assert_true(any);
	assert_int_equal(err, AS_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Some kinds go on with the case that they name when it is there, and open it when it is not. */
static void opened_or_continued(void **state)
{
	(void)state;
	static const char open[] = "\"step\":\"OPENED\",\"party\":\"DEALER\",\"subject\":\"PARTS\"";
	const char *answered = node_rig_event("EXTERNAL_CASE", ID("02"), "EX-9", "\"step\":\"ANSWERED\"");

	/* the case is in this batch, then in the store */
	SUBMIT(node_rig_event("EXTERNAL_CASE", ID("01"), "EX-9", open), answered,
	       node_rig_event("EXTERNAL_CASE", NULL, "EX-8", "\"step\":\"ANSWERED\""));
	taken(0, 1, "EX-9");
	taken(1, 2, "EX-9");
	refused(2, "EXTERNAL_CASE as the first event of a case is only possible when the step is OPENED or CLAIMED. (R-04)",
		"");
	SUBMIT(node_rig_event("EXTERNAL_CASE", ID("01"), "EX-9", open), answered,
	       node_rig_event("EXTERNAL_CASE", NULL, ID("01"), "\"step\":\"CLOSED\""));
	assert_int_equal(line[0].verdict, ACCEPT_KNOWN); /* again: the answers of the first time */
	assert_int_equal(line[0].index, 1);
	assert_int_equal(line[1].verdict, ACCEPT_KNOWN);
	assert_int_equal(line[1].index, 2);
	assert_string_equal(line[1].case_text, "EX-9");
	assert_int_equal(line[2].verdict, ACCEPT_APPENDED);
	SUBMIT(node_rig_event("EXTERNAL_CASE", NULL, "EX-9", open));
	refused(0, "EXTERNAL_CASE is not possible in state CLOSED.", "");
}

/* A plain fact is named by its id; a made label tells the type of the case. */
static void facts_and_made_labels(void **state)
{
	(void)state;
	SUBMIT("{\"kind\":\"PROMOTION_DONE\",\"event_id\":\"" ID(
		   "01") "\",\"occurred_at\":\"2026-11-23T09:30:00+08:00\","
			 "\"actor\":1001,\"facts\":{\"topic\":\"SERVICE\",\"audience\":12}}",
	       "{\"kind\":\"CONSULT_RECEIVED\",\"occurred_at\":\"2026-11-23T09:30:00+08:00\",\"actor\":1001,"
	       "\"facts\":{\"topic\":\"USE\",\"channel\":\"PHONE\",\"answered_now\":true}}",
	       "{\"kind\":\"TARGET_SET\",\"occurred_at\":\"2026-11-23T09:30:00+08:00\",\"actor\":1001,"
	       "\"facts\":{}}",
	       node_rig_event("PROMOTION_DONE", NULL, "P-1", "\"topic\":\"SERVICE\",\"audience\":12"),
	       node_rig_event("CONSULT_CONVERTED", NULL, "P-1", "\"order_no\":\"X\""));
	taken(0, 1, ID("01"));
	assert_int_equal(line[1].verdict, ACCEPT_APPENDED);
	assert_int_equal(strncmp(line[1].case_text, "BJ01Q20", 7), 0);
	refused(2, "TARGET_SET is recorded by head office.", "kind");
	taken(3, 3, "P-1");
	refused(4, "CONSULT_CONVERTED does not belong to a fact.", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_whole_life_in_one_batch),
	    T(nothing_is_recorded_without_the_commit),
	    T(an_id_again),
	    T(an_id_again_when_nothing_is_recorded),
	    T(an_id_of_a_later_event_again),
	    T(labels_that_are_made),
	    T(a_clock_that_was_ahead),
	    T(a_child_marks_its_labels),
	    T(a_label_in_use),
	    T(a_label_that_names_two_cases),
	    T(an_unknown_case),
	    T(a_case_of_the_other_class),
	    T(an_erased_customer),
	    T(personal_parts_are_sealed),
	    T(more_lines_than_a_batch_takes),
	    T(an_answer_is_json),
	    T(a_damaged_case),
	    T(a_store_that_cannot_be_read),
	    T(opened_or_continued),
	    T(facts_and_made_labels),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
