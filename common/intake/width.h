/*
 * How wide a text is on a terminal: a Chinese character takes two columns. By Unicode, not by the locale.
 */
#ifndef AFTERSYNC_INTAKE_WIDTH_H
#define AFTERSYNC_INTAKE_WIDTH_H

#include "common/base/bytes.h"

/* Columns of s; a byte that is not UTF-8 counts as one. Control characters count as one: print none. */
size_t text_width(struct bytes s);

/* The longest prefix of at most `columns` columns, in bytes; never parts a character. */
size_t text_width_cut(struct bytes s, size_t columns);

#endif
