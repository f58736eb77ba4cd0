/* One line of the admin socket, both ways. A line comes from an operator's tool, or from anything
 * that the operator's account runs: whatever is in it, the answer is a request or a sentence.
 * Called by a peer for each line. */
#include "admin/line.h"

#include <errno.h>
#include <string.h>

#include "base/member.h"
#include "observe/errors.h"

static int line_refuse_members(json_t *root, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach (root, name, value) {
		if (strcmp(name, "command") != 0 && strcmp(name, "args") != 0)
			return err_set(err, ERR_ADMIN_REQUEST,
				       "a request has the members \"command\" and \"args\", not "
				       "\"%.60s\"",
				       name);
	}
	return 0;
}

static int line_take(struct line_request *request, struct err *err)
{
	json_t *command = json_object_get(request->root, "command");
	json_t *args = json_object_get(request->root, "args");

	if (!json_is_string(command))
		return err_set(err, ERR_ADMIN_REQUEST,
			       "a request is an object with a text \"command\", for example "
			       "{\"command\":\"status\"}");
	if (args && !json_is_object(args))
		return err_set(err, ERR_ADMIN_REQUEST, "\"args\" is not an object");
	if (!args) {
		args = json_object();
		member_json(request->root, "args", args);
	}
	request->command = json_string_value(command);
	request->args = args;
	return line_refuse_members(request->root, err);
}

int line_parse(struct str line, struct line_request *out, struct err *err)
{
	json_error_t why;
	int r;

	*out = (struct line_request){
		.root = json_loadb(line.len ? line.data : "", line.len,
				   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why),
	};
	if (!out->root)
		return err_set(err, ERR_ADMIN_REQUEST, "the line is not JSON: %s at byte %d",
			       why.text, why.position);
	r = line_take(out, err);
	if (r < 0)
		line_request_deinit(out);
	return r;
}

void line_request_deinit(struct line_request *request)
{
	json_decref(request->root);
	*request = (struct line_request){0};
}

static int append(const char *data, size_t len, void *user)
{
	buf_append(user, data, len);
	return 0;
}

static void line_put(struct buf *out, json_t *reply)
{
	json_dump_callback(reply, append, out, JSON_COMPACT);
	buf_append(out, "\n", 1);
	json_decref(reply);
}

void line_put_result(struct buf *out, json_t *result)
{
	json_t *reply = json_object();

	member_bool(reply, "ok", true);
	member_json(reply, "result", result);
	line_put(out, reply);
}

void line_put_progress(struct buf *out, json_t *news)
{
	json_t *line = json_object();

	member_json(line, "progress", news);
	line_put(out, line);
}

void line_put_error(struct buf *out, const struct err *err)
{
	const struct error_row *row = error_find(err->code);
	json_t *reply = json_object();
	json_t *error = json_object();

	member_int(error, "code", err->code);
	member_text(error, "name", row ? row->name : "");
	member_text(error, "message", err->text);
	member_text(error, "remedy", row ? row->remedy : "");
	member_bool(reply, "ok", false);
	member_json(reply, "error", error);
	line_put(out, reply);
}
