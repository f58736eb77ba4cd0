/* The first words between host and plugin: HELLO is written, WELCOME is judged. Pure. */
#ifndef PLUGD_PLUGIN_HANDSHAKE_H
#define PLUGD_PLUGIN_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "plugin/manifest.h"
#include "plugin/secrets.h"
#include "proto/wire.h"

/* What each side accepts; proto/plugd.proto says what the fields mean. Never 0 here. */
struct handshake_limits {
	uint32_t max_frame_bytes;
	uint32_t chunk_bytes;
	uint32_t call_window_bytes;
	uint32_t channel_window_bytes;
	uint32_t max_calls;
	uint32_t max_message_bytes;
	uint32_t max_state_bytes;
};

struct handshake_hello {
	const char *host_version;
	const char *plugin_name;
	const char *instance_id;
	uint32_t generation;
	struct handshake_limits limits;
	const uint8_t *config; /* one MessagePack map; NULL: none */
	size_t config_len;
	const struct secrets *secrets; /* NULL: none */
};

struct handshake_welcome {
	uint32_t features;		/* bits of enum rules_feature */
	struct handshake_limits limits; /* of the plugin, with the defaults filled in */
	struct manifest *manifest;	/* owned by the caller */
};

/* The defaults of the protocol. */
struct handshake_limits handshake_default_limits(void);

/* The frame HELLO, which may carry secrets. Returns owned. */
struct secret handshake_seal_hello(const struct handshake_hello *hello);

/* Append the frames START and DRAIN. */
void handshake_put_start(struct buf *out);
void handshake_put_drain(struct buf *out, uint32_t grace_ms);

/* Judges the body of a WELCOME. 0 with *out filled (its manifest is the caller's), or -EINVAL with
 * *err saying what is wrong with it. */
int handshake_take_welcome(struct wire_bytes body, struct handshake_welcome *out, struct err *err);

/* The reason in a FAILED, fit for a log; "" when there is none. `out` holds `size` bytes. */
void handshake_take_failed(struct wire_bytes body, char *out, size_t size);

#endif
