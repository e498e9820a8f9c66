#include "common/intake/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/base/text.h"
#include "common/intake/forms.h"
#include "common/intake/value.h"
#include "common/ledger/checks.h"

#define SCRATCH_BYTES (96 * 1024)

/* One line on its way through. */
struct job {
	const struct intake_ctx *ctx;
	struct intake *in;
	struct intake_error *e;
	struct body body[2]; /* BODY_FACTS, BODY_PERSONAL */
	struct arena arena;
	int32_t offset_min; /* that occurred_at was given with */
};

static const char *const part_names[2] = {"facts", "personal"};

/* Said before each field is looked at, so nearly always for nothing: no printf here. */
static void blame(struct job *job, const char *part, const char *field, const char *rule)
{
	struct intake_error *e = job->e;
	size_t n = part ? strlen(part) : 0;

	_Static_assert(sizeof "personal." + INTAKE_SHOWN_MAX <= sizeof job->e->field, "part and field fit");
	if (part) {
		memcpy(e->field, part, n);
		e->field[n++] = '.';
	}
	intake_shown(bytes_of_str(field), e->field + n);
	n = rule ? strlen(rule) : 0;
	as_assert(n < sizeof e->rule);
	if (n)
		memcpy(e->rule, rule, n);
	e->rule[n] = 0;
}

static struct bytes text_of(const json_t *j)
{
	return bytes_of(json_string_value(j), json_string_length(j));
}

/* ---- the fields around the facts --------------------------------------------------------- */

static as_err take_id(struct job *job, const char *name, const json_t *j, uint8_t out[16], struct bytes *ret)
{
	if (!json_is_string(j) || !form_uuid_parse(text_of(j), out))
		return intake_refuse(job->e, "%s must be a UUID.", name);
	*ret = bytes_of(out, 16);
	return AS_OK;
}

static as_err take_event_id(struct job *job, const json_t *j)
{
	job->in->has_event_id = true;
	return take_id(job, "event_id", j, job->in->event_id, &job->in->ev.event_id);
}

static as_err take_corrects(struct job *job, const json_t *j)
{
	return take_id(job, "corrects", j, job->in->corrects, &job->in->ev.corrects);
}

static as_err take_customer(struct job *job, const json_t *j)
{
	return take_id(job, "customer", j, job->in->customer, &job->in->ev.customer);
}

static as_err take_device(struct job *job, const json_t *j)
{
	return take_id(job, "device", j, job->in->device, &job->in->ev.device);
}

static as_err take_kind(struct job *job, const json_t *j)
{
	char show[INTAKE_SHOWN_MAX];

	if (!json_is_string(j))
		return intake_refuse(job->e, "kind must be a text.");
	job->in->kind = kind_of_name(text_of(j));
	if (job->in->kind == NULL)
		return intake_refuse(job->e, "kind: \"%s\" is not known.", intake_shown(text_of(j), show));
	if (job->in->kind->flags & KF_SYSTEM)
		return intake_refuse(job->e, "%s is recorded by the node itself.", job->in->kind->name);
	if ((job->in->kind->flags & KF_HQ) && !job->ctx->hq)
		return intake_refuse(job->e, "%s is recorded by head office.", job->in->kind->name);
	job->in->ev.kind = job->in->kind->number;
	return AS_OK;
}

static as_err take_occurred_at(struct job *job, const json_t *j)
{
	static const struct field_def f = {.type = FT_TIME};
	struct body_value v;
	as_err err = value_parse(&f, "occurred_at", j, &job->arena, &v, job->e);

	if (!err && !form_time_parse_offset(text_of(j), &job->in->ev.occurred_at, &job->offset_min))
		err = AS_EREFUSED;
	return err;
}

static as_err take_business_date(struct job *job, const json_t *j)
{
	static const struct field_def f = {.type = FT_DATE};
	struct body_value v;
	as_err err = value_parse(&f, "business_date", j, &job->arena, &v, job->e);

	if (!err)
		job->in->ev.business_date = (uint32_t)v.i;
	return err;
}

