/*
 * What can be asked of a node: one JSON request, answers as JSON objects, one a line. The daemons serve it on
 * their control socket, the command line serves it itself on a store whose daemon is not running; both through
 * the same functions, so that an answer never depends on who gave it.
 *
 * Requests (docs/protocol.md, control protocol):
 *
 *	{"cmd":"status"}                                         one object, as `status --format json`
 *	{"cmd":"why","branch":CODE}                              {"time":RFC3339,"branch":…,"state":…,"reason":…} …
 *	{"cmd":"report","name":…,"period":…,"from":…,"to":…,"by":[…],"as_of":…}   one object, docs/reports.md
 *	{"cmd":"show","case":LABEL or KEY}                       one object
 *	{"cmd":"log-list"}                                       an object a log
 *	{"cmd":"log-show","log":NAME,"from":N,"count":N}         an object a block
 *	{"cmd":"log-export","branch":CODE?}                      an object an event
 *	{"cmd":"verify","branch":CODE?}                          {"checked":…} …, then {"ok":true,…} or {"wrong":…}
 *	{"cmd":"rebuild","check":BOOL}                           one object
 *	{"cmd":"proof-make","event":ID}                          {"proof":TEXT}
 *
 * Only a daemon (or, for hq-enrol, the command line without one):
 *
 *	{"cmd":"hq-enrol","branch":…,"name":…,"region":…,"timezone":…,"uses":N,"expires_s":N,"replace":BOOL}
 *	                                                         {"join_code":…,"branch":…,"expires":RFC3339}
 *	{"cmd":"hq-go"}                                          nothing
 *	{"cmd":"submit","imported":BOOL}                         then the lines of the submission: an answer each. imported:
 *	                                                         an importer speaks, its cases go to the log of imports,
 *	                                                         and what was recorded before is answered with "known":true
 *
 * Every answer ends with {"exit":N} (0 done, 1 refused or wrong, …: aftersync(1)); when N is not 0 and
 * nothing else said why, with "error": one sentence, in the same object.
 */
#ifndef AFTERSYNC_NODE_QUERY_H
#define AFTERSYNC_NODE_QUERY_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/intake/json.h"

struct node;

/* Receives one answer; line is borrowed. False: the asker is gone, stop. */
typedef bool (*query_emit)(void *arg, json_t *line);

/* Does query_run answer this command? */
bool query_knows(const char *cmd);

/*
 * Answers one request on an open node (node.h), everything but the closing {"exit":N}. Reads a snapshot: may run
 * beside a writer in its own thread with its own node view. Returns the exit code.
 */
int query_run(struct node *node, const json_t *request, query_emit emit, void *arg);

#endif
