/* Memory that is there: thin wrappers around malloc that end the process when there is none.
 *
 * Everybody calls them; nobody checks. The limits of the rooms bound what input can make the host
 * allocate, so reaching the end of memory is a matter between the operator and the kernel. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void mem_die(void)
{
	static const char text[] = "plugd: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)ignored;
	abort();
}

void *mem_alloc(size_t bytes)
{
	void *memory = malloc(bytes ? bytes : 1);
	if (!memory)
		mem_die();
	return memory;
}

void *mem_zalloc(size_t bytes)
{
	return mem_array(1, bytes);
}

void *mem_realloc(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes ? bytes : 1);
	if (!memory)
		mem_die();
	return memory;
}

void *mem_array(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);
	if (!memory)
		mem_die();
	return memory;
}

char *mem_strdup(const char *text)
{
	return text ? mem_strndup(str_from(text)) : NULL;
}

char *mem_strndup(struct str text)
{
	char *copy = mem_alloc(text.len + 1);
	return str_copy(copy, text.len + 1, text);
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		mem_die();
	return text;
}
