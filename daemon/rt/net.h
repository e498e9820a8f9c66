/*
 * The ZeroMQ context of the process, and keys of CURVE as raw bytes.
 *
 * One context, made once: libzmq closes the random generator of libsodium with it. So as_crypto_init comes
 * before net_init, and net_done after all other cryptography. No fork in between. Loop's thread.
 */
#ifndef AFTERSYNC_DAEMON_RT_NET_H
#define AFTERSYNC_DAEMON_RT_NET_H

#include <stdint.h>

#include "common/base/err.h"

#define NET_KEY 32 /* bytes of a CURVE key, secret or public */

/* AS_EUNSUPPORTED: libzmq is older than 4.3.4 (or made without CURVE), which em says. AS_ENOMEM. */
as_err net_init(struct as_errmsg *em) AS_MUST_CHECK;

/* Waits until every socket is closed. Without net_init it does nothing. */
void net_done(void);

/* For daemon/rt: the context, as libzmq's calls take it. */
void *net_context(void);

/* Any 32 bytes are a secret key: that of a join code is its token. */
void net_curve_public(const uint8_t secret[NET_KEY], uint8_t ret_public[NET_KEY]);

/* A fresh pair from the kernel's randomness. */
void net_curve_keypair(uint8_t ret_secret[NET_KEY], uint8_t ret_public[NET_KEY]);

#endif