static as_err take_staff(struct job *job, const char *name, const json_t *j, uint32_t *ret)
{
	if (!json_is_integer(j) || json_integer_value(j) < 1 || json_integer_value(j) > UINT32_MAX)
		return intake_refuse(job->e, "%s must be a staff number.", name);
	*ret = (uint32_t)json_integer_value(j);
	return AS_OK;
}

static as_err take_actor(struct job *job, const json_t *j)
{
	return take_staff(job, "actor", j, &job->in->ev.actor);
}

static as_err take_approver(struct job *job, const json_t *j)
{
	return take_staff(job, "approver", j, &job->in->ev.approver);
}

static as_err take_post(struct job *job, const json_t *j)
{
	static const struct field_def f = {.type = FT_CODE, .codes = &codes_post};
	struct body_value v;
	as_err err = value_parse(&f, "post", j, &job->arena, &v, job->e);

	if (!err)
		job->in->ev.post = (uint32_t)v.i;
	return err;
}

static as_err take_case(struct job *job, const json_t *j)
{
	struct bytes s;
	as_err err = value_text("case", j, LABEL_BYTES_MAX, false, &job->arena, &s, job->e);

	if (err)
		return err;
	job->in->case_n = s.n;
	memcpy(job->in->case_text, s.p, s.n);
	return AS_OK;
}

static as_err take_reason(struct job *job, const json_t *j)
{
	struct body *b = &job->body[BODY_PERSONAL];
	struct bytes s;
	as_err err = value_text("reason", j, REASON_BYTES_MAX, true, &job->arena, &s, job->e);

	if (!err)
		body_set_bytes(b, BODY_REASON, s);
	return err;
}

static as_err take_part(struct job *job, const json_t *j)
{
	(void)job;
	(void)j;
	return AS_OK; /* facts and personal: after the kind is known */
}

static const struct head_field {
	const char *name;
	bool required;
	as_err (*take)(struct job *, const json_t *);
} head_fields[] = {
    {"kind", true, take_kind},		{"occurred_at", true, take_occurred_at},
    {"actor", true, take_actor},	{"event_id", false, take_event_id},
    {"case", false, take_case},		{"business_date", false, take_business_date},
    {"post", false, take_post},		{"approver", false, take_approver},
    {"reason", false, take_reason},	{"corrects", false, take_corrects},
    {"customer", false, take_customer}, {"device", false, take_device},
    {"facts", false, take_part},	{"personal", false, take_part},
};

static as_err take_head(struct job *job, const json_t *object)
{
	const char *key;
	json_t *value;
	as_err err;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		bool known = false;
		for (size_t i = 0; i < AS_COUNT(head_fields) && !known; i++)
			known = strcmp(head_fields[i].name, key) == 0;
		if (!known) {
			blame(job, NULL, key, NULL);
			return intake_refuse(job->e, "There is no field \"%s\".", job->e->field);
		}
	}
	for (size_t i = 0; i < AS_COUNT(head_fields); i++) {
		const struct head_field *f = &head_fields[i];
		value = json_object_get(object, f->name);
		blame(job, NULL, f->name, NULL);
		if (value == NULL && f->required && !(job->ctx->imported && f->take == take_actor))
			return intake_refuse(job->e, "%s is missing.", f->name);
		if (value && (err = f->take(job, value)))
			return err;
	}
	return AS_OK;
}

/* ---- facts and personal ------------------------------------------------------------------ */

#define PATH_BYTES 64

/* "facts.severity" of a field of the table. */
static void path_put(char out[PATH_BYTES], const char *part, const char *field)
{
	size_t n = strlen(part), m = strlen(field);

	as_assert(n + 1 + m < PATH_BYTES);
	memcpy(out, part, n);
	out[n] = '.';
	memcpy(out + n + 1, field, m + 1);
}

