/*
 * Maps: what the columns of a CSV file mean. A map is an INI file (docs/import.md shows how to write one); some are
 * built in, from maps/. Reading one checks everything that can be known without data: columns have a date form where a
 * time is wanted, fields belong to their kind, constants and results of value tables are codes, the first step opens
 * a case.
 *
 * A map borrows nothing but the tables of the ledger. No state: any thread.
 */
#ifndef AFTERSYNC_IMPORT_MAP_H
#define AFTERSYNC_IMPORT_MAP_H

#include "common/base/err.h"
#include "common/ledger/kinds.h"
#include "common/node/timezone.h"

#define MAP_NAME_MAX 24	   /* bytes of the name of a map or a step */
#define MAP_COLUMNS_MAX 64 /* columns that a map names */
#define MAP_TABLES_MAX 16
#define MAP_VALUES_MAX 512 /* rows of all value tables */
#define MAP_STEPS_MAX 8
#define MAP_FIELDS_MAX 24 /* of a step */
#define MAP_TERMS_MAX 4
#define MAP_OPS_MAX 4
#define MAP_FORMS_MAX 4 /* date forms of a column */
#define MAP_TEXT_BYTES (64 * 1024)

#define MAP_NONE UINT16_MAX

/* A value: terms joined by a blank where both are not empty, then what stands behind each | in order. */
struct map_op {
	enum { MAP_OR = 1, MAP_CUT, MAP_VALUES } op;
	const char *text; /* OR */
	uint16_t n;	  /* CUT: bytes; VALUES: table */
};

struct map_expr {
	struct {
		const char *constant; /* NULL: a column */
		uint16_t column;
	} terms[MAP_TERMS_MAX];
	struct map_op ops[MAP_OPS_MAX];
	uint8_t terms_n, ops_n;
};

/* A row of a value table: what stands in the column → a text, or another value. */
struct map_value {
	const char *from; /* "*": everything else, also nothing */
	const char *to;	  /* NULL: expr */
	struct map_expr expr;
	uint16_t table;
	unsigned line;
};

struct map_table {
	char name[MAP_NAME_MAX + 1];
	unsigned line; /* where a value first asks for it */
	bool there;
};

struct map_field {
	uint8_t index; /* in kind->fields */
	bool personal;
	struct map_expr expr;
	unsigned line;
};

struct map_step {
	char name[MAP_NAME_MAX + 1];
	const struct kind_def *kind;
	uint16_t column; /* of the time */
	int32_t clock_s; /* seconds after midnight; -1: the column says */
	struct map_field fields[MAP_FIELDS_MAX];
	size_t fields_n;
	unsigned line;
};

struct map_column {
	const char *name;
	const char *forms[MAP_FORMS_MAX];
	uint8_t forms_n;
	bool required; /* in every row */
	bool used;     /* must be in the file */
	unsigned line; /* of its date forms, or where it was first named */
};

enum map_encoding { MAP_UTF8, MAP_LATIN1 };

struct map {
	char name[MAP_NAME_MAX + 1];
	char zone[TZ_NAME_MAX + 1]; /* "": the branch's */
	enum map_encoding encoding;
	char delimiter;
	bool header;
	uint16_t key; /* column of the row key */
	struct map_expr label;
	struct map_column columns[MAP_COLUMNS_MAX];
	uint16_t columns_n;
	uint16_t given[MAP_COLUMNS_MAX]; /* header = no: the columns in their order */
	size_t given_n;
	struct map_table tables[MAP_TABLES_MAX];
	uint16_t tables_n;
	struct map_value values[MAP_VALUES_MAX];
	size_t values_n;
	struct map_step steps[MAP_STEPS_MAX];
	size_t steps_n;
	size_t text_n;
	char text[MAP_TEXT_BYTES];
};

/* file: what messages call it. AS_EPROTO with `file:line: what`. ret is large; undefined on failure. */
as_err map_parse(const char *file, struct bytes text, struct map *ret, struct as_errmsg *em) AS_MUST_CHECK;

/* One that is built in, or, when the name has a '/' or ends in ".ini", a file. AS_ENOTFOUND: em lists what there is. */
as_err map_load(const char *name, struct map *ret, struct as_errmsg *em) AS_MUST_CHECK;

/* Built in (made from maps/ when the program is built). */
struct map_builtin {
	const char *name;
	const unsigned char *text;
	size_t n;
};
extern const struct map_builtin map_builtins[];
extern const size_t map_builtins_n;

/* The row of a table for a text, or its "*", or NULL. */
const struct map_value *map_lookup(const struct map *map, uint16_t table, struct bytes from);

/* The first column that a value is made of; NULL: none. */
const struct map_column *map_column_of(const struct map *map, const struct map_expr *e);

#endif
