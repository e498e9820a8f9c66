/* common/ledger/body: the wire format by the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/ledger/body.h"

static void round_trip(void **state)
{
	(void)state;
	const struct kind_def *k = kind_of(REPAIR_DONE);
	const struct field_def *parts = &k->fields[2];
	struct body b = {0}, back;
	struct body_row row;
	uint8_t raw[512], items[256];
	size_t n, at = 0;
	int bad;

	row = (struct body_row){.present = 7,
				.v = {{.s = bytes_of_str("LCD-100")}, {.i = 1}, {.s = bytes_of_str("SN1")}}};
	assert_int_equal(body_add_row(parts, items, sizeof items, &at, &row), AS_OK);
	row = (struct body_row){.present = 3, .v = {{.s = bytes_of_str("BAT-2")}, {.i = 2}}};
	assert_int_equal(body_add_row(parts, items, sizeof items, &at, &row), AS_OK);
	size_t kept = at;
	row.present = 1; /* a part without a quantity, and one with none */
	assert_int_equal(body_add_row(parts, items, sizeof items, &at, &row), AS_EINVAL);
	row = (struct body_row){.present = 3, .v = {{.s = bytes_of_str("BAT-2")}, {.i = 0}}};
	assert_int_equal(body_add_row(parts, items, sizeof items, &at, &row), AS_EINVAL);
	row.v[1].i = 2;
	assert_int_equal(body_add_row(parts, items, at + 4, &at, &row), AS_ETOOBIG);
	assert_int_equal(at, kept);
	body_set_int(&b, 0, 1);
	body_set_bytes(&b, 1, bytes_of("\x01\x03", 2));
	b.v[1].i = 2;
	body_set_bytes(&b, 2, bytes_of(items, at));
	b.v[2].i = 2;
	body_set_int(&b, 3, 45);
	body_set_int(&b, 4, 1001);
	assert_int_equal(body_encode(k, BODY_FACTS, &b, raw, sizeof raw, &n, &bad), AS_OK);
	assert_int_equal(body_decode(k, BODY_FACTS, bytes_of(raw, n), &back, &bad), AS_OK);
	assert_int_equal(back.present, b.present);
	assert_int_equal(back.v[0].i, 1);
	assert_int_equal(back.v[1].i, 2);
	assert_memory_equal(back.v[1].s.p, "\x01\x03", 2);
	assert_int_equal(back.v[2].i, 2);
	struct bytes rest = back.v[2].s;
	assert_true(body_next_row(parts, &rest, &row) && bytes_equal(row.v[0].s, bytes_of_str("LCD-100")) &&
		    bytes_equal(row.v[2].s, bytes_of_str("SN1")));
	assert_true(body_next_row(parts, &rest, &row) && row.v[1].i == 2 && row.present == 3);
	assert_false(body_next_row(parts, &rest, &row));
	assert_int_equal(body_missing(k, BODY_FACTS, &back, false), -1);
	assert_int_equal(body_encode(k, BODY_FACTS, &b, raw, 10, &n, &bad), AS_ETOOBIG);
}

static void decode_bad(uint32_t kind, enum body_part part, const char *raw, size_t n, int want_bad)
{
	struct body b;
	int bad = -2;

	assert_int_equal(body_decode(kind_of(kind), part, bytes_of(raw, n), &b, &bad), AS_EPROTO);
	assert_int_equal(bad, want_bad);
}

