/*
 * Errors of the libraries: one enum, one table of texts.
 *
 * A function that can fail returns as_err; detail that only the failing layer knows goes into an
 * optional struct as_errmsg, which callers may prefix. Libraries never print; programs do.
 */
#ifndef AFTERSYNC_BASE_ERR_H
#define AFTERSYNC_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define AS_ERR_LIST(X)                                                                                       \
	X(AS_ENOMEM, "out of memory")                                                                        \
	X(AS_EIO, "input/output error")                                                                      \
	X(AS_EFULL, "no space left in the store")                                                            \
	X(AS_ENOTFOUND, "not found")                                                                         \
	X(AS_EEXIST, "exists already")                                                                       \
	X(AS_ECONFLICT, "the head has moved")                                                                \
	X(AS_ECORRUPT, "stored data is damaged")                                                             \
	X(AS_EFORGED, "a signature or key does not verify")                                                  \
	X(AS_EPROTO, "breaks the format")                                                                    \
	X(AS_ETOOBIG, "exceeds a fixed limit")                                                               \
	X(AS_EREFUSED, "refused by a rule")                                                                  \
	X(AS_EINVAL, "invalid argument")                                                                     \
	X(AS_EUNSUPPORTED, "made by a newer version")

#define AS_ERR_ENUM(name, text) name,
typedef enum as_err { AS_OK = 0, AS_ERR_LIST(AS_ERR_ENUM) AS_ERR_COUNT } as_err;

#define AS_MUST_CHECK __attribute__((warn_unused_result))

/* One line of detail; always terminated, cut with "..." when too long. */
struct as_errmsg {
	char text[256];
};

/* The fixed English text of an error; never NULL. */
const char *as_err_text(as_err err);

/* Sets or prefixes ("prefix: old text") the detail; em may be NULL. */
void as_errmsg_set(struct as_errmsg *em, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void as_errmsg_prefix(struct as_errmsg *em, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
