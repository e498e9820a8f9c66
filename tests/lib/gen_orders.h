/*
 * Seeded generator of plausible events: repair orders, complaints and other cases going through their life, a
 *few of them illegal, of unknown kind or undecodable. The same seed and the same calls give the same bytes.
 *
 *	struct gen g;
 *	gen_init(&g, "BJ01", &(struct gen_opts){.illegal_pm = 10});
 *	gen_next(&g, &rng, now_ms, &ev);        ev.raw / ev.n is the event as a branch would append it
 *
 * The generator follows what it made itself; when the branch lost events (a crash), later events of those
 *cases are simply illegal there. gen_forget() makes it start new cases only.
 */
#ifndef AFTERSYNC_TESTS_LIB_GEN_ORDERS_H
#define AFTERSYNC_TESTS_LIB_GEN_ORDERS_H

#include "common/base/rng.h"
#include "common/ledger/ledger.h"

#define GEN_OPEN_MAX 64
#define GEN_RAW_MAX 2048

struct gen_opts {
	unsigned illegal_pm;   /* per mille: any kind, whatever the state */
	unsigned unknown_pm;   /* per mille: a kind of a newer program */
	unsigned damaged_pm;   /* per mille: a body that does not follow the table */
	unsigned repeat_pm;    /* per mille: the bytes of the case's last event again */
	unsigned complaint_pm; /* per mille of new cases; the others are repair orders */
	unsigned other_pm;     /* per mille of new cases: the other types, plain facts among them */
	unsigned imported_pm;  /* per mille of new cases */
	unsigned personal_pm;  /* per mille of events with a sealed part (random bytes) of 64 to 320 bytes */
	unsigned open_max;     /* cases going on at once, at most GEN_OPEN_MAX; 0 = 16 */
	int32_t tz_offset_min; /* 0 = 480 */
};

struct gen_case {
	uint8_t id[16];
	struct case_state st;
	uint32_t last_n;
	uint8_t last[GEN_RAW_MAX]; /* the last event's bytes */
};

struct gen {
	char branch[BRANCH_CODE_MAX];
	struct gen_opts opts;
	uint32_t serial, open_n;
	struct gen_case open[GEN_OPEN_MAX];
};

struct gen_event {
	uint32_t n;
	uint8_t raw[GEN_RAW_MAX];
	uint8_t event_id[16];
	struct case_key key;
	uint32_t kind;
	bool legal; /* as far as the generator can know: it would be applied */
};

void gen_init(struct gen *g, const char *branch, const struct gen_opts *opts);
void gen_forget(struct gen *g);
void gen_next(struct gen *g, struct rng *r, int64_t now_ms, struct gen_event *out);

#endif