static void damage_is_refused(void **state)
{
	(void)state;
	struct body b;
	int bad;
	char many[33 * 3];

	decode_bad(REPAIR_DONE, BODY_FACTS, "\x08", 1, -1);		/* cut short */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x0b", 1, -1);		/* group */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x0a\x01\x01", 3, 0);	/* outcome as bytes */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x08\x00", 2, 0);		/* code 0 */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x08\x0c", 2, 0);		/* code 12 is not in the list */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x08\x01\x08\x01", 4, 0);	/* twice */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x12\x02\x01\x01", 4, 1);	/* a code twice in the list */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x12\x00", 2, 1);		/* empty list */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x1a\x03\x0a\x01X", 5, 2); /* a part without quantity */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x1a\x05\x0a\x01X\x10\x00", 7, 2); /* a quantity of none */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x1a\x07\x0a\x01X\x10\x01\x20\x01", 9,
		   2);							     /* a column that is not there */
	decode_bad(REPAIR_DONE, BODY_FACTS, "\x28\x00", 2, 4);		     /* staff 0 */
	decode_bad(QC_CHECKED, BODY_FACTS, "\x08\x02", 2, 0);		     /* boolean 2 */
	decode_bad(QC_CHECKED, BODY_FACTS, "\x1a\x01x", 3, 2);		     /* personal among the facts */
	decode_bad(QC_CHECKED, BODY_PERSONAL, "\x08\x01", 2, 0);	     /* fact in the personal part */
	decode_bad(REPAIR_QUOTED, BODY_FACTS, "\x08\x81\xad\xe2\x04", 5, 0); /* one fen above the limit */
	decode_bad(REPAIR_RECEIVED, BODY_FACTS, "\x0a\x02\xc3(", 4, 0);	     /* invalid UTF-8 */
	decode_bad(REPAIR_RECEIVED, BODY_FACTS, "\x58\xc6\xe3\xd3\x09", 5, 10); /* 20040230 */
	assert_int_equal(
	    body_decode(kind_of(QC_CHECKED), BODY_FACTS, bytes_of("\x08\x01\x98\x03\x07", 5), &b, &bad),
	    AS_OK); /* unknown field 51: skipped */
	for (size_t i = 0; i < 33; i++)
		memcpy(many + 3 * i, "\x98\x03\x07", 3);
	assert_int_equal(body_decode(kind_of(QC_CHECKED), BODY_FACTS, bytes_of(many, 96), &b, &bad), AS_OK);
	decode_bad(QC_CHECKED, BODY_FACTS, many, 99, -1);
}

static void writing_checks_too(void **state)
{
	(void)state;
	struct body b = {0};
	uint8_t raw[64];
	size_t n;
	int bad;

	body_set_int(&b, 0, 12);
	assert_int_equal(body_encode(kind_of(REPAIR_DONE), BODY_FACTS, &b, raw, sizeof raw, &n, &bad),
			 AS_EINVAL);
	assert_int_equal(bad, 0);
	b = (struct body){.present = 1u << 20};
	assert_int_equal(body_encode(kind_of(REPAIR_DONE), BODY_FACTS, &b, raw, sizeof raw, &n, &bad),
			 AS_EINVAL);
	assert_int_equal(body_missing(kind_of(QC_CHECKED), BODY_FACTS, &(struct body){0}, true), 0);
	assert_int_equal(body_missing(kind_of(QC_CHECKED), BODY_FACTS, &(struct body){.present = 1}, true),
			 -1);
	assert_int_equal(body_missing(kind_of(QC_CHECKED), BODY_FACTS, &(struct body){.present = 1}, false),
			 1);
}

/* their forms */
static void forms(void **state)
{
	(void)state;
	static const char *const good[] = {"490154203237518", "352099001761481", "356938035643809"};
	static const char *const bad[] = {"490154203237519", "000000000000000", "49015420323751",
					  "49015420323751a"};
	static const char *const phones[] = {"13800138000",  "0571-88886666",	  "057188886666",
					     "010-88886666", "0571-88886666-123", "4008123456",
					     "400-812-3456", "800-8123456"};
	static const char *const no_phones[] = {"12800138000",	"1380013800",  "88886666", "0571-888866",
						"400-81-23456", "4008123456-", "",	   "0571-88886666-"};

	for (size_t i = 0; i < AS_COUNT(good); i++)
		assert_true(imei_ok(bytes_of_str(good[i])));
	for (size_t i = 0; i < AS_COUNT(bad); i++)
		assert_false(imei_ok(bytes_of_str(bad[i])));
	for (size_t i = 0; i < AS_COUNT(phones); i++)
		assert_true(phone_ok(bytes_of_str(phones[i])));
	for (size_t i = 0; i < AS_COUNT(no_phones); i++)
		assert_false(phone_ok(bytes_of_str(no_phones[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(damage_is_refused),
	    cmocka_unit_test(writing_checks_too),
	    cmocka_unit_test(forms),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
