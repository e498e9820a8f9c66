#include "common/node/keyfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/writer.h"
#include "common/crypto/password.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"
#include "common/crypto/sign.h"
#include "common/node/files.h"

#define MAGIC "aftersync-key-v"
#define ROOT_BYTES (AS_PASSWORD_SALT + AS_AEAD_NONCE + KEYFILE_BYTES + AS_AEAD_TAG)
#define LINE_MAX 256 /* magic, type, base64 of ROOT_BYTES */

static const char *const single[] = {"identity", "link", "recipient", "store", "ring"};
static const char *const series_names[] = {"instance", "transport"};

/* What a key file holds; wiped at the end of scope. */
struct key_text {
	uint8_t line[LINE_MAX];
	size_t n;
	uint8_t key[ROOT_BYTES];
};

static void key_text_done(struct key_text *t)
{
	as_wipe(t, sizeof *t);
}

static bool is_series(const char *name)
{
	for (size_t i = 0; i < AS_COUNT(series_names); i++)
		if (strcmp(name, series_names[i]) == 0)
			return true;
	return false;
}

/* The N of "<series>-<N>", 0 when it is no such name. */
static uint32_t number_of(const char *name, const char *series)
{
	size_t n = strlen(series);
	uint64_t v;

	if (strncmp(name, series, n) != 0 || name[n] != '-' ||
	    !text_decimal(bytes_of_str(name + n + 1), UINT32_MAX, &v))
		return 0;
	return (uint32_t)v;
}

/* Types come from our own code: a wrong one is our mistake. */
static bool type_known(const char *type)
{
	for (size_t i = 0; i < AS_COUNT(single); i++)
		if (strcmp(type, single[i]) == 0)
			return true;
	for (size_t i = 0; i < AS_COUNT(series_names); i++)
		if (number_of(type, series_names[i]))
			return true;
	return false;
}

void keyfile_type(const char *series, uint32_t n, char ret_type[KEYFILE_TYPE_MAX + 1])
{
	as_assert(is_series(series) && n >= 1);
	snprintf(ret_type, KEYFILE_TYPE_MAX + 1, "%s-%lu", series, (unsigned long)n);
}

static void put_line(struct key_text *t, const char *type, const uint8_t *p, size_t n)
{
	struct writer w = writer_of(t->line, sizeof t->line);

	writer_lit(&w, MAGIC "1 ");
	writer_bytes(&w, bytes_of_str(type));
	writer_lit(&w, " ");
	writer_base64(&w, p, n);
	writer_lit(&w, "\n");
	as_assert(!w.full);
	t->n = w.n;
}

static as_err damaged(const char *shown, const char *what, struct as_errmsg *em)
{
	as_errmsg_set(em, "%s is damaged: %s", shown, what);
	return AS_ECORRUPT;
}

/* The next word of a line, without the blank after it. */
static struct bytes take_word(struct bytes *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ' ')
		n++;
	struct bytes word = bytes_of(s->p, n);
	*s = n < s->n ? bytes_of(s->p + n + 1, s->n - n - 1) : bytes_of(s->p + n, 0);
	return word;
}

/* Takes the line apart into t->key, which must be of want bytes. */
static as_err take_line(struct key_text *t, const char *type, size_t want, const char *shown,
			struct as_errmsg *em)
{
	struct bytes text = bytes_of(t->line, t->n), line, magic, found;
	const size_t magic_n = sizeof MAGIC - 1;
	uint64_t version;
	size_t got;

	if (t->n == 0)
		return damaged(shown, "it is empty", em);
	if (t->n < magic_n || memcmp(t->line, MAGIC, magic_n) != 0)
		return damaged(shown, "it is not a key file of aftersync", em);
	if (!text_take_line(&text, &line))
		return damaged(shown, "it is cut short", em);
	if (text.n)
		return damaged(shown, "something stands after the first line", em);
	magic = take_word(&line);
	if (!text_decimal(bytes_of(magic.p + magic_n, magic.n - magic_n), UINT32_MAX, &version) ||
	    version == 0)
		return damaged(shown, "it is not a key file of aftersync", em);
	if (version > 1) {
		as_errmsg_set(em, "%s is of a newer version of the program", shown);
		return AS_EUNSUPPORTED;
	}
	found = take_word(&line);
	if (!bytes_equal(found, bytes_of_str(type))) {
		bool known = found.n <= KEYFILE_TYPE_MAX;
		for (size_t i = 0; known && i < found.n; i++)
			known = found.p[i] > ' ' && found.p[i] < 0x7f;
		if (!known)
			return damaged(shown, "it does not say what key it is", em);
		as_errmsg_set(em, "%s holds another key: %.*s instead of %s", shown, (int)found.n,
			      (const char *)found.p, type);
		return AS_ECORRUPT;
	}
	if (!text_unbase64(line, t->key, sizeof t->key, &got))
		return damaged(shown, "the key is not whole", em);
	if (got != want)
		return damaged(shown, got < want ? "the key is too short" : "the key is too long", em);
	return AS_OK;
}

