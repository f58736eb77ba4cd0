/* Memory that is there. Limits bound what clients, plugins and files can make the host allocate, so
 * a failing malloc is not an input that can be answered: these print one line to stderr and
 * abort. */
#ifndef PLUGD_BASE_MEM_H
#define PLUGD_BASE_MEM_H

#include <stddef.h>

#include "base/str.h"

/* Return owned memory, never NULL; free() ends it. */
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t bytes);
void *mem_realloc(void *old, size_t bytes);
void *mem_array(size_t count, size_t size); /* zeroed; checks the product */
char *mem_strdup(const char *text);	    /* NULL stays NULL */
char *mem_strndup(struct str text);	    /* terminated */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* There is none: says so and ends the process. For those who ask the kernel themselves. */
_Noreturn void mem_die(void);

#define mem_new(type) ((type *)mem_zalloc(sizeof(type)))

#endif
