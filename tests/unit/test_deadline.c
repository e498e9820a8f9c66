/* common/ledger/deadline: R-30, the table of due times, over weekends and holidays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/deadline.h"
#include "common/ledger/kinds.h"

/* 2026-11-23 is a Monday; local time is UTC+8. */
static int64_t at(uint32_t date, int hour, int minute)
{
	int32_t days;

	assert_true(date_to_days(date, &days));
	return (int64_t)days * DATE_MS_PER_DAY + ((int64_t)hour * 60 + minute - 480) * DATE_MS_PER_MIN;
}

static void by_severity(void **state)
{
	(void)state;
	struct deadlines d;
	int64_t monday = at(20261123, 9, 30);

	assert_true(deadline_complaint(&deadline_default, 1, monday, 480, NULL, &d));
	assert_true(d.ack_due == at(20261124, 9, 30));
	assert_true(d.reply_due == at(20261126, 9, 30));
	assert_true(d.close_due == at(20261208, 9, 30));
	assert_true(deadline_complaint(&deadline_default, 2, monday, 480, NULL, &d));
	assert_true(d.ack_due == at(20261123, 21, 30));
	assert_true(d.reply_due == at(20261130, 9, 30)); /* Tue Wed Thu Fri Mon */
	assert_true(d.close_due == at(20261208, 9, 30));
	assert_true(deadline_complaint(&deadline_default, 3, monday, 480, NULL, &d));
	assert_true(d.ack_due == at(20261123, 11, 30));
	assert_true(d.reply_due == at(20261124, 9, 30));
	assert_true(d.close_due == at(20261126, 9, 30));
	assert_false(deadline_complaint(&deadline_default, 0, monday, 480, NULL, &d));
	assert_false(deadline_complaint(&deadline_default, 4, monday, 480, NULL, &d));
}

static void weekends_and_holidays(void **state)
{
	(void)state;
	static const uint32_t dates[] = {20261126, 20261125};
	struct deadline_holidays holidays = {dates, AS_COUNT(dates)};
	struct deadline_span three = {.working_days = 3};

	assert_true(deadline_add(at(20261127, 18, 0), 480, three, NULL) == at(20261202, 18, 0)); /* Friday */
	assert_true(deadline_add(at(20261128, 10, 0), 480, three, NULL) ==
		    at(20261202, 10, 0)); /* Saturday */
	assert_true(deadline_add(at(20261129, 10, 0), 480, three, NULL) == at(20261202, 10, 0)); /* Sunday */
	assert_true(deadline_add(at(20261123, 10, 0), 480, three, &holidays) == at(20261130, 10, 0));
	/* the day is the local one: Monday 00:30 at UTC+8 is still Sunday in UTC */
	assert_true(deadline_add(at(20261123, 0, 30), 480, three, NULL) == at(20261126, 0, 30));
}

static int64_t due_of(uint32_t kind, const char *field, int64_t from, uint32_t date, int32_t tz)
{
	for (size_t i = 0; i < due_rows_count; i++)
		if (due_rows[i].kind == kind && strcmp(due_rows[i].field, field) == 0)
			return deadline_due(&due_rows[i], from, date, tz, NULL);
	fail();
	return 0;
}

/* What the branch sets for other kinds; a clock time is that of the business date, which need not be today.
 */
static void other_kinds(void **state)
{
	(void)state;

	assert_true(due_of(CONSULT_RECEIVED, "reply_due", at(20261127, 17, 0), 20261127, 480) ==
		    at(20261130, 17, 0)); /* Friday */
	assert_true(due_of(FOLLOWUP_PLANNED, "due", at(20261127, 17, 0), 20261127, 480) ==
		    at(20261130, 17, 0));
	assert_true(due_of(DAY_OPENED, "close_due", at(20261123, 8, 30), 20261123, 480) ==
		    at(20261123, 21, 0));
	assert_true(due_of(DAY_PLAN_SET, "plan_due", at(20261124, 0, 30), 20261123, 480) ==
		    at(20261123, 9, 30));
	assert_true(due_of(SAFETY_INCIDENT, "report_due", at(20261123, 23, 30), 20261123, 480) ==
		    at(20261124, 0, 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_severity),
	    cmocka_unit_test(weekends_and_holidays),
	    cmocka_unit_test(other_kinds),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