/* The rule that a value breaks which does not fit its field. */
static enum rule rule_of_value(const struct field_def *f)
{
	return f->type == FT_IMEI ? R_12 : f->codes == &codes_post ? R_55 : R_NONE;
}

static as_err take_fields(struct job *job, enum body_part part, const json_t *object)
{
	const struct kind_def *kind = job->in->kind;
	struct body *body = &job->body[part];
	const char *name = part_names[part], *key;
	char path[PATH_BYTES], show[INTAKE_SHOWN_MAX];
	json_t *value;
	as_err err;

	if (object == NULL)
		return AS_OK;
	blame(job, NULL, name, NULL);
	if (!json_is_object(object))
		return intake_refuse(job->e, "%s must be an object.", name);
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		int i = kind_field_index(kind, bytes_of_str(key));
		const struct field_def *f = i < 0 ? NULL : &kind->fields[i];
		blame(job, name, key, f ? rule_name(rule_of_value(f)) : NULL);
		if (f == NULL)
			return intake_refuse(job->e, "%s has no field \"%s\" in %s.", kind->name,
					     intake_shown(bytes_of_str(key), show), name);
		path_put(path, name, f->name);
		if (((f->flags & FF_PERSONAL) != 0) != (part == BODY_PERSONAL))
			return intake_refuse(job->e, "%s belongs into \"%s\".", path, part_names[!part]);
		if ((f->flags & FF_SYSTEM) && !job->ctx->imported)
			return intake_refuse(job->e, "%s is set by the branch itself.", path);
		if ((err = value_parse(f, path, value, &job->arena, &body->v[i], job->e)))
			return err;
		if (f->type == FT_IMEI && !imei_ok(body->v[i].s) && job->in->ev.approver == 0)
			return intake_refuse(job->e, "%s is no IMEI: the check digit is wrong.", path);
		body->present |= 1u << i;
	}
	return AS_OK;
}

/* ---- what follows from several fields ---------------------------------------------------- */

static as_err check_post(struct job *job)
{
	const struct intake *in = job->in;

	if (in->ev.post == 0 || job->ctx->imported || (in->kind->posts & kind_post_bit(in->ev.post)))
		return AS_OK;
	blame(job, NULL, "post", "R-03");
	return intake_refuse(job->e, "%s may not be recorded by the post %s.", in->kind->name,
			     code_of(&codes_post, in->ev.post)->name);
}

static as_err check_approver(struct job *job)
{
	const struct event *ev = &job->in->ev;

	blame(job, NULL, "approver", rule_name(checks_approver_rule(ev->kind)));
	if ((job->in->kind->flags & KF_APPROVER) && ev->approver == 0)
		return intake_refuse(job->e, "%s needs an approver.", job->in->kind->name);
	blame(job, NULL, "approver", "R-05");
	if (ev->approver && ev->approver == ev->actor)
		return intake_refuse(job->e, "The approver must not be the actor.");
	/* where none is needed every time, it is an override */
	blame(job, NULL, "reason", "R-05");
	if (ev->approver && !(job->in->kind->flags & KF_APPROVER) && !job->ctx->imported &&
	    !body_has(&job->body[BODY_PERSONAL], BODY_REASON))
		return intake_refuse(job->e, "An approver is given: an override needs a reason.");
	return AS_OK;
}

static as_err check_case_and_reason(struct job *job)
{
	const struct intake *in = job->in;

	blame(job, NULL, "case", NULL);
	if (in->case_n == 0 && !(in->kind->flags & KF_OPENS) && in->kind->case_type != CASE_NONE)
		return intake_refuse(job->e, "case is missing: which order or complaint is it?");
	blame(job, NULL, "reason", NULL);
	if ((in->kind->flags & KF_REASON) && !job->ctx->imported &&
	    !body_has(&job->body[BODY_PERSONAL], BODY_REASON))
		return intake_refuse(job->e, "%s needs a reason.", in->kind->name);
	return AS_OK;
}

