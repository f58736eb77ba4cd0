/* A plugin that keeps bytes in memory and hands them over, and a host's words about states. See
 * sdk_keeper.h. */
#include "sdk_keeper.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk/sha256.h"

static struct {
	char bytes[100000];
	size_t len;
	bool started;
} kept;

/* Keeps as many bytes as the request says, in a pattern. */
static struct plug_answer keep(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);
	char text[16] = "";

	snprintf(text, sizeof(text), "%.*s", (int)in.len, (const char *)in.data);
	kept.len = strtoul(text, NULL, 10);
	for (size_t i = 0; i < kept.len; i++)
		kept.bytes[i] = (char)('a' + i % 23);
	return plug_reply(call, "", 0);
}

static struct plug_answer tell_kept(struct plug_call *call)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu %.3s", kept.len, kept.len > 0 ? kept.bytes : "");
	return plug_reply(call, text, strlen(text));
}

static void hold_on_end(struct plug_call *call, void *state)
{
	(void)state;
	plug_finish(call);
}

static struct plug_answer hold(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {.on_end = hold_on_end};

	return plug_stream(call, &ops, NULL);
}

/* In pieces of uneven sizes. */
static struct plug_verdict write_all(struct plug *plug, struct plug_state_writer *writer)
{
	size_t step = 1;

	(void)plug;
	for (size_t at = 0; at < kept.len; at += step) {
		step = step < kept.len - at ? step * 3 % 20011 + 1 : 1;
		if (step > kept.len - at)
			step = kept.len - at;
		(void)plug_state_write(writer, kept.bytes + at, step);
	}
	return plug_ok();
}

static struct plug_verdict read_all(struct plug *plug, struct plug_state *state)
{
	struct plug_bytes bytes = plug_state_bytes(state);

	if (kept.started || plug_config(plug) == NULL)
		return plug_refuse("too late, or too early");
	if (bytes.len > 0 && *(const char *)bytes.data == 'X')
		return plug_refuse("%s does not like it", plug_name(plug));
	memcpy(kept.bytes, bytes.data, bytes.len);
	kept.len = bytes.len;
	return plug_ok();
}

static struct plug_verdict refuse_to_write(struct plug *plug, struct plug_state_writer *writer)
{
	(void)plug;
	(void)plug_state_write(writer, "some", 4);
	return plug_refuse("the table is locked");
}

/* {len: n} */
static struct plug_verdict read_value(struct plug *plug, struct plug_state *state)
{
	const struct plug_value *value = plug_state_value(state);

	(void)plug;
	if (value == NULL || value != plug_state_value(state))
		return plug_refuse("this is no MessagePack");
	kept.len = (size_t)plug_value_int(value, "len", 0);
	return plug_ok();
}

static struct plug_verdict start(struct plug *plug)
{
	(void)plug;
	kept.started = true;
	return plug_ok();
}

