/* common/log/tree, proof: the vectors of Certificate Transparency, and every proof up to size 130. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/rng.h"
#include "common/base/text.h"
#include "common/crypto/hash.h"
#include "common/log/proof.h"
#include "tests/lib/hex.h"
#include "tests/lib/memory_tree.h"

/* google/certificate-transparency merkle_tree_test.cc, transparency-dev/merkle testonly/constants.go */
static const char *const leaf_data[8] = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
static const char *const leaf_hash[8] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
					 "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
					 "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
					 "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
					 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
					 "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
					 "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
					 "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1"};
static const char *const roots[9] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
				     "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
				     "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
				     "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
				     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
				     "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
				     "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
				     "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
				     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

static void assert_hex(const uint8_t got[32], const char *want)
{
	char text[65];

	text_hex(got, 32, text);
	assert_string_equal(text, want);
}

static void head_of(const char *root, uint64_t size, struct log_head *h)
{
	h->size = size;
	unhex(root, h->root, 32);
}

static void add_published(struct memory_tree *t, struct tree_frontier *f)
{
	for (size_t i = 0; i < 8; i++) {
		uint8_t data[16];
		size_t n = strlen(leaf_data[i]) / 2;
		unhex(leaf_data[i], data, n);
		memory_tree_add(t, bytes_of(data, n));
		tree_push(f, t->leaves[i]);
	}
}

