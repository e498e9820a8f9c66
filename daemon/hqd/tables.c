/* The tables of the core: filled from store and roster at start, larger ones when the roster grows. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/crypto/random.h"
#include "daemon/hqd/hqd.h"

#define LOGS_EACH 16 /* room in the table of logs for each new branch, beside half of what there is */
#define LOGS_MIN 4096
#define NODES_MIN 1024 /* branches, and join codes, that a table has room for beside those that there are */
#define QUEUE_MAX 4096

/* ---- larger ones -------------------------------------------------------------------------------------- */

/* Twice as many branches, with room for their logs. What is not used of an array costs nothing. */
static bool grow_branches(struct hqd *d)
{
	struct hq_core *h = &d->core;
	struct hq_tables t = {.nodes_cap = 2 * h->nodes_cap, .logs_cap = h->c.logs_cap + LOGS_EACH * h->nodes_cap};

	t.nodes = calloc(t.nodes_cap, sizeof t.nodes[0]);
	t.logs = calloc(t.logs_cap, sizeof t.logs[0]);
	if (t.nodes == NULL || t.logs == NULL) {
		free(t.nodes);
		free(t.logs);
		return false;
	}
	hq_core_grow(h, &t);
	free(d->nodes);
	free(d->logs);
	d->nodes = t.nodes;
	d->logs = t.logs;
	return true;
}

static bool grow_tokens(struct hqd *d)
{
	struct hq_tables t = {.tokens_cap = 2 * d->core.tokens_cap};

	if ((t.tokens = calloc(t.tokens_cap, sizeof t.tokens[0])) == NULL)
		return false;
	hq_core_grow(&d->core, &t);
	free(d->tokens);
	d->tokens = t.tokens;
	return true;
}

const char *tables_hindered(struct hqd *d, const char branch[BRANCH_CODE_MAX], size_t codes)
{
	const struct roster *r = &d->shell.view->roster;
	struct log_id to = {.cls = LOG_HQ_BRANCH, .number = d->home->instance};
	size_t branches = r->branches_n + (codes ? codes : !roster_branch_of(r, branch));

	memcpy(to.branch, branch, BRANCH_CODE_MAX);
	while (d->core.nodes_cap < branches)
		if (!grow_branches(d))
			return "out of memory for one more branch";
	while (d->core.tokens_cap < d->core.tokens_n + codes)
		if (!grow_tokens(d))
			return "out of memory for one more join code";
	if (!hq_core_room(&d->core, &to)) /* a branch opens children without end: that is for a person to look at */
		return "the table of logs is full; restart aftersync-hqd, which makes room";
	return NULL;
}

/* ---- from the roster ---------------------------------------------------------------------------------- */

/* Until its node has shown itself, a lost Joined may be asked for again. */
static enum hq_token_state used_state(struct hqd *d, const struct roster_token *k, struct msg_join *ret_join)
{
	const struct roster *r = &d->shell.view->roster;
	const struct roster_node *n = roster_node_of_token(r, k->number);

	if (n == NULL || n->ended)
		return TOKEN_SPENT;
	const struct sync_log *log = sync_log_find(&d->core.c, &n->live);
	if (log && log->row.head.size > 0) /* what it wrote came by its own link */
		return TOKEN_SPENT;
	memcpy(ret_join->branch, n->branch, BRANCH_CODE_MAX);
	memcpy(ret_join->identity, n->identity, 32);
	memcpy(ret_join->link, n->link, 32);
	memcpy(ret_join->recipient, n->recipient, 32);
	ret_join->live = n->live;
	return TOKEN_USED;
}

static as_err load_token(struct hqd *d, const struct roster_token *k, int64_t utc, uint64_t mono)
{
	struct hq_token t = {.number = k->number, .state = TOKEN_OPEN, .more = k->used < k->uses};
	int64_t left = k->expires - utc;

	memcpy(t.branch, k->branch, BRANCH_CODE_MAX);
	t.expires_ms = left > 0 ? mono + (uint64_t)left : mono;
	if (!t.more && (t.state = used_state(d, k, &t.join)) == TOKEN_SPENT)
		return AS_OK; /* nobody can use it any more */
	if (!hq_core_token_room(&d->core) && !grow_tokens(d))
		return AS_ENOMEM;
	return hq_core_add_token(&d->core, &t) ? AS_OK : AS_ETOOBIG;
}

