/* How answers look: aligned tables and indented JSON on standard output, errors as one sentence on
 * standard error. Text that comes from plugins and files can't command the terminal. */
#ifndef PLUGCTL_OUTPUT_H
#define PLUGCTL_OUTPUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ---- tables ---- */

struct table;

/* Headings end with NULL; upper-case by convention. Borrows until return. Returns owned. */
struct table *table_new(const char *const *headings);

/* The next cell, row by row. Copies. */
void table_add(struct table *table, const char *text);
void table_addf(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* To standard output; and frees it. Without rows: only `empty`. */
void table_print(struct table *table, const char *empty);

/* ---- pieces of text ---- */

#define OUTPUT_TEXT 48

/* "3m20s", "1.5ms"; "5.6MiB"; "-" for a negative one. `out` holds OUTPUT_TEXT bytes; return it. */
const char *output_ms(char *out, int64_t ms);
const char *output_us(char *out, int64_t us);
const char *output_bytes(char *out, int64_t bytes);

/* Members of a reply, for tables: "-" for what isn't there. */
const char *output_member(const json_t *object, const char *name);
int64_t output_number(const json_t *object, const char *name); /* 0 for what isn't there */

/* A line of text without control characters. */
void output_line(const char *text);

/* "<label>: <text>" on standard error, without control characters. */
void output_note(const char *label, const char *text);

void output_json(const json_t *value);

/* "plugctl: <text> (<NAME> <number>). <Remedy>." */
void output_error(const struct err *err);

#endif
