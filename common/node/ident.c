#include "common/node/ident.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/base/writer.h"
#include "common/node/files.h"

#define FILE_BYTES_MAX 1024

bool branch_code_valid(struct bytes s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	return s.n >= 2 && s.n <= BRANCH_CODE_MAX;
}

bool node_name_valid(struct bytes s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	/* C1 control characters are C2 80 to C2 9F */
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == 0xc2 && s.p[i + 1] < 0xa0)
			return false;
	/* blanks at an end would not come back from the file */
	return s.n <= NODE_NAME_MAX && (s.n == 0 || (s.p[0] != ' ' && s.p[s.n - 1] != ' ')) &&
	       text_utf8_valid(s);
}

static bool set_text(char *field, size_t max, struct bytes v)
{
	if (v.n > max)
		return false;
	memcpy(field, v.p, v.n);
	field[v.n] = 0;
	return true;
}

static bool set_format(struct node_ident *id, struct bytes v)
{
	(void)id;
	return v.n == 1 && v.p[0] == '1';
}

static bool set_role(struct node_ident *id, struct bytes v)
{
	id->role = bytes_equal(v, bytes_of_str("hq")) ? NODE_HQ : NODE_BRANCH;
	return id->role == NODE_HQ || bytes_equal(v, bytes_of_str("branch"));
}

static bool set_org(struct node_ident *id, struct bytes v)
{
	return text_unhex(v, id->org, sizeof id->org);
}

static bool set_root(struct node_ident *id, struct bytes v)
{
	return text_unhex(v, id->root, sizeof id->root);
}

static bool set_branch(struct node_ident *id, struct bytes v)
{
	return branch_code_valid(v) && set_text(id->branch, BRANCH_CODE_MAX, v);
}

static bool set_name(struct node_ident *id, struct bytes v)
{
	return node_name_valid(v) && set_text(id->name, NODE_NAME_MAX, v);
}

static bool set_timezone(struct node_ident *id, struct bytes v)
{
	return tz_name_valid(v) && set_text(id->timezone, TZ_NAME_MAX, v);
}

static const struct line {
	const char *key;
	enum node_role only; /* 0: both */
	bool (*set)(struct node_ident *id, struct bytes v);
	const char *rule;
} lines[] = {
    {"format", 0, set_format, "1"},
    {"role", 0, set_role, "hq or branch"},
    {"org", 0, set_org, "32 hex digits"},
    {"root", 0, set_root, "64 hex digits"},
    {"org_name", NODE_HQ, set_name, "UTF-8, at most 60 bytes, no control characters"},
    {"branch", NODE_BRANCH, set_branch, "2 to 8 of A-Z and 0-9"},
    {"name", NODE_BRANCH, set_name, "UTF-8, at most 60 bytes, no control characters"},
    {"timezone", 0, set_timezone, "the name of a time zone, as Asia/Shanghai"},
};

static void put_value(struct writer *w, const struct node_ident *id, const struct line *l)
{
	if (l->set == set_format)
		writer_lit(w, "1");
	else if (l->set == set_role)
		writer_bytes(w, bytes_of_str(id->role == NODE_HQ ? "hq" : "branch"));
	else if (l->set == set_org)
		writer_hex(w, id->org, sizeof id->org);
	else if (l->set == set_root)
		writer_hex(w, id->root, sizeof id->root);
	else
		writer_bytes(w, bytes_of_str(l->set == set_branch ? id->branch
					     : l->set == set_name ? id->name
								  : id->timezone));
}

as_err node_ident_save(const struct node_dir *dir, const struct node_ident *id, struct as_errmsg *em)
{
	char text[FILE_BYTES_MAX];
	struct writer w = writer_of(text, sizeof text);
	struct node_ident copy;

	as_assert(id->role == NODE_HQ || id->role == NODE_BRANCH);
	for (size_t i = 0; i < AS_COUNT(lines); i++) {
		if (lines[i].only && lines[i].only != id->role)
			continue;
		writer_bytes(&w, bytes_of_str(lines[i].key));
		writer_lit(&w, " = ");
		size_t at = w.n;
		put_value(&w, id, &lines[i]);
		if (w.full || !lines[i].set(&copy, bytes_of(text + at, w.n - at))) {
			as_errmsg_set(em, "%s is not %s", lines[i].key, lines[i].rule);
			return AS_EINVAL;
		}
		writer_lit(&w, "\n");
	}
	as_assert(!w.full);
	return file_write(dir->fd, "node", true, dir->node, writer_done(&w), em);
}

/* Takes `key = ` off the front of a line. */
static bool take_key(struct bytes *line, const char *key)
{
	size_t n = strlen(key);

	if (line->n < n + 2 || memcmp(line->p, key, n) != 0 || memcmp(line->p + n, " =", 2) != 0)
		return false;
	*line = bytes_of(line->p + n + 2, line->n - n - 2);
	if (line->n && line->p[0] == ' ')
		*line = bytes_of(line->p + 1, line->n - 1);
	return true;
}

as_err node_ident_load(const struct node_dir *dir, struct node_ident *ret, struct as_errmsg *em)
{
	struct node_ident id = {0};
	uint8_t text[FILE_BYTES_MAX];
	struct bytes left, v;
	unsigned line = 0;
	size_t n;
	as_err err;

	if ((err = file_read(dir->fd, "node", FILE_OWN, dir->node, text, sizeof text, &n, em)))
		return err;
	left = bytes_of(text, n);
	for (size_t i = 0; i < AS_COUNT(lines); i++) {
		const struct line *l = &lines[i];
		if (l->only && l->only != id.role)
			continue;
		line++;
		if (!text_take_line(&left, &v) || !take_key(&v, l->key)) {
			as_errmsg_set(em, "%s:%u: `%s = …` is expected here", dir->node, line, l->key);
			return AS_EPROTO;
		}
		uint64_t format;
		if (i == 0 && text_decimal(v, UINT32_MAX, &format) && format > 1) {
			as_errmsg_set(em, "%s: format %u is of a newer version of the program", dir->node,
				      (unsigned)format);
			return AS_EUNSUPPORTED;
		}
		if (!l->set(&id, v)) {
			as_errmsg_set(em, "%s:%u: %s is not %s", dir->node, line, l->key, l->rule);
			return AS_EPROTO;
		}
	}
	if (left.n) {
		as_errmsg_set(em, "%s:%u: nothing is expected here", dir->node, line + 1);
		return AS_EPROTO;
	}
	*ret = id;
	return AS_OK;
}
