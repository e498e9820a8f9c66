#include "common/conf/conf.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/conf/conf_ini.h"

#define DUMP_COLUMNS 100

/* A file being read. */
struct parse {
	const struct conf_table *table;
	const char *name;
	bool seen[CONF_KEYS_MAX];
	void *values;
};

static as_err take_section(void *arg, unsigned line, const char *section, struct as_errmsg *em)
{
	const struct parse *p = arg;

	(void)line;
	for (size_t i = 0; i < p->table->n; i++)
		if (strcmp(p->table->keys[i].section, section) == 0)
			return AS_OK;
	if (p->table->others)
		return AS_OK;
	as_errmsg_set(em, "no such section");
	return AS_EPROTO;
}

static as_err take_key(void *arg, const struct conf_ini_key *k, struct as_errmsg *em)
{
	struct parse *p = arg;
	as_err err = AS_EPROTO;

	for (size_t i = 0; i < p->table->n; i++) {
		const struct conf_key *key = &p->table->keys[i];
		if (strcmp(key->section, k->section) != 0 || strcmp(key->name, k->name) != 0)
			continue;
		if (p->seen[i])
			as_errmsg_set(em, "given for the second time");
		else if ((err = conf_set_value(key, bytes_of_str(k->value), p->values, em)) == AS_OK)
			p->seen[i] = true;
		if (err)
			as_errmsg_prefix(em, "%s.%s", k->section, k->name);
		return err;
	}
	if (p->table->others)
		return AS_OK;
	as_errmsg_set(em, "%.50s.%.50s: no such key", k->section, k->name);
	return AS_EPROTO;
}

static as_err missing(struct parse *p, struct as_errmsg *em)
{
	for (size_t i = 0; i < p->table->n; i++) {
		const struct conf_key *key = &p->table->keys[i];
		if (key->flags & CONF_REQUIRED && !p->seen[i]) {
			as_errmsg_set(em, "%s: %s.%s: is required and not there", p->name, key->section,
				      key->name);
			return AS_EPROTO;
		}
	}
	return AS_OK;
}

void conf_defaults(const struct conf_table *table, void *ret)
{
	as_assert(table->n <= CONF_KEYS_MAX && table->bytes <= CONF_STRUCT_MAX);
	memset(ret, 0, table->bytes);
	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];
		as_assert(key->offset + key->size <= table->bytes);
		as_assert((key->def == NULL) == ((key->flags & CONF_REQUIRED) != 0));
		if (key->def)
			as_assert(conf_set_value(key, bytes_of_str(key->def), ret, NULL) == AS_OK);
	}
}

as_err conf_parse(const struct conf_table *table, const char *name, struct bytes text, void *ret,
		  struct as_errmsg *em)
{
	_Alignas(uint64_t) uint8_t values[CONF_STRUCT_MAX];
	struct parse p = {.table = table, .name = name, .values = values};
	struct as_errmsg why = {0};
	as_err err;

	conf_defaults(table, values);
	err = conf_ini_each(name, text, take_section, take_key, &p, &why);
	if (!err)
		err = missing(&p, &why);
	if (!err && table->check && (err = table->check(values, &why)))
		as_errmsg_prefix(&why, "%s", name);
	if (err && em)
		*em = why;
	else if (!err)
		memcpy(ret, values, table->bytes);
	return err;
}

as_err conf_load(const struct conf_table *table, const char *path, void *ret, struct as_errmsg *em)
{
	uint8_t text[CONF_FILE_MAX];
	size_t n = 0;
	as_err err = conf_read_file(path, text, sizeof text, &n, em);

	return err ? err : conf_parse(table, path, bytes_of(text, n), ret, em);
}

void conf_reload(const struct conf_table *table, void *running, const void *next,
		 struct conf_changes *ret_changes)
{
	struct conf_changes changes = {0};

	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];
		uint8_t *now = (uint8_t *)running + key->offset;
		const uint8_t *then = (const uint8_t *)next + key->offset;
		/* texts are filled up with zeros: equal values are equal bytes */
		if (memcmp(now, then, key->size) == 0)
			continue;
		if (key->flags & CONF_RELOAD) {
			memcpy(now, then, key->size);
			changes.taken[changes.taken_n++] = key;
		} else {
			changes.waiting[changes.waiting_n++] = key;
		}
	}
	*ret_changes = changes;
}

void conf_names(const struct conf_key *const *keys, size_t n, char *ret, size_t cap)
{
	size_t at = 0;

	as_assert(cap >= 4);
	ret[0] = 0;
	for (size_t i = 0; i < n; i++) {
		int more =
		    snprintf(ret + at, cap - at, "%s%s.%s", i ? " " : "", keys[i]->section, keys[i]->name);
		if (more < 0 || (size_t)more >= cap - at) {
			memcpy(ret + cap - 4, "...", 4);
			return;
		}
		at += (size_t)more;
	}
}

/* A comment, wrapped at blanks. */
static void put_comment(struct writer *w, const char *text)
{
	while (*text) {
		size_t n = strlen(text);
		if (n > DUMP_COLUMNS) {
			for (n = DUMP_COLUMNS; n > 1 && text[n] != ' '; n--)
				;
			if (n == 1)
				n = strcspn(text, " ");
		}
		writer_lit(w, "# ");
		writer_add(w, text, n);
		writer_lit(w, "\n");
		text += n + (text[n] == ' ');
	}
}

void conf_dump(const struct conf_table *table, const void *values, struct writer *w)
{
	const char *section = NULL;

	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];
		if (section == NULL || strcmp(section, key->section) != 0) {
			writer_bytes(w, bytes_of_str(section ? "\n[" : "["));
			writer_bytes(w, bytes_of_str(key->section));
			writer_lit(w, "]\n");
			section = key->section;
		}
		put_comment(w, key->help);
		writer_bytes(w, bytes_of_str(key->name));
		writer_lit(w, " = ");
		conf_put_value(key, values, w);
		writer_lit(w, "\n");
	}
}
