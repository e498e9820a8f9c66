/* The file of a proof from outside: refused, or written back byte for byte. */
#include <stddef.h>
#include <stdint.h>

#include "common/base/check.h"
#include "common/log/event_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t event[EVENT_BYTES_MAX], tlog[TLOG_PROOF_MAX], out[EVENT_PROOF_MAX];
	struct writer tw = writer_of(tlog, sizeof tlog), w = writer_of(out, sizeof out);
	struct event_proof p;
	struct as_errmsg em;
	uint32_t by = 0;

	if (event_proof_parse(bytes_of(data, size), event, &p, &em))
		return 0;
	as_assert(p.event.n > 0 && p.by_n <= EVENT_PROOF_BY_MAX);
	if (event_proof_verify(&p, &by))
		as_assert(by == 0);
	if (p.proof.has_extra)
		return 0;
	tlog_proof_put(&tw, p.proof.index, &p.proof.proof, p.proof.note.raw);
	event_proof_put(&w, p.event, &p.log, p.by, p.by_n, writer_done(&tw));
	as_assert(!tw.full && !w.full && bytes_equal(writer_done(&w), bytes_of(data, size)));
	return 0;
}
