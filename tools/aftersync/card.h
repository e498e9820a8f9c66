/* One JSON object for people: a line a field, names to the left. */
#ifndef AFTERSYNC_TOOLS_AFTERSYNC_CARD_H
#define AFTERSYNC_TOOLS_AFTERSYNC_CARD_H

#include "common/intake/json.h"
#include "common/out/out.h"

/* How a field is called; one without a row is called as in JSON. Fields with an empty `head` are left out. */
struct card_field {
	const char *field;
	const char *head;
};

/* Objects are printed as fields of their own with the name before; arrays of texts on one line, of objects
 * not. */
void card_print(struct out *o, const json_t *object, const struct card_field *heads, size_t heads_n,
		size_t width);

/* field,value lines of RFC 4180 */
void card_csv(struct out *o, const json_t *object);

#endif
