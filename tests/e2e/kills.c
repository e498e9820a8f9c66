/*
 * Kills the running system at random moments and looks whether it kept what it promised: a head office and two branches,
 * their lines through relays that delay; submitters that never stop and note every accepted answer in a synced file of
 * their own; SIGKILL to a branch, head office or several, N times; then everything runs until it is in sync.
 *
 *	KILLS=20 SEED=… kills
 *
 * At the end every noted event must be at head office exactly once, and applied; nothing else may be there. After each
 * tenth kill and at the end `verify` and `rebuild --check` must find nothing, at every node. Each kill happens with
 * submissions unanswered or events not receipted; at least one of five between a block's commit at the branch and its
 * receipt's. One TAP line a check, one line of figures.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/node/node.h"
#include "tests/lib/daemons.h"
#include "tests/lib/port.h"
#include "tests/lib/tap.h"
#include "tests/lib/temp.h"

#define BRANCHES 2
#define DELAY_MS "8"
#define WINDOW 40
#define EVENTS_PER_S 600
#define STREAK_MAX 1 /* kills of head office alone in a row: each doubles the wait of a branch until it connects again */

static const char *const codes[BRANCHES] = {"BJ01", "GZ02"};
static struct daemon hq, branches[BRANCHES];
static struct feed feeds[BRANCHES];
static char journal[BRANCHES][DAEMON_PATH];
static struct rng rng;

static struct {
	unsigned kills, of_branch, of_hq, of_both, between, unanswered, starting, checks, not_zero;
} count;

/* ---- the system ------------------------------------------------------------------------------------------------- */

