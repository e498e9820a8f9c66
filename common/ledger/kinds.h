/*
 * The table of kinds: what can be recorded, by whom, with which fields, codes, limits and rules.
 *
 * One table drives the body codec, submission, import, output and docs/domain.md. Adding a kind is adding a
 * row in kinds_*.c and rows in transition_rows.c; what it must satisfy beside, in check_rows.c. Pure;
 * everything is const.
 */
#ifndef AFTERSYNC_LEDGER_KINDS_H
#define AFTERSYNC_LEDGER_KINDS_H

#include "common/base/limits.h"
#include "common/ledger/case_types.h"
#include "common/ledger/codes.h"
#include "common/ledger/rules.h"

/* Changes whenever fold, transitions or cells change: the store rebuilds when it differs. 2: all kinds. */
#define LEDGER_VERSION 2u

enum event_kind {
	REPAIR_RECEIVED = 1,
	REPAIR_INSPECTED,
	REPAIR_QUOTED,
	QUOTE_ANSWERED,
	REPAIR_ASSIGNED,
	REPAIR_STARTED,
	REPAIR_HELD,
	REPAIR_RESUMED,
	RETURN_TO_FACTORY,
	BACK_FROM_FACTORY,
	REPAIR_DONE,
	QC_CHECKED,
	CUSTOMER_NOTIFIED,
	REPAIR_DELIVERED,
	REPAIR_REOPENED,
	REPAIR_CANCELLED,
	REPAIR_TRANSFER_OUT,
	REPAIR_TRANSFER_IN,
	DOA_DAP_CERTIFIED,
	EXCHANGE_DONE,
	REFUND_DONE,
	LOANER_OUT,
	LOANER_BACK,
	COMPLAINT_RECEIVED = 30,
	COMPLAINT_ACKED,
	COMPLAINT_ASSIGNED,
	COMPLAINT_FORWARDED,
	COMPLAINT_ESCALATED,
	COMPLAINT_REPLIED,
	COMPLAINT_EXTENDED,
	COMPLAINT_CLOSED,
	COMPLAINT_REOPENED,
	COMPLAINT_WITHDRAWN,
	COMPLAINT_REJECTED,
	CONSULT_RECEIVED = 50,
	CONSULT_REPLIED,
	CONSULT_CONVERTED,
	FOLLOWUP_PLANNED = 60,
	FOLLOWUP_ATTEMPTED,
	FOLLOWUP_DONE,
	FOLLOWUP_DECLINED,
	FOLLOWUP_GIVEN_UP,
	CUSTOMER_ADDED = 70,
	CUSTOMER_CHANGED,
	CUSTOMER_ERASED,
	CUSTOMER_VERIFIED,
	CUSTOMER_ACCESSED,
	DEVICE_REGISTERED = 80,
	DEVICE_VERIFIED,
	DEVICE_CHANGED,
	OWNER_LINKED,
	OWNER_UNLINKED,
	DAY_OPENED = 90,
	DAY_PLAN_SET,
	DAY_PLAN_AMENDED,
	MACHINE_COUNTED,
	DAY_CLOSED,
	DAY_REOPENED,
	PERIOD_REPORT_FILED,
	HANDOVER,
	PART_REQUESTED = 100,
	PART_RECEIVED,
	PART_ISSUED,
	PART_CONSUMED,
	PART_RETURNED,
	OLD_PART_COLLECTED,
	PARTS_SHIPPED,
	PARTS_ARRIVED,
	PART_RECLASSIFIED,
	PART_SCRAPPED,
	STOCK_COUNTED,
	STOCK_ADJUSTED,
	SAFETY_CHECK = 120,
	SAFETY_INCIDENT,
	HAZARD_FOUND,
	HAZARD_FIXED,
	PROMOTION_DONE = 130,
	POLICY_PUBLISHED,
	POLICY_ACKED,
	TARGET_SET,
	EXTERNAL_CASE,
	WARRANTY_CLAIM,
	BRANCH_REGISTERED,
	BRANCH_GRADED,
	RECTIFICATION_NOTICE,
	RECTIFIED,
	STAFF_JOINED = 140,
	STAFF_CHANGED,
	STAFF_LEFT,
	STAFF_PROPOSAL,
	ESTABLISHMENT_SET,
	SHIFT,
	TRAINING_DONE,
	VIOLATION,
	ASSESSMENT_SCHEME,
	ASSESSMENT_SCORED,
	ASSESSMENT_CONFIRMED,
	/* where the department has one number for several, or a state without a kind */
	BRANCH_SUSPENDED = 151,
	BRANCH_CLOSED,
	HAZARD_VERIFIED,
	SHIPMENT_RESOLVED,
	LOG_OPENED = 200, /* index 0 of every log; no case */
	HQ_APPLIED = 201, /* holds an event of head office; counts as that event in the case it names */
	/* the roster: head office's log to everybody, folded by common/node/roster.h */
	INSTANCE_CERTIFIED = 210,
	TRANSPORT_KEY,
	BRANCH_ENROLLED,
	NODE_ADMITTED,
	NODE_ENDED,
	LOG_KEYS, /* content key of an older log of a branch, sealed to the recipient key of its new server */
};

