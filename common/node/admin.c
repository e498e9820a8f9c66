#include "common/node/admin.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/conf/conf.h"
#include "common/crypto/sign.h"
#include "common/node/files.h"
#include "common/node/enrolment.h"
#include "common/node/items.h"
#include "common/node/keyfile.h"
#include "common/node/text_time.h"

/* ---- head office ----------------------------------------------------------------------------------------------- */

/* Five groups of five letters and digits that nobody mistakes: 125 bits. */
static void passphrase_make(char out[ADMIN_PASSPHRASE_MAX])
{
	static const char letters[32] = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's',
					 't', 'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9', '0'};
	uint8_t random[25];
	size_t n = 0;

	as_random(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++) {
		if (i > 0 && i % 5 == 0)
			out[n++] = '-';
		out[n++] = letters[random[i] & 31];
	}
	out[n] = 0;
	as_wipe(random, sizeof random);
}

static as_err make_keys(const struct node_dir *dir, const char *const *types, size_t n, struct as_errmsg *em)
{
	as_err err = AS_OK;

	for (size_t i = 0; err == AS_OK && i < n; i++)
		err = keyfile_make(dir, types[i], em);
	return err;
}

static as_err save_conf(const struct node_dir *dir, const char *key, const char *value, struct as_errmsg *em)
{
	char text[ENDPOINT_BYTES_MAX + 200];
	int n = snprintf(text, sizeof text, "# %s(5) says which keys there are\n", key ? "aftersync-hqd.conf"
										     : "aftersync-branchd.conf");

	if (key)
		n += snprintf(text + n, sizeof text - (size_t)n, "[link]\n%s = %s\n", key, value);

	return file_write(dir->fd, "aftersync.conf", true, dir->conf, bytes_of(text, (size_t)n), em);
}

/* INSTANCE_CERTIFIED and TRANSPORT_KEY: the first block of an instance's hq/all. */
static as_err write_instance(struct node *n, const uint8_t root_seed[32], int64_t now, struct as_errmsg *em)
{
	const struct node_home *h = n->home;
	const struct node_box *box = &h->transports[h->transports_n - 1];
	struct roster_instance i = {.number = h->instance};
	struct roster_transport t = {.number = box->number};
	AS_AUTO(as_secret) struct as_secret root = {0};
	uint8_t root_public[32], body[ROSTER_INSTANCE_BODY], certificate[64];
	uint8_t bodies[2][ROSTER_BODY_MAX], state[5];
	struct hq_event events[2];
	struct batch b;
	as_err err;

	as_ed25519_keypair(root_seed, root_public, root.b);
	memcpy(i.key, h->instance_public, 32);
	memcpy(i.recipient, h->recipient_public, 32);
	memcpy(t.key, box->public_key, 32);
	roster_instance_body(h->org, &i, body);
	as_context_sign(root.b, ROSTER_INSTANCE_CONTEXT, bytes_of(body, sizeof body), certificate);
	events[0] = (struct hq_event){INSTANCE_CERTIFIED,
				      bytes_of(bodies[0], roster_put_instance(bodies[0], &i, certificate))};
	events[1] = (struct hq_event){TRANSPORT_KEY, bytes_of(bodies[1], roster_put_transport(bodies[1], &t))};
	batch_init(&b, n);
	batch_begin(&b, now);
	/* a further instance listens before it writes: what branches hold of head office's logs comes back first */
	put_be32(state, h->instance);
	state[4] = h->instance > 1 ? SYNC_HQ_RECOVERING : SYNC_HQ_SERVING;
	if ((err = hq_all_append(&b, events, 2, NULL)) == AS_OK &&
	    (err = batch_meta(&b, META_HQ_STATE, bytes_of(state, sizeof state))) == AS_OK)
		err = batch_commit(&b, em);
	batch_done(&b);
	return err;
}

static as_err open_and_write(const char *dir, const uint8_t root_seed[32], int64_t now, struct as_errmsg *em)
{
	struct node *n = NULL;
	as_err err = node_open(&n, dir, NODE_WRITE, em);

	if (err == AS_OK)
		err = write_instance(n, root_seed, now, em);
	node_close(n);
	return err;
}

as_err node_hq_init(const struct hq_init_opts *opts, int64_t now, char ret_passphrase[ADMIN_PASSPHRASE_MAX],
		    struct as_errmsg *em)
{
	static const char *const types[] = {"link", "recipient", "store", "ring", "instance-1", "transport-1"};
	AS_AUTO(node_dir) struct node_dir dir = {0};
	AS_AUTO(as_secret) struct as_secret seed = {0};
	struct node_ident id = {.role = NODE_HQ};
	struct bytes passphrase = opts->passphrase;
	char root_path[NODE_PATH_MAX + 16];
	struct tz tz;
	as_err err;

