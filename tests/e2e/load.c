/*
 * Load for the sanitizers: two branches submit EVENTS events in all, while their lines are cut and healed five times and
 * somebody asks for status, reports, exports and verification. At the end everything is in sync and counted, and the
 * daemons end with 0 on SIGTERM; what a sanitizer had to say stands in their logs, and is looked for there.
 *
 *	EVENTS=6000 load
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
#include "tests/lib/daemons.h"
#include "tests/lib/port.h"
#include "tests/lib/tap.h"
#include "tests/lib/temp.h"

#define BRANCHES 2
#define CUTS 5

static const char *const codes[BRANCHES] = {"BJ01", "GZ02"};
static struct daemon hq, branches[BRANCHES];
static struct feed feeds[BRANCHES];
static unsigned queries_n, queries_failed;

static uint64_t answered(void)
{
	return feeds[0].answered + feeds[1].answered;
}

static void work(unsigned ms)
{
	struct feed *all[BRANCHES] = {&feeds[0], &feeds[1]};

	feed_work(all, BRANCHES, ms);
}

static void drop_line(void *arg, const json_t *line)
{
	(void)line;
	++*(uint64_t *)arg;
}

/* Some of them at once, as several people would ask; the submitters wait meanwhile. */
static void ask_around(unsigned turn)
{
	static const char *const requests[] = {
	    "{\"cmd\":\"status\"}",
	    "{\"cmd\":\"report\",\"name\":\"volume\",\"period\":\"all\"}",
	    "{\"cmd\":\"log-list\"}",
	    "{\"cmd\":\"why\"}",
	    "{\"cmd\":\"show\",\"case\":\"BJ01-1\"}",
	    "{\"cmd\":\"verify\"}",
	};
	const char *dirs[] = {hq.dir, branches[0].dir, branches[1].dir};
	int fds[8];
	size_t n = 0;
	uint64_t lines = 0;

	/* three that run beside each other, while submissions go on; then one after the other */
	for (size_t i = 0; i < AS_COUNT(dirs); i++) {
		const char *request = requests[(turn + i) % AS_COUNT(requests)];
		int fd = node_connect(dirs[i]);
		if (fd >= 0 && write(fd, request, strlen(request)) > 0 && write(fd, "\n", 1) == 1)
			fds[n++] = fd;
		else if (fd >= 0)
			close(fd);
	}
	work(100);
	for (size_t i = 0; i < n; i++)
		close(fds[i]); /* some before they are answered */
	for (size_t i = 0; i < AS_COUNT(dirs); i++) {
		const char *request = requests[(turn * 3 + i) % AS_COUNT(requests)];
		int code = node_ask_each(dirs[i], request, drop_line, &lines);
		queries_n++;
		if (code != 0 && !(i > 0 && strstr(request, "BJ01-1"))) {
			printf("# %s at %s: exit %d\n", request, dirs[i], code);
			queries_failed++;
		}
	}
}

/* What a sanitizer wrote. */
static bool clean(const struct daemon *d)
{
	FILE *f = fopen(d->log, "r");
	bool ok = f != NULL;
	unsigned shown = 0;

	for (char line[500]; f && fgets(line, sizeof line, f);)
		if (strstr(line, "WARNING: ") || strstr(line, "ERROR: ") || strstr(line, "runtime error") ||
		    (!ok && shown < 60)) {
			ok = false;
			shown++;
			printf("# %s: %s", d->dir, line);
		}
	if (f)
		fclose(f);
	return ok;
}

static bool wait_in_sync(unsigned timeout_s)
{
	uint64_t end = clock_mono_ms() + 1000ull * timeout_s;
	struct branch_status s[2 * BRANCHES];

	do {
		bool all = true;
		for (size_t i = 0; i < 2 * BRANCHES; i++) {
			s[i] = status_of(i % 2 ? hq.dir : branches[i / 2].dir, codes[i / 2]);
			all &= s[i].ok && strcmp(s[i].state, "in-sync") == 0 && s[i].lag == 0;
		}
		if (all)
			return true;
		usleep(100000);
	} while (clock_mono_ms() < end);
	for (size_t i = 0; i < 2 * BRANCHES; i++)
		printf("# %s at %s: %s (%s) head %llu acked %llu\n", codes[i / 2], i % 2 ? "head office" : "the branch",
		       s[i].state, s[i].reason, (unsigned long long)s[i].head, (unsigned long long)s[i].acked);
	return false;
}

