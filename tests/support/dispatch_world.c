/* See dispatch_world.h. Waiting is turning the loop; a guard of half a minute ends a test that
 * waits in vain. The puppet's end of the channel hangs in the same loop: it does the handshake by
 * itself, and writes down all else that the host says. */
#include "tests/support/dispatch_world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "plugin/handshake.h"
#include "proto/plugd.pb-c.h"
#include "trust/exec.h"

#define GUARD_MS 30000
#define HOUR_MS	 INT64_C(3600000)

/* ---- what the puppet says ---- */

/* The host's turns go on while the puppet takes it. */
static void string_write(struct dispatch_world *world, const void *data, size_t len)
{
	const uint8_t *at = data;

	assert_true(world->string >= 0);
	while (len > 0) {
		ssize_t n = send(world->string, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		assert_true(n > 0 || errno == EAGAIN);
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		if (len > 0)
			loop_turn(world->loop, false);
	}
}

static void string_write_message(struct dispatch_world *world, enum wire_kind kind,
				 const ProtobufCMessage *message)
{
	uint8_t out[1000];
	size_t len = protobuf_c_message_get_packed_size(message);
	size_t head = wire_put_frame_head(out, kind, len);

	assert_true(head + len <= sizeof(out));
	protobuf_c_message_pack(message, out + head);
	string_write(world, out, head + len);
}

static void greet(struct dispatch_world *world)
{
	Plugd__V1__Limits limits = PLUGD__V1__LIMITS__INIT;
	Plugd__V1__Method method = PLUGD__V1__METHOD__INIT;
	Plugd__V1__Method *methods[] = {&method};
	Plugd__V1__Service service = PLUGD__V1__SERVICE__INIT;
	Plugd__V1__Service *services[] = {&service};
	Plugd__V1__Manifest manifest = PLUGD__V1__MANIFEST__INIT;
	Plugd__V1__Welcome welcome = PLUGD__V1__WELCOME__INIT;

	limits.max_calls = world->max_calls;
	method.number = 1;
	method.name = (char *)"Do";
	method.codec = PLUGD__V1__CODEC__BYTES;
	service.name = (char *)"puppet.v1.Puppet";
	service.version = (char *)"1.0.0";
	service.n_methods = 1;
	service.methods = methods;
	manifest.n_provides = 1;
	manifest.provides = services;
	welcome.version = 1;
	welcome.plugin_name = (char *)"puppet";
	welcome.plugin_version = (char *)"1.0.0";
	welcome.limits = &limits;
	welcome.manifest = &manifest;
	string_write_message(world, WIRE_WELCOME, &welcome.base);
}

static uint32_t id_of(struct dispatch_world *world, char name)
{
	uint32_t id = world->asked[name - 'a'].id;

	assert_int_not_equal(id, 0);
	return id;
}

void plugin_responds(struct dispatch_world *world, char name, struct wire_response response)
{
	uint8_t *out;
	size_t head;

	response.id = id_of(world, name);
	out = mem_alloc(wire_response_head_bound(&response));
	head = wire_put_response_head(out, &response);
	string_write(world, out, head);
	string_write(world, response.payload.data, response.payload.len);
	free(out);
}

void plugin_replies(struct dispatch_world *world, char name, const char *payload)
{
	plugin_responds(world, name,
			(struct wire_response){.end = true, .payload = wire_text(payload)});
}

void plugin_sends(struct dispatch_world *world, char name, struct wire_bytes payload, bool end)
{
	struct wire_data data = {.id = id_of(world, name), .end = end, .payload = payload};
	uint8_t out[WIRE_DATA_HEAD_BOUND];

	string_write(world, out, wire_put_data_head(out, &data));
	string_write(world, payload.data, payload.len);
}

void plugin_cancels(struct dispatch_world *world, char name, uint32_t code, const char *reason)
{
	struct wire_cancel cancel = {id_of(world, name), code, wire_text(reason)};
	uint8_t out[WIRE_CANCEL_BOUND + 200];

	assert_true(cancel.reason.len <= 200);
	string_write(world, out, wire_put_cancel(out, &cancel));
}

void plugin_gives_credit(struct dispatch_world *world, char name, uint32_t bytes)
{
	struct wire_credit credit = {id_of(world, name), bytes};
	uint8_t out[WIRE_CREDIT_BOUND];

	string_write(world, out, wire_put_credit(out, &credit));
}

void plugin_dies(struct dispatch_world *world)
{
	assert_int_equal(kill(instance_pid(pool_slot(world->pool, 0)), SIGKILL), 0);
}

/* ---- what the puppet hears ---- */

static struct asked *asked_by_id(struct dispatch_world *world, uint32_t id)
{
	for (size_t i = 0; i < COUNT_OF(world->asked); i++) {
		if (world->asked[i].id == id)
			return &world->asked[i];
	}
	fail_msg("the host speaks of call %u, which it has not begun", id);
	return NULL;
}

static char name_of(struct dispatch_world *world, uint32_t id)
{
	return (char)('a' + (asked_by_id(world, id) - world->asked));
}

static void hear_request(struct dispatch_world *world, struct wire_bytes body)
{
	struct wire_request request;
	struct asked *asked;
	const char *why;

	assert_true(wire_get_request(body, &request, &why));
	assert_in_range(request.method, 'a', 'z');
	asked = &world->asked[request.method - 'a'];
	asked->id = request.id;
	asked->header = request;
	buf_deinit(&asked->payload);
	buf_append(&asked->payload, request.payload.data, request.payload.len);
	buf_deinit(&world->last_request);
	buf_append(&world->last_request, body.data, body.len);
	buf_printf(&world->said, "request %c(%zu%s%s) ", (char)request.method, request.payload.len,
		   request.more ? "+" : "", request.end ? "!" : "");
}

static void hear_data(struct dispatch_world *world, struct wire_bytes body)
{
	struct wire_data data;
	const char *why;

	assert_true(wire_get_data(body, &data, &why));
	buf_append(&asked_by_id(world, data.id)->payload, data.payload.data, data.payload.len);
	buf_printf(&world->said, "data %c(%zu%s%s) ", name_of(world, data.id), data.payload.len,
		   data.more ? "+" : "", data.end ? "!" : "");
}

static void hear_cancel(struct dispatch_world *world, struct wire_bytes body)
{
	struct wire_cancel cancel;
	const char *why;

	assert_true(wire_get_cancel(body, &cancel, &why));
	buf_printf(&world->said, "cancel %c(%u) ", name_of(world, cancel.id), cancel.code);
}

static void hear_credit(struct dispatch_world *world, struct wire_bytes body)
{
	struct wire_credit credit;
	const char *why;

	assert_true(wire_get_credit(body, &credit, &why));
	if (credit.id != 0)
		buf_printf(&world->said, "credit %c(%u) ", name_of(world, credit.id), credit.bytes);
}

static void hear(struct dispatch_world *world, const struct frame *frame)
{
	Plugd__V1__Ready ready = PLUGD__V1__READY__INIT;

	if (frame->kind == WIRE_HELLO)
		greet(world);
	else if (frame->kind == WIRE_START)
		string_write_message(world, WIRE_READY, &ready.base);
	else if (frame->kind == WIRE_REQUEST)
		hear_request(world, frame->body);
	else if (frame->kind == WIRE_DATA)
		hear_data(world, frame->body);
	else if (frame->kind == WIRE_CANCEL)
		hear_cancel(world, frame->body);
	else if (frame->kind == WIRE_CREDIT)
		hear_credit(world, frame->body);
	else
		fail_msg("the host said %s", frame_kind_name(frame->kind));
}

static void string_close(struct dispatch_world *world)
{
	if (world->string < 0)
		return;
	loop_io_want(&world->string_io, false, false);
	fd_close(&world->string);
	frame_reader_deinit(&world->from_host);
}

static void on_string(void *user, bool readable, bool writable)
{
	struct dispatch_world *world = user;
	struct frame frame;
	struct err err;
	size_t room;
	uint8_t *to = frame_reader_room(&world->from_host, &room);
	ssize_t n = recv(world->string, to, room, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		string_close(world);
		return;
	}
	frame_reader_filled(&world->from_host, (size_t)n);
	while (frame_reader_next(&world->from_host, &frame, &err) == FRAME_READY)
		hear(world, &frame);
}

/* A puppet, the first or one that was started again. */
static void on_puppet(void *user, bool readable, bool writable)
{
	struct dispatch_world *world = user;

	string_close(world);
	world->string = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(world->string >= 0);
	frame_reader_init(&world->from_host, WIRE_MAX_FRAME_BYTES);
	loop_io_init(&world->string_io, world->loop, world->string, on_string, world);
	loop_io_want(&world->string_io, true, false);
}

static void listen_for_puppets(struct dispatch_world *world)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(world->directory, "/tmp/plugd-dispatch-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->path, sizeof(world->path), "%s/string", world->directory);
	strcpy(address.sun_path, world->path);
	world->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(world->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(world->listener, 8), 0);
	loop_io_init(&world->listener_io, world->loop, world->listener, on_puppet, world);
	loop_io_want(&world->listener_io, true, false);
}

/* ---- the pool ---- */

static bool on_manifest(void *user, struct pool *pool, const struct manifest *manifest,
			struct err *err)
{
	return true;
}

static void on_change(void *user, struct pool *pool)
{
	struct dispatch_world *world = user;

	dispatch_wake(world->dispatch, &world->target);
}

static void on_call(void *user, struct pool *pool, struct instance *instance,
		    const struct manifest_requirement *requirement,
		    const struct wire_request *request)
{
	fail_msg("no plugin here calls the host");
}

static void on_drained(void *user, struct pool *pool)
{
}

static const struct pool_ops pool_ops = {.on_manifest = on_manifest,
					 .on_change = on_change,
					 .on_call = on_call,
					 .on_drained = on_drained};

/* It names the plugin's executable and nothing else. */
static struct whitelist *whitelist_for(const char *path)
{
	struct whitelist_problems problems = {NULL, 0, 0};
	struct whitelist *whitelist;
	struct exec_image *image;
	char digest[DIGEST_TEXT];
	char text[600];
	struct err err;

	if (exec_image_load_unpinned(path, &image, &err) < 0)
		fail_msg("%s", err.text);
	snprintf(text, sizeof(text), "version: 1\nplugins:\n  - {path: \"%s\", hash: \"%s\"}\n",
		 path, digest_format(digest, &image->file.digest));
	exec_image_release(image);
	assert_int_equal(whitelist_parse(str_from(text), "whitelist", &whitelist, &problems), 0);
	whitelist_problems_deinit(&problems);
	return whitelist;
}

void world_start_unready(struct dispatch_world *world)
{
	struct err err;

	world->whitelist = whitelist_for(world->plugin.executable);
	world->pool = pool_new(&(struct pool_opts){.loop = world->loop,
						   .spawner = world->spawner,
						   .plugin = &world->plugin,
						   .guard = &(struct guard){world->whitelist, NULL},
						   .host_version = "test",
						   .generation = 1,
						   .ops = &pool_ops,
						   .user = world});
	dispatch_init_target(&world->target, &world->plugin);
	world->target.pool = world->pool;
	if (pool_start(world->pool, &err) < 0)
		fail_msg("%s", err.text);
}

void world_start(struct dispatch_world *world)
{
	world_start_unready(world);
	world_wait_ready(world, world->plugin.instances);
}

static void on_tick(void *user)
{
}

int dispatch_world_setup(void **state)
{
	struct dispatch_world *world = mem_new(struct dispatch_world);
	struct err err;

	world->spawner = spawner_new(&(struct spawner_duty){0}, &err);
	if (!world->spawner)
		fail_msg("%s", err.text);
	world->loop = loop_new();
	world->dispatch = dispatch_new(world->loop);
	world->string = -1;
	loop_timer_init(&world->tick, world->loop, on_tick, world);
	listen_for_puppets(world);
	world->args[0] = world->path;
	world->plugin = (struct plugin_opts){.name = (char *)"puppet",
					     .executable = (char *)PUPPET,
					     .args = world->args,
					     .instances = 1,
					     .handshake_timeout_ms = HOUR_MS,
					     .drain_timeout_ms = HOUR_MS,
					     .concurrency = 100,
					     .queue = 100,
					     .queue_timeout_ms = HOUR_MS};
	*state = world;
	return 0;
}

static void world_free(struct dispatch_world *world)
{
	pool_free(world->pool);
	spawner_free(world->spawner);
	dispatch_free(world->dispatch);
	whitelist_free(world->whitelist);
	string_close(world);
	loop_io_want(&world->listener_io, false, false);
	fd_close(&world->listener);
	unlink(world->path);
	rmdir(world->directory);
	for (size_t i = 0; i < COUNT_OF(world->asked); i++)
		buf_deinit(&world->asked[i].payload);
	buf_deinit(&world->last_request);
	buf_deinit(&world->news);
	buf_deinit(&world->said);
	loop_timer_stop(&world->tick);
	loop_free(world->loop);
	free(world);
}

/* ---- waiting ---- */

void world_turn(struct dispatch_world *world, int64_t since_ms)
{
	if (loop_now_ms(world->loop) > since_ms + GUARD_MS)
		fail_msg("waited in vain; the news: %.*s; the host said: %.*s",
			 (int)buf_len(&world->news), (char *)buf_front(&world->news),
			 (int)buf_len(&world->said), (char *)buf_front(&world->said));
	/* What is waited for may come at the end of a turn, before it sleeps. */
	loop_timer_start(&world->tick, 1);
	loop_turn(world->loop, true);
}

void world_wait_ready(struct dispatch_world *world, unsigned count)
{
	int64_t since_ms = loop_now_ms(world->loop);

	while (pool_ready_count(world->pool) != count)
		world_turn(world, since_ms);
}

static void expect(struct dispatch_world *world, struct buf *heard, const char *text)
{
	int64_t since_ms = loop_now_ms(world->loop);

	while (buf_len(heard) < strlen(text))
		world_turn(world, since_ms);
	buf_append(heard, "", 1);
	assert_string_equal((char *)buf_front(heard), text);
	buf_consume(heard, buf_len(heard));
}

void world_expect_news(struct dispatch_world *world, const char *text)
{
	expect(world, &world->news, text);
}

void world_expect_said(struct dispatch_world *world, const char *text)
{
	expect(world, &world->said, text);
}

void plugin_wait_payload(struct dispatch_world *world, char name, size_t bytes)
{
	int64_t since_ms = loop_now_ms(world->loop);

	while (buf_len(&world->asked[name - 'a'].payload) < bytes)
		world_turn(world, since_ms);
}

/* What was on the way when it began has come when it is over: frames don't overtake each other. */
static void go_and_come_back(struct dispatch_world *world)
{
	struct caller caller = caller_new(world, 'z');
	int64_t since_ms = loop_now_ms(world->loop);

	world->asked['z' - 'a'].id = 0;
	assert_true(caller_asks(&caller, ""));
	while (world->asked['z' - 'a'].id == 0)
		world_turn(world, since_ms);
	plugin_replies(world, 'z', "");
	while (caller.call)
		world_turn(world, since_ms);
	caller_deinit(&caller);
}

void world_forget(struct dispatch_world *world)
{
	go_and_come_back(world);
	buf_deinit(&world->news);
	buf_deinit(&world->said);
}

int dispatch_world_teardown(void **state)
{
	struct dispatch_world *world = *state;
	bool is_puppet = world->string >= 0 && pool_ready_count(world->pool) > 0;

	assert_int_equal(dispatch_open_count(world->dispatch), 0);
	assert_int_equal(world->target.limit.running, 0);
	assert_int_equal(world->target.limit.waiting, 0);
	if (is_puppet)
		go_and_come_back(world);
	world_expect_said(world, is_puppet ? "request z(0!) " : "");
	world_expect_news(world, is_puppet ? "z:response(0)! z:done(OK) " : "");
	world_free(world);
	return 0;
}

/* ---- callers ---- */

static void refuse(const struct caller *caller, bool end)
{
	if (end && caller->refuses)
		dispatch_refuse_answer(caller->call, STR_LITERAL("it makes no sense"));
}

static bool on_response(void *user, const struct wire_response *response)
{
	struct caller *caller = user;

	buf_printf(&caller->world->news, "%c:response(%zu)%s ", caller->name, response->payload.len,
		   response->end ? "!" : "");
	buf_append(&caller->answer, response->payload.data, response->payload.len);
	buf_append(&caller->metadata, response->metadata.data, response->metadata.len);
	refuse(caller, response->end);
	return !caller->holds;
}

static bool on_data(void *user, const struct wire_data *data)
{
	struct caller *caller = user;

	buf_printf(&caller->world->news, "%c:data(%zu)%s ", caller->name, data->payload.len,
		   data->end ? "!" : "");
	buf_append(&caller->answer, data->payload.data, data->payload.len);
	refuse(caller, data->end);
	return !caller->holds;
}

static void on_writable(void *user)
{
	struct caller *caller = user;

	buf_printf(&caller->world->news, "%c:writable ", caller->name);
}

static void on_done(void *user, const struct dispatch_result *result)
{
	struct caller *caller = user;

	buf_printf(&caller->world->news, "%c:done(%s) ", caller->name,
		   outcome_row(result->outcome)->name);
	caller->call = NULL;
	caller->result = *result;
	buf_deinit(&caller->message);
	buf_append_str(&caller->message, result->message);
	buf_deinit(&caller->instance);
	buf_append_str(&caller->instance, str_from(result->instance));
	if (caller->then)
		caller->then(caller);
}

static const struct dispatch_ops caller_ops = {on_response, on_data, on_writable, on_done};

struct caller caller_new(struct dispatch_world *world, char name)
{
	return (struct caller){.world = world, .name = name};
}

void caller_deinit(struct caller *caller)
{
	assert_null(caller->call);
	buf_deinit(&caller->answer);
	buf_deinit(&caller->metadata);
	buf_deinit(&caller->message);
	buf_deinit(&caller->instance);
}

bool caller_start(struct caller *caller, const struct wire_request *request, int64_t timeout_ms)
{
	struct dispatch_world *world = caller->world;
	struct wire_request asks = *request;
	struct dispatch_opts opts = {
		.target = &world->target, .timeout_ms = timeout_ms, .request = &asks};

	if (asks.method == 0)
		asks.method = (uint32_t)caller->name;
	caller->call = dispatch_start(world->dispatch, &opts, &caller_ops, caller);
	return caller->call != NULL;
}

bool caller_asks(struct caller *caller, const char *payload)
{
	return caller_start(caller,
			    &(struct wire_request){.end = true, .payload = wire_text(payload)}, 0);
}

void caller_cancels(struct caller *caller, enum outcome outcome)
{
	dispatch_cancel(caller->call, outcome, STR_LITERAL("the caller has left"));
	caller->call = NULL;
}

void assert_result(const struct caller *caller, enum outcome outcome, const char *message)
{
	assert_int_equal(caller->result.outcome, outcome);
	assert_str((struct str){(char *)buf_front(&caller->message), buf_len(&caller->message)},
		   message);
}
