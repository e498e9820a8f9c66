/* Opening a node's directory: what node.h calls a home. */
#include <stdlib.h>

#include "common/base/check.h"
#include "common/crypto/sign.h"
#include "common/node/keyfile.h"
#include "common/node/node.h"
#include "common/store/kv_lmdb.h"

#define MIB (UINT64_C(1024) * 1024)

static as_err load(struct node_home *h, const char *credentials, const char *type, uint8_t out[32],
		   struct as_errmsg *em)
{
	return keyfile_load(&h->dir, credentials, type, out, em);
}

static as_err load_box(struct node_home *h, const char *credentials, const char *type, uint8_t public_key[32],
		       uint8_t secret[32], struct as_errmsg *em)
{
	as_err err = load(h, credentials, type, secret, em);

	if (err == AS_OK)
		as_x25519_public(secret, public_key);
	return err;
}

static as_err load_signer(struct node_home *h, const char *credentials, const char *type, uint8_t public_key[32],
			  uint8_t secret[64], struct as_errmsg *em)
{
	AS_AUTO(as_secret) struct as_secret seed = {0};
	as_err err = load(h, credentials, type, seed.b, em);

	if (err == AS_OK)
		as_ed25519_keypair(seed.b, public_key, secret);
	return err;
}

static as_err load_hq(struct node_home *h, const char *credentials, struct as_errmsg *em)
{
	char type[KEYFILE_TYPE_MAX + 1];
	uint32_t newest;
	as_err err;

	if ((err = keyfile_highest(&h->dir, "instance", &h->instance, em)))
		return err;
	keyfile_type("instance", h->instance, type);
	if ((err = load_signer(h, credentials, type, h->instance_public, h->instance_secret, em)) ||
	    (err = keyfile_highest(&h->dir, "transport", &newest, em)))
		return err;
	/* the last ones: puts that were sealed to an older one may still be on their way */
	for (uint32_t n = newest > AS_COUNT(h->transports) ? newest - (uint32_t)AS_COUNT(h->transports) + 1 : 1;
	     n <= newest; n++) {
		struct node_box *b = &h->transports[h->transports_n];
		keyfile_type("transport", n, type);
		if (!keyfile_exists(&h->dir, type) && n != newest)
			continue; /* its private half was destroyed by an erasure run */
		b->number = n;
		if ((err = load_box(h, credentials, type, b->public_key, b->secret, em)))
			return err;
		h->transports_n++;
	}
	return AS_OK;
}

static as_err load_keys(struct node_home *h, const char *credentials, struct as_errmsg *em)
{
	as_err err;

	if ((err = load_box(h, credentials, "link", h->link_public, h->link_secret, em)) ||
	    (err = load_box(h, credentials, "recipient", h->recipient_public, h->recipient_secret, em)) ||
	    (err = load(h, credentials, "store", h->store_key, em)) ||
	    (err = load(h, credentials, "ring", h->ring_key, em)))
		return err;
	if (h->is_hq)
		return load_hq(h, credentials, em);
	if ((err = join_code_load(&h->dir, &h->join, em)))
		return err;
	return load_signer(h, credentials, "identity", h->identity_public, h->identity_secret, em);
}

static as_err open_database(struct node_home *h, enum node_mode mode, const struct node_opts *opts,
			    struct as_errmsg *em)
{
	struct kv_lmdb_conf conf = {.path = h->dir.store,
				    .map_bytes = opts->map_bytes,
				    .disk_limit_bytes = opts->limit_bytes,
				    .prealloc_bytes = opts->preallocate_bytes,
				    .read_only = mode == NODE_READ};

	if (conf.map_bytes == 0)
		conf.map_bytes = (h->is_hq ? 64u : 16u) * 1024 * MIB;
	if (conf.prealloc_bytes == 0)
		conf.prealloc_bytes = (h->is_hq ? 64u : 4u) * MIB;
	return kv_lmdb_open(&h->kv, &conf, em);
}

as_err node_home_open(struct node_home **ret_home, const char *dir, enum node_mode mode,
		      const struct node_opts *opts, struct as_errmsg *em)
{
	static const struct node_opts defaults;
	struct node_home *h = calloc(1, sizeof *h);
	as_err err;

	if (h == NULL)
		return AS_ENOMEM;
	if (opts == NULL)
		opts = &defaults;
	as_lock(h, sizeof *h);
	if ((err = node_dir_open(dir, &h->dir, em)) ||
	    (mode == NODE_WRITE && (err = node_dir_lock(&h->dir, em))) ||
	    (err = node_ident_load(&h->dir, &h->ident, em)))
		goto fail;
	h->is_hq = h->ident.role == NODE_HQ;
	memcpy(h->org, h->ident.org, sizeof h->org);
	memcpy(h->branch, h->ident.branch, strnlen(h->ident.branch, BRANCH_CODE_MAX));
	if ((err = tz_load(h->ident.timezone, &h->tz, em)))
		goto fail;
	if ((err = load_keys(h, opts->credentials, em))) {
		err = err == AS_ECORRUPT ? AS_EINVAL : err; /* not the store: somebody has to put the key back */
		goto fail;
	}
	if ((err = open_database(h, mode, opts, em)))
		goto fail;
	*ret_home = h;
	return AS_OK;
fail:
	node_home_close(h);
	return err;
}

void node_home_close(struct node_home *h)
{
	if (h == NULL)
		return;
	kv_close(h->kv);
	node_dir_done(&h->dir);
	as_wipe(h, sizeof *h);
	free(h);
}

as_err node_open(struct node **ret_node, const char *dir, enum node_mode mode, struct as_errmsg *em)
{
	struct node_home *h;
	as_err err = node_home_open(&h, dir, mode, NULL, em);

	if (err == AS_OK && (err = node_view(ret_node, h, mode == NODE_WRITE, em)))
		node_home_close(h);
	return err;
}

void node_close(struct node *n)
{
	struct node_home *h = n ? n->home : NULL;

	node_view_free(n);
	node_home_close(h);
}
