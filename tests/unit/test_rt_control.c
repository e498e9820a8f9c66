/* daemon/rt/control: lines in, lines out, bounds, and who may connect. The peers are plain sockets of this
 * process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "daemon/rt/control.h"
#include "daemon/rt/control_address.h"
#include "tests/lib/loop_rig.h"

#define LINE_MAX_BYTES 65536
#define UNSENT_MAX (256 * 1024)

static struct loop *loop;
static struct control *control;
static char folder[600], path[700];

static struct told {
	int lines, eofs, closed, drained;
	size_t bytes;
	char text[400]; /* of the first lines, each with a | */
	char order;	/* '.' as long as lines come as numbers, in order */
	struct control_conn *conn;
	int pause_after;  /* that many lines */
	int finish_after; /* that many lines */
	int answer; /* 1: the same again; 2: much text, until it does not fit; 3: at the end of input only */
	as_err last;
} told;

static void on_line(void *ctx, struct control_conn *conn, struct bytes line)
{
	size_t have = strlen(told.text);
	char number[24];

	assert_ptr_equal(ctx, &told);
	if (told.lines == 0)
		assert_null(*control_user(conn));
	*control_user(conn) = &told;
	told.conn = conn;
	snprintf(number, sizeof number, "%d", told.lines);
	if (!bytes_equal(line, bytes_of_str(number)))
		told.order = '!';
	told.lines++;
	told.bytes += line.n;
	if (have + line.n + 2 < sizeof told.text)
		snprintf(told.text + have, sizeof told.text - have, "%.*s|", (int)line.n,
			 (const char *)line.p);
	if (told.answer == 1) {
		assert_int_equal(control_write(conn, line), AS_OK);
		assert_int_equal(control_write(conn, bytes_of_str("\n")), AS_OK);
	}
	static const char much[4096] = {0};
	for (int i = 0; told.answer == 2 && i < 8; i++)
		told.last = control_write(conn, bytes_of(much, sizeof much));
	if (told.lines == told.pause_after)
		control_pause(conn);
	if (told.lines == told.finish_after)
		control_finish(conn);
}

static void on_eof(void *ctx, struct control_conn *conn)
{
	(void)ctx;
	told.eofs++;
	if (told.answer == 3)
		assert_int_equal(control_write(conn, bytes_of_str("last\n")), AS_OK);
	control_finish(conn);
}

static void on_drained(void *ctx, struct control_conn *conn)
{
	(void)ctx;
	(void)conn;
	told.drained++;
}

static void on_closed(void *ctx, struct control_conn *conn)
{
	(void)ctx;
	told.closed++;
	if (told.conn == conn)
		told.conn = NULL;
}

static struct control_conf conf(void)
{
	return (struct control_conf){.path = path,
				     .line_max = LINE_MAX_BYTES,
				     .unsent_max = UNSENT_MAX,
				     .connections_max = 8,
				     .line = on_line,
				     .eof = on_eof,
				     .drained = on_drained,
				     .closed = on_closed,
				     .ctx = &told};
}

static void open_control(void)
{
	struct as_errmsg em = {""};
	struct control_conf c = conf();

	as_err err = control_open(&control, loop, &c, &em);
	if (err)
		print_message("# %s\n", em.text);
	assert_int_equal(err, AS_OK);
}

static int setup(void **state)
{
	(void)state;
	memset(&told, 0, sizeof told);
	told.order = '.';
	control = NULL;
	snprintf(folder, sizeof folder, "/tmp/aftersync-control-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/control.sock", folder);
	return loop_open(&loop);
}

static int teardown(void **state)
{
	(void)state;
	control_close(control);
	loop_close(loop);
	unlink(path);
	return rmdir(folder);
}

static int want_lines;

static bool enough_lines(void)
{
	return told.lines >= want_lines;
}

static void until_lines(int n)
{
	want_lines = n;
	loop_rig_until(loop, enough_lines);
}

static bool one_closed(void)
{
	return told.closed == 1;
}

