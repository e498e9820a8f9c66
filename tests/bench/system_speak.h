/*
 * Many branches that are no processes of their own: their logs are made in memory (system_fill.h) and spoken
 * for over one link each, some hundred links a process. Of head office's own logs nothing is taken.
 */
#ifndef AFTERSYNC_TESTS_BENCH_SYSTEM_SPEAK_H
#define AFTERSYNC_TESTS_BENCH_SYSTEM_SPEAK_H

#include "tests/bench/system.h"

#define SPEAK_EACH 250 /* links a process */

struct speak_conf {
	uint8_t org[16], server[32],
	    hq_recipient[32]; /* of head office: its CURVE key, what content keys are sealed to */
	uint32_t instance, transport;
	char endpoint[64];
	size_t branches; /* speak_code of 0 to branches - 1: all enrolled by fill_enrol */
	uint64_t events; /* of each log, beside its first one */
	int64_t from, step_ms;
};

/*
 * A new head office, not started, with so many branches enrolled and admitted, whose logs are to have so many
 * events each, eight a day until now. Returns its port.
 */
int speak_hq(struct bench_node *hq, size_t branches, uint64_t events, struct speak_conf *ret_conf);

void speak_code(size_t i, char ret_code[9]);

struct speak;
/* Returns when all logs are made; before that nobody connects. */
struct speak *speak_new(const struct speak_conf *conf);
void speak_go(struct speak *s);		  /* all connect */
void speak_wait_served(struct speak *s);  /* each link has its answer to Hello */
void speak_wait_receipt(struct speak *s); /* each log is receipted to its end */
void speak_end(struct speak *take_speak); /* the links end with their processes */

#endif
