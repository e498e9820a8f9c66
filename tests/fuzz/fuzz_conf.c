/* Fuzz: a configuration file. What is taken is printed as a file that says the same. */
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sample {
	char listen[121];
	uint64_t links, map, wait_ms;
	bool loud;
	unsigned level;
	char program[64], title[16];
};

static const char *const levels[] = {"error", "warning", "info", NULL};

static const struct conf_key keys[] = {
    {"link", "listen", CONF_ENDPOINT, CONF_AT(struct sample, listen), "", 0, 0, NULL, 0, "Where."},
    {"link", "max_links", CONF_U64, CONF_AT(struct sample, links), "2000", 1, 10000, NULL, 0, "How many."},
    {"store", "map", CONF_BYTES, CONF_AT(struct sample, map), "16 GiB", 0, UINT64_MAX, NULL, 0, "Space."},
    {"store", "wait", CONF_MS, CONF_AT(struct sample, wait_ms), "90 s", 0, UINT64_MAX, NULL, 0, "Time."},
    {"log", "loud", CONF_BOOL, CONF_AT(struct sample, loud), "no", 0, 0, NULL, 0, "More."},
    {"log", "level", CONF_ENUM, CONF_AT(struct sample, level), "info", 0, 0, levels, 0, "What."},
    {"log", "program", CONF_PATH, CONF_AT(struct sample, program), "", 0, 0, NULL, 0, "Who."},
    {"log", "title", CONF_TEXT, CONF_AT(struct sample, title), "", 0, 0, NULL, 0, "Name."},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_table table = {keys, AS_COUNT(keys), sizeof(struct sample), NULL, false};
	static uint8_t text[CONF_DUMP_MAX];
	struct writer w = writer_of(text, sizeof text);
	struct sample got, back;
	struct as_errmsg em = {0};

	if (conf_parse(&table, "f", bytes_of(data, size), &got, &em)) {
		as_assert(em.text[0] != 0);
		return 0;
	}
	conf_dump(&table, &got, &w);
	as_err err = conf_parse(&table, "d", writer_done(&w), &back, &em);
	as_assert(!w.full && err == AS_OK && memcmp(&got, &back, sizeof got) == 0);
	return 0;
}
