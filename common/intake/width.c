#include "common/intake/width.h"

#include <utf8proc.h>

/* The next character; its columns. */
static size_t step(struct bytes s, size_t at, size_t *ret_columns)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate(s.p + at, (utf8proc_ssize_t)(s.n - at), &c);

	if (n <= 0) {
		*ret_columns = 1;
		return 1;
	}
	int w = c < 0x20 || c == 0x7f ? 1 : utf8proc_charwidth(c);
	*ret_columns = (size_t)(w > 0 ? w : 0);
	return (size_t)n;
}

size_t text_width(struct bytes s)
{
	size_t columns = 0, w;

	for (size_t at = 0; at < s.n; columns += w)
		at += step(s, at, &w);
	return columns;
}

size_t text_width_cut(struct bytes s, size_t columns)
{
	size_t at = 0, used = 0;

	while (at < s.n) {
		size_t w, n = step(s, at, &w);
		if (used + w > columns)
			break;
		used += w;
		at += n;
	}
	return at;
}