static bool two_closed(void)
{
	return told.closed == 2;
}

static int dial(void)
{
	int fd = -1;
	struct as_errmsg em = {""};

	as_err err = control_connect(path, &fd, &em);
	if (err)
		print_message("# %s\n", em.text);
	assert_int_equal(err, AS_OK);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What can be read now. */
static const char *hear(int fd)
{
	static char text[1000];
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
	return n == 0 ? "(end)" : text;
}

/* ---- tests
 * --------------------------------------------------------------------------------------------------- */

static void lines_come_whole_and_are_answered(void **state)
{
	(void)state;
	struct stat st;

	open_control();
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	told.answer = 1;
	int fd = dial();
	say(fd, "{\"cmd\":\"sta");
	loop_rig_turns(loop, 5);
	assert_int_equal(told.lines, 0);
	say(fd, "tus\"}\n\nb\nlast");
	until_lines(3);
	assert_string_equal(told.text, "{\"cmd\":\"status\"}||b|");
	loop_rig_turns(loop, 2);
	assert_string_equal(hear(fd), "{\"cmd\":\"status\"}\n\nb\n");
	assert_int_equal(told.eofs, 0);
	/* the end of input: the last line needs no newline; answers still arrive */
	shutdown(fd, SHUT_WR);
	loop_rig_until(loop, one_closed);
	assert_int_equal(told.lines, 4);
	assert_int_equal(told.eofs, 1);
	assert_string_equal(told.text, "{\"cmd\":\"status\"}||b|last|");
	assert_string_equal(hear(fd), "last\n");
	assert_string_equal(hear(fd), "(end)");
	close(fd);
}

static void answers_may_come_after_the_end_of_input(void **state)
{
	(void)state;
	open_control();
	told.answer = 3;
	int fd = dial();
	say(fd, "a\nb\n");
	shutdown(fd, SHUT_WR);
	loop_rig_until(loop, one_closed);
	assert_string_equal(told.text, "a|b|");
	assert_string_equal(hear(fd), "last\n");
	close(fd);
}

static void a_peer_that_leaves_is_told(void **state)
{
	(void)state;
	open_control();
	int fd = dial();
	say(fd, "a\n");
	until_lines(1);
	control_pause(told.conn);
	loop_rig_turns(loop, 2);
	close(fd);
	loop_rig_until(loop, one_closed);
	/* one that never said anything */
	fd = dial();
	loop_rig_turns(loop, 2);
	assert_int_equal(control_connections(control), 1);
	close(fd);
	loop_rig_until(loop, two_closed);
	assert_int_equal(control_connections(control), 0);
}

static void a_line_that_is_too_long_is_cut(void **state)
{
	(void)state;
	static char big[LINE_MAX_BYTES + 2];

	open_control();
	memset(big, 'x', sizeof big);
	/* exactly the maximum */
	int fd = dial();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	assert_int_equal(write(fd, big, LINE_MAX_BYTES), LINE_MAX_BYTES);
	loop_rig_turns(loop, 5);
	say(fd, "\n");
	until_lines(1);
	assert_int_equal(told.bytes, LINE_MAX_BYTES);
	/* one more, and many more, alone and behind others: its beginning counts as the line, the next one is
	 * the next */
	int lines = 1;
	for (int i = 0; i < 4; i++) {
		int other = dial();
		fcntl(other, F_SETFL, O_NONBLOCK);
		if (i % 2)
			say(other, "first\n");
		told.bytes = 0;
		for (int k = 0; k < (i / 2 ? 40 : 1); k++) {
			assert_int_equal(write(other, big, LINE_MAX_BYTES + 1), LINE_MAX_BYTES + 1);
			loop_rig_turns(loop, 5);
		}
		say(other, "\n");
		say(other, "more\n");
		lines += 2 + i % 2;
		until_lines(lines);
		assert_int_equal(told.bytes, LINE_MAX_BYTES + 1 + 4 + (i % 2 ? 5 : 0));
		/* the last one, without its end */
		told.eofs = 0;
		assert_int_equal(write(other, big, LINE_MAX_BYTES + 1), LINE_MAX_BYTES + 1);
		loop_rig_turns(loop, 5);
		(void)!write(other, big, 100);
		shutdown(other, SHUT_WR);
		until_lines(++lines);
		loop_rig_turns(loop, 5);
		assert_int_equal(told.eofs, 1);
		assert_int_equal(told.lines, lines);
		close(other);
	}
	/* others are not touched */
	say(fd, "still here\n");
	until_lines(lines + 1);
	close(fd);
}

/* A peer that asks and never reads: what waits for it is bounded, nothing more is read from it, others go on.
 */
static void a_peer_that_never_reads_is_bounded(void **state)
{
	(void)state;
	static char asks[20000];

	open_control();
	told.answer = 2;
	memset(asks, '\n', sizeof asks);
	int fd = dial(), other = dial();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 300; i++) {
		(void)!write(fd, asks, sizeof asks);
		loop_rig_turns(loop, 1);
	}
	print_message("# %d lines of it were read\n", told.lines);
	assert_true(told.lines < 60);
	assert_int_equal(told.last, AS_OK);
	assert_in_range(control_unsent(told.conn), 1, UNSENT_MAX);
	int before = told.lines;
	told.answer = 1;
	say(other, "hello\n");
	until_lines(before + 1);
	loop_rig_turns(loop, 2);
	assert_string_equal(hear(other), "hello\n");
	/* it reads at last: it goes on where it was */
	int drained = told.drained;
	told.answer = 0;
	static char in[1 << 20];
	for (int i = 0; i < 5000 && told.drained == drained; i++) {
		(void)!read(fd, in, sizeof in);
		loop_rig_turns(loop, 0);
	}
	assert_int_equal(told.drained, drained + 1);
	until_lines(before + 2);
	close(fd);
	close(other);
	told.closed = 0;
	loop_rig_until(loop, two_closed);
}

