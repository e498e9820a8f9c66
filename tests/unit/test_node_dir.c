/* common/node: a node's directory, who it is, its keys. Owners are only tested by root, who may change them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/crypto/random.h"
#include "common/crypto/sign.h"
#include "common/node/dir.h"
#include "common/node/ident.h"
#include "common/node/keyfile.h"
#include "tests/lib/tmpdir.h"

static struct tmpdir tmp;
static struct as_errmsg em;

static int set_up(void **state)
{
	(void)state;
	tmpdir_init(&tmp);
	memset(&em, 0, sizeof em);
	umask(022);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tmpdir_done(&tmp);
	return 0;
}

static const struct node_ident hq = {
    .role = NODE_HQ, .org = {1, 2}, .root = {3}, .name = "星辰手机", .timezone = "Asia/Shanghai"};

/* A node with its identity and this key; open. */
static void make(struct node_dir *dir, const char *key)
{
	assert_int_equal(node_dir_new(tmpdir_at(&tmp, "n"), dir, &em), AS_OK);
	assert_int_equal(node_ident_save(dir, &hq, &em), AS_OK);
	if (key)
		assert_int_equal(keyfile_make(dir, key, &em), AS_OK);
	assert_int_equal(node_dir_keep(dir, &em), AS_OK);
}

static void put(const char *path, const char *text, mode_t mode)
{
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static unsigned entries(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (unsigned)st.st_nlink; /* folders in it + 2 */
}

static void expect_text(const char *part)
{
	if (strstr(em.text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, em.text);
}

static void a_new_directory_is_private(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0}, again = {0};

	umask(0);
	make(&dir, "link");
	assert_string_equal(dir.path, tmpdir_at(&tmp, "n"));
	assert_string_equal(dir.socket, tmpdir_at(&tmp, "n/run/control.sock"));
	assert_int_equal(mode_of(dir.path), 0700);
	assert_int_equal(mode_of(dir.keys), 0700);
	assert_int_equal(mode_of(dir.store), 0700);
	assert_int_equal(mode_of(dir.run), 0700);
	assert_int_equal(mode_of(dir.node), 0600);
	assert_int_equal(mode_of(tmpdir_at(&tmp, "n/keys/link")), 0600);
	assert_int_equal(entries(tmp.path), 3); /* nothing is left beside */
	assert_int_equal(access(tmpdir_at(&tmp, "n/keys/.link.new"), F_OK), -1);
	assert_int_equal(node_dir_open(tmpdir_at(&tmp, "n///"), &again, &em), AS_OK);
	assert_string_equal(again.path, dir.path);
	node_dir_done(&again);
	assert_int_equal(node_dir_new(dir.path, &again, &em), AS_EEXIST);
	expect_text("new or empty");
}

static void a_failed_start_leaves_nothing(void **state)
{
	(void)state;
	struct node_dir dir;

	assert_int_equal(node_dir_new(tmpdir_at(&tmp, "n"), &dir, &em), AS_OK);
	assert_int_equal(keyfile_make(&dir, "store", &em), AS_OK);
	put(dir.conf, "x", 0600);
	assert_int_equal(entries(tmp.path), 3);
	node_dir_done(&dir);
	assert_int_equal(entries(tmp.path), 2);
	node_dir_done(&dir);

	/* somebody was faster */
	assert_int_equal(node_dir_new(tmpdir_at(&tmp, "n"), &dir, &em), AS_OK);
	assert_int_equal(mkdir(tmpdir_at(&tmp, "n"), 0700), 0);
	put(tmpdir_at(&tmp, "n/theirs"), "x", 0600);
	assert_int_equal(node_dir_keep(&dir, &em), AS_EEXIST);
	node_dir_done(&dir);
	assert_int_equal(access(tmpdir_at(&tmp, "n/theirs"), F_OK), 0);
	assert_int_equal(entries(tmp.path), 3);

	assert_int_equal(node_dir_new(tmpdir_at(&tmp, "no/where"), &dir, &em), AS_ENOTFOUND);
	assert_int_equal(node_dir_new("", &dir, &em), AS_EINVAL);
}

static void an_empty_directory_is_taken_over(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};

	assert_int_equal(mkdir(tmpdir_at(&tmp, "n"), 0755), 0);
	make(&dir, NULL);
	assert_int_equal(mode_of(dir.path), 0700);
	node_dir_done(&dir);
	put(tmpdir_at(&tmp, "file"), "x", 0600);
	assert_int_equal(node_dir_new(tmpdir_at(&tmp, "file"), &dir, &em), AS_EEXIST);
	expect_text("not a directory");
}

