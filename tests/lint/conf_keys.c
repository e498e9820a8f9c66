/*
 * Prints what the configuration tables say, for tests/lint/man.t: one line a key,
 *
 *	program TAB section TAB key TAB default TAB flags      flags: R may change on SIGHUP, ! required
 */
#include <stdio.h>

#include "daemon/branchd/branchd_conf.h"
#include "daemon/hqd/hqd_conf.h"

static void print(const char *program, const struct conf_table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];
		printf("%s\t%s\t%s\t%s\t%s%s\n", program, key->section, key->name, key->def ? key->def : "",
		       key->flags & CONF_RELOAD ? "R" : "", key->flags & CONF_REQUIRED ? "!" : "");
	}
}

int main(void)
{
	print("aftersync-branchd", &branchd_conf_table);
	print("aftersync-hqd", &hqd_conf_table);
	return 0;
}
