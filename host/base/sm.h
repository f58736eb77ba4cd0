/* State tables: an object with three states or more is described by rows, and moves by one function
 * that checks the row. Pure. */
#ifndef PLUGD_BASE_SM_H
#define PLUGD_BASE_SM_H

#include <stdbool.h>
#include <stdint.h>

#define SM_BIT(state) (1u << (state))

struct sm_state {
	const char *name;
	uint32_t next; /* SM_BIT()s of the states that may follow */
};

/* True when the table allows the step. The caller asserts it: a step that isn't allowed is our
 * bug. */
bool sm_may_move(const struct sm_state *table, unsigned from, unsigned to);

#endif
