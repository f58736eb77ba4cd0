/* The operator calls a method.
 *
 * Owns what has come back of one call until the call is done; then the answer goes out as one JSON
 * value. Goes through dispatch like every other call, so limits, deadlines and counts hold for it
 * too. Fails with an error of the registry, or with an outcome. */
#include "admin/trial.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/member.h"
#include "observe/errors.h"
#include "proto/wire.h"

struct trial {
	struct reply *reply;
	struct dispatch_call *call;
	enum manifest_codec codec;
	bool is_stream; /* of messages; otherwise one comes */
	size_t answer_bytes;
	struct buf message; /* the pieces of the one that is coming */
	json_t *messages;   /* base64 */
	json_t *metadata;   /* pairs */
};

static void trial_free(struct trial *trial)
{
	json_decref(trial->messages);
	json_decref(trial->metadata);
	buf_deinit(&trial->message);
	free(trial);
}

/* ---- what comes back ---- */

static void end_message(struct trial *trial)
{
	struct buf text = {0};
	struct str whole;

	base64_put(&text, buf_front(&trial->message), buf_len(&trial->message));
	whole = (struct str){(const char *)buf_front(&text), buf_len(&text)};
	json_array_append_new(trial->messages, text_json(whole));
	buf_deinit(&text);
	buf_consume(&trial->message, buf_len(&trial->message));
}

static bool is_too_long(const struct trial *trial)
{
	return trial->answer_bytes > TRIAL_MAX_ANSWER_BYTES;
}

/* The end of a stream may come alone, without a message; the end of a unary answer is its message,
 * empty or not. */
static void take_piece(struct trial *trial, struct wire_bytes payload, bool more, bool end)
{
	bool is_bare_end =
		trial->is_stream && end && payload.len == 0 && buf_len(&trial->message) == 0;

	trial->answer_bytes += payload.len;
	if (is_too_long(trial))
		return;
	buf_append(&trial->message, payload.data, payload.len);
	if (!more && !is_bare_end)
		end_message(trial);
}

static void take_metadata(struct trial *trial, struct wire_bytes pairs)
{
	struct wire_bytes name;
	struct wire_bytes value;

	while (wire_next_pair(&pairs, WIRE_RESPONSE_METADATA_FIELD, &name, &value)) {
		json_t *pair = json_object();

		member_str(pair, "name", (struct str){(const char *)name.data, name.len});
		member_str(pair, "value", (struct str){(const char *)value.data, value.len});
		json_array_append_new(trial->metadata, pair);
	}
}

static void fail_too_long(struct trial *trial)
{
	struct err err;

	err_set(&err, ERR_ADMIN_REQUEST,
		"the answer is longer than %zu bytes; a client gets it whole",
		TRIAL_MAX_ANSWER_BYTES);
	reply_fail(trial->reply, &err);
	trial_free(trial);
}

/* When it is not over by itself: on_done does not follow. */
static void give_up_if_too_long(struct trial *trial, bool end)
{
	if (end || !is_too_long(trial))
		return;
	dispatch_cancel(trial->call, OUTCOME_RESOURCE_EXHAUSTED,
			STR_LITERAL("the answer is too long"));
	fail_too_long(trial);
}

static bool on_response(void *user, const struct wire_response *response)
{
	struct trial *trial = user;

	take_metadata(trial, response->metadata);
	take_piece(trial, response->payload, response->more, response->end);
	give_up_if_too_long(trial, response->end);
	return true;
}

static bool on_data(void *user, const struct wire_data *data)
{
	struct trial *trial = user;

	take_piece(trial, data->payload, data->more, data->end);
	give_up_if_too_long(trial, data->end);
	return true;
}

/* The whole request went with the start. */
static void on_writable(void *user)
{
}

static json_t *result_json(const struct trial *trial, const struct dispatch_result *result)
{
	const struct outcome_row *row = outcome_row(result->outcome);
	json_t *object = json_object();

	member_text(object, "outcome", row->name);
	member_int(object, "code", row->code);
	if (result->message.len > 0)
		member_str(object, "message", result->message);
	else
		member_text(object, "message", row->text);
	member_int(object, "retry_after_ms", result->retry_after_ms);
	member_text(object, "codec", manifest_codec_name(trial->codec));
	member_json(object, "messages", json_incref(trial->messages));
	member_json(object, "metadata", json_incref(trial->metadata));
	member_text(object, "instance", result->instance);
	member_int(object, "queue_us", result->queue_us);
	member_int(object, "plugin_us", result->plugin_us);
	return object;
}

static void on_done(void *user, const struct dispatch_result *result)
{
	struct trial *trial = user;

	if (is_too_long(trial)) {
		fail_too_long(trial);
		return;
	}
	reply_ok(trial->reply, result_json(trial, result));
	trial_free(trial);
}

static const struct dispatch_ops trial_ops = {on_response, on_data, on_writable, on_done};

static void on_left(void *user)
{
	struct trial *trial = user;

	dispatch_cancel(trial->call, OUTCOME_CANCELLED, STR_LITERAL("the operator left"));
	trial_free(trial);
}

/* ---- the command ---- */

static struct str arg_str(const json_t *args, const char *name)
{
	const json_t *value = json_object_get(args, name);

	return (struct str){json_string_value(value), json_string_length(value)};
}

static int take_payload(const json_t *args, const struct plugin_opts *plugin, struct buf *out,
			struct err *err)
{
	if (!base64_take(out, arg_str(args, "payload")))
		return err_set(err, ERR_ADMIN_REQUEST, "the argument \"payload\" is not base64");
	if (buf_len(out) > plugin->max_message_bytes)
		return err_set(err, ERR_ADMIN_REQUEST,
			       "the payload has %zu bytes; the plugin %s takes %" PRIu64,
			       buf_len(out), plugin->name, plugin->max_message_bytes);
	return 0;
}

static struct answered start(struct office *office, const struct service_method *found,
			     const struct dispatch_opts *opts, struct reply *reply)
{
	struct trial *trial = mem_new(struct trial);
	struct answered proof = reply_later(reply, on_left, trial);
	struct dispatch_call *call;

	trial->reply = reply;
	trial->codec = found->method->codec;
	trial->is_stream = found->method->server_streams;
	trial->messages = json_array();
	trial->metadata = json_array();
	call = dispatch_start(office->dispatch, opts, &trial_ops, trial);
	if (call)
		trial->call = call; /* otherwise it is done, and the trial gone */
	return proof;
}

struct answered trial_run(struct office *office, const json_t *args, struct reply *reply)
{
	int64_t timeout_ms = json_integer_value(json_object_get(args, "timeout_ms"));
	struct wire_request request = {.end = true};
	struct service_method found;
	struct buf payload = {0};
	struct answered proof;
	struct err err;

	if (registry_find(office->registry, arg_str(args, "service"), arg_str(args, "method"),
			  &found, &err) < 0 ||
	    take_payload(args, found.target->plugin, &payload, &err) < 0) {
		buf_deinit(&payload);
		return reply_fail(reply, &err);
	}
	request.method = found.method->number;
	request.payload = (struct wire_bytes){buf_front(&payload), buf_len(&payload)};
	proof = start(
		office, &found,
		&(struct dispatch_opts){.target = found.target,
					.timeout_ms = timeout_ms ? timeout_ms
								 : found.target->plugin->timeout_ms,
					.request = &request,
					.manifest = found.manifest,
					.meter = found.meter},
		reply);
	buf_deinit(&payload);
	return proof;
}
