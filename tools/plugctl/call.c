/* `plugctl call`: one call of one method through a running host.
 *
 * Asks the host which codec the method speaks, so that JSON can stand for MessagePack both ways;
 * everything else goes and comes as it is. The answer alone is on standard output; how the call
 * went is on standard error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/member.h"
#include "base/str.h"
#include "base/units.h"
#include "client.h"
#include "observe/errors.h"
#include "output.h"
#include "payload.h"
#include "slurp.h"
#include "subcommand.h"

#define PAYLOAD_BYTES ((size_t)16 << 20)

const struct arg_option call_options[] = {
	{"data", 'd', "TEXT", "the payload"},
	{"file", 'f', "PATH", "a file with the payload; - is standard input"},
	{"timeout", 't', "DURATION", "give up after, for example, 500ms [the plugin's own]"},
	{"raw", 'r', NULL, "send and print the payload's bytes as they are"},
	{"verbose", 'v', NULL, "tell on standard error who answered, and how long it took"},
	{NULL},
};

struct order {
	struct str service;
	struct str method;
	int64_t timeout_ms; /* 0: the plugin's */
	bool is_raw;
	bool is_verbose;
};

/* ---- what goes ---- */

static bool take_order(const struct args *args, struct order *order)
{
	const char *name = args->operands[0];
	const char *slash = strrchr(name, '/');
	const char *timeout = args_value(args, "timeout");

	*order = (struct order){
		.is_raw = args_has(args, "raw"),
		.is_verbose = args_has(args, "verbose"),
	};
	if (!slash || slash == name || !slash[1])
		return usage_error("\"%s\" is not <service>/<method>", name), false;
	order->service = (struct str){name, (size_t)(slash - name)};
	order->method = str_from(slash + 1);
	if (timeout && (!units_parse_duration_ms(str_from(timeout), &order->timeout_ms) ||
			order->timeout_ms == 0))
		return usage_error("\"%s\" is no duration; write 500ms, 3s or 1m", timeout), false;
	if (args->operand_count == 2 && strcmp(args->operands[1], "-") != 0)
		return usage_error("the payload comes by --data, --file or standard input (-)"),
		       false;
	return true;
}

/* A terminal or /dev/null has no payload; a pipe or a file has. */
static bool is_stdin_given(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode));
}

static int read_payload(const struct args *args, struct buf *out, struct err *err)
{
	const char *data = args_value(args, "data");
	const char *file = args_value(args, "file");

	if (args->operand_count == 2)
		file = "-";
	if (!data && !file && is_stdin_given())
		file = "-";
	if (data)
		buf_append(out, data, strlen(data));
	return data || !file ? 0 : slurp(file, PAYLOAD_BYTES, out, err);
}

/* ---- which codec ---- */

static const char *codec_in(const json_t *plugin, const struct order *order)
{
	json_t *service;
	json_t *method;
	size_t i;
	size_t j;

	json_array_foreach (json_object_get(plugin, "services"), i, service) {
		if (!str_eq(str_from(output_member(service, "name")), order->service))
			continue;
		json_array_foreach (json_object_get(service, "methods"), j, method) {
			if (str_eq(str_from(output_member(method, "name")), order->method))
				return output_member(method, "codec");
		}
	}
	return NULL;
}

/* A method that nobody provides is no failure here: the call will say it better. */
static int find_codec(struct client *client, const struct order *order, bool *is_msgpack_out,
		      struct err *err)
{
	const char *codec = NULL;
	json_t *plugins;
	size_t i;
	int r = client_ask(client, "plugins", NULL, &plugins, err);

	if (r < 0)
		return r;
	for (i = 0; i < json_array_size(plugins) && !codec; i++)
		codec = codec_in(json_array_get(plugins, i), order);
	*is_msgpack_out = codec && strcmp(codec, "msgpack") == 0;
	json_decref(plugins);
	return 0;
}

static int encode_payload(struct client *client, const struct order *order, struct buf *payload,
			  struct err *err)
{
	struct buf packed = {0};
	bool is_msgpack;
	int r;

	if (order->is_raw || buf_len(payload) == 0)
		return 0;
	r = find_codec(client, order, &is_msgpack, err);
	if (r < 0 || !is_msgpack)
		return r;
	r = payload_from_json((struct str){(const char *)buf_front(payload), buf_len(payload)},
			      &packed, err);
	buf_deinit(payload);
	*payload = packed;
	return r;
}

/* ---- the call ---- */

static json_t *call_args(const struct order *order, const struct buf *payload)
{
	struct buf text = {0};
	json_t *args = json_object();

	base64_put(&text, buf_front(payload), buf_len(payload));
	member_str(args, "service", order->service);
	member_str(args, "method", order->method);
	member_str(args, "payload", (struct str){(const char *)buf_front(&text), buf_len(&text)});
	if (order->timeout_ms)
		member_int(args, "timeout_ms", order->timeout_ms);
	buf_deinit(&text);
	return args;
}

