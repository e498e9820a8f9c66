#include "common/base/text.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Length of the valid character at s, 0 when there is none. */
static size_t utf8_char(const uint8_t *s, size_t n)
{
	uint8_t c = s[0];

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return n >= 2 && (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if (c >= 0xe0 && c <= 0xef) {
		uint8_t lo = c == 0xe0 ? 0xa0 : 0x80;
		uint8_t hi = c == 0xed ? 0x9f : 0xbf;
		return n >= 3 && s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 ? 3 : 0;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		uint8_t lo = c == 0xf0 ? 0x90 : 0x80;
		uint8_t hi = c == 0xf4 ? 0x8f : 0xbf;
		return n >= 4 && s[1] >= lo && s[1] <= hi && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80
			   ? 4
			   : 0;
	}
	return 0;
}

bool text_utf8_valid(struct bytes s)
{
	for (size_t i = 0; i < s.n;) {
		size_t len = utf8_char(s.p + i, s.n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

size_t text_utf8_cut(struct bytes s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	if (n < s.n)
		while (n > 0 && (s.p[n] & 0xc0) == 0x80)
			n--;
	return n;
}

void text_utf8_mend(char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n;) {
		size_t len = utf8_char((const uint8_t *)s + i, n - i);
		if (len == 0)
			s[i] = '?';
		i += len ? len : 1;
	}
}

bool text_take_line(struct bytes *s, struct bytes *ret_line)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->p[i] == '\n') {
			*ret_line = bytes_of(s->p, i);
			*s = bytes_of(s->p + i + 1, s->n - i - 1);
			return true;
		}
	return false;
}

void text_hex(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_digits[p[i] >> 4];
		out[2 * i + 1] = hex_digits[p[i] & 15];
	}
	out[2 * n] = 0;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_unhex(struct bytes s, uint8_t *out, size_t n)
{
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_value(s.p[2 * i]), lo = hex_value(s.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

size_t text_base64(const uint8_t *p, size_t n, char *out)
{
	size_t o = 0;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0u);
		out[o++] = base64_digits[v >> 18];
		out[o++] = base64_digits[v >> 12 & 63];
		out[o++] = left > 1 ? base64_digits[v >> 6 & 63] : '=';
		out[o++] = left > 2 ? base64_digits[v & 63] : '=';
	}
	out[o] = 0;
	return o;
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

bool text_unbase64(struct bytes s, uint8_t *out, size_t cap, size_t *ret_n)
{
	size_t pad = 0, o = 0;

	if (s.n % 4 != 0)
		return false;
	if (s.n && s.p[s.n - 1] == '=')
		pad = s.p[s.n - 2] == '=' ? 2 : 1;
	if (s.n / 4 * 3 - pad > cap)
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		size_t chars = i + 4 == s.n ? 4 - pad : 4;
		uint32_t v = 0;
		for (size_t k = 0; k < 4; k++) {
			int d = k < chars ? base64_value(s.p[i + k]) : 0;
			if (d < 0)
				return false;
			v = v << 6 | (uint32_t)d;
		}
		if ((chars == 2 && (v & 0xffff)) || (chars == 3 && (v & 0xff)))
			return false;
		for (size_t k = 0; k + 1 < chars; k++)
			out[o++] = (uint8_t)(v >> (16 - 8 * k));
	}
	*ret_n = o;
	return true;
}

bool text_decimal(struct bytes s, uint64_t max, uint64_t *ret_v)
{
	uint64_t v = 0;

	if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		uint64_t d = (uint64_t)(s.p[i] - '0');
		if (v > (max - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*ret_v = v;
	return true;
}

size_t text_put_decimal(uint64_t v, char *out)
{
	char back[20];
	size_t n = 0;

	do
		back[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	for (size_t i = 0; i < n; i++)
		out[i] = back[n - 1 - i];
	out[n] = 0;
	return n;
}
