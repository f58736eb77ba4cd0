/* The manifest of a plugin, checked rule by rule and copied into memory of ours.
 *
 * A manifest is a stranger's word: names reach logs, URLs and other plugins, numbers index tables.
 * Each rule that is broken refuses the whole manifest with a sentence that its author can act on.
 * Fails by err alone. */
#include "plugin/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "proto/plugd.pb-c.h"

static bool is_name_char(char c, bool dots)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || (dots && c == '.');
}

static bool is_name(const char *name, size_t max, bool dots)
{
	size_t len = strlen(name);

	if (len == 0 || len > max || name[0] == '.' || name[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_name_char(name[i], dots) || (name[i] == '.' && i > 0 && name[i - 1] == '.'))
			return false;
	}
	return true;
}

static int refuse(struct err *err, const char *what, const char *name, const char *rule)
{
	return err_set(err, ERR_PROTOCOL_MANIFEST, "%s \"%.140s\": %s", what, name, rule);
}

static const char *copy(struct arena *arena, const char *text)
{
	return arena_strndup(arena, str_from(text ? text : ""));
}

static int take_method(struct arena *arena, struct manifest_method *out,
		       const Plugd__V1__Method *in, struct err *err)
{
	if (!is_name(in->name, MANIFEST_MAX_METHOD_NAME, false))
		return refuse(err, "method", in->name,
			      "a name is 1 to 64 letters, digits and underscores");
	if (in->number == 0)
		return refuse(err, "method", in->name, "its number must be 1 or more");
	if (in->codec > PLUGD__V1__CODEC__BYTES)
		return refuse(err, "method", in->name,
			      "its codec is not one of PROTOBUF, MSGPACK, JSON, BYTES");
	if (in->codec == PLUGD__V1__CODEC__PROTOBUF &&
	    (in->input_type[0] == '\0' || in->output_type[0] == '\0'))
		return refuse(err, "method", in->name,
			      "a protobuf method must name its input and output type");
	*out = (struct manifest_method){
		.number = in->number,
		.name = copy(arena, in->name),
		.client_streams = in->client_streams,
		.server_streams = in->server_streams,
		.idempotent = in->idempotent,
		.codec = (enum manifest_codec)in->codec,
		.input_type = copy(arena, in->input_type),
		.output_type = copy(arena, in->output_type),
	};
	return 0;
}

static int take_service(struct arena *arena, struct manifest_service *out,
			const Plugd__V1__Service *in, struct err *err)
{
	struct manifest_method *methods;

	if (!is_name(in->name, MANIFEST_MAX_SERVICE_NAME, true))
		return refuse(err, "service", in->name,
			      "a name is 1 to 128 letters, digits, underscores and single dots");
	if (in->n_methods == 0)
		return refuse(err, "service", in->name, "it has no methods");
	methods = arena_alloc(arena, in->n_methods * sizeof(*methods));
	for (size_t i = 0; i < in->n_methods; i++) {
		int r = take_method(arena, &methods[i], in->methods[i], err);

		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(methods[k].name, methods[i].name) == 0)
				return refuse(err, "method", methods[i].name,
					      "its service has two of that name");
		}
	}
	*out = (struct manifest_service){copy(arena, in->name), copy(arena, in->version), methods,
					 in->n_methods};
	return 0;
}

/* Numbers are compared over all services: a frame carries nothing else. */
static int check_numbers(const struct manifest_service *services, size_t count, size_t total,
			 struct arena *arena, struct err *err)
{
	const struct manifest_method **seen = arena_alloc(arena, total * sizeof(*seen));
	size_t n = 0;

	for (size_t s = 0; s < count; s++) {
		for (size_t m = 0; m < services[s].method_count; m++) {
			const struct manifest_method *method = &services[s].methods[m];

			for (size_t k = 0; k < n; k++) {
				if (seen[k]->number == method->number)
					return err_set(err, ERR_PROTOCOL_MANIFEST,
						       "methods \"%s\" and \"%s\" both have the "
						       "number %u",
						       seen[k]->name, method->name, method->number);
			}
			seen[n++] = method;
		}
	}
	return 0;
}

static int take_services(struct arena *arena, struct manifest *out, const Plugd__V1__Manifest *in,
			 struct err *err)
{
	struct manifest_service *services;
	size_t total = 0;
	int r;

	if (in->n_provides > MANIFEST_MAX_SERVICES)
		return err_set(err, ERR_PROTOCOL_MANIFEST, "%zu services; at most %d are allowed",
			       in->n_provides, MANIFEST_MAX_SERVICES);
	services = arena_alloc(arena, in->n_provides * sizeof(*services));
	for (size_t i = 0; i < in->n_provides; i++) {
		total += in->provides[i]->n_methods;
		if (total > MANIFEST_MAX_METHODS)
			return err_set(err, ERR_PROTOCOL_MANIFEST, "more than %d methods",
				       MANIFEST_MAX_METHODS);
		r = take_service(arena, &services[i], in->provides[i], err);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(services[k].name, services[i].name) == 0)
				return refuse(err, "service", services[i].name,
					      "the manifest has it twice");
		}
	}
	r = check_numbers(services, in->n_provides, total, arena, err);
	if (r < 0)
		return r;
	out->services = services;
	out->service_count = in->n_provides;
	return 0;
}

