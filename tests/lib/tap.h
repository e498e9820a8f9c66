/* TAP of the test programs that are no cmocka programs: one line a result on standard output. One thread. */
#ifndef AFTERSYNC_TESTS_LIB_TAP_H
#define AFTERSYNC_TESTS_LIB_TAP_H

#include <stdbool.h>

void tap_result(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool tap_failed(void); /* was any result not ok? */
void tap_plan(void);   /* the last line: how many there were */

#endif
