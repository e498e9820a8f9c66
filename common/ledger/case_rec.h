/*
 * The record of one case: its events in order, each with the few facts that the fold needs. State and
 * contribution are a pure function of the entries; no other read is ever needed to fold a case again. Pure.
 *
 * A case is named by (branch, event_id of its first event) and lives in the class of that event.
 */
#ifndef AFTERSYNC_LEDGER_CASE_REC_H
#define AFTERSYNC_LEDGER_CASE_REC_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/ledger/kinds.h"
#include "common/wire/event.h"

struct case_key {
	char branch[BRANCH_CODE_MAX]; /* zero padded */
	uint8_t id[16];
};

/* Where an event stands. Order of a case's events: inc_number, inc_id, index. */
struct place {
	uint32_t inc_number;
	uint8_t inc_id[16];
	uint64_t index;
	uint8_t cls; /* enum log_class; not part of the order */
};

int place_cmp(const struct place *a, const struct place *b);

enum entry_status {
	ENTRY_APPLIED = 0,
	ENTRY_REPEATED,	    /* same id and bytes as an earlier one: in no cell, no alarm */
	ENTRY_UNDECODABLE,  /* flagged: body does not follow the table */
	ENTRY_UNKNOWN_KIND, /* flagged */
	ENTRY_ILLEGAL,	    /* flagged, R-04 */
	ENTRY_ID_REUSED,    /* flagged: same id, other bytes; the first in order counts */
	ENTRY_STATUSES,
};

#define entry_is_flagged(status) ((status) >= ENTRY_UNDECODABLE)

/* "applied", "repeated", "undecodable", "unknown-kind", "illegal", "id-reused" */
const char *entry_status_name(enum entry_status status);

enum {
	EF_IMPORTED = 1,
	EF_LATE = 2,
	EF_TIME_SUSPECT = 4,
	EF_OPENS = 8,	     /* names no other event as its case */
	EF_APPROVED = 16,    /* approver given, not the actor */
	EF_HQ = 32,	     /* came inside HQ_APPLIED */
	EF_UNDECODABLE = 64, /* of the event alone */
	EF_UNKNOWN_KIND = 128,
};

/* What the fold needs of one event; which field goes to which slot stands in the table of kinds. */
struct fold_input {
	uint8_t c[4];
	uint8_t model_n;
	uint32_t staff;
	int64_t t[3];
	char model[MODEL_BYTES_MAX];
};

struct case_entry {
	struct place place;
	uint8_t id[16];
	uint8_t leaf[16]; /* first half of the leaf hash */
	uint16_t kind;	  /* of HQ_APPLIED: of the event inside */
	uint8_t status;	  /* enum entry_status, set by the fold */
	uint8_t flags;	  /* EF_ */
	uint8_t from, to; /* states before and after it, set by the fold when applied */
	uint32_t business_date;
	int32_t tz_offset_min;
	int64_t occurred_at; /* UTC ms */
	struct fold_input in;
};

enum repair_state {
	RS_NONE = 0,
	RS_RECEIVED,
	RS_INSPECTED,
	RS_QUOTED,
	RS_ASSIGNED,
	RS_IN_REPAIR,
	RS_ON_HOLD,
	RS_AT_FACTORY,
	RS_DONE,
	RS_READY,
	RS_DELIVERED,
	RS_CANCELLED,
	RS_TRANSFERRED,
	RS_STATES,
};

enum complaint_state {
	CS_NONE = 0,
	CS_RECEIVED,
	CS_IN_PROGRESS,
	CS_FORWARDED,
	CS_REPLIED,
	CS_CLOSED,
	CS_WITHDRAWN,
	CS_REJECTED,
	CS_STATES,
};

enum consult_state { CONSULT_ANSWERED = 1, CONSULT_PENDING, CONSULT_REPLY_GIVEN, CONSULT_MOVED };
enum followup_state { FS_PLANNED = 1, FS_ATTEMPTED, FS_DONE, FS_DECLINED, FS_GIVEN_UP };
enum customer_state { CUS_ACTIVE = 1, CUS_ERASED };
enum device_state { DEV_REGISTERED = 1, DEV_VERIFIED, DEV_MISMATCHED, DEV_REPLACED };
enum day_state { DS_OPEN = 1, DS_COUNTED, DS_CLOSED, DS_REOPENED };
enum shipment_state { SHIP_REQUESTED = 1, SHIP_SHIPPED, SHIP_ARRIVED, SHIP_SHORT, SHIP_RESOLVED };
enum hazard_state { HAZ_FOUND = 1, HAZ_FIXED, HAZ_VERIFIED };
enum external_state { EXT_OPEN = 1, EXT_ANSWERED, EXT_CLOSED };
enum claim_state { CLAIM_MADE = 1, CLAIM_ACCEPTED, CLAIM_REJECTED };
enum staff_state { STAFF_ACTIVE = 1, STAFF_GONE };
enum assessment_state { ASM_SCHEME = 1, ASM_FIRST, ASM_SECOND, ASM_CONFIRMED };
enum fact_state { FACT_RECORDED = 1 };

