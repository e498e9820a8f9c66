/*
 * Golden traces of the sync cores: tests/golden/sync/NN-name.txt, compared byte for byte. Read them in order
 * to learn the protocol. After an intended change: GOLDEN_UPDATE=1 build/release/tests/test_sync_trace, and
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

/* What most stories begin with: BJ01 works, 10 events of live/1 are receipted; nothing of that is printed. */
static struct tr_node *in_sync(struct tr *w)
{
	w->quiet = true;
	tr_hq_append(w, "", 2, 500);
	struct tr_node *b = tr_branch(w, "BJ01");
	tr_run(w, 1000);
	tr_append(b, LOG_LIVE, 9, 2000, 0);
	tr_run(w, 9000);
	tr_settled(w);
	w->quiet = false;
	tr_note(w, "BJ01 works; live/1 has 10 events, all receipted.");
	return b;
}

static void branch_restart(void **state)
{
	struct tr *w =
	    tr_new("02-branch-restart",
		   "The branch loses power with a block on its way. After the start it does not know whether "
		   "it is still the only one: it appends to its log only when head office has said in this "
		   "run that it holds no more. Head office holds what it committed; nothing is sent twice.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 20);
	tr_stop(b);
	tr_run(w, 2000);
	tr_start(b);
	tr_run(w, 10);
	tr_append(b, LOG_LIVE, 1, 400, 0);
	tr_run(w, 5000);
	tr_settled(w);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 21);
	end(w);
}

static void hq_restart(void **state)
{
	struct tr *w = tr_new("03-hq-restart",
			      "Head office loses power after a commit and before its receipt went out. The "
			      "branch connects again, hears what head office holds, and gets the "
			      "receipt without sending anything again.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_fault(b, false, TR_DROP, MSG_HAVE, 0, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 150);
	tr_stop(w->hq);
	tr_run(w, 500);
	tr_append(b, LOG_LIVE, 3, 1000, 0);
	tr_run(w, 2000);
	tr_start(w->hq);
	tr_run(w, 20000);
	tr_settled(w);
	end(w);
}

static void receipt_lost(void **state)
{
	struct tr *w =
	    tr_new("04-receipt-lost",
		   "A receipt is lost and the line stays up. After three minutes without an answer "
		   "the branch says Hello; head office holds the block and says so "
		   "with the receipt.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_fault(b, false, TR_DROP, MSG_HAVE, 0, 0);
	tr_run(w, 200000);
	tr_settled(w);
	end(w);
}

static void duplicates(void **state)
{
	struct tr *w = tr_new("05-duplicates",
			      "Every kind of message arrives twice. A Hello is answered once, a block is "
			      "committed once, keys are stored once; nothing changes by the second.");
	(void)state;
	struct tr_node *b = in_sync(w);
	for (int i = 0; i < 3; i++) {
		tr_fault(b, true, TR_TWICE, 0, 0, 0);
		tr_fault(b, false, TR_TWICE, 0, 0, 0);
	}
	tr_append(b, LOG_LIVE, 5, 1000, 2);
	tr_hq_append(w, "", 1, 400);
	tr_run(w, 2000);
	tr_note(w, "The same at the beginning of a session.");
	tr_cut(b);
	tr_join_line(b);
	for (int i = 0; i < 3; i++) {
		tr_fault(b, true, TR_TWICE, 0, 0, 0);
		tr_fault(b, false, TR_TWICE, 0, 0, 0);
	}
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 10000);
	tr_settled(w);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 20);
	end(w);
}

static void reordering(void **state)
{
	struct tr *w =
	    tr_new("06-reordering", "A block is overtaken by the next one. Head office does not hold what it "
				    "continues: it asks by Refuse(gap), the session begins again, and what "
				    "comes late is a repetition.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_fault(b, true, TR_LATE, MSG_BLOCK, 0, 300);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 10000);
	tr_note(w, "An answer is overtaken by a newer one: it takes nothing back.");
	tr_fault(b, false, TR_LATE, MSG_HAVE, 0, 300);
	tr_append(b, LOG_LIVE, 2, 1000, 0);
	tr_run(w, 60);
	tr_append(b, LOG_LIVE, 2, 1000, 0);
	tr_run(w, 5000);
	tr_settled(w);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 24);
	end(w);
}

static void gap(void **state)
{
	struct tr *w = tr_new(
	    "07-gap", "A block is lost, the next one arrives. Head office says what it holds, the branch "
		      "begins again from there.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_fault(b, true, TR_DROP, MSG_BLOCK, 0, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 10000);
	tr_settled(w);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 20);
	end(w);
}

static void rewound(void **state)
{
	struct tr *w = tr_new(
	    "08-rewound", "Head office was put back to an older state of this branch's log: it holds less "
			  "than it receipted. The branch sees it from the heads and sends again; "
			  "its receipts stay what they are.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(w->hq);
	tr_append(b, LOG_LIVE, 5, 1000, 2);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 2000);
	tr_stop(w->hq);
	tr_put_back(w->hq, &image);
	tr_start(w->hq);
	tr_run(w, 10000);
	tr_settled(w);
	end(w);
}

