#include "tests/lib/golden.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/intake/width.h"

void golden_same(const char *name, struct bytes have)
{
	static char want[65536];
	char path[256];

	snprintf(path, sizeof path, "tests/golden/out/%s.txt", name);
	if (getenv("GOLDEN_UPDATE")) {
		FILE *f = fopen(path, "w");
		as_assert(f && fwrite(have.p, 1, have.n, f) == have.n && fclose(f) == 0);
		return;
	}
	FILE *f = fopen(path, "r");
	if (f == NULL) {
		fprintf(stderr, "# %s is missing\n", path);
		as_assert(f != NULL);
	}
	size_t n = fread(want, 1, sizeof want, f);
	fclose(f);
	if (n == have.n && memcmp(want, have.p, n) == 0)
		return;
	fprintf(stderr, "# %s:\n%.*s# but now:\n%.*s", path, (int)n, want, (int)have.n, (const char *)have.p);
	as_abort(__FILE__, __LINE__, "the same as the golden file");
}

void golden_width(const char *name, struct bytes text, size_t width)
{
	struct bytes line;

	while (text_take_line(&text, &line)) {
		bool bad = text_width(line) > width || (line.n && line.p[line.n - 1] == ' ');
		if (bad)
			fprintf(stderr, "# %s: over %zu columns, or blank at the end: %.*s\n", name, width,
				(int)line.n, (const char *)line.p);
		as_assert(!bad);
	}
}
