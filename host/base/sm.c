/* What a state table allows. Each object with states has its own table and its own move function
 * that asks here. */
#include "base/sm.h"

bool sm_may_move(const struct sm_state *table, unsigned from, unsigned to)
{
	return to < 32 && (table[from].next & SM_BIT(to)) != 0;
}
