#include "common/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/text.h"

#define WHAT_MAX 32
#define SLOTS 64

struct slot {
	char what[WHAT_MAX]; /* "" = free */
	uint64_t from_ms;    /* its window began */
	uint32_t lines;	     /* written in it */
	uint64_t suppressed;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SLOTS]; /* under the mutex */
static atomic_int level_max = LOG_LEVEL_INFO;

void logline_level(enum log_level max)
{
	atomic_store(&level_max, (int)max);
}

/* Length of the printable UTF-8 character at p, 0 when there is none. */
static size_t printable(struct bytes s)
{
	if (s.p[0] < 0x80)
		return s.p[0] >= 0x20 && s.p[0] != 0x7f;
	for (size_t n = 2; n <= 4 && n <= s.n; n++) {
		if (text_utf8_valid(bytes_of(s.p, n)))
			/* C1 controls (U+0080 to U+009F), line and paragraph separator */
			return (s.p[0] == 0xc2 && s.p[1] < 0xa0) ||
				       (n == 3 && s.p[0] == 0xe2 && s.p[1] == 0x80 && (s.p[2] & 0xfe) == 0xa8)
				   ? 0
				   : n;
	}
	return 0;
}

/* Appends s, escaped, while out stays under cap; false when it was cut. Characters of `escape` get a \. */
static bool put_clean(char *out, size_t cap, size_t *at, struct bytes s, const char *escape)
{
	while (s.n) {
		size_t n = printable(s);
		char piece[8];

		if (n == 0)
			n = (size_t)snprintf(piece, sizeof piece, "\\x%02x", s.p[0]);
		else if (n == 1 && strchr(escape, s.p[0]))
			n = (size_t)snprintf(piece, sizeof piece, "\\%c", s.p[0]);
		else
			memcpy(piece, s.p, n);
		if (*at + n > cap)
			return false;
		memcpy(out + *at, piece, n);
		*at += n;
		n = printable(s);
		s.p += n ? n : 1;
		s.n -= n ? n : 1;
	}
	return true;
}

const char *log_text(struct log_text *t, struct bytes from)
{
	size_t at = 1;
	const size_t end = sizeof t->s - 5; /* room for ..." and the 0 */

	t->s[0] = '"';
	if (!put_clean(t->s, end, &at, from, "\"\\")) {
		memcpy(t->s + at, "...", 3);
		at += 3;
	}
	t->s[at++] = '"';
	t->s[at] = 0;
	return t->s;
}

/* One write a line, so that lines of threads and of children do not mix. */
static void put_line(enum log_level level, const char *what, const char *fields, bool cut)
{
	char line[LOG_LINE_MAX];
	const size_t end = sizeof line - 4;
	size_t at = (size_t)snprintf(line, sizeof line, "<%d>what=", (int)level);

	cut |= !put_clean(line, end, &at, bytes_of_str(what), "");
	if (fields[0]) {
		line[at++] = ' ';
		cut |= !put_clean(line, end, &at, bytes_of_str(fields), "");
	}
	if (cut) {
		memcpy(line + at, "...", 3);
		at += 3;
	}
	line[at++] = '\n';
	while (write(STDERR_FILENO, line, at) < 0 && errno == EINTR)
		;
}

static void say_suppressed(struct slot *s)
{
	char fields[WHAT_MAX + 64];

	if (s->suppressed) {
		snprintf(fields, sizeof fields, "of=%.31s count=%llu", s->what,
			 (unsigned long long)s->suppressed);
		put_line(LOG_LEVEL_WARN, "suppressed", fields, false);
	}
	s->suppressed = 0;
}

static void end_windows(uint64_t now, bool all)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (slots[i].what[0] && (all || now - slots[i].from_ms >= LOG_WINDOW_MS)) {
			say_suppressed(&slots[i]);
			slots[i] = (struct slot){0};
		}
	}
}

/* The slot of this word; when all are taken, the one whose window began first. */
static struct slot *slot_of(const char *what, uint64_t now)
{
	struct slot *best = &slots[0];

	for (size_t i = 0; i < SLOTS; i++) {
		if (strncmp(slots[i].what, what, WHAT_MAX - 1) == 0)
			return &slots[i];
		if (best->what[0] && (!slots[i].what[0] || slots[i].from_ms < best->from_ms))
			best = &slots[i];
	}
	say_suppressed(best);
	*best = (struct slot){.from_ms = now};
	snprintf(best->what, sizeof best->what, "%s", what);
	return best;
}

void logline(enum log_level level, const char *what, const char *fmt, ...)
{
	char fields[LOG_LINE_MAX];
	va_list ap;

	if ((int)level > atomic_load(&level_max))
		return;
	va_start(ap, fmt);
	int n = vsnprintf(fields, sizeof fields, fmt, ap);
	va_end(ap);
	uint64_t now = clock_mono_ms();
	pthread_mutex_lock(&mutex);
	end_windows(now, false);
	struct slot *s = slot_of(what, now);
	if (s->lines < LOG_BURST) {
		s->lines++;
		put_line(level, what, fields, n >= (int)sizeof fields);
	} else {
		s->suppressed++;
	}
	pthread_mutex_unlock(&mutex);
}

void logline_flush(void)
{
	pthread_mutex_lock(&mutex);
	end_windows(clock_mono_ms(), false);
	pthread_mutex_unlock(&mutex);
}

void logline_end(void)
{
	pthread_mutex_lock(&mutex);
	end_windows(0, true);
	pthread_mutex_unlock(&mutex);
}
