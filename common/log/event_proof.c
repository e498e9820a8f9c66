#include "common/log/event_proof.h"

#define HEAD "aftersync-proof-1\n"
#define PIECE 96 /* of base64 at once; divisible by 3 */

static void put_key(struct writer *w, const struct note_key *k)
{
	char vkey[NOTE_VKEY_MAX + 1];

	writer_add(w, vkey, note_key_format(k, vkey));
	writer_lit(w, "\n");
}

void event_proof_put(struct writer *w, struct bytes event, const struct note_key *log,
		     const struct note_key *by, size_t by_n, struct bytes tlog)
{
	writer_lit(w, HEAD "event ");
	for (size_t at = 0; at < event.n; at += PIECE)
		writer_base64(w, event.p + at, event.n - at < PIECE ? event.n - at : PIECE);
	writer_lit(w, "\nlog ");
	put_key(w, log);
	for (size_t i = 0; i < by_n; i++) {
		writer_lit(w, "by ");
		put_key(w, &by[i]);
	}
	writer_lit(w, "\n");
	writer_bytes(w, tlog);
}

/* Takes `word` and a blank off the front of the line. */
static bool begins(struct bytes *line, const char *word)
{
	size_t n = strlen(word);

	if (line->n <= n || memcmp(line->p, word, n) != 0 || line->p[n] != ' ')
		return false;
	*line = bytes_of(line->p + n + 1, line->n - n - 1);
	return true;
}

as_err event_proof_parse(struct bytes raw, uint8_t event[EVENT_BYTES_MAX], struct event_proof *ret,
			 struct as_errmsg *em)
{
	struct event_proof p = {0};
	struct bytes line;
	size_t n;

	if (raw.n > EVENT_PROOF_MAX) {
		as_errmsg_set(em, "too large for a proof of an event");
		return AS_ETOOBIG;
	}
	as_errmsg_set(em, "not a proof of an event: its first line is not aftersync-proof-1");
	if (!text_take_line(&raw, &line) || !bytes_equal(line, bytes_of(HEAD, sizeof HEAD - 2)))
		return AS_EPROTO;
	as_errmsg_set(em, "the line `event` is not there or damaged");
	if (!text_take_line(&raw, &line) || !begins(&line, "event") ||
	    !text_unbase64(line, event, EVENT_BYTES_MAX, &n) || n == 0)
		return AS_EPROTO;
	p.event = bytes_of(event, n);
	as_errmsg_set(em, "the line `log` is not there or damaged");
	if (!text_take_line(&raw, &line) || !begins(&line, "log") || note_key_parse(line, &p.log))
		return AS_EPROTO;
	for (;;) {
		as_errmsg_set(em, "a line `by` is damaged, or the empty line after the keys is not there");
		if (!text_take_line(&raw, &line))
			return AS_EPROTO;
		if (line.n == 0)
			break;
		if (p.by_n == EVENT_PROOF_BY_MAX || !begins(&line, "by") ||
		    note_key_parse(line, &p.by[p.by_n]))
			return AS_EPROTO;
		p.by_n++;
	}
	as_err err = tlog_proof_parse(raw, &p.proof);
	if (err) {
		as_errmsg_set(em, "the part c2sp.org/tlog-proof@v1 is damaged");
		return err;
	}
	*ret = p;
	return AS_OK;
}

as_err event_proof_verify(const struct event_proof *p, uint32_t *ret_by)
{
	uint8_t leaf[TREE_HASH];

	tree_leaf(p->event, leaf);
	return tlog_proof_verify(&p->proof, leaf, &p->log, p->by, p->by_n, ret_by);
}
