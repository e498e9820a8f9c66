#include "common/store/rows.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/writer.h"
#include "common/crypto/check64.h"
#include "common/crypto/hash.h"
#include "common/crypto/random.h"
#include "common/log/block.h"

void row_check(unsigned table, struct bytes key, struct bytes body, uint8_t ret_check[ROW_CHECK])
{
	put_be64(ret_check, as_check64(as_check64(table, key), body));
}

as_err row_damaged(const struct stx *x, unsigned table, struct bytes key)
{
	char text[KEY_TEXT_MAX];

	key_text(table, key, text);
	as_errmsg_set(x->em, "%s: stored data is damaged", text);
	return AS_ECORRUPT;
}

/* ---- sealed values: ciphertext, tag, nonce ------------------------------------------------------------*/

bool row_is_sealed(unsigned table)
{
	return table == TABLE_CASE || table == TABLE_META;
}

as_err row_crypt_new(const struct row_keys *keys, struct row_crypt **ret_c)
{
	struct row_crypt *c = calloc(1, sizeof *c);

	if (c == NULL)
		return AS_ENOMEM;
	c->keys = keys;
	buf_init(&c->opened, ROW_MAX);
	*ret_c = c;
	return AS_OK;
}

void row_crypt_free(struct row_crypt *take_c)
{
	if (take_c == NULL)
		return;
	buf_done(&take_c->opened);
	as_wipe(&take_c->nonces, sizeof take_c->nonces);
	free(take_c);
}

/* The additional data: table, key. */
struct row_ad {
	uint8_t b[1 + KV_KEY_MAX];
};

/*
 * From the content too: two copies of a machine's memory draw the same random bytes, and go on with different
 * rows. One byte says where the additional data ends.
 */
static void nonce_make(struct row_crypt *c, struct bytes ad, struct bytes plain,
		       uint8_t ret_nonce[AS_AEAD_NONCE])
{
	uint8_t ad_n = (uint8_t)ad.n, hash[AS_SHA256_BYTES];
	struct as_sha256 h;

	if (!c->begun) {
		uint8_t random[32];
		as_random(random, sizeof random);
		as_sha256_init(&c->nonces);
		as_sha256_update(&c->nonces, c->keys->nonce, sizeof c->keys->nonce);
		as_sha256_update(&c->nonces, random, sizeof random);
		c->begun = true;
	}
	h = c->nonces;
	as_sha256_update(&h, &ad_n, 1);
	as_sha256_update(&h, ad.p, ad.n);
	as_sha256_update(&h, plain.p, plain.n);
	as_sha256_final(&h, hash);
	memcpy(ret_nonce, hash, AS_AEAD_NONCE);
}

static struct bytes ad_make(unsigned table, struct bytes key, struct row_ad *ad)
{
	as_assert(key.n <= KV_KEY_MAX);
	ad->b[0] = (uint8_t)table;
	memcpy(ad->b + 1, key.p, key.n);
	return bytes_of(ad->b, 1 + key.n);
}

static as_err sealed_open(const struct stx *x, unsigned table, struct bytes key, struct bytes value,
			  struct bytes *ret_body)
{
	struct buf *to = &x->crypt->opened;
	struct row_ad memory;
	struct bytes ad = ad_make(table, key, &memory);
	size_t n = value.n - ROW_SEAL;
	as_err err;

	if (value.n < ROW_SEAL)
		return row_damaged(x, table, key);
	buf_reset(to);
	if ((err = buf_reserve(to, n + 1)))
		return err;
	if (!as_aead_open(x->crypt->keys->seal, value.p + n + AS_AEAD_TAG, ad,
			  bytes_of(value.p, n + AS_AEAD_TAG), to->p))
		return row_damaged(x, table, key);
	to->n = n;
	*ret_body = buf_bytes(to);
	return AS_OK;
}

