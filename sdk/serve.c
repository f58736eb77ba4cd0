/* plug_serve(): the loop. Owns the plug and everything in it. One turn is: read once, deal with
 * every frame, run what became due, write once, and wait only when nothing is there. It goes on
 * reading while it waits to write, and what it holds meanwhile is bounded by the windows: so the
 * two sides can't block each other. Fails by returning 1 with a sentence on stderr; never exits or
 * aborts. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sdk/events.h"
#include "sdk/frames.h"
#include "sdk/life.h"
#include "sdk/manifest.h"
#include "sdk/runtime.h"

/* What may wait to be written beyond the window: small answers to calls that a host keeps making
 * without reading any. */
#define OUTPUT_EXCESS_BYTES (16u << 20)

/* From so many frames in one read on, the next read is tried before waiting. */
#define BUSY_FRAMES 2

/* How long calls and threads may take to end when the host is gone. */
#define END_PATIENCE_MS 1000

/* Until what found no memory is tried again. */
#define STARVED_MS 10

int64_t plug_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t plug_turn_ms(struct plug *plug)
{
	if (plug->turn_ms == 0)
		plug->turn_ms = plug_now_ms();
	return plug->turn_ms;
}

void *plug_user(const struct plug *plug)
{
	return plug->plugin->user;
}

const char *plug_name(const struct plug *plug)
{
	return plug->name != NULL ? plug->name : plug->plugin->name;
}

const char *plug_instance(const struct plug *plug)
{
	return plug->instance != NULL ? plug->instance : "";
}

static void say_by_hand(const struct plug_plugin *plugin)
{
	fprintf(stderr,
		"%s %s is a plugin: plugd starts it and talks to it over stdin and stdout.\n"
		"To try it alone: plugctl check %s\n",
		plugin->name, plugin->version, program_invocation_name);
}

void plug_break(struct plug *plug, const char *format, ...)
{
	va_list args;

	if (plug->state == STATE_ENDED)
		return;
	fprintf(stderr, "%s: ", plug_name(plug));
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	plug->status = plug->state == STATE_GREETING ? 2 : 1;
	if (plug->state == STATE_GREETING)
		say_by_hand(plug->plugin);
	plug->state = STATE_ENDED;
}

static uint32_t limit_of(uint32_t value, uint32_t fallback)
{
	return value > 0 ? value : fallback;
}

static void plug_free(struct plug *plug)
{
	call_table_deinit(&plug->calls);
	output_deinit(&plug->output);
	input_deinit(&plug->input);
	route_table_deinit(&plug->routes);
	inbox_deinit(&plug->inbox);
	pthread_mutex_destroy(&plug->lock);
	config_deinit(&plug->config);
	secrets_deinit(&plug->secrets);
	export_deinit(&plug->export);
	import_deinit(&plug->import);
	free(plug->methods);
	free(plug->instance);
	free(plug->name);
	free(plug);
}

/* NULL without memory or descriptors. */
static struct plug *plug_new(const struct plug_plugin *plugin)
{
	struct plug *plug = calloc(1, sizeof(*plug));
	const struct plug_limits *limits = &plugin->limits;

	if (plug == NULL)
		return NULL;
	if (inbox_init(&plug->inbox) < 0) {
		free(plug);
		return NULL;
	}
	plug->plugin = plugin;
	plug->thread = pthread_self();
	plug->limits = (struct plug_limits){
		.max_message_bytes = limit_of(limits->max_message_bytes, WIRE_MAX_MESSAGE_BYTES),
		.max_calls = limit_of(limits->max_calls, WIRE_MAX_CALLS),
		.call_window_bytes = limit_of(limits->call_window_bytes, WIRE_CALL_WINDOW_BYTES),
		.channel_window_bytes =
			limit_of(limits->channel_window_bytes, WIRE_CHANNEL_WINDOW_BYTES),
		.max_state_bytes = limit_of(limits->max_state_bytes, WIRE_MAX_STATE_BYTES),
	};
	plug->max_frame = WIRE_MAX_FRAME_BYTES;
	plug->channel.window = plug->limits.channel_window_bytes;
	plug->health = plug_healthy();
	pthread_mutex_init(&plug->lock, NULL);
	TAILQ_INIT(&plug->run_queue);
	input_init(&plug->input, -1);
	output_init(&plug->output, -1);
	lanes_init(&plug->lanes, &plug->output, WIRE_CHUNK_BYTES, WIRE_CALL_WINDOW_BYTES,
		   WIRE_CHANNEL_WINDOW_BYTES);
	return plug;
}

