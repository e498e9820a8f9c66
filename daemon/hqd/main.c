/* aftersync-hqd: the daemon of head office. Foreground, log lines on standard error. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/version.h"
#include "common/store/kv_lmdb.h"
#include "daemon/hqd/hqd.h"
#include "daemon/rt/main.h"
#include "daemon/rt/net.h"
#include "daemon/rt/notify.h"

static void on_signal(void *arg, int signo)
{
	struct hqd *d = arg;

	if (signo == SIGHUP) {
		struct hqd_conf next;
		daemon_reload(&hqd_conf_table, d->home->dir.conf, &d->conf, &next);
		logline_level((enum log_level)d->conf.log_level);
		kv_lmdb_limit(d->home->kv, d->conf.store_limit);
		return;
	}
	logline(LOG_LEVEL_NOTICE, "ending", "signal=%d", signo);
	notify_stopping("ending");
	d->stopping = true;
	loop_stop(d->loop);
}

static as_err run(struct hqd *d, struct as_errmsg *em)
{
	as_err err;

	if (d->conf.verify_threads == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		d->conf.verify_threads = cores > 2 ? (uint64_t)cores - 1 : 1;
	}
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
	struct daemon_args args;
	struct as_errmsg em = {0};
	struct hqd *d;
	int code;

	daemon_guard_memory();
	code = daemon_args_parse("aftersync-hqd", argc, argv, &args);

	if (code >= 0)
		return code;
	if (as_crypto_init() || (d = calloc(1, sizeof *d)) == NULL)
		return daemon_failed("aftersync-hqd", AS_ENOMEM, &em);
	as_err err = daemon_home_check(args.dir, NODE_HQ, &em);
	if (err == AS_OK && hqd_conf_load(args.conf, &d->conf, &em))
		err = AS_EINVAL;
	if (err || args.check) {
		free(d);
		return err ? daemon_failed("aftersync-hqd", err, &em) : daemon_checked(&args);
	}
	logline_level((enum log_level)d->conf.log_level);
	const struct node_opts opts = {.credentials = getenv("CREDENTIALS_DIRECTORY"),
				       .map_bytes = d->conf.store_map,
				       .limit_bytes = d->conf.store_limit,
				       .preallocate_bytes = d->conf.store_preallocate};
	err = node_home_open(&d->home, args.dir, NODE_WRITE, &opts, &em);
	if (err == AS_OK)
		err = run(d, &em);
	node_home_close(d->home);
	free(d);
	logline_end();
	return err ? daemon_failed("aftersync-hqd", err, &em) : 0;
}