as_err tables_load_roster(struct hqd *d)
{
	const struct roster *r = &d->shell.view->roster;
	int64_t utc = clock_utc_ms();
	uint64_t mono = clock_mono_ms();
	as_err err = AS_OK;

	for (size_t i = 0; i < r->branches_n; i++) {
		if (roster_node_of(r, r->branches[i].code) == NULL)
			continue;
		if (d->core.nodes_n == d->core.nodes_cap && !grow_branches(d))
			return AS_ENOMEM;
		if (!hq_core_add_node(&d->core, r->branches[i].code))
			return AS_ETOOBIG;
	}
	for (size_t i = 0; err == AS_OK && i < r->tokens_n; i++)
		if (hq_core_token(&d->core, r->tokens[i].number) == NULL)
			err = load_token(d, &r->tokens[i], utc, mono);
	return err;
}

/* ---- open and close ----------------------------------------------------------------------------------- */

static as_err count_log(void *arg, const struct log_row *row)
{
	(void)row;
	(*(size_t *)arg)++;
	return AS_OK;
}

static as_err load_log(void *arg, const struct log_row *row)
{
	struct hqd *d = arg;

	return hq_core_load_log(&d->core, row) ? AS_OK : AS_ETOOBIG;
}

/* kept: the state of head office when it ended. */
static void begin(struct hqd *d, struct hq_conf *conf, enum sync_hq_state kept)
{
	if (kept == SYNC_HQ_RECOVERING) /* it is this instance from the first moment on, and listens */
		conf->instance--;
	hq_core_init(&d->core, conf);
	d->core.c.now = clock_mono_ms();
	if (kept == SYNC_HQ_RECOVERING)
		hq_core_new_instance(&d->core, clock_mono_ms(), d->home->instance);
	else
		d->core.state = kept;
	d->state_kept = (uint8_t)kept;
}

as_err tables_open(struct hqd *d, struct as_errmsg *em)
{
	struct hq_conf conf = {.instance = d->home->instance,
			       .transport = d->home->transports[d->home->transports_n - 1].number,
			       .env = {.ctx = &d->shell,
				       .out = shell_out,
				       .block_at = shell_block_at,
				       .receipt_ok = shell_receipt_ok},
			       .queue_cap = QUEUE_MAX,
			       .sessions_cap = (size_t)d->links_max,
			       .nodes_cap = d->shell.view->roster.branches_n + NODES_MIN,
			       .tokens_cap = NODES_MIN,
			       .pool = d->conf.credit_pool};
	size_t logs = 0;
	as_err err = store_each_log(d->shell.view->st, count_log, &logs);

	if (err) {
		as_errmsg_set(em, "the logs cannot be counted: %s", as_err_text(err));
		return err;
	}
	conf.logs_cap = logs + logs / 2 + LOGS_MIN + LOGS_EACH * NODES_MIN;
	d->logs = conf.logs = calloc(conf.logs_cap, sizeof d->logs[0]);
	d->queue = conf.queue = calloc(conf.queue_cap, sizeof d->queue[0]);
	d->sessions = conf.sessions = calloc(conf.sessions_cap, sizeof d->sessions[0]);
	d->nodes = conf.nodes = calloc(conf.nodes_cap, sizeof d->nodes[0]);
	d->tokens = conf.tokens = calloc(conf.tokens_cap, sizeof d->tokens[0]);
	if (!d->logs || !d->queue || !d->sessions || !d->nodes || !d->tokens)
		return AS_ENOMEM;
	as_random(conf.run_id, sizeof conf.run_id);
	as_random(&conf.seed, sizeof conf.seed);
	begin(d, &conf, hq_all_state(d->shell.view));
	if ((err = store_each_log(d->shell.view->st, load_log, d)) || (err = tables_load_roster(d)))
		as_errmsg_set(em, "the table of logs cannot be loaded: %s", as_err_text(err));
	return err;
}

void tables_close(struct hqd *d)
{
	free(d->logs);
	free(d->queue);
	free(d->sessions);
	free(d->nodes);
	free(d->tokens);
}
