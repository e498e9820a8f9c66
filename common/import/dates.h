/*
 * Dates as other programs write them. A form is a text with YYYY, YY (69 to 99 is 19..), MM, DD, hh, mm, ss, AM (stands
 * for AM and PM in any case, with hours 01 to 12), and M, D, h for one or two digits; everything else stands for itself.
 * Pure.
 */
#ifndef AFTERSYNC_IMPORT_DATES_H
#define AFTERSYNC_IMPORT_DATES_H

#include "common/base/bytes.h"

/* NULL, or what is wrong with a form. */
const char *date_form_wrong(const char *form);

bool date_form_has_time(const char *form);

/* A real date, and milliseconds after its midnight (0 where the form has no time). False: s has another form. */
bool date_form_read(const char *form, struct bytes s, uint32_t *ret_date, int32_t *ret_ms);

#endif
