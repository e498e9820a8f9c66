/*
 * Time zones of the IANA database, any number of them at once: business dates need the offset of a branch's
 * zone at an instant. (The C library knows one zone a process.) Reads TZif files (RFC 8536) of version 2 and
 * later, and their footer, a POSIX TZ text, for what comes after the last transition. After tz_load no call
 * can fail or allocates; a struct tz may be read by several threads.
 */
#ifndef AFTERSYNC_NODE_TIMEZONE_H
#define AFTERSYNC_NODE_TIMEZONE_H

#include "common/base/bytes.h"
#include "common/base/err.h"

#define TZ_NAME_MAX 40		/* bytes of a name, as Asia/Shanghai */
#define TZ_TRANSITIONS_MAX 400	/* the longest of the database has about 240 */
#define TZ_FILE_MAX (32 * 1024) /* bytes of a file; the longest has about 4 KiB */

/* One change of the footer's rule: Mm.w.d, Jn or n, and a time of day. */
struct tz_change {
	uint8_t form;		      /* 'M', 'J' or '0' */
	uint8_t month, week, weekday; /* M: 1 to 12, 1 to 5 (last), 0 (Sunday) to 6 */
	uint16_t day;		      /* J: 1 to 365, without 29 February; 0: 0 to 365 */
	int32_t time_s;		      /* after midnight in the time that then holds; -167 to 167 h */
};

struct tz {
	uint32_t n;			      /* transitions */
	int64_t at_s[TZ_TRANSITIONS_MAX];     /* unix seconds, ascending */
	int32_t offset_s[TZ_TRANSITIONS_MAX]; /* from then on, seconds east of UTC */
	int32_t first_offset_s;		      /* before the first */
	bool has_rule, has_dst;		      /* the footer, for the time after the last */
	int32_t std_s, dst_s;		      /* its offsets */
	struct tz_change dst_begins, dst_ends;
};

/*
 * Letters, digits, + - _ in parts between single slashes, 1 to TZ_NAME_MAX bytes: no dots, so that no name
 * leads out of the database.
 */
bool tz_name_valid(struct bytes name);

/*
 * Reads a zone from the system's database (/usr/share/zoneinfo).
 *
 * returns  AS_EINVAL: not a name. AS_ENOTFOUND: no such zone. AS_ECORRUPT: not a TZif file, or one with leap
 * seconds.
 */
as_err tz_load(const char *name, struct tz *ret, struct as_errmsg *em) AS_MUST_CHECK;

/* The content of a TZif file; AS_ECORRUPT with em. */
as_err tz_parse(struct bytes file, struct tz *ret, struct as_errmsg *em) AS_MUST_CHECK;

/*
 * Minutes east of UTC at an instant (UTC milliseconds). Of offsets with seconds, as before the zones were
 * made, the seconds are dropped.
 */
int32_t tz_offset_min(const struct tz *tz, int64_t utc_ms);

/*
 * The instant of a local time (milliseconds since 1970 on the local clock). Of a time that is there twice, when clocks
 * are put back, the first; of one that is left out, the instant of the change. Never goes back when local_ms grows.
 */
int64_t tz_of_local(const struct tz *tz, int64_t local_ms);

#endif
