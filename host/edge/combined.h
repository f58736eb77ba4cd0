/* A request as one line of Apache's combined format, with where its time went at the end:
 *
 *	192.0.2.7 - - [27/Nov/2026:14:05:01 +0000] "GET /a?b HTTP/1.1" 200 512 "-" "curl/7.88"
 *		us=830 queue_us=12 plugin_us=700 edge_us=118 id=5e1f…     (on the same line)
 *
 * Pure. No client can forge a line or a field: what could end a line or leave the quotes, and what
 * isn't printable ASCII, is written as \xHH. */
#ifndef PLUGD_EDGE_COMBINED_H
#define PLUGD_EDGE_COMBINED_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Of a text; the rest of a longer one is left out. */
#define COMBINED_TEXT_BYTES (4u << 10)

/* Empty texts are written as "-". */
struct combined {
	struct str peer;   /* "192.0.2.7:52311", of which the port is left out */
	struct str user;   /* who was recognised */
	int64_t wall_ms;   /* when it came */
	struct str method; /* empty: there was no request line that could be read */
	struct str target;
	unsigned version; /* 10, 11, 20 */
	unsigned status;
	uint64_t out_bytes;
	struct str referer;
	struct str agent;
	int64_t us;
	int64_t queue_us;
	int64_t plugin_us;
	int64_t edge_us;
	struct str id;
};

/* The line with its newline, in the arena. */
struct str combined_line(struct arena *arena, const struct combined *entry);

#endif
