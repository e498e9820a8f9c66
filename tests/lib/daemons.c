#include "tests/lib/daemons.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "tests/lib/temp.h"

#define GUARDED_MAX 64

static pid_t guarded[GUARDED_MAX];

const char *build_path(const char *program)
{
	static char paths[4][DAEMON_PATH];
	static unsigned next;
	const char *build = getenv("AFTERSYNC_BUILD");
	char *p = paths[next++ % AS_COUNT(paths)];

	snprintf(p, DAEMON_PATH, "%s/%s", build ? build : "build/release", program);
	return p;
}

void give_up(const char *fmt, ...)
{
	va_list ap;

	fputs("# gave up: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- processes ---------------------------------------------------------------------------------------------- */

static void guard_end(void)
{
	for (size_t i = 0; i < GUARDED_MAX; i++)
		if (guarded[i] > 0) {
			kill(guarded[i], SIGKILL);
			waitpid(guarded[i], NULL, 0);
		}
}

void daemons_guard(void)
{
	signal(SIGPIPE, SIG_IGN);
	setenv("TSAN_OPTIONS", "suppressions=tests/lib/tsan.supp", 0);
	atexit(guard_end);
}

static void guard(pid_t pid, pid_t was)
{
	for (size_t i = 0; i < GUARDED_MAX; i++)
		if (guarded[i] == was) {
			guarded[i] = pid;
			return;
		}
	give_up("too many processes");
}

static pid_t spawn(char *const argv[], const char *out, const char *err, bool append)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork: %s", strerror(errno));
	if (pid > 0) {
		guard(pid, 0);
		return pid;
	}
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
	int in_fd = open("/dev/null", O_RDONLY | O_CLOEXEC), out_fd = open(out ? out : "/dev/null", flags, 0600),
	    err_fd = err == out ? out_fd : open(err ? err : "/dev/null", flags, 0600);
	if (in_fd < 0 || out_fd < 0 || err_fd < 0 || dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0)
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int wait_for(pid_t pid, const char *name, unsigned timeout_s)
{
	uint64_t end = clock_mono_ms() + 1000ull * timeout_s;
	int status;

	for (unsigned us = 200;; us = us < 10000 ? us * 2 : us) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid)
			break;
		if (got < 0)
			give_up("waitpid: %s", strerror(errno));
		if (clock_mono_ms() > end)
			give_up("%s does not end within %u s", name, timeout_s);
		usleep(us);
	}
	guard(0, pid);
	return code_of(status);
}

int run_program(char *const argv[], const char *out, const char *err, unsigned timeout_s)
{
	return wait_for(spawn(argv, out, err, false), argv[0], timeout_s);
}

void daemon_start(struct daemon *d)
{
	char program[DAEMON_PATH], dir[DAEMON_PATH];
	char option[] = "--dir";

	as_assert(d->pid == 0);
	snprintf(program, sizeof program, "%s", build_path(d->program));
	snprintf(dir, sizeof dir, "%s", d->dir);
	char *argv[] = {program, option, dir, NULL};
	d->pid = spawn(argv, d->log, d->log, true);
	d->starts++;
}

void daemon_wait(struct daemon *d)
{
	uint64_t end = clock_mono_ms() + 30000;
	int fd, status;

	while ((fd = node_connect(d->dir)) < 0) {
		if (waitpid(d->pid, &status, WNOHANG) == d->pid)
			give_up("%s of %s ended by itself with %d, see %s", d->program, d->dir, code_of(status), d->log);
		if (clock_mono_ms() > end)
			give_up("%s of %s does not listen after 30 s, see %s", d->program, d->dir, d->log);
		usleep(1000);
	}
	close(fd);
}

int daemon_end(struct daemon *d, int signo)
{
	pid_t pid = d->pid;

	as_assert(pid > 0);
	d->pid = 0;
	kill(pid, signo);
	return wait_for(pid, d->program, 60);
}

/* ---- making nodes --------------------------------------------------------------------------------------------- */

static void run_or_give_up(char *const argv[], const char *out)
{
	char err[DAEMON_PATH + 8];

	snprintf(err, sizeof err, "%s.err", out);
	int code = run_program(argv, out, err, 60);
	if (code)
		give_up("%s %s %s: exit %d, see %s", argv[0], argv[1], argv[2], code, err);
}

#define W(text) ((char[]){text})

void hq_make(struct daemon *d, const char *dir, int port)
{
	char program[DAEMON_PATH], listen[64], out[DAEMON_PATH + 8];

	*d = (struct daemon){.program = "aftersync-hqd"};
	snprintf(d->dir, sizeof d->dir, "%s", dir);
	snprintf(d->log, sizeof d->log, "%.240s.log", dir);
	snprintf(program, sizeof program, "%s", build_path("aftersync"));
	snprintf(listen, sizeof listen, "tcp://127.0.0.1:%d", port);
	snprintf(out, sizeof out, "%s.init", dir);
	char *argv[] = {program, W("hq"), W("init"), W("--dir"), d->dir, W("--listen"), listen, NULL};
	run_or_give_up(argv, out);
}

