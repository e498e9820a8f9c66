#include "tests/lib/tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned results_n;
static bool failed;

void tap_result(bool ok, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", ok ? "" : "not ", ++results_n);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	failed |= !ok;
}

bool tap_failed(void)
{
	return failed;
}

void tap_plan(void)
{
	printf("1..%u\n", results_n);
}
