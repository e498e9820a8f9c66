/* The configuration tables of the programs: their defaults are valid and what init and join write reads back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/log.h"
#include "daemon/branchd/branchd_conf.h"
#include "daemon/hqd/hqd_conf.h"

static struct as_errmsg em;

/* The file that `aftersync hq init` and `aftersync branch join` write. */
static void first_file(const struct conf_table *table, void *values, void *back)
{
	static char text[CONF_DUMP_MAX];
	struct writer w = writer_of(text, sizeof text);

	conf_dump(table, values, &w);
	assert_false(w.full);
	if (conf_parse(table, "f", writer_done(&w), back, &em))
		fail_msg("%s", em.text);
	assert_memory_equal(values, back, table->bytes);
}

static void head_office(void **state)
{
	(void)state;
	struct hqd_conf c, back;

	conf_defaults(&hqd_conf_table, &c);
	strcpy(c.listen, "tcp://127.0.0.1:7443");
	first_file(&hqd_conf_table, &c, &back);
	assert_int_equal(back.max_links, 2000);
	assert_int_equal(back.base.store_map, (uint64_t)64 << 30);
	assert_int_equal(back.base.store_limit, 0);
	assert_int_equal(back.base.store_preallocate, 64 << 20);
	assert_int_equal(back.credit_pool, 64 << 20);
	assert_int_equal(back.verify_threads, 0);
	assert_int_equal(back.base.log_level, LOG_LEVEL_INFO);
	assert_int_equal(conf_parse(&hqd_conf_table, "f", bytes_of_str(""), &c, &em), AS_EPROTO);
	assert_non_null(strstr(em.text, "link.listen"));
}

static void branch(void **state)
{
	(void)state;
	struct branchd_conf c, back;

	assert_int_equal(conf_parse(&branchd_conf_table, "f", bytes_of_str(""), &c, &em), AS_OK);
	assert_string_equal(c.endpoint, "");
	assert_int_equal(c.base.store_map, (uint64_t)16 << 30);
	assert_int_equal(c.base.store_preallocate, 4 << 20);
	first_file(&branchd_conf_table, &c, &back);
	assert_int_equal(conf_parse(&branchd_conf_table, "f",
				    bytes_of_str("[store]\nlimit = 2 MiB\npreallocate = 3 MiB\n"), &c, &em),
			 AS_EPROTO);
	assert_non_null(strstr(em.text, "f: store.preallocate: larger"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(head_office),
	    cmocka_unit_test(branch),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