static void loose_modes_are_refused(void **state)
{
	(void)state;
	struct node_dir dir = {0};
	static const struct {
		const char *path;
		mode_t mode;
		bool ok;
		const char *say;
	} rows[] = {
	    {"n", 0755, true, NULL},
	    {"n", 0775, false, "chmod 0700 "},
	    {"n", 0702, false, "mode 0702"},
	    {"n/keys", 0710, false, "/keys"},
	    {"n/keys", 0704, false, "chmod 0700"},
	    {"n/store", 0750, false, "/store"},
	    {"n/run", 0755, true, NULL},
	    {"n/run", 0770, false, "/run"},
	};

	make(&dir, NULL);
	node_dir_done(&dir);
	for (size_t i = 0; i < AS_COUNT(rows); i++) {
		char path[300];
		snprintf(path, sizeof path, "%s", tmpdir_at(&tmp, rows[i].path));
		assert_int_equal(chmod(path, rows[i].mode), 0);
		as_err err = node_dir_open(tmpdir_at(&tmp, "n"), &dir, &em);
		assert_int_equal(err, rows[i].ok ? AS_OK : AS_EREFUSED);
		if (rows[i].say)
			expect_text(rows[i].say);
		node_dir_done(&dir);
		memset(&dir, 0, sizeof dir);
		assert_int_equal(chmod(path, 0700), 0);
	}
}

static void another_owner_is_refused(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};

	if (geteuid() != 0)
		skip();
	make(&dir, "link");
	uint8_t key[32];
	assert_int_equal(chown(tmpdir_at(&tmp, "n/keys/link"), 12345, 12345), 0);
	assert_int_equal(keyfile_load(&dir, NULL, "link", key, &em), AS_EREFUSED);
	expect_text("uid 12345");
	node_dir_done(&dir);
	assert_int_equal(chown(tmpdir_at(&tmp, "n"), 12345, 12345), 0);
	assert_int_equal(node_dir_open(tmpdir_at(&tmp, "n"), &dir, &em), AS_EREFUSED);
	expect_text("uid 12345");
	expect_text("chown 0 ");
}

static void links_are_not_followed(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	uint8_t key[32];

	make(&dir, "link");
	assert_int_equal(rename(tmpdir_at(&tmp, "n/keys/link"), tmpdir_at(&tmp, "elsewhere")), 0);
	assert_int_equal(symlink("../../elsewhere", tmpdir_at(&tmp, "n/keys/link")), 0);
	assert_int_equal(keyfile_load(&dir, NULL, "link", key, &em), AS_EREFUSED);
	expect_text("symbolic link");
	node_dir_done(&dir);
	assert_int_equal(symlink("n", tmpdir_at(&tmp, "alias")), 0);
	assert_int_equal(node_dir_open(tmpdir_at(&tmp, "alias"), &dir, &em), AS_EREFUSED);
	assert_int_equal(node_dir_open(tmpdir_at(&tmp, "alias/"), &dir, &em), AS_EREFUSED);
	assert_int_equal(rename(tmpdir_at(&tmp, "n/store"), tmpdir_at(&tmp, "store")), 0);
	assert_int_equal(symlink("../store", tmpdir_at(&tmp, "n/store")), 0);
	assert_int_equal(node_dir_open(tmpdir_at(&tmp, "n"), &dir, &em), AS_EREFUSED);
	expect_text("/store");
}

