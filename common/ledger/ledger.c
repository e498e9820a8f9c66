#include "common/ledger/ledger.h"

#include "common/base/check.h"
#include "common/ledger/body.h"
#include "common/ledger/checks.h"
#include "common/ledger/contribution.h"
#include "common/ledger/transitions.h"

bool ledger_case_of(const struct event *ev, const char branch[BRANCH_CODE_MAX], struct case_key *ret_key)
{
	if (ev->kind == LOG_OPENED || (ev->kind == HQ_APPLIED && ev->case_id.n == 0))
		return false;
	memcpy(ret_key->branch, branch, BRANCH_CODE_MAX);
	memcpy(ret_key->id, ev->case_id.n ? ev->case_id.p : ev->event_id.p, 16);
	return true;
}

/* ---- an event as an entry ---------------------------------------------------------------- */

static void take_slot(struct fold_input *in, uint8_t slot, const struct body_value *v)
{
	switch (slot) {
	case FOLD_C0:
	case FOLD_C1:
	case FOLD_C2:
	case FOLD_C3:
		in->c[slot - FOLD_C0] = (uint8_t)v->i;
		break;
	case FOLD_STAFF:
		in->staff = (uint32_t)v->i;
		break;
	case FOLD_T0:
	case FOLD_T1:
	case FOLD_T2:
		in->t[slot - FOLD_T0] = v->i;
		break;
	case FOLD_MODEL:
		in->model_n = (uint8_t)v->s.n;
		memcpy(in->model, v->s.p, v->s.n);
		break;
	default:
		break;
	}
}

/* The facts of `ev` into the slots of the fold; AS_EPROTO with the field at fault. */
static as_err read_facts(const struct kind_def *kind, const struct event *ev, struct body *body,
			 struct fold_input *in, int *ret_bad)
{
	as_err err = body_decode(kind, BODY_FACTS, ev->body, body, ret_bad);

	if (err)
		return err;
	if ((*ret_bad = body_missing(kind, BODY_FACTS, body, ev->imported)) >= 0)
		return AS_EPROTO;
	for (unsigned i = 0; i < kind->fields_n; i++)
		if (kind->fields[i].slot && body_has(body, i))
			take_slot(in, kind->fields[i].slot, &body->v[i]);
	return AS_OK;
}

static void take_header(const struct event *ev, struct case_entry *e)
{
	memcpy(e->id, ev->event_id.p, 16);
	e->kind = ev->kind <= UINT16_MAX ? (uint16_t)ev->kind : 0;
	e->business_date = ev->business_date;
	e->tz_offset_min = ev->tz_offset_min;
	e->occurred_at = ev->occurred_at;
	e->flags |= (uint8_t)((ev->imported ? EF_IMPORTED : 0) | (ev->late ? EF_LATE : 0) |
			      (ev->time_suspect ? EF_TIME_SUSPECT : 0) |
			      (ev->approver != 0 && ev->approver != ev->actor ? EF_APPROVED : 0));
}

static bool same_branch(struct bytes code, const char branch[BRANCH_CODE_MAX])
{
	char padded[BRANCH_CODE_MAX] = {0};

	if (code.n == 0 || code.n > BRANCH_CODE_MAX)
		return false;
	memcpy(padded, code.p, code.n);
	return memcmp(padded, branch, BRANCH_CODE_MAX) == 0;
}

/*
 * HQ_APPLIED counts as the event inside: its id and header, and instead of a leaf hash its salt, which its
 * author drew at random. So the same event of head office counts once, whoever wrapped it how often.
 */
static as_err open_hq_event(const struct event *outer, const struct kind_def *kind, const struct body *body,
			    const struct case_key *key, struct event *ret_inner)
{
	struct event inner;
	unsigned i = 0;
	as_err err;

	while (i < kind->fields_n && kind->fields[i].slot != FOLD_INNER)
		i++;
	if (i == kind->fields_n || !body_has(body, i))
		return AS_EPROTO;
	if ((err = event_decode(body->v[i].s, &inner)))
		return err;
	if (inner.kind == LOG_OPENED || inner.kind == HQ_APPLIED ||
	    !same_branch(inner.case_branch, key->branch) || !bytes_equal(inner.case_id, outer->case_id))
		return AS_EPROTO;
	*ret_inner = inner;
	return AS_OK;
}

