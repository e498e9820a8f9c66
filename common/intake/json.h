/*
 * JSON values, for everybody: jansson's types through one door. What belongs to submissions stands in intake.h.
 */
#ifndef AFTERSYNC_INTAKE_JSON_H
#define AFTERSYNC_INTAKE_JSON_H

#include <jansson.h>

/* For AS_AUTO(json) json_t *j = NULL: gives the reference back at the end of the scope. */
static inline void json_done(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

/*
 * What jansson frees is wiped from now on: join codes, and what customers said, pass through its buffers.
 * Every program calls it first, before anything of jansson's is there.
 */
void json_wipe_freed(void);

/* In place of free, for what json_dumps returned; NULL is fine. */
void json_text_free(char *take_text);

#endif
