/* Fuzz: a join code as somebody typed it. What is taken gives the same code again, and one text only. */
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/crypto/hash.h"
#include "common/node/joincode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_text(struct bytes text)
{
	char again[JOIN_TEXT_MAX];
	struct join_code jc = {0};
	struct as_errmsg em = {0};

	if (join_code_decode(text, &jc, &em)) {
		as_assert(em.text[0] != 0);
		return;
	}
	as_assert(join_code_encode(&jc, again, &em) == AS_OK);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (!strchr(" \t\r\n", text.p[i]))
			as_assert(again[n++] == (char)text.p[i]);
	as_assert(again[n] == 0);
}

/* 'R': the rest is what stands in a code; length and checksum are put right, to get behind them. */
static void try_raw(const uint8_t *data, size_t size)
{
	uint8_t raw[512], hash[32];
	char text[1024] = "aftersync-join-1.";
	size_t n = strlen(text);

	if (size < 3 || size > sizeof raw - 4)
		return;
	memcpy(raw, data, size);
	put_be16(raw + 1, (uint16_t)(size + 4));
	as_blake2b(hash, sizeof hash, bytes_of(NULL, 0), &(struct bytes){raw, size}, 1);
	memcpy(raw + size, hash, 4);
	n += text_base64(raw, size + 4, text + n);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	while (text[n - 1] == '=')
		n--;
	try_text(bytes_of(text, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 'R')
		try_raw(data + 1, size - 1);
	else
		try_text(bytes_of(data, size));
	return 0;
}