/* Cannot fail: what is wrong with the event alone stands in the entry's flags. ret_field: the one at fault.
 */
static void entry_of(const struct event *ev, const struct place *place, const uint8_t leaf[32],
		     const struct case_key *key, struct case_entry *e, const struct field_def **ret_field)
{
	struct event inner;
	struct body body;
	int bad = -1;

	*e = (struct case_entry){.place = *place};
	memcpy(e->leaf, leaf, 16);
	take_header(ev, e);
	if (ev->case_id.n == 0)
		e->flags |= EF_OPENS;
	const struct kind_def *kind = kind_of(ev->kind);
	if (kind && kind->number == HQ_APPLIED) {
		struct fold_input none = {0};
		if (read_facts(kind, ev, &body, &none, &bad) || open_hq_event(ev, kind, &body, key, &inner)) {
			e->flags |= EF_UNDECODABLE;
			return;
		}
		ev = &inner;
		e->flags = EF_HQ;
		take_header(ev, e);
		memcpy(e->leaf, ev->salt.p, 16);
		kind = kind_of(ev->kind);
	} else if (ev->case_branch.n) { /* only head office names a branch */
		e->flags |= EF_UNDECODABLE;
		return;
	}
	if (kind == NULL) {
		e->flags |= EF_UNKNOWN_KIND;
		return;
	}
	if (read_facts(kind, ev, &body, &e->in, &bad)) {
		e->flags |= EF_UNDECODABLE;
		e->in = (struct fold_input){0};
	}
	if (ret_field && bad >= 0)
		*ret_field = bad == BODY_REASON ? &kind_reason_field : &kind->fields[bad];
}

/* ---- the fold ---------------------------------------------------------------------------- */

static bool id_equal(const uint8_t a[16], const uint8_t b[16])
{
	return memcmp(a, b, 16) == 0;
}

/* The first entry before `n` with this id, or NULL. */
static const struct case_entry *find_id(const struct case_rec *rec, uint32_t n, const uint8_t id[16])
{
	for (uint32_t i = 0; i < n; i++)
		if (id_equal(rec->entries[i].id, id))
			return &rec->entries[i];
	return NULL;
}

/* Judges entry i after those before it, and moves the state on when it applies. */
static enum entry_status step(const struct case_rec *rec, uint32_t i, struct case_state *st)
{
	struct case_entry *e = &rec->entries[i];
	const struct case_entry *same = find_id(rec, i, e->id);
	const struct kind_def *kind;
	const struct transition *t;

	e->from = e->to = st->state;
#ifdef BUG_7 /* planted: an event that a fork brought a second time counts again */
	same = NULL;
#endif
	if (same)
		return memcmp(same->leaf, e->leaf, 16) == 0 ? ENTRY_REPEATED : ENTRY_ID_REUSED;
	if (e->flags & EF_UNKNOWN_KIND || (kind = kind_of(e->kind)) == NULL)
		return ENTRY_UNKNOWN_KIND;
	if (e->flags & EF_UNDECODABLE)
		return ENTRY_UNDECODABLE;
	bool opens = st->type == CASE_NONE;
	if (opens != ((e->flags & EF_OPENS) != 0) || (!opens && kind->case_type != st->type) ||
	    (t = transition_find(st, e, NULL)) == NULL)
		return ENTRY_ILLEGAL;
	transition_apply(t, e, st);
	e->to = st->state;
	return ENTRY_APPLIED;
}

void ledger_fold(struct case_rec *rec)
{
	rec->state = (struct case_state){0};
	memset(rec->counts, 0, sizeof rec->counts);
	for (uint32_t i = 0; i < rec->n; i++) {
		enum entry_status s = step(rec, i, &rec->state);
		rec->entries[i].status = (uint8_t)s;
		rec->counts[s]++;
	}
	rec->counts[ENTRY_ILLEGAL] += rec->over;
}

