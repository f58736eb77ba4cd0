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
#include "net/entrance.h"
#include "net/http1_stream.h"
#include "net/http2.h"
#include "net/introduction.h"
#include "net/listening.h"
#include "net/preface.h"
#include "net/tls.h"
#include "observe/errors.h"

#define ACCEPT_BUDGET 64 /* per wake-up, so that new clients don't starve the old ones */
#define PAUSE_MS      100

struct listener {
	struct listener_opts opts;
	struct commons commons;
	struct entrances entrances;
	struct entrances next; /* those that are prepared; items NULL: nothing is */
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

	for (size_t i = 0; i < listener->entrances.count; i++) {
		struct entrance *entrance = listener->entrances.items[i];

		if (entrance->fd >= 0)
			loop_io_want(&entrance->io, wants, false);
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

/* False: this client has as many connections as it may. */
static bool listener_has_room_for(struct listener *listener, const struct ip *ip, struct str peer)
{
	bool is_trusted = cidr_list_has(&listener->trusted, ip);
	unsigned limit = is_trusted ? 0 : listener->opts.net->max_connections_per_address;
	struct err err;

	listener->counts.crowded++;
	switch (crowd_enter(&listener->crowd, ip, limit)) {
	case CROWD_IN:
		listener->counts.crowded--;
		return true;
	case CROWD_FULL:
		err_set(&err, ERR_CLIENT_CONNECTIONS,
			"has %u connections; more of it are closed until it has none", limit);
		log_event(listener->opts.log, LOG_WARN, "listener.crowded", err.text,
			  LOG_STRN("peer", peer), LOG_INT("code", err.code));
		return false;
	case CROWD_FULL_AGAIN:
		break;
	}
	return false;
}

/* False: where proxies say for whom they connect, only those may connect that are believed. */
static bool entrance_is_for(const struct entrance *entrance, const struct ip *ip, struct str peer)
{
	const struct listener *listener = entrance->listener;
	struct err err;

	if (!entrance->manner.is_proxied || cidr_list_has(&listener->trusted, ip))
		return true;
	err_set(&err, ERR_PROXY_HEADER,
		"%s is for proxies, and this client is not in trusted_proxies, so it is closed",
		entrance->where);
	log_event_bulk(listener->opts.log, LOG_INFO, "proxy.refused", err.text,
		       LOG_STRN("peer", peer), LOG_INT("code", err.code));
	return false;
}

static void on_conn_gone(void *user, struct conn *conn)
{
	struct listener *listener = user;

	crowd_leave(&listener->crowd, conn_ip(conn));
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

static void listener_greet(struct listener *listener, struct conn *conn, bool is_tls)
{
	if (!is_tls)
		conn_greet(conn, NULL);
	else if (listener->tls)
		conn_greet(conn, tls_accept(listener->tls, conn_peer(conn)));
	else
		conn_kill(conn); /* a reload has taken the certificates away meanwhile */
}

/* From now on the connection counts as the client's, not as the proxy's. False: it has too many. */
static bool listener_rename(struct listener *listener, struct conn *conn,
			    const struct proxy_header *header)
{
	char client[IP_TEXT];

	ip_format_peer(&header->client, header->port, client);
	if (!listener_has_room_for(listener, &header->client, str_from(client)))
		return false;
	crowd_leave(&listener->crowd, conn_ip(conn));
	conn_set_peer(conn, &header->client, header->port);
	return true;
}

static void take_introduction(struct listener *listener, struct conn *conn,
			      const struct proxy_header *header, bool is_tls)
{
	if (header->is_own || listener_rename(listener, conn, header))
		listener_greet(listener, conn, is_tls);
	else
		conn_kill(conn);
}

static void on_introduced(void *user, struct conn *conn, const struct proxy_header *header)
{
	take_introduction(user, conn, header, false);
}

static void on_introduced_tls(void *user, struct conn *conn, const struct proxy_header *header)
{
	take_introduction(user, conn, header, true);
}

/* By whether there is TLS: a connection outlives the entrance that it came by, and what is spoken
 * there. */
static const struct conn_owner conn_owners[] = {
	{.on_introduced = on_introduced, .on_open = on_conn_open, .on_gone = on_conn_gone},
	{.on_introduced = on_introduced_tls, .on_open = on_conn_open, .on_gone = on_conn_gone},
};

static struct conn *listener_admit(struct listener *listener, int fd, const struct addr *peer,
				   struct entrance_manner manner)
{
	int on = 1;

	/* Each answer is written whole, once per turn: waiting for more could only delay it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct conn *conn =
		conn_new(&listener->commons, fd, peer, &conn_owners[manner.is_tls], listener);
	conn_list_insert(&listener->conns, conn);
	listener->conn_count++;
	listener->counts.accepted++;
	listener->counts.full += listener->conn_count == listener->opts.net->max_connections;
	if (manner.is_proxied)
		conn_introduce(conn, introduction_new(conn_peer(conn), listener->opts.log));
	else
		listener_greet(listener, conn, manner.is_tls);
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

static bool entrance_takes(struct entrance *entrance, const struct addr *addr)
{
	char text[ADDR_TEXT];
	struct ip ip = addr_ip(addr);

	addr_format(addr, text);
	return entrance_is_for(entrance, &ip, str_from(text)) &&
	       listener_has_room_for(entrance->listener, &ip, str_from(text));
}

/* The new connection; NULL when nobody waits, or none can be taken now. */
static struct conn *entrance_accept(struct entrance *entrance)
{
	struct listener *listener = entrance->listener;

	for (int tries = 0; tries < ACCEPT_BUDGET; tries++) {
		struct addr peer = {.len = sizeof(peer.storage)};
		int fd = accept4(entrance->fd, (struct sockaddr *)&peer.storage, &peer.len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && entrance_takes(entrance, &peer))
			return listener_admit(listener, fd, &peer, entrance->manner);
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

static void on_entrance_ready(void *user, bool readable, bool writable)
{
	struct entrance *entrance = user;
	struct listener *listener = entrance->listener;

	for (int i = 0; i < ACCEPT_BUDGET; i++) {
		if (listener->conn_count >= listener->opts.net->max_connections ||
		    !entrance_accept(entrance))
			break;
	}
	listener_update(listener);
}

/* ---- other options ---- */

static const struct socket_file_opts private_files = {.mode = 0600,
						      .owner = SOCKET_FILE_KEEP,
						      .group = SOCKET_FILE_KEEP,
						      .backlog = LISTENING_BACKLOG,
						      .code = ERR_UNIX_SOCKET};

/* An address that stays keeps its socket, whatever is spoken there from now on. */
static int prepare_entrance(struct listener *listener, const char *text, struct err *err)
{
	const struct entrance_setup setup = {
		.loop = listener->opts.loop,
		.listener = listener,
		.on_ready = on_entrance_ready,
		.files = listener->opts.files ? listener->opts.files : &private_files,
		.inherited = listener->opts.inherited,
		.log = listener->opts.log,
	};
	struct endpoint endpoint;
	struct entrance *entrance;
	int r = endpoint_parse(str_from(text), &endpoint, err);

	if (r < 0)
		return r;
	entrance = entrances_find(&listener->entrances, endpoint.where);
	if (endpoint.is_tls && !listener->next_tls)
		return err_set(err, ERR_LISTEN, "%s needs a certificate in tls.certificates", text);
	if (entrance && entrance->is_kept)
		return err_set(err, ERR_LISTEN, "can't listen on %s twice", entrance->where);
	if (entrance)
		entrance->is_kept = true;
	else
		entrance = entrance_open(&setup, &endpoint, err);
	if (!entrance)
		return -EADDRNOTAVAIL;
	entrance->next_manner = (struct entrance_manner){endpoint.is_tls, endpoint.is_proxied};
	listener->next.items[listener->next.count++] = entrance;
	return 0;
}

static int prepare_entrances(struct listener *listener, const struct net_opts *net, struct err *err)
{
	size_t count = 0;
	int r = 0;

	while (net->listen && net->listen[count])
		count++;
	listener->next.items = mem_array(count + 1, sizeof(*listener->next.items));
	for (size_t i = 0; r == 0 && i < count; i++)
		r = prepare_entrance(listener, net->listen[i], err);
	return r;
}

/* Certificates are read although no address may want them: so that their faults are told now. For
 * that listener; NULL: to look at the files only. */
static int load_tls(const struct net_opts *net, struct listener *listener, struct tls **tls_out,
		    struct err *err)
{
	const struct tls_setup setup = {
		.opts = &net->tls,
		.tickets = listener ? listener->tickets : NULL,
		.counts = listener ? &listener->tls_counts : NULL,
		.protocols = net->http2 ? protocol_names : protocol_names + 1,
		.log = listener ? listener->opts.log : NULL,
	};

	*tls_out = net->tls.certificate_count > 0 ? tls_new(&setup, err) : NULL;
	return net->tls.certificate_count == 0 || *tls_out ? 0 : -EINVAL;
}

int listener_check_files(const struct net_opts *net, struct err *err)
{
	struct tls *tls;
	int r = load_tls(net, NULL, &tls, err);

	tls_release(tls);
	return r;
}

int listener_prepare(struct listener *listener, const struct net_opts *net, struct err *err)
{
	int r;

	assert(!listener->next.items);
	listener->next_net = net;
	r = load_tls(net, listener, &listener->next_tls, err);
	if (r == 0)
		r = prepare_entrances(listener, net, err);
	if (r < 0)
		listener_drop(listener);
	return r;
}

void listener_drop(struct listener *listener)
{
	for (size_t i = 0; i < listener->next.count; i++) {
		struct entrance *entrance = listener->next.items[i];

		if (entrance->is_kept)
			entrance->is_kept = false;
		else
			entrance_free(entrance);
	}
	entrances_forget(&listener->next);
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
static void entrance_take_waiting(struct entrance *entrance)
{
	const struct listener *listener = entrance->listener;

	while (entrance->fd >= 0 && listener->conn_count < listener->opts.net->max_connections &&
	       entrance_accept(entrance))
		;
}

void listener_commit(struct listener *listener)
{
	struct entrances old = listener->entrances;

	assert(listener->next.items);
	listener->opts.net = listener->next_net;
	listener->commons.opts = listener->next_net;
	cidr_list_deinit(&listener->trusted);
	cidr_list_init(&listener->trusted, listener->next_net->trusted_proxies);
	for (size_t i = 0; i < old.count; i++) {
		struct entrance *entrance = old.items[i];

		if (!entrance->is_kept) {
			entrance_take_waiting(entrance);
			entrance_free(entrance);
		} else {
			entrance->is_kept = false;
		}
	}
	entrances_forget(&old);
	listener->entrances = listener->next;
	listener->next = (struct entrances){0};
	for (size_t i = 0; i < listener->entrances.count; i++)
		listener->entrances.items[i]->manner = listener->entrances.items[i]->next_manner;
	commit_tls(listener);
	inherited_keep_only(listener->opts.inherited, listener->opts.net->listen,
			    listener->opts.log);
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

static void listener_close_entrances(struct listener *listener)
{
	listener_drop(listener);
	for (size_t i = 0; i < listener->entrances.count; i++)
		entrance_free(listener->entrances.items[i]);
	entrances_forget(&listener->entrances);
}

void listener_stop(struct listener *listener)
{
	static char *const nothing[] = {NULL};
	struct conn *conn;

	if (listener->commons.is_stopping)
		return;
	listener->commons.is_stopping = true;
	for (size_t i = 0; i < listener->entrances.count; i++)
		entrance_take_waiting(listener->entrances.items[i]);
	listener_close_entrances(listener);
	inherited_keep_only(listener->opts.inherited, nothing, NULL);
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
	listener_close_entrances(listener);
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
	return n < listener->entrances.count ? listener->entrances.items[n]->port : 0;
}
