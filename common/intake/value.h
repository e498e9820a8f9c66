/*
 * One JSON value ↔ one value of a body, by the row of the table.
 */
#ifndef AFTERSYNC_INTAKE_VALUE_H
#define AFTERSYNC_INTAKE_VALUE_H

#include "common/base/arena.h"
#include "common/intake/intake.h"

/* AS_EREFUSED with text in *e (field and rule are the caller's); bytes are taken from the arena. */
as_err value_parse(const struct field_def *f, const char *path, const json_t *j, struct arena *a,
		   struct body_value *ret, struct intake_error *e) AS_MUST_CHECK;

/* NFC, limits in bytes, no control characters but tab and line break where `lines`. Text from the arena. */
as_err value_text(const char *path, const json_t *j, size_t max, bool lines, struct arena *a,
		  struct bytes *ret, struct intake_error *e) AS_MUST_CHECK;

/* Valid UTF-8 as NFC, as texts are stored; s itself where it is so already. AS_EINVAL, AS_ENOMEM. */
as_err intake_nfc(struct bytes s, struct arena *a, struct bytes *ret) AS_MUST_CHECK;

/* New reference; NULL when out of memory. */
json_t *value_json(const struct field_def *f, const struct body_value *v, int32_t tz_offset_min);

/* How a text from outside (valid UTF-8) is shown in a sentence: printable, cut on a character; returns out.
 */
#define INTAKE_SHOWN_MAX 48
const char *intake_shown(struct bytes s, char out[INTAKE_SHOWN_MAX]);

/* Bytes as a base64 text; NULL when out of memory. */
json_t *intake_base64(struct bytes raw);

/* Sets the text of an error and says AS_EREFUSED. */
as_err intake_refuse(struct intake_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
