/* echo: gives back what it gets. The smallest plugin that shows all three doors: a unary method, a
 * streamed one, and raw HTTP. */
#include <plug.h>
#include <stdlib.h>
#include <string.h>

/* ---- unary: the request's bytes are the answer ---- */

static struct plug_answer say(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	return plug_reply(call, in.data, in.len);
}

/* ---- streamed, for RPC and for HTTP bodies alike ---- */

/* What could not be sent yet: at most one message, because the stream is paused as long as it is
 * there. */
struct echo {
	void *kept;
	size_t kept_len;
};

static void on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	struct echo *echo = state;

	if (plug_send(call, data, len) == 0)
		return;
	plug_pause(call);
	echo->kept = malloc(len ? len : 1);
	if (!echo->kept) {
		plug_abort(call, PLUG_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	memcpy(echo->kept, data, len);
	echo->kept_len = len;
}

static void on_writable(struct plug_call *call, void *state)
{
	struct echo *echo = state;

	if (!echo->kept || plug_send(call, echo->kept, echo->kept_len) != 0)
		return;
	free(echo->kept);
	echo->kept = NULL;
	plug_resume(call);
}

static void on_end(struct plug_call *call, void *state)
{
	plug_finish(call);
}

static void on_close(struct plug_call *call, void *state)
{
	struct echo *echo = state;

	free(echo->kept);
	free(echo);
}

static const struct plug_stream_ops echo_stream = {
	.on_message = on_message,
	.on_end = on_end,
	.on_writable = on_writable,
	.on_close = on_close,
};

static struct plug_answer talk(struct plug_call *call)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (!echo)
		return plug_fail(call, PLUG_RESOURCE_EXHAUSTED, "out of memory");
	return plug_stream(call, &echo_stream, echo);
}

/* ---- raw HTTP ---- */

static struct plug_answer hello(struct plug_call *call)
{
	struct plug_bytes body = plug_http_body(call);

	if (body.len > 0)
		return plug_http_reply(call, 200, body.data, body.len);
	return plug_http_reply(call, 200, "hello world\n", 12);
}

static struct plug_answer mirror(struct plug_call *call)
{
	const char *type = plug_http_header(call, "content-type");

	if (type)
		plug_http_set(call, "content-type", type);
	return talk(call);
}

/* ---- the plugin ---- */

static const struct plug_method methods[] = {
	{.name = "Say", .handler = say, .codec = PLUG_BYTES, .idempotent = true},
	{.name = "Talk",
	 .handler = talk,
	 .codec = PLUG_BYTES,
	 .client_streams = true,
	 .server_streams = true},
};

static const struct plug_service services[] = {
	{.name = "echo.v1.Echo", .version = "1.0.0", PLUG_METHODS(methods)},
};

static const struct plug_http_route routes[] = {
	{.method = "GET", .pattern = "/echo", .handler = hello},
	{.method = "GET", .pattern = "/echo/*rest", .handler = hello},
	{.pattern = "/echo", .handler = mirror, .stream = true},
	{.pattern = "/echo/*rest", .handler = mirror, .stream = true},
};

static const struct plug_plugin echo = {
	.name = "echo",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_ROUTES(routes),
};

int main(void)
{
	return plug_serve(&echo);
}