static void published_roots(void **state)
{
	(void)state;
	struct memory_tree *t = test_calloc(1, sizeof *t);
	struct tree_frontier f = {.size = 0};
	uint8_t root[32];

	tree_root(&f, root);
	assert_hex(root, roots[0]);
	for (size_t i = 0; i < 8; i++) {
		uint8_t data[16];
		size_t n = strlen(leaf_data[i]) / 2;
		unhex(leaf_data[i], data, n);
		memory_tree_add(t, bytes_of(data, n));
		assert_hex(t->leaves[i], leaf_hash[i]);
		tree_push(&f, t->leaves[i]);
		tree_root(&f, root);
		assert_hex(root, roots[i + 1]);
	}
	static const struct {
		unsigned level;
		uint64_t index;
		const char *hash;
	} nodes[] = {
	    {1, 0, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	    {1, 1, "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"},
	    {1, 2, "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"},
	    {1, 3, "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"},
	    {2, 0, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	    {2, 1, "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"},
	    {3, 0, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	};
	for (size_t i = 0; i < AS_COUNT(nodes); i++) {
		assert_int_equal(memory_tree_node(t, nodes[i].level, nodes[i].index, root), AS_OK);
		assert_hex(root, nodes[i].hash);
	}
	/* the frontier's peaks are such nodes: 7 = 4 + 2 + 1 */
	f.size = 0;
	for (size_t i = 0; i < 7; i++)
		tree_push(&f, t->leaves[i]);
	assert_hex(f.peaks[2], nodes[4].hash);
	assert_hex(f.peaks[1], nodes[2].hash);
	assert_hex(f.peaks[0], leaf_hash[6]);
	test_free(t);
}

struct published_proof {
	uint64_t a, b; /* index and size, or old and new size */
	size_t n;
	const char *hash[4];
};

static const struct published_proof inclusion[] = {
    {0, 1, 0, {0}},
    {0,
     8,
     3,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5,
     8,
     3,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, 1, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1,
     5,
     3,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};

static const struct published_proof consistency[] = {
    {1, 1, 0, {0}},
    {1,
     8,
     3,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {6,
     8,
     3,
     {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2,
     5,
     2,
     {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
    {4, 7, 1, {"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e"}},
    {7,
     8,
     4,
     {"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
};

static void published_proofs(void **state)
{
	(void)state;
	struct memory_tree *t = test_calloc(1, sizeof *t);
	const struct proof_source src = {memory_tree_node, t};
	struct tree_frontier f = {.size = 0};
	struct log_head old, new;
	struct proof p;

	add_published(t, &f);
	for (size_t i = 0; i < AS_COUNT(inclusion); i++) {
		const struct published_proof *want = &inclusion[i];
		assert_int_equal(proof_inclusion(&src, want->a, want->b, &p), AS_OK);
		assert_int_equal(p.n, want->n);
		for (size_t k = 0; k < want->n; k++)
			assert_hex(p.hash[k], want->hash[k]);
		head_of(roots[want->b], want->b, &new);
		assert_true(proof_inclusion_verify(&p, want->a, t->leaves[want->a], &new));
	}
	for (size_t i = 0; i < AS_COUNT(consistency); i++) {
		const struct published_proof *want = &consistency[i];
		assert_int_equal(proof_consistency(&src, want->a, want->b, &p), AS_OK);
		assert_int_equal(p.n, want->n);
		for (size_t k = 0; k < want->n; k++)
			assert_hex(p.hash[k], want->hash[k]);
		head_of(roots[want->a], want->a, &old);
		head_of(roots[want->b], want->b, &new);
		assert_true(proof_consistency_verify(&p, &old, &new));
	}
	test_free(t);
}

static void grow_to_130(struct memory_tree *t)
{
	for (unsigned i = 0; i < 130; i++) {
		const uint8_t data[2] = {(uint8_t)(i & 0xff), (uint8_t)(i >> 8)};
		memory_tree_add(t, bytes_of(data, 2));
	}
}

static void digests_of_all_proofs_to_130(void **state)
{
	(void)state;
	struct memory_tree *t = test_calloc(1, sizeof *t);
	const struct proof_source src = {memory_tree_node, t};
	struct tree_frontier f = {.size = 0};
	struct log_head heads[131];
	struct as_sha256 h;
	struct proof p;
	uint8_t digest[32], naive[32];
	unsigned proofs = 0;

	grow_to_130(t);
	as_sha256_init(&h);
	for (unsigned n = 0; n <= 130; n++) {
		tree_head(&f, &heads[n]);
		memory_tree_root(t, 0, n, naive);
		assert_memory_equal(naive, heads[n].root, 32);
		as_sha256_update(&h, heads[n].root, 32);
		if (n < 130)
			tree_push(&f, t->leaves[n]);
	}
	as_sha256_final(&h, digest);
	assert_hex(digest, "b7da090e3301259592ce59e9de5209c200fc1f9d4bd6f673d9e3f81e797b99d0");

	as_sha256_init(&h);
	for (unsigned size = 1; size <= 130; size++)
		for (unsigned i = 0; i < size; i++, proofs++) {
			assert_int_equal(proof_inclusion(&src, i, size, &p), AS_OK);
			for (unsigned k = 0; k < p.n; k++)
				as_sha256_update(&h, p.hash[k], 32);
			assert_true(proof_inclusion_verify(&p, i, t->leaves[i], &heads[size]));
		}
	as_sha256_final(&h, digest);
	assert_int_equal(proofs, 8515);
	assert_hex(digest, "f3702af5df86e91dda298e207bb4652fab9505a8d11f09acd34a9e161a95c9bb");

	as_sha256_init(&h);
	for (unsigned new = 1; new <= 130; new ++)
		for (unsigned old = 1; old <= new; old++) {
			assert_int_equal(proof_consistency(&src, old, new, &p), AS_OK);
			for (unsigned k = 0; k < p.n; k++)
				as_sha256_update(&h, p.hash[k], 32);
			assert_true(proof_consistency_verify(&p, &heads[old], &heads[new]));
		}
	as_sha256_final(&h, digest);
	assert_hex(digest, "f04826ef40c82034b03731b0fcdbc50fb6ce117eadf02525ff9ab42ab02d2fe2");
	test_free(t);
}

/* Every proof of size 33, and what is nearly one. */
static void false_proofs_fail(void **state)
{
	(void)state;
	struct memory_tree *t = test_calloc(1, sizeof *t);
	const struct proof_source src = {memory_tree_node, t};
	struct tree_frontier f = {.size = 0};
	struct log_head heads[34];
	struct proof p, q;

	grow_to_130(t);
	for (unsigned n = 0; n <= 33; n++) {
		tree_head(&f, &heads[n]);
		tree_push(&f, t->leaves[n]);
	}
	for (unsigned i = 0; i < 33; i++) {
		assert_int_equal(proof_inclusion(&src, i, 33, &p), AS_OK);
		assert_false(proof_inclusion_verify(&p, i, t->leaves[i + 1], &heads[33]));
		assert_false(proof_inclusion_verify(&p, i + 1, t->leaves[i], &heads[33]));
		assert_false(proof_inclusion_verify(&p, i, t->leaves[i], &heads[32]));
		assert_false(proof_inclusion_verify(&p, 33, t->leaves[i], &heads[33]));
		for (unsigned k = 0; k < p.n; k++) {
			q = p;
			q.hash[k][31] ^= 1;
			assert_false(proof_inclusion_verify(&q, i, t->leaves[i], &heads[33]));
		}
		q = p;
		q.n--;
		assert_false(proof_inclusion_verify(&q, i, t->leaves[i], &heads[33]));
		q = p;
		memcpy(q.hash[q.n++], heads[33].root, 32);
		assert_false(proof_inclusion_verify(&q, i, t->leaves[i], &heads[33]));
	}
	for (unsigned old = 1; old < 33; old++) {
		assert_int_equal(proof_consistency(&src, old, 33, &p), AS_OK);
		assert_false(proof_consistency_verify(&p, &heads[old], &heads[32]));
		struct log_head lie = heads[old];
		lie.root[0] ^= 1;
		assert_false(proof_consistency_verify(&p, &lie, &heads[33]));
		lie = heads[33];
		lie.root[0] ^= 1;
		assert_false(proof_consistency_verify(&p, &heads[old], &lie));
		for (unsigned k = 0; k < p.n; k++) {
			q = p;
			q.hash[k][0] ^= 0x80;
			assert_false(proof_consistency_verify(&q, &heads[old], &heads[33]));
		}
		q = p;
		q.n--;
		assert_false(proof_consistency_verify(&q, &heads[old], &heads[33]));
		q = p;
		memcpy(q.hash[q.n++], heads[33].root, 32);
		assert_false(proof_consistency_verify(&q, &heads[old], &heads[33]));
	}
	/* a right path under a wrong size: too short for the size 33, too long for the size 1 */
	struct log_head wrong = {.size = 33};
	memcpy(wrong.root, heads[32].root, 32);
	assert_int_equal(proof_inclusion(&src, 0, 32, &p), AS_OK);
	assert_true(proof_inclusion_verify(&p, 0, t->leaves[0], &heads[32]));
	assert_false(proof_inclusion_verify(&p, 0, t->leaves[0], &wrong));
	wrong.size = 1;
	memcpy(wrong.root, heads[2].root, 32);
	p.n = 1;
	memcpy(p.hash[0], t->leaves[0], 32);
	assert_false(proof_inclusion_verify(&p, 0, t->leaves[1], &wrong));
	/* size 0, equal sizes, shrinking */
	p.n = 0;
	assert_true(proof_consistency_verify(&p, &heads[0], &heads[33]));
	assert_true(proof_consistency_verify(&p, &heads[33], &heads[33]));
	assert_true(proof_consistency_verify(&p, &heads[0], &heads[0]));
	assert_false(proof_consistency_verify(&p, &heads[33], &heads[32]));
	struct log_head lie = heads[33];
	lie.root[5] ^= 1;
	assert_false(proof_consistency_verify(&p, &heads[33], &lie));
	lie = heads[0];
	lie.root[5] ^= 1;
	assert_false(proof_consistency_verify(&p, &lie, &heads[33]));
	p.n = 1;
	assert_false(proof_consistency_verify(&p, &heads[0], &heads[33]));
	assert_false(proof_consistency_verify(&p, &heads[33], &heads[33]));
	p.n = 0;
	assert_false(proof_inclusion_verify(&p, 0, t->leaves[0], &heads[0]));
	assert_int_equal(proof_inclusion(&src, 33, 33, &p), AS_EINVAL);
	assert_int_equal(proof_consistency(&src, 34, 33, &p), AS_EINVAL);
	assert_int_equal(proof_inclusion(&src, 0, UINT64_MAX, &p), AS_EINVAL);
	test_free(t);
}

/* A tree whose every subtree hashes to a function of its place: sizes that no memory holds. */
static as_err imagined_node(void *arg, unsigned level, uint64_t index, uint8_t ret_hash[TREE_HASH])
{
	uint8_t own[32];

	assert_true(level < TREE_LEVELS && ((index + 1) << level) <= *(uint64_t *)arg);
	memset(own, 0, 32);
	if (level == 0) {
		tree_leaf(bytes_of(NULL, 0),
			  ret_hash); /* all leaves alike, so that nodes depend on the level only */
		return AS_OK;
	}
	tree_leaf(bytes_of(NULL, 0), own);
	for (unsigned l = 0; l < level; l++)
		tree_node(own, own, own);
	memcpy(ret_hash, own, 32);
	return AS_OK;
}

static void proofs_of_the_largest_sizes(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {TREE_SIZE_MAX, TREE_SIZE_MAX - 1, (uint64_t)1 << 62,
					 ((uint64_t)1 << 62) + 1};
	uint8_t leaf[32];

	tree_leaf(bytes_of(NULL, 0), leaf);
	for (size_t s = 0; s < AS_COUNT(sizes); s++) {
		uint64_t size = sizes[s];
		const struct proof_source src = {imagined_node, &size};
		struct tree_frontier f = {.size = size};
		struct log_head head;
		struct proof p;
		for (unsigned l = 0; l < TREE_LEVELS; l++)
			assert_int_equal(imagined_node(&size, l, 0, f.peaks[l]), AS_OK);
		tree_head(&f, &head);
		const uint64_t at[] = {0, 1, size / 2, size / 3, size - 2, size - 1};
		for (size_t i = 0; i < AS_COUNT(at); i++) {
			struct tree_frontier g = f;
			struct log_head old;
			assert_int_equal(proof_inclusion(&src, at[i], size, &p), AS_OK);
			assert_true(proof_inclusion_verify(&p, at[i], leaf, &head));
			g.size = at[i];
			tree_head(&g, &old);
			assert_int_equal(proof_consistency(&src, at[i], size, &p), AS_OK);
			assert_true(proof_consistency_verify(&p, &old, &head));
		}
	}
}

static void frontiers_are_stored_exactly(void **state)
{
	(void)state;
	struct tree_frontier f = {.size = 0}, g, h;
	uint8_t form[TREE_FRONTIER_BYTES], leaf[32];
	struct rng r = {5};

	for (unsigned n = 0; n < 300; n++) {
		size_t len = tree_frontier_put(&f, form);
		assert_int_equal(len, 8 + 32 * (size_t)__builtin_popcount(n));
		memset(&g, 0xee, sizeof g);
		assert_true(tree_frontier_get(bytes_of(form, len), &g));
		assert_false(tree_frontier_get(bytes_of(form, len - 1), &h));
		assert_false(tree_frontier_get(bytes_of(form, len + 1), &h));
		memset(&h, 0xdd, sizeof h);
		tree_frontier_copy(&h, &g);
		uint8_t root[32], root2[32];
		tree_root(&f, root);
		tree_root(&h, root2);
		assert_memory_equal(root, root2, 32);
		assert_int_equal(h.size, n);
		rng_fill(&r, leaf, 32);
		tree_push(&f, leaf);
	}
	memset(form, 0xff, 8);
	assert_false(tree_frontier_get(bytes_of(form, sizeof form), &g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_roots),
	    cmocka_unit_test(published_proofs),
	    cmocka_unit_test(digests_of_all_proofs_to_130),
	    cmocka_unit_test(false_proofs_fail),
	    cmocka_unit_test(proofs_of_the_largest_sizes),
	    cmocka_unit_test(frontiers_are_stored_exactly),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
