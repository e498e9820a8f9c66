/*
 * The version of the programs; what a store, a log line and `--version` say.
 */
#ifndef AFTERSYNC_BASE_VERSION_H
#define AFTERSYNC_BASE_VERSION_H

#define AFTERSYNC_VERSION "0.2.0"

#endif
