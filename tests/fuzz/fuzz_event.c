/* Fuzz: an event's bytes, its body by the table, the ledger on it, and a case record read back from the
 * input. */
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/ledger/body.h"
#include "common/ledger/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_event(struct bytes raw)
{
	static uint8_t again[EVENT_BYTES_MAX];
	struct case_entry entries[2];
	struct case_rec rec;
	struct case_key key;
	struct event ev, back;
	struct ledger_refusal why;
	struct body body;
	enum entry_status status;
	uint8_t leaf[32] = {0};
	size_t n;
	int bad;

	if (event_decode(raw, &ev))
		return;
	/* what was taken can be written again, and then says the same */
	as_err err = event_encode(&ev, again, sizeof again, &n);
	as_assert(err == AS_OK);
	err = event_decode(bytes_of(again, n), &back);
	as_assert(err == AS_OK && bytes_equal(back.body, ev.body) && back.kind == ev.kind);
	const struct kind_def *kind = kind_of(ev.kind);
	if (kind && body_decode(kind, BODY_FACTS, ev.body, &body, &bad) == AS_OK) {
		struct bytes rest;
		struct body_row row;
		for (unsigned i = 0; i < kind->fields_n; i++) {
			as_assert(!body_has(&body, i) || body_value_ok(&kind->fields[i], &body.v[i]));
			if (kind->fields[i].type == FT_ROWS && body_has(&body, i))
				for (rest = body.v[i].s; body_next_row(&kind->fields[i], &rest, &row);)
					;
		}
	}
	if (!ledger_case_of(&ev, "BJ01\0\0\0", &key))
		return;
	case_rec_init(&rec, &key, entries, 2);
	bool may = ledger_check(NULL, &ev, key.branch, leaf, &why) == AS_OK;
	err = ledger_apply(&rec, &ev, &(struct place){.inc_number = 1}, leaf, NULL, &status);
	as_assert(err == AS_OK && may == (status == ENTRY_APPLIED));
	err = ledger_apply(&rec, &ev, &(struct place){.inc_number = 2}, leaf, NULL, &status);
	as_assert(err == AS_OK && status == ENTRY_REPEATED);
}

static void try_record(struct bytes raw)
{
	static uint8_t memory[CASE_EVENTS_MAX * sizeof(struct case_entry) + 64], again[CASE_REC_BYTES_MAX];
	static const struct case_key key = {.branch = "BJ01"};
	struct arena a;
	struct case_rec rec;
	size_t n;

	arena_init(&a, memory, sizeof memory);
	if (case_rec_decode(raw, &key, 0, &a, &rec))
		return;
	as_err err = case_rec_encode(&rec, again, sizeof again, &n);
	as_assert(err == AS_OK);
	arena_reset(&a);
	err = case_rec_decode(bytes_of(again, n), &key, 0, &a, &rec);
	as_assert(err == AS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'R')
		try_record(bytes_of(data + 1, size - 1));
	else
		try_event(bytes_of(data, size));
	return 0;
}
