#include "common/log/tlog_proof.h"

static const char first_line[] = "c2sp.org/tlog-proof@v1";

/* Takes a prefix off a line. */
static bool take_prefix(struct bytes *line, const char *prefix, size_t n)
{
	if (line->n < n || memcmp(line->p, prefix, n) != 0)
		return false;
	*line = bytes_of(line->p + n, line->n - n);
	return true;
}

void tlog_proof_put(struct writer *w, uint64_t index, const struct proof *p, struct bytes note)
{
	writer_add(w, first_line, sizeof first_line - 1);
	writer_lit(w, "\nindex ");
	writer_decimal(w, index);
	writer_lit(w, "\n");
	for (uint32_t i = 0; i < p->n; i++) {
		writer_base64(w, p->hash[i], TREE_HASH);
		writer_lit(w, "\n");
	}
	writer_lit(w, "\n");
	writer_bytes(w, note);
}

as_err tlog_proof_parse(struct bytes raw, struct tlog_proof *ret_tp)
{
	struct tlog_proof tp = {.index = 0};
	uint8_t extra[TLOG_PROOF_EXTRA_MAX];
	struct bytes line;
	size_t n;
	as_err err;

	if (raw.n > TLOG_PROOF_MAX)
		return AS_ETOOBIG;
	if (!text_take_line(&raw, &line) || !bytes_equal(line, bytes_of(first_line, sizeof first_line - 1)))
		return AS_EPROTO;
	if (!text_take_line(&raw, &line))
		return AS_EPROTO;
	if (take_prefix(&line, "extra ", 6)) {
		if (!text_unbase64(line, extra, sizeof extra, &n))
			return AS_EPROTO;
		tp.has_extra = true;
		tp.extra = line;
		if (!text_take_line(&raw, &line))
			return AS_EPROTO;
	}
	if (!take_prefix(&line, "index ", 6) || !text_decimal(line, TREE_SIZE_MAX, &tp.index))
		return AS_EPROTO;
	for (;;) {
		if (!text_take_line(&raw, &line))
			return AS_EPROTO;
		if (line.n == 0)
			break;
		if (tp.proof.n == TREE_LEVELS)
			return AS_ETOOBIG;
		if (!text_unbase64(line, tp.proof.hash[tp.proof.n], TREE_HASH, &n) || n != TREE_HASH)
			return AS_EPROTO;
		tp.proof.n++;
	}
	if ((err = note_parse(raw, &tp.note)) || (err = checkpoint_parse(tp.note.text, &tp.checkpoint)))
		return err;
	if (tp.index >= tp.checkpoint.head.size)
		return AS_EPROTO;
	*ret_tp = tp;
	return AS_OK;
}

as_err tlog_proof_verify(const struct tlog_proof *tp, const uint8_t leaf[TREE_HASH],
			 const struct note_key *log, const struct note_key *others, size_t others_n,
			 uint32_t *ret_by)
{
	uint32_t by = 0;
	as_err err;

	if (!bytes_equal(tp->checkpoint.origin, bytes_of(log->name, log->name_n)))
		return AS_ENOTFOUND;
	if ((err = note_verify(&tp->note, log, 1, NULL)))
		return err;
	if ((err = note_verify(&tp->note, others, others_n, &by)) && err != AS_ENOTFOUND)
		return err;
	if (!proof_inclusion_verify(&tp->proof, tp->index, leaf, &tp->checkpoint.head))
		return AS_EREFUSED;
	if (ret_by)
		*ret_by = by;
	return AS_OK;
}
