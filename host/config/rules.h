/* What a text must look like beyond its length: names, addresses, methods. Each returns NULL, or
 * what is wrong and what would be right, as the end of a sentence about the text. Pure. */
#ifndef PLUGD_CONFIG_RULES_H
#define PLUGD_CONFIG_RULES_H

#include "base/str.h"

const char *rule_name(struct str text);		 /* of a plugin */
const char *rule_variable(struct str text);	 /* of the environment */
const char *rule_credential(struct str text);	 /* that systemd hands over */
const char *rule_method(struct str text);	 /* of HTTP */
const char *rule_rpc(struct str text);		 /* "service/method" */
const char *rule_path(struct str text);		 /* without ".." */
const char *rule_port(struct str text);		 /* of TCP */
const char *rule_call(struct str text);		 /* a system call */
const char *rule_address(struct str text);	 /* [scheme://]host:port to listen on */
const char *rule_server_name(struct str text);	 /* "example.com", "*.example.com" */
const char *rule_host(struct str text);		 /* "example.com", "*.example.com" */
const char *rule_prefix(struct str text);	 /* of paths: "/api" */
const char *rule_plain_path(struct str text);	 /* absolute, without "." and ".." */
const char *rule_cgroup(struct str text);	 /* none, own, or a plain path */
const char *rule_mode(struct str text);		 /* the same; owners may read and write */
const char *rule_umask(struct str text);	 /* three octal digits */
const char *rule_public_key(struct str text);	 /* "ed25519:…" */
const char *rule_network(struct str text);	 /* as net/cidr.h takes them */
const char *rule_rate_by(struct str text);	 /* "address", "principal", "header NAME" */
const char *rule_origin(struct str text);	 /* as cors takes them */
const char *rule_header(struct str text);	 /* the name of one, or "*" */
const char *rule_encoding(struct str text);	 /* a content coding */
const char *rule_media_type(struct str text);	 /* as compress takes them */
const char *rule_field_value(struct str text);	 /* of HTTP */
const char *rule_browser_field(struct str text); /* of a header that browsers heed */
const char *rule_file_name(struct str text);	 /* without a directory */
const char *rule_fallback(struct str text);	 /* "/index.html" */
const char *rule_coding(struct str text);	 /* in which a file may lie beside itself */

/* Of who clients are (rules_auth.c). */
const char *rule_auth_method(struct str text); /* "api_key", "none" */
const char *rule_auth_text(struct str text);   /* a role, a tenant, a subject */
const char *rule_auth_scope(struct str text);  /* as RFC 6749, 3.3, has them */
const char *rule_auth_claim(struct str text);  /* "name=value" */
const char *rule_auth_realm(struct str text);
const char *rule_auth_header(struct str text);	 /* that credentials come in */
const char *rule_auth_rpc(struct str text);	 /* "service/method", "service/" and a star */
const char *rule_jwt_algorithm(struct str text); /* "ES256" */
const char *rule_jwks_url(struct str text);	 /* https, or of this machine */
const char *rule_certificate_subject(struct str text);
const char *rule_certificate_name(struct str text);
const char *rule_certificate_fingerprint(struct str text);

#endif
