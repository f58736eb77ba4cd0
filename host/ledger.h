/* How many generations each plugin name has had, so that no instance's id comes twice while the
 * host runs, also when a plugin is removed and added again. Pure. */
#ifndef PLUGD_LEDGER_H
#define PLUGD_LEDGER_H

#include <stdint.h>

struct ledger_row;

/* Zeroed is a valid empty one. */
struct ledger {
	struct ledger_row *rows;
};

/* The number of the next generation, from 1. Copies the name. */
uint32_t ledger_next(struct ledger *ledger, const char *plugin);
void ledger_deinit(struct ledger *ledger);

#endif
