#include "common/node/joincode.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/writer.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/node/files.h"

#define PREFIX "aftersync-join-"
#define CHECKSUM 4
#define FIXED_BYTES (1 + 2 + 16 + 8 + 4 + 8 + 32 + 4 + 32 + 32 + 32 + 4 + 32 + 4 + 16)
#define RAW_MIN (FIXED_BYTES + 3 + CHECKSUM)
#define RAW_MAX (RAW_MIN + TZ_NAME_MAX + ENDPOINT_BYTES_MAX + NODE_NAME_MAX)
#define DIGITS(bytes) (((bytes)*8 + 5) / 6)

_Static_assert(sizeof PREFIX - 1 + 2 + DIGITS(RAW_MAX) < JOIN_TEXT_MAX, "a code fits its text");

/* Bytes of a code and its characters; wiped at the end of scope. */
struct join_raw {
	uint8_t p[RAW_MAX + 3];
	size_t n;
	char digits[DIGITS(RAW_MAX) + 8];
	size_t digits_n;
};

static void join_raw_done(struct join_raw *r)
{
	as_wipe(r, sizeof *r);
}

void join_code_done(struct join_code *jc)
{
	as_wipe(jc, sizeof *jc);
}

/* The rules of its values; NULL, or which one is broken. */
static const char *broken_rule(const struct join_code *jc)
{
	if (!branch_code_valid(bytes_of_str(jc->branch)))
		return "the branch code";
	if (jc->incarnation == 0 || jc->instance == 0 || jc->transport == 0 || jc->token == 0)
		return "a number";
	if (jc->expires_s > INT64_MAX)
		return "the time of expiry";
	if (!tz_name_valid(bytes_of_str(jc->timezone)))
		return "the time zone";
	if (!endpoint_valid(bytes_of_str(jc->endpoint)))
		return "the endpoint";
	if (!node_name_valid(bytes_of_str(jc->name)))
		return "the name";
	return NULL;
}

static void checksum(const uint8_t *p, size_t n, uint8_t ret[CHECKSUM])
{
	uint8_t hash[32];

	as_blake2b(hash, sizeof hash, bytes_of(NULL, 0), &(struct bytes){.p = p, .n = n}, 1);
	memcpy(ret, hash, CHECKSUM);
}

static void put_number(struct writer *w, uint64_t v, size_t n)
{
	uint8_t be[8];

	put_be64(be, v);
	writer_add(w, be + 8 - n, n);
}

static void put_text(struct writer *w, const char *s)
{
	put_number(w, strlen(s), 1);
	writer_bytes(w, bytes_of_str(s));
}

static void put_raw(struct join_raw *r, const struct join_code *jc)
{
	struct writer w = writer_of(r->p, RAW_MAX);
	uint8_t branch[8] = {0};

	memcpy(branch, jc->branch, strlen(jc->branch));
	put_number(&w, 1, 1);
	put_number(&w, RAW_MIN + strlen(jc->timezone) + strlen(jc->endpoint) + strlen(jc->name), 2);
	writer_add(&w, jc->org, 16);
	writer_add(&w, branch, 8);
	put_number(&w, jc->incarnation, 4);
	put_number(&w, jc->expires_s, 8);
	writer_add(&w, jc->root, 32);
	put_number(&w, jc->instance, 4);
	writer_add(&w, jc->instance_key, 32);
	writer_add(&w, jc->curve_key, 32);
	writer_add(&w, jc->recipient_key, 32);
	put_number(&w, jc->transport, 4);
	writer_add(&w, jc->transport_key, 32);
	put_number(&w, jc->token, 4);
	writer_add(&w, jc->token_seed, 16);
	as_assert(w.n == FIXED_BYTES);
	put_text(&w, jc->timezone);
	put_text(&w, jc->endpoint);
	put_text(&w, jc->name);
	uint8_t sum[CHECKSUM];
	checksum(w.p, w.n, sum);
	writer_add(&w, sum, CHECKSUM);
	as_assert(!w.full && w.n == get_be16(r->p + 1));
	r->n = w.n;
}

