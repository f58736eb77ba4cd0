/* What a param of a pattern may be told to take: ":id<int>". Pure. */
#ifndef PLUGD_EDGE_ROUTER_TYPES_H
#define PLUGD_EDGE_ROUTER_TYPES_H

#include <stdbool.h>

#include "base/str.h"

/* In the order in which they are tried where one segment fits several: the more a type refuses, the
 * earlier it comes. */
enum param_type {
	PARAM_UUID,
	PARAM_UINT,
	PARAM_INT,
	PARAM_HEX,
	PARAM_ALPHA,
	PARAM_SLUG,
	PARAM_TEXT, /* any segment that is not empty; the one without a name */
	PARAM_TYPES,
};

/* "uuid"; "" for PARAM_TEXT. */
const char *param_type_name(enum param_type type);

/* PARAM_TYPES when there is no type of that name. */
enum param_type param_type_find(struct str name);

/* "uuid, uint, int, hex, alpha, slug", for messages. */
#define PARAM_TYPE_NAMES "uuid, uint, int, hex, alpha, slug"

/* Whether a segment of a path, as the router gets it, is of the type. */
bool param_type_fits(enum param_type type, struct str segment);

#endif
