/* What the host shows of its routes, as JSON for people and programs. It only looks. */
#ifndef PLUGD_ADMIN_ROUTE_VIEWS_H
#define PLUGD_ADMIN_ROUTE_VIEWS_H

#include <jansson.h>

#include "admin/office.h"

/* All routes, with what each leads to now. Returns owned. */
json_t *view_routes(const struct office *office);

#endif