static void set_up(void)
{
	int hq_port = port_free();
	struct relay relay;

	hq_make(&hq, temp_path("hq"), hq_port);
	for (size_t i = 0; i < BRANCHES; i++) {
		int port = port_free();
		branch_make(&branches[i], &hq, codes[i], temp_path(codes[i]), port);
		relay_start(&relay, i ? "relay1" : "relay0", port, hq_port);
		relay_order(&relay, "delay " DELAY_MS);
		feed_init(&feeds[i], branches[i].dir, codes[i], UINT64_MAX, WINDOW);
		feeds[i].per_s = EVENTS_PER_S;
		snprintf(journal[i], sizeof journal[i], "%.240s.journal", branches[i].dir);
		feeds[i].journal_fd = open(journal[i], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (feeds[i].journal_fd < 0)
			give_up("%s: %s", journal[i], strerror(errno));
	}
	daemon_start(&hq);
	for (size_t i = 0; i < BRANCHES; i++)
		daemon_start(&branches[i]);
}

static void work(unsigned ms)
{
	struct feed *all[BRANCHES] = {&feeds[0], &feeds[1]};

	feed_work(all, BRANCHES, ms);
}

/* ---- what a branch holds ------------------------------------------------------------------------------------------ */

struct held {
	uint64_t head, acked;
};

static as_err add_row(void *arg, const struct log_row *row)
{
	struct held *h = arg;

	if (!log_is_hq(&row->id)) {
		h->head += row->head.size;
		h->acked += row->acked.size;
	}
	return AS_OK;
}

static struct held held_by(struct node *n)
{
	struct held h = {0};

	if (store_each_log(n->st, add_row, &h))
		give_up("a branch's logs cannot be read");
	return h;
}

/* ---- one kill ------------------------------------------------------------------------------------------------------- */

static void check_all(const char *when)
{
	static const char *const requests[] = {"{\"cmd\":\"verify\"}", "{\"cmd\":\"rebuild\",\"check\":true}"};
	struct daemon *all[1 + BRANCHES] = {&hq, &branches[0], &branches[1]};

	for (size_t i = 0; i < AS_COUNT(all); i++)
		for (size_t k = 0; k < AS_COUNT(requests); k++) {
			int code;
			AS_AUTO(json) json_t *last = node_ask(all[i]->dir, requests[k], &code);
			char *text = last ? json_dumps(last, JSON_COMPACT) : NULL;
			count.checks++;
			if (code)
				tap_result(false, "%s: %s of %s: exit %d %s", when, requests[k], all[i]->dir, code,
				       text ? text : "");
			free(text);
		}
}

/* The links are there, and something went over them since head office runs: another kill of it tells something. */
static void wait_for_receipts(const bool victim[BRANCHES])
{
	uint64_t end = clock_mono_ms() + 30000, was[BRANCHES];
	struct branch_status s;

	for (size_t i = 0; i < BRANCHES; i++) {
		s = status_of(branches[i].dir, codes[i]);
		was[i] = s.acked;
	}
	for (;;) {
		work(20);
		for (size_t i = 0; i < BRANCHES; i++) {
			s = status_of(branches[i].dir, codes[i]);
			if (victim[i] && s.ok && s.acked > was[i])
				return;
		}
		if (clock_mono_ms() > end) {
			s = status_of(branches[0].dir, codes[0]);
			give_up("no receipt within 30 s: %s is %s (%s), head %llu, acked %llu, was %llu", codes[0], s.state,
				s.reason, (unsigned long long)s.head, (unsigned long long)s.acked,
				(unsigned long long)was[0]);
		}
	}
}

static void one_kill(void)
{
	static unsigned streak;
	struct node *views[BRANCHES];
	bool victim[BRANCHES] = {false}, hq_too = false, lag = false, unanswered = false;
	struct as_errmsg em = {0};

	switch (rng_below(&rng, streak < STREAK_MAX ? 3 : 2)) {
	case 0:
		victim[rng_below(&rng, BRANCHES)] = true;
		break;
	case 1:
		hq_too = true;
		victim[rng_below(&rng, BRANCHES)] = true;
		victim[0] |= rng_below(&rng, 3) == 0;
		break;
	default:
		hq_too = true;
	}
	streak = !victim[0] && !victim[1] ? streak + 1 : victim[0] && victim[1] ? 0 : streak;
	/* one in eight while something is still starting, the others when events flow again */
	if (rng_below(&rng, 8) == 0) {
		count.starting++;
		work((unsigned)rng_below(&rng, 100));
	} else {
		bool one = victim[0] || victim[1];
		wait_for_receipts((bool[BRANCHES]){one ? victim[0] : true, one ? victim[1] : true});
		work((unsigned)rng_below(&rng, 300));
	}
	for (size_t i = 0; i < BRANCHES; i++)
		if (node_open(&views[i], branches[i].dir, NODE_READ, &em))
			give_up("%s: %s", branches[i].dir, em.text);
	work(1 + (unsigned)rng_below(&rng, 12)); /* so that the moment is not that of a commit seen by us */
	for (unsigned tries = 0; tries < 2000 && !lag && !unanswered; tries++) {
		work(tries > 0);
		for (size_t i = 0; i < BRANCHES; i++) {
			if (!victim[i] && (victim[0] || victim[1]))
				continue;
			struct held h = held_by(views[i]);
			lag |= h.head > h.acked;
			unanswered |= feeds[i].made > feeds[i].answered;
		}
	}
	if (hq_too)
		kill(hq.pid, SIGKILL);
	for (size_t i = 0; i < BRANCHES; i++)
		if (victim[i])
			kill(branches[i].pid, SIGKILL);
	int code = 128 + SIGKILL;
	if (hq_too)
		code = daemon_end(&hq, SIGKILL);
	for (size_t i = 0; i < BRANCHES; i++) {
		if (victim[i] && code == 128 + SIGKILL)
			code = daemon_end(&branches[i], SIGKILL);
		node_close(views[i]);
	}
	if (code != 128 + SIGKILL)
		tap_result(false, "kill %u: a daemon had ended by itself with %d", count.kills, code);
	count.kills++;
	count.of_hq += hq_too && !victim[0] && !victim[1];
	count.of_branch += !hq_too;
	count.of_both += hq_too && (victim[0] || victim[1]);
	count.between += lag;
	count.unanswered += unanswered;
	count.not_zero += lag || unanswered;
	/* sometimes the other one comes first, and a branch without a line begins a new log */
	unsigned pause = rng_below(&rng, 4) == 0 ? (unsigned)rng_below(&rng, 400) : 0;
	if (hq_too && pause == 0)
		daemon_start(&hq);
	for (size_t i = 0; i < BRANCHES; i++)
		if (victim[i])
			daemon_start(&branches[i]);
	work(pause);
	if (hq_too && pause)
		daemon_start(&hq);
}

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

/* Open addressing by the first bytes of the id. */
struct noted {
	char id[37];
	uint8_t journal, seen;
};

static struct noted *noted;
static size_t noted_cap, noted_n;
static uint64_t exported, twice, strange, not_applied;

static struct noted *find_id(const char *id, bool make)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < 36; i++)
		h = (h ^ (uint8_t)id[i]) * 1099511628211u;
	for (size_t at = h % noted_cap;; at = (at + 1) % noted_cap) {
		if (noted[at].id[0] == 0) {
			if (!make)
				return NULL;
			memcpy(noted[at].id, id, 36);
			noted_n++;
			return &noted[at];
		}
		if (memcmp(noted[at].id, id, 36) == 0)
			return &noted[at];
	}
}