	ret_passphrase[0] = 0;
	snprintf(id.name, sizeof id.name, "%s", opts->org ? opts->org : "");
	snprintf(id.timezone, sizeof id.timezone, "%s", opts->timezone ? opts->timezone : "Asia/Shanghai");
	if (opts->org && strlen(opts->org) > NODE_NAME_MAX) {
		as_errmsg_set(em, "the organisation's name is longer than %d bytes", NODE_NAME_MAX);
		return AS_EINVAL;
	}
	if (!endpoint_valid(bytes_of_str(opts->listen))) {
		as_errmsg_set(em, "--listen %.80s: tcp://ADDRESS:PORT is wanted", opts->listen);
		return AS_EINVAL;
	}
	if ((err = tz_load(id.timezone, &tz, em)) || (err = node_dir_new(opts->dir, &dir, em)))
		return err;
	if (passphrase.n == 0) {
		passphrase_make(ret_passphrase);
		passphrase = bytes_of_str(ret_passphrase);
	}
	as_random(id.org, sizeof id.org);
	snprintf(root_path, sizeof root_path, "%s/root.key", dir.path);
	if ((err = keyfile_root_make(root_path, passphrase, id.root, seed.b, em)) ||
	    (err = make_keys(&dir, types, AS_COUNT(types), em)) || (err = node_ident_save(&dir, &id, em)) ||
	    (err = save_conf(&dir, "listen", opts->listen, em)) ||
	    (err = open_and_write(dir.path, seed.b, now, em)) || (err = node_dir_keep(&dir, em)))
		as_wipe(ret_passphrase, ADMIN_PASSPHRASE_MAX);
	return err;
}

as_err node_hq_instance_new(const char *path, const char *root_file, struct bytes passphrase, int64_t now,
			    uint32_t *ret_number, struct as_errmsg *em)
{
	AS_AUTO(as_secret) struct as_secret seed = {0};
	char type[KEYFILE_TYPE_MAX + 1];
	uint32_t number;
	as_err err;

	{
		AS_AUTO(node_dir) struct node_dir dir = {0};
		if ((err = node_dir_open(path, &dir, em)) || (err = node_dir_lock(&dir, em)) ||
		    (err = keyfile_root_load(root_file, passphrase, seed.b, em)) ||
		    (err = keyfile_highest(&dir, "instance", &number, em)))
			return err;
		if (number == NODE_INSTANCES_MAX) {
			as_errmsg_set(em, "this head office has had %u instances; more are not possible", number);
			return AS_EREFUSED;
		}
		keyfile_type("instance", number + 1, type);
		if ((err = keyfile_make(&dir, type, em)))
			return err;
	}
	*ret_number = number + 1;
	struct node *n = NULL;
	bool doubt = false; /* whether the certificate was written */
	if ((err = node_open(&n, path, NODE_WRITE, em)) == AS_OK) {
		err = write_instance(n, seed.b, now, em);
		doubt = err == AS_EIO;
	}
	node_close(n);
	if (err && !doubt) { /* the key of an instance that is none goes again */
		AS_AUTO(node_dir) struct node_dir dir = {0};
		if (node_dir_open(path, &dir, NULL) == AS_OK && node_dir_lock(&dir, NULL) == AS_OK &&
		    keyfile_remove(&dir, type, NULL))
			as_errmsg_prefix(em, "keys/%s could not be removed again", type);
	}
	return err;
}

struct end_logs {
	struct batch *b;
	const char *branch;
};

static as_err end_log(void *arg, const struct log_row *row)
{
	struct end_logs *e = arg;
	struct store_op *o;

	if (log_is_hq(&row->id) || row->end != LOG_NO_END || memcmp(row->id.branch, e->branch, BRANCH_CODE_MAX) != 0)
		return AS_OK;
	if ((o = batch_op(e->b, STORE_END, &row->id)) == NULL)
		return AS_ENOMEM;
	o->end.size = row->head.size;
	return AS_OK;
}

/* The keys of machines that are replaced end at what is held of their logs; the daemon's core does this by itself. */
static as_err end_logs(struct batch *b, const struct enrolment *e)
{
	struct end_logs arg = {.b = b, .branch = e->branch};

	return e->replace ? store_each_log(b->node->st, end_log, &arg) : AS_OK;
}

/* What the daemon would say of its address. */
struct link_conf {
	char listen[ENDPOINT_BYTES_MAX + 1], public_endpoint[ENDPOINT_BYTES_MAX + 1];
};

static const struct conf_key link_keys[] = {
    {"link", "listen", CONF_ENDPOINT, CONF_AT(struct link_conf, listen), NULL, 0, 0, NULL, CONF_REQUIRED, ""},
    {"link", "public", CONF_TEXT, CONF_AT(struct link_conf, public_endpoint), "", 0, 0, NULL, 0, ""},
};

static const struct conf_table link_table = {link_keys, AS_COUNT(link_keys), sizeof(struct link_conf), NULL, true};

static as_err enrol(struct batch *b, const struct enrolment *e, size_t many, struct join_code *codes,
		    struct as_errmsg *em)
{
	struct bytes raw[ENROL_EVENTS_MAX], *all = batch_memory(b, many * sizeof all[0]);
	size_t raw_n;
	as_err err = all ? AS_OK : AS_ENOMEM;

