#include "common/conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"

#define LINE_MAX 198 /* Debian's inih takes lines apart in 200 bytes, with newline and 0 */
#define DUMP_COLUMNS 100

/* A file being read. inih asks for lines and gives keys; both see this. */
struct parse {
	const struct conf_table *table;
	const char *name;
	struct bytes left;
	unsigned line;
	bool seen[CONF_KEYS_MAX];
	void *values;
	as_err err; /* the first one, with its message in em */
	struct as_errmsg em;
};

/* "file:line: " goes before a message that is set. */
static as_err failed(struct parse *p)
{
	p->err = AS_EPROTO;
	as_errmsg_prefix(&p->em, "%s:%u", p->name, p->line);
	return AS_EPROTO;
}

static bool section_known(const struct conf_table *table, struct bytes name)
{
	for (size_t i = 0; i < table->n; i++)
		if (bytes_equal(name, bytes_of_str(table->keys[i].section)))
			return true;
	return false;
}

/* Sections without keys never come to take_key. */
static const char *check_section(const struct parse *p, struct bytes line)
{
	const uint8_t *end = memchr(line.p, ']', line.n);

	if (end == NULL)
		return "a section begins here and has no ]";
	for (const uint8_t *c = end + 1; c < line.p + line.n && *c != ';'; c++)
		if (*c != ' ' && *c != '\t')
			return "something stands behind a section";
	if (!p->table->others && !section_known(p->table, bytes_of(line.p + 1, (size_t)(end - line.p - 1))))
		return "no such section";
	return NULL;
}

/* What inih would take otherwise than it looks. NULL, or what is wrong with the line. */
static const char *check_line(const struct parse *p, struct bytes line)
{
	size_t blanks = 0;

	if (!text_utf8_valid(line))
		return "not UTF-8";
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return "a control character";
	while (blanks < line.n && (line.p[blanks] == ' ' || line.p[blanks] == '\t'))
		blanks++;
	if (blanks == line.n || line.p[blanks] == ';' || line.p[blanks] == '#')
		return NULL;
	if (blanks)
		return "the line is indented: begin it at the left, continued lines do not exist";
	return line.p[0] == '[' ? check_section(p, line) : NULL;
}

/* As fgets, for inih. */
static char *next_line(char *ret, int cap, void *arg)
{
	struct parse *p = arg;
	struct bytes line;

	if (p->left.n == 0 || p->err)
		return NULL;
	p->line++;
	if (!text_take_line(&p->left, &line)) { /* the last one, without its end */
		line = p->left;
		p->left.n = 0;
	}
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	const char *what = check_line(p, line);
	if (what)
		as_errmsg_set(&p->em, "%s", what);
	else if (line.n > LINE_MAX || line.n + 2 > (size_t)cap)
		as_errmsg_set(&p->em, "a line of %zu bytes: at most %d are read", line.n, LINE_MAX);
	if (p->em.text[0]) {
		failed(p);
		return NULL;
	}
	memcpy(ret, line.p, line.n);
	ret[line.n] = '\n';
	ret[line.n + 1] = 0;
	return ret;
}

/* For inih: 1 to go on. */
static int take_key(void *arg, const char *section, const char *name, const char *value)
{
	struct parse *p = arg;

	if (p->err)
		return 0;
	for (size_t i = 0; i < p->table->n; i++) {
		const struct conf_key *key = &p->table->keys[i];
		if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
			continue;
		if (p->seen[i])
			as_errmsg_set(&p->em, "given for the second time");
		else if (conf_set_value(key, bytes_of_str(value), p->values, &p->em) == AS_OK)
			return p->seen[i] = true;
		as_errmsg_prefix(&p->em, "%s.%s", section, name);
		failed(p);
		return 0;
	}
	if (p->table->others)
		return 1;
	if (section[0] == 0)
		as_errmsg_set(&p->em, "%.50s: stands before any [section]", name);
	else
		as_errmsg_set(&p->em, "%.50s.%.50s: no such key", section, name);
	failed(p);
	return 0;
}

static as_err missing(struct parse *p)
{
	for (size_t i = 0; i < p->table->n; i++) {
		const struct conf_key *key = &p->table->keys[i];
		if (key->flags & CONF_REQUIRED && !p->seen[i]) {
			as_errmsg_set(&p->em, "%s: %s.%s: is required and not there", p->name, key->section,
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
	struct parse p = {.table = table, .name = name, .left = text, .values = values};
	int line;

	conf_defaults(table, values);
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) /* some editors begin UTF-8 so */
		p.left = bytes_of(text.p + 3, text.n - 3);
	line = ini_parse_stream(next_line, &p, take_key, &p);
	if (!p.err && line) {
		p.line = line > 0 ? (unsigned)line : p.line;
		as_errmsg_set(&p.em, "neither a [section] nor `key = value`");
		failed(&p);
	}
	if (!p.err)
		p.err = missing(&p);
	if (!p.err && table->check && (p.err = table->check(values, &p.em)))
		as_errmsg_prefix(&p.em, "%s", name);
	if (p.err && em)
		*em = p.em;
	else if (!p.err)
		memcpy(ret, values, table->bytes);
	return p.err;
}

static as_err file_failed(const char *what, const char *path, struct as_errmsg *em)
{
	int e = errno;

	as_errmsg_set(em, "cannot %s %s: %s", what, path, strerror(e));
	return e == ENOENT ? AS_ENOTFOUND : e == EACCES || e == ELOOP || e == EPERM ? AS_EREFUSED : AS_EIO;
}

static as_err check_file(int fd, const char *path, struct as_errmsg *em)
{
	struct stat st;

	if (fstat(fd, &st))
		return file_failed("look at", path, em);
	if (!S_ISREG(st.st_mode)) {
		as_errmsg_set(em, "%s is not a file", path);
		return AS_EREFUSED;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		as_errmsg_set(em, "%s belongs to uid %lu, neither to uid %lu nor to root", path,
			      (unsigned long)st.st_uid, (unsigned long)geteuid());
		return AS_EREFUSED;
	}
	if (st.st_mode & 022) {
		as_errmsg_set(em, "%s can be written by others (mode %04o): type: chmod go-w %s", path,
			      (unsigned)st.st_mode & 07777, path);
		return AS_EREFUSED;
	}
	if (st.st_size > CONF_FILE_MAX) {
		as_errmsg_set(em, "%s is longer than %d bytes", path, CONF_FILE_MAX);
		return AS_ETOOBIG;
	}
	return AS_OK;
}

static as_err read_file(const char *path, uint8_t *buf, size_t cap, size_t *ret_n, struct as_errmsg *em)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = 1;
	size_t n = 0;

	if (fd < 0)
		return file_failed("open", path, em);
	as_err err = check_file(fd, path, em);
	while (!err && got != 0 && n < cap) {
		got = read(fd, buf + n, cap - n);
		if (got > 0)
			n += (size_t)got;
		else if (got < 0 && errno != EINTR)
			err = file_failed("read", path, em);
	}
	close(fd);
	if (!err)
		*ret_n = n;
	return err;
}

as_err conf_load(const struct conf_table *table, const char *path, void *ret, struct as_errmsg *em)
{
	uint8_t text[CONF_FILE_MAX];
	size_t n = 0;
	as_err err = read_file(path, text, sizeof text, &n, em);

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
