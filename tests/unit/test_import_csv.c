/* common/import/csv_file: records as they should be read, and what is wrong with those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/import/csv_file.h"
#include "tests/lib/temp.h"

/* The records as text: LINE[field|field], with !what behind one that is wrong. */
static const char *read_all(struct csv_file *f)
{
	static char out[8192];
	struct csv_record r;
	size_t n = 0;

	out[0] = 0;
	while (csv_file_next(f, &r) == AS_OK && n < sizeof out - 1024) {
		n += (size_t)snprintf(out + n, sizeof out - n, "%lu[", r.line);
		for (size_t i = 0; i < r.n; i++)
			n += (size_t)snprintf(out + n, 200, "%s%.*s", i ? "|" : "", (int)r.field[i].n, (const char *)r.field[i].p);
		n += (size_t)snprintf(out + n, 100, r.wrong ? "]!%.20s " : "] ", r.wrong);
	}
	csv_file_close(f);
	return out;
}

static const struct {
	const char *text;
	size_t n;
	char delimiter;
	const char *want;
} texts[] = {
#define T(text) text, sizeof text - 1, ','
    {T(""), ""},
    {T("\n\n\n"), ""},
    {T("a,b\n1,2\n"), "1[a|b] 2[1|2] "},
    {T("a,b\r\n1,2\r\n"), "1[a|b] 2[1|2] "},
    {T("a,b\r1,2\r"), "1[a|b] 2[1|2] "},
    {T("a,b\n1,2"), "1[a|b] 2[1|2] "},
    {T("\xef\xbb\xbf" "a,b\n"), "1[a|b] "},
    {T("a,b\n\n\r\n1,2\n"), "1[a|b] 4[1|2] "},
    {T("a, b ,\t\n"), "1[a| b |\t] "},
    {T(",\n,,\n"), "1[|] 2[||] "},
    {T("\"a\nb\",c\nd,e\n"), "1[a\nb|c] 3[d|e] "},
    {T("\"a\r\nb\r\",c\r\nd,e"), "1[a\r\nb\r|c] 4[d|e] "},
    {T("\"a\"\"b\",\"\",\"c,d\"\n"), "1[a\"b||c,d] "},
    {T("a\"b,c\nd,e\n"), "1[]!a quotation mark ins 2[d|e] "},
    {T("x,\"a\"b,c\nd,e\n"), "1[x]!a quotation mark ins 2[d|e] "},
    {T("a,b\nc,\"d\ne,f\n"), "1[a|b] 2[c]!quotation marks are  "},
    {T("a,\"b"), "1[a]!quotation marks are  "},
    {T("a,\"b\""), "1[a|b] "},
#undef T
    {"a;b,c\n", 6, ';', "1[a|b,c] "},
    {"a\tb c\n", 6, '\t', "1[a|b c] "},
    {"a|b\n", 4, '|', "1[a|b] "},
};

static void records_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < AS_COUNT(texts); i++) {
		struct csv_file *f;
		assert_int_equal(csv_file_memory(&f, bytes_of(texts[i].text, texts[i].n), texts[i].delimiter), AS_OK);
		const char *have = read_all(f);
		if (strcmp(have, texts[i].want) != 0)
			fail_msg("%zu: %s\nhave: %s\nwant: %s", i, texts[i].text, have, texts[i].want);
	}
}

static struct csv_file *file_of(const char *name, const char *text, size_t n)
{
	const char *path = temp_path(name);
	struct as_errmsg em;
	struct csv_file *f;
	FILE *o = fopen(path, "w");

	assert_non_null(o);
	assert_int_equal(fwrite(text, 1, n, o), n);
	assert_int_equal(fclose(o), 0);
	assert_int_equal(csv_file_open(&f, path, ',', &em), AS_OK);
	assert_int_equal(csv_file_size(f), n);
	return f;
}

/* Larger than what is read at once: quotes, line ends and byte order mark wherever the border falls. */
static void files_are_read_in_chunks(void **state)
{
	(void)state;
	size_t n = 700 * 1024, at = 0, records = 0;
	char *text = malloc(n + 64);
	struct csv_record r;

	assert_non_null(text);
	memcpy(text, "\xef\xbb\xbf", 3);
	for (at = 3; at < n;)
		at += (size_t)snprintf(text + at, 64, "%zu,\"x\"\"\r\ny\"\r\n", records++);
	struct csv_file *f = file_of("chunks", text, at);
	for (size_t i = 0; i < records; i++) {
		char number[24];
		assert_int_equal(csv_file_next(f, &r), AS_OK);
		assert_null(r.wrong);
		assert_int_equal(r.line, 2 * i + 1);
		snprintf(number, sizeof number, "%zu", i);
		assert_true(r.n == 2 && bytes_equal(r.field[0], bytes_of_str(number)) &&
			    bytes_equal(r.field[1], bytes_of_str("x\"\r\ny")));
	}
	assert_int_equal(csv_file_next(f, &r), AS_ENOTFOUND);
	assert_int_equal(csv_file_at(f), at);
	csv_file_close(f);
	free(text);
}

