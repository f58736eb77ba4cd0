/* What is true of HTTP messages in every version of the protocol, and the thin door from the rooms
 * above to the protocol that carries a stream. Owns nothing. Pure, apart from what the protocols do
 * behind their ops. */
#include "net/message.h"

#include <errno.h>

#include "net/chars.h"
#include "net/list.h"

/* ---- fields ---- */

const struct http_field *http_field_find(const struct http_field *fields, size_t count,
					 const char *name)
{
	struct str wanted = str_from(name);

	for (size_t i = 0; i < count; i++) {
		if (str_eq(fields[i].name, wanted))
			return &fields[i];
	}
	return NULL;
}

const struct http_field *http_field_find_nocase(const struct http_field *fields, size_t count,
						struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (fields[i].name.len == name.len && str_eq_nocase(fields[i].name, name))
			return &fields[i];
	}
	return NULL;
}

bool http_fields_list(const struct http_field *fields, size_t count, struct str name,
		      struct str member)
{
	for (size_t i = 0; i < count; i++) {
		if (fields[i].name.len == name.len && str_eq_nocase(fields[i].name, name) &&
		    list_has(fields[i].value, member))
			return true;
	}
	return false;
}

struct str http_request_value(const struct http_request *request, const char *name)
{
	const struct http_field *field =
		http_field_find(request->fields, request->field_count, name);

	return field ? field->value : (struct str){NULL, 0};
}

struct http_request *http_request_copy(const struct http_request *request)
{
	struct http_request *copy = arena_alloc(request->arena, sizeof(*copy));

	*copy = *request;
	return copy;
}

void http_request_filter(struct http_request *copy,
			 bool (*keeps)(const void *user, struct http_field *field),
			 const void *user)
{
	struct http_field *fields = arena_alloc(copy->arena, copy->field_count * sizeof(*fields));
	size_t count = 0;

	for (size_t i = 0; i < copy->field_count; i++) {
		fields[count] = copy->fields[i];
		count += keeps(user, &fields[count]);
	}
	copy->fields = fields;
	copy->field_count = count;
}

bool http_field_is_hop(struct str name)
{
	switch (name.len) {
	case 2:
		return str_eq_nocase(name, STR_LITERAL("te"));
	case 7:
		return str_eq_nocase(name, STR_LITERAL("trailer")) ||
		       str_eq_nocase(name, STR_LITERAL("upgrade"));
	case 10:
		return str_eq_nocase(name, STR_LITERAL("connection")) ||
		       str_eq_nocase(name, STR_LITERAL("keep-alive"));
	case 16:
		return str_eq_nocase(name, STR_LITERAL("proxy-connection"));
	case 17:
		return str_eq_nocase(name, STR_LITERAL("transfer-encoding"));
	case 18:
		return str_eq_nocase(name, STR_LITERAL("proxy-authenticate"));
	case 19:
		return str_eq_nocase(name, STR_LITERAL("proxy-authorization"));
	case 25:
		return str_eq_nocase(name, STR_LITERAL("proxy-authentication-info"));
	default:
		return false;
	}
}

bool http_field_is_valid(const struct http_field *field)
{
	return chars_is_token(field->name) && chars_is_field_value(field->value);
}

/* ---- the path ---- */

struct str http_segment_decode(struct arena *arena, struct str segment)
{
	if (segment.len < 3 || !memchr(segment.data, '%', segment.len))
		return segment;

	char *out = arena_alloc(arena, segment.len);
	size_t len = 0;
	for (size_t i = 0; i < segment.len; i++) {
		int c = chars_escape((struct str){segment.data + i, segment.len - i});
		out[len++] = c >= 0 ? (char)c : segment.data[i];
		i += c >= 0 ? 2 : 0;
	}
	return (struct str){out, len};
}

/* ---- status ---- */

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{203, "Non-Authoritative Information"},
	{204, "No Content"},
	{205, "Reset Content"},
	{206, "Partial Content"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{425, "Too Early"},
	{426, "Upgrade Required"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{451, "Unavailable For Legal Reasons"},
	{499, "Client Closed Request"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
	{507, "Insufficient Storage"},
	{511, "Network Authentication Required"},
};

const char *http_status_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "";
}

/* ---- framing ---- */

bool http_field_is_framing(struct str name)
{
	if (name.len == 14 && str_eq_nocase(name, STR_LITERAL("content-length")))
		return true;
	return http_field_is_hop(name);
}

bool http_response_has_body(struct str method, unsigned status)
{
	return status != 204 && status != 205 && status != 304 &&
	       !str_eq(method, STR_LITERAL("HEAD"));
}

/* None in 204; in 304 and for HEAD only the one that 200 and GET would have. */
bool http_response_tells_length(const struct http_response *response, size_t len, bool end,
				uint64_t *length_out)
{
	*length_out = response->has_content_length ? response->content_length : len;
	switch (response->status) {
	case 204:
		return false;
	case 205:
		*length_out = 0;
		return true;
	case 304:
		return response->has_content_length;
	default:
		return response->has_content_length || end;
	}
}

/* ---- the door to the protocol ---- */

int http_stream_respond(struct http_stream *stream, const struct http_response *response,
			const void *body, size_t len, bool end)
{
	if (response->status < 200 || response->status > 599)
		return -EINVAL;
	for (size_t i = 0; i < response->field_count; i++) {
		if (!http_field_is_valid(&response->fields[i]))
			return -EINVAL;
	}
	stream->ops->respond(stream, response, body, len, end);
	return 0;
}

void http_stream_send(struct http_stream *stream, const void *data, size_t len, bool end)
{
	stream->ops->send(stream, data, len, end);
}

bool http_stream_takes_files(const struct http_stream *stream)
{
	return stream->ops->takes_files && stream->ops->takes_files(stream);
}

void http_stream_send_file(struct http_stream *stream, int fd, uint64_t offset, size_t len,
			   bool end)
{
	stream->ops->send_file(stream, fd, offset, len, end);
}

size_t http_stream_room(const struct http_stream *stream)
{
	return stream->ops->room(stream);
}

void http_stream_abort(struct http_stream *stream)
{
	stream->ops->abort(stream);
}

void http_stream_want_body(struct http_stream *stream, bool want)
{
	stream->ops->want_body(stream, want);
}

void http_stream_set_user(struct http_stream *stream, void *stream_user)
{
	stream->user = stream_user;
}
