#include "common/conf/conf_ini.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/conf/conf.h"

#define LINE_MAX 198 /* Debian's inih takes lines apart in 200 bytes, with newline and 0 */

/* A text being read. inih asks for lines and gives keys; both see this. */
struct ini {
	const char *name;
	struct bytes left;
	unsigned line;
	conf_ini_section_fn section;
	conf_ini_key_fn key;
	void *arg;
	as_err err; /* the first one, with its message in em */
	struct as_errmsg em;
};

/* "file:line: " goes before a message that is set. */
static void failed(struct ini *p, as_err err)
{
	p->err = err;
	as_errmsg_prefix(&p->em, "%s:%u", p->name, p->line);
}

/* Sections without keys never come to take_key. */
static as_err check_section(struct ini *p, struct bytes line)
{
	char name[CONF_INI_NAME_MAX + 1];
	const uint8_t *end = memchr(line.p, ']', line.n);

	if (end == NULL) {
		as_errmsg_set(&p->em, "a section begins here and has no ]");
		return AS_EPROTO;
	}
	for (const uint8_t *c = end + 1; c < line.p + line.n && *c != ';'; c++)
		if (*c != ' ' && *c != '\t') {
			as_errmsg_set(&p->em, "something stands behind a section");
			return AS_EPROTO;
		}
	size_t n = (size_t)(end - line.p - 1);
	if (n > CONF_INI_NAME_MAX) {
		as_errmsg_set(&p->em, "the name of a section has at most %d bytes", CONF_INI_NAME_MAX);
		return AS_EPROTO;
	}
	memcpy(name, line.p + 1, n);
	name[n] = 0;
	return p->section(p->arg, p->line, name, &p->em);
}

/* What inih would take otherwise than it looks. */
static as_err check_line(struct ini *p, struct bytes line)
{
	const char *what = NULL;
	size_t blanks = 0;

	if (!text_utf8_valid(line))
		what = "not UTF-8";
	for (size_t i = 0; i < line.n && !what; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			what = "a control character";
	while (blanks < line.n && (line.p[blanks] == ' ' || line.p[blanks] == '\t'))
		blanks++;
	if (!what && (blanks == line.n || line.p[blanks] == ';' || line.p[blanks] == '#'))
		return AS_OK;
	if (!what && blanks)
		what = "the line is indented: begin it at the left, continued lines do not exist";
	if (what) {
		as_errmsg_set(&p->em, "%s", what);
		return AS_EPROTO;
	}
	return line.p[0] == '[' ? check_section(p, line) : AS_OK;
}

/* As fgets, for inih. */
static char *next_line(char *ret, int cap, void *arg)
{
	struct ini *p = arg;
	struct bytes line;
	as_err err;

	if (p->left.n == 0 || p->err)
		return NULL;
	p->line++;
	if (!text_take_line(&p->left, &line)) { /* the last one, without its end */
		line = p->left;
		p->left.n = 0;
	}
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	err = check_line(p, line);
	if (!err && (line.n > LINE_MAX || line.n + 2 > (size_t)cap)) {
		as_errmsg_set(&p->em, "a line of %zu bytes: at most %d are read", line.n, LINE_MAX);
		err = AS_EPROTO;
	}
	if (err) {
		failed(p, err);
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
	struct ini *p = arg;
	struct conf_ini_key key = {.line = p->line, .section = section, .name = name, .value = value};
	as_err err = AS_EPROTO;

	if (p->err)
		return 0;
	if (section[0] == 0)
		as_errmsg_set(&p->em, "%.50s: stands before any [section]", name);
	else
		err = p->key(p->arg, &key, &p->em);
	if (err)
		failed(p, err);
	return err == AS_OK;
}

as_err conf_ini_each(const char *name, struct bytes text, conf_ini_section_fn section, conf_ini_key_fn key, void *arg,
		     struct as_errmsg *em)
{
	struct ini p = {.name = name, .left = text, .section = section, .key = key, .arg = arg};
	int line;

	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) /* some editors begin UTF-8 so */
		p.left = bytes_of(text.p + 3, text.n - 3);
	line = ini_parse_stream(next_line, &p, take_key, &p);
	if (!p.err && line) {
		p.line = line > 0 ? (unsigned)line : p.line;
		as_errmsg_set(&p.em, "neither a [section] nor `key = value`");
		failed(&p, AS_EPROTO);
	}
	if (p.err && em)
		*em = p.em;
	return p.err;
}

/* ---- files ----------------------------------------------------------------------------------------------- */

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

as_err conf_read_file(const char *path, uint8_t *buf, size_t cap, size_t *ret_n, struct as_errmsg *em)
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
