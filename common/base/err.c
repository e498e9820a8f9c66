#include "common/base/err.h"

#include <stdio.h>
#include <string.h>

#define AS_ERR_TEXT(name, text) [name] = text,
static const char *const texts[AS_ERR_COUNT] = {[AS_OK] = "ok", AS_ERR_LIST(AS_ERR_TEXT)};

const char *as_err_text(as_err err)
{
	if ((unsigned)err >= AS_ERR_COUNT)
		return "unknown error";
	return texts[err];
}

static void set(struct as_errmsg *em, const char *fmt, va_list ap)
{
	int n = vsnprintf(em->text, sizeof em->text, fmt, ap);
	if (n >= (int)sizeof em->text)
		memcpy(em->text + sizeof em->text - 4, "...", 4);
}

void as_errmsg_set(struct as_errmsg *em, const char *fmt, ...)
{
	va_list ap;

	if (em == NULL)
		return;
	va_start(ap, fmt);
	set(em, fmt, ap);
	va_end(ap);
}

void as_errmsg_prefix(struct as_errmsg *em, const char *fmt, ...)
{
	struct as_errmsg old;
	va_list ap;

	if (em == NULL)
		return;
	old = *em;
	va_start(ap, fmt);
	set(em, fmt, ap);
	va_end(ap);
	size_t have = strlen(em->text);
	int n = snprintf(em->text + have, sizeof em->text - have, ": %s", old.text);
	if (n >= (int)(sizeof em->text - have))
		memcpy(em->text + sizeof em->text - 4, "...", 4);
}