	if (err)
		return err;
	if (many > 1)
		err = enrolments_to_batch(b, e, many, codes, all, em);
	else if ((err = enrolment_to_batch(b, e, codes, raw, &raw_n, em)) == AS_OK)
		err = end_logs(b, e);
	return err ? err : batch_commit(b, em);
}

static as_err enrol_all(struct node *n, const json_t *request, int64_t now, query_emit emit, void *arg,
			struct as_errmsg *em)
{
	struct link_conf link;
	struct enrolment *e = NULL;
	struct join_code *codes = NULL;
	size_t many = 0;
	struct batch b;
	as_err err = conf_load(&link_table, n->home->dir.conf, &link, em);

	if (err)
		return err;
	if (hq_all_state(n) != SYNC_HQ_SERVING) {
		as_errmsg_set(em, "this head office writes nothing now: see `aftersync status` (rolled-back or recovering)");
		return AS_EREFUSED;
	}
	if ((err = enrolments_parse(n, request, link.public_endpoint[0] ? link.public_endpoint : link.listen, now, &e, &many,
				    em)))
		return err;
	batch_init(&b, n);
	batch_begin(&b, now);
	codes = calloc(many, sizeof *codes);
	err = codes ? enrol(&b, e, many, codes, em) : AS_ENOMEM;
	batch_done(&b);
	for (size_t i = 0; err == AS_OK && i < many; i++) {
		AS_AUTO(json) json_t *answer = NULL;
		if ((err = enrolment_answer(&codes[i], n->home, e[i].expires, &answer, em)) == AS_OK)
			emit(arg, answer);
	}
	if (codes)
		as_wipe(codes, many * sizeof *codes);
	free(codes);
	free(e);
	return err;
}

int node_hq_enrol(struct node *n, const json_t *request, int64_t now, query_emit emit, void *arg)
{
	struct as_errmsg em = {0};
	as_err err = enrol_all(n, request, now, emit, arg, &em);

	if (err) {
		AS_AUTO(json) json_t *answer = json_pack("{s:s}", "error", em.text[0] ? em.text : as_err_text(err));
		emit(arg, answer);
	}
	return err == AS_OK ? 0 : err == AS_EINVAL ? 64 : err == AS_EIO || err == AS_EFULL ? 74 : 1;
}

/* ---- branch ----------------------------------------------------------------------------------------------------- */

/* In a directory that is there: only what was said of head office changes. */
static as_err rejoin(const struct join_code *code, const char *path, struct as_errmsg *em)
{
	AS_AUTO(node_dir) struct node_dir dir = {0};
	struct node_ident id;
	as_err err;

	if ((err = node_dir_open(path, &dir, em)) || (err = node_ident_load(&dir, &id, em)))
		return err;
	if (id.role != NODE_BRANCH || memcmp(id.org, code->org, 16) != 0 || strcmp(id.branch, code->branch) != 0) {
		as_errmsg_set(em, "%s is another node (%s%s): the join code is for branch %s", path,
			      id.role == NODE_HQ ? "a head office" : "branch ", id.branch, code->branch);
		return AS_EREFUSED;
	}
	if (memcmp(id.root, code->root, 32) != 0) {
		as_errmsg_set(em, "the join code names another root key of head office than %s was made with", path);
		return AS_EREFUSED;
	}
	if ((err = node_dir_lock(&dir, em)))
		return err;
	return join_code_save(&dir, code, em);
}

as_err node_branch_join(const char *text, const char *path, int64_t now, struct as_errmsg *em)
{
	static const char *const types[] = {"identity", "link", "recipient", "store", "ring"};
	AS_AUTO(join_code) struct join_code code = {0};
	AS_AUTO(node_dir) struct node_dir dir = {0};
	struct node_ident id = {.role = NODE_BRANCH};
	struct node *n = NULL;
	struct tz tz;
	as_err err;

	if ((err = join_code_decode(bytes_of_str(text), &code, em)))
		return err;
	if ((int64_t)code.expires_s * 1000 <= now) {
		as_errmsg_set(em, "the join code has expired: ask head office for a new one (hq enrol %s)", code.branch);
		return AS_EREFUSED;
	}
	if ((err = tz_load(code.timezone, &tz, em)))
		return err;
	err = node_dir_new(path, &dir, em);
	if (err == AS_EEXIST)
		return rejoin(&code, path, em);
	if (err)
		return err;
	memcpy(id.org, code.org, sizeof id.org);
	memcpy(id.root, code.root, sizeof id.root);
	snprintf(id.branch, sizeof id.branch, "%s", code.branch);
	snprintf(id.name, sizeof id.name, "%s", code.name);
	snprintf(id.timezone, sizeof id.timezone, "%s", code.timezone);
	if ((err = make_keys(&dir, types, AS_COUNT(types), em)) || (err = node_ident_save(&dir, &id, em)) ||
	    (err = join_code_save(&dir, &code, em)) || (err = save_conf(&dir, NULL, NULL, em)) ||
	    (err = node_open(&n, dir.path, NODE_WRITE, em)))
		return err;
	node_close(n);
	return node_dir_keep(&dir, em);
}
