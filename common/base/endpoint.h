/*
 * Network endpoints as text: tcp://HOST:PORT, nothing else. HOST is a name (letters, digits, '-', '.'), an
 * IPv4 address, or an IPv6 address in brackets; PORT is 1 to 65535. Pure.
 */
#ifndef AFTERSYNC_BASE_ENDPOINT_H
#define AFTERSYNC_BASE_ENDPOINT_H

#include "common/base/bytes.h"

#define ENDPOINT_BYTES_MAX 120

/* The form only: whether the host exists is found out by connecting. */
bool endpoint_valid(struct bytes s);

#endif
