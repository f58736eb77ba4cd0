/* HTTP as handlers see it: what they read of a request, and how they answer. A request is scanned
 * when something of it is asked for; strings are copied (to be terminated) as they are handed out.
 * An answer is the encoded head and then the body, which is not copied with it. What HTTP forbids
 * in a header never leaves: the answer fails instead. */
#include "sdk/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/answer.h"
#include "sdk/runtime.h"

/* Heads up to this are put together on the stack. */
#define HTTP_STACK_BYTES 1024

#define HTTP_HEADERS_MAX_BYTES (256u << 10)

#define HTTP_TEXT_BYTES 4096

const char *plug_http_method(struct plug_call *call)
{
	return call_string(call, call->http.request.method);
}

const char *plug_http_path(struct plug_call *call)
{
	return call_string(call, call->http.request.path);
}

const char *plug_http_query(struct plug_call *call)
{
	return call_string(call, call->http.request.query);
}

const char *plug_http_scheme(struct plug_call *call)
{
	return call_string(call, call->http.request.scheme);
}

const char *plug_http_authority(struct plug_call *call)
{
	return call_string(call, call->http.request.authority);
}

const char *plug_http_peer(struct plug_call *call)
{
	return call_string(call, call->http.request.peer);
}

const char *plug_http_request_id(struct plug_call *call)
{
	return call_string(call, call->http.request.request_id);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One character, decoded; a '%' that is no escape stays what it is. */
static char path_char(struct wire_bytes in, size_t *at)
{
	char c = (char)in.data[(*at)++];
	int high;
	int low;

	if (c != '%' || in.len - *at < 2)
		return c;
	high = hex_digit((char)in.data[*at]);
	low = hex_digit((char)in.data[*at + 1]);
	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return c;
	*at += 2;
	return (char)(high * 16 + low);
}

static char query_char(struct wire_bytes in, size_t *at)
{
	if (in.data[*at] != '+')
		return path_char(in, at);
	(*at)++;
	return ' ';
}

static bool query_name_is(struct wire_bytes in, const char *name)
{
	size_t at = 0;

	while (at < in.len && *name != '\0') {
		if (query_char(in, &at) != *name++)
			return false;
	}
	return at == in.len && *name == '\0';
}

static const char *decode(struct plug_call *call, struct wire_bytes in,
			  char (*next)(struct wire_bytes in, size_t *at))
{
	char *out = call_scratch(call, in.len + 1);
	size_t len = 0;

	if (out == NULL)
		return "";
	for (size_t at = 0; at < in.len;)
		out[len++] = next(in, &at);
	out[len] = '\0';
	return out;
}

/* The path comes decoded but for "%2F" and "%25", without which segments could not be told
 * apart. */
const char *plug_http_param(struct plug_call *call, const char *name)
{
	struct wire_bytes value;

	if (call->http.route == NULL ||
	    !route_param(call->http.route->pattern, call->http.request.path, name, &value))
		return NULL;
	return decode(call, value, path_char);
}

/* Takes the bytes up to `end` off the front. */
static struct wire_bytes bytes_until(struct wire_bytes *in, char end)
{
	const uint8_t *at = in->len > 0 ? memchr(in->data, end, in->len) : NULL;
	struct wire_bytes front = {in->data, at != NULL ? (size_t)(at - in->data) : in->len};
	size_t taken = front.len + (at != NULL ? 1 : 0);

	in->len -= taken;
	if (taken > 0)
		in->data += taken;
	return front;
}

const char *plug_http_query_param(struct plug_call *call, const char *name)
{
	struct wire_bytes query = call->http.request.query;

	while (query.len > 0) {
		struct wire_bytes value = bytes_until(&query, '&');
		struct wire_bytes key = bytes_until(&value, '=');

		if (query_name_is(key, name))
			return decode(call, value, query_char);
	}
	return NULL;
}

const char *plug_http_header(struct plug_call *call, const char *name)
{
	struct wire_bytes headers = call->http.request.headers;
	struct wire_bytes key;
	struct wire_bytes value;
	size_t len = strlen(name);

	while (wire_next_pair(&headers, WIRE_HTTP_REQUEST_HEADERS_FIELD, &key, &value)) {
		if (key.len == len && memcmp(key.data, name, len) == 0)
			return call_string(call, value);
	}
	return NULL;
}

bool plug_http_next_header(struct plug_call *call, size_t *cursor, const char **name_out,
			   const char **value_out)
{
	struct wire_bytes headers = call->http.request.headers;
	struct wire_bytes key;
	struct wire_bytes value;

	if (*cursor >= headers.len)
		return false;
	headers.data += *cursor;
	headers.len -= *cursor;
	if (!wire_next_pair(&headers, WIRE_HTTP_REQUEST_HEADERS_FIELD, &key, &value))
		return false;
	*cursor = call->http.request.headers.len - headers.len;
	*name_out = call_string(call, key);
	*value_out = call_string(call, value);
	return true;
}

int64_t plug_http_content_length(struct plug_call *call)
{
	const struct wire_http_request *request = &call->http.request;

	if (!request->has_content_length || request->content_length > INT64_MAX)
		return -1;
	return (int64_t)request->content_length;
}

struct plug_bytes plug_http_body(struct plug_call *call)
{
	return plug_request(call);
}

/* RFC 9110 5.6.2: token. */
static bool is_token(const char *text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		bool letter = (*text | 0x20) >= 'a' && (*text | 0x20) <= 'z';

		if (!letter && !(*text >= '0' && *text <= '9') && strchr(others, *text) == NULL)
			return false;
	}
	return true;
}

