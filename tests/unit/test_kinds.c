/* common/ledger/kinds: the table is consistent. A new row that is not is found here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/ledger/kinds.h"
#include "common/ledger/transitions.h"

static bool has_list(uint8_t type)
{
	return type == FT_CODE || type == FT_CODE_SET || type == FT_CODE_LIST;
}

static void rows_are_consistent(void **state)
{
	(void)state;

	for (size_t i = 0; i < kinds_count; i++) {
		const struct kind_def *k = &kinds_table[i];
		uint16_t slots = 0;
		assert_true(i == 0 || kinds_table[i - 1].number < k->number);
		assert_ptr_equal(kind_of(k->number), k);
		assert_ptr_equal(kind_of_name(bytes_of_str(k->name)), k);
		assert_true(k->case_type < CASE_TYPES && k->posts != 0 &&
			    text_utf8_valid(bytes_of_str(k->zh)));
		assert_true(k->fields_n <= KIND_FIELDS_MAX);
		assert_true((k->flags & KF_SYSTEM) != 0 || k->rules[0].rule != NULL);
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
	};

	for (size_t i = 0; i < AS_COUNT(want); i++)
		assert_string_equal(code_of(want[i].list, want[i].number)->name, want[i].name);
	assert_int_equal(codes_state_repair.count, RS_STATES - 1);
	assert_int_equal(codes_state_complaint.count, CS_STATES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_consistent),
	    cmocka_unit_test(codes_are_consistent),
	    cmocka_unit_test(numbers_known_to_code),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
