/* common/intake: good lines become events and come back as the same JSON; each bad line has its sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/intake/forms.h"
#include "common/intake/intake.h"

static const struct intake_ctx ctx = {.tz_offset_min = 480, .business_date = 20261123, .policy_ver = 3};
static const struct intake_ctx importing = {.tz_offset_min = 480, .imported = true};
static struct intake in;
static struct intake_error err;

#define HEAD "\"occurred_at\":\"2026-11-23T09:30:00+08:00\",\"actor\":1001"
#define REPAIR "\"kind\":\"REPAIR_RECEIVED\"," HEAD
#define FACTS                                                                                                \
	"\"model\":\"A100\",\"channel\":\"WALK_IN\",\"promised_at\":\"2026-11-25T18:00:00+08:00\","          \
	"\"symptom\":[\"H03\",\"A02\"],\"appearance\":[\"SCRATCH\"],\"accessories\":[]"
#define PERSONAL "\"personal\":{\"phone\":\"+86 138-0013-8000\",\"imei\":\"490154203237518\"}"
#define COMPLAINT "\"kind\":\"COMPLAINT_RECEIVED\"," HEAD
#define CFACTS "\"type\":\"COMPLAINT\",\"channel\":\"PHONE\",\"category\":\"DELAY\""

static void good(const char *line)
{
	if (intake_parse(bytes_of_str(line), &ctx, &in, &err))
		fail_msg("%s: %s (%s %s)", line, err.text, err.field, err.rule);
	assert_string_equal(err.text, "");
}

/* Ids, salt, recorded_at and case as the node would set them. */
static void accept(struct event *ev)
{
	static const uint8_t id[16] = {1}, salt[16] = {2}, named[16] = {3};

	if (ev->event_id.n == 0)
		ev->event_id = bytes_of(id, 16);
	ev->salt = bytes_of(salt, 16);
	ev->recorded_at = ev->occurred_at;
	if (!(in.kind->flags & KF_OPENS))
		ev->case_id = bytes_of(named, 16);
}

static void an_intake(void **state)
{
	(void)state;
	struct body b;
	int bad;

	good("{" REPAIR ",\"event_id\":\"01234567-89ab-cdef-0123-456789abcdef\",\"case\":\"BJ202611230001\","
	     "\"post\":\"FRONT_DESK\",\"facts\":{" FACTS ",\"sale_date\":\"2026-02-28\"}," PERSONAL "}");
	assert_int_equal(in.ev.kind, REPAIR_RECEIVED);
	assert_true(in.has_event_id && in.event_id[0] == 0x01 && in.event_id[15] == 0xef);
	assert_int_equal(in.ev.business_date, 20261123);
	assert_true(in.ev.occurred_at == 1795397400000);
	assert_int_equal(in.ev.policy_ver, 3);
	assert_int_equal(in.ev.post, 8);
	assert_memory_equal(in.ev.label.p, "BJ202611230001", 14);
	assert_int_equal(body_decode(in.kind, BODY_PERSONAL, intake_personal(&in), &b, &bad),
			 AS_OK);
	assert_memory_equal(b.v[kind_field_index(in.kind, bytes_of_str("phone"))].s.p, "13800138000", 11);
	assert_int_equal(body_decode(in.kind, BODY_FACTS, bytes_of(in.bytes, in.facts_n), &b, &bad), AS_OK);
	assert_int_equal(b.v[4].i, 2);
	accept(&in.ev);
	struct ledger_refusal why;
	static const uint8_t leaf[32];
	assert_int_equal(ledger_check(NULL, &in.ev, "BJ01\0\0\0", leaf, &why), AS_OK);
}

static void text_is_normalised(void **state)
{
	(void)state;
	struct body b;
	int bad;

	good("{" REPAIR ",\"facts\":{\"model\":\"Cafe\\u0301\"," /* e + combining acute */
	     "\"channel\":\"WALK_IN\",\"promised_at\":\"2026-11-25T18:00:00Z\",\"symptom\":[\"X99\"],"
	     "\"appearance\":[],\"accessories\":[]}," PERSONAL "}");
	assert_int_equal(body_decode(in.kind, BODY_FACTS, in.ev.body, &b, &bad), AS_OK);
	assert_int_equal(b.v[0].s.n, 5);
	assert_memory_equal(b.v[0].s.p, "Caf\xc3\xa9", 5);
}

