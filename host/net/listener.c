/* Accepts clients.
 *
 *	OPEN ─ listener_stop ─▶ STOPPING ─ last connection gone ─▶ STOPPED
 *
 * It owns the listening sockets, what connections share, and the connections. Other addresses are
 * opened beside the old ones before those are closed, and an address that stays is not touched. It
 * never accepts more than max_connections: then the kernel queues the rest, until one ends. When
 * descriptors or memory run out it pauses for a moment instead of being woken for ever by a client
 * that it can't take. host.c and admin/ call it. */
#include "net/listener.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/cidr.h"
#include "net/conn.h"
#include "net/crowd.h"
#include "net/http1_stream.h"
#include "observe/errors.h"

#define BACKLOG	      1024
#define ACCEPT_BUDGET 64 /* per wake-up, so that new clients don't starve the old ones */
#define PAUSE_MS      100

/* A watcher must stay where it is, so each door has memory of its own. */
struct door {
	struct listener *listener;
	char *text; /* the address as it was written */
	int fd;
	struct loop_io io;
	unsigned port;
	bool is_kept; /* by the options that are being prepared */
};

struct doors {
	struct door **items; /* in the order of the options */
	size_t count;
};

struct listener {
	struct listener_opts opts;
	struct commons commons;
	struct doors doors;
	struct doors next; /* those that are prepared; items NULL: nothing is */
	const struct net_opts *next_net;
	struct conn_list conns;
	unsigned conn_count;
	struct crowd crowd;	  /* of them */
	struct cidr_list trusted; /* proxies: they come for many, and are not counted */
	bool is_paused;
	bool is_told; /* on_stopped was called */
	struct loop_timer pause;
	struct loop_flush last_gone;
};

/* ---- interest ---- */

static void listener_update(struct listener *listener)
{
	bool wants =
		!listener->is_paused && listener->conn_count < listener->opts.net->max_connections;

	for (size_t i = 0; i < listener->doors.count; i++) {
		struct door *door = listener->doors.items[i];

		if (door->fd >= 0)
			loop_io_want(&door->io, wants, false);
	}
}

static void on_pause_over(void *user)
{
	struct listener *listener = user;

	listener->is_paused = false;
	listener_update(listener);
}

static void listener_pause(struct listener *listener, int errnum)
{
	struct err err = {0};

	err_set_errno(&err, ERR_LISTEN, errnum, "can't accept clients, trying again in %d ms",
		      PAUSE_MS);
	log_event(listener->opts.log, LOG_WARN, "listener.paused", err.text,
		  LOG_INT("connections", listener->conn_count));
	listener->is_paused = true;
	loop_timer_start(&listener->pause, PAUSE_MS);
}

/* ---- connections ---- */

static void on_last_gone(void *user)
{
	struct listener *listener = user;

	if (listener->conn_count > 0 || listener->is_told)
		return;
	listener->is_told = true;
	if (listener->opts.on_stopped)
		listener->opts.on_stopped(listener->opts.stopped_user);
}

static void listener_tell_if_stopped(struct listener *listener)
{
	if (listener->commons.is_stopping && listener->conn_count == 0)
		loop_flush_queue(listener->opts.loop, &listener->last_gone);
}

static struct ip peer_ip(struct str peer)
{
	struct ip ip;
	unsigned port;

	ip_parse_node(peer, &ip, &port);
	return ip;
}

/* False: this client has as many connections as it may. */
static bool listener_has_room_for(struct listener *listener, const struct addr *peer)
{
	char text[ADDR_TEXT];
	unsigned limit = listener->opts.net->max_connections_per_address;
	struct ip ip;
	struct err err;

	addr_format(peer, text);
	ip = peer_ip(str_from(text));
	if (cidr_list_has(&listener->trusted, &ip))
		limit = 0;
	switch (crowd_enter(&listener->crowd, &ip, limit)) {
	case CROWD_IN:
		return true;
	case CROWD_FULL:
		err_set(&err, ERR_CLIENT_CONNECTIONS,
			"has %u connections; more of it are closed until it has none", limit);
		log_event(listener->opts.log, LOG_WARN, "listener.crowded", err.text,
			  LOG_STR("peer", text), LOG_INT("code", err.code));
		return false;
	case CROWD_FULL_AGAIN:
		break;
	}
	return false;
}