static void read_journals(void)
{
	noted_cap = 4 * (size_t)(feeds[0].made + feeds[1].made) + 16;
	noted = calloc(noted_cap, sizeof noted[0]);
	for (size_t i = 0; noted && i < BRANCHES; i++) {
		FILE *f = fopen(journal[i], "r");
		for (char line[200]; f && fgets(line, sizeof line, f);)
			find_id(line, true)->journal++;
		if (f)
			fclose(f);
	}
}

static void look_at_event(void *arg, const json_t *e)
{
	const char *kind = json_string_value(json_object_get(e, "kind"));
	const char *id = json_string_value(json_object_get(e, "event_id"));
	const char *status = json_string_value(json_object_get(e, "status"));

	(void)arg;
	if (kind == NULL || (strncmp(kind, "REPAIR_", 7) != 0 && strcmp(kind, "QC_CHECKED") != 0 &&
			     strcmp(kind, "CUSTOMER_NOTIFIED") != 0))
		return; /* what the nodes write themselves */
	exported++;
	struct noted *n = id && strlen(id) == 36 ? find_id(id, false) : NULL;
	if (n == NULL) {
		strange++;
		return;
	}
	twice += n->seen++ > 0;
	not_applied += status == NULL || strcmp(status, "applied") != 0;
}

static void finish_feeds(void)
{
	uint64_t end = clock_mono_ms() + 60000;

	for (size_t i = 0; i < BRANCHES; i++)
		feeds[i].limit = feeds[i].made;
	while (feeds[0].answered < feeds[0].limit || feeds[1].answered < feeds[1].limit) {
		work(100);
		if (clock_mono_ms() > end)
			give_up("submissions are not answered: %llu of %llu, %llu of %llu; last error: %s %s",
				(unsigned long long)feeds[0].answered, (unsigned long long)feeds[0].limit,
				(unsigned long long)feeds[1].answered, (unsigned long long)feeds[1].limit,
				feeds[0].last_error, feeds[1].last_error);
	}
}

static bool wait_in_sync(unsigned timeout_s)
{
	uint64_t end = clock_mono_ms() + 1000ull * timeout_s;
	struct branch_status s[2 * BRANCHES];

	for (;;) {
		bool all = true;
		for (size_t i = 0; i < BRANCHES; i++) {
			s[2 * i] = status_of(branches[i].dir, codes[i]);
			s[2 * i + 1] = status_of(hq.dir, codes[i]);
			for (size_t k = 2 * i; k < 2 * i + 2; k++)
				all &= s[k].ok && strcmp(s[k].state, "in-sync") == 0 && s[k].lag == 0;
		}
		if (all)
			return true;
		if (clock_mono_ms() > end)
			break;
		usleep(50000);
	}
	for (size_t i = 0; i < 2 * BRANCHES; i++)
		printf("# %s at %s: %s (%s) head %llu acked %llu\n", codes[i / 2], i % 2 ? "head office" : "the branch",
		       s[i].state, s[i].reason, (unsigned long long)s[i].head, (unsigned long long)s[i].acked);
	return false;
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t n;

	return text && text_decimal(bytes_of_str(text), UINT64_MAX, &n) ? n : otherwise;
}

