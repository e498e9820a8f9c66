/* Lines to submit, and submitting them. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/intake/forms.h"
#include "tests/bench/system.h"

#define LINE_MAX_BYTES 1024

void feed_init(struct feed *f, const char *code, uint64_t seed)
{
	*f = (struct feed){.seed = seed};
	snprintf(f->code, sizeof f->code, "%s", code);
}

void feed_done(struct feed *f)
{
	free(f->text);
	free(f->ends);
	*f = (struct feed){0};
}

/* A number with the check digit of an IMEI. */
static void imei_put(uint64_t n, char out[16])
{
	int sum = 0;

	snprintf(out, 16, "49015420%06u", (unsigned)(n % 1000000));
	for (int i = 0; i < 14; i++) {
		int d = (out[i] - '0') * (i % 2 ? 2 : 1);
		sum += d > 9 ? d - 9 : d;
	}
	out[14] = (char)('0' + (10 - sum % 10) % 10);
	out[15] = 0;
}

/* Facts of an event, and whether there is a personal part. */
static int facts_put(uint8_t stage, uint64_t case_no, struct rng *r, const char *later, char *out, size_t cap)
{
	static const char *const models[] = {"A100", "A200", "B7 Pro", "C9", "C9 Plus", "D1", "X20", "X21"};
	static const char *const causes[] = {"SCREEN",	"POWER_BATTERY", "CHARGE_PORT",
					     "SPEAKER", "CAMERA",	 "BOOT_LOOP"};
	char imei[16];

	switch (stage) {
	case 0:
		imei_put(case_no, imei);
		return snprintf(
		    out, cap,
		    "\"model\":\"%s\",\"channel\":\"WALK_IN\",\"promised_at\":\"%s\",\"symptom\":[\"H03\"],"
		    "\"appearance\":[\"SCRATCH\"],\"accessories\":[\"BATTERY\",\"CHARGER\"]},\"personal\":{"
		    "\"name\":\"王小%c\",\"phone\":\"138%08u\",\"imei\":\"%s\",\"symptom_text\":\"开机后"
		    "屏幕无显示, 充电正常\"",
		    models[rng_below(r, 8)], later, (int)('a' + rng_below(r, 26)),
		    (unsigned)rng_below(r, 100000000), imei);
	case 1:
		return snprintf(out, cap,
				"\"cause\":\"%s\",\"warranty\":\"IN_WARRANTY\",\"fault_confirmed\":true",
				causes[rng_below(r, 6)]);
	case 2:
	case 3:
		return snprintf(out, cap, "\"technician\":%u", (unsigned)(1010 + case_no % 7));
	case 4:
		return snprintf(out, cap, "\"outcome\":\"FIXED\",\"resolution\":[\"PART\"],\"labour_min\":%u",
				(unsigned)(10 + rng_below(r, 90)));
	case 5:
		return snprintf(out, cap, "\"pass\":true,\"checker\":1030");
	case 6:
		return snprintf(out, cap, "\"via\":\"PHONE\",\"reached\":true");
	default:
		return snprintf(out, cap, "\"tested_with_customer\":true,\"taken_by\":\"OWNER\"");
	}
}

static int line_put(struct feed *f, size_t slot, int64_t now, char *out)
{
	static const char *const kinds[FEED_LIFE] = {
	    "REPAIR_RECEIVED", "REPAIR_INSPECTED", "REPAIR_ASSIGNED",	"REPAIR_STARTED",
	    "REPAIR_DONE",     "QC_CHECKED",	   "CUSTOMER_NOTIFIED", "REPAIR_DELIVERED"};
	struct rng r = {.state = f->seed * 1000003 + f->events};
	char at[FORM_TIME_MAX], later[FORM_TIME_MAX], id[37], facts[LINE_MAX_BYTES - 300];
	uint8_t uuid[16];

	if (f->stage[slot] == 0)
		f->serial[slot] = ++f->cases;
	rng_fill(&r, uuid, sizeof uuid); /* a UUIDv7, as a careful program gives */
	for (int i = 0; i < 6; i++)
		uuid[i] = (uint8_t)((uint64_t)now >> (40 - 8 * i));
	uuid[6] = 0x70 | (uuid[6] & 0x0f);
	uuid[8] = 0x80 | (uuid[8] & 0x3f);
	form_uuid_text(uuid, id);
	form_time_text(now - now % 1000, 480, at);
	form_time_text(now - now % 1000 + 3 * 86400000, 480, later);
	facts_put(f->stage[slot], f->serial[slot], &r, later, facts, sizeof facts);
	int n = snprintf(out, LINE_MAX_BYTES,
			 "{\"event_id\":\"%s\",\"kind\":\"%s\",\"occurred_at\":\"%s\",\"actor\":1001,"
			 "\"case\":\"%s-%08llu\","
			 "\"facts\":{%s}}\n",
			 id, kinds[f->stage[slot]], at, f->code, (unsigned long long)f->serial[slot], facts);
	as_assert(n < LINE_MAX_BYTES);
	return n;
}

