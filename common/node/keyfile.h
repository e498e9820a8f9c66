/*
 * Key files: DIR/keys/<type>, 0600, one line of text
 *
 *	aftersync-key-v1 <type> <base64 of 32 secret bytes>
 *
 *	identity       Ed25519 seed: a branch's checkpoints
 *	link           X25519 secret: CURVE
 *	recipient      X25519 secret: content keys are sealed to it
 *	store          what the store seals its values with
 *	ring           what wraps the key ring
 *	instance-<N>   Ed25519 seed: a life of head office
 *	transport-<N>  X25519 secret: subject keys are sealed to it
 *	root           Ed25519 seed, wrapped with a passphrase: not 32 bytes but salt (16), nonce (24), sealed
 *seed (48)
 *
 * <type> stands in the line so that a file under a wrong name is found out. No message here ever holds a part
 *of a key. Buffers are wiped; what is loaded is the caller's to lock (as_lock, before loading) and to wipe.
 */
#ifndef AFTERSYNC_NODE_KEYFILE_H
#define AFTERSYNC_NODE_KEYFILE_H

#include "common/base/bytes.h"
#include "common/node/dir.h"

#define KEYFILE_BYTES 32
#define KEYFILE_TYPE_MAX 20 /* "transport-4294967295" */

/* "instance", 3 → "instance-3"; n is at least 1. */
void keyfile_type(const char *series, uint32_t n, char ret_type[KEYFILE_TYPE_MAX + 1]);

/*
 * Makes a random key. AS_EEXIST: there is one, which is never overwritten. Durable on return.
 */
as_err keyfile_make(const struct node_dir *dir, const char *type, struct as_errmsg *em) AS_MUST_CHECK;

/* As keyfile_make, with the bytes that are given. */
as_err keyfile_put(const struct node_dir *dir, const char *type, const uint8_t key[KEYFILE_BYTES],
		   struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Loads a key, from credentials/<type> when there is one, else from DIR/keys.
 *
 * credentials  a directory, from $CREDENTIALS_DIRECTORY (the program reads the environment), or NULL.
 * ret_key      written on AS_OK only.
 * returns      AS_ENOTFOUND: neither has it. AS_ECORRUPT: damaged, cut short, or of another type.
 *              AS_EUNSUPPORTED: a newer format. AS_EREFUSED: owner, mode or a link; em has the command to
 * type.
 */
as_err keyfile_load(const struct node_dir *dir, const char *credentials, const char *type,
		    uint8_t ret_key[KEYFILE_BYTES], struct as_errmsg *em) AS_MUST_CHECK;

/* Is there a key of this type in DIR/keys? */
bool keyfile_exists(const struct node_dir *dir, const char *type);

/* The highest N of <series>-<N> in DIR/keys; AS_ENOTFOUND: there is none. */
as_err keyfile_highest(const struct node_dir *dir, const char *series, uint32_t *ret_n,
		       struct as_errmsg *em) AS_MUST_CHECK;

/* Removes a key whose time is over. The bytes may stay on the disk for a while, as with any removed file. */
as_err keyfile_remove(const struct node_dir *dir, const char *type, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * The root key. Its file may lie anywhere (kept off the host); wrapped by Argon2id and XChaCha20-Poly1305,
 * which takes about a second and 256 MiB.
 *
 * path        a file; made 0600 by keyfile_root_make, AS_EEXIST when there is one.
 * passphrase  1 to 1024 bytes.
 * returns     of load: AS_EFORGED: the passphrase is wrong (or the sealed part damaged); else as
 * keyfile_load.
 */
as_err keyfile_root_make(const char *path, struct bytes passphrase, uint8_t ret_public[32],
			 uint8_t ret_seed[KEYFILE_BYTES], struct as_errmsg *em) AS_MUST_CHECK;
as_err keyfile_root_load(const char *path, struct bytes passphrase, uint8_t ret_seed[KEYFILE_BYTES],
			 struct as_errmsg *em) AS_MUST_CHECK;

#endif
