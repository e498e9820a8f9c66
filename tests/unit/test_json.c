/* common/intake/json: what jansson frees is wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/intake/json.h"

/* Never whole in memory but where a test puts it: this is each byte with one bit inverted. */
static const char hidden[] = "nouhghpdodqr,knho,0,PTXMN";
static char line[4096]; /* not in the heap */

static void secret(char out[64])
{
	for (size_t i = 0; i < sizeof hidden; i++)
		out[i] = hidden[i] ? (char)(hidden[i] ^ 1) : 0;
}

/* How often the secret stands in the heap. */
static size_t in_heap(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char text[512];
	static char what[64];
	size_t found = 0;

	assert_non_null(f);
	secret(what);
	while (fgets(text, sizeof text, f)) {
		unsigned long from, to;
		if (strstr(text, "[heap]") == NULL || sscanf(text, "%lx-%lx", &from, &to) != 2)
			continue;
		const char *p = (const char *)(uintptr_t)from;
		for (size_t left = to - from; left >= strlen(what);) {
			const char *at = memmem(p, left, what, strlen(what));
			if (at == NULL)
				break;
			found++;
			left -= (size_t)(at + 1 - p);
			p = at + 1;
		}
	}
	fclose(f);
	memset(what, 0, sizeof what);
	return found;
}

/* A request, its answer, a text that is made and one that is read. */
static void pass_through(void)
{
	static char code[64];
	json_error_t je;

	secret(code);
	snprintf(line, sizeof line, "{\"cmd\":\"x\",\"join_code\":\"%s\",\"more\":[\"%s\",{\"%s\":1}]}", code,
		 code, code);
	json_t *o = json_loads(line, 0, &je);
	assert_non_null(o);
	json_t *answer = json_pack("{s:s, s:s}", "join_code", code, "again",
				   json_string_value(json_object_get(o, "join_code")));
	char *text = json_dumps(answer, JSON_COMPACT);
	assert_non_null(text);
	assert_true(in_heap() > 3);
	json_text_free(text);
	json_decref(answer);
	json_decref(o);
	memset(line, 0, sizeof line);
	memset(code, 0, sizeof code);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool own_heap = true; /* the sanitizer's, elsewhere */
#else
static const bool own_heap = false;
#endif

static void what_is_freed_is_wiped(void **state)
{
	(void)state;
	if (own_heap)
		skip();
	json_wipe_freed();
	pass_through();
	assert_int_equal(in_heap(), 0);
}

static void else_it_would_be_left(void **state)
{
	(void)state;
	if (own_heap)
		skip();
	json_set_alloc_funcs(malloc, free);
	pass_through();
	assert_true(in_heap() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_freed_is_wiped),
	    cmocka_unit_test(else_it_would_be_left),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
