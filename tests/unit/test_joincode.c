/* common/node/joincode: there and back, and what is said of every way to lose a part of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/node/joincode.h"
#include "tests/lib/tmpdir.h"

static struct as_errmsg em;

static struct join_code sample(void)
{
	struct join_code jc = {.branch = "BJ01",
			       .incarnation = 1,
			       .expires_s = 1795564800,
			       .instance = 2,
			       .transport = 3,
			       .token = 41,
			       .timezone = "Asia/Shanghai",
			       .endpoint = "tcp://hq.example:7443",
			       .name = "北京朝阳"};

	for (uint8_t i = 0; i < 32; i++) {
		jc.org[i % 16] = (uint8_t)(0xa0 + i % 16);
		jc.root[i] = i;
		jc.instance_key[i] = (uint8_t)(i + 32);
		jc.curve_key[i] = (uint8_t)(i + 64);
		jc.recipient_key[i] = (uint8_t)(i + 96);
		jc.transport_key[i] = (uint8_t)(i + 128);
		jc.token_seed[i % 16] = (uint8_t)(0xf0 + i % 16);
	}
	return jc;
}

static void expect(const char *text, as_err want, const char *say)
{
	struct join_code jc;

	em.text[0] = 0;
	as_err err = join_code_decode(bytes_of_str(text), &jc, &em);
	if (err != want || strstr(em.text, say) == NULL)
		fail_msg("%.40s…: %s: %s (expected: %s)", text, as_err_text(err), em.text, say);
}

static void it_comes_back(void **state)
{
	(void)state;
	struct join_code jc = sample(), got;
	char text[JOIN_TEXT_MAX], again[JOIN_TEXT_MAX];

	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	assert_int_equal(strncmp(text, "aftersync-join-1.AQ", 19), 0);
	assert_int_equal(
	    strspn(text + 17, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
	    strlen(text) - 17);
	assert_int_equal(join_code_decode(bytes_of_str(text), &got, &em), AS_OK);
	assert_memory_equal(&got, &jc, sizeof jc);
	/* shortest and longest */
	strcpy(jc.branch, "AA");
	strcpy(jc.timezone, "UTC");
	strcpy(jc.endpoint, "tcp://h:1");
	jc.name[0] = 0;
	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	assert_int_equal(join_code_decode(bytes_of_str(text), &got, &em), AS_OK);
	assert_string_equal(got.name, "");
	strcpy(jc.branch, "ABCDEFGH");
	memset(jc.timezone, 'z', TZ_NAME_MAX);
	memset(jc.endpoint, 'e', ENDPOINT_BYTES_MAX);
	memcpy(jc.endpoint, "tcp://", 6);
	memcpy(jc.endpoint + ENDPOINT_BYTES_MAX - 6, ":65535", 6);
	memset(jc.name, 'n', NODE_NAME_MAX);
	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	assert_int_equal(join_code_decode(bytes_of_str(text), &got, &em), AS_OK);
	assert_int_equal(join_code_encode(&got, again, &em), AS_OK);
	assert_string_equal(text, again);
	assert_true(strlen(text) < 720);
}

static void white_space_does_not_matter(void **state)
{
	(void)state;
	struct join_code jc = sample(), got;
	char text[JOIN_TEXT_MAX], wrapped[2 * JOIN_TEXT_MAX];
	size_t n = 5;

	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	memcpy(wrapped, "  \t\r\n", n);
	for (size_t i = 0; text[i]; i++) {
		wrapped[n++] = text[i];
		if (i % 72 == 71) {
			memcpy(wrapped + n, "\r\n  ", 4);
			n += 4;
		}
	}
	wrapped[n++] = '\n';
	assert_int_equal(join_code_decode(bytes_of(wrapped, n), &got, &em), AS_OK);
	assert_memory_equal(&got, &jc, sizeof jc);
}

/* Cut at every place: it says cut short, and from the fourth character on how much is missing. */
static void a_cut_one_says_how_much(void **state)
{
	(void)state;
	struct join_code jc = sample();
	char text[JOIN_TEXT_MAX], cut[JOIN_TEXT_MAX], want[64];

	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	size_t n = strlen(text);
	for (size_t i = 1; i < n; i++) {
		memcpy(cut, text, i);
		cut[i] = 0;
		snprintf(want, sizeof want, "cut short: %zu character%s missing", n - i,
			 n - i == 1 ? " is" : "s are");
		expect(cut, AS_EPROTO, i < 17 ? "only its beginning" : i < 21 ? "almost all of it" : want);
	}
}

