/* The keeper: a tiny process for each plugin process, its parent, and whatever that process leaves
 * behind becomes its child (it is a child subreaper). So everything below it is this one plugin's,
 * exactly, however often it forked or left its session. It tells the host how the plugin ended when
 * nothing of it is left any more. */
#ifndef PLUGD_PLUGIN_KEEPER_H
#define PLUGD_PLUGIN_KEEPER_H

#define KEEPER_NAME "plugd-keeper" /* in ps; 15 bytes at most */

struct spawner_duty;

/* Takes the process over, which was forked for it: takes the leash, waits for the plan, starts the
 * plugin, and exits after its end. Where it guards (spawner_main.h), a plan without a user is for
 * the host's, and one for root is refused. Borrows the duty until its end. All signals are blocked,
 * and no other descriptor is open above standard error. */
void keeper_run(int leash, const struct spawner_duty *duty) __attribute__((noreturn));

#endif
