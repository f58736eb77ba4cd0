/* Who asks: the peer of the connection, or, when that is a trusted proxy, whom it asks for.
 *
 * No plugin sees a field that says who asks, whoever sent it: it is told in `peer`, `scheme` and
 * `authority`, where nobody but plugd writes. The request that came is net's and stays as it is;
 * who comes after this one sees a copy. */
#include "edge/mw.h"

#include "edge/edge_internal.h"
#include "edge/forwarded.h"

static size_t count_claims(const struct http_request *request)
{
	size_t count = 0;

	for (size_t i = 0; i < request->field_count; i++)
		count += forwarded_is_claim(request->fields[i].name);
	return count;
}

/* `host` says what `authority` says. */
static bool keeps(const void *user, struct http_field *field)
{
	const struct http_request *told = user;

	if (str_eq(field->name, STR_LITERAL("host")))
		field->value = told->authority;
	return !forwarded_is_claim(field->name);
}

static void believe(struct exchange *exchange, struct http_request *told,
		    const struct forwarded *forwarded)
{
	struct ip *client = arena_alloc(told->arena, sizeof(*client));
	char peer[IP_TEXT];

	*client = forwarded->client;
	exchange->proxy = told->peer;
	ip_format_peer(&forwarded->client, forwarded->port, peer);
	told->peer = arena_str(told->arena, str_from(peer));
	told->ip = client;
	if (forwarded->scheme.len > 0)
		told->scheme = str_eq_nocase(forwarded->scheme, STR_LITERAL("https"))
				       ? STR_LITERAL("https")
				       : STR_LITERAL("http");
	if (forwarded->host.len > 0)
		told->authority = forwarded->host;
}

static bool refuse(struct exchange_error *error, const char *why)
{
	*error = (struct exchange_error){
		.status = 400, .code = "BAD_REQUEST", .message = str_from(why)};
	return false;
}

static bool on_request(struct exchange *exchange, struct exchange_error *error)
{
	const struct http_request *request = exchange->request;
	const struct edge_routes *routes = exchange->routes;
	struct http_request *told;
	struct forwarded forwarded;
	const char *wrong;

	if (count_claims(request) == 0)
		return true;
	told = http_request_copy(request);
	if (cidr_list_has(&routes->trusted, request->ip)) {
		wrong = forwarded_read(routes->from.opts->forwarded_by, request->fields,
				       request->field_count, request->ip, &routes->trusted,
				       &forwarded);
		if (wrong)
			return refuse(error, wrong);
		believe(exchange, told, &forwarded);
	}
	http_request_filter(told, keeps, told);
	exchange->request = told;
	return true;
}

const struct middleware mw_client = {.name = "client", .on_request = on_request};
