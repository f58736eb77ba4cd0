/* A host for the tests of libplug. See sdk_host.h. */
#include "sdk_host.h"

#include <errno.h>
#include <fcntl.h>
#include <pb_encode.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"

/* Longer than anything takes; only a plugin that hangs waits for it. */
#define HOST_PATIENCE_MS 10000

struct wire_bytes bytes_of(const char *text)
{
	return (struct wire_bytes){(const uint8_t *)text, strlen(text)};
}

static int serve_main(const void *arg)
{
	return plug_serve(arg);
}

struct host *host_start(const struct plug_plugin *plugin)
{
	return host_start_main(serve_main, plugin);
}

/* Those that a failed test left behind: not lost, only failed. */
static struct host *hosts;

static void host_forget(struct host *host)
{
	struct host **at = &hosts;

	while (*at != host)
		at = &(*at)->next;
	*at = host->next;
}

static void child_run(int (*child_main)(const void *arg), const void *arg, int in, int out, int err)
{
	signal(SIGPIPE, SIG_DFL);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	exit(child_main(arg));
}

struct host *host_start_main(int (*child_main)(const void *arg), const void *arg)
{
	struct host *host = calloc(1, sizeof(*host));
	int in[2];
	int out[2];
	int err[2];

	assert_non_null(host);
	host->next = hosts;
	hosts = host;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	fflush(NULL);
	host->pid = fork();
	assert_true(host->pid >= 0);
	if (host->pid == 0)
		child_run(child_main, arg, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	host->to = in[1];
	host->from = out[0];
	host->errors = err[0];
	fcntl(host->to, F_SETFL, O_NONBLOCK);
	fcntl(host->from, F_SETFL, O_NONBLOCK);
	return host;
}

/* Reads what is there. False at the end. */
static bool host_read(struct host *host)
{
	uint8_t *to;
	ssize_t n;

	if (host->taken > 0) {
		memmove(host->heard.data, host->heard.data + host->taken,
			host->heard.len - host->taken);
		host->heard.len -= host->taken;
		host->taken = 0;
	}
	to = grow_reserve(&host->heard, 1 << 16);
	assert_non_null(to);
	n = read(host->from, to, 1 << 16);
	if (n > 0)
		host->heard.len += (size_t)n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Writes all, and reads what comes meanwhile, as a host does. */
void host_say_bytes(struct host *host, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		struct pollfd fds[] = {{host->to, POLLOUT, 0}, {host->from, POLLIN, 0}};
		ssize_t n;

		assert_true(poll(fds, 2, HOST_PATIENCE_MS) > 0);
		if (fds[1].revents & POLLIN)
			host_read(host);
		if (fds[0].revents == 0)
			continue;
		n = write(host->to, at, len);
		if (n < 0 && errno == EPIPE)
			return;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

void host_fill(struct host *host, const void *data, size_t len)
{
	const uint8_t *at = data;
	struct pollfd fd = {host->to, POLLOUT, 0};

	/* Nothing more is taken for a while: the plugin is stuck in its own writing, or has all. */
	while (len > 0 && poll(&fd, 1, 200) > 0) {
		ssize_t n = write(host->to, at, len);

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	host_say_bytes(host, at, len);
}

void host_wait_taken(struct host *host)
{
	int waiting = 1;

	while (waiting > 0) {
		assert_int_equal(ioctl(host->to, FIONREAD, &waiting), 0);
		sched_yield();
	}
}

void host_say(struct host *host, enum wire_kind kind, const pb_msgdesc_t *fields,
	      const void *message)
{
	struct grow frame = {0};

	assert_true(proto_put_frame(&frame, kind, fields, message));
	host_say_bytes(host, frame.data, frame.len);
	grow_deinit(&frame);
}

static void say_with_payload(struct host *host, const uint8_t *head, size_t len,
			     struct wire_bytes payload)
{
	struct grow frame = {0};

	assert_true(grow_append(&frame, head, len));
	assert_true(grow_append(&frame, payload.data, payload.len));
	host_say_bytes(host, frame.data, frame.len);
	grow_deinit(&frame);
}

void host_say_request(struct host *host, const struct wire_request *request)
{
	uint8_t head[4096];

	assert_true(wire_request_head_bound(request) <= sizeof(head));
	say_with_payload(host, head, wire_put_request_head(head, request), request->payload);
}

void host_say_data(struct host *host, const struct wire_data *data)
{
	uint8_t head[WIRE_DATA_HEAD_BOUND];

	say_with_payload(host, head, wire_put_data_head(head, data), data->payload);
}

void host_say_cancel(struct host *host, uint32_t id, uint32_t code)
{
	struct wire_cancel cancel = {.id = id, .code = code};
	uint8_t frame[WIRE_CANCEL_BOUND];

	host_say_bytes(host, frame, wire_put_cancel(frame, &cancel));
}

void host_say_credit(struct host *host, uint32_t id, uint32_t bytes)
{
	struct wire_credit credit = {.id = id, .bytes = bytes};
	uint8_t frame[WIRE_CREDIT_BOUND];

	host_say_bytes(host, frame, wire_put_credit(frame, &credit));
}

enum wire_kind host_hear_any(struct host *host, struct wire_bytes *body_out)
{
	for (;;) {
		size_t there = host->heard.len - host->taken;
		uint8_t *at = host->heard.data + host->taken;
		struct pollfd fd = {host->from, POLLIN, 0};
		const char *why = NULL;
		enum wire_kind kind;

		if (there >= WIRE_PREFIX_BYTES &&
		    there - WIRE_PREFIX_BYTES >= wire_get_prefix(at)) {
			struct wire_bytes frame = {at + WIRE_PREFIX_BYTES, wire_get_prefix(at)};

			host->taken += WIRE_PREFIX_BYTES + frame.len;
			kind = wire_frame_kind(frame, body_out, &why);
			if (why != NULL)
				fail_msg("the plugin's frame can't be read: %s", why);
			return kind;
		}
		if (poll(&fd, 1, HOST_PATIENCE_MS) <= 0)
			fail_msg("the plugin says nothing");
		if (!host_read(host))
			return WIRE_NONE;
	}
}

struct wire_bytes host_hear(struct host *host, enum wire_kind kind)
{
	struct wire_bytes body;
	enum wire_kind heard;

	do {
		heard = host_hear_any(host, &body);
	} while (heard != kind && (heard == WIRE_LOG || heard == WIRE_CREDIT));
	if (heard != kind) {
		char *errors = heard == WIRE_NONE ? host_errors(host) : NULL;

		fail_msg("frame of kind %d where %d is expected; stderr: %s", heard, kind,
			 errors != NULL ? errors : "");
	}
	return body;
}

struct wire_response host_hear_response(struct host *host, uint32_t id)
{
	struct wire_response response;
	const char *why;

	if (!wire_get_response(host_hear(host, WIRE_RESPONSE), &response, &why))
		fail_msg("RESPONSE: %s", why);
	assert_int_equal(response.id, id);
	return response;
}

struct wire_data host_hear_data(struct host *host, uint32_t id)
{
	struct wire_data data;
	const char *why;

	if (!wire_get_data(host_hear(host, WIRE_DATA), &data, &why))
		fail_msg("DATA: %s", why);
	assert_int_equal(data.id, id);
	return data;
}

void host_hear_nothing(struct host *host)
{
	plugd_v1_Ping ping = {.seq = 7};

	struct wire_bytes body;
	enum wire_kind kind;

	host_say(host, WIRE_PING, plugd_v1_Ping_fields, &ping);
	do {
		kind = host_hear_any(host, &body);
	} while (kind == WIRE_LOG);
	assert_int_equal(kind, WIRE_PONG);
}

static bool write_bytes(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	const struct host_hello *hello = *arg;

	return hello->config_len == 0 ||
	       (pb_encode_tag_for_field(stream, field) &&
		pb_encode_string(stream, hello->config, hello->config_len));
}

static bool write_value(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	const struct host_secret *secret = *arg;

	return pb_encode_tag_for_field(stream, field) &&
	       pb_encode_string(stream, secret->data, secret->len);
}

static bool write_secrets(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	const struct host_secret *secret = *arg;

	for (; secret != NULL && secret->name != NULL; secret++) {
		plugd_v1_Secret message = plugd_v1_Secret_init_zero;

		proto_set_string(&message.name, secret->name);
		message.value.funcs.encode = write_value;
		message.value.arg = (void *)(uintptr_t)secret;
		if (!pb_encode_tag_for_field(stream, field) ||
		    !pb_encode_submessage(stream, plugd_v1_Secret_fields, &message))
			return false;
	}
	return true;
}

void host_say_hello(struct host *host, const struct host_hello *hello)
{
	static const char *const usual[] = {"unknown-frames", "events", "config", NULL};
	plugd_v1_Hello message = plugd_v1_Hello_init_zero;

	message.versions_count = 1;
	message.versions[0] = 1;
	message.generation = 1;
	message.has_limits = true;
	message.limits = hello->limits;
	proto_set_string(&message.host_version, "test");
	proto_set_string(&message.plugin_name, "tested");
	proto_set_string(&message.instance_id, "tested/1/1");
	proto_set_strings(&message.features, hello->features != NULL ? hello->features : usual);
	message.config.funcs.encode = write_bytes;
	message.config.arg = (void *)(uintptr_t)hello;
	message.secrets.funcs.encode = write_secrets;
	message.secrets.arg = (void *)(uintptr_t)hello->secrets;
	host_say(host, WIRE_HELLO, plugd_v1_Hello_fields, &message);
}

void host_greet(struct host *host, const struct host_hello *hello)
{
	plugd_v1_Start start = plugd_v1_Start_init_zero;

	host_say_hello(host, hello);
	host_hear(host, WIRE_WELCOME);
	host_say(host, WIRE_START, plugd_v1_Start_fields, &start);
	host_hear(host, WIRE_READY);
}

struct host *host_start_ready(const struct plug_plugin *plugin)
{
	static const struct host_hello usual;
	struct host *host = host_start(plugin);

	host_greet(host, &usual);
	return host;
}

void host_call(struct host *host, uint32_t id, uint32_t method, const char *payload,
	       const char *answer)
{
	struct wire_request request = {
		.id = id,
		.method = method,
		.end = true,
		.payload = bytes_of(payload),
	};
	struct wire_response response;

	host_say_request(host, &request);
	response = host_hear_response(host, id);
	assert_int_equal(response.code, 0);
	assert_true(response.end);
	assert_int_equal(response.payload.len, strlen(answer));
	assert_memory_equal(response.payload.data, answer, strlen(answer));
}

/* Until the plugin has closed its end; one that does not is killed. */
static void host_hear_the_end(struct host *host)
{
	struct pollfd fd = {host->from, POLLIN, 0};

	do {
		if (poll(&fd, 1, HOST_PATIENCE_MS) > 0)
			continue;
		kill(host->pid, SIGKILL);
		fail_msg("the plugin does not end");
	} while (host_read(host));
}

int host_wait(struct host *host)
{
	int status;

	host_hear_the_end(host);
	assert_int_equal(waitpid(host->pid, &status, 0), host->pid);
	if (host->to >= 0)
		close(host->to);
	close(host->from);
	close(host->errors);
	grow_deinit(&host->heard);
	host_forget(host);
	free(host);
	if (WIFSIGNALED(status))
		fail_msg("the plugin died of signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

int host_end(struct host *host, bool drain)
{
	plugd_v1_Drain message = {.grace_ms = 1000};

	if (drain) {
		host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &message);
		host_hear(host, WIRE_BYE);
	} else {
		close(host->to);
		host->to = -1;
	}
	return host_wait(host);
}

char *host_errors(struct host *host)
{
	struct grow text = {0};
	char part[1024];
	ssize_t n;

	do {
		n = read(host->errors, part, sizeof(part));
		if (n > 0)
			assert_true(grow_append(&text, part, (size_t)n));
	} while (n > 0);
	assert_true(grow_append(&text, "", 1));
	return (char *)text.data;
}

/* Hears frames until the plugin has given `bytes` back for the call; counts the channel's, too. */
void host_hear_credit(struct host *host, uint32_t id, uint32_t bytes)
{
	struct wire_credit credit;
	const char *why;
	uint32_t heard = 0;

	while (heard < bytes) {
		assert_true(wire_get_credit(host_hear(host, WIRE_CREDIT), &credit, &why));
		if (credit.id == id)
			heard += credit.bytes;
	}
}

/* Says a message of `len` times `c` in chunks, as the call's window allows. */
void host_say_large(struct host *host, uint32_t id, uint32_t method, size_t len, char c)
{
	static uint8_t chunk[WIRE_CHUNK_BYTES];
	size_t window = WIRE_CALL_WINDOW_BYTES;
	size_t said = 0;

	memset(chunk, c, sizeof(chunk));
	while (said < len) {
		size_t n = len - said < sizeof(chunk) ? len - said : sizeof(chunk);
		struct wire_bytes payload = {chunk, n};
		bool end = said + n == len;

		if (window < n) {
			host_hear_credit(host, id, WIRE_CALL_WINDOW_BYTES / 2);
			window += WIRE_CALL_WINDOW_BYTES / 2;
		}
		if (said == 0)
			host_say_request(host, &(struct wire_request){.id = id,
								      .method = method,
								      .more = !end,
								      .end = end,
								      .payload = payload});
		else
			host_say_data(host, &(struct wire_data){.id = id,
								.more = !end,
								.end = end,
								.payload = payload});
		said += n;
		window -= n;
	}
}
