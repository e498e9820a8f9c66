/*
 * One request to a node and its answers shown: over the daemon's socket, or, for some, on the store when no
 * daemon runs. What goes wrong is said here, in one line; what comes back is the exit code.
 */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_ASK_H
#define AFTERSYNC_TOOLS_AFTERSYNC_ASK_H

#include <stdbool.h>

#include "common/node/query.h"
#include "common/out/rows.h"
#include "tools/aftersync/cli.h"

enum ask_how { ASK_DAEMON, ASK_OR_STORE };

/*
 * Takes the request. Every answer but the last goes to `emit`; false from it ends the command with EXIT_IO,
 * having been said by emit. Uses --dir.
 */
int ask(const struct args *a, enum ask_how how, json_t *take_request, query_emit emit, void *arg);

/* The same, answers collected in an array (new reference; empty when it fails). */
int ask_all(const struct args *a, enum ask_how how, json_t *take_request, json_t **ret_answers);

/* ---- output: --format, --lang, the terminal ---------------------------------------------- */

enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };

enum format show_format(const struct args *a);

/* --lang, or the locale's language; terminal width, 80 when it is none; the time now. */
struct rows_opts show_opts(const struct args *a);

/*
 * Rows by --format: JSON as one array. A table leaves columns out that no row has; CSV has all. `none`: what
 * a table without rows says. Returns the exit code.
 */
int show_rows(const struct args *a, struct out *o, const struct rows_col *cols, size_t n, const json_t *rows,
	      const char *none);

/* out_end, said and turned into an exit code; `code` when all went well. */
int show_end(const struct args *a, struct out *o, int code);

/* The options that every reading command has. */
#define OPT_ROW_DIR                                                                                          \
	{                                                                                                    \
		"dir", 0, OPT_FILE, true, "DIR", NULL, NULL, "directory of the node"                         \
	}
#define OPT_ROW_FORMAT                                                                                       \
	{                                                                                                    \
		"format", 0, OPT_CHOICE, false, "FORMAT", "table|csv|json", "table", "how to print it"       \
	}
#define OPT_ROW_LANG                                                                                         \
	{                                                                                                    \
		"lang", 0, OPT_CHOICE, false, "LANG", "en|zh", NULL, "language of tables"                    \
	}

#endif
