#include "common/base/endpoint.h"

#include "common/base/text.h"

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* [hex digits, colons, dots], at least two colons */
static bool ipv6_valid(struct bytes s)
{
	unsigned colons = 0;

	if (s.n < 4 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++) {
		uint8_t c = s.p[i];
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		if (!hex && c != ':' && c != '.')
			return false;
		colons += c == ':';
	}
	return colons >= 2 && colons <= 7;
}

/* labels of letters, digits and inner hyphens, between single dots */
static bool name_valid(struct bytes s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool edge = i == 0 || i + 1 == s.n || s.p[i - 1] == '.' || s.p[i + 1] == '.';
		if (!is_alnum(s.p[i]) && (edge || (s.p[i] != '-' && s.p[i] != '.')))
			return false;
	}
	return s.n > 0;
}

bool endpoint_valid(struct bytes s)
{
	static const char scheme[] = "tcp://";
	size_t start = sizeof scheme - 1, colon = s.n;
	uint64_t port;

	if (s.n > ENDPOINT_BYTES_MAX || s.n <= start || memcmp(s.p, scheme, start) != 0)
		return false;
	while (colon > start && s.p[colon - 1] != ':')
		colon--;
	if (colon <= start + 1 || !text_decimal(bytes_of(s.p + colon, s.n - colon), 65535, &port) ||
	    port == 0)
		return false;
	struct bytes host = bytes_of(s.p + start, colon - 1 - start);
	return host.p[0] == '[' ? ipv6_valid(host) : name_valid(host);
}
