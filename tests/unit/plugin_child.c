/* The plugin that plugin_instance_test and plugin_pool_test start: a script in its arguments, one
 * word a step. At the end of the script it exits with status 0; a frame that isn't the one it waits
 * for ends it with status 90, a missing frame with 91.
 *
 *	hello start drain request response config cancel  read a frame, which must be this one
 *	welcome:SERVICE ready failed:REASON bye    send one
 *	takes:SERVICE  a welcome that takes the feature "config"
 *	accept refuse:REASON    answer the last config; result:SEQ answers another one
 *	answer:TEXT    answer the last request; stream:TEXT only begins to
 *	call:NUMBER    call the host, method NUMBER
 *	print:TEXT     to standard output, which is no frame
 *	if:TEXT WORD   do WORD only if the last frame read has TEXT in it
 *	once:FILE WORD do WORD only if FILE can be made
 *	wait:FIFO      until somebody opens it to write
 *	end            read up to the end of the input
 *	stay           never read again
 *	exit:STATUS */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/plugd.pb-c.h"
#include "proto/wire.h"

static uint8_t frame[1 << 20]; /* the last one that was read, without its prefix */
static size_t frame_len;
static uint32_t request_id; /* of the last request */
static uint32_t config_seq; /* of the last config */

static bool read_exactly(void *to, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(STDIN_FILENO, (uint8_t *)to + done, len - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void write_exactly(const void *data, size_t len)
{
	if (write(STDOUT_FILENO, data, len) != (ssize_t)len)
		_exit(92);
}

/* ---- frames in ---- */

static void note_config(struct wire_bytes body)
{
	Plugd__V1__Config *config = plugd__v1__config__unpack(NULL, body.len, body.data);

	if (!config)
		_exit(90);
	config_seq = config->seq;
	plugd__v1__config__free_unpacked(config, NULL);
}

static void expect(enum wire_kind kind)
{
	struct wire_bytes body;
	struct wire_request request;
	uint8_t prefix[WIRE_PREFIX_BYTES];
	const char *why;

	if (!read_exactly(prefix, sizeof(prefix)))
		_exit(91);
	frame_len = wire_get_prefix(prefix);
	if (frame_len > sizeof(frame) || !read_exactly(frame, frame_len))
		_exit(91);
	if (wire_frame_kind((struct wire_bytes){frame, frame_len}, &body, &why) != kind)
		_exit(90);
	if (kind == WIRE_CONFIG)
		note_config(body);
	if (kind == WIRE_REQUEST && wire_get_request(body, &request, &why))
		request_id = request.id;
}

static void read_to_the_end(void)
{
	static uint8_t bytes[64 << 10];

	while (read(STDIN_FILENO, bytes, sizeof(bytes)) > 0)
		;
}

/* ---- frames out ---- */

static void send_message(enum wire_kind kind, const ProtobufCMessage *message)
{
	static uint8_t bytes[4096];
	size_t len = protobuf_c_message_get_packed_size(message);
	size_t head = wire_put_frame_head(bytes, kind, len);

	protobuf_c_message_pack(message, bytes + head);
	write_exactly(bytes, head + len);
}

/* One service with one method "Do", number 1; needs the host's Info as number 1. */
static void send_welcome(char *service_name, bool takes_config)
{
	static char feature[] = "config";
	Plugd__V1__Welcome welcome = PLUGD__V1__WELCOME__INIT;
	Plugd__V1__Manifest manifest = PLUGD__V1__MANIFEST__INIT;
	Plugd__V1__Service service = PLUGD__V1__SERVICE__INIT;
	Plugd__V1__Method method = PLUGD__V1__METHOD__INIT;
	Plugd__V1__Requirement requirement = PLUGD__V1__REQUIREMENT__INIT;

	method.number = 1;
	method.name = (char *)"Do";
	method.codec = PLUGD__V1__CODEC__BYTES;
	service.name = service_name;
	service.version = (char *)"1.0.0";
	service.methods = &(Plugd__V1__Method *){&method};
	service.n_methods = 1;
	requirement.number = 1;
	requirement.service = (char *)"plugd.host.v1.Host";
	requirement.method = (char *)"Info";
	manifest.provides = &(Plugd__V1__Service *){&service};
	manifest.n_provides = 1;
	manifest.requires = &(Plugd__V1__Requirement *){&requirement};
	manifest.n_requires = 1;
	welcome.version = 1;
	welcome.plugin_name = (char *)"child";
	welcome.plugin_version = (char *)"1.2.3";
	welcome.manifest = &manifest;
	welcome.features = &(char *){feature};
	welcome.n_features = takes_config;
	send_message(WIRE_WELCOME, &welcome.base);
}

static void send_failed(char *reason)
{
	Plugd__V1__Failed failed = PLUGD__V1__FAILED__INIT;

	failed.reason = reason;
	send_message(WIRE_FAILED, &failed.base);
}

static void send_result(uint32_t seq, char *error)
{
	Plugd__V1__ConfigResult result = PLUGD__V1__CONFIG_RESULT__INIT;

	result.seq = seq;
	if (error)
		result.error = error;
	send_message(WIRE_CONFIG_RESULT, &result.base);
}

static void send_empty(enum wire_kind kind)
{
	uint8_t bytes[WIRE_FRAME_HEAD_BOUND];

	write_exactly(bytes, wire_put_frame_head(bytes, kind, 0));
}

static void send_answer(const char *text, bool end)
{
	uint8_t bytes[4096];
	struct wire_response response = {
		.id = request_id, .end = end, .payload = {(const uint8_t *)text, strlen(text)}};
	size_t head = wire_put_response_head(bytes, &response);

	memcpy(bytes + head, text, response.payload.len);
	write_exactly(bytes, head + response.payload.len);
}

static void send_call(uint32_t method)
{
	uint8_t bytes[256];
	struct wire_request request = {.id = 2, .method = method, .end = true};

	write_exactly(bytes, wire_put_request_head(bytes, &request));
}

/* ---- the script ---- */

static _Noreturn void stay(void)
{
	for (;;)
		pause();
}

static bool last_frame_has(const char *text)
{
	return memmem(frame, frame_len, text, strlen(text)) != NULL;
}

static bool can_make(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) >= 0;
}

static void wait_for_writer(const char *fifo)
{
	if (open(fifo, O_RDONLY | O_CLOEXEC) < 0)
		_exit(94);
}

/* How many words to go on: 2 leaves the next one out. */
static int decide(const char *what, const char *argument)
{
	if (strcmp(what, "if") == 0)
		return last_frame_has(argument) ? 1 : 2;
	return can_make(argument) ? 1 : 2;
}

static void send_word(const char *what, char *argument)
{
	if (strcmp(what, "welcome") == 0)
		send_welcome(argument, false);
	else if (strcmp(what, "takes") == 0)
		send_welcome(argument, true);
	else if (strcmp(what, "accept") == 0 || strcmp(what, "refuse") == 0)
		send_result(config_seq, argument);
	else if (strcmp(what, "result") == 0)
		send_result((uint32_t)atoi(argument), NULL);
	else if (strcmp(what, "ready") == 0)
		send_empty(WIRE_READY);
	else if (strcmp(what, "failed") == 0)
		send_failed(argument);
	else if (strcmp(what, "bye") == 0)
		send_empty(WIRE_BYE);
	else if (strcmp(what, "answer") == 0)
		send_answer(argument, true);
	else if (strcmp(what, "stream") == 0)
		send_answer(argument, false);
	else if (strcmp(what, "call") == 0)
		send_call((uint32_t)atoi(argument));
	else if (strcmp(what, "print") == 0)
		write_exactly(argument, strlen(argument));
	else
		_exit(93);
}

static void act(const char *what, char *argument)
{
	static const struct {
		const char *word;
		enum wire_kind kind;
	} frames[] = {{"hello", WIRE_HELLO},	   {"start", WIRE_START},
		      {"drain", WIRE_DRAIN},	   {"request", WIRE_REQUEST},
		      {"response", WIRE_RESPONSE}, {"config", WIRE_CONFIG},
		      {"cancel", WIRE_CANCEL}};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		if (strcmp(frames[i].word, what) == 0) {
			expect(frames[i].kind);
			return;
		}
	}
	if (strcmp(what, "end") == 0)
		read_to_the_end();
	else if (strcmp(what, "exit") == 0)
		_exit(atoi(argument));
	else if (strcmp(what, "stay") == 0)
		stay();
	else if (strcmp(what, "wait") == 0)
		wait_for_writer(argument);
	else
		send_word(what, argument);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc;) {
		char *argument = strchr(argv[i], ':');

		if (argument)
			*argument++ = '\0';
		if (strcmp(argv[i], "if") == 0 || strcmp(argv[i], "once") == 0) {
			i += decide(argv[i], argument);
		} else {
			act(argv[i], argument);
			i++;
		}
	}
	return 0;
}
