/* Fuzz: a file of the time zone database, and a footer alone ('F' first). What is taken has an offset at any
 * instant. */
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/writer.h"
#include "common/node/timezone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct tz *tz, int64_t utc_ms)
{
	int32_t min = tz_offset_min(tz, utc_ms);

	as_assert(min >= -26 * 60 && min <= 26 * 60);
}

static void try_file(struct bytes file)
{
	static struct tz tz;
	struct as_errmsg em = {0};

	if (tz_parse(file, &tz, &em)) {
		as_assert(em.text[0] != 0);
		return;
	}
	as_assert(tz.n <= TZ_TRANSITIONS_MAX);
	for (int64_t t = 1; t < INT64_MAX / 3; t *= 3) {
		ask(&tz, t);
		ask(&tz, -t);
	}
	for (int64_t day = 0; day < 800; day++)
		ask(&tz, 1795478400000 + day * 43200000);
	ask(&tz, INT64_MAX);
	ask(&tz, INT64_MIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t head[] =
	    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	uint8_t file[512];
	struct writer w = writer_of(file, sizeof file);

	_Static_assert(sizeof head == 44, "a head");
	if (size == 0 || data[0] != 'F') {
		try_file(bytes_of(data, size));
		return 0;
	}
	writer_add(&w, head, sizeof head);
	writer_add(&w, head, sizeof head);
	file[44 + 39] = 1; /* typecnt */
	writer_add(&w, "\0\0\0\0\0\0", 6);
	writer_lit(&w, "\n");
	writer_add(&w, data + 1, size - 1);
	writer_lit(&w, "\n");
	if (!w.full)
		try_file(writer_done(&w));
	return 0;
}
