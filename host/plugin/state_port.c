/* The state of a plugin on its way through the host.
 *
 * Owns the bytes of an export. An exporter that sends too much, damages its state or says that it
 * can't is no violation: the export is spoilt, the rest is dropped, the instance serves on. An
 * importer is fed as its window allows, so that a large state never waits in the channel's queue.
 * Part of an instance, which checks who may say what when. */
#include "plugin/state_port.h"

#include <inttypes.h>
#include <string.h>

#include "observe/errors.h"
#include "plugin/message_frame.h"
#include "plugin/outgoing.h"
#include "proto/plugd.pb-c.h"
#include "trust/digest.h"

void state_port_init(struct state_port *port, struct channel *channel, struct flow *flow,
		     uint32_t max_import_bytes)
{
	*port = (struct state_port){
		.channel = channel, .flow = flow, .max_import_bytes = max_import_bytes};
}

void state_port_deinit(struct state_port *port)
{
	buf_deinit(&port->exported);
	digest_stream_free(port->sum);
}

static void done(struct state_port *port, const struct err *why)
{
	state_done_fn *on_done = port->on_done;

	port->on_done = NULL;
	if (on_done)
		on_done(port->user, why);
}

static void put(struct state_port *port, enum wire_kind kind, const ProtobufCMessage *message)
{
	message_frame_put(channel_queue(port->channel), kind, message);
	channel_note(port->channel, kind, 0, CHANNEL_NO_PAYLOAD);
	channel_queued(port->channel);
}

void state_port_abandon(struct state_port *port)
{
	port->on_done = NULL;
	port->rest = (struct wire_bytes){NULL, 0};
	if (port->exports)
		err_set(&port->spoilt, ERR_PLUGIN_STATE, "nobody waits for it any more");
}

void state_port_break(struct state_port *port, const struct err *why)
{
	struct err told = *why;

	port->exports = port->imports = false;
	told.code = ERR_PLUGIN_STATE;
	done(port, &told);
}

/* ---- out of an instance ---- */

void state_port_export(struct state_port *port, uint32_t format, state_done_fn *on_done, void *user)
{
	Plugd__V1__Export message = PLUGD__V1__EXPORT__INIT;

	port->exports = true;
	port->spoilt = (struct err){0};
	port->on_done = on_done;
	port->user = user;
	buf_consume(&port->exported, buf_len(&port->exported));
	digest_stream_free(port->sum);
	port->sum = digest_stream_new();
	message.format = format;
	put(port, WIRE_EXPORT, &message.base);
}

struct state state_port_exported(const struct state_port *port)
{
	return (struct state){
		.bytes = {buf_front((struct buf *)&port->exported), buf_len(&port->exported)},
		.digest = port->digest};
}

static void spoil(struct state_port *port, const struct err *why)
{
	if (port->spoilt.code != 0)
		return;
	port->spoilt = *why;
	buf_deinit(&port->exported);
}

static void keep(struct state_port *port, struct wire_bytes payload)
{
	struct err err;

	if (buf_len(&port->exported) + payload.len > STATE_MAX_BYTES) {
		err_set(&err, ERR_PLUGIN_STATE, "its state has more than %u bytes",
			STATE_MAX_BYTES);
		spoil(port, &err);
	}
	if (port->spoilt.code != 0)
		return;
	buf_append(&port->exported, payload.data, payload.len);
	if (port->sum)
		digest_stream_add(port->sum, payload.data, payload.len);
}

int state_port_on_state(struct state_port *port, struct wire_bytes body, struct err *err)
{
	struct wire_bytes payload;
	const char *why;
	uint32_t due;

	if (!port->exports)
		return err_set(err, ERR_PROTOCOL_STATE, "STATE without EXPORT");
	if (!wire_get_state(body, &payload, &why))
		return err_set(err, ERR_PROTOCOL_FRAME, "%s in a state", why);
	if (payload.len == 0 || payload.len > port->flow->host.chunk_bytes)
		return err_set(err, ERR_PROTOCOL_FRAME, "a STATE of %zu bytes", payload.len);
	if (!flow_receive(port->flow, (uint32_t)payload.len, &due))
		return err_set(err, ERR_PROTOCOL_WINDOW,
			       "%zu bytes of state; the channel's window has %u left", payload.len,
			       port->flow->recv_credit);
	if (due > 0)
		outgoing_give_credit(port->channel, 0, due);
	keep(port, payload);
	return 0;
}

static bool take_digest(struct state_port *port)
{
	struct digest_stream *sum = port->sum;

	port->sum = NULL;
	return sum && digest_stream_end(sum, &port->digest) == 0;
}

