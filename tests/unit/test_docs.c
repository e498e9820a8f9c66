/* docs/domain.md and docs/bodies.proto are what gen_domain writes now. Run from the top folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void same(const char *what, const char *path)
{
	static char want[256 * 1024], have[256 * 1024];
	char self[512], command[600];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	assert_true(n > 0);
	self[n] = 0;
	*strrchr(self, '/') = 0; /* build/<variant>/tests */
	snprintf(command, sizeof command, "'%s/../tools/gen_domain' %s", self, what);
	FILE *tool = popen(command, "r"), *file = fopen(path, "r");
	assert_non_null(tool);
	assert_non_null(file);
	size_t a = fread(want, 1, sizeof want, tool), b = fread(have, 1, sizeof have, file);
	assert_int_equal(pclose(tool), 0);
	fclose(file);
	if (a == 0 || a != b || memcmp(want, have, a) != 0)
		fail_msg("%s is not what the tables say: run `make docs`", path);
}

static void generated_documents_are_fresh(void **state)
{
	(void)state;
	same("domain", "docs/domain.md");
	same("bodies", "docs/bodies.proto");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(generated_documents_are_fresh)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