enum field_type {
	FT_U32 = 1, /* min … max */
	FT_I64,	    /* min … max, zigzag */
	FT_BOOL,
	FT_CODE,      /* one of codes */
	FT_CODE_SET,  /* bitset: bit (1 << number) of codes; in JSON an array */
	FT_CODE_LIST, /* packed list of codes without repeats, in the order given; in JSON an array */
	FT_MONEY,     /* fen, 0 … 10 000 000 */
	FT_DATE,      /* YYYYMMDD, a real date */
	FT_TIME,      /* UTC ms, zigzag */
	FT_TEXT,      /* UTF-8, NFC, 1 … max bytes */
	FT_BYTES,     /* exactly max bytes; hex in JSON */
	FT_BLOB,      /* 1 … max bytes; base64 in JSON */
	FT_STAFF,     /* staff number, > 0 */
	FT_BRANCH,    /* branch code */
	FT_IMEI,      /* 15 digits, not all equal; Luhn unless an approver says otherwise (2.13, R-12) */
	FT_PHONE,     /* mobile, landline or service number, stored in the normal form */
	FT_ROWS,      /* min … max rows of the columns in row */
};

enum {
	FF_REQUIRED = 1,      /* must be there */
	FF_LIVE_REQUIRED = 2, /* must be there unless the event is imported */
	FF_PERSONAL = 4,      /* belongs to the sealed personal part */
	FF_SYSTEM = 8,	      /* set by the node, not accepted from outside */
};

/* Where the fold keeps a value (case_rec.h): most fields are not needed by it. */
enum fold_slot {
	FOLD_NONE = 0,
	FOLD_C0,
	FOLD_C1,
	FOLD_C2,
	FOLD_C3, /* codes and booleans */
	FOLD_STAFF,
	FOLD_T0,
	FOLD_T1,
	FOLD_T2, /* times, dates, money, numbers, a second and third member of staff */
	FOLD_MODEL,
	FOLD_INNER, /* HQ_APPLIED: the event inside */
};

/* The columns of a list of rows: fields without a fold slot, none of them a list of rows itself. */
struct row_def {
	const char *name; /* message name in docs/bodies.proto */
	uint32_t cols_n;
	const struct field_def *cols;
};

#define ROW_COLS_MAX 8

struct field_def {
	const char *name; /* snake_case, as in JSON */
	const char *zh;
	uint8_t number; /* protobuf field number = place in the table + 1 */
	uint8_t type;	/* enum field_type */
	uint8_t flags;	/* FF_ */
	uint8_t slot;	/* enum fold_slot */
	int64_t min, max;
	const struct code_list *codes;
	const struct row_def *row;
	uint8_t rule; /* enum rule: makes it required */
};

#define KIND_FIELDS_MAX 31
#define KIND_RULES_MAX 6

enum {
	KF_OPENS = 1,	 /* may open a case */
	KF_SYSTEM = 2,	 /* made by nodes only, refused from outside */
	KF_REASON = 4,	 /* personal `reason` is mandatory */
	KF_APPROVER = 8, /* approver is mandatory, and is not the actor */
	KF_JOINS = 16,	 /* KF_OPENS too: continues the case that it names, when there is one */
	KF_HQ = 32,	 /* recorded by head office only, in its own logs */
};

struct kind_def {
	uint16_t number;
	const char *name;
	const char *zh;
	uint8_t case_type; /* enum case_type */
	uint8_t flags;	   /* KF_ */
	uint32_t posts;	   /* kind_post_bit of those who may record it; R-03 */
	const struct field_def *fields;
	uint32_t fields_n;
	uint8_t rules[KIND_RULES_MAX]; /* enum rule, beside those of its fields, guards and checks */
};

/* Rows of numbers without a gap; common/ledger/kinds_*.c. */
struct kind_group {
	uint16_t first;
	uint16_t n;
	const struct kind_def *rows;
};

/* How many there are, and the one at a place in the order of numbers (at < kinds_count()). */
size_t kinds_count(void);
const struct kind_def *kind_at(size_t at);

#define POST_SYSTEM 90u

/* Bit of a post in kind_def.posts. */
static inline uint32_t kind_post_bit(uint32_t post)
{
	return post == POST_SYSTEM ? UINT32_C(1) << 31 : post < 31 ? UINT32_C(1) << post : 0;
}

/* Every kind's personal part may hold `reason`; the field row, number KIND_REASON_NUMBER. */
#define KIND_REASON_NUMBER 63
extern const struct field_def kind_reason_field;

/* NULL when the number or name is not in the table. */
const struct kind_def *kind_of(uint32_t number);
const struct kind_def *kind_of_name(struct bytes name);

/* Index of the field in kind->fields, or -1. */
int kind_field_index(const struct kind_def *kind, struct bytes name);

#endif
