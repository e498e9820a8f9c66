#include "common/node/enrolment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/intake/json.h"
#include "common/node/text_time.h"

/* ---- requests ------------------------------------------------------------------------------------------------- */

static as_err text_get(const json_t *o, const char *key, char *out, size_t cap, struct as_errmsg *em)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL || json_is_null(v))
		return AS_OK;
	if (!json_is_string(v) || json_string_length(v) >= cap) {
		as_errmsg_set(em, "%s: a text of at most %zu bytes is wanted", key, cap - 1);
		return AS_EINVAL;
	}
	snprintf(out, cap, "%s", json_string_value(v));
	return AS_OK;
}

static as_err number_get(const json_t *o, const char *key, int64_t min, int64_t max, int64_t *out,
			 struct as_errmsg *em)
{
	const json_t *v = json_object_get(o, key);

	if (v == NULL || json_is_null(v))
		return AS_OK;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max) {
		as_errmsg_set(em, "%s: a number from %lld to %lld is wanted", key, (long long)min, (long long)max);
		return AS_EINVAL;
	}
	*out = json_integer_value(v);
	return AS_OK;
}

as_err enrolment_parse(const struct node *n, const struct json_t *request, const char *listen, int64_t now,
		       struct enrolment *ret, struct as_errmsg *em)
{
	const json_t *o = request;
	char code[16] = "";
	int64_t uses = 1, expires_s = 86400;
	const struct roster_branch *known;
	struct tz tz;
	as_err err;

	*ret = (struct enrolment){0};
	if ((err = text_get(o, "branch", code, sizeof code, em)))
		return err;
	if (!branch_code_ok(bytes_of_str(code))) {
		as_errmsg_set(em, "branch: %s is no branch code; two to eight letters A-Z and digits are wanted", code);
		return AS_EINVAL;
	}
	memcpy(ret->branch, code, strlen(code));
	known = roster_branch_of(&n->roster, ret->branch);
	snprintf(ret->name, sizeof ret->name, "%s", known ? known->name : "");
	snprintf(ret->region, sizeof ret->region, "%s", known ? known->region : "");
	snprintf(ret->zone, sizeof ret->zone, "%s", known ? known->zone : n->home->ident.timezone);
	snprintf(ret->endpoint, sizeof ret->endpoint, "%s", listen);
	if ((err = text_get(o, "name", ret->name, sizeof ret->name, em)) ||
	    (err = text_get(o, "region", ret->region, sizeof ret->region, em)) ||
	    (err = text_get(o, "timezone", ret->zone, sizeof ret->zone, em)) ||
	    (err = text_get(o, "endpoint", ret->endpoint, sizeof ret->endpoint, em)) ||
	    (err = number_get(o, "uses", 1, 100, &uses, em)) ||
	    (err = number_get(o, "expires_s", 1, INT64_C(366) * 86400, &expires_s, em)))
		return err;
	if (!node_name_valid(bytes_of_str(ret->name)) || !node_name_valid(bytes_of_str(ret->region))) {
		as_errmsg_set(em, "name, region: text without control characters is wanted");
		return AS_EINVAL;
	}
	if (tz_load(ret->zone, &tz, em))
		return AS_EINVAL;
	if (!endpoint_valid(bytes_of_str(ret->endpoint)) || strstr(ret->endpoint, "//0.0.0.0:") ||
	    strstr(ret->endpoint, "//[::]:")) {
		as_errmsg_set(em, "endpoint: %.80s is no address that a branch could connect to; give --endpoint tcp://HOST:PORT",
			      ret->endpoint);
		return AS_EINVAL;
	}
	ret->uses = (uint32_t)uses;
	ret->expires = now + expires_s * 1000;
	ret->replace = json_is_true(json_object_get(o, "replace"));
	return AS_OK;
}

struct highest {
	const char *branch;
	uint32_t number;
};

static as_err take_number(void *arg, const struct log_row *row)
{
	struct highest *h = arg;

	if (!log_is_hq(&row->id) && memcmp(row->id.branch, h->branch, BRANCH_CODE_MAX) == 0 &&
	    row->id.number > h->number)
		h->number = row->id.number;
	return AS_OK;
}

static void code_fill(const struct node *n, const struct enrolment *e, struct join_code *c)
{
	const struct node_home *h = n->home;
	const struct node_box *transport = &h->transports[h->transports_n - 1];

	memcpy(c->org, h->org, sizeof c->org);
	memcpy(c->branch, e->branch, BRANCH_CODE_MAX);
	memcpy(c->root, h->ident.root, sizeof c->root);
	c->instance = h->instance;
	memcpy(c->instance_key, h->instance_public, 32);
	memcpy(c->curve_key, h->link_public, 32);
	memcpy(c->recipient_key, h->recipient_public, 32);
	c->transport = transport->number;
	memcpy(c->transport_key, transport->public_key, 32);
	c->expires_s = (uint64_t)(e->expires / 1000);
	snprintf(c->timezone, sizeof c->timezone, "%s", e->zone);
	snprintf(c->endpoint, sizeof c->endpoint, "%s", e->endpoint);
	snprintf(c->name, sizeof c->name, "%s", e->name);
}