static void deadlines_are_set(void **state)
{
	(void)state;
	struct body b;
	int bad;

	good("{" COMPLAINT ",\"facts\":{" CFACTS
	     ",\"severity\":\"ORDINARY\"},\"personal\":{\"text\":\"slow\"}}");
	assert_int_equal(body_decode(in.kind, BODY_FACTS, in.ev.body, &b, &bad), AS_OK);
	assert_true(b.v[4].i == in.ev.occurred_at + DATE_MS_PER_DAY);
	assert_true(b.v[5].i == in.ev.occurred_at + INT64_C(3) * DATE_MS_PER_DAY);
	assert_true(b.v[6].i == in.ev.occurred_at + INT64_C(15) * DATE_MS_PER_DAY);
	/* imported: no ack; a due date of the file stands */
	const char *line =
	    "{\"kind\":\"COMPLAINT_RECEIVED\",\"occurred_at\":\"2016-01-05T10:00:00-05:00\",\"facts\":"
	    "{" CFACTS ",\"severity\":\"ORDINARY\",\"reply_due\":\"2016-01-20T10:00:00-05:00\"}}";
	assert_int_equal(intake_parse(bytes_of_str(line), &importing, &in, &err), AS_OK);
	assert_int_equal(body_decode(in.kind, BODY_FACTS, in.ev.body, &b, &bad), AS_OK);
	assert_false(body_has(&b, 4));
	assert_true(b.v[5].i == in.ev.occurred_at + INT64_C(15) * DATE_MS_PER_DAY);
	assert_true(in.ev.imported && in.ev.business_date == 20160105);
	assert_int_equal(in.ev.tz_offset_min, -300); /* its own, not the branch's */
}

