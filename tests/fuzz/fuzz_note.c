/*
 * Notes, checkpoints, verifier keys, tlog-proofs from outside: no input may do more than be refused; what is
 * accepted is written back byte for byte.
 */
#include <stddef.h>
#include <stdint.h>

#include "common/base/check.h"
#include "common/log/tlog_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_note(struct bytes in)
{
	static const uint8_t key[32] = {1};
	struct note_key k[2];
	struct checkpoint cp;
	struct note n;

	if (note_parse(in, &n))
		return;
	as_assert(n.lines_n >= 1 && n.text.n >= 1 && n.text.p[n.text.n - 1] == '\n');
	for (uint32_t i = 0; i < n.lines_n; i++) {
		/* whoever signed, it was not this key */
		if (note_key_init(&k[0], NOTE_ED25519, n.lines[i].name, key) ||
		    note_key_init(&k[1], NOTE_COSIGNATURE, n.lines[i].name, key))
			continue;
		memcpy(k[0].id, n.lines[i].id, 4);
		memcpy(k[1].id, n.lines[i].id, 4);
		as_assert(note_verify(&n, &k[0], 1, NULL) == AS_EFORGED);
		as_assert(note_verify(&n, &k[1], 1, NULL) == AS_EFORGED);
	}
	if (checkpoint_parse(n.text, &cp) == AS_OK) {
		static uint8_t out[NOTE_BYTES_MAX];
		struct writer w = writer_of(out, sizeof out);
		checkpoint_put(&w, cp.origin, &cp.head);
		writer_bytes(&w, cp.extensions);
		as_assert(!w.full && bytes_equal(writer_done(&w), n.text));
	}
}

static void try_vkey(struct bytes in)
{
	char text[NOTE_VKEY_MAX + 1];
	struct note_key k;

	if (note_key_parse(in, &k) == AS_OK) {
		size_t n = note_key_format(&k, text);
		as_assert(bytes_equal(bytes_of(text, n), in));
	}
}

static void try_proof(struct bytes in)
{
	static uint8_t out[TLOG_PROOF_MAX];
	struct writer w = writer_of(out, sizeof out);
	struct tlog_proof tp;

	if (tlog_proof_parse(in, &tp))
		return;
	as_assert(tp.index < tp.checkpoint.head.size && tp.proof.n <= TREE_LEVELS);
	if (tp.has_extra)
		return;
	tlog_proof_put(&w, tp.index, &tp.proof, tp.note.raw);
	as_assert(!w.full && bytes_equal(writer_done(&w), in));
	/* a wrong leaf is never in */
	static const uint8_t leaf[32] = {1};
	as_assert(!proof_inclusion_verify(&tp.proof, tp.index, leaf, &tp.checkpoint.head) ||
		  memcmp(leaf, tp.checkpoint.head.root, 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);

	try_note(in);
	try_vkey(in);
	try_proof(in);
	return 0;
}
