/*
 * How the tables of kinds are written: macros of fields, posts and rows, for common/ledger/kinds_*.c alone. One
 * row a line, so these files are not formatted.
 */
#ifndef AFTERSYNC_LEDGER_KINDS_ROWS_H
#define AFTERSYNC_LEDGER_KINDS_ROWS_H

#include "common/base/check.h"
#include "common/ledger/kinds.h"

/* clang-format off */
#define REQ FF_REQUIRED
#define LIVE FF_LIVE_REQUIRED
#define PD FF_PERSONAL
#define SYS FF_SYSTEM
#define TIME_MIN INT64_C(-2208988800000) /* 1900-01-01 */
#define TIME_MAX INT64_C(7258118400000)	 /* 2200-01-01 */
#define FEN_MAX 10000000
#define HQ_EVENT_MAX 32000		 /* leaves room for the event around it */

/* number, name, Chinese name, flags, slot of the fold, … */
#define FIELD(n, nm, cn, ty, fl, lo, hi) .name = nm, .zh = cn, .number = n, .type = ty, .flags = fl, .min = lo, .max = hi
#define F_U32(n, name, zh, fl, sl, lo, hi) { FIELD(n, name, zh, FT_U32, fl, lo, hi), .slot = sl }
#define F_I64(n, name, zh, fl, lo, hi) { FIELD(n, name, zh, FT_I64, fl, lo, hi) }
#define F_BOOL(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_BOOL, fl, 0, 1), .slot = sl }
#define F_CODE(n, name, zh, fl, sl, list) { FIELD(n, name, zh, FT_CODE, fl, 0, 0), .slot = sl, .codes = &(list) }
#define F_SET(n, name, zh, fl, list) { FIELD(n, name, zh, FT_CODE_SET, fl, 0, 0), .codes = &(list) }
#define F_LIST(n, name, zh, fl, hi, list) { FIELD(n, name, zh, FT_CODE_LIST, fl, 1, hi), .codes = &(list) }
#define F_MONEY(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_MONEY, fl, 0, FEN_MAX), .slot = sl }
#define F_DATE(n, name, zh, fl) { FIELD(n, name, zh, FT_DATE, fl, 0, 0) }
#define F_DATE_IN(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_DATE, fl, 0, 0), .slot = sl }
#define F_TIME(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_TIME, fl, TIME_MIN, TIME_MAX), .slot = sl }
#define F_TEXT(n, name, zh, fl, sl, hi) { FIELD(n, name, zh, FT_TEXT, fl, 1, hi), .slot = sl }
#define F_BYTES(n, name, zh, fl, len) { FIELD(n, name, zh, FT_BYTES, fl, len, len) }
#define F_BLOB(n, name, zh, fl, sl, hi) { FIELD(n, name, zh, FT_BLOB, fl, 1, hi), .slot = sl }
#define F_STAFF(n, name, zh, fl, sl) { FIELD(n, name, zh, FT_STAFF, fl, 1, UINT32_MAX), .slot = sl }
#define F_OF(n, name, zh, type, fl) { FIELD(n, name, zh, type, fl, 0, 0) }
#define F_ROWS(n, name, zh, fl, hi, def) { FIELD(n, name, zh, FT_ROWS, fl, 1, hi), .row = &(def) }
#define ROW_OF(nm, columns) { .name = nm, .cols_n = AS_COUNT(columns), .cols = columns }

/* the same, required by a rule */
#define R_LIST(n, name, zh, fl, hi, list, ru) { FIELD(n, name, zh, FT_CODE_LIST, fl, 1, hi), .codes = &(list), .rule = ru }
#define R_SET(n, name, zh, fl, list, ru) { FIELD(n, name, zh, FT_CODE_SET, fl, 0, 0), .codes = &(list), .rule = ru }
#define R_TIME(n, name, zh, fl, sl, ru) { FIELD(n, name, zh, FT_TIME, fl, TIME_MIN, TIME_MAX), .slot = sl, .rule = ru }
#define R_BOOL(n, name, zh, fl, sl, ru) { FIELD(n, name, zh, FT_BOOL, fl, 0, 1), .slot = sl, .rule = ru }
#define R_CODE(n, name, zh, fl, sl, list, ru) { FIELD(n, name, zh, FT_CODE, fl, 0, 0), .slot = sl, .codes = &(list), .rule = ru }
#define R_STAFF(n, name, zh, fl, sl, ru) { FIELD(n, name, zh, FT_STAFF, fl, 1, UINT32_MAX), .slot = sl, .rule = ru }
#define R_BYTES(n, name, zh, fl, len, ru) { FIELD(n, name, zh, FT_BYTES, fl, len, len), .rule = ru }
#define R_MONEY(n, name, zh, fl, ru) { FIELD(n, name, zh, FT_MONEY, fl, 0, FEN_MAX), .rule = ru }
#define R_U32(n, name, zh, fl, sl, lo, hi, ru) { FIELD(n, name, zh, FT_U32, fl, lo, hi), .slot = sl, .rule = ru }
#define R_TEXT(n, name, zh, fl, hi, ru) { FIELD(n, name, zh, FT_TEXT, fl, 1, hi), .rule = ru }

#define POST(n) (UINT32_C(1) << (n))
#define P_MANAGER POST(1)
#define P_ASSISTANT POST(2)
#define P_CLERK POST(3)
#define P_TECH_SUPPORT POST(4)
#define P_FINANCE POST(5)
#define P_SUPERVISOR POST(6)
#define P_HEAD POST(7)
#define P_FRONT POST(8)
#define P_TECH POST(9)
#define P_LOGISTICS POST(10)
#define P_NETWORK POST(11)
#define P_CARE POST(12)
#define P_SYS POST(31)

#define LEAD (P_MANAGER | P_SUPERVISOR | P_HEAD)
#define DESK (LEAD | P_FRONT)
#define BENCH (LEAD | P_TECH | P_TECH_SUPPORT)
#define DESK_BENCH (DESK | BENCH)
#define STORES (DESK | P_LOGISTICS | P_TECH)
#define CARE (DESK | P_CARE | P_ASSISTANT | P_CLERK)
#define OFFICE (LEAD | P_ASSISTANT | P_CLERK)
#define EVERYBODY (CARE | BENCH | STORES | P_FINANCE | P_NETWORK)
#define HEAD_OFFICE (P_MANAGER | P_ASSISTANT | P_SUPERVISOR | P_NETWORK)

#define FIELDS(a) (a), AS_COUNT(a)
#define NO_FIELDS NULL, 0

/* kind, Chinese name, type of case, flags, posts, FIELDS(…), rules beside those of its fields, guards and checks */
#define KIND(k, cn, type, fl, po, fi, ...) { k, #k, cn, type, fl, po, fi, {__VA_ARGS__} }

/* The rows of one file: numbers without a gap, ascending. */
#define KIND_GROUP(name, first, rows) const struct kind_group name = {first, AS_COUNT(rows), rows}
/* clang-format on */

#endif
