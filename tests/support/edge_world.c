/* See edge_world.h. The functions of dispatch that the bridge calls are taken over when the test is
 * linked (--wrap); they keep dispatch's promises and hold the bridge to what it asks in return. */
#include "tests/support/edge_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "identity/identity.h"
#include "net/http1.h"

/* ---- the plugin ---- */

/* What the edge takes for its dispatcher. */
struct dispatch {
	struct edge_world *world;
};

struct dispatch_call {
	struct edge_world *world;
	const struct dispatch_ops *ops;
	void *user;
	bool is_running;
	bool is_writable;
	bool has_ended;	    /* the caller's side */
	bool is_ending;	    /* what the plugin says is its last word */
	struct str refusal; /* of that word; empty: it is good */
};

static const char *flags_of(bool more, bool end)
{
	assert_false(more && end);
	return more ? "+" : end ? "!" : "";
}

/* proto/plugd.proto has the rule when an empty payload is a message. */
static void note_payload(struct edge_world *world, struct wire_bytes payload, bool more, bool end,
			 bool first)
{
	buf_append(&world->payload, payload.data, payload.len);
	buf_append(&world->messages, payload.data, payload.len);
	if (!more && (payload.len > 0 || !(end || first)))
		buf_append(&world->messages, "|", 1);
	if (end)
		buf_append(&world->messages, ".", 1);
}

static void set_bytes(struct buf *buf, struct wire_bytes bytes)
{
	buf_deinit(buf);
	buf_append(buf, bytes.data, bytes.len);
}

/* The call is over, and the caller hears of it. */
static void complete(struct edge_world *world, struct dispatch_result result)
{
	struct dispatch_call *call = world->call;

	assert_non_null(call);
	world->call = NULL;
	result.queue_us = 11;
	result.plugin_us = 22;
	call->ops->on_done(call->user, &result);
	free(call);
}

struct dispatch_call *__wrap_dispatch_start(struct dispatch *dispatch,
					    const struct dispatch_opts *opts,
					    const struct dispatch_ops *ops, void *user);
bool __wrap_dispatch_is_writable(const struct dispatch_call *call);
bool __wrap_dispatch_is_running(const struct dispatch_call *call);
void __wrap_dispatch_send(struct dispatch_call *call, struct wire_bytes payload, bool more,
			  bool end);
void __wrap_dispatch_consumed(struct dispatch_call *call, uint32_t bytes);
void __wrap_dispatch_cancel(struct dispatch_call *call, enum outcome outcome, struct str reason);
void __wrap_dispatch_refuse_answer(struct dispatch_call *call, struct str why);
void __wrap_dispatch_spent(const struct dispatch_call *call, int64_t *queue_us_out,
			   int64_t *plugin_us_out);

struct dispatch_call *__wrap_dispatch_start(struct dispatch *dispatch,
					    const struct dispatch_opts *opts,
					    const struct dispatch_ops *ops, void *user)
{
	struct edge_world *world = dispatch->world;
	const struct wire_request *request = opts->request;
	struct dispatch_call *call = mem_new(struct dispatch_call);

	assert_null(world->call);
	assert_ptr_equal(opts->target, &world->target);
	*call = (struct dispatch_call){.world = world,
				       .ops = ops,
				       .user = user,
				       .is_running = !world->call_waits,
				       .is_writable = !world->call_waits && !world->call_is_full,
				       .has_ended = request->end};
	world->call = call;
	world->asked = *request;
	world->timeout_ms = opts->timeout_ms;
	buf_deinit(&world->payload);
	buf_deinit(&world->messages);
	note_payload(world, request->payload, request->more, request->end, true);
	set_bytes(&world->metadata, request->metadata);
	set_bytes(&world->trace_parent, request->trace_parent);
	set_bytes(&world->trace_state, request->trace_state);
	buf_printf(&world->heard, "call(%zu)%s ", request->payload.len,
		   flags_of(request->more, request->end));
	if (world->refuse != OUTCOME_OK)
		complete(world, (struct dispatch_result){.outcome = world->refuse});
	return world->call;
}

bool __wrap_dispatch_is_writable(const struct dispatch_call *call)
{
	assert_ptr_equal(call, call->world->call);
	return call->is_writable;
}

