/* The language of the admin socket: one JSON request a line, one JSON reply a line. Pure.
 *
 *	{"command":"call","args":{"service":"kv.v1.Kv","method":"Get"}}
 *	{"ok":true,"result":{…}}
 *	{"progress":{…}}          before it, for a command that takes long
 *	{"ok":false,"error":{"code":1900,"name":"REGISTRY_NO_SERVICE","message":"…","remedy":"…"}}
 */
#ifndef PLUGD_ADMIN_LINE_H
#define PLUGD_ADMIN_LINE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* A request's longest line: the largest message of a plugin (16 MiB) as base64, and what is around
 * it. */
#define LINE_MAX_BYTES ((size_t)24 << 20)

struct line_request {
	json_t *root;	     /* owned */
	const char *command; /* borrowed from root */
	json_t *args;	     /* an object, borrowed from root */
};

/* Reads a line (without its newline). 0, or -EINVAL with *err of ERR_ADMIN_REQUEST. */
int line_parse(struct str line, struct line_request *out, struct err *err);
void line_request_deinit(struct line_request *request);

/* Append a reply, or news before it, with its newline. */
void line_put_result(struct buf *out, json_t *result); /* takes */
void line_put_error(struct buf *out, const struct err *err);
void line_put_progress(struct buf *out, json_t *news); /* takes */

#endif
