#include "common/log/checkpoint.h"

#include "common/base/check.h"

as_err checkpoint_parse(struct bytes text, struct checkpoint *ret_cp)
{
	struct bytes size, root, line;
	struct checkpoint cp;
	size_t n;

	if (!text_take_line(&text, &cp.origin) || !text_take_line(&text, &size) ||
	    !text_take_line(&text, &root))
		return AS_EPROTO;
	if (cp.origin.n == 0 || !text_decimal(size, TREE_SIZE_MAX, &cp.head.size))
		return AS_EPROTO;
	if (!text_unbase64(root, cp.head.root, sizeof cp.head.root, &n) || n != sizeof cp.head.root)
		return AS_EPROTO;
	cp.extensions = text;
	while (text.n)
		if (!text_take_line(&text, &line) || line.n == 0)
			return AS_EPROTO;
	*ret_cp = cp;
	return AS_OK;
}

void checkpoint_put(struct writer *w, struct bytes origin, const struct log_head *head)
{
	writer_bytes(w, origin);
	writer_lit(w, "\n");
	writer_decimal(w, head->size);
	writer_lit(w, "\n");
	writer_base64(w, head->root, sizeof head->root);
	writer_lit(w, "\n");
}

size_t checkpoint_origin(const uint8_t org[16], const struct log_id *id, char out[CHECKPOINT_ORIGIN_MAX])
{
	struct writer w = writer_of(out, CHECKPOINT_ORIGIN_MAX);
	size_t code_n = 0;

	while (code_n < sizeof id->branch && id->branch[code_n])
		code_n++;
	writer_lit(&w, "aftersync/");
	writer_hex(&w, org, 16);
	writer_lit(&w, "/");
	if (log_is_hq(id)) {
		writer_lit(&w, "hq/");
		writer_decimal(&w, id->number);
		writer_lit(&w, "/");
		if (id->cls == LOG_HQ_ALL)
			writer_lit(&w, "all");
		else
			writer_add(&w, id->branch, code_n);
	} else {
		writer_add(&w, id->branch, code_n);
		if (id->cls == LOG_LIVE)
			writer_lit(&w, "/live/");
		else
			writer_lit(&w, "/bulk/");
		writer_hex(&w, id->inc, sizeof id->inc);
	}
	as_assert(!w.full);
	return w.n;
}

void checkpoint_log_key(struct note_key *k, const uint8_t org[16], const struct log_id *id,
			const uint8_t public_key[32])
{
	char origin[CHECKPOINT_ORIGIN_MAX];
	size_t n = checkpoint_origin(org, id, origin);

	as_assert(note_key_init(k, NOTE_ED25519, bytes_of(origin, n), public_key) == AS_OK);
}
