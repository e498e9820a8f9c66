/*
 * Submission: one JSON line → a validated event, through the table of kinds (docs/recording.md). What comes
 * out lacks only what the node sets at acceptance: event_id when the caller gave none, salt, recorded_at, the
 * case that the label names, the sealing of the personal part. Whether the state of the case allows it:
 * ledger_check.
 *
 * Strict: unknown fields and codes, wrong types, impossible dates, texts over their limit, invalid UTF-8 are
 * refused with one clear sentence, the field and the rule. Text is normalised to NFC.
 */
#ifndef AFTERSYNC_INTAKE_INTAKE_H
#define AFTERSYNC_INTAKE_INTAKE_H

#include "common/intake/json.h"

#include "common/ledger/body.h"
#include "common/ledger/deadline.h"
#include "common/ledger/kinds.h"
#include "common/ledger/ledger.h"

#define INTAKE_LINE_MAX (64 * 1024)
#define INTAKE_BODY_MAX 8192

/* What the node knows. */
struct intake_ctx {
	int32_t tz_offset_min;
	int32_t (*tz_offset_at)(void *arg, int64_t utc_ms); /* or NULL: always tz_offset_min */
	void *tz_arg;
	uint32_t business_date; /* the open day; 0 = the local date of occurred_at */
	/* An importer speaks: system fields are accepted, R-03, R-07, R-08, R-10 are not asked, and local time is that
	 * of the offset in occurred_at: what is imported need not be of this branch's time zone. */
	bool imported;
	bool hq; /* head office speaks: what only it may record is accepted too */
	uint32_t policy_ver;
	const struct deadline_policy *policy;	  /* NULL = deadline_default */
	const struct deadline_holidays *holidays; /* or NULL */
};

/* Why a line is refused. */
struct intake_error {
	char text[400]; /* one sentence */
	char field[64]; /* "facts.severity", or empty */
	char rule[8];	/* "R-04", or empty */
};

/* The result: everything that ev's slices borrow stands in here, so it is moved by intake_keep alone. */
struct intake {
	struct event ev; /* without event_id when not given, salt, recorded_at, case_id, personal */
	const struct kind_def *kind;
	bool has_event_id;
	uint8_t event_id[16], corrects[16], customer[16], device[16];
	size_t case_n; /* the case as the caller named it: label or key; 0 = not given */
	char case_text[LABEL_BYTES_MAX];
	size_t facts_n, personal_n;
	uint8_t bytes[2 * INTAKE_BODY_MAX]; /* facts, then personal: plain, to be sealed by the caller and wiped */
};

static inline struct bytes intake_personal(const struct intake *in)
{
	return bytes_of(in->bytes + in->facts_n, in->personal_n);
}

/* AS_EREFUSED with *ret_error; *ret_in then holds nothing of a person. Any thread. */
as_err intake_parse(struct bytes line, const struct intake_ctx *ctx, struct intake *ret_in,
		    struct intake_error *ret_error) AS_MUST_CHECK;

/* The same from a JSON object that is there already. */
as_err intake_object(const json_t *object, const struct intake_ctx *ctx, struct intake *ret_in,
		     struct intake_error *ret_error) AS_MUST_CHECK;

/* A copy as large as its content; NULL: out of memory. */
struct intake *intake_keep(const struct intake *in);
void intake_free(struct intake *in); /* wipes; a kept one or NULL */
void intake_wipe(struct intake *in); /* what is plain of a person */

/* Words what ledger_check refused. */
void intake_word_refusal(const struct ledger_refusal *why, const struct kind_def *kind,
			 struct intake_error *ret_error);

/* ---- the other way: for show and export
 * --------------------------------------------------------------------- */

/*
 * The event as an object: fields of a submission, and recorded_at, label, imported, late, time_suspect,
 * flagged bodies as "body" in base64. personal: the opened personal part, or NULL (then "sealed": true when
 * there is one). NULL when out of memory. The caller decrefs.
 */
json_t *intake_event_json(const struct event *ev, const struct bytes *personal);

/* One message of the kind as an object; NULL when it does not follow the table. */
json_t *intake_body_json(const struct kind_def *kind, enum body_part part, struct bytes raw,
			 int32_t tz_offset_min);

#endif