int main(void)
{
	uint64_t kills = env_number("KILLS", 20), seed = env_number("SEED", (uint64_t)clock_utc_ms());
	uint64_t missing = 0, began = clock_mono_ms(), incarnations[BRANCHES];
	char when[40];

	rng.state = seed;
	printf("# SEED=%llu KILLS=%llu\n", (unsigned long long)seed, (unsigned long long)kills);
	fflush(stdout);
	daemons_guard();
	set_up();
	while (count.kills < kills && !tap_failed()) {
		one_kill();
		if (count.kills % 10 == 0) {
			daemon_wait(&hq);
			for (size_t i = 0; i < BRANCHES; i++)
				daemon_wait(&branches[i]);
			snprintf(when, sizeof when, "after %u kills", count.kills);
			check_all(when);
		}
	}
	/* a back-off that grew with the kills begins anew */
	for (size_t i = 0; i < BRANCHES; i++) {
		daemon_wait(&branches[i]);
		int code = daemon_end(&branches[i], SIGTERM);
		tap_result(code == 0, "%s ends on SIGTERM with 0 (%d)", codes[i], code);
		daemon_start(&branches[i]);
	}
	finish_feeds();
	tap_result(wait_in_sync(60), "in sync at both sides");
	check_all("at the end");
	tap_result(!tap_failed(), "verify and rebuild --check: %u runs find nothing", count.checks);
	read_journals();
	tap_result(node_ask_each(hq.dir, "{\"cmd\":\"log-export\"}", look_at_event, NULL) == 0, "log export");
	for (size_t i = 0; i < noted_cap; i++)
		missing += noted[i].id[0] && !noted[i].seen;
	tap_result(missing == 0, "every accepted event is at head office (%llu are not)", (unsigned long long)missing);
	tap_result(twice == 0, "none is there twice (%llu are)", (unsigned long long)twice);
	tap_result(strange == 0, "none is there that was not accepted (%llu are)", (unsigned long long)strange);
	tap_result(not_applied == 0, "all are applied (%llu are not)", (unsigned long long)not_applied);
	tap_result(noted_n == feeds[0].made + feeds[1].made, "every submission was accepted once (%zu of %llu)", noted_n,
	       (unsigned long long)(feeds[0].made + feeds[1].made));
	tap_result(feeds[0].refused + feeds[1].refused == 0, "none was refused (%s%s)", feeds[0].last_error,
	       feeds[1].last_error);
	for (size_t i = 0; i < BRANCHES; i++) {
		struct branch_status at_hq = status_of(hq.dir, codes[i]), here = status_of(branches[i].dir, codes[i]);
		incarnations[i] = here.incarnation;
		tap_result(at_hq.head == here.head && at_hq.applied == here.head && here.applied == here.head &&
			   at_hq.flagged == 0 && here.flagged == 0,
		       "%s: status says the same on both sides: head %llu and %llu, applied %llu and %llu",
		       codes[i], (unsigned long long)at_hq.head, (unsigned long long)here.head,
		       (unsigned long long)at_hq.applied, (unsigned long long)here.applied);
	}
	tap_result(count.not_zero == count.kills, "each kill met work under way (%u of %u)", count.not_zero, count.kills);
	tap_result(count.between * 5 >= count.kills, "%u of %u kills between a block's commit and its receipt", count.between,
	       count.kills);
	int code = daemon_end(&hq, SIGTERM);
	tap_result(code == 0, "head office ends on SIGTERM with 0 (%d)", code);
	for (size_t i = 0; i < BRANCHES; i++) {
		code = daemon_end(&branches[i], SIGTERM);
		tap_result(code == 0, "%s ends on SIGTERM with 0 (%d)", codes[i], code);
	}
	printf("# kills %u: branch %u, head office %u, both %u; between commit and receipt %u, with unanswered %u, while "
	       "starting %u; incarnations %llu and %llu; events %llu, exported %llu, submitted again %llu; checks %u; %.1f s; SEED=%llu\n",
	       count.kills, count.of_branch, count.of_hq, count.of_both, count.between, count.unanswered, count.starting,
	       (unsigned long long)incarnations[0], (unsigned long long)incarnations[1],
	       (unsigned long long)(feeds[0].made + feeds[1].made), (unsigned long long)exported,
	       (unsigned long long)(feeds[0].resubmitted + feeds[1].resubmitted), count.checks,
	       (double)(clock_mono_ms() - began) / 1000, (unsigned long long)seed);
	tap_plan();
	free(noted);
	return tap_failed();
}
