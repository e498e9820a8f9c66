#include "daemon/rt/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#define MESSAGE_MAX 512

/* The socket systemd reads; false: there is none. */
static bool address(struct sockaddr_un *ret, socklen_t *ret_n)
{
	const char *path = getenv("NOTIFY_SOCKET");

	/* a path, or a name of the abstract space */
	if (path == NULL || (path[0] != '/' && path[0] != '@') || path[1] == 0 ||
	    strlen(path) >= sizeof ret->sun_path)
		return false;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, path, strlen(path));
	*ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		ret->sun_path[0] = 0;
	else
		++*ret_n;
	return true;
}

/* patient: wait a second when systemd is busy; others are said again anyhow. */
static void send_text(const char *text, bool patient)
{
	struct sockaddr_un to;
	socklen_t n;

	if (!address(&to, &n))
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* never longer: better a lost word than a stopped daemon */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_sec = 1}, sizeof(struct timeval));
	while (sendto(fd, text, strlen(text), MSG_NOSIGNAL | (patient ? 0 : MSG_DONTWAIT),
		      (struct sockaddr *)&to, n) < 0 &&
	       errno == EINTR)
		;
	close(fd);
}

/* Words are ours; status may hold anything. */
static void say(const char *words, const char *status)
{
	char text[MESSAGE_MAX];
	size_t n = (size_t)snprintf(text, sizeof text, "%s", words);

	if (status) {
		n += (size_t)snprintf(text + n, sizeof text - n, "STATUS=");
		struct bytes s = bytes_of_str(status);
		s.n = text_utf8_valid(s) ? text_utf8_cut(s, sizeof text - n - 1) : 0;
		for (size_t i = 0; i < s.n; i++)
			text[n++] = (char)(s.p[i] < 0x20 ? ' ' : s.p[i]);
		text[n] = 0;
	}
	send_text(text, words[0] != 0 && words[0] != 'W');
}

void notify_ready(const char *status)
{
	say("READY=1\n", status);
}

void notify_status(const char *status)
{
	say("", status);
}

void notify_reloading(void)
{
	char words[64];

	snprintf(words, sizeof words, "RELOADING=1\nMONOTONIC_USEC=%llu\n",
		 (unsigned long long)(clock_mono_ns() / 1000));
	say(words, NULL);
}

void notify_stopping(const char *status)
{
	say("STOPPING=1\n", status);
}

void notify_watchdog(void)
{
	say("WATCHDOG=1\n", NULL);
}

static bool number_of(const char *name, uint64_t *ret)
{
	const char *s = getenv(name);

	return s != NULL && text_decimal(bytes_of_str(s), UINT64_MAX, ret);
}

uint32_t notify_watchdog_interval_ms(void)
{
	uint64_t usec, pid;

	if (!number_of("WATCHDOG_USEC", &usec) || usec == 0)
		return 0;
	/* the variable may have come down from a parent whom it is for */
	if (getenv("WATCHDOG_PID") && (!number_of("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
		return 0;
	/* half of what is waited for, as sd_watchdog_enabled(3) advises */
	uint64_t ms = usec / 2000;
	return ms == 0 ? 1 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}
