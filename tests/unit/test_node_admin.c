/* common/node/admin: hq init, hq enrol, branch join, hq instance new: all or nothing, in real directories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/ledger/kinds.h"
#include "common/node/admin.h"
#include "common/node/hq_all.h"
#include "common/node/items.h"
#include "common/node/keyfile.h"
#include "tests/lib/tmpdir.h"

#define NOW INT64_C(1795397400000)

static struct tmpdir tmp;
static struct as_errmsg em;
static char hq_dir[300]; /* made once: the root key's wrapping takes a second and 256 MiB */
static char passphrase[ADMIN_PASSPHRASE_MAX];

static struct hq_init_opts opts_for(const char *dir)
{
	return (struct hq_init_opts){.dir = dir, .listen = "tcp://127.0.0.1:7443", .org = "星辰手机"};
}

static int make_hq(void **state)
{
	(void)state;
	assert_int_equal(as_crypto_init(), AS_OK);
	tmpdir_init(&tmp);
	snprintf(hq_dir, sizeof hq_dir, "%s", tmpdir_at(&tmp, "hq"));
	struct hq_init_opts o = opts_for(hq_dir);
	if (node_hq_init(&o, NOW, passphrase, &em))
		fail_msg("%s", em.text);
	return 0;
}

static int drop_hq(void **state)
{
	(void)state;
	tmpdir_done(&tmp);
	return 0;
}

static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* ---- head office -------------------------------------------------------------------------------------- */

