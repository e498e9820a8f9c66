#include "tools/aftersync/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "tools/aftersync/client.h"
#include "tools/aftersync/offline.h"

/* What stands between the answers and the command: keeps an error that came as an answer of its own. */
struct sieve {
	query_emit emit;
	void *arg;
	bool stopped;
	char error[600];
};

static bool pass(void *arg, json_t *line)
{
	struct sieve *s = arg;
	const char *error = json_string_value(json_object_get(line, "error"));

	if (error && json_object_size(line) == 1) {
		snprintf(s->error, sizeof s->error, "%s", error);
		return true;
	}
	if (s->emit(s->arg, line))
		return true;
	s->stopped = true;
	return false;
}

/* AS_OK: answered, *ret_exit. */
static as_err from_daemon(const char *dir, bool wait, const json_t *request, struct sieve *s, int *ret_exit,
			  struct as_errmsg *em)
{
	AS_AUTO(client) struct client c;
	const char *error;
	struct bytes line;
	as_err err = wait ? client_open_wait(&c, dir, em) : client_open(&c, dir, em);

	if (!err && (err = client_ask(&c, request, em)) == AS_ENOTFOUND)
		err = AS_EIO;
	while (!err && !(err = client_line(&c, &line, em))) {
		AS_AUTO(json) json_t *answer = json_loadb((const char *)line.p, line.n, 0, NULL);
		if (!json_is_object(answer)) {
			as_errmsg_set(em, "the daemon's answer is no JSON object: is it of another version?");
			return AS_EIO;
		}
		if (client_is_end(answer, ret_exit, &error)) {
			if (error)
				snprintf(s->error, sizeof s->error, "%s", error);
			return AS_OK;
		}
		if (!pass(s, answer))
			return AS_OK;
	}
	return err;
}

int ask(const struct args *a, enum ask_how how, json_t *take_request, query_emit emit, void *arg)
{
	AS_AUTO(json) json_t *request = take_request;
	const char *dir = cli_value(a, "dir");
	struct sieve s = {.emit = emit, .arg = arg};
	struct as_errmsg em = {"out of memory"};
	int code = EXIT_DONE;
	as_err err = from_daemon(dir, how == ASK_DAEMON, request, &s, &code, &em);

	if (err == AS_ENOTFOUND && how == ASK_DAEMON)
		return cli_fail(EXIT_NO_DAEMON, a,
				"daemon not running: start aftersync-branchd or aftersync-hqd --dir %s", dir);
	if (err == AS_ENOTFOUND)
		err = offline_ask(dir, request, pass, &s, &code, &em);
	if (err == AS_ECONFLICT) { /* a daemon that has the directory and does not listen yet */
		struct as_errmsg later = {"out of memory"};
		as_err again = from_daemon(dir, true, request, &s, &code, &later);
		err = again == AS_ENOTFOUND ? err : again;
		em = again == AS_ENOTFOUND ? em : later;
	}
	if (s.stopped)
		return EXIT_IO;
	if (err)
		return cli_fail(cli_exit_of(err), a, "%s", em.text);
	if (s.error[0])
		return cli_fail(code ? code : EXIT_WRONG, a, "%s", s.error);
	return code;
}

static bool collect(void *arg, json_t *line)
{
	return json_array_append(arg, line) == 0;
}

int ask_all(const struct args *a, enum ask_how how, json_t *take_request, json_t **ret_answers)
{
	*ret_answers = json_array();
	return ask(a, how, take_request, collect, *ret_answers);
}

/* ---- output ------------------------------------------------------------------------------ */

enum format show_format(const struct args *a)
{
	const char *f = cli_value(a, "format");

	return strcmp(f, "csv") == 0 ? FORMAT_CSV : strcmp(f, "json") == 0 ? FORMAT_JSON : FORMAT_TABLE;
}

static bool speaks_chinese(const char *lang)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; lang == NULL && i < AS_COUNT(names); i++) {
		lang = getenv(names[i]);
		lang = lang && *lang ? lang : NULL;
	}
	return lang && strncmp(lang, "zh", 2) == 0;
}

struct rows_opts show_opts(const struct args *a)
{
	struct rows_opts o = {
	    .zh = speaks_chinese(cli_value(a, "lang")), .width = 80, .now_ms = clock_utc_ms()};
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40)
		o.width = w.ws_col;
	return o;
}

/* The columns that some row has a value for. */
static size_t used_cols(const struct rows_col *cols, size_t n, const json_t *rows,
			struct rows_col used[TABLE_COLS_MAX])
{
	size_t k = 0, r;
	json_t *row;

	for (size_t c = 0; c < n && k < TABLE_COLS_MAX; c++) {
		bool any = false;
		json_array_foreach(rows, r, row)
		{
			const json_t *v = json_object_get(row, cols[c].field);
			any = any || (v && !json_is_null(v) && !json_is_false(v));
		}
		if (any || cols[c].type == RO_AGO)
			used[k++] = cols[c];
	}
	return k;
}

int show_rows(const struct args *a, struct out *o, const struct rows_col *cols, size_t n, const json_t *rows,
	      const char *none)
{
	struct rows_col used[TABLE_COLS_MAX];
	struct rows_opts opts = show_opts(a);
	enum format format = show_format(a);
	as_err err = AS_OK;

	if (format == FORMAT_CSV)
		rows_csv(o, cols, n, rows);
	else if (format == FORMAT_JSON)
		json_out(o, rows);
	else if (json_array_size(rows) == 0)
		out_fmt(o, "%s\n", none);
	else
		err = rows_table(o, used, used_cols(cols, n, rows, used), rows, &opts);
	return err ? cli_fail(EXIT_IO, a, "table: %s", as_err_text(err)) : EXIT_DONE;
}

int show_end(const struct args *a, struct out *o, int code)
{
	struct as_errmsg em;

	if (out_end(o, &em))
		return cli_fail(EXIT_IO, a, "%s", em.text);
	return code;
}
