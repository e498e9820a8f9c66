/* What can be seen of a node from beside: its store, what the kernel counts of its threads, the disk below
 * it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/store/kv_lmdb.h"
#include "tests/bench/system.h"

/* ---- stores from beside --------------------------------------------------------------------------- */

struct search {
	const char *code;
	struct log_row *row;
	bool found;
};

static as_err take_log(void *arg, const struct log_row *row)
{
	struct search *s = arg;

	if (row->id.cls == LOG_LIVE && strncmp(row->id.branch, s->code, BRANCH_CODE_MAX) == 0) {
		*s->row = *row;
		s->found = true;
	}
	return AS_OK;
}

bool node_row(struct bench_node *n, const struct bench_node *branch, struct log_row *ret_row)
{
	struct search s = {.code = branch->code, .row = ret_row};
	struct as_errmsg em = {0};

	if (n->look == NULL && node_open(&n->look, n->dir, NODE_READ, &em))
		fail("%s: %s", n->dir, em.text);
	as_err err = branch->log.cls ? store_log(n->look->st, &branch->log, ret_row)
				     : store_each_log(n->look->st, take_log, &s);
	if (err && err != AS_ENOTFOUND)
		fail("%s: %s", n->dir, as_err_text(err));
	return err == AS_OK && (branch->log.cls || s.found);
}

static void wait_for(struct bench_node *n, const struct bench_node *branch, uint64_t size, bool acked)
{
	struct log_row row;
	double begin = now_s();

	while (!node_row(n, branch, &row) || (acked ? row.acked.size : row.head.size) < size) {
		if (now_s() - begin > 300)
			fail("%s: nothing more for 5 minutes", n->code);
		sleep_us(50);
	}
}

void wait_head(struct bench_node *n, const struct bench_node *branch, uint64_t size)
{
	wait_for(n, branch, size, false);
}

void wait_acked(struct bench_node *branch, uint64_t size)
{
	wait_for(branch, branch, size, true);
}

void wait_link(const struct bench_node *hq)
{
	size_t least = SIZE_MAX;
	double begin = now_s();
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd", hq->pid);
	for (;; sleep_us(200)) {
		size_t n = 0;
		DIR *d = opendir(path);
		while (d && readdir(d))
			n++;
		closedir(d);
		if (n > least) /* what it has open by itself grows no more after READY */
			return;
		least = n;
		if (now_s() - begin > 150)
			fail("no branch connects to head office");
	}
}

void wait_state(struct bench_node *branch, const char *state)
{
	char answer[4096], want[64];
	double begin = now_s();

	snprintf(want, sizeof want, "\"state\":\"%s\"", state);
	for (;;) {
		char plain[4096];
		size_t n = 0;
		control_ask(branch, "{\"cmd\":\"status\"}\n", answer, sizeof answer);
		for (const char *p = answer; *p; p++)
			if (*p != ' ')
				plain[n++] = *p;
		plain[n] = 0;
		if (strstr(plain, want))
			return;
		if (now_s() - begin > 60)
			fail("%s is not %s: %s", branch->code, state, answer);
		sleep_us(20000);
	}
}

/* LMDB 0.9: the two meta pages at the beginning of data.mdb, each with the number of its transaction. */
uint64_t node_commits(const struct bench_node *n)
{
	char path[NODE_DIR_MAX + 20];
	uint64_t most = 0;

	snprintf(path, sizeof path, "%s/store/data.mdb", n->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int page = 0; page < 2; page++) {
		uint64_t number = 0;
		if (pread(fd, &number, sizeof number, page * 4096 + 144) == sizeof number && number > most)
			most = number;
	}
	close(fd);
	return most;
}

uint64_t node_syncs(const struct bench_node *n)
{
	char path[NODE_DIR_MAX + 8];
	uint64_t syncs = 0;

	snprintf(path, sizeof path, "%s.syncs", n->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &syncs, sizeof syncs) != sizeof syncs)
		syncs = 0;
	close(fd);
	return syncs;
}

uint64_t node_bytes(struct bench_node *n)
{
	struct log_row row;
	uint64_t used = 0, limit;

	node_row(n, n, &row); /* opens it */
	if (kv_lmdb_space(n->look->home->kv, &used, &limit))
		fail("%s: the store does not say its size", n->dir);
	return used;
}

/* ---- what the kernel counts ----------------------------------------------------------------------- */

static void use_add(struct use *u, const char *name, double cpu_s)
{
	size_t i = 0;

	while (i < u->n && strcmp(u->thread[i].name, name) != 0)
		i++;
	if (i == u->n) {
		if (u->n == USE_THREADS_MAX)
			return;
		snprintf(u->thread[u->n].name, sizeof u->thread[0].name, "%s", name);
		u->thread[u->n++].cpu_s = 0;
	}
	u->thread[i].cpu_s += cpu_s;
}