static const struct body_value *given(const struct job *job, enum body_part part, const char *name)
{
	int i = kind_field_index(job->in->kind, bytes_of_str(name));

	return i >= 0 && body_has(&job->body[part], (unsigned)i) ? &job->body[part].v[i] : NULL;
}

/* The rows of checks.h that the event alone decides. */
static as_err check_rules(struct job *job)
{
	const struct check_input in = {.kind = job->in->kind,
				       .ev = &job->in->ev,
				       .facts = &job->body[BODY_FACTS],
				       .personal = &job->body[BODY_PERSONAL]};
	const struct check *failed = checks_failed(&in, false);

	if (failed == NULL)
		return AS_OK;
	int i = failed->a ? kind_field_index(in.kind, bytes_of_str(failed->a)) : -1;
	if (i >= 0)
		blame(job, part_names[(in.kind->fields[i].flags & FF_PERSONAL) != 0], failed->a, rule_name(failed->rule));
	else /* the whole of it, or a field beside the facts */
		blame(job, NULL, failed->op == OP_APPROVER ? "approver" : failed->op == OP_CUSTOMER ? "customer" : "facts",
		      rule_name(failed->rule));
	return intake_refuse(job->e, "%s", failed->text);
}

/* computed at receipt by the policy in force; an importer may bring due times of its own. */
static void set_deadlines(struct job *job)
{
	struct body *b = &job->body[BODY_FACTS];
	const struct event *ev = &job->in->ev;
	const struct body_value *severity = given(job, BODY_FACTS, "severity");
	const struct deadline_policy *policy = job->ctx->policy ? job->ctx->policy : &deadline_default;
	struct deadlines due;

	if (severity == NULL || !deadline_complaint(policy, (uint32_t)severity->i, ev->occurred_at,
						    ev->tz_offset_min, job->ctx->holidays, &due))
		return;
	const struct {
		const char *name;
		int64_t at;
	} sets[3] = {{"ack_due", due.ack_due}, {"reply_due", due.reply_due}, {"close_due", due.close_due}};
	for (size_t i = job->ctx->imported ? 1 : 0; i < 3; i++) {
		int at = kind_field_index(job->in->kind, bytes_of_str(sets[i].name));
		as_assert(at >= 0);
		if (!body_has(b, (unsigned)at))
			body_set_int(b, (unsigned)at, sets[i].at);
	}
}

/* Due times that were not given. */
static void set_dues(struct job *job)
{
	const struct event *ev = &job->in->ev;
	struct body *b = &job->body[BODY_FACTS];

	for (size_t i = 0; i < due_rows_count && !job->ctx->imported; i++) {
		const struct due_row *row = &due_rows[i];
		if (row->kind != ev->kind)
			continue;
		const struct body_value *unless = row->unless ? given(job, BODY_FACTS, row->unless) : NULL;
		int at = kind_field_index(job->in->kind, bytes_of_str(row->field));
		as_assert(at >= 0);
		if (!body_has(b, (unsigned)at) && !(unless && unless->i))
			body_set_int(b, (unsigned)at,
				     deadline_due(row, ev->occurred_at, ev->business_date, ev->tz_offset_min,
						  job->ctx->holidays));
	}
}

static as_err finish_part(struct job *job, enum body_part part, uint8_t *out, size_t *ret_n)
{
	const struct kind_def *kind = job->in->kind;
	int bad = body_missing(kind, part, &job->body[part], job->ctx->imported);
	as_err err;

	if (bad >= 0) {
		const struct field_def *f = &kind->fields[bad];
		blame(job, part_names[part], f->name, rule_name(f->rule));
		return intake_refuse(job->e, "%s.%s is missing.", part_names[part], f->name);
	}
	if ((err = body_encode(kind, part, &job->body[part], out, INTAKE_BODY_MAX, ret_n, &bad)) == AS_OK)
		return AS_OK;
	blame(job, NULL, part_names[part], NULL);
	if (bad >= 0 && bad < (int)kind->fields_n)
		blame(job, part_names[part], kind->fields[bad].name, NULL);
	return intake_refuse(job->e,
			     err == AS_ETOOBIG ? "%s is too long altogether." : "%s does not fit its limits.",
			     job->e->field);
}

