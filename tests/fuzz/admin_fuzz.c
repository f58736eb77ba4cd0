/* Whatever a client of the admin socket sends, it gets lines of JSON, and the host lives on. The
 * bytes go through a real socket, a peer, and the table of commands over an office where nothing
 * runs. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/commands.h"
#include "admin/peer.h"
#include "observe/errors.h"
#include "plugin/crashes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char name[] = "echo";
static char file[] = "/opt/echo";
static char pattern[] = "/echo";

static const struct plugin_opts plugin = {
	.name = name,
	.executable = file,
	.enabled = true,
	.instances = 1,
	.concurrency = 1,
	.max_message_bytes = 1024,
};

static struct route_opts route = {.path = pattern, .plugin = name};
static const struct edge_opts edge = {.routes = &route, .route_count = 1};

static const struct manifest_method method = {
	.number = 1, .name = "Say", .codec = CODEC_BYTES, .input_type = "", .output_type = ""};
static const struct manifest_service service = {
	.name = "echo.v1.Echo", .version = "1.0.0", .methods = &method, .method_count = 1};
static struct manifest manifest = {.holders = 1,
				   .plugin_name = "echo",
				   .plugin_version = "1.0.0",
				   .sdk = "",
				   .services = &service,
				   .service_count = 1};

static void get_facts(void *user, struct office_facts *out)
{
	*out = (struct office_facts){.is_ready = true};
}

static struct answered on_request(void *user, struct peer *peer, const struct line_request *request,
				  struct reply *reply)
{
	return commands_run(user, request->command, request->args, reply);
}

static bool is_gone;

static void on_gone(void *user, struct peer *peer)
{
	is_gone = true;
	peer_close(peer);
}

/* The client's side: says all, listens until the host hangs up, and holds every line against what a
 * line must be. */
static void converse(struct loop *loop, int fd, const uint8_t *data, size_t size)
{
	char *heard = malloc((4 << 20) + 1);
	size_t len = 0;
	size_t said = 0;

	for (is_gone = false; !is_gone;) {
		ssize_t sent = said < size ? send(fd, data + said, size - said, MSG_NOSIGNAL) : 0;

		said += sent > 0 ? (size_t)sent : 0;
		if (said == size)
			shutdown(fd, SHUT_WR);
		loop_turn(loop, false);
		ssize_t got = recv(fd, heard + len, (4 << 20) - len, 0);
		len += got > 0 ? (size_t)got : 0;
	}
	for (char *at = heard, *end; (end = memchr(at, '\n', len - (size_t)(at - heard)));
	     at = end + 1) {
		json_t *line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);

		assert(json_is_boolean(json_object_get(line, "ok")));
		json_decref(line);
	}
	free(heard);
}

/* ---- a host that does nothing that it is asked to ---- */

static int refuse_swap(void *user, struct target *target, const struct swap_order *order,
		       const struct swap_viewer *viewer, struct err *err)
{
	return err_set(err, ERR_SWAP_REFUSED, "not here");
}

static int refuse_abort(void *user, struct target *target, struct err *err)
{
	return err_set(err, ERR_SWAP_REFUSED, "not here");
}

static int refuse_reload(void *user, bool is_dry, const struct reload_viewer *viewer,
			 struct err *err)
{
	return err_set(err, ERR_RELOAD_REFUSED, "not here");
}

static int refuse_whitelist(void *user, struct pins_report *report, struct err *err)
{
	return err_set(err, ERR_WHITELIST_FILE, "not here");
}

static const char *get_swap_step(void *user, const struct target *target)
{
	return NULL;
}

static const struct office_ops office_ops = {
	.swap = refuse_swap,
	.abort_swap = refuse_abort,
	.reload = refuse_reload,
	.reload_whitelist = refuse_whitelist,
	.get_swap_step = get_swap_step,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct peer_ops ops = {on_request, on_gone};
	struct target target;
	struct target *targets[] = {&target};
	struct office office = {.loop = loop_new(),
				.log = log_new(&(struct log_opts){.fd = STDERR_FILENO}),
				.version = "0",
				.targets = targets,
				.target_count = 1,
				.edge = &edge,
				.get_facts = get_facts,
				.ops = &office_ops};
	struct registry *registry = registry_new();
	struct crashes *crashes = crashes_new(&(struct crash_opts){.keep = 1}, NULL, NULL);
	int fds[2];

	office.registry = registry;
	office.crashes = crashes;
	office.dispatch = dispatch_new(office.loop);
	dispatch_init_target(&target, &plugin);
	if (registry_provide(registry, &target, &manifest, NULL) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	peer_new(office.loop, fds[0], &ops, &office);
	converse(office.loop, fds[1], data, size);
	close(fds[1]);
	dispatch_free(office.dispatch);
	registry_free(registry);
	target_deinit(&target);
	crashes_free(crashes);
	loop_free(office.loop);
	log_free((struct log *)office.log);
	return 0;
}