bool __wrap_dispatch_is_running(const struct dispatch_call *call)
{
	assert_ptr_equal(call, call->world->call);
	return call->is_running;
}

void __wrap_dispatch_send(struct dispatch_call *call, struct wire_bytes payload, bool more,
			  bool end)
{
	assert_ptr_equal(call, call->world->call);
	assert_true(call->is_running);
	assert_false(call->has_ended);
	call->has_ended = end;
	call->is_writable = !call->world->fills_up;
	note_payload(call->world, payload, more, end, false);
	buf_printf(&call->world->heard, "send(%zu)%s ", payload.len, flags_of(more, end));
}

void __wrap_dispatch_consumed(struct dispatch_call *call, uint32_t bytes)
{
	assert_ptr_equal(call, call->world->call);
	buf_printf(&call->world->heard, "consumed(%u) ", bytes);
}

void __wrap_dispatch_cancel(struct dispatch_call *call, enum outcome outcome, struct str reason)
{
	assert_ptr_equal(call, call->world->call);
	assert_true(reason.len > 0);
	buf_printf(&call->world->heard, "cancel(%s) ", outcome_row(outcome)->name);
	call->world->call = NULL;
	free(call);
}

void __wrap_dispatch_spent(const struct dispatch_call *call, int64_t *queue_us_out,
			   int64_t *plugin_us_out)
{
	assert_ptr_equal(call, call->world->call);
	*queue_us_out = 11;
	*plugin_us_out = 22;
}

void __wrap_dispatch_refuse_answer(struct dispatch_call *call, struct str why)
{
	assert_true(call->is_ending && why.len > 0);
	buf_printf(&call->world->heard, "refused ");
	call->refusal = why;
}

/* In on_response and on_data with `end` the answer may be refused, and that is all: the call is
 * over after them. */
static struct dispatch_call *take_out(struct edge_world *world, bool end)
{
	struct dispatch_call *call = world->call;

	assert_non_null(call);
	assert_true(call->is_running);
	call->is_ending = end;
	if (end)
		world->call = NULL;
	return call;
}

static void put_back_and_complete(struct edge_world *world, struct dispatch_call *call,
				  struct dispatch_result result)
{
	world->call = call;
	if (call->refusal.len > 0)
		result = (struct dispatch_result){.outcome = OUTCOME_BAD_ANSWER,
						  .message = call->refusal};
	complete(world, result);
}

bool plugin_responds(struct edge_world *world, const struct wire_response *response)
{
	struct dispatch_call *call = take_out(world, response->end);
	bool consumed = true;

	if (response->code == 0)
		consumed = call->ops->on_response(call->user, response);
	if (response->end)
		put_back_and_complete(
			world, call,
			(struct dispatch_result){.outcome = outcome_from_code(response->code)});
	return consumed;
}

bool plugin_answers(struct edge_world *world, struct wire_bytes payload, bool end)
{
	return plugin_responds(world, &(struct wire_response){.payload = payload, .end = end});
}

bool plugin_sends(struct edge_world *world, struct wire_bytes payload, bool more, bool end)
{
	struct wire_data data = {.payload = payload, .more = more, .end = end};
	struct dispatch_call *call = take_out(world, end);
	bool consumed = call->ops->on_data(call->user, &data);

	if (end)
		put_back_and_complete(world, call, (struct dispatch_result){.outcome = OUTCOME_OK});
	return consumed;
}

void plugin_fails(struct edge_world *world, enum outcome outcome, const char *message,
		  uint32_t retry_after_ms)
{
	complete(world, (struct dispatch_result){.outcome = outcome,
						 .message = str_from(message),
						 .retry_after_ms = retry_after_ms});
}

void plugin_takes_more(struct edge_world *world, bool is_writable)
{
	assert_non_null(world->call);
	world->call->is_running = true;
	world->call->is_writable = is_writable;
	if (is_writable)
		world->call->ops->on_writable(world->call->user);
}

struct wire_bytes http_message(uint32_t status, const char *fields, const char *body)
{
	static uint8_t pairs[2000], out[4000];
	struct wire_http_response message = {.status = status, .body = wire_text(body)};
	size_t pairs_len = 0, len;

