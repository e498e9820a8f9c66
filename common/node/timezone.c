#include "common/node/timezone.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "common/node/files.h"

#define DATABASE "/usr/share/zoneinfo"
#define DAY_S 86400
#define HEADER_BYTES 44
#define OFFSET_S_MAX (26 * 3600)      /* RFC 8536 section 3.2 recommends -25 h to 26 h */
#define RULE_HOURS_MAX 167	      /* RFC 8536 section 3.3.1 */
#define TIME_S_MAX ((int64_t)1 << 56) /* instants beyond are taken for it */

bool tz_name_valid(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    c == '_' || c == '+' || c == '-';
		bool inside = i > 0 && i + 1 < name.n && name.p[i - 1] != '/';
		if (!word && !(c == '/' && inside))
			return false;
	}
	return name.n >= 1 && name.n <= TZ_NAME_MAX;
}

/* ---- the footer, RFC 8536 section 3.3, POSIX TZ
 * ------------------------------------------------------------------ */

/* A number of up to three digits. */
static bool take_number(struct bytes *s, int32_t max, int32_t *ret)
{
	int32_t v = 0;
	size_t n = 0;

	while (n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9')
		v = v * 10 + (s->p[n++] - '0');
	if (n == 0 || n > 3 || v > max)
		return false;
	*s = bytes_of(s->p + n, s->n - n);
	*ret = v;
	return true;
}

static bool take(struct bytes *s, char c)
{
	if (s->n == 0 || s->p[0] != (uint8_t)c)
		return false;
	*s = bytes_of(s->p + 1, s->n - 1);
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct bytes *s, int32_t hours_max, int32_t *ret_s)
{
	int32_t h, m = 0, sec = 0;
	bool minus = take(s, '-');

	if (!minus)
		(void)take(s, '+');
	if (!take_number(s, hours_max, &h))
		return false;
	if (take(s, ':') && (!take_number(s, 59, &m) || (take(s, ':') && !take_number(s, 59, &sec))))
		return false;
	*ret_s = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
	return true;
}

/* Three letters or more, or <letters, digits and signs> */
static bool take_abbreviation(struct bytes *s)
{
	bool quoted = take(s, '<');
	size_t n = 0;

	for (; n < s->n; n++) {
		uint8_t c = s->p[n];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool more = quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-');
		if (!letter && !more)
			break;
	}
	*s = bytes_of(s->p + n, s->n - n);
	return n >= 3 && (!quoted || take(s, '>'));
}

static bool take_change(struct bytes *s, struct tz_change *ret)
{
	int32_t a, b, c, time_s = 2 * 3600;

	if (!take(s, ','))
		return false;
	if (take(s, 'M')) {
		if (!take_number(s, 12, &a) || a < 1 || !take(s, '.') || !take_number(s, 5, &b) || b < 1 ||
		    !take(s, '.') || !take_number(s, 6, &c))
			return false;
		*ret = (struct tz_change){
		    .form = 'M', .month = (uint8_t)a, .week = (uint8_t)b, .weekday = (uint8_t)c};
	} else {
		bool julian = take(s, 'J');
		if (!take_number(s, 365, &a) || (julian && a < 1))
			return false;
		*ret = (struct tz_change){.form = julian ? 'J' : '0', .day = (uint16_t)a};
	}
	if (take(s, '/') && !take_time(s, RULE_HOURS_MAX, &time_s))
		return false;
	ret->time_s = time_s;
	return true;
}

static bool parse_rule(struct bytes s, struct tz *tz)
{
	int32_t west;

	if (s.n == 0)
		return true; /* none: the last transition holds for ever */
	if (!take_abbreviation(&s) || !take_time(&s, 24, &west))
		return false;
	tz->has_rule = true;
	tz->std_s = -west;
	if (s.n == 0)
		return true;
	if (!take_abbreviation(&s))
		return false;
	tz->has_dst = true;
	tz->dst_s = tz->std_s + 3600;
	if (s.n && s.p[0] != ',') {
		if (!take_time(&s, 24, &west))
			return false;
		tz->dst_s = -west;
	}
	return take_change(&s, &tz->dst_begins) && take_change(&s, &tz->dst_ends) && s.n == 0;
}

/* Days from 1970-01-01 to 1 January of a year, proleptic Gregorian. */
static int64_t days_to_year(int64_t year)
{
	int64_t y = year - 1;
	/* leap days of the years 1 to y; floor division, as years may be negative */
	int64_t e4 = y >= 0 ? y / 4 : -((3 - y) / 4), e100 = y >= 0 ? y / 100 : -((99 - y) / 100),
		e400 = y >= 0 ? y / 400 : -((399 - y) / 400);

	return 365 * (year - 1970) + (e4 - e100 + e400) - 477;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t year_of(int64_t days)
{
	int64_t year = 1970 + days * 400 / 146097;

	while (days_to_year(year) > days)
		year--;
	while (days_to_year(year + 1) <= days)
		year++;
	return year;
}

/* The day of a change in a year, as days since 1970. */
static int64_t change_day(const struct tz_change *c, int64_t year)
{
	static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	static const uint8_t length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t first = days_to_year(year);
	bool leap = is_leap(year);

	if (c->form == '0')
		return first + c->day;
	if (c->form == 'J')
		return first + c->day - 1 + (leap && c->day > 59);
	first += before[c->month - 1] + (leap && c->month > 2);
	/* 1970-01-01 was a Thursday */
	int64_t weekday = ((first + 4) % 7 + 7) % 7;
	int64_t day = (c->weekday - weekday + 7) % 7 + (c->week - 1) * 7;
	if (day >= length[c->month - 1] + (leap && c->month == 2))
		day -= 7;
	return first + day;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int32_t rule_offset(const struct tz *tz, int64_t t)
{
	if (!tz->has_dst)
		return tz->std_s;
	int64_t year = year_of(floor_div(t + tz->std_s, DAY_S));
	int64_t begins = change_day(&tz->dst_begins, year) * DAY_S + tz->dst_begins.time_s - tz->std_s;
	int64_t ends = change_day(&tz->dst_ends, year) * DAY_S + tz->dst_ends.time_s - tz->dst_s;
	bool dst = begins < ends ? t >= begins && t < ends : t >= begins || t < ends;
	return dst ? tz->dst_s : tz->std_s;
}

int32_t tz_offset_min(const struct tz *tz, int64_t utc_ms)
{
	int64_t t = floor_div(utc_ms, 1000);
	uint32_t lo = 0, hi = tz->n;
	int32_t offset_s;

	t = t > TIME_S_MAX ? TIME_S_MAX : t < -TIME_S_MAX ? -TIME_S_MAX : t;
	/* the number of transitions up to t */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (tz->at_s[mid] <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == tz->n && tz->has_rule)
		offset_s = rule_offset(tz, t);
	else
		offset_s = lo == 0 ? tz->first_offset_s : tz->offset_s[lo - 1];
	return offset_s / 60;
}

/* ---- the file, RFC 8536 section 3
 * ---------------------------------------------------------------------------------- */

struct tz_header {
	uint8_t version;
	uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static as_err damaged(struct as_errmsg *em, const char *what)
{
	as_errmsg_set(em, "not a time zone file as we read them: %s", what);
	return AS_ECORRUPT;
}

static bool take_bytes(struct bytes *s, size_t n, const uint8_t **ret)
{
	if (s->n < n)
		return false;
	*ret = s->p;
	*s = bytes_of(s->p + n, s->n - n);
	return true;
}

static bool take_header(struct bytes *s, struct tz_header *ret)
{
	const uint8_t *p;

	if (!take_bytes(s, HEADER_BYTES, &p) || memcmp(p, "TZif", 4) != 0)
		return false;
	*ret = (struct tz_header){.version = p[4],
				  .isutcnt = get_be32(p + 20),
				  .isstdcnt = get_be32(p + 24),
				  .leapcnt = get_be32(p + 28),
				  .timecnt = get_be32(p + 32),
				  .typecnt = get_be32(p + 36),
				  .charcnt = get_be32(p + 40)};
	/* far above what there is: no sum below overflows */
	return ret->isutcnt <= 256 && ret->isstdcnt <= 256 && ret->leapcnt <= 4096 && ret->timecnt <= 65536 &&
	       ret->typecnt <= 256 && ret->charcnt <= 65536;
}

static size_t body_bytes(const struct tz_header *h, size_t time_n)
{
	return h->timecnt * (time_n + 1) + h->typecnt * 6 + h->charcnt + h->leapcnt * (time_n + 4) +
	       h->isstdcnt + h->isutcnt;
}

static as_err take_transitions(const uint8_t *p, const struct tz_header *h, struct tz *tz,
			       struct as_errmsg *em)
{
	const uint8_t *kinds = p + 8 * (size_t)h->timecnt, *types = kinds + h->timecnt;

	for (uint32_t i = 0; i < h->typecnt; i++) {
		int32_t offset = (int32_t)get_be32(types + 6 * (size_t)i);
		if (offset < -OFFSET_S_MAX || offset > OFFSET_S_MAX)
			return damaged(em, "an offset is too large");
	}
	tz->first_offset_s = (int32_t)get_be32(types);
	for (uint32_t i = 0; i < h->timecnt; i++) {
		int64_t at = (int64_t)get_be64(p + 8 * (size_t)i);
		if (i > 0 && at <= tz->at_s[i - 1])
			return damaged(em, "its transitions are not in order");
		if (kinds[i] >= h->typecnt)
			return damaged(em, "a transition has no type");
		tz->at_s[i] = at;
		tz->offset_s[i] = (int32_t)get_be32(types + 6 * (size_t)kinds[i]);
	}
	tz->n = h->timecnt;
	return AS_OK;
}

as_err tz_parse(struct bytes file, struct tz *ret, struct as_errmsg *em)
{
	struct tz_header h;
	struct bytes footer;
	struct tz tz = {0};
	const uint8_t *p;
	as_err err;

	if (!take_header(&file, &h))
		return damaged(em, "its head");
	if (h.version < '2')
		return damaged(em, "it has only 32-bit times");
	/* the 32-bit part is for old readers */
	if (!take_bytes(&file, body_bytes(&h, 4), &p) || !take_header(&file, &h) ||
	    !take_bytes(&file, body_bytes(&h, 8), &p))
		return damaged(em, "it is cut short");
	if (h.leapcnt)
		return damaged(em, "it counts leap seconds");
	if (h.typecnt == 0)
		return damaged(em, "it has no types");
	if (h.timecnt > TZ_TRANSITIONS_MAX)
		return damaged(em, "it has too many transitions");
	if ((err = take_transitions(p, &h, &tz, em)))
		return err;
	if (!take(&file, '\n') || !text_take_line(&file, &footer) || !parse_rule(footer, &tz))
		return damaged(em, "its footer");
	*ret = tz;
	return AS_OK;
}

as_err tz_load(const char *name, struct tz *ret, struct as_errmsg *em)
{
	static const char no_zone[] =
	    "there is no time zone %.40s here: check the spelling, or install the package tzdata";
	AS_AUTO(file_fd) struct file_fd f = {0};
	char path[sizeof DATABASE + 1 + TZ_NAME_MAX];
	uint8_t file[TZ_FILE_MAX];
	size_t n = 0;
	struct stat st;
	as_err err;

	if (!tz_name_valid(bytes_of_str(name))) {
		as_errmsg_set(em, "%.60s is not the name of a time zone, as Asia/Shanghai", name);
		return AS_EINVAL;
	}
	snprintf(path, sizeof path, DATABASE "/%s", name);
	/* links are followed: the database uses them for its other names */
	f.plus1 = 1 + open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (!f.plus1 || fstat(file_fd_get(f), &st) || !S_ISREG(st.st_mode)) {
		as_errmsg_set(em, no_zone, name);
		return AS_ENOTFOUND;
	}
	for (ssize_t got = 1; got > 0 && n < sizeof file; n += (size_t)got)
		if ((got = read(file_fd_get(f), file + n, sizeof file - n)) < 0)
			return file_failed("read", path, em);
	err = n == sizeof file ? damaged(em, "it is too long") : tz_parse(bytes_of(file, n), ret, em);
	if (err)
		as_errmsg_prefix(em, "%s", path);
	return err;
}

int64_t tz_of_local(const struct tz *tz, int64_t local_ms)
{
	const int64_t day = INT64_C(86400000), minute = 60000;
	int64_t before = local_ms - tz_offset_min(tz, local_ms - day) * minute; /* as the clock was before a change */
	int64_t after = local_ms - tz_offset_min(tz, local_ms + day) * minute;
	int64_t low, high;

	if (before == after || before + tz_offset_min(tz, before) * minute == local_ms)
		return before;
	if (after + tz_offset_min(tz, after) * minute == local_ms)
		return after;
	/* left out: `after` is before the change, `before` is not */
	low = after;
	high = before;
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (tz_offset_min(tz, middle) == tz_offset_min(tz, before))
			high = middle;
		else
			low = middle;
	}
	return high;
}
