/* The list of everything that is wrong with a configuration. Bounded: a file of garbage gives fifty
 * errors and a number. */
#include "config/problems.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/err.h"

void problem_add_placed(struct config_errors *errors, unsigned line, int code, const char *text)
{
	if (problems_are_full(errors)) {
		errors->more++;
		return;
	}
	errors->items[errors->count++] = (struct config_error){
		.code = code,
		.line = line,
		.text = arena_strndup(&errors->arena, str_from(text)),
	};
}

const char *place_line(const struct place *place, char *out)
{
	out[0] = '\0';
	if (place->line > 0)
		sprintf(out, ":%u", place->line);
	return out;
}

void problem_add(struct config_errors *errors, struct place place, int code, const char *format,
		 ...)
{
	char line[16];
	struct err what;
	va_list args;

	if (problems_are_full(errors)) {
		errors->more++;
		return;
	}
	va_start(args, format);
	vsnprintf(what.text, sizeof(what.text), format, args);
	va_end(args);
	const char *text =
		arena_printf(&errors->arena, "%s%s: %s%s%s", place.where, place_line(&place, line),
			     place.key, place.key[0] ? ": " : "", what.text);
	problem_add_placed(errors, place.line, code, text);
}

/* Insertion sort: at most fifty, nearly in order, and equals must stay as they are. */
void problems_sort(struct config_errors *errors)
{
	for (size_t i = 1; i < errors->count; i++) {
		struct config_error error = errors->items[i];
		size_t at = i;
		/* Line 0 becomes the largest number. */
		while (at > 0 && errors->items[at - 1].line - 1 > error.line - 1) {
			errors->items[at] = errors->items[at - 1];
			at--;
		}
		errors->items[at] = error;
	}
}

void config_errors_print(const struct config_errors *errors, FILE *out)
{
	for (size_t i = 0; i < errors->count; i++)
		fprintf(out, "%s [%d]\n", errors->items[i].text, errors->items[i].code);
	if (errors->more > 0)
		fprintf(out, "... and %zu more errors\n", errors->more);
}

void config_errors_free(struct config_errors *errors)
{
	arena_deinit(&errors->arena);
	errors->count = 0;
	errors->more = 0;
}
