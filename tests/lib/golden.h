/*
 * Output compared with a file of tests/golden/out. GOLDEN_UPDATE=1 in the environment writes the file
 * instead: look at what changed before it is committed. Run from the top folder.
 */
#ifndef AFTERSYNC_TESTS_LIB_GOLDEN_H
#define AFTERSYNC_TESTS_LIB_GOLDEN_H

#include "common/base/bytes.h"

/* tests/golden/out/NAME.txt; prints both and aborts the test when they differ. */
void golden_same(const char *name, struct bytes have);

/* No line is wider than that many terminal columns, and none ends with a blank. */
void golden_width(const char *name, struct bytes text, size_t width);

#endif