static void every_changed_character_is_found(void **state)
{
	(void)state;
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct join_code jc = sample(), got;
	char text[JOIN_TEXT_MAX];

	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];
		for (const char *d = digits; *d; d++) {
			text[i] = *d;
			if (*d != was && join_code_decode(bytes_of_str(text), &got, &em) == AS_OK)
				fail_msg("character %zu as %c", i, *d);
		}
		text[i] = was;
	}
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	struct join_code jc = sample();
	char text[JOIN_TEXT_MAX], other[JOIN_TEXT_MAX + 8];

	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	expect("", AS_EPROTO, "cut short");
	expect("hello", AS_EPROTO, "not a join code");
	expect("aftersync-join-x", AS_EPROTO, "not a join code");
	expect("aftersync-join-2.AAAA", AS_EUNSUPPORTED, "another version of aftersync (2)");
	expect("aftersync-join-99999999999999999999.", AS_EPROTO, "not a join code");
	strcpy(other, text);
	other[60] = other[60] == 'A' ? 'B' : 'A';
	expect(other, AS_EPROTO, "checksum");
	other[60] = '*';
	expect(other, AS_EPROTO, "character 61 cannot");
	snprintf(other, sizeof other, "%sAAAA", text);
	expect(other, AS_EPROTO, "too long by 4");
	/* the version inside, in the first six bits and two */
	strcpy(other, text);
	other[17] = 'B';
	expect(other, AS_EUNSUPPORTED, "another version");
	/* twice the same code, pasted */
	char twice[2 * JOIN_TEXT_MAX];
	snprintf(twice, sizeof twice, "%s %s", text, text);
	expect(twice, AS_EPROTO, "cannot be in one"); /* the dot */
}

static void values_have_rules(void **state)
{
	(void)state;
	char text[JOIN_TEXT_MAX];
#define BREAKS(member, value, say)                                                                           \
	do {                                                                                                 \
		struct join_code jc = sample();                                                              \
		strcpy(jc.member, value);                                                                    \
		assert_int_equal(join_code_encode(&jc, text, &em), AS_EINVAL);                               \
		assert_non_null(strstr(em.text, say));                                                       \
	} while (0)
	BREAKS(branch, "B", "branch code");
	BREAKS(branch, "bj01", "branch code");
	BREAKS(timezone, "../x", "time zone");
	BREAKS(timezone, "", "time zone");
	BREAKS(name, "a\tb", "name");
	BREAKS(name, "\xc3", "name");
	BREAKS(name, "\xc2\x85", "name");
	static const char *const endpoints[] = {"",
						"hq:7443",
						"tcp://hq",
						"tcp://:7443",
						"tcp://hq:0",
						"tcp://hq:70000",
						"tcp://*:7443",
						"ipc://x:1",
						"tcp://a;b:1",
						"tcp://a..b:1",
						"tcp://-a:1",
						"tcp://a-.b:1",
						"tcp://[::1:1",
						"tcp://[:]:1",
						"tcp://hq:07443",
						"tcp://h q:1",
						"tcp://[::1%eth0]:1"};
	for (size_t i = 0; i < AS_COUNT(endpoints); i++)
		BREAKS(endpoint, endpoints[i], "endpoint");
	static const char *const good[] = {"tcp://127.0.0.1:7443", "tcp://[::1]:1",
					   "tcp://hq-1.example:65535", "tcp://[2001:db8::10.0.0.1]:7443",
					   "tcp://h:1"};
	for (size_t i = 0; i < AS_COUNT(good); i++)
		assert_true(endpoint_valid(bytes_of_str(good[i])));
	struct join_code jc = sample();
	jc.token = 0;
	assert_int_equal(join_code_encode(&jc, text, &em), AS_EINVAL);
}

