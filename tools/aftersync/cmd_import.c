/*
 * import: CSV files through a map into events (docs/import.md). Pass 1 reads every file whole and checks every row, so
 * that a bad one is known before anything is recorded; pass 2 makes the events again and sends them. Bad rows are read
 * once more for --rejects.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/import/rows.h"
#include "common/node/ident.h"
#include "common/out/out.h"
#include "tools/aftersync/commands.h"
#include "tools/aftersync/import_send.h"

#define SAID_MAX 20 /* problems that are said one by one */
#define PROBLEMS_BYTES_MAX (1u << 30)

/* A row that is not taken. */
struct problem {
	uint64_t row; /* number of the record, over all files, from 1 */
	size_t text;  /* where its reason stands in reasons */
};

struct file {
	const char *name;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct import {
	const struct args *a;
	struct map map;
	struct node_ident ident;
	struct tz zone;
	struct rows_where where[ROWS_WHERE_MAX];
	struct rows_conf conf;
	struct rows *rows;
	struct file *files;
	size_t files_n;
	bool skip;
	/* the walk through the files */
	size_t file; /* the open one; files_n: done */
	struct csv_file *csv;
	struct csv_record record;
	struct rows_made made;
	uint64_t row;
	bool broken; /* the walk ended early, and it was said */
	/* results */
	struct buf problems; /* struct problem, by row */
	struct buf reasons;
	size_t next_problem; /* in pass 2 */
	uint64_t said, bad;
	uint64_t read, selected, events, cut[MAP_COLUMNS_MAX];
	struct import_counts counts;
	/* progress */
	bool terminal, shown;
	uint64_t began_ms, last_ms, bytes, bytes_done;
};

/* ---- what is said ------------------------------------------------------------------------------------------ */

static void progress_clear(struct import *m)
{
	if (m->shown)
		fprintf(stderr, "\r%*s\r", 70, "");
	m->shown = false;
}

/* At most every fifth of a second, on a terminal. done, all: bytes or events. */
static void progress_show(struct import *m, const char *what, uint64_t done, uint64_t all, uint64_t n)
{
	uint64_t now = clock_mono_ms(), ms = now - m->began_ms;

	if (!m->terminal || now - m->last_ms < 200 || ms == 0)
		return;
	m->last_ms = now;
	uint64_t left_s = done && all > done ? ms * (all - done) / done / 1000 : 0;
	fprintf(stderr, "\r%s %llu, %llu a second, %llu:%02llu left    ", what, (unsigned long long)n,
		(unsigned long long)(n * 1000 / ms), (unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60));
	m->shown = true;
}

/* The first ones are said, the rest is counted. */
static void say_problem(struct import *m, const char *file, unsigned long line, const char *column, const char *text)
{
	if (m->said++ >= SAID_MAX)
		return;
	progress_clear(m);
	cli_fail(EXIT_WRONG, m->a, "%.200s:%lu: %s%s%s", file, line, column, column[0] ? ": " : "", text);
}

static as_err add_problem(struct import *m, uint64_t row, const char *column, const char *text)
{
	struct problem p = {.row = row, .text = m->reasons.n};
	as_err err = buf_add(&m->problems, &p, sizeof p);

	if (!err && column[0] && !(err = buf_add(&m->reasons, column, strlen(column))))
		err = buf_add(&m->reasons, ": ", 2);
	if (!err)
		err = buf_add(&m->reasons, text, strlen(text) + 1);
	return err;
}

/* ---- the walk ---------------------------------------------------------------------------------------------- */

static void walk_end(struct import *m)
{
	csv_file_close(m->csv);
	m->csv = NULL;
}

static void walk_begin(struct import *m)
{
	walk_end(m);
	m->file = 0;
	m->row = 0;
	m->broken = false;
	m->bytes_done = 0;
	m->began_ms = clock_mono_ms();
}

static int broken(struct import *m, int code, const char *what)
{
	progress_clear(m);
	m->broken = true;
	return cli_fail(code, m->a, "%s", what);
}

/* Opens the file and reads its header. False: said. */
static bool walk_open(struct import *m)
{
	const char *name = m->files[m->file].name;
	struct as_errmsg em = {"out of memory"};
	struct csv_record *head = NULL;
	as_err err = csv_file_open(&m->csv, name, m->map.delimiter, &em);

	if (err) {
		broken(m, EXIT_IO, em.text);
		return false;
	}
	if (m->map.header) {
		head = &m->record;
		err = csv_file_next(m->csv, head);
	}
	if (err == AS_ENOTFOUND) {
		say_problem(m, name, 1, "", "the file is empty");
	} else if (err) {
		as_errmsg_set(&em, "%.200s: %s", name, as_err_text(err));
		broken(m, EXIT_IO, em.text);
		return false;
	} else if (rows_header(m->rows, head, &m->made)) {
		return true;
	} else {
		say_problem(m, name, head ? head->line : 1, m->made.column, m->made.text);
	}
	m->broken = true; /* not a bad row: no --skip-bad helps */
	return false;
}

/* The next record of all files in m->record; false: the end, or broken. */
static bool walk_next(struct import *m)
{
	struct as_errmsg em = {0};

	while (m->file < m->files_n) {
		if (m->csv == NULL && !walk_open(m))
			return false;
		as_err err = csv_file_next(m->csv, &m->record);
		if (err == AS_OK) {
			m->row++;
			return true;
		}
		if (err != AS_ENOTFOUND) {
			as_errmsg_set(&em, "%.200s: %s", m->files[m->file].name, as_err_text(err));
			broken(m, EXIT_IO, em.text);
			return false;
		}
		m->bytes_done += csv_file_size(m->csv);
		walk_end(m);
		m->file++;
	}
	return false;
}

/* ---- pass 1 ------------------------------------------------------------------------------------------------ */

static void count_row(struct import *m)
{
	m->selected++;
	m->events += m->made.n;
	for (size_t i = 0; i < MAP_COLUMNS_MAX; i++)
		m->cut[i] += m->made.cut[i];
}

static as_err check_row(struct import *m)
{
	const char *name = m->files[m->file].name;
	as_err err = rows_make(m->rows, &m->record, name, true, &m->made);

	if (err)
		return err;
	m->read++;
	if (m->made.wrong) {
		m->bad++;
		say_problem(m, name, m->record.line, m->made.column, m->made.text);
		if (m->skip)
			err = add_problem(m, m->row, m->made.column, m->made.text);
	} else if (m->made.selected) {
		count_row(m);
	}
	rows_clear(&m->made);
	progress_show(m, "checked", m->bytes_done + csv_file_at(m->csv), m->bytes, m->read);
	return err;
}

/* Bad rows of files with other columns would not stand under their names. */
static as_err same_columns(struct import *m, struct buf *first, bool *ret_same)
{
	AS_AUTO(buf) struct buf now = {0};
	as_err err = AS_OK;

	buf_init(&now, CSV_FIELDS_MAX * 64);
	for (size_t i = 0; i < rows_columns(m->rows) && !err; i++)
		err = buf_add(&now, rows_column(m->rows, i), strlen(rows_column(m->rows, i)) + 1);
	*ret_same = first->n == 0 || bytes_equal(buf_bytes(first), buf_bytes(&now));
	if (!err && first->n == 0 && now.n)
		err = buf_add(first, now.p, now.n);
	return err;
}

static int pass_1(struct import *m)
{
	AS_AUTO(buf) struct buf columns = {0};
	size_t looked = SIZE_MAX;
	bool same = true;
	as_err err = AS_OK;

	buf_init(&columns, CSV_FIELDS_MAX * 64);
	walk_begin(m);
	while (!err && same && walk_next(m)) {
		if (looked != m->file && m->skip)
			err = same_columns(m, &columns, &same);
		looked = m->file;
		if (!err && same)
			err = check_row(m);
	}
	progress_clear(m);
	if (err)
		return cli_fail(EXIT_IO, m->a, "%s", as_err_text(err));
	if (!same)
		return cli_fail(EXIT_WRONG, m->a, "%.200s: other columns than %.200s: --rejects takes files of one form",
				m->files[m->file].name, m->files[0].name);
	if (m->said > SAID_MAX)
		cli_fail(EXIT_WRONG, m->a, "and %llu more", (unsigned long long)(m->said - SAID_MAX));
	if (m->broken)
		return cli_fail(EXIT_WRONG, m->a, "nothing is recorded");
	if (m->bad && !m->skip)
		return cli_fail(EXIT_WRONG, m->a,
				"%llu of %llu rows are bad, nothing is recorded; --skip-bad --rejects FILE takes the others",
				(unsigned long long)m->bad, (unsigned long long)m->read);
	return EXIT_DONE;
}

/* ---- pass 2 ------------------------------------------------------------------------------------------------ */

static const struct problem *problem_at(const struct import *m, size_t i)
{
	return i < m->problems.n / sizeof(struct problem) ? (const struct problem *)(const void *)m->problems.p + i : NULL;
}

/* Is this row one of those of pass 1? */
static bool was_bad(struct import *m, size_t n)
{
	const struct problem *p = m->next_problem < n ? problem_at(m, m->next_problem) : NULL;

	if (p == NULL || p->row != m->row)
		return false;
	m->next_problem++;
	return true;
}

static as_err next_row(void *arg, struct import_tag *ret_tag, struct buf *lines, size_t *ret_n)
{
	struct import *m = arg;
	as_err err = AS_OK;

	*ret_n = 0;
	while (*ret_n == 0 && !err) {
		if (!walk_next(m))
			return m->broken ? AS_EIO : AS_ENOTFOUND;
		if (was_bad(m, (size_t)m->bad))
			continue;
		err = rows_make(m->rows, &m->record, m->files[m->file].name, false, &m->made);
		if (!err && m->made.wrong)
			err = AS_ECONFLICT; /* it was good: the file is another one now */
		for (size_t i = 0; !err && m->made.selected && i < m->made.n; i++) {
			char *text = json_dumps(m->made.event[i], JSON_COMPACT);
			err = text ? buf_add(lines, text, strlen(text)) : AS_ENOMEM;
			if (text)
				explicit_bzero(text, strlen(text));
			json_text_free(text);
			if (!err)
				err = buf_add(lines, "\n", 1);
			(*ret_n)++;
		}
		rows_clear(&m->made);
	}
	*ret_tag = (struct import_tag){.row = m->row, .file = m->file, .line = m->record.line};
	return err;
}

static void on_refused(void *arg, const struct import_tag *tag, const char *field, const char *error)
{
	struct import *m = arg;

	say_problem(m, m->files[tag->file].name, tag->line, field, error);
	if (m->skip && add_problem(m, tag->row, field, error))
		cli_fail(EXIT_IO, m->a, "out of memory: a row is missing in the rejects");
}

static void on_progress(void *arg, uint64_t answered)
{
	struct import *m = arg;

	progress_show(m, "recorded", answered, m->events, answered);
}

static int look_at_files(struct import *m, bool again)
{
	for (size_t i = 0; i < m->files_n; i++) {
		struct file *f = &m->files[i];
		struct stat st;
		if (stat(f->name, &st))
			return cli_fail(EXIT_IO, m->a, "%.200s: %s", f->name, strerror(errno));
		if (again && (f->dev != st.st_dev || f->ino != st.st_ino || f->size != st.st_size ||
			      f->changed.tv_sec != st.st_mtim.tv_sec || f->changed.tv_nsec != st.st_mtim.tv_nsec))
			return cli_fail(EXIT_WRONG, m->a, "%.200s: changed while it was imported; import again", f->name);
		*f = (struct file){.name = f->name, .dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_mtim};
		m->bytes += again ? 0 : (uint64_t)st.st_size;
	}
	return EXIT_DONE;
}

/* They are written before the files are read for the last time. */
static int look_at_rejects(const struct import *m)
{
	const char *path = cli_value(m->a, "rejects");
	struct stat st;

	if (path == NULL || stat(path, &st))
		return EXIT_DONE;
	for (size_t i = 0; i < m->files_n; i++)
		if (m->files[i].dev == st.st_dev && m->files[i].ino == st.st_ino)
			return cli_fail(EXIT_USAGE, m->a, "--rejects %.200s: that is one of the files to import", path);
	return EXIT_DONE;
}

static int connect_daemon(struct import *m, struct client *c)
{
	const char *dir = cli_value(m->a, "dir");
	struct as_errmsg em = {"out of memory"};
	as_err err = client_open_wait(c, dir, &em);

	if (err == AS_ENOTFOUND)
		return cli_fail(EXIT_NO_DAEMON, m->a, "daemon not running: start aftersync-branchd --dir %.200s", dir);
	return err ? cli_fail(cli_exit_of(err), m->a, "%s", em.text) : EXIT_DONE;
}

static int pass_2(struct import *m)
{
	const struct import_source source = {.next = next_row, .refused = on_refused, .progress = on_progress, .arg = m};
	struct client c;
	int code, same;

	m->said = 0;
	if ((code = look_at_files(m, true)))
		return code;
	code = connect_daemon(m, &c);
	if (code == EXIT_DONE) {
		walk_begin(m);
		code = import_send(m->a, &c, &source, &m->counts);
		progress_clear(m);
	}
	client_done(&c);
	if (m->said > SAID_MAX)
		cli_fail(EXIT_WRONG, m->a, "and %llu more", (unsigned long long)(m->said - SAID_MAX));
	same = look_at_files(m, true);
	return code ? code : same;
}

/* ---- rejects ----------------------------------------------------------------------------------------------- */

static int by_row(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	return x->row < y->row ? -1 : x->row > y->row;
}

/* A record that is none is given whole in the first column, so that the file stays one. */
static as_err put_record(struct import *m, struct buf *b)
{
	const struct csv_record *r = &m->record;
	size_t columns = rows_columns(m->rows);
	bool whole = r->wrong == NULL && r->n <= columns;
	as_err err = AS_OK;

	for (size_t i = 0; i < columns && !err; i++) {
		struct bytes s = whole ? (i < r->n ? r->field[i] : (struct bytes){0}) : i == 0 ? r->raw : (struct bytes){0};
		err = csv_put_field(b, s, m->map.delimiter);
		if (!err)
			err = buf_add(b, &m->map.delimiter, 1);
	}
	return err;
}

static as_err put_reason(struct import *m, struct buf *b, const struct problem *p)
{
	char number[48];
	int n = snprintf(number, sizeof number, "%lu%c", m->record.line, m->map.delimiter);
	const char *reason = (const char *)m->reasons.p + p->text;
	as_err err = buf_add(b, number, (size_t)n);
	AS_AUTO(buf) struct buf text = {0};

	buf_init(&text, 4096);
	if (!err && m->files_n > 1 && !(err = buf_add(&text, m->files[m->file].name, strlen(m->files[m->file].name))))
		err = buf_add(&text, ": ", 2);
	if (!err)
		err = buf_add(&text, reason, strlen(reason));
	if (!err)
		err = csv_put_field(b, buf_bytes(&text), m->map.delimiter);
	return err ? err : buf_add(b, "\n", 1);
}

static as_err put_header(struct import *m, struct buf *b)
{
	char delimiter = m->map.delimiter;
	as_err err = AS_OK;

	for (size_t i = 0; i < rows_columns(m->rows) && !err; i++) {
		err = csv_put_field(b, bytes_of_str(rows_column(m->rows, i)), delimiter);
		if (!err)
			err = buf_add(b, &delimiter, 1);
	}
	if (!err)
		err = buf_add(b, "line", 4);
	if (!err)
		err = buf_add(b, &delimiter, 1);
	return err ? err : buf_add(b, "reason\n", 7);
}

/* All bad rows, as they stand in their files, with line and reason. */
static as_err put_rejects(struct import *m, struct out *o)
{
	AS_AUTO(buf) struct buf b = {0};
	bool head = !m->map.header;
	size_t i = 0;
	as_err err = AS_OK;

	buf_init(&b, 2 * (CSV_RECORD_MAX + (1u << 20)));
	walk_begin(m);
	while (!err && walk_next(m)) {
		const struct problem *p = problem_at(m, i);
		if (!head)
			err = put_header(m, &b);
		head = true;
		if (!err && p && p->row == m->row && !(err = put_record(m, &b))) {
			err = put_reason(m, &b, p);
			i++;
		}
		out_add(o, b.p, b.n);
		buf_reset(&b);
	}
	return m->broken ? AS_EIO : err;
}

static int write_rejects(struct import *m)
{
	const char *path = cli_value(m->a, "rejects");
	struct as_errmsg em = {"out of memory"};
	static struct out o;
	as_err err;

	if (m->problems.n)
		qsort(m->problems.p, m->problems.n / sizeof(struct problem), sizeof(struct problem), by_row);
	if ((err = out_to_file(&o, path, &em)) == AS_OK) {
		err = put_rejects(m, &o);
		if (err)
			as_errmsg_set(&em, "%.200s: %s", path, as_err_text(err));
		else
			err = out_end(&o, &em);
	}
	out_done(&o);
	return err ? cli_fail(EXIT_IO, m->a, "%s", em.text) : EXIT_DONE;
}

/* ---- the command ------------------------------------------------------------------------------------------- */

static int take_where(struct import *m, const char *option, bool is_not)
{
	const char *given[ROWS_WHERE_MAX];
	size_t n = cli_values(m->a, option, given, ROWS_WHERE_MAX);

	for (size_t i = 0; i < n; i++) {
		const char *eq = strchr(given[i], '=');
		if (eq == NULL || eq == given[i])
			return cli_fail(EXIT_USAGE, m->a, "--%s %.100s: write COLUMN=VALUE", option, given[i]);
		if (m->conf.where_n == ROWS_WHERE_MAX)
			return cli_fail(EXIT_USAGE, m->a, "over %d --where and --where-not", ROWS_WHERE_MAX);
		char *column = strndup(given[i], (size_t)(eq - given[i]));
		if (column == NULL)
			return cli_fail(EXIT_IO, m->a, "out of memory");
		m->where[m->conf.where_n++] =
		    (struct rows_where){.column = column, .value = bytes_of_str(eq + 1), .is_not = is_not};
	}
	return EXIT_DONE;
}

static int who_we_are(struct import *m)
{
	struct as_errmsg em = {"out of memory"};
	struct node_dir dir;
	as_err err = node_dir_open(cli_value(m->a, "dir"), &dir, &em);

	if (!err && !(err = node_ident_load(&dir, &m->ident, &em)))
		err = tz_load(m->ident.timezone, &m->zone, &em);
	node_dir_done(&dir);
	if (err)
		return cli_fail(cli_exit_of(err) == EXIT_IO ? EXIT_IO : EXIT_CONFIG, m->a, "%s", em.text);
	if (m->ident.role != NODE_BRANCH)
		return cli_fail(EXIT_WRONG, m->a, "%.200s is head office: what a branch did is imported at the branch",
				cli_value(m->a, "dir"));
	return EXIT_DONE;
}

static int open_map(struct import *m)
{
	struct as_errmsg em = {"out of memory"};
	as_err err = map_load(cli_value(m->a, "map"), &m->map, &em);

	if (err == AS_OK)
		return EXIT_DONE;
	return cli_fail(err == AS_EPROTO ? EXIT_CONFIG : err == AS_EIO ? EXIT_IO : EXIT_USAGE, m->a, "--map %s", em.text);
}

static int prepare(struct import *m)
{
	const struct args *a = m->a;
	struct as_errmsg em = {"out of memory"};
	struct client c = {.fd = -1};
	int code;

	m->skip = cli_flag(a, "skip-bad");
	if (m->skip != cli_flag(a, "rejects"))
		return cli_fail(EXIT_USAGE, a, "--skip-bad and --rejects FILE belong together");
	if ((code = take_where(m, "where", false)) || (code = take_where(m, "where-not", true)) || (code = open_map(m)))
		return code;
	if (!cli_flag(a, "dry-run")) { /* before anything is read */
		code = connect_daemon(m, &c);
		client_done(&c);
		if (code)
			return code;
	}
	if ((code = who_we_are(m)) || (code = look_at_files(m, false)) || (code = look_at_rejects(m)))
		return code;
	m->conf.map = &m->map;
	memcpy(m->conf.org, m->ident.org, sizeof m->conf.org);
	memcpy(m->conf.branch, m->ident.branch, sizeof m->conf.branch);
	m->conf.branch_zone = &m->zone;
	m->conf.where = m->where;
	as_err err = rows_new(&m->rows, &m->conf, &em);
	return err ? cli_fail(cli_exit_of(err), a, "%s", em.text) : EXIT_DONE;
}

static void say_cuts(const struct import *m)
{
	const char *before = "; texts cut: ";

	for (uint16_t i = 0; i < m->map.columns_n; i++)
		if (m->cut[i]) {
			printf("%s%s %llu", before, m->map.columns[i].name, (unsigned long long)m->cut[i]);
			before = ", ";
		}
	if (before[0] == ';')
		printf("; no text cut");
}

static void say_result(const struct import *m, bool dry)
{
	printf("import: %llu rows, %llu selected, %llu skipped; ", (unsigned long long)m->read,
	       (unsigned long long)m->selected, (unsigned long long)m->bad);
	if (dry)
		printf("%llu events to record", (unsigned long long)m->events);
	else
		printf("%llu events new, %llu already there", (unsigned long long)m->counts.fresh,
		       (unsigned long long)m->counts.known);
	say_cuts(m);
	putchar('\n');
}

static int run(struct import *m)
{
	bool dry = cli_flag(m->a, "dry-run");
	int code = pass_1(m), rejects;

	if (code)
		return code;
	if (m->skip && (code = write_rejects(m)))
		return code;
	if (!dry) {
		size_t n = m->problems.n;
		code = pass_2(m);
		if (m->skip && m->problems.n > n && (rejects = write_rejects(m)) && !code)
			code = rejects;
	}
	say_result(m, dry);
	return code;
}

int cmd_import(const struct args *a)
{
	static struct import m; /* large */

	m = (struct import){.a = a, .terminal = isatty(STDERR_FILENO) == 1, .files_n = a->all_n};
	buf_init(&m.problems, PROBLEMS_BYTES_MAX);
	buf_init(&m.reasons, PROBLEMS_BYTES_MAX);
	m.files = calloc(a->all_n, sizeof m.files[0]);
	for (size_t i = 0; m.files && i < a->all_n; i++)
		m.files[i].name = a->all[i];
	int code = m.files ? prepare(&m) : cli_fail(EXIT_IO, a, "out of memory");
	if (code == EXIT_DONE)
		code = run(&m);
	walk_end(&m);
	rows_clear(&m.made);
	rows_free(m.rows);
	for (size_t i = 0; i < m.conf.where_n; i++)
		free((void *)(uintptr_t)m.where[i].column);
	buf_done(&m.problems);
	buf_done(&m.reasons);
	free(m.files);
	return code;
}
