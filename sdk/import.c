/* The new instance's part of a state hand-off. Owns the state until on_import has returned: the
 * author sees it only when all of it is there and is what the old instance has written. Called by
 * frames.c in the states that its table allows. What is wrong with a state ends in a sentence in
 * IMPORTED; only a host that breaks the protocol ends the plugin by plug_break(). */
#include "sdk/import.h"

#include <stdlib.h>
#include <string.h>

#include "proto/plugd.pb.h"
#include "sdk/manifest.h"
#include "sdk/proto.h"
#include "sdk/runtime.h"

struct plug_state {
	struct wire_bytes bytes;
	struct parsed_value *value; /* owned; NULL until somebody asks */
};

void import_deinit(struct import *import)
{
	grow_deinit(&import->bytes);
}

struct plug_bytes plug_state_bytes(const struct plug_state *state)
{
	return (struct plug_bytes){state->bytes.len > 0 ? (const void *)state->bytes.data : "",
				   state->bytes.len};
}

const struct plug_value *plug_state_value(struct plug_state *state)
{
	if (state->value == NULL)
		state->value = parsed_value_new(state->bytes.data, state->bytes.len);
	return parsed_value_root(state->value);
}

/* Only the first reason counts; what was kept is of no use any more. */
static void import_refuse(struct import *import, struct plug_verdict verdict)
{
	if (import->verdict.ok)
		import->verdict = verdict;
	grow_deinit(&import->bytes);
}

void import_receive(struct plug *plug, struct wire_bytes body)
{
	struct import *import = &plug->import;
	const struct plug_state_format *format;
	plugd_v1_Import message = plugd_v1_Import_init_zero;

	if (!proto_read(body, plugd_v1_Import_fields, &message)) {
		plug_break(plug, "IMPORT can't be read");
		return;
	}
	plug->state = STATE_IMPORTING;
	*import = (struct import){.format = message.format, .verdict = plug_ok()};
	sha256_init(&import->sha);
	format = manifest_format(plug->plugin, import->format);
	if (format == NULL || format->on_import == NULL)
		import_refuse(import,
			      plug_refuse("the plugin does not read format %u", import->format));
}

static void import_keep(struct import *import, struct wire_bytes piece, uint32_t limit)
{
	import->total_bytes += piece.len;
	if (!import->verdict.ok)
		return;
	if (import->total_bytes > limit)
		import_refuse(import, plug_refuse("the state is larger than the %u bytes that the "
						  "plugin takes",
						  limit));
	else if (!grow_append(&import->bytes, piece.data, piece.len))
		import_refuse(import, plug_refuse("no memory for the state"));
	else
		sha256_add(&import->sha, piece.data, piece.len);
}

void import_receive_state(struct plug *plug, struct wire_bytes body)
{
	struct wire_bytes piece;
	const char *why;

	if (!wire_get_state(body, &piece, &why)) {
		plug_break(plug, "STATE: %s", why);
		return;
	}
	if (!credit_receive_channel(plug, piece.len)) {
		plug_break(plug, "STATE: more bytes than the channel's window allows");
		return;
	}
	import_keep(&plug->import, piece, plug->limits.max_state_bytes);
}

/* Whether what came is what was sent. */
static struct plug_verdict import_check(const struct import *import, const plugd_v1_StateEnd *end,
					const char *error)
{
	struct sha256 sha = import->sha;
	uint8_t digest[SHA256_BYTES];

	if (error != NULL && *error != '\0')
		return plug_refuse("there is no state: %s", error);
	if (!import->verdict.ok)
		return import->verdict;
	if (end->total_bytes != import->total_bytes)
		return plug_refuse("the state is damaged: %llu bytes came of %llu",
				   (unsigned long long)import->total_bytes,
				   (unsigned long long)end->total_bytes);
	sha256_end(&sha, digest);
	if (end->sha256.size != SHA256_BYTES ||
	    memcmp(end->sha256.bytes, digest, SHA256_BYTES) != 0)
		return plug_refuse("the state is damaged: its checksum is another");
	return plug_ok();
}

static struct plug_verdict author_ask(struct plug *plug)
{
	const struct import *import = &plug->import;
	struct plug_state state = {.bytes = {import->bytes.data, import->bytes.len}};
	struct plug_verdict verdict =
		manifest_format(plug->plugin, import->format)->on_import(plug, &state);

	parsed_value_free(state.value);
	return verdict;
}

static void import_answer(struct plug *plug, const struct plug_verdict *verdict)
{
	plugd_v1_Imported imported = plugd_v1_Imported_init_zero;

	if (!verdict->ok) {
		log_stage(plug);
		proto_set_string(&imported.error, verdict->reason);
	}
	if (!proto_say(plug, WIRE_IMPORTED, plugd_v1_Imported_fields, &imported))
		plug_break(plug, "no memory for IMPORTED");
	else
		plug->state = verdict->ok ? STATE_IMPORTED : STATE_REFUSED;
}

void import_receive_end(struct plug *plug, struct wire_bytes body)
{
	plugd_v1_StateEnd end = plugd_v1_StateEnd_init_zero;
	struct plug_verdict verdict;
	char *error = NULL;

	proto_get_string(&end.error, &error);
	if (!proto_read(body, plugd_v1_StateEnd_fields, &end)) {
		plug_break(plug, "STATE_END can't be read");
		free(error);
		return;
	}
	verdict = import_check(&plug->import, &end, error);
	free(error);
	if (verdict.ok)
		verdict = author_ask(plug);
	import_deinit(&plug->import);
	import_answer(plug, &verdict);
}
