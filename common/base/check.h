/*
 * Assertions for our own mistakes, never compiled out. Bad input from outside is an as_err instead.
 *
 * as_abort is the only way out of the pure cores; tests may replace the hook.
 */
#ifndef AFTERSYNC_BASE_CHECK_H
#define AFTERSYNC_BASE_CHECK_H

_Noreturn void as_abort(const char *file, int line, const char *what);

#define as_assert(cond) ((cond) ? (void)0 : as_abort(__FILE__, __LINE__, #cond))

#define AS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
