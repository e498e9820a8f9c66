/*
 * The event: header fields of proto/event.proto as plain values, and its codec.
 *
 * The codec is our own over common/base/pbwire.h and not protobuf-c: the ledger opens events inside of events
 * (HQ_APPLIED) and must stay pure, nothing is copied or allocated, and an attacker's fields cost nothing but
 * the scan. That the bytes are those of proto/event.proto is tested against protobuf-c both ways. Pure.
 *
 * Never decode and encode again to get an event's bytes: what is stored and hashed is what the author wrote.
 */
#ifndef AFTERSYNC_WIRE_EVENT_H
#define AFTERSYNC_WIRE_EVENT_H

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/limits.h"

/* An absent optional slice has n = 0, an absent number is 0. Slices borrow the bytes that were decoded. */
struct event {
	struct bytes event_id; /* 16 bytes */
	struct bytes salt;     /* 16 bytes */
	struct bytes case_id;  /* 16 bytes or none: the event opens a case named by its event_id */
	uint32_t kind;
	uint32_t business_date; /* YYYYMMDD, a real date */
	int64_t occurred_at;	/* UTC ms */
	int64_t recorded_at;	/* UTC ms */
	int32_t tz_offset_min;
	uint32_t actor;
	uint32_t approver;
	uint32_t post;
	uint32_t policy_ver;
	struct bytes body;			 /* the kind's message, common/ledger/body.h */
	struct bytes personal;			 /* sealed */
	struct bytes commitment;		 /* 32 bytes or none; present exactly when personal is */
	struct bytes label;			 /* UTF-8, at most LABEL_BYTES_MAX */
	struct bytes case_branch;		 /* branch code or none */
	struct bytes corrects, customer, device; /* 16 bytes or none */
	bool imported, late, time_suspect;
};

/*
 * Writes ev to out in the canonical form: fields by number, absent ones left out.
 * AS_EINVAL: a field breaks the format (see event_decode). AS_ETOOBIG: more than cap or EVENT_BYTES_MAX.
 */
as_err event_encode(const struct event *ev, uint8_t *out, size_t cap, size_t *ret_n) AS_MUST_CHECK;

/*
 * Reads an event; the slices of *ret_ev borrow from raw. Strict: sizes of ids, real business date, UTF-8
 * label, known wire types, no trailing bytes, at most EVENT_UNKNOWN_MAX fields that are not known here
 * (skipped), the last of a field given twice counts. AS_EPROTO otherwise, AS_ETOOBIG over EVENT_BYTES_MAX.
 */
as_err event_decode(struct bytes raw, struct event *ret_ev) AS_MUST_CHECK;

/* [A-Z0-9]{2,8} */
bool branch_code_ok(struct bytes s);

#endif
