/*
 * sim [--seed N] [--seeds N] [--trace] [--story] [--jobs]: runs seeds and prints what happened in them. A
 * failing seed prints one line with the broken invariant and how to run it again. Exit 0: no seed failed and
 * every fault and state occurred.
 */
#include <getopt.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto/random.h"
#include "tests/sim/world.h"

#define COVERAGE_SEEDS 200 /* with fewer, missing faults prove nothing */

struct totals {
	uint64_t seeds, failed, events, accepted, refused, frames, cases, cells, lost;
	uint64_t faults[FAULTS], in_seeds[FAULTS];
	uint64_t states[SYNC_STATES];
};

static void begin_story(uint64_t seed)
{
	printf("Three service centres (BJ01, BJ02, BJ03) record repairs and send them to a head office (hq). "
	       "The cores, "
	       "blocks\n"
	       "and stores are the real ones; line, clock and disks are simulated (seed %llu). Whatever goes "
	       "wrong: "
	       "nothing that\n"
	       "was answered \"accepted\" may be lost or counted twice. Times are hours:minutes:seconds.\n\n",
	       (unsigned long long)seed);
}

static void end_story(struct world *w, bool ok)
{
	if (!ok) {
		printf("\nstory: different\n");
		return;
	}
	printf("\n  %-10s %8s %10s\n", "", "events", "receipted");
	for (size_t i = 1; i < w->nodes_n; i++) {
		uint64_t head, acked;
		if (w->nodes[i]->gone)
			continue;
		branch_core_totals(&w->nodes[i]->b, &head, &acked);
		printf("  %-10s %8llu %10llu\n", w->nodes[i]->name, (unsigned long long)head,
		       (unsigned long long)acked);
	}
	printf("\n  %zu events were accepted; each is at head office exactly once", w->accepted_n);
	if (w->lost)
		printf(", but for %llu: their only\n  disk was thrown away before its line came back",
		       (unsigned long long)w->lost);
	printf(".\n"
	       "  Folded again from nothing (all events of all logs, sorted, once), the %llu cases and %llu "
	       "cells at head\n"
	       "  office and those at every branch come out the same.\n\n"
	       "Next: docs/architecture.md tells how. `make sim SEEDS=100` runs a hundred such worlds, with "
	       "every fault.\n\n"
	       "story: equal\n",
	       (unsigned long long)w->cases, (unsigned long long)w->cells);
}

static bool run_one(uint64_t seed, const struct options *base, struct totals *t)
{
	struct options o = *base;
	static struct world w;

	o.seed = seed;
	if (base->story)
		begin_story(seed);
	world_init(&w, &o);
	bool ok = world_run(&w);
	t->seeds++;
	t->failed += !ok;
	t->events += w.submitted;
	t->accepted += w.accepted_n;
	t->refused += w.refused_local;
	t->frames += w.frames;
	t->cases += w.cases;
	t->cells += w.cells;
	t->lost += w.lost;
	for (int f = 0; f < FAULTS; f++) {
		t->faults[f] += w.counts[f];
		t->in_seeds[f] += w.counts[f] > 0;
	}
	for (int s = 0; s < SYNC_STATES; s++)
		t->states[s] += w.states[s] > 0;
	if (!ok) {
		printf("FAILED seed=%llu at %.1f h: invariant %s: %s\n  again: make sim SEEDS=1 SEED0=%llu "
		       "TRACE=1\n",
		       (unsigned long long)seed, (double)w.now / 3600000, w.failure, w.failure_text,
		       (unsigned long long)seed);
		fflush(stdout);
	}
	if (base->story)
		end_story(&w, ok);
	world_done(&w);
	return ok;
}

static void add(struct totals *to, const struct totals *t)
{
	uint64_t *a = (uint64_t *)to;
	const uint64_t *b = (const uint64_t *)t;

	for (size_t i = 0; i < sizeof *t / sizeof *a; i++)
		a[i] += b[i];
}