as_err keyfile_put(const struct node_dir *dir, const char *type, const uint8_t key[KEYFILE_BYTES],
		   struct as_errmsg *em)
{
	AS_AUTO(key_text) struct key_text t = {0};
	char shown[NODE_PATH_MAX];

	as_assert(dir->is_open && type_known(type));
	file_shown(shown, sizeof shown, dir->keys, type);
	put_line(&t, type, key, KEYFILE_BYTES);
	return file_write(dir->keys_fd, type, false, shown, bytes_of(t.line, t.n), em);
}

as_err keyfile_make(const struct node_dir *dir, const char *type, struct as_errmsg *em)
{
	AS_AUTO(as_secret) struct as_secret key = {0};

	as_random(key.b, KEYFILE_BYTES);
	return keyfile_put(dir, type, key.b, em);
}

static as_err load(int at, const char *type, enum file_care care, const char *shown,
		   uint8_t ret_key[KEYFILE_BYTES], struct as_errmsg *em)
{
	AS_AUTO(key_text) struct key_text t = {0};
	as_err err;

	err = file_read(at, type, care, shown, t.line, sizeof t.line, &t.n, em);
	if (err == AS_ETOOBIG)
		return damaged(shown, "it is too long", em);
	if (err || (err = take_line(&t, type, KEYFILE_BYTES, shown, em)))
		return err;
	memcpy(ret_key, t.key, KEYFILE_BYTES);
	return AS_OK;
}

