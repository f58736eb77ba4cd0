/* What a plugin offers and needs, as it told in WELCOME, checked and made fast to look up. Pure. */
#ifndef PLUGD_PLUGIN_MANIFEST_H
#define PLUGD_PLUGIN_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* Limits that the manifest's names and counts must keep. */
#define MANIFEST_MAX_SERVICES	  256
#define MANIFEST_MAX_METHODS	  1024
#define MANIFEST_MAX_SERVICE_NAME 128
#define MANIFEST_MAX_METHOD_NAME  64
#define MANIFEST_MAX_FORMATS	  16

enum manifest_codec { CODEC_PROTOBUF, CODEC_MSGPACK, CODEC_JSON, CODEC_BYTES };

struct manifest_method {
	uint32_t number;
	const char *name;
	bool client_streams;
	bool server_streams;
	bool idempotent;
	enum manifest_codec codec;
	const char *input_type; /* "" when not told */
	const char *output_type;
};

struct manifest_service {
	const char *name;
	const char *version;
	const struct manifest_method *methods;
	size_t method_count;
};

struct manifest_requirement {
	uint32_t number;
	const char *service;
	const char *method;
	bool optional;
};

/* Versions of a state's format. */
struct manifest_formats {
	uint32_t versions[MANIFEST_MAX_FORMATS];
	size_t count;
};

struct manifest {
	struct arena arena; /* everything below */
	unsigned holders;
	const char *plugin_name;
	const char *plugin_version;
	const char *sdk;
	const struct manifest_service *services;
	size_t service_count;
	const struct manifest_requirement *requirements;
	size_t requirement_count;
	struct manifest_formats state_exports; /* none without the feature "state" */
	struct manifest_formats state_imports;
};

struct Plugd__V1__Welcome;

/* Copies and checks the manifest of a WELCOME. Returns one with one holder, or NULL with *err: the
 * rule that it breaks, with the name. */
struct manifest *manifest_take(const struct Plugd__V1__Welcome *welcome, bool has_state,
			       struct err *err);

/* Returns it. Holders are counted, which changes nothing of what it says. */
struct manifest *manifest_hold(const struct manifest *manifest);
void manifest_release(struct manifest *manifest); /* the last one frees; NULL is fine */

/* NULL: no such one. The method's number is valid for this manifest alone. */
const struct manifest_method *manifest_find(const struct manifest *manifest, struct str service,
					    struct str method);

/* By its number, with its service; NULL: none has it. */
const struct manifest_method *manifest_find_number(const struct manifest *manifest, uint32_t number,
						   const struct manifest_service **service_out);
const struct manifest_service *manifest_find_service(const struct manifest *manifest,
						     struct str service);
const struct manifest_requirement *manifest_find_requirement(const struct manifest *manifest,
							     uint32_t number);

/* The number that a method of `from` has in `to`. False: `to` has no method of its name. */
bool manifest_translate(const struct manifest *from, const struct manifest *to, uint32_t *number);

/* The highest version that `from` exports and `to` imports; 0: there is none. */
uint32_t manifest_state_format(const struct manifest *from, const struct manifest *to);

/* Two processes of one executable and configuration must tell the same. False with *err: the first
 * difference. */
bool manifest_equal(const struct manifest *a, const struct manifest *b, struct err *err);

/* "protobuf", "msgpack", "json", "bytes"; and the media type of a payload. */
const char *manifest_codec_name(enum manifest_codec codec);
const char *manifest_codec_media_type(enum manifest_codec codec);

#endif