static double number_at(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p ? strtod(p + strlen(name), NULL) : 0;
}

void use_take(const struct bench_node *n, struct use *u)
{
	char path[100], text[4096], name[16];
	struct dirent *e;
	DIR *d;

	*u = (struct use){.commits = node_commits(n), .syncs = node_syncs(n)};
	snprintf(path, sizeof path, "/proc/%d/task", n->pid);
	d = opendir(path);
	as_assert(d != NULL);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%.12s/schedstat", n->pid, e->d_name);
		file_text(path, text, sizeof text);
		double cpu_s = strtod(text, NULL) / 1e9;
		snprintf(path, sizeof path, "/proc/%d/task/%.12s/status", n->pid, e->d_name);
		file_text(path, text, sizeof text);
		u->wake_ups += number_at(text, "\nvoluntary_ctxt_switches:");
		snprintf(path, sizeof path, "/proc/%d/task/%.12s/comm", n->pid, e->d_name);
		file_text(path, name, sizeof name);
		name[strcspn(name, "\n")] = 0;
		if (name[0] == 0) /* it ended meanwhile */
			continue;
		use_add(u, strncmp(name, "aftersync", 9) == 0 ? "main" : name, cpu_s);
		u->cpu_s += cpu_s;
	}
	closedir(d);
}

void use_sum(struct use *sum, const struct use *add)
{
	for (size_t i = 0; i < add->n; i++)
		use_add(sum, add->thread[i].name, add->thread[i].cpu_s);
	sum->cpu_s += add->cpu_s;
	sum->wake_ups += add->wake_ups;
	sum->commits += add->commits;
	sum->syncs += add->syncs;
}

/* Of the whole process: threads that ended meanwhile are in it. */
static double process_s(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) < 0)
		fail("no CPU time of a process");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double use_idle_ms(const struct bench_node *n, unsigned seconds)
{
	double begin = now_s(), cpu = process_s(n->pid);

	sleep_us(seconds * 1000000);
	return (process_s(n->pid) - cpu) * 1e3 / (now_s() - begin);
}

void use_print(const char *name, const struct use *before, const struct use *after, uint64_t events)
{
	double commits = (double)(after->commits - before->commits), n = (double)events;

	printf(",\"%s_cpu_us\":%.2f,\"%s_threads\":{", name, (after->cpu_s - before->cpu_s) * 1e6 / n, name);
	for (size_t i = 0; i < after->n; i++) {
		double was = 0;
		for (size_t k = 0; k < before->n; k++)
			if (strcmp(before->thread[k].name, after->thread[i].name) == 0)
				was = before->thread[k].cpu_s;
		printf("%s\"%s\":%.2f", i ? "," : "", after->thread[i].name,
		       (after->thread[i].cpu_s - was) * 1e6 / n);
	}
	printf("},\"%s_commits\":%.0f,\"%s_syncs\":%.0f,\"%s_wake_ups_per_event\":%.3f", name, commits, name,
	       (double)(after->syncs - before->syncs), name, (after->wake_ups - before->wake_ups) / n);
}

uint64_t memory_kib(const struct bench_node *n, const char *what)
{
	char path[64], text[4096], name[40];

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", n->pid);
	file_text(path, text, sizeof text);
	snprintf(name, sizeof name, "\n%s:", what);
	return (uint64_t)number_at(text, name);
}

/* ---- lines of output ------------------------------------------------------------------------------ */

/* The device that holds a folder, as /proc/self/mountinfo names it; "?" when it does not. */
static void disk_of(const char *path, char ret_type[32], char ret_device[64])
{
	char line[1024], want[32];
	struct stat st;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	snprintf(ret_type, 32, "?");
	snprintf(ret_device, 64, "?");
	if (stat(path, &st) < 0 || f == NULL)
		fail("%s: %s", path, strerror(errno));
	snprintf(want, sizeof want, " %u:%u ", major(st.st_dev), minor(st.st_dev));
	while (fgets(line, sizeof line, f)) {
		const char *at = strstr(line, " - ");
		if (at == NULL || strstr(line, want) == NULL)
			continue;
		at += 3;
		snprintf(ret_type, 32, "%.*s", (int)strcspn(at, " "), at);
		at += strcspn(at, " ") + 1;
		snprintf(ret_device, 64, "%.*s", (int)strcspn(at, " \n"), at);
	}
	fclose(f);
}

void line_begin(const char *bench, const char *mix)
{
	static char type[32], device[64];
	double load = 0;

	if (type[0] == 0)
		disk_of(system_folder(), type, device);
	as_assert(getloadavg(&load, 1) == 1);
	printf("{\"bench\":\"%s\",\"fs\":\"%s\",\"device\":\"%s\",\"load\":%.1f,%s", bench, type, device,
	       load, mix);
}
