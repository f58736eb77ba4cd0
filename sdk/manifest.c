/* What a plugin declares. The author's tables are checked before a host sees them, so that a
 * mistake is a sentence on stderr; methods get their numbers in the order of the tables, the HTTP
 * service last. Owns nothing: plug->methods and plug->routes belong to serve.c. */
#include "sdk/manifest.h"

#include <pb_encode.h>
#include <stdlib.h>
#include <string.h>

#include "proto/plugd.pb.h"
#include "sdk/proto.h"
#include "sdk/runtime.h"

#define SERVICE_NAME_MAX  128
#define METHOD_NAME_MAX	  64
#define STATE_FORMATS_MAX PLUG_COUNT(((plugd_v1_Manifest *)NULL)->state_exports)

static bool is_name(const char *name, size_t max, bool dots)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.";
	size_t len = name != NULL ? strspn(name, letters) : 0;

	return len > 0 && len <= max && name[len] == '\0' && (dots || strchr(name, '.') == NULL);
}

/* Three numbers, and then whatever semantic versions allow. */
static bool is_version(const char *version)
{
	for (int i = 0; version != NULL && i < 3; i++) {
		size_t digits = strspn(version, "0123456789");

		version += digits;
		if (digits == 0 || (i < 2 && *version != '.'))
			return false;
		if (i < 2)
			version++;
	}
	return version != NULL && (*version == '\0' || *version == '-' || *version == '+');
}

static bool type_is_foreign(const struct plug_type *type)
{
	return type->fields != NULL && type->pb_size_bytes != sizeof(pb_size_t);
}

static struct plug_verdict method_check(const struct plug_service *service,
					const struct plug_method *method)
{
	const char *name = method->name != NULL ? method->name : "";

	if (!is_name(name, METHOD_NAME_MAX, false))
		return plug_refuse(
			"service %s: \"%s\" is no name for a method (letters, digits, '_')",
			service->name, name);
	if (method->handler == NULL)
		return plug_refuse("%s.%s has no handler", service->name, name);
	if (method->codec == PLUG_PROTOBUF &&
	    (method->input.name == NULL || method->output.name == NULL))
		return plug_refuse("%s.%s is PLUG_PROTOBUF and needs .input and .output",
				   service->name, name);
	if (type_is_foreign(&method->input) || type_is_foreign(&method->output))
		return plug_refuse(
			"%s.%s: its nanopb counts in %zu bytes, libplug's in %zu; build both alike",
			service->name, name, method->input.pb_size_bytes, sizeof(pb_size_t));
	for (const struct plug_method *other = service->methods; other < method; other++) {
		if (strcmp(other->name, name) == 0)
			return plug_refuse("service %s has two methods %s", service->name, name);
	}
	return plug_ok();
}

static struct plug_verdict service_check(const struct plug_plugin *plugin,
					 const struct plug_service *service)
{
	const char *name = service->name != NULL ? service->name : "";
	struct plug_verdict verdict = plug_ok();

	if (!is_name(name, SERVICE_NAME_MAX, true))
		return plug_refuse("\"%s\" is no name for a service (letters, digits, '_', '.')",
				   name);
	if (service->version != NULL && !is_version(service->version))
		return plug_refuse("service %s: \"%s\" is no version like 1.0.0", name,
				   service->version);
	if (strcmp(name, WIRE_HTTP_SERVICE) == 0)
		return plug_refuse("the service %s is made from .routes", name);
	for (const struct plug_service *other = plugin->services; other < service; other++) {
		if (strcmp(other->name, name) == 0)
			return plug_refuse("there are two services %s", name);
	}
	for (size_t i = 0; verdict.ok && i < service->method_count; i++)
		verdict = method_check(service, &service->methods[i]);
	return verdict;
}

static size_t method_total(const struct plug_plugin *plugin)
{
	size_t count = plugin->route_count > 0 ? 1 : 0;

	for (size_t i = 0; i < plugin->service_count; i++)
		count += plugin->services[i].method_count;
	return count;
}

