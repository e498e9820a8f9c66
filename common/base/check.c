#include "common/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void as_abort(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}