static void a_head_office(void **state)
{
	(void)state;
	struct node *n;
	struct log_id all;
	struct log_row row;
	struct stat st;
	char root[400];

	/* five groups of five, none of them twice */
	assert_int_equal(strlen(passphrase), 29);
	for (size_t i = 0; i < 29; i++)
		assert_true(i % 6 == 5 ? passphrase[i] == '-' : strchr("il1", passphrase[i]) == NULL);
	snprintf(root, sizeof root, "%s/root.key", hq_dir);
	assert_int_equal(stat(root, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(node_open(&n, hq_dir, NODE_READ, &em), AS_OK);
	assert_true(n->home->is_hq && n->home->instance == 1 && n->home->transports_n == 1);
	assert_string_equal(n->home->ident.name, "星辰手机");
	assert_string_equal(n->home->ident.timezone, "Asia/Shanghai");
	all = hq_all_log(n->home);
	assert_int_equal(store_log(n->st, &all, &row), AS_OK);
	assert_int_equal(row.head.size, 3);
	assert_memory_equal(roster_instance_of(&n->roster, 1)->key, n->home->instance_public, 32);
	assert_memory_equal(roster_transport_of(&n->roster, 1)->key, n->home->transports[0].public_key, 32);
	node_close(n);
}

static void refused_init(struct hq_init_opts o, as_err want)
{
	unsigned before = entries(tmp.path);
	char made[ADMIN_PASSPHRASE_MAX];

	em.text[0] = 0;
	as_err err = node_hq_init(&o, NOW, made, &em);
	if (err != want || em.text[0] == 0)
		fail_msg("%s: %s", as_err_text(err), em.text);
	assert_string_equal(made, "");
	assert_int_equal(entries(tmp.path), before);
}

static void no_half_head_office(void **state)
{
	(void)state;
	struct hq_init_opts o = opts_for(tmpdir_at(&tmp, "other"));
	static const char *const listen[] = {"",	  "7443",	   "http://x:1", "tcp://:1",
					     "tcp://x:0", "tcp://x:99999", "tcp://x:1/y"};

	for (size_t i = 0; i < AS_COUNT(listen); i++) {
		o.listen = listen[i];
		refused_init(o, AS_EINVAL);
	}
	o = opts_for(tmpdir_at(&tmp, "other"));
	o.timezone = "Mars/Base";
	refused_init(o, AS_ENOTFOUND);
	o.timezone = "../../etc/passwd";
	refused_init(o, AS_EINVAL);
	o = opts_for(tmpdir_at(&tmp, "other"));
	o.org = "1234567890123456789012345678901234567890123456789012345678901";
	refused_init(o, AS_EINVAL);
	o.org = "a\nb";
	refused_init(o, AS_EINVAL);
	refused_init(opts_for(hq_dir), AS_EEXIST); /* there is one */
	refused_init(opts_for(tmpdir_at(&tmp, "no/such/folder")), AS_ENOTFOUND);
}

/* ---- enrol, join -------------------------------------------------------------------------------------- */

static json_t *answer;

static bool take(void *arg, json_t *line)
{
	(void)arg;
	json_decref(answer);
	answer = json_incref(line);
	return true;
}

static int enrol(const char *request)
{
	AS_AUTO(json) json_t *o = json_loads(request, 0, NULL);
	struct node *n;

	if (node_open(&n, hq_dir, NODE_WRITE, &em))
		fail_msg("%s", em.text);
	int code = node_hq_enrol(n, o, NOW, take, NULL);
	node_close(n);
	return code;
}

static const char *said(const char *key)
{
	const char *s = json_string_value(json_object_get(answer, key));

	return s ? s : "";
}

static void a_branch(void **state)
{
	(void)state;
	char code[JOIN_TEXT_MAX], other[JOIN_TEXT_MAX], dir[300];
	struct node *n;
	uint8_t identity[32], link[32];
	unsigned before;

	assert_int_equal(enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"bj\"}"), 64);
	assert_true(said("error")[0] != 0);
	assert_int_equal(enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"BJ01\",\"name\":\"北京\"}"), 0);
	assert_string_equal(said("branch"), "BJ01");
	assert_string_equal(said("expires"), "2026-11-24T09:30:00+08:00");
	snprintf(code, sizeof code, "%s", said("join_code"));
	assert_int_equal(enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"SH03\"}"), 0);
	snprintf(other, sizeof other, "%s", said("join_code"));

	snprintf(dir, sizeof dir, "%s", tmpdir_at(&tmp, "bj"));
	before = entries(tmp.path);
	/* nothing is made by a wrong code, an expired one */
	assert_int_equal(node_branch_join("hello", dir, NOW, &em), AS_EPROTO);
	code[60] ^= 1;
	assert_int_equal(node_branch_join(code, dir, NOW, &em), AS_EPROTO);
	code[60] ^= 1;
	assert_int_equal(node_branch_join(code, dir, NOW + 86400000, &em), AS_EREFUSED);
	assert_non_null(strstr(em.text, "expired"));
	assert_int_equal(entries(tmp.path), before);

	assert_int_equal(node_branch_join(code, dir, NOW, &em), AS_OK);
	assert_int_equal(node_open(&n, dir, NODE_READ, &em), AS_OK);
	assert_false(n->home->is_hq);
	assert_memory_equal(n->home->branch, "BJ01\0\0\0\0", 8);
	assert_string_equal(n->home->ident.name, "北京");
	memcpy(identity, n->home->identity_public, 32);
	memcpy(link, n->home->link_public, 32);
	assert_int_equal(n->home->join.token, 1);
	node_close(n);

	/* another code for the same directory: token and address only */
	assert_int_equal(
	    enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"BJ01\",\"endpoint\":\"tcp://hq.example:9\"}"), 0);
	assert_int_equal(node_branch_join(said("join_code"), dir, NOW, &em), AS_OK);
	assert_int_equal(node_open(&n, dir, NODE_READ, &em), AS_OK);
	assert_int_equal(n->home->join.token, 3);
	assert_string_equal(n->home->join.endpoint, "tcp://hq.example:9");
	assert_memory_equal(n->home->identity_public, identity, 32);
	assert_memory_equal(n->home->link_public, link, 32);
	node_close(n);
	/* the code of another branch, a directory of head office, one that is in use */
	assert_int_equal(node_branch_join(other, dir, NOW, &em), AS_EREFUSED);
	assert_int_equal(node_branch_join(other, hq_dir, NOW, &em), AS_EREFUSED);
	assert_int_equal(node_open(&n, dir, NODE_WRITE, &em), AS_OK);
	assert_int_equal(node_branch_join(code, dir, NOW, &em), AS_ECONFLICT);
	node_close(n);
	assert_int_equal(node_open(&n, dir, NODE_READ, &em), AS_OK);
	assert_int_equal(n->home->join.token, 3);
	node_close(n);
}

/* A server that is replaced without the daemon: its logs end at what is held of them. */
static void a_replaced_machine(void **state)
{
	(void)state;
	struct log_id live = {.cls = LOG_LIVE, .branch = "GZ02", .number = 1, .inc = {1}};
	struct log_row row;
	struct node *n;
	struct roster_node machine = {
	    .branch = "GZ02", .token = 1, .identity = {1}, .link = {2}, .recipient = {9}, .live = live};
	struct store_key key = {.number = 1, .op = KEY_VOID};
	struct batch b;
	struct bytes *raw;
	size_t raw_n;

	assert_int_equal(enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"GZ02\"}"), 0);
	assert_int_equal(node_open(&n, hq_dir, NODE_WRITE, &em), AS_OK);
	batch_init(&b, n);
	batch_begin(&b, NOW);
	assert_int_equal(hq_all_admit(&b, &machine, &raw, &raw_n), AS_OK);
	struct store_op *o = batch_op(&b, STORE_KEYS, &live); /* the log is known by its keys */
	o->keys.keys = &key;
	o->keys.n = 1;
	assert_int_equal(batch_commit(&b, &em), AS_OK);
	batch_done(&b);
	node_close(n);
	assert_int_equal(enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"GZ02\"}"), 1);
	assert_non_null(strstr(said("error"), "--replace"));
	assert_int_equal(enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"GZ02\",\"replace\":true}"), 0);
	assert_int_equal(node_open(&n, hq_dir, NODE_READ, &em), AS_OK);
	assert_int_equal(store_log(n->st, &live, &row), AS_OK);
	assert_int_equal(row.end, 0);
	assert_null(roster_node_of(&n->roster, live.branch));
	node_close(n);
}

