#include "common/node/heard.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log/cosign.h"

#define ROW_BYTES 16
#define ROWS_EACH (STORE_META_MAX / ROW_BYTES)
#define PAGES_MAX 64

static void page_name(size_t page, char out[STORE_META_NAME_MAX])
{
	snprintf(out, STORE_META_NAME_MAX, "heard-%zu", page);
}

void heard_done(struct heard *s)
{
	free(s->rows);
	*s = (struct heard){0};
}

/* The first place that is not before this branch. */
static size_t bound(const struct heard *s, const char branch[BRANCH_CODE_MAX])
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (memcmp(s->rows[mid].branch, branch, BRANCH_CODE_MAX) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool stands_at(const struct heard *s, size_t i, const char branch[BRANCH_CODE_MAX])
{
	return i < s->n && memcmp(s->rows[i].branch, branch, BRANCH_CODE_MAX) == 0;
}

int64_t heard_of(const struct heard *s, const char branch[BRANCH_CODE_MAX])
{
	size_t i = bound(s, branch);

	return stands_at(s, i, branch) ? s->rows[i].utc : 0;
}

bool heard_put(struct heard *s, const char branch[BRANCH_CODE_MAX], int64_t utc)
{
	size_t i = bound(s, branch);

	if (stands_at(s, i, branch)) {
		bool later = utc > s->rows[i].utc;
		if (later)
			s->rows[i].utc = utc;
		return later;
	}
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct heard_row *rows = realloc(s->rows, cap * sizeof rows[0]);
		if (rows == NULL)
			return false;
		s->rows = rows;
		s->cap = cap;
	}
	memmove(&s->rows[i + 1], &s->rows[i], (s->n - i) * sizeof s->rows[0]);
	s->n++;
	s->rows[i].utc = utc;
	memcpy(s->rows[i].branch, branch, BRANCH_CODE_MAX);
	return true;
}

void heard_load(struct node *n, struct heard *ret)
{
	AS_AUTO(buf) struct buf b = {0};
	char name[STORE_META_NAME_MAX];

	*ret = (struct heard){0};
	buf_init(&b, STORE_META_MAX);
	for (size_t page = 0; page < PAGES_MAX; page++) {
		page_name(page, name);
		if (store_meta(n->st, name, &b) != AS_OK)
			return;
		for (size_t at = 0; at + ROW_BYTES <= b.n; at += ROW_BYTES)
			heard_put(ret, (const char *)b.p + at, (int64_t)get_be64(b.p + at + BRANCH_CODE_MAX));
	}
}

as_err heard_to_batch(struct batch *b, const struct heard *s)
{
	for (size_t page = 0; page * ROWS_EACH < s->n && page < PAGES_MAX; page++) {
		size_t from = page * ROWS_EACH, n = s->n - from < ROWS_EACH ? s->n - from : ROWS_EACH;
		uint8_t *v = batch_memory(b, n * ROW_BYTES);
		char name[STORE_META_NAME_MAX];
		if (v == NULL)
			return AS_ENOMEM;
		for (size_t i = 0; i < n; i++) {
			memcpy(v + i * ROW_BYTES, s->rows[from + i].branch, BRANCH_CODE_MAX);
			put_be64(v + i * ROW_BYTES + BRANCH_CODE_MAX, (uint64_t)s->rows[from + i].utc);
		}
		page_name(page, name);
		struct bytes kept =
		    batch_copy(b, bytes_of(name, strlen(name) + 1)); /* as long as the batch */
		if (kept.p == NULL)
			return AS_ENOMEM;
		as_err err = batch_meta(b, (const char *)kept.p, bytes_of(v, n * ROW_BYTES));
		if (err)
			return err;
	}
	return AS_OK;
}

struct latest {
	struct node *n;
	uint64_t s;
};

static as_err take_receipt(void *arg, const struct log_row *row)
{
	struct latest *l = arg;
	uint8_t receipt[STORE_RECEIPT_BYTES];
	struct log_head head;

	if (row->acked.size > 0 && store_receipt(l->n->st, &row->id, &head, receipt) == AS_OK &&
	    cosign_time(receipt) > l->s)
		l->s = cosign_time(receipt);
	return AS_OK;
}

int64_t heard_receipt(struct node *n)
{
	struct latest l = {.n = n};

	if (store_each_log(n->st, take_receipt, &l) || l.s > INT64_MAX / 1000)
		return 0;
	return (int64_t)l.s * 1000;
}
