/* Nodes as processes, and what can be seen of them from outside. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

/* ---- small things --------------------------------------------------------------------------------- */

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

size_t file_text(const char *path, char *out, size_t cap)
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

const char *system_folder(void)
{
	return base;
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

/* ---- processes ------------------------------------------------------------------------------------ */

/* In the child: no input, output to the file, and dead with us. */
static void child_begin(const char *out)
{
	int in = open("/dev/null", O_RDONLY), to = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (in < 0 || to < 0 || dup2(in, 0) < 0 || dup2(to, 1) < 0 || dup2(to, 2) < 0)
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* In the child: what the node syncs is counted in a file beside its folder, over all its starts. */
static void count_syncs(const struct bench_node *n)
{
#if !defined __SANITIZE_ADDRESS__ &&                                                                         \
    !defined __SANITIZE_THREAD__ /* their libraries would have to come first */
	char path[NODE_DIR_MAX + 8], shim[500];
	int fd;

	snprintf(path, sizeof path, "%s.syncs", n->dir);
	snprintf(shim, sizeof shim, "%s/countio.so", programs);
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0 || ftruncate(fd, 8) < 0)
		_exit(126);
	close(fd);
	setenv("COUNTIO_FILE", path, 1);
	setenv("LD_PRELOAD", shim, 1);
#else
	(void)n;
#endif
}

double command_run(char *ret, size_t cap, const struct bench_node *counted, double *ret_cpu_s,
		   char *const argv[])
{
	char out[500], program[500];
	struct rusage use;
	int status;

	snprintf(out, sizeof out, "%s/command.out", base);
	snprintf(program, sizeof program, "%s/aftersync", programs);
	unlink(out);
	double begin = now_s();
	pid_t pid = fork();
	if (pid == 0) {
		child_begin(out);
		if (counted)
			count_syncs(counted);
		execv(program, argv);
		_exit(127);
	}
	wait4(pid, &status, 0, &use);
	double s = now_s() - begin;
	if (ret_cpu_s)
		*ret_cpu_s = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
			     (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	file_text(out, ret, cap);
	if (status != 0)
		fail("aftersync %s %s: %s", argv[1], argv[2], ret);
	return s;
}

char *text_of(const char *s)
{
	union {
		const char *in;
		char *out; /* execv does not write through it */
	} p = {.in = s};

	return p.out;
}

/* The name is free for a new node; the syncs of an older one are forgotten. */
static void folder_free(const char *dir)
{
	char syncs[NODE_DIR_MAX + 8];

	temp_remove(dir);
	snprintf(syncs, sizeof syncs, "%s.syncs", dir);
	unlink(syncs);
}

int hq_make(struct bench_node *hq)
{
	char out[4096], listen[64];
	int port = port_free();

	*hq = (struct bench_node){.is_hq = true, .code = "HQ"};
	snprintf(hq->dir, sizeof hq->dir, "%s/hq", base);
	snprintf(listen, sizeof listen, "tcp://127.0.0.1:%d", port);
	folder_free(hq->dir);
	command_run(out, sizeof out, NULL, NULL,
		    (char *[]){text_of("aftersync"), text_of("hq"), text_of("init"), text_of("--dir"),
			       hq->dir, text_of("--listen"), listen, NULL});
	return port;
}

void branch_make(struct bench_node *hq, struct bench_node *branch, const char *code, int port)
{
	char out[8192], copy[9], line[8192];

	*branch = (struct bench_node){0};
	snprintf(branch->code, sizeof branch->code, "%s", code);
	snprintf(copy, sizeof copy, "%s", code);
	snprintf(branch->dir, sizeof branch->dir, "%s/%s", base, code);
	folder_free(branch->dir);
	command_run(out, sizeof out, NULL, NULL,
		    (char *[]){text_of("aftersync"), text_of("hq"), text_of("enrol"), copy, text_of("--dir"),
			       hq->dir, NULL});
	size_t n = strlen(out);
	while (n && out[n - 1] == '\n')
		out[--n] = 0;
	char *joincode = strrchr(out, '\n') ? strrchr(out, '\n') + 1 : out;
	snprintf(line, sizeof line, "%s", joincode);
	command_run(out, sizeof out, NULL, NULL,
		    (char *[]){text_of("aftersync"), text_of("branch"), text_of("join"), line,
			       text_of("--dir"), branch->dir, NULL});
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
	snprintf(program, sizeof program, "%s/%s", programs,
		 n->is_hq ? "aftersync-hqd" : "aftersync-branchd");
	snprintf(log, sizeof log, "%s.log", n->dir);
	/* a name of the abstract space */
	int len = snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "aftersync-bench-%d-%s", (int)getpid(),
			   n->code);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&to, (socklen_t)(sizeof to.sun_family + 1 + (size_t)len)) < 0)
		fail("notify: %s", strerror(errno));
	double begin = now_s();
	if ((n->pid = fork()) == 0) {
		char name[sizeof to.sun_path + 1];
		child_begin(log);
		snprintf(name, sizeof name, "@%s", to.sun_path + 1);
		setenv("NOTIFY_SOCKET", name, 1);
		count_syncs(n);
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

struct bench_start start_best(struct bench_node *n)
{
	struct bench_start best = {0};

	for (int i = 0; i < 3; i++) {
		node_stop(n);
		struct bench_start s = node_start(n);
		if (i == 0 || s.ready_ms < best.ready_ms)
			best = s;
	}
	return best;
}

/* ---- control socket ------------------------------------------------------------------------------- */

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
