#include "common/store/store_impl.h"

/* A branch finds an event by its id and a case by its label. Rows are a set: what is put for an event is
 * taken out with it. */

static as_err label_index(const struct stx *x, struct bytes label, const struct case_key *c, int sign)
{
	struct store_key_buf key = key_label(label, c->id);
	uint8_t body[4];
	struct bytes old;
	uint32_t n = 0;
	as_err err = row_get(x, TABLE_LABEL, &key, &old);

	if (err && err != AS_ENOTFOUND)
		return err;
	if (err == AS_OK) {
		if (old.n != sizeof body)
			return row_damaged(x, TABLE_LABEL, key_bytes(&key));
		n = get_be32(old.p);
	}
	n = sign > 0 ? n + 1 : n - (n > 0);
	if (n == 0)
		return row_del(x, TABLE_LABEL, &key);
	put_be32(body, n);
	return row_put(x, TABLE_LABEL, &key, bytes_of(body, sizeof body));
}

as_err index_event(const struct stx *x, const struct log_id *log, uint64_t index, struct bytes event,
		   int sign)
{
	struct store_key_buf key;
	struct case_key c;
	struct event ev;
	as_err err;

	if (event_decode(event, &ev) || ev.event_id.n != 16)
		return AS_OK;
	key = key_event_id(ev.event_id.p, log, index);
	err =
	    sign > 0 ? row_put(x, TABLE_EVENT_ID, &key, bytes_of(NULL, 0)) : row_del(x, TABLE_EVENT_ID, &key);
	if (err || ev.label.n == 0 || !ledger_case_of(&ev, log->branch, &c))
		return err;
	return label_index(x, ev.label, &c, sign);
}