static int take_requirements(struct arena *arena, struct manifest *out,
			     const Plugd__V1__Manifest *in, struct err *err)
{
	struct manifest_requirement *rows;

	if (in->n_requires > MANIFEST_MAX_SERVICES)
		return err_set(err, ERR_PROTOCOL_MANIFEST,
			       "%zu requirements; at most %d are allowed", in->n_requires,
			       MANIFEST_MAX_SERVICES);
	rows = arena_alloc(arena, in->n_requires * sizeof(*rows));
	for (size_t i = 0; i < in->n_requires; i++) {
		const Plugd__V1__Requirement *row = in->requires[i];

		if (row->number == 0)
			return refuse(err, "requirement", row->service,
				      "its number must be 1 or more");
		if (!is_name(row->service, MANIFEST_MAX_SERVICE_NAME, true) ||
		    !is_name(row->method, MANIFEST_MAX_METHOD_NAME, false))
			return refuse(err, "requirement", row->service,
				      "it must name a service and a method");
		for (size_t k = 0; k < i; k++) {
			if (rows[k].number == row->number)
				return refuse(err, "requirement", row->service,
					      "another one has the same number");
		}
		rows[i] = (struct manifest_requirement){row->number, copy(arena, row->service),
							copy(arena, row->method), row->optional};
	}
	out->requirements = rows;
	out->requirement_count = in->n_requires;
	return 0;
}

static int take_formats(struct manifest_formats *out, const uint32_t *versions, size_t count,
			struct err *err)
{
	if (count > MANIFEST_MAX_FORMATS)
		return err_set(err, ERR_PROTOCOL_MANIFEST,
			       "%zu formats of its state; at most %d are allowed", count,
			       MANIFEST_MAX_FORMATS);
	for (size_t i = 0; i < count; i++) {
		if (versions[i] == 0)
			return err_set(err, ERR_PROTOCOL_MANIFEST,
				       "the format of a state must be 1 or more");
		for (size_t k = 0; k < i; k++) {
			if (versions[k] == versions[i])
				return err_set(err, ERR_PROTOCOL_MANIFEST,
					       "it lists the state format %u twice", versions[i]);
		}
		out->versions[out->count++] = versions[i];
	}
	return 0;
}

static int take_state(struct manifest *out, const Plugd__V1__Manifest *in, struct err *err)
{
	int r = take_formats(&out->state_exports, in->state_exports, in->n_state_exports, err);

	if (r == 0)
		r = take_formats(&out->state_imports, in->state_imports, in->n_state_imports, err);
	if (r == 0 && in->n_state_exports + in->n_state_imports == 0)
		r = err_set(err, ERR_PROTOCOL_MANIFEST,
			    "it took the feature \"state\" and lists no format");
	return r;
}

static int take_parts(struct manifest *out, const Plugd__V1__Welcome *welcome, bool has_state,
		      struct err *err)
{
	static const Plugd__V1__Manifest nothing = PLUGD__V1__MANIFEST__INIT;
	const Plugd__V1__Manifest *in = welcome->manifest ? welcome->manifest : &nothing;
	int r;

	if (strlen(welcome->plugin_name) > MANIFEST_MAX_SERVICE_NAME ||
	    strlen(welcome->plugin_version) > MANIFEST_MAX_SERVICE_NAME)
		return err_set(err, ERR_PROTOCOL_MANIFEST,
			       "the plugin's name and version may have 128 characters at most");
	out->plugin_name = copy(&out->arena, welcome->plugin_name);
	out->plugin_version = copy(&out->arena, welcome->plugin_version);
	out->sdk = copy(&out->arena, welcome->sdk);
	r = take_services(&out->arena, out, in, err);
	if (r == 0)
		r = take_requirements(&out->arena, out, in, err);
	if (r == 0 && has_state)
		r = take_state(out, in, err);
	return r;
}

struct manifest *manifest_take(const struct Plugd__V1__Welcome *welcome, bool has_state,
			       struct err *err)
{
	struct manifest *out = mem_new(struct manifest);

	out->holders = 1;
	if (take_parts(out, welcome, has_state, err) < 0) {
		manifest_release(out);
		return NULL;
	}
	return out;
}

struct manifest *manifest_hold(const struct manifest *manifest)
{
	struct manifest *held = (struct manifest *)manifest;

	held->holders++;
	return held;
}

void manifest_release(struct manifest *manifest)
{
	if (!manifest || --manifest->holders > 0)
		return;
	arena_deinit(&manifest->arena);
	free(manifest);
}

const struct manifest_service *manifest_find_service(const struct manifest *manifest,
						     struct str service)
{
	for (size_t i = 0; i < manifest->service_count; i++) {
		if (str_eq(str_from(manifest->services[i].name), service))
			return &manifest->services[i];
	}
	return NULL;
}

