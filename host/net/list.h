/* Lists as fields have them: members between commas, with spaces and tabs around them (RFC 9110,
 * 5.6.1). A comma always ends a member, so a list that may have quoted ones is nothing for these.
 * Pure. */
#ifndef PLUGD_NET_LIST_H
#define PLUGD_NET_LIST_H

#include <stdbool.h>

#include "base/str.h"

/* Takes the first member off a list that is not empty; it may be an empty one. */
struct str list_cut(struct str *list);

/* Takes the first member off that is not empty. False: there is none. */
bool list_next(struct str *list, struct str *member_out);

/* Likewise the last. */
bool list_last(struct str *list, struct str *member_out);

/* Whether one of its members is this word, in any case. */
bool list_has(struct str list, struct str word);

#endif
