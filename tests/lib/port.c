#include "tests/lib/port.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"

#define FIRST 12000
#define LAST 31999

static struct sockaddr_in address(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int port_free(void)
{
	static int next;

	/* processes that run at the same time begin at different places */
	if (next == 0)
		next = FIRST + getpid() * 131 % (LAST - FIRST);
	for (int tries = 0; tries < LAST - FIRST; tries++) {
		int port = next++;
		struct sockaddr_in to = address(port);
		if (next > LAST)
			next = FIRST;
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		as_assert(fd >= 0);
		int ok = bind(fd, (struct sockaddr *)&to, sizeof to) == 0;
		close(fd);
		if (ok)
			return port;
	}
	abort();
}

int port_connect(int port)
{
	struct sockaddr_in to = address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	as_assert(fd >= 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}
