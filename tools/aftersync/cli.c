#include "tools/aftersync/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/base/version.h"
#include "common/intake/forms.h"
#include "common/wire/event.h"

#define COMMAND_WORDS_MAX 3

int cli_fail(int code, const struct args *a, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) /* one line, whatever was typed */
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "aftersync: %s%s%s\n", a && a->cmd ? a->cmd->words : "", a && a->cmd ? ": " : "",
		text);
	return code;
}

int cli_exit_of(as_err err)
{
	switch (err) {
	case AS_OK:
		return EXIT_DONE;
	case AS_EIO:
	case AS_EFULL:
	case AS_ENOMEM:
		return EXIT_IO;
	case AS_ENOTFOUND:
	case AS_EINVAL:
	case AS_EUNSUPPORTED:
		return EXIT_CONFIG;
	case AS_ECONFLICT: /* another process has the directory */
		return EXIT_NO_DAEMON;
	default:
		return EXIT_WRONG;
	}
}

/* ---- what was probably meant ------------------------------------------------------------- */

#define WORD_MAX 40

/* How many letters must be changed, added, taken away or swapped with the next. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[3][WORD_MAX + 1];

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t d = last[j - 1] + (a[i - 1] != b[j - 1]);
			d = last[j] + 1 < d ? last[j] + 1 : d;
			d = now[j - 1] + 1 < d ? now[j - 1] + 1 : d;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < d)
				d = before[j - 2] + 1;
			now[j] = d;
		}
	}
	return row[n % 3][m];
}

const char *cli_nearest(const char *word, const char *const *list, size_t n)
{
	const char *best = NULL;
	size_t least = strlen(word) > 5 ? 3 : 2; /* fewer than this many changes, or the beginning of it */

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, list[i]);
		if (strlen(word) >= 2 && strncmp(word, list[i], strlen(word)) == 0)
			d = 1;
		if (d < least || (d == least && best == NULL && d <= 2)) {
			best = list[i];
			least = d;
		}
	}
	return best;
}

/* ---- commands ---------------------------------------------------------------------------- */

/* How many words of argv are this command's; 0: it is another. */
static int words_match(const char *words, int argc, char **argv)
{
	int n = 0;

	while (*words) {
		size_t k = strcspn(words, " ");
		if (n >= argc || strlen(argv[n]) != k || memcmp(argv[n], words, k) != 0)
			return 0;
		words += k + (words[k] == ' ');
		n++;
	}
	return n;
}

static int unknown_command(int argc, char **argv)
{
	const char *list[64];
	char typed[3 * WORD_MAX] = "";
	size_t n = 0, used = 0;
	bool begins = false;

	for (size_t i = 0; i < cli_commands_n && n < AS_COUNT(list); i++) {
		size_t k = strcspn(cli_commands[i].words, " ");
		begins = begins || (strlen(argv[0]) == k && memcmp(argv[0], cli_commands[i].words, k) == 0);
		list[n++] = cli_commands[i].words;
	}
	for (int i = 0; i < argc && i < COMMAND_WORDS_MAX && argv[i][0] != '-'; i++) {
		int k = snprintf(typed + used, sizeof typed - used, "%s%s", i ? " " : "", argv[i]);
		if (k < 0 || (size_t)k >= sizeof typed - used)
			break;
		used += (size_t)k;
		const char *near = cli_nearest(typed, list, n);
		if (near && distance(typed, near) <= 2)
			return cli_fail(EXIT_USAGE, NULL, "%s: no such command; did you mean `%s`?", typed,
					near);
	}
	if (begins)
		return cli_fail(EXIT_USAGE, NULL, "%s: not a whole command; `aftersync %s --help` lists them",
				argv[0], argv[0]);
	const char *near = cli_nearest(argv[0], list, n);
	if (near)
		return cli_fail(EXIT_USAGE, NULL, "%.60s: no such command; did you mean `%s`?", argv[0],
				near);
	return cli_fail(EXIT_USAGE, NULL, "%.60s: no such command; `aftersync --help` lists them", argv[0]);
}

/* ---- values ------------------------------------------------------------------------------ */

static bool is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);

	for (const char *at = choices; n; at += strcspn(at, "|") + 1) {
		size_t k = strcspn(at, "|");
		if (k == n && memcmp(at, value, n) == 0)
			return true;
		if (at[k] == 0)
			break;
	}
	return false;
}

static bool duration(const char *s, int64_t *ret_s)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = {1, 60, 3600, 86400};
	size_t n = strspn(s, "0123456789");
	const char *unit = s[n] ? strchr(units, s[n]) : NULL;
	uint64_t v;

	if (n == 0 || unit == NULL || s[n + 1] || !text_decimal(bytes_of(s, n), 1000000, &v) || v == 0)
		return false;
	*ret_s = (int64_t)v * seconds[unit - units];
	return true;
}