/* What other threads want done. */
static void serve_posts(struct plug *plug)
{
	struct post *post = inbox_take(&plug->inbox);

	while (post != NULL) {
		struct post *next = post->next;

		post->run(plug, post);
		post = next;
	}
}

/* Lets all lanes and an export speak, and writes, until nothing is left or the pipe is full. */
static void serve_write(struct plug *plug)
{
	while (plug->state != STATE_ENDED && !plug->output.blocked) {
		log_stage(plug);
		lanes_pump(&plug->lanes);
		export_pump(plug);
		if (output_pending(&plug->output) == 0)
			return;
		if (output_flush(&plug->output) == OUTPUT_GONE)
			plug_break(plug, "the host is gone");
		else if (plug->lanes.ready_count == 0 && !export_can_speak(plug))
			return;
	}
	if (output_pending(&plug->output) > plug->lanes.window + OUTPUT_EXCESS_BYTES)
		plug_break(plug, "the host asks and does not read the answers");
}

/* Everything is answered: says goodbye, and ends when that is written. */
static void serve_drained(struct plug *plug)
{
	if (plug->calls.live > 0 || plug->lanes.ready_count > 0 ||
	    plug->export.phase != EXPORT_IDLE)
		return;
	if (!plug->bye_said) {
		log_stage(plug);
		plug->bye_said = life_bye(plug);
		plug->starved |= !plug->bye_said;
		serve_write(plug);
	}
	if (plug->bye_said && output_pending(&plug->output) == 0 && plug->state != STATE_ENDED) {
		plug->state = STATE_ENDED;
		plug->status = 0;
	}
}

static int serve_timeout(const struct plug *plug)
{
	bool starved = plug->starved || plug->lanes.starved;
	int64_t left = INT32_MAX;

	if (atomic_load(&plug->runnable))
		return 0;
	if (log_waits() && !starved && !plug->output.blocked)
		return 0;
	if (plug->host_calls.next_timeout > 0)
		left = plug->host_calls.next_timeout - plug_now_ms() + 1;
	if (starved && left > STARVED_MS)
		left = STARVED_MS;
	return left >= INT32_MAX ? -1 : left < 0 ? 0 : (int)left;
}

/* Waits until there is something to do. Whether there is something to read. */
static bool serve_wait(struct plug *plug)
{
	struct pollfd fds[] = {
		{.fd = plug->input.fd, .events = POLLIN},
		{.fd = plug->inbox.fd, .events = POLLIN},
		{.fd = plug->output.blocked ? plug->output.fd : -1, .events = POLLOUT},
	};

	if (poll(fds, PLUG_COUNT(fds), serve_timeout(plug)) < 0)
		return false;
	if (fds[2].revents != 0)
		plug->output.blocked = false;
	return fds[0].revents != 0;
}

/* Deals with every frame that is there. */
static void serve_frames(struct plug *plug)
{
	struct wire_bytes frame;
	unsigned count = 0;

	while (plug->state != STATE_ENDED) {
		enum input_result result = input_next(&plug->input, plug->max_frame, &frame);

		if (result == INPUT_MORE)
			break;
		if (result == INPUT_BAD)
			plug_break(plug, "what came over stdin are no frames");
		else
			frame_receive(plug, frame);
		count++;
	}
	plug->busy = count >= BUSY_FRAMES;
}

static void serve_read(struct plug *plug)
{
	ssize_t n = input_fill(&plug->input, plug->max_frame);

	if (n > 0) {
		serve_frames(plug);
		return;
	}
	plug->busy = false;
	if (n == 0)
		plug_break(plug, plug->state == STATE_GREETING ? "nobody says HELLO"
							       : "the host is gone");
	else if (n != -EAGAIN)
		plug_break(plug, "reading from the host: %s", strerror((int)-n));
}

/* Memory ran short in an earlier turn. What waits on a lane or in the log is tried anyway. */
static void serve_starved(struct plug *plug)
{
	plug->starved = false;
	credit_say(plug, 0, &plug->channel);
	calls_say_credit(plug);
	host_calls_say_credit(plug);
}