static const struct {
	const char *line, *text, *field, *rule;
} bad_lines[] = {
    {"", "The line is not valid JSON", "", ""},
    {"{", "The line is not valid JSON", "", ""},
    {"[]", "The line must be a JSON object.", "", ""},
    {"{} {}", "The line is not valid JSON", "", ""},
    {"{\"kind\":\"REPAIR_RECEIVED\",\"kind\":\"REPAIR_DONE\"}", "The line is not valid JSON: duplicate", "",
     ""},
    {"{\"kind\":\"REPAIR_RECEIVED\xff\"}", "The line is not valid UTF-8.", "", ""},
    {"{\"kind\":\"REPAIR_RECEIVED\\u0000\"}", "The line is not valid JSON", "", ""},
    {"{\"knd\":1}", "There is no field \"knd\".", "knd", ""},
    {"{\"1234567890123456789012345678901234567890慢慢\":1}",
     "There is no field \"1234567890123456789012345678901234567890...\".",
     "1234567890123456789012345678901234567890...", ""},
    {"{\"123456789012345678901234567890123456789慢\":1}",
     "There is no field \"123456789012345678901234567890123456789...\".",
     "123456789012345678901234567890123456789...", ""},
    {"{}", "kind is missing.", "kind", ""},
    {"{\"kind\":7}", "kind must be a text.", "kind", ""},
    {"{\"kind\":\"REPAIR_RECIEVED\"}", "kind: \"REPAIR_RECIEVED\" is not known.", "kind", ""},
    {"{\"kind\":\"LOG_OPENED\"}", "LOG_OPENED is recorded by the node itself.", "kind", ""},
    {"{\"kind\":\"REPAIR_DONE\"}", "occurred_at is missing.", "occurred_at", ""},
    {"{\"kind\":\"REPAIR_DONE\",\"occurred_at\":\"2026-02-30T10:00:00Z\"}",
     "occurred_at: \"2026-02-30T10:00:00Z\" is not a real RFC 3339 time with offset.", "occurred_at", ""},
    {"{\"kind\":\"REPAIR_DONE\",\"occurred_at\":\"2026-02-20T10:00:00\"}", "occurred_at: ", "occurred_at",
     ""},
    {"{\"kind\":\"REPAIR_DONE\",\"occurred_at\":1795397400}", "occurred_at must be an RFC 3339 time.",
     "occurred_at", ""},
    {"{\"kind\":\"REPAIR_DONE\",\"occurred_at\":\"2026-02-20T10:00:00Z\"}", "actor is missing.", "actor", ""},
    {"{\"kind\":\"REPAIR_DONE\",\"occurred_at\":\"2026-02-20T10:00:00Z\",\"actor\":0}",
     "actor must be a staff number.", "actor", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD ",\"event_id\":\"12\"}", "event_id must be a UUID.", "event_id", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD ",\"case\":\"X\",\"business_date\":\"2004-02-30\"}",
     "business_date: \"2004-02-30\" is not a real date YYYY-MM-DD.", "business_date", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD ",\"case\":\"X\",\"post\":\"BOSS\"}",
     "post: \"BOSS\" is not one of MANAGER, ", "post", ""},
    {"{\"kind\":\"QC_CHECKED\"," HEAD
     ",\"case\":\"X\",\"post\":\"CLERK\",\"facts\":{\"pass\":true,\"checker\":7}}",
     "QC_CHECKED may not be recorded by the post CLERK.", "post", "R-03"},
    {"{\"kind\":\"REPAIR_STARTED\"," HEAD ",\"facts\":{\"technician\":7}}", "case is missing: ", "case", ""},
    {"{\"kind\":\"REPAIR_CANCELLED\"," HEAD ",\"case\":\"X\"}", "REPAIR_CANCELLED needs a reason.", "reason",
     ""},
    {"{\"kind\":\"COMPLAINT_EXTENDED\"," HEAD
     ",\"case\":\"X\",\"facts\":{\"new_reply_due\":\"2026-12-01T00:00:00Z\"}}",
     "COMPLAINT_EXTENDED needs an approver.", "approver", "R-05"},
    {"{\"kind\":\"COMPLAINT_EXTENDED\"," HEAD
     ",\"approver\":1001,\"case\":\"X\",\"facts\":{\"new_reply_due\":\"2026-12-01T00:00:00Z\"}}",
     "The approver must not be the actor.", "approver", "R-05"},
    {"{" REPAIR ",\"facts\":7}", "facts must be an object.", "facts", ""},
    {"{" REPAIR ",\"facts\":{\"modell\":\"A\"}}", "REPAIR_RECEIVED has no field \"modell\" in facts.",
     "facts.modell", ""},
    {"{" REPAIR ",\"facts\":{\"model\":7}}", "facts.model must be a text.", "facts.model", ""},
    {"{" REPAIR ",\"facts\":{\"model\":\"\"}}", "facts.model is empty.", "facts.model", ""},
    {"{" REPAIR ",\"facts\":{\"model\":\"a\\tb\"}}", "facts.model holds a control character.", "facts.model",
     ""},
    {"{" REPAIR ",\"facts\":{\"model\":\"123456789012345678901234567890123\"}}",
     "facts.model is 33 bytes long, at most 32 are allowed.", "facts.model", ""},
    {"{" REPAIR ",\"facts\":{\"model\":\"手机手机手机手机手机手\"}}", "facts.model is 33 bytes long",
     "facts.model", ""},
    {"{" REPAIR ",\"facts\":{\"channel\":\"WALKIN\"}}",
     "facts.channel: \"WALKIN\" is not one of WALK_IN, MAIL_IN, ON_SITE, DEALER, OUTLET.", "facts.channel",
     ""},
    {"{" REPAIR ",\"facts\":{\"channel\":1}}", "facts.channel must be one of WALK_IN", "facts.channel", ""},
    {"{" REPAIR ",\"facts\":{\"symptom\":\"H01\"}}", "facts.symptom must be a list.", "facts.symptom", ""},
    {"{" REPAIR ",\"facts\":{\"symptom\":[]}}", "facts.symptom must name 1 to 16 codes.", "facts.symptom",
     ""},
    {"{" REPAIR ",\"facts\":{\"symptom\":[\"H01\",\"H01\"]}}", "facts.symptom names H01 twice.",
     "facts.symptom", ""},
    {"{" REPAIR ",\"facts\":{\"appearance\":[\"RUSTY\"]}}", "facts.appearance: \"RUSTY\" is not one of",
     "facts.appearance", ""},
    {"{" REPAIR ",\"facts\":{\"tac\":1.5}}", "facts.tac must be a whole number from 0 to 99999999.",
     "facts.tac", ""},
    {"{" REPAIR ",\"facts\":{\"tac\":100000000}}", "facts.tac must be a whole number", "facts.tac", ""},
    {"{" REPAIR ",\"facts\":{\"loaner_offered\":1}}", "facts.loaner_offered must be true or false.",
     "facts.loaner_offered", ""},
    {"{" REPAIR ",\"facts\":{\"sale_date\":\"2004-02-30\"}}",
     "facts.sale_date: \"2004-02-30\" is not a real date YYYY-MM-DD.", "facts.sale_date", ""},
    {"{" REPAIR ",\"facts\":{\"symptom_text\":\"dead\"}}", "facts.symptom_text belongs into \"personal\".",
     "facts.symptom_text", ""},
    {"{" REPAIR ",\"personal\":{\"model\":\"A\"}}", "personal.model belongs into \"facts\".",
     "personal.model", ""},
    {"{" REPAIR ",\"facts\":{\"channel\":\"WALK_IN\"}}", "facts.model is missing.", "facts.model", ""},
    {"{" REPAIR ",\"facts\":{\"model\":\"A\",\"channel\":\"WALK_IN\"}}", "facts.promised_at is missing.",
     "facts.promised_at", "R-10"},
    {"{" REPAIR ",\"facts\":{" FACTS "},\"personal\":{\"imei\":\"490154203237519\"}}",
     "personal.imei is no IMEI: the check digit is wrong.", "personal.imei", "R-12"},
    {"{" REPAIR ",\"personal\":{\"imei\":\"000000000000000\"}}",
     "personal.imei is no IMEI: all digits are equal.", "personal.imei", "R-12"},
    {"{" REPAIR ",\"personal\":{\"imei\":\"4901542032375\"}}", "personal.imei must be 15 digits.",
     "personal.imei", "R-12"},
    {"{" REPAIR ",\"personal\":{\"phone\":\"12800138000\"}}", "personal.phone is not a mobile",
     "personal.phone", ""},
    {"{" REPAIR ",\"facts\":{" FACTS "}}", "The customer's contact is missing", "personal.phone", "R-10"},
    {"{" REPAIR ",\"facts\":{" FACTS "},\"personal\":{\"phone\":\"13800138000\"}}", "The device is missing",
     "personal.imei", "R-10"},
    {"{" REPAIR ",\"facts\":{" FACTS ",\"sale_date\":\"2026-11-24\"}," PERSONAL "}",
     "facts.sale_date is after the day of receipt.", "facts.sale_date", ""},
    {"{" REPAIR ",\"facts\":{" FACTS ",\"sale_date\":\"2026-01-01\",\"made_date\":\"2026-01-02\"}," PERSONAL
     "}",
     "facts.made_date is after the sale_date.", "facts.made_date", ""},
    {"{" REPAIR
     ",\"facts\":{\"model\":\"A100\",\"channel\":\"WALK_IN\",\"promised_at\":\"2026-11-22T18:00:00+08:00\","
     "\"symptom\":[\"H03\"],\"appearance\":[],\"accessories\":[]}," PERSONAL "}",
     "facts.promised_at is before occurred_at.", "facts.promised_at", ""},
    {"{\"kind\":\"REPAIR_QUOTED\"," HEAD
     ",\"case\":\"X\",\"facts\":{\"labour_fen\":10000001,\"parts_fen\":0}}",
     "facts.labour_fen must be a whole number of fen from 0 to 10000000.", "facts.labour_fen", ""},
    {"{\"kind\":\"REPAIR_QUOTED\"," HEAD ",\"case\":\"X\",\"facts\":{\"labour_fen\":-1,\"parts_fen\":0}}",
     "facts.labour_fen must be", "facts.labour_fen", ""},
    {"{\"kind\":\"REPAIR_TRANSFER_OUT\"," HEAD ",\"case\":\"X\",\"facts\":{\"other_branch\":\"sh01\"}}",
     "facts.other_branch must be a branch code", "facts.other_branch", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD
     ",\"case\":\"X\",\"facts\":{\"outcome\":\"FIXED\",\"parts_used\":[{\"part_no\":\"A\"}]}}",
     "facts.parts_used[0].qty is missing.", "facts.parts_used", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD
     ",\"case\":\"X\",\"facts\":{\"outcome\":\"FIXED\",\"parts_used\":[{\"part_no\":\"A\",\"qty\":1},7]}}",
     "facts.parts_used[1] must be an object.", "facts.parts_used", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD
     ",\"case\":\"X\",\"facts\":{\"outcome\":\"FIXED\",\"parts_used\":[{\"part_no\":\"A\",\"qty\":0}]}}",
     "facts.parts_used[0].qty must be a whole number from 1 to 1000.", "facts.parts_used", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD
     ",\"case\":\"X\",\"facts\":{\"outcome\":\"FIXED\",\"parts_used\":[{\"part\":\"A\"}]}}",
     "facts.parts_used[0] has no field \"part\".", "facts.parts_used", ""},
    {"{\"kind\":\"REPAIR_DONE\"," HEAD ",\"case\":\"X\",\"facts\":{\"outcome\":\"FIXED\",\"parts_used\":[]}}",
     "facts.parts_used must be a list of 1 to 50 items.", "facts.parts_used", ""},
    {"{" COMPLAINT ",\"facts\":{" CFACTS ",\"severity\":\"HIGH\"}}",
     "facts.severity: \"HIGH\" is not one of ORDINARY, SERIOUS, URGENT.", "facts.severity", ""},
    {"{" COMPLAINT ",\"facts\":{" CFACTS ",\"severity\":\"URGENT\",\"reply_due\":\"2026-12-01T00:00:00Z\"}}",
     "facts.reply_due is set by the branch itself.", "facts.reply_due", ""},
    {"{\"kind\":\"COMPLAINT_CLOSED\"," HEAD ",\"case\":\"X\",\"facts\":{\"cause\":\"DELAY\",\"responsible_"
     "unit\":\"BRANCH\",\"result\":\"SATISFIED\"}}",
     "personal.action is missing.", "personal.action", "R-33"},
    {"{\"kind\":\"COMPLAINT_CLOSED\"," HEAD
     ",\"case\":\"X\",\"facts\":{\"cause\":\"DELAY\",\"result\":\"SATISFIED\"}}",
     "facts.responsible_unit is missing.", "facts.responsible_unit", "R-33"},
};

