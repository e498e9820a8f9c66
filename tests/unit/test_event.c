/* common/wire/event: our codec writes what protobuf-c reads, and the reverse; damage is refused cheaply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/pbwire.h"
#include "common/base/rng.h"
#include "common/wire/event.h"
#include "event.pb-c.h"

static uint8_t ids[6][32];

static struct event full_event(void)
{
	struct rng r = {1};

	rng_fill(&r, ids, sizeof ids);
	return (struct event){
	    .event_id = bytes_of(ids[0], 16),
	    .salt = bytes_of(ids[1], 16),
	    .case_id = bytes_of(ids[2], 16),
	    .kind = 300,
	    .business_date = 20261124,
	    .occurred_at = -5,
	    .recorded_at = 1795449600123,
	    .tz_offset_min = -330,
	    .actor = 1001,
	    .approver = UINT32_MAX,
	    .post = 90,
	    .policy_ver = 7,
	    .body = bytes_of_str("body"),
	    .personal = bytes_of_str("sealed"),
	    .commitment = bytes_of(ids[3], 32),
	    .label = bytes_of_str("BJ202611240001"),
	    .case_branch = bytes_of_str("BJ01"),
	    .corrects = bytes_of(ids[4], 16),
	    .customer = bytes_of(ids[5], 16),
	    .device = bytes_of(ids[0] + 16, 16),
	    .imported = true,
	    .late = true,
	    .time_suspect = true,
	};
}

static struct event small_event(void)
{
	struct event full = full_event();

	return (struct event){.event_id = full.event_id,
			      .salt = full.salt,
			      .kind = 1,
			      .business_date = 20261124,
			      .occurred_at = 1795449600000,
			      .recorded_at = 1795449600000};
}

static void same_slice(struct bytes a, ProtobufCBinaryData b)
{
	assert_int_equal(a.n, b.len);
	if (a.n)
		assert_memory_equal(a.p, b.data, a.n);
}

static void round_trip_and_protobuf_c(void **state)
{
	(void)state;
	struct event events[2] = {full_event(), small_event()}, back;
	uint8_t raw[1024], again[1024];
	size_t n, m;

	for (size_t i = 0; i < 2; i++) {
		const struct event *ev = &events[i];
		assert_int_equal(event_encode(ev, raw, sizeof raw, &n), AS_OK);
		assert_int_equal(event_decode(bytes_of(raw, n), &back), AS_OK);
		assert_int_equal(event_encode(&back, again, sizeof again, &m), AS_OK);
		assert_int_equal(n, m);
		assert_memory_equal(raw, again, n);

		Aftersync__Event *pb = aftersync__event__unpack(NULL, n, raw);
		assert_non_null(pb);
		same_slice(ev->event_id, pb->event_id);
		same_slice(ev->salt, pb->salt);
		same_slice(ev->case_id, pb->case_id);
		same_slice(ev->body, pb->body);
		same_slice(ev->personal, pb->personal);
		same_slice(ev->commitment, pb->commitment);
		same_slice(ev->corrects, pb->corrects);
		same_slice(ev->customer, pb->customer);
		same_slice(ev->device, pb->device);
		assert_int_equal(pb->kind, ev->kind);
		assert_true(pb->occurred_at == ev->occurred_at && pb->recorded_at == ev->recorded_at);
		assert_int_equal(pb->tz_offset_min, ev->tz_offset_min);
		assert_int_equal(pb->business_date, ev->business_date);
		assert_int_equal(pb->actor, ev->actor);
		assert_int_equal(pb->approver, ev->approver);
		assert_int_equal(pb->post, ev->post);
		assert_int_equal(pb->policy_ver, ev->policy_ver);
		assert_int_equal(pb->imported, ev->imported);
		assert_int_equal(pb->late, ev->late);
		assert_int_equal(pb->time_suspect, ev->time_suspect);
		if (ev->label.n)
			assert_memory_equal(pb->label, ev->label.p, ev->label.n);
		if (ev->case_branch.n)
			assert_memory_equal(pb->case_branch, ev->case_branch.p, ev->case_branch.n);
		/* canonical: protobuf-c writes the same bytes */
		assert_int_equal(aftersync__event__get_packed_size(pb), n);
		aftersync__event__pack(pb, again);
		assert_memory_equal(raw, again, n);
		aftersync__event__free_unpacked(pb, NULL);
	}
}

static void refused(const struct event *ev, as_err want)
{
	uint8_t raw[1024];
	size_t n = 0;

	assert_int_equal(event_encode(ev, raw, sizeof raw, &n), want);
	assert_int_equal(n, 0);
}

