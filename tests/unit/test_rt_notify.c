/* daemon/rt/notify: what systemd would receive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "daemon/rt/notify.h"

static int fd;
static char folder[64], name[100];

/* path: with a @ for the abstract space. */
static void listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(name, sizeof name, "%s", path);
	memcpy(at.sun_path, path, strlen(path));
	if (path[0] == '@')
		at.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
			 0);
	setenv("NOTIFY_SOCKET", path, 1);
}

static const char *heard(void)
{
	static char text[2000];
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
	return n < 0 ? "(nothing)" : text;
}

static int setup(void **state)
{
	char path[100];

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/aftersync-notify-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/socket", folder);
	listen_at(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fd);
	if (name[0] != '@')
		unlink(name);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return rmdir(folder);
}

static void the_words_are_those_of_sd_notify(void **state)
{
	(void)state;
	notify_ready("serving 12 branches");
	assert_string_equal(heard(), "READY=1\nSTATUS=serving 12 branches");
	notify_ready(NULL);
	assert_string_equal(heard(), "READY=1\n");
	notify_status("lag 3 events");
	assert_string_equal(heard(), "STATUS=lag 3 events");
	notify_watchdog();
	assert_string_equal(heard(), "WATCHDOG=1\n");
	notify_stopping("the store is closed");
	assert_string_equal(heard(), "STOPPING=1\nSTATUS=the store is closed");
	uint64_t before = clock_mono_ns() / 1000, usec = 0;
	notify_reloading();
	assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%lu\n", &usec), 1);
	assert_in_range(usec, before, clock_mono_ns() / 1000);
	assert_string_equal(heard(), "(nothing)");
}

static void a_status_cannot_say_other_words(void **state)
{
	(void)state;
	char big[2000];

	notify_status("a\nREADY=1\x01z");
	assert_string_equal(heard(), "STATUS=a READY=1 z");
	for (size_t i = 0; i + 3 < sizeof big; i += 3)
		memcpy(big + i, "\xe4\xb8\xad", 3);
	big[1998] = 0;
	notify_status(big);
	const char *got = heard();
	assert_true(strlen(got) < 512 && strlen(got) > 480);
	assert_int_equal((strlen(got) - strlen("STATUS=")) % 3, 0);
	notify_status("\xff");
	assert_string_equal(heard(), "STATUS=");
}

static void abstract_names_work_too(void **state)
{
	(void)state;
	char abstract[64];

	close(fd);
	unlink(name);
	snprintf(abstract, sizeof abstract, "@aftersync-test-%d", (int)getpid());
	listen_at(abstract);
	notify_watchdog();
	assert_string_equal(heard(), "WATCHDOG=1\n");
}

static void nobody_there_does_no_harm(void **state)
{
	(void)state;
	char big[300];

	memset(big, 'x', sizeof big);
	big[0] = '/';
	big[sizeof big - 1] = 0;
	static const char *const bad[] = {"", "/", "@", "relative", "/nonexistent/socket"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		notify_ready("x");
	}
	setenv("NOTIFY_SOCKET", big, 1);
	notify_ready("x");
	unsetenv("NOTIFY_SOCKET");
	notify_ready("x");
	assert_string_equal(heard(), "(nothing)");
	/* a full queue: it returns */
	setenv("NOTIFY_SOCKET", name, 1);
	for (int i = 0; i < 2000; i++)
		notify_watchdog();
	assert_string_equal(heard(), "WATCHDOG=1\n");
}

static void the_watchdog_says_how_often(void **state)
{
	(void)state;
	char pid[32];

	assert_int_equal(notify_watchdog_interval_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_interval_ms(), 15000);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_interval_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_interval_ms(), 0);
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "1", 1);
	assert_int_equal(notify_watchdog_interval_ms(), 1);
	setenv("WATCHDOG_USEC", "0", 1);
	assert_int_equal(notify_watchdog_interval_ms(), 0);
	setenv("WATCHDOG_USEC", "-5", 1);
	assert_int_equal(notify_watchdog_interval_ms(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_words_are_those_of_sd_notify), T(a_status_cannot_say_other_words),
	    T(abstract_names_work_too),		 T(nobody_there_does_no_harm),
	    T(the_watchdog_says_how_often),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
