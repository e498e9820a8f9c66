/*
 * Text forms of dates, times and ids as submissions, answers and reports write them. No locale, no time zone database.
 */
#ifndef AFTERSYNC_INTAKE_FORMS_H
#define AFTERSYNC_INTAKE_FORMS_H

#include "common/base/bytes.h"

/* YYYY-MM-DD, a real date → YYYYMMDD */
bool form_date_parse(struct bytes s, uint32_t *ret_date);
void form_date_text(uint32_t date, char out[11]);

/*
 * RFC 3339 → UTC ms; years 1900 to 2199, seconds 0 to 59, the offset must be given (Z or ±hh:mm), digits
 * after the third of a fraction are cut.
 */
bool form_time_parse(struct bytes s, int64_t *ret_ms);
/* The same, and the offset that was given. */
bool form_time_parse_offset(struct bytes s, int64_t *ret_ms, int32_t *ret_offset_min);

/* Local time with its offset, milliseconds only when there are any. */
#define FORM_TIME_MAX 40
void form_time_text(int64_t ms, int32_t tz_offset_min, char out[FORM_TIME_MAX]);

/* 8-4-4-4-12 hexadecimal digits, or 32 without the dashes */
bool form_uuid_parse(struct bytes s, uint8_t out[16]);
void form_uuid_text(const uint8_t id[16], char out[37]);

/*
 * Telephone numbers as people write them → the normal form: spaces dropped, for a mobile
 * number also dashes and +86, 0086, 86. False when it is none; out holds at least cap bytes, cap ≥ 24.
 */
bool form_phone_normal(struct bytes s, char *out, size_t cap, size_t *ret_n);

#endif
