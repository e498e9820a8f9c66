/* The commands: each stands in its cmd_*.c, all in the table of main.c. */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_COMMANDS_H
#define AFTERSYNC_TOOLS_AFTERSYNC_COMMANDS_H

#include "tools/aftersync/cli.h"

int cmd_hq_init(const struct args *a);
int cmd_hq_enrol(const struct args *a);
int cmd_hq_instance_go(const struct args *a);
int cmd_hq_instance_new(const struct args *a);
int cmd_branch_join(const struct args *a);
int cmd_import(const struct args *a);
int cmd_submit(const struct args *a);
int cmd_status(const struct args *a);
int cmd_why(const struct args *a);
int cmd_report(const struct args *a);
int cmd_show(const struct args *a);
int cmd_log_list(const struct args *a);
int cmd_log_show(const struct args *a);
int cmd_log_export(const struct args *a);
int cmd_verify(const struct args *a);
int cmd_rebuild(const struct args *a);
int cmd_proof_make(const struct args *a);
int cmd_proof_check(const struct args *a);

#endif