static int ask(const struct plugctl *plugctl, const struct order *order, struct buf *payload,
	       json_t **result_out, struct err *err)
{
	struct client client;
	int r = client_open(&client, plugctl->socket, err);

	if (r < 0)
		return r;
	r = encode_payload(&client, order, payload, err);
	if (r == 0)
		r = client_ask(&client, "call", call_args(order, payload), result_out, err);
	client_close(&client);
	return r;
}

/* ---- what came ---- */

static bool is_codec(const json_t *result, const char *name)
{
	return strcmp(output_member(result, "codec"), name) == 0;
}

static int decode(const json_t *message, struct buf *out, struct err *err)
{
	struct str text = {json_string_value(message), json_string_length(message)};

	if (!base64_take(out, text))
		return err_set(err, ERR_ADMIN_SOCKET, "the host's reply has a damaged payload");
	return 0;
}

static int print_msgpack(const struct buf *bytes, struct err *err)
{
	json_t *value;
	int r = payload_to_json(buf_front(bytes), buf_len(bytes), &value, err);

	if (r < 0)
		return r;
	json_dumpf(value, stdout, JSON_ENCODE_ANY);
	putchar('\n');
	json_decref(value);
	return 0;
}

static int print_message(const json_t *result, const json_t *message, bool is_raw, struct err *err)
{
	struct buf bytes = {0};
	int r = decode(message, &bytes, err);

	if (r == 0 && !is_raw && is_codec(result, "msgpack"))
		r = print_msgpack(&bytes, err);
	else if (r == 0)
		fwrite(buf_front(&bytes), 1, buf_len(&bytes), stdout);
	if (r == 0 && ((!is_raw && is_codec(result, "json")) || isatty(STDOUT_FILENO)))
		putchar('\n');
	buf_deinit(&bytes);
	return r;
}

static int print_messages(const json_t *result, bool is_raw, struct err *err)
{
	json_t *message;
	size_t i;
	int r = 0;

	json_array_foreach (json_object_get(result, "messages"), i, message) {
		if (r == 0)
			r = print_message(result, message, is_raw, err);
	}
	return r;
}

/* In the reply itself, payloads that are JSON or can be shown as JSON take the place of their
 * base64. */
static int unfold_messages(json_t *result, struct err *err)
{
	json_t *messages = json_object_get(result, "messages");
	bool is_msgpack = is_codec(result, "msgpack");
	json_t *message;
	size_t i;
	int r = 0;

	if (!is_msgpack && !is_codec(result, "json"))
		return 0;
	json_array_foreach (messages, i, message) {
		struct buf bytes = {0};
		json_t *value = NULL;

		r = decode(message, &bytes, err);
		if (r == 0 && is_msgpack)
			r = payload_to_json(buf_front(&bytes), buf_len(&bytes), &value, err);
		else if (r == 0)
			value = json_loadb((const char *)buf_front(&bytes), buf_len(&bytes),
					   JSON_DECODE_ANY, NULL);
		if (value)
			json_array_set_new(messages, i, value);
		buf_deinit(&bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

static void tell(const json_t *result)
{
	char queued[OUTPUT_TEXT];
	char took[OUTPUT_TEXT];
	json_t *pair;
	size_t i;

	fprintf(stderr, "%s from %s: queued %s, plugin %s\n", output_member(result, "outcome"),
		output_member(result, "instance"),
		output_us(queued, output_number(result, "queue_us")),
		output_us(took, output_number(result, "plugin_us")));
	json_array_foreach (json_object_get(result, "metadata"), i, pair)
		fprintf(stderr, "%s: %s\n", output_member(pair, "name"),
			output_member(pair, "value"));
}

static enum exit_status finish(const struct plugctl *plugctl, const struct order *order,
			       json_t *result)
{
	bool is_ok = strcmp(output_member(result, "outcome"), "OK") == 0;
	struct err err;
	int r;

	if (plugctl->is_json) {
		r = order->is_raw ? 0 : unfold_messages(result, &err);
		output_json(result);
	} else {
		r = print_messages(result, order->is_raw, &err);
	}
	if (order->is_verbose)
		tell(result);
	if (r == 0 && !is_ok)
		err_set(&err, 0, "the call ended with %s: %s", output_member(result, "outcome"),
			output_member(result, "message"));
	if (r < 0 || !is_ok)
		output_error(&err);
	return r < 0 || !is_ok ? STATUS_FAILED : STATUS_OK;
}

enum exit_status run_call(const struct plugctl *plugctl, const struct args *args)
{
	enum exit_status status = STATUS_FAILED;
	struct buf payload = {0};
	struct order order;
	json_t *result;
	struct err err;

	if (!take_order(args, &order))
		return STATUS_USAGE;
	if (read_payload(args, &payload, &err) < 0 ||
	    ask(plugctl, &order, &payload, &result, &err) < 0) {
		output_error(&err);
	} else {
		status = finish(plugctl, &order, result);
		json_decref(result);
	}
	buf_deinit(&payload);
	return status;
}