static void each_bad_line_has_its_sentence(void **state)
{
	(void)state;

	for (size_t i = 0; i < AS_COUNT(bad_lines); i++) {
		as_err e = intake_parse(bytes_of_str(bad_lines[i].line), &ctx, &in, &err);
		size_t n = strlen(bad_lines[i].text);
		if (e != AS_EREFUSED || strncmp(err.text, bad_lines[i].text, n) != 0 ||
		    strcmp(err.field, bad_lines[i].field) != 0 || strcmp(err.rule, bad_lines[i].rule) != 0)
			fail_msg("%s\n   said: %s (%s %s)", bad_lines[i].line, err.text, err.field, err.rule);
	}
}

static void oversized_input(void **state)
{
	(void)state;
	char *line = malloc(INTAKE_LINE_MAX + 100);

	memset(line, ' ', INTAKE_LINE_MAX + 100);
	assert_int_equal(intake_parse(bytes_of(line, INTAKE_LINE_MAX + 1), &ctx, &in, &err), AS_EREFUSED);
	assert_string_equal(err.text, "The line is longer than 65536 bytes.");
	memset(line, '[', INTAKE_LINE_MAX);
	assert_int_equal(intake_parse(bytes_of(line, INTAKE_LINE_MAX), &ctx, &in, &err), AS_EREFUSED);
	int n = snprintf(line, INTAKE_LINE_MAX,
			 "{" COMPLAINT ",\"facts\":{" CFACTS
			 ",\"severity\":\"URGENT\"},\"personal\":{\"text\":\"");
	memset(line + n, 'x', 2001);
	snprintf(line + n + 2001, 10, "\"}}");
	assert_int_equal(intake_parse(bytes_of_str(line), &ctx, &in, &err), AS_EREFUSED);
	assert_string_equal(err.text, "personal.text is 2001 bytes long, at most 2000 are allowed.");
	assert_string_equal(err.field, "personal.text");
	free(line);
}

