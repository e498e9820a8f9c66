/*
 * Rows become events: a record of a CSV file through a map into submissions (docs/recording.md), one a step, each as
 * a JSON object with its event id. The same row of the same map at the same branch always makes the same ids, so that
 * an import that was broken off can be done again.
 *
 * What is wrong with a row is one sentence and the column; a personal text never stands in it. One thread.
 */
#ifndef AFTERSYNC_IMPORT_ROWS_H
#define AFTERSYNC_IMPORT_ROWS_H

#include "common/import/csv_file.h"
#include "common/import/map.h"
#include "common/import/seen.h"
#include "common/intake/intake.h"

/* --where and --where-not: a column and its value. */
#define ROWS_WHERE_MAX 64
struct rows_where {
	const char *column;
	struct bytes value;
	bool is_not;
	uint16_t at; /* in the file, set by rows_header */
};

struct rows_conf {
	const struct map *map;
	uint8_t org[16];
	char branch[BRANCH_CODE_MAX + 1];
	const struct tz *branch_zone;
	struct rows_where *where; /* at most ROWS_WHERE_MAX; same column: one of the values, other columns: all */
	size_t where_n;
};

struct rows;

/* One row through the map. */
struct rows_made {
	bool selected; /* --where */
	size_t n;
	json_t *event[MAP_STEPS_MAX]; /* rows_clear gives them back */
	unsigned cut[MAP_COLUMNS_MAX]; /* by column: texts that were cut */
	/* not NULL when refused: why */
	const char *wrong;
	char column[64]; /* or empty */
	char text[512];
};

as_err rows_new(struct rows **ret_r, const struct rows_conf *conf, struct as_errmsg *em) AS_MUST_CHECK;
void rows_free(struct rows *r);

/*
 * The columns of the next file, from its first record, or from the map when its files have none (record NULL). False:
 * `made` says what is missing.
 */
bool rows_header(struct rows *r, const struct csv_record *record, struct rows_made *made);

/* What the file calls its n-th column; "" for none. Valid until the next header. */
const char *rows_column(const struct rows *r, size_t i);
size_t rows_columns(const struct rows *r);

/*
 * Makes the events of a record. check: also whether the branch would take them, as far as the row alone can tell; and no
 * row may have the key or label of an earlier one.
 *
 * returns  AS_OK, also for a row that is refused; AS_ENOMEM.
 */
as_err rows_make(struct rows *r, const struct csv_record *record, const char *file, bool check,
		 struct rows_made *made) AS_MUST_CHECK;
void rows_clear(struct rows_made *made);

/* Id of a step's event: UUIDv8 from BLAKE2b-128 keyed with the organisation's id over the parts, each with its length. */
void rows_event_id(const uint8_t org[16], const char *branch, const char *map, struct bytes key, const char *step,
		   uint8_t ret_id[16]);

#endif
