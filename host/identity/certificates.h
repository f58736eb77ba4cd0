/* What certificates of clients mean, in the operator's words. A certificate that means nobody is
 * nobody's, however well it is verified. */
#ifndef PLUGD_IDENTITY_CERTIFICATES_H
#define PLUGD_IDENTITY_CERTIFICATES_H

#include "base/err.h"
#include "identity/identity_opts.h"
#include "identity/proof.h"

struct certificate_map;

/* Borrows `opts` while it lives. Returns owned; NULL with *err. */
struct certificate_map *certificate_map_new(const struct identity_opts *opts, struct err *err);
void certificate_map_free(struct certificate_map *map); /* NULL is fine */

/* As struct method has it. */
enum verdict certificate_verify(struct proof *proof);

/* NULL, or what is wrong with the text of a rule, as the end of a sentence. */
const char *certificate_check_subject(struct str text);
const char *certificate_check_name(struct str text);

/* The rule and what it is held against are the same, or the rule ends in a star and what stands
 * before it is the same. */
bool certificate_matches(struct str rule, struct str text);

#endif