/* More than fits: the answer is refused whole, the connection stays as it was. */
static void an_answer_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	static char big[UNSENT_MAX + 1];

	open_control();
	int fd = dial();
	say(fd, "0\n");
	until_lines(1);
	assert_int_equal(control_write(told.conn, bytes_of(big, sizeof big)), AS_ETOOBIG);
	assert_int_equal(control_write(told.conn, bytes_of(big, UNSENT_MAX)), AS_OK);
	assert_int_equal(control_write(told.conn, bytes_of(big, 1)), AS_ETOOBIG);
	size_t got = 0;
	for (int i = 0; i < 5000 && got < UNSENT_MAX; i++) {
		ssize_t n = recv(fd, big, sizeof big, MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
		/* room comes back as it is sent */
		if (got > UNSENT_MAX / 2)
			break;
		loop_rig_turns(loop, 0);
	}
	assert_int_equal(control_write(told.conn, bytes_of(big, 1000)), AS_OK);
	control_finish(told.conn);
	assert_int_equal(control_write(told.conn, bytes_of(big, 1)), AS_EREFUSED);
	for (int i = 0; i < 5000 && got < UNSENT_MAX + 1000; i++) {
		ssize_t n = recv(fd, big, sizeof big, MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
		loop_rig_turns(loop, 0);
	}
	assert_int_equal(got, UNSENT_MAX + 1000);
	loop_rig_until(loop, one_closed);
	close(fd);
}

static void numbers(int fd, int from, int to)
{
	static char text[1 << 20];
	size_t n = 0;

	for (int i = from; i < to; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%d\n", i);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
}

static void a_pause_holds_lines_back(void **state)
{
	(void)state;
	open_control();
	told.pause_after = 10;
	int fd = dial();
	numbers(fd, 0, 5000);
	until_lines(10);
	loop_rig_turns(loop, 10);
	assert_int_equal(told.lines, 10);
	for (int i = 0; i < 3; i++) {
		told.pause_after = told.lines + 100;
		control_resume(told.conn);
		until_lines(told.pause_after);
		loop_rig_turns(loop, 2);
		assert_int_equal(told.lines, told.pause_after);
	}
	/* the end of input waits behind the lines */
	shutdown(fd, SHUT_WR);
	loop_rig_turns(loop, 5);
	assert_int_equal(told.eofs, 0);
	told.pause_after = 0;
	control_resume(told.conn);
	loop_rig_until(loop, one_closed);
	assert_int_equal(told.lines, 5000);
	assert_int_equal(told.order, '.');
	assert_int_equal(told.eofs, 1);
	close(fd);
}

static void nothing_follows_a_finish(void **state)
{
	(void)state;
	open_control();
	told.answer = 1;
	told.finish_after = 3;
	int fd = dial();
	numbers(fd, 0, 100);
	loop_rig_until(loop, one_closed);
	assert_int_equal(told.lines, 3);
	assert_int_equal(told.eofs, 0);
	assert_string_equal(hear(fd), "0\n1\n2\n");
	close(fd);
}

/* A child writes, this process answers: lines a second, in order, whatever the pieces are. */
static void many_small_lines_are_fast(void **state)
{
	(void)state;
	enum { N = 400000 };

	open_control();
	told.answer = 1;
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static char text[1 << 17], in[1 << 17];
		int fd, next = 0, lines = 0;
		size_t n = 0, at = 0;
		if (control_connect(path, &fd, NULL))
			_exit(1);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		while (lines < N) {
			if (at == n)
				for (at = n = 0; next < N && n < sizeof text - 16; next++)
					n += (size_t)snprintf(text + n, sizeof text - n, "%d\n", next);
			struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (at < n ? POLLOUT : 0))};
			poll(&p, 1, -1);
			ssize_t done = at < n ? send(fd, text + at, n - at, MSG_NOSIGNAL) : 0;
			at += done > 0 ? (size_t)done : 0;
			done = read(fd, in, sizeof in);
			if (done == 0)
				_exit(2);
			for (ssize_t i = 0; i < done; i++)
				lines += in[i] == '\n';
		}
		_exit(0);
	}
	uint64_t began = clock_mono_ms();
	until_lines(N);
	uint64_t took = clock_mono_ms() - began;
	loop_rig_until(loop, one_closed);
	int status = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(told.order, '.');
	print_message("# %.0f lines/s there and back\n", N * 1e3 / (double)(took ? took : 1));
}

