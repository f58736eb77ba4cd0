/* What a file is, by the end of its name. Pure. */
#ifndef PLUGD_EDGE_MEDIA_TYPES_H
#define PLUGD_EDGE_MEDIA_TYPES_H

#include "base/str.h"

/* The value of Content-Type; "application/octet-stream" for what is not known. Text is UTF-8. */
struct str media_type_of(struct str name);

#endif
