/* common/conf: what is read, what is refused and how that is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/conf/conf.h"
#include "tests/lib/tmpdir.h"

struct sample {
	char listen[121];
	uint64_t links;
	uint64_t map;
	uint64_t wait_ms;
	bool loud;
	unsigned level;
	char program[64];
	char title[16];
};

static const char *const levels[] = {"error", "warning", "info", NULL};

static const struct conf_key keys[] = {
    {"link", "listen", CONF_ENDPOINT, CONF_AT(struct sample, listen), NULL, 0, 0, NULL, CONF_REQUIRED,
     "Where others connect."},
    {"link", "max_links", CONF_U64, CONF_AT(struct sample, links), "2000", 1, 10000, NULL, 0,
     "How many at once."},
    {"store", "map", CONF_BYTES, CONF_AT(struct sample, map), "16 GiB", 1 << 20, (uint64_t)1 << 42, NULL, 0,
     "Address space. A text that is long enough to be wrapped when it is printed as a comment above its key, "
     "which stands in the next line."},
    {"store", "wait", CONF_MS, CONF_AT(struct sample, wait_ms), "90 s", 0, 86400000, NULL, CONF_RELOAD,
     "How long."},
    {"log", "loud", CONF_BOOL, CONF_AT(struct sample, loud), "no", 0, 0, NULL, CONF_RELOAD, "More of it."},
    {"log", "level", CONF_ENUM, CONF_AT(struct sample, level), "info", 3, 0, levels, CONF_RELOAD,
     "What is logged."},
    {"log", "program", CONF_PATH, CONF_AT(struct sample, program), "", 0, 0, NULL, CONF_RELOAD,
     "Who is told."},
    {"log", "title", CONF_TEXT, CONF_AT(struct sample, title), "", 0, 0, NULL, 0, "A name."},
};
static const struct conf_table table = {keys, AS_COUNT(keys), sizeof(struct sample), NULL, false};
static struct as_errmsg em;

static as_err parse(const char *text, struct sample *ret)
{
	em.text[0] = 0;
	return conf_parse(&table, "f", bytes_of_str(text), ret, &em);
}

#define LISTEN "[link]\nlisten = tcp://127.0.0.1:7443\n"

static void a_file_is_read_over_the_defaults(void **state)
{
	(void)state;
	struct sample s;

	assert_int_equal(parse(LISTEN, &s), AS_OK);
	assert_string_equal(s.listen, "tcp://127.0.0.1:7443");
	assert_int_equal(s.links, 2000);
	assert_int_equal(s.map, (uint64_t)16 << 30);
	assert_int_equal(s.wait_ms, 90000);
	assert_false(s.loud);
	assert_int_equal(s.level, 5);
	assert_string_equal(s.program, "");
	assert_int_equal(
	    parse("\xef\xbb\xbf# a comment\r\n; another\n\n  ; and this\n[link]  ; here too\n"
		  "listen=tcp://[::1]:1 ; why\nmax_links :17\r\n[store]\nmap =1TiB\nwait = 2  h\n[log]\n"
		  "loud = yes\nlevel = error\nprogram = /bin/x #1 \xe6\x89\x8b\ntitle = a = b",
		  &s),
	    AS_OK);
	assert_string_equal(s.listen, "tcp://[::1]:1");
	assert_int_equal(s.links, 17);
	assert_int_equal(s.map, (uint64_t)1 << 40);
	assert_int_equal(s.wait_ms, 7200000);
	assert_true(s.loud);
	assert_int_equal(s.level, 3);
	assert_string_equal(s.program, "/bin/x #1 \xe6\x89\x8b");
	assert_string_equal(s.title, "a = b");
	/* a section may be opened again */
	assert_int_equal(parse("[log]\nloud = yes\n" LISTEN "[log]\ntitle = t\n", &s), AS_OK);
}

