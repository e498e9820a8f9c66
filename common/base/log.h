/*
 * Log lines of the daemons, on standard error, in the form that journald reads: a priority, what happened,
 * then fields.
 *
 *	<4>what=link-refused branch=BJ01 reason="signature does not verify"
 *
 * Always one line, one write, at most LOG_LINE_MAX bytes (a longer one is cut and ends in "..."); what is not
 * printable UTF-8 is written as \xNN. Text from outside goes through LOG_TEXT, so that it cannot make fields.
 *
 * At most LOG_BURST lines of one `what` in LOG_WINDOW_MS; what came beyond that is counted and said
 *afterwards in one line, `what=suppressed of=link-refused count=812`. Any thread; nothing is allocated.
 */
#ifndef AFTERSYNC_BASE_LOG_H
#define AFTERSYNC_BASE_LOG_H

#include "common/base/bytes.h"

#define LOG_LINE_MAX 1024
#define LOG_TEXT_MAX 256 /* bytes of one quoted text, with its quotes and its 0 */
#define LOG_BURST 5
#define LOG_WINDOW_MS 10000

/* Those of syslog. */
enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Lines of a larger level are not written. LOG_LEVEL_INFO until called. */
void logline_level(enum log_level max);

/*
 * what  a word of ours, at most 31 characters.
 * fmt   the fields; "" for none.
 */
void logline(enum log_level level, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Says what was suppressed in windows that have ended: the loop calls it now and then, since no other line
 * may come. logline_end says all of it; before the program ends.
 */
void logline_flush(void);
void logline_end(void);

struct log_text {
	char s[LOG_TEXT_MAX];
};

/* Text from outside as "…": quotes, backslashes and what is not printable escaped, cut. Returns t->s. */
const char *log_text(struct log_text *t, struct bytes from);

/* For the arguments of one logline: the memory lives until the end of the enclosing block. */
#define LOG_TEXT(from) log_text(&(struct log_text){{0}}, (from))
#define LOG_STR(s) LOG_TEXT(bytes_of_str(s))

#endif
