/* Errors as sentences. Whoever sees the failure fills it in, whoever knows more puts a prefix in
 * front, and the one who decides logs it once. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ends a text that was cut with "…", on a character's boundary. */
static void err_mark_cut(struct err *err)
{
	static const char mark[] = "…";
	size_t at = sizeof(err->text) - sizeof(mark);

	while (at > 0 && ((unsigned char)err->text[at] & 0xc0) == 0x80)
		at--;
	memcpy(err->text + at, mark, sizeof(mark));
}

static void err_vset(struct err *err, int code, const char *format, va_list args)
{
	err->code = code;
	err->about = NULL;
	int len = vsnprintf(err->text, sizeof(err->text), format, args);
	if (len >= (int)sizeof(err->text))
		err_mark_cut(err);
}

static void err_append(struct err *err, const char *text)
{
	size_t len = strlen(err->text);
	int more = snprintf(err->text + len, sizeof(err->text) - len, "%s", text);
	if (more >= (int)(sizeof(err->text) - len))
		err_mark_cut(err);
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (err) {
		va_start(args, format);
		err_vset(err, code, format, args);
		va_end(args);
	}
	return -EINVAL;
}

int err_set_errno(struct err *err, int code, int errnum, const char *format, ...)
{
	va_list args;
	char why[128];

	if (err) {
		va_start(args, format);
		err_vset(err, code, format, args);
		va_end(args);
		err_append(err, ": ");
		err_append(err, strerror_r(errnum, why, sizeof(why)));
	}
	return -errnum;
}

void err_prefix(struct err *err, const char *format, ...)
{
	va_list args;
	struct err whole;

	if (!err)
		return;
	va_start(args, format);
	err_vset(&whole, err->code, format, args);
	va_end(args);
	err_append(&whole, ": ");
	err_append(&whole, err->text);
	whole.about = err->about;
	*err = whole;
}

void err_about(struct err *err, const char *option)
{
	if (err)
		err->about = option;
}
