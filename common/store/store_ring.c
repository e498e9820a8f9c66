#include "common/base/check.h"
#include "common/store/store_impl.h"

/*
 * Key changes are kept as they came, gap-free; the ring says what has become of a subject. So a change is
 * answered from both: a put whose key is gone is a void.
 *
 * Change: op (1), subject (16). Ring: op (1: KEY_PUT or KEY_TOMBSTONE), wrapped key.
 */
#define CHANGE_BYTES 17

/* The op of a subject in the ring, 0 when there is none. */
static as_err ring_op(const struct stx *x, const uint8_t subject[16], uint8_t *ret_op,
		      struct bytes *ret_wrapped)
{
	struct store_key_buf key = key_copy(bytes_of(subject, 16));
	struct bytes body;
	as_err err = row_get(x, TABLE_RING, &key, &body);

	*ret_op = 0;
	if (err == AS_ENOTFOUND)
		return AS_OK;
	if (err)
		return err;
	if (body.n < 1 || (body.p[0] != KEY_PUT && body.p[0] != KEY_TOMBSTONE))
		return row_damaged(x, TABLE_RING, key_bytes(&key));
	*ret_op = body.p[0];
	*ret_wrapped = bytes_of(body.p + 1, body.n - 1);
	return AS_OK;
}

static as_err ring_apply(const struct stx *x, const struct store_key *k)
{
	struct store_key_buf key = key_copy(bytes_of(k->subject, 16));
	uint8_t body[1 + STORE_WRAPPED_MAX] = {k->op}, have;
	struct bytes wrapped;
	size_t n = 1;
	as_err err;

	if (k->op == KEY_VOID)
		return AS_OK;
	if ((err = ring_op(x, k->subject, &have, &wrapped)))
		return err;
	if (have == KEY_TOMBSTONE || have == k->op)
		return AS_OK;
	if (k->op == KEY_PUT) {
		memcpy(body + 1, k->wrapped.p, k->wrapped.n);
		n += k->wrapped.n;
	}
	return row_put(x, TABLE_RING, &key, bytes_of(body, n));
}

static bool key_is_possible(const struct store_key *k)
{
	switch (k->op) {
	case KEY_PUT:
		return k->wrapped.n >= 1 && k->wrapped.n <= STORE_WRAPPED_MAX;
	case KEY_VOID:
	case KEY_TOMBSTONE:
		return true;
	default:
		return false;
	}
}

as_err op_keys(struct store *st, const struct stx *x, const struct store_op *op)
{
	struct log_state *s;
	as_err err;

	if (op->log.cls != LOG_LIVE && op->log.cls != LOG_HQ_BRANCH)
		return AS_EINVAL;
	if ((err = batch_log(st, x, &op->log, true, &s)))
		return err;
	for (size_t i = 0; i < op->keys.n; i++) {
		const struct store_key *k = &op->keys.keys[i];
		struct store_key_buf key = key_log_at(&op->log, k->number);
		uint8_t body[CHANGE_BYTES];
		if (!key_is_possible(k))
			return AS_EINVAL;
		if (k->number != s->row.keys + 1) {
			as_errmsg_set(x->em, "key change %llu, expected %llu", (unsigned long long)k->number,
				      (unsigned long long)s->row.keys + 1);
			return AS_ECONFLICT;
		}
		body[0] = k->op;
		memcpy(body + 1, k->subject, sizeof k->subject);
		if ((err = row_put(x, TABLE_KEYCHANGE, &key, bytes_of(body, sizeof body))) ||
		    (err = ring_apply(x, k)))
			return err;
		s->row.keys = k->number;
	}
	return AS_OK;
}

/* One change as the ring answers it now; the wrapped key goes to memory. */
static as_err change_answer(const struct stx *x, const struct log_id *log, uint64_t number,
			    struct buf *memory, struct store_key *ret_k)
{
	struct store_key_buf key = key_log_at(log, number);
	struct bytes body, wrapped = {0};
	struct store_key k = {.number = number};
	uint8_t have;
	as_err err = row_get(x, TABLE_KEYCHANGE, &key, &body);

	if (err)
		return err;
	if (body.n != CHANGE_BYTES)
		return row_damaged(x, TABLE_KEYCHANGE, key_bytes(&key));
	k.op = body.p[0];
	memcpy(k.subject, body.p + 1, sizeof k.subject);
	if (k.op == KEY_PUT) {
		if ((err = ring_op(x, k.subject, &have, &wrapped)))
			return err;
		if (have == KEY_PUT) {
			k.wrapped = bytes_of(memory->p + memory->n, wrapped.n);
			if ((err = buf_add(memory, wrapped.p, wrapped.n)))
				return err;
		} else {
			k.op = KEY_VOID;
		}
	}
	*ret_k = k;
	return AS_OK;
}

as_err store_keys(struct store *st, const struct log_id *log, uint64_t after, struct store_key *keys,
		  size_t cap, struct buf *memory, size_t *ret_n)
{
	AS_AUTO(stx) struct stx x = {0};
	size_t n = 0;
	as_err err;

	buf_reset(memory);
	/* so that it never moves under the slices */
	if ((err = buf_reserve(memory, cap * STORE_WRAPPED_MAX)) ||
	    (err = store_begin(st, KV_READ, NULL, &x)))
		return err;
	while (n < cap && (err = change_answer(&x, log, after + 1 + n, memory, &keys[n])) == AS_OK)
		n++;
	if (err && err != AS_ENOTFOUND)
		return err;
	*ret_n = n;
	return AS_OK;
}