/* In place, in x->row. */
static as_err sealed_make(const struct stx *x, unsigned table, struct bytes key)
{
	struct row_crypt *c = x->crypt;
	struct buf *row = x->row;
	struct row_ad memory;
	struct bytes ad = ad_make(table, key, &memory);
	uint8_t nonce[AS_AEAD_NONCE];
	as_err err = buf_reserve(row, ROW_SEAL);

	if (err)
		return err;
	nonce_make(c, ad, buf_bytes(row), nonce);
	as_aead_seal(c->keys->seal, nonce, ad, buf_bytes(row), row->p);
	memcpy(row->p + row->n + AS_AEAD_TAG, nonce, AS_AEAD_NONCE);
	row->n += ROW_SEAL;
	return AS_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------*/

as_err row_open(const struct stx *x, unsigned table, struct bytes key, struct bytes value,
		struct bytes *ret_body)
{
	uint8_t check[ROW_CHECK];
	struct bytes body;

	if (x->crypt && row_is_sealed(table))
		return sealed_open(x, table, key, value, ret_body);
	if (value.n < ROW_CHECK)
		return row_damaged(x, table, key);
	body = bytes_of(value.p, value.n - ROW_CHECK);
	row_check(table, key, body, check);
	if (memcmp(check, value.p + body.n, ROW_CHECK) != 0)
		return row_damaged(x, table, key);
	*ret_body = body;
	return AS_OK;
}

as_err row_get(const struct stx *x, unsigned table, const struct store_key_buf *key, struct bytes *ret_body)
{
	struct bytes value;
	as_err err = kv_get(x->txn, table, key_bytes(key), &value);

	return err ? err : row_open(x, table, key_bytes(key), value, ret_body);
}

as_err row_put_scratch(const struct stx *x, unsigned table, const struct store_key_buf *key)
{
	uint8_t check[ROW_CHECK];
	as_err err;

	if (x->crypt && row_is_sealed(table)) {
		err = sealed_make(x, table, key_bytes(key));
	} else {
		row_check(table, key_bytes(key), buf_bytes(x->row), check);
		err = buf_add(x->row, check, sizeof check);
	}
	if (err)
		return err;
	return kv_put(x->txn, table, key_bytes(key), buf_bytes(x->row));
}

as_err row_put(const struct stx *x, unsigned table, const struct store_key_buf *key, struct bytes body)
{
	as_err err;

	buf_reset(x->row);
	if ((err = buf_add(x->row, body.p, body.n)))
		return err;
	return row_put_scratch(x, table, key);
}

as_err row_del(const struct stx *x, unsigned table, const struct store_key_buf *key)
{
	as_err err = kv_del(x->txn, table, key_bytes(key));

	return err == AS_ENOTFOUND ? AS_OK : err;
}

as_err row_each(const struct stx *x, unsigned table, struct bytes prefix, row_fn fn, void *arg)
{
	struct bytes key = prefix, value, body;
	bool after = false;
	as_err err;

	for (;;) {
		err = kv_seek(x->txn, table, key, after, &key, &value);
		if (err == AS_ENOTFOUND || (err == AS_OK && !key_has_prefix(key, prefix)))
			return AS_OK;
		if (err)
			return err;
		body = value;
		if (table != TABLE_BLOCK && (err = row_open(x, table, key, value, &body)))
			return err;
		if ((err = fn(arg, key, body)))
			return err;
		after = true;
	}
}

as_err row_clear(const struct stx *x, unsigned table)
{
	struct bytes key, value;
	as_err err;

	for (;;) {
		err = kv_seek(x->txn, table, bytes_of(NULL, 0), false, &key, &value);
		if (err)
			return err == AS_ENOTFOUND ? AS_OK : err;
		struct store_key_buf copy = key_copy(key);
		if ((err = kv_del(x->txn, table, key_bytes(&copy))))
			return err;
	}
}

/* ---- log rows -----------------------------------------------------------------------------------------*/

/*
 *   0  40  head: size, root          120   1  has_parent
 *  40  40  acked: size, root         121  29  parent      only with has_parent, else zero
 *  80   8  keys                      150  40  parent_head
 *  88   8  keys_need                 190   .  frontier (tree_frontier_put)
 *  96   8  end
 * 104   8  folded
 * 112   8  0
 */
#define LOG_ROW_FIXED 190

static void head_put(uint8_t *p, const struct log_head *h)
{
	put_be64(p, h->size);
	memcpy(p + 8, h->root, sizeof h->root);
}

static void head_get(const uint8_t *p, struct log_head *h)
{
	h->size = get_be64(p);
	memcpy(h->root, p + 8, sizeof h->root);
}

void log_state_init(struct log_state *s, const struct log_id *log)
{
	s->row = (struct log_row){.id = *log, .end = LOG_NO_END};
	tree_frontier_init(&s->frontier);
	tree_empty_root(s->row.head.root);
	memcpy(s->row.acked.root, s->row.head.root, sizeof s->row.acked.root);
}

as_err log_row_decode(struct bytes key, struct bytes body, struct log_row *ret_row,
		      struct bytes *ret_frontier)
{
	struct log_row row = {0};

	if (key.n != LOG_ID_BYTES || !log_id_get(key.p, &row.id) || body.n < LOG_ROW_FIXED)
		return AS_ECORRUPT;
	head_get(body.p, &row.head);
	head_get(body.p + 40, &row.acked);
	row.keys = get_be64(body.p + 80);
	row.keys_need = get_be64(body.p + 88);
	row.end = get_be64(body.p + 96);
	row.folded = get_be64(body.p + 104);
	row.has_parent = body.p[120] == 1;
	if (row.has_parent && !log_id_get(body.p + 121, &row.parent))
		return AS_ECORRUPT;
	head_get(body.p + 150, &row.parent_head);
	*ret_row = row;
	*ret_frontier = bytes_of(body.p + LOG_ROW_FIXED, body.n - LOG_ROW_FIXED);
	return AS_OK;
}

as_err log_state_get(const struct stx *x, const struct log_id *log, struct log_state *ret_s)
{
	struct store_key_buf key = key_log(log);
	struct bytes body, frontier;
	struct log_row row;
	as_err err = row_get(x, TABLE_LOG, &key, &body);

	if (err)
		return err;
	if (log_row_decode(key_bytes(&key), body, &row, &frontier) ||
	    !tree_frontier_get(frontier, &ret_s->frontier) || ret_s->frontier.size != row.head.size)
		return row_damaged(x, TABLE_LOG, key_bytes(&key));
	ret_s->row = row;
	return AS_OK;
}

as_err log_state_put(const struct stx *x, const struct log_state *s)
{
	uint8_t b[LOG_ROW_FIXED + TREE_FRONTIER_BYTES] = {0};
	const struct log_row *row = &s->row;
	struct store_key_buf key = key_log(&row->id);

	as_assert(s->frontier.size == row->head.size);
	head_put(b, &row->head);
	head_put(b + 40, &row->acked);
	put_be64(b + 80, row->keys);
	put_be64(b + 88, row->keys_need);
	put_be64(b + 96, row->end);
	put_be64(b + 104, row->folded);
	b[120] = row->has_parent;
	if (row->has_parent) {
		log_id_put(&row->parent, b + 121);
		head_put(b + 150, &row->parent_head);
	}
	return row_put(x, TABLE_LOG, &key,
		       bytes_of(b, LOG_ROW_FIXED + tree_frontier_put(&s->frontier, b + LOG_ROW_FIXED)));
}

/* ---- block rows ---------------------------------------------------------------------------------------*/

/*
 *  0   4  count                48   8  check of the block
 *  4   4  bytes                56   8  check of these 56 bytes, table and key
 *  8  32  root after it        64   .  the block
 * 40   8  keys_upto
 */
/* BLAKE2b: a block that another brings for repair or as evidence must be no other with the same check. */
void block_check(struct bytes block, uint8_t ret_check[ROW_CHECK])
{
	as_blake2b(ret_check, ROW_CHECK, bytes_of(NULL, 0), &block, 1);
}

static void block_head_put(struct bytes key, const struct block_meta *meta, struct bytes block,
			   uint8_t head[BLOCK_ROW_HEAD])
{
	put_be32(head, meta->count);
	put_be32(head + 4, meta->bytes);
	memcpy(head + 8, meta->root, 32);
	put_be64(head + 40, meta->keys_upto);
	block_check(block, head + 48);
	row_check(TABLE_BLOCK, key, bytes_of(head, 56), head + 56);
}

as_err block_put(const struct stx *x, const struct log_id *log, const struct block_meta *meta,
		 struct bytes block)
{
	struct store_key_buf key = key_log_at(log, meta->first);
	uint8_t head[BLOCK_ROW_HEAD];
	as_err err;

	as_assert(meta->bytes == block.n);
	block_head_put(key_bytes(&key), meta, block, head);
	buf_reset(x->row);
	if ((err = buf_add(x->row, head, sizeof head)) || (err = buf_add(x->row, block.p, block.n)))
		return err;
	return kv_put(x->txn, TABLE_BLOCK, key_bytes(&key), buf_bytes(x->row));
}

bool block_meta_of(struct bytes key, struct bytes block, struct block_meta *ret_meta)
{
	uint8_t log[LOG_ID_BYTES];
	struct block_view v;

	if (!block_outline(block, &v))
		return false;
	log_id_put(&v.h.log, log);
	if (!bytes_equal(bytes_of(log, sizeof log), bytes_of(key.p, LOG_ID_BYTES)) ||
	    v.h.first != key_at(key))
		return false;
	*ret_meta = (struct block_meta){
	    .first = v.h.first, .count = v.h.count, .bytes = (uint32_t)block.n, .keys_upto = v.h.keys_upto};
	memcpy(ret_meta->root, v.head.root, sizeof ret_meta->root);
	return true;
}

/*
 * The check of the meta is wrong: what stood there is made again from the block, and believed when either
 * check fits it. A change in one place cannot make both wrong and leave the block whole.
 */
static bool block_mend(struct bytes key, struct bytes value, struct block_meta *ret_meta)
{
	struct bytes block = bytes_of(value.p + BLOCK_ROW_HEAD, value.n - BLOCK_ROW_HEAD);
	uint8_t head[BLOCK_ROW_HEAD];
	struct block_meta meta;

	if (!block_meta_of(key, block, &meta))
		return false;
	block_head_put(key, &meta, block, head);
	if (memcmp(head + 48, value.p + 48, ROW_CHECK) != 0 &&
	    memcmp(head + 56, value.p + 56, ROW_CHECK) != 0)
		return false;
	meta.mended = true;
	*ret_meta = meta;
	return true;
}

as_err block_row_open(const struct stx *x, struct bytes key, struct bytes value, struct block_meta *ret_meta,
		      struct bytes *ret_block)
{
	uint8_t check[ROW_CHECK];
	struct block_meta meta;
	struct bytes block, head;

	if (key.n != LOG_ID_BYTES + 8 || value.n < BLOCK_ROW_HEAD)
		return row_damaged(x, TABLE_BLOCK, key);
	row_check(TABLE_BLOCK, key, bytes_of(value.p, 56), check);
	if (memcmp(check, value.p + 56, ROW_CHECK) != 0) {
		if (!block_mend(key, value, ret_meta))
			return row_damaged(x, TABLE_BLOCK, key);
		if (ret_block)
			*ret_block = bytes_of(value.p + BLOCK_ROW_HEAD, value.n - BLOCK_ROW_HEAD);
		return AS_OK;
	}
	head = bytes_of(value.p, BLOCK_ROW_HEAD);
	meta = (struct block_meta){.first = key_at(key),
				   .count = get_be32(head.p),
				   .bytes = get_be32(head.p + 4),
				   .keys_upto = get_be64(head.p + 40)};
	memcpy(meta.root, head.p + 8, 32);
	block = bytes_of(value.p + BLOCK_ROW_HEAD, value.n - BLOCK_ROW_HEAD);
	if (meta.bytes != block.n || meta.count == 0)
		return row_damaged(x, TABLE_BLOCK, key);
	if (ret_block) {
		block_check(block, check);
		if (memcmp(check, head.p + 48, ROW_CHECK) != 0)
			return row_damaged(x, TABLE_BLOCK, key);
		*ret_block = block;
	}
	*ret_meta = meta;
	return AS_OK;
}

as_err block_find(const struct stx *x, const struct log_id *log, uint64_t index, struct block_meta *ret_meta,
		  struct bytes *ret_block)
{
	struct store_key_buf at, prefix = key_log(log);
	struct block_meta meta;
	struct bytes key, value, block;
	as_err err;

	if (index == UINT64_MAX)
		return AS_ENOTFOUND;
	at = key_log_at(log, index + 1);
	if ((err = kv_seek_before(x->txn, TABLE_BLOCK, key_bytes(&at), &key, &value)))
		return err;
	if (!key_has_prefix(key, key_bytes(&prefix)))
		return AS_ENOTFOUND;
	if ((err = block_row_open(x, key, value, &meta, ret_block ? &block : NULL)))
		return err;
	if (index - meta.first >= meta.count)
		return AS_ENOTFOUND;
	*ret_meta = meta;
	if (ret_block)
		*ret_block = block;
	return AS_OK;
}

as_err block_place(const struct stx *x, const struct log_id *log, uint64_t index, struct block_meta *ret_meta)
{
	struct store_key_buf at, prefix = key_log(log);
	as_err err = block_find(x, log, index, ret_meta, NULL);
	struct bytes key, value;
	struct log_state s;
	uint64_t end;

	if (err != AS_ECORRUPT)
		return err;
	at = key_log_at(log, index + 1);
	if ((err = kv_seek_before(x->txn, TABLE_BLOCK, key_bytes(&at), &key, &value)))
		return err;
	*ret_meta = (struct block_meta){.first = key_at(key), .damaged = true};
	if (value.n > BLOCK_ROW_HEAD)
		ret_meta->bytes = (uint32_t)(value.n - BLOCK_ROW_HEAD);
	if ((err = log_state_get(x, log, &s)))
		return err;
	end = s.row.head.size;
	err = kv_seek(x->txn, TABLE_BLOCK, key_bytes(&at), false, &key, &value);
	if (err && err != AS_ENOTFOUND)
		return err;
	if (err == AS_OK && key_has_prefix(key, key_bytes(&prefix)) && key_at(key) < end)
		end = key_at(key);
	if (index >= end || end - ret_meta->first > BLOCK_EVENTS_MAX)
		return AS_ENOTFOUND;
	ret_meta->count = (uint32_t)(end - ret_meta->first);
	return AS_OK;
}
