/* A plugin outside of the tree, built against what `meson install` has put somewhere: typed by
 * nanopb of its own, one route. */
#include <plug.h>

#include "outside.pb.h"

static struct plug_answer sum(struct plug_call *call)
{
	const outside_v1_SumRequest *request = plug_message(call, outside_v1_SumRequest);
	outside_v1_SumResponse response = outside_v1_SumResponse_init_zero;

	response.sum = request->a + request->b;
	return plug_reply_message(call, outside_v1_SumResponse, &response);
}

static struct plug_answer hello(struct plug_call *call)
{
	return plug_http_text(call, 200, "hello %s\n", plug_http_param(call, "name"));
}

static const struct plug_method methods[] = {
	{
		.name = "Sum",
		.handler = sum,
		.idempotent = true,
		PLUG_INPUT(outside_v1_SumRequest, "outside.v1.SumRequest"),
		PLUG_OUTPUT(outside_v1_SumResponse, "outside.v1.SumResponse"),
	},
};
static const struct plug_service services[] = {
	{.name = "outside.v1.Outside", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_http_route routes[] = {
	{.method = "GET", .pattern = "/hello/:name", .handler = hello},
};
static const struct plug_plugin outside = {
	.name = "outside",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_ROUTES(routes),
};

int main(void)
{
	return plug_serve(&outside);
}
