/* The spawner's own side: what the process that spawner.c forks does until its end. */
#ifndef PLUGD_PLUGIN_SPAWNER_MAIN_H
#define PLUGD_PLUGIN_SPAWNER_MAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "trust/identity.h"

#define SPAWNER_NAME "plugd-spawner" /* in ps; 15 bytes at most */

/* The requests, each with a leash: a keeper for it. A caged one is the first process of a process
 * namespace, in a user namespace where we are not root; where the kernel grants neither, it is a
 * plain one. */
#define SPAWNER_PLAIN 'k'
#define SPAWNER_CAGED 'c'

/* What becomes of the rights of root. A host that becomes another user has two kinds of spawner:
 * one that becomes the same, and one that stays root for it, with the capabilities it takes to make
 * users and namespaces. The second trusts the host no more than anybody: whatever it asks for, no
 * process of a plugin is ever root, or has root's group. */
struct spawner_duty {
	struct identity host; /* whom the host becomes; with is_other false it stays who it is */
	bool stays_root;      /* if the host becomes another */
	bool no_new_privs;    /* then: for all that is below */
};

/* Whether it guards against the host, as above. */
static inline bool spawner_is_guard(const struct spawner_duty *duty)
{
	return duty->host.is_other && duty->stays_root;
}

/* Takes the process over, which was forked for it with all signals blocked: closes all descriptors
 * but the socket, and answers requests until the other end of the socket is closed. */
void spawner_main(int socket, const struct spawner_duty *duty) __attribute__((noreturn));

#endif
