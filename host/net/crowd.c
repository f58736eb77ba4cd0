/* Connections of each client, counted. listener.c calls it. A row lives as long as its client has a
 * connection. Clients without an address (Unix sockets) are not counted: they are the machine's
 * own, and max_connections bounds them. */
#include "net/crowd.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* uthash asks for memory here, and for what to do when there is none. */
#define uthash_malloc(bytes)  mem_alloc(bytes)
#define uthash_fatal(message) abort()
#include <uthash.h>

struct crowd_member {
	struct ip ip;
	unsigned count;
	bool is_told;
	UT_hash_handle hh;
};

static bool is_counted(const struct ip *ip)
{
	return ip->kind == IP_V4 || ip->kind == IP_V6;
}

enum crowd_verdict crowd_enter(struct crowd *crowd, const struct ip *ip, unsigned limit)
{
	struct ip client = ip_client(ip);
	struct crowd_member *member;
	bool was_told;

	if (!is_counted(ip))
		return CROWD_IN;
	HASH_FIND(hh, crowd->members, &client, sizeof(client), member);
	if (!member) {
		member = mem_new(struct crowd_member);
		member->ip = client;
		HASH_ADD(hh, crowd->members, ip, sizeof(member->ip), member);
	}
	if (limit == 0 || member->count < limit) {
		member->count++;
		return CROWD_IN;
	}
	was_told = member->is_told;
	member->is_told = true;
	return was_told ? CROWD_FULL_AGAIN : CROWD_FULL;
}

void crowd_leave(struct crowd *crowd, const struct ip *ip)
{
	struct ip client = ip_client(ip);
	struct crowd_member *member;

	if (!is_counted(ip))
		return;
	HASH_FIND(hh, crowd->members, &client, sizeof(client), member);
	assert(member && member->count > 0);
	if (--member->count > 0)
		return;
	HASH_DEL(crowd->members, member);
	free(member);
}
