/*
 * The ZAP handler (ZeroMQ RFC 27) of the process: who asks at inproc://zeromq.zap.01 is answered from the
 * loop. Only for link_server.
 */
#ifndef AFTERSYNC_DAEMON_RT_ZAP_H
#define AFTERSYNC_DAEMON_RT_ZAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

#define ZAP_DOMAIN "aftersync"
#define ZAP_USER_MAX 256
#define ZAP_ADDRESS_MAX 64

/* True: admitted, ret_user is what messages of this connection carry as "User-Id". address: "" or an IP
 * address. */
typedef bool (*zap_fn)(void *arg, const uint8_t key[32], const char *address, char ret_user[ZAP_USER_MAX]);

/* AS_EEXIST: there is a handler already. AS_ENOMEM. */
as_err zap_open(void **ret_socket) AS_MUST_CHECK;
void zap_close(void *socket); /* after the sockets that depend on it; NULL is fine */

/*
 * Answers what is asked now, bounded; what is no question of CURVE in our domain is refused without asking
 * fn. True when there may be more.
 */
bool zap_serve(void *socket, zap_fn fn, void *arg);

#endif
