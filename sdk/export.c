/* The old instance's part of a state hand-off. Owns the state between on_export and the pipe: a
 * list of pieces, each freed when it is staged, so that a large state costs its bytes once and no
 * single large block. Called by frames.c, and by serve.c before each write. The
 * plugin goes on serving whatever happens here: everything that fails ends in a sentence in
 * STATE_END, which is said later if there is no memory for it now. */
#include "sdk/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/plugd.pb.h"
#include "sdk/manifest.h"
#include "sdk/proto.h"
#include "sdk/runtime.h"

/* What a piece holds: as much as a frame usually does. */
#define PIECE_BYTES WIRE_CHUNK_BYTES

/* Staged for one write. */
#define BATCH_BYTES (256u << 10)

struct export_piece {
	struct export_piece *next;
	size_t len;
	size_t sent;
	uint8_t data[PIECE_BYTES];
};

static void writer_drop_first(struct plug_state_writer *writer)
{
	struct export_piece *piece = writer->first;

	writer->first = piece->next;
	if (writer->first == NULL)
		writer->last = NULL;
	free(piece);
}

static void writer_clear(struct plug_state_writer *writer)
{
	while (writer->first != NULL)
		writer_drop_first(writer);
}

static void writer_begin(struct plug_state_writer *writer)
{
	writer->total_bytes = 0;
	writer->error = 0;
	sha256_init(&writer->sha);
}

void export_deinit(struct export *export)
{
	writer_clear(&export->state);
}

/* The last piece, if it has room; NULL without memory. */
static struct export_piece *writer_room(struct plug_state_writer *writer)
{
	struct export_piece *piece = writer->last;

	if (piece != NULL && piece->len < PIECE_BYTES)
		return piece;
	piece = malloc(sizeof(*piece));
	if (piece == NULL)
		return NULL;
	piece->next = NULL;
	piece->len = piece->sent = 0;
	if (writer->last != NULL)
		writer->last->next = piece;
	else
		writer->first = piece;
	writer->last = piece;
	return piece;
}

static int writer_fail(struct plug_state_writer *writer, int error)
{
	writer->error = error;
	writer_clear(writer);
	return error;
}

int plug_state_write(struct plug_state_writer *writer, const void *data, size_t len)
{
	const uint8_t *at = data;

	if (writer->error != 0)
		return writer->error;
	if (len > writer->limit_bytes - writer->total_bytes)
		return writer_fail(writer, -EFBIG);
	writer->total_bytes += len;
	sha256_add(&writer->sha, data, len);
	while (len > 0) {
		struct export_piece *piece = writer_room(writer);
		size_t part;

		if (piece == NULL)
			return writer_fail(writer, -ENOMEM);
		part = len < PIECE_BYTES - piece->len ? len : PIECE_BYTES - piece->len;
		memcpy(piece->data + piece->len, at, part);
		piece->len += part;
		at += part;
		len -= part;
	}
	return 0;
}

/* What the author says, unless the state could not be kept. */
static struct plug_verdict author_ask(struct plug *plug, const struct plug_state_format *format)
{
	struct plug_state_writer *writer = &plug->export.state;
	struct plug_verdict verdict = format->on_export(plug, writer);

	if (writer->error == -EFBIG)
		return plug_refuse("the state is larger than the %llu bytes that the host takes",
				   (unsigned long long)writer->limit_bytes);
	if (writer->error != 0)
		return plug_refuse("no memory for the state");
	return verdict;
}

void export_receive(struct plug *plug, struct wire_bytes body)
{
	plugd_v1_Export message = plugd_v1_Export_init_zero;

	if (!proto_read(body, plugd_v1_Export_fields, &message)) {
		plug_break(plug, "EXPORT can't be read");
		return;
	}
	if (plug->export.phase != EXPORT_IDLE) {
		plug_break(plug, "EXPORT may not come before the STATE_END of another one");
		return;
	}
	plug->export.phase = EXPORT_WAITING;
	plug->export.format = message.format;
}

/* No call is live. */
static void export_run(struct plug *plug)
{
	struct export *export = &plug->export;
	const struct plug_state_format *format = manifest_format(plug->plugin, export->format);

	writer_begin(&export->state);
	if (format != NULL && format->on_export != NULL)
		export->verdict = author_ask(plug, format);
	else
		export->verdict =
			plug_refuse("the plugin does not write format %u", export->format);
	if (!export->verdict.ok)
		writer_clear(&export->state);
	export->phase = EXPORT_SENDING;
}

void export_give_up(struct plug *plug, const char *why)
{
	struct export *export = &plug->export;

	if (export->phase == EXPORT_IDLE)
		return;
	writer_clear(&export->state);
	export->verdict = plug_refuse("%s", why);
	export->phase = EXPORT_SENDING;
}

/* False without memory. */
static bool piece_say(struct plug *plug)
{
	struct plug_state_writer *writer = &plug->export.state;
	struct export_piece *piece = writer->first;
	size_t len = piece->len - piece->sent;
	uint8_t *out;
	size_t head;

	if (len > plug->lanes.chunk)
		len = plug->lanes.chunk;
	if (len > plug->lanes.credit)
		len = plug->lanes.credit;
	out = output_reserve(&plug->output, WIRE_STATE_HEAD_BOUND + len);
	if (out == NULL)
		return false;
	head = wire_put_state_head(out, len);
	memcpy(out + head, piece->data + piece->sent, len);
	output_commit(&plug->output, head + len);
	plug->lanes.credit -= (uint32_t)len;
	piece->sent += len;
	if (piece->sent == piece->len)
		writer_drop_first(writer);
	return true;
}

static bool end_say(struct plug *plug)
{
	struct export *export = &plug->export;
	struct sha256 sha = export->state.sha; /* a copy: there may be no memory to say it */
	plugd_v1_StateEnd end = plugd_v1_StateEnd_init_zero;

	if (export->verdict.ok) {
		end.total_bytes = export->state.total_bytes;
		end.sha256.size = SHA256_BYTES;
		sha256_end(&sha, end.sha256.bytes);
	} else {
		proto_set_string(&end.error, export->verdict.reason);
	}
	if (!proto_say(plug, WIRE_STATE_END, plugd_v1_StateEnd_fields, &end))
		return false;
	export->phase = EXPORT_IDLE;
	return true;
}

bool export_can_speak(const struct plug *plug)
{
	return plug->export.phase == EXPORT_SENDING &&
	       (plug->export.state.first == NULL || plug->lanes.credit > 0);
}

void export_pump(struct plug *plug)
{
	if (plug->export.phase == EXPORT_WAITING && plug->calls.live == 0)
		export_run(plug);
	while (export_can_speak(plug) && output_pending(&plug->output) < BATCH_BYTES) {
		bool said = plug->export.state.first != NULL ? piece_say(plug) : end_say(plug);

		if (!said) {
			plug->starved = true;
			return;
		}
	}
}