static void last_line(const char *path, char *ret, size_t cap)
{
	FILE *f = fopen(path, "r");

	ret[0] = 0;
	for (char line[2048]; f && fgets(line, sizeof line, f);)
		snprintf(ret, cap, "%s", line);
	if (f)
		fclose(f);
	ret[strcspn(ret, "\n")] = 0;
}

void branch_make(struct daemon *d, const struct daemon *hq, const char *code, const char *dir, int port)
{
	char program[DAEMON_PATH], hq_dir[DAEMON_PATH], text[16], out[DAEMON_PATH + 8], join[2048], conf[DAEMON_PATH + 32];

	*d = (struct daemon){.program = "aftersync-branchd"};
	snprintf(d->dir, sizeof d->dir, "%s", dir);
	snprintf(d->log, sizeof d->log, "%.240s.log", dir);
	snprintf(program, sizeof program, "%s", build_path("aftersync"));
	snprintf(hq_dir, sizeof hq_dir, "%s", hq->dir);
	snprintf(text, sizeof text, "%s", code);
	snprintf(out, sizeof out, "%s.join", dir);
	char *enrol[] = {program, W("hq"), W("enrol"), text, W("--dir"), hq_dir, NULL};
	run_or_give_up(enrol, out);
	last_line(out, join, sizeof join);
	char *argv[] = {program, W("branch"), W("join"), join, W("--dir"), d->dir, NULL};
	run_or_give_up(argv, out);
	snprintf(conf, sizeof conf, "%s/aftersync.conf", dir);
	FILE *f = fopen(conf, "w");
	if (f == NULL)
		give_up("%s: %s", conf, strerror(errno));
	fprintf(f, "[link]\nendpoint = tcp://127.0.0.1:%d\n", port);
	fclose(f);
}

/* ---- control sockets --------------------------------------------------------------------------------------------- */

int node_connect(const char *dir)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char run[DAEMON_PATH + 8];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), at;

	snprintf(run, sizeof run, "%s/run", dir);
	at = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/control.sock", at);
	bool ok = fd >= 0 && at >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
	if (at >= 0)
		close(at);
	if (ok)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int node_ask_each(const char *dir, const char *request, void (*fn)(void *arg, const json_t *line), void *arg)
{
	int fd = node_connect(dir), code = -1;
	struct timeval timeout = {.tv_sec = 120};
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *in;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0 ||
	    (in = fdopen(fd, "r")) == NULL) {
		close(fd);
		return -1;
	}
	while ((n = getline(&line, &cap, in)) > 0) {
		json_error_t je;
		AS_AUTO(json) json_t *o = json_loadb(line, (size_t)n, 0, &je);
		json_t *end = json_object_get(o, "exit");
		if (o == NULL)
			give_up("%s: no JSON: %s", request, line);
		if (end) {
			code = (int)json_integer_value(end);
			if (json_object_get(o, "error"))
				fn(arg, o);
			break;
		}
		fn(arg, o);
	}
	free(line);
	fclose(in);
	return code;
}

static void keep_last(void *arg, const json_t *line)
{
	json_t **last = arg;

	json_decref(*last);
	*last = json_deep_copy(line);
}

json_t *node_ask(const char *dir, const char *request, int *ret_exit)
{
	json_t *last = NULL;

	*ret_exit = node_ask_each(dir, request, keep_last, &last);
	return last;
}

