/* common/base/log: one line always, fields that cannot be forged, a bound on repetition. The clock is ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

static uint64_t now_ms = 1000000; /* written before threads start */

/* Instead of common/base/clock.c. */
uint64_t clock_mono_ms(void)
{
	return now_ms;
}

/* What logline writes goes to a file until heard() reads and empties it. */
static FILE *file;
static int old_stderr;
static char text[1 << 16];

static int listen_in(void **state)
{
	(void)state;
	logline_end();
	file = tmpfile();
	old_stderr = dup(STDERR_FILENO);
	return file == NULL || dup2(fileno(file), STDERR_FILENO) < 0;
}

static int listen_out(void **state)
{
	(void)state;
	logline_end();
	logline_level(LOG_LEVEL_INFO);
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	fclose(file);
	return 0;
}

static const char *heard(void)
{
	ssize_t n = pread(fileno(file), text, sizeof text - 1, 0);

	assert_true(n >= 0);
	text[n] = 0;
	assert_int_equal(ftruncate(fileno(file), 0), 0);
	lseek(STDERR_FILENO, 0, SEEK_SET);
	return text;
}

static void a_line_has_priority_what_and_fields(void **state)
{
	(void)state;
	logline(LOG_LEVEL_WARN, "link-refused", "branch=%s code=%d", "BJ01", 7);
	assert_string_equal(heard(), "<4>what=link-refused branch=BJ01 code=7\n");
	logline(LOG_LEVEL_INFO, "ready", "%s", "");
	assert_string_equal(heard(), "<6>what=ready\n");
	logline(LOG_LEVEL_DEBUG, "detail", "a=%d", 1);
	assert_string_equal(heard(), "");
	logline_level(LOG_LEVEL_DEBUG);
	logline(LOG_LEVEL_DEBUG, "detail", "a=%d", 1);
	assert_string_equal(heard(), "<7>what=detail a=1\n");
	logline_level(LOG_LEVEL_ERR);
	logline(LOG_LEVEL_WARN, "other", "a=%d", 1);
	assert_string_equal(heard(), "");
}

static void text_from_outside_makes_no_fields_and_no_lines(void **state)
{
	(void)state;
	static const char evil[] = "a\" b=1\n<0>what=\\x\x01\x7f\xff\xc2\x85\xe2\x80\xa8\xe4\xb8\xad";

	logline(LOG_LEVEL_ERR, "t", "r=%s", LOG_STR(evil));
	assert_string_equal(heard(),
			    "<3>what=t r=\"a\\\" "
			    "b=1\\x0a<0>what=\\\\x\\x01\\x7f\\xff\\xc2\\x85\\xe2\\x80\\xa8\xe4\xb8\xad\"\n");
	logline(LOG_LEVEL_ERR, "t", "a=%s b=%s", LOG_TEXT(bytes_of("x\0y", 3)), LOG_STR("z"));
	assert_string_equal(heard(), "<3>what=t a=\"x\\x00y\" b=\"z\"\n");
	/* not quoted by mistake: still one line */
	logline(LOG_LEVEL_ERR, "t", "a=%s", "1\n2");
	assert_string_equal(heard(), "<3>what=t a=1\\x0a2\n");
}

static void long_text_is_cut(void **state)
{
	(void)state;
	char big[4000];
	struct log_text t;

	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = 0;
	assert_int_equal(strlen(log_text(&t, bytes_of(big, sizeof big))), LOG_TEXT_MAX - 1);
	assert_string_equal(t.s + LOG_TEXT_MAX - 6, "x...\"");
	/* no half characters, no half escapes */
	memset(big, '\n', sizeof big - 1);
	log_text(&t, bytes_of_str(big));
	assert_string_equal(strstr(t.s, "...") - 4, "\\x0a...\"");
	for (size_t i = 0; i + 3 < sizeof big; i += 3)
		memcpy(big + i, "\xe4\xb8\xad", 3);
	log_text(&t, bytes_of(big, 3999));
	assert_int_equal((strlen(t.s) - 5) % 3, 0);
	for (int i = 0; i < 3; i++) {
		memset(big, i == 0 ? 'y' : '\n', sizeof big - 1);
		logline(LOG_LEVEL_ERR, "long", "a=%s", big);
		const char *line = heard();
		assert_true(strlen(line) <= LOG_LINE_MAX);
		assert_string_equal(line + strlen(line) - 4, "...\n");
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	}
}

static int lines_in(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void repetition_is_bounded_by_what(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		logline(LOG_LEVEL_WARN, "flood", "i=%d", i);
	assert_int_equal(lines_in(heard()), LOG_BURST);
	logline(LOG_LEVEL_WARN, "calm", "i=%d", 0);
	assert_string_equal(heard(), "<4>what=calm i=0\n");
	now_ms += LOG_WINDOW_MS - 1;
	logline_flush();
	assert_string_equal(heard(), "");
	now_ms += 1;
	logline_flush();
	assert_string_equal(heard(), "<4>what=suppressed of=flood count=95\n");
	logline_flush();
	assert_string_equal(heard(), "");
	/* the next line of any kind says it too, before itself */
	for (int i = 0; i < LOG_BURST + 1; i++)
		logline(LOG_LEVEL_WARN, "flood", "i=%d", i);
	now_ms += LOG_WINDOW_MS;
	assert_int_equal(lines_in(heard()), LOG_BURST);
	logline(LOG_LEVEL_WARN, "flood", "again=%d", 1);
	assert_string_equal(heard(), "<4>what=suppressed of=flood count=1\n<4>what=flood again=1\n");
	for (int i = 0; i < LOG_BURST + 1; i++)
		logline(LOG_LEVEL_WARN, "flood", "i=%d", i);
	heard();
	logline_end();
	assert_string_equal(heard(), "<4>what=suppressed of=flood count=2\n");
}

static void more_words_than_slots_lose_no_count(void **state)
{
	(void)state;
	char word[32];

	for (int i = 0; i < LOG_BURST + 3; i++)
		logline(LOG_LEVEL_WARN, "first", "i=%d", i);
	heard();
	for (int i = 0; i < 200; i++) {
		snprintf(word, sizeof word, "word-%d", i);
		now_ms++;
		logline(LOG_LEVEL_WARN, word, "%s", "");
	}
	assert_non_null(strstr(heard(), "what=suppressed of=first count=3\n"));
}

static void *many(void *arg)
{
	for (int i = 0; i < 2000; i++)
		logline(LOG_LEVEL_WARN, arg, "i=%d", i);
	return NULL;
}

static void threads_share_it(void **state)
{
	(void)state;
	static char words[4][8] = {"one", "two", "one", "two"};
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, many, words[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	logline_end();
	const char *all = heard();
	assert_int_equal(lines_in(all), 2 * LOG_BURST + 2);
	assert_non_null(strstr(all, "what=suppressed of=one count=3995\n"));
	assert_non_null(strstr(all, "what=suppressed of=two count=3995\n"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, listen_in, listen_out)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_line_has_priority_what_and_fields),
	    T(text_from_outside_makes_no_fields_and_no_lines),
	    T(long_text_is_cut),
	    T(repetition_is_bounded_by_what),
	    T(more_words_than_slots_lose_no_count),
	    T(threads_share_it),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
