/* aftersync-branchd: the daemon of a service centre. Foreground, log lines on standard error. */
#include <signal.h>

#include "common/base/log.h"
#include "common/base/version.h"
#include "daemon/branchd/branchd.h"
#include "daemon/rt/main.h"
#include "daemon/rt/net.h"
#include "daemon/rt/notify.h"

static const struct daemon program = {"aftersync-branchd", NODE_BRANCH, &branchd_conf_table};

static void on_signal(void *arg, int signo)
{
	struct branchd *d = arg;

	if (signo == SIGHUP) {
		struct branchd_conf next;
		daemon_reload(&program, d->home, &d->conf, &next);
		return;
	}
	logline(LOG_LEVEL_NOTICE, "ending", "signal=%d", signo);
	notify_stopping("ending");
	d->stopping = true;
	loop_stop(d->loop);
}

static as_err run(struct branchd *d, struct as_errmsg *em)
{
	as_err err;

	if ((err = loop_open(&d->loop)) || (err = loop_on_signal(d->loop, on_signal, d)) || (err = net_init(em)) ||
	    (err = branchd_open(d, em)))
		goto done;
	logline(LOG_LEVEL_NOTICE, "started", "branch=%s version=%s", d->home->ident.branch, AFTERSYNC_VERSION);
	notify_ready("started");
	err = loop_run(d->loop);
done:
	branchd_close(d);
	loop_close(d->loop);
	net_done();
	return err;
}

int main(int argc, char **argv)
{
	static struct branchd d;
	struct as_errmsg em = {0};
	int code = daemon_begin(&program, argc, argv, &d.conf, &d.home);

	if (code >= 0)
		return code;
	as_err err = run(&d, &em);
	return daemon_end(&program, d.home, err, &em);
}
