/*
 * Complaint deadlines (R-30, R-31; table of the contract, section 5). Working days are Monday to Friday less
 * the policy's holidays, counted from the day after receipt, same local clock time. Local time is UTC plus
 * the offset that stands in the event; the branch stores the results in the event, nobody computes them
 * again. Pure.
 */
#ifndef AFTERSYNC_LEDGER_DEADLINE_H
#define AFTERSYNC_LEDGER_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
