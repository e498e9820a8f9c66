#include "common/import/dates.h"

#include "common/base/check.h"
#include "common/base/date.h"

enum part { YEAR, YEAR2, MONTH, DAY, HOUR, MINUTE, SECOND, AMPM, PARTS };

static const struct {
	const char *letters;
	enum part part;
	uint8_t least, most; /* digits */
} words[] = {
    {"YYYY", YEAR, 4, 4}, {"YY", YEAR2, 2, 2}, {"MM", MONTH, 2, 2},  {"DD", DAY, 2, 2},	   {"hh", HOUR, 2, 2}, {"mm", MINUTE, 2, 2},
    {"ss", SECOND, 2, 2}, {"AM", AMPM, 0, 0},  {"M", MONTH, 1, 2},   {"D", DAY, 1, 2},	   {"h", HOUR, 1, 2},
};

/* The word at the beginning of a form, or AS_COUNT(words). */
static size_t word_at(const char *form)
{
	size_t i = 0;

	while (i < AS_COUNT(words) && strncmp(form, words[i].letters, strlen(words[i].letters)) != 0)
		i++;
	return i;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *date_form_wrong(const char *form)
{
	unsigned n[PARTS] = {0};

	for (const char *f = form; *f;) {
		size_t i = word_at(f);
		if (i == AS_COUNT(words)) {
			/* the T of ISO 8601 stands for itself */
			if (is_letter(*f) && *f != 'T' && *f != 'Z')
				return "a date is made of YYYY, YY, MM, M, DD, D, hh, h, mm, ss, AM";
			f++;
		} else {
			n[words[i].part]++;
			f += strlen(words[i].letters);
		}
	}
	for (size_t i = 0; i < PARTS; i++)
		if (n[i] > 1)
			return "a part of the date is there twice";
	if (n[YEAR] + n[YEAR2] != 1 || !n[MONTH] || !n[DAY])
		return "a date has year, month and day";
	if (n[HOUR] != n[MINUTE] || n[SECOND] > n[MINUTE] || n[AMPM] > n[HOUR])
		return "a time of day has hours and minutes";
	return NULL;
}

bool date_form_has_time(const char *form)
{
	for (; *form; form++)
		if (*form == 'h')
			return true;
	return false;
}

static bool number(struct bytes *s, size_t least, size_t most, int *ret)
{
	size_t n = 0;

	*ret = 0;
	while (n < most && n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		*ret = *ret * 10 + (s->p[n++] - '0');
	*s = bytes_of(s->p + n, s->n - n);
	return n >= least;
}

static bool am_or_pm(struct bytes *s, int *ret_pm)
{
	if (s->n < 2 || (s->p[1] | 0x20) != 'm' || ((s->p[0] | 0x20) != 'a' && (s->p[0] | 0x20) != 'p'))
		return false;
	*ret_pm = (s->p[0] | 0x20) == 'p';
	*s = bytes_of(s->p + 2, s->n - 2);
	return true;
}

bool date_form_read(const char *form, struct bytes s, uint32_t *ret_date, int32_t *ret_ms)
{
	int v[PARTS] = {0}, year;
	bool has[PARTS] = {false};
	int32_t days;

	while (*form) {
		size_t i = word_at(form);
		if (i == AS_COUNT(words)) {
			if (s.n == 0 || s.p[0] != (uint8_t)*form++)
				return false;
			s = bytes_of(s.p + 1, s.n - 1);
			continue;
		}
		form += strlen(words[i].letters);
		has[words[i].part] = true;
		if (!(words[i].part == AMPM ? am_or_pm(&s, &v[AMPM]) : number(&s, words[i].least, words[i].most, &v[words[i].part])))
			return false;
	}
	year = has[YEAR2] ? v[YEAR2] + (v[YEAR2] < 69 ? 2000 : 1900) : v[YEAR];
	if (s.n || v[MINUTE] > 59 || v[SECOND] > 59 || (has[AMPM] ? v[HOUR] < 1 || v[HOUR] > 12 : v[HOUR] > 23))
		return false;
	if (has[AMPM])
		v[HOUR] = v[HOUR] % 12 + 12 * v[AMPM];
	*ret_date = (uint32_t)(year * 10000 + v[MONTH] * 100 + v[DAY]);
	*ret_ms = ((v[HOUR] * 60 + v[MINUTE]) * 60 + v[SECOND]) * 1000;
	return v[MONTH] <= 12 && v[DAY] <= 31 && date_to_days(*ret_date, &days);
}
