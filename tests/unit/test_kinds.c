/* common/ledger/kinds: the table is consistent. A new row that is not is found here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/ledger/checks.h"
#include "common/ledger/deadline.h"
#include "common/ledger/kinds.h"
#include "common/ledger/transitions.h"

static bool has_list(uint8_t type)
{
	return type == FT_CODE || type == FT_CODE_SET || type == FT_CODE_LIST;
}

/* Columns of a list: plain values, none of them personal, none kept by the fold. */
static void row_is_consistent(const struct field_def *f)
{
	assert_true(f->min >= 1 && f->max >= f->min && f->slot == FOLD_NONE && !(f->flags & FF_PERSONAL));
	assert_true(f->row->cols_n >= 1 && f->row->cols_n <= ROW_COLS_MAX);
	for (unsigned i = 0; i < f->row->cols_n; i++) {
		const struct field_def *c = &f->row->cols[i];
		assert_int_equal(c->number, i + 1);
		assert_true(c->type != FT_ROWS && c->type != FT_BLOB && c->type != FT_CODE_LIST);
		assert_true(c->slot == FOLD_NONE && !(c->flags & ~FF_REQUIRED));
		assert_int_equal(has_list(c->type), c->codes != NULL);
		assert_true(text_utf8_valid(bytes_of_str(c->zh)) && c->zh[0]);
	}
}

/* Names of fields that hold what a person says or what tells who a person is: always personal. */
static const char *const personal_names[] = {
    "phone", "phone2", "address", "postcode",	  "email",	 "org",
    "text",  "note",   "opinion", "imei",	  "id_value",	 "invoice_no",
    "grade", "action", "reason",  "symptom_text", "fail_reason", "unlock_code",
};

static void what_is_personal_is_sealed(void **state)
{
	(void)state;

	for (size_t i = 0; i < kinds_count(); i++) {
		const struct kind_def *k = kind_at(i);
		for (unsigned f = 0; f < k->fields_n; f++) {
			const struct field_def *d = &k->fields[f];
			bool person = strcmp(d->name, "name") == 0 && !(k->flags & (KF_SYSTEM | KF_HQ));
			for (size_t n = 0; n < AS_COUNT(personal_names); n++)
				person =
				    person || (strcmp(d->name, personal_names[n]) == 0 && d->type != FT_CODE);
			if (person && !(d->flags & FF_PERSONAL))
				fail_msg("%s.%s is not personal", k->name, d->name);
			if (k->flags & (KF_SYSTEM | KF_HQ)) /* logs that everybody reads: nothing personal */
				assert_false(d->flags & FF_PERSONAL);
		}
	}
}

static void rules_are_consistent(void **state)
{
	(void)state;
	unsigned enforced = 0;
	char path[128];

	for (unsigned r = 1; r < RULES; r++) {
		const struct rule_def *d = &rule_defs[r];
		assert_true(strlen(d->name) == 4 && d->text[0] && d->source[0] && d->where && d->where < 16);
		assert_true(r == 1 || strcmp(rule_defs[r - 1].name, d->name) < 0);
		/* what is enforced has a test, what is not says what it will need */
		assert_int_equal(d->status != RULE_LATER, d->shown != NULL);
		assert_int_equal(d->status != RULE_ENFORCED, d->needs != NULL);
		snprintf(path, sizeof path, "tests/%s", d->shown ? d->shown : "unit");
		if (access(path, R_OK) != 0)
			fail_msg("%s: there is no %s", d->name, path);
		enforced += d->status != RULE_LATER;
	}
	assert_true(enforced >= 35);
	for (size_t i = 0; i < kinds_count(); i++)
		for (size_t r = 0; r < KIND_RULES_MAX; r++)
			assert_true(kind_at(i)->rules[r] < RULES);
	for (unsigned v = 0; v < POLICY_VALUES; v++)
		assert_true(policy_defs[v].name && policy_defs[v].unit && policy_defs[v].rule < RULES &&
			    policy_defs[v].value > 0);
}

