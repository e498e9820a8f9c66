#include "common/store/keys.h"

#include <stdio.h>

#include "common/base/check.h"
#include "common/base/text.h"

_Static_assert(LOG_ID_BYTES + 8 + 8 <= KV_KEY_MAX, "aside keys fit");
_Static_assert(16 + LOG_ID_BYTES + 8 <= KV_KEY_MAX, "event id keys fit");
_Static_assert(LABEL_BYTES_MAX + 1 + 16 <= KV_KEY_MAX, "label keys fit");
_Static_assert(CELL_KEY_MAX <= KV_KEY_MAX, "cell keys fit");

static void add(struct store_key_buf *k, const void *p, size_t n)
{
	as_assert(n <= sizeof k->b - k->n);
	memcpy(k->b + k->n, p, n);
	k->n += n;
}

static void add_u64(struct store_key_buf *k, uint64_t v)
{
	uint8_t b[8];

	put_be64(b, v);
	add(k, b, sizeof b);
}

static void add_log(struct store_key_buf *k, const struct log_id *log)
{
	uint8_t b[LOG_ID_BYTES];

	log_id_put(log, b);
	add(k, b, sizeof b);
}

struct store_key_buf key_self(uint8_t which)
{
	struct store_key_buf k = {.n = 0};

	add(&k, &which, 1);
	return k;
}

struct store_key_buf key_log(const struct log_id *log)
{
	struct store_key_buf k = {.n = 0};

	add_log(&k, log);
	return k;
}

struct store_key_buf key_log_at(const struct log_id *log, uint64_t at)
{
	struct store_key_buf k = {.n = 0};

	add_log(&k, log);
	add_u64(&k, at);
	return k;
}

struct store_key_buf key_aside(const struct log_id *log, uint64_t first, const uint8_t check[8])
{
	struct store_key_buf k = key_log_at(log, first);

	add(&k, check, 8);
	return k;
}

struct store_key_buf key_case(const struct case_key *c)
{
	struct store_key_buf k = {.n = 0};

	add(&k, c->branch, sizeof c->branch);
	add(&k, c->id, sizeof c->id);
	return k;
}

struct store_key_buf key_event_id(const uint8_t id[16], const struct log_id *log, uint64_t index)
{
	struct store_key_buf k = {.n = 0};

	add(&k, id, 16);
	add_log(&k, log);
	add_u64(&k, index);
	return k;
}

struct store_key_buf key_label_prefix(struct bytes label)
{
	struct store_key_buf k = {.n = 0};

	as_assert(label.n > 0 && label.n <= LABEL_BYTES_MAX);
	add(&k, label.p, label.n);
	add(&k, "", 1);
	return k;
}

struct store_key_buf key_label(struct bytes label, const uint8_t case_id[16])
{
	struct store_key_buf k = key_label_prefix(label);

	add(&k, case_id, 16);
	return k;
}

struct store_key_buf key_branch(const char branch[BRANCH_CODE_MAX])
{
	return key_copy(bytes_of(branch, BRANCH_CODE_MAX));
}

struct store_key_buf key_copy(struct bytes key)
{
	struct store_key_buf k = {.n = 0};

	if (key.n)
		add(&k, key.p, key.n);
	return k;
}

bool key_has_prefix(struct bytes key, struct bytes prefix)
{
	return key.n >= prefix.n && (prefix.n == 0 || memcmp(key.p, prefix.p, prefix.n) == 0);
}

uint64_t key_at(struct bytes key)
{
	as_assert(key.n >= LOG_ID_BYTES + 8);
	return get_be64(key.p + LOG_ID_BYTES);
}

void key_log_text(const struct log_id *log, char out[64])
{
	static const char *const classes[] = {
	    [LOG_LIVE] = "live", [LOG_BULK] = "bulk", [LOG_HQ_ALL] = "hq/all", [LOG_HQ_BRANCH] = "hq"};
	char inc[9];

	text_hex(log->inc, 4, inc);
	snprintf(out, 64, "%.8s%s%s %u%s%s", log->branch, log->branch[0] ? " " : "",
		 log->cls < AS_COUNT(classes) && classes[log->cls] ? classes[log->cls] : "?", log->number,
		 log_is_hq(log) ? "" : " ", log_is_hq(log) ? "" : inc);
}

static const char *const names[TABLES] = {
    [TABLE_SELF] = "store",
    [TABLE_META] = "meta",
    [TABLE_LOG] = "log",
    [TABLE_BLOCK] = "block",
    [TABLE_FRONTIER] = "frontier",
    [TABLE_CASE] = "case",
    [TABLE_CELL] = "cell",
    [TABLE_FLAGGED] = "flagged event",
    [TABLE_RECEIPT] = "receipt",
    [TABLE_KEYCHANGE] = "key change",
    [TABLE_RING] = "ring entry",
    [TABLE_ASIDE] = "block aside",
    [TABLE_EVENT_ID] = "event id",
    [TABLE_LABEL] = "label",
    [TABLE_FLAG_COUNT] = "count of flagged events",
    [TABLE_BALANCE] = "balance",
};

void key_text(unsigned table, struct bytes key, char out[KEY_TEXT_MAX])
{
	const char *name = table < TABLES ? names[table] : "row";
	char hex[2 * KV_KEY_MAX + 1], log_text[64];
	struct log_id log;

	switch (table) {
	case TABLE_LOG:
	case TABLE_BLOCK:
	case TABLE_FRONTIER:
	case TABLE_FLAGGED:
	case TABLE_RECEIPT:
	case TABLE_KEYCHANGE:
	case TABLE_ASIDE:
		if (key.n < LOG_ID_BYTES || !log_id_get(key.p, &log))
			break;
		key_log_text(&log, log_text);
		if (key.n < LOG_ID_BYTES + 8)
			snprintf(out, KEY_TEXT_MAX, "%s %s", name, log_text);
		else
			snprintf(out, KEY_TEXT_MAX, "%s %s at %llu", name, log_text,
				 (unsigned long long)key_at(key));
		return;
	case TABLE_CASE:
		if (key.n != BRANCH_CODE_MAX + 16)
			break;
		text_hex(key.p + BRANCH_CODE_MAX, 16, hex);
		snprintf(out, KEY_TEXT_MAX, "%s %.8s %s", name, (const char *)key.p, hex);
		return;
	case TABLE_EVENT_ID:
		if (key.n != 16 + LOG_ID_BYTES + 8 || !log_id_get(key.p + 16, &log))
			break;
		text_hex(key.p, 16, hex);
		key_log_text(&log, log_text);
		snprintf(out, KEY_TEXT_MAX, "%s %.32s in %s at %llu", name, hex, log_text,
			 (unsigned long long)get_be64(key.p + 16 + LOG_ID_BYTES));
		return;
	case TABLE_LABEL:
		if (key.n <= 1 + 16 || key.p[key.n - 17] != 0)
			break;
		snprintf(out, KEY_TEXT_MAX, "%s %.*s", name, (int)(key.n - 17), (const char *)key.p);
		return;
	case TABLE_FLAG_COUNT:
		if (key.n != BRANCH_CODE_MAX)
			break;
		snprintf(out, KEY_TEXT_MAX, "%s %.8s", name, (const char *)key.p);
		return;
	case TABLE_META:
		snprintf(out, KEY_TEXT_MAX, "%s %.*s", name, (int)key.n, (const char *)key.p);
		return;
	default:
		break;
	}
	text_hex(key.p, key.n < KV_KEY_MAX ? key.n : KV_KEY_MAX, hex);
	snprintf(out, KEY_TEXT_MAX, "%s %s", name, hex);
}
