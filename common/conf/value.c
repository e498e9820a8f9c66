/* Values of configuration keys: from text, to text. */
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/endpoint.h"
#include "common/conf/conf.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* the largest first: printing takes the first that divides */
static const struct unit byte_units[] = {{"TiB", (uint64_t)1 << 40},
					 {"GiB", (uint64_t)1 << 30},
					 {"MiB", 1 << 20},
					 {"KiB", 1 << 10},
					 {"B", 1},
					 {NULL, 0}};
static const struct unit time_units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000},
					 {"s", 1000},	  {"ms", 1},	  {NULL, 0}};

static void *field(const struct conf_key *key, void *values)
{
	return (char *)values + key->offset;
}

static const void *const_field(const struct conf_key *key, const void *values)
{
	return (const char *)values + key->offset;
}

static const struct unit *units_of(const struct conf_key *key)
{
	return key->type == CONF_BYTES ? byte_units : key->type == CONF_MS ? time_units : NULL;
}

static void put_number(const struct unit *units, uint64_t v, struct writer *w)
{
	if (units == NULL || v == 0) {
		writer_decimal(w, v);
		return;
	}
	while (v % units->factor)
		units++;
	writer_decimal(w, v / units->factor);
	writer_lit(w, " ");
	writer_bytes(w, bytes_of_str(units->name));
}

void conf_put_value(const struct conf_key *key, const void *values, struct writer *w)
{
	const void *p = const_field(key, values);

	switch (key->type) {
	case CONF_TEXT:
	case CONF_ENDPOINT:
	case CONF_PATH:
		writer_bytes(w, bytes_of_str(p));
		return;
	case CONF_U64:
	case CONF_BYTES:
	case CONF_MS:
		put_number(units_of(key), *(const uint64_t *)p, w);
		return;
	case CONF_BOOL:
		writer_bytes(w, bytes_of_str(*(const bool *)p ? "yes" : "no"));
		return;
	case CONF_ENUM:
		writer_bytes(w, bytes_of_str(key->names[*(const unsigned *)p - key->min]));
		return;
	}
}

/* ---- from text
 * ----------------------------------------------------------------------------------------------- */

static as_err refuse(struct as_errmsg *em, const char *why)
{
	as_errmsg_set(em, "%s", why);
	return AS_EPROTO;
}

static as_err out_of_range(const struct conf_key *key, struct as_errmsg *em)
{
	char lo[32], hi[32];
	struct writer a = writer_of(lo, sizeof lo - 1), b = writer_of(hi, sizeof hi - 1);

	put_number(units_of(key), key->min, &a);
	put_number(units_of(key), key->max, &b);
	as_errmsg_set(em, "out of range: %.*s to %.*s", (int)a.n, lo, (int)b.n, hi);
	return AS_EPROTO;
}

static as_err set_number(const struct conf_key *key, struct bytes text, uint64_t *ret, struct as_errmsg *em)
{
	const struct unit *units = units_of(key), *u = units;
	struct bytes digits = text, rest;
	uint64_t v;

	digits.n = 0;
	while (digits.n < text.n && text.p[digits.n] >= '0' && text.p[digits.n] <= '9')
		digits.n++;
	rest = bytes_of(text.p + digits.n, text.n - digits.n);
	while (units && rest.n && rest.p[0] == ' ')
		rest = bytes_of(rest.p + 1, rest.n - 1);
	if (digits.n == 0 || (units == NULL && rest.n))
		return refuse(em, units == NULL		? "not a number"
				  : units == byte_units ? "not a size, as 16 MiB"
							: "not a time, as 30 s");
	if (!text_decimal(digits, UINT64_MAX, &v))
		return digits.p[0] == '0' ? refuse(em, "a number does not begin with 0")
					  : out_of_range(key, em);
	if (units && (rest.n || v)) {
		while (u->name && !bytes_equal(rest, bytes_of_str(u->name)))
			u++;
		if (u->name == NULL)
			return refuse(em, units == byte_units ? "a size needs a unit: B, KiB, MiB, GiB, TiB"
							      : "a time needs a unit: ms, s, min, h, d");
		if (v > UINT64_MAX / u->factor)
			return out_of_range(key, em);
		v *= u->factor;
	}
	if (v < key->min || v > key->max)
		return out_of_range(key, em);
	*ret = v;
	return AS_OK;
}

static as_err set_text(const struct conf_key *key, struct bytes text, char *ret, struct as_errmsg *em)
{
	uint64_t max = key->max && key->max < key->size ? key->max : key->size - 1;

	if (text.n == 0 && key->flags & CONF_REQUIRED)
		return refuse(em, "must not be empty");
	if (text.n > max || text.n < key->min) {
		as_errmsg_set(em, "%zu bytes, and %llu to %llu are allowed", text.n,
			      (unsigned long long)key->min, (unsigned long long)max);
		return AS_EPROTO;
	}
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f || text.p[i] == ';')
			return refuse(em, "a control character or a semicolon, which no value may hold");
	if (key->type == CONF_ENDPOINT && text.n && !endpoint_valid(text))
		return refuse(em, "not an endpoint, as tcp://127.0.0.1:7443");
	if (key->type == CONF_PATH && text.n && text.p[0] != '/')
		return refuse(em, "not an absolute path");
	memset(ret, 0, key->size);
	memcpy(ret, text.p, text.n);
	return AS_OK;
}

static as_err set_enum(const struct conf_key *key, struct bytes text, unsigned *ret, struct as_errmsg *em)
{
	char names[128];
	struct writer w = writer_of(names, sizeof names);

	for (unsigned i = 0; key->names[i]; i++) {
		if (bytes_equal(text, bytes_of_str(key->names[i]))) {
			*ret = (unsigned)key->min + i;
			return AS_OK;
		}
		if (i)
			writer_lit(&w, ", ");
		writer_bytes(&w, bytes_of_str(key->names[i]));
	}
	as_errmsg_set(em, "not one of: %.*s", (int)w.n, names);
	return AS_EPROTO;
}

as_err conf_set_value(const struct conf_key *key, struct bytes text, void *values, struct as_errmsg *em)
{
	void *p = field(key, values);

	switch (key->type) {
	case CONF_TEXT:
	case CONF_ENDPOINT:
	case CONF_PATH:
		return set_text(key, text, p, em);
	case CONF_U64:
	case CONF_BYTES:
	case CONF_MS:
		as_assert(key->size == sizeof(uint64_t));
		return set_number(key, text, p, em);
	case CONF_BOOL:
		as_assert(key->size == sizeof(bool));
		if (!bytes_equal(text, bytes_of_str("yes")) && !bytes_equal(text, bytes_of_str("no")))
			return refuse(em, "neither yes nor no");
		*(bool *)p = text.n == 3;
		return AS_OK;
	case CONF_ENUM:
		as_assert(key->size == sizeof(unsigned));
		return set_enum(key, text, p, em);
	}
	return AS_EINVAL;
}
