/* Fuzz: one submitted line. What is accepted encodes as an event and comes back as JSON. */
#include <stdint.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/intake/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct intake in;
	static uint8_t raw[EVENT_BYTES_MAX], id[16];
	static const struct intake_ctx ctxs[2] = {{.tz_offset_min = 480},
						  {.tz_offset_min = -300, .imported = true}};
	struct intake_error err;
	size_t n;

	for (size_t i = 0; i < 2; i++) {
		if (intake_parse(bytes_of(data, size), &ctxs[i], &in, &err)) {
			as_assert(err.text[0] && text_utf8_valid(bytes_of_str(err.text)));
			continue;
		}
		if (in.ev.event_id.n == 0)
			in.ev.event_id = bytes_of(id, 16);
		in.ev.salt = bytes_of(id, 16);
		in.ev.recorded_at = in.ev.occurred_at;
		as_err e = event_encode(&in.ev, raw, sizeof raw, &n);
		as_assert(e == AS_OK);
		struct bytes personal = intake_personal(&in);
		json_t *j = intake_event_json(&in.ev, &personal);
		as_assert(j != NULL && json_object_get(j, "facts") != NULL);
		json_decref(j);
		struct intake *kept = intake_keep(&in);
		intake_wipe(&in);
		if (kept)
			as_assert(event_encode(&kept->ev, raw, sizeof raw, &n) == AS_OK);
		intake_free(kept);
	}
	return 0;
}
