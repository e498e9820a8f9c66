/*
 * The command line: one table of subcommands and their options drives reading, --help, suggestions,
 * completion and the test of the man page. A command gets its values already checked.
 *
 * Errors are one line on standard error: `aftersync: what: where and why; what to do`. Exit codes:
 * aftersync(1).
 */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_CLI_H
#define AFTERSYNC_TOOLS_AFTERSYNC_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum {
	EXIT_DONE = 0,
	EXIT_WRONG = 1, /* something was refused or is wrong, and said */
	EXIT_USAGE = 64,
	EXIT_NO_DAEMON = 69,
	EXIT_IO = 74,
	EXIT_CONFIG = 78,
};

enum opt_kind {
	OPT_FLAG = 1,
	OPT_TEXT,
	OPT_FILE,     /* a path; "" is refused */
	OPT_BRANCH,   /* [A-Z0-9]{2,8} */
	OPT_DATE,     /* YYYY-MM-DD; number = YYYYMMDD */
	OPT_TIME,     /* RFC 3339; number = UTC ms */
	OPT_COUNT,    /* 1 … 2^31-1 */
	OPT_INDEX,    /* 0 … 2^63-1 */
	OPT_DURATION, /* 90s 30m 24h 7d; number = seconds */
	OPT_CHOICE,   /* one of `choices` */
	OPT_MANY,     /* a text; may be given again and again: cli_values */
};

struct opt {
	const char *name; /* --name */
	char letter;	  /* -x, or 0 */
	uint8_t kind;	  /* enum opt_kind */
	bool required;
	const char *arg;      /* how --help names its value */
	const char
	    *choices; /* OPT_CHOICE: words parted by |; OPT_FILE: names that may stand for a file, or NULL */
	const char *fallback; /* value when not given, or NULL */
	const char *help;
};

#define CLI_OPTS_MAX 16
#define CLI_ARGS_MAX 256 /* of a command that takes many */
#define CLI_MANY_MAX 64	 /* values of all OPT_MANY of a command */

struct args;

struct command {
	const char *words; /* "hq init" */
	const char *arg;   /* its argument, NULL: none; in brackets: may be left out; ends in "...": many */
	const char *help;
	const struct opt *opts;
	size_t opts_n;
	int (*run)(const struct args *args); /* the exit code */
};

/* What was typed, checked. Borrows argv and the tables. */
struct args {
	const struct command *cmd;
	const char *arg;		 /* the first, or NULL */
	const char *all[CLI_ARGS_MAX];	 /* arguments, of a command that takes many */
	size_t all_n;
	const char *value[CLI_OPTS_MAX]; /* by place in cmd->opts; NULL: not given */
	int64_t number[CLI_OPTS_MAX];
	struct {
		size_t opt;
		const char *value;
	} many[CLI_MANY_MAX]; /* all of OPT_MANY, in their order; value has the first */
	size_t many_n;
};

extern const struct command cli_commands[];
extern const size_t cli_commands_n;

/*
 * Reads argv[1 …]. EXIT_DONE with *ret filled; anything else: it was said (or help, completion, version
 * printed: then *ret_exit is set and cmd is NULL).
 */
int cli_parse(int argc, char **argv, struct args *ret, int *ret_exit);

/* The option's value as text, NULL when not given. The name must be in the command's table. */
const char *cli_value(const struct args *a, const char *name);
bool cli_flag(const struct args *a, const char *name);
int64_t cli_number(const struct args *a, const char *name); /* 0 when not given */

/* The values of an OPT_MANY in their order, at most cap of them. */
size_t cli_values(const struct args *a, const char *name, const char **ret, size_t cap);

/* One line on standard error, `aftersync: COMMAND: …`; returns `code`. a may be NULL. */
int cli_fail(int code, const struct args *a, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The exit code that an error of the libraries stands for. */
int cli_exit_of(as_err err);

/* The word of a list (parted by |, or a table's) that was probably meant, or NULL. */
const char *cli_nearest(const char *word, const char *const *list, size_t n);

/* cli_help.c */
void cli_help(void);
void cli_help_of(const struct command *cmd);
void cli_completion(void); /* for bash */
void cli_list(void);	   /* every command and option, one a line, for tests */

#endif
