/* Test vectors as text. */
#ifndef AFTERSYNC_TESTS_LIB_HEX_H
#define AFTERSYNC_TESTS_LIB_HEX_H

#include "common/base/bytes.h"

/* Exactly n bytes from 2n digits; aborts otherwise. */
void unhex(const char *hex, uint8_t *out, size_t n);

#endif
