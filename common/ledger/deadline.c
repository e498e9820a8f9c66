#include "common/ledger/deadline.h"

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/kinds.h"

#define WORKING_SEARCH_MAX 3660 /* days; a policy without any working day must not hang us */

const struct deadline_policy deadline_default = {
    .ack = {{.hours = 24}, {.hours = 12}, {.hours = 2}},
    .reply = {{.working_days = 3}, {.working_days = 5}, {.hours = 24}},
    .close = {{.days = 15}, {.days = 15}, {.hours = 72}},
};

static bool is_working(int32_t day, const struct deadline_holidays *holidays)
{
	uint32_t date = date_of_days(day);

	if (date_weekday(day) > 5)
		return false;
	for (size_t i = 0; holidays && i < holidays->n; i++)
		if (holidays->dates[i] == date)
			return false;
	return true;
}

int64_t deadline_add(int64_t received_at, int32_t tz_offset_min, struct deadline_span span,
		     const struct deadline_holidays *holidays)
{
	int32_t day, left = span.working_days, passed = 0;

	if (!date_to_days(date_local(received_at, tz_offset_min), &day))
		return received_at;
	while (left > 0 && passed < WORKING_SEARCH_MAX) {
		passed++;
		left -= is_working(day + passed, holidays);
	}
	return received_at + (int64_t)span.hours * DATE_MS_PER_HOUR +
	       ((int64_t)span.days + passed) * DATE_MS_PER_DAY;
}

bool deadline_complaint(const struct deadline_policy *policy, uint32_t severity, int64_t received_at,
			int32_t tz_offset_min, const struct deadline_holidays *holidays,
			struct deadlines *ret)
{
	if (severity < 1 || severity > 3)
		return false;
	ret->ack_due = deadline_add(received_at, tz_offset_min, policy->ack[severity - 1], holidays);
	ret->reply_due = deadline_add(received_at, tz_offset_min, policy->reply[severity - 1], holidays);
	ret->close_due = deadline_add(received_at, tz_offset_min, policy->close[severity - 1], holidays);
	return true;
}

const struct due_row due_rows[] = {
    {CONSULT_RECEIVED, "reply_due", DUE_WORKING_DAYS, PV_CONSULT_WORKING_DAYS, "answered_now"},
    {FOLLOWUP_PLANNED, "due", DUE_DAYS, PV_FOLLOWUP_DAYS, NULL},
    {DAY_OPENED, "close_due", DUE_CLOCK, PV_DAY_CLOSE_MINUTE, NULL},
    {DAY_PLAN_SET, "plan_due", DUE_CLOCK, PV_PLAN_MINUTE, NULL},
    {SAFETY_INCIDENT, "report_due", DUE_HOURS, PV_INCIDENT_HOURS, NULL},
};
const size_t due_rows_count = AS_COUNT(due_rows);

int64_t deadline_due(const struct due_row *row, int64_t occurred_at, uint32_t business_date,
		     int32_t tz_offset_min, const struct deadline_holidays *holidays)
{
	int32_t value = policy_defs[row->value].value, day = 0;
	uint16_t n = (uint16_t)value;

	switch (row->unit) {
	case DUE_HOURS:
		return deadline_add(occurred_at, tz_offset_min, (struct deadline_span){.hours = n}, holidays);
	case DUE_DAYS:
		return deadline_add(occurred_at, tz_offset_min, (struct deadline_span){.days = n}, holidays);
	case DUE_WORKING_DAYS:
		return deadline_add(occurred_at, tz_offset_min, (struct deadline_span){.working_days = n},
				    holidays);
	default:
		if (!date_to_days(business_date, &day))
			return occurred_at;
		return (int64_t)day * DATE_MS_PER_DAY + (int64_t)(value - tz_offset_min) * DATE_MS_PER_MIN;
	}
}
