/* hq enrol: the last line printed is the join code, alone; of many branches one code a line. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/import/csv_file.h"
#include "common/intake/intake.h"
#include "common/wire/event.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

#define ENROL_MANY_MAX 2000 /* ENROLMENTS_MAX of the node library */

static void put(json_t *request, const char *name, const char *value)
{
	if (value)
		json_object_set_new(request, name, json_string(value));
}

/* What stands beside the branch, or beside the list of them. */
static json_t *request_of(const struct args *a)
{
	json_t *request = json_pack("{s:s, s:I, s:I, s:b}", "cmd", "hq-enrol", "uses", (json_int_t)cli_number(a, "uses"),
				    "expires_s", (json_int_t)cli_number(a, "expires"), "replace",
				    cli_flag(a, "replace"));

	put(request, "name", cli_value(a, "name"));
	put(request, "region", cli_value(a, "region"));
	put(request, "timezone", cli_value(a, "timezone"));
	put(request, "endpoint", cli_value(a, "endpoint"));
	return request;
}

static int enrol_one(const struct args *a)
{
	AS_AUTO(json) json_t *answers = NULL;

	if (!branch_code_ok(bytes_of_str(a->arg)))
		return cli_fail(EXIT_USAGE, a, "%.40s: not a branch code: 2 to 8 of A-Z and 0-9", a->arg);
	json_t *request = request_of(a);
	put(request, "branch", a->arg);
	int code = ask_all(a, ASK_OR_STORE, request, &answers);
	const json_t *last = json_array_get(answers, json_array_size(answers) - 1);
	const char *join = json_string_value(json_object_get(last, "join_code"));
	const char *expires = json_string_value(json_object_get(last, "expires"));

	if (code)
		return code;
	if (join == NULL)
		return cli_fail(EXIT_WRONG, a, "%s: no join code was made", a->arg);
	printf("%s may join %lld time%s until %s. The code holds a secret: hand it over as one.\n"
	       "Next, at the branch: aftersync branch join JOINCODE --dir DIR\n%s\n",
	       a->arg, (long long)cli_number(a, "uses"), cli_number(a, "uses") == 1 ? "" : "s",
	       expires ? expires : "it expires", join);
	return fflush(stdout) == 0 ? EXIT_DONE : cli_fail(EXIT_IO, a, "output: cannot be written");
}

/* ---- many, from a file ---------------------------------------------------------------------------- */

static const char *const columns[] = {"branch", "name", "region", "timezone"};

struct branches {
	const struct args *a;
	const char *path;
	int column[CSV_FIELDS_MAX]; /* which of the columns, in the order of the file */
	size_t n;
	json_t *list;
};

static int head_read(struct branches *b, const struct csv_record *r)
{
	bool seen[AS_COUNT(columns)] = {false};

	for (size_t i = 0; i < r->n; i++) {
		int k = 0;
		while (k < (int)AS_COUNT(columns) && !bytes_equal(r->field[i], bytes_of_str(columns[k])))
			k++;
		if (k == AS_COUNT(columns) || seen[k])
			return cli_fail(EXIT_USAGE, b->a,
					"%s:%lu: columns branch, name, region, timezone are wanted, each once", b->path,
					r->line);
		seen[k] = true;
		b->column[i] = k;
	}
	b->n = r->n;
	return seen[0] ? EXIT_DONE
		       : cli_fail(EXIT_USAGE, b->a, "%s:%lu: the column branch is missing", b->path, r->line);
}

static bool listed(const json_t *list, const char *code)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(list, i), "branch")), code) == 0)
			return true;
	return false;
}

