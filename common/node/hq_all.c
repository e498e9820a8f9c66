#include "common/node/hq_all.h"

#include <string.h>

#include "common/base/check.h"
#include "common/intake/json.h"
#include "common/node/items.h"

struct log_id hq_all_log(const struct node_home *home)
{
	return (struct log_id){.cls = LOG_HQ_ALL, .number = home->instance};
}

enum sync_hq_state hq_all_state(const struct node *n)
{
	AS_AUTO(buf) struct buf b = {0};

	buf_init(&b, STORE_META_MAX);
	if (store_meta(n->st, META_HQ_STATE, &b) || b.n != 5 || get_be32(b.p) != n->home->instance ||
	    b.p[4] > SYNC_HQ_ROLLED_BACK)
		return SYNC_HQ_SERVING;
	return (enum sync_hq_state)b.p[4];
}

as_err hq_all_append(struct batch *b, const struct hq_event *events, size_t n, struct bytes *ret_raw)
{
	const struct log_id log = hq_all_log(b->node->home);
	struct bytes *raw = batch_memory(b, n * sizeof raw[0]);
	struct batch_author w = {0};
	struct log_row row;
	as_err err = raw ? AS_OK : AS_ENOMEM;

	for (size_t i = 0; err == AS_OK && i < n; i++)
		err = batch_system_event(b, events[i].kind, events[i].body, &raw[i]);
	if (err)
		return err;
	err = store_log(b->node->st, &log, &row);
	if (err == AS_ENOTFOUND || (err == AS_OK && row.head.size == 0)) {
		if (events[0].kind != INSTANCE_CERTIFIED) /* no branch would believe it */
			return AS_EREFUSED;
		struct log_opened lo = {.log = log};
		memcpy(lo.author, b->node->home->instance_public, 32);
		/* a new instance continues what is held of the one before */
		for (uint32_t i = log.number - 1; i > 0 && !lo.has_parent; i--) {
			struct log_id old = {.cls = LOG_HQ_ALL, .number = i};
			if (store_log(b->node->st, &old, &row) == AS_OK && row.head.size > 0) {
				lo.has_parent = true;
				lo.parent = old;
				lo.parent_head = row.head;
			}
		}
		err = batch_log_begin(b, &lo, raw, n, &w);
	} else if (err == AS_OK && (err = batch_author_open(b, &log, &w)) == AS_OK) {
		err = batch_append(b, &w, raw, n, 0);
	}
	batch_author_done(&w);
	if (err == AS_OK && ret_raw)
		memcpy(ret_raw, raw, n * sizeof raw[0]);
	return err;
}

/* ---- admitting ----------------------------------------------------------------------------------------------- */

const char *hq_all_join_wrong(const struct node *n, uint32_t token, const struct msg_join *j)
{
	const struct roster *r = &n->roster;
	const struct roster_token *t = roster_token_of(r, token);
	const struct roster_node *known = roster_node_by_identity(r, j->identity);
	const struct roster_node *same_link = roster_node_by_link(r, j->link);

	if (t == NULL || !node_join_ok(n->home->org, t->key, j))
		return "its signature is wrong";
	if (known && known->ended)
		return "its keys were ended: it has to join from a new directory";
	if (known && memcmp(known->branch, j->branch, BRANCH_CODE_MAX) != 0)
		return "its identity key is one of another branch";
	/* public keys stand in the roster for all to read: who names another's would be taken for it */
	if ((same_link && memcmp(same_link->identity, j->identity, 32) != 0) || roster_token_by_key(r, j->link))
		return "its link key is known as another's";
	return NULL;
}

struct branch_logs {
	const char *branch;
	struct log_id *log; /* NULL: they are counted */
	size_t n;
};

static as_err take_log(void *arg, const struct log_row *row)
{
	struct branch_logs *l = arg;

	if (log_is_hq(&row->id) || memcmp(row->id.branch, l->branch, BRANCH_CODE_MAX) != 0 ||
	    row->head.size == 0)
		return AS_OK;
	if (l->log)
		l->log[l->n] = row->id;
	l->n++;
	return AS_OK;
}

/* All logs of the branch; their memory is the batch's. */
static as_err branch_logs(struct batch *b, const char *branch, struct branch_logs *ret)
{
	as_err err;

	*ret = (struct branch_logs){.branch = branch};
	if ((err = store_each_log(b->node->st, take_log, ret)))
		return err;
	if ((ret->log = batch_memory(b, (ret->n + 1) * sizeof ret->log[0])) == NULL)
		return AS_ENOMEM;
	ret->n = 0; /* the writer counts and takes: nobody writes in between */
	return store_each_log(b->node->st, take_log, ret);
}

