/* Which route takes a request, and why no other. Pure. */
#ifndef PLUGD_ADMIN_MATCHING_H
#define PLUGD_ADMIN_MATCHING_H

#include <jansson.h>

#include "base/err.h"
#include "edge/edge_opts.h"

/* What becomes of a request: "GET /x", "GET https://example.com/x", or a target alone for a GET.
 * Needs no host that runs: the routes are those of `edge`, which is without errors. Returns owned;
 * NULL with *err (ERR_ADMIN_REQUEST): it is no request. */
json_t *matching_json(const struct edge_opts *edge, const char *request, struct err *err);

/* Which requests the route takes and where it leads, as members of `object`. */
void matching_route_facts(json_t *object, const struct route_opts *route);

#endif
