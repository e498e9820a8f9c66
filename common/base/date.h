/*
 * Pure calendar arithmetic: proleptic Gregorian, no time zone database. Times are UTC milliseconds
 * since 1970; local time = UTC + tz_offset_min; business dates are numbers YYYYMMDD.
 */
#ifndef AFTERSYNC_BASE_DATE_H
#define AFTERSYNC_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#define DATE_MS_PER_MIN 60000
#define DATE_MS_PER_HOUR 3600000
#define DATE_MS_PER_DAY 86400000

/* Days since 1970-01-01 of a real date YYYYMMDD (years 1900 to 2199), or false. */
bool date_to_days(uint32_t yyyymmdd, int32_t *ret_days);

/* The date YYYYMMDD of a number of days since 1970-01-01. */
uint32_t date_of_days(int32_t days);

/* Monday = 1 … Sunday = 7 (ISO 8601). */
int date_weekday(int32_t days);

/* The local calendar date of an instant. */
uint32_t date_local(int64_t utc_ms, int32_t tz_offset_min);

/* ISO 8601 week of a date: returns year * 100 + week. */
uint32_t date_iso_week(int32_t days);

#endif
