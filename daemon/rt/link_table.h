/*
 * Which links there are: a table of fixed size, found by routing id and by number, ordered by when they were
 * last heard. Knows nothing of sockets. Only for link_server.
 */
#ifndef AFTERSYNC_DAEMON_RT_LINK_TABLE_H
#define AFTERSYNC_DAEMON_RT_LINK_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "daemon/rt/link_server.h"

struct link {
	uint32_t route;	 /* the routing id that the ROUTER made: 0 and these four bytes */
	uint32_t number; /* from 1 on; 0: free */
	int fd;		 /* of the connection, -1 when not known */
	bool gone;	 /* found dead: `down` is owed */
	char user[LINK_USER_MAX];
	uint8_t key[NET_KEY];
	struct link *same_route, *same_number; /* chains of the two hash tables */
	struct link *older, *newer;
};

struct link_table {
	struct link *links;
	struct link **by_route, **by_number;
	uint32_t cap, n, mask;
	uint32_t last_number;
	struct link *free;	      /* chained by `newer` */
	struct link *oldest, *newest; /* by when they were heard */
};

as_err link_table_init(struct link_table *t, uint32_t cap) AS_MUST_CHECK;
void link_table_done(struct link_table *t);

struct link *link_table_route(const struct link_table *t, uint32_t route);
struct link *link_table_number(const struct link_table *t, uint32_t number);

/* A new number. The table is not full: remove t->oldest first when t->n == t->cap. */
struct link *link_table_add(struct link_table *t, uint32_t route);
void link_table_remove(struct link_table *t, struct link *l);
void link_table_heard(struct link_table *t, struct link *l);

#endif