static void on_conn_gone(void *user, struct conn *conn)
{
	struct listener *listener = user;

	struct ip ip = peer_ip(conn_peer(conn));

	crowd_leave(&listener->crowd, &ip);
	conn_list_remove(&listener->conns, conn);
	listener->conn_count--;
	listener_update(listener);
	listener_tell_if_stopped(listener);
}

static struct conn *listener_admit(struct listener *listener, int fd, const struct addr *peer)
{
	int on = 1;

	/* Each answer is written whole, once per turn: waiting for more could only delay it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct conn *conn = conn_new(&listener->commons, fd, peer, on_conn_gone, listener);
	conn_list_insert(&listener->conns, conn);
	listener->conn_count++;
	http1_stream_start(conn);
	return conn;
}

/* ---- accepting ---- */

/* Errors of a client that left while it waited (accept(2)): the next may be fine. */
static bool is_of_client(int errnum)
{
	switch (errnum) {
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENOPROTOOPT:
	case ENONET:
	case EPERM:
		return true;
	default:
		return false;
	}
}

/* The new connection; NULL when nobody waits, or none can be taken now. */
static struct conn *door_accept(struct door *door)
{
	struct listener *listener = door->listener;
	struct addr peer = {.len = sizeof(peer.storage)};

	for (int tries = 0; tries < ACCEPT_BUDGET; tries++) {
		int fd = accept4(door->fd, (struct sockaddr *)&peer.storage, &peer.len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && listener_has_room_for(listener, &peer))
			return listener_admit(listener, fd, &peer);
		if (fd >= 0) {
			fd_close(&fd);
			continue;
		}
		if (errno == EAGAIN)
			return NULL;
		if (!is_of_client(errno)) {
			listener_pause(listener, errno);
			return NULL;
		}
	}
	return NULL;
}

static void on_door_ready(void *user, bool readable, bool writable)
{
	struct door *door = user;
	struct listener *listener = door->listener;

	for (int i = 0; i < ACCEPT_BUDGET; i++) {
		if (listener->conn_count >= listener->opts.net->max_connections ||
		    !door_accept(door))
			break;
	}
	listener_update(listener);
}

/* ---- opening ---- */

static int addr_listen(const struct addr *addr, int *fd_out)
{
	int on = 1;
	int only_v6 = !addr->is_any;
	int fd = socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
	if (bind(fd, (const struct sockaddr *)&addr->storage, addr->len) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		int errnum = errno;
		fd_close(&fd);
		return -errnum;
	}
	*fd_out = fd;
	return 0;
}

/* ":8080" on a kernel without IPv6. */
static int addr_listen_any(const struct addr *addr, int *fd_out)
{
	int rc = addr_listen(addr, fd_out);
	struct addr v4 = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&v4.storage;

	if (!addr->is_any || (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL))
		return rc;
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)addr_port(addr));
	return addr_listen(&v4, fd_out);
}

static unsigned fd_port(int fd)
{
	struct addr addr = {.len = sizeof(addr.storage)};

	if (getsockname(fd, (struct sockaddr *)&addr.storage, &addr.len) < 0)
		return 0;
	return addr_port(&addr);
}

static int door_listen(struct door *door, struct err *err)
{
	struct addr addr;
	int rc = addr_parse(str_from(door->text), &addr, err);

	if (rc < 0)
		return rc;
	rc = addr_listen_any(&addr, &door->fd);
	if (rc < 0)
		return err_set_errno(err, ERR_LISTEN, -rc, "can't listen on %s", door->text);
	door->port = fd_port(door->fd);
	loop_io_init(&door->io, door->listener->opts.loop, door->fd, on_door_ready, door);
	return 0;
}

static void door_close(struct door *door)
{
	if (door->fd < 0)
		return;
	loop_io_want(&door->io, false, false);
	fd_close(&door->fd);
}

static void door_free(struct door *door)
{
	door_close(door);
	free(door->text);
	free(door);
}

/* Returns owned; NULL with *err. */
static struct door *door_open(struct listener *listener, const char *text, struct err *err)
{
	struct door *door = mem_new(struct door);

	door->listener = listener;
	door->text = mem_strdup(text);
	door->fd = -1;
	if (door_listen(door, err) == 0)
		return door;
	door_free(door);
	return NULL;
}

