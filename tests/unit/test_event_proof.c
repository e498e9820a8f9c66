/*
 * common/log/event_proof: leaf 5 of the published tree (vectors of test_note.c) in the file of `aftersync
 * proof make`; tests/golden/proof/vector.proof is that file. Run from the top folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/log/event_proof.h"

#define DASH "\xe2\x80\x94"

static const char tlog[] =
    "c2sp.org/tlog-proof@v1\nindex 5\n"
    "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n"
    "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n"
    "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n\n"
    "log.example/vector\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n" DASH
    " log.example/vector "
    "qAxHwCKMKzBYdUAIT6eafyNKtvzhhQBp6V6Yod24vwWPHfVic1BovTvFWOl1+WKHQR6yB61L9WwfxUsmx0q1EsGDSwA=\n" DASH
    " headoffice.example "
    "XftlJwAAAABlU/EA3IIzvwR6T+j1P8lbVjshdZVAaR5TExmMdeuz2Y7zaYHOHX1PKRKpOQ9926Mz00k40eP7tn2V44iJ4xBwb"
    "VGmAg==\n";
static const char log_vkey[] = "log.example/vector+a80c47c0+AaLtd7VRKkLBNZjcLmUoxiPTXI1Vg5S7oztazZnxbLNy";
static const char hq_vkey[] = "headoffice.example+5dfb6527+BPkb8ufbxsKnhQg2qVH9SG8x1SaNP+pSXYIDFFggGCcF";
static const uint8_t leaf[] = {0x40, 0x41, 0x42, 0x43};

static uint8_t file[EVENT_PROOF_MAX], event[EVENT_BYTES_MAX];

static struct bytes make(struct bytes ev, size_t by_n)
{
	struct note_key log, hq;
	struct writer w = writer_of(file, sizeof file);

	assert_int_equal(note_key_parse(bytes_of_str(log_vkey), &log), AS_OK);
	assert_int_equal(note_key_parse(bytes_of_str(hq_vkey), &hq), AS_OK);
	event_proof_put(&w, ev, &log, &hq, by_n, bytes_of_str(tlog));
	assert_false(w.full);
	return writer_done(&w);
}

static as_err check(struct bytes raw, uint32_t *ret_by)
{
	struct event_proof p;
	struct as_errmsg em = {""};
	as_err err = event_proof_parse(raw, event, &p, &em);

	if (err) {
		assert_true(em.text[0]);
		return err;
	}
	return event_proof_verify(&p, ret_by);
}

static void the_file_holds(void **state)
{
	(void)state;
	struct bytes made = make(bytes_of(leaf, sizeof leaf), 1);
	static char want[4096];
	uint32_t by = 0;
	FILE *f = fopen("tests/golden/proof/vector.proof", getenv("GOLDEN_UPDATE") ? "w+" : "r");

	assert_non_null(f);
	if (getenv("GOLDEN_UPDATE")) {
		assert_int_equal(fwrite(made.p, 1, made.n, f), made.n);
		rewind(f);
	}
	assert_int_equal(fread(want, 1, sizeof want, f), made.n);
	fclose(f);
	assert_memory_equal(want, made.p, made.n);
	assert_int_equal(check(made, &by), AS_OK);
	assert_int_equal(by, 1);
	/* without head office's key the log's own signature remains */
	assert_int_equal(check(make(bytes_of(leaf, sizeof leaf), 0), &by), AS_OK);
	assert_int_equal(by, 0);
}

static void another_event_is_refused(void **state)
{
	(void)state;
	static uint8_t large[EVENT_BYTES_MAX];
	static const uint8_t other[] = {0x40, 0x41, 0x42, 0x44};
	uint32_t by;

	assert_int_equal(check(make(bytes_of(other, sizeof other), 1), &by), AS_EREFUSED);
	/* the largest event goes through the file unchanged, whatever its length modulo 3 */
	for (size_t n = sizeof large - 3; n <= sizeof large; n++) {
		memset(large, (int)n, sizeof large);
		assert_int_equal(check(make(bytes_of(large, n), 1), &by), AS_EREFUSED);
		assert_memory_equal(event, large, n);
	}
}

/* One bit wrong anywhere: refused, or what was proven is still the same and head office did not sign. */
static void every_bit_matters(void **state)
{
	(void)state;
	struct bytes made = make(bytes_of(leaf, sizeof leaf), 1);

	for (size_t i = 0; i < made.n * 8; i++) {
		uint32_t by = 0;
		file[i / 8] ^= (uint8_t)(1u << (i % 8));
		if (check(made, &by) == AS_OK) {
			assert_int_equal(by, 0);
			assert_memory_equal(event, leaf, sizeof leaf);
		}
		file[i / 8] ^= (uint8_t)(1u << (i % 8));
	}
	for (size_t n = 0; n < made.n; n++) {
		uint32_t by = 0;
		if (check(bytes_of(made.p, n), &by) == AS_OK)
			assert_int_equal(by, 0);
	}
}

static void forms_that_are_none(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "",
	    "\n",
	    "aftersync-proof-1",
	    "aftersync-proof-2\nevent QEFCQw==\n",
	    "aftersync-proof-1\nevent \n",
	    "aftersync-proof-1\nevent\n",
	    "aftersync-proof-1\nevent QEFCQw=\n",
	    "aftersync-proof-1\nevent QEFCQw==\n\n",
	    "aftersync-proof-1\nevent QEFCQw==\nlog x\n",
	};
	static char many[EVENT_PROOF_MAX + 1];
	uint32_t by;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(check(bytes_of_str(texts[i]), &by), AS_EPROTO);
	assert_int_equal(check(bytes_of(many, sizeof many), &by), AS_ETOOBIG);
	size_t n =
	    (size_t)snprintf(many, sizeof many, "aftersync-proof-1\nevent QEFCQw==\nlog %s\n", log_vkey);
	for (int i = 0; i <= EVENT_PROOF_BY_MAX; i++)
		n += (size_t)snprintf(many + n, sizeof many - n, "by %s\n", hq_vkey);
	n += (size_t)snprintf(many + n, sizeof many - n, "\n%s", tlog);
	assert_int_equal(check(bytes_of(many, n), &by), AS_EPROTO); /* one key too many */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_file_holds),
	    cmocka_unit_test(another_event_is_refused),
	    cmocka_unit_test(every_bit_matters),
	    cmocka_unit_test(forms_that_are_none),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
