/*
 * Submitted lines of every kind and what is answered: files in tests/golden/lines, one file a group, each a
 * branch's day. A file is read as a story: a line with { is submitted (occurred_at and actor have defaults),
 * after "HQ" by head office; "= …" below it is the answer; "---" begins with an empty book. GOLDEN_UPDATE=1
 * writes the answers anew. Beside it: a smallest line of every kind made from the table. Run from the top
 * folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/intake/forms.h"
#include "common/intake/intake.h"
#include "common/ledger/transitions.h"

static const char *const groups[] = {"repair", "consult", "followup", "customer", "device",
				     "day",    "stock",	  "site",     "network",  "staff"};

#define CASES_MAX 64
#define EVENTS_MAX 64

static struct cased {
	char label[LABEL_BYTES_MAX + 1];
	struct case_rec rec;
	struct case_entry entries[EVENTS_MAX];
} cases[CASES_MAX];
static size_t cases_n;
static uint32_t serial;

static unsigned accepted[256], refused[256], rows_reached[1024], rules_named[RULES];
static struct intake in;

static struct cased *case_of_label(const char *label)
{
	for (size_t i = 0; i < cases_n; i++)
		if (label && strcmp(cases[i].label, label) == 0)
			return &cases[i];
	return NULL;
}

static struct cased *new_case(const char *label, const uint8_t id[16])
{
	struct cased *c = &cases[cases_n++];
	struct case_key key = {.branch = "BJ01"};

	as_assert(cases_n <= CASES_MAX);
	memset(c, 0, sizeof *c);
	snprintf(c->label, sizeof c->label, "%s", label ? label : "");
	memcpy(key.id, id, 16);
	case_rec_init(&c->rec, &key, c->entries, EVENTS_MAX);
	return c;
}

static enum rule rule_of(const char *name)
{
	for (unsigned r = 1; r < RULES; r++)
		if (strcmp(rule_name(r), name) == 0)
			return r;
	return R_NONE;
}

/* What is personal stands nowhere but in the personal part. */
static void personal_stays_inside(const json_t *line, struct bytes raw)
{
	const json_t *personal = json_object_get(line, "personal"), *value;
	const char *key, *reason = json_string_value(json_object_get(line, "reason"));

	if (reason)
		assert_null(memmem(raw.p, raw.n, reason, strlen(reason)));
	json_object_foreach((json_t *)(uintptr_t)personal, key, value) if (json_is_string(value))
	    assert_null(memmem(raw.p, raw.n, json_string_value(value), json_string_length(value)));
}

/* The event of head office inside HQ_APPLIED, as the branch appends it. */
static void wrap(struct event *ev, struct bytes inner, uint8_t *out, size_t cap)
{
	struct body b = {0};
	size_t n;
	int bad;

	body_set_int(&b, 0, 1);
	body_set_int(&b, 1, 4); /* HQ_BRANCH */
	body_set_bytes(&b, 3, inner);
	assert_int_equal(body_encode(kind_of(HQ_APPLIED), BODY_FACTS, &b, out, cap, &n, &bad), AS_OK);
	ev->kind = HQ_APPLIED;
	ev->body = bytes_of(out, n);
	ev->case_branch.n = 0;
}

static void say_refused(const struct intake_error *e, char *out, size_t cap)
{
	snprintf(out, cap, "= %s %s %s", e->rule[0] ? e->rule : "-", e->field[0] ? e->field : "-", e->text);
	if (e->rule[0])
		rules_named[rule_of(e->rule)]++;
}

