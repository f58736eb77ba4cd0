/* Lines for the host's log. */
#ifndef PLUG_LOG_H
#define PLUG_LOG_H

#include <stdbool.h>

struct plug;

/* From now on lines go to this plugin's host; with NULL to stderr. Lines that were not taken are
 * freed. */
void log_use(struct plug *plug);

/* Stages the lines that wait, unless the host is slow to read. Only at home. */
void log_stage(struct plug *plug);

/* Whether there are some. */
bool log_waits(void);

#endif
