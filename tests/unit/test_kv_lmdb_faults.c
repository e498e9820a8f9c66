/*
 * A node's store on the real LMDB when writes fail, the process is killed, the disk is full. TAP by hand: the
 * program also runs itself, with faultio.so before libc.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/store/kv_lmdb.h"
#include "tests/lib/store_rig.h"
#include "tests/lib/temp.h"

#define ACK_FD 9 /* of a child: one byte for each commit that was answered AS_OK */

/* How a child ends. */
enum { DONE = 0, FULL = 3, NOT_OPENED = 4, BROKEN = 74 };

static char temp_root[TEMP_PATH_BYTES];
static const char *self_path, *shim_path;

#define expect(cond) ((cond) ? (void)0 : as_abort(__FILE__, __LINE__, #cond))

/* ---- one log, the same in every process ---------------------------------------------------------------*/

static struct rig_log *log_make(size_t events_n)
{
	struct rig_log *log = rig_log_new(LOG_LIVE, RIG_BRANCH, 1, NULL, 0);
	struct rng r = {.state = 11};
	static struct gen g;

	gen_init(&g, RIG_BRANCH, &(struct gen_opts){.complaint_pm = 200, .personal_pm = 300, .open_max = 16});
	rig_generate(log, &g, &r, events_n);
	return log;
}

struct node {
	struct kv *kv;
	struct store *st;
	struct as_errmsg em;
};

static as_err node_open(const char *path, struct node *ret_n)
{
	struct kv_lmdb_conf conf = {.path = path, .map_bytes = 8 << 20, .prealloc_bytes = 128 << 10};
	struct store_opts opts = {.role = STORE_BRANCH, .branch = RIG_BRANCH, .opener = rig_opener()};
	struct node n = {0};
	as_err err = kv_lmdb_open(&n.kv, &conf, &n.em);

	opts.kv = n.kv;
	if (err == AS_OK && (err = store_open(&n.st, &opts, &n.em)))
		kv_close(n.kv);
	if (err)
		ret_n->em = n.em;
	else
		*ret_n = n;
	return err;
}

static void node_close(struct node *n)
{
	store_close(n->st);
	kv_close(n->kv);
}

/* How many blocks of the log are there? */
static size_t node_blocks(struct node *n, const struct rig_log *log)
{
	struct log_row row;
	as_err err = store_log(n->st, &log->id, &row);

	if (err == AS_ENOTFOUND)
		return 0;
	expect(err == AS_OK);
	for (size_t i = 0; i <= log->n; i++)
		if (rig_head(log, i).size == row.head.size)
			return i;
	as_abort(__FILE__, __LINE__, "the head is at no block end");
}

static void node_check(struct node *n)
{
	if (store_check(n->st, &n->em)) {
		fprintf(stderr, "# %s\n", n->em.text);
		as_abort(__FILE__, __LINE__, "store_check");
	}
}

/* The batch of block i: every third one also changes a small value. */
static as_err node_append(struct node *n, const struct rig_log *log, size_t i)
{
	struct store_op ops[2] = {rig_block_op(log, i, true), {.type = STORE_META}};
	uint8_t value[8];

	put_be64(value, i);
	ops[1].meta.name = "block";
	ops[1].meta.value = bytes_of(value, sizeof value);
	return store_commit(n->st, 0, ops, i % 3 ? 1 : 2, NULL);
}

static void ack(void)
{
	expect(write(ACK_FD, "", 1) == 1);
}

/* Appends what is missing; after AS_EFULL nothing may have changed, after AS_EIO nothing may work. */
static int append_all(const char *path, const struct rig_log *log)
{
	struct node n;
	struct kv_txn *txn;
	as_err err = node_open(path, &n);

	if (err)
		return err == AS_EIO || err == AS_EFULL ? NOT_OPENED : 1;
	for (size_t i = node_blocks(&n, log); i < log->n; i++) {
		err = node_append(&n, log, i);
		if (err == AS_EFULL) {
			expect(node_blocks(&n, log) == i);
			node_check(&n);
			err = node_append(&n, log, i);
		}
		if (err == AS_EFULL)
			return FULL;
		if (err == AS_EIO) {
			expect(kv_begin(n.kv, KV_READ, &txn) == AS_EIO);
			expect(kv_begin(n.kv, KV_WRITE, &txn) == AS_EIO);
			return BROKEN;
		}
		expect(err == AS_OK);
		ack();
	}
	node_close(&n);
	return DONE;
}

/* ---- children -----------------------------------------------------------------------------------------*/

struct fault {
	const char *error, *only;
	bool always;
	unsigned nth;
};

