/* aftersync, the command line: the table of what it can do (aftersync(1)). */
#include "common/base/check.h"
#include "common/intake/json.h"
#include "tools/aftersync/ask.h"
#include "tools/aftersync/commands.h"

static const struct opt hq_init_opts[] = {
    {"dir", 0, OPT_FILE, true, "DIR", NULL, NULL, "directory to make"},
    {"listen", 0, OPT_TEXT, true, "ADDR", NULL, NULL, "where branches connect, tcp://127.0.0.1:7443"},
    {"org", 0, OPT_TEXT, false, "NAME", NULL, NULL, "name of the organisation"},
    {"timezone", 0, OPT_TEXT, false, "TZ", NULL, "Asia/Shanghai", "its time zone"},
    {"passphrase-file", 0, OPT_FILE, false, "FILE", NULL, NULL,
     "passphrase of the root key, else one is made"},
};

static const struct opt hq_enrol_opts[] = {
    OPT_ROW_DIR,
    {"from", 0, OPT_FILE, false, "FILE", NULL, NULL, "many at once: CSV with branch, name, region, timezone"},
    {"name", 0, OPT_TEXT, false, "NAME", NULL, NULL, "long name of the branch"},
    {"region", 0, OPT_TEXT, false, "REGION", NULL, NULL, "region that reports sum it under"},
    {"timezone", 0, OPT_TEXT, false, "TZ", NULL, NULL, "time zone, else head office's"},
    {"endpoint", 0, OPT_TEXT, false, "ADDR", NULL, NULL,
     "where it connects, else what head office listens on"},
    {"uses", 0, OPT_COUNT, false, "N", NULL, "1", "how often the code may be used"},
    {"expires", 0, OPT_DURATION, false, "TIME", NULL, "24h", "how long it is valid: 90s 30m 24h 7d"},
    {"replace", 0, OPT_FLAG, false, NULL, NULL, NULL,
     "the branch's machine is replaced: the old one is shut out"},
};

static const struct opt hq_instance_opts[] = {
    OPT_ROW_DIR,
    {"root", 0, OPT_FILE, false, "FILE", NULL, NULL, "the root key, else DIR/root.key"},
    {"passphrase-file", 0, OPT_FILE, false, "FILE", NULL, NULL, "its passphrase, else it is asked for"},
};

static const struct opt hq_instance_go_opts[] = {OPT_ROW_DIR};

static const struct opt branch_join_opts[] = {
    {"dir", 0, OPT_FILE, true, "DIR", NULL, NULL, "directory to make, or to renew"},
};

static const struct opt submit_opts[] = {OPT_ROW_DIR};

static const struct opt import_opts[] = {
    OPT_ROW_DIR,
    {"map", 0, OPT_FILE, true, "NAME|FILE", "ords|mobifix|nyc311|nyc311-due", NULL,
     "what the columns mean: a file .ini, or one of"},
    {"where", 0, OPT_MANY, false, "COLUMN=VALUE", NULL, NULL, "only rows with that; may be given again"},
    {"where-not", 0, OPT_MANY, false, "COLUMN=VALUE", NULL, NULL, "no rows with that; may be given again"},
    {"dry-run", 0, OPT_FLAG, false, NULL, NULL, NULL, "check and count only; needs no daemon"},
    {"skip-bad", 0, OPT_FLAG, false, NULL, NULL, NULL, "take the others when rows are bad"},
    {"rejects", 0, OPT_FILE, false, "FILE", NULL, NULL, "with --skip-bad: where the bad rows go, as CSV"},
};

static const struct opt status_opts[] = {
    OPT_ROW_DIR,
    OPT_ROW_FORMAT,
    OPT_ROW_LANG,
    {"watch", 'w', OPT_FLAG, false, NULL, NULL, NULL, "again every 2 seconds"},
    {"sort", 0, OPT_CHOICE, false, "COLUMN",
     "worst|branch|region|version|incarnation|head|acked|applied|lag|last-seen|flagged|refused|state",
     "worst", "order"},
    {"filter", 0, OPT_TEXT, false, "TEXT", NULL, NULL,
     "only branches with it in code, name, region, state, reason"},
    {"verbose", 'v', OPT_FLAG, false, NULL, NULL, NULL, "explain the columns"},
};

static const struct opt why_opts[] = {OPT_ROW_DIR, OPT_ROW_FORMAT, OPT_ROW_LANG};

static const struct opt report_opts[] = {
    {"dir", 0, OPT_FILE, false, "DIR", NULL, NULL, "directory of the node"},
    {"list", 0, OPT_FLAG, false, NULL, NULL, NULL, "list the reports"},
    {"period", 0, OPT_CHOICE, false, "PERIOD", "day|week|month|quarter|year|all", "all", "a row for each"},
    {"from", 0, OPT_DATE, false, "DATE", NULL, NULL, "first business date"},
    {"to", 0, OPT_DATE, false, "DATE", NULL, NULL, "last business date"},
    {"by", 0, OPT_TEXT, false, "COLUMNS", NULL, NULL, "split by these: branch,region,model"},
    {"as-of", 0, OPT_TIME, false, "TIME", NULL, NULL, "time of what depends on the clock, else now"},
    {"output", 'o', OPT_FILE, false, "FILE", NULL, NULL, "write there: whole or not at all"},
    OPT_ROW_FORMAT,
    OPT_ROW_LANG,
};

