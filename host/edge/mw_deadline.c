/* The client's own deadline, if it sets one; one that can't be read is told, because a request that
 * runs longer than meant may do harm. */
#include "edge/mw.h"

#include "edge/deadline_header.h"
#include "edge/edge_internal.h"

static bool on_route(struct exchange *exchange, struct exchange_error *error)
{
	const struct http_request *request = exchange->request;
	const struct http_field *wrong;

	if (deadline_header_find(request->fields, request->field_count,
				 &exchange->client_timeout_ms, &wrong))
		return true;
	*error = (struct exchange_error){
		.status = 400,
		.code = "BAD_REQUEST",
		.message = str_from(arena_printf(
			request->arena, "The header %.*s is not a time that plugd can read",
			STR_ARG(wrong->name)))};
	return false;
}

const struct middleware mw_deadline = {.name = "deadline", .on_route = on_route};
