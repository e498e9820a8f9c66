/*
 * submit: lines in, answers out, in order. Both ways at once, so a million lines cannot block: what waits to
 * be sent is bounded, answers are read whenever there are some.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/intake/intake.h"
#include "common/out/rows.h"
#include "tools/aftersync/client.h"
#include "tools/aftersync/commands.h"

#define WAITING_MAX (256 * 1024) /* bytes to send at which no more is read */
#define READ_CHUNK (64 * 1024)

/* Sent in the place of a line over the limit, so that the daemon's numbers stay right: it refuses it. */
#define PLACEHOLDER "{}\n"

struct pump {
	const struct args *a;
	struct client c;
	int in;
	bool in_end, shut, deaf; /* deaf: the daemon takes no more; its last answers are still read */
	struct buf waiting;
	size_t line_n; /* of the line being read, over the limit too */
	uint8_t line[INTAKE_LINE_MAX];
	uint64_t lines, answered; /* read; answered */
	struct buf too_long;	  /* u64 numbers of lines over the limit */
	size_t too_long_at;
	bool any_error;
	struct out out;
};

static void pump_done(struct pump *p)
{
	if (p->in > 0)
		close(p->in);
	client_done(&p->c);
	buf_done(&p->waiting);
	buf_done(&p->too_long);
	out_done(&p->out);
}

static as_err end_line(struct pump *p)
{
	uint64_t number = ++p->lines;
	bool ok = p->line_n <= INTAKE_LINE_MAX;
	as_err err = AS_OK;

	if (!ok)
		err = buf_add(&p->too_long, &number, sizeof number);
	if (!err && ok)
		err = buf_add(&p->waiting, p->line, p->line_n);
	if (!err)
		err = ok ? buf_add(&p->waiting, "\n", 1)
			 : buf_add(&p->waiting, PLACEHOLDER, sizeof PLACEHOLDER - 1);
	p->line_n = 0;
	return err;
}

/* AS_EIO: errno says why. */
static as_err read_input(struct pump *p)
{
	uint8_t chunk[READ_CHUNK];
	ssize_t k = read(p->in, chunk, sizeof chunk);
	as_err err = AS_OK;

	if (k < 0)
		return errno == EINTR || errno == EAGAIN ? AS_OK : AS_EIO;
	if (k == 0) {
		p->in_end = true;
		return p->line_n ? end_line(p) : AS_OK;
	}
	for (size_t at = 0; at < (size_t)k && !err;) {
		const uint8_t *end = memchr(chunk + at, '\n', (size_t)k - at);
		size_t n = (end ? (size_t)(end - chunk) : (size_t)k) - at;
		if (p->line_n + n <= INTAKE_LINE_MAX)
			memcpy(p->line + p->line_n, chunk + at, n);
		p->line_n += n;
		at += n;
		if (end) {
			err = end_line(p);
			at++;
		}
	}
	return err;
}