static void fields_of_checks_exist(void **state)
{
	(void)state;

	for (size_t i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];
		const struct kind_def *k = kind_of(c->kind);
		assert_true(i == 0 || checks[i - 1].kind <= c->kind);
		assert_non_null(k);
		assert_true(c->text[0] && c->rule < RULES);
		if (c->when && c->when[0] != '#')
			assert_true(kind_field_index(k, bytes_of_str(c->when)) >= 0);
		if (c->a && c->op != OP_EQUATION)
			assert_true(kind_field_index(k, bytes_of_str(c->a)) >= 0);
		if (c->b)
			assert_true(kind_field_index(k, bytes_of_str(c->b)) >= 0);
	}
	for (size_t i = 0; i < due_rows_count; i++) {
		const struct kind_def *k = kind_of(due_rows[i].kind);
		int at = kind_field_index(k, bytes_of_str(due_rows[i].field));
		assert_true(at >= 0 && k->fields[at].type == FT_TIME);
	}
}

static void cases_are_consistent(void **state)
{
	(void)state;

	for (unsigned t = 1; t < CASE_TYPES; t++) {
		const struct case_type_def *d = &case_types[t];
		assert_true(d->name[0] && d->zh[0] && d->states->count && d->mark);
		for (unsigned u = 1; u < t; u++) /* made labels of two types are never the same */
			assert_true(d->label == NULL || strcmp(d->mark, case_types[u].mark) != 0);
	}
}

static void rows_are_consistent(void **state)
{
	(void)state;

	for (size_t i = 0; i < kinds_count(); i++) {
		const struct kind_def *k = kind_at(i);
		uint16_t slots = 0;
		assert_true(i == 0 || kind_at(i - 1)->number < k->number);
		assert_ptr_equal(kind_of(k->number), k);
		assert_ptr_equal(kind_of_name(bytes_of_str(k->name)), k);
		assert_true(k->case_type < CASE_TYPES && k->posts != 0 &&
			    text_utf8_valid(bytes_of_str(k->zh)));
		assert_true(k->fields_n <= KIND_FIELDS_MAX);
		for (unsigned f = 0; f < k->fields_n; f++) {
			const struct field_def *d = &k->fields[f];
			assert_int_equal(d->number, f + 1);
			assert_int_equal(kind_field_index(k, bytes_of_str(d->name)), f);
			assert_true(d->type >= FT_U32 && d->type <= FT_ROWS);
			assert_int_equal(has_list(d->type), d->codes != NULL);
			assert_true(text_utf8_valid(bytes_of_str(d->zh)) && d->zh[0]);
			if (d->slot) { /* one field a slot, never a personal one, and it must fit */
				assert_false(slots >> d->slot & 1);
				assert_false(d->flags & FF_PERSONAL);
				slots |= (uint16_t)(1u << d->slot);
			}
			if (d->slot >= FOLD_C0 && d->slot <= FOLD_C3)
				assert_true(has_list(d->type) || d->type == FT_BOOL || d->max <= 255);
			assert_int_equal(d->type == FT_ROWS, d->row != NULL);
			if (d->row)
				row_is_consistent(d);
			assert_true(d->rule < RULES && (d->rule == R_NONE || rule_name(d->rule)));
			if (d->slot == FOLD_MODEL)
				assert_int_equal(d->max, MODEL_BYTES_MAX);
			/* all free text is personal: what is not is a number or name of a thing */
			if (d->type == FT_IMEI || d->type == FT_PHONE)
				assert_true(d->flags & FF_PERSONAL);
		}
	}
	for (uint32_t n = 0; n < 400; n++)
		assert_true(kind_of(n) == NULL || kind_of(n)->number == n);
	assert_null(kind_of_name(bytes_of_str("REPAIR")));
}

static void codes_are_consistent(void **state)
{
	(void)state;

	for (size_t i = 0; i < kinds_code_lists_count; i++) {
		const struct code_list *l = kinds_code_lists[i];
		for (uint32_t c = 0; c < l->count; c++) {
			assert_true(c == 0 || l->codes[c - 1].number < l->codes[c].number);
			assert_true(l->codes[c].number >= 1 &&
				    (l == &codes_post || l->codes[c].number <= 62));
			assert_ptr_equal(code_of(l, l->codes[c].number), &l->codes[c]);
			assert_ptr_equal(code_of_name(l, bytes_of_str(l->codes[c].name)), &l->codes[c]);
		}
		assert_null(code_of(l, 0));
		assert_null(code_of(l, UINT64_MAX));
	}
}