/* "… (R-62)": whoever reads only the sentence knows the rule. */
static void name_rule(struct intake_error *e)
{
	size_t n = strlen(e->text);

	if (e->rule[0] && n + sizeof " (R-00)" <= sizeof e->text)
		snprintf(e->text + n, sizeof e->text - n, " (%s)", e->rule);
}

static as_err run(struct job *job, const json_t *object)
{
	struct intake *in = job->in;
	struct event *ev = &in->ev;
	as_err err;

	if (!json_is_object(object))
		return intake_refuse(job->e, "The line must be a JSON object.");
	if ((err = take_head(job, object)))
		return err;
	ev->imported = job->ctx->imported;
	ev->policy_ver = job->ctx->policy_ver;
	ev->tz_offset_min = job->ctx->imported	     ? job->offset_min
			    : job->ctx->tz_offset_at ? job->ctx->tz_offset_at(job->ctx->tz_arg, ev->occurred_at)
						     : job->ctx->tz_offset_min;
	if (ev->business_date == 0)
		ev->business_date = job->ctx->business_date ? job->ctx->business_date
							    : date_local(ev->occurred_at, ev->tz_offset_min);
	if ((err = take_fields(job, BODY_FACTS, json_object_get(object, "facts"))) ||
	    (err = take_fields(job, BODY_PERSONAL, json_object_get(object, "personal"))))
		return err;
	if (ev->kind == COMPLAINT_RECEIVED)
		set_deadlines(job);
	set_dues(job);
	if ((err = finish_part(job, BODY_FACTS, in->bytes, &in->facts_n)) ||
	    (err = finish_part(job, BODY_PERSONAL, in->bytes + in->facts_n, &in->personal_n)) ||
	    (err = check_post(job)) || (err = check_approver(job)) || (err = check_case_and_reason(job)))
		return err;
	if ((err = check_rules(job)))
		return err;
	ev->body = bytes_of(in->bytes, in->facts_n);
	if (in->kind->flags & KF_OPENS)
		ev->label = bytes_of(in->case_text, in->case_n);
	return AS_OK;
}

as_err intake_object(const json_t *object, const struct intake_ctx *ctx, struct intake *ret_in,
		     struct intake_error *ret_error)
{
	static _Thread_local uint8_t scratch[SCRATCH_BYTES];
	struct job job = {.ctx = ctx, .in = ret_in, .e = ret_error};

	memset(ret_in, 0, offsetof(struct intake, bytes)); /* facts and personal: as long as they say */
	*ret_error->text = *ret_error->field = *ret_error->rule = 0;
	arena_init(&job.arena, scratch, sizeof scratch);
	as_err err = run(&job, object);
	if (err)
		name_rule(ret_error);
	explicit_bzero(scratch, job.arena.n);
	if (err) { /* nothing of a person is left there */
		explicit_bzero(ret_in->bytes, sizeof ret_in->bytes);
		ret_in->facts_n = ret_in->personal_n = 0;
	} else {
		ret_error->field[0] = 0;
		ret_error->rule[0] = 0;
	}
	return err;
}

as_err intake_parse(struct bytes line, const struct intake_ctx *ctx, struct intake *ret_in,
		    struct intake_error *ret_error)
{
	json_error_t je;

	*ret_error->text = *ret_error->field = *ret_error->rule = 0;
	if (line.n > INTAKE_LINE_MAX)
		return intake_refuse(ret_error, "The line is longer than %d bytes.", INTAKE_LINE_MAX);
	if (!text_utf8_valid(line))
		return intake_refuse(ret_error, "The line is not valid UTF-8.");
	json_t *object = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, &je);
	if (object == NULL) {
		char *near = strstr(je.text, " near "); /* what follows is the caller's text: not repeated */
		if (near)
			*near = 0;
		return intake_refuse(ret_error, "The line is not valid JSON: %s (byte %d).",
				     text_utf8_valid(bytes_of_str(je.text)) ? je.text : "syntax error",
				     je.position);
	}
	as_err err = intake_object(object, ctx, ret_in, ret_error);
	json_decref(object);
	return err;
}