static void line_add(struct feed *f, size_t slot, int64_t now)
{
	if (f->cap - f->bytes < LINE_MAX_BYTES) {
		f->cap = f->cap ? 2 * f->cap : 1u << 20;
		f->text = realloc(f->text, f->cap);
	}
	if (f->n == f->n_cap) {
		f->n_cap = f->n_cap ? 2 * f->n_cap : 4096;
		f->ends = realloc(f->ends, f->n_cap * sizeof f->ends[0]);
	}
	as_assert(f->text && f->ends);
	f->bytes += (size_t)line_put(f, slot, now, f->text + f->bytes);
	f->ends[f->n++] = (uint32_t)f->bytes;
	f->events++;
}

void feed_make(struct feed *f, size_t n, enum feed_part part)
{
	int64_t now = clock_utc_ms();

	f->n = 0;
	f->bytes = 0;
	if (part == FEED_FIRST) { /* FEED_REST goes on with the last 64 of them */
		for (size_t i = 0; i < n; i++) {
			size_t slot = f->next++ % AS_COUNT(f->stage);
			f->stage[slot] = 0;
			line_add(f, slot, now);
			f->stage[slot] = 1;
		}
		return;
	}
	for (size_t i = 0; f->n < n; i++) {
		size_t slot = f->next++ % AS_COUNT(f->stage);
		if (part == FEED_REST && f->stage[slot] == 0) {
			as_assert(i < n + AS_COUNT(f->stage)); /* enough cases are open */
			continue;
		}
		line_add(f, slot, now);
		f->stage[slot] = (uint8_t)((f->stage[slot] + 1) % FEED_LIFE);
	}
}

/* ---- submitting ----------------------------------------------------------------------------------- */

struct sending {
	const struct feed *f;
	int fd;
	size_t sent, answered; /* lines */
	size_t sent_bytes;
	double *began, *ms;
	char in[1 << 16]; /* an answer's beginning may be kept */
	size_t in_n;
	bool ended;
};

static void send_some(struct sending *s, size_t in_flight)
{
	size_t upto = s->answered + in_flight;

	if (upto > s->f->n)
		upto = s->f->n;
	size_t end = upto ? s->f->ends[upto - 1] : 0;
	if (s->sent_bytes >= end)
		return;
	double now = s->ms ? now_s() : 0;
	ssize_t n = send(s->fd, s->f->text + s->sent_bytes, end - s->sent_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN)
			fail("submit: %s", strerror(errno));
		return;
	}
	s->sent_bytes += (size_t)n;
	while (s->sent < s->f->n && s->f->ends[s->sent] <= s->sent_bytes) {
		if (s->ms)
			s->began[s->sent] = now;
		s->sent++;
	}
}

static void take_answers(struct sending *s)
{
	ssize_t n = recv(s->fd, s->in + s->in_n, sizeof s->in - 1 - s->in_n, MSG_DONTWAIT);
	double now = s->ms ? now_s() : 0;
	char *line = s->in, *end;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		fail("submit: the daemon ended the connection");
	s->in_n += (size_t)n;
	s->in[s->in_n] = 0;
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = 0;
		if (strncmp(line, "{\"line\":", 8) != 0 || strstr(line, "\"error\"")) {
			if (strcmp(line, "{\"exit\":0}") != 0)
				fail("submit: answer %zu: %s", s->answered + 1, line);
			s->ended = true;
			break;
		}
		if (s->ms)
			s->ms[s->answered] = (now - s->began[s->answered]) * 1e3;
		s->answered++;
	}
	s->in_n = (size_t)(s->in + s->in_n - line);
	memmove(s->in, line, s->in_n);
}