static void behind(void **state)
{
	struct tr *w = tr_new("09-branch-behind",
			      "While a branch was off, head office wrote to everybody and to this branch. "
			      "Who holds more sends: the same protocol in the other direction; "
			      "a branch gives no receipts.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_stop(b);
	tr_hq_append(w, "", 3, 900);
	tr_hq_append(w, "BJ01", 2, 600);
	tr_hq_append(w, "BJ01", 1, 400);
	tr_run(w, 3000);
	tr_start(b);
	tr_run(w, 5000);
	tr_note(w, "With the link up it goes out at once.");
	tr_hq_append(w, "BJ01", 1, 400);
	tr_run(w, 2000);
	tr_settled(w);
	tr_check(w, tr_size(b, "BJ01", LOG_HQ_BRANCH, 1) == 5);
	end(w);
}

static void restored_with_line(void **state)
{
	struct tr *w = tr_new(
	    "10-restored-with-line",
	    "A branch is restored from an older image. Head office holds more of its log than it does: it "
	    "fetches that back in the background, and what it records meanwhile goes at once into a "
	    "child incarnation that begins at its own head.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(b);
	tr_append(b, LOG_LIVE, 5, 1000, 1);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 2000);
	tr_stop(b);
	tr_put_back(b, &image);
	tr_run(w, 1000);
	tr_start(b);
	tr_run(w, 10);
	tr_append(b, LOG_LIVE, 3, 800, 1);
	tr_run(w, 10000);
	tr_append(b, LOG_LIVE, 1, 400, 0);
	tr_run(w, 3000);
	tr_settled(w);
	tr_check(w, tr_size(b, "BJ01", LOG_LIVE, 1) == 20 && tr_size(w->hq, "BJ01", LOG_LIVE, 2) == 5);
	end(w);
}

static void restored_without_line(void **state)
{
	struct tr *w = tr_new(
	    "11-restored-without-line",
	    "The same with a dead line. Nobody can say whether head office holds more, so the first append "
	    "opens a child incarnation; nobody waits and nothing can fork. When the line is there, what "
	    "was lost comes back beside it. What only the lost disk held is gone: two events.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(b);
	tr_append(b, LOG_LIVE, 5, 1000, 1);
	tr_run(w, 2000);
	tr_cut(b);
	tr_append(b, LOG_LIVE, 2, 1000, 0);
	tr_stop(b);
	tr_put_back(b, &image);
	tr_start(b);
	tr_append(b, LOG_LIVE, 3, 800, 0);
	tr_run(w, 10000);
	tr_join_line(b);
	tr_run(w, 30000);
	tr_settled(w);
	tr_check(w, tr_size(b, "BJ01", LOG_LIVE, 1) == 15 && tr_size(w->hq, "BJ01", LOG_LIVE, 2) == 4);
	end(w);
}

static void clone_of_parent(void **state)
{
	struct tr *w = tr_new(
	    "12-clone", "An image of a branch is started on a second machine while the first goes on. The "
			"second one, without a line, opens a child. When head office holds that child and "
			"its parent grows past the place where the child begins, there are two live "
			"copies: an alarm, no freeze; both are receipted.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone(b, "BJ01*");
	c->line = false;
	tr_start(c);
	tr_append(c, LOG_LIVE, 2, 800, 0);
	tr_run(w, 1000);
	tr_cut(b);
	tr_join_line(c);
	tr_run(w, 10000);
	tr_append(b, LOG_LIVE, 4, 800, 0);
	tr_note(w, "The first machine comes back with a new start, so that its run id tells nothing.");
	tr_stop(c);
	tr_stop(b);
	tr_join_line(b);
	tr_start(b);
	tr_run(w, 10000);
	tr_check(w, w->alarms[ALARM_CLONE] == 1);
	tr_check(w, hq_core_state(w->hq->hq, b->code, w->now) == SYNC_CLONE);
	tr_note(
	    w,
	    "The operator replaces the branch: neither key is valid any more; the true machine joins again.");
	tr_replace(w, "BJ01");
	tr_token(w, "BJ01", w->now + 3600000);
	tr_stop(b);
	b->identity = w->next_identity++;
	b->token = w->next_token;
	b->store.joined = false;
	b->store.has_open = false;
	tr_start(b);
	tr_append(b, LOG_LIVE, 2, 800, 0);
	tr_run(w, 30000);
	tr_settled(w);
	tr_check(w, hq_core_state(w->hq->hq, b->code, w->now) == SYNC_IN_SYNC);
	end(w);
}

static void runs_alternate(void **state)
{
	struct tr *w =
	    tr_new("13-two-runs",
		   "Two copies of one branch take turns on the line. Each start has its own run id; a "
		   "run that comes back after another one has lived was alive all the time: "
		   "clone.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone(b, "BJ01*");
	tr_start(c);
	tr_run(w, 5000);
	tr_cut(b);
	tr_cut(c);
	tr_join_line(b);
	tr_run(w, 10000);
	tr_check(w, w->alarms[ALARM_CLONE] == 1);
	tr_at_rest(w);
	end(w);
}

static void forked(void **state)
{
	struct tr *w =
	    tr_new("14-fork",
		   "A running branch is copied with its memory: both copies believe that they may continue "
		   "the log. What head office committed first stands. The other copy is shown the "
		   "block ends that head office holds, ends its incarnation at the last common one and "
		   "appends its own events to a child: each is counted exactly once.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone_running(b, "BJ01*");
	tr_append(b, LOG_LIVE, 5, 1000, 1);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(c, LOG_LIVE, 4, 1000, 1);
	tr_append(c, LOG_LIVE, 9, 1000, 1);
	tr_append(c, LOG_BULK, 3, 1000, 0);
	tr_run(w, 3000);
	tr_stop(b);
	tr_hq_append(w, "", 1, 500); /* these are being received when the fork is found */
	tr_hq_append(w, "", 1, 500);
	tr_fault(c, false, TR_LATE, MSG_BLOCK, 0, 80);
	tr_fault(c, false, TR_LATE, MSG_BLOCK, 0, 80);
	tr_join_line(c);
	tr_run(w, 30000);
	tr_settled(w);
	tr_check(w, w->alarms[ALARM_FORK] >= 2);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 20);
	end(w);
}

static void forked_behind(void **state)
{
	struct tr *w = tr_new("15-fork-longer",
			      "The same, but the copy wrote more than head office holds. It shows the block "
			      "that lies over the disputed place, head office keeps it as evidence.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone_running(b, "BJ01*");
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(c, LOG_LIVE, 9, 1000, 0);
	tr_append(c, LOG_LIVE, 9, 1000, 0);
	tr_run(w, 3000);
	tr_note(w, "The copy is started again without a line: its child hangs on the disputed part.");
	tr_stop(c);
	tr_start(c);
	tr_append(c, LOG_LIVE, 2, 1000, 0);
	tr_run(w, 1000);
	tr_stop(b);
	tr_join_line(c);
	tr_run(w, 30000);
	tr_settled(w);
	tr_check(w, w->hq->store.aside_n == 1);
	end(w);
}

static void keys_first(void **state)
{
	struct tr *w = tr_new(
	    "16-keys-late", "A block names the key changes that it needs. Head office stores it at once and "
			    "gives the receipt when those keys are in: here the message with the keys "
			    "was lost.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_fault(b, true, TR_DROP, MSG_KEYS, 0, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 2);
	tr_append(b, LOG_BULK, 5, 1000, 1);
	tr_run(w, 200000);
	tr_settled(w);
	end(w);
}

static void key_void(void **state)
{
	struct tr *w =
	    tr_new("17-key-void",
		   "A customer is erased before the key was ever sent. Its number is answered for all the "
		   "same, as void: the receipt does not wait for ever.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_cut(b);
	tr_append(b, LOG_LIVE, 5, 1000, 3);
	tr_erase(b, 2);
	tr_join_line(b);
	tr_run(w, 20000);
	tr_settled(w);
	tr_check(w, tr_log(w->hq, "BJ01", LOG_LIVE, 1)->keys[1].op == KEY_VOID);
	end(w);
}

static void key_tombstone(void **state)
{
	struct tr *w = tr_new("18-key-tombstone",
			      "Head office erased a customer whose key comes afterwards. The tombstone wins, "
			      "whatever the order; the number counts as held.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_erase(w->hq, 1);
	tr_append(b, LOG_LIVE, 5, 1000, 1);
	tr_run(w, 5000);
	tr_settled(w);
	end(w);
}

static void key_reseal(void **state)
{
	struct tr *w =
	    tr_new("19-key-reseal",
		   "Head office replaced its key-transport key while a branch still knew the old one. "
		   "A key sealed to the old one is answered with the number of the new one, "
		   "sealed again and sent again.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_transport(w, 2);
	tr_append(b, LOG_LIVE, 5, 1000, 2);
	tr_run(w, 5000);
	tr_append(b, LOG_LIVE, 1, 500, 1);
	tr_run(w, 5000);
	tr_settled(w);
	end(w);
}

static void keys_under_way(void **state)
{
	struct tr *w = tr_new("52-keys-under-way",
			      "Key changes do not wait for an answer to those before them. Where some are not taken, "
			      "because they are sealed to an old transport key, those behind them do not follow: they "
			      "are not taken either, in the same commit or a later one, and all are sent again from there.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_append(b, LOG_LIVE, 1, 500, 1);
	tr_append(b, LOG_LIVE, 1, 500, 1);
	tr_append(b, LOG_LIVE, 1, 500, 1);
	tr_run(w, 5000);
	tr_transport(w, 2);
	tr_append(b, LOG_LIVE, 1, 500, 0);
	tr_run(w, 20);
	tr_append(b, LOG_LIVE, 1, 500, 2);
	tr_append(b, LOG_LIVE, 1, 500, 1);
	tr_run(w, 40);
	tr_append(b, LOG_LIVE, 1, 500, 1);
	tr_run(w, 5000);
	tr_settled(w);
	tr_check(w, tr_log(w->hq, "BJ01", LOG_LIVE, 1)->row.keys == 7);
	end(w);
}

static void joined_lost(void **state)
{
	struct tr *w =
	    tr_new("20-joined-lost",
		   "The answer to a join is lost. The branch tries its own key first: it was admitted, so "
		   "that is enough. If that fails too, the used token still answers the same "
		   "key.");
	(void)state;
	tr_token(w, "BJ01", 3600000);
	struct tr_node *b = tr_newcomer(w, "BJ01", 1);
	tr_fault(b, false, TR_DROP, MSG_JOINED, 0, 0);
	tr_start(b);
	tr_append(b, LOG_LIVE, 2, 600, 0);
	tr_run(w, 40000);
	tr_settled(w);
	tr_note(w, "Another branch: the line breaks before its Join arrives. Its own key is still unknown, "
		   "so it takes the "
		   "token again.");
	tr_token(w, "SH02", 3600000);
	struct tr_node *c = tr_newcomer(w, "SH02", 1);
	tr_fault(c, true, TR_DROP, MSG_JOIN, 0, 0);
	tr_start(c);
	tr_run(w, 3000);
	tr_cut(c);
	tr_join_line(c);
	tr_run(w, 30000);
	tr_settled(w);
	end(w);
}

static void token_reused(void **state)
{
	struct tr *w =
	    tr_new("21-token-reused",
		   "A second machine comes with the same join code: another node key with a used token is "
		   "refused, with an alarm. An expired token is refused as well.");
	(void)state;
	tr_token(w, "BJ01", 3600000);
	struct tr_node *b = tr_newcomer(w, "BJ01", 1);
	tr_fault(b, false, TR_DROP, MSG_JOINED, 0, 0);
	tr_start(b);
	tr_run(w, 4000);
	tr_cut(b);
	struct tr_node *c = tr_newcomer(w, "BJ01", 1);
	strcpy(c->name, "BJ01*");
	tr_start(c);
	tr_run(w, 6000);
	tr_check(w, w->alarms[ALARM_TOKEN_REUSED] >= 1);
	tr_stop(c);
	tr_join_line(b);
	tr_run(w, 15000);
	tr_note(w, "A token that has expired.");
	tr_token(w, "SH02", 1000);
	struct tr_node *d = tr_newcomer(w, "SH02", 1);
	tr_start(d);
	tr_run(w, 5000);
	tr_check(w, branch_core_state(d->branch, w->now) == SYNC_JOINING);
	tr_stop(d);
	tr_settled(w);
	end(w);
}

static void refused_twice(void **state)
{
	struct tr *w = tr_new(
	    "22-refused",
	    "Head office refuses a block. The branch reads its own copy again: sound, so it sends once "
	    "more; refused again, it raises an alarm and waits for a person. Its other class and "
	    "head office's logs go on.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_fault(b, true, TR_REASON, MSG_BLOCK, 0, REFUSE_SIGNATURE);
	tr_fault(b, true, TR_REASON, MSG_BLOCK, 0, REFUSE_SIGNATURE);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 3000);
	tr_append(b, LOG_BULK, 5, 1000, 0);
	tr_hq_append(w, "", 1, 300);
	tr_run(w, 3000);
	tr_check(w, branch_core_state(b->branch, w->now) == SYNC_REFUSED);
	tr_check(w, hq_core_state(w->hq->hq, b->code, w->now) == SYNC_REFUSED);
	tr_at_rest(w);
	end(w);
}

static void refused_once(void **state)
{
	struct tr *w =
	    tr_new("23-refused-once",
		   "A block is spoilt on the way. The branch's own copy is sound; the second try is "
		   "taken, and what was sent behind it comes again.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_fault(b, true, TR_REASON, MSG_BLOCK, 0, REFUSE_DAMAGED);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 5000);
	tr_settled(w);
	end(w);
}

static void damaged_fetched(void **state)
{
	struct tr *w =
	    tr_new("24-damaged-fetched",
		   "The daemon finds a stored block damaged by its disk. Head office holds the same block: "
		   "it is fetched back and put in its place.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 1000);
	tr_rot(b, LOG_LIVE, 1, 10);
	tr_scrub(b);
	tr_run(w, 3000);
	tr_check(w, w->alarms[ALARM_REPAIRED] == 1);
	tr_settled(w);
	tr_note(w, "And the other way: head office's copy, by the branch's.");
	tr_rot(w->hq, LOG_HQ_ALL, 1, 0);
	tr_scrub(w->hq);
	tr_run(w, 3000);
	tr_check(w, w->alarms[ALARM_REPAIRED] == 2);
	tr_settled(w);
	end(w);
}

static void damaged_child(void **state)
{
	struct tr *w =
	    tr_new("25-damaged-child",
		   "A block is damaged before it was ever sent: there is no other copy. The branch ends its "
		   "incarnation before it and appends everything else to a child; an alarm "
		   "says that events may be lost (here 3).");
	(void)state;
	struct tr_node *b = in_sync(w);
	uint32_t before = w->next_event;
	tr_cut(b);
	tr_append(b, LOG_LIVE, 2, 1000, 1);
	tr_append(b, LOG_LIVE, 3, 1000, 1);
	tr_append(b, LOG_LIVE, 4, 1000, 1);
	tr_rot(b, LOG_LIVE, 1, 12);
	for (uint32_t e = before + 3; e <= before + 5; e++)
		w->accepted[e] = 0;
	tr_join_line(b);
	tr_run(w, 20000);
	tr_settled(w);
	tr_check(w, w->alarms[ALARM_DAMAGED] == 1);
	end(w);
}

static void ended_key(void **state)
{
	struct tr *w = tr_new(
	    "26-ended-key",
	    "A branch's machine is replaced; the disk goes on in the new one. The old key ended at what head "
	    "office had committed. Blocks after that are kept aside as refused; "
	    "the operator admits them, and the new key's incarnation, whose parent they are, "
	    "follows.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_cut(b);
	tr_append(b, LOG_LIVE, 3, 800, 0);
	tr_append(b, LOG_LIVE, 3, 800, 0);
	tr_run(w, 1000);
	tr_replace(w, "BJ01");
	tr_run(w, 1000);
	tr_note(w, "The old machine, still with its old key, is heard no more.");
	tr_join_line(b);
	tr_run(w, 10000);
	tr_check(w, branch_core_state(b->branch, w->now) == SYNC_REVOKED);
	tr_note(w, "The same disk with a new key.");
	tr_stop(b);
	tr_token(w, "BJ01", w->now + 3600000);
	b->identity = w->next_identity++;
	b->token = w->next_token;
	b->store.joined = false;
	b->store.has_open = false;
	tr_start(b);
	tr_append(b, LOG_LIVE, 2, 800, 0);
	tr_run(w, 20000);
	tr_check(w, w->alarms[ALARM_AFTER_END] >= 1);
	tr_accept(w, "BJ01", LOG_LIVE, 1, 16);
	tr_run(w, 130000);
	tr_settled(w);
	end(w);
}

static void versions(void **state)
{
	struct tr *w = tr_new("27-versions", "A branch speaks only a newer wire version than head office. "
					     "Nothing is exchanged; both sides say "
					     "why. After the upgrade of head office everything goes on.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_stop(b);
	b->wire_min = b->wire_max = WIRE_VERSION + 1;
	tr_start(b);
	tr_run(w, 3000);
	tr_check(w, branch_core_state(b->branch, w->now) == SYNC_INCOMPATIBLE);
	tr_check(w, hq_core_state(w->hq->hq, b->code, w->now) == SYNC_INCOMPATIBLE);
	tr_append(b, LOG_LIVE, 2, 600, 0);
	tr_run(w, 3000);
	tr_note(w, "The two speak the same again.");
	b->wire_max = 0;
	tr_run(w, 130000);
	tr_settled(w);
	tr_note(w, "The other way round: head office is too new for the branch.");
	w->hq->wire_min = w->hq->wire_max = WIRE_VERSION + 1;
	tr_cut(b);
	tr_join_line(b);
	tr_run(w, 10000);
	tr_check(w, branch_core_state(b->branch, w->now) == SYNC_INCOMPATIBLE);
	w->hq->wire_max = 0;
	tr_run(w, 130000);
	tr_settled(w);
	end(w);
}

static void fairness(void **state)
{
	struct tr *w = tr_new(
	    "28-fairness",
	    "Three branches with a backlog and little memory at head office: the pool holds two blocks' "
	    "worth. Who gets no credit is paused and waits; turns go round, each gets "
	    "at least one block.");
	(void)state;
	struct tr_node *b[3];
	static const char *const codes[3] = {"BJ01", "GZ02", "SH03"};
	tr_stop(w->hq);
	w->pool = HQ_CREDIT_QUANTUM;
	tr_start(w->hq);
	for (int i = 0; i < 3; i++) {
		b[i] = tr_branch(w, codes[i]);
		b[i]->line = false;
		for (int k = 0; k < 3; k++)
			tr_append(b[i], LOG_LIVE, 600, 120000, 0);
	}
	tr_run(w, 1000);
	for (int i = 0; i < 3; i++)
		tr_join_line(b[i]);
	tr_run(w, 60000);
	tr_settled(w);
	end(w);
}

static void no_credit(void **state)
{
	struct tr *w = tr_new(
	    "29-no-credit",
	    "One branch holds all of head office's memory (its verification hangs): another one gets no "
	    "credit, says what it has, is paused, and is given its turn when memory is "
	    "free again.");
	(void)state;
	struct tr_node *b = in_sync(w);
	uint64_t all = w->hq->core->pool;
	w->hq->core->pool = 0;
	tr_append(b, LOG_LIVE, 500, 100000, 0);
	tr_append(b, LOG_LIVE, 1, 100, 0);
	tr_run(w, 20000);
	tr_check(w, branch_core_state(b->branch, w->now) == SYNC_PAUSED);
	tr_note(w, "Memory is free again.");
	w->hq->core->pool += all;
	tr_run(w, 20000);
	tr_settled(w);
	end(w);
}

static void live_first(void **state)
{
	struct tr *w = tr_new("30-live-first", "A long import is on its way over a slow line when somebody "
					       "records a repair. The repair goes out before "
					       "the rest of the import.");
	(void)state;
	struct tr_node *b = in_sync(w);
	b->rate = 20000;
	for (int i = 0; i < 8; i++)
		tr_append(b, LOG_BULK, 500, 100000, 0);
	tr_run(w, 7000);
	tr_append(b, LOG_LIVE, 1, 400, 0);
	tr_run(w, 5000);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 11 && tr_size(w->hq, "BJ01", LOG_BULK, 1) < 2000);
	tr_run(w, 95000);
	tr_settled(w);
	end(w);
}

static void new_instance(void **state)
{
	struct tr *w = tr_new(
	    "31-new-instance",
	    "Head office's machine is rolled back to an old image. It sees a branch hold more of its own log "
	    "than itself: it stops writing, but goes on receiving and receipting. The "
	    "operator makes a new instance; the branches give back what head office lost; "
	    "then it writes in a log of its own that continues the old one.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(w->hq);
	tr_hq_append(w, "", 2, 600);
	tr_hq_append(w, "BJ01", 2, 600);
	tr_append(b, LOG_LIVE, 2, 600, 0);
	tr_run(w, 1000);
	tr_stop(w->hq);
	tr_put_back(w->hq, &image);
	tr_start(w->hq);
	tr_run(w, 10000);
	tr_check(w, w->hq->hq->state == SYNC_HQ_ROLLED_BACK);
	tr_hq_append(w, "", 1, 300);
	tr_append(b, LOG_LIVE, 2, 600, 0);
	tr_run(w, 2000);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 14);
	tr_new_instance(w);
	tr_run(w, 10000);
	tr_check(w, tr_size(w->hq, "", LOG_HQ_ALL, 1) == 5);
	tr_hq_append(w, "", 1, 300);
	tr_note(w, "Ten minutes later.");
	w->quiet = true;
	tr_run(w, SYNC_RECOVERING_MS - 11000);
	w->quiet = false;
	tr_run(w, 3000);
	tr_hq_append(w, "", 1, 300);
	tr_run(w, 3000);
	tr_settled(w);
	tr_check(w, tr_size(b, "", LOG_HQ_ALL, 2) == 2);
	end(w);
}

static void lower_instance(void **state)
{
	struct tr *w = tr_new(
	    "32-lower-instance",
	    "The branch has seen instance 2 of head office. A machine with instance 1 comes back on the same "
	    "address: the branch refuses it, with an alarm, until instance 2 answers.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(w->hq);
	tr_new_instance(w);
	tr_run(w, 5000);
	hq_core_go(w->hq->hq, w->now);
	tr_hq_append(w, "", 1, 300);
	tr_run(w, 5000);
	struct tr_store second = tr_image(w->hq);
	tr_stop(w->hq);
	tr_put_back(w->hq, &image);
	tr_start(w->hq);
	tr_append(b, LOG_LIVE, 2, 600, 0);
	tr_run(w, 10000);
	tr_check(w, w->alarms[ALARM_INSTANCE] == 1);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 10);
	tr_stop(w->hq);
	tr_put_back(w->hq, &second);
	tr_start(w->hq);
	tr_run(w, 20000);
	tr_settled(w);
	end(w);
}

static void hq_full(void **state)
{
	struct tr *w = tr_new("33-hq-full", "Head office's disk is full. Nothing is committed and nothing "
					    "receipted; the branch waits. When there is "
					    "room again it goes on by itself.");
	(void)state;
	struct tr_node *b = in_sync(w);
	w->hq->full = true;
	tr_token(w, "SH02", 3600000);
	struct tr_node *c = tr_newcomer(w, "SH02", 1);
	tr_start(c);
	tr_run(w, 880);
	tr_append(b, LOG_LIVE, 5, 1000, 2);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 30000);
	tr_at_rest(w);
	tr_note(w, "There is room again.");
	w->hq->full = false;
	tr_run(w, 200000);
	tr_settled(w);
	end(w);
}

static void branch_full(void **state)
{
	struct tr *w = tr_new(
	    "34-branch-full",
	    "The branch's disk is full. New events are refused at once, nothing that was accepted is lost; "
	    "receipts are still stored from the reserve, head office's logs wait.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	b->full = true;
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_fault(b, false, TR_LATE, MSG_HAVE, 0,
		 50); /* two receipts at once: the second one waits for a commit … */
	tr_run(w, 160);
	tr_hq_append(w, "", 2, 500); /* … that it shares with this block */
	tr_run(w, 30000);
	tr_at_rest(w);
	tr_check(w, tr_log(b, "BJ01", LOG_LIVE, 1)->row.acked.size == 20);
	tr_check(w, b->refused_local == 5);
	tr_note(w, "There is room again.");
	b->full = false;
	tr_run(w, 200000);
	tr_settled(w);
	end(w);
}

static void many_logs(void **state)
{
	struct tr *w =
	    tr_new("35-many-logs", "A branch with more than 64 incarnations, each opened on a dead line. A "
				   "Hello names at most 64 heads "
				   "and a digest of the others; when the digests differ, the others are "
				   "asked for in pages.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_note(w, "It is started 70 times without a line, and records something each time.");
	w->quiet = true;
	for (int i = 0; i < 70; i++) {
		tr_stop(b);
		b->line = false;
		tr_start(b);
		tr_append(b, LOG_LIVE, 1, 400, 0);
		tr_run(w, 1000);
	}
	w->quiet = false;
	tr_join_line(b);
	tr_run(w, 1000);
	tr_note(w, "And so on: each child is sent when its parent is held.");
	w->quiet = true;
	tr_run(w, 180000);
	w->quiet = false;
	tr_settled(w);
	tr_note(w, "Everything is receipted: one digest says it all.");
	tr_cut(b);
	tr_join_line(b);
	tr_run(w, 20000);
	tr_settled(w);
	end(w);
}

static void slow_line(void **state)
{
	struct tr *w =
	    tr_new("36-slow-line", "9.6 kbit/s, and the line breaks every five minutes for one minute. "
				   "Blocks are small enough that each "
				   "call carries some: the backlog drains, and nothing that arrived is "
				   "sent again.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_cut(b);
	for (int i = 0; i < 20; i++)
		tr_append(b, LOG_LIVE, 600, 70000, 0);
	b->rate = 1200;
	b->sent_blocks = 0;
	for (int i = 0; i < 12; i++) {
		w->quiet = i > 1;
		tr_join_line(b);
		tr_run(w, 300000);
		tr_cut(b);
		tr_run(w, 60000);
	}
	w->quiet = false;
	tr_note(w, "An hour and a quarter later.");
	tr_join_line(b);
	tr_run(w, 100000);
	tr_settled(w);
	tr_check(w, b->sent_blocks < 40);
	end(w);
}

static void slow_line_large(void **state)
{
	struct tr *w = tr_new("37-slow-line-large", "The same line with blocks of the largest size (they do "
						    "not compress): one takes two and a half minutes. "
						    "Nobody may lose patience before it is across.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_cut(b);
	for (int i = 0; i < 5; i++)
		tr_append(b, LOG_LIVE, 600, BLOCK_BYTES_MAX, 0);
	b->rate = 1200;
	b->sent_blocks = 0;
	for (int i = 0; i < 10; i++) {
		w->quiet = i > 0;
		tr_join_line(b);
		tr_run(w, 300000);
		tr_cut(b);
		tr_run(w, 60000);
	}
	w->quiet = false;
	tr_note(w, "Nine calls later.");
	tr_join_line(b);
	tr_run(w, 100000);
	tr_settled(w);
	tr_check(w, b->sent_blocks < 20);
	end(w);
}

static void no_parent_at_branch(void **state)
{
	struct tr *w =
	    tr_new("53-no-parent-at-branch",
		   "A copy of this machine went on and opened a child, whose parent's prefix is not what this machine "
		   "holds of that log. It does not take the child: head office may lose both, and would refuse it. What "
		   "follows in this session is no gap: the session goes on, so that an answer about the parent is heard.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_stop(b);
	struct log_id parent = tr_log(b, "BJ01", LOG_LIVE, 1)->row.id, child = parent;
	child.number = 2;
	struct tr_log *log = tr_store_add(w, &w->hq->store, &child);
	struct tr_block *block = tr_block_make(w, log, (const uint32_t[]){0}, 1, 300, 0);
	block->has_parent = true;
	block->parent = parent;
	block->parent_head = tr_log(w->hq, "BJ01", LOG_LIVE, 1)->row.head;
	block->parent_head.root[0] ^= 1;
	tr_store_append(w, log, block);
	for (int i = 0; i < 2; i++)
		tr_store_append(w, log, tr_block_make(w, log, (const uint32_t[]){0}, 1, 300, 0));
	tr_stop(w->hq);
	tr_start(w->hq);
	b->rate = 1200; /* so that they come one after the other */
	tr_start(b);
	tr_run(w, 5000);
	tr_check(w, tr_size(b, "BJ01", LOG_LIVE, 2) == 0);
	tr_at_rest(w);
	end(w);
}

static void fork_in_flight(void **state)
{
	struct tr *w =
	    tr_new("38-fork-in-flight",
		   "The copy says Hello while head office is committing a block of the other one. The "
		   "receipt for that block "
		   "goes to the copy, which holds something else of the same size: it believes no receipt "
		   "without its root.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone_running(b, "BJ01*");
	tr_append(c, LOG_LIVE, 5, 1000, 0);
	tr_fault(c, true, TR_LATE, MSG_HELLO, 0, 20);
	tr_join_line(c);
	while (c->link == 0)
		tr_run(w, 1);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 200);
	tr_stop(b);
	tr_run(w, 30000);
	tr_settled(w);
	end(w);
}

static void no_parent(void **state)
{
	struct tr *w = tr_new("39-no-parent", "A branch sends a child of something that nobody holds. Head "
					      "office takes no child before it holds the parent's "
					      "prefix with the same root.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_stop(b);
	struct log_id child = tr_log(b, "BJ01", LOG_LIVE, 1)->row.id;
	struct log_id parent = child;
	child.number = 2;
	struct tr_log *log = tr_store_add(w, &b->store, &child);
	struct tr_block *block = tr_block_make(w, log, (const uint32_t[]){0}, 1, 300, 0);
	block->has_parent = true;
	block->parent = parent;
	block->parent_head.size = 99;
	tr_store_append(w, log, block);
	b->store.open = child;
	tr_start(b);
	tr_run(w, 2000);
	tr_check(w, tr_size(w->hq, "BJ01", LOG_LIVE, 2) == 0);
	tr_at_rest(w);
	end(w);
}

static void cut_damaged(void **state)
{
	struct tr *w = tr_new(
	    "40-cut-damaged",
	    "Head office's machine is rolled back and writes on before it hears of the branch, which holds "
	    "another continuation of that log: what head office holds now stands, the branch's copy is cut. "
	    "While the cut is being committed, the daemon finds a block of what is cut damaged: that is of "
	    "no "
	    "more use to anybody.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(w->hq);
	for (int i = 0; i < 3; i++)
		tr_hq_append(w, "", 1, 300);
	tr_run(w, 1000);
	tr_stop(w->hq);
	tr_put_back(w->hq, &image);
	tr_start(w->hq);
	tr_hq_append(w, "", 1, 300);
	tr_rot(b, LOG_HQ_ALL, 1, 4);
	while (w->alarms[ALARM_FORK] < 2) /* one at each side */
		tr_run(w, 1);
	tr_scrub(b);
	tr_run(w, 10000);
	tr_settled(w);
	tr_check(w, w->alarms[ALARM_DAMAGED] == 0);
	end(w);
}

static void damaged_cut(void **state)
{
	struct tr *w = tr_new("41-damaged-cut",
			      "The same, but the damage was found first, on a dead line: the block waits to "
			      "be fetched back when "
			      "it is cut with everything after it. Nothing is left that could be asked for.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(w->hq);
	for (int i = 0; i < 3; i++)
		tr_hq_append(w, "", 1, 300);
	tr_run(w, 1000);
	tr_stop(w->hq);
	tr_rot(b, LOG_HQ_ALL, 1, 5);
	tr_scrub(b);
	tr_put_back(w->hq, &image);
	tr_start(w->hq);
	for (int i = 0; i < 4; i++)
		tr_hq_append(w, "", 1, 300);
	tr_run(w, 10000);
	tr_settled(w);
	tr_check(w, w->alarms[ALARM_DAMAGED] == 0);
	end(w);
}

static void append_overtaken(void **state)
{
	struct tr *w =
	    tr_new("42-append-overtaken",
		   "A copy of the branch has written on in the same log and is gone again. The branch "
		   "records an event "
		   "at the moment at which it says Hello: while the event waits for the store, head office's "
		   "block for "
		   "that very place comes. The event came first here; it is a fork like any other.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone(b, "BJ01*");
	tr_start(c);
	tr_run(w, 1000);
	tr_append(c, LOG_LIVE, 1, 400, 0);
	while (tr_size(w->hq, "BJ01", LOG_LIVE, 1) == 10)
		tr_run(w, 1);
	tr_stop(c);
	while (b->branch->s.open) /* the next message tells it that it has no session any more */
		tr_run(w, 1);
	while (!b->branch->linked || b->branch->hello_at != UINT64_MAX)
		tr_run(w, 1);
	b->append_ms = 220;
	tr_append(b, LOG_LIVE, 1, 400, 0);
	tr_run(w, 60000);
	tr_settled(w);
	end(w);
}

static void hq_append_overtaken(void **state)
{
	struct tr *w = tr_new(
	    "43-hq-append-overtaken",
	    "Head office's machine is rolled back and writes a block before it hears of the branch. Its "
	    "store is "
	    "slow: while the block is being written, the branch gives back what it holds at that place. What "
	    "head office wrote stands, and the branch hears of it.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(w->hq);
	for (int i = 0; i < 3; i++)
		tr_hq_append(w, "", 1, 300);
	tr_run(w, 1000);
	tr_stop(w->hq);
	tr_put_back(w->hq, &image);
	tr_start(w->hq);
	w->hq->append_ms = 3000;
	tr_hq_append(w, "", 1, 300);
	tr_run(w, 60000);
	tr_settled(w);
	tr_check(w, tr_size(b, "", LOG_HQ_ALL, 1) == 4);
	end(w);
}

static void instance_and_fork(void **state)
{
	struct tr *w = tr_new("44-instance-and-fork", "Head office has a new instance when a branch comes "
						      "back that has to end its incarnation, because a "
						      "block rotted that nobody else holds. What the branch "
						      "has just learned of head office outlives the "
						      "reading of its table after that.");
	(void)state;
	struct tr_node *b = in_sync(w);
	uint32_t before = w->next_event;
	tr_cut(b);
	tr_append(b, LOG_LIVE, 2, 1000, 0);
	tr_append(b, LOG_LIVE, 3, 1000, 0);
	tr_stop(b);
	tr_rot(b, LOG_LIVE, 1, 10);
	for (uint32_t e = before + 1; e <= before + 2; e++)
		w->accepted[e] = 0;
	tr_start(b);
	tr_scrub(b);
	tr_new_instance(w);
	tr_join_line(b);
	while (w->alarms[ALARM_DAMAGED] == 0)
		tr_run(w, 1);
	tr_run(w, 60);
	tr_check(w, b->core->instance == 2);
	tr_run(w, 20000);
	tr_check(w, b->core->instance == 2 && b->store.instance == 2);
	tr_settled(w);
	end(w);
}

static void fold_after_restart(void **state)
{
	struct tr *w =
	    tr_new("45-fold-after-restart", "A child was opened, and the power went before the events that "
					    "had waited for it were folded into "
					    "cases. After the start they are, also without a line.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_stop(b);
	b->line = false;
	tr_start(b);
	tr_append(b, LOG_LIVE, 1, 400, 0);
	tr_run(w, 1000);
	tr_stop(b);
	tr_log(b, "BJ01", LOG_LIVE, 1)->row.folded = 5; /* the power went earlier */
	tr_start(b);
	tr_run(w, 3000);
	tr_check(w, tr_log(b, "BJ01", LOG_LIVE, 1)->row.folded == 10);
	tr_join_line(b);
	tr_run(w, 10000);
	tr_settled(w);
	end(w);
}

static void asked_in_vain(void **state)
{
	struct tr *w = tr_new("46-asked-in-vain", "A block rots at head office while the branch is put back "
						  "to a time before it. Head office asks for "
						  "the block, the branch does not have it: that ends no "
						  "session, or nothing else would ever be settled.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(b);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 1000);
	tr_stop(b);
	tr_put_back(b, &image);
	tr_rot(w->hq, LOG_HQ_ALL, 1, 0);
	struct tr_log *log = tr_log(w->hq, "BJ01", LOG_LIVE, 1);
	log->blocks[log->n - 1].rotten = true;
	tr_scrub(w->hq);
	tr_start(b);
	tr_run(w, 5000);
	tr_check(w, b->branch->s.open);
	tr_check(w, w->alarms[ALARM_REPAIRED] == 1);
	tr_at_rest(w);
	end(w);
}

static void two_cuts(void **state)
{
	struct tr *w =
	    tr_new("47-two-cuts",
		   "As in 40, but the store is full when the cut is to be committed, and meanwhile a block "
		   "before it is "
		   "found damaged: a deeper cut is ordered. The first one is not tried again behind it.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_store image = tr_image(w->hq);
	for (int i = 0; i < 3; i++)
		tr_hq_append(w, "", 1, 300);
	tr_run(w, 1000);
	tr_stop(w->hq);
	tr_put_back(w->hq, &image);
	tr_start(w->hq);
	tr_hq_append(w, "", 1, 300);
	tr_rot(b, LOG_HQ_ALL, 1, 0);
	while (w->alarms[ALARM_FORK] < 2)
		tr_run(w, 1);
	b->full_once = true;
	tr_scrub(b);
	tr_run(w, 40000);
	tr_settled(w);
	end(w);
}

static void runs_copied(void **state)
{
	struct tr *w =
	    tr_new("48-run-copied",
		   "A running branch is copied with its memory, and both copies say Hello: what one of them "
		   "drew at its start, and counts, the other has too. Their connections differ: each is "
		   "heard, and head office sees two that are alive.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone_running(b, "BJ01*");
	tr_join_line(c);
	tr_run(w, 1500);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 5000);
	tr_check(w, w->alarms[ALARM_CLONE] == 1);
	tr_append(c, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 60000);
	tr_note(w, "The copy is switched off.");
	tr_stop(c);
	tr_run(w, 10000);
	tr_settled(w);
	end(w);
}

static void keys_overtaken(void **state)
{
	struct tr *w = tr_new(
	    "49-keys-overtaken",
	    "As in 42, with keys: a copy put a customer's key under the next number, and no event of it "
	    "arrived. The branch records an event with a key while head office's message with that very "
	    "number comes. Its own was ordered first; that the incarnation has two writers is known from "
	    "the number, and the next event begins a child.");
	(void)state;
	struct tr_node *b = in_sync(w);
	struct tr_node *c = tr_clone(b, "BJ01*");
	tr_start(c);
	tr_run(w, 1000);
	tr_fault(c, true, TR_DROP, MSG_BLOCK, 0, 0);
	tr_append(c, LOG_LIVE, 1, 400, 1);
	while (tr_log(w->hq, "BJ01", LOG_LIVE, 1)->row.keys == 0)
		tr_run(w, 1);
	tr_stop(c);
	tr_note(w, "The copy and its disk are lost.");
	w->accepted[w->next_event] = 0;
	while (b->branch->s.open)
		tr_run(w, 1);
	while (!b->branch->linked || b->branch->hello_at != UINT64_MAX)
		tr_run(w, 1);
	b->append_ms = 220;
	tr_append(b, LOG_LIVE, 1, 400, 1);
	tr_run(w, 5000);
	b->append_ms = 0;
	tr_append(b, LOG_LIVE, 1, 400, 1);
	tr_run(w, 60000);
	tr_settled(w);
	end(w);
}

static void fork_over_damage(void **state)
{
	struct tr *w = tr_new("50-fork-over-damage",
			      "As in 14, but a block rotted below the place where the log is cut, and cases of what is "
			      "cut reach into it: the store cannot take the fork. The branch cuts the log at that block "
			      "instead, and head office gives back what it holds.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_append(b, LOG_LIVE, 3, 1000, 0);
	tr_run(w, 3000);
	struct tr_node *c = tr_clone_running(b, "BJ01*");
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_append(c, LOG_LIVE, 4, 1000, 0);
	tr_run(w, 3000);
	tr_stop(b);
	tr_rot(c, LOG_LIVE, 1, 10);
	tr_join_line(c);
	tr_run(w, 30000);
	tr_settled(w);
	tr_check(w, w->alarms[ALARM_FORK] >= 1);
	tr_check(w, tr_size(c, "BJ01", LOG_LIVE, 1) == tr_size(w->hq, "BJ01", LOG_LIVE, 1));
	end(w);
}

static void damaged_row(void **state)
{
	struct tr *w = tr_new(
	    "51-damaged-row",
	    "A block rots with all that is known of it, at the very place where the other's log ends. "
	    "Nobody can say whether the two agree there. That is damage and no fork: it is asked back.");
	(void)state;
	struct tr_node *b = in_sync(w);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 3000);
	struct tr_store old = tr_image(b);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 3000);
	tr_note(w, "At head office, and the branch is put back from an older copy.");
	tr_stop(b);
	tr_spoil(w->hq, b->code, LOG_LIVE, 1, 10);
	tr_put_back(b, &old);
	tr_start(b);
	tr_run(w, 10000);
	tr_settled(w);
	tr_check(w, w->alarms[ALARM_REPAIRED] == 1 && w->alarms[ALARM_FORK] == 0);
	tr_note(w, "At the branch, which has recorded more than head office knows.");
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 5000);
	tr_cut(b);
	tr_append(b, LOG_LIVE, 5, 1000, 0);
	tr_run(w, 1000);
	tr_spoil(b, b->code, LOG_LIVE, 2, 0);
	tr_join_line(b);
	tr_run(w, 10000);
	tr_settled(w);
	tr_check(w, w->alarms[ALARM_REPAIRED] == 2 && w->alarms[ALARM_FORK] == 0);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_contact),
	    cmocka_unit_test(branch_restart),
	    cmocka_unit_test(hq_restart),
	    cmocka_unit_test(receipt_lost),
	    cmocka_unit_test(duplicates),
	    cmocka_unit_test(reordering),
	    cmocka_unit_test(gap),
	    cmocka_unit_test(rewound),
	    cmocka_unit_test(behind),
	    cmocka_unit_test(restored_with_line),
	    cmocka_unit_test(restored_without_line),
	    cmocka_unit_test(clone_of_parent),
	    cmocka_unit_test(runs_alternate),
	    cmocka_unit_test(forked),
	    cmocka_unit_test(forked_behind),
	    cmocka_unit_test(keys_first),
	    cmocka_unit_test(key_void),
	    cmocka_unit_test(key_tombstone),
	    cmocka_unit_test(key_reseal),
	    cmocka_unit_test(joined_lost),
	    cmocka_unit_test(token_reused),
	    cmocka_unit_test(refused_twice),
	    cmocka_unit_test(refused_once),
	    cmocka_unit_test(damaged_fetched),
	    cmocka_unit_test(damaged_child),
	    cmocka_unit_test(ended_key),
	    cmocka_unit_test(versions),
	    cmocka_unit_test(fairness),
	    cmocka_unit_test(no_credit),
	    cmocka_unit_test(live_first),
	    cmocka_unit_test(new_instance),
	    cmocka_unit_test(lower_instance),
	    cmocka_unit_test(hq_full),
	    cmocka_unit_test(branch_full),
	    cmocka_unit_test(many_logs),
	    cmocka_unit_test(slow_line),
	    cmocka_unit_test(slow_line_large),
	    cmocka_unit_test(fork_in_flight),
	    cmocka_unit_test(no_parent),
	    cmocka_unit_test(cut_damaged),
	    cmocka_unit_test(damaged_cut),
	    cmocka_unit_test(append_overtaken),
	    cmocka_unit_test(hq_append_overtaken),
	    cmocka_unit_test(instance_and_fork),
	    cmocka_unit_test(fold_after_restart),
	    cmocka_unit_test(asked_in_vain),
	    cmocka_unit_test(two_cuts),
	    cmocka_unit_test(runs_copied),
	    cmocka_unit_test(keys_overtaken),
	    cmocka_unit_test(fork_over_damage),
	    cmocka_unit_test(keys_under_way),
	    cmocka_unit_test(damaged_row),
	    cmocka_unit_test(no_parent_at_branch),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sync_trace", tests, NULL, NULL);
}