const struct plug_state_format *manifest_format(const struct plug_plugin *plugin, uint32_t version)
{
	for (size_t i = 0; i < plugin->state_format_count; i++) {
		if (plugin->state_formats[i].version == version)
			return &plugin->state_formats[i];
	}
	return NULL;
}

static struct plug_verdict formats_check(const struct plug_plugin *plugin)
{
	if (plugin->state_format_count > STATE_FORMATS_MAX)
		return plug_refuse("there are more than %zu .state_formats", STATE_FORMATS_MAX);
	for (size_t i = 0; i < plugin->state_format_count; i++) {
		const struct plug_state_format *format = &plugin->state_formats[i];

		if (format->version == 0)
			return plug_refuse(".state_formats[%zu] has no .version from 1", i);
		if (format->on_export == NULL && format->on_import == NULL)
			return plug_refuse("state format %u is neither written nor read",
					   format->version);
		if (manifest_format(plugin, format->version) != format)
			return plug_refuse("there are two state formats %u", format->version);
	}
	return plug_ok();
}

struct plug_verdict manifest_check(const struct plug_plugin *plugin)
{
	struct plug_verdict verdict = plug_ok();

	if (plugin->name == NULL || plugin->name[0] == '\0')
		return plug_refuse("the plugin has no .name");
	if (!is_version(plugin->version))
		return plug_refuse("\"%s\" is no .version like 1.0.0",
				   plugin->version != NULL ? plugin->version : "");
	for (size_t i = 0; verdict.ok && i < plugin->service_count; i++)
		verdict = service_check(plugin, &plugin->services[i]);
	for (size_t i = 0; verdict.ok && i < plugin->need_count; i++) {
		const struct plug_need *need = &plugin->needs[i];

		if (!is_name(need->service, SERVICE_NAME_MAX, true) ||
		    !is_name(need->method, METHOD_NAME_MAX, false))
			return plug_refuse(".needs[%zu] has no proper service and method", i);
	}
	if (verdict.ok)
		verdict = formats_check(plugin);
	if (verdict.ok && method_total(plugin) == 0)
		return plug_refuse("the plugin has neither methods nor routes");
	return verdict;
}

struct plug_verdict manifest_number(struct plug *plug)
{
	const struct plug_plugin *plugin = plug->plugin;
	const char *fault = route_table_init(&plug->routes, plugin->routes, plugin->route_count);
	struct method_entry *entry;

	if (fault != NULL)
		return plug_refuse("%s", fault);
	plug->method_count = method_total(plugin);
	plug->methods = calloc(plug->method_count, sizeof(*plug->methods));
	if (plug->methods == NULL)
		return plug_refuse("no memory");
	entry = plug->methods;
	for (size_t i = 0; i < plugin->service_count; i++) {
		for (size_t k = 0; k < plugin->services[i].method_count; k++, entry++) {
			entry->method = &plugin->services[i].methods[k];
			entry->kind = entry->method->client_streams ? METHOD_STREAM : METHOD_UNARY;
		}
	}
	if (plugin->route_count > 0)
		entry->kind = METHOD_HTTP;
	return plug_ok();
}

/* A service on its way into the manifest. */
struct numbered_service {
	const struct plug_service *service;
	uint32_t first; /* number of its first method */
};

static bool write_message(pb_ostream_t *stream, const pb_field_t *field, const pb_msgdesc_t *fields,
			  const void *message)
{
	return pb_encode_tag_for_field(stream, field) &&
	       pb_encode_submessage(stream, fields, message);
}

static bool write_methods(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	const struct numbered_service *numbered = *arg;

	for (size_t i = 0; i < numbered->service->method_count; i++) {
		const struct plug_method *method = &numbered->service->methods[i];
		plugd_v1_Method row = plugd_v1_Method_init_zero;

		row.number = numbered->first + (uint32_t)i;
		row.client_streams = method->client_streams;
		row.server_streams = method->server_streams;
		row.idempotent = method->idempotent;
		row.codec = (plugd_v1_Codec)method->codec;
		proto_set_string(&row.name, method->name);
		proto_set_string(&row.input_type, method->input.name);
		proto_set_string(&row.output_type, method->output.name);
		if (!write_message(stream, field, plugd_v1_Method_fields, &row))
			return false;
	}
	return true;
}