/* ---- instances ---------------------------------------------------------------------------------------- */

static uint32_t highest(void)
{
	AS_AUTO(node_dir) struct node_dir d = {0};
	uint32_t n = 0;

	assert_int_equal(node_dir_open(hq_dir, &d, &em), AS_OK);
	assert_int_equal(keyfile_highest(&d, "instance", &n, &em), AS_OK);
	return n;
}

static void a_new_instance(void **state)
{
	(void)state;
	char root[400], store[400], gone[400];
	struct node *n;
	uint32_t number = 0;
	struct stat st;
	uint64_t size;

	snprintf(root, sizeof root, "%s/root.key", hq_dir);
	assert_int_equal(node_hq_instance_new(hq_dir, root, bytes_of_str("wrong"), NOW, &number, &em),
			 AS_EFORGED);
	assert_int_equal(highest(), 1);
	assert_int_equal(node_open(&n, hq_dir, NODE_WRITE, &em), AS_OK);
	assert_int_equal(node_hq_instance_new(hq_dir, root, bytes_of_str(passphrase), NOW, &number, &em),
			 AS_ECONFLICT);
	node_close(n);
	assert_int_equal(highest(), 1);
	/* the store cannot be opened: no key of an instance that is none stays */
	snprintf(store, sizeof store, "%s/store", hq_dir);
	snprintf(gone, sizeof gone, "%s/gone", hq_dir);
	assert_int_equal(rename(store, gone), 0);
	assert_int_equal(mkdir(store, 0700), 0);
	snprintf(root, sizeof root, "%s/store/data.mdb", hq_dir);
	assert_int_equal(mkdir(root, 0700), 0);
	snprintf(root, sizeof root, "%s/root.key", hq_dir);
	assert_int_not_equal(node_hq_instance_new(hq_dir, root, bytes_of_str(passphrase), NOW, &number, &em),
			     AS_OK);
	assert_int_equal(highest(), 1);
	char rm[500];
	snprintf(rm, sizeof rm, "rm -rf '%s'", store);
	assert_int_equal(system(rm), 0);
	assert_int_equal(rename(gone, store), 0);

	assert_int_equal(node_hq_instance_new(hq_dir, root, bytes_of_str(passphrase), NOW, &number, &em),
			 AS_OK);
	assert_int_equal(number, 2);
	assert_int_equal(node_open(&n, hq_dir, NODE_READ, &em), AS_OK);
	assert_int_equal(n->home->instance, 2);
	assert_int_equal(n->roster.instances_n, 2);
	struct log_id two = hq_all_log(n->home);
	struct log_row row;
	assert_int_equal(store_log(n->st, &two, &row), AS_OK);
	assert_true(row.has_parent && row.parent.number == 1);
	size = row.parent_head.size;
	struct log_id one = two;
	one.number = 1;
	assert_int_equal(store_log(n->st, &one, &row), AS_OK);
	assert_int_equal(row.head.size, size);
	/* it listens before it writes, also after a restart */
	AS_AUTO(buf) struct buf b = {0};
	buf_init(&b, STORE_META_MAX);
	assert_int_equal(store_meta(n->st, META_HQ_STATE, &b), AS_OK);
	assert_true(get_be32(b.p) == 2 && b.p[4] == SYNC_HQ_RECOVERING);
	node_close(n);
	assert_int_equal(stat(root, &st), 0); /* the root key stays where it was */
}

/* An instance whose certificate is not there writes nothing. */
static void an_uncertified_instance(void **state)
{
	(void)state;
	AS_AUTO(node_dir) struct node_dir d = {0};
	struct node *n;

	assert_int_equal(node_dir_open(hq_dir, &d, &em), AS_OK);
	assert_int_equal(keyfile_make(&d, "instance-9", &em), AS_OK);
	assert_int_equal(enrol("{\"cmd\":\"hq-enrol\",\"branch\":\"XA09\"}"), 1);
	assert_int_equal(node_open(&n, hq_dir, NODE_READ, &em), AS_OK);
	assert_null(roster_branch_of(&n->roster, "XA09\0\0\0"));
	node_close(n);
	assert_int_equal(keyfile_remove(&d, "instance-9", &em), AS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_office),
	    cmocka_unit_test(no_half_head_office),
	    cmocka_unit_test(a_branch),
	    cmocka_unit_test(a_replaced_machine),
	    cmocka_unit_test(an_uncertified_instance),
	    cmocka_unit_test(a_new_instance),
	};
	umask(022);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, make_hq, drop_hq);
	json_decref(answer);
	return failed;
}