static void each_mistake_has_its_place_and_reason(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *say;
	} rows[] = {
	    {"", "f: link.listen: is required"},
	    {"[link]\n", "f: link.listen: is required"},
	    {"[link]\nlisten =\n", "f:2: link.listen: must not be empty"},
	    {LISTEN "color = red\n", "f:3: link.color: no such key"},
	    {LISTEN "[ui]\n", "f:3: no such section"},
	    {LISTEN "[ui]\ncolor = red\n", "f:3: no such section"},
	    {LISTEN "[store\nmap = 1 GiB\n", "f:3: a section begins here"},
	    {LISTEN "[store] x\n", "f:3: something stands behind"},
	    {"listen = tcp://h:1\n", "f:1: listen: stands before any"},
	    {LISTEN "\n\nlisten = tcp://h:1\n", "f:5: link.listen: given for the second time"},
	    {LISTEN "max_links\n", "f:3: neither a [section] nor"},
	    {LISTEN "max_links = 1\n max_links = 2\n", "f:4: the line is indented"},
	    {LISTEN "\tmax_links = 2\n", "f:3: the line is indented"},
	    {LISTEN "max_links = 0\n", "f:3: link.max_links: out of range: 1 to 10000"},
	    {LISTEN "max_links = 10001\n", "out of range: 1 to 10000"},
	    {LISTEN "max_links = 99999999999999999999999\n", "out of range"},
	    {LISTEN "max_links = 010\n", "does not begin with 0"},
	    {LISTEN "max_links = -1\n", "not a number"},
	    {LISTEN "max_links = 1 KiB\n", "not a number"},
	    {LISTEN "max_links =\n", "not a number"},
	    {LISTEN "[store]\nmap = 64\n", "f:4: store.map: a size needs a unit"},
	    {LISTEN "[store]\nmap = 64 MB\n", "a size needs a unit"},
	    {LISTEN "[store]\nmap = 64 mib\n", "a size needs a unit"},
	    {LISTEN "[store]\nmap = 0\n", "out of range: 1 MiB to 4 TiB"},
	    {LISTEN "[store]\nmap = 5 TiB\n", "out of range"},
	    {LISTEN "[store]\nmap = 99999999999 TiB\n", "out of range"},
	    {LISTEN "[store]\nmap = 16777217 TiB\n", "out of range"}, /* 2^64 + 1 TiB */
	    {LISTEN "[store]\nmap = GiB\n", "not a size"},
	    {LISTEN "[store]\nwait = 1.5 h\n", "a time needs a unit"},
	    {LISTEN "[store]\nwait = 25 h\n", "out of range: 0 to 1 d"},
	    {LISTEN "[log]\nloud = true\n", "f:4: log.loud: neither yes nor no"},
	    {LISTEN "[log]\nlevel = debug\n", "log.level: not one of: error, warning, info"},
	    {LISTEN "[log]\nprogram = bin/x\n", "log.program: not an absolute path"},
	    {LISTEN "[log]\ntitle = 0123456789abcdef\n", "log.title: 16 bytes, and 0 to 15"},
	    {LISTEN "[log]\ntitle = a;b\n", "semicolon"},
	    {LISTEN "[log]\ntitle = a\tb\n", "control character"},
	    {LISTEN "[log]\ntitle = a\x01\n", "f:4: a control character"},
	    {LISTEN "[log]\ntitle = a\rb\n", "f:4: a control character"},
	    {LISTEN "[log]\ntitle = \xff\n", "f:4: not UTF-8"},
	    {"[link]\nlisten = ipc://x\n", "f:2: link.listen: not an endpoint"},
	};
	struct sample s, before;

	for (size_t i = 0; i < AS_COUNT(rows); i++) {
		memset(&s, 0x5a, sizeof s);
		before = s;
		as_err err = parse(rows[i].text, &s);
		if (err != AS_EPROTO || strstr(em.text, rows[i].say) == NULL)
			fail_msg("row %zu: %s: %s (expected: %s)", i, as_err_text(err), em.text, rows[i].say);
		assert_memory_equal(&s, &before, sizeof s); /* untouched */
	}
	/* a 0 in the text is not its end */
	assert_int_equal(conf_parse(&table, "f", bytes_of(LISTEN "\0[ui]\n", sizeof LISTEN + 5), &s, &em),
			 AS_EPROTO);
	assert_non_null(strstr(em.text, "f:3: a control character"));
}

/* inih would hand over the beginning of a value that does not fit its buffer. */
static void long_lines_are_refused(void **state)
{
	(void)state;
	char text[1024];
	struct sample s;

	for (size_t n = 150; n < 450; n++) {
		size_t at = (size_t)snprintf(text, sizeof text, LISTEN "# ");
		size_t line = at - 2;
		memset(text + at, 'x', n);
		strcpy(text + at + n, "\n[log]\nloud = yes\n");
		as_err err = parse(text, &s);
		size_t length = at + n - line;
		assert_int_equal(err, length <= 198 ? AS_OK : AS_EPROTO);
		if (err)
			assert_non_null(strstr(em.text, "f:3: a line of "));
		else
			assert_true(s.loud);
	}
	char path[300] = LISTEN "[log]\nprogram = /";
	size_t at = strlen(path);
	memset(path + at, 'p', 190);
	path[at + 190] = 0;
	assert_int_equal(parse(path, &s), AS_EPROTO);
}

