/* The answer to an HTTP/1.1 request as bytes. http1_stream.c calls it. What comes in was checked by
 * http_stream_respond(), so nothing here can fail. Owns nothing. */
#include "net/http1_answer.h"

/* ---- framing ---- */

struct http1_answer http1_answer_plan(const struct http_request *request,
				      const struct http_response *response, size_t len, bool end,
				      bool may_keep)
{
	struct http1_answer answer = {.keep_alive = may_keep};

	answer.tells_length = http_response_tells_length(response, len, end, &answer.length);
	if (!http_response_has_body(request->method, response->status)) {
		answer.framing = HTTP1_NO_BODY;
	} else if (answer.tells_length) {
		answer.framing = HTTP1_LENGTH;
		answer.left = answer.length;
	} else if (request->version >= 11) {
		answer.framing = HTTP1_CHUNKS;
	} else {
		answer.framing = HTTP1_UNTIL_CLOSE;
		answer.keep_alive = false;
	}
	return answer;
}

/* ---- head ---- */

/* Room for everything but the fields: status line, Date, framing, Connection, the last empty
 * line. */
#define FIXED_BYTES 256u

static char *put(char *at, struct str text)
{
	memcpy(at, text.data, text.len);
	return at + text.len;
}

static char *put_u64(char *at, uint64_t number)
{
	char digits[20];
	size_t len = 0;

	do {
		digits[len++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (len > 0)
		*at++ = digits[--len];
	return at;
}

static char *put_status_line(char *at, unsigned status)
{
	at = put(at, STR_LITERAL("HTTP/1.1 "));
	at = put_u64(at, status);
	*at++ = ' ';
	at = put(at, str_from(http_status_reason(status)));
	return put(at, STR_LITERAL("\r\n"));
}

static char *put_framing(char *at, const struct http1_answer *answer, unsigned version)
{
	if (answer->tells_length) {
		at = put(at, STR_LITERAL("content-length: "));
		at = put_u64(at, answer->length);
		at = put(at, STR_LITERAL("\r\n"));
	}
	if (answer->framing == HTTP1_CHUNKS)
		at = put(at, STR_LITERAL("transfer-encoding: chunked\r\n"));
	if (!answer->keep_alive)
		at = put(at, STR_LITERAL("connection: close\r\n"));
	else if (version < 11)
		at = put(at, STR_LITERAL("connection: keep-alive\r\n"));
	return at;
}

static char *put_fields(char *at, const struct http_response *response, bool *has_date_out)
{
	*has_date_out = false;
	for (size_t i = 0; i < response->field_count; i++) {
		const struct http_field *field = &response->fields[i];
		if (http_field_is_framing(field->name))
			continue;
		if (field->name.len == 4 && str_eq_nocase(field->name, STR_LITERAL("date")))
			*has_date_out = true;
		at = put(at, field->name);
		at = put(at, STR_LITERAL(": "));
		if (field->value.len > 0)
			at = put(at, field->value);
		at = put(at, STR_LITERAL("\r\n"));
	}
	return at;
}

void http1_answer_head(struct buf *out, const struct http1_answer *answer,
		       const struct http_request *request, const struct http_response *response,
		       struct str date)
{
	size_t bound = FIXED_BYTES;
	for (size_t i = 0; i < response->field_count; i++)
		bound += response->fields[i].name.len + response->fields[i].value.len + 4;

	bool has_date;
	char *start = (char *)buf_reserve(out, bound);
	char *at = put_status_line(start, response->status);
	at = put_framing(at, answer, request->version);
	at = put_fields(at, response, &has_date);
	if (!has_date) {
		at = put(at, STR_LITERAL("date: "));
		at = put(at, date);
		at = put(at, STR_LITERAL("\r\n"));
	}
	at = put(at, STR_LITERAL("\r\n"));
	buf_commit(out, (size_t)(at - start));
}

/* ---- body ---- */

/* "1f4\r\n" */
static struct str put_chunk_size(char *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	unsigned shift = 0;
	char *at = out;

	while (shift < 60 && len >> (shift + 4))
		shift += 4;
	*at++ = digits[len >> shift & 15];
	while (shift > 0) {
		shift -= 4;
		*at++ = digits[len >> shift & 15];
	}
	at = put(at, STR_LITERAL("\r\n"));
	return (struct str){out, (size_t)(at - out)};
}

static void put_chunk(struct http1_pieces *out, struct str data, bool end)
{
	if (data.len > 0) {
		out->pieces[out->count++] = put_chunk_size(out->chunk, data.len);
		out->pieces[out->count++] = data;
		out->pieces[out->count++] = STR_LITERAL("\r\n");
	}
	if (end)
		out->pieces[out->count++] = STR_LITERAL("0\r\n\r\n");
}

uint64_t http1_answer_count(struct http1_answer *answer, uint64_t len)
{
	if (len > answer->left)
		len = answer->left;
	answer->left -= len;
	return len;
}

bool http1_answer_body(struct http1_answer *answer, struct str data, bool end,
		       struct http1_pieces *out)
{
	out->count = 0;
	switch (answer->framing) {
	case HTTP1_NO_BODY:
		return true;
	case HTTP1_CHUNKS:
		put_chunk(out, data, end);
		return true;
	case HTTP1_UNTIL_CLOSE:
		out->pieces[out->count++] = data;
		return true;
	case HTTP1_LENGTH:
		break;
	}
	data.len = (size_t)http1_answer_count(answer, data.len);
	out->pieces[out->count++] = data;
	return !end || answer->left == 0;
}