static as_err has_server(const struct enrolment *e, struct as_errmsg *em)
{
	as_errmsg_set(em, "%.8s has a server already; to put another in its place: hq enrol %.8s --replace", e->branch,
		      e->branch);
	return AS_EREFUSED;
}

/* The join code, and the event that makes it valid. highest: the branch's last incarnation. */
static as_err enrolled_event(struct batch *b, const struct enrolment *e, uint32_t token, uint32_t highest,
			     struct join_code *ret_code, struct hq_event *ret, struct as_errmsg *em)
{
	struct roster_token t = {.number = token, .expires = e->expires, .uses = e->uses};
	struct roster_branch branch = {.first_number = highest + 1};
	uint8_t secret[32], *body = batch_memory(b, ROSTER_BODY_MAX);

	if (body == NULL)
		return AS_ENOMEM;
	if (highest == UINT32_MAX) {
		as_errmsg_set(em, "%.8s has used up the numbers of its incarnations", e->branch);
		return AS_EREFUSED;
	}
	memcpy(branch.code, e->branch, BRANCH_CODE_MAX);
	snprintf(branch.name, sizeof branch.name, "%s", e->name);
	snprintf(branch.region, sizeof branch.region, "%s", e->region);
	snprintf(branch.zone, sizeof branch.zone, "%s", e->zone);
	memcpy(t.branch, e->branch, BRANCH_CODE_MAX);
	code_fill(b->node, e, ret_code);
	as_random(ret_code->token_seed, sizeof ret_code->token_seed);
	join_token_keys(ret_code->token_seed, t.key, secret);
	as_wipe(secret, sizeof secret);
	ret_code->token = t.number;
	ret_code->incarnation = branch.first_number;
	*ret = (struct hq_event){.kind = BRANCH_ENROLLED,
				 .body = bytes_of(body, roster_put_enrolled(body, &t, &branch, e->replace))};
	return AS_OK;
}

static as_err tokens_used_up(struct as_errmsg *em)
{
	as_errmsg_set(em, "this head office has used up the numbers of its join codes");
	return AS_EREFUSED;
}

as_err enrolment_to_batch(struct batch *b, const struct enrolment *e, struct join_code *ret_code,
			  struct bytes ret_raw[ENROL_EVENTS_MAX], size_t *ret_n, struct as_errmsg *em)
{
	const struct roster *r = &b->node->roster;
	struct highest highest = {.branch = e->branch};
	uint32_t last = r->tokens_n ? r->tokens[r->tokens_n - 1].number : 0;
	struct hq_event events[ENROL_EVENTS_MAX];
	const struct roster_node *before = NULL;
	size_t k = 0;
	as_err err;

	memset(ret_code, 0, sizeof *ret_code);
	if (!e->replace && roster_node_of(r, e->branch))
		return has_server(e, em);
	if (last == UINT32_MAX)
		return tokens_used_up(em);
	while (k + 1 < ENROL_EVENTS_MAX && (before = roster_node_before(r, e->branch, before)) != NULL) {
		uint8_t *body = before->ended ? NULL : batch_memory(b, ROSTER_BODY_MAX);
		if (before->ended)
			continue;
		if (body == NULL)
			return AS_ENOMEM;
		events[k++] = (struct hq_event){.kind = NODE_ENDED,
						.body = bytes_of(body, roster_put_ended(body, before))};
	}
	if ((err = store_each_log(b->node->st, take_number, &highest)) ||
	    (err = enrolled_event(b, e, last + 1, highest.number, ret_code, &events[k], em)))
		return err;
	*ret_n = k + 1;
	return hq_all_append(b, events, k + 1, ret_raw);
}

/* ---- many enrolments ------------------------------------------------------------------------------------------ */

/* By code, to find them while the logs are walked, once for all. */
struct numbered {
	char branch[BRANCH_CODE_MAX];
	uint32_t number; /* the highest of its incarnations */
};

struct numbers {
	struct numbered *at;
	size_t n;
};

static int numbered_order(const void *a, const void *b)
{
	return memcmp(((const struct numbered *)a)->branch, ((const struct numbered *)b)->branch, BRANCH_CODE_MAX);
}

static void numbers_fill(struct numbers *s, const struct enrolment *e, size_t n)
{
	s->n = n;
	for (size_t i = 0; i < n; i++) {
		s->at[i] = (struct numbered){.number = 0};
		memcpy(s->at[i].branch, e[i].branch, BRANCH_CODE_MAX);
	}
	qsort(s->at, n, sizeof s->at[0], numbered_order);
}

static struct numbered *numbered_of(const struct numbers *s, const char branch[BRANCH_CODE_MAX])
{
	struct numbered key = {.number = 0};

	memcpy(key.branch, branch, BRANCH_CODE_MAX);
	return bsearch(&key, s->at, s->n, sizeof s->at[0], numbered_order);
}