static void submit(json_t *line, bool hq, char *answer, size_t cap)
{
	const struct intake_ctx ctx = {.tz_offset_min = 480, .hq = hq};
	static uint8_t inner[8192], wrapped[9000], raw[9216];
	const char *label = json_string_value(json_object_get(line, "case"));
	const char *name = json_string_value(json_object_get(line, "kind"));
	const struct kind_def *named = name ? kind_of_name(bytes_of_str(name)) : NULL;
	struct intake_error e = {0};
	struct ledger_refusal why;
	uint8_t id[16] = {0}, leaf[32] = {0}, salt[16] = {0};
	size_t n;

	put_be32(id, ++serial);
	put_be32(leaf, serial);
	put_be32(salt, serial);
	if (intake_object(line, &ctx, &in, &e)) {
		refused[named ? named->number : 0]++;
		say_refused(&e, answer, cap);
		return;
	}
	struct cased *c = case_of_label(label);
	bool opens = (in.kind->flags & KF_OPENS) && !((in.kind->flags & KF_JOINS) && c);
	struct event *ev = &in.ev;
	ev->event_id = bytes_of(id, 16);
	ev->salt = bytes_of(salt, 16);
	ev->recorded_at = ev->occurred_at;
	if (!opens && in.kind->case_type != CASE_NONE) {
		as_assert(c != NULL);
		ev->case_id = bytes_of(c->rec.key.id, 16);
		ev->label.n = 0;
	}
	if (hq && !opens && c)
		ev->case_branch = bytes_of_str("BJ01");
	assert_int_equal(event_encode(ev, inner, sizeof inner, &n), AS_OK);
	personal_stays_inside(line, bytes_of(inner, n));
	if (in.kind->case_type == CASE_NONE) { /* head office's own log: no case */
		accepted[in.kind->number]++;
		snprintf(answer, cap, "= ok");
		return;
	}
	if (hq)
		wrap(ev, bytes_of(inner, n), wrapped, sizeof wrapped);
	if (ledger_check(opens ? NULL : &c->rec, ev, "BJ01\0\0\0", leaf, &why)) {
		intake_word_refusal(&why, in.kind, &e);
		refused[in.kind->number]++;
		say_refused(&e, answer, cap);
		return;
	}
	if (opens)
		c = new_case(label, id);
	const struct place place = {.inc_number = 1, .index = serial, .cls = 1};
	struct case_state before = c->rec.state;
	enum entry_status status;
	assert_int_equal(event_encode(ev, raw, sizeof raw, &n), AS_OK);
	assert_int_equal(event_decode(bytes_of(raw, n), ev), AS_OK);
	assert_int_equal(ledger_apply(&c->rec, ev, &place, leaf, NULL, &status), AS_OK);
	assert_int_equal(status, ENTRY_APPLIED);
	const struct transition *t = transition_find(&before, &c->rec.entries[c->rec.n - 1], NULL);
	as_assert(t != NULL && (size_t)(t - transitions) < AS_COUNT(rows_reached));
	rows_reached[t - transitions]++;
	accepted[in.kind->number]++;
	snprintf(answer, cap, "= ok %s", ledger_state_name(c->rec.state.type, c->rec.state.state));
}

static json_t *line_of(const char *text)
{
	json_error_t error;
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (line == NULL)
		fail_msg("%s: %s", text, error.text);
	if (json_object_get(line, "occurred_at") == NULL)
		json_object_set_new(line, "occurred_at", json_string("2026-11-23T09:30:00+08:00"));
	if (json_object_get(line, "actor") == NULL)
		json_object_set_new(line, "actor", json_integer(1001));
	return line;
}

