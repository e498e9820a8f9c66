/*
 * Feeds every file of tests/fuzz/corpus/<name> to a fuzz target, as a test of its own: <name> is what follows `replay_`
 * in the name of the program, or the folder is the argument. Run from the top folder.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_input(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* A copy of just its size, so that a sanitizer sees a read beyond its end. */
static size_t load(const char *path, uint8_t **ret_data)
{
	static uint8_t whole[INPUT_MAX];
	FILE *f = fopen(path, "rb");

	as_assert(f != NULL);
	size_t n = fread(whole, 1, sizeof whole, f);
	as_assert(n < sizeof whole);
	fclose(f);
	*ret_data = malloc(n > 0 ? n : 1);
	as_assert(*ret_data != NULL);
	memcpy(*ret_data, whole, n);
	return n;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '_');
	struct dirent **files;
	char folder[256], path[1024];

	as_assert(argc > 1 || name != NULL);
	if (argc > 1)
		snprintf(folder, sizeof folder, "%s", argv[1]);
	else
		snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name + 1);
	int n = scandir(folder, &files, is_input, alphasort);
	if (n <= 0) {
		printf("1..1\nnot ok 1 - %s has no inputs\n", folder);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		uint8_t *data;
		snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
		printf("# %s\n", path);
		fflush(stdout); /* the last line names the input that it died of */
		size_t size = load(path, &data);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
		printf("ok %d - %s\n", i + 1, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	return 0;
}