static void serve_loop(struct plug *plug)
{
	while (plug->state != STATE_ENDED) {
		bool more = !plug->input.drained || plug->busy;

		plug->turn_ms = 0;
		if ((more && !plug->output.blocked) || serve_wait(plug))
			serve_read(plug);
		events_run_queue(plug);
		serve_posts(plug);
		if (plug->starved)
			serve_starved(plug);
		if (plug->host_calls.next_timeout > 0)
			host_calls_expire(plug, plug_now_ms());
		serve_write(plug);
		config_tidy(plug);
		if (plug->state == STATE_DRAINING)
			serve_drained(plug);
	}
}

/* Calls f for all calls that live. */
static unsigned calls_count(struct plug *plug, bool (*is)(struct plug_call *call))
{
	unsigned count = 0;

	for (size_t i = 0; i < CALL_BUCKETS; i++) {
		struct plug_call *call = plug->calls.buckets[i];

		for (; call != NULL; call = call->chain)
			count += is(call) ? 1 : 0;
	}
	return count;
}

/* The author's code is in it, or will be. */
static bool call_is_running(struct plug_call *call)
{
	return call->started && !call->returned;
}

/* Nobody waits for this call any more. */
static bool call_give_notice(struct plug_call *call)
{
	if (call->finished)
		return false;
	if (atomic_load(&call->cancelled) == 0)
		atomic_store(&call->cancelled, PLUG_CANCELLED);
	if (call_is_running(call) && (call_is_stream(call) || call->entry->kind == METHOD_STREAM))
		events_cancel(call, atomic_load(&call->cancelled));
	return true;
}

/* The author still has it. */
static bool call_is_held(struct plug_call *call)
{
	return call_is_running(call) || atomic_load(&call->posts) > 0 ||
	       (call->started && !call->arrived);
}

/* Streams are closed and handlers come back, if they do so soon. */
static void serve_end_calls(struct plug *plug, int64_t until)
{
	(void)calls_count(plug, call_give_notice);
	host_calls_end(plug);
	do {
		struct pollfd posts = {.fd = plug->inbox.fd, .events = POLLIN};

		if (plug->workers != NULL)
			(void)poll(&posts, 1, 10);
		events_run_queue(plug);
		serve_posts(plug);
	} while (calls_count(plug, call_is_running) > 0 && plug_now_ms() < until);
}

/* What somebody still uses is left as it is: the process is about to end. */
static int serve_end(struct plug *plug)
{
	int64_t until = plug_now_ms() + END_PATIENCE_MS;
	int status = plug->status;
	bool stopped;

	plug->state = STATE_ENDED;
	serve_end_calls(plug, until);
	stopped = workers_stop(plug->workers, until - plug_now_ms());
	inbox_close(&plug->inbox);
	serve_posts(plug); /* somebody may wait for what they do */
	log_use(NULL);
	guard_close(&plug->guard);
	if (stopped && calls_count(plug, call_is_held) == 0)
		plug_free(plug);
	return status;
}

/* False: why is on stderr. */
static bool serve_begin(struct plug *plug)
{
	struct plug_verdict verdict = manifest_number(plug);
	int error;

	if (!verdict.ok) {
		fprintf(stderr, "%s: %s\n", plug->plugin->name, verdict.reason);
		return false;
	}
	error = guard_open(&plug->guard);
	if (error < 0) {
		fprintf(stderr, "%s: descriptors 0 and 1: %s\n", plug->plugin->name,
			strerror(-error));
		return false;
	}
	input_init(&plug->input, plug->guard.in);
	output_init(&plug->output, plug->guard.out);
	log_use(plug);
	if (plug->plugin->threads == 0)
		return true;
	plug->workers = workers_start(plug, plug->plugin->threads);
	if (plug->workers == NULL)
		fprintf(stderr, "%s: no threads could be started; handlers run in one\n",
			plug->plugin->name);
	return true;
}

int plug_serve(const struct plug_plugin *plugin)
{
	struct plug_verdict verdict = manifest_check(plugin);
	struct plug *plug;

	if (!verdict.ok) {
		fprintf(stderr, "%s: %s\n", plugin->name != NULL ? plugin->name : "plugin",
			verdict.reason);
		return 2;
	}
	if (isatty(STDIN_FILENO)) {
		say_by_hand(plugin);
		return 2;
	}
	plug = plug_new(plugin);
	if (plug == NULL) {
		fprintf(stderr, "%s: no memory to start\n", plugin->name);
		return 1;
	}
	if (!serve_begin(plug)) {
		plug_free(plug);
		return 2;
	}
	serve_loop(plug);
	return serve_end(plug);
}
