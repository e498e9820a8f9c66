/*
 * Rows of the store's tables: every value ends with a check of 8 bytes (as_check64 over table, key and
 * content), so that a damaged or misplaced row is found when it is read; in a store with a key, the values of
 * some tables are sealed instead (row_is_sealed). Internal to common/store.
 */
#ifndef AFTERSYNC_STORE_ROWS_H
#define AFTERSYNC_STORE_ROWS_H

#include "common/base/buf.h"
#include "common/crypto/hash.h"
#include "common/crypto/seal.h"
#include "common/log/log_row.h"
#include "common/log/tree.h"
#include "common/store/keys.h"

#define ROW_CHECK 8
#define ROW_MAX KV_VALUE_MAX

/* What a sealed value has more than its content: tag, then nonce. */
#define ROW_SEAL (AS_AEAD_TAG + AS_AEAD_NONCE)

/* From the store key. */
struct row_keys {
	uint8_t seal[AS_AEAD_KEY];
	uint8_t nonce[32]; /* with 32 random bytes one block of SHA-256 */
};

/* Sealing and opening in one transaction. */
struct row_crypt {
	const struct row_keys *keys;
	bool begun;
	struct as_sha256 nonces; /* over the key for nonces and random bytes, once something was sealed */
	struct buf opened;	 /* content of the sealed value read last */
};

as_err row_crypt_new(const struct row_keys *keys, struct row_crypt **ret_c) AS_MUST_CHECK;
void row_crypt_free(struct row_crypt *take_c);

/* A transaction as the functions of the store hand it on. */
struct stx {
	struct kv_txn *txn;
	struct buf *row;	 /* scratch for one value, kept by the store */
	struct as_errmsg *em;	 /* may be NULL */
	struct row_crypt *crypt; /* NULL: nothing is sealed */
};

/* Is the table one whose values a store with a key seals? */
bool row_is_sealed(unsigned table);

/* AS_ECORRUPT, with the row named in em. */
as_err row_damaged(const struct stx *x, unsigned table, struct bytes key) AS_MUST_CHECK;

void row_check(unsigned table, struct bytes key, struct bytes body, uint8_t ret_check[ROW_CHECK]);

/*
 * The content of a value read; AS_ECORRUPT as above. Valid until the next write, that of a sealed value also
 * until the next sealed one is opened in this transaction.
 */
as_err row_open(const struct stx *x, unsigned table, struct bytes key, struct bytes value,
		struct bytes *ret_body) AS_MUST_CHECK;

/* AS_ENOTFOUND; else as row_open. */
as_err row_get(const struct stx *x, unsigned table, const struct store_key_buf *key,
	       struct bytes *ret_body) AS_MUST_CHECK;
as_err row_put(const struct stx *x, unsigned table, const struct store_key_buf *key,
	       struct bytes body) AS_MUST_CHECK;

/* As row_put; the body is what stands in x->row. */
as_err row_put_scratch(const struct stx *x, unsigned table, const struct store_key_buf *key) AS_MUST_CHECK;

/* No error when there is none. */
as_err row_del(const struct stx *x, unsigned table, const struct store_key_buf *key) AS_MUST_CHECK;

/*
 * Calls fn for every row whose key begins with prefix, in order, with the checked body (TABLE_BLOCK: with the
 * raw value). fn must not write; what it returns other than AS_OK ends the walk and is returned.
 */
typedef as_err (*row_fn)(void *arg, struct bytes key, struct bytes body);
as_err row_each(const struct stx *x, unsigned table, struct bytes prefix, row_fn fn, void *arg) AS_MUST_CHECK;

/* Deletes all rows of a table. */
as_err row_clear(const struct stx *x, unsigned table) AS_MUST_CHECK;

/* ---- log rows -----------------------------------------------------------------------------------------*/

struct log_state {
	struct log_row row;
	struct tree_frontier frontier; /* at row.head */
};

void log_state_init(struct log_state *s, const struct log_id *log); /* as if never heard of */
as_err log_state_get(const struct stx *x, const struct log_id *log, struct log_state *ret_s) AS_MUST_CHECK;
as_err log_state_put(const struct stx *x, const struct log_state *s) AS_MUST_CHECK;
as_err log_row_decode(struct bytes key, struct bytes body, struct log_row *ret_row,
		      struct bytes *ret_frontier) AS_MUST_CHECK;

/* ---- block rows: the meta with a check of its own, then the block -------------------------------------*/

#define BLOCK_ROW_HEAD 64

void block_check(struct bytes block, uint8_t ret_check[ROW_CHECK]);
as_err block_put(const struct stx *x, const struct log_id *log, const struct block_meta *meta,
		 struct bytes block) AS_MUST_CHECK;

/* What the meta of this block must be; false: it is not the block of that row. */
bool block_meta_of(struct bytes key, struct bytes block, struct block_meta *ret_meta);

/*
 * Takes a value apart, checking only the meta; ret_block, when asked for, is checked as well. A damaged meta
 * is made again from the block where that is certain (mended); else AS_ECORRUPT.
 */
as_err block_row_open(const struct stx *x, struct bytes key, struct bytes value, struct block_meta *ret_meta,
		      struct bytes *ret_block) AS_MUST_CHECK;

/* The block that holds the event `index`; AS_ENOTFOUND. ret_block may be NULL: then only the meta is checked.
 */
as_err block_find(const struct stx *x, const struct log_id *log, uint64_t index, struct block_meta *ret_meta,
		  struct bytes *ret_block) AS_MUST_CHECK;

/* As block_find, without the block; where that is AS_ECORRUPT the place alone, as far as the rows around it
 * tell. */
as_err block_place(const struct stx *x, const struct log_id *log, uint64_t index,
		   struct block_meta *ret_meta) AS_MUST_CHECK;

#endif
