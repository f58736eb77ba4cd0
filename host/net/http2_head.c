/* The head of an HTTP/2 request (RFC 9113, 8.3.1). http2_stream.c calls it. What comes out is what
 * HTTP/1.1 would have made of the same request: a host among the fields, one cookie, a path that
 * was taken apart by the same rules. */
#include "net/http2_head.h"

#include "net/chars.h"
#include "net/target.h"

#define FIELD_OVERHEAD 32

/* ---- gathering ---- */

static void add_pseudo(struct http2_head *head, struct arena *arena, struct str name,
		       struct str value)
{
	if (str_eq(name, STR_LITERAL(":method"))) {
		head->method = arena_str(arena, value);
	} else if (str_eq(name, STR_LITERAL(":path"))) {
		head->path = arena_str(arena, value);
		head->has_path = true;
	} else if (str_eq(name, STR_LITERAL(":authority"))) {
		head->authority = arena_str(arena, value);
	}
}

static enum fault fault_of_size(const struct http2_head *head,
				const struct http2_head_limits *limits)
{
	if (head->bytes > limits->bytes)
		return FAULT_HEAD_LONG;
	return head->fields.count >= limits->count ? FAULT_FIELD_COUNT : FAULT_NONE;
}

void http2_head_add(struct http2_head *head, struct arena *arena,
		    const struct http2_head_limits *limits, struct str name, struct str value)
{
	bool is_pseudo = name.len > 0 && name.data[0] == ':';

	head->bytes += name.len + value.len + FIELD_OVERHEAD;
	if (head->fault == FAULT_NONE && !is_pseudo)
		head->fault = fault_of_size(head, limits);
	if (head->fault == FAULT_NONE && head->bytes > limits->bytes)
		head->fault = FAULT_HEAD_LONG;
	if (head->fault != FAULT_NONE)
		return;
	if (str_eq(name, STR_LITERAL(":path")) && value.len > limits->path_bytes)
		head->fault = FAULT_TARGET_LONG;
	else if (is_pseudo)
		add_pseudo(head, arena, name, value);
	else
		fields_add(&head->fields, arena,
			   (struct http_field){arena_str(arena, name), arena_str(arena, value)});
}

/* ---- what it means ---- */

static bool is_cookie(const struct http_field *field)
{
	return str_eq(field->name, STR_LITERAL("cookie"));
}

/* A cookie may come in crumbs, for better compression (8.2.3); whoever reads it gets one field. */
static void join_cookie(struct fields *fields, struct arena *arena)
{
	struct http_field *whole = NULL;
	size_t total = 0;
	size_t kept = 0;
	char *at = NULL;

	for (size_t i = 0; i < fields->count; i++)
		total += is_cookie(&fields->list[i]) ? fields->list[i].value.len + 2 : 0;
	for (size_t i = 0; i < fields->count; i++) {
		struct http_field *field = &fields->list[i];

		if (!is_cookie(field)) {
			fields->list[kept++] = *field;
			continue;
		}
		if (!whole) {
			struct str first = field->value;

			fields->list[kept] = *field;
			whole = &fields->list[kept++];
			whole->value = (struct str){arena_alloc(arena, total), 0};
			at = (char *)whole->value.data;
			memcpy(at, first.data, first.len);
			at += first.len;
		} else {
			memcpy(at, "; ", 2);
			memcpy(at + 2, field->value.data, field->value.len);
			at += 2 + field->value.len;
		}
		whole->value.len = (size_t)(at - whole->value.data);
	}
	fields->count = kept;
}

/* An authority and a host that say different things are two requests in one (8.3.1). */
static enum fault settle_host(struct http2_head *head, struct http_request *request)
{
	const struct http_field *host = NULL;

	for (size_t i = 0; i < head->fields.count; i++) {
		if (!str_eq(head->fields.list[i].name, STR_LITERAL("host")))
			continue;
		if (host)
			return FAULT_HOST_SEVERAL;
		host = &head->fields.list[i];
	}
	if (!host && head->authority.len == 0)
		return FAULT_HOST_MISSING;
	if (host && head->authority.len > 0 && !str_eq(host->value, head->authority))
		return FAULT_HOST_INVALID;
	request->authority = host ? host->value : head->authority;
	if (request->authority.len > 0 && !target_is_authority(request->authority))
		return FAULT_HOST_INVALID;
	if (!host)
		fields_add(&head->fields, request->arena,
			   (struct http_field){STR_LITERAL("host"), request->authority});
	return FAULT_NONE;
}

static enum fault settle_field(struct http_request *request, const struct http_field *field)
{
	if (str_eq(field->name, STR_LITERAL("content-length"))) {
		if (request->has_content_length)
			return FAULT_LENGTH_SEVERAL;
		request->has_content_length = true;
		if (!str_to_u64(field->value, INT64_MAX, &request->content_length))
			return FAULT_LENGTH;
	}
	if (str_eq(field->name, STR_LITERAL("expect"))) {
		if (!str_eq_nocase(field->value, STR_LITERAL("100-continue")))
			return FAULT_EXPECTATION;
		request->expect_continue = true;
	}
	return FAULT_NONE;
}

static enum fault settle_target(const struct http2_head *head, struct http_request *request)
{
	struct target target;
	enum fault fault;

	if (!chars_is_token(head->method))
		return FAULT_METHOD;
	if (str_eq(head->method, STR_LITERAL("CONNECT")))
		return FAULT_CONNECT;
	if (!head->has_path)
		return FAULT_HEAD_INCOMPLETE;
	fault = target_parse(request->arena, head->method, head->path, &target);
	if (fault == FAULT_NONE && target.is_absolute)
		fault = FAULT_TARGET;
	if (fault != FAULT_NONE)
		return fault;
	request->path = target.path;
	request->query = target.query;
	return FAULT_NONE;
}

enum fault http2_head_finish(struct http2_head *head, bool has_body, struct http_request *request)
{
	enum fault fault = head->fault;

	request->method = head->method;
	request->target = head->path;
	request->version = 20;
	request->has_body = has_body;
	request->keep_alive = true;
	if (fault == FAULT_NONE)
		fault = settle_target(head, request);
	if (fault == FAULT_NONE)
		fault = settle_host(head, request);
	for (size_t i = 0; fault == FAULT_NONE && i < head->fields.count; i++)
		fault = settle_field(request, &head->fields.list[i]);
	join_cookie(&head->fields, request->arena);
	request->fields = head->fields.list;
	request->field_count = head->fields.count;
	return fault;
}
