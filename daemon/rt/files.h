/*
 * Open files: as many as are needed, and what to do when they are used up all the same.
 *
 * Only the loop's thread.
 */
#ifndef AFTERSYNC_DAEMON_RT_FILES_H
#define AFTERSYNC_DAEMON_RT_FILES_H

#include <stdbool.h>
#include <stdint.h>

/* Raises the process's soft limit of open files to `wanted`, as far as the hard one goes; what it is then. */
uint64_t files_raise(uint64_t wanted);

/*
 * Who listens while no descriptor is free is told of the same connection again and again. A descriptor kept for
 * that takes each such connection and closes it: the peer sees the end, and comes back later.
 */
struct files_spare {
	int listener; /* another's; -1: none */
	int fd;	      /* kept open; -1: somebody was faster */
};

void files_spare_open(struct files_spare *s); /* without a listener */
void files_spare_close(struct files_spare *s);
/* From now on accept never waits on it, neither here nor in the other's thread. */
void files_spare_listener(struct files_spare *s, int fd);
/* Closes the connections that wait, some hundred at most; how many. */
unsigned files_spare_turn_away(struct files_spare *s);

#endif