static as_err log_key_event(struct batch *b, const struct roster_node *node, const struct log_id *log,
			    struct hq_event *ret)
{
	struct node_reader *r = node_reader_get(b->node, log);
	struct roster_log_key k = {.log = *log};
	uint8_t random[32], *body = batch_memory(b, ROSTER_BODY_MAX);

	if (body == NULL)
		return AS_ENOMEM;
	as_random(random, sizeof random);
	if (r == NULL || !as_box_seal(node->recipient, bytes_of(node_block_reader(r)->content_key, 32), random, k.sealed))
		return AS_ENOTFOUND;
	*ret = (struct hq_event){.kind = LOG_KEYS, .body = bytes_of(body, roster_put_log_key(body, &k))};
	return AS_OK;
}

/* Every key of the branch's subjects that is still in the ring, as changes of head office's log to the branch. */
static as_err subject_keys(struct batch *b, const struct branch_logs *logs)
{
	struct node *n = b->node;
	struct log_id to = {.cls = LOG_HQ_BRANCH, .number = n->home->instance};
	struct log_row row;
	uint64_t number = 0;
	as_err err;

	memcpy(to.branch, logs->branch, BRANCH_CODE_MAX);
	if ((err = store_log(n->st, &to, &row)) == AS_OK)
		number = row.keys;
	else if (err != AS_ENOTFOUND)
		return err;
	if ((err = logs->n ? batch_touch(b, &to) : AS_OK))
		return err;
	for (size_t i = 0; i < logs->n; i++) {
		uint64_t after = 0;
		size_t got = 1;
		while (logs->log[i].cls == LOG_LIVE && got > 0) {
			struct store_key part[KEYS_PER_MESSAGE_MAX];
			AS_AUTO(buf) struct buf memory = {0};
			buf_init(&memory, KEYS_PER_MESSAGE_MAX * STORE_WRAPPED_MAX);
			if ((err = store_keys(n->st, &logs->log[i], after, part, KEYS_PER_MESSAGE_MAX, &memory, &got)))
				return err == AS_ENOTFOUND ? AS_OK : err;
			struct store_key *keys = batch_memory(b, (got + 1) * sizeof keys[0]);
			size_t k = 0;
			for (size_t p = 0; keys && p < got; p++) {
				after = part[p].number;
				if (part[p].op == KEY_VOID)
					continue;
				keys[k] = part[p];
				keys[k].number = ++number;
				if ((keys[k].wrapped = batch_copy(b, part[p].wrapped)).p == NULL)
					return AS_ENOMEM;
				k++;
			}
			struct store_op *o = k ? batch_op(b, STORE_KEYS, &to) : NULL;
			if (keys == NULL || (k && o == NULL))
				return AS_ENOMEM;
			if (k) {
				o->keys.keys = keys;
				o->keys.n = k;
			}
		}
	}
	return AS_OK;
}

as_err hq_all_admit(struct batch *b, const struct roster_node *node, struct bytes **ret_raw, size_t *ret_n)
{
	struct branch_logs all, *logs = &all;
	uint8_t *body = batch_memory(b, ROSTER_BODY_MAX);
	struct hq_event *events;
	size_t n = 0;
	as_err err;

	if ((err = branch_logs(b, node->branch, logs)))
		return err;
	events = batch_memory(b, (logs->n + 1) * sizeof events[0]);
	*ret_raw = batch_memory(b, (logs->n + 1) * sizeof **ret_raw);
	if (events == NULL || body == NULL || *ret_raw == NULL)
		return AS_ENOMEM;
	events[n++] =
	    (struct hq_event){.kind = NODE_ADMITTED, .body = bytes_of(body, roster_put_admitted(body, node))};
	for (size_t i = 0; i < logs->n; i++) {
		err = log_key_event(b, node, &logs->log[i], &events[n]);
		if (err == AS_OK)
			n++;
		else if (err != AS_ENOTFOUND) /* a log whose key cannot be read here cannot be given back either */
			return err;
	}
	if ((err = subject_keys(b, logs)) || (err = hq_all_append(b, events, n, *ret_raw)))
		return err;
	*ret_n = n;
	return AS_OK;
}