/* Numbers that code speaks of by constant. */
static void numbers_known_to_code(void **state)
{
	(void)state;
	static const struct {
		const struct code_list *list;
		uint32_t number;
		const char *name;
	} want[] = {
	    {&codes_outcome, 5, "NTF"},
	    {&codes_outcome, 6, "UNREPAIRABLE"},
	    {&codes_outcome, 7, "NO_PARTS"},
	    {&codes_outcome, 8, "DECLINED"},
	    {&codes_outcome, 9, "OBSOLETE"},
	    {&codes_outcome, 11, "UNKNOWN_IMPORTED"},
	    {&codes_warranty, 1, "IN_WARRANTY"},
	    {&codes_warranty, 4, "REPAIR_WARRANTY"},
	    {&codes_warranty, 11, "GOODWILL"},
	    {&codes_cause, 28, "NTF"},
	    {&codes_cause, 30, "OTHER"},
	    {&codes_complaint_type, 2, "SUGGESTION"},
	    {&codes_severity, 3, "URGENT"},
	    {&codes_hold, 9, "OTHER"},
	    {&codes_post, 90, "SYSTEM"},
	    {&codes_state_repair, RS_TRANSFERRED, "TRANSFERRED"},
	    {&codes_state_complaint, CS_REJECTED, "REJECTED"},
	    {&codes_state_repair, RS_ON_HOLD, "ON_HOLD"},
	    {&codes_state_complaint, CS_CLOSED, "CLOSED"},
	    {&codes_warranty, 9, "OUT_MISMATCH"},
	    {&codes_outcome, 4, "UNIT_EXCHANGED"},
	    {&codes_factory_result, 2, "EXCHANGED"},
	    {&codes_erasure_cause, 1, "REQUEST"},
	    {&codes_device_id, 1, "IMEI"},
	    {&codes_device_id, 4, "ESN"},
	    {&codes_stock_party, 1, "BRANCH"},
	    {&codes_external_step, 1, "OPENED"},
	    {&codes_claim_step, 1, "CLAIMED"},
	    {&codes_decision, 2, "REJECTED"},
	    {&codes_state_consult, CONSULT_MOVED, "CONVERTED"},
	    {&codes_state_followup, FS_GIVEN_UP, "GIVEN_UP"},
	    {&codes_state_customer, CUS_ERASED, "ERASED"},
	    {&codes_state_device, DEV_REPLACED, "REPLACED"},
	    {&codes_state_day, DS_REOPENED, "REOPENED"},
	    {&codes_state_shipment, SHIP_RESOLVED, "RESOLVED"},
	    {&codes_state_hazard, HAZ_VERIFIED, "VERIFIED"},
	    {&codes_state_external, EXT_CLOSED, "CLOSED"},
	    {&codes_state_claim, CLAIM_REJECTED, "REJECTED"},
	    {&codes_state_staff, STAFF_GONE, "LEFT"},
	    {&codes_state_assessment, ASM_CONFIRMED, "CONFIRMED"},
	    {&codes_state_fact, FACT_RECORDED, "RECORDED"},
	};

	for (size_t i = 0; i < AS_COUNT(want); i++)
		assert_string_equal(code_of(want[i].list, want[i].number)->name, want[i].name);
	assert_int_equal(codes_state_repair.count, RS_STATES - 1);
	assert_int_equal(codes_state_complaint.count, CS_STATES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_consistent),   cmocka_unit_test(codes_are_consistent),
	    cmocka_unit_test(numbers_known_to_code), cmocka_unit_test(what_is_personal_is_sealed),
	    cmocka_unit_test(rules_are_consistent),  cmocka_unit_test(fields_of_checks_exist),
	    cmocka_unit_test(cases_are_consistent),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