static void sending_begin(struct sending *s, const struct feed *f, const struct bench_node *branch,
			  double *ms)
{
	static const char begin[] = "{\"cmd\":\"submit\"}\n";

	*s = (struct sending){.f = f, .ms = ms, .fd = control_connect(branch)};
	s->began = ms ? calloc(f->n, sizeof s->began[0]) : NULL;
	if (send(s->fd, begin, sizeof begin - 1, MSG_NOSIGNAL) != sizeof begin - 1)
		fail("submit: %s", strerror(errno));
}

/* Until all are answered. */
static void sending_run(struct sending *s, size_t n, size_t in_flight)
{
	struct pollfd p[16];
	size_t left = n;

	as_assert(n <= AS_COUNT(p));
	while (left) {
		left = 0;
		for (size_t i = 0; i < n; i++) {
			if (s[i].answered < s[i].f->n)
				send_some(&s[i], in_flight);
			bool more = s[i].sent_bytes < s[i].f->bytes && s[i].sent < s[i].answered + in_flight;
			p[i] = (struct pollfd){.fd = s[i].answered < s[i].f->n ? s[i].fd : -1,
					       .events = (short)(POLLIN | (more ? POLLOUT : 0))};
			left += p[i].fd >= 0;
		}
		if (left && poll(p, n, 60000) <= 0)
			fail("submit: no answer for a minute after %zu", s->answered);
		for (size_t i = 0; i < n; i++)
			if (p[i].fd >= 0 && p[i].revents & (POLLIN | POLLHUP))
				take_answers(&s[i]);
	}
}

static void sending_end(struct sending *s)
{
	close(s->fd);
	free(s->began);
}

void feed_send(const struct feed *f, const struct bench_node *branch, size_t in_flight, double *ms)
{
	struct sending *s = calloc(1, sizeof *s);

	as_assert(s != NULL);
	sending_begin(s, f, branch, ms);
	sending_run(s, 1, in_flight);
	sending_end(s);
	free(s);
}

void feed_send_all(const struct feed *f, const struct bench_node *branch, size_t n, size_t in_flight)
{
	struct sending *s = calloc(n, sizeof *s);

	as_assert(s != NULL);
	for (size_t i = 0; i < n; i++)
		sending_begin(&s[i], &f[i], &branch[i], NULL);
	sending_run(s, n, in_flight);
	for (size_t i = 0; i < n; i++)
		sending_end(&s[i]);
	free(s);
}

struct feed_session {
	struct sending s;
};

struct feed_session *feed_open(const struct bench_node *branch)
{
	static const struct feed none;
	struct feed_session *s = calloc(1, sizeof *s);

	as_assert(s != NULL);
	sending_begin(&s->s, &none, branch, NULL);
	return s;
}

void feed_one(struct feed_session *s, const struct feed *f, size_t i)
{
	size_t from = i ? f->ends[i - 1] : 0, before = s->s.answered;
	struct pollfd p = {.fd = s->s.fd, .events = POLLIN};

	if (send(s->s.fd, f->text + from, f->ends[i] - from, MSG_NOSIGNAL) != (ssize_t)(f->ends[i] - from))
		fail("submit: %s", strerror(errno));
	while (s->s.answered == before) {
		if (poll(&p, 1, 60000) <= 0)
			fail("submit: no answer for a minute");
		take_answers(&s->s);
	}
}

void feed_close(struct feed_session *s)
{
	sending_end(&s->s);
	free(s);
}

/* ---- distributions -------------------------------------------------------------------------------- */

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct percentiles percentiles_of(double *v, size_t n)
{
	qsort(v, n, sizeof v[0], order);
	return (struct percentiles){
	    .p50 = v[n / 2], .p90 = v[n * 9 / 10], .p99 = v[n * 99 / 100], .max = v[n - 1]};
}