int main(void)
{
	const char *text = getenv("EVENTS");
	uint64_t events, began = clock_mono_ms(), next_cut, last = 0, moved = began;
	struct relay relays[BRANCHES];
	unsigned cuts = 0, turn = 0;
	int hq_port = port_free();

	if (text == NULL || !text_decimal(bytes_of_str(text), 100000000, &events))
		events = 6000;
	daemons_guard();
	hq_make(&hq, temp_path("hq"), hq_port);
	for (size_t i = 0; i < BRANCHES; i++) {
		int port = port_free();
		relay_start(&relays[i], i ? "relay1" : "relay0", port, hq_port);
		branch_make(&branches[i], &hq, codes[i], temp_path(codes[i]), port);
		feed_init(&feeds[i], branches[i].dir, codes[i], events / BRANCHES, 500);
		feeds[i].per_s = events / BRANCHES / 5; /* so that the cuts fall into it */
	}
	daemon_start(&hq);
	daemon_wait(&hq);
	for (size_t i = 0; i < BRANCHES; i++) {
		daemon_start(&branches[i]);
		daemon_wait(&branches[i]);
	}
	next_cut = events / (CUTS + 1);
	while (answered() < events / BRANCHES * BRANCHES) {
		work(50);
		if (answered() != last) {
			last = answered();
			moved = clock_mono_ms();
		} else if (clock_mono_ms() - moved > 120000) {
			give_up("%llu of %llu are answered, and no more for 120 s: %s", (unsigned long long)last,
				(unsigned long long)events, feeds[0].last_error);
		}
		if (answered() < next_cut || cuts == CUTS)
			continue;
		relay_order(&relays[cuts % BRANCHES], cuts % 3 == 2 ? "hole" : "cut");
		ask_around(turn++);
		relay_order(&relays[cuts % BRANCHES], "heal");
		if (cuts % 3 == 2) { /* what was frozen goes on as if nothing had been; then it ends */
			work(50);
			relay_order(&relays[cuts % BRANCHES], "cut");
			relay_order(&relays[cuts % BRANCHES], "heal");
		}
		next_cut += events / (CUTS + 1);
		cuts++;
	}
	tap_result(cuts == CUTS, "%u reconnections", cuts);
	tap_result(feeds[0].refused + feeds[1].refused == 0, "no event was refused (%s%s)", feeds[0].last_error,
	       feeds[1].last_error);
	tap_result(wait_in_sync(600), "in sync at both sides");
	for (unsigned i = 0; i < 4; i++)
		ask_around(turn++);
	tap_result(queries_failed == 0, "%u requests were answered", queries_n);
	for (size_t i = 0; i < BRANCHES; i++) {
		struct branch_status s = status_of(hq.dir, codes[i]);
		tap_result(s.head == feeds[i].answered + s.incarnation && s.applied == s.head && s.flagged == 0,
		       "%s: %llu events and the beginnings of %llu logs at head office", codes[i],
		       (unsigned long long)s.head, (unsigned long long)s.incarnation);
	}
	struct daemon *all[] = {&branches[0], &branches[1], &hq};
	for (size_t i = 0; i < AS_COUNT(all); i++) {
		int code = daemon_end(all[i], SIGTERM);
		tap_result(code == 0, "%s ends with 0 (%d)", all[i]->program, code);
		tap_result(clean(all[i]), "no word of a sanitizer");
	}
	printf("# %llu events, %u reconnections, %u requests, %.1f s\n", (unsigned long long)answered(), cuts,
	       queries_n, (double)(clock_mono_ms() - began) / 1000);
	tap_plan();
	return tap_failed();
}
