/*
 * The join code: one line of text that an administrator of head office hands to a branch, and all that a
 *branch needs to record offline at once and to join later. It holds a secret (the token) and is treated as
 *one.
 *
 *	aftersync-join-1.<base64url without padding of>
 *
 *	u8 version, 1           u16 bytes of the whole, checksum included
 *	16 org id               8 branch code, zero padded      u32 first incarnation number
 *	u64 expires, unix s     32 head office's public root key
 *	u32 instance number     32 its public key
 *	32 public CURVE key     32 public recipient key
 *	u32 key transport       32 its public key
 *	u32 token number        16 token seed
 *	u8 n, time zone         u8 n, endpoint                  u8 n, name of the branch
 *	4 checksum: the first bytes of BLAKE2b-256 over all before
 *
 * Numbers are big-endian and at least 1. There is one text for one code, apart from white space, which is
 *skipped: a mail may have wrapped it.
 */
#ifndef AFTERSYNC_NODE_JOINCODE_H
#define AFTERSYNC_NODE_JOINCODE_H

#include "common/base/endpoint.h"
#include "common/node/ident.h"

#define JOIN_TEXT_MAX 800 /* characters of a code, with its 0 */

struct join_code {
	uint8_t org[16];
	char branch[BRANCH_CODE_MAX + 1];
	uint32_t incarnation;
	uint64_t expires_s; /* unix seconds */
	uint8_t root[32];
	uint32_t instance;
	uint8_t instance_key[32];
	uint8_t curve_key[32];
	uint8_t recipient_key[32];
	uint32_t transport;
	uint8_t transport_key[32];
	uint32_t token;
	uint8_t token_seed[16]; /* secret */
	char timezone[TZ_NAME_MAX + 1];
	char endpoint[ENDPOINT_BYTES_MAX + 1];
	char name[NODE_NAME_MAX + 1]; /* may be empty */
};

void join_code_done(struct join_code *jc); /* wipes */

/* AS_EINVAL: a value breaks its rule; em names it. ret_text is 0-terminated. */
as_err join_code_encode(const struct join_code *jc, char ret_text[JOIN_TEXT_MAX],
			struct as_errmsg *em) AS_MUST_CHECK;

/*
 * em is one sentence for the person who typed it.
 *
 * returns  AS_EPROTO: not a join code, cut short, damaged. AS_EUNSUPPORTED: of a newer version.
 */
as_err join_code_decode(struct bytes text, struct join_code *ret, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * The token's CURVE keys: secret = BLAKE2b-256 keyed with the seed, over "aftersync v1 token"; public =
 * X25519 of it. Head office keeps the public one only.
 */
void join_token_keys(const uint8_t seed[16], uint8_t ret_public[32], uint8_t ret_secret[32]);

/* DIR/keys/join holds the code as text. Writing replaces an older one, whole or not at all. */
as_err join_code_save(const struct node_dir *dir, const struct join_code *jc,
		      struct as_errmsg *em) AS_MUST_CHECK;
as_err join_code_load(const struct node_dir *dir, struct join_code *ret, struct as_errmsg *em) AS_MUST_CHECK;

#endif
