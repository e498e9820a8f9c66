/*
 * Open files: as many as are needed, and what to do when they are used up all the same.
 *
 * Only the loop's thread.
 */
#ifndef AFTERSYNC_DAEMON_RT_FILES_H
#define AFTERSYNC_DAEMON_RT_FILES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Raises the process's soft limit of open files to `wanted`, as far as the hard one goes; what it is then. */
uint64_t files_raise(uint64_t wanted);

/*
 * Who listens while no descriptor is free is told of the same connections again and again. They are taken and closed
 * in a thread that has a table of descriptors of its own, so that nobody else can use up what it needs: the peers see
 * the end, and come back later.
 */
struct files_away {
	int listener; /* another's, open until files_away_end; -1: none */
	pthread_t thread;
	bool started;
	atomic_bool at_work;
	unsigned n;
};

void files_away_init(struct files_away *a);
/* From now on accept never waits on it, neither here nor in the other's thread. */
void files_away_listener(struct files_away *a, int fd);
/* Begins to close the connections that wait. Returns how many were closed since the last call. */
unsigned files_away_begin(struct files_away *a);
void files_away_end(struct files_away *a); /* waits for it */

#endif
