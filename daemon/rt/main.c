#include "daemon/rt/main.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/version.h"
#include "common/crypto/random.h"
#include "common/intake/json.h"
#include "common/store/kv_lmdb.h"
#include "daemon/rt/notify.h"

/* So long may another process that has the directory take to end. */
#define LOCK_WAIT_MS 3000
#define LOCK_AGAIN_MS 50

struct daemon_args {
	const char *dir;
	bool check;
	char conf[NODE_PATH_MAX]; /* DIR/aftersync.conf */
};

/* An exit code when the program is to end, -1 to go on. */
static int args_parse(const char *program, int argc, char **argv, struct daemon_args *ret)
{
	static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
						{"check", no_argument, NULL, 'c'},
						{"help", no_argument, NULL, 'h'},
						{"version", no_argument, NULL, 'v'},
						{NULL, 0, NULL, 0}};
	int c;

	*ret = (struct daemon_args){0};
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1)
		switch (c) {
		case 'd':
			ret->dir = optarg;
			break;
		case 'c':
			ret->check = true;
			break;
		case 'h':
			printf("usage: %s --dir DIR [--check]\nmanual page: man %s\n", program, program);
			return 0;
		case 'v':
			printf("%s %s\n", program, AFTERSYNC_VERSION);
			return 0;
		default:
			fprintf(stderr, "%s: %s: %s (usage: %s --dir DIR [--check])\n", program, argv[optind - 1],
				c == ':' ? "needs a value" : "unknown option", program);
			return 64;
		}
	if (optind < argc) {
		fprintf(stderr, "%s: %s: unexpected argument (usage: %s --dir DIR [--check])\n", program, argv[optind],
			program);
		return 64;
	}
	if (ret->dir == NULL) {
		fprintf(stderr, "%s: --dir DIR is missing\n", program);
		return 64;
	}
	if (strlen(ret->dir) > NODE_DIR_MAX) {
		fprintf(stderr, "%s: --dir: the path is longer than %d bytes\n", program, NODE_DIR_MAX);
		return 64;
	}
	snprintf(ret->conf, sizeof ret->conf, "%s/aftersync.conf", ret->dir);
	return -1;
}

static void guard_memory(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* looks for leaks as a debugger would */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Is DIR a node of this role? */
static as_err home_check(const char *dir, enum node_role role, struct as_errmsg *em)
{
	AS_AUTO(node_dir) struct node_dir d = {0};
	struct node_ident id;
	as_err err;

	if ((err = node_dir_open(dir, &d, em)) || (err = node_ident_load(&d, &id, em)))
		return err;
	if (id.role == role)
		return AS_OK;
	as_errmsg_set(em, "%.100s is %s: start %s there", dir, id.role == NODE_HQ ? "a head office" : "a branch",
		      id.role == NODE_HQ ? "aftersync-hqd" : "aftersync-branchd");
	return AS_EINVAL;
}

/* Says on one line what is wrong. */
static int failed(const char *program, as_err err, const struct as_errmsg *em)
{
	fprintf(stderr, "%s: %s\n", program, em->text[0] ? em->text : as_err_text(err));
	switch (err) {
	case AS_EIO:
	case AS_EFULL:
	case AS_ECORRUPT:
	case AS_ENOMEM:
		return 74;
	case AS_EINVAL:
	case AS_EPROTO:
	case AS_ENOTFOUND:
	case AS_EUNSUPPORTED:
	case AS_EFORGED:  /* the key of another store */
	case AS_EREFUSED: /* owner, mode: somebody has to mend it */
		return 78;
	case AS_ECONFLICT: /* another process has the directory: it may end */
		return 74;
	default:
		return 1;
	}
}

int daemon_begin(const struct daemon *d, int argc, char **argv, void *ret_conf, struct node_home **ret_home)
{
	const struct daemon_conf *base = ret_conf;
	struct daemon_args args;
	struct as_errmsg em = {0};
	as_err err;
	int code;

	guard_memory();
	json_wipe_freed();
	if ((code = args_parse(d->program, argc, argv, &args)) >= 0)
		return code;
	if (as_crypto_init())
		return failed(d->program, AS_ENOMEM, &em);
	if ((err = home_check(args.dir, d->role, &em)))
		return failed(d->program, err, &em);
	if (conf_load(d->conf, args.conf, ret_conf, &em))
		return failed(d->program, AS_EINVAL, &em);
	if (args.check) {
		printf("%s: configuration OK\n", args.conf);
		return 0;
	}
	logline_level((enum log_level)base->log_level);
	const struct node_opts opts = {.credentials = getenv("CREDENTIALS_DIRECTORY"),
				       .map_bytes = base->store_map,
				       .limit_bytes = base->store_limit,
				       .preallocate_bytes = base->store_preallocate};
	/* a command that works on the store itself, begun just before, is over soon */
	uint64_t end = clock_mono_ms() + LOCK_WAIT_MS;
	while ((err = node_home_open(ret_home, args.dir, NODE_WRITE, &opts, &em)) == AS_ECONFLICT &&
	       clock_mono_ms() < end)
		poll(NULL, 0, LOCK_AGAIN_MS);
	if (err)
		return daemon_end(d, *ret_home, err, &em);
	return -1;
}

int daemon_end(const struct daemon *d, struct node_home *take_home, as_err err, const struct as_errmsg *em)
{
	node_home_close(take_home);
	logline_end();
	return err ? failed(d->program, err, em) : 0;
}

void daemon_reload(const struct daemon *d, struct node_home *home, void *conf, void *next)
{
	const struct daemon_conf *base = conf;
	struct conf_changes changes;
	struct as_errmsg em = {0};
	char taken[400], waiting[400];

	notify_reloading();
	if (conf_load(d->conf, home->dir.conf, next, &em)) {
		logline(LOG_LEVEL_ERR, "reload-refused", "reason=%s", LOG_STR(em.text));
	} else {
		conf_reload(d->conf, conf, next, &changes);
		conf_names(changes.taken, changes.taken_n, taken, sizeof taken);
		conf_names(changes.waiting, changes.waiting_n, waiting, sizeof waiting);
		logline(LOG_LEVEL_NOTICE, "reloaded", "changed=%s needs-restart=%s", LOG_STR(taken), LOG_STR(waiting));
	}
	notify_ready("configuration read again");
	logline_level((enum log_level)base->log_level);
	kv_lmdb_limit(home->kv, base->store_limit);
}
