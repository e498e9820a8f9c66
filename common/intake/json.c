#include "common/intake/json.h"

#include <malloc.h>
#include <stdlib.h>

#include "common/crypto/random.h"

static void wipe_and_free(void *p)
{
	if (p)
		as_wipe(p, malloc_usable_size(p)); /* jansson does not say how long it was */
	free(p);
}

void json_wipe_freed(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}

void json_text_free(char *take_text)
{
	wipe_and_free(take_text);
}
