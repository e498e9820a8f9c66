/* aftersync-hqd: the daemon of head office. Foreground, log lines on standard error. */
#include <signal.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/version.h"
#include "daemon/hqd/hqd.h"
#include "daemon/rt/files.h"
#include "daemon/rt/main.h"
#include "daemon/rt/net.h"
#include "daemon/rt/notify.h"

static const struct daemon program = {"aftersync-hqd", NODE_HQ, &hqd_conf_table};

static void on_signal(void *arg, int signo)
{
	struct hqd *d = arg;

	if (signo == SIGHUP) {
		struct hqd_conf next;
		daemon_reload(&program, d->home, &d->conf, &next);
		return;
	}
	logline(LOG_LEVEL_NOTICE, "ending", "signal=%d", signo);
	notify_stopping("ending");
	d->stopping = true;
	loop_stop(d->loop);
}

/* Open files beside those of links: store, sockets, the operator's requests, connections that are no links yet. */
#define FILES_BESIDE 256

static void limit_links(struct hqd *d)
{
	uint64_t wanted = d->conf.max_links + FILES_BESIDE, files = files_raise(wanted);

	d->links_max = d->conf.max_links;
	if (files >= wanted)
		return;
	d->links_max = files > 2 * FILES_BESIDE ? files - FILES_BESIDE : files / 2;
	if (d->links_max > d->conf.max_links)
		d->links_max = d->conf.max_links;
	logline(LOG_LEVEL_WARN, "files-limit", "files=%llu wanted=%llu links=%llu max_links=%llu reason=%s",
		(unsigned long long)files, (unsigned long long)wanted, (unsigned long long)d->links_max,
		(unsigned long long)d->conf.max_links,
		LOG_STR("the limit of open files is too low for link.max_links: raise LimitNOFILE"));
}

static as_err run(struct hqd *d, struct as_errmsg *em)
{
	as_err err;

	if (d->conf.verify_threads == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		d->conf.verify_threads = cores > 2 ? (uint64_t)cores - 1 : 1;
	}
	limit_links(d);
	if ((err = loop_open(&d->loop)) || (err = loop_on_signal(d->loop, on_signal, d)) || (err = net_init(em)) ||
	    (err = hqd_open(d, em)))
		goto done;
	logline(LOG_LEVEL_NOTICE, "started", "listen=%s instance=%u version=%s", d->conf.listen, d->home->instance,
		AFTERSYNC_VERSION);
	notify_ready("started");
	err = loop_run(d->loop);
done:
	hqd_close(d);
	loop_close(d->loop);
	net_done();
	return err;
}

int main(int argc, char **argv)
{
	static struct hqd d;
	struct as_errmsg em = {0};
	int code = daemon_begin(&program, argc, argv, &d.conf, &d.home);

	if (code >= 0)
		return code;
	as_err err = run(&d, &em);
	return daemon_end(&program, d.home, err, &em);
}