static struct door *doors_find(const struct doors *doors, const char *text)
{
	for (size_t i = 0; i < doors->count; i++) {
		if (strcmp(doors->items[i]->text, text) == 0)
			return doors->items[i];
	}
	return NULL;
}

static void doors_forget(struct doors *doors)
{
	free(doors->items);
	*doors = (struct doors){0};
}

/* ---- other options ---- */

int listener_prepare(struct listener *listener, const struct net_opts *net, struct err *err)
{
	size_t count = 0;

	assert(!listener->next.items);
	while (net->listen && net->listen[count])
		count++;
	listener->next.items = mem_array(count + 1, sizeof(*listener->next.items));
	listener->next_net = net;
	for (size_t i = 0; i < count; i++) {
		struct door *door = doors_find(&listener->doors, net->listen[i]);

		if (door)
			door->is_kept = true;
		else
			door = door_open(listener, net->listen[i], err);
		if (!door) {
			listener_drop(listener);
			return -EADDRNOTAVAIL;
		}
		listener->next.items[listener->next.count++] = door;
	}
	return 0;
}

void listener_drop(struct listener *listener)
{
	for (size_t i = 0; i < listener->next.count; i++) {
		struct door *door = listener->next.items[i];

		if (door->is_kept)
			door->is_kept = false;
		else
			door_free(door);
	}
	doors_forget(&listener->next);
}

/* A client that the kernel has connected is one of ours. */
static void door_take_waiting(struct door *door)
{
	const struct listener *listener = door->listener;

	while (door->fd >= 0 && listener->conn_count < listener->opts.net->max_connections &&
	       door_accept(door))
		;
}

void listener_commit(struct listener *listener)
{
	struct doors old = listener->doors;

	assert(listener->next.items);
	listener->opts.net = listener->next_net;
	listener->commons.opts = listener->next_net;
	cidr_list_deinit(&listener->trusted);
	cidr_list_init(&listener->trusted, listener->next_net->trusted_proxies);
	for (size_t i = 0; i < old.count; i++) {
		struct door *door = old.items[i];

		if (!door->is_kept) {
			door_take_waiting(door);
			door_free(door);
		} else {
			door->is_kept = false;
		}
	}
	doors_forget(&old);
	listener->doors = listener->next;
	listener->next = (struct doors){0};
	listener_update(listener);
}

int listener_start(struct listener *listener, struct err *err)
{
	int r = listener_prepare(listener, listener->opts.net, err);

	if (r == 0)
		listener_commit(listener);
	return r;
}

/* ---- stopping ---- */

static void listener_close_doors(struct listener *listener)
{
	listener_drop(listener);
	for (size_t i = 0; i < listener->doors.count; i++)
		door_free(listener->doors.items[i]);
	doors_forget(&listener->doors);
}

void listener_stop(struct listener *listener)
{
	struct conn *conn;

	if (listener->commons.is_stopping)
		return;
	listener->commons.is_stopping = true;
	for (size_t i = 0; i < listener->doors.count; i++)
		door_take_waiting(listener->doors.items[i]);
	listener_close_doors(listener);
	loop_timer_stop(&listener->pause);
	for (conn = conn_list_first(&listener->conns); conn; conn = conn_list_next(conn))
		conn_stop(conn);
	listener_tell_if_stopped(listener);
}

/* ---- birth and death ---- */

struct listener *listener_new(const struct listener_opts *opts)
{
	struct listener *listener = mem_new(struct listener);

	listener->opts = *opts;
	commons_init(&listener->commons, opts->loop, opts->net, opts->upcalls, opts->user);
	TAILQ_INIT(&listener->conns);
	loop_timer_init(&listener->pause, opts->loop, on_pause_over, listener);
	loop_flush_init(&listener->last_gone, on_last_gone, listener);
	return listener;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	listener_close_doors(listener);
	loop_timer_stop(&listener->pause);
	while (conn_list_first(&listener->conns))
		conn_kill(conn_list_first(&listener->conns));
	loop_flush_cancel(listener->opts.loop, &listener->last_gone);
	commons_deinit(&listener->commons);
	cidr_list_deinit(&listener->trusted);
	free(listener);
}

unsigned listener_connections(const struct listener *listener)
{
	return listener->conn_count;
}

unsigned listener_port(const struct listener *listener, size_t n)
{
	return n < listener->doors.count ? listener->doors.items[n]->port : 0;
}
