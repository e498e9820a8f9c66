/*
 * Fuzz: a CSV file through a map, one that is built in or the input's own. The first byte says which; a map of the input's
 * own ends at the first NUL byte. What is taken is what the branch takes, what is refused says why, no personal text in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/import/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_made(const struct rows_made *made)
{
	static struct intake in;
	const struct intake_ctx ctx = {.imported = true};
	struct intake_error e;

	if (made->wrong) {
		as_assert(made->wrong[0] && text_utf8_valid(bytes_of_str(made->wrong)));
		return;
	}
	as_assert(made->selected == (made->n > 0));
	for (size_t i = 0; i < made->n; i++) {
		char *line = json_dumps(made->event[i], JSON_COMPACT);
		as_assert(line != NULL);
		as_err err = intake_parse(bytes_of_str(line), &ctx, &in, &e);
		as_assert(err == AS_OK && in.has_event_id && in.ev.imported);
		free(line);
	}
}

static void import(const struct map *map, struct bytes csv)
{
	static struct tz tz; /* UTC */
	struct rows_where where = {.column = "borough", .value = bytes_of_str("BRONX"), .is_not = true};
	struct rows_conf conf = {.map = map, .branch = "BJ01", .branch_zone = &tz, .where = &where};
	struct rows_made made;
	struct csv_record r;
	struct csv_file *f;
	struct rows *rows;
	as_err err = csv_file_memory(&f, csv, map->delimiter);
	unsigned long line = 0;

	conf.where_n = strcmp(map->name, "nyc311") == 0;
	as_assert(err == AS_OK);
	err = rows_new(&rows, &conf, NULL);
	as_assert(err == AS_OK);
	bool ok = map->header ? csv_file_next(f, &r) == AS_OK && rows_header(rows, &r, &made) : rows_header(rows, NULL, &made);
	while (ok && csv_file_next(f, &r) == AS_OK) {
		as_assert(r.line > line);
		line = r.line;
		err = rows_make(rows, &r, "f", true, &made);
		as_assert(err == AS_OK);
		check_made(&made);
		rows_clear(&made);
	}
	as_assert(!ok || csv_file_at(f) == csv_file_size(f));
	rows_free(rows);
	csv_file_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct map builtin[8], own; /* read once: maps are large */
	struct as_errmsg em = {0};
	struct map *map = &own;

	if (size == 0)
		return 0;
	struct bytes s = bytes_of(data + 1, size - 1);
	if (data[0] % 8 < map_builtins_n) {
		const struct map_builtin *b = &map_builtins[data[0] % 8];
		map = &builtin[data[0] % 8];
		as_err err = map->name[0] ? AS_OK : map_parse(b->name, bytes_of(b->text, b->n), map, &em);
		as_assert(err == AS_OK);
	} else {
		const uint8_t *end = memchr(s.p, 0, s.n);
		size_t n = end ? (size_t)(end - s.p) : s.n;
		if (map_parse("m", bytes_of(s.p, n), map, &em)) {
			as_assert(em.text[0] != 0);
			return 0;
		}
		s = end ? bytes_of(end + 1, s.n - n - 1) : (struct bytes){0};
	}
	import(map, s);
	return 0;
}