/* A slice that stands in the one stands in the other. */
static void move(struct bytes *slice, const struct intake *from, const struct intake *to)
{
	uintptr_t at = (uintptr_t)slice->p - (uintptr_t)from;

	if (at < sizeof *from)
		slice->p = (const uint8_t *)to + at;
}

struct intake *intake_keep(const struct intake *in)
{
	size_t n = offsetof(struct intake, bytes) + in->facts_n + in->personal_n;
	struct intake *kept = malloc(n);

	if (kept == NULL)
		return NULL;
	memcpy(kept, in, n);
	move(&kept->ev.event_id, in, kept);
	move(&kept->ev.corrects, in, kept);
	move(&kept->ev.customer, in, kept);
	move(&kept->ev.device, in, kept);
	move(&kept->ev.body, in, kept);
	move(&kept->ev.label, in, kept);
	return kept;
}

void intake_wipe(struct intake *in)
{
	explicit_bzero(in->bytes + in->facts_n, in->personal_n);
	in->personal_n = 0;
}

void intake_free(struct intake *in)
{
	if (in)
		intake_wipe(in);
	free(in);
}

void intake_word_refusal(const struct ledger_refusal *why, const struct kind_def *kind,
			 struct intake_error *e)
{
	const char *name = kind ? kind->name : "The event";
	const char *state = ledger_state_name(why->case_type, why->state), *type;

	memset(e, 0, sizeof *e);
	snprintf(e->field, sizeof e->field, "%s%s", why->field ? "facts." : "", why->field ? why->field : "");
	snprintf(e->rule, sizeof e->rule, "%s", why->rule ? why->rule : "");
	switch (why->reason) {
	case LEDGER_UNKNOWN_KIND:
		intake_refuse(e, "The kind is not known.");
		break;
	case LEDGER_MISSING_FIELD:
		intake_refuse(e, "%s is missing.", e->field);
		break;
	case LEDGER_BAD_VALUE:
		intake_refuse(e, "%s does not fit its limits.", e->field);
		break;
	case LEDGER_NOT_OPEN:
		intake_refuse(e, "%s: there is no such case yet.", name);
		break;
	case LEDGER_ALREADY_OPEN:
		intake_refuse(e, "%s: the case is open already (state %s).", name, state);
		break;
	case LEDGER_WRONG_CASE:
		type = case_types[why->case_type].name;
		intake_refuse(e, "%s does not belong to a%s %s.", name, strchr("aeiou", type[0]) ? "n" : "", type);
		break;
	case LEDGER_WRONG_STATE:
		intake_refuse(e, "%s is not possible in state %s.", name, state);
		break;
	case LEDGER_GUARD:
	case LEDGER_NEEDS_APPROVER:
		if (why->state)
			intake_refuse(e, "%s in state %s is only possible when %s.", name, state, why->text);
		else
			intake_refuse(e, "%s as the first event of a case is only possible when %s.", name, why->text);
		break;
	case LEDGER_CHECK:
		intake_refuse(e, "%s", why->text);
		break;
	case LEDGER_REPEATED:
		intake_refuse(e, "The event is recorded already.");
		break;
	case LEDGER_ID_REUSED:
		intake_refuse(e, "Another event with this event_id is recorded already.");
		break;
	case LEDGER_FULL:
		intake_refuse(e, "The case has %d events, more are not taken.", CASE_EVENTS_MAX);
		break;
	default:
		intake_refuse(e, "%s does not follow the table of kinds.", name);
		break;
	}
	name_rule(e);
}
