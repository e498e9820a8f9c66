#include "tools/aftersync/import_send.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/cleanup.h"

#define WAITING_MAX (256 * 1024) /* bytes to send at which no more rows are read */
#define ON_WAY_MAX 16384	 /* lines; the daemon holds back more than it likes by itself */
#define ROW_LINES_MAX 16	 /* events of one row */
#define PROGRESS_MS 200

struct send {
	const struct args *a;
	struct client *c;
	const struct import_source *source;
	struct import_counts counts;
	struct buf waiting;
	size_t at;
	struct import_tag way[ON_WAY_MAX]; /* ring: sent and not answered */
	size_t first, n;
	uint64_t answered, refused_row;
	bool any_refused, drained, shut, deaf, stop;
	int code;
	char why[400]; /* the daemon's sentence that ended it */
};

static as_err produce(struct send *s)
{
	struct import_tag tag = {0};
	size_t n = 0;
	as_err err = s->source->next(s->source->arg, &tag, &s->waiting, &n);

	if (err == AS_ENOTFOUND)
		s->drained = true;
	else if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		s->way[(s->first + s->n++) % ON_WAY_MAX] = tag;
	return AS_OK;
}

static void send_waiting(struct send *s)
{
	ssize_t k = send(s->c->fd, s->waiting.p + s->at, s->waiting.n - s->at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (k < 0 && errno != EAGAIN && errno != EINTR)
		s->deaf = true; /* its last answers are still read */
	if (k > 0)
		s->at += (size_t)k;
	if (s->at == s->waiting.n || s->at > WAITING_MAX) {
		memmove(s->waiting.p, s->waiting.p + s->at, s->waiting.n - s->at);
		s->waiting.n -= s->at;
		s->at = 0;
	}
}

static void take_refusal(struct send *s, const struct import_tag *tag, const json_t *answer, const char *error)
{
	const char *field = json_string_value(json_object_get(answer, "field"));

	if (strncmp(error, "NOT recorded", 12) == 0) { /* the store: nothing that follows will go better */
		if (!s->stop)
			snprintf(s->why, sizeof s->why, "%s", error);
		s->stop = true;
	} else if (!s->stop && (!s->any_refused || s->refused_row != tag->row)) {
		/* once stopped, lines miss what was not recorded before them */
		s->source->refused(s->source->arg, tag, field ? field : "", error);
		s->any_refused = true;
		s->refused_row = tag->row;
	}
	s->code = EXIT_WRONG;
}

/* True: it was the last one. */
static bool take_answer(struct send *s, struct bytes line)
{
	AS_AUTO(json) json_t *answer = json_loadb((const char *)line.p, line.n, 0, NULL);
	const char *error;
	int code;

	if (json_is_object(answer) && client_is_end(answer, &code, &error)) {
		if (error)
			s->code = cli_fail(code, s->a, "%s", error);
		else if (s->code == EXIT_DONE)
			s->code = code;
		return true;
	}
	if (!json_is_object(answer) || s->n == 0) {
		s->code = cli_fail(EXIT_WRONG, s->a, "the daemon's answer is none to a line: is it of another version?");
		return true;
	}
	struct import_tag tag = s->way[s->first];
	s->first = (s->first + 1) % ON_WAY_MAX;
	s->n--;
	s->answered++;
	error = json_string_value(json_object_get(answer, "error"));
	if (error)
		take_refusal(s, &tag, answer, error);
	else if (json_is_true(json_object_get(answer, "known")))
		s->counts.known++;
	else
		s->counts.fresh++;
	return false;
}

static bool take_answers(struct send *s)
{
	struct as_errmsg em = {"out of memory"};
	struct bytes line;
	as_err err;

	while (!(err = client_line_now(s->c, &line, &em)))
		if (take_answer(s, line))
			return true;
	if (err == AS_ENOTFOUND)
		return false;
	s->code = cli_fail(EXIT_IO, s->a, "%s: import again, it goes on where it was", em.text);
	return true;
}

static int run(struct send *s)
{
	for (;;) {
		while (!s->drained && !s->stop && !s->deaf && s->waiting.n - s->at < WAITING_MAX &&
		       s->n + ROW_LINES_MAX <= ON_WAY_MAX) {
			as_err err = produce(s);
			if (err)
				return cli_fail(EXIT_IO, s->a, "%s: import again, it goes on where it was", as_err_text(err));
		}
		bool sends = s->waiting.n > s->at && !s->deaf;
		struct pollfd p = {.fd = s->c->fd, .events = (short)(POLLIN | (sends ? POLLOUT : 0))};
		if (!sends && !s->shut && (s->drained || s->stop)) {
			shutdown(s->c->fd, SHUT_WR);
			s->shut = true;
		}
		int k = poll(&p, 1, PROGRESS_MS);
		if (k < 0 && errno != EINTR)
			return cli_fail(EXIT_IO, s->a, "poll: %s", strerror(errno));
		if (sends && p.revents & (POLLOUT | POLLHUP | POLLERR))
			send_waiting(s);
		bool end = p.revents & (POLLIN | POLLHUP | POLLERR) && take_answers(s);
		s->source->progress(s->source->arg, s->answered);
		if (end)
			return s->code;
	}
}

int import_send(const struct args *a, struct client *c, const struct import_source *source, struct import_counts *ret)
{
	static struct send s; /* large */
	struct as_errmsg em = {"out of memory"};

	s = (struct send){.a = a, .c = c, .source = source};
	buf_init(&s.waiting, 4u << 20);
	AS_AUTO(json) json_t *request = json_pack("{s:s, s:b}", "cmd", "submit", "imported", 1);
	as_err err = request ? client_ask(c, request, &em) : AS_ENOMEM;
	int code = err ? cli_fail(cli_exit_of(err), a, "%s", em.text) : run(&s);
	buf_done(&s.waiting);
	*ret = s.counts;
	if (s.why[0])
		return cli_fail(EXIT_WRONG, a, "%s What was recorded stays; import again when there is room", s.why);
	return code;
}