	while (*fields) {
		const char *colon = strchr(fields, ':');
		const char *end = strchr(fields, '\n');
		struct wire_bytes name = {(const uint8_t *)fields, (size_t)(colon - fields)};
		struct wire_bytes value = {(const uint8_t *)colon + 2, (size_t)(end - colon) - 2};

		pairs_len += wire_put_pair(pairs + pairs_len, WIRE_HTTP_RESPONSE_HEADERS_FIELD,
					   name, value);
		fields = end + 1;
	}
	message.headers = (struct wire_bytes){pairs, pairs_len};
	assert_true(wire_http_response_head_bound(&message) + strlen(body) <= sizeof(out));
	len = wire_put_http_response_head(out, &message);
	memcpy(out + len, body, strlen(body));
	return (struct wire_bytes){out, len + strlen(body)};
}

struct wire_http_request asked_http(const struct edge_world *world)
{
	struct wire_http_request request;
	const char *why;

	assert_true(wire_get_http_request(
		(struct wire_bytes){buf_front(&world->payload), buf_len(&world->payload)}, &request,
		&why));
	return request;
}

/* ---- the client ---- */

static struct edge_world *world_of(const struct http_stream *stream)
{
	return (struct edge_world *)((char *)(uintptr_t)stream -
				     offsetof(struct edge_world, stream));
}

static void stream_send(struct http_stream *stream, const void *data, size_t len, bool end)
{
	struct edge_world *world = world_of(stream);

	assert_true(world->is_open && world->is_answered && !world->is_ended);
	world->is_ended = end;
	buf_append(&world->body, data, len);
	buf_printf(&world->client, "send(%zu)%s ", len, end ? "!" : "");
}

static void stream_respond(struct http_stream *stream, const struct http_response *response,
			   const void *body, size_t len, bool end)
{
	struct edge_world *world = world_of(stream);

	assert_true(world->is_open && !world->is_answered);
	world->is_answered = true;
	world->is_ended = end;
	for (size_t i = 0; i < response->field_count; i++)
		buf_printf(&world->fields, "%.*s: %.*s\n", STR_ARG(response->fields[i].name),
			   STR_ARG(response->fields[i].value));
	if (response->has_content_length)
		buf_printf(&world->fields, "(length %llu)\n",
			   (unsigned long long)response->content_length);
	buf_append(&world->body, body, len);
	buf_printf(&world->client, "answer(%u,%zu)%s ", response->status, len, end ? "!" : "");
}

static size_t stream_room(const struct http_stream *stream)
{
	return world_of(stream)->room;
}

static void stream_abort(struct http_stream *stream)
{
	assert_true(world_of(stream)->is_open);
	buf_printf(&world_of(stream)->client, "abort ");
}

/* A wish that was there already is no news, nor is one after the end of the answer. */
static void stream_want_body(struct http_stream *stream, bool want)
{
	struct edge_world *world = world_of(stream);

	assert_true(world->is_open);
	if (world->wants_body != want && !world->is_ended)
		buf_printf(&world->client, want ? "want " : "hold ");
	world->wants_body = want;
}

static const struct http_stream_ops stream_ops = {stream_respond, stream_send, stream_room,
						  stream_abort, stream_want_body};

void client_asks(struct edge_world *world, const char *line, const char *fields)
{
	struct http1 parser = {
		.limits = {.header_bytes = 8000, .header_count = 100, .uri_bytes = 8000}};
	struct http1_event event;
	char text[4000];

	assert_false(world->is_open);
	assert_true(ip_parse(STR_LITERAL("192.0.2.7"), &world->ip));
	snprintf(text, sizeof(text), "%s HTTP/1.1\r\nhost: example.com\r\n%s\r\n", line, fields);
	world->request = (struct http_request){.arena = &world->arena,
					       .peer = STR_LITERAL("192.0.2.7:52311"),
					       .ip = &world->ip,
					       .scheme = STR_LITERAL("http")};
	event = http1_next(&parser, (const uint8_t *)text, strlen(text), &world->request);
	assert_int_equal(event.what, HTTP1_REQUEST);
	world->is_open = true;
	world->is_answered = world->is_ended = world->wants_body = false;
	buf_deinit(&world->fields);
	buf_deinit(&world->body);
	edge_upcalls.on_request(world->edge, &world->stream, &world->request);
}

