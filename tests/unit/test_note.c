/* common/log/note, checkpoint, cosign, tlog_proof: notes made by others, and every refusal of the C2SP texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/crypto/sign.h"
#include "common/log/note_sign.h"
#include "common/log/tlog_proof.h"
#include "tests/lib/hex.h"

#define DASH "\xe2\x80\x94"

/* C2SP signed-note, "Verifier keys / Example" */
static const char example_vkey[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example_note[] =
    "This is an example message.\n"
    "\n" DASH " example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/* golang/mod sumdb/note/note_test.go; its secret key is public */
static const char peter_vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char peter_seed[] = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
static const char peter_text[] = "If you think cryptography is the answer to your problem,\n"
				 "then you don't know what your problem is.\n";
static const char peter_note[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n" DASH " PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/* a public witness monitor's test log */
static const char geomys_vkey[] =
    "geomys.org/witness/test-log+c0787ff4+AeMb5VOzy60PTGdGmLPxOKGAa0jNyDGsgv2rnprGju1t";
static const char geomys_note[] =
    "geomys.org/witness/test-log\n"
    "1\n"
    "BCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5k0=\n"
    "\n" DASH " geomys.org/witness/test-log "
    "wHh/9BPsoBNr2x0Ol3qPBYasIN0HI2ZiBg5ac0v3LQq/7F+YO7U4oWbDeJn1VaWVrlbSEM30Gr7WWYQjj2SBxRoJ/Ao=\n";

/* a live log with four witnesses: florolf/tlog-scales tests/test_signing.py */
static const char arche_note[] =
    "arche2025h1.staging.ct.transparency.dev\n"
    "1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
    "\n" DASH " arche2025h1.staging.ct.transparency.dev "
    "zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5"
    "zRNZ"
    "55lvGt0=\n" DASH " arche2025h1.staging.ct.transparency.dev "
    "ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n" DASH
    " transparency.dev/DEV:witness-little-garden "
    "2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/"
    "KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n" DASH " witness1.smartit.nu/witness1 "
    "pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/"
    "iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n" DASH " remora.n621.de "
    "2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/"
    "zZ0WBxtqB0DrAWfBw==\n" DASH " witness.stagemole.eu "
    "Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/"
    "TmN9DAg==\n";
static const char *const arche_vkeys[5] = {
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
};

static struct note_key key_of(const char *vkey)
{
	struct note_key k;

	assert_int_equal(note_key_parse(bytes_of_str(vkey), &k), AS_OK);
	return k;
}

static as_err verify(struct bytes raw, const struct note_key *keys, size_t n, uint32_t *ret_by)
{
	struct note note;
	as_err err = note_parse(raw, &note);

	return err ? err : note_verify(&note, keys, n, ret_by);
}

static void vkeys_of_others(void **state)
{
	(void)state;
	const char *const good[] = {example_vkey,   peter_vkey,	    geomys_vkey,    arche_vkeys[0],
				    arche_vkeys[1], arche_vkeys[2], arche_vkeys[3], arche_vkeys[4]};
	struct note_key k;
	char text[NOTE_VKEY_MAX + 1], copy[256];
	uint8_t pk[32];

	for (size_t i = 0; i < AS_COUNT(good); i++) {
		k = key_of(good[i]);
		assert_int_equal(note_key_format(&k, text), strlen(good[i]));
		assert_string_equal(text, good[i]);
		for (size_t at = 0; at < strlen(good[i]); at++) { /* one byte + 1 */
			strcpy(copy, good[i]);
			copy[at]++;
			assert_int_not_equal(note_key_parse(bytes_of_str(copy), &k), AS_OK);
		}
		for (size_t from = 0; from < strlen(good[i]); from++) /* every proper substring */
			for (size_t n = 0; from + n <= strlen(good[i]); n++)
				if (n < strlen(good[i]))
					assert_int_not_equal(note_key_parse(bytes_of(good[i] + from, n), &k),
							     AS_OK);
	}
	k = key_of(example_vkey);
	unhex("e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4", pk, 32);
	assert_memory_equal(k.public_key, pk, 32);
	assert_int_equal(k.type, NOTE_ED25519);
	assert_int_equal(key_of(arche_vkeys[1]).type, NOTE_COSIGNATURE);

	assert_int_equal(
	    note_key_parse(bytes_of_str("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy"
					"10TWBADKEY=="),
			   &k),
	    AS_EPROTO);
	assert_int_equal(
	    note_key_parse(bytes_of_str("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
			   &k),
	    AS_EUNSUPPORTED);
	/* the same key with its id in upper case */
	assert_int_equal(
	    note_key_parse(bytes_of_str("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
			   &k),
	    AS_EPROTO);
}

static void key_names(void **state)
{
	(void)state;
	static const uint8_t pk[32] = {1};
	static const char *const bad[] = {"",
					  "a b",
					  " a",
					  "a+b",
					  "a\nb",
					  "a\tb",
					  "a\x01",
					  "\xff",
					  "a\xc2\xa0z",
					  "a\xc2\x85",
					  "a\xe2\x80\x83z",
					  "\xe3\x80\x80",
					  "\xe1\x9a\x80",
					  "\xe2\x80\xa8",
					  "\xe2\x80\xaf",
					  "\xe2\x81\x9f"};
	static const char *const good[] = {"a", "example.com/foo:1", "手机", "a\xe2\x80\x8b", "\xc2\xa1"};
	char longest[NOTE_NAME_MAX + 1];
	struct note_key k;

	for (size_t i = 0; i < AS_COUNT(bad); i++)
		assert_int_equal(note_key_init(&k, NOTE_ED25519, bytes_of_str(bad[i]), pk), AS_EINVAL);
	for (size_t i = 0; i < AS_COUNT(good); i++)
		assert_int_equal(note_key_init(&k, NOTE_ED25519, bytes_of_str(good[i]), pk), AS_OK);
	memset(longest, 'x', sizeof longest);
	assert_int_equal(note_key_init(&k, NOTE_ED25519, bytes_of(longest, NOTE_NAME_MAX), pk), AS_OK);
	assert_int_equal(note_key_init(&k, NOTE_ED25519, bytes_of(longest, NOTE_NAME_MAX + 1), pk),
			 AS_EINVAL);
}

static void notes_of_others(void **state)
{
	(void)state;
	struct note_key example = key_of(example_vkey), peter = key_of(peter_vkey),
			geomys = key_of(geomys_vkey);
	uint32_t by = 0;

	assert_int_equal(verify(bytes_of_str(example_note), &example, 1, &by), AS_OK);
	assert_int_equal(by, 1);
	assert_int_equal(verify(bytes_of_str(peter_note), &peter, 1, NULL), AS_OK);
	assert_int_equal(verify(bytes_of_str(geomys_note), &geomys, 1, NULL), AS_OK);
	assert_int_equal(verify(bytes_of_str(example_note), &peter, 1, NULL), AS_ENOTFOUND);
	assert_int_equal(verify(bytes_of_str(example_note), NULL, 0, NULL), AS_ENOTFOUND);

	/* one byte of the text changed */
	for (size_t i = 0; i + 1 < strlen(peter_text); i++) {
		char copy[sizeof peter_note];
		strcpy(copy, peter_note);
		copy[i] = copy[i] == 'x' ? 'y' : 'x';
		assert_int_equal(verify(bytes_of_str(copy), &peter, 1, NULL), AS_EFORGED);
	}
}

static void signing_gives_the_published_note(void **state)
{
	(void)state;
	struct note_key peter = key_of(peter_vkey);
	uint8_t seed[32], pub[32], secret[64], memory[512];
	struct writer w = writer_of(memory, sizeof memory);

	unhex(peter_seed, seed, 32);
	as_ed25519_keypair(seed, pub, secret);
	assert_memory_equal(pub, peter.public_key, 32);
	note_sign(&w, bytes_of_str(peter_text), &peter, secret);
	assert_false(w.full);
	assert_int_equal(w.n, strlen(peter_note));
	assert_memory_equal(memory, peter_note, w.n);
	w = writer_of(memory, strlen(peter_note) - 1);
	note_sign(&w, bytes_of_str(peter_text), &peter, secret);
	assert_true(w.full);
}

static void cosignatures_of_others(void **state)
{
	(void)state;
	struct note_key keys[5];
	struct checkpoint cp;
	struct note n;
	uint32_t by = 0;
	uint8_t payload[76];
	uint64_t t = 0;

	for (size_t i = 0; i < 5; i++)
		keys[i] = key_of(arche_vkeys[i]);
	assert_int_equal(note_parse(bytes_of_str(arche_note), &n), AS_OK);
	assert_int_equal(n.lines_n, 6);
	assert_int_equal(note_verify(&n, keys, 5, &by), AS_OK);
	assert_int_equal(by, 31);
	/* line 1: the name is known, the key id is not: skipped. Its key alone: nobody known signed. */
	assert_false(note_line_is(&n.lines[0], &keys[0]));
	assert_true(note_line_is(&n.lines[1], &keys[0]));
	assert_int_equal(checkpoint_parse(n.text, &cp), AS_OK);
	assert_true(cp.head.size == 1432088532 && cp.extensions.n == 0);
	assert_memory_equal(cp.origin.p, keys[0].name, keys[0].name_n);
	for (size_t i = 1; i < 5; i++) {
		assert_int_equal(n.lines[i + 1].payload_n, 76);
		assert_true(note_line_payload(&n.lines[i + 1], payload, sizeof payload));
		assert_true(cosign_verify(&keys[i], n.text, payload, &t));
		assert_int_equal(t, 1779573024);
		payload[11] ^= 1; /* the payload's time is what was signed */
		assert_false(cosign_verify(&keys[i], n.text, payload, &t));
		payload[11] ^= 1;
		payload[0] ^= 1; /* another key id */
		assert_false(cosign_verify(&keys[i], n.text, payload, &t));
	}
	/* another size: all five fail */
	char copy[sizeof arche_note];
	strcpy(copy, arche_note);
	strstr(copy, "1432088532")[9] = '3';
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(verify(bytes_of_str(copy), &keys[i], 1, NULL), AS_EFORGED);
	/* an Ed25519 key under a witness's type is another key */
	struct note_key other;
	assert_int_equal(
	    note_key_init(&other, NOTE_ED25519, bytes_of(keys[4].name, keys[4].name_n), keys[4].public_key),
	    AS_OK);
	assert_int_equal(verify(bytes_of_str(arche_note), &other, 1, NULL), AS_ENOTFOUND);
}

static void cosignature_times(void **state)
{
	(void)state;
	uint8_t seed[32] = {3}, pub[32], secret[64], payload[76], text[128];
	struct writer w = writer_of(text, sizeof text);
	struct note_key k;
	uint64_t t;

	as_ed25519_keypair(seed, pub, secret);
	assert_int_equal(note_key_init(&k, NOTE_COSIGNATURE, bytes_of_str("witness"), pub), AS_OK);
	assert_int_equal(cosign_sign(&k, secret, INT64_MAX, bytes_of_str("a\n"), payload), AS_OK);
	assert_true(cosign_verify(&k, bytes_of_str("a\n"), payload, &t) && t == INT64_MAX);
	assert_int_equal(cosign_time(payload), INT64_MAX);
	assert_int_equal(cosign_sign(&k, secret, (uint64_t)INT64_MAX + 1, bytes_of_str("a\n"), payload),
			 AS_EINVAL);
	/* rightly signed, but the time is over the limit */
	writer_lit(&w, "cosignature/v1\ntime 9223372036854775808\na\n");
	put_be64(payload + 4, (uint64_t)INT64_MAX + 1);
	as_ed25519_sign(secret, writer_done(&w), payload + 12);
	assert_false(cosign_verify(&k, bytes_of_str("a\n"), payload, &t));
}

/* A note of peter's with this text and these lines; %s of a line is peter's payload. */
static void broken_notes(void **state)
{
	(void)state;
	struct note_key peter = key_of(peter_vkey);
#define PAYLOAD "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
#define TEXT                                                                                                 \
	"If you think cryptography is the answer to your problem,\n"                                         \
	"then you don't know what your problem is.\n"
	static const struct {
		const char *why, *note;
	} bad[] = {
	    {"nothing", ""},
	    {"one newline", "\n"},
	    {"two newlines", "\n\n"},
	    {"no empty line", TEXT DASH " PeterNeumann " PAYLOAD "\n"},
	    {"no signature", TEXT "\n"},
	    {"last newline missing", TEXT "\n" DASH " PeterNeumann " PAYLOAD},
	    {"carriage return", TEXT "\n" DASH " PeterNeumann " PAYLOAD "\r\n"},
	    {"carriage return in the text", "a\r\n\n" DASH " PeterNeumann " PAYLOAD "\n"},
	    {"tab", "a\tb\n\n" DASH " PeterNeumann " PAYLOAD "\n"},
	    {"control character", "a\x01\n\n" DASH " PeterNeumann " PAYLOAD "\n"},
	    {"invalid UTF-8", "a\xff\n\n" DASH " PeterNeumann " PAYLOAD "\n"},
	    {"overlong UTF-8", "a\xc0\xaf\n\n" DASH " PeterNeumann " PAYLOAD "\n"},
	    {"base64 without padding",
	     TEXT "\n" DASH
		  " PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngo"
		  "tpRZb6KE6RyyBwJnAM\n"},
	    {"base64 with white space",
	     TEXT "\n" DASH
		  " PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8 pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
		  "otpRZb6KE6RyyBwJnAM=\n"},
	    {"base64 with a trailing space", TEXT "\n" DASH " PeterNeumann " PAYLOAD " \n"},
	    {"base64 of another alphabet", TEXT "\n" DASH " PeterNeumann x08go_ZJkuBS\n"},
	    {"payload of 3 bytes", TEXT "\n" DASH " PeterNeumann x08g\n"},
	    {"payload of 4 bytes", TEXT "\n" DASH " PeterNeumann x08gow==\n"},
	    {"no payload", TEXT "\n" DASH " PeterNeumann \n"},
	    {"no payload and no space", TEXT "\n" DASH " PeterNeumann\n"},
	    {"empty name", TEXT "\n" DASH "  " PAYLOAD "\n"},
	    {"name with a plus", TEXT "\n" DASH " Peter+Neumann " PAYLOAD "\n"},
	    {"name with a no-break space", TEXT "\n" DASH " Peter\xc2\xa0Neumann " PAYLOAD "\n"},
	    {"name with a space", TEXT "\n" DASH " Peter Neumann " PAYLOAD "\n"},
	    {"hyphen in place of the dash", TEXT "\n- PeterNeumann " PAYLOAD "\n"},
	    {"no space after the dash", TEXT "\n" DASH "PeterNeumann " PAYLOAD "\n"},
	    {"text after the signatures", TEXT "\n" DASH " PeterNeumann " PAYLOAD "\nmore\n"},
	    {"empty line after the signatures", TEXT "\n" DASH " PeterNeumann " PAYLOAD "\n\n"},
	};
	struct note n;

	assert_int_equal(verify(bytes_of_str(TEXT "\n" DASH " PeterNeumann " PAYLOAD "\n"), &peter, 1, NULL),
			 AS_OK);
	for (size_t i = 0; i < AS_COUNT(bad); i++)
		if (note_parse(bytes_of_str(bad[i].note), &n) != AS_EPROTO)
			fail_msg("accepted: %s", bad[i].why);
	static const char nul[] = "a\0b\n\n" DASH " P " PAYLOAD "\n";
	assert_int_equal(note_parse(bytes_of(nul, sizeof nul - 1), &n), AS_EPROTO);
	/* the least payload that a line may have: 5 bytes */
	assert_int_equal(note_parse(bytes_of_str("a\n\n" DASH " P x08gowA=\n"), &n), AS_OK);
	/* the text may hold empty lines: the last one divides */
	assert_int_equal(note_parse(bytes_of_str("a\n\nb\n\n" DASH " P x08gowA=\n"), &n), AS_OK);
	assert_int_equal(n.text.n, 5);
}

static void known_and_unknown_keys(void **state)
{
	(void)state;
	struct note_key keys[2] = {key_of(peter_vkey), {0}};
	uint8_t seed[32] = {42}, pub[32], secret[64], memory[NOTE_BYTES_MAX + 64];
	struct writer w;
	uint32_t by;

	as_ed25519_keypair(seed, pub, secret);
	assert_int_equal(note_key_init(&keys[1], NOTE_ED25519, bytes_of_str("other"), pub), AS_OK);

	/* two known keys, both right */
	w = writer_of(memory, sizeof memory);
	writer_bytes(&w, bytes_of_str(peter_note));
	note_sign_more(&w, bytes_of_str(peter_text), &keys[1], secret);
	assert_int_equal(verify(writer_done(&w), keys, 2, &by), AS_OK);
	assert_int_equal(by, 3);
	assert_int_equal(verify(writer_done(&w), keys, 1, &by), AS_OK);
	assert_int_equal(by, 1);

	/* a wrong line of a known key spoils the note, although another known key is right */
	w.n = strlen(peter_note);
	note_sign_more(&w, bytes_of_str("another text\n"), &keys[1], secret);
	assert_int_equal(verify(writer_done(&w), keys, 2, &by), AS_EFORGED);
	/* … also a second line of the same key, and one of another length */
	assert_int_equal(verify(writer_done(&w), keys, 1, &by), AS_OK);
	w.n = strlen(peter_note);
	note_put_line(&w, &keys[0], bytes_of(pub, 32));
	assert_int_equal(verify(writer_done(&w), keys, 1, &by), AS_EFORGED);
	w.n = strlen(peter_note);
	note_put_line(&w, &keys[0], bytes_of(memory, 72));
	assert_int_equal(verify(writer_done(&w), keys, 1, &by), AS_EFORGED);

	/* unknown: the name of a known key with another id, the id of a known key with another name */
	struct note_key name_only = keys[0], id_only = keys[1];
	name_only.id[0] ^= 1;
	memcpy(id_only.id, keys[0].id, 4);
	w.n = strlen(peter_note);
	note_put_line(&w, &name_only, bytes_of(memory, 64));
	note_put_line(&w, &id_only, bytes_of(memory, 64));
	assert_int_equal(verify(writer_done(&w), keys, 1, &by), AS_OK);

	/* 16 lines are accepted, 17 are over the limit */
	w.n = strlen(peter_note);
	for (int i = 1; i < NOTE_SIGNATURES_MAX; i++)
		note_put_line(&w, &name_only, bytes_of(memory, 64));
	assert_int_equal(verify(writer_done(&w), keys, 1, &by), AS_OK);
	note_put_line(&w, &name_only, bytes_of(memory, 64));
	assert_int_equal(verify(writer_done(&w), keys, 1, &by), AS_ETOOBIG);
	memset(memory, 'x', sizeof memory);
	struct note n;
	assert_int_equal(note_parse(bytes_of(memory, NOTE_BYTES_MAX + 1), &n), AS_ETOOBIG);
}

static void checkpoints(void **state)
{
	(void)state;
#define ROOT "BCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5k0=\n"
	static const char *const bad[] = {
	    "",
	    "o\n",
	    "o\n1\n",
	    "\n1\n" ROOT,
	    "o\n\n" ROOT,
	    "o\n01\n" ROOT,
	    "o\n+1\n" ROOT,
	    "o\n-1\n" ROOT,
	    "o\n 1\n" ROOT,
	    "o\n1 \n" ROOT,
	    "o\n0x1\n" ROOT,
	    "o\n9223372036854775808\n" ROOT,
	    "o\n18446744073709551617\n" ROOT,
	    "o\n1\nBCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5k0\n",
	    "o\n1\nBCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5g==\n",
	    "o\n1\nBCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5k0A\n",
	    "o\n1\n\n",
	    "o\n1\n" ROOT "\n",
	    "o\n1\n" ROOT "x\n\n",
	    "o\n1\n" ROOT "\nx\n",
	    "o\n1\n" ROOT "x",
	};
	struct checkpoint cp;
	uint8_t memory[128];
	struct writer w = writer_of(memory, sizeof memory);

	for (size_t i = 0; i < AS_COUNT(bad); i++)
		if (checkpoint_parse(bytes_of_str(bad[i]), &cp) != AS_EPROTO)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(checkpoint_parse(bytes_of_str("o\n9223372036854775807\n" ROOT "x\ny\n"), &cp),
			 AS_OK);
	assert_int_equal(cp.extensions.n, 4);
	assert_true(cp.head.size == TREE_SIZE_MAX);
	checkpoint_put(&w, bytes_of("o", 1), &cp.head);
	assert_int_equal(w.n, 2 + 20 + 45);
	assert_memory_equal(memory, "o\n9223372036854775807\n" ROOT, w.n);
	assert_int_equal(checkpoint_parse(bytes_of_str("o\n0\n" ROOT), &cp), AS_OK);
}

static void origins(void **state)
{
	(void)state;
	static const uint8_t org[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
					0,    0,    0,	  0,	0,    0,    0,	  0xff};
	static const struct {
		struct log_id id;
		const char *origin;
	} want[] = {
	    {{LOG_LIVE, "SH01", 3, {0xaa, [15] = 0xbb}},
	     "aftersync/0123456789abcdef00000000000000ff/SH01/live/aa0000000000000000000000000000bb"},
	    {{LOG_BULK, "ABCDEFG8", 1, {0x10}},
	     "aftersync/0123456789abcdef00000000000000ff/ABCDEFG8/bulk/10000000000000000000000000000000"},
	    {{LOG_HQ_ALL, "", 4294967295u, {0}},
	     "aftersync/0123456789abcdef00000000000000ff/hq/4294967295/all"},
	    {{LOG_HQ_BRANCH, "SH01", 2, {0}}, "aftersync/0123456789abcdef00000000000000ff/hq/2/SH01"},
	};
	char out[CHECKPOINT_ORIGIN_MAX];

	for (size_t i = 0; i < AS_COUNT(want); i++) {
		size_t n = checkpoint_origin(org, &want[i].id, out);
		assert_int_equal(n, strlen(want[i].origin));
		assert_memory_equal(out, want[i].origin, n);
	}
}

/* ---- .tlog-proof: leaf 5 of the published tree, made with another library
 * ---------------------------------- */

#define TP_HEAD "c2sp.org/tlog-proof@v1\n"
#define TP_H1 "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n"
#define TP_H2 "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n"
#define TP_H3 "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n"
#define TP_TEXT "log.example/vector\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
#define TP_NOTE                                                                                              \
	TP_TEXT "\n" DASH " log.example/vector "                                                             \
		"qAxHwCKMKzBYdUAIT6eafyNKtvzhhQBp6V6Yod24vwWPHfVic1BovTvFWOl1+"                              \
		"WKHQR6yB61L9WwfxUsmx0q1EsGDSwA=\n" DASH " headoffice.example "                              \
		"XftlJwAAAABlU/"                                                                             \
		"EA3IIzvwR6T+j1P8lbVjshdZVAaR5TExmMdeuz2Y7zaYHOHX1PKRKpOQ9926Mz00k40eP7tn2V44iJ4xBwbVGm"     \
		"Ag==\n"
static const char tp_file[] = TP_HEAD "index 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE;
static const char tp_log_vkey[] = "log.example/vector+a80c47c0+AaLtd7VRKkLBNZjcLmUoxiPTXI1Vg5S7oztazZnxbLNy";
static const char tp_hq_vkey[] = "headoffice.example+5dfb6527+BPkb8ufbxsKnhQg2qVH9SG8x1SaNP+pSXYIDFFggGCcF";

static void leaf_5(uint8_t leaf[32])
{
	static const uint8_t data[4] = {0x40, 0x41, 0x42, 0x43};

	tree_leaf(bytes_of(data, 4), leaf);
}

static as_err tp_check(struct bytes raw)
{
	struct note_key log = key_of(tp_log_vkey), hq = key_of(tp_hq_vkey);
	struct tlog_proof tp;
	uint8_t leaf[32];
	uint32_t by = 0;
	as_err err = tlog_proof_parse(raw, &tp);

	leaf_5(leaf);
	if (err || (err = tlog_proof_verify(&tp, leaf, &log, &hq, 1, &by)))
		return err;
	return by == 1 ? AS_OK : AS_ENOTFOUND;
}

static void tlog_proof_is_written_byte_for_byte(void **state)
{
	(void)state;
	struct note_key log = key_of(tp_log_vkey), hq = key_of(tp_hq_vkey);
	uint8_t seed[32], pub[32], log_secret[64], hq_secret[64], payload[76], digest[32], want[32];
	uint8_t note[512], text[128], file[1024];
	struct writer nw = writer_of(note, sizeof note), tw = writer_of(text, sizeof text),
		      fw = writer_of(file, sizeof file);
	struct tlog_proof tp;
	struct log_head head = {.size = 8};

	as_sha256("aftersync test vector: log key", 30, seed);
	unhex("5e3b3dc9d8153880397da466023d4776058c73521ef85291d28ecd83b1bf165f", want, 32);
	assert_memory_equal(seed, want, 32);
	as_ed25519_keypair(seed, pub, log_secret);
	assert_memory_equal(pub, log.public_key, 32);
	as_sha256("aftersync test vector: head office key", 38, seed);
	unhex("416808d6f5aa1e549a8d7caa3b6d8120280265627a3542a777fadd9713891cd4", want, 32);
	assert_memory_equal(seed, want, 32);
	as_ed25519_keypair(seed, pub, hq_secret);
	assert_memory_equal(pub, hq.public_key, 32);

	unhex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328", head.root, 32);
	checkpoint_put(&tw, bytes_of_str("log.example/vector"), &head);
	note_sign(&nw, writer_done(&tw), &log, log_secret);
	assert_int_equal(cosign_sign(&hq, hq_secret, 1700000000, writer_done(&tw), payload), AS_OK);
	cosign_put_line(&nw, &hq, payload);
	assert_int_equal(tlog_proof_parse(bytes_of_str(tp_file), &tp), AS_OK);
	tlog_proof_put(&fw, 5, &tp.proof, writer_done(&nw));
	assert_int_equal(fw.n, 478);
	assert_memory_equal(file, tp_file, 478);
	as_sha256(file, fw.n, digest);
	unhex("b03a4d8531a07a18c7a4c294e83f9cb3bd5819223ee205a1959c9a12bf1beb6d", want, 32);
	assert_memory_equal(digest, want, 32);
}

static void tlog_proofs(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		as_err err;
	} cases[] = {
	    {TP_HEAD "index 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_OK},
	    {TP_HEAD "extra Zm9vYmE=\nindex 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_OK},
	    {TP_HEAD "extra Zm9vYmE\nindex 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "extra Zm9vYmE=\nextra Zm9vYmE=\nindex 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index 5\nextra Zm9vYmE=\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {"c2sp.org/tlog-proof@v2\nindex 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {"index 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index 05\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index  5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index -5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index 8\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index 9223372036854775808\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index 4\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE, AS_EREFUSED},
	    {TP_HEAD "index 5\n" TP_H2 TP_H1 TP_H3 "\n" TP_NOTE, AS_EREFUSED},
	    {TP_HEAD "index 5\n" TP_H1 TP_H2 "\n" TP_NOTE, AS_EREFUSED},
	    {TP_HEAD "index 5\n" TP_H1 TP_H2 TP_H3 TP_H3 "\n" TP_NOTE, AS_EREFUSED},
	    {TP_HEAD "index 5\n\n" TP_NOTE, AS_EREFUSED},
	    {TP_HEAD "index 5\nvBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZng==\n" TP_H2 TP_H3 "\n" TP_NOTE,
	     AS_EPROTO},
	    {TP_HEAD "index 5\nvBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnmsA\n" TP_H2 TP_H3 "\n" TP_NOTE,
	     AS_EPROTO},
	    {TP_HEAD "index 5\n" TP_H1 TP_H2 TP_H3 TP_NOTE, AS_EPROTO},
	    {TP_HEAD "index 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_TEXT, AS_EPROTO},
	    {TP_HEAD "index 5\n" TP_H1 TP_H2 TP_H3 "\n" TP_NOTE "x", AS_EPROTO},
	    {TP_HEAD "index 5\n" TP_H1 TP_H2 TP_H3 "\n\n" TP_NOTE, AS_EPROTO},
	};
	char many[TLOG_PROOF_MAX + 2];

	for (size_t i = 0; i < AS_COUNT(cases); i++)
		if (tp_check(bytes_of_str(cases[i].file)) != cases[i].err)
			fail_msg("case %zu: %d", i, tp_check(bytes_of_str(cases[i].file)));
	for (size_t i = 0; i < sizeof tp_file - 1; i++) { /* no prefix is a proof */
		assert_int_not_equal(tp_check(bytes_of(tp_file, i)), AS_OK);
	}
	strcpy(many, TP_HEAD "index 5\n");
	for (int i = 0; i < 64; i++)
		strcat(many, TP_H1);
	strcat(many, "\n" TP_NOTE);
	assert_int_equal(tp_check(bytes_of_str(many)), AS_ETOOBIG);
	memset(many, 'x', sizeof many);
	assert_int_equal(tp_check(bytes_of(many, TLOG_PROOF_MAX + 1)), AS_ETOOBIG);

	/* another leaf; another log's key; only the cosigner's signature */
	struct note_key log = key_of(tp_log_vkey), hq = key_of(tp_hq_vkey), peter = key_of(peter_vkey);
	struct tlog_proof tp;
	uint8_t leaf[32];
	leaf_5(leaf);
	assert_int_equal(tlog_proof_parse(bytes_of_str(tp_file), &tp), AS_OK);
	assert_int_equal(tlog_proof_verify(&tp, leaf, &peter, &hq, 1, NULL), AS_ENOTFOUND);
	assert_int_equal(tlog_proof_verify(&tp, leaf, &hq, &log, 1, NULL), AS_ENOTFOUND);
	assert_int_equal(tlog_proof_verify(&tp, leaf, &log, NULL, 0, NULL), AS_OK);
	leaf[0] ^= 1;
	assert_int_equal(tlog_proof_verify(&tp, leaf, &log, &hq, 1, NULL), AS_EREFUSED);
	log.public_key[0] ^= 1;
	leaf[0] ^= 1;
	assert_int_equal(tlog_proof_verify(&tp, leaf, &log, &hq, 1, NULL), AS_EFORGED);
	/* a wrong cosignature spoils the proof */
	log = key_of(tp_log_vkey);
	hq.public_key[0] ^= 1;
	assert_int_equal(tlog_proof_verify(&tp, leaf, &log, &hq, 1, NULL), AS_EFORGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vkeys_of_others),
	    cmocka_unit_test(key_names),
	    cmocka_unit_test(notes_of_others),
	    cmocka_unit_test(signing_gives_the_published_note),
	    cmocka_unit_test(cosignatures_of_others),
	    cmocka_unit_test(cosignature_times),
	    cmocka_unit_test(broken_notes),
	    cmocka_unit_test(known_and_unknown_keys),
	    cmocka_unit_test(checkpoints),
	    cmocka_unit_test(origins),
	    cmocka_unit_test(tlog_proof_is_written_byte_for_byte),
	    cmocka_unit_test(tlog_proofs),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
