/* echo: gives back what it gets. The smallest plugin that shows all three doors: a unary method, a
 * streamed one, and raw HTTP. It keeps nothing but one message of a stream whose caller reads
 * slowly. */
#include <errno.h>
#include <plug.h>
#include <stdlib.h>
#include <string.h>

static struct plug_answer say(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	return plug_reply(call, in.data, in.len);
}

/* What could not be sent yet: one message, for the stream is paused as long as it is there. */
struct echo {
	void *data;
	size_t len;
};

static void keep(struct plug_call *call, struct echo *echo, const void *data, size_t len)
{
	echo->data = malloc(len + 1);
	if (!echo->data) {
		plug_abort(call, PLUG_RESOURCE_EXHAUSTED, "no memory for a message");
		return;
	}
	memcpy(echo->data, data, len);
	echo->len = len;
	plug_pause(call);
}

static void on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	int result = plug_send(call, data, len);

	if (result == -EAGAIN)
		keep(call, state, data, len);
	else if (result == -ENOMEM)
		plug_abort(call, PLUG_RESOURCE_EXHAUSTED, "no memory for a message");
}

static void on_writable(struct plug_call *call, void *state)
{
	struct echo *echo = state;

	if (!echo->data || plug_send(call, echo->data, echo->len) == -EAGAIN)
		return;
	free(echo->data);
	echo->data = NULL;
	plug_resume(call);
}

static void on_end(struct plug_call *call, void *state)
{
	plug_finish(call);
}

static void on_close(struct plug_call *call, void *state)
{
	struct echo *echo = state;

	free(echo->data);
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
		return plug_fail(call, PLUG_RESOURCE_EXHAUSTED, "no memory for a stream");
	return plug_stream(call, &echo_stream, echo);
}

static void keep_content_type(struct plug_call *call)
{
	const char *type = plug_http_header(call, "content-type");

	if (type)
		plug_http_set(call, "content-type", type);
}

/* GET, and HEAD with it: the body is collected, to see whether there is one. */
static struct plug_answer hello(struct plug_call *call)
{
	struct plug_bytes body = plug_http_body(call);

	if (body.len == 0)
		return plug_http_text(call, 200, "hello world\n");
	keep_content_type(call);
	return plug_http_reply(call, 200, body.data, body.len);
}

/* Every other method: the body goes back while it comes, however large it is. */
static struct plug_answer mirror(struct plug_call *call)
{
	keep_content_type(call);
	return talk(call);
}

static const struct plug_method methods[] = {
	{.name = "Say", .handler = say, .codec = PLUG_BYTES, .idempotent = true},
	{
		.name = "Talk",
		.handler = talk,
		.codec = PLUG_BYTES,
		.client_streams = true,
		.server_streams = true,
		.idempotent = true,
	},
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
