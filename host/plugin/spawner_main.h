/* The spawner's own side: what the process that spawner.c forks does until its end. */
#ifndef PLUGD_PLUGIN_SPAWNER_MAIN_H
#define PLUGD_PLUGIN_SPAWNER_MAIN_H

#include <stddef.h>

#define SPAWNER_NAME "plugd-spawner" /* in ps; 15 bytes at most */

/* The requests, each with a leash: a keeper for it. A caged one is the first process of a process
 * namespace, in a user namespace where we are not root; where the kernel grants neither, it is a
 * plain one. */
#define SPAWNER_PLAIN 'k'
#define SPAWNER_CAGED 'c'

/* Takes the process over, which was forked for it with all signals blocked: closes all descriptors
 * but the socket, and answers requests until the other end of the socket is closed. */
void spawner_main(int socket) __attribute__((noreturn));

#endif
