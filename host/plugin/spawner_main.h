/* The spawner's own side: what the process that spawner.c forks does until its end. */
#ifndef PLUGD_PLUGIN_SPAWNER_MAIN_H
#define PLUGD_PLUGIN_SPAWNER_MAIN_H

#include <stddef.h>

#define SPAWNER_NAME	"plugd-spawner" /* in ps; 15 bytes at most */
#define SPAWNER_REQUEST 'k'		/* "a keeper for this leash", the one request there is */

/* Takes the process over, which was forked for it with all signals blocked: closes all descriptors
 * but the socket, and answers requests until the other end of the socket is closed. */
void spawner_main(int socket) __attribute__((noreturn));

#endif