/* A code of these bytes, length and checksum put right: as a faulty program could make it. */
static void seal(uint8_t *raw, size_t n, char text[JOIN_TEXT_MAX])
{
	uint8_t hash[32];

	put_be16(raw + 1, (uint16_t)n);
	as_blake2b(hash, sizeof hash, bytes_of(NULL, 0), &(struct bytes){raw, n - 4}, 1);
	memcpy(raw + n - 4, hash, 4);
	strcpy(text, "aftersync-join-1.");
	(void)text_base64(raw, n, text + 17);
	for (char *c = text + 17; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? 0 : *c;
}

static void a_right_checksum_is_not_enough(void **state)
{
	(void)state;
	struct join_code jc = sample();
	char text[JOIN_TEXT_MAX], digits[JOIN_TEXT_MAX];
	uint8_t raw[600], copy[600];
	size_t n;

	assert_int_equal(join_code_encode(&jc, text, &em), AS_OK);
	strcpy(digits, text + 17);
	for (char *c = digits; *c; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	for (size_t d = strlen(digits); d % 4; d++)
		strcpy(digits + d, "=");
	assert_true(text_unbase64(bytes_of_str(digits), raw, sizeof raw, &n));
	const size_t tz = 1 + 2 + 16 + 8 + 4 + 8 + 32 + 4 + 32 + 32 + 32 + 4 + 32 + 4 + 16;
	assert_int_equal(raw[tz], strlen(jc.timezone));
#define FORGE(change, more, say)                                                                             \
	do {                                                                                                 \
		memcpy(copy, raw, sizeof raw);                                                               \
		change;                                                                                      \
		seal(copy, n + (more), text);                                                                \
		expect(text, AS_EPROTO, say);                                                                \
	} while (0)
	seal(raw, n, text);
	assert_int_equal(join_code_decode(bytes_of_str(text), &jc, &em), AS_OK);
	FORGE(copy[3 + 16 + 7] = 'X', 0, "its form"); /* BJ01, zeros, X */
	FORGE(copy[3 + 16] = 'b', 0, "branch code");
	FORGE(copy[3 + 16 + 8 + 3] = 0, 0, "a number"); /* incarnation 0 */
	FORGE(copy[3 + 16 + 8 + 4] = 0x80, 0, "time of expiry");
	FORGE(copy[tz + 3] = 0, 0, "its form"); /* a 0 inside a text */
	FORGE(copy[tz + 3] = '.', 0, "time zone");
	FORGE(copy[tz]++, 0, "its form");
	FORGE(copy[tz] = 255, 0, "its form");
	FORGE((void)0, 3, "its form"); /* something behind the name */
}

static void a_token_has_a_pair_of_keys(void **state)
{
	(void)state;
	uint8_t seed[16] = {1}, public_key[32], secret[32], again[32], other[32], zero[32] = {0};

	join_token_keys(seed, public_key, secret);
	as_x25519_public(secret, again);
	assert_memory_equal(again, public_key, 32);
	seed[15] = 1;
	join_token_keys(seed, other, secret);
	assert_memory_not_equal(other, public_key, 32);
	assert_memory_not_equal(secret, zero, 32);
}

static void it_is_kept_beside_the_keys(void **state)
{
	(void)state;
	struct tmpdir tmp;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	struct join_code jc = sample(), got;

	tmpdir_init(&tmp);
	assert_int_equal(node_dir_new(tmpdir_at(&tmp, "n"), &dir, &em), AS_OK);
	assert_int_equal(join_code_load(&dir, &got, &em), AS_ENOTFOUND);
	assert_int_equal(join_code_save(&dir, &jc, &em), AS_OK);
	jc.token++;
	assert_int_equal(join_code_save(&dir, &jc, &em), AS_OK);
	assert_int_equal(join_code_load(&dir, &got, &em), AS_OK);
	assert_memory_equal(&got, &jc, sizeof jc);
	join_code_done(&got);
	assert_int_equal(got.token_seed[3], 0);
	node_dir_done(&dir);
	tmpdir_done(&tmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_comes_back),
	    cmocka_unit_test(white_space_does_not_matter),
	    cmocka_unit_test(a_cut_one_says_how_much),
	    cmocka_unit_test(every_changed_character_is_found),
	    cmocka_unit_test(what_is_wrong_is_said),
	    cmocka_unit_test(values_have_rules),
	    cmocka_unit_test(a_right_checksum_is_not_enough),
	    cmocka_unit_test(a_token_has_a_pair_of_keys),
	    cmocka_unit_test(it_is_kept_beside_the_keys),
	};
	if (as_crypto_init())
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
