#include "common/node/tally.h"

#include <stdlib.h>

static int row_cmp(const void *code, const void *row)
{
	return memcmp(code, ((const struct tally_row *)row)->branch, BRANCH_CODE_MAX);
}

const struct tally_row *tally_of(const struct tally *t, const char branch[BRANCH_CODE_MAX])
{
	return t->n ? bsearch(branch, t->rows, t->n, sizeof t->rows[0], row_cmp) : NULL;
}

void tally_done(struct tally *t)
{
	free(t->rows);
	*t = (struct tally){0};
}

/* The row of a branch, made when there is none; NULL: out of memory. */
static struct tally_row *row_of(struct tally *t, const char branch[BRANCH_CODE_MAX])
{
	struct tally_row *r = (struct tally_row *)(uintptr_t)tally_of(t, branch);
	size_t at;

	if (r)
		return r;
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct tally_row *rows = realloc(t->rows, cap * sizeof rows[0]);
		if (rows == NULL)
			return NULL;
		t->rows = rows;
		t->cap = cap;
	}
	for (at = t->n++; at > 0 && memcmp(t->rows[at - 1].branch, branch, BRANCH_CODE_MAX) > 0; at--)
		t->rows[at] = t->rows[at - 1];
	t->rows[at] = (struct tally_row){0};
	memcpy(t->rows[at].branch, branch, BRANCH_CODE_MAX);
	return &t->rows[at];
}

static as_err take_log(void *arg, const struct log_row *row)
{
	struct tally_row *r;

	if (log_is_hq(&row->id))
		return AS_OK;
	if ((r = row_of(arg, row->id.branch)) == NULL)
		return AS_ENOMEM;
	r->held += row->head.size;
	r->applied += row->folded;
	r->acked += row->acked.size;
	if (row->id.number > r->incarnation)
		r->incarnation = row->id.number;
	return AS_OK;
}

static as_err take_flagged(void *arg, const char branch[BRANCH_CODE_MAX], uint64_t n)
{
	struct tally_row *r = row_of(arg, branch);

	if (r == NULL)
		return AS_ENOMEM;
	r->flagged += n;
	return AS_OK;
}

static as_err take_aside(void *arg, struct bytes key, struct bytes value)
{
	struct log_id log;
	struct tally_row *r;

	if (value.n == 0 || value.p[0] == STORE_ASIDE_CUT || !log_id_get(key.p, &log) || log_is_hq(&log))
		return AS_OK;
	if ((r = row_of(arg, log.branch)) == NULL)
		return AS_ENOMEM;
	r->refused++;
	return AS_OK;
}

as_err tally_make(struct node *n, struct tally *ret)
{
	struct tally t = {0};
	struct store_aside_stat aside = {0};
	as_err err = AS_OK;

	for (size_t i = 0; err == AS_OK && i < n->roster.branches_n; i++)
		if (n->home->is_hq && row_of(&t, n->roster.branches[i].code) == NULL)
			err = AS_ENOMEM;
	if (err == AS_OK && (err = store_each_log(n->st, take_log, &t)) == AS_OK &&
	    (err = store_flag_counts(n->st, take_flagged, &t)) == AS_OK)
		err = store_aside_stat(n->st, &aside);
	if (err == AS_OK && aside.count > 0)
		err = store_each_aside(n->st, bytes_of(NULL, 0), take_aside, &t);
	if (err)
		tally_done(&t);
	else
		*ret = t;
	return err;
}
