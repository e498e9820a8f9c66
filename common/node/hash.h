/*
 * uthash through one door: hash tables over structs that carry a UT_hash_handle. No memory for a table is the end of the
 * program, as an assertion: the tables are small, and there is nothing to go on with.
 */
#ifndef AFTERSYNC_NODE_HASH_H
#define AFTERSYNC_NODE_HASH_H

#include "common/base/check.h"

#define uthash_fatal(msg) as_abort(__FILE__, __LINE__, msg)
#include <uthash.h>

#endif
