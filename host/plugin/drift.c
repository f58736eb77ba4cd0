/* Holds the methods that are used against the next generation's manifest. Called by the rooms that
 * know who uses what. Numbers may differ, they are each generation's own; whether a method is
 * idempotent may too, because nobody's call fails by it. */
#include "plugin/drift.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "observe/errors.h"

void drift_init(struct drift *drift, const struct manifest *old, const struct manifest *next)
{
	*drift = (struct drift){.old = old, .next = next};
}

static void add(struct drift *drift, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct drift *drift, const char *format, ...)
{
	size_t room = sizeof(drift->text) - drift->len;
	va_list args;
	int len;

	drift->differences++;
	va_start(args, format);
	len = vsnprintf(drift->text + drift->len, room, format, args);
	va_end(args);
	if (len > 0)
		drift->len += (size_t)len < room ? (size_t)len : room - 1;
}

static const char *streams_name(const struct manifest_method *method)
{
	if (method->client_streams && method->server_streams)
		return "streams both ways";
	if (method->client_streams)
		return "streams its request";
	return method->server_streams ? "streams its answer" : "does not stream";
}

static void compare(struct drift *drift, struct str service, const struct manifest_method *a,
		    const struct manifest_method *b)
{
	if (a->codec != b->codec)
		add(drift, "; %.*s/%s: its codec is %s, it was %s", STR_ARG(service), a->name,
		    manifest_codec_name(b->codec), manifest_codec_name(a->codec));
	if (a->client_streams != b->client_streams || a->server_streams != b->server_streams)
		add(drift, "; %.*s/%s: it %s, before it %s", STR_ARG(service), a->name,
		    streams_name(b), streams_name(a));
	if (strcmp(a->input_type, b->input_type) != 0)
		add(drift, "; %.*s/%s: it takes %s, it took %s", STR_ARG(service), a->name,
		    b->input_type, a->input_type);
	if (strcmp(a->output_type, b->output_type) != 0)
		add(drift, "; %.*s/%s: it gives %s, it gave %s", STR_ARG(service), a->name,
		    b->output_type, a->output_type);
}

void drift_check(struct drift *drift, struct str service, struct str method)
{
	const struct manifest_method *a = manifest_find(drift->old, service, method);
	const struct manifest_method *b = manifest_find(drift->next, service, method);

	if (a && !b)
		add(drift, "; %.*s/%.*s: it is gone", STR_ARG(service), STR_ARG(method));
	else if (a)
		compare(drift, service, a, b);
}

void drift_check_all(struct drift *drift)
{
	for (size_t i = 0; i < drift->old->service_count; i++) {
		const struct manifest_service *service = &drift->old->services[i];

		for (size_t j = 0; j < service->method_count; j++)
			drift_check(drift, str_from(service->name),
				    str_from(service->methods[j].name));
	}
}

int drift_result(const struct drift *drift, struct err *err)
{
	if (drift->differences == 0)
		return 0;
	return err_set(err, ERR_SWAP_DRIFT, "it does not offer what is used: %s",
		       drift->text + strlen("; "));
}
