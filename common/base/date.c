#include "common/base/date.h"

/* Days from civil and back: the usual shift of the year to March, so that leap days come last. */
static int32_t days_from_civil(int32_t y, int32_t m, int32_t d)
{
	y -= m <= 2;
	int32_t era = (y >= 0 ? y : y - 399) / 400;
	int32_t yoe = y - era * 400;
	int32_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int32_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

uint32_t date_of_days(int32_t days)
{
	int32_t z = days + 719468;
	int32_t era = (z >= 0 ? z : z - 146096) / 146097;
	int32_t doe = z - era * 146097;
	int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int32_t mp = (5 * doy + 2) / 153;
	int32_t d = doy - (153 * mp + 2) / 5 + 1;
	int32_t m = mp < 10 ? mp + 3 : mp - 9;
	int32_t y = yoe + era * 400 + (m <= 2);
	return (uint32_t)(y * 10000 + m * 100 + d);
}

bool date_to_days(uint32_t yyyymmdd, int32_t *ret_days)
{
	uint32_t y = yyyymmdd / 10000, m = yyyymmdd / 100 % 100, d = yyyymmdd % 100;

	if (y < 1900 || y > 2199 || m < 1 || m > 12 || d < 1 || d > 31)
		return false;
	int32_t days = days_from_civil((int32_t)y, (int32_t)m, (int32_t)d);
	if (date_of_days(days) != yyyymmdd)
		return false;
	*ret_days = days;
	return true;
}

int date_weekday(int32_t days)
{
	int32_t w = (days + 3) % 7; /* 1970-01-01 was a Thursday */

	return (int)(w < 0 ? w + 7 : w) + 1;
}

uint32_t date_local(int64_t utc_ms, int32_t tz_offset_min)
{
	int64_t ms = utc_ms + (int64_t)tz_offset_min * DATE_MS_PER_MIN;
	int64_t days = ms / DATE_MS_PER_DAY - (ms % DATE_MS_PER_DAY < 0);

	return date_of_days((int32_t)days);
}

uint32_t date_iso_week(int32_t days)
{
	int32_t thursday = days - date_weekday(days) + 4;
	uint32_t year = date_of_days(thursday) / 10000;
	int32_t jan1 = days_from_civil((int32_t)year, 1, 1);

	return year * 100 + (uint32_t)((thursday - jan1) / 7 + 1);
}