/* Two processes side by side, odd and even seeds. */
static void run_all(uint64_t first, uint64_t seeds, unsigned jobs, const struct options *o, struct totals *t,
		    bool stop)
{
	int pipes[64][2];

	if (jobs <= 1) {
		for (uint64_t i = 0; i < seeds; i++)
			if (!run_one(first + i, o, t) && stop)
				break;
		return;
	}
	for (unsigned j = 0; j < jobs; j++) {
		if (pipe(pipes[j]) != 0)
			exit(74);
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			struct totals mine = {0};
			for (uint64_t i = j; i < seeds; i += jobs)
				if (!run_one(first + i, o, &mine) && stop)
					break;
			fflush(stdout);
			ssize_t n = write(pipes[j][1], &mine, sizeof mine);
			_exit(n == (ssize_t)sizeof mine ? 0 : 74);
		}
		close(pipes[j][1]);
	}
	for (unsigned j = 0; j < jobs; j++) {
		struct totals theirs = {0};
		int status = 0;
		if (read(pipes[j][0], &theirs, sizeof theirs) != (ssize_t)sizeof theirs) {
			printf("FAILED a process of the simulator died\n");
			t->failed++;
		}
		add(t, &theirs);
		wait(&status);
	}
}

static bool coverage(const struct totals *t, bool table)
{
	bool all = true;

	if (table)
		printf("\n  %-24s %12s %10s\n", "fault or state", "times", "seeds");
	for (int f = 0; f < FAULTS; f++) {
		if (table)
			printf("  %-24s %12llu %10llu\n", fault_names[f], (unsigned long long)t->faults[f],
			       (unsigned long long)t->in_seeds[f]);
		if (t->in_seeds[f] * 100 < t->seeds) {
			printf("  %s occurred in %llu of %llu seeds: too rare to prove anything\n",
			       fault_names[f], (unsigned long long)t->in_seeds[f],
			       (unsigned long long)t->seeds);
			all = false;
		}
	}
	for (int s = 0; s < SYNC_STATES; s++) {
		if (table)
			printf("  %-24s %12s %10llu\n", sync_state_name(s), "",
			       (unsigned long long)t->states[s]);
		if (t->states[s] * 100 < t->seeds) {
			printf("  state %s occurred in %llu of %llu seeds: too rare to prove anything\n",
			       sync_state_name(s), (unsigned long long)t->states[s],
			       (unsigned long long)t->seeds);
			all = false;
		}
	}
	return all;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"seed", 1, 0, 's'}, {"seeds", 1, 0, 'n'}, {"trace", 0, 0, 't'}, {"story", 0, 0, 'y'},
	    {"jobs", 1, 0, 'j'}, {"table", 0, 0, 'a'}, {"stop", 0, 0, 'x'},  {0}};
	struct options o = {0};
	struct totals t = {0};
	uint64_t first = 1, seeds = 1;
	unsigned jobs = 1;
	bool table = false, stop = false;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		switch (c) {
		case 's':
			first = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			seeds = strtoull(optarg, NULL, 10);
			break;
		case 't':
			o.trace = true;
			break;
		case 'y':
			o.story = true;
			break;
		case 'j':
			jobs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'a':
			table = true;
			break;
		case 'x':
			stop = true;
			break;
		default:
			return 64;
		}
	if (as_crypto_init() != AS_OK)
		return 74;
	node_module_init();
	run_all(first, seeds, jobs > 64 ? 64 : jobs, &o, &t, stop);
	bool covered = seeds < COVERAGE_SEEDS || coverage(&t, table);
	if (seeds < COVERAGE_SEEDS && table)
		coverage(&t, true);
	if (!o.story)
		printf("%llu seeds from %llu: %llu failed; %llu events submitted, %llu accepted, %llu "
		       "refused, %llu frames, "
		       "%llu cases, %llu lost with the only machine that held them\n",
		       (unsigned long long)t.seeds, (unsigned long long)first, (unsigned long long)t.failed,
		       (unsigned long long)t.events, (unsigned long long)t.accepted,
		       (unsigned long long)t.refused, (unsigned long long)t.frames,
		       (unsigned long long)t.cases, (unsigned long long)t.lost);
	return t.failed == 0 && covered ? 0 : 1;
}
