/*
 * Configuration by table. One table a program says everything there is to know about each key; it drives
 * reading, checking, defaults, printing, reloading, and a test compares it with the man page.
 *
 * Files are INI: [section], `key = value`, comments from ; or # at the start of a line or from " ;" behind a
 * value. Refused, with `file:line: section.key: what`: an unknown section or key, a key given twice, a value
 * out of range or of the wrong form, a line longer than 198 bytes, an indented line (some programs read it as
 * a continuation), what is not UTF-8. Nothing is written on failure. Values stand in the caller's struct,
 * texts in fixed arrays. No allocation; no state: any thread.
 */
#ifndef AFTERSYNC_CONF_CONF_H
#define AFTERSYNC_CONF_CONF_H

#include "common/base/err.h"
#include "common/base/writer.h"

#define CONF_KEYS_MAX 64	  /* of a table */
#define CONF_STRUCT_MAX 4096	  /* bytes of the caller's struct */
#define CONF_FILE_MAX (64 * 1024) /* bytes of a file */
#define CONF_DUMP_MAX (16 * 1024) /* bytes that a dump takes, at most */

/* How a value is written, and what holds it in the caller's struct. */
enum conf_type {
	CONF_TEXT,     /* char[]: min to max bytes, no control characters, no ';' */
	CONF_U64,      /* uint64_t: digits */
	CONF_BYTES,    /* uint64_t: 0, or a number with B, KiB, MiB, GiB or TiB */
	CONF_MS,       /* uint64_t, milliseconds: 0, or a number with ms, s, min, h or d */
	CONF_BOOL,     /* bool: yes or no */
	CONF_ENDPOINT, /* char[]: tcp://HOST:PORT; empty when not required */
	CONF_PATH,     /* char[]: absolute; empty when not required */
	CONF_ENUM      /* unsigned: min + the place of the value among names */
};

enum conf_flag {
	CONF_RELOAD = 1,  /* takes effect on SIGHUP; the others at a restart */
	CONF_REQUIRED = 2 /* has no default: must be in the file, not empty */
};

struct conf_key {
	const char *section, *name;
	enum conf_type type;
	size_t offset, size;	  /* CONF_AT */
	const char *def;	  /* as it would stand in a file; NULL when required */
	uint64_t min, max;	  /* of a number; of a text, its bytes: max 0 means what the array holds */
	const char *const *names; /* CONF_ENUM, NULL at the end */
	unsigned flags;
	const char *help; /* one sentence or more, for people */
};

#define CONF_AT(type, member) offsetof(type, member), sizeof(((type *)0)->member)

/* Keys of one section stand together. */
struct conf_table {
	const struct conf_key *keys;
	size_t n;
	size_t bytes; /* of the struct */
	/* What holds between keys, or NULL: AS_EPROTO, em begins with `section.key: `. */
	as_err (*check)(const void *values, struct as_errmsg *em);
	bool others; /* keys and sections that are not in the table are passed over: a look at some of a file */
};

/* Keys whose value is another in the file than in the running program; pointers into the table. */
struct conf_changes {
	const struct conf_key *taken[CONF_KEYS_MAX];   /* took effect */
	const struct conf_key *waiting[CONF_KEYS_MAX]; /* need a restart: the running value stays */
	size_t taken_n, waiting_n;
};

/* All defaults; required keys are empty. Clears the rest of the struct. */
void conf_defaults(const struct conf_table *table, void *ret);

/*
 * Defaults, then the file over them. The file must be ours or root's and writable by nobody else.
 *
 * ret      written on AS_OK only.
 * returns  AS_ENOTFOUND, AS_EREFUSED (owner, mode, a link), AS_EIO, AS_ETOOBIG (the file);
 *          AS_EPROTO: what stands in it, em is `file:line: section.key: what`.
 */
as_err conf_load(const struct conf_table *table, const char *path, void *ret,
		 struct as_errmsg *em) AS_MUST_CHECK;

/* The same from memory; name is what messages call it. */
as_err conf_parse(const struct conf_table *table, const char *name, struct bytes text, void *ret,
		  struct as_errmsg *em) AS_MUST_CHECK;

/*
 * What SIGHUP does, after the file was loaded whole into next (when anything in it is wrong, nothing
 * changes): the keys that may change do in running, those that need a restart keep the value they have and
 * are named.
 */
void conf_reload(const struct conf_table *table, void *running, const void *next,
		 struct conf_changes *ret_changes);

/* "link.listen store.map": names of keys, cut with "..." when they do not fit. */
void conf_names(const struct conf_key *const *keys, size_t n, char *ret, size_t cap);

/*
 * The values as a file that reads back to the same values, with the help of each key as a comment. w->full:
 * it did not fit (CONF_DUMP_MAX always does).
 */
void conf_dump(const struct conf_table *table, const void *values, struct writer *w);

/* One value as it stands in a file. */
void conf_put_value(const struct conf_key *key, const void *values, struct writer *w);

/* One value from its text, as a file would give it. AS_EPROTO: em says why, without file and key. */
as_err conf_set_value(const struct conf_key *key, struct bytes text, void *values,
		      struct as_errmsg *em) AS_MUST_CHECK;

#endif
