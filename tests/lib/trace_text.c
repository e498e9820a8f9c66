/* What the trace says: short, stable names for everything. */
#include <stdio.h>

#include "common/base/check.h"
#include "tests/lib/trace.h"

typedef unsigned long long ull;

static char *text_buf(void)
{
	static char ring[16][1024];
	static unsigned at;

	at = (at + 1) % AS_COUNT(ring);
	ring[at][0] = 0;
	return ring[at];
}

static void add(char *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(char *buf, const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, 1024 - n, fmt, ap);
	va_end(ap);
}

/* Incarnations of one number are told apart by primes, in the order of their first mention. */
static unsigned twin_of(struct tr *w, const struct log_id *id)
{
	unsigned twins = 0;

	for (size_t i = 0; i < w->names_n; i++) {
		const struct log_id *k = &w->names[i].id;
		if (k->number != id->number || memcmp(k->branch, id->branch, sizeof k->branch) != 0)
			continue;
		if (memcmp(k->inc, id->inc, sizeof k->inc) == 0)
			return w->names[i].twin;
		twins++;
	}
	as_assert(w->names_n < AS_COUNT(w->names));
	w->names[w->names_n].id = *id;
	w->names[w->names_n++].twin = twins;
	return twins;
}

const char *tr_log_text(struct tr *w, const struct log_id *id, const char *seen_from)
{
	char *s = text_buf();

	if (id->cls == LOG_HQ_ALL) {
		add(s, "hq-all/%u", id->number);
		return s;
	}
	if (seen_from == NULL || memcmp(id->branch, seen_from, BRANCH_CODE_MAX) != 0)
		add(s, "%.8s ", id->branch);
	if (id->cls == LOG_HQ_BRANCH) {
		add(s, "hq-branch/%u", id->number);
		return s;
	}
	add(s, "%s/%u", id->cls == LOG_LIVE ? "live" : "bulk", id->number);
	for (unsigned i = twin_of(w, id); i > 0; i--)
		add(s, "'");
	return s;
}

static const char *amount(uint64_t n)
{
	char *s = text_buf();

	if (n >= 10240)
		add(s, "%lluK", (ull)(n / 1024));
	else
		add(s, "%llu", (ull)n);
	return s;
}

static void add_heads(char *s, struct tr *w, const struct wire_head *heads, uint32_t n, const char *code)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i == 4 && n > 5) {
			add(s, ", … %u more", n - i);
			return;
		}
		add(s, ", %s %llu", tr_log_text(w, &heads[i].log, code), (ull)heads[i].head.size);
		if (heads[i].keys > 0)
			add(s, " keys %llu", (ull)heads[i].keys);
	}
}

static unsigned run_of(const uint8_t run_id[16])
{
	return run_id[0];
}

static void add_hello(char *s, struct tr *w, const struct msg_hello *h, const char *code)
{
	add(s, "hello run %u", run_of(h->run_id));
	if (h->wire_min != WIRE_VERSION_MIN || h->wire_max != WIRE_VERSION)
		add(s, ", wire %u..%u", h->wire_min, h->wire_max);
	if (h->instance > 0)
		add(s, ", instance %u", h->instance);
	add_heads(s, w, h->heads, h->heads_n, code);
	if (h->rest_n > 0)
		add(s, ", %u other%s", h->rest_n, h->rest_n > 1 ? "s" : "");
	add(s, ", credit %s", amount(h->credit));
}

static void add_pages(char *s, struct tr *w, const struct msg_heads *h, const char *code)
{
	if (h->ask) {
		add(s, "heads? %s%s", h->from_start ? "from the start" : "after ",
		    h->from_start ? "" : tr_log_text(w, &h->after, code));
		return;
	}
	add(s, h->announce ? "announce" : "heads");
	add_heads(s, w, h->heads, h->heads_n, code);
	if (h->returned > 0)
		add(s, ", %s given back", amount(h->returned));
	if (!h->last)
		add(s, ", to be continued");
}

static void add_have(char *s, struct tr *w, const struct msg_have *h, const char *code)
{
	add(s, "have");
	if (h->log.cls != 0) {
		add(s, " %s %llu", tr_log_text(w, &h->log, code), (ull)h->head.size);
		if (h->receipted)
			add(s, " receipt");
		if (h->keys > 0)
			add(s, " keys %llu", (ull)h->keys);
	}
	add(s, " credit %s", amount(h->credit));
	if (h->reseal)
		add(s, " reseal to %u", h->transport);
}

static const char *op_name(uint8_t op)
{
	return op == KEY_PUT ? "put" : op == KEY_VOID ? "void" : "tombstone";
}

static void add_keys(char *s, struct tr *w, const struct msg_keys *k, const char *code)
{
	add(s, "keys %s", tr_log_text(w, &k->log, code));
	for (uint32_t i = 0; i < k->keys_n; i++) {
		if (i == 3 && k->keys_n > 4) {
			add(s, ", … to %llu", (ull)k->keys[k->keys_n - 1].number);
			return;
		}
		add(s, ", %s %llu", op_name(k->keys[i].op), (ull)k->keys[i].number);
		if (k->keys[i].op == KEY_PUT)
			add(s, " sealed to %u", k->keys[i].transport);
	}
}

