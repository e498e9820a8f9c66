/* The version of the programs, as --version and `status` say it. */
#ifndef AFTERSYNC_BASE_VERSION_H
#define AFTERSYNC_BASE_VERSION_H

#define AFTERSYNC_VERSION "0.1.0"

#endif