static as_err take_numbers(void *arg, const struct log_row *row)
{
	struct numbered *known = log_is_hq(&row->id) ? NULL : numbered_of(arg, row->id.branch);

	if (known && row->id.number > known->number)
		known->number = row->id.number;
	return AS_OK;
}

static as_err twice(const struct enrolment *e, size_t n, struct as_errmsg *em)
{
	struct numbers s = {.at = malloc(n * sizeof s.at[0])};
	as_err err = s.at ? AS_OK : AS_ENOMEM;

	if (s.at)
		numbers_fill(&s, e, n);
	for (size_t i = 1; err == AS_OK && i < n; i++)
		if (numbered_order(&s.at[i - 1], &s.at[i]) == 0) {
			as_errmsg_set(em, "branches: %.8s is there twice", s.at[i].branch);
			err = AS_EINVAL;
		}
	free(s.at);
	return err;
}

/* One of the list: what stands beside the list counts for it, too. */
static as_err parse_one(const struct node *n, const struct json_t *request, json_t *one, const char *listen, int64_t now,
			struct enrolment *ret, struct as_errmsg *em)
{
	AS_AUTO(json) json_t *o = json_object();
	struct as_errmsg why = {"out of memory"};
	const char *code = json_string_value(json_object_get(one, "branch"));
	const char *key;
	json_t *value;

	if (!json_is_object(one)) {
		as_errmsg_set(em, "branches: a list of objects is wanted");
		return AS_EINVAL;
	}
	json_object_foreach((json_t *)(uintptr_t)request, key, value)
		if (strcmp(key, "branches") != 0 && json_object_set(o, key, value) < 0)
			return AS_ENOMEM;
	if (json_object_update(o, one) < 0)
		return AS_ENOMEM;
	as_err err = enrolment_parse(n, o, listen, now, ret, &why);
	if (err == AS_OK && ret->replace) {
		as_errmsg_set(&why, "another server for a branch is enrolled by itself");
		err = AS_EINVAL;
	}
	if (err)
		as_errmsg_set(em, "%.40s: %s", code ? code : "branches", why.text);
	return err;
}

as_err enrolments_parse(const struct node *n, const struct json_t *request, const char *listen, int64_t now,
			struct enrolment **ret, size_t *ret_n, struct as_errmsg *em)
{
	const json_t *list = json_object_get(request, "branches");
	size_t many = list ? json_array_size(list) : 1;
	struct enrolment *e;
	as_err err = AS_OK;

	if (many == 0 || many > ENROLMENTS_MAX || (list && json_object_get(request, "branch"))) {
		as_errmsg_set(em, "branches: a list of 1 to %d is wanted, and no branch beside it", ENROLMENTS_MAX);
		return AS_EINVAL;
	}
	if ((e = calloc(many, sizeof *e)) == NULL)
		return AS_ENOMEM;
	if (list == NULL)
		err = enrolment_parse(n, request, listen, now, e, em);
	for (size_t i = 0; list && err == AS_OK && i < many; i++)
		err = parse_one(n, request, json_array_get(list, i), listen, now, &e[i], em);
	if (err == AS_OK)
		err = twice(e, many, em);
	if (err) {
		free(e);
		return err;
	}
	*ret = e;
	*ret_n = many;
	return AS_OK;
}

as_err enrolments_to_batch(struct batch *b, const struct enrolment *e, size_t n, struct join_code *ret_codes,
			   struct bytes *ret_raw, struct as_errmsg *em)
{
	const struct roster *r = &b->node->roster;
	uint32_t last = r->tokens_n ? r->tokens[r->tokens_n - 1].number : 0;
	struct hq_event *events = batch_memory(b, n * sizeof events[0]);
	struct numbers s = {.at = batch_memory(b, n * sizeof s.at[0])};
	as_err err;

	memset(ret_codes, 0, n * sizeof ret_codes[0]);
	if (events == NULL || s.at == NULL)
		return AS_ENOMEM;
	if (last > UINT32_MAX - n)
		return tokens_used_up(em);
	for (size_t i = 0; i < n; i++) {
		as_assert(!e[i].replace);
		if (roster_node_of(r, e[i].branch))
			return has_server(&e[i], em);
	}
	numbers_fill(&s, e, n);
	err = store_each_log(b->node->st, take_numbers, &s);
	for (size_t i = 0; err == AS_OK && i < n; i++)
		err = enrolled_event(b, &e[i], last + 1 + (uint32_t)i, numbered_of(&s, e[i].branch)->number, &ret_codes[i],
				     &events[i], em);
	return err ? err : hq_all_append(b, events, n, ret_raw);
}

as_err enrolment_answer(const struct join_code *code, const struct node_home *home, int64_t expires, struct json_t **ret,
			struct as_errmsg *em)
{
	char text[JOIN_TEXT_MAX], until[TEXT_TIME_MAX];
	as_err err = join_code_encode(code, text, em);

	if (err)
		return err;
	text_time(expires, home, until);
	*ret = json_pack("{s:s, s:s, s:s}", "branch", code->branch, "expires", until, "join_code", text);
	as_wipe(text, sizeof text);
	return *ret ? AS_OK : AS_ENOMEM;
}
