#include "common/node/views.h"

#include <pthread.h>
#include <stdlib.h>

struct views {
	struct node_home *home;
	pthread_mutex_t lock;
	struct node *kept[VIEWS_KEPT]; /* under lock; the one used last is at the end */
	size_t n;
};

as_err views_open(struct views **ret, struct node_home *home)
{
	struct views *v = calloc(1, sizeof *v);

	if (v == NULL)
		return AS_ENOMEM;
	v->home = home;
	pthread_mutex_init(&v->lock, NULL);
	*ret = v;
	return AS_OK;
}

void views_close(struct views *take_v)
{
	if (take_v == NULL)
		return;
	for (size_t i = 0; i < take_v->n; i++)
		node_view_free(take_v->kept[i]);
	pthread_mutex_destroy(&take_v->lock);
	free(take_v);
}

as_err views_take(struct views *v, struct node **ret_node, struct as_errmsg *em)
{
	struct node *n = NULL;
	as_err err;

	pthread_mutex_lock(&v->lock);
	if (v->n > 0)
		n = v->kept[--v->n];
	pthread_mutex_unlock(&v->lock);
	if (n == NULL)
		return node_view(ret_node, v->home, false, em);
	err = node_roster_renew(n);
	if (err && !(err == AS_ECORRUPT && n->roster_damaged)) {
		node_view_free(n);
		return err;
	}
	*ret_node = n;
	return AS_OK;
}

void views_give(struct views *v, struct node *take_node)
{
	struct node *n = take_node;

	if (n == NULL)
		return;
	node_view_rest(n);
	pthread_mutex_lock(&v->lock);
	if (v->n < VIEWS_KEPT) {
		v->kept[v->n++] = n;
		n = NULL;
	}
	pthread_mutex_unlock(&v->lock);
	node_view_free(n);
}