static const struct plug_method methods[] = {
	{.name = "Keep", .handler = keep, .codec = PLUG_BYTES},
	{.name = "Kept", .handler = tell_kept, .codec = PLUG_BYTES},
	{.name = "Hold", .handler = hold, .codec = PLUG_BYTES, .client_streams = true},
};
const struct plug_service keeper_services[1] = {
	{.name = "test.v1.State", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_state_format formats[] = {
	{.version = FORMAT_NEW, .on_export = write_all, .on_import = read_all},
	{.version = FORMAT_OLD, .on_import = read_all},
	{.version = FORMAT_LOCKED, .on_export = refuse_to_write},
	{.version = FORMAT_VALUE, .on_import = read_value},
};
const struct plug_plugin keeper = {
	.name = "keeper",
	.version = "1.0.0",
	PLUG_SERVICES(keeper_services),
	PLUG_STATE(formats),
	.limits = {.max_state_bytes = KEEPER_STATE_MAX, .channel_window_bytes = KEEPER_STATE_MAX},
	.on_start = start,
};
const char *const keeper_features[] = {"unknown-frames", "state", NULL};
const struct host_hello keeper_hello = {.features = keeper_features};

struct host *start_greeted(const struct plug_plugin *plugin)
{
	struct host *host = host_start(plugin);

	host_say_hello(host, &keeper_hello);
	host_hear(host, WIRE_WELCOME);
	return host;
}

struct host *start_serving(const struct host_hello *hello)
{
	struct host *host = host_start(&keeper);

	host_greet(host, hello);
	return host;
}

void say_start(struct host *host)
{
	host_say(host, WIRE_START, plugd_v1_Start_fields, &(plugd_v1_Start){0});
}

void say_export(struct host *host, uint32_t format)
{
	host_say(host, WIRE_EXPORT, plugd_v1_Export_fields, &(plugd_v1_Export){format});
}

void say_import(struct host *host, uint32_t format)
{
	host_say(host, WIRE_IMPORT, plugd_v1_Import_fields, &(plugd_v1_Import){format});
}

void say_state(struct host *host, const void *data, size_t len)
{
	struct grow frame = {0};
	uint8_t *out = grow_reserve(&frame, WIRE_STATE_HEAD_BOUND + len);
	size_t head = wire_put_state_head(out, len);

	memcpy(out + head, data, len);
	host_say_bytes(host, out, head + len);
	grow_deinit(&frame);
}

void say_end(struct host *host, const void *data, size_t len, const char *error)
{
	plugd_v1_StateEnd end = plugd_v1_StateEnd_init_zero;
	struct sha256 sha;

	sha256_init(&sha);
	sha256_add(&sha, data, len);
	sha256_end(&sha, end.sha256.bytes);
	end.sha256.size = SHA256_BYTES;
	end.total_bytes = len;
	proto_set_string(&end.error, error);
	host_say(host, WIRE_STATE_END, plugd_v1_StateEnd_fields, &end);
}

char *hear_imported(struct host *host)
{
	plugd_v1_Imported imported = plugd_v1_Imported_init_zero;
	char *error = NULL;

	proto_get_string(&imported.error, &error);
	assert_true(
		proto_read(host_hear(host, WIRE_IMPORTED), plugd_v1_Imported_fields, &imported));
	return error;
}

static char *end_error(struct wire_bytes body, plugd_v1_StateEnd *end_out)
{
	char *error = NULL;

	*end_out = (plugd_v1_StateEnd)plugd_v1_StateEnd_init_zero;
	proto_get_string(&end_out->error, &error);
	assert_true(proto_read(body, plugd_v1_StateEnd_fields, end_out));
	return error;
}

void hear_end_with(struct host *host, const char *words)
{
	plugd_v1_StateEnd end;
	char *error = end_error(host_hear(host, WIRE_STATE_END), &end);

	assert_non_null(error);
	if (strstr(error, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, error);
	assert_int_equal(end.total_bytes, 0);
	assert_int_equal(end.sha256.size, 0);
	free(error);
}

void hear_pieces(struct host *host, size_t from, size_t len, size_t chunk)
{
	size_t until = from + len;

	while (from < until) {
		struct wire_bytes piece;
		const char *why;

		assert_true(wire_get_state(host_hear(host, WIRE_STATE), &piece, &why));
		assert_in_range(piece.len, 1, chunk);
		assert_true(piece.len <= until - from);
		for (size_t i = 0; i < piece.len; i++)
			assert_int_equal(piece.data[i], 'a' + (from + i) % 23);
		from += piece.len;
	}
}

void hear_good_end(struct host *host, size_t len)
{
	plugd_v1_StateEnd end;
	uint8_t digest[SHA256_BYTES];
	struct sha256 sha;

	assert_null(end_error(host_hear(host, WIRE_STATE_END), &end));
	assert_int_equal(end.total_bytes, len);
	sha256_init(&sha);
	for (size_t i = 0; i < len; i++)
		sha256_add(&sha, &(char){(char)('a' + i % 23)}, 1);
	sha256_end(&sha, digest);
	assert_int_equal(end.sha256.size, SHA256_BYTES);
	assert_memory_equal(end.sha256.bytes, digest, SHA256_BYTES);
}
