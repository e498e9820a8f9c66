#include "common/intake/forms.h"

#include <stdio.h>

#include "common/base/date.h"
#include "common/base/text.h"
#include "common/ledger/body.h"

static bool number(struct bytes s, size_t at, size_t n, int *ret)
{
	int v = 0;

	if (at + n > s.n)
		return false;
	for (size_t i = at; i < at + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (s.p[i] - '0');
	}
	*ret = v;
	return true;
}

bool form_date_parse(struct bytes s, uint32_t *ret_date)
{
	int y, m, d;
	int32_t days;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !number(s, 0, 4, &y) || !number(s, 5, 2, &m) ||
	    !number(s, 8, 2, &d))
		return false;
	uint32_t date = (uint32_t)(y * 10000 + m * 100 + d);
	if (!date_to_days(date, &days))
		return false;
	*ret_date = date;
	return true;
}

void form_date_text(uint32_t date, char out[11])
{
	snprintf(out, 11, "%04u-%02u-%02u", date / 10000 % 10000, date / 100 % 100, date % 100);
}

/* "Z" or "+hh:mm" from `at` to the end of s */
static bool offset_parse(struct bytes s, size_t at, int *ret_min)
{
	int h, m;

	if (at + 1 == s.n && (s.p[at] == 'Z' || s.p[at] == 'z')) {
		*ret_min = 0;
		return true;
	}
	if (at + 6 != s.n || (s.p[at] != '+' && s.p[at] != '-') || !number(s, at + 1, 2, &h) ||
	    s.p[at + 3] != ':' || !number(s, at + 4, 2, &m) || m > 59 || h * 60 + m > 18 * 60)
		return false;
	*ret_min = (s.p[at] == '-' ? -1 : 1) * (h * 60 + m);
	return true;
}

bool form_time_parse_offset(struct bytes s, int64_t *ret_ms, int32_t *ret_offset_min)
{
	uint32_t date;
	int32_t days;
	int h, m, sec, off, ms = 0;
	size_t at = 19;

	if (s.n < 20 || !form_date_parse(bytes_of(s.p, 10), &date) || (s.p[10] != 'T' && s.p[10] != 't') ||
	    !number(s, 11, 2, &h) || s.p[13] != ':' || !number(s, 14, 2, &m) || s.p[16] != ':' ||
	    !number(s, 17, 2, &sec) || h > 23 || m > 59 || sec > 59)
		return false;
	if (s.p[at] == '.') {
		size_t digits = 0;
		for (at++; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++, digits++)
			if (digits < 3)
				ms = ms * 10 + (s.p[at] - '0');
		if (digits == 0 || digits > 9)
			return false;
		for (; digits < 3; digits++)
			ms *= 10;
	}
	if (at >= s.n || !offset_parse(s, at, &off) || !date_to_days(date, &days))
		return false;
	*ret_ms = (int64_t)days * DATE_MS_PER_DAY + ((int64_t)h * 60 + m - off) * DATE_MS_PER_MIN +
		  (int64_t)sec * 1000 + ms;
	*ret_offset_min = off;
	return true;
}

bool form_time_parse(struct bytes s, int64_t *ret_ms)
{
	int32_t offset;

	return form_time_parse_offset(s, ret_ms, &offset);
}

void form_time_text(int64_t ms, int32_t tz_offset_min, char out[FORM_TIME_MAX])
{
	int64_t local = ms + (int64_t)tz_offset_min * DATE_MS_PER_MIN;
	int64_t day = local / DATE_MS_PER_DAY - (local % DATE_MS_PER_DAY < 0);
	int64_t rest = local - day * DATE_MS_PER_DAY;
	uint32_t date = date_of_days((int32_t)day);
	unsigned off = (unsigned)(tz_offset_min < 0 ? -tz_offset_min : tz_offset_min);
	unsigned sec = (unsigned)(rest / 1000), frac = (unsigned)(rest % 1000);
	int n = snprintf(out, FORM_TIME_MAX, "%04u-%02u-%02uT%02u:%02u:%02u", date / 10000 % 10000,
			 date / 100 % 100, date % 100, sec / 3600 % 24, sec / 60 % 60, sec % 60);

	if (frac)
		n += snprintf(out + n, FORM_TIME_MAX - (size_t)n, ".%03u", frac);
	snprintf(out + n, FORM_TIME_MAX - (size_t)n, "%c%02u:%02u", tz_offset_min < 0 ? '-' : '+',
		 off / 60 % 100, off % 60);
}

bool form_uuid_parse(struct bytes s, uint8_t out[16])
{
	static const uint8_t ends[5] = {8, 13, 18, 23, 36};
	uint8_t hex[32];
	size_t n = 0, from = 0;

	if (s.n == 32)
		return text_unhex(s, out, 16);
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < 5; i++) {
		if (i < 4 && s.p[ends[i]] != '-')
			return false;
		memcpy(hex + n, s.p + from, ends[i] - from);
		n += ends[i] - from;
		from = (size_t)ends[i] + 1;
	}
	return text_unhex(bytes_of(hex, 32), out, 16);
}

void form_uuid_text(const uint8_t id[16], char out[37])
{
	char hex[33];

	text_hex(id, 16, hex);
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool form_phone_normal(struct bytes s, char *out, size_t cap, size_t *ret_n)
{
	char plain[40], kept[40];
	size_t n = 0, k = 0, skip = 0;

	if (s.n > sizeof plain)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ' ')
			continue;
		kept[k++] = (char)s.p[i];
		if (s.p[i] != '-')
			plain[n++] = (char)s.p[i];
	}
	if (n >= 3 && memcmp(plain, "+86", 3) == 0)
		skip = 3;
	else if (n >= 4 && memcmp(plain, "0086", 4) == 0)
		skip = 4;
	else if (n == 13 && memcmp(plain, "86", 2) == 0)
		skip = 2;
	struct bytes mobile = bytes_of(plain + skip, n - skip), other = bytes_of(kept, k);
	struct bytes found = mobile.n == 11 && mobile.p[0] == '1' && phone_ok(mobile) ? mobile : other;
	if (found.n == 0 || found.n > cap || !phone_ok(found))
		return false;
	memcpy(out, found.p, found.n);
	*ret_n = found.n;
	return true;
}
