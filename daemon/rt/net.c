#include "daemon/rt/net.h"

#include <errno.h>
#include <zmq.h>

#include "common/base/check.h"
#include "common/crypto/random.h"
#include "common/crypto/seal.h"

#define SOCKETS_MAX 4096

static void *context;

as_err net_init(struct as_errmsg *em)
{
	int major, minor, patch;

	as_assert(context == NULL);
	zmq_version(&major, &minor, &patch);
	if (major * 10000 + minor * 100 + patch < 40304 || !zmq_has("curve")) {
		as_errmsg_set(em, "libzmq %d.%d.%d: 4.3.4 or newer, with CURVE, is needed", major, minor,
			      patch);
		return AS_EUNSUPPORTED;
	}
	context = zmq_ctx_new();
	if (context == NULL || zmq_ctx_set(context, ZMQ_MAX_SOCKETS, SOCKETS_MAX) != 0) {
		net_done();
		as_errmsg_set(em, "libzmq: no context");
		return AS_ENOMEM;
	}
	return AS_OK;
}

void net_done(void)
{
	if (context == NULL)
		return;
	while (zmq_ctx_term(context) != 0 && zmq_errno() == EINTR)
		;
	context = NULL;
}

void *net_context(void)
{
	as_assert(context != NULL);
	return context;
}

void net_curve_public(const uint8_t secret[NET_KEY], uint8_t ret_public[NET_KEY])
{
	as_x25519_public(secret, ret_public);
}

void net_curve_keypair(uint8_t ret_secret[NET_KEY], uint8_t ret_public[NET_KEY])
{
	as_random(ret_secret, NET_KEY);
	as_x25519_public(ret_secret, ret_public);
}