static void connections_are_bounded(void **state)
{
	(void)state;
	int fds[9];

	open_control();
	for (int i = 0; i < 9; i++)
		fds[i] = dial();
	loop_rig_turns(loop, 5);
	assert_int_equal(control_connections(control), 8);
	assert_string_equal(hear(fds[8]), "{\"error\":\"too many connections\",\"exit\":1}\n");
	assert_string_equal(hear(fds[8]), "(end)");
	say(fds[0], "x\n");
	until_lines(1);
	close(fds[0]);
	loop_rig_until(loop, one_closed);
	close(fds[8]);
	fds[8] = dial();
	say(fds[8], "y\n");
	until_lines(2);
	for (int i = 1; i < 9; i++)
		close(fds[i]);
}

static void a_path_longer_than_a_socket_name(void **state)
{
	(void)state;
	char deep[400], *end = path + strlen(path) - strlen("/control.sock");

	snprintf(deep, sizeof deep, "/%0200d", 7);
	assert_int_equal(snprintf(end, sizeof path - (size_t)(end - path), "%s", deep), 201);
	assert_int_equal(mkdir(path, 0700), 0);
	char *parent = strdup(path);
	snprintf(path + strlen(path), 100, "/control.sock");
	assert_true(strlen(path) > 200);
	open_control();
	told.answer = 1;
	int fd = dial();
	say(fd, "far\n");
	until_lines(1);
	loop_rig_turns(loop, 2);
	assert_string_equal(hear(fd), "far\n");
	close(fd);
	control_close(control);
	control = NULL;
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(parent), 0);
	free(parent);
}

