#include "common/log/note.h"

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/crypto/sign.h"
#include "common/log/cosign.h"

static const uint8_t line_start[4] = {0xe2, 0x80, 0x94, ' '}; /* U+2014 and a space */

/* White space by Unicode (property White_Space) that starts at s, which is valid UTF-8. */
static bool is_space(const uint8_t *s, size_t n)
{
	if (s[0] == ' ' || (s[0] >= '\t' && s[0] <= '\r'))
		return true;
	if (n >= 2 && s[0] == 0xc2)
		return s[1] == 0x85 || s[1] == 0xa0; /* U+0085, U+00A0 */
	if (n < 3)
		return false;
	uint32_t c = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
	return c == 0xe19a80 ||			   /* U+1680 */
	       (c >= 0xe28080 && c <= 0xe2808a) || /* U+2000 to U+200A */
	       (c >= 0xe280a8 && c <= 0xe280a9) || /* U+2028, U+2029 */
	       c == 0xe280af || c == 0xe2819f ||   /* U+202F, U+205F */
	       c == 0xe38080;			   /* U+3000 */
}

static bool name_valid(struct bytes name)
{
	if (name.n == 0 || !text_utf8_valid(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '+' || name.p[i] < 0x20 || is_space(name.p + i, name.n - i))
			return false;
	return true;
}

static size_t find(struct bytes s, uint8_t c)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != c)
		i++;
	return i;
}

static void key_id(struct note_key *k)
{
	uint8_t hash[AS_SHA256_BYTES], mid[2] = {'\n', k->type};
	struct as_sha256 h;

	as_sha256_init(&h);
	as_sha256_update(&h, k->name, k->name_n);
	as_sha256_update(&h, mid, sizeof mid);
	as_sha256_update(&h, k->public_key, sizeof k->public_key);
	as_sha256_final(&h, hash);
	memcpy(k->id, hash, sizeof k->id);
}

as_err note_key_init(struct note_key *k, enum note_type type, struct bytes name, const uint8_t public_key[32])
{
	if (name.n > NOTE_NAME_MAX || !name_valid(name) || (type != NOTE_ED25519 && type != NOTE_COSIGNATURE))
		return AS_EINVAL;
	*k = (struct note_key){.type = (uint8_t)type, .name_n = (uint8_t)name.n};
	memcpy(k->name, name.p, name.n);
	memcpy(k->public_key, public_key, 32);
	key_id(k);
	return AS_OK;
}

as_err note_key_parse(struct bytes vkey, struct note_key *ret_k)
{
	struct bytes name = bytes_of(vkey.p, find(vkey, '+')), rest;
	uint8_t id[4], typed[33];
	struct note_key k;
	size_t n;

	if (name.n + 10 > vkey.n || vkey.p[name.n + 9] != '+')
		return AS_EPROTO;
	for (size_t i = name.n + 1; i < name.n + 9; i++)
		if (vkey.p[i] >= 'A' && vkey.p[i] <= 'F')
			return AS_EPROTO;
	rest = bytes_of(vkey.p + name.n + 10, vkey.n - name.n - 10);
	if (!text_unhex(bytes_of(vkey.p + name.n + 1, 8), id, 4) ||
	    !text_unbase64(rest, typed, sizeof typed, &n) || n < 1)
		return AS_EPROTO;
	if (typed[0] != NOTE_ED25519 && typed[0] != NOTE_COSIGNATURE)
		return AS_EUNSUPPORTED;
	if (n != sizeof typed || note_key_init(&k, typed[0], name, typed + 1) ||
	    memcmp(k.id, id, sizeof id) != 0)
		return AS_EPROTO;
	*ret_k = k;
	return AS_OK;
}

size_t note_key_format(const struct note_key *k, char *out)
{
	struct writer w = writer_of(out, NOTE_VKEY_MAX + 1);
	uint8_t typed[33];

	typed[0] = k->type;
	memcpy(typed + 1, k->public_key, 32);
	writer_add(&w, k->name, k->name_n);
	writer_lit(&w, "+");
	writer_hex(&w, k->id, sizeof k->id);
	writer_lit(&w, "+");
	writer_base64(&w, typed, sizeof typed);
	writer_add(&w, "", 1);
	as_assert(!w.full);
	return w.n - 1;
}

