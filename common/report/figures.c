#include "common/report/figures.h"

#include "common/base/text.h"

int64_t rate_bp(int64_t num, int64_t den)
{
	return den == 0 ? RATE_NA : (num * 10000 + den / 2) / den;
}

int64_t rate_per_1000(int64_t num, int64_t den)
{
	return den == 0 ? RATE_NA : (num * 100000 + den / 2) / den;
}

size_t rate_text(int64_t hundredths, char *out)
{
	size_t n = 0;

	if (hundredths == RATE_NA) {
		memcpy(out, "n/a", 4);
		return 3;
	}
	if (hundredths < 0)
		out[n++] = '-';
	uint64_t v = hundredths < 0 ? (uint64_t)-hundredths : (uint64_t)hundredths;
	n += text_put_decimal(v / 100, out + n);
	out[n++] = '.';
	out[n++] = (char)('0' + v / 10 % 10);
	out[n++] = (char)('0' + v % 10);
	out[n] = 0;
	return n;
}

bool percentile(const struct weighted *list, size_t n, unsigned p, int64_t *ret_value)
{
	int64_t total = 0, seen = 0;

	for (size_t i = 0; i < n; i++)
		total += list[i].count;
	if (total <= 0)
		return false;
	int64_t rank = (total / 100) * p + ((total % 100) * p + 99) / 100;
	for (size_t i = 0; i < n; i++) {
		seen += list[i].count;
		if (seen >= rank) {
			*ret_value = list[i].value;
			return true;
		}
	}
	return false;
}

int64_t count_upto(const struct weighted *list, size_t n, int64_t limit)
{
	int64_t count = 0;

	for (size_t i = 0; i < n && list[i].value <= limit; i++)
		count += list[i].count;
	return count;
}

int64_t mean(int64_t sum, int64_t count)
{
	return count == 0 ? RATE_NA : (sum + count / 2) / count;
}

int64_t mean_tenths(int64_t sum, int64_t count)
{
	return count == 0 ? RATE_NA : (sum * 10 + count / 2) / count;
}