static bool write_service(pb_ostream_t *stream, const pb_field_t *field,
			  const struct plug_plugin *plugin, const struct numbered_service *numbered)
{
	const char *version = numbered->service->version;
	plugd_v1_Service row = plugd_v1_Service_init_zero;

	proto_set_string(&row.name, numbered->service->name);
	proto_set_string(&row.version, version != NULL ? version : plugin->version);
	row.methods.funcs.encode = write_methods;
	row.methods.arg = (void *)(uintptr_t)numbered;
	return write_message(stream, field, plugd_v1_Service_fields, &row);
}

static bool write_services(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	static const struct plug_method handle = {
		.name = WIRE_HTTP_METHOD,
		.client_streams = true,
		.server_streams = true,
		.input = {.name = "plugd.http.v1.Request"},
		.output = {.name = "plugd.http.v1.Response"},
	};
	static const struct plug_service http = {
		.name = WIRE_HTTP_SERVICE,
		.version = "1.0.0",
		.methods = &handle,
		.method_count = 1,
	};
	const struct plug_plugin *plugin = *arg;
	struct numbered_service numbered = {.first = 1};

	for (size_t i = 0; i < plugin->service_count; i++) {
		numbered.service = &plugin->services[i];
		if (!write_service(stream, field, plugin, &numbered))
			return false;
		numbered.first += (uint32_t)numbered.service->method_count;
	}
	numbered.service = &http;
	return plugin->route_count == 0 || write_service(stream, field, plugin, &numbered);
}

static bool write_needs(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	const struct plug_plugin *plugin = *arg;

	for (size_t i = 0; i < plugin->need_count; i++) {
		plugd_v1_Requirement row = plugd_v1_Requirement_init_zero;

		row.number = (uint32_t)i + 1;
		row.optional = plugin->needs[i].optional;
		proto_set_string(&row.service, plugin->needs[i].service);
		proto_set_string(&row.method, plugin->needs[i].method);
		if (!write_message(stream, field, plugd_v1_Requirement_fields, &row))
			return false;
	}
	return true;
}

static void put_formats(plugd_v1_Manifest *manifest, const struct plug_plugin *plugin)
{
	for (size_t i = 0; i < plugin->state_format_count; i++) {
		const struct plug_state_format *format = &plugin->state_formats[i];

		if (format->on_export != NULL)
			manifest->state_exports[manifest->state_exports_count++] = format->version;
		if (format->on_import != NULL)
			manifest->state_imports[manifest->state_imports_count++] = format->version;
	}
}

bool manifest_say(struct plug *plug, const char *const *features)
{
	plugd_v1_Welcome welcome = plugd_v1_Welcome_init_zero;

	welcome.version = 1;
	proto_set_string(&welcome.plugin_name, plug->plugin->name);
	proto_set_string(&welcome.plugin_version, plug->plugin->version);
	proto_set_string(&welcome.sdk, "libplug/" PLUG_VERSION);
	proto_set_strings(&welcome.features, features);
	welcome.has_limits = true;
	welcome.limits.max_calls = plug->limits.max_calls;
	welcome.limits.max_message_bytes = plug->limits.max_message_bytes;
	welcome.limits.call_window_bytes = plug->limits.call_window_bytes;
	welcome.limits.channel_window_bytes = plug->limits.channel_window_bytes;
	welcome.limits.max_state_bytes = plug->limits.max_state_bytes;
	welcome.has_manifest = true;
	put_formats(&welcome.manifest, plug->plugin);
	welcome.manifest.provides.funcs.encode = write_services;
	welcome.manifest.provides.arg = (void *)(uintptr_t)plug->plugin;
	welcome.manifest.requires.funcs.encode = write_needs;
	welcome.manifest.requires.arg = (void *)(uintptr_t)plug->plugin;
	return proto_say(plug, WIRE_WELCOME, plugd_v1_Welcome_fields, &welcome);
}
