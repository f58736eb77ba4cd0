/* What is kept of a crash, as JSON. Only looks at an instance that has ended, once, and changes
 * nothing. Called by the pool's owner when a process has ended as it should not. */
#include "plugin/capsule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/member.h"
#include "plugin/instance_private.h"

/* "20261127T023001.123Z-echo-1-2": sorts by time, and is a file's name. */
static void put_id(json_t *capsule, const struct instance *instance, int64_t wall_ms)
{
	char second[CLOCK_TEXT];
	char stamp[CLOCK_TEXT];
	size_t len = 0;
	char *id;

	for (const char *p = clock_format(second, wall_ms / 1000); *p; p++) {
		if (*p != '-' && *p != ':')
			stamp[len++] = *p;
	}
	stamp[len] = '\0';
	id = mem_printf("%s.%03dZ-%s-%u-%u", stamp, (int)(wall_ms % 1000), instance->plugin->name,
			instance->generation, instance->number);
	member_text(capsule, "id", id);
	free(id);
	id = mem_printf("%s.%03dZ", second, (int)(wall_ms % 1000));
	member_text(capsule, "at", id);
	free(id);
}

static void put_end(json_t *capsule, const struct instance *instance)
{
	const struct process_end *end = &instance->end;

	member_text(capsule, "how", end->text);
	member_json(capsule, "signal", end->by_signal ? json_integer(end->status) : json_null());
	member_json(capsule, "exit_status",
		    end->by_signal || end->status < 0 ? json_null() : json_integer(end->status));
	member_bool(capsule, "core_dumped", end->core_dumped);
	member_bool(capsule, "ended_by_host", end->by_host);
}

static json_t *reason_json(const struct err *why)
{
	json_t *reason = json_object();

	member_int(reason, "code", why->code);
	member_text(reason, "message", why->text);
	return reason;
}

static json_t *usage_json(const struct process_end *end)
{
	json_t *usage = json_object();

	member_int(usage, "user_us", end->user_us);
	member_int(usage, "system_us", end->system_us);
	member_int(usage, "max_rss_bytes", end->max_rss_bytes);
	return usage;
}

static json_t *build_json(const struct instance *instance)
{
	const struct manifest *manifest = instance->manifest;
	const struct exec_file *file = &instance->image->file;
	json_t *build = json_object();
	char hash[DIGEST_TEXT];

	member_text(build, "version", manifest ? manifest->plugin_version : NULL);
	member_text(build, "sdk", manifest ? manifest->sdk : NULL);
	member_text(build, "host", instance->host_version);
	member_text(build, "executable", file->path);
	member_text(build, "hash", digest_format(hash, &file->digest));
	return build;
}

static void put_method(json_t *call, const struct manifest *manifest, uint32_t number)
{
	const struct manifest_service *service;
	const struct manifest_method *method = manifest_find_number(manifest, number, &service);
	char *name = method ? mem_printf("%s/%s", service->name, method->name) : NULL;

	member_text(call, "method", name);
	free(name);
}

static json_t *calls_json(const struct instance *instance)
{
	const struct outgoing_lost *lost = &instance->lost;
	json_t *calls = json_array();

	for (unsigned i = 0; i < lost->count && i < OUTGOING_LOST_MAX; i++) {
		const struct outgoing_lost_call *row = &lost->calls[i];
		json_t *call = json_object();

		member_int(call, "id", row->id);
		put_method(call, instance->manifest, row->method);
		member_int(call, "age_us", row->age_us);
		member_bool(call, "delivered", row->is_delivered);
		member_bool(call, "answer_begun", row->is_answered);
		member_bool(call, "cancelled", row->is_cancelled);
		json_array_append_new(calls, call);
	}
	return calls;
}

static json_t *stderr_json(struct str tail)
{
	json_t *lines = json_array();

	while (tail.len > 0) {
		const char *newline = memchr(tail.data, '\n', tail.len);
		size_t len = newline ? (size_t)(newline - tail.data) : tail.len;

		json_array_append_new(lines, text_json((struct str){tail.data, len}));
		len += newline != NULL;
		tail = (struct str){tail.data + len, tail.len - len};
	}
	return lines;
}

static json_t *hex_json(struct str bytes)
{
	char *text = mem_alloc(2 * bytes.len + 1);
	json_t *json;

	str_hex(text, (const uint8_t *)bytes.data, bytes.len);
	json = json_string(text);
	free(text);
	return json;
}

/* Its beginning, as far as it is kept, without secrets. */
static json_t *payload_json(const struct instance *instance, struct wire_bytes payload)
{
	struct str kept = {(const char *)payload.data, payload.len};
	struct buf scratch = {0};
	json_t *json;

	json = hex_json(redact(secrets_redactor(instance->secrets), kept, true, &scratch));
	buf_deinit(&scratch);
	return json;
}

static json_t *frames_json(const struct instance *instance)
{
	const struct trail *trail = &instance->channel.trail;
	int64_t now_us = loop_now_us(instance->loop);
	json_t *frames = json_array();

	for (unsigned i = 0; i < trail_length(trail); i++) {
		const struct trail_frame *row = trail_at(trail, i);
		json_t *frame = json_object();

		member_int(frame, "ago_us", now_us - row->at_us);
		member_text(frame, "from", row->is_inbound ? "plugin" : "host");
		member_text(frame, "kind", frame_kind_name(row->kind));
		member_int(frame, "call", row->id);
		member_int(frame, "bytes", row->bytes);
		if (row->kept > 0)
			member_json(frame, "payload_hex",
				    payload_json(instance, trail_payload(trail, i)));
		json_array_append_new(frames, frame);
	}
	return frames;
}

json_t *capsule_new(const struct instance *instance, const struct err *why, int64_t wall_ms)
{
	json_t *capsule = json_object();

	put_id(capsule, instance, wall_ms);
	member_text(capsule, "plugin", instance->plugin->name);
	member_text(capsule, "instance", instance->id);
	member_int(capsule, "pid", instance->pid);
	put_end(capsule, instance);
	member_json(capsule, "reason", reason_json(why));
	member_bool(capsule, "was_ready", instance->start_us > 0);
	member_int(capsule, "lived_us", loop_now_us(instance->loop) - instance->started_us);
	member_int(capsule, "calls_total", (int64_t)instance_total_calls(instance));
	member_json(capsule, "build", build_json(instance));
	member_json(capsule, "usage", usage_json(&instance->end));
	member_json(capsule, "stderr", stderr_json(textlog_tail(&instance->textlog)));
	member_int(capsule, "calls_in_flight", instance->lost.count);
	member_json(capsule, "calls", calls_json(instance));
	member_int(capsule, "frames_total", (int64_t)instance->channel.trail.count);
	member_json(capsule, "frames", frames_json(instance));
	return capsule;
}

const char *capsule_id(const json_t *capsule)
{
	return json_string_value(json_object_get(capsule, "id"));
}