void client_begins(struct edge_world *world)
{
	client_asks(world, "GET /raw", "");
	plugin_hears_call(world, "!");
}

void client_sends_bytes(struct edge_world *world, const void *data, size_t len)
{
	uint8_t *copy = mem_alloc(len ? len : 1);

	/* Where they are read from is not there any more when they have been handed over. */
	memcpy(copy, data, len);
	assert_true(world->is_open && world->wants_body);
	edge_upcalls.on_body(world->stream.user, copy, len);
	free(copy);
}

void client_sends(struct edge_world *world, const char *text)
{
	client_sends_bytes(world, text, strlen(text));
}

void client_ends_body(struct edge_world *world)
{
	assert_true(world->is_open);
	edge_upcalls.on_body_end(world->stream.user);
}

void client_takes(struct edge_world *world, size_t room)
{
	assert_true(world->is_open);
	world->room = room;
	edge_upcalls.on_writable(world->stream.user);
}

void client_closes(struct edge_world *world, enum http_closed how)
{
	assert_true(world->is_open);
	edge_upcalls.on_closed(world->stream.user, how);
	world->is_open = false;
	arena_reset(&world->arena);
	assert_int_equal(edge_open_count(world->edge), 0);
}

static void assert_part(const struct buf *buf, const char *part, bool is_there)
{
	const uint8_t *data = buf_front(buf);
	bool found = data && memmem(data, buf_len(buf), part, strlen(part)) != NULL;

	if (found != is_there)
		fail_msg("'%s' %s in: %.*s", part, is_there ? "is not" : "is", (int)buf_len(buf),
			 (const char *)data);
}

void assert_answer(const struct edge_world *world, const char *body)
{
	assert_str((struct str){(char *)buf_front(&world->body), buf_len(&world->body)}, body);
}

void assert_answer_has(const struct edge_world *world, const char *part)
{
	assert_part(&world->body, part, true);
}

void assert_answer_field(const struct edge_world *world, const char *line)
{
	char text[200];

	snprintf(text, sizeof(text), "%s\n", line);
	assert_part(&world->fields, text, true);
}

void assert_no_answer_field(const struct edge_world *world, const char *name)
{
	assert_part(&world->fields, name, false);
}

/* ---- the world ---- */

static void expect(struct buf *heard, const char *text)
{
	buf_append(heard, "", 1);
	assert_string_equal((char *)buf_front(heard), text);
	buf_consume(heard, buf_len(heard));
}

void client_hears(struct edge_world *world, const char *text)
{
	expect(&world->client, text);
}

void plugin_hears(struct edge_world *world, const char *text)
{
	expect(&world->heard, text);
}

void plugin_hears_call(struct edge_world *world, const char *flags)
{
	char text[40];

	snprintf(text, sizeof(text), "call(%zu)%s ", buf_len(&world->payload), flags);
	plugin_hears(world, text);
}

void client_hears_error(struct edge_world *world, const char *before, unsigned status,
			const char *code)
{
	char text[200];

	snprintf(text, sizeof(text), "%sanswer(%u,%zu)! ", before, status, buf_len(&world->body));
	client_hears(world, text);
	snprintf(text, sizeof(text), "{\"code\":\"%s\",\"message\":\"", code);
	assert_answer_has(world, text);
	assert_answer_field(world, "content-type: application/json");
}

const char *world_log(const struct edge_world *world)
{
	static char text[8000];
	ssize_t len = pread(world->log_fd, text, sizeof(text) - 1, 0);

	assert_true(len >= 0);
	text[len] = '\0';
	return text;
}

static const struct manifest_method http_methods[] = {{.number = HANDLE_NUMBER,
						       .name = "Handle",
						       .client_streams = true,
						       .server_streams = true}};
