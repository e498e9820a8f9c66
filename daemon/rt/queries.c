#include "daemon/rt/queries.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/intake/intake.h"
#include "common/node/views.h"

#define SEND_TIMEOUT_S 30

struct queries {
	struct views *views;
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	int running; /* under lock */
};

struct query {
	struct queries *q;
	int fd;
	json_t *request; /* or */
	queries_fn fn;
	void *arg;
	bool gone;
};

as_err queries_open(struct queries **ret, struct node_home *home)
{
	struct queries *q = calloc(1, sizeof *q);

	if (q == NULL)
		return AS_ENOMEM;
	if (views_open(&q->views, home)) {
		free(q);
		return AS_ENOMEM;
	}
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->ended, NULL);
	*ret = q;
	return AS_OK;
}

as_err queries_serve(struct queries **ret_queries, struct control **ret_control, struct loop *loop, struct node_home *home,
		     const struct control_conf *calls, struct as_errmsg *em)
{
	struct control_conf conf = *calls;
	as_err err = queries_open(ret_queries, home);

	conf.path = home->dir.socket;
	conf.line_max = INTAKE_LINE_MAX;
	conf.unsent_max = 32u * 1024 * 1024;
	conf.connections_max = 64;
	return err ? err : control_open(ret_control, loop, &conf, em);
}

void queries_close(struct queries *q)
{
	if (q == NULL)
		return;
	atomic_store(&q->stop, true);
	pthread_mutex_lock(&q->lock);
	while (q->running > 0)
		pthread_cond_wait(&q->ended, &q->lock);
	pthread_mutex_unlock(&q->lock);
	pthread_cond_destroy(&q->ended);
	pthread_mutex_destroy(&q->lock);
	views_close(q->views);
	free(q);
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static bool emit(void *arg, json_t *line)
{
	struct query *y = arg;
	char *text;

	if (y->gone || atomic_load(&y->q->stop))
		return false;
	text = json_dumps(line, JSON_COMPACT);
	y->gone = text == NULL || !send_all(y->fd, text, strlen(text)) || !send_all(y->fd, "\n", 1);
	json_text_free(text);
	return !y->gone;
}

/* {"exit":N}, with an error when there is one. */
static json_t *end_of(int exit_code, const char *error)
{
	char text[400];

	if (error == NULL)
		return json_pack("{s:i}", "exit", exit_code);
	snprintf(text, sizeof text, "%s", error);
	text_utf8_mend(text);
	return json_pack("{s:i, s:s}", "exit", exit_code, "error", text);
}

static void *query_main(void *arg)
{
	struct query *y = arg;
	struct queries *q = y->q;
	struct node *n = NULL;
	struct as_errmsg em = {0};
	int code = 74;
	as_err err = views_take(q->views, &n, &em);
	AS_AUTO(json) json_t *end = NULL;

	if (err == AS_OK)
		code = y->fn ? y->fn(n, emit, y, y->arg) : query_run(n, y->request, emit, y);
	end = end_of(code, err == AS_OK ? NULL : em.text[0] ? em.text : as_err_text(err));
	if (end)
		emit(y, end);
	views_give(q->views, n);
	json_decref(y->request);
	free(y->arg);
	close(y->fd);
	free(y);
	pthread_mutex_lock(&q->lock);
	q->running--;
	pthread_cond_broadcast(&q->ended);
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* Takes *y on success, and on a failure after the connection was taken. */
static bool start(struct queries *q, struct control_conn *c, struct query *y)
{
	const struct timeval timeout = {.tv_sec = SEND_TIMEOUT_S};
	pthread_attr_t attr;
	pthread_t thread;
	bool room;

	y->q = q;
	pthread_mutex_lock(&q->lock);
	room = q->running < QUERIES_MAX;
	q->running += room;
	pthread_mutex_unlock(&q->lock);
	if (!room || (y->fd = control_detach(c)) < 0)
		goto no;
	setsockopt(y->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int failed = pthread_create(&thread, &attr, query_main, y);
	pthread_attr_destroy(&attr);
	if (failed == 0)
		return true;
	logline(LOG_LEVEL_ERR, "no-thread", "what=query");
	close(y->fd);
	json_decref(y->request);
	free(y->arg);
	free(y);
	y = NULL;
no:
	pthread_mutex_lock(&q->lock);
	q->running -= room;
	pthread_mutex_unlock(&q->lock);
	return y == NULL;
}

bool queries_run(struct queries *q, struct control_conn *c, const json_t *request)
{
	struct query *y = calloc(1, sizeof *y);

	if (y == NULL)
		return false;
	y->request = json_deep_copy(request);
	if (y->request && start(q, c, y))
		return true;
	json_decref(y->request);
	free(y);
	return false;
}

bool queries_call(struct queries *q, struct control_conn *c, queries_fn fn, void *arg)
{
	struct query *y = calloc(1, sizeof *y);

	if (y == NULL)
		return false;
	y->fn = fn;
	y->arg = arg;
	if (start(q, c, y))
		return true;
	free(y);
	return false;
}

bool control_emit(void *arg, json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	bool ok = text && control_write(arg, bytes_of_str(text)) == AS_OK &&
		  control_write(arg, bytes_of_str("\n")) == AS_OK;

	json_text_free(text);
	return ok;
}

void control_end(struct control_conn *c, int exit_code, const char *error)
{
	AS_AUTO(json) json_t *end = end_of(exit_code, error);

	if (end)
		control_emit(c, end);
	control_finish(c);
}