static const struct opt show_opts_rows[] = {OPT_ROW_DIR, OPT_ROW_FORMAT, OPT_ROW_LANG};

static const struct opt log_list_opts[] = {OPT_ROW_DIR, OPT_ROW_FORMAT, OPT_ROW_LANG};

static const struct opt log_show_opts[] = {
    OPT_ROW_DIR,
    {"from", 0, OPT_INDEX, false, "INDEX", NULL, "0", "the block with that event, and on"},
    {"count", 0, OPT_COUNT, false, "N", NULL, "20", "so many blocks"},
    OPT_ROW_FORMAT,
    OPT_ROW_LANG,
};

static const struct opt log_export_opts[] = {
    OPT_ROW_DIR,
    {"branch", 0, OPT_BRANCH, false, "CODE", NULL, NULL, "only this branch"},
    {"output", 'o', OPT_FILE, false, "FILE", NULL, NULL, "write there: whole or not at all"},
};

static const struct opt verify_opts[] = {
    OPT_ROW_DIR,
    {"branch", 0, OPT_BRANCH, false, "CODE", NULL, NULL, "only this branch"},
    OPT_ROW_FORMAT,
    OPT_ROW_LANG,
};

static const struct opt rebuild_opts[] = {
    OPT_ROW_DIR,
    {"check", 0, OPT_FLAG, false, NULL, NULL, NULL, "compare only, change nothing"},
    OPT_ROW_FORMAT,
    OPT_ROW_LANG,
};

static const struct opt proof_make_opts[] = {
    OPT_ROW_DIR,
    {"event", 0, OPT_TEXT, true, "ID", NULL, NULL, "id of the event"},
    {"output", 'o', OPT_FILE, false, "FILE", NULL, NULL, "write there: whole or not at all"},
};

static const struct opt proof_check_opts[] = {OPT_ROW_FORMAT, OPT_ROW_LANG};

#define ROWS(table) (table), AS_COUNT(table)

const struct command cli_commands[] = {
    {"hq init", NULL, "Makes a head office.", ROWS(hq_init_opts), cmd_hq_init},
    {"hq enrol", "[CODE]", "Lets a branch join: the last line printed is its join code.", ROWS(hq_enrol_opts),
     cmd_hq_enrol},
    {"hq instance new", NULL, "After head office was restored: begins its next life.", ROWS(hq_instance_opts),
     cmd_hq_instance_new},
    {"hq instance go", NULL, "Ends the wait of a new instance for what branches give back.",
     ROWS(hq_instance_go_opts), cmd_hq_instance_go},
    {"branch join", "JOINCODE", "Makes a branch from a join code; - reads it from standard input.",
     ROWS(branch_join_opts), cmd_branch_join},
    {"submit", "[FILE|-]", "Records events: a JSON object a line in, an answer a line out.",
     ROWS(submit_opts), cmd_submit},
    {"import", "CSV...", "Records what stands in CSV files: everything is checked first.", ROWS(import_opts),
     cmd_import},
    {"status", NULL, "How far each branch has got; exit 0, 1 or 2 as a Nagios check.", ROWS(status_opts),
     cmd_status},
    {"why", "CODE", "The last changes of a branch's state, with reasons.", ROWS(why_opts), cmd_why},
    {"report", "[NAME]", "A report; --list names them.", ROWS(report_opts), cmd_report},
    {"show", "CASE", "A case: state, deadlines, events.", ROWS(show_opts_rows), cmd_show},
    {"log list", NULL, "The logs that are held, and their heads.", ROWS(log_list_opts), cmd_log_list},
    {"log show", "LOG", "The blocks of a log.", ROWS(log_show_opts), cmd_log_show},
    {"log export", NULL, "All events, a JSON object a line, for an independent recount.",
     ROWS(log_export_opts), cmd_log_export},
    {"verify", NULL, "Reads everything again and names what is wrong.", ROWS(verify_opts), cmd_verify},
    {"rebuild", NULL, "Makes cases and counters again from the logs.", ROWS(rebuild_opts), cmd_rebuild},
    {"proof make", NULL, "Writes a proof that an event was recorded.", ROWS(proof_make_opts), cmd_proof_make},
    {"proof check", "FILE", "Checks such a proof; needs nothing but the file.", ROWS(proof_check_opts),
     cmd_proof_check},
};
const size_t cli_commands_n = AS_COUNT(cli_commands);

int main(int argc, char **argv)
{
	struct args args;
	int code, done;

	json_wipe_freed();
	if ((code = cli_parse(argc, argv, &args, &done)) != EXIT_DONE)
		return code;
	return args.cmd ? args.cmd->run(&args) : done;
}