void ledger_contribution(const struct case_rec *rec, int sign, const struct cell_sink *sink)
{
	for (uint32_t i = 0; i < rec->n; i++)
		contribution_entry(&rec->key, &rec->state, &rec->entries[i], sign, sink);
	contribution_case(&rec->key, &rec->state, sign, sink);
}

/* The new entry sorts last: one step, and the difference that it makes. */
static enum entry_status append(struct case_rec *rec, const struct cell_sink *sink)
{
	const struct case_state before = rec->state;
	struct case_entry *e = &rec->entries[rec->n];
	enum entry_status s = step(rec, rec->n, &rec->state);

	e->status = (uint8_t)s;
	rec->counts[s]++;
	rec->n++;
	if (s != ENTRY_APPLIED || sink == NULL || sink->add == NULL)
		return s;
	if (before.type != CASE_NONE && contribution_slice_differs(&before, &rec->state))
		for (uint32_t i = 0; i + 1 < rec->n; i++) {
			contribution_entry(&rec->key, &before, &rec->entries[i], -1, sink);
			contribution_entry(&rec->key, &rec->state, &rec->entries[i], 1, sink);
		}
	contribution_entry(&rec->key, &rec->state, e, 1, sink);
	if (contribution_case_differs(&before, &rec->state)) {
		contribution_case(&rec->key, &before, -1, sink);
		contribution_case(&rec->key, &rec->state, 1, sink);
	}
	return s;
}

as_err ledger_apply(struct case_rec *rec, const struct event *ev, const struct place *place,
		    const uint8_t leaf[32], const struct cell_sink *sink, enum entry_status *ret_status)
{
	enum entry_status status = ENTRY_ILLEGAL;
	uint32_t at = rec->n;

	while (at > 0 && place_cmp(&rec->entries[at - 1].place, place) > 0)
		at--;
	if (at > 0 && place_cmp(&rec->entries[at - 1].place, place) == 0)
		return AS_EEXIST;
	if (rec->n < CASE_EVENTS_MAX && rec->n == rec->cap)
		return AS_EINVAL;
	if (at == CASE_EVENTS_MAX) {
		rec->over++;
		rec->counts[ENTRY_ILLEGAL]++;
	} else if (at == rec->n) {
		entry_of(ev, place, leaf, &rec->key, &rec->entries[at], NULL);
		status = append(rec, sink);
	} else {
		ledger_contribution(rec, -1, sink);
		if (rec->n == CASE_EVENTS_MAX) {
			rec->n--;
			rec->over++;
		}
		memmove(&rec->entries[at + 1], &rec->entries[at], (rec->n - at) * sizeof *rec->entries);
		entry_of(ev, place, leaf, &rec->key, &rec->entries[at], NULL);
		rec->n++;
		ledger_fold(rec);
		ledger_contribution(rec, 1, sink);
		status = rec->entries[at].status;
	}
	if (ret_status)
		*ret_status = status;
	return AS_OK;
}

/* ---- before appending -------------------------------------------------------------------- */

static as_err refuse(struct ledger_refusal *why, enum ledger_reason reason, const char *rule,
		     const char *field, const char *text)
{
	why->reason = reason;
	why->rule = rule;
	why->field = field;
	why->text = text;
	return AS_EREFUSED;
}

static as_err check_body(const struct event *ev, const struct case_entry *e, const struct kind_def *kind,
			 const struct field_def *field, struct ledger_refusal *why)
{
	struct body body;
	int bad;

	if (!(e->flags & EF_UNDECODABLE))
		return AS_OK;
	if (field == NULL || (e->flags & EF_HQ))
		return refuse(why, LEDGER_BAD_BODY, NULL, NULL, NULL);
	if (body_decode(kind, BODY_FACTS, ev->body, &body, &bad))
		return refuse(why, LEDGER_BAD_VALUE, NULL, field->name, NULL);
	return refuse(why, LEDGER_MISSING_FIELD, rule_name(field->rule), field->name, NULL);
}

