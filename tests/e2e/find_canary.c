/*
 * Looks for secrets that must be nowhere: every text of a list, as it is, in hexadecimal, in base64 at each alignment, in
 * UTF-16; in files, in all files of folders, and in the opened events of a node.
 *
 *	find_canary LIST [--events DIR | PATH]…
 *
 * LIST has a text a line, of at least 20 bytes. Prints what is found where, one line a text and form, then "N texts, M
 * patterns, K bytes in F files and E events: H hits". Exit 0: nothing is found; 1: something is.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/node/node.h"

#define TEXT_MIN 20
#define TEXT_MAX 128
#define PATTERN_MAX (4 * TEXT_MAX)
#define KEY 8 /* the first bytes of a pattern, by which it is looked up */
#define SLOTS (1u << 18)

struct pattern {
	struct pattern *next;
	const char *form, *text;
	size_t n;
	unsigned hits;
	uint8_t p[];
};

static struct pattern *slots[SLOTS];
static uint8_t maybe[1u << 16];
static size_t texts_n, patterns_n, files_n, events_n, hits_n;
static uint64_t bytes_n;

static uint64_t hash_of(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v * 0x9e3779b97f4a7c15u;
}

static void add(const char *text, const char *form, const void *p, size_t n)
{
	struct pattern *new = malloc(sizeof *new + n);

	as_assert(new != NULL && n >= KEY);
	*new = (struct pattern){.form = form, .text = text, .n = n};
	memcpy(new->p, p, n);
	uint64_t h = hash_of(new->p);
	new->next = slots[h >> 46];
	slots[h >> 46] = new;
	maybe[h >> 48] = 1;
	patterns_n++;
}

static void add_hex(const char *text, size_t n, const char *form, const char *digits)
{
	char out[2 * TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[(uint8_t)text[i] >> 4];
		out[2 * i + 1] = digits[text[i] & 15];
	}
	add(text, form, out, 2 * n);
}

/* Those characters that are the same whatever stands before and after. */
static void add_base64(const char *text, size_t n, size_t skip, const char *form, const char *last)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	char out[2 * TEXT_MAX];
	size_t out_n = 0, from = (skip * 8 + 5) / 6, to = (skip + n) * 8 / 6;

	for (size_t k = from; k < to; k++) {
		unsigned v = 0;
		for (size_t bit = 6 * k; bit < 6 * k + 6; bit++) {
			size_t byte = bit / 8 - skip;
			v = v << 1 | (((uint8_t)text[byte] >> (7 - bit % 8)) & 1);
		}
		out[out_n++] = v < 62 ? alphabet[v] : last[v - 62];
	}
	add(text, form, out, out_n);
}

static void add_text(char *text, size_t n)
{
	static const char *const forms[2][3] = {{"base64+0", "base64+1", "base64+2"},
						{"base64url+0", "base64url+1", "base64url+2"}};
	char wide[2 * TEXT_MAX];

	texts_n++;
	add(text, "raw", text, n);
	add_hex(text, n, "hex", "0123456789abcdef");
	add_hex(text, n, "HEX", "0123456789ABCDEF");
	for (size_t skip = 0; skip < 3; skip++) {
		add_base64(text, n, skip, forms[0][skip], "+/");
		add_base64(text, n, skip, forms[1][skip], "-_");
	}
	for (int big = 0; big < 2; big++) {
		for (size_t i = 0; i < n; i++) {
			wide[2 * i + (size_t)big] = text[i];
			wide[2 * i + (size_t)!big] = 0;
		}
		add(text, big ? "UTF-16BE" : "UTF-16LE", wide, 2 * n);
	}
}

static void read_list(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[TEXT_MAX + 2];

	if (f == NULL) {
		fprintf(stderr, "find_canary: %s: %s\n", path, strerror(errno));
		exit(74);
	}
	while (fgets(line, sizeof line, f)) {
		size_t n = strcspn(line, "\n");
		as_assert(n >= TEXT_MIN && n <= TEXT_MAX);
		line[n] = 0;
		add_text(strdup(line), n);
	}
	fclose(f);
}

static void look(const uint8_t *p, size_t n, const char *where)
{
	bytes_n += n;
	for (size_t i = 0; i + KEY <= n; i++) {
		uint64_t h = hash_of(p + i);
		if (!maybe[h >> 48])
			continue;
		for (struct pattern *t = slots[h >> 46]; t; t = t->next)
			if (t->n <= n - i && memcmp(t->p, p + i, t->n) == 0) {
				hits_n++;
				if (t->hits++ == 0)
					printf("%s: %s, %s, at %zu\n", where, t->text, t->form, i);
			}
	}
}

static int look_at_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)at;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	files_n++;
	if (st->st_size == 0)
		return 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		fprintf(stderr, "find_canary: %s: %s\n", path, strerror(errno));
		exit(74);
	}
	look(p, (size_t)st->st_size, path);
	munmap(p, (size_t)st->st_size);
	close(fd);
	return 0;
}

/* ---- events ------------------------------------------------------------------------------------------------- */

struct logs {
	struct log_id log[64];
	size_t n;
};

static as_err take_log(void *arg, const struct log_row *row)
{
	struct logs *l = arg;

	if (row->head.size && l->n < AS_COUNT(l->log))
		l->log[l->n++] = row->id;
	return AS_OK;
}

static as_err look_at_event(void *arg, const struct log_id *log, uint64_t index, struct bytes raw)
{
	char name[NODE_LOG_TEXT_MAX], where[2 * NODE_LOG_TEXT_MAX];

	(void)arg;
	events_n++;
	snprintf(where, sizeof where, "event %s at %llu", node_log_text(log, name), (unsigned long long)index);
	look(raw.p, raw.n, where);
	return AS_OK;
}

static void look_at_events(const char *dir)
{
	struct as_errmsg em = {0};
	struct logs logs = {.n = 0};
	struct node *n;
	as_err err = node_open(&n, dir, NODE_READ, &em);

	if (err == AS_OK)
		err = store_each_log(n->st, take_log, &logs);
	for (size_t i = 0; err == AS_OK && i < logs.n; i++)
		err = node_each_event(n, &logs.log[i], 0, look_at_event, NULL);
	if (err) {
		fprintf(stderr, "find_canary: %s: %s %s\n", dir, as_err_text(err), em.text);
		exit(74);
	}
	node_close(n);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: find_canary LIST [--events DIR | PATH]…\n");
		return 64;
	}
	read_list(argv[1]);
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--events") == 0 && i + 1 < argc) {
			look_at_events(argv[++i]);
		} else if (nftw(argv[i], look_at_file, 16, FTW_PHYS)) {
			fprintf(stderr, "find_canary: %s: %s\n", argv[i], strerror(errno));
			return 74;
		}
	}
	printf("%zu texts, %zu patterns, %llu bytes in %zu files and %zu events: %zu hits\n", texts_n, patterns_n,
	       (unsigned long long)bytes_n, files_n, events_n, hits_n);
	return hits_n > 0;
}
