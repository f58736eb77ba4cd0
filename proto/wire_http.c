/* The two messages of plugd.http.v1, by hand, for the reason that wire_http.h gives. wire_field.h
 * has the primitives and says where it is stricter than other protobuf parsers.
 *
 * Owns nothing; called by host/edge and by the SDK's HTTP helpers for each request and answer.
 * Never allocates, never reads past the input. It fails by returning false with a constant
 * sentence. */
#include "proto/wire_http.h"

#include "proto/wire_field.h"

/* Fields of each message, one bit each, for wire_field_skip(). */
#define REQUEST_FIELDS	0x9ffeu
#define RESPONSE_FIELDS 0x8006u

/* ------------------------------------------------------------------------------------- request */

bool wire_get_http_request(struct wire_bytes in, struct wire_http_request *out,
			   const char **why_out)
{
	struct wire_reader reader = wire_reader_from(in);
	uint32_t tag;
	*out = (struct wire_http_request){0};
	while (wire_read_tag(&reader, &tag)) {
		switch (tag) {
		case WIRE_BYTES_TAG(1):
			wire_read_bytes(&reader, &out->method);
			break;
		case WIRE_BYTES_TAG(2):
			wire_read_bytes(&reader, &out->path);
			break;
		case WIRE_BYTES_TAG(3):
			wire_read_bytes(&reader, &out->query);
			break;
		case WIRE_BYTES_TAG(4):
			wire_read_bytes(&reader, &out->route);
			break;
		case WIRE_BYTES_TAG(WIRE_HTTP_PARAMS_FIELD):
			wire_read_pair(&reader, &out->params);
			break;
		case WIRE_BYTES_TAG(6):
			wire_read_bytes(&reader, &out->scheme);
			break;
		case WIRE_BYTES_TAG(7):
			wire_read_bytes(&reader, &out->authority);
			break;
		case WIRE_BYTES_TAG(8):
			wire_read_bytes(&reader, &out->peer);
			break;
		case WIRE_BYTES_TAG(9):
			wire_read_bytes(&reader, &out->request_id);
			break;
		case WIRE_BYTES_TAG(WIRE_HTTP_REQUEST_HEADERS_FIELD):
			wire_read_pair(&reader, &out->headers);
			break;
		case WIRE_VARINT_TAG(11):
			wire_read_u64(&reader, &out->content_length);
			break;
		case WIRE_VARINT_TAG(12):
			wire_read_bool(&reader, &out->has_content_length);
			break;
		case WIRE_BYTES_TAG(15):
			wire_read_bytes(&reader, &out->body);
			break;
		default:
			wire_read_unknown(&reader, tag, REQUEST_FIELDS);
		}
	}
	return wire_reader_end(&reader, why_out);
}

size_t wire_http_request_head_bound(const struct wire_http_request *request)
{
	return wire_bytes_bytes(request->method.len) + wire_bytes_bytes(request->path.len) +
	       wire_bytes_bytes(request->query.len) + wire_bytes_bytes(request->route.len) +
	       request->params.len + wire_bytes_bytes(request->scheme.len) +
	       wire_bytes_bytes(request->authority.len) + wire_bytes_bytes(request->peer.len) +
	       wire_bytes_bytes(request->request_id.len) + request->headers.len +
	       wire_number_bytes(request->content_length) +
	       wire_bool_bytes(request->has_content_length) + wire_bytes_bytes(request->body.len) -
	       request->body.len;
}

size_t wire_put_http_request_head(uint8_t *out, const struct wire_http_request *request)
{
	uint8_t *at = out;
	at = wire_put_bytes(at, 1, request->method);
	at = wire_put_bytes(at, 2, request->path);
	at = wire_put_bytes(at, 3, request->query);
	at = wire_put_bytes(at, 4, request->route);
	at = wire_put_raw(at, request->params);
	at = wire_put_bytes(at, 6, request->scheme);
	at = wire_put_bytes(at, 7, request->authority);
	at = wire_put_bytes(at, 8, request->peer);
	at = wire_put_bytes(at, 9, request->request_id);
	at = wire_put_raw(at, request->headers);
	at = wire_put_number(at, 11, request->content_length);
	at = wire_put_bool(at, 12, request->has_content_length);
	at = wire_put_length(at, 15, request->body.len);
	return (size_t)(at - out);
}

/* ------------------------------------------------------------------------------------ response */

bool wire_get_http_response(struct wire_bytes in, struct wire_http_response *out,
			    const char **why_out)
{
	struct wire_reader reader = wire_reader_from(in);
	uint32_t tag;
	*out = (struct wire_http_response){0};
	while (wire_read_tag(&reader, &tag)) {
		if (tag == WIRE_VARINT_TAG(1))
			wire_read_u32(&reader, &out->status);
		else if (tag == WIRE_BYTES_TAG(WIRE_HTTP_RESPONSE_HEADERS_FIELD))
			wire_read_pair(&reader, &out->headers);
		else if (tag == WIRE_BYTES_TAG(15))
			wire_read_bytes(&reader, &out->body);
		else
			wire_read_unknown(&reader, tag, RESPONSE_FIELDS);
	}
	return wire_reader_end(&reader, why_out);
}

size_t wire_http_response_head_bound(const struct wire_http_response *response)
{
	return wire_number_bytes(response->status) + response->headers.len +
	       wire_bytes_bytes(response->body.len) - response->body.len;
}

size_t wire_put_http_response_head(uint8_t *out, const struct wire_http_response *response)
{
	uint8_t *at = wire_put_number(out, 1, response->status);
	at = wire_put_raw(at, response->headers);
	at = wire_put_length(at, 15, response->body.len);
	return (size_t)(at - out);
}