as_err keyfile_load(const struct node_dir *dir, const char *credentials, const char *type,
		    uint8_t ret_key[KEYFILE_BYTES], struct as_errmsg *em)
{
	char shown[NODE_PATH_MAX];
	as_err err;

	as_assert(dir->is_open && type_known(type));
	if (credentials) {
		AS_AUTO(file_fd) struct file_fd f = {0};
		f.plus1 = 1 + open(credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (!f.plus1)
			return file_failed("open", credentials, em);
		file_shown(shown, sizeof shown, credentials, type);
		err = load(file_fd_get(f), type, FILE_CREDENTIAL, shown, ret_key, em);
		if (err != AS_ENOTFOUND)
			return err;
	}
	file_shown(shown, sizeof shown, dir->keys, type);
	err = load(dir->keys_fd, type, FILE_SECRET, shown, ret_key, em);
	if (err == AS_ENOTFOUND)
		as_errmsg_set(em, "there is no key %s%s", shown,
			      credentials ? ", and no credential of that name" : "");
	return err;
}

bool keyfile_exists(const struct node_dir *dir, const char *type)
{
	struct stat st;

	as_assert(dir->is_open && type_known(type));
	return fstatat(dir->keys_fd, type, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

as_err keyfile_highest(const struct node_dir *dir, const char *series, uint32_t *ret_n, struct as_errmsg *em)
{
	struct dirent *d;
	uint32_t highest = 0;

	as_assert(dir->is_open && is_series(series));
	int fd = openat(dir->keys_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	if (list == NULL) {
		as_err err = file_failed("list", dir->keys, em);
		if (fd >= 0)
			close(fd);
		return err;
	}
	while ((errno = 0, d = readdir(list)) != NULL) {
		uint32_t n = number_of(d->d_name, series);
		highest = n > highest ? n : highest;
	}
	as_err err = errno ? file_failed("list", dir->keys, em) : AS_OK;
	closedir(list);
	if (err)
		return err;
	if (highest == 0) {
		as_errmsg_set(em, "there is no key %s/%s-N", dir->keys, series);
		return AS_ENOTFOUND;
	}
	*ret_n = highest;
	return AS_OK;
}

as_err keyfile_remove(const struct node_dir *dir, const char *type, struct as_errmsg *em)
{
	char shown[NODE_PATH_MAX];

	as_assert(dir->is_open && type_known(type));
	file_shown(shown, sizeof shown, dir->keys, type);
	if (unlinkat(dir->keys_fd, type, 0))
		return file_failed("remove", shown, em);
	return fsync(dir->keys_fd) ? file_failed("sync the folder of", shown, em) : AS_OK;
}

/* ---- root: salt || nonce || sealed seed
 * ---------------------------------------------------------------------- */

static const char root_ad[] = MAGIC "1 root";

/* The folder of path, opened, and the name in it. */
static as_err split(const char *path, struct file_fd *ret_folder, const char **ret_name, struct as_errmsg *em)
{
	char folder[NODE_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;

	*ret_name = path + n;
	if (n >= sizeof folder || **ret_name == 0 || strlen(*ret_name) > 60) {
		as_errmsg_set(em, "%s cannot be the name of a key file", path);
		return AS_EINVAL;
	}
	memcpy(folder, path, n);
	memcpy(folder + n, n ? "" : ".", n ? 1 : 2);
	ret_folder->plus1 = 1 + open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret_folder->plus1 ? AS_OK : file_failed("open", folder, em);
}

static as_err wrapping_key(struct bytes passphrase, const uint8_t *salt, struct as_secret *ret,
			   struct as_errmsg *em)
{
	as_err err = as_password_key(passphrase, salt, ret->b);

	if (err == AS_EINVAL)
		as_errmsg_set(em, "a passphrase has 1 to %d bytes", AS_PASSWORD_MAX);
	else if (err)
		as_errmsg_set(em, "256 MiB of memory are needed for the passphrase, and are not free");
	return err;
}

as_err keyfile_root_make(const char *path, struct bytes passphrase, uint8_t ret_public[32],
			 uint8_t ret_seed[KEYFILE_BYTES], struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd folder = {0};
	AS_AUTO(key_text) struct key_text t = {0};
	AS_AUTO(as_secret) struct as_secret wrap = {0}, seed = {0}, secret = {0};
	uint8_t *salt = t.key, *nonce = salt + AS_PASSWORD_SALT, *sealed = nonce + AS_AEAD_NONCE;
	uint8_t public_key[32];
	const char *name;
	as_err err;

	if ((err = split(path, &folder, &name, em)))
		return err;
	as_random(salt, AS_PASSWORD_SALT + AS_AEAD_NONCE);
	as_random(seed.b, KEYFILE_BYTES);
	if ((err = wrapping_key(passphrase, salt, &wrap, em)))
		return err;
	as_aead_seal(wrap.b, nonce, bytes_of_str(root_ad), bytes_of(seed.b, KEYFILE_BYTES), sealed);
	put_line(&t, "root", t.key, ROOT_BYTES);
	if ((err = file_write(file_fd_get(folder), name, false, path, bytes_of(t.line, t.n), em)))
		return err;
	as_ed25519_keypair(seed.b, public_key, secret.b);
	memcpy(ret_public, public_key, sizeof public_key);
	memcpy(ret_seed, seed.b, KEYFILE_BYTES);
	return AS_OK;
}

as_err keyfile_root_load(const char *path, struct bytes passphrase, uint8_t ret_seed[KEYFILE_BYTES],
			 struct as_errmsg *em)
{
	AS_AUTO(file_fd) struct file_fd folder = {0};
	AS_AUTO(key_text) struct key_text t = {0};
	AS_AUTO(as_secret) struct as_secret wrap = {0}, seed = {0};
	const uint8_t *salt = t.key, *nonce = salt + AS_PASSWORD_SALT, *sealed = nonce + AS_AEAD_NONCE;
	const char *name;
	as_err err;

	if ((err = split(path, &folder, &name, em)))
		return err;
	err = file_read(file_fd_get(folder), name, FILE_SECRET, path, t.line, sizeof t.line, &t.n, em);
	if (err == AS_ETOOBIG)
		return damaged(path, "it is too long", em);
	if (err || (err = take_line(&t, "root", ROOT_BYTES, path, em)) ||
	    (err = wrapping_key(passphrase, salt, &wrap, em)))
		return err;
	if (!as_aead_open(wrap.b, nonce, bytes_of_str(root_ad), bytes_of(sealed, KEYFILE_BYTES + AS_AEAD_TAG),
			  seed.b)) {
		as_errmsg_set(em, "the passphrase is not that of %s", path);
		return AS_EFORGED;
	}
	memcpy(ret_seed, seed.b, KEYFILE_BYTES);
	return AS_OK;
}
