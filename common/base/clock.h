/*
 * The only callers of the kernel's clocks outside of daemon/rt and tests: everything else is handed its time.
 * Any thread.
 */
#ifndef AFTERSYNC_BASE_CLOCK_H
#define AFTERSYNC_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, for timeouts: never goes back, says nothing about the date. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);

/* Milliseconds since 1970, as the machine believes: may jump in both directions. */
int64_t clock_utc_ms(void);

#endif