static bool line_parse(struct bytes line, struct note_line *ret_l)
{
	uint8_t payload[NOTE_BYTES_MAX / 4 * 3];
	struct note_line l;

	if (line.n < sizeof line_start || memcmp(line.p, line_start, sizeof line_start) != 0)
		return false;
	struct bytes rest = bytes_of(line.p + sizeof line_start, line.n - sizeof line_start);
	l.name = bytes_of(rest.p, find(rest, ' '));
	if (l.name.n == rest.n || !name_valid(l.name))
		return false;
	l.base64 = bytes_of(rest.p + l.name.n + 1, rest.n - l.name.n - 1);
	if (!text_unbase64(l.base64, payload, sizeof payload, &l.payload_n) || l.payload_n < 5)
		return false;
	memcpy(l.id, payload, sizeof l.id);
	*ret_l = l;
	return true;
}

as_err note_parse(struct bytes raw, struct note *ret_n)
{
	struct note n = {.raw = raw};
	size_t split;

	if (raw.n > NOTE_BYTES_MAX)
		return AS_ETOOBIG;
	if (raw.n < 3 || raw.p[raw.n - 1] != '\n' || !text_utf8_valid(raw))
		return AS_EPROTO;
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] < 0x20 && raw.p[i] != '\n')
			return AS_EPROTO;
	for (split = raw.n - 1; split > 0; split--) /* the last empty line */
		if (raw.p[split] == '\n' && raw.p[split - 1] == '\n')
			break;
	if (split == 0 || split == raw.n - 1)
		return AS_EPROTO;
	n.text = bytes_of(raw.p, split);
	for (size_t at = split + 1; at < raw.n;) {
		struct bytes line = bytes_of(raw.p + at, raw.n - at);
		line.n = find(line, '\n');
		if (n.lines_n == NOTE_SIGNATURES_MAX)
			return AS_ETOOBIG;
		if (!line_parse(line, &n.lines[n.lines_n]))
			return AS_EPROTO;
		n.lines_n++;
		at += line.n + 1;
	}
	*ret_n = n;
	return AS_OK;
}

bool note_line_is(const struct note_line *l, const struct note_key *k)
{
	return bytes_equal(l->name, bytes_of(k->name, k->name_n)) && memcmp(l->id, k->id, sizeof l->id) == 0;
}

bool note_line_payload(const struct note_line *l, uint8_t *out, size_t cap)
{
	size_t n;

	return text_unbase64(l->base64, out, cap, &n) && n == l->payload_n;
}

static bool line_verify(struct bytes text, const struct note_line *l, const struct note_key *k)
{
	uint8_t payload[COSIGN_PAYLOAD];
	uint64_t time_s;

	if (!note_line_payload(l, payload, sizeof payload))
		return false;
	if (k->type == NOTE_ED25519)
		return l->payload_n == 4 + AS_ED25519_SIGNATURE &&
		       as_ed25519_verify(k->public_key, text, payload + 4);
	return l->payload_n == COSIGN_PAYLOAD && cosign_verify(k, text, payload, &time_s);
}

as_err note_verify(const struct note *n, const struct note_key *keys, size_t keys_n, uint32_t *ret_by)
{
	uint32_t by = 0;

	as_assert(keys_n <= NOTE_KEYS_MAX);
	for (uint32_t i = 0; i < n->lines_n; i++)
		for (size_t k = 0; k < keys_n; k++) {
			if (!note_line_is(&n->lines[i], &keys[k]))
				continue;
			if (!line_verify(n->text, &n->lines[i], &keys[k]))
				return AS_EFORGED;
			by |= 1u << k;
		}
	if (by == 0)
		return AS_ENOTFOUND;
	if (ret_by)
		*ret_by = by;
	return AS_OK;
}

void note_put_line(struct writer *w, const struct note_key *k, struct bytes signature)
{
	uint8_t payload[COSIGN_PAYLOAD];

	as_assert(signature.n <= sizeof payload - 4);
	memcpy(payload, k->id, 4);
	memcpy(payload + 4, signature.p, signature.n);
	writer_add(w, line_start, sizeof line_start);
	writer_add(w, k->name, k->name_n);
	writer_lit(w, " ");
	writer_base64(w, payload, 4 + signature.n);
	writer_lit(w, "\n");
}
