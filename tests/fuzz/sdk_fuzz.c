/* Whatever a host says, a plugin on libplug neither crashes nor hangs: the bytes follow a proper
 * greeting (and START, unless they begin with IMPORT), on the stdin of a plug_serve() in this
 * process. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "proto/wire.h"
#include "sdk/plug.h"

#define PIPE_BYTES (1 << 20)

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	(void)plug_metadata(call, "name");
	return plug_reply(call, in.data, in.len);
}

static struct plug_answer value(struct plug_call *call)
{
	const struct plug_value *in = plug_request_value(call);

	return plug_http_text(call, 200, "%s %zu", plug_value_string(in, "a.0.b", ""),
			      plug_value_count(in, NULL));
}

static void on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	(void)state;
	(void)plug_send(call, data, len);
	if (len % 7 == 0)
		plug_pause(call);
}

static void on_end(struct plug_call *call, void *state)
{
	(void)state;
	plug_finish(call);
}

static void on_writable(struct plug_call *call, void *state)
{
	(void)state;
	plug_resume(call);
}

static struct plug_answer stream(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {
		.on_message = on_message,
		.on_end = on_end,
		.on_writable = on_writable,
	};

	return plug_stream(call, &ops, NULL);
}

static struct plug_answer web(struct plug_call *call)
{
	size_t cursor = 0;
	const char *name;
	const char *text;

	while (plug_http_next_header(call, &cursor, &name, &text))
		plug_http_set(call, name, text);
	return plug_http_text(call, 200, "%s %s", plug_http_path(call),
			      plug_http_query_param(call, "q") != NULL ? "q" : "");
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES},
	{.name = "Stream",
	 .handler = stream,
	 .codec = PLUG_BYTES,
	 .client_streams = true,
	 .server_streams = true},
	{.name = "Value", .handler = value, .codec = PLUG_MSGPACK},
};
static const struct plug_service services[] = {
	{.name = "fuzz.v1.Fuzz", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_http_route routes[] = {
	{.pattern = "/a/:b", .handler = web},
	{.pattern = "/s", .handler = stream, .stream = true},
};
static struct plug_verdict on_config(struct plug *plug, const struct plug_value *config)
{
	(void)plug;
	return plug_value_count(config, NULL) > 0 ? plug_ok() : plug_refuse("nothing there");
}

/* Longer than a chunk, so that credit matters. */
static struct plug_verdict on_export(struct plug *plug, struct plug_state_writer *writer)
{
	static const char zeros[100000];

	(void)plug;
	(void)plug_state_write(writer, zeros, sizeof(zeros));
	return plug_ok();
}

static struct plug_verdict on_import(struct plug *plug, struct plug_state *state)
{
	const struct plug_value *value = plug_state_value(state);

	(void)plug;
	return plug_value_int(value, "a", 0) == 1 ? plug_ok() : plug_refuse("not 1");
}

static const struct plug_state_format formats[] = {
	{.version = 1, .on_export = on_export, .on_import = on_import},
};
static const struct plug_plugin fuzzed = {
	.name = "fuzzed",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_ROUTES(routes),
	PLUG_STATE(formats),
	.on_config = on_config,
	.limits = {.max_message_bytes = 4096, .max_calls = 8, .max_state_bytes = 4096},
};

/* Whether they begin with a frame of the kind IMPORT. */
static bool begins_with_import(const uint8_t *data, size_t size)
{
	return size >= 6 && data[4] == 0xb2 && data[5] == 0x01;
}

/* HELLO {versions: 1, features: "state"}, START {}. */
static void greet(int fd, bool start)
{
	static const uint8_t hello[] = {0, 0,  0, 12,  0x0a, 10,  0x0a, 1,
					1, 58, 5, 's', 't',  'a', 't',	'e'};
	static const uint8_t started[] = {0, 0, 0, 2, 0x1a, 0};

	(void)!write(fd, hello, sizeof(hello));
	if (start)
		(void)!write(fd, started, sizeof(started));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int saved[3];
	int pipes[2];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (size > PIPE_BYTES / 2 || pipe2(pipes, O_CLOEXEC) < 0)
		return 0;
	(void)fcntl(pipes[1], F_SETPIPE_SZ, PIPE_BYTES);
	greet(pipes[1], !begins_with_import(data, size));
	(void)!write(pipes[1], data, size);
	close(pipes[1]);
	for (int fd = 0; fd < 3; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		dup2(fd == 0 ? pipes[0] : null, fd);
	}
	(void)plug_serve(&fuzzed);
	for (int fd = 0; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
	close(pipes[0]);
	close(null);
	return 0;
}
