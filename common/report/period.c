#include "common/report/period.h"

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/codes.h"

static const char *const names[REPORT_PERIODS] = {"day", "week", "month", "quarter", "year", "all"};

const char *period_name(enum report_period kind)
{
	as_assert((unsigned)kind < REPORT_PERIODS);
	return names[kind];
}

bool period_of_name(struct bytes name, enum report_period *ret_kind)
{
	for (unsigned i = 0; i < REPORT_PERIODS; i++)
		if (code_name_is(names[i], name)) {
			*ret_kind = (enum report_period)i;
			return true;
		}
	return false;
}

int32_t period_of(enum report_period kind, int32_t days)
{
	uint32_t date = date_of_days(days);
	int32_t year = (int32_t)(date / 10000), month = (int32_t)(date / 100 % 100) - 1;

	switch (kind) {
	case RP_DAY:
		return days;
	case RP_WEEK: /* the week of 1970-01-01, a Thursday, is number 0 */
		return (days + 3 - (date_weekday(days) - 1)) / 7;
	case RP_MONTH:
		return year * 12 + month;
	case RP_QUARTER:
		return year * 4 + month / 3;
	case RP_YEAR:
		return year;
	default:
		return 0;
	}
}

/* v in exactly `digits` digits */
static size_t put(char *out, uint32_t v, size_t digits)
{
	for (size_t i = digits; i-- > 0; v /= 10)
		out[i] = (char)('0' + v % 10);
	return digits;
}

size_t period_label(enum report_period kind, int32_t period, char out[PERIOD_LABEL_MAX])
{
	uint32_t date, p = (uint32_t)period;
	size_t n = 0;

	switch (kind) {
	case RP_DAY:
		date = date_of_days(period);
		n = put(out, date / 10000, 4);
		out[n++] = '-';
		n += put(out + n, date / 100, 2);
		out[n++] = '-';
		n += put(out + n, date, 2);
		break;
	case RP_WEEK:
		date = date_iso_week(period * 7 - 3);
		n = put(out, date / 100, 4);
		out[n++] = '-';
		out[n++] = 'W';
		n += put(out + n, date, 2);
		break;
	case RP_MONTH:
		n = put(out, p / 12, 4);
		out[n++] = '-';
		n += put(out + n, p % 12 + 1, 2);
		break;
	case RP_QUARTER:
		n = put(out, p / 4, 4);
		out[n++] = '-';
		out[n++] = 'Q';
		out[n++] = (char)('1' + p % 4);
		break;
	case RP_YEAR:
		n = put(out, p, 4);
		break;
	default:
		memcpy(out, "all", 3);
		n = 3;
		break;
	}
	out[n] = 0;
	return n;
}