static void headers_are_strict(void **state)
{
	(void)state;
	struct event ev = full_event();
	struct bytes short_id = bytes_of(ids[0], 15), none = {0};

#define WITH(field, value)                                                                                   \
	do {                                                                                                 \
		struct event bad = ev;                                                                       \
		bad.field = (value);                                                                         \
		refused(&bad, AS_EINVAL);                                                                    \
	} while (0)
	WITH(event_id, short_id);
	WITH(event_id, none);
	WITH(salt, none);
	WITH(case_id, short_id);
	WITH(corrects, short_id);
	WITH(customer, short_id);
	WITH(device, short_id);
	WITH(kind, 0);
	WITH(business_date, 20260230);
	WITH(business_date, 0);
	WITH(occurred_at, INT64_MAX);
	WITH(recorded_at, INT64_MIN);
	WITH(tz_offset_min, 1081);
	WITH(commitment, none);
	WITH(personal, none);
	WITH(label, bytes_of_str("a\xff"));
	WITH(label, bytes_of_str("a\n"));
	WITH(label, bytes_of_str("12345678901234567890123456789012345678901"));
	WITH(case_branch, bytes_of_str("bj01"));
	WITH(case_branch, bytes_of_str("B"));
#undef WITH
}

/* An encoded event with bytes behind it. */
static as_err decode_with(const void *tail, size_t tail_n)
{
	struct event ev = small_event(), back;
	uint8_t *raw = malloc(1024 + tail_n);
	size_t n;

	assert_int_equal(event_encode(&ev, raw, 1024, &n), AS_OK);
	memcpy(raw + n, tail, tail_n);
	as_err err = event_decode(bytes_of(raw, n + tail_n), &back);
	free(raw);
	return err;
}

static void damage_is_refused(void **state)
{
	(void)state;
	static uint8_t unknown[200000];
	struct event ev = full_event(), back;
	uint8_t raw[1024];
	size_t n;

	assert_int_equal(decode_with("", 0), AS_OK);
	assert_int_equal(decode_with("\xf8\x07\x01", 3), AS_OK);     /* one unknown field: a newer program */
	assert_int_equal(decode_with("\x10\x05", 2), AS_OK);	     /* kind again: the last one counts */
	assert_int_equal(decode_with("\x00", 1), AS_EPROTO);	     /* field 0 */
	assert_int_equal(decode_with("\x10", 1), AS_EPROTO);	     /* cut short */
	assert_int_equal(decode_with("\x0a\x7f", 2), AS_EPROTO);     /* longer than what is there */
	assert_int_equal(decode_with("\x0b\x0c", 2), AS_EPROTO);     /* group */
	assert_int_equal(decode_with("\x12\x00", 2), AS_EPROTO);     /* kind as bytes */
	assert_int_equal(decode_with("\xa8\x01\x02", 3), AS_EPROTO); /* imported = 2 */
	assert_int_equal(decode_with("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11), AS_EPROTO);
	assert_int_equal(decode_with("\x10\xff\xff\xff\xff\x7f", 6), AS_EPROTO); /* kind above 32 bits */
	for (size_t i = 0; i < sizeof unknown / 3; i++)
		memcpy(unknown + 3 * i, "\xf8\x07\x01", 3);
	assert_int_equal(decode_with(unknown, 3 * 32), AS_OK);
	assert_int_equal(decode_with(unknown, 3 * 33), AS_EPROTO);
	assert_int_equal(decode_with(unknown, 3 * 10000), AS_EPROTO);
	assert_int_equal(decode_with(unknown, sizeof unknown), AS_ETOOBIG); /* over 66,000 fields */

	assert_int_equal(event_encode(&ev, raw, sizeof raw, &n), AS_OK);
	for (size_t cut = 0; cut < n; cut++) {
		as_err err = event_decode(bytes_of(raw, cut), &back);
		assert_true(err == AS_OK || err == AS_EPROTO); /* a prefix may end at a field … */
	}
	assert_int_equal(event_decode(bytes_of(raw, 40), &back),
			 AS_EPROTO); /* … but the head must be there */
	uint8_t small[64];
	size_t m = 0;
	assert_int_equal(event_encode(&ev, small, sizeof small, &m), AS_ETOOBIG);
	assert_int_equal(m, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip_and_protobuf_c),
	    cmocka_unit_test(headers_are_strict),
	    cmocka_unit_test(damage_is_refused),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
