/* The table of refusals, made from the rows of fault.h. */
#include "net/fault.h"

const struct fault_row fault_rows[FAULT_COUNT] = {
#define FAULT(name, status, why) [FAULT_##name] = {status, why, #name},
	FAULT_ROWS(FAULT)
#undef FAULT
};
