/*
 * A batch under construction: what one job writes in one transaction. One at a time; its functions are called
 * from within a job.
 */
#ifndef AFTERSYNC_TESTS_SIM_BATCH_H
#define AFTERSYNC_TESTS_SIM_BATCH_H

#include "common/wire/log_opened.h"
#include "tests/sim/world.h"

void batch_done(void); /* forgets it */
struct store_op *batch_op(enum store_op_type type, const struct log_id *log);
void batch_meta(const char *name, struct bytes value);
/* Commits with whatever the disk does today. AS_EIO: the process has to die. */
as_err batch_commit(struct node *n);
/* The row of a log is told to the core when the job is done. */
void batch_row(struct node *n, const struct log_id *log);

void batch_author(struct node *n, const struct log_id *log, const uint8_t *content, struct block_author *a);
/* The author of a log that is open here; false: its first block cannot be read. */
bool batch_author_open(struct node *n, const struct log_id *log, struct block_author *a);
/* Builds one block that continues f and adds its operation. leaves: memory for the leaf hashes, kept by the
 * caller. */
bool batch_block(struct node *n, struct block_author *a, struct tree_frontier *f, const struct bytes *events,
		 size_t events_n, uint64_t keys_upto, uint8_t (*leaves)[32], const struct log_opened *lo);
/* Opens a log: content key, author, LOG_OPENED as its first block. raw: GEN_RAW_MAX bytes. */
bool batch_open(struct node *n, const struct log_opened *lo, struct block_author *a, struct tree_frontier *f,
		uint8_t (*leaf)[32], uint8_t *raw, struct bytes *event);

/* fork.c */
void exec_fork(struct node *n, const struct job *j);
/* The store refused the fork: says to the core what is damaged. False: nothing that a deeper cut would spare. */
bool fork_again(struct node *n);

#endif
