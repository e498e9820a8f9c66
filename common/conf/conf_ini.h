/*
 * INI files, key by key: what is under configurations (conf.h) and under the maps of an import. Strict, with
 * `file:line: what`: a line longer than 198 bytes, an indented line (some programs read it as a continuation),
 * a control character, what is not UTF-8, something that is neither section nor key, a key before any section.
 * Comments from ; or # at the start of a line or from " ;" behind a value. What keys there are, and that none
 * is given twice, is the caller's. No allocation; no state: any thread.
 */
#ifndef AFTERSYNC_CONF_CONF_INI_H
#define AFTERSYNC_CONF_CONF_INI_H

#include "common/base/bytes.h"
#include "common/base/err.h"

#define CONF_INI_NAME_MAX 48 /* bytes of a section's name: inih cuts longer ones */

struct conf_ini_key {
	unsigned line;
	const char *section, *name, *value; /* 0-terminated, of the call; value may be empty */
};

/* Both answer AS_OK, or an error with its message in em, without file and line; that ends the reading. */
typedef as_err (*conf_ini_section_fn)(void *arg, unsigned line, const char *section, struct as_errmsg *em);
typedef as_err (*conf_ini_key_fn)(void *arg, const struct conf_ini_key *key, struct as_errmsg *em);

/*
 * Every section, also one without keys, and every key in the order of the text; name is what messages call it. A
 * byte order mark is passed over. AS_EPROTO, or what a callback said; em begins with `name:line: `.
 */
as_err conf_ini_each(const char *name, struct bytes text, conf_ini_section_fn section, conf_ini_key_fn key,
		     void *arg, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * A file of at most CONF_FILE_MAX (conf.h) and cap bytes that is ours or root's and writable by nobody else.
 * AS_ENOTFOUND, AS_EREFUSED (owner, mode, a link), AS_EIO, AS_ETOOBIG.
 */
as_err conf_read_file(const char *path, uint8_t *buf, size_t cap, size_t *ret_n,
		      struct as_errmsg *em) AS_MUST_CHECK;

#endif