static void check_sum(struct state_port *port, const Plugd__V1__StateEnd *end)
{
	size_t have = buf_len(&port->exported);
	struct err err;

	if (take_digest(port) && end->total_bytes == have && end->sha256.len == DIGEST_BYTES &&
	    memcmp(end->sha256.data, port->digest.bytes, DIGEST_BYTES) == 0)
		return;
	err_set(&err, ERR_PLUGIN_STATE,
		"its state of %zu bytes is not the one of %" PRIu64
		" bytes whose checksum it tells",
		have, end->total_bytes);
	spoil(port, &err);
}

static void settle_export(struct state_port *port, const Plugd__V1__StateEnd *end)
{
	struct err err;

	if (end->error[0]) {
		err_set(&err, ERR_PLUGIN_STATE, "it can't hand its state over: %.300s", end->error);
		redact_err(port->redactor, &err);
		spoil(port, &err);
	} else if (port->spoilt.code == 0) {
		check_sum(port, end);
	}
	done(port, port->spoilt.code ? &port->spoilt : NULL);
}

int state_port_on_state_end(struct state_port *port, struct wire_bytes body, struct err *err)
{
	Plugd__V1__StateEnd *end;

	if (!port->exports)
		return err_set(err, ERR_PROTOCOL_STATE, "STATE_END without EXPORT");
	end = plugd__v1__state_end__unpack(NULL, body.len, body.data);
	if (!end)
		return err_set(err, ERR_PROTOCOL_FRAME, "its STATE_END is not a valid message");
	port->exports = false;
	settle_export(port, end);
	plugd__v1__state_end__free_unpacked(end, NULL);
	return 0;
}

/* ---- into an instance ---- */

static void put_state_end(struct state_port *port)
{
	Plugd__V1__StateEnd end = PLUGD__V1__STATE_END__INIT;

	end.sha256 = (ProtobufCBinaryData){DIGEST_BYTES, (uint8_t *)port->whole->digest.bytes};
	end.total_bytes = port->whole->bytes.len;
	put(port, WIRE_STATE_END, &end.base);
	port->import_said = true;
}

static size_t next_piece(const struct state_port *port)
{
	size_t len = port->rest.len;

	if (len > port->flow->plugin.chunk_bytes)
		len = port->flow->plugin.chunk_bytes;
	return len < port->flow->send_credit ? len : port->flow->send_credit;
}

void state_port_on_credit(struct state_port *port)
{
	size_t len;

	if (!port->imports || port->import_said || !port->on_done)
		return;
	while ((len = next_piece(port)) > 0) {
		struct buf *queue = channel_queue(port->channel);

		buf_commit(queue,
			   wire_put_state_head(buf_reserve(queue, WIRE_STATE_HEAD_BOUND), len));
		port->flow->send_credit -= (uint32_t)len;
		channel_send_payload(port->channel, (struct wire_bytes){port->rest.data, len});
		channel_note(port->channel, WIRE_STATE, 0, CHANNEL_NO_PAYLOAD);
		port->rest.data += len;
		port->rest.len -= len;
	}
	if (port->rest.len == 0)
		put_state_end(port);
}

void state_port_import(struct state_port *port, uint32_t format, const struct state *state,
		       state_done_fn *on_done, void *user)
{
	Plugd__V1__Import message = PLUGD__V1__IMPORT__INIT;
	struct err err;

	port->on_done = on_done;
	port->user = user;
	if (state->bytes.len > port->max_import_bytes) {
		err_set(&err, ERR_PLUGIN_STATE, "the state has %zu bytes; it takes %u",
			state->bytes.len, port->max_import_bytes);
		done(port, &err);
		return;
	}
	port->imports = true;
	port->import_said = false;
	port->whole = state;
	port->rest = state->bytes;
	message.format = format;
	put(port, WIRE_IMPORT, &message.base);
	state_port_on_credit(port);
}

int state_port_on_imported(struct state_port *port, struct wire_bytes body, struct err *err)
{
	Plugd__V1__Imported *imported;
	struct err why;

	if (!port->imports || !port->import_said)
		return err_set(err, ERR_PROTOCOL_STATE, "IMPORTED before the end of an import");
	imported = plugd__v1__imported__unpack(NULL, body.len, body.data);
	if (!imported)
		return err_set(err, ERR_PROTOCOL_FRAME, "its IMPORTED is not a valid message");
	port->imports = false;
	err_set(&why, ERR_PLUGIN_STATE, "it does not take the state: %.300s", imported->error);
	redact_err(port->redactor, &why);
	done(port, imported->error[0] ? &why : NULL);
	plugd__v1__imported__free_unpacked(imported, NULL);
	return 0;
}