static void what_is_printed_reads_back(void **state)
{
	(void)state;
	struct sample s, back;
	static char text[CONF_DUMP_MAX], again[CONF_DUMP_MAX];
	struct writer w = writer_of(text, sizeof text), w2 = writer_of(again, sizeof again);

	assert_int_equal(parse(LISTEN
			       "max_links = 3\n[store]\nmap = 1025 KiB\nwait = 90 ms\n[log]\nloud = yes\n"
			       "level = warning\nprogram = /a b#c\ntitle = \xe6\x89\x8b\n",
			       &s),
			 AS_OK);
	conf_dump(&table, &s, &w);
	assert_false(w.full);
	em.text[0] = 0;
	if (conf_parse(&table, "d", writer_done(&w), &back, &em))
		fail_msg("%s", em.text);
	assert_memory_equal(&back, &s, sizeof s);
	conf_dump(&table, &back, &w2);
	assert_int_equal(w.n, w2.n);
	assert_memory_equal(text, again, w.n);
	assert_int_equal(
	    strncmp(text, "[link]\n# Where others connect.\nlisten = tcp://127.0.0.1:7443\n", 60), 0);
	text[w.n] = 0;
	assert_non_null(strstr(text, "map = 1025 KiB\n"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 102);
	assert_non_null(strstr(text, "wait = 90 ms\n"));
}

/* A shorter text over a longer one leaves nothing of it: reloading compares bytes. */
static void a_value_is_set_whole(void **state)
{
	(void)state;
	struct sample s, t;

	conf_defaults(&table, &s);
	t = s;
	assert_int_equal(conf_set_value(&keys[7], bytes_of_str("a longer title"), &s, &em), AS_OK);
	assert_int_equal(conf_set_value(&keys[7], bytes_of_str("short"), &s, &em), AS_OK);
	assert_int_equal(conf_set_value(&keys[7], bytes_of_str("short"), &t, &em), AS_OK);
	assert_memory_equal(&s, &t, sizeof s);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void what_needs_a_restart_waits(void **state)
{
	(void)state;
	struct tmpdir tmp;
	struct sample s, next, before;
	struct conf_changes ch;
	char path[300], names[64];

	tmpdir_init(&tmp);
	snprintf(path, sizeof path, "%s", tmpdir_at(&tmp, "c"));
	put(path, LISTEN, 0644);
	assert_int_equal(conf_load(&table, path, &s, &em), AS_OK);
	before = s;
	assert_int_equal(conf_load(&table, path, &next, &em), AS_OK);
	conf_reload(&table, &s, &next, &ch);
	assert_true(ch.taken_n == 0 && ch.waiting_n == 0);
	put(path, "[link]\nlisten = tcp://h:1\nmax_links = 5\n[log]\nloud = yes\nlevel = x\n", 0644);
	assert_int_equal(conf_load(&table, path, &next, &em), AS_EPROTO);
	assert_memory_equal(&next, &before, sizeof s);
	put(path, "[link]\nlisten = tcp://h:1\nmax_links = 5\n[log]\nloud = yes\n", 0644);
	assert_int_equal(conf_load(&table, path, &next, &em), AS_OK);
	conf_reload(&table, &s, &next, &ch);
	conf_names(ch.taken, ch.taken_n, names, sizeof names);
	assert_string_equal(names, "log.loud");
	conf_names(ch.waiting, ch.waiting_n, names, sizeof names);
	assert_string_equal(names, "link.listen link.max_links");
	assert_true(s.loud);
	assert_int_equal(s.links, 2000);
	assert_string_equal(s.listen, before.listen);
	conf_names(ch.waiting, ch.waiting_n, names, 20);
	assert_string_equal(names, "link.listen link...");
	tmpdir_done(&tmp);
}

static void others_may_not_write_it(void **state)
{
	(void)state;
	struct tmpdir tmp;
	struct sample s;
	char path[300];

	tmpdir_init(&tmp);
	snprintf(path, sizeof path, "%s", tmpdir_at(&tmp, "c"));
	assert_int_equal(conf_load(&table, path, &s, &em), AS_ENOTFOUND);
	put(path, LISTEN, 0664);
	assert_int_equal(conf_load(&table, path, &s, &em), AS_EREFUSED);
	assert_non_null(strstr(em.text, "chmod go-w"));
	assert_int_equal(conf_load(&table, tmp.path, &s, &em), AS_EREFUSED);
	put(path, LISTEN, 0600);
	assert_int_equal(symlink("c", tmpdir_at(&tmp, "link")), 0);
	assert_int_equal(conf_load(&table, tmpdir_at(&tmp, "link"), &s, &em), AS_EREFUSED);
	assert_int_equal(truncate(path, CONF_FILE_MAX + 1), 0);
	assert_int_equal(conf_load(&table, path, &s, &em), AS_ETOOBIG);
	tmpdir_done(&tmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_read_over_the_defaults),
	    cmocka_unit_test(each_mistake_has_its_place_and_reason),
	    cmocka_unit_test(long_lines_are_refused),
	    cmocka_unit_test(what_is_printed_reads_back),
	    cmocka_unit_test(a_value_is_set_whole),
	    cmocka_unit_test(what_needs_a_restart_waits),
	    cmocka_unit_test(others_may_not_write_it),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