/* Why the value is wrong, or NULL. */
static const char *value_wrong(const struct opt *o, const char *value, int64_t *ret_number)
{
	uint32_t date;
	uint64_t v = 0;

	switch (o->kind) {
	case OPT_FILE:
		return *value ? NULL : "no file name";
	case OPT_TEXT:
	case OPT_MANY:
		return text_utf8_valid(bytes_of_str(value)) ? NULL : "not UTF-8";
	case OPT_BRANCH:
		return branch_code_ok(bytes_of_str(value)) ? NULL
							   : "not a branch code: 2 to 8 of A-Z and 0-9";
	case OPT_DATE:
		if (!form_date_parse(bytes_of_str(value), &date))
			return "not a date: write YYYY-MM-DD";
		*ret_number = date;
		return NULL;
	case OPT_TIME:
		return form_time_parse(bytes_of_str(value), ret_number)
			   ? NULL
			   : "not a time: write 2026-11-23T09:30:00+08:00";
	case OPT_COUNT:
	case OPT_INDEX:
		if (!text_decimal(bytes_of_str(value), o->kind == OPT_COUNT ? INT32_MAX : INT64_MAX, &v) ||
		    (o->kind == OPT_COUNT && v == 0))
			return o->kind == OPT_COUNT ? "not a number from 1 on" : "not a number";
		*ret_number = (int64_t)v;
		return NULL;
	case OPT_DURATION:
		return duration(value, ret_number) ? NULL : "not a duration: write 90s, 30m, 24h or 7d";
	case OPT_CHOICE:
		return is_choice(o->choices, value) ? NULL : "";
	default:
		return NULL;
	}
}

static int take_value(struct args *a, size_t i, const char *value)
{
	const struct opt *o = &a->cmd->opts[i];
	const char *wrong;

	if (a->value[i] && o->kind != OPT_MANY)
		return cli_fail(EXIT_USAGE, a, "--%s is given twice", o->name);
	if ((wrong = value_wrong(o, value, &a->number[i])) != NULL)
		return *wrong ? cli_fail(EXIT_USAGE, a, "--%s %.100s: %s", o->name, value, wrong)
			      : cli_fail(EXIT_USAGE, a, "--%s %.100s: not one of %s", o->name, value,
					 o->choices);
	if (o->kind == OPT_MANY) {
		if (a->many_n == CLI_MANY_MAX)
			return cli_fail(EXIT_USAGE, a, "--%s: over %d of them", o->name, CLI_MANY_MAX);
		a->many[a->many_n].opt = i;
		a->many[a->many_n++].value = value;
		value = a->value[i] ? a->value[i] : value;
	}
	a->value[i] = value;
	return EXIT_DONE;
}

static int unknown_option(const struct args *a, const char *typed)
{
	const char *list[CLI_OPTS_MAX + 1], *near;
	char name[WORD_MAX + 1];
	size_t n = 0, k = strcspn(typed, "=");

	for (; n < a->cmd->opts_n; n++)
		list[n] = a->cmd->opts[n].name;
	list[n++] = "help";
	snprintf(name, sizeof name, "%.*s", (int)k, typed);
	near = typed[0] == '-' ? cli_nearest(name + strspn(name, "-"), list, n) : NULL;
	if (near)
		return cli_fail(EXIT_USAGE, a, "%s: no such option; did you mean --%s?", name, near);
	return cli_fail(EXIT_USAGE, a, "%s: no such option; `aftersync %s --help` lists them", name,
			a->cmd->words);
}

/* One option at argv[0]; *ret_used words were read. */
static int take_option(struct args *a, int argc, char **argv, int *ret_used)
{
	const char *typed = argv[0], *value = NULL;
	bool is_long = typed[1] == '-';
	size_t k = is_long ? strcspn(typed + 2, "=") : 1;

	*ret_used = 1;
	for (size_t i = 0; i < a->cmd->opts_n; i++) {
		const struct opt *o = &a->cmd->opts[i];
		if (is_long ? strlen(o->name) != k || memcmp(o->name, typed + 2, k) != 0
			    : o->letter == 0 || o->letter != typed[1])
			continue;
		if (is_long && typed[2 + k] == '=')
			value = typed + 3 + k;
		else if (!is_long && typed[2])
			value = typed + 2;
		if (o->kind == OPT_FLAG)
			return value ? cli_fail(EXIT_USAGE, a, "--%s takes no value", o->name)
				     : take_value(a, i, "yes");
		if (value == NULL) {
			if (argc < 2)
				return cli_fail(EXIT_USAGE, a, "--%s needs a value: %s", o->name, o->arg);
			value = argv[1];
			*ret_used = 2;
		}
		return take_value(a, i, value);
	}
	return unknown_option(a, typed);
}

