/*
 * Flips one bit of a stored value, as a disk that rots would: opens the store of a node for reading, finds the value, and
 * changes data.mdb at its place. Nothing may have the store open.
 *
 *	flip DIR TABLE [ROW [BYTE]]    table: block, case, cell, receipt … as in docs/store.md; row: 0 is the first, -1 the
 *	                               last, a text: the first with it in its name; without it the middle one; byte of
 *	                               the value, without it the middle one
 *
 * Prints what `aftersync verify` calls the row. Exit 1: there is no such row.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/store/keys.h"
#include "common/store/kv_lmdb.h"

static const char *const tables[TABLES] = {
    [TABLE_SELF] = "self",	     [TABLE_META] = "meta",	    [TABLE_LOG] = "log",
    [TABLE_BLOCK] = "block",	     [TABLE_FRONTIER] = "frontier", [TABLE_CASE] = "case",
    [TABLE_CELL] = "cell",	     [TABLE_FLAGGED] = "flagged",   [TABLE_RECEIPT] = "receipt",
    [TABLE_KEYCHANGE] = "keychange", [TABLE_RING] = "ring",	    [TABLE_ASIDE] = "aside",
    [TABLE_EVENT_ID] = "event-id",   [TABLE_LABEL] = "label",	    [TABLE_FLAG_COUNT] = "flag-count",
    [TABLE_BALANCE] = "balance"};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "flip: %s: %s\n", what, why);
	exit(74);
}

/* The place in its file of a byte of a mapped file; the file's name. */
static off_t place_of(const void *p, char *path, size_t cap)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[1000];
	off_t at = -1;

	while (f && at < 0 && fgets(line, sizeof line, f)) {
		unsigned long from, to, offset;
		int name = 0;
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %n", &from, &to, &offset, &name) < 3 || name == 0 ||
		    (uintptr_t)p < from || (uintptr_t)p >= to)
			continue;
		at = (off_t)((uintptr_t)p - from + offset);
		line[strcspn(line, "\n")] = 0;
		snprintf(path, cap, "%s", line + name);
	}
	if (f)
		fclose(f);
	return at;
}

/* The row in the table counted from 0, or the first with this text; the number of rows when there is none. */
static long find_row(struct kv_txn *txn, unsigned table, long row, const char *text, struct bytes *ret_key,
		     struct bytes *ret_value)
{
	struct bytes key = {0};
	char name[KEY_TEXT_MAX];
	long n = 0;

	for (bool after = false; kv_seek(txn, table, key, after, ret_key, ret_value) == AS_OK; after = true) {
		key = *ret_key;
		key_text(table, key, name);
		if (text ? strstr(name, text) != NULL : n == row)
			return n;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct kv_lmdb_conf conf = {.read_only = true};
	AS_AUTO(kv_txn) struct kv_txn *txn = NULL;
	char store[1000], path[1000] = "", name[KEY_TEXT_MAX];
	struct bytes key, value;
	struct as_errmsg em = {0};
	struct kv *kv;
	unsigned table = 0;
	uint8_t b;

	while (argc > 2 && table < TABLES && strcmp(tables[table], argv[2]) != 0)
		table++;
	if (argc < 3 || argc > 5 || table == TABLES) {
		fprintf(stderr, "usage: flip DIR TABLE [ROW [BYTE]]\n");
		return 64;
	}
	snprintf(store, sizeof store, "%s/store", argv[1]);
	conf.path = store;
	if (kv_lmdb_open(&kv, &conf, &em) || kv_begin(kv, KV_READ, &txn))
		fail(store, em.text);
	char *end = NULL;
	long rows = find_row(txn, table, -1, NULL, &key, &value), row = argc > 3 ? strtol(argv[3], &end, 10) : rows / 2;
	const char *text = end && *end ? argv[3] : NULL;
	row = find_row(txn, table, row < 0 ? rows + row : row, text, &key, &value);
	if (row >= rows)
		return 1;
	size_t byte = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : value.n / 2;
	as_assert(byte < value.n);
	off_t at = place_of(value.p + byte, path, sizeof path);
	key_text(table, key, name);
	b = value.p[byte] ^ 4;
	kv_txn_done(&txn);
	kv_close(kv);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (at < 0 || fd < 0 || pwrite(fd, &b, 1, at) != 1 || fsync(fd))
		fail(path, strerror(errno));
	close(fd);
	puts(name);
	return 0;
}
