/* The message Caller. Its lists stay encoded, as those of pairs do: who wants one walks along it.
 *
 * Owns nothing; called by host/identity when a principal is made, by wire.c for each request that
 * has one, and by the SDK when a handler asks. */
#include "proto/wire_caller.h"

#include "proto/wire_field.h"

#define CALLER_FIELDS 0x1eu

size_t wire_text_bytes(size_t len)
{
	return 1 + wire_varint_bytes(len) + len;
}

size_t wire_put_text(uint8_t *out, unsigned field, struct wire_bytes text)
{
	uint8_t *at = out;

	*at++ = (uint8_t)WIRE_BYTES_TAG(field);
	at = wire_put_varint(at, text.len);
	return (size_t)(wire_put_raw(at, text) - out);
}

bool wire_next_text(struct wire_bytes *texts, unsigned field, struct wire_bytes *out)
{
	struct wire_reader reader = wire_reader_from(*texts);
	uint32_t tag;
	bool found = false;

	while (!found && wire_read_tag(&reader, &tag)) {
		found = tag == WIRE_BYTES_TAG(field);
		if (found)
			wire_read_bytes(&reader, out);
		else
			wire_read_unknown(&reader, tag, 0);
	}
	*texts = (struct wire_bytes){reader.at, (size_t)(reader.end - reader.at)};
	return found && !reader.why;
}

size_t wire_caller_bytes(const struct wire_caller *caller)
{
	return wire_bytes_bytes(caller->method.len) + caller->roles.len + caller->scopes.len +
	       wire_bytes_bytes(caller->claims.len);
}

size_t wire_put_caller(uint8_t *out, const struct wire_caller *caller)
{
	uint8_t *at = wire_put_bytes(out, 1, caller->method);

	at = wire_put_raw(at, caller->roles);
	at = wire_put_raw(at, caller->scopes);
	at = wire_put_bytes(at, 4, caller->claims);
	return (size_t)(at - out);
}

/* One text of a list: makes *run longer by the whole field. Texts of one list are adjacent, as
 * pairs are. */
static void read_text(struct wire_reader *reader, struct wire_bytes *run)
{
	const uint8_t *field = reader->field;
	struct wire_bytes text;

	wire_read_bytes(reader, &text);
	if (reader->why)
		return;
	if (run->len == 0)
		run->data = field;
	else if (run->data + run->len != field)
		wire_reader_fail(reader, "the texts of a list are not adjacent");
	run->len = (size_t)(reader->at - run->data);
}

bool wire_get_caller(struct wire_bytes body, struct wire_caller *out, const char **why_out)
{
	struct wire_reader reader = wire_reader_from(body);
	uint32_t tag;

	*out = (struct wire_caller){0};
	while (wire_read_tag(&reader, &tag)) {
		switch (tag) {
		case WIRE_BYTES_TAG(1):
			wire_read_bytes(&reader, &out->method);
			break;
		case WIRE_BYTES_TAG(WIRE_CALLER_ROLES_FIELD):
			read_text(&reader, &out->roles);
			break;
		case WIRE_BYTES_TAG(WIRE_CALLER_SCOPES_FIELD):
			read_text(&reader, &out->scopes);
			break;
		case WIRE_BYTES_TAG(4):
			wire_read_bytes(&reader, &out->claims);
			break;
		default:
			wire_read_unknown(&reader, tag, CALLER_FIELDS);
		}
	}
	return wire_reader_end(&reader, why_out);
}