static void send_waiting(struct pump *p)
{
	ssize_t k = send(p->c.fd, p->waiting.p, p->waiting.n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (k < 0 && errno != EAGAIN && errno != EINTR)
		p->deaf = true;
	if (k <= 0)
		return;
	memmove(p->waiting.p, p->waiting.p + k, p->waiting.n - (size_t)k);
	p->waiting.n -= (size_t)k;
}

/* Is that the number of the next line that was over the limit? */
static bool was_too_long(struct pump *p, json_int_t line)
{
	uint64_t number;

	if (p->too_long_at == p->too_long.n)
		return false;
	memcpy(&number, p->too_long.p + p->too_long_at, sizeof number);
	if (line < 0 || (uint64_t)line != number)
		return false;
	p->too_long_at += sizeof number;
	return true;
}

/* One answer; true: it was the last, *ret_code. */
static bool take_answer(struct pump *p, struct bytes line, int *ret_code)
{
	AS_AUTO(json) json_t *answer = json_loadb((const char *)line.p, line.n, 0, NULL);
	const char *error;
	json_int_t number;

	if (!json_is_object(answer)) {
		*ret_code = cli_fail(EXIT_WRONG, p->a,
				     "the daemon's answer is no JSON object: is it of another version?");
		return true;
	}
	if (client_is_end(answer, ret_code, &error)) {
		if (error)
			cli_fail(*ret_code, p->a, "%s", error);
		else if (*ret_code == EXIT_DONE && p->any_error)
			*ret_code = EXIT_WRONG;
		return true;
	}
	p->answered++;
	number = json_integer_value(json_object_get(answer, "line"));
	if (was_too_long(p, number)) {
		out_fmt(&p->out, "{\"line\":%lld,\"error\":\"The line is longer than %d KiB.\"}\n",
			(long long)number, INTAKE_LINE_MAX / 1024);
		p->any_error = true;
		return false;
	}
	p->any_error = p->any_error || json_object_get(answer, "error");
	out_add(&p->out, line.p, line.n);
	out_str(&p->out, "\n");
	return false;
}

/* All answers that are there. True: the end, *ret_code. */
static bool take_answers(struct pump *p, int *ret_code)
{
	struct as_errmsg em = {"out of memory"};
	struct bytes line;
	as_err err;

	while (!(err = client_line_now(&p->c, &line, &em)) && !p->out.error)
		if (take_answer(p, line, ret_code))
			return true;
	out_flush(&p->out);
	if (p->out.error) {
		*ret_code = EXIT_IO; /* said at the end */
		return true;
	}
	if (err == AS_ENOTFOUND)
		return false;
	*ret_code =
	    cli_fail(EXIT_IO, p->a,
		     "%s. %llu lines were answered; submit all again: an event_id is recorded once only",
		     em.text, (unsigned long long)p->answered);
	return true;
}

static int run(struct pump *p)
{
	int code = EXIT_DONE;

	for (;;) {
		bool sends = p->waiting.n && !p->deaf,
		     reads = !p->in_end && !p->deaf && p->waiting.n < WAITING_MAX;
		struct pollfd fds[2] = {{.fd = p->c.fd, .events = (short)(POLLIN | (sends ? POLLOUT : 0))},
					{.fd = reads ? p->in : -1, .events = POLLIN}};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return cli_fail(EXIT_IO, p->a, "poll: %s", strerror(errno));
		if (fds[1].revents) {
			as_err err = read_input(p);
			if (err)
				return cli_fail(EXIT_IO, p->a, "%s: %s",
						p->a->arg ? p->a->arg : "standard input",
						err == AS_EIO ? strerror(errno) : as_err_text(err));
		}
		if (sends && fds[0].revents & (POLLOUT | POLLHUP | POLLERR))
			send_waiting(p);
		if (p->in_end && p->waiting.n == 0 && !p->shut) {
			shutdown(p->c.fd, SHUT_WR);
			p->shut = true;
		}
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR) && take_answers(p, &code))
			return code;
	}
}

int cmd_submit(const struct args *a)
{
	static struct pump pump; /* large */
	const char *dir = cli_value(a, "dir"), *file = a->arg && strcmp(a->arg, "-") != 0 ? a->arg : NULL;
	struct as_errmsg em = {"out of memory"};
	int in = file ? open(file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;

	pump = (struct pump){.a = a, .in = in};
	out_to_fd(&pump.out, STDOUT_FILENO);
	buf_init(&pump.waiting, 1u << 20);
	buf_init(&pump.too_long, 64u << 20);
	pump.c.fd = -1;
	if (in < 0)
		return cli_fail(EXIT_IO, a, "%.200s: %s", file, strerror(errno));
	as_err err = client_open_wait(&pump.c, dir, &em);
	if (!err)
		err = buf_add(&pump.waiting, "{\"cmd\":\"submit\"}\n", 17);
	int code =
	    err == AS_ENOTFOUND
		? cli_fail(EXIT_NO_DAEMON, a, "daemon not running: start aftersync-branchd --dir %.200s", dir)
	    : err ? cli_fail(cli_exit_of(err), a, "%s", em.text)
		  : run(&pump);
	if (out_end(&pump.out, &em))
		code = cli_fail(EXIT_IO, a, "%s", em.text);
	pump_done(&pump);
	return code;
}
