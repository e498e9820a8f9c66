/* common/base: text, dates, buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/date.h"
#include "common/base/text.h"

static void utf8_is_strict(void **state)
{
	(void)state;
	assert_true(text_utf8_valid(bytes_of_str("手机 repair é \xf0\x9f\x93\xb1")));
	static const char *const bad[] = {
	    "\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "abc\xe6\x89", "\xff"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(text_utf8_valid(bytes_of_str(bad[i])));
	assert_int_equal(text_utf8_cut(bytes_of_str("ab手c"), 4), 2);
	assert_int_equal(text_utf8_cut(bytes_of_str("ab手c"), 5), 5);
	assert_int_equal(text_utf8_cut(bytes_of_str("ab"), 5), 2);
}

static void what_is_no_utf8_is_mended(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"", ""},
					      {"手机", "手机"},
					      {"abc\xe6\x89", "abc??"},
					      {"\xff手\x80", "?手?"},
					      {"\xf0\x9f\x93", "???"},
					      {"\xed\xa0\x80x", "???x"}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[32];
		strcpy(text, rows[i][0]);
		text_utf8_mend(text);
		assert_string_equal(text, rows[i][1]);
	}
}

static void base64_is_canonical(void **state)
{
	(void)state;
	uint8_t out[16];
	size_t n;
	char text[32];

	assert_int_equal(text_base64((const uint8_t *)"fooba", 5, text), 8);
	assert_string_equal(text, "Zm9vYmE=");
	assert_true(text_unbase64(bytes_of_str("Zm9vYmE="), out, sizeof out, &n));
	assert_int_equal(n, 5);
	assert_memory_equal(out, "fooba", 5);
	static const char *const bad[] = {
	    "Zm9vYmE", "Zm9vYmF=", "Zm9v YmE=", "Zm9vYm==", "Z===", "====", "Zm=v"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(text_unbase64(bytes_of_str(bad[i]), out, sizeof out, &n));
	assert_false(text_unbase64(bytes_of_str("Zm9vYmE="), out, 4, &n));
}

static void decimals_are_strict(void **state)
{
	(void)state;
	uint64_t v;

	assert_true(text_decimal(bytes_of_str("0"), 10, &v) && v == 0);
	assert_true(text_decimal(bytes_of_str("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
	static const char *const bad[] = {"", "01", "+1", "-1", " 1", "1 ", "18446744073709551616", "1a"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(text_decimal(bytes_of_str(bad[i]), UINT64_MAX, &v));
	assert_false(text_decimal(bytes_of_str("11"), 10, &v));
	assert_false(text_decimal(bytes_of_str("7"), 5, &v));
	char out[21];
	assert_int_equal(text_put_decimal(UINT64_MAX, out), 20);
	assert_string_equal(out, "18446744073709551615");
}

static void dates_are_real(void **state)
{
	(void)state;
	int32_t d;

	assert_true(date_to_days(19700101, &d) && d == 0 && date_weekday(d) == 4);
	assert_true(date_to_days(20040229, &d) && date_of_days(d) == 20040229);
	assert_false(date_to_days(20040230, &d));
	assert_false(date_to_days(20230229, &d));
	assert_false(date_to_days(20261301, &d));
	assert_true(date_to_days(20261124, &d) && date_weekday(d) == 2 && date_iso_week(d) == 202648);
	assert_true(date_to_days(20210103, &d) && date_iso_week(d) == 202053);
	assert_true(date_to_days(20241230, &d) && date_iso_week(d) == 202501);
	assert_int_equal(date_local(-1, 0), 19691231);
	assert_int_equal(date_local(1795449600000 - 1, 480), 20261123);
	assert_int_equal(date_local(1795449600000, 480), 20261124);
	for (d = -20000; d < 40000; d++) {
		int32_t back;
		assert_true(date_to_days(date_of_days(d), &back) && back == d);
	}
}

static void buffers_have_a_maximum(void **state)
{
	(void)state;
	AS_AUTO(buf) struct buf b = {0};

	buf_init(&b, 10);
	assert_int_equal(buf_add(&b, "12345678", 8), AS_OK);
	assert_int_equal(buf_add(&b, "123", 3), AS_ETOOBIG);
	assert_int_equal(b.n, 8);
	assert_int_equal(buf_add(&b, "9a", 2), AS_OK);
	assert_memory_equal(b.p, "123456789a", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utf8_is_strict),	   cmocka_unit_test(what_is_no_utf8_is_mended),
	    cmocka_unit_test(base64_is_canonical), cmocka_unit_test(decimals_are_strict),
	    cmocka_unit_test(dates_are_real),	   cmocka_unit_test(buffers_have_a_maximum),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