as_err join_code_encode(const struct join_code *jc, char ret_text[JOIN_TEXT_MAX], struct as_errmsg *em)
{
	AS_AUTO(join_raw) struct join_raw r = {0};
	const char *broken = broken_rule(jc);

	if (broken) {
		as_errmsg_set(em, "%s cannot stand in a join code", broken);
		return AS_EINVAL;
	}
	put_raw(&r, jc);
	(void)text_base64(r.p, r.n, r.digits);
	for (char *c = r.digits; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? 0 : *c;
	snprintf(ret_text, JOIN_TEXT_MAX, PREFIX "1.%s", r.digits);
	return AS_OK;
}

/* ---- decode
 * -------------------------------------------------------------------------------------------------- */

static as_err bad(struct as_errmsg *em, const char *what)
{
	as_errmsg_set(em, "%s", what);
	return AS_EPROTO;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes c off the front of text, blanks before it skipped. */
static bool take_char(struct bytes *text, char c)
{
	while (text->n && is_blank(text->p[0]))
		*text = bytes_of(text->p + 1, text->n - 1);
	if (text->n == 0 || text->p[0] != (uint8_t)c)
		return false;
	*text = bytes_of(text->p + 1, text->n - 1);
	return true;
}

static as_err take_prefix(struct bytes *text, struct as_errmsg *em)
{
	static const char not_one[] = "this is not a join code: one begins with aftersync-join-1.";
	uint64_t version = 0;

	for (const char *c = PREFIX; *c; c++)
		if (!take_char(text, *c))
			return bad(em, text->n ? not_one
					       : "the join code is cut short: only its beginning is there");
	while (text->n && text->p[0] >= '0' && text->p[0] <= '9' && version < 1000) {
		version = version * 10 + (uint64_t)(text->p[0] - '0');
		*text = bytes_of(text->p + 1, text->n - 1);
	}
	if (!take_char(text, '.'))
		return bad(em, text->n ? not_one : "the join code is cut short: only its beginning is there");
	if (version != 1) {
		as_errmsg_set(
		    em, "the join code is of another version of aftersync (%u): update this program first",
		    (unsigned)version);
		return AS_EUNSUPPORTED;
	}
	return AS_OK;
}

/* The characters in base64's own alphabet, blanks left out. */
static as_err take_digits(struct bytes text, struct join_raw *r, struct as_errmsg *em)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (is_blank(c))
			continue;
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!alnum && c != '-' && c != '_') {
			as_errmsg_set(
			    em, "the join code is damaged: its character %zu cannot be in one; copy it again",
			    r->digits_n + sizeof PREFIX + 2);
			return AS_EPROTO;
		}
		if (r->digits_n == DIGITS(RAW_MAX))
			return bad(em, "the join code is too long: something stands behind it");
		r->digits[r->digits_n++] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
	}
	return AS_OK;
}

static as_err undo_base64(struct join_raw *r, struct as_errmsg *em)
{
	uint8_t start[3];
	size_t n;

	if (r->digits_n < 4 || !text_unbase64(bytes_of(r->digits, 4), start, sizeof start, &n))
		return bad(em, "the join code is cut short: almost all of it is missing");
	if (start[0] != 1) {
		as_errmsg_set(
		    em, "the join code is of another version of aftersync (%u): update this program first",
		    start[0]);
		return AS_EUNSUPPORTED;
	}
	r->n = get_be16(start + 1);
	if (r->n < RAW_MIN || r->n > RAW_MAX)
		return bad(em, "the join code is damaged: copy it again");
	if (r->digits_n < DIGITS(r->n)) {
		size_t missing = DIGITS(r->n) - r->digits_n;
		as_errmsg_set(em, "the join code is cut short: %zu character%s missing", missing,
			      missing == 1 ? " is" : "s are");
		return AS_EPROTO;
	}
	if (r->digits_n > DIGITS(r->n)) {
		as_errmsg_set(em, "the join code is too long by %zu: something stands behind it",
			      r->digits_n - DIGITS(r->n));
		return AS_EPROTO;
	}
	while (r->digits_n % 4)
		r->digits[r->digits_n++] = '=';
	if (!text_unbase64(bytes_of(r->digits, r->digits_n), r->p, sizeof r->p, &n) || n != r->n)
		return bad(em, "the join code is damaged: copy it again");
	return AS_OK;
}

struct cursor {
	const uint8_t *p, *end;
};

static bool get(struct cursor *c, void *out, size_t n)
{
	if ((size_t)(c->end - c->p) < n)
		return false;
	memcpy(out, c->p, n);
	c->p += n;
	return true;
}

static bool get_number(struct cursor *c, size_t n, uint64_t *ret)
{
	uint8_t be[8] = {0};

	if (!get(c, be + 8 - n, n))
		return false;
	*ret = get_be64(be);
	return true;
}

