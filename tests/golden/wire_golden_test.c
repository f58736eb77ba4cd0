/* Every golden vector, read and written by the hot codec, protobuf-c and nanopb. Python's protobuf
 * wrote them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pb_decode.h>
#include <pb_encode.h>

#include "proto/http.pb-c.h"
#include "proto/plugd.pb-c.h"
#include "proto/wire_caller.h"
#include "tests/golden/agree.h"
#include "tests/golden/golden.h"
#include "tests/golden/http.pb.h"
#include "tests/golden/plugd.pb.h"

static const char *const kinds[WIRE_KIND_END] = {
	[WIRE_HELLO] = "hello",
	[WIRE_WELCOME] = "welcome",
	[WIRE_START] = "start",
	[WIRE_READY] = "ready",
	[WIRE_FAILED] = "failed",
	[WIRE_DRAIN] = "drain",
	[WIRE_BYE] = "bye",
	[WIRE_REQUEST] = "request",
	[WIRE_RESPONSE] = "response",
	[WIRE_DATA] = "data",
	[WIRE_CANCEL] = "cancel",
	[WIRE_CREDIT] = "credit",
	[WIRE_PING] = "ping",
	[WIRE_PONG] = "pong",
	[WIRE_LOG] = "log",
	[WIRE_PUBLISH] = "publish",
	[WIRE_DELIVER] = "deliver",
	[WIRE_ACK] = "ack",
	[WIRE_EXPORT] = "export",
	[WIRE_STATE] = "state",
	[WIRE_STATE_END] = "state_end",
	[WIRE_IMPORT] = "import",
	[WIRE_IMPORTED] = "imported",
	[WIRE_CONFIG] = "config",
	[WIRE_CONFIG_RESULT] = "config_result",
};

static void each_frame(void (*check)(const struct golden *vector, void *user))
{
	for (unsigned kind = 1; kind < WIRE_KIND_END; kind++)
		assert_true(golden_each(kinds[kind], check, &kind) > 0);
}

static struct wire_bytes frame_of(const struct golden *vector)
{
	assert_true(vector->len > WIRE_PREFIX_BYTES);
	assert_int_equal(wire_get_prefix(vector->bytes), vector->len - WIRE_PREFIX_BYTES);
	return (struct wire_bytes){vector->bytes + WIRE_PREFIX_BYTES,
				   vector->len - WIRE_PREFIX_BYTES};
}

static struct wire_bytes bytes_of(const struct golden *vector)
{
	return (struct wire_bytes){vector->bytes, vector->len};
}

static void assert_no_difference(const char *difference, const struct golden *vector)
{
	if (difference)
		fail_msg("%s: %s", vector->name, difference);
}

/* ---- the hot codec ---- */

static void check_kind(const struct golden *vector, void *user)
{
	uint8_t head[WIRE_FRAME_HEAD_BOUND];
	unsigned kind = *(unsigned *)user;
	struct wire_bytes body;
	const char *why;
	size_t len;

	assert_int_equal(wire_frame_kind(frame_of(vector), &body, &why), kind);
	assert_null(why);
	len = wire_put_frame_head(head, (enum wire_kind)kind, body.len);
	assert_int_equal(len + body.len, vector->len);
	assert_memory_equal(head, vector->bytes, len);
}

static void tells_the_kind_of_every_frame(void **state)
{
	each_frame(check_kind);
}

static void check_agreement(const struct golden *vector, void *user)
{
	assert_no_difference(agree_on_frame(frame_of(vector)), vector);
}

static void hot_codec_and_protobuf_c_agree_on_every_frame(void **state)
{
	each_frame(check_agreement);
}

static void check_http(const struct golden *vector, void *user)
{
	enum agree_message message = *(enum agree_message *)user;

	assert_no_difference(agree_on_message(message, bytes_of(vector)), vector);
	for (size_t cut = 0; message == AGREE_HTTP_RESPONSE && cut <= vector->len; cut++)
		assert_no_difference(agree_on_http_part(bytes_of(vector), cut), vector);
}

