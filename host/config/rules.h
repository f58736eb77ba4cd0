/* What a text must look like beyond its length: names, addresses, methods. Each returns NULL, or
 * what is wrong and what would be right, as the end of a sentence about the text. Pure. */
#ifndef PLUGD_CONFIG_RULES_H
#define PLUGD_CONFIG_RULES_H

#include "base/str.h"

const char *rule_name(struct str text);	       /* of a plugin */
const char *rule_variable(struct str text);    /* of the environment */
const char *rule_credential(struct str text);  /* that systemd hands over */
const char *rule_method(struct str text);      /* of HTTP */
const char *rule_rpc(struct str text);	       /* "service/method" */
const char *rule_path(struct str text);	       /* without ".." */
const char *rule_port(struct str text);	       /* of TCP */
const char *rule_call(struct str text);	       /* a system call */
const char *rule_address(struct str text);     /* [scheme://]host:port to listen on */
const char *rule_server_name(struct str text); /* "example.com", "*.example.com" */
const char *rule_plain_path(struct str text);  /* absolute, without "." and ".." */
const char *rule_cgroup(struct str text);      /* none, own, or a plain path */
const char *rule_umask(struct str text);       /* three octal digits */
const char *rule_public_key(struct str text);  /* "ed25519:…" */
const char *rule_network(struct str text);     /* as net/cidr.h takes them */
const char *rule_rate_by(struct str text);     /* "address", or "header NAME" */
const char *rule_origin(struct str text);      /* as cors takes them */
const char *rule_header(struct str text);      /* the name of one, or "*" */
const char *rule_encoding(struct str text);    /* a content coding */
const char *rule_media_type(struct str text);  /* as compress takes them */
const char *rule_field_value(struct str text); /* of HTTP */

#endif