/* RFC 9110 5.5: no control characters but the tab. */
static bool is_field_value(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void lower_case(char *out, const char *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = in[i] >= 'A' && in[i] <= 'Z' ? (char)(in[i] + 'a' - 'A') : in[i];
}

void plug_http_set(struct plug_call *call, const char *name, const char *value)
{
	struct grow *headers = &call->http.headers;
	struct wire_bytes text = {(const uint8_t *)value, strlen(value)};
	char lower[128];
	struct wire_bytes key = {(const uint8_t *)lower, strlen(name)};
	size_t bytes = wire_pair_bytes(key.len, text.len);
	uint8_t *out;

	if (key.len > sizeof(lower) || headers->len + bytes > HTTP_HEADERS_MAX_BYTES ||
	    !is_token(name) || !is_field_value(value)) {
		call->http.bad_header = true;
		return;
	}
	lower_case(lower, name, key.len);
	out = grow_reserve(headers, bytes);
	if (out == NULL) {
		call->out_of_memory = true;
		return;
	}
	headers->len += wire_put_pair(out, WIRE_HTTP_RESPONSE_HEADERS_FIELD, key, text);
	if (key.len == 12 && memcmp(lower, "content-type", 12) == 0)
		call->http.typed = true;
}

/* Puts what precedes the body in this message into `stack` or *heap_out: the head if it was not
 * said yet, and the body's length. False without memory. */
static bool http_prefix(struct plug_call *call, struct saying *say, uint8_t *stack,
			uint8_t **heap_out)
{
	struct wire_http_response response = {.body = {NULL, say->data.len}};
	size_t bound;

	*heap_out = NULL;
	if (!call->http.head_said) {
		response.status = call->http.status > 0 ? call->http.status : 200;
		response.headers =
			(struct wire_bytes){call->http.headers.data, call->http.headers.len};
	}
	bound = wire_http_response_head_bound(&response);
	if (bound > HTTP_STACK_BYTES) {
		*heap_out = malloc(bound);
		if (*heap_out == NULL)
			return false;
		stack = *heap_out;
	}
	say->prefix.data = stack;
	say->prefix.len = wire_put_http_response_head(stack, &response);
	return true;
}

struct plug_answer http_say(struct plug_call *call, struct saying *say)
{
	uint8_t stack[HTTP_STACK_BYTES];
	struct plug_answer answer;
	uint8_t *heap = NULL;

	if (call->http.head_said && say->data.len == 0)
		say->message = false;
	if (say->message && !http_prefix(call, say, stack, &heap))
		call->out_of_memory = true;
	answer = answer_say(call, say);
	free(heap);
	return answer;
}

int http_send(struct plug_call *call, struct saying *say)
{
	uint8_t stack[HTTP_STACK_BYTES];
	uint8_t *heap;
	int result;

	if (call->http.bad_header)
		return -EINVAL;
	if (!http_prefix(call, say, stack, &heap))
		return -ENOMEM;
	result = answer_send(call, say);
	if (result == 0)
		call->http.head_said = true;
	free(heap);
	return result;
}

int plug_http_start(struct plug_call *call, unsigned status)
{
	struct saying say = {.message = true};

	call->http.status = status;
	return http_send(call, &say);
}

struct plug_answer plug_http_reply(struct plug_call *call, unsigned status, const void *body,
				   size_t len)
{
	call->http.status = status;
	return plug_reply(call, body, len);
}

struct plug_answer plug_http_text(struct plug_call *call, unsigned status, const char *format, ...)
{
	struct plug_answer answer;
	char text[HTTP_TEXT_BYTES];
	char *heap = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len >= (int)sizeof(text)) {
		va_start(args, format);
		if (vasprintf(&heap, format, args) < 0)
			heap = NULL;
		va_end(args);
	}
	if (!call->http.typed)
		plug_http_set(call, "content-type", "text/plain; charset=utf-8");
	if (len < 0 || (len >= (int)sizeof(text) && heap == NULL))
		call->out_of_memory = true;
	answer = plug_http_reply(call, status, heap != NULL ? heap : text,
				 len > 0 ? (size_t)len : 0);
	free(heap);
	return answer;
}

struct plug_answer plug_http_json(struct plug_call *call, unsigned status, const char *json)
{
	if (!call->http.typed)
		plug_http_set(call, "content-type", "application/json");
	return plug_http_reply(call, status, json, strlen(json));
}
