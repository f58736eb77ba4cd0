/* The hot codec against protobuf-c on messages that nobody thought of: seeded, so that a failure
 * comes again. Whole messages first; then the same with a few bytes changed, where both must agree
 * on what is still read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/http.pb-c.h"
#include "proto/plugd.pb-c.h"
#include "proto/wire_caller.h"
#include "proto/wire_http.h"
#include "tests/golden/agree.h"

#define ROUNDS	  3000
#define MUTATIONS 8
#define POOL	  (80u << 10)

struct random {
	uint64_t state;
	uint8_t pool[POOL]; /* letters: what strings and payloads are made of */
	uint8_t pairs[4096];
	size_t pairs_len;
};

/* splitmix64 */
static uint64_t next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(struct random *random, size_t limit)
{
	return next(random) % limit;
}

static int setup(void **state)
{
	struct random *random = calloc(1, sizeof(*random));

	random->state = 1;
	for (size_t i = 0; i < POOL; i++)
		random->pool[i] = (uint8_t)('a' + below(random, 26));
	*state = random;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Numbers of all lengths as varints, 0 often. */
static uint32_t number(struct random *random)
{
	return below(random, 3) == 0 ? 0 : (uint32_t)(next(random) >> (32 + below(random, 32)));
}

static bool flag(struct random *random)
{
	return next(random) & 1;
}

static struct wire_bytes bytes(struct random *random, size_t max)
{
	size_t len = below(random, 3) == 0 ? 0 : below(random, max);

	return (struct wire_bytes){random->pool + below(random, POOL - max), len};
}

/* Around the lengths where one more byte is needed, too. */
static struct wire_bytes payload(struct random *random)
{
	static const uint32_t edges[] = {0, 1, 127, 128, 129, 16383, 16384, 65536};

	if (flag(random))
		return bytes(random, 200);
	return (struct wire_bytes){random->pool,
				   edges[below(random, sizeof(edges) / sizeof(edges[0]))]};
}

static struct wire_bytes pairs(struct random *random, unsigned field)
{
	uint8_t *start = random->pairs + random->pairs_len;
	size_t count = below(random, 4), len = 0;

	for (size_t i = 0; i < count; i++) {
		struct wire_bytes name = bytes(random, 20), value = bytes(random, 150);
		size_t written = wire_put_pair(start + len, field, name, value);

		assert_int_equal(written, wire_pair_bytes(name.len, value.len));
		len += written;
	}
	random->pairs_len += len;
	return (struct wire_bytes){start, len};
}

static struct wire_bytes texts(struct random *random, unsigned field)
{
	uint8_t *start = random->pairs + random->pairs_len;
	size_t count = below(random, 4), len = 0;

	for (size_t i = 0; i < count; i++) {
		struct wire_bytes text = bytes(random, 40);
		size_t written = wire_put_text(start + len, field, text);

		assert_int_equal(written, wire_text_bytes(text.len));
		len += written;
	}
	random->pairs_len += len;
	return (struct wire_bytes){start, len};
}

static struct wire_bytes caller(struct random *random)
{
	struct wire_caller caller = {
		.method = bytes(random, 10),
		.roles = texts(random, WIRE_CALLER_ROLES_FIELD),
		.scopes = texts(random, WIRE_CALLER_SCOPES_FIELD),
		.claims = bytes(random, 150),
	};
	uint8_t *start = random->pairs + random->pairs_len;
	size_t len = wire_put_caller(start, &caller);

	assert_int_equal(len, wire_caller_bytes(&caller));
	random->pairs_len += len;
	return (struct wire_bytes){start, len};
}

/* A message in memory of exactly its size. */
struct made {
	uint8_t *data;
	size_t len;
};

static struct made join(size_t bound, size_t (*put)(uint8_t *out, const void *message),
			const void *message, struct wire_bytes tail)
{
	uint8_t *head = malloc(bound + 1);
	size_t head_len = put(head, message);
	struct made made = {malloc(head_len + tail.len + 1), head_len + tail.len};

	assert_true(head_len <= bound);
	memcpy(made.data, head, head_len);
	memcpy(made.data + head_len, tail.data, tail.len);
	free(head);
	return made;
}

static size_t put_request(uint8_t *out, const void *message)
{
	return wire_put_request_head(out, message);
}

static size_t put_response(uint8_t *out, const void *message)
{
	return wire_put_response_head(out, message);
}

static size_t put_data(uint8_t *out, const void *message)
{
	return wire_put_data_head(out, message);
}

static size_t put_state(uint8_t *out, const void *message)
{
	const struct wire_bytes *state = message;

	return wire_put_state_head(out, state->len);
}

static size_t put_http_request(uint8_t *out, const void *message)
{
	return wire_put_http_request_head(out, message);
}

static size_t put_http_response(uint8_t *out, const void *message)
{
	return wire_put_http_response_head(out, message);
}

static struct made make_request(struct random *random)
{
	struct wire_request request = {
		.id = number(random),
		.method = number(random),
		.timeout_ms = number(random),
		.attempt = number(random),
		.more = flag(random),
		.end = flag(random),
		.idempotency_key = bytes(random, 40),
		.trace_parent = bytes(random, 60),
		.trace_state = bytes(random, 200),
		.tenant = bytes(random, 20),
		.principal = bytes(random, 20),
		.metadata = pairs(random, WIRE_REQUEST_METADATA_FIELD),
		.caller = caller(random),
		.payload = payload(random),
	};

	return join(wire_request_head_bound(&request), put_request, &request, request.payload);
}

static struct made make_response(struct random *random)
{
	struct wire_response response = {
		.id = number(random),
		.code = number(random),
		.retry_after_ms = number(random),
		.not_processed = flag(random),
		.more = flag(random),
		.end = flag(random),
		.message = bytes(random, 200),
		.details = bytes(random, 200),
		.metadata = pairs(random, WIRE_RESPONSE_METADATA_FIELD),
		.payload = payload(random),
	};

	return join(wire_response_head_bound(&response), put_response, &response, response.payload);
}

static struct made make_data(struct random *random)
{
	struct wire_data data = {number(random), flag(random), flag(random), payload(random)};

	return join(WIRE_DATA_HEAD_BOUND, put_data, &data, data.payload);
}

static struct made make_cancel(struct random *random)
{
	struct wire_cancel cancel = {number(random), number(random), bytes(random, 200)};
	struct made made = {malloc(WIRE_CANCEL_BOUND + cancel.reason.len), 0};

	made.len = wire_put_cancel(made.data, &cancel);
	return made;
}

static struct made make_credit(struct random *random)
{
	struct wire_credit credit = {number(random), number(random)};
	struct made made = {malloc(WIRE_CREDIT_BOUND), 0};

	made.len = wire_put_credit(made.data, &credit);
	return made;
}

static struct made make_state(struct random *random)
{
	struct wire_bytes state = payload(random);

	return join(WIRE_STATE_HEAD_BOUND, put_state, &state, state);
}

static struct made make_http_request(struct random *random)
{
	struct wire_http_request request = {
		.method = bytes(random, 8),
		.path = bytes(random, 200),
		.query = bytes(random, 200),
		.route = bytes(random, 30),
		.params = pairs(random, WIRE_HTTP_PARAMS_FIELD),
		.scheme = bytes(random, 6),
		.authority = bytes(random, 30),
		.peer = bytes(random, 30),
		.request_id = bytes(random, 30),
		.headers = pairs(random, WIRE_HTTP_REQUEST_HEADERS_FIELD),
		.content_length = next(random) >> below(random, 64),
		.has_content_length = flag(random),
		.body = payload(random),
	};

	return join(wire_http_request_head_bound(&request), put_http_request, &request,
		    request.body);
}

static struct made make_http_response(struct random *random)
{
	struct wire_http_response response = {
		.status = number(random),
		.headers = pairs(random, WIRE_HTTP_RESPONSE_HEADERS_FIELD),
		.body = payload(random),
	};

	return join(wire_http_response_head_bound(&response), put_http_response, &response,
		    response.body);
}

static const struct {
	struct made (*make)(struct random *random);
	const ProtobufCMessageDescriptor *descriptor;
	enum agree_message message; /* of those that are no frames */
} rows[] = {
	{make_request, &plugd__v1__frame__descriptor, AGREE_MESSAGES},
	{make_response, &plugd__v1__frame__descriptor, AGREE_MESSAGES},
	{make_data, &plugd__v1__frame__descriptor, AGREE_MESSAGES},
	{make_cancel, &plugd__v1__frame__descriptor, AGREE_MESSAGES},
	{make_credit, &plugd__v1__frame__descriptor, AGREE_MESSAGES},
	{make_state, &plugd__v1__frame__descriptor, AGREE_MESSAGES},
	{make_http_request, &plugd__http__v1__request__descriptor, AGREE_HTTP_REQUEST},
	{make_http_response, &plugd__http__v1__response__descriptor, AGREE_HTTP_RESPONSE},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Without the prefix, in memory of exactly its size again. */
static struct made make(struct random *random, size_t row)
{
	struct made made;
	size_t prefix = rows[row].message == AGREE_MESSAGES ? WIRE_PREFIX_BYTES : 0;

	random->pairs_len = 0;
	made = rows[row].make(random);
	made.len -= prefix;
	if (prefix)
		assert_int_equal(wire_get_prefix(made.data), made.len);
	memmove(made.data, made.data + prefix, made.len);
	made.data = realloc(made.data, made.len + 1);
	return made;
}

static const char *difference(size_t row, struct made made, struct random *random)
{
	struct wire_bytes in = {made.data, made.len};
	const char *diff;

	if (rows[row].message == AGREE_MESSAGES)
		return agree_on_frame(in);
	diff = agree_on_message(rows[row].message, in);
	if (!diff && rows[row].message == AGREE_HTTP_RESPONSE)
		diff = agree_on_http_part(in, below(random, in.len + 1));
	return diff;
}

/* protobuf-c reads the bytes and writes the very same. */
static void assert_canonical(size_t row, struct made made)
{
	ProtobufCMessage *message =
		protobuf_c_message_unpack(rows[row].descriptor, NULL, made.len, made.data);
	uint8_t *out = malloc(made.len + 1);

	assert_non_null(message);
	assert_int_equal(protobuf_c_message_get_packed_size(message), made.len);
	protobuf_c_message_pack(message, out);
	assert_memory_equal(out, made.data, made.len);
	free(out);
	protobuf_c_message_free_unpacked(message, NULL);
}

static void writes_what_protobuf_c_writes(void **state)
{
	struct random *random = *state;

	for (size_t i = 0; i < ROUNDS * ROWS; i++) {
		struct made made = make(random, i % ROWS);
		const char *diff = difference(i % ROWS, made, random);

		if (diff)
			fail_msg("round %zu: %s", i, diff);
		assert_canonical(i % ROWS, made);
		free(made.data);
	}
}

/* Mostly near the front, where tags and lengths are. */
static void mutate(struct random *random, struct made *made)
{
	size_t at = below(random, made->len < 64 ? made->len : 64);

	switch (below(random, 4)) {
	case 0:
		made->data[at] ^= (uint8_t)(1u << below(random, 8));
		break;
	case 1:
		made->data[at] = (uint8_t)next(random);
		break;
	case 2:
		memmove(made->data + at, made->data + at + 1, made->len - at - 1);
		made->len--;
		break;
	default:
		made->len = at;
	}
	made->data = realloc(made->data, made->len + 1);
}

static void reads_what_protobuf_c_reads_of_damaged_messages(void **state)
{
	struct random *random = *state;

	for (size_t i = 0; i < ROUNDS * ROWS; i++) {
		struct made made = make(random, i % ROWS);

		for (int k = 0; k < MUTATIONS && made.len > 0; k++) {
			const char *diff;

			mutate(random, &made);
			diff = difference(i % ROWS, made, random);
			if (diff)
				fail_msg("round %zu, mutation %d: %s", i, k, diff);
		}
		free(made.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_what_protobuf_c_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_what_protobuf_c_reads_of_damaged_messages,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