static void what_is_no_node_is_named(void **state)
{
	(void)state;
	struct node_dir dir;
	static char far[NODE_DIR_MAX + 10];

	assert_int_equal(node_dir_open(tmp.path, &dir, &em), AS_ENOTFOUND);
	expect_text("hq init");
	assert_int_equal(node_dir_open(tmpdir_at(&tmp, "none"), &dir, &em), AS_ENOTFOUND);
	memset(far, 'x', sizeof far - 1);
	assert_int_equal(node_dir_open(far, &dir, &em), AS_ETOOBIG);
	assert_int_equal(node_dir_new(far, &dir, &em), AS_ETOOBIG);
}

/* A long DIR works, and its socket by way of the descriptor. */
static void long_paths_work(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	char path[NODE_DIR_MAX + 1], part[102];

	memset(part, 'd', 101);
	part[0] = '/';
	part[101] = 0;
	strcpy(path, tmp.path);
	while (strlen(path) + 101 <= NODE_DIR_MAX - 101) {
		strcat(path, part);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	strcat(path, part);
	assert_int_equal(node_dir_new(path, &dir, &em), AS_OK);
	assert_int_equal(node_ident_save(&dir, &hq, &em), AS_OK);
	assert_int_equal(node_dir_keep(&dir, &em), AS_OK);
	char by_fd[64];
	snprintf(by_fd, sizeof by_fd, "/proc/self/fd/%d/run", dir.fd);
	assert_int_equal(access(by_fd, F_OK), 0);
}

/* In another process: the lock is per open file, but a pid is only told apart there. */
static int lock_in_child(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct node_dir dir;
		if (node_dir_open(path, &dir, NULL))
			_exit(90);
		_exit(node_dir_lock(&dir, &em) == AS_OK ? 0 : strstr(em.text, "(pid ") ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void one_process_has_the_lock(void **state)
{
	(void)state;
	struct node_dir dir;
	AS_AUTO(node_dir) struct node_dir other = {0};
	char want[64];

	make(&dir, NULL);
	assert_int_equal(node_dir_lock(&dir, &em), AS_OK);
	assert_int_equal(lock_in_child(dir.path), 1);
	assert_int_equal(node_dir_open(dir.path, &other, &em), AS_OK);
	assert_int_equal(node_dir_lock(&other, &em), AS_ECONFLICT);
	snprintf(want, sizeof want, "(pid %ld) uses ", (long)getpid());
	expect_text(want);
	char path[NODE_PATH_MAX];
	strcpy(path, dir.path);
	node_dir_done(&dir);
	assert_int_equal(lock_in_child(path), 0);
	assert_int_equal(node_dir_lock(&other, &em), AS_OK); /* the child ended */
}

static void who_it_is_comes_back(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	struct node_ident branch = {.role = NODE_BRANCH, .branch = "BJ01", .timezone = "Asia/Kathmandu"}, got;

	make(&dir, NULL);
	assert_int_equal(node_ident_load(&dir, &got, &em), AS_OK);
	assert_memory_equal(&got, &hq, sizeof hq);
	memset(branch.org, 0xee, 16);
	memset(branch.root, 0xdd, 32);
	assert_int_equal(node_ident_save(&dir, &branch, &em), AS_OK);
	assert_int_equal(node_ident_load(&dir, &got, &em), AS_OK);
	assert_memory_equal(&got, &branch, sizeof branch);
	strcpy(branch.branch, "bj01");
	assert_int_equal(node_ident_save(&dir, &branch, &em), AS_EINVAL);
	expect_text("branch is not 2 to 8");
	strcpy(branch.branch, "BJ01");
	strcpy(branch.name, "a\nrole = hq");
	assert_int_equal(node_ident_save(&dir, &branch, &em), AS_EINVAL);
	assert_int_equal(node_ident_load(&dir, &got, &em), AS_OK); /* the old one */
}

static void a_wrong_file_says_where(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	struct node_ident got;
#define START "format = 1\nrole = branch\norg = 00000000000000000000000000000000\n"
#define ROOT "root = 0000000000000000000000000000000000000000000000000000000000000000\n"
	static const struct {
		const char *text;
		as_err err;
		const char *say;
	} rows[] = {
	    {START ROOT "branch = BJ01\nname =\ntimezone = UTC\n", AS_OK, NULL},
	    {START ROOT "branch = BJ01\nname = \ntimezone = UTC\n", AS_OK, NULL},
	    {"", AS_EPROTO, "node:1: `format"},
	    {"format = 2\nwhatever\n", AS_EUNSUPPORTED, "newer"},
	    {"format = x\n", AS_EPROTO, "node:1"},
	    {START ROOT "branch = BJ01\nname = \ntimezone = UTC", AS_EPROTO, "node:7"},
	    {START ROOT "branch = BJ01\nname = \ntimezone = ../UTC\n", AS_EPROTO, "node:7: timezone is not"},
	    {START ROOT "branch = B\nname = \ntimezone = UTC\n", AS_EPROTO, "node:5: branch is not"},
	    {START ROOT "org_name = x\ntimezone = UTC\n", AS_EPROTO, "node:5: `branch"},
	    {START ROOT "branch = BJ01\nname = \xff\ntimezone = UTC\n", AS_EPROTO, "node:6"},
	    {START ROOT "branch = BJ01\nname = \ntimezone = UTC\nx = 1\n", AS_EPROTO, "node:8"},
	    {START "root = 00\n", AS_EPROTO, "node:4: root is not 64"},
	};

	make(&dir, NULL);
	for (size_t i = 0; i < AS_COUNT(rows); i++) {
		put(dir.node, rows[i].text, 0600);
		assert_int_equal(node_ident_load(&dir, &got, &em), rows[i].err);
		if (rows[i].say)
			expect_text(rows[i].say);
	}
	assert_int_equal(unlink(dir.node), 0);
	assert_int_equal(node_ident_load(&dir, &got, &em), AS_ENOTFOUND);
}

static void keys_come_back(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	static const char *const types[] = {"identity", "link",	      "recipient",	     "store",
					    "ring",	"instance-1", "transport-4294967295"};
	uint8_t key[32], got[32], other[32];
	char type[KEYFILE_TYPE_MAX + 1];
	uint32_t n;

	make(&dir, NULL);
	for (size_t i = 0; i < AS_COUNT(types); i++) {
		memset(key, (int)(i + 1), sizeof key);
		assert_false(keyfile_exists(&dir, types[i]));
		assert_int_equal(keyfile_put(&dir, types[i], key, &em), AS_OK);
		assert_true(keyfile_exists(&dir, types[i]));
		assert_int_equal(keyfile_load(&dir, NULL, types[i], got, &em), AS_OK);
		assert_memory_equal(got, key, 32);
		assert_int_equal(keyfile_make(&dir, types[i], &em), AS_EEXIST); /* never over an old one */
	}
	assert_int_equal(keyfile_load(&dir, NULL, "link", got, &em), AS_OK);
	memset(key, 2, sizeof key);
	assert_memory_equal(got, key, 32);
	assert_int_equal(keyfile_highest(&dir, "transport", &n, &em), AS_OK);
	assert_int_equal(n, 4294967295u);
	keyfile_type("instance", 12, type);
	assert_string_equal(type, "instance-12");
	assert_int_equal(keyfile_make(&dir, type, &em), AS_OK);
	assert_int_equal(keyfile_make(&dir, "instance-3", &em), AS_OK);
	assert_int_equal(keyfile_highest(&dir, "instance", &n, &em), AS_OK);
	assert_int_equal(n, 12);
	assert_int_equal(keyfile_load(&dir, NULL, type, got, &em), AS_OK);
	assert_int_equal(keyfile_load(&dir, NULL, "instance-3", other, &em), AS_OK);
	assert_memory_not_equal(got, other, 32);
	assert_int_equal(keyfile_remove(&dir, "link", &em), AS_OK);
	assert_int_equal(keyfile_remove(&dir, "link", &em), AS_ENOTFOUND);
	assert_int_equal(keyfile_load(&dir, NULL, "link", got, &em), AS_ENOTFOUND);
	expect_text("there is no key");
}

#define GOOD "aftersync-key-v1 link AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

static void bad_key_files_have_a_line_each(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	static const struct {
		const char *text;
		mode_t mode;
		as_err err;
		const char *say;
	} rows[] = {
	    {GOOD "\n", 0600, AS_OK, ""},
	    {GOOD "\n", 0400, AS_OK, ""},
	    {GOOD "\n", 0640, AS_EREFUSED, "chmod 0600"},
	    {GOOD "\n", 0604, AS_EREFUSED, "mode 0604"},
	    {"", 0600, AS_ECORRUPT, "empty"},
	    {GOOD, 0600, AS_ECORRUPT, "cut short"},
	    {"aftersync-key-v1 link AQID", 0600, AS_ECORRUPT, "cut short"},
	    {"aftersync-key-v1 link AQID\n", 0600, AS_ECORRUPT, "too short"},
	    {"aftersync-key-v1 link AQIDB\n", 0600, AS_ECORRUPT, "not whole"},
	    {"aftersync-key-v1 link \n", 0600, AS_ECORRUPT, "too short"},
	    {"aftersync-key-v1 link AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh\n", 0600, AS_ECORRUPT,
	     "too long"},
	    {"aftersync-key-v1 link AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyB=\n", 0600, AS_ECORRUPT,
	     "not whole"},
	    {"aftersync-key-v1 ring AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n", 0600, AS_ECORRUPT,
	     "another key: ring instead of link"},
	    {"aftersync-key-v1\n", 0600, AS_ECORRUPT, "another key"},
	    {"aftersync-key-v1 \033[2Jlink x\n", 0600, AS_ECORRUPT, "what key"},
	    {"aftersync-key-v2 link AQID\n", 0600, AS_EUNSUPPORTED, "newer"},
	    {"aftersync-key-vx link AQID\n", 0600, AS_ECORRUPT, "not a key file"},
	    {"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n", 0600, AS_ECORRUPT, "not a key file"},
	    {GOOD "\nx", 0600, AS_ECORRUPT, "after the first line"},
	    {GOOD " \n", 0600, AS_ECORRUPT, "not whole"},
	    {GOOD GOOD GOOD GOOD "\n", 0600, AS_ECORRUPT, "too long"},
	};
	uint8_t key[32], untouched[32], want[32];

	for (uint8_t i = 0; i < 32; i++)
		want[i] = (uint8_t)(i + 1);
	memset(untouched, 0x5a, sizeof untouched);
	make(&dir, "link");
	for (size_t i = 0; i < AS_COUNT(rows); i++) {
		put(tmpdir_at(&tmp, "n/keys/link"), rows[i].text, rows[i].mode);
		memset(key, 0x5a, sizeof key);
		em.text[0] = 0;
		as_err err = keyfile_load(&dir, NULL, "link", key, &em);
		if (err != rows[i].err)
			fail_msg("row %zu: %s: %s", i, as_err_text(err), em.text);
		assert_memory_equal(key, err ? untouched : want, 32);
		expect_text(rows[i].say);
		/* no message shows a key */
		assert_null(strstr(em.text, "AQID"));
	}
	assert_int_equal(unlink(tmpdir_at(&tmp, "n/keys/link")), 0);
	assert_int_equal(mkfifo(tmpdir_at(&tmp, "n/keys/link"), 0600), 0);
	assert_int_equal(keyfile_load(&dir, NULL, "link", key, &em), AS_EREFUSED);
	expect_text("not a file");
}

static void credentials_come_first(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	uint8_t key[32], own[32];
	char creds[300];

	snprintf(creds, sizeof creds, "%s", tmpdir_at(&tmp, "creds"));
	make(&dir, "link");
	assert_int_equal(keyfile_make(&dir, "ring", &em), AS_OK);
	assert_int_equal(mkdir(creds, 0500), 0);
	assert_int_equal(keyfile_load(&dir, creds, "ring", own, &em), AS_OK); /* none there: the file */
	assert_int_equal(keyfile_load(&dir, NULL, "link", own, &em), AS_OK);
	assert_int_equal(chmod(creds, 0700), 0);
	put(tmpdir_at(&tmp, "creds/link"), GOOD "\n", 0440); /* 0440 is what an access list looks like */
	assert_int_equal(keyfile_load(&dir, creds, "link", key, &em), AS_OK);
	assert_int_equal(key[31], 32);
	assert_memory_not_equal(key, own, 32);
	put(tmpdir_at(&tmp, "creds/link"), GOOD "\n", 0444);
	assert_int_equal(keyfile_load(&dir, creds, "link", key, &em), AS_EREFUSED);
	/* a damaged credential is not passed over */
	put(tmpdir_at(&tmp, "creds/link"), "x", 0400);
	assert_int_equal(keyfile_load(&dir, creds, "link", key, &em), AS_ECORRUPT);
	expect_text("creds/link");
	assert_int_equal(keyfile_load(&dir, tmpdir_at(&tmp, "none"), "link", key, &em), AS_ENOTFOUND);
}

static void the_root_key_needs_its_passphrase(void **state)
{
	(void)state;
	char path[300];
	struct bytes pass = bytes_of_str("correct horse"), wrong = bytes_of_str("Correct horse");
	uint8_t public_key[32], seed[32], again[32], secret[64];

	snprintf(path, sizeof path, "%s", tmpdir_at(&tmp, "root"));
	assert_int_equal(keyfile_root_make(path, bytes_of("", 0), public_key, seed, &em), AS_EINVAL);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(keyfile_root_make(path, pass, public_key, seed, &em), AS_OK);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(keyfile_root_make(path, pass, public_key, seed, &em), AS_EEXIST);
	assert_int_equal(keyfile_root_load(path, wrong, seed, &em), AS_EFORGED);
	expect_text("passphrase");
	assert_int_equal(keyfile_root_load(path, pass, seed, &em), AS_OK);
	as_ed25519_keypair(seed, again, secret);
	assert_memory_equal(again, public_key, 32);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keyfile_root_load(path, pass, seed, &em), AS_EREFUSED);
	put(path, GOOD "\n", 0600);
	assert_int_equal(keyfile_root_load(path, pass, seed, &em), AS_ECORRUPT);
	expect_text("link instead of root");
	assert_int_equal(keyfile_root_load(tmpdir_at(&tmp, "none"), pass, seed, &em), AS_ENOTFOUND);
	assert_int_equal(keyfile_root_load(tmp.path, pass, seed, &em), AS_EREFUSED);
}

static void no_space_says_so_and_leaves_the_old(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir dir = {0};
	struct node_ident got;

	make(&dir, NULL);
	/* a folder in the place of the file beside cannot be removed as a file */
	assert_int_equal(mkdir(tmpdir_at(&tmp, "n/.node.new"), 0700), 0);
	assert_int_not_equal(node_ident_save(&dir, &hq, &em), AS_OK);
	assert_int_equal(node_ident_load(&dir, &got, &em), AS_OK);
	assert_int_equal(rmdir(tmpdir_at(&tmp, "n/.node.new")), 0);
	put(tmpdir_at(&tmp, "n/.node.new"), "half", 0600); /* a crash left it */
	assert_int_equal(node_ident_save(&dir, &hq, &em), AS_OK);
	assert_int_equal(access(tmpdir_at(&tmp, "n/.node.new"), F_OK), -1);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ONE(a_new_directory_is_private),	    ONE(a_failed_start_leaves_nothing),
	    ONE(an_empty_directory_is_taken_over),  ONE(loose_modes_are_refused),
	    ONE(another_owner_is_refused),	    ONE(links_are_not_followed),
	    ONE(what_is_no_node_is_named),	    ONE(long_paths_work),
	    ONE(one_process_has_the_lock),	    ONE(who_it_is_comes_back),
	    ONE(a_wrong_file_says_where),	    ONE(keys_come_back),
	    ONE(bad_key_files_have_a_line_each),    ONE(credentials_come_first),
	    ONE(the_root_key_needs_its_passphrase), ONE(no_space_says_so_and_leaves_the_old),
	};
	if (as_crypto_init())
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
