/*
 * Events for tests, written as text: ev_make(&e, REPAIR_INSPECTED, "cause=1 warranty=1"). Values are numbers
 * (codes by number) or text; required fields that are not named get the first value that is allowed.
 */
#ifndef AFTERSYNC_TESTS_LIB_EV_H
#define AFTERSYNC_TESTS_LIB_EV_H

#include "common/ledger/ledger.h"

#define EV_T0 INT64_C(1795397400000) /* 2026-11-23 09:30 +08:00, a Monday */

/* Who and when of the next event; change the fields between calls. */
struct ev {
	char branch[BRANCH_CODE_MAX];
	uint8_t case_id[16];
	bool opened; /* later events name the case */
	uint32_t serial;
	int64_t at;    /* occurred_at */
	uint32_t date; /* business date; 0 = local date of `at` */
	uint32_t actor, approver;
	bool imported;
	/* the last event made */
	struct event head;
	uint8_t id[16], salt[16], body[2048], raw[4096], leaf[32];
	size_t n;
};

/* A new case number `no` of branch BJ01 at EV_T0. */
void ev_init(struct ev *e, uint8_t no);

/* Makes e->raw and e->head; the id is new every time. Fails the test on a bad text. */
void ev_make(struct ev *e, uint32_t kind, const char *values);

/* ev_make, then ledger_apply at the next index of incarnation `inc` (id all `inc`); grows rec by malloc. */
enum entry_status ev_apply(struct ev *e, struct case_rec *rec, uint8_t inc, const struct cell_sink *sink,
			   uint32_t kind, const char *values);

/* ledger_apply of what is in e->raw at a place. */
enum entry_status ev_apply_at(struct ev *e, struct case_rec *rec, uint8_t inc, uint64_t index,
			      const struct cell_sink *sink);

void ev_rec_init(struct case_rec *rec, const struct ev *e);
void ev_rec_done(struct case_rec *rec);

#endif