static void add_refuse(char *s, struct tr *w, const struct msg_refuse *r, const char *code)
{
	add(s, "refuse %s", sync_refuse_name(r->reason));
	if (r->log.cls != 0)
		add(s, " %s at %llu", tr_log_text(w, &r->log, code), (ull)r->first);
	for (uint32_t i = 0; i < r->points_n; i++)
		add(s, "%s%llu", i ? " " : ", holds ", (ull)r->points[i].size);
}

const char *tr_msg_text(struct tr *w, const struct msg *m, const char *code)
{
	char *s = text_buf();

	switch (m->type) {
	case MSG_HELLO:
		add_hello(s, w, &m->hello, code);
		break;
	case MSG_HEADS:
		add_pages(s, w, &m->heads, code);
		break;
	case MSG_BLOCK:
		add(s, "block %s %llu..%llu", tr_log_text(w, &m->block.log, code), (ull)m->block.first,
		    (ull)(m->block.first + m->block.count - 1));
		break;
	case MSG_HAVE:
		add_have(s, w, &m->have, code);
		break;
	case MSG_KEYS:
		add_keys(s, w, &m->keys, code);
		break;
	case MSG_REFUSE:
		add_refuse(s, w, &m->refuse, code);
		break;
	case MSG_JOIN:
		add(s, "join %.8s, identity %c", m->join.branch, 'A' + m->join.identity[0]);
		break;
	case MSG_JOINED:
		add(s, "joined %.8s, identity %c", m->joined.branch, 'A' + m->joined.identity[0]);
		break;
	default:
		add(s, "pending");
	}
	return s;
}

const char *tr_item_text(struct tr *w, const struct sync_item *i, const char *code,
			 const struct tr_slot *slots)
{
	const char *log = i->log.cls ? tr_log_text(w, &i->log, code) : "";
	char *s = text_buf();

	switch (i->type) {
	case ITEM_BLOCK:
		add(s, "%s %llu..%llu%s", log, (ull)i->first, (ull)(i->first + i->count - 1),
		    i->fold ? "" : ", not folded yet");
		break;
	case ITEM_REPAIR:
		add(s, "repair %s %llu..%llu", log, (ull)i->first, (ull)(i->first + i->count - 1));
		break;
	case ITEM_FOLD:
		add(s, "fold %s", log);
		break;
	case ITEM_RECEIPT:
		add(s, "receipt %s %llu", log, (ull)i->head.size);
		break;
	case ITEM_KEYS:
		add(s, "keys %s %llu..%llu", log, (ull)i->first, (ull)(i->first + slots[i->slot].keys_n - 1));
		break;
	case ITEM_VOID:
		add(s, "void keys %s %llu..%llu", log, (ull)i->first, (ull)i->keys_upto);
		break;
	case ITEM_CUT:
		add(s, "cut %s to %llu", log, (ull)i->head.size);
		break;
	case ITEM_ASIDE:
		add(s, "aside %s %llu..%llu, %s", log, (ull)i->first, (ull)(i->first + i->count - 1),
		    sync_refuse_name(i->reason));
		break;
	case ITEM_END:
		add(s, "key of %s ends at %llu", log, (ull)i->head.size);
		break;
	case ITEM_ADMIT:
		add(s, "admit by token %u", i->number);
		break;
	case ITEM_JOINED:
		add(s, "joined");
		break;
	case ITEM_INSTANCE:
		add(s, "instance %u", i->number);
		break;
	}
	return s;
}

const char *tr_alarm_text(struct tr *w, const struct sync_out *out, const char *code)
{
	static const char *const names[] = {
	    [ALARM_NONE] = "none",
	    [ALARM_CLONE] = "clone",
	    [ALARM_FORK] = "fork",
	    [ALARM_REFUSED] = "refused twice",
	    [ALARM_DAMAGED] = "damaged",
	    [ALARM_REPAIRED] = "repaired",
	    [ALARM_TOKEN_REUSED] = "token used by another key",
	    [ALARM_ROLLED_BACK] = "head office was rolled back",
	    [ALARM_INSTANCE] = "lower instance",
	    [ALARM_TOO_MANY] = "too many",
	    [ALARM_AFTER_END] = "after the end of its key",
	};
	char *s = text_buf();

	as_assert(out->alarm.what < AS_COUNT(names));
	add(s, "%s", names[out->alarm.what]);
	if (out->alarm.log.cls != 0)
		add(s, ", %s at %llu", tr_log_text(w, &out->alarm.log, code), (ull)out->alarm.size);
	else if (code == NULL)
		add(s, ", %.8s", out->alarm.branch);
	return s;
}

size_t tr_msg_bytes(const struct msg *m)
{
	switch (m->type) {
	case MSG_HELLO:
		return 120 + m->hello.heads_n * 80;
	case MSG_HEADS:
		return 40 + m->heads.heads_n * 80;
	case MSG_BLOCK:
		return 60 + m->block.block.n;
	case MSG_HAVE:
		return m->have.log.cls ? 200 : 30;
	case MSG_KEYS:
		return 50 + m->keys.keys_n * 110;
	case MSG_REFUSE:
		return 50 + m->refuse.points_n * 40;
	default:
		return 250;
	}
}
