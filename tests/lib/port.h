/*
 * Ports of the loopback interface for tests with real sockets: below 32768, where the kernel takes none by
 * itself (a client that tries a dead port of its own range can connect to itself).
 */
#ifndef AFTERSYNC_TESTS_LIB_PORT_H
#define AFTERSYNC_TESTS_LIB_PORT_H

/* Nobody listens there now; another each time. Aborts when there is none. */
int port_free(void);

/* Connects to 127.0.0.1:port: a descriptor, or -1. */
int port_connect(int port);

#endif