/* Submission → event → JSON → submission: the same event. */
static void there_and_back(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "{" REPAIR ",\"facts\":{" FACTS
	    ",\"sale_date\":\"2026-02-28\",\"occurs\":\"CONSTANT\",\"proof\":[\"COPY\"]}," PERSONAL "}",
	    "{\"kind\":\"REPAIR_DONE\"," HEAD
	    ",\"case\":\"X\",\"facts\":{\"outcome\":\"FIXED\",\"resolution\":[\"PART\",\"CLEAN\"],"
	    "\"parts_used\":[{\"part_no\":\"LCD\",\"qty\":2,\"serial\":\"S1\"}],\"labour_min\":30}}",
	    "{\"kind\":\"REPAIR_CANCELLED\"," HEAD ",\"case\":\"X\",\"reason\":\"客户不修了\",\"approver\":5,"
	    "\"customer\":\"00112233-4455-6677-8899-aabbccddeeff\"}",
	    "{\"kind\":\"BACK_FROM_FACTORY\"," HEAD ",\"case\":\"X\",\"facts\":{\"result\":\"EXCHANGED\","
	    "\"new_device_ref\":\"00112233-4455-6677-8899-aabbccddeeff\"}}",
	};
	static uint8_t raw[2][4096];
	static const char *const extra[] = {"recorded_at", "policy_ver", "label"};

	for (size_t i = 0; i < AS_COUNT(lines); i++) {
		size_t n[2];
		struct bytes personal;
		struct event ev;
		good(lines[i]);
		accept(&in.ev);
		assert_int_equal(event_encode(&in.ev, raw[0], sizeof raw[0], &n[0]), AS_OK);
		assert_int_equal(event_decode(bytes_of(raw[0], n[0]), &ev), AS_OK);
		personal = intake_personal(&in);
		json_t *j = intake_event_json(&ev, &personal);
		assert_non_null(j);
		for (size_t k = 0; k < AS_COUNT(extra); k++)
			json_object_del(j, extra[k]);
		if (in.kind->flags & KF_OPENS)
			json_object_del(j, "case");
		struct intake *kept = intake_keep(&in); /* borrows nothing of what it was copied from */
		memset(&in, 0xaa, sizeof in);
		if (intake_object(j, &ctx, &in, &err))
			fail_msg("%s: %s", lines[i], err.text);
		accept(&in.ev);
		assert_int_equal(event_encode(&in.ev, raw[1], sizeof raw[1], &n[1]), AS_OK);
		assert_int_equal(n[0], n[1]);
		assert_memory_equal(raw[0], raw[1], n[0]);
		assert_true(bytes_equal(intake_personal(kept), intake_personal(&in)));
		memset(&in, 0xaa, sizeof in);
		in.kind = kept->kind;
		accept(&kept->ev);
		assert_int_equal(event_encode(&kept->ev, raw[1], sizeof raw[1], &n[1]), AS_OK);
		assert_int_equal(n[0], n[1]);
		assert_memory_equal(raw[0], raw[1], n[0]);
		intake_free(kept);
		json_decref(j);
	}
	/* sealed: said, not shown; an unknown kind goes out as it is */
	struct event ev = {.kind = 999,
			   .occurred_at = 1,
			   .business_date = 20261124,
			   .body = bytes_of_str("ab"),
			   .personal = bytes_of_str("x")};
	json_t *j = intake_event_json(&ev, NULL);
	assert_true(json_is_true(json_object_get(j, "sealed")));
	assert_string_equal(json_string_value(json_object_get(j, "body")), "YWI=");
	assert_int_equal(json_integer_value(json_object_get(j, "kind")), 999);
	json_decref(j);
}