/* What the case says beside its state machine; head office has asked it of its own events. */
static as_err check_case(const struct case_state *st, const struct event *ev, const struct case_entry *e,
			 const struct kind_def *kind, struct ledger_refusal *why)
{
	struct body facts;
	const struct check_input in = {.kind = kind, .ev = ev, .facts = &facts, .st = st};
	const struct check *failed;
	int bad;

	if ((e->flags & EF_HQ) || !checks_of_case(kind->number) ||
	    body_decode(kind, BODY_FACTS, ev->body, &facts, &bad))
		return AS_OK;
	failed = checks_failed(&in, true);
	return failed ? refuse(why, LEDGER_CHECK, rule_name(failed->rule), failed->a, failed->text) : AS_OK;
}

/* Is there any row at all that lets this kind leave this state? Otherwise the guard says what is missing. */
static as_err check_transition(const struct case_state *st, const struct case_entry *e,
			       struct ledger_refusal *why)
{
	enum guard g;

	if (transition_find(st, e, &g))
		return AS_OK;
	if (g == G_NONE)
		return refuse(why, LEDGER_WRONG_STATE, "R-04", NULL, NULL);
	return refuse(why, g == G_APPROVER ? LEDGER_NEEDS_APPROVER : LEDGER_GUARD,
		      rule_name(guard_defs[g].rule), NULL, guard_defs[g].text);
}

as_err ledger_check(const struct case_rec *rec, const struct event *ev, const char branch[BRANCH_CODE_MAX],
		    const uint8_t leaf[32], struct ledger_refusal *ret_why)
{
	static const struct case_state unopened;
	static const struct place nowhere = {.inc_number = 1};
	const struct case_state *st = rec ? &rec->state : &unopened;
	const struct field_def *field = NULL;
	struct ledger_refusal why = {.case_type = st->type, .state = st->state};
	struct case_entry e;
	struct case_key key = {0};
	as_err err = AS_EREFUSED;

	if (!ledger_case_of(ev, branch, &key))
		return AS_OK;
	entry_of(ev, &nowhere, leaf, &key, &e, &field);
	const struct kind_def *kind = kind_of(e.kind);
	const struct case_entry *same = rec ? find_id(rec, rec->n, e.id) : NULL;
	if (same)
		refuse(&why, memcmp(same->leaf, e.leaf, 16) ? LEDGER_ID_REUSED : LEDGER_REPEATED, NULL, NULL,
		       NULL);
	else if (kind == NULL || (e.flags & EF_UNKNOWN_KIND))
		refuse(&why, LEDGER_UNKNOWN_KIND, NULL, NULL, NULL);
	else if (check_body(ev, &e, kind, field, &why))
		;
	else if (rec && rec->n >= CASE_EVENTS_MAX)
		refuse(&why, LEDGER_FULL, "R-04", NULL, NULL);
	else if (st->type == CASE_NONE && (!(kind->flags & KF_OPENS) || !(e.flags & EF_OPENS)))
		refuse(&why, LEDGER_NOT_OPEN, "R-04", NULL, NULL);
	else if (st->type != CASE_NONE &&
		 ((kind->flags & (KF_OPENS | KF_JOINS)) == KF_OPENS || (e.flags & EF_OPENS)))
		refuse(&why, LEDGER_ALREADY_OPEN, "R-04", NULL, NULL);
	else if (st->type != CASE_NONE && kind->case_type != st->type)
		refuse(&why, LEDGER_WRONG_CASE, "R-04", NULL, NULL);
	else if ((err = check_case(st, ev, &e, kind, &why)) == AS_OK)
		err = check_transition(st, &e, &why);
	if (err)
		*ret_why = why;
	return err;
}

const char *ledger_state_name(enum case_type type, uint8_t state)
{
	const struct code_list *states = type < CASE_TYPES ? case_types[type].states : NULL;
	const struct code_def *c = states ? code_of(states, state) : NULL;

	return c ? c->name : "-";
}