static uint64_t number(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

struct branch_status status_of(const char *dir, const char *branch)
{
	struct branch_status s = {.ok = false};
	int code;
	AS_AUTO(json) json_t *o = node_ask(dir, "{\"cmd\":\"status\"}", &code);
	json_t *rows = json_object_get(o, "branches");

	for (size_t i = 0; code == 0 && i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *name = json_string_value(json_object_get(row, "branch"));
		if (name == NULL || strcmp(name, branch) != 0)
			continue;
		s.ok = true;
		snprintf(s.state, sizeof s.state, "%s", json_string_value(json_object_get(row, "state")));
		snprintf(s.reason, sizeof s.reason, "%s", json_string_value(json_object_get(row, "reason")));
		s.head = number(row, "head");
		s.acked = number(row, "acked");
		s.applied = number(row, "applied");
		s.lag = number(row, "lag_events");
		s.flagged = number(row, "flagged");
		s.refused = number(row, "refused");
		s.incarnation = number(row, "incarnation");
	}
	return s;
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

static int order(const struct relay *r, const char *command)
{
	char program[DAEMON_PATH], control[DAEMON_PATH], text[64];

	snprintf(program, sizeof program, "%s", r->program);
	snprintf(control, sizeof control, "%s", r->control);
	snprintf(text, sizeof text, "%s", command);
	char *argv[] = {program, W("--send"), control, text, NULL};
	return run_program(argv, NULL, NULL, 10);
}

void relay_order(const struct relay *r, const char *command)
{
	if (order(r, command))
		give_up("the relay does not take %s", command);
}

void relay_start(struct relay *r, const char *name, int port, int to_port)
{
	char target[64], listen[16];

	snprintf(r->control, sizeof r->control, "%s", temp_path(name));
	snprintf(r->program, sizeof r->program, "%s", build_path("relay"));
	snprintf(target, sizeof target, "127.0.0.1:%d", to_port);
	snprintf(listen, sizeof listen, "%d", port);
	char *argv[] = {r->program, listen, target, W("--control"), r->control, NULL};
	spawn(argv, NULL, NULL, false);
	for (int tries = 0; order(r, "stat") != 0; tries++) {
		if (tries > 500)
			give_up("the relay does not listen");
		usleep(10000);
	}
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

#define SIDE_BY_SIDE 5 /* orders */

static void id_text(const char *branch, uint64_t n, char id[37])
{
	struct rng r = {.state = n * 2654435761u + (uint64_t)branch[0] + 256u * (uint64_t)branch[1]};
	uint64_t a = rng_next(&r), b = rng_next(&r);

	snprintf(id, 37, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32), (unsigned)(a & 0xffff),
		 (unsigned)((a >> 16) & 0xfff), (unsigned)(b >> 52), (unsigned long long)(b & 0xffffffffffffull));
}

size_t order_line(const char *branch, uint64_t n, char id[37], char *line, size_t cap)
{
	static const char *const steps[STEPS] = {
	    ("\"kind\":\"REPAIR_RECEIVED\",\"facts\":{\"model\":\"A100\",\"channel\":\"WALK_IN\",\"promised_at\":"
	     "\"2026-11-25T18:00:00+08:00\",\"symptom\":[\"H03\",\"A02\"],\"appearance\":[\"SCRATCH\"],\"accessories\":[]}"),
	    "\"kind\":\"REPAIR_INSPECTED\",\"facts\":{\"cause\":\"SCREEN\",\"warranty\":\"IN_WARRANTY\"}",
	    "\"kind\":\"REPAIR_ASSIGNED\",\"facts\":{\"technician\":2001}",
	    "\"kind\":\"REPAIR_STARTED\",\"facts\":{\"technician\":2001}",
	    "\"kind\":\"REPAIR_DONE\",\"facts\":{\"outcome\":\"FIXED\",\"resolution\":[\"PART\"],\"technician\":2001}",
	    "\"kind\":\"QC_CHECKED\",\"facts\":{\"pass\":true,\"checker\":2002}",
	    "\"kind\":\"CUSTOMER_NOTIFIED\",\"facts\":{\"via\":\"PHONE\",\"reached\":true}",
	    "\"kind\":\"REPAIR_DELIVERED\",\"facts\":{\"tested_with_customer\":true,\"taken_by\":\"OWNER\"}",
	};
	uint64_t round = n / (STEPS * SIDE_BY_SIDE), step = n / SIDE_BY_SIDE % STEPS,
		 order = round * SIDE_BY_SIDE + n % SIDE_BY_SIDE;
	char personal[200] = "";

	id_text(branch, n, id);
	if (step == 0)
		snprintf(personal, sizeof personal,
			 ",\"personal\":{\"name\":\"Customer %llu\",\"phone\":\"+86 138-0013-8000\","
			 "\"imei\":\"490154203237518\"}",
			 (unsigned long long)order);
	int len = snprintf(line, cap,
			   "{\"event_id\":\"%s\",\"occurred_at\":\"2026-11-23T09:30:00+08:00\",\"actor\":1001,"
			   "\"case\":\"%s-%llu\",%s%s}\n",
			   id, branch, (unsigned long long)order, steps[step], personal);
	as_assert(len > 0 && (size_t)len < cap);
	return (size_t)len;
}

/* ---- the submitter ------------------------------------------------------------------------------------------------ */

void feed_init(struct feed *f, const char *dir, const char *branch, uint64_t limit, uint64_t window)
{
	*f = (struct feed){
	    .dir = dir, .branch = branch, .fd = -1, .journal_fd = -1, .limit = limit, .window = window};
}

void feed_drop(struct feed *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static bool feed_connect(struct feed *f)
{
	static const char hello[] = "{\"cmd\":\"submit\"}\n";

	if (f->fd >= 0)
		return true;
	if ((f->fd = node_connect(f->dir)) < 0)
		return false;
	fcntl(f->fd, F_SETFL, O_NONBLOCK);
	f->base = f->answered;
	f->began_ms = clock_mono_ms();
	f->resubmitted += f->made - f->answered;
	f->sent = f->known = f->in_n = f->out_at = 0;
	f->out_n = sizeof hello - 1;
	memcpy(f->out, hello, f->out_n);
	return true;
}

static void feed_fill(struct feed *f)
{
	uint64_t due = f->per_s ? (clock_mono_ms() - f->began_ms) * f->per_s / 1000 + 1 : UINT64_MAX / 2;
	char id[37];

	due = f->base + due < f->made ? f->made - f->base : due; /* what was sent before goes at once */
	if (f->out_at == f->out_n)
		f->out_at = f->out_n = 0;
	while (f->base + f->sent < f->limit && f->sent < due && f->sent - f->known < f->window &&
	       sizeof f->out - f->out_n > 2048) {
		uint64_t n = f->base + f->sent++;
		f->out_n += order_line(f->branch, n, id, f->out + f->out_n, sizeof f->out - f->out_n);
		if (n >= f->made)
			f->made = n + 1;
	}
}

/* True: accepted. */
static bool take_answer(struct feed *f, const char *line, size_t n)
{
	json_error_t je;
	AS_AUTO(json) json_t *o = json_loadb(line, n, 0, &je);
	const char *id = json_string_value(json_object_get(o, "event_id"));
	const char *error = json_string_value(json_object_get(o, "error"));
	char want[37], text[2048];

	if (o == NULL)
		give_up("%s: no JSON: %.*s", f->branch, (int)n, line);
	if (error) {
		snprintf(f->last_error, sizeof f->last_error, "%s", error);
		f->refused += strncmp(error, "NOT recorded", 12) != 0;
		return false;
	}
	if (id == NULL)
		return false;
	order_line(f->branch, f->base + f->known, want, text, sizeof text);
	if (strcmp(id, want) != 0)
		give_up("%s: answer %llu is for %s, not %s", f->branch, (unsigned long long)f->known, id, want);
	if (f->journal_fd >= 0) {
		int len = snprintf(text, sizeof text, "%s %lld\n", id,
				   (long long)json_integer_value(json_object_get(o, "index")));
		if (write(f->journal_fd, text, (size_t)len) != len)
			give_up("journal: %s", strerror(errno));
	}
	return true;
}

/* False: the connection is over. */
static bool feed_read(struct feed *f)
{
	ssize_t n = recv(f->fd, f->in + f->in_n, sizeof f->in - f->in_n, MSG_DONTWAIT);
	size_t at = 0;
	uint64_t before = f->answered;
	char *end;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	f->in_n += (size_t)n;
	while ((end = memchr(f->in + at, '\n', f->in_n - at)) != NULL) {
		size_t len = (size_t)(end - (f->in + at));
		bool taken = take_answer(f, f->in + at, len);
		at += len + 1;
		if (!taken) { /* what follows it is submitted again with it */
			f->in_n = 0;
			return false;
		}
		f->known++;
		if (f->base + f->known > f->answered)
			f->answered = f->base + f->known;
	}
	memmove(f->in, f->in + at, f->in_n - at);
	f->in_n -= at;
	if (f->journal_fd >= 0 && f->answered > before && fdatasync(f->journal_fd))
		give_up("journal: %s", strerror(errno));
	return true;
}

static bool feed_write(struct feed *f)
{
	ssize_t n;

	feed_fill(f);
	if (f->out_at == f->out_n)
		return true;
	n = send(f->fd, f->out + f->out_at, f->out_n - f->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		f->out_at += (size_t)n;
	return n >= 0 || errno == EAGAIN || errno == EINTR;
}

void feed_work(struct feed **feeds, size_t n, unsigned ms)
{
	uint64_t end = clock_mono_ms() + ms, now;

	while ((now = clock_mono_ms()) < end) {
		struct pollfd p[8];
		bool all = true;
		as_assert(n <= AS_COUNT(p));
		for (size_t i = 0; i < n; i++) {
			struct feed *f = feeds[i];
			p[i] = (struct pollfd){.fd = -1};
			if (f->answered >= f->limit)
				continue;
			all = false;
			if (!feed_connect(f))
				continue;
			feed_fill(f);
			p[i] = (struct pollfd){.fd = f->fd,
					       .events = (short)(POLLIN | (f->out_at < f->out_n ? POLLOUT : 0))};
		}
		if (all)
			return;
		int wait = (int)(end - now);
		poll(p, n, wait > 2 ? 2 : wait);
		for (size_t i = 0; i < n; i++)
			if (p[i].fd >= 0 && (!feed_read(feeds[i]) || !feed_write(feeds[i])))
				feed_drop(feeds[i]);
	}
}