static void a_socket_left_behind_is_replaced_but_no_other(void **state)
{
	(void)state;
	struct as_errmsg em;
	struct control_conf c = conf();
	struct control *second;
	int fd;

	assert_int_equal(control_connect(path, &fd, &em), AS_ENOTFOUND);
	/* somebody listens */
	open_control();
	assert_int_equal(control_open(&second, loop, &c, &em), AS_EEXIST);
	assert_non_null(strstr(em.text, "another process listens there"));
	close(dial());
	loop_rig_turns(loop, 5);
	/* left behind by a process that was killed */
	fflush(NULL);
	control_close(control);
	control = NULL;
	assert_int_equal(access(path, F_OK), -1);
	struct control_address a = {.folder = -1};
	assert_int_equal(control_address(path, &a, NULL), AS_OK);
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&a.to, sizeof a.to), 0);
	control_address_done(&a);
	close(dead);
	assert_int_equal(control_connect(path, &fd, &em), AS_EREFUSED);
	open_control();
	close(dial());
	/* a newer one took the place: closing ours leaves it */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(control_open(&second, loop, &c, &em), AS_OK);
	control_close(control);
	control = NULL;
	assert_int_equal(access(path, F_OK), 0);
	control_close(second);
	assert_int_equal(access(path, F_OK), -1);
	/* a file that is none of ours */
	int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(file);
	assert_int_equal(control_open(&second, loop, &c, &em), AS_EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
	/* no such folder, no such name */
	c.path = "/nonexistent/control.sock";
	assert_int_equal(control_open(&second, loop, &c, &em), AS_ENOTFOUND);
	c.path = "/tmp/";
	assert_int_equal(control_open(&second, loop, &c, &em), AS_EINVAL);
}

/* As root only: a user who is neither of ours nor in the group, one who is in it by a second group. */
static void who_may_connect(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("# needs root: not run\n");
		return;
	}
	static const struct {
		gid_t gid, more;
		bool let_in;
	} rows[] = {{65534, 65534, false}, {4242, 65534, true}, {65534, 4242, true}};

	assert_int_equal(chown(folder, 0, 4242), 0);
	assert_int_equal(chmod(folder, 02755), 0); /* the socket gets the group of the folder */
	open_control();
	assert_int_equal(chmod(path, 0666), 0); /* not the mode alone */
	told.answer = 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fflush(NULL);
		told.lines = 0;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			int fd;
			char in[100] = "";
			if (setgroups(1, &rows[i].more) || setgid(rows[i].gid) || setuid(65534) ||
			    control_connect(path, &fd, NULL))
				_exit(9);
			send(fd, "x\n", 2, MSG_NOSIGNAL); /* who is turned away may find it closed already */
			ssize_t n = recv(fd, in, sizeof in - 1, 0);
			_exit(n == 2 ? 1 : strstr(in, "not permitted") ? 0 : 8);
		}
		int status = -1;
		uint64_t end = clock_mono_ms() + 5000;
		while (waitpid(pid, &status, WNOHANG) == 0 && clock_mono_ms() < end)
			loop_rig_turns(loop, 1);
		assert_int_equal(WEXITSTATUS(status), rows[i].let_in);
		assert_int_equal(told.lines, rows[i].let_in);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(lines_come_whole_and_are_answered),
	    T(answers_may_come_after_the_end_of_input),
	    T(a_peer_that_leaves_is_told),
	    T(a_line_that_is_too_long_is_cut),
	    T(a_peer_that_never_reads_is_bounded),
	    T(an_answer_that_does_not_fit_is_refused),
	    T(a_pause_holds_lines_back),
	    T(nothing_follows_a_finish),
	    T(many_small_lines_are_fast),
	    T(connections_are_bounded),
	    T(a_path_longer_than_a_socket_name),
	    T(a_socket_left_behind_is_replaced_but_no_other),
	    T(who_may_connect),
	};
	logline_level(LOG_LEVEL_ERR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
