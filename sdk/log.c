/* Lines for the host's log. plug_log() encodes a LOG frame into a small buffer, from any thread;
 * the home thread stages what is there once per turn. A host that does not read never makes the
 * plugin wait: lines beyond the buffer are counted, and the next one that gets through says how
 * many.
 *
 * The one global of the library is here, on purpose: a line is worth most in code that was never
 * handed a plug, deep in somebody's library. Only one plug_serve() runs at a time. */
#include "sdk/log.h"

#include <inttypes.h>
#include <pb_encode.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/plugd.pb.h"
#include "sdk/proto.h"
#include "sdk/runtime.h"

#define LOG_LINE_BYTES	 4096
#define LOG_BUFFER_BYTES (64u << 10)

/* While more than this waits to be written, lines wait too. */
#define LOG_OUTPUT_BYTES (64u << 10)

static struct {
	pthread_mutex_t lock;
	struct plug *plug;
	struct grow frames; /* encoded LOG frames */
	atomic_bool any;    /* there are some: to be read without the lock */
	uint64_t lost;	    /* lines, since the last one that was kept */
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* With the lock. */
static bool sink_put(enum plug_log_level level, const char *text, uint32_t call_id)
{
	plugd_v1_Log line = plugd_v1_Log_init_zero;

	if (sink.frames.len > LOG_BUFFER_BYTES)
		return false;
	line.level = (plugd_v1_LogLevel)level;
	line.call_id = call_id;
	proto_set_string(&line.message, text);
	if (!proto_put_frame(&sink.frames, WIRE_LOG, plugd_v1_Log_fields, &line))
		return false;
	atomic_store(&sink.any, true);
	return true;
}

/* With the lock: says how many lines are missing here. */
static void sink_confess(void)
{
	char text[64];

	if (sink.lost == 0)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " log lines were lost", sink.lost);
	if (sink_put(PLUG_WARN, text, 0))
		sink.lost = 0;
}

static void log_line(enum plug_log_level level, uint32_t call_id, const char *format, va_list args)
	PLUG_PRINTF(3, 0);

static void log_line(enum plug_log_level level, uint32_t call_id, const char *format, va_list args)
{
	char text[LOG_LINE_BYTES];
	bool first;

	vsnprintf(text, sizeof(text), format, args);
	pthread_mutex_lock(&sink.lock);
	if (sink.plug == NULL) {
		fprintf(stderr, "%s\n", text);
		pthread_mutex_unlock(&sink.lock);
		return;
	}
	first = sink.frames.len == 0;
	if (sink.lost > 0 || !sink_put(level, text, call_id))
		sink.lost++;
	if (first && !plug_is_home(sink.plug))
		inbox_wake(&sink.plug->inbox);
	pthread_mutex_unlock(&sink.lock);
}

void plug_vlog(enum plug_log_level level, const char *format, va_list args)
{
	log_line(level, 0, format, args);
}

void plug_log(enum plug_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, 0, format, args);
	va_end(args);
}

void plug_call_log(const struct plug_call *call, enum plug_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, call->lane.id, format, args);
	va_end(args);
}

void log_use(struct plug *plug)
{
	pthread_mutex_lock(&sink.lock);
	sink.plug = plug;
	sink.lost = 0;
	grow_deinit(&sink.frames);
	atomic_store(&sink.any, false);
	pthread_mutex_unlock(&sink.lock);
}

/* With the lock. */
static bool sink_stage(struct output *output)
{
	uint8_t *out = output_reserve(output, sink.frames.len);

	if (out == NULL)
		return false;
	memcpy(out, sink.frames.data, sink.frames.len);
	output_commit(output, sink.frames.len);
	sink.frames.len = 0;
	atomic_store(&sink.any, false);
	return true;
}

void log_stage(struct plug *plug)
{
	if (!atomic_load(&sink.any) || output_pending(&plug->output) > LOG_OUTPUT_BYTES)
		return;
	pthread_mutex_lock(&sink.lock);
	if (!sink_stage(&plug->output)) {
		plug->starved = true;
	} else if (sink.lost > 0) {
		sink_confess();
		(void)sink_stage(&plug->output);
	}
	pthread_mutex_unlock(&sink.lock);
}

bool log_waits(void)
{
	return atomic_load(&sink.any);
}