static bool get_u32(struct cursor *c, uint32_t *ret)
{
	uint64_t v;

	if (!get_number(c, 4, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool get_text(struct cursor *c, char *out, size_t max)
{
	uint64_t n;

	if (!get_number(c, 1, &n) || n > max || !get(c, out, n) || memchr(out, 0, n) != NULL)
		return false;
	out[n] = 0;
	return true;
}

/* A code of eight bytes, zeros only at its end. */
static bool get_branch(struct cursor *c, char out[BRANCH_CODE_MAX + 1])
{
	out[BRANCH_CODE_MAX] = 0;
	if (!get(c, out, BRANCH_CODE_MAX))
		return false;
	for (size_t i = strlen(out); i < BRANCH_CODE_MAX; i++)
		if (out[i])
			return false;
	return true;
}

static bool get_all(struct cursor *c, struct join_code *jc)
{
	return get(c, jc->org, 16) && get_branch(c, jc->branch) && get_u32(c, &jc->incarnation) &&
	       get_number(c, 8, &jc->expires_s) && get(c, jc->root, 32) && get_u32(c, &jc->instance) &&
	       get(c, jc->instance_key, 32) && get(c, jc->curve_key, 32) && get(c, jc->recipient_key, 32) &&
	       get_u32(c, &jc->transport) && get(c, jc->transport_key, 32) && get_u32(c, &jc->token) &&
	       get(c, jc->token_seed, 16) && get_text(c, jc->timezone, TZ_NAME_MAX) &&
	       get_text(c, jc->endpoint, ENDPOINT_BYTES_MAX) && get_text(c, jc->name, NODE_NAME_MAX) &&
	       c->p == c->end;
}

as_err join_code_decode(struct bytes text, struct join_code *ret, struct as_errmsg *em)
{
	AS_AUTO(join_raw) struct join_raw r = {0};
	AS_AUTO(join_code) struct join_code jc = {0};
	uint8_t sum[CHECKSUM];
	as_err err;

	if ((err = take_prefix(&text, em)) || (err = take_digits(text, &r, em)) ||
	    (err = undo_base64(&r, em)))
		return err;
	checksum(r.p, r.n - CHECKSUM, sum);
	if (memcmp(sum, r.p + r.n - CHECKSUM, CHECKSUM) != 0)
		return bad(em, "the join code is damaged (its checksum is wrong): copy it again");
	struct cursor c = {.p = r.p + 3, .end = r.p + r.n - CHECKSUM};
	const char *broken = get_all(&c, &jc) ? broken_rule(&jc) : "its form";
	if (broken) {
		as_errmsg_set(em, "the join code is whole, but %s in it is not valid", broken);
		return AS_EPROTO;
	}
	*ret = jc;
	return AS_OK;
}

void join_token_keys(const uint8_t seed[16], uint8_t ret_public[32], uint8_t ret_secret[32])
{
	as_blake2b(ret_secret, 32, bytes_of(seed, 16),
		   &(struct bytes){(const uint8_t *)"aftersync v1 token", 18}, 1);
	as_x25519_public(ret_secret, ret_public);
}

as_err join_code_save(const struct node_dir *dir, const struct join_code *jc, struct as_errmsg *em)
{
	char shown[NODE_PATH_MAX], text[JOIN_TEXT_MAX];
	as_err err;

	file_shown(shown, sizeof shown, dir->keys, "join");
	if ((err = join_code_encode(jc, text, em)))
		return err;
	size_t n = strlen(text);
	text[n] = '\n';
	err = file_write(dir->keys_fd, "join", true, shown, bytes_of(text, n + 1), em);
	as_wipe(text, sizeof text);
	return err;
}

as_err join_code_load(const struct node_dir *dir, struct join_code *ret, struct as_errmsg *em)
{
	char shown[NODE_PATH_MAX], text[JOIN_TEXT_MAX];
	size_t n;
	as_err err;

	file_shown(shown, sizeof shown, dir->keys, "join");
	err = file_read(dir->keys_fd, "join", FILE_SECRET, shown, text, sizeof text, &n, em);
	if (err == AS_OK && (err = join_code_decode(bytes_of(text, n), ret, em)) != AS_OK)
		as_errmsg_prefix(em, "%s", shown);
	as_wipe(text, sizeof text);
	return err;
}