static void times_and_ids(void **state)
{
	(void)state;
	static const char *const bad[] = {"2026-11-23 09:30:00Z",      "2026-11-23T24:00:00Z",
					  "2026-11-23T09:60:00Z",      "2026-11-23T09:30:60Z",
					  "2026-11-23T09:30:00+0800",  "2026-11-23T09:30:00.Z",
					  "2026-11-23T09:30:00+19:00", "2026-13-01T00:00:00Z",
					  "1899-01-01T00:00:00Z",      ""};
	int64_t ms;
	uint8_t id[16];
	char text[FORM_TIME_MAX], uuid[37];

	assert_true(form_time_parse(bytes_of_str("1970-01-01T00:00:00Z"), &ms) && ms == 0);
	assert_true(form_time_parse(bytes_of_str("1969-12-31t23:59:59.9995-00:30"), &ms) && ms == 1799999);
	assert_true(form_time_parse(bytes_of_str("1970-01-01T00:00:00.5Z"), &ms) && ms == 500);
	for (size_t i = 0; i < AS_COUNT(bad); i++)
		assert_false(form_time_parse(bytes_of_str(bad[i]), &ms));
	form_time_text(-1, -210, text);
	assert_string_equal(text, "1969-12-31T20:29:59.999-03:30");
	assert_true(form_time_parse(bytes_of_str(text), &ms) && ms == -1);
	form_time_text(1795397400000, 480, text);
	assert_string_equal(text, "2026-11-23T09:30:00+08:00");
	assert_true(form_uuid_parse(bytes_of_str("01234567-89AB-CDEF-0123-456789abcdef"), id));
	form_uuid_text(id, uuid);
	assert_string_equal(uuid, "01234567-89ab-cdef-0123-456789abcdef");
	assert_false(form_uuid_parse(bytes_of_str("01234567-89AB-CDEF-0123+456789abcdef"), id));
}

