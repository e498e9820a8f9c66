/*
 * Submissions over the control socket: lines come in, are recorded in groups, and are answered in the order in which
 * they came, each when it is durable. A connection that has much unanswered is not read further.
 */
#include <stdlib.h>

#include "common/base/log.h"
#include "daemon/branchd/branchd.h"

#define CONN_UNANSWERED_MAX 4096

struct submit_conn {
	struct branchd *d;
	struct control_conn *c; /* NULL: gone */
	uint64_t lines;
	struct pending *first, *last; /* not answered, oldest first */
	size_t unanswered;
	bool eof, paused, failed; /* failed: some line was refused */
	bool noted;
	bool imported; /* an importer speaks: its cases begin in the log of imports */
};

struct submit_conn *submit_begin(struct branchd *d, struct control_conn *c, bool imported)
{
	struct submit_conn *s = calloc(1, sizeof *s);

	if (s)
		*s = (struct submit_conn){.d = d, .c = c, .imported = imported};
	return s;
}

static void list_add(struct pending_list *l, struct pending *p)
{
	p->next = NULL;
	if (l->last)
		l->last->next = p;
	else
		l->first = p;
	l->last = p;
	l->n++;
}

/* In front, keeping their order: n lines of an append that have to wait. */
static void list_add_front(struct pending_list *l, struct pending **lines, size_t n)
{
	for (size_t i = n; i > 0; i--) {
		lines[i - 1]->next = l->first;
		l->first = lines[i - 1];
		if (l->last == NULL)
			l->last = lines[i - 1];
		l->n++;
	}
}

static void finish(struct submit_conn *s)
{
	static const char ok[] = "{\"exit\":0}\n", refused[] = "{\"exit\":1}\n";

	if (s->c) {
		struct bytes last = s->failed ? bytes_of_str(refused) : bytes_of_str(ok);
		*control_user(s->c) = NULL;
		if (control_write(s->c, last) != AS_OK)
			logline(LOG_LEVEL_WARN, "answer-lost", "reason=\"the asker does not read\"");
		control_finish(s->c);
	}
	free(s);
}

/* Gives out what is answered, oldest first; the connection may end with it. */
static void flush(struct submit_conn *s)
{
	while (s->first && s->first->answer) {
		struct pending *p = s->first;
		s->first = p->conn_next;
		if (s->first == NULL)
			s->last = NULL;
		s->unanswered--;
		s->d->unanswered--;
		s->d->unanswered_bytes -= p->n;
		if (s->c && control_write(s->c, bytes_of(p->answer, p->answer_n)) != AS_OK) {
			/* it does not take its answers: what it sent is recorded all the same */
			*control_user(s->c) = NULL;
			control_finish(s->c);
			s->c = NULL;
		}
		intake_free(p->in);
		free(p->answer);
		free(p);
	}
	if (s->c && s->paused && s->unanswered < CONN_UNANSWERED_MAX / 2) {
		s->paused = false;
		control_resume(s->c);
	}
	if (s->first == NULL && (s->eof || s->c == NULL))
		finish(s);
}

static void answer(struct pending *p, const struct accept_line *l)
{
	char text[ACCEPT_ANSWER_MAX + 1];
	size_t n = accept_answer(l, p->line_no, text);

	text[n++] = '\n';
	if (!l->stored)
		p->conn->failed = true;
	p->answer = malloc(n);
	if (p->answer == NULL) { /* recorded, but it cannot be said: the asker hears nothing and asks again */
		logline(LOG_LEVEL_ERR, "no-memory", "what=answer");
		p->answer = calloc(1, 1);
		p->answer_n = 0;
		return;
	}
	memcpy(p->answer, text, n);
	p->answer_n = n;
}

void submit_line(struct submit_conn *s, struct bytes line)
{
	struct pending *p = malloc(sizeof *p);
	struct accept_line l;

	if (p == NULL) {
		*control_user(s->c) = NULL;
		control_finish(s->c);
		submit_gone(s);
		return;
	}
	/* what it says is read here, while the store thread commits those before it */
	bool read = accept_read(s->d->home, line, s->imported, &l);
	*p = (struct pending){.conn = s, .line_no = ++s->lines, .in = l.in, .n = line.n};
	if (s->last)
		s->last->conn_next = p;
	else
		s->first = p;
	s->last = p;
	s->unanswered++;
	s->d->unanswered++;
	s->d->unanswered_bytes += p->n;
	if (read)
		list_add(&s->d->waiting[s->imported], p); /* its class is found out with its case */
	else
		answer(p, &l);
	if (!s->paused && (s->unanswered >= CONN_UNANSWERED_MAX || s->d->unanswered >= BRANCHD_WAITING_MAX ||
			   s->d->unanswered_bytes >= BRANCHD_WAITING_BYTES)) {
		s->paused = true;
		control_pause(s->c);
	}
	if (!read)
		flush(s);
}

void submit_eof(struct submit_conn *s)
{
	s->eof = true;
	flush(s);
}

void submit_gone(struct submit_conn *s)
{
	s->c = NULL;
	flush(s);
}

/* Connections whose lines were answered; a connection may be gone after its flush, so each is kept once. */
static void conn_note(struct submit_conn **list, size_t *n, struct submit_conn *s)
{
	if (!s->noted) {
		s->noted = true;
		list[(*n)++] = s;
	}
}

void submit_done(struct branchd *d, struct append_job *job)
{
	struct pending *again[BRANCHD_APPEND_MAX];
	struct submit_conn *conns[BRANCHD_APPEND_MAX];
	size_t again_n = 0, conns_n = 0;

	for (size_t i = 0; i < job->n; i++) {
		struct pending *p = job->taken[i];
		const struct accept_line *l = &job->lines[i];
		if (job->stale || l->verdict == ACCEPT_LATER || l->verdict == ACCEPT_NEW) {
			again[again_n++] = p;
		} else if (l->verdict == ACCEPT_OTHER) {
			list_add(&d->waiting[l->cls == LOG_BULK], p);
		} else {
			answer(p, l);
			conn_note(conns, &conns_n, p->conn);
		}
	}
	list_add_front(&d->waiting[job->ctx.log.cls == LOG_BULK], again, again_n);
	for (size_t i = 0; i < conns_n; i++) {
		conns[i]->noted = false;
		flush(conns[i]);
	}
}
