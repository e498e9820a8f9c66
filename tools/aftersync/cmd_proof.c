/* proof make, proof check: a single event, provable to a third party. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/intake/forms.h"
#include "common/intake/intake.h"
#include "common/log/cosign.h"
#include "common/log/event_proof.h"
#include "common/out/rows.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/card.h"
#include "tools/aftersync/commands.h"

int cmd_proof_make(const struct args *a)
{
	AS_AUTO(json) json_t *answers = NULL;
	AS_AUTO(out) struct out o = {.fd = -1};
	const char *id = cli_value(a, "event"), *path = cli_value(a, "output"), *proof;
	struct as_errmsg em = {"out of memory"};
	uint8_t raw[16];

	if (!form_uuid_parse(bytes_of_str(id), raw))
		return cli_fail(EXIT_USAGE, a,
				"--event %.60s: not an event id: 8-4-4-4-12 hexadecimal digits", id);
	int code =
	    ask_all(a, ASK_DAEMON, json_pack("{s:s, s:s}", "cmd", "proof-make", "event", id), &answers);
	if (code)
		return code;
	proof = json_string_value(json_object_get(json_array_get(answers, 0), "proof"));
	if (proof == NULL)
		return cli_fail(EXIT_WRONG, a, "%s: no proof was made", id);
	if (path == NULL)
		out_to_fd(&o, 1);
	else if (out_to_file(&o, path, &em))
		return cli_fail(EXIT_IO, a, "%s", em.text);
	out_str(&o, proof);
	return show_end(a, &o, EXIT_DONE);
}

/* The whole file; its size, or a negative exit code's opposite is said. */
static int read_file(const struct args *a, uint8_t *to, size_t cap, size_t *ret_n)
{
	int fd = open(a->arg, O_RDONLY | O_CLOEXEC);
	ssize_t k = fd < 0 ? -1 : 1;
	size_t n = 0;

	while (k > 0 && n < cap && ((k = read(fd, to + n, cap - n)) > 0 || (k < 0 && errno == EINTR)))
		n += k > 0 ? (size_t)k : 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (k < 0)
		return cli_fail(EXIT_IO, a, "%.200s: %s", a->arg, strerror(error));
	*ret_n = n;
	return EXIT_DONE;
}

static const char *wrong(as_err err)
{
	switch (err) {
	case AS_ENOTFOUND:
		return "the log's own signature is not there, or its name is not that of the log";
	case AS_EFORGED:
		return "a signature does not verify";
	case AS_EREFUSED:
		return "the event is not in the log at this place: it was changed, or the path is of another "
		       "one";
	default:
		return as_err_text(err);
	}
}

/* When this key signed its receipt; null when there is none. */
static json_t *receipt_time(const struct event_proof *p, const struct note_key *k)
{
	uint8_t payload[COSIGN_PAYLOAD];
	char text[FORM_TIME_MAX];

	for (uint32_t i = 0; i < p->proof.note.lines_n; i++)
		if (note_line_is(&p->proof.note.lines[i], k) &&
		    p->proof.note.lines[i].payload_n == sizeof payload &&
		    note_line_payload(&p->proof.note.lines[i], payload, sizeof payload)) {
			form_time_text((int64_t)cosign_time(payload) * 1000, 0, text);
			return json_string(text);
		}
	return json_null();
}

static json_t *key_json(const struct note_key *k)
{
	char vkey[NOTE_VKEY_MAX + 1];

	note_key_format(k, vkey);
	return json_string(vkey);
}

/* What the proof says, once it holds. */
static json_t *told(const struct event_proof *p, uint32_t by)
{
	char root[2 * TREE_HASH + 1];
	json_t *receipts = json_array();
	struct event ev;

	for (size_t i = 0; i < p->by_n; i++)
		if (by & 1u << i)
			json_array_append_new(receipts,
					      json_pack("{s:o, s:o}", "time", receipt_time(p, &p->by[i]),
							"key", key_json(&p->by[i])));
	text_hex(p->proof.checkpoint.head.root, TREE_HASH, root);
	json_t *all =
	    json_pack("{s:b, s:s%, s:I, s:I, s:s, s:o, s:o}", "ok", 1, "log",
		      (const char *)p->proof.checkpoint.origin.p, p->proof.checkpoint.origin.n, "index",
		      (json_int_t)p->proof.index, "size", (json_int_t)p->proof.checkpoint.head.size, "root",
		      root, "log_key", key_json(&p->log), "receipts", receipts);
	if (event_decode(p->event, &ev) == AS_OK)
		json_object_set_new(all, "event", intake_event_json(&ev, NULL));
	return all;
}

/* A vkey is name+id+key; the name may hold anything but "+". Names are long and stay in one piece, to be
 * copied. */
static void put_key(struct out *o, const char *vkey)
{
	const char *plus = strchr(vkey, '+');
	size_t n = plus ? (size_t)(plus - vkey) : strlen(vkey);

	out_add(o, vkey, n);
	out_fmt(o, "\n  key    %s\n", plus ? plus + 1 : "?");
}

static void people(const struct args *a, struct out *o, const struct event_proof *p, json_t *all)
{
	struct rows_opts opts = show_opts(a);
	size_t i;
	json_t *r;

	out_str(o, "The proof holds: this event is in this log at this place.\n\n");
	json_t *event = json_incref(json_object_get(all, "event"));
	if (event)
		card_print(o, event, NULL, 0, opts.width);
	else
		out_fmt(o, "The event is of a kind that this program cannot read (%zu bytes).\n", p->event.n);
	json_decref(event);
	out_fmt(o, "\nplace    %llu of %llu\nlog      ", (unsigned long long)p->proof.index,
		(unsigned long long)p->proof.checkpoint.head.size);
	put_key(o, json_string_value(json_object_get(all, "log_key")));
	json_array_foreach(json_object_get(all, "receipts"), i, r)
	{
		const char *time = json_string_value(json_object_get(r, "time"));
		out_str(o, "receipt  ");
		put_key(o, json_string_value(json_object_get(r, "key")));
		out_fmt(o, "  at     %s\n", time ? time : "?");
	}
	out_str(o, "\nCompare the keys with those that head office publishes.\n");
}

int cmd_proof_check(const struct args *a)
{
	static uint8_t file[EVENT_PROOF_MAX + 1], event[EVENT_BYTES_MAX];
	struct event_proof p;
	struct as_errmsg em;
	AS_AUTO(out) struct out o;
	uint32_t by = 0;
	size_t n = 0;

	out_to_fd(&o, 1);
	int code = read_file(a, file, sizeof file, &n);
	if (code)
		return code;
	if (event_proof_parse(bytes_of(file, n), event, &p, &em))
		return cli_fail(EXIT_WRONG, a, "%.200s: %s", a->arg, em.text);
	as_err err = event_proof_verify(&p, &by);
	if (err)
		return cli_fail(EXIT_WRONG, a, "%.200s: the proof does not hold: %s", a->arg, wrong(err));
	if (by == 0)
		return cli_fail(
		    EXIT_WRONG, a,
		    "%.200s: no receipt of head office is in it: it proves only what the branch says",
		    a->arg);
	AS_AUTO(json) json_t *all = told(&p, by);
	if (show_format(a) == FORMAT_JSON)
		json_out(&o, all);
	else if (show_format(a) == FORMAT_CSV)
		card_csv(&o, all);
	else
		people(a, &o, &p, all);
	return show_end(a, &o, EXIT_DONE);
}
