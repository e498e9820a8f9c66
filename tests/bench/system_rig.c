/* Nodes as processes, and what can be seen of them from outside. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "tests/bench/system.h"
#include "tests/lib/port.h"
#include "tests/lib/temp.h"

#define NODES_MAX 16
#define READY_MS 60000

static char base[400], programs[400];
static struct bench_node *running[NODES_MAX];
static pid_t relay_pid;

/* ---- small things ------------------------------------------------------------------------------------------------ */

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench_system: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	system_close();
	exit(1);
}

double now_s(void)
{
	return (double)clock_mono_ns() / 1e9;
}

void sleep_us(unsigned us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000}, NULL);
}

static size_t file_text(const char *path, char *out, size_t cap)
{
	size_t n = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		while (n < cap - 1 && (got = read(fd, out + n, cap - 1 - n)) > 0)
			n += (size_t)got;
		close(fd);
	}
	out[n] = 0;
	return n;
}

void system_open(const char *path)
{
	ssize_t n = readlink("/proc/self/exe", programs, sizeof programs - 1);

	prctl(PR_SET_TIMERSLACK, 1000ul);
	as_assert(n > 0);
	programs[n] = 0;
	for (int i = 0; i < 2; i++) /* …/bench/bench_system */
		*strrchr(programs, '/') = 0;
	as_assert(snprintf(base, sizeof base, "%s", path) < (int)sizeof base);
	temp_remove(base);
	if (mkdir(base, 0700) < 0)
		fail("%s: %s", base, strerror(errno));
}

void system_close(void)
{
	for (size_t i = 0; i < NODES_MAX; i++)
		if (running[i]) {
			struct bench_node *n = running[i];
			running[i] = NULL;
			kill(n->pid, SIGKILL);
			waitpid(n->pid, NULL, 0);
			n->pid = 0;
		}
	if (relay_pid > 0) {
		kill(relay_pid, SIGKILL);
		waitpid(relay_pid, NULL, 0);
		relay_pid = 0;
	}
	if (base[0] && getenv("KEEP") == NULL)
		temp_remove(base);
}

/* ---- processes ----------------------------------------------------------------------------------------------------- */

/* In the child: no input, output to the file, and dead with us. */
static void child_begin(const char *out)
{
	int in = open("/dev/null", O_RDONLY), to = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (in < 0 || to < 0 || dup2(in, 0) < 0 || dup2(to, 1) < 0 || dup2(to, 2) < 0)
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Runs aftersync to its end; its output to ret. */
static void command(char *ret, size_t cap, char *const argv[])
{
	char out[500], program[500];
	int status;

	snprintf(out, sizeof out, "%s/command.out", base);
	snprintf(program, sizeof program, "%s/aftersync", programs);
	unlink(out);
	pid_t pid = fork();
	if (pid == 0) {
		child_begin(out);
		execv(program, argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	file_text(out, ret, cap);
	if (status != 0)
		fail("aftersync %s %s: %s", argv[1], argv[2], ret);
}

static char *text_of(const char *s)
{
	union {
		const char *in;
		char *out; /* execv does not write through it */
	} p = {.in = s};

	return p.out;
}

int hq_make(struct bench_node *hq)
{
	char out[4096], listen[64];
	int port = port_free();

	*hq = (struct bench_node){.is_hq = true, .code = "HQ"};
	snprintf(hq->dir, sizeof hq->dir, "%s/hq", base);
	snprintf(listen, sizeof listen, "tcp://127.0.0.1:%d", port);
	temp_remove(hq->dir);
	command(out, sizeof out,
		(char *[]){text_of("aftersync"), text_of("hq"), text_of("init"), text_of("--dir"), hq->dir,
			   text_of("--listen"), listen, NULL});
	return port;
}

void branch_make(struct bench_node *hq, struct bench_node *branch, const char *code, int port)
{
	char out[8192], copy[9], line[8192];

	*branch = (struct bench_node){0};
	snprintf(branch->code, sizeof branch->code, "%s", code);
	snprintf(copy, sizeof copy, "%s", code);
	snprintf(branch->dir, sizeof branch->dir, "%s/%s", base, code);
	temp_remove(branch->dir);
	command(out, sizeof out,
		(char *[]){text_of("aftersync"), text_of("hq"), text_of("enrol"), copy, text_of("--dir"), hq->dir, NULL});
	size_t n = strlen(out);
	while (n && out[n - 1] == '\n')
		out[--n] = 0;
	char *joincode = strrchr(out, '\n') ? strrchr(out, '\n') + 1 : out;
	snprintf(line, sizeof line, "%s", joincode);
	command(out, sizeof out,
		(char *[]){text_of("aftersync"), text_of("branch"), text_of("join"), line, text_of("--dir"), branch->dir,
			   NULL});
	if (port == 0)
		return;
	snprintf(line, sizeof line, "%s/aftersync.conf", branch->dir);
	FILE *f = fopen(line, "a");
	if (f == NULL || fprintf(f, "\n[link]\nendpoint = tcp://127.0.0.1:%d\n", port) < 0 || fclose(f) != 0)
		fail("%s: %s", line, strerror(errno));
}

int relay_start(int to_port)
{
	char program[500], listen[12], target[32], control[500], out[500];
	int port = port_free();

	snprintf(program, sizeof program, "%s/relay", programs);
	snprintf(listen, sizeof listen, "%d", port);
	snprintf(target, sizeof target, "127.0.0.1:%d", to_port);
	snprintf(control, sizeof control, "%s/relay.sock", base);
	snprintf(out, sizeof out, "%s/relay.out", base);
	unlink(control);
	if ((relay_pid = fork()) == 0) {
		child_begin(out);
		execl(program, program, listen, target, "--control", control, (char *)NULL);
		_exit(127);
	}
	for (double end = now_s() + 10; access(control, F_OK) < 0; sleep_us(1000))
		if (now_s() > end)
			fail("the relay does not start");
	return port;
}

void relay_count(uint64_t *ret_up, uint64_t *ret_down)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), dir = open(base, O_PATH | O_CLOEXEC);
	char text[400];

	snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/relay.sock", dir);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 || send(fd, "stat\n", 5, MSG_NOSIGNAL) != 5)
		fail("relay: %s", strerror(errno));
	ssize_t n = recv(fd, text, sizeof text - 1, 0);
	close(fd);
	close(dir);
	text[n > 0 ? n : 0] = 0;
	const char *up = strstr(text, " up="), *down = strstr(text, " down=");
	if (!up || !down)
		fail("relay: %s", text);
	*ret_up = strtoull(up + 4, NULL, 10);
	*ret_down = strtoull(down + 6, NULL, 10);
}

static void ready_wait(int fd, struct bench_node *n, const char *log)
{
	char text[600];
	double end = now_s() + READY_MS / 1e3;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 100) > 0) {
			ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
			text[got > 0 ? got : 0] = 0;
			if (strncmp(text, "READY=1", 7) == 0 || strstr(text, "\nREADY=1"))
				return;
		}
		if (waitpid(n->pid, NULL, WNOHANG) == n->pid || now_s() > end) {
			file_text(log, text, sizeof text);
			fail("%s did not get ready: %s", n->code, text);
		}
	}
}