static int take_argument(struct args *a, const char *word)
{
	size_t k = a->cmd->arg ? strlen(a->cmd->arg) : 0;
	bool many = k > 3 && strcmp(a->cmd->arg + k - 3, "...") == 0;

	if (a->cmd->arg == NULL || (a->arg && !many) || a->all_n == CLI_ARGS_MAX)
		return cli_fail(EXIT_USAGE, a,
				"%.100s: one argument too many; `aftersync %s --help` shows what it takes",
				word, a->cmd->words);
	if (*word == 0)
		return cli_fail(EXIT_USAGE, a, "the argument %s is empty", a->cmd->arg);
	a->arg = a->arg ? a->arg : word;
	a->all[a->all_n++] = word;
	return EXIT_DONE;
}

/* What must be there is; what is not gets its fallback. */
static int complete(struct args *a)
{
	for (size_t i = 0; i < a->cmd->opts_n; i++) {
		const struct opt *o = &a->cmd->opts[i];
		if (a->value[i])
			continue;
		if (o->required)
			return cli_fail(EXIT_USAGE, a, "--%s %s is missing", o->name, o->arg);
		if (o->fallback)
			a->value[i] = o->fallback;
		if (o->fallback && o->kind != OPT_FLAG)
			as_assert(value_wrong(o, o->fallback, &a->number[i]) == NULL);
	}
	if (a->cmd->arg && a->cmd->arg[0] != '[' && a->arg == NULL)
		return cli_fail(EXIT_USAGE, a, "%s is missing; `aftersync %s --help` shows what it takes",
				a->cmd->arg, a->cmd->words);
	return EXIT_DONE;
}

static int parse_command(struct args *a, int argc, char **argv)
{
	int used, code = EXIT_DONE;
	bool options = true;

	for (int i = 0; i < argc && code == EXIT_DONE; i += used) {
		used = 1;
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && argv[i][0] == '-' && argv[i][1])
			code = take_option(a, argc - i, argv + i, &used);
		else
			code = take_argument(a, argv[i]);
	}
	return code == EXIT_DONE ? complete(a) : code;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

/* `aftersync hq --help`: all that begin so. */
static bool help_of_group(int argc, char **argv)
{
	bool any = false;

	for (size_t i = 0; wants_help(argc, argv) && i < cli_commands_n; i++) {
		size_t k = strlen(argv[0]);
		if (strncmp(cli_commands[i].words, argv[0], k) == 0 && cli_commands[i].words[k] == ' ') {
			if (any)
				putchar('\n');
			cli_help_of(&cli_commands[i]);
			any = true;
		}
	}
	return any;
}

/* What stands alone, before any command. */
static bool alone(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
		cli_help();
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		printf("aftersync %s\n", AFTERSYNC_VERSION);
	else if (strcmp(word, "--completion") == 0)
		cli_completion();
	else if (strcmp(word, "--list") == 0)
		cli_list();
	else
		return false;
	return true;
}

int cli_parse(int argc, char **argv, struct args *ret, int *ret_exit)
{
	*ret = (struct args){0};
	*ret_exit = EXIT_DONE;
	if (argc < 2)
		return cli_fail(EXIT_USAGE, NULL, "no command; `aftersync --help` lists them");
	if (alone(argv[1]))
		return EXIT_DONE;
	if (argv[1][0] == '-')
		return cli_fail(
		    EXIT_USAGE, NULL,
		    "%.100s: no such option; the command comes first, `aftersync --help` lists them",
		    argv[1]);
	for (size_t i = 0; i < cli_commands_n; i++) {
		int n = words_match(cli_commands[i].words, argc - 1, argv + 1);
		if (n == 0)
			continue;
		if (wants_help(argc - 1 - n, argv + 1 + n)) {
			cli_help_of(&cli_commands[i]);
			return EXIT_DONE;
		}
		ret->cmd = &cli_commands[i];
		return parse_command(ret, argc - 1 - n, argv + 1 + n);
	}
	if (help_of_group(argc - 1, argv + 1))
		return EXIT_DONE;
	return unknown_command(argc - 1, argv + 1);
}

/* ---- for the commands -------------------------------------------------------------------- */

static size_t index_of(const struct args *a, const char *name)
{
	size_t i = 0;

	while (i < a->cmd->opts_n && strcmp(a->cmd->opts[i].name, name) != 0)
		i++;
	as_assert(i < a->cmd->opts_n);
	return i;
}

const char *cli_value(const struct args *a, const char *name)
{
	return a->value[index_of(a, name)];
}

size_t cli_values(const struct args *a, const char *name, const char **ret, size_t cap)
{
	size_t opt = index_of(a, name), n = 0;

	for (size_t i = 0; i < a->many_n && n < cap; i++)
		if (a->many[i].opt == opt)
			ret[n++] = a->many[i].value;
	return n;
}

bool cli_flag(const struct args *a, const char *name)
{
	return cli_value(a, name) != NULL;
}

int64_t cli_number(const struct args *a, const char *name)
{
	return a->number[index_of(a, name)];
}
