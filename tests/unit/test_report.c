/* common/report: worked examples, computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/report/figures.h"
#include "common/report/volume.h"

static void percentiles_by_nearest_rank(void **state)
{
	(void)state;
	static const int64_t hours[] = {2, 5, 20, 26, 30, 70, 71, 100, 170, 400};
	struct weighted list[AS_COUNT(hours)];
	int64_t v, sum = 0;

	for (size_t i = 0; i < AS_COUNT(hours); i++) {
		list[i] = (struct weighted){hours[i], 1};
		sum += hours[i];
	}
	assert_true(percentile(list, 10, 50, &v) && v == 30);
	assert_true(percentile(list, 10, 90, &v) && v == 170);
	assert_true(percentile(list, 10, 95, &v) && v == 400);
	assert_true(percentile(list, 10, 1, &v) && v == 2);
	assert_true(percentile(list, 10, 100, &v) && v == 400);
	assert_int_equal(mean_tenths(sum, 10), 894);
	assert_int_equal(count_upto(list, 10, 71), 7);
	list[0].count = 0;
	assert_false(percentile(list, 1, 50, &v));
	assert_false(percentile(NULL, 0, 50, &v));
	list[0] = (struct weighted){7, 1000001}; /* weights, not only ones */
	list[1] = (struct weighted){9, 1000000};
	assert_true(percentile(list, 2, 50, &v) && v == 7);
	assert_true(percentile(list, 2, 51, &v) && v == 9);
}

static void rates_in_basis_points(void **state)
{
	(void)state;
	char out[24];

	assert_int_equal(rate_bp(72, 76), 9474);
	assert_int_equal(rate_bp(1, 3), 3333);
	assert_int_equal(rate_bp(2, 3), 6667);
	assert_int_equal(rate_bp(0, 5), 0);
	assert_int_equal(rate_bp(5, 5), 10000);
	assert_true(rate_bp(0, 0) == RATE_NA);
	assert_int_equal(rate_text(rate_bp(72, 76), out), 5);
	assert_string_equal(out, "94.74");
	rate_text(RATE_NA, out);
	assert_string_equal(out, "n/a");
	rate_text(5, out);
	assert_string_equal(out, "0.05");
	assert_int_equal(rate_per_1000(3, 700), 429); /* 4.29 complaints per 1000 repairs */
	assert_true(mean(1, 0) == RATE_NA);
	assert_int_equal(mean(3, 2), 2);
}

static void the_worked_identity(void **state)
{
	(void)state;
	int64_t before[CELL_VALUES_MAX] = {[VOL_RECEIVED] = 12};
	int64_t flow[CELL_VALUES_MAX] = {
	    [VOL_RECEIVED] = 30, [VOL_TRANSFER_IN] = 2,	 [VOL_REOPENED] = 1,  [VOL_FINISHED] = 28,
	    [VOL_CANCELLED] = 1, [VOL_TRANSFER_OUT] = 3, [VOL_DELIVERED] = 25};
	struct volume_row row;

	volume_row_make(before, flow, &row);
	assert_int_equal(row.opening_wip, 12);
	assert_int_equal(row.closing_wip, 13);
	assert_int_equal(row.opening_custody, 12);
	assert_int_equal(row.closing_custody, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(percentiles_by_nearest_rank),
	    cmocka_unit_test(rates_in_basis_points),
	    cmocka_unit_test(the_worked_identity),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
