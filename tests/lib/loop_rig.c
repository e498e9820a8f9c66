#include "tests/lib/loop_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"

static struct loop *turning;
static bool (*wanted)(void);
static struct loop_timer look;
static uint64_t look_until, pause_end;

static void on_look(void *arg)
{
	(void)arg;
	if (wanted() || clock_mono_ms() > look_until)
		loop_stop(turning);
	else
		loop_timer_set(turning, &look, clock_mono_ms() + 1);
}

void loop_rig_until(struct loop *loop, bool (*condition)(void))
{
	turning = loop;
	wanted = condition;
	look = (struct loop_timer){.fn = on_look};
	look_until = clock_mono_ms() + 10000;
	loop_timer_set(loop, &look, 0);
	assert_int_equal(loop_run(loop), AS_OK);
	assert_true(condition());
}

static bool paused(void)
{
	return clock_mono_ms() >= pause_end;
}

void loop_rig_turns(struct loop *loop, uint64_t ms)
{
	pause_end = clock_mono_ms() + ms;
	loop_rig_until(loop, paused);
}
