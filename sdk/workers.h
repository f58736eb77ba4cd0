/* The pool that runs handlers and stream events when plug_plugin.threads is not 0. */
#ifndef PLUG_WORKERS_H
#define PLUG_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

struct plug;
struct workers;

/* NULL when no thread could be started. */
struct workers *workers_start(struct plug *plug, unsigned count);

/* Something was put into the run queue; with plug->lock. */
void workers_wake(struct workers *workers);

/* Lets the threads end after what they are running. False when one of them did not within that
 * time: then it may still use the plug. NULL is fine. */
bool workers_stop(struct workers *workers, int64_t patience_ms);

#endif