static const struct manifest_method rpc_methods[] = {
	{.number = 1, .name = "Say", .codec = CODEC_BYTES},
	{.number = 2, .name = "Feed", .codec = CODEC_JSON, .client_streams = true},
	{.number = 3, .name = "Tail", .codec = CODEC_JSON, .server_streams = true},
	{.number = 4,
	 .name = "Talk",
	 .codec = CODEC_BYTES,
	 .client_streams = true,
	 .server_streams = true},
};
static const struct manifest_service services[] = {
	{WIRE_HTTP_SERVICE, "1.0.0", http_methods, COUNT_OF(http_methods)},
	{"puppet.v1.Puppet", "1.0.0", rpc_methods, COUNT_OF(rpc_methods)}};
static struct manifest manifest = {.services = services, .service_count = 2, .holders = 1};

#define PLUGIN .plugin = (char *)"puppet"

static char *only_get[] = {(char *)"GET", NULL};
static struct route_opts routes[] = {
	{.path = (char *)"/files/:name/*rest", PLUGIN},
	{.path = (char *)"/raw", PLUGIN},
	{.path = (char *)"/small", PLUGIN, .body_bytes = SMALL_BODY},
	{.path = (char *)"/slow", PLUGIN, .timeout_ms = SLOW_TIME},
	{.path = (char *)"/get", PLUGIN, .methods = only_get},
	{.path = (char *)"/say", PLUGIN, .rpc = (char *)"puppet.v1.Puppet/Say"},
	{.path = (char *)"/none", PLUGIN, .rpc = (char *)"puppet.v1.Puppet/None"},
};

static void on_routes_gone(void *user)
{
	((struct edge_world *)user)->routes_gone++;
}

struct edge_routes *edge_world_routes(struct edge_world *world)
{
	struct err err;
	struct edge_routes *made =
		edge_routes_new(&(struct edge_routes_opts){.opts = &world->opts,
							   .targets = world->targets,
							   .target_count = 1,
							   .on_gone = on_routes_gone,
							   .user = world},
				&err);

	if (!made)
		fail_msg("%s", err.text);
	return made;
}

int edge_world_setup(void **state)
{
	struct edge_world *world = mem_new(struct edge_world);
	struct dispatch *dispatch = mem_new(struct dispatch);
	struct err err;

	*dispatch = (struct dispatch){world};
	world->loop = loop_new();
	world->log_fd = memfd_create("log", MFD_CLOEXEC);
	world->log = log_new(&(struct log_opts){.fd = world->log_fd, .level = LOG_INFO});
	world->registry = registry_new();
	world->metrics = metrics_new(METRIC_MAX_SERIES);
	world->plugin = (struct plugin_opts){.name = (char *)"puppet",
					     .enabled = true,
					     .expose = true,
					     .timeout_ms = PLUGIN_TIME,
					     .max_message_bytes = MAX_MESSAGE};
	target_init(&world->target, &world->plugin);
	world->targets[0] = &world->target;
	world->opts = (struct edge_opts){.routes = routes,
					 .route_count = COUNT_OF(routes),
					 .body_bytes = EDGE_BODY,
					 .access_log = true};
	world->identity = identity_new(world->loop, world->log);
	world->edge = edge_new(&(struct edge_setup){.loop = world->loop,
						    .log = world->log,
						    .dispatch = dispatch,
						    .registry = world->registry,
						    .version = "test",
						    .metrics = world->metrics,
						    .identity = world->identity,
						    .routes = edge_world_routes(world)});
	assert_int_equal(registry_provide(world->registry, &world->target, &manifest, &err), 0);
	world->stream.ops = &stream_ops;
	world->room = 1000000;
	world->dispatch = dispatch;
	*state = world;
	return 0;
}

int edge_world_teardown(void **state)
{
	struct edge_world *world = *state;
	struct buf *bufs[] = {&world->client,	&world->fields,	      &world->body,
			      &world->heard,	&world->payload,      &world->messages,
			      &world->metadata, &world->trace_parent, &world->trace_state};

	assert_false(world->is_open);
	assert_null(world->call);
	client_hears(world, "");
	plugin_hears(world, "");
	edge_free(world->edge);
	identity_free(world->identity);
	registry_free(world->registry);
	metrics_free(world->metrics);
	log_free(world->log);
	close(world->log_fd);
	loop_free(world->loop);
	arena_deinit(&world->arena);
	for (size_t i = 0; i < COUNT_OF(bufs); i++)
		buf_deinit(bufs[i]);
	free(world->dispatch);
	free(world);
	return 0;
}
