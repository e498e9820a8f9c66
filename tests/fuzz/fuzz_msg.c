/* Frames from a peer: refused, or a message that goes there and back unchanged. */
#include <stddef.h>
#include <stdint.h>

#include "common/base/check.h"
#include "common/wire/msg_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct msg_codec codec;
	static struct wire_key keys[KEYS_PER_MESSAGE_MAX], keys_again[KEYS_PER_MESSAGE_MAX];
	static struct buf a, b;
	static struct msg m, again;

	if (a.max == 0) {
		buf_init(&a, MESSAGE_BYTES_MAX);
		buf_init(&b, MESSAGE_BYTES_MAX);
	}
	buf_reset(&a);
	buf_reset(&b);
	if (msg_decode(&codec, bytes_of(data, size), keys, &m, NULL))
		return 0;
	as_assert(msg_encode(&m, &a) == AS_OK);
	as_assert(msg_decode(&codec, buf_bytes(&a), keys_again, &again, NULL) == AS_OK);
	as_assert(msg_encode(&again, &b) == AS_OK);
	as_assert(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
	if (m.type == MSG_KEYS)
		as_assert(m.keys.keys_n == again.keys.keys_n &&
			  memcmp(keys, keys_again, m.keys.keys_n * sizeof *keys) == 0);
	return 0;
}
