/*
 * One temporary folder a test program, removed with all that lies in it when the program ends: in $TMPDIR,
 * else in memory (/dev/shm) where there is room, else in /tmp. Aborts when it cannot.
 */
#ifndef AFTERSYNC_TESTS_LIB_TEMP_H
#define AFTERSYNC_TESTS_LIB_TEMP_H

#define TEMP_PATH_BYTES 192

/* The folder; it exists. */
const char *temp_dir(void);

/* A name in it; nothing is made. One of 16 buffers, in turn. */
const char *temp_path(const char *name);

/* Removes a folder, and what is in it. */
void temp_remove(const char *path);

#endif