enum {
	MARK_LOANER_OUT = 1, /* repair: the customer has a loaner */
	MARK_SWAPPED = 2,    /* repair: a new device was recorded */
	MARK_PLANNED = 4,    /* day: the plan was set */
	MARK_OWNED = 8,	     /* device: a customer is linked */
};

/* The state of a case: what the fold of its entries gives. Zeroed = nothing applied yet. */
struct case_state {
	uint8_t type;  /* enum case_type, 0 until opened */
	uint8_t state; /* enum repair_state, complaint_state … of its type */
	uint8_t prev;  /* ON_HOLD: state to resume to */
	bool imported;
	uint8_t marks; /* MARK_ */
	/* repair */
	bool approved, refused;
	uint8_t channel, warranty, outcome;
	uint16_t qc_fails, reopened;
	uint32_t technician;
	uint32_t sale_date, made_date; /* as received; 0 = not given */
	int64_t promised_at;	       /* first promise; 0 = none */
	/* complaint */
	uint8_t ctype, cchannel, category, severity;
	uint8_t level, extended;
	int64_t due[3];	    /* ack, reply, close; other types: case_types; 0 = none */
	int64_t done[3];    /* first ack, first final reply, first close; INT64_MAX = not yet */
	int64_t ended_at;   /* first close, withdrawal or rejection; INT64_MAX = not yet */
	uint32_t closed_on; /* business date of the last close */
	/* the other types: what later events are compared with; which fields: `keeps` in transitions.c */
	uint32_t staff;	   /* handler, technician, owner, supervisor, who is assessed */
	uint32_t tried_on; /* follow-up: business date of the last attempt */
	uint16_t tries, try_days;
	int64_t kept[2];
	/* all */
	int64_t opened_at;
	uint32_t opened_on; /* business date */
	int32_t tz_offset_min;
	uint8_t model_n;
	char model[MODEL_BYTES_MAX];
};

/* entries: memory of the caller, in order; see case_rec_reserve. */
struct case_rec {
	struct case_key key;
	struct case_state state;
	uint32_t n, cap;
	uint32_t over;			 /* events after the first CASE_EVENTS_MAX: flagged illegal */
	uint32_t counts[ENTRY_STATUSES]; /* by status; `over` counts as illegal */
	struct case_entry *entries;
};

/* An empty record over memory for cap entries (cap may be 0 and entries NULL). */
void case_rec_init(struct case_rec *rec, const struct case_key *key, struct case_entry *entries,
		   uint32_t cap);

/*
 * Room for `more` further entries (never beyond CASE_EVENTS_MAX), doubling into the arena; the old memory is
 * left behind there. AS_ENOMEM when the arena is used up.
 */
as_err case_rec_reserve(struct case_rec *rec, uint32_t more, struct arena *a) AS_MUST_CHECK;

/* Compact, versioned. AS_ETOOBIG: cap too small (CASE_REC_BYTES_MAX always suffices). */
as_err case_rec_encode(const struct case_rec *rec, uint8_t *out, size_t cap, size_t *ret_n) AS_MUST_CHECK;

/*
 * Reads a record of case *key; entries are taken from the arena with room for `more` further ones. Folds it
 * and compares the stored statuses: AS_ECORRUPT on any damage, AS_EUNSUPPORTED when written by another
 * LEDGER_VERSION (rebuild), AS_ENOMEM.
 */
as_err case_rec_decode(struct bytes raw, const struct case_key *key, uint32_t more, struct arena *a,
		       struct case_rec *ret_rec) AS_MUST_CHECK;

/* The status of the entry at a place; AS_ENOTFOUND when it is not kept (never came, or beyond the limit). */
as_err case_rec_status(const struct case_rec *rec, const struct place *at,
		       enum entry_status *ret) AS_MUST_CHECK;

#endif
