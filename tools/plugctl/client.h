/* Asking a running host: its admin socket, one request after the other. */
#ifndef PLUGCTL_CLIENT_H
#define PLUGCTL_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

struct client {
	int fd;
	struct buf in;
};

/* 0, or -errno and *err with ERR_ADMIN_SOCKET. */
int client_open(struct client *client, const char *path, struct err *err);
void client_close(struct client *client);

/* Sends a command and waits for its reply. `args` is taken; NULL: none. 0 and *result_out (returns
 * owned), or -errno and
 * *err: the host's own, or ERR_ADMIN_SOCKET when the conversation broke. */
int client_ask(struct client *client, const char *command, json_t *args, json_t **result_out,
	       struct err *err);

/* The same for a command that takes long: on_progress gets each piece of news before the reply. */
typedef void client_progress_fn(void *user, const json_t *news);

int client_watch(struct client *client, const char *command, json_t *args,
		 client_progress_fn *on_progress, void *user, json_t **result_out, struct err *err);

#endif
