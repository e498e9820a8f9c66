/*
 * Instants as RFC 3339 text in the node's time zone.
 */
#ifndef AFTERSYNC_NODE_TEXT_TIME_H
#define AFTERSYNC_NODE_TEXT_TIME_H

#include "common/intake/forms.h"
#include "common/node/node.h"

#define TEXT_TIME_MAX FORM_TIME_MAX

static inline void text_time(int64_t utc_ms, const struct node_home *home, char out[TEXT_TIME_MAX])
{
	form_time_text(utc_ms - utc_ms % 1000, tz_offset_min(&home->tz, utc_ms), out);
}

#endif
