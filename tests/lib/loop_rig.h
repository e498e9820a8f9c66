/*
 * Turns of a loop (daemon/rt/loop.h) in a test. A test that waits for ten seconds has failed. Not for several threads.
 */
#ifndef AFTERSYNC_TESTS_LIB_LOOP_RIG_H
#define AFTERSYNC_TESTS_LIB_LOOP_RIG_H

#include "daemon/rt/loop.h"

/* Turns until the condition holds. */
void loop_rig_until(struct loop *loop, bool (*condition)(void));

/* Turns for so many milliseconds: for what must not happen. */
void loop_rig_turns(struct loop *loop, uint64_t ms);

#endif
