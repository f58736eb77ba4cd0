/* The operator's door.
 *
 * Owns the listening socket and its clients. The file's mode keeps others out; the kernel's word on
 * who connects (SO_PEERCRED) is asked all the same, so that a mode changed by hand opens nothing.
 * Started and stopped by host.c. It fails at start, with a reason, or for one client. */
#include "admin/control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/peer.h"
#include "admin/socket.h"
#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

#define ACCEPTS_PER_TURN 8

/* Where accept() failed for want of descriptors or memory, the loop must not spin on it. */
#define ACCEPT_PAUSE_MS 100

struct control {
	struct loop *loop;
	struct log *log;
	struct answered (*on_request)(void *user, const char *command, json_t *args,
				      struct reply *reply);
	void (*on_stranger)(void *user, const struct audit_actor *actor);
	void *user;
	struct socket_file sock;
	struct loop_io io;
	struct loop_timer accept_again;
	struct peer_list peers; /* silent for longest first */
	unsigned peer_count;
};

/* ---- clients ---- */

static void end_peer(struct control *control, struct peer *peer)
{
	TAILQ_REMOVE(&control->peers, peer, link);
	control->peer_count--;
	peer_close(peer);
}

static struct answered on_peer_request(void *user, struct peer *peer,
				       const struct line_request *request, struct reply *reply)
{
	struct control *control = user;

	TAILQ_REMOVE(&control->peers, peer, link);
	TAILQ_INSERT_TAIL(&control->peers, peer, link);
	log_event(control->log, LOG_DEBUG, "admin.request", "",
		  LOG_STR("command", request->command));
	return control->on_request(control->user, request->command, request->args, reply);
}

static void on_peer_gone(void *user, struct peer *peer)
{
	end_peer(user, peer);
}

static const struct peer_ops peer_ops = {on_peer_request, on_peer_gone};

/* ---- new clients ---- */

static bool is_welcome(struct control *control, int fd, struct audit_actor *caller)
{
	if (!admin_socket_caller(fd, caller)) {
		log_event(control->log, LOG_WARN, "admin.refused",
			  "the kernel does not say who connects");
		return false;
	}
	if (caller->uid != 0 && caller->uid != geteuid()) {
		log_event(control->log, LOG_WARN, "admin.refused",
			  "only root and the host's own user may command it",
			  LOG_INT("uid", caller->uid), LOG_INT("pid", caller->pid));
		if (control->on_stranger)
			control->on_stranger(control->user, caller);
		return false;
	}
	return true;
}

/* True when there is a place for one more. */
static bool make_room(struct control *control)
{
	struct peer *peer;

	if (control->peer_count < CONTROL_MAX_PEERS)
		return true;
	TAILQ_FOREACH (peer, &control->peers, link) {
		if (peer_is_idle(peer)) {
			end_peer(control, peer);
			return true;
		}
	}
	return false;
}

static void take_client(struct control *control, int fd)
{
	struct audit_actor caller;
	struct peer *peer;
	struct err err;

	if (!is_welcome(control, fd, &caller)) {
		fd_close(&fd);
		return;
	}
	bool has_room = make_room(control);
	peer = peer_new(control->loop, fd, &peer_ops, control);
	peer->caller = caller;
	if (!has_room) {
		err_set(&err, ERR_ADMIN_SOCKET, "%d clients are busy with the admin socket",
			CONTROL_MAX_PEERS);
		peer_refuse(peer, &err);
		peer_close(peer);
		return;
	}
	TAILQ_INSERT_TAIL(&control->peers, peer, link);
	control->peer_count++;
}

static void on_connect(void *user, bool readable, bool writable)
{
	struct control *control = user;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(control->sock.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			take_client(control, fd);
		} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			log_event(control->log, LOG_WARN, "admin.accept_failed", "tries again soon",
				  LOG_INT("errno", errno));
			loop_io_want(&control->io, false, false);
			loop_timer_start(&control->accept_again, ACCEPT_PAUSE_MS);
			return;
		} else {
			return;
		}
	}
}

static void on_accept_again(void *user)
{
	struct control *control = user;

	loop_io_want(&control->io, true, false);
}

/* ---- life ---- */

int control_start(const struct control_opts *opts, struct control **out, struct err *err)
{
	struct control *control;
	struct socket_file sock;
	int r = admin_socket_open(&sock, opts->path, err);

	if (r < 0)
		return r;
	control = mem_new(struct control);
	control->loop = opts->loop;
	control->log = opts->log;
	control->on_request = opts->on_request;
	control->on_stranger = opts->on_stranger;
	control->user = opts->user;
	control->sock = sock;
	TAILQ_INIT(&control->peers);
	loop_io_init(&control->io, opts->loop, sock.fd, on_connect, control);
	loop_io_want(&control->io, true, false);
	loop_timer_init(&control->accept_again, opts->loop, on_accept_again, control);
	*out = control;
	return 0;
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	while (!TAILQ_EMPTY(&control->peers))
		end_peer(control, TAILQ_FIRST(&control->peers));
	loop_timer_stop(&control->accept_again);
	loop_io_want(&control->io, false, false);
	socket_file_close(&control->sock);
	free(control);
}

unsigned control_peers(const struct control *control)
{
	return control->peer_count;
}
