/*
 * Pure text helpers: strict UTF-8, hex, base64 (RFC 4648 section 4, padded), decimal numbers.
 */
#ifndef AFTERSYNC_BASE_TEXT_H
#define AFTERSYNC_BASE_TEXT_H

#include "common/base/bytes.h"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_utf8_valid(struct bytes s);

/* The longest prefix of at most max bytes that ends on a character boundary; s must be valid UTF-8. */
size_t text_utf8_cut(struct bytes s, size_t max);

/* Replaces every byte that is in no character by '?': a sentence that was cut or has text from outside in it. */
void text_utf8_mend(char *s);

/* Takes the next line, without its newline, off the front of s; false when there is no whole line. */
bool text_take_line(struct bytes *s, struct bytes *ret_line);

/* out gets 2n characters and a 0. */
void text_hex(const uint8_t *p, size_t n, char *out);

/* Lower or upper case; exactly n bytes from exactly 2n digits, false otherwise. */
bool text_unhex(struct bytes s, uint8_t *out, size_t n);

/* out gets 4*ceil(n/3) characters and a 0; returns their number. */
size_t text_base64(const uint8_t *p, size_t n, char *out);

/*
 * Strict: alphabet, padding and zero trailing bits are required, white space is refused.
 * Returns false when the text is not canonical or would give more than cap bytes.
 */
bool text_unbase64(struct bytes s, uint8_t *out, size_t cap, size_t *ret_n);

/* Digits only, no sign, no leading zero (but "0"), not above max. */
bool text_decimal(struct bytes s, uint64_t max, uint64_t *ret_v);

/* Writes v in decimal, 0-terminated; out holds at least 21 bytes; returns the number of digits. */
size_t text_put_decimal(uint64_t v, char *out);

#endif
