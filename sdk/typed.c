/* Requests and answers as nanopb messages and MessagePack values: between an author's structs and
 * the bytes that calls carry. Owns nothing; what it decodes belongs to the call. Debian's nanopb
 * counts in 16 bits: a bytes or string field above 65 535 bytes needs a callback field, or the
 * bytes themselves. */
#include "sdk/typed.h"

#include <errno.h>
#include <msgpack.h>
#include <pb_decode.h>
#include <pb_encode.h>
#include <stdlib.h>

#include "sdk/answer.h"
#include "sdk/runtime.h"

/* Messages up to this are encoded on the stack, and in one pass. */
#define TYPED_STACK_BYTES 1024

bool plug_decode_into(const struct pb_msgdesc_s *fields, const void *data, size_t len, void *out)
{
	pb_istream_t stream = pb_istream_from_buffer(data, len);

	return pb_decode(&stream, fields, out);
}

bool typed_decode_request(struct plug_call *call)
{
	const struct plug_method *method = call->entry->method;
	pb_istream_t stream;

	if (method == NULL || method->input.fields == NULL || call->entry->kind != METHOD_UNARY)
		return true;
	call->message = calloc(1, method->input.size > 0 ? method->input.size : 1);
	if (call->message == NULL) {
		plug_fail(call, PLUG_RESOURCE_EXHAUSTED, "no memory for the request");
		return false;
	}
	stream = pb_istream_from_buffer(call->request.data, call->request.len);
	if (pb_decode(&stream, method->input.fields, call->message))
		return true;
	plug_fail(call, PLUG_INVALID_ARGUMENT, "the request is no %s: %s", method->input.name,
		  PB_GET_ERROR(&stream));
	return false;
}

const void *plug_request_message(struct plug_call *call, const struct pb_msgdesc_s *fields)
{
	if (call->message != NULL && call->entry->method->input.fields == fields)
		return call->message;
	plug_call_log(call, PLUG_ERROR,
		      "plug_message() asks for a type that the method does not declare");
	return NULL;
}

const struct plug_value *plug_request_value(struct plug_call *call)
{
	if (call->value == NULL)
		call->value = parsed_value_new(call->request.data, call->request.len);
	return parsed_value_root(call->value);
}

/* Encodes into `stack`, or else into memory that the caller frees: *heap_out. False: it does not
 * encode (-EINVAL) or there is no memory (-ENOMEM). */
static int typed_encode(const struct pb_msgdesc_s *fields, const void *message,
			uint8_t stack[TYPED_STACK_BYTES], uint8_t **heap_out, size_t *len_out)
{
	pb_ostream_t stream = pb_ostream_from_buffer(stack, TYPED_STACK_BYTES);

	*heap_out = NULL;
	if (pb_encode(&stream, fields, message)) {
		*len_out = stream.bytes_written;
		return 0;
	}
	if (!pb_get_encoded_size(len_out, fields, message))
		return -EINVAL;
	*heap_out = malloc(*len_out > 0 ? *len_out : 1);
	if (*heap_out == NULL)
		return -ENOMEM;
	stream = pb_ostream_from_buffer(*heap_out, *len_out);
	if (pb_encode(&stream, fields, message))
		return 0;
	free(*heap_out);
	return -EINVAL;
}

struct plug_answer plug_reply_encoded(struct plug_call *call, const struct pb_msgdesc_s *fields,
				      const void *message)
{
	uint8_t stack[TYPED_STACK_BYTES];
	uint8_t *heap;
	size_t len;
	int result = typed_encode(fields, message, stack, &heap, &len);

	if (result == -ENOMEM)
		return plug_fail(call, PLUG_RESOURCE_EXHAUSTED, "no memory for the answer");
	if (result < 0)
		return plug_fail(call, PLUG_INTERNAL, "the answer does not encode");
	if (heap != NULL)
		return plug_reply_take(call, heap, len, free, heap);
	return plug_reply(call, stack, len);
}

int plug_send_encoded(struct plug_call *call, const struct pb_msgdesc_s *fields,
		      const void *message)
{
	uint8_t stack[TYPED_STACK_BYTES];
	uint8_t *heap;
	size_t len;
	int result = typed_encode(fields, message, stack, &heap, &len);

	if (result < 0)
		return result;
	result = plug_send(call, heap != NULL ? heap : stack, len);
	free(heap);
	return result;
}

struct plug_answer plug_reply_msgpack(struct plug_call *call, const struct msgpack_sbuffer *buffer)
{
	return plug_reply(call, buffer->data, buffer->size);
}

int plug_send_msgpack(struct plug_call *call, const struct msgpack_sbuffer *buffer)
{
	return plug_send(call, buffer->data, buffer->size);
}
