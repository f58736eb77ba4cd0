/* Takes the values of secrets out of what a plugin says, before anybody keeps or shows it. A net
 * for accidents (a password in an error message), not a wall: a plugin that wants to tell a secret
 * spells it backwards. Pure. */
#ifndef PLUGD_PLUGIN_REDACT_H
#define PLUGD_PLUGIN_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/wire.h"

/* A shorter value would be found everywhere. */
#define REDACT_LEAST_BYTES 6

/* A longer run is looked for in pieces of this, so that a part of it is found too. */
#define REDACT_PIECE_BYTES 1024

/* A run of bytes to look for. */
struct needle {
	struct wire_bytes bytes; /* borrows */
	const char *name;	 /* borrows */
	int next;		 /* that begins with the same byte; -1: none */
};

/* Zeroed is an empty one. */
struct redactor {
	struct needle *needles;
	size_t count;
	int heads[256]; /* index + 1 of the first needle that begins with the byte; 0: none */
};

/* Looks for this value too: for all of it without the line break at its end, and for each of its
 * lines alone, since logs are read line by line. Borrows both until redactor_deinit(). */
void redactor_add(struct redactor *redactor, const char *name, struct wire_bytes value);
void redactor_deinit(struct redactor *redactor);

/* The text with "[secret NAME]" for each value in it, made in *scratch and valid until that
 * changes; the text itself when there is nothing to hide. Of a text that may have been cut, the
 * beginning of a value at its end is replaced as well. NULL hides nothing. */
struct str redact(const struct redactor *redactor, struct str text, bool may_be_cut,
		  struct buf *scratch);

/* The same in place: for a terminated text in a buffer of `size` bytes, and for an error, both of
 * which may have been cut. */
void redact_text(const struct redactor *redactor, char *text, size_t size);
void redact_err(const struct redactor *redactor, struct err *err);

/* Where to cut a text of which more may follow, so that no value is cut in two: `len`, or less (but
 * never 0) when a value may have begun before. Both parts alone come out of redact() as the whole
 * would, if `len` is more than any run that is looked for. */
size_t redact_cut(const struct redactor *redactor, struct str text, size_t len);

#endif