static void story(const char *group)
{
	static char have[256 * 1024], want[256 * 1024];
	char path[128], answer[600], *save = NULL;
	size_t n = 0;

	cases_n = 0;
	snprintf(path, sizeof path, "tests/golden/lines/%s.txt", group);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t m = fread(want, 1, sizeof want - 1, f);
	fclose(f);
	want[m] = 0;
	char *copy = strdup(want);
	for (char *s = strtok_r(copy, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		bool hq = strncmp(s, "HQ {", 4) == 0;
		if (s[0] == '=')
			continue;
		if (strcmp(s, "---") == 0)
			cases_n = 0;
		n += (size_t)snprintf(have + n, sizeof have - n, "%s\n", s);
		if (s[0] != '{' && !hq)
			continue;
		json_t *line = line_of(s + (hq ? 3 : 0));
		submit(line, hq, answer, sizeof answer);
		json_decref(line);
		n += (size_t)snprintf(have + n, sizeof have - n, "%s\n", answer);
	}
	free(copy);
	if (getenv("GOLDEN_UPDATE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(have, 1, n, f), n);
		fclose(f);
		return;
	}
	if (n == m && memcmp(have, want, n) == 0)
		return;
	size_t at = 0, from = 0;
	while (have[at] && have[at] == want[at])
		at++;
	for (size_t i = 0; i < at; i++)
		if (have[i] == '\n')
			from = i + 1;
	fail_msg("%s:\n%.*s\nbut now:\n%.*s", path, (int)strcspn(want + from, "\n"), want + from,
		 (int)strcspn(have + from, "\n"), have + from);
}

static void answers_are_the_golden_ones(void **state)
{
	(void)state;

	for (size_t i = 0; i < AS_COUNT(groups); i++)
		story(groups[i]);
}

/* Every kind beside those of test_transitions is taken and refused at least once, every row of 3.3 reached.
 */
static void stories_reach_everything(void **state)
{
	(void)state;
	unsigned missing = 0;

	for (size_t i = 0; i < kinds_count(); i++) {
		const struct kind_def *k = kind_at(i);
		if ((k->flags & KF_SYSTEM) || (accepted[k->number] && refused[k->number]))
			continue;
		if (k->number <= REPAIR_TRANSFER_IN || k->case_type == CASE_COMPLAINT)
			continue; /* test_transitions, test_intake */
		print_message("# %s is never %s\n", k->name, accepted[k->number] ? "refused" : "accepted");
		missing++;
	}
	for (size_t i = 0; i < transitions_count; i++) {
		const struct transition *t = &transitions[i];
		const struct kind_def *k = kind_of(t->kind);
		if (rows_reached[i] || k->case_type == CASE_REPAIR || k->case_type == CASE_COMPLAINT)
			continue;
		print_message("# %s from %s to %s is never reached\n", k->name,
			      ledger_state_name(k->case_type, t->from),
			      ledger_state_name(k->case_type, t->to));
		missing++;
	}
	for (unsigned r = 1; r < RULES; r++) {
		const struct rule_def *d = &rule_defs[r];
		if (d->shown == NULL || strncmp(d->shown, "golden/lines/", 13) != 0 || rules_named[r] ||
		    !(d->where & RULE_BRANCH))
			continue;
		print_message("# no refusal names %s\n", d->name);
		missing++;
	}
	assert_int_equal(missing, 0);
}

/* ---- a smallest line of every kind, from the table ----------------------------------------------------- */

static json_t *smallest(const struct field_def *f)
{
	json_t *list, *row;

	switch (f->type) {
	case FT_U32:
	case FT_I64:
		return json_integer(f->min > 0 ? f->min : 0);
	case FT_STAFF:
		return json_integer(1000 + f->number); /* two of one kind are two persons */
	case FT_MONEY:
		return json_integer(0);
	case FT_BOOL:
		return json_true();
	case FT_CODE:
		return json_string(f->codes->codes[f->number % 2 ? 0 : f->codes->count > 1].name);
	case FT_CODE_SET:
	case FT_CODE_LIST:
		return json_pack("[s]", f->codes->codes[0].name);
	case FT_DATE:
		return json_string("2026-11-23");
	case FT_TIME:
		return json_string("2026-11-24T09:30:00+08:00");
	case FT_BRANCH:
		return json_string("SH01");
	case FT_IMEI:
		return json_string("490154203237518");
	case FT_PHONE:
		return json_string("13800138000");
	case FT_BYTES:
		return json_string(f->max == 16
				       ? (f->number % 2 ? "00112233-4455-6677-8899-aabbccddeeff"
							: "11112233-4455-6677-8899-aabbccddeeff")
				       : "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	case FT_ROWS:
		row = json_object();
		for (unsigned i = 0; i < f->row->cols_n; i++)
			if (f->row->cols[i].flags & FF_REQUIRED)
				json_object_set_new(row, f->row->cols[i].name, smallest(&f->row->cols[i]));
		list = json_array();
		json_array_append_new(list, row);
		return list;
	default:
		return json_string("1234567");
	}
}

static json_t *part_of(json_t *line, const struct field_def *f)
{
	return json_object_get(line, f->flags & FF_PERSONAL ? "personal" : "facts");
}

static bool required(const struct field_def *f)
{
	return (f->flags & (FF_REQUIRED | FF_LIVE_REQUIRED)) && !(f->flags & FF_SYSTEM);
}

/* The branch sets it when it is not given. */
static bool has_default(const struct kind_def *k, const struct field_def *f)
{
	for (size_t i = 0; i < due_rows_count; i++)
		if (due_rows[i].kind == k->number && strcmp(due_rows[i].field, f->name) == 0)
			return true;
	return false;
}

/* What the checks ask beside. */
static void fit(const struct kind_def *k, json_t *line)
{
	json_t *facts = json_object_get(line, "facts");

	switch (k->number) {
	case REPAIR_RECEIVED:
		json_object_set_new(line, "device", json_string("00112233-4455-6677-8899-aabbccddeeff"));
		break;
	case CONSULT_CONVERTED:
		json_object_set_new(facts, "order_no", json_string("BJ1"));
		break;
	case CUSTOMER_ERASED:
		json_object_set_new(facts, "requested_at", json_string("2026-11-20T09:30:00+08:00"));
		break;
	case DEVICE_REGISTERED:
		json_object_set_new(facts, "id_type", json_string("SN"));
		break;
	case PART_REQUESTED:
		json_object_set_new(facts, "from_branch", json_string("SH01"));
		break;
	case PARTS_SHIPPED:
		json_object_set_new(facts, "to_branch", json_string("SH01"));
		break;
	case PARTS_ARRIVED:
		json_object_set_new(json_array_get(json_object_get(facts, "lines"), 0), "qty_ok",
				    json_integer(1));
		break;
	case EXTERNAL_CASE:
		json_object_set_new(facts, "party", json_string("DEALER"));
		json_object_set_new(facts, "subject", json_string("PARTS"));
		break;
	case WARRANTY_CLAIM:
		json_object_set_new(facts, "order_no", json_string("BJ1"));
		json_object_set_new(facts, "amount_fen", json_integer(100));
		break;
	case REFUND_DONE:
		break;
	case ASSESSMENT_SCHEME:
		json_object_set_new(json_array_get(json_object_get(facts, "items"), 0), "weight",
				    json_integer(100));
		break;
	default:
		break;
	}
}

static json_t *smallest_line(const struct kind_def *k)
{
	json_t *line = json_pack("{s:s, s:s, s:i, s:s, s:{}, s:{}}", "kind", k->name, "occurred_at",
				 "2026-11-23T09:30:00+08:00", "actor", 1, "customer",
				 "22112233-4455-6677-8899-aabbccddeeff", "facts", "personal");

	if (!(k->flags & KF_OPENS) && k->case_type != CASE_NONE)
		json_object_set_new(line, "case", json_string("X"));
	if (k->flags & KF_REASON)
		json_object_set_new(line, "reason", json_string("because"));
	if (k->flags & KF_APPROVER)
		json_object_set_new(line, "approver", json_integer(7));
	for (unsigned i = 0; i < k->fields_n; i++)
		if (required(&k->fields[i]))
			json_object_set_new(part_of(line, &k->fields[i]), k->fields[i].name,
					    smallest(&k->fields[i]));
	fit(k, line);
	return line;
}

static void must_refuse(const struct kind_def *k, const json_t *line, const struct field_def *f,
			const char *what)
{
	const struct intake_ctx ctx = {.tz_offset_min = 480, .hq = true};
	struct intake_error e = {0};
	char field[64];

	snprintf(field, sizeof field, "%s.%s", f->flags & FF_PERSONAL ? "personal" : "facts", f->name);
	if (intake_object(line, &ctx, &in, &e) != AS_EREFUSED || strcmp(e.field, field) != 0)
		fail_msg("%s, %s %s: %s (%s)", k->name, field, what, e.text, e.field);
}

static void the_table_makes_a_line_of_every_kind(void **state)
{
	(void)state;
	const struct intake_ctx ctx = {.tz_offset_min = 480, .hq = true}, branch = {.tz_offset_min = 480};
	static const uint8_t id[16] = {1};
	unsigned fields = 0;

	for (size_t i = 0; i < kinds_count(); i++) {
		const struct kind_def *k = kind_at(i);
		struct intake_error e = {0};
		json_t *line = smallest_line(k);
		as_err err = intake_object(line, &ctx, &in, &e);
		if (k->flags & KF_SYSTEM) {
			assert_int_equal(err, AS_EREFUSED);
			json_decref(line);
			continue;
		}
		if (err)
			fail_msg("%s: %s (%s %s)", k->name, e.text, e.field, e.rule);
		/* and it comes back as it went in */
		struct bytes personal = intake_personal(&in);
		in.ev.event_id = in.ev.salt = bytes_of(id, 16);
		json_t *back = intake_event_json(&in.ev, &personal);
		for (unsigned f = 0; f < k->fields_n; f++) {
			const struct field_def *def = &k->fields[f];
			const json_t *sent = json_object_get(part_of(line, def), def->name);
			if (sent && !json_equal(sent, json_object_get(part_of(back, def), def->name)))
				fail_msg("%s.%s does not come back", k->name, def->name);
		}
		json_decref(back);
		if (k->flags & KF_HQ) {
			assert_int_equal(intake_object(line, &branch, &in, &e), AS_EREFUSED);
			assert_string_equal(e.field, "kind");
		}
		for (unsigned f = 0; f < k->fields_n; f++) {
			const struct field_def *def = &k->fields[f];
			json_t *part = part_of(line, def), *was = json_object_get(part, def->name);
			json_incref(was);
			if (required(def) && !has_default(k, def)) {
				json_object_del(part, def->name);
				must_refuse(k, line, def, "is missing");
			}
			json_object_set_new(part, def->name, json_real(1.5)); /* of no type */
			must_refuse(k, line, def, "is of a wrong type");
			json_object_del(part, def->name);
			if (was)
				json_object_set_new(part, def->name, was);
			fields++;
		}
		json_object_set_new(json_object_get(line, "facts"), "no_such_field", json_integer(1));
		assert_int_equal(intake_object(line, &ctx, &in, &e), AS_EREFUSED);
		assert_string_equal(e.field, "facts.no_such_field");
		json_decref(line);
	}
	assert_true(fields > 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_are_the_golden_ones),
	    cmocka_unit_test(stories_reach_everything),
	    cmocka_unit_test(the_table_makes_a_line_of_every_kind),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
