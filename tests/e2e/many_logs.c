/*
 * Opens many incarnations of a branch, as that many starts without head office's word would: each a child of
 *the one before. Nothing may have the store open.
 *
 *	many_logs DIR N
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/crypto/random.h"
#include "common/node/items.h"
#include "common/wire/log_opened.h"

static struct as_errmsg em;

static void must(as_err err)
{
	if (err == AS_OK)
		return;
	fprintf(stderr, "many_logs: %s: %s\n", as_err_text(err), em.text);
	exit(74);
}

static as_err take_last(void *arg, const struct log_row *row)
{
	struct log_row *last = arg;

	if (row->id.cls == LOG_LIVE && row->id.number >= last->id.number)
		*last = *row;
	return AS_OK;
}

int main(int argc, char **argv)
{
	uint32_t n = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct log_row last = {0};
	uint8_t id[LOG_ID_BYTES];
	struct node *node;
	struct batch b;

	if (n == 0) {
		fprintf(stderr, "usage: many_logs DIR N\n");
		return 64;
	}
	must(as_crypto_init());
	must(node_open(&node, argv[1], NODE_WRITE, &em));
	batch_init(&b, node);
	must(store_each_log(node->st, take_last, &last));
	for (uint32_t i = 0; i < n; i++) {
		struct log_opened lo = {.log = {.cls = LOG_LIVE, .number = last.id.number + 1}};
		struct batch_author w = {0};
		memcpy(lo.log.branch, node->home->branch, sizeof lo.log.branch);
		as_random(lo.log.inc, sizeof lo.log.inc);
		memcpy(lo.author, node->home->identity_public, 32);
		lo.has_parent = last.head.size > 0;
		lo.parent = lo.has_parent ? last.id : lo.parent;
		lo.parent_head = last.head;
		batch_begin(&b, clock_utc_ms());
		must(batch_log_begin(&b, &lo, NULL, 0, &w));
		batch_author_done(&w);
		log_id_put(&lo.log, id);
		must(batch_meta(&b, META_OPEN, bytes_of(id, sizeof id)));
		must(batch_commit(&b, &em));
		must(store_log(node->st, &lo.log, &last));
	}
	batch_done(&b);
	node_close(node);
	return 0;
}