struct bench_start node_start(struct bench_node *n)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct bench_start s;
	char program[500], log[NODE_DIR_MAX + 8], answer[4096];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t k;

	as_assert(n->pid == 0);
	snprintf(program, sizeof program, "%s/%s", programs, n->is_hq ? "aftersync-hqd" : "aftersync-branchd");
	snprintf(log, sizeof log, "%s.log", n->dir);
	/* a name of the abstract space */
	int len = snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "aftersync-bench-%d-%s", (int)getpid(), n->code);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, (socklen_t)(sizeof to.sun_family + 1 + (size_t)len)) < 0)
		fail("notify: %s", strerror(errno));
	double begin = now_s();
	if ((n->pid = fork()) == 0) {
		char name[sizeof to.sun_path + 1];
		child_begin(log);
		snprintf(name, sizeof name, "@%s", to.sun_path + 1);
		setenv("NOTIFY_SOCKET", name, 1);
		execl(program, program, "--dir", n->dir, (char *)NULL);
		_exit(127);
	}
	for (k = 0; k < NODES_MAX && running[k]; k++)
		;
	as_assert(k < NODES_MAX);
	running[k] = n;
	ready_wait(fd, n, log);
	s.ready_ms = (now_s() - begin) * 1e3;
	control_ask(n, "{\"cmd\":\"status\"}\n", answer, sizeof answer);
	s.answer_ms = (now_s() - begin) * 1e3;
	close(fd);
	return s;
}

void node_stop(struct bench_node *n)
{
	if (n->look) {
		node_close(n->look);
		n->look = NULL;
	}
	if (n->pid == 0)
		return;
	kill(n->pid, SIGTERM);
	for (double end = now_s() + 60; waitpid(n->pid, NULL, WNOHANG) != n->pid; sleep_us(1000))
		if (now_s() > end)
			fail("%s does not end", n->code);
	for (size_t k = 0; k < NODES_MAX; k++)
		if (running[k] == n)
			running[k] = NULL;
	n->pid = 0;
}

/* ---- stores from beside ---------------------------------------------------------------------------------------------- */

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

/* ---- what the kernel counts -------------------------------------------------------------------------------------------- */

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

	*u = (struct use){.commits = node_commits(n)};
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
		printf("%s\"%s\":%.2f", i ? "," : "", after->thread[i].name, (after->thread[i].cpu_s - was) * 1e6 / n);
	}
	printf("},\"%s_commits\":%.0f,\"%s_wake_ups_per_event\":%.3f", name, commits, name,
	       (after->wake_ups - before->wake_ups) / n);
}

uint64_t memory_kib(const struct bench_node *n, const char *what)
{
	char path[64], text[4096], name[40];

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", n->pid);
	file_text(path, text, sizeof text);
	snprintf(name, sizeof name, "\n%s:", what);
	return (uint64_t)number_at(text, name);
}

/* ---- control socket ----------------------------------------------------------------------------------------------------- */

int control_connect(const struct bench_node *n)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), dir = open(n->dir, O_PATH | O_CLOEXEC);

	snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/run/control.sock", dir);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		fail("%s: control socket: %s", n->code, strerror(errno));
	close(dir);
	return fd;
}

void control_ask(const struct bench_node *n, const char *request, char *ret, size_t cap)
{
	int fd = control_connect(n);
	size_t got = 0;
	ssize_t k;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		fail("%s: %s", n->code, strerror(errno));
	while (got < cap - 1 && (k = recv(fd, ret + got, cap - 1 - got, 0)) > 0) {
		got += (size_t)k;
		if (memchr(ret, '\n', got))
			break;
	}
	close(fd);
	ret[got] = 0;
	ret[strcspn(ret, "\n")] = 0;
	if (got == 0 || strstr(ret, "\"error\""))
		fail("%s: %.60s: %.300s", n->code, request, ret);
}

uint64_t answer_number(const char *answer, const char *name)
{
	char want[64];

	snprintf(want, sizeof want, "\"%s\":", name);
	const char *p = strstr(answer, want);
	if (p == NULL)
		fail("no %s in %.300s", name, answer);
	p += strlen(want);
	while (*p == ' ' || *p == '"')
		p++;
	return strtoull(p, NULL, 10);
}
