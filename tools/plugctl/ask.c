/* One question to the host and its answer. Opens the admin socket for it, and closes it. */
#include "ask.h"

#include "base/member.h"
#include "client.h"
#include "output.h"

json_t *ask_for(const struct plugctl *plugctl, const char *command, json_t *args)
{
	struct client client;
	json_t *result = NULL;
	struct err err;
	int r = client_open(&client, plugctl->socket, &err);

	if (r < 0) {
		json_decref(args);
	} else {
		r = client_ask(&client, command, args, &result, &err);
		client_close(&client);
	}
	if (r < 0)
		output_error(&err);
	return result;
}

enum exit_status ask_and_show(const struct plugctl *plugctl, const char *command, json_t *args,
			      ask_print_fn *print)
{
	json_t *result = ask_for(plugctl, command, args);

	if (!result)
		return STATUS_FAILED;
	if (plugctl->is_json)
		output_json(result);
	else
		print(result);
	json_decref(result);
	return STATUS_OK;
}

json_t *ask_plugin(const struct args *args)
{
	json_t *object;

	if (args->operand_count == 0)
		return NULL;
	object = json_object();
	member_text(object, "plugin", args->operands[0]);
	return object;
}
