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
#include "net/endpoint.h"
#include "net/http1_stream.h"
#include "net/http2.h"
#include "net/listening.h"
#include "net/preface.h"
#include "net/tls.h"
#include "observe/errors.h"

#define ACCEPT_BUDGET	64 /* per wake-up, so that new clients don't starve the old ones */
#define PAUSE_MS	100
#define FIRST_FREE_PORT 1024u /* those below are root's */

/* A watcher must stay where it is, so each door has memory of its own. */
struct door {
	struct listener *listener;
	char *where; /* the address as it was written */
	bool is_tls;
	bool is_next_tls; /* by the options that are being prepared */
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
	struct tls *tls; /* of new connections; NULL: there are no certificates */
	struct tls *next_tls;
	struct tls_tickets *tickets;
	struct tls_counts tls_counts;
	struct conn_list conns;
	unsigned conn_count;
	struct listener_counts counts;
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
	listener->counts.paused++;
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
	listener->counts.crowded++;
	switch (crowd_enter(&listener->crowd, &ip, limit)) {
	case CROWD_IN:
		listener->counts.crowded--;
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

/* For ALPN, ours first; without HTTP/2 from the second on. */
static const char *const protocol_names[] = {"h2", "http/1.1", NULL};

/* What a client has agreed to; where it has named nothing, what it begins with. */
static void on_conn_open(void *user, struct conn *conn)
{
	const char *name = conn_protocol(conn);

	if (name && strcmp(name, protocol_names[0]) == 0)
		http2_start(conn);
	else if (!name && conn_commons(conn)->opts->http2 && !conn_is_misdirected(conn))
		preface_start(conn);
	else
		http1_stream_start(conn);
}

static const struct conn_owner conn_owner = {.on_open = on_conn_open, .on_gone = on_conn_gone};

static struct conn *listener_admit(struct listener *listener, int fd, const struct addr *peer,
				   bool is_tls)
{
	int on = 1;

	/* Each answer is written whole, once per turn: waiting for more could only delay it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct conn *conn = conn_new(&listener->commons, fd, peer, &conn_owner, listener);
	conn_list_insert(&listener->conns, conn);
	listener->conn_count++;
	listener->counts.accepted++;
	listener->counts.full += listener->conn_count == listener->opts.net->max_connections;
	conn_greet(conn, is_tls ? tls_accept(listener->tls, conn_peer(conn)) : NULL);
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
			return listener_admit(listener, fd, &peer, door->is_tls);
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

static int door_refused(const struct door *door, const struct addr *addr, int errnum,
			struct err *err)
{
	if (errnum == EACCES && addr_port(addr) < FIRST_FREE_PORT)
		return err_set(
			err, ERR_LISTEN,
			"can't listen on %s: only root may, because its port is below %u; a "
			"plugd that is started as root opens such addresses before it becomes "
			"process.user, so restart it",
			door->where, FIRST_FREE_PORT);
	return err_set_errno(err, ERR_LISTEN, errnum, "can't listen on %s", door->where);
}

static int door_listen(struct door *door, const struct addr *addr, struct err *err)
{
	int rc = listening_open(addr, &door->fd);

	if (rc < 0)
		return door_refused(door, addr, -rc, err);
	door->port = listening_port(door->fd);
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
	free(door->where);
	free(door);
}

/* Returns owned; NULL with *err. */
static struct door *door_open(struct listener *listener, const struct endpoint *endpoint,
			      struct err *err)
{
	struct door *door = mem_new(struct door);

	door->listener = listener;
	door->where = mem_strndup(endpoint->where);
	door->is_tls = endpoint->is_tls;
	door->fd = -1;
	if (door_listen(door, &endpoint->addr, err) == 0)
		return door;
	door_free(door);
	return NULL;
}

static struct door *doors_find(const struct doors *doors, struct str where)
{
	for (size_t i = 0; i < doors->count; i++) {
		if (str_eq(str_from(doors->items[i]->where), where))
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

/* An address that stays keeps its socket, whatever is spoken there from now on. */
static int prepare_door(struct listener *listener, const char *text, struct err *err)
{
	struct endpoint endpoint;
	struct door *door;
	int r = endpoint_parse(str_from(text), &endpoint, err);

	if (r < 0)
		return r;
	door = doors_find(&listener->doors, endpoint.where);
	if (endpoint.is_tls && !listener->next_tls)
		return err_set(err, ERR_LISTEN, "%s needs a certificate in tls.certificates", text);
	if (door && door->is_kept)
		return err_set(err, ERR_LISTEN, "can't listen on %s twice", door->where);
	if (door)
		door->is_kept = true;
	else
		door = door_open(listener, &endpoint, err);
	if (!door)
		return -EADDRNOTAVAIL;
	door->is_next_tls = endpoint.is_tls;
	listener->next.items[listener->next.count++] = door;
	return 0;
}

static int prepare_doors(struct listener *listener, const struct net_opts *net, struct err *err)
{
	size_t count = 0;
	int r = 0;

	while (net->listen && net->listen[count])
		count++;
	listener->next.items = mem_array(count + 1, sizeof(*listener->next.items));
	for (size_t i = 0; r == 0 && i < count; i++)
		r = prepare_door(listener, net->listen[i], err);
	return r;
}

/* Certificates are read although no address may want them: so that their faults are told now. */
static int prepare_tls(struct listener *listener, const struct net_opts *net, struct err *err)
{
	const struct tls_setup setup = {
		.opts = &net->tls,
		.tickets = listener->tickets,
		.counts = &listener->tls_counts,
		.protocols = net->http2 ? protocol_names : protocol_names + 1,
		.log = listener->opts.log,
	};

	if (net->tls.certificate_count == 0)
		return 0;
	listener->next_tls = tls_new(&setup, err);
	return listener->next_tls ? 0 : -EINVAL;
}

int listener_prepare(struct listener *listener, const struct net_opts *net, struct err *err)
{
	int r;

	assert(!listener->next.items);
	listener->next_net = net;
	r = prepare_tls(listener, net, err);
	if (r == 0)
		r = prepare_doors(listener, net, err);
	if (r < 0)
		listener_drop(listener);
	return r;
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
	tls_release(listener->next_tls);
	listener->next_tls = NULL;
}

static void commit_tls(struct listener *listener)
{
	tls_release(listener->tls);
	listener->tls = listener->next_tls;
	listener->next_tls = NULL;
	tls_tickets_apply(listener->tickets, &listener->next_net->tls);
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
	for (size_t i = 0; i < listener->doors.count; i++)
		listener->doors.items[i]->is_tls = listener->doors.items[i]->is_next_tls;
	commit_tls(listener);
	listener_update(listener);
}

void listener_serve(struct listener *listener, void *user)
{
	listener->opts.user = user;
	listener->commons.user = user;
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
	listener->tickets = tls_tickets_new(opts->loop);
	tls_counts_init(&listener->tls_counts, opts->metrics);
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
	tls_release(listener->tls);
	tls_tickets_free(listener->tickets);
	commons_deinit(&listener->commons);
	cidr_list_deinit(&listener->trusted);
	free(listener);
}

unsigned listener_connections(const struct listener *listener)
{
	return listener->conn_count;
}

struct listener_counts listener_counts(const struct listener *listener)
{
	return listener->counts;
}

unsigned listener_port(const struct listener *listener, size_t n)
{
	return n < listener->doors.count ? listener->doors.items[n]->port : 0;
}