static void a_field_of_10_mb(void **state)
{
	(void)state;
	size_t n = 10u << 20;
	char *text = malloc(n + 64);
	struct csv_record r;

	assert_non_null(text);
	memcpy(text, "a,b\n1,\"", 7);
	memset(text + 7, 'x', n);
	memcpy(text + 7 + n, "\"\n2,y\n", 6);
	struct csv_file *f = file_of("large", text, n + 13);
	assert_int_equal(csv_file_next(f, &r), AS_OK);
	assert_int_equal(csv_file_next(f, &r), AS_OK);
	assert_non_null(r.wrong);
	assert_non_null(strstr(r.wrong, "longer than 64 KiB"));
	assert_int_equal(r.wrong_field, 1);
	assert_int_equal(r.line, 2);
	assert_int_equal(r.raw.n, n + 4); /* for the rejects */
	assert_int_equal(csv_file_next(f, &r), AS_OK);
	assert_null(r.wrong);
	assert_int_equal(r.line, 3);
	assert_int_equal(csv_file_next(f, &r), AS_ENOTFOUND);
	csv_file_close(f);
	free(text);
}

static void a_quotation_mark_that_swallows_the_file(void **state)
{
	(void)state;
	size_t n = 70u << 20;
	char *text = malloc(n);
	struct csv_file *f;
	struct csv_record r;

	assert_non_null(text);
	memset(text, '\n', n);
	memcpy(text, "a\n\"", 3);
	assert_int_equal(csv_file_memory(&f, bytes_of(text, n), ','), AS_OK);
	assert_int_equal(csv_file_next(f, &r), AS_OK);
	assert_int_equal(csv_file_next(f, &r), AS_OK);
	assert_non_null(strstr(r.wrong, "not closed within 64 MiB"));
	assert_int_equal(csv_file_next(f, &r), AS_ENOTFOUND);
	csv_file_close(f);
	free(text);
}

static void too_many_fields(void **state)
{
	(void)state;
	char text[600];
	struct csv_file *f;
	struct csv_record r;

	memset(text, ',', sizeof text);
	memcpy(text + 300, "\na,b\n", 5);
	assert_int_equal(csv_file_memory(&f, bytes_of(text, 305), ','), AS_OK);
	assert_int_equal(csv_file_next(f, &r), AS_OK);
	assert_non_null(strstr(r.wrong, "over 256 fields"));
	assert_int_equal(csv_file_next(f, &r), AS_OK);
	assert_int_equal(r.n, 2);
	csv_file_close(f);
}

static void what_is_no_file(void **state)
{
	(void)state;
	struct as_errmsg em;
	struct csv_file *f;

	assert_int_equal(csv_file_open(&f, temp_path("none"), ',', &em), AS_EIO);
	assert_non_null(strstr(em.text, "none: No such file"));
	assert_int_equal(csv_file_open(&f, temp_dir(), ',', &em), AS_EINVAL);
	assert_non_null(strstr(em.text, "not a plain file"));
	assert_int_equal(csv_file_open(&f, "/dev/null", ',', &em), AS_EINVAL);
}

static void fields_are_written(void **state)
{
	(void)state;
	struct buf b;
	static const char *const fields[] = {"", "a b", "a,b", "a\"b", "a\nb"};

	buf_init(&b, 1000);
	for (size_t i = 0; i < AS_COUNT(fields); i++) {
		assert_int_equal(csv_put_field(&b, bytes_of_str(fields[i]), ','), AS_OK);
		assert_int_equal(buf_add(&b, ",", 1), AS_OK);
	}
	assert_true(bytes_equal(buf_bytes(&b), bytes_of_str(",a b,\"a,b\",\"a\"\"b\",\"a\nb\",")));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_read),	    cmocka_unit_test(files_are_read_in_chunks),
	    cmocka_unit_test(a_field_of_10_mb),	    cmocka_unit_test(a_quotation_mark_that_swallows_the_file),
	    cmocka_unit_test(too_many_fields),	    cmocka_unit_test(what_is_no_file),
	    cmocka_unit_test(fields_are_written),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