static void hot_codec_and_protobuf_c_agree_on_http(void **state)
{
	enum agree_message message = AGREE_HTTP_REQUEST;

	assert_true(golden_each("http_request", check_http, &message) > 0);
	message = AGREE_HTTP_RESPONSE;
	assert_true(golden_each("http_response", check_http, &message) > 0);
}

static void assert_text(struct wire_bytes got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.data, want, got.len);
}

/* One vector by hand, so that the agreement above is not that of two readers who both see
 * nothing. */
static void reads_every_field_of_a_request(void **state)
{
	struct golden vector = golden_find("request", "full");
	struct wire_bytes body, name, value;
	struct wire_request request;
	const char *why;

	assert_int_equal(wire_frame_kind(frame_of(&vector), &body, &why), WIRE_REQUEST);
	assert_true(wire_get_request(body, &request, &why));
	assert_int_equal(request.id, UINT32_MAX);
	assert_int_equal(request.method, 300);
	assert_int_equal(request.timeout_ms, UINT32_MAX);
	assert_int_equal(request.attempt, 2);
	assert_text(request.idempotency_key, "k-81");
	assert_text(request.trace_parent,
		    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	assert_text(request.trace_state, "congo=t61rcWkgMzE");
	assert_text(request.tenant, "acme");
	assert_text(request.principal, "user:ada");
	assert_true(request.more);
	assert_false(request.end);
	assert_int_equal(request.payload.len, 183);
	assert_true(wire_next_pair(&request.metadata, WIRE_REQUEST_METADATA_FIELD, &name, &value));
	assert_text(name, "accept-language");
	assert_text(value, "de");
	assert_true(wire_next_pair(&request.metadata, WIRE_REQUEST_METADATA_FIELD, &name, &value));
	assert_text(name, "empty");
	assert_int_equal(value.len, 0);
	assert_true(wire_next_pair(&request.metadata, WIRE_REQUEST_METADATA_FIELD, &name, &value));
	assert_int_equal(value.len, 183);
	assert_false(wire_next_pair(&request.metadata, WIRE_REQUEST_METADATA_FIELD, &name, &value));
	free(vector.bytes);
}

static void reads_all_that_is_known_about_who_asks(void **state)
{
	struct golden vector = golden_find("request", "who_asks");
	struct wire_bytes body, text;
	struct wire_request request;
	struct wire_caller caller;
	const char *why;

	assert_int_equal(wire_frame_kind(frame_of(&vector), &body, &why), WIRE_REQUEST);
	assert_true(wire_get_request(body, &request, &why));
	assert_true(wire_get_caller(request.caller, &caller, &why));
	assert_text(caller.method, "jwt");
	assert_text(caller.claims, "{\"dept\":\"sales\"}");
	assert_true(wire_next_text(&caller.roles, WIRE_CALLER_ROLES_FIELD, &text));
	assert_text(text, "admin");
	assert_true(wire_next_text(&caller.roles, WIRE_CALLER_ROLES_FIELD, &text));
	assert_int_equal(text.len, 0);
	assert_true(wire_next_text(&caller.roles, WIRE_CALLER_ROLES_FIELD, &text));
	assert_text(text, "Prüfer");
	assert_false(wire_next_text(&caller.roles, WIRE_CALLER_ROLES_FIELD, &text));
	assert_true(wire_next_text(&caller.scopes, WIRE_CALLER_SCOPES_FIELD, &text));
	assert_text(text, "read");
	free(vector.bytes);
}

/* What others would merge, or read in two ways, is refused. */
static void refuses_a_caller_that_could_be_read_in_two_ways(void **state)
{
	static const char *const wrong[] = {
		"\x6a\x05\x0a\x03jwt\x6a\x05\x0a\x03jwt", /* two callers */
		"\x6a\x09\x12\x01r\x1a\x01s\x12\x01r",	  /* roles, scopes, roles */
		"\x6a\x02\x10\x01",			  /* a role that is a number */
		"\x6a\x05\x12\x09r",			  /* a role that ends outside */
	};
	static const char good[] = "\x6a\x09\x12\x01r\x12\x01r\x1a\x01s";
	struct wire_request request;
	const char *why;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct wire_bytes body = {(const uint8_t *)wrong[i], strlen(wrong[i])};

		assert_false(wire_get_request(body, &request, &why));
		assert_non_null(why);
	}
	assert_true(wire_get_request((struct wire_bytes){(const uint8_t *)good, strlen(good)},
				     &request, &why));
}

