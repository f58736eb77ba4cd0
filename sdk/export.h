/* The state of this plugin on its way to the instance that takes its place. */
#ifndef PLUG_EXPORT_H
#define PLUG_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"
#include "sdk/plug.h"
#include "sdk/sha256.h"

/*	       EXPORT             no call is live             STATE_END was staged
 *	IDLE ──────────▶ WAITING ─────────────────▶ SENDING ────────────────────────▶ IDLE
 *	                    └── the host gives up ─────▲
 */
enum export_phase { EXPORT_IDLE, EXPORT_WAITING, EXPORT_SENDING };

struct export_piece;

/* What the author writes into. */
struct plug_state_writer {
	struct export_piece *first;
	struct export_piece *last;
	uint64_t total_bytes;
	uint64_t limit_bytes; /* the host's; from HELLO */
	struct sha256 sha;
	int error; /* 0, -ENOMEM, -EFBIG */
};

/* Zeroed is valid, but for the limit. */
struct export
{
	enum export_phase phase;
	uint32_t format;
	struct plug_state_writer state;
	struct plug_verdict verdict; /* not ok: STATE_END tells why, and there is no state */
};

void export_deinit(struct export *export);

/* The frame EXPORT. */
void export_receive(struct plug *plug, struct wire_bytes body);

/* The host wants something else: what was not sent yet is dropped, and STATE_END says why. */
void export_give_up(struct plug *plug, const char *why);

/* Asks the author, as soon as no call is live; then stages what the channel's window allows, and
 * STATE_END behind the last piece. */
void export_pump(struct plug *plug);

/* Whether export_pump() has something to stage now. */
bool export_can_speak(const struct plug *plug);

#endif