static int row_read(struct branches *b, const struct csv_record *r)
{
	AS_AUTO(json) json_t *one = json_object();
	const char *code;

	if (r->wrong)
		return cli_fail(EXIT_USAGE, b->a, "%s:%lu: %s", b->path, r->line, r->wrong);
	if (r->n != b->n)
		return cli_fail(EXIT_USAGE, b->a, "%s:%lu: %zu fields instead of %zu", b->path, r->line, r->n, b->n);
	for (size_t i = 0; i < r->n; i++) {
		if (r->field[i].n == 0)
			continue;
		json_t *text = json_stringn((const char *)r->field[i].p, r->field[i].n);
		if (text == NULL)
			return cli_fail(EXIT_USAGE, b->a, "%s:%lu: %s: not UTF-8", b->path, r->line,
					columns[b->column[i]]);
		json_object_set_new(one, columns[b->column[i]], text);
	}
	const json_t *branch = json_object_get(one, "branch");
	code = branch ? json_string_value(branch) : "";
	if (!branch_code_ok(bytes_of(code, branch ? json_string_length(branch) : 0)))
		return cli_fail(EXIT_USAGE, b->a, "%s:%lu: %.40s: not a branch code: 2 to 8 of A-Z and 0-9", b->path,
				r->line, code);
	if (listed(b->list, code))
		return cli_fail(EXIT_USAGE, b->a, "%s:%lu: %s is there twice", b->path, r->line, code);
	return json_array_append(b->list, one) == 0 ? EXIT_DONE : cli_fail(EXIT_IO, b->a, "out of memory");
}

static int file_read(struct branches *b)
{
	struct as_errmsg em = {"out of memory"};
	struct csv_record r;
	struct csv_file *f = NULL;
	as_err err = csv_file_open(&f, b->path, ',', &em);
	int code = EXIT_DONE;

	if (err)
		return cli_fail(EXIT_IO, b->a, "%s", em.text); /* which names the file, as in cmd_import.c */
	while (code == EXIT_DONE && (err = csv_file_next(f, &r)) == AS_OK) {
		if (b->n == 0 && !r.wrong)
			code = head_read(b, &r);
		else
			code = row_read(b, &r);
	}
	csv_file_close(f);
	if (code)
		return code;
	if (err != AS_ENOTFOUND)
		return cli_fail(EXIT_IO, b->a, "%s: %s", b->path, as_err_text(err));
	if (json_array_size(b->list) == 0)
		return cli_fail(EXIT_USAGE, b->a, "%s: no branch is there", b->path);
	return EXIT_DONE;
}

/* All or none of them, in one commit: the file is read whole before anything is asked. */
static int enrol_many(const struct args *a)
{
	AS_AUTO(json) json_t *list = json_array();
	AS_AUTO(json) json_t *answers = NULL;
	struct branches b = {.a = a, .path = cli_value(a, "from"), .list = list};
	json_t *request;
	int code = file_read(&b);

	if (code)
		return code;
	request = request_of(a);
	json_object_set(request, "branches", list);
	size_t n = json_dumpb(request, NULL, 0, JSON_COMPACT);
	if (n > INTAKE_LINE_MAX || json_array_size(list) > ENROL_MANY_MAX) {
		json_decref(request);
		return cli_fail(EXIT_USAGE, a, "%s: %zu branches, %zu bytes: at most %d and %d at once; part the file", b.path,
				json_array_size(list), n, ENROL_MANY_MAX, INTAKE_LINE_MAX);
	}
	if ((code = ask_all(a, ASK_OR_STORE, request, &answers)) != EXIT_DONE)
		return code;
	for (size_t i = 0; i < json_array_size(answers); i++) {
		const char *join = json_string_value(json_object_get(json_array_get(answers, i), "join_code"));
		if (join)
			puts(join);
	}
	return fflush(stdout) == 0 ? EXIT_DONE : cli_fail(EXIT_IO, a, "output: cannot be written");
}

int cmd_hq_enrol(const struct args *a)
{
	const char *from = cli_value(a, "from");

	if ((a->arg != NULL) == (from != NULL))
		return cli_fail(EXIT_USAGE, a, "a branch CODE is wanted, or --from FILE");
	if (from && (cli_value(a, "name") || cli_flag(a, "replace")))
		return cli_fail(EXIT_USAGE, a, "--name and --replace are for one branch, not for --from FILE");
	return from ? enrol_many(a) : enrol_one(a);
}