/* ---- protobuf-c ---- */

static void check_packed(const ProtobufCMessageDescriptor *descriptor, struct wire_bytes in)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, NULL, in.len, in.data);
	uint8_t *out = malloc(in.len + 1);

	assert_non_null(message);
	assert_int_equal(protobuf_c_message_get_packed_size(message), in.len);
	protobuf_c_message_pack(message, out);
	assert_memory_equal(out, in.data, in.len);
	free(out);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void check_packed_frame(const struct golden *vector, void *user)
{
	check_packed(&plugd__v1__frame__descriptor, frame_of(vector));
}

static void check_packed_http(const struct golden *vector, void *user)
{
	check_packed(user, bytes_of(vector));
}

static void protobuf_c_writes_what_it_reads(void **state)
{
	each_frame(check_packed_frame);
	golden_each("http_request", check_packed_http,
		    (void *)(uintptr_t)&plugd__http__v1__request__descriptor);
	golden_each("http_response", check_packed_http,
		    (void *)(uintptr_t)&plugd__http__v1__response__descriptor);
}

/* ---- nanopb ---- */

union nano {
	plugd_v1_Frame frame;
	plugd_http_v1_Request request;
	plugd_http_v1_Response response;
};

static void check_nanopb(const pb_msgdesc_t *descriptor, struct wire_bytes in)
{
	union nano *message = calloc(1, sizeof(*message));
	uint8_t *out = malloc(in.len);
	pb_istream_t from = pb_istream_from_buffer(in.data, in.len);
	pb_ostream_t to = pb_ostream_from_buffer(out, in.len);

	if (!pb_decode(&from, descriptor, message))
		fail_msg("nanopb can't read it: %s", PB_GET_ERROR(&from));
	if (!pb_encode(&to, descriptor, message))
		fail_msg("nanopb can't write it: %s", PB_GET_ERROR(&to));
	assert_int_equal(to.bytes_written, in.len);
	assert_memory_equal(out, in.data, in.len);
	free(out);
	free(message);
}

static void check_nanopb_frame(const struct golden *vector, void *user)
{
	check_nanopb(plugd_v1_Frame_fields, frame_of(vector));
}

static void check_nanopb_http(const struct golden *vector, void *user)
{
	check_nanopb(user, bytes_of(vector));
}

static void nanopb_writes_what_it_reads(void **state)
{
	each_frame(check_nanopb_frame);
	golden_each("http_request", check_nanopb_http,
		    (void *)(uintptr_t)plugd_http_v1_Request_fields);
	golden_each("http_response", check_nanopb_http,
		    (void *)(uintptr_t)plugd_http_v1_Response_fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_kind_of_every_frame),
		cmocka_unit_test(hot_codec_and_protobuf_c_agree_on_every_frame),
		cmocka_unit_test(hot_codec_and_protobuf_c_agree_on_http),
		cmocka_unit_test(reads_every_field_of_a_request),
		cmocka_unit_test(reads_all_that_is_known_about_who_asks),
		cmocka_unit_test(refuses_a_caller_that_could_be_read_in_two_ways),
		cmocka_unit_test(protobuf_c_writes_what_it_reads),
		cmocka_unit_test(nanopb_writes_what_it_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
