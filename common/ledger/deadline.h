/*
 * Complaint deadlines. Working days are Monday to Friday less
 * the policy's holidays, counted from the day after receipt, same local clock time. Local time is UTC plus
 * the offset that stands in the event; the branch stores the results in the event, nobody computes them
 * again. Pure.
 */
#ifndef AFTERSYNC_LEDGER_DEADLINE_H
#define AFTERSYNC_LEDGER_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ledger/rules.h"

/* A span: hours, or days, or working days; exactly one is not 0. */
struct deadline_span {
	uint16_t hours, days, working_days;
};

/* By severity code - 1 (ORDINARY, SERIOUS, URGENT): time to acknowledge, to the final reply, to the close. */
struct deadline_policy {
	struct deadline_span ack[3], reply[3], close[3];
};

extern const struct deadline_policy deadline_default;

/* Business dates YYYYMMDD without work, in any order. */
struct deadline_holidays {
	const uint32_t *dates;
	size_t n;
};

struct deadlines {
	int64_t ack_due, reply_due, close_due; /* UTC ms */
};

/* received_at + span, UTC ms. */
int64_t deadline_add(int64_t received_at, int32_t tz_offset_min, struct deadline_span span,
		     const struct deadline_holidays *holidays);

/* False: no such severity. holidays may be NULL. */
bool deadline_complaint(const struct deadline_policy *policy, uint32_t severity, int64_t received_at,
			int32_t tz_offset_min, const struct deadline_holidays *holidays,
			struct deadlines *ret);

/* Due times of other kinds that the branch sets when they are not given, by a value of the policy. */
enum due_unit { DUE_HOURS, DUE_DAYS, DUE_WORKING_DAYS, DUE_CLOCK /* minutes of the business date */ };

struct due_row {
	uint16_t kind;
	const char *field;
	uint8_t unit;	    /* enum due_unit */
	uint8_t value;	    /* enum policy_value */
	const char *unless; /* not when this field is true, or NULL */
};

extern const struct due_row due_rows[]; /* ascending kinds */
extern const size_t due_rows_count;

/* UTC ms. */
int64_t deadline_due(const struct due_row *row, int64_t occurred_at, uint32_t business_date,
		     int32_t tz_offset_min, const struct deadline_holidays *holidays);

#endif
