/*
 * Golden traces of the sync cores: tests/golden/sync/NN-name.txt, compared byte for byte. Read them in order
 * to learn the protocol. After an intended change: UPDATE_GOLDEN=1 build/release/tests/test_sync_trace, and
 * read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/trace.h"

static void end(struct tr *w)
{
	const char *why = tr_end(w);

	if (why)
		fail_msg("%s", why);
}

static void first_contact(void **state)
{
	struct tr *w =
	    tr_new("01-join", "A new branch records before it has ever seen head office. Its own key is not "
			      "known there, so it joins by its token, comes back by its own key and sends "
			      "what it has. Head office receipts what it has committed.");
	(void)state;
	tr_hq_append(w, "", 2, 500);
	tr_token(w, "BJ01", 3600000);
	struct tr_node *b = tr_newcomer(w, "BJ01", 1);
	b->line = false;
	tr_start(b);
	tr_append(b, LOG_LIVE, 5, 1500, 1);
	tr_run(w, 5000);
	tr_note(w, "The line is there.");
	tr_join_line(b);
	tr_run(w, 30000);
	tr_append(b, LOG_LIVE, 1, 400, 0);
	tr_run(w, 5000);
	tr_settled(w);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 7);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_contact),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sync_trace", tests, NULL, NULL);
}
