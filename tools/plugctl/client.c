/* Asking a running host. Blocks until the host answers or hangs up: a call may take as long as its
 * deadline, and who waits at the terminal can interrupt it, which the host takes as a cancel. */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "observe/errors.h"

/* More than the longest answer of a call, which is 16 MiB as base64. */
#define REPLY_MAX_BYTES ((size_t)64 << 20)
#define READ_BYTES	((size_t)64 << 10)

int client_open(struct client *client, const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*client = (struct client){.fd = -1};
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_ADMIN_SOCKET,
			       "the path of the socket has %zu bytes; at most %zu are possible",
			       strlen(path), sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int errnum = errno;

		fd_close(&client->fd);
		return err_set_errno(err, ERR_ADMIN_SOCKET, errnum, "no host answers at %s", path);
	}
	return 0;
}

void client_close(struct client *client)
{
	fd_close(&client->fd);
	buf_deinit(&client->in);
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -errno;
		data += sent > 0 ? sent : 0;
		len -= sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

static int send_request(struct client *client, const char *command, json_t *args, struct err *err)
{
	json_t *request = json_object();
	char *text;
	int r;

	json_object_set_new(request, "command", json_string(command));
	if (args)
		json_object_set_new(request, "args", args);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	r = text ? send_all(client->fd, text, strlen(text)) : -EILSEQ;
	if (r == 0)
		r = send_all(client->fd, "\n", 1);
	free(text);
	if (r == -EPIPE || r == -ECONNRESET)
		return 0; /* a host that hangs up has said why */
	return r < 0 ? err_set_errno(err, ERR_ADMIN_SOCKET, -r, "the request can't be sent") : 0;
}

/* Until there is a newline, perhaps one that came with the line before; *len_out is what stands
 * before it. */
static int read_line(struct client *client, size_t *len_out, struct err *err)
{
	size_t looked = 0;
	const uint8_t *end;

	for (;;) {
		size_t len = buf_len(&client->in);
		uint8_t *room = buf_reserve(&client->in, READ_BYTES);
		ssize_t got;

		end = memchr(buf_front(&client->in) + looked, '\n', len - looked);
		if (end)
			break;
		looked = len;
		got = recv(client->fd, room, READ_BYTES, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_ADMIN_SOCKET, errno, "no reply");
		if (got == 0 || len > REPLY_MAX_BYTES)
			return err_set(err, ERR_ADMIN_SOCKET,
				       got ? "the reply has no end" : "the host hung up");
		buf_commit(&client->in, (size_t)got);
	}
	*len_out = (size_t)(end - buf_front(&client->in));
	return 0;
}

static int take_error(const json_t *reply, struct err *err)
{
	const json_t *error = json_object_get(reply, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	return err_set(err, (int)json_integer_value(json_object_get(error, "code")), "%s",
		       message ? message : "the host gave no reason");
}

static int read_json(struct client *client, json_t **out, struct err *err)
{
	size_t len = 0;
	int r = read_line(client, &len, err);

	if (r < 0)
		return r;
	*out = json_loadb((const char *)buf_front(&client->in), len,
			  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	buf_consume(&client->in, len + 1);
	return *out ? 0 : err_set(err, ERR_ADMIN_SOCKET, "the reply is not JSON");
}

/* The next line that is no news. */
static int read_reply(struct client *client, client_progress_fn *on_progress, void *user,
		      json_t **out, struct err *err)
{
	for (;;) {
		int r = read_json(client, out, err);
		const json_t *news = r == 0 ? json_object_get(*out, "progress") : NULL;

		if (!news)
			return r;
		if (on_progress)
			on_progress(user, news);
		json_decref(*out);
	}
}

int client_watch(struct client *client, const char *command, json_t *args,
		 client_progress_fn *on_progress, void *user, json_t **result_out, struct err *err)
{
	json_t *reply;
	int r = send_request(client, command, args, err);

	if (r == 0)
		r = read_reply(client, on_progress, user, &reply, err);
	if (r < 0)
		return r;
	if (!json_is_true(json_object_get(reply, "ok")))
		r = take_error(reply, err);
	else
		*result_out = json_incref(json_object_get(reply, "result"));
	json_decref(reply);
	return r;
}

int client_ask(struct client *client, const char *command, json_t *args, json_t **result_out,
	       struct err *err)
{
	return client_watch(client, command, args, NULL, NULL, result_out, err);
}