static void fault_set(const struct fault *f)
{
	char nth[16];

	snprintf(nth, sizeof nth, "%u", f->nth);
	setenv("LD_PRELOAD", shim_path, 1);
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
	setenv("FAULTIO_DIR", temp_root, 1);
	setenv("FAULTIO_NTH", nth, 1);
	setenv("FAULTIO_ERROR", f->error, 1);
	if (f->only)
		setenv("FAULTIO_ONLY", f->only, 1);
	if (f->always)
		setenv("FAULTIO_ALWAYS", "1", 1);
}

/* Reads what is there to the end; returns the bytes. */
static size_t drain(int fd)
{
	char b[256];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, b, sizeof b)) > 0)
		all += (size_t)n;
	return all;
}

/* This program with "child FOLDER" under the fault; its exit status, 128 when no call failed. */
static int run_faulty(const char *path, const struct fault *f, size_t *ret_acked)
{
	int pipes[2], status;
	pid_t pid;

	expect(pipe2(pipes, O_CLOEXEC) == 0);
	pid = fork();
	expect(pid >= 0);
	if (pid == 0) {
		dup2(pipes[1], ACK_FD);
		fault_set(f);
		execl(self_path, self_path, "child", path, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	*ret_acked = drain(pipes[0]);
	close(pipes[0]);
	expect(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int child(const char *path)
{
	unsigned (*fired)(void);
	void *symbol = dlsym(RTLD_DEFAULT, "faultio_fired");
	struct rig_log *log = log_make(40);
	int status;

	expect(symbol != NULL);
	memcpy(&fired, &symbol, sizeof symbol);
	status = append_all(path, log);
	rig_log_free(log);
	return fired() ? status : 128 | status;
}

/* ---- every failing call -------------------------------------------------------------------------------*/

/* The store holds what was acknowledged, in doubt one block more, and nothing that is not sound; it goes on.
 */
static void reopened(const char *path, const struct rig_log *log, size_t acked, bool doubt)
{
	struct node n;
	size_t there;

	if (node_open(path, &n)) {
		fprintf(stderr, "# %s\n", n.em.text);
		as_abort(__FILE__, __LINE__, "it does not open");
	}
	there = node_blocks(&n, log);
	expect(there >= acked && there <= acked + doubt);
	node_check(&n);
	for (size_t i = there; i < log->n; i++)
		expect(node_append(&n, log, i) == AS_OK);
	node_check(&n);
	node_close(&n);
}

static const char *any_failing_call(void)
{
	static const struct fault faults[] = {{.error = "EIO"},	   {.error = "EIO", .always = true},
					      {.error = "ENOSPC"}, {.error = "ENOSPC", .always = true},
					      {.error = "SHORT"},  {.error = "SHORT", .always = true}};
	unsigned ends[256] = {0};
	struct rig_log *log = log_make(40);

	for (size_t i = 0; i < AS_COUNT(faults); i++) {
		struct fault f = faults[i];
		int status = 0;
		for (f.nth = 1; !(status & 128); f.nth++) {
			const char *path = temp_path("faulty");
			size_t acked;
			status = run_faulty(path, &f, &acked);
			if (getenv("FAULTS_TRACE"))
				printf("# %s%s %u: ends %d, %zu acknowledged\n", f.error,
				       f.always ? " always" : "", f.nth, status, acked);
			fflush(stdout);
			ends[status]++;
			expect(status == DONE || status == FULL || status == NOT_OPENED || status == BROKEN ||
			       status == (128 | DONE));
			expect(status != DONE || acked == log->n);
			expect(!f.always || status != DONE ||
			       f.nth > 1); /* the last call, or one that may fail */
			reopened(path, log, acked, status == BROKEN);
			temp_remove(path);
			expect(f.nth < 1000);
		}
		expect(f.nth > 30);
	}
	printf("# ends: %u unharmed, %u full, %u not opened, %u broken\n", ends[DONE], ends[FULL],
	       ends[NOT_OPENED], ends[BROKEN]);
	expect(ends[DONE] > 10 && ends[FULL] > 10 && ends[NOT_OPENED] > 5 && ends[BROKEN] > 30);
	rig_log_free(log);
	return NULL;
}

/* What LMDB would let pass: it goes on after a sync that failed. */
static const char *a_failed_sync_is_the_end(void)
{
	struct fault f = {.error = "EIO", .only = "fdatasync", .nth = 5};
	struct rig_log *log = log_make(40);
	const char *path = temp_path("sync");
	size_t acked;

	expect(run_faulty(path, &f, &acked) == BROKEN);
	expect(acked == 3); /* the first sync made the store */
	reopened(path, log, acked, true);
	rig_log_free(log);
	return NULL;
}

/* ---- kill -9 ------------------------------------------------------------------------------------------*/

static const char *killed_at_any_moment(void)
{
	struct rig_log *log = log_make(3500);
	const char *path = temp_path("killed");
	struct rng r = {.state = 77};
	size_t before = 0, acked = 0, doubts = 0;

	for (unsigned kills = 0; kills < 30; kills++) {
		int pipes[2], status;
		uint64_t wait_for = rng_below(&r, 40), spin = rng_below(&r, 200000);
		struct node n;
		char b;
		pid_t pid;
		expect(pipe2(pipes, O_CLOEXEC) == 0);
		pid = fork();
		expect(pid >= 0);
		if (pid == 0) {
			dup2(pipes[1], ACK_FD);
			append_all(path, log);
			_exit(0);
		}
		close(pipes[1]);
		for (acked = 0; acked < wait_for && read(pipes[0], &b, 1) == 1; acked++)
			;
		for (volatile uint64_t i = 0; i < spin; i++)
			;
		expect(kill(pid, SIGKILL) == 0);
		expect(waitpid(pid, &status, 0) == pid);
		acked += drain(pipes[0]);
		close(pipes[0]);
		expect(WIFSIGNALED(status) || before + acked == log->n);
		expect(node_open(path, &n) == AS_OK);
		size_t there = node_blocks(&n, log);
		expect(there >= before + acked && there <= before + acked + 1);
		doubts += there - before - acked;
		node_check(&n);
		node_close(&n);
		before = there;
		if (before > log->n - 100) {
			temp_remove(path);
			before = 0;
		}
	}
	printf("# 30 kills, %zu blocks at the end, %zu were durable and not yet acknowledged\n", before,
	       doubts);
	temp_remove(path);
	rig_log_free(log);
	return NULL;
}

/* ---- a full disk --------------------------------------------------------------------------------------*/

static void fill_disk(const char *name)
{
	static char b[65536];
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	size_t n = sizeof b;

	expect(fd >= 0);
	while (n)
		if (write(fd, b, n) <= 0)
			n /= 2;
	close(fd);
}

static as_err small_value(struct node *n, unsigned number)
{
	struct store_op op = {.type = STORE_META};
	uint8_t value[100] = {(uint8_t)number};

	op.meta.name = number % 2 ? "one" : "two";
	op.meta.value = bytes_of(value, sizeof value);
	return rig_commit(n->st, &op);
}

/* Blocks until the store is full; the next one. */
static size_t fill_store(struct node *n, const struct rig_log *log, size_t from)
{
	as_err err = AS_OK;
	size_t i;

	for (i = from; i < log->n && (err = node_append(n, log, i)) == AS_OK; i++)
		;
	expect(err == AS_EFULL);
	return i;
}

/* The caller's own view of the file system; false: not permitted. */
static bool mount_disk(const char *disk, const char *options)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	expect(mkdir(disk, 0700) == 0 || errno == EEXIST);
	return mount("disk", disk, "tmpfs", 0, options) == 0;
}

/*
 * Copies of pages, which no count foresees, meet the end of the disk in the middle of a commit: it answers
 * AS_EFULL, and everything goes on.
 */
static int at_the_end_of_the_disk(void)
{
	struct kv_lmdb_conf conf = {
	    .path = temp_path("end/kv"), .prealloc_bytes = 64 << 10, .reserve_percent = 1};
	unsigned full = 0, round[300] = {0};
	static uint8_t value[3000];
	struct kv_txn *txn;
	struct bytes got;
	struct kv *kv;

	if (!mount_disk(temp_path("end"), "size=2m,mode=0700"))
		return 1;
	expect(kv_lmdb_open(&kv, &conf, NULL) == AS_OK);
	for (unsigned r = 0; r < 300; r++) {
		unsigned n = r ? 1 + r * 37 % 200 : 300;
		as_err err = AS_OK;
		uint8_t key[4];
		expect(kv_begin(kv, KV_WRITE, &txn) == AS_OK);
		for (unsigned i = 0; i < n && err == AS_OK; i++) {
			put_be32(key, i);
			memset(value, (int)r, sizeof value);
			err = kv_put(txn, 1, bytes_of(key, 4), bytes_of(value, sizeof value - r % 500));
		}
		expect(err == AS_OK);
		err = kv_commit(&txn);
		expect(err == AS_OK || err == AS_EFULL);
		full += err == AS_EFULL;
		for (unsigned i = 0; i < n && err == AS_OK; i++)
			round[i] = r;
	}
	expect(kv_begin(kv, KV_READ, &txn) == AS_OK);
	for (unsigned i = 0; i < 300; i++) {
		uint8_t key[4];
		put_be32(key, i);
		expect(kv_get(txn, 1, bytes_of(key, 4), &got) == AS_OK);
		expect(got.n == sizeof value - round[i] % 500 && got.p[0] == (uint8_t)round[i] &&
		       got.p[got.n - 1] == (uint8_t)round[i]);
	}
	kv_txn_done(&txn);
	kv_close(kv);
	printf("# %u of 300 commits met the end of the disk\n", full);
	fflush(stdout);
	expect(full > 20 && full < 280);
	return 0;
}

static int on_small_disk(void)
{
	const char *disk = temp_path("disk"), *path = temp_path("disk/store"), *junk = temp_path("disk/junk");
	struct rig_log *log = log_make(3500);
	uint64_t used, limit;
	struct node n;
	size_t there;
	as_err err = AS_OK;

	if (!mount_disk(disk, "size=1m,mode=0700"))
		return 1;
	expect(node_open(path, &n) == AS_OK);
	there = fill_store(&n, log, 0);
	expect(kv_lmdb_space(n.kv, &used, &limit) == AS_OK);
	expect(limit <= 1 << 20 && used > limit / 2 && used < limit);
	expect(node_blocks(&n, log) == there);
	node_check(&n); /* reads go on */
	for (unsigned i = 0; i < 100; i++)
		expect(small_value(&n, i) == AS_OK);
	fill_disk(junk);
	for (unsigned i = 0; i < 100; i++)
		expect(small_value(&n, i) == AS_OK);
	expect(node_append(&n, log, there) == AS_EFULL);
	node_close(&n);

	expect(node_open(path, &n) == AS_OK); /* a start on a full disk */
	expect(node_blocks(&n, log) == there);
	node_check(&n);
	expect(small_value(&n, 1) == AS_OK);
	expect(node_append(&n, log, there) == AS_EFULL);
	node_close(&n);

	expect(unlink(temp_path("disk/store/lock.mdb")) == 0); /* a copy put on a full disk */
	fill_disk(junk);
	expect(node_open(path, &n) == AS_EFULL);
	expect(node_open(temp_path("disk/new"), &n) == AS_EFULL);
	expect(unlink(junk) == 0);
	expect(node_open(path, &n) == AS_OK);
	node_check(&n);

	expect(mount(NULL, disk, NULL, MS_REMOUNT, "size=1200k") ==
	       0); /* room is made, and used up to the end */
	size_t more = fill_store(&n, log, there);
	expect(more > there);
	for (unsigned i = 0; i < 5000 && err == AS_OK; i++) {
		struct store_op op = {.type = STORE_META};
		static uint8_t value[4096];
		char name[16];
		snprintf(name, sizeof name, "v%u", i);
		op.meta.name = name;
		op.meta.value = bytes_of(value, sizeof value);
		err = rig_commit(n.st, &op);
	}
	expect(err == AS_EFULL);
	expect(store_rebuild(n.st, &n.em) == AS_EFULL);
	expect(node_blocks(&n, log) == more);
	node_check(&n);
	expect(mount(NULL, disk, NULL, MS_REMOUNT, "size=64m") == 0);
	for (size_t i = more; i < log->n; i++)
		expect(node_append(&n, log, i) == AS_OK);
	node_check(&n);
	node_close(&n);
	printf("# full at %zu and %zu of %zu blocks\n", there, more, log->n);
	fflush(stdout);
	rig_log_free(log);
	return 0;
}

static const char *in_child(int (*run)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	expect(pid >= 0);
	if (pid == 0)
		_exit(run()); /* with it ends its mount */
	expect(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return "needs the right to mount";
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return NULL;
}

static const char *a_full_disk(void)
{
	return in_child(on_small_disk);
}

static const char *the_end_of_the_disk(void)
{
	return in_child(at_the_end_of_the_disk);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		const char *(*run)(void); /* returns why it was left out, or NULL */
	} tests[] = {
	    {"any failing call leaves what was acknowledged", any_failing_call},
	    {"a failed sync is the end", a_failed_sync_is_the_end},
	    {"killed at any moment", killed_at_any_moment},
	    {"a full disk", a_full_disk},
	    {"the end of the disk within a commit", the_end_of_the_disk},
	};
	static char self[512], shim[600];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	expect(n > 0);
	if (argc == 3 && strcmp(argv[1], "child") == 0)
		return child(argv[2]);
	self[n] = 0;
	self_path = self;
	/* build/VARIANT/tests/test_kv_lmdb_faults */
	snprintf(shim, sizeof shim, "%.*s/../faultio.so", (int)(strrchr(self, '/') - self), self);
	shim_path = shim;
	snprintf(temp_root, sizeof temp_root, "%s", temp_dir());
	printf("1..%zu\n", AS_COUNT(tests));
	for (size_t i = 0; i < AS_COUNT(tests); i++) {
		const char *skipped = tests[i].run();
		printf("ok %zu - %s%s%s\n", i + 1, tests[i].name, skipped ? " # SKIP " : "",
		       skipped ? skipped : "");
		fflush(stdout);
	}
	return 0;
}