static void ledger_refusals_are_sentences(void **state)
{
	(void)state;
	struct ledger_refusal why = {
	    .reason = LEDGER_WRONG_STATE, .rule = "R-04", .case_type = CASE_REPAIR, .state = RS_READY};

	intake_word_refusal(&why, kind_of(REPAIR_STARTED), &err);
	assert_string_equal(err.text, "REPAIR_STARTED is not possible in state READY. (R-04)");
	assert_string_equal(err.rule, "R-04");
	why = (struct ledger_refusal){.reason = LEDGER_GUARD,
				      .rule = "R-08",
				      .text = "the checker is not the technician",
				      .case_type = CASE_REPAIR,
				      .state = RS_DONE};
	intake_word_refusal(&why, kind_of(QC_CHECKED), &err);
	assert_string_equal(
	    err.text, "QC_CHECKED in state DONE is only possible when the checker is not the technician. (R-08)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_intake),	 cmocka_unit_test(text_is_normalised),
	    cmocka_unit_test(deadlines_are_set), cmocka_unit_test(each_bad_line_has_its_sentence),
	    cmocka_unit_test(oversized_input),	 cmocka_unit_test(there_and_back),
	    cmocka_unit_test(times_and_ids),	 cmocka_unit_test(ledger_refusals_are_sentences),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
