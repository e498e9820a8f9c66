#include "tools/aftersync/card.h"

#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/intake/width.h"
#include "common/out/rows.h"

#define NAME_MAX_COLUMNS 24

/* What stands to the right; false: nothing to print. */
static bool value_text(const json_t *v, struct buf *b)
{
	char text[64];
	size_t i;
	json_t *item;

	buf_reset(b);
	if (json_is_string(v))
		return json_string_length(v) && !buf_add(b, json_string_value(v), json_string_length(v));
	if (json_is_array(v)) {
		json_array_foreach(v, i, item)
		{
			if (json_is_object(item) || json_is_array(item))
				return false;
			if (json_is_string(item))
				snprintf(text, sizeof text, "%s%.56s", i ? ", " : "",
					 json_string_value(item));
			else
				snprintf(text, sizeof text, "%s%.15g", i ? ", " : "",
					 json_number_value(item));
			if (buf_add(b, text, strlen(text)))
				return false;
		}
		return i > 0;
	}
	if (json_is_integer(v))
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(text, sizeof text, "%.15g", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(text, sizeof text, "%s", json_is_true(v) ? "yes" : "no");
	else
		return false;
	return !buf_add(b, text, strlen(text));
}

static const char *head_of(const char *field, const struct card_field *heads, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(heads[i].field, field) == 0)
			return heads[i].head;
	return field;
}

static void print(struct out *o, const json_t *object, const char *before, const struct card_field *heads,
		  size_t n, size_t width, size_t names)
{
	AS_AUTO(buf) struct buf b = {.max = 64 * 1024};
	const char *field;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)object, field, v)
	{
		char name[128];
		const char *head = head_of(field, heads, n);
		if (*head == 0)
			continue;
		snprintf(name, sizeof name, "%s%s%s", before, *before ? " " : "", head);
		for (char *p = name; *p; p++)
			if (*p == '_')
				*p = ' ';
		if (json_is_object(v)) {
			print(o, v, name, heads, n, width, names);
			continue;
		}
		if (!value_text(v, &b))
			continue;
		for (size_t i = 0; i < b.n; i++)
			if (b.p[i] < 0x20 || b.p[i] == 0x7f)
				b.p[i] = '?';
		size_t w = text_width(bytes_of_str(name));
		out_str(o, name);
		out_spaces(o, w < names ? names - w + 2 : 2);
		table_wrap(o, buf_bytes(&b), width > names + 12 ? width - names - 2 : 10, names + 2);
	}
}

static size_t longest(const json_t *object, size_t before, const struct card_field *heads, size_t n)
{
	const char *field;
	json_t *v;
	size_t most = 0;

	json_object_foreach((json_t *)(uintptr_t)object, field, v)
	{
		const char *head = head_of(field, heads, n);
		size_t w = text_width(bytes_of_str(head)) + before;
		if (*head == 0 || json_is_null(v))
			continue;
		if (json_is_object(v))
			w = longest(v, w + 1, heads, n);
		most = w > most ? w : most;
	}
	return most;
}

void card_print(struct out *o, const json_t *object, const struct card_field *heads, size_t heads_n,
		size_t width)
{
	size_t names = longest(object, 0, heads, heads_n);

	print(o, object, "", heads, heads_n, width, names < NAME_MAX_COLUMNS ? names : NAME_MAX_COLUMNS);
}

void card_csv(struct out *o, const json_t *object)
{
	static const struct rows_col cols[] = {{"field", "", "", RO_TEXT, 0, 0, NULL},
					       {"value", "", "", RO_TEXT, 0, 0, NULL}};
	AS_AUTO(json) json_t *rows = json_array();
	AS_AUTO(buf) struct buf b = {.max = 64 * 1024};
	const char *field;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)object, field, v)
	{
		if (value_text(v, &b))
			json_array_append_new(
			    rows, json_pack("{s:s, s:s%}", "field", field, "value", (const char *)b.p, b.n));
	}
	rows_csv(o, cols, 2, rows);
}
