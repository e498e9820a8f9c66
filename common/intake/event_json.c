#include "common/intake/forms.h"
#include "common/intake/intake.h"
#include "common/intake/value.h"

json_t *intake_body_json(const struct kind_def *kind, enum body_part part, struct bytes raw,
			 int32_t tz_offset_min)
{
	struct body body;
	json_t *object;
	int bad;

	if (body_decode(kind, part, raw, &body, &bad))
		return NULL;
	object = json_object();
	for (unsigned i = 0; i < kind->fields_n; i++)
		if (body_has(&body, i))
			json_object_set_new(object, kind->fields[i].name,
					    value_json(&kind->fields[i], &body.v[i], tz_offset_min));
	if (body_has(&body, BODY_REASON))
		json_object_set_new(object, "reason",
				    value_json(&kind_reason_field, &body.v[BODY_REASON], tz_offset_min));
	return object;
}

static void set_id(json_t *o, const char *name, struct bytes id)
{
	char uuid[37];

	if (id.n != 16)
		return;
	form_uuid_text(id.p, uuid);
	json_object_set_new(o, name, json_string(uuid));
}

static void set_time(json_t *o, const char *name, int64_t ms, int32_t tz)
{
	char text[FORM_TIME_MAX];

	form_time_text(ms, tz, text);
	json_object_set_new(o, name, json_string(text));
}

static void set_number(json_t *o, const char *name, uint32_t v)
{
	if (v)
		json_object_set_new(o, name, json_integer(v));
}

static void set_flag(json_t *o, const char *name, bool v)
{
	if (v)
		json_object_set_new(o, name, json_true());
}

static void set_facts(json_t *o, const struct event *ev, const struct kind_def *kind)
{
	json_t *facts = kind ? intake_body_json(kind, BODY_FACTS, ev->body, ev->tz_offset_min) : NULL;

	if (facts)
		json_object_set_new(o, "facts", facts);
	else /* this program cannot read it: as it is */
		json_object_set_new(o, "body", intake_base64(ev->body));
}

/* `reason` stands beside the facts in a submission, so here too. */
static void set_personal(json_t *o, const struct event *ev, const struct kind_def *kind,
			 const struct bytes *personal)
{
	json_t *part =
	    kind && personal ? intake_body_json(kind, BODY_PERSONAL, *personal, ev->tz_offset_min) : NULL;

	if (part == NULL) {
		set_flag(o, "sealed", ev->personal.n != 0);
		return;
	}
	json_t *reason = json_object_get(part, "reason");
	if (reason) {
		json_object_set(o, "reason", reason);
		json_object_del(part, "reason");
	}
	json_object_set_new(o, "personal", part);
}

json_t *intake_event_json(const struct event *ev, const struct bytes *personal)
{
	const struct kind_def *kind = kind_of(ev->kind);
	const struct code_def *post = ev->post ? code_of(&codes_post, ev->post) : NULL;
	json_t *o = json_object();
	char date[11];

	if (o == NULL)
		return NULL;
	set_id(o, "event_id", ev->event_id);
	json_object_set_new(o, "kind", kind ? json_string(kind->name) : json_integer(ev->kind));
	set_time(o, "occurred_at", ev->occurred_at, ev->tz_offset_min);
	set_time(o, "recorded_at", ev->recorded_at, ev->tz_offset_min);
	form_date_text(ev->business_date, date);
	json_object_set_new(o, "business_date", json_string(date));
	set_number(o, "actor", ev->actor);
	if (post)
		json_object_set_new(o, "post", json_string(post->name));
	set_number(o, "approver", ev->approver);
	if (!kind || kind->case_type != CASE_NONE || ev->case_id.n)
		set_id(o, "case", ev->case_id.n ? ev->case_id : ev->event_id);
	if (ev->label.n)
		json_object_set_new(o, "label", json_stringn((const char *)ev->label.p, ev->label.n));
	if (ev->case_branch.n)
		json_object_set_new(o, "case_branch",
				    json_stringn((const char *)ev->case_branch.p, ev->case_branch.n));
	set_id(o, "corrects", ev->corrects);
	set_id(o, "customer", ev->customer);
	set_id(o, "device", ev->device);
	set_number(o, "policy_ver", ev->policy_ver);
	set_flag(o, "imported", ev->imported);
	set_flag(o, "late", ev->late);
	set_flag(o, "time_suspect", ev->time_suspect);
	set_facts(o, ev, kind);
	set_personal(o, ev, kind, personal);
	return o;
}