const struct manifest_method *manifest_find(const struct manifest *manifest, struct str service,
					    struct str method)
{
	const struct manifest_service *found = manifest_find_service(manifest, service);

	for (size_t i = 0; found && i < found->method_count; i++) {
		if (str_eq(str_from(found->methods[i].name), method))
			return &found->methods[i];
	}
	return NULL;
}

const struct manifest_requirement *manifest_find_requirement(const struct manifest *manifest,
							     uint32_t number)
{
	for (size_t i = 0; i < manifest->requirement_count; i++) {
		if (manifest->requirements[i].number == number)
			return &manifest->requirements[i];
	}
	return NULL;
}

const struct manifest_method *manifest_find_number(const struct manifest *manifest, uint32_t number,
						   const struct manifest_service **service_out)
{
	for (size_t i = 0; i < manifest->service_count; i++) {
		const struct manifest_service *service = &manifest->services[i];

		for (size_t k = 0; k < service->method_count; k++) {
			*service_out = service;
			if (service->methods[k].number == number)
				return &service->methods[k];
		}
	}
	return NULL;
}

bool manifest_translate(const struct manifest *from, const struct manifest *to, uint32_t *number)
{
	const struct manifest_service *service;
	const struct manifest_method *method = manifest_find_number(from, *number, &service);
	const struct manifest_method *found;

	if (!method || !to)
		return false;
	found = manifest_find(to, str_from(service->name), str_from(method->name));
	if (found)
		*number = found->number;
	return found != NULL;
}

static bool has_format(const struct manifest_formats *formats, uint32_t version)
{
	for (size_t i = 0; i < formats->count; i++) {
		if (formats->versions[i] == version)
			return true;
	}
	return false;
}

uint32_t manifest_state_format(const struct manifest *from, const struct manifest *to)
{
	uint32_t best = 0;

	for (size_t i = 0; i < from->state_exports.count; i++) {
		uint32_t version = from->state_exports.versions[i];

		if (version > best && has_format(&to->state_imports, version))
			best = version;
	}
	return best;
}

static bool method_equal(const struct manifest_method *a, const struct manifest_method *b)
{
	return a->number == b->number && strcmp(a->name, b->name) == 0 &&
	       a->client_streams == b->client_streams && a->server_streams == b->server_streams &&
	       a->idempotent == b->idempotent && a->codec == b->codec &&
	       strcmp(a->input_type, b->input_type) == 0 &&
	       strcmp(a->output_type, b->output_type) == 0;
}

static bool service_equal(const struct manifest_service *a, const struct manifest_service *b)
{
	if (strcmp(a->name, b->name) != 0 || strcmp(a->version, b->version) != 0 ||
	    a->method_count != b->method_count)
		return false;
	for (size_t i = 0; i < a->method_count; i++) {
		if (!method_equal(&a->methods[i], &b->methods[i]))
			return false;
	}
	return true;
}

static bool requirement_equal(const struct manifest_requirement *a,
			      const struct manifest_requirement *b)
{
	return a->number == b->number && strcmp(a->service, b->service) == 0 &&
	       strcmp(a->method, b->method) == 0 && a->optional == b->optional;
}

bool manifest_equal(const struct manifest *a, const struct manifest *b, struct err *err)
{
	if (strcmp(a->plugin_name, b->plugin_name) != 0 ||
	    strcmp(a->plugin_version, b->plugin_version) != 0) {
		err_set(err, ERR_PROTOCOL_MANIFEST,
			"it calls itself %s %s, the instance before it was %s %s", b->plugin_name,
			b->plugin_version, a->plugin_name, a->plugin_version);
		return false;
	}
	if (a->service_count != b->service_count || a->requirement_count != b->requirement_count) {
		err_set(err, ERR_PROTOCOL_MANIFEST,
			"it declares %zu services and %zu requirements, the instance before it "
			"%zu and %zu",
			b->service_count, b->requirement_count, a->service_count,
			a->requirement_count);
		return false;
	}
	for (size_t i = 0; i < a->service_count; i++) {
		if (!service_equal(&a->services[i], &b->services[i])) {
			refuse(err, "service", b->services[i].name,
			       "the instance before it declared it differently");
			return false;
		}
	}
	for (size_t i = 0; i < a->requirement_count; i++) {
		if (!requirement_equal(&a->requirements[i], &b->requirements[i])) {
			refuse(err, "requirement", b->requirements[i].service,
			       "the instance before it declared it differently");
			return false;
		}
	}
	return true;
}

const char *manifest_codec_name(enum manifest_codec codec)
{
	static const char *const names[] = {"protobuf", "msgpack", "json", "bytes"};

	return names[codec];
}

const char *manifest_codec_media_type(enum manifest_codec codec)
{
	static const char *const types[] = {"application/protobuf", "application/msgpack",
					    "application/json", "application/octet-stream"};

	return types[codec];
}
