#include "common/base/clock.h"

#include <time.h>

#include "common/base/check.h"

static struct timespec now(clockid_t clock)
{
	struct timespec ts;

	as_assert(clock_gettime(clock, &ts) == 0);
	return ts;
}

uint64_t clock_mono_ns(void)
{
	struct timespec ts = now(CLOCK_MONOTONIC);

	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000u;
}

int64_t clock_utc_ms(void)
{
	struct timespec ts = now(CLOCK_REALTIME);

	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
